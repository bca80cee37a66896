"""decode.filter_logits: temperature, top-k and top-p."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    """Temperature, top-k and top-p: logits / temperature where kept, else -inf.

    [..., V] -> [..., V]. In this order: temperature; top_k keeps the k largest and all that equal the k-th (k > V: all); top_p goes through the rest,
    renormalised, from the likeliest (equals by index), and keeps a token while those before it hold less than top_p. None leaves a step out; top_p = 1 keeps all.
    temperature <= 0, top_k < 1, top_p outside (0, 1]: ValueError.

    Steps: check; divide; -inf below the k-th; sort, add up, drop, back to the ids.
    """
    if temperature <= 0 or (top_k is not None and top_k < 1):
        raise ValueError("temperature must be above 0 and top_k at least 1")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("top_p must lie in (0, 1]")
    scores = logits / temperature                            # (..., V)
    if top_k is not None:
        kth = scores.topk(min(top_k, scores.shape[-1])).values[..., -1:]
        scores = scores.masked_fill(scores < kth, -math.inf)
    if top_p is not None and top_p < 1:
        p, order = scores.softmax(dim=-1).sort(descending=True, stable=True)
        drop = p.cumsum(dim=-1) - p >= top_p                 # those before hold enough
        drop = drop.scatter(-1, order, drop)                 # back to the order of ids
        scores = scores.masked_fill(drop, -math.inf)
    return scores


def _checked(temperature, top_k, top_p):
    if not temperature > 0:
        raise ValueError("temperature")
    if top_k is not None and top_k <= 0:
        raise ValueError("top_k")
    if top_p is not None and (top_p <= 0 or top_p > 1):
        raise ValueError("top_p")


def filter_ranks(logits, temperature=1.0, top_k=None, top_p=None):
    """The mask in sorted order, brought back by the ranks."""
    _checked(temperature, top_k, top_p)
    x = logits / temperature
    if top_k is not None and top_k < x.size(-1):
        x = torch.where(x >= x.sort(dim=-1).values[..., -top_k, None], x, -torch.inf)
    if top_p is None or top_p == 1:
        return x
    order = torch.argsort(x, dim=-1, descending=True, stable=True)
    share = x.gather(-1, order).softmax(-1)
    before = torch.cat([torch.zeros_like(share[..., :1]), share.cumsum(-1)[..., :-1]], dim=-1)
    return torch.where((before < top_p).gather(-1, order.argsort(-1)), x, -torch.inf)


def filter_lists(logits, temperature=1.0, top_k=None, top_p=None):
    """Row by row in plain Python."""
    _checked(temperature, top_k, top_p)

    def row(values):
        values = [v / temperature for v in values]
        keep = set(range(len(values)))
        if top_k is not None:
            kth = sorted(values, reverse=True)[min(top_k, len(values)) - 1]
            keep = {i for i in keep if values[i] >= kth}
        if top_p is not None and top_p < 1:
            top = max(values)
            total, held, nucleus = sum(math.exp(values[i] - top) for i in keep), 0.0, set()
            for i in sorted(keep, key=lambda i: (-values[i], i)):
                if held >= top_p:
                    break
                nucleus.add(i)
                held += math.exp(values[i] - top) / total
            keep = nucleus
        return [v if i in keep else -math.inf for i, v in enumerate(values)]

    rows = [row(values) for values in logits.reshape(-1, logits.shape[-1]).tolist()]
    return torch.tensor(rows).reshape(logits.shape)


def filter_numpy(logits, temperature=1.0, top_k=None, top_p=None):
    import numpy as np
    _checked(temperature, top_k, top_p)
    x = logits.numpy().astype("float64") / temperature
    if top_k is not None:
        kth = np.sort(x, axis=-1)[..., max(x.shape[-1] - top_k, 0)]
        x = np.where(x < kth[..., None], -np.inf, x)
    if top_p is not None and top_p < 1:
        order = np.argsort(-x, axis=-1, kind="stable")
        weights = np.exp(x - x.max(-1, keepdims=True))
        share = np.take_along_axis(weights / weights.sum(-1, keepdims=True), order, -1)
        drop = np.zeros(x.shape, dtype=bool)
        np.put_along_axis(drop, order, np.cumsum(share, -1) - share >= top_p, -1)
        x[drop] = -np.inf
    return x


def filter_pairs(logits, temperature=1.0, top_k=None, top_p=None):
    """What stands before each token, from a comparison of all pairs, without a sort."""
    _checked(temperature, top_k, top_p)
    x = logits.div(temperature)
    larger = (x[..., None, :] > x[..., :, None])                         # [i, j]: j beats i
    if top_k is not None:
        x = x.masked_fill(larger.sum(-1) >= top_k, float("-inf"))
    if top_p is not None and top_p != 1:
        i = torch.arange(x.shape[-1])
        ahead = larger | ((x[..., None, :] == x[..., :, None]) & (i < i[:, None]))
        before = (ahead * x.softmax(-1)[..., None, :]).sum(-1)
        x = x.masked_fill(~(before < top_p), float("-inf"))
    return x


def filter_two_steps(logits, temperature=1.0, top_k=None, top_p=None):
    _checked(temperature, top_k, top_p)

    def by_k(x):
        return x.masked_fill(x < torch.kthvalue(x, max(x.shape[-1] - top_k, 0) + 1, keepdim=True).values, -math.inf)

    def by_p(x):
        p, order = torch.sort(torch.softmax(x.double(), -1), dim=-1, descending=True, stable=True)
        count = (p.cumsum(-1) < top_p).sum(-1, keepdim=True) + 1              # the one that crosses top_p is kept
        kept = torch.arange(p.shape[-1]) < count
        return x.masked_fill(~torch.zeros_like(kept).scatter_(-1, order, kept), -math.inf)

    out = logits / temperature
    out = by_k(out) if top_k else out
    return by_p(out) if top_p is not None and top_p < 1 else out


def filter_additive(logits, temperature=1.0, top_k=None, top_p=None):
    """A penalty of 0 or -inf is added."""
    _checked(temperature, top_k, top_p)
    x = (1 / temperature) * logits
    if top_k is not None:
        worst = x.topk(min(top_k, x.shape[-1]), dim=-1)[0].amin(-1, keepdim=True)
        x = x + torch.zeros_like(x).masked_fill_(x < worst, -torch.inf)
    if (top_p or 1) < 1:
        ids = x.argsort(dim=-1, descending=True, stable=True)
        p = x.exp() / x.exp().sum(-1, keepdim=True) if x.max() < 50 else x.softmax(-1)
        cut = p.gather(-1, ids).cumsum(-1).roll(1, -1)
        cut[..., 0] = 0.0
        x = x + torch.zeros_like(x).scatter(-1, ids, torch.where(cut >= top_p, -torch.inf, 0.0))
    return x


def _cases(draw: Draw) -> list[Case]:
    def rows(*shape: int):
        """Logits whose neighbours in rank lie well apart, in a random order."""
        V = shape[-1]
        steps = 0.3 + torch.tensor(draw.floats(math.prod(shape), 0.0, 0.9)).float().reshape(-1, V)
        levels = steps.cumsum(-1) - steps.sum(-1, keepdim=True) / 2
        return torch.stack([level[draw.permutation(V)] for level in levels]).reshape(shape)

    heat, k, p = L(zh="温度", en="temperature"), L(zh="top_k", en="top_k"), L(zh="top_p", en="top_p")
    both, ties, bad = L(zh="top_k 和 top_p 一起用", en="top_k and top_p together"), L(zh="相等的 logits", en="equal logits"), L(
        zh="不允许的参数", en="arguments that are not allowed")
    spread = torch.tensor([[0.0, 300.0, -5.0], [900.0, 1.0, 2.0]])
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([3.0, 1.0, 2.0, 0.0]), 0.5, 3, 0.9), both),
        Case(L(zh="什么也不筛", en="nothing is ruled out"), (rows(2, 5),)),
        Case(L(zh="温度 2", en="temperature 2"), (rows(3, 6), 2.0), heat),
        Case(L(zh="top_k=1", en="top_k=1"), (rows(2, 6), 1.0, 1), k),
        Case(L(zh="top_k=3，三个轴", en="top_k=3, three axes"), (rows(2, 3, 7), 0.7, 3), k),
        Case(L(zh="top_k 比 V 大", en="top_k larger than V"), (rows(2, 4), 1.0, 9), k),
        Case(L(zh="top_k=2，有并列", en="top_k=2 with ties"), (torch.tensor([[1.0, 3.0, 2.0, 2.0, 2.0, 0.0], [4.0, 0.0, 4.0, 4.0, 1.0, 4.0]]), 1.0, 2), ties),
        Case(L(zh="top_p=0.6", en="top_p=0.6"), (rows(4, 6), 1.0, None, 0.6), p),
        Case(L(zh="top_p=0.85，温度 0.5", en="top_p=0.85, temperature 0.5"), (rows(3, 7), 0.5, None, 0.85), p),
        Case(L(zh="top_p=0.85，温度 3", en="top_p=0.85, temperature 3"), (rows(3, 8), 3.0, None, 0.85), p),
        Case(L(zh="top_p=0.9，三个轴", en="top_p=0.9, three axes"), (rows(2, 3, 6), 1.0, None, 0.9), p),
        Case(L(zh="很小的 top_p", en="a very small top_p"), (rows(2, 5), 1.0, None, 0.01), p),
        Case(L(zh="top_p=0.5，有并列", en="top_p=0.5 with ties"), (torch.tensor([[0.0, 1.0, 1.0, 1.0, 1.0], [2.0, 2.0, -9.0, 2.0, -8.0]]), 1.0, None, 0.55), ties),
        Case(L(zh="top_p=1，差距极大", en="top_p=1, logits far apart"), (spread, 1.0, None, 1.0), p),
        Case(L(zh="top_k=4，top_p=0.8", en="top_k=4, top_p=0.8"), (rows(4, 8), 1.0, 4, 0.8), both),
        Case(L(zh="top_k=3，top_p=0.7，温度 4", en="top_k=3, top_p=0.7, temperature 4"), (rows(5, 9), 4.0, 3, 0.7), both),
        Case(L(zh="top_k=5，top_p=0.95，温度 4，一行", en="top_k=5, top_p=0.95, temperature 4, one row"), (rows(12), 4.0, 5, 0.95), both),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), (rows(5, 4).T, 0.8, 3, 0.9)),
        *(Case(L(zh=f"{name}={value}", en=f"{name}={value}"), (rows(4), *args), bad) for name, value, args in (
            ("temperature", 0.0, (0.0,)), ("temperature", -1.0, (-1.0,)), ("top_k", 0, (1.0, 0)), ("top_k", -2, (1.0, -2)),
            ("top_p", 0.0, (1.0, None, 0.0)), ("top_p", -0.5, (1.0, None, -0.5)), ("top_p", 1.5, (1.0, None, 1.5)))),
    ]


_HEAT = L(zh="温度最先用，除一次：logits / temperature。", en="The temperature comes first and divides once: logits / temperature.")
_CROSSING = L(zh="看它前面的词元合起来有多少概率：还不到 top_p，它就留下。越过 top_p 的那一个也留下。",
              en="Look at what the tokens before it hold: while that is less than top_p the token stays. The one that crosses top_p stays as well.")
_SORTED = L(zh="累加之前先从大到小排序，之后再放回各自的编号。", en="Sort from the likeliest before adding up; afterwards every token goes back to its id.")
_KTH = L(zh="和第 k 个比：比它小的去掉，和它相等的都留下。", en="Compare with the k-th: what is smaller goes, what equals it stays.")
_ORDER = L(zh="次序：温度、top_k、再对剩下的重新归一后用 top_p。", en="The order: temperature, top_k, then top_p on the rest, renormalised.")
_OUT = L(zh="返回的仍是 logits；去掉的是 -inf，softmax 以后正好是 0。", en="Logits are returned; what is ruled out is -inf, which softmax turns into exactly 0.")
_ERRORS = L(zh="题目里说了哪三种参数要 ValueError？", en="For which three arguments does the task ask for ValueError?")
_DROP = "p.cumsum(dim=-1) - p >= top_p"
_SORT = "scores.softmax(dim=-1).sort(descending=True, stable=True)"
_FIRST_CHECK, _SECOND_CHECK = "temperature <= 0 or (top_k is not None and top_k < 1)", "top_p is not None and not 0 < top_p <= 1"
_KEPT = "scores = scores.masked_fill(scores < kth, -math.inf)"


def _p_first(logits, temperature=1.0, top_k=None, top_p=None):
    return filter_ranks(filter_ranks(logits, temperature, None, top_p), 1.0, top_k) if top_k else filter_ranks(logits, temperature, top_k, top_p)


def _heat_last(logits, temperature=1.0, top_k=None, top_p=None):
    return filter_ranks(logits, 1.0, top_k, top_p) / temperature if temperature > 0 else filter_ranks(logits, temperature)


EXERCISE = Exercise(
    id="decode.filter_logits", title=L(zh="温度、top-k、top-p", en="Temperature, top-k, top-p"), reference=filter_logits, returns=Array("... V"), cases=_cases,
    hints=(
        L(zh="先除以温度。top_k 只要知道第 k 大的数：比它小的填 -inf。", en="First divide by the temperature. top_k needs only the k-th largest number: what is smaller becomes -inf."),
        L(zh="top_p：softmax，从大到小排序，累加。一个词元前面的概率是 `cumsum - p`；它不小于 top_p 时，这个词元去掉。",
          en="top_p: softmax, sort from the likeliest, add up. A token has `cumsum - p` before it; where that is not below top_p, the token goes."),
        L(zh="`sort` 同时返回次序 order；`drop.scatter(-1, order, drop)` 把排好序的布尔值放回原来的编号。",
          en="`sort` also returns the order; `drop.scatter(-1, order, drop)` brings the sorted booleans back to the ids."),
    ),
    mistakes=(
        Mistake("topp-drops-crossing", L(zh="越过 top_p 的那个词元也去掉了", en="the token that crosses top_p is ruled out as well"), _CROSSING, (_DROP, "p.cumsum(dim=-1) >= top_p"),
                skill="edge"),
        Mistake("topp-one-more", L(zh="越过 top_p 之后又多留了一个", en="one token after the crossing one is kept as well"), _CROSSING,
                (_DROP, "p.cumsum(dim=-1) - p - p.roll(1, -1) >= top_p"), skill="edge", also=(((_DROP, "(p.cumsum(dim=-1) - p >= top_p).roll(1, -1)"), (
                    "drop = drop.scatter", "drop[..., 0] = False\n        drop = drop.scatter")),)),
        Mistake("topp-unsorted", L(zh="没有排序就累加：按编号的次序", en="probabilities are added up in the order of ids, without sorting"), _SORTED,
                (_SORT, "scores.softmax(dim=-1), torch.arange(scores.shape[-1]).expand(scores.shape)"), skill="rank"),
        Mistake("topp-no-scatter", L(zh="掩码停在排好的次序里，没有放回各自的编号", en="the mask stays in sorted order and does not go back to the ids"), _SORTED,
                ("        drop = drop.scatter(-1, order, drop)                 # back to the order of ids\n", ""), skill="rank", hint=3),
        Mistake("topp-gathered", L(zh="放回编号时用了 order 本身来 gather：方向反了", en="the mask is gathered with order itself, which goes the wrong way"), _SORTED,
                ("drop.scatter(-1, order, drop)", "drop.gather(-1, order)"), skill="rank", hint=3),
        Mistake("topp-ascending", L(zh="从小到大排的：最不可能的在前", en="the least likely come first"), _SORTED, ("descending=True", "descending=False"), skill="rank"),
        Mistake("topp-each", L(zh="拿每个词元自己的概率和 top_p 比，没有累加", en="each token's own probability is compared with top_p; nothing is added up"), _CROSSING,
                (_DROP, "p < top_p"), skill="formula"),
        Mistake("topp-logits", L(zh="累加的是 logits，不是概率", en="logits are added up, not probabilities"), _CROSSING,
                (_SORT, "scores.sort(descending=True, stable=True)"), skill="formula"),
        Mistake("topp-ignored", L(zh="没有用 top_p", en="top_p is not used"), _ORDER, ("if top_p is not None and top_p < 1:", "if False:"), skill="formula", hint=1),
        Mistake("topp-no-renorm", L(zh="top_p 用的是 top_k 之前的概率（或者先做了 top_p）", en="top_p uses the probabilities from before top_k, or comes before it"), _ORDER,
                ("scores = logits / temperature ", "scores = full = logits / temperature "), (_SORT, "full.softmax(dim=-1).sort(descending=True, stable=True)"), skill="formula",
                also=(_p_first,)),
        Mistake("temp-multiply", L(zh="乘了温度，没有除", en="the logits are multiplied by the temperature"), _HEAT, ("logits / temperature", "logits * temperature"), skill="scale", hint=1),
        Mistake("temp-ignored", L(zh="没有用温度", en="the temperature is not used"), _HEAT, ("logits / temperature", "logits * 1.0"), skill="scale", hint=1),
        Mistake("temp-last", L(zh="筛完才除以温度", en="the temperature divides only after the filters"), _HEAT, program=_heat_last, skill="scale", hint=1),
        Mistake("temp-twice", L(zh="除了两次温度", en="the temperature divides twice"), _HEAT, ("logits / temperature", "logits / temperature / temperature"), skill="scale", hint=1),
        Mistake("temp-after-softmax", L(zh="softmax 之后才除以温度", en="the temperature divides the probabilities, after softmax"), _HEAT,
                ("logits / temperature", "logits.softmax(dim=-1) / temperature"), skill="scale", hint=1),
        Mistake("topk-off-by-one", L(zh="多留了一个或少留了一个", en="top_k keeps one token too many, or one too few"), _KTH, ("min(top_k, ", "min(top_k + 1, "), skill="shift", hint=1,
                also=((("min(top_k, scores.shape[-1])", "max(min(top_k, scores.shape[-1]) - 1, 1)"),), (("scores < kth", "scores <= kth"),))),
        Mistake("topk-ties-cut", L(zh="和第 k 个相等的被去掉了：正好留 k 个", en="tokens that equal the k-th are cut: exactly k stay"), _KTH,
                ("kth = scores.topk(min(top_k, scores.shape[-1])).values[..., -1:]", "kept = scores.topk(min(top_k, scores.shape[-1])).indices"),
                (_KEPT, "scores = torch.full_like(scores, -math.inf).scatter(-1, kept, scores.gather(-1, kept))"), skill="edge", hint=1),
        Mistake("topk-smallest", L(zh="留下的是最小的 k 个", en="the k smallest are kept"), _KTH, ("scores < kth", "scores > kth"),
                ("scores.shape[-1])).values", "scores.shape[-1]), largest=False).values"), skill="rank", hint=1),
        Mistake("topk-ignored", L(zh="没有用 top_k", en="top_k is not used"), _KTH, ("    if top_k is not None:\n", "    if False:\n"), skill="formula", hint=1),
        Mistake("topk-too-large", L(zh="top_k 比 V 大时出错", en="it fails where top_k is larger than V"), L(zh="最多只有 V 个可以留。", en="There are only V to keep."),
                ("min(top_k, scores.shape[-1])", "top_k"), skill="edge", hint=1),
        Mistake("fill-zero", L(zh="去掉的填了 0，不是 -inf", en="what is ruled out becomes 0, not -inf"), _OUT, (_KEPT, _KEPT.replace("-math.inf", "0.0")),
                ("scores.masked_fill(drop, -math.inf)", "scores.masked_fill(drop, 0.0)"), skill="mask", hint=1,
                also=(((_KEPT, _KEPT.replace("-math.inf", "0.0")),), (("scores.masked_fill(drop, -math.inf)", "scores.masked_fill(drop, 0.0)"),))),
        Mistake("fill-finite", L(zh="去掉的填了一个很小的数，不是 -inf", en="what is ruled out becomes a very negative number, not -inf"), _OUT,
                (_KEPT, _KEPT.replace("-math.inf", "-1e9")), ("scores.masked_fill(drop, -math.inf)", "scores.masked_fill(drop, -1e9)"), skill="mask", hint=1,
                also=tuple(((_KEPT, _KEPT.replace("-math.inf", low)), ("scores.masked_fill(drop, -math.inf)", f"scores.masked_fill(drop, {low})"))
                           for low in ("-1e4", "-1e10", "torch.finfo(scores.dtype).min"))),
        Mistake("filter-probabilities", L(zh="返回的是概率，不是 logits", en="probabilities are returned, not logits"), _OUT, ("return scores", "return scores.softmax(dim=-1)"),
                skill="formula", hint=1),
        Mistake("filter-log-probabilities", L(zh="返回的是重新归一的对数概率", en="renormalised log-probabilities are returned"), _OUT,
                ("return scores", "return scores.log_softmax(dim=-1)"), convention=True, skill="formula", hint=1),
        Mistake("filter-axis", L(zh="softmax 沿第 0 轴做的，不是词表那个轴", en="softmax runs along axis 0, not along the vocabulary"), _SORTED,
                ("scores.softmax(dim=-1)", "scores.softmax(dim=0)"), skill="axis"),
        Mistake("topp-one-not-all", L(zh="top_p=1 时也去掉了词元", en="top_p = 1 rules out tokens as well"),
                L(zh="差距极大时，前面的概率舍入以后正好是 1；题目说 1 留下全部。", en="Where logits lie far apart, those before hold 1 to rounding; the task says that 1 keeps all."),
                ("if top_p is not None and top_p < 1:", "if top_p is not None:"), skill="edge"),
        Mistake("filter-no-error", L(zh="没有拒绝不允许的参数", en="arguments that are not allowed are not refused"), _ERRORS, (_FIRST_CHECK, "False"), (_SECOND_CHECK, "False"), skill="edge",
                hint=1, also=(((_FIRST_CHECK, "False"),), ((_SECOND_CHECK, "False"),), ((_FIRST_CHECK, "temperature <= 0"),), ((_FIRST_CHECK, "top_k is not None and top_k < 1"),))),
    ),
    alternatives=(filter_ranks, filter_lists, filter_numpy, filter_pairs, filter_two_steps, filter_additive),
    think=L(zh="模型很有把握时，top_p=0.9 留下几个词元？没有把握时呢？top_k 呢？", en="How many tokens does top_p = 0.9 keep where the model is sure, and how many where it is not? And top_k?"),
)
