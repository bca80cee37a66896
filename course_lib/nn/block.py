"""One floor of the tower: attention, then a feed-forward network, each added to what comes in (He et al.
2016)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import nn

from .attention import Attention, Scope
from .config import Config

if TYPE_CHECKING:
    from torch import Tensor

    from .cache import LayerCache

__all__ = ["Block", "FeedForward", "make_norm"]

ACTIVATE = {
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
}


def make_norm(config: Config) -> nn.Module:
    """LayerNorm (mean 0, variance 1, then a learned scale and shift) or RMSNorm (root mean square 1, then a
    scale)."""
    if config.norm == "rms":
        return nn.RMSNorm(config.d_model, eps=config.norm_eps)
    return nn.LayerNorm(config.d_model, eps=config.norm_eps, bias=config.bias)


class FeedForward(nn.Module):
    """Each position by itself: out of D numbers to d_ff, an activation, and back. x [B,T,D] -> [B,T,D]."""

    def __init__(self, config: Config):
        super().__init__()
        self.activate, self.gated = ACTIVATE[config.activation], config.gated
        self.up = nn.Linear(config.d_model, (2 if config.gated else 1) * config.d_ff, bias=config.bias)
        self.down = nn.Linear(config.d_ff, config.d_model, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.up(x)  # (B, T, d_ff), or twice that
        if self.gated:
            gate, x = x.chunk(2, dim=-1)
            return self.down(self.activate(gate) * x)
        return self.down(self.activate(x))


class Block(nn.Module):
    """Self-attention, cross-attention if `cross`, feed-forward; each with its norm, dropout and residual
    sum."""

    def __init__(self, config: Config, cross: bool = False):
        super().__init__()
        self.norm_first, self.dropout = config.norm_first, config.dropout
        self.attention, self.attention_norm = Attention(config), make_norm(config)
        if cross:
            self.cross, self.cross_norm = Attention(config, cross=True), make_norm(config)
        self.feed_forward, self.feed_forward_norm = FeedForward(config), make_norm(config)

    def forward(
        self, x: Tensor, own: Scope, across: Scope | None = None, cache: LayerCache | None = None
    ) -> tuple[Tensor, list[Tensor | None]]:
        """x [B,T,D] -> [B,T,D], and the weights of its attentions: [self] or [self, cross], each [B,H,T,S] or
        None."""
        y, weights = self.attention(self._before(x, self.attention_norm), own, cache and cache.own)
        x, seen = self._after(x, y, self.attention_norm), [weights]
        if across is not None:
            y, weights = self.cross(self._before(x, self.cross_norm), across, cache and cache.cross)
            x, seen = self._after(x, y, self.cross_norm), [*seen, weights]
        y = self.feed_forward(self._before(x, self.feed_forward_norm))
        return self._after(x, y, self.feed_forward_norm), seen

    def _before(self, x: Tensor, norm: nn.Module) -> Tensor:
        """What a sublayer reads."""
        return norm(x) if self.norm_first else x

    def _after(self, x: Tensor, y: Tensor, norm: nn.Module) -> Tensor:
        """What goes on upwards: the sublayer's input x and output y together."""
        if self.training and self.dropout:
            y = F.dropout(y, self.dropout)
        return x + y if self.norm_first else norm(x + y)
