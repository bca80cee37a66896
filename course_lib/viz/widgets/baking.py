"""What a widget needs on a page without a kernel, computed while its notebook is executed for the site.

Where COURSE_BAKE names a table of examples (TOML: what a text field says at first = what else to try), each
widget's output carries in its metadata all that its script needs; `notebooks/build.py` moves that into a file
beside the notebook, and `site` puts it on the page.

- One way for all: a widget's `baked()` gives the state that a page begins with. Who can compute in the
browser needs no more.
- `explore` cannot: it draws beforehand, on a grid that is bounded in number, time and bytes, and follows the
clicks from there.
"""

from __future__ import annotations

import base64
import io
import json
import os
import random
import tomllib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["KEY", "examples", "grid", "sealed"]

KEY = "course_live"


def sealed(widget: Any) -> dict[str, str]:
    """Metadata for the widget's output, {} unless pages are being made: base64 of compressed JSON with the
    widget's kind and state."""
    if "COURSE_BAKE" not in os.environ:
        return {}
    with _chance_as_it_was(), redirect_stdout(io.StringIO()):
        state = widget.baked()
    if not state:
        return {}
    text = json.dumps({"kind": type(widget).__name__, "state": state}, ensure_ascii=False)
    return {KEY: base64.b64encode(zlib.compress(text.encode(), 9)).decode()}


@contextmanager
def _chance_as_it_was() -> Iterator[None]:
    """What is drawn for pages must not change what the cells below draw by chance."""
    import torch

    plain, arrays = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        yield
    random.setstate(plain)
    np.random.set_state(arrays)


def examples(text: str) -> list[str]:
    """`text` and, from the table, what else is to be tried where a field says it at first; `text` alone
    unless pages are being made."""
    return [text, *(entry for entry in _table(text) if isinstance(entry, str))]


def grid(fields: list[dict[str, Any]], room: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(fields of a page without a kernel, about `room` combinations of their values; the first is how the
    cell stands).

    A text field becomes a choice of its examples. First comes what the table wants, such as what a chapter
    asks its reader to try; then all values by all, sliders ever coarser and examples ever fewer, whichever
    are most, until it fits. A field that is left with one value goes.
    """
    start = {field["name"]: field["value"] for field in fields}
    wanted = [
        entry
        for field in fields
        for entry in _table(field["value"])
        if isinstance(entry, dict) and entry.keys() <= start.keys()
    ]
    ways = [_ways(field) for field in fields]
    counts = [len(values) for values in ways]
    while prod(counts) > max(1, room - len(wanted)):
        longest = max(counts)
        counts[len(counts) - 1 - counts[::-1].index(longest)] -= 1
    axes = [
        _spread(values, field["value"], n) if field["kind"] == "slider" else values[:n]
        for field, values, n in zip(fields, ways, counts)
    ]
    rows = [
        start,
        *(start | entry for entry in wanted),
        *(dict(zip(start, values)) for values in product(*axes)),
    ]
    kept = []
    for field in fields:
        options = list(dict.fromkeys(row[field["name"]] for row in rows))
        if len(options) > 1:
            kept.append(
                field
                if field["kind"] == "slider"
                else field | {"kind": "choice", "options": options, "examples": field["kind"] == "text"}
            )
    return kept, list({tuple(row.values()): row for row in rows}.values())


def _table(start: Any) -> list[Any]:
    """What the table says for a field that begins so: texts, or values of several fields at once."""
    path = os.environ.get("COURSE_BAKE")
    return tomllib.loads(Path(path).read_text("utf-8")).get(start, []) if path else []


def _ways(field: dict[str, Any]) -> list[Any]:
    if field["kind"] != "slider":
        return examples(field["value"]) if field["kind"] == "text" else field["options"]
    steps = round((field["high"] - field["low"]) / field["step"])
    return [round(field["low"] + i * field["step"], 6) for i in range(steps + 1)]


def _spread(values: list[float], start: float, n: int) -> list[float]:
    """`start` first, then n - 1 others, evenly from end to end; it takes the place of the nearest between the
    ends."""
    even = [values[round(i * (len(values) - 1) / max(n - 1, 1))] for i in range(n)]
    even.remove(min((even if start in even else even[1:-1]) or even, key=lambda value: abs(value - start)))
    return [start, *even]
