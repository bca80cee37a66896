"""Exercises of chapter 08: fine-tuning, in small pieces."""
from __future__ import annotations

import torch

from ..i18n import L
from .contract import Array, Dict, Scalar, Tuple
from .spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISES"]

F = torch.nn.functional


# --- finetune.mean_pool --------------------------------------------------------------------------------------------

def mean_pool(hidden, mask):
    """Mean of the hidden states of real tokens: one vector a text.

    hidden: float [B, T, D]; mask: [B, T] of 0/1, any dtype. Returns [B, D]; a row with no 1 gives zeros.
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

POOL = Exercise(
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


# --- finetune.lora, finetune.lora_merge ----------------------------------------------------------------------------

def lora_linear(x, W, A, B, alpha, bias=None):
    """A linear layer with a low-rank update (Hu et al. 2021): x W^T + (alpha / r) x A^T B^T (+ bias).

    x: [..., in]; W: [out, in]; A: [r, in]; B: [out, r]; bias: [out]. Returns [..., out].
    """
    r = A.shape[0]
    base = x @ W.T
    update = x @ A.T @ B.T
    y = base + (alpha / r) * update
    return y if bias is None else y + bias


def lora_merged(x, W, A, B, alpha, bias=None):
    return F.linear(x, W + alpha / A.shape[0] * B @ A, bias)


def lora_einsum(x, W, A, B, alpha, bias=None):
    out = torch.einsum("...i,oi->...o", x, W) + alpha * torch.einsum("...i,ri,or->...o", x, A, B) / len(A)
    if bias is not None:
        out = out + bias
    return out


def lora_scaled_a(x, W, A, B, alpha, bias=None):
    out = x @ W.T + x @ (alpha / len(A) * A).T @ B.T
    return out if bias is None else torch.add(out, bias)


def lora_flat(x, W, A, B, alpha, bias=None):
    rows = x.reshape(-1, x.shape[-1]).double()
    out = torch.mm(rows, W.double().t()) + torch.mm(torch.mm(rows, A.double().t()), B.double().t()).mul(alpha).div(B.shape[1])
    out = out + (0 if bias is None else bias)
    return out.reshape(*x.shape[:-1], W.shape[0])


def lora_by_rank(x, W, A, B, alpha, bias=None):
    y = F.linear(x, W, bias)
    for a, b in zip(A, B.T):
        y = y + (x @ a).unsqueeze(-1) * b * (alpha / len(A))
    return y


def _lora_cases(draw: Draw) -> list[Case]:
    def make(*lead, n_in, n_out, r, alpha, bias=False, square=False):
        args = (draw.normal(*lead, n_in), draw.normal(n_out, n_in), draw.normal(r, n_in), draw.normal(n_out, r), alpha)
        return args + ((draw.normal(n_out),) if bias else ())

    W_only = draw.normal(3, 4), draw.normal(5, 4), draw.normal(2, 4), torch.zeros(5, 2), 8.0
    scale, bias = L(zh="缩放 alpha/r", en="the scale alpha/r"), L(zh="偏置", en="the bias")
    return [
        Case(L(zh="in=2，out=2，r=1，alpha=2", en="in=2, out=2, r=1, alpha=2"),
                (draw.grid(1, 2), torch.eye(2), torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0], [2.0]]), 2)),
        Case(L(zh="各轴大小都不同，alpha≠r", en="all sizes different, alpha not r"), make(4, n_in=5, n_out=6, r=2, alpha=7.0)),
        Case(L(zh="alpha=r", en="alpha=r"), make(4, n_in=5, n_out=6, r=3, alpha=3)),
        Case(L(zh="带偏置", en="with a bias"), make(3, n_in=4, n_out=5, r=2, alpha=16, bias=True), bias),
        Case(L(zh="x [B,T,in]，带偏置", en="x [B,T,in] with a bias"), make(2, 3, n_in=6, n_out=4, r=3, alpha=1.5, bias=True), bias),
        Case(L(zh="x [in]", en="x [in]"), make(n_in=4, n_out=3, r=2, alpha=5)),
        Case(L(zh="in=out=r=4", en="in=out=r=4"), make(2, n_in=4, n_out=4, r=4, alpha=6.0), scale),
        Case(L(zh="B=0：刚初始化", en="B=0, as at the start"), W_only),
        Case(L(zh="r=1", en="r=1"), make(2, 2, 2, n_in=3, n_out=5, r=1, alpha=0.5)),
    ]


_SCALE = L(zh="缩放因子是 alpha/r，r 是 A 的行数。", en="The scale is alpha/r, where r is the number of rows of A.")
_LORA_ORDER = L(zh="x 先经过 A（降到 r 维），再经过 B（升到 out 维）。", en="x goes through A first (down to r), then through B (up to out).")

LORA = Exercise(
    id="finetune.lora", title=L(zh="LoRA 线性层",
            en="A LoRA linear layer"), reference=lora_linear, returns=Array("... out"), cases=_lora_cases, gradients=(0, 2, 3),
    differentiable=True,
    hints=(
        L(zh="两条路：原来的 x Wᵀ，和低秩的 x Aᵀ Bᵀ，最后加在一起。", en="Two paths, the old x W^T and the low-rank x A^T B^T, added at the end."),
        L(zh="低秩那条路乘 alpha/r。r 从 A 的形状里取，不要写死。", en="The low-rank path is scaled by alpha/r. Take r from A's shape."),
        L(zh="偏置只加一次，在最后；bias 是 None 时不加。用 `x @ W.T`，前面有几个轴都行。",
                en="The bias is added once, at the end, unless it is None. `x @ W.T` works for any leading axes."),
    ),
    mistakes=(
        Mistake("lora-alpha-only", L(zh="乘的是 alpha，没有除以 r", en="the update is scaled by alpha, not alpha/r"),
                _SCALE,
                ("(alpha / r)", "alpha"), skill="scale"),
        Mistake("lora-no-scale", L(zh="低秩那条路没有缩放", en="the update is not scaled"), _SCALE,
                ("(alpha / r) * update", "update"),
                skill="scale"),
        Mistake("lora-r/alpha", L(zh="缩放因子倒了：r/alpha", en="the scale is upside down: r/alpha"), _SCALE,
                ("(alpha / r)", "(r / alpha)"),
                skill="scale"),
        Mistake("lora-sqrt-r", L(zh="除以了 √r（rsLoRA 的约定）", en="it is divided by √r, the convention of rsLoRA"),
                _SCALE,
                ("(alpha / r)", "(alpha / math.sqrt(r))"), skill="scale", convention=True),
        Mistake("lora-div-in", L(zh="除以了输入宽度而不是 r", en="it is divided by the input width, not r"), _SCALE,
                ("A.shape[0]", "A.shape[1]"),
                skill="scale"),
        Mistake("lora-scale-all", L(zh="连原来的 x Wᵀ 也缩放了", en="the base path is scaled as well"),
                L(zh="只有低秩那条路要缩放。", en="Only the low-rank path is scaled."),
                ("base + (alpha / r) * update",
                "(base + update) * (alpha / r)"), skill="scale"),
        Mistake("lora-no-base", L(zh="丢了原来的 x Wᵀ", en="the base path x W^T is lost"),
                L(zh="LoRA 是加在原来的层上的。", en="LoRA is added to the old layer."), ("base + (alpha", "(alpha"),
                skill="formula", hint=1),
        Mistake("lora-no-update", L(zh="没有低秩那条路", en="the low-rank path is missing"), _LORA_ORDER,
                ("base + (alpha / r) * update", "base"),
                skill="formula", hint=1),
        Mistake("lora-bias-twice", L(zh="偏置加了两次", en="the bias is added twice"),
                L(zh="偏置只加一次。", en="The bias is added once."),
                ("y + bias", "y + 2 * bias"), skill="count", hint=3),
        Mistake("lora-bias-missing", L(zh="没有加偏置", en="the bias is not added"),
                L(zh="bias 不是 None 时要加。", en="When bias is not None it is added."), ("y + bias", "y"),
                skill="formula", hint=3),
        Mistake("lora-subtract", L(zh="减去了低秩更新", en="the update is subtracted"),
                L(zh="加还是减？", en="Plus or minus?"),
                ("base + (alpha", "base - (alpha"), skill="formula", hint=1),
        Mistake("lora-order", L(zh="A、B 的次序反了", en="A and B are exchanged"), _LORA_ORDER,
                ("x @ A.T @ B.T", "x @ B @ A"), skill="axis",
                hint=1, also=(lambda x, W, A, B, alpha, bias=None: F.linear(x, W + alpha / len(A) * (A.T @ B.T),
                bias),)),
        Mistake("lora-no-transpose", L(zh="W 没有转置", en="W is not transposed"),
                L(zh="W 的形状是 [out,in]。", en="W has shape [out,in]."),
                ("x @ W.T", "x @ W"), skill="axis", hint=3),
        Mistake("lora-bias-scaled", L(zh="偏置也乘了 alpha/r", en="the bias is scaled by alpha/r, too"),
                L(zh="偏置不缩放。", en="The bias is not scaled."), ("y + bias", "y + (alpha / r) * bias"),
                skill="scale", hint=3),
        Mistake("lora-div-out", L(zh="除以了输出宽度而不是 r", en="it is divided by the output width, not r"), _SCALE,
                ("A.shape[0]", "B.shape[0]"),
                skill="scale"),
        Mistake("lora-relu", L(zh="A 和 B 之间多了 relu", en="there is a relu between A and B"), _LORA_ORDER,
                ("x @ A.T @ B.T", "torch.relu(x @ A.T) @ B.T"), skill="formula", hint=1),
        Mistake("lora-inplace", L(zh="把更新就地加进了 W", en="the update is added to W in place"),
                L(zh="调用者的 W 不能变。", en="The caller's W must stay as it is."), ("update = x @ A.T @ B.T",
                "update = x @ A.T @ B.T; W += (alpha / r) * B @ A"), skill="alias", hint=1),
        Mistake("lora-floor", L(zh="用了整除 alpha // r",
                en="alpha is divided by r with //, which drops the fraction"),
                L(zh="`//` 会丢掉小数部分。", en="`//` drops the fraction."), ("alpha / r", "alpha // r"),
                skill="scale"),
        Mistake("lora-bias-truth", L(zh="用 if bias 判断有没有偏置：多个数的张量没有真假",
                en="a tensor of several numbers is asked for its truth value"),
                L(zh="用 `bias is None` 判断。", en="Ask `bias is None`."), ("bias is None", "not bias"),
                skill="edge", hint=3),
        Mistake("lora-scale-twice", L(zh="除以了两次 r", en="it is divided by r twice"), _SCALE,
                ("(alpha / r)", "(alpha / r / r)"), skill="scale",
                also=((("(alpha / r)", "(alpha / r) ** 2"),),)),
        Mistake("lora-times-r", L(zh="乘了 r 而不是除：alpha·r", en="it is multiplied by r: alpha * r"), _SCALE,
                ("(alpha / r)", "(alpha * r)"), skill="scale"),
        Mistake("lora-one-over-r", L(zh="只除以了 r，没有乘 alpha", en="it is divided by r, without alpha"), _SCALE,
                ("(alpha / r)", "(1 / r)"), skill="scale"),
        Mistake("lora-tanh", L(zh="A 和 B 之间多了一个非线性", en="there is a nonlinearity between A and B"),
                _LORA_ORDER,
                ("x @ A.T @ B.T", "torch.tanh(x @ A.T) @ B.T"), skill="formula", hint=1,
                also=((("x @ A.T @ B.T", "torch.nn.functional.gelu(x @ A.T) @ B.T"),),
                (("x @ A.T @ B.T", "torch.sigmoid(x @ A.T) @ B.T"),))),
    ),
    alternatives=(lora_merged, lora_einsum, lora_scaled_a, lora_flat, lora_by_rank),
    think=L(zh="in=out=1000、r=8 时，要训练的参数少了多少倍？", en="With in=out=1000 and r=8, by what factor are there fewer parameters to train?"),
)


def lora_merge(W, A, B, alpha):
    """Fold a LoRA update into the weight: W + (alpha / r) B A, as a new tensor.

    W: [out, in]; A: [r, in]; B: [out, r]. Returns [out, in].
    """
    r = A.shape[0]
    return W + (alpha / r) * (B @ A)


def merge_addmm(W, A, B, alpha):
    return torch.addmm(W, B, A, alpha=alpha / A.size(0))


def merge_in_copy(W, A, B, alpha):
    merged = W.clone()
    merged += B @ A * (alpha / B.shape[1])
    return merged


def merge_numpy(W, A, B, alpha):
    return W.numpy() + alpha / len(A) * (B.numpy() @ A.numpy())


def merge_outer(W, A, B, alpha):
    merged = W.detach().double()
    for row, column in zip(A, B.T):
        merged = merged + torch.outer(column, row) * alpha / len(A)
    return merged


def merge_einsum(W, A, B, alpha):
    return torch.einsum("or,ri->oi", B, A).mul(alpha).div(A.shape[0]).add(W)


def _merge_cases(draw: Draw) -> list[Case]:
    def make(n_out, n_in, r, alpha):
        return draw.normal(n_out, n_in), draw.normal(r, n_in), draw.normal(n_out, r), alpha

    alias = L(zh="不改动任何东西的合并", en="a merge that changes nothing")
    return [
        Case(L(zh="2×2，r=1，alpha=2", en="2 x 2, r=1, alpha=2"),
                (torch.eye(2), torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0], [2.0]]), 2)),
        Case(L(zh="out=5，in=4，r=2，alpha=7", en="out=5, in=4, r=2, alpha=7"), make(5, 4, 2, 7.0)),
        Case(L(zh="out=in=r=3", en="out=in=r=3"), make(3, 3, 3, 5)),
        Case(L(zh="alpha=r", en="alpha=r"), make(4, 6, 2, 2)),
        Case(L(zh="r=1，alpha=0.5", en="r=1, alpha=0.5"), make(3, 5, 1, 0.5)),
        Case(L(zh="B=0", en="B=0"), (draw.normal(3, 4), draw.normal(2, 4), torch.zeros(3, 2), 4), alias),
        Case(L(zh="alpha=0", en="alpha=0"), make(3, 4, 2, 0), alias),
    ]


LORA_MERGE = Exercise(
    id="finetune.lora_merge", title=L(zh="合并 LoRA 权重",
            en="Merging a LoRA update"), reference=lora_merge, returns=Array("out in"), cases=_merge_cases, fresh=True, gradients=(0, 1, 2),
    hints=(
        L(zh="合并之后一层就够了：新的 W 要和“原来的 W 加低秩路”给出同样的结果。",
                en="After merging one layer is enough: the new W gives what the old W and the low-rank path gave together."),
        L(zh="B 是 [out,r]，A 是 [r,in]：哪个乘积的形状是 [out,in]？", en="B is [out,r] and A is [r,in]: which product is [out,in]?"),
        L(zh="缩放 alpha/r 不能忘。返回新的张量：`W += ...` 会改动调用者的权重。",
                en="Mind the scale alpha/r. Return a new tensor: `W += ...` changes the caller's weight."),
    ),
    mistakes=(
        Mistake("lora-merge-scale", L(zh="合并时忘了缩放", en="the scale is forgotten when merging"), _SCALE,
                ("(alpha / r) * (B @ A)", "(B @ A)"),
                skill="scale", hint=3),
        Mistake("lora-alpha-only", L(zh="乘的是 alpha，没有除以 r", en="the update is scaled by alpha, not alpha/r"),
                _SCALE,
                ("(alpha / r)", "alpha"), skill="scale", hint=3),
        Mistake("lora-r/alpha", L(zh="缩放因子倒了：r/alpha", en="the scale is upside down: r/alpha"), _SCALE,
                ("(alpha / r)", "(r / alpha)"),
                skill="scale", hint=3),
        Mistake("lora-sqrt-r", L(zh="除以了 √r（rsLoRA 的约定）", en="it is divided by √r, the convention of rsLoRA"),
                _SCALE,
                ("(alpha / r)", "(alpha / math.sqrt(r))"), skill="scale", convention=True, hint=3),
        Mistake("lora-order", L(zh="A、B 的次序反了", en="A and B are exchanged"),
                L(zh="哪个乘积的形状是 [out,in]？", en="Which product is [out,in]?"),
                ("(B @ A)", "(A @ B)"), skill="axis"),
        Mistake("lora-merge-transposed", L(zh="更新多了一次转置", en="the update is transposed"),
                L(zh="哪个乘积的形状是 [out,in]？", en="Which product is [out,in]?"), ("(B @ A)", "(B @ A).T"),
                skill="axis"),
        Mistake("lora-merge-inplace", L(zh="就地改了 W", en="W is changed in place"),
                L(zh="`W += ...` 和 `W.add_()` 会改动调用者的张量。",
                en="`W += ...` and `W.add_()` change the caller's tensor."),
                        ("return W + (alpha / r) * (B @ A)", "W += (alpha / r) * (B @ A)\n    return W"),
                skill="alias", hint=3),
        Mistake("lora-merge-update-only", L(zh="只返回了更新，没有加上 W",
                en="only the update is returned, without W"),
                L(zh="合并之后的权重包含原来的 W。", en="The merged weight contains the old W."),
                ("W + (alpha", "(alpha"), skill="formula", hint=1),
        Mistake("lora-merge-subtract", L(zh="减去了更新（那是拆开）",
                en="the update is subtracted, which is unmerging"),
                L(zh="加还是减？", en="Plus or minus?"), ("W + (alpha", "W - (alpha"), skill="formula", hint=1),
        Mistake("lora-merge-twice", L(zh="更新合并了两次", en="the update is merged twice"),
                L(zh="更新只加一次。", en="The update is added once."),
                ("(alpha / r) * (B @ A)", "2 * (alpha / r) * (B @ A)"), skill="count", hint=1),
        Mistake("lora-div-in", L(zh="除以了输入宽度而不是 r", en="it is divided by the input width, not r"), _SCALE,
                ("A.shape[0]", "A.shape[1]"),
                skill="scale", hint=3),
        Mistake("lora-scale-all", L(zh="连 W 也缩放了", en="W is scaled as well"),
                L(zh="只有更新要缩放。", en="Only the update is scaled."),
                ("W + (alpha / r) * (B @ A)", "(W + B @ A) * (alpha / r)"), skill="scale", hint=3),
        Mistake("lora-floor", L(zh="用了整除 alpha // r",
                en="alpha is divided by r with //, which drops the fraction"),
                L(zh="`//` 会丢掉小数部分。", en="`//` drops the fraction."), ("alpha / r", "alpha // r"),
                skill="scale", hint=3),
        Mistake("lora-scale-twice", L(zh="除以了两次 r", en="it is divided by r twice"), _SCALE,
                ("(alpha / r)", "(alpha / r / r)"), skill="scale", hint=3,
                also=((("(alpha / r)", "(alpha / r) ** 2"),),)),
        Mistake("lora-div-out", L(zh="除以了输出宽度而不是 r", en="it is divided by the output width, not r"), _SCALE,
                ("A.shape[0]", "B.shape[0]"),
                skill="scale", hint=3),
        Mistake("lora-times-r", L(zh="乘了 r 而不是除：alpha·r", en="it is multiplied by r: alpha * r"), _SCALE,
                ("(alpha / r)", "(alpha * r)"),
                skill="scale", hint=3),
        Mistake("lora-one-over-r", L(zh="只除以了 r，没有乘 alpha", en="it is divided by r, without alpha"), _SCALE,
                ("(alpha / r)", "(1 / r)"),
                skill="scale", hint=3),
        Mistake("lora-merge-times-W", L(zh="更新乘到了 W 上，而不是加上去",
                en="the update multiplies W instead of being added"),
                L(zh="W + …：更新是加上去的。", en="W + ...: the update is added."), ("W + (alpha", "W * (alpha"),
                skill="formula", hint=1),
        Mistake("lora-merge-elementwise", L(zh="B 和 A 是逐元素相乘的，不是矩阵乘",
                en="B and A are multiplied element by element, not as matrices"),
                L(zh="哪个乘积的形状是 [out,in]？", en="Which product is [out,in]?"), ("(B @ A)", "(B * A)"),
                skill="axis"),
        Mistake("lora-merge-same", L(zh="返回的就是 W，没有更新", en="W is returned without the update"),
                L(zh="更新加到哪里去了？", en="Where does the update go?"),
                ("W + (alpha / r) * (B @ A)", "W.clone()"), skill="formula", hint=1,
                also=((("W + (alpha / r) * (B @ A)", "W"),),)),
    ),
    alternatives=(merge_addmm, merge_in_copy, merge_numpy, merge_outer, merge_einsum),
    think=L(zh="合并之后怎样拆开？浮点数上能完全还原吗？", en="How would you unmerge it? Is that exact in floating point?"),
)


# --- finetune.warmup_linear ----------------------------------------------------------------------------------------

def warmup_linear(step, warmup_steps, total_steps, peak):
    """Learning rate with linear warm-up and linear decay.

    step is 0-based. step < warmup_steps: peak * (step + 1) / warmup_steps; then peak * (total_steps - step) / (total_steps - warmup_steps),
    never below 0. warmup_steps = 0 starts at peak.
    """
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    left = (total_steps - step) / (total_steps - warmup_steps)
    return peak * max(0.0, left)


def warmup_one_line(step, warmup_steps, total_steps, peak):
    return peak * (step + 1) / warmup_steps if step < warmup_steps else max(0, peak * (total_steps - step) / (total_steps - warmup_steps))


def warmup_branches(step, warmup_steps, total_steps, peak):
    if step >= total_steps:
        return 0.0
    if warmup_steps > 0 and step + 1 <= warmup_steps:
        return (step + 1) / warmup_steps * peak
    return peak - peak * (step - warmup_steps) / (total_steps - warmup_steps)


def warmup_min(step, warmup_steps, total_steps, peak):
    up = (step + 1) / max(warmup_steps, 1) if step < warmup_steps else float("inf")
    down = (total_steps - step) / (total_steps - warmup_steps) if step >= warmup_steps else float("inf")
    return peak * max(min(up, down), 0.0)


def warmup_numpy(step, warmup_steps, total_steps, peak):
    import numpy as np
    if step < warmup_steps:
        return np.float64(peak) * (step + 1) / warmup_steps
    return np.interp(step, [warmup_steps, total_steps], [peak, 0.0])


def warmup_torch(step, warmup_steps, total_steps, peak):
    if step < warmup_steps:
        return torch.tensor(peak * (step + 1) / warmup_steps)
    return torch.relu(torch.tensor(float(total_steps - step))) * peak / (total_steps - warmup_steps)


def warmup_table(step, warmup_steps, total_steps, peak):
    rates = [peak * (s + 1) / warmup_steps for s in range(warmup_steps)]
    rates += [peak * left / (total_steps - warmup_steps) for left in range(total_steps - warmup_steps, 0, -1)]
    return rates[step] if step < len(rates) else 0.0


def _warmup_cases(draw: Draw) -> list[Case]:
    peak = draw.floats(1, 0.5, 3.0)[0]
    warm, total = draw.int(4, 9), draw.int(20, 40)
    up, down, end, zero = (L(zh="预热阶段", en="the warm-up"), L(zh="下降阶段", en="the decay"), L(zh="总步数之后", en="the steps after the end"),
                           L(zh="warmup_steps=0", en="warmup_steps=0"))
    return [
        Case(L(zh="第 0 步", en="step 0"), (0, 4, 10, 1.0), up),
        Case(L(zh="预热中间", en="in the middle of the warm-up"), (2, 4, 10, 2.0), up),
        Case(L(zh="预热的最后一步", en="the last step of the warm-up"), (warm - 1, warm, total, peak), up),
        Case(L(zh="预热刚结束", en="the first step after it"), (warm, warm, total, peak), down),
        Case(L(zh="再下一步", en="one step later"), (warm + 1, warm, total, peak), down),
        Case(L(zh="下降中间", en="in the middle of the decay"), ((warm + total) // 2, warm, total, peak), down),
        Case(L(zh="最后一步", en="the last step"), (total - 1, warm, total, peak), down),
        Case(L(zh="第 total_steps 步", en="step total_steps"), (total, warm, total, peak), end),
        Case(L(zh="超过 total_steps", en="beyond total_steps"), (total + 7, warm, total, peak), end),
        Case(L(zh="warmup_steps=0，第 0 步", en="warmup_steps=0, step 0"), (0, 0, 8, 3e-4), zero),
        Case(L(zh="warmup_steps=0，第 3 步", en="warmup_steps=0, step 3"), (3, 0, 8, 3e-4), zero),
        Case(L(zh="warmup_steps=1，第 0 步", en="warmup_steps=1, step 0"), (0, 1, 5, peak), up),
    ]


_CLOCK = L(zh="下降从第 warmup_steps 步开始，到第 total_steps 步归零：把这两点代进你的式子。",
        en="The decay starts at step warmup_steps and reaches 0 at total_steps: put both into your formula.")
_UP = L(zh="第 0 步应是 peak/warmup，第 warmup-1 步应是 peak。", en="Step 0 should give peak/warmup, step warmup-1 should give peak.")

WARMUP = Exercise(
    id="finetune.warmup_linear", title=L(zh="学习率预热与线性下降",
            en="Learning-rate warm-up and linear decay"), reference=warmup_linear, returns=Scalar, cases=_warmup_cases,
    hints=(
        L(zh="分两段：step < warmup_steps 时上升，之后下降。", en="Two pieces: up while step < warmup_steps, then down."),
        L(zh="步数从 0 数起，所以上升段用 step + 1：第一步不能是 0。", en="Steps count from 0, so the rise uses step + 1: the first step must not be 0."),
        L(zh="下降段剩下的比例是 (total - step) / (total - warmup)，超过 total 之后用 max 截到 0。",
                en="In the decay (total - step) / (total - warmup) is left; beyond total, max cuts it off at 0."),
    ),
    mistakes=(
        Mistake("wu-zero", L(zh="第一步的学习率是 0：用了 step/warmup",
                en="the first learning rate is 0: step/warmup instead of (step+1)/warmup"),
                _UP, ("(step + 1) / warmup_steps", "step / warmup_steps"), skill="shift"),
        Mistake("wu-never-peak", L(zh="预热除以了 warmup+1，到不了峰值",
                en="the warm-up is divided by warmup+1 and never reaches the peak"), _UP,
                ("(step + 1) / warmup_steps", "(step + 1) / (warmup_steps + 1)"), skill="shift"),
        Mistake("wu-decay-during", L(zh="下降的钟从第 0 步走起：除以了 total 而不是 total - warmup",
                en="the decay's clock starts at step 0: total stands where total - warmup should"), _CLOCK,
                        ("(total_steps - warmup_steps)", "total_steps"), skill="count", hint=3),
        Mistake("wu-late", L(zh="下降晚了一步", en="the decay is one step late"), _CLOCK,
                ("(total_steps - step)", "(total_steps - step + 1)"),
                skill="shift", hint=3),
        Mistake("wu-early", L(zh="下降早了一步", en="the decay is one step early"), _CLOCK,
                ("(total_steps - step)", "(total_steps - step - 1)"),
                skill="shift", hint=3),
        Mistake("wu-negative", L(zh="超过总步数后变成了负数", en="it turns negative beyond total_steps"),
                L(zh="学习率不会低于 0。", en="A learning rate is never below 0."), ("max(0.0, left)", "left"),
                skill="edge", hint=3),
        Mistake("wu-abs", L(zh="超过总步数后又升高了", en="it rises again beyond total_steps"),
                L(zh="学习率到 0 之后保持 0。", en="Once at 0 it stays at 0."),
                ("max(0.0, left)", "abs(left)"), skill="edge", hint=3),
        Mistake("wu-no-decay", L(zh="预热之后一直是峰值，没有下降", en="it stays at the peak after the warm-up"),
                _CLOCK, ("max(0.0, left)", "1.0"),
                skill="formula", hint=1, also=((("max(0.0, left)", "float(left > 0)"),),)),
        Mistake("wu-no-warmup", L(zh="没有预热，一开始就下降", en="there is no warm-up"), _UP,
                ("if step < warmup_steps:", "if False:"),
                skill="formula", hint=1),
        Mistake("wu-cosine", L(zh="用余弦而不是直线下降", en="the decay is a cosine, not a line"),
                L(zh="题目要直线。", en="The task asks for a straight line."), ("peak * max(0.0, left)",
                "peak * (1 - math.cos(math.pi * max(0.0, left))) / 2"), convention=True, skill="formula", hint=3),
        Mistake("wu-no-peak", L(zh="返回的是比例，没有乘 peak", en="a ratio is returned, not multiplied by peak"),
                L(zh="peak 用在哪里？", en="Where does peak come in?"), ("return peak * (step", "return (step"),
                ("return peak * max",
                "return max"), skill="scale", hint=1, also=((("return peak * max", "return max"),),
                (("return peak * (step", "return (step"),))),
        Mistake("wu-peak-at-warmup", L(zh="预热多了一步：step <= warmup 也在上升",
                en="the warm-up lasts one step too long: step <= warmup"), _UP,
                ("if step < warmup_steps:", "if step <= warmup_steps and warmup_steps:"), skill="shift"),
        Mistake("wu-zero-division", L(zh="warmup_steps=0 时除以了 0", en="it divides by zero at warmup_steps=0"),
                L(zh="warmup_steps=0 时第一步就是峰值。", en="With warmup_steps=0 the first step is the peak."),
                ("if step < warmup_steps:",
                "if step < warmup_steps or warmup_steps == 0:"), skill="edge"),
        Mistake("wu-zero-as-one", L(zh="把 warmup_steps=0 当成了 1", en="warmup_steps=0 is treated as 1"),
                L(zh="warmup_steps=0 时没有预热，第 0 步就开始下降。",
                en="With warmup_steps=0 there is no warm-up: the decay begins at step 0."),
                ("    if step < warmup_steps:",
                "    warmup_steps = max(1, warmup_steps)\n    if step < warmup_steps:"), skill="edge"),
        Mistake("wu-last-step-zero", L(zh="最后一步已经降到 0：分子和分母都少了 1",
                en="the last step is 0 already: numerator and denominator are both one less"),
                _CLOCK, ("(total_steps - step) / (total_steps - warmup_steps)",
                "(total_steps - 1 - step) / (total_steps - 1 - warmup_steps)"),
                skill="shift", hint=3),
        Mistake("wu-clock-shifted", L(zh="下降的步数从预热结束数起，却除以了全长 total",
                en="the decay counts steps since the warm-up, but over the full length total"), _CLOCK,
                ("(total_steps - step) / (total_steps - warmup_steps)",
                "(total_steps - (step - warmup_steps)) / total_steps"), skill="count", hint=3),
        Mistake("wu-decay-plus-one", L(zh="下降的分母多了 1，预热之后达不到峰值",
                en="the decay's denominator is one too large, so that it starts below the peak"),
                _CLOCK, ("(total_steps - warmup_steps)", "(total_steps - warmup_steps + 1)"), skill="shift", hint=3),
        Mistake("wu-floor", L(zh="用了整除", en="integer division is used"),
                L(zh="`//` 会丢掉小数部分。", en="`//` drops the fraction."),
                ("(step + 1) / warmup_steps", "(step + 1) // warmup_steps"),
                ("(total_steps - step) / (total", "(total_steps - step) // (total"), skill="formula", hint=1),
        Mistake("wu-constant-warmup", L(zh="预热阶段一直是峰值", en="it is at the peak all through the warm-up"), _UP,
                ("peak * (step + 1) / warmup_steps", "peak"), skill="formula", hint=1),
        Mistake("wu-rises", L(zh="预热之后是往上走的：用的是走过的比例，不是剩下的",
                en="it rises after the warm-up: the share gone by is used, not what is left"),
                _CLOCK, ("(total_steps - step) / (total", "(step - warmup_steps) / (total"), skill="formula", hint=3),
        Mistake("wu-steps-inverted", L(zh="预热的比例倒了：warmup / (step + 1)",
                en="the warm-up's ratio is upside down: warmup / (step + 1)"), _UP,
                ("(step + 1) / warmup_steps", "warmup_steps / (step + 1)"), skill="formula"),
        Mistake("wu-one-based", L(zh="把 step 当成从 1 数起，整条曲线晚了一步",
                en="step is taken to count from 1, so that the whole curve comes one step late"), _UP,
                ("    if step < warmup_steps:", "    step = step - 1\n    if step < warmup_steps:"), skill="shift",
                hint=2),
        Mistake("wu-floor-value", L(zh="超过总步数后停在一个很小的正数上",
                en="it stays at a small positive number beyond total_steps"),
                L(zh="题目说最低是 0。", en="The task says that the lowest is 0."),
                ("max(0.0, left)", "max(0.01, left)"), skill="edge", hint=3,
                also=((("max(0.0, left)", "max(0.1, left)"),),
                (("max(0.0, left)", "max(1 / (total_steps - warmup_steps), left)"),))),
    ),
    alternatives=(warmup_one_line, warmup_branches, warmup_min, warmup_numpy, warmup_torch, warmup_table),
    think=L(zh="只训练 189 步却预热 500 步，学习率最高到多少？", en="With 189 steps of training and 500 of warm-up, how high does the learning rate get?"),
)


# --- finetune.early_stop -------------------------------------------------------------------------------------------

def early_stop(losses, patience, min_delta=0.0):
    """When to stop, and which epoch to keep; epochs count from 0.

    An epoch is better when its loss < best loss - min_delta. Returns (best, stop): stop is the first epoch with `patience` epochs in a
    row not better, or the last one.
    """
    best, waited = 0, 0
    for epoch in range(1, len(losses)):
        if losses[epoch] < losses[best] - min_delta:
            best, waited = epoch, 0
        else:
            waited += 1
            if waited == patience:
                return best, epoch
    return best, len(losses) - 1


def early_infinite(losses, patience, min_delta=0.0):
    best_loss, best, bad = float("inf"), None, 0
    for epoch, loss in enumerate(losses):
        if loss < best_loss - min_delta:
            best_loss, best, bad = loss, epoch, 0
        else:
            bad += 1
        if bad >= patience:
            break
    return best, epoch


def early_difference(losses, patience, min_delta=0.0):
    best = 0
    for epoch in range(len(losses)):
        if losses[best] - losses[epoch] > min_delta:
            best = epoch
        if epoch - best == patience:
            return (best, epoch)
    return (best, epoch)


def early_recursive(losses, patience, min_delta=0.0):
    def step(epoch, best):
        if epoch == len(losses) or epoch - 1 - best >= patience:
            return [best, epoch - 1]
        return step(epoch + 1, epoch if losses[epoch] < losses[best] - min_delta else best)
    return step(1, 0)


def early_better_list(losses, patience, min_delta=0.0):
    best, reference = [0], losses[0]
    for epoch, loss in enumerate(losses[1:], start=1):
        if loss < reference - min_delta:
            best.append(epoch)
            reference = loss
    for now, following in zip(best, best[1:] + [10 ** 9]):
        if following - now > patience:
            return now, min(now + patience, len(losses) - 1)


def early_numpy(losses, patience, min_delta=0.0):
    import numpy as np
    values = np.asarray(losses, dtype=float)
    best, epoch = 0, 0
    while epoch + 1 < values.size and epoch - best < patience:
        epoch += 1
        best = epoch if values[epoch] < values[best] - min_delta else best
    return np.int64(best), np.int64(epoch)


def _early_cases(draw: Draw) -> list[Case]:
    def walk(n, drift):              # eighths: differences are exact in floating point
        return (torch.cumsum(draw.ints(7, n, low=-3), 0) / 8 + 20 - drift * torch.arange(n)).tolist()

    delta, never = L(zh="min_delta", en="min_delta"), L(zh="没有提前停止", en="no early stop")
    again = L(zh="等待计数的清零", en="resetting the count of bad epochs")
    late = [draw.int(4, 9) * 1.0, 3.0, 3.5, 2.5, 2.75, 3.0, 3.25, 1.0, 0.5]
    return [
        Case(L(zh="先降后升，patience=2", en="down, then up, patience=2"), ([3.0, 2.0, 2.5, 2.25, 1.0], 2)),
        Case(L(zh="一直在降", en="always better"), ([5.0, 4.0, 3.0, 2.0], 2), never),
        Case(L(zh="停止之后还有更低的损失", en="a lower loss after the stop"), (late, 3), again),
        Case(L(zh="patience=1", en="patience=1"), ([2.0, 1.5, 1.25, 1.5, 0.5], 1)),
        Case(L(zh="相同的损失不算更好", en="an equal loss is not better"), ([1.0, 0.5, 0.5, 0.5, 0.25], 2)),
        Case(L(zh="正好差 min_delta 不算更好", en="exactly min_delta is not better"), ([2.0, 1.5, 1.0, 0.25, 0.0, 0.0], 2, 0.5), delta),
        Case(L(zh="慢慢变好，加起来超过 min_delta", en="slow gains that add up to more than min_delta"),
                ([2.0, 1.75, 1.5, 1.25, 1.125, 1.0], 3, 0.375), delta),
        Case(L(zh="断断续续地变好", en="better now and then"), ([4.0, 4.5, 3.0, 3.5, 2.0, 2.5, 1.0, 1.5, 1.25], 2), again),
        Case(L(zh="到最后也没等够", en="the patience is not used up at the end"), ([3.0, 1.0, 2.0, 2.0], 5), never),
        Case(L(zh="最后一轮才用完耐心", en="the patience runs out at the last epoch"), ([3.0, 1.0, 2.0, 2.0], 2)),
        Case(L(zh="从没变好", en="never better"), ([1.0, 2.0, 3.0, 4.0, 5.0], 3)),
        Case(L(zh="只有一轮", en="a single epoch"), ([0.75], 2), never),
        Case(L(zh="不升也不降的轮次", en="epochs that neither rise nor fall"), ([2.0, 1.5, 1.5, 1.5, 1.5, 1.0], 3), again),
        Case(L(zh="回到最好值的轮次", en="epochs that come back to the best"), ([2.0, 1.5, 1.75, 1.5, 1.75, 1.0], 2), again),
        Case(L(zh="降得不够的轮次", en="epochs that gain too little"), ([2.0, 1.5, 1.375, 1.4375, 1.375, 1.0], 3, 0.25), delta),
        Case(L(zh="随机的 30 轮", en="30 random epochs"), (walk(30, 0.25), 3, 0.25)),
        Case(L(zh="又一组随机的 30 轮", en="30 more random epochs"), (walk(30, 0.125), 4)),
    ]


_BETTER = L(zh="和谁比？和到目前为止最好的损失减 min_delta 比，严格小于才算更好。",
        en="Compared with what? With the best loss so far minus min_delta, and strictly below it.")
_WAIT = L(zh="连续多少轮没有变好才停？变好之后计数要清零。", en="How many bad epochs in a row stop it? A better epoch sets the count back to zero.")

EARLY = Exercise(
    id="finetune.early_stop", title=L(zh="早停", en="Early stopping"), reference=early_stop, returns=Tuple((("best", Array("", "int")),
            ("stop", Array("", "int")))), cases=_early_cases,
    hints=(
        L(zh="一轮一轮地看：记住最好的那轮，以及已经连续多少轮没有变好。", en="Go epoch by epoch: remember the best one and how many in a row were not better."),
        L(zh="变好的条件是 loss < 最好的损失 - min_delta，严格小于；变好就把计数清零。",
                en="Better means loss < best loss - min_delta, strictly; a better epoch sets the count back to zero."),
        L(zh="计数到 patience 的那一轮就是 stop，立即返回；循环走完都没停，stop 是最后一轮。",
                en="The epoch at which the count reaches patience is stop: return at once. If the loop ends, stop is the last epoch."),
    ),
    mistakes=(
        Mistake("es-previous", L(zh="和上一轮比，而不是和最好的一轮比",
                en="each epoch is compared with the one before, not with the best"), _BETTER,
                ("losses[epoch] < losses[best] - min_delta", "losses[epoch] < losses[epoch - 1] - min_delta"),
                skill="formula"),
        Mistake("es-no-reset", L(zh="变好之后没有清零计数", en="a better epoch does not reset the count"), _WAIT,
                ("best, waited = epoch, 0", "best = epoch"), skill="count"),
        Mistake("es-or-equal", L(zh="相等也算变好：用了 <=", en="an equal loss counts as better: <= instead of <"),
                _BETTER,
                ("losses[epoch] < losses", "losses[epoch] <= losses"), skill="edge"),
        Mistake("es-no-delta", L(zh="没有用 min_delta", en="min_delta is not used"), _BETTER, (" - min_delta:", ":"),
                skill="formula"),
        Mistake("es-delta-sign", L(zh="min_delta 的符号反了", en="min_delta has the wrong sign"), _BETTER,
                (" - min_delta:", " + min_delta:"),
                skill="formula"),
        Mistake("es-patience-late", L(zh="多等了一轮才停", en="it stops one epoch too late"), _WAIT,
                ("waited == patience", "waited > patience"),
                skill="shift", hint=3),
        Mistake("es-patience-early", L(zh="早停了一轮", en="it stops one epoch too early"), _WAIT,
                ("waited == patience", "waited >= max(patience - 1, 1)"), skill="shift", hint=3),
        Mistake("es-argmin", L(zh="best 取了全部损失里的最小，包括停止之后的",
                en="best is the smallest of all losses, those after the stop included"),
                L(zh="停止之后的轮次没有训练过。", en="Epochs after the stop were never trained."),
                ("return best, epoch", "return losses.index(min(losses)), epoch"), ("return best, len",
                        "return losses.index(min(losses)), len"), skill="formula", hint=3),
        Mistake("es-never-stops", L(zh="没有提前停，总是走到最后一轮", en="it never stops early"), _WAIT,
                ("return best, epoch\n", "pass\n"),
                skill="edge", hint=3),
        Mistake("es-stop-is-best", L(zh="stop 返回了最好的那一轮", en="stop is the best epoch"),
                L(zh="stop 是停下来的那一轮。", en="stop is the epoch at which it stops."), ("return best, epoch",
                "return best, best"), skill="formula", hint=3),
        Mistake("es-one-based", L(zh="轮次从 1 数起", en="epochs count from 1"),
                L(zh="题目从 0 数起。", en="The task counts from 0."),
                ("return best, epoch", "return best + 1, epoch + 1"), ("return best, len(losses) - 1",
                "return best + 1, len(losses)"), convention=True, skill="shift", hint=1),
        Mistake("es-end-off-by-one", L(zh="没有提前停时，stop 成了 len(losses)",
                en="without an early stop, stop is len(losses)"),
                L(zh="最后一轮的编号是多少？", en="Which number has the last epoch?"),
                ("len(losses) - 1", "len(losses)"), skill="shift", hint=3),
        Mistake("es-swapped", L(zh="两个返回值的次序反了", en="the two values are exchanged"),
                L(zh="先 best，再 stop。", en="best first, then stop."),
                ("return best, epoch", "return epoch, best"), ("return best, len(losses) - 1",
                "return len(losses) - 1, best"), skill="formula", hint=3),
        Mistake("es-returns-loss", L(zh="返回了最好的损失，而不是它的轮次",
                en="the best loss is returned, not its epoch"),
                L(zh="题目要的是轮次。", en="The task asks for the epoch."), ("return best, epoch",
                "return losses[best], epoch"), ("return best, len", "return losses[best], len"), skill="formula",
                hint=3),
        Mistake("es-maximise", L(zh="把更大的损失当成更好", en="a larger loss counts as better"),
                L(zh="损失越小越好。", en="A smaller loss is better."),
                ("losses[epoch] < losses[best] - min_delta", "losses[epoch] > losses[best] + min_delta"),
                skill="rank"),
        Mistake("es-lowest", L(zh="比较的是见过的最低损失，连不算“更好”的下降也拿来当标准",
                en="epochs are compared with the lowest loss seen, which falls even where no epoch counts as better"),
                _BETTER,
                ("best, waited = 0, 0\n", "best, waited, lowest = 0, 0, losses[0]\n"),
                ("if losses[epoch] < losses[best] - min_delta:\n", "if losses[epoch] < lowest - min_delta:\n"),
                ("            waited += 1\n",
                "            waited += 1\n            lowest = min(lowest, losses[epoch])\n"),
                ("best, waited = epoch, 0", "best, waited, lowest = epoch, 0, losses[epoch]"), skill="formula"),
        Mistake("es-neutral", L(zh="只有损失变大才计数：持平或降得不够的轮次没有算",
                en="only a larger loss is counted: epochs that are equal or gain too little are passed over"),
                _WAIT, ("        else:\n", "        elif losses[epoch] > losses[best]:\n"), skill="count",
                also=((("        else:\n", "        elif losses[epoch] >= losses[best]:\n"),),)),
        Mistake("es-rise-counts", L(zh="计数看的是比上一轮高没有，不是比最好的低没有",
                en="the count looks at a rise over the epoch before, not at the distance from the best"), _WAIT,
                ("        else:\n            waited += 1",
                "        if losses[epoch] < losses[epoch - 1] - min_delta:\n"
                 "            waited = 0\n        else:\n            waited += 1"), skill="formula",
                also=((("        else:\n            waited += 1", "        if losses[epoch] < losses[epoch - 1]:\n"
                 "            waited = 0\n        else:\n            waited += 1"),),
                      (("        else:\n            waited += 1", "        if losses[epoch] <= losses[epoch - 1]:\n"
                 "            waited = 0\n        else:\n            waited += 1"),))),
        Mistake("es-stop-next", L(zh="stop 返回了下一轮的编号", en="stop is the number of the next epoch"),
                L(zh="stop 是停下来的那一轮。", en="stop is the epoch at which it stops."),
                ("return best, epoch", "return best, epoch + 1"), skill="shift", hint=3),
        Mistake("es-delta-relative", L(zh="min_delta 当成了比例", en="min_delta is taken as a ratio"), _BETTER,
                ("losses[best] - min_delta", "losses[best] * (1 - min_delta)"), skill="formula"),
        Mistake("es-counts-first", L(zh="第一轮也算成了“没有变好”", en="the first epoch is counted as not better"),
                _WAIT,
                ("range(1, len(losses))", "range(len(losses))"), skill="shift"),
        Mistake("es-last-ignored", L(zh="没有看最后一轮", en="the last epoch is not looked at"),
                L(zh="循环要走到最后一轮。", en="The loop should reach the last epoch."),
                ("range(1, len(losses))", "range(1, len(losses) - 1)"), skill="shift"),
        Mistake("es-no-stop-value", L(zh="没有提前停时返回了 None 或 -1",
                en="stop is None or -1 where there was no early stop"),
                L(zh="没有提前停时 stop 是最后一轮的编号。",
                en="Without an early stop, stop is the number of the last epoch."),
                ("return best, len(losses) - 1", "return best, None"), skill="edge", hint=3,
                also=((("return best, len(losses) - 1", "return best, -1"),),)),
        Mistake("es-best-from-stop", L(zh="best 是用 stop - patience 算出来的",
                en="best is computed as stop - patience"),
                L(zh="没有提前停时，最好的一轮不一定在那里。",
                en="Without an early stop the best epoch need not be there."),
                ("return best, len(losses) - 1", "return max(len(losses) - 1 - patience, 0), len(losses) - 1"),
                skill="formula", hint=3),
        Mistake("es-best-on-stop", L(zh="没有提前停时，best 返回了最后一轮",
                en="best is the last epoch where there was no early stop"),
                L(zh="最好的一轮不一定是最后一轮。", en="The best epoch need not be the last."),
                ("return best, len(losses) - 1", "return len(losses) - 1, len(losses) - 1"), skill="formula", hint=3),
        Mistake("es-first-increase", L(zh="损失第一次不降就停了，没有用 patience",
                en="it stops at the first epoch that is not better; patience is not used"), _WAIT,
                ("waited == patience", "waited == 1"), skill="count", hint=3),
        Mistake("es-stop-computed", L(zh="没有提前停时，stop 也算成了 best + patience",
                en="stop is best + patience even where there was no early stop"),
                L(zh="没有提前停时 stop 是最后一轮的编号。",
                en="Without an early stop, stop is the number of the last epoch."),
                ("return best, len(losses) - 1", "return best, best + patience"), skill="edge", hint=3),
        Mistake("es-any-gain", L(zh="下降不到 min_delta 的轮次也成了 best",
                en="an epoch that gains less than min_delta becomes the best as well"), _BETTER,
                ("            waited += 1\n",
                "            best = epoch if losses[epoch] < losses[best] else best\n            waited += 1\n"),
                skill="formula"),
        Mistake("es-against-previous", L(zh="等待计数是和上一轮比的，best 才是见过的最低",
                en="the count compares with the epoch before, while best is the lowest loss seen"), _WAIT,
                program=lambda losses, patience, min_delta=0.0: _against_previous(losses, patience, min_delta),
                skill="formula",
                also=(lambda losses, patience, min_delta=0.0: _against_previous(losses, patience, 0.0),)),
        Mistake("es-equal-resets", L(zh="与最好值持平时，计数清了零",
                en="an epoch equal to the best sets the count back to zero"), _WAIT,
                ("        else:\n            waited += 1", "        elif losses[epoch] == losses[best]:\n"
                 "            waited = 0\n        else:\n            waited += 1"), skill="edge"),
    ),
    alternatives=(early_infinite, early_difference, early_recursive, early_better_list, early_numpy),
    think=L(zh="用验证集决定何时停，这份验证集上的成绩还算公平吗？", en="If the validation set decides when to stop, is its score still fair?"),
)


def _against_previous(losses, patience, min_delta):
    waited = 0
    for epoch in range(1, len(losses)):
        waited = 0 if losses[epoch] < losses[epoch - 1] - min_delta else waited + 1
        if waited == patience:
            return losses.index(min(losses[:epoch + 1])), epoch
    return losses.index(min(losses)), len(losses) - 1


# --- finetune.metrics ----------------------------------------------------------------------------------------------

def classification_metrics(y_true, y_pred, n_classes):
    """Accuracy and macro precision, recall and F1.

    y_true, y_pred: lists of ints. Macro over all n_classes; per-class F1 is averaged; 0 where a denominator is 0.
    Returns a dict with accuracy, precision, recall, f1.
    """
    pairs = list(zip(y_true, y_pred))
    precisions, recalls, f1s = [], [], []
    for c in range(n_classes):
        hits = pairs.count((c, c))
        predicted, actual = y_pred.count(c), y_true.count(c)
        p = hits / predicted if predicted else 0.0
        r = hits / actual if actual else 0.0
        precisions.append(p)
        recalls.append(r)
        f1s.append(2 * p * r / (p + r) if p + r else 0.0)
    accuracy = sum(t == p for t, p in pairs) / len(pairs)
    mean = lambda values: sum(values) / n_classes
    return {"accuracy": accuracy, "precision": mean(precisions), "recall": mean(recalls), "f1": mean(f1s)}


def metrics_confusion(y_true, y_pred, n_classes):
    table = torch.zeros(n_classes, n_classes)
    for t, p in zip(y_true, y_pred):
        table[t, p] += 1
    hits = table.diag()
    precision, recall = hits / table.sum(0).clamp(min=1), hits / table.sum(1).clamp(min=1)
    f1 = 2 * hits / (table.sum(0) + table.sum(1)).clamp(min=1)
    return dict(accuracy=(hits.sum() / table.sum()).item(), precision=precision.mean().item(), recall=recall.mean().item(),
            f1=f1.mean().item())


def metrics_sets(y_true, y_pred, n_classes):
    scores = {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    for c in range(n_classes):
        true, found = ({i for i, y in enumerate(ys) if y == c} for ys in (y_true, y_pred))
        both = len(true & found)
        scores["precision"] += both / max(len(found), 1) / n_classes
        scores["recall"] += both / max(len(true), 1) / n_classes
        scores["f1"] += 2 * both / max(len(true) + len(found), 1) / n_classes
    return {**scores, "accuracy": sum(map(int.__eq__, y_true, y_pred)) / len(y_true)}


def metrics_numpy(y_true, y_pred, n_classes):
    import numpy as np
    true, pred = np.array(y_true), np.array(y_pred)
    onehot = np.eye(n_classes)
    tp = (onehot[true] * onehot[pred]).sum(0)
    fp, fn = onehot[pred].sum(0) - tp, onehot[true].sum(0) - tp
    safe = lambda a, b: np.divide(a, b, out=np.zeros_like(a), where=b > 0)
    return {"accuracy": (true == pred).mean(), "precision": safe(tp, tp + fp).mean(), "recall": safe(tp, tp + fn).mean(),
            "f1": safe(2 * tp, 2 * tp + fp + fn).mean()}


def metrics_counts(y_true, y_pred, n_classes):
    tp, fp, fn = [0] * n_classes, [0] * n_classes, [0] * n_classes
    for t, p in zip(y_true, y_pred):
        if t == p:
            tp[t] += 1
        else:
            fp[p] += 1
            fn[t] += 1
    def ratio(a, b):
        try:
            return a / b
        except ZeroDivisionError:
            return 0
    P, R = [ratio(a, a + b) for a, b in zip(tp, fp)], [ratio(a, a + b) for a, b in zip(tp, fn)]
    return {"f1": sum(ratio(2 * p * r, p + r) for p, r in zip(P, R)) / n_classes, "recall": sum(R) / n_classes,
            "precision": sum(P) / n_classes, "accuracy": sum(tp) / len(y_true), "support": len(y_true)}


def metrics_torch(y_true, y_pred, n_classes):
    true, pred = torch.tensor(y_true), torch.tensor(y_pred)
    p, r = [], []
    for c in range(n_classes):
        both = ((true == c) & (pred == c)).sum()
        p.append(both / (pred == c).sum())
        r.append(both / (true == c).sum())
    p, r = torch.stack(p).nan_to_num(0.0), torch.stack(r).nan_to_num(0.0)
    f1 = torch.nan_to_num(2 * p * r / (p + r))
    return {"accuracy": (true == pred).double().mean(), "precision": p.mean(), "recall": r.mean(), "f1": f1.mean()}


def _metrics_cases(draw: Draw) -> list[Case]:
    def noisy(n, k, bias):           # imbalanced classes, predictions right about half the time
        true = [min(int(x * x * k), k - 1) for x in draw.floats(n)]
        keep = draw.floats(n)
        return true, [t if keep[i] > bias else draw.int(0, k) for i, t in enumerate(true)], k

    absent = L(zh="缺席的类", en="absent classes")
    return [
        Case(L(zh="2 类，5 个样本", en="2 classes, 5 examples"), ([0, 0, 0, 1, 1], [0, 0, 1, 1, 0], 2)),
        Case(L(zh="3 类，不均衡", en="3 imbalanced classes"), ([0, 0, 0, 0, 0, 1, 1, 2], [0, 0, 0, 1, 2, 1, 0, 2], 3)),
        Case(L(zh="随机的 40 个样本，4 类", en="40 random examples, 4 classes"), noisy(40, 4, 0.5)),
        Case(L(zh="随机的 60 个样本，3 类", en="60 random examples, 3 classes"), noisy(60, 3, 0.4)),
        Case(L(zh="有一类从没被预测", en="a class that is never predicted"), ([0, 1, 2, 2, 1, 0], [0, 1, 1, 1, 1, 1], 3), absent),
        Case(L(zh="有一类从没出现", en="a class that never occurs"), ([0, 0, 2, 2, 2], [0, 1, 2, 1, 0], 3), absent),
        Case(L(zh="有两类完全缺席", en="two classes entirely absent"), ([0, 0, 1, 1, 1], [0, 1, 1, 1, 0], 4), absent),
        Case(L(zh="全对", en="all right"), ([2, 0, 1, 2], [2, 0, 1, 2], 3)),
        Case(L(zh="全错", en="all wrong"), ([0, 1, 1, 0], [1, 0, 0, 1], 2), L(zh="一个都没对的情形", en="the case of no hit at all")),
        Case(L(zh="1 个样本", en="one example"), ([1], [1], 2), absent),
    ]


_PR = L(zh="精确率的分母是“预测为 c 的个数”，召回率的分母是“真是 c 的个数”。", en="Precision divides by how many were predicted c, recall by how many are c.")
_MACRO = L(zh="宏平均：先对每个类算，再对 n_classes 个类平均，每个类一样重。",
        en="Macro: one value per class first, then the mean over n_classes, each class weighing the same.")
_ZERO = L(zh="没有被预测或没有出现的类，分母是 0，按 0 算。", en="A class that is never predicted or never occurs has denominator 0 and counts as 0.")

METRICS = Exercise(
    id="finetune.metrics", title=L(zh="准确率、精确率、召回率、F1", en="Accuracy, precision, recall, F1"), reference=classification_metrics,
    returns=Dict((("accuracy", Scalar), ("precision", Scalar), ("recall", Scalar), ("f1", Scalar))), cases=_metrics_cases,
    hints=(
        L(zh="对每个类 c 数三个数：预测为 c 的、真是 c 的、两者都是的。", en="Count three things for every class c: predicted c, actually c, and both."),
        L(zh="精确率 = 两者都是 / 预测为 c；召回率 = 两者都是 / 真是 c；F1 = 2PR/(P+R)。分母是 0 时取 0。",
                en="Precision = both / predicted c; recall = both / actually c; F1 = 2PR/(P+R). Where a denominator is 0 take 0."),
        L(zh="宏平均对全部 n_classes 个类取，缺席的类也算一份；F1 先逐类算再平均。",
                en="The macro mean runs over all n_classes, absent ones included; F1 is computed per class, then averaged."),
    ),
    mistakes=(
        Mistake("pr-swapped", L(zh="精确率和召回率颠倒", en="precision and recall are exchanged"), _PR,
                ("predicted, actual = y_pred.count(c), y_true.count(c)",
                "actual, predicted = y_pred.count(c), y_true.count(c)"), skill="formula"),
        Mistake("f1-arith", L(zh="F1 用了算术平均", en="F1 is the arithmetic mean of P and R"),
                L(zh="F1 是调和平均：2PR/(P+R)。", en="F1 is the harmonic mean: 2PR/(P+R)."),
                ("2 * p * r / (p + r) if p + r else 0.0",
                "(p + r) / 2"), skill="formula"),
        Mistake("micro-for-macro", L(zh="用了微平均（等于准确率）",
                en="the micro average is taken, which equals accuracy"), _MACRO,
                ('"precision": mean(precisions), "recall": mean(recalls), "f1": mean(f1s)',
                '"precision": accuracy, "recall": accuracy, "f1": accuracy'), skill="count", hint=3),
        Mistake("f1-of-macro", L(zh="先平均 P、R，再算一个 F1", en="F1 is computed from the averaged P and R"),
                L(zh="F1 要逐类算，再平均。", en="F1 is computed per class, then averaged."),
                ('"f1": mean(f1s)',
                        '"f1": 2 * mean(precisions) * mean(recalls) / (mean(precisions) + mean(recalls) or 1)'),
                skill="count", hint=3,
                also=((('"f1": mean(f1s)',
                '"f1": 2 * mean(precisions) * mean(recalls) / (mean(precisions) + mean(recalls))'),),)),
        Mistake("weighted", L(zh="按样本数加权平均", en="classes are weighed by their number of examples"), _MACRO,
                program=lambda y_true, y_pred, n_classes: _averaged(y_true, y_pred, n_classes,
                        lambda c: y_true.count(c)), convention=True, skill="count", hint=3),
        Mistake("skips-absent", L(zh="没出现也没预测的类没有算进平均",
                en="classes that neither occur nor are predicted are left out of the mean"), _MACRO,
                program=lambda y_true, y_pred, n_classes: _averaged(y_true, y_pred, n_classes,
                        lambda c: c in y_true or c in y_pred), skill="edge", hint=3),
        Mistake("only-true-classes", L(zh="只对真实出现过的类平均",
                en="the mean runs only over classes that occur in y_true"), _MACRO,
                program=lambda y_true, y_pred, n_classes: _averaged(y_true, y_pred, n_classes,
                        lambda c: c in y_true), skill="edge", hint=3),
        Mistake("only-predicted-classes", L(zh="只对预测过的类平均",
                en="the mean runs only over classes that were predicted"), _MACRO,
                program=lambda y_true, y_pred, n_classes: _averaged(y_true, y_pred, n_classes,
                        lambda c: c in y_pred), skill="edge", hint=3),
        Mistake("zero-div", L(zh="分母为 0 时报错", en="it divides by zero"), _ZERO,
                ("hits / predicted if predicted else 0.0", "hits / predicted"), ("hits / actual if actual else 0.0",
                "hits / actual"), ("2 * p * r / (p + r) if p + r else 0.0", "2 * p * r / (p + r)"), skill="edge",
                also=((("hits / predicted if predicted else 0.0", "hits / predicted"),),
                (("hits / actual if actual else 0.0", "hits / actual"),),
                      (("2 * p * r / (p + r) if p + r else 0.0", "2 * p * r / (p + r)"),))),
        Mistake("zero-as-one", L(zh="分母为 0 时取了 1", en="a denominator of 0 counts as 1.0"), _ZERO,
                ("if predicted else 0.0", "if predicted else 1.0"), ("if actual else 0.0", "if actual else 1.0"),
                skill="edge",
                also=((("if predicted else 0.0", "if predicted else 1.0"),),
                (("if actual else 0.0", "if actual else 1.0"),))),
        Mistake("tn-counted", L(zh="把“都不是 c”的也算成了命中",
                en="examples that neither are nor were predicted c count as hits"),
                L(zh="命中只数两者都是 c 的。", en="A hit is both c."), ("pairs.count((c, c))",
                "sum((t == c) == (p == c) for t, p in pairs)"), skill="count", hint=1),
        Mistake("classes-from-labels", L(zh="类别数取自标签，没有用 n_classes",
                en="the classes are those of the labels; n_classes is not used"),
                _MACRO,
                ("    pairs = list(", "    n_classes = max(y_true) + 1\n    pairs = list("), skill="edge", hint=3,
                also=((("    pairs = list(", "    n_classes = len(set(y_true))\n    pairs = list("),),
                      (("    pairs = list(", "    n_classes = len(set(y_true + y_pred))\n    pairs = list("),),
                      (("    pairs = list(", "    n_classes = max(y_true + y_pred) + 1\n    pairs = list("),))),
        Mistake("binary-only", L(zh="只算了类 1，没有对所有类平均", en="only class 1 is scored"), _MACRO,
                program=lambda y_true, y_pred, n_classes: _averaged(y_true, y_pred, n_classes, lambda c: c == 1),
                skill="count", hint=3),
        Mistake("f1-no-two", L(zh="F1 少了因子 2", en="F1 lacks its factor 2"),
                L(zh="F1 = 2PR/(P+R)。", en="F1 = 2PR/(P+R)."),
                ("2 * p * r", "p * r"), skill="formula"),
        Mistake("percent", L(zh="返回的是百分数", en="percentages are returned"),
                L(zh="题目要 0 到 1 之间的数。", en="The task asks for numbers between 0 and 1."),
                ("return {\"accuracy\": accuracy, ",
                "return {\"accuracy\": accuracy * 100, "), ("sum(values) / n_classes",
                "sum(values) / n_classes * 100"), convention=True,
                        skill="scale", hint=1),
        Mistake("last-class-only", L(zh="只返回了最后一个类的分数，没有对类平均",
                en="the scores of the last class are returned, not the mean over the classes"), _MACRO,
                ("sum(values) / n_classes", "values[-1]"), skill="count", hint=3),
        Mistake("first-class-only", L(zh="只算了类 0，没有对类平均", en="only class 0 is scored"), _MACRO,
                ("sum(values) / n_classes", "values[0]"), skill="count", hint=3),
        Mistake("acc-mean-recall", L(zh="准确率用了各类召回率的平均", en="accuracy is the mean of the recalls"),
                L(zh="准确率是全部样本里答对的比例，不分类。",
                en="Accuracy is the share of all examples that are right, whatever their class."),
                ('"accuracy": accuracy', '"accuracy": mean(recalls)'), skill="count", hint=1),
        Mistake("acc-as-f1", L(zh="F1 返回的是准确率", en="F1 is the accuracy"),
                L(zh="F1 要逐类算，再平均。", en="F1 is computed per class, then averaged."),
                ('"f1": mean(f1s)', '"f1": accuracy'), skill="count", hint=3),
        Mistake("acc-per-class", L(zh="准确率把“都不是 c”的也算对，再对类平均",
                en="accuracy counts examples that are neither c nor predicted c as right, averaged over the classes"),
                L(zh="准确率是全部样本里答对的比例，不分类。",
                en="Accuracy is the share of all examples that are right, whatever their class."),
                ("accuracy = sum(t == p for t, p in pairs) / len(pairs)",
                 "accuracy = sum((t == c) == (p == c) for t, p in pairs for c in range(n_classes)) / len(pairs) / n_classes"), skill="count", hint=1),
        Mistake("f1-jaccard", L(zh="F1 除以了并集的大小（Jaccard）",
                en="F1 is divided by the size of the union, as in Jaccard"),
                L(zh="F1 = 2PR/(P+R)。", en="F1 = 2PR/(P+R)."), ("2 * p * r / (p + r) if p + r else 0.0",
                "hits / (predicted + actual - hits) if predicted + actual else 0.0"), skill="formula"),
        Mistake("f1-geometric", L(zh="F1 用了几何平均", en="F1 is the geometric mean of P and R"),
                L(zh="F1 是调和平均：2PR/(P+R)。", en="F1 is the harmonic mean: 2PR/(P+R)."),
                ("2 * p * r / (p + r) if p + r else 0.0",
                "(p * r) ** 0.5"), skill="formula"),
        Mistake("f1-min", L(zh="F1 取了 P 和 R 里较小的", en="F1 is the smaller of P and R"),
                L(zh="F1 是调和平均：2PR/(P+R)。", en="F1 is the harmonic mean: 2PR/(P+R)."),
                ("2 * p * r / (p + r) if p + r else 0.0",
                "min(p, r)"), skill="formula"),
        Mistake("pr-over-all", L(zh="精确率和召回率都除以了样本总数",
                en="precision and recall are both divided by the number of examples"), _PR,
                ("hits / predicted if predicted else 0.0", "hits / len(pairs)"),
                ("hits / actual if actual else 0.0", "hits / len(pairs)"), skill="count"),
        Mistake("precision-twice", L(zh="召回率也除以了“预测为 c 的个数”",
                en="recall is divided by how many were predicted c, too"), _PR,
                ("hits / actual if actual else 0.0", "hits / predicted if predicted else 0.0"), skill="formula"),
        Mistake("recall-twice", L(zh="精确率也除以了“真是 c 的个数”",
                en="precision is divided by how many are c, too"), _PR,
                ("hits / predicted if predicted else 0.0", "hits / actual if actual else 0.0"), skill="formula"),
        Mistake("macro-sum", L(zh="对各类求了和，没有除以类数", en="the classes are summed, not averaged"), _MACRO,
                ("sum(values) / n_classes", "sum(values)"), skill="count", hint=3),
        Mistake("errors-counted", L(zh="准确率数的是答错的", en="accuracy counts what is wrong"),
                L(zh="准确率是答对的比例。", en="Accuracy is the share that is right."),
                ("sum(t == p for", "sum(t != p for"), skill="formula", hint=1),
        Mistake("zeros-left-out", L(zh="得 0 分的类没有算进平均",
                en="classes with a score of 0 are left out of the mean"), _MACRO,
                ("sum(values) / n_classes", "sum(values) / max(sum(v > 0 for v in values), 1)"), skill="edge",
                hint=3),
        Mistake("recall-specificity", L(zh="召回率算成了特异度：都不是 c 的里答对了多少",
                en="recall is the specificity: how many of those that are not c were predicted so"), _PR,
                ("r = hits / actual if actual else 0.0",
                "r = sum(t != c and p != c for t, p in pairs) / (len(pairs) - actual) if len(pairs) > actual else 0.0"),
                skill="formula"),
        Mistake("zero-nan", L(zh="分母为 0 时给了 nan", en="a denominator of 0 gives nan"), _ZERO,
                ("if predicted else 0.0", "if predicted else math.nan"),
                ("if actual else 0.0", "if actual else math.nan"), skill="edge",
                also=((("if predicted else 0.0", "if predicted else math.nan"),),)),
        Mistake("acc-over-classes", L(zh="准确率除以了类数", en="accuracy is divided by the number of classes"),
                L(zh="准确率是全部样本里答对的比例。", en="Accuracy is the share of all examples that are right."),
                ("for t, p in pairs) / len(pairs)", "for t, p in pairs) / n_classes"), skill="count", hint=1),
    ),
    alternatives=(metrics_confusion, metrics_sets, metrics_numpy, metrics_counts, metrics_torch),
    think=L(zh="99% 的样本是一类时，准确率 99% 说明了什么？", en="If 99% of the examples are one class, what does an accuracy of 99% say?"),
)


def _averaged(y_true, y_pred, n_classes, weight):
    """Metrics with a weighted mean over the classes."""
    def positive(c, name):
        hits = sum(t == p == c for t, p in zip(y_true, y_pred))
        p, r = (hits / ys.count(c) if ys.count(c) else 0.0 for ys in (y_pred, y_true))
        return {"precision": p, "recall": r, "f1": 2 * p * r / (p + r) if p + r else 0.0}[name]
    total = sum(weight(c) for c in range(n_classes)) or 1
    return {"accuracy": sum(t == p for t, p in zip(y_true, y_pred)) / len(y_true),
            **{name: sum(weight(c) * positive(c, name) for c in range(n_classes)) / total for name in ("precision", "recall", "f1")}}


EXERCISES = (POOL, LORA, LORA_MERGE, WARMUP, EARLY, METRICS)
