// Where the panels of a figure stand.

const MARGIN = { left: 58, right: 10, top: 6, bottom: 40 };
const STRIP = 20; // room for the title of a row or a column
const GAP = 10;
const NARROWEST = 108; // a panel; in narrower places panels wrap or the figure scrolls

// Boxes {panel, left, top, width, height, bottom, first} and the size of the whole.
// `bottom`: nothing stands below (x labels go there); `first`: nothing to the left (y labels).
function gridOf(plot, width, aspect) {
  const rows = Math.max(1, plot.rows?.length ?? 0);
  const columns = Math.max(1, plot.columns?.length ?? 0);
  const inner = (n) => (width - MARGIN.left - MARGIN.right - sideStrip(plot) - GAP * (n - 1)) / n;
  if (rows === 1 && inner(columns) < NARROWEST * 1.5) return wrapped(plot, columns, inner, aspect);
  const panelWidth = Math.max(NARROWEST, inner(columns));
  return place(plot, rows, columns, panelWidth, aspect, (panel) => [panel.row, panel.column]);
}

const sideStrip = (plot) => (plot.rows?.length ? STRIP : 0);

// One row of many panels becomes several rows.
function wrapped(plot, count, inner, aspect) {
  let columns = count;
  while (columns > 1 && inner(columns) < NARROWEST * 1.5) columns--;
  const rows = Math.ceil(count / columns);
  const at = (panel) => [Math.floor(panel.column / columns), panel.column % columns];
  return place(plot, rows, columns, inner(columns), aspect, at, STRIP);
}

function place(plot, rows, columns, width, aspect, at, between = 0) {
  const height = aspect(width, rows, columns);
  const top = MARGIN.top + (plot.columns?.length ? STRIP : 0);
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
      head: row === 0 || between > 0,
    };
  });
  return {
    boxes,
    width: MARGIN.left + columns * (width + GAP) - GAP + sideStrip(plot) + MARGIN.right,
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
