// Frames, grid lines, ticks and titles.

const mix = ([low, high], u) => (u - low) / (high - low);

// Functions from values to pixels in a box, for a window in u.
function project(box, x, y, window) {
  return {
    x: (value) => box.left + mix(window.x, x.to(value)) * box.width,
    y: (value) => box.top + box.height - mix(window.y, y.to(value)) * box.height,
    ux: (pixel) => window.x[0] + ((pixel - box.left) / box.width) * (window.x[1] - window.x[0]),
    uy: (pixel) =>
      window.y[0] + ((box.top + box.height - pixel) / box.height) * (window.y[1] - window.y[0]),
  };
}

const caption = (x, y, words, attributes) => svg("text", { x, y, ...attributes }, words);

// A tick's words stay over their own panel, so that neighbours do not run together.
function within(box, x, words) {
  const half = words.length * 3.3;
  return box.width < 4 * half ? x : clamp(x, box.left + half, box.left + box.width - half);
}

const isDecade = (tick) => tick === 0 || Number.isInteger(round(Math.log10(Math.abs(tick))));

// The ticks whose words do not touch, powers of ten first.
function legible(box, ticks, at, words) {
  const taken = [];
  const fits = (tick) => {
    const half = words(tick).length * 3.3 + 4;
    const x = within(box, at.x(tick), words(tick));
    const free = taken.every(([other, room]) => Math.abs(other - x) >= half + room);
    if (free) taken.push([x, half]);
    return free;
  };
  return new Set([...ticks.filter(isDecade), ...ticks.filter((tick) => !isDecade(tick))].filter(fits));
}

function tickMarks(view, box, at) {
  const { plot, window } = view;
  const group = svg("g", { class: "axes" });
  const right = box.left + box.width;
  const floor = box.top + box.height;
  const inside = (tick) => at.x(tick) >= box.left - 0.5 && at.x(tick) <= right + 0.5;
  const ticks = view.x.ticks(...window.x, box.width / 52).filter(inside);
  const shown = legible(box, ticks, at, (tick) => label(plot.x, tick));
  for (const tick of ticks) {
    const x = at.x(tick);
    group.append(svg("line", { class: "grid", x1: x, x2: x, y1: box.top, y2: floor }));
    if (!box.bottom || !shown.has(tick)) continue;
    const words = label(plot.x, tick);
    group.append(caption(within(box, x, words), floor + 15, words, { class: "tick middle" }));
  }
  for (const tick of view.y.ticks(...window.y, box.height / 40)) {
    const y = at.y(tick);
    if (y < box.top - 0.5 || y > floor + 0.5) continue;
    group.append(svg("line", { class: "grid", x1: box.left, x2: right, y1: y, y2: y }));
    if (box.first) group.append(caption(box.left - 6, y + 4, label(plot.y, tick), { class: "tick end" }));
  }
  return group;
}

function titles(plot, box) {
  const group = svg("g");
  const title = plot.columns?.[box.panel.column];
  if (title && box.head) {
    group.append(caption(box.left + box.width / 2, box.top - 6, title, { class: "strip middle" }));
  }
  const side = plot.rows?.[box.panel.row];
  if (side && box.last) {
    const [x, y] = [box.left + box.width + box.ends + 14, box.top + box.height / 2];
    group.append(caption(x, y, side, { class: "strip middle", transform: `rotate(90 ${x} ${y})` }));
  }
  return group;
}

// The words beside the axes, once for all panels.
function axisLabels(plot, grid) {
  const left = Math.min(...grid.boxes.map((box) => box.left));
  const right = Math.max(...grid.boxes.map((box) => box.left + box.width));
  const top = Math.min(...grid.boxes.map((box) => box.top));
  const floor = Math.max(...grid.boxes.map((box) => box.top + box.height));
  const [x, y] = [13, (top + floor) / 2];
  return svg("g", {},
    caption((left + right) / 2, floor + 34, plot.x.label, { class: "name middle" }),
    caption(x, y, plot.y.label, { class: "name middle", transform: `rotate(-90 ${x} ${y})` }));
}
