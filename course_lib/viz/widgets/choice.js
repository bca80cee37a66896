// A row of buttons, of which one is chosen.
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
