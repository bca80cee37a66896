"""The verdict: the contract, and a comparison with one reference on designed inputs. Diagnosis has no say in
it."""

from __future__ import annotations

import builtins
import dis
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, FunctionType, MethodType
from typing import Any

import torch

from ...i18n import L
from .contract import alike, distance
from .sandbox import Outcome, code_of, run, run_own
from .spec import Case, Draw, Exercise

__all__ = ["Finding", "Report", "attempted", "expectations", "judge"]


@dataclass
class Finding:
    """One case: what was expected, what the learner's function did, and the status that follows."""

    case: Case
    expected: Any  # canonical value, or the exception class that the contract asks for
    outcome: Outcome
    yours: Any = None  # canonical value, None where it could not be read
    status: str = "passed"
    problem: L | None = None

    @property
    def size(self) -> int:
        """How many numbers and words it holds."""
        return sum(map(_size, self.case.args)) + _size(self.expected)

    def acts_like(self, other: Finding) -> bool:
        """True if both functions did the same: value, changes to the inputs, or an exception of one type at
        one kind of place."""
        if self.outcome.changed != other.outcome.changed or self.outcome.timed_out or other.outcome.timed_out:
            return False
        mine, theirs = self.outcome, other.outcome
        if mine.error is not None or theirs.error is not None:
            asked = self.status == other.status == "passed"  # the exception that the contract asks for
            return type(mine.error) is type(theirs.error) and (asked or mine.site == theirs.site)
        if self.yours is None or other.yours is None:  # at least one could not be read by the contract
            return alike(mine.value, theirs.value)
        return distance(self.yours, other.yours) <= 1 and (self.status == "contract") == (
            other.status == "contract"
        )


@dataclass
class Report:
    """All that one check saw."""

    exercise: Exercise
    seed: int
    findings: list[Finding] = field(default_factory=list)
    status: str = "passed"
    problem: L | None = None  # what breaks the contract as a whole: the arguments, the gradients
    gradients: bool | None = None  # True equal, False not, None not asked or not differentiable
    ended: bool = False  # the function ended the process that ran it
    code: Any = None  # the learner's code object, where there is one

    @property
    def failing(self) -> list[Finding]:
        return [f for f in self.findings if f.status != "passed"]

    @property
    def first(self) -> Finding | None:
        """The failing case that decides the verdict."""
        return (
            next((f for f in self.findings if f.status == self.status), None)
            if self.status != "passed"
            else None
        )


def _size(value: Any) -> int:
    if isinstance(value, torch.Tensor):
        return value.numel()
    return sum(map(_size, value)) if isinstance(value, (list, tuple, set, dict)) else 1


def judge(
    exercise: Exercise,
    fn: Callable[..., Any],
    seed: int,
    expected: list[Finding] | None = None,
    *,
    own: bool = False,
    ends: dict[int, Outcome] | None = None,
) -> Report:
    """Try `fn` on every case. `expected` saves running the reference again for the same seed.

    `own` programs are the course's, which need no guards; `ends` are outcomes that are known from another
    process.
    """
    report = Report(exercise, seed, code=code_of(fn))
    call = adapted(exercise, fn)
    if isinstance(call, L):
        report.status, report.problem = "contract", call
        return report
    named = _builtins_named(report.code)
    for position, blank in enumerate(expected or expectations(exercise, seed)):
        if ends and position in ends:
            outcome = ends[position]
        elif own:
            outcome = run_own(
                call, blank.case.args, watch=bool(exercise.forbidden) or blank.outcome.error is not None
            )
        else:
            outcome = run(call, blank.case.args)
        report.findings.append(_found(exercise, blank, outcome, named))
        if ends and position in ends:
            report.ended = not outcome.timed_out
        if outcome.timed_out or report.ended:
            break
    found = {f.status for f in report.findings}
    report.status = found.pop() if len(found) == 1 else _verdict(report.findings)
    if report.status == "passed" and exercise.gradients and not own:
        report.gradients, problem = _gradients(exercise, call, report.findings)
        if problem is not None and exercise.differentiable:
            report.status, report.problem = "contract", problem
    return report


def _verdict(findings: list[Finding]) -> str:
    """Errors, contract and values in the order of the cases; side effects and forbidden calls after all of
    these."""
    statuses = [f.status for f in findings]
    for group in (("too_slow",), ("error", "contract", "wrong"), ("side_effect",), ("forbidden",)):
        first = next((s for s in statuses if s in group), None)
        if first:
            return first
    return "passed"


def expectations(exercise: Exercise, seed: int) -> list[Finding]:
    """The cases of this seed with what the reference makes of them."""
    findings = []
    for case in exercise.cases(Draw(seed)):
        outcome = run_own(exercise.reference, tuple(map(_precise, case.args)))
        if isinstance(outcome.error, ValueError):  # the only exception that a contract here asks for
            value: Any = type(outcome.error)
        elif outcome.error is not None:
            raise outcome.error
        else:
            value, problem = exercise.returns.read(outcome.value, None)
            assert problem is None, f"{exercise.id}: the reference breaks its contract: {problem}"
        findings.append(Finding(case, value, outcome))
    return findings


def _precise(value: Any) -> Any:
    """The reference computes in float64, so that only the learner's rounding counts."""
    return value.double() if isinstance(value, torch.Tensor) and value.dtype == torch.float32 else value


def _builtins_named(code: CodeType | None) -> set[str]:
    """The builtins that a function and those within it name: `eval` is seen in the code, since no torch
    function runs."""
    if code is None:
        return set()
    return {name for name in code.co_names if hasattr(builtins, name)}.union(
        *(_builtins_named(inner) for inner in code.co_consts if isinstance(inner, CodeType))
    )


def _found(exercise: Exercise, blank: Finding, outcome: Outcome, named: set[str]) -> Finding:
    found = Finding(blank.case, blank.expected, outcome)
    raising = isinstance(blank.expected, type)
    if outcome.timed_out:
        found.status = "too_slow"
    elif outcome.error is not None:
        found.status = "passed" if raising and isinstance(outcome.error, blank.expected) else "error"
    elif raising:
        found.yours, _ = exercise.returns.read(outcome.value, None)
        found.status, found.problem = (
            "contract",
            L(
                zh="这组输入应当抛出 {name}，你的函数却返回了结果。",
                en="This input should raise {name}; your function returned a result.",
            ).format(name=blank.expected.__name__),
        )
    else:
        found.yours, found.problem = exercise.returns.read(outcome.value, blank.expected)
        forbidden = sorted(
            exercise.forbidden[name]
            for name in named.union(c.name for c in outcome.calls) & exercise.forbidden.keys()
        )
        if found.problem is not None:
            found.status = "contract"
        elif distance(found.yours, blank.expected) > 1:
            found.status = "wrong"
        elif outcome.changed or (exercise.fresh and outcome.shares_memory):
            found.status = "side_effect"
        elif forbidden:
            found.status, found.problem = (
                "forbidden",
                L(zh="{name}", en="{name}").format(name=", ".join(forbidden)),
            )
    return found


def adapted(exercise: Exercise, fn: Callable[..., Any]) -> Callable[..., Any] | L:
    """`fn` taking the contract's arguments in order, or what is wrong with its signature."""
    if not callable(fn):
        return L(
            zh="`{name}` 应是函数，现在是 {got}。", en="`{name}` should be a function; it is {got}."
        ).format(name=exercise.name, got=type(fn).__name__)
    try:
        given, wanted = inspect.signature(fn), inspect.signature(exercise.reference)
    except Exception:  # a builtin without a signature, or an odd object: its call will tell
        return fn
    names = list(wanted.parameters)
    required = [n for n in names if wanted.parameters[n].default is inspect.Parameter.empty]
    by_position, by_name = _binds(given, len(names), len(required)), all(n in given.parameters for n in names)
    if by_position:
        return fn
    if by_name and _binds(given, len(required), len(required)):
        return lambda *args: fn(
            *args[: len(required)], **dict(zip(names[len(required) :], args[len(required) :]))
        )
    return L(
        zh="参数应为 {want}，你的是 {got}。", en="The arguments should be {want}; yours are {got}."
    ).format(want=exercise.signature, got=f"{exercise.name}{given}")


def _binds(signature: inspect.Signature, most: int, least: int) -> bool:
    try:
        signature.bind(*range(most)), signature.bind(*range(least))
        return True
    except TypeError:
        return False


def _gradients(
    exercise: Exercise, fn: Callable[..., Any], findings: list[Finding]
) -> tuple[bool | None, L | None]:
    """Autograd against autograd on the first two cases -> (equal, not equal or no gradient at all (None);
    what is wrong)."""
    names = list(inspect.signature(exercise.reference).parameters)
    for finding in findings[:2]:
        right = _derivatives(exercise, exercise.reference, tuple(map(_precise, finding.case.args)), run_own)
        mine = _derivatives(exercise, fn, finding.case.args, run)
        scale = max((float(r.abs().max()) for r in right if r is not None and r.numel()), default=0.0)
        if mine is None:
            return None, L(
                zh="数值都对，但结果不带梯度，"
                "后面的格子没法用它训练：`.item()`、`.detach()`、`float()`、numpy 都会切断梯度。",
                en="The values are right, but the result carries no gradient, and later cells train "
                "through it: "
                "`.item()`, `.detach()`, `float()` and numpy all cut it off.",
            )
        for name, m, r in zip((names[i] for i in exercise.gradients), mine, right):
            # float32 against float64: rounding is judged by the largest number, since small ones are
            # differences of large ones
            rounding = 1e-3 * scale + 1e-6
            if r is None or not r.any():  # nothing is to reach this argument
                if m is not None and m.numel() and float(m.abs().max()) > rounding:
                    return False, L(
                        zh="数值都对，但有梯度传到了 `{name}`，题目要它不动。"
                        "`{name}.detach()` 把它摘出计算图。",
                        en="The values are right, but a gradient reaches `{name}`, which the task "
                        "keeps fixed. `{name}.detach()` "
                        "takes it out of the graph.",
                    ).format(name=name)
                continue
            if m is None or not float((m - r).abs().max()) <= rounding:
                return False, L(
                    zh="数值都对，但传到 `{name}` 的梯度不对，后面的格子要用它训练。哪一步把 "
                    "`{name}` 从计算图里摘了出去？",
                    en="The values are right, but the gradient that reaches `{name}` is not, and "
                    "later cells train with "
                    "it. Which step takes `{name}` out of the graph?",
                ).format(name=name)
    return True, None


def _derivatives(
    exercise: Exercise, fn: Callable[..., Any], args: tuple[Any, ...], runner: Callable[..., Outcome]
) -> Any:
    """The gradients of a weighted sum of the result; None where it has none."""

    def derive(*given: Any) -> Any:
        given = tuple(a.requires_grad_() if i in exercise.gradients else a for i, a in enumerate(given))
        value = fn(*given)
        value = value[0] if isinstance(value, tuple) else value
        weights = torch.linspace(0.5, 1.5, value.numel(), dtype=value.dtype).reshape(value.shape)
        return list(
            torch.autograd.grad(
                (value * weights).sum(), [given[i] for i in exercise.gradients], allow_unused=True
            )
        )

    outcome = runner(derive, args)
    return None if outcome.error is not None else outcome.value


def attempted(fn: Any) -> bool:
    """False for a stub: nothing but a docstring, `...`, `pass`, `return None` or `raise
    NotImplementedError`."""
    code = code_of(fn)
    if code is None or type(fn) not in (FunctionType, functools.partial, MethodType):
        return True
    quiet = {
        "RESUME",
        "NOP",
        "CACHE",
        "EXTENDED_ARG",
        "POP_TOP",
        "RETURN_VALUE",
        "RETURN_CONST",
        "LOAD_CONST",
        "LOAD_COMMON_CONSTANT",
    }
    steps = list(dis.get_instructions(code))
    if all(step.opname in quiet for step in steps):
        loaded = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
        return any(value is not None and value is not Ellipsis for value in loaded)
    return not (
        code.co_names == ("NotImplementedError",) and any(step.opname == "RAISE_VARARGS" for step in steps)
    )
