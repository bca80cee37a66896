"""What a Chinese reader knows before the first label: words that praise and words that complain.

The lists were written for this course from knowledge of the language, not picked by looking at labels. `mood`
counts them and turns them round after a negation, so it judges a review without any training; zh-bert learns
from it in the last part of its training (`training/recipes/zh_bert.py`), as sentiment words teach SKEP (Tian
et al. 2020, arXiv:2005.05635).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .tables import table

__all__ = ["COMPLAINT", "PRAISE", "Mood", "mood"]

PRAISE, COMPLAINT = (
    [row["word"] for row in table("mood") if row["side"] == side] for side in ("praise", "complaint")
)

_NEGATIONS = "不太|不够|不是很|不是太|不怎么|谈不上|算不上|没什么|没有|没|不|无|未|毫无|并非|别"
_WORDS = {word: 1 for word in PRAISE} | {word: -1 for word in COMPLAINT}
_PATTERN = re.compile(rf"({_NEGATIONS})?({'|'.join(sorted(_WORDS, key=len, reverse=True))})")


@dataclass(frozen=True)
class Mood:
    """score: words of praise less words of complaint, each word once; spans: where they stand, [start, end)
    in characters."""

    score: int
    spans: tuple[tuple[int, int], ...]


def mood(text: str) -> Mood:
    """Count the mood words of a Chinese text; after a negation a word counts for the other side.

    >>> mood("房间不太干净，但服务很好，位置好。").score
    1
    """
    found = list(_PATTERN.finditer(text))
    signs = {
        match.group(): -_WORDS[match.group(2)] if match.group(1) else _WORDS[match.group(2)]
        for match in found
    }
    return Mood(sum(signs.values()), tuple(match.span() for match in found))
