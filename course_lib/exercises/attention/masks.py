"""attention.masks: causal and padding masks."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


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

EXERCISE = Exercise(
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
