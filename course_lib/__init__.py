"""The names a notebook uses. Everything heavy is imported when it is first asked for, so `import course_lib`
is instant.

import course_lib as cl
cl.start(lang="en")
m = cl.load("smollm2-135m")
cl.attention_view(m, "The cat sat on the mat because it was tired.")
"""

from importlib import import_module

from .device import device  # bound now: the submodule of the same name would otherwise hide the function
from .i18n import L

__version__ = "0.1.0"

_MODULES = (
    "exercises",
    "generation",
    "i18n",
    "interpret",
    "loop",
    "metrics",
    "models",
    "nn",
    "paths",
    "results",
    "text",
    "training",
    "viz",
)
_NAMES = {
    "start": "session",
    "doctor": "checkup",
    "Attention": "models",
    "Loaded": "models",
    "load": "models",
    "History": "training",
    "fit": "training",
    "Beam": "generation",
    "Draft": "generation",
    "Greedy": "generation",
    "Sample": "generation",
    "generate": "generation",
    "AttentionView": "viz",
    "attention_view": "viz",
    "tour": "viz",
    "check": "exercises",
    "hint": "exercises",
    "progress": "exercises",
    "solution": "exercises",
    "use": "exercises",
    "guess": "loop",
    "recall": "loop",
}
__all__ = sorted(["L", "device", *_MODULES, *_NAMES])


def __getattr__(name: str):
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name in _NAMES:
        value = globals()[name] = getattr(import_module(f".{_NAMES[name]}", __name__), name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
