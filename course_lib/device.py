"""Where to compute and in which precision, each with the reason for the choice.

A device is chosen by trying it: a GPU that is listed but cannot multiply (an old driver, no free memory) is
passed
over, and the reason says so. A precision is chosen by timing it: bf16 on a CPU without the instructions is
many times slower than float32, whatever the documentation promises.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from .i18n import L

if TYPE_CHECKING:
    import torch

__all__ = ["Choice", "choose", "device"]


class Choice(NamedTuple):
    """What `choose` decided: `reason` is one sentence in both languages."""

    device: torch.device
    dtype: torch.dtype  # the fastest that trains well here: bfloat16 where measured faster, else float32
    reason: L


def device() -> torch.device:
    """The device that the course computes on: COURSE_DEVICE if set, else cuda, mps or cpu, the first that
    works."""
    return choose().device


@lru_cache(maxsize=1)
def choose() -> Choice:
    """Decide once a process. A COURSE_DEVICE that torch does not know or that fails falls back to the CPU and
    says why."""
    import torch

    wanted = os.environ.get("COURSE_DEVICE", "").strip()
    names = (
        [wanted]
        if wanted
        else [
            name
            for name, there in (
                ("cuda", torch.cuda.is_available()),
                ("mps", torch.backends.mps.is_available()),
            )
            if there
        ]
    )
    refused = ""
    for name in names:
        try:
            found = torch.device(name)
            _matmul_seconds(found, torch.float32, size=64)
        except (RuntimeError, AssertionError) as error:  # torch raises either for a device that is not there
            refused += f"{name}: {str(error).splitlines()[0][:80]} "
            continue
        return Choice(found, *_precision(found, wanted))
    cpu = torch.device("cpu")
    dtype, reason = _precision(cpu, "")
    if refused:
        reason = L(
            zh="{problem}不可用（{detail}），改用 CPU。{reason}",
            en="{problem} does not work ({detail}), so the CPU is used. {reason}",
        ).format(problem=", ".join(names), detail=refused.strip(), reason=reason)
    return Choice(cpu, dtype, reason)


def _precision(where: torch.device, wanted: str) -> tuple[torch.dtype, L]:
    import torch

    name = (
        torch.cuda.get_device_name(where)
        if where.type == "cuda"
        else {"mps": "Apple GPU"}.get(where.type, f"CPU × {torch.get_num_threads()}")
    )
    why = (
        L(zh="由 COURSE_DEVICE 指定", en="set by COURSE_DEVICE")
        if wanted
        else (
            L(zh="没有可用的 GPU", en="no usable GPU")
            if where.type == "cpu"
            else L(zh="试算成功", en="a trial run worked")
        )
    )
    try:
        # interleaved:
        seconds = [
            [_matmul_seconds(where, dtype) for dtype in (torch.float32, torch.bfloat16)] for _ in range(5)
        ]
        ratio = min(a for a, _ in seconds) / min(b for _, b in seconds)  # a busy moment hits both
    except RuntimeError:  # no bfloat16 kernels on this device
        ratio = 0.0
    dtype = torch.bfloat16 if ratio > 1.2 else torch.float32
    faster = (
        L(zh="实测 bfloat16 更快", en="bfloat16 was measured faster")
        if ratio > 1.2
        else (L(zh="实测 bfloat16 并不更快", en="bfloat16 was measured no faster"))
    )
    return dtype, L(zh="{name}（{why}）；{faster}", en="{name} ({why}); {faster}").format(
        name=name, why=why, faster=faster
    )


def _matmul_seconds(where: torch.device, dtype: torch.dtype, size: int = 384, repeats: int = 2) -> float:
    """Fastest of a few square matrix products; the .item() waits for an asynchronous device."""
    import torch

    x = torch.ones(size, size, device=where, dtype=dtype)
    seconds = []
    for _ in range(repeats + 1):  # the first one warms up
        start = time.perf_counter()
        (x @ x)[0, 0].item()
        seconds.append(time.perf_counter() - start)
    return max(min(seconds[1:]), 1e-9)
