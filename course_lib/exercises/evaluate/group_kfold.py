"""evaluate.group_kfold: cross-validation that keeps what belongs together on one side."""
from __future__ import annotations

from collections import Counter
from itertools import groupby

from ...i18n import L
from ..engine.exact import Exact
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def group_kfold(groups, k):
    """Cross-validation in k folds that never splits a group.

    groups: list of N labels. Returns a list of k pairs (train, test) of ascending lists of indices. Groups, largest first (ties: first seen), each go
    whole to the fold with the fewest examples so far (ties: lowest fold) as test; train is all the rest. k < 2 or fewer than k groups raises ValueError.

    Steps: the indices of each group; check; largest first into the smallest fold; the rest is train.
    """
    members = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    if k < 2 or len(members) < k:
        raise ValueError("at least 2 folds, and a group for each")
    folds = [[] for _ in range(k)]
    for indices in sorted(members.values(), key=len, reverse=True):            # stable
        min(folds, key=len).extend(indices)
    everything = set(range(len(groups)))
    return [(sorted(everything - set(fold)), sorted(fold)) for fold in folds]


def _checked(groups, k):
    if k <= 1 or k > len(set(groups)):
        raise ValueError((k, len(set(groups))))


def _pairs(home, k):
    """home[i] = the fold of example i."""
    return [([i for i, f in enumerate(home) if f != fold], [i for i, f in enumerate(home) if f == fold]) for fold in range(k)]


def kfold_counter(groups, k):
    _checked(groups, k)
    sizes, home = [0] * k, {}
    for group, size in Counter(groups).most_common():          # ties in the order of first sight
        fold = sizes.index(min(sizes))
        home[group] = fold
        sizes[fold] += size
    return _pairs([home[group] for group in groups], k)


def kfold_heap(groups, k):
    import heapq
    _checked(groups, k)
    heap, home = [(0, fold) for fold in range(k)], {}
    for group in sorted(dict.fromkeys(groups), key=lambda g: (-groups.count(g), groups.index(g))):
        size, fold = heapq.heappop(heap)
        home[group] = fold
        heapq.heappush(heap, (size + groups.count(group), fold))
    return _pairs([home[group] for group in groups], k)


def kfold_numpy(groups, k):
    import numpy as np
    _checked(groups, k)
    names = list(dict.fromkeys(groups))
    ids = np.array([names.index(group) for group in groups])
    counts, home, sizes = np.bincount(ids), np.zeros(len(names), dtype=int), np.zeros(k, dtype=int)
    for group in np.argsort(-counts, kind="stable"):
        home[group] = sizes.argmin()
        sizes[home[group]] += counts[group]
    return [(np.flatnonzero(home[ids] != fold).tolist(), np.flatnonzero(home[ids] == fold).tolist()) for fold in range(k)]


def kfold_torch(groups, k):
    import torch
    _checked(groups, k)
    seen: list = []
    for group in groups:
        if group not in seen:
            seen.append(group)
    ids = torch.tensor([seen.index(group) for group in groups])
    home, sizes = torch.zeros_like(ids), torch.zeros(k)
    for group in ids.bincount().sort(descending=True, stable=True).indices:
        fold = sizes.argmin()
        home[ids == group] = fold
        sizes[fold] += (ids == group).sum()
    return [((home != fold).nonzero().flatten().tolist(), (home == fold).nonzero().flatten().tolist()) for fold in range(k)]


def kfold_take_largest(groups, k):
    """The largest group left is looked for each time."""
    _checked(groups, k)
    left, folds = list(dict.fromkeys(groups)), [set() for _ in range(k)]
    while left:
        largest = max(left, key=groups.count)
        left.remove(largest)
        smallest = min(range(k), key=lambda fold: len(folds[fold]))
        folds[smallest] |= {i for i, group in enumerate(groups) if group == largest}
    return [([i for i in range(len(groups)) if i not in fold], sorted(fold)) for fold in folds]


def kfold_complement(groups, k):
    """Train is the other folds put together."""
    _checked(groups, k)
    members: dict = {}
    for i, group in enumerate(groups):
        members[group] = [*members.get(group, []), i]
    folds: list[list[int]] = [[] for _ in range(k)]
    for group in sorted(members, key=lambda g: -len(members[g])):
        smallest = min(len(fold) for fold in folds)
        target = next(fold for fold in folds if len(fold) == smallest)
        target += members[group]
    return [(sorted(i for other in folds if other is not fold for i in other), sorted(fold)) for fold in folds]


def _cases(draw: Draw) -> list[Case]:
    def mixed(sizes: dict):
        labels = [label for label, size in sizes.items() for _ in range(size)]
        return [labels[i] for i in draw.permutation(len(labels)).tolist()]

    ties, bad = L(zh="一样大的组", en="groups of equal size"), L(zh="不允许的输入", en="inputs that are not allowed")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (["a", "b", "a", "c", "b", "a"], 2)),
        Case(L(zh="5 组，k=3", en="5 groups, k=3"), (["d", "b", "b", "a", "e", "a", "a", "c", "d", "a", "d", "c", "a"], 3)),
        Case(L(zh="大小悬殊，k=2", en="very unequal groups, k=2"), (["s", "t", "big", "u", "big", "big", "v", "big", "t", "big"], 2)),
        Case(L(zh="打乱的 7 组，k=3", en="7 shuffled groups, k=3"), (mixed({"p": 7, "q": 5, "r": 5, "s": 4, "t": 3, "u": 2, "v": 1}), 3)),
        Case(L(zh="打乱的 8 组，k=4，编号是整数", en="8 shuffled groups, k=4, ints as labels"), (mixed({30: 6, 4: 5, 17: 4, 9: 3, 2: 3, 55: 2, 8: 2, 1: 1}), 4)),
        Case(L(zh="每组一样大，k=3", en="all groups equal, k=3"), (["c", "a", "d", "b", "e", "b", "c", "e", "a", "d"], 3), ties),
        Case(L(zh="大小有并列，k=2", en="sizes with ties, k=2"), ([9, 9, 3, 3, 9, 1, 3, 7, 1, 7, 5], 2), ties),
        Case(L(zh="每个样本自成一组", en="every example a group of its own"), ([5, 3, 8, 1, 9, 2, 7], 3), ties),
        Case(L(zh="组数正好是 k", en="exactly k groups"), (["y", "x", "y", "z", "x", "y"], 3)),
        Case(L(zh="两个大组，许多小组，k=3", en="two large groups and many small ones, k=3"), (mixed({"A": 8, "B": 7, "c": 2, "d": 2, "e": 1, "f": 1, "g": 1, "h": 1}), 3)),
        Case(L(zh="组挨在一起，k=2", en="groups stand together, k=2"), ([0, 0, 0, 1, 1, 2, 2, 2, 2, 3], 2)),
        *(Case(L(zh=zh, en=en), args, bad) for zh, en, args in (
            ("k=1", "k=1", ([1, 2, 3], 1)), ("k=0", "k=0", ([1, 2, 3], 0)), ("组不到 k 个", "fewer than k groups", (["a", "a", "b", "b", "b"], 3)), ("没有样本", "no examples", ([], 2)))),
    ]


_WHOLE = L(zh="一个组的样本要整个放进同一折，不管它们隔得多远。", en="All examples of a group go into one fold, however far apart they stand.")
_LARGEST = L(zh="从最大的组开始放；一样大的，先出现的先放。", en="Start with the largest group; of equal ones, the one seen first.")
_FEWEST = L(zh="放进现在样本最少的那一折；一样少的，编号小的那一折。", en="It goes to the fold with the fewest examples so far; of equal ones, the lowest.")
_PAIR = L(zh="每折一对 (train, test)：test 是这一折，train 是其余全部，都从小到大。", en="One pair (train, test) a fold: test is the fold, train is all the rest, both ascending.")
_ERRORS = L(zh="k < 2，或者组（不是样本）少于 k 个：ValueError。", en="k < 2, or fewer groups (not examples) than k: ValueError.")
_CHECK, _SORTED, _PUT = "k < 2 or len(members) < k", "sorted(members.values(), key=len, reverse=True)", "min(folds, key=len).extend(indices)"
_RESULT = "[(sorted(everything - set(fold)), sorted(fold)) for fold in folds]"
_LOOP = f"for indices in {_SORTED}:            # stable\n        {_PUT}"


def _with(home_of):
    def other(groups, k):
        _checked(groups, k)
        return _pairs(home_of(groups, k), k)
    return other


def _runs(groups, k):
    runs = [list(run) for _, run in groupby(range(len(groups)), key=lambda i: groups[i])]
    home, sizes = [0] * len(groups), [0] * k
    for run in sorted(runs, key=len, reverse=True):
        fold = sizes.index(min(sizes))
        sizes[fold] += len(run)
        for i in run:
            home[i] = fold
    return home


def _last_fold(groups, k):
    sizes, home = [0] * k, {}
    for group, size in Counter(groups).most_common():
        fold = max(f for f in range(k) if sizes[f] == min(sizes))
        home[group], sizes[fold] = fold, sizes[fold] + size
    return [home[group] for group in groups]


def _dealt(groups, k):
    home = {group: i % k for i, (group, _) in enumerate(Counter(groups).most_common())}
    return [home[group] for group in groups]


def _blocks(groups, k):
    n = len(groups)
    return [fold for fold in range(k) for _ in range(n // k + (fold < n % k))]


def _largest_by(order):
    def home_of(groups, k):
        sizes, home = [0] * k, {}
        for group in order(groups):
            fold = sizes.index(min(sizes))
            home[group], sizes[fold] = fold, sizes[fold] + groups.count(group)
        return [home[group] for group in groups]
    return home_of


EXERCISE = Exercise(
    id="evaluate.group_kfold", title=L(zh="按组的 k 折交叉验证", en="Grouped k-fold cross-validation"), reference=group_kfold, returns=Exact(list), cases=_cases,
    hints=(
        L(zh="先记下每个组有哪些编号：字典 组 → 编号的列表，字典会记住先后。", en="First note which indices each group has: a dict from group to list of indices; a dict remembers the order."),
        L(zh="`sorted(…, key=len, reverse=True)` 从最大的组开始，一样大的保持原来的先后。`min(folds, key=len)` 是最小的那一折，并列时是第一个。",
          en="`sorted(…, key=len, reverse=True)` begins with the largest group and keeps the order of equal ones. `min(folds, key=len)` is the smallest fold, the first of several."),
        L(zh="最后每折一对：train 是不在这一折里的全部编号，test 是这一折，两个都排好序。", en="At the end one pair a fold: train is every index that is not in the fold, test is the fold, both sorted."),
    ),
    mistakes=(
        Mistake("gk-no-groups", L(zh="没有管组：按次序切成 k 段", en="groups are ignored: the examples are cut into k blocks in their order"), _WHOLE, program=_with(_blocks), skill="formula", hint=1),
        Mistake("gk-dealt-examples", L(zh="没有管组：样本轮流分到各折", en="groups are ignored: examples are dealt to the folds in turn"), _WHOLE, program=_with(lambda groups, k: [i % k for i in range(len(groups))]),
                skill="formula", hint=1),
        Mistake("gk-runs", L(zh="只有挨在一起的才算同一组", en="only neighbours count as one group"), _WHOLE, program=_with(_runs), skill="formula", hint=1),
        Mistake("gk-order-seen", L(zh="按出现的先后放，没有从最大的组开始", en="groups are placed in the order they are seen, not largest first"), _LARGEST, (_SORTED, "members.values()"), skill="rank"),
        Mistake("gk-smallest-first", L(zh="从最小的组开始放", en="the smallest groups are placed first"), _LARGEST, (_SORTED, "sorted(members.values(), key=len)"), skill="rank"),
        Mistake("gk-by-label", L(zh="按组的名字排的次序放", en="groups are placed in the order of their labels"), _LARGEST, program=_with(_largest_by(lambda groups: sorted(set(groups)))), skill="rank"),
        Mistake("gk-ties-by-label", L(zh="一样大的组按名字排，没有按先后", en="groups of equal size are taken by label, not by first sight"), _LARGEST,
                program=_with(_largest_by(lambda groups: sorted(set(groups), key=lambda g: (-groups.count(g), g)))), skill="edge"),
        Mistake("gk-ties-last-seen", L(zh="一样大的组，后出现的先放", en="of groups of equal size the one seen last is placed first"), _LARGEST,
                (_SORTED, "sorted(members.values(), key=len)[::-1]"), skill="edge"),
        Mistake("gk-ties-last-fold", L(zh="一样少的折，放进了编号大的", en="of folds of equal size the highest is taken"), _FEWEST, program=_with(_last_fold), skill="edge"),
        Mistake("gk-round-robin", L(zh="各组轮流放：看的是组数，不是样本数", en="groups are dealt in turn: the number of groups counts, not that of examples"), _FEWEST, program=_with(_dealt), skill="count"),
        Mistake("gk-fullest", L(zh="放进了样本最多的折", en="groups go to the fold with the most examples"), _FEWEST, ("min(folds, key=len)", "max(folds, key=len)"), skill="rank"),
        Mistake("gk-leave-one-out", L(zh="一组一折，没有用 k", en="every group is a fold of its own; k is not used"), _FEWEST, (_LOOP, "folds = list(members.values())"), skill="count"),
        Mistake("gk-swapped", L(zh="次序反了：(test, train)", en="the order is turned round: (test, train)"), _PAIR, (_RESULT, "[(sorted(fold), sorted(everything - set(fold))) for fold in folds]"), skill="rank", hint=3),
        Mistake("gk-unsorted", L(zh="test 没有从小到大排", en="test is not ascending"), _PAIR, ("sorted(fold)) for", "fold) for"), skill="rank", hint=3),
        Mistake("gk-train-all", L(zh="train 里也有 test 的样本", en="train holds the examples of test as well"), _PAIR, ("sorted(everything - set(fold))", "sorted(everything)"), skill="edge", hint=3),
        Mistake("gk-test-only", L(zh="只返回了每折的 test，没有 train", en="only the test indices of each fold are returned"), _PAIR, (_RESULT, "[sorted(fold) for fold in folds]"), skill="edge", hint=3),
        Mistake("gk-groups-returned", L(zh="返回的是组的名字，不是编号", en="labels of groups are returned, not indices"), _PAIR,
                (_RESULT, "[([groups[i] for i in sorted(everything - set(fold))], [groups[i] for i in sorted(fold)]) for fold in folds]"), skill="edge", hint=3),
        Mistake("gk-from-one", L(zh="编号从 1 数起", en="indices start at 1"), _PAIR, ("enumerate(groups)", "enumerate(groups, 1)"), ("set(range(len(groups)))", "set(range(1, len(groups) + 1))"), skill="shift", hint=1),
        Mistake("gk-first-fold-only", L(zh="只返回了第一折", en="only the first fold is returned"), _PAIR, (_RESULT, f"{_RESULT}[:1]"), skill="count", hint=3),
        Mistake("gk-no-error", L(zh="没有拒绝不允许的输入", en="inputs that are not allowed are not refused"), _ERRORS, (f"if {_CHECK}:", "if False:"), skill="edge", also=(((_CHECK, "k < 2"),), ((_CHECK, "len(members) < k"),))),
        Mistake("gk-counts-examples", L(zh="和 k 比的是样本数，不是组数", en="the number of examples is compared with k, not that of groups"), _ERRORS, ("len(members) < k", "len(groups) < k"), skill="count"),
        Mistake("gk-k-groups-refused", L(zh="正好 k 个组也被拒绝了", en="exactly k groups are refused as well"), _ERRORS, ("len(members) < k", "len(members) <= k"), skill="edge"),
    ),
    alternatives=(kfold_counter, kfold_heap, kfold_numpy, kfold_torch, kfold_take_largest, kfold_complement),
    think=L(zh="同一位顾客写了五条评论，你会按什么分组？同一篇文章切成的段落呢？", en="One customer wrote five reviews: by what would you group? And what about passages cut from one article?"),
)
