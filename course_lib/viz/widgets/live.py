"""What every live picture does: take its script, leave a still copy of itself in the saved notebook, and let
only markup into a page."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from markupsafe import escape

from ...i18n import L, language
from ..html import Markup, paragraph
from .baking import sealed

__all__ = ["Html", "Live", "display_live", "markup", "page", "script", "unclickable"]

PICTURE = L(zh="这是一张图片；运行这个单元格，它就能动起来。", en="A picture: run this cell to make it live.")
_HOST = Path(__file__).with_name("host.js")
_INVITING = re.compile(
    r' (?:role="button"|tabindex="0"|aria-pressed="\w+"|data-set="[^"]*")|;?cursor:pointer'
)
# A notebook that was saved and opened again has lost the widgets: where JupyterLab has only words to put
# below the picture
# ("model not found"), nothing is shown.
_UNFOUND = Markup(
    "<style>.jp-OutputArea-child:has(.course-static) + .jp-OutputArea-child > "
    ".jp-OutputArea-output:not(:has(*))"
    "{display:none}</style>"
)


def script(*files: Path) -> str:
    """One module for the browser: what every widget asks of its host, then `files`; comments, indentation and
    most line ends are not sent."""
    return re.sub(
        r"(?m)^ *//.*\n|^ +| +// .*$|(?<=[;{,])\n",
        "",
        "\n".join(file.read_text("utf-8") for file in (_HOST, *files)),
    )


class Html(traitlets.Unicode):
    """What the browser puts into the page as it is; a plain string becomes text on its way in."""

    def validate(self, obj: object, value: object) -> Markup:
        return super().validate(obj, Markup(escape(value)))


class Live(anywidget.AnyWidget):
    """A widget that shows `still()` first, as an output of its own, which a saved notebook keeps; its
    JavaScript hides that picture."""

    _gone = traitlets.Unicode().tag(sync=True)
    without_kernel = PICTURE  # what stands below the still copy

    def __init__(self, **values: Any) -> None:
        gone = L(
            zh="内核没有回应：可能已经重启或关闭。从上往下重新运行到这个单元格，就能接着用。",
            en="No answer from the kernel: it may have been restarted or closed. To go on, run the "
            "cells above again, then this one.",
        )
        super().__init__(_gone=str(gone), **values)

    def still(self) -> Markup:
        """The picture as it stands, without a script."""
        raise NotImplementedError

    def baked(self) -> dict[str, Any]:
        """What a page without a kernel begins with; {} where nothing goes on there."""
        return {}

    def traits_sent(self) -> dict[str, Any]:
        """The traits that this widget's script reads."""
        return {
            name: getattr(self, name)
            for name in set(self.class_trait_names(sync=True)) - set(anywidget.AnyWidget.class_trait_names())
        }

    def _ipython_display_(self) -> None:
        display_live(self, self.still(), said=self.without_kernel)


def display_live(widget: anywidget.AnyWidget, picture: Markup, text: str = "", said: L = PICTURE) -> None:
    """Show `picture` (or, where there are only words, `text`) as an output of its own, with what is `said`
    below it, then `widget`."""
    from IPython.display import display

    still = Markup('<div class="course-static">{}<p style="margin:0;font-size:12px">{}</p>{}</div>').format(
        picture, said if picture or text else "", _UNFOUND
    )
    display({"text/html": still, "text/plain": text or repr(picture)}, raw=True, metadata=sealed(widget))
    bundle = widget._repr_mimebundle_()
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    # the text alternative is the output above
    data = {kind: value for kind, value in (data or {}).items() if "widget-view" in kind}
    display(data, metadata=metadata, raw=True)


def page(widget: anywidget.AnyWidget, state: dict[str, Any], title: str, alt: str, more: str = "") -> str:
    """One self-contained file with the widget in it, which sees `state` as its traits; no server, no kernel,
    no network. `more`: script for the file alone."""
    fill = {
        "TITLE": escape(title),
        "LANG": escape(state.get("lang") or language()),
        "ALT": escape(alt),
        "CSS": str(widget._css),
        "STATE": json.dumps(state, ensure_ascii=False).replace("<", "\\u003c"),
        "ESM": str(widget._esm).replace("export default", "const standalone =") + more,
    }
    return re.sub(
        "%%([A-Z]+)%%", lambda found: fill[found[1]], _HOST.with_name("page.html").read_text("utf-8")
    )


def unclickable(picture: Markup) -> Markup:
    """The same picture without what invites a click: no tab stop, no pointing hand."""
    return Markup(re.sub(r"<[^>]*>", lambda tag: _INVITING.sub("", tag[0]), picture))


def markup(drawn: Any) -> Markup:
    """HTML of what a cell's `draw` returned. Only what says that it is HTML is taken for it; a plain string
    is text."""
    if hasattr(drawn, "savefig"):
        import matplotlib.pyplot as plt

        data = io.BytesIO()
        drawn.savefig(data, format="png")
        plt.close(drawn)
        alt = "; ".join(axis.get_title() for axis in drawn.axes if axis.get_title())
        return Markup('<img alt="{}" style="max-width:100%" src="data:image/png;base64,{}">').format(
            alt, base64.b64encode(data.getvalue()).decode()
        )
    if not hasattr(drawn, "__html__") and hasattr(drawn, "_repr_html_"):
        return Markup(drawn._repr_html_())
    return Markup(drawn) if hasattr(drawn, "__html__") else paragraph(drawn)
