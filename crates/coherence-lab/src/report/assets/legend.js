// The legend of a figure, or of several with the same colours: a click switches a line, shift-click leaves it alone.

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

function legendGroup(charts, items, name) {
  const [{ view, onSettled }] = charts;
  const buttons = items.map(([key, words, line]) => {
    const element = html("button", { type: "button", class: "key", "aria-pressed": "true" },
      legendSwatch(view.plot, line), words);
    element.addEventListener("click", (event) => {
      for (const chart of charts) {
        toggle(chart.view, key, items.map(([other]) => other), event.shiftKey);
        chart.reset();
      }
    });
    return element;
  });
  onSettled.push(() => buttons.forEach((b, i) => b.setAttribute("aria-pressed", !view.hidden.has(items[i][0]))));
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
  const all = legendItems(plot);
  const groups = all.flat().length > 1 ? all : [];
  const names = plot.colors.items.length ? [plot.colors.name] : [];
  const element = html("div", { class: "legend" }, ...groups.map((items, i) => legendGroup([chart], items, names[i])));
  if (plot.colors.items.length) element.firstChild?.classList.add("colors");
  return element;
}

// The figures of a group whose colours mean the same have one legend of them, under the heading of the group.
function shareLegend(group) {
  const own = [...group.querySelectorAll("figure.plot")].map((figure) => charts.get(figure.id)).filter(Boolean);
  const meanings = new Set(own.map(({ view }) => JSON.stringify(view.plot.colors ?? null)));
  const colors = own[0]?.view.plot.colors;
  if (own.length < 2 || meanings.size > 1 || !(colors?.items.length > 1)) return;
  const items = legendItems(own[0].view.plot)[0];
  group.querySelector(".heading").after(html("div", { class: "bar legend" }, legendGroup(own, items, colors.name)));
  own.forEach((chart) => chart.shareColors());
}
