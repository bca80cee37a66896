"""Weights laid out or made smaller for faster writing. A new token reads every weight once, and that reading
is nearly all the time
it takes: fewer bytes, less time. (A prompt is different: many tokens share one reading, and arithmetic
counts.)

    small = compress(cl.models.port("smollm2-135m"), "int8")
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from ..device import choose
from .strategies import GenerationError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BFloat16Linear", "Float32Linear", "Int8Linear", "compress"]


class Float32Linear(nn.Module):
    """The same weights stored as [in,out]: a vector times these is read in memory order, which CPU kernels do
    faster."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.register_buffer("weight", linear.weight.detach().float().T.contiguous())
        self.register_buffer("bias", None if linear.bias is None else linear.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """x [...,in] -> [...,out], both float32."""
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class BFloat16Linear(nn.Module):
    """A Linear whose weights have 8 bits of precision and the range of float32; it reads 2 bytes a weight."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.register_buffer("weight", linear.weight.detach().bfloat16())
        self.register_buffer("bias", None if linear.bias is None else linear.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """x [...,in] -> [...,out], both float32."""
        if choose().dtype == torch.bfloat16:  # measured: this device multiplies bfloat16 matrices quickly
            y = F.linear(x.bfloat16(), self.weight).to(x.dtype)
        elif x.numel() == x.shape[-1]:  # one token: a matrix-vector product is quick everywhere
            y = torch.mv(self.weight, x.flatten().bfloat16()).to(x.dtype).view(*x.shape[:-1], -1)
        else:
            y = F.linear(x, self.weight.to(x.dtype))
        return y if self.bias is None else y + self.bias


class Int8Linear(nn.Module):
    """A Linear with whole numbers from -127 to 127 and one scale for each output (Dettmers et al. 2022,
    section 2.1): 1 byte a weight."""

    weight: Tensor
    bias: Tensor | None
    scale: Tensor
    ones: Tensor

    def __init__(self, linear: nn.Linear):
        super().__init__()
        weight = linear.weight.detach().float()
        scale = weight.abs().amax(dim=1).clamp(min=1e-12) / 127  # (out,)
        self.register_buffer("weight", (weight / scale[:, None]).round().to(torch.int8))
        self.register_buffer("scale", scale)
        self.register_buffer("ones", torch.ones_like(scale, dtype=torch.bfloat16))
        self.register_buffer("bias", None if linear.bias is None else linear.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """x [...,in] -> [...,out], both float32."""
        if x.numel() <= 4 * x.shape[-1] and x.device.type == "cpu":  # few tokens: the kernel that reads int8
            rows = x.reshape(-1, x.shape[-1]).bfloat16()
            y = (torch._weight_int8pack_mm(rows, self.weight, self.ones) * self.scale).view(*x.shape[:-1], -1)
            return y if self.bias is None else y + self.bias
        return F.linear(x, self.weight.to(x.dtype) * self.scale[:, None].to(x.dtype), self.bias)


KINDS = {"float32": Float32Linear, "bfloat16": BFloat16Linear, "int8": Int8Linear}


def compress(model: nn.Module, weights: str = "int8") -> nn.Module:
    """A copy of `model` for decoding, its linear layers in "float32" (transposed), "bfloat16" or "int8";
    embeddings and norms stay float32."""
    if weights not in KINDS:
        raise GenerationError(
            zh="weights 只能是 {kinds}，不能是 {weights!r}",
            en="weights must be {kinds}, not {weights!r}",
            kinds=" / ".join(KINDS),
            weights=weights,
        )
    small = copy.deepcopy(model).eval().requires_grad_(False)
    for module in list(small.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Linear):
                setattr(module, name, KINDS[weights](child))
    return small
