// Three steps through the view, until they are done or closed; the kernel remembers, so that they never come back.
function tour(app) {
  const { t, model } = app;
  if (!model.get("_tour") || app.toured) return [];
  const words = h("span"), next = h("button", { type: "button" }), close = h("button", { type: "button", onclick: () => end() }, t("tourClose"));
  const end = () => {
    app.toured = true;
    for (const other of document.querySelectorAll(".attn-tour")) other.remove();
    app.ask("toured");
    app.resize(true);
  };
  const go = (step) => {
    app.step = step;
    words.textContent = `${step}/3 ${t(`tour${step}`)}`;
    next.textContent = t(step < 3 ? "tourNext" : "tourDone");
    next.onclick = step < 3 ? () => { go(step + 1); app.resize(true); } : end;
    close.hidden = step === 3;
  };
  app.looksBack = (weight) => { if (app.step === 1 && weight >= 0.5) next.onclick(); };       // the head of the first step is found
  go(app.step ?? 1);
  return [h("p", { class: "attn-row attn-tour", role: "note" }, words, next, close)];
}
