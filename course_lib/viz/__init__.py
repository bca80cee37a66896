"""Drawing: the attention viewer."""
from .attention import AttentionView, attention_view
from .effect import Effect

__all__ = ["AttentionView", "Effect", "attention_view"]
