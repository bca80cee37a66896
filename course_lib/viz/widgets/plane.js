// Arrows for the keys, a dot to drag for the query, bars for the weights. The kernel computes; this only draws.
const SVG = "http://www.w3.org/2000/svg";
const SIDE = 300;

function make(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent.append(node);
  return node;
}

function draw({ model, el, follow, set }) {
  el.classList.add("course-explore");
  const words = model.get("words"), keys = model.get("arrows"), reach = model.get("reach");
  const at = (x, y) => [SIDE * (0.5 + x / (2 * reach)), SIDE * (0.5 - y / (2 * reach))];

  const row = document.createElement("div");
  row.className = "course-plane";
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${SIDE} ${SIDE}`);
  make("rect", { width: SIDE, height: SIDE, rx: 6, fill: "none", stroke: "#888" }, svg);
  const arrows = keys.map(([label, x, y, colour]) => {
    const [cx, cy] = at(x, y), [tx, ty] = at(1.15 * x, 1.15 * y);
    const line = make("line", { x1: SIDE / 2, y1: SIDE / 2, x2: cx, y2: cy, stroke: colour, "stroke-linecap": "round" }, svg);
    make("text", { x: tx, y: ty, fill: "currentColor", "text-anchor": "middle", "dominant-baseline": "middle", "font-size": 13 }, svg).textContent = label;
    return line;
  });
  const shaft = make("line", { x1: SIDE / 2, y1: SIDE / 2, stroke: "#ee7733", "stroke-width": 2, "stroke-dasharray": "5 4" }, svg);
  const dot = make("circle", { r: 11, fill: "#ee7733", tabindex: 0, role: "img", "aria-label": `${words.query}. ${words.help}`, style: "cursor:grab;touch-action:none" }, svg);
  const table = document.createElement("div");
  table.className = "course-weights";
  table.setAttribute("aria-live", "polite");
  const help = document.createElement("div");
  help.className = "course-help";
  help.textContent = words.help;
  row.append(svg, table);
  el.append(row, help);

  const move = (x, y) => {
    const limit = (value) => Math.round(100 * Math.max(-reach, Math.min(reach, value))) / 100;
    set({ query: [limit(x), limit(y)] });
  };
  const drag = (event) => {
    const box = svg.getBoundingClientRect();
    move(((event.clientX - box.left) / box.width - 0.5) * 2 * reach, (0.5 - (event.clientY - box.top) / box.height) * 2 * reach);
  };
  dot.addEventListener("pointerdown", (event) => { dot.setPointerCapture(event.pointerId); dot.style.cursor = "grabbing"; });
  dot.addEventListener("pointermove", (event) => { if (dot.hasPointerCapture(event.pointerId)) drag(event); });
  dot.addEventListener("pointerup", () => { dot.style.cursor = "grab"; });
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [x, y] = model.get("query");
    move(x + step[0], y + step[1]);
  });

  const bar = (label, width, colour, number) => {
    const line = document.createElement("div");
    const fill = Object.assign(document.createElement("i"), { style: `width:${width}%;background-color:${colour}` });
    const track = document.createElement("span");
    track.append(fill);
    line.append(Object.assign(document.createElement("b"), { textContent: label }), track, number);
    return line;
  };
  const show = () => {
    const [x, y] = at(...model.get("query")), weights = model.get("weights");
    shaft.setAttribute("x2", x); shaft.setAttribute("y2", y);
    dot.setAttribute("cx", x); dot.setAttribute("cy", y);
    arrows.forEach((line, i) => line.setAttribute("stroke-width", 1.5 + 10 * weights[i]));
    table.replaceChildren(...keys.map(([label, , , colour], i) => bar(label, 100 * weights[i], colour, weights[i].toFixed(2))),
                          bar(words.output, 100, model.get("mixed"), ""));
  };
  follow(["query", "weights", "mixed"], show);
  show();
}

export default widget(draw);
