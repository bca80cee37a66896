"""`guess` asks for a prediction before an experiment; `guess.result` shows it beside the truth.

    guess("loss.floor", "How low can the loss get?", unit="nats")
    ...                                                            # the experiment
    guess.result("loss.floor", 2.46, tolerance=0.1)                # "You guessed 3 nats; it is 2.46 nats."

Nothing waits for an answer: run to its end, a notebook says "no guess", and the line below the result follows
when one comes. A guess may be changed until its result has been shown; then it is fixed until the cell that
asks is run again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..errors import CourseError
from ..exercises.engine import record
from ..exercises.engine.card import in_notebook
from ..i18n import L
from ..viz.html import BLUE, ORANGE, Markup, table
from ..viz.widgets.answers import Choice, Form, Line, Number, Order, numeral
from ..viz.widgets.question import Question, inline

__all__ = ["guess"]

LABEL = L(zh="先猜一猜 · ", en="Guess first · ")
NOTED = L(
    zh="记下了：{0}。结果出来之前可以改。", en="Noted: {0}. You can change it until the result is shown."
)
FIXED = L(
    zh="结果已经出来，猜测不再改动；想重猜，就重新运行这一格。",
    en="The result is out, so this guess stays. To guess anew, run this cell again.",
)


class Guess:
    """`guess(id, question, …)` and `guess.result(id, answer)`; the questions asked in this kernel, by id."""

    def __init__(self) -> None:
        self._asked: dict[str, _Asked] = {}

    def __call__(
        self,
        id: str,
        question: object,
        *,
        choices: Sequence[object] | None = None,
        order: Sequence[object] | None = None,
        line: tuple[float, float] | None = None,
        unit: str = "",
    ) -> Question:
        """Ask: one of `choices`, the items of `order` put in order, a point on a `line` from low to high, or
        else a number in `unit`.

        CourseError where these do not go together. Returns the question, which the cell shows as its last
        value.
        """
        asked = _Asked(id, question, _form(id, choices, order, line, str(unit)))
        self._asked[id] = asked
        return asked.question

    def result(self, id: str, answer: Any, *, tolerance: float = 0.0) -> None:
        """Show the guess beside `answer`: the choice's own text, a number (right within `tolerance`), or the
        items in their order.

        None where none of the choices is right. CourseError for a question that was not asked, or an answer
        it cannot have.
        """
        if id not in self._asked:
            raise CourseError(
                zh='还没有问过 {id!r}：先运行写着 cl.guess("{id}", …) 的那一格，再运行这一格。',
                en='There is no guess {id!r} yet: run the cell with cl.guess("{id}", …) first, then '
                "this one.",
                id=id,
            )
        asked = self._asked[id]
        asked.resolve(_truth(id, asked.form, answer), tolerance)


class _Asked:
    """One question, its guess, and the line below its result once there is one."""

    def __init__(self, id: str, question: object, form: Form):
        self.id, self.form = id, form
        self.truth: Any = None
        self.tolerance = 0.0
        self.resolved = False
        self.display: Any = None  # the handle of that line, in a notebook
        self.question = Question(f"{LABEL}{question}", form, self._answered)

    def _answered(self, question: Question, answer: Any) -> None:
        mine = self.form.said(answer)
        record.note(self.id, "guess", value=mine[:200])
        question.note = inline(NOTED.format(mine))
        if self.resolved:  # the notebook ran to its end before its reader came here
            self._settle()
            if self.display is not None:
                self.display.update(_bundle(self._line()), raw=True)

    def resolve(self, truth: Any, tolerance: float) -> None:
        """Show the result; from now on a guess stands."""
        self.truth, self.tolerance, self.resolved = truth, tolerance, True
        if self.question.answer is not None:
            self._settle()
        self.display = _shown(self._line())

    def _settle(self) -> None:
        self.question.fixed, self.question.note = True, inline(FIXED)
        record.note(
            self.id, "outcome", right=_right(self.form, self.question.answer, self.truth, self.tolerance)
        )

    def _line(self) -> Markup:
        return verdict(self.form, self.question.answer, self.truth, self.tolerance)


def _form(
    id: str,
    choices: Sequence[object] | None,
    order: Sequence[object] | None,
    line: tuple[float, float] | None,
    unit: str,
) -> Form:
    given = [
        name for name, value in (("choices", choices), ("order", order), ("line", line)) if value is not None
    ]
    if len(given) > 1:
        raise CourseError(
            zh="猜测 {id!r} 只能有一种回答：{given} 里留一个。",
            en="The guess {id!r} takes one kind of answer: keep one of {given}.",
            id=id,
            given=", ".join(given),
        )
    if line is not None:
        low, high = line
        if not low < high:
            raise CourseError(
                zh="猜测 {id!r} 的 line 要从小到大：({low}, {high}) 不行。",
                en="The line of the guess {id!r} runs from low to high, not ({low}, {high}).",
                id=id,
                low=low,
                high=high,
            )
        return Line(unit, low, high)
    if not given:
        return Number(unit)
    options = tuple(map(str, choices if order is None else order))
    if len(options) < 2 or len(set(options)) < len(options):
        raise CourseError(
            zh="猜测 {id!r} 至少要有两个互不相同的 {name}。",
            en="The guess {id!r} needs at least two {name}, all different.",
            id=id,
            name=given[0],
        )
    return Choice(options) if order is None else Order(options)


def _truth(id: str, form: Form, answer: Any) -> Any:
    """`answer` as the form has it: an index, a permutation, a number; None stays None."""
    try:
        if isinstance(form, Choice):
            return None if answer is None else form.options.index(str(answer))
        if isinstance(form, Order):
            places = [form.items.index(str(item)) for item in answer]
            if sorted(places) == list(range(len(form.items))):
                return places
        else:
            value = answer.item() if hasattr(answer, "item") else answer  # a tensor or an array of one number
            if math.isfinite(value):
                return value
    except (ValueError, TypeError, RuntimeError):
        pass
    wanted = {
        "choice": L(zh="选项之一，或者 None", en="one of the choices, or None"),
        "order": L(zh="全部项目，按顺序", en="all the items, in order"),
    }
    raise CourseError(
        zh="猜测 {id!r} 的答案应当是{wanted}，不是 {answer}。",
        en="The answer to the guess {id!r} should be {wanted}, not {answer}.",
        id=id,
        wanted=wanted.get(form.kind, L(zh="一个数", en="a number")),
        answer=repr(answer)[:200],
    )


def _right(form: Form, answer: Any, truth: Any, tolerance: float) -> bool:
    if truth is None or not isinstance(form, Number):
        return answer == truth
    # equal as far as is shown
    return abs(answer - truth) <= tolerance or form.said(answer) == form.said(truth)


def verdict(form: Form, answer: Any, truth: Any, tolerance: float = 0.0) -> Markup:
    """One's own guess beside the truth; a line of words, and for a point on a line both points."""
    it = form.said(truth) if truth is not None else ""
    if answer is None:
        words = (
            L(zh="没有猜 · 哪个选项都不对。", en="No guess · none of the choices is right.")
            if truth is None
            else L(zh="没有猜 · 答案是 {it}。", en="No guess · the answer is {it}.")
        )
        return _box(words, it=it)
    mine = form.said(answer)
    if truth is None:
        words = L(
            zh="你猜的是 {mine}；其实哪个选项都不对。", en="You guessed {mine}; none of the choices is right."
        )
    elif isinstance(form, Order) and answer != truth:
        words = L(
            zh="{n} 个里有 {right} 个放对了位置。你排的是 {mine}；正确的顺序是 {it}。",
            en="{right} of {n} are in the right place. Your order: {mine}; the right one: {it}.",
        )
    elif mine == form.said(truth):
        words = L(zh="✓ 你猜的是 {mine}，猜中了。", en="✓ You guessed {mine}, and so it is.")
    elif _right(form, answer, truth, tolerance):
        words = L(
            zh="✓ 你猜的是 {mine}，很接近：答案是 {it}。",
            en="✓ You guessed {mine}, which is close: it is {it}.",
        )
    else:
        words = L(zh="你猜的是 {mine}；答案是 {it}。", en="You guessed {mine}; it is {it}.")
    places = (
        {"n": len(truth), "right": sum(a == b for a, b in zip(answer, truth))}
        if isinstance(form, Order)
        else {}
    )
    picture = _points(form, answer, truth) if isinstance(form, Line) else ""
    return _box(words, it=it, mine=mine, **places) + picture


def _box(words: L, **values: object) -> Markup:
    # Chinese keeps no space before its own quotation marks
    text = str(words.format(**values)).replace("是 “", "是“")
    return Markup(
        '<div role="status" style="border-left:3px solid {};padding:2px '
        '10px;line-height:1.7;overflow-wrap:anywhere">{}</div>'
    ).format(BLUE, text)


def _points(line: Line, answer: float, truth: float) -> Markup:
    """Both points above one another, each on the line from low to high; what lies beyond an end stands at
    it."""

    def row(name: L, value: float, colour: str) -> tuple[object, ...]:
        place = 100 * min(max((value - line.low) / (line.high - line.low), 0), 1)
        dot = Markup(
            '<div style="width:240px;border-bottom:1px solid #888888"><div '
            'style="padding-left:{:.0f}%;color:{};line-height:1">●</div></div>'
        )
        return name, numeral(line.low), dot.format(0.95 * place, colour), numeral(line.high)

    return table([row(L(zh="你", en="you"), answer, BLUE), row(L(zh="答案", en="answer"), truth, ORANGE)])


def _bundle(line: Markup) -> dict[str, str]:
    return {"text/html": str(line), "text/plain": repr(line)}


def _shown(line: Markup) -> Any:
    """Show a line; returns the handle by which it is shown anew, None outside a notebook."""
    if not in_notebook():
        print(repr(line))
        return None
    from IPython.display import display

    return display(_bundle(line), raw=True, display_id=True)


guess = Guess()
