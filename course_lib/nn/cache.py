"""The KV cache: keys and values of tokens already read, so that each new token costs one row and not a whole
sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["KVCache", "LayerCache"]


class KVCache:
    """Keys and values of one attention layer; the room doubles when it is full, so a token costs O(1) copies.

    keys [B,G,S,d] and values [B,G,S,e] are views of what has been stored, S = length.
    """

    def __init__(self):
        self.length = 0
        self._keys = self._values = None

    @property
    def keys(self) -> Tensor:
        return self._keys.narrow(2, 0, self.length)

    @property
    def values(self) -> Tensor:
        return self._values.narrow(2, 0, self.length)

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append keys [B,G,T,d] and values [B,G,T,e]; returns all of them, [B,G,S,d] and [B,G,S,e]."""
        start, self.length = self.length, self.length + keys.shape[2]
        if self._keys is None or self.length > self._keys.shape[2]:
            self._keys, self._values = (
                self._grown(self._keys, keys, start),
                self._grown(self._values, values, start),
            )
        self._keys.narrow(2, start, keys.shape[2]).copy_(keys)
        self._values.narrow(2, start, keys.shape[2]).copy_(values)
        return self.keys, self.values

    def _grown(self, old: Tensor | None, new: Tensor, start: int) -> Tensor:
        B, G, _, d = new.shape
        room = new.new_empty(B, G, max(2 * self.length, 64), d)
        if old is not None:
            room[:, :, :start] = old[:, :, :start]
        return room

    def crop(self, length: int) -> None:
        """Forget all but the first `length` positions."""
        self.length = min(self.length, length)

    def select(self, rows: Tensor) -> None:
        """Keep these rows of the batch, in this order and as often as named (beam search): rows long [B']."""
        if self.length:
            self._keys, self._values = self._keys[rows], self._values[rows]


class LayerCache(NamedTuple):
    """The caches of one block."""

    own: KVCache  # of its self-attention: grows by each token read
    cross: KVCache  # of its cross-attention, if it has one: the memory's keys and values, filled once
