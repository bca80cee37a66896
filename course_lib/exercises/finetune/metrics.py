"""finetune.metrics: accuracy, precision, recall, F1."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Dict, Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def classification_metrics(y_true, y_pred, n_classes):
    """Accuracy and macro precision, recall and F1.

    y_true, y_pred: lists of ints. Macro over all n_classes; per-class F1 is averaged; 0 where a denominator is 0.
    Returns a dict with accuracy, precision, recall, f1.
    """
    pairs = list(zip(y_true, y_pred))
    precisions, recalls, f1s = [], [], []
    for c in range(n_classes):
        hits = pairs.count((c, c))
        predicted, actual = y_pred.count(c), y_true.count(c)
        p = hits / predicted if predicted else 0.0
        r = hits / actual if actual else 0.0
        precisions.append(p)
        recalls.append(r)
        f1s.append(2 * p * r / (p + r) if p + r else 0.0)
    accuracy = sum(t == p for t, p in pairs) / len(pairs)
    mean = lambda values: sum(values) / n_classes
    return {"accuracy": accuracy,
            "precision": mean(precisions), "recall": mean(recalls), "f1": mean(f1s)}


def metrics_confusion(y_true, y_pred, n_classes):
    table = torch.zeros(n_classes, n_classes)
    for t, p in zip(y_true, y_pred):
        table[t, p] += 1
    hits = table.diag()
    precision, recall = hits / table.sum(0).clamp(min=1), hits / table.sum(1).clamp(min=1)
    f1 = 2 * hits / (table.sum(0) + table.sum(1)).clamp(min=1)
    return dict(accuracy=(hits.sum() / table.sum()).item(), precision=precision.mean().item(), recall=recall.mean().item(),
            f1=f1.mean().item())


def metrics_sets(y_true, y_pred, n_classes):
    scores = {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    for c in range(n_classes):
        true, found = ({i for i, y in enumerate(ys) if y == c} for ys in (y_true, y_pred))
        both = len(true & found)
        scores["precision"] += both / max(len(found), 1) / n_classes
        scores["recall"] += both / max(len(true), 1) / n_classes
        scores["f1"] += 2 * both / max(len(true) + len(found), 1) / n_classes
    return {**scores, "accuracy": sum(map(int.__eq__, y_true, y_pred)) / len(y_true)}


def metrics_numpy(y_true, y_pred, n_classes):
    import numpy as np
    true, pred = np.array(y_true), np.array(y_pred)
    onehot = np.eye(n_classes)
    tp = (onehot[true] * onehot[pred]).sum(0)
    fp, fn = onehot[pred].sum(0) - tp, onehot[true].sum(0) - tp
    safe = lambda a, b: np.divide(a, b, out=np.zeros_like(a), where=b > 0)
    return {"accuracy": (true == pred).mean(), "precision": safe(tp, tp + fp).mean(), "recall": safe(tp, tp + fn).mean(),
            "f1": safe(2 * tp, 2 * tp + fp + fn).mean()}


def metrics_counts(y_true, y_pred, n_classes):
    tp, fp, fn = [0] * n_classes, [0] * n_classes, [0] * n_classes
    for t, p in zip(y_true, y_pred):
        if t == p:
            tp[t] += 1
        else:
            fp[p] += 1
            fn[t] += 1
    def ratio(a, b):
        try:
            return a / b
        except ZeroDivisionError:
            return 0
    P, R = [ratio(a, a + b) for a, b in zip(tp, fp)], [ratio(a, a + b) for a, b in zip(tp, fn)]
    return {"f1": sum(ratio(2 * p * r, p + r) for p, r in zip(P, R)) / n_classes, "recall": sum(R) / n_classes,
            "precision": sum(P) / n_classes, "accuracy": sum(tp) / len(y_true), "support": len(y_true)}


def metrics_torch(y_true, y_pred, n_classes):
    true, pred = torch.tensor(y_true), torch.tensor(y_pred)
    precision, recall = [], []
    for c in range(n_classes):
        both = ((true == c) & (pred == c)).sum()
        precision.append(both / (pred == c).sum())
        recall.append(both / (true == c).sum())
    p, r = torch.stack(precision).nan_to_num(0.0), torch.stack(recall).nan_to_num(0.0)
    f1 = torch.nan_to_num(2 * p * r / (p + r))
    return {"accuracy": (true == pred).double().mean(), "precision": p.mean(), "recall": r.mean(), "f1": f1.mean()}


def _metrics_cases(draw: Draw) -> list[Case]:
    def noisy(n, k, bias):           # imbalanced classes, predictions right about half the time
        true = [min(int(x * x * k), k - 1) for x in draw.floats(n)]
        keep = draw.floats(n)
        return true, [t if keep[i] > bias else draw.int(0, k) for i, t in enumerate(true)], k

    absent = L(zh="缺席的类", en="absent classes")
    return [
        Case(L(zh="2 类，5 个样本", en="2 classes, 5 examples"), ([0, 0, 0, 1, 1], [0, 0, 1, 1, 0], 2)),
        Case(L(zh="3 类，不均衡", en="3 imbalanced classes"), ([0, 0, 0, 0, 0, 1, 1, 2], [0, 0, 0, 1, 2, 1, 0, 2], 3)),
        Case(L(zh="随机的 40 个样本，4 类", en="40 random examples, 4 classes"), noisy(40, 4, 0.5)),
        Case(L(zh="随机的 60 个样本，3 类", en="60 random examples, 3 classes"), noisy(60, 3, 0.4)),
        Case(L(zh="有一类从没被预测", en="a class that is never predicted"), ([0, 1, 2, 2, 1, 0], [0, 1, 1, 1, 1, 1], 3), absent),
        Case(L(zh="有一类从没出现", en="a class that never occurs"), ([0, 0, 2, 2, 2], [0, 1, 2, 1, 0], 3), absent),
        Case(L(zh="有两类完全缺席", en="two classes entirely absent"), ([0, 0, 1, 1, 1], [0, 1, 1, 1, 0], 4), absent),
        Case(L(zh="全对", en="all right"), ([2, 0, 1, 2], [2, 0, 1, 2], 3)),
        Case(L(zh="全错", en="all wrong"), ([0, 1, 1, 0], [1, 0, 0, 1], 2), L(zh="一个都没对的情形", en="the case of no hit at all")),
        Case(L(zh="1 个样本", en="one example"), ([1], [1], 2), absent),
    ]


_PR = L(zh="精确率的分母是“预测为 c 的个数”，召回率的分母是“真是 c 的个数”。", en="Precision divides by how many were predicted c, recall by how many are c.")

_MACRO = L(zh="宏平均：先对每个类算，再对 n_classes 个类平均，每个类一样重。",
        en="Macro: one value per class first, then the mean over n_classes, each class weighing the same.")
_ZERO = L(zh="没有被预测或没有出现的类，分母是 0，按 0 算。", en="A class that is never predicted or never occurs has denominator 0 and counts as 0.")

EXERCISE = Exercise(
    id="finetune.metrics", title=L(zh="准确率、精确率、召回率、F1", en="Accuracy, precision, recall, F1"), reference=classification_metrics,
    returns=Dict((("accuracy", Scalar), ("precision", Scalar), ("recall", Scalar), ("f1", Scalar))), cases=_metrics_cases,
    hints=(
        L(zh="对每个类 c 数三个数：预测为 c 的、真是 c 的、两者都是的。", en="Count three things for every class c: predicted c, actually c, and both."),
        L(zh="精确率 = 两者都是 / 预测为 c；召回率 = 两者都是 / 真是 c；F1 = 2PR/(P+R)。分母是 0 时取 0。",
                en="Precision = both / predicted c; recall = both / actually c; F1 = 2PR/(P+R). Where a denominator is 0 take 0."),
        L(zh="宏平均对全部 n_classes 个类取，缺席的类也算一份；F1 先逐类算再平均。",
                en="The macro mean runs over all n_classes, absent ones included; F1 is computed per class, then averaged."),
    ),
    mistakes=(
        Mistake("pr-swapped", L(zh="精确率和召回率颠倒", en="precision and recall are exchanged"), _PR,
                ("predicted, actual = y_pred.count(c), y_true.count(c)",
                "actual, predicted = y_pred.count(c), y_true.count(c)"), skill="formula"),
        Mistake("f1-arith", L(zh="F1 用了算术平均", en="F1 is the arithmetic mean of P and R"),
                L(zh="F1 是调和平均：2PR/(P+R)。", en="F1 is the harmonic mean: 2PR/(P+R)."),
                ("2 * p * r / (p + r) if p + r else 0.0",
                "(p + r) / 2"), skill="formula"),
        Mistake("micro-for-macro", L(zh="用了微平均（等于准确率）",
                en="the micro average is taken, which equals accuracy"), _MACRO,
                ('"precision": mean(precisions), "recall": mean(recalls), "f1": mean(f1s)',
                '"precision": accuracy, "recall": accuracy, "f1": accuracy'), skill="count", hint=3),
        Mistake("f1-of-macro", L(zh="先平均 P、R，再算一个 F1", en="F1 is computed from the averaged P and R"),
                L(zh="F1 要逐类算，再平均。", en="F1 is computed per class, then averaged."),
                ('"f1": mean(f1s)',
                        '"f1": 2 * mean(precisions) * mean(recalls) / (mean(precisions) + mean(recalls) or 1)'),
                skill="count", hint=3,
                also=((('"f1": mean(f1s)',
                '"f1": 2 * mean(precisions) * mean(recalls) / (mean(precisions) + mean(recalls))'),),)),
        Mistake("weighted", L(zh="按样本数加权平均", en="classes are weighed by their number of examples"), _MACRO,
                program=lambda y_true, y_pred, n_classes: _averaged(y_true, y_pred, n_classes,
                        lambda c: y_true.count(c)), convention=True, skill="count", hint=3),
        Mistake("skips-absent", L(zh="没出现也没预测的类没有算进平均",
                en="classes that neither occur nor are predicted are left out of the mean"), _MACRO,
                program=lambda y_true, y_pred, n_classes: _averaged(y_true, y_pred, n_classes,
                        lambda c: c in y_true or c in y_pred), skill="edge", hint=3),
        Mistake("only-true-classes", L(zh="只对真实出现过的类平均",
                en="the mean runs only over classes that occur in y_true"), _MACRO,
                program=lambda y_true, y_pred, n_classes: _averaged(y_true, y_pred, n_classes,
                        lambda c: c in y_true), skill="edge", hint=3),
        Mistake("only-predicted-classes", L(zh="只对预测过的类平均",
                en="the mean runs only over classes that were predicted"), _MACRO,
                program=lambda y_true, y_pred, n_classes: _averaged(y_true, y_pred, n_classes,
                        lambda c: c in y_pred), skill="edge", hint=3),
        Mistake("zero-div", L(zh="分母为 0 时报错", en="it divides by zero"), _ZERO,
                ("hits / predicted if predicted else 0.0", "hits / predicted"), ("hits / actual if actual else 0.0",
                "hits / actual"), ("2 * p * r / (p + r) if p + r else 0.0", "2 * p * r / (p + r)"), skill="edge",
                also=((("hits / predicted if predicted else 0.0", "hits / predicted"),),
                (("hits / actual if actual else 0.0", "hits / actual"),),
                      (("2 * p * r / (p + r) if p + r else 0.0", "2 * p * r / (p + r)"),))),
        Mistake("zero-as-one", L(zh="分母为 0 时取了 1", en="a denominator of 0 counts as 1.0"), _ZERO,
                ("if predicted else 0.0", "if predicted else 1.0"), ("if actual else 0.0", "if actual else 1.0"),
                skill="edge",
                also=((("if predicted else 0.0", "if predicted else 1.0"),),
                (("if actual else 0.0", "if actual else 1.0"),))),
        Mistake("tn-counted", L(zh="把“都不是 c”的也算成了命中",
                en="examples that neither are nor were predicted c count as hits"),
                L(zh="命中只数两者都是 c 的。", en="A hit is both c."), ("pairs.count((c, c))",
                "sum((t == c) == (p == c) for t, p in pairs)"), skill="count", hint=1),
        Mistake("classes-from-labels", L(zh="类别数取自标签，没有用 n_classes",
                en="the classes are those of the labels; n_classes is not used"),
                _MACRO,
                ("    pairs = list(", "    n_classes = max(y_true) + 1\n    pairs = list("), skill="edge", hint=3,
                also=((("    pairs = list(", "    n_classes = len(set(y_true))\n    pairs = list("),),
                      (("    pairs = list(", "    n_classes = len(set(y_true + y_pred))\n    pairs = list("),),
                      (("    pairs = list(", "    n_classes = max(y_true + y_pred) + 1\n    pairs = list("),))),
        Mistake("binary-only", L(zh="只算了类 1，没有对所有类平均", en="only class 1 is scored"), _MACRO,
                program=lambda y_true, y_pred, n_classes: _averaged(y_true, y_pred, n_classes, lambda c: c == 1),
                skill="count", hint=3),
        Mistake("f1-no-two", L(zh="F1 少了因子 2", en="F1 lacks its factor 2"),
                L(zh="F1 = 2PR/(P+R)。", en="F1 = 2PR/(P+R)."),
                ("2 * p * r", "p * r"), skill="formula"),
        Mistake("percent", L(zh="返回的是百分数", en="percentages are returned"),
                L(zh="题目要 0 到 1 之间的数。", en="The task asks for numbers between 0 and 1."),
                ("return {\"accuracy\": accuracy,",
                "return {\"accuracy\": accuracy * 100,"), ("sum(values) / n_classes",
                "sum(values) / n_classes * 100"), convention=True,
                        skill="scale", hint=1),
        Mistake("last-class-only", L(zh="只返回了最后一个类的分数，没有对类平均",
                en="the scores of the last class are returned, not the mean over the classes"), _MACRO,
                ("sum(values) / n_classes", "values[-1]"), skill="count", hint=3),
        Mistake("first-class-only", L(zh="只算了类 0，没有对类平均", en="only class 0 is scored"), _MACRO,
                ("sum(values) / n_classes", "values[0]"), skill="count", hint=3),
        Mistake("acc-mean-recall", L(zh="准确率用了各类召回率的平均", en="accuracy is the mean of the recalls"),
                L(zh="准确率是全部样本里答对的比例，不分类。",
                en="Accuracy is the share of all examples that are right, whatever their class."),
                ('"accuracy": accuracy', '"accuracy": mean(recalls)'), skill="count", hint=1),
        Mistake("acc-as-f1", L(zh="F1 返回的是准确率", en="F1 is the accuracy"),
                L(zh="F1 要逐类算，再平均。", en="F1 is computed per class, then averaged."),
                ('"f1": mean(f1s)', '"f1": accuracy'), skill="count", hint=3),
        Mistake("acc-per-class", L(zh="准确率把“都不是 c”的也算对，再对类平均",
                en="accuracy counts examples that are neither c nor predicted c as right, averaged over the classes"),
                L(zh="准确率是全部样本里答对的比例，不分类。",
                en="Accuracy is the share of all examples that are right, whatever their class."),
                ("accuracy = sum(t == p for t, p in pairs) / len(pairs)",
                 "accuracy = sum((t == c) == (p == c) for t, p in pairs for c in range(n_classes)) / len(pairs) / n_classes"), skill="count", hint=1),
        Mistake("f1-jaccard", L(zh="F1 除以了并集的大小（Jaccard）",
                en="F1 is divided by the size of the union, as in Jaccard"),
                L(zh="F1 = 2PR/(P+R)。", en="F1 = 2PR/(P+R)."), ("2 * p * r / (p + r) if p + r else 0.0",
                "hits / (predicted + actual - hits) if predicted + actual else 0.0"), skill="formula"),
        Mistake("f1-geometric", L(zh="F1 用了几何平均", en="F1 is the geometric mean of P and R"),
                L(zh="F1 是调和平均：2PR/(P+R)。", en="F1 is the harmonic mean: 2PR/(P+R)."),
                ("2 * p * r / (p + r) if p + r else 0.0",
                "(p * r) ** 0.5"), skill="formula"),
        Mistake("f1-min", L(zh="F1 取了 P 和 R 里较小的", en="F1 is the smaller of P and R"),
                L(zh="F1 是调和平均：2PR/(P+R)。", en="F1 is the harmonic mean: 2PR/(P+R)."),
                ("2 * p * r / (p + r) if p + r else 0.0",
                "min(p, r)"), skill="formula"),
        Mistake("pr-over-all", L(zh="精确率和召回率都除以了样本总数",
                en="precision and recall are both divided by the number of examples"), _PR,
                ("hits / predicted if predicted else 0.0", "hits / len(pairs)"),
                ("hits / actual if actual else 0.0", "hits / len(pairs)"), skill="count"),
        Mistake("precision-twice", L(zh="召回率也除以了“预测为 c 的个数”",
                en="recall is divided by how many were predicted c, too"), _PR,
                ("hits / actual if actual else 0.0", "hits / predicted if predicted else 0.0"), skill="formula"),
        Mistake("recall-twice", L(zh="精确率也除以了“真是 c 的个数”",
                en="precision is divided by how many are c, too"), _PR,
                ("hits / predicted if predicted else 0.0", "hits / actual if actual else 0.0"), skill="formula"),
        Mistake("macro-sum", L(zh="对各类求了和，没有除以类数", en="the classes are summed, not averaged"), _MACRO,
                ("sum(values) / n_classes", "sum(values)"), skill="count", hint=3),
        Mistake("errors-counted", L(zh="准确率数的是答错的", en="accuracy counts what is wrong"),
                L(zh="准确率是答对的比例。", en="Accuracy is the share that is right."),
                ("sum(t == p for", "sum(t != p for"), skill="formula", hint=1),
        Mistake("zeros-left-out", L(zh="得 0 分的类没有算进平均",
                en="classes with a score of 0 are left out of the mean"), _MACRO,
                ("sum(values) / n_classes", "sum(values) / max(sum(v > 0 for v in values), 1)"), skill="edge",
                hint=3),
        Mistake("recall-specificity", L(zh="召回率算成了特异度：都不是 c 的里答对了多少",
                en="recall is the specificity: how many of those that are not c were predicted so"), _PR,
                ("r = hits / actual if actual else 0.0",
                "r = sum(t != c and p != c for t, p in pairs) / (len(pairs) - actual) if len(pairs) > actual else 0.0"),
                skill="formula"),
        Mistake("zero-nan", L(zh="分母为 0 时给了 nan", en="a denominator of 0 gives nan"), _ZERO,
                ("if predicted else 0.0", "if predicted else math.nan"),
                ("if actual else 0.0", "if actual else math.nan"), skill="edge",
                also=((("if predicted else 0.0", "if predicted else math.nan"),),)),
        Mistake("acc-over-classes", L(zh="准确率除以了类数", en="accuracy is divided by the number of classes"),
                L(zh="准确率是全部样本里答对的比例。", en="Accuracy is the share of all examples that are right."),
                ("for t, p in pairs) / len(pairs)", "for t, p in pairs) / n_classes"), skill="count", hint=1),
    ),
    alternatives=(metrics_confusion, metrics_sets, metrics_numpy, metrics_counts, metrics_torch),
    think=L(zh="99% 的样本是一类时，准确率 99% 说明了什么？", en="If 99% of the examples are one class, what does an accuracy of 99% say?"),
)


def _averaged(y_true, y_pred, n_classes, weight):
    """Metrics with a weighted mean over the classes."""
    def positive(c, name):
        hits = sum(t == p == c for t, p in zip(y_true, y_pred))
        p, r = (hits / ys.count(c) if ys.count(c) else 0.0 for ys in (y_pred, y_true))
        return {"precision": p, "recall": r, "f1": 2 * p * r / (p + r) if p + r else 0.0}[name]
    total = sum(weight(c) for c in range(n_classes)) or 1
    return {"accuracy": sum(t == p for t, p in zip(y_true, y_pred)) / len(y_true),
            **{name: sum(weight(c) * positive(c, name) for c in range(n_classes)) / total for name in ("precision", "recall", "f1")}}
