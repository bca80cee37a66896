"""`python -m course_lib bench load|train|decode|attention|viewer`: both sides interleaved in one process,
medians, ratios."""

from __future__ import annotations

from importlib import import_module

from ..i18n import L

__all__ = ["main"]

NAMES = ("load", "train", "decode", "attention", "viewer")


def main(argv: list[str]) -> int:
    """Run the benchmark named first; without a name, say which there are."""
    argv = argv[argv[:1] == ["bench"] :]  # the command line hands over its own name too
    if not argv or argv[0] not in NAMES:
        print(
            L(zh="用法：python -m course_lib bench {0}", en="usage: python -m course_lib bench {0}").format(
                "|".join(NAMES)
            )
        )
        return 2
    return import_module(f".{argv[0]}", __name__).main(argv[1:])
