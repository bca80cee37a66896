// One head: tokens on both sides with lines between them, and the matrix. Everything is drawn from `codes`, one byte a weight.
class HeadView {
  constructor(app, picture, partName, layer, head) {
    Object.assign(this, { app, picture, layer, head, mode: "plain", focus: null, pinned: false });
    this.part = picture.parts.find((p) => p.name === partName) ?? picture.parts[0];
    this.build();
  }

  build() {
    const { t } = this.app;
    const number = (name) => h("input", { type: "number", min: 0, oninput: (e) => this.app.select(...(name === "layer" ? [+e.target.value, this.head] : [this.layer, +e.target.value]), this) });
    this.layerBox = number("layer");
    this.headBox = number("head");
    this.kind = h("select", { onchange: () => this.app.setPart(this, this.kind.value) });
    this.kindLabel = h("label", {}, t("kind"), this.kind);
    this.modes = MODES.map((mode) => h("button", { type: "button", onclick: () => this.setMode(mode) }, t(mode)));
    this.ablate = h("button", { type: "button", onclick: () => this.app.toggleAblation(this) });
    this.scores = h("button", { type: "button", title: t("scoresHelp"), onclick: () => { this.scored = !this.scored; this.exact = null; this.controls(); this.fetchExact(); } }, "q·k");
    this.outcome = h("section", { class: "attn-outcome", "aria-live": "polite" });
    this.group = h("span");
    this.note = h("span");
    this.text = this.app.textBoxes(this);
    this.sides = { q: this.list("q"), k: this.list("k") };
    this.lines = h("canvas", { class: "attn-lines", "aria-hidden": "true", "data-what": "lines" });
    this.scroll = h("div", { class: "attn-scroll" }, h("div", { class: "attn-cols" }, this.sides.q, this.lines, this.sides.k));
    this.scroll.addEventListener("scroll", () => paintLines(this));
    this.matrix = h("canvas", { tabindex: 0, role: "application", "aria-label": t("matrix"), "data-what": "matrix" });
    this.bandH = h("div", { class: "attn-band" });
    this.bandV = h("div", { class: "attn-band" });
    this.square = h("div", { class: "attn-square" }, this.matrix, this.bandH, this.bandV);
    this.readout = h("output", { class: "attn-readout" });
    this.table = h("table", { class: "attn-table" });
    this.details = h("details", { ontoggle: () => this.fillTable() }, h("summary", {}, t("table")), this.table);
    this.el = h("section", { class: "attn-panel", onpointerdown: () => this.app.activate(this), onfocusin: () => this.app.activate(this) },
      this.text,
      h("div", { class: "attn-row attn-controls" }, this.kindLabel, h("label", {}, t("layer"), this.layerBox), h("label", {}, t("head"), this.headBox),
        h("span", { class: "attn-modes", role: "group" }, ...this.modes), this.scores),
      h("p", { class: "attn-help" }, this.note, " ", this.group),
      this.body = h("div", { class: "attn-body" },
        h("div", { class: "attn-left" }, this.headings = h("div", { class: "attn-heads" }, h("span", {}, t("from")), h("span", {}, t("to"))), this.scroll, this.outcome), this.square),
      h("div", { class: "attn-hint" }, this.readout), this.details);
    this.matrix.onmousemove = (e) => this.point(this.cellAt(e));
    this.matrix.onmouseleave = () => this.point(null);
    this.matrix.onclick = (e) => this.pin(this.cellAt(e));
    this.matrix.onkeydown = (e) => this.keys(e, true);
    this.matrix.onfocus = () => this.focus ?? this.point({ q: this.part.T - 1, k: 0 }, true);
    this.fill();
  }

  list(side) {
    const element = h("ol", { class: `attn-tokens attn-${side}`, role: "listbox", tabindex: 0, "aria-label": this.app.t(side === "q" ? "query" : "key") });
    const at = (e) => { const item = e.target.closest("li"); return item ? { [side]: +item.dataset.i } : null; };
    element.onmousemove = (e) => this.point(at(e));
    element.onmouseleave = () => this.point(null);
    element.onclick = (e) => this.pin(at(e));
    element.onkeydown = (e) => this.keys(e, false, side);
    element.onfocus = () => this.focus ?? (element.matches(":focus-visible") && this.point({ [side]: side === "q" ? this.part.T - 1 : 0 }, true));
    return element;
  }

  fill() {                                                         // tokens of this picture and part
    const { t } = this.app, { part, picture } = this;
    this.focus = null; this.pinned = false; this.exact = null; this.codes = null;
    this.kind.replaceChildren(...picture.parts.map((p) => h("option", { value: p.name, selected: p === part }, t(p.name))));
    this.kindLabel.hidden = picture.parts.length < 2;
    for (const [side, tokens] of [["q", part.query], ["k", part.key]]) {
      const special = new Set(tokens.special);
      this.sides[side].replaceChildren(...tokens.labels.map((label, i) =>
        h("li", { role: "option", "data-i": i, class: special.has(i) ? "attn-special" : "", title: special.has(i) ? t("special") : "" }, visible(label))));
    }
    this.layerBox.max = part.L - 1;
    this.headBox.max = part.H - 1;
    this.layer = Math.min(this.layer, part.L - 1);
    this.head = Math.min(this.head, part.H - 1);
    if (!part[this.mode]) this.mode = "plain";
    this.show();
  }

  setMode(mode) {
    this.mode = mode;
    this.show();
  }

  // Draw the chosen head; at once where its bytes are here. Its time is kept in data-ms for the benchmark.
  show() {
    const wanted = (this.wanted = {}), began = performance.now();
    const codes = headCodes(this.picture, this.part, this.layer, this.head, this.mode, this.app.ask);
    const use = (codes, began) => {
      if (this.wanted !== wanted) return;                          // another head was chosen meanwhile
      this.codes = codes;
      this.exact = null;
      const top = this.body.offsetTop;
      this.controls();
      if (this.body.offsetTop === top) this.draw();
      else this.fit();                                             // what is said of this head has more lines, or fewer
      this.el.dataset.ms = (performance.now() - began).toFixed(2);
      this.el.dataset.shown = `${this.mode}/${this.part.name}/${this.layer}/${this.head}`;
    };
    if (codes instanceof Uint8Array) use(codes, began);
    else codes.then((codes) => use(codes, performance.now()), (error) => this.app.complain(error));
  }

  controls() {
    const { t, ablated } = this.app, { part, layer, head, mode } = this;
    if (document.activeElement !== this.layerBox) this.layerBox.value = layer;
    if (document.activeElement !== this.headBox) this.headBox.value = head;
    this.modes.forEach((button, i) => {
      button.setAttribute("aria-pressed", MODES[i] === mode);
      button.disabled = i > 0 && !part[MODES[i]];
    });
    const size = part.kv ? part.H / part.kv : 1, start = Math.floor(head / size) * size;
    const others = [...Array(size).keys()].map((i) => start + i).filter((i) => i !== head);
    this.group.textContent = part.kv && part.name !== "cross" ? t("group", { list: others.join(", ") }) : "";
    const share = mode === "plain" && part.sink ? 100 * part.sink[layer][head] : 0;
    this.note.textContent = [t(`${mode}Help`, { layer }), share >= 0.5 ? t("sink", { share: share.toFixed(1) }) : ""].filter(Boolean).join(" ");
    const { picture } = this, why = picture.live ? "" : picture.complete ? t("needKernel") : t("needModel");
    this.ablate.textContent = t(ablated.has(`${part.name}/${layer}/${head}`) ? "restore" : "ablate");
    this.ablate.disabled = !picture.live;
    this.ablate.title = why || t("effectHelp");
    this.scores.hidden = !picture.live;
    this.scores.setAttribute("aria-pressed", !!this.scored);
  }

  fit() {                                                          // into the room that the view has, beside the heads
    const { app, el, part } = this, width = el.clientWidth, tight = !app.narrow && width < 420;
    el.dataset.tight = tight;                                      // two panels and no room for two pictures each: the matrix it is
    for (const area of this.text.querySelectorAll("textarea")) area.fit();
    this.controls();
    this.predict();
    const tall = app.narrow ? 400 : app.room - this.body.offsetTop - 52;
    this.room = app.narrow || tight ? width : width * 0.52;
    const below = this.outcome.offsetHeight + 12;
    this.tall = app.narrow ? 480 : tall - (tight ? below : 0);
    this.scroll.style.height = `${Math.min(Math.max(part.T, part.S) * ROW + 2, app.narrow ? 380 : tall - below - 24)}px`;
    this.draw();
    this.heading();
  }

  predict() {                                                      // what the model predicts and, once heads are ablated, without them
    const { t, lang, effect } = this.app, { picture } = this, ablation = effect?.slot === picture.slot ? effect : null;
    const { rows = [], kind, of, divergence, similarity, heads } = ablation ?? picture.outcome ?? {};
    const number = (x) => h("span", {}, x.toFixed(3));
    const bar = (p, name) => h("div", { class: "attn-bar" }, h("i", { class: name, style: `width:${Math.max(0.5, p * 100)}%` }));
    const cell = (x, name) => h("td", {}, ...(kind === "value" ? [] : [bar(x, name)]), number(x));
    const title = ablation ? t("ablated", { list: heads.map(([, layer, head]) => `L${layer}·H${head}`).join(", ") }) : t("predicted", { of: of?.[lang] ?? "" });
    const clear = h("button", { type: "button", hidden: !(heads?.length > 1), onclick: () => { this.app.ablated.clear(); this.app.runAblation(this); } }, t("clear"));
    const shown = rows.slice(0, this.app.wide ? 10 : 5);
    this.outcome.replaceChildren(
      h("div", { class: "attn-row" }, h("h3", { hidden: !of, title }, title), this.ablate, clear),
      h("table", { class: "attn-effect", hidden: !shown.length }, h("tr", {}, ...[of?.[lang], ...(ablation ? [t("before"), t("after")] : [t("probability")])].map((name) => h("th", { scope: "col" }, name))),
        ...shown.map(([token, p, q]) => h("tr", {}, h("th", { scope: "row" }, visible(token)), cell(p, "attn-before"), ...(ablation ? [cell(q, "attn-after")] : [])))),
      h("p", { class: "attn-help", hidden: !ablation }, !ablation ? "" : rows.length ? (divergence === null ? "" : t("kl", { kl: divergence.toFixed(3) })) : t("similar", { of: of[lang], s: similarity.toFixed(4) })));
  }

  draw() {
    if (!this.codes) return;
    paintMatrix(this);
    paintLines(this);
    this.shade();
  }

  heading() {                                                      // "looks at" stands over its column
    this.headings.lastChild.style.width = `${this.sides.k.offsetWidth + this.scroll.offsetWidth - this.scroll.clientWidth}px`;
    this.headings.firstChild.style.width = `${this.sides.q.offsetWidth}px`;
  }

  shade() {                                                        // the tokens that the focused one looks at, or that look at it
    const { part, codes, app, focus } = this, scale = colorScale(app.theme), { q, k } = focus ?? {};
    for (const li of this.shaded ?? []) { li.style.cssText = ""; delete li.dataset.w; li.removeAttribute("aria-selected"); }
    this.shaded = [];
    const mark = (side, i, code, exact) => {
      const li = this.sides[side].children[i];
      li.style.background = scale.css[code];
      li.style.color = scale.ink[code];
      li.dataset.w = (side === "k" && this.exact?.scores ? `${this.exact.scores[i].toFixed(1)} → ` : "") + (Number.isNaN(exact) ? "NaN" : exact.toFixed(2).replace(/^0/, ""));
      this.shaded.push(li);
    };
    const known = this.exact;
    if (q !== undefined && k === undefined)
      for (let i = 0; i < (part.causal ? q + 1 : part.S); i++) { const code = codes[place(part, q, i)]; if (code >= SHOWN) mark("k", i, code, known?.row[i] ?? WEIGHT[code]); }
    if (k !== undefined && q === undefined)
      for (let i = part.causal ? k : 0; i < part.T; i++) { const code = codes[place(part, i, k)]; if (code >= SHOWN) mark("q", i, code, known?.column[i] ?? WEIGHT[code]); }
    for (const [side, i] of [["q", q], ["k", k]]) {
      if (i === undefined) continue;
      const li = this.sides[side].children[i];
      li.setAttribute("aria-selected", true);
      li.id = `${this.app.id}-${side}${i}`;
      this.sides[side].setAttribute("aria-activedescendant", li.id);
      this.shaded.push(li);
    }
    const { left, top, cell } = this.frame, width = cell * part.S, height = cell * part.T;
    const put = (band, on, x, y, w, hgt) => { band.hidden = !on; band.style.cssText = `left:${x}px;top:${y}px;width:${w}px;height:${hgt}px`; };
    put(this.bandH, q !== undefined, left - 1, top + (q ?? 0) * cell - 1, width + 2, cell + 2);
    put(this.bandV, k !== undefined, left + (k ?? 0) * cell - 1, top - 1, cell + 2, height + 2);
    this.say();
    if (this.details.open) this.fillTable();
  }

  best(count = 5) {                                                // [[token, weight], ...] of the focused row or column
    const { q, k } = this.focus, { part, codes, exact } = this, column = q === undefined;
    const side = column ? part.query : part.key, found = [];
    for (let i = 0; i < side.labels.length; i++) {
      const at = column ? place(part, i, k) : place(part, q, i);
      if (at >= 0) found.push([i, (column ? exact?.column[i] : exact?.row[i]) ?? WEIGHT[codes[at]]]);
    }
    return found.sort((a, b) => (b[1] || 0) - (a[1] || 0)).slice(0, count).map(([i, w]) => [side.labels[i], w, i]);
  }

  say() {
    this.tell();
    this.beside();
  }

  beside() {                                                       // the read-out stands beside what is pointed at
    const { focus, readout, frame } = this, { q, k } = focus ?? {}, { style } = readout;
    readout.classList.toggle("attn-tip", !!focus);
    style.cssText = "";
    if (!focus) return;
    const panel = this.el.getBoundingClientRect(), square = this.matrix.getBoundingClientRect(), { width, height } = readout.getBoundingClientRect();
    const li = (q === undefined ? this.sides.k.children[k] : this.sides.q.children[q]).getBoundingClientRect();
    const [x, y] = q !== undefined && k !== undefined ? [square.x + frame.left + (k + 1) * frame.cell + 8, square.y + frame.top + (q + 1) * frame.cell + 8]
      : q === undefined ? [li.right - width, li.y - height - 6] : [li.x, li.bottom + 6];
    style.left = `${Math.max(0, Math.min(x - panel.x, panel.width - width))}px`;
    style.top = `${Math.max(0, Math.min(y - panel.y, panel.height - height))}px`;
  }

  tell() {
    const { t } = this.app, { focus, part, codes, exact } = this, out = this.readout;
    delete out.dataset.value;
    delete out.dataset.exact;
    if (!focus) { out.textContent = t("hint"); return; }
    const { q, k } = focus, name = (side, i) => visible(side.labels[i]).trim();
    const format = (w, sure) => (Number.isNaN(w) ? t("nan") : sure ? w.toPrecision(4) : `≈ ${w.toFixed(3)}`);
    if (q !== undefined && k !== undefined) {
      const at = place(part, q, k);
      const value = at < 0 ? null : exact ? exact.row[k] : WEIGHT[codes[at]];
      out.textContent = `${t("cell", { q: name(part.query, q), k: name(part.key, k) })}  ${value === null ? t("hidden") : format(value, exact) + (exact?.scores ? `, q·k/√d ${exact.scores[k].toFixed(3)}` : "")}`;
      if (value !== null) { out.dataset.value = value; out.dataset.exact = !!exact; }
      return;
    }
    const list = this.best().filter(([, w]) => w >= 0.01 || Number.isNaN(w)).map(([label, w]) => `“${visible(label).trim()}” ${Number.isNaN(w) ? "NaN" : w.toFixed(2)}`).join(", ");
    out.textContent = q !== undefined ? t("rowTop", { q: name(part.query, q), list }) : t("columnTop", { k: name(part.key, k), list });
  }

  fillTable() {
    if (!this.details.open) { this.table.replaceChildren(); return; }
    const { t } = this.app;
    this.focus ??= { q: this.part.T - 1 };
    const rows = this.best(8).map(([label, w]) => h("tr", {}, h("td", {}, visible(label)), h("td", {}, Number.isNaN(w) ? "NaN" : w.toFixed(4))));
    this.table.replaceChildren(h("tr", {}, h("th", { scope: "col" }, this.focus.q === undefined ? t("from") : t("to")), h("th", { scope: "col" }, t(this.mode))), ...rows);
  }

  point(focus, keep = false) {                                     // hover; a pinned focus stays until it is let go
    if (this.pinned && !keep) return;
    if (focus?.q === this.focus?.q && focus?.k === this.focus?.k) return;
    this.focus = focus;
    this.exact = null;
    if (!this.codes) return;
    const { q, k } = focus ?? {};
    if (q !== undefined && k !== undefined) this.scroll.scrollTop = ((q + k + 1) * ROW - this.scroll.clientHeight) / 2;
    paintLines(this);
    this.shade();
    clearTimeout(this.soon);
    if (focus && this.picture.live !== undefined && !this.picture.complete) this.soon = setTimeout(() => this.fetchExact(), 60);
  }

  pin(focus) {
    const same = this.pinned && focus?.q === this.focus?.q && focus?.k === this.focus?.k;
    this.pinned = false;
    this.point(same ? null : focus);
    this.pinned = !!focus && !same;
    if (focus?.k !== undefined && this.app.birds.score === "toward") this.app.birds.chooseToken(focus.k);
  }

  async fetchExact() {
    const { focus, part, layer, head, mode, picture } = this, { q = 0, k = 0 } = focus ?? {};
    try {
      const { buffers } = await this.app.ask("exact", { slot: picture.slot, part: part.name, layer, head, mode, q, k, scores: !!this.scored });
      if (this.focus !== focus || this.layer !== layer || this.head !== head || this.mode !== mode) return;
      this.exact = { row: floatsOf(buffers[0]), column: floatsOf(buffers[1]), scores: buffers[2] && floatsOf(buffers[2]) };
      this.shade();
    } catch (error) { this.app.complain(error); }
  }

  keys(event, matrix, side) {
    const { part } = this, step = { ArrowUp: ["q", -1], ArrowDown: ["q", 1], ArrowLeft: ["k", -1], ArrowRight: ["k", 1] }[event.key];
    const far = { Home: 0, End: Infinity, PageUp: -10, PageDown: 10 }[event.key];
    const clamp = (axis, i) => Math.max(0, Math.min((axis === "q" ? part.T : part.S) - 1, i));
    let focus = { ...(this.focus ?? { q: part.T - 1, k: 0 }) };
    if (event.key === "Escape") { this.pinned = false; this.point(null, true); }
    else if (event.key === "Enter" || event.key === " ") this.pinned = !this.pinned;
    else if (event.key.toLowerCase() === "a" && !event.ctrlKey && !event.metaKey) this.app.toggleAblation(this);
    else if (!matrix && (event.key === "ArrowLeft" || event.key === "ArrowRight")) this.sides[event.key === "ArrowLeft" ? "q" : "k"].focus();
    else if (step || far !== undefined) {
      const axis = matrix ? step?.[0] ?? "q" : side, from = focus[axis] ?? 0;
      const to = clamp(axis, step ? from + step[1] : Math.abs(far) === 10 ? from + far : far);
      focus = matrix ? { q: focus.q ?? 0, k: focus.k ?? 0, [axis]: to } : { [axis]: to };
      this.point(focus, true);
      const y = to * ROW;
      if (!matrix && (y < this.scroll.scrollTop || y + ROW > this.scroll.scrollTop + this.scroll.clientHeight)) this.scroll.scrollTop = y - this.scroll.clientHeight / 2;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  cellAt(event) {
    const box = this.matrix.getBoundingClientRect(), { left, top, cell } = this.frame;
    const k = Math.floor((event.clientX - box.left - left) / cell), q = Math.floor((event.clientY - box.top - top) / cell);
    return q >= 0 && q < this.part.T && k >= 0 && k < this.part.S ? { q, k } : null;
  }
}
