"""AdamW with the usual decay groups, Muon beside it, and the usual schedule: a straight warm-up, then half a
cosine."""

from __future__ import annotations

import math
from contextlib import nullcontext

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from .history import TrainingError

__all__ = ["learning_rate", "optimizers"]


def optimizers(
    model: nn.Module, kind: str, lr: float, betas: tuple[float, float], weight_decay: float
) -> dict[str, torch.optim.Optimizer]:
    """The optimisers of one run, by their names in a checkpoint. kind: "adamw" for AdamW alone, "muon" for
    Muon with AdamW.

    Muon (Jordan 2024) takes the matrices of the hidden layers: trained weights with two axes, but no
    embedding, and not the last linear layer, which is the output. All else is AdamW's (Loshchilov & Hutter
    2019). Matrices and embeddings decay; biases and norms, which have one axis, do not. Muon's updates are
    scaled to AdamW's usual size, so that both have one rate (Liu et al. 2025, arXiv:2502.16982).
    TrainingError: another kind; a model that has no such matrices to train.
    """
    if kind not in ("adamw", "muon"):
        raise TrainingError(
            zh='optimizer 要写 "adamw" 或 "muon"，不是 {kind!r}',
            en='optimizer is "adamw" or "muon", not {kind!r}',
            kind=kind,
        )
    trained, hidden = [p for p in model.parameters() if p.requires_grad], []
    if kind == "muon":
        linear = [module.weight for module in model.modules() if isinstance(module, nn.Linear)]
        outer = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)} | {
            id(weight) for weight in linear[-1:]
        }
        hidden = [p for p in trained if p.dim() == 2 and id(p) not in outer]
        if not hidden:
            raise TrainingError(
                zh='模型的隐藏层没有可训练的矩阵，Muon 用不上：请用 optimizer="adamw"',
                en="the hidden layers have no matrices to train, so that Muon has nothing to do: "
                'use optimizer="adamw"',
            )
    taken = {id(p) for p in hidden}
    rest = [p for p in trained if id(p) not in taken]
    groups = [
        {"params": [p for p in rest if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for p in rest if p.dim() < 2], "weight_decay": 0.0},
    ]
    made: dict[str, torch.optim.Optimizer] = {}
    if rest:  # fused: all in one pass over memory; it exists on cpu, cuda and mps
        made["optimizer"] = torch.optim.AdamW(
            [g for g in groups if g["params"]], lr=lr, betas=betas, fused=True
        )
    if hidden:
        made["muon"] = _Muon(hidden, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
    return made


class _Muon(torch.optim.Muon):
    """torch's, but on a CPU it orthogonalises in float32: bfloat16 is up to 20 times as slow on one that
    lacks its instructions."""

    def step(self, closure=None):
        with _Float32() if self.param_groups[0]["params"][0].device.type == "cpu" else nullcontext():
            return super().step(closure)


class _Float32(TorchFunctionMode):
    """Inside, `tensor.bfloat16()` is a copy in the type that the tensor has."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        return args[0].clone() if function is torch.Tensor.bfloat16 else function(*args, **(kwargs or {}))


def learning_rate(step: int, steps: int, peak: float, lowest: float, warmup: int) -> float:
    """The rate of a 0-based step: peak * (step + 1) / warmup, then a half cosine that would reach `lowest` at
    `steps`."""
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return lowest + 0.5 * (peak - lowest) * (1 + math.cos(math.pi * progress))
