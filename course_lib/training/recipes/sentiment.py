"""Fine-tuning on the labelled reviews: what pretraining is worth, beside TF-IDF with logistic regression.

Every judge gives the log-odds of praise for each review of the test split, [N], so that two of them can be
added up.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from ... import text
from .. import classify
from ..loop import fit
from .batching import Shelves, Stream, pad

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

__all__ = ["Classifier", "accuracy", "compare", "fine_tune", "tfidf"]

LENGTH, BATCH, HIDDEN = 128, 32, 0.1


class Classifier(nn.Module):
    """A masked language model, the mean of its last hidden states, one linear layer. ids long [B, T] ->
    hidden [B, T, D], logits [B, outputs].

    The layer starts at zero, half and half: a random one would first push the encoder into a random
    direction, which with few labels it does not recover from (Kumar et al. 2022, arXiv:2202.10054).
    """

    def __init__(self, language_model: PreTrainedModel, outputs: int = 2, dropout: float = 0.1):
        super().__init__()
        self.language_model, self.dropout = language_model, nn.Dropout(dropout)
        self.head = nn.Linear(language_model.config.hidden_size, outputs)
        nn.init.zeros_(self.head.weight)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        there = ids != 0  # (B, T), False on padding
        hidden = self.language_model.bert(input_ids=ids, attention_mask=there.long()).last_hidden_state
        mean = (hidden * there[..., None]).sum(1) / there.sum(1, keepdim=True)  # (B, D)
        return hidden, self.head(self.dropout(mean))


def windows(tokenizer, reviews) -> tuple[list[list[int]], Tensor]:
    """The tokens of every review in windows of at most 128 that overlap as they must, and which review each
    belongs to: long [windows]."""
    room, rows, owner = LENGTH - 2, [], []
    for i, ids in enumerate(
        tokenizer([review.text for review in reviews], add_special_tokens=False)["input_ids"]
    ):
        parts = max(1, math.ceil(len(ids) / room))
        for part in range(parts):
            start = round(part * (len(ids) - room) / max(1, parts - 1))
            rows.append(
                [tokenizer.cls_token_id, *ids[max(0, start) : max(0, start) + room], tokenizer.sep_token_id]
            )
            owner.append(i)
    return rows, torch.tensor(owner)


def fine_tune(
    folder: Path, labels: int | None = None, epochs: float = 3.0, lr: float = 2e-4, seed: int = 0
) -> Tensor:
    """Train on the first `labels` reviews of a fixed shuffle (None: all); returns the log-odds of praise for
    the test reviews.

    One character in ten is hidden and guessed meanwhile: the model keeps its language, and no review is seen
    twice alike.
    """
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = Classifier(
        AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    )
    chosen = some(labels)
    ids, owner = windows(tokenizer, chosen)
    target = torch.tensor([review.label for review in chosen])[owner]
    # the last of the special tokens
    shelves, mask = (Shelves(list(map(len, ids)), 32), tokenizer.mask_token_id)

    def batch(number: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        length, rows = shelves.draw(BATCH, generator)
        whole = pad([ids[i] for i in rows], length, 0)
        hide = (torch.rand(whole.shape, generator=generator) < HIDDEN) & (whole > mask)
        return whole.masked_fill(hide, mask), whole.masked_fill(~hide, -100), target[rows]

    def loss(model: Classifier, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        shown, hidden_ids, mood = batch
        hidden, logits = model(shown)
        where = hidden_ids != -100
        guesses = model.language_model.cls(hidden[where]).float()
        return F.cross_entropy(logits.float(), mood, label_smoothing=0.1) + 0.3 * F.cross_entropy(
            guesses, hidden_ids[where]
        )

    fit(
        model,
        Stream(batch, seed),
        steps=int(epochs * len(ids) / BATCH),
        lr=lr,
        weight_decay=0.01,
        warmup=20,
        loss=loss,
        show=False,
    )
    return log_odds(model, tokenizer, text.reviews().test)


def log_odds(model: Classifier, tokenizer, reviews) -> Tensor:
    """log P(praise) - log P(complaint) of every review, the mean over its windows: [N]."""
    model.eval()
    device = next(model.parameters()).device
    ids, owner = windows(tokenizer, reviews)
    order, odds = sorted(range(len(ids)), key=lambda i: len(ids[i])), torch.zeros(len(ids))
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            rows = order[start : start + 64]
            logits = model(pad([ids[i] for i in rows], len(ids[rows[-1]]), 0).to(device))[1].float().cpu()
            odds[rows] = logits[:, 1] - logits[:, 0]
    return torch.zeros(len(reviews)).index_add(0, owner, odds) / owner.bincount()


def some(labels: int | None) -> list[text.Review]:
    """The first `labels` training reviews of a fixed shuffle; None: all."""
    train = text.reviews().train
    return [
        train[i]
        for i in torch.randperm(len(train), generator=torch.Generator().manual_seed(0)).tolist()[:labels]
    ]


def tfidf(labels: int | None = None, words: bool = False) -> Tensor:
    """The baseline's log-odds with the same labels: TF-IDF of characters and pairs of them, logistic
    regression.

    words: it is also given what zh-bert was given, the mood words.
    """
    odds = classify.tfidf(some(labels), words)(text.reviews().test)  # [N, 2]
    return torch.tensor(odds).log().diff(dim=1)[:, 0].float()


def accuracy(log_odds: Tensor) -> float:
    """The share of test reviews whose mood is recognised."""
    return float(
        ((log_odds > 0).long() == torch.tensor([review.label for review in text.reviews().test]))
        .float()
        .mean()
    )


def compare(folder: Path) -> dict[str, float]:
    """Test accuracy with no label, with 500 (the mean of three seeds) and with all, each beside the
    baselines."""
    words_alone = torch.tensor([float(text.mood(review.text).score) for review in text.reviews().test])
    few = [fine_tune(folder, 500, epochs=8.0, lr=1e-4, seed=seed) for seed in range(3)]
    all_, counted = fine_tune(folder), tfidf()
    return {
        "sentiment accuracy, 500 labels": sum(map(accuracy, few)) / len(few),
        "TF-IDF and logistic regression, 500 labels": accuracy(tfidf(500)),
        "the same with the mood words, 500 labels": accuracy(tfidf(500, words=True)),
        "mood words alone, no label": accuracy(words_alone),
        "sentiment accuracy, all labels": accuracy(all_),
        "TF-IDF and logistic regression, all labels": accuracy(counted),
        "the same with the mood words, all labels": accuracy(tfidf(words=True)),
        "zh-bert and TF-IDF, log-odds added, all labels": accuracy(all_ + counted),
    }
