"""A text made ready for a model, and its tokens as a person reads them: no broken bytes, no tokenizer marks.

A byte-level tokenizer may cut one Chinese character into several tokens, none of which is text. `read_tokens` decodes
such a run together and numbers its pieces: 猫₁ 猫₂ 猫₃. The number of tokens stays what it is, so attention still lines up.
"""
from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..i18n import L
from .loaded import ModelError

if TYPE_CHECKING:
    import torch

__all__ = ["Reading", "TextTooLong", "Tokens", "label", "read", "read_tokens"]

_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LONGEST_RUN = 12       # tokens; a character is at most 4 bytes, but a token may straddle two characters
_BROKEN = "\ufffd"


@dataclass
class Tokens:
    """One side of an attention matrix: what is shown, which are special ([CLS], <|im_start|>), and the ids where there are any."""

    labels: list[str]
    special: list[bool] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.labels = [str(label) for label in self.labels]
        self.special = self.special or [False] * len(self.labels)

    def __len__(self) -> int:
        return len(self.labels)


@dataclass
class Reading:
    """A text made ready for a model: `inputs` for its forward, and the tokens of each side (`target` for an encoder-decoder)."""

    inputs: dict[str, torch.Tensor]
    source: Tokens
    target: Tokens | None = None
    mask_id: int | None = None                  # a masked language model predicts here

    def sides(self, part: str) -> tuple[Tokens, Tokens]:
        """(queries, keys) of "self", "encoder", "decoder" or "cross"."""
        query = self.target if part in ("decoder", "cross") else self.source
        return query, self.target if part == "decoder" else self.source


class TextTooLong(ModelError):
    """More tokens than can be read; `limit` is how many can."""

    def __init__(self, tokens: int, limit: int) -> None:
        self.tokens, self.limit = tokens, limit
        super().__init__(L(zh="文本有 {tokens} 个词元，这里最多能读 {limit} 个。加上 truncate=True 就只读前 {limit} 个。",
                           en="The text has {tokens} tokens; at most {limit} can be read here. Pass truncate=True to read the first {limit}."
                           ).format(tokens=tokens, limit=limit))


def read(model, tokenizer, text: str, target: str | None = None, truncate: bool = False, most: int | None = None) -> Reading:
    """Tokenize `text` for `model`. An encoder-decoder without a `target` writes its own, greedily.

    most: a limit on the tokens besides the model's own context. ModelError for empty text; `TextTooLong` unless `truncate`.
    """
    import torch

    if not isinstance(text, str) or not text.strip():
        raise ModelError(L(zh="文本是空的：至少写一个词", en="The text is empty: write at least one word"))
    device = next(model.parameters()).device
    limits = [n for n in (getattr(model.config, "max_position_embeddings", None), getattr(model.config, "n_positions", None), most) if n]

    def ids_of(**kwargs) -> dict:
        encoded = tokenizer(return_tensors="pt", verbose=False, **kwargs)
        length = encoded["input_ids"].shape[1]
        if limits and length > min(limits) and not truncate:
            raise TextTooLong(length, min(limits))
        if limits and length > min(limits):
            encoded = tokenizer(return_tensors="pt", truncation=True, max_length=min(limits), verbose=False, **kwargs)
        if not encoded["input_ids"].shape[1]:
            raise ModelError(L(zh="分词后一个词元也没有，换一段文本", en="The tokenizer made no token of this text; try another"))
        return encoded

    allowed = set(inspect.signature(model.forward).parameters)
    inputs = {name: tensor.to(device) for name, tensor in ids_of(text=text).items() if name in allowed}
    reading = Reading(inputs, read_tokens(tokenizer, inputs["input_ids"][0].tolist()), mask_id=tokenizer.mask_token_id)
    if model.config.is_encoder_decoder:
        if target is None:
            with torch.no_grad():
                ids = model.generate(**inputs, max_new_tokens=64, num_beams=1, do_sample=False)[:, :-1]
        else:
            start = model.config.decoder_start_token_id
            start = model.generation_config.decoder_start_token_id if start is None else start
            body = ids_of(text_target=target)["input_ids"][0].tolist()
            body = body[:-1] if body and body[-1] == tokenizer.eos_token_id else body
            ids = torch.tensor([[start, *body]])
        inputs["decoder_input_ids"] = ids.to(device)
        reading.target = read_tokens(tokenizer, ids[0].tolist())
    return reading


def read_tokens(tokenizer, ids: list[int]) -> Tokens:
    """Labels for `ids`, one each, in order; a leading space is kept as a space."""
    marked = set(tokenizer.all_special_ids)
    labels: list[str] = []
    while len(labels) < len(ids):
        run = _whole_run(tokenizer, ids, len(labels))
        text = _decode(tokenizer, run)
        if len(run) == 1:
            labels.append(_single(tokenizer, run[0], text))
        else:
            labels += [f"{text}{str(piece).translate(_SUBSCRIPT)}" for piece in range(1, len(run) + 1)]
    return Tokens(labels, [i in marked for i in ids], list(ids))


def label(tokenizer, token_id: int) -> str:
    """One token by itself; a piece of a character is shown as its bytes, ‹e7 8c›."""
    return _single(tokenizer, token_id, _decode(tokenizer, [token_id]))


def _decode(tokenizer, ids: list[int]) -> str:
    return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)


def _whole_run(tokenizer, ids: list[int], start: int) -> list[int]:
    """The shortest run from `start` that decodes to whole characters, or the one token where none does."""
    for stop in range(start + 1, min(start + _LONGEST_RUN, len(ids)) + 1):
        if _BROKEN not in _decode(tokenizer, ids[start:stop]):
            return ids[start:stop]
    return ids[start:start + 1]


def _single(tokenizer, token_id: int, text: str) -> str:
    raw = tokenizer.convert_ids_to_tokens(token_id) or ""
    if _BROKEN in text:                                        # bytes that are no whole character
        return _bytes(raw)
    if raw.startswith("▁") and not text.startswith(" "):       # sentencepiece drops the space when it decodes one token
        return " " + text
    return text or raw


def _bytes(raw: str) -> str:
    """How a byte-level tokenizer writes bytes in its vocabulary ("çĮ") -> "‹e78c›"; other tokenizers' own names stay ("<0xE7>")."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    byte = {char: value for value, char in bytes_to_unicode().items()}
    return f"‹{bytes(byte[char] for char in raw).hex()}›" if all(char in byte for char in raw) and not raw.startswith("<0x") else raw
