"""The chapters of the course, as `notebooks/chapters.toml` lists them; an installed wheel carries the list
inside."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .i18n import L

__all__ = ["Chapter", "chapters"]

_PLACES = (
    Path(__file__).with_name("chapters.toml"),
    Path(__file__).parents[1] / "notebooks" / "chapters.toml",
)


@dataclass(frozen=True)
class Chapter:
    """One chapter: `title`, what the reader learns, minutes of reading (None while it is to come), ids of its
    exercises in order."""

    number: int
    slug: str
    part: int
    title: L
    learn: L
    minutes: int | None = None
    exercises: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name of its notebooks and its source: "01_language_models"."""
        return f"{self.number:02}_{self.slug}"


@cache
def chapters(path: Path | None = None) -> tuple[Chapter, ...]:
    """All chapters, written or to come, in order; from another list if `path` names one."""
    path = path or next(place for place in _PLACES if place.exists())
    entries = tomllib.loads(path.read_text("utf-8"))["chapter"]
    return tuple(
        Chapter(
            title=L(zh=entry.pop("zh"), en=entry.pop("en")),
            learn=L(**entry.pop("learn")),
            exercises=tuple(entry.pop("exercises", ())),
            **entry,
        )
        for entry in entries
    )
