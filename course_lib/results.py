"""Experiments too long for a reader's patience: run once, kept in `data/results/`, read from there, and run again on request.

    def label_curve():                     # minutes of work; returns plain data: dicts, lists, numbers, text
        ...
    curve = cl.results.stored("08_label_curve", label_curve)                # the kept result, at once
    curve = cl.results.stored("08_label_curve", label_curve, again=True)    # measured here and now

`COURSE_LONG=08_label_curve python notebooks/build.py 08 --run` measures anew and keeps what it finds (COURSE_LONG=all: every one).

A kept result carries the marks of what made it (`marks`) and the sha256 of the models met by then. What is marked is code: of the notebook
each function and class that the experiment names, and those these name; of course_lib each module that these reach, and what it imports.
Comments, docstrings and messages (`L`) do not count. Data that the notebook holds in variables, and other packages, are not marked.
"""
from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import json
import math
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from . import paths
from .i18n import L

__all__ = ["marks", "met", "stored"]

_PACKAGE = __name__.partition(".")[0]
_met: dict[str, str] = {}


def met(model: str, sha256: str) -> None:
    """Note that this process uses the model of this name, with weights of this sha256."""
    _met[model] = sha256


def stored(name: str, compute: Callable[[], Any], again: bool = False) -> Any:
    """The kept result of `compute`, or a fresh one if `again`; a printed line says which, and how long it took.

    A note says what has changed since: the code of `compute`, a helper, a module of the course, a model. FileNotFoundError: nothing is
    kept under this name.
    """
    keep = os.environ.get("COURSE_LONG") in (name, "all")
    code = hashlib.sha1(inspect.getsource(compute).encode()).hexdigest()[:12]
    if not (again or keep):
        record = json.loads(paths.data(f"results/{name}.json").read_text("utf-8"))
        print(L(zh="读取保存的结果，当时用了 {0} 分钟；要自己重新测量，把 again 改成 True。",
                en="A kept result that took {0} min to measure; to measure it yourself, set again to True.").format(math.ceil(record["seconds"] / 60)))
        if note := _changes(record, compute, code):
            print(note)
        return record["result"]
    start = time.perf_counter()
    result = json.loads(json.dumps(compute()))              # what a reader of the kept file would get
    seconds = time.perf_counter() - start
    print(L(zh="刚刚测量，用了 {0} 分钟。", en="Measured just now, in {0} min.").format(math.ceil(seconds / 60)))
    if keep:
        path = paths.data() / "results" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        _write(path, {"seconds": round(seconds), "code": code, "marks": marks(compute), "models": dict(sorted(_met.items())), "result": result})
    return result


def _changes(record: dict, compute: Callable, code: str) -> L | None:
    """What no longer is as it was when the record was kept, in a sentence; None where all is."""
    if "marks" not in record:                               # kept before helpers and models were marked
        if record["code"] != code:
            return L(zh="这段代码在测量之后改过，数字可能已经不同。", en="The code has changed since it was measured; the figures may differ.")
        return L(zh="这份较早的记录没有记下辅助函数和模型，它们后来是否改过无从得知。",
                 en="This older record does not say which helpers and models it used; whether they have changed since cannot be told.")
    now = marks(compute)
    changed = [name for name in sorted(now.keys() | record["marks"].keys()) if now.get(name) != record["marks"].get(name)]
    changed += [model for model, sha256 in record["models"].items() if (_met.get(model) or _on_disk(model)) not in ("", sha256)]
    if changed:
        first = ", ".join(changed[:3])
        names = L(zh="{0} 等 {1} 处", en="{0} and others, {1} in all").format(first, len(changed)) if len(changed) > 3 else first
        return L(zh="代码或模型在测量之后改过（{0}），数字可能已经不同。",
                 en="Code or models have changed since it was measured ({0}); the figures may differ.").format(names)
    return None


def _on_disk(model: str) -> str:
    """The sha256 of a model's weights as its card or the cache's manifest has it; "" where it is not here."""
    for file, key in ((paths.data() / model / "card.json", None), (paths.cache() / "models" / model / "manifest.json", "model.safetensors")):
        try:
            known = json.loads(file.read_text("utf-8"))
            return (known[key] if key else known)["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return ""


def marks(compute: Callable) -> dict[str, str]:
    """Name -> mark of every piece of code that `compute` reaches: itself, the notebook's functions and classes, course_lib's modules."""
    found: dict[str, str] = {}
    modules: dict[str, ast.AST] = {}
    waiting: list[Any] = [compute]
    while waiting:
        thing = inspect.unwrap(waiting.pop()) if callable(waiting[-1]) else waiting.pop()
        home = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None) or ""
        if home.partition(".")[0] == _PACKAGE:
            _reach(home, modules)
        elif not isinstance(thing, ModuleType) and home == compute.__module__ and thing.__qualname__ not in found:
            tree = _source(thing)
            found[thing.__qualname__] = _mark(tree)
            scope = {**vars(sys.modules[home]), **getattr(thing, "__globals__", {})}
            if inspect.isfunction(thing):
                scope |= inspect.getclosurevars(thing).nonlocals
            waiting += _named(tree, scope)
    return {**found, **{name: _mark(tree) for name, tree in modules.items()}}


def _source(thing: Any) -> ast.Module:
    """The syntax tree of a function or class; an empty one where Python cannot tell its source, as of a lambda within a longer line."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, SyntaxError):
        return ast.Module([], [])
    except TypeError:                                       # a class of a notebook: its methods have their source
        return ast.Module([node for part in vars(thing).values() if inspect.isfunction(part) for node in _source(part).body], [])


def _named(tree: ast.AST, scope: dict[str, Any]) -> Iterator[Any]:
    """The functions, classes and modules that code names: `helper`, `cl.metrics.paired`; for any other value, its class.

    A name that the code binds itself is not the notebook's, whatever that calls so (`_`, its last output, above all).
    """
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            module = sys.modules.get(node.module or "")
            yield from (getattr(module, alias.name, module) for alias in node.names if module)
        elif isinstance(node, ast.Import):
            yield from (sys.modules[alias.name] for alias in node.names if alias.name in sys.modules)
        elif isinstance(node, (ast.Name, ast.Attribute)):
            chain = []
            while isinstance(node, ast.Attribute):
                chain.append(node.attr)
                node = node.value
            if not isinstance(node, ast.Name) or node.id in bound or node.id not in scope:
                continue
            value = scope[node.id]
            while chain and isinstance(value, ModuleType) and hasattr(value, chain[-1]):
                value = getattr(value, chain.pop())
            if value is not sys.modules[_PACKAGE]:          # `cl` alone says nothing of what is used
                yield value if inspect.isroutine(value) or inspect.isclass(value) or isinstance(value, ModuleType) else type(value)


def _reach(name: str, modules: dict[str, ast.AST]) -> None:
    """Add the module `name` of the course to `modules`, and what it imports of the course."""
    spec = importlib.util.find_spec(name) if name not in modules else None
    if spec is None or not spec.origin:
        return
    tree = modules[name] = ast.parse(Path(spec.origin).read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").partition(".")[0] == _PACKAGE):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), spec.name if spec.submodule_search_locations else spec.parent)
            inner = [f"{base}.{alias.name}" for alias in node.names]
            for module in [base, *inner] if base != _PACKAGE else inner:
                try:
                    _reach(module, modules)
                except ModuleNotFoundError:                 # a name within a module
                    pass


def _mark(tree: ast.AST) -> str:
    return hashlib.sha256(json.dumps(_plain(tree)).encode()).hexdigest()[:12]


def _plain(node: Any) -> Any:
    """A syntax tree as nested lists that are the same under every Python: without positions, empty fields, docstrings and messages."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Call) and {"zh", "en"} <= {keyword.arg for keyword in node.keywords}:
        return "L"                                          # or an error, which takes both sentences itself
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [], "") and name not in ("ctx", "kind", "type_comment")}
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = node.body[1:]
    return [type(node).__name__, *([name, _plain(value)] for name, value in fields.items())]


def _write(path: Path, record: dict) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")
    temporary.replace(path)
