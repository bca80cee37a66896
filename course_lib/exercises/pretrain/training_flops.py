"""pretrain.training_flops: what a training run costs, and how well it used its machines."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Scalar, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def training_flops(n_params, n_tokens, seconds, peak_flops):
    """The arithmetic of a training run, 6 N D for forward and backward (Kaplan et al. 2020), and the share of the peak that it reached.

    peak_flops: per second, of all devices together. Returns floats (flops, mfu): mfu (model FLOPs utilisation) is the achieved FLOP per second
    over peak_flops, a share of 1, not per cent. seconds or peak_flops not above 0 raises ValueError, first of all; 0 tokens give (0.0, 0.0).
    """
    if seconds <= 0 or peak_flops <= 0:
        raise ValueError("seconds and peak_flops must be above 0")
    flops = 6.0 * n_params * n_tokens                        # 2 forward, 4 backward
    return flops, flops / seconds / peak_flops


def _checked(seconds, peak_flops):
    if not (seconds > 0 and peak_flops > 0):
        raise ValueError("not above 0")


def flops_parts(n_params, n_tokens, seconds, peak_flops):
    _checked(seconds, peak_flops)
    forward = 2 * n_params * n_tokens
    backward = 2 * forward
    return float(forward + backward), (forward + backward) / (seconds * peak_flops)


def flops_speed(n_params, n_tokens, seconds, peak_flops):
    """By the speed: tokens a second, and how many the peak would allow."""
    _checked(seconds, peak_flops)
    per_token = 6 * n_params
    return per_token * float(n_tokens), n_tokens / seconds * (per_token / peak_flops)


def flops_ideal_time(n_params, n_tokens, seconds, peak_flops):
    _checked(seconds, peak_flops)
    flops = n_params * n_tokens * 6.0
    ideal = flops / peak_flops                               # seconds at the peak
    return flops, ideal / seconds


def flops_torch(n_params, n_tokens, seconds, peak_flops):
    if min(seconds, peak_flops) <= 0:
        raise ValueError
    N, D = torch.tensor([n_params, n_tokens], dtype=torch.float64)
    return 6 * N * D, 6 * N * D / torch.tensor(seconds * peak_flops, dtype=torch.float64)


def flops_numpy(n_params, n_tokens, seconds, peak_flops):
    import numpy as np
    if seconds <= 0:
        raise ValueError("seconds")
    if peak_flops <= 0:
        raise ValueError("peak_flops")
    flops = np.prod(np.array([6.0, n_params, n_tokens]))
    return flops, flops / np.float64(seconds) / peak_flops


def flops_fraction(n_params, n_tokens, seconds, peak_flops):
    from fractions import Fraction
    _checked(seconds, peak_flops)
    flops = 6 * Fraction(n_params) * Fraction(n_tokens)
    return float(flops), float(flops / (Fraction(seconds) * Fraction(peak_flops)))


def _cases(draw: Draw) -> list[Case]:
    N, D, share = (draw.floats(1, *ends)[0] for ends in ((2e8, 9e8), (3e9, 9e9), (0.2, 0.6)))
    none, bad, above = L(zh="0 个词元", en="0 tokens"), L(zh="不大于 0 的参数", en="arguments not above 0"), L(zh="利用率大于 1", en="an mfu above 1")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (135e6, 1e9, 1e5, 2e13)),
        Case(L(zh="小数目", en="small numbers"), (2, 3, 4.0, 5.0)),
        Case(L(zh="随机的一次训练", en="a random run"), (N, D, 6 * N * D / share / 3e14, 3e14)),
        Case(L(zh="整数参数", en="integer arguments"), (7_000_000_000, 2_000_000_000_000, 5_000_000, 40_000_000_000_000_000)),
        Case(L(zh="不到一秒", en="less than a second"), (1000, 50, 0.25, 4e6)),
        Case(L(zh="峰值不到 1", en="a peak below 1"), (2, 1, 40.0, 0.5)),
        Case(L(zh="利用率大于 1：峰值写错了", en="an mfu above 1: the peak cannot be right"), (1e6, 1e6, 2.0, 1e12), above),
        Case(L(zh="0 个词元", en="0 tokens"), (5e6, 0, 10.0, 1e12), none),
        *(Case(L(zh=f"seconds={s:g}，peak_flops={p:g}", en=f"seconds={s:g}, peak_flops={p:g}"), (1e6, n, s, p), bad) for n, s, p in (
            (1e6, 0.0, 1e12), (1e6, -1.0, 1e12), (1e6, 10.0, 0.0), (1e6, 10.0, -1e12), (1e6, -10.0, -1e12), (0, 0.0, 1e12))),
    ]


_SIX = L(zh="每个参数、每个词元：前向一乘一加，2 次；反向是它的两倍，4 次。", en="For each parameter and token: forward a multiplication and an addition, 2; backward twice as many, 4.")
_MFU = L(zh="实际速度 = flops / 秒数；再除以峰值。", en="Achieved speed = flops / seconds; divide that by the peak.")
_RETURNS = L(zh="返回 (总浮点运算数, 占峰值的比例)。", en="What is returned is (all floating-point operations, share of the peak).")
_ERRORS = L(zh="seconds 或 peak_flops 不大于 0：先抛出 ValueError。", en="seconds or peak_flops not above 0: raise ValueError first.")
_FLOPS, _RETURN, _CHECK = "6.0 * n_params * n_tokens", "return flops, flops / seconds / peak_flops", "seconds <= 0 or peak_flops <= 0"

EXERCISE = Exercise(
    id="pretrain.training_flops", title=L(zh="训练的计算量与利用率", en="Training FLOPs and utilisation"), reference=training_flops,
    returns=Tuple((("flops", Scalar), ("mfu", Scalar))), cases=_cases,
    hints=(
        L(zh="一个参数对一个词元：前向 2 次运算，反向 4 次。", en="One parameter and one token: 2 operations forward, 4 backward."),
        L(zh="总运算数 6 N D 除以秒数是实际速度；峰值也是每秒的。", en="6 N D over the seconds is the speed achieved; the peak is per second as well."),
        L(zh="先检查 seconds 和 peak_flops，再算；返回两个浮点数，比例不乘 100。", en="Check seconds and peak_flops first, then compute; return two floats, and leave the share a share of 1."),
    ),
    mistakes=(
        Mistake("flops-forward-only", L(zh="只算了前向：2 N D", en="only the forward pass counts: 2 N D"), _SIX, ("6.0", "2.0"), skill="scale", hint=1),
        Mistake("flops-backward-only", L(zh="只算了反向：4 N D", en="only the backward pass counts: 4 N D"), _SIX, ("6.0", "4.0"), skill="scale", hint=1),
        Mistake("flops-multiply-add", L(zh="一乘一加只算了一次运算：3 N D", en="a multiply-add counts as one operation: 3 N D"), _SIX, ("6.0", "3.0"), skill="scale", hint=1),
        Mistake("flops-one", L(zh="每个参数和词元只算了一次：N D", en="one operation for each parameter and token: N D"), _SIX, ("6.0", "1.0"), skill="scale", hint=1),
        Mistake("flops-recompute", L(zh="算上了重算的前向：8 N D（硬件利用率 HFU 的约定）", en="a recomputed forward pass is counted: 8 N D, the convention of HFU"), _SIX, ("6.0", "8.0"),
                convention=True, skill="scale", hint=1),
        Mistake("flops-no-tokens", L(zh="没有乘词元数", en="the number of tokens is not used"), _SIX, (_FLOPS, "6.0 * n_params"), skill="formula", hint=1),
        Mistake("flops-no-params", L(zh="没有乘参数量", en="the number of parameters is not used"), _SIX, (_FLOPS, "6.0 * n_tokens"), skill="formula", hint=1),
        Mistake("flops-added", L(zh="参数量和词元数相加，没有相乘", en="parameters and tokens are added, not multiplied"), _SIX, (_FLOPS, "6.0 * (n_params + n_tokens)"), skill="formula", hint=1),
        Mistake("flops-squared", L(zh="参数量乘了两次", en="the number of parameters is squared"), _SIX, (_FLOPS, "6.0 * n_params ** 2 * n_tokens"), skill="formula", hint=1),
        Mistake("mfu-forward-only", L(zh="利用率只用了前向的 2 N D", en="the utilisation uses the forward pass alone"), _MFU, ("flops / seconds /", "flops / 3 / seconds /"), skill="scale"),
        Mistake("mfu-percent", L(zh="利用率是百分数", en="the utilisation is a percentage"), L(zh="题目要比例，1 是全部。", en="The task asks for a share, where 1 is all."),
                ("flops / seconds / peak_flops", "100 * flops / seconds / peak_flops"), skill="scale", hint=3),
        Mistake("mfu-no-seconds", L(zh="没有除以秒数", en="it is not divided by the seconds"), _MFU, ("flops / seconds /", "flops /"), skill="scale"),
        Mistake("mfu-times-seconds", L(zh="乘了秒数，没有除", en="it is multiplied by the seconds"), _MFU, ("flops / seconds /", "flops * seconds /"), skill="scale"),
        Mistake("mfu-hours", L(zh="把秒当成了小时", en="the seconds are taken for hours"), _MFU, ("flops / seconds /", "flops / (3600 * seconds) /"), skill="scale",
                also=((("flops / seconds /", "flops / (seconds / 3600) /"),),)),
        Mistake("mfu-speed", L(zh="返回的是每秒的运算数，没有除以峰值", en="FLOP per second are returned, not divided by the peak"), _MFU, ("flops / seconds / peak_flops", "flops / seconds"), skill="scale"),
        Mistake("mfu-tokens-per-second", L(zh="返回的是每秒的词元数", en="tokens per second are returned"), _MFU, ("flops / seconds / peak_flops", "n_tokens / seconds"), skill="scale"),
        Mistake("mfu-token-speed", L(zh="拿每秒的词元数除以了峰值", en="tokens per second are divided by the peak"), _MFU, ("flops / seconds / peak_flops", "n_tokens / seconds / peak_flops"), skill="scale"),
        Mistake("mfu-inverted", L(zh="比值倒了：峰值除以实际速度", en="the ratio is upside down: the peak over the achieved speed"), _MFU,
                ("flops / seconds / peak_flops", "peak_flops * seconds / flops if flops else 0.0"), skill="formula", also=(
                    (("flops / seconds / peak_flops", "peak_flops * seconds / flops"),),)),
        Mistake("mfu-capped", L(zh="利用率被截到 1", en="the utilisation is cut off at 1"), L(zh="大于 1 说明有个数写错了：不要藏起来。", en="More than 1 tells that some number is wrong: do not hide it."),
                ("flops / seconds / peak_flops", "min(1.0, flops / seconds / peak_flops)"), skill="edge", hint=3),
        Mistake("mfu-idle", L(zh="返回的是没有用上的比例：1 - mfu", en="the unused share is returned, 1 - mfu"), _MFU, ("flops / seconds / peak_flops", "1 - flops / seconds / peak_flops"), skill="formula"),
        Mistake("flops-swapped", L(zh="返回的次序反了：(mfu, flops)", en="(mfu, flops) is returned"), _RETURNS, (_RETURN, "return flops / seconds / peak_flops, flops"), skill="rank", hint=3),
        Mistake("flops-per-second", L(zh="第一个返回的是每秒的运算数", en="the first value is FLOP per second"), _RETURNS, ("return flops,", "return flops / seconds,"), skill="scale", hint=3),
        Mistake("flops-no-error", L(zh="没有拒绝不大于 0 的 seconds 或 peak_flops", en="seconds or peak_flops not above 0 are not refused"), _ERRORS, (f"if {_CHECK}:", "if False:"), skill="edge", hint=3,
                also=(((_CHECK, "seconds <= 0"),), ((_CHECK, "peak_flops <= 0"),), ((_CHECK, "seconds < 0 or peak_flops < 0"),), ((_CHECK, "seconds == 0 or peak_flops == 0"),),
                      ((_CHECK, "seconds * peak_flops <= 0"),))),
        Mistake("flops-zero-first", L(zh="0 个词元时先返回了 (0, 0)，没有先检查", en="0 tokens return (0, 0) before the arguments are checked"), _ERRORS,
                (f"    if {_CHECK}:", f"    if n_tokens == 0:\n        return 0.0, 0.0\n    if {_CHECK}:"), skill="edge", hint=3),
        Mistake("flops-zero-error", L(zh="0 个词元也报了错", en="0 tokens raise an error as well"), L(zh="0 个词元是允许的：(0.0, 0.0)。", en="0 tokens are allowed: (0.0, 0.0)."),
                (_CHECK, f"{_CHECK} or n_tokens <= 0"), skill="edge", hint=3),
    ),
    alternatives=(flops_parts, flops_speed, flops_ideal_time, flops_torch, flops_numpy, flops_fraction),
    think=L(zh="6 N D 没有算注意力的分数。什么时候它不能忽略？", en="6 N D leaves out the attention scores. When can they not be neglected?"),
)
