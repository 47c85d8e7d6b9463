"""`grader build`: from solutions/ to course, released notebooks and published checks."""

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from grader.course import COURSE, ROOT
from grader.exercises import EXERCISES
from grader.hidden import answer_keys
from grader.nbgrader_course import NbgraderCourse, answered_cells, remove_tree
from grader.published import publish
from grader.rebuild import grade_id

SOLUTIONS = ROOT / "solutions"
NOTEBOOKS = ROOT / "notebooks"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


class BuildError(Exception):
    """The build stopped; the text says at which file and what to do."""


def build(
    course_root: Path = COURSE, *, force: bool = False, say: Callable = print
) -> NbgraderCourse:
    """Build the course in `course_root`, and notebooks/ from its release.

    Raises:
        BuildError: somebody's answers stand in notebooks/, and `force` is not set.
    """
    if not force:
        for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
            if cells := answered_cells(path):
                raise BuildError(
                    f"notebooks/{path.name} has answers in it ({', '.join(cells)}) that a build "
                    "would overwrite; move it away, or say --force."
                )
    course = build_course(course_root, say=say)
    NOTEBOOKS.mkdir(exist_ok=True)
    for path in released(course):
        shutil.copy(path, NOTEBOOKS / path.name)
    return course


def build_course(root: Path, *, say: Callable = print) -> NbgraderCourse:
    """source/, release/, nbgrader_config.py and the gradebook's rows; grades there are kept."""
    course = NbgraderCourse(root)
    course.write_config()
    for path in sources():
        name = path.stem
        say(f"building {name}")
        folder = course.root / "source" / name
        remove_tree(folder)
        folder.mkdir(parents=True)
        nbformat.write(read_source(path), folder / f"{name}.ipynb")
        (folder / f"{name}.json").write_text(published_json(name), encoding="utf-8")
        course.generate(name)
    return course


def sources() -> list[Path]:
    """The notebooks' sources, in the order of the course."""
    return sorted(SOLUTIONS.glob("[0-9][0-9]_*.py"))


def read_source(path: Path) -> NotebookNode:
    """The instructor's notebook of a py:percent file, the same bytes at every build."""
    notebook = jupytext.read(path, fmt="py:percent")
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: set[str] = set()
    for cell in notebook.cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        cell["id"] = grade_id(cell) or f"{cell.cell_type}-{digest}"
        if cell["id"] in seen:
            raise BuildError(f"{path.name}: two cells are called {cell['id']}; rename one.")
        seen.add(cell["id"])
    return notebook


def published_json(notebook: str) -> str:
    """The published checks of one notebook, as JSON text."""
    exercises = {
        exercise.name: publish(exercise, answer_keys()[exercise.name])
        for exercise in EXERCISES
        if exercise.notebook == notebook
    }
    data = {"notebook": notebook, "exercises": exercises}
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def released(course: NbgraderCourse) -> list[Path]:
    """Every file that students get of the notebooks."""
    return sorted((course.root / "release").glob("*/*.*"))


def stale(say: Callable = print) -> list[str]:
    """What in notebooks/ is not a fresh build: sentences, none when all is well.

    Notebooks are compared byte for byte, published numbers within tolerance, since many are of
    single precision, and processors with other vector units add them up in another order.
    """
    with tempfile.TemporaryDirectory() as folder:
        fresh = {path.name: path for path in released(build_course(Path(folder), say=say))}
        here = {path.name: path for path in NOTEBOOKS.glob("[0-9][0-9]_*.*")}
        problems = [f"notebooks/{name} is missing" for name in sorted(fresh.keys() - here.keys())]
        problems += [
            f"notebooks/{name} comes from no source" for name in sorted(here.keys() - fresh.keys())
        ]
        for name in sorted(fresh.keys() & here.keys()):
            problem = next(_differences(fresh[name], here[name]), None)
            if problem:
                problems.append(f"notebooks/{name} is not a fresh build: {problem}")
    return problems


def _differences(fresh: Path, here: Path) -> Iterator[str]:
    if fresh.suffix != ".json":
        if fresh.read_bytes() != here.read_bytes():
            yield "its bytes differ"
        return
    try:
        data = json.loads(here.read_text(encoding="utf-8"))
    except ValueError:
        yield "it is not JSON"
        return
    yield from _unequal(json.loads(fresh.read_text(encoding="utf-8")), data, "")


def _unequal(one: Any, other: Any, where: str) -> Iterator[str]:
    """Places in which two JSON values differ, numbers by more than rounding."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from _unequal(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, pair in enumerate(zip(one, other, strict=True)):
            yield from _unequal(*pair, f"{where}/{i}")
    elif isinstance(one, float) and isinstance(other, float):
        if not math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-5):
            yield f"{where} should be {one}, is {other}"
    elif one != other:
        yield f"{where} differs"
