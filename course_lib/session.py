"""The first cell of a chapter."""

from __future__ import annotations

import os
import random

from .device import choose
from .i18n import L, adapt_console, set_language

__all__ = ["start"]

# Set before transformers is imported: no advice or progress bars of its own between the course's cells.
_QUIET = {
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def start(lang: str | None = None, seed: int = 0) -> None:
    """Language, fonts, seeds; then one line each on the device and on the reader's progress.

    Never fails: whatever does not work becomes a line that says so and a way to mend it.
    """
    for key, value in _QUIET.items():
        os.environ.setdefault(key, value)
    lines = []
    for step in (
        lambda: set_language(lang) if lang else None,
        adapt_console,
        _fonts,
        lambda: _seed(seed),
        _device_line,
        _progress_line,
    ):
        try:
            lines.append(step())
        except Exception as error:  # a broken installation must still open the notebook
            lines.append(
                L(
                    zh="⚠ {0}。运行 python -m course_lib doctor 查看修复方法。",
                    en="⚠ {0}. Run python -m course_lib doctor to see what mends it.",
                ).format(error)
            )
    print("\n".join(str(line) for line in lines if line))


def _fonts() -> None:
    from .viz import use_fonts

    use_fonts()


def _seed(seed: int) -> None:
    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)


def _device_line() -> L:
    return L(zh="设备：{0}", en="Device: {0}").format(choose().reason)


def _progress_line() -> L:
    from .exercises.engine.record import asked, events, next_exercise, summarise

    table, following = summarise(events()), next_exercise()
    done = L(zh="进度：{0}/{1} 题", en="Progress: {0} of {1} exercises").format(
        sum(table[id]["state"] == "done" for id in asked()), len(asked())
    )
    return (
        L(zh="{0}；下一题：{1}（{2}）", en="{0}; next: {1} ({2})").format(done, *following)
        if following
        else done
    )
