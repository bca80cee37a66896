"""From a failed report to a name or a place. A name needs evidence: the same behaviour on every case.

In this order: one mistake; two mistakes at once; facts of the trace; relations between your output and the
expected one; which cases fail and which do not. Whatever cannot be proved is described, never guessed.
"""

from __future__ import annotations

import inspect
import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any

import torch

from ...i18n import L
from .contract import distance
from .judge import Finding, Report, judge
from .relations import relation
from .sandbox import run, run_own
from .spec import Mistake
from .state import lifted

__all__ = ["Diagnosis", "diagnose"]


@dataclass(frozen=True)
class Diagnosis:
    """`mistakes` are proved; `says` describes what was found, `look` where to look."""

    mistakes: tuple[Mistake, ...] = ()
    says: L | None = None
    look: L | None = None


def diagnose(report: Report, call) -> Diagnosis:
    """What the evidence of a failed report allows to say. `call` is the learner's function, for a second
    look."""
    if (
        not report.findings
        or report.problem is not None
        or report.status in ("too_slow", "forbidden")
        or report.ended
    ):
        return Diagnosis()
    replaced = _replaced(report, call)
    if replaced:
        return Diagnosis(says=replaced)
    named = _single(report) or _pair(report)
    if named:
        return Diagnosis(mistakes=named)
    if report.status == "side_effect":
        return Diagnosis()
    return Diagnosis(
        says=_defaults(report, call) or _unstable(report, call) or _trace(report) or relation(report),
        look=_localised(report),
    )


def _replaced(report: Report, call) -> L | None:
    """The function is right, and what the notebook has put in the place of a torch function is not."""
    found = lifted()
    if not found:
        return None
    # what it prints was kept the first time
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        alone = judge(report.exercise, call, report.seed, [_blank(f) for f in report.findings], own=True)
    if alone.status != "passed":
        return None
    return L(
        zh="你的函数没有错，但这个 notebook 替换了 {names}：换回原来的函数，或者重启内核。",
        en="Your function is right, but this notebook has replaced {names}: put the original back, "
        "or restart the kernel.",
    ).format(names=", ".join(f"`{name}`" for name in found[:4]))


def _blank(finding: Finding) -> Finding:
    return Finding(finding.case, finding.expected, finding.outcome)


def _telling(report: Report) -> list[Finding]:
    """The cases, from those that tell mistakes apart soonest: the failing ones first, and of these the small
    ones."""
    return sorted(report.findings, key=lambda f: (f.status == "passed", f.size))


def _alone(report: Report, mine: Finding, program) -> Finding | None:
    """What `program` does on one case of the report."""
    return next(iter(judge(report.exercise, program, report.seed, [_blank(mine)], own=True).findings), None)


def _same_everywhere(report: Report, program, cases: list[Finding]) -> bool:
    """True if `program` behaves like the learner's function on every case; gives up at the first
    difference."""
    return all(
        (other := _alone(report, mine, program)) is not None and mine.acts_like(other) for mine in cases
    )


def _single(report: Report) -> tuple[Mistake, ...]:
    """The mistake that acts alike; the engine's own test proves that no two of an exercise do."""
    cases = _telling(report)
    ways = (way for mistake in report.exercise.mistakes for way in mistake.ways)
    return tuple(islice((m for m in ways if _same_everywhere(report, report.exercise.program(m), cases)), 1))


def _pair(report: Report) -> tuple[Mistake, ...]:
    """The one pair of mistakes that acts alike together: two pairs that explain it equally well prove
    neither."""
    cases = _telling(report)
    ways = [
        way
        for mistake in report.exercise.mistakes
        for way in mistake.ways
        if way.edits and _may_be_part(report, way, cases)
    ]
    matches: dict[tuple[str, ...], tuple[Mistake, ...]] = {}
    for pair in combinations(ways, 2):
        program = report.exercise.program(*pair) if pair[0].id != pair[1].id else None
        if program is not None and _same_everywhere(report, program, cases):
            matches[tuple(m.id for m in pair)] = pair
    return next(iter(matches.values())) if len(matches) == 1 else ()


def _may_be_part(report: Report, way: Mistake, cases: list[Finding]) -> bool:
    """False if the mistake alone spoils what the learner has right: then it can be no part of what they
    did."""
    program = report.exercise.program(way)
    return all((alone := _alone(report, mine, program)) is not None and _keeps(mine, alone) for mine in cases)


def _keeps(mine: Finding, alone: Finding) -> bool:
    """True if on this case whatever is right in `mine`, be it only its shape or one of several values, is
    right in `alone`."""
    if mine.status == "passed" or alone.status == "passed":
        return alone.status == "passed"
    if mine.status == "wrong" and alone.status != "wrong":
        return False
    return set(_right_parts(mine)) <= set(_right_parts(alone))


def _right_parts(finding: Finding) -> list[Any]:
    """Of several expected values, the names or places of those that are right."""
    if not isinstance(finding.expected, (tuple, dict)) or finding.yours is None:
        return []
    names = finding.expected if isinstance(finding.expected, dict) else range(len(finding.expected))
    return [name for name in names if distance(finding.yours[name], finding.expected[name]) <= 1]


def _defaults(report: Report, call) -> L | None:
    """A default value that differs from the contract's: a fact of the signature."""
    try:
        mine = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return None
    for own, asked in zip(mine, inspect.signature(report.exercise.reference).parameters.values()):
        both = own.default is not own.empty and asked.default is not asked.empty
        if both and own.default is not asked.default and own.default != asked.default:
            return L(
                zh="`{name}` 的默认值是 {got}，题目约定的是 {want}。",
                en="The default of `{name}` is {got}; the contract says {want}.",
            ).format(name=own.name, got=own.default, want=asked.default)
    return None


def _unstable(report: Report, call) -> L | None:
    """Another result for the same input: randomness, or something kept between calls."""
    first = report.first
    if first is None or first.yours is None or first.outcome.error is not None:
        return None
    again, problem = report.exercise.returns.read(
        run(lambda *args: _reseeded(call, *args), first.case.args).value, first.expected
    )
    if problem is None and distance(again, first.yours) > 1:
        return L(
            zh="同样的输入，你的函数两次给出了不同的结果：里面有随机数，或者有东西留到了下一次调用。",
            en="On the same input your function gave two different results: there is randomness in "
            "it, or something kept between "
            "calls.",
        )
    return None


def _reseeded(call, *args):
    torch.manual_seed(1)  # the sandbox puts the state back
    return call(*args)


def _trace(report: Report) -> L | None:
    """Which axis softmax ran over, where the reference uses another: a fact, whatever else is wrong."""
    first = report.first
    if first is None or first.outcome.error is not None:
        return None
    mine = _softmax_axes(first.outcome.calls)
    right = _softmax_axes(run_own(report.exercise.reference, first.case.args, watch=True).calls)
    if len(mine) == 1 and len(right) == 1 and mine[0][0] == right[0][0] and mine[0][1] != right[0][1]:
        return L(
            zh="你的 softmax 作用在形状 {shape} 的第 {mine} 轴上；本题要对第 {right} 轴归一化。",
            en="Your softmax runs over axis {mine} of shape {shape}; this task normalises over axis {right}.",
        ).format(shape=list(mine[0][0]), mine=mine[0][1], right=right[0][1])
    return None


def _softmax_axes(calls) -> list[tuple[tuple[int, ...], int]]:
    found = []
    for call in calls:
        if call.name in ("softmax", "log_softmax"):
            dim = call.kwargs.get("dim", next((a for a in call.args if isinstance(a, int)), None))
            if dim is not None and call.shape:
                found.append((call.shape, dim % len(call.shape)))
    return found


def _localised(report: Report) -> L | None:
    """Which cases fail and which pass, and what only the failing ones probe."""
    failing, passing = report.failing, [f for f in report.findings if f.status == "passed"]
    if not passing:
        return None
    abouts = {f.case.about for f in failing}
    only = abouts.pop() if len(abouts) == 1 else None
    if only is not None and all(f.case.about != only for f in passing):
        return L(
            zh="对的：{good}；错的只有：{bad}。问题在{about}附近。",
            en="Right: {good}. Wrong only: {bad}. Look at {about}.",
        ).format(good=_names(passing), bad=_names(failing), about=only)
    return L(zh="对的：{good}；错的：{bad}。", en="Right: {good}. Wrong: {bad}.").format(
        good=_names(passing), bad=_names(failing)
    )


def _names(findings: list[Finding]) -> L:
    shown = [f.case.name for f in findings[:3]]
    return L(
        zh="".join(f"「{n.zh}」" for n in shown) + (f"等 {len(findings)} 组" if len(findings) > 3 else ""),
        en=", ".join(f"“{n.en}”" for n in shown)
        + (f" and {len(findings) - 3} more" if len(findings) > 3 else ""),
    )
