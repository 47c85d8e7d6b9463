"""nbgrader's gradebook: what to rebuild submissions from, and who has how many points.

One process writes to it, through nbgrader's own API, one commit a submission.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Config

from grader.course import Course
from grader.nbgrader_course import load_config, no_sql_warnings
from grader.rebuild import grade_id, read_notebook
from grader.report import Total
from grader.result import Result


def master_of(path: Path, known: Iterable[Any]) -> NotebookNode:
    """The notebook of source/, with those cells that the gradebook knows as it has them."""
    sources = {cell.name: cell.source for cell in known}
    master = read_notebook(path)
    for cell in master.cells:
        cell.source = sources.get(grade_id(cell), cell.source)
    return master


class Books:
    """An open gradebook."""

    def __init__(self, course: Course, config: Config, gradebook: Gradebook) -> None:
        self.course, self.config, self.gradebook = course, config, gradebook

    def write_masters(self, assignment: str, folder: Path) -> None:
        """Write the notebooks that submissions are rebuilt from, and the files beside them.

        They are those of source/, with the cells that nbgrader knows as the gradebook has them:
        stubs in solution cells, hidden tests in test cells.
        """
        folder.mkdir(parents=True)
        for path in sorted((self.course.root / "source" / assignment).iterdir()):
            if path.suffix != ".ipynb":
                copy = shutil.copytree if path.is_dir() else shutil.copyfile
                copy(path, folder / path.name)
                continue
            try:
                known = self.gradebook.find_notebook(path.stem, assignment).source_cells
            except MissingEntry:
                continue
            nbformat.write(master_of(path, known), folder / path.name)

    def record(self, result: Result) -> None:
        """Write the automatic scores, comments and flags of a submission; hands' marks stay."""
        student, assignment = result.student, result.assignment
        folder = self.course.root / "submitted" / student.login / assignment
        names: Any = {"first_name": student.name} if student.name else {}
        self.gradebook.update_or_create_student(student.login, **names)
        timestamp = CourseDirectory(config=self.config).get_existing_timestamp(str(folder))
        late: Any = {"timestamp": timestamp} if timestamp else {}
        entry = self.gradebook.update_or_create_submission(assignment, student.login, **late)
        marks = {(mark.notebook, mark.cell): mark for mark in result.marks}
        for notebook in entry.notebooks:
            for grade in notebook.grades:
                mark = marks.get((notebook.name, grade.name))
                if mark is not None:
                    grade.auto_score = mark.auto
                    grade.needs_manual_grade = mark.by_hand or grade.manual_score is not None
            for comment in notebook.comments:
                left = (notebook.name, comment.name) in result.unanswered
                comment.auto_comment = "No response." if left else None
        self.gradebook.db.flush()
        self._penalize(entry)
        self.gradebook.db.commit()

    def _penalize(self, entry: Any) -> None:
        """Late penalties, as nbgrader's step of that name sets them."""
        late: float = entry.total_seconds_late
        step: Any = AssignLatePenalties(config=self.config)
        step.init_plugin()
        for notebook in entry.notebooks:
            notebook.late_submission_penalty = None
            if late > 0:
                rule = step.plugin_inst.late_submission_penalty
                penalty = rule(entry.student.id, notebook.score, late)
                if penalty is not None:
                    checked = step._check_late_penalty(notebook, penalty)
                    notebook.late_submission_penalty = checked

    def totals(self, assignments: list[str]) -> dict[tuple[str, str], Total]:
        """Points of every submission, those given by hand included."""
        return {
            (row["student"], name): Total(
                row["score"], row["max_score"], row["needs_manual_grade"], _penalty(row)
            )
            for name in assignments
            for row in self.gradebook.submission_dicts(name)
        }


def _penalty(row: dict) -> float:
    return row.get("late_submission_penalty") or 0.0


@contextmanager
def open_books(course: Course) -> Iterator[Books]:
    """The gradebook of a course."""
    config = load_config(course)
    where = CourseDirectory(config=config)
    with no_sql_warnings(), Gradebook(where.db_url, where.course_id) as gradebook:
        yield Books(course, config, gradebook)
