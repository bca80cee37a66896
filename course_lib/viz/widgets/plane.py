"""`query_plane(attention, keys, values)`: drag a query in the plane; the weights and the mixed value follow.

Keys are arrows in two dimensions and values are colours, so that all of attention is to be seen at once:
where the query points, how much weight each key gets, and what comes out. The numbers are made by the
function that is handed in, the reader's own for instance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import traitlets

from ...i18n import L
from ..fonts import drawable
from ..html import Markup
from .live import Live, markup, script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["QueryPlane", "query_plane"]

_REACH = 3.0  # the plane shows -3 to 3 in both directions


def query_plane(
    attention: Callable,
    keys: Mapping[str, tuple[float, float]],
    values: Mapping[str, str],
    query: tuple[float, float],
) -> QueryPlane:
    """A plane with an arrow for each key and a query to drag, or to move with the arrow keys.

    attention: (q [1,1,1,2], k [1,1,S,2], v [1,1,S,e]) -> [1,1,1,e]. keys: label -> (x, y). values: the same
    labels -> "#rrggbb".
    """
    return QueryPlane(attention, keys, values, query)


class QueryPlane(Live):
    """The widget behind `query_plane`. Setting `query` from Python moves the arrow, too."""

    _esm = script(Path(__file__).with_name("plane.js"))
    _css = Path(__file__).with_name("explore.css")
    query = traitlets.List().tag(sync=True)
    arrows = traitlets.List().tag(sync=True)  # [[label, x, y, colour], ...]
    weights = traitlets.List().tag(sync=True)
    mixed = traitlets.Unicode().tag(sync=True)  # "#rrggbb"
    words = traitlets.Dict().tag(sync=True)
    reach = traitlets.Float(_REACH).tag(sync=True)

    def __init__(
        self,
        attention: Callable,
        keys: Mapping[str, tuple[float, float]],
        values: Mapping[str, str],
        query: tuple[float, float],
    ):
        words = {
            "query": L(zh="查询", en="query"),
            "output": L(zh="输出", en="output"),
            "help": L(
                zh="拖动橙色圆点，或选中它后按方向键",
                en="Drag the orange dot, or focus it and press the arrow keys",
            ),
        }
        super().__init__(
            query=[float(x) for x in query],
            arrows=[[str(label), *map(float, at), values[label]] for label, at in keys.items()],
            words={name: str(text) for name, text in words.items()},
        )
        self._attention = attention
        self._follow()
        self.observe(self._follow, "query")

    @traitlets.validate("query")
    def _point(self, proposal: dict) -> list[float]:
        """A page may send anything: only two numbers are a query."""
        query = proposal["value"]
        if len(query) != 2 or not all(isinstance(x, (int, float)) and math.isfinite(x) for x in query):
            raise traitlets.TraitError("a query is two numbers")
        return [float(x) for x in query]

    def _follow(self, _change: object = None) -> None:
        import torch

        S = len(self.arrows)
        # (1, 1, 1, 2), (1, 1, S, 2)
        q, k = (torch.tensor([[[self.query]]]), torch.tensor([[[[x, y] for _, x, y, _ in self.arrows]]]))
        colours = torch.tensor(
            [[[[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for *_, colour in self.arrows]]],
            dtype=torch.float32,
        )
        with self.hold_sync():
            # identity as values: the weights come out
            self.weights = self._attention(q, k, torch.eye(S)[None, None])[0, 0, 0].tolist()
            self.mixed = "#" + "".join(
                f"{round(c):02x}" for c in self._attention(q, k, colours)[0, 0, 0].tolist()
            )

    def baked(self) -> dict:
        return self.traits_sent()

    def still(self) -> Markup:
        return markup(self._figure())

    def _figure(self) -> Figure:
        import matplotlib.pyplot as plt

        figure, (plane, bars) = plt.subplots(1, 2, figsize=(8.4, 3.6), width_ratios=(1, 1.1))
        for (label, x, y, colour), weight in zip(self.arrows, self.weights):
            plane.annotate(
                "", (x, y), (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1 + 7 * weight}
            )
            plane.text(1.15 * x, 1.15 * y, drawable(label), ha="center", va="center")
        plane.plot((0, self.query[0]), (0, self.query[1]), "--o", color="#ee7733", markevery=[1], ms=10)
        plane.set(
            xlim=(-_REACH, _REACH),
            ylim=(-_REACH, _REACH),
            aspect="equal",
            xticks=[],
            yticks=[],
            title=f"{self.words['query']} ({self.query[0]:.1f}, {self.query[1]:.1f})",
        )
        places = range(len(self.arrows) + 1)
        bars.barh(places, [*self.weights, 1], color=[*(colour for *_, colour in self.arrows), self.mixed])
        bars.set_yticks(places, [*(drawable(label) for label, *_ in self.arrows), self.words["output"]])
        bars.invert_yaxis()
        bars.set(
            xlim=(0, 1),
            xticks=[],
            title="  ".join(
                f"{drawable(label)} {weight:.2f}" for (label, *_), weight in zip(self.arrows, self.weights)
            ),
        )
        bars.spines[["top", "right", "bottom"]].set_visible(False)
        return figure
