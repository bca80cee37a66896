"""One check from the function to its card: what is not started, the verdict, the diagnosis, what goes on
record."""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType
from typing import Any

from ...i18n import L
from . import record
from .card import Card
from .cells import stale
from .clock import StopButton
from .diagnose import Diagnosis, diagnose
from .example import Example, smallest, worked
from .feedback import card_for
from .judge import Report, adapted, attempted, expectations, judge
from .spec import Exercise
from .state import level_ground
from .trial import attempt, marked

__all__ = ["GIVEN_OUT", "MISSING", "Result", "checked", "judged", "unchecked"]

MISSING = object()
GIVEN_OUT = "_course_reference"  # marks a reference that `use` handed out: it is not the learner's work


@dataclass
class Result:
    """What a check found. In a notebook it shows its card once."""

    id: str
    status: str  # passed, not_attempted, missing, error, contract, wrong, side_effect, forbidden, too_slow
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


def checked(exercise: Exercise, fn: Any, lang: str, seed: int, keep: bool, handed: bool = True) -> Result:
    """The whole check; `handed` functions were not looked up by name, so no cell can have made them stale."""
    blank = unchecked(exercise, fn, lang, handed)
    if blank is not None:
        status, card = blank
        return Result(exercise.id, status, (), card.text, None, seed, card)
    with StopButton(live=True), level_ground():
        report = judged(exercise, fn, seed)
        try:
            diagnosis = diagnose(report, fn) if report.status != "passed" else Diagnosis()
        except Exception:  # whatever odd value a function returned: the verdict stands, the notebook goes on
            diagnosis = Diagnosis()
    mistakes = tuple(m.id for m in diagnosis.mistakes)
    if keep:
        record.note(exercise.id, "check", status=report.status, mistakes=mistakes)
    failures = record.failures(exercise.id) if report.status != "passed" else 0
    with level_ground():
        card = card_for(report, diagnosis, lang, failures)
    if keep and report.status == "passed":
        card.lines = [*card.lines, record.standing(exercise.id)[lang]]
    return Result(exercise.id, report.status, mistakes, card.text, smallest(report), seed, card)


def judged(exercise: Exercise, fn: Any, seed: int) -> Report:
    """The verdict of a learner's function, tried in another process before it runs in this one."""
    expected, call = expectations(exercise, seed), adapted(exercise, fn)
    if isinstance(call, L):
        return judge(exercise, fn, seed, expected)
    ends = attempt(exercise.id, seed, call, exercise.reference, [finding.case.args for finding in expected])
    with marked(exercise.id):
        return judge(exercise, fn, seed, expected, ends=ends)


def unchecked(exercise: Exercise, fn: Any, lang: str, handed: bool) -> tuple[str, Card] | None:
    """Status and card of a function that is not the learner's last word: absent, older than its cell, a stub,
    the course's own reference."""
    name, missing = exercise.name, fn is MISSING
    if not handed and (found := stale(name, fn, missing)):
        return found.status, Card("bad", [found.says[lang]])
    if missing:
        text = L(
            zh="○ 找不到 `{name}`：先运行定义它的那一格，再运行本格。",
            en="○ `{name}` is not defined yet: run the cell that defines it, then this one.",
        )
        return "missing", Card("idle", [text.format(name=name)[lang]])
    if type(fn) is FunctionType and fn.__dict__.get(GIVEN_OUT) == exercise.id:
        text = L(
            zh="○ 还没开始：`{name}` 现在是课程的参考实现。重新运行你写它的那一格，再运行本格。",
            en="○ Not started: `{name}` is the course's reference at the moment. Run your own cell "
            "again, then this one.",
        )
    elif not attempted(fn):
        text = L(
            zh="○ 还没开始：`{name}` 仍是初始模板。写好后再运行本格。",
            en="○ Not started: `{name}` is still the template. Fill it in and run this cell again.",
        )
    else:
        return None
    start = L(zh='不知从哪里下手？`cl.hint("{id}")`', en='Where to begin? `cl.hint("{id}")`')
    with level_ground():
        example = worked(exercise, lang)
    return "not_attempted", Card(
        "idle",
        [text.format(name=name)[lang], start.format(id=exercise.id)[lang]],
        folds=[example] if example else [],
    )
