"""What this project wrote itself, word lists and small texts, lies in `data/text/` as CSV tables; its README
is their card."""

from __future__ import annotations

import csv
from functools import cache

from .. import paths
from ..i18n import L

__all__ = ["books", "glossary", "table"]


def table(name: str) -> list[dict[str, str]]:
    """The rows of `data/text/NAME.csv` in their order, each a dict by the names in its first line."""
    with paths.data(f"text/{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def glossary() -> tuple[L, ...]:
    """The course's terms, one each in both languages: the prose of every chapter keeps to them."""
    return tuple(L(**row) for row in table("glossary"))


@cache
def books() -> tuple[str, ...]:
    """48 titles of an invented library, six to each of eight shelves, shelf by shelf."""
    return tuple(row["title"] for row in table("books"))
