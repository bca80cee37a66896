"""The smallest failing case: as numbers for a script, as lines and as tables for a card."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import torch

from ...i18n import L
from .card import Fold, Table, literal, short
from .contract import distance
from .judge import Finding, Report, expectations
from .spec import Exercise

__all__ = ["Example", "example_lines", "smallest", "worked"]


SMALL = 30  # numbers that one can follow by hand


@dataclass(frozen=True)
class Example:
    """Named inputs, your value (or exception) and the expected one."""

    name: L
    inputs: dict[str, Any]
    yours: Any
    expected: Any


def smallest(report: Report) -> Example | None:
    """The failing case with the fewest numbers in it, of the status that decides the verdict.

    Among small ones, that with the fewest sizes of 1: a batch of one hides what a batch does.
    """
    cases = [f for f in report.findings if f.status == report.status]
    if not cases:
        return None
    finding = min(cases, key=lambda f: (f.size > SMALL, sum(map(_ones, f.case.args)), f.size))
    names = list(inspect.signature(report.exercise.reference).parameters)
    yours = finding.outcome.error if finding.outcome.error is not None else finding.outcome.value
    return Example(finding.case.name, dict(zip(names, finding.case.args)), yours, finding.expected)


def worked(exercise: Exercise, lang: str) -> Fold | None:
    """The first input that can be written out whole, and what the reference makes of it; None where there is
    none."""
    names, want = inspect.signature(exercise.reference).parameters, L(zh="结果", en="Result")[lang]
    for finding in expectations(exercise, 0):  # from simple to special
        values = [*zip(names, finding.case.args), (want, finding.expected)]
        text = "; ".join(f"{name} = {short(value, 110)}" for name, value in values)
        if not any(callable(value) or "Tensor [" in short(value, 110) for _, value in values):
            return Fold(
                L(zh="一个算好的例子", en="A worked example")[lang],
                text,
                [_as_given(name, value) for name, value in values],
            )
    return None


def _ones(value: Any) -> int:
    return (
        list(value.shape).count(1)
        if isinstance(value, torch.Tensor)
        else int(isinstance(value, (list, str, dict)) and len(value) <= 1)
    )


def example_lines(report: Report, example: Example, lang: str) -> tuple[list[L], list[Table]]:
    """The inputs in one line, yours and the expected value in another; the same as tables where they are
    arrays."""
    finding = next(f for f in report.findings if f.case.name is example.name)
    mine, expected, part = _part(report, finding, example)
    given = ", ".join(f"{name} = {short(value, 60)}" for name, value in example.inputs.items())
    lines = [
        L(zh="最小反例「{name}」：{given}", en="Smallest example, “{name}”: {given}").format(
            name=example.name, given=literal(given[:200])
        )
    ]
    named = L(zh=f"`{part}`：" if part else "", en=f"`{part}`: " if part else "")
    both = L(zh="{part}你的输出：{a}；期望：{b}{gap}", en="{part}Yours: {a}; expected: {b}{gap}")
    arrays = (
        isinstance(mine, torch.Tensor)
        and isinstance(expected, torch.Tensor)
        and not (mine.is_complex() or mine.is_meta)
    )
    if not arrays or mine.shape != expected.shape:
        want = expected.__name__ if isinstance(expected, type) else short(expected, 110)
        return [*lines, both.format(part=named, a=literal(short(mine, 110)), b=literal(want), gap="")], []
    if not expected.ndim:
        return [*lines, both.format(part=named, a=short(mine), b=short(expected), gap="")], []
    cut_mine, cut_want = _corner(mine, expected)
    different, gap = _unequal(cut_mine, cut_want), cut_mine.double() - cut_want.double()
    gap[~different] = 0.0  # rounding is no difference
    numbers = mine.dtype != torch.bool
    helps = (
        numbers
        and expected.is_floating_point()
        and gap.isfinite().all()
        and gap.numel() <= 8
        and different.any()
    )
    lines.append(
        both.format(
            part=named,
            a=_row(cut_mine, expected),
            b=_row(cut_want, expected),
            gap=L(zh="；差：{gap}", en="; difference: {gap}").format(gap=_row(gap, expected))
            if helps
            else "",
        )
    )
    caption = {
        "yours": L(zh="你的输出", en="Yours"),
        "want": L(zh="期望", en="Expected"),
        "gap": L(zh="差", en="Difference"),
    }
    tables = [
        _as_table(caption["yours"][lang], cut_mine, frozenset(map(tuple, different.nonzero().tolist()))),
        _as_table(caption["want"][lang], cut_want),
        *([_as_table(caption["gap"][lang], gap)] if numbers else []),
    ]
    return lines, [_as_given(name, value) for name, value in example.inputs.items()] + tables


def _as_given(name: str, value: Any) -> Table:
    if isinstance(value, torch.Tensor) and 0 < value.numel() <= 16:
        return _as_table(f"{name} {list(value.shape)}", _flat(value))
    return Table(name, ((short(value, 40),),))


def _part(report: Report, finding: Finding, example: Example) -> tuple[Any, Any, str]:
    """Yours, the expected value, and of several returned values the first that differs, with its name."""
    mine, expected = finding.yours if finding.yours is not None else example.yours, example.expected
    if isinstance(expected, (tuple, dict)) and type(mine) is type(expected):
        for key in expected if isinstance(expected, dict) else range(len(expected)):
            if mine[key] is not None and distance(mine[key], expected[key]) > 1:
                return (
                    mine[key],
                    expected[key],
                    key if isinstance(key, str) else report.exercise.returns.parts[key][0],
                )
    return mine, expected, ""


def _unequal(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    scale = float(b.double().abs().nan_to_num(0, 0, 0).max()) if b.numel() else 0.0
    return ~torch.isclose(a.double(), b.double(), rtol=1e-4, atol=max(1e-5 * scale, 1e-9), equal_nan=True)


def _row(cut: torch.Tensor, whole: torch.Tensor) -> str:
    return short(cut[0] if whole.ndim == 1 else cut, 10_000)


def _flat(x: torch.Tensor) -> torch.Tensor:
    return x.reshape(-1, x.shape[-1]) if x.ndim else x.reshape(1, 1)


def _corner(mine: torch.Tensor, want: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """At most 4 x 4 of both, from where they differ first."""
    a, b = _flat(mine), _flat(want)
    bad = _unequal(a, b).nonzero()
    row, column = bad[0].tolist() if len(bad) else (0, 0)
    top, left = max(0, min(row, a.shape[0] - 4)), max(0, min(column, a.shape[1] - 4))
    return a[top : top + 4, left : left + 4], b[top : top + 4, left : left + 4]


def _as_table(caption: str, values: torch.Tensor, marked: frozenset[tuple[int, int]] = frozenset()) -> Table:
    return Table(caption, tuple(tuple(short(v) for v in row) for row in values.tolist()), marked)
