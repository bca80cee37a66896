"""Text while it is being written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TextStream"]


class TextStream:
    """Pass it to `generate` as `stream`: it writes the first row's text as it grows.

    A Chinese character can take several byte-level tokens; nothing is written until the character is whole.
    """

    def __init__(self, decode: Callable[[list[int]], str], write: Callable[[str], object] = sys.stdout.write):
        self.decode, self.write, self.ids, self.text = decode, write, [], ""

    def __call__(self, tokens: Tensor) -> None:
        self.ids.append(int(tokens[0]))
        text = self.decode(self.ids)
        if not text.endswith("\N{REPLACEMENT CHARACTER}"):
            self.write(text[len(self.text) :])
            self.text = text
