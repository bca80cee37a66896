"""What a head's weights amount to in one number, and attention across layers; all from arrays.

The scores (arXiv numbers): entropy in bits; attention to the previous token; to the first token ("sink",
2309.17453); induction, "to the token after an earlier copy of this one" (2209.11895, "prefix matching"). NaN:
it has no meaning.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..models.reading import Tokens

__all__ = ["SCORES", "apart", "entropy", "induction", "rollout", "scores_of", "to_first", "to_previous"]

SCORES = ("entropy", "previous", "first", "induction")


def entropy(weights: np.ndarray, queries: int) -> np.ndarray:
    """[H, ...], all weights of each head that are not zero, in any order -> bits a query, the mean: [H]"""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = weights * np.log2(weights, where=weights != 0, out=np.zeros_like(weights))
    return -terms.reshape(len(weights), -1).sum(-1) / queries


def to_previous(weights: np.ndarray) -> np.ndarray:
    """[H, T, T], T > 1 -> mean attention to the token before: [H]"""
    i = np.arange(1, weights.shape[1])
    return weights[:, i, i - 1].mean(-1)


def to_first(weights: np.ndarray) -> np.ndarray:
    """[H, T, S], T > 1 -> mean attention to the first token, of all queries but the first: [H]"""
    return weights[:, 1:, 0].mean(-1)


def induction(weights: np.ndarray, tokens: Tokens) -> np.ndarray:
    """[H, T, T] -> mean attention to what came after earlier copies of a token, of the tokens that have such:
    [H]"""
    same = tokens.ids or tokens.labels
    pairs = [
        (i, j + 1)
        for i in range(len(same))
        if not tokens.special[i]
        for j in range(i - 1)
        if same[j] == same[i]
    ]
    if not pairs:
        return np.full(len(weights), np.nan)
    now, after = np.array(pairs).T
    rows = np.zeros(weights.shape[:2], np.float32)
    np.add.at(rows.T, now, weights[:, now, after].T)
    return rows[:, np.unique(now)].mean(-1)


def scores_of(weights: np.ndarray, packed: np.ndarray, tokens: Tokens, cross: bool) -> np.ndarray:
    """The four of one layer, [4, H], in the order of `SCORES`. weights [H, T, S]; packed: without zeros that
    must be."""
    H, T, _ = weights.shape
    none = np.full(H, np.nan)
    own = T > 1 and not cross
    return np.stack(
        [
            entropy(packed, T),
            to_previous(weights) if own else none,
            to_first(weights) if T > 1 else none,
            induction(weights, tokens) if own else none,
        ]
    )


def apart(weights: np.ndarray, cross: bool) -> np.ndarray:
    """[H, T, S] -> the strongest look at anything but the first token, the token itself and the one before,
    the mean
    over queries: [H]"""
    rest = weights.copy()
    rest[:, :, 0] = 0
    if not cross:
        i = np.arange(1, weights.shape[1])
        rest[:, i, i] = rest[:, i, i - 1] = 0
    return rest.max(-1).mean(-1)


def rollout(layers: Iterable[np.ndarray]) -> list[np.ndarray]:
    """The mean head of each layer, [T, T] -> attention rollout up to each layer, [T, T]: half attention, half
    residual (Abnar & Zuidema 2020, 2005.00928). ValueError where a text attends to another one."""
    found: list[np.ndarray] = []
    for layer in layers:
        if layer.shape[0] != layer.shape[1]:
            raise ValueError("rollout needs self-attention / rollout 只用于自注意力")
        same = np.eye(len(layer), dtype=np.float32)
        found.append((0.5 * layer + 0.5 * same) @ (found[-1] if found else same))
    return found
