"""loss.perplexity: perplexity."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


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

EXERCISE = Exercise(
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
