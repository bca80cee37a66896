// Guesses and questions to recall, live without a kernel: what was clicked is kept in this browser, and exported as `progress.export` would.
addEventListener("DOMContentLoaded", () => {
  const words = document.documentElement.lang.startsWith("zh")
    ? { asks: "先猜", guess: "就猜这个", yours: "你猜的是 {}；", right: "✓ 对。", wrong: "应当是“{}”。" }
    : { asks: "Guess first", guess: "That is my guess", yours: "You guessed {}; ", right: "✓ Right. ", wrong: "It is “{}”. " };
  const KEY = `course/${document.documentElement.lang.slice(0, 2)}`;                                  // here lies {guesses: {id: …}, recalls: {id: …}}
  const read = () => { try { return JSON.parse(localStorage.getItem(KEY)); } catch { return null; } };
  let kept = read() ?? { guesses: {}, recalls: {} };
  const keep = (table, id, row) => {
    kept = read() ?? kept;                      // another page may have been answered meanwhile
    kept[table][id] = row;
    try { localStorage.setItem(KEY, JSON.stringify(kept)); } catch { /* a page from disk may have no storage: it lasts as long as the page */ }
  };
  document.getElementById("progress")?.addEventListener("click", (event) => {
    const whole = { course: "course_lib", version: VERSION, exercises: {}, ...(read() ?? kept) };
    event.currentTarget.href = `data:application/json,${encodeURIComponent(JSON.stringify(whole, null, 1))}`;
  });
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
    const result = folds.at(-1)?.querySelector("[role=status]"), id = still.dataset.guess;
    if (!result || !id) return;
    const truth = result.textContent, ordered = boxes.length > 1 && truth.includes(" → "), picked = [];
    const number = (text) => Number(text.replaceAll(",", "").match(/[-−]?\d*\.?\d+(e[-+]?\d+)?/)?.[0].replace("−", "-"));
    const right = (mine) => (boxes.length > 1 ? truth.includes(mine) : Math.abs(number(mine) - number(truth)) <= Number(still.dataset.tolerance));
    const show = (mine) => {
      folds.forEach((fold) => { fold.open = true; });
      result.textContent = words.yours.replace("{}", mine) + result.textContent.replace(/^.*? · /, "");
      for (const control of asked.querySelectorAll("button, input")) control.disabled = true;
    };
    const say = (mine) => { keep("guesses", id, { value: mine, right: right(mine) }); show(mine); };
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
    if (id in kept.guesses) show(kept.guesses[id].value);
  }

  // Each answer shows at once whether it is right, why, and where to read on.
  function quiz(still) {
    for (const row of [...still.children].slice(1)) {
      const boxes = [...row.querySelectorAll("span[style*=border]")], text = row.textContent.slice(0, row.textContent.indexOf(boxes[0]?.textContent));
      const [right, reason, address, section, id] = RECALL[text.trim()] ?? [];
      if (!right) continue;
      const note = document.createElement("div");
      note.setAttribute("role", "status");
      const buttons = boxes.map((box) => {
        const made = button(box.textContent, () => {
          made.setAttribute("aria-pressed", "true");
          buttons.forEach((each) => { each.disabled = true; });
          const link = Object.assign(document.createElement("a"), { href: address, textContent: section });
          const { asked, right: before } = kept.recalls[id] ?? { asked: 0, right: 0 };
          keep("recalls", id, { asked: asked + 1, right: before + (made.textContent === right) });
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
