"""`look`: one forward pass of any model with every head kept; or arrays that somebody brings, in the same
form."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..models.attention import Attention, Layer, Outcome, most_tokens, run
from ..models.failure import ModelError
from ..models.protocol import Model, model_of
from ..models.reading import Reading, Tokens, read
from .heads import Heads

__all__ = ["Pass", "from_arrays", "look", "scores_before"]


@dataclass
class Pass:
    """One text and its forward pass. parts: "self", or "encoder", "decoder" and "cross"; of bare arrays
    nothing else."""

    text: str
    target: str | None
    parts: dict[str, Heads]
    model: Model | None = None
    reading: Reading | None = None
    outcome: Outcome | None = None
    scored: dict = field(default_factory=dict)  # of one layer: see `scores_before`

    @property
    def part(self) -> str:
        """The part that is asked for if none is named."""
        return "cross" if "cross" in self.parts else next(iter(self.parts))


def look(
    m, text: str | None = None, target: str | None = None, *, tokenizer=None, truncate: bool = False
) -> Pass:
    """`text` read once by `m`, any model that `model_of` takes, or an `Attention`, as it is.

    target: what an encoder-decoder writes; to an encoder, the second sentence of a pair. tokenizer: for a
    model that brings none. ModelError for what cannot be read or looked into; TextTooLong, before anything is
    computed, beyond the context or `most_tokens`.
    """
    if isinstance(m, Attention):
        return Pass(
            "", None, {each.part: from_arrays(each) for each in (m, m.encoder, m.decoder) if each is not None}
        )
    model = model_of(m, tokenizer)
    model.need_text()
    if text is None:
        raise ModelError(
            zh='要看哪段文本？写在模型后面：(m, "文本")',
            en='Which text? It comes after the model: (m, "some text")',
        )
    reading, parts = read(model, None, text, target, truncate, most_tokens(model)), {}

    def keep(layer: Layer) -> None:
        if layer.part not in parts:
            shared = layer.kv_heads if layer.kv_heads < len(layer.weights) else None
            parts[layer.part] = Heads(*reading.sides(layer.part), layer.part, shared)
        norms = None if layer.value_norms is None else layer.value_norms.cpu().numpy()
        parts[layer.part].add(layer.weights.float().cpu().numpy(), norms)

    outcome = run(model, reading, keep)
    return Pass(text, target, parts, model, reading, outcome)


def scores_before(known: Pass, part: str, layer: int) -> np.ndarray:
    """What the softmax of one layer was given, float32 [H, T, S]: q·k/√d, with mask and bias. The pass, of a
    model, is run once more; the last layer asked for is kept."""

    def keep(made: Layer) -> None:
        if (made.part, made.index) == (part, layer):
            known.scored = {(part, layer): made.scores.float().cpu().numpy()}

    if (part, layer) not in known.scored:
        run(known.model, known.reading, keep)
    return known.scored[part, layer]


def from_arrays(given: Attention) -> Heads:
    """Weights that somebody brings; ModelError where no softmax over the keys can have made them."""
    if np.nanmin(given.weights, initial=0) < 0 or np.nanmax(given.weights, initial=0) > 1.02:
        raise ModelError(
            zh="注意力权重应在 0 和 1 之间；这些像是 softmax 之前的分数",
            en="Attention weights lie between 0 and 1; these look like scores before the softmax",
        )
    rows = np.nan_to_num(given.weights.sum(-1))
    if rows.max() > 1.02:  # half precision rounds a row's sum by less
        layer, head, q = np.unravel_index(rows.argmax(), rows.shape)
        raise ModelError(
            zh="注意力的每一行加起来最多是 1；第 {layer} 层第 {head} 头第 {q} 行的和是 "
            "{sum:.2f}。softmax 要沿最后一个轴（键）",
            en="A row of attention sums to at most 1; row {q} of layer {layer}, "
            "head {head} sums to {sum:.2f}. The softmax goes over the last axis, the keys",
            layer=layer,
            head=head,
            q=q,
            sum=float(rows.max()),
        )
    _, _, T, S = given.weights.shape
    causal = T == S and T > 1 and not any(np.triu(layer, 1).any() for layer in given.weights)
    query, key = given.special
    heads = Heads(
        Tokens(given.query_tokens, list(query)),
        Tokens(given.key_tokens, list(key)),
        given.part,
        given.kv_heads,
        causal,
    )
    for layer in given.weights:
        heads.add(layer)
    return heads
