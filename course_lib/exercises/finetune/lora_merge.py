"""finetune.lora_merge: merging a LoRA update."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import SCALE

__all__ = ["EXERCISE"]


def lora_merge(W, A, B, alpha):
    """Fold a LoRA update into the weight: W + (alpha / r) B A, as a new tensor.

    W: [out, in]; A: [r, in]; B: [out, r]. Returns [out, in].
    """
    r = A.shape[0]
    return W + (alpha / r) * (B @ A)


def merge_addmm(W, A, B, alpha):
    return torch.addmm(W, B, A, alpha=alpha / A.size(0))


def merge_in_copy(W, A, B, alpha):
    merged = W.clone()
    merged += B @ A * (alpha / B.shape[1])
    return merged


def merge_numpy(W, A, B, alpha):
    return W.numpy() + alpha / len(A) * (B.numpy() @ A.numpy())


def merge_outer(W, A, B, alpha):
    merged = W.detach().double()
    for row, column in zip(A, B.T):
        merged = merged + torch.outer(column, row) * alpha / len(A)
    return merged


def merge_einsum(W, A, B, alpha):
    return torch.einsum("or,ri->oi", B, A).mul(alpha).div(A.shape[0]).add(W)


def _merge_cases(draw: Draw) -> list[Case]:
    def make(n_out, n_in, r, alpha):
        return draw.normal(n_out, n_in), draw.normal(r, n_in), draw.normal(n_out, r), alpha

    alias = L(zh="不改动任何东西的合并", en="a merge that changes nothing")
    return [
        Case(L(zh="2×2，r=1，alpha=2", en="2 x 2, r=1, alpha=2"),
                (torch.eye(2), torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0], [2.0]]), 2)),
        Case(L(zh="out=5，in=4，r=2，alpha=7", en="out=5, in=4, r=2, alpha=7"), make(5, 4, 2, 7.0)),
        Case(L(zh="out=in=r=3", en="out=in=r=3"), make(3, 3, 3, 5)),
        Case(L(zh="alpha=r", en="alpha=r"), make(4, 6, 2, 2)),
        Case(L(zh="r=1，alpha=0.5", en="r=1, alpha=0.5"), make(3, 5, 1, 0.5)),
        Case(L(zh="B=0", en="B=0"), (draw.normal(3, 4), draw.normal(2, 4), torch.zeros(3, 2), 4), alias),
        Case(L(zh="alpha=0", en="alpha=0"), make(3, 4, 2, 0), alias),
    ]


EXERCISE = Exercise(
    id="finetune.lora_merge", title=L(zh="合并 LoRA 权重",
            en="Merging a LoRA update"), reference=lora_merge, returns=Array("out in"), cases=_merge_cases, fresh=True, gradients=(0, 1, 2),
    hints=(
        L(zh="合并之后一层就够了：新的 W 要和“原来的 W 加低秩路”给出同样的结果。",
                en="After merging one layer is enough: the new W gives what the old W and the low-rank path gave together."),
        L(zh="B 是 [out,r]，A 是 [r,in]：哪个乘积的形状是 [out,in]？", en="B is [out,r] and A is [r,in]: which product is [out,in]?"),
        L(zh="缩放 alpha/r 不能忘。返回新的张量：`W += ...` 会改动调用者的权重。",
                en="Mind the scale alpha/r. Return a new tensor: `W += ...` changes the caller's weight."),
    ),
    mistakes=(
        Mistake("lora-merge-scale", L(zh="合并时忘了缩放", en="the scale is forgotten when merging"), SCALE,
                ("(alpha / r) * (B @ A)", "(B @ A)"),
                skill="scale", hint=3),
        Mistake("lora-alpha-only", L(zh="乘的是 alpha，没有除以 r", en="the update is scaled by alpha, not alpha/r"),
                SCALE,
                ("(alpha / r)", "alpha"), skill="scale", hint=3),
        Mistake("lora-r/alpha", L(zh="缩放因子倒了：r/alpha", en="the scale is upside down: r/alpha"), SCALE,
                ("(alpha / r)", "(r / alpha)"),
                skill="scale", hint=3),
        Mistake("lora-sqrt-r", L(zh="除以了 √r（rsLoRA 的约定）", en="it is divided by √r, the convention of rsLoRA"),
                SCALE,
                ("(alpha / r)", "(alpha / math.sqrt(r))"), skill="scale", convention=True, hint=3),
        Mistake("lora-order", L(zh="A、B 的次序反了", en="A and B are exchanged"),
                L(zh="哪个乘积的形状是 [out,in]？", en="Which product is [out,in]?"),
                ("(B @ A)", "(A @ B)"), skill="axis"),
        Mistake("lora-merge-transposed", L(zh="更新多了一次转置", en="the update is transposed"),
                L(zh="哪个乘积的形状是 [out,in]？", en="Which product is [out,in]?"), ("(B @ A)", "(B @ A).T"),
                skill="axis"),
        Mistake("lora-merge-inplace", L(zh="就地改了 W", en="W is changed in place"),
                L(zh="`W += ...` 和 `W.add_()` 会改动调用者的张量。",
                en="`W += ...` and `W.add_()` change the caller's tensor."),
                        ("return W + (alpha / r) * (B @ A)", "W += (alpha / r) * (B @ A)\n    return W"),
                skill="alias", hint=3),
        Mistake("lora-merge-update-only", L(zh="只返回了更新，没有加上 W",
                en="only the update is returned, without W"),
                L(zh="合并之后的权重包含原来的 W。", en="The merged weight contains the old W."),
                ("W + (alpha", "(alpha"), skill="formula", hint=1),
        Mistake("lora-merge-subtract", L(zh="减去了更新（那是拆开）",
                en="the update is subtracted, which is unmerging"),
                L(zh="加还是减？", en="Plus or minus?"), ("W + (alpha", "W - (alpha"), skill="formula", hint=1),
        Mistake("lora-merge-twice", L(zh="更新合并了两次", en="the update is merged twice"),
                L(zh="更新只加一次。", en="The update is added once."),
                ("(alpha / r) * (B @ A)", "2 * (alpha / r) * (B @ A)"), skill="count", hint=1),
        Mistake("lora-div-in", L(zh="除以了输入宽度而不是 r", en="it is divided by the input width, not r"), SCALE,
                ("A.shape[0]", "A.shape[1]"),
                skill="scale", hint=3),
        Mistake("lora-scale-all", L(zh="连 W 也缩放了", en="W is scaled as well"),
                L(zh="只有更新要缩放。", en="Only the update is scaled."),
                ("W + (alpha / r) * (B @ A)", "(W + B @ A) * (alpha / r)"), skill="scale", hint=3),
        Mistake("lora-floor", L(zh="用了整除 alpha // r",
                en="alpha is divided by r with //, which drops the fraction"),
                L(zh="`//` 会丢掉小数部分。", en="`//` drops the fraction."), ("alpha / r", "alpha // r"),
                skill="scale", hint=3),
        Mistake("lora-scale-twice", L(zh="除以了两次 r", en="it is divided by r twice"), SCALE,
                ("(alpha / r)", "(alpha / r / r)"), skill="scale", hint=3,
                also=((("(alpha / r)", "(alpha / r) ** 2"),),)),
        Mistake("lora-div-out", L(zh="除以了输出宽度而不是 r", en="it is divided by the output width, not r"), SCALE,
                ("A.shape[0]", "B.shape[0]"),
                skill="scale", hint=3),
        Mistake("lora-times-r", L(zh="乘了 r 而不是除：alpha·r", en="it is multiplied by r: alpha * r"), SCALE,
                ("(alpha / r)", "(alpha * r)"),
                skill="scale", hint=3),
        Mistake("lora-one-over-r", L(zh="只除以了 r，没有乘 alpha", en="it is divided by r, without alpha"), SCALE,
                ("(alpha / r)", "(1 / r)"),
                skill="scale", hint=3),
        Mistake("lora-merge-times-W", L(zh="更新乘到了 W 上，而不是加上去",
                en="the update multiplies W instead of being added"),
                L(zh="W + …：更新是加上去的。", en="W + ...: the update is added."), ("W + (alpha", "W * (alpha"),
                skill="formula", hint=1),
        Mistake("lora-merge-elementwise", L(zh="B 和 A 是逐元素相乘的，不是矩阵乘",
                en="B and A are multiplied element by element, not as matrices"),
                L(zh="哪个乘积的形状是 [out,in]？", en="Which product is [out,in]?"), ("(B @ A)", "(B * A)"),
                skill="axis"),
        Mistake("lora-merge-same", L(zh="返回的就是 W，没有更新", en="W is returned without the update"),
                L(zh="更新加到哪里去了？", en="Where does the update go?"),
                ("W + (alpha / r) * (B @ A)", "W.clone()"), skill="formula", hint=1,
                also=((("W + (alpha / r) * (B @ A)", "W"),),)),
    ),
    alternatives=(merge_addmm, merge_in_copy, merge_numpy, merge_outer, merge_einsum),
    think=L(zh="合并之后怎样拆开？浮点数上能完全还原吗？", en="How would you unmerge it? Is that exact in floating point?"),
)
