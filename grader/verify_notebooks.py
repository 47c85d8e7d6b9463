"""What `grader verify` asks of whole notebooks: released, solved, unanswered."""

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

from nbformat import NotebookNode

from grader.build import NOTEBOOKS
from grader.execute import cell_by_id, code_cell, error_of, execute, verdicts
from grader.exercises import EXERCISES
from grader.hidden import AGENTS
from grader.rebuild import is_solution, read_notebook, rebuild

SECRETS = (b"one secret", b"another secret", b"a third secret")
STUDENT = "ada"
NOTEBOOK_SECONDS = 180
SOLUTION = re.compile(r"BEGIN SOLUTION(.*?)END SOLUTION", re.DOTALL)


def release_problems(name: str, source: NotebookNode, folder: Path | None = None) -> Iterator[str]:
    """Answers, hidden tests, mark schemes and outputs in a released notebook."""
    path = (folder or NOTEBOOKS) / f"{name}.ipynb"
    if not path.exists():
        yield f"notebooks/{path.name} is missing; run `grader build`"
        return
    released = read_notebook(path)
    text = "\n".join(cell.source for cell in released.cells)
    for mark in ("probe(", "BEGIN ", "END ", "Mark scheme"):
        if mark in text:
            yield f"it contains {mark!r}"
    for line in answer_lines(source):
        if line in text:
            yield f"it contains a line of the solution: {line}"
    if any(cell.get("outputs") or cell.get("execution_count") for cell in released.cells):
        yield "it contains outputs"


def answer_lines(source: NotebookNode) -> Iterator[str]:
    """Lines of the solutions that say something."""
    for cell in source.cells:
        if is_solution(cell):
            text = "".join(SOLUTION.findall(cell.source))
            if cell.cell_type != "code" and not text:
                text = cell.source
            yield from (line.strip() for line in text.split("\n") if len(line.strip()) > 12)


def run_problems(name: str, source: NotebookNode) -> Iterator[str]:
    """What goes wrong when the notebook is run, solved and unanswered, by a student and for marks.

    A student's run has every cell; a grader's leaves out those that train, sweep or draw.
    """
    for kind in ("ipynb", "json"):
        if not (NOTEBOOKS / f"{name}.{kind}").exists():
            yield f"notebooks/{name}.{kind} is missing; run `grader build`"
            return
    parts = (_solved_problems, _marked_problems, _unanswered_problems, _unmarked_problems)
    for part in parts:
        with tempfile.TemporaryDirectory() as top:
            folder = Path(top) / STUDENT / name
            folder.mkdir(parents=True)
            shutil.copy(NOTEBOOKS / f"{name}.json", folder)
            # Saved runs save time; for marks they would be answers.
            if part is not _unmarked_problems and (AGENTS / name).is_dir():
                shutil.copytree(AGENTS / name, folder, dirs_exist_ok=True)
            yield from part(name, source, folder)


def _solved_problems(name: str, source: NotebookNode, folder: Path) -> Iterator[str]:
    started = time.monotonic()
    ran = _run(source, folder, run_all=True)
    seconds = time.monotonic() - started
    if seconds > NOTEBOOK_SECONDS:
        yield f"solved: it takes {seconds:.0f} s, at most {NOTEBOOK_SECONDS} are allowed"
    yield from _cell_problems("solved", ran)
    # One verdict by check and one by probe.
    yield from _not_full(name, ran, 2)


def _marked_problems(name: str, source: NotebookNode, folder: Path) -> Iterator[str]:
    """As a grader runs it, then the test cells again under the other secrets."""
    notebook = deepcopy(source)
    for secret in SECRETS[1:]:
        switch = f"import os; os.environ['GRADER_SECRET'] = {secret.decode()!r}"
        notebook.cells.append(code_cell(switch))
        notebook.cells += [
            code_cell(cell.source)
            for exercise in EXERCISES
            if exercise.notebook == name and (cell := cell_by_id(source, exercise.test_cell))
        ]
    ran = _run(notebook, folder)
    yield from _cell_problems("solved, without the skipped cells", ran)
    yield from _not_full(name, ran, 2 * len(SECRETS))


def _unanswered_problems(name: str, source: NotebookNode, folder: Path) -> Iterator[str]:
    """The released notebook, every cell: it may stop at stubs and nowhere else."""
    ran = _run(read_notebook(NOTEBOOKS / f"{name}.ipynb"), folder, run_all=True)
    yield from _cell_problems("unanswered", ran, allowed="NotImplementedError")


def _unmarked_problems(name: str, source: NotebookNode, folder: Path) -> Iterator[str]:
    """The released notebook for marks: no exercise gets any."""
    master = deepcopy(source)
    released = read_notebook(NOTEBOOKS / f"{name}.ipynb")
    for cell in master.cells:
        if is_solution(cell):
            stub = cell_by_id(released, cell.metadata.nbgrader.grade_id)
            cell.source = stub.source if stub else ""
    handed_in, _ = rebuild(master, released)
    ran = _run(handed_in, folder)
    for exercise in (one for one in EXERCISES if one.notebook == name):
        test = cell_by_id(ran, exercise.test_cell)
        results = [o for o in test.outputs if o.output_type == "execute_result"] if test else []
        if not results or results[-1]["data"]["text/plain"] != "0.0":
            yield f"unanswered: {exercise.name} does not get 0 points"


def _run(notebook: NotebookNode, folder: Path, *, run_all: bool = False) -> NotebookNode:
    env = {"GRADER_SECRET": SECRETS[0].decode()}
    return execute(notebook, folder, cell_seconds=NOTEBOOK_SECONDS, run_all=run_all, env=env)


def _cell_problems(how: str, ran: NotebookNode, allowed: str = "nothing") -> Iterator[str]:
    """Cells that raise, or write to stderr."""
    for cell in ran.cells:
        first = (cell.source.splitlines() or [""])[0]
        if (error := error_of(cell)) and not error.startswith(allowed):
            yield f"{how}: {first} … raises {error}"
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                yield f"{how}: {first} … writes to stderr: {output.text}"


def _not_full(name: str, ran: NotebookNode, number: int) -> Iterator[str]:
    """Exercises that do not have so many verdicts, every one of them with full points."""
    shown = [verdict for cell in ran.cells for verdict in verdicts(cell)]
    for exercise in (one for one in EXERCISES if one.notebook == name):
        mine = [verdict for verdict in shown if verdict.exercise == exercise.name]
        if len(mine) != number or not all(verdict.correct for verdict in mine):
            yield f"solved: {exercise.name} does not get full points under every secret"
