"""When a question comes back: SM-2, with its two grades "right" and "wrong".

SM-2 (P. A. Wozniak, Optimization of learning, master's thesis, Poznań 1990;
super-memory.com/english/ol/sm2.htm): after its first right answer a question rests one day, after the second
in a row six days, after each further one `EASE` times as long as before, rounded up; a wrong answer begins
anew. Whoever says no more than right or wrong gives grade 4 or less than 3, and neither changes the ease of
2.5.

    >>> [interval(streak) for streak in range(6)]
    [1, 1, 6, 15, 38, 95]
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

__all__ = ["Answer", "due", "interval", "pick"]

EASE = 2.5
Answer = tuple[datetime, bool]  # when, and whether it was right


class Item(Protocol):
    """What is scheduled."""

    @property
    def id(self) -> str: ...

    @property
    def chapter(self) -> int: ...


T = TypeVar("T", bound=Item)


def interval(streak: int) -> int:
    """Days of rest after this many right answers in a row; 0 means that the last one was wrong."""
    days = 1
    for n in range(2, streak + 1):
        days = 6 if n == 2 else math.ceil(days * EASE)
    return days


def due(answers: Sequence[Answer]) -> datetime:
    """When a question with these answers, oldest first, is to be asked again."""
    streak = next((n for n, (_, right) in enumerate(reversed(answers)) if not right), len(answers))
    return answers[-1][0] + timedelta(days=interval(streak))


def pick(items: Iterable[T], answers: Mapping[str, Sequence[Answer]], now: datetime, n: int = 3) -> list[T]:
    """At most n items: those that are due, missed ones first, then new ones, in turn from each chapter, the
    latest chapter first.

    One place is kept for a new item: whoever opens a chapter every other day has three due each time, and
    would never be asked of the latest.
    """
    items = list(items)
    waiting = [item for item in items if answers.get(item.id) and due(answers[item.id]) <= now]
    waiting.sort(key=lambda item: (answers[item.id][-1][1], due(answers[item.id])))
    turns: dict[int, int] = {}
    new = []
    for item in items:
        if not answers.get(item.id):
            turns[item.chapter] = turns.get(item.chapter, 0) + 1
            new.append((turns[item.chapter], -item.chapter, item))
    fresh = [item for *_, item in sorted(new, key=lambda entry: entry[:2])]
    return (waiting[: n - 1] + fresh[:1] + waiting[n - 1 :] + fresh[1:])[:n]
