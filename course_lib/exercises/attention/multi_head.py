"""attention.multi_head: multi-head attention."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import MASK, MASKING, SCORES, SOFTMAX, some
from .split_heads import split_heads

__all__ = ["EXERCISE"]


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
    F, output, maps = torch.nn.functional, torch.zeros(()), []
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
        Case(L(zh="mask [B,H,T,S]", en="mask [B,H,T,S]"), make(2, 4, 6, 9, 3, some(draw, 2, 3, 4, 6)), MASK),
        Case(L(zh="B=H=3，mask [B,1,T,S]", en="B=H=3, mask [B,1,T,S]"), make(3, 4, 5, 6, 3, some(draw, 3, 1, 4, 5)), MASK),
        Case(L(zh="mask [1,H,1,S]", en="mask [1,H,1,S]"), make(3, 4, 5, 6, 2, some(draw, 1, 2, 1, 5)), MASK),
        Case(L(zh="T=S=H=4", en="T=S=H=4"), make(2, 4, 4, 8, 4), L(zh="T 等于 H", en="T equal to H")),
        Case(L(zh="H=1", en="H=1"), make(2, 3, 5, 4, 1)),
        Case(L(zh="分数很大", en="large scores"), loud(make(1, 4, 6, 8, 2)), L(zh="数值稳定性", en="numerical stability")),
        Case(L(zh="T=S=1", en="T=S=1"), make(2, 1, 1, 6, 3)),
    ]


_SPLIT = L(zh="看看切头和并头的两处：都要转置。", en="Look at both places, splitting and merging the heads: each needs its transpose.")
_WEIGHTS = L(zh="哪个输入经过哪个矩阵？", en="Which input goes through which matrix?")

EXERCISE = Exercise(
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
        Mistake("scale-by-D", L(zh="除以了 √D，而不是每个头的 √(D/H)", en="the scores are divided by √D instead of √(D/H)"),
                SCORES, ("math.sqrt(D // n_heads)", "math.sqrt(D)"), skill="scale"),
        Mistake("no-scale", L(zh="没有缩放分数", en="the scores are not scaled"), SCORES, (" / math.sqrt(D // n_heads)", ""),
                skill="scale"),
        Mistake("no-out-proj", L(zh="忘了输出投影 W_o", en="the output projection W_o is forgotten"),
                L(zh="并头之后还有一步。", en="One more step follows the merge."), ("mixed @ W_o.T", "mixed"), skill="formula",
                hint=3),
        Mistake("split-view", L(zh="切头时直接 reshape，没有转置", en="the heads are split by a reshape without a transpose"),
                _SPLIT, ("x.reshape(B, -1, n_heads, D // n_heads).transpose(1, 2)", "x.reshape(B, n_heads, -1, D // n_heads)"),
                skill="axis", hint=1),
        Mistake("head-dim-swap", L(zh="切头时头与宽度的次序颠倒", en="heads and width are exchanged when splitting"), _SPLIT,
                ("x.reshape(B, -1, n_heads, D // n_heads).transpose(1, 2)",
                "x.reshape(B, -1, D // n_heads, n_heads).permute(0, 3, 1, 2)"),
                skill="axis", hint=1,
                also=((("q, k, v = heads(x_q @ W_q.T), heads(x_kv @ W_k.T), ",
                "odd = lambda x: x.reshape(B, -1, D // n_heads, n_heads).permute(0, 3, 1, 2)\n"
                "    q, k, v = odd(x_q @ W_q.T), odd(x_kv @ W_k.T), "),),)),
        Mistake("merge-no-transpose", L(zh="并头前没有转置回来", en="the heads are merged without transposing back"), _SPLIT,
                ("(weights @ v).transpose(1, 2).reshape", "(weights @ v).reshape"), skill="axis", hint=3),
        Mistake("weights-not-transposed", L(zh="投影用了 x @ W 而不是 x @ W.T", en="projections use x @ W instead of x @ W.T"),
                _WEIGHTS, ("x_q @ W_q.T", "x_q @ W_q"), ("x_kv @ W_k.T", "x_kv @ W_k"), ("x_kv @ W_v.T", "x_kv @ W_v"),
                ("mixed @ W_o.T", "mixed @ W_o"), skill="axis"),
        Mistake("out-not-transposed", L(zh="输出投影用了 W_o 而不是 W_o.T", en="the output projection uses W_o instead of W_o.T"),
                _WEIGHTS, ("mixed @ W_o.T", "mixed @ W_o"), skill="axis", hint=3),
        Mistake("values-from-keys", L(zh="值用了 W_k 投影", en="the values are projected by W_k"), _WEIGHTS,
                ("x_kv @ W_v.T", "x_kv @ W_k.T"), skill="formula"),
        Mistake("keys-from-queries", L(zh="键和值也从 x_q 来，没有用 x_kv", en="keys and values come from x_q; x_kv is not used"),
                _WEIGHTS, ("x_kv @ W_k.T", "x_q @ W_k.T"), ("x_kv @ W_v.T", "x_q @ W_v.T"), skill="formula"),
        Mistake("weights-swapped", L(zh="W_q 和 W_k 用反了", en="W_q and W_k are exchanged"), _WEIGHTS,
                ("x_q @ W_q.T", "x_q @ W_k.T"), ("x_kv @ W_k.T", "x_kv @ W_q.T"), skill="formula"),
        Mistake("residual", L(zh="又加上了输入 x_q（残差）", en="the input x_q is added, as a residual"),
                L(zh="残差不在这个函数里。", en="The residual is not part of this function."),
                ("mixed @ W_o.T", "mixed @ W_o.T + x_q"), skill="formula", hint=3),
        Mistake("values-swapped", L(zh="两个返回值的次序反了", en="the two values are exchanged"),
                L(zh="先输出，再权重。", en="The output first, then the weights."),
                ("return mixed @ W_o.T, weights", "return weights, mixed @ W_o.T"), skill="formula", hint=3),
        Mistake("mask-ignored", L(zh="没有用 mask", en="mask is ignored"), MASKING,
                ("scores.masked_fill(~mask, -math.inf)", "scores"), skill="mask"),
        Mistake("mask-flipped", L(zh="mask 的方向反了", en="mask is used the wrong way round"), MASKING, ("~mask", "mask"),
                skill="mask", also=((("~mask, -math.inf", "mask, -1e9"),),)),
        Mistake("mask-zero", L(zh="把被挡的分数设成了 0", en="blocked scores are set to 0"),
                L(zh="exp(0) 是多少？", en="What is exp(0)?"), ("-math.inf", "0.0"), skill="mask"),
        Mistake("mask-after",
                L(zh="softmax 之后才遮，权重加起来不到 1",
                en="the mask comes after softmax, so that the weights no longer sum to 1"),
                MASKING, ("scores = scores.masked_fill(~mask, -math.inf)", "pass"),
                ("torch.softmax(scores, dim=-1)",
                "torch.softmax(scores, dim=-1).masked_fill(~mask if mask is not None else torch.tensor(False), 0.0)"),
                skill="mask"),
        Mistake("softmax-axis", L(zh="softmax 沿查询轴", en="softmax runs over the queries"), SOFTMAX, ("dim=-1", "dim=-2"),
                skill="axis", hint=1, also=((("dim=-1", "dim=-2"), ("-math.inf", "-1e9")),)),
        Mistake("softmax-heads", L(zh="softmax 沿头轴", en="softmax runs over the heads"), SOFTMAX, ("dim=-1", "dim=1"),
                skill="axis", hint=1, also=((("dim=-1", "dim=1"), ("-math.inf", "-1e9")),)),
        Mistake("returns-scores",
                L(zh="返回的是 softmax 之前的分数，不是权重", en="the scores are returned in place of the weights"),
                L(zh="第二个返回值每行加起来应是 1。", en="Each row of the second value should sum to 1."),
                (".T, weights", ".T, scores"), skill="formula", hint=3,
                also=(((".T, weights", ".T, scores"), ("-math.inf", "-1e9")),)),
        Mistake("weights-mean", L(zh="权重对各头取了平均或求了和", en="the weights are averaged or summed over the heads"),
                L(zh="权重的形状是 [B,H,T,S]。", en="The weights have shape [B,H,T,S]."), (".T, weights", ".T, weights.mean(1)"),
                skill="axis", hint=3, also=(((".T, weights", ".T, weights.sum(1)"),),)),
        Mistake("output-only", L(zh="只返回了输出，没有返回权重", en="only the output is returned, not the weights"),
                L(zh="题目要两个返回值。", en="The task asks for two values."),
                ("return mixed @ W_o.T, weights", "return mixed @ W_o.T"), skill="formula", hint=3),
        Mistake("overflow-exp",
                L(zh="手写的 exp 没有减去最大值，大分数溢出",
                en="a hand-written exp without subtracting the maximum overflows at large scores"),
                L(zh="float32 里 exp(89) 是多少？", en="What is exp(89) in float32?"),
                ("torch.softmax(scores, dim=-1)", "scores.exp() / scores.exp().sum(-1, keepdim=True)"), skill="stability",
                hint=1),
        Mistake("values-not-projected", L(zh="值没有经过 W_v", en="the values do not go through W_v"), _WEIGHTS,
                ("heads(x_kv @ W_v.T)", "heads(x_kv)"), skill="formula"),
        Mistake("keys-through-W_q", L(zh="键用了 W_q 投影", en="the keys go through W_q"), _WEIGHTS,
                ("x_kv @ W_k.T", "x_kv @ W_q.T"), skill="formula"),
        Mistake("queries-through-W_k", L(zh="查询用了 W_k 投影", en="the queries go through W_k"), _WEIGHTS,
                ("x_q @ W_q.T", "x_q @ W_k.T"), skill="formula"),
        Mistake("values-through-W_q", L(zh="值用了 W_q 投影", en="the values go through W_q"), _WEIGHTS,
                ("x_kv @ W_v.T", "x_kv @ W_q.T"), skill="formula"),
        Mistake("keys-values-swapped", L(zh="W_k 和 W_v 用反了", en="W_k and W_v are exchanged"), _WEIGHTS,
                ("x_kv @ W_k.T", "x_kv @ W_v.T"), ("heads(x_kv @ W_v.T)\n", "heads(x_kv @ W_k.T)\n"), skill="formula"),
        Mistake("queries-from-kv", L(zh="查询也从 x_kv 来，没有用 x_q", en="the queries come from x_kv; x_q is not used"),
                _WEIGHTS, ("x_q @ W_q.T", "x_kv @ W_q.T"), skill="formula"),
        Mistake("heads-interleaved",
                L(zh="切头和并头都是交错的：第 h 个头拿到的是第 h、h+H、h+2H… 列",
                en="heads are split and merged interleaved: head h holds columns h, h+H, h+2H, ..."),
                L(zh="第 h 个头应是相邻的 D/H 列。", en="Head h should hold D/H columns that stand side by side."),
                ("x.reshape(B, -1, n_heads, D // n_heads).transpose(1, 2)",
                "x.reshape(B, -1, D // n_heads, n_heads).permute(0, 3, 1, 2)"),
                ("(weights @ v).transpose(1, 2).reshape", "(weights @ v).permute(0, 2, 3, 1).reshape"), skill="axis", hint=1),
        Mistake("merge-interleave", L(zh="并头时各头交错拼接", en="the heads are merged interleaved, not end to end"), _SPLIT,
                ("(weights @ v).transpose(1, 2).reshape", "(weights @ v).permute(0, 2, 3, 1).reshape"), skill="axis", hint=3),
        Mistake("mask-squeezed",
                L(zh="mask 的头轴被去掉了，批轴对上了头轴",
                en="the mask loses its head axis, so that its batch axis meets the heads"),
                MASKING, ("~mask", "~(mask.squeeze(1) if mask.dim() == 4 else mask)"), skill="mask",
                also=((("~mask", "~mask.squeeze(1)"),), (("~mask", "~(mask[:, 0] if mask.dim() == 4 else mask)"),))),
        Mistake("mask-unsqueezed", L(zh="给 mask 多加了一个头轴", en="mask gets one more axis for the heads"),
                L(zh="mask 已经能广播到 [B,H,T,S]，不用再加轴。",
                en="mask broadcasts to [B,H,T,S] as it is; it needs no further axis."),
                ("~mask", "~mask.unsqueeze(1)"), skill="mask"),
        Mistake("mask-added",
                L(zh="把布尔 mask 直接加到了分数上（只加了 1 或 0）", en="the boolean mask is added to the scores, as 1 or 0"),
                MASKING, ("scores.masked_fill(~mask, -math.inf)", "scores + mask"), skill="mask"),
        Mistake("causal-always", L(zh="总是加了因果 mask", en="a causal mask is always applied"),
                L(zh="只遮 mask 参数说的。", en="Only the mask that is given blocks anything."),
                ("    if mask is not None:",
                "    scores = scores.masked_fill(~torch.ones(scores.shape[-2:]).tril().bool(), -math.inf)\n"
                "    if mask is not None:"),
                skill="mask"),
        Mistake("scale-by-H", L(zh="除以了头数的平方根 √H", en="the scores are divided by √H"), SCORES,
                ("math.sqrt(D // n_heads)", "math.sqrt(n_heads)"), skill="scale"),
        Mistake("div-d", L(zh="除以了 D/H 而不是它的平方根", en="the scores are divided by D/H, not by its root"), SCORES,
                ("math.sqrt(D // n_heads)", "(D // n_heads)"), skill="scale"),
        Mistake("mul-sqrt", L(zh="乘了 √(D/H) 而不是除", en="the scores are multiplied by √(D/H)"), SCORES,
                ("/ math.sqrt(D // n_heads)", "* math.sqrt(D // n_heads)"), skill="scale"),
        Mistake("inputs-not-transposed",
                L(zh="q、k、v 的投影用了 x @ W，只有输出投影转置了",
                en="the projections of q, k and v use x @ W; only the output's is transposed"),
                _WEIGHTS, ("x_q @ W_q.T", "x_q @ W_q"), ("x_kv @ W_k.T", "x_kv @ W_k"), ("x_kv @ W_v.T", "x_kv @ W_v"),
                skill="axis"),
        Mistake("no-softmax", L(zh="没有做 softmax", en="there is no softmax"), SOFTMAX,
                ("torch.softmax(scores, dim=-1)", "scores"), skill="formula", hint=1),
        Mistake("one-head", L(zh="没有切头，只做了一个宽度为 D 的头", en="the heads are not split: it is one head of width D"),
                _SPLIT,
                program=lambda x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None: multi_head_attention(x_q, x_kv, W_q, W_k, W_v,
                W_o, 1, mask),
                skill="axis", hint=1),
        Mistake("weights-first-head", L(zh="只返回了第 0 个头的权重", en="only the weights of head 0 are returned"),
                L(zh="权重的形状是 [B,H,T,S]。", en="The weights have shape [B,H,T,S]."), (".T, weights", ".T, weights[:, 0]"),
                skill="axis", hint=3),
        Mistake("weights-transposed",
                L(zh="权重返回时转置了，形状是 [B,H,S,T]", en="the weights are returned transposed, as [B,H,S,T]"),
                L(zh="权重的每一行是一个查询。", en="Each row of the weights is one query."),
                (".T, weights", ".T, weights.transpose(-2, -1)"), skill="axis", hint=3),
        Mistake("softmax-keepdim", L(zh="手写 softmax 求和时没有 keepdim", en="the sum of a hand-written softmax lacks keepdim"),
                SOFTMAX,
                ("torch.softmax(scores, dim=-1)", "(lambda e: e / e.sum(-1))((scores - scores.amax(-1, keepdim=True)).exp())"),
                skill="axis", hint=1, also=((("torch.softmax(scores, dim=-1)", "(lambda e: e / e.sum(-1))(scores.exp())"),),)),
        Mistake("softmax-batch", L(zh="softmax 沿批轴", en="softmax runs over the batch"), SOFTMAX, ("dim=-1", "dim=0"),
                skill="axis", hint=1, also=((("dim=-1", "dim=0"), ("-math.inf", "-1e9")),)),
        Mistake("values-from-queries", L(zh="值从 x_q 来，没有用 x_kv", en="the values come from x_q, not from x_kv"), _WEIGHTS,
                ("x_kv @ W_v.T", "x_q @ W_v.T"), skill="formula"),
    ),
    alternatives=(multi_head_loop, multi_head_einsum, multi_head_fused, multi_head_double, multi_head_numpy, multi_head_sum),
    think=L(zh="H 个头和一个头的参数一样多。多头换来了什么？", en="H heads have as many parameters as one. What do they buy?"),
)
