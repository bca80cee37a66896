"""transformer.swiglu: the gated feed-forward network of Llama."""
from __future__ import annotations

import torch
import torch.nn.functional as F

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def swiglu(x, W_gate, W_up, W_down):
    """The gated feed-forward network of Llama (Shazeer 2020).

    x: [..., D]; W_gate, W_up: [F, D]; W_down: [D, F]; each is applied as x @ W.T, without biases. SiLU(z) = z * sigmoid(z) acts on the gate
    alone; its product with the up projection goes down. Returns [..., D]; finite for gates of +-1000; differentiable.
    """
    gate = x @ W_gate.T                                      # (..., F)
    up = x @ W_up.T                                          # (..., F)
    hidden = gate * torch.sigmoid(gate) * up
    return hidden @ W_down.T                                 # (..., D)


def swiglu_functional(x, W_gate, W_up, W_down):
    return F.linear(F.silu(F.linear(x, W_gate)) * F.linear(x, W_up), W_down)


def swiglu_einsum(x, W_gate, W_up, W_down):
    gate, up = (torch.einsum("...d,fd->...f", x, W) for W in (W_gate, W_up))
    return torch.einsum("df,...f->...d", W_down, F.silu(gate).mul(up))


def swiglu_one_matmul(x, W_gate, W_up, W_down):
    """Gate and up in one multiplication, as fast kernels do it."""
    gate, up = (x @ torch.cat([W_gate, W_up]).T).chunk(2, dim=-1)
    return (gate / (1 + torch.exp(-gate.clamp(min=-80))) * up) @ W_down.mT


def swiglu_glu(x, W_gate, W_up, W_down):
    """F.glu multiplies its first half by the sigmoid of its second."""
    gate, up = x.matmul(W_gate.t()), x.matmul(W_up.t())
    return torch.matmul(F.glu(torch.cat([gate * up, gate], dim=-1), dim=-1), W_down.t())


def swiglu_units(x, W_gate, W_up, W_down):
    """One hidden unit after the other."""
    out = torch.zeros_like(x)
    for gate_row, up_row, down_column in zip(W_gate, W_up, W_down.unbind(1)):
        gate = (x * gate_row).sum(-1, keepdim=True)
        out = out + 0.5 * gate * (1 + torch.tanh(gate / 2)) * (x * up_row).sum(-1, keepdim=True) * down_column
    return out


def swiglu_modules(x, W_gate, W_up, W_down):
    silu = torch.nn.SiLU()
    flat = x.reshape(-1, x.shape[-1]).T                      # (D, N)
    return (W_down @ (silu(W_gate @ flat) * (W_up @ flat))).T.reshape(*x.shape[:-1], W_down.shape[0])


def _swiglu_cases(draw: Draw) -> list[Case]:
    def ffn(D, F):
        return draw.normal(F, D, scale=D ** -0.5), draw.normal(F, D, scale=D ** -0.5), draw.normal(D, F, scale=F ** -0.5)

    wide = torch.tensor([[1000.0, 1.0], [-1000.0, 2.0], [0.0, 0.5]])
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0], [-1.0]]))),
        Case(L(zh="D=4，F=6", en="D=4, F=6"), (draw.normal(2, 5, 4, scale=2.0), *ffn(4, 6))),
        Case(L(zh="D=5，F=3", en="D=5, F=3"), (draw.normal(3, 5, scale=2.0), *ffn(5, 3))),
        Case(L(zh="方阵 D=F=4", en="square, D=F=4"), (draw.normal(2, 3, 4, scale=2.0), *ffn(4, 4))),
        Case(L(zh="只有一个位置 [D]", en="one position [D]"), (draw.normal(6, scale=2.0), *ffn(6, 8))),
        Case(L(zh="四个轴，非连续内存", en="four axes, a non-contiguous layout"), (draw.normal(2, 4, 3, 5, scale=2.0).transpose(1, 2), *ffn(5, 7))),
        Case(L(zh="门控值 ±1000", en="gates of +-1000"), (wide, torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0], [-0.5]])),
             L(zh="很大的门控值", en="very large gates")),
        Case(L(zh="全是 0", en="all zeros"), (torch.zeros(2, 4), *ffn(4, 6))),
    ]


_GATE = L(zh="SiLU(z) = z · sigmoid(z)，只作用在门上。", en="SiLU(z) = z · sigmoid(z), and it acts on the gate alone.")
_PRODUCT = L(zh="门和上投影逐个相乘，再下投影。", en="Gate and up projection are multiplied element by element; the product goes down.")
_SILU = "gate * torch.sigmoid(gate)"

EXERCISE = Exercise(
    id="transformer.swiglu", title=L(zh="门控前馈网络 SwiGLU", en="The gated feed-forward network (SwiGLU)"), reference=swiglu, returns=Array("... D"),
    cases=_swiglu_cases, gradients=(0, 1, 2, 3), differentiable=True,
    hints=(
        L(zh="x 走两条路：`x @ W_gate.T` 和 `x @ W_up.T`，形状都是 [..., F]。", en="x takes two ways: `x @ W_gate.T` and `x @ W_up.T`, both of shape [..., F]."),
        L(zh="只有门要过 SiLU：门乘它自己的 sigmoid。然后两条路逐个相乘。", en="The gate alone goes through SiLU: it is multiplied by its own sigmoid. Then the two ways are multiplied element by element."),
        L(zh="乘积再 `@ W_down.T`，回到 [..., D]。", en="The product `@ W_down.T` is back at [..., D]."),
    ),
    mistakes=(
        Mistake("swiglu-swapped", L(zh="门和上投影颠倒了：SiLU 作用在了 W_up 那一路", en="gate and up are exchanged: SiLU acts on the way of W_up"), _GATE, (_SILU + " * up", "up * torch.sigmoid(up) * gate"),
                skill="formula"),
        Mistake("swiglu-sigmoid", L(zh="门只过了 sigmoid，没有再乘门（那是 GLU）", en="the gate is its sigmoid alone, as in GLU"), _GATE, (_SILU, "torch.sigmoid(gate)"), skill="formula"),
        Mistake("swiglu-gelu", L(zh="用了 GELU，成了 GeGLU", en="GELU takes the place of SiLU, which makes it GeGLU"), _GATE, (_SILU, "torch.nn.functional.gelu(gate)"), skill="formula",
                also=(((_SILU, "torch.nn.functional.gelu(gate, approximate=\"tanh\")"),), ((_SILU, "gate * torch.sigmoid(1.702 * gate)"),))),
        Mistake("swiglu-relu", L(zh="用了 ReLU，成了 ReGLU", en="ReLU takes the place of SiLU, which makes it ReGLU"), _GATE, (_SILU, "torch.relu(gate)"), skill="formula"),
        Mistake("swiglu-tanh", L(zh="用了 tanh", en="tanh takes the place of the sigmoid"), _GATE, ("torch.sigmoid(gate)", "torch.tanh(gate)"), skill="formula",
                also=(((_SILU, "torch.tanh(gate)"),),)),
        Mistake("swiglu-softmax", L(zh="用了 softmax 而不是 sigmoid", en="softmax takes the place of the sigmoid"), _GATE, ("torch.sigmoid(gate)", "torch.softmax(gate, dim=-1)"), skill="formula"),
        Mistake("swiglu-no-activation", L(zh="门没有过激活函数", en="the gate has no activation function"), _GATE, (_SILU, "gate"), skill="formula"),
        Mistake("swiglu-both", L(zh="两条路都过了 SiLU", en="SiLU acts on both ways"), _GATE, ("up = x @ W_up.T", "up = torch.nn.functional.silu(x @ W_up.T)"), skill="formula"),
        Mistake("swiglu-after-product", L(zh="先相乘，再过 SiLU", en="SiLU acts on the product, not on the gate"), _GATE, (_SILU + " * up", "torch.nn.functional.silu(gate * up)"), skill="formula"),
        Mistake("swiglu-no-up", L(zh="没有用上投影", en="the up projection is not used"), _PRODUCT, (" * up", ""), skill="formula", hint=1),
        Mistake("swiglu-sum", L(zh="两条路相加，而不是相乘", en="the two ways are added, not multiplied"), _PRODUCT, (" * up", " + up"), skill="formula"),
        Mistake("swiglu-same-weights", L(zh="两条路都用了 W_gate", en="both ways use W_gate"), _PRODUCT, ("x @ W_up.T", "x @ W_gate.T"), skill="formula", hint=1,
                also=((("x @ W_gate.T", "x @ W_up.T"),),)),
        Mistake("swiglu-no-down", L(zh="没有下投影", en="the product does not go down"), _PRODUCT, ("hidden @ W_down.T", "hidden"), skill="formula", hint=3),
        Mistake("swiglu-residual", L(zh="把 x 又加了上去", en="x is added to the result"), L(zh="残差连接不在这里，在外面。", en="The residual connection is not in here; it is outside."),
                ("hidden @ W_down.T", "x + hidden @ W_down.T"), skill="formula", hint=3),
        Mistake("swiglu-silu-down", L(zh="下投影之后又过了一次 SiLU", en="SiLU acts once more after the down projection"), _GATE, ("return hidden @ W_down.T", "return torch.nn.functional.silu(hidden @ W_down.T)"),
                skill="formula", hint=3),
        Mistake("swiglu-overflow", L(zh="SiLU 用 exp(z)/(1+exp(z)) 来算，大的门控值溢出成 nan", en="the sigmoid is exp(z) / (1 + exp(z)), which overflows to nan for large gates"),
                L(zh="exp(1000) 是 inf，inf/inf 是 nan。", en="exp(1000) is inf, and inf/inf is nan."), ("torch.sigmoid(gate)", "(torch.exp(gate) / (1 + torch.exp(gate)))"),
                skill="stability"),
        Mistake("swiglu-clamped", L(zh="门控值被截断了", en="the gate is clamped"), L(zh="sigmoid 不怕大数，不必截断。", en="The sigmoid stands large numbers; there is nothing to clamp."),
                ("gate = x @ W_gate.T", "gate = (x @ W_gate.T).clamp(-50, 50)"), skill="stability", also=tuple(
                    (("gate = x @ W_gate.T", f"gate = (x @ W_gate.T).clamp(-{top}, {top})"),) for top in (10, 20, 30, 80, 88, 100))),
    ),
    alternatives=(swiglu_functional, swiglu_einsum, swiglu_one_matmul, swiglu_glu, swiglu_units, swiglu_modules),
    think=L(zh="门控比普通的前馈网络多一个矩阵。要参数一样多，F 该取多大？", en="The gated network has one matrix more than a plain one. How large should F be for as many parameters?"),
)
