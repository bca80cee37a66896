"""`Quiz`: a few questions with choices, each followed by its own note once it is answered; one click puts
them all away.

Quiz("Three questions", [("2 + 2?", ("4", "5"))], answered=lambda question, option: paragraph("…"))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import traitlets

from ...i18n import L
from ..html import Markup
from .answers import Choice
from .live import Live, script
from .question import inline

__all__ = ["Quiz"]

_HERE = Path(__file__).parent


class Quiz(Live):
    """The questions are (text, options); `answered(question, option)`, both indices, gives the note for the
    first answer to each."""

    _esm = script(_HERE / "choice.js", _HERE / "quiz.js")
    _css = _HERE / "question.css"
    # [{"text": HTML, "options": texts, "answer": index or None, "note": HTML}, ...]
    items = traitlets.List().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)
    skipped = traitlets.Bool().tag(sync=True)
    without_kernel = L(
        zh="先在心里答一遍；想点选并看到对错和理由，请运行这个单元格。",
        en="Answer in your head first; to click an answer and see whether it is right, and why, run "
        "this cell.",
    )

    def __init__(
        self,
        title: object,
        questions: Sequence[tuple[object, Sequence[str]]],
        answered: Callable[[int, int], Markup],
    ):
        words = {
            "title": title,
            "skip": L(zh="跳过", en="Skip"),
            "skipped": L(
                zh="已跳过；想做就重新运行这一格。", en="Skipped. Run this cell again to have them back."
            ),
        }
        super().__init__(
            words={name: str(text) for name, text in words.items()},
            items=[
                {"text": str(inline(text)), "options": list(options), "answer": None, "note": ""}
                for text, options in questions
            ],
        )
        self._answered = answered
        self.on_msg(self._heard)

    def say(self, question: int, option: int) -> None:
        """Answer from Python what a reader would click; the first answer to a question counts."""
        if self.items[question]["answer"] is None:
            answered = {
                **self.items[question],
                "answer": option,
                "note": str(self._answered(question, option)),
            }
            self.items = [answered if i == question else item for i, item in enumerate(self.items)]

    def _heard(self, _widget: object, content: object, _buffers: object) -> None:
        match content:  # a page may send anything: what is neither changes nothing
            case {"say": [question, option]} if type(question) is int and 0 <= question < len(self.items):
                if Choice(tuple(self.items[question]["options"])).read(option) is not None:
                    self.say(question, option)
            case {"skip": _}:
                self.skipped = True

    def still(self) -> Markup:
        rows = (
            Markup('<div style="line-height:2">{}<br>{}</div>').format(
                Markup(item["text"]), Choice(tuple(item["options"])).still()
            )
            for item in self.items
        )
        return Markup("<div><b>{}</b></div>").format(self.words["title"]) + Markup().join(rows)
