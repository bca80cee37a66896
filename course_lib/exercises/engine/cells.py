"""What became of the cell that defines a function: a check must not grade the version before the one the
reader has just run.

`watch` keeps the runs of this kernel's cells; a cell that failed, or that was run again under another
function's name, leaves the function of an earlier run behind, and `stale` says so. Outside IPython there are
no cells and nothing to say.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import dataclass
from typing import Any

from ...i18n import L
from .sandbox import code_of

__all__ = ["Stale", "stale", "watch"]


@dataclass
class _Run:
    cell: str | None  # the front end's id of the cell, where it tells one
    source: str
    failed: L | None = None  # how, and in which line

    @property
    def defined(self) -> set[str]:
        """The functions that the text defines, also where it is no Python."""
        return set(re.findall(r"(?m)^(?:async +)?def +(\w+)", self.source))


@dataclass(frozen=True)
class Stale:
    """`status` of a check that does not happen, and why."""

    status: str  # error: the cell failed; missing: it defines another function now
    says: L


_runs: list[_Run] = []


def watch() -> None:
    """Keep the runs of this kernel's cells from now on; once is enough."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and _begins not in shell.events.callbacks["pre_run_cell"]:
        shell.events.register("pre_run_cell", _begins)
        shell.events.register("post_run_cell", _ended)


def _begins(info: Any) -> None:
    _runs.append(_Run(getattr(info, "cell_id", None), info.raw_cell or ""))


def _ended(result: Any) -> None:
    error = result.error_before_exec or result.error_in_exec
    if _runs and error is not None:  # only its words: the error itself holds on to all that the cell held
        _runs[-1].failed = _what(error)


def stale(name: str, fn: Any, missing: bool) -> Stale | None:
    """Why the function of this name is not what its cell says by now; None where it is, or where nobody can
    tell."""
    code = None if missing else code_of(fn)
    if code is not None and code.co_name != name:  # `attention = mine`: chosen by hand
        return None
    defining = next((run for run in reversed(_runs) if name in run.defined), None)
    if defining is None:
        return None
    last = next(
        run
        for run in reversed(_runs)
        if run is defining or defining.cell is not None and run.cell == defining.cell
    )
    if last.failed is not None and not _stands_in(code, last.source):
        return Stale(
            "error",
            L(
                zh="✗ 没有检查：写 `{name}` 的那一格，你的最后一版没有跑通（{what}），{held}。"
                "改好后先运行那一格，再运行本格。",
                en="✗ Not checked: your last version of the cell with `{name}` did not run "
                "({what}), and {held}. Mend it and run it, then run this cell.",
            ).format(
                name=name,
                what=last.failed,
                held=L(zh="`{name}` 还没有定义", en="`{name}` is not defined yet").format(name=name)
                if missing
                else L(zh="内核里的还是上一版", en="the kernel still holds the version before"),
            ),
        )
    others = last.defined - defining.defined
    if name not in last.defined and others:
        return Stale(
            "missing",
            L(
                zh="✗ 没有检查：那一格现在定义的是 `{other}`，不再是 `{name}`，"
                "内核里的 `{name}` 是上一版。把名字改回来，先运行那一格，再运行本格。",
                en="✗ Not checked: the cell now defines `{other}` and no longer `{name}`; the "
                "`{name}` in the kernel is the version before. "
                "Change the name back, run that cell, then this one.",
            ).format(name=name, other=sorted(others)[0]),
        )
    return None


def _stands_in(code: Any, source: str) -> bool:
    """True if this function is, word for word, in the text: what failed came after it, or changed nothing of
    it."""
    try:
        return code is not None and inspect.getsource(code).strip() in source
    except (OSError, TypeError):
        return False


def _what(error: BaseException) -> L:
    """The error's kind and its line in the cell."""
    line, trace = (
        getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None,
        error.__traceback__,
    )
    while line is None and trace is not None:
        line, trace = trace.tb_lineno if trace.tb_frame.f_code.co_name == "<module>" else None, trace.tb_next
    kind = type(error).__name__
    return (
        L(zh="第 {n} 行 {kind}", en="{kind} in line {n}").format(n=line, kind=kind)
        if line
        else L(zh="{kind}", en="{kind}").format(kind=kind)
    )
