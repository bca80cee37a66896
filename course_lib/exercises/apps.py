"""Exercises of chapter 14: retrieval and its yardsticks."""
from __future__ import annotations

import functools
import math
from difflib import SequenceMatcher

import torch

from ..i18n import L
from .contract import Array, Scalar, Tuple, Windows
from .spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISES"]


# --- apps.bm25 -----------------------------------------------------------------------------------------------------

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

BM25 = Exercise(
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
        Mistake("bm25-idf-negative", L(zh="idf 少了 1 +，常见词的 idf 变成负数",
                en="idf lacks its 1 +, so that common tokens get a negative one"),
                _IDF, ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "math.log((N - df + 0.5) / (df + 0.5))"),
                skill="formula"),
        Mistake("bm25-idf-plain", L(zh="idf 用了 ln(N/df)", en="idf is ln(N/df)"), _IDF,
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "(math.log(N / df) if df else 0.0)"), skill="formula"),
        Mistake("bm25-no-idf", L(zh="没有乘 idf", en="idf is missing"), _IDF, ("score += idf * tf", "score += tf"),
                skill="formula", hint=1),
        Mistake("bm25-paren", L(zh="括号错位：k1 只乘了 1 - b", en="a bracket slipped: k1 multiplies only 1 - b"),
                _NORM,
                ("k1 * (1 - b + b * len(doc) / avg_len)", "k1 * (1 - b) + b * len(doc) / avg_len"), skill="formula",
                hint=3),
        Mistake("bm25-df-tokens", L(zh="df 数了词出现的次数，不是文档数", en="df counts occurrences, not documents"),
                _IDF,
                ("sum(token in other for other in docs)", "sum(other.count(token) for other in docs)"),
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "math.log(max(1 + (N - df + 0.5) / (df + 0.5), 1e-9))"),
                skill="count",
                also=((("sum(token in other for other in docs)", "sum(other.count(token) for other in docs)"),
                       ("1 + (N - df + 0.5) / (df + 0.5)", "1 + max(0.0, N - df + 0.5) / (df + 0.5)")),
                      (("sum(token in other for other in docs)", "sum(other.count(token) for other in docs)"),))),
        Mistake("bm25-no-length", L(zh="没有按长度归一", en="there is no length normalisation"), _NORM,
                ("(1 - b + b * len(doc) / avg_len)", "1"),
                skill="formula", hint=3),
        Mistake("bm25-length-inverted", L(zh="长度比例反了：avg_len/len",
                en="the length ratio is upside down: avg_len/len"), _NORM,
                ("len(doc) / avg_len", "avg_len / max(len(doc), 1)"), skill="formula", hint=3),
        Mistake("bm25-k1-b", L(zh="k1 和 b 用反了", en="k1 and b are exchanged"), _NORM,
                ("score += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(doc) / avg_len))",
                "score += idf * tf * (b + 1) / (tf + b * (1 - k1 + k1 * len(doc) / avg_len))"), skill="formula",
                hint=3),
        Mistake("bm25-query-set", L(zh="查询里重复的词只算了一次", en="repeated query tokens are counted once"),
                L(zh="题目要重复的词重复计分。", en="The task counts repeats."), ("for token in query",
                "for token in set(query)"), skill="count", hint=1),
        Mistake("bm25-k1+1", L(zh="分子少了 (k1+1)，排序不变",
                en="the factor (k1 + 1) is dropped, which keeps the ranking"),
                L(zh="本题的分子是 tf·(k1+1)。", en="In this task the numerator is tf * (k1 + 1)."), (" * (k1 + 1)",
                ""), convention=True, skill="formula", hint=3),
        Mistake("bm25-avgdl", L(zh="平均长度按不重复的词算", en="the mean length counts distinct tokens"),
                L(zh="长度是词数，重复的也算。", en="A length is the number of tokens, repeats included."),
                ("sum(len(doc) for doc in docs)",
                "sum(len(set(doc)) for doc in docs)"), skill="count", hint=3),
        Mistake("bm25-binary-tf", L(zh="词频只记了有没有", en="term frequency is 0 or 1"),
                L(zh="tf 是出现的次数。", en="tf is the number of occurrences."),
                ("doc.count(token)", "int(token in doc)"), skill="count"),
        Mistake("bm25-defaults", L(zh="k1 写死成 1.2", en="k1 is fixed at 1.2"), _NORM,
                ("score = 0.0", "score, k1 = 0.0, 1.2"),
                skill="formula", hint=3),
        Mistake("bm25-log10", L(zh="idf 用了以 10 为底的对数", en="idf uses logarithms to base 10"),
                L(zh="本课的对数都以 e 为底。", en="Logarithms are natural throughout this course."), ("math.log(1 +",
                "math.log10(1 +"), convention=True, skill="formula"),
        Mistake("unseen-crash", L(zh="没见过的词报错", en="an unseen token breaks it"),
                L(zh="没见过的词 df=0，分数不变。", en="An unseen token has df=0 and adds nothing."),
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))",
                "math.log(1 + (N - df + 0.5) / (df + 0.5)) + 0 / df"), skill="edge"),
        Mistake("bm25-sorted", L(zh="返回的是按分数排好序的列表", en="the scores are returned sorted"),
                L(zh="分数要和文档的次序一致。", en="Scores come in the order of the documents."), ("return scores",
                "return sorted(scores, reverse=True)"), skill="rank", hint=1),
        Mistake("bm25-mean", L(zh="除以了查询的词数", en="the scores are divided by the number of query tokens"),
                L(zh="题目要求和。", en="The task asks for a sum."), ("scores.append(score)",
                "scores.append(score / max(len(query), 1))"), skill="count", hint=1),
        Mistake("bm25-tf-idf", L(zh="算的是 TF-IDF：tf·ln(N/df)，没有饱和，也没有长度归一",
                en="it is TF-IDF, tf * ln(N/df), without saturation and length normalisation"), _NORM,
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "(math.log(N / df) if df else 0.0)"),
                ("score += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(doc) / avg_len))", "score += idf * tf"),
                skill="formula", hint=3),
        Mistake("bm25-no-saturation", L(zh="词频没有饱和：分数就是 idf·tf",
                en="tf does not saturate: the score is idf * tf"), _NORM,
                ("score += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(doc) / avg_len))", "score += idf * tf"),
                skill="formula", hint=3),
        Mistake("bm25-substring", L(zh="按子串比较：别的词里含有它也算",
                en="tokens are compared as substrings, so that one which contains the query token counts as well"),
                L(zh="比较的应是整个词。", en="Whole tokens should be compared."),
                ("sum(token in other for other in docs)", "sum(token in \" \".join(other) for other in docs)"),
                skill="count",
                also=((("sum(token in other for other in docs)", "sum(token in \" \".join(other) for other in docs)"),
                       ("doc.count(token)", "\" \".join(doc).count(token)")),
                      (("doc.count(token)", "\" \".join(doc).count(token)"),),
                      (("sum(token in other for other in docs)",
                "sum(any(token in word for word in other) for other in docs)"),
                       ("doc.count(token)", "sum(token in word for word in doc)")))),
        Mistake("bm25-b-inverted", L(zh="b 和 1-b 用反了", en="b and 1 - b are exchanged"), _NORM,
                ("1 - b + b * len(doc) / avg_len", "b + (1 - b) * len(doc) / avg_len"), skill="formula", hint=3),
        Mistake("bm25-integer-average", L(zh="平均长度用了整除", en="the mean length is an integer division"),
                L(zh="`//` 会丢掉小数部分。", en="`//` drops the fraction."),
                ("for doc in docs) / N", "for doc in docs) // N"), skill="count", hint=3),
        Mistake("bm25-args-ignored", L(zh="k1、b 写死成了默认值，没有用参数",
                en="k1 and b are fixed at their defaults; the arguments are not used"), _NORM,
                ("score = 0.0", "score, k1, b = 0.0, 1.5, 0.75"), skill="formula", hint=3,
                also=((("score = 0.0", "score, k1 = 0.0, 1.5"),), (("score = 0.0", "score, b = 0.0, 0.75"),))),
        Mistake("bm25-distinct-length", L(zh="文档长度按不重复的词算",
                en="a document's length counts distinct tokens"),
                L(zh="长度是词数，重复的也算。", en="A length is the number of tokens, repeats included."),
                ("len(doc) / avg_len", "len(set(doc)) / avg_len"),
                skill="count", hint=3, also=((("len(doc) / avg_len", "len(set(doc)) / avg_len"),
                ("sum(len(doc) for doc in docs)", "sum(len(set(doc)) for doc in docs)")),)),
        Mistake("bm25-character-length", L(zh="文档长度数的是字符", en="a document's length counts characters"),
                L(zh="长度是词数。", en="A length is the number of tokens."),
                ("len(doc) / avg_len", "len(\"\".join(doc)) / avg_len"),
                ("sum(len(doc) for doc in docs)", "sum(len(\"\".join(doc)) for doc in docs)"), skill="count", hint=3,
                also=((("len(doc) / avg_len", "len(\" \".join(doc)) / avg_len"),
                ("sum(len(doc) for doc in docs)", "sum(len(\" \".join(doc)) for doc in docs)")),)),
        Mistake("bm25-idf-plus-one-outside", L(zh="1 + 放在了对数外面", en="the 1 + stands outside the logarithm"),
                _IDF,
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "1 + math.log((N - df + 0.5) / (df + 0.5))"),
                skill="formula"),
        Mistake("bm25-idf-smoothed", L(zh="idf 用了 TF-IDF 的公式，例如 ln((1+N)/(1+df)) + 1",
                en="idf is one of TF-IDF's, such as ln((1+N)/(1+df)) + 1"), _IDF,
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "(math.log((1 + N) / (1 + df)) + 1)"), skill="formula",
                also=((("math.log(1 + (N - df + 0.5) / (df + 0.5))", "(math.log(N / df) + 1 if df else 0.0)"),),
                      (("math.log(1 + (N - df + 0.5) / (df + 0.5))", "math.log((1 + N) / (1 + df))"),),
                      (("math.log(1 + (N - df + 0.5) / (df + 0.5))", "math.log(N / (1 + df))"),),
                      (("math.log(1 + (N - df + 0.5) / (df + 0.5))", "math.log(1 + N / (1 + df))"),))),
        Mistake("bm25-idf-inverted", L(zh="idf 的分数倒了", en="the fraction inside idf is upside down"), _IDF,
                ("(N - df + 0.5) / (df + 0.5)", "(df + 0.5) / (N - df + 0.5)"), skill="formula"),
        Mistake("bm25-idf-clipped", L(zh="idf 少了 1 +，负数截成了 0",
                en="idf lacks its 1 +, and negative values are cut off at 0"), _IDF,
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
        Mistake("bm25-numerator-paren", L(zh="括号错位：分子是 tf·k1 + 1",
                en="a bracket slipped: the numerator is tf * k1 + 1"), _NORM,
                ("idf * tf * (k1 + 1) /", "idf * (tf * k1 + 1) /"), skill="formula", hint=3,
                also=((("idf * tf * (k1 + 1) /", "idf * (tf * k1 + 1) * bool(tf) /"),),)),
        Mistake("bm25-k1-bracket", L(zh="括号错位：k1 没有乘到长度归一那一项",
                en="a bracket slipped: k1 does not multiply the length term"), _NORM,
                ("k1 * (1 - b + b * len(doc) / avg_len)", "k1 * 1 - b + b * len(doc) / avg_len"), skill="formula",
                hint=3,
                also=((("k1 * (1 - b + b * len(doc) / avg_len)", "k1 + (1 - b + b * len(doc) / avg_len)"),),)),
        Mistake("bm25-length-raw", L(zh="长度没有除以平均长度", en="the length is not divided by the mean length"),
                _NORM,
                ("len(doc) / avg_len", "len(doc)"), skill="formula", hint=3),
        Mistake("bm25-idf-abs", L(zh="idf 少了 1 +，又取了绝对值",
                en="idf lacks its 1 +, and its absolute value is taken"), _IDF,
                ("math.log(1 + (N - df + 0.5) / (df + 0.5))", "abs(math.log((N - df + 0.5) / (df + 0.5)))"),
                skill="formula"),
        Mistake("bm25-denominator-bracket", L(zh="括号错位：只除以了 tf，后面的项成了加上去的",
                en="a bracket slipped: only tf is divided by, and the rest of the denominator is added"), _NORM,
                ("/ (tf + k1 * (1 - b + b * len(doc) / avg_len))",
                "/ max(tf, 1) + bool(tf) * k1 * (1 - b + b * len(doc) / avg_len)"), skill="formula", hint=3,
                also=((("/ (tf + k1 * (1 - b + b * len(doc) / avg_len))",
                "/ tf + k1 * (1 - b + b * len(doc) / avg_len)"),),)),
        Mistake("bm25-total-length", L(zh="平均长度没有除以文档数",
                en="the mean length is not divided by the number of documents"), _NORM,
                ("for doc in docs) / N", "for doc in docs)"), skill="count", hint=3),
        Mistake("bm25-length-partial", L(zh="长度归一少了一项：1 - b + b·len/avg_len 是两项之和",
                en="the length term lacks a part: 1 - b + b * len / avg_len is a sum of two"), _NORM,
                ("1 - b + b * len(doc) / avg_len", "b * len(doc) / avg_len"), skill="formula", hint=3,
                also=((("1 - b + b * len(doc) / avg_len", "(1 - b) * len(doc) / avg_len"),),
                (("1 - b + b * len(doc) / avg_len", "1 - b"),),
                      (("1 - b + b * len(doc) / avg_len", "len(doc) / avg_len"),),
                (("1 - b + b * len(doc) / avg_len", "1 + b * len(doc) / avg_len"),))),
        Mistake("bm25-k1-missing", L(zh="分母里少了 k1", en="k1 is missing in the denominator"), _NORM,
                ("k1 * (1 - b + b * len(doc) / avg_len)", "(1 - b + b * len(doc) / avg_len)"), skill="formula",
                hint=3),
    ),
    alternatives=(bm25_counters, bm25_numpy, bm25_torch, bm25_index, bm25_repeats, bm25_matrix),
    think=L(zh="词频翻倍，分数会翻倍吗？", en="Does a score double when the term frequency does?"),
)


# --- apps.cosine_top_k ---------------------------------------------------------------------------------------------

def cosine_top_k(query, docs, k):
    """The k documents nearest to the query by cosine similarity.

    query: float [D]; docs: float [N, D]. Returns (scores [k], indices [k]), best first; similarity with a zero vector is 0; k > N gives N.
    """
    dots = docs @ query
    norms = docs.norm(dim=1) * query.norm()
    similarity = torch.where(norms > 0, dots / norms, 0.0)
    scores, indices = similarity.topk(min(k, len(docs)))
    return scores, indices


def cosine_normalize(query, docs, k):
    F = torch.nn.functional
    similarity = F.normalize(docs, dim=-1) @ F.normalize(query, dim=0)
    order = similarity.argsort(descending=True)[:k]
    return similarity[order], order


def cosine_library(query, docs, k):
    return torch.topk(torch.cosine_similarity(query[None], docs, dim=1), min(k, docs.shape[0]))


def cosine_numpy(query, docs, k):
    import numpy as np
    q, d = query.numpy().astype("float64"), docs.numpy().astype("float64")
    norms = np.linalg.norm(d, axis=1) * np.linalg.norm(q)
    similarity = np.divide(d @ q, norms, out=np.zeros(len(d)), where=norms > 0)
    order = np.argsort(-similarity)[:k]
    return similarity[order], order


def cosine_lists(query, docs, k):
    def similarity(a, b):
        size = math.sqrt(sum(x * x for x in a) * sum(x * x for x in b))
        return sum(x * y for x, y in zip(a, b)) / size if size else 0.0
    scores = [similarity(query.tolist(), doc) for doc in docs.tolist()]
    order = sorted(range(len(scores)), key=lambda i: scores[i], reverse=True)[:k]
    return torch.tensor([scores[i] for i in order]), torch.tensor(order)


def cosine_einsum(query, docs, k):
    size = (docs.square().sum(1).sqrt() * query.square().sum().sqrt()).clamp(min=1e-12)
    values, order = torch.sort(torch.einsum("nd,d->n", docs, query) / size, descending=True)
    return [values[:k], order[:k].to(torch.int32)]


def _cosine_cases(draw: Draw) -> list[Case]:
    def spread(n, d, sizes=True):            # documents with clearly different similarities, in random order
        query = draw.normal(d)
        query = query / query.norm()
        other = draw.normal(n, d)
        other = other - (other @ query)[:, None] * query
        other = other / other.norm(dim=1, keepdim=True)
        angle = torch.linspace(0.2, 2.9, n)[draw.permutation(n), None]
        length = torch.tensor(draw.floats(n, 0.3, 8.0))[:, None].float() if sizes else 1.0
        return query * draw.floats(1, 2.0, 5.0)[0], (angle.cos() * query + angle.sin() * other) * length

    query, docs = spread(6, 5)
    docs[draw.int(0, 6)] = 0.0
    across = torch.linalg.cross(query[:3], draw.normal(3))
    away = torch.stack([across - query[:3] * 2 * across.norm() / query[:3].norm(),
            across - query[:3] * 0.4 * across.norm() / query[:3].norm(), torch.zeros(3)])
    zero = L(zh="零向量", en="zero vectors")
    return [
        Case(L(zh="3 篇，2 维，k=2", en="3 documents in 2 dimensions, k=2"),
                (torch.tensor([2.0, 0.0]), torch.tensor([[0.0, 3.0], [5.0, 5.0], [0.5, 0.0]]), 2)),
        Case(L(zh="N=7，D=4，k=3，长度悬殊", en="N=7, D=4, k=3, very different lengths"), (*spread(7, 4), 3)),
        Case(L(zh="N=D=5，k=2", en="N=D=5, k=2"), (*spread(5, 5), 2)),
        Case(L(zh="k=1", en="k=1"), (*spread(6, 3), 1)),
        Case(L(zh="很短的向量", en="very short vectors"), tuple(v * 0.01 for v in spread(5, 4)) + (3,), L(zh="短向量", en="short vectors")),
        Case(L(zh="k=N", en="k=N"), (*spread(5, 8), 5)),
        Case(L(zh="k 大于 N", en="k larger than N"), (*spread(3, 6), 10), L(zh="k 大于 N 的情形", en="k larger than N")),
        Case(L(zh="有一个零向量文档", en="a document that is a zero vector"), (query, docs, 6), zero),
        Case(L(zh="零向量比反向的好", en="a zero vector beats opposite ones"), (query[:3], away[draw.permutation(3)], 2), zero),
        Case(L(zh="查询是零向量", en="the query is a zero vector"), (torch.zeros(3), draw.normal(1, 3), 1), zero),
        Case(L(zh="N=1", en="N=1"), (*spread(1, 4), 1)),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), (lambda q, d: (q, d.T.contiguous().T, 4))(*spread(9, 5))),
    ]


_COSINE = L(zh="余弦 = 点积 / (两个长度的乘积)。", en="Cosine = the dot product over the product of both lengths.")
_SORT = L(zh="最像的排在最前。", en="The most similar comes first.")

COSINE = Exercise(
    id="apps.cosine_top_k", title=L(zh="余弦相似度检索", en="Retrieval by cosine similarity"), reference=cosine_top_k,
    returns=Tuple((("scores", Array("k")), ("indices", Array("k", "int")))), cases=_cosine_cases,
    hints=(
        L(zh="先算每篇文档与查询的点积，再除以两者长度的乘积。", en="Take each document's dot product with the query, then divide by the product of both lengths."),
        L(zh="零向量的长度是 0：不要除，直接给 0。", en="A zero vector has length 0: give 0 there instead of dividing."),
        L(zh="`topk` 的 k 不能超过 N，先取 min(k, N)；它同时给出分数和下标，最大的在前。",
                en="`topk` takes no k above N, hence min(k, N); it gives scores and indices, largest first."),
    ),
    mistakes=(
        Mistake("cos-no-norm", L(zh="用了点积，没有除以长度", en="the dot product is not divided by the lengths"),
                _COSINE,
                ("norms = docs.norm(dim=1) * query.norm()", "norms = torch.ones(len(docs))"), skill="formula",
                hint=1),
        Mistake("cos-doc-only", L(zh="只除以了文档的长度", en="only the documents are normalised"), _COSINE,
                ("docs.norm(dim=1) * query.norm()", "docs.norm(dim=1)"), skill="formula", hint=1),
        Mistake("cos-query-only", L(zh="只除以了查询的长度", en="only the query is normalised"), _COSINE,
                ("docs.norm(dim=1) * query.norm()", "query.norm().expand(len(docs))"), skill="formula", hint=1),
        Mistake("cos-squared", L(zh="除以了长度的平方", en="it is divided by squared lengths"), _COSINE,
                ("docs.norm(dim=1) * query.norm()", "docs.norm(dim=1) ** 2 * query.norm() ** 2"), skill="formula",
                hint=1),
        Mistake("cos-distance", L(zh="返回的是距离 1 - 相似度", en="the distance 1 - similarity is returned"),
                L(zh="题目要相似度。", en="The task asks for similarities."), ("return scores", "return 1 - scores"),
                skill="formula", hint=1),
        Mistake("topk-ascending", L(zh="把最不像的排在了最前", en="the least similar come first"), _SORT,
                ("similarity.topk(min(k, len(docs)))", "similarity.topk(min(k, len(docs)), largest=False)"),
                skill="rank", hint=3),
        Mistake("cos-zero-nan", L(zh="零向量得到 nan", en="a zero vector gives nan"),
                L(zh="长度是 0 时不能除。", en="There is no dividing by a length of 0."),
                ("torch.where(norms > 0, dots / norms, 0.0)",
                "dots / norms"), skill="edge"),
        Mistake("cos-zero-as-one", L(zh="零向量的相似度给成了 1", en="a zero vector gets similarity 1"),
                L(zh="题目要 0。", en="The task asks for 0."),
                ("dots / norms, 0.0)", "dots / norms, 1.0)"), skill="edge"),
        Mistake("topk-too-large", L(zh="k 大于 N 时报错", en="k larger than N breaks it"),
                L(zh="k 最多取到 N。", en="k goes up to N."),
                ("min(k, len(docs))", "k"), skill="edge", hint=3),
        Mistake("topk-off-by-one", L(zh="少取了一个", en="one too few is returned"),
                L(zh="要 k 个。", en="k are wanted."),
                ("min(k, len(docs))", "min(k, len(docs)) - 1"), skill="shift", hint=3),
        Mistake("topk-all", L(zh="没有截到 k 个，返回了全部", en="all documents are returned, not the k best"),
                L(zh="只要前 k 个。", en="Only the first k are wanted."), ("min(k, len(docs))", "len(docs)"),
                skill="rank", hint=3),
        Mistake("cos-abs", L(zh="取了绝对值，反向的也算像",
                en="the absolute value is taken, so that opposite vectors count as similar"),
                L(zh="方向相反的相似度是负的。", en="Opposite directions have a negative similarity."),
                ("dots = docs @ query",
                "dots = (docs @ query).abs()"), skill="formula", hint=1),
        Mistake("cos-euclidean", L(zh="按欧氏距离排序", en="documents are ranked by Euclidean distance"), _COSINE,
                ("torch.where(norms > 0, dots / norms, 0.0)", "-(docs - query).norm(dim=1)"), skill="formula",
                hint=1),
        Mistake("cos-rescaled", L(zh="把相似度换算到了 0 到 1", en="similarities are rescaled to 0 to 1"),
                L(zh="余弦在 -1 到 1 之间，不用换算。", en="A cosine lies between -1 and 1 and stays there."),
                ("return scores, indices", "return (scores + 1) / 2, indices"), skill="formula", hint=1),
        Mistake("cos-clipped", L(zh="负的相似度被截成了 0", en="negative similarities are cut off at 0"),
                L(zh="方向相反的相似度是负的。", en="Opposite directions have a negative similarity."),
                ("return scores, indices", "return scores.clamp(min=0), indices"), skill="formula", hint=1),
        Mistake("topk-swapped", L(zh="分数和下标的次序反了", en="scores and indices are exchanged"),
                L(zh="先分数，再下标。", en="Scores first, then indices."), ("return scores, indices",
                "return indices, scores"), skill="formula", hint=3),
        Mistake("cos-norm-axis", L(zh="长度沿文档轴算了",
                en="lengths run over the documents instead of the features"),
                L(zh="每篇文档一个长度。", en="One length a document."), ("docs.norm(dim=1) * query.norm()",
                "docs.norm(dim=0) * query.norm()"), skill="axis", hint=1),
        Mistake("cos-unsorted", L(zh="前 k 个是对的，但按原来的次序排",
                en="the right k come in their original order"), _SORT,
                ("return scores, indices", "return similarity[indices.sort().values], indices.sort().values"),
                skill="rank", hint=3),
        Mistake("cos-inplace", L(zh="就地归一化，改动了调用者的 docs",
                en="the caller's docs are normalised in place"),
                L(zh="`docs /= …` 会改动传进来的张量；用 `docs = docs / …`。",
                en="`docs /= ...` changes the tensor that was passed in; use `docs = docs / ...`."),
                ("dots = docs @ query",
                "docs /= docs.norm(dim=1, keepdim=True).clamp(min=1e-12)\n    dots = docs @ query"), skill="alias",
                also=((("dots = docs @ query", "docs /= docs.norm(dim=1, keepdim=True).clamp(min=1e-12)\n"
                        "    query /= query.norm().clamp(min=1e-12)\n    dots = docs @ query"),),)),
        Mistake("cos-norm-clamped", L(zh="长度的乘积不足 1 时按 1 算，短向量的相似度变小了",
                en="a product of lengths below 1 counts as 1, which shrinks the similarity of short vectors"),
                L(zh="避免除零的下限要很小，例如 1e-12。",
                en="A bound against dividing by zero should be tiny, say 1e-12."),
                ("norms = docs.norm(dim=1) * query.norm()",
                "norms = (docs.norm(dim=1) * query.norm()).clamp(min=1.0)"), skill="edge",
                also=((("norms = docs.norm(dim=1) * query.norm()",
                "norms = docs.norm(dim=1).clamp(min=1.0) * query.norm().clamp(min=1.0)"),),)),
        Mistake("cos-normalize-axis", L(zh="归一化沿文档轴做了：F.normalize(docs, dim=0)",
                en="the documents are normalised along the wrong axis, F.normalize(docs, dim=0)"),
                L(zh="每篇文档是 docs 的一行，长度沿第 1 轴。",
                en="A document is a row of docs; its length runs along axis 1."),
                ("dots = docs @ query", "dots = torch.nn.functional.normalize(docs, dim=0) @ query"),
                ("docs.norm(dim=1) * query.norm()", "query.norm().expand(len(docs))"), skill="axis", hint=1),
        Mistake("cos-norm-whole", L(zh="除以了整个 docs 的范数，不是每篇各自的",
                en="it is divided by the norm of all of docs, not of each document"), _COSINE,
                ("docs.norm(dim=1)", "docs.norm()"), skill="axis", hint=1),
        Mistake("cos-zero-last", L(zh="零向量的相似度给成了 -1 或更小",
                en="a zero vector gets similarity -1 or less"), L(zh="题目要 0。", en="The task asks for 0."),
                ("dots / norms, 0.0)", "dots / norms, -1.0)"), skill="edge",
                also=((("dots / norms, 0.0)", "dots / norms, -math.inf)"),),)),
        Mistake("cos-l1", L(zh="长度用了绝对值之和（L1）", en="lengths are sums of absolute values, L1"), _COSINE,
                ("docs.norm(dim=1) * query.norm()", "docs.norm(p=1, dim=1) * query.norm(p=1)"), skill="formula",
                hint=1),
        Mistake("topk-one-value", L(zh="只返回了一个值", en="only one value is returned"),
                L(zh="题目要分数和下标两个值。", en="The task asks for two values, scores and indices."),
                ("return scores, indices", "return indices"), skill="formula", hint=3,
                also=((("return scores, indices", "return scores"),),)),
        Mistake("topk-reversed", L(zh="前 k 个是对的，但最像的排在了最后",
                en="the right k come with the most similar last"), _SORT,
                ("return scores, indices", "return scores.flip(0), indices.flip(0)"), skill="rank", hint=3),
        Mistake("cos-dot-scores", L(zh="排序用了余弦，返回的分数却是点积",
                en="the order is by cosine, but the scores returned are dot products"), _COSINE,
                ("return scores, indices", "return dots[indices], indices"), skill="formula", hint=1),
        Mistake("cos-ranked-by-dot", L(zh="按点积排序，返回的分数是余弦",
                en="the order is by dot product, the scores returned are cosines"), _SORT,
                ("scores, indices = similarity.topk(min(k, len(docs)))",
                 "indices = dots.topk(min(k, len(docs))).indices\n    scores = similarity[indices]"), skill="rank",
                hint=3),
        Mistake("topk-unsorted-all", L(zh="k 不小于 N 时原样返回，没有排序",
                en="everything is returned unsorted where k reaches N"), _SORT,
                ("scores, indices = similarity.topk(min(k, len(docs)))",
                 "scores, indices = similarity.topk(k) if k < len(docs) else (similarity, torch.arange(len(docs)))"),
                skill="rank", hint=3),
        Mistake("cos-sum-of-lengths", L(zh="点积除以了两个长度的和，不是乘积",
                en="the dot product is divided by the sum of both lengths, not by their product"), _COSINE,
                ("docs.norm(dim=1) * query.norm()", "docs.norm(dim=1) + query.norm()"), skill="formula", hint=1),
        Mistake("cos-softmax", L(zh="又对相似度做了 softmax", en="softmax is taken of the similarities"),
                L(zh="题目要余弦本身。", en="The task asks for the cosine itself."),
                ("similarity.topk(", "similarity.softmax(0).topk("), skill="formula", hint=1,
                also=((("return scores, indices", "return scores.softmax(0), indices"),),)),
        Mistake("cos-first-k", L(zh="取的是前 k 篇文档，没有排序", en="the first k documents are taken, unsorted"),
                _SORT,
                ("return scores, indices", "return similarity[:k], torch.arange(min(k, len(docs)))"), skill="rank",
                hint=3),
        Mistake("cos-eps-large", L(zh="长度的乘积加了一个不够小的数",
                en="the number added to the product of lengths is not small enough"),
                L(zh="避免除零的数要很小，例如 1e-12。",
                en="What is added against dividing by zero should be tiny, say 1e-12."),
                ("norms = docs.norm(dim=1) * query.norm()", "norms = docs.norm(dim=1) * query.norm() + 1.0"),
                skill="edge",
                also=((("norms = docs.norm(dim=1) * query.norm()", "norms = docs.norm(dim=1) * query.norm() + 1e-2"),
                ),
                      (("norms = docs.norm(dim=1) * query.norm()", "norms = docs.norm(dim=1) * query.norm() + 1e-3"),
                ))),
    ),
    alternatives=(cosine_normalize, cosine_library, cosine_numpy, cosine_lists, cosine_einsum),
    think=L(zh="向量都先归一化存好，检索时可以省掉什么？", en="If vectors are stored normalised, what is saved at search time?"),
)


# --- apps.chunk ----------------------------------------------------------------------------------------------------

def chunk(tokens, size, overlap):
    """Cut a long text into overlapping windows.

    tokens: list; windows of `size` start every size - overlap tokens; the last may be shorter; no window lies wholly inside the one
    before; [] for []; overlap >= size raises ValueError.
    """
    if overlap >= size:
        raise ValueError("overlap must be smaller than size")
    windows = []
    for start in range(0, len(tokens), size - overlap):
        windows.append(tokens[start:start + size])
        if start + size >= len(tokens):
            break
    return windows


def chunk_while(tokens, size, overlap):
    if size - overlap <= 0:
        raise ValueError("the windows would not move on")
    out, start = [], 0
    while start < len(tokens) and (not out or start + overlap < len(tokens)):
        out.append(list(tokens[start:start + size]))
        start += size - overlap
    return out


def chunk_count(tokens, size, overlap):
    step = size - overlap
    if step < 1:
        raise ValueError(f"{overlap} >= {size}")
    n = 0 if not tokens else 1 + max(0, math.ceil((len(tokens) - size) / step))
    return [tokens[i * step:i * step + size] for i in range(n)]


def chunk_recursive(tokens, size, overlap):
    if overlap >= size:
        raise ValueError
    if len(tokens) <= size:
        return [tokens] if tokens else []
    return [tokens[:size]] + chunk_recursive(tokens[size - overlap:], size, overlap)


def chunk_filter(tokens, size, overlap):
    if not overlap < size:
        raise ValueError((size, overlap))
    spans = [(s, min(s + size, len(tokens))) for s in range(0, len(tokens), size - overlap)]
    return [tuple(tokens[a:b]) for i, (a, b) in enumerate(spans) if i == 0 or b > spans[i - 1][1]]


def chunk_pop(tokens, size, overlap):
    if overlap >= size:
        raise ValueError("overlap")
    windows = [tokens[i:i + size] for i in range(0, len(tokens), size - overlap)]
    while len(windows) > 1 and len(windows[-1]) <= overlap:
        windows.pop()
    return windows


def _chunk_cases(draw: Draw) -> list[Case]:
    word = lambda n: [f"{w}{i}" for i, w in enumerate(draw.words(n))]
    inside, refuse = L(zh="最后一个窗口", en="the last window"), L(zh="overlap >= size 的检查", en="the check for overlap >= size")
    return [
        Case(L(zh="5 个词，size=2，overlap=0", en="5 tokens, size=2, overlap=0"), (word(5), 2, 0)),
        Case(L(zh="7 个词，size=3，overlap=1", en="7 tokens, size=3, overlap=1"), (word(7), 3, 1)),
        Case(L(zh="8 个词，size=4，overlap=2", en="8 tokens, size=4, overlap=2"), (word(8), 4, 2), inside),
        Case(L(zh="9 个词，size=4，overlap=3", en="9 tokens, size=4, overlap=3"), (word(9), 4, 3), inside),
        Case(L(zh="11 个词，size=5，overlap=2", en="11 tokens, size=5, overlap=2"), (word(11), 5, 2)),
        Case(L(zh="12 个词，size=5，overlap=3", en="12 tokens, size=5, overlap=3"), (word(12), 5, 3)),
        Case(L(zh="整数 id", en="integer ids"), (draw.permutation(13).tolist(), 6, 1)),
        Case(L(zh="比一个窗口短", en="shorter than one window"), (word(3), 10, 4), inside),
        Case(L(zh="正好一个窗口", en="exactly one window"), (word(4), 4, 2), inside),
        Case(L(zh="空列表", en="an empty list"), ([], 4, 1), L(zh="空列表", en="the empty list")),
        Case(L(zh="只有一个词", en="a single token"), (word(1), 3, 2), inside),
        Case(L(zh="size=1", en="size=1"), (word(3), 1, 0)),
        Case(L(zh="overlap=size", en="overlap=size"), (word(6), 3, 3), refuse),
        Case(L(zh="overlap 大于 size", en="overlap larger than size"), (word(6), 2, 4), refuse),
    ]


_STEP = L(zh="相邻两个窗口的起点相差 size - overlap。", en="Two windows begin size - overlap tokens apart.")
_LAST = L(zh="一个窗口到了末尾就不再开新的：新的会整个落在它里面。", en="Once a window reaches the end no other is opened: it would lie wholly inside.")
_CHECK = L(zh="overlap >= size 时窗口不会前进，题目要求 ValueError。",
        en="With overlap >= size the windows do not move on; the task asks for ValueError.")

CHUNK = Exercise(
    id="apps.chunk", title=L(zh="把长文切成重叠的块",
            en="Cutting a text into overlapping chunks"), reference=chunk, returns=Windows(), cases=_chunk_cases,
    hints=(
        L(zh="起点是 0、步长、2×步长……步长 = size - overlap。", en="Windows start at 0, step, 2 * step, and so on, where step = size - overlap."),
        L(zh="某个窗口已经到达末尾，就可以停了：后面的窗口会整个落在它里面。", en="Once a window reaches the end you can stop: later ones would lie wholly inside it."),
        L(zh="先检查 overlap >= size 并抛出 ValueError；空列表返回空列表。",
                en="Check overlap >= size first and raise ValueError; an empty list gives an empty list."),
    ),
    mistakes=(
        Mistake("chunk-inside", L(zh="多了一个整个落在前一窗口里的窗口",
                en="a last window lies wholly inside the one before"), _LAST,
                ("        if start + size >= len(tokens):\n            break\n", ""), skill="edge"),
        Mistake("chunk-no-overlap", L(zh="没有重叠：步长用了 size", en="there is no overlap: the step is size"),
                _STEP,
                ("len(tokens), size - overlap)", "len(tokens), size)"), skill="formula", hint=1),
        Mistake("chunk-step-overlap", L(zh="步长用了 overlap", en="the step is overlap"), _STEP,
                ("len(tokens), size - overlap)", "len(tokens), overlap or size)"), skill="formula", hint=1,
                also=((("len(tokens), size - overlap)", "len(tokens), max(1, overlap))"),),)),
        Mistake("chunk-drops-last", L(zh="丢掉了不满 size 的最后一块",
                en="what is left over for a last, shorter window is dropped"),
                L(zh="最后一个窗口可以短一些。", en="The last window may be shorter."), ("return windows",
                "return [w for w in windows if len(w) == size]"), skill="edge"),
        Mistake("chunk-padded-back", L(zh="最后一块往前挪，凑满了 size",
                en="the last window is moved back to be full"),
                L(zh="每个起点都是步长的倍数，最后一块可以短。",
                en="Every start is a multiple of the step, and the last window may be short."),
                ("tokens[start:start + size]", "tokens[max(0, min(start, len(tokens) - size)):][:size]"),
                skill="edge"),
        Mistake("chunk-no-check", L(zh="overlap >= size 时没有抛出 ValueError",
                en="overlap >= size raises no ValueError"), _CHECK,
                ("if overlap >= size:\n        raise ValueError(\"overlap must be smaller than size\")",
                "if overlap >= size:\n        return [tokens]"), skill="edge", hint=3,
                also=((("    if overlap >= size:\n        raise ValueError(\"overlap must be smaller than size\")\n",
                ""),
                       ("len(tokens), size - overlap)", "len(tokens), size - overlap or 1)")),
                      (("raise ValueError(\"overlap must be smaller than size\")", "return []"),),
                      (("    if overlap >= size:\n        raise ValueError(\"overlap must be smaller than size\")\n",
                ""),
                       ("len(tokens), size - overlap)", "len(tokens), max(1, size - overlap))")),
                      (("    if overlap >= size:\n        raise ValueError(\"overlap must be smaller than size\")\n",
                ""),))),
        Mistake("chunk-assert", L(zh="抛出的是 AssertionError，不是 ValueError",
                en="AssertionError is raised, not ValueError"), _CHECK,
                ("raise ValueError(\"overlap must be smaller than size\")", "raise AssertionError"), skill="edge",
                hint=3),
        Mistake("chunk-empty", L(zh="空列表得到了 [[]]", en="an empty list gives [[]]"),
                L(zh="空列表应得到 []。", en="An empty list should give []."),
                ("return windows", "return windows or [[]]"), skill="edge", hint=3),
        Mistake("chunk-one-short", L(zh="窗口短了一个词", en="each window is one token short"),
                L(zh="切片的右端不含在内。", en="A slice does not include its right end."),
                ("tokens[start:start + size]",
                "tokens[start:start + size - 1]"), skill="shift"),
        Mistake("chunk-one-long", L(zh="窗口长了一个词", en="each window is one token long"),
                L(zh="切片的右端不含在内。", en="A slice does not include its right end."),
                ("tokens[start:start + size]",
                "tokens[start:start + size + 1]"), skill="shift"),
        Mistake("chunk-padded", L(zh="最后一块被补满了", en="the last window is padded"),
                L(zh="最后一个窗口可以短一些。", en="The last window may be shorter."),
                ("windows.append(tokens[start:start + size])",
                "windows.append((tokens[start:start + size] + [None] * size)[:size])"),
                skill="edge", also=tuple((("windows.append(tokens[start:start + size])",
                             f"windows.append((tokens[start:start + size] + [{pad}] * size)[:size])"),
                ) for pad in ("0", "\"\"", "\"[PAD]\"", "\"<pad>\""))),
        Mistake("chunk-joined", L(zh="窗口里是拼成的字符串，不是词的列表",
                en="a window is a joined string, not a list of tokens"),
                L(zh="每个窗口是 tokens 的一段。", en="Each window is a stretch of tokens."),
                ("tokens[start:start + size]",
                "\" \".join(map(str, tokens[start:start + size]))"), skill="formula", hint=1),
        Mistake("chunk-check-equal", L(zh="overlap 等于 size 时没有抛出 ValueError",
                en="overlap equal to size raises no ValueError"), _CHECK,
                ("if overlap >= size:", "if overlap > size:"),
                ("len(tokens), size - overlap)", "len(tokens), max(1, size - overlap))"), skill="edge", hint=3,
                also=((("if overlap >= size:",
                "if overlap == size:\n        return [tokens]\n    if overlap > size:"),),
                      (("if overlap >= size:", "if overlap == size:\n        return []\n    if overlap > size:"),))),
        Mistake("chunk-tail-lost", L(zh="剩下一个词时没有再开窗口", en="a tail of one token gets no window"), _LAST,
                ("start + size >= len(tokens):", "start + size >= len(tokens) - 1:"), skill="shift"),
        Mistake("chunk-short-text-lost", L(zh="不比 overlap 长的文本什么窗口也没有得到",
                en="a text no longer than overlap gets no window at all"),
                L(zh="第一个窗口总要有；只有后面的窗口才可能整个落在前一个里面。",
                  en="There is always a first window; only later ones can lie wholly inside the one before."),
                ("return windows", "return [w for w in windows if len(w) > overlap]"), skill="edge"),
        Mistake("chunk-tail-overlap", L(zh="刚好等于 overlap 的尾巴又成了一个窗口",
                en="a tail exactly as long as the overlap becomes a window"), _LAST,
                ("if start + size >= len(tokens):", "if start + size > len(tokens):"), skill="edge"),
        Mistake("chunk-step-plus", L(zh="步长用了 size + overlap，窗口之间有空隙",
                en="the step is size + overlap, which leaves gaps"), _STEP,
                ("len(tokens), size - overlap)", "len(tokens), size + overlap)"), skill="formula", hint=1),
        Mistake("chunk-step-one", L(zh="步长是 1", en="the step is 1"), _STEP,
                ("len(tokens), size - overlap)", "len(tokens), 1)"), skill="formula", hint=1),
        Mistake("chunk-step-off", L(zh="步长差一", en="the step is off by one"), _STEP,
                ("len(tokens), size - overlap)", "len(tokens), size - overlap + 1)"),
                skill="shift", hint=1,
                also=((("len(tokens), size - overlap)", "len(tokens), max(1, size - overlap - 1))"),),)),
        Mistake("chunk-extended", L(zh="重叠加在了窗口上：每个窗口有 size + overlap 个词",
                en="the overlap is added to the windows: each has size + overlap tokens"), _STEP,
                ("len(tokens), size - overlap)", "len(tokens), size)"),
                ("tokens[start:start + size]", "tokens[start:start + size + overlap]"),
                skill="formula", hint=1, also=((("len(tokens), size - overlap)", "len(tokens), size)"),
                ("tokens[start:start + size]", "tokens[max(0, start - overlap):start + size]")),
                (("len(tokens), size - overlap)", "len(tokens), size)"),
                ("tokens[start:start + size]", "tokens[start:start + size + overlap]"),
                 ("        if start + size >= len(tokens):\n            break\n", "")),
                (("len(tokens), size - overlap)", "len(tokens), size)"),
                ("tokens[start:start + size]", "tokens[start:start + size + overlap]"),
                 ("if start + size >= len(tokens):", "if start + size + overlap >= len(tokens):")))),
        Mistake("chunk-full-only", L(zh="最后一个窗口没有了，即使它是满的",
                en="the last window is missing even where it is full"), _LAST,
                ("range(0, len(tokens),", "range(0, len(tokens) - size,"), skill="shift"),
        Mistake("chunk-from-end", L(zh="窗口的次序颠倒了", en="the windows come in reverse order"),
                L(zh="窗口从头到尾排列。", en="The windows run from the beginning to the end."),
                ("return windows", "return windows[::-1]"), skill="rank", hint=1),
        Mistake("chunk-flat", L(zh="窗口拼成了一个长列表", en="the windows are joined to one long list"),
                L(zh="题目要的是窗口的列表。", en="The task asks for a list of windows."),
                ("windows.append(tokens", "windows.extend(tokens"), skill="formula", hint=1),
        Mistake("chunk-starts", L(zh="返回的是起点，不是窗口", en="the starts are returned, not the windows"),
                L(zh="每个窗口是 tokens 的一段。", en="Each window is a stretch of tokens."),
                ("windows.append(tokens[start:start + size])", "windows.append(start)"),
                skill="formula", hint=1, also=((("windows.append(tokens[start:start + size])",
                "windows.append((start, min(start + size, len(tokens))))"),),)),
    ),
    alternatives=(chunk_while, chunk_count, chunk_recursive, chunk_filter, chunk_pop),
    think=L(zh="重叠是为了什么？重叠太大又有什么代价？", en="What is the overlap for, and what does a large one cost?"),
)


# --- apps.rouge_l --------------------------------------------------------------------------------------------------

def rouge_l(candidate, reference):
    """ROUGE-L (Lin 2004): F1 of the longest common subsequence.

    candidate, reference: lists of tokens. Returns a float; 0 if either is empty.
    """
    if not candidate or not reference:
        return 0.0
    row = [0] * (len(reference) + 1)             # row[j]: LCS of the candidate so far with reference[:j]
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

ROUGE = Exercise(
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


# --- apps.ndcg -----------------------------------------------------------------------------------------------------

def ndcg(relevances, k):
    """Normalised discounted cumulative gain at k.

    relevances: graded relevance of each result, in ranked order. Gain 2^rel - 1, discount log2(rank + 1) with rank from 1;
    the ideal order is that of all relevances. Returns a float; 0 where the ideal is 0.
    """
    def dcg(values):
        return sum((2 ** rel - 1) / math.log2(rank + 1) for rank, rel in enumerate(values[:k], start=1))

    ideal = dcg(sorted(relevances, reverse=True))
    return dcg(relevances) / ideal if ideal > 0 else 0.0


def ndcg_loop(relevances, k):
    ordered, got, best = sorted(relevances)[::-1], 0.0, 0.0
    for i in range(min(k, len(relevances))):
        got += (math.pow(2, relevances[i]) - 1) / (math.log(i + 2) / math.log(2))
        best += (math.pow(2, ordered[i]) - 1) / (math.log(i + 2) / math.log(2))
    return 0 if best == 0 else got / best


def ndcg_numpy(relevances, k):
    import numpy as np
    rel = np.asarray(relevances, dtype=float)
    discounts = 1 / np.log2(np.arange(2, rel.size + 2))[:k]
    gain = lambda r: ((2 ** r[:k] - 1) * discounts).sum()
    ideal = gain(np.sort(rel)[::-1])
    return gain(rel) / ideal if ideal else 0.0


def ndcg_torch(relevances, k):
    gains = torch.exp2(torch.tensor(relevances, dtype=torch.float64)) - 1
    weights = torch.log2(torch.arange(len(relevances), dtype=torch.float64) + 2).reciprocal()
    weights[k:] = 0
    ideal = gains.sort(descending=True).values @ weights
    return torch.where(ideal > 0, gains @ weights / ideal, 0.0)


def ndcg_shift(relevances, k):
    value = lambda order: sum(((1 << int(r)) - 1) / math.log2(i + 2) for i, r in enumerate(order) if i < k)
    best = value(sorted(relevances, key=lambda r: -r))
    return value(relevances) / best if best else 0.0


def ndcg_heap(relevances, k):
    from heapq import nlargest
    dcg = lambda rs: sum((2 ** r - 1) / math.log(j, 2) for j, r in enumerate(rs, 2))
    try:
        return dcg(relevances[:k]) / dcg(nlargest(k, relevances))
    except ZeroDivisionError:
        return 0.0


def _ndcg_cases(draw: Draw) -> list[Case]:
    def mixed(n, top=4):
        values = draw.ints(top, n).tolist()
        values[0], values[-1] = 0, top - 1           # never ideal, and the best is last
        return values

    outside, zero = L(zh="前 k 名之外的相关文档", en="relevant results beyond k"), L(zh="理想值为 0", en="an ideal of 0")
    return [
        Case(L(zh="3 个结果，k=3", en="3 results, k=3"), ([0, 2, 1], 3)),
        Case(L(zh="好结果排在 k 之后", en="the best result lies beyond k"), ([1, 0, 3, 2], 2), outside),
        Case(L(zh="8 个结果，k=5", en="8 results, k=5"), (mixed(8), 5), outside),
        Case(L(zh="6 个结果，k=6", en="6 results, k=6"), (mixed(6, 5), 6)),
        Case(L(zh="k 大于结果数", en="k larger than the number of results"), (mixed(4), 10)),
        Case(L(zh="k=1", en="k=1"), ([1, 2, 0], 1), outside),
        Case(L(zh="已是理想次序", en="the ideal order already"), ([3, 2, 1, 0], 4)),
        Case(L(zh="全不相关", en="nothing relevant"), ([0, 0, 0], 3), zero),
        Case(L(zh="前 k 名全不相关", en="nothing relevant within k"), ([0, 0, 1, 2], 2), outside),
        Case(L(zh="只有一个相关", en="a single relevant result"), ([0, 1, 0, 0], 4)),
        Case(L(zh="空列表", en="an empty list"), ([], 3), zero),
        Case(L(zh="一个结果", en="one result"), ([2], 5)),
        Case(L(zh="20 个结果，k=10", en="20 results, k=10"), (mixed(20, 6), 10), outside),
    ]


_GAIN = L(zh="增益是 2^rel - 1。", en="The gain is 2^rel - 1.")
_DISCOUNT = L(zh="第 1 名除以 log2(2) = 1，第 2 名除以 log2(3)。", en="Rank 1 divides by log2(2) = 1, rank 2 by log2(3).")
_IDEAL = L(zh="理想次序来自全部结果，从大到小，再取前 k 个。", en="The ideal order takes all results from large to small, then the first k.")

NDCG = Exercise(
    id="apps.ndcg", title=L(zh="nDCG：排序的好坏", en="nDCG: how good is a ranking"), reference=ndcg, returns=Scalar, cases=_ndcg_cases,
    hints=(
        L(zh="先写 DCG：前 k 个结果的增益，各自除以名次的折扣，再求和。", en="Write DCG first: the gains of the first k results, each over its discount, added up."),
        L(zh="增益 2^rel - 1；名次从 1 数起，折扣 log2(名次 + 1)。", en="The gain is 2^rel - 1; ranks count from 1, the discount is log2(rank + 1)."),
        L(zh="理想值：把全部相关度从大到小排好，再算一次 DCG。理想值为 0 时返回 0。",
                en="The ideal: sort all relevances from large to small and take DCG again. If it is 0, return 0."),
    ),
    mistakes=(
        Mistake("ndcg-linear-gain", L(zh="增益用了 rel，而不是 2^rel - 1", en="the gain is rel, not 2^rel - 1"),
                _GAIN, ("(2 ** rel - 1)", "rel"),
                convention=True, skill="formula"),
        Mistake("ndcg-no-minus-one", L(zh="增益用了 2^rel 或 2^(rel-1)，没有从 2^rel 里减 1",
                en="the gain is 2^rel or 2^(rel - 1): 1 is not taken from the power"), _GAIN,
                ("(2 ** rel - 1)", "2 ** rel"), skill="formula"),
        Mistake("ndcg-log-rank", L(zh="折扣用了 log2(名次)，没有加 1（第 1 名不打折）",
                en="the discount is log2(rank), with rank 1 undiscounted"),
                _DISCOUNT, ("math.log2(rank + 1)", "max(math.log2(rank), 1)"), skill="shift"),
        Mistake("ndcg-rank-plus-two", L(zh="折扣错了一位：log2(名次 + 2)",
                en="the discount is off by one: log2(rank + 2)"), _DISCOUNT,
                ("math.log2(rank + 1)", "math.log2(rank + 2)"), skill="shift"),
        Mistake("ndcg-ideal-top-k", L(zh="理想次序只在前 k 个里排", en="the ideal order sorts only the first k"),
                _IDEAL,
                ("sorted(relevances, reverse=True)", "sorted(relevances[:k], reverse=True)"), skill="rank", hint=3),
        Mistake("ndcg-ideal-ascending", L(zh="理想次序从小到大排了", en="the ideal order is ascending"), _IDEAL,
                (", reverse=True", ""), skill="rank",
                hint=3),
        Mistake("ndcg-ideal-all", L(zh="理想值没有截到前 k 个", en="the ideal is not cut at k"), _IDEAL,
                program=lambda relevances,
                k: _ratio(_dcg(relevances[:k]), _dcg(sorted(relevances, reverse=True))), skill="rank", hint=3),
        Mistake("ndcg-no-k", L(zh="没有用 k，算了全部结果", en="k is not used: all results count"),
                L(zh="只看前 k 名。", en="Only the first k ranks count."), ("values[:k]", "values"), skill="rank",
                hint=1),
        Mistake("ndcg-no-discount", L(zh="没有按名次打折", en="there is no discount by rank"), _DISCOUNT,
                (" / math.log2(rank + 1)", ""),
                skill="formula"),
        Mistake("ndcg-linear-discount", L(zh="折扣用了名次，而不是对数",
                en="the discount is the rank, not its logarithm"), _DISCOUNT,
                ("math.log2(rank + 1)", "rank"), skill="formula"),
        Mistake("ndcg-not-normalised", L(zh="返回了 DCG，没有除以理想值",
                en="DCG is returned, not divided by the ideal"),
                L(zh="n 是“归一化”的意思。", en="The n stands for normalised."), ("dcg(relevances) / ideal",
                "dcg(relevances)"), skill="formula", hint=3),
        Mistake("ndcg-zero-division", L(zh="全不相关时除以了 0", en="it divides by zero when nothing is relevant"),
                L(zh="理想值什么时候是 0？", en="When is the ideal 0?"), (" if ideal > 0 else 0.0", ""), skill="edge",
                hint=3),
        Mistake("ndcg-one-when-empty", L(zh="理想值为 0 时返回了 1", en="an ideal of 0 gives 1"),
                L(zh="题目要 0。", en="The task asks for 0."),
                ("else 0.0", "else 1.0"), skill="edge", hint=3),
        Mistake("ndcg-squared", L(zh="增益用了 rel 的平方，而不是 2 的 rel 次方",
                en="the gain is rel squared, not 2 to the power of rel"), _GAIN,
                ("(2 ** rel - 1)", "rel ** 2"), skill="formula"),
        Mistake("ndcg-binary", L(zh="把相关度当成了 0 或 1", en="relevance is taken as 0 or 1"), _GAIN,
                ("(2 ** rel - 1)", "(rel > 0)"),
                skill="formula"),
        Mistake("ndcg-inplace", L(zh="用 .sort() 就地改动了输入", en="`.sort()` changed the input"),
                L(zh="sorted() 给出新列表，.sort() 改动原来的。",
                en="sorted() makes a new list; .sort() changes the old one."),
                ("ideal = dcg(sorted(relevances, reverse=True))\n    return dcg(relevances) / ideal",
                        "mine = dcg(relevances)\n    relevances.sort(reverse=True)\n    ideal = dcg(relevances)\n    return mine / ideal"),
                                skill="alias", hint=3),
        Mistake("ndcg-sorted-in-place", L(zh="先把输入就地排了序，结果总是 1",
                en="the input is sorted in place first, so that the result is always 1"),
                L(zh="sorted() 给出新列表，.sort() 改动原来的。",
                en="sorted() makes a new list; .sort() changes the old one."),
                ("ideal = dcg(sorted(relevances, reverse=True))",
                        "relevances.sort(reverse=True)\n    ideal = dcg(relevances)"), skill="alias", hint=3),
        Mistake("ndcg-ideal-constant", L(zh="理想值里每个名次都用了最高的相关度",
                en="the ideal has the highest relevance at every rank"), _IDEAL,
                ("sorted(relevances, reverse=True)", "[max(relevances, default=0)] * len(relevances)"), skill="rank",
                hint=3,
                also=((("sorted(relevances, reverse=True)", "[max(relevances)] * len(relevances)"),),)),
        Mistake("ndcg-rank-from-0", L(zh="名次从 0 数起，第一个折扣是 log2(1) = 0",
                en="ranks count from 0, so that the first discount is log2(1) = 0"), _DISCOUNT,
                ("start=1", "start=0"), skill="shift"),
        Mistake("ndcg-k-off-by-one", L(zh="截断差了一位", en="the cut at k is off by one"),
                L(zh="前 k 个是 `[:k]`。", en="The first k are `[:k]`."), ("values[:k]", "values[:k + 1]"),
                skill="shift", hint=1,
                also=((("values[:k]", "values[:k - 1]"),),)),
        Mistake("ndcg-discount-multiplied", L(zh="乘了折扣而不是除", en="the discount is multiplied, not divided by"),
                _DISCOUNT,
                ("/ math.log2", "* math.log2"), skill="formula"),
        Mistake("ndcg-one-plus-log", L(zh="折扣用了 1 + log2(名次)", en="the discount is 1 + log2(rank)"), _DISCOUNT,
                ("math.log2(rank + 1)", "(1 + math.log2(rank))"), skill="formula"),
        Mistake("ndcg-sqrt-discount", L(zh="折扣用了名次的平方根", en="the discount is the root of the rank"),
                _DISCOUNT,
                ("math.log2(rank + 1)", "math.sqrt(rank)"), skill="formula"),
        Mistake("ndcg-gain-exp", L(zh="增益用了 e^rel - 1", en="the gain is e^rel - 1"), _GAIN,
                ("2 ** rel", "math.exp(rel)"), skill="formula"),
        Mistake("ndcg-over-k", L(zh="除以了 k，没有除以理想值", en="DCG is divided by k, not by the ideal"),
                L(zh="n 是“归一化”的意思：除以理想次序的 DCG。",
                en="The n stands for normalised: by the DCG of the ideal order."),
                ("dcg(relevances) / ideal", "dcg(relevances) / k"), skill="formula", hint=3),
        Mistake("ndcg-inverted", L(zh="分子分母颠倒：理想值除以了 DCG", en="the ideal is divided by DCG"),
                L(zh="谁除以谁？", en="Which is divided by which?"),
                ("dcg(relevances) / ideal if ideal > 0 else 0.0",
                "ideal / dcg(relevances) if dcg(relevances) > 0 else 0.0"), skill="formula", hint=3,
                also=((("dcg(relevances) / ideal if", "ideal / dcg(relevances) if"),),)),
        Mistake("ndcg-ideal-only", L(zh="返回了理想值", en="the ideal DCG is returned"),
                L(zh="还要用 DCG 除以它。", en="DCG is still to be divided by it."),
                ("dcg(relevances) / ideal if", "ideal if"), skill="formula", hint=3),
        Mistake("ndcg-precision", L(zh="算的是前 k 名里相关的比例",
                en="it is the share of relevant results among the first k"),
                L(zh="名次和相关程度都要算进去。", en="Rank and grade of relevance both count."),
                program=lambda relevances, k: sum(rel > 0 for rel in relevances[:k]) / k, skill="formula", hint=1,
                also=(lambda relevances, k: sum(rel > 0 for rel in relevances[:k]) / max(len(relevances[:k]), 1),)),
        Mistake("ndcg-exponential-discount", L(zh="折扣用了 2 的幂，不是对数",
                en="the discount is a power of 2, not a logarithm"), _DISCOUNT,
                ("math.log2(rank + 1)", "2 ** (rank - 1)"), skill="formula"),
    ),
    alternatives=(ndcg_loop, ndcg_numpy, ndcg_torch, ndcg_shift, ndcg_heap),
    think=L(zh="为什么第 1 名和第 2 名的差别，比第 9 名和第 10 名的大？", en="Why does rank 1 differ more from rank 2 than 9 from 10?"),
)


def _dcg(values):
    return sum((2 ** rel - 1) / math.log2(rank + 1) for rank, rel in enumerate(values, start=1))


def _ratio(a, b):
    return a / b if b > 0 else 0.0


EXERCISES = (BM25, COSINE, CHUNK, ROUGE, NDCG)
