"""seq2seq.bleu: corpus BLEU-4."""
from __future__ import annotations

import math
from collections import Counter

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def bleu(hypotheses, references):
    """Corpus BLEU-4 (Papineni et al. 2002), unsmoothed.

    hypotheses: N token lists; references: N non-empty lists of token lists. Returns a float, 0 to 1: the geometric mean of the precisions of 1- to
    4-grams, each of counts summed over the corpus, a hypothesis n-gram clipped by its maximum over the references; times exp(1 - r/c) if c < r: c =
    hypothesis lengths, r = closest reference lengths (tie: shorter). An order without a match, and N = 0, give 0.0; unequal N raises ValueError.
    """
    from collections import Counter
    if len(hypotheses) != len(references):
        raise ValueError("each hypothesis needs its list of references")
    matched, total, r = [0] * 4, [0] * 4, 0
    for hyp, refs in zip(hypotheses, references):
        r += min((abs(len(ref) - len(hyp)), len(ref)) for ref in refs)[1]
        for n in range(4):                                      # n + 1 tokens in a row
            texts = [zip(*(text[i:] for i in range(n + 1))) for text in (hyp, *refs)]
            mine, *theirs = map(Counter, texts)
            for gram, k in mine.items():
                matched[n] += min(k, max(ref[gram] for ref in theirs))
            total[n] += mine.total()
    c = max(total[0], 1)                                        # 1-grams are tokens
    precision = math.prod(m / max(t, 1) for m, t in zip(matched, total)) ** 0.25
    return precision * min(1.0, math.exp(1 - r / c))


def _grams(tokens, n):
    return [tuple(tokens[i:i + n]) for i in range(len(tokens) - n + 1)]


def _closest(hyp, refs):
    return sorted(map(len, refs), key=lambda length: (abs(length - len(hyp)), length))[0]


def _same_number(hypotheses, references):
    if len(hypotheses) != len(references):
        raise ValueError("lengths")


def bleu_by_order(hypotheses, references):
    """One order after the other; the union of counters takes the larger counts."""
    _same_number(hypotheses, references)
    score = 1.0
    for n in (1, 2, 3, 4):
        hits = size = 0
        for hyp, refs in zip(hypotheses, references):
            most = Counter()
            for ref in refs:
                most |= Counter(_grams(ref, n))
            mine = Counter(_grams(hyp, n))
            hits, size = hits + sum((mine & most).values()), size + sum(mine.values())
        if hits == 0:
            return 0.0
        score *= (hits / size) ** 0.25
    c, r = sum(map(len, hypotheses)), sum(_closest(hyp, refs) for hyp, refs in zip(hypotheses, references))
    return score if c >= r else score * math.exp(1 - r / c)


def bleu_lists(hypotheses, references):
    if len(references) - len(hypotheses):
        raise ValueError
    hits, size, c, r = [0] * 5, [0] * 5, 0, 0
    for hyp, refs in zip(hypotheses, references):
        c, r = c + len(hyp), r + _closest(hyp, refs)
        for n in range(1, 5):
            mine = _grams(hyp, n)
            size[n] += len(mine)
            for gram in set(mine):
                hits[n] += min(mine.count(gram), max(_grams(ref, n).count(gram) for ref in refs))
    if min(hits[1:]) == 0:
        return 0
    product = math.prod(hits[n] / size[n] for n in range(1, 5))
    return product ** 0.25 * (1 if c >= r else math.e ** (1 - r / c))


def bleu_crossing_off(hypotheses, references):
    """Each n-gram may be used as often as the reference that has most of it."""
    _same_number(hypotheses, references)
    logs, c, r = [], 0, 0
    for hyp, refs in zip(hypotheses, references):
        c, r = c + len(hyp), r + _closest(hyp, refs)
    for n in range(1, 5):
        hits, size = 0, 0
        for hyp, refs in zip(hypotheses, references):
            left = {}
            for ref in refs:
                for gram, k in Counter(_grams(ref, n)).items():
                    left[gram] = max(left.get(gram, 0), k)
            for gram in _grams(hyp, n):
                size += 1
                if left.get(gram, 0) > 0:
                    left[gram] -= 1
                    hits += 1
        logs.append(math.log(hits / size) if hits else -math.inf)
    return math.exp(sum(logs) / 4 + min(0.0, 1 - r / c)) if c else 0.0


def bleu_numpy(hypotheses, references):
    import numpy as np
    _same_number(hypotheses, references)
    table = np.zeros((4, 2))
    for hyp, refs in zip(hypotheses, references):
        for n in range(1, 5):
            mine = Counter(_grams(hyp, n))
            clipped = [min(k, max(Counter(_grams(ref, n))[gram] for ref in refs)) for gram, k in mine.items()]
            table[n - 1] += (sum(clipped), sum(mine.values()))
    if (table[:, 0] == 0).any():
        return 0.0
    c, r = sum(len(hyp) for hyp in hypotheses), sum(_closest(hyp, refs) for hyp, refs in zip(hypotheses, references))
    return float(np.exp(np.log(table[:, 0] / table[:, 1]).mean()) * min(1.0, np.exp(1 - r / c)))


def bleu_tensor(hypotheses, references):
    _same_number(hypotheses, references)
    hits, size = torch.zeros(4, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    for hyp, refs in zip(hypotheses, references):
        for n in range(4):
            for gram, k in Counter(_grams(hyp, n + 1)).items():
                most = max(_grams(ref, n + 1).count(gram) for ref in refs)
                hits[n], size[n] = hits[n] + min(k, most), size[n] + k
    if not hits.all():
        return torch.tensor(0.0)
    c, r = sum(map(len, hypotheses)), sum(_closest(hyp, refs) for hyp, refs in zip(hypotheses, references))
    return (hits / size).log().mean().exp() * (math.exp(1 - r / c) if c < r else 1)


def bleu_text(hypotheses, references):
    """n-grams as texts, with a mark between tokens."""
    if not len(hypotheses) == len(references):
        raise ValueError
    def count(tokens, n):
        return Counter("\0".join(map(str, gram)) for gram in _grams(tokens, n))
    precisions = []
    for n in range(1, 5):
        pairs = [(count(hyp, n), [count(ref, n) for ref in refs]) for hyp, refs in zip(hypotheses, references)]
        hits = sum(sorted((k, max(ref.get(g, 0) for ref in refs)))[0] for mine, refs in pairs for g, k in mine.items())
        precisions.append(hits / max(sum(sum(mine.values()) for mine, _ in pairs), 1))
    if not all(precisions):
        return 0.0
    c, r = sum(map(len, hypotheses)), sum(_closest(hyp, refs) for hyp, refs in zip(hypotheses, references))
    return math.sqrt(math.sqrt(math.prod(precisions))) / math.exp(max(r / c - 1, 0))


def _cases(draw: Draw) -> list[Case]:
    short, several, clip = L(zh="译文比参考短", en="hypotheses shorter than references"), L(zh="几个参考", en="several references"), L(zh="重复的词", en="repeated tokens")
    corpus, none, bad = L(zh="几个句子", en="several sentences"), L(zh="某一阶没有匹配", en="an order without a match"), L(zh="个数不等", en="unequal numbers")
    mat, fox = "the cat sat on the mat".split(), "the quick brown fox jumps over the lazy dog today".split()
    there = "there is a cat on the mat now and it sleeps".split()

    def like(text: list[str]) -> list[str]:
        """Five tokens of the text, then some others."""
        at = draw.int(0, len(text) - 4)
        return text[at:at + 5] + draw.words(draw.int(1, 4), text)
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (["the cat sat on mat".split()], [[mat]]), short),
        Case(L(zh="完全相同", en="identical"), ([fox], [[list(fox)]])),
        Case(L(zh="一样长，错一个词", en="one wrong token, equal length"), (["the quick brown fox jumps over the lazy cat today".split()], [[fox]])),
        Case(L(zh="译文更长", en="a longer hypothesis"), (["yes the cat sat on the mat right here".split()], [[mat]]), L(zh="译文比参考长", en="hypotheses longer than references")),
        Case(L(zh="译文短很多", en="a much shorter hypothesis"), (["the quick brown fox".split()], [[fox]]), short),
        Case(L(zh="同一段重复", en="a phrase again and again"), (["the cat sat on the cat sat on the cat sat on the mat".split()], [["the cat sat on the mat today and the day before it as well".split()]]), clip),
        Case(L(zh="两个参考，各有一半", en="two references with half of it each"), (["the cat sat on the mat and it sleeps now".split()], [[mat + ["today"], there]]), several),
        Case(L(zh="两个参考里次数不同", en="two references with different counts"),
             (["a b c d a b c d a b c d e".split()], [["a b c d e a b c d f g h".split(), "a b c d x y z a b q r s t u".split()]]), several),
        Case(L(zh="最近的参考不是最短的", en="the closest reference is not the shortest"), (["the quick brown fox jumps over".split()], [["the quick brown fox".split(), fox[:7] + ["dogs"], fox + fox]]), several),
        Case(L(zh="两个参考一样近", en="two references equally close"), (["the quick brown fox jumps over".split()], [[fox[:8], fox[:4]]]), several),
        Case(L(zh="三句，长短不一", en="three sentences of several lengths"),
             (["the cat sat on mat".split(), fox[:8] + ["cat"], "there is a cat on a mat".split()], [[mat], [fox], [there]]), corpus),
        Case(L(zh="四句随机改动", en="four sentences changed at random"), ([like(fox), like(mat), like(there), like(fox)], [[fox], [mat], [there], [fox]]), corpus),
        Case(L(zh="一句全对，一句几乎全错", en="one sentence right, one nearly all wrong"), ([fox, "a dog".split()], [[list(fox)], [mat]]), corpus),
        Case(L(zh="有一句不到 4 个词", en="a sentence of fewer than 4 tokens"), ([["cat", "sat"], fox[1:]], [[mat], [fox]]), corpus),
        Case(L(zh="一句太短，一句太长", en="one sentence too short, one too long"), ([fox[:5], mat + ["in", "the", "sun"]], [[fox], [mat]]), corpus),
        Case(L(zh="没有匹配的四元组", en="no 4-gram matches"), (["the cat sat in the mat".split()], [[mat]]), none),
        Case(L(zh="一个词也不对", en="no token matches"), ([["x", "y", "z", "w"]], [[mat]]), none),
        Case(L(zh="译文不到 4 个词", en="a hypothesis of 3 tokens"), ([mat[:3]], [[mat]]), none),
        Case(L(zh="空的译文", en="an empty hypothesis"), ([[]], [[mat]]), none),
        Case(L(zh="空的译文夹在中间", en="an empty hypothesis among others"), ([fox[:6], [], list(mat)], [[fox], [mat], [mat]]), corpus),
        Case(L(zh="N=0", en="N=0"), ([], []), L(zh="N=0", en="N=0")),
        Case(L(zh="词元是整数", en="tokens that are integers"), ([[3, 1, 4, 1, 5, 9, 2]], [[[3, 1, 4, 1, 5, 9, 6], [1, 4, 1, 5, 9, 2, 6, 5]]]), several),
        Case(L(zh="少一句参考", en="a reference too few"), ([mat, fox], [[mat]]), bad),
        Case(L(zh="多一句参考", en="a reference too many"), ([mat], [[mat], [fox]]), bad),
    ]


_CLIP = L(zh="一个 n 元组最多算几次？看它在哪一个参考里出现得最多，就算那么多次。", en="How often may an n-gram count? As often as in the one reference that has most of it.")
_MEAN = L(zh="四阶精确率取几何平均：四个数相乘，再开四次方。", en="The four precisions have a geometric mean: the fourth root of their product.")
_CORPUS = L(zh="先把全部句子的匹配数、总数各自加起来，最后才相除。", en="Add up matches and totals over all sentences first, and divide at the end.")
_BREVITY = L(zh="只罚短的：c < r 时乘 exp(1 - r/c)，否则乘 1。", en="Only short output is punished: times exp(1 - r/c) if c < r, else times 1.")
_LENGTH = L(zh="每句取长度最接近的参考；一样近时取短的。", en="Each sentence takes the reference closest in length; of two equally close ones the shorter.")
_ORDERS = L(zh="BLEU-4：1 元组到 4 元组，四阶都要。", en="BLEU-4: 1-grams to 4-grams, all four orders.")
_ZERO = L(zh="某一阶没有匹配，几何平均就是 0：返回 0.0，不要去取 0 的对数，也不要跳过。", en="An order without a match makes the geometric mean 0: return 0.0; do not skip it, and do not take the log of 0.")
_MATCH = "min(k, max(ref[gram] for ref in theirs))"
_R, _PRECISION = "min((abs(len(ref) - len(hyp)), len(ref)) for ref in refs)[1]", "math.prod(m / max(t, 1) for m, t in zip(matched, total)) ** 0.25"
_SCORE, _COUNTERS = "precision * min(1.0, math.exp(1 - r / c))", "matched, total, r = [0] * 4, [0] * 4, 0"


def _counts(hyp, refs, n):
    mine, theirs = Counter(_grams(hyp, n)), [Counter(_grams(ref, n)) for ref in refs]
    return sum(min(k, max(ref[g] for ref in theirs)) for g, k in mine.items()), sum(mine.values())


def _sentence_mean(hypotheses, references):
    _same_number(hypotheses, references)
    return sum(bleu([hyp], [refs]) for hyp, refs in zip(hypotheses, references)) / max(len(hypotheses), 1)


def _precision_means(hypotheses, references):
    _same_number(hypotheses, references)
    pairs = list(zip(hypotheses, references))
    means = [sum(a / max(b, 1) for a, b in (_counts(hyp, refs, n) for hyp, refs in pairs)) / max(len(pairs), 1) for n in range(1, 5)]
    c, r = sum(map(len, hypotheses)), sum(_closest(hyp, refs) for hyp, refs in pairs)
    return math.prod(means) ** 0.25 * math.exp(min(0, 1 - r / c)) if all(means) else 0.0


def _best_reference(hypotheses, references):
    _same_number(hypotheses, references)
    chosen = [[max(refs, key=lambda ref: sum(_counts(hyp, [ref], n)[0] for n in range(1, 5)))] for hyp, refs in zip(hypotheses, references)]
    return bleu(hypotheses, chosen)


def _brevity_by_sentence(hypotheses, references):
    _same_number(hypotheses, references)
    matched, total, logs = [0] * 4, [0] * 4, []
    for hyp, refs in zip(hypotheses, references):
        logs.append(min(0, 1 - _closest(hyp, refs) / max(len(hyp), 1)))
        for n in range(4):
            a, b = _counts(hyp, refs, n + 1)
            matched[n], total[n] = matched[n] + a, total[n] + b
    if 0 in matched:
        return 0.0
    return math.exp(sum(math.log(m / t) for m, t in zip(matched, total)) / 4) * sum(map(math.exp, logs)) / len(logs)


EXERCISE = Exercise(
    id="seq2seq.bleu", title=L(zh="BLEU", en="BLEU"), reference=bleu, returns=Scalar, cases=_cases,
    hints=(
        L(zh="先只想一句、一个参考、n=1：译文里每个词数几次，参考里数几次，取小的，加起来，除以译文的词数。",
          en="Think of one sentence, one reference and n=1 first: count each token in both, take the smaller, add up, divide by the tokens of the hypothesis."),
        L(zh="四阶各有一个匹配数、一个总数，走过整个语料慢慢加；c 和 r 也一路加。全部走完才相除，四个精确率相乘、开四次方。",
          en="Each of the four orders has a number of matches and a total that grow over the corpus, and so do c and r. Divide at the very end, then take the fourth root of the product."),
        L(zh="`Counter(zip(tokens, tokens[1:]))` 数二元组。最近的长度：对 `(abs(len(ref) - len(hyp)), len(ref))` 取最小，一样近时自然选短的。",
          en="`Counter(zip(tokens, tokens[1:]))` counts bigrams. For the closest length take the least `(abs(len(ref) - len(hyp)), len(ref))`, which prefers the shorter in a tie."),
    ),
    mistakes=(
        Mistake("bleu-no-clip", L(zh="没有截断：参考里有的 n 元组，译文说几次就算几次", en="nothing is clipped: an n-gram that a reference has counts as often as the hypothesis says it"), _CLIP,
                (_MATCH, "k * any(ref[gram] for ref in theirs)"), skill="count"),
        Mistake("bleu-clip-sum", L(zh="截断用的是各参考次数的和", en="the clip is the sum of the references' counts"), _CLIP, ("max(ref[gram]", "sum(ref[gram]"), skill="count"),
        Mistake("bleu-clip-least", L(zh="截断用的是各参考里最小的次数", en="the clip is the smallest of the references' counts"), _CLIP, ("max(ref[gram]", "min(ref[gram]"), skill="count"),
        Mistake("bleu-first-reference", L(zh="只看了第一个参考", en="only the first reference is read"), _CLIP, ("for hyp, refs in zip(hypotheses, references):", "for hyp, (*refs,) in ((h, rs[:1]) for h, rs in zip(hypotheses, references)):"), skill="edge"),
        Mistake("bleu-best-reference", L(zh="每句只和匹配最多的那个参考比", en="each sentence is compared with its best reference alone"), _CLIP, program=_best_reference, skill="rank"),
        Mistake("bleu-sets", L(zh="用了 n 元组的集合，重复的只算一次", en="sets of n-grams are compared: repetitions count once"), _CLIP, ("= [zip(*(text[i:] for i in range(n + 1))) for", "= [set(zip(*(text[i:] for i in range(n + 1)))) for"), skill="count"),
        Mistake("bleu-kinds", L(zh="匹配的 n 元组每种只算一次，总数却数了重复的", en="each matching n-gram counts once, but repetitions count in the total"), _CLIP, (_MATCH, "min(1, max(ref[gram] for ref in theirs))"), skill="count"),
        Mistake("bleu-recall", L(zh="除以的是参考的 n 元组个数（召回率）", en="it divides by the references' n-grams (recall)"), L(zh="BLEU 用的是精确率：除以译文的 n 元组个数。", en="BLEU takes precision: divide by the hypothesis's n-grams."),
                ("total[n] += mine.total()", "total[n] += min(theirs, key=lambda t: abs(t.total() - mine.total())).total()"), skill="count"),
        Mistake("bleu-no-bp", L(zh="没有简短惩罚", en="there is no brevity penalty"), _BREVITY, (_SCORE, "precision"), skill="formula", hint=3),
        Mistake("bleu-bp-inverted", L(zh="简短惩罚反了：1 - c/r 是正的，短译文反而加分", en="the brevity penalty is inverted: 1 - c/r is positive and rewards short output"), _BREVITY,
                (_SCORE, "precision * max(1.0, math.exp(1 - c / max(r, 1)))"), skill="formula", hint=3, also=(((_SCORE, "precision / min(1.0, math.exp(1 - r / c))"),),)),
        Mistake("bleu-bp-long", L(zh="长译文也改了分：没有对 0 取最小", en="long output is scored up: the penalty is not limited to 0"), _BREVITY, (_SCORE, "precision * math.exp(1 - r / c)"), skill="formula", hint=3),
        Mistake("bleu-bp-both", L(zh="长译文也受罚", en="long output is punished, too"), _BREVITY, (_SCORE, "precision * min(math.exp(1 - r / c), math.exp(1 - c / max(r, 1)))"), skill="formula", hint=3),
        Mistake("bleu-bp-ratio", L(zh="简短惩罚用了 c/r，没有取 exp", en="the brevity penalty is c/r, without exp"), _BREVITY, (_SCORE, "precision * min(1.0, c / max(r, 1))"), skill="formula", hint=3),
        Mistake("bleu-bp-sentence", L(zh="简短惩罚逐句算，再平均", en="the brevity penalty is averaged over sentences"), _BREVITY, program=_brevity_by_sentence, skill="count", hint=2),
        Mistake("bleu-shortest-ref", L(zh="取了最短的参考长度", en="the shortest reference gives the length"), _LENGTH, (_R, "min(map(len, refs))"), skill="rank", hint=3),
        Mistake("bleu-longest-ref", L(zh="取了最长的参考长度", en="the longest reference gives the length"), _LENGTH, (_R, "max(map(len, refs))"), skill="rank", hint=3),
        Mistake("bleu-mean-ref", L(zh="取了参考长度的平均", en="the mean of the references' lengths is used"), _LENGTH, (_R, "sum(map(len, refs)) / len(refs)"), skill="rank", hint=3),
        Mistake("bleu-tie-longer", L(zh="一样近时取了长的参考", en="of two equally close references the longer gives the length"), _LENGTH, (_R, "-min((abs(len(ref) - len(hyp)), -len(ref)) for ref in refs)[1]"), skill="rank", hint=3),
        Mistake("bleu-tie-first", L(zh="一样近时取了排在前面的参考", en="of two equally close references the first gives the length"), _LENGTH, (_R, "len(min(refs, key=lambda ref: abs(len(ref) - len(hyp))))"), skill="rank", hint=3),
        Mistake("bleu-arith", L(zh="四阶精确率用了算术平均", en="the four precisions have an arithmetic mean"), _MEAN, (_PRECISION, "sum(m / max(t, 1) for m, t in zip(matched, total)) / 4"), skill="formula"),
        Mistake("bleu-product", L(zh="四阶精确率相乘，没有开四次方", en="the precisions are multiplied, without the fourth root"), _MEAN, (" ** 0.25", ""), skill="formula"),
        Mistake("bleu-skip-zero", L(zh="没有匹配的阶被跳过了", en="orders without a match are skipped"), _ZERO,
                (_PRECISION, "any(matched) * math.prod(m / t for m, t in zip(matched, total) if m) ** (1 / max(sum(m > 0 for m in matched), 1))"), skill="edge",
                also=(((_PRECISION, "any(matched) * math.prod(m / t for m, t in zip(matched, total) if m) ** 0.25"),),)),
        Mistake("bleu-smoothed", L(zh="做了平滑：匹配数和总数各加 1", en="counts are smoothed: 1 is added to matches and totals"), L(zh="题目要不平滑的 BLEU。", en="The task asks for unsmoothed BLEU."),
                ("m / max(t, 1) for", "(m + 1) / (t + 1) for"), skill="formula",
                also=(((_PRECISION, "math.prod((m + (n > 0)) / max(t + (n > 0), 1) for n, (m, t) in enumerate(zip(matched, total))) ** 0.25"),),)),
        Mistake("bleu-unigrams", L(zh="只算了 1 元组", en="only 1-grams are counted"), _ORDERS, (_COUNTERS, "matched, total, r = [0], [0], 0"), ("range(4)", "range(1)"), (" ** 0.25", ""), skill="formula", hint=1),
        Mistake("bleu-bigrams", L(zh="只算到 2 元组", en="only 1- and 2-grams are counted"), _ORDERS, (_COUNTERS, "matched, total, r = [0] * 2, [0] * 2, 0"), ("range(4)", "range(2)"), (" ** 0.25", " ** 0.5"), skill="formula", hint=1),
        Mistake("bleu-trigrams", L(zh="只算到 3 元组", en="only 1- to 3-grams are counted"), _ORDERS, (_COUNTERS, "matched, total, r = [0] * 3, [0] * 3, 0"), ("range(4)", "range(3)"), (" ** 0.25", " ** (1 / 3)"), skill="formula", hint=1),
        Mistake("bleu-fourgrams", L(zh="只算了 4 元组", en="only 4-grams are counted"), _ORDERS, (_PRECISION, "matched[3] / max(total[3], 1)"), skill="formula", hint=1),
        Mistake("bleu-avg-sentence", L(zh="逐句算 BLEU 再平均", en="sentence BLEUs are averaged"), _CORPUS, program=_sentence_mean, skill="count"),
        Mistake("bleu-avg-precision", L(zh="精确率逐句算，再对句子平均", en="precisions are averaged over sentences"), _CORPUS, program=_precision_means, skill="count"),
        Mistake("bleu-percent", L(zh="返回的是 0 到 100 的数，像 sacrebleu", en="it is a number from 0 to 100, as sacrebleu prints"), L(zh="这里要 0 到 1 之间的数。", en="Here it is a number from 0 to 1."), (_SCORE, f"100 * {_SCORE}"), convention=True, skill="scale"),
        Mistake("bleu-zero-log", L(zh="没有匹配时去取了 0 的对数", en="it takes the log of 0 where an order has no match"), _ZERO, (_PRECISION, "math.exp(sum(math.log(m / t) for m, t in zip(matched, total)) / 4)"), skill="edge"),
        Mistake("bleu-no-error", L(zh="个数不等时没有报错", en="unequal numbers are not refused"), L(zh="题目要 ValueError。", en="The task asks for ValueError."), ("if len(hypotheses) != len(references):", "if False:"), skill="edge"),
    ),
    alternatives=(bleu_by_order, bleu_lists, bleu_crossing_off, bleu_numpy, bleu_tensor, bleu_text),
    think=L(zh="意思相同、用词不同的译文会得几分？为什么 BLEU 要数到 4 元组？", en="What does a translation with the same meaning in other words get? And why count up to 4-grams?"),
)
