"""`duel(candidates)`: which of two texts is better? Blind comparisons to click.

    judge = duel([texts_of_a, texts_of_b, texts_of_c])      # text number n of each answers the same prompt
    judge.pairs[0], judge.clicks  # (n, 2, 0): candidate 2 stood first; "1": it was found better

Every two candidates meet once for each n; the order of the pairs and which text stands first are drawn from
`seed`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations

from ...i18n import L
from ..html import Markup, flow, paragraph
from .explore import Explore

__all__ = ["Duel", "duel"]


class Duel(Explore):
    """The widget behind `duel`. clicks: a "1" or "2" for each pair judged so far; pairs: (n, first candidate,
    second candidate)."""

    def __init__(self, candidates: Sequence[Sequence[str]], seed: int = 0):
        chance = random.Random(seed)
        self.pairs = [
            (n, *chance.sample(two, 2))
            for n in range(len(candidates[0]))
            for two in combinations(range(len(candidates)), 2)
        ]
        chance.shuffle(self.pairs)
        self._candidates = candidates
        super().__init__(self._ask, {"clicks_": ""})

    @property
    def clicks(self) -> str:
        return self.values["clicks_"]

    def baked(self) -> dict[str, object]:
        """Nothing: two pictures more with every pair, and no kernel on a page to count who won."""
        return {}

    def _ask(self, clicks: str) -> Markup:
        done, whole = len(clicks), len(self.pairs)
        if done == whole:
            return paragraph(L(zh="{0} 对都评完了。", en="All {0} pairs are judged.").format(whole)) + flow(
                {"": str(L(zh="重来", en="again"))}, "-", "clicks_"
            )
        n, a, b = self.pairs[done]
        shown = paragraph(f"{done + 1} / {whole}")
        for key, who in zip("12", (a, b)):
            shown += flow({clicks + key: key}, "-", "clicks_") + paragraph(
                " ".join(self._candidates[who][n].split())
            )
        return Markup(shown)


def duel(candidates: Sequence[Sequence[str]], seed: int = 0) -> Duel:
    """Show the first pair; a click on 1 or 2 judges it and shows the next. candidates: K lists of N texts
    each."""
    return Duel(candidates, seed)
