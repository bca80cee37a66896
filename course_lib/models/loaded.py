"""`load(name)`: a real model, ready to ask."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..device import device as default_device
from ..i18n import L
from .cards import Card, card
from .checkpoint import kind_of, open_folder
from .convert import quiet
from .download import Unavailable, fetch, hub_snapshot
from .failure import ModelError, asking, named, needs_text, reason

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from .attention import Attention

__all__ = ["Loaded", "ModelError", "Scored", "find", "load"]

_SAMPLING = {"temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff"}


class Scored(NamedTuple):
    """A token with its natural log-probability given all tokens before it."""

    token: str
    log_prob: float


@dataclass
class Loaded:
    """A transformers model in eval mode with its tokenizer and card."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    card: Card
    device: torch.device

    def generate(
        self, prompt: str | list[str], max_new_tokens: int = 40, stop: str | Sequence[str] = (), **options
    ) -> str | list:
        """Continue `prompt` (greedily, unless `options` of transformers' generate say otherwise); only the
        new text is returned, up to the first of the strings `stop`.

        A list of prompts gives a list of texts, each as it would be by itself; so does
        num_return_sequences=n, for one prompt.
        ModelError: a model that writes no text, a prompt without tokens, more tokens than the context, an
        option of no effect.
        """
        if isinstance(prompt, (list, tuple)):
            return [self.generate(one, max_new_tokens, stop, **options) for one in prompt]
        import torch
        from transformers import StoppingCriteriaList

        from .ending import Ending
        from .family import positions

        needs_text(self.model, self.card.name)
        if not self.model.can_generate() or kind_of(self.model) == "masked":
            raise ModelError(
                zh='{model} 不会续写文本；试试 load("smollm2-135m")。',
                en='{model} does not continue text. Try load("smollm2-135m").',
                model=named(self.model, self.card.name),
            )
        if "max_length" in options:
            raise ModelError(
                zh="长度用 max_new_tokens 来定，不用 max_length。",
                en="Set the length by max_new_tokens, not by max_length.",
            )
        if not isinstance(max_new_tokens, int) or max_new_tokens < 1:
            raise ModelError(
                zh="max_new_tokens 至少是 1，而不是 {max_new_tokens!r}。",
                en="max_new_tokens must be at least 1, not {max_new_tokens!r}.",
                max_new_tokens=max_new_tokens,
            )
        idle = sorted(_SAMPLING & options.keys())
        if idle and not options.get("do_sample"):
            raise ModelError(
                zh="{idle} 只在抽样时起作用：请加上 do_sample=True。",
                en="{idle} has an effect only when sampling: add do_sample=True.",
                idle=", ".join(idle),
            )
        if (
            options.get("num_return_sequences", 1) > 1
            and not options.get("do_sample")
            and options.get("num_beams", 1) < 2
        ):
            raise ModelError(
                zh="贪心解码只有一个结果：num_return_sequences 要和 do_sample=True 或 num_beams 一起用。",
                en="Greedy decoding has one result: "
                "num_return_sequences goes with do_sample=True or num_beams.",
            )
        inputs = self._encode(prompt)
        seq2seq = self.model.config.is_encoder_decoder
        start, limit = 1 if seq2seq else inputs["input_ids"].shape[1], positions(self.model, target=seq2seq)
        if limit and start + max_new_tokens > limit:
            raise ModelError(
                zh="{tokens} 个词元加上 {max_new_tokens} 个新词元，超过模型的上下文长度 "
                "{limit}：请缩短提示，或减小 max_new_tokens。",
                en="{tokens} tokens and {max_new_tokens} new ones exceed the model's context "
                "of {limit}: shorten the prompt or lower max_new_tokens.",
                tokens=start,
                max_new_tokens=max_new_tokens,
                limit=limit,
            )
        options = {"do_sample": False, "pad_token_id": self.tokenizer.pad_token_id, **options}
        ends = Ending((), stop, self.tokenizer.decode)
        if ends.possible:
            ended = lambda ids, *_, **__: ends.reached(ids[:, start:])
            options["stopping_criteria"] = StoppingCriteriaList(
                [*options.get("stopping_criteria", ()), ended]
            )
        with asking(self.model, self.card.name), torch.inference_mode():
            rows = self.model.generate(**inputs, max_new_tokens=max_new_tokens, **options)
        if not torch.is_tensor(rows):
            raise ModelError(
                zh="generate 只返回文本；要分数等其他结果，请直接调用 m.model.generate(…)。",
                en="generate returns text alone; for scores and the like call m.model.generate(…) itself.",
            )
        texts = [
            ends.cut(self.tokenizer.decode(ids[0 if seq2seq else start :], skip_special_tokens=True))
            for ids in rows
        ]
        return texts if "num_return_sequences" in options else texts[0]

    def next_token_probs(self, text: str) -> Tensor:
        """The distribution over the vocabulary for the token after `text`: [V], float32, on the CPU, sums to
        1."""
        return self._log_probs(text)[1][-1].exp()

    def likely(self, text: str, k: int = 10) -> dict[str, float]:
        """The k likeliest next tokens as a person reads them, best first, with their probabilities; parts of
        a character as bytes: "‹e78c›"."""
        from .reading import read_tokens

        probabilities = self.next_token_probs(text)
        if not 1 <= k <= len(probabilities):
            raise ModelError(
                zh="k 应在 1 到 {size}（词表大小）之间，而不是 {k}。",
                en="k must be from 1 to {size}, the size of the vocabulary, not {k}.",
                size=len(probabilities),
                k=k,
            )
        values, ids = probabilities.topk(k)
        return {
            read_tokens(self.tokenizer, [token]).labels[0]: value
            for token, value in zip(ids.tolist(), values.tolist())
        }

    def score(self, text: str) -> list[Scored]:
        """Each token of `text` but the first, with its log-probability; a begin-of-text token, where the
        model has one, lets the first count too."""
        from .reading import read_tokens

        ids, log_probs = self._log_probs(text)
        log_probs = log_probs[:-1].gather(1, ids[0, 1:, None].cpu())[:, 0]
        labels = read_tokens(self.tokenizer, ids[0].tolist()).labels
        return [Scored(label, p) for label, p in zip(labels[1:], log_probs.tolist())]

    def embed(self, texts: Sequence[str]) -> Tensor:
        """A sentence vector for each text, [N, D], float32 of length 1, on the CPU: the mean of the last
        layer's vectors, padding left out.

        What a text has beyond the first 128 tokens does not count. Only models trained for it (minilm-l6) put
        like meanings near each other.
        """
        import torch

        rows = [torch.zeros(0, self.model.config.hidden_size)]
        for start in range(0, len(texts), 16):
            inputs = self.tokenizer(
                list(texts[start : start + 16]),
                padding=True,
                truncation=True,
                max_length=128,
                return_tensors="pt",
            ).to(self.device)
            with torch.inference_mode():
                hidden = self.model(**inputs).last_hidden_state.float()  # (N, T, D)
            mask = inputs["attention_mask"][:, :, None]
            rows.append(((hidden * mask).sum(1) / mask.sum(1).clamp(min=1)).cpu())
        return torch.nn.functional.normalize(torch.cat(rows), dim=-1).clone()

    def attention(self, text: str, target: str | None = None, truncate: bool = False) -> Attention:
        """The attention weights of one forward pass over `text`, numpy on the CPU.

        target: what an encoder-decoder writes; to an encoder, the second sentence of a pair. truncate: read
        what fits the context.
        """
        from .attention import capture

        with asking(self.model, self.card.name):
            return capture(self, None, text, target, truncate)

    def _encode(self, text: str):
        from .protocol import model_of
        from .reading import encode

        inputs = encode(model_of(self), text)
        inputs.pop("token_type_ids", None)
        return inputs.to(self.device)

    def _log_probs(self, text: str):
        """The ids [1, T] of `text`, and the log-probabilities [T, V] of the token after each; only of a model
        that reads left to right."""
        import torch

        from .protocol import model_of

        self._need_next_token()
        ids = self._encode(text)["input_ids"]
        with torch.inference_mode():
            return ids, model_of(self).logits(ids)[0].float().log_softmax(-1).cpu()

    def _need_next_token(self) -> None:
        needs_text(self.model, self.card.name)
        kind = kind_of(self.model)
        if kind == "causal":
            return
        # an encoder-decoder that classifies
        kind = "encoder" if not self.model.can_generate() and kind == "seq2seq" else kind
        instead = {
            "masked": L(
                zh='它猜的是被遮住的词：把要猜的词换成 {0}，用 cl.attention_view(m, "…{0}…") 看它的猜测',
                en="it guesses words that are masked: write {0} for one and look at its guess with "
                'cl.attention_view(m, "…{0}…")',
            ),
            "seq2seq": L(
                zh="它由一段原文写出另一段：用 m.generate(原文)",
                en="it writes one text from another: use m.generate(source)",
            ),
            "encoder": L(
                zh='它把文本变成向量或类别：用 m.model(**m.tokenizer(text, return_tensors="pt"))',
                en="it turns a text into vectors or classes: use m.model(**m.tokenizer(text, "
                'return_tensors="pt"))',
            ),
        }[kind].format(self.tokenizer.mask_token)
        raise ModelError(
            zh='{model} 不预测下一个词元；{instead}。要下一个词元，用 load("smollm2-135m")。',
            en="{model} does not predict a next token; {instead}. "
            'For next tokens there is load("smollm2-135m").',
            model=named(self.model, self.card.name),
            instead=instead,
        )

    def __repr__(self) -> str:
        return (
            f"Loaded({self.card.name}: {self.card.parameters / 1e6:.1f} M, {self.card.kind}, {self.device})"
        )


def load(
    name: str | Path, device: str | torch.device | None = None, trust_remote_code: bool = False
) -> Loaded:
    """A model of the catalogue, of a local directory or of a hub ("org/name"), in float32 and eval mode on
    `device`.

    A catalogue model is fetched first if need be. Weights are read from safetensors, never from pickle, and
    all of them must be there.
    trust_remote_code: let a model run the Python code that it brings; never without it.
    Raises UnknownModel, FetchError or ModelError, each with a sentence that says what to do.
    """
    import torch

    with quiet():
        folder, about = find(name, trust_remote_code)
        model, tokenizer = open_folder(folder, trust_remote_code)
    if about is None:
        about = Card(str(name), kind_of(model), model.num_parameters(), (), "?", str(name))
    try:
        where = torch.device(device) if device else default_device()
        return Loaded(model.to(where).eval(), tokenizer, about, where)
    except (
        RuntimeError,
        AssertionError,
    ) as error:  # torch's ways of saying that there is no such device, or no memory on it
        raise ModelError(
            zh="设备 {device!r} 用不了：{reason}。",
            en="The device {device!r} cannot be used: {reason}.",
            device=str(device),
            reason=reason(error),
        ) from error


def find(name: str | Path, code: bool = False) -> tuple[Path, Card | None]:
    """The folder of the model, fetched if need be, and its card where the catalogue has one. A folder goes
    before the other readings of a name."""
    folder, text = Path(name if isinstance(name, os.PathLike) else str(name)).expanduser(), str(name)
    if folder.is_dir() and text:
        return folder, None
    if folder.is_file():
        raise ModelError(
            zh="{name} 是一个文件；请给出它所在的目录：{folder}。",
            en="{name} is a file; give the directory that it lies in: {folder}.",
            name=name,
            folder=folder.parent,
        )
    if (
        isinstance(name, os.PathLike)
        or text.startswith((".", "/", "~"))
        or "\\" in text
        or text.count("/") > 1
        or text.endswith("/")
    ):
        raise ModelError(
            zh="没有这个目录：{folder}。",
            en="There is no such directory: {folder}.",
            folder=folder.absolute(),
        )
    if "/" not in text:
        return fetch(card(text).name), card(text)
    try:
        return hub_snapshot(text, code=code), None
    except Unavailable as error:
        raise ModelError(
            zh="这里没有目录 {name}，也没能从模型仓库取得它：{reason}。请检查名字和网络，或把 "
            "HF_ENDPOINT 设为镜像。",
            en="There is no directory {name} here, and it could not be had from the hub: "
            "{reason}. Check the name and the network, or set HF_ENDPOINT to a mirror.",
            name=name,
            reason=error.message,
        ) from error
