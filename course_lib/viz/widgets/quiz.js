// Questions below a title, each with its choices and, once answered, its note; the kernel says what the note is.
function draw({ model, el, follow, send }) {
  el.classList.add("course-question", "course-quiz");
  const words = model.get("words");
  const title = document.createElement("div"), list = document.createElement("div");
  title.append(Object.assign(document.createElement("b"), { textContent: words.title }), button(words.skip, () => send({ skip: true })));
  title.className = "course-fields";
  const shows = model.get("items").map(({ text, options }, i) => {
    const row = document.createElement("div"), asks = document.createElement("div"), note = document.createElement("div");
    const fields = Object.assign(document.createElement("div"), { className: "course-fields" });
    showMarkup(asks, text);
    note.setAttribute("role", "status");
    fields.setAttribute("role", "group");
    fields.setAttribute("aria-label", asks.textContent);
    const mark = choice(fields, { options }, (option) => send({ say: [i, option] }));
    row.append(asks, fields, note);
    list.append(row);
    return (item) => {
      mark(item.answer);
      showMarkup(note, item.note);
      for (const at of fields.children) at.disabled = item.answer !== null;
    };
  });
  const show = () => {
    model.get("items").forEach((item, i) => shows[i](item));
    if (model.get("skipped")) { list.replaceChildren(words.skipped); title.remove(); }
  };
  el.append(title, list);
  follow(["items", "skipped"], show);
  show();
}

export default widget(draw);
