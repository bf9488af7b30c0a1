// Bands, seeds, means and references of one panel.

const DASHES = ["", "6 3", "2 3", "9 3 2 3", "1 2"];

const SHADES = 7; // stops of the scale of colours in the style sheet

// The colour of a line: a stop of the scale for values in order, else a colour of its own.
function colorOf(key, index) {
  if (!key.ordered) return `var(--line-${index % 8})`;
  const at = key.items.length > 1 ? (index / (key.items.length - 1)) * (SHADES - 1) : 0;
  const low = Math.floor(at);
  const part = Math.round((at - low) * 100);
  const stop = `var(--shade-${low})`;
  return part ? `color-mix(in srgb, var(--shade-${low + 1}) ${part}%, ${stop})` : stop;
}

const strokeOf = (plot, line) =>
  line.reference !== undefined ? "var(--reference)" : colorOf(plot.colors, line.color);

const dashOf = (line) => (line.reference !== undefined ? "4 4" : DASHES[line.dash % DASHES.length]);

// Path data; a missing value is a gap.
function path(xs, ys, at) {
  let pen = "M";
  return xs.map((x, i) => {
    const [px, py] = [at.x(x), ys[i] === null ? NaN : at.y(ys[i])];
    if (!Number.isFinite(px) || !Number.isFinite(py)) {
      pen = "M";
      return "";
    }
    const command = `${pen}${px.toFixed(1)} ${py.toFixed(1)}`;
    pen = "L";
    return command;
  }).join("");
}

// On a log scale the lower end of an interval may lie at or under 0: the band then reaches the floor.
function band(view, box, line, at) {
  const beyond = view.y.log ? (value) => value <= 0 : () => false;
  const y = (value) => (beyond(value) ? box.top + box.height : at.y(value));
  const drawn = line.x.map((_, i) => i).filter((i) => Number.isFinite(at.y(line.y[i])));
  const pick = (values) => drawn.map((i) => values[i]);
  const top = path(pick(line.x), pick(line.high), at);
  const back = path(pick(line.x).reverse(), pick(line.low).reverse(), { ...at, y });
  return svg("path", { class: "band", d: `${top}${back.replace("M", "L")}Z`, fill: strokeOf(view.plot, line) });
}

const seedLines = (view, line, at) =>
  line.seeds.map((values) => svg("path", {
    class: "seed", d: path(line.x, values, at), stroke: strokeOf(view.plot, line), "stroke-dasharray": dashOf(line),
  }));

// Of lines that are told apart by colour alone the first is the widest: it shows under one that lies on it.
function widthOf(view, line) {
  const { ordered, items } = view.plot.colors;
  return ordered || items.length < 2 ? 1.8 : 1.6 + 0.9 * (1 - line.color / (items.length - 1));
}

function mean(view, box, line, at) {
  const reference = line.reference !== undefined;
  if (reference && line.x.length === 1) {
    const y = at.y(line.y[0]);
    return svg("line", { class: "reference", x1: box.left, x2: box.left + box.width, y1: y, y2: y });
  }
  const stroke = strokeOf(view.plot, line);
  if (line.x.length === 1) {
    return svg("circle", { cx: at.x(line.x[0]), cy: at.y(line.y[0]), r: 4, fill: stroke });
  }
  return svg("path", {
    class: reference ? "reference" : "line", d: path(line.x, line.y, at), stroke,
    "stroke-dasharray": dashOf(line), "stroke-width": widthOf(view, line),
  });
}

function dots(view, line, at, points, r, name) {
  const shown = points.filter(([, y]) => y !== null);
  return shown.map(([x, y]) => svg("circle", {
    class: name, cx: at.x(x).toFixed(1), cy: at.y(y).toFixed(1), r, fill: strokeOf(view.plot, line),
  }));
}

// One line with all that belongs to it, faded where a claim reads other lines.
function lineGroup(view, box, line, at, dim) {
  const group = svg("g", dim && !litPoints(view, line) && line.reference === undefined ? { class: "faded" } : {});
  if (view.seeds && line.seeds && line.x.length > 1) group.append(...seedLines(view, line, at));
  group.append(mean(view, box, line, at));
  const few = line.x.length > 1 && line.x.length <= 12;
  if (few) group.append(...dots(view, line, at, line.x.map((x, i) => [x, line.y[i]]), 2.4, "knot"));
  return group;
}

// A panel: what lies beyond its frame is cut off by the nested svg.
function linePanel(view, box, named) {
  const at = project(box, view.x, view.y, view.window);
  const lines = linesOf(view, box.panel);
  const { left, top, width, height } = box;
  const inside = svg("svg", { x: left, y: top, width, height, viewBox: `${left} ${top} ${width} ${height}` });
  const banded = lines.filter((line) => view.bands && line.low && line.x.length > 1);
  const opacity = banded.length > 3 ? 0.1 : 0.17; // many bands lie over each other
  inside.append(svg("g", { "fill-opacity": opacity }, ...banded.map((line) => band(view, box, line, at))));
  const dim = lights(view);
  for (const line of lines) inside.append(lineGroup(view, box, line, at, dim));
  for (const line of lines) inside.append(...dots(view, line, at, litPoints(view, line) ?? [], 5, "read"));
  return svg("g", {},
    svg("rect", { class: "frame", x: left, y: top, width, height }),
    tickMarks(view, box, at), inside, titles(view.shown, box),
    ...(named && box.corner ? [endLabels(view, box, at)] : []));
}
