"""pretrain.power_law: a straight line through logarithms."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Scalar, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def power_law(x, y):
    """Fit y = a * x**b by ordinary least squares of ln y on ln x, as in the study of scaling laws.

    x, y: lists of positive floats. Returns floats (a, b), b < 0 where y falls. Unequal lengths, fewer than two different x, or a value not above
    0 raise ValueError.

    Steps: check; logarithms; both means; the slope; a from the means.
    """
    if len(x) != len(y) or len(set(x)) < 2:
        raise ValueError("one length and two different x are needed")
    u = [math.log(value) for value in x]                  # ValueError where not above 0
    w = [math.log(value) for value in y]
    mean_u, mean_w = sum(u) / len(u), sum(w) / len(w)
    together = sum((s - mean_u) * (t - mean_w) for s, t in zip(u, w))
    b = together / sum((s - mean_u) ** 2 for s in u)         # the slope
    return math.exp(mean_w - b * mean_u), b


def _checked(x, y):
    if len(x) != len(y) or len(set(x)) <= 1 or any(value <= 0 for value in [*x, *y]):
        raise ValueError("no power law")


def law_numpy(x, y):
    import numpy as np
    _checked(x, y)
    b, intercept = np.polyfit(np.log(x), np.log(y), 1)
    return np.exp(intercept), b


def law_lstsq(x, y):
    _checked(x, y)
    u, w = torch.tensor(x, dtype=torch.float64).log(), torch.tensor(y, dtype=torch.float64).log()
    intercept, b = torch.linalg.lstsq(torch.stack([torch.ones_like(u), u], dim=1), w[:, None]).solution[:, 0]
    return intercept.exp(), b


def law_normal_equations(x, y):
    """Two equations in two unknowns."""
    _checked(x, y)
    n, u, w = len(x), list(map(math.log, x)), list(map(math.log, y))
    su, sw, suu, suw = sum(u), sum(w), sum(s * s for s in u), sum(s * t for s, t in zip(u, w))
    det = n * suu - su * su
    return math.exp((suu * sw - su * suw) / det), (n * suw - su * sw) / det


def law_pairs(x, y):
    """The slope as a mean of all pairs' slopes, weighted by their squared distance."""
    _checked(x, y)
    points = [(math.log2(a), math.log2(b)) for a, b in zip(x, y)]
    top = sum((s - u) * (t - w) for s, t in points for u, w in points)
    b = top / sum((s - u) ** 2 for s, _ in points for u, _ in points)
    return 2 ** (sum(t - b * s for s, t in points) / len(points)), b


def law_statistics(x, y):
    import statistics
    _checked(x, y)
    line = statistics.linear_regression([math.log10(value) for value in x], [math.log10(value) for value in y])
    return 10 ** line.intercept, line.slope


def law_covariance(x, y):
    _checked(x, y)
    logs = torch.tensor([x, y], dtype=torch.float64).log()
    table = torch.cov(logs)
    slope = (table[0, 1] / table[0, 0]).item()
    return torch.exp(logs[1].mean() - slope * logs[0].mean()), slope


def _cases(draw: Draw) -> list[Case]:
    def noisy(n: int, a: float, b: float, noise: float, low: float = 0.0, high: float = 8.0):
        u = [low + (high - low) * (i + place) / n for i, place in enumerate(draw.floats(n, 0.1, 0.9))]
        order = draw.permutation(n).tolist()
        shift = draw.floats(n, -noise, noise)
        return [math.exp(u[i]) for i in order], [a * math.exp(u[i]) ** b * math.exp(shift[i]) for i in order]

    falls, rises, bad = L(zh="y 下降", en="a falling y"), L(zh="y 上升", en="a rising y"), L(zh="拟合不了的输入", en="inputs that cannot be fitted")
    twice, size = L(zh="重复的 x", en="repeated x"), L(zh="数的大小", en="sizes of numbers")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), ([1.0, 10.0, 100.0], [8.0, 4.0, 2.0]), falls),
        Case(L(zh="两个点", en="two points"), ([2.0, 8.0], [3.0, 12.0]), rises),
        Case(L(zh="7 个点，有噪声", en="7 points with noise"), noisy(7, 5.0, -0.4, 0.3), falls),
        Case(L(zh="9 个点，上升，有噪声", en="9 points, rising, with noise"), noisy(9, 0.2, 1.3, 0.5), rises),
        Case(L(zh="损失随参数量下降", en="loss by parameters"), noisy(6, 12.0, -0.08, 0.02, 14.0, 21.0), falls),
        Case(L(zh="5 个点，噪声很大", en="5 points with much noise"), noisy(5, 3.0, -0.7, 1.2)),
        Case(L(zh="x 小于 1", en="x below 1"), noisy(6, 2.0, 0.5, 0.2, -6.0, -1.0), size),
        Case(L(zh="y 是常数", en="a constant y"), ([1.0, 3.0, 7.0, 20.0], [4.0] * 4)),
        Case(L(zh="同一个 x 有几个 y", en="several y at one x"), ([2.0, 2.0, 2.0, 9.0], [1.0, 3.0, 5.0, 0.7]), twice),
        Case(L(zh="x 全在 1 和 2", en="x at 1 and 2 alone"), ([1.0, 2.0, 1.0, 2.0], [0.5, 0.25, 0.75, 0.5]), twice),
        *(Case(L(zh=zh, en=en), (x, y), bad) for zh, en, x, y in (
            ("y 少一个", "y is one short", [1.0, 2.0, 3.0], [1.0, 2.0]), ("x 少一个", "x is one short", [1.0, 2.0], [1.0, 2.0, 4.0]), ("一个点", "one point", [2.0], [3.0]),
            ("没有点", "no points", [], []), ("x 都一样", "x are all the same", [2.0, 2.0, 2.0], [1.0, 3.0, 2.0]),
            ("x 里有 0", "0 among x", [0.0, 1.0, 2.0], [1.0, 2.0, 3.0]), ("y 里有 0", "0 among y", [1.0, 2.0, 3.0], [1.0, 0.0, 3.0]),
            ("x 里有负数", "a negative x", [-1.0, 1.0, 2.0], [1.0, 2.0, 3.0]), ("y 里有负数", "a negative y", [1.0, 2.0, 3.0], [1.0, 2.0, -3.0]))),
    ]


_LOGS = L(zh="ln y = ln a + b · ln x：对两边的对数拟合一条直线。", en="ln y = ln a + b · ln x: fit a straight line to the logarithms of both.")
_SLOPE = L(zh="斜率 = Σ(u - ū)(w - w̄) / Σ(u - ū)²，u 是 ln x，w 是 ln y。", en="Slope = Σ(u - ū)(w - w̄) / Σ(u - ū)², where u is ln x and w is ln y.")
_A = L(zh="a = exp(w̄ - b · ū)：直线经过两个平均。", en="a = exp(w̄ - b · ū): the line goes through both means.")
_RETURNS = L(zh="返回 (a, b)，b 带着正负号。", en="What is returned is (a, b), and b keeps its sign.")
_ERRORS = L(zh="哪三种输入要 ValueError？", en="For which three kinds of input does the task ask for ValueError?")
_CHECK = "len(x) != len(y) or len(set(x)) < 2"
_U, _W = "[math.log(value) for value in x]", "[math.log(value) for value in y]"
_RETURN, _FIT = "return math.exp(mean_w - b * mean_u), b", "together / sum((s - mean_u) ** 2 for s in u)"


def _ends(x, y):
    _checked(x, y)
    (x0, y0), (x1, y1) = min(zip(x, y)), max(zip(x, y))
    b = math.log(y1 / y0) / math.log(x1 / x0)
    return y0 / x0 ** b, b


def _first_and_last(x, y):
    _checked(x, y)
    if x[0] == x[-1]:
        return _ends(x, y)
    b = math.log(y[-1] / y[0]) / math.log(x[-1] / x[0])
    return y[0] / x[0] ** b, b


def _neighbours(x, y):
    _checked(x, y)
    points = sorted((math.log(a), math.log(b)) for a, b in zip(x, y))
    slopes = [(t - w) / (s - u) for (u, w), (s, t) in zip(points, points[1:]) if s > u]
    b = sum(slopes) / len(slopes)
    return math.exp(sum(t - b * s for s, t in points) / len(points)), b


def _orthogonal(x, y):
    _checked(x, y)
    logs = torch.tensor([x, y], dtype=torch.float64).log()
    direction = torch.linalg.eigh(torch.cov(logs)).eigenvectors[:, -1]
    b = float(direction[1] / direction[0])
    return math.exp(float(logs[1].mean()) - b * float(logs[0].mean())), b


EXERCISE = Exercise(
    id="pretrain.power_law", title=L(zh="拟合幂律", en="Fitting a power law"), reference=power_law, returns=Tuple((("a", Scalar), ("b", Scalar))), cases=_cases,
    hints=(
        L(zh="两边取对数，幂律就成了直线：ln y = ln a + b · ln x。", en="Take logarithms of both sides, and a power law is a straight line: ln y = ln a + b · ln x."),
        L(zh="最小二乘的斜率：Σ(u - ū)(w - w̄) / Σ(u - ū)²。", en="The slope by least squares: Σ(u - ū)(w - w̄) / Σ(u - ū)²."),
        L(zh="截距是 w̄ - b · ū，a 是它的 exp。最前面检查：长度、不同的 x 够不够两个、是否都大于 0。",
          en="The intercept is w̄ - b · ū, and a is exp of it. Check first: lengths, at least two different x, everything above 0."),
    ),
    mistakes=(
        Mistake("law-no-logs", L(zh="没有取对数：拟合的是直线 y = a + b x", en="no logarithms are taken: the line y = a + b x is fitted"), _LOGS, (_U, "list(x)"), (_W, "list(y)"),
                ("math.exp(mean_w - b * mean_u)", "mean_w - b * mean_u"), skill="formula", hint=1),
        Mistake("law-exponential", L(zh="只对 y 取了对数：那是指数律", en="only y is turned to logarithms, which is an exponential law"), _LOGS, (_U, "list(x)"), skill="formula", hint=1),
        Mistake("law-x-log-only", L(zh="只对 x 取了对数：y = a + b ln x", en="only x is turned to logarithms: y = a + b ln x"), _LOGS, (_W, "list(y)"), ("math.exp(mean_w - b * mean_u)", "mean_w - b * mean_u"),
                skill="formula", hint=1, also=(((_W, "list(y)"),),)),
        Mistake("law-log-a", L(zh="返回的是 ln a，没有取 exp", en="ln a is returned, without exp"), _A, ("math.exp(mean_w - b * mean_u)", "mean_w - b * mean_u"), skill="formula", hint=3),
        Mistake("law-mixed-base", L(zh="取的是 log10，还原用的却是 exp", en="logarithms to base 10 are undone by exp"), _A, (_U, _U.replace("log", "log10")), (_W, _W.replace("log", "log10")), skill="formula", hint=3,
                also=(((_U, _U.replace("log", "log2")), (_W, _W.replace("log", "log2"))),)),
        Mistake("law-two-bases", L(zh="x 和 y 的对数底数不同", en="the logarithms of x and y have different bases"), _LOGS, (_U, _U.replace("log", "log10")), skill="formula", hint=1,
                also=(((_W, _W.replace("log", "log10")),), ((_U, _U.replace("log", "log2")),))),
        Mistake("law-sign", L(zh="b 的正负号反了", en="the sign of b is turned round"), _RETURNS, (_RETURN, _RETURN[:-1] + "-b"), skill="formula", hint=3),
        Mistake("law-abs", L(zh="b 取了绝对值", en="the absolute value of b is returned"), _RETURNS, (_RETURN, _RETURN[:-1] + "abs(b)"), skill="formula", hint=3),
        Mistake("law-swapped", L(zh="返回的次序反了：(b, a)", en="(b, a) is returned"), _RETURNS, (_RETURN, "return b, math.exp(mean_w - b * mean_u)"), skill="rank", hint=3),
        Mistake("law-x-on-y", L(zh="拟合反了：ln x 对 ln y，x = a · y**b", en="the fit is the other way round, ln x on ln y"), _SLOPE, (_U, _W), (f"w = {_W}", f"w = {_U}"), skill="rank", hint=2, also=(
            ((_FIT, "together / max(sum((t - mean_w) ** 2 for t in w), 1e-300)"),), ((_FIT, "together / sum((t - mean_w) ** 2 for t in w)"),))),
        Mistake("law-origin", L(zh="直线被强制经过原点：没有减去平均", en="the line is forced through the origin: the means are not taken off"), _SLOPE,
                ("sum((s - mean_u) * (t - mean_w) for s, t in zip(u, w))", "sum(s * t for s, t in zip(u, w))"), (_FIT, "together / sum(s ** 2 for s in u)"), skill="formula"),
        Mistake("law-a-one", L(zh="a 总是 1：没有截距", en="a is always 1: there is no intercept"), _A, ("math.exp(mean_w - b * mean_u)", "1.0"), skill="formula", hint=3),
        Mistake("law-a-first-point", L(zh="a 取自第一个点，不是平均", en="a comes from the first point, not from the means"), _A, ("mean_w - b * mean_u", "w[0] - b * u[0]"), skill="formula", hint=3,
                also=((("mean_w - b * mean_u", "w[-1] - b * u[-1]"),),)),
        Mistake("law-a-mean", L(zh="a 是 y 的几何平均，没有减去 b · ū", en="a is the geometric mean of y: b · ū is not taken off"), _A, ("mean_w - b * mean_u", "mean_w"), skill="formula", hint=3),
        Mistake("law-a-plus", L(zh="b · ū 是加上去的，没有减", en="b · ū is added, not taken off"), _A, ("mean_w - b * mean_u", "mean_w + b * mean_u"), skill="formula", hint=3),
        Mistake("law-no-square", L(zh="斜率的分母没有平方", en="the denominator of the slope is not squared"), _SLOPE, ("(s - mean_u) ** 2", "abs(s - mean_u)"), skill="formula"),
        Mistake("law-covariance", L(zh="斜率只是协方差，没有除以 x 的方差", en="the slope is the covariance, not divided by the variance of x"), _SLOPE, (_FIT, "together / len(u)"), skill="formula",
                also=(((_FIT, "together / (len(u) - 1)"),),)),
        Mistake("law-sample-variance", L(zh="协方差除以 n，方差除以 n - 1", en="the covariance divides by n and the variance by n - 1"), _SLOPE, (_FIT, f"{_FIT} * (len(u) - 1) / len(u)"), skill="count",
                also=(((_FIT, f"{_FIT} * len(u) / (len(u) - 1)"),),)),
        Mistake("law-correlation", L(zh="返回的是相关系数，不是斜率", en="the correlation is returned, not the slope"), _SLOPE,
                (_FIT, "together / max(sum((s - mean_u) ** 2 for s in u) * sum((t - mean_w) ** 2 for t in w), 1e-300) ** 0.5"), skill="formula", also=(
                    ((_FIT, "together / (sum((s - mean_u) ** 2 for s in u) * sum((t - mean_w) ** 2 for t in w)) ** 0.5"),),)),
        Mistake("law-extremes", L(zh="只用了最小和最大的 x 两个点", en="only the points of smallest and largest x are used"), _SLOPE, program=_ends, skill="formula"),
        Mistake("law-first-and-last", L(zh="只用了列表里的第一个和最后一个点", en="only the first and the last point of the list are used"), _SLOPE, program=_first_and_last, skill="formula"),
        Mistake("law-mean-slope", L(zh="斜率是相邻两点斜率的平均", en="the slope is the mean of the slopes between neighbours"), _SLOPE, program=_neighbours, skill="formula"),
        Mistake("law-orthogonal", L(zh="最小化的是到直线的垂直距离（主成分），不是 y 方向的误差", en="distances perpendicular to the line are minimised (principal component), not errors in y"), _SLOPE,
                program=_orthogonal, convention=True, skill="formula"),
        Mistake("law-no-error", L(zh="没有拒绝拟合不了的输入", en="inputs that cannot be fitted are not refused"), _ERRORS, (f"if {_CHECK}:", "if False:"), skill="edge", hint=3, also=(
            ((_CHECK, "len(x) != len(y)"),), ((_CHECK, "len(x) != len(y) or len(x) < 2"),), ((_CHECK, "len(set(x)) < 2"),))),
        Mistake("law-clamped", L(zh="不大于 0 的数换成了一个很小的数，没有拒绝", en="values not above 0 become a very small number instead of being refused"), _ERRORS,
                (_U, "[math.log(max(value, 1e-12)) for value in x]"), (_W, "[math.log(max(value, 1e-12)) for value in y]"), skill="edge", hint=3, also=(
                    ((_U, "[math.log(max(value, 1e-12)) for value in x]"),), ((_W, "[math.log(max(value, 1e-12)) for value in y]"),),
                    ((_U, "[math.log(value + 1e-12) for value in x]"), (_W, "[math.log(value + 1e-12) for value in y]")),)),
    ),
    alternatives=(law_numpy, law_lstsq, law_normal_equations, law_pairs, law_statistics, law_covariance),
    think=L(zh="损失降不到 0。把 y = a·x**b + c 里的 c 当成 0，外推会偏向哪一边？", en="Loss does not fall to 0. If y = a·x**b + c is fitted with c = 0, to which side does the extrapolation err?"),
)
