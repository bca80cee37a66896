"""`recall` asks three questions from earlier chapters: those that are due, missed ones first, and new ones.

The questions lie in `data/text/recall.csv`; when each comes back, `schedule` says; what was answered is in
the progress file.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from ..chapters import chapters
from ..exercises.engine import record
from ..exercises.engine.card import in_notebook
from ..i18n import L
from ..text.tables import table
from ..viz.html import Markup, paragraph
from ..viz.widgets.question import inline
from ..viz.widgets.quiz import Quiz
from .schedule import Answer, due, pick

__all__ = ["bank", "recall"]


@dataclass(frozen=True)
class RecallQuestion:
    """An application question: its right answer, wrong ones, the reason, and the section of its chapter that
    gives it."""

    id: str
    chapter: int
    text: L
    right: L
    wrong: tuple[L, ...]
    reason: L
    section: L

    def options(self, times: int) -> list[L]:
        """All answers, in an order that changes from one time it is asked to the next."""
        return random.Random(f"{self.id}{times}").sample([self.right, *self.wrong], 1 + len(self.wrong))

    def link(self) -> Markup:
        """Where it was explained; the address is relative to a notebook of the same edition."""
        stem = next(chapter.stem for chapter in chapters() if chapter.number == self.chapter)
        return Markup('<a href="{}.ipynb#{}" target="_blank">{}</a>').format(
            stem, str(self.section).replace(" ", "-"), self.section
        )


@cache
def bank() -> tuple[RecallQuestion, ...]:
    """All questions, in the order of the chapters."""

    def words(row: dict[str, str], name: str) -> L:
        return L(zh=row[f"{name}_zh"], en=row[f"{name}_en"])

    return tuple(
        RecallQuestion(
            row["id"],
            int(row["chapter"]),
            words(row, "question"),
            words(row, "right"),
            tuple(
                L(zh=zh, en=en)
                for zh, en in zip(row["wrong_zh"].split("|"), row["wrong_en"].split("|"), strict=True)
            ),
            words(row, "reason"),
            words(row, "section"),
        )
        for row in table("recall")
    )


def recall(before: int | None = None) -> Quiz | None:
    """Ask three questions from chapters before number `before` (the build fills it in), or from all; None
    where none is due.

    An answer shows at once whether it is right, why, and where to read on. Nothing waits for it, and one
    click puts the questions away.
    """
    now = datetime.now().astimezone()
    questions = [question for question in bank() if before is None or question.chapter < before]
    answers = answered(now)
    chosen = pick(questions, answers, now)
    if not chosen:
        _say(_nothing(questions, answers))
        return None
    options = [question.options(len(answers.get(question.id, ()))) for question in chosen]

    def note(i: int, option: int) -> Markup:
        question, right = chosen[i], options[i][option] is chosen[i].right
        record.note(question.id, "recall", right=right)
        words = (
            L(zh="✓ 对。{reason} {link}", en="✓ Right. {reason} {link}")
            if right
            else L(zh="应当是“{right}”。{reason} {link}", en="It is “{right}”. {reason} {link}")
        )
        return Markup(words).format(
            right=question.right, reason=inline(question.reason), link=question.link()
        )

    title = L(
        zh="先回想一下 · 来自前面章节的 {n} 道题", en="From earlier chapters · {n} questions to recall"
    ).format(n=len(chosen))
    return Quiz(
        title,
        [(question.text, [str(option) for option in shown]) for question, shown in zip(chosen, options)],
        note,
    )


def answered(now: datetime) -> dict[str, list[Answer]]:
    """Question id -> its answers, oldest first, as the progress file has them; a line whose time cannot be
    read is passed over."""
    found: dict[str, list[Answer]] = {}
    for event in record.events():
        if event["event"] == "recall" and "right" in event and (when := record.when(event)):
            # a clock may have been wrong
            found.setdefault(event["id"], []).append((min(when, now), event["right"]))
    return {id: sorted(answers) for id, answers in found.items()}


def _nothing(questions: list[RecallQuestion], answers: dict[str, list[Answer]]) -> L:
    if not questions:
        return L(zh="还没有学过的章节可以回想。", en="There is no earlier chapter to recall yet.")
    day = min(due(answers[question.id]) for question in questions).date().isoformat()
    return L(
        zh="今天没有到期的题；下一道在 {day}。", en="No question is due today; the next one on {day}."
    ).format(day=day)


def _say(words: L) -> None:
    if in_notebook():
        from IPython.display import display

        display(paragraph(words))
    else:
        print(words)
