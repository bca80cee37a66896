"""Run someone's function once, so that nothing it does can hurt what follows.

It gets clones of the inputs and a fixed random seed; what it prints is captured and capped; random state, grad mode,
default dtype and recursion limit are put back; a Python loop that does not end is stopped by a timer and the kernel lives.
"""
from __future__ import annotations

import contextlib
import inspect
import io
import linecache
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

__all__ = ["Call", "Outcome", "can_stop", "clone", "run"]

TIME_LIMIT = 2.0                 # seconds for one call
TICK = 0.05                      # seconds between two looks at a running call
IMPORT_LIMIT = 20.0              # seconds: an import is not interrupted and its time does not count, up to here
PRINT_LIMIT = 2000               # characters kept of what a call prints


class TimeLimit(BaseException):
    """Not an Exception, so that a learner's `except Exception` does not swallow it."""


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

    value: Any = None
    error: BaseException | None = None
    line: tuple[int, str] | None = None          # the learner's own line where it went wrong: number, text
    printed: str = ""
    changed: tuple[int, ...] = ()                # positions of the arguments that it modified
    shares_memory: bool = False                  # the returned tensor is a view of an argument
    timed_out: bool = False
    seconds: float = 0.0
    calls: list[Call] = field(default_factory=list)


def clone(value: Any) -> Any:
    """A deep copy of tensors (with their strides), arrays and containers; functions stay themselves."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple)):
        return type(value)(clone(item) for item in value)
    return {key: clone(item) for key, item in value.items()} if isinstance(value, dict) else value


def run(fn: Callable[..., Any], args: tuple[Any, ...], *, watch: bool = False) -> Outcome:
    """Call `fn` on clones of `args`. Never raises. `watch` records the torch functions it calls."""
    given, watcher, text = clone(args), _Watcher(), _Capped()
    result = Outcome()
    start = time.perf_counter()
    with _restored(), contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        timer = _Timer(TIME_LIMIT)
        try:
            try:
                with torch.enable_grad(), (watcher if watch else contextlib.nullcontext()):
                    timer.arm()
                    result.value = fn(*given)
            finally:
                timer.disarm()
        except BaseException as error:           # SystemExit and an interrupt must not end the check either
            result.error, result.line = error, _own_line(fn, error)
        finally:
            timer.disarm()                       # again, for the signal that came while the first one began
    result.seconds = time.perf_counter() - start
    result.timed_out = timer.fired or (not can_stop() and result.seconds > TIME_LIMIT)
    result.printed, result.calls = text.kept, watcher.calls
    result.changed = tuple(i for i, (before, after) in enumerate(zip(args, given)) if not _identical(before, after))
    result.shares_memory = _shares_memory(result.value, given)
    return result


def can_stop() -> bool:
    """True where a running loop can be interrupted: signals exist and this is the main thread."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


class _Timer:
    """Raises TimeLimit in the running code after `seconds`, and again until it gets out of every try block."""

    def __init__(self, seconds: float):
        self.seconds, self.fired, self.armed = seconds, False, False

    def arm(self) -> None:
        if can_stop():
            self.started, self.armed = time.monotonic(), True
            self.deadline = self.started + self.seconds
            self.handler = signal.signal(signal.SIGALRM, self._tick)
            self.previous = signal.setitimer(signal.ITIMER_REAL, TICK, TICK)

    def disarm(self) -> None:
        if not self.armed:
            return
        self.armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.handler)
        delay, interval = self.previous          # somebody else's timer, a test's for one, runs on
        if delay:
            signal.setitimer(signal.ITIMER_REAL, max(delay - (time.monotonic() - self.started), 0.01), interval)

    def _tick(self, _: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.armed:
            return
        if _importing(frame) and now < self.started + IMPORT_LIMIT:      # half an import would break the module for good
            self.deadline = now + self.seconds
        if now < self.deadline:
            return
        self.fired = True
        if sys.gettrace() is None:
            sys.settrace(lambda *_: None)        # lets the frames below be traced
            while frame is not None and frame.f_code.co_filename != __file__:
                frame.f_trace = _insist
                frame = frame.f_back
        raise TimeLimit


def _importing(frame: FrameType | None) -> bool:
    """True if the code that runs is a module's first import."""
    while frame is not None and frame.f_code.co_filename != __file__:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _insist(frame: FrameType, event: str, _: Any) -> Any:
    """A trace function: the next line raises too, so an `except:` around the first does not hold the loop."""
    if event == "line":
        raise TimeLimit                          # Python then removes the trace function by itself
    return _insist


class _Watcher(TorchFunctionMode):
    """Sees every torch function whatever name it was called by."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        name = getattr(func, "__name__", "")
        if len(self.calls) < 5000 and name != "__get__":
            first = next((tuple(a.shape) for a in args if isinstance(a, torch.Tensor)), ())
            plain = tuple(a for a in args if not isinstance(a, torch.Tensor))
            self.calls.append(Call(name, first, plain, dict(kwargs or {})))
        return func(*args, **(kwargs or {}))


class _Capped(io.TextIOBase):
    """A stream that keeps the first characters and forgets the rest."""

    def __init__(self) -> None:
        self.kept = ""

    def write(self, text: str) -> int:
        self.kept += text[: PRINT_LIMIT - len(self.kept)]
        return len(text)

    def writable(self) -> bool:
        return True


@contextlib.contextmanager
def _restored() -> Iterator[None]:
    """Random state, grad mode, default dtype, warnings and recursion limit as they were; a fixed seed inside."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    grad, dtype, depth, trace = torch.is_grad_enabled(), torch.get_default_dtype(), sys.getrecursionlimit(), sys.gettrace()
    random.seed(0), np.random.seed(0), torch.default_generator.manual_seed(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.set_default_dtype(torch.float32)
            yield
    finally:
        random.setstate(states[0]), np.random.set_state(states[1]), torch.set_rng_state(states[2])
        torch.set_grad_enabled(grad), torch.set_default_dtype(dtype), sys.setrecursionlimit(depth)
        sys.settrace(trace)


def _identical(before: Any, after: Any) -> bool:
    if isinstance(before, torch.Tensor):
        same = before.shape == after.shape and before.dtype == after.dtype
        return same and bool(((before == after) | ((before != before) & (after != after))).all())
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(_identical, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_identical(before[key], after[key]) for key in before)
    return before is after or bool(before == after)


def _shares_memory(value: Any, args: tuple[Any, ...]) -> bool:
    try:
        mine = value.untyped_storage().data_ptr() if isinstance(value, torch.Tensor) else value.__array_interface__["data"][0]
        return any(isinstance(a, torch.Tensor) and a.numel() > 0 and a.untyped_storage().data_ptr() == mine for a in args)
    except Exception:                            # no tensor, no memory to share
        return False


def _own_line(fn: Callable[..., Any], error: BaseException) -> tuple[int, str] | None:
    """The last line of the learner's own file in the traceback."""
    target = inspect.unwrap(fn) if callable(fn) else fn
    while hasattr(target, "func"):
        target = target.func
    code = getattr(target, "__code__", None) or getattr(getattr(type(target), "forward", None) or type(target).__call__, "__code__", None)
    found, trace = None, error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if code is not None and filename == code.co_filename:
            found = trace.tb_lineno, linecache.getline(filename, trace.tb_lineno).strip()
        trace = trace.tb_next
    return found
