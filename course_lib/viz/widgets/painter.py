"""`mask_painter(attention, q, k, tokens)`: paint a T x S mask cell by cell and see what attention makes of
it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import traitlets

from ...i18n import L
from ..html import Markup
from ..weights import weight_table
from .live import Live, script

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["MaskPainter", "mask_painter"]


def mask_painter(
    attention: Callable,
    q: Tensor,
    k: Tensor,
    queries: Sequence[str],
    keys: Sequence[str],
    masks: Mapping[str, Tensor],
) -> MaskPainter:
    """A grid to paint on: rows are queries, columns keys, a filled cell may be attended to.

    attention: (q [1,1,T,d], k [1,1,S,d], v [1,1,S,e], mask bool [T,S]) -> [1,1,T,e]. q [T,d], k [S,d].
    masks: name -> bool [T,S], a button each; the first is shown at first.
    """
    return MaskPainter(attention, q, k, queries, keys, masks)


class MaskPainter(Live):
    """The widget behind `mask_painter`. `mask` (rows of true and false) may be set from Python, too."""

    _esm = script(Path(__file__).with_name("painter.js"))
    _css = Path(__file__).with_name("explore.css")
    mask = traitlets.List().tag(sync=True)
    weights = traitlets.List().tag(sync=True)  # rows of floats
    labels = traitlets.List().tag(sync=True)  # [queries, keys]
    presets = traitlets.Dict().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        attention: Callable,
        q: Tensor,
        k: Tensor,
        queries: Sequence[str],
        keys: Sequence[str],
        masks: Mapping[str, Tensor],
    ):
        presets = {str(name): mask.tolist() for name, mask in masks.items()}
        words = {
            "help": L(
                zh="点一格或按住涂过去；用键盘：方向键移动，空格涂改",
                en="Tap a cell or paint across; by keyboard: arrows move, space paints",
            ),
            "sum": L(zh="行和", en="row sum"),
        }
        super().__init__(
            mask=next(iter(presets.values())),
            labels=[list(queries), list(keys)],
            presets=presets,
            words={name: str(text) for name, text in words.items()},
        )
        self._attention, self._q, self._k = attention, q[None, None], k[None, None]
        self._follow()
        self.observe(self._follow, "mask")

    @traitlets.validate("mask")
    def _grid(self, proposal: dict) -> list[list[bool]]:
        """A page may send anything: only a grid of this size is a mask."""
        mask, (queries, keys) = proposal["value"], self.labels
        if len(mask) != len(queries) or not all(
            isinstance(row, list) and len(row) == len(keys) for row in mask
        ):
            raise traitlets.TraitError(f"a mask has {len(queries)} x {len(keys)} cells")
        return [[bool(cell) for cell in row] for row in mask]

    def _follow(self, _change: object = None) -> None:
        self.weights = self._weights(self.mask)

    def _weights(self, mask: list[list[bool]]) -> list[list[float]]:
        import torch

        eye = torch.eye(self._k.shape[2])[None, None]  # the identity as values: the weights come out
        return self._attention(self._q, self._k, eye, torch.tensor(mask))[0, 0].tolist()

    def baked(self) -> dict:
        """`open`: the weights where nothing is masked. A page divides what a mask leaves of a row by its sum,
        as softmax does."""
        return self.traits_sent() | {"open": self._weights([[True] * len(row) for row in self.mask])}

    def still(self) -> Markup:
        queries, keys = self.labels
        return weight_table(self.weights, queries, keys, self.mask)
