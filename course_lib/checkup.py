"""`doctor`: what the course needs, what is here, and the command that mends each gap."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from . import paths
from .device import choose
from .i18n import L

__all__ = ["doctor", "main"]

Check = tuple[bool, str, str]  # fine?, what was found, the command that mends it


def doctor(brief: bool = False) -> bool:
    """Print what the course needs and what is here, each gap with the command that mends it; True when
    nothing is missing.

    brief: print the gaps alone, and one line where there are none.
    """
    fine, count = True, 0
    for title, check in _CHECKS:
        try:
            found = list(check())
        except Exception as error:  # a check that fails is itself a finding
            found = [(False, f"{type(error).__name__}: {error}", "pip install -e .")]
        for ok, what, mend in found:
            fine, count = fine and ok, count + 1
            if not (ok and brief):
                print(f"{'✓' if ok else '✗'} {title}: {what}" + ("" if ok else f"\n    → {mend}"))
    if fine and brief:
        print(
            L(zh="✓ 一切就绪：{0} 项都在。", en="✓ All is well: {0} of {0} things are in place.").format(
                count
            )
        )
        return True
    print(
        L(zh="一切就绪。", en="All is well.")
        if fine
        else L(
            zh="按上面带 → 的命令修复，然后再运行一次。",
            en="Run the commands marked →, then ask the doctor again.",
        )
    )
    return fine


def _python() -> Iterator[Check]:
    yield (
        sys.version_info >= (3, 11),
        f"{platform.python_version()}, {platform.system()} {platform.machine()}",
        "Python >= 3.11",
    )


def _packages() -> Iterator[Check]:
    for name in ("torch", "transformers", "ipywidgets", "anywidget", "matplotlib", "snownlp"):
        try:
            yield True, f"{name} {version(name)}", ""
        except PackageNotFoundError:
            yield False, f"{name} –", f"pip install -c constraints.txt {name}"


# What a process that imports everything says when it cannot -> what to do. Each comes from two installations
# in one environment.
_CLASHES = (
    (
        "OMP: Error #15",
        L(
            zh="装了两份 OpenMP：在新环境里只用 pip 或只用 conda 安装一遍",
            en="two copies of OpenMP: install anew, all by pip or all by conda, in a fresh environment",
        ),
    ),
    (
        "compiled using NumPy 1",
        L(
            zh="numpy 比用它编译的包新：pip install -U -c constraints.txt numpy scipy scikit-learn "
            "matplotlib",
            en="numpy is newer than a package built on it: pip install -U -c constraints.txt numpy "
            "scipy scikit-learn matplotlib",
        ),
    ),
    (
        "numpy.core.multiarray failed",
        L(
            zh="numpy 与依赖它的包对不上：pip install --force-reinstall -c constraints.txt numpy",
            en="numpy does not fit what was built on it: pip install --force-reinstall -c "
            "constraints.txt numpy",
        ),
    ),
)


def _together() -> Iterator[Check]:
    """The libraries in one process, a fresh one: some clashes end the process that meets them."""
    ran = subprocess.run(
        [sys.executable, "-c", "import numpy, torch, matplotlib, transformers"],
        capture_output=True,
        text=True,
        errors="replace",
    )
    known = next((mend for mark, mend in _CLASHES if mark in ran.stderr), None)
    last = (ran.stderr.strip().splitlines() or ["?"])[-1]
    yield (
        ran.returncode == 0 and known is None,
        str(L(zh="能一起加载", en="load together")) if not ran.returncode else last[:120],
        str(known or L(zh="在新环境里安装一遍", en="install anew in a fresh environment")),
    )
    loaded = sys.modules.get("numpy")
    if loaded is not None and loaded.__version__ != version("numpy"):
        yield (
            False,
            f"numpy {loaded.__version__} ≠ {version('numpy')}",
            str(L(zh="装过新版 numpy：重启内核", en="numpy was replaced while in use: restart the kernel")),
        )


def _console() -> Iterator[Check]:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        "中文 ✓".encode(encoding)
        yield True, encoding, ""
    except UnicodeEncodeError:
        yield (
            False,
            str(L(zh="{0} 显示不全", en="{0} cannot show all").format(encoding)),
            "chcp 65001 & set PYTHONUTF8=1" if os.name == "nt" else "export LANG=C.UTF-8",
        )


def _compiler() -> Iterator[Check]:
    found = next(filter(None, map(shutil.which, ("c++", "g++", "clang++", "cl"))), None)
    yield (
        True,
        Path(found).name
        if found
        else str(
            L(zh="没有；只有 cl.fit(compile=True) 用得上", en="none; only cl.fit(compile=True) wants one")
        ),
        "",
    )


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
        free = (
            f", {shutil.disk_usage(folder).free / 1e9:.0f} GB"
            if ok
            else str(L(zh="，不可写", en=", cannot be written"))
        )
        shown = f"${variable}" if os.environ.get(variable) else str(folder).replace(str(Path.home()), "~", 1)
        # a class's cache, read only, with all in it
        ok = ok or variable == "COURSE_CACHE" and all(about.fetched for about in catalog())
        yield (
            ok,
            f"{shown}{free}",
            f"export {variable}=" + str(L(zh="一个可写的文件夹", en="a folder that you can write to")),
        )


def _models() -> Iterator[Check]:
    from .models import catalog
    from .models.cache import unreadable

    for about in catalog():
        if hidden := unreadable(about):
            yield (
                False,
                str(
                    L(zh="{0}（{1} 只有主人能读）", en="{0} ({1}: only its owner may read it)").format(
                        about.name, hidden[0].name
                    )
                ),
                str(L(zh="请主人运行：{0}", en="its owner runs: {0}").format(about.command)),
            )
        else:
            yield (
                about.fetched,
                about.name + ("" if about.fetched else str(L(zh="（未下载）", en=" (not fetched)"))),
                about.command,
            )


_CHECKS: tuple[tuple[L, Callable[[], Iterator[Check]]], ...] = (
    (L(zh="Python", en="Python"), _python),
    (L(zh="软件包", en="package"), _packages),
    (L(zh="软件包", en="packages"), _together),
    (L(zh="设备", en="device"), _device),
    (L(zh="终端编码", en="console"), _console),
    (L(zh="C++ 编译器", en="C++ compiler"), _compiler),
    (L(zh="图中文字", en="text in figures"), _figures),
    (L(zh="文件夹", en="folder"), _folders),
    (L(zh="模型", en="model"), _models),
)


def main(argv: list[str]) -> int:
    """`python -m course_lib doctor`: 1 when something is missing."""
    return 0 if doctor() else 1
