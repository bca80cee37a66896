"""From a report and its diagnosis to words: verdict, evidence, where to look, the smallest failing case, next
step."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

import torch

from ...i18n import L
from .card import Card, Fold, literal, short
from .clock import TIME_LIMIT
from .diagnose import Diagnosis
from .example import example_lines, smallest
from .judge import Finding, Report
from .plain import Opaque
from .trial import Ended

__all__ = ["card_for"]


def card_for(report: Report, diagnosis: Diagnosis, lang: str, failures: int) -> Card:
    """The card of a finished check; at most six lines, then tables where there is HTML."""
    if report.status == "passed":
        return Card("good", [_passed(report)[lang]], folds=_printed(report, lang))
    build = {
        "too_slow": _too_slow,
        "error": _error,
        "contract": _contract,
        "wrong": _wrong,
        "side_effect": _side_effect,
        "forbidden": _forbidden,
    }[report.status]
    lines = build(report, diagnosis)
    mood = "note" if _convention(diagnosis) else "bad"
    example, tables, brief = smallest(report), [], {}
    if example is not None and report.status in ("wrong", "contract") and len(lines) <= 3:
        shown, tables = example_lines(report, example, lang)
        lines += shown
        if tables:
            brief = {
                shown[0][lang]: L(zh="最小反例「{name}」：", en="Smallest example, “{name}”:").format(
                    name=example.name
                )[lang],
                shown[1][lang]: "",
            }
    return Card(
        mood,
        [line[lang] for line in [*lines[:5], _next_step(report, failures)]],
        tables,
        brief,
        folds=_printed(report, lang),
    )


MOST_PRINTED = 12  # lines


def _printed(report: Report, lang: str) -> list[Fold]:
    """What the function printed on the input that the card is about; a passed one, on the first input on
    which it printed."""
    found = [f for f in (report.first, *report.findings) if f is not None and f.outcome.printed.strip()]
    if not found:
        return []
    rows = found[0].outcome.printed.rstrip().split("\n")
    text = "\n".join(row[:160] for row in rows[:MOST_PRINTED]) + ("\n…" if len(rows) > MOST_PRINTED else "")
    return [
        Fold(
            L(
                zh="你的函数在输入「{name}」上打印的", en="What your function printed on input “{name}”"
            ).format(name=found[0].case.name)[lang],
            text,
        )
    ]


def _passed(report: Report) -> L:
    grads = {True: L(zh="、梯度", en=", gradients"), None: L(zh="", en=""), False: L(zh="", en="")}[
        report.gradients
    ]
    return L(
        zh="✓ 通过：{n} 组输入{grads}、无副作用。再想想：{think}{note}",
        en="✓ Passed: {n} inputs{grads}, no side effects. One more thought: {think}{note}",
    ).format(
        n=len(report.findings),
        grads=grads,
        think=report.exercise.think,
        note=L(
            zh=" 另外：数值都对，但它的梯度与参考不同，训练时要留意。",
            en=" Also: all values are right, but the gradients differ from the reference's; mind "
            "that in training.",
        )
        if report.gradients is False
        else L(
            zh=" 另外：数值都对，但结果不带梯度，不能用它训练。",
            en=" Also: all values are right, but the result carries no gradient, so one cannot "
            "train with it.",
        )
        if report.exercise.trained and report.gradients is None
        else "",
    )


def _convention(diagnosis: Diagnosis) -> bool:
    return bool(diagnosis.mistakes) and all(m.convention for m in diagnosis.mistakes)


def _named(report: Report, diagnosis: Diagnosis) -> list[L]:
    n, bad, mistakes = len(report.findings), len(report.failing), diagnosis.mistakes
    if _convention(diagnosis):
        return [
            L(
                zh="△ 约定不同：数学上没错，但本课约定不是这样。{n} 组输入上，"
                "你的输出都等于“**{says}**”时的输出。",
                en="△ Another convention: sound mathematics, but this chapter's contract says "
                "otherwise. On all {n} inputs your output "
                "equals what one gets when **{says}**.",
            ).format(n=n, says=mistakes[0].says),
            mistakes[0].look,
        ]
    both = L(zh="“{a}”，同时“{b}”", en="{a} and {b}") if len(mistakes) == 2 else L(zh="“{a}”", en="{a}")
    both = both.format(
        **{letter: L(zh=f"**{m.says.zh}**", en=f"**{m.says.en}**") for letter, m in zip("ab", mistakes)}
    )
    if bad == n and all(f.outcome.error is None for f in report.findings):
        head = L(
            zh="✗ 结果不对。{n} 组输入上，你的输出都等于{both}时的输出。",
            en="✗ Not right yet. On all {n} inputs your output equals what one gets when {both}.",
        )
    else:
        head = L(
            zh="✗ 结果不对。{n} 组输入里错了 {bad} 组，错法和{both}时一模一样。",
            en="✗ Not right yet. {bad} of {n} inputs go wrong, exactly as they do when {both}.",
        )
    return [head.format(n=n, bad=bad, both=both)] + [m.look for m in mistakes]


def _wrong(report: Report, diagnosis: Diagnosis) -> list[L]:
    if diagnosis.mistakes:
        return _named(report, diagnosis)
    first, bad = report.first, len(report.failing)
    where = next(i for i, f in enumerate(report.findings) if f is first) + 1
    lines = [
        L(
            zh="✗ 结果不对：{n} 组输入里有 {bad} 组不对，最先是第 {where} 组「{name}」。{says}",
            en="✗ Not right yet: {bad} of {n} inputs came out wrong, the first is input {where}, "
            "“{name}”.{says}",
        ).format(
            n=len(report.findings),
            bad=bad,
            where=where,
            name=first.case.name,
            says=L(zh=diagnosis.says.zh, en=" " + diagnosis.says.en) if diagnosis.says else "",
        )
    ]
    return lines + ([diagnosis.look] if diagnosis.look else [])


def _contract(report: Report, diagnosis: Diagnosis) -> list[L]:
    if report.problem is not None:
        return [
            L(zh="✗ 与题目约定不符：{problem}", en="✗ This does not fit the contract: {problem}").format(
                problem=report.problem
            )
        ]
    first = report.first
    head = L(
        zh="✗ 与题目约定不符（输入「{name}」）：{problem}",
        en="✗ This does not fit the contract (input “{name}”): {problem}",
    ).format(name=first.case.name, problem=first.problem)
    if diagnosis.mistakes:
        return [head] + [
            L(zh=m.zh.removeprefix("✗ 结果不对。"), en=m.en.removeprefix("✗ Not right yet. "))
            for m in _named(report, diagnosis)
        ]
    if isinstance(first.outcome.value, Opaque) and first.outcome.value.what == "coroutine":
        return [
            head,
            L(
                zh="`async def` 得到的是协程，不是结果：写成普通的 `def`。",
                en="`async def` makes a coroutine, not a result: write a plain `def`.",
            ),
        ]
    return [head] + [line for line in (diagnosis.says, diagnosis.look) if line]


ADVICE = {  # the question that the exception itself asks
    "IndexError": L(
        zh="这一行的下标会取到多大？和那个轴的长度比一比。",
        en="How large does the index on this line get? Compare it with the length of that axis.",
    ),
    "NameError": L(
        zh="这个名字在函数里定义过吗？看看拼写。",
        en="Is this name defined inside the function? Check its spelling.",
    ),
    "ZeroDivisionError": L(
        zh="什么样的输入会让分母为 0？题目说那时该返回什么？",
        en="Which input makes this denominator zero? What does the task ask for then?",
    ),
    "KeyError": L(zh="这个键什么时候不存在？", en="When is this key absent?"),
    "RecursionError": L(zh="递归在什么时候停下？", en="When does the recursion end?"),
    "AttributeError": L(
        zh="这个值此刻是什么类型？可以用 type() 看看。",
        en="Which type does this value have here? type() tells.",
    ),
    "TypeError": L(zh="这一行里每个值是什么类型？", en="Which type does each value on this line have?"),
    "SystemExit": L(
        zh="函数用 return 交回结果，不要结束程序。",
        en="A function hands its result back with return; it does not end the program.",
    ),
    "shape": L(
        zh="在这一行之前打印两个张量的 shape：哪两个轴该对上？",
        en="Print the shapes just before this line: which two axes should match?",
    ),
    "other": L(
        zh="用下面这组输入单独调用你的函数试试。", en="Call your function on this input alone and see."
    ),
}


def _error(report: Report, diagnosis: Diagnosis) -> list[L]:
    first = report.first
    error, line, kind = first.outcome.error, first.outcome.line, type(first.outcome.error).__name__
    given = L(zh="出错的输入「{name}」：{inputs}", en="The input, “{name}”: {inputs}").format(
        name=first.case.name, inputs=_inputs(report, first)
    )
    if isinstance(error, Ended):
        return [
            L(
                zh="✗ 出错：你的函数一运行，{how}。检查先在另一个进程里试，所以内核没有受影响。",
                en="✗ Error: when your function runs, {how}. The check tries it in another process "
                "first, so the kernel lives.",
            ).format(how=error.says),
            given,
            L(
                zh="函数用 return 交回结果，不要结束程序。",
                en="A function hands its result back with return; it does not end the program.",
            ),
        ]
    words = first.outcome.words.strip().split("\n")
    cut = len(words) > 1 or len(words[0]) > 160
    text = (
        L(zh="：{text}", en=": {text}").format(text=literal(words[0][:160]) + ("…" if cut else ""))
        if words[0]
        else L(zh="。", en=".")
    )
    where = (
        L(zh="第 {n} 行", en="line {n}").format(n=line[0]) if line else L(zh="你的函数", en="your function")
    )
    if isinstance(first.expected, type):
        head = L(
            zh="✗ 异常的类型不对：这组输入应当抛出 {want}，{where}抛出的却是 {kind}{text}",
            en="✗ The wrong exception: this input should raise {want}, and {where} raised {kind}{text}",
        )
        advice = L(zh="把它换成 {want}。", en="Make it a {want}.")
    else:
        head = L(zh="✗ 出错：{where}抛出 {kind}{text}", en="✗ Error: {where} raised {kind}{text}")
        shaped = isinstance(error, (RuntimeError, ValueError)) and any(
            word in words[0].lower() for word in ("shape", "size", "dimension", "match", "broadcast")
        )
        advice = ADVICE["shape" if shaped else kind if kind in ADVICE else "other"]
    want = getattr(first.expected, "__name__", "")
    lines = [head.format(where=where, kind=kind, text=text, want=want)]
    if line and line[1]:
        lines.append(L(zh="`{code}`", en="`{code}`").format(code=literal(line[1])))
    lines.append(given)
    return lines + (
        _named(report, diagnosis)[:2] if diagnosis.mistakes else [diagnosis.says or advice.format(want=want)]
    )


def _inputs(report: Report, finding: Finding) -> str:
    names = inspect.signature(report.exercise.reference).parameters
    return literal(
        ", ".join(
            f"{name} {list(value.shape)}" if isinstance(value, torch.Tensor) else f"{name}={short(value, 40)}"
            for name, value in zip(names, finding.case.args)
        )
    )


def _too_slow(report: Report, _: Diagnosis) -> list[L]:
    first = report.first
    lines = [
        L(
            zh="✗ 太慢：一次调用超过 {limit:.0f} 秒，已停止，内核仍可用。{ask}",
            en="✗ Too slow: one call took more than {limit:.0f} s and was stopped; the kernel is "
            "alive. {ask}",
        ).format(limit=TIME_LIMIT, ask=_question(report.code))
    ]
    if first.outcome.line and first.outcome.line[1]:
        lines.append(
            L(zh="停在第 {n} 行：`{code}`", en="It was at line {n}: `{code}`").format(
                n=first.outcome.line[0], code=literal(first.outcome.line[1])
            )
        )
    return [
        *lines,
        L(zh="输入「{name}」：{inputs}", en="The input, “{name}”: {inputs}").format(
            name=first.case.name, inputs=_inputs(report, first)
        ),
    ]


def _question(code: Any) -> L:
    """About the loop, where the function has one."""
    try:
        nodes = {type(node) for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(code))))}
    except (OSError, TypeError, SyntaxError, ValueError):
        nodes = set()
    if ast.While in nodes:
        return L(zh="循环条件会变成假吗？", en="Does the loop condition ever become false?")
    if nodes & {ast.For, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp}:
        return L(zh="循环一共要转多少圈？", en="How many rounds does the loop make?")
    return L(zh="是哪一步要这么久？", en="Which step takes so long?")


def _side_effect(report: Report, diagnosis: Diagnosis) -> list[L]:
    first, names = report.first, list(inspect.signature(report.exercise.reference).parameters)
    if first.outcome.changed:
        what = ", ".join(f"`{names[i]}`" for i in first.outcome.changed)
        lines = [
            L(
                zh="✗ 有副作用：返回值是对的，但你的函数改动了输入 {what}。",
                en="✗ Side effect: the result is right, but your function changed its input {what}.",
            ).format(what=what),
            L(
                zh="调用者的数据不该变。找找就地操作：append、`+=`、带下划线的方法、给下标赋值。",
                en="The caller's data must stay as it was. Look for changes in place: append, `+=`, "
                "methods that end in an underscore, "
                "assignment to an index.",
            ),
        ]
    else:
        lines = [
            L(
                zh="✗ 有副作用：返回的张量与输入共用内存，题目要的是新张量。",
                en="✗ Side effect: the returned tensor shares its memory with an input; the task "
                "asks for a new tensor.",
            )
        ]
    return lines + [m.look for m in diagnosis.mistakes]


def _forbidden(report: Report, _: Diagnosis) -> list[L]:
    return [
        L(
            zh="✗ 用了本题禁用的函数：数值都对，但里面调用了 `{name}`。",
            en="✗ Forbidden call: the numbers are right, but `{name}` was called.",
        ).format(name=report.first.problem),
        L(zh="这道题就是要自己写出它做的事。", en="This task is about writing out what it does."),
    ]


def _next_step(report: Report, failures: int) -> L:
    hint = L(zh='下一步：`cl.hint("{id}")`', en='Next: `cl.hint("{id}")`')
    if failures >= 2:
        hint = L(
            zh='下一步：`cl.hint("{id}")` 或 `cl.solution("{id}")`',
            en='Next: `cl.hint("{id}")` or `cl.solution("{id}")`',
        )
    return L(zh=hint.zh + "（重现：seed={seed}）", en=hint.en + " (to reproduce: seed={seed})").format(
        id=report.exercise.id, seed=report.seed
    )
