"""zh-fr-en: a small encoder-decoder that translates Chinese to French or to English, T5's way (Raffel et al.
2020).

The prefix says what is wanted: "翻译成法语：我爱你。" -> "je t'aime ." One model, one vocabulary, both target
languages mixed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ... import text
from ...i18n import L
from ...text.vocab import parallel_tokenizer
from .batching import Shelves, Stream, pad
from .ship import shipped

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

__all__ = ["PREFIXES", "build", "exact", "loss", "measure", "samples", "setup", "translate"]

KIND, LANGUAGES = "seq2seq", ["zh", "fr", "en"]
TITLE = L(
    zh="zh-fr-en：课程自己训练的小翻译模型，中文译成法语或英语",
    en="zh-fr-en, the course's own small translator from Chinese to French or English",
)
DATA = L(
    zh="训练句子由课程自己的语法生成，约 4.2 万句，每句有法语和英语译文；词汇约一千个。“我爱你。”不在其中。",
    en="The sentences, about 42,000 with French and English for each, come from the course's own "
    "grammar; about a thousand words. 「我爱你。」 is not among them.",
)
LIMITS = L(
    zh="它只认识语法里的词和句型，句子之外的词会变成 <unk>，译文也就没有意义。它不是通用翻译。只用于教学。",
    en="It knows the grammar's words and frames and nothing else: any other word becomes <unk> and "
    "the translation means nothing. "
    "It is no general translator. For teaching only.",
)

STEPS, BATCH, LR = 24_000, 32, 2e-3
PREFIXES = {"fr": "翻译成法语：", "en": "翻译成英语："}


def build(pairs: Sequence[text.Pair]) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The untrained model (T5ForConditionalGeneration: 3 + 3 layers, width 128) and its tokenizer."""
    from transformers import T5Config, T5ForConditionalGeneration

    sentences = [sentence for pair in pairs for sentence in (pair.zh, pair.fr, pair.en)]
    tokenizer = parallel_tokenizer([*PREFIXES.values(), *sentences], max_length=128)
    model = T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(tokenizer),
            d_model=128,
            d_kv=32,
            num_heads=4,
            d_ff=512,
            num_layers=3,
            num_decoder_layers=3,
            dropout_rate=0.0,
            feed_forward_proj="relu",
            tie_word_embeddings=True,
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
        )
    )
    return model, tokenizer


def setup(steps: int):
    """Everything that `fit` needs: the model, the tokenizer, the stream of batches, the options."""
    corpus = text.parallel()
    model, tokenizer = build(corpus.train)
    rows = [
        (prefix + pair.zh, getattr(pair, language))
        for pair in corpus.train
        for language, prefix in PREFIXES.items()
    ]
    sources, targets = (tokenizer(list(side))["input_ids"] for side in zip(*rows))
    shelves = Shelves([max(map(len, pair)) for pair in zip(sources, targets)], 8)

    def make(number: int, generator: torch.Generator) -> dict[str, Tensor]:
        length, chosen = shelves.draw(BATCH, generator)
        ids, labels = (
            pad([sources[i] for i in chosen], length, 0),
            pad([targets[i] for i in chosen], length, -100),
        )
        return {"input_ids": ids, "attention_mask": (ids != 0).long(), "labels": labels}

    return model, tokenizer, Stream(make), {"lr": LR, "weight_decay": 0.01, "betas": (0.9, 0.98)}


def loss(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
    """Cross-entropy of the target's tokens."""
    return model(**batch).loss


def translate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    sentences: list[str],
    language: str,
    size: int = 100,
) -> list[str]:
    """Greedy translations of Chinese sentences into "fr" or "en"."""
    device, out = next(model.parameters()).device, []
    for i in range(0, len(sentences), size):
        inputs = tokenizer(
            [PREFIXES[language] + sentence for sentence in sentences[i : i + size]],
            return_tensors="pt",
            padding=True,
        )
        with torch.inference_mode():
            ids = model.generate(**inputs.to(device), max_new_tokens=40, do_sample=False, num_beams=1)
        out += tokenizer.batch_decode(ids, skip_special_tokens=True)
    return out


def exact(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, pairs: list[text.Pair], language: str
) -> float:
    """The share of sentences translated exactly."""
    guesses = translate(model, tokenizer, [pair.zh for pair in pairs], language)
    return sum(guess == getattr(pair, language) for guess, pair in zip(guesses, pairs)) / len(pairs)


def measure(folder: Path, size: int = 500) -> dict[str, float]:
    """BLEU (sacrebleu, 13a) and the share translated exactly, on the random and the compositional split.

    The baseline gives the translation of the training sentence that is most like it (cosine of TF-IDF of
    character pairs).
    """
    import sacrebleu

    model, tokenizer = shipped(folder, "AutoModelForSeq2SeqLM")
    out: dict[str, float] = {}
    for split in ("test", "compositional"):
        pairs = getattr(text.parallel(), split)[:size]
        nearest = text.most_alike(pair.zh for pair in pairs)
        for language in PREFIXES:
            wanted = [getattr(pair, language) for pair in pairs]
            guesses = translate(model, tokenizer, [pair.zh for pair in pairs], language)
            out[f"BLEU {language}, {split}"] = round(
                sacrebleu.corpus_bleu(guesses, [wanted], force=True).score, 1
            )
            alike = [getattr(pair, language) for pair in nearest]
            out[f"BLEU of the most similar training sentence, {language}, {split}"] = round(
                sacrebleu.corpus_bleu(alike, [wanted], force=True).score, 1
            )
            out[f"exact {language}, {split}"] = round(sum(map(str.__eq__, guesses, wanted)) / len(pairs), 4)
    return out


def samples(folder: Path) -> list[tuple[str, str]]:
    """The famous sentence; then of each split the first two, and of a hundred the first that goes wrong, with
    what should stand there."""
    model, tokenizer = shipped(folder, "AutoModelForSeq2SeqLM")
    out = [("我爱你。", translate(model, tokenizer, ["我爱你。"], language)[0]) for language in PREFIXES]
    for split, language in itertools.product(("test", "compositional"), PREFIXES):
        pairs = getattr(text.parallel(), split)[:100]
        rows = [
            (pair.zh, guess, getattr(pair, language))
            for pair, guess in zip(pairs, translate(model, tokenizer, [pair.zh for pair in pairs], language))
        ]
        shown = rows[:2] + [row for row in rows[2:] if row[1] != row[2]][:1]
        out += [(zh, guess if guess == wanted else f"{guess} ✗ {wanted}") for zh, guess, wanted in shown]
    return out
