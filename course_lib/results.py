"""Experiments too long for a reader's patience: run once, kept in `data/results/`, read from there, and run
again on request.

    def label_curve():                     # minutes of work; returns plain data: dicts, lists, numbers, text
        ...
    curve = cl.results.stored("08_label_curve", label_curve)                # the kept result, at once
    curve = cl.results.stored("08_label_curve", label_curve, again=True)    # measured here and now

`COURSE_LONG=08_label_curve python notebooks/build.py 08 --run` measures anew and keeps what it finds
(COURSE_LONG=all: every one).

A kept result carries the marks of the code that ran while it was measured, and the sha256 of the models met
by then. What is marked is each function of the notebook and of course_lib that was called, with the values of
its class's fields, and in course_lib the constants it names. Comments, docstrings, annotations and messages
(`L`) do not count. Not marked: what ran before, data in the notebook's variables, and other packages. The
function that is measured has a name (`def`).
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import linecache
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from . import paths
from .i18n import L

__all__ = ["met", "stored"]

_PACKAGE = Path(__file__).parent
# (a model is known by its sha256)
_SILENT = (
    "__init__.py",
    "errors.py",
    "i18n.py",
    "paths.py",
    "results.py",  # what runs here changes no number
    "models/cache.py",
    "models/cards.py",
    "models/download.py",
)
_UNSEEN = ("annotation", "ctx", "kind", "returns", "type_comment")
_Function = (ast.FunctionDef, ast.AsyncFunctionDef)
_met: dict[str, str] = {}


def met(model: str) -> None:
    """Note that this process uses the model of this name, as it lies on the disk."""
    _met[model] = _on_disk(model)


def stored(name: str, compute: Callable[[], Any], again: bool = False) -> Any:
    """The kept result of `compute`, or a fresh one if `again`; a printed line says which, and how long it
    took.

    A note says what has changed since: the code that ran, a model. FileNotFoundError: nothing is kept under
    this name.
    """
    keep = os.environ.get("COURSE_LONG") in (name, "all")
    if not (again or keep):
        record = json.loads(paths.data(f"results/{name}.json").read_text("utf-8"))
        print(
            L(
                zh="读取保存的结果，当时用了 {0} 分钟；要自己重新测量，把 again 改成 True。",
                en="A kept result that took {0} min to measure; to measure it yourself, set again to True.",
            ).format(math.ceil(record["seconds"] / 60))
        )
        if note := _changes(record, compute):
            print(note)
        return record["result"]
    start = time.perf_counter()
    result, places = _watched(compute) if keep else (compute(), [])
    result = json.loads(json.dumps(result))  # what a reader of the kept file would get
    seconds = time.perf_counter() - start
    print(
        L(zh="刚刚测量，用了 {0} 分钟。", en="Measured just now, in {0} min.").format(math.ceil(seconds / 60))
    )
    if keep:
        path = paths.data() / "results" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        marks = {place: mark for place in places if (mark := _mark(place, compute))}
        _write(
            path,
            {
                "seconds": round(seconds),
                "marks": marks,
                "models": dict(sorted(_met.items())),
                "result": result,
            },
        )
    return result


def _changes(record: dict, compute: Callable) -> L | None:
    """What no longer is as it was when the record was kept, in a sentence; None where all is."""
    if "marks" not in record:  # kept before code was marked
        return L(
            zh="这份较早的记录没有记下当时的代码和模型，它们后来是否改过无从得知。",
            en="This older record does not say which code and models it used; whether they have "
            "changed since cannot be told.",
        )
    changed = [place for place, mark in record["marks"].items() if _mark(place, compute) != mark]
    changed += [
        model
        for model, sha256 in record["models"].items()
        if (_met.get(model) or _on_disk(model)) not in ("", sha256)
    ]
    if changed:
        first = ", ".join(changed[:3])
        names = (
            L(zh="{0} 等 {1} 处", en="{0} and others, {1} in all").format(first, len(changed))
            if len(changed) > 3
            else first
        )
        return L(
            zh="代码或模型在测量之后改过（{0}），数字可能已经不同。",
            en="Code or models have changed since it was measured ({0}); the figures may differ.",
        ).format(names)
    return None


def _on_disk(model: str) -> str:
    """The sha256 of a model's weights as its card or the cache's manifest has it, with the number of their
    conversion; "" where it is not here."""
    for file, weights in (
        (paths.data() / model / "card.json", None),
        (paths.cache() / "models" / model / "manifest.json", "model.safetensors"),
    ):
        try:
            known = json.loads(file.read_text("utf-8"))
            known = known[weights] if weights else known
            return known["sha256"] + (f"+{known['conversion']}" if known.get("conversion") else "")
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return ""


def _watched(compute: Callable[[], Any]) -> tuple[Any, list[str]]:
    """What `compute` returns, and the functions of the notebook ("score") and the course
    ("nn/gpt.py:GPT.forward") that ran for it."""
    ran: set[tuple[CodeType, str]] = set()
    importing = 0  # what runs while a module is loaded only defines things

    def note(frame: FrameType, event: str, _: Any) -> None:
        nonlocal importing
        code = frame.f_code
        if code.co_name == "<module>":
            importing += {"call": 1, "return": -1}.get(event, 0)
        elif event == "call" and not importing:
            home = frame.f_globals.get("__file__") or ""
            if home.startswith(str(_PACKAGE)):
                ran.add((code, Path(home).relative_to(_PACKAGE).as_posix()))
            elif frame.f_globals.get("__name__") == compute.__module__:
                ran.add((code, ""))

    sys.setprofile(note)
    try:
        result = compute()
    finally:
        sys.setprofile(None)
    # without lines: a reference that `use` gave out, compiled by itself
    found = {
        (
            file,
            _place(_parsed("".join(lines)), code.co_firstlineno)
            if (lines := linecache.getlines(code.co_filename))
            else code.co_name,
        )
        for code, file in ran
    }
    return result, sorted(
        f"{file}:{path}".lstrip(":") for file, path in found if path and file not in _SILENT
    )


def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:  # a cell with lines that only IPython reads
        return ast.Module([], [])


def _place(tree: ast.Module, line: int) -> str:
    """The function or method around a line ("GPT.forward"), the outermost of nested ones; "" where there is
    none."""
    path, body = [], tree.body
    while True:
        around = [
            node
            for node in body
            if isinstance(node, (*_Function, ast.ClassDef))
            and min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            <= line
            <= (node.end_lineno or line)
        ]
        if not around:
            return ""
        path.append(around[0].name)
        if not isinstance(around[0], ast.ClassDef):
            return ".".join(path)
        body = around[0].body


def _mark(place: str, compute: Callable) -> str:
    """The mark of a function as it is now, with the values of its class's fields and, in the course, the
    constants named; "" where it is gone."""
    file, _, path = place.rpartition(":")
    tree = _tree(file) if file else _cell(path.split("."), compute)
    parts: list[ast.stmt] = []
    body = tree.body
    for name in path.split("."):
        nodes = [node for node in body if isinstance(node, (*_Function, ast.ClassDef)) and node.name == name]
        if not nodes:
            return ""
        for node in nodes:  # more than one: a property and its setter
            if isinstance(node, ast.ClassDef):
                body, fields = node.body, [part for part in node.body if getattr(part, "value", None)]
                node = ast.ClassDef(node.name, node.bases, node.keywords, fields, node.decorator_list)
            parts.append(node)
    named = (
        {node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)}
        if file
        else set()
    )
    for statement in reversed(tree.body):  # a constant may be made of those above it
        targets = (
            statement.targets
            if isinstance(statement, ast.Assign)
            else [statement.target]
            if isinstance(statement, ast.AnnAssign)
            else []
        )
        if named & {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}:
            parts.append(statement)
            named |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return hashlib.sha256(json.dumps(_plain(parts)).encode()).hexdigest()[:12]


def _tree(file: str) -> ast.Module:
    """The syntax tree of a module of the course; an empty one where the file is gone."""
    path = _PACKAGE / file
    return _parsed(path.read_text("utf-8") if path.exists() else "")


def _cell(names: list[str], compute: Callable) -> ast.Module:
    """The syntax tree of the cell that defines a function or method of the notebook, or of the module whose
    reference stands in for it."""
    thing = (
        compute
        if compute.__qualname__.split(".")[0] == names[0]
        else vars(sys.modules[compute.__module__]).get(names[0])
    )
    for name in names[1:]:
        thing = getattr(thing, name, None)
    function = inspect.unwrap(thing) if callable(thing) else None
    if not inspect.isfunction(function):
        return ast.Module([], [])
    home = function.__globals__.get("__file__") or ""
    return (
        _tree(home)
        if home.startswith(str(_PACKAGE))
        else _parsed("".join(linecache.getlines(function.__code__.co_filename)))
    )


def _plain(node: Any) -> Any:
    """A syntax tree as nested lists that are the same under every Python: without positions, empty fields,
    annotations, docstrings and messages."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Call) and {"zh", "en"} <= {keyword.arg for keyword in node.keywords}:
        return "L"  # or an error, which takes both sentences itself
    fields = {
        name: value
        for name, value in ast.iter_fields(node)
        if value not in (None, [], "") and name not in _UNSEEN
    }
    if (
        isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and ast.get_docstring(node, clean=False) is not None
    ):
        fields["body"] = node.body[1:]
    return [type(node).__name__, *([name, _plain(value)] for name, value in fields.items())]


def _write(path: Path, record: dict) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")
    temporary.replace(path)
