"""In which encoding a file is: known, or asked for; never guessed.

Marks at the beginning and UTF-8 are sure. Any other file reads in several encodings without an error, and
nonsense is the price of a guess: the bytes of Big5 are rare characters in GB 18030. So each encoding has a
plain test of what its readers write (the common half of the characters, kana, syllables, letters within
words), a file is read where exactly one test holds, and elsewhere the reader is shown how it reads in each.
charset-normalizer is no judge of files of a few lines, so it may only object (to one of the many Western
encodings) and propose.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

__all__ = ["Ambiguous", "decode"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ENOUGH = 20  # characters that fit by chance in fewer than one text of ten thousand


class Ambiguous(Exception):
    """`readings`: encoding -> the whole text in it, likeliest first."""

    def __init__(self, readings: dict[str, str]) -> None:
        super().__init__(", ".join(readings))
        self.readings = readings


def decode(raw: bytes) -> str:
    """The text of `raw`, without its mark; Ambiguous where the encoding is not sure, UnicodeDecodeError where
    it is but for a few bytes."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _decoded(raw, encoding, strict=True)
    text = _decoded(raw, "utf-8")
    if text is not None and "\0" not in text and "\x1b$" not in text:
        return text
    if text is None and (repaired := raw.decode("utf-8", "replace")).count("\ufffd") * 4 < sum(
        ord(char) > 127 for char in repaired
    ):
        return _decoded(raw, "utf-8", strict=True)  # damaged, or two files in one: the error knows where
    if raw.count(0) > len(raw) // 8:  # every second byte of Latin letters in UTF-16
        raise Ambiguous(_readings(raw, ("utf-16-le", "utf-16-be")))
    if text is not None and "\0" in text:
        return text
    readings = _readings(raw, _FITS)
    fitting = [encoding for encoding, reading in readings.items() if _FITS[encoding](reading)]
    letters = sum(ord(char) > 127 for char in readings.get(fitting[0], "")) if fitting else 0
    # kana or syllables throughout: no accident
    if len(fitting) > 1 and fitting[0] in ("euc_jp", "cp949") and letters >= _ENOUGH:
        fitting = fitting[:1]
    proposed = _proposed(raw)
    if len(fitting) == 1 and (
        fitting[0] not in ("cp1252", "cp1251")
        or readings[fitting[0]] == readings.get(proposed, _decoded(raw, proposed))
    ):
        return readings[fitting[0]]
    order = [*fitting, *([proposed] if proposed else []), *readings]
    raise Ambiguous(_readings(raw, dict.fromkeys(order)))


def _proposed(raw: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(raw[:20_000]).best()
    return best.encoding if best else ""


def _readings(raw: bytes, encodings) -> dict[str, str]:
    """The encodings in which `raw` is text at all: no error, no controls, nothing from the private areas."""
    found = {encoding: _decoded(raw, encoding) for encoding in encodings}
    return {
        encoding: text
        for encoding, text in found.items()
        if text and not re.search("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ue000-\uf8ff]", text)
    }


def _decoded(raw: bytes, encoding: str, strict: bool = False) -> str | None:
    try:
        return raw.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        if strict:
            raise
        return None


def _share(text: str, fits: Callable[[str], bool], of: str = r"[^\x00-\x7f]") -> float:
    found = re.findall(of, text)
    return sum(map(fits, found)) / len(found) if found else 0.0


def _lead(char: str, encoding: str, first: int, last: int) -> bool:
    """True if the first byte of `char` in `encoding` lies in the range."""
    try:
        code = char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return len(code) == 2 and first <= code[0] <= last


_KANA, _SYLLABLE = r"[\u3041-\u30ff]", r"[\uac00-\ud7a3]"
_OTHER_THAN_PUNCTUATION = r"[^\x00-\x7f\u3000-\u303f\uff00-\uff65\u2010-\u2027·]"


def _japanese(text: str) -> bool:
    return _share(text, lambda c: bool(re.match(_KANA, c)), _OTHER_THAN_PUNCTUATION) >= 0.3


def _western(text: str) -> bool:
    letters, foreign = re.findall(r"[^\W\d_]", text), re.findall(r"[^\x00-\x7f]", text)
    return (
        bool(foreign)
        and all(re.match(r"[À-ÖØ-öø-ÿŒœŸŠšŽž€£§°«»¿¡’‘“”–—… ]", char) for char in foreign)
        and not re.search("[ÐÝÞðýþ]", text)
        and sum(ord(char) > 127 for char in letters) < 0.3 * len(letters)
        and not re.search(r"[À-ÖØ-öø-ÿ]{3}|[a-zß-ÿ][À-ÖØ-ÞŒŠŽ]", text)
    )


def _russian(text: str) -> bool:
    return (
        _share(text, lambda c: bool(re.match("[а-яё]", c)), r"[\u0400-\u04ff]") > 0.7
        and _share(text, lambda c: "\u0400" <= c <= "\u04ff") > 0.9
    )


_FITS: dict[str, Callable[[str], bool]] = {  # in this order; encodings are Python's names
    "iso2022_jp": lambda text: "\x1b" not in text,
    "euc_jp": _japanese,
    "cp932": _japanese,
    "cp949": lambda text: (
        _share(
            text,
            lambda c: bool(re.match(_SYLLABLE, c)) and _lead(c, "euc_kr", 0xB0, 0xC8),
            _OTHER_THAN_PUNCTUATION,
        )
        >= 0.95
    ),
    "gb18030": lambda text: (
        _share(text, lambda c: _lead(c, "gb2312", 0xB0, 0xD7), _OTHER_THAN_PUNCTUATION) >= 0.9
    ),
    "cp950": lambda text: (
        _share(text, lambda c: _lead(c, "cp950", 0xA4, 0xC6), _OTHER_THAN_PUNCTUATION) >= 0.9
    ),
    "cp1252": _western,
    "cp1251": _russian,
    "koi8-r": _russian,
    # too like cp1252 to tell; listed for the reader to choose
    **dict.fromkeys(("cp1250", "mac_roman"), lambda text: False),
}
