"""seq2seq.rouge_n: n-grams that a summary shares with a reference."""
from __future__ import annotations

from collections import Counter

import torch

from ...i18n import L
from ..engine.contract import Scalar, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def rouge_n(candidate, reference, n):
    """ROUGE-n (Lin 2004): the n-grams that a summary and a reference have in common.

    candidate, reference: lists of tokens. Returns floats (precision, recall, f1): overlap clipped by the smaller count; precision divides by the
    candidate's n-grams, recall by the reference's. All 0.0 without overlap or where either has no n-gram; n < 1 raises ValueError.
    """
    if n < 1:
        raise ValueError("n must be at least 1")
    from collections import Counter
    texts = candidate, reference
    mine, theirs = (Counter(zip(*(text[i:] for i in range(n)))) for text in texts)
    common = (mine & theirs).total()
    if common == 0:
        return 0.0, 0.0, 0.0
    precision, recall = common / mine.total(), common / theirs.total()
    return precision, recall, 2 * precision * recall / (precision + recall)


def _scores(common, mine, theirs):
    return (common / mine, common / theirs, 2 * common / (mine + theirs)) if common else (0.0, 0.0, 0.0)


def _grams(tokens, n):
    return [tuple(tokens[i:i + n]) for i in range(len(tokens) - n + 1)]


def rouge_minimum(candidate, reference, n):
    if n < 1:
        raise ValueError(n)
    mine, theirs = _grams(candidate, n), _grams(reference, n)
    return _scores(sum(min(mine.count(g), theirs.count(g)) for g in set(mine)), len(mine), len(theirs))


def rouge_crossing_off(candidate, reference, n):
    """Every n-gram of the reference can be matched once."""
    if n <= 0:
        raise ValueError
    mine, left = _grams(candidate, n), _grams(reference, n)
    total, common = len(left), 0
    for gram in mine:
        if gram in left:
            left.remove(gram)
            common += 1
    return _scores(common, len(mine), total)


def rouge_sorted(candidate, reference, n):
    """Two sorted lists, merged."""
    if n < 1:
        raise ValueError
    a, b = (sorted(map(repr, _grams(tokens, n))) for tokens in (candidate, reference))
    i = j = common = 0
    while i < len(a) and j < len(b):
        common += a[i] == b[j]
        i, j = i + (a[i] <= b[j]), j + (b[j] <= a[i])
    return _scores(common, len(a), len(b))


def rouge_lost(candidate, reference, n):
    """What is common is what subtraction takes away."""
    if not n >= 1:
        raise ValueError
    mine, theirs = Counter(_grams(candidate, n)), Counter(_grams(reference, n))
    size = sum(mine.values())
    return _scores(size - sum((mine - theirs).values()), size, sum(theirs.values()))


def rouge_numpy(candidate, reference, n):
    import numpy as np
    if n < 1:
        raise ValueError
    names = {gram: i for i, gram in enumerate(dict.fromkeys(_grams(candidate, n) + _grams(reference, n)))}
    a, b = (np.bincount([names[g] for g in _grams(tokens, n)], minlength=len(names) or 1) for tokens in (candidate, reference))
    common = np.minimum(a, b).sum()
    return (common / a.sum(), common / b.sum(), 2 * common / (a.sum() + b.sum())) if common else (0.0, 0.0, 0.0)


def rouge_tensor(candidate, reference, n):
    """As tensors, from a table of which n-grams are equal."""
    if n < 1:
        raise ValueError
    mine, theirs = _grams(candidate, n), _grams(reference, n)
    left, common = torch.ones(len(theirs), dtype=torch.bool), torch.tensor(0.0)
    for gram in mine:
        hit = (left & torch.tensor([gram == other for other in theirs], dtype=torch.bool)).nonzero()
        if len(hit):
            left[hit[0, 0]] = False
            common += 1
    return [common / len(mine), common / len(theirs), 2 * common / (len(mine) + len(theirs))] if common else [common, common, common]


def _cases(draw: Draw) -> list[Case]:
    short, bad, order = L(zh="没有 n 元组的文字", en="texts without an n-gram"), L(zh="n < 1", en="n < 1"), L(zh="词的次序", en="the order of tokens")
    again = L(zh="重复的词", en="repeated tokens")
    long = draw.words(18, "abcd")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), ("a b a b".split(), "a b c".split(), 1), again),
        Case(L(zh="两句英语，n=1", en="two English sentences, n=1"), ("the cat sat on the mat".split(), "the cat lay on a mat today".split(), 1)),
        Case(L(zh="两句英语，n=2", en="two English sentences, n=2"), ("the cat sat on the mat".split(), "a cat sat on the red mat at home".split(), 2)),
        Case(L(zh="随机的词，n=2", en="random tokens, n=2"), (draw.words(9, "abc"), draw.words(14, "abc"), 2)),
        Case(L(zh="18 个词和其中一段，n=3", en="18 tokens and a part of them, n=3"), (long[3:13], long, 3)),
        Case(L(zh="候选重复很多次", en="a candidate that repeats itself"), (["the"] * 7, "the cat on the mat".split(), 1), again),
        Case(L(zh="参考重复很多次", en="a reference that repeats itself"), ("the dog".split(), ["the"] * 5, 1), again),
        Case(L(zh="两边都重复，n=2", en="both repeat themselves, n=2"), ("a b a b a b c".split(), "a b a b d a c b a".split(), 2), again),
        Case(L(zh="完全相同，n=2", en="identical, n=2"), (long[:6], long[:6], 2)),
        Case(L(zh="词相同，次序颠倒，n=2", en="the same tokens reversed, n=2"), ("a b c d e".split(), "e d c b a b".split(), 2), order),
        Case(L(zh="没有共同的", en="nothing in common"), ("a b c".split(), "x y".split(), 1)),
        Case(L(zh="有共同的词，没有共同的二元组", en="tokens in common, but no bigram"), ("a c b".split(), "a b c d".split(), 2)),
        Case(L(zh="候选不到 n 个词", en="a candidate shorter than n"), (["a"], "a b c".split(), 2), short),
        Case(L(zh="参考不到 n 个词", en="a reference shorter than n"), ("a b c".split(), ["a", "b"], 3), short),
        Case(L(zh="候选为空", en="an empty candidate"), ([], ["a"], 1), short),
        Case(L(zh="两边都空", en="both empty"), ([], [], 1), short),
        Case(L(zh="正好 n 个词", en="exactly n tokens"), ("x y z".split(), "w x y z".split(), 3)),
        Case(L(zh="大小写不同", en="upper and lower case"), ("The Cat sat on mats".split(), "the cat sat on the mat".split(), 1), L(zh="写法不同的词", en="tokens spelled differently")),
        Case(L(zh="中文词", en="Chinese tokens"), (["今天", "天气", "很", "好", "很", "好"], ["今天", "的", "天气", "很", "好"], 2)),
        Case(L(zh="整数 id，n=1", en="integer ids, n=1"), (draw.ints(5, 11).tolist(), draw.ints(5, 7).tolist(), 1)),
        Case(L(zh="n=0", en="n=0"), (["a"], ["a"], 0), bad),
        Case(L(zh="n=-1", en="n=-1"), (["a", "b"], ["a", "b"], -1), bad),
    ]


_DIVIDE = L(zh="精确率除以候选的 n 元组个数，召回率除以参考的。", en="Precision divides by the number of the candidate's n-grams, recall by that of the reference's.")
_CLIP = L(zh="一个 n 元组算几次？两边次数里较小的那个。", en="How often does an n-gram count? The smaller of its two counts.")
_WINDOWS = L(zh="n 元组从每个位置开始，互相重叠，一共 len - n + 1 个。", en="n-grams begin at every place and overlap; there are len - n + 1 of them.")
_F1 = L(zh="F1 是调和平均：2PR/(P+R)。", en="F1 is the harmonic mean: 2PR/(P+R).")
_ZERO = L(zh="没有共同的 n 元组，三个数都是 0.0。", en="Without a common n-gram all three are 0.0.")
_SAME = L(zh="两个 n 元组相同：每个位置上的词都相同，写法也相同。", en="Two n-grams are the same if they have the same tokens, spelled the same, at every place.")
_COMMON, _RETURN, _RATIOS = "(mine & theirs).total()", "return precision, recall, 2 * precision * recall / (precision + recall)", "common / mine.total(), common / theirs.total()"
_GRAMS = "Counter(zip(*(text[i:] for i in range(n))))"

EXERCISE = Exercise(
    id="seq2seq.rouge_n", title=L(zh="ROUGE-n", en="ROUGE-n"), reference=rouge_n,
    returns=Tuple((("precision", Scalar), ("recall", Scalar), ("f1", Scalar))), cases=_cases,
    hints=(
        L(zh="先数两边的 n 元组：从每个位置取连续 n 个词，放进 Counter。", en="Count the n-grams of both: n tokens in a row from every place, in a Counter."),
        L(zh="两个 Counter 的 `&` 取的正是较小的次数；`.total()` 把次数加起来。", en="`&` of two Counters takes the smaller counts; `.total()` adds counts up."),
        L(zh="common 除以候选的总数是精确率，除以参考的总数是召回率；common 是 0 时先返回三个 0.0，免得除以 0。",
          en="common over the candidate's total is precision, over the reference's recall; where common is 0, return three times 0.0 before anything is divided by 0."),
    ),
    mistakes=(
        Mistake("rouge-exchanged", L(zh="精确率和召回率弄反了", en="precision and recall are exchanged"), _DIVIDE, (_RATIOS, "common / theirs.total(), common / mine.total()"), skill="rank", hint=3),
        Mistake("rouge-both-reference", L(zh="两个都除以参考的个数", en="both divide by the reference's n-grams"), _DIVIDE, (_RATIOS, "common / theirs.total(), common / theirs.total()"), skill="count", hint=3),
        Mistake("rouge-both-candidate", L(zh="两个都除以候选的个数", en="both divide by the candidate's n-grams"), _DIVIDE, (_RATIOS, "common / mine.total(), common / mine.total()"), skill="count", hint=3),
        Mistake("rouge-over-tokens", L(zh="除以的是词的个数，不是 n 元组的个数", en="it divides by the number of tokens, not of n-grams"), _DIVIDE, (_RATIOS, "common / len(candidate), common / len(reference)"), skill="count", hint=3),
        Mistake("rouge-over-kinds", L(zh="除以的是不同的 n 元组有几种", en="it divides by the number of distinct n-grams"), _DIVIDE, (_RATIOS, "common / len(mine), common / len(theirs)"), skill="count", hint=3),
        Mistake("rouge-no-clip", L(zh="没有截断：候选里的 n 元组只要参考里有，次次都算", en="nothing is clipped: an n-gram of the candidate counts each time if the reference has it"), _CLIP,
                (_COMMON, "sum(count for gram, count in mine.items() if gram in theirs)"), skill="count"),
        Mistake("rouge-reference-count", L(zh="用了参考里的次数，没有取较小的", en="the reference's counts are used, not the smaller ones"), _CLIP,
                (_COMMON, "sum(count for gram, count in theirs.items() if gram in mine)"), skill="count"),
        Mistake("rouge-larger-count", L(zh="取了较大的次数", en="the larger of the two counts is used"), _CLIP, (_COMMON, "sum(max(mine[gram], theirs[gram]) for gram in mine if gram in theirs)"), skill="count"),
        Mistake("rouge-product-count", L(zh="两边的次数相乘", en="the two counts are multiplied"), _CLIP, (_COMMON, "sum(mine[gram] * theirs[gram] for gram in mine)"), skill="count"),
        Mistake("rouge-sets", L(zh="用了集合，重复的只算一次", en="sets of n-grams are compared: repetitions count once"), _CLIP, (_GRAMS, "Counter(set(zip(*(text[i:] for i in range(n)))))"), skill="count"),
        Mistake("rouge-common-kinds", L(zh="共同的 n 元组每种只算一次", en="each common n-gram counts once, whatever its counts"), _CLIP, (_COMMON, "len(mine & theirs)"), skill="count"),
        Mistake("rouge-unigrams", L(zh="没有用 n：数的是单个词", en="single tokens are counted, whatever n"), _WINDOWS, ("for i in range(n)", "for i in range(1)"), skill="formula", hint=1),
        Mistake("rouge-n-long", L(zh="数的是 n + 1 元组", en="(n + 1)-grams are counted"), _WINDOWS, ("for i in range(n)", "for i in range(n + 1)"), skill="shift", hint=1),
        Mistake("rouge-up-to-n", L(zh="1 元组到 n 元组全算在一起", en="n-grams of all lengths up to n are counted together"), _WINDOWS, (_GRAMS, "Counter(gram for m in range(1, n + 1) for gram in zip(*(text[i:] for i in range(m))))"), skill="formula", hint=1),
        Mistake("rouge-last-window", L(zh="少了最后一个 n 元组", en="the last n-gram is missing"), _WINDOWS, ("text[i:] for", "text[i:-1] for"), skill="shift", hint=1),
        Mistake("rouge-ragged", L(zh="末尾不足 n 个词的也算成了 n 元组", en="shorter pieces at the end count as n-grams"), _WINDOWS, (_GRAMS, "Counter(tuple(text[i:i + n]) for i in range(len(text)))"), skill="shift", hint=1),
        Mistake("rouge-chunks", L(zh="n 元组没有重叠：每次跳 n 个", en="n-grams do not overlap: it steps by n"), _WINDOWS, (_GRAMS, "Counter(list(zip(*(text[i:] for i in range(n))))[::n])"), skill="shift", hint=1),
        Mistake("rouge-any-order", L(zh="没有管 n 元组里词的次序", en="the order of the tokens within an n-gram does not count"), _SAME, (_GRAMS, "Counter(tuple(sorted(map(str, gram))) for gram in zip(*(text[i:] for i in range(n))))"), skill="rank", hint=1),
        Mistake("rouge-lower", L(zh="比较之前变成了小写", en="tokens are lower-cased first"), _SAME, (_GRAMS, "Counter(zip(*([str(token).lower() for token in text[i:]] for i in range(n))))"), skill="formula", hint=1),
        Mistake("rouge-f1-mean", L(zh="F1 用了算术平均", en="the arithmetic mean stands for F1"), _F1, ("2 * precision * recall / (precision + recall)", "(precision + recall) / 2"), skill="formula", hint=3),
        Mistake("rouge-f1-product", L(zh="F1 那里是 P 乘 R", en="the product of P and R stands for F1"), _F1, ("2 * precision * recall / (precision + recall)", "precision * recall"), skill="formula", hint=3),
        Mistake("rouge-f1-half", L(zh="F1 少了因子 2", en="F1 lacks the factor 2"), _F1, ("2 * precision * recall /", "precision * recall /"), skill="scale", hint=3),
        Mistake("rouge-f1-geometric", L(zh="F1 用了几何平均", en="the geometric mean stands for F1"), _F1, ("2 * precision * recall / (precision + recall)", "(precision * recall) ** 0.5"), skill="formula", hint=3),
        Mistake("rouge-jaccard", L(zh="第三个数是交集除以并集", en="the third is the common n-grams over those of either"), _F1, ("2 * precision * recall / (precision + recall)", "common / (mine | theirs).total()"), skill="formula", hint=3),
        Mistake("rouge-f1-first", L(zh="次序错了：F1 放在了最前", en="F1 comes first"), L(zh="次序是 precision, recall, f1。", en="The order is precision, recall, f1."),
                (_RETURN, "return 2 * precision * recall / (precision + recall), precision, recall"), skill="rank", hint=3),
        Mistake("rouge-percent", L(zh="返回的是百分数", en="percentages are returned"), L(zh="题目要 0 到 1 之间的数。", en="The task asks for numbers from 0 to 1."), (_RATIOS, "100 * common / mine.total(), 100 * common / theirs.total()"), skill="scale", hint=3),
        Mistake("rouge-zero-division", L(zh="没有共同的 n 元组时除以了 0", en="it divides by zero where nothing is in common"), _ZERO, ("if common == 0:", "if False:"), skill="edge", hint=3),
        Mistake("rouge-no-error", L(zh="n < 1 时没有报错", en="n < 1 is not refused"), L(zh="题目要 ValueError。", en="The task asks for ValueError."), ("if n < 1:", "if False:"), skill="edge", hint=3,
                also=((("if n < 1:", "if n < 0:"),),)),
    ),
    alternatives=(rouge_minimum, rouge_crossing_off, rouge_sorted, rouge_lost, rouge_numpy, rouge_tensor),
    think=L(zh="把参考摘要的词打乱次序，ROUGE-1 会变吗？ROUGE-2 呢？", en="Shuffle the words of a reference summary: what happens to ROUGE-1, and to ROUGE-2?"),
)
