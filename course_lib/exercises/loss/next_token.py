"""loss.next_token: the next-token loss."""
from __future__ import annotations

import torch
import torch.nn.functional as F

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import STABLE

__all__ = ["EXERCISE"]


def next_token_loss(logits, ids, pad_id):
    """Mean next-token loss: logits[:, t] predicts ids[:, t + 1].

    logits: [B, T, V]; ids: long [B, T]. The mean runs over predicted positions whose target is not pad_id; none gives 0.
    Later cells train through the result: a tensor, differentiable.
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

EXERCISE = Exercise(
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
                en="a hand-written exp without subtracting the maximum overflows at large logits"), STABLE,
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
                en="the maximum of all logits is subtracted, not each row's: rows far below it underflow"), STABLE,
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
