// Shift+Enter makes the next cell the active one, and JupyterLab then shows that one, often with what this cell has brought above the top
// of the page. So `first(cell)`, its verdict or its fields, stays in view while outputs arrive; but only where the reader has just run it.
function keepInView(el, signal, first) {
  const look = () => {
    const cell = [...upwards(el)].find((at) => at.matches(".jp-Cell")), shown = cell && first(cell);
    if (!shown) return;                         // not in the page yet, or in a host of another kind
    watch.observe(cell);
    if ([cell, cell.nextElementSibling].some((at) => at?.matches(".jp-mod-active"))) shown.scrollIntoView({ block: "nearest" });
  };
  const watch = new ResizeObserver(look), stop = () => watch.disconnect();
  watch.observe(el);
  const soon = setTimeout(stop, 1500);
  signal.addEventListener("abort", () => { stop(); clearTimeout(soon); });
  for (const event of ["wheel", "pointerdown", "keydown"]) document.addEventListener(event, stop, { once: true, capture: true, signal });
}
