"""transformer.rms_norm: the norm of Llama."""
from __future__ import annotations

import torch
import torch.nn.functional as F

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import AXIS, EPS, HALF, HALF_INPUT, NORM_FORBIDDEN, even_rows

__all__ = ["EXERCISE"]


def rms_norm(x, weight, eps=1e-5):
    """Divide every row by its root mean square, then multiply by weight (Zhang and Sennrich 2019).

    x: [..., D]; weight: [D]. Returns the shape and dtype of x: x / sqrt(mean of squares over the last axis + eps) * weight. No mean is
    subtracted; half precision is computed in float32; differentiable; without F.rms_norm and nn.RMSNorm.
    """
    h = x.float()                                            # half precision overflows
    mean_square = h.pow(2).mean(-1, keepdim=True)            # (..., 1)
    return (h / torch.sqrt(mean_square + eps) * weight).to(x.dtype)


def rms_rsqrt(x, weight, eps=1e-5):
    h = x.to(torch.float32)
    return weight * (h * torch.rsqrt((h * h).mean(dim=-1, keepdim=True) + eps)).to(x.dtype)


def rms_vector_norm(x, weight, eps=1e-5):
    h = x.double()
    size = torch.linalg.vector_norm(h, dim=-1, keepdim=True)
    return (h * weight / (size ** 2 / x.shape[-1] + eps) ** 0.5).type_as(x)


def rms_einsum(x, weight, eps=1e-5):
    h = x.float()
    squares = torch.einsum("...d,...d->...", h, h) / h.size(-1)
    return torch.einsum("...d,d,...->...d", h, weight.float(), (squares + eps) ** -0.5).to(x.dtype)


def rms_rows(x, weight, eps=1e-5):
    rows = [row.float() / (row.float().square().sum() / len(row) + eps).sqrt() * weight for row in x.reshape(-1, x.shape[-1])]
    return torch.stack(rows).reshape(x.shape).to(x.dtype)


def rms_matmul(x, weight, eps=1e-5):
    h = x.float()
    D = h.shape[-1]
    mean_square = (h ** 2) @ torch.full((D, D), 1 / D)       # every column the mean
    return (h * weight * (mean_square + eps).rsqrt()).to(x.dtype)


def rms_normalize(x, weight, eps=1e-5):
    """The L2 norm of the row with sqrt(D * eps) appended."""
    D = x.shape[-1]
    extra = torch.full((*x.shape[:-1], 1), (D * eps) ** 0.5, dtype=torch.float64)
    return (F.normalize(torch.cat([x.double(), extra], dim=-1), dim=-1)[..., :-1] * D ** 0.5 * weight).to(x.dtype)


def _rms_cases(draw: Draw) -> list[Case]:
    eps, zeros = L(zh="eps", en="eps"), L(zh="全是 0 的一行", en="the row of zeros")
    rows = draw.normal(3, 5)
    rows[1] = 0.0
    half = (even_rows(draw, 6) * 256).half().reshape(2, 3, 8)
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([[1.0, 7.0]]), torch.tensor([1.0, 2.0]), 0.0)),
        Case(L(zh="[2,5,6]", en="[2,5,6]"), (draw.normal(2, 5, 6) + 0.5, draw.normal(6))),
        Case(L(zh="eps=0.5", en="eps=0.5"), (draw.normal(3, 4), draw.normal(4), 0.5), eps),
        Case(L(zh="很小的数", en="small numbers"), (draw.normal(4, 5, scale=0.01), draw.normal(5)), eps),
        Case(L(zh="有一行全是 0", en="a row of zeros"), (rows, draw.normal(5)), zeros),
        Case(L(zh="均值离 0 很远", en="a mean far from 0"), (draw.normal(2, 3, 7) + 3.0, draw.normal(7))),
        Case(L(zh="D=1", en="D=1"), (draw.normal(4, 1) + 2.0, draw.normal(1))),
        Case(L(zh="只有一行 [D]", en="one row [D]"), (draw.normal(9), draw.normal(9))),
        Case(L(zh="四个轴，非连续内存", en="four axes, a non-contiguous layout"), (draw.normal(2, 4, 3, 5).transpose(1, 2), draw.normal(5))),
        Case(L(zh="方阵 [4,4]", en="square [4,4]"), (draw.normal(4, 4), draw.normal(4))),
        Case(L(zh="半精度，数很大", en="half precision, large numbers"), (half, draw.grid(8).half()), HALF_INPUT),
    ]


_MEAN_SQUARE = L(zh="分母是“平方的平均”的平方根：先平方，再平均，再开方。", en="The denominator is the root of the mean of the squares: square, then mean, then root.")
_WEIGHT = L(zh="最后乘的是 weight 本身。", en="What is multiplied at the end is weight itself.")

EXERCISE = Exercise(
    id="transformer.rms_norm", title=L(zh="RMSNorm", en="RMSNorm"), reference=rms_norm, returns=Array("... D"), cases=_rms_cases,
    forbidden=NORM_FORBIDDEN, gradients=(0, 1), differentiable=True,
    hints=(
        L(zh="三步：平方沿最后一个轴取平均，加 eps 开方，用它除 x；最后乘 weight。", en="Three steps: the mean of the squares along the last axis; add eps and take the root; divide x by it. Then multiply by weight."),
        L(zh="`mean(-1, keepdim=True)` 保留最后一个轴，长度为 1，这样才能除每一行。", en="`mean(-1, keepdim=True)` keeps the last axis with length 1, so that it divides each row."),
        L(zh="float16 最大只到 65504，300 的平方就溢出了：先 `x.float()`，算完再 `.to(x.dtype)`。", en="float16 ends at 65504, and the square of 300 overflows: compute on `x.float()`, then `.to(x.dtype)`."),
    ),
    mistakes=(
        Mistake("rms-centred", L(zh="先减了均值，成了 LayerNorm", en="the mean is subtracted first, as in LayerNorm"), _MEAN_SQUARE,
                ("h = x.float()", "h = x.float() - x.float().mean(-1, keepdim=True)"), skill="formula", hint=1),
        Mistake("rms-std", L(zh="除以的是标准差：分母里减了均值", en="it is divided by the standard deviation, whose mean is subtracted"), _MEAN_SQUARE,
                ("h.pow(2).mean(-1, keepdim=True)", "h.var(-1, keepdim=True, correction=0)"), skill="formula", hint=1),
        Mistake("rms-sum", L(zh="平方求了和，没有平均：除以的是 L2 范数", en="the squares are summed, not averaged: it is divided by the L2 norm"), _MEAN_SQUARE,
                (".mean(-1, keepdim=True)", ".sum(-1, keepdim=True)"), skill="count", hint=1),
        Mistake("rms-no-sqrt", L(zh="没有开方", en="the root is missing"), _MEAN_SQUARE, ("torch.sqrt(mean_square + eps)", "(mean_square + eps)"), skill="formula", hint=1),
        Mistake("rms-mean-abs", L(zh="平均的是绝对值，不是平方", en="absolute values are averaged, not squares"), _MEAN_SQUARE,
                ("h.pow(2).mean(-1, keepdim=True)", "h.abs().mean(-1, keepdim=True).pow(2)"), skill="formula", hint=1),
        Mistake("rms-square-of-mean", L(zh="先平均再平方", en="the mean is squared, instead of the squares averaged"), _MEAN_SQUARE,
                ("h.pow(2).mean(-1, keepdim=True)", "h.mean(-1, keepdim=True).pow(2)"), skill="formula", hint=1),
        Mistake("rms-unbiased", L(zh="平均时除以了 D-1", en="the mean divides by D - 1"), _MEAN_SQUARE,
                (".mean(-1, keepdim=True)", ".sum(-1, keepdim=True) / (x.shape[-1] - 1)"), skill="count", hint=1),
        Mistake("rms-eps-outside", L(zh="eps 加在了根号外面", en="eps is added outside the root"), EPS, ("torch.sqrt(mean_square + eps)", "(torch.sqrt(mean_square) + eps)"),
                skill="stability", hint=1),
        Mistake("rms-no-eps", L(zh="没有加 eps", en="eps is missing"), EPS, ("mean_square + eps", "mean_square"), skill="stability", hint=1),
        Mistake("rms-fixed-eps", L(zh="eps 总是 1e-5，没有用参数", en="eps is always 1e-5, whatever the argument"), EPS, ("mean_square + eps", "mean_square + 1e-5"),
                skill="stability", hint=1),
        Mistake("rms-multiplied", L(zh="乘了均方根而不是除", en="it is multiplied by the root mean square"), _MEAN_SQUARE, ("h / torch.sqrt", "h * torch.sqrt"), skill="formula", hint=1),
        Mistake("rms-1+weight", L(zh="乘的是 1 + weight（Gemma 的写法）", en="it is multiplied by 1 + weight, as in Gemma"), _WEIGHT, ("* weight)", "* (1 + weight))"),
                convention=True, skill="formula", hint=1),
        Mistake("rms-no-weight", L(zh="没有乘 weight", en="weight is not used"), _WEIGHT, (" * weight)", ")"), skill="formula", hint=1),
        Mistake("rms-weight-divided", L(zh="除以了 weight", en="it is divided by weight"), _WEIGHT, ("* weight)", "/ weight)"), skill="formula", hint=1),
        Mistake("rms-axis", L(zh="沿第一个轴求平均", en="the mean runs along the first axis"), AXIS, (".mean(-1, keepdim=True)", ".mean(0, keepdim=True)"), skill="axis"),
        Mistake("rms-all-axes", L(zh="对整个张量求了一个平均", en="one mean is taken over the whole tensor"), AXIS, (".mean(-1, keepdim=True)", ".mean()"), skill="axis"),
        Mistake("rms-two-axes", L(zh="对最后两个轴一起求了平均", en="the mean runs over the last two axes"), AXIS,
                (".mean(-1, keepdim=True)", ".mean(tuple(range(x.ndim))[-2:], keepdim=True)"), skill="axis"),
        Mistake("rms-half", L(zh="半精度没有换成 float32，平方溢出", en="half precision is not turned into float32, and the squares overflow"), HALF, ("x.float()", "x"),
                skill="stability", hint=3),
        Mistake("rms-in-place", L(zh="就地改动了 x", en="x is changed in place"), L(zh="`x.float()` 对 float32 不复制：就地操作会改到 x。", en="`x.float()` makes no copy of float32: an operation in place reaches x."),
                ("(h / torch.sqrt(mean_square + eps) * weight)", "h.div_(torch.sqrt(mean_square + eps)).mul_(weight)"), skill="alias", hint=1),
    ),
    alternatives=(rms_rsqrt, rms_vector_norm, rms_einsum, rms_rows, rms_matmul, rms_normalize),
    think=L(zh="把 x 整个乘 10，输出几乎不变。那么一行的长短还能传下去吗？", en="With x times 10 the output hardly changes. Can the length of a row still be passed on?"),
)
