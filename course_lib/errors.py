"""Errors that a learner can act on: one bilingual sentence, and in a notebook no traceback around it."""
from __future__ import annotations

from .i18n import L

__all__ = ["CourseError"]


class CourseError(Exception):
    """Something the reader can mend; `str(error)` says what happened and what to do, in the language in force."""

    def __init__(self, message: L):
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)

    def _render_traceback_(self) -> list[str]:      # IPython's hook: show the sentence alone
        return [f"✗ {self}"]
