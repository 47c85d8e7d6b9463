"""Marks: what each graded cell of a notebook that has been run is worth, and why."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nbformat import NotebookNode

from grader.clock import LOST
from grader.execute import error_of
from grader.rebuild import SubmissionError, grade_id, is_graded, is_solution, is_task, read_notebook
from grader.result import Mark
from grader.run import Job, Ran
from grader.verdict import Verdict
from grader.words import in_short


def marks(job: Job, ran: Ran, stubs: dict[str, str]) -> Iterator[Mark]:
    """The marks of a notebook's graded cells; `stubs` are solution cells as given out."""
    asked = {question.cell for question in job.questions}
    name = job.name.rpartition("/")[2]
    for cell in job.notebook.cells:
        if not is_graded(cell) and not is_task(cell):
            continue
        if is_task(cell) or is_solution(cell) or cell.cell_type != "code":
            mark = by_hand(cell, stubs)
        elif grade_id(cell) in asked:
            mark = _verified(job, ran, cell)
        else:
            mark = _believed(ran, cell)
        yield replace(mark, notebook=name)


def by_hand(cell: NotebookNode, stubs: dict[str, str]) -> Mark:
    """Nothing for what was left as it was given out; else a person decides."""
    name, points = grade_id(cell), most(cell)
    if is_solution(cell) and cell.source == stubs.get(name):
        return Mark(name, points, 0.0, False, "not-written", f"{name}: not answered")
    return Mark(name, points, None, True)


def _verified(job: Job, ran: Ran, cell: NotebookNode) -> Mark:
    """The verdict's points; none where there is no verdict."""
    name, points = grade_id(cell), most(cell)
    found: list[Verdict] = ran.found.get(name, [])
    if not found:
        code = ran.lost.get(name, "not-run")
        text, waits = f"{_exercise(name)}: {LOST[code]}", code == "not-judged"
        return Mark(name, points, 0.0, waits, code, text)
    verdict = found[-1]
    earned = sum(one.points for one in found) * points / sum(one.max_points for one in found)
    code = "" if verdict.correct else _code(verdict)
    text = in_short(verdict)
    answer = next((c for c in job.notebook.cells if grade_id(c) == _exercise(name)), None)
    if not verdict.correct and answer is not None and (error := error_of(answer)):
        text = f"{_exercise(name)}: its cell failed: {error}"
    return Mark(name, points, clamped(earned, points), code=code, text=text, verdict=verdict)


def _code(verdict: Verdict) -> str:
    if verdict.unwritten:
        return "not-written"
    return "raises" if verdict.difference.startswith("it raises") else "wrong"


def _believed(ran: Ran, cell: NotebookNode) -> Mark:
    """What the outputs say, as in nbgrader."""
    name, points = grade_id(cell), most(cell)
    earned = score(cell)
    code = text = ""
    if earned < points:
        code = ran.lost.get(name) or ("wrong" if cell.execution_count else "not-run")
        text = f"{name}: {LOST.get(code) or error_of(cell) or 'it gave fewer points'}"
    return Mark(name, points, earned, code=code, text=text, verified=False)


def score(cell: NotebookNode) -> float:
    """Points of an executed test cell by its outputs, in [0, its maximum].

    A cell that was not executed or that raised earns 0, and so does one whose number is not finite.
    stderr costs nothing. A cell that ran through earns its number, or all its points where it gives
    none, as in nbgrader.
    """
    points = most(cell)
    if cell.get("execution_count") is None:
        return 0.0
    if any(output.output_type == "error" for output in cell.outputs):
        return 0.0
    results = [output for output in cell.outputs if output.output_type == "execute_result"]
    try:
        return clamped(float(results[-1]["data"]["text/plain"]), points)
    except (IndexError, KeyError, TypeError, ValueError):
        return points


def clamped(earned: float, points: float) -> float:
    """Points in [0, the maximum]; what is not finite is 0."""
    return min(max(earned, 0.0), points) if math.isfinite(earned) else 0.0


def most(cell: NotebookNode) -> float:
    """The points of a graded cell."""
    return float(cell.metadata["nbgrader"]["points"])


def _exercise(name: str) -> str:
    return name.removeprefix("test_")


def read_masters(folder: Path) -> dict[str, NotebookNode]:
    """An assignment's notebooks by name."""
    return {path.stem: read_notebook(path) for path in sorted(folder.glob("*.ipynb"))}


def nothing(master: NotebookNode, name: str, error: SubmissionError) -> list[Mark]:
    """Marks of a notebook that cannot be graded: none, and somebody should look at it."""
    waits = error.code != "missing-notebook"
    return [
        replace(Mark(grade_id(cell), most(cell), 0.0, waits, error.code, str(error)), notebook=name)
        for cell in master.cells
        if is_graded(cell) or is_task(cell)
    ]
