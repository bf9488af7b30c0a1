// The keyboard.

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
  const before = view.window.x.join();
  acts[event.key]();
  if (view.window.x.join() === before) return chart.draw();
  chart.moved = !["0", "Escape"].includes(event.key);
  return chart.changed();
}
