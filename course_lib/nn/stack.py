"""Embeddings, blocks, final norm: all that an encoder and a decoder have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from .attention import Scope
from .block import Block, make_norm
from .cache import KVCache, LayerCache
from .config import Config
from .positions import RelativeBias, rope_table, sinusoids

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Stack", "check_ids", "initialise"]


class Stack(nn.Module):
    """ids [B,T] -> hidden states [B,T,D]. `causal`: each position sees itself and what came before."""

    waves: Tensor
    cos: Tensor
    sin: Tensor

    def __init__(
        self, config: Config, n_layer: int, *, causal: bool, cross: bool = False, n_segment: int = 0
    ):
        super().__init__()
        self.config, self.causal = config, causal
        self.tokens = nn.Embedding(config.vocab_size, config.d_model)
        if config.position == "learned":
            self.positions = nn.Embedding(config.context, config.d_model)
        elif config.position == "sinusoidal":
            self.register_buffer("waves", sinusoids(config.context, config.d_model), persistent=False)
        elif config.position == "rope":
            for name, table in zip(
                ("cos", "sin"), rope_table(config.context, config.d_head, config.rope_theta)
            ):
                self.register_buffer(name, table, persistent=False)
        elif config.position == "relative":
            self.relative = RelativeBias(
                config.n_head, config.relative_buckets, config.relative_max_distance, not causal
            )
        if n_segment:
            self.segments = nn.Embedding(n_segment, config.d_model)
        self.embedding_norm = make_norm(config) if config.embedding_norm else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, cross) for _ in range(n_layer))
        self.norm = make_norm(config) if config.norm_first else nn.Identity()

    def forward(
        self,
        ids: Tensor,
        mask: Tensor | None = None,
        *,
        segments: Tensor | None = None,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
        cache: list[LayerCache] | None = None,
        return_weights: bool = False,
    ) -> tuple[Tensor, list[list[Tensor | None]]]:
        """ids long [B,T]; mask bool [B,S] of real tokens, S = cached + T; memory [B,M,D] and its mask bool
        [B,M].

        -> hidden states [B,T,D] and, block by block, the attention weights (None unless return_weights).
        ValueError: ids outside the vocabulary, nothing to read, more than `context` positions, a mask of
        another shape or with an empty row.
        """
        past = cache[0].own.length if cache else 0
        T, S = ids.shape[-1], ids.shape[-1] + past
        self._check(ids, mask, S)
        where = self._where(mask, past, S)  # (T,) or (B, T)
        x = self._embed(ids, where, segments)  # (B, T, D)
        own = self._scope(mask, where, T, S, return_weights)
        across = (
            None
            if memory is None
            else Scope(
                memory,
                None if memory_mask is None else memory_mask[:, None, None, :],  # (B, 1, 1, M)
                return_weights=return_weights,
            )
        )
        weights = []
        for layer, block in enumerate(self.blocks):
            x, seen = block(x, own, across, cache and cache[layer])
            weights.append(seen)
        return self.norm(x), weights

    def new_cache(self) -> list[LayerCache]:
        """An empty cache: for each block one for self-attention and one for cross-attention."""
        return [LayerCache(KVCache(), KVCache()) for _ in self.blocks]

    def _embed(self, ids: Tensor, where: Tensor, segments: Tensor | None) -> Tensor:
        """Tokens, positions and segments, added up: [B,T,D]."""
        x = self.tokens(ids)
        if self.config.position in ("learned", "sinusoidal"):
            x = x + F.embedding(
                where, self.positions.weight if self.config.position == "learned" else self.waves
            )
        if hasattr(self, "segments"):
            x = x + (self.segments.weight[0] if segments is None else self.segments(segments))
        return self.dropout(self.embedding_norm(x))

    def _scope(self, mask: Tensor | None, where: Tensor, T: int, S: int, return_weights: bool) -> Scope:
        """What the T new tokens may see of all S, for every block."""
        rope = bias = None
        if self.config.position == "rope":
            cos, sin = self.cos[where], self.sin[where]  # (T, d) or (B, T, d)
            rope = (cos, sin) if where.dim() == 1 else (cos[:, None], sin[:, None])  # ... (B, 1, T, d)
        elif self.config.position == "relative":
            bias = self.relative(T, S)  # (1, H, T, S)
        see, causal = self._visible(mask, T, S, bias is not None, where.device)
        return Scope(mask=see, bias=bias, causal=causal, rope=rope, return_weights=return_weights)

    def _where(self, mask: Tensor | None, past: int, S: int) -> Tensor:
        """Position numbers of the new tokens. A causal model counts real tokens, so padding on the left
        shifts nothing."""
        if mask is not None and self.causal:
            return (mask.cumsum(-1) - 1).clamp(min=0)[:, past:]  # (B, T)
        return torch.arange(past, S, device=self.tokens.weight.device)  # (T,)

    def _visible(
        self, mask: Tensor | None, T: int, S: int, biased: bool, device
    ) -> tuple[Tensor | None, bool]:
        """What a query may see, bool broadcastable to [B,1,T,S] or None for everything; and whether the
        kernel does the causal part."""
        if mask is None and not biased and (T == S or T == 1):
            return None, self.causal and T > 1  # one new token sees the whole past
        see = None if mask is None else mask[:, None, None, :]  # (B, 1, 1, S)
        if self.causal and T > 1:
            past = torch.ones(T, S, dtype=torch.bool, device=device).tril(S - T)
            see = past if see is None else see & past
        return see, False

    def _check(self, ids: Tensor, mask: Tensor | None, S: int) -> None:
        if ids.dim() != 2 or ids.is_floating_point():
            raise ValueError(
                f"ids must be whole numbers [B,T], not {ids.dtype} {list(ids.shape)} / ids 应是整数张量 [B,T]"
            )
        if ids.numel() == 0:
            raise ValueError(
                f"an empty batch, {list(ids.shape)}: there is nothing to read / 空批次，没有可读的词元"
            )
        if S > self.config.context:
            raise ValueError(
                f"{S} positions are more than the context of {self.config.context}: shorten the "
                f"text or build the model with "
                f"a larger context / 序列长度 {S} 超过上下文 {self.config.context}：请截短，"
                f"或建模时加大 context"
            )
        if mask is not None and (mask.dtype != torch.bool or mask.shape != (len(ids), S)):
            raise ValueError(
                f"mask must be bool [{len(ids)},{S}], True = real token, not {mask.dtype} "
                f"{list(mask.shape)} / "
                f"mask 应是布尔张量 [{len(ids)},{S}]，True 表示真实词元"
            )
        # reading values would split the compiled graph, or wait for the
        if torch.compiler.is_compiling() or ids.device.type != "cpu":
            return  # accelerator: `fit` and `generate` check the ids before they go there
        check_ids(ids, self.config.vocab_size)
        if mask is not None and not mask.any(-1).all():
            row = int((~mask.any(-1)).nonzero()[0])
            raise ValueError(
                f"row {row} of the mask is all False: this sequence has no token at all / mask "
                f"第 {row} 行全是 False：这个序列没有词元"
            )


def check_ids(ids: Tensor, vocab_size: int) -> None:
    """ValueError if one of the ids, on the CPU, is not in the vocabulary."""
    low, high = (int(x) for x in ids.aminmax())
    if low < 0 or high >= vocab_size:
        raise ValueError(
            f"id {low if low < 0 else high} is outside the vocabulary 0..{vocab_size - 1} / "
            f"词元编号 {low if low < 0 else high} 不在词表 0..{vocab_size - 1} 内"
        )


def initialise(model: nn.Module, n_layer: int, std: float = 0.02) -> None:
    """GPT-2's start: normal weights of deviation `std`, zero biases; what is added to the residual stream is
    smaller by sqrt(2 n_layer), so that the stream's variance does not grow with depth."""
    for name, module in model.named_modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            added = name.endswith((".out", ".down"))
            nn.init.normal_(module.weight, std=std / (2 * n_layer) ** 0.5 if added else std)
            if torch.is_tensor(bias := getattr(module, "bias", None)):
                nn.init.zeros_(bias)
