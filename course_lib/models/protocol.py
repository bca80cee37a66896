"""One protocol for every model of the course: whatever a reader has becomes one small object with what the rest asks of it.

    model_of(cl.load("smollm2-135m"))                                   # brings its tokenizer
    model_of(a_transformers_model, tokenizer)                           # any class of theirs
    model_of(cl.models.port("minilm-l6"), tokenizer)                    # or a model of `course_lib.nn` trained a minute ago
    model_of(lambda ids: logits)                                        # can write, and cannot be looked into
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ..i18n import L
from ..nn import GPT, Decoder, Encoder, Seq2Seq
from .checkpoint import ModelError, asking, kind_of, needs_text
from .plain import PlainTokenizer

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Model", "family_of", "model_of", "positions"]


@dataclass(frozen=True)
class Model:
    """net: the torch module, or a bare callable. origin: "transformers", "course" (`course_lib.nn`) or "other", of which only ids ->
    logits is known. family: "causal", "masked", "encoder" (writes nothing: vectors or classes), "seq2seq". name: of its card, or "".
    context: how many tokens its positions can number; vocabulary: how many ids it knows; None where it does not say.
    """

    net: nn.Module | Callable[[Tensor], Any]
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
        """ids long [B,T] -> [B,T,V], T = 1 where the model answers for the last alone; ModelError for one that gives none or needs more."""
        found = None
        if self.family in ("causal", "masked"):
            with self.asking():
                output = self.net(ids)
            found = getattr(output, "logits", output)
        if not torch.is_tensor(found) or found.dim() != 3 or len(found) != len(ids):
            raise ModelError(L(zh="{0} 不能由词元编号 [B, T] 给出 logits [B, T, V]。", en="{0} gives no logits [B, T, V] for ids [B, T].").format(self.title))
        return found

    def following(self, ids: Tensor, past: Any = None, read: int = 0, keep: bool = False) -> tuple[Tensor, Any]:
        """Logits [B,V] of the token after `ids`, of which `past` holds the first `read`; and, if `keep` and the model can, what holds them all.

        Not for `course_lib.nn`, whose stacks have a cache of their own.
        """
        if self.origin != "transformers":
            return self.logits(ids)[:, -1].float(), None
        takes, extra = inspect.signature(self.net.forward).parameters, {}
        if "past_key_values" in takes:
            extra = {"past_key_values": past, "use_cache": keep}
        if past is not None and "position_ids" in takes and getattr(self.config, "rope_parameters", None):
            extra["position_ids"] = torch.arange(read, ids.shape[1], device=ids.device)[None]      # Bamba counts from 0 again without
        if "logits_to_keep" in takes:
            extra["logits_to_keep"] = 1
        output = self.net(input_ids=ids[:, read:], **extra)
        past = output.get("past_key_values") if keep else None
        return output.logits[:, -1].float(), past if hasattr(past, "reorder_cache") else None

    def inputs(self, encoded: Mapping[str, Tensor], target: Tensor | None = None) -> dict[str, Tensor]:
        """What its forward takes of a tokenizer's tensors for one text (and of the ids of a target), under its own names."""
        given = dict(encoded)
        if self.origin == "course":                     # one text has no padding, so that no mask is needed
            given = {"ids": given["input_ids"]}
            if getattr(self.config, "n_segment", 0) and "token_type_ids" in encoded:
                given["segments"] = encoded["token_type_ids"]
        if target is not None:
            given["target" if self.origin == "course" else "decoder_input_ids"] = target
        allowed = inspect.signature(self.net.forward).parameters
        return {name: tensor.to(self.device) for name, tensor in given.items() if name in allowed}

    def write(self, inputs: dict[str, Tensor], most: int) -> Tensor:
        """What an encoder-decoder writes by itself, greedily, without its last token: ids [1,T], at most `most`. One that cannot
        write (a classifier) reads its source again, shifted by one, as transformers has it."""
        if self.origin == "transformers":
            if not self.net.can_generate():
                source = inputs["input_ids"]
                return torch.cat((torch.full_like(source[:, :1], self.start_id()), source[:, :-1]), dim=1)
            with self.asking(), torch.no_grad():
                return self.net.generate(**inputs, max_new_tokens=most, num_beams=1, do_sample=False)[:, :-1]
        with self.evaluating(), torch.no_grad():
            memory, ids = self.net.encode(inputs["ids"]), torch.full_like(inputs["ids"][:, :1], self.start_id())
            for _ in range(most):
                token = self.net(None, ids, memory=memory)[:, -1].argmax(-1, keepdim=True)             # (1, 1)
                if token.item() == self.tokenizer.eos_token_id:
                    return ids
                ids = torch.cat((ids, token), dim=1)
        return ids[:, :-1]

    def start_id(self) -> int:
        """The token that an encoder-decoder begins to write from."""
        if self.origin == "course":
            return self.config.start_id
        start = self.config.decoder_start_token_id
        start = self.net.generation_config.decoder_start_token_id if start is None and self.net.can_generate() else start
        if start is None:
            raise ModelError(L(zh="config.json 里没有 decoder_start_token_id，不知道解码器从哪个词元开始。",
                               en="config.json has no decoder_start_token_id: which token the decoder starts from is unknown."))
        return start

    def need_text(self) -> None:
        """ModelError unless it reads text, with the tokenizer that this takes, and its insides are known."""
        if self.origin == "other":
            raise ModelError(L(
                zh="{0} 的内部结构课程不认识：这里要 cl.load(…)、transformers 的模型、cl.models.port(…) 或 course_lib.nn 里的模型。",
                en="The course does not know what {0} is made of: this takes cl.load(…), a transformers model, cl.models.port(…) or a model of "
                   "course_lib.nn.").format(self.title))
        if self.origin == "transformers":
            needs_text(self.net, self.name)
        if self.tokenizer is None:
            raise ModelError(L(
                zh="{0} 没有带分词器，读不了文本：请加上 tokenizer=，也就是训练它时用的那一个。",
                en="{0} came without a tokenizer, so it cannot read text: add tokenizer=, the one that it was trained with.").format(self.title))

    def asking(self):
        """A block in which a foreign model's errors become one sentence each."""
        return asking(self.net, self.name) if self.origin == "transformers" else _as_it_is()

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Evaluation mode for the time being, module by module put back."""
        modes = [(module, module.training) for module in self.net.modules()] if isinstance(self.net, nn.Module) else []
        for module, _ in modes:
            module.training = False
        try:
            yield
        finally:
            for module, training in modes:
                module.training = training


def model_of(m: Any, tokenizer: Any = None) -> Model:
    """`m`, whatever it is: what `load` returned (anything with .model and .tokenizer), a transformers model, a model of `course_lib.nn`,
    ported or trained here, or any callable ids [B,T] -> logits [B,T,V].

    tokenizer: for a model that brings none: a transformers-like one, or anything with encode (text -> ids) and decode (ids -> text).
    ModelError for anything else, and for a tokenizer that is none.
    """
    if isinstance(m, Model):
        return m if tokenizer is None else model_of(m.net, tokenizer)
    name, net = "", m
    if not isinstance(m, nn.Module) and hasattr(m, "model") and hasattr(m, "tokenizer"):
        name, net = getattr(getattr(m, "card", None), "name", ""), m.model
        tokenizer = m.tokenizer if tokenizer is None else tokenizer
    if isinstance(net, type) or not callable(net):
        raise ModelError(L(
            zh="这里需要一个模型：cl.load(…)、transformers 的模型（文本还要 tokenizer=）、cl.models.port(…)，或 course_lib.nn 里的模型；而不是 {0}。",
            en="This takes a model: cl.load(…), a transformers model (with tokenizer= for text), cl.models.port(…) or a model of course_lib.nn; "
               "not {0}.").format(repr(net) if isinstance(net, (str, int, float, type(None))) else getattr(net, "__name__", type(net).__name__)))
    origin, family = family_of(net)
    return Model(net, _tokenizer(tokenizer), name, origin, family, *_sizes(net, origin))


def family_of(net: Any) -> tuple[str, str]:
    """(origin, family), as in `Model`."""
    config = getattr(net, "config", None)
    if isinstance(net, (Decoder, GPT)):
        return "course", "causal"
    if isinstance(net, Seq2Seq):
        return "course", "seq2seq"
    if isinstance(net, Encoder):
        return "course", "masked" if config.mlm_head else "encoder"
    return ("transformers", kind_of(net)) if isinstance(net, nn.Module) and hasattr(config, "model_type") else ("other", "causal")


def _sizes(net: Any, origin: str) -> tuple[int | None, int | None]:
    """(context, vocabulary)"""
    if isinstance(net, GPT):
        return net.positions.num_embeddings, net.tokens.num_embeddings
    config = getattr(net, "config", None)
    context, vocabulary = (value if isinstance(value := getattr(config, name, None), int) else None for name in ("context", "vocab_size"))
    return (positions(net), _rows(net, vocabulary)) if origin == "transformers" else (context, vocabulary)


def _rows(net: nn.Module, declared: int | None) -> int | None:
    """How many ids the embedding of a transformers model has a row for."""
    try:
        return net.get_input_embeddings().weight.shape[0]
    except (AttributeError, NotImplementedError):               # it embeds in another way, or keeps its weights in another
        return declared


def positions(model: nn.Module, target: bool = False) -> int | None:
    """How many tokens the positions of a transformers model can number, None without a limit. target: those of the text that it writes."""
    from transformers import PreTrainedConfig

    part = "decoder" if target else "encoder"
    config = getattr(model.config, part, None)
    if not isinstance(config, PreTrainedConfig):                # only composites keep a config for each half
        config = model.config.get_text_config() if not model.config.is_encoder_decoder else model.config
    names = (f"max_{part}_position_embeddings", "max_position_embeddings", "n_positions", "max_target_positions")
    declared = next((n for name in names if isinstance(n := getattr(config, name, None), int) and n > 0), None)     # XLNet writes -1
    if declared is None:
        return None
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding) and "position" in name and module.padding_idx is not None and module.num_embeddings == declared:
            return declared - module.padding_idx - 1            # RoBERTa: positions are counted from the one after the padding's
    return declared


def _tokenizer(given: Any) -> Any:
    if given is None or callable(given) and hasattr(given, "convert_ids_to_tokens"):
        return given
    if callable(getattr(given, "encode", None)) and callable(getattr(given, "decode", None)):
        return PlainTokenizer(given)
    raise ModelError(L(zh="tokenizer 应是 transformers 的分词器，或有 encode（文本 → 编号）和 decode（编号 → 文本）的对象，而不是 {0}。",
                       en="tokenizer must be one of transformers', or have encode (text -> ids) and decode (ids -> text); it is {0}.").format(
                           type(given).__name__))


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield
