// What a reader has chosen of a figure of lines: scales, what is shown, the window zoomed to.

function viewOf(plot) {
  const view = {
    plot, logX: plot.x.log, logY: plot.y.log, epochs: false, smooth: 0, bands: false, seeds: true,
    row: null, hidden: new Set(), lit: null, window: null, cursor: null,
  };
  reset(view);
  return view;
}

const visible = (view, line) =>
  line.reference !== undefined
    ? !view.hidden.has(`r${line.reference}`)
    : !view.hidden.has(`c${line.color}`) && !view.hidden.has(`d${line.dash}`);

const linesOf = (view, panel) => panel.lines.filter((line) => visible(view, line));

// Sets the scales for what is visible and forgets the zoom. The scales are those of all rows of panels,
// so that they stay as they are when a reader slides from row to row.
function reset(view) {
  const { plot } = view;
  const panels = plot.panels.map((panel) => ({ ...panel, lines: panel.lines.map((line) => derived(view, line)) }));
  const lines = panels.flatMap((panel) => linesOf(view, panel));
  const xs = lines.flatMap((line) => line.x);
  view.panels = panels;
  view.x = scaleOf(plot.x, view.logX, xs);
  view.y = scaleOf(plot.y, view.logY, lines.flatMap((line) => line.y));
  view.window = { x: fullX(view, xs), y: fullY(view, lines) };
  arrange(view);
}

// The panels that are drawn: all of them, or those of one row.
function arrange(view) {
  const { plot, panels, row } = view;
  const x = view.epochs ? { ...plot.x, label: "epoch" } : plot.x;
  view.shown = { ...plot, x, panels };
  if (row === null || !(plot.rows.length > 1)) return;
  const chosen = panels.filter((panel) => panel.row === row).map((panel) => ({ ...panel, row: 0 }));
  view.shown = { ...view.shown, rows: [], panels: chosen };
}

const unitOf = (view) => (view.epochs ? view.plot.epoch : 1);

// A line in epochs instead of steps, and smoothed, as far as the reader wants it.
function derived(view, line) {
  const [unit, span] = [unitOf(view), SPANS[view.smooth]];
  const smooth = (values) => (values && span ? averaged(values, span) : values);
  return {
    ...line, x: line.x.map((x) => x / unit), y: smooth(line.y), low: smooth(line.low), high: smooth(line.high),
    seeds: line.seeds?.map(smooth),
  };
}

function fullX(view, xs) {
  const range = extent(xs.map(view.x.to));
  return view.plot.x.ticks?.length ? [range[0] - 0.3, range[1] + 0.3] : padded(range, 0.015);
}

// The means and, as far as they stay within 60 % of the means' range, the seeds and the intervals.
// Fixed ends of the axis win; without them 0 is the floor when it is near.
function fullY(view, lines) {
  const { to } = view.y;
  const means = extent(lines.flatMap((line) => line.y.map(to)));
  const far = (means[1] - means[0]) * 0.6;
  const seeds = view.seeds ? lines.flatMap((line) => (line.seeds ?? []).flat()) : [];
  const bands = view.bands ? lines.flatMap((line) => [...(line.low ?? []), ...(line.high ?? [])]) : [];
  const limits = [...seeds, ...bands].filter((end) => end !== null && (!view.y.log || end > 0));
  const all = extent([...means, ...limits.map(to)]);
  const ends = [Math.max(all[0], means[0] - far), Math.min(all[1], means[1] + far)];
  const range = padded(ends, 0.04);
  if (!view.y.log && means[0] >= 0 && means[0] < means[1] * 0.4) range[0] = Math.max(range[0], 0);
  const { min, max } = view.plot.y;
  const air = (range[1] - range[0]) * 0.02;
  const end = (value, otherwise, by) =>
    value === undefined || !Number.isFinite(to(value)) ? otherwise : to(value) + by;
  return [end(min, range[0], -air), end(max, range[1], air)];
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
