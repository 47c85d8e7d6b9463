"""Small changes to a program, each as its source: what a slip of the pen would make of it."""

import ast
from collections.abc import Iterator
from copy import deepcopy

OTHER_OPERATOR = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
OTHER_NAME = {
    "minimum": "maximum",
    "maximum": "minimum",
    "min": "max",
    "max": "min",
    "mean": "sum",
    "sum": "mean",
    "exp": "log1p",
    "square": "abs",
    "abs": "square",
    "terminated": "truncated",
    "truncated": "terminated",
    "values": "next_values",
    "next_values": "values",
    "gamma": "gae_lambda",
    "gae_lambda": "gamma",
}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the changed source), one change at a time; docstrings stay."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for what, change in _changes(node):
            copy = deepcopy(tree)
            twin = next(one for i, one in enumerate(ast.walk(copy)) if i == number)
            before = ast.unparse(copy)
            change(twin)
            text = ast.unparse(ast.fix_missing_locations(copy))
            if text != before:
                line = getattr(node, "lineno", 0)
                yield f"line {line}: {what}", text


def _changes(node):
    if isinstance(node, ast.BinOp) and type(node.op) in OTHER_OPERATOR:
        other = OTHER_OPERATOR[type(node.op)]
        yield f"{ast.unparse(node)}: {other.__name__}", lambda n: setattr(n, "op", other())
    if isinstance(node, ast.UnaryOp):
        yield f"no {ast.unparse(node)}", _drop_unary
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield f"{node.value} + 1", lambda n: setattr(n, "value", n.value + 1)
    if isinstance(node, ast.Attribute) and node.attr in OTHER_NAME:
        name = OTHER_NAME[node.attr]
        yield f".{node.attr}: {name}", lambda n: setattr(n, "attr", name)
    if isinstance(node, ast.Name) and node.id in OTHER_NAME and isinstance(node.ctx, ast.Load):
        name = OTHER_NAME[node.id]
        yield f"{node.id}: {name}", lambda n: setattr(n, "id", name)
    if isinstance(node, ast.FunctionDef | ast.For | ast.If):
        for i, statement in enumerate(node.body):
            if not isinstance(statement, ast.Return) and not _is_docstring(statement):
                yield f"without {ast.unparse(statement)[:60]}", lambda n, i=i: _without(n, i)


def _is_docstring(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _drop_unary(node):
    node.op = ast.UAdd()


def _without(node, i):
    node.body[i] = ast.Pass()
