"""The plain side of the training benchmark: `nn.GPT` in a loop as one writes it down first, in nanoGPT's
manner
(https://github.com/karpathy/nanoGPT): random windows, AdamW, clipping; no other trick."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["plain_step"]


def plain_step(
    model: Callable[[Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    ids: Tensor,
    context: int,
    batch_size: int,
) -> float:
    """One step of the usual loop: draw windows, forward, backward, clip, update. model: ids [B,T] -> logits
    [B,T,V]. Returns the loss."""
    starts = torch.randint(len(ids) - context, (batch_size,))
    x = torch.stack([ids[i : i + context] for i in starts])
    y = torch.stack([ids[i + 1 : i + 1 + context] for i in starts])
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()
