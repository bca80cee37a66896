"""A small grammar that says one meaning in Chinese, French and English at once: phrases. `frames` makes
sentences of them.

It knows agreement (elles sont contentes, il l'a vue), elision (j'aime, l'eau, d'eau), contraction (au
marché), clitics (je t'aime), partitives and their negation (du pain, pas de pain).

All lower case, words and marks apart, as translation corpora are tokenized: "je t'aime ."
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from .lexicon import COLOURS, SUBJECTS, Noun, Subject, Verb

__all__ = [
    "AVOIR",
    "BE",
    "ETAIT",
    "ETRE",
    "Phrase",
    "Sentence",
    "Source",
    "a_or_an",
    "agree",
    "compose",
    "draw_mood",
    "draw_time",
    "english_question",
    "fill_slots",
    "join_french",
    "make_sentence",
    "noun_phrase",
    "predicate",
]

ETRE, AVOIR = "suis es est sommes êtes sont".split(), "ai as a avons avez ont".split()
ETAIT = "étais étais était étions étiez étaient".split()
WILL = "vais vas va allons allez vont".split()
WANT, CAN, MUST = (
    "veux veux veut voulons voulez veulent".split(),
    "peux peux peut pouvons pouvez peuvent".split(),
    "dois dois doit devons devez doivent".split(),
)
LIKE = "aime aimes aime aimons aimez aiment".split()
BE = "am are is are are are".split()
MY_MASCULINE, MY_FEMININE, MY_PLURAL = (
    "mon ton son notre votre leur".split(),
    "ma ta sa notre votre leur".split(),
    "mes tes ses nos vos leurs".split(),
)
MY_ENGLISH = "my your his our your their".split()
NUMBERS = [
    ("两", "deux", "two"),
    ("三", "trois", "three"),
    ("四", "quatre", "four"),
    ("五", "cinq", "five"),
    ("十", "dix", "ten"),
]
WHEN = {
    "present": ("每天", "tous les jours", "every day"),
    "past": ("昨天", "hier", "yesterday"),
    "future": ("明天", "demain", "tomorrow"),
}

_VOWELS = tuple("aeiouyéèêàâîïôœ")
_ELIDING = {"je", "ne", "que", "me", "te", "le", "la", "de"}


class Sentence(NamedTuple):
    """One meaning in three languages; `parts` are the combinations in it: ("object", "吃", "鱼"), ("clitic",
    "我", "爱", "你") ..."""

    zh: str
    fr: str
    en: str
    parts: tuple[tuple[str, ...], ...]


class Phrase(NamedTuple):
    zh: str
    fr: str
    en: str


class Source:
    """A seeded stream of choices, made from `random.random` alone: the one method whose values Python
    promises to keep."""

    def __init__(self, seed: int):
        self._random = random.Random(seed).random

    def pick(self, items: Sequence):
        return items[int(self._random() * len(items))]

    def chance(self, probability: float) -> bool:
        return self._random() < probability


def join_french(words: str) -> str:
    """Elision and contraction over words parted by spaces: "je aime le eau de le bar" -> "j'aime l'eau du
    bar".

    Consonant h is not in the lexicon, so every h- word elides.
    """
    out: list[str] = []
    for word in words.split():
        if out and word in ("le", "les") and out[-1] == "à":
            out[-1] = {"le": "au", "les": "aux"}[word]
        else:
            out.append(word)
    text = ""
    for word, after in zip(out, [*out[1:], ""]):
        vowel = after.startswith((*_VOWELS, "h"))
        if word in _ELIDING and vowel:
            text += word[:-1] + "'"
        else:
            text += word if word.endswith("'") else word + " "
    return text.strip()


def make_sentence(zh: str, fr: str, en: str, *parts: tuple[str, ...], mark: str = "。") -> Sentence:
    end = {"。": ".", "？": "?"}[mark]
    english = " ".join(en.split())
    return Sentence(zh + mark, f"{join_french(fr)} {end}", f"{english} {end}", parts)


def agree(forms: Sequence[str], feminine: bool, plural: bool) -> str:
    return forms[feminine + 2 * plural]


def a_or_an(word: str) -> str:
    return ("an " if word[0] in "aeiou" else "a ") + word


def noun_phrase(noun: Noun, style: str, source: Source, negated: bool = False) -> Phrase:
    """The noun as an object. style: "some" (partitive), "all" (after to like), "one", "many", "this", "my",
    "colour"."""
    feminine, many = noun.gender == "f", noun.kind == "plural"
    count = noun.kind == "count"
    plural_fr, plural_en = (noun.fr_plural, noun.en_plural) if count else (noun.fr, noun.en)
    if noun.kind == "language":
        return Phrase(noun.zh, f"le {noun.fr}", noun.en)
    vowel = noun.fr.startswith(_VOWELS)
    if style == "all":
        return Phrase(
            noun.zh,
            f"les {plural_fr}" if count or many else f"{'la' if feminine else 'le'} {noun.fr}",
            plural_en,
        )
    if style == "some" or (not count and style in ("one", "many", "colour")):
        if negated:
            article = "de"
        elif count or many:
            article = "des"
        else:
            article = "de l'" if vowel else "de la" if feminine else "du"
        return Phrase(noun.zh, f"{article} {plural_fr}", plural_en)
    if style == "one":
        return Phrase(
            f"一{noun.classifier}{noun.zh}", f"{'une' if feminine else 'un'} {noun.fr}", a_or_an(noun.en)
        )
    if style == "many":
        zh, fr, en = source.pick(NUMBERS)
        return Phrase(f"{zh}{noun.classifier}{noun.zh}", f"{fr} {plural_fr}", f"{en} {plural_en}")
    if style == "colour":
        colour = source.pick(COLOURS)
        return Phrase(
            f"一{noun.classifier}{colour.zh}{noun.zh}",
            f"{'une' if feminine else 'un'} {noun.fr} {agree(colour.forms, feminine, False)}",
            a_or_an(f"{colour.en} {noun.en}"),
        )
    if style == "this":
        article = "ces" if many else "cette" if feminine else "cet" if vowel else "ce"
        this = "these" if many and noun.en.endswith("s") else "this"
        classifier = "些" if many else noun.classifier or "种" * (noun.group == "sound")
        return Phrase(f"这{classifier}{noun.zh}", f"{article} {noun.fr}", f"{this} {noun.en}")
    owner = source.pick(SUBJECTS[:5])  # style "my"
    who = owner.person
    article = MY_PLURAL[who] if many else MY_FEMININE[who] if feminine and not vowel else MY_MASCULINE[who]
    return Phrase(
        f"{owner.zh}的{noun.zh}",
        f"{article} {noun.fr}",
        f"{'her' if owner.feminine else MY_ENGLISH[who]} {noun.en}",
    )


class Predicate(NamedTuple):
    """A verb in one tense. French: what stands before the verb, where clitics go, and after it; `aux` marks a
    compound tense."""

    zh: str
    fr: str  # "{ne}", "{clitic}", "{pas}" are filled in
    en: str


def predicate(subject: Subject, verb: Verb, tense: str, negated: bool, participle: str = "") -> Predicate:
    """tense: present, past, future, want, can, must or like; the Chinese verb with its particles, the French
    with slots."""
    who, third = subject.person, subject.person == 2
    do, base = ("does" if third else "do"), verb.en
    if tense == "present":
        fr = "{ne} {clitic} " + verb.present[who] + " {pas}"
        return Predicate(
            ("不" if negated else "") + verb.zh,
            fr,
            f"{do} not {base}" if negated else verb.en_third if third else base,
        )
    if tense == "past":
        fr = "{ne} {clitic} " + AVOIR[who] + " {pas} " + (participle or verb.participle)
        return Predicate(
            f"没{verb.zh}" if negated else f"{verb.zh}了", fr, f"did not {base}" if negated else verb.en_past
        )
    zh, forms, en = {
        "future": ("会", WILL, "will"),
        "want": ("想", WANT, "wants to" if third else "want to"),
        "can": ("能", CAN, "can"),
        "must": ("必须", MUST, "must"),
        "like": ("喜欢", LIKE, "likes to" if third else "like to"),
    }[tense]
    if negated:
        en = {
            "future": "will not",
            "want": f"{do} not want to",
            "can": "can not",
            "must": "must not",
            "like": f"{do} not like to",
        }[tense]
    return Predicate(
        ("不" if negated else "") + zh + verb.zh,
        "{ne} " + forms[who] + " {pas} {clitic} " + verb.infinitive,
        f"{en} {base}",
    )


def fill_slots(fr: str, negated: bool, clitic: str = "") -> str:
    return fr.format(ne="ne" if negated else "", pas="pas" if negated else "", clitic=clitic)


def english_question(subject: Subject, verb: Verb, tense: str) -> str:
    """The English yes-or-no question up to the object; French asks with est-ce que, Chinese with 吗."""
    do = "does" if subject.person == 2 else "do"
    head = {
        "present": do,
        "past": "did",
        "future": "will",
        "want": do,
        "can": "can",
        "must": "must",
        "like": do,
    }[tense]
    middle = {"want": "want to", "like": "like to"}.get(tense, "")
    return f"{head} {subject.en} {middle} {verb.en}"


def draw_time(source: Source, tense: str, probability: float = 0.35) -> Phrase:
    return Phrase(*WHEN[tense]) if tense in WHEN and source.chance(probability) else Phrase("", "", "")


def draw_mood(source: Source) -> str:
    return source.pick(["statement", "statement", "negation", "question"])


def compose(
    source: Source,
    subject: Subject,
    verb: Verb,
    tense: str,
    mood: str,
    thing: Phrase,
    parts: list,
    *,
    clitic: str = "",
    participle: str = "",
) -> Sentence:
    """Subject, verb and object in one tense and mood, with a word of time at times."""
    negated, when = mood == "negation", draw_time(source, tense)
    if verb.infinitive == "parler":
        thing = thing._replace(fr=thing.fr.split()[-1])  # parler français, but apprendre le français
    verb_phrase = predicate(subject, verb, tense, negated, participle)
    zh = f"{subject.zh}{when.zh}{verb_phrase.zh}{thing.zh}"
    fr = f"{subject.fr} {fill_slots(verb_phrase.fr, negated, clitic)} {thing.fr} {when.fr}"
    parts = [*parts, ("frame", verb.infinitive, tense, mood)]
    if mood == "question":
        return make_sentence(
            zh + "吗",
            "est-ce que " + fr,
            f"{english_question(subject, verb, tense)} {thing.en} {when.en}",
            *parts,
            mark="？",
        )
    return make_sentence(zh, fr, f"{subject.en} {verb_phrase.en} {thing.en} {when.en}", *parts)
