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
    from types import ModuleType

    from transformers import PreTrainedModel, PreTrainedTokenizerFast

__all__ = ["curve", "save", "shipped", "write_card"]

LICENCE = "Apache-2.0"
LICENCE_NOTE = L(
    zh="权重、分词器和配方由本课程制作，按 Apache-2.0 发布。训练文本不随模型分发；"
    "它们的来源和权利见 data/README.md。",
    en="Weights, tokenizer and recipe were made by this course and are released under Apache-2.0. "
    "The training text is not distributed with the model; "
    "data/README.md says where it comes from and whose it is.",
)
TRIAL_NOTE = L(
    zh="步数太少，只是试一试流程，所以没有测量。",
    en="A trial of the machinery with few steps: nothing was measured.",
)
SAMPLES_NOTE = L(
    zh="没有挑选过：种子是 0，第一次写出来的就是这些，好坏都在。",
    en="Not selected: seed 0, what was written the first time, good and bad.",
)


def save(out: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """config.json, model.safetensors and the tokenizer's files. Stored in float16, half the size; loaded as
    float32."""
    before = next(model.parameters()).dtype
    model.to(torch.float16).save_pretrained(out)
    model.to(before)
    tokenizer.save_pretrained(out)


def shipped(folder: Path, kind: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model in `folder`, of transformers' class `kind`, in float32, and its tokenizer: what a reader
    gets."""
    import transformers

    return getattr(transformers, kind).from_pretrained(
        folder, dtype=torch.float32
    ).eval(), transformers.AutoTokenizer.from_pretrained(folder)


def curve(out: Path, loss: list[float], points: int = 150) -> None:
    """curve.svg: the training loss in nats, each point the mean of a stretch of steps."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    stretch = max(1, len(loss) // points)
    means = [sum(loss[i : i + stretch]) / stretch for i in range(0, len(loss) - stretch + 1, stretch)]
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": out.name}):
        figure = Figure(figsize=(6, 2.8), layout="constrained")
        axes = figure.add_subplot(xlabel="optimiser step", ylabel="training loss (nats)")
        axes.plot([(i + 0.5) * stretch for i in range(len(means))], means)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(out / "curve.svg", metadata={"Date": None})


def write_card(out: Path, recipe: ModuleType, metrics: dict[str, float], training: dict[str, Any]) -> None:
    """card.json for the catalogue and README.md for people, both from the same figures.

    metrics: figures on held-out text, none for a trial run; training: steps, tokens, seconds and the like.
    The recipe's samples are made anew from the files.
    """
    with safe_open(out / "model.safetensors", "pt") as file:
        parameters = sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())
    digest = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()
    card = {
        "name": out.name,
        "kind": recipe.KIND,
        "parameters": parameters,
        "languages": recipe.LANGUAGES,
        "licence": LICENCE,
        "title": {"zh": recipe.TITLE.zh, "en": recipe.TITLE.en},
        "sha256": digest,
        "metrics": metrics,
        "training": training,
    }
    (out / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    table = (
        ["| | |", "|---|---|", *(f"| {name} | {value:g} |" for name, value in metrics.items())]
        if metrics
        else [TRIAL_NOTE.zh, "", TRIAL_NOTE.en]
    )
    samples = [f"| `{given}` | {written} |" for given, written in recipe.samples(out)]
    run = ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
        for name, value in training.items()
    )
    (out / "README.md").write_text(
        "\n".join(
            [
                "---",
                f"license: {LICENCE.lower()}",
                "library_name: transformers",
                f"language: [{', '.join(recipe.LANGUAGES)}]",
                "---",
                f"# {out.name}",
                "",
                recipe.TITLE.zh,
                "",
                recipe.TITLE.en,
                "",
                f"{parameters:,} parameters, stored as float16. Training: {run}.",
                "",
                "## 数据与配方 / Data and recipe",
                "",
                recipe.__doc__.strip(),
                "",
                recipe.DATA.zh,
                "",
                recipe.DATA.en,
                "",
                f"`python -m course_lib train {out.name} --out DIR`",
                "",
                "![loss](curve.svg)",
                "",
                "## 留出数据上的指标 / Figures on held-out text",
                "",
                *table,
                "",
                "## 样本 / Samples",
                "",
                f"{SAMPLES_NOTE.zh}",
                "",
                f"{SAMPLES_NOTE.en}",
                "",
                "| | |",
                "|---|---|",
                *samples,
                "",
                "## 局限 / Limits",
                "",
                recipe.LIMITS.zh,
                "",
                recipe.LIMITS.en,
                "",
                "## 许可 / Licence",
                "",
                LICENCE_NOTE.zh,
                "",
                LICENCE_NOTE.en,
                "",
            ]
        ),
        encoding="utf-8",
    )
