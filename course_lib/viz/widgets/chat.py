"""`chat(reply)`: a conversation whose answers appear word by word.

    def reply(history, write):  # [{"role": "user", "content": "Hello"}], oldest first, the question last
        write("Good ")  # a piece of the answer, shown at once; `TextStream` passes them on from `generate`
        write("morning.")

    chat(reply, "Hello")  # asks this first, so that a saved notebook shows a real exchange

`reply` gets the whole history: what a model remembers is what stands in it. Everything is shown as text,
never as HTML.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import traitlets

from ...errors import CourseError
from ...i18n import L
from ..html import BLUE, Markup
from .live import Live, script

__all__ = ["Chat", "chat"]

Reply = Callable[[list[dict[str, str]], Callable[[str], None]], object]

_EVERY = 0.1  # seconds between two updates of a growing answer: a browser needs no more


def chat(reply: Reply, *first: str) -> Chat:
    """Show a conversation with `reply`, which gets the history and writes the pieces of its answer; `first`
    are questions asked at once."""
    return Chat(reply, first)


class Chat(Live):
    """The widget behind `chat`. `messages` is the history; `say(text)` asks from Python what a reader would
    type.

    An exception in `reply` becomes one line of the conversation, and the history that later answers see stays
    without it.
    """

    _esm = script(Path(__file__).with_name("chat.js"))
    _css = Path(__file__).with_name("chat.css")
    # [{"role": "user" | "assistant" | "error", "content": text}, ...]
    messages = traitlets.List().tag(sync=True)
    growing = traitlets.Unicode().tag(sync=True)  # the answer so far
    busy = traitlets.Bool().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)

    def __init__(self, reply: Reply, first: Iterable[str] = ()):
        super().__init__(words={name: str(text) for name, text in _WORDS.items()})
        self._reply = reply
        self.on_msg(self._heard)
        for text in first:
            self.say(text)

    def say(self, text: str) -> str:
        """Ask, let the answer grow, return it; "" for an empty question or where `reply` failed."""
        if not text.strip():
            return ""
        self.messages = [*self.messages, {"role": "user", "content": text.strip()}]
        history = [message for message in self.messages if message["role"] != "error"]
        answer, shown, self.busy = "", 0.0, True

        def write(piece: object) -> None:
            nonlocal answer, shown
            answer += str(piece)
            if time.monotonic() - shown > _EVERY:
                self.growing, shown = answer, time.monotonic()

        try:
            self._reply(history, write)
            self.messages = [*self.messages, {"role": "assistant", "content": answer}]
        except (
            Exception
        ) as error:  # a sentence, never a traceback; the question goes, too, for it has no answer
            said = (
                error
                if isinstance(error, CourseError)
                else L(zh="没能回答：{0}", en="No answer came: {0}").format(error)
            )
            self.messages = [*history[:-1], {"role": "error", "content": f"✗ {said}"}]
            answer = ""
        finally:
            self.growing, self.busy = "", False
        return answer

    def _heard(self, _widget: object, content: dict, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        if content.get("forget"):
            self.messages = []
        elif not self.busy:
            self.say(str(content.get("say", "")))

    def baked(self) -> dict:
        return self.traits_sent()

    def still(self) -> Markup:
        return Markup().join(_bubble(message) for message in self.messages)


_WORDS = {
    "hint": L(zh="打字，按回车发送", en="Type and press Enter"),
    "send": L(zh="发送", en="Send"),
    "forget": L(zh="重新开始", en="Start over"),
    "user": L(zh="你", en="You"),
    "assistant": L(zh="助手", en="Assistant"),
    "error": L(zh="出错了", en="Error"),
}


def _bubble(message: dict[str, str]) -> Markup:
    mine = message["role"] == "user"
    side = (
        f"margin-left:15%;border-right:3px solid {BLUE};text-align:right"
        if mine
        else "margin-right:15%;border-left:3px solid #888888"
    )
    bubble = Markup(
        '<div style="max-width:640px;box-sizing:border-box;padding:4px 12px;margin:6px '
        '0;{}"><small style="opacity:0.75">{}</small>'
        '<div style="white-space:pre-wrap;overflow-wrap:anywhere">{}</div></div>'
    )
    return bubble.format(side, _WORDS[message["role"]], message["content"])
