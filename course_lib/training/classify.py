"""Classifying short texts: zh-bert fine-tuned, or only a head on it, beside TF-IDF with logistic regression.

    model, history = tune(train, seed=0)  # train: reviews, or anything with .text and .label (0, 1, ...)
    hits = right(model.judge, test)                    # one True or False a review
    baseline = right(tfidf(train), test)
    cl.metrics.paired(hits, baseline)

A *judge* is a function from reviews to the probability of every class, [N, K]. All methods give one, so they
are compared by one function.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .. import models, text
from ..device import device
from .history import History
from .loop import fit

if TYPE_CHECKING:
    from torch import Tensor
    from transformers.modeling_outputs import SequenceClassifierOutput

    Judge = Callable[[Sequence[text.Review]], np.ndarray]

__all__ = ["Reviewer", "collator", "encode", "head", "right", "sentence_vectors", "tfidf", "tune"]

LONGEST = 128  # tokens; zh-bert has no positions beyond


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """The mean over real tokens: hidden [B, T, D], mask [B, T] of 0 and 1 -> [B, D]."""
    weights = mask.to(hidden.dtype)[:, :, None]  # (B, T, 1)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


class Reviewer(nn.Module):
    """zh-bert's encoder, a pooling of its vectors, one linear layer to `classes` logits.

    pretrained=False starts the encoder from random numbers. With a pre-trained encoder the layer starts at 0,
    every class alike: a random one would first push the encoder into a random direction (Kumar et al. 2022,
    arXiv:2202.10054).
    pool: (hidden [B, T, D], mask [B, T]) -> [B, D].
    """

    def __init__(
        self,
        classes: int = 2,
        pretrained: bool = True,
        dropout: float = 0.1,
        pool: Callable[[Tensor, Tensor], Tensor] = mean_pool,
    ):
        super().__init__()
        from transformers import BertConfig, BertModel

        folder = models.fetch("zh-bert")
        config = BertConfig.from_pretrained(folder, hidden_dropout_prob=dropout)
        options = {"config": config, "add_pooling_layer": False}
        self.encoder = (
            BertModel.from_pretrained(folder, dtype=torch.float32, **options)
            if pretrained
            else BertModel(**options)
        )
        self.dropout, self.head, self.pool = nn.Dropout(dropout), nn.Linear(config.hidden_size, classes), pool
        if pretrained:
            nn.init.zeros_(self.head.weight)

    def vectors(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """One vector a text: [B, T] -> [B, D]."""
        return self.pool(
            self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state, attention_mask
        )

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """logits [B, K], and with labels [B] their mean cross-entropy: what transformers' Trainer and `fit`
        expect."""
        from transformers.modeling_outputs import SequenceClassifierOutput

        logits = self.head(self.dropout(self.vectors(input_ids, attention_mask)))
        return SequenceClassifierOutput(
            loss=None if labels is None else F.cross_entropy(logits, labels), logits=logits
        )

    def judge(self, reviews: Sequence[text.Review]) -> np.ndarray:
        """The probability of every class, [N, K]."""
        return _apply(self, reviews, lambda batch: self(**batch).logits.softmax(-1))

    def save(self, folder: str | Path) -> None:
        """Weights and shape, in a folder that `Reviewer.load` reads."""
        from safetensors.torch import save_file

        Path(folder).mkdir(parents=True, exist_ok=True)
        save_file(
            {name: value.contiguous() for name, value in self.state_dict().items()},
            str(Path(folder, "model.safetensors")),
        )
        Path(folder, "config.json").write_text(json.dumps({"classes": self.head.out_features}), "utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Reviewer:
        """What `save` wrote. A weight that is missing, left over or of another shape is an error."""
        from safetensors.torch import load_file

        model = cls(**json.loads(Path(folder, "config.json").read_text("utf-8")), pretrained=False)
        model.load_state_dict(load_file(str(Path(folder, "model.safetensors"))))
        return model.eval()


@lru_cache(maxsize=1)
def _tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(models.fetch("zh-bert"))


@lru_cache(maxsize=1)
def collator():
    """Makes a batch of rows, padded to the longest of that batch: transformers' own, with zh-bert's
    tokenizer."""
    from transformers import DataCollatorWithPadding

    return DataCollatorWithPadding(_tokenizer())


def encode(reviews: Sequence[text.Review]) -> list[dict]:
    """A row a review: input_ids and attention_mask (at most 128 tokens, no padding) and labels."""
    return [
        {
            **_tokenizer()(review.text, truncation=True, max_length=LONGEST, return_token_type_ids=False),
            "labels": review.label,
        }
        for review in reviews
    ]


@torch.inference_mode()
def _apply(model: nn.Module, reviews: Sequence[text.Review], run: Callable[[dict], Tensor]) -> np.ndarray:
    """`run` over batches of 64, texts of similar length together, the model in evaluation mode: [N, ...] in
    the order of `reviews`."""
    model.eval()
    rows, place = encode(reviews), next(model.parameters()).device
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
    parts = [
        run(collator()([rows[i] for i in order[at : at + 64]]).to(place)).float().cpu()
        for at in range(0, len(order), 64)
    ]
    return torch.cat(parts)[torch.tensor(order).argsort()].numpy()


def tune(
    reviews: Sequence[text.Review],
    pretrained: bool = True,
    *,
    classes: int = 2,
    dropout: float = 0.1,
    seed: int = 0,
    steps: int | None = None,
    **options,
) -> tuple[Reviewer, History]:
    """Fine-tune all parameters of a Reviewer with `fit`: a step for every four reviews, 100 at least and
    1,000 at most.

    options: `fit`'s. Batches of 16, texts of similar length together.
    """
    from torch.utils.data import DataLoader
    from transformers.trainer_pt_utils import LengthGroupedSampler

    torch.manual_seed(seed)
    model = Reviewer(classes, pretrained, dropout)
    rows = encode(reviews)
    order = LengthGroupedSampler(16, lengths=[len(row["input_ids"]) for row in rows])
    options = {"lr": 1e-4 if pretrained else 5e-4, "weight_decay": 0.01, "show": False, **options}
    loader = DataLoader(rows, 16, sampler=order, collate_fn=collator())  # type: ignore[arg-type]   # a list is a data set, too
    return model, fit(
        model, loader, steps=steps or max(100, min(len(reviews) // 4, 1000)), seed=seed, **options
    )


@lru_cache(maxsize=1)
def _frozen() -> Reviewer:
    return Reviewer(dropout=0.0).to(device())


def sentence_vectors(reviews: Sequence[text.Review]) -> np.ndarray:
    """The mean-pooled vector of each review, from the encoder as pre-training left it: [N, 256]."""
    batch_of = lambda batch: _frozen().vectors(batch["input_ids"], batch["attention_mask"])
    return _apply(_frozen(), reviews, batch_of)


def head(reviews: Sequence[text.Review]) -> Judge:
    """The encoder stays as it is; a logistic regression is trained on its sentence vectors. Its C was chosen
    on the validation set."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    line = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    line.fit(sentence_vectors(reviews), [review.label for review in reviews])
    return lambda some: _every_class(line, sentence_vectors(some))


def tfidf(reviews: Sequence[text.Review], words: bool = False) -> Judge:
    """TF-IDF of characters and pairs of them, logistic regression. words: it also gets what zh-bert's
    training got, the mood words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import FunctionTransformer

    features = [TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)] + [
        FunctionTransformer(_moods)
    ] * words
    line = make_pipeline(make_union(*features), LogisticRegression(C=10, max_iter=1000))
    line.fit([review.text for review in reviews], [review.label for review in reviews])
    return lambda some: _every_class(line, [review.text for review in some])


def _every_class(line, inputs) -> np.ndarray:
    """predict_proba with a column for every class up to the largest that was trained on: column k is class k,
    [N, K]."""
    probabilities = line.predict_proba(inputs)
    columns = np.zeros((len(probabilities), line.classes_.max() + 1))
    columns[:, line.classes_] = probabilities
    return columns


def _moods(texts: Sequence[str]) -> np.ndarray:
    """Words of praise less words of complaint, squeezed into -1 to 1: [N, 1]."""
    return np.tanh([[text.mood(line).score / 2] for line in texts])


def right(judge: Judge, reviews: Sequence[text.Review]) -> list[bool]:
    """Whether the likeliest class is the review's label, review by review."""
    return (judge(reviews).argmax(-1) == [review.label for review in reviews]).tolist()
