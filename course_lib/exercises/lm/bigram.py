"""lm.bigram: A language model by counting."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


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

EXERCISE = Exercise(
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
