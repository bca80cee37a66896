"""decode.cached_attention: one decoding step with a KV cache."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def cached_attention(q, k, v, cache=None):
    """One decoding step of attention with a KV cache.

    q, k: [B, H, 1, d] and v: [B, H, 1, e] of the new token; cache: None or (K [B, H, S, d], V [B, H, S, e]) of those before. Returns
    (output [B, H, 1, e], (K, V)), K and V with S + 1 rows, the new one last. The query attends to all S + 1 rows, its own included; scale
    1 / sqrt(d), no mask. The old cache is not modified; F.scaled_dot_product_attention is forbidden.
    """
    if cache is not None:
        K, V = cache
        k, v = torch.cat([K, k], dim=2), torch.cat([V, v], dim=2)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])    # (B, H, 1, S + 1)
    return torch.softmax(scores, dim=-1) @ v, (k, v)


def cached_einsum(q, k, v, cache=None):
    K, V = (k, v) if cache is None else (torch.cat(pair, dim=-2) for pair in zip(cache, (k, v)))
    weights = torch.einsum("bhtd,bhsd->bhts", q * q.shape[-1] ** -0.5, K).softmax(-1)
    return torch.einsum("bhts,bhse->bhte", weights, V), (K, V)


def cached_preallocated(q, k, v, cache=None):
    """A new buffer with room for one row more."""
    S = 0 if cache is None else cache[0].shape[2]
    K, V = k.new_empty(*k.shape[:2], S + 1, k.shape[3]), v.new_empty(*v.shape[:2], S + 1, v.shape[3])
    if cache is not None:
        K[:, :, :S], V[:, :, :S] = cache
    K[:, :, S:], V[:, :, S:] = k, v
    scores = (K * q).sum(-1) / q.size(-1) ** 0.5                         # (B, H, S + 1)
    return (scores.softmax(-1).unsqueeze(-1) * V).sum(dim=2, keepdim=True), (K, V)


def cached_by_hand(q, k, v, cache=None):
    """Softmax by hand, with the largest score taken off."""
    d = q.shape[-1]
    keys = k if cache is None else torch.concat((cache[0], k), -2)
    values = v if cache is None else torch.concat((cache[1], v), -2)
    scores = torch.matmul(keys, q.mT) / d ** 0.5                         # (B, H, S + 1, 1)
    weights = torch.exp(scores - scores.max(dim=2, keepdim=True).values)
    return (weights.mT @ values) / weights.sum(dim=2, keepdim=True), (keys, values)


def cached_heads(q, k, v, cache=None):
    """One batch and one head after the other."""
    B, H, _, d = q.shape
    if cache is None:
        cache = k[:, :, :0], v[:, :, :0]
    K, V = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
    rows = [[torch.softmax(K[b, h] @ q[b, h, 0] / math.sqrt(d), 0) @ V[b, h] for h in range(H)] for b in range(B)]
    return torch.stack([torch.stack(row) for row in rows])[:, :, None], [K, V]


def cached_online(q, k, v, cache=None):
    """The new row joins the old ones at the end, with one log-sum-exp."""
    own = (q * k).sum(-1, keepdim=True) / math.sqrt(q.shape[-1])         # (B, H, 1, 1)
    if cache is None:
        return v.clone(), (k.clone(), v.clone())
    K, V = cache
    scores = q @ K.transpose(2, 3) / math.sqrt(q.shape[-1])              # (B, H, 1, S)
    norm = torch.logsumexp(torch.cat([scores, own], -1), -1, keepdim=True)
    return (scores - norm).exp() @ V + (own - norm).exp() * v, (torch.cat((K, k), 2), torch.cat((V, v), 2))


def cached_flat(q, k, v, cache=None):
    """Batch and heads as one axis, for torch.bmm."""
    B, H, _, d = q.shape
    K = torch.cat(([] if cache is None else [cache[0]]) + [k], dim=2)
    V = torch.cat(([] if cache is None else [cache[1]]) + [v], dim=2)
    scores = torch.bmm(q.reshape(B * H, 1, d), K.reshape(B * H, -1, d).transpose(1, 2)) * (1 / math.sqrt(d))
    return torch.bmm(scores.softmax(2), V.reshape(B * H, -1, V.shape[-1])).reshape(B, H, 1, -1), (K, V)


def _cases(draw: Draw) -> list[Case]:
    def step(B, H, S, d, e, scale=1.0):
        new = draw.normal(B, H, 1, d, scale=scale * 1.5), draw.normal(B, H, 1, d, scale=scale), draw.normal(B, H, 1, e)
        return *new, None if S is None else (draw.normal(B, H, S, d, scale=scale), draw.normal(B, H, S, e))

    first, large = L(zh="第一步，没有缓存", en="the first step, without a cache"), L(zh="很大的分数", en="large scores")
    q, k, v, (K, V) = step(2, 3, 4, 6, 5)
    one = lambda number: torch.tensor([[[[number]]]])
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (one(2.0), one(0.0), one(4.0), (one(0.0), one(2.0)))),
        Case(L(zh="各轴大小都不同", en="all sizes different"), step(2, 3, 5, 4, 6)),
        Case(L(zh="缓存里一行", en="one row in the cache"), step(2, 3, 1, 6, 4)),
        Case(L(zh="没有缓存", en="no cache"), step(2, 3, None, 4, 6), first),
        Case(L(zh="没有缓存，d=e", en="no cache, d=e"), step(3, 2, None, 5, 5), first),
        Case(L(zh="缓存里零行", en="a cache of no rows"), step(2, 4, 0, 3, 5)),
        Case(L(zh="d=e", en="d=e"), step(2, 4, 3, 5, 5)),
        Case(L(zh="B=H=S=d=e=3", en="B=H=S=d=e=3"), step(3, 3, 3, 3, 3)),
        Case(L(zh="B=1，H=1", en="B=1, H=1"), step(1, 1, 7, 4, 3)),
        Case(L(zh="分数上百", en="scores in the hundreds"), step(2, 2, 6, 8, 4, 12.0), large),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), (q, k, v, (K.transpose(1, 2).contiguous().transpose(1, 2), V.mT.contiguous().mT))),
    ]


_ROWS = L(zh="新的一行接在后面，沿位置那个轴（第 2 轴）。", en="The new row is joined on behind, along the axis of positions, axis 2.")
_ALL = L(zh="查询看缓存里的每一行，也看自己这一行。", en="The query attends to every row of the cache and to its own.")
_SCALE = L(zh="分数除以 √d，d 是一个头的宽度。", en="Scores are divided by √d, the width of a head.")
_SOFTMAX = L(zh="softmax 沿键那个轴：每个查询的权重加起来是 1。", en="Softmax runs along the keys: the weights of a query sum to 1.")
_RETURNS = L(zh="返回 (输出, (K, V))，K、V 是接好以后的。", en="What is returned is (output, (K, V)), with the rows joined on.")
_JOIN = "k, v = torch.cat([K, k], dim=2), torch.cat([V, v], dim=2)"
_OUT = "return torch.softmax(scores, dim=-1) @ v, (k, v)"
_HEAD = "    if cache is not None:\n        K, V = cache\n        " + _JOIN
_ROOT = "math.sqrt(q.shape[-1])"


def _attend(q, k, v):
    return torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]), dim=-1) @ v


def _joined(k, v, cache):
    return (k, v) if cache is None else (torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2))


def _old_only(q, k, v, cache=None):
    return _attend(q, *(cache if cache is not None and cache[0].shape[2] else (k, v))), _joined(k, v, cache)


def _own_only(q, k, v, cache=None):
    return _attend(q, k, v), _joined(k, v, cache)


def _newest_key(q, k, v, cache=None):
    K, V = _joined(k, v, cache)
    return _attend(q, K[:, :, -2:], V[:, :, -2:]), (K, V)


EXERCISE = Exercise(
    id="decode.cached_attention", title=L(zh="带 KV 缓存的注意力", en="Attention with a KV cache"), reference=cached_attention,
    returns=Tuple((("output", Array("B H 1 e")), ("cache", Tuple((("K", Array("B H S d")), ("V", Array("B H S e"))))))), cases=_cases,
    forbidden={"scaled_dot_product_attention": "F.scaled_dot_product_attention"}, gradients=(0, 1, 2), trained=True,
    hints=(
        L(zh="先把新的 k、v 接到缓存后面；没有缓存时，它们自己就是全部。", en="First join the new k and v on behind the cache; without a cache they are all there is."),
        L(zh="位置是第 2 轴：`torch.cat([K, k], dim=2)`。旧的缓存不会因此改变。", en="Positions are axis 2: `torch.cat([K, k], dim=2)`. That leaves the old cache as it was."),
        L(zh="然后就是普通的注意力，一个查询、S + 1 个键。最后一个词元可以看前面的一切，所以不用掩码。",
          en="The rest is attention as usual, with one query and S + 1 keys. The last token may look at all before it, so there is no mask."),
    ),
    mistakes=(
        Mistake("kv-overwrite", L(zh="新的一行覆盖了缓存，没有接上去", en="the new row overwrites the cache instead of joining it"), _ROWS, (_JOIN, "pass"), skill="edge", hint=1),
        Mistake("kv-prepend", L(zh="新的一行放在了最前面", en="the new row comes first"), _ROWS, (_JOIN, "k, v = torch.cat([k, K], dim=2), torch.cat([v, V], dim=2)"), skill="rank"),
        Mistake("kv-keys-prepended", L(zh="K 接在后面，V 接在前面，对不上了", en="the key is joined on behind and the value in front, so that they no longer match"), _ROWS,
                ("torch.cat([V, v], dim=2)", "torch.cat([v, V], dim=2)"), skill="rank", also=((("torch.cat([K, k], dim=2)", "torch.cat([k, K], dim=2)"),),)),
        Mistake("kv-axis-heads", L(zh="沿“头”轴接的", en="rows are joined along the head axis"), _ROWS, (_JOIN, _JOIN.replace("dim=2", "dim=1")), skill="axis"),
        Mistake("kv-axis-batch", L(zh="沿批那个轴接的", en="rows are joined along the batch axis"), _ROWS, (_JOIN, _JOIN.replace("dim=2", "dim=0")), skill="axis"),
        Mistake("kv-axis-width", L(zh="沿头宽那个轴接的", en="rows are joined along the head width"), _ROWS, (_JOIN, _JOIN.replace("dim=2", "dim=-1")), skill="axis"),
        Mistake("kv-values-as-keys", L(zh="从缓存里取 K、V 时取反了", en="K and V are taken from the cache the wrong way round"), _RETURNS, ("K, V = cache", "V, K = cache"), skill="rank", hint=1),
        Mistake("kv-stored-swapped", L(zh="返回的缓存是 (V, K)", en="the cache is returned as (V, K)"), _RETURNS, (_OUT, _OUT.replace("(k, v)", "(v, k)")), skill="rank", hint=1),
        Mistake("kv-current-missing", L(zh="没有看自己这一行：只看了旧的缓存", en="the query does not attend to its own row, only to the old cache"), _ALL, program=_old_only, skill="shift", hint=3),
        Mistake("kv-own-row-only", L(zh="只看了自己这一行，没有看缓存", en="the query attends to its own row alone, not to the cache"), _ALL, program=_own_only, skill="shift", hint=3),
        Mistake("kv-last-two", L(zh="只看了最后两行", en="the query attends to the last two rows alone"), _ALL, program=_newest_key, skill="shift", hint=3),
        Mistake("kv-mask-offset", L(zh="因果掩码没有算缓存的长度：只能看第 0 行", en="the causal mask ignores the cache's length: row 0 alone is seen"), _ALL,
                ("    return torch", "    scores = scores.masked_fill(torch.ones_like(scores).tril() == 0, -math.inf)\n    return torch"), skill="mask", hint=3),
        Mistake("kv-old-cache", L(zh="返回的是旧的缓存，没有接上新的一行", en="the old cache is returned, without the new row"), _RETURNS,
                (_OUT, "return torch.softmax(scores, dim=-1) @ v, cache"), skill="shift", hint=1, also=(
                    ((_OUT, "return torch.softmax(scores, dim=-1) @ v, (k, v) if cache is None else cache"),),)),
        Mistake("kv-new-row-only", L(zh="返回的缓存里只有新的一行", en="the cache that is returned holds the new row alone"), _RETURNS,
                (_OUT, _OUT.replace("(k, v)", "(k[:, :, -1:], v[:, :, -1:])")), skill="shift", hint=1),
        Mistake("kv-keys-not-cached", L(zh="缓存里只接了 v，没有接 k", en="only v is joined to the cache, not k"), _ROWS, ("torch.cat([K, k], dim=2)", "K"), skill="edge", hint=1),
        Mistake("kv-first-step", L(zh="没有缓存时出错", en="it fails without a cache"), L(zh="第一步 cache 是 None：新的一行就是全部。", en="At the first step cache is None: the new row is all there is."),
                (_HEAD, "    K, V = cache\n    " + _JOIN), skill="edge", hint=1),
        Mistake("no-scale", L(zh="没有除以 √d", en="the scores are not divided by √d"), _SCALE, (f" / {_ROOT}", ""), skill="scale", hint=3),
        Mistake("div-d", L(zh="除以了 d，不是 √d", en="the scores are divided by d, not √d"), _SCALE, (_ROOT, "q.shape[-1]"), skill="scale", hint=3),
        Mistake("mul-sqrt", L(zh="乘了 √d", en="the scores are multiplied by √d"), _SCALE, (f"/ {_ROOT}", f"* {_ROOT}"), skill="scale", hint=3),
        Mistake("scale-wrong-dim", L(zh="除以的不是 √d：取错了轴", en="the scores are divided by the root of another size than d"), _SCALE, (_ROOT, "math.sqrt(k.shape[-2])"), skill="scale", hint=3,
                also=(((_ROOT, "math.sqrt(v.shape[-1])"),), ((_ROOT, "math.sqrt(q.shape[1] * q.shape[-1])"),))),
        Mistake("softmax-axis", L(zh="softmax 沿查询那个轴：权重全是 1", en="softmax runs along the queries, so that all weights are 1"), _SOFTMAX, ("dim=-1)", "dim=-2)"), skill="axis", hint=3),
        Mistake("softmax-heads", L(zh="softmax 沿“头”轴", en="softmax runs along the heads"), _SOFTMAX, ("dim=-1)", "dim=1)"), skill="axis", hint=3),
        Mistake("no-softmax", L(zh="没有做 softmax", en="there is no softmax"), _SOFTMAX, ("torch.softmax(scores, dim=-1)", "scores"), skill="formula", hint=3),
        Mistake("sigmoid", L(zh="用了 sigmoid，不是 softmax", en="sigmoid takes the place of softmax"), _SOFTMAX, ("torch.softmax(scores, dim=-1)", "torch.sigmoid(scores)"), skill="formula", hint=3),
        Mistake("overflow-exp", L(zh="手写的 exp 溢出了", en="exp by hand overflows"), L(zh="先减去最大的分数，或者用 torch.softmax。", en="Take off the largest score first, or use torch.softmax."),
                ("torch.softmax(scores, dim=-1)", "scores.float().exp() / scores.float().exp().sum(-1, keepdim=True)"), skill="stability", hint=3),
        Mistake("uses-k-for-v", L(zh="加权的是 k，不是 v", en="the weighted sum is of k, not v"), L(zh="权重乘的是 v。", en="The weights multiply v."), ("dim=-1) @ v", "dim=-1) @ k"), skill="formula", hint=3),
        Mistake("returns-weights", L(zh="返回了权重，没有乘 v", en="the weights are returned, without v"), L(zh="权重乘的是 v。", en="The weights multiply v."), ("dim=-1) @ v", "dim=-1)"), skill="formula", hint=3),
    ),
    alternatives=(cached_einsum, cached_preallocated, cached_by_hand, cached_heads, cached_online, cached_flat),
    think=L(zh="写 T 个词元：有缓存时一共算多少个分数？没有缓存、每步全部重算呢？", en="For T tokens: how many scores are computed with a cache, and how many if every step starts anew?"),
)
