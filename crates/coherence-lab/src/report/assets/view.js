// What a reader has chosen of a figure of lines: scales, the window zoomed to, lines switched off.

function viewOf(plot) {
  const view = { plot, logX: plot.x.log, bands: true, hidden: new Set(), window: null, cursor: null };
  reset(view);
  return view;
}

const visible = (view, line) =>
  line.reference !== undefined
    ? !view.hidden.has(`r${line.reference}`)
    : !view.hidden.has(`c${line.color}`) && !view.hidden.has(`d${line.dash}`);

const linesOf = (view, panel) => panel.lines.filter((line) => visible(view, line));

const allLines = (view) => view.plot.panels.flatMap((panel) => linesOf(view, panel));

// Sets the scales for what is visible and forgets the zoom.
function reset(view) {
  const lines = allLines(view);
  const xs = lines.flatMap((line) => line.x);
  view.x = scaleOf(view.plot.x, view.logX, xs);
  view.y = scaleOf(view.plot.y, view.plot.y.log, lines.flatMap((line) => line.y));
  view.window = { x: fullX(view, xs), y: fullY(view, lines) };
}

function fullX(view, xs) {
  const range = extent(xs.map(view.x.to));
  return view.plot.x.ticks?.length ? [range[0] - 0.3, range[1] + 0.3] : padded(range, 0.015);
}

// The means and, as far as they stay within 60 % of the means' range, the intervals.
// Fixed ends of the axis win; without them 0 is the floor when it is near.
function fullY(view, lines) {
  const { to } = view.y;
  const means = extent(lines.flatMap((line) => line.y.map(to)));
  const far = (means[1] - means[0]) * 0.6;
  const limits = lines.flatMap((line) => [...(line.low ?? []), ...(line.high ?? [])]);
  const bands = extent([...means, ...limits.filter((end) => !view.y.log || end > 0).map(to)]);
  const ends = [Math.max(bands[0], means[0] - far), Math.min(bands[1], means[1] + far)];
  const range = padded(ends, 0.04);
  if (!view.y.log && means[0] >= 0 && means[0] < means[1] * 0.4) range[0] = Math.max(range[0], 0);
  const { min, max } = view.plot.y;
  const air = (range[1] - range[0]) * 0.02;
  return [min === undefined ? range[0] : to(min) - air, max === undefined ? range[1] : to(max) + air];
}

// The window scaled by `factor` about `at` (u), along one axis.
function zoomAxis(view, axis, factor, at) {
  const [low, high] = view.window[axis];
  view.window[axis] = [at + (low - at) * factor, at + (high - at) * factor];
}

function panAxis(view, axis, by) {
  view.window[axis] = view.window[axis].map((end) => end + by);
}

// The index of the point of a line that is nearest to x = u.
function nearest(view, line, u) {
  let best = -1;
  let least = Infinity;
  line.x.forEach((x, i) => {
    const distance = Math.abs(view.x.to(x) - u);
    if (distance < least && line.y[i] !== null) [best, least] = [i, distance];
  });
  return best;
}
