"""Exercises of chapter 03: attention, its masks and its heads."""
from __future__ import annotations

import math

import torch

from ..i18n import L
from .contract import Array, Tuple
from .spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISES"]

MASK = L(zh="掩码的处理", en="the masking")
SCORES = L(zh="看看 softmax 之前计算分数的那一行。", en="Look at the line before softmax, where the scores are computed.")
SOFTMAX = L(zh="对每个查询，哪些权重加起来应该是 1？", en="For one query, which weights should sum to 1?")
MASKING = L(zh="看看用到 mask 的那一行：True 表示可以看。", en="Look at the line that uses mask: True means it may be seen.")


# --- attention.sdpa ------------------------------------------------------------------------------------------------

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


def _some(draw: Draw, *shape: int) -> torch.Tensor:
    """A random mask in which every query may attend to something and something is blocked."""
    mask = draw.normal(*shape) > 0
    mask[..., 0], mask[..., -1] = mask.sum(-1) % 2 == 0, True
    return mask.logical_and(torch.arange(shape[-1]) != shape[-1] // 2)


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
    """The same (d = 4) with one key far above all others, the one that `_some` blocks."""
    q[..., 0], k[..., 0] = 16.0, 0.0
    k[..., k.shape[-2] // 2, 0] = 32.0
    return q, k, *rest


def _attention_cases(draw: Draw) -> list[Case]:
    def qkv(B=2, H=3, T=5, S=7, d=4, e=6, scale=1.0):
        return draw.normal(B, H, T, d, scale=scale), draw.normal(B, H, S, d, scale=scale), draw.normal(B, H, S, e)

    causal = torch.ones(5, 5).tril().bool()
    blocked = _some(draw, 2, 3, 5, 7)
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
        Case(L(zh="mask [B,1,T,S]", en="mask [B,1,T,S]"), (*qkv(B=3, H=2, d=8), _some(draw, 3, 1, 5, 7)), MASK),
        Case(L(zh="mask [1,1,T,S]", en="mask [1,1,T,S]"), (*qkv(), _some(draw, 1, 1, 5, 7)), MASK),
        Case(L(zh="mask [S]", en="mask [S]"), (*qkv(), _some(draw, 7)), MASK),
        Case(L(zh="mask [B,H,T,S]，有的查询什么也看不到", en="mask [B,H,T,S], some queries see nothing"), (*qkv(d=2), blocked), nothing),
        Case(L(zh="mask [B,1,T,1]，整行被挡", en="mask [B,1,T,1], whole rows blocked"),
                (*qkv(T=3), torch.tensor([[True, False, True], [False, True, True]])[:, None, :, None]), nothing),
        Case(L(zh="分数很大", en="large scores"), _loud(*qkv(B=1, H=2, T=4, S=6, d=4, e=3)), L(zh="数值稳定性", en="numerical stability")),
        Case(L(zh="大分数加 mask，非连续内存", en="large scores with a mask, a non-contiguous layout"),
             (spread, draw.grid(1, 2, 7, 6).transpose(2, 3), draw.normal(1, 2, 4, 6).transpose(2, 3), _some(draw, 1, 2, 3, 6)),
             L(zh="大分数与 mask", en="large scores together with a mask")),
        Case(L(zh="mask，有的行分数在 -256 附近，有的在 256 附近", en="a mask, some rows of scores near -256, others near 256"), _faint(draw.grid(2, 3, 5, 4), draw.grid(2, 3, 7, 4), draw.normal(2, 3, 7, 6), _some(draw, 5, 7)),
             L(zh="很低的分数与 mask", en="very low scores together with a mask")),
        Case(L(zh="mask，被挡的键分数最高", en="a mask, the blocked key has by far the best score"),
             _tempting(draw.grid(1, 2, 3, 4), draw.grid(1, 2, 6, 4), draw.normal(1, 2, 6, 5), _some(draw, 3, 6)),
             L(zh="大分数与 mask", en="large scores together with a mask")),
        Case(L(zh="B=H=T=S=1", en="B=H=T=S=1"), qkv(1, 1, 1, 1, 3, 2)),
        Case(L(zh="B=1，T=S=d=e", en="B=1, T=S=d=e"), qkv(1, 2, 4, 4, 4, 4)),
    ]


_FORBIDDEN = {"scaled_dot_product_attention": "F.scaled_dot_product_attention", "multi_head_attention_forward": "nn.MultiheadAttention",
              "_native_multi_head_attention": "nn.MultiheadAttention",
                      "_scaled_dot_product_flash_attention_for_cpu": "F.scaled_dot_product_attention",
              "_scaled_dot_product_attention_math": "F.scaled_dot_product_attention"}

SDPA = Exercise(
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
        Mistake("no-scale", L(zh="没有除以 √d", en="the scores are not divided by √d"), SCORES,
                (" / math.sqrt(d)", ""), skill="scale"),
        Mistake("div-d", L(zh="除以了 d 而不是 √d", en="the scores are divided by d, not √d"), SCORES,
                ("/ math.sqrt(d)", "/ d"), skill="scale"),
        Mistake("mul-sqrt", L(zh="乘了 √d 而不是除", en="the scores are multiplied by √d"), SCORES,
                ("/ math.sqrt(d)", "* math.sqrt(d)"),
                skill="scale"),
        Mistake("scale-wrong-dim", L(zh="除以了 √T（查询个数）而不是 √d",
                en="the scores are divided by √T, the number of queries"), SCORES,
                ("d = q.shape[-1]", "d = q.shape[-2]"), skill="scale"),
        Mistake("scale-by-keys", L(zh="除以了 √S（键的个数）而不是 √d",
                en="the scores are divided by √S, the number of keys"), SCORES,
                ("d = q.shape[-1]", "d = k.shape[-2]"), skill="scale"),
        Mistake("scale-by-value-width", L(zh="除以了值的宽度的平方根 √e",
                en="the scores are divided by √e, the width of the values"), SCORES,
                ("d = q.shape[-1]", "d = v.shape[-1]"), skill="scale"),
        Mistake("scale-by-D", L(zh="除以了 √(H·d)，用的是模型宽度",
                en="the scores are divided by √(H·d), the model width"), SCORES,
                ("d = q.shape[-1]", "d = q.shape[-1] * q.shape[1]"), skill="scale"),
        Mistake("softmax-axis", L(zh="softmax 沿查询轴（-2）而不是键轴",
                en="softmax runs over the queries (-2), not the keys"), SOFTMAX,
                ("dim=-1", "dim=-2"), skill="axis", hint=1),
        Mistake("softmax-heads", L(zh="softmax 沿头轴", en="softmax runs over the heads"), SOFTMAX,
                ("dim=-1", "dim=1"), skill="axis", hint=1),
        Mistake("softmax-batch", L(zh="softmax 沿批轴", en="softmax runs over the batch"), SOFTMAX,
                ("dim=-1", "dim=0"), skill="axis", hint=1),
        Mistake("k-reshape", L(zh="用 reshape 代替了转置", en="k is reshaped where it should be transposed"),
                L(zh="reshape 不会移动数据，转置才会交换两个轴。",
                en="A reshape keeps the numbers in order; only a transpose exchanges two axes."),
                ("k.transpose(-2, -1)", "k.reshape(*k.shape[:2], k.shape[3], k.shape[2])"), skill="axis"),
        Mistake("mask-ignored", L(zh="没有用 mask", en="mask is ignored"), MASKING,
                ("scores.masked_fill(~mask, -math.inf)", "scores"),
                skill="mask", hint=3),
        Mistake("mask-flipped", L(zh="mask 的方向反了：挡住了可以看的键",
                en="mask is used the wrong way round: what may be seen is blocked"), MASKING,
                ("~mask", "mask"), skill="mask", hint=3),
        Mistake("mask-zero", L(zh="把被挡的分数设成了 0，而不是 -inf", en="blocked scores are set to 0, not -inf"),
                L(zh="exp(0) 是多少？", en="What is exp(0)?"), ("-math.inf", "0.0"), skill="mask", hint=3),
        Mistake("mask-added", L(zh="把布尔 mask 直接加到了分数上（只加了 1 或 0）",
                en="the boolean mask is added to the scores, as 1 or 0"), MASKING,
                ("scores.masked_fill(~mask, -math.inf)", "scores + mask"), skill="mask", hint=3),
        Mistake("causal-always", L(zh="总是加了因果 mask", en="a causal mask is always applied"),
                L(zh="只遮 mask 参数说的。", en="Only the mask that is given blocks anything."),
                ("    if mask is not None:",
                "    scores = scores.masked_fill(~torch.ones(scores.shape[-2:]).tril().bool(), -math.inf)\n"
                 "    if mask is not None:"), skill="mask", hint=3),
        Mistake("scale-after-softmax", L(zh="softmax 之后才除以 √d", en="the division by √d comes after softmax"),
                SCORES,
                (" / math.sqrt(d)", ""), ("weights @ v", "weights @ v / math.sqrt(d)"), skill="scale"),
        Mistake("cosine-scores", L(zh="先把 q、k 归一化成了单位长度（余弦）",
                en="q and k are normalised to unit length first, as in cosine similarity"),
                SCORES,
                ("q @ k.transpose(-2, -1) / math.sqrt(d)",
                 "torch.nn.functional.normalize(q, dim=-1) @ torch.nn.functional.normalize(k, dim=-1).transpose(-2, -1)"), skill="scale"),
        Mistake("returns-both", L(zh="输出和权重一起返回了", en="the output and the weights are returned together"),
                L(zh="题目只要输出。", en="The task asks for the output alone."),
                ("return weights @ v", "return weights @ v, weights"), skill="formula", hint=1,
                also=((("return weights @ v", "return weights, weights @ v"),),)),
        Mistake("mask-after", L(zh="softmax 之后才遮，剩下的权重加起来不到 1",
                en="the mask comes after softmax, so that the weights no longer sum to 1"),
                MASKING,
                ("scores = scores.masked_fill(~mask, -math.inf)", "pass"), ("nan_to_num(0.0)",
                        "masked_fill(~mask if mask is not None else torch.tensor(False), 0.0)"), skill="mask",
                hint=3),
        Mistake("all-masked-nan", L(zh="没有可看的键时得到 nan", en="a query with nothing to attend gives nan"),
                L(zh="一行全是 -inf 时 softmax 是什么？题目要 0。",
                en="What is softmax of a row of -inf? The task asks for zeros."),
                (".nan_to_num(0.0)", ""), skill="edge", hint=3),
        Mistake("all-masked-uniform", L(zh="没有可看的键时得到了所有值的平均",
                en="a query with nothing to attend gets the mean of all values"),
                L(zh="一行分数全都相等（例如都是 -1e9）时，softmax 给每个键同样的权重。题目要 0。",
                        en="A row of equal scores, say of -1e9 alone, gives every key the same weight. The task asks for zeros."),
                ("-math.inf", "-1e9"), skill="edge", hint=3),
        Mistake("no-softmax", L(zh="没有做 softmax", en="there is no softmax"), SOFTMAX,
                ("torch.softmax(scores, dim=-1)", "scores"),
                skill="formula", hint=1),
        Mistake("sigmoid", L(zh="用了 sigmoid 而不是 softmax", en="a sigmoid stands where softmax should"), SOFTMAX,
                ("torch.softmax(scores, dim=-1)", "torch.sigmoid(scores)"), skill="formula", hint=1),
        Mistake("softmax-twice", L(zh="softmax 做了两次", en="softmax is applied twice"), SOFTMAX,
                ("weights.nan_to_num(0.0)", "weights.nan_to_num(0.0).softmax(-1)"), skill="formula", hint=1),
        Mistake("returns-weights", L(zh="返回了权重，没有乘值",
                en="the weights are returned, not the weighted values"),
                L(zh="最后一行返回的是什么？", en="What does the last line return?"),
                ("weights @ v", "weights"), skill="formula", hint=1),
        Mistake("uses-k-for-v", L(zh="加权的是键而不是值", en="the keys are averaged, not the values"),
                L(zh="最后一步乘的是哪个张量？", en="Which tensor does the last step multiply?"),
                ("weights @ v", "weights @ k"), skill="formula", hint=1),
        Mistake("overflow-exp", L(zh="手写的 exp 没有减去最大值，大分数溢出成 nan 或 0",
                en="a hand-written exp without subtracting the maximum overflows at large scores"),
                L(zh="float32 里 exp(89) 是多少？", en="What is exp(89) in float32?"),
                ("torch.softmax(scores, dim=-1)", "scores.exp() / scores.exp().sum(-1, keepdim=True)"),
                skill="stability", hint=1),
        Mistake("dropout-always-on", L(zh="里面有总是打开的 dropout", en="a dropout that is always on is inside"),
                L(zh="题目里没有 dropout。", en="There is no dropout in the task."),
                ("weights.nan_to_num(0.0)", "torch.nn.functional.dropout(weights.nan_to_num(0.0), 0.1)"),
                skill="formula", hint=1),
        Mistake("all-masked-zero-all", L(zh="只要有一个查询没有可看的键，整个输出就都成了 0",
                en="one query with nothing to attend turns the whole output into zeros"),
                L(zh="只有那一行该是 0，别的查询不受影响。",
                en="Only that row should be 0; the other queries are not concerned."),
                ("weights = weights.nan_to_num(0.0)",
                "weights = torch.zeros_like(weights) if weights.isnan().any() else weights"),
                skill="edge", hint=3),
        Mistake("mask-renormalised", L(zh="softmax 之后才遮再重新归一：大分数时留下的权重已经下溢成 0",
                en="the weights are masked after softmax and then divided by their sum: at large scores what is left has underflowed to 0"),
                MASKING, ("scores = scores.masked_fill(~mask, -math.inf)", "pass"),
                ("weights.nan_to_num(0.0)",
                "weights if mask is None else (weights * mask / (weights * mask).sum(-1, keepdim=True)).nan_to_num(0.0)"),
                skill="stability", hint=3,
                also=((("scores = scores.masked_fill(~mask, -math.inf)", "pass"), ("weights.nan_to_num(0.0)",
                "weights if mask is None else weights * mask / (weights * mask).sum(-1, keepdim=True).clamp(min=1e-9)")),
                      (("scores = scores.masked_fill(~mask, -math.inf)", "pass"), ("weights.nan_to_num(0.0)",
                "weights if mask is None else weights * mask / (weights * mask).sum(-1, keepdim=True)")))),
        Mistake("mask-too-weak", L(zh="被挡的分数只设成了 -100 左右，分数很低时挡不住",
                en="blocked scores are only set to about -100, which does not block where scores are lower than that"),
                L(zh="被挡的分数应比任何分数都低。", en="A blocked score should lie below any other."),
                ("-math.inf", "-100.0"), skill="mask", hint=3,
                also=((("-math.inf", "-10.0"),), (("-math.inf", "-50.0"),))),
        Mistake("neg-inf-times-0", L(zh="用 mask 乘以 -inf：0 乘 -inf 是 nan",
                en="the mask is multiplied by -inf, and 0 times -inf is nan"),
                L(zh="用 masked_fill 或 where，不要乘无穷大。",
                en="Use masked_fill or where; nothing should be multiplied by infinity."),
                ("scores.masked_fill(~mask, -math.inf)", "scores + ~mask * -math.inf"), skill="mask", hint=3,
                also=((("scores.masked_fill(~mask, -math.inf)", "scores + ~mask * -math.inf"),
                (".nan_to_num(0.0)", "")),)),
        Mistake("softmax-all", L(zh="softmax 对整张 [T,S] 表做，而不是每个查询各做各的",
                en="softmax runs over the whole [T, S] table, not for each query"), SOFTMAX,
                ("torch.softmax(scores, dim=-1)", "torch.softmax(scores.flatten(-2), dim=-1).view_as(scores)"),
                skill="axis", hint=1),
        Mistake("sum-normalised", L(zh="没有 softmax，只除以了分数的和",
                en="the scores are divided by their sum, without softmax"), SOFTMAX,
                ("torch.softmax(scores, dim=-1)", "scores / scores.sum(dim=-1, keepdim=True)"), skill="formula",
                hint=1,
                also=((("torch.softmax(scores, dim=-1)", "torch.nn.functional.normalize(scores, p=1, dim=-1)"),),)),
        Mistake("scale-by-heads", L(zh="除以了头数的平方根 √H",
                en="the scores are divided by √H, the root of the number of heads"), SCORES,
                ("d = q.shape[-1]", "d = q.shape[1]"), skill="scale"),
        Mistake("values-unweighted", L(zh="没有用权重，输出是值的平均",
                en="the weights are not used: the output is the mean of the values"), SOFTMAX,
                ("weights @ v", "(torch.ones_like(weights) / k.shape[-2]) @ v"), skill="formula", hint=1),
        Mistake("argmax-weights", L(zh="只取了分数最高的那个键的值", en="only the value of the best key is taken"),
                SOFTMAX,
                ("torch.softmax(scores, dim=-1)",
                 "torch.nn.functional.one_hot(scores.argmax(-1), k.shape[-2]).to(v.dtype).masked_fill((scores == -math.inf).all(-1, keepdim=True), 0)"),
                skill="formula", hint=1,
                also=((("torch.softmax(scores, dim=-1)",
                "torch.nn.functional.one_hot(scores.argmax(-1), k.shape[-2]).to(v.dtype)"),),)),
        Mistake("softmax-global-max", L(zh="减的是全体分数的最大值，不是每行的：远低于它的行下溢",
                en="the maximum of all scores is subtracted, not each row's: rows far below it underflow"),
                L(zh="每一行减自己的最大值，或者用 torch.softmax。",
                en="Each row should lose its own maximum, or use torch.softmax."),
                ("torch.softmax(scores, dim=-1)",
                "(lambda e: e / e.sum(-1, keepdim=True))((scores - scores.max()).exp())"), skill="stability", hint=1),
        Mistake("softmax-keepdim", L(zh="手写 softmax 求和时没有 keepdim",
                en="the sum of a hand-written softmax lacks keepdim"), SOFTMAX,
                ("torch.softmax(scores, dim=-1)",
                "(lambda e: e / e.sum(-1))((scores - scores.amax(-1, keepdim=True)).exp())"), skill="axis", hint=1,
                also=((("torch.softmax(scores, dim=-1)", "(lambda e: e / e.sum(-1))(scores.exp())"),),)),
        Mistake("all-masked-unmasked", L(zh="没有可看的键时，mask 不起作用：每个分数都减了同一个数",
                en="a query with nothing to attend acts as if there were no mask: every score loses the same number"),
                L(zh="给一行的每个分数都加 -1e4，softmax 不变。题目要 0。",
                  en="Adding -1e4 to every score of a row leaves its softmax as it was. The task asks for zeros."),
                ("scores.masked_fill(~mask, -math.inf)", "scores + ~mask * -1e4"), skill="edge", hint=3),
        Mistake("log-softmax", L(zh="用了 log_softmax 而不是 softmax", en="log_softmax stands where softmax should"),
                SOFTMAX,
                ("torch.softmax(scores, dim=-1)", "torch.log_softmax(scores, dim=-1)"), skill="formula", hint=1,
                also=((("torch.softmax(scores, dim=-1)", "torch.log_softmax(scores, dim=-1)"), ("-math.inf", "-1e9")),
                )),
        Mistake("exp-only", L(zh="只取了 exp，没有除以它们的和", en="exp is taken without dividing by the sum"),
                SOFTMAX,
                ("torch.softmax(scores, dim=-1)", "torch.exp(scores)"), skill="formula", hint=1),
    ),
    alternatives=(attention_einsum, attention_loops, attention_numpy, attention_additive_mask, attention_stable_exp),
    think=L(zh="为什么是 √d 而不是 d？", en="Why √d and not d?"),
)


# --- attention.masks -----------------------------------------------------------------------------------------------

def causal_padding_mask(lengths, size):
    """Which keys each query may see in right-padded texts.

    lengths: long [B]; size: T. Returns bool [B, 1, T, T]: query t may see key s when s <= t and s < length (pad queries follow
    the same rule).
    """
    t = torch.arange(size, device=lengths.device)
    causal = t[None, :] <= t[:, None]                        # (T, S)
    real = t[None, :] < lengths[:, None]                     # (B, S)
    return (causal[None] & real[:, None, :])[:, None]        # (B, 1, T, S)


def masks_tril(lengths, size):
    mask = torch.ones(len(lengths), 1, size, size).tril()
    for b, n in enumerate(lengths.tolist()):
        mask[b, :, :, n:] = 0
    return mask.bool()


def masks_loops(lengths, size):
    return torch.tensor([[[[s <= t and s < n for s in range(size)] for t in range(size)]] for n in lengths.tolist()])


def masks_numpy(lengths, size):
    import numpy as np
    keys = np.arange(size)
    return np.tri(size, dtype=bool)[None, None] & (keys < lengths.numpy()[:, None])[:, None, None, :]


def masks_triu(lengths, size):
    blocked = torch.triu(torch.ones(size, size, dtype=torch.bool), diagonal=1)
    pad = torch.arange(size).expand(len(lengths), size) >= lengths.unsqueeze(1)
    return ~(blocked.view(1, 1, size, size) | pad.view(-1, 1, 1, size))


def masks_minimum(lengths, size):
    t = torch.arange(size)
    limit = torch.minimum(t[None] + 1, lengths[:, None])     # (B, T): how many keys each query sees
    return (t < limit[..., None]).unsqueeze(1)


def _masks_cases(draw: Draw) -> list[Case]:
    return [
        Case(L(zh="T=3，长度 3 和 2", en="T=3, lengths 3 and 2"), (torch.tensor([3, 2]), 3)),
        Case(L(zh="T=5，长度 5、3、1", en="T=5, lengths 5, 3, 1"), (torch.tensor([5, 3, 1])[draw.permutation(3)], 5)),
        Case(L(zh="B=T=4", en="B=T=4"), (torch.tensor([2, 4, 1, 3])[draw.permutation(4)], 4)),
        Case(L(zh="没有填充", en="no padding"), (torch.tensor([6, 6]), 6)),
        Case(L(zh="有一句长度为 0", en="a text of length 0"), (torch.tensor([0, 2]), 4), L(zh="空句子", en="the empty text")),
        Case(L(zh="B=1，T=7", en="B=1, T=7"), (draw.ints(7, 1, low=2), 7)),
        Case(L(zh="T=1", en="T=1"), (torch.tensor([1, 1, 0]), 1)),
    ]


_TRI = L(zh="画出 T=3 的矩阵：行是查询，列是键，哪半边可以看？", en="Draw the matrix for T=3: rows are queries, columns are keys. Which half may be seen?")
_PAD = L(zh="填充挡的是哪些列？和 lengths 比较的是哪个下标？", en="Which columns does padding block? Which index is compared with lengths?")

MASKS = Exercise(
    id="attention.masks", title=L(zh="因果与填充掩码", en="Causal and padding masks"), reference=causal_padding_mask, returns=Array("B 1 T T",
            "bool"), cases=_masks_cases,
    hints=(
        L(zh="两个条件：s ≤ t（因果）和 s < 长度（填充）。先分别写成布尔张量。",
                en="Two conditions: s <= t (causal) and s < length (padding). Write each as a boolean tensor first."),
        L(zh="`torch.arange(size)` 加上 `[:, None]` 和 `[None, :]` 就能让查询下标和键下标两两比较。",
                en="`torch.arange(size)` with `[:, None]` and `[None, :]` compares every query index with every key index."),
        L(zh="因果部分是 [T,T]，填充部分只看键：[B,1,1,T]。两个条件都要满足：用 `&`，靠广播得到 [B,1,T,T]。",
          en="The causal part is [T,T]; padding concerns keys only: [B,1,1,T]. Both must hold: `&` broadcasts to [B,1,T,T]."),
    ),
    mistakes=(
        Mistake("causal-diag", L(zh="对角线被挡：一个词看不到自己",
                en="the diagonal is blocked: a token cannot see itself"), _TRI,
                ("t[None, :] <= t[:, None]", "t[None, :] < t[:, None]"), skill="shift", hint=1),
        Mistake("causal-flip", L(zh="三角的方向反了：只能看未来",
                en="the triangle points the wrong way: only the future is seen"), _TRI,
                ("t[None, :] <= t[:, None]", "t[None, :] >= t[:, None]"), skill="mask", hint=1),
        Mistake("causal-ahead", L(zh="多看了一个未来的词", en="one future token is visible"), _TRI,
                ("t[None, :] <= t[:, None]", "t[None, :] <= t[:, None] + 1"), skill="shift", hint=1),
        Mistake("causal-missing", L(zh="没有因果部分，只有填充", en="the causal part is missing"), _TRI,
                ("causal[None] & real[:, None, :]", "torch.ones_like(causal)[None] & real[:, None, :]"), skill="mask",
                hint=1,
                also=((("(causal[None] & real[:, None, :])[:, None]", "real[:, None, None]"),),)),
        Mistake("pad-queries", L(zh="填充位置的查询行也被挡住了", en="the rows of pad queries are blocked"),
                L(zh="填充挡的是键（列）；填充位置的查询（行）遵守同样的规则。",
                        en="Padding blocks keys, which are columns; a pad query, a row, follows the same rule as any."),
                                ("real[:, None, :]", "real[:, :, None]"), skill="axis", hint=3),
        Mistake("mask-or", L(zh="两个条件用“或”合并", en="the two conditions are joined by OR"),
                L(zh="两个条件都要满足。", en="Both conditions must hold."),
                ("causal[None] & real", "causal[None] | real"), skill="mask", hint=3),
        Mistake("pad-off-by-one", L(zh="长度差一：多放进了一个填充",
                en="the length is off by one: one pad is let in"), _PAD,
                ("< lengths[:, None]", "<= lengths[:, None]"), skill="shift"),
        Mistake("pad-one-short", L(zh="长度差一：最后一个真词被挡住",
                en="the length is off by one: the last real token is blocked"), _PAD,
                ("< lengths[:, None]", "< lengths[:, None] - 1"), skill="shift"),
        Mistake("mask-polarity", L(zh="True 和 False 的含义反了", en="True and False have exchanged meanings"),
                L(zh="本题里 True 表示可以看。", en="In this task True means it may be seen."), ("return (causal",
                "return ~(causal"), skill="mask", hint=1),
        Mistake("pad-flipped", L(zh="填充条件反了：只能看到填充",
                en="the padding condition is reversed: only pads are seen"), _PAD,
                ("< lengths[:, None]", ">= lengths[:, None]"), skill="mask"),
        Mistake("pad-ignored", L(zh="没有用 lengths，只有因果部分", en="lengths is not used, only the causal part"),
                _PAD,
                ("causal[None] & real[:, None, :]", "causal[None] & torch.ones_like(real)[:, None, :]"), skill="mask",
                hint=3,
                also=((("(causal[None] & real[:, None, :])[:, None]", "causal"),),
                (("(causal[None] & real[:, None, :])[:, None]", "causal[None, None]"),))),
        Mistake("pad-first-only", L(zh="整个批都用了第一句的长度",
                en="the first text's length is used for the whole batch"), _PAD,
                ("< lengths[:, None]", "< lengths[:1].expand_as(lengths)[:, None]"), skill="axis", hint=3),
        Mistake("pad-left", L(zh="按左侧填充处理了：挡住的是前面的词", en="padding is taken to be on the left"),
                L(zh="本题的填充在右边。", en="In this task padding is on the right."), ("< lengths[:, None]",
                ">= size - lengths[:, None]"), skill="mask"),
        Mistake("mask-3d", L(zh="少了头轴，形状是 [B,T,T]", en="the head axis is missing: the shape is [B,T,T]"),
                L(zh="[B,1,T,T] 里的 1 让各个头共用。", en="The 1 in [B,1,T,T] lets all heads share it."),
                ("[:, None]        #",
                "        #"), skill="axis", hint=3),
        Mistake("mask-ints", L(zh="返回的是 0/1 而不是布尔值", en="the result holds 0 and 1 instead of booleans"),
                L(zh="题目要 bool；比较运算直接给出 bool。",
                en="The task asks for bool, which comparisons give directly."),
                ("[:, None]        #", "[:, None].long()        #"), skill="axis", hint=1),
        Mistake("width-from-lengths", L(zh="T 取了最长的长度，没有用 size",
                en="T is the longest length; size is not used"),
                L(zh="题目里 T 就是 size，可以比所有句子都长。",
                en="In the task T is size, which may exceed every length."),
                ("torch.arange(size", "torch.arange(int(lengths.max())"), skill="axis"),
        Mistake("mask-additive", L(zh="返回的是要加到分数上的 0 和 -inf，不是布尔值",
                en="the result holds 0 and -inf to be added to scores, not booleans"),
                L(zh="题目要 bool，True 表示可以看。", en="The task asks for bool, True where it may be seen."),
                ("return (causal[None] & real[:, None, :])[:, None]",
                 "return torch.zeros(len(lengths), 1, size, size).masked_fill(~(causal[None] & real[:, None, :])[:, None], -math.inf)"),
                convention=True, skill="mask", hint=1,
                also=((("return (causal[None] & real[:, None, :])[:, None]",
                 "return torch.zeros(len(lengths), 1, size, size).masked_fill(~(causal[None] & real[:, None, :])[:, None], -1e9)"),),)),
        Mistake("causal-complement", L(zh="因果部分取反了：只能看后面的词",
                en="the causal part is negated: only later tokens are seen"), _TRI,
                ("t[None, :] <= t[:, None]", "t[None, :] > t[:, None]"), skill="mask", hint=1),
        Mistake("pad-longest", L(zh="整个批都用了最长的长度", en="the longest length is used for the whole batch"),
                _PAD,
                ("< lengths[:, None]", "< lengths.max().expand_as(lengths)[:, None]"), skill="axis", hint=3),
        Mistake("self-always", L(zh="填充位置也能看到自己", en="a pad may see itself"),
                L(zh="填充位置当键时，谁也不能看，包括它自己。",
                en="As a key a pad is seen by no one, itself included."),
                ("return (causal[None] & real[:, None, :])[:, None]",
                 "return (causal[None] & real[:, None, :] | torch.eye(size).bool())[:, None]"), skill="edge", hint=3),
        Mistake("mask-head-last", L(zh="长度为 1 的轴放错了位置",
                en="the axis of length 1 stands in the wrong place"),
                L(zh="形状是 [B, 1, T, T]：1 在第 1 轴，给头用。",
                en="The shape is [B, 1, T, T]: the 1 is axis 1, for the heads."),
                ("[:, None]        #", "[..., None]        #"), skill="axis", hint=3,
                also=((("[:, None]        #", "[None]        #"),),)),
    ),
    alternatives=(masks_tril, masks_loops, masks_numpy, masks_triu, masks_minimum),
    think=L(zh="长度为 0 的句子，每个查询都看不到任何键。注意力该怎么办？", en="With length 0 no query sees any key. What should attention do then?"),
)


# --- attention.split_heads, attention.merge_heads ------------------------------------------------------------------

def split_heads(x, n_heads):
    """Give every head its own columns.

    x: [B, T, D] -> [B, H, T, D / H]; head h holds columns h * D / H to (h + 1) * D / H. ValueError if D is not divisible by H.
    """
    B, T, D = x.shape
    if D % n_heads != 0:
        raise ValueError(f"{D} columns cannot be shared by {n_heads} heads")
    return x.reshape(B, T, n_heads, D // n_heads).transpose(1, 2)


def split_stack(x, n_heads):
    if x.shape[-1] % n_heads:
        raise ValueError("not divisible")
    return torch.stack(x.chunk(n_heads, dim=-1), dim=1)


def split_loop(x, n_heads):
    B, T, D = x.shape
    if D // n_heads * n_heads != D:
        raise ValueError(D)
    out = torch.empty(B, n_heads, T, D // n_heads)
    for h in range(n_heads):
        out[:, h] = x[:, :, h * D // n_heads:(h + 1) * D // n_heads]
    return out


def split_numpy(x, n_heads):
    import numpy as np
    return np.stack(np.split(x.numpy(), n_heads, axis=2), axis=1)         # np.split raises ValueError itself


def split_unflatten(x, n_heads):
    if x.size(2) % n_heads != 0:
        raise ValueError
    return x.unflatten(-1, (n_heads, -1)).permute(0, 2, 1, 3).contiguous()


def split_lists(x, n_heads):
    width, rest = divmod(x.shape[2], n_heads)
    if rest:
        raise ValueError("n_heads")
    return torch.tensor([[[row[h * width:(h + 1) * width] for row in text] for h in range(n_heads)] for text in x.tolist()])


def _split_cases(draw: Draw) -> list[Case]:
    uneven = L(zh="D 不能被 H 整除", en="D not divisible by H")
    return [
        Case(L(zh="T=2，D=4，H=2", en="T=2, D=4, H=2"), (torch.arange(8.0).reshape(1, 2, 4) + draw.int(0, 9), 2)),
        Case(L(zh="B=2，T=5，H=3", en="B=2, T=5, H=3"), (draw.normal(2, 5, 12), 3)),
        Case(L(zh="T=H=4", en="T=H=4"), (draw.normal(3, 4, 8), 4), L(zh="T 等于 H", en="T equal to H")),
        Case(L(zh="H=1", en="H=1"), (draw.normal(2, 3, 5), 1)),
        Case(L(zh="H=D", en="H=D"), (draw.normal(2, 3, 6), 6)),
        Case(L(zh="T=1", en="T=1"), (draw.normal(4, 1, 6), 2)),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), (draw.normal(2, 12, 5).transpose(1, 2), 4),
                L(zh="非连续的输入", en="non-contiguous input")),
        Case(L(zh="D=10，H=4", en="D=10, H=4"), (draw.normal(2, 3, 10), 4), uneven),
        Case(L(zh="D=65，H=4，T=64", en="D=65, H=4, T=64"), (draw.normal(2, 64, 65), 4), uneven),
        Case(L(zh="H 大于 D", en="H larger than D"), (draw.normal(1, 4, 2), 4), uneven),
    ]


_ORDER = L(zh="先在最后一个轴上分，再把头轴换到前面：两步，次序不能省。",
        en="First split the last axis, then move the head axis forward: two steps, neither can be left out.")
_COLUMNS = L(zh="第 0 个头应拿到第 0 到 D/H-1 列。", en="Head 0 should get columns 0 to D/H - 1.")
_RAISE = L(zh="除不尽时题目要求抛出 ValueError。", en="The task asks for a ValueError when the division leaves a rest.")

SPLIT = Exercise(
    id="attention.split_heads", title=L(zh="切分成多个头",
            en="Splitting into heads"), reference=split_heads, returns=Array("B H T d"), cases=_split_cases,
    hints=(
        L(zh="最后一个轴有 D 列，分成 H 段，每段 D/H 列。", en="The last axis has D columns: H pieces of D/H columns each."),
        L(zh="`reshape(B, T, H, D // H)` 把最后一轴分开；此时头轴在第 2 位，还要换到第 1 位。",
                en="`reshape(B, T, H, D // H)` splits the last axis; the head axis is then at 2 and has to move to 1."),
        L(zh="直接 `view(B, H, T, D // H)` 形状对，数据却错位了。D 除不尽 H 时先抛出 ValueError。",
                en="`view(B, H, T, D // H)` has the right shape and the wrong contents. Raise ValueError first when H does not divide D."),
    ),
    mistakes=(
        Mistake("split-view", L(zh="直接 reshape 成 [B,H,T,d]，没有转置",
                en="it is reshaped straight to [B,H,T,d], without a transpose"), _ORDER,
                ("x.reshape(B, T, n_heads, D // n_heads).transpose(1, 2)", "x.reshape(B, n_heads, T, D // n_heads)"),
                skill="axis", hint=3),
        Mistake("head-dim-swap", L(zh="头与宽度的次序颠倒：每个头拿到的是间隔的列",
                en="heads and width are exchanged: each head gets every H-th column"),
                _COLUMNS,
                ("x.reshape(B, T, n_heads, D // n_heads).transpose(1, 2)",
                        "x.reshape(B, T, D // n_heads, n_heads).permute(0, 3, 1, 2)"), skill="axis"),
        Mistake("split-no-transpose", L(zh="没有把头轴换到第 1 位，形状是 [B,T,H,d]",
                en="the head axis was not moved: the shape is [B,T,H,d]"), _ORDER,
                (".transpose(1, 2)", ""), skill="axis"),
        Mistake("split-time", L(zh="切的是时间轴而不是列", en="the time axis is split, not the columns"),
                L(zh="每个头都要看到所有位置。", en="Every head sees all positions."),
                program=lambda x, n_heads: _split_time(x, n_heads), skill="axis", hint=1),
        Mistake("split-no-check", L(zh="D 除不尽 H 时没有抛出 ValueError，丢掉了剩下的列",
                en="a rest of D by H raises no ValueError, and the last columns are dropped"), _RAISE,
                program=lambda x, n_heads: x[..., :x.shape[2] // n_heads * n_heads].reshape(*x.shape[:2], n_heads,
                        x.shape[2] // n_heads).transpose(1, 2), skill="edge", hint=3),
        Mistake("split-other-error", L(zh="D 除不尽 H 时抛出的不是 ValueError",
                en="a rest of D by H raises something other than ValueError"), _RAISE,
                ("if D % n_heads != 0:\n        raise ValueError(f\"{D} columns cannot be shared by {n_heads} heads\")",
                        "assert D % n_heads == 0"), skill="edge", hint=3,
                also=((("raise ValueError", "raise TypeError"),), (("raise ValueError", "raise Exception"),))),
        Mistake("split-runtime-error", L(zh="没有自己检查：D 除不尽 H 时由 reshape 抛出 RuntimeError",
                en="there is no check: with a rest, reshape raises RuntimeError"), _RAISE,
                ("if D % n_heads != 0:", "if False:"), skill="edge", hint=3),
        Mistake("split-heads-first", L(zh="头轴换到了最前面，形状是 [H,B,T,d]",
                en="the head axis came first: the shape is [H,B,T,d]"), _ORDER,
                (".transpose(1, 2)", ".permute(2, 0, 1, 3)"), skill="axis"),
        Mistake("split-heads-reversed", L(zh="头的次序颠倒了", en="the heads are in reverse order"), _COLUMNS,
                (".transpose(1, 2)", ".transpose(1, 2).flip(1)"), skill="axis"),
        Mistake("view-minus-one", L(zh="用 view(B, -1, H, d) 让时间轴自己凑数，除不尽也不报错",
                en="view(B, -1, H, d) lets the time axis make up the numbers, so a rest can go unnoticed"), _RAISE,
                program=lambda x, n_heads: x.reshape(x.shape[0], -1, n_heads, x.shape[2] // n_heads).transpose(1, 2),
                skill="edge", hint=3),
        Mistake("split-piece-size", L(zh="把 n_heads 当成了每个头的宽度",
                en="n_heads is taken as the width of a head"),
                L(zh="头的个数是 n_heads，宽度是 D // n_heads；`torch.split` 的参数是每段的宽度，`chunk` 的才是段数。",
                  en="There are n_heads heads of width D // n_heads; `torch.split` takes the width of a piece, `chunk` the number of pieces."),
                ("n_heads, D // n_heads", "D // n_heads, n_heads"), skill="axis"),
        Mistake("split-width-before-time", L(zh="时间轴和宽度轴的次序反了，形状是 [B,H,d,T]",
                en="time and width are exchanged: the shape is [B,H,d,T]"),
                _ORDER, (".transpose(1, 2)", ".permute(0, 2, 3, 1)"), skill="axis"),
        Mistake("split-checks-time", L(zh="检查的是 T 能不能被 H 整除，不是 D",
                en="T is checked for a rest by H, not D"), _RAISE,
                ("D % n_heads", "T % n_heads"), skill="edge", hint=3),
        Mistake("split-checks-too-few", L(zh="只在 H 大于 D 时抛出 ValueError",
                en="ValueError is raised only where H is larger than D"), _RAISE,
                ("D % n_heads != 0", "D < n_heads"), skill="edge", hint=3),
        Mistake("split-check-swapped", L(zh="求余的两个数写反了：n_heads % D",
                en="the remainder is taken the wrong way round: n_heads % D"), _RAISE,
                ("D % n_heads", "n_heads % D"), skill="edge", hint=3),
        Mistake("split-check-inverted", L(zh="检查反了：整除时才抛出 ValueError",
                en="the check is reversed: ValueError where H divides D"), _RAISE,
                ("!= 0", "== 0"), skill="edge", hint=3),
        Mistake("split-copies", L(zh="每个头都拿到了第 0 段列", en="every head gets the columns of head 0"), _COLUMNS,
                (".transpose(1, 2)", ".transpose(1, 2)[:, :1].expand(-1, n_heads, -1, -1)"), skill="axis"),
        Mistake("split-no-error", L(zh="D 除不尽 H 时没有抛出异常，而是返回了 None 或 x",
                en="None or x is returned where H does not divide D; nothing is raised"), _RAISE,
                ("raise ValueError(f\"{D} columns cannot be shared by {n_heads} heads\")", "return None"),
                skill="edge", hint=3,
                also=((("raise ValueError(f\"{D} columns cannot be shared by {n_heads} heads\")", "return x"),),)),
    ),
    alternatives=(split_stack, split_loop, split_numpy, split_unflatten, split_lists),
    think=L(zh="切头之后，每个头能看到所有词，却只看到词向量的一部分。这有什么用？", en="Each head sees all tokens but only part of each vector. What is that good for?"),
)


def _split_time(x, n_heads):
    B, T, D = x.shape
    if D % n_heads:
        raise ValueError
    return x.transpose(1, 2).reshape(B, n_heads, D // n_heads, T).reshape(B, n_heads, T, D // n_heads)


def merge_heads(x):
    """Put the heads side by side again, the inverse of split_heads.

    x: [B, H, T, dh] -> [B, T, H * dh]; x need not be contiguous.
    """
    B, H, T, dh = x.shape
    return x.transpose(1, 2).reshape(B, T, H * dh)


def merge_cat(x):
    return torch.cat([x[:, h] for h in range(x.shape[1])], dim=-1)


def merge_flatten(x):
    return x.permute(0, 2, 1, 3).contiguous().flatten(2)


def merge_numpy(x):
    import numpy as np
    return np.concatenate(list(np.moveaxis(x.numpy(), 1, 0)), axis=-1)


def merge_loop(x):
    B, H, T, dh = x.shape
    out = torch.zeros(B, T, H * dh, dtype=torch.float64)
    for h in range(H):
        for j in range(dh):
            out[:, :, h * dh + j] = x[:, h, :, j]
    return out


def merge_unbind(x):
    return torch.hstack(x.unbind(0)).movedim(0, 1).reshape(x.shape[2], x.shape[0], -1).movedim(0, 1) if x.shape[0] == 1 else \
        torch.stack([torch.cat(tuple(text), dim=1) for text in x])


def _merge_cases(draw: Draw) -> list[Case]:
    return [
        Case(L(zh="H=2，T=2，dh=2", en="H=2, T=2, dh=2"), (torch.arange(8.0).reshape(1, 2, 2, 2) + draw.int(0, 9),)),
        Case(L(zh="B=2，H=3，T=5，dh=4", en="B=2, H=3, T=5, dh=4"), (draw.normal(2, 3, 5, 4),)),
        Case(L(zh="split_heads 的输出（非连续）", en="what split_heads returns (non-contiguous)"), (draw.normal(2, 5, 3, 4).transpose(1, 2),),
                L(zh="非连续的输入", en="non-contiguous input")),
        Case(L(zh="另一种非连续内存", en="another non-contiguous layout"), (draw.normal(3, 2, 4, 5).transpose(2, 3),),
                L(zh="非连续的输入", en="non-contiguous input")),
        Case(L(zh="T=H=3", en="T=H=3"), (draw.normal(2, 3, 3, 2),), L(zh="T 等于 H", en="T equal to H")),
        Case(L(zh="H=1", en="H=1"), (draw.normal(2, 1, 4, 3),)),
        Case(L(zh="T=1", en="T=1"), (draw.normal(3, 4, 1, 2),)),
        Case(L(zh="dh=1", en="dh=1"), (draw.normal(2, 4, 3, 1),)),
    ]


_BACK = L(zh="先把头轴换回第 2 位，再把最后两轴并起来。", en="First move the head axis back to 2, then join the last two axes.")

MERGE = Exercise(
    id="attention.merge_heads", title=L(zh="合并多个头",
            en="Merging the heads"), reference=merge_heads, returns=Array("B T D"), cases=_merge_cases,
    hints=(
        L(zh="这是 split_heads 的逆：同一个位置上，各个头的向量首尾相接。", en="It undoes split_heads: at each position the heads' vectors are put end to end."),
        L(zh="[B,H,T,dh] 里头轴和时间轴的次序不对：先 `transpose(1, 2)`。",
                en="In [B,H,T,dh] heads and time are in the wrong order: `transpose(1, 2)` first."),
        L(zh="转置之后内存不连续，`view` 会报错；用 `reshape`，或者先 `contiguous()`。",
                en="After a transpose the memory is not contiguous and `view` fails; use `reshape`, or `contiguous()` first."),
    ),
    mistakes=(
        Mistake("merge-no-transpose", L(zh="没有转置就 reshape", en="it is reshaped without a transpose"), _BACK,
                ("x.transpose(1, 2).reshape", "x.reshape"), skill="axis"),
        Mistake("merge-interleave", L(zh="各头交错拼接，而不是首尾相接",
                en="the heads are interleaved instead of put end to end"), _BACK,
                ("x.transpose(1, 2).reshape", "x.permute(0, 2, 3, 1).reshape"), skill="axis", hint=1),
        Mistake("heads-mean", L(zh="对各头求了平均", en="the heads are averaged"),
                L(zh="结果应有 H·dh 列。", en="The result has H * dh columns."),
                ("x.transpose(1, 2).reshape(B, T, H * dh)", "x.mean(1)"), skill="axis", hint=1),
        Mistake("heads-sum", L(zh="把各头加在一起了", en="the heads are added up"),
                L(zh="结果应有 H·dh 列。", en="The result has H * dh columns."),
                ("x.transpose(1, 2).reshape(B, T, H * dh)", "x.sum(1)"), skill="axis", hint=1),
        Mistake("view-noncontig", L(zh="转置之后用了 view，内存不连续",
                en="view follows the transpose, on memory that is not contiguous"),
                L(zh="`view` 只接受连续的内存。", en="`view` wants contiguous memory."),
                ("transpose(1, 2).reshape", "transpose(1, 2).view"), skill="axis", hint=3),
        Mistake("merge-wrong-transpose", L(zh="交换的是最后两个轴", en="the last two axes are exchanged"), _BACK,
                ("x.transpose(1, 2).reshape", "x.transpose(2, 3).reshape"), skill="axis"),
        Mistake("merge-time-heads", L(zh="并的是头轴和时间轴", en="heads and time are joined"), _BACK,
                ("x.transpose(1, 2).reshape(B, T, H * dh)", "x.reshape(B, H * T, dh)"), skill="axis"),
        Mistake("merge-heads-reversed", L(zh="头的次序颠倒了", en="the heads come in reverse order"), _BACK,
                ("x.transpose", "x.flip(1).transpose"), skill="axis", hint=1),
        Mistake("merge-first-head", L(zh="每个头都用了第 0 个头", en="head 0 is repeated for every head"),
                L(zh="每一段列来自不同的头。", en="Each run of columns comes from another head."), ("x.transpose",
                "x[:, :1].expand_as(x).transpose"), skill="axis", hint=1),
        Mistake("merge-squeeze", L(zh="B=1 时丢了批轴", en="the batch axis is lost when B is 1"),
                L(zh="`squeeze` 会去掉长度为 1 的轴；B=1 时形状也应是 [1, T, D]。",
                  en="`squeeze` drops axes of length 1; with B = 1 the shape should still be [1, T, D]."),
                ("H * dh)", "H * dh).squeeze(0)"), skill="edge", also=((("H * dh)", "H * dh).squeeze()"),),)),
        Mistake("contiguous-first", L(zh="contiguous() 放在了转置之前，转置之后内存又不连续了",
                en="contiguous() comes before the transpose, after which the memory is not contiguous again"),
                L(zh="先转置，再 contiguous()，最后 view；或者用 reshape。",
                en="Transpose, then contiguous(), then view; or use reshape."),
                ("x.transpose(1, 2).reshape", "x.contiguous().transpose(1, 2).view"), skill="axis", hint=3),
        Mistake("merge-columns-first", L(zh="列排到了时间前面，形状是 [B, H·dh, T]",
                en="the columns come before time: the shape is [B, H * dh, T]"), _BACK,
                ("x.transpose(1, 2).reshape(B, T, H * dh)", "x.transpose(2, 3).reshape(B, H * dh, T)"), skill="axis"),
        Mistake("merge-one-head", L(zh="只返回了第 0 个头", en="only head 0 is returned"),
                L(zh="结果应有 H·dh 列。", en="The result has H * dh columns."),
                ("x.transpose(1, 2).reshape(B, T, H * dh)", "x[:, 0]"), skill="axis", hint=1),
        Mistake("merge-batch", L(zh="转置动到了批轴", en="the transpose moves the batch axis"), _BACK,
                ("x.transpose(1, 2)", "x.transpose(0, 2)"), skill="axis",
                also=((("x.transpose(1, 2)", "x.transpose(0, 1)"),),)),
        Mistake("merge-time-rows", L(zh="转置对了，却把头并进了时间轴，形状是 [B, T·H, dh]",
                en="heads are joined to time after the transpose: the shape is [B, T * H, dh]"), _BACK,
                ("reshape(B, T, H * dh)", "reshape(B, T * H, dh)"), skill="axis"),
        Mistake("heads-max", L(zh="对各头取了最大", en="the maximum over the heads is taken"),
                L(zh="结果应有 H·dh 列。", en="The result has H * dh columns."),
                ("x.transpose(1, 2).reshape(B, T, H * dh)", "x.amax(1)"), skill="axis", hint=1),
        Mistake("merge-into-batch", L(zh="头并进了批轴，形状是 [B·H, T, dh]",
                en="the heads are joined to the batch: the shape is [B * H, T, dh]"), _BACK,
                ("x.transpose(1, 2).reshape(B, T, H * dh)", "x.reshape(B * H, T, dh)"), skill="axis",
                also=((("x.transpose(1, 2).reshape(B, T, H * dh)", "x.transpose(0, 1).flatten(0, 1)"),),)),
    ),
    alternatives=(merge_cat, merge_flatten, merge_numpy, merge_loop, merge_unbind),
    think=L(zh="为什么不直接 reshape？写一个 T=2、H=2 的例子看看。", en="Why does a plain reshape not do? Try T=2, H=2 by hand."), gradients=(0,),
)


# --- attention.additive --------------------------------------------------------------------------------------------

def additive_attention(q, k, v, W_q, W_k, w):
    """Additive attention (Bahdanau et al. 2015): score = w . tanh(W_q q + W_k k).

    q: [B, T, d]; k: [B, S, d]; v: [B, S, e]; W_q, W_k: [a, d]; w: [a]. Returns [B, T, e].
    """
    queries = (q @ W_q.T)[:, :, None, :]                     # (B, T, 1, a)
    keys = (k @ W_k.T)[:, None, :, :]                        # (B, 1, S, a)
    scores = torch.tanh(queries + keys) @ w                  # (B, T, S)
    return torch.softmax(scores, dim=-1) @ v                 # (B, T, e)


def additive_loops(q, k, v, W_q, W_k, w):
    out = torch.zeros(q.shape[0], q.shape[1], v.shape[2])
    for b in range(q.shape[0]):
        for t in range(q.shape[1]):
            scores = torch.stack([w @ torch.tanh(W_q @ q[b, t] + W_k @ k[b, s]) for s in range(k.shape[1])])
            out[b, t] = scores.softmax(0) @ v[b]
    return out


def additive_einsum(q, k, v, W_q, W_k, w):
    mixed = torch.einsum("btd,ad->bta", q, W_q).unsqueeze(2) + torch.einsum("bsd,ad->bsa", k, W_k).unsqueeze(1)
    weights = torch.einsum("btsa,a->bts", mixed.tanh(), w).softmax(2)
    return torch.einsum("bts,bse->bte", weights, v)


def additive_numpy(q, k, v, W_q, W_k, w):
    import numpy as np
    q, k, v, W_q, W_k, w = (x.numpy().astype("float64") for x in (q, k, v, W_q, W_k, w))
    scores = np.tanh((q @ W_q.T)[:, :, None] + (k @ W_k.T)[:, None]) @ w
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ v


def additive_concat(q, k, v, W_q, W_k, w):
    T, S = q.shape[1], k.shape[1]
    both = torch.cat([q.unsqueeze(2).expand(-1, -1, S, -1), k.unsqueeze(1).expand(-1, T, -1, -1)], dim=-1)
    scores = torch.tanh(both @ torch.cat([W_q, W_k], dim=1).T) @ w
    return torch.bmm(scores.softmax(dim=2), v)


def additive_linear(q, k, v, W_q, W_k, w):
    F = torch.nn.functional
    hidden = F.linear(q, W_q).unsqueeze(-2) + F.linear(k, W_k).unsqueeze(-3)
    scores = F.linear(torch.tanh(hidden), w[None]).squeeze(-1)
    weights = (scores - scores.logsumexp(-1, keepdim=True)).exp()
    return (weights.unsqueeze(-1) * v.unsqueeze(1)).sum(2)


def _additive_cases(draw: Draw) -> list[Case]:
    def make(B, T, S, d, e, a, scale=1.0):
        return (draw.normal(B, T, d, scale=scale), draw.normal(B, S, d, scale=scale), draw.normal(B, S, e), draw.normal(a, d),
                draw.normal(a, d), draw.normal(a, scale=2.0))

    return [
        Case(L(zh="一个查询，两个键", en="one query, two keys"),
                (draw.grid(1, 1, 2), draw.grid(1, 2, 2), torch.tensor([[[0.0, 1.0], [2.0, 0.0]]]), torch.eye(2), draw.grid(2, 2),
                torch.tensor([1.0, -2.0]))),
        Case(L(zh="各轴大小都不同", en="all sizes different"), make(2, 5, 7, 4, 6, 3)),
        Case(L(zh="B=T=S=4", en="B=T=S=4"), make(4, 4, 4, 3, 5, 6)),
        Case(L(zh="a=d=e=3", en="a=d=e=3"), make(2, 4, 6, 3, 3, 3)),
        Case(L(zh="数值很大，tanh 饱和", en="large inputs, tanh saturated"), make(2, 3, 5, 4, 2, 8, scale=8.0),
                L(zh="tanh 的饱和区", en="the saturated tanh")),
        Case(L(zh="只有一个键", en="a single key"), make(3, 2, 1, 4, 5, 2)),
        Case(L(zh="B=1，T=1", en="B=1, T=1"), make(1, 1, 6, 2, 4, 5)),
    ]


_TANH = L(zh="看看 tanh 里面和外面各有什么。", en="Look at what stands inside tanh and what outside.")

ADDITIVE = Exercise(
    id="attention.additive", title=L(zh="加性注意力",
            en="Additive attention"), reference=additive_attention, returns=Array("B T e"), cases=_additive_cases, gradients=(0, 1, 2),
    hints=(
        L(zh="每一对（查询 t，键 s）要一个分数：先把两边各自投影到 a 维，相加，过 tanh，再和 w 做点积。",
                en="Every pair (query t, key s) needs one score: project both to a dimensions, add, tanh, then the dot product with w."),
        L(zh="让查询变成 [B,T,1,a]，键变成 [B,1,S,a]，相加时就会广播成 [B,T,S,a]。",
                en="Make the queries [B,T,1,a] and the keys [B,1,S,a]; their sum broadcasts to [B,T,S,a]."),
        L(zh="权重矩阵的形状是 [a,d]，所以是 `q @ W_q.T`。分数 [B,T,S] 沿键做 softmax，再乘 v。",
                en="The weights are [a,d], hence `q @ W_q.T`. Softmax over the keys of the scores [B,T,S], then times v."),
    ),
    mistakes=(
        Mistake("additive-no-tanh", L(zh="没有 tanh，分数成了线性的",
                en="tanh is missing, so that the score is linear"),
                L(zh="没有 tanh 时，查询那一项在 softmax 里会抵消。",
                en="Without tanh the query's part cancels in the softmax."),
                ("torch.tanh(queries + keys)", "(queries + keys)"), skill="formula", hint=1),
        Mistake("additive-two-tanh", L(zh="查询对权重没有影响：各自做 tanh 之后才相加，或者分数里根本没有查询",
                en="the queries have no say in the weights: tanh is applied to each part before the sum, or the queries are left out"), _TANH,
                ("torch.tanh(queries + keys)", "(torch.tanh(queries) + torch.tanh(keys))"), skill="formula", hint=1),
        Mistake("additive-no-w", L(zh="没有用 w，只把各维加起来", en="w is not used: the dimensions are added up"),
                L(zh="a 维怎样变成一个分数？", en="How do a dimensions become one score?"),
                ("torch.tanh(queries + keys) @ w ", "torch.tanh(queries + keys).sum(-1) "), skill="formula", hint=1),
        Mistake("additive-product", L(zh="投影之后相乘而不是相加", en="the projections are multiplied, not added"),
                _TANH,
                ("queries + keys", "queries * keys"), skill="formula", hint=1),
        Mistake("additive-sigmoid", L(zh="用了 sigmoid 而不是 tanh", en="a sigmoid stands where tanh should"), _TANH,
                ("torch.tanh(queries + keys)", "torch.sigmoid(queries + keys)"), skill="formula", hint=1),
        Mistake("additive-w-inside", L(zh="tanh 套在了点积外面", en="tanh is taken after the dot product with w"),
                _TANH,
                ("torch.tanh(queries + keys) @ w ", "torch.tanh((queries + keys) @ w) "), skill="formula", hint=1),
        Mistake("additive-scaled", L(zh="又除以了 √d", en="the scores are also divided by √d"),
                L(zh="加性注意力的约定里没有缩放。", en="The contract of additive attention has no scaling."),
                ("keys) @ w ",
                "keys) @ w / math.sqrt(q.shape[-1]) "), skill="scale", hint=1),
        Mistake("additive-mean", L(zh="对 a 维取了平均", en="the a dimensions are averaged"),
                L(zh="点积是求和。", en="A dot product is a sum."),
                ("torch.tanh(queries + keys) @ w ", "(torch.tanh(queries + keys) * w).mean(-1) "), skill="count",
                hint=1),
        Mistake("additive-minus", L(zh="相减而不是相加", en="the keys are subtracted, not added"), _TANH,
                ("queries + keys", "queries - keys"),
                skill="formula", hint=1),
        Mistake("additive-dot", L(zh="用了点积打分，没有 tanh 和 w",
                en="the score is a dot product, without tanh and w"), _TANH,
                ("torch.tanh(queries + keys) @ w ", "(queries * keys).sum(-1) "), skill="formula", hint=1),
        Mistake("additive-relu", L(zh="用了 relu、gelu 而不是 tanh", en="relu or gelu stands where tanh should"),
                _TANH,
                ("torch.tanh(queries + keys)", "torch.relu(queries + keys)"), skill="formula", hint=1,
                also=((("torch.tanh(queries + keys)", "torch.nn.functional.gelu(queries + keys)"),),)),
        Mistake("softmax-axis", L(zh="softmax 沿查询轴而不是键轴", en="softmax runs over the queries, not the keys"),
                SOFTMAX, ("dim=-1", "dim=1"),
                skill="axis", hint=3),
        Mistake("softmax-batch", L(zh="softmax 沿批轴", en="softmax runs over the batch"), SOFTMAX,
                ("dim=-1", "dim=0"), skill="axis", hint=3),
        Mistake("no-softmax", L(zh="没有做 softmax", en="there is no softmax"), SOFTMAX,
                ("torch.softmax(scores, dim=-1) @ v", "scores @ v"),
                skill="formula", hint=3),
        Mistake("weights-swapped", L(zh="W_q 和 W_k 用反了", en="W_q and W_k are exchanged"),
                L(zh="哪个矩阵投影查询？", en="Which matrix projects the queries?"), ("q @ W_q.T", "q @ W_k.T"),
                ("k @ W_k.T",
                "k @ W_q.T"), skill="formula", hint=3),
        Mistake("weights-shared", L(zh="查询和键用了同一个矩阵 W_q", en="W_q projects the keys as well"),
                L(zh="键有自己的矩阵。", en="The keys have a matrix of their own."), ("k @ W_k.T", "k @ W_q.T"),
                skill="formula", hint=3),
        Mistake("returns-weights", L(zh="返回了权重，没有乘值",
                en="the weights are returned, not the weighted values"),
                L(zh="最后一行返回的是什么？", en="What does the last line return?"), (" @ v  ", "  "),
                skill="formula", hint=3),
        Mistake("additive-pairs", L(zh="查询 t 只和键 t 相加，没有让每个查询对上每个键",
                en="query t is added to key t alone, not to every key"),
                L(zh="让查询变成 [B,T,1,a]，键变成 [B,1,S,a]，相加时才会两两配对。",
                  en="With queries [B,T,1,a] and keys [B,1,S,a] the sum pairs each query with each key."),
                ("[:, :, None, :]  ", "  "), ("[:, None, :, :]  ", "  "),
                ("torch.softmax(scores, dim=-1) @ v", "torch.softmax(scores, dim=-1).unsqueeze(1) @ v"),
                skill="axis", hint=2, also=((("[:, :, None, :]  ", "  "), ("[:, None, :, :]  ", "  ")),)),
        Mistake("additive-axes", L(zh="查询和键放到了对方的轴上，分数成了 [B,S,T]",
                en="queries and keys stand on each other's axes: the scores are [B,S,T]"),
                L(zh="分数是 [B,T,S]：查询在第 1 轴，键在第 2 轴。",
                en="The scores are [B,T,S]: queries along axis 1, keys along axis 2."),
                ("[:, :, None, :]", "[:, None, :, :]"), ("(k @ W_k.T)[:, None, :, :]", "(k @ W_k.T)[:, :, None, :]"),
                skill="axis",
                also=((("[:, :, None, :]", "[:, None, :, :]"),
                ("(k @ W_k.T)[:, None, :, :]", "(k @ W_k.T)[:, :, None, :]"),
                       ("torch.softmax(scores, dim=-1) @ v",
                "torch.softmax(scores.reshape(q.shape[0], q.shape[1], k.shape[1]), dim=-1) @ v")),
                      (("torch.softmax(scores, dim=-1) @ v",
                        "torch.softmax(scores.transpose(1, 2).reshape(q.shape[0], q.shape[1], k.shape[1]), dim=-1) @ v"),))),
        Mistake("additive-no-transpose", L(zh="投影用了 W 而不是 W.T", en="the projections use W instead of W.T"),
                L(zh="W_q 的形状是 [a,d]。", en="W_q has shape [a,d]."),
                ("q @ W_q.T", "q @ W_q"), ("k @ W_k.T", "k @ W_k"), skill="axis", hint=3),
        Mistake("uses-k-for-v", L(zh="加权的是键而不是值", en="the keys are averaged, not the values"),
                L(zh="最后一步乘的是哪个张量？", en="Which tensor does the last step multiply?"),
                (" @ v  ", " @ k  "), skill="formula", hint=3),
        Mistake("weights-shared-k", L(zh="查询也用了键的矩阵 W_k", en="W_k projects the queries as well"),
                L(zh="查询有自己的矩阵。", en="The queries have a matrix of their own."), ("q @ W_q.T", "q @ W_k.T"),
                skill="formula", hint=3),
        Mistake("additive-scaled-a", L(zh="又除以了 √a", en="the scores are also divided by √a"),
                L(zh="加性注意力的约定里没有缩放。", en="The contract of additive attention has no scaling."),
                ("keys) @ w ", "keys) @ w / math.sqrt(len(w)) "), skill="scale", hint=1),
        Mistake("additive-no-keys", L(zh="分数里没有键，所有键的权重都一样",
                en="the keys are not in the scores, so that every key weighs the same"), _TANH,
                ("queries + keys", "queries + 0 * keys"), skill="formula", hint=1),
        Mistake("additive-sum-normalised", L(zh="没有 softmax，只除以了分数的和",
                en="the scores are divided by their sum, without softmax"), SOFTMAX,
                ("torch.softmax(scores, dim=-1)", "(scores / scores.sum(-1, keepdim=True))"), skill="formula",
                hint=3),
        Mistake("softmax-twice", L(zh="softmax 做了两次", en="softmax is applied twice"), SOFTMAX,
                ("torch.softmax(scores, dim=-1)", "torch.softmax(torch.softmax(scores, dim=-1), dim=-1)"),
                skill="formula", hint=3),
        Mistake("softmax-keepdim", L(zh="手写 softmax 求和时没有 keepdim",
                en="the sum of a hand-written softmax lacks keepdim"), SOFTMAX,
                ("torch.softmax(scores, dim=-1) @ v", "(lambda e: e / e.sum(-1))(scores.exp()) @ v"), skill="axis",
                hint=3),
        Mistake("exp-only", L(zh="只取了 exp，没有除以它们的和", en="exp is taken without dividing by the sum"),
                SOFTMAX,
                ("torch.softmax(scores, dim=-1)", "torch.exp(scores)"), skill="formula", hint=3),
        Mistake("additive-w-first", L(zh="tanh 里面先乘了 w，外面只求了和",
                en="w is multiplied inside tanh, and outside there is only a sum"), _TANH,
                ("torch.tanh(queries + keys) @ w ", "torch.tanh((queries + keys) * w).sum(-1) "), skill="formula",
                hint=1),
    ),
    alternatives=(additive_loops, additive_einsum, additive_numpy, additive_concat, additive_linear),
    think=L(zh="去掉 tanh 会怎样？试着在纸上约掉查询那一项。", en="What happens without tanh? Try to cancel the query's part on paper."),
)


# --- attention.multi_head ------------------------------------------------------------------------------------------

def multi_head_attention(x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None):
    """Multi-head attention, self or cross (Vaswani et al. 2017).

    x_q: [B, T, D]; x_kv: [B, S, D]; weights: [D, D], applied as x @ W.T; mask: bool, broadcastable to [B, H, T, S], True = may attend.
    Returns (output [B, T, D], weights [B, H, T, S]).
    """
    B, T, D = x_q.shape
    heads = lambda x: x.reshape(B, -1, n_heads, D // n_heads).transpose(1, 2)
    q, k, v = heads(x_q @ W_q.T), heads(x_kv @ W_k.T), heads(x_kv @ W_v.T)
    scores = q @ k.transpose(-2, -1) / math.sqrt(D // n_heads)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = torch.softmax(scores, dim=-1)                  # (B, H, T, S)
    mixed = (weights @ v).transpose(1, 2).reshape(B, T, D)
    return mixed @ W_o.T, weights


def multi_head_loop(x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None):
    width, outs, maps = x_q.shape[-1] // n_heads, [], []
    for h in range(n_heads):
        rows = slice(h * width, (h + 1) * width)
        scores = (x_q @ W_q[rows].T) @ (x_kv @ W_k[rows].T).mT * width ** -0.5
        if mask is not None:
            allowed = mask.expand(x_q.shape[0], n_heads, *scores.shape[1:])[:, h]
            scores = scores.where(allowed, torch.tensor(torch.finfo(scores.dtype).min))
        maps.append(scores.softmax(-1))
        outs.append(maps[-1] @ (x_kv @ W_v[rows].T))
    return torch.cat(outs, -1) @ W_o.T, torch.stack(maps, 1)


def multi_head_einsum(x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None):
    D = x_q.shape[-1]
    split = lambda W: W.view(n_heads, D // n_heads, D)
    q, k, v = (torch.einsum("btd,hcd->bhtc", x, split(W)) for x, W in ((x_q, W_q), (x_kv, W_k), (x_kv, W_v)))
    scores = torch.einsum("bhtc,bhsc->bhts", q, k) / (D / n_heads) ** 0.5
    weights = (scores if mask is None else scores + torch.where(mask, 0.0, -1e9)).softmax(-1)
    return torch.einsum("bhts,bhsc,dhc->btd", weights, v, W_o.view(D, n_heads, D // n_heads)), weights


def multi_head_fused(x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None):
    blocked = None if mask is None else (~mask).expand(x_q.shape[0], n_heads, x_q.shape[1], x_kv.shape[1]).flatten(0, 1)
    out, weights = torch.nn.functional.multi_head_attention_forward(
        x_q.transpose(0, 1), x_kv.transpose(0, 1), x_kv.transpose(0,
                1), x_q.shape[-1], n_heads, None, None, None, None, False, 0.0, W_o, None,
        training=False, attn_mask=blocked, use_separate_proj_weight=True, q_proj_weight=W_q, k_proj_weight=W_k, v_proj_weight=W_v,
        average_attn_weights=False)
    return out.transpose(0, 1), weights


def multi_head_double(x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None):
    x_q, x_kv, W_q, W_k, W_v, W_o = (x.double() for x in (x_q, x_kv, W_q, W_k, W_v, W_o))
    q, k, v = (torch.stack((x @ W.T).chunk(n_heads, -1), 1) for x, W in ((x_q, W_q), (x_kv, W_k), (x_kv, W_v)))
    scores = (q @ k.mT).div(math.sqrt(q.shape[-1]))
    scores = scores if mask is None else scores.masked_fill(mask == False, float("-inf"))      # noqa: E712
    weights = (scores - scores.max(-1, keepdim=True).values).exp()
    weights = weights / weights.sum(-1, keepdim=True)
    return [torch.nn.functional.linear((weights @ v).permute(0, 2, 1, 3).flatten(2), W_o), weights]


def multi_head_numpy(x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None):
    import numpy as np
    x_q, x_kv, W_q, W_k, W_v, W_o = (x.numpy().astype("float64") for x in (x_q, x_kv, W_q, W_k, W_v, W_o))
    heads = lambda x: np.stack(np.split(x, n_heads, axis=-1), axis=1)
    q, k, v = heads(x_q @ W_q.T), heads(x_kv @ W_k.T), heads(x_kv @ W_v.T)
    scores = np.einsum("bhtc,bhsc->bhts", q, k) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask.numpy(), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return np.concatenate(list((weights @ v).swapaxes(0, 1)), -1) @ W_o.T, weights


def multi_head_sum(x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None):
    F, output, maps = torch.nn.functional, 0.0, []
    projected = (F.linear(x, W).chunk(n_heads, dim=-1) for x, W in ((x_q, W_q), (x_kv, W_k), (x_kv, W_v)))
    for h, (q, k, v, W) in enumerate(zip(*projected, W_o.chunk(n_heads, dim=1))):
        scores = torch.baddbmm(torch.zeros(()), q, k.transpose(1, 2), beta=0, alpha=q.shape[-1] ** -0.5)
        if mask is not None:
            seen = mask.expand(len(x_q), n_heads, *scores.shape[1:])[:, h]
            scores[~seen] = -math.inf
        maps.append(scores.softmax(dim=-1))
        output = output + F.linear(maps[-1] @ v, W)
    return output, torch.stack(maps, dim=1)


def _multi_head_cases(draw: Draw) -> list[Case]:
    def make(B, T, S, D, H, mask=None, scale=1.0):
        weights = [draw.normal(D, D, scale=scale * D ** -0.5) for _ in range(4)]
        return (draw.normal(B, T, D), draw.normal(B, S, D), *weights, H) + (() if mask is None else (mask,))

    def loud(args):                                          # the largest scaled score is 110
        x_q, x_kv, W_q, W_k, *rest, H = args
        q, k = (x @ W.T for x, W in ((x_q, W_q), (x_kv, W_k)))
        top = (split_heads(q, H) @ split_heads(k, H).mT).max() / (q.shape[-1] / H) ** 0.5
        return (x_q, x_kv, W_q * (110 / top), W_k, *rest, H)

    same = draw.normal(2, 5, 8)
    return [
        Case(L(zh="1 个头，T=S=2，D=2", en="one head, T=S=2, D=2"),
                (draw.grid(1, 2, 2), draw.grid(1, 2, 2) + torch.eye(2), torch.eye(2), draw.grid(2, 2), torch.eye(2),
                torch.tensor([[1.0, 2.0], [0.0, 1.0]]), 1)),
        Case(L(zh="交叉注意力，各轴大小都不同", en="cross-attention, all sizes different"), make(2, 5, 7, 12, 3, scale=1.5)),
        Case(L(zh="自注意力 + 因果 mask [T,S]", en="self-attention with a causal mask [T,S]"),
                (same, same, *make(1, 1, 1, 8, 4)[2:], torch.ones(5, 5).tril().bool()), MASK),
        Case(L(zh="填充 mask [B,1,1,S]", en="a padding mask [B,1,1,S]"),
                make(2, 3, 7, 8, 4, (torch.arange(7) < torch.tensor([[3], [6]]))[:, None, None]), MASK),
        Case(L(zh="mask [B,H,T,S]", en="mask [B,H,T,S]"), make(2, 4, 6, 9, 3, _some(draw, 2, 3, 4, 6)), MASK),
        Case(L(zh="B=H=3，mask [B,1,T,S]", en="B=H=3, mask [B,1,T,S]"), make(3, 4, 5, 6, 3, _some(draw, 3, 1, 4, 5)), MASK),
        Case(L(zh="mask [1,H,1,S]", en="mask [1,H,1,S]"), make(3, 4, 5, 6, 2, _some(draw, 1, 2, 1, 5)), MASK),
        Case(L(zh="T=S=H=4", en="T=S=H=4"), make(2, 4, 4, 8, 4), L(zh="T 等于 H", en="T equal to H")),
        Case(L(zh="H=1", en="H=1"), make(2, 3, 5, 4, 1)),
        Case(L(zh="分数很大", en="large scores"), loud(make(1, 4, 6, 8, 2)), L(zh="数值稳定性", en="numerical stability")),
        Case(L(zh="T=S=1", en="T=S=1"), make(2, 1, 1, 6, 3)),
    ]


_SPLIT = L(zh="看看切头和并头的两处：都要转置。", en="Look at both places, splitting and merging the heads: each needs its transpose.")
_WEIGHTS = L(zh="哪个输入经过哪个矩阵？", en="Which input goes through which matrix?")

MULTI = Exercise(
    id="attention.multi_head", title=L(zh="多头注意力", en="Multi-head attention"), reference=multi_head_attention,
    returns=Tuple((("output", Array("B T D")), ("weights", Array("B H T S")))), cases=_multi_head_cases, gradients=(0, 1),
    hints=(
        L(zh="五步：投影、切头、每个头做缩放点积注意力、并头、输出投影。前几题的函数都用得上。",
                en="Five steps: project, split the heads, attend in every head, merge the heads, project the output. The earlier exercises "
                   "do most of it."),
        L(zh="查询来自 x_q，键和值来自 x_kv，长度可以不同。每个头的宽度是 D/H，缩放用它的平方根。",
                en="Queries come from x_q, keys and values from x_kv; lengths may differ. A head is D/H wide: scale by its root."),
        L(zh="并头时先 `transpose(1, 2)` 再 `reshape(B, T, D)`，最后 `@ W_o.T`；返回输出和权重两个值。",
                en="To merge: `transpose(1, 2)`, then `reshape(B, T, D)`, then `@ W_o.T`. Return two values, the output and the weights."),
    ),
    mistakes=(
        Mistake("scale-by-D", L(zh="除以了 √D，而不是每个头的 √(D/H)",
                en="the scores are divided by √D instead of √(D/H)"), SCORES,
                ("math.sqrt(D // n_heads)", "math.sqrt(D)"), skill="scale"),
        Mistake("no-scale", L(zh="没有缩放分数", en="the scores are not scaled"), SCORES,
                (" / math.sqrt(D // n_heads)", ""), skill="scale"),
        Mistake("no-out-proj", L(zh="忘了输出投影 W_o", en="the output projection W_o is forgotten"),
                L(zh="并头之后还有一步。", en="One more step follows the merge."), ("mixed @ W_o.T", "mixed"),
                skill="formula", hint=3),
        Mistake("split-view", L(zh="切头时直接 reshape，没有转置",
                en="the heads are split by a reshape without a transpose"), _SPLIT,
                ("x.reshape(B, -1, n_heads, D // n_heads).transpose(1, 2)",
                        "x.reshape(B, n_heads, -1, D // n_heads)"), skill="axis", hint=1),
        Mistake("head-dim-swap", L(zh="切头时头与宽度的次序颠倒", en="heads and width are exchanged when splitting"),
                _SPLIT,
                ("x.reshape(B, -1, n_heads, D // n_heads).transpose(1, 2)",
                        "x.reshape(B, -1, D // n_heads, n_heads).permute(0, 3, 1, 2)"), skill="axis", hint=1,
                also=((("q, k, v = heads(x_q @ W_q.T), heads(x_kv @ W_k.T), ",
                        "odd = lambda x: x.reshape(B, -1, D // n_heads, n_heads).permute(0, 3, 1, 2)\n"
                        "    q, k, v = odd(x_q @ W_q.T), odd(x_kv @ W_k.T), "),),)),
        Mistake("merge-no-transpose", L(zh="并头前没有转置回来", en="the heads are merged without transposing back"),
                _SPLIT,
                ("(weights @ v).transpose(1, 2).reshape", "(weights @ v).reshape"), skill="axis", hint=3),
        Mistake("weights-not-transposed", L(zh="投影用了 x @ W 而不是 x @ W.T",
                en="projections use x @ W instead of x @ W.T"), _WEIGHTS,
                ("x_q @ W_q.T", "x_q @ W_q"), ("x_kv @ W_k.T", "x_kv @ W_k"), ("x_kv @ W_v.T", "x_kv @ W_v"),
                ("mixed @ W_o.T",
                        "mixed @ W_o"), skill="axis"),
        Mistake("out-not-transposed", L(zh="输出投影用了 W_o 而不是 W_o.T",
                en="the output projection uses W_o instead of W_o.T"), _WEIGHTS,
                ("mixed @ W_o.T", "mixed @ W_o"), skill="axis", hint=3),
        Mistake("values-from-keys", L(zh="值用了 W_k 投影", en="the values are projected by W_k"), _WEIGHTS,
                ("x_kv @ W_v.T", "x_kv @ W_k.T"),
                skill="formula"),
        Mistake("keys-from-queries", L(zh="键和值也从 x_q 来，没有用 x_kv",
                en="keys and values come from x_q; x_kv is not used"), _WEIGHTS,
                ("x_kv @ W_k.T", "x_q @ W_k.T"), ("x_kv @ W_v.T", "x_q @ W_v.T"), skill="formula"),
        Mistake("weights-swapped", L(zh="W_q 和 W_k 用反了", en="W_q and W_k are exchanged"), _WEIGHTS,
                ("x_q @ W_q.T", "x_q @ W_k.T"),
                ("x_kv @ W_k.T", "x_kv @ W_q.T"), skill="formula"),
        Mistake("residual", L(zh="又加上了输入 x_q（残差）", en="the input x_q is added, as a residual"),
                L(zh="残差不在这个函数里。", en="The residual is not part of this function."),
                ("mixed @ W_o.T", "mixed @ W_o.T + x_q"), skill="formula", hint=3),
        Mistake("values-swapped", L(zh="两个返回值的次序反了", en="the two values are exchanged"),
                L(zh="先输出，再权重。", en="The output first, then the weights."),
                ("return mixed @ W_o.T, weights", "return weights, mixed @ W_o.T"), skill="formula", hint=3),
        Mistake("mask-ignored", L(zh="没有用 mask", en="mask is ignored"), MASKING,
                ("scores.masked_fill(~mask, -math.inf)", "scores"),
                skill="mask"),
        Mistake("mask-flipped", L(zh="mask 的方向反了", en="mask is used the wrong way round"), MASKING,
                ("~mask", "mask"), skill="mask",
                also=((("~mask, -math.inf", "mask, -1e9"),),)),
        Mistake("mask-zero", L(zh="把被挡的分数设成了 0", en="blocked scores are set to 0"),
                L(zh="exp(0) 是多少？", en="What is exp(0)?"),
                ("-math.inf", "0.0"), skill="mask"),
        Mistake("mask-after", L(zh="softmax 之后才遮，权重加起来不到 1",
                en="the mask comes after softmax, so that the weights no longer sum to 1"),
                MASKING,
                ("scores = scores.masked_fill(~mask, -math.inf)", "pass"), ("torch.softmax(scores, dim=-1)",
                        "torch.softmax(scores, dim=-1).masked_fill(~mask if mask is not None else torch.tensor(False), 0.0)"),
                                skill="mask"),
        Mistake("softmax-axis", L(zh="softmax 沿查询轴", en="softmax runs over the queries"), SOFTMAX,
                ("dim=-1", "dim=-2"), skill="axis",
                hint=1, also=((("dim=-1", "dim=-2"), ("-math.inf", "-1e9")),)),
        Mistake("softmax-heads", L(zh="softmax 沿头轴", en="softmax runs over the heads"), SOFTMAX,
                ("dim=-1", "dim=1"), skill="axis", hint=1, also=((("dim=-1", "dim=1"), ("-math.inf", "-1e9")),)),
        Mistake("returns-scores", L(zh="返回的是 softmax 之前的分数，不是权重",
                en="the scores are returned in place of the weights"),
                L(zh="第二个返回值每行加起来应是 1。", en="Each row of the second value should sum to 1."),
                (".T, weights",
                ".T, scores"), skill="formula", hint=3,
                also=(((".T, weights", ".T, scores"), ("-math.inf", "-1e9")),)),
        Mistake("weights-mean", L(zh="权重对各头取了平均或求了和",
                en="the weights are averaged or summed over the heads"),
                L(zh="权重的形状是 [B,H,T,S]。", en="The weights have shape [B,H,T,S]."), (".T, weights",
                ".T, weights.mean(1)"), skill="axis", hint=3,
                also=(((".T, weights", ".T, weights.sum(1)"),),)),
        Mistake("output-only", L(zh="只返回了输出，没有返回权重", en="only the output is returned, not the weights"),
                L(zh="题目要两个返回值。", en="The task asks for two values."), ("return mixed @ W_o.T, weights",
                "return mixed @ W_o.T"), skill="formula", hint=3),
        Mistake("overflow-exp", L(zh="手写的 exp 没有减去最大值，大分数溢出",
                en="a hand-written exp without subtracting the maximum overflows at large scores"),
                        L(zh="float32 里 exp(89) 是多少？", en="What is exp(89) in float32?"),
                ("torch.softmax(scores, dim=-1)", "scores.exp() / scores.exp().sum(-1, keepdim=True)"),
                skill="stability", hint=1),
        Mistake("values-not-projected", L(zh="值没有经过 W_v", en="the values do not go through W_v"), _WEIGHTS,
                ("heads(x_kv @ W_v.T)", "heads(x_kv)"), skill="formula"),
        Mistake("keys-through-W_q", L(zh="键用了 W_q 投影", en="the keys go through W_q"), _WEIGHTS,
                ("x_kv @ W_k.T", "x_kv @ W_q.T"), skill="formula"),
        Mistake("queries-through-W_k", L(zh="查询用了 W_k 投影", en="the queries go through W_k"), _WEIGHTS,
                ("x_q @ W_q.T", "x_q @ W_k.T"),
                skill="formula"),
        Mistake("values-through-W_q", L(zh="值用了 W_q 投影", en="the values go through W_q"), _WEIGHTS,
                ("x_kv @ W_v.T", "x_kv @ W_q.T"),
                skill="formula"),
        Mistake("keys-values-swapped", L(zh="W_k 和 W_v 用反了", en="W_k and W_v are exchanged"), _WEIGHTS,
                ("x_kv @ W_k.T", "x_kv @ W_v.T"), ("heads(x_kv @ W_v.T)\n", "heads(x_kv @ W_k.T)\n"),
                skill="formula"),
        Mistake("queries-from-kv", L(zh="查询也从 x_kv 来，没有用 x_q",
                en="the queries come from x_kv; x_q is not used"), _WEIGHTS,
                ("x_q @ W_q.T", "x_kv @ W_q.T"), skill="formula"),
        Mistake("heads-interleaved", L(zh="切头和并头都是交错的：第 h 个头拿到的是第 h、h+H、h+2H… 列",
                en="heads are split and merged interleaved: head h holds columns h, h+H, h+2H, ..."),
                L(zh="第 h 个头应是相邻的 D/H 列。", en="Head h should hold D/H columns that stand side by side."),
                ("x.reshape(B, -1, n_heads, D // n_heads).transpose(1, 2)",
                 "x.reshape(B, -1, D // n_heads, n_heads).permute(0, 3, 1, 2)"),
                ("(weights @ v).transpose(1, 2).reshape", "(weights @ v).permute(0, 2, 3, 1).reshape"), skill="axis",
                hint=1),
        Mistake("merge-interleave", L(zh="并头时各头交错拼接", en="the heads are merged interleaved, not end to end"),
                _SPLIT,
                ("(weights @ v).transpose(1, 2).reshape", "(weights @ v).permute(0, 2, 3, 1).reshape"), skill="axis",
                hint=3),
        Mistake("mask-squeezed", L(zh="mask 的头轴被去掉了，批轴对上了头轴",
                en="the mask loses its head axis, so that its batch axis meets the heads"), MASKING,
                ("~mask", "~(mask.squeeze(1) if mask.dim() == 4 else mask)"), skill="mask",
                also=((("~mask", "~mask.squeeze(1)"),),
                (("~mask", "~(mask[:, 0] if mask.dim() == 4 else mask)"),))),
        Mistake("mask-unsqueezed", L(zh="给 mask 多加了一个头轴", en="mask gets one more axis for the heads"),
                L(zh="mask 已经能广播到 [B,H,T,S]，不用再加轴。",
                en="mask broadcasts to [B,H,T,S] as it is; it needs no further axis."),
                ("~mask", "~mask.unsqueeze(1)"), skill="mask"),
        Mistake("mask-added", L(zh="把布尔 mask 直接加到了分数上（只加了 1 或 0）",
                en="the boolean mask is added to the scores, as 1 or 0"), MASKING,
                ("scores.masked_fill(~mask, -math.inf)", "scores + mask"), skill="mask"),
        Mistake("causal-always", L(zh="总是加了因果 mask", en="a causal mask is always applied"),
                L(zh="只遮 mask 参数说的。", en="Only the mask that is given blocks anything."),
                ("    if mask is not None:",
                "    scores = scores.masked_fill(~torch.ones(scores.shape[-2:]).tril().bool(), -math.inf)\n"
                 "    if mask is not None:"), skill="mask"),
        Mistake("scale-by-H", L(zh="除以了头数的平方根 √H", en="the scores are divided by √H"), SCORES,
                ("math.sqrt(D // n_heads)", "math.sqrt(n_heads)"), skill="scale"),
        Mistake("div-d", L(zh="除以了 D/H 而不是它的平方根", en="the scores are divided by D/H, not by its root"),
                SCORES,
                ("math.sqrt(D // n_heads)", "(D // n_heads)"), skill="scale"),
        Mistake("mul-sqrt", L(zh="乘了 √(D/H) 而不是除", en="the scores are multiplied by √(D/H)"), SCORES,
                ("/ math.sqrt(D // n_heads)", "* math.sqrt(D // n_heads)"), skill="scale"),
        Mistake("inputs-not-transposed", L(zh="q、k、v 的投影用了 x @ W，只有输出投影转置了",
                en="the projections of q, k and v use x @ W; only the output's is transposed"), _WEIGHTS,
                ("x_q @ W_q.T", "x_q @ W_q"), ("x_kv @ W_k.T", "x_kv @ W_k"), ("x_kv @ W_v.T", "x_kv @ W_v"),
                skill="axis"),
        Mistake("no-softmax", L(zh="没有做 softmax", en="there is no softmax"), SOFTMAX,
                ("torch.softmax(scores, dim=-1)", "scores"), skill="formula",
                hint=1),
        Mistake("one-head", L(zh="没有切头，只做了一个宽度为 D 的头",
                en="the heads are not split: it is one head of width D"), _SPLIT,
                program=lambda x_q, x_kv, W_q, W_k, W_v, W_o, n_heads,
                mask=None: multi_head_attention(x_q, x_kv, W_q, W_k, W_v, W_o, 1, mask),
                skill="axis", hint=1),
        Mistake("weights-first-head", L(zh="只返回了第 0 个头的权重", en="only the weights of head 0 are returned"),
                L(zh="权重的形状是 [B,H,T,S]。", en="The weights have shape [B,H,T,S]."),
                (".T, weights", ".T, weights[:, 0]"), skill="axis", hint=3),
        Mistake("weights-transposed", L(zh="权重返回时转置了，形状是 [B,H,S,T]",
                en="the weights are returned transposed, as [B,H,S,T]"),
                L(zh="权重的每一行是一个查询。", en="Each row of the weights is one query."),
                (".T, weights", ".T, weights.transpose(-2, -1)"),
                skill="axis", hint=3),
        Mistake("softmax-keepdim", L(zh="手写 softmax 求和时没有 keepdim",
                en="the sum of a hand-written softmax lacks keepdim"), SOFTMAX,
                ("torch.softmax(scores, dim=-1)",
                "(lambda e: e / e.sum(-1))((scores - scores.amax(-1, keepdim=True)).exp())"), skill="axis", hint=1,
                also=((("torch.softmax(scores, dim=-1)", "(lambda e: e / e.sum(-1))(scores.exp())"),),)),
        Mistake("softmax-batch", L(zh="softmax 沿批轴", en="softmax runs over the batch"), SOFTMAX,
                ("dim=-1", "dim=0"), skill="axis", hint=1, also=((("dim=-1", "dim=0"), ("-math.inf", "-1e9")),)),
        Mistake("values-from-queries", L(zh="值从 x_q 来，没有用 x_kv", en="the values come from x_q, not from x_kv"),
                _WEIGHTS,
                ("x_kv @ W_v.T", "x_q @ W_v.T"), skill="formula"),
    ),
    alternatives=(multi_head_loop, multi_head_einsum, multi_head_fused, multi_head_double, multi_head_numpy, multi_head_sum),
    think=L(zh="H 个头和一个头的参数一样多。多头换来了什么？", en="H heads have as many parameters as one. What do they buy?"),
)

EXERCISES = (SDPA, MASKS, SPLIT, MERGE, ADDITIVE, MULTI)
