"""Short letters to a shop, in English, written for this course: six kinds, twenty of each.

The first eight of a kind are for training, four for choosing settings, eight for testing. They are made up
and easy to tell apart: they show how a few examples teach a model labels of your own, not how well that works
on real mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from .corpus import Corpus
from .tables import table

__all__ = ["KINDS", "Request", "requests"]

TRAIN, VALID = 8, 4
KINDS = ("delivery", "refund", "account", "repair", "size", "invoice")


@dataclass(frozen=True)
class Request:
    """One letter; `label` is the number of its kind in `KINDS`."""

    text: str
    label: int


@cache
def requests() -> Corpus[Request]:
    """48 letters to learn from, 24 to choose settings by, 48 to be tested on; as many of each kind, and kinds
    take turns."""
    columns = [[row["text"] for row in table("requests") if row["kind"] == kind] for kind in KINDS]
    rows = [Request(text, kind) for turn in zip(*columns, strict=True) for kind, text in enumerate(turn)]
    train, valid = TRAIN * len(KINDS), (TRAIN + VALID) * len(KINDS)
    return Corpus("requests", tuple(rows[:train]), tuple(rows[train:valid]), tuple(rows[valid:]), ())
