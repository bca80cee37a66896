// Controls above, the kernel's picture below. Clicks and the Enter key on [data-set="name=value"] in the picture set a value, too.
function draw({ model, el, follow, set: send }) {
  el.classList.add("course-explore");
  const set = (name, value) => {
    picture.style.opacity = 0.4;            // until the kernel has drawn: a step may take seconds
    send({ values: { ...model.get("values"), [name]: value } });
  };
  const controls = document.createElement("div");
  controls.className = "course-controls";
  for (const field of model.get("fields")) controls.append(control(field, set));

  const picture = document.createElement("div");
  picture.setAttribute("aria-live", "polite");
  const show = () => {
    const focused = document.activeElement?.closest?.("[data-set]")?.dataset.set;
    showMarkup(picture, model.get("picture"));
    picture.style.opacity = 1;
    if (focused) picture.querySelector(`[data-set="${CSS.escape(focused)}"]`)?.focus();
  };
  const choose = (event) => {
    const box = event.target.closest?.("[data-set]");
    if (!box || (event.type === "keydown" && event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    const [name, ...value] = box.dataset.set.split("=");
    set(name, value.join("="));
  };
  picture.addEventListener("click", choose);
  picture.addEventListener("keydown", choose);
  follow(["drawn"], show);
  show();
  el.append(controls, picture);
}

function control({ name, kind, label, value, options, low, high, step }, set) {
  const row = document.createElement("label");
  row.append(Object.assign(document.createElement("span"), { textContent: label }));
  if (kind === "choice") {
    const select = document.createElement("select");
    for (const option of options) select.append(new Option(option, option, option === value, option === value));
    select.addEventListener("change", () => set(name, select.value));
    row.append(select);
    return row;
  }
  const input = document.createElement("input");
  const shown = document.createElement("output");
  if (kind === "slider") Object.assign(input, { type: "range", min: low, max: high, step });
  else Object.assign(input, { type: "text", spellcheck: false });
  input.value = value;
  shown.textContent = kind === "slider" ? value : "";
  let waiting;
  input.addEventListener("input", (event) => {
    if (event.isComposing) return;          // a Chinese input method is still at work
    const now = kind === "slider" ? Number(input.value) : input.value;
    if (kind === "slider") shown.textContent = now;
    clearTimeout(waiting);
    waiting = setTimeout(() => set(name, now), 120);
  });
  input.addEventListener("compositionend", () => set(name, input.value));
  row.append(input, shown);
  return row;
}

export default widget(draw);
