"""evaluate.cohen_kappa: how far two raters agree beyond chance."""
from __future__ import annotations

from collections import Counter
from fractions import Fraction

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def cohen_kappa(a, b):
    """Cohen's kappa, unweighted: agreement beyond chance (Cohen 1960).

    a, b: lists of labels (ints or strings) that two raters gave the same examples. Returns a float, (p_o - p_e) / (1 - p_e): p_o is the share on which
    they agree, p_e what chance would give from each rater's own shares. p_e = 1 gives 0.0; it may be negative. Unequal lengths or empty lists raise
    ValueError.
    """
    if len(a) != len(b) or not a:
        raise ValueError("two lists of one length, not empty")
    n = len(a)
    agree = sum(x == y for x, y in zip(a, b)) / n
    chance = sum(a.count(label) * b.count(label) for label in set(a)) / n ** 2
    return (agree - chance) / (1 - chance) if chance < 1 else 0.0


def _checked(a, b):
    if len(a) != len(b) or len(a) == 0:
        raise ValueError((len(a), len(b)))


def kappa_matrix(a, b):
    """From the table of both raters."""
    _checked(a, b)
    labels = sorted({*a, *b}, key=str)
    table = torch.zeros(len(labels), len(labels), dtype=torch.float64)
    for x, y in zip(a, b):
        table[labels.index(x), labels.index(y)] += 1 / len(a)
    p_o, p_e = table.trace(), table.sum(1) @ table.sum(0)
    return (p_o - p_e) / (1 - p_e) if len(labels) > 1 else torch.tensor(0.0)


def kappa_counts(a, b):
    """The same in whole numbers: (n hits - S) / (n² - S)."""
    _checked(a, b)
    n, ours, theirs = len(a), Counter(a), Counter(b)
    expected = sum(ours[label] * theirs[label] for label in ours)
    return (n * sum(map(lambda x, y: x == y, a, b)) - expected) / (n * n - expected) if n * n != expected else 0.0


def kappa_fractions(a, b):
    _checked(a, b)
    n = len(a)
    p_o = Fraction(sum(1 for i in range(n) if a[i] == b[i]), n)
    p_e = sum((Fraction(a.count(c), n) * Fraction(b.count(c), n) for c in set(a) & set(b)), Fraction(0))
    return Fraction(0) if p_e == 1 else (p_o - p_e) / (1 - p_e)


def kappa_all_pairs(a, b):
    """Chance agreement is the share of all n² pairs of an answer of a and an answer of b that agree."""
    _checked(a, b)
    n = len(a)
    p_o = len([1 for x, y in zip(a, b) if x == y]) / n
    p_e = sum(x == y for x in a for y in b) / (n * n)
    try:
        return (p_o - p_e) / (1 - p_e)
    except ZeroDivisionError:
        return 0.0


def kappa_disagreement(a, b):
    """1 - observed over expected disagreement."""
    _checked(a, b)
    n, shares = len(a), Counter(b)
    expected = 1 - sum(count * shares[label] for label, count in Counter(a).items()) / n / n
    observed = sum(x != y for x, y in zip(a, b)) / n
    return 1 - observed / expected if expected > 1e-12 else 0.0


def kappa_numpy(a, b):
    import numpy as np
    _checked(a, b)
    ids = {label: i for i, label in enumerate(dict.fromkeys([*a, *b]))}
    x, y = np.array([ids[label] for label in a]), np.array([ids[label] for label in b])
    p_o = (x == y).mean()
    p_e = (np.bincount(x, minlength=len(ids)) / len(x)) @ (np.bincount(y, minlength=len(ids)) / len(y))
    return (p_o - p_e) / (1 - p_e) if len(ids) > 1 else 0.0


def _cases(draw: Draw) -> list[Case]:
    def raters(n: int, labels: list, same: float):
        """Uneven shares, other for each rater."""
        a = [labels[min(int(x * x * len(labels)), len(labels) - 1)] for x in draw.floats(n)]
        b = [x if u < same else labels[min(int(v * len(labels)), len(labels) - 1)] for x, u, v in zip(a, draw.floats(n), draw.floats(n))]
        return a, b

    one, bad, below = L(zh="只用了一种标签", en="a single label"), L(zh="不允许的输入", en="inputs that are not allowed"), L(zh="比碰巧还差", en="worse than chance")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (["y", "y", "n", "n"], ["y", "n", "n", "n"])),
        Case(L(zh="30 个，3 种标签", en="30 examples, 3 labels"), raters(30, [0, 1, 2], 0.6)),
        Case(L(zh="40 个，4 种标签", en="40 examples, 4 labels"), raters(40, ["a", "b", "c", "d"], 0.5)),
        Case(L(zh="20 个，偏得厉害", en="20 examples, very uneven"), ([1] * 17 + [0] * 3, [1] * 16 + [0, 0, 1, 1])),
        Case(L(zh="五个标签，各用各的次数", en="five labels, used unequally"), ([4, 0, 1, 1, 3, 2, 2, 2, 0], [4, 0, 0, 1, 1, 2, 2, 3, 3])),
        Case(L(zh="完全一致", en="they agree on everything"), (["b", "a", "c", "a"], ["b", "a", "c", "a"])),
        Case(L(zh="总是相反", en="always the opposite"), ([0, 1, 1, 0, 1], [1, 0, 0, 1, 0]), below),
        Case(L(zh="没有一个标签相同", en="no label in common"), (["x", "y", "x"], ["u", "u", "v"])),
        Case(L(zh="不如碰巧", en="less than chance"), (["l", "l", "r", "r", "r", "l", "l"], ["r", "l", "l", "r", "l", "r", "r"]), below),
        Case(L(zh="两人都只说同一个", en="both always say one and the same"), ([7, 7, 7], [7, 7, 7]), one),
        Case(L(zh="各说各的一个", en="each always says another one"), (["n", "n"], ["y", "y"])),
        Case(L(zh="一人只说一个", en="one of them always says the same"), (["y", "n", "y", "y", "n"], ["y"] * 5)),
        Case(L(zh="1 个样本", en="one example"), ([3], [3]), one),
        Case(L(zh="b 少一个", en="b is one short"), ([0, 1, 1], [0, 1]), bad),
        Case(L(zh="a 少一个", en="a is one short"), ([0, 1], [0, 1, 0]), bad),
        Case(L(zh="没有样本", en="no examples"), ([], []), bad),
    ]


_FORMULA = L(zh="(p_o - p_e) / (1 - p_e)：超出碰巧的那部分，占能超出的多少。", en="(p_o - p_e) / (1 - p_e): of what lies beyond chance, how much was reached.")
_CHANCE = L(zh="p_e：对每个标签，a 用它的比例乘 b 用它的比例，再加起来。", en="p_e: for each label, the share of a times the share of b; then add up.")
_AGREE = L(zh="p_o 比的是同一个样本上的两个标签。", en="p_o compares the two labels of one example.")
_ONE = L(zh="p_e = 1 时，题目要 0.0。", en="Where p_e = 1 the task asks for 0.0.")
_RETURN = "return (agree - chance) / (1 - chance) if chance < 1 else 0.0"
_EXPECTED, _ERRORS = "sum(a.count(label) * b.count(label) for label in set(a)) / n ** 2", L(zh="长度不同、没有样本：ValueError。", en="Unequal lengths, no examples: ValueError.")
_CHECK = "len(a) != len(b) or not a"


def _linear(a, b):
    _checked(a, b)
    labels = sorted({*a, *b}, key=str)
    x, y = [labels.index(label) for label in a], [labels.index(label) for label in b]
    far = sum(abs(i - j) for i in x for j in y) / len(a) ** 2
    return 1 - sum(abs(i - j) for i, j in zip(x, y)) / len(a) / far if far else 0.0


EXERCISE = Exercise(
    id="evaluate.cohen_kappa", title=L(zh="科恩的 κ", en="Cohen's kappa"), reference=cohen_kappa, returns=Scalar, cases=_cases,
    hints=(
        L(zh="先算一致的比例 p_o。再问：两个人闭着眼睛按各自的习惯给标签，会碰巧一致多少？", en="First the share of agreement, p_o. Then: how often would two raters agree who label blindly, each by their own habits?"),
        L(zh="碰巧的 p_e：对每个标签，`a.count(label) * b.count(label) / n ** 2`，加起来。", en="Chance, p_e: for each label `a.count(label) * b.count(label) / n ** 2`, added up."),
        L(zh="`set(a)` 给出不重复的标签。最后 (p_o - p_e) / (1 - p_e)，分母是 0 时返回 0.0；最前面检查长度。",
          en="`set(a)` gives each label once. At the end (p_o - p_e) / (1 - p_e), and 0.0 where the denominator is 0; check the lengths first of all."),
    ),
    mistakes=(
        Mistake("kappa-agreement", L(zh="返回的是一致的比例 p_o，没有扣掉碰巧", en="the share of agreement p_o is returned; chance is not taken off"), _FORMULA, (_RETURN, "return agree"), skill="formula"),
        Mistake("kappa-no-denominator", L(zh="只减了 p_e，没有除以 1 - p_e", en="p_e is taken off, but nothing is divided by 1 - p_e"), _FORMULA, (_RETURN, "return agree - chance"), skill="formula", hint=3),
        Mistake("kappa-ratio", L(zh="算的是 p_o / p_e", en="it is p_o / p_e"), _FORMULA, (_RETURN, "return agree / chance if chance else 0.0"), skill="formula", hint=3,
                also=(((_RETURN, "return agree / chance"),),)),
        Mistake("kappa-wrong-denominator", L(zh="除以的是 1 - p_o", en="it divides by 1 - p_o"), _FORMULA, (_RETURN, "return (agree - chance) / (1 - agree) if agree < 1 else 0.0"), skill="formula", hint=3),
        Mistake("kappa-sign", L(zh="分子反了：p_e - p_o", en="the numerator is turned round: p_e - p_o"), _FORMULA, ("(agree - chance)", "(chance - agree)"), skill="formula", hint=3),
        Mistake("kappa-uniform", L(zh="p_e 取了 1 除以标签数，没有看各人的比例", en="p_e is one over the number of labels, whatever the raters' shares"), _CHANCE, (_EXPECTED, "1 / len({*a, *b})"),
                skill="formula", also=(((_EXPECTED, "1 / len(set(a))"),),)),
        Mistake("kappa-pooled", L(zh="p_e 用的是两人合起来的比例（Scott 的 π）", en="p_e uses the shares of both raters together (Scott's pi)"), _CHANCE,
                (_EXPECTED, "sum((a + b).count(label) ** 2 for label in {*a, *b}) / (2 * n) ** 2"), convention=True, skill="formula"),
        Mistake("kappa-one-rater", L(zh="p_e 只用了一个人的比例，平方", en="p_e uses one rater's shares, squared"), _CHANCE, (_EXPECTED, "sum(a.count(label) ** 2 for label in set(a)) / n ** 2"), skill="formula",
                also=(((_EXPECTED, "sum(b.count(label) ** 2 for label in set(b)) / n ** 2"),),)),
        Mistake("kappa-chance-n", L(zh="p_e 只除了一次 n", en="p_e is divided by n only once"), _CHANCE, ("/ n ** 2", "/ n"), skill="count"),
        Mistake("kappa-repeats", L(zh="p_e 里每个样本加了一次，不是每个标签一次", en="p_e adds a term for each example, not for each label"), _CHANCE, ("in set(a)", "in a"), skill="count"),
        Mistake("kappa-first-label", L(zh="p_e 只算了一个标签", en="p_e counts one label only"), _CHANCE, (_EXPECTED, "a.count(a[0]) * b.count(a[0]) / n ** 2"), skill="count"),
        Mistake("kappa-shares-added", L(zh="p_e 里两个比例相加了，没有相乘", en="the two shares are added in p_e, not multiplied"), _CHANCE, (_EXPECTED, "sum(a.count(label) + b.count(label) for label in set(a)) / n / 2"), skill="formula"),
        Mistake("kappa-disagreement", L(zh="数的是不一致的", en="disagreements are counted"), _AGREE, ("x == y", "x != y"), skill="formula", hint=1),
        Mistake("kappa-sorted", L(zh="比的是排好序的标签", en="the labels are sorted before they are compared"), _AGREE, ("zip(a, b)", "zip(sorted(a), sorted(b))"), skill="rank", hint=1),
        Mistake("kappa-clipped", L(zh="负数变成了 0", en="negative values become 0"), L(zh="题目说可以是负的：比碰巧还差。", en="The task says that it may be negative: worse than chance."),
                (_RETURN, "return max(0.0, (agree - chance) / (1 - chance)) if chance < 1 else 0.0"), skill="edge"),
        Mistake("kappa-abs", L(zh="取了绝对值", en="the absolute value is taken"), L(zh="题目说可以是负的：比碰巧还差。", en="The task says that it may be negative: worse than chance."),
                (_RETURN, "return abs(agree - chance) / (1 - chance) if chance < 1 else 0.0"), skill="edge"),
        Mistake("kappa-constant-one", L(zh="p_e = 1 时返回了 1", en="p_e = 1 gives 1.0"), _ONE, ("else 0.0", "else 1.0"), skill="edge", hint=3),
        Mistake("kappa-zero-div", L(zh="p_e = 1 时除以了 0", en="it divides by zero where p_e = 1"), _ONE, (_RETURN, "return (agree - chance) / (1 - chance)"), skill="edge", hint=3),
        Mistake("kappa-constant-nan", L(zh="p_e = 1 时给了 nan", en="p_e = 1 gives nan"), _ONE, ("else 0.0", "else float('nan')"), skill="edge", hint=3),
        Mistake("kappa-weighted", L(zh="差得远的扣得多（线性加权的 κ）", en="labels further apart cost more (linearly weighted kappa)"), _AGREE, program=_linear, convention=True, skill="formula", hint=1),
        Mistake("kappa-percent", L(zh="返回的是百分数", en="a percentage is returned"), L(zh="题目要的最大值是 1。", en="In this task the largest value is 1."), ("return (agree - chance)", "return 100 * (agree - chance)"),
                convention=True, skill="scale", hint=3),
        Mistake("kappa-no-error", L(zh="没有拒绝不允许的输入", en="inputs that are not allowed are not refused"), _ERRORS, (f"if {_CHECK}:", "if False:"), skill="edge", hint=3, also=(
            ((_CHECK, "len(a) != len(b)"),), ((_CHECK, "not a"),))),
    ),
    alternatives=(kappa_matrix, kappa_counts, kappa_fractions, kappa_all_pairs, kappa_disagreement, kappa_numpy),
    think=L(zh="两个人 95% 一致，κ 却接近 0。他们的标签是什么样的？", en="Two raters agree on 95 %, and yet kappa is near 0. What do their labels look like?"),
)
