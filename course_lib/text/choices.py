"""Fifty multiple-choice questions that anybody can check, written for this course in English and in Chinese.

    item = exam("en")[0]
    item.question, item.options[item.answer]        # 'How many legs does a spider have?', 'Eight'

The right answer stands at each of the four places equally often, and neither its length nor its place gives
it away (the tests hold that).
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from .tables import table

__all__ = ["Item", "exam"]


class Item(NamedTuple):
    """A question with four options, one of which, `options[answer]`, is right. kind: nature, physics,
    geography, everyday, numbers or words."""

    kind: str
    question: str
    options: tuple[str, ...]
    answer: int


@cache
def exam(lang: str = "en") -> tuple[Item, ...]:
    """The fifty items in `lang`, "en" or "zh"; the same ones in the same order, the right answer at the same
    place."""
    items = []
    for i, row in enumerate(table("exam")):
        options = row[f"wrong_{lang}"].split("|")
        answer = (7 * i + i // 4) % 4  # each place equally often, in no order that one sees
        options.insert(answer, row[f"right_{lang}"])
        items.append(Item(row["kind"], row[f"question_{lang}"], tuple(options), answer))
    return tuple(items)
