"""float32 matrix products by oneDNN where that is faster than PyTorch's default, MKL.

MKL keeps its widest instructions for one maker's processors; oneDNN, which PyTorch carries as well and uses
for bfloat16, asks only what the processor can do. On one AMD processor with AVX-512 a training step was
measured twice as fast; where MKL is at its best it is up to a quarter slower, since every backward pass packs
its matrices anew. So `precision.fastest` tries a whole step.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["OneDNN", "available"]


class OneDNN(TorchFunctionMode):
    """Inside `with OneDNN():` linear layers and products of float32 matrices on the CPU run on oneDNN,
    whoever calls them."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is F.linear and not kwargs and _fits(*args[:2]):
            return _Linear.apply(*args, *[None] * (3 - len(args)))
        if function is torch.Tensor.matmul and _fits(*args) and args[0].dim() == 2:
            return _Linear.apply(args[0], args[1].T, None)
        return function(*args, **(kwargs or {}))


def _fits(x: Tensor, weight: Tensor) -> bool:
    return (
        isinstance(weight, torch.Tensor)
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == "cpu"
        and weight.dim() == 2
        and x.numel() > 0
        and weight.numel() > 0
    )


class _Linear(torch.autograd.Function):
    """x [...,in] W^T + b, weight [out,in] -> [...,out]."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):
        x, weight = ctx.saved_tensors
        rows = grad.flatten(0, -2)  # (N, out)
        of_x, of_weight, of_bias = ctx.needs_input_grad
        return (
            _product(grad, weight.T) if of_x else None,
            _product(rows.T, x.flatten(0, -2).T) if of_weight else None,
            rows.sum(0) if of_bias else None,
        )


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


@lru_cache(maxsize=1)
def _works() -> bool:
    try:
        return bool(_product(torch.ones(1, 2), torch.ones(3, 2)).shape == (1, 3))
    except (AttributeError, RuntimeError):  # a build of PyTorch without oneDNN, or with other names in it
        return False


def available() -> bool:
    """True if this PyTorch carries oneDNN and it is not switched off (`torch.backends.mkldnn.enabled =
    False`)."""
    return bool(torch.backends.mkldnn.enabled) and _works()
