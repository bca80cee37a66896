"""Pictures: the attention viewer, things to drag, click and type into, and figures that show Chinese
everywhere.

Draws from arrays and tokens. Each interactive picture leaves a static one beside it, so a saved notebook is
never blank.
"""

from importlib import import_module

_HOME = {
    "AttentionView": "attention.view",
    "attention_view": "attention.view",
    **dict.fromkeys(("bertviz_head_view", "bertviz_model_view", "bertviz_neuron_view"), "attention.bertviz"),
    "Chat": "widgets.chat",
    "chat": "widgets.chat",
    "Duel": "widgets.duel",
    "duel": "widgets.duel",
    "Explore": "widgets.explore",
    "explore": "widgets.explore",
    "MaskPainter": "widgets.painter",
    "mask_painter": "widgets.painter",
    "QueryPlane": "widgets.plane",
    "query_plane": "widgets.plane",
    "Simplex": "widgets.triangle",
    "simplex": "widgets.triangle",
    "Tour": "widgets.guide",
    "tour": "widgets.guide",
    "weight_table": "weights",
    **dict.fromkeys(
        (
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
        ),
        "html",
    ),
    "chinese_font": "fonts",
    "use_fonts": "fonts",
}
__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        value = globals()[name] = getattr(import_module(f".{_HOME[name]}", __name__), name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
