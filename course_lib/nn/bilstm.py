"""Before transformers: two LSTMs that read a text from both ends, as in ELMo (Peters et al. 2018).

Each direction is a language model of its own: it predicts its next token from what it has read, and never
sees it beforehand. A word's contextual vector is what both directions know at that word, a mixture over
layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BiLSTM"]


class BiLSTM(nn.Module):
    """A bidirectional language model; D = 2 * d_hidden is the width of its word vectors."""

    def __init__(self, vocab_size: int, d_embed: int = 128, d_hidden: int = 128, n_layer: int = 2):
        super().__init__()
        self.vocab_size = vocab_size
        self.tokens = nn.Embedding(vocab_size, d_embed)
        widths = [d_embed] + [d_hidden] * (n_layer - 1)
        self.forwards = nn.ModuleList(nn.LSTM(width, d_hidden, batch_first=True) for width in widths)
        self.backwards = nn.ModuleList(nn.LSTM(width, d_hidden, batch_first=True) for width in widths)
        self.head = nn.Linear(d_hidden, vocab_size)  # both directions share it, and the embeddings
        self.mixture = nn.Parameter(torch.zeros(n_layer))

    def layers(self, ids: Tensor) -> list[Tensor]:
        """ids long [B,T] -> for each layer [B,T,D]: left half read up to and including the token, right half
        from the end back to it."""
        if ids.numel() == 0:
            raise ValueError(
                f"an empty batch, {list(ids.shape)}: there is nothing to read / 空批次，没有可读的词元"
            )
        low, high = (int(x) for x in ids.aminmax())
        if low < 0 or high >= self.vocab_size:
            raise ValueError(
                f"an id is outside the vocabulary 0..{self.vocab_size - 1} / 有词元编号不在词表 "
                f"0..{self.vocab_size - 1} 内"
            )
        left = self.tokens(ids)  # (B, T, d_embed)
        right, out = left.flip(1), []
        for ahead, back in zip(self.forwards, self.backwards):
            left, right = ahead(left)[0], back(right)[0]  # (B, T, d_hidden), right in reverse order
            out.append(torch.cat((left, right.flip(1)), dim=-1))  # (B, T, 2 * d_hidden)
        return out

    def forward(self, ids: Tensor) -> Tensor:
        """ids long [B,T] -> contextual vectors [B,T,D]: the layers mixed by learned weights that sum to 1
        (equation 1)."""
        return sum(w * layer for w, layer in zip(self.mixture.softmax(0), self.layers(ids)))

    def loss(self, ids: Tensor) -> Tensor:
        """Mean cross-entropy in nats of both directions over ids [B,T], T >= 2: left-to-right predicts t + 1
        at t, right-to-left t - 1."""
        left, right = self.layers(ids)[-1].chunk(2, dim=-1)  # (B, T, d_hidden) each
        ahead, back = self.head(left[:, :-1]), self.head(right[:, 1:])  # (B, T - 1, V)
        return (
            F.cross_entropy(ahead.flatten(0, 1), ids[:, 1:].flatten())
            + F.cross_entropy(back.flatten(0, 1), ids[:, :-1].flatten())
        ) / 2
