// Elements, canvases and labels: the few helpers that every part of the view uses.
function h(tag, properties, ...children) {                         // an element with properties, attributes and children
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name === "class") element.className = value;
    else if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else if (name === "tabindex") element.tabIndex = value;
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

function sized(canvas, width, height, still = false) {             // a context in CSS pixels, sharp on any screen
  const ratio = devicePixelRatio || 1, w = Math.max(1, Math.round(width * ratio)), hgt = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== w || canvas.height !== hgt) {
    canvas.width = w;
    canvas.height = hgt;
    if (!still) canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

const visible = (label) => label.replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/^ +/, (s) => "·".repeat(s.length)) || "∅";

function clip(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let end = Math.min(text.length, 100);                            // a width is measured letter by letter: no more of them than can be seen
  while (end > 1 && context.measureText(text.slice(0, end) + "…").width > width) end--;
  return text.slice(0, end) + "…";
}

// One media query list for each page: a host loads this file anew for every view, and a list that was listened to stays for ever.
const darkScheme = (globalThis.courseDarkScheme ??= matchMedia("(prefers-color-scheme: dark)"));

// The colour behind the view decides: hosts name their dark themes in ten ways, but all of them paint something.
function hostTheme(element) {
  for (const at of upwards(element)) {
    const [r, g, b, a = 1] = (getComputedStyle(at).backgroundColor.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
    if (a > 0.5) return r * 0.3 + g * 0.59 + b * 0.11 < 110 ? "dark" : "light";
  }
  return darkScheme.matches ? "dark" : "light";
}
