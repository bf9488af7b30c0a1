// The stage of a figure: the drawing, what is laid over it, the read-out and its spoken twin.

function stageOf(stage) {
  const label = stage.closest("figure").querySelector("h3").textContent;
  const parts = {
    stage,
    root: svg("svg", { class: "drawing", role: "img", "aria-label": label }),
    overlay: svg("g", { class: "overlay" }),
    tip: html("div", { class: "tip", hidden: "" }),
    live: html("div", { class: "hidden", "aria-live": "polite" }),
  };
  fill(stage, { tabindex: 0, role: "group", "aria-label": `${label}: arrow keys read values` }, []);
  stage.replaceChildren(parts.root, parts.tip, parts.live);
  return parts;
}

// Gives the drawing the size of its grid of panels.
function resize(chart) {
  const { width, height } = chart.grid;
  chart.root.setAttribute("width", width);
  chart.root.setAttribute("height", height);
  chart.root.setAttribute("viewBox", `0 0 ${width} ${height}`);
}
