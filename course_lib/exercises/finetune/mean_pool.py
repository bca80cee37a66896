"""finetune.mean_pool: A sentence vector: the masked mean."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def mean_pool(hidden, mask):
    """Mean of the hidden states of real tokens: one vector a text.

    hidden: float [B, T, D]; mask: [B, T] of 0/1, any dtype. Returns [B, D]; a row with no 1 gives zeros.
    Later cells train through the result: it must be differentiable.
    """
    weights = mask.to(hidden.dtype)[:, :, None]              # (B, T, 1)
    total = (hidden * weights).sum(dim=1)
    return total / weights.sum(dim=1).clamp(min=1)


def pool_loop(hidden, mask):
    out = torch.zeros(hidden.shape[0], hidden.shape[2])
    for b in range(len(hidden)):
        kept = hidden[b][mask[b].bool()]
        if len(kept):
            out[b] = kept.mean(0)
    return out


def pool_einsum(hidden, mask):
    mask = mask.float()
    return torch.einsum("btd,bt->bd", hidden, mask) / mask.sum(-1, keepdim=True).clamp(min=1e-9)


def pool_double(hidden, mask):
    keep = mask.double()
    return torch.matmul(keep[:, None], hidden.double())[:, 0] / torch.clamp(keep.sum(1, keepdim=True), min=1e-9)


def pool_fill(hidden, mask):
    total = hidden.masked_fill(mask.unsqueeze(-1) == 0, 0.0).sum(1)
    count = (mask != 0).sum(1, keepdim=True)
    return torch.where(count > 0, total / count, 0.0)


def pool_nan(hidden, mask):
    mask = mask.to(torch.float64)
    weights = torch.nan_to_num(mask / mask.sum(1, keepdim=True))
    return (weights.unsqueeze(1) @ hidden.double()).squeeze(1)


def _pool_cases(draw: Draw) -> list[Case]:
    def mask(lengths, T, dtype):
        return (torch.arange(T) < torch.tensor(lengths)[:, None]).to(dtype)

    def states(B, T, D, keep):
        return torch.where(keep.bool()[..., None], draw.normal(B, T, D), 20 + 5 * draw.normal(B, T, D))

    def make(lengths, T, D, dtype):
        keep = mask(lengths, T, dtype)
        return states(len(lengths), T, D, keep), keep

    holes = torch.tensor([[0, 1, 1, 0, 1], [1, 0, 0, 1, 0]])
    pads, empty = L(zh="填充", en="padding"), L(zh="没有词的行", en="rows without tokens")
    return [
        Case(L(zh="T=2，D=2，一个填充", en="T=2, D=2, one pad"), (draw.grid(1, 2, 2) + torch.tensor([[[0.0], [3.0]]]), torch.tensor([[1, 0]])),
                pads),
        Case(L(zh="整数 mask", en="an integer mask"), make([4, 2, 1], 5, 3, torch.long), pads),
        Case(L(zh="布尔 mask", en="a boolean mask"), make([3, 6], 6, 4, torch.bool), pads),
        Case(L(zh="浮点 mask，T=D", en="a float mask, T=D"), make([2, 4, 3], 4, 4, torch.float32), pads),
        Case(L(zh="uint8 mask", en="a uint8 mask"), make([5, 3], 7, 2, torch.uint8), pads),
        Case(L(zh="float64 mask，B=T", en="a float64 mask, B=T"), make([1, 2, 3], 3, 5, torch.float64), pads),
        Case(L(zh="mask 有间隔，非连续内存", en="a mask with holes, a non-contiguous layout"), (draw.normal(2, 3, 5).transpose(1, 2), holes.int()),
                pads),
        Case(L(zh="没有填充", en="no padding"), make([4, 4], 4, 3, torch.long)),
        Case(L(zh="有一行全是填充", en="one row is all pads"), make([0, 3], 4, 2, torch.long), empty),
        Case(L(zh="有一行全是填充，布尔 mask", en="one row is all pads, a boolean mask"), make([2, 0, 5], 5, 3, torch.bool), empty),
        Case(L(zh="T=1", en="T=1"), make([1, 1], 1, 3, torch.long)),
    ]


_COUNT = L(zh="分母应是这一句里真实的词数。", en="The denominator is the number of real tokens of that text.")

EXERCISE = Exercise(
    id="finetune.mean_pool", title=L(zh="句向量：带掩码的平均",
            en="A sentence vector: the masked mean"), reference=mean_pool, returns=Array("B D"), cases=_pool_cases, gradients=(0,),
    differentiable=True,
    hints=(
        L(zh="填充位置的向量不该进入平均。先让 mask 的形状变成 [B,T,1]，就能和 hidden 相乘。",
                en="Vectors of pads should stay out of the mean. Shape mask as [B,T,1] so that it multiplies hidden."),
        L(zh="和除以的是真实的词数 mask.sum(1)，不是 T。", en="The sum is divided by the number of real tokens, mask.sum(1), not by T."),
        L(zh="mask 可能是布尔、整数或浮点，先转成 hidden 的 dtype；全是填充的行分母是 0，要得到 0 向量。",
                en="mask may be boolean, integer or float: turn it into hidden's dtype first. A row of pads has denominator 0 and should "
                   "give zeros."),
    ),
    mistakes=(
        Mistake("pool-no-mask", L(zh="没有用 mask，对所有位置平均",
                en="mask is not used: all positions are averaged"),
                L(zh="填充也进了平均。", en="Pads are in the mean."),
                ("mask.to(hidden.dtype)[:, :, None]", "torch.ones_like(hidden[:, :, :1])"), skill="mask", hint=1),
        Mistake("pool-div-T", L(zh="除以了 T 而不是真实的词数",
                en="it is divided by T, not by the number of real tokens"), _COUNT,
                ("weights.sum(dim=1).clamp(min=1)", "hidden.shape[1]"), skill="count"),
        Mistake("pool-numerator-unmasked", L(zh="分子里加了填充", en="pads are in the numerator"),
                L(zh="求和之前有没有乘 mask？", en="Is mask multiplied in before the sum?"),
                ("(hidden * weights)", "hidden"), skill="mask"),
        Mistake("pool-inverted", L(zh="mask 的含义反了：平均的是填充",
                en="mask is used the wrong way round: pads are averaged"),
                L(zh="1 表示真实的词。", en="1 stands for a real token."),
                ("mask.to(hidden.dtype)[:, :, None]", "1 - mask.to(hidden.dtype)[:, :, None]"), skill="mask", hint=1),
        Mistake("pool-sum", L(zh="只求了和，没有除", en="the sum is not divided"), _COUNT,
                (" / weights.sum(dim=1).clamp(min=1)", ""),
                skill="count"),
        Mistake("pool-nan", L(zh="全是填充的行得到 nan", en="a row of pads gives nan"),
                L(zh="0/0 时题目要 0。", en="The task asks for 0 in place of 0/0."), (".clamp(min=1)", ""),
                skill="edge", hint=3),
        Mistake("pool-batch-count", L(zh="分母是整个批的词数", en="the denominator counts the whole batch"), _COUNT,
                ("weights.sum(dim=1)", "weights.sum()"), skill="count"),
        Mistake("pool-cls", L(zh="取了第一个位置的向量", en="the first position's vector is taken"),
                L(zh="那是 CLS 池化；这里要平均。", en="That is CLS pooling; here the mean is wanted."),
                ("total / weights.sum(dim=1).clamp(min=1)",
                "hidden[:, 0]"), skill="formula", hint=1,
                also=((("total / weights.sum(dim=1).clamp(min=1)", "hidden[:, 0] * weights[:, 0]"),),)),
        Mistake("pool-max", L(zh="取了最大而不是平均", en="the maximum is taken, not the mean"),
                L(zh="那是最大池化。", en="That is max pooling."),
                ("total / weights.sum(dim=1).clamp(min=1)",
                "hidden.masked_fill(weights == 0, -math.inf).amax(1)"), skill="formula", hint=1,
                also=((("total / weights.sum(dim=1).clamp(min=1)", "(hidden * weights).amax(1)"),),)),
        Mistake("pool-last", L(zh="取了最后一个真实词的向量", en="the last real token's vector is taken"),
                L(zh="这里要平均。", en="The mean is wanted here."),
                ("total / weights.sum(dim=1).clamp(min=1)",
                "hidden[torch.arange(len(hidden)), mask.long().sum(1) - 1]"), skill="formula",
                        hint=1),
        Mistake("pool-prefix", L(zh="以为真实的词都在最前面，取了前 n 个",
                en="the first n vectors are averaged, as if real tokens always came first"),
                L(zh="mask 里的 1 不一定在最前面。", en="The ones of mask need not come first."),
                ("(hidden * weights)",
                "(hidden * (torch.arange(hidden.shape[1])[None, :, None] < weights.sum(1, keepdim=True)))"),
                        skill="mask"),
        Mistake("pool-axis", L(zh="沿特征轴求了和", en="the sum runs over the features"),
                L(zh="平均是对位置取的。", en="The mean runs over positions."),
                ("(hidden * weights).sum(dim=1)", "(hidden * weights).sum(dim=2)"), skill="axis", hint=1),
        Mistake("pool-zero-as-plus-one", L(zh="分母加了 1 来避免除零",
                en="1 is added to every denominator to avoid dividing by zero"),
                L(zh="那样每一行都变小了；只有全是填充的行才需要处理。",
                en="That shrinks every row; only rows of pads need care."), (".clamp(min=1)",
                " + 1"), skill="edge", hint=3),
        Mistake("pool-bitwise-not", L(zh="对整数 mask 用了 ~：它翻转的是比特，~1 是 -2，也算真",
                en="~ is applied to an integer mask, where it flips bits: ~1 is -2, which counts as true as well"),
                L(zh="先转成布尔：`~mask.bool()`，或者 `mask == 0`。",
                en="Turn it into booleans first: `~mask.bool()`, or `mask == 0`."),
                ("(hidden * weights)", "hidden.masked_fill((~mask).bool()[:, :, None], 0.0)"), skill="mask", hint=3),
        Mistake("pool-inplace", L(zh="就地改动了 hidden", en="hidden is changed in place"),
                L(zh="`hidden[mask == 0] = 0` 和 `hidden *= …` 会改动调用者的张量。",
                  en="`hidden[mask == 0] = 0` and `hidden *= ...` change the caller's tensor."),
                ("total = (hidden * weights)", "hidden[mask == 0] = 0\n    total = hidden"), skill="alias", hint=1),
        Mistake("pool-empty-mean", L(zh="全是填充的行用了所有位置的平均",
                en="a row of pads gets the mean of all its positions"),
                L(zh="没有真实的词时题目要 0。", en="Without a real token the task asks for 0."),
                ("return total / weights.sum(dim=1).clamp(min=1)",
                 "return torch.where(weights.sum(dim=1) > 0, total / weights.sum(dim=1).clamp(min=1), hidden.mean(dim=1))"), skill="edge", hint=3),
        Mistake("pool-empty-all", L(zh="只要有一行全是填充，整个批都成了 0",
                en="one row of pads turns the whole batch into zeros"),
                L(zh="只有那一行该是 0。", en="Only that row should be 0."),
                ("return total",
                "if (weights.sum(dim=1) == 0).any():\n        return torch.zeros_like(total)\n    return total"),
                skill="edge", hint=3),
        Mistake("pool-mask-as-index", L(zh="把 0/1 的 mask 当成了下标：取的是第 0 个和第 1 个位置",
                en="the 0/1 mask is used as indices: it picks positions 0 and 1"),
                L(zh="只有布尔张量才按真假来选，整数张量是下标。先 `mask.bool()`。",
                  en="Only a boolean tensor selects by true and false; an integer one holds indices. Use `mask.bool()` first."),
                program=lambda hidden, mask: _pool_by_index(hidden, mask), skill="mask", hint=3),
        Mistake("pool-longest", L(zh="每一行都除以了最长那句的词数",
                en="every row is divided by the length of the longest text"), _COUNT,
                ("weights.sum(dim=1)", "weights.sum(dim=1).max()"), skill="count"),
        Mistake("pool-sqrt", L(zh="除以了词数的平方根", en="it is divided by the root of the number of tokens"),
                _COUNT,
                ("clamp(min=1)", "clamp(min=1).sqrt()"), skill="count", convention=True),
        Mistake("pool-normalised", L(zh="又把向量归一化成了单位长度", en="the vector is also scaled to unit length"),
                L(zh="题目只要平均。", en="The task asks for the mean alone."),
                ("return total / weights.sum(dim=1).clamp(min=1)",
                 "return torch.nn.functional.normalize(total / weights.sum(dim=1).clamp(min=1), dim=-1)"),
                skill="formula", hint=1),
        Mistake("pool-one-short", L(zh="分母少数了一个", en="the denominator is one short"), _COUNT,
                ("weights.sum(dim=1).clamp(min=1)", "(weights.sum(dim=1) - 1).clamp(min=1)"), skill="shift"),
        Mistake("pool-keeps-axis", L(zh="结果多留了一个长度为 1 的轴", en="an axis of length 1 is left over"),
                L(zh="题目要 [B, D]。", en="The task asks for [B, D]."),
                ("return total / weights.sum(dim=1).clamp(min=1)",
                "return (total / weights.sum(dim=1).clamp(min=1))[:, None]"), skill="axis"),
        Mistake("pool-min", L(zh="取了最小而不是平均", en="the minimum is taken, not the mean"),
                L(zh="这里要平均。", en="The mean is wanted here."),
                ("total / weights.sum(dim=1).clamp(min=1)", "hidden.masked_fill(weights == 0, math.inf).amin(1)"),
                skill="formula", hint=1),
        Mistake("pool-last-position", L(zh="取了最后一个位置的向量", en="the last position's vector is taken"),
                L(zh="这里要平均。", en="The mean is wanted here."),
                ("total / weights.sum(dim=1).clamp(min=1)", "hidden[:, -1]"), skill="formula", hint=1),
        Mistake("pool-without-first", L(zh="第一个词没有算进平均", en="the first token is left out of the mean"),
                L(zh="mask 为 1 的位置都要算。", en="Every position where mask is 1 counts."),
                ("    total =",
                "    weights = torch.cat([torch.zeros_like(weights[:, :1]), weights[:, 1:]], dim=1)\n    total ="),
                skill="edge", hint=1),
        Mistake("pool-eps-large", L(zh="分母加了一个不够小的数",
                en="the number added to the denominator is not small enough"),
                L(zh="避免除零用 clamp，或者加 1e-9 这样小的数。",
                en="Use clamp against dividing by zero, or add something as small as 1e-9."),
                (".clamp(min=1)", " + 1e-2"), skill="edge", hint=3),
        Mistake("pool-no-unsqueeze", L(zh="mask 没有变成 [B,T,1]，乘到了错的轴上",
                en="mask is not shaped [B,T,1], so that it multiplies the wrong axis"),
                L(zh="[B,T,D] 乘 [B,T] 时，mask 的 T 对着的是 D。",
                en="When [B,T,D] meets [B,T], the T of mask lies along D."),
                ("[:, :, None]", ""), skill="axis", hint=1),
    ),
    alternatives=(pool_loop, pool_einsum, pool_double, pool_fill, pool_nan),
    think=L(zh="只差填充长度的两个批，同一句话的向量会一样吗？", en="Is a text's vector the same in two batches that differ only in padding?"),
)


def _pool_by_index(hidden, mask):
    picked = [states[keep] for states, keep in zip(hidden, mask)]
    return torch.stack([rows.mean(0) if len(rows) else torch.zeros(hidden.shape[-1]) for rows in picked])
