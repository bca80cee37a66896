"""Small wrong programs made by machine: every reference with one operator, constant, bound or statement
changed."""

from __future__ import annotations

import ast
import copy
import textwrap
from collections.abc import Iterator

SWAPS = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,),
    ast.MatMult: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
NAMES = {
    "sum": ("mean",),
    "mean": ("sum",),
    "max": ("min",),
    "min": ("max",),
    "argmax": ("argmin",),
    "softmax": ("log_softmax",),
    "log_softmax": ("softmax",),
    "log": ("log2",),
    "log2": ("log",),
    "exp": ("log",),
    "sqrt": ("exp",),
    "topk": (),
    "tanh": ("sigmoid",),
}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what was changed, source of the mutant) for every single change."""
    tree = ast.parse(textwrap.dedent(source))
    function = tree.body[0]
    # the docstring
    function.body = function.body[1:] if isinstance(function.body[0], ast.Expr) else function.body
    for position, node in enumerate(list(ast.walk(tree))):
        for label, change in _changes(node):
            twin = copy.deepcopy(tree)
            target = list(ast.walk(twin))[position]
            change(target)
            ast.fix_missing_locations(twin)
            line = getattr(node, "lineno", 0)
            yield f"{line}: {label}", ast.unparse(twin)


def _changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    def put(**attributes):
        return lambda target: [
            setattr(target, name, copy.deepcopy(value)) for name, value in attributes.items()
        ]

    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)):
        for other in SWAPS.get(type(node.op), ()):
            yield f"{type(node.op).__name__} -> {other.__name__} in {ast.unparse(node)}", put(op=other())
    if isinstance(node, ast.BinOp):
        yield f"{ast.unparse(node)} -> its left", lambda target: _become(target, target.left)
        yield f"{ast.unparse(node)} -> its right", lambda target: _become(target, target.right)
    if isinstance(node, ast.Compare):
        for other in SWAPS.get(type(node.ops[0]), ()):
            yield (
                f"{type(node.ops[0]).__name__} -> {other.__name__} in {ast.unparse(node)}",
                put(ops=[other()]),
            )
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, (int, float))
        and not isinstance(node.value, bool)
    ):
        for value in {node.value + 1, node.value - 1, -node.value} - {node.value}:
            yield f"{node.value} -> {value}", put(value=value)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", put(value=not node.value)
    if isinstance(node, ast.UnaryOp):
        yield f"{ast.unparse(node)} without its sign", lambda target: _become(target, target.operand)
    if isinstance(node, ast.Slice):
        for bound in ("lower", "upper"):
            if getattr(node, bound) is not None:
                yield f"slice {ast.unparse(node)} without its {bound} bound", put(**{bound: None})
    if isinstance(node, (ast.If, ast.IfExp)):
        for value in (True, False):
            yield f"if {ast.unparse(node.test)} -> {value}", put(test=ast.Constant(value))
    if isinstance(node, ast.comprehension) and node.ifs:
        yield "comprehension without its condition", put(ifs=[])
    if isinstance(node, ast.Call):
        for i, keyword in enumerate(node.keywords):
            yield (
                f"{ast.unparse(node)} without {keyword.arg}",
                put(keywords=node.keywords[:i] + node.keywords[i + 1 :]),
            )
        if len(node.args) >= 2:
            yield (
                f"{ast.unparse(node)} with arguments exchanged",
                put(args=[node.args[1], node.args[0], *node.args[2:]]),
            )
        if len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
            yield f"{ast.unparse(node)} -> its argument", lambda target: _become(target, target.args[0])
        if isinstance(node.func, ast.Attribute) and not (
            isinstance(node.func.value, ast.Name) and node.func.value.id in ("torch", "math")
        ):
            yield f"{ast.unparse(node)} -> its object", lambda target: _become(target, target.func.value)
    if isinstance(node, ast.Attribute):
        for other in NAMES.get(node.attr, ()):
            yield f"{node.attr} -> {other}", put(attr=other)
        if node.attr == "T":
            yield f"{ast.unparse(node)} -> its object", lambda target: _become(target, target.value)
    if isinstance(node, ast.Name) and node.id in NAMES and isinstance(node.ctx, ast.Load):
        for other in NAMES[node.id]:
            yield f"{node.id} -> {other}", put(id=other)
    for block in ("body", "orelse"):
        statements = getattr(node, block, None)
        if isinstance(statements, list) and not isinstance(node, ast.Module):
            for i, statement in enumerate(statements):
                if isinstance(
                    statement,
                    (ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.Raise, ast.Break, ast.If, ast.For),
                ):
                    yield (
                        f"without `{ast.unparse(statement).splitlines()[0]}`",
                        lambda target, block=block, i=i: getattr(target, block).__setitem__(i, ast.Pass()),
                    )


def _become(target: ast.AST, other: ast.AST) -> None:
    """Turn a node into another in place, whoever holds it."""
    target.__class__ = other.__class__
    fields = dict(other.__dict__)
    target.__dict__.clear()
    target.__dict__.update(fields)
