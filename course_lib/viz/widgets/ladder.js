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
  keepInView(el, signal, (cell) => cell.querySelector("[role=status]"));
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

export default widget(draw);
