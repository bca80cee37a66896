"""Attention (Vaswani et al. 2017, section 3.2): one implementation for every transformer of the course.

Self-attention or cross-attention, causal or not, grouped-query heads, RoPE, T5's bias, a KV cache: what
differs is what goes in. Masks are boolean and True means "may attend"; a query that may attend to nothing
gets zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from .config import Config
from .positions import rotate

if TYPE_CHECKING:
    from torch import Tensor

    from .cache import KVCache

__all__ = ["Attention", "Scope", "attend"]


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
    dropout: float = 0.0,
    return_weights: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """softmax(q k^T * scale + bias) v, equation 1 of the paper; the default scale is 1 / sqrt(d).

    q [B,H,T,d]; k [B,G,S,d] and v [B,G,S,e] with G heads, each shared by H/G heads of q; mask bool and bias
    float, both broadcastable to [B,H,T,S]; causal: query t sees keys 0..t (then T = S and no mask). -> output
    [B,H,T,e], weights [B,H,T,S] or None. The fused kernel never holds the T x S table; with return_weights
    the same sum is done in the open.
    """
    if not return_weights:
        if bias is not None:
            mask = bias if mask is None else bias.masked_fill(~mask, -torch.inf)
        if mask is not None and mask.dim() < 4:  # the kernel wants an axis for each of [B,H,T,S]
            mask = mask.view(*(1,) * (4 - mask.dim()), *mask.shape)
        shared = q.shape[1] != k.shape[1]
        # one query: heads that share a key become its queries, and nothing is copied
        if shared and q.shape[2] == 1 and bias is None:
            if mask is not None and mask.shape[1] > 1:
                # (B, H, 1, S) -> (B, G, H/G, S)
                mask = mask.reshape(len(mask), k.shape[1], -1, mask.shape[-1])
            # (B, G, H/G, e)
            y = F.scaled_dot_product_attention(
                q.reshape(len(q), k.shape[1], -1, q.shape[-1]), k, v, mask, dropout, scale=scale
            )
            return y.reshape(len(q), -1, 1, v.shape[-1]), None
        return F.scaled_dot_product_attention(
            q, k, v, mask, dropout, causal, scale=scale, enable_gqa=shared
        ), None
    k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for x in (k, v))  # (B, H, S, d)
    scores = q @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5 if scale is None else scale)  # (B, H, T, S)
    if bias is not None:
        scores = scores + bias
    if causal:
        mask = torch.ones_like(scores[0, 0], dtype=torch.bool).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)  # a row of -inf has the softmax nan; it becomes zeros
    return F.dropout(weights, dropout) @ v, weights


@dataclass(frozen=True)
class Scope:
    """What the queries of one forward pass may look at: made once, the same for every block."""

    memory: Tensor | None = None  # [B,S,D], the sequence to look at; None: the queries' own (self-attention)
    mask: Tensor | None = None  # bool broadcastable to [B,H,T,S], True = may attend
    bias: Tensor | None = None  # float broadcastable to [B,H,T,S], added to the scores
    causal: bool = False  # query t sees keys 0..t
    rope: tuple[Tensor, Tensor] | None = None  # cosines and sines of the queries' positions
    return_weights: bool = False


class Attention(nn.Module):
    """Multi-head attention. `cross=True` takes keys and values from a second sequence, the memory."""

    def __init__(self, config: Config, cross: bool = False):
        super().__init__()
        self.d_head, self.scale, self.dropout, self.cross = (
            config.d_head,
            config.attention_scale,
            config.dropout,
            cross,
        )
        queries, keys = config.n_head * config.d_head, config.n_kv_head * config.d_head
        self.widths = (queries, keys, keys)
        if cross:
            self.q = nn.Linear(config.d_model, queries, bias=config.qkv_bias)
            self.kv = nn.Linear(config.d_model, 2 * keys, bias=config.qkv_bias)
        else:  # one multiplication for all three is faster than three
            self.qkv = nn.Linear(config.d_model, queries + 2 * keys, bias=config.qkv_bias)
        self.out = nn.Linear(queries, config.d_model, bias=config.bias)

    def forward(self, x: Tensor, scope: Scope, cache: KVCache | None = None) -> tuple[Tensor, Tensor | None]:
        """x [B,T,D] -> output [B,T,D], weights [B,H,T,S] or None. A cache holds what was read before, and
        takes this in."""
        q, k, v = self._across(x, scope.memory, cache) if self.cross else self._within(x, scope.rope, cache)
        y, weights = attend(
            q,
            k,
            v,
            scope.mask,
            scope.bias,
            causal=scope.causal,
            scale=self.scale,
            dropout=self.dropout if self.training else 0.0,
            return_weights=scope.return_weights,
        )
        return self.out(y.transpose(1, 2).flatten(2)), weights  # (B, H, T, d) -> (B, T, H*d) -> (B, T, D)

    def _within(
        self, x: Tensor, rope: tuple[Tensor, Tensor] | None, cache: KVCache | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of one sequence: (B, H, T, d), (B, G, S, d) twice."""
        q, k, v = map(self._heads, self.qkv(x).split(self.widths, dim=-1))
        if rope is not None:
            q, k = rotate(q, *rope), rotate(k, *rope)
        return q, *((k, v) if cache is None else cache.extend(k, v))  # with a cache: the past and these

    def _across(self, x: Tensor, memory: Tensor, cache: KVCache | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries of x, keys and values of the memory. It does not change: with a cache it is projected
        once."""
        if cache is not None and cache.length:
            return self._heads(self.q(x)), cache.keys, cache.values
        k, v = map(self._heads, self.kv(memory).chunk(2, dim=-1))
        return self._heads(self.q(x)), *((k, v) if cache is None else cache.extend(k, v))

    def _heads(self, x: Tensor) -> Tensor:
        """[B,T,h*d] -> [B,h,T,d]"""
        return x.view(*x.shape[:2], -1, self.d_head).transpose(1, 2)
