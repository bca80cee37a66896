// Bytes to weights and colours, and where the bytes come from: a kernel that is asked, or a file that holds everything (file.js).
const NAN = 255, LEVELS = 254;
const WEIGHT = Float32Array.from({ length: 256 }, (_, code) => (code === NAN ? NaN : (code / LEVELS) ** 2));
const encodeWeight = (w) => (Number.isNaN(w) ? NAN : Math.round(LEVELS * Math.sqrt(Math.min(1, Math.max(0, w)))));
const TYPED = { uint8: Uint8Array, float32: Float32Array };

// Hosts hand binary over as DataView, ArrayBuffer, a typed array, or (our own fallback) base64 text.
function bytesOf(value) {
  if (!value) return new Uint8Array();
  if (typeof value === "string") return Uint8Array.from(atob(value), (c) => c.charCodeAt(0));
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return new Uint8Array(value.buffer, value.byteOffset ?? 0, value.byteLength);
}

function floatsOf(value) {
  return new Float32Array(bytesOf(value).slice().buffer);          // a copy: the original may not be aligned
}

// One text read by the model: `parts` (self, or encoder, decoder, cross), each with its tokens and arrays.
async function openPicture(json, bytes) {
  const meta = JSON.parse(json);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  if (buffer.byteLength !== meta.bytes) throw new Error(`expected ${meta.bytes} bytes, got ${buffer.byteLength}`);
  for (const part of meta.parts) {
    [part.L, part.H, part.T, part.S] = part.shape;
    part.N = part.causal ? (part.T * (part.T + 1)) / 2 : part.T * part.S;
    part.arrays = {};
    part.cache = new Map();                                        // "mode/layer/head" -> codes [N]
  }
  for (const [name, { offset, type, shape }] of Object.entries(meta.sections)) {
    const [part, what] = name.split("/");
    const length = shape.reduce((a, b) => a * b, 1);
    meta.parts.find((p) => p.name === part).arrays[what] = new TYPED[type](buffer, offset, length);
  }
  for (const part of meta.parts) part.arrays.thumbs ??= thumbnails(part);
  for (const part of meta.parts) if (part.arrays.head) part.cache.set(`plain/${part.shown.join("/")}`, part.arrays.head);
  return meta;
}

const place = (part, q, k) => (part.causal ? (k > q ? -1 : (q * (q + 1)) / 2 + k) : q * part.S + k);

const MODES = ["plain", "value", "rollout"];

// The codes of one head: a Uint8Array at once where they are here, else a promise of one.
function headCodes(picture, part, layer, head, mode, ask) {
  const key = `${mode}/${layer}/${mode === "rollout" ? 0 : head}`;
  const known = part.cache.get(key);
  if (known) return known;
  if (picture.complete) {
    const codes = codesFromFile(part, layer, head, mode);
    part.cache.set(key, codes);
    return codes;
  }
  return ask("head", { slot: picture.slot, part: part.name, layer, head, mode }).then(({ buffers }) => {
    const codes = bytesOf(buffers[0]);
    if (codes.length !== part.N) throw new Error(`expected ${part.N} weights, got ${codes.length}`);
    part.cache.set(key, codes);
    return codes;
  });
}

// Mean weight that every head pays to token k: Float32Array [L * H].
async function towardToken(picture, part, k, ask) {
  return picture.complete ? towardFromFile(part, k) : floatsOf((await ask("toward", { slot: picture.slot, part: part.name, k })).buffers[0]);
}

// Light and dark scales: one blue whose lightness only ever grows or shrinks, so that it also reads in grey and for colour-blind eyes.
const STOPS = {
  light: [[247, 249, 252], [183, 210, 235], [107, 174, 214], [33, 102, 172], [5, 34, 82]],
  dark: [[30, 34, 41], [24, 62, 112], [36, 118, 182], [122, 190, 236], [244, 250, 255]],
};
// Relative luminance (WCAG 2); above 0.179 black is read better than white, at 4.5 to 1 or more.
const luminance = (rgb) => rgb.map((c) => (c > 10 ? ((c / 255 + 0.055) / 1.055) ** 2.4 : c / 3294)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const NAN_COLOR = { light: [214, 60, 140], dark: [255, 120, 190] };
const scales = {};

function colorScale(theme) {                                       // 256 colours as [r, g, b] and, for ImageData, as packed integers
  if (scales[theme]) return scales[theme];
  const stops = STOPS[theme], rgb = [], packed = new Uint32Array(256);
  for (let code = 0; code < 256; code++) {
    const x = (code / LEVELS) * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(x));
    rgb.push(code === NAN ? NAN_COLOR[theme] : stops[i].map((from, c) => Math.round(from + (stops[i + 1][c] - from) * (x - i))));
    const [r, g, b] = rgb[code];
    packed[code] = (255 << 24) | (b << 16) | (g << 8) | r;         // little-endian: bytes r, g, b, a
  }
  return (scales[theme] = { rgb, packed, css: rgb.map((c) => `rgb(${c})`), ink: rgb.map((c) => (luminance(c) > 0.179 ? "#000" : "#fff")) });
}

// Questions to the kernel: each gets a number, and its answer as a promise. `onSilence(true)` after five seconds without one.
function kernelLink(model, onSilence, signal) {
  const waiting = new Map();
  let count = 0;
  const hear = (message, buffers) => {
    const call = waiting.get(message?.id);
    if (!call) return;
    waiting.delete(message.id);
    clearTimeout(call.timer);
    onSilence(false);
    if (message.error) call.reject(message);
    else call.resolve({ ...message, buffers: buffers ?? [] });
  };
  const gone = () => onSilence(true);
  model.on("msg:custom", hear);
  model.on("comm_live_update", gone);
  signal.addEventListener("abort", () => {
    model.off("msg:custom", hear);
    model.off("comm_live_update", gone);
    for (const { timer } of waiting.values()) clearTimeout(timer);
  });
  const prefix = Math.random().toString(36).slice(2);             // several views of one widget hear the same answers
  return (what, args = {}, patience = 5000) => new Promise((resolve, reject) => {
    if (signal.aborted) return;
    const id = `${prefix}${++count}`;
    const timer = setTimeout(() => onSilence(true), patience);
    waiting.set(id, { resolve, reject, timer });
    attempt(() => model.send({ id, ask: what, with: args }), () => {
      clearTimeout(timer);
      onSilence(true);
    });
  });
}
