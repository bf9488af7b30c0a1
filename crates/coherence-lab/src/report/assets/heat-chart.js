// A heat map on its stage, and what a reader does with it.

class HeatChart {
  constructor(stage, name, plot) {
    Object.assign(this, stageOf(stage), { name, view: heatView(plot) });
    const bar = html("div", { class: "bar" });
    bar.append(...optionsOf(bar, stage, this.colorSwitch(), ...files(this, heatRows)));
    this.stage.before(bar);
    if (plot.play) this.neurons = new Neurons(this);
    const at = (event) => pointOf(this.root, event);
    this.root.addEventListener("pointerdown", (event) => this.press(event, ...at(event)));
    this.root.addEventListener("pointermove", (event) => this.press(event, ...at(event)));
    this.root.addEventListener("pointerleave", (event) => event.pointerType === "touch" || this.set(null));
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
    this.neurons?.place();
  }

  set(cursor, spoken = false) {
    this.view.cursor = cursor;
    if (!this.grid) return;
    const at = markCell(this.view, this.overlay);
    this.tip.hidden = !at;
    if (at) showTip(this.tip, this.stage, cellTable(this.view), at.x, at.y);
    if (at && spoken) this.live.textContent = this.tip.innerText;
  }

  // A pointer reads the cell under it; pressed down it also trains from there.
  press(event, x, y) {
    const box = boxAt(this.grid, x, y);
    const touch = event.pointerType === "touch";
    if (!box) return touch ? undefined : this.set(null);
    const down = touch || event.buttons & 1;
    if (this.neurons && down) {
      this.neurons.drag(box, x, y);
      return this.set(null);
    }
    const [i, j] = cellAt(box, this.view.plot, x, y);
    return this.set({ box, i, j });
  }

  // Arrow keys walk over the cells of a panel.
  key(event) {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!move) return;
    event.preventDefault();
    const { plot, cursor } = this.view;
    const box = cursor?.box ?? this.grid.boxes[0];
    const i = cursor ? clamp(cursor.i + move[0], 0, plot.x.ticks.length - 1) : 0;
    const j = cursor ? clamp(cursor.j + move[1], 0, plot.y.ticks.length - 1) : 0;
    this.set({ box, i, j }, true);
    this.neurons?.put(i, j);
  }
}
