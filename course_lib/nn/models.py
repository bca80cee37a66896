"""The three families: Decoder (GPT, Llama), Encoder (BERT), Seq2Seq (T5). Each is a stack or two, and a head.

model = Decoder(DecoderConfig(vocab_size=65, context=64, n_layer=4, n_head=4, d_model=128))
logits = model(ids)                                # ids long [B,T] -> float [B,T,V]
logits, weights = model(ids, return_weights=True)  # weights: for each layer [B,H,T,S]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from .block import ACTIVATE, make_norm
from .config import DecoderConfig, EncoderConfig, Seq2SeqConfig
from .loss import head_loss
from .stack import Stack, initialise

if TYPE_CHECKING:
    from torch import Tensor

    from .cache import LayerCache

    Cache = list[LayerCache]

__all__ = ["Decoder", "Encoder", "Seq2Seq"]


class Decoder(nn.Module):
    """A causal language model: position t of the logits predicts token t + 1."""

    def __init__(self, config: DecoderConfig):
        super().__init__()
        self.config = config
        self.stack = Stack(config, config.n_layer, causal=True)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        initialise(self, config.n_layer)
        if config.tied:
            self.head.weight = self.stack.tokens.weight

    def forward(
        self,
        ids: Tensor,
        mask: Tensor | None = None,
        cache: Cache | None = None,
        return_weights: bool = False,
        targets: Tensor | None = None,
    ):
        """ids long [B,T], mask bool [B,S] of real tokens -> logits [B,T,V], or (logits, L weights [B,H,T,S]).

        With a cache (`new_cache()`) ids are only the new tokens and S counts the cached ones too. With
        targets long [B,T] (-100 = not counted) the mean cross-entropy in nats is returned instead, without
        ever holding all logits.
        """
        x, weights = self.stack(ids, mask, cache=cache, return_weights=return_weights)
        if targets is not None:
            return head_loss(x.flatten(0, 1) * self.config.logit_scale, self.head.weight, targets.flatten())
        logits = self.logits(x)
        return (logits, [layer[0] for layer in weights]) if return_weights else logits

    def logits(self, x: Tensor) -> Tensor:
        """Hidden states [...,D] -> logits [...,V]."""
        x = self.head(x)
        return x if self.config.logit_scale == 1.0 else x * self.config.logit_scale

    def new_cache(self) -> Cache:
        """An empty KV cache for `forward`."""
        return self.stack.new_cache()


class Encoder(nn.Module):
    """A bidirectional encoder: hidden states of every token, or with `mlm_head` the logits of a masked
    language model."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.config = config
        self.stack = Stack(config, config.n_layer, causal=False, n_segment=config.n_segment)
        if config.mlm_head:  # BERT's: dense, activation, norm, then the tied matrix and a bias
            self.dense, self.dense_norm = nn.Linear(config.d_model, config.d_model), make_norm(config)
            self.head = nn.Linear(config.d_model, config.vocab_size)
        initialise(self, config.n_layer)
        if config.mlm_head and config.tied:
            self.head.weight = self.stack.tokens.weight

    def forward(
        self,
        ids: Tensor,
        mask: Tensor | None = None,
        segments: Tensor | None = None,
        return_weights: bool = False,
    ):
        """ids long [B,T], mask bool [B,T] of real tokens, segments long [B,T] -> [B,T,D], with an MLM head
        [B,T,V]; with return_weights also L weights [B,H,T,T]."""
        x, weights = self.stack(ids, mask, segments=segments, return_weights=return_weights)
        if self.config.mlm_head:
            x = self.head(self.dense_norm(ACTIVATE[self.config.activation](self.dense(x))))
        return (x, [layer[0] for layer in weights]) if return_weights else x


class Seq2Seq(nn.Module):
    """An encoder reads the source; a decoder writes the target and looks back at the source by
    cross-attention."""

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        self.config = config
        self.encoder = Stack(config, config.n_layer, causal=False)
        self.decoder = Stack(config, config.n_decoder_layer, causal=True, cross=True)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        initialise(self, config.n_layer)
        self.decoder.tokens.weight = self.encoder.tokens.weight  # one vocabulary for both sides
        if config.tied:
            self.head.weight = self.encoder.tokens.weight

    def forward(
        self,
        ids: Tensor | None,
        target: Tensor,
        mask: Tensor | None = None,
        target_mask: Tensor | None = None,
        memory: Tensor | None = None,
        cache: Cache | None = None,
        return_weights: bool = False,
    ):
        """ids long [B,S], target long [B,T] starting with start_id -> logits [B,T,V]; masks bool, True = real
        token.

        `memory` [B,S,D] from `encode` stands in for ids. With return_weights also a dict: "encoder" (None if
        memory was given), "decoder" and "cross", each for every layer [B,H,queries,keys].
        """
        encoded = None
        if memory is None:
            memory, encoded = self.encoder(ids, mask, return_weights=return_weights)
        x, decoded = self.decoder(
            target, target_mask, memory=memory, memory_mask=mask, cache=cache, return_weights=return_weights
        )
        logits = self.logits(x)
        if not return_weights:
            return logits
        return logits, {
            "encoder": encoded and [layer[0] for layer in encoded],
            "decoder": [layer[0] for layer in decoded],
            "cross": [layer[1] for layer in decoded],
        }

    def encode(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """ids long [B,S] -> memory [B,S,D]."""
        return self.encoder(ids, mask)[0]

    def logits(self, x: Tensor) -> Tensor:
        """Hidden states [...,D] -> logits [...,V]."""
        x = self.head(x)
        return x if self.config.logit_scale == 1.0 else x * self.config.logit_scale

    def new_cache(self) -> Cache:
        """An empty KV cache for `forward`; it also keeps the projected memory."""
        return self.decoder.new_cache()
