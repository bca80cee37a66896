// Help below a check: a row of buttons, what they bring, and lines of code that become a program.
function draw({ model, el, follow, send, signal }) {
  el.classList.add("course-question", "course-ladder");
  const row = Object.assign(document.createElement("div"), { className: "course-fields" });
  const [note, puzzle, verdict] = ["div", "div", "div"].map((tag) => document.createElement(tag));
  row.append(...model.get("buttons").map((label, i) => button(label, () => send({ ask: i }))));
  for (const at of [note, verdict]) at.setAttribute("role", "status");
  const shown = (at, name) => { showMarkup(at, model.get(name)); };
  const build = () => {
    puzzle.replaceChildren();
    if (model.get("puzzle").lines) sort(puzzle, model.get("puzzle"), model.get("words"), (order) => send({ order }));
  };
  follow(["note"], () => shown(note, "note"));
  follow(["puzzle"], build);
  follow(["verdict"], () => { shown(verdict, "verdict"); verdict.scrollIntoView({ block: "nearest" }); });
  follow(["busy"], () => { for (const at of puzzle.querySelectorAll(".course-check")) at.disabled = model.get("busy"); });
  shown(note, "note");
  shown(verdict, "verdict");
  build();
  el.append(row, note, puzzle, verdict);
  keepInView(el, signal);
}

// Each line is a button that moves between the lines and the program, and keeps the focus.
function sort(place, { head, lines }, words, say) {
  const [rest, program] = [words.lines, words.program].map((label) => {
    const list = Object.assign(document.createElement("div"), { className: "course-lines" });
    list.setAttribute("role", "group");
    list.setAttribute("aria-label", label);
    return list;
  });
  const made = lines.map((line, i) => {
    const at = button(line, () => {
      if (at.parentElement === rest) program.append(at);
      else rest.insertBefore(at, made.find((other, j) => j > i && other.parentElement === rest) ?? null);
      at.setAttribute("aria-pressed", at.parentElement === program);
      at.focus();
    });
    at.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const other = step < 0 ? at.previousElementSibling : at.nextElementSibling;
      if (at.parentElement !== program || !other) return;
      program.insertBefore(...(step < 0 ? [at, other] : [other, at]));
      at.focus();
    });
    at.setAttribute("aria-pressed", "false");
    return at;
  });
  rest.append(...made);
  const titled = (label, ...all) => {
    const box = document.createElement("div");
    box.append(Object.assign(document.createElement("b"), { textContent: label }), ...all);
    return box;
  };
  const check = button(words.check, () => say([...program.children].map((at) => made.indexOf(at))));
  check.classList.add("course-check");
  place.append(titled(words.lines, rest), titled(words.program, Object.assign(document.createElement("pre"), { textContent: head }), program),
    Object.assign(document.createElement("div"), { textContent: words.help }), check);
}

// Shift+Enter makes the next cell the active one, and JupyterLab then shows that one, often with the verdict above the top of the page.
// So whatever this cell shows while its outputs arrive, its first verdict stays in view; but only where the reader has just run this cell.
function keepInView(el, signal) {
  const look = () => {
    const cell = [...upwards(el)].find((at) => at.matches(".jp-Cell")), card = cell?.querySelector("[role=status]");
    if (!card) return;                          // not in the page yet, or in a host of another kind
    watch.observe(cell);
    const active = document.querySelector(".jp-Cell.jp-mod-active");
    if (active === cell || active === cell.nextElementSibling) card.scrollIntoView({ block: "nearest" });
  };
  const watch = new ResizeObserver(look), stop = () => watch.disconnect();
  watch.observe(el);
  const soon = setTimeout(stop, 1500);
  signal.addEventListener("abort", () => { stop(); clearTimeout(soon); });
  for (const event of ["wheel", "pointerdown", "keydown"]) document.addEventListener(event, stop, { once: true, capture: true, signal });
}

export default widget(draw);
