"""agents.hit_at_k: does a list of recommendations hold something wanted?"""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def hit_at_k(ranked, relevant, k):
    """The share of queries that have at least one relevant id among the first k.

    ranked: Q lists of ids, best first, used as they are where shorter than k; relevant: Q sets of ids, a query with an empty one is a miss.
    Returns a float, 0.0 if Q = 0. First of all, k < 1 or unequal lengths raise ValueError.
    """
    if k < 1 or len(ranked) != len(relevant):
        raise ValueError("k must be 1 or more, and there must be as many lists as sets")
    if not ranked:
        return 0.0
    hits = 0
    for items, wanted in zip(ranked, relevant):
        hits += any(item in wanted for item in items[:k])
    return hits / len(ranked)


def hit_sets(ranked, relevant, k):
    if len(ranked) != len(relevant) or k <= 0:
        raise ValueError((len(ranked), len(relevant), k))
    found = [bool(set(items[:k]) & wanted) for items, wanted in zip(ranked, relevant)]
    return sum(found) / max(1, len(found))


def hit_loop(ranked, relevant, k):
    if not k >= 1:
        raise ValueError("k")
    if len(relevant) - len(ranked):
        raise ValueError("lengths")
    good = 0
    for q in range(len(ranked)):
        for place in range(min(k, len(ranked[q]))):
            if ranked[q][place] in relevant[q]:
                good += 1
                break
    return good / len(ranked) if ranked else 0.0


def hit_disjoint(ranked, relevant, k):
    if k < 1 or len(ranked) != len(relevant):
        raise ValueError
    misses = sum(wanted.isdisjoint(items[:k]) for items, wanted in zip(ranked, relevant))
    return 1 - misses / len(ranked) if ranked else 0.0


def hit_torch(ranked, relevant, k):
    if k < 1:
        raise ValueError(f"k = {k}")
    pairs = list(zip(ranked, relevant, strict=True))
    if not pairs:
        return torch.tensor(0.0)
    return torch.tensor([any(item in wanted for item in items[:k]) for items, wanted in pairs]).double().mean()


def hit_rank(ranked, relevant, k):
    if k < 1 or len(ranked) != len(relevant):
        raise ValueError("bad arguments")
    def first(items, wanted):
        return next((rank for rank, item in enumerate(items, 1) if item in wanted), float("inf"))
    ranks = list(map(first, ranked, relevant))
    return len([r for r in ranks if r <= k]) / len(ranks) if ranks else 0.0


def hit_mean(ranked, relevant, k):
    from statistics import fmean
    if k < 1 or len(ranked) != len(relevant):
        raise ValueError("bad arguments")
    return fmean(len(wanted.intersection(items[:k])) > 0 for items, wanted in zip(ranked, relevant)) if relevant else 0.0


def _hit_cases(draw: Draw) -> list[Case]:
    def random(q, n):                                # ids from 10 up, no place among them; the relevant ones anywhere in or out of the list
        ranked = [(draw.permutation(30)[:n] + 10).tolist() for _ in range(q)]
        relevant = [set((draw.permutation(30)[:3] + 10).tolist()) for _ in range(q)]
        relevant[0], relevant[1], relevant[2] = {ranked[0][0], ranked[0][1]}, {ranked[1][n - 1]}, {ranked[2][2], 99}
        return ranked, relevant

    short, none, refuse = L(zh="短列表", en="short lists"), L(zh="没有相关条目的查询", en="queries without a relevant id"), L(
        zh="开头的检查", en="the checks at the start")
    lists, two = [[3, 1], [2, 5]], [{1}, {5}]
    return [
        Case(L(zh="3 个查询，k=1", en="3 queries, k=1"), ([[3, 1], [2, 5], [4]], [{1}, {5, 2}, {9}], 1)),
        Case(L(zh="3 个查询，k=2", en="3 queries, k=2"), ([[13, 11, 17], [12, 15, 14], [14, 19, 16]], [{11}, {14}, {20}], 2)),
        Case(L(zh="7 个查询，k=3", en="7 queries, k=3"), (*random(7, 6), 3)),
        Case(L(zh="5 个查询，k=5", en="5 queries, k=5"), (*random(5, 8), 5)),
        Case(L(zh="前 k 名里有两个相关的", en="two relevant ids among the first k"), ([[14, 12, 17], [11, 15, 13]], [{14, 12}, {19}], 2),
                L(zh="不止一个相关条目", en="more than one relevant id")),
        Case(L(zh="相关的不都在前 k 名", en="not all relevant ids are among the first k"), ([[14, 12, 17], [11, 15, 13], [18, 16, 10]],
                [{14, 17, 30}, {11, 13}, {16, 31}], 2), L(zh="不止一个相关条目", en="more than one relevant id")),
        Case(L(zh="列表长短不一，k=4", en="lists of unequal length, k=4"), ([[14], [11, 15, 13, 16, 19], [], [12, 18]], [{14}, {19}, {10}, {18}], 4), short),
        Case(L(zh="k 大于所有列表", en="k larger than every list"), ([[14, 10], [11], [13, 12]], [{10}, {12}, {12, 13}], 10), short),
        Case(L(zh="有的查询没有相关条目", en="some queries have no relevant id"), ([[14, 10], [11, 12], [13, 17], [18, 19]], [{14}, set(), {17}, set()], 2),
                none),
        Case(L(zh="所有查询都没有相关条目", en="no query has a relevant id"), ([[14, 10], [11, 12]], [set(), set()], 2), none),
        Case(L(zh="书名作为 id", en="titles as ids"), ([["潮汐", "海鸟"], ["星图", "菜谱"], ["灯塔", "船"]], [{"海鸟"}, {"船"}, {"灯塔"}], 2)),
        Case(L(zh="只有第 k 名相关", en="only rank k is relevant"), ([[14, 10, 12], [11, 13, 15], [12, 16, 17], [18, 12, 14]],
                [{12}, {15}, {17}, {20}], 3)),
        Case(L(zh="一个查询，没中", en="one query, a miss"), ([[14, 10]], [{12}], 2)),
        Case(L(zh="没有查询", en="no queries"), ([], [], 3), L(zh="没有查询的情形", en="no queries")),
        Case(L(zh="k=0", en="k=0"), (lists, two, 0), refuse),
        Case(L(zh="k=-1", en="k=-1"), (lists, two, -1), refuse),
        Case(L(zh="列表多一个", en="one list too many"), (lists + [[7]], two, 2), refuse),
        Case(L(zh="集合多一个", en="one set too many"), (lists, two + [{7}], 2), refuse),
        Case(L(zh="没有查询，k=0", en="no queries, k=0"), ([], [], 0), refuse),
        Case(L(zh="没有列表，却有集合", en="no list, but a set"), ([], [{7}], 1), refuse),
    ]


_ONCE = L(zh="一个查询至多算中一次。", en="A query is hit at most once.")
_SHARE = L(zh="分母是查询数 Q。", en="Divide by Q, the number of queries.")
_FIRST = L(zh="只看每个列表的前 k 个：下标 0 到 k-1。", en="Look at the first k of each list only: indices 0 to k-1.")
_CHECK = L(zh="k < 1 或两个列表长度不同，要最先抛出 ValueError。", en="k < 1 or unequal lengths raise ValueError, before all else.")
_EMPTY = L(zh="没有相关条目的查询算没中，但仍算一个查询。", en="A query without relevant ids is a miss, and still a query.")
_IF = "if k < 1 or len(ranked) != len(relevant):"
_ANY = "any(item in wanted for item in items[:k])"

EXERCISE = Exercise(
    id="agents.hit_at_k", title=L(zh="命中率 hit@k", en="hit@k"), reference=hit_at_k, returns=Scalar, cases=_hit_cases,
    hints=(
        L(zh="对每个查询问一个是非题：前 k 个里有没有相关的？再看回答“有”的占多少。",
          en="Ask of each query: is there a relevant id among the first k? Then take the share of those that say yes."),
        L(zh="`items[:k]` 在列表不够长时就给全部，不用另写。", en="`items[:k]` gives all there is where the list is shorter, so nothing else is needed."),
        L(zh="先检查 k 和两个长度，抛出 ValueError；再处理 Q = 0，免得除以 0。",
          en="First check k and both lengths, raising ValueError; then deal with Q = 0, or there is a division by 0."),
    ),
    mistakes=(
        Mistake("hit-counts-all", L(zh="一个查询里每个相关的都算了一次", en="every relevant id of a query counts"), _ONCE, (_ANY, _ANY.replace("any", "sum")),
                skill="count", hint=1),
        Mistake("hit-precision", L(zh="算成了精确率@k：相关的个数除以 k", en="it is precision at k: the number of relevant ids over k"), _ONCE,
                (_ANY, _ANY.replace("any", "sum") + " / k"), skill="formula", hint=1,
                also=(((_ANY, _ANY.replace("any", "sum") + " / max(1, len(items[:k]))"),),)),
        Mistake("hit-recall", L(zh="算成了召回率@k：除以了相关条目的个数", en="it is recall at k: divided by the number of relevant ids"), _ONCE,
                (_ANY, _ANY.replace("any", "sum") + " / max(1, len(wanted))"), skill="formula", hint=1,
                also=(((_ANY, _ANY.replace("any", "sum")), ("return hits / len(ranked)", "return hits / max(1, sum(map(len, relevant)))")),)),
        Mistake("hit-all-needed", L(zh="要求全部相关条目都在前 k 个里", en="all relevant ids have to be among the first k"),
                L(zh="有一个就算中。", en="One is enough."), (_ANY, "bool(wanted) and all(item in items[:k] for item in wanted)"), skill="formula", hint=1,
                also=(((_ANY, "all(item in items[:k] for item in wanted)"),),)),
        Mistake("hit-all-relevant", L(zh="要求前 k 个全都相关", en="all of the first k have to be relevant"), L(zh="有一个就算中。", en="One is enough."),
                (_ANY, _ANY.replace("any", "all")), skill="formula", hint=1),
        Mistake("hit-reciprocal", L(zh="算成了 MRR：第一个相关条目的名次的倒数", en="it is MRR: one over the rank of the first relevant id"), _ONCE,
                (_ANY, "max([1 / (i + 1) for i, item in enumerate(items[:k]) if item in wanted], default=0)"), skill="rank", hint=1),
        Mistake("hit-k-ignored", L(zh="没有截到前 k 个", en="the list is not cut to the first k"), _FIRST, ("items[:k]", "items"), skill="rank"),
        Mistake("hit-k-short", L(zh="只看了前 k-1 个", en="only the first k - 1 are looked at"), _FIRST, ("items[:k]", "items[:k - 1]"), skill="shift"),
        Mistake("hit-k-long", L(zh="看了前 k+1 个", en="the first k + 1 are looked at"), _FIRST, ("items[:k]", "items[:k + 1]"), skill="shift"),
        Mistake("hit-last-k", L(zh="看的是最后 k 个", en="the last k are looked at"), L(zh="列表里最好的在最前。", en="The best comes first in a list."),
                ("items[:k]", "items[-k:]"), skill="rank"),
        Mistake("hit-only-kth", L(zh="只看了第 k 名", en="only rank k is looked at"), _FIRST, ("items[:k]", "items[k - 1:k]"), skill="rank"),
        Mistake("hit-only-first", L(zh="只看了第 1 名", en="only rank 1 is looked at"), _FIRST, ("items[:k]", "items[:1]"), skill="rank"),
        Mistake("hit-count", L(zh="返回的是命中数，没有除以查询数", en="the number of hits is returned, not divided by the number of queries"), _SHARE,
                ("return hits / len(ranked)", "return float(hits)"), skill="count", hint=1),
        Mistake("hit-per-cent", L(zh="返回的是百分数", en="a percentage is returned"), L(zh="题目要 0 到 1 的比例。", en="The task asks for a share of 1."),
                ("return hits / len(ranked)", "return 100 * hits / len(ranked)"), skill="formula", hint=1),
        Mistake("hit-integer", L(zh="用了整除", en="it is an integer division"), L(zh="`//` 会丢掉小数部分。", en="`//` drops the fraction."),
                ("return hits / len(ranked)", "return float(hits // len(ranked))"), skill="formula", hint=1),
        Mistake("hit-misses", L(zh="返回的是没中的比例", en="the share of misses is returned"), _SHARE,
                ("return hits / len(ranked)", "return 1 - hits / len(ranked)"), skill="formula", hint=1),
        Mistake("hit-per-k", L(zh="除以了 Q·k", en="it is divided by Q * k"), _SHARE, ("return hits / len(ranked)", "return hits / len(ranked) / k"),
                skill="count", hint=1),
        Mistake("hit-empty-left-out", L(zh="分母里去掉了没有相关条目的查询", en="queries without relevant ids are left out of the denominator"), _EMPTY,
                ("return hits / len(ranked)", "return hits / max(1, sum(map(bool, relevant)))"), skill="count"),
        Mistake("hit-empty-hit", L(zh="没有相关条目的查询算成了命中", en="a query without relevant ids counts as a hit"), _EMPTY,
                (_ANY, f"(not wanted or {_ANY})"), skill="edge"),
        Mistake("hit-short-left-out", L(zh="不够 k 个的列表算没中", en="lists shorter than k count as misses"),
                L(zh="列表短于 k 时，有几个看几个。", en="Where a list is shorter than k, look at what there is."),
                (_ANY, f"(len(items) >= k and {_ANY})"), skill="edge"),
        Mistake("hit-places", L(zh="拿名次去比，没有拿 id", en="places in the list are compared, not ids"), L(zh="relevant 里是 id。", en="relevant holds ids."),
                (_ANY, "any(place in wanted for place, _ in enumerate(items[:k]))"), skill="formula", hint=1,
                also=(((_ANY, "any(place in wanted for place, _ in enumerate(items[:k], 1))"),),)),
        Mistake("hit-no-queries", L(zh="没有查询时除以了 0", en="without queries there is a division by 0"), L(zh="Q = 0 时返回 0.0。", en="With Q = 0 return 0.0."),
                ("    if not ranked:\n        return 0.0\n", ""), skill="edge", hint=3,
                also=((("return 0.0", "return float(\"nan\")"),), (("return 0.0", "return 1.0"),))),
        Mistake("hit-k-unchecked", L(zh="k < 1 时没有抛出 ValueError", en="k < 1 raises no ValueError"), _CHECK, ("k < 1 or ", ""), skill="edge", hint=3,
                also=((("k < 1 or", "k == 0 or"),), (("k < 1 or", "k < 0 or"),))),
        Mistake("hit-lengths-unchecked", L(zh="两个长度不同时没有抛出 ValueError", en="unequal lengths raise no ValueError"), _CHECK,
                (" or len(ranked) != len(relevant)", ""), skill="edge", hint=3,
                also=(((" or len(ranked) != len(relevant)", " or len(ranked) > len(relevant)"),),
                      ((" or len(ranked) != len(relevant)", " or len(ranked) < len(relevant)"),))),
        Mistake("hit-check-late", L(zh="先处理了没有查询的情形，检查在它之后", en="the case without queries comes before the checks"), _CHECK,
                (_IF, f"if not ranked:\n        return 0.0\n    {_IF}"), skill="edge", hint=3),
        Mistake("hit-assert", L(zh="抛出的是 AssertionError，不是 ValueError", en="AssertionError is raised, not ValueError"), _CHECK,
                ("raise ValueError(\"k must be 1 or more, and there must be as many lists as sets\")", "raise AssertionError"), skill="edge", hint=3),
        Mistake("hit-returns-zero", L(zh="参数不合法时返回了 0，没有抛出 ValueError", en="bad arguments give 0 and no ValueError"), _CHECK,
                ("raise ValueError(\"k must be 1 or more, and there must be as many lists as sets\")", "return 0.0"), skill="edge", hint=3),
    ),
    alternatives=(hit_sets, hit_loop, hit_disjoint, hit_torch, hit_rank, hit_mean),
    think=L(zh="k 越大 hit@k 越高；那么该报告哪个 k？", en="hit@k grows with k; which k should be reported, then?"),
)
