"""A whole GPT, to be read first: every part in the order in which the papers introduce it, and no options.

The architecture is GPT-2's (Radford et al. 2019): the decoder of Vaswani et al. 2017 with the norm moved
before each sublayer. The rest of `course_lib.nn` generalises this file; a test holds that its logits equal
those of `Decoder` with the same weights.

    model = GPT(vocab_size=65, context=64, n_layer=4, n_head=4, d_model=128)
    logits = model(ids)  # ids long [B,T] -> float [B,T,V]: logits[:, t] predict ids[:, t + 1]

B batch, T positions, H heads, d width of a head, D = H * d width of the model, V vocabulary.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["GPT"]


class SelfAttention(nn.Module):
    """Each position asks all earlier ones (section 3.2 of Vaswani et al.): softmax(Q K^T / sqrt(d)) V, in H
    heads at once."""

    def __init__(self, d_model: int, n_head: int):
        super().__init__()
        self.n_head = n_head
        self.qkv = nn.Linear(d_model, 3 * d_model)  # queries, keys and values in one multiplication
        self.out = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        B, T, D = x.shape
        q, k, v = self.qkv(x).split(D, dim=2)  # (B, T, D) each
        heads = (B, T, self.n_head, D // self.n_head)
        q, k, v = (part.view(heads).transpose(1, 2) for part in (q, k, v))  # (B, H, T, d) each
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # (B, H, T, d): position t sees 0..t
        return self.out(y.transpose(1, 2).reshape(B, T, D))  # the heads side by side again


class FeedForward(nn.Module):
    """Each position by itself: out to four times the width, through a GELU, and back (section 3.3)."""

    def __init__(self, d_model: int):
        super().__init__()
        self.up, self.down = nn.Linear(d_model, 4 * d_model), nn.Linear(4 * d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x), approximate="tanh"))  # the GELU that GPT-2 was trained with


class Block(nn.Module):
    """Attention, then the feed-forward network; each reads a normalised copy of the stream and adds its
    answer to it."""

    def __init__(self, d_model: int, n_head: int):
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(d_model), SelfAttention(d_model, n_head)
        self.feed_forward_norm, self.feed_forward = nn.LayerNorm(d_model), FeedForward(d_model)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))


class GPT(nn.Module):
    """Embeddings, blocks, a last norm, and the embedding matrix once more as the output head."""

    def __init__(self, vocab_size: int, context: int, n_layer: int, n_head: int, d_model: int):
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, d_model)  # what the token is
        self.positions = nn.Embedding(context, d_model)  # where it stands
        self.blocks = nn.ModuleList(Block(d_model, n_head) for _ in range(n_layer))
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        # small random weights, smaller where a block adds to the stream
        for name, weight in self.named_parameters():
            if weight.dim() > 1:
                added = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * n_layer) if added else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)
        self.head.weight = self.tokens.weight  # tied (Press & Wolf 2017)

    def forward(self, ids: Tensor) -> Tensor:
        """ids long [B,T] -> logits [B,T,V]."""
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device))  # (B, T, D)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))  # (B, T, V)
