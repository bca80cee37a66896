"""apps.bm25: retrieval with BM25."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def bm25(query, docs, k1=1.5, b=0.75):
    """BM25 score of every document (Robertson and Zaragoza 2009), with the idf that is never negative.

    query: list of tokens; docs: list of token lists. Returns a list of floats: the sum over query tokens, repeats counted, of
    idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len / avg_len)), where idf = ln(1 + (N - df + 0.5) / (df + 0.5)).
    """
    N = len(docs)
    avg_len = sum(len(doc) for doc in docs) / N
    scores = []
    for doc in docs:
        score = 0.0
        for token in query:
            df = sum(token in other for other in docs)
            idf = math.log(1 + (N - df + 0.5) / (df + 0.5))
            tf = doc.count(token)
            score += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(doc) / avg_len))
        scores.append(score)
    return scores


def bm25_counters(query, docs, k1=1.5, b=0.75):
    from collections import Counter
    counts, N = [Counter(d) for d in docs], len(docs)
    df = Counter(w for c in counts for w in c)
    mean = sum(map(len, docs)) / N
    idf = {w: math.log((N + 1) / (df[w] + 0.5)) for w in query}            # the same fraction, added up
    norms = [k1 * (1 - b + b * len(d) / mean) for d in docs]
    return [sum(idf[w] * c[w] * (k1 + 1) / (c[w] + n) for w in query if c[w]) for c, n in zip(counts, norms)]


def bm25_numpy(query, docs, k1=1.5, b=0.75):
    import numpy as np
    if not query:
        return [0.0] * len(docs)
    tf = np.array([[d.count(w) for w in query] for d in docs], dtype=float)
    df = (tf > 0).sum(0)
    idf = np.log1p((len(docs) - df + 0.5) / (df + 0.5))
    length = np.array([len(d) for d in docs], dtype=float)
    return (idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / length.mean())[:, None])).sum(1)


def bm25_torch(query, docs, k1=1.5, b=0.75):
    length = torch.tensor([len(d) for d in docs], dtype=torch.float64)
    total = torch.zeros(len(docs), dtype=torch.float64)
    for w in query:
        tf = torch.tensor([float(sum(t == w for t in d)) for d in docs], dtype=torch.float64)
        df = (tf > 0).sum()
        total += torch.log(1 + (len(docs) - df + 0.5) / (df + 0.5)) * tf * (k1 + 1) / (tf + k1 * ((1 - b) + b * length / length.mean()))
    return total.tolist()


def bm25_index(query, docs, k1=1.5, b=0.75):
    index = {}
    for i, doc in enumerate(docs):
        for w in doc:
            index.setdefault(w, {}).setdefault(i, 0)
            index[w][i] += 1
    mean, scores = sum(len(d) for d in docs) / len(docs), [0.0 for _ in docs]
    for w in query:
        postings = index.get(w, {})
        for i, tf in postings.items():
            idf = math.log(1 + (len(docs) - len(postings) + 0.5) / (len(postings) + 0.5))
            scores[i] += idf * (tf * (k1 + 1)) / (tf + k1 * (1 - b + b * len(docs[i]) / mean))
    return scores


def bm25_repeats(query, docs, k1=1.5, b=0.75):
    mean = sum(len(d) for d in docs) / len(docs)
    def one(word, doc):
        df = len([d for d in docs if word in d])
        tf = doc.count(word)
        return math.log(1 + (len(docs) - df + 0.5) / (df + 0.5)) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(doc) / mean))
    return tuple(sum(query.count(w) * one(w, d) for w in set(query)) for d in docs)


def bm25_matrix(query, docs, k1=1.5, b=0.75):
    words = sorted({w for d in docs for w in d} | set(query))
    place, N = {w: i for i, w in enumerate(words)}, len(docs)
    tf = torch.zeros(N, len(words), dtype=torch.float64)
    for i, doc in enumerate(docs):
        for w in doc:
            tf[i, place[w]] += 1
    df, length = (tf > 0).sum(0), tf.sum(1, keepdim=True)
    table = torch.log1p((N - df + 0.5) / (df + 0.5)) * tf * (k1 + 1) / (tf + k1 * torch.lerp(torch.ones(()).double(), length / length.mean(), b))
    return table[:, [place[w] for w in query]].sum(1).tolist()


def _bm25_cases(draw: Draw) -> list[Case]:
    def docs(*lengths, vocabulary="abcdefgh"):
        return [draw.words(n, vocabulary) for n in lengths]

    rare = [["w"] + draw.words(5, "abc"), draw.words(9, "abc"), ["w", "x"] + draw.words(2, "abc"), draw.words(14, "abc") + ["x"]]
    params, repeats, unseen = L(zh="k1 与 b", en="k1 and b"), L(zh="重复的查询词", en="repeated query tokens"), L(zh="没见过的词", en="unseen tokens")
    return [
        Case(L(zh="2 篇短文，1 个词", en="2 short documents, one token"), (["cat"], [["the", "cat"], ["a", "dog", "ran"]])),
        Case(L(zh="长短悬殊", en="very different lengths"), (["a", "c"], docs(2, 30, 7, 12) + [["a", "c"]])),
        Case(L(zh="词在半数以上的文档里", en="a token in more than half of the documents"),
                (["a"], [["a", "b"], ["a"], ["a", "a", "c", "d"], ["b", "c"]]), L(zh="常见词的 idf", en="the idf of common tokens")),
        Case(L(zh="词在每篇文档里", en="a token in every document"), (["a", "b"], [["a", "b"], ["a"], ["a", "a", "c"]]),
                L(zh="常见词的 idf", en="the idf of common tokens")),
        Case(L(zh="文档里重复的词", en="a token repeated in documents"), (["w", "x"], [d + ["w"] * i for i, d in enumerate(rare)])),
        Case(L(zh="查询里有重复", en="a repeated query token"), (["a", "b", "a", "a"], docs(4, 9, 6, vocabulary="abcd") + [["a", "e", "f", "e"]]),
                repeats),
        Case(L(zh="没见过的词", en="an unseen token"), (["z", "a"], [["a", "b", "b"], ["c"], ["b", "c", "d"]]), unseen),
        Case(L(zh="k1=0.9，b=0.4", en="k1=0.9, b=0.4"), (["a", "d"], docs(3, 11, 6, 5) + [["a", "d", "a"]], 0.9, 0.4), params),
        Case(L(zh="b=0", en="b=0"), (["a"], docs(3, 12) + [["a"] * 3 + ["b"], ["c"]], 2.0, 0.0), params),
        Case(L(zh="b=1", en="b=1"), (["b"], docs(4, 10) + [["b", "b"], ["c"]], 1.2, 1.0), params),
        Case(L(zh="有一篇空文档", en="an empty document"), (["a", "b"], [[], ["a", "b", "c"], ["b"]]), L(zh="空文档", en="empty documents")),
        Case(L(zh="空查询", en="an empty query"), ([], [["a", "b"], ["c"]]), L(zh="空查询", en="the empty query")),
        Case(L(zh="中文词", en="Chinese tokens"), (["酒店", "早餐"], [["酒店", "不错"], ["早餐", "很", "好", "早餐", "好"], ["房间", "小"]])),
        Case(L(zh="只有一篇文档", en="a single document"), (["a"], [["a", "b", "a"]])),
        Case(L(zh="查询词是别的词的一部分", en="a query token inside other tokens"),
                (["cat", "a"], [["cat", "a"], ["catalog", "a", "b"], ["concat", "d"], ["bobcat"]]), L(zh="词的比较", en="how tokens are compared")),
    ]


_IDF = L(zh="idf = ln(1 + (N - df + 0.5) / (df + 0.5))，df 是含有这个词的文档数。",
        en="idf = ln(1 + (N - df + 0.5) / (df + 0.5)), where df is the number of documents that contain the token.")
_NORM = L(zh="看看分母里的 1 - b + b·len/avg_len。", en="Look at 1 - b + b * len / avg_len in the denominator.")

EXERCISE = Exercise(
    id="apps.bm25", title=L(zh="BM25 检索", en="Retrieval with BM25"), reference=bm25, returns=Array("N", listed=True), cases=_bm25_cases,
    hints=(
        L(zh="每篇文档一个分数：对查询里的每个词（重复的也算），加上 idf × 词频的饱和项。",
                en="One score a document: for every query token, repeats included, add idf times a saturating term frequency."),
        L(zh="df 数的是含有这个词的文档，不是词出现的次数。tf 是这篇文档里的次数。",
                en="df counts documents that contain the token, not occurrences. tf counts occurrences in this document."),
        L(zh="长文档要打折：分母 tf + k1·(1 - b + b·len/avg_len)；分子 tf·(k1+1)。括号的位置很重要。",
                en="Long documents are discounted by tf + k1 * (1 - b + b * len / avg_len); the numerator is tf * (k1 + 1). Mind the "
                   "brackets."),
    ),
    mistakes=(
        Mistake("bm25-idf-negative",
                L(zh="idf 少了 1 +，常见词的 idf 变成负数", en="idf lacks its 1 +, so that common tokens get a negative one"),
                _IDF, ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "math.log((N - df + 0.5) / (df + 0.5))"), skill="formula"),
        Mistake("bm25-idf-plain", L(zh="idf 用了 ln(N/df)", en="idf is ln(N/df)"), _IDF,
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "(math.log(N / df) if df else 0.0)"), skill="formula"),
        Mistake("bm25-no-idf", L(zh="没有乘 idf", en="idf is missing"), _IDF, ("score += idf * tf", "score += tf"),
                skill="formula", hint=1),
        Mistake("bm25-paren", L(zh="括号错位：k1 只乘了 1 - b", en="a bracket slipped: k1 multiplies only 1 - b"), _NORM,
                ("k1 * (1 - b + b * len(doc) / avg_len)", "k1 * (1 - b) + b * len(doc) / avg_len"), skill="formula", hint=3),
        Mistake("bm25-df-tokens", L(zh="df 数了词出现的次数，不是文档数", en="df counts occurrences, not documents"), _IDF,
                ("sum(token in other for other in docs)", "sum(other.count(token) for other in docs)"),
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "math.log(max(1 + (N - df + 0.5) / (df + 0.5), 1e-9))"),
                skill="count",
                also=((("sum(token in other for other in docs)", "sum(other.count(token) for other in docs)"),
                ("1 + (N - df + 0.5) / (df + 0.5)", "1 + max(0.0, N - df + 0.5) / (df + 0.5)")),
                (("sum(token in other for other in docs)", "sum(other.count(token) for other in docs)"),))),
        Mistake("bm25-no-length", L(zh="没有按长度归一", en="there is no length normalisation"), _NORM,
                ("(1 - b + b * len(doc) / avg_len)", "1"), skill="formula", hint=3),
        Mistake("bm25-length-inverted", L(zh="长度比例反了：avg_len/len", en="the length ratio is upside down: avg_len/len"),
                _NORM, ("len(doc) / avg_len", "avg_len / max(len(doc), 1)"), skill="formula", hint=3),
        Mistake("bm25-k1-b", L(zh="k1 和 b 用反了", en="k1 and b are exchanged"), _NORM,
                ("score += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(doc) / avg_len))",
                "score += idf * tf * (b + 1) / (tf + b * (1 - k1 + k1 * len(doc) / avg_len))"),
                skill="formula", hint=3),
        Mistake("bm25-query-set", L(zh="查询里重复的词只算了一次", en="repeated query tokens are counted once"),
                L(zh="题目要重复的词重复计分。", en="The task counts repeats."),
                ("for token in query", "for token in set(query)"), skill="count", hint=1),
        Mistake("bm25-k1+1", L(zh="分子少了 (k1+1)，排序不变", en="the factor (k1 + 1) is dropped, which keeps the ranking"),
                L(zh="本题的分子是 tf·(k1+1)。", en="In this task the numerator is tf * (k1 + 1)."), (" * (k1 + 1)", ""),
                convention=True, skill="formula", hint=3),
        Mistake("bm25-avgdl", L(zh="平均长度按不重复的词算", en="the mean length counts distinct tokens"),
                L(zh="长度是词数，重复的也算。", en="A length is the number of tokens, repeats included."),
                ("sum(len(doc) for doc in docs)", "sum(len(set(doc)) for doc in docs)"), skill="count", hint=3),
        Mistake("bm25-binary-tf", L(zh="词频只记了有没有", en="term frequency is 0 or 1"),
                L(zh="tf 是出现的次数。", en="tf is the number of occurrences."), ("doc.count(token)", "int(token in doc)"),
                skill="count"),
        Mistake("bm25-defaults", L(zh="k1 写死成 1.2", en="k1 is fixed at 1.2"), _NORM, ("score = 0.0", "score, k1 = 0.0, 1.2"),
                skill="formula", hint=3),
        Mistake("bm25-log10", L(zh="idf 用了以 10 为底的对数", en="idf uses logarithms to base 10"),
                L(zh="本课的对数都以 e 为底。", en="Logarithms are natural throughout this course."),
                ("math.log(1 +", "math.log10(1 +"), convention=True, skill="formula"),
        Mistake("unseen-crash", L(zh="没见过的词报错", en="an unseen token breaks it"),
                L(zh="没见过的词 df=0，分数不变。", en="An unseen token has df=0 and adds nothing."),
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "math.log(1 + (N - df + 0.5) / (df + 0.5)) + 0 / df"),
                skill="edge"),
        Mistake("bm25-sorted", L(zh="返回的是按分数排好序的列表", en="the scores are returned sorted"),
                L(zh="分数要和文档的次序一致。", en="Scores come in the order of the documents."),
                ("return scores", "return sorted(scores, reverse=True)"), skill="rank", hint=1),
        Mistake("bm25-mean", L(zh="除以了查询的词数", en="the scores are divided by the number of query tokens"),
                L(zh="题目要求和。", en="The task asks for a sum."),
                ("scores.append(score)", "scores.append(score / max(len(query), 1))"), skill="count", hint=1),
        Mistake("bm25-tf-idf",
                L(zh="算的是 TF-IDF：tf·ln(N/df)，没有饱和，也没有长度归一",
                en="it is TF-IDF, tf * ln(N/df), without saturation and length normalisation"),
                _NORM, ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "(math.log(N / df) if df else 0.0)"),
                ("score += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(doc) / avg_len))", "score += idf * tf"),
                skill="formula", hint=3),
        Mistake("bm25-no-saturation", L(zh="词频没有饱和：分数就是 idf·tf", en="tf does not saturate: the score is idf * tf"),
                _NORM, ("score += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(doc) / avg_len))", "score += idf * tf"),
                skill="formula", hint=3),
        Mistake("bm25-substring",
                L(zh="按子串比较：别的词里含有它也算",
                en="tokens are compared as substrings, so that one which contains the query token counts as well"),
                L(zh="比较的应是整个词。", en="Whole tokens should be compared."),
                ("sum(token in other for other in docs)", "sum(token in \" \".join(other) for other in docs)"), skill="count",
                also=((("sum(token in other for other in docs)", "sum(token in \" \".join(other) for other in docs)"),
                ("doc.count(token)", "\" \".join(doc).count(token)")), (("doc.count(token)", "\" \".join(doc).count(token)"),),
                (("sum(token in other for other in docs)", "sum(any(token in word for word in other) for other in docs)"),
                ("doc.count(token)", "sum(token in word for word in doc)")))),
        Mistake("bm25-b-inverted", L(zh="b 和 1-b 用反了", en="b and 1 - b are exchanged"), _NORM,
                ("1 - b + b * len(doc) / avg_len", "b + (1 - b) * len(doc) / avg_len"), skill="formula", hint=3),
        Mistake("bm25-integer-average", L(zh="平均长度用了整除", en="the mean length is an integer division"),
                L(zh="`//` 会丢掉小数部分。", en="`//` drops the fraction."), ("for doc in docs) / N", "for doc in docs) // N"),
                skill="count", hint=3),
        Mistake("bm25-args-ignored",
                L(zh="k1、b 写死成了默认值，没有用参数", en="k1 and b are fixed at their defaults; the arguments are not used"),
                _NORM, ("score = 0.0", "score, k1, b = 0.0, 1.5, 0.75"), skill="formula", hint=3,
                also=((("score = 0.0", "score, k1 = 0.0, 1.5"),), (("score = 0.0", "score, b = 0.0, 0.75"),))),
        Mistake("bm25-distinct-length", L(zh="文档长度按不重复的词算", en="a document's length counts distinct tokens"),
                L(zh="长度是词数，重复的也算。", en="A length is the number of tokens, repeats included."),
                ("len(doc) / avg_len", "len(set(doc)) / avg_len"), skill="count", hint=3,
                also=((("len(doc) / avg_len", "len(set(doc)) / avg_len"), ("sum(len(doc) for doc in docs)",
                "sum(len(set(doc)) for doc in docs)")),)),
        Mistake("bm25-character-length", L(zh="文档长度数的是字符", en="a document's length counts characters"),
                L(zh="长度是词数。", en="A length is the number of tokens."),
                ("len(doc) / avg_len", "len(\"\".join(doc)) / avg_len"),
                ("sum(len(doc) for doc in docs)", "sum(len(\"\".join(doc)) for doc in docs)"), skill="count", hint=3,
                also=((("len(doc) / avg_len", "len(\" \".join(doc)) / avg_len"), ("sum(len(doc) for doc in docs)",
                "sum(len(\" \".join(doc)) for doc in docs)")),)),
        Mistake("bm25-idf-plus-one-outside", L(zh="1 + 放在了对数外面", en="the 1 + stands outside the logarithm"), _IDF,
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "1 + math.log((N - df + 0.5) / (df + 0.5))"), skill="formula"),
        Mistake("bm25-idf-smoothed",
                L(zh="idf 用了 TF-IDF 的公式，例如 ln((1+N)/(1+df)) + 1",
                en="idf is one of TF-IDF's, such as ln((1+N)/(1+df)) + 1"),
                _IDF, ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "(math.log((1 + N) / (1 + df)) + 1)"), skill="formula",
                also=((("math.log(1 + (N - df + 0.5) / (df + 0.5))", "(math.log(N / df) + 1 if df else 0.0)"),),
                (("math.log(1 + (N - df + 0.5) / (df + 0.5))", "math.log((1 + N) / (1 + df))"),),
                (("math.log(1 + (N - df + 0.5) / (df + 0.5))", "math.log(N / (1 + df))"),),
                (("math.log(1 + (N - df + 0.5) / (df + 0.5))", "math.log(1 + N / (1 + df))"),))),
        Mistake("bm25-idf-inverted", L(zh="idf 的分数倒了", en="the fraction inside idf is upside down"), _IDF,
                ("(N - df + 0.5) / (df + 0.5)", "(df + 0.5) / (N - df + 0.5)"), skill="formula"),
        Mistake("bm25-idf-clipped",
                L(zh="idf 少了 1 +，负数截成了 0", en="idf lacks its 1 +, and negative values are cut off at 0"), _IDF,
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "max(0.0, math.log((N - df + 0.5) / (df + 0.5)))"),
                skill="formula"),
        Mistake("bm25-idf-no-log", L(zh="idf 没有取对数", en="idf lacks its logarithm"), _IDF,
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "(1 + (N - df + 0.5) / (df + 0.5))"), skill="formula"),
        Mistake("bm25-tf-relative", L(zh="tf 除以了文档长度", en="tf is divided by the document's length"),
                L(zh="tf 是出现的次数；长度归一在分母里。", en="tf is a count; the length comes in the denominator."),
                ("doc.count(token)", "doc.count(token) / max(len(doc), 1)"), skill="count"),
        Mistake("bm25-tf-log", L(zh="tf 取了对数", en="the logarithm of tf is taken"),
                L(zh="tf 是出现的次数；饱和由分母完成。", en="tf is a count; the denominator makes it saturate."),
                ("doc.count(token)", "math.log(1 + doc.count(token))"), skill="formula"),
        Mistake("bm25-numerator-paren", L(zh="括号错位：分子是 tf·k1 + 1", en="a bracket slipped: the numerator is tf * k1 + 1"),
                _NORM, ("idf * tf * (k1 + 1) /", "idf * (tf * k1 + 1) /"), skill="formula", hint=3,
                also=((("idf * tf * (k1 + 1) /", "idf * (tf * k1 + 1) * bool(tf) /"),),)),
        Mistake("bm25-k1-bracket",
                L(zh="括号错位：k1 没有乘到长度归一那一项", en="a bracket slipped: k1 does not multiply the length term"), _NORM,
                ("k1 * (1 - b + b * len(doc) / avg_len)", "k1 * 1 - b + b * len(doc) / avg_len"), skill="formula", hint=3,
                also=((("k1 * (1 - b + b * len(doc) / avg_len)", "k1 + (1 - b + b * len(doc) / avg_len)"),),)),
        Mistake("bm25-length-raw", L(zh="长度没有除以平均长度", en="the length is not divided by the mean length"), _NORM,
                ("len(doc) / avg_len", "len(doc)"), skill="formula", hint=3),
        Mistake("bm25-idf-abs", L(zh="idf 少了 1 +，又取了绝对值", en="idf lacks its 1 +, and its absolute value is taken"), _IDF,
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "abs(math.log((N - df + 0.5) / (df + 0.5)))"), skill="formula"),
        Mistake("bm25-denominator-bracket",
                L(zh="括号错位：只除以了 tf，后面的项成了加上去的",
                en="a bracket slipped: only tf is divided by, and the rest of the denominator is added"),
                _NORM,
                ("/ (tf + k1 * (1 - b + b * len(doc) / avg_len))",
                "/ max(tf, 1) + bool(tf) * k1 * (1 - b + b * len(doc) / avg_len)"),
                skill="formula", hint=3,
                also=((("/ (tf + k1 * (1 - b + b * len(doc) / avg_len))", "/ tf + k1 * (1 - b + b * len(doc) / avg_len)"),),)),
        Mistake("bm25-total-length",
                L(zh="平均长度没有除以文档数", en="the mean length is not divided by the number of documents"), _NORM,
                ("for doc in docs) / N", "for doc in docs)"), skill="count", hint=3),
        Mistake("bm25-length-partial",
                L(zh="长度归一少了一项：1 - b + b·len/avg_len 是两项之和",
                en="the length term lacks a part: 1 - b + b * len / avg_len is a sum of two"),
                _NORM, ("1 - b + b * len(doc) / avg_len", "b * len(doc) / avg_len"), skill="formula", hint=3,
                also=((("1 - b + b * len(doc) / avg_len", "(1 - b) * len(doc) / avg_len"),), (("1 - b + b * len(doc) / avg_len",
                "1 - b"),), (("1 - b + b * len(doc) / avg_len", "len(doc) / avg_len"),), (("1 - b + b * len(doc) / avg_len",
                "1 + b * len(doc) / avg_len"),))),
        Mistake("bm25-k1-missing", L(zh="分母里少了 k1", en="k1 is missing in the denominator"), _NORM,
                ("k1 * (1 - b + b * len(doc) / avg_len)", "(1 - b + b * len(doc) / avg_len)"), skill="formula", hint=3),
    ),
    alternatives=(bm25_counters, bm25_numpy, bm25_torch, bm25_index, bm25_repeats, bm25_matrix),
    think=L(zh="词频翻倍，分数会翻倍吗？", en="Does a score double when the term frequency does?"),
)
