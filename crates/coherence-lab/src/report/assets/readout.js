// What is under the pointer (or the keyboard's cursor): marks in the drawing and a small table.

const nameOf = (plot, line) => {
  if (line.reference !== undefined) return line.reference;
  const words = [plot.colors.items[line.color], plot.dashes.items[line.dash]].filter(Boolean);
  if (plot.colors.name && words.length) words[0] = `${plot.colors.name} ${words[0]}`;
  return words.join(", ");
};

// The values of all visible lines of a panel at x = u, the greatest first.
function valuesAt(view, panel, u) {
  const rows = linesOf(view, panel).flatMap((line) => {
    const i = line.x.length === 1 && line.reference !== undefined ? 0 : nearest(view, line, u);
    return i < 0 ? [] : [{ line, i, x: line.x[i], y: line.y[i], half: (line.high?.[i] ?? line.y[i]) - line.y[i] }];
  });
  return rows.sort((a, b) => b.y - a.y);
}

// The crosshair: the same x in every panel, a dot on every line, the rows of the panel pointed at.
function markLines(view, grid, overlay) {
  overlay.replaceChildren();
  const { cursor } = view;
  if (!cursor) return null;
  for (const box of grid.boxes) {
    const at = project(box, view.x, view.y, view.window);
    const x = box.left + mix(view.window.x, cursor.u) * box.width;
    if (x < box.left - 1 || x > box.left + box.width + 1) continue;
    const [y1, y2] = [box.top, box.top + box.height];
    overlay.append(svg("line", { class: "crosshair", x1: x, x2: x, y1, y2 }));
    for (const row of valuesAt(view, box.panel, cursor.u)) {
      const [cx, cy] = [at.x(row.x), at.y(row.y)];
      if (row.line.x.length < 2 || !(cy >= y1 - 1 && cy <= y2 + 1)) continue;
      overlay.append(svg("circle", { class: "dot", cx, cy, r: 3.2, fill: strokeOf(view.plot, row.line) }));
    }
  }
  const rows = valuesAt(view, cursor.box.panel, cursor.u);
  const at = project(cursor.box, view.x, view.y, view.window);
  const near = rows.reduce((best, row) =>
    cursor.py !== undefined && Math.abs(at.y(row.y) - cursor.py) < Math.abs(at.y(best?.y) - cursor.py) ? row : best, rows[0]);
  return { head: headOf(view, cursor, rows), rows, near };
}

function headOf(view, cursor, rows) {
  const plot = view.shown;
  const first = rows.find((row) => row.line.x.length > 1) ?? rows[0];
  const place = [plot.rows[cursor.box.panel.row], plot.columns[cursor.box.panel.column]].filter(Boolean);
  const at = first ? `${plot.x.label} ${label(plot.x, first.x)}` : "";
  const step = first?.line.steps && !plot.x.ticks ? `step ${show(first.line.steps[first.i])}` : "";
  return [...place, at, step].filter(Boolean).join(" · ");
}

function linesTable(view, found) {
  const rows = found.rows.map((row) =>
    html("tr", row === found.near ? { class: "near" } : {},
      html("td", {}, swatch(view.plot, row.line)),
      html("td", {}, nameOf(view.plot, row.line)),
      html("td", { class: "value" }, plusMinus(row.y, row.half))));
  return [html("div", { class: "head" }, found.head), html("table", {}, ...rows)];
}

// A short piece of the line itself.
function swatch(plot, line) {
  const dash = line.reference !== undefined ? "4 4" : DASHES[(line.dash ?? 0) % DASHES.length];
  const piece = svg("line", { x1: 1, x2: 21, y1: 5, y2: 5, stroke: strokeOf(plot, line), "stroke-dasharray": dash });
  return svg("svg", { class: "swatch", width: 22, height: 10, "aria-hidden": "true" }, piece);
}

function markCell(view, overlay) {
  overlay.replaceChildren();
  const { cursor, plot } = view;
  if (!cursor) return null;
  const [width, height] = cellSize(cursor.box, plot);
  const { box, i, j } = cursor;
  const [x, y] = [box.left + i * width, box.top + box.height - (j + 1) * height];
  overlay.append(svg("rect", { class: "chosen", x, y, width, height }));
  return { x: x + width, y };
}

function cellTable(view) {
  const { plot, cursor } = view;
  const { panel } = cursor.box;
  const half = panel.half?.[cursor.j]?.[cursor.i] ?? 0;
  const words = `${plot.x.label} ${plot.x.ticks[cursor.i]} · ${plot.y.label} ${plot.y.ticks[cursor.j]}`;
  const value = html("td", { class: "value" }, plusMinus(panel.mean[cursor.j][cursor.i], half));
  return [
    html("div", { class: "head" }, panel.title ? `${panel.title} · ${words}` : words),
    html("table", {}, html("tr", { class: "near" }, html("td", {}, plot.value.label), value)),
  ];
}

// Shows the table beside a point of the drawing, inside the stage.
function showTip(tip, stage, content, x, y) {
  tip.replaceChildren(...content);
  tip.hidden = false;
  const room = stage.clientWidth + stage.scrollLeft;
  const left = x + 16 + tip.offsetWidth > room ? x - 16 - tip.offsetWidth : x + 16;
  tip.style.left = `${Math.max(stage.scrollLeft, left)}px`;
  tip.style.top = `${Math.max(0, y - tip.offsetHeight / 2)}px`;
}
