// What a saved page works out for itself: it holds every head, and there is no kernel to ask. A notebook is not sent this.
// The thumbnails: the largest code of each block, as coding.py has it.
function thumbnails({ L, H, T, S, N, causal, thumb: [rows, columns], arrays: { heads } }) {
  const n = causal ? (rows * (rows + 1)) / 2 : rows * columns, found = new Uint8Array(L * H * n);
  const bins = (size, of) => Array.from({ length: of }, (_, i) => Math.floor(((i + 1) * size - 1) / of));
  const down = bins(rows, T), across = bins(columns, S);
  for (let i = 0, at = 0; i < L * H; i++)
    for (let q = 0; q < T; q++)
      for (let k = 0; k < (causal ? q + 1 : S); k++, at++) {
        const to = i * n + (causal ? (down[q] * (down[q] + 1)) / 2 : down[q] * columns) + across[k];
        if (heads[at] > found[to]) found[to] = heads[at];
      }
  return found;
}

function codesFromFile(part, layer, head, mode) {
  const { N, S, T, H } = part;
  if (mode === "rollout") return part.arrays.rollout.subarray(layer * N, (layer + 1) * N);
  const codes = part.arrays.heads.subarray((layer * H + head) * N, (layer * H + head + 1) * N);
  if (mode === "plain") return codes;
  const norms = part.arrays.norms.subarray((layer * H + head) * S, (layer * H + head + 1) * S);
  const weighted = new Uint8Array(N);
  for (let q = 0; q < T; q++) {
    const start = place(part, q, 0), end = part.causal ? q + 1 : S;
    let sum = 0;
    for (let k = 0; k < end; k++) sum += WEIGHT[codes[start + k]] * WEIGHT[norms[k]];
    for (let k = 0; k < end; k++) weighted[start + k] = encodeWeight((WEIGHT[codes[start + k]] * WEIGHT[norms[k]]) / sum);
  }
  return weighted;
}

function towardFromFile(part, k) {
  const found = new Float32Array(part.L * part.H);
  for (let i = 0; i < found.length; i++) {
    let sum = 0, count = 0;
    for (let q = part.causal ? k : 0; q < part.T; q++, count++) sum += WEIGHT[part.arrays.heads[i * part.N + place(part, q, k)]];
    found[i] = sum / count;
  }
  return found;
}
