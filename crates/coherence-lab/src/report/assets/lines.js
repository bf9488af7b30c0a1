// Bands, lines and references of one panel.

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
  const top = path(line.x, line.high, at);
  const back = path([...line.x].reverse(), [...line.low].reverse(), { ...at, y });
  return svg("path", { class: "band", d: `${top}${back.replace("M", "L")}Z`, fill: strokeOf(view.plot, line) });
}

// Of lines that are told apart by colour alone the first is the widest: it shows under one that lies on it.
function widthOf(view, line) {
  const { ordered, items } = view.plot.colors;
  return ordered || items.length < 2 ? 1.8 : 1.6 + 0.9 * (1 - line.color / (items.length - 1));
}

function curve(view, box, line, at) {
  const reference = line.reference !== undefined;
  if (reference && line.x.length === 1) {
    const y = at.y(line.y[0]);
    return svg("line", { class: "reference", x1: box.left, x2: box.left + box.width, y1: y, y2: y });
  }
  const stroke = strokeOf(view.plot, line);
  if (line.x.length === 1) {
    return svg("circle", { cx: at.x(line.x[0]), cy: at.y(line.y[0]), r: 4, fill: stroke });
  }
  const dash = reference ? "4 4" : DASHES[line.dash % DASHES.length];
  return svg("path", {
    class: reference ? "reference" : "line", d: path(line.x, line.y, at), stroke,
    "stroke-dasharray": dash, "stroke-width": widthOf(view, line),
  });
}

function dots(view, line, at) {
  const marks = line.x.map((x, i) =>
    svg("circle", { cx: at.x(x).toFixed(1), cy: at.y(line.y[i]).toFixed(1), r: 2.4, fill: strokeOf(view.plot, line) }));
  return svg("g", {}, ...marks);
}

// A panel: what lies beyond its frame is cut off by the nested svg.
function linePanel(view, box) {
  const at = project(box, view.x, view.y, view.window);
  const lines = linesOf(view, box.panel);
  const { left, top, width, height } = box;
  const inside = svg("svg", { x: left, y: top, width, height, viewBox: `${left} ${top} ${width} ${height}` });
  const banded = lines.filter((line) => view.bands && line.low && line.x.length > 1);
  const opacity = banded.length > 3 ? 0.1 : 0.17; // many bands lie over each other
  inside.append(svg("g", { "fill-opacity": opacity }, ...banded.map((line) => band(view, box, line, at))));
  for (const line of lines) inside.append(curve(view, box, line, at));
  for (const line of lines) if (line.x.length > 1 && line.x.length <= 12) inside.append(dots(view, line, at));
  return svg("g", {},
    svg("rect", { class: "frame", x: left, y: top, width, height }),
    tickMarks(view, box, at), inside, titles(view.plot, box));
}
