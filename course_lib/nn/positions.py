"""How a transformer knows the order of its tokens: four answers from four papers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["RelativeBias", "rope_table", "rotate", "sinusoids"]


def sinusoids(length: int, d_model: int) -> Tensor:
    """Sine and cosine waves, [length, d_model] (Vaswani et al. 2017, section 3.5): column 2i is the sine and
    2i+1 the cosine of position / 10000^(2i / d_model)."""
    frequencies = 10_000.0 ** (-torch.arange(0, d_model, 2) / d_model)
    angles = torch.outer(torch.arange(length), frequencies)  # (length, ceil(d_model / 2))
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)[:, :d_model]


def rope_table(length: int, d_head: int, theta: float = 10_000.0) -> tuple[Tensor, Tensor]:
    """Cosines and signed sines for `rotate`, each [length, d_head] (Su et al. 2021, equation 34).

    The pairs that turn together are columns i and i + d_head/2, as in Llama; the sign of the turn is in the
    sines.
    """
    frequencies = 1.0 / theta ** (torch.arange(0, d_head, 2) / d_head)
    angles = torch.outer(torch.arange(length), frequencies)  # (length, d_head / 2)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair of x [B,H,T,d] by its position's angle; cos and sin [T,d] or [B,1,T,d] rows of
    `rope_table`.

    q and k so turned have a dot product that depends on the distance of their positions only.
    """
    return x * cos + x.roll(x.shape[-1] // 2, dims=-1) * sin


class RelativeBias(nn.Module):
    """T5's bias: one learned number for each head and bucket of distances, added to the scores (Raffel et al.
    2020, 2.1)."""

    def __init__(self, n_head: int, buckets: int, max_distance: int, bidirectional: bool):
        super().__init__()
        self.table = nn.Embedding(buckets, n_head)
        self.buckets, self.max_distance, self.bidirectional = buckets, max_distance, bidirectional

    def forward(self, T: int, S: int) -> Tensor:
        """Bias [1,H,T,S] of the last T of S positions to all S."""
        query = torch.arange(S - T, S, device=self.table.weight.device)[:, None]
        key = torch.arange(S, device=self.table.weight.device)[None, :]
        return self.table(self.bucket(key - query)).permute(2, 0, 1)[None]  # (T, S, H) -> (1, H, T, S)

    def bucket(self, distance: Tensor) -> Tensor:
        """Half of the buckets are exact small distances, the others grow logarithmically up to
        max_distance."""
        buckets, offset = self.buckets, torch.zeros_like(distance)
        if self.bidirectional:  # half for keys before the query, half for keys after it
            buckets //= 2
            offset = (distance > 0) * buckets
            distance = distance.abs()
        else:
            distance = (-distance).clamp(min=0)
        exact = buckets // 2
        growth = torch.log(distance.clamp(min=1) / exact) / math.log(self.max_distance / exact)
        far = (exact + growth * (buckets - exact)).long().clamp(max=buckets - 1)
        return offset + torch.where(distance < exact, distance, far)
