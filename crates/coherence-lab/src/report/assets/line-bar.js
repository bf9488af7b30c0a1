// What a reader can choose of a figure of lines.

function lineBar(chart) {
  const { view } = chart;
  const { plot } = view;
  chart.onSettled = [];
  const bar = html("div", { class: "bar" });
  bar.addEventListener("settled", () => chart.onSettled.forEach((show) => show()));
  const rows = plot.rows.length > 1 ? [rowSlider(chart)] : [];
  bar.append(...rows, legend(chart), ...optionsOf(bar, chart.stage, ...lineTools(chart), ...files(chart, linesRows)));
  return bar;
}

// A slider over the rows of panels: all of them, or one.
function rowSlider(chart) {
  const { view } = chart;
  const { rows } = view.plot;
  const words = (row) => (row < 0 ? "all rows" : rows[row]);
  const set = (row) => {
    view.row = row < 0 ? null : row;
    chart.changed();
  };
  return slider("", [-1, rows.length - 1], words, () => view.row ?? -1, set, chart.onSettled);
}

function lineTools(chart) {
  const { view } = chart;
  const { plot } = view;
  const lines = plot.panels.flatMap((panel) => panel.lines);
  const flip = (words, title, key, settle) =>
    switchButton(words, title, () => view[key], () => {
      view[key] = !view[key];
      settle();
    }, chart.onSettled);
  const scale = () => chart.reset();
  const look = () => chart.changed();
  const tools = [];
  if (lines.some((line) => line.seeds)) tools.push(flip("seeds", "one thin line for each seed", "seeds", look));
  if (lines.some((line) => line.low)) tools.push(flip("95 % bands", "intervals over the seeds", "bands", look));
  if (!plot.x.ticks) tools.push(flip("log x", "logarithmic or linear", "logX", scale));
  tools.push(flip("log y", "logarithmic or linear", "logY", scale));
  if (plot.epoch) tools.push(flip("epochs", "epochs or steps", "epochs", scale));
  if (lines.some((line) => line.x.length > 12)) tools.push(smoothing(chart));
  tools.push(button("reset", "the whole figure (double-click)", () => chart.reset()));
  tools.push(linkTool(chart));
  return tools;
}

function smoothing(chart) {
  const { view } = chart;
  const words = (k) => (k ? `over ${2 * SPANS[k] + 1} points` : "none");
  const set = (k) => {
    view.smooth = k;
    chart.reset();
  };
  return slider("smoothing", [0, SPANS.length - 1], words, () => view.smooth, set, chart.onSettled);
}

// Copies the address of the figure as it stands; without a clipboard the address bar has it.
function linkTool(chart) {
  const element = button("link", "copy the address of this view", () => {
    const fragment = fragmentOf(chart);
    remember(fragment);
    const address = location.href.split("#")[0] + fragment;
    const say = (words) => (element.textContent = words);
    const copied = navigator.clipboard?.writeText(address) ?? Promise.reject();
    copied.then(() => say("copied"), () => say("see the address bar"));
    setTimeout(() => say("link"), 2000);
  });
  return element;
}
