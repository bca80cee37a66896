"""What several exercises of this chapter share."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.spec import Draw

MASK = L(zh="掩码的处理", en="the masking")
SCORES = L(zh="看看 softmax 之前计算分数的那一行。", en="Look at the line before softmax, where the scores are computed.")
SOFTMAX = L(zh="对每个查询，哪些权重加起来应该是 1？", en="For one query, which weights should sum to 1?")
MASKING = L(zh="看看用到 mask 的那一行：True 表示可以看。", en="Look at the line that uses mask: True means it may be seen.")


def some(draw: Draw, *shape: int) -> torch.Tensor:
    """A random mask in which every query may attend to something and something is blocked."""
    mask = draw.normal(*shape) > 0
    mask[..., 0], mask[..., -1] = mask.sum(-1) % 2 == 0, True
    return mask.logical_and(torch.arange(shape[-1]) != shape[-1] // 2)
