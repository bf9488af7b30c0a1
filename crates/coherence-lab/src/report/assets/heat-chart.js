// A heat map on its stage, and what a reader does with it.

class HeatChart {
  constructor(figure, plot) {
    Object.assign(this, stageOf(figure), { view: heatView(plot) });
    this.stage.before(html("div", { class: "bar" }, html("div", { class: "legend" }), tools(this, heatRows, this.colorSwitch())));
    this.root.addEventListener("pointermove", (event) => this.point(...pointOf(this.root, event)));
    this.root.addEventListener("pointerleave", () => this.set(null));
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("blur", () => this.set(null));
  }

  colorSwitch() {
    const { view } = this;
    return switchButton("log colours", "logarithmic or linear colours", () => view.logValue, () => {
      view.logValue = !view.logValue;
      rescale(view);
      this.draw();
    });
  }

  draw() {
    const { view, root } = this;
    this.grid = heatGrid(view.plot, this.stage.clientWidth);
    resize(this);
    const panels = this.grid.boxes.map((box) => heatPanel(view, box));
    root.replaceChildren(...panels, axisLabels(view.plot, this.grid), colorBar(view, this.grid), this.overlay);
    this.set(null);
  }

  set(cursor, spoken = false) {
    this.view.cursor = cursor;
    const at = markCell(this.view, this.overlay);
    this.tip.hidden = !at;
    if (at) showTip(this.tip, this.stage, cellTable(this.view), at.x, at.y);
    if (at && spoken) this.live.textContent = this.tip.innerText;
  }

  point(x, y) {
    const box = boxAt(this.grid, x, y);
    if (!box) return this.set(null);
    const [i, j] = cellAt(box, this.view.plot, x, y);
    return this.set({ box, i, j });
  }

  // Arrow keys walk over the cells of a panel.
  key(event) {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!move) return;
    event.preventDefault();
    const { plot, cursor } = this.view;
    if (!cursor) return this.set({ box: this.grid.boxes[0], i: 0, j: 0 }, true);
    const i = clamp(cursor.i + move[0], 0, plot.x.ticks.length - 1);
    const j = clamp(cursor.j + move[1], 0, plot.y.ticks.length - 1);
    return this.set({ box: cursor.box, i, j }, true);
  }
}
