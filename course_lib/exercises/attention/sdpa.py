"""attention.sdpa: scaled dot-product attention."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import MASK, MASKING, SCORES, SOFTMAX, some

__all__ = ["EXERCISE"]


def attention(q, k, v, mask=None):
    """Scaled dot-product attention: softmax(q k^T / sqrt(d)) v.

    q: [B, H, T, d]; k: [B, H, S, d]; v: [B, H, S, e]; mask: bool, broadcastable to [B, H, T, S], True = may attend.
    Returns [B, H, T, e]; a query with nothing to attend gives zeros.
    """
    d = q.shape[-1]
    scores = q @ k.transpose(-2, -1) / math.sqrt(d)          # (B, H, T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = torch.softmax(scores, dim=-1)
    weights = weights.nan_to_num(0.0)                        # rows of -inf alone
    return weights @ v                                       # (B, H, T, e)


def attention_einsum(q, k, v, mask=None):
    scores = torch.einsum("bhtd,bhsd->bhts", q * q.shape[-1] ** -0.5, k)
    if mask is None:
        mask = torch.ones(scores.shape, dtype=torch.bool)
    weights = scores.masked_fill(mask.logical_not(), -1e9).softmax(-1) * mask
    return torch.einsum("bhts,bhse->bhte", weights, v)


def attention_loops(q, k, v, mask=None):
    B, H, T, d = q.shape
    S, e = v.shape[-2:]
    out = torch.zeros(B, H, T, e)
    allowed = torch.ones(B, H, T, S, dtype=torch.bool) if mask is None else mask.expand(B, H, T, S)
    for b in range(B):
        for h in range(H):
            for t in range(T):
                seen = [s for s in range(S) if allowed[b, h, t, s]]
                if seen:
                    scores = torch.stack([torch.dot(q[b, h, t], k[b, h, s]) for s in seen]) / d ** 0.5
                    out[b, h, t] = (scores.softmax(0)[:, None] * v[b, h, seen]).sum(0)
    return out


def attention_numpy(q, k, v, mask=None):
    import numpy as np
    q, k, v = (x.numpy().astype("float64") for x in (q, k, v))
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    allowed = np.ones_like(scores, dtype=bool) if mask is None else np.broadcast_to(mask.numpy(), scores.shape)
    weights = np.where(allowed, np.exp(scores - scores.max(-1, keepdims=True, where=allowed, initial=-1e300)), 0)
    return weights / np.maximum(weights.sum(-1, keepdims=True), 1e-300) @ v


def attention_additive_mask(q, k, v, mask=None):
    bias = 0.0 if mask is None else torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(q.dtype).min)
    scores = (q / math.sqrt(q.size(-1))) @ k.mT + bias
    out = torch.softmax(scores, -1) @ v
    return out if mask is None else torch.where(mask.any(-1, keepdim=True), out, torch.zeros(()))


def attention_stable_exp(q, k, v, mask=None):
    scores = torch.matmul(k, q.transpose(-1, -2)).transpose(-1, -2).double() / math.sqrt(q.size(3))
    top = scores.amax(-1, keepdim=True)
    weights = torch.exp(scores - top) if mask is None else torch.exp(torch.where(mask, scores, -math.inf)
                                                                     - torch.where(mask, scores, -math.inf).amax(-1,
                                                                             keepdim=True).clamp(min=-1e30))
    return weights @ v.double() / weights.sum(-1, keepdim=True).clamp(min=1e-30)


def _loud(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The same in multiples of 1/2, so that scores are exact, stretched until the largest passes 90, too much for exp in float32."""
    q, k = (q * 2).round() / 2, (k * 2).round() / 2 + torch.eye(k.shape[-2], k.shape[-1])
    top = (q @ k.transpose(-1, -2)).max() / q.shape[-1] ** 0.5
    return q * 2.0 ** math.ceil(math.log2(90 / max(top, 0.1))), k, v


def _faint(q: torch.Tensor, k: torch.Tensor, *rest: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The same (d = 4, multiples of 1/2, so that scores are exact), the scores of every second query near -256, where a blocked
    score of -100 would win, those of the others near 256."""
    q[..., 0], k[..., 0] = 16.0 * (-1.0) ** torch.arange(1, q.shape[-2] + 1), 32.0
    return q, k, *rest


def _tempting(q: torch.Tensor, k: torch.Tensor, *rest: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The same (d = 4) with one key far above all others, the one that `some` blocks."""
    q[..., 0], k[..., 0] = 16.0, 0.0
    k[..., k.shape[-2] // 2, 0] = 32.0
    return q, k, *rest


def _attention_cases(draw: Draw) -> list[Case]:
    def qkv(B=2, H=3, T=5, S=7, d=4, e=6, scale=1.0):
        return draw.normal(B, H, T, d, scale=scale), draw.normal(B, H, S, d, scale=scale), draw.normal(B, H, S, e)

    causal = torch.ones(5, 5).tril().bool()
    blocked = some(draw, 2, 3, 5, 7)
    blocked[1, 2, 3], blocked[0, :, 0] = False, False
    lengths = (torch.arange(7) < torch.tensor([[4], [7]]))[:, None, None, :]
    spread = 32 * draw.grid(1, 2, 7, 3).transpose(2, 3)                             # non-contiguous: (1, 2, 3, 7)
    nothing = L(zh="没有可看的键", en="queries with nothing to attend")
    return [
        Case(L(zh="1 个头，2×3", en="one head, 2 x 3"), (draw.grid(1, 1, 2, 2), draw.grid(1, 1, 3, 2), draw.grid(1, 1, 3, 2))),
        Case(L(zh="各轴大小都不同，无 mask", en="all sizes different, no mask"), qkv()),
        Case(L(zh="因果 mask [T,S]", en="a causal mask [T,S]"), (*qkv(S=5, d=3), causal), MASK),
        Case(L(zh="2×2，mask 只留对角", en="2 x 2, mask on the diagonal"),
                (draw.grid(1, 1, 2, 1), draw.grid(1, 1, 2, 1), draw.grid(1, 1, 2, 2) + torch.eye(2), torch.eye(2).bool()), MASK),
        Case(L(zh="填充 mask [B,1,1,S]", en="a padding mask [B,1,1,S]"), (*qkv(d=5), lengths), MASK),
        Case(L(zh="mask [B,1,T,S]", en="mask [B,1,T,S]"), (*qkv(B=3, H=2, d=8), some(draw, 3, 1, 5, 7)), MASK),
        Case(L(zh="mask [1,1,T,S]", en="mask [1,1,T,S]"), (*qkv(), some(draw, 1, 1, 5, 7)), MASK),
        Case(L(zh="mask [S]", en="mask [S]"), (*qkv(), some(draw, 7)), MASK),
        Case(L(zh="mask [B,H,T,S]，有的查询什么也看不到", en="mask [B,H,T,S], some queries see nothing"), (*qkv(d=2), blocked), nothing),
        Case(L(zh="mask [B,1,T,1]，整行被挡", en="mask [B,1,T,1], whole rows blocked"),
                (*qkv(T=3), torch.tensor([[True, False, True], [False, True, True]])[:, None, :, None]), nothing),
        Case(L(zh="分数很大", en="large scores"), _loud(*qkv(B=1, H=2, T=4, S=6, d=4, e=3)), L(zh="数值稳定性", en="numerical stability")),
        Case(L(zh="大分数加 mask，非连续内存", en="large scores with a mask, a non-contiguous layout"),
             (spread, draw.grid(1, 2, 7, 6).transpose(2, 3), draw.normal(1, 2, 4, 6).transpose(2, 3), some(draw, 1, 2, 3, 6)),
             L(zh="大分数与 mask", en="large scores together with a mask")),
        Case(L(zh="mask，有的行分数在 -256 附近，有的在 256 附近", en="a mask, some rows of scores near -256, others near 256"), _faint(draw.grid(2, 3, 5, 4), draw.grid(2, 3, 7, 4), draw.normal(2, 3, 7, 6), some(draw, 5, 7)),
             L(zh="很低的分数与 mask", en="very low scores together with a mask")),
        Case(L(zh="mask，被挡的键分数最高", en="a mask, the blocked key has by far the best score"),
             _tempting(draw.grid(1, 2, 3, 4), draw.grid(1, 2, 6, 4), draw.normal(1, 2, 6, 5), some(draw, 3, 6)),
             L(zh="大分数与 mask", en="large scores together with a mask")),
        Case(L(zh="B=H=T=S=1", en="B=H=T=S=1"), qkv(1, 1, 1, 1, 3, 2)),
        Case(L(zh="B=1，T=S=d=e", en="B=1, T=S=d=e"), qkv(1, 2, 4, 4, 4, 4)),
    ]


_SDPA, _MHA = "F.scaled_dot_product_attention", "nn.MultiheadAttention"
_FORBIDDEN = {"scaled_dot_product_attention": _SDPA, "multi_head_attention_forward": _MHA, "_native_multi_head_attention": _MHA,
              "_scaled_dot_product_flash_attention_for_cpu": _SDPA, "_scaled_dot_product_attention_math": _SDPA}

# Places of the reference that mistakes alter.
_BLOCKED, _SOFTMAX, _KEPT = "scores.masked_fill(~mask, -math.inf)", "torch.softmax(scores, dim=-1)", "weights.nan_to_num(0.0)"

EXERCISE = Exercise(
    id="attention.sdpa", title=L(zh="缩放点积注意力", en="Scaled dot-product attention"), reference=attention, returns=Array("B H T e"),
    cases=_attention_cases, forbidden=_FORBIDDEN, gradients=(0, 1, 2),
    hints=(
        L(zh="三步：每个查询和每个键做点积得到分数 [B,H,T,S]；沿键做 softmax；用权重加权值。",
                en="Three steps: the dot product of every query with every key gives scores [B,H,T,S]; softmax over the keys; the weights "
                   "average the values."),
        L(zh="分数要除以 √d，d 是 q 最后一个轴的长度。`k.transpose(-2, -1)` 交换最后两个轴。",
                en="Divide the scores by √d, where d is the length of q's last axis. `k.transpose(-2, -1)` swaps the last two axes."),
        L(zh="mask 在 softmax 之前用：不可以看的分数换成 -inf。整行都不能看时 softmax 会得到 nan：这样的行要返回 0。",
          en="Use mask before softmax: scores that may not be seen become -inf. A row of -inf alone turns into nan: such a query returns "
             "zeros."),
    ),
    mistakes=(
        Mistake("no-scale", L(zh="没有除以 √d", en="the scores are not divided by √d"), SCORES, (" / math.sqrt(d)", ""), skill="scale"),
        Mistake("div-d", L(zh="除以了 d 而不是 √d", en="the scores are divided by d, not √d"), SCORES, ("/ math.sqrt(d)", "/ d"),
                skill="scale"),
        Mistake("mul-sqrt", L(zh="乘了 √d 而不是除", en="the scores are multiplied by √d"), SCORES, ("/ math.sqrt(d)", "* math.sqrt(d)"),
                skill="scale"),
        Mistake("scale-wrong-dim", L(zh="除以了 √T（查询个数）而不是 √d", en="the scores are divided by √T, the number of queries"), SCORES,
                ("d = q.shape[-1]", "d = q.shape[-2]"), skill="scale"),
        Mistake("scale-by-keys", L(zh="除以了 √S（键的个数）而不是 √d", en="the scores are divided by √S, the number of keys"), SCORES,
                ("d = q.shape[-1]", "d = k.shape[-2]"), skill="scale"),
        Mistake("scale-by-value-width", L(zh="除以了值的宽度的平方根 √e", en="the scores are divided by √e, the width of the values"),
                SCORES, ("d = q.shape[-1]", "d = v.shape[-1]"), skill="scale"),
        Mistake("scale-by-D", L(zh="除以了 √(H·d)，用的是模型宽度", en="the scores are divided by √(H·d), the model width"), SCORES,
                ("d = q.shape[-1]", "d = q.shape[-1] * q.shape[1]"), skill="scale"),
        Mistake("softmax-axis", L(zh="softmax 沿查询轴（-2）而不是键轴", en="softmax runs over the queries (-2), not the keys"), SOFTMAX,
                ("dim=-1", "dim=-2"), skill="axis", hint=1),
        Mistake("softmax-heads", L(zh="softmax 沿头轴", en="softmax runs over the heads"), SOFTMAX, ("dim=-1", "dim=1"), skill="axis",
                hint=1),
        Mistake("softmax-batch", L(zh="softmax 沿批轴", en="softmax runs over the batch"), SOFTMAX, ("dim=-1", "dim=0"), skill="axis",
                hint=1),
        Mistake("k-reshape", L(zh="用 reshape 代替了转置", en="k is reshaped where it should be transposed"),
                L(zh="reshape 不会移动数据，转置才会交换两个轴。",
                en="A reshape keeps the numbers in order; only a transpose exchanges two axes."),
                ("k.transpose(-2, -1)", "k.reshape(*k.shape[:2], k.shape[3], k.shape[2])"), skill="axis"),
        Mistake("mask-ignored", L(zh="没有用 mask", en="mask is ignored"), MASKING, (_BLOCKED, "scores"), skill="mask", hint=3),
        Mistake("mask-flipped",
                L(zh="mask 的方向反了：挡住了可以看的键", en="mask is used the wrong way round: what may be seen is blocked"), MASKING,
                ("~mask", "mask"), skill="mask", hint=3),
        Mistake("mask-zero", L(zh="把被挡的分数设成了 0，而不是 -inf", en="blocked scores are set to 0, not -inf"),
                L(zh="exp(0) 是多少？", en="What is exp(0)?"), ("-math.inf", "0.0"), skill="mask", hint=3),
        Mistake("mask-added",
                L(zh="把布尔 mask 直接加到了分数上（只加了 1 或 0）", en="the boolean mask is added to the scores, as 1 or 0"), MASKING,
                (_BLOCKED, "scores + mask"), skill="mask", hint=3),
        Mistake("causal-always", L(zh="总是加了因果 mask", en="a causal mask is always applied"),
                L(zh="只遮 mask 参数说的。", en="Only the mask that is given blocks anything."),
                ("    if mask is not None:", "    scores = scores.masked_fill(~torch.ones(scores.shape[-2:]).tril().bool(), -math.inf)\n"
                "    if mask is not None:"),
                skill="mask", hint=3),
        Mistake("scale-after-softmax", L(zh="softmax 之后才除以 √d", en="the division by √d comes after softmax"), SCORES,
                (" / math.sqrt(d)", ""), ("weights @ v", "weights @ v / math.sqrt(d)"), skill="scale"),
        Mistake("cosine-scores",
                L(zh="先把 q、k 归一化成了单位长度（余弦）", en="q and k are normalised to unit length first, as in cosine similarity"),
                SCORES,
                ("q @ k.transpose(-2, -1) / math.sqrt(d)",
                "torch.nn.functional.normalize(q, dim=-1) @ torch.nn.functional.normalize(k, dim=-1).transpose(-2, -1)"),
                skill="scale"),
        Mistake("returns-both", L(zh="输出和权重一起返回了", en="the output and the weights are returned together"),
                L(zh="题目只要输出。", en="The task asks for the output alone."), ("return weights @ v", "return weights @ v, weights"),
                skill="formula", hint=1, also=((("return weights @ v", "return weights, weights @ v"),),)),
        Mistake("mask-after",
                L(zh="softmax 之后才遮，剩下的权重加起来不到 1", en="the mask comes after softmax, so that the weights no longer sum to 1"),
                MASKING, ("scores = scores.masked_fill(~mask, -math.inf)", "pass"),
                ("nan_to_num(0.0)", "masked_fill(~mask if mask is not None else torch.tensor(False), 0.0)"), skill="mask", hint=3),
        Mistake("all-masked-nan", L(zh="没有可看的键时得到 nan", en="a query with nothing to attend gives nan"),
                L(zh="一行全是 -inf 时 softmax 是什么？题目要 0。", en="What is softmax of a row of -inf? The task asks for zeros."),
                (".nan_to_num(0.0)", ""), skill="edge", hint=3),
        Mistake("all-masked-uniform",
                L(zh="没有可看的键时得到了所有值的平均", en="a query with nothing to attend gets the mean of all values"),
                L(zh="一行分数全都相等（例如都是 -1e9）时，softmax 给每个键同样的权重。题目要 0。",
                en="A row of equal scores, say of -1e9 alone, gives every key the same weight. The task asks for zeros."),
                ("-math.inf", "-1e9"), skill="edge", hint=3),
        Mistake("no-softmax", L(zh="没有做 softmax", en="there is no softmax"), SOFTMAX, (_SOFTMAX, "scores"), skill="formula", hint=1),
        Mistake("sigmoid", L(zh="用了 sigmoid 而不是 softmax", en="a sigmoid stands where softmax should"), SOFTMAX,
                (_SOFTMAX, "torch.sigmoid(scores)"), skill="formula", hint=1),
        Mistake("softmax-twice", L(zh="softmax 做了两次", en="softmax is applied twice"), SOFTMAX,
                (_KEPT, "weights.nan_to_num(0.0).softmax(-1)"), skill="formula", hint=1),
        Mistake("returns-weights", L(zh="返回了权重，没有乘值", en="the weights are returned, not the weighted values"),
                L(zh="最后一行返回的是什么？", en="What does the last line return?"), ("weights @ v", "weights"), skill="formula", hint=1),
        Mistake("uses-k-for-v", L(zh="加权的是键而不是值", en="the keys are averaged, not the values"),
                L(zh="最后一步乘的是哪个张量？", en="Which tensor does the last step multiply?"), ("weights @ v", "weights @ k"),
                skill="formula", hint=1),
        Mistake("overflow-exp",
                L(zh="手写的 exp 没有减去最大值，大分数溢出成 nan 或 0",
                en="a hand-written exp without subtracting the maximum overflows at large scores"),
                L(zh="float32 里 exp(89) 是多少？", en="What is exp(89) in float32?"),
                (_SOFTMAX, "scores.exp() / scores.exp().sum(-1, keepdim=True)"), skill="stability", hint=1),
        Mistake("dropout-always-on", L(zh="里面有总是打开的 dropout", en="a dropout that is always on is inside"),
                L(zh="题目里没有 dropout。", en="There is no dropout in the task."),
                (_KEPT, "torch.nn.functional.dropout(weights.nan_to_num(0.0), 0.1)"), skill="formula", hint=1),
        Mistake("all-masked-zero-all",
                L(zh="只要有一个查询没有可看的键，整个输出就都成了 0",
                en="one query with nothing to attend turns the whole output into zeros"),
                L(zh="只有那一行该是 0，别的查询不受影响。", en="Only that row should be 0; the other queries are not concerned."),
                ("weights = weights.nan_to_num(0.0)", "weights = torch.zeros_like(weights) if weights.isnan().any() else weights"),
                skill="edge", hint=3),
        Mistake("mask-renormalised",
                L(zh="softmax 之后才遮再重新归一：大分数时留下的权重已经下溢成 0",
                en="the weights are masked after softmax and then divided by their sum: at large scores what is left has underflowed to 0"),
                MASKING, ("scores = scores.masked_fill(~mask, -math.inf)", "pass"),
                (_KEPT, "weights if mask is None else (weights * mask / (weights * mask).sum(-1, keepdim=True)).nan_to_num(0.0)"),
                skill="stability", hint=3,
                also=((("scores = scores.masked_fill(~mask, -math.inf)", "pass"), (_KEPT,
                "weights if mask is None else weights * mask / (weights * mask).sum(-1, keepdim=True).clamp(min=1e-9)")),
                (("scores = scores.masked_fill(~mask, -math.inf)", "pass"), (_KEPT,
                "weights if mask is None else weights * mask / (weights * mask).sum(-1, keepdim=True)")))),
        Mistake("mask-too-weak",
                L(zh="被挡的分数只设成了 -100 左右，分数很低时挡不住",
                en="blocked scores are only set to about -100, which does not block where scores are lower than that"),
                L(zh="被挡的分数应比任何分数都低。", en="A blocked score should lie below any other."), ("-math.inf", "-100.0"),
                skill="mask", hint=3, also=((("-math.inf", "-10.0"),), (("-math.inf", "-50.0"),))),
        Mistake("neg-inf-times-0",
                L(zh="用 mask 乘以 -inf：0 乘 -inf 是 nan", en="the mask is multiplied by -inf, and 0 times -inf is nan"),
                L(zh="用 masked_fill 或 where，不要乘无穷大。", en="Use masked_fill or where; nothing should be multiplied by infinity."),
                (_BLOCKED, "scores + ~mask * -math.inf"), skill="mask", hint=3,
                also=(((_BLOCKED, "scores + ~mask * -math.inf"), (".nan_to_num(0.0)", "")),)),
        Mistake("softmax-all",
                L(zh="softmax 对整张 [T,S] 表做，而不是每个查询各做各的",
                en="softmax runs over the whole [T, S] table, not for each query"),
                SOFTMAX, (_SOFTMAX, "torch.softmax(scores.flatten(-2), dim=-1).view_as(scores)"), skill="axis", hint=1),
        Mistake("sum-normalised", L(zh="没有 softmax，只除以了分数的和", en="the scores are divided by their sum, without softmax"),
                SOFTMAX, (_SOFTMAX, "scores / scores.sum(dim=-1, keepdim=True)"), skill="formula", hint=1,
                also=(((_SOFTMAX, "torch.nn.functional.normalize(scores, p=1, dim=-1)"),),)),
        Mistake("scale-by-heads", L(zh="除以了头数的平方根 √H", en="the scores are divided by √H, the root of the number of heads"), SCORES,
                ("d = q.shape[-1]", "d = q.shape[1]"), skill="scale"),
        Mistake("values-unweighted",
                L(zh="没有用权重，输出是值的平均", en="the weights are not used: the output is the mean of the values"), SOFTMAX,
                ("weights @ v", "(torch.ones_like(weights) / k.shape[-2]) @ v"), skill="formula", hint=1),
        Mistake("argmax-weights", L(zh="只取了分数最高的那个键的值", en="only the value of the best key is taken"), SOFTMAX,
                (_SOFTMAX,
                "torch.nn.functional.one_hot(scores.argmax(-1), k.shape[-2]).to(v.dtype).masked_fill((scores == -math.inf).all(-1, keepdim=True), 0)"),
                skill="formula", hint=1, also=(((_SOFTMAX, "torch.nn.functional.one_hot(scores.argmax(-1), k.shape[-2]).to(v.dtype)"),),)),
        Mistake("softmax-global-max",
                L(zh="减的是全体分数的最大值，不是每行的：远低于它的行下溢",
                en="the maximum of all scores is subtracted, not each row's: rows far below it underflow"),
                L(zh="每一行减自己的最大值，或者用 torch.softmax。", en="Each row should lose its own maximum, or use torch.softmax."),
                (_SOFTMAX, "(lambda e: e / e.sum(-1, keepdim=True))((scores - scores.max()).exp())"), skill="stability", hint=1),
        Mistake("softmax-keepdim", L(zh="手写 softmax 求和时没有 keepdim", en="the sum of a hand-written softmax lacks keepdim"), SOFTMAX,
                (_SOFTMAX, "(lambda e: e / e.sum(-1))((scores - scores.amax(-1, keepdim=True)).exp())"), skill="axis", hint=1,
                also=(((_SOFTMAX, "(lambda e: e / e.sum(-1))(scores.exp())"),),)),
        Mistake("all-masked-unmasked",
                L(zh="没有可看的键时，mask 不起作用：每个分数都减了同一个数",
                en="a query with nothing to attend acts as if there were no mask: every score loses the same number"),
                L(zh="给一行的每个分数都加 -1e4，softmax 不变。题目要 0。",
                en="Adding -1e4 to every score of a row leaves its softmax as it was. The task asks for zeros."),
                (_BLOCKED, "scores + ~mask * -1e4"), skill="edge", hint=3),
        Mistake("log-softmax", L(zh="用了 log_softmax 而不是 softmax", en="log_softmax stands where softmax should"), SOFTMAX,
                (_SOFTMAX, "torch.log_softmax(scores, dim=-1)"), skill="formula", hint=1,
                also=(((_SOFTMAX, "torch.log_softmax(scores, dim=-1)"), ("-math.inf", "-1e9")),)),
        Mistake("exp-only", L(zh="只取了 exp，没有除以它们的和", en="exp is taken without dividing by the sum"), SOFTMAX,
                (_SOFTMAX, "torch.exp(scores)"), skill="formula", hint=1),
    ),
    alternatives=(attention_einsum, attention_loops, attention_numpy, attention_additive_mask, attention_stable_exp),
    think=L(zh="为什么是 √d 而不是 d？", en="Why √d and not d?"),
)
