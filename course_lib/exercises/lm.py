"""Exercises of chapter 01: what a language model is, in four functions."""
from __future__ import annotations

import math

import torch

from ..i18n import L
from .contract import Array, IntList, Scalar
from .spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISES"]


# --- lm.bigram -----------------------------------------------------------------------------------------------------

def bigram_probs(ids, vocab_size, alpha=1.0):
    """Bigram probabilities with add-alpha smoothing.

    ids: long [T], the text. Returns float [V, V]; row i is P(next | i) = (count + alpha) / (row count + alpha * V).
    With alpha = 0 a row without counts is uniform.
    """
    counts = torch.zeros(vocab_size, vocab_size)
    for here, following in zip(ids[:-1].tolist(), ids[1:].tolist()):
        counts[here, following] += 1
    smoothed = counts + alpha
    totals = smoothed.sum(dim=1, keepdim=True)
    return torch.where(totals > 0, smoothed / totals, 1 / vocab_size)


def bigram_bincount(ids, vocab_size, alpha=1.0):
    pairs = ids[:-1] * vocab_size + ids[1:]
    counts = torch.bincount(pairs, minlength=vocab_size ** 2).reshape(vocab_size, vocab_size).double() + alpha
    totals = counts.sum(1)
    probs = torch.full((vocab_size, vocab_size), 1.0 / vocab_size, dtype=torch.float64)
    probs[totals > 0] = counts[totals > 0] / totals[totals > 0, None]
    return probs


def bigram_lists(ids, vocab_size, alpha=1.0):
    text, rows = [int(i) for i in ids], []
    for i in range(vocab_size):
        row = [alpha + sum(a == i and b == j for a, b in zip(text, text[1:])) for j in range(vocab_size)]
        rows.append([c / sum(row) if sum(row) else 1 / vocab_size for c in row])
    return torch.tensor(rows)


def bigram_numpy(ids, vocab_size, alpha=1.0):
    import numpy as np
    counts, text = np.zeros((vocab_size, vocab_size)), ids.numpy()
    np.add.at(counts, (text[:-1], text[1:]), 1)
    with np.errstate(invalid="ignore"):
        return np.nan_to_num((counts + alpha) / (counts.sum(1, keepdims=True) + alpha * vocab_size), nan=1 / vocab_size)


def bigram_one_hot(ids, vocab_size, alpha=1.0):
    one_hot = torch.eye(vocab_size)[ids]
    counts = one_hot[:-1].T @ one_hot[1:]
    probs = (counts + alpha) / (counts.sum(-1, keepdim=True) + alpha * vocab_size)
    return torch.nan_to_num(probs, nan=1 / vocab_size)


def bigram_index_put(ids, vocab_size, alpha=1.0):
    counts = torch.full((vocab_size, vocab_size), float(alpha))
    counts.index_put_((ids[:-1], ids[1:]), torch.ones(len(ids) - 1), accumulate=True)
    counts[counts.sum(1) == 0] = 1.0
    return counts / counts.sum(1, keepdim=True)


def _bigram_cases(draw: Draw) -> list[Case]:
    empty_rows = L(zh="没有计数的行", en="rows without counts")
    skewed = torch.cat([draw.ints(3, 30), draw.ints(6, 10)])
    return [
        Case(L(zh="3 个词的短文", en="a short text over 3 ids"), (torch.tensor([0, 1, 1, 2, 1, 0, 1]), 3)),
        Case(L(zh="6 个词，默认 alpha", en="6 ids, default alpha"), (skewed, 6)),
        Case(L(zh="alpha=0.3", en="alpha=0.3"), (skewed[draw.permutation(40)], 6, 0.3), L(zh="alpha", en="alpha")),
        Case(L(zh="alpha=0，有的行没有计数", en="alpha=0, rows without counts"), (draw.ints(4, 25), 7, 0.0), empty_rows),
        Case(L(zh="alpha=0，有的行只有一次计数", en="alpha=0, rows with a single count"),
                (torch.cat([torch.tensor([3]), draw.ints(3, 12), torch.tensor([4])]), 5, 0.0), empty_rows),
        Case(L(zh="alpha 很小", en="a very small alpha"), (draw.ints(3, 14), 5, 0.01), L(zh="alpha", en="alpha")),
        Case(L(zh="只有一个词", en="a single id"), (torch.tensor([1]), 3, 0.5), L(zh="T=1", en="T=1")),
        Case(L(zh="重复的同一个词", en="one id again and again"), (torch.tensor([2] * 9), 5, 1.0)),
    ]


_COUNTS = L(zh="看看累加计数的那一行。", en="Look at the line that counts.")
_DIVIDE = L(zh="看看做除法的那一行：分母是什么？", en="Look at the division: what is its denominator?")

BIGRAM = Exercise(
    id="lm.bigram", title=L(zh="数出来的语言模型", en="A language model by counting"), reference=bigram_probs, returns=Array("V V"),
    cases=_bigram_cases,
    hints=(
        L(zh="先只数数：`counts[i, j]` 是“词 i 后面紧跟词 j”出现的次数。相邻的两个词怎样成对取出？",
                en="Count first: `counts[i, j]` says how often j comes right after i. How do you take neighbours as pairs?"),
        L(zh="概率的每一行加起来是 1。哪个求和对应“当前词是 i”？要不要 `keepdim=True`？",
                en="Each row of probabilities sums to 1. Which sum belongs to \"the present id is i\"? Does it need `keepdim=True`?"),
        L(zh="alpha 给每一格都加，所以一行的总数多了 alpha·V。alpha=0 时有些行的分母是 0：这些行要单独处理。",
          en="alpha goes into every cell, so a row's total grows by alpha * V. At alpha=0 some denominators are 0: these rows need care of "
             "their own."),
    ),
    mistakes=(
        Mistake("bigram-transposed", L(zh="行列颠倒：统计的是 P(前一个 | 后一个)",
                en="rows and columns are exchanged: P(previous | next)"), _COUNTS,
                ("counts[here, following]", "counts[following, here]"), skill="axis", hint=1),
        Mistake("bigram-norm-axis", L(zh="沿列而不是沿行归一化", en="columns are normalised instead of rows"),
                _DIVIDE,
                ("dim=1", "dim=0"), skill="axis"),
        Mistake("bigram-joint", L(zh="除以了全部计数，得到的是联合概率",
                en="everything is divided by the grand total, which gives joint probabilities"),
                _DIVIDE,
                ("smoothed.sum(dim=1, keepdim=True)", "smoothed.sum()"), skill="count"),
        Mistake("bigram-no-alpha", L(zh="没有用 alpha 平滑", en="alpha is not added"),
                L(zh="alpha 在哪里加进计数？", en="Where does alpha enter the counts?"),
                ("counts + alpha", "counts"), skill="formula", hint=3),
        Mistake("bigram-alpha-fixed", L(zh="总是加 1，忽略了 alpha 参数", en="1 is always added, whatever alpha"),
                L(zh="加的是 1 还是 alpha？", en="Is 1 added, or alpha?"),
                ("counts + alpha", "counts + 1.0"), skill="formula", hint=3),
        Mistake("bigram-alpha-denominator", L(zh="分母里没有加 alpha·V",
                en="alpha * V is missing in the denominator"), _DIVIDE,
                ("smoothed.sum(dim=1, keepdim=True)", "counts.sum(dim=1, keepdim=True)"), skill="count", hint=3),
        Mistake("bigram-alpha-once", L(zh="分母里只加了 alpha，没有乘 V",
                en="the denominator gets alpha once, not alpha * V"), _DIVIDE,
                ("smoothed.sum(dim=1, keepdim=True)", "counts.sum(dim=1, keepdim=True) + alpha"), skill="count",
                hint=3),
        Mistake("bigram-empty-row-zero", L(zh="没有计数的行留成了 0，而不是均匀分布",
                en="a row without counts stays 0 instead of uniform"),
                L(zh="alpha=0 而且某个词后面从没出现过别的词时，这一行该是什么？",
                en="What should a row be at alpha=0 when its id never has a successor?"),
                ("1 / vocab_size)", "0.0)"), skill="edge", hint=3,
                also=((("totals > 0, smoothed / totals, 1 / vocab_size",
                "counts.sum(1, keepdim=True) > 0, smoothed / totals, 0.0"),),)),
        Mistake("bigram-empty-row-nan", L(zh="没有计数的行算出了 0/0", en="a row without counts becomes 0/0"),
                L(zh="alpha=0 时，哪些行的分母是 0？", en="Which rows have denominator 0 at alpha=0?"),
                ("torch.where(totals > 0, smoothed / totals, 1 / vocab_size)", "smoothed / totals"), skill="edge",
                hint=3),
        Mistake("bigram-binary", L(zh="只记了“出现过”，没有累加次数",
                en="a pair is marked as seen rather than counted"), _COUNTS,
                ("+= 1", "= 1"), skill="count", hint=1),
        Mistake("bigram-skip", L(zh="漏掉了最后一对", en="the last pair is left out"),
                L(zh="切片的两端各去掉了什么？", en="What does each slice leave out?"),
                ("zip(ids[:-1].tolist(), ids[1:].tolist())", "zip(ids[:-2].tolist(), ids[1:-1].tolist())"),
                skill="shift", hint=1),
        Mistake("bigram-unigram", L(zh="每一行都是词频：没有看前一个词",
                en="every row is the frequency of single ids: the previous one is ignored"),
                _COUNTS,
                ("counts[here, following] += 1", "counts[:, following] += 1"), skill="axis", hint=1),
        Mistake("bigram-softmax", L(zh="对计数做了 softmax", en="softmax is taken of the counts"), _DIVIDE,
                ("torch.where(totals > 0, smoothed / totals, 1 / vocab_size)", "torch.softmax(smoothed, dim=1)"),
                skill="formula"),
        Mistake("bigram-alpha-default", L(zh="alpha 的默认值不是 1", en="alpha's default is 0 instead of 1"),
                L(zh="题目里 alpha=1.0。", en="The task says alpha=1.0."), ("alpha=1.0", "alpha=0.0"),
                skill="formula", hint=3),
        Mistake("bigram-wraps", L(zh="把最后一个词和第一个词也配成了一对", en="the last id is paired with the first"),
                L(zh="最后一个词后面有词吗？", en="Does anything follow the last id?"),
                ("zip(ids[:-1].tolist(), ids[1:].tolist())", "zip(ids.tolist(), ids.roll(-1).tolist())"),
                skill="shift", hint=1),
        Mistake("bigram-keepdim", L(zh="求和时没有 keepdim：第 j 列除以了第 j 行的总数",
                en="the sum lacks keepdim, so that column j is divided by the total of row j"),
                L(zh="[V] 和 [V,V] 相除时，[V] 对着的是列。",
                en="When [V, V] is divided by [V], the [V] lies along the columns."),
                ("dim=1, keepdim=True", "dim=1"), skill="axis",
                also=((("dim=1, keepdim=True", "dim=1"),
                       ("torch.where(totals > 0, smoothed / totals, 1 / vocab_size)",
                        "torch.where((smoothed / totals).isnan(), 1 / vocab_size, smoothed / totals)")),
                      (("dim=1, keepdim=True",
                "dim=1"), ("torch.where(totals > 0, smoothed / totals, 1 / vocab_size)", "smoothed / totals")),
                      (("dim=1, keepdim=True", "dim=1"),
                       ("torch.where(totals > 0, smoothed / totals, 1 / vocab_size)",
                        "torch.where(totals[:, None] > 0, smoothed / totals, 1 / vocab_size)")))),
        Mistake("bigram-occurrences", L(zh="一行的总数用了这个词出现的次数，把文末的词也算了一次",
                en="a row's total is how often its id occurs, which counts the last id of the text as well"), _DIVIDE,
                ("smoothed.sum(dim=1, keepdim=True)",
                "torch.bincount(ids, minlength=vocab_size)[:, None] + alpha * vocab_size"),
                skill="count",
                also=((("totals = smoothed.sum(dim=1, keepdim=True)\n    return torch.where(totals > 0",
                "totals = torch.bincount(ids, minlength=vocab_size)[:, None] + alpha * vocab_size\n"
                "    return torch.where(smoothed.sum(1, keepdim=True) > 0"),),)),
        Mistake("bigram-zero-cells", L(zh="alpha=0 时，凡是 0 的格子都填成了 1/V，而不是只填没有计数的行",
                en="every cell of 0 becomes 1/V at alpha=0, not only those of rows without counts"),
                L(zh="一行里有计数时，没出现过的词概率就是 0。",
                en="In a row that has counts, an id that never followed has probability 0."),
                ("totals > 0, smoothed", "smoothed > 0, smoothed"), skill="edge", hint=3),
        Mistake("bigram-counts", L(zh="返回的是计数，没有归一化",
                en="the counts are returned, not divided by anything"), _DIVIDE,
                ("torch.where(totals > 0, smoothed / totals, 1 / vocab_size)", "smoothed"), skill="formula",
                also=((("torch.where(totals > 0, smoothed / totals, 1 / vocab_size)", "counts"),),)),
        Mistake("bigram-log", L(zh="返回的是对数概率", en="the logarithms of the probabilities are returned"),
                L(zh="题目要的是概率，每行加起来是 1。", en="The task asks for probabilities: each row sums to 1."),
                ("return torch.where(totals > 0, smoothed / totals, 1 / vocab_size)",
                 "return torch.where(totals > 0, smoothed / totals, 1 / vocab_size).log()"), skill="formula"),
        Mistake("bigram-distance-two", L(zh="配成一对的两个词隔了一个词",
                en="a pair is two ids with one id between them"),
                L(zh="成对的应是相邻的两个词。", en="A pair is two ids that stand next to each other."),
                ("zip(ids[:-1].tolist(), ids[1:].tolist())", "zip(ids[:-2].tolist(), ids[2:].tolist())"),
                skill="shift", hint=1),
        Mistake("bigram-first-pair", L(zh="漏掉了第一对", en="the first pair is left out"),
                L(zh="切片的两端各去掉了什么？", en="What does each slice leave out?"),
                ("zip(ids[:-1].tolist(), ids[1:].tolist())", "zip(ids[1:-1].tolist(), ids[2:].tolist())"),
                skill="shift", hint=1),
        Mistake("bigram-alpha-seen", L(zh="alpha 只加给了出现过的词对", en="alpha is added only to pairs that occur"),
                L(zh="平滑正是为了没出现过的词对。", en="Smoothing is there for the pairs that never occurred."),
                ("counts + alpha", "counts + alpha * (counts > 0)"), skill="formula", hint=3,
                also=((("counts + alpha", "counts + alpha * (counts > 0)"),
                       ("smoothed.sum(dim=1, keepdim=True)", "counts.sum(dim=1, keepdim=True) + alpha * vocab_size")),
                )),
        Mistake("bigram-alpha-over-V", L(zh="每一格加的是 alpha/V，不是 alpha",
                en="every cell gets alpha / V instead of alpha"),
                L(zh="每一格加 alpha，一行就多了 alpha·V。",
                en="Every cell gets alpha, so a row gets alpha * V more."),
                ("counts + alpha", "counts + alpha / vocab_size"), skill="count", hint=3),
        Mistake("bigram-seen-vocabulary", L(zh="平滑用的 V 是文中出现过的词数，不是 vocab_size",
                en="the V of the smoothing is the number of ids that occur, not vocab_size"), _DIVIDE,
                ("smoothed.sum(dim=1, keepdim=True)", "counts.sum(dim=1, keepdim=True) + alpha * len(ids.unique())"),
                skill="count", hint=3),
        Mistake("bigram-one-total", L(zh="每一行都除以了同一个数：全部词对的个数（加 alpha·V）",
                en="every row is divided by one number: the count of all pairs (plus alpha * V)"), _DIVIDE,
                ("smoothed.sum(dim=1, keepdim=True)", "counts.sum() + alpha * vocab_size"), skill="count",
                also=((("smoothed.sum(dim=1, keepdim=True)", "torch.tensor(len(ids) + alpha * vocab_size)"),),)),
        Mistake("bigram-both-ways", L(zh="每一对两个方向都记了一次", en="every pair is counted in both directions"),
                _COUNTS,
                ("        counts[here, following] += 1",
                "        counts[here, following] += 1\n        counts[following, here] += 1"),
                skill="axis", hint=1),
        Mistake("bigram-l2", L(zh="按平方和开方来归一化（L2），每行加起来不是 1",
                en="rows are scaled to unit length (L2), so that they do not sum to 1"), _DIVIDE,
                ("torch.where(totals > 0, smoothed / totals, 1 / vocab_size)",
                "torch.nn.functional.normalize(smoothed, dim=1)"), skill="formula"),
        Mistake("bigram-alpha-late", L(zh="alpha 加到了概率上，不是计数上",
                en="alpha is added to the probabilities, not to the counts"),
                L(zh="先给计数加 alpha，再归一化。", en="Add alpha to the counts first, then normalise."),
                ("torch.where(totals > 0, smoothed / totals, 1 / vocab_size)",
                 "(counts / counts.sum(dim=1, keepdim=True)).nan_to_num(1 / vocab_size) + alpha"), skill="formula",
                hint=3),
    ),
    alternatives=(bigram_bincount, bigram_lists, bigram_numpy, bigram_one_hot, bigram_index_put),
    think=L(zh="alpha 越大，模型越像什么分布？", en="What does the model turn into as alpha grows?"),
)


# --- lm.sequence_log_prob ------------------------------------------------------------------------------------------

def sequence_log_prob(logits, ids):
    """Log-probability of a text under an autoregressive model, given its first token.

    logits: float [T, V]; ids: long [T]; logits[t] predicts ids[t + 1]. Returns the scalar sum of log-probabilities; T = 1 gives 0.
    """
    log_probs = torch.log_softmax(logits[:-1], dim=-1)       # (T - 1, V)
    return log_probs.gather(1, ids[1:, None]).sum()


def sequence_log_prob_loop(logits, ids):
    total = 0.0
    for t in range(len(ids) - 1):
        total += float(logits[t, ids[t + 1]] - torch.logsumexp(logits[t], 0))
    return total


def sequence_log_prob_cross_entropy(logits, ids):
    return -torch.nn.functional.cross_entropy(logits[:-1], ids[1:], reduction="sum") if len(ids) > 1 else logits.new_zeros(())


def sequence_log_prob_softmax(logits, ids):
    probs = logits.double().softmax(-1)
    return probs[torch.arange(len(ids) - 1), ids[1:]].log().sum()


def sequence_log_prob_numpy(logits, ids):
    import numpy as np
    x = logits.numpy().astype("float64")[:-1]
    top = x.max(-1, keepdims=True, initial=-1e30)
    log_z = np.log(np.exp(x - top).sum(-1)) + top[:, 0]
    return (x[np.arange(len(x)), ids.numpy()[1:]] - log_z).sum()


def sequence_log_prob_one_hot(logits, ids):
    one_hot = torch.nn.functional.one_hot(ids[1:], logits.shape[1])
    return torch.einsum("tv,tv->", logits[:-1] - logits[:-1].logsumexp(-1, keepdim=True), one_hot.to(logits.dtype))


def sequence_log_prob_recursive(logits, ids):
    if len(ids) < 2:
        return logits.new_zeros(())
    return logits[0].log_softmax(0)[ids[1]] + sequence_log_prob_recursive(logits[1:], ids[1:])


def _sequence_cases(draw: Draw) -> list[Case]:
    stable = L(zh="数值稳定性", en="numerical stability")
    return [
        Case(L(zh="T=3，V=2", en="T=3, V=2"), (draw.grid(3, 2), torch.tensor([0, 1, 1]))),
        Case(L(zh="T=5，V=7", en="T=5, V=7"), (draw.normal(5, 7), draw.permutation(7)[:5])),
        Case(L(zh="T=V=6", en="T=V=6"), (draw.normal(6, 6, scale=2.0), draw.permutation(6))),
        Case(L(zh="长文 T=500", en="a long text, T=500"), (draw.normal(500, 60), draw.ints(60, 500)), L(zh="长文本", en="long texts")),
        Case(L(zh="logits 整体偏移", en="logits with an offset"), (draw.normal(8, 9) + 5 * draw.normal(8, 1), draw.ints(9, 8)),
                L(zh="归一化", en="the normalisation")),
        Case(L(zh="T=1", en="T=1"), (draw.normal(1, 4), draw.ints(4, 1)), L(zh="T=1", en="T=1")),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), (draw.normal(11, 6).T, draw.ints(11, 6))),
        Case(L(zh="logits 都在 1000 附近", en="logits all near 1000"), (1000 + draw.grid(6, 4, top=10), draw.ints(4, 6)), stable),
        Case(L(zh="logits 都在 -1000 附近", en="logits all near -1000"), (draw.grid(6, 4, top=10) - 1000, draw.ints(4, 6)), stable),
        Case(L(zh="有的行在 1000 附近，有的在 -1000 附近", en="some rows near 1000, others near -1000"),
             (draw.grid(6, 4, top=10) + 1000 * (-1.0) ** torch.arange(6)[:, None], draw.ints(4, 6)), stable),
    ]


_SHIFT = L(zh="logits[t] 预测的是哪个位置的词？看看两个切片。", en="Which position does logits[t] predict? Look at the two slices.")

SEQUENCE = Exercise(
    id="lm.sequence_log_prob", title=L(zh="一句话的对数概率", en="The log-probability of a text"), reference=sequence_log_prob, returns=Scalar,
    cases=_sequence_cases,
    hints=(
        L(zh="链式法则：一句话的概率是各步条件概率的乘积，取对数就变成了求和。",
                en="The chain rule: the probability of a text is a product of conditional ones; its logarithm is a sum."),
        L(zh="`logits[t]` 给的是第 t+1 个词的分数。最后一行 logits 预测的词不在文本里，第一个词没有被任何一行预测。",
          en="`logits[t]` scores token t+1. The last row predicts a token that is not in the text, and no row predicts the first."),
        L(zh="先沿词表做 `log_softmax`，再在每一行取出实际那个词：`gather` 或者用两个下标。",
                en="Take `log_softmax` over the vocabulary, then pick the actual token in every row: `gather`, or two indices."),
    ),
    mistakes=(
        Mistake("shift-none", L(zh="没有错位：用 logits[t] 去给 ids[t] 打分",
                en="nothing is shifted: logits[t] scores ids[t]"), _SHIFT,
                ("logits[:-1]", "logits"), ("ids[1:, None]", "ids[:, None]"), skill="shift"),
        Mistake("shift-drops-both", L(zh="错位没有发生，却丢掉了最后一个词",
                en="nothing is shifted, and the last token is dropped"), _SHIFT,
                ("ids[1:, None]", "ids[:-1, None]"), skill="shift"),
        Mistake("shift-wrong-way", L(zh="错位的方向反了：用 logits[t+1] 给 ids[t] 打分",
                en="the shift goes the wrong way: logits[t+1] scores ids[t]"),
                _SHIFT,
                ("logits[:-1]", "logits[1:]"), ("ids[1:, None]", "ids[:-1, None]"), skill="shift"),
        Mistake("shift-first-dropped", L(zh="丢掉了 logits 的第一行，没有丢最后一行",
                en="the first row of logits is dropped, not the last"), _SHIFT,
                ("logits[:-1]", "logits[1:]"), skill="shift"),
        Mistake("no-log-softmax", L(zh="直接把 logits 相加，没有归一化成对数概率",
                en="raw logits are added, without log-softmax"),
                L(zh="logits 是没有归一化的分数。", en="Logits are scores that do not sum to anything yet."),
                ("torch.log_softmax(logits[:-1], dim=-1)", "logits[:-1]"), skill="formula", hint=3),
        Mistake("no-log", L(zh="加的是概率，不是对数概率", en="probabilities are added, not their logarithms"),
                L(zh="乘积取了对数才变成和。", en="Only a logarithm turns a product into a sum."),
                ("log_softmax", "softmax"), skill="formula", hint=1),
        Mistake("softmax-axis", L(zh="softmax 沿时间轴而不是词表轴",
                en="softmax runs over time instead of the vocabulary"),
                L(zh="哪些数加起来应该是 1？", en="Which numbers should sum to 1?"), ("dim=-1", "dim=0"),
                skill="axis", hint=3),
        Mistake("ppl-mean", L(zh="取了平均而不是求和", en="the mean is taken, not the sum"),
                L(zh="最后一步是求和还是平均？", en="Is the last step a sum or a mean?"),
                (".sum()", ".mean()"), skill="count", hint=1,
                also=(((".sum()", ".sum() / max(len(ids) - 1, 1)"),),)),
        Mistake("ppl-sign", L(zh="返回了负对数概率（损失）", en="the negative log-probability is returned"),
                L(zh="对数概率不会大于 0。", en="A log-probability is never above 0."),
                ("return log_probs", "return -log_probs"), skill="formula", hint=1),
        Mistake("greedy-path", L(zh="每步取了最大的对数概率，而不是实际那个词的",
                en="each step takes the largest log-probability, not the actual token's"),
                L(zh="要的是文本里那个词的概率。", en="The question is about the token in the text."),
                ("log_probs.gather(1, ids[1:, None]).sum()", "log_probs.max(dim=-1).values.sum()"), skill="formula",
                hint=3),
        Mistake("prob-product-underflow", L(zh="先把概率连乘再取对数，长文本下溢",
                en="the probabilities are multiplied before the logarithm, which underflows on a long text"),
                L(zh="几百个小于 1 的数相乘会变成什么？",
                en="What becomes of a product of hundreds of numbers below 1?"),
                ("log_probs.gather(1, ids[1:, None]).sum()",
                        "log_probs.gather(1, ids[1:, None]).exp().prod().log()"), skill="stability", hint=1),
        Mistake("returns-probability", L(zh="又取了 exp，返回的是概率",
                en="exp is taken at the end: it is the probability"),
                L(zh="题目要对数概率。", en="The task asks for the log-probability."),
                ("log_probs.gather(1, ids[1:, None]).sum()", "log_probs.gather(1, ids[1:, None]).sum().exp()"),
                skill="formula", hint=1),
        Mistake("per-token", L(zh="返回了每一步的对数概率，没有求和",
                en="one log-probability a step is returned, not their sum"),
                L(zh="最后一步是求和。", en="The last step is a sum."),
                (".sum()", ""), skill="count", hint=1),
        Mistake("base-2", L(zh="用了以 2 为底的对数", en="logarithms to base 2 are used"),
                L(zh="本课的对数都以 e 为底。", en="Logarithms are natural throughout this course."),
                (".sum()", ".sum() / math.log(2)"), skill="formula", convention=True),
        Mistake("predicts-all-vocab", L(zh="把整个词表的对数概率都加上了",
                en="the log-probabilities of the whole vocabulary are added"),
                L(zh="每一步只要一个词的对数概率。", en="Each step needs the log-probability of one token."),
                ("log_probs.gather(1, ids[1:, None]).sum()", "log_probs.sum()"), skill="axis", hint=3),
        Mistake("seq-single-nan", L(zh="先平均再乘回步数，T=1 时成了 nan",
                en="a mean is multiplied by the number of steps, which is nan at T=1"),
                L(zh="没有数可以平均时，mean 是多少？直接求和就好。",
                en="What is the mean of no numbers? A sum needs no detour."),
                (".sum()", ".mean() * (len(ids) - 1)"), skill="edge", hint=1),
        Mistake("first-token-charged", L(zh="给第一个词也算了 log(1/V)",
                en="the first token is charged log(1/V) as well"),
                L(zh="题目以第一个词为条件：它的概率不算在内。",
                en="The first token is given: its probability stays out."),
                ("return log_probs", "return -math.log(logits.shape[1]) + log_probs"), skill="shift"),
        Mistake("shift-twice", L(zh="错位了两次：用 logits[t] 给 ids[t+2] 打分",
                en="it is shifted twice: logits[t] scores ids[t+2]"), _SHIFT,
                ("logits[:-1]", "logits[:-2]"), ("ids[1:, None]", "ids[2:, None]"), skill="shift"),
        Mistake("shift-skips-first", L(zh="漏掉了第一步预测", en="the first prediction is left out"), _SHIFT,
                ("logits[:-1]", "logits[1:-1]"), ("ids[1:, None]", "ids[2:, None]"), skill="shift",
                also=((("logits[:-1], dim=-1)", "logits[:-1], dim=-1)[1:]"), ("ids[1:, None]", "ids[2:, None]")),)),
        Mistake("shift-wraps", L(zh="最后一行 logits 去预测了第一个词",
                en="the last row of logits is made to predict the first token"), _SHIFT,
                ("logits[:-1]", "logits"), ("ids[1:, None]", "ids.roll(-1)[:, None]"), skill="shift"),
        Mistake("ppl-mean-T", L(zh="求和之后除以了 T", en="the sum is divided by T"),
                L(zh="最后一步是求和还是平均？", en="Is the last step a sum or a mean?"),
                (".sum()", ".sum() / len(ids)"), skill="count", hint=1),
        Mistake("overflow-exp", L(zh="手写的 exp 没有减去最大值，大 logits 溢出",
                en="a hand-written exp without subtracting the maximum overflows at large logits"),
                L(zh="先减去每行的最大值，或者用 logsumexp。",
                en="Subtract each row's maximum first, or use logsumexp."),
                ("torch.log_softmax(logits[:-1], dim=-1)",
                "(logits[:-1].exp() / logits[:-1].exp().sum(dim=-1, keepdim=True)).log()"),
                skill="stability", hint=3, also=((("torch.log_softmax(logits[:-1], dim=-1)",
                "logits[:-1] - logits[:-1].exp().sum(dim=-1, keepdim=True).log()"),),)),
        Mistake("softmax-twice", L(zh="softmax 做了两次", en="softmax is applied twice"),
                L(zh="log_softmax 要的是 logits，不是概率。", en="Log-softmax takes logits, not probabilities."),
                ("torch.log_softmax(logits[:-1], dim=-1)", "torch.log_softmax(logits[:-1].softmax(-1), dim=-1)"),
                skill="formula", hint=3),
        Mistake("log-of-sum", L(zh="取的是概率之和的对数，不是对数之和",
                en="the logarithm of the sum of probabilities is taken, not the sum of logarithms"),
                L(zh="概率要连乘，取了对数才变成相加。", en="Probabilities multiply; only their logarithms add up."),
                (".sum()", ".logsumexp(dim=(0, 1))"), skill="formula", hint=1),
        Mistake("last-step-only", L(zh="只算了最后一步", en="only the last step counts"),
                L(zh="每一步都要算。", en="Every step counts."), ("log_probs.gather(1, ids[1:, None]).sum()",
                "log_probs.gather(1, ids[1:, None])[-1:].sum()"), skill="count", hint=1),
        Mistake("softmax-global-max", L(zh="减的是全体的最大值，不是每行的：远低于它的行下溢",
                en="the maximum of all rows is subtracted, not each row's: rows far below it underflow"),
                L(zh="每一行减自己的最大值。", en="Each row should lose its own maximum."),
                ("torch.log_softmax(logits[:-1], dim=-1)",
                "(lambda z: z - z.exp().sum(dim=-1, keepdim=True).log())(logits[:-1] - logits.max())"),
                skill="stability", hint=3, also=((("torch.log_softmax(logits[:-1], dim=-1)",
                "(lambda e: (e / e.sum(dim=-1, keepdim=True)).log())((logits[:-1] - logits.max()).exp())"),),)),
        Mistake("shift-drops-last", L(zh="漏掉了最后一步预测", en="the last prediction is left out"), _SHIFT,
                ("logits[:-1]", "logits[:-2]"), ("ids[1:, None]", "ids[1:-1, None]"), skill="shift"),
        Mistake("returns-perplexity", L(zh="返回的是困惑度", en="a perplexity is returned"),
                L(zh="题目要对数概率的和，不用平均，也不用 exp。",
                en="The task asks for the sum of log-probabilities, without a mean or exp."),
                ("return log_probs.gather(1, ids[1:, None]).sum()",
                "return torch.exp(-log_probs.gather(1, ids[1:, None]).mean())"), skill="formula", hint=1),
    ),
    alternatives=(sequence_log_prob_loop, sequence_log_prob_cross_entropy, sequence_log_prob_softmax, sequence_log_prob_numpy,
            sequence_log_prob_one_hot, sequence_log_prob_recursive),
    think=L(zh="为什么第一个词的概率不在里面？", en="Why is the first token's probability not in it?"), gradients=(0,),
)


# --- lm.fill_mask --------------------------------------------------------------------------------------------------

def fill_mask(logits, ids, mask_id, k):
    """The k likeliest ids for every masked position.

    logits: float [T, V]; ids: long [T]. Returns long [M, k], one row for each of the M positions where ids == mask_id, in order,
    best first; M = 0 gives shape [0, k].
    """
    masked = ids == mask_id                      # (T,)
    return logits[masked].topk(k, dim=-1).indices


def fill_mask_loop(logits, ids, mask_id, k):
    rows = [sorted(range(logits.shape[1]), key=lambda v: -float(logits[t, v]))[:k] for t in range(len(ids)) if int(ids[t]) == mask_id]
    return torch.tensor(rows, dtype=torch.long).reshape(len(rows), k)


def fill_mask_argsort(logits, ids, mask_id, k):
    positions = (ids == mask_id).nonzero().squeeze(-1)
    return logits.softmax(-1)[positions].argsort(dim=-1, descending=True)[:, :k]


def fill_mask_numpy(logits, ids, mask_id, k):
    import numpy as np
    rows = logits.numpy()[ids.numpy() == mask_id]
    return np.argsort(-rows, axis=-1)[:, :k]


def fill_mask_where(logits, ids, mask_id, k):
    where = torch.where(ids == mask_id)[0]
    if len(where) == 0:
        return torch.empty(0, k, dtype=torch.int64)
    return torch.stack([torch.topk(logits[t], k)[1] for t in where])


def fill_mask_sort_all(logits, ids, mask_id, k):
    order = logits.log_softmax(-1).sort(dim=-1, descending=True).indices
    return order.masked_select((ids == mask_id).unsqueeze(1)).view(-1, order.shape[1])[:, :k].to(torch.int32)


def fill_mask_one_by_one(logits, ids, mask_id, k):
    left, columns = logits[ids == mask_id].clone(), []
    for _ in range(k):
        columns.append(left.argmax(-1))
        left[torch.arange(len(left)), columns[-1]] = -math.inf
    return torch.stack(columns, dim=-1)


def _distinct(draw: Draw, rows: int, columns: int) -> torch.Tensor:
    """Rows of scores without ties and with clear gaps, in random order."""
    return torch.stack([draw.permutation(columns).float() for _ in range(rows)]) * 0.5 - 3 + draw.normal(rows, 1)


def _fill_cases(draw: Draw) -> list[Case]:
    none = L(zh="没有掩码的句子", en="a text without a mask")
    return [
        Case(L(zh="一个掩码，k=2", en="one mask, k=2"), (_distinct(draw, 3, 4), torch.tensor([2, 3, 1]), 3, 2)),
        Case(L(zh="三个掩码，k=3", en="three masks, k=3"), (_distinct(draw, 7, 9), torch.tensor([4, 8, 1, 8, 8, 0, 2]), 8, 3),
                L(zh="多个掩码", en="several masks")),
        Case(L(zh="T=V，掩码在首尾", en="T=V, masks at both ends"), (_distinct(draw, 6, 6), torch.tensor([0, 5, 3, 1, 4, 0]), 0, 4)),
        Case(L(zh="k=1", en="k=1"), (_distinct(draw, 5, 8), torch.tensor([7, 2, 7, 3, 1]), 7, 1)),
        Case(L(zh="k=V", en="k=V"), (_distinct(draw, 4, 5), torch.tensor([1, 2, 2, 0]), 2, 5)),
        Case(L(zh="全是掩码", en="masks only"), (_distinct(draw, 3, 7), torch.tensor([6, 6, 6]), 6, 2), L(zh="多个掩码", en="several masks")),
        Case(L(zh="没有掩码", en="no mask"), (_distinct(draw, 4, 6), torch.tensor([1, 2, 3, 0]), 5, 3), none),
    ]


_ROWS = L(zh="取的是 logits 的哪几行？", en="Which rows of logits are taken?")

FILL = Exercise(
    id="lm.fill_mask", title=L(zh="完形填空", en="Fill in the mask"), reference=fill_mask, returns=Array("M k", "int"), cases=_fill_cases,
    hints=(
        L(zh="模型在每个位置都给出分数，只有被遮住的位置才要填。怎样选出 `ids == mask_id` 的那些行？",
                en="The model scores every position, but only the masked ones are to be filled. How do you select the rows where `ids == "
                   "mask_id`?"),
        L(zh="掩码可能有好几个，也可能没有。用布尔下标一次选出所有行，0 行时形状也对。",
                en="There may be several masks, or none. A boolean index selects all rows at once, and its shape is right for none, too."),
        L(zh="`topk` 同时给出分数和下标，从大到小；这里要的是下标。", en="`topk` gives scores and indices, largest first; the indices are wanted here."),
    ),
    mistakes=(
        Mistake("fill-first-only", L(zh="只填了第一个掩码", en="only the first mask is filled"), _ROWS,
                ("logits[masked].topk", "logits[masked][:1].topk"), skill="mask"),
        Mistake("fill-worst", L(zh="取了最不可能的 k 个", en="the k least likely are taken"),
                L(zh="排序方向？", en="Which direction does the sort have?"),
                ("dim=-1)", "dim=-1, largest=False)"), skill="rank", hint=3),
        Mistake("fill-ascending", L(zh="选对了 k 个词，但次序是从小到大", en="the right k ids come worst first"),
                L(zh="题目要最好的在前。", en="The task wants the best first."),
                (".indices", ".indices.flip(-1)"), skill="rank", hint=3),
        Mistake("fill-next-position", L(zh="取了掩码后面一个位置的 logits",
                en="the logits one position after the mask are taken"),
                L(zh="这是掩码模型：位置 t 的 logits 预测的就是位置 t。",
                en="This is a masked model: the logits at t predict position t itself."),
                ("logits[masked]", "logits.roll(-1, 0)[masked]"), skill="shift"),
        Mistake("fill-previous-position", L(zh="取了掩码前面一个位置的 logits（那是自回归的约定）",
                en="the logits one position before the mask are taken, as in an autoregressive model"),
                        L(zh="这是掩码模型：位置 t 的 logits 预测的就是位置 t。",
                en="This is a masked model: the logits at t predict position t itself."),
                ("logits[masked]", "logits.roll(1, 0)[masked]"), skill="shift"),
        Mistake("fill-unmasked", L(zh="填的是没有被遮住的位置", en="the positions that are not masked are filled"),
                _ROWS,
                ("ids == mask_id", "ids != mask_id"), skill="mask", hint=1),
        Mistake("fill-all-positions", L(zh="每个位置都填了", en="every position is filled"), _ROWS,
                ("logits[masked]", "logits"), skill="mask",
                hint=1),
        Mistake("fill-returns-scores", L(zh="返回了分数而不是词的编号", en="the scores are returned, not the ids"),
                L(zh="`topk` 的两个结果里要哪一个？", en="Which of the two results of `topk` is wanted?"),
                (".indices", ".values"), skill="axis", hint=3),
        Mistake("fill-excludes-mask", L(zh="候选里去掉了 mask_id 自己",
                en="mask_id itself is removed from the candidates"),
                L(zh="题目没有要求去掉任何候选。", en="The task does not exclude any candidate."),
                program=lambda logits, ids, mask_id, k: logits.index_fill(1, torch.tensor([mask_id]),
                -math.inf)[ids == mask_id].topk(k,
                        dim=-1).indices,
                skill="edge", hint=3,
                also=(lambda logits, ids, mask_id, k: _without_mask_id(logits, mask_id)[ids == mask_id].topk(k,
                dim=-1).indices,)),
        Mistake("fill-best-only", L(zh="只返回了最好的一个", en="only the single best id is returned"),
                L(zh="每个掩码要 k 个候选。", en="Each mask asks for k candidates."),
                ("topk(k, dim=-1)", "topk(1, dim=-1)"), skill="rank", hint=3),
        Mistake("fill-rows-reversed", L(zh="各个掩码的次序颠倒了", en="the masks come in reverse order"),
                L(zh="行的次序应和句子里掩码的次序相同。",
                en="The rows should come in the order of the masks in the text."),
                ("logits[masked]", "logits[masked].flip(0)"), skill="rank"),
        Mistake("fill-stack-empty", L(zh="没有掩码时出错：空列表不能 stack",
                en="it breaks when there is no mask: an empty list cannot be stacked"),
                L(zh="没有掩码时应返回形状 [0, k]。", en="Without a mask the shape should be [0, k]."),
                ("logits[masked].topk(k, dim=-1).indices",
                "torch.stack([row.topk(k).indices for row in logits[masked]])"), skill="edge"),
        Mistake("fill-empty-flat", L(zh="没有掩码时返回了没有第二轴的空张量",
                en="without a mask the empty result has no second axis"),
                L(zh="没有掩码时应返回形状 [0, k]。", en="Without a mask the shape should be [0, k]."),
                ("logits[masked].topk(k, dim=-1).indices",
                        "torch.tensor([row.topk(k).indices.tolist() for row in logits[masked]], dtype=torch.long)"),
                skill="edge"),
        Mistake("fill-sorted-by-id", L(zh="选对了 k 个词，却按编号排了序",
                en="the right k ids come sorted by id, not by score"),
                L(zh="题目要分数最高的在前。", en="The task wants the best score first."),
                (".indices", ".indices.sort(-1).values"), skill="rank", hint=3),
        Mistake("fill-single-flat", L(zh="只有一个掩码时，结果少了一个轴",
                en="with a single mask the result lacks an axis"),
                L(zh="`squeeze` 会去掉所有长度为 1 的轴；M=1 时形状也应是 [1, k]。",
                  en="`squeeze` drops axes of length 1; with M = 1 the shape should still be [1, k]."),
                (".indices", ".indices.squeeze(0)"), skill="edge", also=(((".indices", ".indices.squeeze()"),),)),
        Mistake("fill-first-flat", L(zh="只填了第一个掩码，返回了一维的 k 个词",
                en="only the first mask is filled, as a flat row of k ids"), _ROWS,
                ("logits[masked].topk", "logits[masked][0].topk"), skill="mask",
                also=((("logits[masked].topk", "logits[ids.tolist().index(mask_id)].topk"),),
                      (("logits[masked].topk", "logits[int(masked.int().argmax())].topk"),),
                      (("logits[masked].topk", "logits[int(masked.nonzero()[0])].topk"),))),
        Mistake("fill-flat", L(zh="各个掩码的候选接成了一长串",
                en="the candidates of all masks are strung together in one row"),
                L(zh="题目要 [M, k]：每个掩码一行。", en="The task asks for [M, k], one row a mask."),
                (".indices", ".indices.flatten()"), skill="axis"),
        Mistake("fill-transposed", L(zh="行列颠倒，形状成了 [k, M]",
                en="rows and columns are exchanged: the shape is [k, M]"),
                L(zh="题目要 [M, k]：每个掩码一行。", en="The task asks for [M, k], one row a mask."),
                (".indices", ".indices.T"), skill="axis"),
        Mistake("fill-axis", L(zh="topk 沿位置轴，而不是沿词表",
                en="topk runs over the positions, not over the vocabulary"),
                L(zh="对每个位置，是在哪些数里挑最大的？",
                en="For one position, among which numbers are the largest picked?"),
                ("dim=-1)", "dim=0)"), skill="axis", hint=3),
        Mistake("fill-returns-both", L(zh="分数和编号一起返回了", en="scores and ids are returned together"),
                L(zh="`topk` 的两个结果里要哪一个？", en="Which of the two results of `topk` is wanted?"),
                (".indices", ""), skill="axis", hint=3),
        Mistake("fill-no-k", L(zh="没有用 k，返回了全部候选", en="k is not used: all candidates are returned"),
                L(zh="每个掩码只要前 k 个。", en="Each mask asks for the first k."),
                ("topk(k, dim=-1)", "topk(logits.shape[1], dim=-1)"),
                skill="rank", hint=3),
        Mistake("fill-positions", L(zh="返回的是掩码所在的位置，不是候选词",
                en="the positions of the masks are returned, not the candidates"),
                L(zh="位置只用来取出 logits 的行。", en="The positions only select rows of logits."),
                ("logits[masked].topk(k, dim=-1).indices", "masked.nonzero().flatten()"), skill="axis", hint=1),
        Mistake("fill-last-only", L(zh="只填了最后一个掩码", en="only the last mask is filled"), _ROWS,
                ("logits[masked].topk", "logits[masked][-1:].topk"), skill="mask"),
        Mistake("fill-skips-best", L(zh="跳过了最好的那个候选", en="the best candidate is skipped"),
                L(zh="排名从下标 0 开始。", en="The ranking begins at index 0."),
                ("topk(k, dim=-1).indices", "topk(min(k + 1, logits.shape[1]), dim=-1).indices[:, 1:]"),
                skill="shift", hint=3),
    ),
    alternatives=(fill_mask_loop, fill_mask_argsort, fill_mask_numpy, fill_mask_where, fill_mask_sort_all,
            fill_mask_one_by_one),
    think=L(zh="两个掩码是分别填的。它们合在一起一定通顺吗？", en="Two masks are filled independently. Must they fit together?"),
)


def _without_mask_id(logits, mask_id):
    logits[:, mask_id] = -math.inf               # in place, as it happens
    return logits


# --- lm.greedy -----------------------------------------------------------------------------------------------------

def greedy(next_logits, prompt, max_new_tokens, eos_id):
    """Greedy decoding.

    next_logits: callable, list of ids -> logits [V] of the next one; prompt: list of ids. Returns the prompt and up to
    max_new_tokens new ids as a list; stops after appending a new eos_id, whatever the prompt holds.
    """
    ids = list(prompt)
    for _ in range(max_new_tokens):
        best = int(next_logits(ids).argmax())
        ids.append(best)
        if best == eos_id:
            break
    return ids


def greedy_while(next_logits, prompt, max_new_tokens, eos_id):
    new = []
    while len(new) < max_new_tokens and eos_id not in new:
        scores = next_logits(prompt + new).tolist()
        new.append(max(range(len(scores)), key=scores.__getitem__))
    return prompt + new


def greedy_recursive(next_logits, prompt, max_new_tokens, eos_id):
    if max_new_tokens == 0:
        return prompt[:]
    best = torch.argmax(torch.softmax(next_logits(prompt), -1)).item()
    return prompt + [best] if best == eos_id else greedy_recursive(next_logits, [*prompt, best], max_new_tokens - 1, eos_id)


def greedy_numpy(next_logits, prompt, max_new_tokens, eos_id):
    import numpy as np
    out = prompt.copy()
    while max_new_tokens > 0:
        out += [np.argmax(next_logits(out).numpy())]
        max_new_tokens -= 1
        if out[-1] == eos_id:
            max_new_tokens = 0
    return out


def greedy_tensor(next_logits, prompt, max_new_tokens, eos_id):
    ids = torch.tensor(prompt, dtype=torch.long)
    for _ in range(max_new_tokens):
        following = next_logits(ids.tolist()).topk(1).indices
        ids = torch.cat([ids, following])
        if following == eos_id:
            break
    return ids.tolist()


def greedy_generator(next_logits, prompt, max_new_tokens, eos_id):
    def new_ids(ids):
        while True:
            best = max(enumerate(next_logits(ids)), key=lambda pair: pair[1])[0]
            ids = [*ids, best]
            yield best
            if best == eos_id:
                return
    return [*prompt, *(best for _, best in zip(range(max_new_tokens), new_ids(list(prompt))))]


def _one_call(next_logits, prompt, max_new_tokens, eos_id):
    best = next_logits(prompt).argsort(descending=True)[:max_new_tokens].tolist()
    return prompt + (best[:best.index(eos_id) + 1] if eos_id in best else best)


class _Toy:
    """A deterministic toy model: its logits depend on the whole context. `script` forces the next ids in turn."""

    def __init__(self, vocab: int, seed: int, script: tuple[int, ...] = (), start: int = 0, low: bool = False):
        self.vocab, self.seed, self.script, self.start, self.low = vocab, seed, script, start, low
        self.__name__ = "model"

    def __call__(self, ids):
        if not isinstance(ids, (list, tuple)):
            raise TypeError(f"next_logits takes a list of ids, not {type(ids).__name__} / next_logits 的参数是 id 的列表")
        ids, value = [int(i) for i in ids], self.seed
        for i in ids:
            value = (value * 31 + i * 7919 + 17) % 1_000_003
        order = torch.randperm(self.vocab, generator=torch.Generator().manual_seed(value)).float()
        step = len(ids) - self.start
        if 0 <= step < len(self.script):
            order[self.script[step]] = self.vocab + 1.0
        return order * 0.7 - (20.0 if self.low else 1.0)


def _greedy_cases(draw: Draw) -> list[Case]:
    seed, stop = draw.int(0, 99_999), L(zh="遇到 eos 停止", en="stopping at eos")
    never = tuple(draw.ints(8, 12).tolist())
    return [
        Case(L(zh="3 步，没有 eos", en="3 steps, no eos"), (_Toy(5, seed, (2, 0, 3), 1), [1], 3, 4)),
        Case(L(zh="10 步，没有 eos", en="10 steps, no eos"), (_Toy(9, seed + 1, never, 4), [3, 1, 4, 1], 10, 8)),
        Case(L(zh="第 3 步是 eos", en="eos at step 3"), (_Toy(6, seed + 2, (1, 4, 5, 2, 3, 1), 2), [0, 2], 6, 5), stop),
        Case(L(zh="第一步就是 eos", en="eos at once"), (_Toy(6, seed + 3, (3, 1, 2, 0), 3), [1, 1, 2], 4, 3), stop),
        Case(L(zh="最后一步是 eos", en="eos at the last step"), (_Toy(7, seed + 4, (6, 5, 0), 1), [2], 3, 0), stop),
        Case(L(zh="提示以 eos 结尾", en="a prompt that ends in eos"), (_Toy(6, seed + 5, (1, 2, 0, 4), 3), [5, 0, 5], 4, 5),
                L(zh="提示里的 eos", en="eos inside the prompt")),
        Case(L(zh="提示的中间有 eos", en="eos in the middle of the prompt"), (_Toy(6, seed + 8, (3, 1, 4, 2), 3), [0, 5, 2], 4, 5),
                L(zh="提示里的 eos", en="eos inside the prompt")),
        Case(L(zh="max_new_tokens=0", en="max_new_tokens=0"), (_Toy(4, seed + 6), [2, 0], 0, 3),
                L(zh="max_new_tokens=0", en="max_new_tokens=0")),
        Case(L(zh="分数全为负", en="all scores negative"), (_Toy(8, seed + 7, (7, 3, 5, 1), 1, low=True), [6], 4, 0)),
    ]


_LOOP = L(zh="看看循环里每一步的次序：取最大、追加、判断停止。", en="Look at the order inside the loop: take the best, append it, decide to stop.")

GREEDY = Exercise(
    id="lm.greedy", title=L(zh="贪心生成", en="Greedy decoding"), reference=greedy, returns=IntList(), cases=_greedy_cases,
    hints=(
        L(zh="每一步：把目前所有的词交给 `next_logits`，取分数最大的编号，接到末尾。",
                en="At each step: give all ids so far to `next_logits`, take the index of the largest score, put it at the end."),
        L(zh="停止有两种：新词用完了 max_new_tokens，或刚接上的词是 eos。先接上，再判断。",
                en="There are two ways to stop: max_new_tokens is used up, or the id just appended is eos. Append first, then decide."),
        L(zh="在 prompt 的副本上追加：`ids = list(prompt)`，否则调用者的列表会变长。",
                en="Append to a copy of the prompt, `ids = list(prompt)`; otherwise the caller's list grows."),
    ),
    mistakes=(
        Mistake("greedy-no-eos", L(zh="遇到 eos 没有停", en="it does not stop at eos"), _LOOP,
                ("            break", "            pass"),
                skill="edge"),
        Mistake("greedy-drops-eos", L(zh="停在 eos 之前，没有把 eos 接上", en="it stops before appending eos"), _LOOP,
                ("        ids.append(best)\n        if best == eos_id:\n            break",
                        "        if best == eos_id:\n            break\n        ids.append(best)"), skill="edge"),
        Mistake("greedy-new-only", L(zh="只返回了新生成的词，没有 prompt",
                en="only the new ids are returned, without the prompt"),
                L(zh="返回值里要有 prompt。", en="The result begins with the prompt."),
                ("return ids", "return ids[len(prompt):]"), skill="edge", hint=1),
        Mistake("greedy-inplace", L(zh="在调用者的 prompt 上就地追加", en="it appends to the caller's prompt itself"),
                L(zh="`ids = prompt` 没有复制。", en="`ids = prompt` makes no copy."),
                ("ids = list(prompt)", "ids = prompt"), skill="alias", hint=3),
        Mistake("greedy-last-only", L(zh="只把最后一个词交给了模型", en="the model sees only the last id"),
                L(zh="交给 next_logits 的是什么？", en="What is given to next_logits?"),
                ("next_logits(ids)", "next_logits(ids[-1:])"), skill="shift", hint=1),
        Mistake("greedy-prompt-only", L(zh="每一步都只把 prompt 交给模型，没有带上新词",
                en="the model sees only the prompt at every step"),
                L(zh="交给 next_logits 的是什么？", en="What is given to next_logits?"),
                ("next_logits(ids)", "next_logits(list(prompt))"), skill="shift", hint=1),
        Mistake("greedy-total-length", L(zh="把 max_new_tokens 当成了总长度",
                en="max_new_tokens is taken as the total length"),
                L(zh="max_new_tokens 只数新词。", en="max_new_tokens counts new ids only."),
                ("range(max_new_tokens)", "range(max_new_tokens - len(prompt))"), skill="count"),
        Mistake("greedy-one-more", L(zh="多生成了一个词", en="one id too many is generated"), _LOOP,
                ("range(max_new_tokens)", "range(max_new_tokens + 1)"), skill="shift"),
        Mistake("greedy-one-less", L(zh="少生成了一个词", en="one id too few is generated"), _LOOP,
                ("range(max_new_tokens)", "range(max_new_tokens - 1)"), skill="shift"),
        Mistake("greedy-stops-at-0", L(zh="遇到 0 就停，没有用 eos_id", en="it stops at id 0, whatever eos_id"),
                _LOOP,
                ("if best == eos_id:", "if best == 0:"), skill="edge"),
        Mistake("greedy-one-call", L(zh="只调用了一次模型，取了前几名",
                en="the model is called once and its best few ids are taken"),
                L(zh="每接上一个词，都要再问一次模型。",
                en="Every appended id calls for a new question to the model."),
                program=lambda next_logits, prompt, max_new_tokens,
                eos_id: _one_call(next_logits, prompt, max_new_tokens, eos_id),
                        skill="rank", hint=1),
        Mistake("greedy-worst", L(zh="取了分数最小的词", en="the id with the smallest score is taken"),
                L(zh="argmax 还是 argmin？", en="argmax or argmin?"), ("argmax", "argmin"), skill="rank", hint=1),
        Mistake("greedy-eos-in-prompt", L(zh="prompt 里有 eos 就停了", en="an eos inside the prompt stops it"),
                L(zh="只有刚接上的词是 eos 才停。", en="Only an eos that was just appended ends the text."),
                ("if best == eos_id:", "if eos_id in ids:"), skill="edge",
                also=((("        best = int", "        if eos_id in ids:\n            break\n        best = int"),
                       ("        if best == eos_id:\n            break\n", "")),)),
        Mistake("greedy-samples", L(zh="按概率抽样而不是取最大", en="it samples instead of taking the best"),
                L(zh="贪心没有随机。", en="Greedy has no randomness in it."),
                ("int(next_logits(ids).argmax())", "int(torch.multinomial(next_logits(ids).softmax(-1), 1))"),
                skill="rank", hint=1),
        Mistake("greedy-at-least-one", L(zh="max_new_tokens=0 时也生成了一个词",
                en="one id is generated even at max_new_tokens=0"),
                L(zh="先判断还能不能生成，再生成。", en="Ask whether another id is allowed before making one."),
                ("range(max_new_tokens)", "range(max(max_new_tokens, 1))"), skill="edge"),
        Mistake("greedy-eos-ends-prompt", L(zh="prompt 的末尾是 eos 时，一个词也没有生成",
                en="a prompt that ends in eos gets no new ids"),
                L(zh="只有刚生成的词是 eos 才停；prompt 里的不算。",
                en="Only a newly generated eos ends the text; one in the prompt does not."),
                ("        best = int", "        if ids[-1] == eos_id:\n            break\n        best = int"),
                ("        if best == eos_id:\n            break\n", ""), skill="edge"),
        Mistake("greedy-tensor", L(zh="返回的是张量，不是列表", en="a tensor is returned, not a list"),
                L(zh="题目要的是列表。", en="The task asks for a list."), ("return ids", "return torch.tensor(ids)"),
                skill="formula", hint=1),
        Mistake("greedy-new-context", L(zh="交给模型的只有新生成的词，没有 prompt",
                en="the model sees only the new ids, without the prompt"),
                L(zh="交给 next_logits 的是什么？", en="What is given to next_logits?"),
                ("next_logits(ids)", "next_logits(ids[len(prompt):])"), skill="shift", hint=1),
        Mistake("greedy-tensor-input", L(zh="交给 next_logits 的是张量，不是列表",
                en="next_logits is given a tensor, not a list"),
                L(zh="next_logits 要的是 id 的列表。", en="next_logits takes a list of ids."),
                ("next_logits(ids)", "next_logits(torch.tensor(ids))"), skill="formula", hint=1,
                also=((("next_logits(ids)", "next_logits(torch.tensor([ids]))"),),)),
        Mistake("greedy-second-best", L(zh="取了分数第二的词", en="the id with the second largest score is taken"),
                L(zh="`topk` 和 `argsort` 的第 0 个才是最大的。",
                en="In `topk` and a descending `argsort` the largest stands at index 0."),
                ("int(next_logits(ids).argmax())", "int(next_logits(ids).topk(2).indices[1])"), skill="rank", hint=1),
        Mistake("greedy-value", L(zh="接上的是最大的分数，不是它的编号",
                en="the largest score is appended, not its index"),
                L(zh="`max` 给分数，`argmax` 给编号。", en="`max` gives the score, `argmax` the index."),
                ("int(next_logits(ids).argmax())", "int(next_logits(ids).max())"), skill="rank", hint=1,
                also=((("int(next_logits(ids).argmax())", "float(next_logits(ids).max())"),),)),
        Mistake("greedy-no-repeat", L(zh="已经出现过的词不再选", en="ids that occur already are never chosen again"),
                L(zh="贪心只看分数，不管词有没有出现过。",
                en="Greedy looks at the scores alone, whether or not an id occurred before."),
                ("next_logits(ids).argmax()",
                "next_logits(ids).index_fill(0, torch.tensor(ids), -math.inf).argmax()"), skill="edge"),
        Mistake("greedy-no-limit", L(zh="没有用 max_new_tokens，一直生成到 eos",
                en="max_new_tokens is not used: it goes on until eos"), _LOOP,
                ("range(max_new_tokens)", "range(1000)"), skill="edge"),
    ),
    alternatives=(greedy_while, greedy_recursive, greedy_numpy, greedy_tensor, greedy_generator,
            (("int(next_logits(ids).argmax())", "next_logits(ids).argmax()"),)),
    think=L(zh="每一步都最好，整句也最好吗？", en="Is the text best when every step is?"),
)

EXERCISES = (BIGRAM, SEQUENCE, FILL, GREEDY)
