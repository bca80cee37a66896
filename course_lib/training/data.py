"""Batches. Which batch a step gets depends on the seed and the step alone: that is what makes resuming
exact."""

from __future__ import annotations

import hashlib
import inspect
import itertools
import math
import numbers
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from ..i18n import L
from ..models.family import family_of
from ..nn import Decoder
from .history import TrainingError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = [
    "batches",
    "check",
    "check_ids",
    "default_loss",
    "fingerprint",
    "in_range",
    "pair_batch",
    "seed_of",
    "share",
    "to_device",
    "tokens_in",
]


def seed_of(seed: int, number: int) -> int:
    """A seed of its own for every batch."""
    return (seed * 1_000_003 + number) % 2**63


def reseed(seed: int) -> None:
    """torch's own generators, on every device in use. `torch.manual_seed` does the same, but with a GPU that
    is not there it takes down the caller's whole stack each time, in case one is started later: half a
    millisecond, and memory that is never given back."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)


def in_range(values: dict[str, Any], whole: bool = False, zero: bool = False) -> None:
    """TrainingError unless every value is a finite number (or None) above 0, or with `zero` from 0 on."""
    for name, value in values.items():
        if value is None:
            continue
        number = isinstance(value, numbers.Integral if whole else numbers.Real) and math.isfinite(value)
        if not number or not (value >= 0 if zero else value > 0):
            least = L(zh="不小于 0", en="0 or more") if zero else L(zh="大于 0", en="greater than 0")
            kind = L(zh="整数", en="a whole number") if whole else L(zh="数", en="a number")
            raise TrainingError(
                zh="{name} 必须是{least}的{kind}，而不是 {value!r}",
                en="{name} must be {kind} {least}, not {value!r}",
                name=name,
                least=least,
                kind=kind,
                value=value,
            )


def check(data: Any, name: str, context: int | None, vocabulary: int | None) -> None:
    """TrainingError if `data` (called `name` by the reader) cannot be trained on; of an iterable only what
    shows without going through it."""
    ids = isinstance(data, torch.Tensor)
    if (
        data.dim() != 1 or data.is_floating_point() or data.is_complex()
        if ids
        else not isinstance(data, Iterable)
    ):
        raise TrainingError(
            zh="{name} 应是一维整数张量（词元编号），或由批次组成的可迭代对象，而不是 {kind}",
            en="{name} must be a 1-D tensor of token ids or an iterable of batches, not {kind}",
            name=name,
            kind=f"{data.dtype} {list(data.shape)}" if ids else type(data).__name__,
        )
    if not ids:
        return
    if context is None:
        raise TrainingError(zh="不知道窗口多长：请传入 context=", en="how long is a window? pass context=")
    if len(data) <= context:
        raise TrainingError(
            zh="{name} 只有 {n} 个词元，装不下一个 {context} + 1 的窗口：换更多文本，或减小 context",
            en="{name} has {n} tokens, fewer than one window of {context} + 1: "
            "use more text or a smaller context",
            name=name,
            n=len(data),
            context=context,
        )
    check_ids(data, L(zh=f"{name} ", en=name), vocabulary)


def check_ids(batch: Any, name: L, vocabulary: int | None) -> None:
    """TrainingError if a tensor in `batch` holds an id that the vocabulary does not have; -100 is none, but
    "not counted"."""
    if not isinstance(batch, torch.Tensor):
        for part in (
            batch.values()
            if isinstance(batch, Mapping)
            else batch
            if isinstance(batch, (list, tuple))
            else ()
        ):
            check_ids(part, name, vocabulary)
    elif (
        vocabulary is not None
        and batch.numel()
        and not (batch.is_floating_point() or batch.is_complex() or batch.dtype == torch.bool)
    ):
        low, high = (int(x) for x in batch.aminmax())
        if high >= vocabulary or low < 0 and (batch[batch < 0] != -100).any():
            raise TrainingError(
                zh="{name}里有编号 {id}，而模型的词表只有 0..{last}：换用和这个模型配套的分词器，"
                "或把词表建大",
                en="{name} holds the id {id}, but the model's vocabulary is 0..{last}: "
                "use the tokenizer that belongs to this model, or build it with a larger vocabulary",
                name=name,
                id=high if high >= vocabulary else low,
                last=vocabulary - 1,
            )


def fingerprint(data: Any, batch_size: int, context: int | None, seed: int) -> str:
    """A line that tells one data set from another: shape and sha256 of a tensor or a list. Of any other
    iterable its class, its length and its first batch are known, of a generator only that it is one."""
    if isinstance(data, (torch.Tensor, list, tuple)):
        shape = (
            f"{data.dtype} {list(data.shape)}"
            if isinstance(data, torch.Tensor)
            else f"{type(data).__name__} [{len(data)}]"
        )
        return f"{shape} {_digest(data)}".removeprefix("torch.")
    kind = type(data).__name__
    if data is None or isinstance(data, Iterator):
        return kind
    sizes = [len(part) for part in (data, getattr(data, "dataset", None)) if hasattr(part, "__len__")]
    try:
        first, again = (_digest(next(batches(data, batch_size, context, seed, 0))) for _ in range(2))
    except TypeError:  # a loader over an endless set has a __len__ that fails, and more of that sort
        return kind
    # what draws its own random numbers differs each time
    return f"{kind} {sizes} {first if first == again else ''}".strip()


def _digest(value: Any) -> str:
    found = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            found.update(f"{value.dtype}{list(value.shape)}".encode())
            found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        elif isinstance(value, Mapping):
            for key in sorted(value, key=str):
                found.update(str(key).encode())
                add(value[key])
        elif isinstance(value, (list, tuple)):
            found.update(f"{len(value)}:".encode())
            for part in value:
                add(part)
        else:
            found.update(
                repr(value).encode()
                if isinstance(value, (str, bytes, int, float, type(None)))
                else type(value).__name__.encode()
            )

    add(value)
    return found.hexdigest()[:12]


def batches(
    data: Tensor | Iterable, batch_size: int, context: int | None, seed: int, start: int
) -> Iterator[Any]:
    """Endless batches from number `start` on: random windows [B, context + 1] of a 1-D tensor of ids, or an
    iterable gone through again and again. torch's generator is seeded anew before every batch, so whatever is
    drawn while the batch is made (a DataLoader's order, masks) and used (dropout) is the same when a run is
    resumed there."""
    return (
        _windows(data, batch_size, context, seed, start)
        if isinstance(data, torch.Tensor)
        else _passes(data, seed, start)
    )


def _windows(ids: Tensor, batch_size: int, context: int, seed: int, start: int) -> Iterator[Tensor]:
    windows = ids.unfold(0, context + 1, 1)  # a view [N, context + 1]: nothing is copied
    for number in itertools.count(start):
        reseed(seed_of(seed, number))
        yield windows[torch.randint(len(windows), (batch_size,))].long()


def _passes(data: Iterable, seed: int, start: int) -> Iterator[Any]:
    number, nothing = 0, object()
    while True:
        reseed(seed_of(seed, number))
        passing, first = iter(data), number
        while True:
            reseed(seed_of(seed, number))
            batch = next(passing, nothing)
            if batch is nothing:
                break
            if number >= start:
                yield batch
            number += 1
        if number == first:
            raise TrainingError(
                zh="data 里没有（更多）批次：它是空的，或是只能走一遍的生成器。请传入列表或 DataLoader",
                en="data has no (more) batches: it is empty, or a generator that runs only once. "
                "Pass a list or a DataLoader",
            )


def to_device(batch: Any, device: torch.device) -> Any:
    """The same batch with every tensor on `device`."""
    if isinstance(batch, torch.Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, Mapping):
        return {key: to_device(value, device) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return type(batch)(to_device(value, device) for value in batch)
    return batch


def tokens_in(batch: Any) -> int:
    """How many tokens a batch has: those of its first tensor of ids (of a window [B, T + 1], the T that are
    read)."""
    if isinstance(batch, torch.Tensor):
        return len(batch) * (batch.shape[-1] - 1)
    values = (
        batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, (list, tuple)) else ()
    )
    return next((value.numel() for value in values if isinstance(value, torch.Tensor)), 0)


def share(batch: Any, rank: int, world: int) -> Any:
    """Every world-th row, from row `rank` on: what one of several processes works on."""
    if isinstance(batch, torch.Tensor):
        if batch.dim() and len(batch) % world:
            raise TrainingError(
                zh="一批 {n} 行不能平均分给 {world} 个进程",
                en="a batch of {n} rows cannot be shared by {world} processes evenly",
                n=len(batch),
                world=world,
            )
        return batch[rank::world] if batch.dim() else batch
    if isinstance(batch, Mapping):
        return {key: share(value, rank, world) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return type(batch)(share(value, rank, world) for value in batch)
    return batch


def default_loss(model: nn.Module, batch: Any) -> Tensor:
    """The mean cross-entropy in nats, a scalar, for the kinds of batch that need no explanation:

    - a tensor [B, T + 1]: position t predicts token t + 1;
    - a mapping for a model whose forward takes `labels` (transformers): model(**batch).loss;
    - any other mapping with `labels`: model(**the rest) gives logits [..., V] for labels [...], -100 = not
    counted;
    - a pair (input, labels): the same with model(input).
    """
    # inside DistributedDataParallel, torch.compile
    inner = getattr(model, "module", getattr(model, "_orig_mod", model))
    origin, family = family_of(inner)
    if isinstance(batch, torch.Tensor):
        if family != "causal":
            raise _unfit(inner, family)
        if isinstance(inner, Decoder):  # its own loss is the same number, faster
            return model(batch[:, :-1], targets=batch[:, 1:])
        return _entropy(model(batch[:, :-1]), batch[:, 1:])
    if (
        isinstance(batch, Mapping)
        and "labels" in batch
        and "labels" in inspect.signature(inner.forward).parameters
    ):
        return model(**batch).loss
    if (origin, family) == ("course", "encoder"):
        raise TrainingError(
            zh="{model} 没有输出头，给出的是隐状态，不是 logits：建模时加 mlm_head=True，或传入 "
            "loss=函数(model, batch)",
            en="{model} has no head: it gives hidden states, no logits. Build it with mlm_head=True, "
            "or pass loss=function(model, batch)",
            model=type(inner).__name__,
        )
    if isinstance(batch, Mapping) and "labels" in batch:
        return _entropy(
            model(**{key: value for key, value in batch.items() if key != "labels"}), batch["labels"]
        )
    if isinstance(batch, (list, tuple)) and len(batch) == 2:
        if (origin, family) == ("course", "seq2seq"):
            raise _unfit(inner, family)
        return _entropy(model(batch[0]), batch[1])
    raise TrainingError(
        zh="不知道怎样从这种批次（{kind}）算损失：请传入 loss=函数(model, batch)",
        en="no rule for the loss of such a batch ({kind}): pass loss=function(model, batch)",
        kind=type(batch).__name__,
    )


_WHY = {
    "masked": L(
        zh="它两边的词都看得见，预测“下一个词元”等于照抄",
        en="it sees both sides of a word, so that predicting the next token would be copying it",
    ),
    "encoder": L(
        zh="它不预测词元，只给出向量或类别", en="it predicts no tokens, it gives vectors or classes"
    ),
    "seq2seq": L(
        zh="它由一段原文写出另一段，只有一串编号不够",
        en="it writes one text from another, and one row of ids is not enough for that",
    ),
}


def _unfit(model: nn.Module, family: str) -> TrainingError:
    return TrainingError(
        zh='{model} 不能这样训练：{why}。请给出批次 {{…, "labels": …}}（不计损失的位置写 '
        "-100），或传入 loss=函数(model, batch)",
        en='{model} cannot be trained like this: {why}. Give batches {{…, "labels": …}}, '
        "with -100 where no loss counts, or pass loss=function(model, batch)",
        model=type(model).__name__,
        why=_WHY[family],
    )


def _entropy(output: Any, labels: Tensor) -> Tensor:
    logits = getattr(output, "logits", output)
    if not torch.is_tensor(logits) or logits.shape[:-1] != labels.shape:
        raise TrainingError(
            zh="模型给出的是 {given}，标签的形状是 {labels}：每个标签都要有 logits，形状是 "
            "{labels} 再加一维；请换一个带输出头的模型，或传入 loss=函数(model, batch)",
            en="the model gives {given} and the labels have the shape {labels}: "
            "it takes logits for each label, {labels} and one more axis. "
            "Take a model with a head, or pass loss=function(model, batch)",
            given=list(logits.shape) if torch.is_tensor(logits) else type(logits).__name__,
            labels=list(labels.shape),
        )
    return F.cross_entropy(logits.flatten(0, -2), labels.flatten())  # (N, V), (N,)


def pair_batch(
    pairs: Iterable[tuple[list[int], list[int]]], pad: int = 0, start: int = 1, end: int = 2
) -> dict[str, Tensor]:
    """A batch for an encoder-decoder from B pairs (source ids, target ids) of any lengths: ids, mask [B,S];
    target, labels [B,T].

    The decoder reads `start` and the target, and has to predict the target and `end`: labels[:, t] is what
    should follow target[:, t]. Padding is masked at the source and -100, "not counted", in the labels.
    """

    def rows(lists: list[list[int]], fill: int) -> Tensor:
        width = max(map(len, lists))
        return torch.tensor([ids + [fill] * (width - len(ids)) for ids in lists])

    sources, targets = zip(*pairs)
    ids = rows(list(sources), pad)
    lengths = torch.tensor([len(source) for source in sources])
    return {
        "ids": ids,
        "mask": torch.arange(ids.shape[1]) < lengths[:, None],
        "target": rows([[start, *target] for target in targets], pad),
        "labels": rows([[*target, end] for target in targets], -100),
    }
