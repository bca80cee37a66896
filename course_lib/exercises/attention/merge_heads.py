"""attention.merge_heads: merging the heads."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


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

EXERCISE = Exercise(
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
