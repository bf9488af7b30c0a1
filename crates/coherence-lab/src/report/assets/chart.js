// A figure on its stage: drawing, overlay, read-out, and what a reader does with them.

function stageOf(stage, label) {
  const parts = {
    stage,
    root: svg("svg", { class: "drawing", role: "img", "aria-label": label }),
    overlay: svg("g", { class: "overlay" }),
    tip: html("div", { class: "tip", hidden: "" }),
    live: html("div", { class: "hidden", "aria-live": "polite" }),
  };
  stage.tabIndex = 0;
  stage.replaceChildren(parts.root, parts.tip, parts.live);
  return parts;
}

function resize(chart) {
  const { width, height } = chart.grid;
  chart.root.setAttribute("width", width);
  chart.root.setAttribute("height", height);
  chart.root.setAttribute("viewBox", `0 0 ${width} ${height}`);
}

function linesChart(figure, plot) {
  const chart = { ...stageOf(figure.querySelector(".stage"), figure.querySelector("h3").textContent) };
  const { stage, root, overlay, tip, live } = chart;
  const view = (chart.view = viewOf(plot));

  chart.draw = () => {
    chart.grid = gridOf(plot, stage.clientWidth, lineHeight);
    resize(chart);
    root.replaceChildren(...chart.grid.boxes.map((box) => linePanel(view, box)), axisLabels(plot, chart.grid), overlay);
    if (view.cursor) view.cursor.box = chart.grid.boxes[view.cursor.index];
    chart.mark();
  };
  chart.mark = () => {
    const found = markLines(view, chart.grid, overlay);
    tip.hidden = !found?.rows.length;
    if (tip.hidden) return;
    const { box, u, py } = view.cursor;
    const x = box.left + mix(view.window.x, u) * box.width;
    showTip(tip, stage, linesTable(view, found), x, py ?? box.top + box.height / 2);
    if (py === undefined) live.textContent = tip.innerText;
  };
  chart.set = (index, u, py) => {
    view.cursor = { index, box: chart.grid.boxes[index], u, py };
    chart.mark();
  };
  // The pointer is at a pixel: the cursor snaps to the nearest point in x.
  chart.point = (px, py) => {
    const box = boxAt(chart.grid, px, py);
    if (!box) return chart.leave();
    const at = project(box, view.x, view.y, view.window);
    return chart.set(chart.grid.boxes.indexOf(box), snapped(view, box, at, px, py), py);
  };
  chart.leave = () => {
    view.cursor = null;
    chart.mark();
  };
  chart.reset = () => {
    reset(view);
    chart.draw();
  };
  chart.walk = (by) => {
    const box = view.cursor?.box ?? chart.grid.boxes[0];
    const stops = stopsOf(view, box.panel);
    const here = stops.findIndex((u) => u >= (view.cursor?.u ?? -Infinity) - 1e-9);
    const next = view.cursor ? clamp(here + by, 0, stops.length - 1) : 0;
    if (stops.length) chart.set(chart.grid.boxes.indexOf(box), stops[next]);
  };
  chart.jump = (by) => {
    const index = clamp((view.cursor?.index ?? -by) + by, 0, chart.grid.boxes.length - 1);
    chart.set(index, view.cursor?.u ?? stopsOf(view, chart.grid.boxes[index].panel)[0]);
  };

  const logX = switchButton("log x", "logarithmic or linear steps", () => view.logX, () => {
    view.logX = !view.logX;
    chart.reset();
  });
  const again = button("reset", "the whole figure (double-click)", () => chart.reset());
  stage.before(html("div", { class: "bar" }, legend(chart), tools(chart, linesRows, ...(plot.x.ticks ? [] : [logX]), again)));
  stage.addEventListener("keydown", (event) => lineKeys(chart, event));
  stage.addEventListener("blur", () => chart.leave());
  attachZoom(chart);
  return chart;
}

// The x positions (u) at which a panel has points, in order.
function stopsOf(view, panel) {
  const us = linesOf(view, panel).flatMap((line) => (line.x.length > 1 ? line.x.map(view.x.to) : []));
  return [...new Set(us)].sort((a, b) => a - b);
}

// The x (u) of the nearest point: in x alone along steps, in the plane where lines turn back.
function snapped(view, box, at, px, py) {
  const parametric = view.plot.panels.some((panel) => panel.lines.some((line) => line.steps)) && !view.plot.x.ticks;
  let [best, least] = [at.ux(px), Infinity];
  for (const line of linesOf(view, box.panel)) {
    if (line.x.length < 2) continue;
    line.x.forEach((x, i) => {
      const away = Math.hypot(at.x(x) - px, parametric ? at.y(line.y[i]) - py : 0);
      if (away < least) [best, least] = [view.x.to(x), away];
    });
  }
  return best;
}

function heatChart(figure, plot) {
  const chart = { ...stageOf(figure.querySelector(".stage"), figure.querySelector("h3").textContent) };
  const { stage, root, overlay, tip, live } = chart;
  const view = (chart.view = heatView(plot));

  chart.draw = () => {
    chart.grid = heatGrid(plot, stage.clientWidth);
    resize(chart);
    root.replaceChildren(...chart.grid.boxes.map((box) => heatPanel(view, box)),
      axisLabels(plot, chart.grid), colorBar(view, chart.grid), overlay);
    chart.set(null);
  };
  chart.set = (cursor, spoken = false) => {
    view.cursor = cursor;
    const at = markCell(view, overlay);
    tip.hidden = !at;
    if (at) showTip(tip, stage, cellTable(view), at.x, at.y);
    if (at && spoken) live.textContent = tip.innerText;
  };
  root.addEventListener("pointermove", (event) => {
    const [x, y] = pointOf(root, event);
    const box = boxAt(chart.grid, x, y);
    if (!box) return chart.set(null);
    const [i, j] = cellAt(box, plot, x, y);
    return chart.set({ box, i, j });
  });
  root.addEventListener("pointerleave", () => chart.set(null));
  stage.addEventListener("keydown", (event) => heatKeys(chart, event));
  stage.addEventListener("blur", () => chart.set(null));
  const logValue = switchButton("log colours", "logarithmic or linear colours", () => view.logValue, () => {
    view.logValue = !view.logValue;
    rescale(view);
    chart.draw();
  });
  stage.before(html("div", { class: "bar" }, html("div", { class: "legend" }), tools(chart, heatRows, logValue)));
  return chart;
}

function heatKeys(chart, event) {
  const { plot, cursor } = chart.view;
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  if (!moves[event.key]) return;
  event.preventDefault();
  const [di, dj] = cursor ? moves[event.key] : [0, 0];
  const { box, i, j } = cursor ?? { box: chart.grid.boxes[0], i: 0, j: 0 };
  const next = [clamp(i + di, 0, plot.x.ticks.length - 1), clamp(j + dj, 0, plot.y.ticks.length - 1)];
  chart.set({ box, i: next[0], j: next[1] }, true);
}
