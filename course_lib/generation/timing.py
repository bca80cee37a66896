"""What a forward pass costs, by how much is cached and how much is new: why a cache helps, and when
speculative decoding pays.

pass_seconds(decoder, past=512, new=1)          # one more token with a cache; without: past=0, new=513
"""

from __future__ import annotations

import time

import torch

from ..nn import Decoder

__all__ = ["pass_seconds"]


def pass_seconds(model: Decoder, past: int, new: int, repeats: int = 3) -> float:
    """The least seconds of one forward pass that reads `new` tokens after `past` cached ones and gives the
    logits of each; batch 1.

    The least of `repeats`, since other work on the machine only ever adds time. The clock stops when the
    numbers are there, on a GPU, too.
    """
    ids, cache = (
        torch.zeros(1, past + new, dtype=torch.long, device=model.stack.tokens.weight.device),
        model.new_cache(),
    )
    seconds = []
    with torch.inference_mode():
        if past:
            float(model.stack(ids[:, :past], cache=cache)[0][0, -1, 0])  # float() waits for the device
        for _ in range(repeats):
            start = time.perf_counter()
            float(model(ids[:, past:], cache=cache)[0, -1, 0])
            seconds.append(time.perf_counter() - start)
            for layer in cache:
                layer.own.crop(past)
    return min(seconds)
