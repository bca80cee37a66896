"""Named entities of the newspaper: what its tags say, a tagger that learns from them, the graph of who is
named with whom, and who held which office.

    tagger = NameTagger().fit(newspaper().train[:6000])
    # [{(0, 3, "PER"), (9, 11, "LOC")}]: begin and end in characters, end exclusive
    tagger.tag(newspaper().test[:1])
    names_together(paragraphs, tagger.tag(paragraphs))      # a networkx graph

An entity is (begin, end, kind), kind "PER", "LOC" or "ORG". As labels of characters: B-PER begins a person,
I-PER goes on, O is outside.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .corpora import Paragraph
from .tables import table

if TYPE_CHECKING:
    import networkx as nx
    import numpy as np

__all__ = [
    "Entity",
    "Judged",
    "NameList",
    "NameTagger",
    "Office",
    "entities",
    "judged_offices",
    "names_together",
    "offices",
]

_KINDS = {"nr": "PER", "ns": "LOC", "nt": "ORG"}
_LABELS = ("B-LOC", "B-ORG", "B-PER", "I-LOC", "I-ORG", "I-PER", "O")


class Entity(NamedTuple):
    """Characters begin to end (exclusive) of a paragraph name a "PER", "LOC" or "ORG"."""

    begin: int
    end: int
    kind: str


def entities(paragraph: Paragraph) -> list[Entity]:
    """The names that the newspaper's own tags mark; a surname and the given name after it make one person."""
    found: list[Entity] = []
    lone_surname = False  # is the last one a single nr, which a given name may follow?
    at = 0
    for word, tag in zip(paragraph.words, paragraph.tags):
        end = at + len(word)
        if tag == "nr" and lone_surname and found[-1].end == at and len(word) <= 2:
            found[-1] = Entity(found[-1].begin, end, "PER")
            lone_surname = False
        elif tag in _KINDS:
            found.append(Entity(at, end, _KINDS[tag]))
            lone_surname = tag == "nr" and len(word) == 1
        at = end
    return found


def character_labels(paragraph: Paragraph) -> list[str]:
    """One label a character: "B-PER", "I-PER", "O" and so on."""
    labels = ["O"] * len(paragraph.text)
    for begin, end, kind in entities(paragraph):
        labels[begin:end] = [f"B-{kind}"] + [f"I-{kind}"] * (end - begin - 1)
    return labels


class NameTagger:
    """A logistic regression on each character with two neighbours on each side, and Viterbi's algorithm for
    the likeliest legal row of labels."""

    def __init__(self) -> None:
        from sklearn.feature_extraction import FeatureHasher
        from sklearn.linear_model import SGDClassifier

        self._hasher = FeatureHasher(2**20, input_type="string", alternate_sign=False)
        self._model = SGDClassifier("log_loss", alpha=1e-7, random_state=0)

    def fit(self, paragraphs: Sequence[Paragraph], passes: int = 5) -> NameTagger:
        """Learn from the paragraphs' own tags; returns itself."""
        features = self._features(paragraphs)
        labels = [label for paragraph in paragraphs for label in character_labels(paragraph)]
        for _ in range(passes):
            self._model.partial_fit(features, labels, classes=_LABELS)
        return self

    def tag(self, paragraphs: Sequence[Paragraph]) -> list[set[Entity]]:
        """The entities that it finds in each paragraph; only the text is looked at."""
        import numpy as np

        log_probs = self._model.predict_log_proba(self._features(paragraphs)).clip(-30)  # (all characters, 7)
        borders = np.cumsum([len(paragraph.text) for paragraph in paragraphs])[:-1]
        return [set(_spans(_viterbi(rows))) for rows in np.split(log_probs, borders)]

    def _features(self, paragraphs: Iterable[Paragraph]):
        return self._hasher.transform(row for paragraph in paragraphs for row in _windows(paragraph.text))


def _windows(text: str) -> Iterator[list[str]]:
    """For each character, it and its neighbours, one by one and in pairs and threes, each with its place."""
    padded = f"##{text}##"
    for i in range(len(text)):
        window = padded[i : i + 5]
        yield [f"{n}{j}{window[j : j + n]}" for n in (1, 2, 3) for j in range(6 - n)]


def _viterbi(log_probs: np.ndarray) -> list[str]:
    """log_probs [T, 7] -> the likeliest row of T labels in which every I- follows its own kind."""
    import numpy as np

    inside = np.array([label.startswith("I-") for label in _LABELS])
    follows = np.array([[old != "O" and old[2:] == new[2:] for new in _LABELS] for old in _LABELS])
    forbidden = np.where(inside[None, :] & ~follows, -np.inf, 0.0)  # (old, new)
    score, back = log_probs[0] + np.where(inside, -np.inf, 0.0), []
    for row in log_probs[1:]:
        both = score[:, None] + forbidden
        back.append(both.argmax(axis=0))
        score = both.max(axis=0) + row
    path = [int(score.argmax())]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return [_LABELS[i] for i in reversed(path)]


def _spans(labels: list[str]) -> Iterator[Entity]:
    for begin, label in enumerate(labels):
        if label.startswith("B-"):
            end = next(
                (j for j in range(begin + 1, len(labels)) if not labels[j].startswith("I-")), len(labels)
            )
            yield Entity(begin, end, label[2:])


class NameList:
    """The baseline: every name of the paragraphs it was given, with its commonest kind; in a text the longest
    that fits, from the left."""

    def __init__(self, paragraphs: Iterable[Paragraph]):
        seen = Counter(
            (paragraph.text[e.begin : e.end], e.kind)
            for paragraph in paragraphs
            for e in entities(paragraph)
            if e.end - e.begin > 1
        )
        self._kind = {name: kind for (name, kind), _ in sorted(seen.items(), key=lambda item: item[1])}

    def tag(self, paragraphs: Sequence[Paragraph]) -> list[set[Entity]]:
        """The entities that it finds in each paragraph."""
        return [set(self._look_up(paragraph.text)) for paragraph in paragraphs]

    def _look_up(self, text: str) -> Iterator[Entity]:
        at = 0
        while at < len(text):
            end = next((at + n for n in range(10, 1, -1) if text[at : at + n] in self._kind), None)
            if end:
                yield Entity(at, end, self._kind[text[at:end]])
            at = end or at + 1


def names_together(paragraphs: Iterable[Paragraph], found: Iterable[Iterable[Entity]]) -> nx.Graph:
    """A node for each name (with its `kind`), an edge for two names in one sentence, with the sentences in
    `said`.

    A sentence with more than eight names is a list and is skipped.
    """
    import networkx as nx

    graph = nx.Graph()
    for paragraph, some in zip(paragraphs, found):
        for match in re.finditer(r"[^。！？；]+[。！？；]?", paragraph.text):
            names = {
                paragraph.text[a:b]: kind
                for a, b, kind in sorted(some)
                if match.start() <= a and b <= match.end()
            }
            if len(names) <= 8:
                graph.add_nodes_from((name, {"kind": kind}) for name, kind in names.items())
                for pair in itertools.combinations(names, 2):
                    said = graph.get_edge_data(*pair, {"said": []})["said"]
                    graph.add_edge(*pair, said=[*said, match[0]])
    return graph


class Office(NamedTuple):
    """A person holds an office at a place or an organisation: the words of a sentence that say so."""

    person: str
    office: str
    of: str
    sentence: str


def offices(paragraphs: Iterable[Paragraph]) -> list[Office]:
    """Triples by one rule: a place or an organisation, a common noun, a person, side by side (美国 / 总统 /
    克林顿)."""
    found = []
    for paragraph in paragraphs:
        people = {e.begin: paragraph.text[e.begin : e.end] for e in entities(paragraph) if e.kind == "PER"}
        starts = list(itertools.accumulate(map(len, paragraph.words), initial=0))
        for i in range(len(paragraph.words) - 2):
            if paragraph.tags[i] in ("ns", "nt") and paragraph.tags[i + 1] == "n" and starts[i + 2] in people:
                sentence = paragraph.text[paragraph.text.rfind("。", 0, starts[i]) + 1 :]
                found.append(
                    Office(
                        people[starts[i + 2]],
                        paragraph.words[i + 1],
                        paragraph.words[i],
                        sentence.partition("。")[0],
                    )
                )
    return found


class Judged(NamedTuple):
    """A triple of `offices` that was read with its sentence. wrong: "" where the person holds the office
    there; else what it is instead: "a description" (no office), "an organisation" (taken for an office),
    "posted there" (the office of another country or firm)."""

    person: str
    office: str
    of: str
    wrong: str


def judged_offices() -> tuple[Judged, ...]:
    """50 of the 545 different triples of the training paragraphs, drawn at random and judged one by one."""
    return tuple(Judged(**row) for row in table("offices_judged"))
