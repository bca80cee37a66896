"""What a function must return where the answer is text: a list of strings or of pairs of strings."""
from __future__ import annotations

from dataclasses import dataclass

from ...i18n import L
from .contract import NOTHING, Kind, describe

__all__ = ["Texts"]


@dataclass(frozen=True)
class Texts(Kind):
    """A Python list of strings or, where `pairs`, of tuples of two strings."""

    pairs: bool = False

    def read(self, value, like):
        if value is None:
            return None, NOTHING
        if not isinstance(value, list):
            return None, L(zh="应返回列表，你返回的是 {got}。", en="A list is expected; yours is {got}.").format(got=describe(value))
        items = [tuple(item) if self.pairs and isinstance(item, list) else item for item in value]
        if not all(map(self._fits, items)):
            return None, L(zh="列表里应全是{what}。", en="The list should hold {what} only.").format(what=L(
                zh="两个字符串的元组", en="tuples of two strings") if self.pairs else L(zh="字符串", en="strings"))
        return items, None

    def hand(self, value, args):
        return [tuple(item) for item in value] if self.pairs and any(isinstance(item, list) for item in value) else value

    def _fits(self, item) -> bool:
        if self.pairs:
            return isinstance(item, tuple) and len(item) == 2 and all(isinstance(part, str) for part in item)
        return isinstance(item, str)
