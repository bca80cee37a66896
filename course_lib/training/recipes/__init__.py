"""How the course's own models were trained: `python -m course_lib train zh-bert --out DIR`.

Each recipe is one module with `train(out, steps)`: data, model, objective, one call of `fit`, and what is written out.
All text comes from installed packages or from our own grammar; nothing is downloaded. An interrupted run goes on from
the checkpoint in DIR.
"""
from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from ...i18n import L

__all__ = ["RECIPES", "main"]

RECIPES = {"zh-bert": "zh_bert", "zh-fr-en": "zh_fr_en", "zh-gpt": "zh_gpt"}


def main(argv: list[str]) -> int:
    """The command line: `train NAME --out DIR [--steps N]`, or several names for one after another."""
    argv = argv[1:] if argv[:1] == ["train"] else argv
    parser = argparse.ArgumentParser(prog="python -m course_lib train",
                                     description=str(L(zh="训练课程自己的模型。中断后再次运行同一命令即可继续。",
                                                       en="Train the course's own models. Run the same command again to go on after an interrupt.")))
    parser.add_argument("names", nargs="+", choices=sorted(RECIPES), metavar="NAME", help=", ".join(RECIPES))
    parser.add_argument("--out", type=Path, required=True, help=str(L(zh="输出目录；每个模型一个子目录", en="where to write; one folder a model")))
    parser.add_argument("--steps", type=int, help=str(L(zh="优化步数，默认用配方里的步数", en="optimiser steps, by default the recipe's")))
    options = parser.parse_args(argv)
    for name in options.names:
        recipe = import_module(f".{RECIPES[name]}", __name__)
        recipe.train(options.out / name, **({} if options.steps is None else {"steps": options.steps}))
    return 0
