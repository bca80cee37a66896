"""Exercises of chapter 05: what is minimised, and in which unit it is told."""
from __future__ import annotations

import math

import torch

from ..i18n import L
from .contract import Array, Scalar
from .spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISES"]

F = torch.nn.functional


# --- loss.cross_entropy --------------------------------------------------------------------------------------------

def cross_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """Mean cross-entropy over the targets that are not ignored.

    logits: [N, K]; targets: long [N]. label_smoothing eps puts eps / K on every class. Returns a scalar; all ignored gives 0.
    Exact at logits of +-1000.
    """
    kept = targets != ignore_index
    logits, targets = logits[kept], targets[kept]
    if len(targets) == 0:
        return logits.sum() * 0.0
    log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)       # (N, K)
    hard = -log_probs.gather(1, targets[:, None]).squeeze(1)
    smooth = -log_probs.mean(dim=-1)                                         # eps / K on every class
    return ((1 - label_smoothing) * hard + label_smoothing * smooth).mean()


def cross_entropy_log_softmax(logits, targets, ignore_index=-100, label_smoothing=0.0):
    N, K = logits.shape
    keep = (targets != ignore_index).to(logits.dtype)
    goal = F.one_hot(targets.masked_fill(targets == ignore_index, 0), K) * (1 - label_smoothing) + label_smoothing / K
    losses = -(goal * F.log_softmax(logits, dim=1)).sum(1)
    return (losses * keep).sum() / keep.sum().clamp(min=1)


def cross_entropy_loop(logits, targets, ignore_index=-100, label_smoothing=0.0):
    losses = []
    for row, target in zip(logits, targets.tolist()):
        if target == ignore_index:
            continue
        top = max(row.tolist())
        log_z = top + sum((x - top).exp() for x in row).log()
        goal = [label_smoothing / len(row) + (1 - label_smoothing) * (j == target) for j in range(len(row))]
        losses.append(sum(g * (log_z - x) for g, x in zip(goal, row)))
    return sum(losses) / len(losses) if losses else 0.0


def cross_entropy_select(logits, targets, ignore_index=-100, label_smoothing=0.0):
    x, y = logits[targets != ignore_index], targets[targets != ignore_index]
    if y.numel() == 0:
        return 0.0
    x = x - x.amax(1, keepdim=True)
    log_p = x - torch.log(torch.exp(x).sum(1, keepdim=True))
    return -((1 - label_smoothing) * log_p.take_along_dim(y[:, None], 1)[:, 0] + label_smoothing * log_p.mean(1)).mean()


def cross_entropy_max(logits, targets, ignore_index=-100, label_smoothing=0.0):
    shifted = logits - logits.max(dim=-1, keepdim=True).values
    log_probs = shifted - shifted.exp().sum(-1, keepdim=True).log()
    ignored = targets.eq(ignore_index)
    picked = log_probs[torch.arange(len(targets)), torch.where(ignored, 0, targets)]
    loss = -(1 - label_smoothing) * picked - label_smoothing / logits.size(1) * log_probs.sum(-1)
    total = loss.masked_fill(ignored, 0.0).sum()
    return total if ignored.all() else total / (~ignored).sum()


def cross_entropy_double(logits, targets, ignore_index=-100, label_smoothing=0.0):
    index = (targets != ignore_index).nonzero().flatten()
    if index.numel() == 0:
        return torch.tensor(0.0)
    log_probs = logits.double()[index].log_softmax(-1)
    goal = torch.full_like(log_probs, label_smoothing / logits.shape[1])
    goal[torch.arange(len(index)), targets[index]] += 1 - label_smoothing
    return torch.einsum("nk,nk->n", goal, -log_probs).mean()


def _cross_entropy_cases(draw: Draw) -> list[Case]:
    def labels(n, k, *ignored, index=-100):
        targets = draw.ints(k, n)
        targets[list(ignored)] = index
        return targets

    ignoring, smooth = L(zh="被忽略的标签", en="ignored targets"), L(zh="标签平滑", en="label smoothing")
    both, stable = L(zh="标签平滑与忽略合用", en="smoothing together with ignoring"), L(zh="数值稳定性", en="numerical stability")
    far = (draw.ints(2, 6, 4).float() * 2 - 1) * 1000
    far[:, 0], far[0] = far[:, 1] * -1 + 7, torch.tensor([1000.0, 1000.0, -1000.0, 0.0])
    loud = draw.normal(7, 6, scale=3.0)
    loud[[1, 2, 6]] *= 4                                     # the ignored ones, so that counting them shows
    worst, near = far.argmin(1), draw.grid(5, 4, top=20)     # large losses, so that rounding at 1000 stays far below the tolerance
    return [
        Case(L(zh="2 个样本，3 类", en="2 examples, 3 classes"), (draw.grid(2, 3), torch.tensor([2, 0]))),
        Case(L(zh="N=5，K=7", en="N=5, K=7"), (draw.normal(5, 7, scale=2.0), labels(5, 7))),
        Case(L(zh="N=K=4", en="N=K=4"), (draw.normal(4, 4, scale=2.0), draw.permutation(4))),
        Case(L(zh="有 -100", en="some targets are -100"), (draw.normal(6, 5, scale=2.0), labels(6, 5, 0, 3)), ignoring),
        Case(L(zh="ignore_index=1", en="ignore_index=1"),
                (draw.normal(6, 4, scale=2.0), torch.tensor([1, 0, 3, 1, 2, 2])[draw.permutation(6)], 1), ignoring),
        Case(L(zh="ignore_index=0", en="ignore_index=0"), (draw.normal(5, 4, scale=2.0), torch.tensor([0, 1, 3, 0, 2]), 0), ignoring),
        Case(L(zh="全部被忽略", en="all ignored"), (draw.normal(3, 4), torch.full((3,), -100)),
                L(zh="全部被忽略的情形", en="the batch where all is ignored")),
        Case(L(zh="平滑 0.2", en="smoothing 0.2"), (draw.normal(5, 3, scale=2.0), labels(5, 3), -100, 0.2), smooth),
        Case(L(zh="平滑 0.3，有忽略", en="smoothing 0.3 with ignored targets"), (loud, labels(7, 6, 1, 2, 6), -100, 0.3),
                both),
        Case(L(zh="平滑 1.0", en="smoothing 1.0"), (draw.normal(4, 5, scale=2.0), labels(4, 5), -100, 1.0), smooth),
        Case(L(zh="logits ±1000", en="logits of +-1000"), (far, worst), stable),
        Case(L(zh="logits ±1000，平滑 0.1", en="logits of +-1000, smoothing 0.1"), (far, worst, -100, 0.1), stable),
        Case(L(zh="logits 都在 1000 附近", en="logits all near 1000"), (1000 + near, near.argmin(1)), stable),
        Case(L(zh="logits 都在 -1000 附近", en="logits all near -1000"), (-1000 + near, near.argmin(1)), stable),
        Case(L(zh="有的行在 1000 附近，有的在 -1000 附近", en="some rows near 1000, others near -1000"),
             (near + 1000 * (-1.0) ** torch.arange(5)[:, None], near.argmin(1)), stable),
        Case(L(zh="N=1", en="N=1"), (draw.normal(1, 6), labels(1, 6))),
    ]


_MEAN = L(zh="最后的平均：分子加了哪些项，分母数了哪些项？", en="The mean at the end: which terms are added, which are counted?")
_STABLE = L(zh="先减去每行的最大值，或者用 logsumexp。", en="Subtract each row's maximum first, or use logsumexp.")
_SMOOTH = L(zh="平滑后的目标分布：每个类 ε/K，正确的类再加 1-ε。", en="The smoothed target: ε/K on every class, and 1-ε more on the right one.")
_IGNORE = L(zh="看看处理 ignore_index 的地方。", en="Look at the place that deals with ignore_index.")

CROSS_ENTROPY = Exercise(
    id="loss.cross_entropy", title=L(zh="交叉熵",
            en="Cross-entropy"), reference=cross_entropy, returns=Scalar, cases=_cross_entropy_cases, gradients=(0,),
    trained=True,
    forbidden={"cross_entropy": "F.cross_entropy", "nll_loss": "F.nll_loss", "nll_loss_nd": "F.nll_loss",
            "cross_entropy_loss": "F.cross_entropy", "nll_loss_": "F.nll_loss",
               "nll_loss2d": "F.nll_loss"},
    hints=(
        L(zh="一个样本的损失是 -log p(正确的类)。log p 用 `logits - logsumexp(logits)` 算，不要先 softmax 再取 log。",
          en="One example's loss is -log p(right class). Compute log p as `logits - logsumexp(logits)`, not as the log of a softmax."),
        L(zh="先去掉 `targets == ignore_index` 的行：-100 不能当下标。一行都不剩时返回 0。",
                en="Drop the rows where `targets == ignore_index` first: -100 is no index. If none is left, return 0."),
        L(zh="平滑的损失是两项的加权和：(1-ε)·(正确类的损失) + ε·(所有类损失的平均)。",
                en="The smoothed loss is a weighted sum: (1-ε) times the right class's loss plus ε times the mean loss over all classes."),
    ),
    mistakes=(
        Mistake("ce-softmax-twice", L(zh="softmax 做了两次", en="softmax is applied twice"),
                L(zh="log_softmax 要的是 logits，不是概率。", en="Log-softmax takes logits, not probabilities."),
                ("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                        "log_probs = torch.log_softmax(logits.softmax(-1), -1)"), skill="formula", hint=1),
        Mistake("ce-log-of-softmax", L(zh="先 softmax 再取 log，概率下溢成 0",
                en="the log of a softmax is taken, whose probabilities underflow to 0"), _STABLE,
                ("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                        "log_probs = logits.softmax(-1).log()"), skill="stability", hint=1,
                also=((("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                "log_probs = logits.softmax(-1).log()"),
                       ("return ((1", "return hard.mean() if label_smoothing == 0 else ((1")),)),
        Mistake("ce-log-eps", L(zh="取 log 之前给概率加了一个小数，或者截到了一个下限：大损失被封了顶",
                en="a small number is added to the probabilities before the log, or bounds them from below, which caps large losses"), _STABLE,
                ("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                        "log_probs = (logits.softmax(-1) + 1e-9).log()"), skill="stability", hint=1,
                also=tuple((("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                             f"log_probs = (logits.softmax(-1) + {small}).log()"),) for small in ("1e-6", "1e-7",
                "1e-8", "1e-10", "1e-12"))
                + tuple((("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                          f"log_probs = logits.softmax(-1).clamp(min={small}).log()"),) for small in ("1e-10",
                "1e-12", "1e-15"))),
        Mistake("ce-exp-overflow", L(zh="logsumexp 没有减最大值，exp 溢出",
                en="logsumexp without subtracting the maximum overflows"), _STABLE,
                ("torch.logsumexp(logits, dim=-1, keepdim=True)",
                        "logits.exp().sum(dim=-1, keepdim=True).log()"), skill="stability", hint=1,
                also=((("torch.logsumexp(logits, dim=-1, keepdim=True)",
                "logits.exp().sum(dim=-1, keepdim=True).log()"),
                       ("return ((1", "return hard.mean() if label_smoothing == 0 else ((1")),
                      (("logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                        "(logits.exp() / logits.exp().sum(dim=-1, keepdim=True)).log()"),),
                      (("logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                        "(logits.exp() / logits.exp().sum(dim=-1, keepdim=True)).log()"),
                       ("return ((1", "return hard.mean() if label_smoothing == 0 else ((1")))),
        Mistake("ce-mean-all", L(zh="分母里包含了被忽略的词", en="the denominator counts ignored targets"), _MEAN,
                (".mean()\n", ".sum() / len(kept)\n"), skill="count", hint=2),
        Mistake("ce-ignore-as-0", L(zh="把被忽略的标签当成了第 0 类", en="ignored targets are treated as class 0"),
                _IGNORE,
                ("logits, targets = logits[kept], targets[kept]\n    if len(targets) == 0:",
                        "targets = targets.masked_fill(~kept, 0)\n    if not kept.any():"), skill="mask"),
        Mistake("ce-ignore-missing", L(zh="没有处理 ignore_index", en="ignore_index is not used"), _IGNORE,
                ("targets != ignore_index", "targets == targets"), skill="mask",
                also=((("targets != ignore_index", "targets == targets"),
                       ("log_probs.gather(1, targets[:, None]).squeeze(1)",
                "log_probs[torch.arange(len(targets)), targets]")),)),
        Mistake("ce-ignore-fixed", L(zh="总是忽略 -100，没有用 ignore_index 参数",
                en="-100 is always ignored, whatever ignore_index"), _IGNORE,
                ("targets != ignore_index", "targets != -100"), skill="mask"),
        Mistake("ce-ignore-inverted", L(zh="只算了被忽略的词", en="only the ignored targets are counted"), _IGNORE,
                ("targets != ignore_index", "targets == ignore_index"), skill="mask"),
        Mistake("ce-all-ignored-nan", L(zh="全部被忽略时得到 nan", en="a batch where all is ignored gives nan"),
                L(zh="空张量的平均是多少？题目要 0。", en="What is the mean of nothing? The task asks for 0."),
                ("if len(targets) == 0:", "if False:"), skill="edge"),
        Mistake("ce-smooth-ignored", L(zh="标签平滑那一项没有忽略该忽略的词",
                en="the smoothing term still counts ignored targets"), _SMOOTH,
                program=lambda logits, targets, ignore_index=-100,
                label_smoothing=0.0: _smooth_ignored(logits, targets, ignore_index,
                        label_smoothing), skill="mask", hint=3,
                also=(lambda logits, targets, ignore_index=-100,
                label_smoothing=0.0: _smooth_ignored(logits, targets, ignore_index,
                        label_smoothing, True),)),
        Mistake("ce-smooth-K-1", L(zh="平滑的概率分给了另外 K-1 个类",
                en="the smoothing goes to the other K-1 classes"),
                L(zh="本题给每个类 ε/K，正确的类也有一份。",
                en="In this task every class gets ε/K, the right one as well."),
                ("smooth = -log_probs.mean(dim=-1)",
                        "smooth = (-log_probs.sum(dim=-1) - hard) / (logits.shape[1] - 1)"), convention=True,
                skill="formula", hint=3),
        Mistake("ce-smooth-sum", L(zh="平滑项没有除以 K", en="the smoothing term is not divided by K"), _SMOOTH,
                ("-log_probs.mean(dim=-1)", "-log_probs.sum(dim=-1)"), skill="count", hint=3),
        Mistake("ce-smooth-missing", L(zh="没有用 label_smoothing", en="label_smoothing is not used"), _SMOOTH,
                ("((1 - label_smoothing) * hard + label_smoothing * smooth)", "hard"), skill="formula", hint=3),
        Mistake("ce-smooth-added", L(zh="平滑项加上去了，但正确类的权重没有减到 1-ε",
                en="the smoothing is added without lowering the right class to 1-ε"),
                _SMOOTH, ("(1 - label_smoothing) * hard", "hard"), skill="formula", hint=3),
        Mistake("ce-smooth-swapped", L(zh="ε 和 1-ε 用反了", en="ε and 1-ε are exchanged"), _SMOOTH,
                ("(1 - label_smoothing) * hard + label_smoothing * smooth",
                "label_smoothing * hard + (1 - label_smoothing) * smooth"), skill="formula", hint=3),
        Mistake("ce-sum", L(zh="求和而没有平均", en="the losses are added, not averaged"), _MEAN,
                (".mean()\n", ".sum()\n"), skill="count",
                hint=1),
        Mistake("ce-axis", L(zh="softmax 沿样本轴而不是类别轴", en="softmax runs over the examples, not the classes"),
                L(zh="每个样本的 K 个概率加起来是 1。", en="An example's K probabilities sum to 1."),
                ("logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                        "logits - torch.logsumexp(logits, dim=0, keepdim=True)"), skill="axis", hint=1),
        Mistake("ce-sign", L(zh="少了负号", en="the minus sign is missing"),
                L(zh="损失不会是负的。", en="A loss is never negative."),
                ("return (", "return -("), skill="formula", hint=1),
        Mistake("ce-clamped", L(zh="对数概率被截断，大损失变小了",
                en="log-probabilities are clamped, which caps large losses"), _STABLE,
                ("hard = -log_probs", "hard = -log_probs.clamp(min=-100)"),
                ("smooth = -log_probs", "smooth = -log_probs.clamp(min=-100)"),
                        skill="stability", hint=1),
        Mistake("ce-smooth-default", L(zh="label_smoothing 的默认值不是 0",
                en="label_smoothing is 0.1 by default, not 0"),
                L(zh="题目里 label_smoothing=0.0。", en="The task says label_smoothing=0.0."),
                ("label_smoothing=0.0", "label_smoothing=0.1"), skill="formula", hint=3),
        Mistake("ce-base-2", L(zh="用了以 2 为底的对数", en="the logarithm is to base 2"),
                L(zh="本课的对数都以 e 为底。", en="Logarithms are natural throughout this course."), (".mean()\n",
                ".mean() / math.log(2)\n"), convention=True, skill="formula", hint=1),
        Mistake("ce-per-example", L(zh="返回了每个样本的损失，没有平均", en="one loss per example is returned"),
                _MEAN, (".mean()\n", "\n"), skill="count",
                hint=1),
        Mistake("ce-smooth-no-share", L(zh="正确的类只有 1-ε，没有加上它自己的那份 ε/K",
                en="the right class gets 1-ε alone, without its own share of ε/K"), _SMOOTH,
                ("smooth = -log_probs.mean(dim=-1)", "smooth = -log_probs.mean(dim=-1) - hard / logits.shape[1]"),
                skill="formula", hint=3),
        Mistake("ce-logits-clamped", L(zh="先把 logits 截断到了一个范围里",
                en="the logits are clamped to a range first"), _STABLE,
                ("logits, targets = logits[kept], targets[kept]",
                "logits, targets = logits[kept].clamp(-50, 50), targets[kept]"),
                skill="stability", hint=1,
                also=tuple((("logits, targets = logits[kept], targets[kept]",
                f"logits, targets = logits[kept].clamp(-{top}, {top}), targets[kept]"),)
                           for top in (20, 30, 80, 100))
                + ((("logits, targets = logits[kept], targets[kept]",
                "logits, targets = logits[kept].clamp(max=50), targets[kept]"),),
                   (("logits, targets = logits[kept], targets[kept]",
                "logits, targets = logits[kept].clamp(max=80), targets[kept]"),))),
        Mistake("ce-div-K", L(zh="又除以了类别数 K", en="it is divided by the number of classes K as well"), _MEAN,
                (".mean()\n", ".mean() / logits.shape[1]\n"), skill="count", hint=1),
        Mistake("no-log-softmax", L(zh="没有归一化，直接用了 logits", en="raw logits are used, without log-softmax"),
                L(zh="logits 还不是对数概率。", en="Logits are not yet log-probabilities."),
                ("logits - torch.logsumexp(logits, dim=-1, keepdim=True)", "logits + 0"), skill="formula", hint=1),
        Mistake("no-log", L(zh="用的是概率，没有取对数", en="probabilities are used, not their logarithms"),
                L(zh="一个样本的损失是 -log p。", en="One example's loss is -log p."),
                ("logits - torch.logsumexp(logits, dim=-1, keepdim=True)", "torch.softmax(logits, dim=-1)"),
                skill="formula", hint=1,
                also=((("logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                "torch.softmax(logits, dim=-1) - 1"),),)),
        Mistake("ce-keepdim", L(zh="logsumexp 没有 keepdim，减到了错的轴上",
                en="logsumexp lacks keepdim, so that it is subtracted along the wrong axis"),
                L(zh="[N,K] 减 [N] 时，[N] 对着的是列。",
                en="When [N] is taken from [N,K], the [N] lies along the columns."),
                ("dim=-1, keepdim=True", "dim=-1"), skill="axis", hint=1),
        Mistake("ce-max-lost", L(zh="logsumexp 里减去的最大值没有加回来",
                en="the maximum subtracted inside logsumexp is not added back"), _STABLE,
                ("torch.logsumexp(logits, dim=-1, keepdim=True)",
                 "torch.log(torch.exp(logits - logits.amax(-1, keepdim=True)).sum(-1, keepdim=True))"),
                skill="formula", hint=1),
        Mistake("ce-smooth-others-added", L(zh="平滑只加给了别的类，正确的类的权重仍是 1",
                en="the smoothing is added over the other classes while the right one keeps its full weight"),
                _SMOOTH,
                ("(1 - label_smoothing) * hard", "hard"), ("smooth = -log_probs.mean(dim=-1)",
                "smooth = -log_probs.mean(dim=-1) - hard / logits.shape[1]"), skill="formula", hint=3),
        Mistake("ce-exp-loss", L(zh="又取了 exp，返回的是困惑度", en="exp is taken at the end: it is a perplexity"),
                L(zh="题目要的是损失。", en="The task asks for the loss."),
                ("return ((1 - label_smoothing) * hard + label_smoothing * smooth).mean()",
                "return ((1 - label_smoothing) * hard + label_smoothing * smooth).mean().exp()"), skill="formula",
                hint=1),
        Mistake("softmax-global-max", L(zh="减的是全体 logits 的最大值，不是每行的：远低于它的行下溢",
                en="the maximum of all logits is subtracted, not each row's: rows far below it underflow"), _STABLE,
                ("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                 "logits = logits - logits.max()\n    log_probs = logits - logits.exp().sum(dim=-1, keepdim=True).log()"), skill="stability", hint=1,
                also=((("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                 "log_probs = (lambda e: (e / e.sum(dim=-1, keepdim=True)).log())((logits - logits.max()).exp())"),),
                )),
        Mistake("ce-smooth-div-K-1", L(zh="所有 K 个类的损失之和除以了 K-1",
                en="the sum over all K classes is divided by K-1"), _SMOOTH,
                ("-log_probs.mean(dim=-1)", "-log_probs.sum(dim=-1) / (logits.shape[1] - 1)"), skill="count", hint=3),
    ),
    alternatives=(cross_entropy_log_softmax, cross_entropy_loop, cross_entropy_select, cross_entropy_max, cross_entropy_double),
    think=L(zh="均匀猜测 K 个类，损失是多少？", en="What is the loss of a uniform guess among K classes?"),
)


def _smooth_ignored(logits, targets, ignore_index, label_smoothing, over_all=False):
    kept, log_probs = targets != ignore_index, torch.log_softmax(logits, -1)
    if not kept.any():
        return logits.sum() * 0.0
    hard = -log_probs[kept].gather(1, targets[kept, None]).sum()
    smooth = -log_probs.mean() * kept.sum() if over_all else -log_probs.mean(-1).sum()
    return ((1 - label_smoothing) * hard + label_smoothing * smooth) / kept.sum()


# --- loss.softmax_gradient -----------------------------------------------------------------------------------------

def cross_entropy_gradient(logits, targets):
    """Gradient of the mean cross-entropy with respect to the logits, by formula: (softmax - one_hot) / N.

    logits: [N, K]; targets: long [N]. Returns [N, K]; no autograd.
    """
    N, K = logits.shape
    gradient = torch.softmax(logits, dim=-1)
    gradient[torch.arange(N), targets] -= 1
    return gradient / N


def gradient_one_hot(logits, targets):
    return (logits.softmax(1) - F.one_hot(targets, logits.shape[1])) / len(targets)


def gradient_numpy(logits, targets):
    import numpy as np
    x = logits.numpy().astype("float64")
    p = np.exp(x - x.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return (p - np.eye(x.shape[1])[targets.numpy()]) / x.shape[0]


def gradient_loop(logits, targets):
    out = []
    for row, target in zip(logits.tolist(), targets.tolist()):
        weights = [math.exp(x - max(row)) for x in row]
        out.append([(w / sum(weights) - (j == target)) / len(targets) for j, w in enumerate(weights)])
    return torch.tensor(out)


def gradient_scatter(logits, targets):
    p = (logits - logits.logsumexp(-1, keepdim=True)).exp()
    return p.scatter_add(1, targets[:, None], -torch.ones(len(targets), 1)).div(logits.size(0))


def gradient_jacobian(logits, targets):
    p = logits.double().softmax(-1)
    jacobian = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]            # (N, K, K)
    upstream = -F.one_hot(targets, logits.shape[1]) / p.clamp(min=1e-300) / len(targets)
    return torch.einsum("nk,nkj->nj", upstream, jacobian)


def gradient_in_place(logits, targets):
    own = logits.sub(logits.amax(1, keepdim=True)).exp_()
    own.div_(own.sum(1, keepdim=True)).sub_(torch.eye(logits.shape[1])[targets])
    return own.div_(len(own))


def _gradient_cases(draw: Draw) -> list[Case]:
    return [
        Case(L(zh="2 个样本，3 类", en="2 examples, 3 classes"), (draw.grid(2, 3), torch.tensor([2, 0]))),
        Case(L(zh="N=5，K=7", en="N=5, K=7"), (draw.normal(5, 7, scale=2.0), draw.ints(7, 5))),
        Case(L(zh="N=K=4", en="N=K=4"), (draw.normal(4, 4), draw.permutation(4))),
        Case(L(zh="N=1", en="N=1"), (draw.normal(1, 6), draw.ints(6, 1))),
        Case(L(zh="同一类出现多次", en="one class many times"), (draw.normal(8, 3), torch.tensor([1, 1, 0, 1, 2, 1, 1, 0]))),
        Case(L(zh="logits 在 120 附近", en="logits near 120"), (120 + draw.grid(6, 5), draw.ints(5, 6)),
                L(zh="数值稳定性", en="numerical stability")),
        Case(L(zh="有的行在 120 附近，有的在 -120 附近", en="some rows near 120, others near -120"),
             (draw.grid(4, 5) + 120 * (-1.0) ** torch.arange(4)[:, None], draw.ints(5, 4)), L(zh="数值稳定性", en="numerical stability")),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), (draw.normal(4, 9).T, draw.ints(4, 9))),
    ]


_P_MINUS_Y = L(zh="对一个样本：梯度 = p - y，y 是 one-hot。", en="For one example the gradient is p - y, where y is one-hot.")

GRADIENT = Exercise(
    id="loss.softmax_gradient", title=L(zh="手推交叉熵的梯度",
            en="The gradient of cross-entropy by hand"), reference=cross_entropy_gradient, returns=Array("N K"), cases=_gradient_cases,
    forbidden={"backward": "backward", "grad": "torch.autograd.grad"},
    hints=(
        L(zh="先推一个样本：L = logsumexp(z) - z_y。对 z_k 求导，第一项给出什么？",
                en="Derive it for one example: L = logsumexp(z) - z_y. What does the first term give when derived by z_k?"),
        L(zh="logsumexp 的导数就是 softmax；第二项只在正确的类上给出 -1。",
                en="The derivative of logsumexp is softmax; the second term gives -1 at the right class only."),
        L(zh="损失是 N 个样本的平均，梯度也要除以 N。", en="The loss is a mean over N examples, so the gradient is divided by N as well."),
    ),
    mistakes=(
        Mistake("grad-no-mean", L(zh="没有除以 N", en="it is not divided by N"),
                L(zh="损失是平均，不是求和。", en="The loss is a mean, not a sum."),
                ("return gradient / N", "return gradient"), skill="count", hint=3),
        Mistake("grad-div-K", L(zh="除以了 K 而不是 N", en="it is divided by K, not N"),
                L(zh="平均是对谁取的？", en="What is the mean taken over?"),
                ("gradient / N", "gradient / K"), skill="count", hint=3),
        Mistake("grad-div-NK", L(zh="除以了 N·K", en="it is divided by N*K"),
                L(zh="平均只对 N 个样本取。", en="The mean is over N examples only."),
                ("gradient / N", "gradient / (N * K)"), skill="count", hint=3),
        Mistake("grad-sign", L(zh="符号反了：y - p", en="the sign is reversed: y - p"), _P_MINUS_Y,
                ("return gradient / N", "return -gradient / N"), skill="formula"),
        Mistake("grad-no-onehot", L(zh="没有减去 one-hot，只返回了 softmax",
                en="one-hot is not subtracted: it is the softmax alone"), _P_MINUS_Y,
                ("    gradient[torch.arange(N), targets] -= 1\n", ""), skill="formula"),
        Mistake("grad-no-softmax", L(zh="用 logits 减 one-hot，没有做 softmax",
                en="one-hot is subtracted from the logits, without softmax"),
                _P_MINUS_Y, ("torch.softmax(logits, dim=-1)", "logits.clone()"), skill="formula"),
        Mistake("grad-one-hot-only", L(zh="只有 -one-hot，少了 softmax 那一项",
                en="it is minus one-hot alone: the softmax term is missing"),
                _P_MINUS_Y, ("torch.softmax(logits, dim=-1)", "torch.zeros_like(logits)"), skill="formula"),
        Mistake("softmax-axis", L(zh="softmax 沿样本轴", en="softmax runs over the examples"),
                L(zh="每个样本的 K 个概率加起来是 1。", en="An example's K probabilities sum to 1."),
                ("dim=-1", "dim=0"), skill="axis"),
        Mistake("grad-of-probs", L(zh="求的是 -log p 对 p 的导数，漏了 softmax 的链式法则",
                en="it is the derivative of -log p by p: the chain rule through softmax is missing"),
                        L(zh="链式法则：还要乘上 p 对 logits 的导数。",
                en="Chain rule: times the derivative of p by the logits."),
                ("    gradient[torch.arange(N), targets] -= 1\n",
                        "    gradient = -torch.nn.functional.one_hot(targets, K) / gradient\n"), skill="formula",
                hint=1),
        Mistake("grad-sigmoid", L(zh="用了 sigmoid 而不是 softmax", en="a sigmoid stands where softmax should"),
                _P_MINUS_Y,
                ("torch.softmax(logits, dim=-1)", "torch.sigmoid(logits)"), skill="formula"),
        Mistake("grad-column-slice", L(zh="`g[:, targets] -= 1` 改了每一行的这些列，而不是每行一格",
                en="`g[:, targets] -= 1` changes these columns in every row, not one cell a row"),
                        L(zh="每行只有一格要减 1：行下标和列下标要成对。",
                en="One cell a row gets -1: row and column indices come in pairs."),
                ("gradient[torch.arange(N), targets]", "gradient[:, targets]"), skill="axis"),
        Mistake("overflow-exp", L(zh="手写的 exp 没有减去最大值，大 logits 溢出",
                en="a hand-written exp without subtracting the maximum overflows at large logits"), _STABLE,
                ("torch.softmax(logits, dim=-1)", "logits.exp() / logits.exp().sum(-1, keepdim=True)"),
                skill="stability"),
        Mistake("grad-inplace", L(zh="在调用者的 logits 上就地计算",
                en="it is computed in place, on the caller's logits"),
                L(zh="带下划线的方法和 `-=` 会改动传进来的张量。",
                en="Methods that end in an underscore and `-=` change the tensor that was passed in."),
                ("torch.softmax(logits, dim=-1)", "logits.copy_(torch.softmax(logits, dim=-1))"), skill="alias",
                hint=1),
        Mistake("grad-target-only", L(zh="只有正确的类有梯度，其余的类是 0",
                en="only the right class gets a gradient; the other classes get 0"),
                L(zh="分母里有每个类的 logit，所以每个类都有梯度。",
                en="Every class's logit stands in the denominator, so every class has a gradient."),
                ("return gradient / N", "return gradient * torch.nn.functional.one_hot(targets, K) / N"),
                skill="formula", hint=1),
        Mistake("grad-softmax-derivative", L(zh="里面有 p·(1-p)，那是 sigmoid 的导数",
                en="p·(1-p) stands in it, which is the derivative of a sigmoid"),
                L(zh="softmax 和 log 的导数合在一起，正好约成 p - y。",
                en="Softmax and the logarithm together leave p - y."),
                ("    gradient[torch.arange(N), targets] -= 1\n", "    gradient = gradient * (1 - gradient)\n"),
                skill="formula", hint=1,
                also=((("    gradient[torch.arange(N), targets] -= 1\n",
                        "    gradient = (gradient - torch.nn.functional.one_hot(targets, K)) * gradient * (1 - gradient)\n"),),
                      (("    gradient[torch.arange(N), targets] -= 1\n",
                        "    gradient = gradient * (1 - gradient) - torch.nn.functional.one_hot(targets, K) * gradient\n"),),
                      (("    gradient[torch.arange(N), targets] -= 1\n",
                        "    gradient = gradient * (torch.nn.functional.one_hot(targets, K) - gradient)\n"),))),
        Mistake("grad-one-hot-width", L(zh="one_hot 没有给类别数，宽度随标签变",
                en="one_hot is not told the number of classes, so that its width depends on the labels"),
                L(zh="`F.one_hot` 的第二个参数是类别数 K。",
                en="The second argument of `F.one_hot` is the number of classes K."),
                ("    gradient[torch.arange(N), targets] -= 1\n",
                "    gradient = gradient - torch.nn.functional.one_hot(targets)\n"), skill="edge", hint=2),
        Mistake("grad-keepdim", L(zh="手写 softmax 求和时没有 keepdim",
                en="the sum of a hand-written softmax lacks keepdim"),
                L(zh="[N,K] 除以 [N] 时，[N] 对着的是列。",
                en="When [N,K] is divided by [N], the [N] lies along the columns."),
                ("torch.softmax(logits, dim=-1)",
                "(lambda e: e / e.sum(-1))((logits - logits.amax(-1, keepdim=True)).exp())"), skill="axis", hint=2,
                also=((("torch.softmax(logits, dim=-1)", "(lambda e: e / e.sum(-1))(logits.exp())"),),)),
        Mistake("grad-log-softmax", L(zh="用的是 log_softmax 而不是 softmax",
                en="log_softmax stands where softmax should"), _P_MINUS_Y,
                ("torch.softmax(logits, dim=-1)", "torch.log_softmax(logits, dim=-1)"), skill="formula"),
        Mistake("grad-mean-one-term", L(zh="只有一项除以了 N：softmax 和 one-hot 要一起除",
                en="only one term is divided by N: softmax and one-hot both need it"),
                L(zh="除以 N 的是整个 p - y。", en="It is the whole of p - y that is divided by N."),
                ("targets] -= 1\n    return gradient / N", "targets] -= 1 / N\n    return gradient"), skill="count",
                hint=3,
                also=((("targets] -= 1\n    return gradient / N", "targets] -= N\n    return gradient / N"),),)),
        Mistake("grad-plus-onehot", L(zh="one-hot 是加上去的，不是减", en="one-hot is added, not subtracted"),
                _P_MINUS_Y, ("-= 1", "+= 1"), skill="formula"),
        Mistake("grad-flat-sum", L(zh="把每一类的梯度在样本上加了起来",
                en="the gradients are summed over the examples"),
                L(zh="结果的形状是 [N, K]：每个样本一行。", en="The result is [N, K]: one row an example."),
                ("return gradient / N", "return gradient.sum(0) / N"), skill="axis"),
        Mistake("softmax-global-max", L(zh="减的是全体 logits 的最大值，不是每行的：远低于它的行成了 0/0",
                en="the maximum of all logits is subtracted, not each row's: rows far below it become 0/0"), _STABLE,
                ("torch.softmax(logits, dim=-1)",
                "(lambda e: e / e.sum(-1, keepdim=True))((logits - logits.max()).exp())"), skill="stability"),
        Mistake("grad-target-zeroed", L(zh="正确的类的那一格被改写成了 0 或 -1，没有减 1",
                en="the right class's cell is overwritten with 0 or -1 instead of losing 1"), _P_MINUS_Y,
                ("gradient[torch.arange(N), targets] -= 1", "gradient[torch.arange(N), targets] = 0"),
                skill="formula",
                also=((("gradient[torch.arange(N), targets] -= 1", "gradient[torch.arange(N), targets] = -1"),),)),
    ),
    alternatives=(gradient_one_hot, gradient_numpy, gradient_loop, gradient_scatter, gradient_jacobian, gradient_in_place),
    think=L(zh="预测完全正确时梯度是多少？预测错得很自信时呢？", en="What is the gradient of a perfect prediction? Of a confident wrong one?"),
)


# --- loss.next_token -----------------------------------------------------------------------------------------------

def next_token_loss(logits, ids, pad_id):
    """Mean next-token loss: logits[:, t] predicts ids[:, t + 1].

    logits: [B, T, V]; ids: long [B, T]. The mean runs over predicted positions whose target is not pad_id; none gives 0.
    """
    log_probs = torch.log_softmax(logits[:, :-1], dim=-1)    # (B, T - 1, V)
    targets = ids[:, 1:]
    picked = log_probs.gather(-1, targets[..., None]).squeeze(-1)
    kept = (targets != pad_id).to(picked.dtype)              # (B, T - 1)
    return -(picked * kept).sum() / kept.sum().clamp(min=1)


def next_token_flat(logits, ids, pad_id):
    V = logits.shape[-1]
    targets = ids[:, 1:].reshape(-1)
    if (targets == pad_id).all():
        return torch.zeros(())
    return F.cross_entropy(logits[:, :-1].reshape(-1, V), targets, ignore_index=pad_id)


def next_token_loop(logits, ids, pad_id):
    total, count = 0.0, 0
    for b in range(ids.shape[0]):
        for t in range(ids.shape[1] - 1):
            if ids[b, t + 1] != pad_id:
                total -= logits[b, t].log_softmax(0)[ids[b, t + 1]]
                count += 1
    return total / count if count else 0


def next_token_select(logits, ids, pad_id):
    keep = ids[:, 1:] != pad_id
    rows, goal = logits[:, :-1][keep], ids[:, 1:][keep]
    losses = rows.logsumexp(-1) - rows[torch.arange(len(goal)), goal]
    return losses.mean() if len(goal) else losses.sum()


def next_token_maximum(logits, ids, pad_id):
    x, y = logits[:, :-1].double(), ids[:, 1:]
    x = x - x.max(-1, keepdim=True).values.detach()
    log_p = x - torch.exp(x).sum(-1, keepdim=True).log()
    nll = -torch.take_along_dim(log_p, y[..., None], -1)[..., 0]
    return (nll * (y != pad_id)).sum() / max(int((y != pad_id).sum()), 1)


def next_token_transposed(logits, ids, pad_id):
    labels = torch.where(ids == pad_id, -100, ids).roll(-1, dims=1)
    labels[:, -1] = -100
    losses = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    return losses.sum() / max(int((labels != -100).sum()), 1)


def _next_token_cases(draw: Draw) -> list[Case]:
    def text(B, T, V, low=1):
        return torch.stack([draw.permutation(V - low)[:T] + low if V - low >= T else draw.ints(V, T, low=low) for _ in range(B)])

    def padded(ids, lengths, pad):
        return torch.where(torch.arange(ids.shape[1]) < torch.tensor(lengths)[:, None], ids, pad)

    pads, none = L(zh="填充", en="padding"), L(zh="没有可预测的词", en="no position to predict")
    stable = L(zh="数值稳定性", en="numerical stability")
    middle = text(2, 6, 9)
    middle[0, 2], middle[1, 0] = 0, 0
    return [
        Case(L(zh="B=1，T=3，V=3", en="B=1, T=3, V=3"), (draw.grid(1, 3, 3), torch.tensor([[0, 2, 1]]), 9)),
        Case(L(zh="B=2，T=5，V=8，无填充", en="B=2, T=5, V=8, no pads"), (draw.normal(2, 5, 8, scale=2.0), text(2, 5, 8), 0)),
        Case(L(zh="T=V=6", en="T=V=6"), (draw.normal(3, 6, 6, scale=2.0), text(3, 6, 6), 0)),
        Case(L(zh="右侧填充，pad_id=0", en="padding on the right, pad_id=0"),
                (draw.normal(3, 6, 9, scale=2.0), padded(text(3, 6, 9), [6, 3, 2], 0), 0), pads),
        Case(L(zh="pad_id=V-1", en="pad_id=V-1"), (draw.normal(2, 7, 10, scale=2.0), padded(draw.ints(9, 2, 7), [4, 6], 9), 9), pads),
        Case(L(zh="左侧填充", en="padding on the left"),
                (draw.normal(2, 5, 9, scale=2.0), torch.where(torch.arange(5) < torch.tensor([[2], [1]]), 0, text(2, 5, 9)), 0), pads),
        Case(L(zh="pad 出现在中间和开头", en="pads in the middle and at the start"), (draw.normal(2, 6, 9, scale=2.0), middle, 0), pads),
        Case(L(zh="一句几乎全是填充，两句损失悬殊", en="one text almost all pads, losses far apart"),
                (torch.cat([draw.normal(1, 6, 5), draw.normal(1, 6, 5, scale=8.0)]), padded(text(2, 6, 5), [6, 2], 0), 0), pads),
        Case(L(zh="目标全是填充", en="every target is a pad"), (draw.normal(2, 4, 5), padded(text(2, 4, 5), [1, 1], 0), 0), none),
        Case(L(zh="T=1", en="T=1"), (draw.normal(2, 1, 5), draw.ints(5, 2, 1, low=1), 0), none),
        Case(L(zh="B=1，T=2", en="B=1, T=2"), (draw.normal(1, 2, 4), text(1, 2, 4), 0)),
        Case(L(zh="logits 都在 1000 附近", en="logits all near 1000"), (1000 + draw.grid(2, 4, 5, top=10), text(2, 4, 5), 0), stable),
        Case(L(zh="logits 都在 -1000 附近", en="logits all near -1000"), (draw.grid(2, 4, 5, top=10) - 1000, text(2, 4, 5), 0), stable),
        Case(L(zh="有的行在 1000 附近，有的在 -1000 附近", en="some rows near 1000, others near -1000"),
             (draw.grid(2, 4, 5, top=10) + 1000 * (-1.0) ** torch.arange(4)[:, None], text(2, 4, 5), 0), stable),
    ]


_ALIGN = L(zh="logits 去掉最后一个位置，ids 去掉第一个：两者才对得上。", en="Drop the last position of logits and the first of ids; then they line up.")
_PADS = L(zh="忽略的是“目标是 pad”的位置。掩码看的是 ids[:, 1:] 还是 ids[:, :-1]？",
        en="Positions whose target is a pad are left out. Does the mask look at ids[:, 1:] or ids[:, :-1]?")

NEXT_TOKEN = Exercise(
    id="loss.next_token", title=L(zh="预测下一个词的损失",
            en="The next-token loss"), reference=next_token_loss, returns=Scalar, cases=_next_token_cases, gradients=(0,),
    differentiable=True,
    hints=(
        L(zh="位置 t 的 logits 预测位置 t+1 的词。哪一行 logits 没有目标？哪个词没有预测？",
                en="The logits at t predict the token at t+1. Which row of logits has no target, and which token no prediction?"),
        L(zh="`logits[:, :-1]` 和 `ids[:, 1:]` 对齐，形状是 [B,T-1,V] 和 [B,T-1]。",
                en="`logits[:, :-1]` lines up with `ids[:, 1:]`: [B,T-1,V] and [B,T-1]."),
        L(zh="分子分母都只算目标不是 pad 的位置；一个都没有时返回 0，而不是 0/0。",
                en="Numerator and denominator run over targets that are not pads; with none at all return 0 rather than 0/0."),
    ),
    mistakes=(
        Mistake("shift-none", L(zh="没有错位：每个位置预测它自己",
                en="nothing is shifted: each position predicts itself"), _ALIGN,
                ("logits[:, :-1]", "logits"), ("ids[:, 1:]", "ids"), skill="shift"),
        Mistake("shift-wrong-way", L(zh="错位的方向反了：预测的是前一个词",
                en="the shift goes the wrong way: the previous token is predicted"), _ALIGN,
                ("logits[:, :-1]", "logits[:, 1:]"), ("ids[:, 1:]", "ids[:, :-1]"), skill="shift"),
        Mistake("shift-drops-both", L(zh="两边都去掉了最后一个位置，其实没有错位",
                en="both lose their last position, so that nothing is shifted"), _ALIGN,
                ("ids[:, 1:]", "ids[:, :-1]"), skill="shift"),
        Mistake("shift-drops-first", L(zh="两边都去掉了第一个位置，其实没有错位",
                en="both lose their first position, so that nothing is shifted"), _ALIGN,
                ("logits[:, :-1]", "logits[:, 1:]"), skill="shift"),
        Mistake("shift-twice", L(zh="错位了两次：预测的是 t+2", en="it is shifted twice: t+2 is predicted"), _ALIGN,
                ("logits[:, :-1]", "logits[:, :-2]"), ("ids[:, 1:]", "ids[:, 2:]"), skill="shift"),
        Mistake("shift-pad", L(zh="没有忽略填充", en="pads are not left out"), _PADS,
                ("(targets != pad_id)", "torch.ones_like(targets)"),
                skill="mask", hint=3),
        Mistake("pad-denominator", L(zh="分母里数了填充", en="pads are counted in the denominator"),
                L(zh="分母应是没有被忽略的位置数。", en="The denominator counts the positions that are kept."),
                ("kept.sum().clamp(min=1)",
                "max(kept.numel(), 1)"), skill="count", hint=3,
                also=((("kept.sum().clamp(min=1)", "kept.numel()"),),)),
        Mistake("labels-not-shifted-mask", L(zh="掩码没有跟着错位：看的是输入词而不是目标词",
                en="the mask is not shifted: it looks at the input token, not the target"), _PADS,
                        ("targets != pad_id", "ids[:, :-1] != pad_id"), skill="shift", hint=3),
        Mistake("first-token-counted", L(zh="分母多数了没有被预测的第一个词",
                en="the denominator counts the first token, which nothing predicts"),
                L(zh="每句有 T-1 个预测。", en="A text of T tokens has T-1 predictions."), ("kept.sum()",
                "(ids != pad_id).sum()"), skill="count", hint=3),
        Mistake("ppl-mean-of-means", L(zh="先对每句求平均，再对句子求平均",
                en="each text is averaged first, then the texts"),
                L(zh="长句和短句的词应有同样的权重。", en="Tokens weigh the same in long and in short texts."),
                ("-(picked * kept).sum() / kept.sum().clamp(min=1)",
                        "-((picked * kept).sum(1) / kept.sum(1).clamp(min=1)).mean()"), skill="count", hint=3,
                also=((("-(picked * kept).sum() / kept.sum().clamp(min=1)",
                "-((picked * kept).sum(1) / kept.sum(1)).mean()"),),
                      (("-(picked * kept).sum() / kept.sum().clamp(min=1)",
                "-((picked * kept).sum(1) / kept.sum(1)).nanmean().nan_to_num(0.0)"),))),
        Mistake("loss-sum", L(zh="求和而没有平均", en="the losses are added, not averaged"),
                L(zh="题目要平均。", en="The task asks for the mean."),
                (" / kept.sum().clamp(min=1)", ""), skill="count", hint=3),
        Mistake("none-nan", L(zh="没有可预测的词时得到 nan", en="without any position to predict it gives nan"),
                L(zh="0/0 时题目要 0。", en="The task asks for 0 in place of 0/0."), (".clamp(min=1)", ""),
                skill="edge", hint=3),
        Mistake("loss-sign", L(zh="少了负号", en="the minus sign is missing"),
                L(zh="损失不会是负的。", en="A loss is never negative."),
                ("return -(", "return (" ), skill="formula"),
        Mistake("no-log-softmax", L(zh="没有归一化，直接用了 logits", en="raw logits are used, without log-softmax"),
                L(zh="logits 还不是对数概率。", en="Logits are not yet log-probabilities."),
                ("torch.log_softmax(logits[:, :-1], dim=-1)",
                "logits[:, :-1]"), skill="formula"),
        Mistake("softmax-axis", L(zh="softmax 沿时间轴而不是词表轴",
                en="softmax runs over time instead of the vocabulary"),
                L(zh="每个位置的 V 个概率加起来是 1。", en="At each position the V probabilities sum to 1."),
                ("dim=-1)    #",
                "dim=1)    #"), skill="axis"),
        Mistake("first-text-only", L(zh="只算了第一句", en="only the first text counts"),
                L(zh="批里的每一句都要算。", en="Every text of the batch counts."),
                ("kept = (targets != pad_id).to(picked.dtype)",
                        "kept = (targets != pad_id).to(picked.dtype) * (torch.arange(len(ids)) == 0)[:, None]"),
                skill="axis"),
        Mistake("shift-view", L(zh="先展平再错位：一句的末尾去预测下一句的开头",
                en="it is flattened before the shift, so that one text's end predicts the next one's start"),
                        L(zh="先错位，再展平。", en="Shift first, flatten after."),
                program=lambda logits, ids, pad_id: _flat_shift(logits, ids, pad_id), skill="shift"),
        Mistake("shift-wraps", L(zh="最后一个位置去预测了第一个词（roll 绕了回来）",
                en="the last position is made to predict the first token: roll wraps round"),
                L(zh="roll 之后最后一个位置没有目标，要去掉。",
                en="After roll the last position has no target and must be dropped."),
                ("logits[:, :-1]", "logits"), ("ids[:, 1:]", "ids.roll(-1, 1)"), skill="shift"),
        Mistake("pad-inputs-dropped", L(zh="输入是 pad 的位置也去掉了",
                en="positions whose input is a pad are left out as well"), _PADS,
                ("(targets != pad_id)", "((targets != pad_id) & (ids[:, :-1] != pad_id))"), skill="mask", hint=3),
        Mistake("denominator-all-ids", L(zh="分母是 B·T：填充和第一个词都数了",
                en="the denominator is B * T, which counts pads and first tokens"),
                L(zh="分母应是没有被忽略的位置数。", en="The denominator counts the positions that are kept."),
                ("kept.sum().clamp(min=1)", "ids.numel()"), skill="count", hint=3),
        Mistake("pad-fixed-0", L(zh="总是忽略 0，没有用 pad_id", en="id 0 is always left out, whatever pad_id"),
                _PADS,
                ("targets != pad_id", "targets != 0"), skill="mask", hint=3),
        Mistake("pad-inverted", L(zh="只算了目标是 pad 的位置", en="only positions whose target is a pad count"),
                _PADS,
                ("targets != pad_id", "targets == pad_id"), skill="mask", hint=3),
        Mistake("no-log", L(zh="用的是概率，没有取对数", en="probabilities are used, not their logarithms"),
                L(zh="损失是 -log p。", en="The loss is -log p."), ("log_softmax", "softmax"), skill="formula"),
        Mistake("mean-over-texts", L(zh="除以了句子数，不是词数",
                en="it is divided by the number of texts, not of tokens"),
                L(zh="平均是对词取的。", en="The mean runs over tokens."), ("kept.sum().clamp(min=1)", "len(ids)"),
                skill="count", hint=3),
        Mistake("loss-per-token", L(zh="返回了每个位置的损失，没有平均",
                en="one loss per position is returned, not their mean"),
                L(zh="题目要一个标量。", en="The task asks for a scalar."),
                ("-(picked * kept).sum() / kept.sum().clamp(min=1)", "-(picked * kept)"),
                skill="count", hint=3),
        Mistake("overflow-exp", L(zh="手写的 exp 没有减去最大值，大 logits 溢出",
                en="a hand-written exp without subtracting the maximum overflows at large logits"), _STABLE,
                ("torch.log_softmax(logits[:, :-1], dim=-1)",
                "(logits[:, :-1].exp() / logits[:, :-1].exp().sum(-1, keepdim=True)).log()"),
                skill="stability", hint=2, also=((("torch.log_softmax(logits[:, :-1], dim=-1)",
                "logits[:, :-1] - logits[:, :-1].exp().sum(-1, keepdim=True).log()"),),)),
        Mistake("softmax-twice", L(zh="softmax 做了两次", en="softmax is applied twice"),
                L(zh="log_softmax 要的是 logits，不是概率。", en="Log-softmax takes logits, not probabilities."),
                ("torch.log_softmax(logits[:, :-1], dim=-1)",
                "torch.log_softmax(logits[:, :-1].softmax(-1), dim=-1)"), skill="formula"),
        Mistake("returns-perplexity", L(zh="又取了 exp，返回的是困惑度",
                en="exp is taken at the end: it is a perplexity"),
                L(zh="题目要的是损失。", en="The task asks for the loss."),
                ("-(picked * kept).sum() / kept.sum().clamp(min=1)",
                "torch.exp(-(picked * kept).sum() / kept.sum().clamp(min=1))"),
                skill="formula"),
        Mistake("softmax-global-max", L(zh="减的是全体 logits 的最大值，不是每行的：远低于它的行下溢",
                en="the maximum of all logits is subtracted, not each row's: rows far below it underflow"), _STABLE,
                ("torch.log_softmax(logits[:, :-1], dim=-1)",
                 "(lambda z: z - z.exp().sum(dim=-1, keepdim=True).log())(logits[:, :-1] - logits.max())"),
                skill="stability"),
        Mistake("flatten-mixes-axes", L(zh="展平时轴混了：logits 按句子展平，目标按位置展平",
                en="axes are mixed when flattening: logits go text by text, targets position by position"),
                L(zh="两边要按同样的次序展平，不用先转置。",
                en="Both should be flattened in the same order, without a transpose."),
                ("targets = ids[:, 1:]", "targets = ids[:, 1:].T.reshape(len(ids), ids.shape[1] - 1)"), skill="axis"),
        Mistake("denominator-minus-one", L(zh="分母少数了一个词", en="the denominator is one short"),
                L(zh="分母是目标不是 pad 的位置数，不用再减。",
                en="The denominator counts the targets that are not pads; nothing is to be taken off."),
                ("kept.sum().clamp(min=1)", "(kept.sum() - 1).clamp(min=1)"), skill="count", hint=3),
    ),
    alternatives=(next_token_flat, next_token_loop, next_token_select, next_token_maximum, next_token_transposed),
    think=L(zh="输入是 pad、目标不是 pad 的位置也要算。什么时候会这样？",
            en="A position counts when its input is a pad but its target is not. When does that happen?"),
)


def _flat_shift(logits, ids, pad_id):
    rows, goal = logits.reshape(-1, logits.shape[-1])[:-1].log_softmax(-1), ids.reshape(-1)[1:]
    kept = goal != pad_id
    return -(rows.gather(1, goal[:, None]).squeeze(1) * kept).sum() / kept.sum().clamp(min=1)


# --- loss.perplexity -----------------------------------------------------------------------------------------------

def perplexity(log_probs, mask):
    """Corpus perplexity: exp of the mean negative log-probability over all counted tokens.

    log_probs: [B, T] of the predicted tokens, natural logarithms; mask: [B, T], 1 = counts. Returns a float.
    """
    total = (log_probs * mask).sum()
    return torch.exp(-total / mask.sum()).item()


def perplexity_loop(log_probs, mask):
    kept = [lp for row, keep in zip(log_probs.tolist(), mask.tolist()) for lp, k in zip(row, keep) if k]
    return math.exp(-sum(kept) / len(kept))


def perplexity_select(log_probs, mask):
    return log_probs[mask.bool()].mean().neg().exp()


def perplexity_numpy(log_probs, mask):
    import numpy as np
    return np.exp(-np.average(log_probs.numpy(), weights=mask.numpy()))


def perplexity_base_2(log_probs, mask):
    bits = -(log_probs / math.log(2) * mask).sum() / mask.sum()
    return 2 ** float(bits)


def perplexity_einsum(log_probs, mask):
    return float(torch.exp(torch.einsum("bt,bt->", log_probs.double(), mask.double()) / -mask.double().sum()))


def _perplexity_cases(draw: Draw) -> list[Case]:
    def make(lengths, T, scale=1.0, dtype=torch.float32):
        mask = (torch.arange(T) < torch.tensor(lengths)[:, None]).to(dtype)
        return torch.where(mask.bool(), -(draw.normal(len(lengths), T).abs() + 0.2) * scale,
                -3.0 - draw.normal(len(lengths), T).abs()), mask

    pads = L(zh="填充", en="padding")
    easy, mask = make([6, 2], 6)
    easy[0] *= 0.1
    scattered = (draw.normal(3, 5) > -0.3).float()
    scattered[:, 1], scattered[1, 3] = 1.0, 0.0
    return [
        Case(L(zh="1 句 3 个词", en="one text of 3 tokens"), (-draw.grid(1, 3).abs() - 0.5, torch.ones(1, 3))),
        Case(L(zh="3 句，无填充", en="3 texts, no pads"), make([4, 4, 4], 4)),
        Case(L(zh="长短不同，难度悬殊", en="texts of different length and difficulty"), (easy, mask), pads),
        Case(L(zh="整数 mask", en="an integer mask"), make([2, 5, 1], 7, dtype=torch.long), pads),
        Case(L(zh="mask 有间隔", en="a mask with holes"), (-draw.normal(3, 5).abs() - 0.1, scattered), pads),
        Case(L(zh="有一句全是填充", en="one text is all pads"), make([3, 0, 4], 5), pads),
        Case(L(zh="2000 个词", en="2000 tokens"), make([2000], 2000, scale=0.7), L(zh="长文本", en="long texts")),
        Case(L(zh="1 个词", en="a single token"), make([1], 1)),
        Case(L(zh="有概率为 1 的词", en="tokens of probability 1"), (torch.tensor([[0.0, -1.5, -2.0], [-0.5, 0.0, -1.0]]), torch.ones(2, 3)),
                L(zh="对数概率为 0 的词", en="tokens whose log-probability is 0")),
    ]


_CORPUS = L(zh="先把整个语料的对数概率加起来，再除以词数，最后取一次 exp。", en="Add up the whole corpus, divide by the number of tokens, take exp once at the end.")

PERPLEXITY = Exercise(
    id="loss.perplexity", title=L(zh="困惑度", en="Perplexity"), reference=perplexity, returns=Scalar, cases=_perplexity_cases,
    hints=(
        L(zh="困惑度是平均负对数概率的 exp：模型平均在几个词之间犹豫。",
                en="Perplexity is exp of the mean negative log-probability: among how many tokens the model hesitates on average."),
        L(zh="平均是对整个语料的词取的，不是对句子取的。", en="The mean runs over the tokens of the whole corpus, not over texts."),
        L(zh="mask 为 0 的位置，分子分母都不算。", en="Where mask is 0, neither numerator nor denominator counts it."),
    ),
    mistakes=(
        Mistake("ppl-mean-of-ppl", L(zh="先对每句算困惑度，再平均",
                en="each text's perplexity is taken first, then averaged"), _CORPUS,
                ("total = (log_probs * mask).sum()\n    return torch.exp(-total / mask.sum()).item()",
                        "total = (log_probs * mask).sum(1)\n    return torch.exp(-total / mask.sum(1).clamp(min=1)).mean().item()"),
                skill="count",
                also=((("total = (log_probs * mask).sum()\n    return torch.exp(-total / mask.sum()).item()",
                        "total = (log_probs * mask).sum(1)\n    return torch.exp(-total / mask.sum(1)).mean().item()"),),
                       (("total = (log_probs * mask).sum()\n    return torch.exp(-total / mask.sum()).item()",
                        "total = (log_probs * mask).sum(1)\n    return torch.exp(-total / mask.sum(1)).nanmean().item()"),))),
        Mistake("ppl-mean-of-means", L(zh="句均损失再平均，没有按词数加权",
                en="mean losses of texts are averaged, without weighing by tokens"), _CORPUS,
                ("total = (log_probs * mask).sum()\n    return torch.exp(-total / mask.sum()).item()",
                        "total = (log_probs * mask).sum(1)\n    return torch.exp((-total / mask.sum(1).clamp(min=1)).mean()).item()"),
                skill="count",
                also=((("total = (log_probs * mask).sum()\n    return torch.exp(-total / mask.sum()).item()",
                        "total = (log_probs * mask).sum(1)\n    return torch.exp((-total / mask.sum(1)).mean()).item()"),),
                       (("total = (log_probs * mask).sum()\n    return torch.exp(-total / mask.sum()).item()",
                        "total = (log_probs * mask).sum(1)\n    return torch.exp((-total / mask.sum(1)).nanmean()).item()"),))),
        Mistake("ppl-pad-denominator", L(zh="分母里数了填充", en="pads are counted in the denominator"),
                L(zh="分母应是 mask 的和。", en="The denominator is the sum of mask."),
                ("mask.sum()", "mask.numel()"), skill="count", hint=3),
        Mistake("ppl-pad-numerator", L(zh="分子里加了填充的对数概率",
                en="the pads' log-probabilities are in the numerator"),
                L(zh="求和之前有没有乘 mask？", en="Is mask multiplied in before the sum?"),
                ("(log_probs * mask).sum()",
                "log_probs.sum()"), skill="mask", hint=3),
        Mistake("ppl-pad-both", L(zh="完全没有用 mask", en="mask is not used at all"),
                L(zh="填充不该影响结果。", en="Pads should not change the result."),
                ("(log_probs * mask).sum()", "log_probs.sum()"), ("mask.sum()",
                "mask.numel()"), skill="mask", hint=3),
        Mistake("ppl-sum", L(zh="没有除以词数", en="it is not divided by the number of tokens"), _CORPUS,
                ("-total / mask.sum()", "-total"),
                skill="count", hint=1),
        Mistake("ppl-sign", L(zh="少了负号，结果小于 1", en="the minus sign is missing, which gives less than 1"),
                L(zh="困惑度不小于 1。", en="A perplexity is at least 1."), ("-total", "total"), skill="formula",
                hint=1),
        Mistake("ppl-base-mixed", L(zh="底数混用：2 的“奈特”次方", en="bases are mixed: 2 to the power of nats"),
                L(zh="对数以 e 为底，指数也要以 e 为底。", en="The logarithms are natural, so the power is of e."),
                ("torch.exp(",
                "torch.exp2("), skill="formula", hint=1),
        Mistake("ppl-no-exp", L(zh="没有取 exp，返回的是平均损失", en="exp is missing: it is the mean loss"),
                L(zh="最后一步是 exp。", en="The last step is exp."), ("torch.exp(-total / mask.sum())",
                "(-total / mask.sum())"), skill="formula", hint=1),
        Mistake("ppl-arith-mean", L(zh="用了概率的算术平均的倒数",
                en="it is one over the arithmetic mean of the probabilities"),
                L(zh="先对对数概率平均，再取 exp。", en="Average the logarithms, then take exp."),
                ("(log_probs * mask).sum()", "(log_probs.exp() * mask).sum()"), ("torch.exp(-total / mask.sum())",
                        "(mask.sum() / total)"), skill="formula", hint=1),
        Mistake("prob-product-underflow", L(zh="先把概率连乘，长文本下溢",
                en="the probabilities are multiplied, which underflows on a long text"),
                L(zh="两千个小于 1 的数相乘会变成什么？",
                en="What becomes of a product of two thousand numbers below 1?"),
                ("(log_probs * mask).sum()", "(log_probs * mask).exp().prod().log()"), skill="stability"),
        Mistake("ppl-per-text", L(zh="返回了每句一个困惑度", en="one perplexity per text is returned"), _CORPUS,
                ("total = (log_probs * mask).sum()\n    return torch.exp(-total / mask.sum()).item()",
                        "total = (log_probs * mask).sum(1)\n    return torch.exp(-total / mask.sum(1))"),
                skill="axis"),
        Mistake("ppl-mask-inverted", L(zh="mask 的含义反了：算的是填充",
                en="mask is used the wrong way round: pads are counted"),
                L(zh="1 表示要算的词。", en="1 stands for a token that counts."),
                ("(log_probs * mask)", "(log_probs * (1 - mask))"), ("mask.sum()", "(1 - mask).sum()"), skill="mask",
                hint=3,
                also=((("(log_probs * mask)", "(log_probs * (1 - mask))"), ("torch.exp(-total / mask.sum()).item()",
                "math.exp(-total.item() / (1 - mask).sum().item())")),)),
        Mistake("ppl-mean-of-inverse", L(zh="平均的是概率的倒数", en="it is the mean of one over the probabilities"),
                L(zh="先对对数概率平均，再取 exp。", en="Average the logarithms, then take exp."),
                ("(log_probs * mask).sum()", "(torch.exp(-log_probs) * mask).sum()"),
                ("torch.exp(-total / mask.sum())", "(total / mask.sum())"),
                skill="formula", hint=1),
        Mistake("ppl-counts-nonzero", L(zh="数的是不为 0 的乘积，概率为 1 的词没有算进分母",
                en="non-zero products are counted, so that a token of probability 1 is missing in the denominator"),
                L(zh="分母应是 mask 的和：log 1 = 0 的词也算一个。",
                en="The denominator is the sum of mask: a token with log 1 = 0 counts too."),
                ("mask.sum()", "(log_probs * mask != 0).sum()"), skill="count", hint=3),
        Mistake("ppl-minus-one", L(zh="分母里每句少数了一个词", en="the denominator is one short for every text"),
                L(zh="log_probs 里已经都是被预测的词，不用再减。",
                en="log_probs holds predicted tokens only; nothing is to be taken off."),
                ("mask.sum()", "(mask.sum() - len(mask))"), skill="count", hint=3,
                also=((("mask.sum()", "(mask.sum() - 1)"),),)),
        Mistake("ppl-text-count", L(zh="除以了句子数，不是词数",
                en="it is divided by the number of texts, not of tokens"), _CORPUS,
                ("mask.sum()", "len(mask)"), skill="count", hint=1),
        Mistake("ppl-e-of-bits", L(zh="底数混用：e 的“比特”次方", en="bases are mixed: e to the power of bits"),
                L(zh="换成了比特，就要取 2 的幂。", en="Once turned into bits, the power is of 2."),
                ("-total / mask.sum()", "-total / math.log(2) / mask.sum()"), skill="formula", hint=1),
        Mistake("ppl-base-10", L(zh="取了 10 的幂", en="a power of 10 is taken"),
                L(zh="对数以 e 为底，指数也要以 e 为底。", en="The logarithms are natural, so the power is of e."),
                ("torch.exp(-total / mask.sum())", "10 ** (-total / mask.sum())"), skill="formula", hint=1),
        Mistake("ppl-geometric-of-texts", L(zh="每句的总损失先取 exp，再平均",
                en="exp is taken of each text's total, then averaged"), _CORPUS,
                ("total = (log_probs * mask).sum()\n    return torch.exp(-total / mask.sum()).item()",
                 "total = (log_probs * mask).sum(1)\n    return torch.exp(-total).mean().item()"), skill="count"),
        Mistake("ppl-longest", L(zh="除以了 T", en="it is divided by T"), _CORPUS, ("mask.sum()", "mask.shape[1]"),
                skill="count", hint=1),
    ),
    alternatives=(perplexity_loop, perplexity_select, perplexity_numpy, perplexity_base_2, perplexity_einsum),
    think=L(zh="两个分词器不同的模型，困惑度能直接比吗？", en="Can perplexities be compared across tokenizers?"),
)


# --- loss.bits_per_byte --------------------------------------------------------------------------------------------

def bits_per_byte(total_nll, text):
    """Bits per UTF-8 byte, a unit that no tokenizer can bend.

    total_nll: negative log-likelihood of the whole text in nats; text: str. Returns a float.
    """
    n_bytes = len(text.encode("utf-8"))
    return total_nll / math.log(2) / n_bytes


def bits_log2e(total_nll, text):
    return total_nll * math.log2(math.e) / len(bytes(text, "utf8"))


def bits_torch(total_nll, text):
    return torch.tensor(total_nll, dtype=torch.float64).div(torch.log(torch.tensor(2.0))) / len(list(text.encode()))


def bits_numpy(total_nll, text):
    import numpy as np
    return np.divide(total_nll, np.log(2) * np.frombuffer(text.encode(), dtype=np.uint8).size)


def bits_by_character(total_nll, text):
    width = sum(1 + (ord(c) > 0x7F) + (ord(c) > 0x7FF) + (ord(c) > 0xFFFF) for c in text)
    return total_nll / (width * 0.6931471805599453)


def bits_log_base(total_nll, text):
    return math.log(math.exp(total_nll / len(text.encode("utf-8"))), 2)


def _bits_cases(draw: Draw) -> list[Case]:
    nats = draw.floats(7, 5.0, 60.0)
    wide = L(zh="一个字符多个字节的文本", en="text with several bytes a character")
    return [
        Case(L(zh="英文", en="English"), (nats[0], "The cat sat on the mat.")),
        Case(L(zh="中文", en="Chinese"), (nats[1], "今天天气很好，我们去公园吧。"), wide),
        Case(L(zh="中英混排", en="mixed text"), (nats[2], "Attention 就是加权平均"), wide),
        Case(L(zh="表情与重音", en="emoji and accents"), (nats[3], "café 🙂👍"), wide),
        Case(L(zh="一个字母", en="a single letter"), (nats[4], "a")),
        Case(L(zh="一个汉字", en="a single Han character"), (nats[5], "我"), wide),
        Case(L(zh="空格和换行", en="spaces and line breaks"), (nats[6] * 10, "line one\n\n  line two \t end\n")),
    ]


_BYTES = L(zh="分母要数 UTF-8 字节：`text.encode(\"utf-8\")` 之后再取长度。",
        en="The denominator counts UTF-8 bytes: encode the text, then take the length.")
_LN2 = L(zh="1 nat 等于 1/ln 2 ≈ 1.44 bit。", en="One nat is 1/ln 2 ≈ 1.44 bits.")

BITS = Exercise(
    id="loss.bits_per_byte", title=L(zh="每字节比特数", en="Bits per byte"), reference=bits_per_byte, returns=Scalar, cases=_bits_cases,
    hints=(
        L(zh="两件事：把 nat 换成 bit，再除以字节数。", en="Two things: turn nats into bits, then divide by the number of bytes."),
        L(zh="ln 和 log₂ 只差一个常数 ln 2：从 nat 到 bit 是乘还是除？",
                en="ln and log2 differ by the constant ln 2: is it times or divided by, from nats to bits?"),
        L(zh="一个汉字占 3 个字节，`len(text)` 数的是字符。", en="A Han character takes 3 bytes; `len(text)` counts characters."),
    ),
    mistakes=(
        Mistake("bpb-characters", L(zh="除以了字符数而不是字节数", en="it is divided by characters, not bytes"),
                _BYTES,
                ("len(text.encode(\"utf-8\"))", "len(text)"), skill="count", hint=3),
        Mistake("bpb-nats", L(zh="没有换成 bit，单位还是 nat",
                en="it is not turned into bits: the unit is still nats"), _LN2,
                (" / math.log(2)", ""), skill="formula"),
        Mistake("bpb-times-ln2", L(zh="乘了 ln 2 而不是除", en="it is multiplied by ln 2"), _LN2,
                ("/ math.log(2)", "* math.log(2)"),
                skill="formula"),
        Mistake("bpb-words", L(zh="除以了按空格分的词数", en="it is divided by the words between spaces"), _BYTES,
                ("len(text.encode(\"utf-8\"))", "len(text.split())"), skill="count", hint=3),
        Mistake("bpb-total-bits", L(zh="没有除以字节数", en="it is not divided by the number of bytes"),
                L(zh="题目要的是每字节。", en="The task asks for a figure per byte."), (" / n_bytes", ""),
                skill="count", hint=1),
        Mistake("bpb-utf16", L(zh="用了 UTF-16 编码来数字节", en="bytes are counted in UTF-16"), _BYTES,
                ("utf-8", "utf-16-le"), skill="formula",
                hint=3, also=((("utf-8", "utf-16"),),)),
        Mistake("bpb-log10", L(zh="用了 ln 10 而不是 ln 2", en="ln 10 is used, not ln 2"), _LN2,
                ("math.log(2)", "math.log(10)"),
                skill="formula"),
        Mistake("bpb-perplexity", L(zh="又取了 e 或 2 的幂，成了每字节的困惑度",
                en="a power of e or 2 is taken, which gives a perplexity per byte"),
                L(zh="bit 数本身就是对数，不用再取指数。", en="Bits are logarithms already."),
                ("total_nll / math.log(2) / n_bytes",
                "math.exp(total_nll / n_bytes)"), skill="formula", hint=1,
                also=((("total_nll / math.log(2) / n_bytes", "2 ** (total_nll / n_bytes)"),),)),
        Mistake("bpb-sign", L(zh="多了一个负号", en="there is a minus sign too many"),
                L(zh="total_nll 已经是负对数似然。", en="total_nll is a negative log-likelihood already."),
                ("return total",
                "return -total"), skill="formula", hint=1),
        Mistake("bpb-per-bit", L(zh="又除以了 8，成了每比特", en="it is divided by 8 as well, per bit of text"),
                L(zh="题目要的是每字节。", en="The task asks for a figure per byte."), ("/ n_bytes", "/ n_bytes / 8"),
                skill="count", hint=1),
        Mistake("bpb-no-spaces", L(zh="空格没有算进字节数", en="spaces are not counted as bytes"), _BYTES,
                ("text.encode", "text.replace(\" \", \"\").encode"), skill="count", hint=3,
                also=((("text.encode", "\"\".join(text.split()).encode"),),)),
        Mistake("bpb-inverted", L(zh="算成了每比特多少字节", en="it is bytes per bit"),
                L(zh="谁除以谁？", en="Which is divided by which?"),
                ("total_nll / math.log(2) / n_bytes", "n_bytes / (total_nll / math.log(2))"), skill="formula",
                hint=1),
        Mistake("bpb-gbk", L(zh="用了 GBK 编码来数字节", en="bytes are counted in GBK"), _BYTES,
                ("encode(\"utf-8\")", "encode(\"gbk\", \"replace\")"),
                skill="count", hint=3, also=((("encode(\"utf-8\")", "encode(\"gbk\", \"ignore\")"),),
                                             (("encode(\"utf-8\")", "encode(\"gb18030\")"),))),
        Mistake("bpb-fixed-width", L(zh="每个非 ASCII 字符都按同样的字节数算",
                en="every non-ASCII character is taken to have the same number of bytes"), _BYTES,
                ("len(text.encode(\"utf-8\"))", "sum(1 if c.isascii() else 2 for c in text)"), skill="count", hint=3,
                also=((("len(text.encode(\"utf-8\"))", "sum(1 if c.isascii() else 3 for c in text)"),),)),
        Mistake("bpb-per-character", L(zh="每个字符都按同样的字节数算（2、3 或 4）",
                en="every character is taken to have the same number of bytes, 2, 3 or 4"), _BYTES,
                ("len(text.encode(\"utf-8\"))", "4 * len(text)"), skill="count", hint=3,
                also=((("len(text.encode(\"utf-8\"))", "3 * len(text)"),),
                (("len(text.encode(\"utf-8\"))", "2 * len(text)"),),
                      (("\"utf-8\"", "\"utf-32\""),))),
        Mistake("bpb-log-of-total", L(zh="对 total_nll 又取了一次 log2", en="log2 is taken of total_nll"),
                L(zh="total_nll 已经是对数；换单位只要除以 ln 2。",
                en="total_nll is a logarithm already; the unit changes by dividing by ln 2."),
                ("total_nll / math.log(2)", "math.log2(total_nll)"), skill="formula", hint=2,
                also=((("total_nll / math.log(2) / n_bytes", "math.log2(total_nll / n_bytes)"),),)),
        Mistake("bpb-strip", L(zh="去掉首尾空白之后才数字节", en="bytes are counted after the text was stripped"),
                _BYTES,
                ("text.encode", "text.strip().encode"), skill="count", hint=3),
        Mistake("bpb-floor", L(zh="用了整除", en="integer division is used"),
                L(zh="`//` 会丢掉小数部分。", en="`//` drops the fraction."),
                ("/ n_bytes", "// n_bytes"), skill="formula", hint=1),
        Mistake("bpb-ascii", L(zh="非 ASCII 字符没有算进字节数", en="non-ASCII characters are left out of the bytes"),
                _BYTES,
                ("encode(\"utf-8\")", "encode(\"ascii\", \"ignore\")"), skill="count", hint=3),
        Mistake("bpb-distinct", L(zh="数的是不重复的字符或字节", en="distinct characters or bytes are counted"),
                _BYTES,
                ("len(text.encode(\"utf-8\"))", "len(set(text))"), skill="count", hint=3,
                also=((("len(text.encode(\"utf-8\"))", "len(set(text.encode(\"utf-8\")))"),),)),
        Mistake("bpb-times-bytes", L(zh="乘了字节数而不是除", en="it is multiplied by the number of bytes"),
                L(zh="题目要的是每字节。", en="The task asks for a figure per byte."), ("/ n_bytes", "* n_bytes"),
                skill="count", hint=1),
    ),
    alternatives=(bits_log2e, bits_torch, bits_numpy, bits_by_character, bits_log_base),
    think=L(zh="为什么每字节比特数可以跨分词器、跨语言比较，困惑度却不行？", en="Why can bits per byte be compared across tokenizers when perplexity cannot?"),
)

EXERCISES = (CROSS_ENTROPY, GRADIENT, NEXT_TOKEN, PERPLEXITY, BITS)
