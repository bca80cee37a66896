"""bfloat16 where it is faster, by trial: a fast matrix product does not promise a fast training step."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from ..device import choose
from ..i18n import L
from .history import TrainingError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["fastest"]


def fastest(loss: Callable[[], Tensor], model: nn.Module, device: torch.device, precision: str, repeats: int = 3) -> str:
    """The precision to train in, "float32" or "bfloat16". With "auto" forward and backward are timed in both, in turns, and
    bfloat16 must be a tenth faster; where its matrix product alone is no faster, the trial is spared."""
    if precision in ("float32", "bfloat16"):
        return precision
    if precision != "auto":
        raise TrainingError(L(zh='precision 只能是 "auto"、"float32" 或 "bfloat16"，不能是 {p!r}',
                               en='precision must be "auto", "float32" or "bfloat16", not {p!r}').format(p=precision))
    if choose().dtype != torch.bfloat16:
        return "float32"
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(repeats + 1):
        for half in seconds:
            start = time.perf_counter()
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                value = loss()
                value.backward()
            value.item()                                # waits for a GPU
            seconds[half].append(time.perf_counter() - start)
    model.zero_grad(set_to_none=True)
    return "bfloat16" if min(seconds[True][1:]) * 1.1 < min(seconds[False][1:]) else "float32"
