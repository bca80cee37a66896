"""transformer.sinusoidal: the positional encoding of the first transformer."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def sinusoidal(length, d_model, base=10000.0):
    """The sinusoidal table of positions (Vaswani et al. 2017).

    Returns float32 [T, D], T = length and D = d_model. Row = position, from 0; column 2i = sin, column 2i + 1 = cos of position / base^(2i/D).
    An odd D ends with a sine; length 0 gives shape [0, D].
    """
    position = torch.arange(length)[:, None]                 # (T, 1)
    column = torch.arange(d_model)                           # (D,): 2i and 2i + 1
    angle = position / base ** (column // 2 * 2 / d_model)   # (T, D)
    return torch.where(column % 2 == 0, angle.sin(), angle.cos())


def sinusoidal_slices(length, d_model, base=10000.0):
    table = torch.zeros(length, d_model)
    angle = torch.arange(length).float()[:, None] * torch.exp(-math.log(base) * torch.arange(0, d_model, 2) / d_model)
    table[:, 0::2] = torch.sin(angle)
    table[:, 1::2] = torch.cos(angle[:, : d_model // 2])
    return table


def sinusoidal_loops(length, d_model, base=10000.0):
    wave = (math.sin, math.cos)
    values = [wave[j % 2](t / base ** (2 * (j // 2) / d_model)) for t in range(length) for j in range(d_model)]
    return torch.tensor(values, dtype=torch.float32).reshape(length, d_model)


def sinusoidal_numpy(length, d_model, base=10000.0):
    import numpy as np
    i = np.arange((d_model + 1) // 2)
    angle = np.arange(length)[:, None] / np.power(float(base), 2 * i / d_model)
    return torch.from_numpy(np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(length, 2 * len(i))[:, :d_model]).float()


def sinusoidal_phase(length, d_model, base=10000.0):
    """A cosine is a sine a quarter turn ahead."""
    column = torch.arange(d_model, dtype=torch.float64)
    angle = torch.outer(torch.arange(length, dtype=torch.float64), base ** (-(column - column % 2) / d_model))
    return torch.sin(angle + column % 2 * math.pi / 2).to(torch.float32)


def sinusoidal_complex(length, d_model, base=10000.0):
    i = torch.arange(0, d_model, 2, dtype=torch.float64)
    angle = torch.arange(length, dtype=torch.float64).unsqueeze(1) * torch.pow(torch.tensor(1 / base, dtype=torch.float64), i / d_model)
    turned = torch.view_as_real(torch.exp(1j * angle)).flip(-1)              # (T, D/2, 2): imaginary, real
    return turned.flatten(1)[:, :d_model].float()


def sinusoidal_columns(length, d_model, base=10000.0):
    t, columns = torch.arange(length, dtype=torch.float64), []
    for i in range(d_model):
        angle = t / base ** ((i - i % 2) / d_model)
        columns.append(angle.cos() if i % 2 else angle.sin())
    return torch.stack(columns, dim=1).float()


def _sinusoidal_cases(draw: Draw) -> list[Case]:
    odd = L(zh="D 是奇数", en="an odd D")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (2, 4)),
        Case(L(zh="T=7，D=6", en="T=7, D=6"), (7, 6)),
        Case(L(zh="T=5，D=10", en="T=5, D=10"), (5, 10)),
        Case(L(zh="T=D=8", en="T=D=8"), (8, 8)),
        Case(L(zh="base 随机", en="a random base"), (draw.int(5, 9), 6, float(draw.int(50, 500))), L(zh="base", en="base")),
        Case(L(zh="D=5", en="D=5"), (4, 5), odd),
        Case(L(zh="D=1", en="D=1"), (3, 1), odd),
        Case(L(zh="长表", en="a long table"), (draw.int(300, 320), 4)),
        Case(L(zh="length=0", en="length=0"), (0, 6), L(zh="空表", en="the empty table")),
        Case(L(zh="length=1", en="length=1"), (1, 4)),
    ]


_WAVES = L(zh="第 2i 列是 sin，第 2i+1 列是 cos，两列的角度相同。", en="Column 2i is the sine, column 2i + 1 the cosine, and both have the same angle.")
_EXPONENT = L(zh="角度是 位置 / base^(2i/D)，i 是第几对。", en="The angle is position / base^(2i/D), where i counts the pairs.")
_POSITION = L(zh="行是位置，从 0 开始。", en="Rows are positions, from 0.")


def _even_only(length, d_model, base=10000.0):
    table = torch.zeros(length, d_model)
    angle = torch.arange(length)[:, None] / base ** (torch.arange(0, d_model, 2) / d_model)
    table[:, 0::2], table[:, 1::2] = angle.sin(), angle.cos()
    return table


_ANGLE, _WHERE = "column // 2 * 2 / d_model", "torch.where(column % 2 == 0, angle.sin(), angle.cos())"

EXERCISE = Exercise(
    id="transformer.sinusoidal", title=L(zh="正弦位置编码", en="Sinusoidal positions"), reference=sinusoidal, returns=Array("T D"), cases=_sinusoidal_cases,
    hints=(
        L(zh="先算角度表 [T, D]，再在偶数列取 sin，在奇数列取 cos。", en="First a table of angles [T, D]; then the sine in even columns and the cosine in odd ones."),
        L(zh="第 2i 列和第 2i+1 列的角度相同：`column // 2 * 2` 给出 2i。", en="Columns 2i and 2i + 1 share an angle: `column // 2 * 2` gives 2i."),
        L(zh="`torch.arange(length)[:, None]` 是 [T,1]，除以 [D] 得到 [T,D]。D 是奇数、T 是 0 也不用另外处理。",
          en="`torch.arange(length)[:, None]` is [T,1]; divided by [D] it becomes [T,D]. An odd D and T = 0 then need no care of their own."),
    ),
    mistakes=(
        Mistake("pe-swap", L(zh="sin 和 cos 颠倒了", en="sine and cosine are exchanged"), _WAVES, ("column % 2 == 0", "column % 2 == 1"), skill="formula", hint=1),
        Mistake("pe-half-concat", L(zh="前一半列全是 sin，后一半全是 cos", en="the first half of the columns holds the sines, the second the cosines"), _WAVES,
                program=lambda length, d_model, base=10000.0: torch.cat([(table := sinusoidal(length, d_model, base))[:, 0::2], table[:, 1::2]], dim=1), convention=True,
                skill="axis", hint=1),
        Mistake("pe-exp-i", L(zh="指数用了 i/D 而不是 2i/D", en="the exponent is i/D, not 2i/D"), _EXPONENT, ("column // 2 * 2 /", "column // 2 /"), skill="formula"),
        Mistake("pe-own-exponent", L(zh="每一列用了自己的指数：cos 那列和 sin 那列的角度不同", en="each column has an exponent of its own, so that sine and cosine differ in their angle"), _EXPONENT,
                (_ANGLE, "column / d_model"), skill="formula"),
        Mistake("pe-exp-double", L(zh="指数大了一倍：4i/D", en="the exponent is twice as large: 4i/D"), _EXPONENT, (_ANGLE, "column // 2 * 4 / d_model"), skill="formula"),
        Mistake("pe-base", L(zh="base 总是 10000，没有用参数", en="base is always 10000, whatever the argument"), _EXPONENT, ("/ base **", "/ 10000.0 **"), skill="formula"),
        Mistake("pe-start1", L(zh="位置从 1 开始", en="positions begin at 1"), _POSITION, ("torch.arange(length)[:, None]", "torch.arange(1, length + 1)[:, None]"), skill="shift", hint=3),
        Mistake("pe-sign", L(zh="指数的符号反了：角度随 i 变大", en="the exponent has the wrong sign: angles grow with i"), _EXPONENT, ("position / base", "position * base"), skill="formula"),
        Mistake("pe-sin-only", L(zh="所有列都用了 sin", en="every column is a sine"), _WAVES, (_WHERE, "angle.sin()"), skill="formula", hint=1),
        Mistake("pe-cos-only", L(zh="所有列都用了 cos", en="every column is a cosine"), _WAVES, (_WHERE, "angle.cos()"), skill="formula", hint=1),
        Mistake("pe-d-1", L(zh="指数里除以了 D-1", en="the exponent divides by D - 1"), _EXPONENT, ("/ d_model)", "/ max(d_model - 1, 1))"), skill="shift"),
        Mistake("pe-one-frequency", L(zh="所有列用了同一个角度", en="all columns have the same angle"), _EXPONENT, (_ANGLE, "column * 0"), skill="formula"),
        Mistake("pe-transposed", L(zh="表转置了：[D, T]", en="the table is transposed: [D, T]"), _POSITION, (_WHERE, _WHERE + ".T"), skill="axis", hint=3),
        Mistake("pe-batch-axis", L(zh="多了一个批轴：[1, T, D]", en="there is a batch axis too many: [1, T, D]"), L(zh="题目要 [T, D]。", en="The task asks for [T, D]."), (_WHERE, _WHERE + "[None]"), skill="axis", hint=3),
        Mistake("pe-odd-pairs", L(zh="D 是奇数时少了最后一列", en="an odd D loses its last column"), L(zh="D 是奇数时，最后一列是 sin。", en="An odd D ends with a sine."), (_WHERE, _WHERE + "[:, :d_model // 2 * 2]"),
                skill="edge", hint=3),
        Mistake("pe-odd-longer", L(zh="D 是奇数时多了一列 cos", en="an odd D gets one more column, a cosine"), L(zh="D 是奇数时，最后一列是 sin。", en="An odd D ends with a sine."),
                ("column = torch.arange(d_model)", "column = torch.arange(d_model + d_model % 2)"), skill="edge", hint=3),
        Mistake("pe-odd-error", L(zh="D 是奇数时报错：cos 的列比 sin 少一列", en="an odd D raises an error: there is one column of cosines less than of sines"),
                L(zh="D 是奇数时，最后一列是 sin。", en="An odd D ends with a sine."), program=_even_only, skill="edge", hint=3),
        Mistake("pe-degrees", L(zh="角度乘了 2π", en="angles are multiplied by 2π"), _EXPONENT, ("angle = position", "angle = 2 * math.pi * position"), skill="scale"),
        Mistake("pe-scaled", L(zh="又除以了 √D", en="the table is divided by √D"), _WAVES, (_WHERE, _WHERE + " / math.sqrt(d_model)"), skill="scale"),
    ),
    alternatives=(sinusoidal_slices, sinusoidal_loops, sinusoidal_numpy, sinusoidal_phase, sinusoidal_complex, sinusoidal_columns),
    think=L(zh="位置 t + k 的一对 (sin, cos) 怎样由位置 t 的那一对得到？", en="How does the pair (sin, cos) at position t + k follow from the pair at position t?"),
)
