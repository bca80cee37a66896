"""`python -m course_lib models` and `python -m course_lib fetch [NAME...] [--force]`."""

from __future__ import annotations

import sys

from ..errors import CourseError
from ..i18n import L
from .cards import catalog
from .download import fetch

__all__ = ["main"]


def main(argv: list[str]) -> int:
    """List the catalogue, or fetch the named models (all, without a name); 1 if any could not be fetched."""
    command, *names = argv
    force = "--force" in names
    names = [name for name in names if not name.startswith("-")]
    if command == "models":
        for about in catalog():
            state = L(zh="✓ 已就绪", en="✓ ready") if about.fetched else L(zh="○ 未下载", en="○ not fetched")
            size = f"{about.size / 1e6:.0f} MB" if about.size else "–"
            print(
                f"{about.name:14} {about.kind:8} {about.parameters / 1e6:6.1f} M  "
                f"{'+'.join(about.languages):9} {size:>6}  "
                f"{about.licence:11} {state}\n    {about.title}  [{about.source}]  sha256 "
                f"{about.sha256[:12] or '–'}"
            )
        return 0
    failed = 0
    for name in names or [about.name for about in catalog()]:
        try:
            print(f"✓ {name}: {fetch(name, force)}", flush=True)
        except CourseError as error:
            failed += 1
            print(f"✗ {error}", file=sys.stderr)
    return 1 if failed else 0
