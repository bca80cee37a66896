"""What a trained model becomes: a Hugging Face directory with a card for people and one for the catalogue."""
from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open

from ...i18n import L

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

__all__ = ["save", "write_card"]

LICENCE = "Apache-2.0"


def save(out: Path, model: nn.Module, tokenizer: PreTrainedTokenizerFast) -> None:
    """config.json, model.safetensors and the tokenizer's files. Stored in float16, half the size; loaded as float32."""
    before = next(model.parameters()).dtype
    model.to(torch.float16).save_pretrained(out)
    model.to(before)
    tokenizer.save_pretrained(out)


def write_card(out: Path, *, kind: str, title: L, languages: list[str], metrics: dict[str, Any], training: dict[str, Any]) -> None:
    """card.json for the catalogue. metrics: figures on held-out text; training: steps, seconds and the like."""
    with safe_open(out / "model.safetensors", "pt") as file:
        parameters = sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())
    digest = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()
    card = {"name": out.name, "kind": kind, "parameters": parameters, "languages": languages, "licence": LICENCE,
            "title": {"zh": title.zh, "en": title.en}, "sha256": digest, "metrics": metrics, "training": training}
    (out / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
