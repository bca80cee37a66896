"""See every head of a real model: an anywidget that sends thumbnails and one head, and the rest when it is looked at.

    view = cl.attention_view(m, "The cat sat on the mat because it was tired.")
    view                                    # in a notebook: a still picture, then the interactive view
    view.weights(layer=5, head=3)           # the exact float32 of the forward pass, [T, S]
    view.ablate([(5, 3)])                   # what the model predicts without that head
    view.to_html("attention.html")          # one file: no server, no network

The front end is `front/`; `coding.py` is the wire format; models are read by `models/attention.py`.
"""
from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from markupsafe import escape

from ..errors import CourseError
from ..i18n import L, language
from ..models import attention as models
from ..models.reading import Reading, Tokens, read
from .coding import Heads, bundle, encode
from .effect import Effect
from .live import display_live, script
from .still import describe, still_html

__all__ = ["AttentionView", "ViewError", "attention_view"]

_FRONT = Path(__file__).parent / "front"
_SCRIPTS = ("words", "elements", "data", "paint", "birdseye", "headview", "view")      # one module for the browser, in several files
_MEMORY = 2 << 30                                                      # bytes of float32 weights that one text may keep


class ViewError(CourseError, ValueError):
    """What was asked for cannot be shown."""


@dataclass
class _Pass:
    """One text and its forward pass; `reading` and `outcome` are None for bare arrays."""

    text: str
    target: str | None
    parts: dict[str, Heads]
    reading: Reading | None = None
    outcome: models.Outcome | None = None


class AttentionView(anywidget.AnyWidget):
    """The interactive view; made by `attention_view`."""

    _esm = script(*(f"front/{name}" for name in _SCRIPTS))
    _css = (_FRONT / "attention.css").read_text("utf-8")
    _meta = traitlets.Unicode().tag(sync=True)          # JSON: tokens, shapes, and where in _data each array lies
    _data = traitlets.Bytes().tag(sync=True)
    _effect = traitlets.Unicode("").tag(sync=True)      # JSON of the last ablation
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    part = traitlets.Unicode("self").tag(sync=True)
    lang = traitlets.Unicode("en").tag(sync=True)

    def __init__(self, first: _Pass, model=None, tokenizer=None, title: str = "", truncate: bool = False) -> None:
        self._model, self._tokenizer, self._title, self._truncate = model, tokenizer, title, truncate
        self._passes = [first]
        part = "cross" if "cross" in first.parts else next(iter(first.parts))
        layer, head = first.parts[part].telling()
        super().__init__(part=part, layer=layer, head=head, lang=language())
        self._meta, self._data = self._first_picture(0)
        self.on_msg(self._answer)

    # What a notebook asks for -------------------------------------------------------------------------------------

    @property
    def tokens(self) -> list[str]:
        """The queries' tokens as shown; for self-attention they are the keys' too."""
        return list(self._heads().query.labels)

    @property
    def payload_bytes(self) -> int:
        """Bytes sent to the browser for the first picture: data, description, script and style."""
        return len(self._data) + sum(len(text.encode()) for text in (self._meta, str(self._esm), str(self._css)))

    def weights(self, layer: int, head: int) -> np.ndarray:
        """The exact weights of one head in this forward pass: float32 [T, S]."""
        self._check(layer, head)
        return self._heads().weights(layer, head)

    def select(self, layer: int | None = None, head: int | None = None, part: str | None = None) -> AttentionView:
        """Show another head (or another part: "encoder", "decoder", "cross"); returns the view."""
        if part is not None and part not in self._passes[0].parts:
            raise ViewError(L(zh="没有 {part!r}，有的是：{parts}", en="there is no part {part!r}; there is: {parts}").format(
                part=part, parts=", ".join(self._passes[0].parts)))
        part = part or self.part
        layer, head = self.layer if layer is None else layer, self.head if head is None else head
        self._check(layer, head, part)
        with self.hold_sync():
            self.part, self.layer, self.head = part, int(layer), int(head)
        return self

    def ablate(self, heads: list[tuple[int, int]]) -> Effect:
        """The next-token distribution with and without `heads` [(layer, head), ...]; shown in the view as well."""
        effect = self._ablate(self._passes[0], [(self.part, int(layer), int(head)) for layer, head in heads])
        self._effect = json.dumps(effect.as_dict(), ensure_ascii=False)
        return effect

    def to_html(self, path: str | Path) -> Path:
        """Write one self-contained interactive file with every head; returns its path."""
        meta, data = self._first_picture(0, complete=True)
        state = {"_meta": meta, "_data": base64.b64encode(data).decode(), "_effect": self._effect,
                 "layer": self.layer, "head": self.head, "part": self.part, "lang": self.lang}
        alt = describe(self._heads(), self.layer, self.head, self._title)
        page = (_FRONT / "attention.html").read_text("utf-8")
        fill = {"TITLE": escape(self._title or "Attention"), "LANG": escape(self.lang), "ALT": escape(alt), "CSS": str(self._css),
                "STATE": json.dumps(state, ensure_ascii=False).replace("<", "\\u003c"), "ESM": str(self._esm)}
        page = re.sub("%%([A-Z]+)%%", lambda found: fill[found[1]], page)
        path = Path(path)
        path.write_text(page, "utf-8")
        return path

    def _ipython_display_(self) -> None:
        heads = self._heads()
        shown = heads, self.layer, self.head, self._title
        display_live(self, still_html(*shown), str(describe(*shown)))

    # What the browser asks for ------------------------------------------------------------------------------------

    def _answer(self, _widget, message: dict[str, Any], _buffers) -> None:
        try:
            reply, arrays = getattr(self, f"_on_{message['ask']}")(**message.get("with", {}))
        except Exception as error:              # whatever went wrong, the browser must not wait for ever
            said = error.message if isinstance(error, CourseError) else L(zh=str(error), en=str(error))
            reply, arrays = {"error": {"zh": said.zh, "en": said.en}, "cut": getattr(error, "limit", None)}, []
        self.send({"id": message["id"], **reply}, buffers=arrays)

    def _on_hello(self) -> tuple[dict, list]:
        """For hosts that lose binary buffers when the widget opens."""
        return {"meta": self._meta, "data": base64.b64encode(self._data).decode()}, []

    def _on_head(self, slot: int, part: str, layer: int, head: int, mode: str) -> tuple[dict, list]:
        return {}, [encode(self._passes[slot].parts[part].picture(layer, head, mode)).tobytes()]

    def _on_exact(self, slot: int, part: str, layer: int, head: int, mode: str, q: int, k: int) -> tuple[dict, list]:
        return {}, [line.astype(np.float32).tobytes() for line in self._passes[slot].parts[part].line(layer, head, mode, q, k)]

    def _on_toward(self, slot: int, part: str, k: int) -> tuple[dict, list]:
        return {}, [self._passes[slot].parts[part].to_token(k).astype(np.float32).tobytes()]

    def _on_text(self, slot: int, text: str, target: str | None = None, truncate: bool = False) -> tuple[dict, list]:
        made = _forward(self._model, self._tokenizer, text, target, truncate or self._truncate)
        self._passes[slot:slot + 1] = [made]
        meta, data = self._first_picture(slot)
        if slot:
            return {"meta": meta}, [data]
        with self.hold_sync():                  # every display of this widget follows
            self._meta, self._data, self._effect = meta, data, ""
        return {}, []

    def _on_ablate(self, slot: int, heads: list) -> tuple[dict, list]:
        return {"effect": self._ablate(self._passes[slot], [tuple(h) for h in heads]).as_dict()}, []

    # Inside -------------------------------------------------------------------------------------------------------

    def _heads(self, part: str | None = None) -> Heads:
        return self._passes[0].parts[part or self.part]

    def _check(self, layer: int, head: int, part: str | None = None) -> None:
        layers, heads = self._heads(part).shape[:2]
        if not (0 <= layer < layers and 0 <= head < heads):
            raise ViewError(L(zh="没有第 {layer} 层第 {head} 头：层是 0–{l}，头是 0–{h}", en="there is no layer {layer}, head {head}: layers are 0-{l}, heads 0-{h}")
                                 .format(layer=layer, head=head, l=layers - 1, h=heads - 1))

    def _ablate(self, known: _Pass, heads: list[tuple[str, int, int]]) -> Effect:
        if known.reading is None:
            raise ViewError(L(zh="这里只有权重，没有模型：消融要用 attention_view(m, 文本)", en="There are only weights here: to ablate, make the view from a model"))
        return Effect.between(heads, known.outcome, models.run(self._model, known.reading, ablate=heads), self._tokenizer)

    def _first_picture(self, slot: int, complete: bool = False) -> tuple[str, bytes]:
        known, arrays, parts = self._passes[slot], {}, []
        for name, heads in known.parts.items():
            layers, per_layer, T, S = heads.shape
            layer, head = (min(self.layer, layers - 1), min(self.head, per_layer - 1)) if name == self.part else (0, 0)
            square = T == S and name != "cross"
            arrays[f"{name}/scores"] = heads.scores()
            if complete:                        # the thumbnails follow from the heads
                arrays[f"{name}/heads"] = np.stack([encode(packed) for packed in heads.packed])
                if heads.norms:
                    norms = np.stack(heads.norms)
                    arrays[f"{name}/norms"] = encode(norms / (norms.max(-1, keepdims=True) + 1e-30))
                if square:
                    arrays[f"{name}/rollout"] = np.stack([encode(heads.picture(i, 0, "rollout")) for i in range(layers)])
            else:
                arrays[f"{name}/thumbs"] = heads.thumbs()
                arrays[f"{name}/head"] = encode(heads.packed[layer][head])
            parts.append({"name": name, "shape": heads.shape, "causal": bool(heads.causal), "kv": heads.kv_heads, "thumb": heads.thumb_sides,
                          "shown": [layer, head], "value": bool(heads.norms), "rollout": square, "query": _side(heads.query), "key": _side(heads.key)})
        return bundle({"slot": slot, "title": self._title, "text": known.text, "target": known.target, "live": self._model is not None and not complete,
                       "complete": complete, "parts": parts}, arrays)


def _side(tokens: Tokens) -> dict[str, list]:
    return {"labels": tokens.labels, "special": [i for i, special in enumerate(tokens.special) if special]}


def _forward(model, tokenizer, text: str, target: str | None, truncate: bool) -> _Pass:
    config = model.config
    most = int((2 * _MEMORY / 4 / (config.num_hidden_layers * config.num_attention_heads)) ** 0.5)
    reading, parts = read(model, tokenizer, text, target, truncate, most), {}

    def keep(layer: models.Layer) -> None:
        heads = parts.setdefault(layer.part, Heads(*reading.sides(layer.part), layer.part, models.kv_heads(model)))
        heads.add(layer.weights.float().cpu().numpy(), None if layer.value_norms is None else layer.value_norms.cpu().numpy())

    outcome = models.run(model, reading, keep)
    return _Pass(text, target, parts, reading, outcome)


def attention_view(m, text: str | None = None, target: str | None = None, *, truncate: bool = False) -> AttentionView:
    """A view of a model reading `text` (and writing `target`, for an encoder-decoder), or of an `Attention`.

    m: what `cl.load` returns, or an `Attention`. truncate: read only what fits the context instead of refusing a longer text.
    ValueError for an empty text, `TextTooLong` (a ValueError) beyond the limit, weights outside [0, 1], an unknown model.
    """
    if isinstance(m, models.Attention):
        parts = {each.part: _from_arrays(each) for each in (m, m.encoder, m.decoder) if each is not None}
        return AttentionView(_Pass("", None, parts))
    if text is None:
        raise ViewError(L(zh='要看哪段文本？写成 attention_view(m, "文本")', en='Which text? Write attention_view(m, "some text")'))
    title = getattr(getattr(m, "card", None), "name", "") or type(m.model).__name__
    return AttentionView(_forward(m.model, m.tokenizer, text, target, truncate), m.model, m.tokenizer, title, truncate)


def _from_arrays(given: models.Attention) -> Heads:
    if np.nanmin(given.weights, initial=0) < 0 or np.nanmax(given.weights, initial=0) > 1.001:
        raise ViewError(L(zh="注意力权重应在 0 和 1 之间；这些像是 softmax 之前的分数", en="Attention weights lie between 0 and 1; these look like scores before the softmax"))
    _, _, T, S = given.weights.shape
    causal = T == S and T > 1 and not any(np.triu(layer, 1).any() for layer in given.weights)
    query, key = given.special
    heads = Heads(Tokens(given.query_tokens, list(query)), Tokens(given.key_tokens, list(key)), given.part, given.kv_heads, causal)
    for layer in given.weights:
        heads.add(layer)
    return heads
