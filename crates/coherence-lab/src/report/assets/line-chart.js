// A figure of lines on its stage, and what a reader does with it.

const NARROW = 640; // pixels; in less, rows of panels are shown one at a time

class LineChart {
  constructor(stage, name, plot) {
    Object.assign(this, stageOf(stage), { name, view: viewOf(plot), moved: false, shares: false });
    const { row, logX, logY } = this.view;
    this.first = { row, logX, logY };
    this.bar = lineBar(this);
    this.stage.before(this.bar);
    this.stage.addEventListener("keydown", (event) => lineKeys(this, event));
    this.stage.addEventListener("blur", () => this.leave());
    attachZoom(this);
  }

  // Opens with one row of panels at a time.
  single() {
    if (!(this.view.plot.rows.length > 1)) return;
    this.view.row = this.first.row = 0;
    this.settled();
  }

  // What the colours mean stands in the legend of the group.
  shareColors() {
    this.shares = true;
    this.bar.classList.add("shares");
  }

  draw() {
    const { view, root, stage } = this;
    const width = stage.clientWidth;
    const room = this.shares ? 0 : endsRoom(view, width);
    this.bar.classList.toggle("labelled", room > 0);
    this.grid = gridOf(view.shown, width, lineHeight, room, room && view.shown.colors.name ? 12 : 0);
    resize(this);
    const panels = this.grid.boxes.map((box) => linePanel(view, box, room > 0));
    root.replaceChildren(...panels, axisLabels(view.shown, this.grid), this.overlay);
    if (view.cursor) view.cursor.box = this.grid.boxes[view.cursor.index];
    if (view.cursor && !view.cursor.box) view.cursor = null;
    this.mark();
  }

  // Shows what is at the cursor. A cursor without a height was moved by keys: then it is spoken too.
  mark() {
    const { view, tip } = this;
    const found = markLines(view, this.grid, this.overlay);
    tip.hidden = !found?.rows.length;
    if (tip.hidden) return;
    const { box, u, py } = view.cursor;
    const x = box.left + mix(view.window.x, u) * box.width;
    showTip(tip, this.stage, linesTable(view, found), x, py ?? box.top + box.height / 2);
    if (py === undefined) this.live.textContent = tip.innerText;
  }

  set(index, u, py) {
    this.view.cursor = { index, box: this.grid.boxes[index], u, py };
    this.mark();
  }

  // The pointer is at a pixel: the cursor snaps to the nearest point.
  point(px, py) {
    const box = boxAt(this.grid, px, py);
    if (!box) return this.leave();
    const at = project(box, this.view.x, this.view.y, this.view.window);
    return this.set(this.grid.boxes.indexOf(box), snapped(this.view, box, at, px, py), py);
  }

  leave() {
    this.view.cursor = null;
    if (this.grid) this.mark();
  }

  // Shows the whole figure again, and what was chosen in the address.
  reset() {
    this.moved = false;
    reset(this.view);
    this.changed();
  }

  // Something was chosen: it stands in the address from now on.
  changed() {
    this.settled();
    remember(fragmentOf(this));
  }

  settled() {
    arrange(this.view);
    this.bar.dispatchEvent(new Event("settled"));
    if (this.stage.clientWidth) this.draw();
  }

  zoomed() {
    return this.moved;
  }

  light(reads) {
    this.view.lit = reads;
    if (this.stage.clientWidth) this.draw();
  }

  // To the next or the previous point of the panel.
  walk(by) {
    const { cursor } = this.view;
    const box = cursor?.box ?? this.grid.boxes[0];
    const stops = stopsOf(this.view, box.panel);
    if (!stops.length) return;
    const here = stops.findIndex((u) => u >= (cursor?.u ?? -Infinity) - 1e-9);
    this.set(this.grid.boxes.indexOf(box), stops[cursor ? clamp(here + by, 0, stops.length - 1) : 0]);
  }

  // To the next or the previous panel.
  jump(by) {
    const { cursor } = this.view;
    const index = cursor ? clamp(cursor.index + by, 0, this.grid.boxes.length - 1) : 0;
    this.set(index, cursor?.u ?? stopsOf(this.view, this.grid.boxes[index].panel)[0]);
  }
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
