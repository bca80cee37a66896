"""lm.sequence_log_prob: the log-probability of a text."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def sequence_log_prob(logits, ids):
    """Log-probability of a text under an autoregressive model, given its first token.

    logits: float [T, V]; ids: long [T]; logits[t] predicts ids[t + 1]. Returns the scalar sum of log-probabilities; T = 1 gives 0.
    """
    log_probs = torch.log_softmax(logits[:-1], dim=-1)       # (T - 1, V)
    return log_probs.gather(1, ids[1:, None]).sum()


def sequence_log_prob_loop(logits, ids):
    total = 0.0
    for t in range(len(ids) - 1):
        total += float(logits[t, ids[t + 1]] - torch.logsumexp(logits[t], 0))
    return total


def sequence_log_prob_cross_entropy(logits, ids):
    return -torch.nn.functional.cross_entropy(logits[:-1], ids[1:], reduction="sum") if len(ids) > 1 else logits.new_zeros(())


def sequence_log_prob_softmax(logits, ids):
    probs = logits.double().softmax(-1)
    return probs[torch.arange(len(ids) - 1), ids[1:]].log().sum()


def sequence_log_prob_numpy(logits, ids):
    import numpy as np
    x = logits.numpy().astype("float64")[:-1]
    top = x.max(-1, keepdims=True, initial=-1e30)
    log_z = np.log(np.exp(x - top).sum(-1)) + top[:, 0]
    return (x[np.arange(len(x)), ids.numpy()[1:]] - log_z).sum()


def sequence_log_prob_one_hot(logits, ids):
    one_hot = torch.nn.functional.one_hot(ids[1:], logits.shape[1])
    return torch.einsum("tv,tv->", logits[:-1] - logits[:-1].logsumexp(-1, keepdim=True), one_hot.to(logits.dtype))


def sequence_log_prob_recursive(logits, ids):
    if len(ids) < 2:
        return logits.new_zeros(())
    return logits[0].log_softmax(0)[ids[1]] + sequence_log_prob_recursive(logits[1:], ids[1:])


def _sequence_cases(draw: Draw) -> list[Case]:
    stable = L(zh="数值稳定性", en="numerical stability")
    return [
        Case(L(zh="T=3，V=2", en="T=3, V=2"), (draw.grid(3, 2), torch.tensor([0, 1, 1]))),
        Case(L(zh="T=5，V=7", en="T=5, V=7"), (draw.normal(5, 7), draw.permutation(7)[:5])),
        Case(L(zh="T=V=6", en="T=V=6"), (draw.normal(6, 6, scale=2.0), draw.permutation(6))),
        Case(L(zh="长文 T=500", en="a long text, T=500"), (draw.normal(500, 60), draw.ints(60, 500)), L(zh="长文本", en="long texts")),
        Case(L(zh="logits 整体偏移", en="logits with an offset"), (draw.normal(8, 9) + 5 * draw.normal(8, 1), draw.ints(9, 8)),
                L(zh="归一化", en="the normalisation")),
        Case(L(zh="T=1", en="T=1"), (draw.normal(1, 4), draw.ints(4, 1)), L(zh="T=1", en="T=1")),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), (draw.normal(11, 6).T, draw.ints(11, 6))),
        Case(L(zh="logits 都在 1000 附近", en="logits all near 1000"), (1000 + draw.grid(6, 4, top=10), draw.ints(4, 6)), stable),
        Case(L(zh="logits 都在 -1000 附近", en="logits all near -1000"), (draw.grid(6, 4, top=10) - 1000, draw.ints(4, 6)), stable),
        Case(L(zh="有的行在 1000 附近，有的在 -1000 附近", en="some rows near 1000, others near -1000"),
             (draw.grid(6, 4, top=10) + 1000 * (-1.0) ** torch.arange(6)[:, None], draw.ints(4, 6)), stable),
    ]


_SHIFT = L(zh="logits[t] 预测的是哪个位置的词？看看两个切片。", en="Which position does logits[t] predict? Look at the two slices.")

EXERCISE = Exercise(
    id="lm.sequence_log_prob", title=L(zh="一句话的对数概率", en="The log-probability of a text"), reference=sequence_log_prob, returns=Scalar,
    cases=_sequence_cases,
    hints=(
        L(zh="链式法则：一句话的概率是各步条件概率的乘积，取对数就变成了求和。",
                en="The chain rule: the probability of a text is a product of conditional ones; its logarithm is a sum."),
        L(zh="`logits[t]` 给的是第 t+1 个词的分数。最后一行 logits 预测的词不在文本里，第一个词没有被任何一行预测。",
          en="`logits[t]` scores token t+1. The last row predicts a token that is not in the text, and no row predicts the first."),
        L(zh="先沿词表做 `log_softmax`，再在每一行取出实际那个词：`gather` 或者用两个下标。",
                en="Take `log_softmax` over the vocabulary, then pick the actual token in every row: `gather`, or two indices."),
    ),
    mistakes=(
        Mistake("shift-none", L(zh="没有错位：用 logits[t] 去给 ids[t] 打分",
                en="nothing is shifted: logits[t] scores ids[t]"), _SHIFT,
                ("logits[:-1]", "logits"), ("ids[1:, None]", "ids[:, None]"), skill="shift"),
        Mistake("shift-drops-both", L(zh="错位没有发生，却丢掉了最后一个词",
                en="nothing is shifted, and the last token is dropped"), _SHIFT,
                ("ids[1:, None]", "ids[:-1, None]"), skill="shift"),
        Mistake("shift-wrong-way", L(zh="错位的方向反了：用 logits[t+1] 给 ids[t] 打分",
                en="the shift goes the wrong way: logits[t+1] scores ids[t]"),
                _SHIFT,
                ("logits[:-1]", "logits[1:]"), ("ids[1:, None]", "ids[:-1, None]"), skill="shift"),
        Mistake("shift-first-dropped", L(zh="丢掉了 logits 的第一行，没有丢最后一行",
                en="the first row of logits is dropped, not the last"), _SHIFT,
                ("logits[:-1]", "logits[1:]"), skill="shift"),
        Mistake("no-log-softmax", L(zh="直接把 logits 相加，没有归一化成对数概率",
                en="raw logits are added, without log-softmax"),
                L(zh="logits 是没有归一化的分数。", en="Logits are scores that do not sum to anything yet."),
                ("torch.log_softmax(logits[:-1], dim=-1)", "logits[:-1]"), skill="formula", hint=3),
        Mistake("no-log", L(zh="加的是概率，不是对数概率", en="probabilities are added, not their logarithms"),
                L(zh="乘积取了对数才变成和。", en="Only a logarithm turns a product into a sum."),
                ("log_softmax", "softmax"), skill="formula", hint=1),
        Mistake("softmax-axis", L(zh="softmax 沿时间轴而不是词表轴",
                en="softmax runs over time instead of the vocabulary"),
                L(zh="哪些数加起来应该是 1？", en="Which numbers should sum to 1?"), ("dim=-1", "dim=0"),
                skill="axis", hint=3),
        Mistake("ppl-mean", L(zh="取了平均而不是求和", en="the mean is taken, not the sum"),
                L(zh="最后一步是求和还是平均？", en="Is the last step a sum or a mean?"),
                (".sum()", ".mean()"), skill="count", hint=1,
                also=(((".sum()", ".sum() / max(len(ids) - 1, 1)"),),)),
        Mistake("ppl-sign", L(zh="返回了负对数概率（损失）", en="the negative log-probability is returned"),
                L(zh="对数概率不会大于 0。", en="A log-probability is never above 0."),
                ("return log_probs", "return -log_probs"), skill="formula", hint=1),
        Mistake("greedy-path", L(zh="每步取了最大的对数概率，而不是实际那个词的",
                en="each step takes the largest log-probability, not the actual token's"),
                L(zh="要的是文本里那个词的概率。", en="The question is about the token in the text."),
                ("log_probs.gather(1, ids[1:, None]).sum()", "log_probs.max(dim=-1).values.sum()"), skill="formula",
                hint=3),
        Mistake("prob-product-underflow", L(zh="先把概率连乘再取对数，长文本下溢",
                en="the probabilities are multiplied before the logarithm, which underflows on a long text"),
                L(zh="几百个小于 1 的数相乘会变成什么？",
                en="What becomes of a product of hundreds of numbers below 1?"),
                ("log_probs.gather(1, ids[1:, None]).sum()",
                        "log_probs.gather(1, ids[1:, None]).exp().prod().log()"), skill="stability", hint=1),
        Mistake("returns-probability", L(zh="又取了 exp，返回的是概率",
                en="exp is taken at the end: it is the probability"),
                L(zh="题目要对数概率。", en="The task asks for the log-probability."),
                ("log_probs.gather(1, ids[1:, None]).sum()", "log_probs.gather(1, ids[1:, None]).sum().exp()"),
                skill="formula", hint=1),
        Mistake("per-token", L(zh="返回了每一步的对数概率，没有求和",
                en="one log-probability a step is returned, not their sum"),
                L(zh="最后一步是求和。", en="The last step is a sum."),
                (".sum()", ""), skill="count", hint=1),
        Mistake("base-2", L(zh="用了以 2 为底的对数", en="logarithms to base 2 are used"),
                L(zh="本课的对数都以 e 为底。", en="Logarithms are natural throughout this course."),
                (".sum()", ".sum() / math.log(2)"), skill="formula", convention=True),
        Mistake("predicts-all-vocab", L(zh="把整个词表的对数概率都加上了",
                en="the log-probabilities of the whole vocabulary are added"),
                L(zh="每一步只要一个词的对数概率。", en="Each step needs the log-probability of one token."),
                ("log_probs.gather(1, ids[1:, None]).sum()", "log_probs.sum()"), skill="axis", hint=3),
        Mistake("seq-single-nan", L(zh="先平均再乘回步数，T=1 时成了 nan",
                en="a mean is multiplied by the number of steps, which is nan at T=1"),
                L(zh="没有数可以平均时，mean 是多少？直接求和就好。",
                en="What is the mean of no numbers? A sum needs no detour."),
                (".sum()", ".mean() * (len(ids) - 1)"), skill="edge", hint=1),
        Mistake("first-token-charged", L(zh="给第一个词也算了 log(1/V)",
                en="the first token is charged log(1/V) as well"),
                L(zh="题目以第一个词为条件：它的概率不算在内。",
                en="The first token is given: its probability stays out."),
                ("return log_probs", "return -math.log(logits.shape[1]) + log_probs"), skill="shift"),
        Mistake("shift-twice", L(zh="错位了两次：用 logits[t] 给 ids[t+2] 打分",
                en="it is shifted twice: logits[t] scores ids[t+2]"), _SHIFT,
                ("logits[:-1]", "logits[:-2]"), ("ids[1:, None]", "ids[2:, None]"), skill="shift"),
        Mistake("shift-skips-first", L(zh="漏掉了第一步预测", en="the first prediction is left out"), _SHIFT,
                ("logits[:-1]", "logits[1:-1]"), ("ids[1:, None]", "ids[2:, None]"), skill="shift",
                also=((("logits[:-1], dim=-1)", "logits[:-1], dim=-1)[1:]"), ("ids[1:, None]", "ids[2:, None]")),)),
        Mistake("shift-wraps", L(zh="最后一行 logits 去预测了第一个词",
                en="the last row of logits is made to predict the first token"), _SHIFT,
                ("logits[:-1]", "logits"), ("ids[1:, None]", "ids.roll(-1)[:, None]"), skill="shift"),
        Mistake("ppl-mean-T", L(zh="求和之后除以了 T", en="the sum is divided by T"),
                L(zh="最后一步是求和还是平均？", en="Is the last step a sum or a mean?"),
                (".sum()", ".sum() / len(ids)"), skill="count", hint=1),
        Mistake("overflow-exp", L(zh="手写的 exp 没有减去最大值，大 logits 溢出",
                en="a hand-written exp without subtracting the maximum overflows at large logits"),
                L(zh="先减去每行的最大值，或者用 logsumexp。",
                en="Subtract each row's maximum first, or use logsumexp."),
                ("torch.log_softmax(logits[:-1], dim=-1)",
                "(logits[:-1].exp() / logits[:-1].exp().sum(dim=-1, keepdim=True)).log()"),
                skill="stability", hint=3, also=((("torch.log_softmax(logits[:-1], dim=-1)",
                "logits[:-1] - logits[:-1].exp().sum(dim=-1, keepdim=True).log()"),),)),
        Mistake("softmax-twice", L(zh="softmax 做了两次", en="softmax is applied twice"),
                L(zh="log_softmax 要的是 logits，不是概率。", en="Log-softmax takes logits, not probabilities."),
                ("torch.log_softmax(logits[:-1], dim=-1)", "torch.log_softmax(logits[:-1].softmax(-1), dim=-1)"),
                skill="formula", hint=3),
        Mistake("log-of-sum", L(zh="取的是概率之和的对数，不是对数之和",
                en="the logarithm of the sum of probabilities is taken, not the sum of logarithms"),
                L(zh="概率要连乘，取了对数才变成相加。", en="Probabilities multiply; only their logarithms add up."),
                (".sum()", ".logsumexp(dim=(0, 1))"), skill="formula", hint=1),
        Mistake("last-step-only", L(zh="只算了最后一步", en="only the last step counts"),
                L(zh="每一步都要算。", en="Every step counts."), ("log_probs.gather(1, ids[1:, None]).sum()",
                "log_probs.gather(1, ids[1:, None])[-1:].sum()"), skill="count", hint=1),
        Mistake("softmax-global-max", L(zh="减的是全体的最大值，不是每行的：远低于它的行下溢",
                en="the maximum of all rows is subtracted, not each row's: rows far below it underflow"),
                L(zh="每一行减自己的最大值。", en="Each row should lose its own maximum."),
                ("torch.log_softmax(logits[:-1], dim=-1)",
                "(lambda z: z - z.exp().sum(dim=-1, keepdim=True).log())(logits[:-1] - logits.max())"),
                skill="stability", hint=3, also=((("torch.log_softmax(logits[:-1], dim=-1)",
                "(lambda e: (e / e.sum(dim=-1, keepdim=True)).log())((logits[:-1] - logits.max()).exp())"),),)),
        Mistake("shift-drops-last", L(zh="漏掉了最后一步预测", en="the last prediction is left out"), _SHIFT,
                ("logits[:-1]", "logits[:-2]"), ("ids[1:, None]", "ids[1:-1, None]"), skill="shift"),
        Mistake("returns-perplexity", L(zh="返回的是困惑度", en="a perplexity is returned"),
                L(zh="题目要对数概率的和，不用平均，也不用 exp。",
                en="The task asks for the sum of log-probabilities, without a mean or exp."),
                ("return log_probs.gather(1, ids[1:, None]).sum()",
                "return torch.exp(-log_probs.gather(1, ids[1:, None]).mean())"), skill="formula", hint=1),
    ),
    alternatives=(sequence_log_prob_loop, sequence_log_prob_cross_entropy, sequence_log_prob_softmax, sequence_log_prob_numpy,
            sequence_log_prob_one_hot, sequence_log_prob_recursive),
    think=L(zh="为什么第一个词的概率不在里面？", en="Why is the first token's probability not in it?"), gradients=(0,),
)
