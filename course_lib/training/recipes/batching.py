"""Batches for the recipes. Every batch has the same shape: on a CPU the kernels for a new shape are compiled
anew,
which was measured to cost two fifths of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Shelves", "Stream", "pack", "pad", "windows"]


class Stream:
    """An endless stream of batches: make(number, generator) gives the number-th, the same for the same seed.

    `fit` skips the batches of an earlier, interrupted run, so that the next one is exactly the next one.
    """

    def __init__(self, make: Callable[[int, torch.Generator], Any], seed: int = 0):
        self.make, self.seed = make, seed

    def __iter__(self) -> Iterator[Any]:
        number = 0
        while True:
            yield self.make(number, torch.Generator().manual_seed(self.seed * 1_000_003 + number))
            number += 1


def pack(documents: Iterable[Sequence[int]], seed: int = 0) -> Tensor:
    """All documents, shuffled, one after the other: long [N]."""
    documents = list(documents)
    order = torch.randperm(len(documents), generator=torch.Generator().manual_seed(seed)).tolist()
    return torch.cat([torch.tensor(documents[i]) for i in order])


def windows(ids: Tensor, size: int, length: int, generator: torch.Generator) -> Tensor:
    """`size` random pieces of `length` tokens: long [size, length]."""
    starts = torch.randint(len(ids) - length + 1, (size,), generator=generator)
    return ids[starts[:, None] + torch.arange(length)]


def pad(rows: Iterable[Sequence[int]], length: int, value: int) -> Tensor:
    """Rows as one long tensor [B, length], filled up with `value`."""
    return torch.tensor([[*row, *[value] * (length - len(row))] for row in rows])


class Shelves:
    """Rows sorted by length, rounded up to a multiple: few shapes, little padding. A batch comes from one
    shelf."""

    def __init__(self, lengths: Sequence[int], multiple: int):
        self.rows: dict[int, list[int]] = {}
        for i, length in enumerate(lengths):
            self.rows.setdefault(-(-length // multiple) * multiple, []).append(i)
        self.weights = torch.tensor([float(len(rows)) for rows in self.rows.values()])

    def draw(self, size: int, generator: torch.Generator) -> tuple[int, list[int]]:
        """A shelf's length, each shelf as likely as it is full, and `size` random rows of it."""
        length = list(self.rows)[int(torch.multinomial(self.weights, 1, generator=generator))]
        rows = self.rows[length]
        return length, [rows[i] for i in torch.randint(len(rows), (size,), generator=generator).tolist()]
