"""Byte-pair encoding learnt fast: after a merge only the words that held the pair are counted again.

    train_bpe({"low": 5, "lower": 2}, 2)        # [("l", "o"), ("lo", "w")]

Sennrich, Haddow and Birch 2016 (arXiv:1508.07909); a trainer that recounts everything in each round learns
the same merges.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

__all__ = ["train_bpe"]

Pair = tuple[str, str]


def train_bpe(words: Mapping[str, int], n_merges: int) -> list[Pair]:
    """The first `n_merges` merges (left, right), first learnt first, of words with their counts; fewer where
    no pair is left.

    Pairs are counted within words, without overlap (aaa holds (a, a) once); of pairs that tie the smallest
    tuple is merged.
    """
    parts = {word: list(word) for word in words}
    counts: Counter[Pair] = Counter()
    homes = defaultdict(set)  # pair -> words that hold it, or did

    def count(word: str, sign: int) -> None:
        for pair in _pairs(parts[word]):
            counts[pair] += sign * words[word]
            homes[pair].add(word)

    for word in words:
        count(word, 1)
    merges: list[Pair] = []
    while len(merges) < n_merges and (most := max(counts.values(), default=0)):
        best = min(pair for pair, n in counts.items() if n == most)
        merges.append(best)
        for word in list(homes[best]):
            count(word, -1)
            parts[word] = _joined(parts[word], best)
            count(word, 1)
    return merges


def _pairs(symbols: list[str]) -> Iterator[Pair]:
    before = None
    for pair in zip(symbols, symbols[1:]):
        before = None if pair == before else pair
        if before:
            yield pair


def _joined(symbols: list[str], pair: Pair) -> list[str]:
    out: list[str] = []
    for symbol in symbols:
        if out and (out[-1], symbol) == pair:
            out[-1] += symbol
        else:
            out.append(symbol)
    return out
