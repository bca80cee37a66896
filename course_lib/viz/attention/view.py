"""See every head of a real model: an anywidget that sends thumbnails and one head, and the rest when it is
looked at.

    view = cl.attention_view(m, "The cat sat on the mat because it was tired.")
    view                                    # in a notebook: a still picture, then the interactive view
    view.weights(layer=5, head=3)           # the exact float32 of the forward pass, [T, S]
    view.ablate([(5, 3)])                   # what the model predicts without that head
    view.to_html("attention.html")          # one file: no server, no network

The front end is `front/`; `coding.py` is the wire format; `interpret.look` reads the model, and what it found
is drawn.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from ...errors import CourseError
from ...i18n import L, language
from ...interpret import Effect, Heads, Pass, ablated, look, scores_before
from ...paths import home
from ..html import Markup, paragraph
from ..widgets.baking import examples
from ..widgets.live import display_live, page, script
from .coding import bundle, encode, thumb_sides, thumbs
from .lifetime import handed_out
from .still import describe, still_html

__all__ = ["AttentionView", "ViewError", "attention_view"]

_FRONT = Path(__file__).parent / "front"
# one module for the browser, in several files
_SCRIPTS = ("words", "elements", "data", "paint", "birdseye", "headview", "tour", "view")


class ViewError(CourseError, ValueError):
    """What was asked for cannot be shown."""


class AttentionView(anywidget.AnyWidget):
    """The interactive view; made by `attention_view`.

    Its data (20 to 60 MB for a long text) stay as long as a name, a list or anything else of the reader's
    holds the view. Of the views that only the notebook's records still hold, because their cell was run
    again, the last four keep theirs; an earlier one shows what the page already has, and says "run the cell
    again" when asked for more.
    """

    _esm = script(*(_FRONT / f"{name}.js" for name in _SCRIPTS))
    _css = (_FRONT / "attention.css").read_text("utf-8")
    file_script = (_FRONT / "file.js").read_text("utf-8")  # what a page without a kernel needs besides
    _meta = traitlets.Unicode().tag(sync=True)  # JSON: tokens, shapes, and where in _data each array lies
    _data = traitlets.Bytes().tag(sync=True)
    _effect = traitlets.Unicode("").tag(sync=True)  # JSON of the last ablation
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    part = traitlets.Unicode("self").tag(sync=True)
    lang = traitlets.Unicode("en").tag(sync=True)
    _tour = traitlets.Bool().tag(sync=True)  # whether the reader has yet to be shown around

    def __init__(self, first: Pass, truncate: bool = False) -> None:
        self._passes, self._truncate = [first], truncate
        self._title = first.model.title if first.model else ""
        layer, head = first.parts[first.part].telling()
        super().__init__(
            part=first.part, layer=layer, head=head, lang=language(), _tour=not _TOURED().exists()
        )
        self._meta, self._data = self._first_picture(0)
        self.on_msg(self._answer)

    # What a notebook asks for
    # -------------------------------------------------------------------------------------

    @property
    def tokens(self) -> list[str]:
        """The queries' tokens as shown; for self-attention they are the keys' too."""
        return list(self._heads().query.labels)

    @property
    def payload_bytes(self) -> int:
        """Bytes sent to the browser for the first picture: data, description, script and style."""
        return len(self._data) + sum(
            len(text.encode()) for text in (self._meta, str(self._esm), str(self._css))
        )

    def weights(self, layer: int, head: int) -> np.ndarray:
        """The exact weights of one head in this forward pass: float32 [T, S]."""
        self._check(layer, head)
        return self._heads().weights(layer, head)

    def select(
        self, layer: int | None = None, head: int | None = None, part: str | None = None
    ) -> AttentionView:
        """Show another head (or another part: "encoder", "decoder", "cross"); returns the view."""
        part = part or self.part
        layer, head = self.layer if layer is None else layer, self.head if head is None else head
        self._check(layer, head, part)
        with self.hold_sync():
            self.part, self.layer, self.head = part, int(layer), int(head)
        return self

    def ablate(self, heads: list[tuple[int, int]]) -> Effect:
        """What the model predicts with and without `heads` [(layer, head), ...]; shown in the view as
        well."""
        effect = ablated(self._modelled(0), [(self.part, int(layer), int(head)) for layer, head in heads])
        self._effect = json.dumps(effect.as_dict(), ensure_ascii=False) if heads else ""
        return effect

    def to_html(self, path: str | Path) -> Path:
        """Write one self-contained interactive file with every head; returns its path."""
        path = Path(path)
        path.write_text(self._page(), "utf-8")
        return path

    def baked(self) -> dict[str, Any]:
        """Every head, for a page without a kernel; `texts`, where there are several: what may be chosen
        there, the text of this view first."""
        first = self._pass(0)
        read = [
            first,
            *(look(first.model, text, truncate=self._truncate) for text in examples(first.text)[1:3]),
        ]
        texts = [
            {"_meta": meta, "_data": base64.b64encode(data).decode()}
            for meta, data in (self._first_picture(0, True, known) for known in read)
        ]
        return {
            "_effect": self._effect,
            "layer": self.layer,
            "head": self.head,
            "part": self.part,
            "lang": self.lang,
            **texts[0],
        } | ({"texts": texts} if len(texts) > 1 else {})

    def _page(self) -> str:
        alt = str(describe(self._heads(), self.layer, self.head, self._title))
        return page(self, self.baked(), self._title or "Attention", alt, self.file_script)

    def _ipython_display_(self) -> None:
        heads = self._heads()
        shown = heads, self.layer, self.head, self._title
        said = filter(None, (self._pass(0).text, self._pass(0).target))
        display_live(self, Markup().join(map(paragraph, said)) + still_html(*shown), str(describe(*shown)))

    # What the browser asks for
    # ------------------------------------------------------------------------------------

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        """A message that is no widget message is dropped: nothing that a page sends may end in the kernel's
        log."""
        data = (
            msg.get("content", {}).get("data")
            if isinstance(msg, dict) and isinstance(msg.get("content"), dict)
            else None
        )
        if isinstance(data, dict) and data.get("method") in ("update", "request_state", "custom"):
            super()._handle_msg({**msg, "buffers": msg.get("buffers", [])})

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """The page may choose a head that there is; the rest is the kernel's."""
        asked = sync_data if isinstance(sync_data, dict) else {}
        part = asked.get("part", self.part)
        layer, head = asked.get("layer", self.layer), asked.get("head", self.head)
        try:
            self._check(layer, head, part)
        except ViewError:
            return
        super().set_state({name: asked[name] for name in ("part", "layer", "head") if name in asked})

    def _answer(self, _widget, message: Any, _buffers) -> None:
        message = message if isinstance(message, dict) else {}
        try:
            ask, values = message.get("ask"), message.get("with", {})
            if ask not in _ASKS or not isinstance(values, dict):
                raise ViewError(
                    zh="这个视图不认识页面的请求", en="this view does not know what the page asks for"
                )
            reply, arrays = getattr(self, f"_on_{ask}")(**values)
        except Exception as error:  # whatever went wrong, the browser must not wait for ever
            said = error.message if isinstance(error, CourseError) else L(zh=str(error), en=str(error))
            reply, arrays = (
                {"error": {"zh": said.zh, "en": said.en}, "cut": getattr(error, "limit", None)},
                [],
            )
        self.send({"id": message.get("id"), **reply}, buffers=arrays)

    def _on_hello(self) -> tuple[dict, list]:
        """For hosts that lose binary buffers when the widget opens."""
        return {"meta": self._meta, "data": base64.b64encode(self._data).decode()}, []

    def _on_head(self, slot: int, part: str, layer: int, head: int, mode: str) -> tuple[dict, list]:
        heads = self._check(layer, head, part, slot)
        return {}, [encode(heads.picture(layer, head, mode)).tobytes()]

    def _on_exact(
        self, slot: int, part: str, layer: int, head: int, mode: str, q: int, k: int, scores: bool = False
    ) -> tuple[dict, list]:
        heads = self._check(layer, head, part, slot)
        _within(q, len(heads.query))
        _within(k, len(heads.key))
        lines = [line.astype(np.float32) for line in heads.line(layer, head, mode, q, k)]
        if scores:
            lines.append(scores_before(self._modelled(slot), part, layer)[head, q])
        return {}, [line.tobytes() for line in lines]

    def _on_toward(self, slot: int, part: str, k: int) -> tuple[dict, list]:
        heads = self._heads(part, slot)
        return {}, [heads.to_token(_within(k, len(heads.key))).astype(np.float32).tobytes()]

    def _on_text(
        self, slot: int, text: str, target: str | None = None, truncate: bool = False
    ) -> tuple[dict, list]:
        _within(slot, 2)
        made = look(self._modelled(0).model, text, target, truncate=truncate or self._truncate)
        self._passes[slot : slot + 1] = [made]
        meta, data = self._first_picture(slot)
        if slot:
            return {"meta": meta}, [data]
        with self.hold_sync():  # every display of this widget follows
            self._meta, self._data, self._effect = meta, data, ""
        return {}, []

    def _on_page(self) -> tuple[dict, list]:
        return {}, [self._page().encode()]

    def _on_toured(self) -> tuple[dict, list]:
        self._tour = False
        with suppress(OSError):  # a folder that cannot be written: the tour comes again
            _TOURED().parent.mkdir(parents=True, exist_ok=True)
            _TOURED().touch()
        return {}, []

    def _on_ablate(self, slot: int, heads: list) -> tuple[dict, list]:
        for part, layer, head in heads:
            self._check(layer, head, part, slot)
        return {"effect": ablated(self._modelled(slot), [tuple(h) for h in heads]).as_dict()}, []

    # Inside
    # -------------------------------------------------------------------------------------------------------

    def _pass(self, slot: int) -> Pass:
        if not self._passes:
            raise ViewError(
                zh="这个视图的数据已经释放：它的单元格后来又运行过，没有名字再指着它。重新运行那个单元格即可",
                en="The data of this view were released: its cell was run again and no name holds "
                "it any more. Run the cell again",
            )
        return self._passes[_within(slot, len(self._passes))]

    def _modelled(self, slot: int) -> Pass:
        known = self._pass(slot)
        if known.model is None:
            raise ViewError(
                zh="这里只有权重，没有模型：消融、改文本要用 attention_view(m, 文本)",
                en="There are only weights here: to ablate or to change the text, make the view from a model",
            )
        return known

    def _heads(self, part: str | None = None, slot: int = 0) -> Heads:
        parts = self._pass(slot).parts
        part = self.part if part is None else part
        if not isinstance(part, str) or part not in parts:
            raise ViewError(
                zh="没有 {part!r}，有的是：{parts}",
                en="there is no part {part!r}; there is: {parts}",
                part=part,
                parts=", ".join(parts),
            )
        return parts[part]

    def _check(self, layer: int, head: int, part: str | None = None, slot: int = 0) -> Heads:
        found = self._heads(part, slot)
        layers, heads = found.shape[:2]
        if not (_whole(layer) and _whole(head) and 0 <= layer < layers and 0 <= head < heads):
            raise ViewError(
                zh="没有第 {layer} 层第 {head} 头：层是 0–{l}，头是 0–{h}",
                en="there is no layer {layer}, head {head}: layers are 0-{l}, heads 0-{h}",
                layer=layer,
                head=head,
                l=layers - 1,
                h=heads - 1,
            )
        return found

    def _release(self) -> None:
        self._passes = []

    def _first_picture(
        self, slot: int, complete: bool = False, known: Pass | None = None
    ) -> tuple[str, bytes]:
        known, arrays, parts = known or self._pass(slot), {}, []
        for name, heads in known.parts.items():
            layers, per_layer, T, S = heads.shape
            layer, head = (
                (min(self.layer, layers - 1), min(self.head, per_layer - 1)) if name == self.part else (0, 0)
            )
            square = T == S and name != "cross"
            arrays[f"{name}/scores"] = heads.scores()
            if complete:  # the thumbnails follow from the heads
                arrays[f"{name}/heads"] = np.stack([encode(packed) for packed in heads.packed])
                if heads.valued:
                    norms = np.stack(heads.norms)
                    arrays[f"{name}/norms"] = encode(norms / (norms.max(-1, keepdims=True) + 1e-30))
                if square:
                    arrays[f"{name}/rollout"] = np.stack(
                        [encode(heads.picture(i, 0, "rollout")) for i in range(layers)]
                    )
            else:
                arrays[f"{name}/thumbs"] = thumbs(heads)
                arrays[f"{name}/head"] = encode(heads.packed[layer][head])
            sink = heads.sink()
            parts.append(
                {
                    "name": name,
                    "shape": heads.shape,
                    "causal": bool(heads.causal),
                    "kv": heads.kv_heads,
                    "thumb": thumb_sides(heads),
                    "shown": [layer, head],
                    "value": heads.valued,
                    "rollout": square,
                    "sink": None if sink is None else sink.round(3).tolist(),
                    "query": _side(heads.query),
                    "key": _side(heads.key),
                }
            )
        outcome = (
            ablated(known, []).as_dict()
            if known.outcome and known.outcome.kind in ("next", "masked", "class")
            else None
        )
        return bundle(
            {
                "slot": slot,
                "outcome": outcome,
                "title": self._title,
                "text": known.text,
                "target": known.target,
                "live": known.model is not None and not complete,
                "complete": complete,
                "parts": parts,
            },
            arrays,
        )


def _side(tokens) -> dict[str, list]:
    return {"labels": tokens.labels, "special": [i for i, special in enumerate(tokens.special) if special]}


_ASKS = ("hello", "head", "exact", "toward", "text", "ablate", "page", "toured")
_TOURED = lambda: home() / "toured"  # stands there once the reader has seen, or closed, the tour of the view


def _within(index: Any, count: int) -> int:
    if not _whole(index) or not 0 <= index < count:
        raise ViewError(
            zh="没有第 {index} 个：应是 0 到 {last} 的整数",
            en="there is no number {index}: it must be a whole number from 0 to {last}",
            index=repr(index)[:40],
            last=count - 1,
        )
    return index


def _whole(index: Any) -> bool:
    return isinstance(index, (int, np.integer)) and not isinstance(index, bool)


def attention_view(
    m, text: str | None = None, target: str | None = None, *, tokenizer=None, truncate: bool = False
) -> AttentionView:
    """A view of a model reading `text` (and writing `target`, for an encoder-decoder), or of an `Attention`.

    m: what `cl.load` returns; with `tokenizer` (one of transformers', or anything with encode and decode) a
    transformers model, a ported one or one of `course_lib.nn`; or an `Attention`. truncate: read only what
    fits the context instead of refusing a longer text.
    ValueError for an empty text, `TextTooLong` (a ValueError) beyond the limit, weights that no softmax can
    have made, an unknown model. The limit is the model's context, or as many tokens as 2 GiB of weights hold,
    whichever is less.
    """
    return handed_out(
        [AttentionView(look(m, text, target, tokenizer=tokenizer, truncate=truncate), truncate)]
    )
