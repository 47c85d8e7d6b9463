"""`grader check NOTEBOOK`: run a student's notebook here and tell how every exercise does."""

from dataclasses import dataclass
from pathlib import Path

from grader.execute import cell_by_id, code_cell, error_of, execute, verdicts
from grader.exercise import Graded
from grader.exercises import EXERCISES
from grader.rebuild import SubmissionError, grade_id, is_graded, is_solution, read_notebook
from grader.verdict import Verdict
from grader.words import headline, printable, score, sentence

CELL_SECONDS = 60
A_PERSON = "a person marks it"
WIDTH = 20


@dataclass(frozen=True)
class Line:
    """How one exercise does: its verdict, or why there is none."""

    exercise: Graded
    verdict: Verdict | None
    problem: str = ""


def check_notebook(path: Path) -> list[Line]:
    """Run the notebook in its own folder and check each of its exercises.

    One that only a person marks is not run, and has no lines.

    Raises:
        SubmissionError: the file is no notebook of this course.
    """
    notebook = read_notebook(path)
    names = {grade_id(cell) for cell in notebook.cells}
    exercises = [one for one in EXERCISES if {one.name, one.test_cell} & names]
    written = any(is_graded(cell) and is_solution(cell) for cell in notebook.cells)
    if not exercises and written:
        return []
    if not exercises:
        text = f"{path.name} has no exercise of this course; is it another one?"
        raise SubmissionError("foreign-notebook", text)
    notebook.cells.append(code_cell("from grader import check"))
    first = len(notebook.cells)
    notebook.cells += [code_cell(one.check_call) for one in exercises]
    ran = execute(notebook, path.resolve().parent, cell_seconds=CELL_SECONDS)
    lines = []
    for exercise, added in zip(exercises, ran.cells[first:], strict=True):
        # Their own test cell speaks first: later cells may have bound the name to something else.
        test = cell_by_id(ran, exercise.test_cell)
        cells = [test, added] if test is not None else [added]
        shown = [one for cell in cells for one in verdicts(cell) if one.exercise == exercise.name]
        answer = cell_by_id(ran, exercise.name)
        problem = (answer is not None and error_of(answer)) or error_of(added) or _text(added)
        lines.append(Line(exercise, shown[0] if shown else None, printable(problem)))
    return lines


def describe(lines: list[Line]) -> str:
    """The table, and below it what is wrong."""
    if not lines:
        return f"  nothing here for a machine to check: {A_PERSON}"
    rows, words = [], []
    for line in lines:
        if line.verdict is None:
            none = score(0, line.exercise.points)
            rows.append(f"✘ {line.exercise.name}: {none} points, not checked")
            words.append(f"{line.exercise.name}: its cell failed: {line.problem}")
            continue
        rows.append(headline(line.verdict))
        if not line.verdict.correct:
            words.append(f"{line.exercise.name}: {printable(sentence(line.verdict))}")
    total = sum(line.verdict.points for line in lines if line.verdict)
    rows.append(f"  {score(total, sum(line.exercise.points for line in lines))} points")
    return "\n".join([*rows, *(["", *words] if words else [])])


def overview(course: dict[str, list[Line]]) -> str:
    """How far one is in the whole course: a bar for each notebook, and the sum."""
    rows, everything = [], [line for lines in course.values() for line in lines]
    for name, lines in [*course.items(), ("all of them", everything)]:
        points = sum(line.verdict.points for line in lines if line.verdict)
        most = sum(line.exercise.points for line in lines)
        bar = "█" * int(WIDTH * points / (most or 1))
        said = f"{score(points, most)} points" if most else A_PERSON
        rows.append(f"{name:<30} {bar:·<{WIDTH}} {said}")
    return "\n".join([*rows, "Written questions are marked by a person and not counted here."])


def _text(cell: dict) -> str:
    streams = [out.text.strip() for out in cell.get("outputs", []) if out.output_type == "stream"]
    return " ".join(streams) or "the kernel died before it"
