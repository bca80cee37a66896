"""What a function under check must not change for the notebook, and what the notebook must not change for the
course.

`put_back` restores every global setting that a learner's function may have touched. `level_ground` gives the
course's own code, the reference and the mistakes, torch as it was imported, whatever a notebook has patched
or set as its default since.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import decimal
import gc
import math
import os
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch._tensor_str import PRINT_OPTS

__all__ = ["calm_device", "level_ground", "lifted", "put_back", "with_patches"]


def _cwd() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # somebody deleted it
        return None


def _chdir(path: str | None) -> None:
    with contextlib.suppress(OSError, TypeError):
        os.chdir(path)


def _environment(old: dict[str, str]) -> None:
    for name in os.environ.keys() - old.keys():
        del os.environ[name]
    os.environ.update(old)


def _device(old: torch.device) -> None:
    torch.set_default_device(None if old.type == "cpu" else old)


def calm_device() -> None:
    """No default device, if one was set."""
    if torch.get_default_device().type != "cpu":
        torch.set_default_device(None)


Pairs = tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...]
SETTINGS: Pairs = (
    (torch.get_default_device, _device),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda old: torch.autograd.set_detect_anomaly(*old),
    ),
    (lambda: torch.is_autocast_enabled("cpu"), lambda old: torch.set_autocast_enabled("cpu", old)),
    (lambda: copy.copy(PRINT_OPTS.__dict__), PRINT_OPTS.__dict__.update),
    (np.geterr, lambda old: np.seterr(**old)),
    (np.geterrcall, np.seterrcall),
    (np.get_printoptions, lambda old: np.set_printoptions(**old)),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.gettrace, sys.settrace),
    (sys.getprofile, sys.setprofile),
    (lambda: list(sys.path), lambda old: sys.path.__setitem__(slice(None), old)),
    (_cwd, _chdir),
    (lambda: dict(os.environ), _environment),
    (lambda: decimal.getcontext().copy(), decimal.setcontext),
    (gc.isenabled, lambda old: gc.enable() if old else gc.disable()),
)
RANDOM: Pairs = (
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
    (torch.get_rng_state, torch.set_rng_state),
)


@contextlib.contextmanager
def put_back() -> Iterator[None]:
    """All settings and random states as they were, whatever happens inside."""
    settings = [get() for get, _ in SETTINGS]
    states = [get() for get, _ in RANDOM]
    try:
        yield
    finally:
        for old, (get, put) in zip(settings, SETTINGS):
            if get() != old:
                put(old)
        for old, (_, restore) in zip(states, RANDOM):
            restore(old)


# --- functions that a notebook has replaced -------------------------------------------------------

_BUILTINS = (
    "abs all any bool dict divmod enumerate filter float int isinstance iter len list map max "
    "min next pow range reversed "
    "round set slice sorted str sum tuple type zip"
).split()
_HOMES: tuple[tuple[str, Any], ...] = (
    ("torch", torch),
    ("F", torch.nn.functional),
    ("torch.Tensor", torch.Tensor),
    ("torch.linalg", torch.linalg),
    ("math", math),
    ("np", np),
    ("", builtins),
)


def _watched(home: Any) -> dict[str, Any]:
    names = _BUILTINS if home is builtins else vars(home)
    # torch wraps it anew as soon as it imports its compiler, which loading a model does
    return {
        name: vars(home)[name]
        for name in names
        if callable(vars(home)[name]) and (home is torch.Tensor or name[0] != "_") and name != "manual_seed"
    }


_ORIGINALS = [(label, home, _watched(home)) for label, home in _HOMES]
_INHERITED = object()  # a method of Tensor that its base class defines

Patch = tuple[str, Any, str, Any, Any]  # how it is called, home, name, what stands there now, the original


def _patches() -> list[Patch]:
    """Every watched function that is no longer the one of the import."""
    found: list[Patch] = []
    for label, home, originals in _ORIGINALS:
        now = vars(home)
        found += [
            (f"{label}.{name}".lstrip("."), home, name, now.get(name, _INHERITED), original)
            for name, original in originals.items()
            if now.get(name) is not original
        ]
    if len(vars(torch.Tensor)) != len(_TENSOR_NAMES):  # a method of the base class may have been covered
        found += [
            (f"torch.Tensor.{name}", torch.Tensor, name, vars(torch.Tensor)[name], _INHERITED)
            for name in vars(torch.Tensor).keys() - _TENSOR_NAMES
            if hasattr(torch.Tensor.__base__, name)
        ]
    return found


_TENSOR_NAMES = frozenset(vars(torch.Tensor))


def _put(home: Any, name: str, value: Any) -> None:
    if value is _INHERITED:
        delattr(home, name)
    else:
        setattr(home, name, value)


def _originals() -> list[Patch]:
    """Put every original back; returns what stood in their places."""
    found = _patches()
    for _, home, name, _, original in found:
        _put(home, name, original)
    return found


def _apply(found: list[Patch]) -> None:
    for _, home, name, patched, _ in found:
        _put(home, name, patched)


_notebook: list[Patch] = []  # the notebook's own patches, while `level_ground` has lifted them


@contextlib.contextmanager
def level_ground() -> Iterator[None]:
    """Torch as it was imported: original functions, CPU, float32, gradients on; the notebook's patches are
    lifted meanwhile."""
    global _notebook
    outer, _notebook = _notebook, _originals()
    try:
        with (
            put_back(),
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast("cpu", enabled=False),
            np.errstate(all="ignore"),
        ):
            calm_device()
            torch.set_default_dtype(torch.float32)
            torch.autograd.set_detect_anomaly(False)
            torch.set_deterministic_debug_mode("default")
            yield
    finally:
        _originals()
        _apply(_notebook)
        _notebook = outer


def lifted() -> list[str]:
    """How the functions are called that the notebook has replaced, while `level_ground` has the originals
    back."""
    return [name for name, *_ in _notebook]


@contextlib.contextmanager
def with_patches() -> Iterator[None]:
    """The learner's function sees its notebook's patches; what it patches itself is undone."""
    _apply(_notebook)
    try:
        yield
    finally:
        _originals()
