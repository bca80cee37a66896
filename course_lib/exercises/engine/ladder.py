"""The ladder of an exercise: its hints, the puzzle of its lines, its solution. Each rung is a card."""

from __future__ import annotations

from ...i18n import L
from . import record
from .card import Card
from .parsons import puzzle
from .spec import Exercise

__all__ = ["hint_card", "is_puzzle", "solution_card"]

PUZZLE = L(
    zh="把这些行按顺序点进程序里：有几行是常见错误，不要用。缩进跟着每一行走。检查它的，就是 "
    "`cl.check` 自己。",
    en="Click the lines into the program, in order. Some belong to common mistakes: leave those "
    "out. Each line keeps its indentation. "
    "What judges it is `cl.check` itself.",
)


def is_puzzle(exercise: Exercise, rung: int) -> bool:
    """True for the rung after the last hint, where the exercise has a puzzle."""
    return rung == len(exercise.hints) + 1 == _top(exercise)


def _top(exercise: Exercise) -> int:
    return len(exercise.hints) + (puzzle(exercise) is not None)


def hint_card(exercise: Exercise, n: int | None, lang: str) -> tuple[Card, int]:
    """The next rung, or rung `n` (from 1), below those given before -> (the card, the rung; 0 where it gives
    none)."""
    top, seen, failed = _top(exercise), record.hints_given(exercise.id), record.failures(exercise.id)
    start, why = _start(exercise), L(zh="", en="")
    rung = n if n is not None else next((r for r in range(start, top + 1) if r not in seen), top)
    if not 1 <= rung <= top:
        rung, why = (
            0,
            L(zh="这道题有 {top} 条提示：1 到 {top}。", en="This exercise has {top} hints: 1 to {top}."),
        )
    elif n is None and rung > max(start, 1 + failed) and not (is_puzzle(exercise, rung) and failed >= 2):
        rung, why = (
            0,
            L(
                zh='下一条提示要在再检查一次之后才给：先用上一条改一改，再运行 `cl.check("{id}")`。',
                en="The next hint comes after one more check: try the last one first, then run "
                '`cl.check("{id}")`.',
            ),
        )
    if rung:
        record.note(exercise.id, "hint", rung=rung)
    given = [r for r in range(1, top + 1) if r == rung or r in seen and (not rung or r < rung)]
    lines = [_rung(exercise, r, top)[lang] for r in given] + [why.format(top=top, id=exercise.id)[lang]] * (
        not rung
    )
    return Card("note" if rung else "idle", lines), rung


def _rung(exercise: Exercise, rung: int, top: int) -> L:
    label = L(zh="**提示 {rung}/{top}{last}** · {text}", en="**Hint {rung}/{top}{last}** · {text}")
    last = L(zh="（最后一条）", en=" (the last)") if rung == top else L(zh="", en="")
    return label.format(
        rung=rung, top=top, last=last, text=PUZZLE if is_puzzle(exercise, rung) else exercise.hints[rung - 1]
    )


def _start(exercise: Exercise) -> int:
    """The rung of the mistake that the last check proved, else 1."""
    proved = record.open_mistakes(exercise.id)
    return next((m.hint for m in exercise.mistakes if m.id in proved), 1)


def solution_card(exercise: Exercise, lang: str, force: bool) -> Card:
    """The reference, after two failed checks or where it is forced."""
    left, rung = 2 - record.failures(exercise.id), _top(exercise)
    if left > 0 and not force:
        puzzle_first = L(
            zh='，`cl.hint("{id}", {rung})` 把它的各行给你排序',
            en=', and `cl.hint("{id}", {rung})` gives you its lines to put in order',
        )
        return Card(
            "idle",
            [
                L(
                    zh="参考解在检查失败两次之后给出（还差 {left} 次）。先看看 "
                    '`cl.hint("{id}")`{puzzle}；一定要看：`cl.solution("{id}", force=True)`。',
                    en="The solution opens after two failed checks ({left} to go). "
                    '`cl.hint("{id}")` comes first{puzzle}; '
                    '`cl.solution("{id}", force=True)` shows it anyway.',
                ).format(
                    left=left,
                    id=exercise.id,
                    puzzle=puzzle_first.format(id=exercise.id, rung=rung)
                    if is_puzzle(exercise, rung)
                    else L(zh="", en=""),
                )[lang]
            ],
        )
    record.note(exercise.id, "solution")
    return Card(
        "note",
        [
            L(
                zh="参考解 · `{signature}`：能通过检查的写法不止这一种。",
                en="Solution · `{signature}`: one of many that pass.",
            ).format(signature=exercise.signature)[lang]
        ],
        code=exercise.shown.rstrip(),
    )
