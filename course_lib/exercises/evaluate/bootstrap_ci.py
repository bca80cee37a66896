"""evaluate.bootstrap_ci: how far a mean might have been off."""
from __future__ import annotations

import math
import statistics

import torch

from ...i18n import L
from ..engine.contract import Scalar, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def bootstrap_ci(values, indices, level=0.95):
    """The percentile bootstrap interval of the mean (Efron 1979).

    values: float [N]; indices: long [R, N], one resample a row, with repeats. Returns floats (low, high): the (1 - level)/2 and (1 + level)/2 quantiles of
    the R resample means, interpolated linearly at position q * (R - 1) of the sorted means. R = 1 gives that mean twice; R = 0 or a level outside (0, 1)
    raises ValueError.
    """
    if len(indices) == 0 or not 0 < level < 1:
        raise ValueError("a resample and a level between 0 and 1 are needed")
    means = values[indices].mean(dim=1)                                        # [R]
    tail = (1 - level) / 2
    return means.quantile(tail).item(), means.quantile(1 - tail).item()


def _checked(indices, level):
    if indices.shape[0] < 1 or level <= 0 or level >= 1:
        raise ValueError((indices.shape, level))


def ci_by_hand(values, indices, level=0.95):
    _checked(indices, level)
    means = sorted(sum(values[i].item() for i in row) / len(row) for row in indices.tolist())

    def at(q):
        place = q * (len(means) - 1)
        low = math.floor(place)
        high = min(low + 1, len(means) - 1)
        return means[low] + (place - low) * (means[high] - means[low])
    return at((1 - level) / 2), at((1 + level) / 2)


def ci_numpy(values, indices, level=0.95):
    import numpy as np
    _checked(indices, level)
    means = values.double().numpy()[indices.numpy()].mean(axis=1)
    return tuple(np.percentile(means, [50 * (1 - level), 50 * (1 + level)]))


def ci_gather(values, indices, level=0.95):
    _checked(indices, level)
    drawn = values.expand(len(indices), -1).gather(1, indices)
    ordered = (drawn.sum(1) / drawn.shape[1]).sort().values
    places = torch.tensor([1 - level, 1 + level], dtype=torch.float64) / 2 * (len(ordered) - 1)
    low, part = places.long(), places.frac().to(ordered.dtype)
    return torch.lerp(ordered[low], ordered[(low + 1).clamp(max=len(ordered) - 1)], part)


def ci_counts(values, indices, level=0.95):
    """How often each example was drawn, times its value."""
    _checked(indices, level)
    counts = torch.stack([torch.bincount(row, minlength=len(values)) for row in indices]).to(values.dtype)
    return tuple(torch.quantile(counts @ values / len(values), torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=values.dtype)).tolist())


def ci_statistics(values, indices, level=0.95):
    _checked(indices, level)
    means = [statistics.fmean(values[row].tolist()) for row in indices]
    means.sort()
    ends = []
    for q in (0.5 - level / 2, 0.5 + level / 2):
        part, whole = math.modf(q * (len(means) - 1))
        ends.append((1 - part) * means[int(whole)] + part * means[min(int(whole) + 1, len(means) - 1)])
    return ends[0], ends[1]


def ci_mirrored(values, indices, level=0.95):
    """The upper end is minus the lower end of the negated means."""
    _checked(indices, level)
    means = values.take(indices).mean(-1)
    return means.quantile((1 - level) / 2), -(-means).quantile((1 - level) / 2)


def _cases(draw: Draw) -> list[Case]:
    def resamples(R: int, N: int):
        return draw.ints(N, R, N)

    values = torch.tensor([0.0, 1.0, 2.0, 3.0])
    lop = torch.tensor([0.1, 0.3, 0.2, 9.0, 0.4, 0.25, 5.0])           # skewed: the interval is not symmetric
    levels, one, bad = L(zh="别的 level", en="another level"), L(zh="R=1", en="R=1"), L(zh="不允许的输入", en="inputs that are not allowed")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (values, torch.tensor([[0, 0, 1, 1], [0, 1, 2, 3], [3, 3, 3, 2]]), 0.5), levels),
        Case(L(zh="R=11，N=7", en="R=11, N=7"), (lop, resamples(11, 7))),
        Case(L(zh="R=30，N=5", en="R=30, N=5"), (draw.normal(5, scale=3.0) + 2, resamples(30, 5))),
        Case(L(zh="R=200，N=12", en="R=200, N=12"), (draw.normal(12).exp() * 4, resamples(200, 12))),
        Case(L(zh="0 和 1，R=60，N=9", en="0 and 1, R=60, N=9"), (draw.ints(2, 9).float(), resamples(60, 9))),
        Case(L(zh="level=0.8", en="level=0.8"), (lop, resamples(17, 7), 0.8), levels),
        Case(L(zh="level=0.1", en="level=0.1"), (draw.normal(6) * 5, resamples(40, 6), 0.1), levels),
        Case(L(zh="R=4，N=9，level=0.6", en="R=4, N=9, level=0.6"), (draw.normal(9, scale=10.0), resamples(4, 9), 0.6), levels),
        Case(L(zh="R=2", en="R=2"), (values, torch.tensor([[3, 3, 2, 3], [0, 1, 0, 0]]))),
        Case(L(zh="R=1", en="R=1"), (torch.tensor([4.0, -1.0, 8.0]), torch.tensor([[2, 2, 0]])), one),
        Case(L(zh="N=1", en="N=1"), (torch.tensor([-2.5]), torch.zeros(3, 1, dtype=torch.long))),
        Case(L(zh="负数，R=25，N=6", en="negative values, R=25, N=6"), (-draw.normal(6).abs() * 20 - 3, resamples(25, 6), 0.9), levels),
        *(Case(L(zh=zh, en=en), (values, rows, level), bad) for zh, en, rows, level in (
            ("R=0", "R=0", torch.zeros(0, 4, dtype=torch.long), 0.9), ("level=0", "level=0", resamples(5, 4), 0.0), ("level=1", "level=1", resamples(5, 4), 1.0),
            ("level=95", "level=95", resamples(5, 4), 95.0), ("level=-0.5", "level=-0.5", resamples(5, 4), -0.5))),
    ]


_MEANS = L(zh="先对每一行（一次重抽样）取值、求平均，得到 R 个平均数。", en="First fetch the values of every row (one resample) and take their mean: R means.")
_TAILS = L(zh="两头各剪掉 (1 - level)/2：level=0.95 时是 2.5% 和 97.5%。", en="(1 - level)/2 is cut off at either end: at level = 0.95 these are 2.5 % and 97.5 %.")
_PLACE = L(zh="位置是 q·(R - 1)，落在两个数之间就按比例取；`quantile` 默认就是这样。", en="The position is q * (R - 1), and between two numbers it is interpolated: the default of `quantile`.")
_ENDS = L(zh="返回的是区间的两端，低的在前。", en="What is returned is the two ends, the lower one first.")
_ERRORS = L(zh="R = 0，或 level 不在 0 和 1 之间：ValueError。", en="R = 0, or a level that is not between 0 and 1: ValueError.")
_CHECK, _DRAWN = "len(indices) == 0 or not 0 < level < 1", "values[indices].mean(dim=1)"
_LOW, _HIGH = "means.quantile(tail).item()", "means.quantile(1 - tail).item()"
_RETURN, _TAIL = f"return {_LOW}, {_HIGH}", "(1 - level) / 2"


def _by(method):
    def other(values, indices, level=0.95):
        import numpy as np
        _checked(indices, level)
        return tuple(np.quantile(values.double().numpy()[indices.numpy()].mean(1), [(1 - level) / 2, (1 + level) / 2], method=method))
    return other


def _unsorted(values, indices, level=0.95):
    _checked(indices, level)
    means, top = values[indices].mean(1), len(indices) - 1
    ends = []
    for q in ((1 - level) / 2, (1 + level) / 2):
        low = int(q * top)
        ends.append(means[low] + (q * top - low) * (means[min(low + 1, top)] - means[low]))
    return tuple(ends)


def _normal(values, indices, level=0.95):
    _checked(indices, level)
    means, z = values[indices].mean(1), statistics.NormalDist().inv_cdf((1 + level) / 2)
    half = z * means.std(correction=0)
    return means.mean() - half, means.mean() + half


def _standard_error(values, indices, level=0.95):
    _checked(indices, level)
    half = statistics.NormalDist().inv_cdf((1 + level) / 2) * values.std(correction=0) / math.sqrt(len(values))
    return values.mean() - half, values.mean() + half


def _without_repeats(values, indices, level=0.95):
    _checked(indices, level)
    means = torch.stack([values[row.unique()].mean() for row in indices])
    return means.quantile((1 - level) / 2), means.quantile((1 + level) / 2)


EXERCISE = Exercise(
    id="evaluate.bootstrap_ci", title=L(zh="自助法的区间", en="A bootstrap interval"), reference=bootstrap_ci, returns=Tuple((("low", Scalar), ("high", Scalar))), cases=_cases,
    hints=(
        L(zh="`values[indices]` 一次取出所有重抽样，形状 [R, N]。每一行求平均。", en="`values[indices]` fetches all resamples at once, of shape [R, N]. Take the mean of every row."),
        L(zh="level 留在中间，两头各剩 (1 - level)/2：一头从它开始，另一头到 1 减去它为止。", en="level stays in the middle and (1 - level)/2 at either end: one end lies there, the other at 1 minus it."),
        L(zh="`means.quantile(q)` 就按 q·(R - 1) 的位置线性插值；`.item()` 变成 Python 数。最前面检查 R 和 level。",
          en="`means.quantile(q)` interpolates linearly at q * (R - 1); `.item()` makes a Python number. Check R and level first of all."),
    ),
    mistakes=(
        Mistake("ci-one-tail", L(zh="每一头都剪掉了 1 - level", en="1 - level is cut off at each end"), _TAILS, (_TAIL, "1 - level"), skill="formula"),
        Mistake("ci-level-fixed", L(zh="level 写死成了 0.95", en="level is fixed at 0.95"), _TAILS, (_TAIL, "0.025"), skill="formula"),
        Mistake("ci-level-half", L(zh="剪掉的是 level/2", en="level/2 is cut off"), _TAILS, (_TAIL, "level / 2"), skill="formula", also=(
            ((_TAIL, "level / 2"), (_RETURN, "return means.quantile(1 - tail).item(), means.quantile(tail).item()")),)),
        Mistake("ci-min-max", L(zh="返回的是最小和最大的平均数", en="the smallest and the largest mean are returned"), _TAILS, (_RETURN, "return means.min().item(), means.max().item()"), skill="formula"),
        Mistake("ci-reversed", L(zh="两端颠倒：高的在前", en="the ends are exchanged: the higher one comes first"), _ENDS, (_RETURN, f"return {_HIGH}, {_LOW}"), skill="rank"),
        Mistake("ci-axis", L(zh="沿第 0 轴求了平均", en="means are taken along axis 0"), _MEANS, ("dim=1", "dim=0"), skill="axis", hint=1),
        Mistake("ci-values", L(zh="没有重抽样：用了 values 自己的分位数", en="no resamples are used: these are quantiles of the values themselves"), _MEANS, (_DRAWN, "values"), skill="formula", hint=1),
        Mistake("ci-no-mean", L(zh="没有求平均：用了所有抽到的值的分位数", en="no means are taken: these are quantiles of all drawn values"), _MEANS, (_DRAWN, "values[indices]"), skill="formula", hint=1),
        Mistake("ci-sum", L(zh="每次重抽样求的是和", en="each resample is summed"), _MEANS, (_DRAWN, "values[indices].sum(dim=1)"), skill="formula", hint=1),
        Mistake("ci-median", L(zh="每次重抽样取的是中位数", en="the median of each resample is taken"), _MEANS, (_DRAWN, "values[indices].median(dim=1).values"), skill="formula", hint=1),
        Mistake("ci-index-mean", L(zh="平均的是编号，不是值", en="the indices are averaged, not the values"), _MEANS, (_DRAWN, "indices.to(values.dtype).mean(dim=1)"), skill="formula", hint=1),
        Mistake("ci-distinct", L(zh="重抽样里重复的只算了一次", en="what a resample drew twice counts once"), L(zh="自助法是放回去抽的，重复的要重复算。", en="The bootstrap draws with replacement: a repeat counts again."),
                program=_without_repeats, skill="count", hint=1),
        Mistake("ci-unsorted", L(zh="没有排序就按位置取", en="positions are taken without sorting"), _PLACE, program=_unsorted, skill="rank", hint=3),
        Mistake("ci-no-interpolation", L(zh="没有插值：取了一个现成的平均数", en="nothing is interpolated: one of the means is taken"), _PLACE, program=_by("nearest"), convention=True, skill="formula", hint=3,
                also=(_by("lower"), _by("higher"), _by("inverted_cdf"))),
        Mistake("ci-other-position", L(zh="位置不是 q·(R - 1)，而是按另一种分位数的定义", en="the position is not q * (R - 1) but that of another definition of quantiles"), _PLACE, program=_by("weibull"),
                convention=True, skill="formula", hint=3, also=(_by("hazen"), _by("median_unbiased"))),
        Mistake("ci-normal", L(zh="用正态近似代替了分位数：平均 ± z·标准差", en="a normal approximation stands in for the quantiles: mean ± z · standard deviation"), _TAILS, program=_normal, skill="formula"),
        Mistake("ci-standard-error", L(zh="没有用重抽样：平均 ± z·标准误", en="the resamples are not used: mean ± z · standard error"), _MEANS, program=_standard_error, skill="formula", hint=1),
        Mistake("ci-basic", L(zh="区间绕着 values 的平均翻了个面（“基本”自助法）", en="the interval is turned over around the mean of the values (the “basic” bootstrap)"), _ENDS,
                (_RETURN, "return (2 * values.mean() - means.quantile(1 - tail)).item(), (2 * values.mean() - means.quantile(tail)).item()"), convention=True, skill="formula"),
        Mistake("ci-distances", L(zh="返回的是两端离平均有多远", en="the distances of the ends from the mean are returned"), _ENDS,
                (_RETURN, "return (values.mean() - means.quantile(tail)).item(), (means.quantile(1 - tail) - values.mean()).item()"), skill="formula"),
        Mistake("ci-one-end", L(zh="两端相同：用了同一个分位数", en="both ends are the same quantile"), _TAILS, (_HIGH, _LOW), skill="formula"),
        Mistake("ci-no-error", L(zh="没有拒绝不允许的输入", en="inputs that are not allowed are not refused"), _ERRORS, (f"if {_CHECK}:", "if False:"), skill="edge", hint=3, also=(
            ((_CHECK, "len(indices) == 0"),), ((_CHECK, "not 0 < level < 1"),), ((_CHECK, "len(indices) == 0 or not 0 <= level <= 1"),))),
        Mistake("ci-one-refused", L(zh="R = 1 也被拒绝了", en="R = 1 is refused as well"), L(zh="只有一次重抽样时，两端都是那个平均数。", en="With one resample both ends are its mean."), ("len(indices) == 0", "len(indices) < 2"),
                skill="edge", hint=3),
    ),
    alternatives=(ci_by_hand, ci_numpy, ci_gather, ci_counts, ci_statistics, ci_mirrored),
    think=L(zh="R 从 1000 增加到 100 万，区间会变窄吗？N 呢？", en="Does the interval get narrower when R goes from 1000 to a million? And when N grows?"),
)
