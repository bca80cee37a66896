"""How likely a model finds each of several continuations: what multiple-choice exams of language models are
scored by.

option_log_probs(m, "Question: What do bees make?\\nAnswer:", [" Honey", " Milk"])       # [-2.1, -4.8], in
nats
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from ..models.protocol import model_of
from ..models.reading import encode

if TYPE_CHECKING:
    from ..models.loaded import Loaded

__all__ = ["option_log_probs"]


@torch.inference_mode()
def option_log_probs(m: Loaded, prompt: str, options: Sequence[str]) -> list[float]:
    """ln P(option | prompt) of each option, the sum over its tokens; any causal model with its tokenizer.

    Prompt and options are cut into tokens separately, so that every option continues the same tokens.
    """
    model, start = model_of(m), encode(model_of(m), prompt)["input_ids"][0].tolist()
    ends = [m.tokenizer(option, add_special_tokens=False).input_ids for option in options]
    longest = max(map(len, ends))
    # filled up on the right: nobody sees it
    rows = torch.tensor([start + end + [start[0]] * (longest - len(end)) for end in ends])
    # (N, longest + 1, V)
    log_probs = model.logits(rows.to(model.device))[:, len(start) - 1 :].float().log_softmax(-1).cpu()
    return [sum(log_probs[i, t, token].item() for t, token in enumerate(end)) for i, end in enumerate(ends)]
