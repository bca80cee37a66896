"""apps.rouge_l: ROUGE-L."""
from __future__ import annotations

import functools
from difflib import SequenceMatcher

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def rouge_l(candidate, reference):
    """ROUGE-L (Lin 2004): F1 of the longest common subsequence.

    candidate, reference: lists of tokens. Returns a float; 0 if either is empty.
    """
    if not candidate or not reference:
        return 0.0
    row = [0] * (len(reference) + 1)            # row[j]: LCS with reference[:j] so far
    for token in candidate:
        new = [0]
        for j, other in enumerate(reference):
            new.append(row[j] + 1 if token == other else max(row[j + 1], new[j]))
        row = new
    lcs = row[-1]
    precision, recall = lcs / len(candidate), lcs / len(reference)
    return 2 * precision * recall / (precision + recall) if lcs else 0.0


def rouge_table(candidate, reference):
    m, n = len(candidate), len(reference)
    table = [[0] * (n + 1) for _ in range(m + 1)]
    for i in range(1, m + 1):
        for j in range(1, n + 1):
            table[i][j] = table[i - 1][j - 1] + 1 if candidate[i - 1] == reference[j - 1] else max(table[i - 1][j], table[i][j - 1])
    return 2 * table[m][n] / (m + n) if m and n else 0.0


def rouge_recursive(candidate, reference):

    @functools.cache
    def lcs(i, j):
        if i == 0 or j == 0:
            return 0
        return lcs(i - 1, j - 1) + 1 if candidate[i - 1] == reference[j - 1] else max(lcs(i - 1, j), lcs(i, j - 1))

    both = lcs(len(candidate), len(reference))
    if both == 0:
        return 0
    p, r = both / len(candidate), both / len(reference)
    return 2 * p * r / (p + r)


def rouge_numpy(candidate, reference):
    import numpy as np
    if len(candidate) == 0 or len(reference) == 0:
        return np.float64(0)
    table = np.zeros((len(candidate) + 1, len(reference) + 1), dtype=int)
    for i, a in enumerate(candidate):
        for j, b in enumerate(reference):
            table[i + 1, j + 1] = table[i, j] + 1 if a == b else max(table[i, j + 1], table[i + 1, j])
    return 2.0 * table[-1, -1] / (len(candidate) + len(reference))


def rouge_increasing(candidate, reference):
    from bisect import bisect_left
    tails = []                                   # longest increasing run of matching positions (Hunt and Szymanski)
    for token in candidate:
        for j in sorted((j for j, other in enumerate(reference) if other == token), reverse=True):
            tails[bisect_left(tails, j):bisect_left(tails, j) + 1] = [j]
    total = len(candidate) + len(reference)
    return 2 * len(tails) / total if candidate and reference else 0.0


def rouge_torch(candidate, reference):
    if min(len(candidate), len(reference)) == 0:
        return torch.tensor(0.0)
    row = torch.zeros(len(reference) + 1)
    for token in candidate:
        match = torch.tensor([token == other for other in reference])
        new = torch.where(match, row[:-1] + 1, row[1:])
        row = torch.cat([torch.zeros(1), new.cummax(0).values])
    return 2 * row[-1] / (len(candidate) + len(reference))


def _rouge_cases(draw: Draw) -> list[Case]:
    empty, order = L(zh="空列表", en="empty lists"), L(zh="词的次序", en="the order of tokens")
    text = draw.words(12, "abcde")
    return [
        Case(L(zh="有间隔的公共子序列", en="a common subsequence with gaps"), (["a", "x", "b", "c"], ["a", "b", "y", "c", "z"])),
        Case(L(zh="次序颠倒", en="reversed order"), (["a", "b", "c", "d"], ["d", "c", "b", "a"]), order),
        Case(L(zh="重复的词", en="repeated tokens"), (["the", "the", "the", "the"], ["the", "cat", "the"]), L(zh="重复的词", en="repeated tokens")),
        Case(L(zh="随机 9 与 14 个词", en="9 and 14 random tokens"), (draw.words(9, "abcd"), draw.words(14, "abcd"))),
        Case(L(zh="随机 15 与 6 个词", en="15 and 6 random tokens"), (draw.words(15, "abc"), draw.words(6, "abc"))),
        Case(L(zh="候选是参考的一部分", en="the candidate is part of the reference"), (text[2:7], text)),
        Case(L(zh="完全相同", en="identical"), (text, list(text))),
        Case(L(zh="没有共同的词", en="nothing in common"), (["a", "b"], ["x", "y", "z"]), L(zh="没有共同词的情形", en="texts with nothing in common")),
        Case(L(zh="候选为空", en="an empty candidate"), ([], ["a", "b"]), empty),
        Case(L(zh="参考为空", en="an empty reference"), (["a"], []), empty),
        Case(L(zh="两边都空", en="both empty"), ([], []), empty),
        Case(L(zh="中文词", en="Chinese tokens"), (["今天", "天气", "很", "好"], ["今天", "的", "天气", "好"])),
        Case(L(zh="整数 id", en="integer ids"), (draw.ints(5, 11).tolist(), draw.ints(5, 8).tolist())),
        Case(L(zh="最长的连续段会误导", en="the longest run misleads"),
             (["p", "q", "r", "s", "t", "a", "b"], ["a", "b", "p", "x", "q", "x", "r", "x", "s", "x", "t"]), order),
        Case(L(zh="贪心会选错", en="a greedy match goes wrong"), (["c", "a", "b", "d"], ["a", "b", "d", "c"]), order),
    ]


_LCS = L(zh="子序列保持次序，但可以有间隔；动态规划的表一格一格填。",
        en="A subsequence keeps the order and may have gaps; fill the dynamic-programming table cell by cell.")

_F1 = L(zh="精确率除以候选的长度，召回率除以参考的长度，F1 是 2PR/(P+R)。",
        en="Precision divides by the candidate's length, recall by the reference's; F1 is 2PR/(P+R).")

EXERCISE = Exercise(
    id="apps.rouge_l", title=L(zh="ROUGE-L", en="ROUGE-L"), reference=rouge_l, returns=Scalar, cases=_rouge_cases,
    hints=(
        L(zh="先求最长公共子序列的长度：次序相同，允许间隔。", en="Find the length of the longest common subsequence first: same order, gaps allowed."),
        L(zh="词相同时：左上格 + 1；不同时：上面和左面取大的。", en="If the tokens are equal: the cell up-left plus 1. If not: the larger of up and left."),
        L(zh="精确率 = LCS/候选长度，召回率 = LCS/参考长度，再求 F1；任一为空时是 0。",
                en="Precision = LCS / candidate length, recall = LCS / reference length, then F1; 0 if either is empty."),
    ),
    mistakes=(
        Mistake("rouge-substring", L(zh="求的是最长公共子串，不允许间隔",
                en="it is the longest common substring: no gaps"), _LCS,
                program=lambda candidate, reference: _f1(_longest_substring(candidate, reference), candidate,
                reference), skill="formula"),
        Mistake("rouge-bag", L(zh="数的是共同的词，不管次序（ROUGE-1）",
                en="common tokens are counted whatever their order, as in ROUGE-1"), _LCS,
                program=lambda candidate,
                reference: _f1(sum(min(candidate.count(w), reference.count(w)) for w in set(candidate)),
                        candidate, reference), skill="formula", hint=1),
        Mistake("rouge-set", L(zh="用了词的集合，重复的只算一次", en="sets of tokens are compared"), _LCS,
                program=lambda candidate, reference: _f1(len(set(candidate) & set(reference)), candidate,
                        reference), skill="count", hint=1,
                also=(lambda candidate, reference: _f1(len(set(candidate) & set(reference)), set(candidate),
                set(reference)),)),
        Mistake("rouge-precision", L(zh="只返回了精确率", en="precision alone is returned"), _F1,
                ("return 2 * precision * recall / (precision + recall) if lcs else 0.0", "return precision"),
                skill="formula", hint=3),
        Mistake("rouge-recall", L(zh="只返回了召回率（ROUGE 最早的定义）",
                en="recall alone is returned, as in the first ROUGE"), _F1,
                ("return 2 * precision * recall / (precision + recall) if lcs else 0.0",
                "return recall"), convention=True, skill="formula", hint=3),
        Mistake("rouge-arith", L(zh="F1 用了算术平均", en="the arithmetic mean stands for F1"), _F1,
                ("2 * precision * recall / (precision + recall) if lcs else 0.0", "(precision + recall) / 2"),
                skill="formula", hint=3),
        Mistake("rouge-lcs-only", L(zh="返回了 LCS 的长度", en="the length of the LCS is returned"), _F1,
                ("return 2 * precision * recall / (precision + recall) if lcs else 0.0", "return float(lcs)"),
                skill="formula", hint=3),
        Mistake("rouge-max-length", L(zh="除以了较长一方的长度，也就是取了 P 和 R 里较小的",
                en="it is divided by the longer length, which makes it the smaller of P and R"), _F1,
                ("2 * precision * recall / (precision + recall) if lcs else 0.0",
                "lcs / max(len(candidate), len(reference))"), skill="formula", hint=3),
        Mistake("rouge-zero-division", L(zh="没有共同的词时除以了 0", en="it divides by zero when nothing is common"),
                L(zh="P + R 什么时候是 0？", en="When is P + R zero?"), (" if lcs else 0.0", ""), skill="edge",
                hint=3),
        Mistake("rouge-empty", L(zh="空列表时除以了 0", en="it divides by zero on an empty list"),
                L(zh="长度为 0 时题目要 0。", en="The task asks for 0 when a length is 0."),
                ("if not candidate or not reference:",
                "if False:"), skill="edge", hint=3),
        Mistake("rouge-both-empty", L(zh="两个列表都空时除以了 0",
                en="it divides by zero where both lists are empty"),
                L(zh="长度都是 0 时题目要 0。", en="The task asks for 0 when both lengths are 0."),
                program=lambda candidate, reference: rouge_l(candidate, reference) if candidate or reference else
                2 * len(candidate) / (len(candidate) + len(reference)), skill="edge", hint=3),
        Mistake("rouge-diagonal", L(zh="词相同时没有用左上格，而是左格 + 1",
                en="a match adds 1 to the cell on the left, not up-left"), _LCS,
                ("row[j] + 1 if", "new[j] + 1 if"), skill="shift"),
        Mistake("rouge-up-plus-one", L(zh="词相同时没有用左上格，而是上格 + 1",
                en="a match adds 1 to the cell above, not up-left"), _LCS,
                ("row[j] + 1 if", "row[j + 1] + 1 if"), skill="shift"),
        Mistake("rouge-no-two", L(zh="F1 少了因子 2", en="F1 lacks its factor 2"), _F1,
                ("return 2 * precision", "return precision"),
                skill="formula", hint=3),
        Mistake("rouge-max-cell", L(zh="词不同时没有取上和左的较大值，只用了左格",
                en="a mismatch copies the left cell instead of the larger of up and left"),
                _LCS, ("max(row[j + 1], new[j])", "new[j]"), skill="formula"),
        Mistake("rouge-jaccard", L(zh="除以了并集的大小（Jaccard）",
                en="it is divided by the size of the union, as in Jaccard"), _F1,
                ("2 * precision * recall / (precision + recall) if lcs else 0.0",
                "lcs / (len(candidate) + len(reference) - lcs)"),
                        skill="formula", hint=3),
        Mistake("rouge-geometric", L(zh="取了 P 和 R 的几何平均", en="it is the geometric mean of P and R"), _F1,
                ("2 * precision * recall / (precision + recall) if lcs else 0.0", "math.sqrt(precision * recall)"),
                skill="formula",
                        hint=3),
        Mistake("rouge-difflib", L(zh="用了 difflib 的 ratio()，它不求最长公共子序列",
                en="difflib's ratio() is used, which does not look for the longest common subsequence"), _LCS,
                program=lambda candidate, reference: SequenceMatcher(None, candidate,
                        reference).ratio() if candidate and reference else 0.0, skill="formula", hint=1),
        Mistake("rouge-percent", L(zh="返回的是百分数", en="a percentage is returned"),
                L(zh="题目要 0 到 1 之间的数。", en="The task asks for a number between 0 and 1."),
                ("return 2 * precision",
                "return 200 * precision"), convention=True, skill="scale", hint=3),
        Mistake("rouge-same-position", L(zh="只数了同一个位置上相同的词",
                en="only tokens equal at the same position are counted"), _LCS,
                program=lambda candidate, reference: _f1(sum(a == b for a, b in zip(candidate, reference)), candidate,
                reference), skill="shift", hint=1),
        Mistake("rouge-greedy", L(zh="贪心地找下一个相同的词，一步走远就再也回不来",
                en="the next equal token is taken greedily, which may step too far"),
                L(zh="候选里靠前的词有时该跳过；用动态规划比较两种选择。",
                  en="Sometimes an early token should be skipped; dynamic programming compares both choices."),
                program=lambda candidate, reference: _f1(_greedy_matches(candidate, reference), candidate, reference),
                skill="rank",
                also=(lambda candidate, reference: _f1(_greedy_matches(reference, candidate), candidate, reference),
                )),
        Mistake("rouge-distinct", L(zh="先去掉了重复的词", en="repeated tokens are removed first"),
                L(zh="重复的词各算各的。", en="Each repeat counts for itself."),
                ("    row = [0]",
                "    candidate, reference = list(dict.fromkeys(candidate)), list(dict.fromkeys(reference))\n    row = [0]"), skill="count",
                hint=1),
        Mistake("rouge-bigram", L(zh="数的是共同的二元组（ROUGE-2）",
                en="common pairs of tokens are counted, as in ROUGE-2"), _LCS,
                program=lambda candidate, reference: _rouge_2(candidate, reference), skill="formula", hint=1),
        Mistake("rouge-min-length", L(zh="除以了较短一方的长度，也就是取了 P 和 R 里较大的",
                en="it is divided by the shorter length, which makes it the larger of P and R"), _F1,
                ("2 * precision * recall / (precision + recall) if lcs else 0.0",
                "lcs / min(len(candidate), len(reference))"), skill="formula", hint=3),
        Mistake("rouge-characters", L(zh="按字符而不是按词比较", en="characters are compared, not tokens"),
                L(zh="比较的单位是列表里的词。", en="What is compared are the tokens of the lists."),
                program=lambda candidate, reference: rouge_l(list("".join(map(str, candidate))),
                list("".join(map(str, reference)))), skill="formula", hint=1,
                also=(lambda candidate, reference: rouge_l(list(" ".join(map(str, candidate))),
                list(" ".join(map(str, reference)))),)),
        Mistake("rouge-beta", L(zh="F 值的 β 不是 1（而是 1.2 或 2）", en="the F-measure has a β of 1.2 or 2, not 1"),
                _F1,
                ("2 * precision * recall / (precision + recall)",
                "2.44 * precision * recall / (recall + 1.44 * precision)"), convention=True,
                skill="formula", hint=3,
                also=((("2 * precision * recall / (precision + recall)",
                "5 * precision * recall / (recall + 4 * precision)"),),)),
        Mistake("rouge-mismatch-diagonal", L(zh="词不同时抄了左上格", en="a mismatch copies the cell up-left"), _LCS,
                ("max(row[j + 1], new[j])", "row[j]"), skill="formula"),
        Mistake("rouge-mismatch-up", L(zh="词不同时只看了上格", en="a mismatch copies the cell above alone"), _LCS,
                ("max(row[j + 1], new[j])", "row[j + 1]"), skill="formula"),
        Mistake("rouge-mismatch-zero", L(zh="词不同时填了 0", en="a mismatch writes 0"), _LCS,
                ("max(row[j + 1], new[j])", "0"), skill="formula"),
        Mistake("rouge-mismatch-sum", L(zh="词不同时把上格和左格加了起来",
                en="a mismatch adds the cells above and left"), _LCS,
                ("max(row[j + 1], new[j])", "row[j + 1] + new[j]"), skill="formula"),
        Mistake("rouge-last-token", L(zh="少比了最后一个词", en="the last token is left out of the comparison"),
                L(zh="循环要走完两个列表。", en="The loops should go through both lists."),
                ("for token in candidate:", "for token in candidate[:-1]:"),
                skill="shift",
                also=((("enumerate(reference)", "enumerate(reference[:-1])"), ("lcs = row[-1]", "lcs = row[-1]")),)),
        Mistake("rouge-product", L(zh="返回了 P 和 R 的乘积", en="the product of P and R is returned"), _F1,
                ("2 * precision * recall / (precision + recall) if lcs else 0.0", "precision * recall"),
                skill="formula", hint=3),
        Mistake("rouge-sum", L(zh="返回了 P 和 R 的和", en="the sum of P and R is returned"), _F1,
                ("2 * precision * recall / (precision + recall) if lcs else 0.0", "precision + recall"),
                skill="formula", hint=3),
        Mistake("rouge-match-max", L(zh="词相同时取的是上格和左格的较大值 + 1",
                en="a match adds 1 to the larger of above and left, not to the cell up-left"), _LCS,
                ("row[j] + 1 if", "max(row[j + 1], new[j]) + 1 if"), skill="shift"),
        Mistake("rouge-membership", L(zh="候选里的词只要参考里有就算，重复几次算几次",
                en="every candidate token that occurs in the reference counts, each repeat again"), _LCS,
                program=lambda candidate, reference: _f1(sum(token in reference for token in candidate), candidate,
                reference), skill="count", hint=1),
    ),
    alternatives=(rouge_table, rouge_recursive, rouge_numpy, rouge_increasing, rouge_torch),
    think=L(zh="意思相同、用词不同的摘要，ROUGE-L 会给多少分？", en="What does ROUGE-L give to a summary with the same meaning in other words?"),
)


def _f1(common, candidate, reference):
    return 2 * common / (len(candidate) + len(reference)) if candidate and reference else 0.0


def _longest_substring(a, b):
    return max((n for n in range(min(len(a),
            len(b)) + 1) for i in range(len(a) - n + 1) for j in range(len(b) - n + 1) if a[i:i + n] == b[j:j + n]), default=0)


def _greedy_matches(a, b):
    found = place = 0
    for token in a:
        if token in b[place:]:
            found, place = found + 1, b.index(token, place) + 1
    return found


def _rouge_2(candidate, reference):
    pairs, goal = (list(zip(text, text[1:])) for text in (candidate, reference))
    return _f1(sum(min(pairs.count(pair), goal.count(pair)) for pair in set(pairs)), pairs, goal)
