"""A still picture first, the live one after it: what every interactive picture displays."""
from __future__ import annotations

import anywidget

__all__ = ["still_then_live"]


def still_then_live(widget: anywidget.AnyWidget, still: str) -> None:
    """Display the HTML `still` as an output of its own, then the widget, whose script hides the `.course-static` before it."""
    from IPython.display import HTML, display

    display(HTML(f'<div class="course-static">{still}</div>'), metadata={})
    bundle = anywidget.AnyWidget._repr_mimebundle_(widget)
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    data = {kind: value for kind, value in (data or {}).items() if "widget-view" in kind}     # the text alternative is the output above
    display(data, metadata=metadata, raw=True)
