// The two pictures of one head, drawn from `view.codes`, one byte a weight. `view` is the HeadView.
const ROW = 24, SHOWN = WEIGHT.findIndex((w) => w >= 0.005);      // pixels a token; weights below half a percent get no shade

function paintMatrix(view) {
  const { T, S } = view.part, { codes, app } = view, { packed } = colorScale(app.theme), { colors } = app;
  const ratio = devicePixelRatio || 1, { room = 480, tall = 480 } = view, labels = Math.min(room, tall) / Math.max(T, S) >= 13 && !app.narrow;
  const left = labels ? widest(view, "query") : 30, top = labels ? widest(view, "key") : 18;
  const cell = Math.max(1, Math.floor(Math.min(app.wide ? 36 : 28, (room - left) / S, Math.max(60, tall - top) / T) * ratio)) / ratio;
  const c = sized(view.matrix, left + cell * S + 1, top + cell * T + 1);
  view.frame = { left: Math.round(left * ratio) / ratio, top: Math.round(top * ratio) / ratio, cell };
  const image = (view.image ??= h("canvas", {}));
  if (image.width !== S || image.height !== T) { image.width = S; image.height = T; }
  const ic = image.getContext("2d"), data = ic.createImageData(S, T), pixels = new Uint32Array(data.data.buffer);
  if (view.part.causal) for (let q = 0, at = 0; q < T; q++) for (let k = 0, p = q * S; k <= q; k++) pixels[p++] = packed[codes[at++]];
  else for (let i = 0; i < codes.length; i++) pixels[i] = packed[codes[i]];
  ic.putImageData(data, 0, 0);
  c.clearRect(0, 0, view.matrix.width, view.matrix.height);
  c.imageSmoothingEnabled = false;
  c.drawImage(image, view.frame.left, view.frame.top, cell * S, cell * T);
  c.fillStyle = colors.muted;
  c.font = `11px ${app.font}`;
  c.textBaseline = "middle";
  const step = labels ? 1 : [5, 10, 20, 50, 100, 200, 500].find((n) => n * cell >= 28) ?? 1000;
  for (let i = 0; i < Math.max(T, S); i += step) {
    const middle = (i + 0.5) * cell;
    if (i < T) {
      c.textAlign = "right";
      c.fillText(labels ? clip(c, visible(view.part.query.labels[i]), left - 8) : i, view.frame.left - 5, view.frame.top + middle);
    }
    if (i < S) {
      c.save();
      c.translate(view.frame.left + middle, view.frame.top - 5);
      if (labels) { c.rotate(-Math.PI / 2); c.textAlign = "left"; } else { c.textAlign = "center"; c.translate(0, -4); }
      c.fillText(labels ? clip(c, visible(view.part.key.labels[i]), top - 8) : i, 0, 0);
      c.restore();
    }
  }
  Object.assign(view.matrix.dataset, view.frame);
}

function widest(view, side) {                                    // pixels for the longest label beside the matrix
  const tokens = view.part[side];
  if (tokens.widest) return tokens.widest;
  const c = view.matrix.getContext("2d");
  c.font = `11px ${view.app.font}`;
  return (tokens.widest = Math.min(84, Math.max(...tokens.labels.map((label) => c.measureText(visible(label)).width))) + 8);
}

// Lines between the rows in sight; with a focused token only its own. Batched by strength: 16 strokes in all.
function paintLines(view) {
  if (!view.codes) return;
  const { part, codes, focus, app } = view, height = view.scroll.clientHeight, width = view.lines.clientWidth;
  const c = sized(view.lines, width, height, true), top = view.scroll.scrollTop;
  const first = Math.max(0, Math.floor(top / ROW)), last = Math.ceil((top + height) / ROW);
  const batches = Array.from({ length: 16 }, () => []);
  const add = (q, k) => {
    const code = codes[place(part, q, k)];
    if (code >= floor && code !== NAN) batches[code >> 4].push(q, k);
  };
  const { q, k } = focus ?? {}, floor = focus ? SHOWN : 36;      // 36: weights of 2 % and more
  if (q !== undefined && k !== undefined) { if (place(part, q, k) >= 0) add(q, k); }
  else if (q !== undefined) for (let i = 0; i < (part.causal ? q + 1 : part.S); i++) add(q, i);
  else if (k !== undefined) for (let i = part.causal ? k : 0; i < part.T; i++) add(i, k);
  else for (let i = first; i < Math.min(last, part.T); i++) for (let j = 0; j < (part.causal ? i + 1 : part.S); j++) add(i, j);
  c.clearRect(0, 0, width, height);
  c.strokeStyle = app.colors.line;
  c.lineCap = "round";
  batches.forEach((pairs, strength) => {
    if (!pairs.length) return;
    const w = ((strength + 0.5) / 16) ** 2;
    c.globalAlpha = Math.min(focus ? 1 : 0.75, (focus ? 0.25 : 0.1) + w);
    c.lineWidth = 0.75 + (focus ? 3 : 2) * w;
    c.beginPath();
    for (let i = 0; i < pairs.length; i += 2) {
      const from = (pairs[i] + 0.5) * ROW - top, to = (pairs[i + 1] + 0.5) * ROW - top;
      c.moveTo(0, from);
      c.bezierCurveTo(width * 0.45, from, width * 0.55, to, width, to);
    }
    c.stroke();
  });
  c.globalAlpha = 1;
}
