"""Every head of one pass, packed: the exact float32 of each weight that can be other than zero."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..models.reading import Tokens
from .scores import apart, rollout, scores_of

__all__ = ["Heads"]

_SINK = 0.005  # of a row: more than half precision loses by rounding


class Heads:
    """Every head of one kind of attention ("self", "encoder", "decoder", "cross") of one forward pass."""

    def __init__(
        self,
        query: Tokens,
        key: Tokens,
        part: str = "self",
        kv_heads: int | None = None,
        causal: bool | None = None,
    ) -> None:
        self.query, self.key, self.part, self.kv_heads, self.causal = query, key, part, kv_heads, causal
        self.packed: list[np.ndarray] = []  # one float32 [H, N] a layer; N = T(T+1)/2 if causal else T S
        self.norms: list[np.ndarray | None] = []  # one [H, S] a layer, None where it is not known
        self._sink: list[np.ndarray] = []  # one [H] a layer
        self._scores: list[np.ndarray] = []  # one [4, H] a layer
        self._apart: list[np.ndarray] = []  # one [H] a layer: see `telling`
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
            # NaN counts as something: it is kept
            self.causal = T == S and T > 1 and not np.triu(weights, 1).any()
        weights = weights.astype(np.float32, copy=False)
        self.packed.append(self.pack(weights))
        cross = self.part == "cross"
        self._scores.append(scores_of(weights, self.packed[-1], self.query, cross))
        self._apart.append(apart(weights, cross))
        self.norms.append(None if norms is None else norms.astype(np.float32, copy=False))
        self._sink.append(
            np.maximum(0, 1 - np.nanmean(weights.sum(-1), -1))
            if not np.isnan(weights).all()
            else np.zeros(len(weights))
        )

    @property
    def valued(self) -> bool:
        """Whether the value norms of every layer are known."""
        return all(norms is not None for norms in self.norms)

    def sink(self) -> np.ndarray | None:
        """[L, H]: the mean share of a head's rows that went to no token (a learnt sink, a row masked away);
        None if none did."""
        sink = np.nan_to_num(np.stack(self._sink))
        return sink if sink.max() > _SINK else None

    def weights(self, layer: int, head: int) -> np.ndarray:
        """The exact weights of one head, [T, S]."""
        return self.unpack(self.packed[layer][head])

    def picture(self, layer: int, head: int, mode: str = "plain") -> np.ndarray:
        """What is drawn, packed and exact, [N]: the "plain" weights, "value"-weighted, or the "rollout" up to
        this layer.

        ValueError for a mode that these heads do not have.
        """
        if mode == "plain":
            return self.packed[layer][head]
        if mode == "rollout":
            if not self._rollout:
                self._rollout = [
                    self.pack(matrix[None])[0] for matrix in rollout(map(self.mean, range(len(self))))
                ]
            return self._rollout[layer]
        if mode != "value" or not self.valued:
            raise ValueError(f"no picture {mode!r} of these heads / 这些头没有 {mode!r} 这种图")
        weighted = self.weights(layer, head) * self.norms[layer][head]
        total = weighted.sum(-1, keepdims=True)
        return self.pack((weighted / np.where(total == 0, 1, total))[None])[0]

    def mean(self, layer: int) -> np.ndarray:
        """The mean of a layer's heads, [T, S]."""
        return self.unpack(self.packed[layer].mean(0))

    def line(self, layer: int, head: int, mode: str, query: int, key: int) -> tuple[np.ndarray, np.ndarray]:
        """The exact row of `query`, [S], and the exact column of `key`, [T]."""
        matrix = self.unpack(self.picture(layer, head, mode))
        return matrix[query], matrix[:, key]

    def to_token(self, key: int) -> np.ndarray:
        """Mean attention that each head pays to token `key`, over the queries that may look at it: [L, H]"""
        if not self.causal:
            return np.stack(
                [layer.reshape(len(layer), len(self.query), -1)[:, :, key].mean(1) for layer in self.packed]
            )
        rows = np.arange(key, len(self.query))
        return np.stack([layer[:, rows * (rows + 1) // 2 + key].mean(1) for layer in self.packed])

    def telling(self) -> tuple[int, int]:
        """(layer, head) of the most decided looks at anything but the first token, the token itself and the
        one before."""
        strongest = np.nan_to_num(np.stack(self._apart))
        layer, head = np.unravel_index(strongest.argmax(), strongest.shape)
        return int(layer), int(head)

    def scores(self) -> np.ndarray:
        """float32 [4, L, H] in the order of `SCORES`."""
        return np.stack(self._scores, axis=1).astype(np.float32)

    def pack(self, matrices: np.ndarray) -> np.ndarray:
        """[H, T, S] (or smaller squares of the same kind) -> [H, N]"""
        if not self.causal:
            return matrices.reshape(len(matrices), -1).copy()
        return matrices.reshape(len(matrices), -1).take(_lower(matrices.shape[1]), axis=1)

    def unpack(self, packed: np.ndarray) -> np.ndarray:
        """[..., N] -> [..., T, S]"""
        T, S = len(self.query), len(self.key)
        if not self.causal:
            return packed.reshape(*packed.shape[:-1], T, S).copy()
        full = np.zeros((*packed.shape[:-1], T * S), np.float32)
        full[..., _lower(T)] = packed
        return full.reshape(*packed.shape[:-1], T, S)


@lru_cache(maxsize=4)  # the thumbnails' size and that of a text or two
def _lower(n: int) -> np.ndarray:
    """Flat places of the lower triangle of an n x n matrix, row by row."""
    rows, columns = np.tril_indices(n)
    return rows * n + columns
