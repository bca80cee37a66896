"""Every exercise by its id: `notebooks/chapters.toml` lists them, and "lm.bigram" lies in
`exercises/lm/bigram.py`."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from ...chapters import chapters
from ...i18n import L
from .spec import Exercise

__all__ = ["catalog", "exercises", "find"]


@cache
def exercises() -> dict[str, Exercise]:
    """id -> exercise, in the order of the course."""
    return {
        id: import_module(f"..{id}", __package__).EXERCISE
        for chapter in chapters()
        for id in chapter.exercises
    }


def find(id: str) -> Exercise:
    """The exercise of this id; KeyError with the ids that come near."""
    try:
        return exercises()[id]
    except KeyError:
        near = [
            known
            for known in exercises()
            if str(id).split(".")[-1] in known or known.split(".")[0] == str(id).split(".")[0]
        ]
        raise KeyError(
            str(
                L(
                    zh="没有练习 {id!r}；可选：{near}", en="there is no exercise {id!r}; there are: {near}"
                ).format(id=id, near=", ".join(near or exercises()))
            )
        ) from None


def catalog() -> list[dict[str, object]]:
    """Every exercise: id, chapter, function name, signature, title in both languages."""
    return [
        {
            "id": e.id,
            "chapter": e.chapter,
            "function": e.name,
            "signature": e.signature,
            "title": {"zh": e.title["zh"], "en": e.title["en"]},
        }
        for e in exercises().values()
    ]
