// The page: figures come to life; verdict buttons sift the table of claims.

const LEAST_WIDTH = 160; // pixels; a page that is not laid out yet is narrower

function start(figure) {
  const data = figure.querySelector('script[type="application/json"]');
  if (!data) return;
  const plot = JSON.parse(data.textContent);
  const chart = plot.kind === "heat" ? new HeatChart(figure, plot) : new LineChart(figure, plot);
  if (plot.thinned) {
    chart.stage.after(html("p", { class: "note" }, `Drawn: one point in ${plot.thinned + 1}; the record has all.`));
  }
  const draw = () => chart.stage.clientWidth >= LEAST_WIDTH && chart.draw();
  new ResizeObserver(draw).observe(chart.stage);
}

document.querySelectorAll("figure.plot").forEach(start);

function sift(verdict) {
  for (const row of document.querySelectorAll("tr.claim")) {
    row.hidden = verdict !== null && row.dataset.verdict !== verdict;
  }
  for (const body of document.querySelectorAll("table.claims tbody")) {
    body.hidden = verdict !== null && !body.querySelector("tr.claim:not([hidden])");
  }
}

const tallies = [...document.querySelectorAll("button.tally")];
for (const tally of tallies) {
  tally.addEventListener("click", () => {
    const on = tally.getAttribute("aria-pressed") !== "true";
    tallies.forEach((other) => other.setAttribute("aria-pressed", on && other === tally));
    sift(on ? tally.dataset.filter : null);
  });
}

// On paper nothing can be unfolded.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => (d.open = true)));
