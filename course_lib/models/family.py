"""Where a model comes from, what it is for, and how much it can read."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..nn import GPT, Decoder, Encoder, Seq2Seq
from .checkpoint import kind_of

__all__ = ["family_of", "positions", "sizes_of"]


def family_of(net: Any) -> tuple[str, str]:
    """origin: "transformers", "course" (`course_lib.nn`) or "other", of which only ids -> logits is known.
    family: "causal", "masked", "seq2seq", or "encoder" for what writes nothing: vectors or classes."""
    config = getattr(net, "config", None)
    if isinstance(net, (Decoder, GPT)):
        return "course", "causal"
    if isinstance(net, Seq2Seq):
        return "course", "seq2seq"
    if isinstance(net, Encoder):
        return "course", "masked" if config.mlm_head else "encoder"
    if isinstance(net, nn.Module) and hasattr(config, "model_type") and hasattr(net, "can_generate"):
        return "transformers", kind_of(net)
    return "other", "causal"


def sizes_of(net: Any, origin: str) -> tuple[int | None, int | None]:
    """context: how many tokens its positions can number; vocabulary: how many ids it knows. None: it does not
    say."""
    if isinstance(net, GPT):
        return net.positions.num_embeddings, net.tokens.num_embeddings
    if origin == "transformers":
        return positions(net), _rows(net)
    config = getattr(net, "config", None)
    return _whole(config, "context"), _whole(config, "vocab_size")


def positions(model: Any, target: bool = False) -> int | None:
    """How many tokens the positions of a transformers model can number, None without a limit.

    target: those of the text that it writes.
    """
    from transformers import PreTrainedConfig

    part = "decoder" if target else "encoder"
    config = getattr(model.config, part, None)
    if not isinstance(config, PreTrainedConfig):  # only composites keep a config for each half
        config = model.config.get_text_config() if not model.config.is_encoder_decoder else model.config
    names = (
        f"max_{part}_position_embeddings",
        "max_position_embeddings",
        "n_positions",
        "max_target_positions",
    )
    declared = next((n for name in names if (n := _whole(config, name)) and n > 0), None)  # XLNet writes -1
    if declared is None:
        return None
    for name, module in model.named_modules():
        # RoBERTa counts from the position after the padding's
        if (
            isinstance(module, nn.Embedding)
            and "position" in name
            and module.num_embeddings == declared
            and module.padding_idx is not None
        ):
            return declared - module.padding_idx - 1
    return declared


def _rows(net: Any) -> int | None:
    """How many ids the embedding of a transformers model has a row for."""
    try:
        return net.get_input_embeddings().weight.shape[0]
    except (AttributeError, NotImplementedError):  # it embeds in another way, or keeps its weights in another
        return _whole(net.config, "vocab_size")


def _whole(config: Any, name: str) -> int | None:
    value = getattr(config, name, None)
    return value if isinstance(value, int) else None
