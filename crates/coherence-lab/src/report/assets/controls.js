// The bar over a figure: a slider for its rows, options, and the drawing as a file.

const button = (words, title, act) => {
  const element = html("button", { type: "button", title }, words);
  element.addEventListener("click", act);
  return element;
};

// A switch; `state` says whether it is on.
function switchButton(words, title, state, act, onSettled = []) {
  const element = button(words, title, () => {
    act();
    show();
  });
  const show = () => element.setAttribute("aria-pressed", state());
  onSettled.push(show);
  show();
  return element;
}

// A slider with the words of its position; `set` gets the number.
function slider(name, [least, most], words, value, set, onSettled) {
  const input = html("input", { type: "range", min: least, max: most, step: 1, "aria-label": name });
  const output = html("output");
  const show = () => {
    input.value = value();
    output.textContent = words(value());
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    set(Number(input.value));
    show();
  });
  onSettled.push(show);
  show();
  return html("label", { class: "slider" }, name, input, output);
}

const files = (chart, rows) => [
  button("SVG", "save the drawing", () => save(`${chart.name}.svg`, "image/svg+xml", svgText(chart.root))),
  button("CSV", "save the data", () => save(`${chart.name}.csv`, "text/csv", csvText(rows(chart.view.plot)))),
];

// The options are folded away until they are asked for; what opens them stands in the heading, if any.
function optionsOf(bar, stage, ...tools) {
  const panel = html("div", { class: "tools", hidden: "" }, ...tools);
  const opener = button("options", "axes, smoothing, lines, files", () => {
    panel.hidden = !panel.hidden;
    opener.setAttribute("aria-expanded", !panel.hidden);
    bar.classList.toggle("open", !panel.hidden);
  });
  opener.className = "opener";
  opener.setAttribute("aria-expanded", false);
  const heading = stage.previousElementSibling;
  if (!heading?.matches(".heading")) return [opener, panel];
  heading.append(opener);
  return [panel];
}
