"""`python -m course_lib bench train`: tokens a second of `cl.fit` against a plain loop, transformers in a
bare loop, and Trainer.

All sides train the same shape on the same ids in float32, AdamW and clipping included, in turns of a few
steps in one process; the figures are medians over all steps but the first two of each turn. Ours takes the
float32 kernels that a long run would have chosen by trial; `--no-onednn` switches oneDNN off for every side.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from .. import nn as course_nn
from ..device import choose
from ..i18n import L
from ..training import fit
from ..training.onednn import OneDNN, available
from ..training.precision import Arithmetic, fastest
from .plain import plain_step

__all__ = ["main", "matmul_peak", "measure"]

SIZES: dict[str, dict[str, Any]] = {
    "small": dict(n_layer=4, n_head=4, d_model=128, context=64, batch_size=12, vocab_size=65),
    "medium": dict(n_layer=6, n_head=6, d_model=192, context=128, batch_size=16, vocab_size=4000),
}
SKIP = 2  # steps at the start of a turn: caches and allocators settle


def measure(
    n_layer: int,
    n_head: int,
    d_model: int,
    context: int,
    batch_size: int,
    vocab_size: int,
    *,
    rounds: int = 6,
    steps: int = 8,
    peers: bool = True,
    extra: bool = True,
) -> tuple[dict[str, float], Arithmetic]:
    """Median seconds of a step for each side, by name, and what our float32 ran on. Sides whose package is
    missing are left out."""
    torch.manual_seed(0)
    ids, device = torch.randint(vocab_size, (200_000,)), choose().device
    shape: dict[str, Any] = dict(
        vocab_size=vocab_size, context=context, n_layer=n_layer, n_head=n_head, d_model=d_model
    )
    sides: dict[str, Callable[[int], list[float]]] = {}
    model = course_nn.Decoder(course_nn.DecoderConfig(**shape)).to(device)
    batch = ids[: batch_size * (context + 1)].view(batch_size, -1).to(device)
    kernel = fastest(
        lambda: model(batch[:, :-1], targets=batch[:, 1:]),
        model,
        device,
        "float32",
        tokens=batch_size * context,
        steps=10**6,
    )

    def ours(precision, optimizer="adamw"):
        model = course_nn.Decoder(course_nn.DecoderConfig(**shape))
        return lambda n: (
            fit(
                model,
                ids,
                steps=n,
                batch_size=batch_size,
                lr=3e-4,
                show=False,
                precision=precision,
                optimizer=optimizer,
            ).seconds
        )

    def bare(model, logits_of):
        model.to(device).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1)
        on_device = ids.to(device)

        def turn(n):
            seconds = []
            for _ in range(n):
                start = time.perf_counter()
                plain_step(logits_of, optimizer, on_device, context, batch_size)
                seconds.append(time.perf_counter() - start)
            return seconds

        return turn

    gpt = course_nn.GPT(**shape)
    sides["ours"] = ours("float32")
    sides["plain loop"] = bare(gpt, gpt)
    if peers:
        from transformers import GPT2Config, GPT2LMHeadModel

        config = GPT2Config(
            vocab_size=vocab_size,
            n_positions=context,
            n_embd=d_model,
            n_layer=n_layer,
            n_head=n_head,
            resid_pdrop=0,
            embd_pdrop=0,
            attn_pdrop=0,
            bos_token_id=0,
            eos_token_id=0,
        )
        gpt2 = GPT2LMHeadModel(config)
        sides["transformers GPT-2"] = bare(gpt2, lambda x: gpt2(x).logits)
        trainer = _trainer(GPT2LMHeadModel(config), ids, context, batch_size)
        if trainer:
            sides["transformers Trainer"] = trainer
    if extra:
        sides["ours, muon"] = ours("float32", "muon")
    if extra and choose().dtype == torch.bfloat16:
        sides["ours, bfloat16"] = ours("bfloat16")
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds):
        order = list(sides) if turn % 2 == 0 else list(reversed(sides))
        for name in order:
            seconds[name] += sides[name](SKIP + steps)[SKIP:]
    return {name: statistics.median(values) for name, values in seconds.items()}, kernel


def _trainer(model, ids, context, batch_size) -> Callable[[int], list[float]] | None:
    try:
        import accelerate  # noqa: F401  (what Trainer needs)
    except ImportError:
        return None
    from transformers import Trainer, TrainerCallback, TrainingArguments
    from transformers.utils import logging

    class Windows(torch.utils.data.Dataset):
        def __len__(self):
            return len(ids) - context

        def __getitem__(self, i):
            return {"input_ids": ids[i : i + context], "labels": ids[i : i + context]}

    class Clock(TrainerCallback):
        def __init__(self):
            self.ends = []

        def on_step_end(self, *args, **kwargs):
            self.ends.append(time.perf_counter())

    def turn(n):
        clock = Clock()
        logging.disable_progress_bar()
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                folder,
                max_steps=n + 1,
                per_device_train_batch_size=batch_size,
                learning_rate=3e-4,
                weight_decay=0.1,
                report_to=[],
                logging_strategy="no",
                save_strategy="no",
                disable_tqdm=True,
                use_cpu=choose().device.type == "cpu",
            )
            Trainer(model=model, args=arguments, train_dataset=Windows(), callbacks=[clock]).train()
        return [b - a for a, b in zip(clock.ends, clock.ends[1:])]

    return turn


def matmul_peak(size: int = 1024, repeats: int = 7, kernel: AbstractContextManager | None = None) -> float:
    """The fastest square float32 matrix product here, in FLOP/s; kernel: the context to run it in, `OneDNN()`
    for one."""
    x, seconds = torch.randn(size, size, device=choose().device), []
    with kernel or nullcontext():
        for _ in range(repeats):
            start = time.perf_counter()
            (x @ x)[0, 0].item()
            seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)


def step_flops(
    n_layer: int, n_head: int, d_model: int, context: int, batch_size: int, vocab_size: int
) -> float:
    """FLOPs of the matrix products of one step: 6 for each weight and token (Kaplan et al. 2020), and
    attention's, causal half counted."""
    weights = 12 * n_layer * d_model**2 + d_model * vocab_size
    return batch_size * context * (6 * weights + 6 * n_layer * context * d_model)


def main(argv: list[str]) -> int:
    """Print a table for each size."""
    options = argparse.ArgumentParser(prog="course_lib bench train")
    options.add_argument("--size", choices=[*SIZES, "all"], default="all")
    options.add_argument("--rounds", type=int, default=6)
    options.add_argument("--threads", type=int, default=0, help="torch threads; 0: torch's choice")
    options.add_argument(
        "--no-onednn", action="store_true", help="PyTorch's own float32 kernels for every side"
    )
    chosen = options.parse_args(argv)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    if chosen.no_onednn:
        torch.backends.mkldnn.enabled = False  # type: ignore[assignment]      # a property of the module, which its stub does not say
    print(choose().reason)
    for size in SIZES if chosen.size == "all" else [chosen.size]:
        _table(size, chosen.rounds)
    return 0


def _table(size: str, rounds: int) -> None:
    shape, peaks = SIZES[size], [_peaks()]
    found, kernel = measure(**shape, rounds=rounds)
    peak, best = map(max, zip(*peaks, _peaks()))
    tokens, flops = shape["batch_size"] * shape["context"], step_flops(**shape)
    print(f"\n{size}: " + ", ".join(f"{key} {value}" for key, value in shape.items()))
    for name, seconds in found.items():
        print(
            L(
                zh="  {name:22} {rate:9,.0f} 词元/秒  {ms:8.1f} 毫秒/步  本课是它的 {ratio:.2f} 倍  "
                "{share:.0%} 峰值",
                en="  {name:22} {rate:9,.0f} tokens/s  {ms:8.1f} ms/step  ours is {ratio:.2f}x  "
                "{share:.0%} of peak",
            ).format(
                name=name,
                rate=tokens / seconds,
                ms=seconds * 1e3,
                ratio=seconds / found["ours"],
                share=flops / seconds / peak,
            )
        )
    print(
        L(
            zh="  float32 矩阵乘法峰值：PyTorch 的 x @ x {peak:.0f} GFLOP/s，最快的核 {best:.0f} "
            "GFLOP/s；{n} 线程；本课用 {kernel}",
            en="  float32 matrix-multiply peak: PyTorch's x @ x {peak:.0f} GFLOP/s, the fastest "
            "kernel {best:.0f} GFLOP/s; {n} threads; ours on {kernel}",
        ).format(
            peak=peak / 1e9,
            best=best / 1e9,
            n=torch.get_num_threads(),
            kernel="oneDNN" if kernel.onednn else "MKL",
        )
    )


def _peaks() -> tuple[float, float]:
    """PyTorch's own product, and the better of it and oneDNN's, in FLOP/s."""
    own = matmul_peak()
    return own, max(
        own, matmul_peak(kernel=OneDNN())
    ) if choose().device.type == "cpu" and available() else own
