"""A text made ready for a model, and its tokens as a person reads them: no broken bytes, no tokenizer marks.

A byte-level tokenizer may cut one Chinese character into several tokens, none of which is text. `read_tokens`
decodes such a run together and numbers its pieces: 猫₁ 猫₂ 猫₃. The number of tokens stays what it is, so
attention still lines up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..i18n import L
from .failure import ModelError
from .family import positions
from .protocol import Model, model_of

if TYPE_CHECKING:
    import torch

__all__ = ["Reading", "TextTooLong", "Tokens", "encode", "label", "read", "read_tokens"]

_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LONGEST_RUN = 12  # tokens; a character is at most 4 bytes, but a token may straddle two characters
_BROKEN = "\ufffd"
_BEYOND = {  # a token that the embedding has no row for: how that comes about differs
    "transformers": L(
        zh="词元 {token} 的编号是 {highest}，模型的词嵌入只有 {rows} 行：给分词器加了词元，却没有调用 "
        "model.resize_token_embeddings(len(tokenizer))。",
        en="The token {token} has the number {highest}, and the model's embedding only {rows} rows: "
        "tokens were added to "
        "the tokenizer without model.resize_token_embeddings(len(tokenizer)).",
    ),
    "course": L(
        zh="词元 {token} 的编号是 {highest}，模型的词嵌入只有 {rows} 行：这不是训练它时用的分词器，"
        "或者建模时 vocab_size 太小。",
        en="The token {token} has the number {highest}, and the model's embedding only {rows} rows: "
        "this is not the tokenizer "
        "that it was trained with, or it was built with too small a vocab_size.",
    ),
}


@dataclass
class Tokens:
    """One side of an attention matrix: what is shown, which are special ([CLS], <|im_start|>), and the ids
    where there are any."""

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
    """A text made ready for a model: `inputs` for its forward, and the tokens of each side (`target` for an
    encoder-decoder)."""

    inputs: dict[str, torch.Tensor]
    source: Tokens
    target: Tokens | None = None
    mask_id: int | None = None  # a masked language model predicts here

    def sides(self, part: str) -> tuple[Tokens, Tokens]:
        """(queries, keys) of "self", "encoder", "decoder" or "cross"."""
        query = self.target if part in ("decoder", "cross") else self.source
        return query, self.target if part == "decoder" else self.source


class TextTooLong(ModelError):
    """More tokens than can be read; `limit` is how many can. advice: the caller has a truncate=True to
    offer."""

    def __init__(self, tokens: int, limit: int, advice: bool = True) -> None:
        self.tokens, self.limit = tokens, limit
        what = (
            L(
                zh="加上 truncate=True 就只读前 {0} 个。", en="Pass truncate=True to read the first {0}."
            ).format(limit)
            if advice
            else L(zh="请先截短。", en="Cut it first.")
        )
        super().__init__(
            zh="文本有 {tokens} 个词元，这里最多能读 {limit} 个。{what}",
            en="The text has {tokens} tokens; at most {limit} can be read here. {what}",
            tokens=tokens,
            limit=limit,
            what=what,
        )


def encode(
    model: Model,
    text: str,
    *,
    target: bool = False,
    truncate: bool = False,
    advice: bool = False,
    most: int | None = None,
    **kwargs,
):
    """`text` as the tokenizer's tensors, [1, T]; what the model could not read is a ModelError.

    most: a limit on the tokens besides the context. advice: name truncate=True where the text is too long.
    kwargs: for the tokenizer.
    """
    model.need_text()
    tokenizer = model.tokenizer
    if not isinstance(text, str):
        raise ModelError(
            zh="这里需要一段文本（str），而不是 {kind}。",
            en="This takes one text, a str, not a {kind}.",
            kind=type(text).__name__,
        )
    context = positions(model.net, target) if model.origin == "transformers" else model.context
    # 1e30 stands for none
    declared = tokenizer.model_max_length if tokenizer.model_max_length < 1e6 else None
    limits = [n for n in (context or declared, most) if n]
    kwargs |= {"text_target" if target else "text": text}
    encoded = tokenizer(return_tensors="pt", verbose=False, **kwargs)
    length = encoded["input_ids"].shape[1]
    if not length:
        raise ModelError(
            zh="文本是空的，分词后一个词元也没有：至少写一个词。",
            en="The text is empty, or the tokenizer made no token of it: write at least one word.",
        )
    if limits and length > min(limits):
        if not truncate:
            raise TextTooLong(length, min(limits), advice)
        encoded = tokenizer(
            return_tensors="pt", truncation=True, max_length=min(limits), verbose=False, **kwargs
        )
    highest = int(encoded["input_ids"].max())
    if model.vocabulary is not None and highest >= model.vocabulary:
        token = tokenizer.convert_ids_to_tokens(highest)
        beyond = _BEYOND[model.origin]
        raise ModelError(zh=beyond.zh, en=beyond.en, token=token, highest=highest, rows=model.vocabulary)
    return encoded


def read(
    model, tokenizer, text: str, target: str | None = None, truncate: bool = False, most: int | None = None
) -> Reading:
    """Tokenize `text` for `model` (any that `model_of` takes). An encoder-decoder without a `target` writes
    its own, greedily; to an encoder, `target` is the second sentence of a pair.

    most: a limit on the tokens besides the model's own context. ModelError for empty text; `TextTooLong`
    unless `truncate`.
    """
    import torch

    model = model_of(model, tokenizer)
    model.need_text()
    tokenizer, seq2seq = model.tokenizer, model.family == "seq2seq"
    if isinstance(text, str) and not text.strip():
        raise ModelError(zh="文本是空的：至少写一个词", en="The text is empty: write at least one word")
    pair = {"text_pair": _second(model, target)} if target is not None and not seq2seq else {}
    ids_of = lambda text, **more: encode(model, text, truncate=truncate, advice=True, most=most, **more)
    encoded = ids_of(text, **pair)
    source = read_tokens(tokenizer, encoded["input_ids"][0].tolist())
    if not seq2seq:
        return Reading(model.inputs(encoded), source, mask_id=tokenizer.mask_token_id)
    if target is None:
        ids = _written(model, model.inputs(encoded))
    else:
        body = ids_of(target, target=True)["input_ids"][0].tolist() if target else []
        body = body[:-1] if body and body[-1] == tokenizer.eos_token_id else body
        ids = torch.tensor([[_start(model), *body]])
    written = read_tokens(tokenizer, ids[0].tolist())
    return Reading(model.inputs(encoded, ids), source, written, tokenizer.mask_token_id)


def _written(model: Model, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """What an encoder-decoder writes by itself, greedily, without its last token: ids [1, T]. One that cannot
    write (a classifier) reads its source again, shifted by one, as transformers has it."""
    import torch

    net, start = model.net, _start(model)
    limit = positions(net, target=True) if model.origin == "transformers" else model.context
    most = min(64, limit - 1) if limit else 64
    if model.origin == "transformers":
        if not net.can_generate():
            source = inputs["input_ids"]
            return torch.cat((torch.full_like(source[:, :1], start), source[:, :-1]), dim=1)
        with model.asking(), torch.no_grad():
            return net.generate(**inputs, max_new_tokens=most, num_beams=1, do_sample=False)[:, :-1]
    with model.evaluating(), torch.no_grad():
        memory, ids = net.encode(inputs["ids"]), torch.full_like(inputs["ids"][:, :1], start)
        for _ in range(most):
            token = net(None, ids, memory=memory)[:, -1].argmax(-1, keepdim=True)  # (1, 1)
            if token.item() == model.tokenizer.eos_token_id:
                return ids
            ids = torch.cat((ids, token), dim=1)
    return ids[:, :-1]


def _start(model: Model) -> int:
    """The token that an encoder-decoder begins to write from."""
    start = model.start_id
    if start is None:
        raise ModelError(
            zh="config.json 里没有 decoder_start_token_id，不知道解码器从哪个词元开始。",
            en="config.json has no decoder_start_token_id: where the decoder starts from is unknown.",
        )
    return start


def _second(model: Model, target: str) -> str:
    """`target` as the second sentence of a pair, for a model and a tokenizer that have such a thing."""
    tokenizer = model.tokenizer
    marks = tokenizer.num_special_tokens_to_add
    if model.family == "causal" or marks(pair=True) <= marks(pair=False):
        raise ModelError(
            zh="{model} 只读一段文本：target 是给编码器－解码器的，或给会读句对的编码器（如 "
            "BERT）的第二句。请把两段写成一段。",
            en="{model} reads one text: target is for an encoder-decoder, or the second "
            "sentence for an encoder that reads pairs, as BERT does. Write both as one text.",
            model=type(model.net).__name__,
        )
    return target


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
    return ids[start : start + 1]


def _single(tokenizer, token_id: int, text: str) -> str:
    raw = tokenizer.convert_ids_to_tokens(token_id) or ""
    if _BROKEN in text:  # bytes that are no whole character
        return _bytes(raw)
    # sentencepiece drops the space when it decodes one token
    if raw.startswith("▁") and not text.startswith(" "):
        return " " + text
    return text or raw


def _bytes(raw: str) -> str:
    """How a byte-level tokenizer writes bytes in its vocabulary ("çĮ") -> "‹e78c›"; other tokenizers' own
    names stay ("<0xE7>")."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    byte = {char: value for value, char in bytes_to_unicode().items()}
    return (
        f"‹{bytes(byte[char] for char in raw).hex()}›"
        if all(char in byte for char in raw) and not raw.startswith("<0x")
        else raw
    )
