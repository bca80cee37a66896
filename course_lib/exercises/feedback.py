"""From a report and its diagnosis to words: verdict, evidence, where to look, the smallest failing case, next step."""
from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import torch

from ..i18n import L
from .card import Card, Table, short
from .diagnose import Diagnosis
from .judge import Finding, Report
from .sandbox import TIME_LIMIT

__all__ = ["Example", "card_for", "smallest"]


@dataclass(frozen=True)
class Example:
    """The smallest failing case: named inputs, your value (or exception) and the expected one."""

    name: L
    inputs: dict[str, Any]
    yours: Any
    expected: Any


def smallest(report: Report) -> Example | None:
    """The failing case with the fewest numbers in it, of the status that decides the verdict."""
    cases = [f for f in report.findings if f.status == report.status]
    if not cases:
        return None
    finding = min(cases, key=lambda f: sum(map(_size, f.case.args)) + _size(f.expected))
    names = list(inspect.signature(report.exercise.reference).parameters)
    yours = finding.outcome.error if finding.outcome.error is not None else finding.outcome.value
    return Example(finding.case.name, dict(zip(names, finding.case.args)), yours, finding.expected)


def _size(value: Any) -> int:
    if isinstance(value, torch.Tensor):
        return value.numel()
    return sum(map(_size, value)) if isinstance(value, (list, tuple)) else 1


def card_for(report: Report, diagnosis: Diagnosis, lang: str, failures: int) -> Card:
    """The card of a finished check; at most six lines, then tables where there is HTML."""
    if report.status == "passed":
        return Card("good", [_passed(report)[lang]])
    build = {"too_slow": _too_slow, "error": _error, "contract": _contract, "wrong": _wrong, "side_effect": _side_effect,
             "forbidden": _forbidden}[report.status]
    lines = build(report, diagnosis)
    mood = "note" if _convention(diagnosis) else "bad"
    example, tables, brief = smallest(report), [], {}
    if example is not None and report.status in ("wrong", "contract") and len(lines) <= 3:
        shown, tables = _example(report, example, lang)
        lines += shown
        if tables:
            brief = {shown[0][lang]: L(zh="最小反例（{name}）：", en="Smallest example ({name}):").format(name=example.name)[lang],
                    shown[1][lang]: ""}
    lines = [line[lang] for line in lines][:5]
    return Card(mood, lines + [_next_step(report, failures)[lang]], tables, brief)


def _passed(report: Report) -> L:
    grads = {True: L(zh="、梯度", en=", gradients"), None: L(zh="", en=""), False: L(zh="", en="")}[report.gradients]
    return L(zh="✓ 通过：{n} 组输入{grads}、无副作用。再想想：{think}{note}",
            en="✓ Passed: {n} inputs{grads}, no side effects. One more thought: {think}{note}").format(
        n=len(report.findings), grads=grads, think=report.exercise.think, note=L(
            zh=" 另外：数值都对，但它的梯度与参考不同，训练时要留意。",
                    en=" Also: all values are right, but the gradients differ from the reference's; mind that in training.")
        if report.gradients is False else "")


def _convention(diagnosis: Diagnosis) -> bool:
    return bool(diagnosis.mistakes) and all(m.convention for m in diagnosis.mistakes)


def _named(report: Report, diagnosis: Diagnosis) -> list[L]:
    n, mistakes = len(report.findings), diagnosis.mistakes
    if _convention(diagnosis):
        return [L(zh="△ 约定不同：数学上没错，但本课约定不是这样。{n} 组输入上，你的输出都等于“**{says}**”时的输出。",
                  en="△ Another convention: sound mathematics, but this chapter's contract says otherwise. On all {n} inputs your output "
                     "equals what one gets when **{says}**.").format(
            n=n, says=mistakes[0].says), mistakes[0].look]
    both = L(zh="**{a}**”而且“**{b}**", en="**{a}** and **{b}**").format(a=mistakes[0].says, b=mistakes[1].says) if len(mistakes) == 2 else L(
        zh="**{a}**", en="**{a}**").format(a=mistakes[0].says)
    whole = report.status in ("wrong", "contract") and all(f.outcome.error is None for f in report.findings)
    return [L(zh="✗ 结果不对。{n} 组输入上，你的{what}都等于“{both}”时的{what}。",
            en="✗ Not right yet. On all {n} inputs your {what} what one gets when {both}.").format(
        n=n, both=both, what=L(zh="输出", en="output equals") if whole else L(zh="表现", en="function does"))] + [m.look for m in mistakes]


def _wrong(report: Report, diagnosis: Diagnosis) -> list[L]:
    if diagnosis.mistakes:
        return _named(report, diagnosis)
    first, bad = report.first, len(report.failing)
    where = next(i for i, f in enumerate(report.findings) if f is first) + 1
    lines = [L(zh="✗ 结果不对：{n} 组输入里有 {bad} 组不对，最先是第 {where} 组（{name}）。{says}",
               en="✗ Not right yet: {bad} of {n} inputs came out wrong, the first is input {where} ({name}).{says}").format(
        n=len(report.findings), bad=bad, where=where, name=first.case.name,
        says=L(zh=diagnosis.says.zh, en=" " + diagnosis.says.en) if diagnosis.says else "")]
    return lines + ([diagnosis.look] if diagnosis.look else [])


def _contract(report: Report, diagnosis: Diagnosis) -> list[L]:
    if report.problem is not None:
        return [L(zh="✗ 与题目约定不符：{problem}", en="✗ This does not fit the contract: {problem}").format(problem=report.problem)]
    first = report.first
    head = L(zh="✗ 与题目约定不符（输入：{name}）：{problem}", en="✗ This does not fit the contract (input: {name}): {problem}").format(
        name=first.case.name, problem=first.problem)
    if diagnosis.mistakes:
        return [head] + [L(zh=m.zh.removeprefix("✗ 结果不对。"), en=m.en.removeprefix("✗ Not right yet. ")) for m in _named(report, diagnosis)]
    return [head] + [line for line in (diagnosis.says, diagnosis.look) if line]


ADVICE = {                       # the question that the exception itself asks
    "IndexError": L(zh="这一行的下标会取到多大？和那个轴的长度比一比。", en="How large does the index on this line get? Compare it with the length of that axis."),
    "NameError": L(zh="这个名字在函数里定义过吗？看看拼写。", en="Is this name defined inside the function? Check its spelling."),
    "ZeroDivisionError": L(zh="什么样的输入会让分母为 0？题目说那时该返回什么？", en="Which input makes this denominator zero? What does the task ask for then?"),
    "KeyError": L(zh="这个键什么时候不存在？", en="When is this key absent?"),
    "RecursionError": L(zh="递归在什么时候停下？", en="When does the recursion end?"),
    "AttributeError": L(zh="这个值此刻是什么类型？可以用 type() 看看。", en="Which type does this value have here? type() tells."),
    "TypeError": L(zh="这一行里每个值是什么类型？", en="Which type does each value on this line have?"),
    "shape": L(zh="在这一行之前打印两个张量的 shape：哪两个轴该对上？", en="Print the shapes just before this line: which two axes should match?"),
    "other": L(zh="用下面这组输入单独调用你的函数试试。", en="Call your function on this input alone and see."),
}


def _error(report: Report, diagnosis: Diagnosis) -> list[L]:
    first = report.first
    error, line = first.outcome.error, first.outcome.line
    text = " ".join(str(error).split())
    kind = type(error).__name__
    shaped = isinstance(error, (RuntimeError, ValueError)) and any(word in text.lower() for word in ("shape", "size", "dimension", "match",
            "broadcast"))
    advice = ADVICE["shape" if shaped else kind if kind in ADVICE else "other"]
    where = L(zh="第 {n} 行", en="Line {n}").format(n=line[0]) if line else L(zh="你的函数", en="Your function")
    lines = [L(zh="✗ 出错：{where}抛出 {kind}：{text}", en="✗ Error: {where} raised {kind}: {text}").format(
        where=where, kind=kind, text=text[:160] + ("…" if len(text) > 160 else ""))]
    if line and line[1]:
        lines.append(L(zh="`{code}`", en="`{code}`").format(code=line[1].replace("`", "'")))
    lines.append(L(zh="出错的输入：{name}：{inputs}", en="The input: {name}: {inputs}").format(name=first.case.name,
            inputs=_inputs(report, first)))
    return lines + (_named(report, diagnosis)[:2] if diagnosis.mistakes else [diagnosis.says or advice])


def _inputs(report: Report, finding: Finding) -> str:
    names = inspect.signature(report.exercise.reference).parameters
    return ", ".join(f"{name} {list(value.shape)}" if isinstance(value, torch.Tensor) else f"{name}={short(value, 40)}"
                     for name, value in zip(names, finding.case.args))


def _too_slow(report: Report, _: Diagnosis) -> list[L]:
    stopped = any(f.outcome.error is not None for f in report.findings)
    return [L(zh="✗ 太慢：超过 {limit:.0f} 秒被停止，内核仍可用。循环条件会变成假吗？",
            en="✗ Too slow: stopped after {limit:.0f} s; the kernel is alive. Does the loop condition ever become false?")
            .format(limit=TIME_LIMIT) if stopped else
            L(zh="✗ 太慢：一次调用超过 {limit:.0f} 秒。", en="✗ Too slow: one call took more than {limit:.0f} s.").format(limit=TIME_LIMIT),
            L(zh="输入：{name}：{inputs}", en="The input: {name}: {inputs}").format(name=report.first.case.name,
                    inputs=_inputs(report, report.first))]


def _side_effect(report: Report, diagnosis: Diagnosis) -> list[L]:
    first, names = report.first, list(inspect.signature(report.exercise.reference).parameters)
    if first.outcome.changed:
        what = ", ".join(f"`{names[i]}`" for i in first.outcome.changed)
        lines = [L(zh="✗ 有副作用：返回值是对的，但你的函数改动了输入 {what}。",
                en="✗ Side effect: the result is right, but your function changed its input {what}.").format(what=what),
                 L(zh="调用者的数据不该变。找找就地操作：append、`+=`、带下划线的方法、给下标赋值。",
                   en="The caller's data must stay as it was. Look for changes in place: append, `+=`, methods that end in an underscore, "
                      "assignment to an index.")]
    else:
        lines = [L(zh="✗ 有副作用：返回的张量与输入共用内存，题目要的是新张量。",
                en="✗ Side effect: the returned tensor shares its memory with an input; the task asks for a new tensor.")]
    return lines + [m.look for m in diagnosis.mistakes]


def _forbidden(report: Report, _: Diagnosis) -> list[L]:
    return [L(zh="✗ 用了本题禁用的函数：数值都对，但里面调用了 `{name}`。",
            en="✗ Forbidden call: the numbers are right, but `{name}` was called.").format(name=report.first.problem),
            L(zh="这道题就是要自己写出它做的事。", en="This task is about writing out what it does.")]


def _example(report: Report, example: Example, lang: str) -> tuple[list[L], list[Table]]:
    """The smallest failing case as text lines and as tables of at most 4 x 4."""
    yours, expected = example.yours, example.expected
    finding = next(f for f in report.findings if f.case.name is example.name)
    mine = finding.yours if finding.yours is not None else yours
    label = {"in": L(zh="最小反例", en="Smallest example"), "yours": L(zh="你的输出", en="Yours"), "want": L(zh="期望", en="Expected"),
            "gap": L(zh="差", en="Difference")}
    given = ", ".join(f"{name} = {short(value, 60)}" for name, value in example.inputs.items())
    want = expected.__name__ if isinstance(expected, type) else short(expected, 110)
    lines = [L(zh="最小反例（{name}）：{given}", en="Smallest example ({name}): {given}").format(name=example.name, given=given[:200])]
    comparable = isinstance(mine, torch.Tensor) and isinstance(expected, torch.Tensor) and not mine.is_complex()
    if comparable and mine.shape == expected.shape and expected.ndim:
        cut_mine, cut_want = _corner(mine, expected)
        lines.append(L(zh="你的输出：{a}；期望：{b}", en="Yours: {a}; expected: {b}").format(a=short(cut_mine, 10_000), b=short(cut_want, 10_000)))
        different = frozenset((i, j) for i in range(cut_want.shape[0]) for j in range(cut_want.shape[1])
                              if not torch.isclose(cut_mine[i, j].double(), cut_want[i, j].double(), rtol=1e-4, atol=1e-6, equal_nan=True))
        gap = cut_mine.double() - cut_want.double()
        gap[gap.abs() < 1e-4 * cut_want.double().abs().max()] = 0.0           # rounding is no difference
        tables = [_as_table(f"{label['yours'][lang]}", cut_mine, different), _as_table(label["want"][lang], cut_want, frozenset()),
                  _as_table(label["gap"][lang], gap, frozenset())]
        inputs = [_as_table(f"{name} {list(v.shape)}", _flat(v), frozenset()) if isinstance(v, torch.Tensor) and 0 < v.numel() <= 16
                  else Table(name, ((short(v, 40),),)) for name, v in example.inputs.items()]
        return lines, inputs + tables
    lines.append(L(zh="你的输出：{a}；期望：{b}", en="Yours: {a}; expected: {b}").format(a=short(mine, 110), b=want))
    return lines, []


def _flat(x: torch.Tensor) -> torch.Tensor:
    return x.reshape(-1, x.shape[-1]) if x.ndim else x.reshape(1, 1)


def _corner(mine: torch.Tensor, want: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """At most 4 x 4 of both, from where they differ first."""
    a, b = _flat(mine), _flat(want)
    bad = (~torch.isclose(a.double(), b.double(), rtol=1e-4, atol=1e-6, equal_nan=True)).nonzero()
    row, column = (bad[0].tolist() if len(bad) else (0, 0))
    top, left = max(0, min(row, a.shape[0] - 4)), max(0, min(column, a.shape[1] - 4))
    return a[top:top + 4, left:left + 4], b[top:top + 4, left:left + 4]


def _as_table(caption: str, values: torch.Tensor, marked: frozenset[tuple[int, int]]) -> Table:
    return Table(caption, tuple(tuple(short(v) for v in row) for row in values.tolist()), marked)


def _next_step(report: Report, failures: int) -> L:
    hint = L(zh="下一步：`hint(\"{id}\")`", en="Next: `hint(\"{id}\")`")
    if failures >= 2:
        hint = L(zh="下一步：`hint(\"{id}\")` 或 `solution(\"{id}\")`", en="Next: `hint(\"{id}\")` or `solution(\"{id}\")`")
    return L(zh=hint.zh + "（重现：seed={seed}）", en=hint.en + " (to reproduce: seed={seed})").format(id=report.exercise.id, seed=report.seed)
