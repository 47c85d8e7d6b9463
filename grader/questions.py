"""What a test cell asks: `probe("gae", gae)`, read from the master and never run as code."""

import ast
from dataclasses import dataclass

from nbformat import NotebookNode

from grader.rebuild import grade_id, is_graded, is_solution


@dataclass(frozen=True)
class Question:
    """What a test cell asks: an exercise, and the expression that stands for its answer."""

    exercise: str
    answer: str
    cell: str


def questions(cell: NotebookNode) -> tuple[list[Question], str]:
    """What a locked test cell asks by `probe`, and what else it does, as source."""
    if cell.cell_type != "code" or not is_graded(cell) or is_solution(cell):
        return [], cell.source
    try:
        body = ast.parse(cell.source).body
    except (SyntaxError, ValueError):
        return [], cell.source
    calls = {id(node): _called(node) for node in body}
    found = [
        Question(calls[id(node)][1], calls[id(node)][2], grade_id(cell))
        for node in body
        if calls[id(node)][0] == "probe"
    ]
    if not found:
        return [], cell.source
    rest = [n for n in body if not calls[id(n)][0] and getattr(n, "module", "") != "grader"]
    return found, "\n".join(ast.unparse(node) for node in rest)


def _called(node: ast.stmt) -> tuple[str, str, str]:
    """(`probe` or `check`, exercise, answer) where a statement is such a call."""
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and len(call.args) == 2:
        name, answer = call.args
        if call.func.id in ("probe", "check") and isinstance(name, ast.Constant):
            return call.func.id, str(name.value), ast.unparse(answer)
    return "", "", ""
