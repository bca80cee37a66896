"""Parallel sentences: the grammar's Chinese with French and English, and a split that asks for more than
memory.

- `test` is a random split: its sentences are new, their combinations are not.
- `compositional` holds every sentence with a combination that training never shows: a verb with an object, a
  subject-verb-pronoun triple, a verb in a tense and mood. Each word alone is known (Lake & Baroni 2018,
  arXiv:1711.00350).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ..i18n import L
from .corpus import Corpus, Stage, split_of
from .frames import FRAMES
from .grammar import Sentence, Source

__all__ = ["Pair", "ParallelCorpus", "most_alike", "parallel"]

DRAWN, SEED = 90_000, 1
HELD_OUT_PERCENT = {"object": 10, "clitic": 10, "frame": 4, "quality": 4}
HELD_OUT = {("clitic", "我", "爱", "你")}  # the sentence of the course, "我爱你。", is never trained on


@dataclass(frozen=True)
class Pair:
    """One meaning: Chinese as it is written, French and English in lower case with words and marks apart."""

    zh: str
    fr: str
    en: str


@dataclass(frozen=True, repr=False)
class ParallelCorpus(Corpus[Pair]):
    """`train`, `valid` and `test` share all combinations; `compositional` has only sentences with a new
    one."""

    compositional: tuple[Pair, ...] = ()


@lru_cache(maxsize=1)
def parallel() -> ParallelCorpus:
    """Sentences of `course_lib.text.frames`, always the same ones."""
    source = Source(SEED)
    drawn = [source.pick(FRAMES)(source) for _ in range(DRAWN)]
    unique: dict[str, Sentence] = {}
    for sentence in drawn:
        unique.setdefault(sentence.zh, sentence)
    splits: dict[str, list[Pair]] = {"train": [], "valid": [], "test": [], "compositional": []}
    for sentence in unique.values():
        split = "compositional" if any(map(held_out, sentence.parts)) else split_of(sentence.zh)
        splits[split].append(Pair(sentence.zh, sentence.fr, sentence.en))
    known = len(unique) - len(splits["compositional"])
    seen = set().union(*map(_words, splits["train"]))
    splits["compositional"] = [pair for pair in splits["compositional"] if _words(pair) <= seen]
    train, valid, test, compositional = map(tuple, splits.values())
    return ParallelCorpus(
        "parallel",
        train,
        valid,
        test,
        (
            Stage(L(zh="语法生成的句子", en="sentences drawn from the grammar"), len(drawn)),
            Stage(L(zh="去掉重复", en="duplicates removed"), len(unique)),
            Stage(L(zh="组合都可在训练中出现", en="every combination allowed in training"), known),
        ),
        compositional,
    )


def most_alike(sentences: Iterable[str]) -> list[Pair]:
    """For each Chinese sentence the training pair that looks most like it: the largest cosine of TF-IDF over
    single characters and pairs of them.

    Its translation, copied, is what a translator has to beat.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    train, characters = parallel().train, TfidfVectorizer(analyzer="char", ngram_range=(1, 2))
    known = characters.fit_transform(pair.zh for pair in train)  # [N, features]
    return [train[i] for i in (characters.transform(sentences) @ known.T).toarray().argmax(1)]


def _words(pair: Pair) -> set[str]:
    """Chinese characters, French and English words; an elided n' counts by itself."""
    return {*pair.zh, *pair.fr.replace("'", "' ").split(), *pair.en.split()}


def held_out(part: tuple[str, ...]) -> bool:
    """True if this combination is kept out of training; decided by a hash of the combination."""
    digest = hashlib.sha256("/".join(part).encode()).digest()
    return part in HELD_OUT or int.from_bytes(digest[:8], "big") % 100 < HELD_OUT_PERCENT[part[0]]
