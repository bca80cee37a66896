"""Two games that only attention can win: a translation whose words change places, and a fact to recall from
far back.

game = TranslationGame()
game.ids("我要鱼和红的猫")                          # long [1, 7]
game.batches(150)                                   # what `cl.fit` takes: a Seq2Seq learns "red cat fish"
from it
RecallGame({"animal?": ["cat", "dog"]}).story(random.Random(0), length=20, distance=12)      # (words, "dog")
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["RecallGame", "TranslationGame"]

_KINDS = (
    {"红": "red", "蓝": "blue", "绿": "green", "白": "white"},
    {"猫": "cat", "狗": "dog", "马": "horse", "羊": "sheep"},
    {"饭": "rice", "汤": "soup", "鱼": "fish", "茶": "tea"},
)
_FILLING = "我你他有和要的了也都在看"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class TranslationGame:
    """Chinese characters with a colour, an animal and a food among them, in any order; always translated as
    colour, animal, food.

    tokens: what each id stands for; 0 is the start of a translation.
    """

    def __init__(self) -> None:
        words = {char: word for kind in _KINDS for char, word in kind.items()}
        self.tokens = ["<s>", *words, *words.values(), *_FILLING]
        self._number = {token: i for i, token in enumerate(self.tokens)}

    def ids(self, text: str) -> Tensor:
        """A source as long [1, S]; KeyError for a character that the game does not have."""
        import torch

        return torch.tensor([[self._number[char] for char in text]])

    def batches(self, n: int, size: int = 64, seed: int = 0) -> list[dict[str, Tensor]]:
        """`n` batches {"ids" [size, S], "target" [size, 3], "labels" [size, 3]} with sources of 4 to 12
        characters."""
        import torch

        rng, made = random.Random(seed), []
        for _ in range(n):
            length, sources, targets = rng.randint(4, 12), [], []
            for _ in range(size):
                facts = [rng.choice(list(kind.items())) for kind in _KINDS]
                source = [char for char, _ in facts] + rng.choices(_FILLING, k=length - len(facts))
                rng.shuffle(source)
                sources.append([self._number[char] for char in source])
                targets.append([0, *(self._number[word] for _, word in facts)])
            target = torch.tensor(targets)
            made.append({"ids": torch.tensor(sources), "target": target[:, :-1], "labels": target[:, 1:]})
        return made


class RecallGame:
    """A string of letters with one fact of each kind among them; at the end a cue asks for one of the facts.

    facts: cue -> the words of its kind. tokens: what each id stands for.
    """

    def __init__(self, facts: Mapping[str, Sequence[str]]) -> None:
        self.facts = facts
        self.tokens = [word for cue, words in facts.items() for word in (cue, *words)] + list(_LETTERS)
        self._number = {token: i for i, token in enumerate(self.tokens)}

    def story(self, rng: random.Random, length: int, distance: int) -> tuple[list[str], str]:
        """`length` words, the last of them a cue, and its answer, which stands `distance` words before the
        cue.

        ValueError where the distance, or the other facts, do not fit into the length.
        """
        if not 1 <= distance < length or length <= len(self.facts):
            raise ValueError(
                f"{length} words have no room for {len(self.facts)} facts, one {distance} words "
                f"before the end"
            )
        words, cue = rng.choices(_LETTERS, k=length - 1), rng.choice(list(self.facts))
        here = length - 1 - distance
        elsewhere = rng.sample([i for i in range(length - 1) if i != here], len(self.facts) - 1)
        for kind, names in self.facts.items():
            words[here if kind == cue else elsewhere.pop()] = rng.choice(names)
        return [*words, cue], words[here]

    def trigram(self, batches: Iterable[Mapping[str, Tensor]]) -> Callable[[Tensor], Tensor]:
        """The opponent that sees two tokens: it counts which answers followed them in `batches`.

        Returns ids long [n, length] -> its answers, long [n]; -1 for two tokens never seen.
        """
        import torch

        counts: dict[tuple[int, ...], Counter] = defaultdict(Counter)
        for batch in batches:
            for ids, labels in zip(batch["ids"].tolist(), batch["labels"].tolist()):
                counts[tuple(ids[-2:])][labels[-1]] += 1
        best = {seen: answers.most_common(1)[0][0] for seen, answers in counts.items()}
        return lambda ids: torch.tensor([best.get(tuple(pair), -1) for pair in ids[:, -2:].tolist()])

    def batch(
        self, rng: random.Random, n: int, length: int, distance: int | None = None
    ) -> dict[str, Tensor]:
        """{"ids" [n, length], "labels" [n, length]} of `n` stories; only the answer, after the cue, counts.
        distance: any, if None."""
        import torch

        told = [self.story(rng, length, distance or rng.randint(1, length - 1)) for _ in range(n)]
        ids = torch.tensor([[self._number[word] for word in words] for words, _ in told])
        labels = torch.full_like(ids, -100)
        labels[:, -1] = torch.tensor([self._number[answer] for _, answer in told])
        return {"ids": ids, "labels": labels}
