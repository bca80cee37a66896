"""Intervals that hold what they promise."""

import numpy as np
import pytest

from course_lib.metrics import bootstrap, difference, paired, tally, wilson


def test_wilson_agrees_with_a_published_interval():
    low, high = wilson(81, 263)  # Newcombe 1998, table I: 0.2553 to 0.3662
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_wilson_is_honest_at_the_ends():
    assert wilson(0, 20)[0] == pytest.approx(0) and 0.1 < wilson(0, 20)[1] < 0.2
    assert wilson(20, 20)[1] == pytest.approx(1) and 0.8 < wilson(20, 20)[0] < 0.9
    assert wilson(0, 0) == (0.0, 1.0)
    for hits, n in ((1, 0), (5, 4), (-1, 4)):
        with pytest.raises(ValueError):
            wilson(hits, n)


def test_wilson_covers_the_truth_as_often_as_it_says():
    hits = np.random.default_rng(0).binomial(200, 0.9, 2000)
    covered = np.mean([low <= 0.9 <= high for low, high in (wilson(int(h), 200) for h in hits)])
    assert 0.93 < covered < 0.97


def test_paired_agrees_with_a_plain_bootstrap():
    draw = np.random.default_rng(1)
    a, b = draw.random(400) < 0.8, draw.random(400) < 0.7
    rows = draw.integers(0, 400, (4000, 400))
    plain = np.quantile((a[rows].astype(int) - b[rows]).mean(1), [0.025, 0.975])
    mean, low, high = paired(a, b)
    assert mean == pytest.approx(a.mean() - b.mean()) and low < mean < high
    assert [low, high] == pytest.approx(list(plain), abs=0.01)


def test_paired_counts_only_disagreement():
    same = [True, False] * 50
    assert paired(same, same) == (0, 0, 0)
    few = [True] * 3 + [False] * 97  # three reviews better, none worse: never below 0
    assert paired(few, [False] * 100)[1] >= 0
    for a, b in (([], []), ([True], [True, False])):
        with pytest.raises(ValueError, match="length"):
            paired(a, b)


def test_bootstrap_covers_the_truth_about_as_often_as_it_says():
    chance, covered = np.random.default_rng(0), 0
    for _ in range(200):
        low, high = bootstrap(chance.normal(3.0, 1.0, 40).tolist(), draws=300)
        covered += low <= 3.0 <= high
    assert 0.88 < covered / 200 < 0.99
    rows, ratio = [(1, 2), (0, 2), (2, 2)], lambda rows: sum(a for a, _ in rows) / sum(b for _, b in rows)
    low, high = bootstrap(rows, ratio)
    assert low < 0.5 < high and (low, high) == bootstrap(rows, ratio)
    with pytest.raises(ValueError):
        bootstrap([])


def test_shares_and_differences_as_a_table_shows_them():
    assert tally([True] * 47 + [False] * 33) == "47 / 80 · 59 % (48–69)"
    assert tally([]) == "0 / 0 · 0 % (0–100)"
    assert difference([1, 1, 0, 1], [1, 1, 0, 1]) == "+0.00 (+0.00 … +0.00)"
    better = difference([True] * 90 + [False] * 10, [False] * 100)
    assert better.startswith("+0.90 (+0.8") and better.endswith(")")
    with pytest.raises(ValueError):
        difference([1], [1, 2])
