"""`Question`: one line to answer by mouse or keyboard, and a note below it that whoever asks may fill.

Question("How many?", Number("tokens"), answered=lambda question, answer: ...)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import traitlets
from markupsafe import escape

from ...i18n import L
from ..html import Markup
from .answers import Form
from .live import Html, Live, script

__all__ = ["Question", "inline"]

_HERE = Path(__file__).parent


def inline(text: object) -> Markup:
    """Text in which `code` in backticks is set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


class Question(Live):
    """A question and its answer, which the reader may change until it is `fixed`. `answered(question,
    answer)` hears of every answer.

    `note` is what stands below: what to do, or what came of it.
    """

    _esm = script(_HERE / "choice.js", _HERE / "question.js")
    _css = _HERE / "question.css"
    text = Html().tag(sync=True)
    form = traitlets.Dict().tag(sync=True)
    # an index, a number or a permutation; None while there is none
    answer = traitlets.Any(allow_none=True).tag(sync=True)
    fixed = traitlets.Bool().tag(sync=True)
    note = Html().tag(sync=True)
    without_kernel = L(
        zh="先记下你的答案，再往下读；想在这里点选，请运行这个单元格。",
        en="Write your answer down before you read on; to give it here, run this cell.",
    )

    def __init__(self, text: object, form: Form, answered: Callable[[Question, Any], None]):
        words = {
            "number": L(zh="就猜这个数", en="That is my guess"),
            "line": L(zh="就猜这里", en="Here"),
            "order": L(zh="重排", en="Start over"),
        }
        fields = {
            "kind": form.kind,
            "help": str(form.help),
            "button": str(words.get(form.kind, "")),
            **form.fields(),
        }
        super().__init__(text=inline(text), form=fields, answer=None)
        self.reads, self._answered = form, answered
        self.on_msg(self._heard)

    def say(self, sent: object) -> None:
        """Answer from Python what a reader would click or type; what is no answer changes the note alone."""
        if self.fixed:
            return
        answer = self.reads.read(sent)
        if answer is None:
            self.note = escape(self.reads.help)
            return
        self.answer = answer
        self._answered(self, answer)

    def _heard(self, _widget: object, content: object, _buffers: object) -> None:
        if isinstance(content, dict) and "say" in content:
            self.say(content["say"])

    def still(self) -> Markup:
        return Markup('<div style="line-height:2">{} &nbsp; {}</div>').format(self.text, self.reads.still())
