"""The engine's own test: `python -m course_lib check [ID or CHAPTER...] [--seeds N]`.

For every exercise: the reference and the alternatives pass, every mistake is refused and named, no two
mistakes look alike, every mistake stands at least 100 tolerances away from the reference on some case, and
every message exists in both languages.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from functools import wraps
from typing import Any

import torch

from ...i18n import L
from .contract import distance
from .diagnose import diagnose
from .feedback import card_for
from .judge import expectations, judge
from .registry import exercises
from .spec import Draw, Exercise, Mistake
from .state import level_ground

__all__ = ["Row", "examine", "main"]

FAR = 100.0  # tolerances that separate a mistake from the reference


@dataclass
class Row:
    """What one exercise showed, over all seeds."""

    id: str
    passed: int = 0
    alternatives: int = 0
    rejected: int = 0
    named: int = 0
    mistakes: int = 0
    separated: int = 0
    seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def examine(exercise: Exercise, seeds: range) -> Row:
    """Run every program of one exercise through a whole check, as a learner would."""
    ways = [way for mistake in exercise.mistakes for way in mistake.ways]
    row = Row(exercise.id, alternatives=len(exercise.alternatives) + 1, mistakes=len(ways))
    for name, program in [("reference", exercise.reference)] + [
        (getattr(a, "__name__", str(a)), exercise.program(a)) for a in exercise.alternatives
    ]:
        program = program and reworded(program)
        refused = None if program else "the edit does not apply"
        for seed in seeds if program else ():
            report, _ = _timed(exercise, program, seed, row)
            if report.status != "passed":
                refused = (
                    f"{report.status} at seed {seed}: "
                    f"{report.first.case.name.en if report.first else report.problem}"
                )
        row.passed += refused is None
        row.problems += [f"{name} refused: {refused}"] if refused else []
    for mistake in ways:
        _examine_mistake(exercise, mistake, seeds, row)
    row.problems += [f"text missing: {path}" for path in _gaps(exercise)]
    for what, found, least in (
        ("hints", exercise.hints, 3),
        ("mistakes", exercise.mistakes, 5),
        ("alternatives", exercise.alternatives, 5),
    ):
        row.problems += [f"fewer than {least} {what}"] if len(found) < least else []
    row.problems += (
        ["two mistakes share an id"]
        if len({m.id for m in exercise.mistakes}) < len(exercise.mistakes)
        else []
    )
    return row


def _examine_mistake(exercise: Exercise, mistake: Mistake, seeds: range, row: Row) -> None:
    program = exercise.program(mistake)
    if program is None:
        row.problems.append(f"{mistake.id}: the edit does not apply")
        return
    program = reworded(program)
    accepted, unnamed, near = [], [], []
    for seed in seeds:
        report, diagnosis = _timed(exercise, program, seed, row)
        names = tuple(m.id for m in diagnosis.mistakes) if diagnosis else ()
        accepted += [seed] if report.status == "passed" else []
        unnamed += [f"{seed}: {names}"] if names != (mistake.id,) else []
        near += [seed] if report.status != "passed" and not _far(report) else []
    row.rejected, row.named, row.separated = (
        row.rejected + (not accepted),
        row.named + (not unnamed),
        row.separated + (not near),
    )
    row.problems += [f"{mistake.id} accepted at seeds {accepted}"] if accepted else []
    row.problems += [f"{mistake.id} not named at seeds {unnamed}"] if unnamed else []
    row.problems += [f"{mistake.id} too near at seeds {near}"] if near else []


def reworded(program: Callable[..., Any]) -> Callable[..., Any]:
    """The program with other words in whatever it raises: no name may hang on them."""

    @wraps(program)
    def other(*args: Any, **kwargs: Any) -> Any:
        try:
            return program(*args, **kwargs)
        except Exception as error:
            error.args = ("in the learner's own words",)
            raise

    return other


def _timed(exercise: Exercise, program: Any, seed: int, row: Row):
    start = time.perf_counter()
    with level_ground():
        report = judge(exercise, program, seed)
        diagnosis = diagnose(report, program) if report.status != "passed" else None
    if diagnosis is not None:
        for lang in ("zh", "en"):
            card = card_for(report, diagnosis, lang, failures=2)
            if not 2 <= len(card.text.splitlines()) <= 6:
                row.problems.append(f"a card of {len(card.text.splitlines())} lines in {lang}: {card.text!r}")
            row.problems += (
                [] if card.html.count("<div") == card.html.count("</div") else ["a card with unbalanced HTML"]
            )
    row.seconds.append(time.perf_counter() - start)
    return report, diagnosis


def _far(report) -> bool:
    """True if some case fails by more than rounding could explain."""
    return any(f.status != "wrong" or distance(f.yours, f.expected) >= FAR for f in report.failing)


def _gaps(thing: Any, path: str = "") -> Iterator[str]:
    """Where a text lacks a language, or one language stands in the other's place."""
    if isinstance(thing, L):
        if not thing.zh.strip() or not thing.en.strip() or any("\u4e00" <= c <= "\u9fff" for c in thing.en):
            yield path
    elif is_dataclass(thing) and not isinstance(thing, type):
        for part in fields(thing):
            yield from _gaps(getattr(thing, part.name), f"{path}.{part.name}")
        if isinstance(thing, Exercise):
            yield from _gaps([(case.name, case.about) for case in thing.cases(Draw(0))], "case")
    elif isinstance(thing, (list, tuple)):
        for i, item in enumerate(thing):
            yield from _gaps(item, f"{path}[{i}]")


def main(argv: list[str] | None = None) -> int:
    """Print the table; 1 if anything is amiss."""
    parser = argparse.ArgumentParser(prog="python -m course_lib check")
    parser.add_argument("names", nargs="*", help="exercise ids or chapters; all by default")
    parser.add_argument("--seeds", type=int, default=3, help="how many random draws of the inputs (3)")
    args = parser.parse_args([a for a in (argv or []) if a != "check"])
    if unknown := set(args.names) - {name for e in exercises().values() for name in (e.id, e.chapter)}:
        parser.error(
            str(
                L(
                    zh="没有 {0}：它在 notebooks/chapters.toml 的 exercises 里吗？",
                    en="there is no {0}: is it among the exercises in notebooks/chapters.toml?",
                ).format(", ".join(sorted(unknown)))
            )
        )
    torch.set_num_threads(1)
    chosen = [
        e for e in exercises().values() if not args.names or e.id in args.names or e.chapter in args.names
    ]
    print(f"{'exercise':26} correct pass  mistakes refused  named  separated  cases  p95 ms")
    rows = []
    for exercise in chosen:
        rows.append(row := examine(exercise, range(args.seeds)))
        print(
            f"{row.id:26} {row.passed:5} / {row.alternatives:<4}  {row.rejected:7} / "
            f"{row.mistakes:<6} {row.named:5}  {row.separated:9}"
            f"  {len(expectations(exercise, 0)):5}  {_p95(row.seconds):6.0f}",
            flush=True,
        )
    total = {
        name: sum(getattr(row, name) for row in rows)
        for name in ("passed", "alternatives", "rejected", "mistakes", "named", "separated")
    }
    seconds = [s for row in rows for s in row.seconds]
    print(
        f"{f'{len(rows)} exercises':26} {total['passed']:5} / {total['alternatives']:<4}  "
        f"{total['rejected']:7} / {total['mistakes']:<6} "
        f"{total['named']:5}"
        f"  {total['separated']:9}         {_p95(seconds):6.0f}   over {len(seconds)} checks"
    )
    problems = [f"{row.id}: {problem}" for row in rows for problem in dict.fromkeys(row.problems)]
    print("\n".join(problems))
    return 1 if problems else 0


def _p95(seconds: list[float]) -> float:
    return 1000 * sorted(seconds)[int(0.95 * (len(seconds) - 1))] if seconds else 0.0
