"""Attention, packed: what is kept of a pass, what is sent to a browser, and the scores by which heads are sorted.

- Kept: the exact float32 of every weight that can be other than zero (a causal head's lower triangle), layer by layer.
- Sent: `round(254 * sqrt(w))` in one byte, 255 for NaN. The square root spends the levels where attention lives, near
  zero: every row of the decoded picture still sums to 1 within 0.01, where linear levels would lose up to 15 %.
- Thumbnails keep the largest weight of each block, so that a thin diagonal stays a diagonal.

Scores, per head (arXiv numbers): entropy in bits; attention to the previous token; to the first token ("sink", 2309.17453);
induction, "to the token after an earlier copy of this one" (2209.11895, "prefix matching"). NaN where a score has no meaning.
"""
from __future__ import annotations

import json
import zlib
from functools import lru_cache
from typing import Any

import numpy as np

from ...models.reading import Tokens

__all__ = ["NAN", "SCORES", "Heads", "bundle", "decode", "encode", "rollout"]

LEVELS, NAN = 254, 255
SCORES = ("entropy", "previous", "first", "induction")
_THUMB = 24                                     # pixels a side
_SINK = 0.005                                   # of a row: more than half precision loses by rounding


def encode(weights: np.ndarray) -> np.ndarray:
    """Weights in [0, 1] -> one byte each."""
    with np.errstate(invalid="ignore"):
        codes = np.rint(LEVELS * np.sqrt(np.clip(weights, 0, 1)))
    return np.where(np.isnan(codes), NAN, codes).astype(np.uint8)


def decode(codes: np.ndarray) -> np.ndarray:
    """The weights that a browser reads from `encode`'s bytes."""
    return np.where(codes == NAN, np.nan, (codes.astype(np.float32) / LEVELS) ** 2)


class Heads:
    """Every head of one kind of attention ("self", "encoder", "decoder", "cross") of one forward pass."""

    def __init__(self, query: Tokens, key: Tokens, part: str = "self", kv_heads: int | None = None, causal: bool | None = None) -> None:
        self.query, self.key, self.part, self.kv_heads, self.causal = query, key, part, kv_heads, causal
        self.packed: list[np.ndarray] = []      # one float32 [H, N] a layer; N = T(T+1)/2 if causal else T S
        self.norms: list[np.ndarray | None] = []        # one [H, S] a layer, None where it is not known
        self._sink: list[np.ndarray] = []       # one [H] a layer
        self._scores: list[np.ndarray] = []     # one [4, H] a layer
        self._apart: list[np.ndarray] = []      # one [H] a layer: see `telling`
        self._thumbs: list[np.ndarray] = []     # one uint8 [H, n] a layer
        self._rollout: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self.packed)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(L, H, T, S)"""
        return len(self.packed), len(self.packed[0]), len(self.query), len(self.key)

    def add(self, weights: np.ndarray, norms: np.ndarray | None = None) -> None:
        """Keep one layer. weights: [H, T, S]; norms: [H, S]"""
        T, S = weights.shape[1:]
        if self.causal is None:
            self.causal = T == S and T > 1 and not np.triu(weights, 1).any()       # NaN counts as something: it is kept
        weights = weights.astype(np.float32, copy=False)
        self.packed.append(self._pack(weights))
        self._scores.append(self._score(weights))
        self._thumbs.append(self._thumb(weights))
        self.norms.append(None if norms is None else norms.astype(np.float32, copy=False))
        self._sink.append(np.maximum(0, 1 - np.nanmean(weights.sum(-1), -1)) if not np.isnan(weights).all() else np.zeros(len(weights)))

    @property
    def valued(self) -> bool:
        """Whether the value norms of every layer are known."""
        return all(norms is not None for norms in self.norms)

    def sink(self) -> np.ndarray | None:
        """[L, H]: the mean share of a head's rows that went to no token (a learnt sink, a row masked away); None if none did."""
        sink = np.nan_to_num(np.stack(self._sink))
        return sink if sink.max() > _SINK else None

    def weights(self, layer: int, head: int) -> np.ndarray:
        """The exact weights of one head, [T, S]."""
        return self._unpack(self.packed[layer][head])

    def picture(self, layer: int, head: int, mode: str = "plain") -> np.ndarray:
        """What is drawn, packed and exact, [N]: the "plain" weights, "value"-weighted, or the "rollout" up to this layer.

        ValueError for a mode that these heads do not have.
        """
        if mode == "plain":
            return self.packed[layer][head]
        if mode == "rollout":
            if not self._rollout:
                self._rollout = [self._pack(matrix[None])[0] for matrix in rollout(self)]
            return self._rollout[layer]
        if mode != "value" or not self.valued:
            raise ValueError(f"no picture {mode!r} of these heads / 这些头没有 {mode!r} 这种图")
        weighted = self.weights(layer, head) * self.norms[layer][head]
        total = weighted.sum(-1, keepdims=True)
        return self._pack((weighted / np.where(total == 0, 1, total))[None])[0]

    def line(self, layer: int, head: int, mode: str, query: int, key: int) -> tuple[np.ndarray, np.ndarray]:
        """The exact row of `query`, [S], and the exact column of `key`, [T]."""
        matrix = self._unpack(self.picture(layer, head, mode))
        return matrix[query], matrix[:, key]

    def to_token(self, key: int) -> np.ndarray:
        """Mean attention that each head pays to token `key`, over the queries that may look at it: [L, H]"""
        if not self.causal:
            return np.stack([layer.reshape(len(layer), len(self.query), -1)[:, :, key].mean(1) for layer in self.packed])
        rows = np.arange(key, len(self.query))
        return np.stack([layer[:, rows * (rows + 1) // 2 + key].mean(1) for layer in self.packed])

    def telling(self) -> tuple[int, int]:
        """(layer, head) of the most decided looks at anything but the first token, the token itself and the one before."""
        apart = np.nan_to_num(np.stack(self._apart))
        return tuple(int(i) for i in np.unravel_index(apart.argmax(), apart.shape))

    def scores(self) -> np.ndarray:
        """float32 [4, L, H] in the order of `SCORES`."""
        return np.stack(self._scores, axis=1).astype(np.float32)

    def thumbs(self) -> np.ndarray:
        """uint8 [L, H, n]: packed like the weights, of `thumb_sides`."""
        return np.stack(self._thumbs)

    @property
    def thumb_sides(self) -> tuple[int, int]:
        return min(_THUMB, len(self.query)), min(_THUMB, len(self.key))

    def _pack(self, matrices: np.ndarray) -> np.ndarray:
        if not self.causal:
            return matrices.reshape(len(matrices), -1).copy()
        return matrices.reshape(len(matrices), -1).take(_lower(matrices.shape[1]), axis=1)

    def _unpack(self, packed: np.ndarray) -> np.ndarray:
        T, S = len(self.query), len(self.key)
        if not self.causal:
            return packed.reshape(T, S).copy()
        full = np.zeros(T * S, np.float32)
        full[_lower(T)] = packed
        return full.reshape(T, S)

    def _score(self, weights: np.ndarray) -> np.ndarray:
        H, T, S = weights.shape
        packed = self.packed[-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = packed * np.log2(packed, where=packed != 0, out=np.zeros_like(packed))
        first = weights[:, 1:, 0].mean(-1) if T > 1 else np.full(H, np.nan)
        scores = np.stack([-terms.sum(-1) / T, np.full(H, np.nan), first, np.full(H, np.nan)])
        rest = weights.copy()
        rest[:, :, 0] = 0
        if self.part == "cross" or T < 2:
            self._apart.append(rest.max(-1).mean(-1))
            return scores
        i = np.arange(1, T)
        rest[:, i, i] = rest[:, i, i - 1] = 0
        self._apart.append(rest.max(-1).mean(-1))
        scores[1] = weights[:, i, i - 1].mean(-1)
        now, after = self._copies()
        if len(now):
            rows = np.zeros((H, T), np.float32)
            np.add.at(rows, (slice(None), now), weights[:, now, after])
            scores[3] = rows[:, np.unique(now)].mean(-1)
        return scores

    def _copies(self) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (i, j + 1) where token j < i - 1 is the same ordinary token as token i."""
        same = self.query.ids or self.query.labels
        pairs = [(i, j + 1) for i in range(len(same)) if not self.query.special[i] for j in range(i - 1) if same[j] == same[i]]
        return tuple(np.array(pairs, int).reshape(-1, 2).T)

    def _thumb(self, weights: np.ndarray) -> np.ndarray:
        T, S = weights.shape[1:]
        rows, columns = self.thumb_sides
        small = np.maximum.reduceat(weights, np.arange(rows) * T // rows, axis=1)
        small = np.maximum.reduceat(small, np.arange(columns) * S // columns, axis=2)
        return encode(self._pack(small))


@lru_cache(maxsize=4)                           # the thumbnails' size and that of a text or two
def _lower(n: int) -> np.ndarray:
    """Flat places of the lower triangle of an n x n matrix, row by row."""
    rows, columns = np.tril_indices(n)
    return rows * n + columns


def rollout(heads: Heads) -> list[np.ndarray]:
    """Attention rollout up to each layer, [T, S] each: half attention (mean over heads), half residual (Abnar & Zuidema 2020, 2005.00928)."""
    L, H, T, S = heads.shape
    if T != S:
        raise ValueError("rollout needs self-attention")
    total, found = np.eye(T, dtype=np.float32), []
    for layer in heads.packed:
        total = (0.5 * heads._unpack(layer.mean(0)) + 0.5 * np.eye(T, dtype=np.float32)) @ total
        found.append(total)
    return found


def bundle(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[str, bytes]:
    """(JSON of `meta` plus the place of each array, zlib-compressed bytes): the one format for notebook and file."""
    sections, blocks, offset = {}, [], 0
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):       # wide types first: all stay aligned
        sections[name] = {"offset": offset, "type": array.dtype.name, "shape": list(array.shape)}
        blocks.append(np.ascontiguousarray(array).tobytes())
        offset += len(blocks[-1])
    return json.dumps({**meta, "sections": sections, "bytes": offset}, ensure_ascii=False), zlib.compress(b"".join(blocks))
