"""`Ladder`: help below a check. Buttons, what the last one clicked brought, and lines of code to be put in
order.

Ladder(["Hint"], asked=lambda i: (Markup("…"), {}), judged=lambda order: Markup("✓"))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import traitlets

from ...i18n import L
from ..html import Markup
from .live import Html, Live, script

__all__ = ["Ladder"]

_HERE = Path(__file__).parent


class Ladder(Live):
    """`asked(i)`, of a button, gives markup and, or not, a puzzle; `judged(order)`, of the indices of chosen
    lines, the verdict on them.

    A puzzle is {"head": the first line, "lines": the others in any order, each with its indentation}, or {}
    where there is none.
    """

    _esm = script(_HERE / "choice.js", _HERE / "inview.js", _HERE / "ladder.js")
    _css = _HERE / "question.css"
    buttons = traitlets.List(traitlets.Unicode()).tag(sync=True)
    note = Html().tag(sync=True)
    puzzle = traitlets.Dict().tag(sync=True)
    verdict = Html().tag(sync=True)
    busy = traitlets.Bool().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)
    without_kernel = L(
        zh="可以先在纸上排好这几行；想在这里拼，请运行这个单元格。",
        en="Put the lines in order on paper; to do it here, run this cell.",
    )

    def __init__(
        self,
        buttons: Sequence[str],
        asked: Callable[[int], tuple[Markup, dict[str, Any]]],
        judged: Callable[[list[int]], Markup],
        puzzle: dict[str, Any] | None = None,
    ):
        words = {
            "lines": L(zh="可用的行", en="The lines"),
            "program": L(zh="你的程序", en="Your program"),
            "check": L(zh="检查", en="Check"),
            "help": L(
                zh="点一行（或按回车），它就接到程序末尾；再点一次取回。↑ ↓ 在程序里移动它。",
                en="A click (or Enter) puts a line at the end of the program, a second one takes it "
                "back. ↑ ↓ move it within the program.",
            ),
        }
        super().__init__(
            buttons=list(buttons),
            puzzle=puzzle or {},
            words={name: str(text) for name, text in words.items()},
        )
        self._asked, self._judged = asked, judged
        self.on_msg(self._heard)

    def ask(self, button: int) -> None:
        """Click a button from Python."""
        self.note, puzzle = self._asked(button)
        self.puzzle = puzzle or self.puzzle  # one that is open stays

    def say(self, order: list[int]) -> None:
        """Hand in these lines, in this order, from Python."""
        self.busy = True
        try:
            self.verdict = self._judged(order)
        finally:
            self.busy = False

    def _heard(self, _widget: object, content: object, _buffers: object) -> None:
        lines = self.puzzle.get("lines", ())
        match content:  # a page may send anything: what is neither changes nothing
            case {"ask": int(button)} if button is not True and 0 <= button < len(self.buttons):
                self.ask(button)
            case {"order": list(order)} if all(type(i) is int and 0 <= i < len(lines) for i in order) and len(
                set(order)
            ) == len(order):
                self.say(order)

    def still(self) -> Markup:
        if not self.puzzle:
            return Markup()
        return Markup("<pre>{}</pre>").format(
            "\n".join([self.puzzle["head"], *(f"□ {line}" for line in self.puzzle["lines"])])
        )
