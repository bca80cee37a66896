"""How the course's own models were trained: `python -m course_lib train zh-bert --out DIR`.

Each recipe is one module: `setup` makes model, tokenizer and data, `loss` is the objective, `second` a second
run if there is one, `measure` gives the figures on held-out text, `samples` what the model writes. `train`
hands them to `fit` and writes a Hugging Face directory. The text comes from installed packages or from our
own grammar; only zh-verse fetches its poems.

`--steps 3` tries the machinery: a run of under a hundredth of the recipe's steps measures nothing, and its
card says so.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from ...i18n import L

__all__ = ["RECIPES", "main", "train"]

RECIPES = {"zh-bert": "zh_bert", "zh-fr-en": "zh_fr_en", "zh-gpt": "zh_gpt", "zh-verse": "zh_verse"}


def train(name: str, out: Path, steps: int | None = None, compile: bool = False) -> Path:
    """Train one model into the folder `out`, which is returned. An interrupted run goes on from its
    checkpoint beside it.

    compile: run the body through torch.compile; needs a C++ compiler, and pays on a CPU (zh-gpt 1.5 times as
    fast).
    """
    import torch

    from ..loop import fit
    from .ship import curve, save, write_card

    recipe = import_module(f".{RECIPES[name]}", __name__)
    steps = steps or recipe.STEPS
    torch.manual_seed(0)
    model, tokenizer, stream, options = recipe.setup(steps)
    if compile:
        model.base_model.compile()
    runs = [
        fit(
            model,
            stream,
            steps=steps,
            loss=recipe.loss,
            checkpoint=out.parent / f"{name}-checkpoint",
            **options,
        )
    ]
    if hasattr(recipe, "second"):
        module, stream, options = recipe.second(model, tokenizer, steps)
        runs.append(fit(module, stream, checkpoint=out.parent / f"{name}-second-checkpoint", **options))
    save(out, model.eval().cpu(), tokenizer)
    losses, tokens, seconds = (
        sum((getattr(run, part) for run in runs), []) for part in ("loss", "tokens", "seconds")
    )
    curve(out, losses)
    training = {
        "steps": len(losses),
        "tokens": sum(tokens),
        "seconds": round(sum(seconds)),
        "precision": runs[-1].precision,
    }
    write_card(out, recipe, recipe.measure(out) if steps >= recipe.STEPS / 100 else {}, training)
    return out


def main(argv: list[str]) -> int:
    """The command line: `train NAME --out DIR [--steps N] [--compile]`."""
    parser = argparse.ArgumentParser(
        prog="python -m course_lib train",
        description=str(
            L(
                zh="训练课程自己的模型。中断后再次运行同一命令即可继续。",
                en="Train the course's own models. Run the same command again to go on after an interrupt.",
            )
        ),
    )
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument(
        "--out", type=Path, required=True, help=str(L(zh="模型目录", en="the model's folder"))
    )
    parser.add_argument(
        "--steps",
        type=int,
        help=str(
            L(
                zh="优化步数，默认用配方里的步数；很少时只试流程，不测量",
                en="optimiser steps, by default the recipe's; with few, a trial that measures nothing",
            )
        ),
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help=str(
            L(
                zh="用 torch.compile 加速（需要 C++ 编译器）",
                en="speed up by torch.compile (needs a C++ compiler)",
            )
        ),
    )
    options = parser.parse_args(argv[1:] if argv[:1] == ["train"] else argv)
    train(options.name, options.out, options.steps, options.compile)
    return 0
