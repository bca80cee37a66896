"""AdamW with the usual decay groups, and the usual schedule: a straight warm-up, then half a cosine."""
from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn

__all__ = ["adamw", "learning_rate"]


def adamw(model: nn.Module, lr: float, betas: tuple[float, float], weight_decay: float) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019). Matrices and embeddings decay; biases and norms, which have one axis, do not.

    The fused kernel updates all in one pass over memory; it exists on cpu, cuda and mps.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": [p for p in trained if p.dim() >= 2], "weight_decay": weight_decay},
              {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0}]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=lr, betas=betas, fused=True)


def learning_rate(step: int, steps: int, peak: float, lowest: float, warmup: int) -> float:
    """The rate of a 0-based step: peak * (step + 1) / warmup, then a half cosine that would reach `lowest` at `steps`."""
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return lowest + 0.5 * (peak - lowest) * (1 + math.cos(math.pi * progress))
