// One question: its text, what to click or type, and the kernel's note. Every answer goes to the kernel, which says whether it is one.
function draw({ model, el, follow, send }) {
  el.classList.add("course-question");
  const form = model.get("form");
  const say = (answer) => send({ say: answer });
  const text = document.createElement("span"), note = document.createElement("div");
  const fields = Object.assign(document.createElement("span"), { className: "course-fields" });
  note.setAttribute("role", "status");
  fields.setAttribute("role", "group");
  fields.title = form.help;
  const show = { choice, order, number, line }[form.kind](fields, form, say);

  const follows = () => {
    showMarkup(text, model.get("text"));
    showMarkup(note, model.get("note"));
    fields.setAttribute("aria-label", text.textContent);
    show(model.get("answer"));
    for (const control of fields.querySelectorAll("button, input")) control.disabled = model.get("fixed");
  };
  follow(["answer", "fixed", "note", "text"], follows);
  follows();
  el.append(text, fields, note);
}

const button = (label, clicked) => {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: label });
  made.addEventListener("click", clicked);
  return made;
};

function choice(fields, { options }, say) {
  const buttons = options.map((option, i) => button(option, () => say(i)));
  fields.append(...buttons);
  return (answer) => buttons.forEach((at, i) => at.setAttribute("aria-pressed", i === answer));
}

function order(fields, { options, button: again }, say) {
  let picked = [];
  const pick = (i) => {
    picked = picked.includes(i) ? picked.filter((at) => at !== i) : [...picked, i];
    if (picked.length === options.length) say(picked);
    mark();
  };
  const buttons = options.map((_, i) => button("", () => pick(i)));
  const mark = () => buttons.forEach((at, i) => {
    const place = picked.indexOf(i);
    at.textContent = (place < 0 ? "" : `${place + 1}. `) + options[i];
    at.setAttribute("aria-pressed", place >= 0);
  });
  fields.append(...buttons, button(`↺ ${again}`, () => { picked = []; mark(); }));
  return (answer) => { if (answer) picked = answer; mark(); };
}

function typed(input, unit, label, value, say) {            // a field with its unit; the button or Enter commits
  const commit = () => say(value());
  const send = button(label, commit);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return; // a Chinese input method is still at work
    event.preventDefault();
    commit();
  });
  return [input, ...(unit ? [document.createTextNode(unit)] : []), send];
}

function number(fields, { unit, help, button: label }, say) {
  const input = Object.assign(document.createElement("input"), { type: "text", inputMode: "decimal", size: 10, maxLength: 40, placeholder: "?" });
  input.setAttribute("aria-label", help);
  fields.append(...typed(input, unit, label, () => input.value, say));
  return (answer) => { if (answer !== null && !input.value) input.value = answer; };      // a second view of the same question
}

function line(fields, { low, high, step, unit, help, button: label }, say) {
  const input = Object.assign(document.createElement("input"), { type: "range", min: low, max: high, step });
  input.value = low + (high - low) / 2;
  input.setAttribute("aria-label", help);
  const shown = Object.assign(document.createElement("output"), { textContent: "?" });
  input.addEventListener("input", () => { shown.textContent = `${Number(input.value)}${unit ? ` ${unit}` : ""}`; });
  fields.append(`${low}`, input, `${high}`, shown, ...typed(input, "", label, () => Number(input.value), say).slice(1));
  return (answer) => { if (answer !== null) { input.value = answer; input.dispatchEvent(new Event("input")); } };
}

export default widget(draw);
