"""What decoding needs of a model: read these tokens, tell me the logits of the next one. With or without a KV
cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ..models.failure import ModelError
from ..models.protocol import Model, model_of
from .strategies import GenerationError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Reader", "writer_of"]


def writer_of(model) -> Model:
    """The model, if it continues a text by itself; GenerationError if it does not."""
    try:
        found = model_of(model)
    except ModelError as error:
        raise GenerationError(
            zh="续写要一个会预测下一个词元的模型。{reason}",
            en="To continue a text takes a model that predicts the next token. {reason}",
            reason=error.message,
        ) from error
    if found.family == "causal" or found.family == "seq2seq" and found.origin == "course":
        return found
    raise GenerationError(
        zh="{model} 不预测下一个词元，不能这样续写；transformers 的编码器－解码器用 m.generate(原文)",
        en="{model} does not predict a next token, so it cannot continue a text; "
        "for an encoder-decoder of transformers there is m.generate(source)",
        model=type(found.net).__name__,
    )


class Reader:
    """Reads a batch of texts that grow. `ids` [B,T] is everything read or written so far; for a Seq2Seq it is
    the target."""

    def __init__(self, model: Model, ids: Tensor, mask: Tensor | None, cache: bool):
        self.model, self.net, self.keep = model, model.net, cache
        self.native = model.origin == "course" and hasattr(model.net, "new_cache")  # a GPT has none
        self.memory = self.memory_mask = None
        if model.family == "seq2seq":
            self.memory, self.memory_mask = self.net.encode(ids, mask), mask
            ids, mask = torch.full_like(ids[:, :1], model.start_id), None
        elif mask is not None and not self.native:
            raise GenerationError(
                zh="只有 course_lib.nn 的 Decoder 和 Seq2Seq 能读长短不一的提示：请一次给一个",
                en="only a Decoder or Seq2Seq of course_lib.nn can read prompts of unequal length: "
                "give one at a time",
            )
        self.ids, self.mask = ids, mask
        self.cache = self.net.new_cache() if cache and self.native else None
        self.past, self.read = None, 0  # of any other model: what it keeps, and of how many tokens

    def logits(self) -> Tensor:
        """[B,V] of the next token."""
        return self.last(1)[:, 0]

    def last(self, n: int) -> Tensor:
        """[B,n,V] at the last n positions, each of the token after it. Only what the cache does not hold yet
        goes through the model."""
        if not self.native:
            with self.model.asking():
                logits, self.past = self.model.following(self.ids, self.past, self.read, self.keep, n)
            self.read = 0 if self.past is None else self.ids.shape[1]
            return logits
        new = self.ids[:, self.cache[0].own.length :] if self.cache else self.ids
        if self.memory is None:
            x, _ = self.net.stack(new, self.mask, cache=self.cache)
        else:
            x, _ = self.net.decoder(new, memory=self.memory, memory_mask=self.memory_mask, cache=self.cache)
        # the head is the largest matrix: no position that nobody asked for
        return self.net.logits(x[:, -n:]).float()

    def append(self, tokens: Tensor) -> None:
        """tokens [B] become part of the text."""
        self.ids = torch.cat((self.ids, tokens[:, None].to(self.ids.device)), dim=1)
        if self.mask is not None:
            self.mask = torch.cat((self.mask, torch.ones_like(self.mask[:, :1])), dim=1)

    def crop(self, length: int) -> None:
        """Forget all but the first `length` tokens of a text without padding."""
        self.ids = self.ids[:, :length]
        for layer in self.cache or ():
            layer.own.crop(length)
        if self.past is not None:
            self.past = self.model.cropped(self.past, max(0, self.read - length))
            self.read = 0 if self.past is None else min(self.read, length)

    def select(self, rows: Tensor) -> None:
        """Go on with these rows, long [B'], in this order and as often as named."""
        self.ids = self.ids[rows]
        self.mask, self.memory, self.memory_mask = (
            x if x is None else x[rows] for x in (self.mask, self.memory, self.memory_mask)
        )
        if self.past is not None:
            self.past.reorder_cache(rows)
        for layer in self.cache or ():
            for part in layer:
                part.select(rows)
