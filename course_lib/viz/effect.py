"""What a model predicts with and without some of its heads."""
from __future__ import annotations

from dataclasses import asdict, dataclass

import torch

from ..i18n import L
from ..models.attention import Outcome
from ..models.reading import label

__all__ = ["Effect"]


@dataclass
class Effect:
    """Before and after silencing `heads` [(part, layer, head), ...].

    rows: (token, probability before, probability after), the likeliest of either, at most ten; empty for a model without a
    vocabulary head. divergence: KL(before || after) in bits. similarity: cosine of the mean hidden states, for such a model.
    """

    heads: list[tuple[str, int, int]]
    rows: list[tuple[str, float, float]]
    divergence: float | None = None
    similarity: float | None = None

    @classmethod
    def between(cls, heads: list[tuple[str, int, int]], before: Outcome, after: Outcome, tokenizer, most: int = 10) -> Effect:
        if before.logits is None:
            return cls(heads, [], similarity=float(torch.cosine_similarity(before.pooled, after.pooled, dim=0)))
        p, q = before.logits.log_softmax(-1), after.logits.log_softmax(-1)
        likely = torch.maximum(p, q).topk(min(most, len(p))).indices
        likely = likely[p[likely].argsort(descending=True)]
        rows = [(label(tokenizer, i), float(p[i].exp()), float(q[i].exp())) for i in likely.tolist()]
        kept = p > -torch.inf
        divergence = float((p.exp() * (p - q))[kept].sum() / torch.log(torch.tensor(2.0)))
        return cls(heads, rows, max(0.0, divergence))

    def as_dict(self) -> dict:
        return asdict(self)

    def __str__(self) -> str:
        names = " ".join(f"L{layer}·H{head}" for _, layer, head in self.heads)
        if not self.rows:
            return str(L(zh="没有 {names}：平均隐状态的余弦相似度 {s:.4f}", en="without {names}: cosine of the mean hidden states {s:.4f}").format(names=names, s=self.similarity))
        head = L(zh="没有 {names}：KL {kl:.4f} 比特\n下一个词元          原来     消融后", en="without {names}: KL {kl:.4f} bits\nnext token          before      after")
        return "\n".join([str(head.format(names=names, kl=self.divergence)), *(f"{token!r:<18} {p:>8.4f} {q:>10.4f}" for token, p, q in self.rows)])

    __repr__ = __str__
