// What every widget asks of its host. `widget(draw)` is the module that a host calls: `draw(view)` fills `view.el`, and whatever it
// began ends with `view.signal`, so that a page in which views come and go stays as it was.
const widget = (draw) => ({
  render({ model, el }) {
    const closing = new AbortController(), { signal } = closing;
    const silence = Object.assign(document.createElement("p"), { hidden: true });
    silence.setAttribute("role", "status");
    const gone = () => { silence.hidden = false; };
    model.on("comm_live_update", gone);         // Jupyter's word that the kernel was restarted or is gone
    signal.addEventListener("abort", () => model.off("comm_live_update", gone));
    const view = {
      model, el, signal,
      silent: () => !silence.hidden,            // whether the page says that the kernel is gone
      follow(names, call) {                     // `call` whenever the kernel, or this page, changes one of the values
        const heard = () => { silence.hidden = true; call(); };
        for (const name of names) model.on(`change:${name}`, heard);
        signal.addEventListener("abort", () => { for (const name of names) model.off(`change:${name}`, heard); });
      },
      send: (message) => attempt(() => model.send(message), gone),
      set: (values) => attempt(async () => {
        for (const [name, value] of Object.entries(values)) model.set(name, value);
        if (silence.textContent) await model.send({});      // Jupyter keeps a failed save to itself; a message that cannot go throws
        await model.save_changes();
      }, gone),
    };
    // The host's own shortcuts must not fire here: those that wait outside, and JupyterLab's, which listens before anybody else.
    el.dataset.lmSuppressShortcuts = "true";
    el.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
    const complain = (error) => { if (!signal.aborted) el.append(error.message ?? String(error)); };
    (async () => {
      await draw(view);
      silence.textContent = model.get("_gone") ?? "";
      el.append(silence);
      takePlace(el, signal);
    })().catch(complain);
    return () => { closing.abort(); el.replaceChildren(); };
  },
});

function attempt(call, failed) {                // a kernel that is gone makes the host throw, at once or later
  try {
    Promise.resolve(call()).catch(failed);
  } catch {
    failed();
  }
}

// The still picture that stands before a view in its cell makes room for it, and comes back when the view goes. The cell is what
// JupyterLab and Notebook, Colab, or VS Code put around its outputs; in a host of another kind, the page.
const CELL = ".jp-OutputArea, #output-area, .cell_container";

function takePlace(el, signal) {
  const watch = new ResizeObserver(() => {      // called once `el` stands in the page; some hosts put it there late
    if (!el.isConnected) return;
    watch.disconnect();
    const around = [...upwards(el)], cell = around.find((at) => at.matches(CELL)) ?? document;
    const here = around.find((at) => cell.contains(at));
    const still = [...cell.querySelectorAll(".course-static")].filter((at) => at.compareDocumentPosition(here) & Node.DOCUMENT_POSITION_FOLLOWING).pop();
    if (!still) return;
    still.style.display = "none";
    signal.addEventListener("abort", () => { still.style.display = ""; });
  });
  watch.observe(el);
  signal.addEventListener("abort", () => watch.disconnect());
}

function* upwards(element) {                    // the element and all that is around it, out of shadow trees, too
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) yield at;
}

// Only what is Markup in the kernel comes here: everything else goes into the page as text.
const showMarkup = (element, markup) => { element.innerHTML = markup; };
