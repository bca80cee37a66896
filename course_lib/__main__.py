"""`python -m course_lib COMMAND`: the course's tools for a terminal and for CI."""

from __future__ import annotations

import sys
from importlib import import_module

from .i18n import L, adapt_console

# command -> (module with a `main(argv) -> exit status`, what it does)
COMMANDS = {
    "lab": ("course_lib.lab", L(zh="在 JupyterLab 里打开课程", en="open the course in JupyterLab")),
    "doctor": (
        "course_lib.checkup",
        L(
            zh="检查环境：设备、版本、字体、模型，并给出修复命令",
            en="check the environment and print the command that mends it",
        ),
    ),
    "models": ("course_lib.models.cli", L(zh="列出模型", en="list the models")),
    "fetch": (
        "course_lib.models.cli",
        L(
            zh="下载模型（默认下载课程所需的全部模型）",
            en="fetch models (by default all that the course needs)",
        ),
    ),
    "check": (
        "course_lib.exercises.engine.selftest",
        L(
            zh="检验全部练习：参考解、别解与错误",
            en="test every exercise: references, alternatives, mistakes",
        ),
    ),
    "train": ("course_lib.training.recipes", L(zh="训练课程自己的模型", en="train the course's own models")),
    "site": (
        "course_lib.site",
        L(zh="写出不用 Python 就能看的网页", en="write the pages that need no Python"),
    ),
    "bench": (
        "course_lib.bench",
        L(zh="性能对比：load、train、decode、viewer", en="benchmarks: load, train, decode, viewer"),
    ),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; 2 for an unknown one."""
    adapt_console()
    argv = sys.argv[1:] if argv is None else argv
    command = argv[0] if argv else ""
    if command not in COMMANDS:
        print("python -m course_lib COMMAND\n")
        for name, (_, what) in COMMANDS.items():
            print(f"  {name:8} {what}")
        return 0 if command in ("", "-h", "--help") else 2
    return import_module(COMMANDS[command][0]).main(argv)


if __name__ == "__main__":
    sys.exit(main())
