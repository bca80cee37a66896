// A grid of cells to paint: a filled cell may be attended to. The kernel computes the weights of the painted mask.
function draw({ model, el, signal, follow, set: send }) {
  el.classList.add("course-explore");
  const [queries, keys] = model.get("labels"), words = model.get("words");
  const set = (mask) => send({ mask });

  const buttons = document.createElement("div");
  buttons.className = "course-controls";
  for (const [name, mask] of Object.entries(model.get("presets"))) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
    button.addEventListener("click", () => set(mask));
    buttons.append(button);
  }
  const table = document.createElement("table");
  table.className = "course-paint";
  const head = table.insertRow();
  for (const key of ["", ...keys, words.sum]) head.append(Object.assign(document.createElement("th"), { textContent: key }));
  const cells = queries.map((query, t) => {
    const row = table.insertRow();
    row.append(Object.assign(document.createElement("th"), { textContent: query }));
    const line = keys.map((key, s) => {
      const cell = row.insertCell();
      Object.assign(cell, { tabIndex: t + s ? -1 : 0 });
      cell.dataset.at = `${t},${s}`;
      cell.setAttribute("role", "switch");
      cell.setAttribute("aria-label", `${query} → ${key}`);
      return cell;
    });
    row.append(document.createElement("th"));
    return line;
  });
  const help = Object.assign(document.createElement("div"), { className: "course-help", textContent: words.help });
  el.append(buttons, table, help);

  const paint = (t, s, may) => set(model.get("mask").map((row, i) => row.map((old, j) => (i === t && j === s ? may : old))));
  let colour = null;                        // what the pointer paints with while it is down
  const cellAt = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest?.("td[data-at]");
  const touch = (cell) => {
    if (!cell || !table.contains(cell)) return;
    const [t, s] = cell.dataset.at.split(",").map(Number), old = model.get("mask")[t][s];
    colour ??= !old;
    if (old !== colour) paint(t, s, colour);
  };
  table.addEventListener("pointerdown", (event) => { colour = null; touch(event.target.closest("td[data-at]")); });
  table.addEventListener("pointermove", (event) => { if (colour !== null && event.buttons) touch(cellAt(event)); });
  const stop = () => { colour = null; };
  window.addEventListener("pointerup", stop, { signal });
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.("td[data-at]");
    if (!cell) return;
    const [t, s] = cell.dataset.at.split(",").map(Number);
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (step) cells[t + step[0]]?.[s + step[1]]?.focus();
    else if (event.key === " " || event.key === "Enter") paint(t, s, !model.get("mask")[t][s]);
    else return;
    event.preventDefault();
  });

  const show = () => {
    const mask = model.get("mask"), weights = model.get("weights");
    cells.forEach((row, t) => {
      row.forEach((cell, s) => {
        cell.textContent = mask[t][s] ? weights[t][s].toFixed(2) : "×";
        cell.style.backgroundColor = mask[t][s] ? `rgba(68,119,170,${0.08 + 0.6 * weights[t][s]})` : "transparent";
        cell.setAttribute("aria-checked", mask[t][s]);
      });
      row[0].parentElement.lastChild.textContent = weights[t].reduce((a, b) => a + b, 0).toFixed(2);
    });
  };
  follow(["mask", "weights"], show);
  show();
}

export default widget(draw);
