"""Ending what does not end, and hearing the stop button while someone else's code runs."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["TIME_LIMIT", "StopButton", "TimeLimit", "Timer"]

TIME_LIMIT = 2.0  # seconds for one call
# the share of them that a late call has computed; less is waiting for a busy machine, or a sleep, which is
# late only after PATIENCE times the limit
COMPUTED, PATIENCE = 0.5, 3
TICK = 0.05  # seconds between two looks at a running call
# seconds between two raises: an `except:` around one does not hold the next (a trace function, which
# would, can hang Python 3.11 when it is set inside a signal handler)
INSIST = 0.0007
IMPORT_LIMIT = 20.0  # seconds: an import is not interrupted and its time does not count, up to here


class TimeLimit(BaseException):
    """Not an Exception, so that a learner's `except Exception` does not swallow it."""


class Timer:
    """Raises TimeLimit in the running code after `seconds` (COMPUTED, PATIENCE), and again until it gets out
    of every try block.

    By a signal in the main thread, which also ends a sleep; elsewhere (Windows, a thread) by an exception
    that another thread plants. Frames of the file `home` and above it are not the running code's. `going` is
    told, again and again, while a first import or a busy machine keeps a call beyond its limit.
    """

    def __init__(self, seconds: float, home: str, going: Callable[[], None] | None = None):
        self.seconds, self.home, self.going, self.fired, self.armed = seconds, home, going, False, False

    def arm(self) -> None:
        self.started, self.computed, self.armed = time.monotonic(), time.process_time(), True
        self.deadline = self.started + self.seconds
        self.signals = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        if self.signals:
            self.handler = signal.signal(signal.SIGALRM, lambda _, frame: self._tick(frame))
            self.previous = signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
        else:
            self.target, self.over = threading.get_ident(), threading.Event()
            self.watcher = threading.Thread(target=self._watch, daemon=True)
            self.watcher.start()

    def disarm(self) -> None:
        if not self.armed:
            return
        self.armed = False
        if not self.signals:
            self.over.set()
            self.watcher.join()
            # the last one planted may still come. To plant None instead leaves a flag up in Python 3.11,
            # which then hangs at the next call that is traced
            if self.fired:
                with contextlib.suppress(TimeLimit):
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(self.target), ctypes.py_object(TimeLimit)
                    )
                    while True:
                        time.sleep(0)
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.handler)
        delay, interval = self.previous  # somebody else's timer, a test's for one, runs on
        if delay:
            signal.setitimer(
                signal.ITIMER_REAL, max(delay - (time.monotonic() - self.started), 0.01), interval
            )

    def _late(self, frame: FrameType | None) -> bool:
        now, computed = time.monotonic(), time.process_time()
        # half an import would break the module for good
        if _importing(frame, self.home) and now < self.started + IMPORT_LIMIT:
            self.deadline, self.computed = now + self.seconds, computed
        elif now < self.deadline:
            return False
        elif (
            computed - self.computed >= COMPUTED * self.seconds
            or now >= self.deadline + (PATIENCE - 1) * self.seconds
        ):
            return True
        if self.going:
            self.going()
        return False

    def _watch(self) -> None:
        while not self.over.wait(TICK):
            if self._late(sys._current_frames().get(self.target)):
                self.fired = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self.target), ctypes.py_object(TimeLimit)
                )

    def _tick(self, frame: FrameType | None) -> None:
        # the running code is out already
        ours = frame is None or frame.f_code.co_filename in (self.home, __file__)
        if ours or not self.armed or not self._late(frame):
            return
        if not self.fired:
            signal.setitimer(signal.ITIMER_REAL, INSIST, INSIST)
        self.fired = True
        raise TimeLimit


def _importing(frame: FrameType | None, home: str) -> bool:
    """True if the code that runs is a module's first import."""
    while frame is not None and frame.f_code.co_filename != home:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


class StopButton:
    """A context in which SIGINT is noted, and raised in the guarded code while `live`; it leaves as a
    KeyboardInterrupt.

    So it gets through whatever the guarded code catches, and a KeyboardInterrupt that the code raises itself
    is told apart.
    """

    def __init__(self, live: bool = False) -> None:
        self.live, self.pressed = live, False
        self.before: Any = None

    def __enter__(self) -> StopButton:
        if threading.current_thread() is threading.main_thread():
            self.before = signal.getsignal(signal.SIGINT)
            if self.before is not None:  # None: not set from Python, so it could not be put back
                signal.signal(signal.SIGINT, self._press)
        return self

    def _press(self, *_: Any) -> None:
        self.pressed = True
        if self.live:
            raise KeyboardInterrupt

    def __exit__(self, *_: Any) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)
        if self.pressed:
            raise KeyboardInterrupt
