"""attention.additive: additive attention."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import SOFTMAX

__all__ = ["EXERCISE"]


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

EXERCISE = Exercise(
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
