"""decode.rep_n: how much of a text repeats itself."""
from __future__ import annotations

from collections import Counter

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def rep_n(ids, n):
    """The share of repeated n-grams: 1 - distinct n-grams / all n-grams (Welleck et al. 2020).

    ids: list. Returns a float: 0 without repetition, towards 1 in a loop. Fewer than n ids give 0.0; n < 1 raises ValueError.
    """
    if n < 1:
        raise ValueError("n must be at least 1")
    grams = [tuple(ids[i:i + n]) for i in range(len(ids) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def rep_zip(ids, n):
    if n <= 0:
        raise ValueError
    grams = list(zip(*(ids[i:] for i in range(n))))
    return (len(grams) - len(set(grams))) / max(len(grams), 1)


def rep_counter(ids, n):
    """Every n-gram beyond its first occurrence is a repetition."""
    if not n >= 1:
        raise ValueError(n)
    counts = Counter(tuple(ids[start:start + n]) for start in range(max(len(ids) - n + 1, 0)))
    total = sum(counts.values())
    return sum(c - 1 for c in counts.values()) / total if total else 0.0


def rep_seen(ids, n):
    if n < 1:
        raise ValueError("n")
    if len(ids) < n:
        return 0.0
    seen, again = set(), 0
    for end in range(n, len(ids) + 1):
        gram = tuple(ids[end - n:end])
        again += gram in seen
        seen.add(gram)
    return again / (len(ids) - n + 1)


def rep_tensor(ids, n):
    if n < 1:
        raise ValueError("n")
    if n > len(ids):
        return torch.tensor(0.0)
    grams = torch.tensor(ids).unfold(0, n, 1)
    return 1 - len(grams.unique(dim=0)) / torch.tensor(float(len(grams)))


def rep_numpy(ids, n):
    import numpy as np
    if n < 1:
        raise ValueError("n")
    if len(ids) < n:
        return 0.0
    grams = np.lib.stride_tricks.sliding_window_view(np.array(ids), n)
    return 1.0 - np.unique(grams, axis=0).shape[0] / grams.shape[0]


def rep_text(ids, n):
    """n-grams as texts, with a mark between the ids."""
    if n < 1:
        raise ValueError("n")
    grams = [" ".join(str(i) for i in ids[s:s + n]) for s in range(len(ids)) if s + n <= len(ids)]
    return 0.0 if not grams else 1 - len(dict.fromkeys(grams)) / len(grams)


def _cases(draw: Draw) -> list[Case]:
    short, bad = L(zh="词元不到 n 个", en="fewer than n ids"), L(zh="n < 1", en="n < 1")
    loop, order = L(zh="循环", en="a loop"), L(zh="次序不同的 n 元组", en="n-grams in another order")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), ([7, 8, 7, 8, 7], 2), loop),
        Case(L(zh="没有重复", en="no repetition"), ([4, 1, 3, 9, 2, 7], 2)),
        Case(L(zh="n=1", en="n=1"), ([3, 1, 3, 2, 1, 3, 5], 1)),
        Case(L(zh="20 个随机词元，n=2", en="20 random ids, n=2"), (draw.ints(4, 20).tolist(), 2)),
        Case(L(zh="30 个随机词元，n=3", en="30 random ids, n=3"), (draw.ints(3, 30).tolist(), 3)),
        Case(L(zh="一直是同一个词元，n=4", en="one id over and over, n=4"), ([6] * 12, 4), loop),
        Case(L(zh="一句话说了三遍", en="a phrase three times"), (draw.permutation(5).tolist() * 3, 3), loop),
        Case(L(zh="词元正好 n 个", en="exactly n ids"), ([2, 5, 2], 3), short),
        Case(L(zh="词元少一个", en="one id too few"), ([2, 2, 2], 4), short),
        Case(L(zh="没有词元", en="no ids"), ([], 2), short),
        Case(L(zh="正反两种次序", en="both orders"), ([1, 2, 1, 3, 2, 3, 1], 2), order),
        Case(L(zh="连起来写一样的编号", en="ids that look alike when written together"), ([1, 12, 3, 11, 2, 3, 1, 1, 23], 2), L(zh="两位数的编号", en="ids of two digits")),
        Case(L(zh="很大的编号", en="large ids"), ([50256, 11, 50256, 11, 262, 50256], 2)),
        Case(L(zh="n=0", en="n=0"), ([1, 2, 3], 0), bad),
        Case(L(zh="n=-1", en="n=-1"), ([1, 2, 3], -1), bad),
    ]


_WINDOWS = L(zh="n 元组从每个位置开始，互相重叠，一共 len(ids) - n + 1 个。", en="n-grams begin at every place and overlap; there are len(ids) - n + 1 of them.")
_SHARE = L(zh="1 - 不同的个数 / 总个数。", en="1 - the number of distinct ones / the number of all.")
_SAME = L(zh="两个 n 元组相同：每个位置上的词元都相同。", en="Two n-grams are the same if their ids are the same at every place.")
_SHORT = L(zh="词元不到 n 个时没有 n 元组，题目要 0.0。", en="With fewer than n ids there are no n-grams; the task asks for 0.0.")
_RANGE, _RATIO = "range(len(ids) - n + 1)", "1 - len(set(grams)) / len(grams)"


def _more_than_once(ids, n):
    if n < 1:
        raise ValueError
    counts = Counter(tuple(ids[i:i + n]) for i in range(len(ids) - n + 1))
    return sum(c for c in counts.values() if c > 1) / sum(counts.values()) if counts else 0.0


def _distinct_repeated(ids, n):
    if n < 1:
        raise ValueError
    counts = Counter(tuple(ids[i:i + n]) for i in range(len(ids) - n + 1))
    return sum(c > 1 for c in counts.values()) / len(counts) if counts else 0.0


EXERCISE = Exercise(
    id="decode.rep_n", title=L(zh="重复率 rep-n", en="The repetition rate rep-n"), reference=rep_n, returns=Scalar, cases=_cases,
    hints=(
        L(zh="先列出所有的 n 元组：从每个位置取连续的 n 个词元。", en="First list all n-grams: from every place the n ids that follow."),
        L(zh="列表不能放进集合，元组可以：`tuple(ids[i:i + n])`。", en="A list cannot go into a set, a tuple can: `tuple(ids[i:i + n])`."),
        L(zh="结果是 1 - len(set(grams)) / len(grams)。一个 n 元组也没有时返回 0.0；n < 1 时抛出 ValueError。",
          en="The result is 1 - len(set(grams)) / len(grams). Return 0.0 where there are none; raise ValueError for n < 1."),
    ),
    mistakes=(
        Mistake("rep-distinct", L(zh="返回的是不同的比例（distinct-n），没有用 1 去减", en="the share of distinct n-grams is returned (distinct-n), not 1 minus it"), _SHARE,
                (_RATIO, _RATIO.removeprefix("1 - ")), skill="formula", hint=3),
        Mistake("rep-last-window", L(zh="少了最后一个 n 元组", en="the last n-gram is missing"), _WINDOWS, (_RANGE, "range(len(ids) - n)"), skill="shift", hint=1),
        Mistake("rep-ragged", L(zh="末尾不足 n 个的也算成了 n 元组", en="shorter pieces at the end count as n-grams"), _WINDOWS, (_RANGE, "range(len(ids))"), skill="shift", hint=1),
        Mistake("rep-first-window", L(zh="少了第一个 n 元组", en="the first n-gram is missing"), _WINDOWS, (_RANGE, "range(1, len(ids) - n + 1)"), skill="shift", hint=1),
        Mistake("rep-chunks", L(zh="n 元组没有重叠：每次跳 n 个", en="n-grams do not overlap: it steps by n"), _WINDOWS, (_RANGE, "range(0, len(ids) - n + 1, n)"), skill="shift", hint=1,
                also=((("len(ids) - n + 1", "0, len(ids), n"),),)),
        Mistake("rep-unigrams", L(zh="没有用 n：数的是单个词元", en="single ids are counted, whatever n"), _WINDOWS, (_RANGE, "range(len(ids))"), ("ids[i:i + n]", "ids[i:i + 1]"), skill="formula", hint=1),
        Mistake("rep-n-short", L(zh="窗口少了一个词元：n - 1 元组", en="the window is one id short: (n - 1)-grams"), _WINDOWS, ("ids[i:i + n]", "ids[i:i + n - 1]"), skill="shift",
                also=((("ids[i:i + n]", "ids[i:i + n - 1]"), ("n + 1", "n + 2")),)),
        Mistake("rep-n-long", L(zh="窗口多了一个词元：n + 1 元组", en="the window is one id too long: (n + 1)-grams"), _WINDOWS, ("ids[i:i + n]", "ids[i:i + n + 1]"), skill="shift",
                also=((("ids[i:i + n]", "ids[i:i + n + 1]"), (_RANGE, "range(len(ids) - n)")),)),
        Mistake("rep-over-ids", L(zh="除以了词元的个数，不是 n 元组的个数", en="it is divided by the number of ids, not of n-grams"), _SHARE, ("/ len(grams)", "/ len(ids)"), skill="count", hint=3),
        Mistake("rep-over-distinct", L(zh="除以了不同的 n 元组的个数", en="repetitions are divided by the number of distinct n-grams"), _SHARE,
                (_RATIO, "(len(grams) - len(set(grams))) / len(set(grams))"), skill="count", hint=3),
        Mistake("rep-count", L(zh="返回的是重复的个数，不是比例", en="the number of repetitions is returned, not their share"), _SHARE, (_RATIO, "len(grams) - len(set(grams))"), skill="scale", hint=3),
        Mistake("rep-percent", L(zh="返回的是百分数", en="a percentage is returned"), _SHARE, (_RATIO, f"100 * ({_RATIO})"), skill="scale", hint=3),
        Mistake("rep-more-than-once", L(zh="出现多次的 n 元组每次都算重复，第一次也算", en="an n-gram that occurs again counts every time, its first occurrence too"), _SHARE,
                program=_more_than_once, skill="count", hint=3),
        Mistake("rep-share-of-kinds", L(zh="算的是不同的 n 元组里有多少重复过", en="it is the share of distinct n-grams that occur again"), _SHARE, program=_distinct_repeated, skill="count", hint=3),
        Mistake("rep-sorted", L(zh="没有管次序：词元相同、次序不同也算重复", en="order does not count: the same ids in another order pass for a repetition"), _SAME,
                ("tuple(ids[i:i + n])", "tuple(sorted(ids[i:i + n]))"), skill="rank"),
        Mistake("rep-as-sets", L(zh="n 元组变成了集合：次序和个数都丢了", en="n-grams are sets, which lose order and number"), _SAME, ("tuple(ids[i:i + n])", "frozenset(ids[i:i + n])"), skill="rank"),
        Mistake("rep-joined", L(zh="编号连在一起写：1、12 和 11、2 成了一样的", en="ids are written together, so that 1, 12 and 11, 2 look alike"), _SAME,
                ("tuple(ids[i:i + n])", "\"\".join(map(str, ids[i:i + n]))"), skill="alias"),
        Mistake("rep-summed", L(zh="比较的是 n 个编号的和", en="the sums of the ids are compared"), _SAME, ("tuple(ids[i:i + n])", "sum(ids[i:i + n])"), skill="alias"),
        Mistake("rep-adjacent", L(zh="只数紧挨着的重复", en="only repetitions right after one another count"), L(zh="隔得很远的重复也算。", en="A repetition far away counts as well."),
                (_RATIO, "sum(a == b for a, b in zip(grams, grams[1:])) / len(grams)"), skill="count", hint=3,
                also=(((_RATIO, "sum(a == b for a, b in zip(grams, grams[n:])) / len(grams)"),),)),
        Mistake("rep-empty-division", L(zh="没有 n 元组时除以了 0", en="it divides by zero where there are no n-grams"), _SHORT, (" if grams else 0.0", ""), skill="edge", hint=3),
        Mistake("rep-empty-one", L(zh="没有 n 元组时返回了 1", en="it returns 1 where there are no n-grams"), _SHORT, ("else 0.0", "else 1.0"), skill="edge", hint=3),
        Mistake("rep-no-error", L(zh="n < 1 时没有报错", en="n < 1 is not refused"), L(zh="题目要 ValueError。", en="The task asks for ValueError."), ("if n < 1:", "if False:"), skill="edge", hint=3),
    ),
    alternatives=(rep_zip, rep_counter, rep_seen, rep_tensor, rep_numpy, rep_text),
    think=L(zh="好的长文章 rep-1 也不小。为什么报告的多是 rep-2 到 rep-4？", en="A good long text has a large rep-1, too. Why is it rep-2 to rep-4 that papers report?"),
)
