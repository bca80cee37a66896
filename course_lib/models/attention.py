"""The attention of one real forward pass of a transformers model, layer by layer.

- `run` is that one pass. It switches the model to eager attention (the only kind that has weights to show) and back,
  and hands each layer's weights to a callback as soon as they exist, so that all of them need never be held at once.
- `capture` keeps them all, as an `Attention`.
- `Outcome` is what the pass predicted; with `ablate`, heads are silenced by zeroing what they send to the output
  projection (zero ablation; Michel et al. 2019, arXiv:1905.10650).
- The value norms are ||f(x_j)|| of Kobayashi et al. 2020 (arXiv:2004.10102): how long the vector is that a weight
  multiplies, after the head's part of the output projection.

    tokens, weights = (a := capture(model, tokenizer, "The cat sat")).tokens, a.weights     # weights: [L, H, T, S]
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from ..i18n import L
from .loaded import ModelError
from .reading import Reading, read

__all__ = ["Attention", "Layer", "Outcome", "capture", "kv_heads", "run"]

_VALUE = ("v_proj", "value", "v_lin", "v", "c_attn")
_FUSED = ("query_key_value", "qkv_proj")        # readable, but without value norms: each model lays these out its own way
_OUTPUT = ("o_proj", "out_proj", "out_lin", "o", "c_proj", "dense")
_CROSS = ("cross", "encoder_attn", "encdec")


@dataclass
class Attention:
    """Attention weights as plain arrays.

    weights: float32 [L, H, T, S], layer, head, query, key; each row over S sums to 1.
    tokens: the text as tokens; the queries' tokens, which for self-attention are the keys' too.
    part: "self", "encoder", "decoder" or "cross"; the cross-attention of an encoder-decoder carries the other two with it.
    """

    tokens: list[str]
    weights: np.ndarray
    query_tokens: list[str] | None = None
    key_tokens: list[str] | None = None
    part: str = "self"
    kv_heads: int | None = None                 # grouped-query attention: heads of a group share keys and values
    special: tuple[list[bool], list[bool]] = ((), ())
    encoder: Attention | None = None
    decoder: Attention | None = None

    def __post_init__(self) -> None:
        self.query_tokens = list(self.tokens if self.query_tokens is None else self.query_tokens)
        self.key_tokens = list(self.query_tokens if self.key_tokens is None else self.key_tokens)
        self.weights = np.asarray(self.weights)
        shape = ("L", "H", len(self.query_tokens), len(self.key_tokens))
        if self.weights.ndim != 4 or self.weights.shape[2:] != shape[2:] or 0 in self.weights.shape:
            raise ModelError(L(zh="weights 的形状应是 [层, 头, {t}, {s}]，实际是 {got}", en="weights must have the shape [layers, heads, {t}, {s}], not {got}")
                             .format(t=shape[2], s=shape[3], got=list(self.weights.shape)))


@dataclass
class Layer:
    """What one attention layer did. weights: [H, T, S]; value_norms: [H, S] or None where the layer's projections are fused."""

    part: str
    index: int
    weights: torch.Tensor
    value_norms: torch.Tensor | None


@dataclass
class Outcome:
    """What the pass ended in: `logits` [V] at `position`, or, for a model without a vocabulary head, the mean last hidden state [D]."""

    logits: torch.Tensor | None
    position: int
    pooled: torch.Tensor | None = None


@dataclass
class _Site:
    """One attention layer in the module tree. `output` mixes the heads: its input is their outputs side by side."""

    part: str
    index: int
    core: torch.nn.Module
    value: torch.nn.Module | None
    output: torch.nn.Module | None
    inside: bool                                # the value projection also makes queries and keys (GPT-2's c_attn)


def _sites(model) -> list[_Site]:
    modules, found, counts = dict(model.named_modules()), [], {}
    for name, module in modules.items():
        value = next((getattr(module, n) for n in _VALUE if isinstance(getattr(module, n, None), torch.nn.Module)), None)
        if "Attention" not in type(module).__name__ or (value is None and not any(hasattr(module, n) for n in _FUSED)):
            continue
        output = next((getattr(module, n) for n in _OUTPUT if hasattr(module, n)), None)
        if output is None:                      # BERT keeps it beside the module, not in it
            output = getattr(getattr(modules.get(name.rpartition(".")[0]), "output", None), "dense", None)
        path = name.lower()
        part = "cross" if any(mark in path for mark in _CROSS) else "self"
        if part == "self" and model.config.is_encoder_decoder:
            part = "encoder" if "encoder." in path.replace("decoder.", "") else "decoder"
        index = counts[part] = counts.get(part, -1) + 1
        found.append(_Site(part, index, module, value, output, hasattr(module, "c_attn")))
    if not found:
        raise ModelError(L(zh="{name} 里没有认得出的注意力层，画不了", en="{name} has no attention layers that this viewer knows how to read").format(
            name=type(model).__name__))
    return found


def kv_heads(model) -> int | None:
    """Number of key-value heads where it is fewer than the number of heads (grouped-query attention), else None."""
    config = model.config
    fewer = getattr(config, "num_key_value_heads", None)
    return fewer if fewer and fewer < config.num_attention_heads else None


def run(model, reading: Reading, on_layer: Callable[[Layer], None] | None = None, ablate: Iterable[tuple[str, int, int]] = ()) -> Outcome:
    """One forward pass without gradients. `on_layer` gets each attention layer's weights; `ablate` silences (part, layer, head)."""
    sites, ablate = _sites(model), set(ablate)
    known = {(site.part, site.index): site for site in sites}
    for part, layer, head in ablate:
        site = known.get((part, layer))
        if site is None or not 0 <= head < _heads(model, site):
            raise ModelError(L(zh="没有第 {layer} 层第 {head} 头", en="there is no layer {layer}, head {head}").format(layer=layer, head=head))
        if site.output is None:
            raise ModelError(L(zh="这个模型的输出投影找不到，没法消融", en="this model's output projection was not found, so its heads cannot be ablated"))
    allowed = inspect.signature(model.forward).parameters
    extra = {name: value for name, value in (("use_cache", False), ("logits_to_keep", 1)) if name in allowed}
    seen: list[int] = []
    with _eager(model), torch.no_grad(), _hooks() as hooks:
        for site in sites:
            if on_layer is not None:
                _watch(site, hooks, on_layer, seen)
            silent = [head for part, layer, head in ablate if (part, layer) == (site.part, site.index)]
            if silent:
                hooks.append(site.output.register_forward_pre_hook(_silence(silent, _heads(model, site))))
        result = model(**reading.inputs, **extra)
    if on_layer is not None and not seen:
        raise ModelError(L(zh="{name} 不返回注意力权重，切换到 eager 也没有", en="{name} returns no attention weights, not even with eager attention").format(
            name=type(model).__name__))
    return _outcome(model, reading, result)


def capture(model, tokenizer, text: str, target: str | None = None, truncate: bool = False) -> Attention:
    """Every weight of the pass over `text`: for an encoder-decoder the cross-attention, which carries `.encoder` and `.decoder`."""
    reading = read(model, tokenizer, text, target, truncate)
    layers: dict[str, list[np.ndarray]] = {}
    run(model, reading, lambda layer: layers.setdefault(layer.part, []).append(layer.weights.float().cpu().numpy()))
    made = {}
    for part, weights in layers.items():
        query, key = reading.sides(part)
        made[part] = Attention(query.labels, np.stack(weights), query.labels, key.labels, part, kv_heads(model), (query.special, key.special))
    if "cross" not in made:
        return made["self"]
    made["cross"].encoder, made["cross"].decoder = made.get("encoder"), made.get("decoder")
    return made["cross"]


def _heads(model, site: _Site) -> int:
    for name in ("num_heads", "num_attention_heads", "n_heads"):
        if isinstance(getattr(site.core, name, None), int):
            return getattr(site.core, name)
    return model.config.num_attention_heads


@contextmanager
def _eager(model):
    """Eager attention and evaluation mode for the time being; both are put back."""
    before, training = model.config._attn_implementation, model.training
    try:
        if before != "eager":
            model.set_attn_implementation("eager")
        model.eval()
        yield
    finally:
        if before != "eager":
            model.set_attn_implementation(before)
        model.train(training)


@contextmanager
def _hooks():
    handles: list = []
    try:
        yield handles
    finally:
        for handle in handles:
            handle.remove()


def _watch(site: _Site, hooks: list, on_layer: Callable[[Layer], None], seen: list[int]) -> None:
    values: list[torch.Tensor] = []

    def keep_value(module, inputs, output) -> None:
        values[:] = [output[0].chunk(3 if output.shape[-1] % 3 == 0 else 2, dim=-1)[-1] if site.inside else output[0]]

    def keep_weights(module, inputs, output) -> None:
        # Some models return a position bias before the weights; the weights are the last tensor of four axes.
        found = [t for t in output if torch.is_tensor(t) and t.dim() == 4] if isinstance(output, tuple) else []
        if not found:
            return
        seen.append(site.index)
        weights = found[-1][0]                                  # (H, T, S)
        norms = _value_norms(values[0], site.output, weights.shape[0]) if values and site.output is not None else None
        on_layer(Layer(site.part, site.index, weights, norms))

    if site.value is not None:
        hooks.append(site.value.register_forward_hook(keep_value))
    hooks.append(site.core.register_forward_hook(keep_weights))


def _value_norms(value: torch.Tensor, output: torch.nn.Module, heads: int) -> torch.Tensor:
    """||W_h v_j|| for every head h and key j. value: (S, KV * D) -> (H, S)"""
    mix = output.weight if isinstance(output, torch.nn.Linear) else output.weight.T          # (model, H * D); GPT-2's Conv1D is transposed
    D = mix.shape[1] // heads
    v = value.unflatten(-1, (-1, D)).transpose(0, 1).float()    # (KV, S, D)
    v = v.repeat_interleave(heads // v.shape[0], dim=0)         # (H, S, D)
    W = mix.float().unflatten(-1, (heads, D)).transpose(0, 1)   # (H, model, D)
    gram = W.transpose(1, 2) @ W                                # ||Wv||^2 = v' (W'W) v: D x D instead of model x S
    return ((v @ gram) * v).sum(-1).clamp_min(0).sqrt()


def _silence(heads: list[int], of: int) -> Callable:
    def zero(module, inputs):
        x = inputs[0].unflatten(-1, (of, -1)).clone()           # (B, T, H, D)
        x[..., heads, :] = 0
        return (x.flatten(-2), *inputs[1:])
    return zero


def _outcome(model, reading: Reading, result) -> Outcome:
    logits = getattr(result, "logits", None)
    if logits is None or logits.dim() != 3:
        hidden = result.last_hidden_state if hasattr(result, "last_hidden_state") else result[0]
        return Outcome(None, -1, hidden[0].float().mean(0).cpu())
    ids = (reading.target or reading.source).ids
    position = len(ids) - 1
    if "MaskedLM" in type(model).__name__:
        position = ids.index(reading.mask_id) if reading.mask_id in ids else -1
    if position < 0:
        return Outcome(None, -1, logits[0].float().mean(0).cpu())
    return Outcome(logits[0, -1 if logits.shape[1] == 1 else position].float().cpu(), position)
