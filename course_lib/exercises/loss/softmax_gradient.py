"""loss.softmax_gradient: the gradient of cross-entropy by hand."""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import STABLE

__all__ = ["EXERCISE"]


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

EXERCISE = Exercise(
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
                en="a hand-written exp without subtracting the maximum overflows at large logits"), STABLE,
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
                en="the maximum of all logits is subtracted, not each row's: rows far below it become 0/0"), STABLE,
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
