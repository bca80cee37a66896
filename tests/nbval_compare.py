"""Whether a cell shows the same as its stored output, on whatever processor either was made.

- Text: the words between the numbers are equal. Two numbers with decimals, or two per cents, differ by no
  more than one unit of the last printed place (one may lie at a rounding edge) or 1e-5 of their size; -0.00
  is 0.00. Whole numbers count, name and order things (tokens, layers, heads), so they are equal. Runs of
  spaces are one space: a sign moves a column.
- Pictures, also those inside HTML: nearly the same size, and the same colours when looked at from afar. A
  line that moves by a fraction of a pixel passes, another line does not. The words of a picture are in its
  alt text, which is text.
- Packed numbers (the data of an interactive view): levels that differ by one, and floats that differ by 1e-3.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, UnidentifiedImageError

__all__ = ["difference"]

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])([-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?:[eE]([-+]?\d+))?)(?= ?([%％])?)"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{200,}={0,2}")
# the address of a live widget; its still picture is an output of its own
_IGNORED = "application/vnd.jupyter.widget-view+json"
_RELATIVE = 1e-5
_CELL = 8  # pixels; a picture from afar has one of these for each cell
# of 255: what a line moves a cell by when it moves by a pixel, and 5 for the palette it is stored with
_LEVELS = 14


def difference(stored: list[dict], fresh: list[dict], clean: Callable[[str], str] = str) -> str | None:
    """What a reader would see to be different, in one line, or None. `clean` takes run-to-run differences out
    of a text."""
    a, b = _parts(stored), _parts(fresh)
    if [kind for kind, _ in a] != [kind for kind, _ in b]:
        return f"outputs are {[kind for kind, _ in a]}, now {[kind for kind, _ in b]}"
    for (kind, old), (_, new) in zip(a, b):
        if kind in ("image/png", "image/jpeg"):
            found = _pictures(base64.b64decode(old), base64.b64decode(new))
        else:
            found = _texts(old, new, clean)
        if found:
            return f"{kind}: {found}"
    return None


def _parts(outputs: list[dict]) -> list[tuple[str, str]]:
    """(kind, content) of all that is shown; kinds in alphabetical order, since a stream may overtake a
    picture."""
    parts = []
    for output in outputs:
        if output["output_type"] == "stream":
            parts.append((output["name"], output["text"]))
        elif output["output_type"] == "error":
            parts.append(("error", f"{output['ename']}: {output['evalue']}"))
        elif _IGNORED not in output["data"]:
            for mime, data in output["data"].items():
                parts.append(
                    (
                        mime,
                        data
                        if isinstance(data, str)
                        else json.dumps(data, sort_keys=True, ensure_ascii=False),
                    )
                )
    return sorted(parts, key=lambda part: part[0])


def _texts(old: str, new: str, clean: Callable[[str], str]) -> str | None:
    packed = _BASE64.findall(old), _BASE64.findall(new)
    if len(packed[0]) != len(packed[1]):
        return f"{len(packed[0])} pictures, now {len(packed[1])}"
    for a, b in zip(*packed):
        found = _payloads(a, b)
        if found:
            return found
    return _words(clean(_BASE64.sub("…", old)), clean(_BASE64.sub("…", new)))  # in base64 "7s" is no time


def _words(old: str, new: str) -> str | None:
    a, b = list(_NUMBER.finditer(old)), list(_NUMBER.finditer(new))
    for x, y in zip(_between(old, a), _between(new, b)):
        if x != y:
            return f"{x[-200:]!r}, now {y[-200:]!r}"
    if len(a) != len(b):
        return f"{len(a)} numbers, now {len(b)}"
    for x, y in zip(a, b):
        if not _close(x, y):
            return f"{_around(old, x)!r}, now {_around(new, y)!r}"
    return None


def _between(text: str, numbers: list[re.Match]) -> list[str]:
    edges = [0, *(edge for number in numbers for edge in number.span()), len(text)]
    return [" ".join(text[start:end].split()) for start, end in zip(edges[::2], edges[1::2])]


def _around(text: str, number: re.Match) -> str:
    return text[max(0, number.start() - 60) : number.end() + 20]


def _close(a: re.Match, b: re.Match) -> bool:
    x, y = (float(number[1].replace(",", "").replace("−", "-")) for number in (a, b))
    if x == y:
        return True
    rounded = [number for number in (a, b) if number[2] or number[3] or number[4]]
    if not rounded:
        return False
    unit = min(10.0 ** (int(number[3] or 0) - len((number[2] or ".")[1:])) for number in rounded)
    return abs(x - y) <= max(1.001 * unit, _RELATIVE * max(abs(x), abs(y)))


def _payloads(old: str, new: str) -> str | None:
    """Two texts in base64: pictures, or numbers."""
    if old == new:
        return None
    try:
        a, b = base64.b64decode(old, validate=True), base64.b64decode(new, validate=True)
    except binascii.Error:
        return "a long word has changed"
    try:
        return _pictures(a, b)
    except UnidentifiedImageError:
        return _packed(a, b)


def _packed(old: bytes, new: bytes) -> str | None:
    """Bytes that hold levels (uint8) and floats (float32, aligned), compressed or not: each group of four is
    close as either."""
    arrays = []
    for data in (old, new):
        try:
            data = zlib.decompress(data)
        except zlib.error:
            pass
        arrays.append(np.frombuffer(data + bytes(-len(data) % 4), np.uint8).reshape(-1, 4))
    a, b = arrays
    if a.shape != b.shape:
        return f"{a.size} bytes of data, now {b.size}"
    levels = (np.abs(a.astype(int) - b) <= 1).all(-1)
    with np.errstate(all="ignore"):
        floats = np.isclose(a.view("<f4"), b.view("<f4"), rtol=1e-3, atol=1e-6, equal_nan=True)[:, 0]
    far = int((~(levels | floats)).sum())
    return f"{far} of {len(a)} groups of data differ" if far else None


def _pictures(old: bytes, new: bytes) -> str | None:
    if old == new:
        return None
    a, b = (Image.open(io.BytesIO(data)) for data in (old, new))
    for before, after in zip(a.size, b.size):
        if abs(before - after) > 2 + before // 200:
            return f"a picture of {a.size} pixels, now {b.size}"
    grid = [max(1, round(side / _CELL)) for side in a.size]
    x, y = (
        np.asarray(image.convert("RGBA").convert("RGBa").resize(grid, Image.Resampling.BILINEAR), int)
        for image in (a, b)
    )
    apart = np.abs(x - y).max(-1)
    row, column = np.unravel_index(apart.argmax(), apart.shape)
    if apart.max() > _LEVELS:
        place = f"{column * a.width // grid[0]}, {row * a.height // grid[1]}"
        return f"a picture looks different around pixel {place}: by {apart.max()} of 255 where {_LEVELS} pass"
    return None
