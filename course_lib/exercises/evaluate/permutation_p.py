"""evaluate.permutation_p: could chance have made a difference this large?"""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def permutation_p(a, b, signs):
    """Two-sided p-value of a paired permutation test on the mean difference.

    a, b: float [N], paired scores; signs: [R, N] of +1 and -1, one re-labelling a row. Returns a float, p = (1 + number of rows with
    abs(mean(sign * (a - b))) >= abs(mean(a - b))) / (R + 1). Equal counts as >=; R = 0 gives 1.0; unequal lengths raise ValueError.
    """
    if len(a) != len(b):
        raise ValueError("a and b are pairs: one length")
    gaps = a - b                                               # [N]
    seen = gaps.mean().abs()
    chance = (signs * gaps).mean(dim=1).abs()     # [R]: what swapping would show
    extreme = (chance >= seen).sum().item()
    return (1 + extreme) / (len(signs) + 1)


def _checked(a, b):
    if a.shape[0] != b.shape[0]:
        raise ValueError((a.shape, b.shape))


def p_loop(a, b, signs):
    _checked(a, b)
    gaps = [x - y for x, y in zip(a.tolist(), b.tolist())]
    count = 1
    for row in signs.tolist():
        count += abs(sum(s * gap for s, gap in zip(row, gaps))) >= abs(sum(gaps))
    return count / (len(signs) + 1)


def p_matmul(a, b, signs):
    _checked(a, b)
    gaps = a - b
    sums = signs.to(gaps.dtype) @ gaps
    return ((sums.abs() >= gaps.sum().abs()).sum() + 1) / torch.tensor(signs.shape[0] + 1.0)


def p_swap(a, b, signs):
    """What a sign means: -1 exchanges the two scores of a pair."""
    _checked(a, b)
    first, second = torch.where(signs > 0, a, b), torch.where(signs > 0, b, a)
    shown = first.mean(1) - second.mean(1)
    seen = a.mean() - b.mean()
    return (1 + int((shown ** 2 >= seen ** 2).sum())) / (1 + len(shown))


def p_numpy(a, b, signs):
    import numpy as np
    _checked(a, b)
    gaps = a.double().numpy() - b.double().numpy()
    table = np.vstack([np.ones_like(gaps), signs.numpy()])           # the labels as they are count as one of them
    return np.mean(np.abs((table * gaps).mean(axis=1)) >= abs(gaps.mean()))


def p_two_tails(a, b, signs):
    _checked(a, b)
    gaps = a - b
    top = float(abs(gaps.sum()))
    sums = [float(total) for total in torch.einsum("rn,n->r", signs.to(gaps.dtype), gaps)]
    above, below = sum(total >= top for total in sums), sum(total <= -top for total in sums)
    return (above + below + 1) / (len(sums) + 1) if top else 1.0


def p_complement(a, b, signs):
    _checked(a, b)
    gaps = b - a
    less = sum(bool((row * gaps).sum().abs() < gaps.sum().abs()) for row in signs)
    return 1 - less / (len(signs) + 1)


def _cases(draw: Draw) -> list[Case]:
    def flips(R: int, N: int):
        return draw.ints(2, R, N) * 2.0 - 1

    pairs = torch.tensor([3.0, 2.0, 4.0]), torch.tensor([1.0, 1.0, 1.0])
    rows = torch.tensor([[1.0, 1, 1], [1, -1, 1], [-1, -1, -1], [-1, 1, 1]])
    worse, bad, ties = L(zh="a 比 b 差", en="a worse than b"), L(zh="不允许的输入", en="inputs that are not allowed"), L(zh="正好相等", en="equal values")
    a = draw.grid(8, top=6)
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (*pairs, rows), ties),
        Case(L(zh="a 和 b 对调", en="a and b exchanged"), (pairs[1], pairs[0], rows), worse),
        Case(L(zh="R=40，N=7，a 好一点", en="R=40, N=7, a is a little better"), (draw.grid(7, top=5) + 1.5, draw.grid(7, top=5), flips(40, 7))),
        Case(L(zh="R=60，N=8，b 好一点", en="R=60, N=8, b is a little better"), (draw.grid(8, top=5), draw.grid(8, top=5) + 2, flips(60, 8)), worse),
        Case(L(zh="R=100，N=12，0 和 1", en="R=100, N=12, 0 and 1"), (torch.tensor([1.0] * 8 + [0.0] * 4), torch.tensor([1.0] * 3 + [0.0] * 7 + [1.0, 0.0]), flips(100, 12)), ties),
        Case(L(zh="R=25，N=5，差距很悬殊", en="R=25, N=5, one gap is very large"), (torch.tensor([9.0, 1.0, 1.5, 2.0, 0.0]), torch.tensor([0.0, 1.5, 2.0, 2.5, 1.0]), flips(25, 5))),
        Case(L(zh="R=50，N=9，b 在一对里好得多", en="R=50, N=9, b is far better in one pair"), (torch.tensor([1.0] * 8 + [0.0]), torch.tensor([0.0] * 8 + [16.0]), flips(50, 9)), worse),
        Case(L(zh="R=7，N=10", en="R=7, N=10"), (draw.grid(10) + 1, draw.grid(10), flips(7, 10))),
        Case(L(zh="完全相同", en="all equal"), (a, a.clone(), flips(9, 8)), ties),
        Case(L(zh="差的平均是 0", en="the mean gap is 0"), (torch.tensor([3.0, 1.0, 2.0]), torch.tensor([1.0, 2.0, 3.0]), flips(15, 3)), ties),
        Case(L(zh="R=0", en="R=0"), (*pairs, torch.zeros(0, 3)), L(zh="R=0", en="R=0")),
        Case(L(zh="R=1，N=6", en="R=1, N=6"), (draw.grid(6) + 3, draw.grid(6), torch.tensor([[1.0, -1, 1, -1, 1, -1]])), L(zh="R=1", en="R=1")),
        Case(L(zh="N=1", en="N=1"), (torch.tensor([2.0]), torch.tensor([1.5]), torch.tensor([[1.0], [-1.0], [1.0]])), ties),
        Case(L(zh="b 少一个", en="b is one short"), (torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0]), flips(5, 3)), bad),
        Case(L(zh="b 只有一个数", en="b holds one number"), (torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0]), flips(5, 3)), bad),
    ]


_SIDES = L(zh="双侧：两个平均都取绝对值以后再比。", en="Two-sided: both means are compared by their absolute values.")
_ONE = L(zh="实际看到的那一次也算一次重排：分子分母都加 1，p 永远不会是 0。", en="What was seen is one of the re-labellings, too: numerator and denominator gain 1, and p is never 0.")
_FLIP = L(zh="符号乘在每一对的差 a - b 上：-1 就是把这一对的两个分数对调。", en="The signs multiply the gaps a - b: -1 exchanges the two scores of a pair.")
_MORE = L(zh="数的是至少同样大的：>=。", en="What counts is at least as large: >=.")
_MEAN = L(zh="每一行一个平均，沿 N 那个轴。", en="One mean for each row, along the axis N.")
_ERRORS = L(zh="长度为 1 的张量会自动重复，长度不同并不总会自己报错。", en="A tensor of length 1 repeats itself: unequal lengths do not always raise an error of their own.")
_CHANCE, _SEEN, _RETURN = "(signs * gaps).mean(dim=1).abs()", "gaps.mean().abs()", "return (1 + extreme) / (len(signs) + 1)"
_CUT = "gaps = a - b                                               # [N]"


def _halves_doubled(a, b, signs):
    _checked(a, b)
    gaps = a - b
    chance, seen, R = (signs * gaps).mean(1), gaps.mean(), len(signs) + 1
    return min(1.0, 2 * min((1 + int((chance >= seen).sum())) / R, (1 + int((chance <= seen).sum())) / R))


EXERCISE = Exercise(
    id="evaluate.permutation_p", title=L(zh="配对置换检验", en="The paired permutation test"), reference=permutation_p, returns=Scalar, cases=_cases,
    hints=(
        L(zh="如果 a 和 b 没有差别，每一对里谁叫 a、谁叫 b 都一样：把差 a - b 的符号翻一翻，平均会有多大？",
          en="If a and b do not differ, the two labels of a pair might as well be exchanged: how large is the mean when signs of a - b are flipped?"),
        L(zh="`signs * gaps` 的形状是 [R, N]，沿 N 求平均，取绝对值，再和没翻时的绝对值比。", en="`signs * gaps` has shape [R, N]; take means along N and absolute values, and compare with that of the gaps as they are."),
        L(zh="`(chance >= seen).sum().item()` 数出有几行；分子分母各加 1。长度不同先抛 ValueError。",
          en="`(chance >= seen).sum().item()` counts the rows; add 1 to numerator and denominator. Raise ValueError for unequal lengths first."),
    ),
    mistakes=(
        Mistake("perm-one-sided", L(zh="没有取绝对值，成了单侧", en="absolute values are missing, which makes it one-sided"), _SIDES, (_CHANCE, "(signs * gaps).mean(dim=1)"), (_SEEN, "gaps.mean()"), skill="formula"),
        Mistake("perm-abs-seen-only", L(zh="只有实际的差取了绝对值", en="only the observed mean has its absolute value taken"), _SIDES, (_CHANCE, "(signs * gaps).mean(dim=1)"), skill="formula"),
        Mistake("perm-abs-chance-only", L(zh="只有重排的差取了绝对值", en="only the re-labelled means have their absolute values taken"), _SIDES, (_SEEN, "gaps.mean()"), skill="formula"),
        Mistake("perm-lower-side", L(zh="数的是另一侧：<=", en="the other side is counted: <="), _SIDES, (_CHANCE, "(signs * gaps).mean(dim=1)"), (_SEEN, "gaps.mean()"), ("chance >= seen", "chance <= seen"), skill="formula"),
        Mistake("perm-doubled", L(zh="较小的单侧 p 乘了 2", en="the smaller one-sided p is doubled"), _SIDES, program=_halves_doubled, convention=True, skill="formula"),
        Mistake("perm-no-plus-one", L(zh="分子分母都没有加 1", en="numerator and denominator lack their 1"), _ONE, (_RETURN, "return extreme / len(signs)"), skill="count", hint=3, also=(
            ((_RETURN, "return extreme / max(len(signs), 1)"),), ((_RETURN, "return extreme / len(signs) if len(signs) else 1.0"),))),
        Mistake("perm-no-plus-numerator", L(zh="分子没有加 1", en="the numerator lacks its 1"), _ONE, (_RETURN, "return extreme / (len(signs) + 1)"), skill="count", hint=3),
        Mistake("perm-no-plus-denominator", L(zh="分母没有加 1", en="the denominator lacks its 1"), _ONE, (_RETURN, "return (1 + extreme) / len(signs)"), skill="count", hint=3, also=(
            ((_RETURN, "return (1 + extreme) / max(len(signs), 1)"),),)),
        Mistake("perm-strict", L(zh="相等的没有数：用了 >", en="equal ones are not counted: > is used"), _MORE, ("chance >= seen", "chance > seen"), skill="edge"),
        Mistake("perm-smaller", L(zh="数的是更小的", en="smaller ones are counted"), _MORE, ("chance >= seen", "chance <= seen"), skill="formula", also=((("chance >= seen", "chance < seen"),),)),
        Mistake("perm-one-minus", L(zh="返回的是 1 - p", en="1 - p is returned"), _MORE, (_RETURN, "return 1 - (1 + extreme) / (len(signs) + 1)"), skill="formula"),
        Mistake("perm-count", L(zh="返回的是次数，没有除", en="a count is returned, not divided"), L(zh="p 是一个比例。", en="p is a share."), (_RETURN, "return extreme"), skill="scale", hint=3,
                also=(((_RETURN, "return 1 + extreme"),),)),
        Mistake("perm-signs-on-a", L(zh="符号只乘了 a，没有乘 a - b", en="the signs multiply a alone, not a - b"), _FLIP, (_CHANCE, "(signs * a - b).mean(dim=1).abs()"), skill="formula", hint=1),
        Mistake("perm-signs-on-b", L(zh="符号只乘了 b，没有乘 a - b", en="the signs multiply b alone, not a - b"), _FLIP, (_CHANCE, "(a - signs * b).mean(dim=1).abs()"), skill="formula", hint=1),
        Mistake("perm-signs-as-mask", L(zh="-1 的那些差被丢掉了，没有变号", en="gaps with sign -1 are dropped instead of turned over"), _FLIP, ("signs * gaps", "(signs > 0) * gaps"), skill="mask", hint=1),
        Mistake("perm-sum-and-mean", L(zh="一边是和，一边是平均", en="a sum is compared with a mean"), _MEAN, (_CHANCE, "(signs * gaps).sum(dim=1).abs()"), skill="scale"),
        Mistake("perm-abs-inside", L(zh="绝对值取在了平均之前", en="absolute values are taken before the mean"), _SIDES, (_CHANCE, "(signs * gaps).abs().mean(dim=1)"), skill="formula"),
        Mistake("perm-abs-gaps", L(zh="差一开始就取了绝对值", en="the gaps lose their signs at the start"), _SIDES, (_CUT, "gaps = (a - b).abs()"), skill="formula"),
        Mistake("perm-median", L(zh="用的是中位数，不是平均", en="medians are compared, not means"), _MEAN, (_CHANCE, "(signs * gaps).median(dim=1).values.abs()"), (_SEEN, "gaps.median().abs()"), skill="formula"),
        Mistake("perm-sign-test", L(zh="只看了谁大谁小，没有看差多少（符号检验）", en="only who is larger counts, not by how much (a sign test)"), _FLIP, (_CUT, "gaps = (a - b).sign()"), convention=True,
                skill="formula", hint=1),
        Mistake("perm-plus", L(zh="算的是 a + b", en="a + b is taken"), _FLIP, (_CUT, "gaps = a + b"), skill="formula", hint=1),
        Mistake("perm-no-error", L(zh="长度不同没有拒绝", en="unequal lengths are not refused"), _ERRORS, ("if len(a) != len(b):", "if False:"), skill="edge", hint=3),
        Mistake("perm-cut", L(zh="长度不同时剪到了短的那个", en="where lengths differ, the longer one is cut"), _ERRORS, ("if len(a) != len(b):", "if False:"),
                (_CUT, "n = min(len(a), len(b))\n    gaps, signs = a[:n] - b[:n], signs[:, :n]"), skill="edge", hint=3),
    ),
    alternatives=(p_loop, p_matmul, p_swap, p_numpy, p_two_tails, p_complement),
    think=L(zh="R = 99 时，p 最小能到多少？", en="With R = 99, how small can p get?"),
)
