// The attention of what was read: a small picture of every head, one of them large, and the numbers behind one of its cells.

/** Any element with its attributes and children; text goes in as text. */
function make(tag, attributes = {}, ...children) {
  const element = tag === "svg" || tag === "rect" ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A canvas of T x T pixels: row = who looks, column = what is looked at, the deeper the larger the weight. rows: for each token its weights. */
function paint(canvas, rows) {
  const size = canvas.width = canvas.height = rows.length, context = canvas.getContext("2d"), image = context.createImageData(size, size);
  const [red, green, blue] = getComputedStyle(document.documentElement).getPropertyValue("--blue").match(/[0-9a-f]{2}/gi).map((two) => parseInt(two, 16));
  rows.forEach((row, target) => row.forEach((weight, source) => {
    image.data.set([red, green, blue, Math.round(255 * weight)], 4 * (target * size + source));
  }));
  context.putImageData(image, 0, 0);
}

class Heads {
  constructor(say) {
    this.say = say;
    this.layer = this.head = 0;
    this.cell = null;                                  // [target, source]; null: the newest token and what it looks at most
    for (const name of ["grid", "which", "big", "keys", "queries", "square", "matrix", "mark", "cell"]) this[`${name}Element`] = document.getElementById(name);
    this.gridElement.addEventListener("keydown", (event) => this.walkHeads(event));
    this.matrixElement.addEventListener("keydown", (event) => this.walkCells(event));
    this.squareElement.addEventListener("click", (event) => this.point(event));
  }

  /** Another model: as many small pictures as it has heads. */
  use(model) {
    const { layers, heads } = (this.model = model).config;
    this.layer = Math.min(this.layer, layers - 1);
    this.head = Math.min(this.head, heads - 1);
    this.cell = null;
    this.gridElement.style.gridTemplateColumns = `repeat(${heads}, 1fr)`;
    this.small = [];
    for (let layer = 0; layer < layers; layer++) {
      for (let head = 0; head < heads; head++) {
        const button = make("button", {}, make("canvas"));
        button.onclick = () => this.choose(layer, head);
        this.small.push({ layer, head, button });
      }
    }
    this.gridElement.replaceChildren(...this.small.map(({ button }) => button));
  }

  rows(layer, head) {
    return this.model.past[layer].map((token) => token.weights[head]);
  }

  /** Draw everything anew. tokens: the text of each token that was read. */
  draw(tokens = this.tokens) {
    if (tokens.length !== this.tokens?.length) this.cell = null;
    this.tokens = tokens;
    for (const { layer, head, button } of this.small) {
      const chosen = layer === this.layer && head === this.head;
      button.setAttribute("aria-pressed", chosen);
      button.setAttribute("aria-label", this.say("head", layer + 1, head + 1));
      button.tabIndex = chosen ? 0 : -1;
      paint(button.firstChild, this.rows(layer, head));
    }
    this.drawLarge();
  }

  drawLarge() {
    const rows = this.rows(this.layer, this.head), newest = rows.length - 1;
    const [target, source] = this.cell ?? [newest, rows[newest].indexOf(Math.max(...rows[newest]))];
    this.whichElement.textContent = this.say("head", this.layer + 1, this.head + 1);
    paint(this.matrixElement, rows);
    const step = 100 / rows.length, size = Math.min(14, 0.9 * this.squareElement.clientWidth / rows.length);
    for (const [element, chosen] of [[this.keysElement, source], [this.queriesElement, target]]) {
      element.style.fontSize = `${size}px`;
      element.replaceChildren(...(size < 7 ? [] : this.tokens.map((token, i) => make("span", i === chosen ? { class: "chosen" } : {}, [...token].length > 1 ? "◇" : token))));
    }
    Object.assign(this.markElement.style, { left: `${source * step}%`, top: `${target * step}%`, width: `${step}%`, height: `${step}%` });
    this.drawCell(target, source, rows[target]);
  }

  /** From q and k to the weight: the products, their sum, divided by √d, through the softmax. */
  drawCell(target, source, weights) {
    const { layer, head, tokens } = this, products = this.model.products(layer, head, target, source), d = products.length;
    const score = this.model.score(layer, head, target, source);
    const all = weights.reduce((sum, _, i) => sum + Math.exp(this.model.score(layer, head, target, i)), 0);
    this.matrixElement.setAttribute("aria-label", this.say("looks", tokens[target], tokens[source], weights[source].toFixed(3)));
    const steps = [["q · k", (score * Math.sqrt(d)).toFixed(3)], [`q · k / √${d}`, score.toFixed(3)],
                   [this.say("softmax", weights.length), `${Math.exp(score).toFixed(3)} / ${all.toFixed(3)} = ${weights[source].toFixed(3)}`]];
    const most = Math.max(...products.map(({ q, k }) => Math.abs(q * k))), wide = 440 / d;
    const picture = make("svg", { viewBox: "0 0 440 90", preserveAspectRatio: "none", role: "img", "aria-label": this.say("products", d) });
    picture.append(...products.map(({ q, k }, i) => make("rect", {
      x: i * wide + 0.5, width: wide - 1, y: q * k > 0 ? 45 - 44 * q * k / most : 45, height: Math.max(0.5, 44 * Math.abs(q * k) / most),
      style: `fill: var(${q * k > 0 ? "--blue" : "--orange"})` })));
    const table = make("table", { class: "number" }, make("tr", {}, ...["i", "q", "k", "q × k"].map((name) => make("th", {}, name))),
                       ...products.map(({ q, k }, i) => make("tr", {}, ...[i + 1, q.toFixed(3), k.toFixed(3), (q * k).toFixed(3)].map((text) => make("td", {}, text)))));
    const open = this.cellElement.querySelector("details")?.open;
    this.cellElement.replaceChildren(
      make("p", {}, this.say("looks", tokens[target], tokens[source], weights[source].toFixed(3))), make("p", { class: "small" }, this.say("products", d)), picture,
      make("table", { class: "number" }, ...steps.map(([name, value]) => make("tr", {}, make("td", {}, name), make("td", {}, value)))),
      make("details", open ? { open: "" } : {}, make("summary", {}, this.say("numbers", d)), table));
  }

  choose(layer, head) {
    Object.assign(this, { layer, head });
    this.draw();
  }

  walkHeads(event) {
    const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.model.config.heads, ArrowDown: this.model.config.heads }[event.key];
    const next = this.small[this.layer * this.model.config.heads + this.head + move];
    if (!next) return;
    event.preventDefault();
    this.choose(next.layer, next.head);
    next.button.focus();
  }

  walkCells(event) {
    const [down, right] = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key] ?? [0, 0];
    if (!down && !right) return;
    event.preventDefault();
    const newest = this.tokens.length - 1, [target, source] = this.cell ?? [newest, newest];
    const row = Math.min(Math.max(target + down, 0), newest);
    this.cell = [row, Math.min(Math.max(source + right, 0), row)];     // nobody looks ahead
    this.drawLarge();
  }

  point(event) {
    const box = this.squareElement.getBoundingClientRect(), n = this.tokens.length;
    const [target, source] = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width].map((at) => Math.min(Math.floor(at * n), n - 1));
    if (source > target) return;
    this.cell = [target, source];
    this.drawLarge();
  }
}
