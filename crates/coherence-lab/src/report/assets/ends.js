// Names at the ends of lines, in place of a legend, where there is room for them: once in a figure, beside the
// panel at the top right.

const ROW = 13; // pixels from one name to the next
const LETTER = 6.4; // pixels, on average
const MOST_NAMES = { alone: 14, small: 6 }; // in a panel by itself, and in one of several

const endName = (plot, line) =>
  line.reference ?? [plot.colors.items[line.color], plot.dashes.items[line.dash]].filter(Boolean).join(" ");

// The lines that are named: each that is drawn as a line, and horizontal references.
const named = (view, panel) =>
  linesOf(view, panel).filter((line) => line.x.length > 1 || line.reference !== undefined);

// Room for the names at the right in pixels, 0 where a legend is needed instead: where there are too
// many or several rows of panels, or where a panel lacks a line.
function endsRoom(view, width) {
  const { shown } = view;
  const all = shown.panels.map((panel) => named(view, panel).map((line) => endName(shown, line)));
  const names = new Set(all.flat());
  const most = shown.panels.length > 1 ? MOST_NAMES.small : MOST_NAMES.alone;
  const crowded = all.some((list) => list.length > most);
  const room = Math.max(...[...names].map((name) => name.length), shown.colors.name.length) * LETTER + 18;
  const lacks = all.some((list) => new Set(list).size < names.size);
  if (names.size < 2 || shown.rows.length > 1 || crowded || lacks || room > width * 0.3) return 0;
  return room;
}

// Heights for names that want to stand at `wanted` (in order), at least ROW apart, within the panel.
function spread(wanted, top, floor) {
  const at = wanted.map((y) => clamp(y, top, floor));
  for (let i = 1; i < at.length; i++) at[i] = Math.max(at[i], at[i - 1] + ROW);
  const over = at.length ? at[at.length - 1] - floor : 0;
  if (over > 0) at[at.length - 1] -= over;
  for (let i = at.length - 2; i >= 0; i--) at[i] = Math.min(at[i], at[i + 1] - ROW);
  return at;
}

// The last point of a line within the window.
function lastPoint(line, at, box) {
  const edge = box.left + box.width + 0.5;
  for (let i = line.x.length - 1; i >= 0; i--) {
    const [x, y] = [at.x(line.x[i]), line.y[i] === null ? NaN : at.y(line.y[i])];
    if (x <= edge && Number.isFinite(y)) return y;
  }
  return NaN;
}

function endLabels(view, box, at) {
  const { shown } = view;
  const floor = box.top + box.height;
  const ends = named(view, box.panel)
    .map((line) => ({ line, y: lastPoint(line, at, box) }))
    .filter(({ y }) => y > box.top - 1 && y < floor + 1)
    .sort((a, b) => a.y - b.y);
  const heights = spread(ends.map(({ y }) => y), box.top + 4, floor - 2);
  const right = box.left + box.width;
  const labels = ends.map(({ line, y }, i) => svg("g", {},
    svg("path", { class: "leader", d: `M${right + 1} ${y}L${right + 7} ${heights[i]}`, stroke: strokeOf(shown, line) }),
    caption(right + 10, heights[i] + 4, endName(shown, line), { class: "name-of-line", style: `fill:${strokeOf(shown, line)}` })));
  const head = shown.colors.name && heights.length
    ? [caption(right + 10, Math.min(heights[0] - 8, box.top - 5), shown.colors.name, { class: "tick" })] : [];
  return svg("g", {}, ...head, ...labels);
}
