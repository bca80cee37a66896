"""The feedback card: the same words as HTML in a notebook and as plain text everywhere else.

Styles are inline and colours half transparent, because front-ends remove style sheets from untrusted
notebooks and
nobody knows whether the page behind is white or black. An icon and a word always stand beside the colour.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

__all__ = ["Card", "Fold", "Table", "in_notebook", "literal", "short"]

# readable on white and on black
COLOURS = {"good": "#2da44e", "bad": "#d1485f", "idle": "#8b949e", "note": "#c99a2e"}
BOX = "color:inherit;padding:8px 14px;margin:4px 0;border-radius:0 6px 6px 0;line-height:1.6;max-width:60em"
CODE = "background:rgba(128,128,128,.18);color:inherit;padding:0 4px;border-radius:3px"
CODE_BLOCK = (
    "margin:8px 0 0;padding:8px "
    "10px;border-radius:4px;background:rgba(128,128,128,.14);color:inherit;overflow-x:auto;"
    "line-height:1.45"
)
TABLE = "border-collapse:collapse;margin:0;color:inherit;font-size:inherit;font-variant-numeric:tabular-nums"
CAPTION = (
    "text-align:left;caption-side:top;color:inherit;font-size:inherit;padding:0 0 2px;white-space:nowrap"
)
CELL = (
    "padding:1px 8px;text-align:right;border:1px solid "
    "rgba(128,128,128,.35);background:none;color:inherit;white-space:nowrap"
)
MARKED = f";font-weight:700;box-shadow:inset 0 0 0 2px {COLOURS['bad']}"


@dataclass(frozen=True)
class Table:
    """A small matrix under a caption."""

    caption: str
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[tuple[int, int]] = frozenset()  # cells that differ: bold and boxed


@dataclass(frozen=True)
class Fold:
    """Shown on request in a notebook, always as plain text: `text` as it stands, or its `tables`."""

    title: str
    text: str
    tables: Sequence[Table] = ()


@dataclass
class Card:
    """`lines` are text with `code` and **bold**, others' words `literal`; `shown` cards display nothing a
    second time."""

    mood: str
    lines: Sequence[str]
    tables: Sequence[Table] = ()
    # what HTML says in place of a line whose numbers stand in the tables
    brief: dict[str, str] = field(default_factory=dict)
    code: str = ""
    folds: Sequence[Fold] = ()
    shown: bool = False

    @property
    def text(self) -> str:
        more = [f"{fold.title}\n{fold.text}" for fold in self.folds] + ([self.code] if self.code else [])
        return "\n".join([_spelt(line.replace("**", "")) for line in self.lines] + more)

    @property
    def html(self) -> str:
        colour = COLOURS[self.mood]
        first, *rest = (self.brief.get(line, line) for line in self.lines)
        word, mark, more = re.match(r"(?s)(.*?)([:：。·]|\.(?= |$)|$)(.*)", first).groups()
        shown = [f"<div><b>{_inline(word + mark)}</b>{_inline(more)}</div>"] + [
            f"<div>{_inline(line)}</div>" for line in rest if line
        ]
        if self.tables:  # above the next step
            shown.insert(len(shown) - 1, _side_by_side(self.tables))
        shown += [
            f"<details><summary>{html.escape(fold.title)}</summary>"
            f"{_side_by_side(fold.tables) if fold.tables else _block(fold.text)}</details>"
            for fold in self.folds
        ]
        if self.code:
            shown.append(_block(self.code))
        style = f"{BOX};border-left:4px solid {colour};background:{colour}1c"
        return f'<div role="status" style="{style}">{"".join(shown)}</div>'

    def show(self) -> Card:
        """HTML and text in a notebook, text elsewhere."""
        if in_notebook():
            from IPython.display import display

            display({"text/html": self.html, "text/plain": self.text}, raw=True)
        else:
            print(self.text)
        self.shown = True
        return self

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _ipython_display_(self) -> None:
        if not self.shown:
            self.show()


def in_notebook() -> bool:
    """True in a Jupyter kernel (not in a terminal, not in plain Python)."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and hasattr(shell, "kernel")


_MARKS = "*`", "\ue000\ue001"  # of the private use area, which no font and no keyboard has


def literal(text: str) -> str:
    """Code or an error's words, to be shown letter by letter: its stars and backticks mark nothing."""
    return text.translate(str.maketrans(*_MARKS))


def _spelt(text: str) -> str:
    return text.translate(str.maketrans(*reversed(_MARKS)))


def _inline(text: str) -> str:
    escaped = html.escape(text)
    escaped = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escaped)
    return _spelt(re.sub(r"`([^`]+)`", rf'<code style="{CODE}">\1</code>', escaped))


def _block(text: str) -> str:
    return f'<pre style="{CODE_BLOCK}">{html.escape(text)}</pre>'


def _side_by_side(tables: Sequence[Table]) -> str:
    flex = "display:flex;flex-wrap:wrap;align-items:flex-start;gap:6px 18px;margin:4px 0 8px"
    return f'<div style="{flex}">{"".join(map(_table, tables))}</div>'


def _table(table: Table) -> str:
    rows = "".join(
        '<tr style="background:none">'
        + "".join(
            f'<td style="{CELL}{MARKED if (i, j) in table.marked else ""}">{html.escape(value)}</td>'
            for j, value in enumerate(row)
        )
        + "</tr>"
        for i, row in enumerate(table.rows)
    )
    return (
        f'<table style="{TABLE}"><caption '
        f'style="{CAPTION}">{html.escape(table.caption)}</caption><tbody>{rows}</tbody></table>'
    )


def short(value: object, limit: int = 70) -> str:
    """A plain value in a few characters: numbers to four digits, long things cut with their shape."""
    if isinstance(value, torch.Tensor):
        text = short(value.tolist(), 10_000) if value.numel() <= 16 and not value.is_meta else ""
        return text if text and len(text) <= limit else f"Tensor {list(value.shape)}"
    if isinstance(value, float):
        return f"{value or 0.0:.4g}"  # no -0
    if isinstance(value, dict):
        limit = max(limit, 200)  # a configuration without its last keys says nothing
        text = "{" + ", ".join(f"{key}: {short(item)}" for key, item in value.items()) + "}"
    elif isinstance(value, set):
        text = "{" + ", ".join(sorted(map(short, value))) + "}"
    elif isinstance(value, (list, tuple)):
        text = ", ".join(short(item, 10_000) for item in value[:200])
        text = f"[{text}]" if isinstance(value, list) else f"({text}{',' if len(value) == 1 else ''})"
    elif isinstance(value, BaseException):
        text = type(value).__name__
    else:
        text = value.__name__ + "(...)" if callable(value) and hasattr(value, "__name__") else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
