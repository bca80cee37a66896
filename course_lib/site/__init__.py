"""`python -m course_lib site`: the parts of the course that need no Python on the reader's side, as static files."""
from __future__ import annotations

import argparse
from pathlib import Path

from ..i18n import L
from .living import living_page

__all__ = ["living_page", "main"]


def main(argv: list[str]) -> int:
    """Write the static pages into a folder and say where they are."""
    parser = argparse.ArgumentParser(prog="course_lib site")
    parser.add_argument("--out", type=Path, default=Path("site"), help="the folder; it is made where it is missing")
    folder = parser.parse_args(argv[1:]).out
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "living.html"
    path.write_text(living_page(), "utf-8", newline="\n")
    print(L(zh="写好了：{path}（{size:.1f} MB）。用浏览器打开就行，不用联网，也不用 Python。",
            en="Written: {path} ({size:.1f} MB). Open it in a browser; it needs neither a network nor Python.").format(
                path=path, size=path.stat().st_size / 1e6))
    return 0
