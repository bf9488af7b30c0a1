// Permalinks: what a reader has chosen stands in the fragment of the address, as
// #C3-overfit?x=linear&unit=epoch&smooth=2, or #C3.overfit-falls for a claim that is lit.

let pending = 0;

// Browsers allow a page few changes of its address in a second, and a zoom is many.
function remember(fragment) {
  clearTimeout(pending);
  pending = setTimeout(() => history.replaceState(null, "", fragment || location.pathname + location.search), 150);
}

// The choices of a figure that differ from those it opens with.
function choices(chart) {
  const { view, first } = chart;
  const wanted = new URLSearchParams();
  const put = (name, value, usual) => value !== usual && wanted.set(name, value);
  put("x", view.logX ? "log" : "linear", first.logX ? "log" : "linear");
  put("y", view.logY ? "log" : "linear", first.logY ? "log" : "linear");
  put("unit", view.epochs ? "epoch" : "step", "step");
  put("smooth", String(view.smooth), "0");
  put("bands", view.bands ? "1" : "0", "0");
  put("seeds", view.seeds ? "1" : "0", "1");
  put("row", String(view.row ?? "all"), String(first.row ?? "all"));
  put("hide", [...view.hidden].join("~"), "");
  if (chart.zoomed()) wanted.set("window", [...view.window.x, ...view.window.y].map((end) => +end.toPrecision(6)).join("_"));
  return wanted;
}

function fragmentOf(chart) {
  const text = choices(chart).toString();
  return `#${chart.name}${text && `?${text}`}`;
}

function restore(chart, wanted) {
  const { view } = chart;
  const has = (name, act) => wanted.has(name) && act(wanted.get(name));
  has("x", (x) => (view.logX = x === "log"));
  has("y", (y) => (view.logY = y === "log"));
  has("unit", (unit) => (view.epochs = unit === "epoch" && Boolean(view.plot.epoch)));
  has("smooth", (k) => (view.smooth = clamp(Number(k) || 0, 0, SPANS.length - 1)));
  has("bands", (on) => (view.bands = on === "1"));
  has("seeds", (on) => (view.seeds = on === "1"));
  has("row", (row) => (view.row = row === "all" ? null : clamp(Number(row) || 0, 0, view.plot.rows.length - 1)));
  has("hide", (keys) => keys.split("~").forEach((key) => key && view.hidden.add(key)));
  reset(view);
  has("window", (ends) => {
    const [a, b, c, d] = ends.split("_").map(Number);
    if ([a, b, c, d].every(Number.isFinite) && a < b && c < d) view.window = { x: [a, b], y: [c, d] };
  });
  chart.settled();
}

// Opens what the fragment names: a figure as it was left, or a claim.
function follow() {
  const [id, query] = decodeURI(location.hash.slice(1)).split("?");
  const chart = charts.get(id);
  if (chart && query !== undefined && chart.settled) restore(chart, new URLSearchParams(query));
  const element = id ? document.getElementById(id) : null;
  if (element?.matches("article.claim")) select(element);
  if (element && query !== undefined) element.scrollIntoView();
}

addEventListener("hashchange", follow);
