"""How the next token is chosen from the logits."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..errors import CourseError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Beam", "GenerationError", "Greedy", "Sample"]


class GenerationError(CourseError, ValueError):
    """A prompt or a setting that no text can be written with."""


@dataclass(frozen=True)
class Greedy:
    """The likeliest token, every time."""

    def choose(self, logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """logits [B,V] -> ids [B]."""
        return logits.argmax(dim=-1)


@dataclass(frozen=True)
class Sample:
    """Draw from the distribution, flattened or sharpened by `temperature`, cut to the `top_k` likeliest tokens (Fan et al.
    2018) and to the fewest that hold the probability `top_p` (Holtzman et al. 2020). The same `seed` draws the same text."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None

    def __post_init__(self):
        _require(self.temperature > 0, "temperature", "> 0", self.temperature)
        _require(self.top_k is None or self.top_k >= 1, "top_k", ">= 1", self.top_k)
        _require(self.top_p is None or 0 < self.top_p <= 1, "top_p", "0 < top_p <= 1", self.top_p)

    def choose(self, logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """logits [B,V] -> ids [B]."""
        return torch.multinomial(self.probabilities(logits), 1, generator=generator)[:, 0]

    def probabilities(self, logits: Tensor) -> Tensor:
        """logits [B,V] -> what is drawn from, [B,V]; each row sums to 1."""
        logits = logits.float() / self.temperature
        if self.top_k is not None:
            least = logits.topk(min(self.top_k, logits.shape[-1]), dim=-1).values[:, -1:]
            logits = logits.masked_fill(logits < least, -torch.inf)
        if self.top_p is not None and self.top_p < 1:
            ordered, order = logits.softmax(dim=-1).sort(dim=-1, descending=True)
            before = ordered.cumsum(dim=-1) - ordered            # probability of all likelier tokens
            logits = logits.masked_fill((before >= self.top_p).scatter(-1, order, before >= self.top_p), -torch.inf)
        return logits.softmax(dim=-1)


@dataclass(frozen=True)
class Beam:
    """Keep the `width` likeliest beginnings. A finished text is scored log-probability / length ** length_penalty, where
    length counts the new tokens: 0 favours short texts, 1 compares means. The search ends when no beginning can still beat
    the worst of `width` finished texts (early_stopping: as soon as there are so many)."""

    width: int = 4
    length_penalty: float = 1.0
    early_stopping: bool = False

    def __post_init__(self):
        _require(self.width >= 1, "width", ">= 1", self.width)


def _require(true: bool, name: str, rule: str, value) -> None:
    if not true:
        raise GenerationError(zh="{name} 应满足 {rule}，而不是 {value}",
                              en="{name} must satisfy {rule}, not {value}", name=name, rule=rule, value=value)
