"""Constrained decoding: the model writes, but only one of the texts that are allowed.

    i = pick(model, tokenizer(prompt).input_ids, [tokenizer(text + "\\n").input_ids for text in legal])

Token by token, every token with which no legal text goes on is masked; the likeliest of the others is
written.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .reader import Reader, writer_of
from .strategies import GenerationError

__all__ = ["pick"]


def pick(model, ids: Sequence[int], options: Sequence[Sequence[int]]) -> int:
    """The number of the option that greedy decoding after the prompt `ids` writes when nothing but the
    options is allowed.

    model: any that `generate` takes.
    options: lists of token ids, different from each other. None may be the beginning of another, or the model
    could not say that it
    is done: end each with the same token, a line break for instance. Raises ValueError if one is, or if there
    are none.
    """
    rows = [list(option) for option in options]
    order = sorted(rows)
    if (
        not order
        or not order[0]
        or any(after[: len(before)] == before for before, after in zip(order, order[1:]))
    ):
        raise GenerationError(
            zh="选项不能为空，也不能有一个是另一个的开头：在每个末尾加同一个词元",
            en="options must not be empty, and none may begin another: end each with the same token",
        )
    left, depth = list(range(len(rows))), 0
    model = writer_of(model)
    with model.evaluating(), torch.inference_mode():
        reader = Reader(model, torch.tensor([list(ids)], device=model.device), None, cache=True)
        while len(left) > 1:
            allowed = sorted({rows[i][depth] for i in left})
            token = allowed[0]
            if len(allowed) > 1:  # a forced token needs no forward pass of its own
                token = allowed[int(reader.logits()[0, allowed].argmax())]
            reader.append(torch.tensor([token], device=reader.ids.device))
            left = [i for i in left if rows[i][depth] == token]
            depth += 1
    return left[0]
