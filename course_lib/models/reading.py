"""A text made ready for a model, and its tokens as a person reads them: no broken bytes, no tokenizer marks.

A byte-level tokenizer may cut one Chinese character into several tokens, none of which is text. `read_tokens` decodes
such a run together and numbers its pieces: 猫₁ 猫₂ 猫₃. The number of tokens stays what it is, so attention still lines up.
"""
from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..i18n import L
from .checkpoint import ModelError, asking, kind_of, named, needs_text

if TYPE_CHECKING:
    import torch

__all__ = ["Reading", "TextTooLong", "Tokens", "encode", "label", "positions", "read", "read_tokens"]

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
    """More tokens than can be read; `limit` is how many can. advice: the caller has a truncate=True to offer."""

    def __init__(self, tokens: int, limit: int, advice: bool = True) -> None:
        self.tokens, self.limit = tokens, limit
        what = L(zh="加上 truncate=True 就只读前 {limit} 个。", en="Pass truncate=True to read the first {limit}.") if advice else \
            L(zh="请先截短。", en="Cut it first.")
        super().__init__(L(zh="文本有 {tokens} 个词元，这里最多能读 {limit} 个。{what}",
                           en="The text has {tokens} tokens; at most {limit} can be read here. {what}"
                           ).format(tokens=tokens, limit=limit, what=what.format(limit=limit)))


def positions(model, target: bool = False) -> int | None:
    """How many tokens the positions of `model` can number, None without a limit. target: those of the text that it writes."""
    from torch import nn
    from transformers import PreTrainedConfig

    part = "decoder" if target else "encoder"
    config = getattr(model.config, part, None)
    if not isinstance(config, PreTrainedConfig):                # only composites keep a config for each half
        config = model.config.get_text_config() if not model.config.is_encoder_decoder else model.config
    names = (f"max_{part}_position_embeddings", "max_position_embeddings", "n_positions", "max_target_positions")
    declared = next((n for name in names if isinstance(n := getattr(config, name, None), int) and n > 0), None)     # XLNet writes -1
    if declared is None:
        return None
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding) and "position" in name and module.padding_idx is not None and module.num_embeddings == declared:
            return declared - module.padding_idx - 1            # RoBERTa: positions are counted from the one after the padding's
    return declared


def encode(model, tokenizer, text: str, *, name: str = "", target: bool = False, truncate: bool = False, advice: bool = False,
           most: int | None = None, **kwargs):
    """`text` as the tokenizer's tensors, [1, T]; what the model could not read is a ModelError.

    most: a limit on the tokens besides the context. advice: name truncate=True where the text is too long. kwargs: for the tokenizer.
    """
    needs_text(model, name)
    if not isinstance(text, str):
        raise ModelError(L(zh="这里需要一段文本（str），而不是 {0}。", en="This takes one text, a str, not a {0}.").format(type(text).__name__))
    declared = tokenizer.model_max_length if tokenizer.model_max_length < 1e6 else None         # 1e30 stands for none
    limits = [n for n in (positions(model, target) or declared, most) if n]
    kwargs |= {"text_target" if target else "text": text}
    encoded = tokenizer(return_tensors="pt", verbose=False, **kwargs)
    length = encoded["input_ids"].shape[1]
    if not length:
        raise ModelError(L(zh="文本是空的，分词后一个词元也没有：至少写一个词。", en="The text is empty, or the tokenizer made no token of it: write at least one word."))
    if limits and length > min(limits):
        if not truncate:
            raise TextTooLong(length, min(limits), advice)
        encoded = tokenizer(return_tensors="pt", truncation=True, max_length=min(limits), verbose=False, **kwargs)
    rows, highest = model.get_input_embeddings().weight.shape[0], int(encoded["input_ids"].max())
    if highest >= rows:
        raise ModelError(L(
            zh="词元 {0} 的编号是 {1}，模型的词嵌入只有 {2} 行：给分词器加了词元，却没有调用 model.resize_token_embeddings(len(tokenizer))。",
            en="The token {0} has the number {1}, and the model's embedding only {2} rows: tokens were added to the tokenizer without "
               "model.resize_token_embeddings(len(tokenizer)).").format(tokenizer.convert_ids_to_tokens(highest), highest, rows))
    return encoded


def read(model, tokenizer, text: str, target: str | None = None, truncate: bool = False, most: int | None = None) -> Reading:
    """Tokenize `text` for `model`. An encoder-decoder without a `target` writes its own, greedily; to an encoder, `target` is the
    second sentence of a pair.

    most: a limit on the tokens besides the model's own context. ModelError for empty text; `TextTooLong` unless `truncate`.
    """
    import torch

    needs_text(model)
    seq2seq = model.config.is_encoder_decoder
    if isinstance(text, str) and not text.strip():
        raise ModelError(L(zh="文本是空的：至少写一个词", en="The text is empty: write at least one word"))
    pair = {"text_pair": _second(model, tokenizer, target)} if target is not None and not seq2seq else {}
    device = next(model.parameters()).device
    ids_of = lambda text, **more: encode(model, tokenizer, text, truncate=truncate, advice=True, most=most, **more)
    allowed = set(inspect.signature(model.forward).parameters)
    inputs = {name: tensor.to(device) for name, tensor in ids_of(text, **pair).items() if name in allowed}
    reading = Reading(inputs, read_tokens(tokenizer, inputs["input_ids"][0].tolist()), mask_id=tokenizer.mask_token_id)
    if seq2seq:
        if target is None:
            ids = _written(model, inputs)
        else:
            body = ids_of(target, target=True)["input_ids"][0].tolist() if target else []
            body = body[:-1] if body and body[-1] == tokenizer.eos_token_id else body
            ids = torch.tensor([[_start(model), *body]])
        inputs["decoder_input_ids"] = ids.to(device)
        reading.target = read_tokens(tokenizer, ids[0].tolist())
    return reading


def _second(model, tokenizer, target: str) -> str:
    """`target` as the second sentence of a pair, for a model and a tokenizer that have such a thing."""
    if kind_of(model) == "causal" or tokenizer.num_special_tokens_to_add(pair=True) <= tokenizer.num_special_tokens_to_add(pair=False):
        raise ModelError(L(
            zh="{0} 只读一段文本：target 是给编码器－解码器的，或给会读句对的编码器（如 BERT）的第二句。请把两段写成一段。",
            en="{0} reads one text: target is for an encoder-decoder, or the second sentence for an encoder that reads pairs, as BERT does. "
               "Write both as one text.").format(named(model)))
    return target


def _written(model, inputs: dict):
    """What the encoder-decoder writes by itself, greedily, without its last token: ids [1, T]. One that cannot write (a classifier)
    reads its source again, shifted by one, as transformers has it."""
    import torch

    if not model.can_generate():
        source = inputs["input_ids"]
        return torch.cat((torch.full_like(source[:, :1], _start(model)), source[:, :-1]), dim=1)
    limit = positions(model, target=True)
    with asking(model), torch.no_grad():
        return model.generate(**inputs, max_new_tokens=min(64, limit - 1) if limit else 64, num_beams=1, do_sample=False)[:, :-1]


def _start(model) -> int:
    start = model.config.decoder_start_token_id
    start = model.generation_config.decoder_start_token_id if start is None and model.can_generate() else start
    if start is None:
        raise ModelError(L(zh="config.json 里没有 decoder_start_token_id，不知道解码器从哪个词元开始。",
                           en="config.json has no decoder_start_token_id: which token the decoder starts from is unknown."))
    return start


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
