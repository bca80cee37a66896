"""finetune.prototypes: the mean of each class's examples, and how near each query is."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def prototype_scores(support, labels, queries, n_classes):
    """Cosine of each query with each class's prototype, the mean of the class's examples (Snell et al. 2017).

    support: float [M, D]; labels: long [M], every class 0 ... n_classes - 1 at least once; queries: float [N, D]. Returns [N, n_classes].
    """
    means = torch.stack([support[labels == k].mean(dim=0) for k in range(n_classes)])
    dots = queries @ means.T                                # (N, K)
    return dots / (queries.norm(dim=1)[:, None] * means.norm(dim=1))


def proto_library(support, labels, queries, n_classes):
    means = torch.stack([support[labels == k].mean(0) for k in range(n_classes)])
    return torch.cosine_similarity(queries[:, None], means, dim=-1)


def proto_sums(support, labels, queries, n_classes):            # a sum points where the mean points
    F = torch.nn.functional
    sums = F.one_hot(labels, n_classes).T.to(support.dtype) @ support
    return F.normalize(queries, dim=1) @ F.normalize(sums, dim=1).T


def proto_index_add(support, labels, queries, n_classes):
    sums = torch.zeros(n_classes, support.shape[1]).index_add(0, labels, support)
    means = sums / torch.bincount(labels, minlength=n_classes)[:, None]
    return torch.einsum("nd,kd->nk", queries, means) / torch.outer(queries.norm(dim=1), means.norm(dim=1))


def proto_numpy(support, labels, queries, n_classes):
    import numpy as np
    s, y, q = support.numpy().astype("float64"), labels.numpy(), queries.numpy().astype("float64")
    means = np.array([s[y == k].mean(0) for k in range(n_classes)])
    return q @ means.T / np.linalg.norm(q, axis=1)[:, None] / np.linalg.norm(means, axis=1)


def proto_lists(support, labels, queries, n_classes):
    def cosine(a, b):
        return sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    groups = [[row for row, label in zip(support.tolist(), labels.tolist()) if label == k] for k in range(n_classes)]
    means = [[sum(column) / len(group) for column in zip(*group)] for group in groups]
    return torch.tensor([[cosine(query, mean) for mean in means] for query in queries.tolist()])


def proto_columns(support, labels, queries, n_classes):
    columns = []
    for k in range(n_classes):
        mean = support[labels.eq(k).nonzero().flatten()].double().mean(0)
        columns.append(torch.nn.functional.cosine_similarity(queries.double(), mean.expand(len(queries), -1), dim=1))
    return torch.stack(columns, dim=1)


def proto_scatter(support, labels, queries, n_classes):
    means = torch.zeros(n_classes, support.size(1)).scatter_reduce(
        0, labels[:, None].expand_as(support), support, "mean", include_self=False)
    unit = means / means.square().sum(-1, keepdim=True).sqrt()
    return torch.nn.functional.linear(queries / queries.square().sum(-1, keepdim=True).sqrt(), unit)


def _cases(draw: Draw) -> list[Case]:
    def make(counts, n, d):
        labels = torch.cat([torch.full((count,), k) for k, count in enumerate(counts)])[draw.permutation(sum(counts))]
        lengths = torch.tensor(draw.floats(sum(counts), 0.3, 6.0))[:, None].float()
        return draw.normal(sum(counts), d) * lengths, labels, draw.normal(n, d) * 3, len(counts)

    single, turns = L(zh="每类一个例子", en="one example of each class"), L(zh="各类轮流出现的例子", en="examples whose classes take turns")
    support, _, queries, _ = make((3, 3, 3), 4, 6)
    blocks = L(zh="按类排好的例子", en="examples sorted by class")
    return [
        Case(L(zh="3 个例子，两类，2 维", en="3 examples of two classes in 2 dimensions"),
             (torch.tensor([[2.0, 0.0], [4.0, 0.0], [0.0, 3.0]]), torch.tensor([0, 0, 1]), torch.tensor([[3.0, 4.0]]), 2), blocks),
        Case(L(zh="M=9，N=4，D=5，K=3，类的大小不同", en="M=9, N=4, D=5, K=3, classes of different sizes"), make((2, 4, 3), 4, 5)),
        Case(L(zh="N=D=K=3", en="N=D=K=3"), make((3, 2, 5), 3, 3)),
        Case(L(zh="K=5，N=2", en="K=5, N=2"), make((1, 3, 2, 4, 3), 2, 7)),
        Case(L(zh="每类一个例子", en="one example of each class"), make((1, 1, 1, 1), 3, 6), single),
        Case(L(zh="各类轮流", en="classes take turns"), (support, torch.tensor([0, 1, 2] * 3), queries, 3), turns),
        Case(L(zh="按类排好", en="sorted by class"), (support, torch.tensor([0] * 3 + [1] * 3 + [2] * 3), queries, 3), blocks),
        Case(L(zh="只有一个查询", en="a single query"), make((4, 3), 1, 4)),
        Case(L(zh="很短的向量", en="very short vectors"), (lambda s, y, q, k: (s * 0.01, y, q * 0.01, k))(*make((3, 4, 2), 5, 4)),
             L(zh="短向量", en="short vectors")),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), (lambda s, y, q, k: (s.T.contiguous().T, y, q.T.contiguous().T, k))(
            *make((3, 3, 4), 5, 6))),
    ]


_COSINE = L(zh="余弦 = 点积 / (两个长度的乘积)。", en="Cosine = the dot product over the product of both lengths.")
_MEAN = L(zh="原型是这一类全部例子的平均。", en="A prototype is the mean of all examples of its class.")
_LABELS = L(zh="例子属于哪一类，由 labels 说了算，跟次序无关。", en="labels says which class an example belongs to, whatever its place.")
_AXIS = L(zh="题目要 [N, K]：一行一个查询，一列一个类。", en="The task asks for [N, K]: a row a query, a column a class.")
_SCORE = L(zh="题目要的是余弦本身。", en="The task asks for the cosine itself.")
_EXAMPLES = "support[labels == k].mean(dim=0)"
_LENGTHS = "(queries.norm(dim=1)[:, None] * means.norm(dim=1))"
_RETURN = f"return dots / {_LENGTHS}"

EXERCISE = Exercise(
    id="finetune.prototypes", title=L(zh="离哪个原型近", en="Near which prototype"), reference=prototype_scores,
    returns=Array("N K"), cases=_cases,
    hints=(
        L(zh="先求每一类的原型：`labels == k` 选出第 k 类的例子，沿例子那个轴平均，再把 K 个原型叠成 [K, D]。",
          en="First the prototypes: `labels == k` picks the examples of class k; average over the examples, and stack the K of them to [K, D]."),
        L(zh="点积一次就能算完：[N, D] 乘 [D, K]。然后除以两个长度的乘积，查询一行一个长度，原型一列一个长度。",
          en="One product gives all dot products: [N, D] times [D, K]. Then divide by both lengths: a row has its query's, a column its prototype's."),
        L(zh="长度是 `norm(dim=1)`，查询的要变成 [N, 1] 才对得上行。不要就地改 queries，也不要取 argmax。",
          en="Lengths are `norm(dim=1)`; those of the queries need the shape [N, 1] to lie along the rows. Leave queries as it is, and take no argmax."),
    ),
    mistakes=(
        Mistake("proto-dot", L(zh="用了点积，没有除以长度", en="the dot product is not divided by the lengths"), _COSINE,
                (f" / {_LENGTHS}", ""), skill="formula"),
        Mistake("proto-query-only", L(zh="只除以了查询的长度", en="only the queries' lengths are divided by"), _COSINE,
                (" * means.norm(dim=1)", ""), skill="formula"),
        Mistake("proto-means-only", L(zh="只除以了原型的长度", en="only the prototypes' lengths are divided by"), _COSINE,
                ("queries.norm(dim=1)[:, None] * ", ""), skill="formula"),
        Mistake("proto-squared", L(zh="除以了长度的平方", en="it is divided by squared lengths"), _COSINE,
                (_LENGTHS, f"{_LENGTHS} ** 2"), skill="formula"),
        Mistake("proto-l1", L(zh="长度用了绝对值之和（L1）", en="lengths are sums of absolute values, L1"), _COSINE,
                (_LENGTHS, "(queries.norm(p=1, dim=1)[:, None] * means.norm(p=1, dim=1))"), skill="formula"),
        Mistake("proto-sum-of-lengths", L(zh="除以了两个长度的和，不是乘积", en="it is divided by the sum of both lengths, not by their product"), _COSINE,
                ("[:, None] * means", "[:, None] + means"), skill="formula"),
        Mistake("proto-norm-whole", L(zh="除以了整个矩阵的范数，不是每个向量各自的", en="it is divided by the norm of whole matrices, not of each vector"),
                _COSINE, (_LENGTHS, "(queries.norm() * means.norm())"), skill="axis", hint=3),
        Mistake("proto-normalize-axis", L(zh="归一化沿错了轴：F.normalize(…, dim=0)", en="vectors are normalised along the wrong axis, F.normalize(..., dim=0)"),
                L(zh="一个向量是一行，长度沿第 1 轴。", en="A vector is a row; its length runs along axis 1."),
                (_RETURN, "F = torch.nn.functional\n    return F.normalize(queries, dim=0) @ F.normalize(means, dim=0).T"), skill="axis", hint=3),
        Mistake("proto-unit-examples", L(zh="先把每个例子缩到单位长度，再平均", en="every example is scaled to unit length before averaging"),
                L(zh="这里的原型是原来的向量的平均。", en="Here a prototype is the mean of the vectors as they are."),
                (_EXAMPLES, "torch.nn.functional.normalize(support[labels == k], dim=1).mean(dim=0)"), skill="formula", convention=True, hint=1),
        Mistake("proto-mean-cosine", L(zh="先算与每个例子的余弦，再平均", en="the cosines with a class's examples are averaged"),
                L(zh="先平均出原型，再算一次余弦。", en="Average first; then take one cosine with the prototype."),
                program=lambda support, labels, queries, n_classes: _over_examples(support, labels, queries, n_classes, torch.mean),
                skill="formula", hint=1),
        Mistake("proto-nearest-example", L(zh="取的是与最近的那个例子的余弦（最近邻）", en="the cosine with the class's nearest example is taken (nearest neighbour)"),
                _MEAN, program=lambda support, labels, queries, n_classes: _over_examples(support, labels, queries, n_classes, torch.amax),
                skill="formula", hint=1),
        Mistake("proto-first-example", L(zh="用了每一类的第一个例子，没有平均", en="each class's first example stands for it; nothing is averaged"), _MEAN,
                (_EXAMPLES, "support[labels == k][0]"), skill="formula", hint=1),
        Mistake("proto-last-example", L(zh="用了每一类的最后一个例子，没有平均", en="each class's last example stands for it; nothing is averaged"), _MEAN,
                (_EXAMPLES, "support[labels == k][-1]"), skill="formula", hint=1),
        Mistake("proto-max", L(zh="取了每个特征的最大，不是平均", en="the maximum of each feature is taken, not the mean"), _MEAN,
                (".mean(dim=0)", ".amax(dim=0)"), skill="formula", hint=1),
        Mistake("proto-median", L(zh="取了中位数，不是平均", en="the median is taken, not the mean"), _MEAN,
                (".mean(dim=0)", ".median(dim=0).values"), skill="formula", hint=1),
        Mistake("proto-all", L(zh="没有按类分开，每个原型都是全部例子的平均", en="classes are not kept apart: every prototype is the mean of all examples"),
                _LABELS, (_EXAMPLES, "support.mean(dim=0)"), skill="mask", hint=1),
        Mistake("proto-others", L(zh="平均的是不属于这一类的例子", en="the examples outside the class are averaged"), _LABELS,
                ("labels == k", "labels != k"), skill="mask", hint=1),
        Mistake("proto-in-turn", L(zh="以为各类轮流出现，没有看 labels", en="classes are taken to take turns; labels is not used"), _LABELS,
                (_EXAMPLES, "support[k::n_classes].mean(dim=0)"), skill="mask", hint=1),
        Mistake("proto-blocks", L(zh="以为例子按类排好、每类一样多，没有看 labels", en="examples are taken to be sorted, equally many a class; labels is not used"),
                _LABELS, (_EXAMPLES, "support.tensor_split(n_classes)[k].mean(dim=0)"), skill="mask", hint=1),
        Mistake("proto-from-one", L(zh="类从 1 数起", en="classes are counted from 1"), L(zh="类是 0 到 n_classes − 1。", en="Classes are 0 to n_classes - 1."),
                ("labels == k", "labels == k + 1"), skill="shift", hint=1),
        Mistake("proto-one-class-short", L(zh="少算了最后一类", en="the last class is left out"),
                L(zh="`range(n_classes)` 已经不含 n_classes。", en="`range(n_classes)` stops before n_classes already."),
                ("range(n_classes)", "range(n_classes - 1)"), skill="shift", hint=1),
        Mistake("proto-euclidean", L(zh="返回了欧氏距离", en="Euclidean distances are returned"), _COSINE,
                (_RETURN, "return torch.cdist(queries, means)"), skill="formula", hint=1,
                also=(((_RETURN, "return -torch.cdist(queries, means)"),),)),
        Mistake("proto-euclidean-squared", L(zh="用了欧氏距离的平方（原论文的约定）", en="squared Euclidean distances are used, the paper's convention"), _COSINE,
                (_RETURN, "return -torch.cdist(queries, means) ** 2"), skill="formula", convention=True, hint=1,
                also=(((_RETURN, "return torch.cdist(queries, means) ** 2"),),)),
        Mistake("proto-distance", L(zh="返回的是距离 1 − 余弦", en="the distance 1 - cosine is returned"), _SCORE,
                (_RETURN, f"return 1 - dots / {_LENGTHS}"), skill="formula", hint=3),
        Mistake("proto-angle", L(zh="返回的是夹角，不是它的余弦", en="the angle is returned, not its cosine"), _SCORE,
                (_RETURN, f"return torch.acos((dots / {_LENGTHS}).clamp(-1, 1))"), skill="formula", hint=3),
        Mistake("proto-abs", L(zh="取了绝对值，反向的也算像", en="the absolute value is taken, so that opposite vectors count as near"), _SCORE,
                (_RETURN, f"return dots.abs() / {_LENGTHS}"), skill="formula", hint=3),
        Mistake("proto-softmax", L(zh="又对余弦做了 softmax", en="softmax is taken of the cosines"), _SCORE,
                (_RETURN, f"return (dots / {_LENGTHS}).softmax(-1)"), skill="formula", hint=3,
                also=(((_RETURN, f"return (dots / {_LENGTHS}).log_softmax(-1)"),),)),
        Mistake("proto-argmax", L(zh="返回了最近的类，没有返回余弦", en="the nearest class is returned, not the cosines"), _AXIS,
                (_RETURN, f"return (dots / {_LENGTHS}).argmax(-1)"), skill="rank", hint=3),
        Mistake("proto-transposed", L(zh="行和列对调了：返回的是 [K, N]", en="rows and columns are exchanged: [K, N] is returned"), _AXIS,
                (_RETURN, f"return (dots / {_LENGTHS}).T"), skill="axis"),
        Mistake("proto-centred", L(zh="先减去了全部例子的平均", en="the mean of all examples is subtracted first"),
                L(zh="题目要的是原来的向量的余弦。", en="The task asks for the cosine of the vectors as they are."),
                ("    means =", "    queries, support = queries - support.mean(dim=0), support - support.mean(dim=0)\n    means ="),
                skill="formula", convention=True, hint=1),
        Mistake("proto-inplace", L(zh="就地归一化，改动了调用者的 queries", en="the caller's queries are normalised in place"),
                L(zh="`queries /= …` 会改动传进来的张量；用 `queries = queries / …`。",
                  en="`queries /= ...` changes the tensor that was passed in; use `queries = queries / ...`."),
                ("    dots =", "    queries /= queries.norm(dim=1, keepdim=True)\n    dots ="), skill="alias", hint=3),
    ),
    alternatives=(proto_library, proto_sums, proto_index_add, proto_numpy, proto_lists, proto_columns, proto_scatter),
    think=L(zh="用一类例子的和代替平均，结果会变吗？换成欧氏距离呢？",
            en="Would the sum of a class's examples do in place of their mean? And with Euclidean distance?"),
)


def _over_examples(support, labels, queries, n_classes, reduce):
    cosines = torch.cosine_similarity(queries[:, None], support, dim=-1)                    # (N, M)
    return torch.stack([reduce(cosines[:, labels == k], dim=1) for k in range(n_classes)], dim=1)
