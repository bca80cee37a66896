// Draws the triangle and reports what the reader does; every number comes from the kernel, so the arrow is the reader's own gradient.
const SIZE = 300, LEFT = 40, TOP = 40;
const at = (weights, corners) => [0, 1].map((axis) => weights.reduce((sum, w, k) => sum + w * corners[k][axis], 0));
const onScreen = ([x, y]) => [LEFT + SIZE * x, TOP + SIZE * (0.866 - y)];

function svg(name, attributes, parent) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent?.append(node);
  return node;
}

// The three probabilities of a point on the screen: its barycentric coordinates, kept inside the triangle.
function weightsOf(x, y) {
  const top = 1 - (y - TOP) / (SIZE * 0.866), right = (x - LEFT) / SIZE - top / 2;
  const inside = [top, 1 - top - right, right].map((w) => Math.max(w, 0.002));
  const sum = inside.reduce((a, b) => a + b);
  return inside.map((w) => w / sum);
}

function draw({ model, el, follow, send }) {
  el.classList.add("course-explore");
  const words = model.get("words"), { corners } = model.get("state");
  const root = svg("svg", { viewBox: `0 0 ${SIZE + 2 * LEFT} ${SIZE + 40}`, style: "width:100%;max-width:380px;display:block;color:inherit" });
  const line = (attributes) => svg("polyline", { fill: "none", ...attributes }, root);
  const area = svg("polygon", { points: corners.map(onScreen).join(" "), fill: "#4477aa14", stroke: "#888", style: "cursor:pointer" }, root);
  const trail = line({ stroke: "#4477aa", "stroke-width": 1.5, "stroke-dasharray": "3 3" });
  const marks = svg("g", { fill: "#4477aa" }, root);
  const goal = svg("circle", { r: 10, fill: "none", stroke: "#ee7733", "stroke-width": 2 }, root);
  const shaft = line({ stroke: "#ee7733", "stroke-width": 3 }), head = svg("polygon", { fill: "#ee7733" }, root);
  for (const node of [trail, marks, goal, shaft, head]) node.style.pointerEvents = "none";
  words.labels.forEach((label, k) => {
    const [x, y] = onScreen(corners[k]);
    const corner = svg("g", { role: "button", tabindex: 0, "aria-label": `${words.corner} ${label}`, style: "cursor:pointer" }, root);
    svg("circle", { cx: x, cy: y, r: 24, fill: "transparent" }, corner);
    // A long word at a lower corner starts, or ends, at the picture's edge; the table beside it has all of a very long one.
    const letters = [...label], side = letters.length > 6 ? [0, -1, 1][k] : 0, anchor = ["middle", "start", "end"][side && k];
    const text = svg("text", { x: x + side * LEFT, y: y + (k ? 26 : -14), "text-anchor": anchor, fill: "currentColor", "font-size": 16 }, corner);
    text.textContent = letters.length > 14 ? letters.slice(0, 13).join("") + "…" : label;
    corner.addEventListener("click", () => send({ target: k }));
    corner.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); send({ target: k }); } });
  });
  const dot = svg("g", { role: "button", tabindex: 0, "aria-label": words.dot, style: "cursor:grab;touch-action:none" }, root);
  const reach = svg("circle", { r: 24, fill: "transparent" }, dot), ball = svg("circle", { r: 9, fill: "#4477aa", stroke: "#fff", "stroke-width": 1.5 }, dot);

  const note = Object.assign(document.createElement("div"), { ariaLive: "polite" });
  let local = null, queued = false;                 // where the dot is while a finger holds it
  function show() {
    const state = model.get("state"), p = local ?? state.p, here = at(p, corners), shift = at(state.arrow, corners);
    const [x, y] = onScreen(here), [tx, ty] = onScreen([here[0] + shift[0], here[1] + shift[1]]);
    for (const circle of [reach, ball]) { circle.setAttribute("cx", x); circle.setAttribute("cy", y); }
    const [gx, gy] = onScreen(at(state.goal, corners));
    goal.setAttribute("cx", gx); goal.setAttribute("cy", gy);
    const length = Math.hypot(tx - x, ty - y), [ux, uy] = length ? [(tx - x) / length, (ty - y) / length] : [0, 0], tip = Math.min(11, length);
    const [bx, by] = [tx - tip * ux, ty - tip * uy];
    shaft.setAttribute("points", `${x},${y} ${bx},${by}`);
    head.setAttribute("points", `${tx},${ty} ${bx - 5 * uy},${by + 5 * ux} ${bx + 5 * uy},${by - 5 * ux}`);
    const past = [...state.trail, state.p].map((weights) => onScreen(at(weights, corners)));
    trail.setAttribute("points", state.trail.length ? past.join(" ") : "");
    marks.replaceChildren(...past.slice(0, -1).map(([cx, cy]) => svg("circle", { cx, cy, r: 3 })));
    showMarkup(note, model.get("note"));
  }
  function move(p) {
    local = p;
    show();
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => { queued = false; if (local) send({ p: local }); });
  }
  const point = (event) => {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(root.getScreenCTM().inverse());
    return weightsOf(place.x, place.y);
  };
  const drop = () => { if (local) { const last = local; local = null; send({ p: last }); } };
  dot.addEventListener("pointerdown", (event) => { event.preventDefault(); dot.setPointerCapture(event.pointerId); dot.focus(); move(point(event)); });
  dot.addEventListener("pointermove", (event) => { if (dot.hasPointerCapture(event.pointerId)) move(point(event)); });
  for (const end of ["pointerup", "pointercancel"]) dot.addEventListener(end, drop);
  area.addEventListener("click", (event) => send({ p: point(event) }));
  const keys = { ArrowUp: [0, -8], ArrowDown: [0, 8], ArrowLeft: [-8, 0], ArrowRight: [8, 0] };
  dot.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); send({ step: 1 }); return; }
    if (!keys[event.key]) return;
    event.preventDefault();
    const [x, y] = onScreen(at(model.get("state").p, corners));
    send({ p: weightsOf(x + keys[event.key][0], y + keys[event.key][1]) });
  });

  const controls = Object.assign(document.createElement("div"), { className: "course-controls" });
  for (const what of ["step", "reset"]) {
    const button = Object.assign(document.createElement("button"), { textContent: words[what], type: "button" });
    button.addEventListener("click", () => send({ [what]: 1 }));
    controls.append(button);
  }
  const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 0.6, step: 0.05, value: 0 });
  const shown = Object.assign(document.createElement("output"), { textContent: "0.00" });
  slider.addEventListener("input", () => { shown.textContent = Number(slider.value).toFixed(2); send({ smoothing: Number(slider.value) }); });
  const label = document.createElement("label");
  label.append(words.smoothing, slider, shown);
  controls.append(label);

  const pair = Object.assign(document.createElement("div"), { style: "display:flex;flex-wrap:wrap;gap:8px 28px;align-items:center" });
  const left = Object.assign(document.createElement("div"), { style: "flex:1 1 280px;max-width:380px" });
  left.append(root);
  pair.append(left, note);
  el.append(pair, controls);
  follow(["state", "note"], show);
  show();
}

export default widget(draw);
