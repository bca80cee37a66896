"""zh-verse: a very small Chinese GPT, Llama-shaped, that writes regulated verse on a subject.

A poem begins with a token for its form, <五绝>, <七绝>, <五律> or <七律> (four or eight lines of five or
seven characters), then comes its title, a colon, the lines, and <eos>. A title can be left out, so the model
also writes without one. Poems with a character that stands less than 200 times in the collection are left
out: nobody can learn a word from a handful of verses.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ...i18n import L
from ...text.verse import FORMS, Poem, poems
from ...text.vocab import character_tokenizer
from .batching import Stream, pack, windows
from .ship import shipped
from .zh_gpt import loss, perplexity, write

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

__all__ = ["build", "document", "in_form", "loss", "measure", "samples", "setup"]

KIND, LANGUAGES = "causal", ["zh"]
TITLE = L(
    zh="zh-verse：课程自己训练的小诗人，能写绝句和律诗",
    en="zh-verse, the course's own small poet: it writes Chinese regulated verse",
)
DATA = L(
    zh="训练文本：npm 包 chinese-poetry 2.0.1（MIT）里唐宋诗的训练集部分：约八万两千首绝句和律诗，转成简体。",
    en="Text: the training split of the Tang and Song poems in the npm package chinese-poetry 2.0.1 "
    "(MIT): some 82,000 quatrains and eight-line poems, "
    "in simplified characters.",
)
LIMITS = L(
    zh="格式几乎不出错，意象也像样，但它不懂自己写了什么：押韵、对仗和前后照应都不可靠，会把不同诗里的句子拼在一起。只用于教学和消遣。",
    en="Its form hardly ever fails and its images fit, but it does not know what it says: rhymes, "
    "parallel lines and the thread of a poem are unreliable, "
    "and it joins lines of different poems. For teaching and for fun only.",
)

STEPS, BATCH, LENGTH, LR = 30_000, 16, 128, 3e-3
SPECIALS = ["<pad>", "<unk>", "<eos>", *(f"<{form}>" for form in FORMS.values())]


def build(texts: list[str]) -> tuple[nn.Module, PreTrainedTokenizerFast]:
    """The untrained model (LlamaForCausalLM: 4 layers, width 112, 2 key-value heads for 4 queries) and its
    tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = character_tokenizer(
        texts,
        specials=SPECIALS,
        lowercase=False,
        min_count=200,
        max_length=LENGTH,
        roles={"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "<eos>"},
    )
    model = LlamaForCausalLM._from_config(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=112,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=224,
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


def document(poem: Poem, title: bool = True) -> str:
    """What the model reads and writes: form, title, lines and the end."""
    return f"<{poem.form}>{poem.title if title else ''}：{poem.text}<eos>"


def documents(tokenizer: PreTrainedTokenizerFast, split: str) -> list[list[int]]:
    """The tokens of every poem of a split that the vocabulary covers; one poem in ten loses its title."""
    rows = tokenizer([document(poem, i % 10 > 0) for i, poem in enumerate(getattr(poems(), split))])[
        "input_ids"
    ]
    return [ids for ids in rows if 1 not in ids]


def setup(steps: int):
    """Everything that `fit` needs: the model, the tokenizer, the stream of batches, the options."""
    model, tokenizer = build([document(poem) for poem in poems().train])
    ids = pack(documents(tokenizer, "train"))
    stream = Stream(lambda number, generator: windows(ids, BATCH, LENGTH + 1, generator))
    options = {"lr": LR, "weight_decay": 0.1, "betas": (0.9, 0.95)}
    return model, tokenizer, stream, options


def in_form(written: str, form: str) -> bool:
    """True if a text (title, colon, lines) has as many lines, each as long, as its form asks."""
    lines = written.split("：")[-1].replace("，", "。").split("。")
    rows, length = next(shape for shape, name in FORMS.items() if name == form)
    return [len(line) for line in lines] == [length] * rows + [0]


def measure(folder: Path) -> dict[str, float]:
    """Perplexity per character on the test split, an interpolated trigram of the same data beside it, and how
    often a poem keeps its form."""
    from ...text.ngram import Trigram

    model, tokenizer = shipped(folder, "AutoModelForCausalLM")
    train, valid, test = (documents(tokenizer, split) for split in ("train", "valid", "test"))
    trigram = Trigram(train, valid, len(tokenizer))
    torch.manual_seed(0)
    kept = [
        in_form(poem, form)
        for form, title in itertools.product(FORMS.values(), ("秋夜", "送友人", "梅花", "登楼"))
        for poem in write(model, tokenizer, [f"<{form}>{title}："] * 16, 80)
    ]
    return {
        "perplexity": round(perplexity(model, test), 2),
        "trigram perplexity": round(trigram.perplexity(test), 2),
        f"form kept, {len(kept)} poems": round(sum(kept) / len(kept), 4),
    }


def samples(folder: Path) -> list[tuple[str, str]]:
    """A poem in each form, on an old subject and on one that no poet of its text knew."""
    model, tokenizer = shipped(folder, "AutoModelForCausalLM")
    torch.manual_seed(0)
    prompts = [f"<{form}>{title}：" for form in FORMS.values() for title in ("秋夜", "电车")]
    return [
        (prompt, poem.split("：")[-1]) for prompt in prompts for poem in write(model, tokenizer, [prompt], 80)
    ]
