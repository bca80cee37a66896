// The whole view: layout, texts, comparison, ablation, theme, language.
class App {
  constructor(view, picture, ask) {
    const { model, el, signal } = view;
    Object.assign(this, { view, model, ask, panels: [], adopting: [], ablated: new Set(), id: "attn" + Math.random().toString(36).slice(2) });
    this.root = h("div", { class: "attn", tabindex: -1 });
    el.append(this.root);
    this.lang = model.get("lang");
    this.pictures = [picture];
    this.effect = effectOf(model);
    this.build();
    const resizing = new ResizeObserver(() => this.resize()), watching = new MutationObserver(() => this.retheme());
    resizing.observe(this.root);
    for (const node of [document.documentElement, document.body]) watching.observe(node, { attributes: true });
    darkScheme.addEventListener("change", () => this.retheme(), { signal });
    document.addEventListener("fullscreenchange", () => this.resize(true), { signal });
    this.root.addEventListener("keydown", (event) => {
      if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key.toLowerCase() === "f" || (event.key === "Escape" && document.fullscreenElement)) this.fullScreen();
    }, { signal });
    signal.addEventListener("abort", () => { resizing.disconnect(); watching.disconnect(); });
  }

  build() {
    const t = (this.t = translator(this.lang)), { model } = this, [picture] = this.pictures;
    this.root.lang = this.lang;
    const old = this.panels;
    const from = old.length ? old : [{ picture, part: { name: model.get("part") }, layer: model.get("layer"), head: model.get("head") }];
    this.say = h("p", { class: "attn-status", role: "status", hidden: true });
    this.summary = h("span", { class: "attn-muted" });
    const button = (word, onclick, more) => h("button", { type: "button", onclick, ...more }, t(word));
    this.comparing = button("compare", () => this.compare(), { title: t("compareHelp") });
    const other = this.lang === "zh" ? "en" : "zh";
    this.legend = h("canvas", { "aria-hidden": "true" });
    this.buttons = h("span", { class: "attn-row" }, this.comparing,
      button("full", () => this.fullScreen(), { hidden: !document.fullscreenEnabled, title: t("fullHelp") }), button("savePicture", () => this.savePicture()),
      button("savePage", (e) => this.savePage(e.target), { hidden: picture.complete }), button("language", () => { this.lang = other; this.build(); }, { lang: other }));
    this.panelBox = h("div", { class: "attn-panels" });
    this.theme = hostTheme(this.root.parentElement);
    this.root.dataset.theme = this.theme;
    this.measure();
    this.panels = [];
    for (const p of from) this.addPanel(p.picture, p.part.name, p.layer, p.head, p.mode);
    this.active = this.panels[Math.max(0, old.indexOf(this.active))];
    this.birds = new BirdsEye(this);
    this.main = h("div", { class: "attn-main" }, this.birds.scroll, this.panelBox);
    this.root.replaceChildren(
      h("header", { class: "attn-row" }, h("h2", {}, picture.title || t("attention")), this.summary, this.buttons),
      this.birds.tools, ...tour(this), this.main, this.say);
    this.birds.reset();
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
    this.birds.reset();
  }

  measure() {
    const style = getComputedStyle(this.root);
    this.width = this.root.clientWidth - parseFloat(style.paddingLeft) * 2 || 760;
    this.wide = this.width > 1300;
    this.narrow = this.width < 560;
    this.root.dataset.size = this.narrow ? "narrow" : this.wide ? "wide" : "middle";
    this.font = style.fontFamily;
    const color = (name) => style.getPropertyValue(`--attn-${name}`).trim();
    this.colors = { accent: color("accent"), muted: color("muted"), line: color("line") };
  }

  resize(force = false) {
    const before = this.width;
    this.measure();
    if (!this.birds?.scroll.isConnected || (!force && before === this.width)) return;
    const part = this.active.part, { t } = this;
    this.comparing.textContent = t(this.panels.length > 1 ? "single" : "compare");
    this.summary.textContent = this.summary.title =
      [t("summary", { l: part.L, h: part.H }), t("tokens", { n: part.T }), part.kv ? t("groups", { g: part.kv, n: part.H / part.kv }) : ""].filter(Boolean).join(" · ");
    this.drawLegend();
    const full = document.fullscreenElement === this.root;
    this.room = (full ? innerHeight : HEIGHT) - this.main.offsetTop - 14;                       // what the heads and the panels may take
    this.birds.scroll.style.maxHeight = this.narrow ? "" : `${this.room}px`;
    this.birds.draw();
    for (const panel of this.panels) panel.fit();
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
    this.looksBack?.(this.birds.values("previous")[layer * H + head]);
    this.tell();
  }

  setPart(panel, name) {
    panel.part = panel.picture.parts.find((p) => p.name === name);
    panel.fill();
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
      area.fit = () => { area.style.height = "auto"; area.style.height = `${Math.min(96, area.scrollHeight + 2)}px`; };
      area.oninput = (e) => { area.fit(); clearTimeout(timer); if (!e.isComposing) timer = setTimeout(send, 350); };
      area.addEventListener("compositionend", () => { clearTimeout(timer); timer = setTimeout(send, 350); });
      area.onkeydown = (e) => e.stopPropagation();
    }
    return h("div", { class: "attn-texts" }, h("label", {}, t("text"), source), ...(target ? [h("label", {}, t("target"), target)] : []));
  }

  async retext(panel, text, target, truncate = false) {
    if (!text.trim()) return this.tellStatus(this.t("empty"));
    const wanted = (panel.asked = {}), slot = this.panels.indexOf(panel);
    try {
      const { meta, buffers } = await this.busy(panel.text, this.ask("text", { slot, text, target, truncate }, 60000));
      if (panel.asked !== wanted) return;
      if (slot) await this.adopt(slot, meta, bytesOf(buffers[0]));                                       // the first text comes with the widget's state
    } catch (error) {
      if (panel.asked === wanted) this.complain(error, error.cut && h("button", { type: "button", onclick: () => this.retext(panel, text, target, true) }, this.t("cut", { n: error.cut })));
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
    this.birds.reset();
  }

  async toggleAblation(panel) {
    if (!panel.picture.live) return;
    const key = `${panel.part.name}/${panel.layer}/${panel.head}`;
    if (!this.ablated.delete(key)) this.ablated.add(key);
    await this.runAblation(panel);
  }

  async runAblation(panel) {
    const heads = [...this.ablated].map((name) => name.split("/")).map(([part, layer, head]) => [part, +layer, +head]), { slot } = panel.picture;
    const wanted = (this.askedEffect = {}), show = (effect) => {
      if (this.askedEffect !== wanted) return;
      this.effect = effect && { ...effect, slot };
      this.resize(true);
    };
    show(heads.length ? this.effect : null);
    if (!heads.length) return;
    try {
      show((await this.busy(panel.ablate, this.ask("ablate", { slot, heads }, 60000))).effect);
    } catch (error) { this.complain(error); }
  }

  // What was clicked says that its answer is awaited; after a second, for how long.
  async busy(clicked, answer) {
    const began = Date.now(), tick = setInterval(() => this.silent || this.tellStatus(this.t("busy", { s: Math.round((Date.now() - began) / 1000) })), 1000);
    clicked.setAttribute("aria-busy", "true");
    try {
      return await answer;
    } finally {
      clearInterval(tick);
      clicked.removeAttribute("aria-busy");
      this.tellStatus("");
    }
  }

  fullScreen() {                                                   // the whole screen, or back again
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.().catch((error) => this.complain(error));
  }

  get name() {
    const { layer, head } = this.panels[0];
    return `${this.pictures[0].title || "attention"}-L${layer}-H${head}`;
  }

  savePicture() {                                                  // the heads and each panel's matrix, side by side
    const parts = [this.birds.canvas, ...this.panels.map((panel) => panel.matrix)], gap = 16 * (devicePixelRatio || 1);
    const all = h("canvas", { width: parts.reduce((sum, c) => sum + c.width + gap, gap), height: Math.max(...parts.map((c) => c.height)) + 4 * gap });
    const c = all.getContext("2d");
    c.fillStyle = getComputedStyle(this.root).backgroundColor;
    c.fillRect(0, 0, all.width, all.height);
    c.fillStyle = this.colors.muted;
    c.font = `${gap}px ${this.font}`;
    c.fillText(clip(c, [this.name, this.pictures[0].text].join("  "), all.width - 2 * gap), gap, 2 * gap);
    parts.reduce((x, part) => { c.drawImage(part, x, 3 * gap); return x + part.width + gap; }, gap);
    all.toBlob((blob) => download(blob, `${this.name}.png`));
  }

  async savePage(clicked) {
    try {
      const { buffers } = await this.busy(clicked, this.ask("page", {}, 60000));
      download(new Blob([bytesOf(buffers[0])], { type: "text/html" }), `${this.name}.html`);
    } catch (error) { this.complain(error); }
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

const HEIGHT = 640;                                                // pixels: with it all of the view is seen on a small screen

function download(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

const effectOf = (model) => (model.get("_effect") ? { ...JSON.parse(model.get("_effect")), slot: 0 } : null);

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
    app.effect = effectOf(model);
    app.ablated = new Set((app.effect?.heads ?? []).map((at) => at.join("/")));
    app.resize(true);
  });
});

export default attentionView;
