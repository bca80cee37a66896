"""How Chinese verse sounds: the rhymes and tones of the Pingshui rhyme book (13th century), to which
regulated verse is held.

    rhyme("东")                         # '东'; rhyme("重") == '冬、肿、宋': one character, three readings
    tones("白日依山尽")                  # '● ● ○ ○ ●'
    alternates("白日依山尽")             # True: characters 2 and 4 differ in tone

The sounds are those of Middle Chinese, not of today; the characters are simplified, so one may stand for
several old ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from .tables import table

__all__ = ["alternates", "rhyme", "rhymes", "tones"]


@cache
def _book() -> dict[str, dict[str, str]]:
    """Character -> the groups of its readings, each with its tone (平, 上, 去 or 入)."""
    book: dict[str, dict[str, str]] = {}
    for row in table("rhymes"):
        for char in row["characters"]:
            book.setdefault(char, {})[row["rhyme"]] = row["tone"]
    return book


def rhyme(char: str) -> str:
    """The rhyme groups of a character's readings, "东" or "冬、肿、宋"; "" for what the book does not
    have."""
    return "、".join(_book().get(char, ()))


def rhymes(lines: Sequence[str]) -> bool:
    """Whether lines 2, 4, 6 ... end in one rhyme, that is, some reading of each is in the same group; False
    with fewer than four lines."""
    ends = [set(_book().get(line[-1:], ())) for line in lines[1::2]]
    return len(ends) > 1 and bool(set.intersection(*ends))


def tones(line: str) -> str:
    """A mark for each character: ○ level (平), ● oblique (仄), ◐ has readings of both kinds, ? not in the
    book."""
    return " ".join({(True,): "○", (False,): "●", (): "?"}.get(tuple(_levels(char)), "◐") for char in line)


def alternates(line: str) -> bool:
    """Whether characters 2, 4 (and 6) can be read alternately level and oblique; one that the book does not
    have fits neither. False below four."""
    readings = [_levels(char) for char in line[1::2]]
    return len(readings) > 1 and any(
        all((i + first) % 2 in levels for i, levels in enumerate(readings)) for first in (0, 1)
    )


def _levels(char: str) -> set[bool]:
    """Whether the character can be level (True), oblique (False) or both; empty where the book lacks it."""
    return {tone == "平" for tone in _book().get(char, {}).values()}
