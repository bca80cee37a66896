"""What a number means: perplexity and bits per byte, from natural log-probabilities; and how far a share may be off."""
from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

__all__ = ["bits_per_byte", "paired", "perplexity", "wilson"]


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


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The interval (95 % for z = 1.96) of a share, `hits` of `n` (Wilson 1927); honest near 0 and 1, too. ValueError if n is 0."""
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"hits must lie between 0 and n, and n must not be 0: {hits} of {n} / 命中数应在 0 和 n 之间，n 不能是 0")
    centre, spread = hits + z * z / 2, z * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return (centre - spread) / (n + z * z), (centre + spread) / (n + z * z)


def paired(a: Sequence[bool], b: Sequence[bool], draws: int = 10_000, seed: int = 0) -> tuple[float, float, float]:
    """How much oftener `a` is right than `b` on the same examples: (difference, low, high), a 95 % bootstrap interval.

    a, b: one True or False an example, in the same order. Examples that both get right say nothing about the difference and cost no width,
    so the interval is narrower than that of two separate tests. ValueError if the lengths differ or are 0.
    """
    import numpy as np

    if len(a) != len(b) or len(a) == 0:
        raise ValueError(f"paired results must be of one length, not 0: {len(a)} and {len(b)} / 成对的结果要一样长，且不能为空")
    difference, n = np.asarray(a, int) - np.asarray(b, int), len(a)
    counts = np.array([(difference == value).sum() for value in (-1, 0, 1)])
    draw = np.random.default_rng(seed).multinomial(n, counts / n, draws) @ [-1, 0, 1] / n     # n examples drawn with replacement, all at once
    return float(difference.mean()), *(float(x) for x in np.quantile(draw, [0.025, 0.975]))
