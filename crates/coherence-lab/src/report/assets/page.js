// The page: figures come to life; verdict buttons sift the table of claims.

const LEAST_WIDTH = 160; // pixels; a page that is not laid out yet is narrower

// Charts by the id of their figure.
const charts = new Map();

function start(figure) {
  const source = figure.dataset.of ? document.getElementById(figure.dataset.of) : figure;
  const data = source?.querySelector('script[type="application/json"]');
  if (!data) return;
  const plot = JSON.parse(data.textContent);
  const stage = figure.querySelector(".stage");
  const chart = plot.kind === "heat" ? new HeatChart(stage, figure.id, plot) : new LineChart(stage, figure.id, plot);
  charts.set(figure.id, chart);
  if (plot.thinned) {
    stage.after(html("p", { class: "note" }, `Drawn: one point in ${plot.thinned + 1}; the record has all.`));
  }
  watch(chart, figure.classList.contains("lead"));
}

// Draws when there is room, and again when the room changes.
function watch(chart, single = false) {
  let drawn = 0;
  const draw = () => {
    const width = chart.stage.clientWidth;
    if (width < LEAST_WIDTH || width === drawn) return;
    if (!drawn && (single || width < NARROW)) chart.single?.();
    drawn = width;
    chart.draw();
  };
  // In a frame of its own: what is drawn changes sizes, which an observer must not do in its own turn.
  new ResizeObserver(() => requestAnimationFrame(draw)).observe(chart.stage);
}

document.querySelectorAll("figure.plot").forEach(start);
document.querySelectorAll(".figures .group").forEach(shareLegend);
follow();

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
