"""decode.pass_at_k: the unbiased estimator of pass@k."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def pass_at_k(n, c, k):
    """Of n samples of one problem c are correct: the probability that k of them, drawn without replacement, hold a correct one.

    The unbiased estimator of Chen et al. (2021), not 1 - (1 - c/n)^k. Ints; returns a float, exact for n in the thousands. c = 0 gives 0,
    n - c < k gives 1; c < 0, c > n, k < 1 or k > n raises ValueError.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError("0 <= c <= n and 1 <= k <= n are needed")
    return 1 - math.comb(n - c, k) / math.comb(n, k)         # 1 - P(all k are wrong)


def _checked(n, c, k):
    if c < 0 or c > n or k < 1 or k > n:
        raise ValueError((n, c, k))


def pass_product(n, c, k):
    """The product of the paper's code: draw one after the other."""
    _checked(n, c, k)
    fail = 1.0
    for i in range(k):
        fail *= max(n - c - i, 0) / (n - i)
    return 1.0 - fail


def pass_numpy(n, c, k):
    import numpy as np
    _checked(n, c, k)
    return 1.0 if n - c < k else 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1))


def pass_other_way(n, c, k):
    """Choose the places of the correct ones instead of the draws."""
    _checked(n, c, k)
    return (math.comb(n, c) - math.comb(n - k, c)) / math.comb(n, c)


def pass_sum(n, c, k):
    """The chance of exactly j correct ones, summed over j >= 1."""
    _checked(n, c, k)
    return sum(math.comb(c, j) * math.comb(n - c, k - j) for j in range(1, min(c, k) + 1)) / math.comb(n, k)


def pass_first(n, c, k):
    """The first correct one is the i-th draw."""
    from fractions import Fraction
    _checked(n, c, k)
    total, none_yet = Fraction(0), Fraction(1)
    for i in range(k):
        total += none_yet * Fraction(c, n - i)
        none_yet *= Fraction(n - i - c, n - i)
        if none_yet == 0:
            break
    return total


def pass_logs(n, c, k):
    _checked(n, c, k)
    if c == 0 or n - c < k:
        return float(c > 0)
    a, b = torch.arange(n - c - k + 1, n - c + 1, dtype=torch.float64), torch.arange(n - k + 1, n + 1, dtype=torch.float64)
    return -torch.expm1((a.log() - b.log()).sum())


def _cases(draw: Draw) -> list[Case]:
    n = draw.int(12, 20)
    c, k = draw.int(2, 5), draw.int(2, 5)
    edge, large, bad = L(zh="边上的值", en="values at the edge"), L(zh="很大的 n", en="large n"), L(zh="不允许的参数", en="arguments that are not allowed")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (5, 2, 2)),
        Case(L(zh="n=10，c=3，k=4", en="n=10, c=3, k=4"), (10, 3, 4)),
        Case(L(zh=f"n={n}，c={c}，k={k}", en=f"n={n}, c={c}, k={k}"), (n, c, k)),
        Case(L(zh="n=20，c=1，k=5", en="n=20, c=1, k=5"), (20, 1, 5)),
        Case(L(zh="k=1", en="k=1"), (8, 3, 1), edge),
        Case(L(zh="k=n", en="k=n"), (6, 1, 6), edge),
        Case(L(zh="c=0", en="c=0"), (7, 0, 3), edge),
        Case(L(zh="c=0，k=n", en="c=0, k=n"), (4, 0, 4), edge),
        Case(L(zh="c=n", en="c=n"), (5, 5, 2), edge),
        Case(L(zh="错的不到 k 个", en="fewer than k wrong ones"), (6, 4, 3), edge),
        Case(L(zh="错的正好 k 个", en="exactly k wrong ones"), (6, 3, 3), edge),
        Case(L(zh="n=3000，c=5，k=100", en="n=3000, c=5, k=100"), (3000, 5, 100), large),
        Case(L(zh="n=5000，c=2，k=2500", en="n=5000, c=2, k=2500"), (5000, 2, 2500), large),
        Case(L(zh="n=4000，c=3500，k=2", en="n=4000, c=3500, k=2"), (4000, 3500, 2), large),
        *(Case(L(zh=f"n={a}，c={b}，k={d}", en=f"n={a}, c={b}, k={d}"), (a, b, d), bad) for a, b, d in (
            (5, -1, 2), (5, 6, 2), (5, 2, 0), (5, 2, -1), (5, 2, 6), (0, 0, 1))),
    ]


_DRAW = L(zh="抽过的不放回：第二次只剩 n - 1 个。", en="Nothing is put back: the second draw is from n - 1.")
_WRONG = L(zh="先算 k 个全错的概率：从 n - c 个错的里选 k 个，比上从 n 个里选 k 个。再用 1 减。",
           en="Work out the chance that all k are wrong: choose k of the n - c wrong ones, over choose k of n. Then 1 minus that.")
_ONE = L(zh="至少一个对，不是正好一个、也不是全对。", en="At least one is correct: not exactly one, and not all.")
_ALL = L(zh="k 用在哪里？", en="Where does k come in?")
_RESULT, _CHECK = "1 - math.comb(n - c, k) / math.comb(n, k)", "not 0 <= c <= n or not 1 <= k <= n"
_RETURN = f"return {_RESULT}         # 1 - P(all k are wrong)"


def _floats(n, c, k):
    _checked(n, c, k)
    return 1.0 if n - c < k else 1.0 - float(math.comb(n - c, k)) / float(math.comb(n, k))


EXERCISE = Exercise(
    id="decode.pass_at_k", title=L(zh="pass@k 的无偏估计", en="The unbiased estimator of pass@k"), reference=pass_at_k, returns=Scalar, cases=_cases,
    hints=(
        L(zh="反过来想：k 个全错的概率是多少？", en="Turn it round: how likely is it that all k are wrong?"),
        L(zh="选法数一数：从 n 个里选 k 个有 C(n, k) 种；全错的要从 n - c 个里选，有 C(n - c, k) 种。", en="Count the choices: k of n in C(n, k) ways; all wrong, k of n - c, in C(n - c, k) ways."),
        L(zh="`math.comb` 是精确的整数，两个整数相除也不会溢出；n - c < k 时它给 0。最前面检查参数。",
          en="`math.comb` gives exact integers, and dividing one by another does not overflow; where n - c < k it gives 0. Check the arguments first of all."),
    ),
    mistakes=(
        Mistake("pass-with-replacement", L(zh="放回去抽的：1 - (1 - c/n)^k，有偏", en="it draws with replacement, 1 - (1 - c/n)^k, which is biased"), _DRAW,
                (_RESULT, "1 - (1 - c / n) ** k"), skill="formula", hint=1),
        Mistake("pass-fails", L(zh="返回的是全错的概率，没有用 1 减", en="the probability that all are wrong is returned, not 1 minus it"), _WRONG, (_RESULT, _RESULT.removeprefix("1 - ")), skill="formula", hint=1),
        Mistake("pass-all-correct", L(zh="算的是 k 个全对的概率", en="it is the probability that all k are correct"), _ONE, (_RESULT, "math.comb(c, k) / math.comb(n, k)"), skill="formula", hint=1),
        Mistake("pass-not-all-correct", L(zh="用 1 减去的是全对的概率", en="the probability that all k are correct is taken from 1"), _WRONG, ("math.comb(n - c, k)", "math.comb(c, k)"), skill="formula", hint=1),
        Mistake("pass-exactly-one", L(zh="算的是正好一个对的概率", en="it is the probability that exactly one is correct"), _ONE, (_RESULT, "c * math.comb(n - c, k - 1) / math.comb(n, k)"), skill="formula", hint=1),
        Mistake("pass-accuracy", L(zh="返回了 c/n，没有用 k", en="c/n is returned, and k is not used"), _ALL, (_RESULT, "c / n"), skill="formula", hint=1),
        Mistake("pass-times-k", L(zh="返回了 k · c/n", en="k * c/n is returned"), _WRONG, (_RESULT, "k * c / n"), skill="formula", hint=1),
        Mistake("pass-times-k-capped", L(zh="返回了 k · c/n，最多到 1", en="k * c/n is returned, cut off at 1"), _WRONG, (_RESULT, "min(1.0, k * c / n)"), skill="formula", hint=1),
        Mistake("pass-any", L(zh="只要有一个对就返回 1", en="it returns 1 as soon as any sample is correct"),
                L(zh="概率在 0 和 1 之间；`//` 会丢掉小数部分。", en="A probability lies between 0 and 1; `//` would drop the fraction."), (_RESULT, "float(c > 0)"), skill="formula", hint=1,
                also=(((" / math", " // math"),),)),
        Mistake("pass-expected", L(zh="用 k 的幂代替组合数：全对的比例 (c/n)^k", en="powers take the place of choices: (c/n)^k"), _ONE, (_RESULT, "(c / n) ** k"), skill="formula", hint=1),
        Mistake("pass-first-k", L(zh="分母没有跟着减：每次都除以 n", en="the denominator does not shrink along: every draw is out of n"), _DRAW,
                (_RETURN, "fail = 1.0\n    for i in range(k):\n        fail *= max(n - c - i, 0) / n\n    return 1 - fail"), skill="count", hint=2),
        Mistake("pass-only-denominator", L(zh="分子没有跟着减", en="the numerator does not shrink along"), _DRAW,
                (_RETURN, "fail = 1.0\n    for i in range(k):\n        fail *= (n - c) / (n - i)\n    return 1 - fail"), skill="count", hint=2),
        Mistake("pass-one-draw-less", L(zh="少抽了一个：k - 1", en="one draw is missing: k - 1"), _WRONG, (_RESULT, "1 - math.comb(n - c, k - 1) / math.comb(n, k - 1)"), skill="shift", hint=2),
        Mistake("pass-one-draw-more", L(zh="多抽了一个：k + 1", en="one draw too many: k + 1"), _WRONG, (_RESULT, "1 - math.comb(n - c, k + 1) / max(math.comb(n, k + 1), 1)"), skill="shift", hint=2,
                also=(((_RESULT, "1 - math.comb(n - c, k + 1) / math.comb(n, k + 1)"),),)),
        Mistake("pass-choose-c", L(zh="分母选的是 c 个：C(n, c)", en="the denominator chooses c: C(n, c)"), _WRONG, ("math.comb(n, k)", "math.comb(n, c)"), skill="formula", hint=2),
        Mistake("pass-ordered", L(zh="分子排了次序，分母没有", en="the numerator counts orders and the denominator does not"), _WRONG, ("math.comb(n - c, k)", "math.perm(n - c, k)"), skill="formula", hint=2),
        Mistake("pass-overflow", L(zh="组合数先变成了浮点数，n 很大时溢出", en="the numbers of choices become floats first, which overflow for large n"),
                L(zh="两个整数直接相除：Python 先算整数，不会溢出。", en="Divide the integers themselves: Python divides them exactly, without overflow."), program=_floats, skill="stability", hint=3,
                also=(((_RESULT, "1 - float(math.comb(n - c, k)) / float(math.comb(n, k))"),),)),
        Mistake("pass-percent", L(zh="返回的是百分数", en="a percentage is returned"), L(zh="题目要概率。", en="The task asks for a probability."), (_RESULT, f"100 * ({_RESULT})"), skill="scale", hint=3),
        Mistake("pass-few-wrong", L(zh="错的不到 k 个时返回了 0", en="it returns 0 where fewer than k are wrong"), _WRONG, (_RESULT, f"{_RESULT} if n - c >= k else 0.0"), skill="edge", hint=3),
        Mistake("pass-no-error", L(zh="没有拒绝不允许的参数", en="arguments that are not allowed are not refused"), L(zh="题目要 ValueError 的有四种。", en="There are four kinds for which the task asks for ValueError."),
                (f"if {_CHECK}:", "if False:"), skill="edge", hint=3, also=(((_CHECK, "not 0 <= c <= n"),), ((_CHECK, "not 1 <= k <= n"),), ((_CHECK, "c > n or k > n"),),
                ((_CHECK, "c < 0 or k < 1"),))),
    ),
    alternatives=(pass_product, pass_numpy, pass_other_way, pass_sum, pass_first, pass_logs),
    think=L(zh="c/n 是无偏的，1 - (1 - c/n)^k 却不是。偏向哪一边？", en="c/n is unbiased, and yet 1 - (1 - c/n)^k is not. To which side does it err?"),
)
