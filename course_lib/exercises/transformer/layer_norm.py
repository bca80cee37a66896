"""transformer.layer_norm: layer normalisation."""
from __future__ import annotations

import torch
import torch.nn.functional as F

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import AXIS, EPS, HALF, HALF_INPUT, NORM_FORBIDDEN, even_rows

__all__ = ["EXERCISE"]


def layer_norm(x, weight, bias, eps=1e-5):
    """Layer normalisation (Ba, Kiros and Hinton 2016).

    x: [..., D]; weight, bias: [D]. Over the last axis: subtract the mean, divide by sqrt(variance + eps), where the variance divides by D;
    times weight, plus bias. Returns the shape and dtype of x; half precision is computed in float32; differentiable; without F.layer_norm
    and nn.LayerNorm.
    """
    h = x.float()                                            # half precision overflows
    centred = h - h.mean(-1, keepdim=True)
    variance = centred.pow(2).mean(-1, keepdim=True)         # (..., 1)
    normed = centred / torch.sqrt(variance + eps)
    return (normed * weight + bias).to(x.dtype)


def layer_norm_var(x, weight, bias, eps=1e-5):
    h = x.to(torch.float32)
    variance, mean = torch.var_mean(h, dim=-1, correction=0, keepdim=True)
    return ((h - mean) * torch.rsqrt(variance + eps) * weight + bias).to(x.dtype)


def layer_norm_squares(x, weight, bias, eps=1e-5):
    h = x.double()
    mean = h.mean(-1, keepdim=True)
    variance = (h * h).mean(-1, keepdim=True) - mean ** 2
    return ((h - mean) / (variance.clamp(min=0) + eps) ** 0.5 * weight + bias).type_as(x)


def layer_norm_rows(x, weight, bias, eps=1e-5):
    rows = []
    for row in x.float().reshape(-1, x.shape[-1]):
        centred = row - row.sum() / len(row)
        rows.append(weight * (centred / (centred.dot(centred) / len(row) + eps).sqrt()) + bias)
    return torch.stack(rows).view(x.shape).to(x.dtype)


def layer_norm_matmul(x, weight, bias, eps=1e-5):
    """Centring as a matrix: I - 1/D."""
    h, D = x.float(), x.shape[-1]
    centred = h @ (torch.eye(D) - 1 / D)
    return torch.addcmul(bias.float(), centred / (centred.square().sum(-1, keepdim=True) / D + eps).sqrt(), weight.float()).to(x.dtype)


def layer_norm_einsum(x, weight, bias, eps=1e-5):
    h = x.float() - x.float().mean(dim=-1)[..., None]
    scale = (torch.einsum("...d,...d->...", h, h) / h.size(-1) + eps).pow(-0.5)
    return (torch.einsum("...d,...,d->...d", h, scale, weight.float()) + bias).to(x.dtype)


def layer_norm_normalize(x, weight, bias, eps=1e-5):
    """The L2 norm of the centred row with sqrt(D * eps) appended."""
    h, D = x.double(), x.shape[-1]
    extra = torch.full((*x.shape[:-1], 1), (D * eps) ** 0.5, dtype=torch.float64)
    unit = F.normalize(torch.cat([h - h.mean(-1, keepdim=True), extra], dim=-1), dim=-1)[..., :-1]
    return (unit * D ** 0.5 * weight + bias).to(x.dtype)


def _layer_norm_cases(draw: Draw) -> list[Case]:
    eps, constant = L(zh="eps", en="eps"), L(zh="常数的一行", en="the constant row")
    rows = draw.normal(3, 4)                                 # 1/4 needs no rounding, and where all is eps, rounding would show
    rows[1] = 2.0
    half = (even_rows(draw, 6) * 256).half().reshape(2, 3, 8)
    both = lambda D: (draw.normal(D), draw.normal(D))
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([[1.0, 3.0]]), torch.tensor([2.0, 2.0]), torch.tensor([0.0, 1.0]), 0.0)),
        Case(L(zh="[2,5,6]", en="[2,5,6]"), (draw.normal(2, 5, 6) + 0.5, *both(6))),
        Case(L(zh="eps=0.5", en="eps=0.5"), (draw.normal(3, 4), *both(4), 0.5), eps),
        Case(L(zh="很小的数", en="small numbers"), (draw.normal(4, 5, scale=0.01), *both(5)), eps),
        Case(L(zh="有一行全是 2", en="a row of twos"), (rows, *both(4)), constant),
        Case(L(zh="均值离 0 很远", en="a mean far from 0"), (draw.normal(2, 3, 7) + 3.0, *both(7))),
        Case(L(zh="D=1", en="D=1"), (draw.grid(4, 1), *both(1)), constant),
        Case(L(zh="只有一行 [D]", en="one row [D]"), (draw.normal(9), *both(9))),
        Case(L(zh="四个轴，非连续内存", en="four axes, a non-contiguous layout"), (draw.normal(2, 4, 3, 5).transpose(1, 2), *both(5))),
        Case(L(zh="方阵 [4,4]", en="square [4,4]"), (draw.normal(4, 4), *both(4))),
        Case(L(zh="半精度，数很大", en="half precision, large numbers"), (half, draw.grid(8).half(), draw.grid(8).half()), HALF_INPUT),
    ]


_VARIANCE = L(zh="方差是离均值的平方的平均，除以 D；分母是它的平方根。", en="The variance is the mean of the squared distances from the mean, divided by D; the denominator is its root.")
_AFFINE = L(zh="先乘 weight，再加 bias。", en="Times weight first, then plus bias.")
_CENTRE = L(zh="分子和方差里都要减均值。", en="The mean is subtracted above the line and inside the variance.")

EXERCISE = Exercise(
    id="transformer.layer_norm", title=L(zh="LayerNorm", en="LayerNorm"), reference=layer_norm, returns=Array("... D"), cases=_layer_norm_cases,
    forbidden=NORM_FORBIDDEN, gradients=(0, 1, 2), differentiable=True,
    hints=(
        L(zh="对每一行：减均值，除以 √(方差 + eps)，再乘 weight、加 bias。", en="For each row: subtract the mean, divide by √(variance + eps), then times weight, plus bias."),
        L(zh="`mean(-1, keepdim=True)` 沿最后一个轴取平均，并保留这个轴，广播才对得上。方差也用 mean：除以 D，不是 D-1。",
          en="`mean(-1, keepdim=True)` averages along the last axis and keeps it, so that broadcasting fits. The variance is a mean as well: divided by D, not D - 1."),
        L(zh="float16 的平方很容易溢出：先 `x.float()`，算完再 `.to(x.dtype)`。", en="Squares overflow easily in float16: compute on `x.float()`, then `.to(x.dtype)`."),
    ),
    mistakes=(
        Mistake("ln-unbiased", L(zh="方差除以了 D-1", en="the variance divides by D - 1"), _VARIANCE,
                ("centred.pow(2).mean(-1, keepdim=True)", "centred.pow(2).sum(-1, keepdim=True) / (x.shape[-1] - 1)"), skill="count"),
        Mistake("ln-variance-sum", L(zh="平方求了和，没有平均", en="the squares are summed, not averaged"), _VARIANCE,
                ("centred.pow(2).mean(-1", "centred.pow(2).sum(-1"), skill="count"),
        Mistake("ln-no-sqrt", L(zh="除以了方差，没有开方", en="it is divided by the variance, without a root"), _VARIANCE, ("torch.sqrt(variance + eps)", "(variance + eps)"),
                skill="formula", hint=1),
        Mistake("ln-mean-abs", L(zh="除以了平均绝对偏差", en="it is divided by the mean absolute distance"), _VARIANCE,
                ("centred.pow(2).mean(-1, keepdim=True)", "centred.abs().mean(-1, keepdim=True).pow(2)"), skill="formula", hint=1),
        Mistake("ln-eps-outside", L(zh="eps 加在了根号外面", en="eps is added outside the root"), EPS, ("torch.sqrt(variance + eps)", "(torch.sqrt(variance) + eps)"),
                skill="stability", hint=1),
        Mistake("ln-no-eps", L(zh="没有加 eps", en="eps is missing"), EPS, ("variance + eps", "variance"), skill="stability", hint=1),
        Mistake("ln-fixed-eps", L(zh="eps 总是 1e-5，没有用参数", en="eps is always 1e-5, whatever the argument"), EPS, ("variance + eps", "variance + 1e-5"), skill="stability", hint=1),
        Mistake("ln-rms", L(zh="没有减均值，成了 RMSNorm", en="the mean is not subtracted at all, as in RMSNorm"), _CENTRE, ("h - h.mean(-1, keepdim=True)", "h"), skill="formula", hint=1),
        Mistake("ln-not-centred", L(zh="分子没有减均值", en="the mean is subtracted in the variance only"), _CENTRE, ("normed = centred /", "normed = h /"), skill="formula", hint=1),
        Mistake("ln-raw-squares", L(zh="方差里没有减均值", en="the mean is not subtracted inside the variance"), _CENTRE, ("centred.pow(2)", "h.pow(2)"), skill="formula", hint=1),
        Mistake("ln-only-centred", L(zh="只减了均值，没有除以标准差", en="the mean is subtracted and nothing is divided"), _VARIANCE,
                ("centred / torch.sqrt(variance + eps)", "centred"), skill="formula", hint=1),
        Mistake("ln-no-weight", L(zh="没有乘 weight", en="weight is not used"), _AFFINE, ("normed * weight", "normed"), skill="formula", hint=1),
        Mistake("ln-no-bias", L(zh="没有加 bias", en="bias is not used"), _AFFINE, (" * weight + bias", " * weight"), skill="formula", hint=1),
        Mistake("ln-bias-first", L(zh="先加了 bias，再乘 weight", en="bias is added before the multiplication by weight"), _AFFINE,
                ("(normed * weight + bias)", "((normed + bias) * weight)"), skill="formula", hint=1),
        Mistake("ln-1+weight", L(zh="乘的是 1 + weight", en="it is multiplied by 1 + weight"), _AFFINE, ("normed * weight", "normed * (1 + weight)"), convention=True,
                skill="formula", hint=1),
        Mistake("ln-axis", L(zh="沿第一个轴归一化", en="it normalises along the first axis"), AXIS, ("h - h.mean(-1,", "h - h.mean(0,"), ("centred.pow(2).mean(-1,", "centred.pow(2).mean(0,"),
                skill="axis"),
        Mistake("ln-all-axes", L(zh="整个张量只用了一个均值和方差", en="one mean and variance are taken over the whole tensor"), AXIS,
                ("h - h.mean(-1, keepdim=True)", "h - h.mean()"), ("centred.pow(2).mean(-1, keepdim=True)", "centred.pow(2).mean()"), skill="axis"),
        Mistake("ln-two-axes", L(zh="对最后两个轴一起归一化", en="it normalises over the last two axes"), AXIS,
                ("h - h.mean(-1,", "h - h.mean(tuple(range(x.ndim))[-2:],"), ("centred.pow(2).mean(-1,", "centred.pow(2).mean(tuple(range(x.ndim))[-2:],"), skill="axis"),
        Mistake("ln-exchanged", L(zh="weight 和 bias 用反了", en="weight and bias are exchanged"), _AFFINE, ("normed * weight + bias", "normed * bias + weight"),
                skill="formula", hint=1),
        Mistake("ln-half", L(zh="半精度没有换成 float32，平方溢出", en="half precision is not turned into float32, and the squares overflow"), HALF, ("x.float()", "x"),
                skill="stability", hint=3),
        Mistake("ln-in-place", L(zh="就地改动了 x", en="x is changed in place"), L(zh="`x.float()` 对 float32 不复制：就地操作会改到 x。", en="`x.float()` makes no copy of float32: an operation in place reaches x."),
                ("centred = h - h.mean(-1, keepdim=True)", "centred = h.sub_(h.mean(-1, keepdim=True))"), skill="alias", hint=1),
    ),
    alternatives=(layer_norm_var, layer_norm_squares, layer_norm_rows, layer_norm_matmul, layer_norm_einsum, layer_norm_normalize),
    think=L(zh="批归一化沿批取平均。为什么语言模型宁可让每个位置只看自己？", en="Batch norm averages over the batch. Why do language models let each position look at itself alone?"),
)
