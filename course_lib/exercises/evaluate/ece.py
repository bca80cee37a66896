"""evaluate.ece: does a model know how sure it may be?"""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def ece(confidence, correct, n_bins=10):
    """Expected calibration error with bins of equal width (Naeini et al. 2015).

    confidence: float [N] in [0, 1]; correct: [N] of 0/1 or bool. Returns a float: the sum over bins of (bin count / N) * abs(accuracy - mean confidence).
    Bin i is (i/n_bins, (i+1)/n_bins]; 0 belongs to the first. Empty bins add 0; N = 0 gives 0.0.
    """
    correct = correct.to(confidence.dtype)
    bins = (confidence * n_bins).ceil().clamp(min=1)   # 1 to n_bins; 0 goes to bin 1
    total = 0.0
    for i in range(1, n_bins + 1):
        inside = bins == i
        if inside.any():
            gap = correct[inside].mean() - confidence[inside].mean()
            total += inside.sum().item() / len(bins) * gap.abs().item()
    return total


def ece_sums(confidence, correct, n_bins=10):
    """count / N · |a mean - another mean| = |a sum - another sum| / N."""
    if len(confidence) == 0:
        return 0.0
    place = torch.ceil(confidence * n_bins).long().sub(1).clamp(min=0)
    gaps = torch.zeros(n_bins, dtype=torch.float64).index_add(0, place, correct.double() - confidence.double())
    return gaps.abs().sum() / len(confidence)


def ece_lists(confidence, correct, n_bins=10):
    pairs = list(zip(confidence.tolist(), [float(c) for c in correct]))
    total = 0.0
    for i in range(n_bins):
        held = [(p, c) for p, c in pairs if i / n_bins < p <= (i + 1) / n_bins or (i == 0 and p == 0)]
        if held:
            accuracy, mean = sum(c for _, c in held) / len(held), sum(p for p, _ in held) / len(held)
            total += len(held) / len(pairs) * abs(accuracy - mean)
    return total


def ece_bucketize(confidence, correct, n_bins=10):
    edges = torch.arange(1, n_bins) / n_bins
    where = torch.bucketize(confidence, edges)                 # edges[i-1] < x <= edges[i]
    total = torch.zeros(())
    for i in where.unique():
        held = where == i
        total = total + held.float().mean() * (correct[held].float().mean() - confidence[held].mean()).abs()
    return total


def ece_numpy(confidence, correct, n_bins=10):
    import numpy as np
    p, c = confidence.double().numpy(), correct.double().numpy()
    if not p.size:
        return 0.0
    index = np.digitize(p, np.arange(1, n_bins) / n_bins, right=True)
    return np.abs(np.bincount(index, weights=p) - np.bincount(index, weights=c)).sum() / p.size


def ece_one_hot(confidence, correct, n_bins=10):
    if confidence.numel() == 0:
        return torch.tensor(0.0)
    i = torch.arange(n_bins)
    x = (confidence * n_bins)[:, None]
    inside = ((x > i) & (x <= i + 1) | (x == 0) & (i == 0)).double()         # (N, bins)
    count = inside.sum(0)
    accuracy = inside.T @ correct.double() / count.clamp(min=1)
    mean = inside.T @ confidence.double() / count.clamp(min=1)
    return (count / count.sum() * (accuracy - mean).abs()).sum()


def ece_dict(confidence, correct, n_bins=10):
    import math
    gaps: dict[int, float] = {}
    for p, c in zip(confidence.tolist(), correct.tolist()):
        i = max(math.ceil(p * n_bins), 1)
        gaps[i] = gaps.get(i, 0.0) + p - c
    return sum(map(abs, gaps.values())) / max(len(confidence), 1)


def _cases(draw: Draw) -> list[Case]:
    def made(n: int, bins: int, honest: float):
        """Confidences away from the borders of their bins; right with probability `honest` times the confidence, and a surprise here and there."""
        p = [(draw.int(0, bins) + x) / bins for x in draw.floats(n, 0.1, 0.9)]
        right = [int(u < honest * x) for u, x in zip(draw.floats(n), p)]
        return torch.tensor(p), torch.tensor(right), bins

    def high(n: int):
        p = torch.tensor([0.6 + 0.1 * draw.int(0, 4) + x for x in draw.floats(n, 0.01, 0.09)])
        return p, torch.tensor([int(x < 0.7) for x in draw.floats(n)])

    edge, empty = L(zh="正好在边界上", en="values on a border"), L(zh="空的区间", en="empty bins")
    exact = torch.tensor([0.0, 0.25, 0.25, 0.5, 0.75, 1.0, 0.125]), torch.tensor([1, 0, 1, 1, 0, 0, 0])
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([0.5, 0.75, 1.0, 0.25]), torch.tensor([1, 1, 0, 0]), 2), edge),
        Case(L(zh="30 个，过于自信，10 个区间", en="30 examples, overconfident, 10 bins"), high(30), empty),
        Case(L(zh="60 个，5 个区间", en="60 examples, 5 bins"), made(60, 5, 0.7)),
        Case(L(zh="80 个，10 个区间", en="80 examples, 10 bins"), made(80, 10, 1.0)),
        Case(L(zh="40 个，不够自信，4 个区间", en="40 examples, underconfident, 4 bins"), made(40, 4, 1.6)),
        Case(L(zh="9 个，20 个区间", en="9 examples, 20 bins"), made(9, 20, 0.8), empty),
        Case(L(zh="1 个区间", en="one bin"), made(12, 1, 0.6)),
        Case(L(zh="边界上的值，4 个区间", en="values on borders, 4 bins"), (*exact, 4), edge),
        Case(L(zh="有 0，10 个区间", en="a 0 among them, 10 bins"), (torch.tensor([0.0, 0.0, 0.05, 0.55]), torch.tensor([1, 0, 0, 1])), edge),
        Case(L(zh="一个偏高，一个偏低", en="one bin too sure, another not sure enough"), (torch.tensor([0.9, 0.9, 0.9, 0.3, 0.3]), torch.tensor([0, 0, 1, 1, 1])), empty),
        Case(L(zh="correct 是布尔值", en="correct is boolean"), (torch.tensor([0.15, 0.62, 0.67, 0.93]), torch.tensor([False, True, False, True])), empty),
        Case(L(zh="correct 是浮点数，3 个区间", en="correct is float, 3 bins"), (torch.tensor([0.1, 0.2, 0.6, 0.9, 0.95]), torch.tensor([0.0, 1.0, 1.0, 1.0, 0.0]), 3)),
        Case(L(zh="N=1", en="N=1"), (torch.tensor([0.83]), torch.tensor([1])), empty),
        Case(L(zh="N=0", en="N=0"), (torch.zeros(0), torch.zeros(0, dtype=torch.long)), L(zh="N=0", en="N=0")),
    ]


_BORDER = L(zh="区间是 (i/n, (i+1)/n]：右端算在内，左端不算，0 归第一个。", en="Bins are (i/n, (i+1)/n]: the right end belongs to them, the left one does not, and 0 goes to the first.")
_WEIGHT = L(zh="每个区间的差乘上它的样本占全部样本的比例，再相加。", en="The gap of each bin is weighted by its share of all examples; then add up.")
_GAP = L(zh="区间里的差：准确率减平均置信度，取绝对值。", en="The gap of a bin: accuracy minus mean confidence, absolute.")
_EMPTY = L(zh="空的区间加 0；`mean()` 对空张量给 nan。", en="Empty bins add 0; `mean()` of an empty tensor is nan.")
_BINS, _COUNT = "(confidence * n_bins).ceil().clamp(min=1)", "inside.sum().item() / len(bins) * gap.abs().item()"
_DIFFERENCE, _LOOP = "correct[inside].mean() - confidence[inside].mean()", "range(1, n_bins + 1)"


def _fixed(formula):
    """One number from all examples, without bins."""
    def other(confidence, correct, n_bins=10):
        return formula(confidence, correct.to(confidence.dtype)) if len(confidence) else 0.0
    return other


def _equal_mass(confidence, correct, n_bins=10):
    order, total = confidence.argsort(stable=True), 0.0
    for part in order.tensor_split(n_bins):
        if len(part):
            total += len(part) / len(order) * float((correct[part].to(confidence.dtype).mean() - confidence[part].mean()).abs())
    return total


def _gaps(confidence, correct, n_bins):
    bins, correct = (confidence * n_bins).ceil().clamp(min=1), correct.to(confidence.dtype)
    return [(int((bins == i).sum()) / len(bins), float((correct[bins == i].mean() - confidence[bins == i].mean()).abs())) for i in bins.unique()]


def _maximum(confidence, correct, n_bins=10):
    return max((gap for _, gap in _gaps(confidence, correct, n_bins)), default=0.0)


def _unweighted(confidence, correct, n_bins=10):
    gaps = [gap for _, gap in _gaps(confidence, correct, n_bins)]
    return sum(gaps) / max(len(gaps), 1)


def _root(confidence, correct, n_bins=10):
    return sum(share * gap ** 2 for share, gap in _gaps(confidence, correct, n_bins)) ** 0.5


EXERCISE = Exercise(
    id="evaluate.ece", title=L(zh="期望校准误差", en="Expected calibration error"), reference=ece, returns=Scalar, cases=_cases,
    hints=(
        L(zh="按置信度把样本分到 n_bins 个等宽的区间里，每个区间问：答对的比例，等不等于平均置信度？",
          en="Sort the examples into n_bins bins of equal width by confidence, and ask each bin: does the share of right answers equal the mean confidence?"),
        L(zh="`(confidence * n_bins).ceil()` 给出 1 到 n_bins 的号码，右端正好算在内；0 会得到 0 号，`.clamp(min=1)` 把它放进 1 号。",
          en="`(confidence * n_bins).ceil()` numbers the bins from 1 to n_bins with the right end inside; 0 would get number 0, and `.clamp(min=1)` puts it into bin 1."),
        L(zh="`inside = bins == i`；没有样本就跳过；否则加上 样本数 / N · |correct[inside].mean() - confidence[inside].mean()|。correct 先变成浮点数。",
          en="`inside = bins == i`; skip it if nothing is inside; else add count / N · |correct[inside].mean() - confidence[inside].mean()|. Make correct float first."),
    ),
    mistakes=(
        Mistake("ece-left-closed", L(zh="区间的左端算在内，右端不算", en="bins hold their left end and not their right one"), _BORDER, (_BINS, "((confidence * n_bins).floor() + 1).clamp(max=n_bins)"),
                convention=True, skill="edge"),
        Mistake("ece-one-lost", L(zh="置信度 1 不属于任何区间", en="a confidence of 1 falls into no bin"), _BORDER, (_BINS, "(confidence * n_bins).floor() + 1"), skill="edge"),
        Mistake("ece-zero-lost", L(zh="置信度 0 不属于任何区间", en="a confidence of 0 falls into no bin"), _BORDER, (_BINS, "(confidence * n_bins).ceil()"), skill="edge"),
        Mistake("ece-rounded", L(zh="区间号是四舍五入得来的", en="bin numbers are rounded to the nearest"), _BORDER, (_BINS, "(confidence * n_bins).round().clamp(min=1)"), skill="shift"),
        Mistake("ece-unweighted", L(zh="各区间的差取了平均，没有按样本数加权", en="the gaps of the bins are averaged, not weighted by their counts"), _WEIGHT, program=_unweighted, skill="count"),
        Mistake("ece-all-bins", L(zh="差的和除以了 n_bins，没有按样本数加权", en="the gaps are summed and divided by n_bins, not weighted by their counts"), _WEIGHT, (_COUNT, "gap.abs().item() / n_bins"), skill="count"),
        Mistake("ece-summed", L(zh="差直接相加，没有权重", en="the gaps are added up without any weight"), _WEIGHT, (_COUNT, "gap.abs().item()"), skill="count"),
        Mistake("ece-not-divided", L(zh="按样本数加了权，没有除以 N", en="gaps are weighted by counts and not divided by N"), _WEIGHT, (_COUNT, "inside.sum().item() * gap.abs().item()"), skill="scale"),
        Mistake("ece-maximum", L(zh="取了最大的差（最大校准误差）", en="the largest gap is taken (maximum calibration error)"), _WEIGHT, program=_maximum, skill="formula"),
        Mistake("ece-signed", L(zh="没有取绝对值，正负相抵", en="absolute values are missing, so that gaps cancel"), _GAP, ("gap.abs().item()", "gap.item()"), skill="formula", hint=1),
        Mistake("ece-overall", L(zh="没有分区间：总的准确率和平均置信度之差", en="no bins: overall accuracy against mean confidence"), _GAP, program=_fixed(lambda p, c: (c.mean() - p.mean()).abs()), skill="formula", hint=1),
        Mistake("ece-squared", L(zh="差取了平方", en="the gaps are squared"), _GAP, ("gap.abs().item()", "gap.item() ** 2"), skill="formula", hint=1),
        Mistake("ece-root", L(zh="差的平方加权以后开了方", en="the root of the weighted squares is taken"), _GAP, program=_root, skill="formula", hint=1),
        Mistake("ece-centre", L(zh="用了区间的中点，不是平均置信度", en="the middle of the bin stands in for the mean confidence"), _GAP, (_DIFFERENCE, "correct[inside].mean() - (i - 0.5) / n_bins"), skill="formula", hint=1),
        Mistake("ece-upper-end", L(zh="用了区间的右端，不是平均置信度", en="the upper end of the bin stands in for the mean confidence"), _GAP, (_DIFFERENCE, "correct[inside].mean() - i / n_bins"), skill="formula", hint=1),
        Mistake("ece-brier", L(zh="算的是 Brier 分数：(置信度 - 对错)² 的平均", en="it is the Brier score: the mean of (confidence - correct)²"), _GAP, program=_fixed(lambda p, c: ((p - c) ** 2).mean()), skill="formula", hint=1),
        Mistake("ece-each", L(zh="没有分区间：每个样本的 |置信度 - 对错| 的平均", en="no bins: the mean of |confidence - correct| over examples"), _GAP, program=_fixed(lambda p, c: (p - c).abs().mean()), skill="formula", hint=1),
        Mistake("ece-equal-mass", L(zh="区间里样本一样多，不是一样宽", en="bins hold equally many examples instead of being equally wide"), _BORDER, program=_equal_mass, convention=True, skill="formula"),
        Mistake("ece-ten-bins", L(zh="n_bins 写死成了 10", en="n_bins is fixed at 10"), _BORDER, ("total = 0.0", "n_bins = 10\n    total = 0.0"), ("bins = (confidence * n_bins)", "bins = (confidence * 10)"), skill="formula"),
        Mistake("ece-last-bin", L(zh="漏了最后一个区间", en="the last bin is left out"), _BORDER, (_LOOP, "range(1, n_bins)"), skill="shift"),
        Mistake("ece-first-bin", L(zh="漏了第一个区间", en="the first bin is left out"), _BORDER, (_LOOP, "range(2, n_bins + 1)"), skill="shift"),
        Mistake("ece-empty-nan", L(zh="空的区间成了 nan", en="an empty bin gives nan"), _EMPTY, ("if inside.any():", "if len(bins):"), skill="edge", hint=3, also=((("if inside.any():", "if True:"),),)),
        Mistake("ece-empty-gap", L(zh="空的区间也算了一个差：它的右端", en="an empty bin counts as a gap of its upper end, as if one example were there"), _EMPTY,
                ("    return total", "    empty = [i for i in range(1, n_bins + 1) if not (bins == i).any()]\n    return total + sum(i / n_bins for i in empty) / max(len(bins), 1)"), skill="edge", hint=3),
        Mistake("ece-errors", L(zh="比的是答错的比例", en="the share of wrong answers is compared"), _GAP, (_DIFFERENCE, "1 - correct[inside].mean() - confidence[inside].mean()"), skill="formula", hint=1),
        Mistake("ece-global-accuracy", L(zh="每个区间都和总的准确率比", en="every bin is compared with the overall accuracy"), _GAP, ("correct[inside].mean()", "correct.mean()"), skill="formula", hint=1),
        Mistake("ece-percent", L(zh="返回的是百分数", en="a percentage is returned"), L(zh="题目要 0 到 1 之间的数。", en="The task asks for a number between 0 and 1."), ("    return total", "    return 100 * total"), convention=True, skill="scale", hint=3),
    ),
    alternatives=(ece_sums, ece_lists, ece_bucketize, ece_numpy, ece_one_hot, ece_dict),
    think=L(zh="一个模型对每道题都说“七成把握”，也真的答对七成。ECE 是多少？有用吗？", en="A model says “70 % sure” of every question and is right on 70 %. What is its ECE, and is it of any use?"),
)
