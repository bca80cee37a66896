"""A training run in one safetensors file: weights, optimiser, history and settings. No pickle; written whole or not at all."""
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .. import paths
from ..i18n import L
from .history import TrainingError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["load", "place", "save"]


def place(checkpoint: str | Path) -> Path:
    """A bare name lives in the learner's own folder (`paths.home()`); anything with a folder in it is a path."""
    path = Path(checkpoint)
    path = path if len(path.parts) > 1 or path.is_absolute() else paths.home() / "checkpoints" / path
    return path.with_name(path.name.removesuffix(".safetensors") + ".safetensors")


def save(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, best: dict[str, Tensor] | None, notes: dict[str, Any]) -> None:
    """Write everything; `notes` is anything that JSON can hold. An interrupted write leaves the old file as it was."""
    tensors = {f"model.{name}": value for name, value in _unique(model.state_dict()).items()}
    tensors |= {f"best.{name}": value for name, value in (best or {}).items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        save_file({name: value.contiguous().cpu() for name, value in tensors.items()}, temporary, {"notes": json.dumps(notes)})
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor] | None]:
    """Put the file's state into model and optimizer; returns (notes, best weights or None).

    ValueError if the file is damaged, or was made with other settings or another model: going on from it would not be the same run.
    """
    try:
        with safe_open(path, "pt") as file:
            notes = json.loads(file.metadata()["notes"])
            parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimizer": {}}
            for key in file.keys():
                part, name = key.split(".", 1)
                parts[part][name] = file.get_tensor(key)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise TrainingError(L(zh="检查点 {path} 读不了（{error}）：请删除它，重新训练", en="the checkpoint {path} cannot be read ({error}): delete it and train again").format(
            path=path, error=error)) from error
    differ = [f"{name}: {notes['settings'].get(name)} → {value}" for name, value in settings.items() if notes["settings"].get(name) != value]
    own = _unique(model.state_dict())
    differ += [f"{name}: {_shape(parts['model'], name)} → {_shape(own, name)}" for name in sorted(own.keys() | parts["model"].keys())
               if _shape(own, name) != _shape(parts["model"], name)]
    if differ:
        raise TrainingError(L(zh="检查点 {path} 属于另一次训练（{differ}）：换一个 checkpoint 名字，或删除这个文件",
                               en="the checkpoint {path} belongs to another run ({differ}): give checkpoint another name, or delete the file").format(
                                   path=path, differ="; ".join(differ[:3])))
    model.load_state_dict(parts["model"], strict=False)         # tied weights are stored once
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in parts["optimizer"].items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return notes, parts["best"] or None


def _unique(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the second name of a tied weight: safetensors stores each piece of memory once."""
    seen: dict[tuple, str] = {}
    return {name: value for name, value in state.items() if seen.setdefault((value.data_ptr(), value.shape), name) == name}


def _shape(tensors: dict[str, Tensor], name: str) -> list[int] | None:
    return list(tensors[name].shape) if name in tensors else None
