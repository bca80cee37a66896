"""Errors that a learner can act on: one bilingual sentence, and in a notebook no traceback around it."""

from __future__ import annotations

import copyreg
from typing import Any

from .i18n import L

__all__ = ["CourseError"]


class CourseError(Exception):
    """Something the reader can mend; `str(error)` says what happened and what to do, in the language in
    force.

    values: fill both sentences as `L.format` does. Without any, a sentence stays as it is, braces and all.

        >>> str(CourseError(zh="没有 {name}", en="no {name}", name="x")) in ("没有 x", "no x")
        True
    """

    def __init__(self, *, zh: str, en: str, **values: Any) -> None:
        self.message = L(zh=zh, en=en).format(**values) if values else L(zh=zh, en=en)
        super().__init__(self.message)

    def __str__(self) -> str:
        return str(self.message)

    def __reduce__(self) -> tuple:  # pickle would call the class with `args`, and a word has no name there
        return copyreg.__newobj__, (type(self),), self.__dict__  # type: ignore[attr-defined]   # left out of the stubs

    def _render_traceback_(self) -> list[str]:  # IPython's hook: show the sentence alone
        return [f"✗ {self}"]
