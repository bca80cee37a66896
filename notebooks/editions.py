"""One language a notebook: `cl.L(zh="…", en="…")` in a source becomes the edition's own literal.

cl.L(zh="共 {0} 句", en="{0} sentences").format(n)      "{0} sentences".format(n)           (en)
str(cl.L(zh="猫 狗", en="cat dog")).split()             "猫 狗".split()                     (zh)
f"{cl.L(zh='长', en='length')}: {n}"                    f"length: {n}"                      (en)
"""

from __future__ import annotations

import ast
import re

__all__ = ["masked", "one_language"]

_CALL = re.compile(r"\bcl\.L\(")


def one_language(code: str, lang: str) -> str:
    """The code of one edition: every `cl.L(zh=…, en=…)` replaced by what it holds for `lang`, without a
    `str()` around it."""
    start = 0
    while found := _CALL.search(code, start):
        call, end = _call_at(code, found.start())
        values = {keyword.arg: keyword.value for keyword in call.keywords}
        texts = {
            name: ast.get_source_segment(code[found.start() : end], value) for name, value in values.items()
        }
        text = texts[lang]
        before, after = code[: found.start()], code[end:]
        if before.endswith("str(") and after.startswith(")"):
            before, after = before[: -len("str(")], after[1:]
        if (
            before.endswith("{")
            and after.startswith("}")
            and all(_plain(values[name], texts[name]) for name in values)
        ):
            # in an f-string the words stand by themselves
            before, text, after = (before[:-1], values[lang].value, after[1:])
        elif "\n" in text and not after.startswith(")"):
            text = f"({text})"
        code, start = before + text + after, len(before) + len(text)
    return code


def _call_at(code: str, start: int) -> tuple[ast.Call, int]:
    """The call that begins at `start`, and where it ends. Positions inside an f-string are not in the syntax
    tree of every Python, so the end is found by trying each closing parenthesis."""
    for close in re.finditer(r"\)", code[start:]):
        try:
            return ast.parse(code[start : start + close.end()], mode="eval").body, start + close.end()
        except SyntaxError:
            continue
    raise SyntaxError(f"cl.L( without an end: {code[start : start + 60]!r}")


def _plain(value: ast.expr, text: str) -> bool:
    """True for a literal that can be written into an f-string letter by letter."""
    return (
        isinstance(value, ast.Constant)
        and text[1:-1] == value.value
        and not set(value.value) & set("{}'\"\\\n")
    )


def masked(code: str) -> str:
    """The code with the text of every string taken away: equal for two editions of one source."""
    tree = ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", code, flags=re.M))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
        if isinstance(node, ast.JoinedStr):
            node.values = [part for part in node.values if not isinstance(part, ast.Constant)]
    return ast.dump(tree)
