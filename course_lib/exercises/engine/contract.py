"""What a function must return: numbers in torch's or numpy's wrapping, Python's where the contract asks for a
scalar or a list.

`Kind.read(value, like)` turns a value, made `plain` before, into a canonical one and says what breaks the
contract, if anything; `Kind.hand(value, args)` gives it the contract's own type, for the cells that build on
it;
`distance(a, b)` compares two canonical values in units of the tolerance: at most 1 is equal, 100 is far away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from ...i18n import L
from .plain import Opaque

__all__ = ["Array", "Dict", "IntList", "Kind", "Scalar", "Tuple", "Windows", "alike", "distance"]

RTOL, ATOL = 1e-4, 1e-5  # float32; ATOL is relative to the largest expected magnitude

AXES = {
    "B": L(zh="批", en="batch"),
    "H": L(zh="头", en="heads"),
    "T": L(zh="位置", en="positions"),
    "S": L(zh="键", en="keys"),
    "d": L(zh="头宽", en="head width"),
    "e": L(zh="值的宽度", en="value width"),
    "D": L(zh="模型宽度", en="model width"),
    "V": L(zh="词表", en="vocabulary"),
    "K": L(zh="类别", en="classes"),
    "N": L(zh="样本", en="examples"),
    "M": L(zh="掩码位置", en="masked positions"),
    "k": L(zh="前 k 个", en="the k best"),
    "r": L(zh="秩", en="rank"),
    "1": L(zh="广播轴", en="broadcast axis"),
    "in": L(zh="输入宽度", en="input width"),
    "out": L(zh="输出宽度", en="output width"),
}
NOTHING = L(zh="函数返回了 None。是不是漏了 return？", en="The function returned None. Is there a return?")


class Kind:
    """A kind of return value."""

    parts: tuple[tuple[str, Kind], ...]  # of a kind that holds several: the name and the kind of each

    def read(self, value: Any, like: Any) -> tuple[Any, L | None]:
        """-> (canonical value or None, what breaks the contract or None); `like` is the canonical expected
        value."""
        raise NotImplementedError

    def hand(self, value: Any, args: tuple[Any, ...]) -> Any:
        """`value` in the contract's type, itself if it has it; `args` are the arguments of the call."""
        raise NotImplementedError


@dataclass(frozen=True)
class Array(Kind):
    """Numbers with named axes ("B T D"; "..." for any leading axes, none for a scalar); dtype is float, int
    or bool.

    A tensor, or a Python list where `listed`.
    """

    axes: str
    dtype: str = "float"
    listed: bool = False

    def read(self, value, like):
        if value is None:
            return None, NOTHING
        try:
            found = to_tensor(value)
        except Exception:  # a ragged list, a string, an object: whatever torch and numpy make of it
            return None, L(
                zh="需要的是数值，你返回的是 {got}。", en="Numbers are expected; yours is {got}."
            ).format(got=describe(value))
        problem = (
            self._dtype_problem(found) or self._shape_problem(found, like) or self._wrapping_problem(value)
        )
        if found.is_meta:
            return None, problem or L(
                zh="你返回的张量没有数据（device 是 meta，或者太大）。",
                en="Your tensor holds no numbers (it is on the device meta, or too large).",
            )
        if found.dtype == torch.bool or not (found.is_floating_point() or found.is_complex()):
            return (found.double() if self.dtype == "float" and found.dtype != torch.bool else found), problem
        return (found.to(torch.float64) if found.is_floating_point() else found), problem

    def hand(self, value, args):
        if self.listed:
            return (
                value
                if type(value) is list and all(type(item) is float for item in value)
                else to_tensor(value).double().tolist()
            )
        if not self.axes and not isinstance(value, torch.Tensor):
            return (
                value
                if type(value) in (bool, int, float)
                else {"float": float, "int": int, "bool": bool}[self.dtype](value)
            )
        tensors = [a for a in args if isinstance(a, torch.Tensor)]
        kept = next((a.dtype for a in tensors if a.is_floating_point()), torch.get_default_dtype())
        dtype = {"float": kept, "int": torch.long, "bool": torch.bool}[self.dtype]
        tensor = value if isinstance(value, torch.Tensor) else to_tensor(value)
        device = tensors[0].device if tensors else tensor.device
        return (
            tensor.to(device, dtype)
            if tensor.layout == torch.strided
            else tensor.to_dense().to(device, dtype)
        )

    def _wrapping_problem(self, value: Any) -> L | None:
        if not isinstance(value, (list, tuple)) or self.listed or not self.axes:
            return None
        return L(
            zh="应返回张量，你返回的是嵌套的 {got}。`torch.tensor` 或 `torch.stack` 可以把它变成张量。",
            en="A tensor is expected; yours is a nested {got}. `torch.tensor` or `torch.stack` "
            "makes a tensor of it.",
        ).format(got=type(value).__name__)

    def _dtype_problem(self, found: torch.Tensor) -> L | None:
        floating, boolean = found.is_floating_point(), found.dtype == torch.bool
        fits = {
            "float": not boolean and not found.is_complex(),
            "int": not floating and not boolean and not found.is_complex(),
            "bool": boolean,
        }[self.dtype]
        words = {
            "float": L(zh="浮点数", en="floats"),
            "int": L(zh="整数", en="integers"),
            "bool": L(zh="布尔值", en="booleans"),
        }
        return (
            None
            if fits
            else L(
                zh="应返回{want}，你的 dtype 是 {got}。",
                en="The contract asks for {want}; yours has dtype {got}.",
            ).format(want=words[self.dtype], got=str(found.dtype).removeprefix("torch."))
        )

    def _shape_problem(self, found: torch.Tensor, like: torch.Tensor | None) -> L | None:
        if like is None or found.shape == like.shape:
            return None
        want, got = list(like.shape), list(found.shape)
        if len(want) != len(got):
            return L(
                zh="形状应为 {want}（{axes}），你的是 {got}：轴的个数不同。",
                en="The shape should be {want} ({axes}); yours is {got}, another number of axes.",
            ).format(want=want, got=got, axes=self.axes or L(zh="标量", en="a scalar"))
        axis = next(i for i, pair in enumerate(zip(want, got)) if pair[0] != pair[1])
        names = self.axes.split()
        letter = names[axis - len(want)] if axis - len(want) >= -len(names) else "..."
        return L(
            zh="第 {axis} 轴应为 {letter} = {want}（{name}），你的是 {got}；你的形状 {shape}。",
            en="Axis {axis} should be {letter} = {want} ({name}); yours is {got}, in shape {shape}.",
        ).format(
            axis=axis,
            letter=letter,
            want=want[axis],
            got=got[axis],
            shape=got,
            name=AXES.get(letter, L(zh="见题目", en="see the task")),
        )


Scalar = Array("")


@dataclass(frozen=True)
class IntList(Kind):
    """A Python list of integers."""

    def read(self, value, like):
        if value is None:
            return None, NOTHING
        if not isinstance(value, list):
            return None, L(
                zh="应返回列表，你返回的是 {got}。", en="A list is expected; yours is {got}."
            ).format(got=describe(value))
        try:
            numbers = [to_tensor(item) for item in value]
        except Exception:
            numbers = [torch.tensor(0.5)]
        if any(n.numel() != 1 or n.is_floating_point() or n.dtype == torch.bool for n in numbers):
            return None, L(zh="列表里应全是整数。", en="The list should hold integers only.")
        return [int(n) for n in numbers], None

    def hand(self, value, args):
        return value if all(type(item) is int for item in value) else [int(item) for item in value]


@dataclass(frozen=True)
class Windows(Kind):
    """A list of lists of tokens."""

    def read(self, value, like):
        if value is None:
            return None, NOTHING
        if not isinstance(value, (list, tuple)) or not all(
            isinstance(window, (list, tuple)) for window in value
        ):
            return None, L(
                zh="应返回由列表组成的列表，你返回的是 {got}。",
                en="A list of lists is expected; yours is {got}.",
            ).format(got=describe(value))
        return [list(window) for window in value], None

    def hand(self, value, args):
        right = type(value) is list and all(type(window) is list for window in value)
        return value if right else [list(window) for window in value]


@dataclass(frozen=True)
class Tuple(Kind):
    """Several values: names and kinds in order."""

    parts: tuple[tuple[str, Kind], ...]

    def read(self, value, like):
        if value is None:
            return None, NOTHING
        names = ", ".join(name for name, _ in self.parts)
        whole = isinstance(value, (tuple, list)) or (
            isinstance(value, (torch.Tensor, np.ndarray)) and value.ndim == 1
        )
        if not whole or len(value) != len(self.parts):
            return None, L(
                zh="应返回 {n} 个值（{names}），你返回的是 {got}。",
                en="{n} values are expected ({names}); yours is {got}.",
            ).format(n=len(self.parts), names=names, got=describe(value))
        return _read_parts(
            tuple, ((name, kind, value[i], like and like[i]) for i, (name, kind) in enumerate(self.parts))
        )

    def hand(self, value, args):
        items = tuple(value)
        handed = tuple(kind.hand(item, args) for (_, kind), item in zip(self.parts, items))
        return value if type(value) is tuple and all(a is b for a, b in zip(items, handed)) else handed


@dataclass(frozen=True)
class Dict(Kind):
    """A dictionary with these keys; further keys do no harm."""

    parts: tuple[tuple[str, Kind], ...]

    def read(self, value, like):
        if value is None:
            return None, NOTHING
        missing = [name for name, _ in self.parts if not isinstance(value, dict) or name not in value]
        if missing:
            return None, L(
                zh="应返回字典，含键 {want}；你返回的是 {got}，缺少 {missing}。",
                en="A dictionary with the keys {want} is expected; yours is {got}, without {missing}.",
            ).format(
                want=", ".join(name for name, _ in self.parts),
                missing=", ".join(missing),
                got=", ".join(map(str, value)) if isinstance(value, dict) else describe(value),
            )
        return _read_parts(
            dict, ((name, kind, value[name], like and like[name]) for name, kind in self.parts)
        )

    def hand(self, value, args):
        handed = {name: kind.hand(value[name], args) for name, kind in self.parts}
        return (
            value
            if type(value) is dict and all(handed[name] is value[name] for name in handed)
            else {**value, **handed}
        )


def _read_parts(build: type, parts) -> tuple[Any, L | None]:
    values, problems = {}, []
    for name, kind, value, like in parts:
        values[name], problem = kind.read(value, like)
        if problem:
            problems.append(
                L(zh="{name}：{problem}", en="{name}: {problem}").format(name=name, problem=problem)
            )
    return values if build is dict else tuple(values.values()), problems[0] if problems else None


def to_tensor(value: Any) -> torch.Tensor:
    """Numbers in any wrapping as a tensor; raises if they are not numbers or not rectangular."""
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    bare = _numbers(value)
    return torch.tensor(
        bare, dtype=None if isinstance(value, bool) or _has_only_ints(bare) else torch.float64
    )


def _numbers(value: Any) -> Any:
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_numbers(item) for item in value]
    if isinstance(value, (bool, int, float, complex)):
        return value
    if isinstance(value, (Fraction, Decimal)):
        return float(value)
    raise TypeError(f"{type(value).__name__} is no number")  # a text that reads like one is none either


def _has_only_ints(bare: Any) -> bool:
    flat = [bare]
    while any(isinstance(item, list) for item in flat):
        flat = [leaf for item in flat for leaf in (item if isinstance(item, list) else [item])]
    return bool(flat) and all(isinstance(item, (int, complex)) for item in flat)  # bool is an int


def describe(value: Any) -> str:
    """A short name for a plain value: `Tensor [2, 3]`, `tuple (2)`, `generator`."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return f"{type(value).__name__} {list(value.shape)}"
    if isinstance(value, (list, tuple, dict)):
        return f"{type(value).__name__} ({len(value)})"
    if isinstance(value, str):
        return f"str {value[:40]!r}"
    return repr(value) if isinstance(value, Opaque) else type(value).__name__


def distance(yours: Any, expected: Any) -> float:
    """How far two canonical values are apart, in tolerances; inf where they cannot be compared. NaN equals
    NaN."""
    if isinstance(expected, torch.Tensor) and isinstance(yours, torch.Tensor):
        return _tensor_distance(yours, expected)
    if type(yours) is not type(expected):
        return math.inf
    if isinstance(expected, dict):
        return max((distance(yours.get(key), value) for key, value in expected.items()), default=0.0)
    if isinstance(expected, tuple):
        return (
            max((distance(a, b) for a, b in zip(yours, expected)), default=0.0)
            if len(yours) == len(expected)
            else math.inf
        )
    return 0.0 if _equal(yours, expected) else math.inf


def alike(a: Any, b: Any) -> bool:
    """True if two raw values, whatever the contract says of them, are equal."""
    if isinstance(a, (list, tuple, dict)) and type(a) is type(b):
        keys = a.keys() if isinstance(a, dict) else range(len(a))
        return len(a) == len(b) and all(
            key in (b if isinstance(b, dict) else keys) and alike(a[key], b[key]) for key in keys
        )
    try:
        return distance(to_tensor(a), to_tensor(b)) <= 1
    except Exception:  # not numbers
        return a is b or (type(a) is type(b) and _equal(a, b))


def _equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except Exception:  # a list with an array inside has no truth value
        return False


def _tensor_distance(a: torch.Tensor, b: torch.Tensor) -> float:
    if (
        a.shape != b.shape
        or (a.dtype == torch.bool) != (b.dtype == torch.bool)
        or a.is_complex()
        or b.is_complex()
    ):
        return math.inf
    if not (a.is_floating_point() or b.is_floating_point()):
        return 0.0 if torch.equal(a.long(), b.long()) else math.inf
    a, b = a.double(), b.double()
    same = (a == b) | (a.isnan() & b.isnan())
    if same.all():
        return 0.0
    finite = b[b.isfinite()].abs()
    scale = float(finite.max()) if finite.numel() and finite.max() > 0 else 0.1
    apart = ((a - b).abs() / (RTOL * b.abs() + ATOL * scale))[~same]
    return float(apart.nan_to_num(math.inf, math.inf, math.inf).max())
