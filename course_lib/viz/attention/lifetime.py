"""How long a view keeps its data: 20 to 60 MB each, and the same cell is run again and again.

The widgets' own registry holds every view for ever, because its page may still be open, and so does a
notebook's history (Out, _, _12). What counts is whether anything else holds it.
"""

from __future__ import annotations

import sys
import weakref
from itertools import chain

from IPython import get_ipython

__all__ = ["handed_out"]

_ALIVE = 4  # views that keep their data although nothing else holds them
# views that have their data, the oldest first, and what holds each besides a reader
_recent: list[tuple[weakref.ref, int]] = []


def handed_out(box: list):
    """The view in the box, counted in; what is beyond the last few and in nobody's hands is released.

    box: so that nothing but the box and the widgets' own registry holds the view while its holders are
    counted.
    """
    _recent[:] = [(ref, records) for ref, records in _recent if ref() is not None and ref()._passes]
    for ref, records in _recent[: max(0, len(_recent) + 1 - _ALIVE)]:
        if _holders(ref) <= records:
            ref()._release()
    _recent.append((weakref.ref(box[0]), _holders(weakref.ref(box[0])) - 1))
    return box.pop()


def _holders(ref: weakref.ref) -> int:
    """References to a view, without those of the notebook's history: Out, _, __, _12."""
    view, shell = ref(), get_ipython()
    if shell is None:
        return sys.getrefcount(view)
    history = chain(
        (value for name, value in shell.user_ns.items() if name.startswith("_")),
        shell.user_ns_hidden.values(),
        shell.user_ns.get("_oh", {}).values(),
    )
    return sys.getrefcount(view) - sum(value is view for value in history)
