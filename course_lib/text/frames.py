"""The sentence frames of the grammar: a statement about food, a question, a feeling, the weather ...

A frame draws words from a `Source` and returns the three sentences with what was combined in them, so that
whole
combinations, such as one verb with one object, can be kept out of training.
"""

from __future__ import annotations

from collections.abc import Callable

from .grammar import (
    AVOIR,
    BE,
    ETAIT,
    ETRE,
    Phrase,
    Sentence,
    Source,
    a_or_an,
    agree,
    compose,
    draw_mood,
    draw_time,
    english_question,
    fill_slots,
    join_french,
    make_sentence,
    noun_phrase,
    predicate,
)
from .lexicon import (
    ADJECTIVES,
    CITIES,
    FEELINGS,
    JOBS,
    NOUNS,
    PLACES,
    SENSATIONS,
    SUBJECTS,
    VERBS,
    WEATHER,
    Subject,
    Verb,
)

__all__ = ["FRAMES"]


def _verbs(*groups: str) -> list[Verb]:
    return [verb for verb in VERBS if any(group in verb.groups for group in groups)]


_TRANSITIVE = [verb for verb in VERBS if verb.groups and not verb.groups[0].startswith("@")]
_PERSONAL = [verb for verb in VERBS if not verb.groups]
_PRONOUNS = [subject for subject in SUBJECTS if subject.clitic]
_PERSONS = [subject for subject in SUBJECTS if not subject.clitic]


def eat_fish(source: Source) -> Sentence:
    """我想吃鱼。 je veux manger du poisson ."""
    verb, subject, mood = source.pick(_TRANSITIVE), source.pick(SUBJECTS), draw_mood(source)
    attitude = verb.zh in ("喜欢", "讨厌")
    tense = (
        "present" if attitude else source.pick(["present", "past", "future", "want", "can", "must", "like"])
    )
    if tense == "must" and mood != "statement":
        tense = "want"
    noun = source.pick([noun for noun in NOUNS if noun.group in verb.groups])
    style = (
        source.pick(["all", "all", "this", "my"])
        if attitude
        else source.pick(
            ["some", "some", "this", "my"]
            if mood == "negation"
            else ["some", "some", "one", "many", "colour", "this", "my"]
        )
    )
    if style == "colour" and noun.group not in ("thing", "tool", "animal"):
        style = "one"
    thing = noun_phrase(noun, style, source, negated=mood == "negation")
    return compose(source, subject, verb, tense, mood, thing, [("object", verb.zh, noun.zh)])


def love_you(source: Source) -> Sentence:
    """我爱你。 je t'aime . The past participle agrees with the pronoun before it: il l'a vue ."""
    subject, verb, other = source.pick(SUBJECTS), source.pick(_PERSONAL), source.pick(_PRONOUNS)
    while {other.person, subject.person} in ({0}, {1}, {0, 3}, {1, 4}, {3}, {4}) or (
        other.person,
        subject.person,
    ) == (5, 5):
        other = source.pick(_PRONOUNS)
    mood, tense = draw_mood(source), source.pick(["present", "present", "past", "future", "want", "can"])
    participle = (
        verb.participle
        + ("e" if other.feminine else "")
        + ("s" if other.plural and not verb.participle.endswith("s") else "")
    )
    return compose(
        source,
        subject,
        verb,
        tense,
        mood,
        Phrase(other.zh, "", other.object),
        [("clitic", subject.zh, verb.zh, other.zh)],
        clitic=other.clitic,
        participle=participle,
    )


def love_mother(source: Source) -> Sentence:
    """我爱我妈妈。 j'aime ma mère ."""
    subject, verb, other = source.pick(_PRONOUNS), source.pick(_PERSONAL), source.pick(_PERSONS)
    mood, tense = draw_mood(source), source.pick(["present", "past", "future", "want"])
    return compose(
        source,
        subject,
        verb,
        tense,
        mood,
        Phrase(other.zh, other.fr, other.en),
        [("object", verb.zh, other.zh)],
    )


def give_book(source: Source) -> Sentence:
    """他给了我一本书。 il m'a donné un livre ."""
    verb, subject, other = source.pick(_verbs("@give")), source.pick(SUBJECTS), source.pick(_PRONOUNS)
    while {other.person, subject.person} in ({0}, {1}, {0, 3}, {1, 4}, {3}, {4}):
        other = source.pick(_PRONOUNS)
    noun = source.pick(
        [
            noun
            for noun in NOUNS
            if noun.kind == "count" and noun.group in ("reading", "thing", "tool", "food", "animal")
        ]
    )
    mood, tense = (
        source.pick(["statement", "statement", "question"]),
        source.pick(["present", "past", "future", "want", "can"]),
    )
    thing = noun_phrase(
        noun,
        source.pick(["one", "many", "colour"] if noun.group not in ("reading", "food") else ["one", "many"]),
        source,
    )
    whom = "" if not other.object else other.object + " "
    return compose(
        source,
        subject,
        verb,
        tense,
        mood,
        Phrase(other.zh + thing.zh, thing.fr, whom + thing.en),
        [("object", verb.zh, noun.zh), ("clitic", subject.zh, verb.zh, other.zh)],
        clitic=other.dative,
    )


def have_cats(source: Source) -> Sentence:
    """我没有猫。 je n'ai pas de chat ."""
    subject, mood = source.pick(SUBJECTS), draw_mood(source)
    noun = source.pick(
        [
            noun
            for noun in NOUNS
            if noun.group in ("thing", "tool", "animal", "reading", "food", "dish", "drink")
        ]
    )
    who, third = subject.person, subject.person == 2
    negated = mood == "negation"
    style = (
        "some"
        if negated
        else source.pick(
            ["one", "many", "colour"] if noun.group in ("thing", "tool", "animal") else ["one", "many"]
        )
    )
    thing = noun_phrase(noun, style, source, negated)
    parts = [("object", "有", noun.zh), ("frame", "avoir", mood)]
    fr = f"{subject.fr} {'ne' * negated} {AVOIR[who]} {'pas' * negated} {thing.fr}"
    if mood == "question":
        return make_sentence(
            f"{subject.zh}有{thing.zh}吗",
            "est-ce que " + fr,
            f"{'does' if third else 'do'} {subject.en} have {thing.en}",
            *parts,
            mark="？",
        )
    have = f"{'does' if third else 'do'} not have" if negated else "has" if third else "have"
    return make_sentence(
        f"{subject.zh}{'没' * negated}有{thing.zh}", fr, f"{subject.en} {have} {thing.en}", *parts
    )


def _be(
    source: Source,
    subject: Subject,
    zh: str,
    fr: str,
    en: str,
    parts: list,
    degree: tuple[str, str, str] | None,
    verbs: tuple[list[str], list[str]] = (ETRE, ETAIT),
    past: bool = False,
) -> Sentence:
    """Subject, to be (or French avoir: j'ai faim), and a quality."""
    mood = draw_mood(source)
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
        return make_sentence(
            zh + "吗", "est-ce que " + fr, f"{be} {subject.en} {en} {tail_en}", *parts, mark="？"
        )
    return make_sentence(zh, fr, f"{subject.en} {be} {'not' * negated} {en_degree} {en} {tail_en}", *parts)


_DEGREES = [None, None, ("非常", "très", "very"), ("太", "trop", "too"), ("真", "vraiment", "really")]


def be_happy(source: Source) -> Sentence:
    """她们很高兴。 elles sont contentes ."""
    subject, feeling = source.pick(SUBJECTS), source.pick(FEELINGS)
    return _be(
        source,
        subject,
        feeling.zh,
        agree(feeling.forms, subject.feminine, subject.plural),
        feeling.en,
        [("quality", subject.zh, feeling.zh)],
        source.pick(_DEGREES),
        past=source.chance(0.2),
    )


def be_hungry(source: Source) -> Sentence:
    """我很饿。 j'ai faim ."""
    subject, (zh, fr, en) = source.pick(SUBJECTS), source.pick(SENSATIONS)
    imparfait = "avais avais avait avions aviez avaient".split()
    return _be(
        source,
        subject,
        zh,
        fr,
        en,
        [("quality", subject.zh, zh)],
        source.pick([None, None, ("非常", "très", "very")]),
        (AVOIR, imparfait),
        source.chance(0.2),
    )


def soup_is_hot(source: Source) -> Sentence:
    """这本书很有意思。 ce livre est intéressant ."""
    adjective = source.pick(ADJECTIVES)
    noun = source.pick([noun for noun in NOUNS if noun.group in adjective.groups])
    style = "all" if noun.kind == "language" else source.pick(["this", "my"])
    thing = noun_phrase(noun, style, source)
    plural = noun.kind == "plural"
    as_subject = Subject(
        thing.zh, thing.fr, thing.en, 5 if plural and noun.en.endswith("s") else 2, noun.gender == "f", plural
    )
    # fruit is singular in English only
    verbs = (ETRE, ETAIT) if not plural else ([ETRE[5]] * 6, [ETAIT[5]] * 6)
    return _be(
        source,
        as_subject,
        adjective.zh,
        agree(adjective.forms, noun.gender == "f", plural),
        adjective.en,
        [("quality", noun.zh, adjective.zh)],
        source.pick(_DEGREES),
        verbs,
    )


def be_teacher(source: Source) -> Sentence:
    """她是学生。 elle est étudiante ."""
    subject, (zh, forms, en), mood = (
        source.pick(SUBJECTS[:9] + SUBJECTS[-2:]),
        source.pick(JOBS),
        draw_mood(source),
    )
    negated, who = mood == "negation", subject.person
    job_en = en + "s" if subject.plural else a_or_an(en)
    fr = (
        f"{subject.fr} {'ne' * negated} {ETRE[who]} {'pas' * negated} "
        f"{agree(forms, subject.feminine, subject.plural)}"
    )
    if mood == "question":
        return make_sentence(
            f"{subject.zh}是{zh}吗",
            "est-ce que " + fr,
            f"{BE[who]} {subject.en} {job_en}",
            ("quality", subject.zh, zh),
            mark="？",
        )
    return make_sentence(
        f"{subject.zh}{'不' * negated}是{zh}",
        fr,
        f"{subject.en} {BE[who]} {'not' * negated} {job_en}",
        ("quality", subject.zh, zh),
    )


def go_to_school(source: Source) -> Sentence:
    """她们昨天去了学校。 elles sont allées à l'école hier ."""
    subject, mood, tense = (
        source.pick(SUBJECTS),
        draw_mood(source),
        source.pick(["present", "past", "future", "want", "can", "like"]),
    )
    go = next(verb for verb in VERBS if verb.zh == "去")
    if source.chance(0.75):
        zh, noun, _, en = source.pick(PLACES)
        place = Phrase(zh, f"à {noun}", en)
    else:
        zh, fr, en = source.pick(CITIES)
        place = Phrase(zh, f"à {fr}", f"to {en}")
    sentence = compose(source, subject, go, tense, mood, place, [("object", "去", place.zh)])
    if tense != "past":
        return sentence
    agreed = "allé" + "e" * subject.feminine + "s" * subject.plural  # être, not avoir: the participle agrees
    who, negated = subject.person, mood == "negation"
    old = join_french(f"{subject.fr} {'ne' * negated} {AVOIR[who]} {'pas' * negated} allé")
    new = join_french(f"{subject.fr} {'ne' * negated} {ETRE[who]} {'pas' * negated} {agreed}")
    return sentence._replace(fr=sentence.fr.replace(old, new))


def be_at_school(source: Source) -> Sentence:
    """他在图书馆吗？ est-ce qu'il est à la bibliothèque ?"""
    subject, mood = source.pick(SUBJECTS), draw_mood(source)
    (zh, noun, en, _), negated, who = source.pick(PLACES), mood == "negation", subject.person
    fr = f"{subject.fr} {'ne' * negated} {ETRE[who]} {'pas' * negated} à {noun}"
    part = ("object", "在", zh)
    if mood == "question":
        return make_sentence(
            f"{subject.zh}在{zh}吗", "est-ce que " + fr, f"{BE[who]} {subject.en} {en}", part, mark="？"
        )
    return make_sentence(
        f"{subject.zh}{'不' * negated}在{zh}", fr, f"{subject.en} {BE[who]} {'not' * negated} {en}", part
    )


def weather(source: Source) -> Sentence:
    """明天巴黎会下雨。 il va pleuvoir à paris demain ."""
    zh, fr, en, fr_future, en_future = source.pick(WEATHER)
    city, future = source.pick([("", "", ""), *CITIES]), source.chance(0.5)
    where_fr, where_en = (f"à {city[1]}", f"in {city[2]}") if city[0] else ("", "")
    day = (
        ("明天", "demain", "tomorrow")
        if future
        else source.pick([("今天", "aujourd'hui", "today"), ("", "", "")])
    )
    middle = "会" if future and zh in ("下雨", "下雪", "刮风", "很冷", "很热") else ""
    parts = [("quality", city[0], zh)] if city[0] else []
    return make_sentence(
        f"{day[0]}{city[0]}{middle}{zh}",
        f"{fr_future if future else fr} {where_fr} {day[1]}",
        f"{en_future if future else en} {where_en} {day[2]}",
        *parts,
    )


def ask_what(source: Source) -> Sentence:
    """你想吃什么？ qu'est-ce que tu veux manger ?"""
    subject, verb = (
        source.pick(SUBJECTS),
        source.pick([verb for verb in _TRANSITIVE if verb.zh not in ("看", "说")]),
    )
    tense = (
        "present"
        if verb.zh in ("喜欢", "讨厌")
        else source.pick(["present", "past", "future", "want", "can", "like"])
    )
    when = draw_time(source, tense)
    phrase = predicate(subject, verb, tense, False)
    return make_sentence(
        f"{subject.zh}{when.zh}{phrase.zh}什么",
        f"qu'est-ce que {subject.fr} {fill_slots(phrase.fr, False)} {when.fr}",
        f"what {english_question(subject, verb, tense)} {when.en}",
        ("frame", verb.infinitive, tense, "what"),
        mark="？",
    )


def ask_who(source: Source) -> Sentence:
    """谁想喝茶？ qui veut boire du thé ?"""
    who = Subject("谁", "qui", "who", 2)
    verb = source.pick([verb for verb in _TRANSITIVE if verb.zh not in ("喜欢", "讨厌")])
    noun, tense = (
        source.pick([noun for noun in NOUNS if noun.group in verb.groups]),
        source.pick(["present", "past", "future", "want", "can", "like"]),
    )
    thing = noun_phrase(noun, "some", source)
    said = compose(source, who, verb, tense, "statement", thing, [("object", verb.zh, noun.zh)])
    return said._replace(zh=said.zh[:-1] + "？", fr=said.fr[:-1] + "?", en=said.en[:-1] + "?")


def two_clauses(source: Source) -> Sentence:
    """我不吃鱼，因为我不饿。 / 他很累，但是他很高兴。"""
    first, second = (
        _statement(source, source.pick([eat_fish, go_to_school, love_you])),
        _statement(source, source.pick([be_happy, be_hungry, have_cats])),
    )
    zh, fr, en = source.pick(
        [("因为", "parce que", "because"), ("但是", "mais", "but"), ("所以", "donc", "so")]
    )
    fr_second = (
        "parce qu'" + second.fr
        if fr == "parce que" and second.fr.startswith(("i", "e", "é"))
        else f"{fr} {second.fr}"
    )
    return Sentence(
        f"{first.zh[:-1]}，{zh}{second.zh}",
        f"{first.fr[:-2]} , {fr_second}",
        f"{first.en[:-2]} , {en} {second.en}",
        (*first.parts, *second.parts),
    )


def _statement(source: Source, frame: Callable[[Source], Sentence]) -> Sentence:
    sentence = frame(source)
    while sentence.zh.endswith("？"):
        sentence = frame(source)
    return sentence


# A frame listed more often is drawn more often.
FRAMES = (
    [eat_fish] * 6
    + [love_you] * 4
    + [
        love_mother,
        give_book,
        give_book,
        have_cats,
        have_cats,
        be_happy,
        be_happy,
        be_hungry,
        soup_is_hot,
        soup_is_hot,
        be_teacher,
        go_to_school,
        go_to_school,
        be_at_school,
        weather,
        ask_what,
        ask_who,
        two_clauses,
        two_clauses,
    ]
)
