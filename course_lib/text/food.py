"""Plain Chinese sentences about food, written here: the reviews are of books, hotels and computers, the
newspaper of 1998, and a masked model should know what one eats.

The course's own sentence, 「我喜欢吃……，因为它味道很好。」, is never among them.
"""

from __future__ import annotations

from itertools import product

from .corpus import split_of
from .tables import table

__all__ = ["food_sentences"]

SUBJECTS, VERBS, FOOD, REASONS = (
    [row["word"] for row in table("food") if row["part"] == part]
    for part in ("subject", "verb", "food", "reason")
)


def food_sentences() -> list[str]:
    """About 5,000 sentences, a fixed quarter of all combinations."""
    because = [
        f"{subject}{verb}{food}，因为{reason}。"
        for subject, verb, food, reason in product(SUBJECTS, VERBS, FOOD, REASONS)
    ]
    taste = [
        f"{place}{food}{quality}，{subject}很喜欢。"
        for place, food, quality, subject in product(
            ("这家餐馆的", "酒店的", "妈妈做的", "早餐的"),
            FOOD,
            ("味道很好", "很好吃", "又香又甜", "做得不错"),
            SUBJECTS,
        )
    ]
    return [
        sentence
        for number, sentence in enumerate(because + taste)
        if number % 4 == 0 and split_of(sentence) == "train"
    ]
