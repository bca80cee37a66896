"""Exercises that name the mistake.

    check("attention.sdpa")            # your function, by its contract name
    hint("attention.sdpa")             # the next rung of the ladder
    attention = use("attention.sdpa")  # yours if it passes, else the course's reference

A verdict is a comparison with one reference on designed inputs, drawn anew at every check. A misconception is
named only when your function does what that mistake does on every input. Nothing here ever stops a notebook.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from ..i18n import L, language
from .engine import cells
from .engine.card import Card
from .engine.checking import GIVEN_OUT, MISSING, Result, checked, judged, unchecked
from .engine.classroom import merge
from .engine.clock import StopButton
from .engine.judge import Report
from .engine.ladder import solution_card
from .engine.offer import offer, show_hint
from .engine.record import progress
from .engine.registry import catalog, find
from .engine.spec import Exercise
from .engine.state import level_ground

__all__ = [
    "Result",
    "catalog",
    "check",
    "hint",
    "merge",
    "progress",
    "reference_source",
    "solution",
    "stub",
    "use",
]

cells.watch()  # from the first cell on: a check asks what became of the cell it is about


def check(
    id: str,
    fn: Any = MISSING,
    *,
    lang: str | None = None,
    seed: int | None = None,
    show: bool = True,
    record: bool = True,
) -> Result:
    """Check the function of an exercise, found by its contract name in the caller's notebook or handed in as
    `fn`.

    Never raises for anything that `fn` does; KeyError for an unknown exercise. `seed` repeats a run; `lang`
    overrides the language; `show=False` is silent; `record=False` leaves no trace in the progress.
    """
    exercise, lang = find(id), lang or language()
    handed, seed = fn is not MISSING, random.SystemRandom().randrange(1_000_000) if seed is None else seed
    fn = fn if handed else _in_notebook(exercise.name, sys._getframe(1))
    result = checked(exercise, fn, lang, seed, record, handed)
    if show:
        result.card.show()
        if not handed:
            offer(exercise, lang, result.passed)
    return result


def _in_notebook(name: str, frame: Any) -> Any:
    """The object of this name where the check was called, else in the notebook, else MISSING."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    for scope in (
        frame.f_locals,
        frame.f_globals,
        getattr(shell, "user_ns", {}),
        vars(sys.modules["__main__"]),
    ):
        if name in scope:
            return scope[name]
    return MISSING


def hint(id: str, n: int | None = None, *, lang: str | None = None) -> Card:
    """The next rung of the ladder, or rung `n` (from 1), below those given before. The ladder starts at the
    mistake that the last check proved.

    The rung after the last hint, where the reference has more than three lines, is a puzzle: these lines, to
    be put in order.
    """
    exercise, lang = find(id), lang or language()
    return show_hint(exercise, n, lang)


def solution(id: str, *, force: bool = False, lang: str | None = None) -> Card:
    """The reference, after two failed checks or with `force=True`."""
    return solution_card(find(id), lang or language(), force).show()


def use(id: str, fn: Any = MISSING, *, lang: str | None = None, show: bool = True) -> Callable[..., Any]:
    """The learner's function if it passes, else the reference; a line says which."""
    exercise, lang = find(id), lang or language()
    handed = fn is not MISSING
    mine = fn if handed else _in_notebook(exercise.name, sys._getframe(1))
    report = None
    if unchecked(exercise, mine, lang, handed) is None:
        with StopButton(live=True), level_ground():
            report = judged(exercise, mine, random.SystemRandom().randrange(1_000_000))
    passed = report is not None and report.status == "passed"
    text = (
        L(zh="✓ 接下来用你写的 `{name}`。", en="✓ From here on your own `{name}` is used.")
        if passed
        else L(
            zh="○ 接下来用课程的参考实现 `{name}`；你的通过检查后，这里会换成你的。",
            en="○ From here on the course's reference `{name}` is used, until yours passes its check.",
        )
    )
    if passed and exercise.trained and report.gradients is not True:
        passed, text = (
            False,
            L(
                zh="○ 你写的 `{name}` 数值都对，但结果不带（正确的）梯度；后面的格子要用它训练，"
                "所以接下来用课程的参考实现。",
                en="○ Your `{name}` is right, but its result does not carry the right gradient; "
                "later cells train through it, so "
                "from here on the course's reference is used.",
            ),
        )
    if show:
        Card("good" if passed else "idle", [text.format(name=exercise.name)[lang]]).show()
    if passed:
        return _of_contract_type(exercise, mine, report)
    given = exercise.program(())  # a copy, so that the mark does not stick to the reference itself
    setattr(given, GIVEN_OUT, exercise.id)
    return given


def _of_contract_type(exercise: Exercise, fn: Callable[..., Any], report: Report) -> Callable[..., Any]:
    """`fn` itself, or, where it returned numpy arrays or another dtype, `fn` with its results turned into the
    contract's types."""
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
