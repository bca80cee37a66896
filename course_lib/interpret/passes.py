"""What the viewer keeps of one text: the heads of its forward pass, or of arrays that somebody brings."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import CourseError
from ..i18n import L
from ..models import attention as models
from ..models.reading import Reading, Tokens, read
from ..viz.attention.coding import Heads

__all__ = ["Pass", "ViewError", "forward_pass", "from_arrays"]


class ViewError(CourseError, ValueError):
    """What was asked for cannot be shown."""


@dataclass
class Pass:
    """One text and its forward pass; `reading` and `outcome` are None for bare arrays."""

    text: str
    target: str | None
    parts: dict[str, Heads]
    reading: Reading | None = None
    outcome: models.Outcome | None = None


def forward_pass(model, tokenizer, text: str, target: str | None, truncate: bool) -> Pass:
    """`text` read once; TextTooLong, before anything is computed, beyond `most_tokens` or the model's context."""
    reading, parts = read(model, tokenizer, text, target, truncate, models.most_tokens(model)), {}

    def keep(layer: models.Layer) -> None:
        if layer.part not in parts:
            shared = layer.kv_heads if layer.kv_heads < len(layer.weights) else None
            parts[layer.part] = Heads(*reading.sides(layer.part), layer.part, shared)
        parts[layer.part].add(layer.weights.float().cpu().numpy(), None if layer.value_norms is None else layer.value_norms.cpu().numpy())

    outcome = models.run(model, reading, keep)
    return Pass(text, target, parts, reading, outcome)


def from_arrays(given: models.Attention) -> Heads:
    """Weights that somebody brings; ViewError where no softmax over the keys can have made them."""
    if np.nanmin(given.weights, initial=0) < 0 or np.nanmax(given.weights, initial=0) > 1.02:
        raise ViewError(L(zh="注意力权重应在 0 和 1 之间；这些像是 softmax 之前的分数", en="Attention weights lie between 0 and 1; these look like scores before the softmax"))
    rows = np.nan_to_num(given.weights.sum(-1))
    if rows.max() > 1.02:                       # half precision rounds a row's sum by less
        layer, head, q = np.unravel_index(rows.argmax(), rows.shape)
        raise ViewError(L(zh="注意力的每一行加起来最多是 1；第 {layer} 层第 {head} 头第 {q} 行的和是 {sum:.2f}。softmax 要沿最后一个轴（键）",
                          en="A row of attention sums to at most 1; row {q} of layer {layer}, head {head} sums to {sum:.2f}. The softmax goes over the last axis, the keys")
                        .format(layer=layer, head=head, q=q, sum=float(rows.max())))
    _, _, T, S = given.weights.shape
    causal = T == S and T > 1 and not any(np.triu(layer, 1).any() for layer in given.weights)
    query, key = given.special
    heads = Heads(Tokens(given.query_tokens, list(query)), Tokens(given.key_tokens, list(key)), given.part, given.kv_heads, causal)
    for layer in given.weights:
        heads.add(layer)
    return heads
