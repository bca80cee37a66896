"""Which inputs a position's vector depends on, by the gradient.

strength, tokens = influence(m, "The cat sat")          # strength [T, T]: row = the position asked, column =
the input
"""

from __future__ import annotations

import torch

from ..models.loaded import Loaded
from ..models.reading import read_tokens

__all__ = ["influence"]


def influence(loaded: Loaded, text: str) -> tuple[torch.Tensor, list[str]]:
    """[T,T]: the length of the gradient of each position's last vector (row; the sum of its first 8 numbers)
    at each input embedding (column).

    Exactly 0 where no path leads from the input to the position. The tokens come along as a person reads
    them.
    """
    ids = loaded.tokenizer(text, return_tensors="pt").input_ids.to(loaded.device)
    T = ids.shape[1]
    # (T, T, D): copy t asks about position t
    x = loaded.model.get_input_embeddings()(ids).detach().repeat(T, 1, 1).requires_grad_()
    out = loaded.model(inputs_embeds=x, output_hidden_states=True).hidden_states[-1]
    (gradient,) = torch.autograd.grad(out[range(T), range(T), :8].sum(), x)
    return gradient.norm(dim=-1).cpu(), list(read_tokens(loaded.tokenizer, ids[0].tolist()).labels)
