"""The wire format: what is sent of a pass to a browser.

- One byte a weight: `round(254 * sqrt(w))`, 255 for NaN. The square root spends the levels where attention
lives, near
  zero: every row of the decoded picture still sums to 1 within 0.01, where linear levels would lose up to 15
  %.
- Thumbnails keep the largest weight of each block, so that a thin diagonal stays a diagonal.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

import numpy as np

from ...interpret.heads import Heads

__all__ = ["NAN", "bundle", "decode", "encode", "thumb_sides", "thumbs"]

LEVELS, NAN = 254, 255
_THUMB = 24  # pixels a side


def encode(weights: np.ndarray) -> np.ndarray:
    """Weights in [0, 1] -> one byte each."""
    with np.errstate(invalid="ignore"):
        codes = np.rint(LEVELS * np.sqrt(np.clip(weights, 0, 1)))
    return np.where(np.isnan(codes), NAN, codes).astype(np.uint8)


def decode(codes: np.ndarray) -> np.ndarray:
    """The weights that a browser reads from `encode`'s bytes."""
    return np.where(codes == NAN, np.nan, (codes.astype(np.float32) / LEVELS) ** 2)


def thumb_sides(heads: Heads) -> tuple[int, int]:
    """Rows and columns of a thumbnail."""
    return min(_THUMB, len(heads.query)), min(_THUMB, len(heads.key))


def thumbs(heads: Heads) -> np.ndarray:
    """uint8 [L, H, n]: every head at the size of `thumb_sides`, packed like the weights; a pixel is the
    largest weight of its block."""
    _, _, T, S = heads.shape
    rows, columns = thumb_sides(heads)
    found = []
    for layer in heads.packed:
        small = np.maximum.reduceat(heads.unpack(layer), np.arange(rows) * T // rows, axis=1)
        small = np.maximum.reduceat(small, np.arange(columns) * S // columns, axis=2)
        found.append(encode(heads.pack(small)))
    return np.stack(found)


def bundle(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[str, bytes]:
    """(JSON of `meta` plus the place of each array, zlib-compressed bytes): the one format for notebook and
    file."""
    sections, blocks, offset = {}, [], 0
    # wide types first: all stay aligned
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):
        sections[name] = {"offset": offset, "type": array.dtype.name, "shape": list(array.shape)}
        blocks.append(np.ascontiguousarray(array).tobytes())
        offset += len(blocks[-1])
    return json.dumps({**meta, "sections": sections, "bytes": offset}, ensure_ascii=False), zlib.compress(
        b"".join(blocks)
    )
