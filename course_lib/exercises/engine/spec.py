"""What an exercise is: one reference, its contract, designed inputs, and the mistakes people make, each a
program.

A mistake is written as the *edit* that turns the reference into it, the way a learner would slip:

    words = L(zh="没有除以 √d", en="the scores are not divided by √d")
    Mistake("no-scale", words, LOOK_AT_SCORES, (" / math.sqrt(d)", ""))

One object is then a mutant for the tests, a signature for the diagnosis and a message in both languages; two
mistakes at once are the two edits applied one after the other. Where an edit would be clumsy, `program=`
takes a function.
"""

from __future__ import annotations

import inspect
import math
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache
from itertools import accumulate
from typing import Any

import torch

from ...i18n import L
from .contract import Kind

__all__ = ["Case", "Draw", "Edit", "Exercise", "Mistake", "Once"]

Edit = tuple[str, str]  # (text in the reference, what stands there instead)


class Draw:
    """Random inputs, reproducible from one seed; torch's own generators are not touched."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int, scale: float = 1.0) -> torch.Tensor:
        return torch.randn(*shape, generator=self.generator) * scale

    def grid(self, *shape: int, top: int = 2) -> torch.Tensor:
        """Multiples of one half between -top and top: numbers one can follow with pen and paper."""
        return torch.randint(-2 * top, 2 * top + 1, shape, generator=self.generator) / 2

    def ints(self, high: int, *shape: int, low: int = 0) -> torch.Tensor:
        return torch.randint(low, high, shape, generator=self.generator)

    def permutation(self, n: int) -> torch.Tensor:
        return torch.randperm(n, generator=self.generator)

    def floats(self, n: int, low: float = 0.0, high: float = 1.0) -> list[float]:
        return (torch.rand(n, generator=self.generator, dtype=torch.float64) * (high - low) + low).tolist()

    def words(self, n: int, vocabulary: Sequence[str] = "abcdefg") -> list[str]:
        return [vocabulary[i] for i in self.ints(len(vocabulary), n).tolist()]

    def int(self, low: int, high: int) -> int:  # the last one: in the lines below, `int` would be this
        return int(torch.randint(low, high, (), generator=self.generator))


class CalledTwice(RuntimeError):
    """A callable that the contract says is called once was called again."""


@dataclass
class Once:
    """A callable argument that may be called once; every call of the function under check gets a fresh copy
    of it."""

    name: str
    does: Callable[..., Any]
    calls: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        self.__name__ = self.name  # as a function has it

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        if self.calls > 1:
            raise CalledTwice(L(zh=f"{self.name} 被调用了第二次", en=f"{self.name} was called a second time"))
        return self.does(*args)


@dataclass(frozen=True)
class Case:
    """One designed input. `about` names what only inputs like this one probe ("the mask"), for
    localisation."""

    name: L
    args: tuple[Any, ...]
    about: L | None = None


@dataclass(frozen=True)
class Mistake:
    """One misconception: `says` completes "your output equals what one gets when ...", `look` tells where to
    look."""

    id: str
    says: L
    look: L
    edits: tuple[Edit, ...] = ()
    program: Callable[..., Any] | None = None
    # the same misconception, where another way of writing it shows
    also: tuple[tuple[Edit, ...] | Callable[..., Any], ...] = ()
    # what it is about, across exercises: axis, mask, scale, shift, count, stability, alias, edge, rank
    skill: str = ""
    hint: int = 2  # the rung of the ladder where its hints start, from 1
    convention: bool = False  # sound mathematics under another convention: yellow, not red

    def __init__(
        self,
        id: str,
        says: L,
        look: L,
        *edits: Edit,
        program: Callable[..., Any] | None = None,
        also: tuple[tuple[Edit, ...] | Callable[..., Any], ...] = (),
        skill: str = "",
        hint: int = 2,
        convention: bool = False,
    ):
        for name, value in dict(
            id=id,
            says=says,
            look=look,
            edits=edits,
            program=program,
            also=also,
            skill=skill,
            hint=hint,
            convention=convention,
        ).items():
            object.__setattr__(self, name, value)

    @property
    def ways(self) -> tuple[Mistake, ...]:
        """This mistake once for each program of it, all under one name."""
        rest: dict[str, Any] = dict(skill=self.skill, hint=self.hint, convention=self.convention)
        return (
            self,
            *(
                Mistake(self.id, self.says, self.look, program=way, **rest)
                if callable(way)
                else Mistake(self.id, self.says, self.look, *way, **rest)
                for way in self.also
            ),
        )


@dataclass(frozen=True)
class Exercise:
    """Everything about one exercise. `cases` draws the inputs anew for every check, from simple to
    special."""

    id: str  # "chapter.name"
    title: L
    reference: Callable[..., Any]
    returns: Kind
    cases: Callable[[Draw], list[Case]]
    hints: tuple[L, ...]
    mistakes: tuple[Mistake, ...]
    alternatives: tuple[Callable[..., Any] | tuple[Edit, ...], ...]
    think: L  # one more thought, for those who passed
    # torch function or builtin -> how the learner knows it
    forbidden: dict[str, str] = field(default_factory=dict)
    fresh: bool = False  # the contract promises a new tensor, sharing no memory with the inputs
    gradients: tuple[int, ...] = ()  # arguments whose gradient is compared
    differentiable: bool = False  # the contract asks for a result that one can train through
    trained: bool = False  # it does not, but later cells do: `use` hands out what has gradients

    @property
    def chapter(self) -> str:
        return self.id.split(".")[0]

    @property
    def name(self) -> str:
        """The function's name by contract."""
        return self.reference.__name__

    @property
    def signature(self) -> str:
        return f"{self.name}{inspect.signature(self.reference)}"

    @property
    def source(self) -> str:
        """The reference as it stands in a solution notebook: needs `import torch` and `import math`, nothing
        else."""
        return textwrap.dedent(inspect.getsource(self.reference))

    @property
    def stub(self) -> str:
        """Signature, docstring and `...`: what the student edition holds."""
        head, doc, _ = self.shown.split('"""', 2)
        return f'{head}"""{doc}"""\n    ...\n'

    @property
    def shown(self) -> str:
        """`source` as a reader sees it, with the lines of its docstring at most 88 columns wide."""
        head, doc, rest = self.source.split('"""', 2)
        parts = [
            part
            if max(map(len, part.splitlines())) <= 88
            else textwrap.fill(
                " ".join(part.split()),
                88,
                initial_indent="    ",
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            for part in f'    """{doc.rstrip()}'.split("\n\n")
        ]
        return head + "\n\n".join(parts).strip() + doc[len(doc.rstrip()) :] + '"""' + rest

    @property
    def code(self) -> str:
        """`source` without the words of its docstring, which are no code."""
        head, _, body = self.source.split('"""', 2)
        return f'{head}""{body}'

    def edited(self, edits: tuple[Edit, ...]) -> str | None:
        """`code` after these edits, one after the other; None if they do not apply."""
        target = self.code
        for old, new in edits:
            if target.count(old) != 1:
                return None
            target = target.replace(old, new)
        return target

    def compiled(self, text: str, label: object = "") -> Callable[..., Any]:
        """The function of this exercise's name that `text` defines, with the names that the reference sees;
        SyntaxError if it is no Python."""
        scope = {**self.reference.__globals__, "torch": torch, "math": math}
        exec(compile(text, f"<{self.id} {label}>", "exec"), scope)
        return scope[self.name]

    def program(self, *parts: Mistake | tuple[Edit, ...] | Callable[..., Any]) -> Callable[..., Any] | None:
        """The reference with all these edits applied, or None if they do not go together."""
        changes: list[Change] = []
        for part in parts:
            made = part.program if isinstance(part, Mistake) else part if callable(part) else None
            if made is not None:
                return made if len(parts) == 1 else None
            found = _changes(self, part.edits if isinstance(part, Mistake) else part)
            if found is None:
                return None
            changes += [change for change in found if change not in changes]
        return _compile(self, tuple(sorted(changes)))

    def __hash__(self) -> int:
        return hash(self.id)


Change = tuple[int, int, str]  # start and end in the code of the reference, what stands there instead


@cache
def _changes(exercise: Exercise, edits: tuple[Edit, ...]) -> tuple[Change, ...] | None:
    """What the edits change, token by token, so that two mistakes on one line go together; None if they do
    not apply."""
    source, target = exercise.code, exercise.edited(edits)
    if target is None:
        return None
    a, b = (re.findall(r"\w+|\s+|.", text) for text in (source, target))
    starts = [0, *accumulate(map(len, a))]
    return tuple(
        (starts[i], starts[j], "".join(b[k:m]))
        for tag, i, j, k, m in SequenceMatcher(None, a, b, False).get_opcodes()
        if tag != "equal"
    )


@cache
def _compile(exercise: Exercise, changes: tuple[Change, ...]) -> Callable[..., Any] | None:
    """The reference with these changes; None where two of them touch the same place, or no program comes of
    it."""
    source, end, pieces = exercise.code, 0, []
    for start, stop, new in changes:
        if start < end or (start == end == stop and pieces):
            return None
        pieces += [source[end:start], new]
        end = stop
    try:
        return exercise.compiled("".join([*pieces, source[end:]]), changes)
    except SyntaxError:
        return None
