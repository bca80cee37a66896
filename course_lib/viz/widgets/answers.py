"""The four kinds of answer a question takes: a choice, a number, an order, a point on a line.

What a page sends may be anything: `read` gives the answer in it, or None. Nothing here knows what is right.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...i18n import L
from ..html import Markup

__all__ = ["Choice", "Form", "Line", "Number", "Order", "numeral"]

_BOX = Markup(
    '<span style="display:inline-block;padding:2px 10px;margin:2px 4px 2px 0;border:1px solid '
    '#888888;border-radius:6px">{}</span>'
)


class Form:
    """One kind of answer: what the page needs to ask for it, what it looks like on a page without a kernel,
    and how an answer is read."""

    kind = ""
    help: L  # what to do, and what to do again where an answer cannot be read

    def fields(self) -> dict[str, Any]:
        """What the page needs."""
        raise NotImplementedError

    def still(self) -> Markup:
        """What is asked for, without a script."""
        raise NotImplementedError

    def read(self, sent: object) -> Any:
        """The answer in what the page sent, or None."""
        raise NotImplementedError

    def said(self, answer: Any) -> str:
        """An answer in words."""
        raise NotImplementedError


@dataclass(frozen=True)
class Choice(Form):
    """One of several texts; an answer is its index."""

    options: tuple[str, ...]
    kind = "choice"
    help = L(zh="点一个选项", en="Click one")

    def fields(self) -> dict[str, Any]:
        return {"options": list(self.options)}

    def still(self) -> Markup:
        return Markup().join(_BOX.format(option) for option in self.options)

    def read(self, sent: object) -> int | None:
        return sent if type(sent) is int and 0 <= sent < len(self.options) else None

    def said(self, answer: int) -> str:
        return f"“{self.options[answer]}”"


@dataclass(frozen=True)
class Number(Form):
    """A number to type, in `unit`."""

    unit: str = ""
    kind = "number"
    help = L(zh="请填一个数，例如 2.5", en="Type a number, such as 2.5")

    def fields(self) -> dict[str, Any]:
        return {"unit": self.unit}

    def still(self) -> Markup:
        return _BOX.format(Markup("&nbsp;") * 8) + self.unit

    def read(self, sent: object) -> float | None:
        if not isinstance(sent, str) or len(sent) > 40:
            return None
        # full-width digits, the sign of mathematics
        text = unicodedata.normalize("NFKC", sent).replace("−", "-").strip()
        text = text.removesuffix(unicodedata.normalize("NFKC", self.unit)).strip() if self.unit else text
        if re.fullmatch(r"[-+]?\d+,\d+", text) and not re.fullmatch(r"[-+]?\d{1,3},\d{3}", text):
            text = text.replace(",", ".")  # a decimal comma; "1,000" is a thousand
        parts = text.replace(",", "").split("/")  # "1/3"
        try:
            value = math.prod([float(parts[0]), *(1 / float(part) for part in parts[1:2])])
        except (ValueError, ZeroDivisionError, OverflowError):
            return None
        return value if math.isfinite(value) and len(parts) <= 2 else None

    def said(self, answer: float) -> str:
        return numeral(answer, self.unit)


@dataclass(frozen=True)
class Line(Number):
    """A point between two ends."""

    low: float = 0.0
    high: float = 1.0
    kind = "line"
    help = L(zh="拖动圆点，再按“就猜这里”", en="Drag the dot, then press “Here”")

    def fields(self) -> dict[str, Any]:
        whole = isinstance(self.low, int) and isinstance(self.high, int) and self.high - self.low >= 20
        return {
            "unit": self.unit,
            "low": self.low,
            "high": self.high,
            "step": 1 if whole else float(f"{(self.high - self.low) / 100:.3g}"),
        }

    def still(self) -> Markup:
        return Markup("{} ├────────────┤ {}").format(
            numeral(self.low, self.unit), numeral(self.high, self.unit)
        )

    def read(self, sent: object) -> float | None:
        if isinstance(sent, (int, float)) and not isinstance(sent, bool) and self.low <= sent <= self.high:
            return sent
        return None


@dataclass(frozen=True)
class Order(Form):
    """Items to be put in order; an answer is a permutation of their indices."""

    items: tuple[str, ...]
    kind = "order"
    help = L(
        zh="按顺序点：先点的排在前面；再点一次就取回",
        en="Click them in order, the first one first; a second click takes one back",
    )

    def fields(self) -> dict[str, Any]:
        return {"options": list(self.items)}

    def still(self) -> Markup:
        return Markup().join(_BOX.format(item) for item in self.items)

    def read(self, sent: object) -> list[int] | None:
        if (
            isinstance(sent, list)
            and all(type(i) is int for i in sent)
            and sorted(sent) == list(range(len(self.items)))
        ):
            return sent
        return None

    def said(self, answer: Sequence[int]) -> str:
        return " → ".join(self.items[i] for i in answer)


def numeral(value: float, unit: str = "") -> str:
    """A number as one reads it: "2.46 nats", "12,000", "35%"."""
    whole = isinstance(value, int) or float(value).is_integer() and abs(value) < 1e15
    digits = f"{int(value):,}" if whole else f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.3g}"
    return f"{digits}{unit}" if unit in ("", "%") else f"{digits} {unit}"
