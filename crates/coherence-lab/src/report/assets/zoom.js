// Zoom and pan of a figure of lines: drag a frame, shift-drag, wheel (once the figure has the focus).

const LEAST_DRAG = 6; // pixels; less is a click
const BAND = 24; // a frame flatter than this zooms x alone

function pointOf(root, event) {
  const area = root.getBoundingClientRect();
  return [event.clientX - area.left, event.clientY - area.top];
}

function frameOf(drag, x, y) {
  const { box } = drag;
  const [left, right] = [Math.min(drag.x, x), Math.max(drag.x, x)].map((v) => clamp(v, box.left, box.left + box.width));
  const tall = Math.abs(y - drag.y) >= BAND;
  const ends = tall ? [Math.min(drag.y, y), Math.max(drag.y, y)] : [box.top, box.top + box.height];
  const [top, floor] = ends.map((v) => clamp(v, box.top, box.top + box.height));
  return { left, right, top, floor, tall };
}

function drawFrame(overlay, frame) {
  const { left, top } = frame;
  overlay.replaceChildren(svg("rect", {
    class: "zoom", x: left, y: top, width: frame.right - left, height: frame.floor - top,
  }));
}

function zoomTo(view, drag, frame) {
  const at = project(drag.box, view.x, view.y, view.window);
  const x = [at.ux(frame.left), at.ux(frame.right)];
  const y = frame.tall ? [at.uy(frame.floor), at.uy(frame.top)] : view.window.y;
  view.window = { x, y };
}

function panBy(view, drag, x, y) {
  const at = project(drag.box, view.x, view.y, drag.window);
  view.window = { x: [...drag.window.x], y: [...drag.window.y] };
  panAxis(view, "x", at.ux(drag.x) - at.ux(x));
  panAxis(view, "y", at.uy(drag.y) - at.uy(y));
}

// A finger reads values: a tap keeps its read-out, a sideways drag moves it. A mouse zooms.
function attachZoom(chart) {
  const { view, root, stage } = chart;
  const isTouch = (event) => event.pointerType === "touch";
  const zoomed = () => {
    chart.moved = true;
    chart.changed();
  };
  let drag = null;
  root.addEventListener("pointerdown", (event) => {
    const [x, y] = pointOf(root, event);
    if (isTouch(event)) return chart.point(x, y);
    const box = boxAt(chart.grid, x, y);
    if (!box || event.button) return undefined;
    drag = { box, x, y, pan: event.shiftKey, window: view.window };
    return root.setPointerCapture(event.pointerId);
  });
  root.addEventListener("pointermove", (event) => {
    const [x, y] = pointOf(root, event);
    if (!drag) return chart.point(x, y);
    if (Math.abs(x - drag.x) < LEAST_DRAG && !drag.moved) return undefined;
    drag.moved = true;
    chart.leave();
    if (!drag.pan) return drawFrame(chart.overlay, frameOf(drag, x, y));
    panBy(view, drag, x, y);
    return chart.draw();
  });
  root.addEventListener("pointerup", (event) => {
    if (isTouch(event)) return;
    const [x, y] = pointOf(root, event);
    if (drag?.moved && !drag.pan) zoomTo(view, drag, frameOf(drag, x, y));
    if (drag?.moved) zoomed();
    else chart.point(x, y);
    drag = null;
  });
  root.addEventListener("pointercancel", () => (drag = null));
  root.addEventListener("pointerleave", (event) => drag ?? (isTouch(event) || chart.leave()));
  root.addEventListener("dblclick", () => chart.reset());
  root.addEventListener("wheel", (event) => {
    const [x, y] = pointOf(root, event);
    const box = boxAt(chart.grid, x, y);
    if (!box || !(event.ctrlKey || stage.contains(document.activeElement))) return;
    event.preventDefault();
    const at = project(box, view.x, view.y, view.window);
    zoomAxis(view, "x", Math.exp(clamp(event.deltaY, -200, 200) / 400), at.ux(x));
    zoomed();
  }, { passive: false });
}
