"""align.kl_per_token: how far a policy has moved from its reference."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def kl_per_token(logp, ref_logp):
    """An estimate of KL(policy || reference) at each sampled token: exp(r) - r - 1, where r is the
    reference's log-probability minus the policy's (Schulman 2020, estimator k3).

    logp, ref_logp: [B, T] log-probabilities of the sampled tokens under the policy, which drew them, and under the reference. Returns [B, T].
    Never negative, in float32 and for tiny r as well (expm1); 0 where both are equal. Later cells train through the result: differentiable in logp.
    """
    r = ref_logp - logp                                      # (B, T)
    rise = torch.expm1(r)                                    # exp(r) - 1, tiny r too
    return rise - r


def kl_special(logp, ref_logp):
    gap = logp - ref_logp
    return gap + torch.special.expm1(-gap)


def kl_loop(logp, ref_logp):
    out = torch.zeros_like(logp)
    for b in range(logp.shape[0]):
        for t in range(logp.shape[1]):
            r = ref_logp[b, t] - logp[b, t]
            out[b, t] = r.expm1() - r
    return out


def kl_rows(logp, ref_logp):
    return torch.stack([torch.expm1(b - a) - (b - a) for a, b in zip(logp, ref_logp)])


def kl_series(logp, ref_logp):
    """Where r is small, the first terms of the series."""
    r = ref_logp - logp
    series = r * r / 2 * (1 + r / 3 * (1 + r / 4 * (1 + r / 5)))
    return torch.where(r.abs() < 1e-3, series, r.exp() - 1 - r)


def kl_sinh(logp, ref_logp):
    """exp(r) - 1 = 2 exp(r / 2) sinh(r / 2)."""
    r = ref_logp - logp
    return 2 * (r / 2).exp() * torch.sinh(r / 2) - r


def kl_flat(logp, ref_logp):
    r = torch.sub(ref_logp.reshape(-1), logp.reshape(-1)).double()
    return r.expm1().sub(r).reshape(logp.shape).to(logp.dtype)


def kl_bounded(logp, ref_logp):
    r = -(logp - ref_logp)
    return torch.clamp_min(torch.expm1(r) - r, 0.0)


def _cases(draw: Draw) -> list[Case]:
    def pair(B, T, gap):
        logp = -0.2 - 4 * torch.rand(B, T, generator=draw.generator)
        return logp, logp + gap * (draw.ints(2, B, T) * 2 - 1) * (0.5 + torch.rand(B, T, generator=draw.generator))

    def tiny(size):
        """In float64, where the difference of two log-probabilities is exact."""
        logp, ref_logp = pair(3, 4, 1.0)
        r = (ref_logp - logp).double().clamp(-2, 2) * size
        return logp.double(), logp.double() + r

    small, large = L(zh="很小的 r", en="tiny r"), L(zh="很大的 r", en="large r")
    same = pair(2, 5, 1.0)[0]
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([[-1., -2., -1.]]), torch.tensor([[-1., -1., -2.]]))),
        Case(L(zh="B=2，T=5", en="B=2, T=5"), pair(2, 5, 1.0)),
        Case(L(zh="B=T=4", en="B=T=4"), pair(4, 4, 0.8)),
        Case(L(zh="完全相等", en="all equal"), (same, same.clone()), L(zh="相等的情形", en="equal log-probabilities")),
        Case(L(zh="B=1，T=1", en="B=1, T=1"), pair(1, 1, 1.5)),
        Case(L(zh="差 0.3", en="differences of 0.3"), pair(3, 6, 0.3)),
        Case(L(zh="float64，差 1e-5", en="float64, differences of 1e-5"), tiny(1e-5), small),
        Case(L(zh="float64，差 1e-7", en="float64, differences of 1e-7"), tiny(1e-7), small),
        Case(L(zh="float64，差 1e-9", en="float64, differences of 1e-9"), tiny(1e-9), small),
        Case(L(zh="参考模型很肯定：r 约 12", en="the reference is sure of it: r about 12"), (torch.full((2, 3), -14.0) + draw.normal(2, 3, scale=0.5), torch.full((2, 3), -1.5)), large),
        Case(L(zh="参考模型没想到：r 约 -30", en="the reference did not expect it: r about -30"), (torch.full((2, 3), -0.5), torch.full((2, 3), -31.0) + draw.normal(2, 3)), large),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), tuple(x.T for x in pair(5, 2, 1.0))),
    ]


_R = L(zh="r = ref_logp - logp：参考减策略。", en="r = ref_logp - logp: reference minus policy.")
_TERMS = L(zh="三项：exp(r)，减 r，减 1。", en="Three terms: exp(r), minus r, minus 1.")
_TINY = L(zh="r 很小时 exp(r) 和 1 几乎相等，相减只剩舍入误差。`torch.expm1(r)` 直接给出 exp(r) - 1。",
          en="For tiny r, exp(r) is almost 1, and the difference is rounding. `torch.expm1(r)` gives exp(r) - 1 directly.")
_SHAPE = L(zh="题目要每个词元一个数，[B,T]。", en="The task asks for one number a token, [B,T].")
_LAST, _GAP = "return rise - r", "ref_logp - logp"

EXERCISE = Exercise(
    id="align.kl_per_token", title=L(zh="每个词元的 KL", en="The KL divergence at each token"), reference=kl_per_token, returns=Array("B T"), cases=_cases,
    gradients=(0,), differentiable=True,
    hints=(
        L(zh="先求 r：参考的对数概率减去策略的。", en="First r: the reference's log-probability minus the policy's."),
        L(zh="exp(r) - 1 用 `torch.expm1(r)` 算：r 很小时，exp(r) 减 1 会把有效数字减光。", en="Compute exp(r) - 1 as `torch.expm1(r)`: for tiny r, exp(r) minus 1 loses all its digits."),
        L(zh="再减去 r。不要求和，不要取绝对值，也不要 `.detach()`。", en="Then subtract r. No sum, no absolute value, no `.detach()`."),
    ),
    mistakes=(
        Mistake("kl-no-expm1", L(zh="用了 exp(r) - 1：r 很小时只剩舍入误差，甚至是负的", en="exp(r) - 1 is used, which for tiny r leaves rounding alone, even below 0"), _TINY,
                (_LAST, "return r.exp() - r - 1"), skill="stability",
                also=(((_LAST, "return r.exp() - 1 - r"),), ((_LAST, "return (r.exp() - r - 1).clamp(min=0)"),), ((_LAST, "return (r.exp() - 1 - r).clamp(min=0)"),))),
        Mistake("kl-k1", L(zh="用的是估计 k1：logp - ref_logp，可以是负的", en="it is the estimator k1, logp - ref_logp, which may be negative"), _TERMS, (_LAST, "return -r"), skill="formula",
                convention=True, hint=2),
        Mistake("kl-k2", L(zh="用的是估计 k2：r² / 2", en="it is the estimator k2, r² / 2"), _TERMS, (_LAST, "return r * r / 2"), skill="formula", convention=True, hint=2),
        Mistake("kl-reversed", L(zh="r 减反了：策略减参考", en="r is the wrong way round, policy minus reference"), _R, (_GAP, "logp - ref_logp"), skill="formula", hint=1),
        Mistake("kl-no-one", L(zh="没有减 1：相等的地方是 1", en="1 is not subtracted: equal log-probabilities give 1"), _TERMS, (_LAST, "return r.exp() - r"), skill="formula"),
        Mistake("kl-no-r", L(zh="没有减 r", en="r is not subtracted"), _TERMS, (_LAST, "return torch.expm1(r)"), skill="formula", hint=3, also=(((_LAST, "return r.exp() - 1"),),)),
        Mistake("kl-plus-r", L(zh="r 是加上去的", en="r is added, not subtracted"), _TERMS, (_LAST, "return torch.expm1(r) + r"), skill="formula", hint=3),
        Mistake("kl-plus-one", L(zh="1 加了，没有减", en="1 is added, not subtracted"), _TERMS, (_LAST, "return r.exp() - r + 1"), skill="formula"),
        Mistake("kl-sign", L(zh="整个取了负号", en="the sign of the whole is reversed"), L(zh="KL 不会是负的。", en="KL is never negative."), (_LAST, "return r - torch.expm1(r)"), skill="formula", hint=3),
        Mistake("kl-ratio", L(zh="返回的是概率之比 exp(r)", en="the ratio exp(r) is returned"), _TERMS, (_LAST, "return r.exp()"), skill="formula"),
        Mistake("kl-r", L(zh="返回的是 r 本身", en="r itself is returned"), _TERMS, (_LAST, "return r"), skill="formula"),
        Mistake("kl-absolute", L(zh="返回的是 |r|", en="|r| is returned"), _TERMS, (_LAST, "return r.abs()"), skill="formula"),
        Mistake("kl-positive-part", L(zh="负的 k1 变成了 0", en="k1 is returned with its negative values set to 0"), _TERMS, (_LAST, "return (-r).clamp(min=0)"), skill="formula"),
        Mistake("kl-square", L(zh="返回的是 r²，没有除以 2", en="r² is returned"), _TERMS, (_LAST, "return r * r"), skill="formula"),
        Mistake("kl-weighted", L(zh="又乘了策略的概率：词元已经是按它抽的", en="it is multiplied by the policy's probability, although the tokens were drawn with it"),
                L(zh="抽样已经完成了加权。", en="Sampling has done the weighting already."), (_LAST, "return logp.exp() * (torch.expm1(r) - r)"), skill="formula", hint=3),
        Mistake("kl-exact-term", L(zh="用的是 KL 定义里的一项：p (log p - log q)", en="it is a term of the definition, p (log p - log q)"),
                L(zh="定义要对整个词表求和；这里只有抽到的词元。", en="The definition sums over the vocabulary; here only the sampled tokens are known."), (_LAST, "return -logp.exp() * r"), skill="formula"),
        Mistake("kl-of-probabilities", L(zh="r 是概率之差，没有取对数", en="r is the difference of probabilities, not of their logarithms"), _R, (_GAP, "ref_logp.exp() - logp.exp()"), skill="formula", hint=1),
        Mistake("kl-ratio-of-logs", L(zh="用两个对数概率相除", en="the log-probabilities are divided by each other"), _R, (_GAP, "ref_logp / logp"), skill="formula", hint=1),
        Mistake("kl-clamped", L(zh="r 被截断了：大的 KL 封了顶", en="r is clamped, which caps large divergences"), L(zh="题目没有要截断。", en="The task asks for no clamp."),
                (_GAP, "(ref_logp - logp).clamp(-10, 10)"), skill="stability", hint=1, also=(((_GAP, "(ref_logp - logp).clamp(-5, 5)"),),)),
        Mistake("kl-sum", L(zh="对每个回答求了和", en="it is summed over each answer"), _SHAPE, (_LAST, "return (torch.expm1(r) - r).sum(-1)"), skill="count", hint=3),
        Mistake("kl-mean", L(zh="求了平均，只返回一个数", en="the mean is returned, one number"), _SHAPE, (_LAST, "return (torch.expm1(r) - r).mean()"), skill="count", hint=3),
        Mistake("kl-bits", L(zh="除以了 ln 2，单位成了比特", en="it is divided by ln 2, which makes bits of it"), L(zh="本课用自然对数。", en="The course uses natural logarithms."),
                (_LAST, "return (torch.expm1(r) - r) / math.log(2)"), skill="scale", convention=True, hint=3),
        Mistake("kl-inplace", L(zh="就地改动了调用者的 ref_logp", en="the caller's ref_logp is changed in place"), L(zh="`ref_logp -= logp` 会改动传进来的张量。", en="`ref_logp -= logp` changes the tensor that was passed in."),
                ("r = ref_logp - logp", "ref_logp -= logp; r = ref_logp"), skill="alias", hint=1),
    ),
    alternatives=(kl_special, kl_loop, kl_rows, kl_series, kl_sinh, kl_flat, kl_bounded),
    think=L(zh="策略常抽到参考觉得不可能的词元时，r 是正是负？k3 约等于什么？", en="If the policy keeps drawing tokens that the reference finds unlikely, is r positive or negative, and what is k3 close to?"),
)
