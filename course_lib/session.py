"""The first cell of a chapter, and the doctor."""
from __future__ import annotations

import os
import platform
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from . import paths
from .device import choose
from .i18n import L, adapt_console, set_language

__all__ = ["doctor", "main", "start"]

# Set before transformers is imported: no advice or progress bars of its own between the course's cells.
_QUIET = {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false"}


def start(lang: str | None = None, seed: int = 0) -> None:
    """Language, fonts, seeds; then one line each on the device and on the reader's progress.

    Never fails: whatever does not work becomes a line that says so and a way to mend it.
    """
    for key, value in _QUIET.items():
        os.environ.setdefault(key, value)
    lines = []
    for step in (lambda: set_language(lang) if lang else None, adapt_console, _fonts, lambda: _seed(seed), _device_line, _progress_line):
        try:
            lines.append(step())
        except Exception as error:       # a broken installation must still open the notebook
            lines.append(L(zh="⚠ {0}。运行 python -m course_lib doctor 查看修复方法。", en="⚠ {0}. Run python -m course_lib doctor to see what mends it.").format(error))
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
    from .exercises.record import events, next_exercise, summarise

    table, following = summarise(events()), next_exercise()
    done = L(zh="进度：{0}/{1} 题", en="Progress: {0} of {1} exercises").format(sum(row["state"] == "done" for row in table.values()), len(table))
    return L(zh="{0}；下一题：{1}（{2}）", en="{0}; next: {1} ({2})").format(done, *following) if following else done


Check = tuple[bool, str, str]       # fine?, what was found, the command that mends it


def doctor() -> bool:
    """Print what the course needs and what is here, each gap with the command that mends it; True when nothing is missing."""
    fine = True
    for title, check in _CHECKS:
        try:
            found = list(check())
        except Exception as error:       # a check that fails is itself a finding
            found = [(False, f"{type(error).__name__}: {error}", "pip install -e .")]
        for ok, what, mend in found:
            fine &= ok
            print(f"{'✓' if ok else '✗'} {title}: {what}" + ("" if ok else f"\n    → {mend}"))
    print(L(zh="一切就绪。", en="All is well.") if fine else L(zh="按上面带 → 的命令修复，然后再运行一次。", en="Run the commands marked →, then ask the doctor again."))
    return fine


def _python() -> Iterator[Check]:
    yield sys.version_info >= (3, 10), f"{platform.python_version()}, {platform.system()} {platform.machine()}", "Python >= 3.10"


def _packages() -> Iterator[Check]:
    for name in ("torch", "transformers", "ipywidgets", "anywidget", "matplotlib", "snownlp"):
        try:
            yield True, f"{name} {version(name)}", ""
        except PackageNotFoundError:
            yield False, f"{name} –", f"pip install -c constraints.txt {name}"


def _device() -> Iterator[Check]:
    yield True, str(choose().reason), ""


def _figures() -> Iterator[Check]:
    from .viz import use_fonts
    try:
        yield True, f"{use_fonts()}：中文 −1", ""
    except FileNotFoundError as error:
        yield False, str(L(zh="没有中文字体", en="no Chinese font")), str(error)


def _folders() -> Iterator[Check]:
    from .models import catalog
    for variable, folder in (("COURSE_CACHE", paths.cache()), ("COURSE_HOME", paths.home())):
        ok = paths.writable(folder)
        free = f", {shutil.disk_usage(folder).free / 1e9:.0f} GB" if ok else str(L(zh="，不可写", en=", cannot be written"))
        shown = f"${variable}" if os.environ.get(variable) else str(folder).replace(str(Path.home()), "~", 1)
        ok = ok or variable == "COURSE_CACHE" and all(about.fetched for about in catalog())      # a class's cache, read only, with all in it
        yield ok, f"{shown}{free}", f"export {variable}=" + str(L(zh="一个可写的文件夹", en="a folder that you can write to"))


def _models() -> Iterator[Check]:
    from .models import catalog
    from .models.cache import unreadable
    for about in catalog():
        if hidden := unreadable(about):
            yield False, str(L(zh="{0}（{1} 只有主人能读）", en="{0} ({1}: only its owner may read it)").format(about.name, hidden[0].name)), str(
                L(zh="请主人运行：{0}", en="its owner runs: {0}").format(about.command))
        else:
            yield about.fetched, about.name + ("" if about.fetched else str(L(zh="（未下载）", en=" (not fetched)"))), about.command


_CHECKS: tuple[tuple[L, Callable[[], Iterator[Check]]], ...] = (
    (L(zh="Python", en="Python"), _python), (L(zh="软件包", en="package"), _packages), (L(zh="设备", en="device"), _device),
    (L(zh="图中文字", en="text in figures"), _figures), (L(zh="文件夹", en="folder"), _folders), (L(zh="模型", en="model"), _models))


def main(argv: list[str]) -> int:
    """`python -m course_lib doctor`: 1 when something is missing."""
    return 0 if doctor() else 1
