"""When a text is over."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Ending"]


class Ending:
    """An end-of-sequence token, or a stop string in what was written, ends it."""

    def __init__(self, eos: tuple[int, ...], stop: tuple[str, ...], decode: Callable[[list[int]], str] | None):
        self.eos, self.stop, self.decode = eos, stop, decode
        self.possible = bool(eos or stop)
        self.window = 4 * max(map(len, stop), default=0) + 8     # a character has at most 4 byte tokens

    def reached(self, written: Tensor) -> Tensor:
        """written long [B,n], the last column just added -> bool [B]."""
        over = torch.isin(written[:, -1], torch.tensor(self.eos, device=written.device, dtype=written.dtype))
        if self.stop:
            texts = [self.decode(row) for row in written[:, -self.window:].tolist()]
            over |= torch.tensor([any(s in text for s in self.stop) for text in texts], device=written.device)
        return over
