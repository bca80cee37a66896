"""Several processes, started by torchrun or `accelerate launch`: torch's DistributedDataParallel does the
work."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from ..device import choose

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Processes"]


class Processes:
    """This process among `world`; alone unless a launcher set WORLD_SIZE. Gradients are averaged over the
    processes, so with equal shares of a batch loss and gradients are those of one process that had the whole
    batch."""

    def __init__(self):
        self.world = int(os.environ.get("WORLD_SIZE", 1)) if dist.is_available() else 1
        self.rank = int(os.environ.get("RANK", 0)) if self.world > 1 else 0
        self.device = choose().device
        if self.world > 1:
            if self.device.type == "cuda":
                self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
                torch.cuda.set_device(self.device)
            if not dist.is_initialized():
                dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")

    @property
    def first(self) -> bool:
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model to run: itself, or one that averages gradients over the processes during backward."""
        if self.world == 1:
            return model
        return DistributedDataParallel(
            model, device_ids=[self.device.index] if self.device.type == "cuda" else None
        )

    def exchange(self, runner: Any, now: bool) -> AbstractContextManager:
        """Gradients of several micro-batches are exchanged once, after the last."""
        return nullcontext() if self.world == 1 or now else runner.no_sync()

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a scalar over the processes."""
        if self.world > 1:
            dist.all_reduce(value)
            value /= self.world
        return value

    def agree(self, value: Any) -> Any:
        """The first process's value, on all of them."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=self.device)
        return box[0]
