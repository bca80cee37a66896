"""`load(name)`: a real model, ready to ask."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..device import device as default_device
from ..errors import CourseError
from ..i18n import L
from .cards import Card, card
from .convert import quiet
from .fetch import Unavailable, fetch, hub_snapshot

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from .attention import Attention

__all__ = ["Loaded", "ModelError", "Scored", "load"]


class ModelError(CourseError, ValueError):
    """The model cannot do what was asked, or its files cannot be read."""


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

    def generate(self, prompt: str, max_new_tokens: int = 40, **options) -> str:
        """Continue `prompt` (greedily, unless `options` of transformers' generate say otherwise); only the new text is returned.

        A model that is no generator raises ModelError.
        """
        import torch

        if not self.model.can_generate():
            raise ModelError(L(zh="{0} 是编码器，不会续写文本；试试 load(\"smollm2-135m\")。",
                               en="{0} is an encoder: it does not continue text. Try load(\"smollm2-135m\").").format(self.card.name))
        inputs = self._encode(prompt)
        options = {"do_sample": False, "pad_token_id": self.tokenizer.pad_token_id, **options}
        with torch.inference_mode():
            ids = self.model.generate(**inputs, max_new_tokens=max_new_tokens, **options)[0]
        start = 0 if self.model.config.is_encoder_decoder else inputs["input_ids"].shape[1]
        return self.tokenizer.decode(ids[start:], skip_special_tokens=True)

    def next_token_probs(self, text: str) -> Tensor:
        """The distribution over the vocabulary, [V], for the token after `text` (float32, on the CPU, sums to 1)."""
        return self._log_probs(self._encode(text)["input_ids"])[-1].exp()

    def likely(self, text: str, k: int = 10) -> dict[str, float]:
        """The k likeliest next tokens as a person reads them, best first, with their probabilities; parts of a character as bytes: "‹e78c›"."""
        from .reading import read_tokens

        values, ids = self.next_token_probs(text).topk(k)
        return {read_tokens(self.tokenizer, [token]).labels[0]: value for token, value in zip(ids.tolist(), values.tolist())}

    def score(self, text: str) -> list[Scored]:
        """Each token of `text` but the first, with its log-probability; a begin-of-text token, where the model has one, lets the first count too."""
        from .reading import read_tokens

        ids = self._encode(text)["input_ids"]
        log_probs = self._log_probs(ids)[:-1].gather(1, ids[0, 1:, None].cpu())[:, 0]
        labels = read_tokens(self.tokenizer, ids[0].tolist()).labels
        return [Scored(label, p) for label, p in zip(labels[1:], log_probs.tolist())]

    def attention(self, text: str, target: str | None = None) -> Attention:
        """The attention weights of one forward pass over `text` (and `target`, for an encoder-decoder), numpy on the CPU."""
        from .attention import capture

        return capture(self.model, self.tokenizer, text, target)

    def _encode(self, text: str):
        if not text:
            raise ModelError(L(zh="文本是空的：至少要有一个词元。", en="The text is empty: the model needs at least one token."))
        inputs = self.tokenizer(text, return_tensors="pt")
        limit = getattr(self.model.config, "max_position_embeddings", None)
        length = inputs["input_ids"].shape[1]
        if limit and length > limit:
            raise ModelError(L(zh="文本有 {0} 个词元，超过模型的上下文长度 {1}；请先截短。",
                               en="The text has {0} tokens, beyond the model's context of {1}; cut it first.").format(length, limit))
        inputs.pop("token_type_ids", None)
        return inputs.to(self.device)

    def _log_probs(self, ids):
        import torch

        with torch.inference_mode():
            return self.model(input_ids=ids).logits[0].float().log_softmax(-1).cpu()

    def __repr__(self) -> str:
        return f"Loaded({self.card.name}: {self.card.parameters / 1e6:.1f} M, {self.card.kind}, {self.device})"


def load(name: str | Path, device: str | torch.device | None = None) -> Loaded:
    """A model of the catalogue, of a local directory or of a hub ("org/name"), in float32 and eval mode on `device`.

    A catalogue model is fetched first if need be. Weights are read from safetensors, never from pickle.
    Raises UnknownModel, FetchError or ModelError, each with a sentence that says what to do.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoTokenizer

    where = torch.device(device) if device else default_device()
    about = None
    try:
        with quiet():
            if (folder := Path(name).expanduser()).is_dir():
                source = folder
            elif "/" in str(name):
                source = hub_snapshot(str(name))
            else:
                about = card(str(name))
                source = fetch(about.name)
            model = _model_class(source).from_pretrained(source, dtype=torch.float32, use_safetensors=True)
            tokenizer = AutoTokenizer.from_pretrained(source)
    except CourseError:
        raise
    except (OSError, ValueError, Unavailable, SafetensorError) as error:
        raise ModelError(L(
            zh="无法加载 {0}：{1}。需要一个带 config.json、model.safetensors 和分词器文件的目录；如果是模型仓库名，请检查网络，或设置 HF_ENDPOINT 镜像。",
            en="Cannot load {0}: {1}. It takes a directory with config.json, model.safetensors and tokenizer files; for a hub id check the network, "
               "or set HF_ENDPOINT to a mirror.").format(name, str(error).splitlines()[0][:200])) from error
    if about is None:
        about = Card(str(name), _kind(model), model.num_parameters(), (), "?", str(name))
    return Loaded(model.to(where).eval(), tokenizer, about, where)


def _model_class(source):
    """The Auto class for the checkpoint's own architecture: a language model keeps its head."""
    import transformers
    from transformers import AutoConfig

    architecture = (getattr(AutoConfig.from_pretrained(source), "architectures", None) or [""])[0]
    for mark, name in _HEADS.items():
        if architecture.endswith(mark):
            return getattr(transformers, name)
    return transformers.AutoModel


_HEADS = {"ForCausalLM": "AutoModelForCausalLM", "LMHeadModel": "AutoModelForCausalLM", "ForMaskedLM": "AutoModelForMaskedLM",
          "ForConditionalGeneration": "AutoModelForSeq2SeqLM", "ForSequenceClassification": "AutoModelForSequenceClassification"}


def _kind(model) -> str:
    if model.config.is_encoder_decoder:
        return "seq2seq"
    name = type(model).__name__
    return "causal" if model.can_generate() else "masked" if name.endswith("ForMaskedLM") else "encoder"
