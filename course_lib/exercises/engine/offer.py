"""The ladder as one meets it in a notebook: buttons below a check, and the puzzle whose verdict is the
check's own."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from ...i18n import L
from . import record
from .card import Card, in_notebook
from .checking import checked
from .ladder import hint_card, is_puzzle, solution_card
from .parsons import puzzle
from .spec import Exercise

if TYPE_CHECKING:
    from ...viz.html import Markup
    from ...viz.widgets.ladder import Ladder

__all__ = ["offer", "puzzle_card", "show_hint"]


def offer(exercise: Exercise, lang: str, passed: bool) -> None:
    """Buttons below a check, where a kernel runs; each brings the card that its function gives. Who has
    passed may compare at once."""
    if not in_notebook():
        return
    from ...viz.html import Markup

    def hint() -> tuple[Markup, dict[str, Any]]:
        card, rung = hint_card(exercise, None, lang)
        return Markup(card.html), puzzle(exercise).parts if is_puzzle(exercise, rung) else {}

    def solution() -> tuple[Markup, dict[str, Any]]:
        return Markup(solution_card(exercise, lang, passed).html), {}

    actions = [(L(zh="参考解", en="Solution"), solution)]
    if not passed:
        actions.insert(0, (L(zh="提示", en="Hint"), hint))
    _ladder(exercise, lang, actions)._ipython_display_()


def show_hint(exercise: Exercise, n: int | None, lang: str) -> Card:
    """Show a hint's card, and the puzzle where that is the rung: to be clicked in a notebook, as a plain list
    elsewhere."""
    card, rung = hint_card(exercise, n, lang)
    asks = is_puzzle(exercise, rung)
    if asks and not in_notebook():
        card.code = puzzle(exercise).text
    card.show()
    if asks and in_notebook():
        _ladder(exercise, lang, [], puzzle(exercise).parts)._ipython_display_()
    return card


def _ladder(exercise: Exercise, lang: str, actions: list, parts: dict[str, Any] | None = None) -> Ladder:
    from ...viz.html import Markup
    from ...viz.widgets.ladder import Ladder

    return Ladder(
        [label[lang] for label, _ in actions],
        lambda i: actions[i][1](),
        lambda order: Markup(puzzle_card(exercise, order, lang).html),
        parts,
    )


def puzzle_card(exercise: Exercise, order: list[int], lang: str) -> Card:
    """The verdict on the puzzle's lines in this order, by the same check as any other answer; it counts as no
    pass."""
    if not order:
        return Card(
            "idle",
            [
                L(
                    zh="○ 程序还是空的：先点几行进去。",
                    en="○ The program is still empty: click some lines first.",
                )[lang]
            ],
        )
    try:
        result = checked(
            exercise,
            puzzle(exercise).program(order),
            lang,
            random.SystemRandom().randrange(1_000_000),
            keep=False,
        )
        passed, card = result.passed, result.card
        card.lines = [
            *card.lines[:-1],
            L(
                zh="下一步：换几行，或者换个次序，再检查。",
                en="Next: change lines or their order, and check again.",
            )[lang],
        ]
    except SyntaxError as error:
        passed, card = (
            False,
            Card(
                "bad",
                [
                    L(
                        zh="✗ 还不是一段程序：这样排，Python 读到第 {n} 行（第 1 行是 `def`）"
                        "就读不下去了。看看哪一行该缩进在哪一行下面。",
                        en="✗ No program yet: in this order Python cannot read on at line {n} (line "
                        "1 is `def`). Which line belongs, indented, below which?",
                    ).format(n=error.lineno)[lang]
                ],
            ),
        )
    record.note(exercise.id, "parsons", right=passed)
    if passed:
        card = Card(
            "good",
            [
                L(
                    zh="✓ 排对了：这个程序通过了全部检查。合上它，到你自己的格子里写一遍，再运行 "
                    '`cl.check("{id}")`。',
                    en="✓ In order: this program passes every check. Now write it in your own cell, "
                    'without looking, and run `cl.check("{id}")`.',
                ).format(id=exercise.id)[lang]
            ],
        )
    return card
