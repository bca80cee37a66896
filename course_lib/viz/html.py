"""Small pictures in HTML: bars, coloured tokens, a flow of boxes, a tree, a treemap, a table, a paragraph.

HTML is a type, `Markup`: what is one goes into a page as it is, any other string is text and is escaped.

    Markup("<b>{}</b>").format("a < b")         # <b>a &lt; b</b>
    bars(...) + paragraph("a < b")              # markup; bars(...) + "a < b" too: what is added is escaped

Inline styles only, with the text colour left to the host, so that they read well in light and dark themes and
survive in a saved, untrusted notebook, where style sheets and SVG are removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import unescape

import markupsafe
from markupsafe import escape

__all__ = [
    "Markup",
    "bars",
    "chips",
    "coloured_tokens",
    "cycle",
    "flow",
    "paragraph",
    "shares",
    "table",
    "tree",
    "treemap",
    "visible",
]

BLUE, ORANGE = "#4477aa", "#ee7733"  # from Paul Tol's colour-blind-safe schemes
_DARKEST = 0.7  # of the shade behind a token: text keeps a contrast of 4.5 on it, white or black
_CELL = "padding:2px 10px 2px 0;border:0;background:none;text-align:left;white-space:nowrap"


class Markup(markupsafe.Markup):
    """Text that is HTML; the last value of a cell shows as such, and its words where there is no HTML."""

    def _repr_html_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self)).split())


def paragraph(text: object) -> Markup:
    """A paragraph of text, with its spaces and line breaks."""
    return Markup('<p style="white-space:pre-wrap;overflow-wrap:anywhere">{}</p>').format(text)


def visible(token: str) -> str:
    """A token with its spaces and line breaks made visible: "␣cat", "↵"."""
    return token.replace(" ", "␣").replace("\n", "↵").replace("\t", "⇥") or "∅"


def bars(values: Mapping[str, float], mark: str | None = None, total: float = 1.0) -> Markup:
    """A bar for each label, as long as its value's share of `total`; the label `mark` is set off by colour
    and an arrow."""
    rows = []
    for label, value in values.items():
        colour, arrow = (ORANGE, "▸ ") if label == mark else (BLUE, "")
        bar = f"width:{max(100 * value / total, 0.4):.1f}%;min-width:2px;height:14px;"
        bar = f'<div style="{bar}background-color:{colour}"></div>'
        name = f"{_CELL};font-family:monospace;max-width:18em;overflow:hidden;text-overflow:ellipsis"
        rows.append(
            f'<tr style="background:none"><td style="{name}">{arrow}{escape(visible(label))}</td>'
            f'<td style="{_CELL};width:60%">{bar}</td><td '
            f'style="{_CELL};text-align:right">{100 * value:.1f} %</td></tr>'
        )
    return Markup(
        f'<table style="width:100%;max-width:640px;border-collapse:collapse">{"".join(rows)}</table>'
    )


def coloured_tokens(
    tokens: Sequence[str],
    values: Sequence[float],
    unit: str = "",
    top: float | None = None,
    current: str = "",
    control: str = "",
) -> Markup:
    """The text with each token shaded by its value (0 is clear, `top` or the maximum is darkest); the number
    shows on hover.

    With `control`, a click on token number i sets that control of the `explore` that shows the text; token
    `current` is outlined.
    """
    top = top or max(values, default=1) or 1
    spans = []
    for i, (token, value) in enumerate(zip(tokens, values)):
        click = f'role="button" tabindex="0" data-set="{escape(control)}={i}" ' if control else ""
        style = f"background-color:rgba(238,119,51,{_DARKEST * min(max(value / top, 0), 1):.2f});"
        style += "padding:2px 1px;border-radius:3px"
        style += (";cursor:pointer" + f";outline:2px solid {BLUE}" * (str(i) == current)) if control else ""
        spans.append(
            f'<span {click}title="{value:.2f} {escape(unit)}" style="{style}">{escape(token)}</span>'
        )
    return Markup(
        f'<div style="line-height:2;overflow-wrap:anywhere;white-space:pre-wrap;font-size:15px">'
        f"{''.join(spans)}</div>"
    )


def chips(tokens: Sequence[str], marked: Sequence[bool] = ()) -> Markup:
    """Each token in a box of its own, its spaces visible; where `marked` is True the box is filled."""
    style = (
        "display:inline-block;border:1px solid #888888;border-radius:4px;padding:0 "
        "4px;margin:1px;font-family:monospace;overflow-wrap:anywhere"
    )
    fills = (
        ";background-color:rgba(238,119,51,0.6)" * mark
        for mark in [*marked, *[False] * (len(tokens) - len(marked))]
    )
    boxes = "".join(
        f'<span style="{style}{fill}">{escape(visible(token))}</span>' for token, fill in zip(tokens, fills)
    )
    return Markup(f'<div style="line-height:1.8">{boxes}</div>')


def flow(boxes: Mapping[str, str], current: str, control: str = "step") -> Markup:
    """A row of boxes joined by arrows. A click on one sets `control` of the `explore` that shows it;
    `current` is filled."""
    drawn = (_box(key, text, key == current, control) for key, text in boxes.items())
    return Markup(f'<div style="line-height:2.4">{" → ".join(drawn)}</div>')


def cycle(
    boxes: Mapping[str, str], back: tuple[str, str, str], current: str, control: str = "step"
) -> Markup:
    """A `flow` with an edge that leads back. back: (key, first, last): box `key` stands below the row, on the
    edge from box `last` to box `first`."""
    key, first, last = back
    row = [name for name in boxes if name != key]
    start, end = row.index(first), row.index(last)
    plain = "padding:0 1px;border:0;background:none;text-align:center"
    upper = f'<td style="{plain}">→</td>'.join(
        f'<td style="{plain}">{_box(name, boxes[name], name == current, control)}</td>' for name in row
    )
    edge = (
        "padding:2px 8px;border:2px solid #888888;border-top:0;border-radius:0 0 10px "
        "10px;background:none;text-align:center;color:inherit"
    )
    lower = (f'<td colspan="{2 * start}" style="{plain}"></td>' if start else "") + (
        f'<td colspan="{2 * (end - start) + 1}" style="{edge}"><span '
        f'style="float:left">▲</span>{_box(key, boxes[key], key == current, control)}</td>'
    )
    return Markup(
        f'<table style="border-collapse:separate;border-spacing:0;margin:4px 0"><tr '
        f'style="background:none">{upper}</tr>'
        f'<tr style="background:none">{lower}</tr></table>'
    )


def _box(key: str, text: str, here: bool, control: str) -> str:
    """One box to click: it sets `control` to `key`."""
    colours = f"background-color:{BLUE};color:#ffffff" if here else "background:none"
    style = (
        f"display:inline-block;padding:5px 12px;margin:3px 0;border:1px solid "
        f"{BLUE};border-radius:6px;{colours};cursor:pointer;white-space:nowrap"
    )
    return (
        f'<span role="button" tabindex="0" aria-pressed="{str(here).lower()}" '
        f'data-set="{escape(control)}={escape(key)}" '
        f'style="{style}">{escape(text)}</span>'
    )


def shares(
    levels: Sequence[Sequence[tuple[str, str, float]]], current: str = "", control: str = "path"
) -> Markup:
    """Rows of boxes as wide as their share: each level is a list of (key, text, share) whose shares sum to
    one.

    A click on a box sets `control` of the `explore` that shows it; the box `current` and the boxes it starts
    with (its way from the top) are filled.
    """

    def box(key: str, text: str, share: float) -> str:
        back = f"background-color:{BLUE};color:#ffffff" if current.startswith(key) else "background:none"
        return (
            f'<td role="button" tabindex="0" title="{escape(text)}: {share:.4f}" '
            f'data-set="{escape(control)}={escape(key)}" style="width:{100 * share:.3f}%;'
            f"{back};border:1px solid #888888;padding:5px 0;text-align:center;overflow:hidden;"
            f'white-space:nowrap;cursor:pointer">{escape(text)}</td>'
        )

    row = (
        "<table "
        'style="table-layout:fixed;width:100%;max-width:760px;border-collapse:collapse;margin:2px '
        '0"><tr style="background:none">{}</tr></table>'
    )
    return Markup("".join(row.format("".join(box(*item) for item in level)) for level in levels))


def table(
    rows: Iterable[Sequence[object]], header: Sequence[object] = (), right: Sequence[int] = ()
) -> Markup:
    """A plain table; columns whose index is in `right` are set flush right. A cell may be markup only if it
    is a `Markup`."""

    def cells(row: Sequence[object], tag: str) -> str:
        return "".join(
            f'<{tag} style="padding:4px 12px 4px '
            f'0;border:0;vertical-align:top;text-align:{"right" if i in right else "left"}">'
            f"{escape(cell)}</{tag}>"
            for i, cell in enumerate(row)
        )

    head = (
        f'<tr style="border-bottom:1px solid #888888;background:none">{cells(header, "th")}</tr>'
        if header
        else ""
    )
    body = "".join(f'<tr style="background:none">{cells(row, "td")}</tr>' for row in rows)
    return Markup(f'<table style="border-collapse:collapse">{head}{body}</table>')


def tree(boxes: Mapping[tuple, tuple[str, str]], ways: Mapping[str, tuple] = {}) -> Markup:
    """A tree from left to right: a column for each step, a box for each node, children in the order given.

    boxes: path -> (text, note); a node's parent is its path without the last item, and the shortest paths are
    roots. ways: name -> a path in `boxes`, whose boxes get a thick frame, the last one the name. ValueError
    where a parent or the path of a way is missing.
    """
    roots, children, framed = min(map(len, boxes), default=0), {}, {}
    for path in [*boxes, *ways.values()]:
        if path not in boxes or len(path) > roots and path[:-1] not in boxes:
            raise ValueError(f"the tree lacks {path[:-1] if path in boxes else path} / 树里没有这个节点")
    for path in boxes:
        children.setdefault(path[:-1], []).append(path)
    for name, way in ways.items():
        for length in range(roots, len(way) + 1):
            framed.setdefault(way[:length], []).extend([name] * (length == len(way)))

    def rows(path: tuple) -> list[str]:
        """The cells of this node and all below it, a row for each leaf."""
        below = [row for child in children.get(path, ()) for row in rows(child)] or [""]
        frame = f"border:2px solid {ORANGE}" if path in framed else "border:1px solid #888888"
        text, note = boxes[path]
        names = f" <strong>← {escape(' · '.join(framed[path]))}</strong>" if framed.get(path) else ""
        box = (
            f'<span style="{frame};border-radius:4px;padding:0 '
            f'5px;font-family:monospace">{escape(visible(text))}</span> '
            f"<small>{escape(note)}</small>{names}"
        )
        below[0] = f'<td rowspan="{len(below)}" style="{_CELL};vertical-align:middle">{box}</td>{below[0]}'
        return below

    body = "".join(
        f'<tr style="background:none">{row}</tr>'
        for path in boxes
        if len(path) == roots
        for row in rows(path)
    )
    return Markup(
        f'<div style="overflow-x:auto"><table style="border-collapse:collapse">{body}</table></div>'
    )


def treemap(columns: Sequence[Sequence[tuple[str, float]]]) -> Markup:
    """Boxes as large as their amounts: each column of (text, amount) is as wide as its sum, each box as high
    as its share of that."""
    wholes = [sum(amount for _, amount in column) for column in columns]
    drawn = []
    for column, whole in zip(columns, wholes):
        boxes = "".join(
            f'<div title="{escape(text)}" style="height:{180 * amount / whole:.1f}px;overflow:hidden;'
            f'background-color:rgba(68,119,170,{0.15 + 0.3 * (i % 2):.2f})">{escape(text)}</div>'
            for i, (text, amount) in enumerate(column)
        )
        drawn.append(
            f'<td style="width:{100 * whole / sum(wholes):.1f}%;padding:0;border:1px solid '
            f'#888888;vertical-align:top;text-align:center">{boxes}</td>'
        )
    return Markup(
        f"<table "
        f'style="table-layout:fixed;width:100%;max-width:760px;border-collapse:collapse"><tr '
        f'style="background:none">{"".join(drawn)}</tr></table>'
    )
