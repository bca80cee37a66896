"""Every exercise by its id. A chapter's file holds `EXERCISES`, in the order in which the chapter asks them."""
from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from ..i18n import L
from .spec import Exercise

__all__ = ["CHAPTERS", "catalog", "exercises", "find"]

CHAPTERS = {
    "lm": L(zh="语言模型与概率", en="What a language model is"),
    "attention": L(zh="注意力", en="Attention"),
    "loss": L(zh="损失与训练目标", en="Loss"),
    "finetune": L(zh="微调", en="Fine-tuning and transfer"),
    "apps": L(zh="知识、检索与应用", en="Knowledge, retrieval, applications"),
}


@lru_cache(maxsize=1)
def exercises() -> dict[str, Exercise]:
    """id -> exercise, in the order of the course."""
    return {exercise.id: exercise for chapter in CHAPTERS for exercise in import_module(f".{chapter}", __package__).EXERCISES}


def find(id: str) -> Exercise:
    """The exercise of this id; KeyError with the ids that come near."""
    try:
        return exercises()[id]
    except KeyError:
        near = [known for known in exercises() if str(id).split(".")[-1] in known or known.split(".")[0] == str(id).split(".")[0]]
        raise KeyError(str(L(zh="没有练习 {id!r}；可选：{near}", en="there is no exercise {id!r}; there are: {near}").format(
            id=id, near=", ".join(near or exercises())))) from None


def catalog() -> list[dict[str, object]]:
    """Every exercise: id, chapter, function name, signature, title in both languages."""
    return [{"id": e.id, "chapter": e.chapter, "function": e.name, "signature": e.signature,
             "title": {"zh": e.title["zh"], "en": e.title["en"]}} for e in exercises().values()]
