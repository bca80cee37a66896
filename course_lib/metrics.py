"""What a number means: perplexity and bits per byte, from natural log-probabilities; and how far a measured
figure may be off."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

__all__ = [
    "bits_per_byte",
    "bootstrap",
    "difference",
    "lead",
    "paired",
    "perplexity",
    "share",
    "tally",
    "wilson",
]

T = TypeVar("T")


def perplexity(log_probs: Iterable[float]) -> float:
    """exp of the mean negative log-probability (nats) of the predicted tokens; ValueError if there are none.

    Between how many equally likely tokens the model hesitates, on average. Two models compare only if they
    cut text into the same tokens.
    """
    log_probs = [float(p) for p in log_probs]
    if not log_probs:
        raise ValueError("perplexity needs at least one predicted token / 困惑度至少需要一个被预测的词元")
    return math.exp(-math.fsum(log_probs) / len(log_probs))


def bits_per_byte(total_nll: float, text: str) -> float:
    """Bits per UTF-8 byte of `text`, from its whole negative log-probability in nats: fair across tokenizers.
    ValueError if `text` is empty."""
    if not text:
        raise ValueError("bits per byte of an empty text is not defined / 空文本没有每字节比特数")
    return total_nll / math.log(2) / len(text.encode("utf-8"))


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, `hits` of `n` (Wilson 1927): honest for few trials and near 0 and 1. (0,
    1) where n is 0.

    ValueError if hits is not between 0 and n.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"hits must lie between 0 and n: {hits} of {n} / 命中数应在 0 和 n 之间")
    if not n:
        return 0.0, 1.0
    z2 = 1.96**2
    middle, half = hits + z2 / 2, math.sqrt(z2 * (hits * (n - hits) / n + z2 / 4))
    return max(0.0, (middle - half) / (n + z2)), min(1.0, (middle + half) / (n + z2))


def tally(hits: Iterable[bool]) -> str:
    """How many of how many, the share and its 95 % interval (`wilson`), for a table: "47 / 80 · 59 %
    (48–69)"."""
    hits = list(hits)
    low, high = wilson(sum(hits), len(hits))
    return (
        f"{sum(hits)} / {len(hits)} · {100 * sum(hits) / max(1, len(hits)):.0f} % "
        f"({100 * low:.0f}–{100 * high:.0f})"
    )


def bootstrap(
    items: Sequence[T], statistic: Callable[[list[T]], float] | None = None, draws: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of a statistic (the mean, if none is given) when the items are drawn anew, with
    repeats, `draws` times (Efron 1979).

    ValueError if there are no items.
    """
    if not items:
        raise ValueError("bootstrap needs at least one item / 自助法至少需要一个样本")
    statistic = statistic or (lambda sample: math.fsum(sample) / len(sample))  # type: ignore[arg-type]     # items are numbers, then
    chance = random.Random(seed)
    found = sorted(statistic(chance.choices(items, k=len(items))) for _ in range(draws))
    return found[int(0.025 * draws)], found[min(int(0.975 * draws), draws - 1)]


def difference(a: Sequence[float], b: Sequence[float]) -> str:
    """The mean of a - b over the same examples and its 95 % interval (`bootstrap` of the pairs), for a table:
    "-0.10 (-0.19 … -0.01)"."""
    gaps = [float(x) - float(y) for x, y in zip(a, b, strict=True)]
    low, high = bootstrap(gaps)
    return f"{math.fsum(gaps) / len(gaps):+.2f} ({low:+.2f} … {high:+.2f})"


def paired(
    a: Sequence[bool], b: Sequence[bool], draws: int = 10_000, seed: int = 0
) -> tuple[float, float, float]:
    """How much oftener `a` is right than `b` on the same examples: (difference, low, high), a 95 % bootstrap
    interval.

    a, b: one True or False an example, in the same order. Examples that both get right say nothing about the
    difference and cost no width, so the interval is narrower than that of two separate tests. ValueError if
    the lengths differ or are 0.
    """
    import numpy as np

    if len(a) != len(b) or len(a) == 0:
        raise ValueError(
            f"paired results must be of one length, not 0: {len(a)} and {len(b)} / 成对的结果要一"
            f"样长，且不能为空"
        )
    difference, n = np.asarray(a, int) - np.asarray(b, int), len(a)
    counts = np.array([(difference == value).sum() for value in (-1, 0, 1)])
    # n examples drawn with replacement, all at once
    draw = np.random.default_rng(seed).multinomial(n, counts / n, draws) @ [-1, 0, 1] / n
    low, high = np.quantile(draw, [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)


def share(hits: Sequence[bool]) -> str:
    """The share of True with its 95 % Wilson interval, to print: "82.1 % [80.3, 83.9]". ValueError if there
    are none."""
    if len(hits) == 0:
        raise ValueError("share needs at least one result / 至少需要一个结果")
    low, high = wilson(sum(map(bool, hits)), len(hits))
    return f"{100 * sum(map(bool, hits)) / len(hits):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def lead(a: Sequence[bool], b: Sequence[bool]) -> str:
    """`paired` in percentage points, to print: "+2.1 [+0.3, +4.0]"."""
    difference, low, high = (100 * x for x in paired(a, b))
    return f"{difference:+.1f} [{low:+.1f}, {high:+.1f}]"
