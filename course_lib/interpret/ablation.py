"""What a model predicts with and without some of its heads, in the terms of what that model is for.

ablate(m, "The cat sat on the", [(5, 3)])           # -> Effect: the next token, with and without head 3 of
layer 5
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import torch

from ..i18n import L
from ..models.attention import Outcome, run
from ..models.reading import label
from .passes import Pass, look

__all__ = ["Effect", "ablate", "ablated"]

_WORDS = {
    "next": L(zh="下一个词元", en="next token"),
    "masked": L(zh="遮住的词元", en="masked token"),
    "class": L(zh="类别", en="class"),
    "labels": L(zh="标签", en="label"),
    "value": L(zh="输出值", en="value"),
    "tokens": L(zh="词元的类别", en="token’s class"),
    "span": L(zh="答案的起止", en="answer’s span"),
    "scores": L(zh="平均 logits", en="mean logits"),
    "hidden": L(zh="平均隐状态", en="mean hidden state"),
}


@dataclass
class Effect:
    """Before and after silencing `heads` [(part, layer, head), ...]; kind: see `Outcome`.

    rows: (name, before, after), at most ten: probabilities of the likeliest tokens or classes of either, or
    of the token classes and span ends that moved most; for kind "value" the numbers themselves; empty for
    "scores" and "hidden".
    divergence: KL(before || after) in bits, of tokens the mean, of a span's two ends and of independent
    labels the sum; None for a "value". similarity: cosine before and after, for "scores" and "hidden".
    """

    heads: list[tuple[str, int, int]]
    rows: list[tuple[str, float, float]]
    divergence: float | None = None
    similarity: float | None = None
    kind: str = "next"

    @classmethod
    def between(
        cls,
        heads: list[tuple[str, int, int]],
        before: Outcome,
        after: Outcome,
        tokenizer,
        tokens: list[str],
        most: int = 10,
    ) -> Effect:
        """tokens: labels of the text, for outcomes that have one distribution a token."""
        kind, names, x, y = before.kind, before.names, before.logits, after.logits
        if kind in ("scores", "hidden"):
            return cls(heads, [], similarity=float(torch.cosine_similarity(x, y, dim=0)), kind=kind)
        if kind == "value":
            return cls(heads, list(zip(names, x.tolist(), y.tolist()))[:most], kind=kind)
        if kind == "labels":  # each its own yes or no
            p, q = (torch.stack((z, -z), -1) for z in (x, y))
            p, q = (torch.nn.functional.logsigmoid(z) for z in (p, q))
            rows = cls._moved(p[:, 0], q[:, 0], names, most)
            return cls(heads, rows, float(_bits(p, q).sum()), kind=kind)
        p, q = x.log_softmax(-1), y.log_softmax(-1)
        if kind in ("next", "masked", "class"):
            either = torch.maximum(p, q).topk(min(most, len(p))).indices
            likely = either[p[either].argsort(descending=True)].tolist()
            name = (lambda i: names[i]) if kind == "class" else (lambda i: label(tokenizer, i))
            return cls(
                heads,
                [(name(i), float(p[i].exp()), float(q[i].exp())) for i in likely],
                float(_bits(p, q)),
                kind=kind,
            )
        if kind == "tokens":
            top = p.argmax(-1)
            at = torch.arange(len(p))
            named = [f"{token.strip()} · {names[i]}" for token, i in zip(tokens, top.tolist())]
            return cls(
                heads, cls._moved(p[at, top], q[at, top], named, most), float(_bits(p, q).mean()), kind=kind
            )
        ends = [f"{mark} {token.strip()}" for mark in ("⟦", "⟧") for token in tokens]
        return cls(
            heads, cls._moved(p.flatten(), q.flatten(), ends, most), float(_bits(p, q).sum()), kind=kind
        )

    @staticmethod
    def _moved(
        p: torch.Tensor, q: torch.Tensor, names: list[str], most: int
    ) -> list[tuple[str, float, float]]:
        p, q = p.exp(), q.exp()
        chosen = (p - q).abs().topk(min(most, len(p))).indices
        return [(names[i], float(p[i]), float(q[i])) for i in chosen.tolist()]

    def as_dict(self) -> dict:
        """What the browser gets; `of` names the outcome in both languages."""
        words = _WORDS[self.kind]
        return {**asdict(self), "of": {"zh": words.zh, "en": words.en}}

    def __str__(self) -> str:
        names = " ".join(f"L{layer}·H{head}" for _, layer, head in self.heads)
        words = _WORDS[self.kind]
        if self.similarity is not None:
            return str(
                L(
                    zh="没有 {names}：{of}的余弦相似度 {s:.4f}",
                    en="without {names}: cosine of the {of} {s:.4f}",
                ).format(names=names, of=words, s=self.similarity)
            )
        head = L(zh="没有 {names}", en="without {names}").format(names=names)
        if self.divergence is not None:
            head = L(zh="{head}：KL {kl:.4f} 比特", en="{head}: KL {kl:.4f} bits").format(
                head=head, kl=self.divergence
            )
        columns = L(zh="{of:<14}原来     消融后", en="{of:<18}  before      after").format(of=str(words))
        return "\n".join(
            [str(head), str(columns), *(f"{name!r:<18} {p:>8.4f} {q:>10.4f}" for name, p, q in self.rows)]
        )

    __repr__ = __str__


def ablate(
    m,
    text: str,
    heads: Iterable[tuple[int, int]],
    target: str | None = None,
    *,
    part: str | None = None,
    tokenizer=None,
) -> Effect:
    """What `m` (any model that `model_of` takes) predicts for `text` with and without `heads` [(layer, head),
    ...].

    part: "encoder", "decoder" or "cross" of an encoder-decoder, by default "cross". ModelError: there is no
    such head.
    """
    known = look(m, text, target, tokenizer=tokenizer)
    return ablated(known, [(part or known.part, layer, head) for layer, head in heads])


def ablated(known: Pass, heads: list[tuple[str, int, int]]) -> Effect:
    """The same for a pass that is known, of a model; heads: [(part, layer, head), ...], none for what it
    predicts as it is."""
    reading = known.reading
    after = run(known.model, reading, ablate=heads) if heads else known.outcome
    tokens = (reading.target or reading.source).labels
    return Effect.between(heads, known.outcome, after, known.model.tokenizer, tokens)


def _bits(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """KL in bits over the last axis of two tables of natural log-probabilities; what has no probability adds
    nothing."""
    terms = torch.where(p > -torch.inf, p.exp() * (p - q), 0.0)
    return (terms.sum(-1) / torch.log(torch.tensor(2.0))).clamp_min(0)
