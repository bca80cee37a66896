"""The course's own exam, the probabilities of its options, and blind comparisons."""

from collections import Counter

import pytest

import course_lib as cl


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_neither_place_nor_length_gives_the_answer_away(lang):
    items = cl.text.exam(lang)
    assert len(items) == 50 and all(len(set(item.options)) == 4 for item in items)
    assert set(Counter(item.answer for item in items).values()) == {12, 13}
    for pick in (min, max):
        alone = [
            option
            for option in items
            if len(pick(option.options, key=len)) == len(option.options[option.answer])
            and sum(len(o) == len(option.options[option.answer]) for o in option.options) == 1
        ]
        assert len(alone) <= 15, "the length of the right answer stands out too often"


def test_the_two_languages_hold_the_same_exam():
    assert [(a.kind, a.answer) for a in cl.text.exam("en")] == [
        (b.kind, b.answer) for b in cl.text.exam("zh")
    ]


def test_option_log_probs_are_those_of_the_text_read_to_its_end():
    # a character is a token: the cut does not matter
    m, prompt, options = (cl.load("zh-gpt"), "这家酒店", ["很好", "不好，太吵了", "的"])
    found = cl.interpret.option_log_probs(m, prompt, options)
    for option, p in zip(options, found, strict=True):
        assert p == pytest.approx(
            sum(token.log_prob for token in m.score(prompt + option)[-len(option) :]), abs=1e-3
        )


def test_everybody_meets_everybody_once_and_a_click_shows_the_next_pair():
    judge = cl.viz.duel([["a0", "a1"], ["b0", "b1"], ["c0", "c1"]], seed=1)
    assert Counter((n, frozenset(pair)) for n, *pair in judge.pairs) == Counter(
        (n, frozenset(p)) for n in (0, 1) for p in ((0, 1), (0, 2), (1, 2))
    )
    for click in "121212":
        assert "abc"[judge.pairs[len(judge.clicks)][1]] in str(judge.picture)
        judge.values = {"clicks_": judge.clicks + click}
    assert judge.clicks == "121212"
