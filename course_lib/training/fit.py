"""One training loop for the whole course.

    history = cl.fit(model, ids, steps=500, batch_size=12, lr=1e-3)                  # ids: 1-D tensor, random windows
    history = cl.fit(model, loader, steps=500, val_data=held_out, patience=3)        # loader: any iterable of batches
    history = cl.fit(model, ids, steps=5000, checkpoint="my-gpt")                    # interrupt, run again: it goes on

Started by torchrun or `accelerate launch` the same call trains on all processes with torch's DistributedDataParallel.
"""
from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..i18n import L
from . import checkpoint as checkpoints
from .data import batches, context_of, default_loss, share, to_device, tokens_in
from .distributed import Processes
from .history import Diverged, History, Live, TrainingError
from .interrupt import at_a_step_boundary, own_random_numbers
from .onednn import faster
from .optim import adamw, learning_rate
from .precision import arithmetic, fastest

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["fit"]


def fit(model: nn.Module, data: Tensor | Iterable, *, steps: int = 1000, batch_size: int = 16, lr: float = 3e-4,
        context: int | None = None, loss: Callable[[nn.Module, Any], Tensor] | None = None, val_data: Tensor | Iterable | None = None,
        eval_every: int | None = None, eval_batches: int = 20, patience: int | None = None, warmup: int | None = None,
        min_lr: float | None = None, weight_decay: float = 0.1, betas: tuple[float, float] = (0.9, 0.95), clip: float | None = 1.0,
        accumulate: int = 1, checkpoint: str | Path | None = None, save_every: int = 200, precision: str = "auto",
        compile: bool = False, seed: int = 0, show: bool = True) -> History:
    """Train `model` in place for `steps` optimiser steps and return the History.

    data: long [N], from which each step takes batch_size random windows of context + 1 ids, or an iterable of batches
        (`training.default_loss` lists the kinds; for any other pass `loss(model, batch)` -> scalar).
    context: window length, by default the model's. accumulate: batches a step; their gradients are averaged.
    lr, warmup, min_lr: straight up to lr in `warmup` steps (default a tenth of the run, at most 100), then a cosine to min_lr (lr / 10).
    val_data: like data; its loss is measured on eval_batches batches every eval_every steps (default a tenth of the run) and at
        the end. patience: stop after so many evaluations without a new best; the model then has the best weights.
    clip: the longest gradient (2-norm); None: any. checkpoint: a name or a path; written every save_every steps, at an interrupt
        and at the end; an unfinished run goes on from there, with the losses it would have had.
    precision: "float32", "bfloat16" (autocast), or "auto": bfloat16 if a whole step is measured faster in it.
    compile: run the model through torch.compile; it needs a C++ compiler and pays in runs of minutes.

    The model moves to `course_lib.device()`. ValueError: data or numbers it cannot use. Diverged: the loss is no number any more.
    """
    for name, value in (("steps", steps), ("batch_size", batch_size), ("accumulate", accumulate), ("lr", lr)):
        if not value > 0:
            raise TrainingError(L(zh="{name} 必须大于 0，而不是 {value}", en="{name} must be greater than 0, not {value}").format(name=name, value=value))
    run = _Run(model, data, val_data, loss, batch_size, context or context_of(model), accumulate, eval_batches, seed)
    run.optimizer = adamw(model, lr, betas, weight_decay)
    warmup = min(100, steps // 10) if warmup is None else warmup
    min_lr = lr / 10 if min_lr is None else min_lr
    eval_every = max(1, steps // 10) if eval_every is None else eval_every
    history, bad, best = History(), 0, None
    path = None if checkpoint is None else checkpoints.place(checkpoint)
    settings = dict(steps=steps, batch_size=batch_size, lr=lr, context=run.context, warmup=warmup, min_lr=min_lr, accumulate=accumulate,
                    weight_decay=weight_decay, betas=list(betas), clip=clip, seed=seed)
    if path is not None and path.exists():
        notes, best = checkpoints.load(path, model, run.optimizer, settings)
        history, bad = History.from_dict(notes["history"]), notes["bad"]
    live = Live(history, steps, show and run.processes.first)

    def save():
        if path is not None and run.processes.first:
            checkpoints.save(path, model, run.optimizer, best, {"settings": settings, "history": asdict(history), "bad": bad})

    with own_random_numbers(run.device), at_a_step_boundary() as interrupt:
        run.prepare(history, precision, compile, steps)
        for step in run.remaining:
            run.gradients(learning_rate(step, steps, lr, min_lr, warmup))
            run.update(clip)
            last = step + 1 == steps
            if val_data is not None and ((step + 1) % eval_every == 0 or last):
                value = run.validate()
                better = not history.val_loss or value < min(history.val_loss)
                bad = 0 if better else bad + 1
                history.val_steps.append(step + 1)
                history.val_loss.append(value)
                if patience is not None and better:
                    best = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
                if patience is not None and bad >= patience and not last:
                    history.stopped = L(zh="验证损失连续 {n} 次没有变好，提前停止", en="Stopped early: {n} evaluations without a new best").format(n=bad)
            ended = last or history.stopped is not None
            if ended and best is not None:
                model.load_state_dict(best)
            if ended or interrupt.requested or (step + 1) % save_every == 0:
                run.flush()
                save()
            if interrupt.requested:
                raise KeyboardInterrupt
            if ended:
                break
            live.update()
    live.finish()
    return history


class _Run:
    """The mechanics of one run: where the batches come from, how a gradient is made, what time it took."""

    def __init__(self, model, data, val_data, loss, batch_size, context, accumulate, eval_batches, seed):
        self.processes = Processes()
        self.device = self.processes.device
        self.model, self.data, self.val_data = model.to(self.device), data, val_data
        self.loss = loss or default_loss
        self.batch_size, self.context, self.accumulate, self.eval_batches, self.seed = batch_size, context, accumulate, eval_batches, seed
        self.pending: list[tuple[Tensor, float, int]] = []      # steps whose loss has not been read from the device
        self.patient = 1 if self.device.type == "cpu" else 10   # reading waits for a GPU, so it is done for ten steps at once

    def prepare(self, history: History, precision: str, compile: bool, steps: int) -> None:
        """Choose the precision with the first batch, then line up the batches that are left."""
        self.history, done = history, len(history.loss)
        self.remaining = range(done, steps if history.stopped is None else 0)
        runner = torch.compile(self.model) if compile else self.model
        self.model.train()
        if not done:
            batch = self._own(next(batches(self.data, self.batch_size, self.context, self.seed, 0)))
            compiled = compile or any(module._compiled_call_impl for module in self.model.modules())      # by model.compile(), before fit
            history.onednn = self.processes.agree(self.device.type == "cpu" and not compiled and faster())
            history.precision = self.processes.agree(fastest(lambda: self.loss(runner, batch), self.model, self.device, precision, history.onednn))
        self.runner = self.processes.wrap(runner)
        self.batches = batches(self.data, self.batch_size, self.context, self.seed, done * self.accumulate)
        self.clock = time.perf_counter()

    def gradients(self, rate: float) -> None:
        """Forward and backward through `accumulate` batches; Diverged if the loss is no number."""
        self.rate, total, tokens = rate, 0.0, 0
        for part in range(self.accumulate):
            whole = next(self.batches)
            tokens += tokens_in(whole)
            with self.processes.exchange(self.runner, part + 1 == self.accumulate):
                with self._arithmetic():
                    loss = self.loss(self.runner, self._own(whole)) / self.accumulate
                loss.backward()
            total = total + loss.detach()
        self.pending.append((self.processes.mean(total), rate, tokens))
        if len(self.pending) >= self.patient:
            self.flush()

    def update(self, clip: float | None) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def flush(self) -> None:
        """Move finished steps into the history."""
        losses = torch.stack([loss for loss, _, _ in self.pending]).tolist() if self.pending else []
        now = time.perf_counter()
        for value, (_, rate, tokens) in zip(losses, self.pending):
            if not math.isfinite(value):
                raise Diverged(L(zh="第 {step} 步的损失是 {value}，训练已停止。可以试试：学习率减到十分之一（现在是 {rate:.1e}），warmup 加长，clip 调小，或检查这一步的数据",
                                     en="The loss is {value} at step {step}; training has stopped. Try a tenth of the learning rate (it is {rate:.1e}), a "
                                        "longer warmup, a smaller clip, or look at the data of this step").format(
                                            step=len(self.history.loss) + 1, value=value, rate=rate))
            self.history.loss.append(value)
            self.history.lr.append(rate)
            self.history.tokens.append(tokens)
            self.history.seconds.append((now - self.clock) / len(losses))
        self.pending, self.clock = [], now

    @torch.no_grad()
    def validate(self) -> float:
        """Mean loss in nats over the same batches of val_data every time."""
        self.flush()
        self.model.eval()
        with own_random_numbers(self.device), self._arithmetic():
            source = (batches(self.val_data, self.batch_size, self.context, self.seed, 0) if isinstance(self.val_data, torch.Tensor) else self.val_data)
            values = [self.loss(self.model, to_device(batch, self.device)).item() for batch in islice(source, self.eval_batches)]
        self.model.train()
        if not values:
            raise TrainingError(L(zh="val_data 里没有批次：它是空的，或是只能走一遍的生成器", en="val_data has no batches: it is empty, or a generator that runs only once"))
        self.clock = time.perf_counter()
        return sum(values) / len(values)

    def _own(self, batch: Any) -> Any:
        return to_device(share(batch, self.processes.rank, self.processes.world) if self.processes.world > 1 else batch, self.device)

    def _arithmetic(self):
        return arithmetic(self.device, self.history.precision, self.history.onednn)
