// Controls above, the kernel's picture below. Clicks and the Enter key on [data-set="name=value"] in the picture set a value, too.
function draw({ model, el, signal, silent, follow, set: send }) {
  el.classList.add("course-explore");
  let began = 0;
  const set = (name, value, clicked) => {
    picture.style.opacity = 0.4;            // until the kernel has drawn: a step may take seconds
    clicked.setAttribute("aria-busy", "true");
    began ||= Date.now();
    send({ values: { ...model.get("values"), [name]: value } });
  };
  const clock = setInterval(() => {         // what takes longer says for how long
    const seconds = began && !silent() ? Math.round((Date.now() - began) / 1000) : 0;
    waiting.textContent = seconds < 2 ? "" : model.get("waiting").replace("{0}", seconds);
  }, 500);
  signal.addEventListener("abort", () => clearInterval(clock));
  const waiting = Object.assign(document.createElement("div"), { className: "course-help" });
  const controls = document.createElement("div");
  controls.className = "course-controls";
  const shows = model.get("fields").map((field) => {
    const { row, show } = control(field, set);
    controls.append(row);
    return show;
  });

  const picture = document.createElement("div");
  picture.setAttribute("aria-live", "polite");
  const show = () => {
    const focused = document.activeElement?.closest?.("[data-set]")?.dataset.set;
    showMarkup(picture, model.get("picture"));
    picture.style.opacity = 1;
    began = 0;
    for (const at of controls.children) at.removeAttribute("aria-busy");
    for (const field of shows) field(model.get("values"));
    if (focused) picture.querySelector(`[data-set="${CSS.escape(focused)}"]`)?.focus();
  };
  const choose = (event) => {
    const box = event.target.closest?.("[data-set]");
    if (!box || (event.type === "keydown" && event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    const [name, ...value] = box.dataset.set.split("=");
    set(name, value.join("="), box);
  };
  picture.addEventListener("click", choose);
  picture.addEventListener("keydown", choose);
  follow(["drawn"], show);
  show();
  el.append(controls, waiting, picture);
  keepInView(el, signal, () => controls.childElementCount ? controls : picture);
}

// A field and, as `show`, what makes it say what the values say: after a page is loaded again, or in a second view.
function control({ name, kind, label, options, low, high, step }, set) {
  const row = document.createElement("label");
  row.append(Object.assign(document.createElement("span"), { textContent: label }));
  if (kind === "choice") {
    const select = document.createElement("select");
    for (const option of options) select.append(new Option(option));
    select.addEventListener("change", () => set(name, select.value, row));
    row.append(select);
    return { row, show: (values) => { select.value = values[name]; } };
  }
  const input = document.createElement("input");
  const shown = document.createElement("output");
  if (kind === "slider") Object.assign(input, { type: "range", min: low, max: high, step });
  else Object.assign(input, { type: "text", spellcheck: false });
  let waiting;
  input.addEventListener("input", (event) => {
    if (event.isComposing) return;          // a Chinese input method is still at work
    const now = kind === "slider" ? Number(input.value) : input.value;
    if (kind === "slider") shown.textContent = now;
    clearTimeout(waiting);
    waiting = setTimeout(() => { waiting = null; set(name, now, row); }, 120);
  });
  input.addEventListener("compositionend", () => set(name, input.value, row));
  row.append(input, shown);
  const show = (values) => {
    if (waiting || (kind === "text" && input.matches(":focus"))) return;      // the reader is ahead of the kernel
    input.value = values[name];
    if (kind === "slider") shown.textContent = values[name];
  };
  return { row, show };
}

export default widget(draw);
