// GM22 Example 8 in the page: drag the start over the map and watch the two neurons train.

// Gradient descent on the mean of ½(ŷ − y)² over four examples, each with an input of its own and the
// common sixth. By symmetry the four inputs' weights stay alike: u and v are those of one input, v6 that
// of the common input. Example 5 is for testing; its own input is never trained.
function trainNeurons(w1, w2, { steps, rate, start }) {
  let [u, v, v6] = [start, start, start];
  const curve = { w1: [w1], w2: [w2] };
  for (let step = 0; step < steps; step++) {
    const error = w1 * u + w2 * (v + v6) - 1;
    const by = {
      u: error * w1 / 4, v: error * w2 / 4, v6: error * w2, w1: error * u, w2: error * (v + v6),
    };
    u -= rate * by.u;
    v -= rate * by.v;
    v6 -= rate * by.v6;
    w1 -= rate * by.w1;
    w2 -= rate * by.w2;
    curve.w1.push(w1);
    curve.w2.push(w2);
  }
  const test = (w1 * start + w2 * (start + v6) - 1) ** 2 / 2;
  return { ...curve, test };
}

// The value at a place on an axis of words that are numbers, between two of them in proportion.
function between(ticks, place) {
  const low = clamp(Math.floor(place), 0, ticks.length - 1);
  const high = Math.min(low + 1, ticks.length - 1);
  return Number(ticks[low]) + (place - low) * (Number(ticks[high]) - Number(ticks[low]));
}

const OPENING = [4, 0]; // w1 = 0.2, w2 = 0.01 on the map of the paper: adversarial, and yet w2 wins

class Neurons {
  constructor(map) {
    const { settings } = map.view.plot.play;
    this.settings = { steps: parseInt(settings.steps, 10), rate: parseFloat(settings.rate), start: parseFloat(settings.start) };
    this.map = map;
    this.at = OPENING;
    const [pair, side] = [html("div", { class: "pair" }), html("div", { class: "side" })];
    const stage = html("div", { class: "stage" });
    this.words = html("p", { class: "note", "aria-live": "polite" });
    map.stage.before(pair);
    pair.append(html("div", {}, map.stage), side);
    side.append(stage, this.words);
    this.chart = new LineChart(stage, `${map.name}-run`, this.plot());
    charts.set(this.chart.name, this.chart);
    watch(this.chart);
  }

  // The start under a pixel; the handle follows.
  drag(box, x, y) {
    const { plot } = this.map.view;
    const [width, height] = cellSize(box, plot);
    const i = clamp((x - box.left) / width - 0.5, 0, plot.x.ticks.length - 1);
    const j = clamp((box.top + box.height - y) / height - 0.5, 0, plot.y.ticks.length - 1);
    this.put(i, j);
  }

  put(i, j) {
    this.at = [i, j];
    const { view } = this.chart;
    Object.assign(view.plot, this.plot());
    reset(view);
    this.chart.settled();
    this.place();
  }

  // The handle on the map.
  place() {
    const { map, at: [i, j] } = this;
    const box = map.grid.boxes[0];
    const [width, height] = cellSize(box, map.view.plot);
    const [cx, cy] = [box.left + (i + 0.5) * width, box.top + box.height - (j + 0.5) * height];
    this.handle ??= svg("circle", { class: "handle", r: 8 });
    fill(this.handle, { cx, cy }, []);
    map.root.append(this.handle);
  }

  // The run from here, as a figure of two lines.
  plot() {
    const { x, y } = this.map.view.plot;
    const [w1, w2] = [between(x.ticks, this.at[0]), between(y.ticks, this.at[1])];
    const run = trainNeurons(w1, w2, this.settings);
    const last = (values) => values[values.length - 1];
    this.words.textContent = `From w1 = ${show(w1, 3)}, w2 = ${show(w2, 3)} to w1 = ${show(last(run.w1), 3)}, ` +
      `w2 = ${show(last(run.w2), 3)}: test loss ${show(run.test, 3)}.`;
    const steps = run.w1.map((_, step) => step);
    const line = (color, values) => ({ color, dash: 0, series: [], cells: [""], x: steps, y: values });
    return {
      kind: "lines", x: { label: "step", log: false }, y: { label: "weight", log: false, min: 0 }, rows: [], columns: [],
      colors: { name: "", items: ["w1, bad", "w2, good"], ordered: false }, dashes: { name: "", items: [], ordered: false },
      panels: [{ row: 0, column: 0, lines: [line(0, run.w1), line(1, run.w2)] }], seeds: 1, thinned: 0,
    };
  }
}
