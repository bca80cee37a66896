"""Exercises that name the mistake.

    check("attention.sdpa")            # your function, by its contract name
    hint("attention.sdpa")             # the next rung of the ladder
    attention = use("attention.sdpa")  # yours if it passes, else the course's reference

A verdict is a comparison with one reference on designed inputs, drawn anew at every check. A misconception is named only
when your function does what that mistake does on every input. Nothing here ever stops a notebook.
"""
from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from types import FunctionType
from typing import Any

from ..i18n import L, language
from .engine import record
from .engine.card import Card
from .engine.classroom import merge
from .engine.clock import StopButton
from .engine.diagnose import Diagnosis, diagnose
from .engine.example import Example, smallest
from .engine.feedback import card_for
from .engine.judge import Report, adapted, attempted, expectations, judge
from .engine.record import progress
from .engine.registry import catalog, find
from .engine.spec import Exercise
from .engine.state import level_ground
from .engine.trial import attempt, marked

__all__ = ["Result", "catalog", "check", "hint", "merge", "progress", "reference_source", "solution", "stub", "use"]

_MISSING = object()
_GIVEN_OUT = "_course_reference"                 # marks a reference that `use` handed out: it is not the learner's work


@dataclass
class Result:
    """What a check found. In a notebook it shows its card once."""

    id: str
    status: str                                  # passed, not_attempted, missing, error, contract, wrong, side_effect, forbidden, too_slow
    mistakes: tuple[str, ...]
    message: str
    case: Example | None
    seed: int
    card: Card

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    def __repr__(self) -> str:
        return f"Result({self.id}: {self.status}{''.join(f', {m}' for m in self.mistakes)})"

    def _ipython_display_(self) -> None:
        self.card._ipython_display_()


def check(id: str, fn: Any = _MISSING, *, lang: str | None = None, seed: int | None = None, show: bool = True,
        record: bool = True) -> Result:
    """Check the function of an exercise, found by its contract name in the caller's notebook or handed in as `fn`.

    Never raises for anything that `fn` does; KeyError for an unknown exercise. `seed` repeats a run; `lang` overrides the
    language; `show=False` is silent; `record=False` leaves no trace in the progress.
    """
    exercise, lang = find(id), lang or language()
    handed, seed = fn is not _MISSING, random.SystemRandom().randrange(1_000_000) if seed is None else seed
    fn = fn if handed else _in_notebook(exercise.name, sys._getframe(1))
    result = _checked(exercise, fn, lang, seed, record)
    if show:
        result.card.show()
        if not handed and result.status not in ("passed", "not_attempted", "missing"):
            result.card.show_buttons([(L(zh="提示", en="Hint")[lang], lambda: _hint(exercise, None, lang)),
                                      (L(zh="参考解", en="Solution")[lang], lambda: _solution(exercise, lang, False))])
    return result


def _checked(exercise: Exercise, fn: Any, lang: str, seed: int, keep: bool) -> Result:
    blank = _not_started(exercise, fn, lang)
    if blank is not None:
        return Result(exercise.id, "missing" if fn is _MISSING else "not_attempted", (), blank.text, None, seed, blank)
    with StopButton(live=True), level_ground():
        report = _judged(exercise, fn, seed)
        try:
            diagnosis = diagnose(report, fn) if report.status != "passed" else Diagnosis()
        except Exception:                        # whatever odd value a function returned: the verdict stands, the notebook goes on
            diagnosis = Diagnosis()
    mistakes = tuple(m.id for m in diagnosis.mistakes)
    if keep:
        record.note(exercise.id, "check", status=report.status, mistakes=mistakes)
    failures = record.failures(exercise.id) if report.status != "passed" else 0
    with level_ground():
        card = card_for(report, diagnosis, lang, failures)
    return Result(exercise.id, report.status, mistakes, card.text, smallest(report), seed, card)


def _judged(exercise: Exercise, fn: Any, seed: int) -> Report:
    """The verdict of a learner's function, tried in another process before it runs in this one."""
    expected, call = expectations(exercise, seed), adapted(exercise, fn)
    if isinstance(call, L):
        return judge(exercise, fn, seed, expected)
    ends = attempt(exercise.id, seed, call, exercise.reference, [finding.case.args for finding in expected])
    with marked(exercise.id):
        return judge(exercise, fn, seed, expected, ends=ends)


def _not_started(exercise: Exercise, fn: Any, lang: str) -> Card | None:
    """The grey card for a function that is absent, a stub, or the course's own reference."""
    if fn is _MISSING:
        text = L(zh="○ 找不到 `{name}`：先运行定义它的那一格，再运行本格。", en="○ `{name}` is not defined yet: run the cell that defines it, then this one.")
    elif type(fn) is FunctionType and fn.__dict__.get(_GIVEN_OUT) == exercise.id:
        text = L(zh="○ 还没开始：`{name}` 现在是课程的参考实现。重新运行你写它的那一格，再运行本格。",
                 en="○ Not started: `{name}` is the course's reference at the moment. Run your own cell again, then this one.")
    elif not attempted(fn):
        text = L(zh="○ 还没开始：`{name}` 仍是初始模板。写好后再运行本格。",
                en="○ Not started: `{name}` is still the template. Fill it in and run this cell again.")
    else:
        return None
    return Card("idle", [text.format(name=exercise.name)[lang]])


def _in_notebook(name: str, frame: Any) -> Any:
    """The object of this name where the check was called, else in the notebook, else _MISSING."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    for scope in (frame.f_locals, frame.f_globals, getattr(shell, "user_ns", {}), vars(sys.modules["__main__"])):
        if name in scope:
            return scope[name]
    return _MISSING


def hint(id: str, n: int | None = None, *, lang: str | None = None) -> Card:
    """The next rung of the ladder, or rung `n` (from 1). The ladder starts at the mistake that the last check proved."""
    return _hint(find(id), n, lang or language()).show()


def _hint(exercise: Exercise, n: int | None, lang: str) -> Card:
    top, failed = len(exercise.hints), record.failures(exercise.id)
    if n is not None:
        if not 1 <= n <= top:
            return Card("idle", [L(zh="这道题有 {top} 条提示：1 到 {top}。", en="This exercise has {top} hints: 1 to {top}.").format(top=top)[lang]])
        rung = n
    else:
        start, seen = _first_rung(exercise), record.hints_given(exercise.id)
        rung = next((r for r in range(start, top + 1) if r not in seen), top)
        if rung > max(start, 1 + failed):
            return Card("idle", [L(zh="下一条提示要在再检查一次之后才给：先用上一条改一改，再运行 `check(\"{id}\")`。",
                                   en="The next hint comes after one more check: try the last one first, then run `check(\"{id}\")`.")
                                 .format(id=exercise.id)[lang]])
    record.note(exercise.id, "hint", rung=rung)
    return Card("note", [L(zh="提示 {rung}/{top} · {text}", en="Hint {rung}/{top} · {text}").format(rung=rung, top=top,
            text=exercise.hints[rung - 1])[lang]])


def _first_rung(exercise: Exercise) -> int:
    """The rung of the proved mistake; else of the slip this learner makes most often, if this exercise invites it; else 1."""
    proved = record.open_mistakes(exercise.id)
    rungs = [m.hint for m in exercise.mistakes if m.id in proved]
    if rungs:
        return rungs[0]
    for skill, times in record.weak_skills().most_common():
        rung = next((m.hint for m in exercise.mistakes if m.skill == skill), None)
        if rung is not None and times >= 2:
            return rung
    return 1


def solution(id: str, *, force: bool = False, lang: str | None = None) -> Card:
    """The reference, after two failed checks or with `force=True`."""
    return _solution(find(id), lang or language(), force).show()


def _solution(exercise: Exercise, lang: str, force: bool) -> Card:
    left = 2 - record.failures(exercise.id)
    if left > 0 and not force:
        return Card("idle", [L(zh="参考解在检查失败两次之后给出（还差 {left} 次）。先看看 `hint(\"{id}\")`；一定要看：`solution(\"{id}\", force=True)`。",
                               en="The solution opens after two failed checks ({left} to go). `hint(\"{id}\")` comes first; "
                                  "`solution(\"{id}\", force=True)` shows it anyway.").format(
            left=left, id=exercise.id)[lang]])
    record.note(exercise.id, "solution")
    return Card("note", [L(zh="参考解 · `{signature}`：能通过检查的写法不止这一种。", en="Solution · `{signature}`: one of many that pass.").format(
        signature=exercise.signature)[lang]], code=exercise.shown.rstrip())


def use(id: str, fn: Any = _MISSING, *, lang: str | None = None, show: bool = True) -> Callable[..., Any]:
    """The learner's function if it passes, else the reference; a line says which."""
    exercise, lang = find(id), lang or language()
    mine = fn if fn is not _MISSING else _in_notebook(exercise.name, sys._getframe(1))
    report = None
    if _not_started(exercise, mine, lang) is None:
        with StopButton(live=True), level_ground():
            report = _judged(exercise, mine, random.SystemRandom().randrange(1_000_000))
    passed = report is not None and report.status == "passed"
    text = L(zh="✓ 接下来用你写的 `{name}`。", en="✓ From here on your own `{name}` is used.") if passed else L(
        zh="○ 接下来用课程的参考实现 `{name}`；你的通过检查后，这里会换成你的。",
        en="○ From here on the course's reference `{name}` is used, until yours passes its check.")
    if passed and exercise.trained and report.gradients is not True:
        passed, text = False, L(zh="○ 你写的 `{name}` 数值都对，但结果不带（正确的）梯度；后面的格子要用它训练，所以接下来用课程的参考实现。",
                                en="○ Your `{name}` is right, but its result does not carry the right gradient; later cells train through it, so "
                                   "from here on the course's reference is used.")
    if show:
        Card("good" if passed else "idle", [text.format(name=exercise.name)[lang]]).show()
    if passed:
        return _of_contract_type(exercise, mine, report)
    given = exercise.program(())                 # a copy, so that the mark does not stick to the reference itself
    setattr(given, _GIVEN_OUT, exercise.id)
    return given


def _of_contract_type(exercise: Exercise, fn: Callable[..., Any], report: Report) -> Callable[..., Any]:
    """`fn` itself, or, where it returned numpy arrays or another dtype, `fn` with its results turned into the contract's types."""
    returned = [(f.outcome.value, f.case.args) for f in report.findings if f.outcome.error is None]
    if all(exercise.returns.hand(value, args) is value for value, args in returned):
        return fn

    @wraps(fn)
    def typed(*args: Any, **kwargs: Any) -> Any:
        return exercise.returns.hand(fn(*args, **kwargs), (*args, *kwargs.values()))
    return typed


def stub(id: str) -> str:
    """Source of the student edition: signature, docstring, `...`."""
    return find(id).stub


def reference_source(id: str) -> str:
    """Source of the solution edition: the reference, which needs `import torch` and `import math` at most."""
    return find(id).shown
