// The bar over a figure: legend (a click switches, shift-click leaves one alone) and tools.

const button = (words, title, act) => {
  const element = html("button", { type: "button", title }, words);
  element.addEventListener("click", act);
  return element;
};

// What the legend lists: [key in view.hidden, words, a line that looks like it].
function legendItems(plot) {
  const groups = [
    plot.colors.items.map((words, color) => [`c${color}`, words, { color }]),
    plot.dashes.items.map((words, dash) => [`d${dash}`, words, { dash, reference: "" }]),
  ];
  const names = new Set(plot.panels.flatMap((panel) => panel.lines.map((line) => line.reference)));
  names.delete(undefined);
  groups.push([...names].map((reference) => [`r${reference}`, reference, { reference }]));
  return groups.filter((group) => group.length);
}

// In the legend a dash pattern is drawn in ink, since it goes with any colour.
function legendSwatch(plot, line) {
  const piece = swatch(plot, line);
  if (line.dash !== undefined) {
    piece.firstChild.setAttribute("stroke", "var(--ink)");
    piece.firstChild.setAttribute("stroke-dasharray", DASHES[line.dash % DASHES.length]);
  }
  return piece;
}

function legendGroup(chart, items, name) {
  const { view } = chart;
  const buttons = items.map(([key, words, line]) => {
    const element = html("button", { type: "button", class: "key", "aria-pressed": "true" },
      legendSwatch(view.plot, line), words);
    element.addEventListener("click", (event) => {
      toggle(view, key, items.map(([other]) => other), event.shiftKey);
      buttons.forEach((b, i) => b.setAttribute("aria-pressed", !view.hidden.has(items[i][0])));
      chart.reset();
    });
    return element;
  });
  return html("span", { class: "keys", role: "group", "aria-label": name || "series" },
    ...(name ? [html("span", { class: "key-name" }, name)] : []), ...buttons);
}

// Switches one line; alone: all others of its group off, or on again if it was alone already.
function toggle(view, key, group, alone) {
  const { hidden } = view;
  if (!alone) {
    if (!hidden.delete(key)) hidden.add(key);
    return;
  }
  const others = group.filter((other) => other !== key);
  const was = !hidden.has(key) && others.every((other) => hidden.has(other));
  hidden.delete(key);
  others.forEach((other) => (was ? hidden.delete(other) : hidden.add(other)));
}

function legend(chart) {
  const { plot } = chart.view;
  const groups = legendItems(plot);
  const names = plot.colors.items.length ? [plot.colors.name] : [];
  return html("div", { class: "legend" }, ...groups.map((items, i) => legendGroup(chart, items, names[i])));
}

// A switch between two words; `state` says whether it is on.
function switchButton(words, title, state, act) {
  const element = button(words, title, () => {
    act();
    element.setAttribute("aria-pressed", state());
  });
  element.setAttribute("aria-pressed", state());
  return element;
}

function tools(chart, rows, ...switches) {
  const name = chart.stage.closest("figure").id;
  return html("div", { class: "tools" }, ...switches,
    button("SVG", "save the drawing", () => save(`${name}.svg`, "image/svg+xml", svgText(chart.root))),
    button("CSV", "save the data", () => save(`${name}.csv`, "text/csv", csvText(rows(chart.view.plot)))));
}

// Arrow keys move the cursor, + and − zoom about it, shift-arrows pan, 0 or Escape resets.
function lineKeys(chart, event) {
  const { view } = chart;
  const width = view.window.x[1] - view.window.x[0];
  const centre = view.cursor?.u ?? (view.window.x[0] + view.window.x[1]) / 2;
  const acts = {
    ArrowLeft: () => (event.shiftKey ? panAxis(view, "x", -width / 8) : chart.walk(-1)),
    ArrowRight: () => (event.shiftKey ? panAxis(view, "x", width / 8) : chart.walk(1)),
    ArrowUp: () => chart.jump(-1),
    ArrowDown: () => chart.jump(1),
    "+": () => zoomAxis(view, "x", 0.8, centre),
    "=": () => zoomAxis(view, "x", 0.8, centre),
    "-": () => zoomAxis(view, "x", 1.25, centre),
    0: () => chart.reset(),
    Escape: () => chart.reset(),
  };
  if (!acts[event.key] || event.target !== chart.stage) return;
  event.preventDefault();
  acts[event.key]();
  chart.draw();
}
