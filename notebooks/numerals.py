"""The numbers that a paragraph names, so that two languages can be compared: 1.35 亿, 135 million and
135,000,000 are one number."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction

__all__ = ["differing"]

_SCALE_ZH = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_DIGIT_ZH = {**{c: i for i, c in enumerate("零一二三四五六七八九")}, "两": 2, "〇": 0}
_SCALE_EN = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_WORD_EN = {
    **{word: i for i, word in enumerate(_UNITS)},
    **{
        word: 10 * i
        for i, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
    },
    "half": Fraction(1, 2),
    "dozen": 12,
    "twice": 2,
    "both": 2,
    "once": 1,
    "double": 2,
    "quadruple": 4,
}
_DIGITS = re.compile(
    r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?:\s*([十百千万亿]+)|\s+(hundred|thousand|million|billion|trillion)\b)?"
)


def _in_digits(text: str) -> Counter:
    """Numbers written in digits, with a scale word after them if there is one."""
    found: Counter = Counter()
    for match in _DIGITS.finditer(text):
        value = Fraction(match[1].replace(",", "") + (match[2] or "")) * _SCALE_EN.get(match[4], 1)
        for sign in match[3] or "":
            value *= _SCALE_ZH[sign]
        found[value] += 1
    return found


def _spelled_zh(text: str) -> set:
    found = set()
    for word in re.findall(r"[零〇一二两三四五六七八九十百千万亿]+", text):
        total = section = digit = 0
        for sign in word:
            if sign in _DIGIT_ZH:
                digit = _DIGIT_ZH[sign]
            elif sign in "万亿":
                total, section, digit = (total + section + digit or 1) * _SCALE_ZH[sign], 0, 0
            else:
                section, digit = section + (digit or 1) * _SCALE_ZH[sign], 0
        found.add(Fraction(total + section + digit))
    return found | ({Fraction(1, 2)} if "半" in text else set())


def _spelled_en(text: str) -> set:
    found, value, running = set(), Fraction(0), False
    for word in [*re.findall(r"[a-z]+", text.lower()), ""]:
        single = word if word in _WORD_EN or word in _SCALE_EN else word.removesuffix("s")
        if single in _WORD_EN:
            value = (
                value + _WORD_EN[single]
                if running and value and _WORD_EN[single] < 10 <= value
                else Fraction(_WORD_EN[single])
            )
            found.add(value)
            running = True
        elif single in _SCALE_EN:
            value = (value or 1) * _SCALE_EN[single]
            found.add(value)
            running = True
        elif word not in ("and", "a"):
            value, running = Fraction(0), False
    return found


def differing(zh: str, en: str) -> list[str]:
    """The numbers that one text writes in digits and the other names neither in digits nor in words, as the
    first writes them."""
    in_zh, in_en = _in_digits(zh), _in_digits(en)
    lost = [f"{float(n):g} (zh)" for n in in_zh if n not in in_en and n not in _spelled_en(en)]
    return lost + [f"{float(n):g} (en)" for n in in_en if n not in in_zh and n not in _spelled_zh(zh)]
