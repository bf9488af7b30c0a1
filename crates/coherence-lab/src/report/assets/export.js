// A figure as a file: the drawing as SVG, the data as CSV.

const STYLED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family", "font-weight", "text-anchor"];

function save(name, type, text) {
  const link = html("a", { download: name, href: URL.createObjectURL(new Blob([text], { type })) });
  link.click();
  URL.revokeObjectURL(link.href);
}

// The drawing with its styles written out, so that it stands without this page.
function svgText(root) {
  const copy = root.cloneNode(true);
  const [from, to] = [root, copy].map((top) => [top, ...top.querySelectorAll("*")]);
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of STYLED) to[i].style.setProperty(name, style.getPropertyValue(name));
  });
  copy.style.background = getComputedStyle(document.body).backgroundColor;
  copy.setAttribute("xmlns", SVG);
  return new XMLSerializer().serializeToString(copy);
}

const csvCell = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

const csvText = (rows) => rows.map((row) => row.map((cell) => csvCell(String(cell ?? ""))).join(",")).join("\n") + "\n";

function linesRows(plot) {
  const head = ["row", "column", "line", plot.x.label, "mean", "low", "high"];
  const rows = plot.panels.flatMap((panel) => panel.lines.flatMap((line) => line.x.map((x, i) => [
    plot.rows[panel.row], plot.columns[panel.column], nameOf(plot, line), plot.x.ticks?.[x] ?? x,
    line.y[i], line.low?.[i] ?? line.y[i], line.high?.[i] ?? line.y[i],
  ])));
  return [head, ...rows];
}

function heatRows(plot) {
  const head = ["panel", plot.x.label, plot.y.label, "mean", "half"];
  const rows = plot.panels.flatMap((panel) => panel.mean.flatMap((row, j) => row.map((value, i) => [
    panel.title, plot.x.ticks[i], plot.y.ticks[j], value, panel.half?.[j]?.[i] ?? 0,
  ])));
  return [head, ...rows];
}
