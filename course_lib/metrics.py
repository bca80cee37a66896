"""What a number means: perplexity and bits per byte, from natural log-probabilities."""
from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["bits_per_byte", "perplexity"]


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
