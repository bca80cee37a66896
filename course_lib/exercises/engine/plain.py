"""What a learner's function returned, made harmless: nothing of it that runs code of theirs goes any further.

Types are looked up without asking the object (`type`, not `__class__`), containers are walked by their own
built-in methods, cycles and floods end in an `Opaque`, and so does whatever is neither a number, a text nor a
container.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import CoroutineType
from typing import Any

import numpy as np
import torch

__all__ = ["Opaque", "plain"]

MOST_ITEMS = 200_000  # in all containers together
MOST_NUMBERS = 20_000_000  # of one tensor or array: beyond that only its shape is kept
DEPTH = 50


@dataclass(frozen=True)
class Opaque:
    """Something that is no value: an object, a generator, a list that holds itself. `what` names it."""

    what: str

    def __repr__(self) -> str:
        return self.what


def plain(value: Any) -> Any:
    """A copy of `value` out of tensors, arrays, numbers, texts, None, lists, tuples and dicts; all else is an
    `Opaque`."""
    return _plain(value, (), [MOST_ITEMS])


def _plain(value: Any, above: tuple[int, ...], left: list[int]) -> Any:
    kind = type(value)
    left[0] -= 1
    if left[0] < 0:
        return Opaque("…")
    if value is None or kind in (bool, float, complex):
        return value
    if issubclass(kind, int):
        number = int.__index__(value)
        return number if number.bit_length() <= 63 else _float(number)
    if issubclass(kind, float):
        return float.__float__(value)
    if issubclass(kind, complex):
        return complex.__pos__(value)
    if kind in (Fraction, Decimal):
        return value
    if issubclass(kind, str):
        return str.__str__(value)[:MOST_ITEMS]
    if issubclass(kind, torch.Tensor):
        try:
            return _tensor(value)
        except Exception:  # a subclass with ideas of its own
            return Opaque(kind.__name__)
    if issubclass(kind, (np.number, np.bool_)):
        return (
            bool(value)
            if issubclass(kind, np.bool_)
            else int(value)
            if issubclass(kind, np.integer)
            else np.ndarray.item(
                np.asarray(value, dtype="complex128" if issubclass(kind, np.complexfloating) else "float64")
            )
        )
    if issubclass(kind, np.ndarray):
        return _array(value)
    if issubclass(kind, (list, tuple, dict)):
        return _container(kind, value, above, left)
    if kind is CoroutineType:
        value.close()  # or Python warns, cells later, that nobody awaited it
    return Opaque(kind.__name__)


def _float(number: Any) -> Any:
    try:
        return float(number)
    except (OverflowError, ValueError):
        return Opaque(f"{type(number).__name__} beyond all floats")


def _tensor(value: torch.Tensor) -> Any:
    with torch._C.DisableTorchFunctionSubclass():
        tensor = value.detach()
        tensor = (
            tensor.as_subclass(torch.Tensor)
            if type(tensor) not in (torch.Tensor, torch.nn.Parameter)
            else tensor
        )
        if tensor.is_meta or tensor.numel() > MOST_NUMBERS:
            return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
        return (
            (tensor.to_dense() if tensor.layout != torch.strided else tensor)
            .resolve_conj()
            .resolve_neg()
            .cpu()
            .clone()
        )


def _array(value: np.ndarray) -> Any:
    bare = value.view(np.ndarray)
    if bare.dtype.kind not in "biufc" or bare.size > MOST_NUMBERS:
        return Opaque(f"array {list(bare.shape)} of {bare.dtype}")
    return np.array(bare, copy=True, order="C", dtype=bare.dtype.newbyteorder("="))


def _container(kind: type, value: Any, above: tuple[int, ...], left: list[int]) -> Any:
    if id(value) in above or len(above) >= DEPTH:
        return Opaque(f"{kind.__name__} that holds itself" if id(value) in above else "…")
    above = (*above, id(value))
    if issubclass(kind, dict):
        return {
            key if type(key) in (str, int) else repr(_plain(key, above, left))[:40]: _plain(item, above, left)
            for key, item in dict.items(value)
        }
    base = list if issubclass(kind, list) else tuple
    items = []
    for item in base.__iter__(value):
        items.append(_plain(item, above, left))
        if left[0] < 0:
            return Opaque(f"{kind.__name__} ({base.__len__(value)})")
    return base(items)
