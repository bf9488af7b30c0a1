// Heat maps: cells, their scale of colours and the bar that explains it.

// Viridis: even in lightness, readable without colour vision and in grey.
const VIRIDIS = ["440154", "482878", "3e4a89", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725"]
  .map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));

function viridis(part) {
  const at = clamp(part, 0, 1) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(at), VIRIDIS.length - 2);
  const channel = (i) => Math.round(VIRIDIS[low][i] + (at - low) * (VIRIDIS[low + 1][i] - VIRIDIS[low][i]));
  return `rgb(${channel(0)},${channel(1)},${channel(2)})`;
}

// The scale of the colours: fixed ends win.
function heatView(plot) {
  plot.panels.forEach((panel, i) => Object.assign(panel, { row: 0, column: i }));
  if (plot.panels.some((panel) => panel.title)) plot.columns = plot.panels.map((panel) => panel.title);
  else plot.columns = plot.panels.length > 1 ? plot.panels.map(() => " ") : [];
  const view = { plot, logValue: plot.value.log, cursor: null };
  rescale(view);
  return view;
}

function rescale(view) {
  const values = view.plot.panels.flatMap((panel) => panel.mean.flat());
  view.value = scaleOf(view.plot.value, view.logValue, values);
  const [low, high] = extent(values.filter((v) => v !== null).map(view.value.to));
  const { min, max } = view.plot.value;
  view.range = [min === undefined ? low : view.value.to(min), max === undefined ? high : view.value.to(max)];
  if (view.range[0] === view.range[1]) view.range[1] += 1;
}

const shadeOf = (view, value) =>
  value === null ? "var(--missing)" : viridis(mix(view.range, view.value.to(value)));

const BAR = { room: 84, width: 14 };

function heatGrid(plot, width) {
  const [rows, columns] = [plot.y.ticks.length || 1, plot.x.ticks.length || 1];
  const height = (panelWidth) => clamp((panelWidth * rows) / columns, 120, 420);
  const room = plot.panels.length > 1 ? width : Math.min(width, 600);
  const grid = gridOf(plot, room - BAR.room, height);
  return { ...grid, width: grid.width + BAR.room };
}

const cellSize = (box, plot) =>
  [box.width / (plot.x.ticks.length || 1), box.height / (plot.y.ticks.length || 1)];

function heatPanel(view, box) {
  const { plot } = view;
  const [width, height] = cellSize(box, plot);
  const floor = box.top + box.height;
  const group = svg("g");
  box.panel.mean.forEach((row, j) => row.forEach((value, i) => {
    const [x, y] = [box.left + i * width, floor - (j + 1) * height];
    group.append(svg("rect", {
      class: "cell", x, y, width: width + 0.4, height: height + 0.4, fill: shadeOf(view, value),
    }));
  }));
  const every = (list, room) => Math.max(1, Math.ceil((list.length * room) / (room > 20 ? box.width : box.height)));
  const [stepX, stepY] = [every(plot.x.ticks, 34), every(plot.y.ticks, 15)];
  plot.x.ticks.forEach((tick, i) => {
    if (i % stepX || !box.bottom) return;
    group.append(caption(box.left + (i + 0.5) * width, floor + 15, tick, { class: "tick middle" }));
  });
  plot.y.ticks.forEach((tick, j) => {
    if (j % stepY || !box.first) return;
    group.append(caption(box.left - 6, floor - (j + 0.5) * height + 4, tick, { class: "tick end" }));
  });
  group.append(titles(plot, box));
  return group;
}

function colorBar(view, grid) {
  const first = grid.boxes[0];
  const [left, top, height] = [grid.width - BAR.room + 14, first.top, first.height];
  const group = svg("g");
  const STRIPES = 64;
  for (let k = 0; k < STRIPES; k++) {
    const y = top + height - ((k + 1) * height) / STRIPES;
    group.append(svg("rect", {
      x: left, y, width: BAR.width, height: height / STRIPES + 0.5, fill: viridis((k + 0.5) / STRIPES),
    }));
  }
  for (const tick of view.value.ticks(...view.range, height / 44)) {
    const y = top + height - mix(view.range, view.value.to(tick)) * height;
    group.append(caption(left + BAR.width + 5, y + 4, show(tick, 3), { class: "tick" }));
  }
  const [x, y] = [grid.width - 6, top + height / 2];
  group.append(caption(x, y, view.plot.value.label, { class: "name middle", transform: `rotate(-90 ${x} ${y})` }));
  return group;
}

// The cell under a pixel of a box: [column, row].
function cellAt(box, plot, px, py) {
  const [width, height] = cellSize(box, plot);
  const i = Math.floor((px - box.left) / width);
  const j = Math.floor((box.top + box.height - py) / height);
  return [clamp(i, 0, plot.x.ticks.length - 1), clamp(j, 0, plot.y.ticks.length - 1)];
}
