// All layers and heads as small maps on one canvas; chosen, sorted and filtered by a score.
const SCORES = ["entropy", "previous", "first", "induction", "toward"];

class BirdsEye {
  constructor(app) {
    this.app = app;
    this.sorted = false;
    this.score = "none";
    this.limit = 0;
    this.toward = null;                                            // {token, values}
    this.canvas = h("canvas", { tabindex: 0, role: "application", "data-what": "heads" });
    this.tip = h("span", { class: "attn-muted", "aria-live": "polite" });
    this.pick = h("select", { onchange: () => this.choose(this.pick.value) });
    this.sort = h("input", { type: "checkbox", onchange: () => { this.sorted = this.sort.checked; this.draw(); } });
    this.range = h("input", { type: "range", min: 0, max: 100, value: 0, oninput: () => { this.limit = this.range.value / 100; this.draw(); } });
    this.count = h("span", { class: "attn-muted attn-num" });
    this.help = h("span", { class: "attn-help" });
    this.rangeWord = h("span");
    const { t } = app;
    this.filters = h("span", { class: "attn-row" }, h("label", {}, this.sort, t("sort")), h("label", {}, this.rangeWord, this.range), this.count, this.help);
    this.marks = [h("div", { class: "attn-mark" }), h("div", { class: "attn-mark attn-other" })];      // over the canvas: choosing redraws nothing
    this.scroll = h("div", { class: "attn-birds" }, h("div", { class: "attn-over" }, this.canvas, ...this.marks));
    this.tools = h("div", { class: "attn-row" }, h("h3", {}, t("all")), this.tip, h("label", {}, t("score"), this.pick),
      h("span", { class: "attn-row attn-muted attn-legend" }, t("legend"), app.legend), this.filters);
    this.canvas.setAttribute("aria-label", t("allHelp"));
    this.canvas.onmousemove = (e) => this.point(this.find(e));
    this.canvas.onmouseleave = () => this.point(null);
    this.canvas.onclick = (e) => { const at = this.find(e); if (at) app.select(at.layer, at.head); };
    this.canvas.onkeydown = (e) => this.key(e);
  }

  get part() { return this.app.active.part; }

  reset() {                                                        // another text, or another kind of attention
    const { t } = this.app, part = this.part;
    const has = (i) => this.values(SCORES[i]).some(Number.isFinite);
    this.pick.replaceChildren(...["none", ...SCORES].map((name) => h("option", { value: name, selected: name === this.score }, t(name))));
    SCORES.slice(0, 3).forEach((name, i) => { this.pick.options[i + 1].disabled = !has(i); });
    if (this.score === "toward") this.chooseToken(Math.min(this.toward?.token ?? 0, part.S - 1));
    this.atlas = null;
    this.explain();
  }

  values(name = this.score) {                                      // Float32Array [L * H]
    const { arrays, L, H } = this.part, i = SCORES.indexOf(name);
    if (name === "toward") return this.toward?.values ?? new Float32Array(L * H);
    return i < 0 ? new Float32Array(L * H) : arrays.scores.subarray(i * L * H, (i + 1) * L * H);
  }

  choose(name) {
    this.score = name;
    if (name === "toward" && !this.toward) this.chooseToken(0);
    this.explain();
  }

  explain() {                                                      // what the score is; the rest of the view makes room for it
    const { t } = this.app, { part, score } = this, chosen = score !== "none", none = chosen && !this.values().some(Number.isFinite);
    this.filters.hidden = !chosen;
    this.help.textContent = !chosen ? "" : none ? t("inductionNone") : t(`${score}Help`, { max: this.scale().toFixed(1), token: (part.key.labels[this.toward?.token ?? 0] ?? "").trim() });
    this.app.resize(true);
  }

  async chooseToken(token) {
    const { picture, part } = this.app.active;
    const values = await towardToken(picture, part, token, this.app.ask);
    this.toward = { token, values };
    if (this.score === "toward") this.explain();
  }

  layout() {
    const { app } = this, { L, H, kv } = this.part, gap = kv ? 5 : 0, size = kv ? H / kv : H;
    const [width, height] = (app.narrow ? [app.width, 360] : [0.42 * app.width, app.room]).map((room) => room - 38 - gap * (kv ?? 0));
    const fits = (columns, rows) => Math.floor(Math.min(app.wide ? 52 : 40, width / columns, (height + 14) / rows));
    this.byLayer = fits(L, H) > fits(H, L);                        // layers run across where that makes the maps larger
    const [columns, rows] = this.byLayer ? [L, H] : [H, L], cell = Math.max(app.narrow ? 16 : 12, fits(columns, rows));
    const jump = (head) => (kv ? Math.floor(head / size) * gap : 0);                                   // a space between key-value groups
    const order = [...Array(L * H).keys()];
    if (this.sorted && this.score !== "none") {
      const values = this.values(), worth = (i) => (Number.isNaN(values[i]) ? -Infinity : this.score === "entropy" ? -values[i] : values[i]);
      order.sort((a, b) => worth(b) - worth(a));
    }
    const flat = this.sorted && this.score !== "none";
    this.cells = order.map((i, at) => {
      const layer = Math.floor(i / H), head = i % H;
      const [column, row] = flat ? [at % columns, Math.floor(at / columns)] : this.byLayer ? [layer, head] : [head, layer];
      const shift = flat ? [0, 0] : this.byLayer ? [0, jump(head)] : [jump(head), 0];
      return { i, layer, head, x: 30 + column * cell + shift[0], y: 18 + row * cell + shift[1] };
    });
    Object.assign(this, { cell, flat, columns, rows });
    const last = Math.max(...this.cells.map((c) => c.y));
    return { width: Math.max(...this.cells.map((c) => c.x)) + cell + 4, height: last + cell + 4 };
  }

  passes(i) {
    const value = this.values()[i], top = this.scale();
    if (this.score === "none" || !this.limit) return true;
    return this.score === "entropy" ? value <= top * (1 - this.limit) : value >= this.limit;
  }

  scale() {                                                        // what a full bar stands for
    return this.score === "entropy" ? Math.log2(Math.max(2, this.part.S)) : 1;
  }

  draw() {
    const { t, ablated } = this.app, part = this.part, chosen = this.score !== "none";
    const { width, height } = this.layout(), c = sized(this.canvas, width, height), { L, H } = part;
    const [rows, columns] = part.thumb, colors = this.app.colors;
    this.paintAtlas();
    c.clearRect(0, 0, width, height);
    const inner = this.cell - 2;
    c.imageSmoothingEnabled = inner * devicePixelRatio < rows;
    const values = this.values();
    let shown = 0;
    for (const { i, layer, head, x, y } of this.cells) {
      const passes = this.passes(i);
      shown += passes;
      c.globalAlpha = passes ? 1 : 0.1;
      c.drawImage(this.atlas, (i % H) * columns, Math.floor(i / H) * rows, columns, rows, x, y, inner, inner);
      if (chosen && values[i] > 0) {
        c.fillStyle = colors.accent;
        c.fillRect(x, y + inner - 3, inner * Math.min(1, values[i] / this.scale()), 3);
      }
      c.globalAlpha = 1;
      if (ablated.has(`${part.name}/${layer}/${head}`)) {
        c.strokeStyle = colors.accent;
        c.lineWidth = 2;
        c.beginPath(); c.moveTo(x + 2, y + 2); c.lineTo(x + inner - 2, y + inner - 2); c.moveTo(x + inner - 2, y + 2); c.lineTo(x + 2, y + inner - 2); c.stroke();
      }
    }
    this.labels(c);
    this.rangeWord.textContent = t(this.score === "entropy" ? "most" : "least") + " " + (this.score === "entropy" ? ((1 - this.limit) * this.scale()).toFixed(1) : this.limit.toFixed(2));
    this.count.textContent = t("of", { n: shown, all: L * H });
    this.mark();
  }

  mark() {                                                         // frames around the chosen heads: the active panel's, then the other's
    const { panels, active } = this.app;
    [active, panels.find((p) => p !== active)].forEach((panel, i) => {
      const at = panel?.part === this.part && this.cells.find((c) => c.layer === panel.layer && c.head === panel.head);
      this.marks[i].hidden = !at;
      if (at) this.marks[i].style.cssText = `left:${at.x - 3}px;top:${at.y - 3}px;width:${this.cell + 4}px;height:${this.cell + 4}px`;
    });
    this.point(this.over);
  }

  labels(c) {
    const { colors, t, font } = this.app;
    c.fillStyle = colors.muted;
    c.font = `10px ${font}`;
    c.textBaseline = "middle";
    if (this.flat) return;
    const every = this.columns > 10 && this.cell < 18 ? 5 : 1;
    for (const { layer, head, x, y } of this.cells) {
      const [column, row] = this.byLayer ? [layer, head] : [head, layer];
      if (row === 0 && column % every === 0) { c.textAlign = "center"; c.fillText(column, x + this.cell / 2 - 1, 8); }
      if (column === 0) { c.textAlign = "right"; c.fillText((this.byLayer ? "H" : "L") + row, 25, y + this.cell / 2 - 1); }
    }
    c.textAlign = "left";
    c.fillText(this.byLayer ? "L" : "H", 12, 8);
  }

  paintAtlas() {                                                   // every thumbnail once, side by side: layers down, heads across
    if (this.atlas && this.atlasTheme === this.app.theme) return;
    const { L, H, thumb: [rows, columns], arrays: { thumbs }, causal } = this.part;
    const n = causal ? (rows * (rows + 1)) / 2 : rows * columns, { packed } = colorScale(this.app.theme);
    this.atlas = h("canvas", { width: H * columns, height: L * rows });
    const c = this.atlas.getContext("2d"), image = c.createImageData(H * columns, L * rows), pixels = new Uint32Array(image.data.buffer);
    for (let i = 0, at = 0; i < L * H; i++, at = i * n)
      for (let q = 0; q < rows; q++) {
        const start = (Math.floor(i / H) * rows + q) * H * columns + (i % H) * columns;
        for (let k = 0; k < (causal ? q + 1 : columns); k++) pixels[start + k] = packed[thumbs[at++]];
        if (causal) pixels.fill(packed[0], start + q + 1, start + columns);
      }
    c.putImageData(image, 0, 0);
    this.atlasTheme = this.app.theme;
  }

  find(event) {
    const box = this.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    return this.cells.find((at) => x >= at.x && x < at.x + this.cell && y >= at.y && y < at.y + this.cell);
  }

  point(at) {
    this.over = at;
    const { active, t } = this.app, { layer, head } = at ?? active, value = this.values()[layer * this.part.H + head];
    this.canvas.style.cursor = at ? "pointer" : "";
    this.tip.textContent = `L${layer} · H${head}` + (this.score === "none" ? "" : ` · ${t(this.score)} ${Number.isFinite(value) ? value.toFixed(2) : "–"}`);
  }

  key(event) {
    const { active } = this.app, now = this.cells.findIndex((c) => c.layer === active.layer && c.head === active.head), from = this.cells[now];
    const aim = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key.toLowerCase() === "a" && !event.ctrlKey && !event.metaKey) this.app.toggleAblation(active);
    else if (event.key === "Home" || event.key === "End") this.go(this.cells[event.key === "Home" ? 0 : this.cells.length - 1]);
    else if (aim) {                                                // the nearest cell in that direction
      const ahead = this.cells.filter((c) => (c.x - from.x) * aim[0] + (c.y - from.y) * aim[1] > 0);
      const off = (c) => Math.abs(c.x - from.x) * (aim[0] ? 1 : 9) + Math.abs(c.y - from.y) * (aim[1] ? 1 : 9);
      this.go(ahead.sort((a, b) => off(a) - off(b))[0]);
    } else return;
    event.preventDefault();
    event.stopPropagation();                                       // or the notebook moves to another cell
  }

  go(at) {
    if (!at) return;
    this.app.select(at.layer, at.head);
    const { scroll } = this;
    if (at.y < scroll.scrollTop || at.y + this.cell > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = at.y - scroll.clientHeight / 2;
    if (at.x < scroll.scrollLeft || at.x + this.cell > scroll.scrollLeft + scroll.clientWidth) scroll.scrollLeft = at.x - scroll.clientWidth / 2;
  }
}
