"""An interpolated trigram: the baseline of every language model here (Jelinek & Mercer 1980).

    p(w | u v) = a3 c(uvw)/c(uv) + a2 c(vw)/c(v) + a1 c(w)/N + a0 / V

The weights are the ones under which held-out text is likeliest, found by expectation maximisation.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

__all__ = ["Trigram"]


class Trigram:
    """Counts of `documents` (lists of token ids), weights from `held_out`.

    The first token of a document is given, not predicted; the second is predicted from it alone.
    """

    def __init__(
        self, documents: Iterable[Sequence[int]], held_out: Sequence[Sequence[int]], vocab_size: int
    ):
        self.vocab_size = vocab_size
        self.counts: list[Counter] = [Counter(), Counter(), Counter()]  # of c(w), c(vw), c(uvw)
        self.contexts: list[Counter] = [Counter(), Counter()]  # of c(v), c(uv) as something's past
        self.total = 0
        for ids in documents:
            past, now = ids[:-1], ids[1:]
            self.total += len(now)
            self.counts[0].update(zip(now))
            self.counts[1].update(zip(past, now))
            self.counts[2].update(zip(past, now, ids[2:]))
            self.contexts[0].update(zip(past))
            self.contexts[1].update(zip(past, now[:-1]))
        self.weights = [0.25] * 4
        events = [self._estimates(ids, i) for ids in held_out for i in range(1, len(ids))]
        for _ in range(15):
            shares = [0.0] * 4
            for estimates in events:
                whole = sum(weight * p for weight, p in zip(self.weights, estimates))
                for k in range(4):
                    shares[k] += self.weights[k] * estimates[k] / whole
            self.weights = [share / len(events) for share in shares]

    def _estimates(self, ids: Sequence[int], i: int) -> tuple[float, float, float, float]:
        """1/V and the relative frequencies of token i given none, one and two tokens before it (0 where never
        seen)."""
        out = [1 / self.vocab_size, self.counts[0][(ids[i],)] / self.total, 0.0, 0.0]
        for n in (1, 2):
            seen = self.contexts[n - 1][tuple(ids[i - n : i])] if i >= n else 0
            if seen:
                out[n + 1] = self.counts[n][tuple(ids[i - n : i + 1])] / seen
        uniform, one, two, three = out
        return uniform, one, two, three

    def probability(self, ids: Sequence[int], i: int) -> float:
        """p(token i | the two tokens before it)."""
        return sum(weight * p for weight, p in zip(self.weights, self._estimates(ids, i)))

    def perplexity(self, documents: Iterable[Sequence[int]]) -> float:
        """exp of the mean negative log-probability per token, each document's first token given."""
        nats = [-math.log(self.probability(ids, i)) for ids in documents for i in range(1, len(ids))]
        return math.exp(sum(nats) / len(nats))
