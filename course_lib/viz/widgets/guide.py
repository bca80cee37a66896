"""`tour(m, text)`: a guided tour of a real decoder's forward pass on one's own sentence, stop by stop, with a
guess at most of them.

    walk = cl.tour(m, "The cat sat on the mat because it was")
    walk                                    # in a notebook: next, back, the arrow keys, Home and End
    # ('k', (1, 3, 9, 64)): every tensor is the model's own (`interpret.trace`)
    walk.steps[4].name, walk.steps[4].shape
    walk.to_html("tour.html")               # one file: no server, no network

Everything is sent at once, so that the tour goes on where there is no kernel. Guesses are the reader's alone
and are not kept.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import traitlets

from ...i18n import L
from ...interpret import Trace, trace
from ..html import Markup, paragraph, table, visible
from .live import Live, page, script
from .question import inline
from .stops import Stop, stops

__all__ = ["Tour", "tour"]

_HERE = Path(__file__).parent
_MOST = 32  # tokens: what is shown of them stays under a megabyte
_AXES = {
    "B": L(zh="批", en="batch"),
    "T": L(zh="词元", en="tokens"),
    "S": L(zh="被看的词元", en="tokens looked at"),
    "H": L(zh="头", en="heads"),
    "G": L(zh="键值头", en="key-value heads"),
    "d": L(zh="头的宽度", en="width of a head"),
    "D": L(zh="模型宽度", en="width of the model"),
    "F": L(zh="前馈网络宽度", en="width of the feed-forward network"),
    "V": L(zh="词表大小", en="size of the vocabulary"),
    "L": L(zh="块数", en="blocks"),
}
_WORDS = {
    "back": L(zh="上一步", en="Back"),
    "next": L(zh="下一步", en="Next"),
    "head": L(zh="头", en="Head"),
    "stops": L(zh="走到哪一步", en="Which stop"),
    "show": L(zh="不猜，直接看", en="Show me"),
    "right": L(zh="猜对了。", en="Right."),
    "wrong": L(zh="这次没猜中，答案是 {0}。", en="Not this time: the answer is {0}."),
    "shown": L(zh="答案是 {0}。", en="The answer is {0}."),
    "guess": L(zh="先猜一猜", en="Guess first"),
    "part": L(zh="共 {0} 列，这里是前 {1} 列", en="the first {1} of {0} columns"),
    "hint": L(
        zh="方向键 ← → 走一步，Home 和 End 到两头，↑ ↓ 换词元。蓝色为正，橙色为负，越深绝对值越大。",
        en="Arrow keys: ← → to the stop before or after, Home and End to the first and last, ↑ ↓ to "
        "another token. "
        "Blue is positive, orange negative; the deeper the colour, the larger the number.",
    ),
    "diagram": L(zh="模型的结构图", en="Diagram of the model"),
    "token": L(zh="看哪个词元", en="Which token"),
}


def tour(m, text: str, *, tokenizer=None) -> Tour:
    """A tour of the pass of `m` over `text`, at most 32 tokens.

    m: a decoder that `port` knows (GPT-2, Llama, Mistral, Qwen2), from `cl.load` or transformers, or a
    `cl.nn.Decoder`; `tokenizer` for a model that
    brings none. CourseError: another model, an empty text, one that is too long.
    """
    return Tour(trace(m, text, tokenizer=tokenizer, most=_MOST))


class Tour(Live):
    """The widget behind `tour`. steps: its stops, each with name, title, axes, shape and the whole tensor as
    `values`."""

    _esm = script(_HERE / "choice.js", _HERE / "guide.js")
    _css = _HERE / "guide.css"
    title = traitlets.Unicode().tag(sync=True)
    tokens = traitlets.List().tag(sync=True)
    stops = traitlets.List().tag(sync=True)  # what the page needs of each; see `_sent`
    words = traitlets.Dict().tag(sync=True)

    def __init__(self, found: Trace):
        self.steps = stops(found)
        name = L(zh="{0} 的一次前向计算", en="One forward pass of {0}").format(found.title)
        super().__init__(
            title=str(name),
            tokens=[visible(label) for label in found.tokens.labels],
            stops=[_sent(stop) for stop in self.steps],
            words={name: str(text) for name, text in _WORDS.items()},
        )

    @property
    def payload_bytes(self) -> int:
        """Bytes that a page gets: data, script and style."""
        return len(json.dumps(self.baked(), ensure_ascii=False).encode()) + sum(
            len(str(text).encode()) for text in (self._esm, self._css)
        )

    def to_html(self, path: str | Path) -> Path:
        """Write the tour as one self-contained file; returns its path."""
        path = Path(path)
        path.write_text(page(self, self.baked(), self.title, repr(self.still())), "utf-8")
        return path

    def still(self) -> Markup:
        head = [
            str(word)
            for word in (L(zh="步骤", en="stop"), L(zh="张量", en="tensor"), L(zh="形状", en="shape"), "")
        ]
        rows = [
            (f"{i}. {stop.title}", stop.name, f"{stop.axes} = {stop.shape}", inline(stop.text))
            for i, stop in enumerate(self.steps, 1)
        ]
        note = L(
            zh="静态的一览：运行这个单元格，就能一步步走，每一步先猜再看数。",
            en="A still list: run the cell to walk through it, with a guess before the numbers.",
        )
        return (
            Markup("<b>{}</b>").format(self.title)
            + paragraph(f"“{''.join(self.tokens)}” · {note}")
            + table(rows, header=head)
        )

    def baked(self) -> dict[str, Any]:
        return self.traits_sent()


def _sent(stop: Stop) -> dict[str, Any]:
    """A stop as the page gets it; the shown part of the tensor as base64 of float32."""
    letters = (letter for letter in stop.axes if letter in _AXES)
    sent = {
        "name": stop.name,
        "title": str(stop.title),
        "text": inline(stop.text),
        "box": stop.box,
        "row": stop.row,
        "block": stop.block,
        "shape": f"{stop.axes} = {stop.shape}",
        "axes": " · ".join(f"{letter} {_AXES[letter]}" for letter in letters),
        "width": stop.shape[-1],
        "extra": stop.extra,
        "rows": stop.rows,
        "columns": stop.columns,
    }
    if stop.table is not None:
        sent |= {
            "data": base64.b64encode(stop.table.astype(np.float32).tobytes()).decode(),
            "dims": stop.table.shape,
        }
    if stop.ask:
        sent["ask"] = {
            "text": str(stop.ask.text),
            "options": stop.ask.options,
            "right": stop.ask.right,
            "note": str(stop.ask.note),
        }
    return sent
