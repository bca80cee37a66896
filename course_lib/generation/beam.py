"""Beam search: keep several beginnings, since the likeliest first word need not begin the likeliest text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from .strategies import GenerationError

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.ending import Ending
    from .reader import Reader
    from .strategies import Beam

__all__ = ["beam_search"]


def beam_search(reader: Reader, beam: Beam, max_new_tokens: int, ends: Ending, pad_id: int) -> Tensor:
    """The best text for each of the reader's B rows, long [B, T + new].

    A step looks at the best candidates of all beginnings of a row. Those that end, if among the first
    `width`, are finished; the `width` best of the others go on. The rules, down to when to stop, are those of
    transformers' beam search.
    """
    B, start, width, device = len(reader.ids), reader.ids.shape[1], beam.width, reader.ids.device
    finished: list[list[tuple[float, Tensor]]] = [[] for _ in range(B)]  # per row the best: (score, ids)
    open_rows, candidates = [True] * B, max(2, 1 + len(ends.eos)) * width
    logp = reader.logits().log_softmax(-1)  # (B, V): all beginnings are still the same
    V = logp.shape[-1]
    if candidates > V:
        raise GenerationError(
            zh="{width} 条束对 {V} 个词元的词表太多了",
            en="{width} beams are too many for a vocabulary of {V}",
            width=width,
            V=V,
        )
    best, flat = logp.topk(candidates)  # (B, candidates)
    # from here on row b is rows b*width ...
    reader.select(torch.arange(B, device=device).repeat_interleave(width))
    for length in range(1, max_new_tokens + 1):
        # (B, candidates), rows of reader.ids
        parents = flat // V + torch.arange(B, device=device)[:, None] * width
        texts = torch.cat((reader.ids[parents], (flat % V)[..., None]), dim=-1)  # (B, candidates, T + length)
        over = (
            ends.reached(texts[:, :, start:].flatten(0, 1)).view(B, -1)
            if ends.possible
            else torch.zeros_like(flat, dtype=torch.bool)
        )
        if length == max_new_tokens:
            over = torch.ones_like(over)
        going_on = []
        for b, (row_scores, row_over) in enumerate(zip(best.tolist(), over.tolist())):
            if open_rows[b]:
                new = [
                    (row_scores[c] / length**beam.length_penalty, texts[b, c])
                    for c in range(width)
                    if row_over[c]
                ]
                finished[b] = sorted(finished[b] + new, key=lambda item: -item[0])[:width]
            going_on.append([c for c, ended in enumerate(row_over) if not ended][:width])
            if not going_on[b]:
                open_rows[b] = False
            elif len(finished[b]) == width:
                hope = row_scores[going_on[b][0]] / length**beam.length_penalty
                open_rows[b] = open_rows[b] and not beam.early_stopping and hope > finished[b][-1][0]
        if length == max_new_tokens or not any(open_rows):
            break
        pick = torch.tensor([row + [0] * (width - len(row)) for row in going_on], device=device)  # (B, width)
        # stop strings may leave fewer
        dead = torch.tensor([[i >= len(row) for i in range(width)] for row in going_on], device=device)
        tokens, scores = (flat % V).gather(1, pick), best.gather(1, pick).masked_fill(dead, -torch.inf)
        reader.select(parents.gather(1, pick).flatten())
        reader.append(tokens.flatten())
        total = scores[..., None] + reader.logits().log_softmax(-1).view(B, width, V)
        best, flat = total.flatten(1).topk(candidates)
    rows = [texts_of_row[0][1] for texts_of_row in finished]
    out = torch.full((B, max(map(len, rows))), pad_id, dtype=torch.long, device=device)
    for b, row in enumerate(rows):
        out[b, : len(row)] = row
    return out
