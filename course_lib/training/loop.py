"""One training loop for the whole course.

    history = cl.fit(model, ids, steps=500, batch_size=12, lr=1e-3)  # ids: 1-D tensor, random windows
    # loader: any iterable of batches
    history = cl.fit(model, loader, steps=500, val_data=held_out, patience=3)
    history = cl.fit(model, ids, steps=5000, checkpoint="my-gpt")  # interrupt, run again: it goes on

Started by torchrun or `accelerate launch` the same call trains on all processes with torch's
DistributedDataParallel.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from ..i18n import L
from ..models.failure import ModelError
from ..models.protocol import Model, model_of
from . import checkpoint as checkpoints
from .data import batches, check, check_ids, default_loss, fingerprint, in_range, share, to_device, tokens_in
from .distributed import Processes
from .history import Diverged, History, Live, TrainingError
from .interrupt import at_a_step_boundary, own_random_numbers
from .optim import learning_rate, optimizers
from .precision import Arithmetic, fastest

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["fit"]


def fit(
    model,
    data: Tensor | Iterable,
    *,
    steps: int = 1000,
    batch_size: int = 16,
    lr: float = 3e-4,
    optimizer: str = "adamw",
    context: int | None = None,
    loss: Callable[[Any, Any], Tensor] | None = None,
    val_data: Tensor | Iterable | None = None,
    eval_every: int | None = None,
    eval_batches: int = 20,
    patience: int | None = None,
    warmup: int | None = None,
    min_lr: float | None = None,
    weight_decay: float = 0.1,
    betas: tuple[float, float] = (0.9, 0.95),
    clip: float | None = 1.0,
    accumulate: int = 1,
    checkpoint: str | Path | None = None,
    save_every: int = 200,
    precision: str = "auto",
    compile: bool = False,
    seed: int = 0,
    show: bool = True,
) -> History:
    """Train `model` in place for `steps` optimiser steps and return the History.

    model: what `load` returned, a transformers model, a ported one, a model of `course_lib.nn`, or any other
        torch module. Afterwards it is in the mode (training or evaluation) in which it came.
    data: long [N], from which each step takes batch_size random windows of context + 1 ids, or an iterable of
        batches (`training.default_loss` lists the kinds; for any other pass `loss(model, batch)` -> scalar).
    context: window length, by default the model's. accumulate: batches a step; their gradients are averaged.
    lr, warmup, min_lr: straight up to lr in `warmup` steps (default a tenth of the run, at most 100), then a
    cosine to min_lr (lr / 10).
    val_data: like data; its loss is measured on eval_batches batches every eval_every steps (default a tenth
    of the run) and at
        the end. patience: stop after so many evaluations without a new best; the model then has the best
        weights.
    optimizer: "adamw", or "muon": Muon for the matrices of the hidden layers and AdamW for the rest. With 4
        layers of width 128, a batch of 8 x 128 and the best of three rates for each (Muon's was four times
        AdamW's), it took 40 to 60 steps to the loss of AdamW's
        160: 0.30 to 0.40 of the time, or 0.31 to 0.45 with AVX2 for AVX-512 (three seeds, CPU seconds of one
        thread).
    clip: the longest gradient (2-norm); None: any. checkpoint: a name or a path; written every save_every
        steps, at an interrupt and at the end; an unfinished run goes on from there, with the losses it would
        have had. It belongs to these settings, this data and this shape of model (not: this loss function);
        of an iterable only class, length and first batch are compared. If it cannot be written, the run goes
        on with a warning, and only a last write that fails is an error.
    precision: "float32", "bfloat16" (autocast), or "auto": bfloat16 if it is measured faster, which only a
        run of some 200 steps is worth (`training.precision`).
    compile: run the model through torch.compile; it needs a C++ compiler and pays in runs of minutes.

    The model moves to `course_lib.device()`. TrainingError (a ValueError): data, numbers or a checkpoint it
    cannot use. Diverged: loss, gradient or weights are no numbers any more; nothing of that is written to the
    checkpoint. Both carry the `history` up to there.
    """
    in_range(
        dict(
            steps=steps,
            batch_size=batch_size,
            accumulate=accumulate,
            eval_every=eval_every,
            eval_batches=eval_batches,
            save_every=save_every,
            patience=patience,
            context=context,
        ),
        whole=True,
    )
    in_range(dict(lr=lr, clip=clip))
    in_range(dict(warmup=warmup, min_lr=min_lr, weight_decay=weight_decay), zero=True)
    warmup = min(100, steps // 10) if warmup is None else warmup
    min_lr = lr / 10 if min_lr is None else min_lr
    eval_every = max(1, steps // 10) if eval_every is None else eval_every
    if patience is not None and val_data is None:
        raise TrainingError(
            zh="patience 要看验证损失：请同时传入 val_data=",
            en="patience watches the validation loss: pass val_data= as well",
        )
    path = None if checkpoint is None else checkpoints.place(checkpoint)
    known = _trainee(model)
    model, mode = known.net, known.net.training
    run = _Run(
        known,
        data,
        val_data,
        loss,
        batch_size,
        context or known.context,
        accumulate,
        eval_batches,
        seed,
        path,
    )
    run.optimizers = optimizers(model, optimizer, lr, betas, weight_decay)
    history, bad, best = run.history, 0, None
    if path is not None:
        with own_random_numbers(run.device):
            contents = {
                name: fingerprint(values, batch_size, run.context, seed)
                for name, values in (("data", data), ("val_data", run.val_data))
            }
        settings = (
            dict(
                steps=steps,
                batch_size=batch_size,
                lr=lr,
                context=run.context,
                warmup=warmup,
                min_lr=min_lr,
                accumulate=accumulate,
                weight_decay=weight_decay,
                betas=list(betas),
                clip=clip,
                seed=seed,
                optimizer=optimizer,
            )
            | contents
            | checkpoints.describe(model)
        )
        if path.exists():
            history, bad, best = checkpoints.load(path, model, run.optimizers, settings, precision)
            run.history, run.saved = history, len(history.loss)
    live = Live(history, steps, show and run.processes.first)

    def save(last: bool) -> None:
        run.flush()
        run.sound()
        if path is None or not run.processes.first:
            return
        try:
            checkpoints.save(
                path,
                model,
                run.optimizers,
                best,
                {"settings": settings, "history": asdict(history), "bad": bad},
            )
            run.saved = len(history.loss)
        except TrainingError as error:
            if last:
                raise
            warnings.warn(str(error), stacklevel=3)

    try:
        with own_random_numbers(run.device), at_a_step_boundary() as interrupt:
            run.prepare(precision, compile, steps)
            for step in run.remaining:
                run.gradients(learning_rate(step, steps, lr, min_lr, warmup), clip)
                run.update()
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
                        history.stopped = L(
                            zh="验证损失连续 {n} 次没有变好，提前停止",
                            en="Stopped early: {n} evaluations without a new best",
                        ).format(n=bad)
                ended = last or history.stopped is not None
                if ended and best is not None:
                    model.load_state_dict(best)
                if ended or interrupt.requested or (step + 1) % save_every == 0:
                    save(ended or interrupt.requested)
                if interrupt.requested:
                    raise KeyboardInterrupt
                if ended:
                    break
                live.update()
    except (Diverged, TrainingError) as error:
        error.history = history
        raise
    finally:
        model.train(mode)
    live.finish()
    return history


def _trainee(model) -> Model:
    try:
        known = model_of(model)
    except ModelError as error:
        raise TrainingError(zh=error.message.zh, en=error.message.en) from error
    if not isinstance(known.net, torch.nn.Module):
        raise TrainingError(
            zh="{model} 没有权重，训练不了：fit 要一个 torch.nn.Module",
            en="{model} has no weights to train: fit takes a torch.nn.Module",
            model=known.title,
        )
    return known


class _Run:
    """The mechanics of one run: where the batches come from, how a gradient is made, what time it took."""

    optimizers: dict[str, torch.optim.Optimizer]

    def __init__(
        self, known: Model, data, val_data, loss, batch_size, context, accumulate, eval_batches, seed, path
    ):
        self.processes = Processes()
        self.device = self.processes.device
        model, self.vocabulary, longest = known.net, known.vocabulary, known.context
        if context and longest and context > longest:
            raise TrainingError(
                zh="context={context} 超过模型的上下文 {longest}：请减小 context，或建一个上下文更长的模型",
                en="context={context} is more than the model's context of {longest}: use a smaller one, "
                "or a model with a longer context",
                context=context,
                longest=longest,
            )
        if isinstance(val_data, Iterator):  # every evaluation needs the same batches
            val_data = list(islice(val_data, eval_batches))
        for name, values in (("data", data), ("val_data", val_data)):
            if values is not None or name == "data":
                check(values, name, context, self.vocabulary)
        self.model, self.data, self.val_data, self.objective = (
            model.to(self.device),
            data,
            val_data,
            loss or default_loss,
        )
        self.trained = [p for p in model.parameters() if p.requires_grad]
        if not self.trained:
            raise TrainingError(
                zh="模型没有可训练的权重：每个参数的 requires_grad 都是 False",
                en="the model has no weights to train: requires_grad is False for all of them",
            )
        self.batch_size, self.context, self.accumulate, self.eval_batches, self.seed = (
            batch_size,
            context,
            accumulate,
            eval_batches,
            seed,
        )
        self.path, self.saved, self.history = path, 0, History()
        # steps whose numbers have not been read from the device
        self.pending: list[tuple[Tensor, Tensor, float, int]] = []
        # reading waits for a GPU, so it is done for ten steps at once
        self.patient = 1 if self.device.type == "cpu" else 10

    def prepare(self, precision: str, compile: bool, steps: int) -> None:
        """Choose the arithmetic with the first batch, then line up the batches that are left."""
        done = len(self.history.loss)
        self.remaining = range(done, steps if self.history.stopped is None else 0)
        runner: Any = torch.compile(self.model) if compile else self.model
        self.model.train()
        if not done:
            # a generator's first batch is for the first step, not for a trial
            once = isinstance(self.data, Iterator)
            batch = (
                None
                if once
                else self._own(next(batches(self.data, self.batch_size, self.context, self.seed, 0)))
            )
            # by model.compile(), before fit
            compiled = compile or any(module._compiled_call_impl for module in self.model.modules())
            self.history.precision, self.history.onednn = self.processes.agree(
                fastest(
                    lambda: self.loss(runner, batch),
                    self.model,
                    self.device,
                    precision,
                    tokens=tokens_in(batch),
                    compiled=compiled,
                    steps=0 if once else steps * self.accumulate,
                )
            )
        self.arithmetic = Arithmetic(self.history.precision, self.history.onednn)
        self.runner = self.processes.wrap(runner)
        self.batches = batches(self.data, self.batch_size, self.context, self.seed, done * self.accumulate)
        self.clock = time.perf_counter()

    def loss(self, model: Any, batch: Any) -> Tensor:
        """The objective; a sentence where a batch holds ids that the model does not know."""
        try:
            return self.objective(model, batch)
        except IndexError:  # "index out of range in self" says little
            check_ids(batch, L(zh="这一批数据", en="this batch"), self.vocabulary)
            raise

    def gradients(self, rate: float, clip: float | None) -> None:
        """Forward and backward through `accumulate` batches, and the clipping; Diverged if loss or gradient
        is no number."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate
        total, tokens = torch.zeros((), device=self.device), 0
        for part in range(self.accumulate):
            whole = next(self.batches)
            tokens += tokens_in(whole)
            with self.processes.exchange(self.runner, part + 1 == self.accumulate):
                with self.arithmetic.context(self.device):
                    loss = self.loss(self.runner, self._own(whole)) / self.accumulate
                if not loss.requires_grad:
                    raise TrainingError(
                        zh="损失和可训练的权重没有关系："
                        "loss 里是不是用了 .detach()、.item() 或 torch.no_grad()？",
                        en="the loss does not depend on any weight to train: "
                        "is there a .detach(), .item() or torch.no_grad() in it?",
                    )
                loss.backward()
            total = total + loss.detach()
        norm = get_total_norm([p.grad for p in self.trained if p.grad is not None])
        self.pending.append((self.processes.mean(total), norm, rate, tokens))
        if len(self.pending) >= self.patient:
            self.flush()
        # to ask a GPU would be to wait for it
        if clip is not None and (self.device.type != "cpu" or norm > clip):
            clip_grads_with_norm_(self.trained, clip, norm)

    def update(self) -> None:
        for optimizer in self.optimizers.values():
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def flush(self) -> None:
        """Move finished steps into the history."""
        if not self.pending:
            self.clock = time.perf_counter()
            return
        losses, norms = (torch.stack(column).tolist() for column in list(zip(*self.pending))[:2])
        now = time.perf_counter()
        for value, norm, (_, _, rate, tokens) in zip(losses, norms, self.pending):
            step = len(self.history.loss) + 1
            if not math.isfinite(value):
                self.diverged(
                    L(zh="第 {step} 步的损失是 {value}", en="The loss is {value} at step {step}").format(
                        step=step, value=value
                    ),
                    rate,
                )
            if not math.isfinite(norm):
                self.diverged(
                    L(
                        zh="第 {step} 步的损失是有限的数，梯度却是 {norm}",
                        en="The gradient is {norm} at step {step}, though the loss is finite",
                    ).format(step=step, norm=norm),
                    rate,
                )
            self.history.loss.append(value)
            self.history.lr.append(rate)
            self.history.tokens.append(tokens)
            self.history.seconds.append((now - self.clock) / len(losses))
        self.pending, self.clock = [], now

    def sound(self) -> None:
        """Diverged if a trained weight is no number: the last update may have done it, and no later loss
        shows that."""
        if not all(torch.stack([p.detach().isfinite().all() for p in self.trained]).tolist()):
            self.diverged(
                L(
                    zh="第 {step} 步之后，权重里有 nan 或无穷大",
                    en="Some weights are nan or infinite after step {step}",
                ).format(step=len(self.history.loss)),
                self.history.lr[-1],
            )

    def diverged(self, what: L, rate: float) -> NoReturn:
        """Raise it, with what to try and what is left."""
        kept = L(
            zh="。检查点 {path} 仍停在第 {n} 步，没有动过",
            en=". The checkpoint {path} is untouched, at step {n}",
        ).format(path=self.path, n=self.saved)
        raise Diverged(
            zh="{what}，训练已停止。可以试试：学习率减到十分之一（现在是 {rate:.1e}），warmup 加长，"
            "clip 调小，或检查这一步的数据{kept}",
            en="{what}; training has stopped. Try a tenth of the learning rate (it is {rate:.1e}), "
            "a longer warmup, a smaller clip, or look at the data of this step{kept}",
            what=what,
            rate=rate,
            kept=kept if self.saved else "",
        )

    @torch.no_grad()
    def validate(self) -> float:
        """Mean loss in nats over the same batches of val_data every time."""
        self.flush()
        self.model.eval()
        with own_random_numbers(self.device), self.arithmetic.context(self.device):
            source = (
                batches(self.val_data, self.batch_size, self.context, self.seed, 0)
                if isinstance(self.val_data, torch.Tensor)
                else self.val_data
            )
            values = [
                self.loss(self.model, to_device(batch, self.device)).item()
                for batch in islice(source, self.eval_batches)
            ]
        self.model.train()
        if not values:
            raise TrainingError(
                zh="val_data 里没有批次：它是空的，或是只能走一遍的生成器",
                en="val_data has no batches: it is empty, or a generator that runs only once",
            )
        self.clock = time.perf_counter()
        mean = sum(values) / len(values)
        if not math.isfinite(mean):
            self.diverged(
                L(
                    zh="第 {step} 步之后，验证损失是 {value}",
                    en="The validation loss is {value} after step {step}",
                ).format(step=len(self.history.loss), value=mean),
                self.history.lr[-1],
            )
        return mean

    def _own(self, batch: Any) -> Any:
        return to_device(
            share(batch, self.processes.rank, self.processes.world) if self.processes.world > 1 else batch,
            self.device,
        )
