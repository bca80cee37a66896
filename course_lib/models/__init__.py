"""Real models: a catalogue, a provider chain that fetches them, `load`, and the one protocol by which any
model is asked.

The only room that knows transformers' classes, wheels, hubs and caches.
"""

from importlib import import_module

from .cards import Card, UnknownModel, card, catalog
from .download import FetchError, fetch
from .loaded import Loaded, ModelError, Scored, load

__all__ = [
    "Attention",
    "Card",
    "FetchError",
    "Loaded",
    "ModelError",
    "Scored",
    "UnknownModel",
    "card",
    "catalog",
    "fetch",
    "load",
    "model_of",
    "port",
    "read_tokens",
]

# these import torch
_LAZY = {"Attention": "attention", "model_of": "protocol", "port": "porting", "read_tokens": "reading"}


def __getattr__(name: str):
    if name in _LAZY:
        value = globals()[name] = getattr(import_module(f".{_LAZY[name]}", __name__), name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
