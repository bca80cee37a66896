"""The arithmetic of a run, by trial: a fast matrix product does not promise a fast training step.

A trial costs `PASSES` forward and backward passes for each way that could be taken, and is made only where
that is at most `SHARE`
of the run: from 160 steps on for two ways, from 240 for three. What it found holds for the process, for runs
of a model and a batch of about the same size, the short ones too. A short run that nothing is known about
takes PyTorch's own float32.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

import torch

from ..device import choose
from .history import TrainingError
from .onednn import OneDNN, available

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Arithmetic", "fastest"]

PASSES = 4  # one to warm up, three that count
SHARE = 0.05
_found: dict[tuple, Arithmetic] = {}


class Arithmetic(NamedTuple):
    """precision: "float32" or "bfloat16" (autocast); onednn: float32 products on a CPU by oneDNN instead of
    MKL."""

    precision: str = "float32"
    onednn: bool = False

    def context(self, device: torch.device) -> AbstractContextManager:
        """What a forward pass runs in."""
        if self.precision == "bfloat16":
            return torch.autocast(device.type, torch.bfloat16)
        return OneDNN() if self.onednn else nullcontext()


def fastest(
    loss: Callable[[], Tensor],
    model: nn.Module,
    device: torch.device,
    precision: str,
    *,
    tokens: int,
    steps: int,
    compiled: bool = False,
) -> Arithmetic:
    """The arithmetic for `steps` steps of about `tokens` tokens each; `loss` is one forward pass.

    precision: "float32" (by PyTorch's kernels or oneDNN's), "bfloat16", or "auto": whatever is faster.
    Another way than PyTorch's float32 must be a tenth faster; bfloat16 is tried only where its matrix product
    alone is faster, oneDNN only on a CPU and not on a compiled model, which has its own kernels.
    TrainingError: any other precision.
    """
    if precision not in ("float32", "bfloat16", "auto"):
        raise TrainingError(
            zh='precision 只能是 "auto"、"float32" 或 "bfloat16"，不能是 {p!r}',
            en='precision must be "auto", "float32" or "bfloat16", not {p!r}',
            p=precision,
        )
    ways = [Arithmetic("bfloat16" if precision == "bfloat16" else "float32")]
    if precision != "bfloat16" and device.type == "cpu" and not compiled and available():
        ways.append(Arithmetic(onednn=True))
    if precision == "auto" and choose().dtype == torch.bfloat16:
        ways.append(Arithmetic("bfloat16"))
    key = (
        type(model),
        sum(p.numel() for p in model.parameters()),
        tokens.bit_length(),
        device,
        torch.get_num_threads(),
        compiled,
        *ways,
    )
    if key not in _found:
        if len(ways) == 1 or steps * SHARE < len(ways) * PASSES:
            return ways[0]
        _found[key] = _trial(loss, model, device, ways, steps)
    return _found[key]


def _trial(
    loss: Callable[[], Tensor], model: nn.Module, device: torch.device, ways: list[Arithmetic], steps: int
) -> Arithmetic:
    """Forward and backward each way, in turns; the model's gradients and buffers (running means) are then as
    they were."""
    buffers = [buffer.clone() for buffer in model.buffers()]
    seconds: dict[Arithmetic, list[float]] = {way: [] for way in ways}
    for turn in range(PASSES):
        for way, taken in seconds.items():
            start = time.perf_counter()
            with way.context(device):
                value = loss()
            value.backward()
            value.item()  # waits for a GPU
            taken.append(time.perf_counter() - start)
        # a way that is many times slower must not make the trial dear
        if turn and sum(sum(taken[1:]) for taken in seconds.values()) > SHARE * steps * min(
            seconds[ways[0]][1:]
        ):
            break
    model.zero_grad(set_to_none=True)
    for buffer, before in zip(model.buffers(), buffers):
        buffer.copy_(before)
    best = {way: min(taken[1:]) for way, taken in seconds.items()}
    winner = min(best, key=best.get)
    return winner if best[winner] * 1.1 < best[ways[0]] else ways[0]
