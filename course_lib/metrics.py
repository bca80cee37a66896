"""What a number means: perplexity and bits per byte, from natural log-probabilities; and how sure a measured figure is."""
from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

__all__ = ["bits_per_byte", "bootstrap", "perplexity", "wilson"]

T = TypeVar("T")


def perplexity(log_probs: Iterable[float]) -> float:
    """exp of the mean negative log-probability (nats) of the predicted tokens; ValueError if there are none.

    Between how many equally likely tokens the model hesitates, on average. Two models compare only if they cut text into the same tokens.
    """
    log_probs = [float(p) for p in log_probs]
    if not log_probs:
        raise ValueError("perplexity needs at least one predicted token / 困惑度至少需要一个被预测的词元")
    return math.exp(-math.fsum(log_probs) / len(log_probs))


def bits_per_byte(total_nll: float, text: str) -> float:
    """Bits per UTF-8 byte of `text`, from its whole negative log-probability in nats: fair across tokenizers. ValueError if `text` is empty."""
    if not text:
        raise ValueError("bits per byte of an empty text is not defined / 空文本没有每字节比特数")
    return total_nll / math.log(2) / len(text.encode("utf-8"))


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, from `hits` of `n` (Wilson 1927): sensible for few trials and for 0 or all hits. (0, 1) where n is 0."""
    if not n:
        return 0.0, 1.0
    z2, share = 1.96 ** 2, hits / n
    middle, half = share + z2 / (2 * n), 1.96 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z2 / n)), min(1.0, (middle + half) / (1 + z2 / n))


def bootstrap(items: Sequence[T], statistic: Callable[[list[T]], float] | None = None, draws: int = 1000, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of a statistic (the mean, if none is given) when the items are drawn anew, with repeats, `draws` times (Efron 1979).

    ValueError if there are no items.
    """
    if not items:
        raise ValueError("bootstrap needs at least one item / 自助法至少需要一个样本")
    statistic = statistic or (lambda sample: math.fsum(sample) / len(sample))
    chance = random.Random(seed)
    found = sorted(statistic(chance.choices(items, k=len(items))) for _ in range(draws))
    return found[int(0.025 * draws)], found[min(int(0.975 * draws), draws - 1)]
