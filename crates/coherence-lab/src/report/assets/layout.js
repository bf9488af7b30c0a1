// Where the panels of a figure stand.

const MARGIN = { left: 66, right: 10, top: 6, bottom: 40 };
const STRIP = 20; // room for the title of a row or a column
const GAP = 10;
const NARROWEST = 40; // a panel of several rows
const ALONE = 138; // a panel of one row: in narrower places the row wraps

// Boxes {panel, left, top, width, height, bottom, first} and the size of the whole.
// `bottom`: nothing stands below (x labels go there); `first`: nothing to the left (y labels).
// `ends` and `head` are room for names at the right and above.
function gridOf(plot, width, aspect, ends = 0, head = 0) {
  const rows = Math.max(1, plot.rows?.length ?? 0);
  const columns = Math.max(1, plot.columns?.length ?? 0);
  const edge = { right: MARGIN.right + (plot.rows?.length ? STRIP : 0) + ends, top: MARGIN.top + head, ends };
  const inner = (n) => (width - MARGIN.left - edge.right - GAP * (n - 1)) / n;
  if (rows === 1 && inner(columns) < ALONE) return wrapped(plot, columns, inner, aspect, edge);
  const panelWidth = Math.max(NARROWEST, inner(columns));
  return place(plot, rows, columns, panelWidth, aspect, (panel) => [panel.row, panel.column], edge);
}

// One row of many panels becomes several rows.
function wrapped(plot, count, inner, aspect, edge) {
  let columns = count;
  while (columns > 1 && inner(columns) < ALONE) columns--;
  const rows = Math.ceil(count / columns);
  columns = Math.ceil(count / rows);
  const at = (panel) => [Math.floor(panel.column / columns), panel.column % columns];
  return place(plot, rows, columns, inner(columns), aspect, at, edge, STRIP);
}

function place(plot, rows, columns, width, aspect, at, edge, between = 0) {
  const height = aspect(width, rows, columns);
  const top = Math.max(edge.top, MARGIN.top + (plot.columns?.length ? STRIP : 0));
  const taken = new Set(plot.panels.map((panel) => at(panel).join()));
  const boxes = plot.panels.map((panel) => {
    const [row, column] = at(panel);
    return {
      panel, width, height,
      left: MARGIN.left + column * (width + GAP),
      top: top + row * (height + GAP + between),
      bottom: !taken.has([row + 1, column].join()),
      first: column === 0 || !taken.has([row, column - 1].join()),
      last: column === columns - 1,
      corner: column === columns - 1 && row === 0,
      ends: edge.ends,
      head: row === 0 || between > 0,
    };
  });
  return {
    boxes,
    width: MARGIN.left + columns * (width + GAP) - GAP + edge.right,
    height: top + rows * (height + GAP + between) - GAP - between + MARGIN.bottom,
  };
}

// A wide single panel, flatter ones side by side, small ones in a grid.
function lineHeight(width, rows, columns) {
  if (rows * columns === 1) return clamp(width * 0.5, 220, 380);
  return clamp(width * (rows > 1 ? 0.78 : 0.95), 92, 260);
}

const boxAt = (grid, x, y) =>
  grid.boxes.find((box) =>
    x >= box.left && x <= box.left + box.width && y >= box.top && y <= box.top + box.height);
