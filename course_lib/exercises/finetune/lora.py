"""finetune.lora: A LoRA linear layer."""
from __future__ import annotations

import torch
import torch.nn.functional as F

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import SCALE

__all__ = ["EXERCISE"]


def lora_linear(x, W, A, B, alpha, bias=None):
    """A linear layer with a low-rank update (Hu et al. 2021): x W^T + (alpha / r) x A^T B^T (+ bias).

    x: [..., in]; W: [out, in]; A: [r, in]; B: [out, r]; bias: [out]. Returns [..., out].
    Later cells train through the result: it must be differentiable.
    """
    r = A.shape[0]
    base = x @ W.T
    update = x @ A.T @ B.T
    y = base + (alpha / r) * update
    return y if bias is None else y + bias


def lora_merged(x, W, A, B, alpha, bias=None):
    return F.linear(x, W + alpha / A.shape[0] * B @ A, bias)


def lora_einsum(x, W, A, B, alpha, bias=None):
    out = torch.einsum("...i,oi->...o", x, W) + alpha * torch.einsum("...i,ri,or->...o", x, A, B) / len(A)
    if bias is not None:
        out = out + bias
    return out


def lora_scaled_a(x, W, A, B, alpha, bias=None):
    out = x @ W.T + x @ (alpha / len(A) * A).T @ B.T
    return out if bias is None else torch.add(out, bias)


def lora_flat(x, W, A, B, alpha, bias=None):
    rows = x.reshape(-1, x.shape[-1]).double()
    out = torch.mm(rows, W.double().t()) + torch.mm(torch.mm(rows, A.double().t()), B.double().t()).mul(alpha).div(B.shape[1])
    out = out + (0 if bias is None else bias)
    return out.reshape(*x.shape[:-1], W.shape[0])


def lora_by_rank(x, W, A, B, alpha, bias=None):
    y = F.linear(x, W, bias)
    for a, b in zip(A, B.T):
        y = y + (x @ a).unsqueeze(-1) * b * (alpha / len(A))
    return y


def _lora_cases(draw: Draw) -> list[Case]:
    def make(*lead, n_in, n_out, r, alpha, bias=False, square=False):
        args = (draw.normal(*lead, n_in), draw.normal(n_out, n_in), draw.normal(r, n_in), draw.normal(n_out, r), alpha)
        return args + ((draw.normal(n_out),) if bias else ())

    W_only = draw.normal(3, 4), draw.normal(5, 4), draw.normal(2, 4), torch.zeros(5, 2), 8.0
    scale, bias = L(zh="缩放 alpha/r", en="the scale alpha/r"), L(zh="偏置", en="the bias")
    return [
        Case(L(zh="in=2，out=2，r=1，alpha=2", en="in=2, out=2, r=1, alpha=2"),
                (draw.grid(1, 2), torch.eye(2), torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0], [2.0]]), 2)),
        Case(L(zh="各轴大小都不同，alpha≠r", en="all sizes different, alpha not r"), make(4, n_in=5, n_out=6, r=2, alpha=7.0)),
        Case(L(zh="alpha=r", en="alpha=r"), make(4, n_in=5, n_out=6, r=3, alpha=3)),
        Case(L(zh="带偏置", en="with a bias"), make(3, n_in=4, n_out=5, r=2, alpha=16, bias=True), bias),
        Case(L(zh="x [B,T,in]，带偏置", en="x [B,T,in] with a bias"), make(2, 3, n_in=6, n_out=4, r=3, alpha=1.5, bias=True), bias),
        Case(L(zh="x [in]", en="x [in]"), make(n_in=4, n_out=3, r=2, alpha=5)),
        Case(L(zh="in=out=r=4", en="in=out=r=4"), make(2, n_in=4, n_out=4, r=4, alpha=6.0), scale),
        Case(L(zh="B=0：刚初始化", en="B=0, as at the start"), W_only),
        Case(L(zh="r=1", en="r=1"), make(2, 2, 2, n_in=3, n_out=5, r=1, alpha=0.5)),
    ]


_LORA_ORDER = L(zh="x 先经过 A（降到 r 维），再经过 B（升到 out 维）。", en="x goes through A first (down to r), then through B (up to out).")

EXERCISE = Exercise(
    id="finetune.lora", title=L(zh="LoRA 线性层",
            en="A LoRA linear layer"), reference=lora_linear, returns=Array("... out"), cases=_lora_cases, gradients=(0, 2, 3),
    differentiable=True,
    hints=(
        L(zh="两条路：原来的 x Wᵀ，和低秩的 x Aᵀ Bᵀ，最后加在一起。", en="Two paths, the old x W^T and the low-rank x A^T B^T, added at the end."),
        L(zh="低秩那条路乘 alpha/r。r 从 A 的形状里取，不要写死。", en="The low-rank path is scaled by alpha/r. Take r from A's shape."),
        L(zh="偏置只加一次，在最后；bias 是 None 时不加。用 `x @ W.T`，前面有几个轴都行。",
                en="The bias is added once, at the end, unless it is None. `x @ W.T` works for any leading axes."),
    ),
    mistakes=(
        Mistake("lora-alpha-only", L(zh="乘的是 alpha，没有除以 r", en="the update is scaled by alpha, not alpha/r"),
                SCALE,
                ("(alpha / r)", "alpha"), skill="scale"),
        Mistake("lora-no-scale", L(zh="低秩那条路没有缩放", en="the update is not scaled"), SCALE,
                ("(alpha / r) * update", "update"),
                skill="scale"),
        Mistake("lora-r/alpha", L(zh="缩放因子倒了：r/alpha", en="the scale is upside down: r/alpha"), SCALE,
                ("(alpha / r)", "(r / alpha)"),
                skill="scale"),
        Mistake("lora-sqrt-r", L(zh="除以了 √r（rsLoRA 的约定）", en="it is divided by √r, the convention of rsLoRA"),
                SCALE,
                ("(alpha / r)", "(alpha / math.sqrt(r))"), skill="scale", convention=True),
        Mistake("lora-div-in", L(zh="除以了输入宽度而不是 r", en="it is divided by the input width, not r"), SCALE,
                ("A.shape[0]", "A.shape[1]"),
                skill="scale"),
        Mistake("lora-scale-all", L(zh="连原来的 x Wᵀ 也缩放了", en="the base path is scaled as well"),
                L(zh="只有低秩那条路要缩放。", en="Only the low-rank path is scaled."),
                ("base + (alpha / r) * update",
                "(base + update) * (alpha / r)"), skill="scale"),
        Mistake("lora-no-base", L(zh="丢了原来的 x Wᵀ", en="the base path x W^T is lost"),
                L(zh="LoRA 是加在原来的层上的。", en="LoRA is added to the old layer."), ("base + (alpha", "(alpha"),
                skill="formula", hint=1),
        Mistake("lora-no-update", L(zh="没有低秩那条路", en="the low-rank path is missing"), _LORA_ORDER,
                ("base + (alpha / r) * update", "base"),
                skill="formula", hint=1),
        Mistake("lora-bias-twice", L(zh="偏置加了两次", en="the bias is added twice"),
                L(zh="偏置只加一次。", en="The bias is added once."),
                ("y + bias", "y + 2 * bias"), skill="count", hint=3),
        Mistake("lora-bias-missing", L(zh="没有加偏置", en="the bias is not added"),
                L(zh="bias 不是 None 时要加。", en="When bias is not None it is added."), ("y + bias", "y"),
                skill="formula", hint=3),
        Mistake("lora-subtract", L(zh="减去了低秩更新", en="the update is subtracted"),
                L(zh="加还是减？", en="Plus or minus?"),
                ("base + (alpha", "base - (alpha"), skill="formula", hint=1),
        Mistake("lora-order", L(zh="A、B 的次序反了", en="A and B are exchanged"), _LORA_ORDER,
                ("x @ A.T @ B.T", "x @ B @ A"), skill="axis",
                hint=1, also=(lambda x, W, A, B, alpha, bias=None: F.linear(x, W + alpha / len(A) * (A.T @ B.T),
                bias),)),
        Mistake("lora-no-transpose", L(zh="W 没有转置", en="W is not transposed"),
                L(zh="W 的形状是 [out,in]。", en="W has shape [out,in]."),
                ("x @ W.T", "x @ W"), skill="axis", hint=3),
        Mistake("lora-bias-scaled", L(zh="偏置也乘了 alpha/r", en="the bias is scaled by alpha/r, too"),
                L(zh="偏置不缩放。", en="The bias is not scaled."), ("y + bias", "y + (alpha / r) * bias"),
                skill="scale", hint=3),
        Mistake("lora-div-out", L(zh="除以了输出宽度而不是 r", en="it is divided by the output width, not r"), SCALE,
                ("A.shape[0]", "B.shape[0]"),
                skill="scale"),
        Mistake("lora-relu", L(zh="A 和 B 之间多了 relu", en="there is a relu between A and B"), _LORA_ORDER,
                ("x @ A.T @ B.T", "torch.relu(x @ A.T) @ B.T"), skill="formula", hint=1),
        Mistake("lora-inplace", L(zh="把更新就地加进了 W", en="the update is added to W in place"),
                L(zh="调用者的 W 不能变。", en="The caller's W must stay as it is."), ("update = x @ A.T @ B.T",
                "update = x @ A.T @ B.T; W += (alpha / r) * B @ A"), skill="alias", hint=1),
        Mistake("lora-floor", L(zh="用了整除 alpha // r",
                en="alpha is divided by r with //, which drops the fraction"),
                L(zh="`//` 会丢掉小数部分。", en="`//` drops the fraction."), ("alpha / r", "alpha // r"),
                skill="scale"),
        Mistake("lora-bias-truth", L(zh="用 if bias 判断有没有偏置：多个数的张量没有真假",
                en="a tensor of several numbers is asked for its truth value"),
                L(zh="用 `bias is None` 判断。", en="Ask `bias is None`."), ("bias is None", "not bias"),
                skill="edge", hint=3),
        Mistake("lora-scale-twice", L(zh="除以了两次 r", en="it is divided by r twice"), SCALE,
                ("(alpha / r)", "(alpha / r / r)"), skill="scale",
                also=((("(alpha / r)", "(alpha / r) ** 2"),),)),
        Mistake("lora-times-r", L(zh="乘了 r 而不是除：alpha·r", en="it is multiplied by r: alpha * r"), SCALE,
                ("(alpha / r)", "(alpha * r)"), skill="scale"),
        Mistake("lora-one-over-r", L(zh="只除以了 r，没有乘 alpha", en="it is divided by r, without alpha"), SCALE,
                ("(alpha / r)", "(1 / r)"), skill="scale"),
        Mistake("lora-tanh", L(zh="A 和 B 之间多了一个非线性", en="there is a nonlinearity between A and B"),
                _LORA_ORDER,
                ("x @ A.T @ B.T", "torch.tanh(x @ A.T) @ B.T"), skill="formula", hint=1,
                also=((("x @ A.T @ B.T", "torch.nn.functional.gelu(x @ A.T) @ B.T"),),
                (("x @ A.T @ B.T", "torch.sigmoid(x @ A.T) @ B.T"),))),
    ),
    alternatives=(lora_merged, lora_einsum, lora_scaled_a, lora_flat, lora_by_rank),
    think=L(zh="in=out=1000、r=8 时，要训练的参数少了多少倍？", en="With in=out=1000 and r=8, by what factor are there fewer parameters to train?"),
)
