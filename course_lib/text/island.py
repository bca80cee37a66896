"""The handbook of an island that does not exist, in two languages, with questions: no model can have read it.

    book = handbook()
    # Note(topic='hours', place='Harbour Library', en='The Harbour Library ...', zh='港口图书馆……')
    book.notes[0]
    book.questions[0]  # Question(kind='words', en='When does ...', zh='……', note=0, answer='17:20', ...)
    book.relevance(q)  # [2, 1, 1, 1, 0, ...]: 2 the note that answers, 1 the same matter at another library

- Everything was invented for this course: people, prices, by-laws, remedies for clockwork birds. What a model
answers right it has read here.
- Four libraries share six topics, so that each answer has three near-duplicates that are wrong.
- Each note is asked for twice: "words" repeats its words, "other words" avoids them. "nowhere" questions have
no answer in the book.
- `facts()` asks for those triples and for real capitals with the book closed.
- `triples` are the facts of the four libraries as (subject, relation, object).
- `errands()` are requests for an assistant with tools, each with the one answer that counts.
- `gazette()` are the island's news: a title, a story and a summary in one sentence. English only: the model
that summarises reads English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from .tables import table

__all__ = [
    "Errand",
    "Fact",
    "Handbook",
    "Note",
    "Question",
    "Story",
    "errands",
    "facts",
    "gazette",
    "handbook",
    "states",
]


@dataclass(frozen=True)
class Note:
    """One passage. `place` is "" where it is about no single library."""

    topic: str
    place: str
    en: str
    zh: str


@dataclass(frozen=True)
class Question:
    """`note` is the number of the note that answers, None for kind "nowhere"; `answer` is a short string of
    that note's English text, `wrong` are the strings that stand at its place in the near-duplicates."""

    kind: str
    en: str
    zh: str
    note: int | None
    answer: str = ""
    answer_zh: str = ""
    wrong: tuple[str, ...] = ()

    def accepts(self, reply: str) -> bool:
        """Whether the reply names the answer's value, and no value of a near-duplicate. Units do not count:
        14, fourteen and "14" are 14 people."""
        return _names(reply, _value(self.answer)) and not any(
            _names(reply, _value(wrong)) for wrong in self.wrong
        )


@dataclass(frozen=True)
class Handbook:
    """All notes, the questions about them, and the libraries' facts as triples."""

    notes: tuple[Note, ...]
    questions: tuple[Question, ...]
    triples: tuple[tuple[str, str, str], ...]

    @property
    def answerable(self) -> tuple[Question, ...]:
        """The questions that some note answers."""
        return tuple(question for question in self.questions if question.note is not None)

    def relevance(self, question: Question) -> list[int]:
        """A grade for every note: 2 it answers, 1 it treats the same matter at another library, 0 it does not
        help."""
        if question.note is None:
            return [0] * len(self.notes)
        topic = self.notes[question.note].topic
        return [2 if i == question.note else int(note.topic == topic) for i, note in enumerate(self.notes)]


class Fact(NamedTuple):
    """A sentence to complete. kind: "well known" or "less known" (capitals of the real world), or "island"
    (the handbook's triples)."""

    kind: str
    begin: str
    answer: str

    def accepts(self, claim: str) -> bool:
        """Whether the continuation names the answer's value (see `Question.accepts`)."""
        return states(claim, self.answer)


class Errand(NamedTuple):
    """A request that takes a tool: kind "lookup", "calculate", "clock", "search", or "two steps" (a lookup,
    then a calculation)."""

    kind: str
    text: str
    answer: str


class Story(NamedTuple):
    """One item of the island's newspaper."""

    title: str
    text: str
    summary: str


_NUMBERS = dict(
    zip("one two three four five six seven eight nine ten eleven twelve".split(), map(str, range(1, 13)))
)


def _value(answer: str) -> str:
    """What counts in an answer: its number or time of day without the unit ("14 people" -> "14"), or, where
    it has none, all of it."""
    found = re.search(r"\d+(?::\d+)?", _plain(answer))
    return found[0] if found else _plain(answer)


def states(reply: str, answer: str) -> bool:
    """Whether the reply names the answer's value (see `Question.accepts`)."""
    return _names(reply, _value(answer))


def _names(reply: str, value: str) -> bool:
    """Whether the value stands in the reply as a whole number or whole words: 7 is not in 17, nor in 7:30."""
    end = r"(?!\d|:\d)" if value[-1].isdigit() else r"(?!\w)"
    return re.search(rf"(?<![\w:]){re.escape(value)}{end}", _plain(reply)) is not None


def _plain(text: str) -> str:
    """Small letters, with the number words up to twelve as digits."""
    return re.sub(r"[a-z]+", lambda word: _NUMBERS.get(word[0], word[0]), text.lower())


@cache
def handbook() -> Handbook:
    """40 notes (24 of them in groups of four near-duplicates), 80 questions with an answer and 24 without, 24
    triples."""
    return Handbook(
        tuple(Note(**row) for row in table("handbook_notes")),
        tuple(_question(**row) for row in table("handbook_questions")),
        tuple((row["subject"], row["relation"], row["object"]) for row in table("handbook_triples")),
    )


def _question(note: str, wrong: str, **rest: str) -> Question:
    return Question(note=int(note) if note else None, wrong=tuple(wrong.split("|")) if wrong else (), **rest)


@cache
def facts() -> tuple[Fact, ...]:
    """48 sentences to complete: 16 well-known capitals, 8 less known ones, 24 facts of the island in the same
    form."""
    return tuple(Fact(**row) for row in table("facts"))


@cache
def errands() -> tuple[Errand, ...]:
    """60 requests: 18 lookup, 16 calculate, 6 clock (the answer is "14:05": set the clock so), 12 search, 8
    two steps."""
    return tuple(Errand(**row) for row in table("errands"))


@cache
def gazette() -> tuple[Story, ...]:
    """Twelve stories, none of which begins with its own summary word for word."""
    return tuple(Story(**row) for row in table("gazette"))
