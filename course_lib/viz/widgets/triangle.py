"""`simplex(gradient)`: three probabilities as one point in a triangle, to be dragged, with the arrow along
which the loss falls.

    simplex(lambda logits, targets: logits.softmax(1) - one_hot(targets, 3))

The corners are the certain predictions. Moving the logits against their gradient p - y means, in this
triangle, y - p: the arrow from the prediction to the target (the drawn step itself bends, for softmax lies
between the two).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from ...i18n import L
from ..fonts import drawable
from ..html import BLUE, ORANGE, Markup, table
from .live import Html, Live, markup, script

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Simplex", "simplex"]

CORNERS = ((0.5, 0.866), (0.0, 0.0), (1.0, 0.0))  # x and y of the certain predictions; y points up
_LINE = L(zh="损失 {0} nat，走了 {1} 步", en="loss {0} nats, steps taken: {1}")
SMALLEST = 0.002  # no dragging onto an edge: a logit there would be minus infinity


def simplex(
    gradient: Callable[[Tensor, Tensor], Any],
    labels: Sequence[str] = ("A", "B", "C"),
    start: Sequence[float] = (0.2, 0.5, 0.3),
    target: int = 0,
    rate: float = 1.0,
) -> Simplex:
    """Show the triangle. `gradient(logits [N,3], targets [N]) -> [N,3]` draws the arrow; a step is logits -=
    rate * gradient."""
    return Simplex(gradient, labels, start, target, rate)


class Simplex(Live):
    """The widget behind `simplex`. `p`, `target`, `smoothing` are what the reader chose last."""

    _esm = script(Path(__file__).with_name("triangle.js"))
    _css = Path(__file__).with_name("explore.css")
    state = traitlets.Dict().tag(sync=True)  # p, goal, arrow: three numbers each; trail: points
    note = Html().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)

    def __init__(self, gradient, labels, start, target, rate):
        super().__init__(
            words={
                "labels": [str(label) for label in labels],
                "step": str(L(zh="走一步", en="One step")),
                "reset": str(L(zh="重来", en="Start again")),
                "smoothing": str(L(zh="标签平滑 ε", en="Label smoothing ε")),
                "corner": str(L(zh="正确答案改为", en="Make the right answer")),
                "dot": str(
                    L(
                        zh="预测：用方向键移动，回车走一步",
                        en="The prediction: arrow keys move it, Enter takes a step",
                    )
                ),
            }
        )
        self._gradient, self._start, self._rate = gradient, list(start), rate
        self.p, self.target, self.smoothing, self._trail = list(start), target, 0.0, []
        self._redraw()
        self.on_msg(self._asked)

    @property
    def goal(self) -> list[float]:
        """The target distribution: one-hot, or smoothed."""
        return [(1 - self.smoothing) * (k == self.target) + self.smoothing / 3 for k in range(3)]

    def _slope(self) -> Tensor:
        """The gradient with respect to the logits, [3]: the target distribution's mean over `gradient` of
        each class."""
        import torch

        logits = torch.tensor([self.p]).log()
        parts = [
            torch.as_tensor(self._gradient(logits, torch.tensor([k])), dtype=torch.float32)[0]
            for k in range(3)
        ]
        return torch.tensor(self.goal) @ torch.stack(parts)

    def step(self) -> None:
        """One step of gradient descent on the logits."""
        import torch

        self._trail.append(self.p)
        moved = (torch.tensor(self.p).log() - self._rate * self._slope()).softmax(0)
        self.p = moved.tolist()
        self._redraw()

    def _asked(self, _widget, message: dict, _buffers) -> None:
        match message:  # a page may send anything: what is none of these changes nothing
            case {"step": _}:
                self.step()
                return
            case {"p": [float() | int(), float() | int(), float() | int()] as p} if all(
                map(math.isfinite, p)
            ):
                p = [max(x, SMALLEST) for x in p]
                self.p = [x / sum(p) for x in p]
            case {"target": 0 | 1 | 2 as target}:
                self.target = int(target)
            case {"smoothing": float() | int() as smoothing} if 0 <= smoothing <= 1:
                self.smoothing = float(smoothing)
            case {"reset": _}:
                self.p = list(self._start)
            case _:
                return
        self._trail = []
        self._redraw()

    def _redraw(self) -> None:
        slope = self._slope().tolist()
        rows = [
            (label, f"{p:.3f}", f"{y:.3f}", f"{g:+.3f}")
            for label, p, y, g in zip(self.words["labels"], self.p, self.goal, slope)
        ]
        header = (
            "",
            str(L(zh="预测 p", en="prediction p")),
            str(L(zh="目标 y", en="target y")),
            str(L(zh="梯度 p − y", en="gradient p − y")),
        )
        loss = -sum(y * math.log(p) for y, p in zip(self.goal, self.p))
        line = _LINE.format(f"{loss:.3f}", len(self._trail))
        self.state = {
            "p": self.p,
            "goal": self.goal,
            "target": self.target,
            "arrow": [-g for g in slope],
            "trail": self._trail,
            "corners": CORNERS,
        }
        self.note = table(rows, header=header, right=(1, 2, 3)) + Markup("<p><b>{}</b></p>").format(line)

    def baked(self) -> dict[str, Any]:
        return self.traits_sent() | {"rate": self._rate, "line": str(_LINE)}

    def figure(self):
        """The triangle as it stands, a matplotlib figure."""
        from matplotlib.figure import Figure

        place = lambda weights: tuple(
            sum(w * corner[axis] for w, corner in zip(weights, CORNERS)) for axis in (0, 1)
        )
        figure = Figure(figsize=(4.2, 3.7))
        axis = figure.subplots()
        axis.fill(*zip(*CORNERS), facecolor="none", edgecolor="#888888")
        (x, y), (dx, dy) = place(self.p), place(self.state["arrow"])
        axis.plot(*place(self.goal), "o", markersize=14, markerfacecolor="none", markeredgecolor=ORANGE)
        axis.annotate(
            "", (x + dx, y + dy), (x, y), arrowprops={"arrowstyle": "-|>", "color": ORANGE, "lw": 2}
        )
        axis.plot(x, y, "o", markersize=11, color=BLUE)
        for label, (cx, cy) in zip(self.words["labels"], CORNERS):
            axis.text(cx, cy + (0.05 if cy else -0.09), drawable(label), ha="center")
        axis.set(
            xlim=(-0.12, 1.12),
            ylim=(-0.14, 0.98),
            aspect="equal",
            title=str(
                L(zh="预测（蓝点）与负梯度（箭头）", en="Prediction (dot) and negative gradient (arrow)")
            ),
        )
        axis.axis("off")
        return figure

    def still(self) -> Markup:
        return markup(self.figure()) + self.note
