"""`python -m course_lib site`: the course as static pages, for which a reader needs no Python."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import CourseError
from ..i18n import L
from .book import book
from .living import living_page

__all__ = ["book", "living_page", "main"]


def main(argv: list[str]) -> int:
    """Write the pages into a folder and say where to begin."""
    parser = argparse.ArgumentParser(prog="course_lib site")
    parser.add_argument(
        "--out", type=Path, default=Path("site"), help="the folder; it is made where it is missing"
    )
    parser.add_argument(
        "--living", action="store_true", help="only living.html, the page that a model lives in"
    )
    options = parser.parse_args(argv[1:])
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "living.html").write_text(living_page(), "utf-8", newline="\n")
    if not options.living:
        try:
            book(options.out)
        except CourseError as error:
            print(error)
            return 2
    path = options.out / ("living.html" if options.living else "index.html")
    print(
        L(
            zh="写好了：{path}。用浏览器打开就行，不用联网，也不用 Python。",
            en="Written: {path}. Open it in a browser; it needs neither a network nor Python.",
        ).format(path=path)
    )
    return 0
