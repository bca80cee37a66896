"""How surprised a model is at each token, and how surprised it expects to be.

loss, expected = surprise(m, ids)           # [B, T-1] each, in nats
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..models.protocol import model_of

__all__ = ["Surprise", "surprise"]


class Surprise(NamedTuple):
    """In nats, [B, T-1]. loss: -ln p of each next token. expected: the entropy of the prediction, which is
    the loss on average where tokens come as the model says."""

    loss: Tensor
    expected: Tensor


@torch.inference_mode()
def surprise(m, ids: Tensor) -> Surprise:
    """ids long [B,T], T > 1, read by any causal model that `model_of` takes, beyond its context too where it
    can; on the CPU."""
    model = model_of(m)
    log_probs = model.logits(ids.to(model.device))[:, :-1].float().log_softmax(-1).cpu()  # (B, T-1, V)
    return Surprise(
        -log_probs.gather(-1, ids[:, 1:, None].cpu())[..., 0], -(log_probs.exp() * log_probs).sum(-1)
    )
