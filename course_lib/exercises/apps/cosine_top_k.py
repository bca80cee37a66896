"""apps.cosine_top_k: retrieval by cosine similarity."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


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

EXERCISE = Exercise(
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
