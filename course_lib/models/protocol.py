"""One protocol for every model of the course: whatever a reader has becomes one small object with what the
rest asks.

    model_of(cl.load("smollm2-135m"))                       # brings its tokenizer
    model_of(a_transformers_model, tokenizer)               # any class of theirs
    model_of(cl.models.port("minilm-l6"), tokenizer)        # or one of `course_lib.nn`, trained a minute ago
    model_of(lambda ids: logits)                            # can write, and cannot be looked into

What takes a model goes through here; a tokenizer is asked for only where there is text.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .failure import ModelError, asking, needs_text
from .family import family_of, sizes_of
from .plain import PlainTokenizer

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Model", "model_of"]


@dataclass(frozen=True)
class Model:
    """What `model_of` makes. net: the torch module, or a bare callable. name: of its card, or "". origin,
    family: see `family_of`; context, vocabulary: see `sizes_of`."""

    net: Any
    tokenizer: Any
    name: str
    origin: str
    family: str
    context: int | None
    vocabulary: int | None

    @property
    def title(self) -> str:
        """How a message or a picture speaks of it."""
        return self.name or type(self.net).__name__

    @property
    def device(self) -> torch.device | None:
        """Where its weights are; None if it has none."""
        weights = self.net.parameters() if isinstance(self.net, nn.Module) else iter(())
        return next((weight.device for weight in weights), None)

    @property
    def config(self) -> Any:
        return getattr(self.net, "config", None)

    def logits(self, ids: Tensor) -> Tensor:
        """ids long [B,T] -> [B,T,V]; ModelError for a model that gives none, or needs more than ids."""
        found = None
        if self.family in ("causal", "masked"):
            with self.asking():
                output = self.net(ids)
            found = getattr(output, "logits", output)
        if not torch.is_tensor(found) or found.dim() != 3 or len(found) != len(ids):
            raise ModelError(
                zh="{model} 不能由词元编号 [B, T] 给出 logits [B, T, V]。",
                en="{model} gives no logits [B, T, V] for ids [B, T].",
                model=self.title,
            )
        return found

    def following(
        self, ids: Tensor, past: Any = None, read: int = 0, keep: bool = False, last: int = 1
    ) -> tuple[Tensor, Any]:
        """Logits [B,last,V] at the last positions of `ids`, of which `past` holds the first `read`; and, if
        `keep` and the model can, what holds them all. Not for `course_lib.nn`, whose stacks have a cache of
        their own.
        """
        if self.origin != "transformers":
            return self.logits(ids)[:, -last:].float(), None
        takes, extra = inspect.signature(self.net.forward).parameters, {}
        if "past_key_values" in takes:
            extra = {"past_key_values": past, "use_cache": keep}
        if past is not None and "position_ids" in takes and getattr(self.config, "rope_parameters", None):
            counted = torch.arange(read, ids.shape[1], device=ids.device)
            extra["position_ids"] = counted[None]  # Bamba counts from 0 again without
        if "logits_to_keep" in takes:
            extra["logits_to_keep"] = last
        output = self.net(input_ids=ids[:, read:], **extra)
        past = output.get("past_key_values") if keep else None
        return output.logits[:, -last:].float(), past if hasattr(past, "reorder_cache") else None

    def cropped(self, past: Any, surplus: int) -> Any:
        """`past` without its last `surplus` tokens; None where a layer cannot forget (a sliding window, a
        state): all is read again."""
        if surplus == 0:
            return past
        if any(type(layer).__name__ != "DynamicLayer" for layer in past.layers):
            return None
        past.crop(-surplus)
        return past

    def inputs(self, encoded: Mapping[str, Tensor], target: Tensor | None = None) -> dict[str, Tensor]:
        """What its forward takes of a tokenizer's tensors for one text (and of a target's ids), under its own
        names."""
        given = dict(encoded)
        if self.origin == "course":  # one text has no padding, so that no mask is needed
            given = {"ids": given["input_ids"]}
            if getattr(self.config, "n_segment", 0) and "token_type_ids" in encoded:
                given["segments"] = encoded["token_type_ids"]
        if target is not None:
            given["target" if self.origin == "course" else "decoder_input_ids"] = target
        allowed = inspect.signature(self.net.forward).parameters
        return {name: tensor.to(self.device) for name, tensor in given.items() if name in allowed}

    @property
    def start_id(self) -> int | None:
        """The token that an encoder-decoder begins to write from; None if it does not say."""
        if self.origin == "course":
            return self.config.start_id
        start = self.config.decoder_start_token_id
        if start is None and self.net.can_generate():
            start = self.net.generation_config.decoder_start_token_id
        return start

    def need_text(self) -> None:
        """ModelError unless it reads text, with the tokenizer that this takes, and its insides are known."""
        if self.origin == "other":
            raise ModelError(
                zh="{model} 的内部结构课程不认识：这里要 cl.load(…)、transformers 的模型、cl.models.port(…) "
                "或 course_lib.nn 里的模型。",
                en="The course does not know what {model} is made of: this takes cl.load(…), "
                "a transformers model, cl.models.port(…) or a model of course_lib.nn.",
                model=self.title,
            )
        if self.origin == "transformers":
            needs_text(self.net, self.name)
        if self.tokenizer is None:
            raise ModelError(
                zh="{model} 没有带分词器，读不了文本：请加上 tokenizer=，也就是训练它时用的那一个。",
                en="{model} came without a tokenizer, so it cannot read text: add tokenizer=, "
                "the one it was trained with.",
                model=self.title,
            )

    def asking(self):
        """A block in which a foreign model's errors become one sentence each."""
        return asking(self.net, self.name) if self.origin == "transformers" else _as_it_is()

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Evaluation mode for the time being, module by module put back."""
        modules = self.net.modules() if isinstance(self.net, nn.Module) else ()
        modes = [(module, module.training) for module in modules]
        for module, _ in modes:
            module.training = False
        try:
            yield
        finally:
            for module, training in modes:
                module.training = training


def model_of(m: Any, tokenizer: Any = None) -> Model:
    """`m`, whatever it is: what `load` returned (anything with .model and .tokenizer), a transformers model,
    a model of `course_lib.nn`, ported or trained here, or any callable ids [B,T] -> logits [B,T,V].

    tokenizer: for a model that brings none: one of transformers', or anything with encode (text -> ids) and
    decode
    (ids -> text). ModelError for anything else, and for a tokenizer that is none.
    """
    if isinstance(m, Model):
        return m if tokenizer is None else replace(m, tokenizer=_tokenizer(tokenizer))
    name, net = "", m
    if not isinstance(m, nn.Module) and hasattr(m, "model") and hasattr(m, "tokenizer"):
        name, net = getattr(getattr(m, "card", None), "name", ""), m.model
        tokenizer = m.tokenizer if tokenizer is None else tokenizer
    if isinstance(net, type) or not callable(net):
        what = (
            repr(net)
            if isinstance(net, (str, int, float, type(None)))
            else getattr(net, "__name__", type(net).__name__)
        )
        raise ModelError(
            zh="这里需要一个模型：cl.load(…)、transformers 的模型（文本还要 tokenizer=）、"
            "cl.models.port(…)，或 course_lib.nn 里的模型；而不是 {what}。",
            en="This takes a model: cl.load(…), a transformers model (with tokenizer= for "
            "text), cl.models.port(…) or a model of course_lib.nn; not {what}.",
            what=what,
        )
    origin, family = family_of(net)
    return Model(net, _tokenizer(tokenizer), name, origin, family, *sizes_of(net, origin))


def _tokenizer(given: Any) -> Any:
    if given is None or callable(given) and hasattr(given, "convert_ids_to_tokens"):
        return given
    if callable(getattr(given, "encode", None)) and callable(getattr(given, "decode", None)):
        return PlainTokenizer(given)
    raise ModelError(
        zh="tokenizer 应是 transformers 的分词器，或有 encode（文本 → 编号）和 decode（编号 → "
        "文本）的对象，而不是 {kind}。",
        en="tokenizer must be one of transformers', or have encode (text -> ids) "
        "and decode (ids -> text), not be a {kind}.",
        kind=type(given).__name__,
    )


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield
