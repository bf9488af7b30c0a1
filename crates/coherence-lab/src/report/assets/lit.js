// A click on a claim: the figures of its experiment show the points that it reads.

// The points [x, y] of a line that a measurement reads; none where it reads other curves.
function pointsRead(line, read, unit) {
  if (!line.series.some((series) => read.series.includes(series))) return [];
  const { x, y, cells } = line;
  if (cells.length > 1) return cells.flatMap((cell, i) => (cell === read.cell ? [[x[i], y[i]]] : []));
  if (cells[0] !== read.cell) return [];
  if (read.place === "reaches" || read.place === "falls_to") return crossing(line, read);
  const steps = line.steps ?? x.map((value) => value * unit);
  if (read.place === "sum") return x.flatMap((_, i) => (steps[i] <= read.argument ? [[x[i], y[i]]] : []));
  const i = {
    start: () => 0,
    end: () => x.length - 1,
    max: () => indexOf(y, Math.max),
    min: () => indexOf(y, Math.min),
    step_of_max: () => indexOf(y, Math.max),
    at: () => indexOf(steps.map((step) => Math.abs(step - read.argument)), Math.min),
  }[read.place]();
  return [[x[i], y[i]]];
}

const indexOf = (values, best) => values.indexOf(best(...values.filter((value) => value !== null)));

// Where the line first comes to the level; at its end, marked as not reached, where it never does.
function crossing({ x, y }, { place, argument }) {
  const beyond = (value) => (place === "reaches" ? value >= argument : value <= argument);
  const i = y.findIndex((value) => value !== null && beyond(value));
  if (i <= 0) return i === 0 ? [[x[0], y[0]]] : [[x[x.length - 1], y[y.length - 1]]];
  const part = (argument - y[i - 1]) / (y[i] - y[i - 1]);
  return [[x[i - 1] + part * (x[i] - x[i - 1]), argument]];
}

// What is lit of a line: its points, or null where nothing of it is read.
function litPoints(view, line) {
  if (!view.lit || line.reference !== undefined) return null;
  const points = view.lit.flatMap((read) => pointsRead(line, read, unitOf(view)));
  return points.length ? points : null;
}

// Whether any line of the figure is read: only then are the others faded.
const lights = (view) =>
  view.lit !== null && view.panels.some((panel) => panel.lines.some((line) => litPoints(view, line)));

const readsOf = (element) => JSON.parse(element.dataset.reads);

// Lights one claim or one of its measurements; null puts the light out.
function select(article, point = null) {
  for (const other of document.querySelectorAll(".lit")) other.classList.remove("lit");
  const points = point ? [point] : [...(article?.querySelectorAll(".point") ?? [])];
  [article, ...(point ? points : [])].forEach((element) => element?.classList.add("lit"));
  const reads = points.flatMap(readsOf);
  const section = article?.closest(".experiment");
  for (const chart of charts.values()) {
    const own = section?.contains(chart.stage) && reads.length ? reads : null;
    if (own || chart.view.lit) chart.light?.(own);
  }
}

for (const article of document.querySelectorAll("article.claim")) {
  article.addEventListener("click", (event) => {
    if (event.target.closest("a, summary, details, button")) return;
    const point = event.target.closest(".point");
    const again = article.classList.contains("lit") && (!point || point.classList.contains("lit"));
    select(again ? null : article, again ? null : point);
    remember(again ? "" : `#${article.id}`);
  });
}
