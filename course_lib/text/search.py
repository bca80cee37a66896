"""Search by words in many documents: BM25 as one sparse matrix.

    index = Bm25Index([["the", "cat"], ["a", "dog", "ran"]])
    index.scores(["cat"])               # tensor([0.69, 0.00])

Whatever does not depend on the query is computed once (Robertson and Zaragoza 2009); a query is one product of matrix and vector.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Bm25Index"]


class Bm25Index:
    """docs: lists of tokens, any hashable units. `scores` equals the chapter's bm25(query, docs, k1, b), for every query."""

    def __init__(self, docs: Sequence[Sequence[str]], k1: float = 1.5, b: float = 0.75):
        import numpy as np
        from sklearn.feature_extraction.text import CountVectorizer

        self._counter = CountVectorizer(analyzer=list)
        counts = self._counter.fit_transform(docs).astype(float)                    # (N, V), sparse
        df = np.bincount(counts.indices, minlength=counts.shape[1])                 # (V,)
        length = np.asarray(counts.sum(axis=1)).ravel()                             # (N,)
        idf = np.log1p((len(docs) - df + 0.5) / (df + 0.5))
        penalty = np.repeat(k1 * (1 - b + b * length / length.mean()), np.diff(counts.indptr))      # one for each stored count
        counts.data = idf[counts.indices] * counts.data * (k1 + 1) / (counts.data + penalty)
        self._weights = counts

    def scores(self, query: Sequence[str]) -> Tensor:
        """[N], float32: one score a document; tokens that no document has add nothing."""
        import torch

        return torch.from_numpy((self._weights @ self._counter.transform([query]).T).toarray()[:, 0]).float()
