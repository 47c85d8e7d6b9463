"""Cells of the notebooks' sources, for tests: their text, and the answers they define."""

from functools import cache
from typing import Any

from grader.build import read_source, sources
from grader.execute import cell_by_id
from grader.exercise import Exercise
from grader.exercises import EXERCISES

SOURCES = {path.stem: path for path in sources()}


@cache
def notebook(name: str) -> Any:
    """The notebook with its answers."""
    return read_source(SOURCES[name])


@cache
def text(name: str) -> str:
    """All its prose."""
    return "\n".join(one.source for one in notebook(name).cells if one.cell_type == "markdown")


def answers(name: str) -> dict[str, Any]:
    """A fresh namespace with the notebook's imports and every function and class it asks for."""
    names: dict[str, Any] = {}
    exec(cell_by_id(notebook(name), "setup").source, names)
    for exercise in EXERCISES:
        if exercise.notebook == name and isinstance(exercise, Exercise):
            exec(cell_by_id(notebook(name), exercise.name).source, names)
    return names
