"""Pictures: the attention viewer, things to drag, click and type into, and figures that show Chinese everywhere.

Draws from arrays and tokens. Each interactive picture leaves a static one beside it, so a saved notebook is never blank.
"""
from importlib import import_module

_HOME = {
    "AttentionView": "attention", "attention_view": "attention",
    "bertviz_head_view": "bertviz", "bertviz_model_view": "bertviz", "bertviz_neuron_view": "bertviz",
    "Chat": "chat", "chat": "chat", "Explore": "explore", "explore": "explore",
    "MaskPainter": "painter", "mask_painter": "painter", "QueryPlane": "plane", "query_plane": "plane", "weight_table": "weights",
    "Markup": "html", "bars": "html", "coloured_tokens": "html", "flow": "html", "paragraph": "html", "shares": "html", "table": "html",
    "Simplex": "triangle", "simplex": "triangle",
    "chinese_font": "fonts", "use_fonts": "fonts",
}
__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        value = globals()[name] = getattr(import_module(f".{_HOME[name]}", __name__), name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
