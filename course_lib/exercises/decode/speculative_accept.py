"""decode.speculative_accept: which drafted tokens the large model accepts."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def speculative_accept(p, q, draft, u):
    """Speculative decoding: how many drafted tokens are accepted, and what the next one is drawn from (Leviathan et al. 2023).

    p: [n + 1, V] target and q: [n, V] draft probabilities, q[i, draft[i]] > 0; draft: long [n]; u: [n] in [0, 1). In order, token i is accepted if
    u[i] < p[i, draft[i]] / q[i, draft[i]]; the first refusal ends it. Returns (accepted int, distribution [V]): after refusal i it is
    max(p[i] - q[i], 0), renormalised; without one p[n]. n = 0 gives (0, p[0]).
    """
    for i, id in enumerate(draft.tolist()):
        if u[i] >= p[i, id] / q[i, id]:                      # refused
            rest = (p[i] - q[i]).clamp(min=0)
            return i, rest / rest.sum()
    return len(draft), p[-1]


def accept_vectorised(p, q, draft, u):
    n = len(draft)
    ratio = p[:n].gather(1, draft[:, None]) / q.gather(1, draft[:, None])
    accepted = int((u < ratio[:, 0]).long().cumprod(0).sum())
    if accepted == n:
        return n, p[n]
    rest = torch.relu(p[accepted] - q[accepted])
    return accepted, rest / rest.sum()


def accept_products(p, q, draft, u):
    """Without a division: u q < p."""
    i = 0
    while i < draft.shape[0] and u[i] * q[i][draft[i]] < p[i][draft[i]]:
        i += 1
    if i == draft.shape[0]:
        return i, p[i].clone()
    rest = torch.maximum(p[i], q[i]) - q[i]
    return i, torch.nn.functional.normalize(rest, p=1, dim=0)


def accept_padded(p, q, draft, u):
    """A row of zeros behind q makes the last case like the others."""
    padded = torch.cat([q, torch.zeros_like(p[:1])])
    rows = torch.arange(len(draft))
    refused = (u >= p[rows, draft] / q[rows, draft]).nonzero().flatten().tolist()
    i = refused[0] if refused else len(draft)
    rest = torch.where(p[i] > padded[i], p[i] - padded[i], 0.0)
    return i, rest / rest.sum()


def accept_lists(p, q, draft, u):
    P, Q = p.tolist(), q.tolist()
    for i, (id, chance) in enumerate(zip(draft.tolist(), u.tolist())):
        if not chance < P[i][id] / Q[i][id]:
            rest = [max(a - b, 0.0) for a, b in zip(P[i], Q[i])]
            return i, torch.tensor([r / sum(rest) for r in rest])
    return len(P) - 1, torch.tensor(P[-1])


def accept_recursive(p, q, draft, u):
    if draft.numel() == 0:
        return 0, p[0]
    id = draft[0]
    if u[0] < (p[0, id] / q[0, id]).clamp(max=1):
        count, following = accept_recursive(p[1:], q[1:], draft[1:], u[1:])
        return count + 1, following
    rest = p[0] - torch.minimum(p[0], q[0])
    return 0, rest.div(rest.sum())


def accept_numpy(p, q, draft, u):
    import numpy as np
    P, Q, ids = p.numpy().astype("float64"), q.numpy().astype("float64"), draft.numpy()
    n = len(ids)
    keep = u.numpy() < np.take_along_axis(P[:n], ids[:, None], 1)[:, 0] / np.take_along_axis(Q, ids[:, None], 1)[:, 0]
    i = n if keep.all() else int(np.argmin(keep))
    rest = P[i] if i == n else np.clip(P[i] - Q[i], 0, None)
    return i, rest / rest.sum()


def _cases(draw: Draw) -> list[Case]:
    def make(verdicts: str, V: int):
        """A draft that is accepted (a) at a likelier token, (A) at one less likely, by u, or refused (r); what comes after a refusal is anything."""
        n = len(verdicts)
        p, q = (draw.normal(rows, V).mul(1.5).softmax(-1) for rows in (n + 1, n))
        ratio = p[:n] / q
        draft, u = [], []
        for row, verdict, place in zip(ratio, verdicts, draw.floats(n, 0.2, 0.8)):
            order = row.argsort()
            second = int(float(row[order[1]]) < 0.9)                         # where it is clearly less likely under p than under q
            id = int(order[-1] if verdict == "a" else order[second])
            draft.append(id)
            low = min(float(row[id]), 1.0)
            u.append(place if verdict == "a" else low * place if verdict == "A" else low + (1 - low) * place)
        return p, q, torch.tensor(draft), torch.tensor(u)

    all_in, refused, none = L(zh="全部接受", en="all accepted"), L(zh="有拒绝", en="a refusal"), L(zh="n=0", en="n=0")
    p, q = torch.tensor([[.5, .5, 0.], [.2, .3, .5], [0., 0., 1.]]), torch.tensor([[.6, .3, .1], [.7, .2, .1]])
    quarter = torch.tensor([[.25, .75], [.5, .5]]), torch.tensor([[.5, .5]]), torch.tensor([0])
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (p, q, torch.tensor([1, 0]), torch.tensor([.9, .4])), refused),
        Case(L(zh="全部接受", en="all accepted"), make("aAaA", 5), all_in),
        Case(L(zh="全部接受，u 都很小", en="all accepted, small u"), (lambda p, q, d, u: (p, q, d, u * 0.01))(*make("AAA", 6)), all_in),
        Case(L(zh="第一个就拒绝", en="the first is refused"), make("raA", 5), refused),
        Case(L(zh="第一个拒绝，后面的本可以接受", en="the first is refused, the rest would be accepted"), make("raaaa", 4), refused),
        Case(L(zh="中间拒绝", en="refused in the middle"), make("aArAa", 6), refused),
        Case(L(zh="最后一个拒绝", en="the last is refused"), make("Aar", 7), refused),
        Case(L(zh="两次拒绝", en="two refusals"), make("Arar", 5), refused),
        Case(L(zh="一个草稿，接受", en="one drafted token, accepted"), make("A", 4), all_in),
        Case(L(zh="一个草稿，拒绝", en="one drafted token, refused"), make("r", 8), refused),
        Case(L(zh="n=0", en="n=0"), (draw.normal(1, 5).softmax(-1), torch.zeros(0, 5), torch.zeros(0, dtype=torch.long), torch.zeros(0)), none),
        Case(L(zh="u 正好等于比值", en="u equals the ratio"), (*quarter, torch.tensor([0.5])), L(zh="u 等于比值", en="u equal to the ratio")),
        Case(L(zh="u=0，目标概率是 0", en="u=0 and a target probability of 0"), (torch.tensor([[0., .25, .75], [.5, .25, .25]]), torch.tensor([[.5, .25, .25]]), torch.tensor([0]),
             torch.tensor([0.0])), L(zh="u 等于比值", en="u equal to the ratio")),
        Case(L(zh="n=V=3", en="n=V=3"), make("aAr", 3), refused),
    ]


_TEST = L(zh="接受的条件：u[i] < p[i, draft[i]] / q[i, draft[i]]，目标比草稿。", en="Accepted where u[i] < p[i, draft[i]] / q[i, draft[i]]: target over draft.")
_FIRST = L(zh="第一次拒绝就结束；后面的草稿接在一个被拒绝的词元之后，不再有意义。", en="The first refusal ends it: what was drafted after it continued a text that is gone.")
_REST = L(zh="拒绝之后从 max(p[i] - q[i], 0) 里抽，除以它的和：草稿给少了的那一份。", en="After a refusal the next token comes from max(p[i] - q[i], 0) over its sum: what the draft gave too little.")
_LAST = L(zh="全部接受时，p 还多一行：p[n]。", en="Where all are accepted, p has one row more: p[n].")
_COUNT = L(zh="数的是被接受的草稿。", en="What is counted is the drafted tokens that were accepted.")
_TESTED, _RESIDUAL, _GIVEN, _END = "u[i] >= p[i, id] / q[i, id]", "(p[i] - q[i]).clamp(min=0)", "return i, rest / rest.sum()", "return len(draft), p[-1]"
_REFUSAL = f"            rest = {_RESIDUAL}\n            {_GIVEN}"


def _all_counted(p, q, draft, u):
    rows = torch.arange(len(draft))
    kept = u < p[rows, draft] / q[rows, draft]
    _, following = accept_vectorised(p, q, draft, u)
    return int(kept.sum()), following


EXERCISE = Exercise(
    id="decode.speculative_accept", title=L(zh="推测解码：接受多少草稿", en="Speculative decoding: how much of a draft is accepted"), reference=speculative_accept,
    returns=Tuple((("accepted", Array("", "int")), ("distribution", Array("V")))), cases=_cases,
    hints=(
        L(zh="一个一个看草稿。目标给它的概率不比草稿模型小，就一定接受；小，就以 p/q 的概率接受。",
          en="Go through the draft one by one. Where the target finds a token as likely as the draft model did it is accepted; else with probability p/q."),
        L(zh="第 i 个被拒绝：接受了 i 个，下一个从 max(p[i] - q[i], 0) 除以它的和里抽。", en="If number i is refused, i were accepted, and the next token is drawn from max(p[i] - q[i], 0) over its sum."),
        L(zh="循环走完没有拒绝：接受了 n 个，下一个直接从 p 的最后一行抽。n=0 也走这条路。", en="If the loop ends without a refusal, n were accepted, and the next token comes from the last row of p. n = 0 goes this way as well."),
    ),
    mistakes=(
        Mistake("spec-inverted", L(zh="比值倒了：q / p", en="the ratio is upside down: q / p"), _TEST, (_TESTED, "u[i] >= q[i, id] / p[i, id]"), skill="formula", hint=1),
        Mistake("spec-edge", L(zh="u 等于比值时也接受了", en="a token is accepted where u equals the ratio"), _TEST, (">= p[i, id]", "> p[i, id]"), skill="edge", hint=1),
        Mistake("spec-greedy", L(zh="没有用 u：p >= q 才接受", en="u is not used: accepted only where p >= q"), _TEST, (_TESTED, "p[i, id] < q[i, id]"), skill="formula", hint=1),
        Mistake("spec-target-only", L(zh="只和 p 比，没有除以 q", en="u is compared with p alone, not with p / q"), _TEST, (_TESTED, "u[i] >= p[i, id]"), skill="formula", hint=1),
        Mistake("spec-draft-only", L(zh="和 q 比的，没有用 p", en="u is compared with q; p is not used"), _TEST, (_TESTED, "u[i] >= q[i, id]"), skill="formula", hint=1),
        Mistake("spec-one-minus-u", L(zh="拿 1 - u 去比", en="1 - u is compared"), _TEST, (_TESTED, "1 - u[i] >= p[i, id] / q[i, id]"), skill="formula", hint=1),
        Mistake("spec-refuses-accepted", L(zh="接受和拒绝颠倒了", en="acceptance and refusal are exchanged"), _TEST, (_TESTED, "u[i] < p[i, id] / q[i, id]"), skill="formula", hint=1),
        Mistake("spec-argmax", L(zh="只有目标最可能的词元才接受", en="a token is accepted only if it is the target's likeliest"), _TEST, (_TESTED, "id != int(p[i].argmax())"), skill="rank", hint=1),
        Mistake("spec-row-shifted", L(zh="目标概率取的是下一行 p[i + 1]", en="target probabilities come from the next row, p[i + 1]"),
                L(zh="p[i] 和 q[i] 是同一个位置的。", en="p[i] and q[i] belong to one place."), (_TESTED, "u[i] >= p[i + 1, id] / q[i, id]"), skill="shift", hint=1),
        Mistake("spec-one-number", L(zh="每个词元都用了 u 的第一个数", en="the first number of u is used for every token"), _TEST, ("u[i]", "u[0]"), skill="shift", hint=1),
        Mistake("spec-never-refuses", L(zh="总是全部接受", en="everything is always accepted"), _TEST, (_TESTED, "False"), skill="formula", hint=1),
        Mistake("spec-goes-on", L(zh="拒绝之后还接着数后面的", en="tokens after a refusal are counted as well"), _FIRST, program=_all_counted, skill="edge", hint=2),
        Mistake("spec-rest-is-p", L(zh="拒绝之后直接从 p[i] 抽", en="after a refusal the next token is drawn from p[i] itself"), _REST, (_RESIDUAL, "p[i]"), skill="formula"),
        Mistake("spec-rest-is-q", L(zh="拒绝之后从 q[i] 抽", en="after a refusal the next token is drawn from q[i]"), _REST, (_RESIDUAL, "q[i]"), skill="formula"),
        Mistake("spec-rest-reversed", L(zh="剩下的算成了 max(q - p, 0)", en="the rest is max(q - p, 0)"), _REST, (_RESIDUAL, "(q[i] - p[i]).clamp(min=0)"), skill="formula"),
        Mistake("spec-rest-abs", L(zh="剩下的取了绝对值", en="the rest is the absolute difference"), _REST, (_RESIDUAL, "(p[i] - q[i]).abs()"), skill="formula"),
        Mistake("spec-rest-negative", L(zh="负的没有变成 0", en="negative differences are not set to 0"), _REST, (_RESIDUAL, "p[i] - q[i]"), skill="formula",
                also=(((_REFUSAL, "            return i, p[i] - q[i]"),),)),
        Mistake("spec-no-renorm", L(zh="剩下的没有重新归一", en="the rest is not renormalised"), _REST, (_GIVEN, "return i, rest"), skill="scale"),
        Mistake("spec-rest-softmax", L(zh="用 softmax 来归一", en="softmax is used to renormalise"), _REST, (_GIVEN, "return i, rest.softmax(-1)"), skill="formula",
                also=(((_REFUSAL, "            return i, (p[i] - q[i]).softmax(-1)"),),)),
        Mistake("spec-zeroed", L(zh="只把被拒绝的词元去掉，再归一", en="only the refused token is removed from p[i], and the rest renormalised"), _REST,
                (_RESIDUAL, "p[i] * (torch.arange(p.shape[1]) != id)"), skill="formula"),
        Mistake("spec-rest-next-row", L(zh="拒绝之后用的是下一行 p[i + 1]", en="after a refusal row p[i + 1] is used"), _REST, (_RESIDUAL, "p[i + 1]"), skill="shift",
                also=(((_RESIDUAL, "(p[i + 1] - q[i]).clamp(min=0)"),),)),
        Mistake("spec-counts-refused", L(zh="被拒绝的那个也数了", en="the refused token is counted, too"), _COUNT, (_GIVEN, "return i + 1, rest / rest.sum()"), skill="count"),
        Mistake("spec-counts-next", L(zh="把接着抽的那个也数了：到处多一", en="the token drawn next is counted as well: one too many everywhere"), _COUNT,
                (_GIVEN, "return i + 1, rest / rest.sum()"), (_END, "return len(draft) + 1, p[-1]"), skill="count"),
        Mistake("spec-last-row", L(zh="全部接受时用了 p[n - 1]", en="p[n - 1] is used where all are accepted"), _LAST, ("p[-1]", "p[len(draft) - 1]"), skill="shift", hint=3,
                also=((("p[-1]", "p[max(len(draft) - 1, 0)]"),), (("p[-1]", "p[i]"),))),
        Mistake("spec-last-residual", L(zh="全部接受时也减去了 q", en="q is subtracted even where all are accepted"), _LAST,
                (_END, "rest = (p[-1] - q[-1]).clamp(min=0)\n    return len(draft), rest / rest.sum()"), skill="formula", hint=3,
                also=((( _END, "rest = (p[-1] - q[-1]).clamp(min=0) if len(draft) else p[-1]\n    return len(draft), rest / rest.sum()"),),)),
    ),
    alternatives=(accept_vectorised, accept_products, accept_padded, accept_lists, accept_recursive, accept_numpy),
    think=L(zh="草稿模型很差时，结果会变差吗，还是只会变慢？", en="With a poor draft model, does the text get worse, or only slower to write?"),
)
