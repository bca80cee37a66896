"""`python -m course_lib lab`: fetch what is missing and open the course in JupyterLab, where there is no
make."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from .chapters import chapters
from .errors import CourseError
from .i18n import LANGUAGES, language, set_language

__all__ = ["main"]

_NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def main(argv: list[str]) -> int:
    """Open a chapter (00 by default) in the language in force; the exit status of JupyterLab."""
    parser = argparse.ArgumentParser(prog="course_lib lab")
    parser.add_argument("chapter", nargs="?", type=int, default=0, help="0, 1, 3 ...")
    parser.add_argument(
        "--lang", choices=LANGUAGES, help="the edition; by default the language of this machine"
    )
    options = parser.parse_args(argv[1:])
    if options.lang:
        set_language(options.lang)
    try:
        path = notebook(options.chapter)
    except CourseError as error:
        print(error)
        return 2
    # without the network the course opens all the same
    subprocess.run([sys.executable, "-m", "course_lib", "fetch"])
    root = ["--allow-root"] if os.name != "nt" and os.getuid() == 0 else []
    served = f"--ServerApp.root_dir={_NOTEBOOKS.parent}"  # the whole course: chapters link to docs and data
    return subprocess.run([sys.executable, "-m", "jupyterlab", *root, served, str(path)]).returncode


def notebook(number: int) -> Path:
    """The notebook of a chapter in the language in force. CourseError: not written yet, no notebooks here, or
    no JupyterLab."""
    known = {chapter.number: chapter for chapter in chapters()}
    path = _NOTEBOOKS / language() / f"{known[number].stem}.ipynb" if number in known else None
    if not _NOTEBOOKS.is_dir():
        raise CourseError(
            zh="这里只装了 course_lib，没有笔记本：请在课程目录里运行。",
            en="Only course_lib is installed here, without the notebooks: run this in the course's folder.",
        )
    if path is None or not path.exists():
        there = ", ".join(
            str(n)
            for n, chapter in known.items()
            if (_NOTEBOOKS / language() / f"{chapter.stem}.ipynb").exists()
        )
        raise CourseError(
            zh="还没有第 {number} 章；现有：{there}。",
            en="There is no chapter {number} yet; there are {there}.",
            number=number,
            there=there,
        )
    if find_spec("jupyterlab") is None:
        raise CourseError(
            zh='还没有安装 JupyterLab：pip install -c constraints.txt -e ".[lab]"',
            en='JupyterLab is not installed: pip install -c constraints.txt -e ".[lab]"',
        )
    return path
