"""What a forward pass ended in, in the terms of what the model is for."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .protocol import Model
from .reading import Reading

__all__ = ["Outcome", "outcome_of"]


@dataclass
class Outcome:
    """What a pass ended in; `logits` is float32 on the CPU.

    kind: "next" token or "masked" token, logits [V]; "class" (one of C), "labels" (any of C) or "value" (C
    numbers), [C]; "tokens", classes of each token, [T, C]; "span", where an answer starts and ends, [2, T];
    "scores", the mean logits of a masked model whose text has no mask, [V]; "hidden", the mean last hidden
    state of a model without a head, [D].
    names: of the C classes.
    """

    kind: str
    logits: torch.Tensor
    names: list[str] | None = None


def outcome_of(model: Model, reading: Reading, result) -> Outcome:
    """Of what its forward returned for `reading`."""
    ids = (reading.target or reading.source).ids
    if model.origin != "transformers":
        whole = result[0] if isinstance(result, tuple) else result  # (1, T, V), or D of an encoder
        values = whole[0].float().cpu()
        return (
            Outcome("hidden", values.mean(0)) if model.family == "encoder" else _token(model, reading, values)
        )
    config = model.config
    get = lambda *names: next(
        (value for name in names if torch.is_tensor(value := getattr(result, name, None))), None
    )
    start, end = get("start_logits", "start_top_log_probs"), get("end_logits")
    if start is not None and end is not None:
        return Outcome("span", torch.stack((start[0], end[0])).float().cpu())
    logits = get("logits", "prediction_logits", "prediction_scores")
    if logits is None:
        hidden = result.last_hidden_state if hasattr(result, "last_hidden_state") else result[0]
        return Outcome("hidden", hidden[0].float().mean(0).cpu())
    logits = logits.float().cpu()
    count = getattr(config, "num_labels", 0)
    names = (
        [str((getattr(config, "id2label", None) or {}).get(i, f"LABEL_{i}")) for i in range(logits.shape[-1])]
        if logits.shape[-1] <= 4096
        else None
    )
    # ELECTRA's discriminator: one number a token
    if logits.dim() == 2 and logits.shape[-1] == len(ids) != count:
        return Outcome(
            "tokens", torch.stack((torch.zeros_like(logits[0]), logits[0]), -1), ["original", "replaced"]
        )
    if logits.dim() == 2:
        problem = getattr(config, "problem_type", None) or ("regression" if count == 1 else None)
        kind = {"regression": "value", "multi_label_classification": "labels"}.get(problem, "class")
        return Outcome(kind, logits[0], names)
    if model.net.get_output_embeddings() is None and logits.shape[-1] == count:
        return Outcome("tokens", logits[0], names)
    return _token(model, reading, logits[0])


def _token(model: Model, reading: Reading, logits: torch.Tensor) -> Outcome:
    """logits [T, V], or of the last token alone"""
    ids = (reading.target or reading.source).ids
    if reading.mask_id is not None and reading.mask_id in ids and len(logits) == len(ids):
        return Outcome("masked", logits[ids.index(reading.mask_id)])
    return (
        Outcome("scores", logits.mean(0))
        if model.family in ("masked", "encoder")
        else Outcome("next", logits[-1])
    )
