"""Many prompts, a line each: what an experiment asks of a small model.

decoder = cl.models.port(loaded)
prompts = ["The capital of France is", "The capital of Italy is"]
first_lines(decoder, loaded.tokenizer, prompts, max_new_tokens=6)
"""

from __future__ import annotations

from collections.abc import Sequence

from .decoding import generate

__all__ = ["first_lines"]


def first_lines(model, tokenizer, prompts: Sequence[str], max_new_tokens: int = 24) -> list[str]:
    """What the model writes after each prompt, greedily, up to the end of the line or of its turn; spaces
    around it are dropped.

    model: a Decoder of course_lib.nn, which reads prompts of unequal length eight at a time; each reply is as
    it would be by itself.
    """
    end, replies = tokenizer.eos_token_id, []
    for start in range(0, len(prompts), 8):
        ids = [tokenizer(prompt).input_ids for prompt in prompts[start : start + 8]]
        rows = generate(model, ids, max_new_tokens=max_new_tokens, eos_id=end, pad_id=end)[
            :, max(map(len, ids)) :
        ]
        replies += [tokenizer.decode(row, skip_special_tokens=True).strip().split("\n")[0] for row in rows]
    return replies
