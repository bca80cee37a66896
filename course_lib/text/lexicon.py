"""The words of the parallel grammar: Chinese, French, English, with what agreement needs to know.

French nouns carry gender and kind ("mass" takes du / de la, "count" takes un / une, "plural" has no singular
here,
"language" always takes le), Chinese count nouns their classifier, verbs their conjugation and the nouns they
go with.
"""

from __future__ import annotations

from typing import NamedTuple

from .tables import table

__all__ = [
    "ADJECTIVES",
    "CITIES",
    "COLOURS",
    "FEELINGS",
    "JOBS",
    "NOUNS",
    "PLACES",
    "SENSATIONS",
    "SUBJECTS",
    "VERBS",
    "WEATHER",
    "Adjective",
    "Noun",
    "Subject",
    "Verb",
]


class Subject(NamedTuple):
    zh: str
    fr: str
    en: str
    person: int  # 0 je, 1 tu, 2 il, 3 nous, 4 vous, 5 ils
    feminine: bool = False
    plural: bool = False
    clitic: str = ""  # French direct object: me, te, le ...
    dative: str = ""  # French indirect object: me, te, lui ...
    object: str = ""  # English object: me, you, him ...


class Noun(NamedTuple):
    zh: str
    fr: str
    gender: str  # "m" or "f"
    en: str
    kind: str  # "mass", "count", "plural" or "language"
    group: str
    classifier: str = ""
    fr_plural: str = ""  # of count nouns
    en_plural: str = ""


class Verb(NamedTuple):
    zh: str
    infinitive: str
    present: tuple[str, ...]  # six persons
    participle: str
    en: str
    en_third: str
    en_past: str
    groups: tuple[str, ...]  # of nouns that it takes; () for verbs whose object is a person


class Adjective(NamedTuple):
    zh: str
    forms: tuple[str, str, str, str]  # masculine, feminine, masculine plural, feminine plural
    en: str
    groups: tuple[str, ...] = ()


def _split(row: dict[str, str], *names: str) -> dict:
    """The row with these cells as tuples of words."""
    return {**row, **{name: tuple(row[name].split()) for name in names}}


def _adjectives(kind: str) -> list[Adjective]:
    rows = [_split(row, "forms", "groups") for row in table("lexicon/adjectives") if row["kind"] == kind]
    return [Adjective(**{name: row[name] for name in Adjective._fields}) for row in rows]


def _plain(name: str) -> list[tuple[str, ...]]:
    return [tuple(row.values()) for row in table(f"lexicon/{name}")]


SUBJECTS = [
    Subject(
        row["zh"],
        row["fr"],
        row["en"],
        int(row["person"]),
        bool(row["feminine"]),
        bool(row["plural"]),
        row["clitic"],
        row["dative"],
        row["object"],
    )
    for row in table("lexicon/subjects")
]
NOUNS = [Noun(**row) for row in table("lexicon/nouns")]
VERBS = [Verb(**_split(row, "present", "groups")) for row in table("lexicon/verbs")]
FEELINGS, ADJECTIVES, COLOURS = (_adjectives(kind) for kind in ("feeling", "quality", "colour"))
JOBS = [
    (row["zh"], row["forms"], row["en"]) for row in (_split(row, "forms") for row in table("lexicon/jobs"))
]
SENSATIONS = _plain("sensations")  # Chinese, French, English
PLACES = _plain("places")  # Chinese, French noun phrase with its article, English after "at" and after "to"
CITIES = _plain("cities")  # Chinese, French, English
WEATHER = _plain("weather")  # Chinese, French, English in the present; then with 明天会
