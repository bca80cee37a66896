"""A training run in one safetensors file: weights, optimisers, history and settings. No pickle; written whole
or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .. import paths
from ..i18n import L
from .history import History, TrainingError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

__all__ = ["describe", "load", "place", "save"]

# in a config, but no part of the shape
CHANGING = ("transformers_version", "_name_or_path", "architectures", "dtype", "torch_dtype", "use_cache")


def place(checkpoint: str | Path) -> Path:
    """A bare name lives in the learner's own folder (`paths.home()`); anything with a folder in it is a
    path."""
    path = Path(checkpoint)
    path = path if len(path.parts) > 1 or path.is_absolute() else paths.home() / "checkpoints" / path
    return path.with_name(path.name.removesuffix(".safetensors") + ".safetensors")


def describe(model: nn.Module) -> dict[str, Any]:
    """What shapes of tensors do not tell of a model: its class and its config, or else how its modules
    print."""
    config = getattr(model, "config", None)
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        fields = dataclasses.asdict(config)
    elif hasattr(config, "to_dict"):
        fields = {name: value for name, value in config.to_dict().items() if name not in CHANGING}
    else:
        fields = {"modules": hashlib.sha256(repr(model).encode()).hexdigest()[:12]}
    return {"model": type(model).__name__} | {f"model.{name}": value for name, value in fields.items()}


def save(
    path: Path,
    model: nn.Module,
    optimizers: dict[str, Optimizer],
    best: dict[str, Tensor] | None,
    notes: dict[str, Any],
) -> None:
    """Write everything; optimizers: what `optim.optimizers` made; `notes` is anything that JSON can hold. A
    write that is interrupted or fails leaves the old file as it was.

    TrainingError: the disk is full, or the folder cannot be written.
    """
    tensors = {f"model.{name}": value for name, value in _unique(model.state_dict()).items()}
    tensors |= {f"best.{name}": value for name, value in (best or {}).items()}
    for part, optimizer in optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"{part}.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            save_file(
                {name: value.contiguous().cpu() for name, value in tensors.items()},
                temporary,
                {"notes": json.dumps(notes, default=str)},
            )
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())  # some disks say only now that they are full
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, SafetensorError) as error:
        needed = sum(value.numel() * value.element_size() for value in tensors.values())
        before = (
            L(zh="，上一个检查点完好无损", en="; the checkpoint before it is untouched")
            if path.exists()
            else L(zh="", en="")
        )
        raise TrainingError(
            zh="检查点 {path} 写不进去（需要 {mb:.1f} MB；{error}）{before}。请腾出空间，或让 "
            "checkpoint 指向别处",
            en="the checkpoint {path} cannot be written ({mb:.1f} MB are needed; {error}){before}. "
            "Free some space, or give checkpoint another place",
            path=path,
            mb=needed / 1e6,
            error=str(error).strip().splitlines()[0],
            before=before,
        ) from error


def load(
    path: Path, model: nn.Module, optimizers: dict[str, Optimizer], settings: dict[str, Any], precision: str
) -> tuple[History, int, dict[str, Tensor] | None]:
    """Put the file's state into model and optimizers; returns the history, the evaluations since the best
    one, the best weights or None.

    TrainingError if the file is damaged, or was made with other settings, other data or another model: going
    on from it would not be the same run. Model and optimizers are then as they were.
    """
    try:
        notes, parts = _read(path)
        before, history, bad = (
            {"optimizer": "adamw"} | notes["settings"],
            History.from_dict(notes["history"]),
            int(notes["bad"]),
        )
    except (
        OSError,
        SafetensorError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ) as error:
        raise _unreadable(path, f"{type(error).__name__}: {str(error)[:120]}") from error
    if precision != "auto":
        before, settings = before | {"precision": history.precision}, settings | {"precision": precision}
    own = _unique(model.state_dict())
    settings = json.loads(json.dumps(settings, default=str))
    # a newer library knows more of a model
    differ = [
        f"{name}: {before.get(name)} → {value}"
        for name, value in settings.items()
        if before.get(name) != value and (name in before or not name.startswith("model."))
    ]
    differ += [
        f"{name}: {_shape(parts['model'], name)} → {_shape(own, name)}"
        for name in sorted(own.keys() | parts["model"].keys())
        if _shape(own, name) != _shape(parts["model"], name)
    ]
    if differ:
        raise TrainingError(
            zh="检查点 {path} 属于另一次训练（{differ}）：换一个 checkpoint 名字，或删除这个文件",
            en="the checkpoint {path} belongs to another run ({differ}): give checkpoint another name, "
            "or delete the file",
            path=path,
            differ="; ".join(differ[:3]),
        )
    if not all(
        parts["model"][name].isfinite().all()
        for name, _ in model.named_parameters()
        if name in parts["model"]
    ):
        raise _unreadable(
            path, L(zh="里面的权重有 nan 或无穷大", en="it holds weights that are nan or infinite")
        )
    states = {part: _state(optimizer, parts[part]) for part, optimizer in optimizers.items()}
    if None in states.values() or any(
        value.shape != own[name].shape for name, value in parts["best"].items() if name in own
    ):
        raise _unreadable(
            path, L(zh="优化器的状态和模型对不上", en="the optimiser's state does not fit the model")
        )
    model.load_state_dict(parts["model"], strict=False)  # tied weights are stored once
    for part, optimizer in optimizers.items():
        optimizer.load_state_dict(states[part])
    return history, bad, parts["best"] or None


def _state(optimizer: Optimizer, tensors: dict[str, Tensor]) -> dict[str, Any] | None:
    """What its `load_state_dict` takes; None if the tensors are not the state of its weights."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    weights = {
        index: weight
        for group, stored in zip(optimizer.param_groups, groups)
        for index, weight in zip(stored["params"], group["params"])
    }
    names = (
        {"momentum_buffer"} if isinstance(optimizer, torch.optim.Muon) else {"step", "exp_avg", "exp_avg_sq"}
    )
    fits = all(
        index in weights
        and found.keys() == names
        and all(found[name].shape == weights[index].shape for name in names - {"step"})
        for index, found in state.items()
    )
    return {"state": state, "param_groups": groups} if fits else None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimizer": {}, "muon": {}}
    with safe_open(path, "pt") as file:
        notes = json.loads(file.metadata()["notes"])
        for key in file.keys():
            part, name = key.split(".", 1)
            if part in ("optimizer", "muon"):
                int(name.split(".")[0])
            parts[part][name] = file.get_tensor(key)
    return notes, parts


def _unreadable(path: Path, why: str | L) -> TrainingError:
    return TrainingError(
        zh="检查点 {path} 读不了（{why}）：请删除它，重新训练",
        en="the checkpoint {path} cannot be read ({why}): delete it and train again",
        path=path,
        why=why,
    )


def _unique(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the second name of a tied weight: safetensors stores each piece of memory once."""
    seen: dict[tuple, str] = {}
    return {
        name: value
        for name, value in state.items()
        if seen.setdefault((value.data_ptr(), value.shape), name) == name
    }


def _shape(tensors: dict[str, Tensor], name: str) -> list[int] | None:
    return list(tensors[name].shape) if name in tensors else None
