"""A small grammar that says one meaning in Chinese, French and English at once.

A sentence is drawn frame by frame (`FRAMES`): a statement about food, a question, a feeling, the weather ... Each
frame returns the three sentences with what was combined in it (`Parts`), so that whole combinations, such as one verb
with one object, can be kept out of training. Written for it: agreement (elles sont contentes, il l'a vue), elision
(j'aime, l'eau, d'eau), contraction (au marché), clitics (je t'aime), partitives and their negation (du pain, pas de pain).

All lower case, words and marks apart, as translation corpora are tokenized: "je t'aime ."
"""
from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from .lexicon import (
    ADJECTIVES,
    CITIES,
    COLOURS,
    FEELINGS,
    JOBS,
    NOUNS,
    PLACES,
    SENSATIONS,
    SUBJECTS,
    VERBS,
    WEATHER,
    Noun,
    Subject,
    Verb,
)

__all__ = ["FRAMES", "Sentence", "Source", "join_french"]

ETRE, AVOIR = "suis es est sommes êtes sont".split(), "ai as a avons avez ont".split()
ETAIT = "étais étais était étions étiez étaient".split()
WILL = "vais vas va allons allez vont".split()
WANT, CAN, MUST = "veux veux veut voulons voulez veulent".split(), "peux peux peut pouvons pouvez peuvent".split(), \
    "dois dois doit devons devez doivent".split()
LIKE = "aime aimes aime aimons aimez aiment".split()
BE = "am are is are are are".split()
MY_MASCULINE, MY_FEMININE, MY_PLURAL = ("mon ton son notre votre leur".split(), "ma ta sa notre votre leur".split(),
                                        "mes tes ses nos vos leurs".split())
MY_ENGLISH = "my your his our your their".split()
NUMBERS = [("两", "deux", "two"), ("三", "trois", "three"), ("四", "quatre", "four"), ("五", "cinq", "five"), ("十", "dix", "ten")]
WHEN = {"present": ("每天", "tous les jours", "every day"), "past": ("昨天", "hier", "yesterday"), "future": ("明天", "demain", "tomorrow")}

_VOWELS = tuple("aeiouyéèêàâîïôœ")
_ELIDING = {"je", "ne", "que", "me", "te", "le", "la", "de"}


class Sentence(NamedTuple):
    """One meaning in three languages; `parts` are the combinations in it: ("object", "吃", "鱼"), ("clitic", "我", "爱", "你") ..."""

    zh: str
    fr: str
    en: str
    parts: tuple[tuple[str, ...], ...]


class Phrase(NamedTuple):
    zh: str
    fr: str
    en: str


class Source:
    """A seeded stream of choices, made from `random.random` alone: the one method whose values Python promises to keep."""

    def __init__(self, seed: int):
        self._random = random.Random(seed).random

    def pick(self, items: Sequence):
        return items[int(self._random() * len(items))]

    def chance(self, probability: float) -> bool:
        return self._random() < probability


def join_french(words: str) -> str:
    """Elision and contraction over words parted by spaces: "je aime le eau de le bar" -> "j'aime l'eau du bar".

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


def _sentence(zh: str, fr: str, en: str, *parts: tuple[str, ...], mark: str = "。") -> Sentence:
    end = {"。": ".", "？": "?"}[mark]
    english = " ".join(en.split())
    return Sentence(zh + mark, f"{join_french(fr)} {end}", f"{english} {end}", parts)


def _form(forms: Sequence[str], feminine: bool, plural: bool) -> str:
    return forms[feminine + 2 * plural]


def _a(word: str) -> str:
    return ("an " if word[0] in "aeiou" else "a ") + word


def noun_phrase(noun: Noun, style: str, source: Source, negated: bool = False) -> Phrase:
    """The noun as an object. style: "some" (partitive), "all" (after to like), "one", "many", "this", "my", "colour"."""
    feminine, many = noun.gender == "f", noun.kind == "plural"
    count = noun.kind == "count"
    plural_fr, plural_en = (noun.fr_plural, noun.en_plural) if count else (noun.fr, noun.en)
    if noun.kind == "language":
        return Phrase(noun.zh, f"le {noun.fr}", noun.en)
    vowel = noun.fr.startswith(_VOWELS)
    if style == "all":
        return Phrase(noun.zh, f"les {plural_fr}" if count or many else f"{'la' if feminine else 'le'} {noun.fr}", plural_en)
    if style == "some" or (not count and style in ("one", "many", "colour")):
        if negated:
            article = "de"
        elif count or many:
            article = "des"
        else:
            article = "de l'" if vowel else "de la" if feminine else "du"
        return Phrase(noun.zh, f"{article} {plural_fr}", plural_en)
    if style == "one":
        return Phrase(f"一{noun.classifier}{noun.zh}", f"{'une' if feminine else 'un'} {noun.fr}", _a(noun.en))
    if style == "many":
        zh, fr, en = source.pick(NUMBERS)
        return Phrase(f"{zh}{noun.classifier}{noun.zh}", f"{fr} {plural_fr}", f"{en} {plural_en}")
    if style == "colour":
        colour = source.pick(COLOURS)
        return Phrase(f"一{noun.classifier}{colour.zh}{noun.zh}",
                      f"{'une' if feminine else 'un'} {noun.fr} {_form(colour.forms, feminine, False)}", _a(f"{colour.en} {noun.en}"))
    if style == "this":
        article = "ces" if many else "cette" if feminine else "cet" if vowel else "ce"
        this = "these" if many and noun.en.endswith("s") else "this"
        classifier = "些" if many else noun.classifier or "种" * (noun.group == "sound")
        return Phrase(f"这{classifier}{noun.zh}", f"{article} {noun.fr}", f"{this} {noun.en}")
    owner = source.pick(SUBJECTS[:5])                                               # style "my"
    who = owner.person
    article = MY_PLURAL[who] if many else MY_FEMININE[who] if feminine and not vowel else MY_MASCULINE[who]
    return Phrase(f"{owner.zh}的{noun.zh}", f"{article} {noun.fr}", f"{'her' if owner.feminine else MY_ENGLISH[who]} {noun.en}")


class Predicate(NamedTuple):
    """A verb in one tense. French: what stands before the verb, where clitics go, and after it; `aux` marks a compound tense."""

    zh: str
    fr: str                     # "{ne}", "{clitic}", "{pas}" are filled in
    en: str


def predicate(subject: Subject, verb: Verb, tense: str, negated: bool, participle: str = "") -> Predicate:
    """tense: present, past, future, want, can, must or like; the Chinese verb with its particles, the French with slots."""
    who, third = subject.person, subject.person == 2
    do, base = ("does" if third else "do"), verb.en
    if tense == "present":
        fr = "{ne} {clitic} " + verb.present[who] + " {pas}"
        return Predicate(("不" if negated else "") + verb.zh, fr, f"{do} not {base}" if negated else verb.en_third if third else base)
    if tense == "past":
        fr = "{ne} {clitic} " + AVOIR[who] + " {pas} " + (participle or verb.participle)
        return Predicate(f"没{verb.zh}" if negated else f"{verb.zh}了", fr, f"did not {base}" if negated else verb.en_past)
    zh, fr, en = {
        "future": ("会", WILL, "will"), "want": ("想", WANT, "wants to" if third else "want to"), "can": ("能", CAN, "can"),
        "must": ("必须", MUST, "must"), "like": ("喜欢", LIKE, "likes to" if third else "like to")}[tense]
    if negated:
        en = {"future": "will not", "want": f"{do} not want to", "can": "can not", "must": "must not", "like": f"{do} not like to"}[tense]
    return Predicate(("不" if negated else "") + zh + verb.zh, "{ne} " + fr[who] + " {pas} {clitic} " + verb.infinitive, f"{en} {base}")


def _fill(fr: str, negated: bool, clitic: str = "") -> str:
    return fr.format(ne="ne" if negated else "", pas="pas" if negated else "", clitic=clitic)


def _ask(subject: Subject, verb: Verb, tense: str) -> str:
    """The English yes-or-no question up to the object; French asks with est-ce que, Chinese with 吗."""
    do = "does" if subject.person == 2 else "do"
    head = {"present": do, "past": "did", "future": "will", "want": do, "can": "can", "must": "must", "like": do}[tense]
    middle = {"want": "want to", "like": "like to"}.get(tense, "")
    return f"{head} {subject.en} {middle} {verb.en}"


def _when(source: Source, tense: str, probability: float = 0.35) -> Phrase:
    return Phrase(*WHEN[tense]) if tense in WHEN and source.chance(probability) else Phrase("", "", "")


def _verbs(*groups: str) -> list[Verb]:
    return [verb for verb in VERBS if any(group in verb.groups for group in groups)]


_TRANSITIVE = [verb for verb in VERBS if verb.groups and not verb.groups[0].startswith("@")]
_PERSONAL = [verb for verb in VERBS if not verb.groups]
_PRONOUNS = [subject for subject in SUBJECTS if subject.clitic]
_PERSONS = [subject for subject in SUBJECTS if not subject.clitic]


def _mood(source: Source) -> str:
    return source.pick(["statement", "statement", "negation", "question"])


def _compose(source: Source, subject: Subject, verb: Verb, tense: str, mood: str, thing: Phrase, parts: list, *,
             clitic: str = "", participle: str = "") -> Sentence:
    """Subject, verb and object in one tense and mood, with a word of time at times."""
    negated, when = mood == "negation", _when(source, tense)
    if verb.infinitive == "parler":
        thing = thing._replace(fr=thing.fr.split()[-1])                             # parler français, but apprendre le français
    verb_phrase = predicate(subject, verb, tense, negated, participle)
    zh = f"{subject.zh}{when.zh}{verb_phrase.zh}{thing.zh}"
    fr = f"{subject.fr} {_fill(verb_phrase.fr, negated, clitic)} {thing.fr} {when.fr}"
    parts = [*parts, ("frame", verb.infinitive, tense, mood)]
    if mood == "question":
        return _sentence(zh + "吗", "est-ce que " + fr, f"{_ask(subject, verb, tense)} {thing.en} {when.en}", *parts, mark="？")
    return _sentence(zh, fr, f"{subject.en} {verb_phrase.en} {thing.en} {when.en}", *parts)


def eat_fish(source: Source) -> Sentence:
    """我想吃鱼。 je veux manger du poisson ."""
    verb, subject, mood = source.pick(_TRANSITIVE), source.pick(SUBJECTS), _mood(source)
    attitude = verb.zh in ("喜欢", "讨厌")
    tense = "present" if attitude else source.pick(["present", "past", "future", "want", "can", "must", "like"])
    if tense == "must" and mood != "statement":
        tense = "want"
    noun = source.pick([noun for noun in NOUNS if noun.group in verb.groups])
    style = source.pick(["all", "all", "this", "my"]) if attitude else \
        source.pick(["some", "some", "this", "my"] if mood == "negation" else ["some", "some", "one", "many", "colour", "this", "my"])
    if style == "colour" and noun.group not in ("thing", "tool", "animal"):
        style = "one"
    thing = noun_phrase(noun, style, source, negated=mood == "negation")
    return _compose(source, subject, verb, tense, mood, thing, [("object", verb.zh, noun.zh)])


def love_you(source: Source) -> Sentence:
    """我爱你。 je t'aime . The past participle agrees with the pronoun before it: il l'a vue ."""
    subject, verb, other = source.pick(SUBJECTS), source.pick(_PERSONAL), source.pick(_PRONOUNS)
    while {other.person, subject.person} in ({0}, {1}, {0, 3}, {1, 4}, {3}, {4}) or (other.person, subject.person) == (5, 5):
        other = source.pick(_PRONOUNS)
    mood, tense = _mood(source), source.pick(["present", "present", "past", "future", "want", "can"])
    participle = verb.participle + ("e" if other.feminine else "") + ("s" if other.plural and not verb.participle.endswith("s") else "")
    return _compose(source, subject, verb, tense, mood, Phrase(other.zh, "", other.object), [("clitic", subject.zh, verb.zh, other.zh)],
                    clitic=other.clitic, participle=participle)


def love_mother(source: Source) -> Sentence:
    """我爱我妈妈。 j'aime ma mère ."""
    subject, verb, other = source.pick(_PRONOUNS), source.pick(_PERSONAL), source.pick(_PERSONS)
    mood, tense = _mood(source), source.pick(["present", "past", "future", "want"])
    return _compose(source, subject, verb, tense, mood, Phrase(other.zh, other.fr, other.en), [("object", verb.zh, other.zh)])


def give_book(source: Source) -> Sentence:
    """他给了我一本书。 il m'a donné un livre ."""
    verb, subject, other = source.pick(_verbs("@give")), source.pick(SUBJECTS), source.pick(_PRONOUNS)
    while {other.person, subject.person} in ({0}, {1}, {0, 3}, {1, 4}, {3}, {4}):
        other = source.pick(_PRONOUNS)
    noun = source.pick([noun for noun in NOUNS if noun.kind == "count" and noun.group in ("reading", "thing", "tool", "food", "animal")])
    mood, tense = source.pick(["statement", "statement", "question"]), source.pick(["present", "past", "future", "want", "can"])
    thing = noun_phrase(noun, source.pick(["one", "many", "colour"] if noun.group not in ("reading", "food") else ["one", "many"]), source)
    whom = "" if not other.object else other.object + " "
    return _compose(source, subject, verb, tense, mood, Phrase(other.zh + thing.zh, thing.fr, whom + thing.en),
                    [("object", verb.zh, noun.zh), ("clitic", subject.zh, verb.zh, other.zh)], clitic=other.dative)


def have_cats(source: Source) -> Sentence:
    """我没有猫。 je n'ai pas de chat ."""
    subject, mood = source.pick(SUBJECTS), _mood(source)
    noun = source.pick([noun for noun in NOUNS if noun.group in ("thing", "tool", "animal", "reading", "food", "dish", "drink")])
    who, third = subject.person, subject.person == 2
    negated = mood == "negation"
    style = "some" if negated else source.pick(["one", "many", "colour"] if noun.group in ("thing", "tool", "animal") else ["one", "many"])
    thing = noun_phrase(noun, style, source, negated)
    parts = [("object", "有", noun.zh), ("frame", "avoir", mood)]
    fr = f"{subject.fr} {'ne' * negated} {AVOIR[who]} {'pas' * negated} {thing.fr}"
    if mood == "question":
        return _sentence(f"{subject.zh}有{thing.zh}吗", "est-ce que " + fr,
                         f"{'does' if third else 'do'} {subject.en} have {thing.en}", *parts, mark="？")
    have = f"{'does' if third else 'do'} not have" if negated else "has" if third else "have"
    return _sentence(f"{subject.zh}{'没' * negated}有{thing.zh}", fr, f"{subject.en} {have} {thing.en}", *parts)


def _be(source: Source, subject: Subject, zh: str, fr: str, en: str, parts: list, degree: tuple[str, str, str] | None,
        verbs: tuple[list[str], list[str]] = (ETRE, ETAIT), past: bool = False) -> Sentence:
    """Subject, to be (or French avoir: j'ai faim), and a quality."""
    mood = _mood(source)
    negated, who = mood == "negation", subject.person
    be = ("was" if who in (0, 2) else "were") if past else BE[who]
    if who == 4 and not subject.plural:
        be = "were" if past else "are"
    zh_degree, fr_degree, en_degree = degree if degree and mood == "statement" else ("", "", "")
    middle = "不" if negated else zh_degree or ("" if mood == "question" else "很")
    if zh == "有意思":
        middle = "没" if negated else middle
    zh = f"{subject.zh}{'昨天' * past}{middle}{zh}{'了' * (middle == '太')}"
    tail_fr, tail_en = ("hier", "yesterday") if past else ("", "")
    fr = f"{subject.fr} {'ne' * negated} {verbs[past][who]} {'pas' * negated} {fr_degree} {fr} {tail_fr}"
    if mood == "question":
        return _sentence(zh + "吗", "est-ce que " + fr, f"{be} {subject.en} {en} {tail_en}", *parts, mark="？")
    return _sentence(zh, fr, f"{subject.en} {be} {'not' * negated} {en_degree} {en} {tail_en}", *parts)


_DEGREES = [None, None, ("非常", "très", "very"), ("太", "trop", "too"), ("真", "vraiment", "really")]


def be_happy(source: Source) -> Sentence:
    """她们很高兴。 elles sont contentes ."""
    subject, feeling = source.pick(SUBJECTS), source.pick(FEELINGS)
    return _be(source, subject, feeling.zh, _form(feeling.forms, subject.feminine, subject.plural), feeling.en,
               [("quality", subject.zh, feeling.zh)], source.pick(_DEGREES), past=source.chance(0.2))


def be_hungry(source: Source) -> Sentence:
    """我很饿。 j'ai faim ."""
    subject, (zh, fr, en) = source.pick(SUBJECTS), source.pick(SENSATIONS)
    imparfait = "avais avais avait avions aviez avaient".split()
    return _be(source, subject, zh, fr, en, [("quality", subject.zh, zh)], source.pick([None, None, ("非常", "très", "very")]),
               (AVOIR, imparfait), source.chance(0.2))


def soup_is_hot(source: Source) -> Sentence:
    """这本书很有意思。 ce livre est intéressant ."""
    adjective = source.pick(ADJECTIVES)
    noun = source.pick([noun for noun in NOUNS if noun.group in adjective.groups])
    style = "all" if noun.kind == "language" else source.pick(["this", "my"])
    thing = noun_phrase(noun, style, source)
    plural = noun.kind == "plural"
    as_subject = Subject(thing.zh, thing.fr, thing.en, 5 if plural and noun.en.endswith("s") else 2, noun.gender == "f", plural)
    verbs = (ETRE, ETAIT) if not plural else ([ETRE[5]] * 6, [ETAIT[5]] * 6)      # fruit is singular in English only
    return _be(source, as_subject, adjective.zh, _form(adjective.forms, noun.gender == "f", plural), adjective.en,
               [("quality", noun.zh, adjective.zh)], source.pick(_DEGREES), verbs)


def be_teacher(source: Source) -> Sentence:
    """她是学生。 elle est étudiante ."""
    subject, (zh, forms, en), mood = source.pick(SUBJECTS[:9] + SUBJECTS[-2:]), source.pick(JOBS), _mood(source)
    negated, who = mood == "negation", subject.person
    job_en = en + "s" if subject.plural else _a(en)
    fr = f"{subject.fr} {'ne' * negated} {ETRE[who]} {'pas' * negated} {_form(forms, subject.feminine, subject.plural)}"
    if mood == "question":
        return _sentence(f"{subject.zh}是{zh}吗", "est-ce que " + fr, f"{BE[who]} {subject.en} {job_en}", ("quality", subject.zh, zh), mark="？")
    return _sentence(f"{subject.zh}{'不' * negated}是{zh}", fr, f"{subject.en} {BE[who]} {'not' * negated} {job_en}", ("quality", subject.zh, zh))


def go_to_school(source: Source) -> Sentence:
    """她们昨天去了学校。 elles sont allées à l'école hier ."""
    subject, mood, tense = source.pick(SUBJECTS), _mood(source), source.pick(["present", "past", "future", "want", "can", "like"])
    go = next(verb for verb in VERBS if verb.zh == "去")
    if source.chance(0.75):
        zh, noun, _, en = source.pick(PLACES)
        place = Phrase(zh, f"à {noun}", en)
    else:
        zh, fr, en = source.pick(CITIES)
        place = Phrase(zh, f"à {fr}", f"to {en}")
    sentence = _compose(source, subject, go, tense, mood, place, [("object", "去", place.zh)])
    if tense != "past":
        return sentence
    agreed = "allé" + "e" * subject.feminine + "s" * subject.plural                # être, not avoir: the participle agrees
    who, negated = subject.person, mood == "negation"
    old = join_french(f"{subject.fr} {'ne' * negated} {AVOIR[who]} {'pas' * negated} allé")
    new = join_french(f"{subject.fr} {'ne' * negated} {ETRE[who]} {'pas' * negated} {agreed}")
    return sentence._replace(fr=sentence.fr.replace(old, new))


def be_at_school(source: Source) -> Sentence:
    """他在图书馆吗？ est-ce qu'il est à la bibliothèque ?"""
    subject, mood = source.pick(SUBJECTS), _mood(source)
    (zh, noun, en, _), negated, who = source.pick(PLACES), mood == "negation", subject.person
    fr = f"{subject.fr} {'ne' * negated} {ETRE[who]} {'pas' * negated} à {noun}"
    part = ("object", "在", zh)
    if mood == "question":
        return _sentence(f"{subject.zh}在{zh}吗", "est-ce que " + fr, f"{BE[who]} {subject.en} {en}", part, mark="？")
    return _sentence(f"{subject.zh}{'不' * negated}在{zh}", fr, f"{subject.en} {BE[who]} {'not' * negated} {en}", part)


def weather(source: Source) -> Sentence:
    """明天巴黎会下雨。 il va pleuvoir à paris demain ."""
    zh, fr, en, fr_future, en_future = source.pick(WEATHER)
    city, future = source.pick([("", "", ""), *CITIES]), source.chance(0.5)
    where_fr, where_en = (f"à {city[1]}", f"in {city[2]}") if city[0] else ("", "")
    day = ("明天", "demain", "tomorrow") if future else source.pick([("今天", "aujourd'hui", "today"), ("", "", "")])
    middle = "会" if future and zh in ("下雨", "下雪", "刮风", "很冷", "很热") else ""
    parts = [("quality", city[0], zh)] if city[0] else []
    return _sentence(f"{day[0]}{city[0]}{middle}{zh}", f"{fr_future if future else fr} {where_fr} {day[1]}",
                     f"{en_future if future else en} {where_en} {day[2]}", *parts)


def ask_what(source: Source) -> Sentence:
    """你想吃什么？ qu'est-ce que tu veux manger ?"""
    subject, verb = source.pick(SUBJECTS), source.pick([verb for verb in _TRANSITIVE if verb.zh not in ("看", "说")])
    tense = "present" if verb.zh in ("喜欢", "讨厌") else source.pick(["present", "past", "future", "want", "can", "like"])
    when = _when(source, tense)
    phrase = predicate(subject, verb, tense, False)
    return _sentence(f"{subject.zh}{when.zh}{phrase.zh}什么", f"qu'est-ce que {subject.fr} {_fill(phrase.fr, False)} {when.fr}",
                     f"what {_ask(subject, verb, tense)} {when.en}", ("frame", verb.infinitive, tense, "what"), mark="？")


def ask_who(source: Source) -> Sentence:
    """谁想喝茶？ qui veut boire du thé ?"""
    who = Subject("谁", "qui", "who", 2)
    verb = source.pick([verb for verb in _TRANSITIVE if verb.zh not in ("喜欢", "讨厌")])
    noun, tense = source.pick([noun for noun in NOUNS if noun.group in verb.groups]), source.pick(["present", "past", "future", "want", "can", "like"])
    thing = noun_phrase(noun, "some", source)
    said = _compose(source, who, verb, tense, "statement", thing, [("object", verb.zh, noun.zh)])
    return said._replace(zh=said.zh[:-1] + "？", fr=said.fr[:-1] + "?", en=said.en[:-1] + "?")


def two_clauses(source: Source) -> Sentence:
    """我不吃鱼，因为我不饿。 / 他很累，但是他很高兴。"""
    first, second = _statement(source, source.pick([eat_fish, go_to_school, love_you])), _statement(source, source.pick([be_happy, be_hungry, have_cats]))
    zh, fr, en = source.pick([("因为", "parce que", "because"), ("但是", "mais", "but"), ("所以", "donc", "so")])
    fr_second = "parce qu'" + second.fr if fr == "parce que" and second.fr.startswith(("i", "e", "é")) else f"{fr} {second.fr}"
    return Sentence(f"{first.zh[:-1]}，{zh}{second.zh}", f"{first.fr[:-2]} , {fr_second}", f"{first.en[:-2]} , {en} {second.en}",
                    (*first.parts, *second.parts))


def _statement(source: Source, frame) -> Sentence:
    sentence = frame(source)
    while sentence.zh.endswith("？"):
        sentence = frame(source)
    return sentence


# A frame listed more often is drawn more often.
FRAMES = [eat_fish] * 6 + [love_you] * 4 + [love_mother, give_book, give_book, have_cats, have_cats, be_happy, be_happy, be_hungry,
                           soup_is_hot, soup_is_hot, be_teacher, go_to_school, go_to_school, be_at_school, weather, ask_what, ask_who,
                           two_clauses, two_clauses]
