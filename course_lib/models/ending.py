"""When a text is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from .failure import ModelError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Ending"]


class Ending:
    """An end-of-sequence token, or a stop string in what was written, ends it; a stop string may begin and
    end within a token.

    stop: a string or several; decode: list of ids -> str, which they need. ModelError without it, and for an
    empty string.
    """

    def __init__(
        self, eos: tuple[int, ...], stop: str | Sequence[str], decode: Callable[[list[int]], str] | None
    ):
        self.eos, self.stop, self.decode = eos, (stop,) if isinstance(stop, str) else tuple(stop), decode
        if not all(isinstance(s, str) and s for s in self.stop):
            raise ModelError(
                zh='stop 应是不空的字符串，例如 stop=["\\n"]，而不是 {stop!r}',
                en='stop must be strings that are not empty, for example stop=["\\n"], not {stop!r}',
                stop=stop,
            )
        if self.stop and decode is None:
            raise ModelError(
                zh="stop 要把词元变成文本：请传入 cl.load(…) 的结果，或加上 decode=tokenizer.decode",
                en="stop is looked for in text: give what cl.load(…) returned, or add "
                "decode=tokenizer.decode",
            )
        self.possible = bool(eos or self.stop)
        self.window = 4 * max(map(len, self.stop), default=0) + 8  # a character has at most 4 byte tokens

    def reached(self, written: Tensor) -> Tensor:
        """written long [B,n], the last column just added -> bool [B]."""
        over = torch.isin(written[:, -1], torch.tensor(self.eos, device=written.device, dtype=written.dtype))
        if self.stop:
            texts = [self.decode(row) for row in written[:, -self.window :].tolist()]
            over |= torch.tensor([any(s in text for s in self.stop) for text in texts], device=written.device)
        return over

    def cut(self, text: str) -> str:
        """What stands before the first stop string."""
        return text[: min((text.index(s) for s in self.stop if s in text), default=len(text))]
