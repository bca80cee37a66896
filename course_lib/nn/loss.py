"""Cross-entropy without the table of all logits: the head and its loss, some rows at a time.

The plain way writes B x T x V logits, reads them for the softmax, writes as many gradients, and waits for
memory each time. Here each piece stays in the processor's cache: logits, loss, gradient, and it is forgotten.
The numbers are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["head_loss"]


def head_loss(x: Tensor, weight: Tensor, targets: Tensor, ignore_index: int = -100) -> Tensor:
    """Mean cross-entropy in nats of the logits x W^T, as `F.cross_entropy(x @ weight.T, targets)`.

    x [N,D], weight [V,D], targets long [N]; rows with ignore_index do not count; no row left gives 0.
    """
    counted = targets != ignore_index
    if not counted.all():
        x, targets = x[counted], targets[counted]
    return _HeadLoss.apply(x, weight, targets)


class _HeadLoss(torch.autograd.Function):
    """The gradients are by-products of the loss, so the forward pass makes them and the backward pass only
    hands them out."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        total, learning = x.new_zeros((), dtype=torch.float32), any(ctx.needs_input_grad)
        if learning:
            grad_x, grad_weight = torch.empty_like(x), torch.zeros_like(weight)
        # logits of about 4 MB at a time
        rows = max(128, 2 ** (20 if x.device.type == "cpu" else 26) // len(weight))
        for start in range(0, len(x), rows):
            piece = slice(start, start + rows)
            right = targets[piece, None]  # (rows, 1)
            log_p = F.log_softmax(F.linear(x[piece], weight), dim=-1, dtype=torch.float32)  # (rows, V)
            total -= log_p.gather(1, right).sum()
            if learning:  # d loss / d logits = softmax - one-hot, here into the same memory
                grad = log_p.exp_().scatter_add_(1, right, torch.full_like(right, -1, dtype=torch.float32))
                grad_x[piece] = grad.to(weight.dtype) @ weight
                grad_weight += grad.to(x.dtype).T @ x[piece]
        n = max(1, len(x))
        if learning:
            ctx.save_for_backward(grad_x, grad_weight)
            ctx.n = n
        return total / n

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):
        grad_x, grad_weight = ctx.saved_tensors
        return grad_x * (grad / ctx.n), grad_weight * (grad / ctx.n), None
