"""A small table of attention weights in HTML: rows look, columns are looked at."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import escape

from .html import Markup

__all__ = ["weight_table"]

_CELL = (
    "min-width:40px;height:28px;padding:0 2px;text-align:center;font-size:12px;border:1px solid #888888;{}"
)
_LABEL = "font-weight:normal;white-space:nowrap;border:0;background:none;padding:2px 8px;text-align:{}"


def weight_table(
    weights: Sequence[Sequence[float]],
    queries: Sequence[str],
    keys: Sequence[str],
    mask: Sequence[Sequence[bool]] | None = None,
) -> Markup:
    """weights [T,S] with a label for each row and column; where `mask` is false stands a cross. Reads well in
    light and dark, and without styles."""
    head = "".join(f'<th style="{_LABEL.format("center")}">{escape(key)}</th>' for key in ("", *keys))
    rows = []
    for t, query in enumerate(queries):
        cells = "".join(
            f'<td style="{_CELL.format(f"background-color:rgba(68,119,170,{0.7 * float(weight):.2f})")}">'
            f"{float(weight):.2f}</td>"
            if mask is None or mask[t][s]
            else f'<td style="{_CELL.format("background:none")}">×</td>'
            for s, weight in enumerate(weights[t])
        )
        rows.append(
            f'<tr style="background:none"><th '
            f'style="{_LABEL.format("right")}">{escape(query)}</th>{cells}</tr>'
        )
    return Markup(
        f'<table style="border-collapse:collapse"><tr '
        f'style="background:none">{head}</tr>{"".join(rows)}</table>'
    )
