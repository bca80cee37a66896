"""tokens.viterbi_segment: the likeliest segmentation under a unigram vocabulary."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Scalar, Tuple
from ..engine.exact import Exact
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import word

__all__ = ["EXERCISE"]


def viterbi_segment(text, log_probs, unk_log_prob):
    """The segmentation with the greatest sum of log-probabilities, by dynamic programming.

    text: str; log_probs: dict piece -> natural log-probability. A single character that is not in log_probs scores unk_log_prob, each by
    itself; longer pieces must be in log_probs. Returns (pieces, total): list of str, float; '' gives ([], 0.0).

    Steps: for every end, from left to right, try all starts of the last piece; keep the best (pieces, total) of this prefix.
    """
    best = [([], 0.0)]                                       # of each prefix
    for end in range(1, len(text) + 1):
        options = []
        for start in range(end):
            piece = text[start:end]
            if piece in log_probs or len(piece) == 1:
                pieces, total = best[start]
                total = total + log_probs.get(piece, unk_log_prob)
                options.append((pieces + [piece], total))
        best.append(max(options, key=lambda option: option[1]))
    return best[-1]


def viterbi_backpointers(text, log_probs, unk_log_prob):
    score, back = [0.0] + [-math.inf] * len(text), [0] * (len(text) + 1)
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            piece = text[start:end]
            gain = log_probs.get(piece, unk_log_prob if end == start + 1 else -math.inf)
            if score[start] + gain > score[end]:
                score[end], back[end] = score[start] + gain, start
    pieces, end = [], len(text)
    while end > 0:
        pieces.append(text[back[end]:end])
        end = back[end]
    return pieces[::-1], score[-1]


def viterbi_recursive(text, log_probs, unk_log_prob):
    known = {}
    def rest(start):
        if start == len(text):
            return 0.0, ()
        if start not in known:
            found = []
            for end in range(start + 1, len(text) + 1):
                if text[start:end] in log_probs or end - start == 1:
                    total, pieces = rest(end)
                    found.append((log_probs.get(text[start:end], unk_log_prob) + total, (text[start:end], *pieces)))
            known[start] = max(found)
        return known[start]

    total, pieces = rest(0)
    return list(pieces), total


def viterbi_from_the_right(text, log_probs, unk_log_prob):
    n = len(text)
    best = {n: (0.0, [])}
    for start in range(n - 1, -1, -1):
        ways = [(log_probs[text[start:end]] + best[end][0], [text[start:end]] + best[end][1])
                for end in range(start + 1, n + 1) if text[start:end] in log_probs]
        if text[start] not in log_probs:
            ways.append((unk_log_prob + best[start + 1][0], [text[start]] + best[start + 1][1]))
        best[start] = max(ways, key=lambda way: way[0])
    return best[0][1], best[0][0]


def viterbi_by_piece(text, log_probs, unk_log_prob):
    """Over the pieces of the vocabulary that end here, instead of over all starts."""
    prices = {**dict.fromkeys(text, unk_log_prob), **log_probs}
    totals, lasts = [0.0], [""]
    for end in range(1, len(text) + 1):
        fits = [piece for piece in prices if piece and text.endswith(piece, 0, end)]
        last = max(fits, key=lambda piece: totals[end - len(piece)] + prices[piece])
        totals.append(totals[end - len(last)] + prices[last])
        lasts.append(last)
    pieces, end = [], len(text)
    while end:
        pieces.insert(0, lasts[end])
        end -= len(lasts[end])
    return pieces, totals[-1]


def viterbi_torch(text, log_probs, unk_log_prob):
    totals, cuts = torch.zeros(1, dtype=torch.float64), [[]]
    for end in range(1, len(text) + 1):
        last = torch.tensor([log_probs.get(text[s:end], unk_log_prob if s == end - 1 else -math.inf) for s in range(end)], dtype=torch.float64)
        top, place = (totals + last).max(0)
        totals = torch.cat([totals, top[None]])
        cuts.append(cuts[place] + [text[place:end]])
    return cuts[-1], totals[-1]


def _all(text: str, log_probs: dict[str, float], unk: float) -> list[float]:
    """The totals of all segmentations."""
    if not text:
        return [0.0]
    return [log_probs.get(text[:n], unk) + rest for n in range(1, len(text) + 1) if n == 1 or text[:n] in log_probs for rest in _all(text[n:], log_probs, unk)]


def _clear(draw: Draw, length: int, letters: str, known: int) -> tuple[str, dict[str, float], float]:
    """A random text and vocabulary with one segmentation well above all others; the first `known` letters are in it."""
    while True:
        text = word(draw, length, letters)
        spans = [(start, start + draw.int(2, 5)) for start in draw.ints(length - 1, 9).tolist()]
        pieces = [*letters[:known], *dict.fromkeys(text[start:end] for start, end in spans)]
        log_probs = dict(zip(pieces, draw.floats(len(pieces), -6.0, -1.0)))
        first, second, *_ = [*sorted(_all(text, log_probs, -9.0), reverse=True), -math.inf]
        if first - second > 0.05:
            return text, log_probs, -9.0


def _viterbi_cases(draw: Draw) -> list[Case]:
    unknown, greedy = L(zh="未知字符", en="unknown characters"), L(zh="贪心会选错的地方", en="places where greed goes wrong")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), ("abc!", {"a": -1.0, "ab": -2.5, "bc": -1.5, "c": -2.0}, -10.0)),
        Case(L(zh="最长的第一块不好", en="the longest first piece is not the best"), ("abcd", {"abc": -3.0, "ab": -2.5, "cd": -1.5, "d": -4.0, "a": -2.0}, -8.0), greedy),
        Case(L(zh="块多的总分更高", en="more pieces make a better total"), ("abab", {"abab": -6.0, "ab": -2.0, "a": -1.5, "b": -1.25}, -8.0), greedy),
        Case(L(zh="第一块最好，往后最差", en="the best first piece makes the rest worse"), ("xyz", {"x": -0.5, "xy": -1.0, "yz": -6.0, "z": -1.5, "y": -5.0}, -9.0), greedy),
        Case(L(zh="连着两个未知字符", en="two unknown characters in a row"), ("a??b", {"a": -1.0, "b": -2.0, "ab": -1.5}, -5.0), unknown),
        Case(L(zh="全是未知字符", en="unknown characters only"), ("?!🙂", {"a": -1.0}, -4.0), unknown),
        Case(L(zh="已知的字符比未知的还便宜不了", en="a known character that is less likely than an unknown one"), ("cab", {"c": -9.0, "a": -1.0, "b": -1.25}, -3.0), unknown),
        Case(L(zh="长的块不在词表里", en="a long piece that is not in the vocabulary"), ("abcab", {"a": -6.0, "b": -6.5, "c": -7.0, "ca": -9.0}, -2.0), unknown),
        Case(L(zh="中文", en="Chinese"), ("研究生命起源", {"研究": -2.0, "研究生": -3.5, "生命": -2.5, "命": -5.0, "起源": -3.0, "生": -3.25, "研": -6.0}, -9.0)),
        Case(L(zh="六个字符的一块", en="a piece of six characters"), ("tokenstoken", {"tokens": -3.0, "token": -3.5, "to": -2.0, "ken": -4.0, "s": -4.5}, -9.0)),
        Case(L(zh="空字符串", en="an empty string"), ("", {"a": -1.0}, -10.0), L(zh="空字符串", en="the empty string")),
        Case(L(zh="一个字符", en="a single character"), ("a", {"a": -1.5, "b": -2.0}, -10.0)),
        Case(L(zh="随机，8 个字符", en="random, 8 characters"), _clear(draw, 8, "abc", 3)),
        Case(L(zh="随机，10 个字符，有未知的", en="random, 10 characters, some unknown"), _clear(draw, 10, "abcd", 2), unknown),
    ]


_MAX = L(zh="每个前缀只留总分最高的一种切法，比的是整个前缀的总分。", en="Of every prefix keep the segmentation with the best total; the total of the whole prefix counts.")
_UNK = L(zh="只有单个字符可以是未知的；每个未知字符各是一块，各付一次 unk_log_prob。",
         en="Only a single character may be unknown; each is a piece of its own and costs unk_log_prob once.")
_RETURNS = L(zh="题目要的是 (pieces, total)：从左到右的块，和它们对数概率的和。", en="The task asks for (pieces, total): the pieces from left to right and the sum of their log-probabilities.")


def _cut_by(choose):
    """From left to right, taking at each place what `choose` picks among the pieces that fit."""
    def segment(text, log_probs, unk_log_prob):
        pieces, start = [], 0
        while start < len(text):
            fits = [text[start:end] for end in range(start + 1, len(text) + 1) if text[start:end] in log_probs] or [text[start]]
            pieces.append(choose(fits, log_probs, unk_log_prob))
            start += len(pieces[-1])
        return pieces, sum((log_probs.get(piece, unk_log_prob) for piece in pieces), 0.0)
    return segment


def _fewest(text, log_probs, unk_log_prob):
    best = [([], 0.0)]
    for end in range(1, len(text) + 1):
        starts = [start for start in range(end) if text[start:end] in log_probs or start == end - 1]
        options = [(best[s][0] + [text[s:end]], best[s][1] + log_probs.get(text[s:end], unk_log_prob)) for s in starts]
        best.append(min(options, key=lambda option: (len(option[0]), -option[1])))
    return best[-1]


def _joined_unknown(text, log_probs, unk_log_prob):
    pieces, joined, total = viterbi_segment(text, log_probs, unk_log_prob)[0], [], 0.0
    for before, piece in zip([None, *pieces], pieces):
        if joined and piece not in log_probs and before not in log_probs:
            joined[-1] += piece
        else:
            joined.append(piece)
            total += log_probs.get(piece, unk_log_prob)
    return joined, total


_LAST = "    return best[-1]"

EXERCISE = Exercise(
    id="tokens.viterbi_segment", title=L(zh="最可能的切分（Viterbi）", en="The likeliest segmentation (Viterbi)"), reference=viterbi_segment,
    returns=Tuple((("pieces", Exact(list)), ("total", Scalar))), cases=_viterbi_cases,
    hints=(
        L(zh="不必列出所有切法：记住每个前缀的最好切法，长的前缀由短的得来。空前缀是 ([], 0.0)。",
          en="There is no need to list all segmentations: remember the best one of every prefix and build long prefixes from short ones. The empty prefix has ([], 0.0)."),
        L(zh="前缀到 end 为止，它的最后一块从某个 start 开始：试遍所有 start，总分是前缀 start 的总分加上最后一块的对数概率，取最大的。",
          en="The last piece of the prefix up to end begins at some start: try them all. The total is that of the prefix up to start plus the last piece's log-probability; take the greatest."),
        L(zh="一块可以用，要么它在 log_probs 里，要么它只有一个字符：`log_probs.get(piece, unk_log_prob)`。",
          en="A piece may be used if it is in log_probs or has one character: `log_probs.get(piece, unk_log_prob)`."),
    ),
    mistakes=(
        Mistake("vit-greedy-longest", L(zh="从左边起每次取最长的一块", en="the longest piece is taken from the left each time"), _MAX,
                program=_cut_by(lambda fits, log_probs, unk: fits[-1]), skill="rank", hint=1),
        Mistake("vit-greedy-likeliest", L(zh="从左边起每次取概率最大的一块", en="the likeliest piece is taken from the left each time"), _MAX,
                program=_cut_by(lambda fits, log_probs, unk: max(fits, key=lambda piece: log_probs.get(piece, unk))), skill="rank", hint=1),
        Mistake("vit-characters", L(zh="切成了单个字符", en="the text is cut into single characters"), _MAX, ("in range(end)", "in range(end - 1, end)"), skill="rank", hint=1),
        Mistake("vit-fewest", L(zh="选了块数最少的切法，没有先看总分", en="the segmentation with the fewest pieces is chosen, whatever its total"), _MAX, program=_fewest,
                skill="rank"),
        Mistake("vit-worst", L(zh="选了总分最低的切法", en="the segmentation with the lowest total is chosen"), _MAX, ("max(options", "min(options"), skill="rank"),
        Mistake("vit-last-piece-only", L(zh="比的只是最后一块的对数概率，没有加上前面的总分", en="options are compared by their last piece alone, without what comes before"), _MAX,
                ("key=lambda option: option[1]", "key=lambda option: log_probs.get(option[0][-1], unk_log_prob)"), skill="rank"),
        Mistake("vit-mean", L(zh="比的是每块的平均，不是总和", en="the mean over the pieces is compared, not the sum"), _MAX,
                ("key=lambda option: option[1]", "key=lambda option: option[1] / len(option[0])"), skill="count"),
        Mistake("vit-longest-last", L(zh="没有比较总分，留下了最后一块最长的切法", en="totals are not compared: the option with the longest last piece is kept"), _MAX,
                ("max(options, key=lambda option: option[1])", "options[0]"), skill="rank"),
        Mistake("vit-probabilities", L(zh="对数概率相乘，而不是相加", en="log-probabilities are multiplied, not added"),
                L(zh="概率相乘，对数概率相加。", en="Probabilities are multiplied; their logarithms are added."),
                ("total + log_probs", "(total or 1.0) * log_probs"), skill="formula"),
        Mistake("vit-exp", L(zh="返回的 total 是概率，不是对数概率", en="total is a probability, not its logarithm"), _RETURNS,
                (_LAST, "    return best[-1][0], math.exp(best[-1][1])"), skill="formula", hint=1),
        Mistake("vit-negative", L(zh="返回的 total 取了负号", en="total is returned with its sign reversed"), _RETURNS, (_LAST, "    return best[-1][0], -best[-1][1]"),
                skill="formula", hint=1),
        Mistake("vit-unk-any-length", L(zh="任意长的一段都可以是未知的一块", en="a stretch of any length may be one unknown piece"), _UNK,
                ("if piece in log_probs or len(piece) == 1:", "if True:"), skill="edge", hint=3),
        Mistake("vit-unk-joined", L(zh="连着的未知字符合成了一块，只付了一次", en="unknown characters in a row become one piece that is paid once"), _UNK,
                program=_joined_unknown, skill="edge", hint=3),
        Mistake("vit-unk-token", L(zh="结果里未知字符写成了 [UNK]", en="unknown characters appear as [UNK] in the result"), _UNK,
                ("pieces + [piece]", "pieces + [piece if piece in log_probs else \"[UNK]\"]"), skill="edge", hint=3),
        Mistake("vit-unk-free", L(zh="未知字符没有付 unk_log_prob", en="unknown characters cost nothing"), _UNK, ("(piece, unk_log_prob)", "(piece, 0.0)"), skill="edge", hint=3),
        Mistake("vit-no-unk", L(zh="遇到未知字符就报错", en="an unknown character raises an error"), _UNK, (" or len(piece) == 1", ""), skill="edge", hint=3),
        Mistake("vit-unk-always", L(zh="已知的单个字符也可以按 unk_log_prob 算", en="a known single character may be taken at unk_log_prob as well"), _UNK,
                ("total = total + log_probs.get(piece, unk_log_prob)",
                 "total = total + max(log_probs.get(piece, unk_log_prob), unk_log_prob if len(piece) == 1 else -math.inf)"), skill="edge", hint=3),
        Mistake("vit-reversed", L(zh="块的次序颠倒了", en="the pieces come in reverse order"), _RETURNS, ("pieces + [piece]", "[piece] + pieces"), skill="rank", hint=1),
        Mistake("vit-total-first", L(zh="返回的次序是 (total, pieces)", en="the order of the result is (total, pieces)"), _RETURNS, (_LAST, "    return best[-1][::-1]"),
                skill="formula", hint=1),
        Mistake("vit-pieces-only", L(zh="只返回了块，没有 total", en="the pieces are returned without total"), _RETURNS, (_LAST, "    return best[-1][0]"), skill="formula", hint=1),
        Mistake("vit-short-pieces", L(zh="只试了最后 4 个起点：长的块用不上", en="only the last four starts are tried, so that long pieces are never used"), _MAX,
                ("in range(end)", "in range(max(0, end - 4), end)"), skill="edge", hint=2,
                also=((("in range(end)", "in range(max(0, end - 5), end)"),), (("in range(end)", "in range(max(0, end - 3), end)"),))),
        Mistake("vit-missing-end", L(zh="少处理了最后一个字符", en="the last character is left out"), L(zh="range 的右端不含在内。", en="A range does not include its right end."),
                ("range(1, len(text) + 1)", "range(1, len(text))"), skill="shift"),
    ),
    alternatives=(viterbi_backpointers, viterbi_recursive, viterbi_from_the_right, viterbi_by_piece, viterbi_torch,
                  (("return best[-1]", "pieces, total = best[len(text)]\n    return pieces, total"),)),
    think=L(zh="这些概率从哪来？先切分再数，数完再切分，会怎样？", en="Where do such probabilities come from? What if one cuts, counts the pieces, and cuts again?"),
)
