"""What a training run leaves behind, and how it shows itself while it runs."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field

from ..errors import CourseError
from ..i18n import L

__all__ = ["Diverged", "History", "Live", "TrainingError"]


class TrainingError(CourseError, ValueError):
    """Data, a number or a checkpoint that a run cannot use. `history`: the run up to there, if it had
    begun."""

    history: History | None = None


class Diverged(CourseError, ArithmeticError):
    """Loss, gradient or weights became nan or infinite; the message says at which step and what to try.
    `history`: the run up to there."""

    history: History | None = None


@dataclass
class History:
    """The run in numbers. `pandas.DataFrame(history.rows())` makes a table of it.

    loss: nats of every optimiser step; val_loss: nats at each of val_steps; seconds: wall time of every step.
    """

    loss: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    val_steps: list[int] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    stopped: L | None = None  # why the run ended before its last step, if it did
    precision: str = "float32"
    onednn: bool = False  # float32 products on a CPU by oneDNN, where it was measured faster

    @classmethod
    def from_dict(cls, fields: dict) -> History:
        """The inverse of dataclasses.asdict. TypeError, KeyError or ValueError: these fields were never a
        History."""
        history = cls(**{**fields, "stopped": fields["stopped"] and L(**fields["stopped"])})
        for columns in (("loss", "lr", "seconds", "tokens"), ("val_steps", "val_loss")):
            values = [getattr(history, name) for name in columns]
            if len({len(column) for column in values}) != 1 or not all(
                type(x) in (int, float) for column in values for x in column
            ):
                raise ValueError(f"{', '.join(columns)}: numbers in lists of one length are expected")
        if history.precision not in ("float32", "bfloat16") or type(history.onednn) is not bool:
            raise ValueError(f"precision {history.precision!r}, onednn {history.onednn!r}")
        return history

    @property
    def tokens_per_second(self) -> float:
        """Tokens a second in the median step, evaluation and drawing not counted; 0 before the first step."""
        rates = sorted(n / s for n, s in zip(self.tokens, self.seconds) if s > 0)
        return rates[len(rates) // 2] if rates else 0.0

    def rows(self) -> list[dict[str, float | int | None]]:
        """One dict a step: step, loss, val_loss (None where it was not measured), lr, tokens, seconds."""
        val = dict(zip(self.val_steps, self.val_loss))
        return [
            {
                "step": i + 1,
                "loss": loss,
                "val_loss": val.get(i + 1),
                "lr": self.lr[i],
                "tokens": self.tokens[i],
                "seconds": self.seconds[i],
            }
            for i, loss in enumerate(self.loss)
        ]

    def plot(self, ax=None, steps: int | None = None):
        """The loss curve on a matplotlib axis, which is returned; the faint line is every step, the strong
        one a running mean."""
        import matplotlib.pyplot as plt

        ax = ax or plt.subplots(figsize=(6, 3), layout="constrained")[1]
        x = range(1, len(self.loss) + 1)
        ax.plot(x, self.loss, color="C0", alpha=0.3, linewidth=1)
        ax.plot(x, _running_mean(self.loss), color="C0", label=str(L(zh="训练", en="training")))
        if self.val_loss:
            ax.plot(
                self.val_steps,
                self.val_loss,
                "o-",
                color="C1",
                markersize=3,
                label=str(L(zh="验证", en="validation")),
            )
        ax.set(
            xlabel=str(L(zh="步", en="step")),
            ylabel=str(L(zh="损失（nat）", en="loss (nats)")),
            xlim=(0, steps or max(1, len(self.loss))),
        )
        ax.grid(True)
        ax.legend()
        return ax

    def __str__(self) -> str:
        if not self.loss:
            return str(L(zh="还没有训练", en="not trained yet"))
        text = L(
            zh="{n} 步，损失 {first:.3f} → {last:.3f}", en="{n} steps, loss {first:.3f} → {last:.3f}"
        ).format(n=len(self.loss), first=self.loss[0], last=_running_mean(self.loss)[-1])
        if self.val_loss:
            text = L(zh="{a}，验证损失 {v:.3f}", en="{a}, validation loss {v:.3f}").format(
                a=text, v=self.val_loss[-1]
            )
        text = L(zh="{a}，每秒 {r:,.0f} 个词元", en="{a}, {r:,.0f} tokens a second").format(
            a=text, r=self.tokens_per_second
        )
        return str(L(zh="{a}。{s}", en="{a}. {s}").format(a=text, s=self.stopped) if self.stopped else text)


def _running_mean(values: list[float]) -> list[float]:
    """Exponential mean over about a twentieth of the run, without the usual bias towards the start."""
    keep = 1 - 1 / max(1, len(values) // 20)
    mean, weight, out = 0.0, 0.0, []
    for value in values:
        mean, weight = keep * mean + (1 - keep) * value, keep * weight + (1 - keep)
        out.append(mean / weight)
    return out


class Live:
    """A curve that grows in a notebook; a line now and then in a terminal. `update` costs nothing between two
    drawings.

    With COURSE_QUICK set (the tests) only the final state is shown, so that the stored output does not depend
    on the clock.
    """

    def __init__(self, history: History, steps: int, show: bool):
        shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
        self.notebook = shell is not None and shell.__class__.__name__ != "TerminalInteractiveShell"
        self.history, self.steps, self.show, self.handle = history, steps, show, None
        self.quiet = os.environ.get("COURSE_QUICK") == "1"
        self.begun = self.drawn = time.perf_counter()

    def update(self) -> None:
        now = time.perf_counter()
        if not self.show or self.quiet or now - self.drawn < (1.0 if self.notebook else 5.0):
            return
        self._draw(self._line(now))
        self.drawn = time.perf_counter()  # drawing itself takes a tenth of a second

    def finish(self) -> None:
        if self.show and self.history.loss:
            self._draw(str(self.history))

    def _line(self, now: float) -> str:
        done, seconds = (
            len(self.history.loss),
            sum(self.history.seconds[-50:]) / len(self.history.seconds[-50:]),
        )
        return str(
            L(
                zh="第 {done}/{steps} 步，损失 {loss:.3f}，还需约 {left:.0f} 秒",
                en="step {done}/{steps}, loss {loss:.3f}, about {left:.0f} s to go",
            ).format(
                done=done, steps=self.steps, loss=self.history.loss[-1], left=(self.steps - done) * seconds
            )
        )

    def _draw(self, line: str) -> None:
        if not self.notebook:
            sys.stdout.write(line + "\n")
            return
        import matplotlib.pyplot as plt
        from IPython.display import display

        ax = self.history.plot(steps=self.steps)
        ax.set_title(line, fontsize=10)
        figure = ax.figure
        plt.close(figure)
        if self.handle is None:
            self.handle = display(figure, display_id=True)
        else:
            self.handle.update(figure)
