"""apps.ndcg: nDCG: how good is a ranking."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def ndcg(relevances, k):
    """Normalised discounted cumulative gain at k.

    relevances: graded relevance of each result, in ranked order. Gain 2^rel - 1, discount log2(rank + 1) with rank from 1;
    the ideal order is that of all relevances. Returns a float; 0 where the ideal is 0.
    """
    def dcg(values):
        return sum((2 ** rel - 1) / math.log2(rank + 1)
                   for rank, rel in enumerate(values[:k], start=1))

    ideal = dcg(sorted(relevances, reverse=True))
    return dcg(relevances) / ideal if ideal > 0 else 0.0


def ndcg_loop(relevances, k):
    ordered, got, best = sorted(relevances)[::-1], 0.0, 0.0
    for i in range(min(k, len(relevances))):
        got += (math.pow(2, relevances[i]) - 1) / (math.log(i + 2) / math.log(2))
        best += (math.pow(2, ordered[i]) - 1) / (math.log(i + 2) / math.log(2))
    return 0 if best == 0 else got / best


def ndcg_numpy(relevances, k):
    import numpy as np
    rel = np.asarray(relevances, dtype=float)
    discounts = 1 / np.log2(np.arange(2, rel.size + 2))[:k]
    gain = lambda r: ((2 ** r[:k] - 1) * discounts).sum()
    ideal = gain(np.sort(rel)[::-1])
    return gain(rel) / ideal if ideal else 0.0


def ndcg_torch(relevances, k):
    gains = torch.exp2(torch.tensor(relevances, dtype=torch.float64)) - 1
    weights = torch.log2(torch.arange(len(relevances), dtype=torch.float64) + 2).reciprocal()
    weights[k:] = 0
    ideal = gains.sort(descending=True).values @ weights
    return torch.where(ideal > 0, gains @ weights / ideal, 0.0)


def ndcg_shift(relevances, k):
    value = lambda order: sum(((1 << int(r)) - 1) / math.log2(i + 2) for i, r in enumerate(order) if i < k)
    best = value(sorted(relevances, key=lambda r: -r))
    return value(relevances) / best if best else 0.0


def ndcg_heap(relevances, k):
    from heapq import nlargest
    dcg = lambda rs: sum((2 ** r - 1) / math.log(j, 2) for j, r in enumerate(rs, 2))
    try:
        return dcg(relevances[:k]) / dcg(nlargest(k, relevances))
    except ZeroDivisionError:
        return 0.0


def _ndcg_cases(draw: Draw) -> list[Case]:
    def mixed(n, top=4):
        values = draw.ints(top, n).tolist()
        values[0], values[-1] = 0, top - 1           # never ideal, and the best is last
        return values

    outside, zero = L(zh="前 k 名之外的相关文档", en="relevant results beyond k"), L(zh="理想值为 0", en="an ideal of 0")
    return [
        Case(L(zh="3 个结果，k=3", en="3 results, k=3"), ([0, 2, 1], 3)),
        Case(L(zh="好结果排在 k 之后", en="the best result lies beyond k"), ([1, 0, 3, 2], 2), outside),
        Case(L(zh="8 个结果，k=5", en="8 results, k=5"), (mixed(8), 5), outside),
        Case(L(zh="6 个结果，k=6", en="6 results, k=6"), (mixed(6, 5), 6)),
        Case(L(zh="k 大于结果数", en="k larger than the number of results"), (mixed(4), 10)),
        Case(L(zh="k=1", en="k=1"), ([1, 2, 0], 1), outside),
        Case(L(zh="已是理想次序", en="the ideal order already"), ([3, 2, 1, 0], 4)),
        Case(L(zh="全不相关", en="nothing relevant"), ([0, 0, 0], 3), zero),
        Case(L(zh="前 k 名全不相关", en="nothing relevant within k"), ([0, 0, 1, 2], 2), outside),
        Case(L(zh="只有一个相关", en="a single relevant result"), ([0, 1, 0, 0], 4)),
        Case(L(zh="空列表", en="an empty list"), ([], 3), zero),
        Case(L(zh="一个结果", en="one result"), ([2], 5)),
        Case(L(zh="20 个结果，k=10", en="20 results, k=10"), (mixed(20, 6), 10), outside),
    ]


_GAIN = L(zh="增益是 2^rel - 1。", en="The gain is 2^rel - 1.")
_DISCOUNT = L(zh="第 1 名除以 log2(2) = 1，第 2 名除以 log2(3)。", en="Rank 1 divides by log2(2) = 1, rank 2 by log2(3).")
_IDEAL = L(zh="理想次序来自全部结果，从大到小，再取前 k 个。", en="The ideal order takes all results from large to small, then the first k.")

EXERCISE = Exercise(
    id="apps.ndcg", title=L(zh="nDCG：排序的好坏", en="nDCG: how good is a ranking"), reference=ndcg, returns=Scalar, cases=_ndcg_cases,
    hints=(
        L(zh="先写 DCG：前 k 个结果的增益，各自除以名次的折扣，再求和。", en="Write DCG first: the gains of the first k results, each over its discount, added up."),
        L(zh="增益 2^rel - 1；名次从 1 数起，折扣 log2(名次 + 1)。", en="The gain is 2^rel - 1; ranks count from 1, the discount is log2(rank + 1)."),
        L(zh="理想值：把全部相关度从大到小排好，再算一次 DCG。理想值为 0 时返回 0。",
                en="The ideal: sort all relevances from large to small and take DCG again. If it is 0, return 0."),
    ),
    mistakes=(
        Mistake("ndcg-linear-gain", L(zh="增益用了 rel，而不是 2^rel - 1", en="the gain is rel, not 2^rel - 1"),
                _GAIN, ("(2 ** rel - 1)", "rel"),
                convention=True, skill="formula"),
        Mistake("ndcg-no-minus-one", L(zh="增益用了 2^rel 或 2^(rel-1)，没有从 2^rel 里减 1",
                en="the gain is 2^rel or 2^(rel - 1): 1 is not taken from the power"), _GAIN,
                ("(2 ** rel - 1)", "2 ** rel"), skill="formula"),
        Mistake("ndcg-log-rank", L(zh="折扣用了 log2(名次)，没有加 1（第 1 名不打折）",
                en="the discount is log2(rank), with rank 1 undiscounted"),
                _DISCOUNT, ("math.log2(rank + 1)", "max(math.log2(rank), 1)"), skill="shift"),
        Mistake("ndcg-rank-plus-two", L(zh="折扣错了一位：log2(名次 + 2)",
                en="the discount is off by one: log2(rank + 2)"), _DISCOUNT,
                ("math.log2(rank + 1)", "math.log2(rank + 2)"), skill="shift"),
        Mistake("ndcg-ideal-top-k", L(zh="理想次序只在前 k 个里排", en="the ideal order sorts only the first k"),
                _IDEAL,
                ("sorted(relevances, reverse=True)", "sorted(relevances[:k], reverse=True)"), skill="rank", hint=3),
        Mistake("ndcg-ideal-ascending", L(zh="理想次序从小到大排了", en="the ideal order is ascending"), _IDEAL,
                (", reverse=True", ""), skill="rank",
                hint=3),
        Mistake("ndcg-ideal-all", L(zh="理想值没有截到前 k 个", en="the ideal is not cut at k"), _IDEAL,
                program=lambda relevances,
                k: _ratio(_dcg(relevances[:k]), _dcg(sorted(relevances, reverse=True))), skill="rank", hint=3),
        Mistake("ndcg-no-k", L(zh="没有用 k，算了全部结果", en="k is not used: all results count"),
                L(zh="只看前 k 名。", en="Only the first k ranks count."), ("values[:k]", "values"), skill="rank",
                hint=1),
        Mistake("ndcg-no-discount", L(zh="没有按名次打折", en="there is no discount by rank"), _DISCOUNT,
                (" / math.log2(rank + 1)", ""),
                skill="formula"),
        Mistake("ndcg-linear-discount", L(zh="折扣用了名次，而不是对数",
                en="the discount is the rank, not its logarithm"), _DISCOUNT,
                ("math.log2(rank + 1)", "rank"), skill="formula"),
        Mistake("ndcg-not-normalised", L(zh="返回了 DCG，没有除以理想值",
                en="DCG is returned, not divided by the ideal"),
                L(zh="n 是“归一化”的意思。", en="The n stands for normalised."), ("dcg(relevances) / ideal",
                "dcg(relevances)"), skill="formula", hint=3),
        Mistake("ndcg-zero-division", L(zh="全不相关时除以了 0", en="it divides by zero when nothing is relevant"),
                L(zh="理想值什么时候是 0？", en="When is the ideal 0?"), (" if ideal > 0 else 0.0", ""), skill="edge",
                hint=3),
        Mistake("ndcg-one-when-empty", L(zh="理想值为 0 时返回了 1", en="an ideal of 0 gives 1"),
                L(zh="题目要 0。", en="The task asks for 0."),
                ("else 0.0", "else 1.0"), skill="edge", hint=3),
        Mistake("ndcg-squared", L(zh="增益用了 rel 的平方，而不是 2 的 rel 次方",
                en="the gain is rel squared, not 2 to the power of rel"), _GAIN,
                ("(2 ** rel - 1)", "rel ** 2"), skill="formula"),
        Mistake("ndcg-binary", L(zh="把相关度当成了 0 或 1", en="relevance is taken as 0 or 1"), _GAIN,
                ("(2 ** rel - 1)", "(rel > 0)"),
                skill="formula"),
        Mistake("ndcg-inplace", L(zh="用 .sort() 就地改动了输入", en="`.sort()` changed the input"),
                L(zh="sorted() 给出新列表，.sort() 改动原来的。",
                en="sorted() makes a new list; .sort() changes the old one."),
                ("ideal = dcg(sorted(relevances, reverse=True))\n    return dcg(relevances) / ideal",
                        "mine = dcg(relevances)\n    relevances.sort(reverse=True)\n    ideal = dcg(relevances)\n    return mine / ideal"),
                                skill="alias", hint=3),
        Mistake("ndcg-sorted-in-place", L(zh="先把输入就地排了序，结果总是 1",
                en="the input is sorted in place first, so that the result is always 1"),
                L(zh="sorted() 给出新列表，.sort() 改动原来的。",
                en="sorted() makes a new list; .sort() changes the old one."),
                ("ideal = dcg(sorted(relevances, reverse=True))",
                        "relevances.sort(reverse=True)\n    ideal = dcg(relevances)"), skill="alias", hint=3),
        Mistake("ndcg-ideal-constant", L(zh="理想值里每个名次都用了最高的相关度",
                en="the ideal has the highest relevance at every rank"), _IDEAL,
                ("sorted(relevances, reverse=True)", "[max(relevances, default=0)] * len(relevances)"), skill="rank",
                hint=3,
                also=((("sorted(relevances, reverse=True)", "[max(relevances)] * len(relevances)"),),)),
        Mistake("ndcg-rank-from-0", L(zh="名次从 0 数起，第一个折扣是 log2(1) = 0",
                en="ranks count from 0, so that the first discount is log2(1) = 0"), _DISCOUNT,
                ("start=1", "start=0"), skill="shift"),
        Mistake("ndcg-k-off-by-one", L(zh="截断差了一位", en="the cut at k is off by one"),
                L(zh="前 k 个是 `[:k]`。", en="The first k are `[:k]`."), ("values[:k]", "values[:k + 1]"),
                skill="shift", hint=1,
                also=((("values[:k]", "values[:k - 1]"),),)),
        Mistake("ndcg-discount-multiplied", L(zh="乘了折扣而不是除", en="the discount is multiplied, not divided by"),
                _DISCOUNT,
                ("/ math.log2", "* math.log2"), skill="formula"),
        Mistake("ndcg-one-plus-log", L(zh="折扣用了 1 + log2(名次)", en="the discount is 1 + log2(rank)"), _DISCOUNT,
                ("math.log2(rank + 1)", "(1 + math.log2(rank))"), skill="formula"),
        Mistake("ndcg-sqrt-discount", L(zh="折扣用了名次的平方根", en="the discount is the root of the rank"),
                _DISCOUNT,
                ("math.log2(rank + 1)", "math.sqrt(rank)"), skill="formula"),
        Mistake("ndcg-gain-exp", L(zh="增益用了 e^rel - 1", en="the gain is e^rel - 1"), _GAIN,
                ("2 ** rel", "math.exp(rel)"), skill="formula"),
        Mistake("ndcg-over-k", L(zh="除以了 k，没有除以理想值", en="DCG is divided by k, not by the ideal"),
                L(zh="n 是“归一化”的意思：除以理想次序的 DCG。",
                en="The n stands for normalised: by the DCG of the ideal order."),
                ("dcg(relevances) / ideal", "dcg(relevances) / k"), skill="formula", hint=3),
        Mistake("ndcg-inverted", L(zh="分子分母颠倒：理想值除以了 DCG", en="the ideal is divided by DCG"),
                L(zh="谁除以谁？", en="Which is divided by which?"),
                ("dcg(relevances) / ideal if ideal > 0 else 0.0",
                "ideal / dcg(relevances) if dcg(relevances) > 0 else 0.0"), skill="formula", hint=3,
                also=((("dcg(relevances) / ideal if", "ideal / dcg(relevances) if"),),)),
        Mistake("ndcg-ideal-only", L(zh="返回了理想值", en="the ideal DCG is returned"),
                L(zh="还要用 DCG 除以它。", en="DCG is still to be divided by it."),
                ("dcg(relevances) / ideal if", "ideal if"), skill="formula", hint=3),
        Mistake("ndcg-precision", L(zh="算的是前 k 名里相关的比例",
                en="it is the share of relevant results among the first k"),
                L(zh="名次和相关程度都要算进去。", en="Rank and grade of relevance both count."),
                program=lambda relevances, k: sum(rel > 0 for rel in relevances[:k]) / k, skill="formula", hint=1,
                also=(lambda relevances, k: sum(rel > 0 for rel in relevances[:k]) / max(len(relevances[:k]), 1),)),
        Mistake("ndcg-exponential-discount", L(zh="折扣用了 2 的幂，不是对数",
                en="the discount is a power of 2, not a logarithm"), _DISCOUNT,
                ("math.log2(rank + 1)", "2 ** (rank - 1)"), skill="formula"),
    ),
    alternatives=(ndcg_loop, ndcg_numpy, ndcg_torch, ndcg_shift, ndcg_heap),
    think=L(zh="为什么第 1 名和第 2 名的差别，比第 9 名和第 10 名的大？", en="Why does rank 1 differ more from rank 2 than 9 from 10?"),
)


def _dcg(values):
    return sum((2 ** rel - 1) / math.log2(rank + 1) for rank, rel in enumerate(values, start=1))


def _ratio(a, b):
    return a / b if b > 0 else 0.0
