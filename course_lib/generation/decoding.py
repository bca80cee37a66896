"""`generate`: from a prompt to a text, one token at a time.

cl.generate(model, ids, max_new_tokens=50)                                       # greedy
cl.generate(model, [[5, 8], [7]], strategy=cl.Sample(top_p=0.9, seed=1))         # prompts of unequal length
cl.generate(model, ids, stop=["\\n"], decode=tokenizer.decode, stream=TextStream(tokenizer.decode))
cl.generate(model, ids, draft=cl.Draft(smaller, tokens=4))                       # speculative decoding
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from ..models.ending import Ending
from .beam import beam_search
from .reader import Reader, writer_of
from .speculative import Draft, drafting_model, speculate
from .strategies import Beam, GenerationError, Greedy, Sample, generator_of, penalised

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["generate"]


def generate(
    model,
    ids: Tensor | Sequence[Sequence[int]],
    max_new_tokens: int = 50,
    strategy: Greedy | Sample | Beam = Greedy(),
    *,
    cache: bool = True,
    mask: Tensor | None = None,
    eos_id: int | Sequence[int] | None = None,
    pad_id: int = 0,
    stop: str | Sequence[str] = (),
    decode: Callable[[list[int]], str] | None = None,
    stream: Callable[[Tensor], None] | None = None,
    draft=None,
) -> Tensor:
    """Continue the prompts; returns prompts and new tokens, long [B, T + new], or for a Seq2Seq start_id and
    the new tokens.

    model: any that predicts the next token: what `load` returned, a transformers model, a ported one, a
        Decoder, GPT or Seq2Seq of `course_lib.nn`, or any callable ids [B,T] -> logits [B,T,V].
    ids: long [B,T] (with `mask` bool [B,T] where it has padding), or a list of prompts, which are padded on
    the left.
    eos_id: tokens that end a text; pad_id fills up what follows. stop: strings that end it too, as soon as
        the new text contains one, with the token that completes it (m.generate's text ends before it); they
        need `decode`, list of ids -> str, unless the model brings a tokenizer. stream: called with the new
        tokens [B] of each step.
    cache: keep the keys and values of what was read (transformers' past_key_values for their models); a GPT
        and a callable keep nothing. cache=False reads the whole text again for each token: the same ids, more
        slowly.
    draft: a model, or `Draft` of one, that drafts for one prompt: speculative decoding. Greedy writes the
    same ids (but where two
        logits tie to within rounding: a pass of several tokens adds in another order), Sample from the same
        distribution.

    Raises ValueError for an empty prompt, ids outside the vocabulary, or a text that would outgrow the
    context.
    """
    model = writer_of(model)
    ids, mask = left_padded(ids, mask, pad_id, model.device)
    draft = Draft(draft) if draft is not None and not isinstance(draft, Draft) else draft
    length = 1 if model.family == "seq2seq" else ids.shape[1]
    if not isinstance(strategy, (Greedy, Sample, Beam)) and not hasattr(strategy, "choose"):
        raise GenerationError(
            zh="strategy 应是 cl.Greedy()、cl.Sample(…) 或 cl.Beam(…)，而不是 {strategy!r}",
            en="strategy must be cl.Greedy(), cl.Sample(…) or cl.Beam(…), not {strategy!r}",
            strategy=strategy,
        )
    if max_new_tokens < 1:
        raise GenerationError(
            zh="max_new_tokens 至少是 1，而不是 {n}",
            en="max_new_tokens must be at least 1, not {n}",
            n=max_new_tokens,
        )
    small = None if draft is None else drafting_model(draft, model, strategy, len(ids))
    context = min(
        (one.context for one in (model, small) if one is not None and one.context is not None), default=None
    )
    if context is not None and length + max_new_tokens > context:
        raise GenerationError(
            zh="提示 {t} 个词元加上 {n} 个新词元，超过上下文 {c}：缩短提示，或减小 max_new_tokens",
            en="a prompt of {t} tokens and {n} new ones exceed the context of {c}: "
            "shorten the prompt or lower max_new_tokens",
            t=length,
            n=max_new_tokens,
            c=context,
        )
    ends = Ending(
        (eos_id,) if isinstance(eos_id, int) else tuple(eos_id or ()),
        stop,
        decode or getattr(model.tokenizer, "decode", None),
    )
    with model.evaluating(), torch.inference_mode():
        reader = Reader(model, ids, mask, cache)
        if isinstance(strategy, Beam):
            if stream is not None:
                raise GenerationError(
                    zh="束搜索到最后才知道写什么，不能 stream",
                    en="beam search knows its text only at the end, so it cannot stream",
                )
            written = beam_search(reader, strategy, max_new_tokens, ends, pad_id)
        elif small is not None:
            with small.evaluating():
                written = speculate(
                    reader,
                    Reader(small, ids.to(small.device), None, cache),
                    draft,
                    strategy,
                    max_new_tokens,
                    ends,
                    stream,
                )
        else:
            written = _one_by_one(reader, strategy, max_new_tokens, ends, pad_id, stream)
    return written.clone()  # an ordinary tensor again, which autograd accepts


def _one_by_one(
    reader: Reader, strategy: Greedy | Sample, max_new_tokens: int, ends: Ending, pad_id: int, stream
) -> Tensor:
    start, device = reader.ids.shape[1], reader.ids.device
    generator = generator_of(strategy, device)
    running = torch.ones(len(reader.ids), dtype=torch.bool, device=device)
    for _ in range(max_new_tokens):
        logits = penalised(strategy, reader.logits(), reader.ids, reader.mask)
        tokens = strategy.choose(logits, generator)  # (B,)
        if ends.possible:
            tokens = torch.where(running, tokens, pad_id)
        reader.append(tokens)
        if stream is not None:
            stream(tokens)
        if ends.possible:
            running &= ~ends.reached(reader.ids[:, start:])
            if not running.any():
                break
    return reader.ids


def left_padded(
    ids: Tensor | Sequence[Sequence[int]], mask: Tensor | None, pad_id: int, device
) -> tuple[Tensor, Tensor | None]:
    """Prompts of any form -> ids long [B,T] that end together, and the mask bool [B,T], None if there is no
    padding."""
    try:
        whole = ids if isinstance(ids, torch.Tensor) else None
        rows = (
            [torch.as_tensor(row) for row in ids]
            if mask is None
            else [row[keep] for row, keep in zip(ids, mask.bool(), strict=True)]
        )
        good = all(row.dim() == 1 and (not row.is_floating_point() or not len(row)) for row in rows)
    except (TypeError, ValueError, IndexError, AttributeError):
        good = False
    if not good:
        raise GenerationError(
            zh="ids 应是词元编号，形状 [B, T]（mask 与它相同），或一列编号列表；一段文本先用分词器变成编号",
            en="ids must be token numbers of the shape [B, T] (mask the same), or a list of lists of them; "
            "a text goes through the tokenizer first",
        )
    if not rows or any(len(row) == 0 for row in rows):
        raise GenerationError(
            zh="有一个提示是空的：每个提示至少要有一个词元",
            en="a prompt is empty: each needs at least one token",
        )
    if whole is not None and mask is None:
        return whole.to(device), None
    longest = max(map(len, rows))
    out = torch.full((len(rows), longest), pad_id, dtype=torch.long)
    real = torch.zeros(len(rows), longest, dtype=torch.bool)
    for i, row in enumerate(rows):
        out[i, longest - len(row) :], real[i, longest - len(row) :] = row, True
    return out.to(device), None if real.all() else real.to(device)
