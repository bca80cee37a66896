"""loss.cross_entropy: cross-entropy."""
from __future__ import annotations

import torch
import torch.nn.functional as F

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import STABLE

__all__ = ["EXERCISE"]


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
    smooth = -log_probs.mean(dim=-1)                        # eps / K on every class
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
_SMOOTH = L(zh="平滑后的目标分布：每个类 ε/K，正确的类再加 1-ε。", en="The smoothed target: ε/K on every class, and 1-ε more on the right one.")
_IGNORE = L(zh="看看处理 ignore_index 的地方。", en="Look at the place that deals with ignore_index.")

EXERCISE = Exercise(
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
                "log_probs = torch.log_softmax(logits.softmax(-1), -1)"),
                skill="formula", hint=1),
        Mistake("ce-log-of-softmax",
                L(zh="先 softmax 再取 log，概率下溢成 0", en="the log of a softmax is taken, whose probabilities underflow to 0"), STABLE,
                ("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)", "log_probs = logits.softmax(-1).log()"),
                skill="stability", hint=1,
                also=((("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)", "log_probs = logits.softmax(-1).log()"),
                ("return ((1", "return hard.mean() if label_smoothing == 0 else ((1")),)),
        Mistake("ce-log-eps",
                L(zh="取 log 之前给概率加了一个小数，或者截到了一个下限：大损失被封了顶",
                en="a small number is added to the probabilities before the log, or bounds them from below, which caps large losses"),
                STABLE,
                ("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)", "log_probs = (logits.softmax(-1) + 1e-9).log()"),
                skill="stability", hint=1,
                also=tuple((("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                f"log_probs = (logits.softmax(-1) + {small}).log()"),) for small in ("1e-6", "1e-7", "1e-8", "1e-10", "1e-12"))
                + tuple((("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                f"log_probs = logits.softmax(-1).clamp(min={small}).log()"),) for small in ("1e-10", "1e-12", "1e-15"))),
        Mistake("ce-exp-overflow", L(zh="logsumexp 没有减最大值，exp 溢出", en="logsumexp without subtracting the maximum overflows"),
                STABLE, ("torch.logsumexp(logits, dim=-1, keepdim=True)", "logits.exp().sum(dim=-1, keepdim=True).log()"),
                skill="stability", hint=1,
                also=((("torch.logsumexp(logits, dim=-1, keepdim=True)", "logits.exp().sum(dim=-1, keepdim=True).log()"), ("return ((1",
                "return hard.mean() if label_smoothing == 0 else ((1")), (("logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                "(logits.exp() / logits.exp().sum(dim=-1, keepdim=True)).log()"),),
                (("logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                "(logits.exp() / logits.exp().sum(dim=-1, keepdim=True)).log()"), ("return ((1",
                "return hard.mean() if label_smoothing == 0 else ((1")))),
        Mistake("ce-mean-all", L(zh="分母里包含了被忽略的词", en="the denominator counts ignored targets"), _MEAN,
                (".mean()\n", ".sum() / len(kept)\n"), skill="count", hint=2),
        Mistake("ce-ignore-as-0", L(zh="把被忽略的标签当成了第 0 类", en="ignored targets are treated as class 0"), _IGNORE,
                ("logits, targets = logits[kept], targets[kept]\n    if len(targets) == 0:",
                "targets = targets.masked_fill(~kept, 0)\n    if not kept.any():"),
                skill="mask"),
        Mistake("ce-ignore-missing", L(zh="没有处理 ignore_index", en="ignore_index is not used"), _IGNORE,
                ("targets != ignore_index", "targets == targets"), skill="mask",
                also=((("targets != ignore_index", "targets == targets"), ("log_probs.gather(1, targets[:, None]).squeeze(1)",
                "log_probs[torch.arange(len(targets)), targets]")),)),
        Mistake("ce-ignore-fixed", L(zh="总是忽略 -100，没有用 ignore_index 参数", en="-100 is always ignored, whatever ignore_index"),
                _IGNORE, ("targets != ignore_index", "targets != -100"), skill="mask"),
        Mistake("ce-ignore-inverted", L(zh="只算了被忽略的词", en="only the ignored targets are counted"), _IGNORE,
                ("targets != ignore_index", "targets == ignore_index"), skill="mask"),
        Mistake("ce-all-ignored-nan", L(zh="全部被忽略时得到 nan", en="a batch where all is ignored gives nan"),
                L(zh="空张量的平均是多少？题目要 0。", en="What is the mean of nothing? The task asks for 0."),
                ("if len(targets) == 0:", "if False:"), skill="edge"),
        Mistake("ce-smooth-ignored", L(zh="标签平滑那一项没有忽略该忽略的词", en="the smoothing term still counts ignored targets"),
                _SMOOTH,
                program=lambda logits, targets, ignore_index=-100, label_smoothing=0.0: _smooth_ignored(logits, targets, ignore_index,
                label_smoothing),
                skill="mask", hint=3,
                also=(lambda logits, targets, ignore_index=-100, label_smoothing=0.0: _smooth_ignored(logits, targets, ignore_index,
                label_smoothing, True),)),
        Mistake("ce-smooth-K-1", L(zh="平滑的概率分给了另外 K-1 个类", en="the smoothing goes to the other K-1 classes"),
                L(zh="本题给每个类 ε/K，正确的类也有一份。", en="In this task every class gets ε/K, the right one as well."),
                ("smooth = -log_probs.mean(dim=-1)", "smooth = (-log_probs.sum(dim=-1) - hard) / (logits.shape[1] - 1)"), convention=True,
                skill="formula", hint=3),
        Mistake("ce-smooth-sum", L(zh="平滑项没有除以 K", en="the smoothing term is not divided by K"), _SMOOTH,
                ("-log_probs.mean(dim=-1)", "-log_probs.sum(dim=-1)"), skill="count", hint=3),
        Mistake("ce-smooth-missing", L(zh="没有用 label_smoothing", en="label_smoothing is not used"), _SMOOTH,
                ("((1 - label_smoothing) * hard + label_smoothing * smooth)", "hard"), skill="formula", hint=3),
        Mistake("ce-smooth-added",
                L(zh="平滑项加上去了，但正确类的权重没有减到 1-ε", en="the smoothing is added without lowering the right class to 1-ε"),
                _SMOOTH, ("(1 - label_smoothing) * hard", "hard"), skill="formula", hint=3),
        Mistake("ce-smooth-swapped", L(zh="ε 和 1-ε 用反了", en="ε and 1-ε are exchanged"), _SMOOTH,
                ("(1 - label_smoothing) * hard + label_smoothing * smooth", "label_smoothing * hard + (1 - label_smoothing) * smooth"),
                skill="formula", hint=3),
        Mistake("ce-sum", L(zh="求和而没有平均", en="the losses are added, not averaged"), _MEAN, (".mean()\n", ".sum()\n"), skill="count",
                hint=1),
        Mistake("ce-axis", L(zh="softmax 沿样本轴而不是类别轴", en="softmax runs over the examples, not the classes"),
                L(zh="每个样本的 K 个概率加起来是 1。", en="An example's K probabilities sum to 1."),
                ("logits - torch.logsumexp(logits, dim=-1, keepdim=True)", "logits - torch.logsumexp(logits, dim=0, keepdim=True)"),
                skill="axis", hint=1),
        Mistake("ce-sign", L(zh="少了负号", en="the minus sign is missing"), L(zh="损失不会是负的。", en="A loss is never negative."),
                ("return (", "return -("), skill="formula", hint=1),
        Mistake("ce-clamped", L(zh="对数概率被截断，大损失变小了", en="log-probabilities are clamped, which caps large losses"), STABLE,
                ("hard = -log_probs", "hard = -log_probs.clamp(min=-100)"), ("smooth = -log_probs", "smooth = -log_probs.clamp(min=-100)"),
                skill="stability", hint=1),
        Mistake("ce-smooth-default", L(zh="label_smoothing 的默认值不是 0", en="label_smoothing is 0.1 by default, not 0"),
                L(zh="题目里 label_smoothing=0.0。", en="The task says label_smoothing=0.0."),
                ("label_smoothing=0.0", "label_smoothing=0.1"), skill="formula", hint=3),
        Mistake("ce-base-2", L(zh="用了以 2 为底的对数", en="the logarithm is to base 2"),
                L(zh="本课的对数都以 e 为底。", en="Logarithms are natural throughout this course."),
                (".mean()\n", ".mean() / math.log(2)\n"), convention=True, skill="formula", hint=1),
        Mistake("ce-per-example", L(zh="返回了每个样本的损失，没有平均", en="one loss per example is returned"), _MEAN, (".mean()\n", "\n"),
                skill="count", hint=1),
        Mistake("ce-smooth-no-share",
                L(zh="正确的类只有 1-ε，没有加上它自己的那份 ε/K", en="the right class gets 1-ε alone, without its own share of ε/K"),
                _SMOOTH, ("smooth = -log_probs.mean(dim=-1)", "smooth = -log_probs.mean(dim=-1) - hard / logits.shape[1]"), skill="formula",
                hint=3),
        Mistake("ce-logits-clamped", L(zh="先把 logits 截断到了一个范围里", en="the logits are clamped to a range first"), STABLE,
                ("logits, targets = logits[kept], targets[kept]", "logits, targets = logits[kept].clamp(-50, 50), targets[kept]"),
                skill="stability", hint=1,
                also=tuple((("logits, targets = logits[kept], targets[kept]",
                f"logits, targets = logits[kept].clamp(-{top}, {top}), targets[kept]"),) for top in (20, 30, 80, 100))
                + ((("logits, targets = logits[kept], targets[kept]", "logits, targets = logits[kept].clamp(max=50), targets[kept]"),),
                (("logits, targets = logits[kept], targets[kept]", "logits, targets = logits[kept].clamp(max=80), targets[kept]"),))),
        Mistake("ce-div-K", L(zh="又除以了类别数 K", en="it is divided by the number of classes K as well"), _MEAN,
                (".mean()\n", ".mean() / logits.shape[1]\n"), skill="count", hint=1),
        Mistake("no-log-softmax", L(zh="没有归一化，直接用了 logits", en="raw logits are used, without log-softmax"),
                L(zh="logits 还不是对数概率。", en="Logits are not yet log-probabilities."),
                ("logits - torch.logsumexp(logits, dim=-1, keepdim=True)", "logits + 0"), skill="formula", hint=1),
        Mistake("no-log", L(zh="用的是概率，没有取对数", en="probabilities are used, not their logarithms"),
                L(zh="一个样本的损失是 -log p。", en="One example's loss is -log p."),
                ("logits - torch.logsumexp(logits, dim=-1, keepdim=True)", "torch.softmax(logits, dim=-1)"), skill="formula", hint=1,
                also=((("logits - torch.logsumexp(logits, dim=-1, keepdim=True)", "torch.softmax(logits, dim=-1) - 1"),),)),
        Mistake("ce-keepdim",
                L(zh="logsumexp 没有 keepdim，减到了错的轴上", en="logsumexp lacks keepdim, so that it is subtracted along the wrong axis"),
                L(zh="[N,K] 减 [N] 时，[N] 对着的是列。", en="When [N] is taken from [N,K], the [N] lies along the columns."),
                ("dim=-1, keepdim=True", "dim=-1"), skill="axis", hint=1),
        Mistake("ce-max-lost", L(zh="logsumexp 里减去的最大值没有加回来", en="the maximum subtracted inside logsumexp is not added back"),
                STABLE,
                ("torch.logsumexp(logits, dim=-1, keepdim=True)",
                "torch.log(torch.exp(logits - logits.amax(-1, keepdim=True)).sum(-1, keepdim=True))"),
                skill="formula", hint=1),
        Mistake("ce-smooth-others-added",
                L(zh="平滑只加给了别的类，正确的类的权重仍是 1",
                en="the smoothing is added over the other classes while the right one keeps its full weight"),
                _SMOOTH, ("(1 - label_smoothing) * hard", "hard"),
                ("smooth = -log_probs.mean(dim=-1)", "smooth = -log_probs.mean(dim=-1) - hard / logits.shape[1]"), skill="formula", hint=3),
        Mistake("ce-exp-loss", L(zh="又取了 exp，返回的是困惑度", en="exp is taken at the end: it is a perplexity"),
                L(zh="题目要的是损失。", en="The task asks for the loss."),
                ("return ((1 - label_smoothing) * hard + label_smoothing * smooth).mean()",
                "return ((1 - label_smoothing) * hard + label_smoothing * smooth).mean().exp()"),
                skill="formula", hint=1),
        Mistake("softmax-global-max",
                L(zh="减的是全体 logits 的最大值，不是每行的：远低于它的行下溢",
                en="the maximum of all logits is subtracted, not each row's: rows far below it underflow"),
                STABLE,
                ("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                "logits = logits - logits.max()\n    log_probs = logits - logits.exp().sum(dim=-1, keepdim=True).log()"),
                skill="stability", hint=1,
                also=((("log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
                "log_probs = (lambda e: (e / e.sum(dim=-1, keepdim=True)).log())((logits - logits.max()).exp())"),),)),
        Mistake("ce-smooth-div-K-1", L(zh="所有 K 个类的损失之和除以了 K-1", en="the sum over all K classes is divided by K-1"), _SMOOTH,
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
