"""Numbers as words in Chinese and in English: pairs for a first translator to learn from.

number_words(307)       # (['三', '百', '零', '七'], ['three', 'hundred', 'seven'])
"""

from __future__ import annotations

__all__ = ["number_words"]

_DIGITS = "零一二三四五六七八九"
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()


def number_words(n: int) -> tuple[list[str], list[str]]:
    """n from 1 to 999 -> (its Chinese characters, its English words). ValueError outside."""
    if not 1 <= n <= 999:
        raise ValueError(f"number_words knows 1 to 999, not {n}")
    return _chinese(n), _english(n)


def _chinese(n: int) -> list[str]:
    hundreds, tens, ones = n // 100, n // 10 % 10, n % 10
    text = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        # 14 is 十四, but 114 is 一百一十四
        text += "十" if tens == 1 and not hundreds else f"{_DIGITS[tens]}十"
    elif hundreds and ones:
        text += "零"
    return list(text + (_DIGITS[ones] if ones else ""))


def _english(n: int) -> list[str]:
    if n >= 100:
        return [_ONES[n // 100], "hundred", *(_english(n % 100) if n % 100 else [])]
    return [_ONES[n]] if n < 20 else [_TENS[n // 10], *([_ONES[n % 10]] if n % 10 else [])]
