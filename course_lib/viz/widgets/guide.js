// The tour: a diagram on the left, one stop on the right. All the data are here, so that nothing is asked of a kernel.
const make = (tag, properties, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const fill = (text, ...values) => text.replace(/\{(\d)\}/g, (_, i) => values[i]);
const numeral = (x) => (x === -Infinity ? "−∞" : Number.isInteger(x) ? `${x}` : Math.abs(x) >= 1000 ? x.toFixed(0) : x.toPrecision(3)).replace("-", "−");

function draw({ model, el }) {
  const words = model.get("words"), tokens = model.get("tokens"), stops = model.get("stops").map(decoded);
  const at = { stop: 0, token: tokens.length - 1, head: 0 }, answers = new Map();           // stop -> option, or -1: shown without a guess
  const root = make("div", { className: "course-tour", tabIndex: 0 });
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", model.get("title"));

  const go = (stop) => {
    const inside = panel.contains(document.activeElement) || panel.contains(root.getRootNode().activeElement);
    at.stop = Math.min(stops.length - 1, Math.max(0, stop));
    show();
    if (inside) root.focus({ preventScroll: true });                                          // what had the focus is gone; the keys go on
  };
  const pick = (token) => { at.token = (token + tokens.length) % tokens.length; show(); };

  const plan = diagram(stops, words.diagram, go);
  const back = button(`← ${words.back}`, () => go(at.stop - 1)), next = button(`${words.next} →`, () => go(at.stop + 1));
  const places = make("select", {}, ...stops.map(({ title }, i) => new Option(`${i + 1} / ${stops.length} · ${title}`, i)));
  places.setAttribute("aria-label", words.stops);
  places.addEventListener("change", () => go(Number(places.value)));
  const chips = tokens.map((token, i) => button(token, () => pick(i)));
  const sentence = make("div", { className: "course-tour-tokens" }, ...chips);
  sentence.setAttribute("role", "group");
  sentence.setAttribute("aria-label", words.token);
  const panel = make("div", { className: "course-tour-panel" });
  panel.setAttribute("aria-live", "polite");
  const bar = make("div", { className: "course-tour-bar" }, back, places, next);
  root.append(make("div", { className: "course-tour-title" }, model.get("title")), plan.el,
    make("div", { className: "course-tour-stop" }, bar, sentence, panel, make("div", { className: "course-tour-hint" }, words.hint)));

  const KEYS = { ArrowRight: () => go(at.stop + 1), ArrowLeft: () => go(at.stop - 1), Home: () => go(0), End: () => go(stops.length - 1),
    ArrowUp: () => pick(at.token - 1), ArrowDown: () => pick(at.token + 1) };
  root.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || event.target.matches("select") || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  function show() {
    const stop = stops[at.stop], answer = answers.get(at.stop), open = !stop.ask || answer !== undefined;
    plan.light(at.stop);
    places.value = at.stop;
    back.disabled = at.stop === 0;
    next.disabled = at.stop === stops.length - 1;
    chips.forEach((chip, i) => chip.setAttribute("aria-pressed", i === at.token));
    const text = make("p");
    showMarkup(text, stop.text);
    panel.replaceChildren(text, ...(stop.ask ? [question(stop.ask, answer)] : []), ...(open ? tensor(stop) : []));
  }

  function question({ text, options, right, note }, answer) {
    const say = (option) => {
      answers.set(at.stop, option);
      show();
      root.focus({ preventScroll: true });
    };
    const fields = make("div", { className: "course-tour-options" });
    fields.setAttribute("role", "group");
    fields.setAttribute("aria-label", text);
    const mark = choice(fields, { options }, say), box = make("div", { className: "course-tour-ask" }, make("b", {}, `${words.guess} · `), text, fields);
    mark(answer);
    if (answer === undefined) {
      fields.append(Object.assign(button(words.show, () => say(-1)), { className: "course-tour-show" }));
      return box;
    }
    for (const each of fields.children) each.disabled = true;
    const said = answer === right ? words.right : fill(answer < 0 ? words.shown : words.wrong, options[right]);
    box.append(make("div", { className: "course-tour-note" }, said, " ", note));
    return box;
  }

  function tensor(stop) {
    const shape = make("code", {}, stop.name, " ", stop.shape), parts = [make("div", { className: "course-tour-shape" }, shape, make("small", {}, stop.axes))];
    if (stop.extra) {
      parts.push(make("div"));
      showMarkup(parts[1], stop.extra);
    }
    if (!stop.values) return parts;
    const [heads, rows, columns] = stop.dims, head = Math.min(at.head, heads - 1);
    if (heads > 1) {
      const choose = make("select", {}, ...Array.from({ length: heads }, (_, i) => new Option(i, i, i === head, i === head)));
      choose.addEventListener("change", () => { at.head = Number(choose.value); show(); panel.querySelector("select").focus(); });
      parts.push(make("label", {}, `${words.head} `, choose));
    }
    const table = stop.values.subarray(head * rows * columns, (head + 1) * rows * columns);
    const own = stop.rows.every((row, i) => row === tokens[i]) ? at.token : rows - 1, name = (i) => stop.columns[i] ?? `[${i}]`;
    const readout = make("div", { className: "course-tour-numbers" });
    const cell = (row, column) => make("span", {}, make("i", {}, name(column)), ` ${numeral(table[row * columns + column])}`);
    const tell = (row, from, to) => readout.replaceChildren(make("b", {}, stop.rows[row]), ...Array.from({ length: to - from }, (_, i) => cell(row, from + i)));
    const rest = () => tell(own, 0, Math.min(columns, stop.columns.length ? 32 : 8));
    rest();
    const heat = strip(table, rows, columns, own, (row, column) => (row < 0 ? rest() : tell(row, column, column + 1)));
    const labels = make("div", { className: "course-tour-rows" }, ...stop.rows.map((row, i) => Object.assign(make("span", {}, row), { className: i === own ? "course-tour-own" : "" })));
    parts.push(make("div", { className: "course-tour-heat" }, labels, heat), readout);
    if (!stop.columns.length && columns < stop.width) parts.push(make("small", {}, fill(words.part, stop.width, columns)));
    return parts;
  }

  el.append(root);
  show();
  if (!model.send) root.focus({ preventScroll: true });       // a page of its own: the keys work at once
}

const ROW = 15;                                               // pixels of a row of the heat strip

function decoded(stop) {
  if (!stop.data) return stop;
  return { ...stop, values: new Float32Array(Uint8Array.from(atob(stop.data), (c) => c.charCodeAt(0)).buffer) };
}

// Rows of cells: blue above zero, orange below, as deep as the value is large beside nearly all others; × where the mask stands.
function strip(table, rows, columns, own, point) {
  const cell = Math.max(6, Math.min(24, Math.floor(512 / columns))), canvas = make("canvas", { width: columns * cell * 2, height: rows * ROW * 2 });
  const sizes = [...table].filter(Number.isFinite).map(Math.abs).sort((a, b) => a - b), top = sizes[Math.floor(0.98 * (sizes.length - 1))] || sizes.at(-1) || 1;
  canvas.style.height = `${rows * ROW}px`;                    // where the page is narrow, only the columns are
  canvas.style.width = `${columns * cell}px`;
  const c = canvas.getContext("2d");
  c.scale(2, 2);
  for (let i = 0; i < rows * columns; i++) {
    const x = (i % columns) * cell, y = Math.floor(i / columns) * ROW, value = table[i];
    if (Number.isFinite(value)) {
      c.fillStyle = value < 0 ? "#ee7733" : "#4477aa";
      c.globalAlpha = 0.04 + 0.96 * Math.min(1, Math.abs(value) / top);
      c.fillRect(x, y, cell - 0.5, ROW - 0.5);
    } else {
      c.globalAlpha = 0.7;
      c.fillStyle = "#888";
      c.fillText("×", x + cell / 2 - 3, y + ROW - 4);
    }
  }
  c.globalAlpha = 1;
  c.strokeStyle = "#ee7733";
  c.lineWidth = 1.5;
  c.strokeRect(0.75, own * ROW + 0.25, columns * cell - 1.5, ROW - 1);
  const where = (event) => point(Math.min(rows - 1, Math.floor((event.offsetY / canvas.clientHeight) * rows)), Math.min(columns - 1, Math.floor((event.offsetX / canvas.clientWidth) * columns)));
  canvas.addEventListener("pointermove", where);
  canvas.addEventListener("pointerleave", () => point(-1));
  return canvas;
}

// The model from the text down to the next token. Inside a block the boxes hang on the residual stream, the line on the left.
function diagram(stops, label, go) {
  const NS = "http://www.w3.org/2000/svg", WIDTH = 132, STEP = 23, HIGH = 18, LINE = 12, ROUND = 8, CENTRE = 77;
  const isSum = ({ block, box }) => block && box === "+";
  const node = (tag, properties, ...children) => {
    const made = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const rows = stops.at(-1).row + 1, y = (row) => row * STEP + 3, inside = stops.filter(({ block }) => block), first = inside[0].row, last = inside.at(-1).row;
  const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${rows * STEP + 2}`, width: WIDTH, height: rows * STEP + 2, role: "img", "aria-label": label });
  const line = (d) => svg.append(node("path", { d, fill: "none", stroke: "currentColor", "stroke-opacity": 0.45, "stroke-width": 1.5 }));
  svg.append(node("rect", { x: 1, y: y(first) - 3, width: WIDTH - 2, height: (last - first + 1) * STEP, rx: 6, class: "course-tour-block" }));
  const down = (x, from, to) => line(`M${x} ${from}V${to}`), middle = (row) => y(row) + HIGH / 2;
  for (let row = 0; row < rows - 1; row++) if (row < first - 1 || row > last) down(WIDTH / 2, y(row) + HIGH, y(row + 1));
  const sums = stops.filter(isSum).map(({ row }) => row);
  for (const [i, sum] of sums.entries()) {
    const from = i ? sums[i - 1] + 1 : first;
    down(LINE, i ? middle(from - 1) + ROUND : y(first - 1) + HIGH, middle(sum) - ROUND);
    line(`M${LINE} ${middle(from)}H28`);
    for (let row = from; row < sum - 1; row++) down(CENTRE, y(row) + HIGH, y(row + 1));
    line(`M${CENTRE} ${y(sum - 1) + HIGH}V${middle(sum)}H${LINE + ROUND}`);
  }
  down(LINE, middle(last) + ROUND, y(last + 1));
  const boxes = stops.map((stop, i) => {
    const { box, row, block } = stop, beside = stops.filter((other) => other.row === row), sum = isSum(stop);
    const left = block ? 27 : 4, width = (WIDTH - 5 - left) / beside.length, x = left + width * beside.indexOf(stop);
    const body = sum ? node("circle", { cx: LINE, cy: middle(row), r: ROUND }) : node("rect", { x: x + 1, y: y(row), width: width - 2, height: HIGH, rx: 4 });
    const text = node("text", { x: sum ? LINE : x + width / 2, y: middle(row) + 4, "text-anchor": "middle" }, box);
    const group = node("g", { class: "course-tour-box" }, node("title", {}, stop.title), body, text);
    group.addEventListener("click", () => go(i));
    svg.append(group);
    return group;
  });
  return { el: svg, light: (now) => boxes.forEach((box, i) => { box.dataset.state = i === now ? "here" : i < now ? "past" : "ahead"; }) };
}

export default widget(draw);
