"""The attention of one real forward pass of any model of the course (`protocol`), layer by layer.

- `run` is that one pass. It has the model attend in the open (eager, the kind that has weights to show), and
  hands each layer's weights to a callback as soon as they exist, so that all of them need never be held at
  once. How they are found, without knowing the model's class, is in `watch`.
- `capture` keeps them all, as an `Attention`.
- `Outcome` is what the pass predicted (`outcome`); with `ablate`, heads are silenced: their weights are zero,
  so they add nothing to what the output projection reads (zero ablation; Michel et al. 2019,
  arXiv:1905.10650). A layer is one execution: where one module serves all layers (ALBERT), silencing a head
  of layer 0 leaves the same head of layer 1 alone.
- The value norms are ||f(x_j)|| of Kobayashi et al. 2020 (arXiv:2004.10102): how long the vector is that a
  weight multiplies, after the head's part of the output projection.

    # weights: [L, H, T, S]
    tokens, weights = (a := capture(model, tokenizer, "The cat sat")).tokens, a.weights
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..i18n import L
from ..nn import GPT
from .convert import quiet
from .failure import ModelError
from .outcome import Outcome, outcome_of
from .protocol import Model, model_of
from .reading import Reading, read
from .watch import Product, Watch

__all__ = ["Attention", "Layer", "Outcome", "capture", "eager", "most_tokens", "run"]

# bytes of float32 weights that one text may take: 1,324 tokens of SmolLM2-135M (30 layers of 9 heads)
MEMORY = 2 << 30
_CROSS = ("cross", "encoder_attn", "encdec")


@dataclass
class Attention:
    """Attention weights as plain arrays.

    weights: float32 [L, H, T, S], layer, head, query, key. Given as numpy, as a tensor of any float type
    (with a gradient, on any device), or as transformers' tuple of layers [1, H, T, S]; kept as numpy. Each
    row over S sums to 1, or to less where
    a part went to no token: to a learnt sink (GPT-OSS), or nowhere, because the row was masked. `sink` says
    how much.
    tokens: the text as tokens; the queries' tokens, which for self-attention are the keys' too.
    part: "self", "encoder", "decoder" or "cross"; the cross-attention of an encoder-decoder carries the other
    two with it.
    """

    tokens: list[str]
    weights: np.ndarray
    query_tokens: list[str] | None = None
    key_tokens: list[str] | None = None
    part: str = "self"
    kv_heads: int | None = None  # grouped-query attention: heads of a group share keys and values
    special: tuple[Sequence[bool], Sequence[bool]] = ((), ())
    encoder: Attention | None = None
    decoder: Attention | None = None

    def __post_init__(self) -> None:
        self.query_tokens = list(self.tokens if self.query_tokens is None else self.query_tokens)
        self.key_tokens = list(self.query_tokens if self.key_tokens is None else self.key_tokens)
        self.weights = _array(self.weights)
        shape = ("L", "H", len(self.query_tokens), len(self.key_tokens))
        if self.weights.ndim != 4 or self.weights.shape[2:] != shape[2:] or 0 in self.weights.shape:
            raise ModelError(
                zh="weights 的形状应是 [层, 头, {t}, {s}]，实际是 {got}",
                en="weights must have the shape [layers, heads, {t}, {s}], not {got}",
                t=shape[2],
                s=shape[3],
                got=list(self.weights.shape),
            )

    @property
    def sink(self) -> np.ndarray:
        """float32 [L, H, T]: the share of each row that went to no token."""
        return np.maximum(0, 1 - self.weights.sum(-1))


def _array(weights) -> np.ndarray:
    """float32, from whatever holds the numbers."""
    try:
        if (
            isinstance(weights, (tuple, list))
            and len(weights)
            and all(torch.is_tensor(layer) for layer in weights)
        ):
            weights = torch.stack(
                [layer[0] if layer.dim() == 4 and len(layer) == 1 else layer for layer in weights]
            )
        if torch.is_tensor(weights):
            weights = weights.detach().float().cpu().numpy()
        return (
            np.asarray(weights).astype(np.float32, casting="same_kind")
            if np.asarray(weights).dtype.kind == "f"
            else np.asarray(weights, np.float32)
        )
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            zh="weights 应是数字组成的数组 [层, 头, T, S]：{error}",
            en="weights must be an array of numbers, [layers, heads, T, S]: {error}",
            error=str(error).splitlines()[0],
        ) from error


@dataclass
class Layer:
    """What one attention layer did; `index` counts the layers of its part that have softmax attention (a
    hybrid has others).

    weights: [H, T, S]. scores: [H, T, S], what the softmax made them of (q·k/√d, with the model's mask and
    bias).
    value_norms: [H, S], or None where what reads the heads is no linear map of them (a norm or a gate stands
    between).
    kv_heads: how many heads have values of their own.
    """

    part: str
    index: int
    weights: torch.Tensor
    scores: torch.Tensor
    value_norms: torch.Tensor | None
    kv_heads: int


def most_tokens(model) -> int:
    """How many tokens of one text can be read before the weights of all layers and heads would take more than
    `MEMORY`."""
    model = model_of(model)
    if isinstance(model.net, GPT):
        first: Any = model.net.blocks[0]
        layers, heads = len(model.net.blocks), first.attention.n_head
    else:
        config = model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config
        layers, heads = (
            _size(config, "num_hidden_layers", "n_layer"),
            _size(config, "num_attention_heads", "n_head"),
        )
    parts = 3 if model.family == "seq2seq" else 1
    return int((MEMORY / 4 / (parts * (layers + 4) * heads)) ** 0.5)  # 4: a layer's own temporary copies


def _size(config, *names: str) -> int:
    """A list where layers differ; nothing where there is no attention."""
    value = next((value for name in names if (value := getattr(config, name, None))), 1)
    return max(value) if isinstance(value, (list, tuple)) else value if isinstance(value, int) else 1


def run(
    model,
    reading: Reading,
    on_layer: Callable[[Layer], None] | None = None,
    ablate: Iterable[tuple[str, int, int]] = (),
) -> Outcome:
    """One forward pass without gradients. `on_layer` gets each attention layer's weights; `ablate` silences
    (part, layer, head).

    model: any that `model_of` takes; it needs no tokenizer any more. ModelError, with the reason, for a model
    whose attention is no table of queries and keys or which has none.
    """
    model = model_of(model)
    silent: dict[tuple[str, int], list[int]] = {}
    for part, layer, head in ablate:
        silent.setdefault((part, layer), []).append(head)
    # heads of each layer of each part; runs seen; shapes [H,T,S] that fit no part
    tables, calls, other = ({}, set(), [])
    at = None

    def begin(path: str, call: int, shape: torch.Size) -> list[int] | None:
        nonlocal at
        part = _part(model, path)
        query, key = reading.sides(part)
        if shape[1:] != (len(query), len(key)):
            other.append(shape)
            return None
        if call in calls:
            raise ModelError(
                zh="{model} 的每一层算好几张注意力表再合成一张（如差分注意力），单画哪一张都会误导",
                en="{model} combines several attention tables in each layer (as differential attention "
                "does): a picture of any one would mislead",
                model=type(model.net).__name__,
            )
        calls.add(call)
        at = part, len(tables.setdefault(part, []))
        tables[part].append(shape[0])
        return [head for head in silent.get(at, ()) if 0 <= head < shape[0]]

    def tell(product: Product) -> None:
        on_layer(Layer(*at, product.weights, product.scores, product.value_norms, _kv_heads(product)))

    if not isinstance(model.net, torch.nn.Module):
        model.need_text()  # which says why not
    allowed = inspect.signature(model.net.forward).parameters
    # the last: `course_lib.nn` in the open
    wanted = {"use_cache": False, "logits_to_keep": 1, "return_weights": True}
    extra = {name: value for name, value in wanted.items() if name in allowed}
    watch = Watch(model.net, begin, on_layer and tell)
    try:
        with eager(model), torch.no_grad(), watch:
            result = model.net(**reading.inputs, **extra)
    except ModelError:
        raise
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        ImportError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise ModelError(
            zh="{model} 读这段文本时出错：{error}",
            en="{model} failed while reading this text: {error}",
            model=type(model.net).__name__,
            error=f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}",
        ) from error
    _complete(model, tables, other, watch.softmaxes)
    for (part, layer), heads in silent.items():
        for head in heads:
            if layer not in range(len(tables.get(part, ()))) or head not in range(tables[part][layer]):
                raise ModelError(
                    zh="没有第 {layer} 层第 {head} 头",
                    en="there is no layer {layer}, head {head}",
                    layer=layer,
                    head=head,
                )
    return outcome_of(model, reading, result)


def capture(model, tokenizer, text: str, target: str | None = None, truncate: bool = False) -> Attention:
    """Every weight of the pass over `text`: for an encoder-decoder the cross-attention, which carries
    `.encoder` and `.decoder`.

    model: any that `model_of` takes. `TextTooLong` beyond `most_tokens(model)`, before anything is computed.
    """
    model = model_of(model, tokenizer)
    reading = read(model, None, text, target, truncate, most_tokens(model))
    layers: dict[str, list[np.ndarray]] = {}
    groups: dict[str, set[int]] = {}

    def keep(layer: Layer) -> None:
        layers.setdefault(layer.part, []).append(layer.weights.float().cpu().numpy())
        groups.setdefault(layer.part, set()).add(layer.kv_heads)

    run(model, reading, keep)
    made = {}
    for part, weights in layers.items():
        query, key = reading.sides(part)
        fewer = max(groups[part])
        made[part] = Attention(
            query.labels,
            np.stack(weights),
            query.labels,
            key.labels,
            part,
            fewer if fewer < len(weights[0]) else None,
            (query.special, key.special),
        )
    if "cross" not in made:
        return made.get("self") or made.get("decoder") or made["encoder"]
    made["cross"].encoder, made["cross"].decoder = made.get("encoder"), made.get("decoder")
    return made["cross"]


def _part(model: Model, path: str) -> str:
    path = path.lower()
    if any(mark in path for mark in _CROSS):
        return "cross"
    if model.family != "seq2seq":
        return "self"
    return next(
        (name for step in path.split(".") for name in ("encoder", "decoder") if name in step), "encoder"
    )


def _kv_heads(product: Product) -> int:
    """Heads with values of their own; neighbours of a group share them (grouped-query attention)."""
    values = product.values
    if values is None or len(values) == 1:
        return len(product.weights)
    own = 1 + int((values[1:] != values[:-1]).flatten(1).any(1).sum())
    shared = (
        values[:: len(values) // own].repeat_interleave(len(values) // own, dim=0)
        if len(values) % own == 0
        else None
    )
    return own if shared is not None and torch.equal(shared, values) else len(values)


def _complete(model: Model, tables: dict[str, list[int]], other: list[torch.Size], softmaxes: int) -> None:
    """ModelError with the reason unless each kind of attention that the model has was seen in every layer."""
    name = type(model.net).__name__
    if not softmaxes:
        raise ModelError(
            zh="{name} 里没有 softmax 注意力：它用别的办法混合词元（如状态空间、卷积、傅里叶变换），"
            "没有权重可画",
            en="{name} has no softmax attention: it mixes tokens in another way (a state space, "
            "convolutions, a Fourier transform), so there are no weights to draw",
            name=name,
        )
    parts = ("encoder", "decoder", "cross") if model.family == "seq2seq" else ("self",)
    for heads in tables.values():
        if len(set(heads)) > 1:
            raise ModelError(
                zh="{name} 各层的头数不同（{heads}），这里按“层 × 头”的表显示，放不下",
                en="The layers of {name} have different numbers of heads ({heads}), "
                "which do not fit a table of layers by heads",
                name=name,
                heads=", ".join(map(str, heads)),
            )
    # a table of other heads is no attention: experts, streams that mix
    known = {count for counts in tables.values() for count in counts}
    if all(part in tables for part in parts) and not any(shape[0] in known for shape in other):
        return
    shapes = ", ".join(sorted({f"{T} × {S}" for _, T, S in other}))
    raise ModelError(
        zh="{name} 的注意力不是逐词元的“查询 × 键”表{shapes}：它分窗、分块、合并或添加词元，"
        "照词元画出来会是错的",
        en="The attention of {name} is no table of this text's tokens (queries x keys{shapes}): it works in "
        "windows or blocks, or pools or adds tokens, and a picture token by token would be wrong",
        name=name,
        shapes=shapes and L(zh="（{0}）", en="; it is {0}").format(shapes),
    )


@contextmanager
def eager(model: Model):
    """Eager attention and evaluation mode for the time being; both are put back."""
    net, before = model.net, getattr(model.config, "_attn_implementation", None)
    switch = before not in (None, "eager") and hasattr(net, "set_attn_implementation")
    try:
        if switch:
            with quiet():  # a few say that they cannot be switched; then the fused kernel is read
                net.set_attn_implementation("eager")
        with model.evaluating():
            yield
    finally:
        if switch:
            with quiet():
                net.set_attn_implementation(before)
