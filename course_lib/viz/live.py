"""What every live picture does: become HTML, and leave a static copy of itself in the saved notebook."""
from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import anywidget

__all__ = ["display_live", "markup"]


def display_live(widget: anywidget.AnyWidget, picture: str) -> None:
    """Show `picture` (HTML) as an output of its own, which a saved notebook keeps, then `widget`, whose JavaScript hides the picture."""
    from IPython.display import HTML, display

    display(HTML(f'<div class="course-static">{picture}</div>'), metadata={})
    bundle = widget._repr_mimebundle_()
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    data = {kind: value for kind, value in (data or {}).items() if "widget-view" in kind}     # the text alternative is the output above
    display(data, metadata=metadata, raw=True)


def markup(drawn: Any) -> str:
    """HTML of what a cell's `draw` returned."""
    if isinstance(drawn, str):
        return drawn
    if hasattr(drawn, "savefig"):
        import matplotlib.pyplot as plt

        data = io.BytesIO()
        drawn.savefig(data, format="png")
        plt.close(drawn)
        alt = escape("; ".join(axis.get_title() for axis in drawn.axes if axis.get_title()))
        return f'<img alt="{alt}" style="max-width:100%" src="data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}">'
    return drawn._repr_html_()
