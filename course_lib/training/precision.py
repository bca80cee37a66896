"""The arithmetic of a run. bfloat16 where it is faster, by trial: a fast matrix product does not promise a fast training step."""
from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch

from ..device import choose
from ..i18n import L
from .history import TrainingError
from .onednn import OneDNN

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["arithmetic", "fastest"]


def arithmetic(device: torch.device, precision: str, onednn: bool) -> AbstractContextManager:
    """What a forward pass runs in: autocast for "bfloat16", for "float32" the kernels of PyTorch or of oneDNN."""
    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16)
    return OneDNN() if onednn else nullcontext()


def fastest(loss: Callable[[], Tensor], model: nn.Module, device: torch.device, precision: str, onednn: bool = False, repeats: int = 3) -> str:
    """The precision to train in, "float32" or "bfloat16". With "auto" forward and backward are timed in both, in turns, and
    bfloat16 must be a tenth faster; where its matrix product alone is no faster, the trial is spared."""
    if precision in ("float32", "bfloat16"):
        return precision
    if precision != "auto":
        raise TrainingError(L(zh='precision 只能是 "auto"、"float32" 或 "bfloat16"，不能是 {p!r}',
                               en='precision must be "auto", "float32" or "bfloat16", not {p!r}').format(p=precision))
    if choose().dtype != torch.bfloat16:
        return "float32"
    seconds: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    for _ in range(repeats + 1):
        for name, taken in seconds.items():
            start = time.perf_counter()
            with arithmetic(device, name, onednn):
                value = loss()
                value.backward()
            value.item()                                # waits for a GPU
            taken.append(time.perf_counter() - start)
    model.zero_grad(set_to_none=True)
    return "bfloat16" if min(seconds["bfloat16"][1:]) * 1.1 < min(seconds["float32"][1:]) else "float32"
