"""Relations that hold for any exercise: a factor, an offset, a shift, another order, right only in part.

Each is a statement about all failing cases that was checked on all of them; the first that holds is told.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable

import torch

from ...i18n import L
from .card import short
from .contract import distance
from .judge import Finding, Report

__all__ = ["relation"]


def relation(report: Report) -> L | None:
    """The first relation that holds between yours and the expected value on every failing case."""
    wrong = [f for f in report.failing if f.status in ("wrong", "contract")]
    if len(wrong) != len(report.failing):
        return None
    said = _relation(report, wrong)
    if said is None or len(wrong) == len(report.findings) or said.en.startswith("On "):
        return said
    return L(zh=f"在这些输入上，{said.zh}", en=f"There, {said.en[0].lower()}{said.en[1:]}")


def _relation(report: Report, wrong: list[Finding]) -> L | None:
    if all(isinstance(f.expected, list) and isinstance(f.yours, list) for f in wrong):
        return _lists(wrong)
    if isinstance(wrong[0].expected, (tuple, dict)):
        return _parts(report, wrong)
    if not all(isinstance(f.expected, torch.Tensor) and isinstance(f.yours, torch.Tensor) for f in wrong):
        return None
    pairs = [(f.yours, f.expected) for f in wrong]
    if all(y.shape == e.shape and distance(y, e) <= 1 for y, e in pairs):
        return L(zh="数值都对，只是类型不对。", en="The values are right; only their type is not.")
    return _numbers(report, wrong, pairs)


def _numbers(
    report: Report, wrong: list[Finding], pairs: list[tuple[torch.Tensor, torch.Tensor]]
) -> L | None:
    if any(y.shape != e.shape for y, e in pairs):
        return _reordered(pairs)
    if pairs[0][1].dtype == torch.bool:
        return _booleans(wrong, pairs) if all(y.dtype == torch.bool for y, _ in pairs) else None
    if any(y.is_complex() or y.dtype == torch.bool for y, _ in pairs):
        return None
    floats = [(y.double(), e.double()) for y, e in pairs]
    return (
        _not_finite(wrong, floats)
        or _constant(floats)
        or _factor(report, wrong, floats)
        or _offset(floats)
        or _transformed(floats)
        or _reordered(floats)
        or _copied(wrong, floats)
        or _partly(wrong, floats)
    )


def _close(pairs, transform: Callable[[torch.Tensor], torch.Tensor | None]) -> bool:
    for yours, expected in pairs:
        made = transform(expected)
        if made is None or made.shape != yours.shape or distance(yours, made) > 1:
            return False
    return True


def _booleans(wrong: list[Finding], pairs) -> L | None:
    if _close(pairs, torch.logical_not):
        return L(
            zh="你的结果与期望处处相反：True 和 False 的含义反了。",
            en="Yours is the opposite everywhere: the meanings of True and False are exchanged.",
        )
    if all((y | e).equal(e) for y, e in pairs):
        return L(
            zh="你只会漏标 True：凡是你标为 True 的都对，但少了一些。",
            en="Every True of yours is right, but some are missing.",
        )
    if all((y & e).equal(e) for y, e in pairs):
        return L(
            zh="该为 True 的你都标了，但多标了一些。",
            en="Every expected True is there, but there are too many.",
        )
    return _reordered(pairs) or _partly(wrong, pairs)


def _not_finite(wrong: list[Finding], pairs) -> L | None:
    bad = [(f, y) for f, (y, _) in zip(wrong, pairs) if not y.isfinite().all()]
    if not bad or len(bad) < len(wrong):
        return None
    finding, yours = bad[0]
    word = "nan" if yours.isnan().any() else "inf"
    share = f"{int((~yours.isfinite()).sum())}/{yours.numel()}"
    return L(
        zh="你的输出里有 {word}（{share} 个数），例如「{case}」。想想哪一步会出现 0/0、log 0 或溢出。",
        en="Your output contains {word} ({share} numbers), as on “{case}”. Which step can meet 0/0, "
        "log 0 or an "
        "overflow?",
    ).format(word=word, share=share, case=finding.case.name)


def _constant(pairs) -> L | None:
    values = {float(y.flatten()[0]) for y, _ in pairs if y.numel() and (y == y.flatten()[0]).all()}
    if (
        len(values) == 1
        and all(y.numel() == 0 or (y == y.flatten()[0]).all() for y, _ in pairs)
        and sum(y.numel() for y, _ in pairs) > 2
    ):
        return L(
            zh="你的输出总是 {value}，与输入无关。", en="Your output is always {value}, whatever the input."
        ).format(value=f"{values.pop():.4g}")
    return None


KNOWN_FACTORS = {
    -1.0: L(zh="符号反了", en="the sign is reversed"),
    math.log(2): L(zh="ln 2", en="ln 2"),
    1 / math.log(2): L(zh="1/ln 2", en="1/ln 2"),
}


def _factor(report: Report, wrong: list[Finding], pairs) -> L | None:
    ratios = []
    for yours, expected in pairs:
        there = expected.abs() > 1e-9
        if not there.any():
            return None
        top = expected.abs().argmax()
        ratio = float(yours.flatten()[top] / expected.flatten()[top])
        if not math.isfinite(ratio) or ratio == 0 or distance(yours, expected * ratio) > 2:
            return None
        ratios.append(ratio)
    if all(abs(r / ratios[0] - 1) < 1e-4 for r in ratios) and sum(e.numel() for _, e in pairs) > 1:
        known = next(
            (text for value, text in KNOWN_FACTORS.items() if abs(ratios[0] / value - 1) < 1e-4), None
        )
        return L(
            zh="你的输出总是期望值的 {ratio} 倍{known}。",
            en="Your output is always {ratio} times the expected one{known}.",
        ).format(
            ratio=f"{ratios[0]:.4g}", known=L(zh=f"（{known.zh}）", en=f" ({known.en})") if known else ""
        )
    return _size_factor(report, wrong, ratios)


def _size_factor(report: Report, wrong: list[Finding], ratios: list[float]) -> L | None:
    """The factor is a power of some size of the input, or n/(n-1), on every case."""
    if len(set(round(r, 6) for r in ratios)) < 2:
        return None
    powers = {
        "{n}": lambda n: n,
        "1/{n}": lambda n: 1 / n,
        "√{n}": math.sqrt,
        "1/√{n}": lambda n: 1 / math.sqrt(n),
        "{n}/({n}-1)": lambda n: n / (n - 1) if n > 1 else math.inf,
        "({n}-1)/{n}": lambda n: (n - 1) / n,
    }
    parameters = list(inspect.signature(report.exercise.reference).parameters)
    for position, parameter in enumerate(parameters):
        sizes = [_sizes(f.case.args[position]) if position < len(f.case.args) else () for f in wrong]
        for axis in range(min(map(len, sizes), default=0)):
            for text, power in powers.items():
                if all(s[axis] > 0 and abs(r / power(s[axis]) - 1) < 1e-3 for s, r in zip(sizes, ratios)):
                    name = (
                        f"len({parameter})"
                        if isinstance(wrong[0].case.args[position], (list, str))
                        else f"{parameter}.shape[{axis}]"
                    )
                    return L(
                        zh="你的输出总是期望值的 {factor} 倍。",
                        en="Your output is always {factor} times the expected one.",
                    ).format(factor=text.format(n=name))
    return None


def _sizes(value) -> tuple[int, ...]:
    return (
        tuple(value.shape)
        if isinstance(value, torch.Tensor)
        else (len(value),)
        if isinstance(value, (list, str))
        else ()
    )


def _offset(pairs) -> L | None:
    gaps = torch.cat([(y - e).flatten() for y, e in pairs])
    if (
        gaps.numel() < 2
        or not gaps.isfinite().all()
        or gaps[0] == 0
        or distance(gaps, torch.full_like(gaps, float(gaps[0]))) > 1
    ):
        return None
    return L(zh="你的输出总比期望值{more} {gap}。", en="Your output is always {gap} too {more}.").format(
        gap=f"{abs(float(gaps[0])):.4g}",
        more=L(zh="大" if gaps[0] > 0 else "小", en="large" if gaps[0] > 0 else "small"),
    )


def _transformed(pairs) -> L | None:
    if sum(e.numel() for _, e in pairs) < 2:
        return None
    made = {
        L(zh="期望值的 exp", en="the exp of the expected one"): torch.exp,
        L(zh="期望值的 log", en="the log of the expected one"): torch.log,
        L(zh="期望值取负后的 exp", en="the exp of minus the expected one"): lambda e: torch.exp(-e),
        L(zh="期望值取负后的 log", en="minus the log of the expected one"): lambda e: -torch.log(e),
        L(zh="1 减期望值", en="one minus the expected one"): lambda e: 1 - e,
        L(zh="期望值的倒数", en="one over the expected one"): lambda e: 1 / e,
        L(zh="期望值的平方", en="the square of the expected one"): torch.square,
        L(zh="期望值的平方根", en="the square root of the expected one"): torch.sqrt,
        L(zh="期望值的绝对值", en="the absolute value of the expected one"): torch.abs,
        L(zh="期望值取整", en="the expected one, rounded down"): torch.floor,
        L(zh="期望值再做一次 softmax", en="one more softmax of the expected one"): lambda e: (
            e.softmax(-1) if e.ndim else None
        ),
        L(zh="期望值被截到 0 以上", en="the expected one cut off below 0"): torch.relu,
    }
    return next(
        (
            L(zh="你的输出恰好是{what}。", en="Your output is exactly {what}.").format(what=text)
            for text, transform in made.items()
            if _close(pairs, transform)
        ),
        None,
    )


def _reordered(pairs) -> L | None:
    ndim = pairs[0][1].ndim
    if any(e.ndim != ndim or y.ndim != ndim for y, e in pairs):
        return None
    for i in range(ndim):
        for j in range(i):
            if _close(pairs, lambda e: e.transpose(i, j)):
                return L(
                    zh="你的输出是期望值交换了第 {j} 轴和第 {i} 轴。",
                    en="Yours is the expected output with axes {j} and {i} exchanged.",
                ).format(i=i, j=j)
    for axis in range(ndim):
        if _close(pairs, lambda e: e.flip(axis)):
            return L(
                zh="你的输出沿第 {axis} 轴颠倒了次序。",
                en="Yours is the expected output in reverse order along axis {axis}.",
            ).format(axis=axis)
        for step in (1, -1):
            inner = [
                (
                    y.narrow(axis, max(step, 0), y.shape[axis] - 1),
                    e.narrow(axis, max(-step, 0), e.shape[axis] - 1),
                )
                for y, e in pairs
                if y.shape == e.shape and y.shape[axis] > 2
            ]
            if len(inner) == len(pairs) and all(distance(y, e) <= 1 for y, e in inner):
                return L(
                    zh="你的输出沿第 {axis} 轴错开了一位。",
                    en="Yours is the expected output shifted by one along axis {axis}.",
                ).format(axis=axis)
        if all(
            y.shape == e.shape and distance(y.sort(axis).values, e.sort(axis).values) <= 1 for y, e in pairs
        ):
            return L(
                zh="第 {axis} 轴上的数都对，次序不对。",
                en="Along axis {axis} the numbers are right but their order is not.",
            ).format(axis=axis)
    if all(
        y.numel() == e.numel() > 1 and distance(y.flatten().sort().values, e.flatten().sort().values) <= 1
        for y, e in pairs
    ):
        return L(
            zh="数都在，但位置乱了：看看 reshape 和转置的次序。",
            en="The numbers are all there, but in other places: look at the order of reshape and transpose.",
        )
    return None


def _copied(wrong: list[Finding], pairs) -> L | None:
    for position in range(len(wrong[0].case.args)):
        if all(
            position < len(f.case.args)
            and isinstance(f.case.args[position], torch.Tensor)
            and f.case.args[position].shape == y.shape
            and distance(y, f.case.args[position].double()) <= 1
            for f, (y, _) in zip(wrong, pairs)
        ):
            return L(
                zh="你的输出就是第 {n} 个参数本身。", en="Your output is argument number {n} itself."
            ).format(n=position + 1)
    return None


def _partly(wrong: list[Finding], pairs) -> L | None:
    """Wrong, or right, only at one place of an axis: told of all failing inputs, or by name of the first."""
    if any(e.ndim == 0 or y.shape != e.shape for y, e in pairs):
        return None
    bad = [_differs(y, e) for y, e in pairs]
    for axis in range(-1, -1 - min(e.ndim for _, e in pairs), -1):
        for describe in (_wrong_at, _right_at):
            told = [describe(b, axis) for b in bad]
            common = (
                set.intersection(*map(set, told))
                if all(told) and max(b.shape[axis] for b in bad) >= 3
                else set()
            )
            if common:
                place = min(common & set(PLACES) or common)
                return _place(describe, place, axis, None, pairs[0][1])
    for axis in range(-1, -1 - pairs[0][1].ndim, -1):
        for describe in (_wrong_at, _right_at):
            if bad[0].shape[axis] >= 3 and (places := describe(bad[0], axis)):
                return _place(describe, places[0], axis, wrong[0], pairs[0][1])
    return None


PLACES = ("first", "last")


def _differs(yours: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    scale = float(expected.double().abs().nan_to_num(0, 0, 0).max()) or 1.0
    return ~torch.isclose(yours.double(), expected.double(), rtol=1e-4, atol=1e-5 * scale, equal_nan=True)


def _at(bad: torch.Tensor, axis: int, wanted: bool) -> list[str]:
    """Names of the one index along the axis where something differs (or, not `wanted`, where nothing does),
    if it is one."""
    size = bad.shape[axis]
    hit = bad.transpose(0, axis).reshape(size, -1).any(1)
    found = (hit == wanted).nonzero().flatten().tolist()
    if len(found) != 1:
        return []
    return [name for name, index in (("first", 0), ("last", size - 1)) if found[0] == index] + [str(found[0])]


def _wrong_at(bad: torch.Tensor, axis: int) -> list[str]:
    return _at(bad, axis, True)


def _right_at(bad: torch.Tensor, axis: int) -> list[str]:
    return _at(bad, axis, False)


def _place(describe, place: str, axis: int, only: Finding | None, like: torch.Tensor) -> L:
    words = {"first": L(zh="第一个", en="the first"), "last": L(zh="最后一个", en="the last")}
    where = words.get(place, L(zh=f"下标 {place}", en=f"index {place}"))
    number = axis % like.ndim if only is not None else axis
    said = (
        L(zh="第 {axis} 轴上只有{where}不对，其余都对。", en="along axis {axis} only {where} is wrong.")
        if describe is _wrong_at
        else L(zh="第 {axis} 轴上只有{where}是对的。", en="along axis {axis} only {where} is right.")
    )
    said = said.format(axis=number, where=where)
    whole = (
        L(zh="每一组不对的输入上，", en="On every failing input, ")
        if only is None
        else L(zh="在「{name}」上，", en="On “{name}”, ").format(name=only.case.name)
    )
    return L(zh=whole.zh + said.zh, en=whole.en + said.en)


def _parts(report: Report, wrong: list[Finding]) -> L | None:
    """Of several returned values, which are right."""
    names = list(wrong[0].expected) if isinstance(wrong[0].expected, dict) else range(len(wrong[0].expected))
    if any(f.yours is None for f in wrong):
        return None
    good = [
        n
        for n in names
        if all(f.yours[n] is not None and distance(f.yours[n], f.expected[n]) <= 1 for f in wrong)
    ]
    bad = [n for n in names if n not in good]
    label = lambda ns: ", ".join(n if isinstance(n, str) else report.exercise.returns.parts[n][0] for n in ns)
    return (
        L(
            zh="返回值里 {good} 是对的，{bad} 不对。",
            en="Right among the returned values: {good}; wrong: {bad}.",
        ).format(good=label(good), bad=label(bad))
        if good
        else None
    )


def _lists(wrong: list[Finding]) -> L | None:
    pairs = [(f.yours, f.expected) for f in wrong]
    counts = {abs(len(y) - len(e)) for y, e in pairs}
    some = L(zh=f" {min(counts)} 项", en=f"{min(counts)}") if len(counts) == 1 else L(zh="几项", en="some")
    if all(len(y) > len(e) and y[: len(e)] == e for y, e in pairs):
        return L(
            zh="开头都对，末尾多了{some}。", en="The beginning is right; surplus at the end: {some}."
        ).format(some=some)
    if all(len(y) < len(e) and e[: len(y)] == y for y, e in pairs):
        return L(
            zh="前面都对，末尾少了{some}。", en="It is right as far as it goes; missing at the end: {some}."
        ).format(some=some)
    if all(len(y) < len(e) and e[len(e) - len(y) :] == y for y, e in pairs):
        return L(
            zh="后面都对，开头少了{some}。", en="The end is right; missing at the beginning: {some}."
        ).format(some=some)
    if all(y == e[::-1] for y, e in pairs):
        return L(zh="次序颠倒了。", en="The order is reversed.")
    yours, expected = pairs[0]
    at = next(
        (i for i in range(max(len(yours), len(expected))) if yours[i : i + 1] != expected[i : i + 1]), None
    )
    if at is None:
        return None
    item = lambda values: short(values[at]) if at < len(values) else L(zh="没有了", en="nothing")
    return L(
        zh="在「{name}」上，从下标 {at} 起不同：你的是 {mine}，应为 {want}。",
        en="On “{name}” they differ from index {at} on: yours is {mine}, expected {want}.",
    ).format(name=wrong[0].case.name, at=at, mine=item(yours), want=item(expected))
