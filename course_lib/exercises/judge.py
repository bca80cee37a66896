"""The verdict: the contract, and a comparison with one reference on designed inputs. Diagnosis has no say in it."""
from __future__ import annotations

import dis
import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from ..i18n import L
from .contract import alike, distance
from .sandbox import Outcome, clone, run
from .spec import Case, Draw, Exercise

__all__ = ["Finding", "Report", "attempted", "expectations", "judge"]

# status of one case, from the worst; the first failing case of the worst status gives the verdict
STATUSES = ("too_slow", "error", "contract", "wrong", "side_effect", "forbidden", "passed")


@dataclass
class Finding:
    """One case: what was expected, what the learner's function did, and the status that follows."""

    case: Case
    expected: Any                                # canonical value, or the exception class that the contract asks for
    outcome: Outcome
    yours: Any = None                            # canonical value, None where it could not be read
    status: str = "passed"
    problem: L | None = None

    def acts_like(self, other: Finding) -> bool:
        """True if both functions did the same: value, exception, changes to the inputs."""
        if self.outcome.changed != other.outcome.changed or self.outcome.timed_out or other.outcome.timed_out:
            return False
        mine, theirs = self.outcome.error, other.outcome.error
        if mine is not None or theirs is not None:
            return type(mine) is type(theirs) and _gist(mine) == _gist(theirs)
        if self.yours is None or other.yours is None:        # at least one could not be read by the contract
            return alike(self.outcome.value, other.outcome.value)
        return distance(self.yours, other.yours) <= 1 and (self.status == "contract") == (other.status == "contract")


def _gist(error: BaseException) -> str:
    """The message without numbers, so that the same failure on other sizes reads the same."""
    return re.sub(r"\d+", "#", str(error))


@dataclass
class Report:
    """All that one check saw."""

    exercise: Exercise
    seed: int
    findings: list[Finding] = field(default_factory=list)
    status: str = "passed"
    problem: L | None = None                     # what breaks the contract before anything ran (arity)
    gradients: bool | None = None                # True equal, False not, None not asked or not differentiable

    @property
    def failing(self) -> list[Finding]:
        return [f for f in self.findings if f.status != "passed"]

    @property
    def first(self) -> Finding | None:
        """The failing case that decides the verdict."""
        return next((f for f in self.findings if f.status == self.status), None) if self.status != "passed" else None


def judge(exercise: Exercise, fn: Callable[..., Any], seed: int, expected: list[Finding] | None = None) -> Report:
    """Try `fn` on every case. `expected` saves running the reference again for the same seed."""
    report = Report(exercise, seed)
    call = _adapted(exercise, fn)
    if isinstance(call, L):
        report.status, report.problem = "contract", call
        return report
    for blank in expected or expectations(exercise, seed):
        finding = _try(exercise, call, blank)
        report.findings.append(finding)
        if finding.status == "too_slow" or isinstance(finding.outcome.error, KeyboardInterrupt):
            break
    found = {f.status for f in report.findings}
    report.status = found.pop() if len(found) == 1 else _verdict(report.findings)
    if report.status == "passed" and exercise.gradients:
        report.gradients = _gradients_agree(exercise, call, seed)
    return report


def _verdict(findings: list[Finding]) -> str:
    """Errors, contract and values in the order of the cases; side effects and forbidden calls after all of these."""
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
        outcome = run(exercise.reference, tuple(map(_precise, case.args)))
        if isinstance(outcome.error, ValueError):            # the only exception that a contract here asks for
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


def _try(exercise: Exercise, fn: Callable[..., Any], blank: Finding) -> Finding:
    outcome = run(fn, blank.case.args, watch=bool(exercise.forbidden))
    found = Finding(blank.case, blank.expected, outcome)
    raising = isinstance(blank.expected, type)
    if outcome.timed_out:
        found.status = "too_slow"
    elif outcome.error is not None:
        found.status = "passed" if raising and isinstance(outcome.error, blank.expected) else "error"
    elif raising:
        found.yours, _ = exercise.returns.read(outcome.value, None)
        found.status, found.problem = "contract", L(
            zh="这组输入应当抛出 {name}，你的函数却返回了结果。", en="This input should raise {name}; your function returned a result.").format(
            name=blank.expected.__name__)
    else:
        found.yours, found.problem = exercise.returns.read(outcome.value, blank.expected)
        forbidden = sorted({exercise.forbidden[c.name] for c in outcome.calls if c.name in exercise.forbidden})
        if found.problem is not None:
            found.status = "contract"
        elif distance(found.yours, blank.expected) > 1:
            found.status = "wrong"
        elif outcome.changed or (exercise.fresh and outcome.shares_memory):
            found.status = "side_effect"
        elif forbidden:
            found.status, found.problem = "forbidden", L(zh="{name}", en="{name}").format(name=", ".join(forbidden))
    return found


def _adapted(exercise: Exercise, fn: Callable[..., Any]) -> Callable[..., Any] | L:
    """`fn` taking the contract's arguments in order, or what is wrong with its signature."""
    if not callable(fn):
        return L(zh="`{name}` 应是函数，现在是 {got}。", en="`{name}` should be a function; it is {got}.").format(
            name=exercise.name, got=type(fn).__name__)
    try:
        given, wanted = inspect.signature(fn), inspect.signature(exercise.reference)
    except (TypeError, ValueError):              # a builtin without a signature: its call will tell
        return fn
    names = list(wanted.parameters)
    required = [n for n in names if wanted.parameters[n].default is inspect.Parameter.empty]
    by_position, by_name = _binds(given, len(names), len(required)), all(n in given.parameters for n in names)
    if by_position:
        return fn
    if by_name and _binds(given, len(required), len(required)):
        return lambda *args: fn(*args[:len(required)], **dict(zip(names[len(required):], args[len(required):])))
    return L(zh="参数应为 {want}，你的是 {got}。", en="The arguments should be {want}; yours are {got}.").format(
        want=exercise.signature, got=f"{exercise.name}{given}")


def _binds(signature: inspect.Signature, most: int, least: int) -> bool:
    try:
        signature.bind(*range(most)), signature.bind(*range(least))
        return True
    except TypeError:
        return False


def _gradients_agree(exercise: Exercise, fn: Callable[..., Any], seed: int) -> bool | None:
    """Autograd against autograd in float64 on the first case; None where the learner's result has no gradient."""
    args = exercise.cases(Draw(seed))[0].args

    def gradients(function: Callable[..., Any]) -> list[torch.Tensor] | None:
        given = [clone(a).double().requires_grad_() if i in exercise.gradients else clone(a) for i, a in enumerate(args)]
        outcome = run(lambda: function(*given), ())
        value = outcome.value[0] if isinstance(outcome.value, tuple) else outcome.value
        if not isinstance(value, torch.Tensor) or not value.requires_grad:
            return None
        weights = torch.linspace(0.5, 1.5, value.numel(), dtype=torch.float64).reshape(value.shape)
        try:
            return [g for g in torch.autograd.grad((value * weights).sum(), [given[i] for i in exercise.gradients], allow_unused=True)]
        except RuntimeError:                     # an in-place edit spoilt the graph
            return None

    mine, right = gradients(fn), gradients(exercise.reference)
    if mine is None or right is None:
        return None
    return all(m is not None and distance(m, r) <= 1 for m, r in zip(mine, right))


def attempted(fn: Any) -> bool:
    """False for a stub: nothing but a docstring, `...`, `pass`, `return None` or `raise NotImplementedError`."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    fn = inspect.unwrap(fn) if callable(fn) else fn
    code = getattr(fn, "__code__", None)
    if code is None:
        return True
    quiet = {"RESUME", "NOP", "CACHE", "EXTENDED_ARG", "POP_TOP", "RETURN_VALUE", "RETURN_CONST", "LOAD_CONST", "LOAD_COMMON_CONSTANT"}
    steps = list(dis.get_instructions(code))
    if all(step.opname in quiet for step in steps):
        loaded = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
        return any(value is not None and value is not Ellipsis for value in loaded)
    return not (code.co_names == ("NotImplementedError",) and any(step.opname == "RAISE_VARARGS" for step in steps))
