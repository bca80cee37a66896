"""Interrupting and repeating: an interrupt waits for the step to end, and a run leaves the random numbers of
others alone."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import torch

__all__ = ["at_a_step_boundary", "own_random_numbers"]


@contextmanager
def at_a_step_boundary() -> Iterator[SimpleNamespace]:
    """While inside, Ctrl-C or the notebook's stop button only sets `.requested`: half an optimiser step could
    not be resumed."""
    interrupt = SimpleNamespace(requested=False)
    # only the main thread may listen to signals
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = signal.signal(signal.SIGINT, lambda *_: setattr(interrupt, "requested", True))
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def own_random_numbers(device: torch.device) -> Iterator[None]:
    """While inside, torch may be seeded at will; afterwards its generators are where they were."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield
