"""transformer.rope: rotary position embeddings, half-split as in Llama."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def rope(x, offset=0, base=10000.0):
    """Turn the pairs (i, i + d/2) of every row by its position (Su et al. 2021; the half-split layout of Llama).

    x: [B, H, T, d]; row t stands at position offset + t. Pair i, from 0 to d/2 - 1, turns by position * base^(-2i/d): (1, 0) becomes
    (cos, sin). Returns the shape and dtype of x; angles in float32 or better; odd d raises ValueError; differentiable.

    Steps: check d; angles [T, d/2]; cut x into its two halves; turn them; put them together again.
    """
    d = x.shape[-1]
    if d % 2:
        raise ValueError("d must be even")
    position = offset + torch.arange(x.shape[-2])            # (T,)
    frequency = base ** (-torch.arange(0, d, 2) / d)         # (d/2,)
    angle = position[:, None] * frequency                    # (T, d/2)
    a, b = x.chunk(2, dim=-1)                                # (B, H, T, d/2) each
    turned = a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()
    return torch.cat(turned, dim=-1).to(x.dtype)


def rope_rotate_half(x, offset=0, base=10000.0):
    """As Llama's code has it: x * cos + rotate_half(x) * sin."""
    T, d = x.shape[-2:]
    if d % 2 != 0:
        raise ValueError(f"{d} is odd")
    inv_freq = 1.0 / base ** (torch.arange(0, d, 2, dtype=torch.float64) / d)
    angles = torch.outer(torch.arange(offset, offset + T, dtype=torch.float64), inv_freq)
    angles = torch.cat([angles, angles], dim=-1)
    rotated = torch.cat([-x[..., d // 2:], x[..., :d // 2]], dim=-1)
    return (x * angles.cos() + rotated * angles.sin()).to(x.dtype)


def rope_complex(x, offset=0, base=10000.0):
    d = x.size(-1)
    if d % 2 == 1:
        raise ValueError("odd")
    pairs = torch.complex(x[..., :d // 2].float(), x[..., d // 2:].float())
    theta = torch.tensor([[(offset + t) * base ** (-2 * i / d) for i in range(d // 2)] for t in range(x.size(-2))]).reshape(x.size(-2), d // 2)
    turned = pairs * torch.polar(torch.ones_like(theta), theta)
    return torch.cat([turned.real, turned.imag], -1).to(x.dtype)


def rope_loops(x, offset=0, base=10000.0):
    half, odd = divmod(x.shape[3], 2)
    if odd:
        raise ValueError
    columns = list(x.unbind(-1))
    for i in range(half):
        angle = (torch.arange(x.shape[2]) + offset).double() * math.exp(-math.log(base) * i / half)
        columns[i] = x[..., i] * angle.cos() - x[..., i + half] * angle.sin()
        columns[i + half] = x[..., i] * angle.sin() + x[..., i + half] * angle.cos()
    return torch.stack(columns, dim=-1).to(x.dtype)


def rope_matrices(x, offset=0, base=10000.0):
    """One 2 x 2 rotation for every position and pair."""
    B, H, T, d = x.shape
    if d & 1:
        raise ValueError("an even width is needed")
    angle = torch.arange(offset, offset + T)[:, None] / base ** (torch.arange(d // 2) / (d // 2))
    turn = torch.stack([torch.stack([angle.cos(), -angle.sin()], -1), torch.stack([angle.sin(), angle.cos()], -1)], -2)      # (T, d/2, 2, 2)
    pairs = x.float().reshape(B, H, T, 2, d // 2)
    return torch.einsum("tiab,zhtbi->zhtai", turn, pairs).reshape(B, H, T, d).to(x.dtype)


def rope_rows(x, offset=0, base=10000.0):
    """Row by row, with one large rotation matrix [d, d] each."""
    d = x.shape[-1]
    if d % 2:
        raise ValueError("d")
    rows = []
    for t in range(x.shape[-2]):
        angle = (offset + t) * torch.tensor(float(base), dtype=torch.float64) ** (-2 * torch.arange(d // 2, dtype=torch.float64) / d)
        c, s = torch.diag(angle.cos()), torch.diag(angle.sin())
        rows.append(x[..., t, :].double() @ torch.cat([torch.cat([c, -s], 1), torch.cat([s, c], 1)], 0).T)
    return torch.stack(rows, dim=-2).to(x.dtype)


def rope_interleaving(x, offset=0, base=10000.0):
    """The two halves side by side, rotation of neighbours, and back."""
    d = x.shape[-1]
    if d % 2:
        raise ValueError("d")
    pairs = torch.stack(x.float().tensor_split(2, dim=-1), dim=-1)       # (B, H, T, d/2, 2)
    angle = (offset + torch.arange(x.shape[-2]))[:, None] * torch.pow(base, -torch.arange(0.0, d, 2.0) / d)
    c, s = torch.cos(angle), torch.sin(angle)
    out = torch.stack([pairs[..., 0] * c - pairs[..., 1] * s, pairs[..., 0] * s + pairs[..., 1] * c], dim=-2)
    return out.flatten(-2).to(x.dtype)


def _rope_cases(draw: Draw) -> list[Case]:
    shifted, odd = L(zh="offset", en="offset"), L(zh="d 是奇数", en="an odd d")
    half = torch.zeros(2, 3, 1, 4)
    half[..., 1] = torch.tensor([[1.0, -2.0, 4.0], [0.5, 0.0, 0.0]])[..., None]
    half[..., 3] = torch.tensor([[0.0, 0.0, 0.0], [0.0, 2.0, -1.0]])[..., None]
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([[[[1.0, 0.0, 0.0, 1.0]]]]), 1, 100.0), shifted),
        Case(L(zh="各轴大小都不同", en="all sizes different"), (draw.normal(2, 3, 5, 8),)),
        Case(L(zh="d=2", en="d=2"), (draw.normal(1, 2, 4, 2),)),
        Case(L(zh="d=6，offset=3", en="d=6, offset=3"), (draw.normal(2, 3, 4, 6), 3), shifted),
        Case(L(zh="offset=300，T=1，像 KV 缓存里的一步", en="offset=300, T=1, as in one step with a KV cache"), (draw.normal(2, 4, 1, 6), 300), shifted),
        Case(L(zh="base=500", en="base=500"), (draw.normal(2, 2, 7, 10), 0, 500.0), L(zh="base", en="base")),
        Case(L(zh="B=H=T=d=4", en="B=H=T=d=4"), (draw.normal(4, 4, 4, 4), 2), shifted),
        Case(L(zh="位置 0：不转", en="position 0: no turn"), (draw.normal(3, 2, 1, 6),)),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), (draw.normal(2, 5, 3, 8).transpose(1, 2), 1)),
        # Position 110 turns pair 1 by almost 7 pi: cos and sin need no rounding, and an angle in half precision is far off.
        Case(L(zh="半精度，位置 110", en="half precision, position 110"), (half.half(), 110, 25.02), L(zh="半精度输入", en="half-precision input")),
        Case(L(zh="d=5", en="d=5"), (draw.normal(1, 2, 3, 5),), odd),
        Case(L(zh="d=1", en="d=1"), (draw.normal(2, 1, 3, 1),), odd),
    ]


_TURN = L(zh="(a, b) 转过角度 θ 后是 (a cos θ - b sin θ, b cos θ + a sin θ)。", en="Turned by θ, (a, b) becomes (a cos θ - b sin θ, b cos θ + a sin θ).")
_ANGLE = L(zh="第 i 对的角度是 位置 · base^(-2i/d)，i 从 0 到 d/2-1。", en="Pair i turns by position · base^(-2i/d), for i from 0 to d/2 - 1.")
_PAIRS = L(zh="本题里第 i 列和第 i + d/2 列是一对（前后两半）。", en="In this task columns i and i + d/2 are a pair: two halves.")
_POSITION = L(zh="第 t 行的位置是 offset + t，t 沿着 T 轴走。", en="Row t stands at position offset + t, and t runs along the axis T.")
_ODD = L(zh="d 是奇数时题目要 ValueError。", en="The task asks for ValueError where d is odd.")

_TURNED = "a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()"
_FREQUENCY = "base ** (-torch.arange(0, d, 2) / d)"


def _interleaved(x, offset, base, mixed=False):
    d = x.shape[-1]
    if d % 2:
        raise ValueError("odd")
    angle = (offset + torch.arange(x.shape[-2]))[:, None] * base ** (-torch.arange(0, d, 2) / d)
    cos, sin = angle.cos().repeat_interleave(2, -1), angle.sin().repeat_interleave(2, -1)
    a, b = x.chunk(2, dim=-1) if mixed else (x[..., 0::2], x[..., 1::2])
    turned = torch.cat([-b, a], dim=-1) if mixed else torch.stack([-b, a], dim=-1).flatten(-2)
    return (x * cos + turned * sin).to(x.dtype)


EXERCISE = Exercise(
    id="transformer.rope", title=L(zh="旋转位置编码 RoPE", en="Rotary position embeddings (RoPE)"), reference=rope, returns=Array("B H T d"), cases=_rope_cases,
    gradients=(0,), differentiable=True,
    hints=(
        L(zh="先算角度表 [T, d/2]：位置（offset 加 0 到 T-1）乘频率 base^(-2i/d)。它会自动广播到 B 和 H。",
          en="First a table of angles [T, d/2]: positions (offset plus 0 to T - 1) times frequencies base^(-2i/d). It broadcasts over B and H by itself."),
        L(zh="前一半列是 a，后一半列是 b：`a, b = x.chunk(2, dim=-1)`。每一对像平面上的点一样旋转。", en="The first half of the columns is a, the second is b: `a, b = x.chunk(2, dim=-1)`. Each pair turns like a point in the plane."),
        L(zh="新的前一半是 a·cos - b·sin，新的后一半是 b·cos + a·sin，最后用 `torch.cat` 接起来，再 `.to(x.dtype)`。d 是奇数时先抛出 ValueError。",
          en="The new first half is a·cos - b·sin, the new second half b·cos + a·sin; join them with `torch.cat`, then `.to(x.dtype)`. Raise ValueError first where d is odd."),
    ),
    mistakes=(
        Mistake("rope-direction", L(zh="旋转方向反了", en="the pairs turn the other way"), _TURN,
                (_TURNED, "a * angle.cos() + b * angle.sin(), b * angle.cos() - a * angle.sin()"), skill="formula", hint=3),
        Mistake("rope-interleaved", L(zh="相邻的两列是一对（交错排列）", en="neighbouring columns are paired: the interleaved layout"), _PAIRS,
                program=lambda x, offset=0, base=10000.0: _interleaved(x, offset, base), convention=True, skill="axis"),
        Mistake("rope-layout-mix", L(zh="角度按相邻对排，旋转按前后两半，二者不配套", en="angles are laid out for neighbouring pairs and the rotation for halves"), _PAIRS,
                program=lambda x, offset=0, base=10000.0: _interleaved(x, offset, base, mixed=True), skill="axis"),
        Mistake("rope-offset", L(zh="没有用 offset：总是从位置 0 开始", en="offset is ignored: positions always begin at 0"), _POSITION, ("offset + torch", "0 + torch"), skill="shift", hint=1),
        Mistake("rope-start1", L(zh="位置从 1 开始", en="positions begin at 1"), _POSITION, ("offset + torch", "offset + 1 + torch"), skill="shift", hint=1),
        Mistake("rope-one-position", L(zh="每一行都用了位置 offset", en="every row stands at position offset"), _POSITION,
                ("torch.arange(x.shape[-2])", "torch.zeros(x.shape[-2])"), skill="shift", hint=1),
        Mistake("rope-axis", L(zh="沿“头”轴取位置", en="positions run along the head axis"), _POSITION,
                ("torch.arange(x.shape[-2])", "torch.arange(x.shape[1])"), ("position[:, None] * frequency", "position[:, None, None] * frequency"), skill="axis", hint=1),
        Mistake("rope-exp-i", L(zh="频率的指数用了 -i/d，不是 -2i/d", en="the exponent of the frequency is -i/d, not -2i/d"), _ANGLE,
                (_FREQUENCY, "base ** (-torch.arange(d // 2) / d)"), skill="formula", hint=1),
        Mistake("rope-from-1", L(zh="i 从 1 数起：第一对没有转得最快", en="i begins at 1, so that the first pair does not turn fastest"), _ANGLE,
                (_FREQUENCY, "base ** (-torch.arange(2, d + 2, 2) / d)"), skill="shift", hint=1),
        Mistake("rope-exp-double", L(zh="频率的指数用了 -4i/d，不是 -2i/d", en="the exponent of the frequency is -4i/d, not -2i/d"), _ANGLE,
                (_FREQUENCY, "base ** (-2 * torch.arange(0, d, 2) / d)"), skill="formula", hint=1),
        Mistake("rope-exp-sign", L(zh="频率的指数没有负号", en="the exponent of the frequency lacks its minus sign"), _ANGLE, ("(-torch.arange(0, d, 2) / d)", "(torch.arange(0, d, 2) / d)"),
                skill="formula", hint=1),
        Mistake("rope-one-frequency", L(zh="所有的对都转同样的角度", en="all pairs turn by the same angle"), _ANGLE, (_FREQUENCY, "torch.ones(d // 2)"), skill="formula", hint=1),
        Mistake("rope-base", L(zh="base 总是 10000，没有用参数", en="base is always 10000, whatever the argument"), _ANGLE, ("base ** (", "10000.0 ** ("), skill="formula", hint=1),
        Mistake("rope-d_model", L(zh="频率里的 d 用了 H·d，不是每头的宽度", en="the frequencies use H·d, not the head width"), _ANGLE,
                (_FREQUENCY, "base ** (-torch.arange(0, d, 2) / (d * x.shape[1]))"), skill="formula", hint=1),
        Mistake("rope-add", L(zh="把 cos、sin 加到了 x 上，没有旋转", en="cos and sin are added to x instead of turning it"), _TURN,
                (_TURNED, "a + angle.cos(), b + angle.sin()"), skill="formula", hint=3,
                also=(((_TURNED, "a + angle.sin(), b + angle.cos()"),),)),
        Mistake("rope-cos-only", L(zh="只乘了 cos，没有 sin 的那一项", en="x is multiplied by cos alone, without the terms with sin"), _TURN,
                (_TURNED, "a * angle.cos(), b * angle.cos()"), skill="formula", hint=3),
        Mistake("rope-second-half-kept", L(zh="只转了前一半，后一半没有变", en="the second half stays as it was"), _TURN, (_TURNED, "a * angle.cos() - b * angle.sin(), b"),
                skill="formula", hint=3),
        Mistake("rope-uses-turned", L(zh="算后一半时用了已经转过的前一半", en="the second half is computed from the first half that was turned already"), _TURN,
                ("    turned = " + _TURNED, "    a = a * angle.cos() - b * angle.sin()\n    turned = a, b * angle.cos() + a * angle.sin()"), skill="alias", hint=3),
        Mistake("rope-halves-exchanged", L(zh="接起来时前后两半颠倒了", en="the two halves are exchanged when they are put together"), _PAIRS,
                (_TURNED, "b * angle.cos() + a * angle.sin(), a * angle.cos() - b * angle.sin()"), skill="axis", hint=3),
        Mistake("rope-interleaved-result", L(zh="结果的两半交错着放了", en="the two halves of the result are interleaved"), _PAIRS,
                ("torch.cat(turned, dim=-1)", "torch.stack(turned, dim=-1).flatten(-2)"), skill="axis", hint=3),
        Mistake("rope-half-angles", L(zh="角度是用半精度算的", en="the angles are computed in half precision"),
                L(zh="半精度的角度只有三位有效数字，位置一大就偏得很远。", en="Half precision keeps three digits of an angle; at a high position that is far off."),
                ("position[:, None] * frequency", "position[:, None].to(x.dtype) * frequency.to(x.dtype)"), skill="stability", hint=3),
        Mistake("rope-odd-accepted", L(zh="d 是奇数时没有抛出 ValueError", en="odd d raises no ValueError"), _ODD,
                ("        raise ValueError(\"d must be even\")", "        return x"), skill="edge", hint=3,
                also=((("    if d % 2:\n        raise ValueError(\"d must be even\")\n", ""),),
                      (("        raise ValueError(\"d must be even\")", "        return torch.cat([rope(x[..., :-1], offset, base), x[..., -1:]], dim=-1)"),))),
        Mistake("rope-odd-assert", L(zh="d 是奇数时抛出的是 AssertionError", en="odd d raises AssertionError, not ValueError"), _ODD,
                ("raise ValueError(\"d must be even\")", "raise AssertionError"), skill="edge", hint=3),
    ),
    alternatives=(rope_rotate_half, rope_complex, rope_loops, rope_matrices, rope_rows, rope_interleaving),
    think=L(zh="转过之后 q·k 为什么只和两个位置的差有关？", en="Why does q·k, once both are turned, depend on the difference of the two positions alone?"),
)
