"""Tokens as a person reads them: no broken bytes, no tokenizer marks.

A byte-level tokenizer may cut one Chinese character into several tokens, none of which is text. `read_tokens` decodes
such a run together and numbers its pieces: 猫₁ 猫₂ 猫₃. The number of tokens stays what it is, so attention still lines up.
"""
from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Tokens", "read_tokens"]

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
    """How a byte-level tokenizer writes bytes in its vocabulary ("çĮ") -> "‹e7 8c›"; other tokenizers' own names stay ("<0xE7>")."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    byte = {char: value for value, char in bytes_to_unicode().items()}
    return f"‹{bytes(byte[char] for char in raw).hex(' ')}›" if all(char in byte for char in raw) and not raw.startswith("<0x") else raw
