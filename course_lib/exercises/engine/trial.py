"""A learner's function is tried in another process first, which may be killed: the kernel never hangs and
never dies.

A loop inside C hears no signal, `os._exit` asks nobody, a crash takes its process along. So a forked copy of
the kernel runs every case and tells, line by line, which one it begins and which one it has ended; it is
believed only where it falls silent and a second copy that runs the reference does not. Where there is no safe
fork (Windows, macOS), a new Python process does the same with the function as cloudpickle writes it down, but
only after a check that never came to its end.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import math
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import torch

from ... import paths
from ...i18n import L
from .clock import TIME_LIMIT, TimeLimit
from .sandbox import Outcome, run

__all__ = ["Ended", "attempt", "marked", "serve"]

GRACE = 0.4  # seconds that a copy may be silent beyond the limit, at which it should have stopped itself
STARTING = 60.0  # seconds for a new process to import torch
BUSY = 0.25  # share of the silence that it must have computed: less is waiting, not an endless loop
FORKS = hasattr(os, "fork") and sys.platform != "darwin"  # macOS: frameworks forbid it
_exit = os._exit


class Ended(Exception):
    """The function ended the process that ran it; `says` tells how."""

    def __init__(self, says: L):
        super().__init__(says.en)
        self.says = says


def attempt(
    id: str, seed: int, call: Callable[..., Any], reference: Callable[..., Any], cases: list[tuple[Any, ...]]
) -> dict[int, Outcome]:
    """Position of a case -> its outcome, for the one case that no process survives or that does not end; else
    nothing."""
    found = _forked(call, cases) if FORKS else _second_try(id, seed, call)
    if found is None:
        return {}
    position, outcome, certain = found
    if not certain and FORKS and _forked(reference, [cases[position]]) is not None:
        return {}  # a copy in which even the reference fails proves nothing
    return {position: outcome}


def _cases(call: Callable[..., Any], cases: list[tuple[Any, ...]], say: Callable[..., None]) -> None:
    for position, args in enumerate(cases):
        say(case=position)
        outcome = run(call, args, going=partial(say, case=position))
        if outcome.timed_out:
            return say(slow=position, line=outcome.line)
    say(done=True)


def _speaker(outlet: int) -> Callable[..., None]:
    """Sends one line of JSON a call; what is printed on the usual streams goes nowhere."""
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)

    def say(**message: Any) -> None:
        os.write(outlet, json.dumps(message).encode() + b"\n")

    return say


Found = tuple[int, Outcome, bool]  # the case, its outcome, whether the process said so itself


def _listen(
    stream: IO[bytes], finish: Callable[[float], tuple[int, float]], starting: float = 0.0
) -> Found | None:
    """Follow the lines until they end or stop coming. By a thread, since Windows cannot wait for a pipe with
    a limit."""
    lines: queue.Queue[bytes] = queue.Queue()
    position, patience = None, TIME_LIMIT + GRACE + starting

    def read() -> None:
        with stream:
            for line in stream:
                lines.put(line)
        lines.put(b"")

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=patience)
        except queue.Empty:
            _, computed = finish(0.0)
            stuck = position is not None and computed >= BUSY * patience
            return (position, Outcome(error=TimeLimit(), timed_out=True), False) if stuck else None
        if not line:
            return None if position is None else (position, Outcome(error=Ended(_how(finish(0.5)[0]))), False)
        message = json.loads(line)
        if "done" in message:
            return None
        if "slow" in message:
            where = tuple(message["line"]) if message["line"] else None
            return message["slow"], Outcome(error=TimeLimit(), timed_out=True, line=where), True
        position, patience = message["case"], TIME_LIMIT + GRACE


def _forked(call: Callable[..., Any], cases: list[tuple[Any, ...]]) -> Found | None:
    """The cases in a copy of this process."""
    inlet, outlet = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of threads; the copy needs none of them
        pid = os.fork()
    if pid == 0:
        try:  # the copy, which never returns
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            faulthandler.disable()
            torch.set_num_threads(1)  # the pools of threads were not copied
            _cases(call, cases, _speaker(outlet))
        finally:
            _exit(0)
    os.close(outlet)
    end: list[tuple[int, float]] = []
    try:
        return _listen(os.fdopen(inlet, "rb"), lambda patience: _killed(pid, end, patience))
    finally:
        _killed(pid, end, 0.0)


def _killed(pid: int, end: list[tuple[int, float]], patience: float) -> tuple[int, float]:
    """End the copy, which may first end by itself -> (its exit status, negative for a signal; the seconds it
    has computed)."""
    if not end:
        last = time.monotonic() + patience
        done, status, usage = os.wait4(pid, os.WNOHANG)
        while not done and time.monotonic() < last:
            time.sleep(0.01)
            done, status, usage = os.wait4(pid, os.WNOHANG)
        if not done:
            os.kill(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
        end.append((os.waitstatus_to_exitcode(status) if done else 0, usage.ru_utime + usage.ru_stime))
    return end[0]


def _how(status: int) -> L:
    if status < 0:
        name = signal.Signals(-status).name if -status in signal.valid_signals() else str(-status)
        return L(
            zh="它让整个 Python 进程崩溃了（信号 {name}）",
            en="it crashes the whole Python process (signal {name})",
        ).format(name=name)
    return L(
        zh="它结束了整个 Python 进程（退出码 {status}）",
        en="it ends the whole Python process (exit code {status})",
    ).format(status=status)


# --- where there is no fork -----------------------------------------------------------------------


def _mark(id: str) -> Path:
    return paths.home() / "running" / f"{id}.txt"


@contextlib.contextmanager
def marked(id: str) -> Iterator[None]:
    """Leaves a file behind if what happens inside never comes to its end."""
    if FORKS:
        yield
        return
    with contextlib.suppress(OSError):
        _mark(id).parent.mkdir(parents=True, exist_ok=True)
        _mark(id).write_text("", encoding="utf-8")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            _mark(id).unlink()


def _second_try(id: str, seed: int, call: Callable[..., Any]) -> Found | None:
    """After a check that did not end: the same cases in a new process."""
    if not _mark(id).exists():
        return None
    import cloudpickle

    try:
        work = cloudpickle.dumps((id, seed, call))
    except Exception:  # it holds on to something that cannot be written down
        return None
    process = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )

    def finish(patience: float) -> tuple[int, float]:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
        status = process.poll()
        process.kill()
        process.wait()
        return status or 0, math.inf

    try:
        with contextlib.suppress(OSError):
            process.stdin.write(work)
            process.stdin.close()
        return _listen(process.stdout, finish, STARTING)
    finally:
        finish(0.0)


def serve() -> None:
    """The new process: reads the work, tells the cases."""
    from .registry import find
    from .spec import Draw

    say = _speaker(os.dup(1))
    id, seed, call = pickle.loads(sys.stdin.buffer.read())
    _cases(call, [case.args for case in find(id).cases(Draw(seed))], say)
    _exit(0)
