"""`python -m course_lib bench attention`: time and memory of attention as the context grows, in the open and
fused.

In the open the T x T table of weights exists: memory grows with the square of the context. The fused kernel
(Dao et al. 2022) works through it piece by piece and keeps none of it; its time still grows with the square.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time

import torch

from ..device import choose
from ..i18n import L
from ..nn import attend

__all__ = ["main", "measure"]


def measure(
    lengths: tuple[int, ...] = (128, 256, 512, 1024, 2048, 4096),
    n_head: int = 8,
    d_head: int = 64,
    repeats: int = 3,
) -> list[dict[str, float]]:
    """For each length: seconds of one causal forward pass, batch 1, and the bytes that it adds at its peak,
    both ways."""
    rows = []
    for T in lengths:
        torch.manual_seed(0)
        q, k, v = (torch.randn(1, n_head, T, d_head, device=choose().device) for _ in range(3))
        row: dict[str, float] = {"length": T}
        seconds: dict[str, list[float]] = {"open": [], "fused": []}
        with torch.inference_mode():
            for turn in range(repeats + 1):
                for way in seconds:
                    start = time.perf_counter()
                    y, _ = attend(q, k, v, causal=True, return_weights=way == "open")
                    y[0, 0, 0, 0].item()  # waits for a GPU
                    if turn:  # the first one warms up
                        seconds[way].append(time.perf_counter() - start)
            for way, values in seconds.items():
                row[f"{way}_seconds"] = statistics.median(values)
                row[f"{way}_bytes"] = _peak_bytes(q, k, v, way == "open")
        rows.append(row)
    return rows


def _peak_bytes(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, in_the_open: bool) -> int:
    """Bytes that are allocated at once, at most, during one pass."""
    device, call = q.device, lambda: attend(q, k, v, causal=True, return_weights=in_the_open)
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        return torch.cuda.max_memory_allocated(device) - before
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as profile:
        call()
    held = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak


def main(argv: list[str]) -> int:
    """Print the table."""
    options = argparse.ArgumentParser(prog="course_lib bench attention")
    options.add_argument("--lengths", type=int, nargs="+", default=[128, 256, 512, 1024, 2048, 4096])
    options.add_argument("--threads", type=int, default=0)
    chosen = options.parse_args(argv)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    print(choose().reason)
    print(
        L(
            zh="上下文    公开计算                 融合计算              时间比",
            en="context   in the open              fused                 ratio",
        )
    )
    for row in measure(tuple(chosen.lengths)):
        print(
            f"{row['length']:7}  {row['open_seconds'] * 1e3:8.2f} ms "
            f"{row['open_bytes'] / 2**20:8.1f} MB  {row['fused_seconds'] * 1e3:8.2f} ms "
            f"{row['fused_bytes'] / 2**20:8.1f} MB  {row['open_seconds'] / row['fused_seconds']:6.1f}x"
        )
    return 0
