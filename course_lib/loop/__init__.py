"""The learner's loop: say what will happen before it does, and come back to what was learnt before."""

from importlib import import_module

_HOME = {"guess": "prediction", "recall": "revision"}
__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        value = globals()[name] = getattr(import_module(f".{_HOME[name]}", __name__), name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
