"""What a function must return where it is one Python value and its type matters: a string, or a list of mixed
values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...i18n import L
from .contract import NOTHING, Kind, describe

__all__ = ["Exact"]


@dataclass(frozen=True)
class Exact(Kind):
    """A value of this type, compared as it is; in a list 2, 2.0, True and "2" are four different things."""

    type: type

    def read(self, value: Any, like: Any):
        if value is None:
            return None, NOTHING
        value = list(value) if self.type is list and isinstance(value, tuple) else value
        if not issubclass(type(value), self.type):
            return None, L(
                zh="应返回 {want}，你返回的是 {got}。", en="The contract asks for {want}; yours is {got}."
            ).format(want=self.type.__name__, got=describe(value))
        for i, (mine, want) in enumerate(zip(value, like or [])):
            if type(mine) is not type(want):
                return value, L(
                    zh="第 {i} 项应是 {want}，你的是 {got}。", en="Item {i} should be {want}; yours is {got}."
                ).format(i=i, want=type(want).__name__, got=describe(mine))
        return value, None

    def hand(self, value, args):
        return list(value) if self.type is list and type(value) is tuple else value
