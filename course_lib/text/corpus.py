"""What every corpus here has: three fixed splits, and an account of what cleaning removed.

- A text's split is decided by a hash of the text itself. It does not depend on file order, on a seed or on
  how many other texts there are, so adding data never moves a test text into training.
- The hash reads the first 30 characters after case, space and punctuation are dropped: copies of one text
with
  another ending or other punctuation stay on one side of the split.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..i18n import L

__all__ = ["Corpus", "Stage", "divide", "fingerprint", "normalize", "split_of"]

T = TypeVar("T")

TEST_PERCENT, VALID_PERCENT = 10, 4
_FULL_WIDTH = {
    ord(full): half
    for full, half in zip(
        "０１２３４５６７８９．％＋－＝／＆"
        + "".join(chr(0xFF21 + i) for i in range(26))
        + "".join(chr(0xFF41 + i) for i in range(26))
        + "\u3000\xa0",
        "0123456789.%+-=/&" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "abcdefghijklmnopqrstuvwxyz" + "  ",
    )
}
_WIDE = r"\u2014-\u2026\u3000-\u30ff\u3400-\u9fff\uff00-\uffef"  # Chinese characters and punctuation
_SPACE_NEXT_TO_WIDE = re.compile(rf"(?<=[{_WIDE}]) | (?=[{_WIDE}])")


@dataclass(frozen=True)
class Stage:
    """One step of the cleaning funnel: what is left after it."""

    name: L
    left: int


@dataclass(frozen=True)
class Corpus(Generic[T]):
    """Texts in three fixed splits. Iterating and `len` go over all of them, training first."""

    name: str
    train: tuple[T, ...]
    valid: tuple[T, ...]
    test: tuple[T, ...]
    funnel: tuple[Stage, ...]  # raw lines first, what was kept last

    def __len__(self) -> int:
        return len(self.train) + len(self.valid) + len(self.test)

    def __iter__(self):
        yield from self.train
        yield from self.valid
        yield from self.test

    def __repr__(self) -> str:
        return (
            f"Corpus({self.name!r}, train={len(self.train):,}, valid={len(self.valid):,}, "
            f"test={len(self.test):,})"
        )


def normalize(text: str) -> str:
    """Half-width digits and letters, single spaces, and none beside a Chinese character. Punctuation stays as
    written.

    >>> normalize("１９９８ 年　的 Windows  XP 系统,不错")
    '1998年的Windows XP系统,不错'
    """
    text = re.sub(r"\s+", " ", text.translate(_FULL_WIDTH)).strip()
    return _SPACE_NEXT_TO_WIDE.sub("", text)


def fingerprint(text: str) -> str:
    """What two copies of a text share: letters, digits and characters in lower case, nothing else."""
    return re.sub(r"[\W_]+", "", normalize(text)).lower()


def split_of(text: str) -> str:
    """ "train" (86 %), "valid" (4 %) or "test" (10 %), always the same for the same beginning of a text."""
    percent = int.from_bytes(hashlib.sha256(fingerprint(text)[:30].encode()).digest()[:8], "big") % 100
    return (
        "test" if percent < TEST_PERCENT else "valid" if percent < TEST_PERCENT + VALID_PERCENT else "train"
    )


def divide(name: str, kept: Iterable[T], text: Callable[[T], str], funnel: dict[L, int]) -> Corpus[T]:
    """The corpus of `kept`, each item in the split of its `text`; funnel: what was left after each stage of
    cleaning."""
    splits: dict[str, list[T]] = {"train": [], "valid": [], "test": []}
    for item in kept:
        splits[split_of(text(item))].append(item)
    train, valid, test = map(tuple, splits.values())
    return Corpus(name, train, valid, test, tuple(Stage(stage, left) for stage, left in funnel.items()))
