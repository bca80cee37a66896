"""How the next token is chosen from the logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..errors import CourseError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Beam", "GenerationError", "Greedy", "Sample", "generator_of", "penalised", "require"]


class GenerationError(CourseError, ValueError):
    """A prompt or a setting that no text can be written with."""


@dataclass(frozen=True)
class Greedy:
    """The likeliest token, every time. repetition_penalty > 1 makes those that occurred, in the prompt too,
    less likely (Keskar et al. 2019, arXiv:1909.05858)."""

    repetition_penalty: float = 1.0

    def __post_init__(self):
        require(self.repetition_penalty > 0, "repetition_penalty", "> 0", self.repetition_penalty)

    def choose(self, logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """logits [B,V] -> ids [B]."""
        return logits.argmax(dim=-1)

    def probabilities(self, logits: Tensor) -> Tensor:
        """logits [B,V] -> all on the likeliest, [B,V]."""
        return torch.nn.functional.one_hot(logits.argmax(dim=-1), logits.shape[-1]).float()


@dataclass(frozen=True)
class Sample:
    """Draw from the distribution, flattened or sharpened by `temperature`, cut to the `top_k` likeliest
    tokens (Fan et al. 2018), to the fewest that hold the probability `top_p` (Holtzman et al. 2020) and to
    those that have at least `min_p` times the probability of the likeliest (Nguyen et al. 2024,
    arXiv:2407.01082), in this order; before all that, `repetition_penalty` as in Greedy. The same `seed`
    draws the same text."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None
    min_p: float | None = None
    repetition_penalty: float = 1.0

    def __post_init__(self):
        require(self.temperature > 0, "temperature", "> 0", self.temperature)
        require(self.top_k is None or self.top_k >= 1, "top_k", ">= 1", self.top_k)
        require(self.top_p is None or 0 < self.top_p <= 1, "top_p", "0 < top_p <= 1", self.top_p)
        require(self.min_p is None or 0 <= self.min_p <= 1, "min_p", "0 <= min_p <= 1", self.min_p)
        require(self.repetition_penalty > 0, "repetition_penalty", "> 0", self.repetition_penalty)

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
            before = ordered.cumsum(dim=-1) - ordered  # probability of all likelier tokens
            logits = logits.masked_fill(
                (before >= self.top_p).scatter(-1, order, before >= self.top_p), -torch.inf
            )
        if self.min_p:
            p = logits.softmax(dim=-1)
            logits = logits.masked_fill(p < self.min_p * p.amax(dim=-1, keepdim=True), -torch.inf)
        return logits.softmax(dim=-1)


@dataclass(frozen=True)
class Beam:
    """Keep the `width` likeliest beginnings. A finished text is scored log-probability / length **
    length_penalty, where
    length counts the new tokens: 0 favours short texts, 1 compares means. The search ends when no beginning
    can still beat the worst of `width` finished texts (early_stopping: as soon as there are so many)."""

    width: int = 4
    length_penalty: float = 1.0
    early_stopping: bool = False

    def __post_init__(self):
        require(self.width >= 1, "width", ">= 1", self.width)


def penalised(strategy, logits: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    """logits [B,V] with the strategy's penalty, if it has one, on what stands in ids [B,T] (where mask [B,T]
    is True): a positive one is divided by it, a negative one multiplied."""
    penalty, V = getattr(strategy, "repetition_penalty", 1.0), logits.shape[-1]
    if penalty == 1:
        return logits
    # padding is put into column V
    seen = torch.zeros(len(logits), V + 1, dtype=torch.bool, device=logits.device)
    seen = seen.scatter(1, ids if mask is None else ids.masked_fill(~mask, V), True)[:, :V]
    return torch.where(seen, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


def generator_of(strategy, device: torch.device) -> torch.Generator | None:
    """What draws the numbers of the strategy's seed; None without one: torch's own."""
    seed = getattr(strategy, "seed", None)
    return None if seed is None else torch.Generator(device).manual_seed(seed)


def require(true: bool, name: str, rule: str, value) -> None:
    """GenerationError unless a setting is as it should be."""
    if not true:
        raise GenerationError(
            zh="{name} 应满足 {rule}，而不是 {value}",
            en="{name} must satisfy {rule}, not {value}",
            name=name,
            rule=rule,
            value=value,
        )
