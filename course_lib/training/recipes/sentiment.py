"""Fine-tuning on the labelled reviews: what pretraining is worth, beside TF-IDF with logistic regression."""
from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from ... import text
from ..fit import fit
from .batching import Shelves, Stream, pad

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Classifier", "accuracy", "fine_tune", "tfidf"]

LENGTH, BATCH = 128, 16


class Classifier(nn.Module):
    """A pretrained encoder, the mean of its last hidden states, one linear layer. ids long [B, T] -> logits [B, 2].

    The layer starts at zero, half and half: a random one would first push the encoder into a random direction, which with
    few labels it does not recover from (Kumar et al. 2022, arXiv:2202.10054).
    """

    def __init__(self, encoder: nn.Module, dropout: float = 0.1):
        super().__init__()
        self.encoder, self.dropout, self.head = encoder, nn.Dropout(dropout), nn.Linear(encoder.config.hidden_size, 2)
        nn.init.zeros_(self.head.weight)

    def forward(self, ids: Tensor) -> Tensor:
        there = ids != 0                                                        # (B, T), False on padding
        hidden = self.encoder(input_ids=ids, attention_mask=there.long()).last_hidden_state
        mean = (hidden * there[..., None]).sum(1) / there.sum(1, keepdim=True)  # (B, D)
        return self.head(self.dropout(mean))


def encode(tokenizer, reviews) -> list[list[int]]:
    """The first 128 tokens of every review."""
    return tokenizer([review.text for review in reviews], truncation=True, max_length=LENGTH)["input_ids"]


def fine_tune(folder: Path, labels: int | None = None, epochs: float = 2.0, lr: float = 5e-4, seed: int = 0) -> tuple[Classifier, float]:
    """Train on the first `labels` reviews of a fixed shuffle (None: all); returns the classifier and its test accuracy."""
    from transformers import AutoModel, AutoTokenizer

    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = Classifier(AutoModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False, attn_implementation="eager"))
    chosen = some(labels)
    ids, target = encode(tokenizer, chosen), torch.tensor([review.label for review in chosen])
    shelves = Shelves(list(map(len, ids)), 32)

    def batch(number: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        length, rows = shelves.draw(BATCH, generator)
        return pad([ids[i] for i in rows], length, 0), target[rows]

    fit(model, Stream(batch, seed), steps=int(epochs * len(ids) / BATCH), lr=lr, weight_decay=0.01, warmup=20,
        loss=lambda model, batch: F.cross_entropy(model(batch[0]).float(), batch[1]), show=False)
    return model, accuracy(model, tokenizer, text.reviews().test)


def some(labels: int | None) -> list[text.Review]:
    """The first `labels` training reviews of a fixed shuffle; None: all."""
    train = text.reviews().train
    return [train[i] for i in torch.randperm(len(train), generator=torch.Generator().manual_seed(0)).tolist()[:labels]]


def tfidf(labels: int | None = None, words: bool = False) -> float:
    """The baseline's test accuracy with the same labels: TF-IDF of characters and pairs of them, logistic regression.

    words: it is also given what zh-bert was given, the mood words: praise less complaint, squeezed into -1 to 1.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import FunctionTransformer

    def moods(texts: list[str]) -> list[list[float]]:
        return [[math.tanh(text.mood(review).score / 2)] for review in texts]

    chosen, test = some(labels), text.reviews().test
    features = [TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)] + [FunctionTransformer(moods)] * words
    model = make_pipeline(make_union(*features), LogisticRegression(C=10, max_iter=1000))
    model.fit([review.text for review in chosen], [review.label for review in chosen])
    return float(model.score([review.text for review in test], [review.label for review in test]))


def accuracy(model: Classifier, tokenizer, reviews) -> float:
    """The share of reviews whose mood is recognised."""
    model.eval()
    device = next(model.parameters()).device
    ids, right = encode(tokenizer, reviews), 0
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            rows = order[start:start + 64]
            guess = model(pad([ids[i] for i in rows], len(ids[rows[-1]]), 0).to(device)).argmax(-1).cpu()
            right += int((guess == torch.tensor([reviews[i].label for i in rows])).sum())
    return right / len(reviews)
