"""evaluate.confusion: who is taken for whom."""
from __future__ import annotations

from collections import Counter

import torch

from ...i18n import L
from ..engine.contract import Array, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def confusion(y_true, y_pred, n_classes):
    """The confusion matrix, and precision and recall of each class.

    y_true, y_pred: lists of ints. Returns (matrix long [K, K], precision float32 [K], recall float32 [K]); row = truth, column = prediction; 0 where a
    denominator is 0. Empty lists give zeros; unequal lengths or a label outside 0 to K-1 raises ValueError.

    Steps: check; count the pairs; divide the diagonal by the column sums (precision) and by the row sums (recall).
    """
    if len(y_true) != len(y_pred) or not {*y_true, *y_pred} <= set(range(n_classes)):
        raise ValueError("two lists of one length, labels 0 to K-1")
    matrix = torch.zeros(n_classes, n_classes, dtype=torch.long)
    for t, p in zip(y_true, y_pred):
        matrix[t, p] += 1
    hits = matrix.diagonal()
    precision = hits / matrix.sum(0).clamp(min=1)   # 0 / 1 where never predicted
    recall = hits / matrix.sum(1).clamp(min=1)
    return matrix, precision, recall


def _checked(y_true, y_pred, n_classes):
    if len(y_true) != len(y_pred):
        raise ValueError("lengths")
    for label in y_true + y_pred:
        if label < 0 or label >= n_classes:
            raise ValueError(label)


def confusion_bincount(y_true, y_pred, n_classes):
    """One number a pair: t K + p."""
    _checked(y_true, y_pred, n_classes)
    pairs = torch.tensor(y_true, dtype=torch.long) * n_classes + torch.tensor(y_pred, dtype=torch.long)
    table = torch.bincount(pairs, minlength=n_classes ** 2).reshape(n_classes, n_classes)
    hits = table.diagonal()
    return table, torch.nan_to_num(hits / table.sum(dim=0)), torch.nan_to_num(hits / table.sum(dim=1))


def confusion_one_hot(y_true, y_pred, n_classes):
    _checked(y_true, y_pred, n_classes)
    eye = torch.eye(n_classes, dtype=torch.long)
    true, pred = eye[torch.tensor(y_true, dtype=torch.long)], eye[torch.tensor(y_pred, dtype=torch.long)]
    both = true.T @ pred
    hits, predicted, actual = (true * pred).sum(0), pred.sum(0), true.sum(0)
    return both, torch.where(predicted > 0, hits / predicted, 0.0), torch.where(actual > 0, hits / actual, 0.0)


def confusion_counter(y_true, y_pred, n_classes):
    _checked(y_true, y_pred, n_classes)
    pairs, classes = Counter(zip(y_true, y_pred)), range(n_classes)
    matrix = torch.tensor([[pairs[t, p] for p in classes] for t in classes])

    def share(labels):
        return torch.tensor([pairs[c, c] / labels.count(c) if c in labels else 0.0 for c in classes])
    return matrix, share(y_pred), share(y_true)


def confusion_numpy(y_true, y_pred, n_classes):
    import numpy as np
    _checked(y_true, y_pred, n_classes)
    matrix = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(matrix, (np.array(y_true, dtype=int), np.array(y_pred, dtype=int)), 1)
    hits = np.diag(matrix)
    return matrix, hits / np.maximum(matrix.sum(0), 1), hits / np.maximum(matrix.sum(1), 1)


def confusion_index_put(y_true, y_pred, n_classes):
    _checked(y_true, y_pred, n_classes)
    matrix = torch.zeros(n_classes, n_classes).long()
    places = torch.tensor(y_true, dtype=torch.long), torch.tensor(y_pred, dtype=torch.long)
    matrix.index_put_(places, torch.ones(len(y_true), dtype=torch.long), accumulate=True)
    share = matrix.diag()[None] / torch.stack([matrix.sum(0), matrix.sum(1)]).clamp_min(1)
    return matrix, share[0], share[1]


def confusion_lists(y_true, y_pred, n_classes):
    _checked(y_true, y_pred, n_classes)
    matrix = [[0] * n_classes for _ in range(n_classes)]
    for i, t in enumerate(y_true):
        matrix[t][y_pred[i]] += 1
    precision, recall = [], []
    for c, row in enumerate(matrix):
        column = sum(other[c] for other in matrix)
        precision.append(row[c] / column if column else 0.0)
        recall.append(row[c] / sum(row) if sum(row) else 0.0)
    return torch.tensor(matrix), torch.tensor(precision), torch.tensor(recall)


def _cases(draw: Draw) -> list[Case]:
    def noisy(n: int, k: int):
        """Imbalanced classes; about half of the predictions are right, and too many of the rest are class 1."""
        true = [min(int(x * x * k), k - 1) for x in draw.floats(n)]
        pred = [t if x < 0.5 else 1 if x < 0.7 else draw.int(0, k) for t, x in zip(true, draw.floats(n))]
        return true, pred, k

    absent, bad = L(zh="缺席的类", en="absent classes"), L(zh="不允许的输入", en="inputs that are not allowed")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), ([0, 0, 1, 2], [0, 1, 1, 1], 3), absent),
        Case(L(zh="2 类，7 个样本", en="2 classes, 7 examples"), ([1, 0, 0, 1, 1, 0, 0], [1, 0, 1, 0, 1, 0, 0], 2)),
        Case(L(zh="3 类，13 个样本", en="3 classes, 13 examples"), ([0] * 6 + [1] * 4 + [2] * 3, [0, 0, 0, 0, 1, 2, 1, 1, 0, 2, 2, 1, 0], 3)),
        Case(L(zh="50 个随机样本，4 类", en="50 random examples, 4 classes"), noisy(50, 4)),
        Case(L(zh="90 个随机样本，5 类", en="90 random examples, 5 classes"), noisy(90, 5)),
        Case(L(zh="有一类从没被预测", en="a class that is never predicted"), ([0, 1, 2, 2, 1, 0], [0, 1, 1, 1, 1, 1], 3), absent),
        Case(L(zh="有一类从没出现", en="a class that never occurs"), ([0, 0, 2, 2, 2], [0, 1, 2, 1, 0], 3), absent),
        Case(L(zh="有两类完全缺席", en="two classes entirely absent"), ([0, 0, 1, 1, 1], [0, 1, 1, 1, 0], 4), absent),
        Case(L(zh="全对", en="all right"), ([2, 0, 1, 2], [2, 0, 1, 2], 3)),
        Case(L(zh="全错", en="all wrong"), ([0, 1, 1, 0], [1, 0, 0, 1], 2)),
        Case(L(zh="没有样本", en="no examples"), ([], [], 3), absent),
        Case(L(zh="1 类", en="one class"), ([0, 0, 0], [0, 0, 0], 1)),
        *(Case(L(zh=zh, en=en), args, bad) for zh, en, args in (
            ("y_pred 少一个", "y_pred is one short", ([0, 1, 1], [0, 1], 2)), ("y_true 少一个", "y_true is one short", ([0, 1], [0, 1, 1], 2)),
            ("y_true 里有 K", "K among y_true", ([0, 2, 1], [0, 1, 1], 2)), ("y_pred 里有 K", "K among y_pred", ([0, 1, 1], [0, 2, 1], 2)),
            ("y_true 里有 -1", "-1 among y_true", ([0, -1, 1], [0, 1, 1], 2)), ("y_pred 里有 -1", "-1 among y_pred", ([0, 1, 1], [-1, 1, 0], 2)))),
    ]


_ROWS = L(zh="行是真实的类，列是预测的类：matrix[t, p]。", en="Rows are the truth, columns the predictions: matrix[t, p].")
_PR = L(zh="精确率的分母是这一列的和（预测为 c 的），召回率的分母是这一行的和（真是 c 的）。",
        en="Precision divides by the sum of the column (all that were predicted c), recall by the sum of the row (all that are c).")
_ZERO = L(zh="一列或一行全是 0 时，题目要 0。", en="Where a column or a row is all 0, the task asks for 0.")
_ONCE = L(zh="同一对 (t, p) 出现几次就加几次。", en="A pair (t, p) adds 1 each time it occurs.")
_ERRORS = L(zh="长度不同、标签小于 0、标签不小于 K：三种都要 ValueError。", en="Unequal lengths, labels below 0, labels of K and more: all three raise ValueError.")
_CHECK = "len(y_true) != len(y_pred) or not {*y_true, *y_pred} <= set(range(n_classes))"
_P, _R = "hits / matrix.sum(0).clamp(min=1)", "hits / matrix.sum(1).clamp(min=1)"
_ADD, _BOTH = "matrix[t, p] += 1", "return matrix, precision, recall"


EXERCISE = Exercise(
    id="evaluate.confusion", title=L(zh="混淆矩阵、精确率、召回率", en="Confusion matrix, precision, recall"), reference=confusion,
    returns=Tuple((("matrix", Array("K K", "int")), ("precision", Array("K")), ("recall", Array("K")))), cases=_cases,
    hints=(
        L(zh="先数对子：每个样本让 matrix[t, p] 加 1。对角线上是猜对的。", en="Count pairs first: every example adds 1 to matrix[t, p]. The diagonal holds what is right."),
        L(zh="`matrix.sum(0)` 是每一列的和：各类被预测了几次；`matrix.sum(1)` 是每一行的和：各类真有几个。",
          en="`matrix.sum(0)` sums each column: how often a class was predicted; `matrix.sum(1)` sums each row: how many there are."),
        L(zh="分母是 0 时分子也是 0，`.clamp(min=1)` 让结果变成 0/1 = 0。最前面检查长度和标签。",
          en="Where a denominator is 0 so is the numerator; `.clamp(min=1)` makes it 0/1 = 0. Check lengths and labels first of all."),
    ),
    mistakes=(
        Mistake("conf-transposed", L(zh="行和列颠倒：行成了预测", en="rows and columns are exchanged: rows are predictions"), _ROWS, ("matrix[t, p]", "matrix[p, t]"), skill="axis", hint=1),
        Mistake("conf-matrix-transposed", L(zh="精确率和召回率都对，矩阵转置了", en="precision and recall are right, and the matrix is transposed"), _ROWS, (_BOTH, "return matrix.T, precision, recall"),
                skill="axis", hint=1),
        Mistake("conf-pr-swapped", L(zh="精确率和召回率颠倒", en="precision and recall are exchanged"), _PR, (_BOTH, "return matrix, recall, precision"), skill="formula"),
        Mistake("conf-counted-once", L(zh="同一对出现几次都只算一次", en="a pair that occurs several times is counted once"), _ONCE, (_ADD, "matrix[t, p] = 1"), skill="count", hint=1),
        Mistake("conf-hits-only", L(zh="只数了猜对的", en="only hits are counted"), L(zh="猜错的也要数，在对角线以外。", en="Errors are counted as well, off the diagonal."),
                (_ADD, "matrix[t, p] += t == p"), skill="count", hint=1),
        Mistake("conf-shares", L(zh="矩阵里是比例，不是次数", en="the matrix holds shares, not counts"), L(zh="题目要整数的次数。", en="The task asks for counts, which are integers."),
                (_BOTH, "return matrix / matrix.sum(1, keepdim=True).clamp(min=1), precision, recall"), skill="scale", hint=1, also=(
                    ((_BOTH, "return matrix / max(len(y_true), 1), precision, recall"),),)),
        Mistake("conf-zero-div", L(zh="分母为 0 时成了 nan", en="a denominator of 0 gives nan"), _ZERO, (_P, "hits / matrix.sum(0)"), (_R, "hits / matrix.sum(1)"), skill="edge", hint=3,
                also=(((_P, "hits / matrix.sum(0)"),), ((_R, "hits / matrix.sum(1)"),))),
        Mistake("conf-zero-as-one", L(zh="分母为 0 时取了 1", en="a denominator of 0 counts as 1.0"), _ZERO, (_P, "(hits / matrix.sum(0)).nan_to_num(1.0)"),
                (_R, "(hits / matrix.sum(1)).nan_to_num(1.0)"), skill="edge", hint=3, also=(((_P, "(hits / matrix.sum(0)).nan_to_num(1.0)"),), ((_R, "(hits / matrix.sum(1)).nan_to_num(1.0)"),))),
        Mistake("conf-over-all", L(zh="精确率和召回率都除以了样本总数", en="precision and recall are both divided by the number of examples"), _PR,
                (_P, "hits / max(len(y_true), 1)"), (_R, "hits / max(len(y_true), 1)"), skill="count"),
        Mistake("conf-precision-twice", L(zh="召回率也除以了列的和", en="recall is divided by the column sums, too"), _PR, (_R, "precision"), skill="formula"),
        Mistake("conf-recall-twice", L(zh="精确率也除以了行的和", en="precision is divided by the row sums, too"), _PR, (_P, _R), skill="formula"),
        Mistake("conf-accuracy", L(zh="精确率和召回率都成了准确率", en="precision and recall are both the accuracy"), _PR,
                (_P, "torch.full((n_classes,), hits.sum() / max(len(y_true), 1))"), (_R, "precision"), skill="formula"),
        Mistake("conf-specificity", L(zh="召回率算成了特异度：不是 c 的里有多少没猜成 c", en="recall is the specificity: of those that are not c, how many were not predicted c"), _PR,
                (_R, "(len(y_true) - matrix.sum(0) - matrix.sum(1) + hits) / (len(y_true) - matrix.sum(1)).clamp(min=1)"), skill="formula"),
        Mistake("conf-f1", L(zh="精确率的位置上是 F1", en="F1 stands where precision should"), _PR, (_P, "2 * hits / (matrix.sum(0) + matrix.sum(1)).clamp(min=1)"), skill="formula"),
        Mistake("conf-jaccard", L(zh="两个都除以了并集的大小（Jaccard）", en="both are divided by the size of the union, as in Jaccard"), _PR,
                (_P, "hits / (matrix.sum(0) + matrix.sum(1) - hits).clamp(min=1)"), (_R, "precision"), skill="formula"),
        Mistake("conf-errors", L(zh="算的是错误的比例：1 减去精确率和召回率", en="error shares are returned: 1 minus precision and 1 minus recall"), _PR, (_BOTH, "return matrix, 1 - precision, 1 - recall"),
                skill="formula"),
        Mistake("conf-rounded-down", L(zh="用了整除，小数丢了", en="an integer division drops the fractions"), L(zh="`//` 会丢掉小数部分。", en="`//` drops the fraction."),
                (_P, "(hits // matrix.sum(0).clamp(min=1)).float()"), (_R, "(hits // matrix.sum(1).clamp(min=1)).float()"), skill="formula"),
        Mistake("conf-macro", L(zh="返回的是各类的平均，不是每类一个", en="means over the classes are returned, not one value for each"), L(zh="每类一个数，形状 [K]。", en="One number for each class, of shape [K]."),
                (_BOTH, "return matrix, precision.mean(), recall.mean()"), skill="axis"),
        Mistake("conf-classes-from-labels", L(zh="类数取自标签，没有用 n_classes", en="the number of classes comes from the labels; n_classes is not used"),
                L(zh="没出现过的类也占一行一列。", en="A class that does not occur still has its row and column."),
                ("    matrix = torch", "    n_classes = len({*y_true, *y_pred})\n    matrix = torch"), skill="edge", hint=1, also=(
                    (("    matrix = torch", "    n_classes = max([*y_true, *y_pred]) + 1\n    matrix = torch"),),)),
        Mistake("conf-from-one", L(zh="把标签当成从 1 数起", en="labels are taken to start at 1"), L(zh="标签从 0 到 K-1。", en="Labels run from 0 to K-1."), (_ADD, "matrix[t - 1, p - 1] += 1"), skill="shift", hint=1),
        Mistake("conf-no-error", L(zh="没有拒绝不允许的输入", en="inputs that are not allowed are not refused"), _ERRORS, (f"if {_CHECK}:", "if False:"), skill="edge", hint=3, also=(
            ((_CHECK, "len(y_true) != len(y_pred)"),), ((_CHECK, "not {*y_true, *y_pred} <= set(range(n_classes))"),))),
        Mistake("conf-negative-labels", L(zh="小于 0 的标签没有拒绝，从后往前数了", en="labels below 0 are not refused and count from the end"), _ERRORS,
                (_CHECK, "len(y_true) != len(y_pred) or max([*y_true, *y_pred, 0]) >= n_classes"), skill="edge", hint=3),
    ),
    alternatives=(confusion_bincount, confusion_one_hot, confusion_counter, confusion_numpy, confusion_index_put, confusion_lists),
    think=L(zh="100 封信里 1 封是垃圾邮件。永远说“不是”，准确率、精确率、召回率各是多少？", en="One letter in 100 is spam. If you always say “no spam”, what are accuracy, precision and recall?"),
)
