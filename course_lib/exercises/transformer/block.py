"""transformer.block: the pre-norm block."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake, Once

__all__ = ["EXERCISE"]


def block(x, attn, ffn, norm1, norm2):
    """A pre-norm transformer block.

    x: [B, T, D]; attn, ffn, norm1, norm2: callables [B, T, D] -> [B, T, D], each called exactly once. Attention first, with norm1, then the
    feed-forward network, with norm2: each reads the normalised stream, and its output is added to the stream itself. Returns [B, T, D];
    nothing after the last sum; x is not modified; differentiable.
    """
    x = x + attn(norm1(x))
    return x + ffn(norm2(x))


def block_named(x, attn, ffn, norm1, norm2):
    read = norm1(x)
    after_attention = torch.add(x, attn(read))
    written = ffn(norm2(after_attention))
    return after_attention.add(written)


def block_loop(x, attn, ffn, norm1, norm2):
    for norm, sublayer in ((norm1, attn), (norm2, ffn)):
        x = sublayer(norm(x)) + x
    return x


def block_clone(x, attn, ffn, norm1, norm2):
    stream = x.clone()
    stream = stream + attn(norm1(stream))
    stream = stream + ffn(norm2(stream))
    return stream


def block_nested(x, attn, ffn, norm1, norm2):
    def residual(stream, norm, sublayer):
        return sum([sublayer(norm(stream)), stream])

    return residual(residual(x, norm1, attn), norm2, ffn)


def block_stacked(x, attn, ffn, norm1, norm2):
    middle = torch.stack([x, attn(norm1(x))]).sum(0)
    return torch.stack([middle, ffn(norm2(middle))]).sum(dim=0)


def block_differences(x, attn, ffn, norm1, norm2):
    """What each sublayer writes, added up at the end."""
    written = [attn(norm1(x))]
    written.append(ffn(norm2(x + written[0])))
    return x + (written[0] + written[1])


def _block_cases(draw: Draw) -> list[Case]:
    def parts(D):
        """Four callables of which no two commute and none is linear throughout."""
        mix, up, down = draw.normal(D, D, scale=D ** -0.5), draw.normal(2 * D, D, scale=D ** -0.5), draw.normal(D, 2 * D, scale=D ** -0.5)
        shift, scale = draw.normal(D), draw.normal(D) + 2.0
        before = lambda T: torch.ones(T, T).tril() / torch.arange(1, T + 1)[:, None]
        return (
            Once("attn", lambda h: before(h.shape[1]).to(h.dtype) @ h @ mix.to(h.dtype)),
            Once("ffn", lambda h: torch.tanh(h @ up.T.to(h.dtype) + 0.5) @ down.T.to(h.dtype)),
            Once("norm1", lambda h: (h - h.mean(-1, keepdim=True)) / (h.var(-1, keepdim=True, correction=0) + 0.1).sqrt() + shift.to(h.dtype)),
            Once("norm2", lambda h: h / (h.pow(2).mean(-1, keepdim=True) + 0.1).sqrt() * scale.to(h.dtype)),
        )

    small = Once("times_10", lambda h: 10 * h), Once("times_100", lambda h: 100 * h), Once("plus_1", lambda h: h + 1), Once("minus_1", lambda h: h - 1)
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([[[1.0, 2.0]]]), *small)),
        Case(L(zh="[2,5,4]", en="[2,5,4]"), (draw.normal(2, 5, 4, scale=2.0), *parts(4))),
        Case(L(zh="[3,2,6]", en="[3,2,6]"), (draw.normal(3, 2, 6, scale=0.5), *parts(6))),
        Case(L(zh="T=1", en="T=1"), (draw.normal(2, 1, 5), *parts(5))),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), (draw.normal(4, 2, 3).transpose(0, 1), *parts(3))),
        Case(L(zh="B=T=D=3", en="B=T=D=3"), (draw.normal(3, 3, 3), *parts(3))),
    ]


_RESIDUAL = L(zh="子层的输出加到残差流上：加的是没有归一化的 x。", en="A sublayer's output is added to the stream itself: to x, not to its normalised form.")
_NORM = L(zh="归一化在子层之前，只作用在子层读到的那一份上。", en="The norm comes before the sublayer and acts on what the sublayer reads alone.")
_ORDER = L(zh="先注意力（norm1），再前馈网络（norm2）；第二步从第一步的结果出发。", en="Attention first (norm1), then the feed-forward network (norm2), which starts from the first step's result.")
_FIRST, _SECOND = "x + attn(norm1(x))", "x + ffn(norm2(x))"

EXERCISE = Exercise(
    id="transformer.block", title=L(zh="Transformer 块", en="The transformer block"), reference=block, returns=Array("B T D"), cases=_block_cases,
    gradients=(0,), differentiable=True,
    hints=(
        L(zh="两步，形式一样：x 加上 子层(归一化(x))。", en="Two steps of one form: x plus sublayer(norm(x))."),
        L(zh="第一步是 attn 和 norm1，第二步是 ffn 和 norm2。第二步里的 x 是第一步的结果。", en="The first step takes attn and norm1, the second ffn and norm2. In the second, x is the result of the first."),
        L(zh="用 `x = x + …` 得到新的张量；`x += …` 会改动调用者的 x。每个函数只调用一次。", en="`x = x + ...` makes a new tensor; `x += ...` changes the caller's x. Call each function once."),
    ),
    mistakes=(
        Mistake("block-post-norm", L(zh="归一化放在了相加之后（post-norm，最早的 Transformer）", en="the norm comes after the sum: post-norm, as in the first transformer"), _NORM,
                (_FIRST, "norm1(x + attn(x))"), (_SECOND, "norm2(x + ffn(x))"), convention=True, skill="formula", hint=1),
        Mistake("block-no-residual", L(zh="两步都没有残差连接", en="there is no residual connection in either step"), _RESIDUAL, (_FIRST, "attn(norm1(x))"), (_SECOND, "ffn(norm2(x))"),
                skill="formula", hint=1),
        Mistake("block-no-first-residual", L(zh="注意力那一步没有残差连接", en="the attention step has no residual connection"), _RESIDUAL, (_FIRST, "attn(norm1(x))"), skill="formula", hint=1),
        Mistake("block-no-second-residual", L(zh="前馈那一步没有残差连接", en="the feed-forward step has no residual connection"), _RESIDUAL, (_SECOND, "ffn(norm2(x))"), skill="formula", hint=1),
        Mistake("block-normed-residual", L(zh="残差加在了归一化后的 x 上", en="outputs are added to the normalised stream"), _RESIDUAL,
                ("x = x + attn(norm1(x))", "x = norm1(x)\n    x = x + attn(x)"), ("return x + ffn(norm2(x))", "x = norm2(x)\n    return x + ffn(x)"), skill="formula",
                also=((("x = x + attn(norm1(x))", "x = norm1(x)\n    x = x + attn(x)"),), (("return x + ffn(norm2(x))", "x = norm2(x)\n    return x + ffn(x)"),))),
        Mistake("block-parallel", L(zh="前馈网络读的是块的输入，没有看到注意力的结果（并行的块）", en="the feed-forward network reads the block's input, not attention's result: a parallel block"), _ORDER,
                ("    x = x + attn(norm1(x))\n    return x + ffn(norm2(x))", "    return x + attn(norm1(x)) + ffn(norm2(x))"), convention=True, skill="shift"),
        Mistake("block-first-input-added", L(zh="第二步加回的是块的输入，注意力的输出丢了", en="the second step adds to the block's input, so that attention's output is lost"), _ORDER,
                ("    x = x + attn(norm1(x))\n    return x + ffn(norm2(x))", "    h = x + attn(norm1(x))\n    return x + ffn(norm2(h))"), skill="shift"),
        Mistake("block-input-twice", L(zh="块的输入在最后又加了一次", en="the block's input is added once more at the end"), _RESIDUAL,
                ("    x = x + attn(norm1(x))\n    return x + ffn(norm2(x))", "    h = x + attn(norm1(x))\n    return x + h + ffn(norm2(h))"), skill="shift"),
        Mistake("block-ffn-first", L(zh="先做了前馈网络", en="the feed-forward network comes first"), _ORDER, (_FIRST, "x + ffn(norm2(x))"), ("return x + ffn(norm2(x))", "return x + attn(norm1(x))"), skill="rank"),
        Mistake("block-norms-swapped", L(zh="norm1 和 norm2 用反了", en="norm1 and norm2 are exchanged"), _ORDER, ("attn(norm1(x))", "attn(norm2(x))"), ("ffn(norm2(x))", "ffn(norm1(x))"), skill="rank"),
        Mistake("block-sublayers-swapped", L(zh="attn 和 ffn 用反了", en="attn and ffn are exchanged"), _ORDER, ("attn(norm1(x))", "ffn(norm1(x))"), ("ffn(norm2(x))", "attn(norm2(x))"), skill="rank"),
        Mistake("block-no-norm", L(zh="没有归一化", en="there is no norm"), _NORM, ("attn(norm1(x))", "attn(x)"), ("ffn(norm2(x))", "ffn(x)"), skill="formula", hint=1),
        Mistake("block-no-norm1", L(zh="注意力读的没有归一化", en="attention reads the stream without norm1"), _NORM, ("attn(norm1(x))", "attn(x)"), skill="formula", hint=1),
        Mistake("block-no-norm2", L(zh="前馈网络读的没有归一化", en="the feed-forward network reads the stream without norm2"), _NORM, ("ffn(norm2(x))", "ffn(x)"), skill="formula", hint=1),
        Mistake("block-norm-of-output", L(zh="归一化作用在了子层的输出上", en="the norms act on the outputs of the sublayers"), _NORM, ("attn(norm1(x))", "norm1(attn(x))"), ("ffn(norm2(x))", "norm2(ffn(x))"), skill="formula"),
        Mistake("block-attention-only", L(zh="没有前馈网络", en="the feed-forward network is missing"), _ORDER, (_SECOND, "x"), skill="formula", hint=1),
        Mistake("block-ffn-only", L(zh="没有注意力", en="attention is missing"), _ORDER, (_FIRST, "x"), skill="formula", hint=1),
        Mistake("block-called-twice", L(zh="有一个函数被调用了两次", en="one of the four is called twice"), L(zh="把结果存进变量，用两次，不要算两次。", en="Keep the result in a variable and use it twice, instead of computing it twice."),
                ("return x + ffn(norm2(x))", "return x + ffn(norm2(x)) + 0 * norm2(x)"), skill="count", hint=3),
        Mistake("block-in-place", L(zh="`+=` 改动了 x", en="x is changed in place by `+=`"), L(zh="`x += …` 改的是调用者的张量。", en="`x += ...` changes the caller's tensor."),
                ("x = x + attn(norm1(x))", "x += attn(norm1(x))"), skill="alias", hint=3),
    ),
    alternatives=(block_named, block_loop, block_clone, block_nested, block_stacked, block_differences),
    think=L(zh="如果 attn 和 ffn 的输出都是 0，块输出什么？这对很深的模型有什么好处？", en="What does the block return where attn and ffn give zeros? How does that help a very deep model?"),
)
