"""The rung before the solution: the reference's lines among lines of two mistakes, to be put in order
(Parsons and Haden 2006).

A line keeps its indentation, so that only the order and the choice are asked for. Whoever makes the program
decides nothing: the assembled lines go through the same check as any other answer, and another order that
computes the same passes as well.
"""

from __future__ import annotations

import io
import random
import re
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from .spec import Exercise

__all__ = ["Puzzle", "puzzle"]

# lines of a reference: with three, the right ones are seen at a glance, and nothing would be left to think
# about
FEWEST = 4
FROM_EACH = 2  # lines at most that one mistake adds


@dataclass(frozen=True)
class Puzzle:
    """`head` is the line with `def`; `lines` are shuffled, each with its indentation."""

    exercise: Exercise
    head: str
    lines: tuple[str, ...]

    def program(self, order: Sequence[int]) -> Any:
        """The function of these lines in this order; SyntaxError where they make none."""
        return self.exercise.compiled("\n".join([self.head, *(self.lines[i] for i in order)]))

    @property
    def parts(self) -> dict[str, Any]:
        """What a page needs to ask it."""
        return {"head": self.head, "lines": list(self.lines)}

    @property
    def text(self) -> str:
        """The plain list, for a page without a kernel."""
        return "\n".join([self.head, *(f"□ {line}" for line in self.lines)])


@cache
def puzzle(exercise: Exercise) -> Puzzle | None:
    """The puzzle of an exercise; None where its reference is too short for one."""
    head, *body = _lines(exercise.code)
    if len(body) < FEWEST:
        return None
    others: list[list[str]] = []
    for mistake in exercise.mistakes:  # the commonest stand first
        changed = exercise.edited(mistake.edits) if mistake.edits and not mistake.convention else None
        new = (
            [line for line in _lines(changed)[1:] if line not in body]
            if changed and exercise.program(mistake)
            else []
        )
        if 1 <= len(new) <= FROM_EACH and new not in others:
            others.append(new)
    lines = body + [line for new in others[:2] for line in new]
    random.Random(exercise.id).shuffle(lines)  # the same for whoever comes back
    return Puzzle(exercise, head, tuple(lines))


def _lines(code: str) -> list[str]:
    """Its statements' lines, each as one text, without blank lines and the docstring; the first one is
    `def`."""
    rows, found, start = code.splitlines(), [], 0
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.NEWLINE:
            statement = "\n".join(row for row in rows[start : token.start[0]] if row.strip())
            # comments that stood in one column do so no more
            found.append(re.sub(r" {3,}#", "  #", statement))
            start = token.start[0]
    return [line for line in found if line.strip() != '""']
