"""Pictures as a notebook stores them: PNGs of 256 colours, less than half the size.

No SVG, which JupyterLab does not show in a notebook that was downloaded and not yet run.
"""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

__all__ = ["small_pictures"]

_EXACT = 64  # of the 256: the commonest colours stay as they are, so that no surface changes
# levels of 255 by which a place may change; where a palette would change more, the picture stays as it is
_MOST = 4


def small_pictures(data: dict[str, str]) -> None:
    """Make the PNGs in an output's `data` small, those inside its HTML, too."""
    if "image/png" in data:
        data["image/png"] = _small(data["image/png"])
    if "text/html" in data:
        data["text/html"] = re.sub(
            r"(?<=data:image/png;base64,)[A-Za-z0-9+/=]+", lambda found: _small(found[0]), data["text/html"]
        )


def _small(png: str) -> str:
    """A PNG in base64 with a palette of at most 256 colours, or `png` itself where that is smaller."""
    image = Image.open(io.BytesIO(base64.b64decode(png)))
    if image.mode == "P":
        return png
    image = image.convert("RGBA")
    colours, place, counts = np.unique(
        np.asarray(image).view(np.uint32), return_inverse=True, return_counts=True
    )
    colours = colours.view(np.uint8).reshape(-1, 4)
    commonest = np.argsort(-counts, kind="stable")[:_EXACT]
    others = image.quantize(256 - _EXACT, Image.Quantize.FASTOCTREE).palette.palette
    palette = np.concatenate([colours[commonest], np.frombuffer(others, np.uint8).reshape(-1, 4)])
    nearest = ((_seen(colours)[:, None] - _seen(palette)) ** 2).sum(-1).argmin(1).astype(np.uint8)
    small = Image.fromarray(nearest[place].reshape(image.height, image.width), "P")
    small.putpalette(palette[:, :3].tobytes())
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True, transparency=palette[:, 3].tobytes())
    if _apart(image, Image.open(out).convert("RGBA")) > _MOST:
        return png
    return min(base64.b64encode(out.getvalue()).decode(), png, key=len)


def _apart(a: Image.Image, b: Image.Image) -> int:
    """By how many levels of 255 two pictures of one size differ in the mean of 8 by 8 pixels, at most: what a
    look at them would find."""
    grid = [max(1, side // 8) for side in a.size]
    x, y = (np.asarray(image.convert("RGBa").resize(grid, Image.Resampling.BOX), int) for image in (a, b))
    return int(np.abs(x - y).max())


def _seen(colours: np.ndarray) -> np.ndarray:
    """uint8 [n, 4] -> float [n, 4], colours times alpha: what is clear has no colour."""
    colours = colours.astype(np.float32)
    return np.concatenate([colours[:, :3] * colours[:, 3:] / 255, colours[:, 3:]], axis=1)
