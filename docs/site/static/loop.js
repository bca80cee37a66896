// Guesses and questions to recall, live without a kernel: what was clicked is kept in this browser.
addEventListener("DOMContentLoaded", () => {
  const words = document.documentElement.lang.startsWith("zh")
    ? { asks: "先猜", guess: "就猜这个", yours: "你猜的是 {}；", right: "✓ 对。", wrong: "应当是“{}”。" }
    : { asks: "Guess first", guess: "That is my guess", yours: "You guessed {}; ", right: "✓ Right. ", wrong: "It is “{}”. " };
  const page = location.pathname.split("/").slice(-2).join("/");
  const recall = (key) => { try { return localStorage.getItem(key); } catch { return null; } };       // a page from disk may have no storage
  const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* see above */ } };
  const button = (text, click) => {
    const made = Object.assign(document.createElement("button"), { type: "button", className: "course-choice", textContent: text });
    made.addEventListener("click", click);
    return made;
  };

  for (const still of document.querySelectorAll(".course-static")) {
    const asked = still.firstElementChild, boxes = [...asked.querySelectorAll("span[style*=border]")];
    if (asked.textContent.startsWith(words.asks)) guess(still, asked, boxes);
    else if (asked.querySelector("b") && still.children.length > 2) quiz(still);
  }

  // The outputs from a guess to its result are folded; a guess unfolds them and stands beside the answer.
  function guess(still, asked, boxes) {
    const folds = [];
    for (const fold of document.querySelectorAll("details.hide")) {
      if (!(still.compareDocumentPosition(fold) & Node.DOCUMENT_POSITION_FOLLOWING)) continue;
      folds.push(fold);
      if (fold.querySelector("[role=status]")) break;
    }
    const result = folds.at(-1)?.querySelector("[role=status]"), key = `guess:${page}:${asked.textContent}`;
    if (!result) return;
    const ordered = boxes.length > 1 && result.textContent.includes(" → "), picked = [];
    const show = (mine) => {
      folds.forEach((fold) => { fold.open = true; });
      result.textContent = words.yours.replace("{}", mine) + result.textContent.replace(/^.*? · /, "");
      for (const control of asked.querySelectorAll("button, input")) control.disabled = true;
    };
    const say = (mine) => { keep(key, mine); show(mine); };
    if (boxes.length > 1) {
      boxes.forEach((box) => {
        const text = box.textContent;
        box.replaceWith(button(text, (event) => {
          event.target.setAttribute("aria-pressed", "true");
          if (!ordered) return say(`“${text}”`);
          if (!picked.includes(text)) event.target.textContent = `${picked.push(text)}. ${text}`;
          if (picked.length === boxes.length) say(picked.join(" → "));
        }));
      });
    } else {
      const field = Object.assign(document.createElement("input"), { size: 10, maxLength: 40, inputMode: "decimal" });
      field.setAttribute("aria-label", asked.textContent);
      const commit = () => field.value.trim() && say(field.value.trim());
      field.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) commit(); });
      if (boxes.length) boxes[0].replaceWith(field);
      else asked.append(" ", field);
      asked.append(" ", button(words.guess, commit));
    }
    still.classList.add("course-live");
    const before = recall(key);
    if (before) show(before);
  }

  // Each answer shows at once whether it is right, why, and where to read on.
  function quiz(still) {
    for (const row of [...still.children].slice(1)) {
      const boxes = [...row.querySelectorAll("span[style*=border]")], text = row.textContent.slice(0, row.textContent.indexOf(boxes[0]?.textContent));
      const [right, reason, address, section] = RECALL[text.trim()] ?? [];
      if (!right) continue;
      const note = document.createElement("div");
      note.setAttribute("role", "status");
      const buttons = boxes.map((box) => {
        const made = button(box.textContent, () => {
          made.setAttribute("aria-pressed", "true");
          buttons.forEach((each) => { each.disabled = true; });
          const link = Object.assign(document.createElement("a"), { href: address, textContent: section });
          note.append((made.textContent === right ? words.right : words.wrong.replace("{}", right)) + reason + " ", link);
        });
        box.replaceWith(made);
        return made;
      });
      row.append(note);
      still.classList.add("course-live");
    }
  }
});
