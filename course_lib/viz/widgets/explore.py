"""`explore(draw, **controls)`: a picture that follows what you type, drag or click.

    explore(lambda text, k: bars(...), text="The cat", k=(1, 10, 5))

The picture as it stands at first is an output of its own, so a saved notebook shows it without a kernel; the
live one takes its place.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import traitlets

from ...errors import CourseError
from ...i18n import L
from ..html import Markup, paragraph
from .baking import grid
from .live import Html, Live, markup, script, unclickable

__all__ = ["Explore", "explore"]

_HERE = Path(__file__).parent
_LONGEST = 300  # characters: more than any picture here has room for
# drawn beforehand for a page: at most so many pictures, and about so much time and room
_BAKED, _SECONDS, _BYTES = (240, 30, 400_000)
_CLICKS = 8  # of them, the share that is left for clicks in the picture: 7 of 8
_LABELS = {
    "alpha": L(zh="平滑 α", en="Smoothing α"),
    "at": L(zh="第几步", en="Step"),
    "at_once": L(zh="一次揭几个", en="At once"),
    "beams": L(zh="束的宽度", en="Beams"),
    "context": L(zh="上下文", en="Context"),
    "depth": L(zh="深度", en="Depth"),
    "epochs": L(zh="读几遍", en="Epochs"),
    "errand": L(zh="任务", en="Errand"),
    "examples": L(zh="训练样本数", en="Training examples"),
    "first": L(zh="先揭哪一个", en="Uncover first"),
    "form": L(zh="体裁", en="Form"),
    "gap": L(zh="真实的差距", en="True gap"),
    "item": L(zh="第几题", en="Question"),
    "k": L(zh="取前几个", en="How many, k"),
    "key": L(zh="键的位置 n", en="Position of the key, n"),
    "length": L(zh="长度", en="Length"),
    "level": L(zh="档", en="Level"),
    "loss": L(zh="答错的代价", en="Cost of a wrong answer"),
    "mode": L(zh="约束", en="Constraint"),
    "model": L(zh="模型", en="Model"),
    "n": L(zh="题数 n", en="Questions, n"),
    "noise": L(zh="随大流的比例", en="Share that follows the crowd"),
    "order": L(zh="阶数 n", en="Order n"),
    "penalty": L(zh="长度惩罚 α", en="Length penalty α"),
    "position": L(zh="第几个词元在看", en="Which token looks"),
    "query": L(zh="查询的位置 m", en="Position of the query, m"),
    "question": L(zh="问题", en="Question"),
    "rank": L(zh="改动压到的秩 r", en="Change cut to rank r"),
    "remedy": L(zh="办法", en="Remedy"),
    "rounds": L(zh="遍数", en="Rounds"),
    "rule": L(zh="规则", en="Rule"),
    "say": L(zh="你报的概率", en="You say"),
    "seed": L(zh="随机种子", en="Seed"),
    "shots": L(zh="每类几个例子", en="Examples of each kind"),
    "source": L(zh="原文", en="Source"),
    "step": L(zh="步骤", en="Step"),
    "string": L(zh="字符串", en="String"),
    "temperature": L(zh="温度", en="Temperature"),
    "text": L(zh="输入文字", en="Type here"),
    "theta": L(zh="参数 θ", en="Parameter θ"),
    "threshold": L(zh="阈值", en="Threshold"),
    "title": L(zh="题目", en="Title"),
    "top_k": L(zh="top-k", en="top-k"),
    "top_p": L(zh="top-p", en="top-p"),
    "truth": L(zh="真实概率", en="True chance"),
    "vocabulary": L(zh="词表大小", en="Vocabulary"),
    "warmup": L(zh="预热步数", en="Warm-up steps"),
    "width": L(zh="宽度 d", en="Width d"),
    "written": L(zh="已经写下", en="Written so far"),
}


def explore(draw: Callable[..., Any], **controls: Any) -> Explore:
    """Show `draw(**values)` and draw it again whenever a value changes.

    A control is made from its value: a string is a text field, a list a choice, (low, high, start) a slider
    with whole or decimal steps. A control whose name ends in "_" has no field: clicks on the picture's
    `data-set` boxes change it (see `flow`). `draw` returns markup (`bars`, `table`, `Markup` ...), text, a
    matplotlib figure or anything with `_repr_html_`. It never sees an empty text or one of more than 300
    characters: then, and where it fails, a sentence below the controls says so.
    """
    return Explore(draw, controls)


class Explore(Live):
    """The widget behind `explore`; `values` holds what the controls say and may be set from Python, too."""

    _esm = script(_HERE / "inview.js", _HERE / "explore.js")
    _css = _HERE / "explore.css"
    fields = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    picture = Html().tag(sync=True)
    waiting = traitlets.Unicode().tag(sync=True)
    # how often: tells the browser that the kernel is done, even if the picture is the same
    drawn = traitlets.Int().tag(sync=True)

    def __init__(self, draw: Callable[..., Any], controls: dict[str, Any]):
        fields = [_field(name, value) for name, value in controls.items()]
        super().__init__(
            fields=[field for field in fields if field["kind"] != "click"],
            values={field["name"]: field["value"] for field in fields},
            waiting=str(L(zh="正在计算……{0} 秒", en="Computing… {0} s")),
        )
        self._draw = draw
        self._redraw()
        self.observe(self._redraw, "values")

    def _redraw(self, _change: object = None) -> None:
        self.picture = self._refused() or self._drawn()
        self.drawn += 1

    def _refused(self) -> Markup:
        """What is wrong with what was typed, or nothing."""
        texts = [
            (field["label"], str(self.values.get(field["name"], "")))
            for field in self.fields
            if field["kind"] == "text"
        ]
        said = [
            L(zh="“{0}”里还没有字，写一点试试。", en="“{0}” is empty: type something.").format(label)
            for label, text in texts
            if not text.strip()
        ]
        said += [
            L(
                zh="“{0}”里有 {1} 个字符，太长了，最多 {2} 个。",
                en="“{0}” has {1} characters; {2} is the most.",
            ).format(label, len(text), _LONGEST)
            for label, text in texts
            if len(text) > _LONGEST
        ]
        return paragraph("\n".join(map(str, said))) if said else Markup()

    def _drawn(self) -> Markup:
        try:
            return markup(self._draw(**{name.rstrip("_"): value for name, value in self.values.items()}))
        except CourseError as error:  # the reader is typing: a sentence, never a traceback
            return paragraph(error.message)
        except Exception as error:
            # looked up, and not there
            if isinstance(error, KeyError) and error.args[0] in self.values.values():
                return paragraph(
                    L(zh="这里没有“{0}”，换一个试试。", en="There is no “{0}” here: try another.").format(
                        error.args[0]
                    )
                )
            said = L(
                zh="这样填，画不出来。换一个试试；如果怎么填都不行，请看单元格里的代码。",
                en="No picture comes of this. Try something else; where nothing works, look at the "
                "code of the cell.",
            )
            return paragraph(said) + Markup("<details><summary>Python</summary>{}</details>").format(error)

    def baked(self) -> dict[str, Any]:
        """`rows`: values and the number of their picture in `pictures`; the fields are those that the rows
        follow."""
        was, pictures, rows = self.values, {}, []
        clicked = {name: value for name, value in was.items() if name.endswith("_")}
        fields = [field | {"value": was[field["name"]]} for field in self.fields]
        with self.hold_sync():
            began = time.monotonic()
            # not the picture at hand: what it took may be cached
            self.values = clicked | grid(fields, 2)[1][-1]
            seconds = max(time.monotonic() - began, 0.001)
            room = int(min(_BAKED, _SECONDS / seconds, _BYTES / len(zlib.compress(self.picture.encode()))))
            fields, queue = grid(fields, max(1, room // (_CLICKS if clicked else 1)))
            queue = [clicked | values for values in queue]
            for values in queue:  # it grows: a box that can be clicked leads to another picture
                self.values = values
                rows.append([values, pictures.setdefault(self.picture, len(pictures))])
                for name, value in re.findall(r'data-set="(\w+)=([^"]*)"', self.picture):
                    if len(queue) < room and (after := values | {name: unescape(value)}) not in queue:
                        queue.append(after)
            self.values = was
        return self.traits_sent() | {"fields": fields, "rows": rows, "pictures": list(pictures)}

    def still(self) -> Markup:
        """The picture with nothing to click, and what the fields say."""
        fields = " · ".join(
            f"{field['label']}: {self.values.get(field['name'], '')}" for field in self.fields
        )
        return (paragraph(fields) if fields else Markup()) + unclickable(self.picture)


def _field(name: str, value: Any) -> dict:
    label = str(_LABELS.get(name, name))
    if name.endswith("_"):
        return {"name": name, "kind": "click", "value": str(value)}
    if isinstance(value, (str, L)):
        return {"name": name, "kind": "text", "label": label, "value": str(value)}
    if isinstance(value, list):
        return {
            "name": name,
            "kind": "choice",
            "label": label,
            "value": str(value[0]),
            "options": [str(v) for v in value],
        }
    low, high, start = value
    step = 1 if all(isinstance(v, int) for v in value) else round((high - low) / 100, 6)
    return {
        "name": name,
        "kind": "slider",
        "label": label,
        "value": start,
        "low": low,
        "high": high,
        "step": step,
    }
