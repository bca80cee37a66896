"""What several exercises of this chapter share."""
from __future__ import annotations

from ...i18n import L
from ..engine.spec import Draw


def word(draw: Draw, length: int, letters: str) -> str:
    return "".join(draw.words(length, letters))


def corpus(draw: Draw, letters: str, size: int = 6) -> dict[str, int]:
    """Random words of two to seven letters, each with a count from 1 to 9."""
    return {word(draw, draw.int(2, 8), letters): draw.int(1, 10) for _ in range(size)}


def replaced(text: str, pair: tuple[str, str]) -> str:
    """The pair joined by a string replacement, in symbols parted by spaces."""
    return text.replace(" ".join(pair), "".join(pair))


BOUNDARY = L(zh="合并的是两个完整的符号：符号 xa 的后半截 a 不算 a。", en="A merge joins two whole symbols: the a at the end of the symbol xa is no a.")
LEFT_TO_RIGHT = L(zh="从左往右走；一个符号合并过一次，就不能再和右边的算一对。",
                  en="Go from left to right; a symbol that has just been merged cannot pair with its right neighbour again.")
