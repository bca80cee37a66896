"""Speculative decoding (Leviathan et al. 2023, arXiv:2211.17192; Chen et al. 2023, arXiv:2302.01318): a small
model drafts some tokens, the large one checks them all in one forward pass. What is written has exactly the
distribution that the large model alone would give.

    draft = cl.Draft(small, tokens=4)
    ids = cl.generate(large, ids, draft=draft)
    draft.acceptance, len(draft.passes)

It pays where drafts are often right, the small model is much quicker, and reading a few tokens costs little
more than reading one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from .reader import writer_of
from .strategies import GenerationError, Greedy, Sample, generator_of, penalised, require

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.ending import Ending
    from ..models.protocol import Model
    from .reader import Reader

__all__ = ["Draft", "drafting_model", "speculate"]


@dataclass
class Draft:
    """Who drafts, and how it went. model: any that `generate` takes, with the vocabulary of the model that
    checks; it drafts `tokens` at a time. passes: of the last text, for each pass of the large model (tokens
    drafted, tokens accepted)."""

    model: Any
    tokens: int = 4
    passes: list[tuple[int, int]] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self):
        require(self.tokens >= 1, "tokens", ">= 1", self.tokens)

    @property
    def acceptance(self) -> float:
        """Leviathan's alpha: accepted tokens as a share of those judged, which end with the first refused;
        nan before any was."""
        judged = sum(min(accepted + 1, drafted) for drafted, accepted in self.passes)
        return sum(accepted for _, accepted in self.passes) / judged if judged else float("nan")


def speculate(
    reader: Reader,
    drafter: Reader,
    draft: Draft,
    strategy: Greedy | Sample,
    max_new_tokens: int,
    ends: Ending,
    stream: Callable[[Tensor], None] | None,
) -> Tensor:
    """Both readers at the same text -> the text and its new tokens, long [1, T + new]."""

    def probabilities(logits: Tensor, ids: Tensor) -> Tensor:  # (1, V)
        return strategy.probabilities(penalised(strategy, logits, ids))

    def draw(weights: Tensor) -> Tensor:  # (1,)
        return torch.multinomial(weights, 1, generator=generator)[:, 0]

    start, device, draft.passes = reader.ids.shape[1], reader.ids.device, []
    generator, goal = generator_of(strategy, device), start + max_new_tokens
    while (length := reader.ids.shape[1]) < goal:
        guesses, accepted = [], 0  # a guess: the distribution that a token was drafted from
        # each pass adds a token of the large model's own
        for _ in range(min(draft.tokens, goal - length - 1)):
            guesses.append(probabilities(drafter.logits(), drafter.ids).to(device))
            token = draw(guesses[-1])
            reader.append(token)
            drafter.append(token)
        logits = reader.last(len(guesses) + 1)  # (1, drafted + 1, V)
        p = probabilities(logits[:, 0], reader.ids[:, :length])
        for q in guesses:
            _same_vocabulary(p.shape[-1], q.shape[-1])
            token = reader.ids[0, length + accepted]
            # accepted with min(1, p / q)
            if torch.rand((), device=device, generator=generator) * q[0, token] >= p[0, token]:
                rest = (p - q).clamp(min=0)  # what q gives too little of
                p = rest if rest.any() else p  # nothing but rounding was left
                break
            accepted += 1
            p = probabilities(logits[:, accepted], reader.ids[:, : length + accepted])
        draft.passes.append((len(guesses), accepted))
        token = draw(p)
        for one in (reader, drafter):  # forget what was refused
            one.crop(length + accepted)
            one.append(token)
        for end in range(length + 1, length + accepted + 2):
            if stream is not None:
                stream(reader.ids[:, end - 1])
            if ends.possible and ends.reached(reader.ids[:, start:end]):
                return reader.ids[:, :end]
    return reader.ids


def drafting_model(draft: Draft, model: Model, strategy, rows: int) -> Model:
    """The model that drafts for `model`; GenerationError if it cannot."""
    if rows > 1 or not hasattr(strategy, "probabilities"):
        raise GenerationError(
            zh="draft 一次只能续写一个提示，策略用 cl.Greedy() 或 cl.Sample(…)，"
            "而不是 {rows} 个提示、{strategy}",
            en="draft takes one prompt at a time and cl.Greedy() or cl.Sample(…), not {rows} and {strategy}",
            rows=rows,
            strategy=type(strategy).__name__,
        )
    small = writer_of(draft.model)
    if small.family != model.family:
        raise GenerationError(
            zh="{small} 不能替 {model} 起草：一个读原文，一个不读",
            en="{small} cannot draft for {model}: one of them reads a source, the other does not",
            small=small.title,
            model=model.title,
        )
    _same_vocabulary(model.vocabulary, small.vocabulary)
    return small


def _same_vocabulary(large: int | None, small: int | None) -> None:
    """By size, where it is known: another vocabulary of the same size drafts badly, and what is written stays
    right."""
    if None not in (large, small) and large != small:
        raise GenerationError(
            zh="draft 的词表要和模型的一样：{large} 个词元，而不是 {small} 个",
            en="draft must have the model's vocabulary: {large} tokens, not {small}",
            large=large,
            small=small,
        )
