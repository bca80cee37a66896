"""attention.split_heads: splitting into heads."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


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

EXERCISE = Exercise(
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
