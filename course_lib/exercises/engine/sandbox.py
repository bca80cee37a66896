"""Run someone's function once, so that nothing it does can hurt what follows.

It gets clones of the inputs and a fixed random seed; what it prints, draws or displays is kept from the page;
global state is put back; what it returns is made plain; a Python loop that does not end is stopped, `exit()`
does not end the kernel, and the stop button stays the reader's: it is passed on as a KeyboardInterrupt.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import dis
import gc
import inspect
import io
import linecache
import os
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from .clock import TIME_LIMIT, StopButton, Timer
from .plain import plain
from .spec import Once
from .state import calm_device, put_back, with_patches

__all__ = ["Call", "Outcome", "clone", "code_of", "run", "run_own"]

PRINT_LIMIT = 2000  # characters kept of what a call prints
DEPTH = 3500  # calls: a recursion over a long text is no mistake


@dataclass(frozen=True)
class Call:
    """One torch function that was called: its name, the shape of its first tensor, its plain arguments."""

    name: str
    shape: tuple[int, ...]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass
class Outcome:
    """What one call did."""

    value: Any = None  # made plain: no code of the learner's is left in it
    error: BaseException | None = None
    words: str = ""  # the error's message, letter by letter
    site: tuple[str, ...] = ()  # where it was raised: the operation, not its words
    line: tuple[int, str] | None = None  # the learner's own line where it went wrong: number, text
    printed: str = ""
    changed: tuple[int, ...] = ()  # positions of the arguments that it modified
    shares_memory: bool = False  # the returned tensor is a view of an argument
    timed_out: bool = False
    seconds: float = 0.0
    calls: list[Call] = field(default_factory=list)


def clone(value: Any) -> Any:
    """A deep copy of tensors (with their strides), arrays and containers; functions stay themselves, but for
    `Once`."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple, set)):
        return type(value)(clone(item) for item in value)
    if isinstance(value, dict):
        return {key: clone(item) for key, item in value.items()}
    return copy.copy(value) if isinstance(value, Once) else value


def run(fn: Callable[..., Any], args: tuple[Any, ...], *, going: Callable[[], None] | None = None) -> Outcome:
    """Call a learner's `fn` on clones of `args`. Raises nothing but the reader's own KeyboardInterrupt.

    `going` is told, again and again, while a first import or a busy machine keeps the call beyond its limit.
    """
    given, watcher, text = clone(args), _Watcher(), _Capped()
    result, timer = Outcome(), Timer(TIME_LIMIT, __file__, going)
    start = time.perf_counter()
    with StopButton() as button, put_back(), _quiet(text), with_patches():
        try:
            try:
                _seed()
                sys.setrecursionlimit(max(sys.getrecursionlimit(), DEPTH))
                # a full collection of the kernel's objects, seconds on a busy machine, is not the call's time
                gc.freeze()
                button.live = True
                with torch.enable_grad(), watcher:
                    timer.arm()
                    try:
                        value = fn(*given)
                    finally:  # before the watcher goes: a default device is a mode on the same stack
                        calm_device()
                result.value = plain(value)
                result.shares_memory = _shares_memory(value, given)
            finally:
                timer.disarm()
                button.live = False
        except BaseException as error:  # SystemExit and a KeyboardInterrupt of its own must not end the check
            result.error = error
            _told(result, error, fn, watcher)
        finally:
            timer.disarm()  # again, for the tick that came while the first one began
            gc.unfreeze()
            button.live = False
    result.seconds = time.perf_counter() - start
    result.timed_out = timer.fired
    result.printed, result.calls = text.kept, watcher.calls
    result.changed = tuple(
        i for i, (before, after) in enumerate(zip(args, given)) if not _identical(before, after)
    )
    return result


def run_own(fn: Callable[..., Any], args: tuple[Any, ...], *, watch: bool = False) -> Outcome:
    """Call one of the course's own functions, the reference or a mistake: the same outcome, without the
    guards."""
    given, watcher, result = clone(args), _Watcher(), Outcome()
    _seed()
    try:
        with warnings.catch_warnings(), watcher if watch else contextlib.nullcontext():
            warnings.simplefilter("ignore")
            value = fn(*given)
        result.value, result.shares_memory = plain(value), _shares_memory(value, given)
    except Exception as error:
        result.error, result.words = error, str(error)
        result.site = _site(error, watcher)
    result.calls = watcher.calls
    result.changed = tuple(
        i for i, (before, after) in enumerate(zip(args, given)) if not _identical(before, after)
    )
    return result


def _seed() -> None:
    random.seed(0), np.random.seed(0), torch.default_generator.manual_seed(0)


# --- quiet ----------------------------------------------------------------------------------------


def _leave(*_: Any, **__: Any) -> None:
    raise SystemExit


@contextlib.contextmanager
def _quiet(text: io.TextIOBase) -> Iterator[None]:
    """What the function prints and displays stays here; it cannot ask the reader, and it cannot end the
    kernel."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    pyplot = sys.modules.get("matplotlib.pyplot")
    figures = set(pyplot.get_fignums()) if pyplot else set()
    changed = [
        (os, "_exit", _leave),
        (os, "abort", _leave),
        (builtins, "input", _no_input),
        (sys, "stdin", io.StringIO()),
    ]
    if shell is not None:
        from IPython.core.displaypub import CapturingDisplayPublisher

        changed += [(shell, "display_pub", CapturingDisplayPublisher())]
    before = [(home, name, getattr(home, name)) for home, name, _ in changed]
    with warnings.catch_warnings(), contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        warnings.simplefilter("ignore")
        for home, name, value in changed:
            setattr(home, name, value)
        if shell is not None:
            vars(shell)["ask_exit"] = _leave  # what `exit()` and `quit()` call
        try:
            yield
        finally:
            if shell is not None:
                vars(shell).pop("ask_exit", None)
            for home, name, value in before:
                setattr(home, name, value)
            pyplot = sys.modules.get("matplotlib.pyplot")
            for number in set(pyplot.get_fignums()) - figures if pyplot else ():
                pyplot.close(number)


def _no_input(*_: Any) -> str:
    raise EOFError("input() has nobody to ask during a check")


# --- what was seen --------------------------------------------------------------------------------


class _Watcher(TorchFunctionMode):
    """Sees every torch function whatever name it was called by."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.failed = ""  # the torch function that raised last

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if len(self.calls) < 5000 and name != "__get__":
            first = next((tuple(a.shape) for a in args if isinstance(a, torch.Tensor)), ())
            simple = tuple(a for a in args if not isinstance(a, torch.Tensor))
            self.calls.append(Call(name, first, simple, dict(kwargs or {})))
        try:
            return func(*args, **(kwargs or {}))
        except Exception:
            self.failed = name
            raise


class _Capped(io.TextIOBase):
    """A stream that keeps the first characters and forgets the rest."""

    def __init__(self) -> None:
        self.kept = ""

    def write(self, text: str) -> int:
        self.kept += text[: PRINT_LIMIT - len(self.kept)]
        return len(text)

    def writable(self) -> bool:
        return True


ALIKE = {
    "__matmul__": "matmul",
    "bmm": "matmul",
    "mm": "matmul",
    "mv": "matmul",
    "view": "reshape",
    "__getitem__": "index",
}


def _site(error: BaseException, watcher: _Watcher) -> tuple[str, ...]:
    """The operation that raised: a torch function, a `raise` statement, or an instruction of Python's."""
    if watcher.failed:
        return ("torch", ALIKE.get(watcher.failed, watcher.failed))
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ()
    steps = dis.get_instructions(trace.tb_frame.f_code)
    step = next((s for s in steps if s.offset == trace.tb_lasti), None)
    return (
        ("raise",)
        if step is None or step.opname in ("RAISE_VARARGS", "RERAISE")
        else ("python", step.opname.removeprefix("PRE"), step.argrepr if step.opname == "BINARY_OP" else "")
    )


def _told(result: Outcome, error: BaseException, fn: Any, watcher: _Watcher) -> None:
    """The error's words and place. Its `__str__` may be the learner's own, so it runs under a clock as
    well."""
    result.line, result.site = _own_line(fn, error), _site(error, watcher)
    timer = Timer(0.2, __file__)
    try:
        try:
            timer.arm()
            result.words = str(error)[:4000]
        finally:
            timer.disarm()
    except BaseException:
        result.words = ""


def _identical(before: Any, after: Any) -> bool:
    if type(before) is not type(after):
        return False
    if isinstance(before, torch.Tensor):
        if before.shape != after.shape or before.dtype != after.dtype or before.device != after.device:
            return False
        return bool(((before == after) | ((before != before) & (after != after))).all())
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(_identical, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_identical(before[key], after[key]) for key in before)
    return before is after or bool(before == after)


def _shares_memory(value: Any, args: tuple[Any, ...]) -> bool:
    if type(value) is np.ndarray:
        mine = value.__array_interface__["data"][0]
    elif type(value) is torch.Tensor and value.layout == torch.strided and value.numel():
        mine = value.untyped_storage().data_ptr()
    else:
        return False
    return any(
        type(a) is torch.Tensor and a.numel() > 0 and a.untyped_storage().data_ptr() == mine for a in args
    )


def code_of(fn: Any) -> Any:
    """The code of a learner's function, through partials, methods and decorators; None where there is
    none."""
    for _ in range(20):
        if type(fn) is partial:
            fn = fn.func
        elif type(fn) is MethodType:
            fn = fn.__func__
        elif type(fn) is FunctionType:
            if "__wrapped__" not in fn.__dict__:
                return fn.__code__
            fn = fn.__dict__["__wrapped__"]
        else:
            method = inspect.getattr_static(type(fn), "forward", None) or inspect.getattr_static(
                type(fn), "__call__", None
            )
            return method.__code__ if type(method) is FunctionType else None
    return None


def _own_line(fn: Callable[..., Any], error: BaseException) -> tuple[int, str] | None:
    """The last line of the learner's own file in the traceback."""
    code, found, trace = code_of(fn), None, error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if code is not None and filename == code.co_filename:
            found = trace.tb_lineno, linecache.getline(filename, trace.tb_lineno).strip()
        trace = trace.tb_next
    return found
