"""`trace`: what each part of one forward pass of a decoder made, from the token ids to the logits, as arrays.

    found = trace(m, "The cat sat on the")  # any decoder that `port` knows, or one of `course_lib.nn`
    found.tensors["k"].shape                            # (1, 3, 5, 64): B, G, T, d

The arrays are the model's own, taken where they arise in its one pass: hooks on its modules, found by
`porting.layout`, and in attention, which is no module, the product and the softmax themselves. Inside the
blocks only block 0 is kept, and of all others the length of what they add up to.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..nn import Decoder, DecoderConfig
from .attention import eager
from .failure import ModelError
from .porting import layout
from .protocol import Model, model_of
from .reading import Tokens, encode, label, read_tokens
from .watch import PRODUCT, SOFTMAX

__all__ = ["Trace", "trace"]

_BLOCK = "stack.blocks.{i}."


@dataclass
class Trace:
    """One text and its pass. tensors: float32, but for "ids" (int64), each as the pass had it, batch axis and
    all:

    ids [B,T] · embedding, x0 (what enters block 0), norm1, attention (after the output projection), x1
    (attention added), norm2, down, x2 (the feed-forward network added), final (the last norm) [B,T,D] · q,
    q_turned, mixed [B,H,T,d] · k, k_turned, v [B,G,T,d] · scores, weights [B,H,T,S] · gate (if there is one),
    up, hidden [B,T,F] · lengths [L+1,B,T], of the vectors before each block and after the last · logits
    [B,T,V]. q_turned and k_turned are what meets in the scores; without RoPE they equal q and k. Scores that
    the mask hides are -inf.
    likely: (id, label, probability) of the 16 likeliest next tokens, best first.
    """

    text: str
    tokens: Tokens
    config: DecoderConfig
    title: str
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    likely: list[tuple[int, str, float]] = field(default_factory=list)


def trace(m, text: str, *, tokenizer=None, most: int | None = None) -> Trace:
    """`text` read once by `m`, a decoder that `model_of` takes; at most `most` tokens of it.

    ModelError: no decoder, one that `port` does not know, an empty text; TextTooLong.
    """
    model = model_of(m, tokenizer)
    config, where = _layout(model)
    encoded = encode(model, text, most=most)
    inputs = model.inputs(encoded)
    source = read_tokens(model.tokenizer, encoded["input_ids"][0].tolist())
    recorder = _Recorder(config, where)
    # the last: in the open
    wanted, allowed = (
        {"use_cache": False, "return_weights": True},
        inspect.signature(model.net.forward).parameters,
    )
    with eager(model), model.asking(), torch.no_grad(), recorder:
        model.net(**inputs, **{name: value for name, value in wanted.items() if name in allowed})
    tensors = {"ids": encoded["input_ids"], **recorder.finished()}
    values, ids = tensors["logits"][0, -1].softmax(-1).topk(min(16, config.vocab_size))
    likely = [(token, label(model.tokenizer, token), p) for token, p in zip(ids.tolist(), values.tolist())]
    return Trace(
        text,
        source,
        config,
        model.title,
        {name: tensor.cpu().numpy() for name, tensor in tensors.items()},
        likely,
    )


def _layout(model: Model):
    """(config, from the name of a module of `nn.Decoder` to the model's own); ModelError for what is no such
    decoder."""
    config = None
    if isinstance(model.net, Decoder):
        config, where = model.net.config, lambda name: [model.net.get_submodule(name)]
    elif model.origin == "transformers" and model.family == "causal":
        config, where = layout(model.net)
    if config is None or not config.norm_first:
        raise ModelError(
            zh="{model} 不是这里能走一遍的解码器：要 cl.load(…) 或 transformers 的 "
            "GPT-2、Llama、Mistral、Qwen2 模型，或先归一化的 cl.nn.Decoder。",
            en="{model} is no decoder that can be followed here: this takes a GPT-2, Llama, Mistral "
            "or Qwen2 model of cl.load(…) or transformers, or a "
            "cl.nn.Decoder with its norms first.",
            model=model.title,
        )
    return config, where


class _Recorder(TorchFunctionMode):
    """While active, keeps what the parts of a pass take and make, by the names of `Trace`."""

    def __init__(self, config: DecoderConfig, where) -> None:
        super().__init__()
        self.config, self.where = config, where
        self.seen: dict[str, Tensor] = {}
        self.lengths: list[Tensor] = []
        self._attending = False
        self._hooks: list = []

    def __enter__(self) -> _Recorder:
        block, last = _BLOCK.format(i=0), self.config.n_layer - 1
        self._hear("stack.tokens", made="embedding")
        self._hear(block + "attention_norm", took="x0", made="norm1")
        self._hear(block + "attention.qkv", made="qkv")
        self._hear(block + "attention.out", took="mixed", made="attention")
        self._hear(block + "feed_forward_norm", took="x1", made="norm2")
        self._hear(block + "feed_forward.up", made="up")
        self._hear(block + "feed_forward.down", took="hidden", made="down")
        self._hear(_BLOCK.format(i=1) + "attention_norm" if last else "stack.norm", took="x2")
        self._hear("stack.norm", made="final")
        self._hear("head", made="logits")
        norms = [self.where(_BLOCK.format(i=i) + "attention_norm")[0] for i in range(last + 1)] + self.where(
            "stack.norm"
        )
        self._hooks += [
            norm.register_forward_pre_hook(lambda _, inputs: self.lengths.append(inputs[0].norm(dim=-1)))
            for norm in norms
        ]
        return super().__enter__()

    def __exit__(self, *error) -> None:
        super().__exit__(*error)
        for hook in self._hooks:
            hook.remove()

    def _hear(self, name: str, took: str = "", made: str = "") -> None:
        """Keep what a module takes and makes; of several that stand for one of ours, their results side by
        side."""

        def heard(_module, inputs, output) -> None:
            if took:
                self.seen[took] = inputs[0]
            if made:
                self.seen[made] = torch.cat((self.seen[made], output), -1) if made in self.seen else output
                self._attending = made == "qkv"

        self._hooks += [module.register_forward_hook(heard) for module in self.where(name)]

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if self._attending and func in PRODUCT and "q_turned" not in self.seen:
            self.seen["q_turned"], keys = args[0], args[1].transpose(-2, -1)
            # each is there once for each head that shares it
            self.seen["k_turned"] = keys[:, :: keys.shape[1] // self.config.n_kv_head]
        elif self._attending and func in SOFTMAX:
            self.seen["scores"], self.seen["weights"] = args[0], result
        return result

    def finished(self) -> dict[str, Tensor]:
        """All tensors, float32, in the shapes of `Trace`."""
        c, seen = self.config, {name: tensor.float() for name, tensor in self.seen.items()}
        heads = lambda x: x.unflatten(-1, (-1, c.d_head)).transpose(1, 2)  # (B, T, h*d) -> (B, h, T, d)
        q, k, v = seen.pop("qkv").split([c.n_head * c.d_head, *2 * [c.n_kv_head * c.d_head]], dim=-1)
        seen |= {
            "q": heads(q),
            "k": heads(k),
            "v": heads(v),
            "mixed": heads(seen["mixed"]),
            "lengths": torch.stack(self.lengths).float(),
        }
        # some write the mask as the least float
        seen["scores"] = seen["scores"].masked_fill(seen["scores"] < -1e30, -torch.inf)
        if c.gated:
            seen["gate"], seen["up"] = seen["up"].chunk(2, dim=-1)
        return seen
