// A Llama-style decoder that reads one token at a time and keeps its keys and values. No libraries.
// Letters: D width, V vocabulary, H heads, G key-value heads, d width of a head, F width inside the feed-forward network, T tokens read.

/** y = W x: W is [rows, columns], flat; x [columns] -> y [rows]. */
function product(W, x) {
  const columns = x.length, y = new Float32Array(W.length / columns);
  for (let row = 0, at = 0; row < y.length; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += W[at++] * x[column];
    y[row] = sum;
  }
  return y;
}

/** Root-mean-square normalisation (Zhang and Sennrich 2019): x [D], weight [D] -> [D]. */
function rmsNorm(x, weight, epsilon) {
  let squares = 0;
  for (const value of x) squares += value * value;
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  return x.map((value, i) => value * scale * weight[i]);
}

/** Rotary positions (Su et al. 2021), in place: in every head, columns i and i + d/2 turn together. */
function rotate(x, position, d, base) {
  for (let head = 0; head < x.length; head += d) {
    for (let i = 0; i < d / 2; i++) {
      const angle = position * base ** (-2 * i / d), cos = Math.cos(angle), sin = Math.sin(angle);
      const left = x[head + i], right = x[head + i + d / 2];
      x[head + i] = left * cos - right * sin;
      x[head + i + d / 2] = right * cos + left * sin;
    }
  }
  return x;
}

/** Scores -> probabilities that sum to 1. */
function softmax(scores) {
  const highest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const exps = scores.map((score) => Math.exp(score - highest));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / sum);
}

const silu = (z) => z / (1 + Math.exp(-z));
const add = (x, y) => x.map((value, i) => value + y[i]);

/** The bytes of one model -> {name: Float32Array}. A matrix is stored as a scale for each 32 numbers (bfloat16), then all numbers as int8. */
function readTensors(bytes, shapes) {
  const tensors = {};
  let at = 0;
  const take = (length) => bytes.buffer.slice(at, at += length);
  for (const [name, size, isMatrix] of shapes) {
    if (!isMatrix) {
      tensors[name] = new Float32Array(take(4 * size));
      continue;
    }
    const halves = new Uint16Array(take(2 * Math.ceil(size / 32)));
    const scales = new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);    // bfloat16: the upper half of a float32
    const values = tensors[name] = new Float32Array(size), whole = new Int8Array(take(size));
    for (let i = 0; i < size; i++) values[i] = whole[i] * scales[i >> 5];
  }
  return tensors;
}

class Llama {
  constructor(config, tensors) {
    this.config = config;
    this.weights = tensors;
    this.forget();
  }

  /** Keep the first `length` tokens, forget the rest. past: for each layer, for each token read, what attention needs and what one may look at. */
  forget(length = 0) {
    this.ids = (this.ids ?? []).slice(0, length);
    this.past = Array.from({ length: this.config.layers }, (_, layer) => (this.past?.[layer] ?? []).slice(0, length));
  }

  /** Read one more token: its id -> logits [V] of the next one. */
  step(id) {
    const { width: D, layers, epsilon } = this.config, W = this.weights;
    let x = W.embedding.slice(id * D, (id + 1) * D);                                     // [D]
    for (let layer = 0; layer < layers; layer++) {
      const of = (name) => W[`${layer}.${name}`];
      x = add(x, this.attend(layer, rmsNorm(x, of("norm1"), epsilon)));                  // [D]
      const h = rmsNorm(x, of("norm2"), epsilon);
      const gate = product(of("gate"), h), up = product(of("up"), h);                    // [F]
      x = add(x, product(of("down"), gate.map((z, i) => silu(z) * up[i])));              // [D]
    }
    this.ids.push(id);
    return product(W.embedding, rmsNorm(x, W.norm, epsilon));                            // [V]: the embedding is the output head, too
  }

  /** One attention layer for the newest token: h [D] -> [D]. */
  attend(layer, h) {
    const { heads, groups, headWidth: d, base } = this.config, past = this.past[layer];
    const W = (name) => this.weights[`${layer}.${name}`], position = past.length;
    const q = rotate(product(W("q"), h), position, d, base);                             // [H * d]
    const k = rotate(product(W("k"), h), position, d, base);                             // [G * d]
    const token = { q, k, v: product(W("v"), h), weights: [] };
    past.push(token);
    const mixed = new Float32Array(heads * d);
    for (let head = 0; head < heads; head++) {
      const scores = past.map((_, source) => this.score(layer, head, position, source)); // [T]
      const weights = softmax(scores), shared = this.group(head) * d;
      token.weights.push(weights);
      weights.forEach((weight, source) => {
        const v = past[source].v;
        for (let i = 0; i < d; i++) mixed[head * d + i] += weight * v[shared + i];
      });
    }
    return product(W("o"), mixed);
  }

  /** The key-value head that a query head shares with its neighbours (grouped-query attention). */
  group(head) {
    return Math.floor(head * this.config.groups / this.config.heads);
  }

  /** The d products of a query and a key, number by number. */
  products(layer, head, target, source) {
    const d = this.config.headWidth, shared = this.group(head) * d;
    const q = this.past[layer][target].q, k = this.past[layer][source].k;
    return Array.from({ length: d }, (_, i) => ({ q: q[head * d + i], k: k[shared + i] }));
  }

  /** q · k / √d of one cell of the attention matrix. */
  score(layer, head, target, source) {
    const d = this.config.headWidth, q = this.past[layer][target].q, k = this.past[layer][source].k;
    let sum = 0;
    for (let i = 0, a = head * d, b = this.group(head) * d; i < d; i++) sum += q[a++] * k[b++];
    return sum / Math.sqrt(d);
  }

  /** How many of `ids` have been read already, from the start; the last one is to be read anew, for its logits are wanted. */
  agreeing(ids) {
    let same = 0;
    while (same < ids.length - 1 && this.ids[same] === ids[same]) same++;
    return same;
  }
}

/** Characters <-> ids, with the replacements that the model's tokenizer makes first. */
class Characters {
  constructor({ tokens, replacements, special, skipSpaces }) {
    Object.assign(this, { tokens, replacements, special, skipSpaces });
    this.idOf = new Map(tokens.map((token, id) => [token, id]));
  }

  /** Text -> [{text, id}]; a character that the vocabulary lacks has the id of <unk>. */
  encode(text) {
    text = text.normalize("NFKC");
    for (const [kind, from, to] of this.replacements) text = text.replaceAll(kind === "Regex" ? new RegExp(from, "gu") : from, to);
    const characters = [...text].filter((character) => !this.skipSpaces || !/\s/u.test(character));
    return characters.map((character) => ({ text: character, id: this.idOf.get(character) ?? this.idOf.get("<unk>") }));
  }
}

/** The probabilities from which the next token is drawn: temperature first (0: the likeliest alone), then top-p (Holtzman et al. 2019). */
function nextProbabilities(logits, temperature, topP, never = []) {
  const allowed = Array.from(logits, (logit, id) => (never.includes(id) ? -Infinity : logit));
  const order = allowed.map((_, id) => id).sort((a, b) => allowed[b] - allowed[a]);
  const kept = new Array(allowed.length).fill(0);
  if (temperature === 0) {
    kept[order[0]] = 1;
    return kept;
  }
  const p = softmax(allowed.map((logit) => logit / temperature));
  let before = 0;
  for (const id of order) {
    if (before >= topP) break;
    kept[id] = p[id];
    before += p[id];
  }
  return kept.map((value) => value / before);
}
