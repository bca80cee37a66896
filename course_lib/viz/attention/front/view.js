// The whole view: layout, texts, comparison, ablation, theme, language.
class App {
  constructor(view, picture, ask) {
    const { model, el, signal } = view;
    Object.assign(this, { view, model, ask, panels: [], adopting: [], ablated: new Set(), id: "attn" + Math.random().toString(36).slice(2) });
    this.root = h("div", { class: "attn" });
    el.append(this.root);
    this.lang = model.get("lang");
    this.pictures = [picture];
    this.effect = parsed(model.get("_effect"));
    this.build();
    const resizing = new ResizeObserver(() => this.resize()), watching = new MutationObserver(() => this.retheme());
    resizing.observe(this.root);
    for (const node of [document.documentElement, document.body]) watching.observe(node, { attributes: true });
    darkScheme.addEventListener("change", () => this.retheme(), { signal });
    signal.addEventListener("abort", () => { resizing.disconnect(); watching.disconnect(); });
  }

  build() {
    const t = (this.t = translator(this.lang)), { model } = this, [picture] = this.pictures;
    this.root.lang = this.lang;
    const old = this.panels;
    const from = old.length ? old : [{ picture, part: { name: model.get("part") }, layer: model.get("layer"), head: model.get("head") }];
    this.say = h("p", { class: "attn-status", role: "status", hidden: true });
    this.summary = h("span", { class: "attn-muted" });
    this.comparing = h("button", { type: "button", class: "attn-button", onclick: () => this.compare(), title: t("compareHelp") });
    this.switcher = h("button", { type: "button", class: "attn-button", lang: this.lang === "zh" ? "en" : "zh", onclick: () => { this.lang = this.lang === "zh" ? "en" : "zh"; this.build(); } }, t("language"));
    this.legend = h("canvas", { "aria-hidden": "true" });
    this.panelBox = h("div", { class: "attn-panels" });
    this.effectBox = h("section", { class: "attn-section", hidden: true, "aria-live": "polite" });
    this.theme = hostTheme(this.root.parentElement);
    this.root.dataset.theme = this.theme;
    this.measure();
    this.panels = [];
    for (const p of from) this.addPanel(p.picture, p.part.name, p.layer, p.head, p.mode);
    this.active = this.panels[Math.max(0, old.indexOf(this.active))];
    this.birds = new BirdsEye(this);
    this.root.replaceChildren(
      h("header", { class: "attn-row attn-spread" }, h("span", { class: "attn-row" }, h("h2", {}, picture.title || t("attention")), this.summary),
        h("span", { class: "attn-row" }, this.comparing, this.switcher)),
      this.say, this.birds.el, this.panelBox, this.effectBox);
    this.resize(true);
    this.birds.reset();
    this.showEffect();
  }

  addPanel(picture, part, layer, head, mode = "plain") {
    const panel = new HeadView(this, picture, part, layer, head);
    panel.mode = panel.part[mode] ? mode : "plain";
    this.panels.push(panel);
    this.panelBox.append(panel.el);
    return panel;
  }

  compare() {
    if (this.panels.length > 1) {
      this.panels.pop().el.remove();
      this.pictures.length = 1;
    } else {
      const { picture, part, layer, head } = this.active;
      this.active = this.addPanel(picture, part.name, layer, (head + 1) % part.H);
    }
    this.active = this.panels[this.panels.length - 1];
    this.resize(true);
    this.birds.reset();
  }

  measure() {
    const style = getComputedStyle(this.root);
    this.width = this.root.clientWidth - parseFloat(style.paddingLeft) * 2 || 760;
    this.wide = this.width > 1400;
    this.root.dataset.size = this.width < 560 ? "narrow" : this.wide ? "wide" : "middle";
    this.font = style.fontFamily;
    const color = (name) => style.getPropertyValue(`--attn-${name}`).trim();
    this.colors = { accent: color("accent"), muted: color("muted"), line: color("line") };
  }

  resize(force = false) {
    const before = this.width;
    this.measure();
    if (!force && before === this.width) return;
    for (const panel of this.panels) {
      panel.room = this.root.dataset.size === "narrow" ? this.width - 2 : Math.max(200, (this.width / this.panels.length - 40) * (this.panels.length > 1 ? 0.5 : 0.52));
      const rows = Math.max(panel.part.T, panel.part.S) * ROW;
      panel.scroll.style.height = `${Math.min(rows + 2, this.root.dataset.size === "narrow" ? 380 : this.wide ? 660 : 480)}px`;
      panel.draw();
      panel.heading();
      panel.controls();
    }
    const part = this.active.part;
    this.comparing.textContent = this.t(this.panels.length > 1 ? "single" : "compare");
    this.summary.textContent = [this.t("summary", { l: part.L, h: part.H }), part.kv ? this.t("groups", { g: part.kv, n: part.H / part.kv }) : "", this.t("tokens", { n: part.T })].filter(Boolean).join(" · ");
    this.drawLegend();
    if (this.birds) this.birds.draw();
  }

  retheme() {
    const theme = hostTheme(this.root.parentElement);
    if (theme === this.theme) return;
    this.theme = this.root.dataset.theme = theme;
    this.resize(true);
  }

  drawLegend() {
    const c = sized(this.legend, 150, 26), { css } = colorScale(this.theme);
    for (let x = 0; x < 140; x++) { c.fillStyle = css[Math.round((x / 139) * LEVELS)]; c.fillRect(5 + x, 2, 1.5, 9); }
    c.fillStyle = this.colors.muted;
    c.font = `9.5px ${this.font}`;
    c.textAlign = "center";
    for (const w of [0, 0.01, 0.1, 0.3, 1]) c.fillText(String(w).replace("0.", "."), 5 + 140 * Math.sqrt(w), 22);
  }

  activate(panel) {
    if (this.active === panel) return;
    const part = this.active.part;
    this.active = panel;
    if (panel.part !== part) this.birds.reset();
    else this.birds.mark();
  }

  select(layer, head, panel = this.active) {
    const { L, H } = panel.part;
    if (!(layer >= 0 && layer < L && head >= 0 && head < H)) return;
    panel.layer = layer;
    panel.head = head;
    panel.show();
    this.birds.mark();
    this.tell();
  }

  setPart(panel, name) {
    panel.part = panel.picture.parts.find((p) => p.name === name);
    panel.fill();
    this.resize(true);
    this.birds.reset();
    this.tell();
  }

  hush(silent) {                                                   // no answer, or an answer at last
    const gone = this.t("gone"), was = this.silent;
    this.silent = silent;
    if (silent) this.tellStatus(gone);
    else if (this.say.textContent.startsWith(gone)) this.tellStatus("");
    if (was && !silent) this.tell();
  }

  tell() {                                                         // the kernel's view.layer and view.head follow the first panel
    if (this.silent) return;
    const { layer, head, part } = this.panels[0];
    this.view.set({ layer, head, part: part.name });
  }

  follow() {                                                       // ... and the other way round: view.select(...)
    const [panel] = this.panels, name = this.model.get("part");
    if (panel.part.name !== name) this.setPart(panel, name);
    if (panel.layer !== this.model.get("layer") || panel.head !== this.model.get("head")) this.select(this.model.get("layer"), this.model.get("head"), panel);
  }

  // Text boxes of a panel. An input method's half-written word is not sent; a newer text overtakes an older answer.
  textBoxes(panel) {
    const { picture } = panel, { t } = this;
    if (!picture.text && !picture.live) return h("span", { hidden: true });
    const box = (value, label) => h("textarea", { rows: 1, value: value ?? "", spellcheck: false, readOnly: !picture.live, "aria-label": label, title: picture.live ? t("live") : t("needKernel") });
    const source = box(picture.text, t("text")), target = picture.target === null && picture.parts.length < 2 ? null : box(picture.target, t("target"));
    let timer;
    const send = () => this.retext(panel, source.value, target?.value || null);
    for (const area of [source, target].filter(Boolean)) {
      const fit = () => { area.style.height = "auto"; area.style.height = `${Math.min(96, area.scrollHeight + 2)}px`; };
      requestAnimationFrame(fit);
      area.oninput = (e) => { fit(); clearTimeout(timer); if (!e.isComposing) timer = setTimeout(send, 350); };
      area.addEventListener("compositionend", () => { clearTimeout(timer); timer = setTimeout(send, 350); });
      area.onkeydown = (e) => e.stopPropagation();
    }
    return h("div", { class: "attn-texts" }, h("label", {}, t("text"), source), ...(target ? [h("label", {}, t("target"), target)] : []));
  }

  async retext(panel, text, target, truncate = false) {
    if (!text.trim()) return this.tellStatus(this.t("empty"));
    const wanted = (panel.asked = {}), slot = this.panels.indexOf(panel);
    this.tellStatus(this.t("busy"));
    try {
      const { meta, buffers } = await this.ask("text", { slot, text, target, truncate }, 60000);
      if (panel.asked !== wanted) return;
      this.tellStatus("");
      if (slot) await this.adopt(slot, meta, bytesOf(buffers[0]));                                       // the first text comes with the widget's state
    } catch (error) {
      if (panel.asked === wanted) this.complain(error, error.cut && h("button", { type: "button", class: "attn-button", onclick: () => this.retext(panel, text, target, true) }, this.t("cut", { n: error.cut })));
    }
  }

  async adopt(slot, json, bytes) {                                 // a new text, in every panel that shows the old one
    const wanted = (this.adopting[slot] = {}), picture = await openPicture(json, bytes);
    if (this.adopting[slot] !== wanted) return;
    this.pictures[slot] = picture;
    this.panels.forEach((panel, i) => {
      if (panel.picture.slot !== slot && i !== slot) return;
      panel.picture = picture;
      panel.part = picture.parts.find((p) => p.name === panel.part.name) ?? picture.parts[0];
      const box = panel.text.querySelector("textarea");
      if (box && document.activeElement !== box) box.value = picture.text;
      panel.fill();
    });
    this.ablated.clear();
    this.effect = null;
    this.resize(true);
    this.birds.reset();
    this.showEffect();
  }

  async toggleAblation(panel) {
    if (!panel.picture.live) return;
    const key = `${panel.part.name}/${panel.layer}/${panel.head}`;
    if (!this.ablated.delete(key)) this.ablated.add(key);
    await this.runAblation(panel);
  }

  async runAblation(panel) {
    panel.controls();
    this.birds.draw();
    const heads = [...this.ablated].map((name) => name.split("/")).map(([part, layer, head]) => [part, +layer, +head]);
    if (!heads.length) { this.effect = null; return this.showEffect(); }
    const wanted = (this.askedEffect = {});
    this.tellStatus(this.t("busy"));
    try {
      const { effect } = await this.ask("ablate", { slot: panel.picture.slot, heads }, 60000);
      if (this.askedEffect !== wanted) return;
      this.effect = effect;
      this.tellStatus("");
      this.showEffect();
    } catch (error) { this.complain(error); }
  }

  showEffect() {
    const { t, effect, effectBox } = this;
    effectBox.hidden = !effect;
    if (!effect) return;
    const list = effect.heads.map(([, layer, head]) => `L${layer}·H${head}`).join(", ");
    const bar = (p, kind) => h("td", {}, h("div", { class: "attn-bar" }, h("i", { class: kind, style: `width:${Math.max(0.5, p * 100)}%` })), h("span", { class: "attn-num" }, p.toFixed(3)));
    const of = effect.of[this.lang], number = (x) => h("td", {}, h("span", { class: "attn-num" }, x.toFixed(3)));
    const cell = effect.kind === "value" ? number : bar;
    const result = effect.rows.length
      ? [h("p", { class: "attn-help" }, t("effectHelp"), " ", effect.divergence === null ? "" : t("kl", { kl: effect.divergence.toFixed(3) })),
         h("table", { class: "attn-effect" }, h("tr", {}, ...[of, t("before"), t("after")].map((name) => h("th", { scope: "col" }, name))),
           ...effect.rows.map(([token, p, q]) => h("tr", {}, h("th", { scope: "row" }, visible(token)), cell(p, "attn-before"), cell(q, "attn-after"))))]
      : [h("p", {}, t("similar", { of, s: effect.similarity.toFixed(4) }))];
    const clear = h("button", { type: "button", class: "attn-button", onclick: () => { this.ablated.clear(); this.runAblation(this.active); } }, t("clear"));
    effectBox.replaceChildren(h("div", { class: "attn-row attn-spread" }, h("h3", {}, t("ablated", { list })), clear), ...result);
  }

  complain(error, ...more) {
    const words = error?.error?.[this.lang] ?? error?.message ?? String(error);
    this.tellStatus(words, ...more);
  }

  tellStatus(text, ...more) {
    this.say.hidden = !text;
    this.say.replaceChildren(text, " ", ...more);
  }
}

const parsed = (json) => (json ? JSON.parse(json) : null);

const attentionView = widget(async (view) => {
  const { model, signal, follow } = view;
  let app;
  const ask = model.send ? kernelLink(model, (silent) => app?.hush(silent), signal) : () => new Promise(() => {});
  let json = model.get("_meta"), bytes = bytesOf(model.get("_data"));
  if (!bytes.length) ({ meta: json, bytes } = await ask("hello").then(({ meta, data }) => ({ meta, bytes: bytesOf(data) })));
  const picture = await openPicture(json, bytes);
  if (signal.aborted) return;
  app = new App(view, picture, ask);
  follow(["layer", "head", "part"], () => app.follow());
  follow(["_data"], () => app.adopt(0, model.get("_meta"), bytesOf(model.get("_data"))).catch((error) => app.complain(error)));
  follow(["_effect"], () => {
    app.effect = parsed(model.get("_effect"));
    app.ablated = new Set((app.effect?.heads ?? []).map((at) => at.join("/")));
    app.showEffect();
    app.birds.draw();
  });
});

export default attentionView;
