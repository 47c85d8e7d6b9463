"""nbgrader's gradebook: what to rebuild submissions from, and who has how many points.

One process writes to it, through nbgrader's own API, one commit a submission.
"""

import logging
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial, wraps
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import (
    Assignment,
    Comment,
    Grade,
    Gradebook,
    InvalidEntry,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import parse_utc
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import selectinload
from traitlets.config import Config

from grader.course import Course
from grader.grade import Busy, UsageError
from grader.journal import files_below
from grader.nbgrader_course import load_config, no_sql_warnings, scripts_on_path
from grader.rebuild import grade_id, read_notebook
from grader.report import Total, Totals
from grader.result import Mark, Result

MOST_BYTES = 200
"""Of a timestamp."""
TRIES = 6
"""To use a gradebook that is locked; SQLite waits five seconds in each."""


def master_of(path: Path, known: Iterable[Any]) -> NotebookNode:
    """The notebook of source/, with those cells that the gradebook knows as it has them."""
    sources = {cell.name: cell.source for cell in known}
    master = read_notebook(path)
    for cell in master.cells:
        cell.source = sources.get(grade_id(cell), cell.source)
    return master


def read_timestamp(folder: Path) -> datetime | None:
    """When a submission came in, by nbgrader's file beside it; None where there is none.

    Raises:
        ValueError: the file says something else.
    """
    path = folder / "timestamp.txt"
    if not os.path.lexists(path):
        return None
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.name} is no file, or a long one")
    try:
        text = path.read_text(encoding="utf-8").strip()
        return parse_utc(text) if text else None
    except OverflowError as error:
        raise ValueError(f"{path.name} is of no time: {error}") from error


def patiently(action: Callable[[], Any], undo: Callable[[], None] = lambda: None) -> Any:
    """What an action on the gradebook gives, tried again while another program has it locked.

    Raises:
        Busy: it has it for too long.
    """
    for attempt in range(TRIES):
        try:
            return action()
        except (OperationalError, InvalidEntry) as error:
            if "locked" not in str(error):
                raise
            undo()
        if not attempt:
            text = "another program holds the gradebook; waiting for it"
            print(text, file=sys.stderr, flush=True)
    raise Busy(
        "another program still holds the gradebook; close it, then give the same command again. "
        "What was graded is kept."
    )


def patient(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method of a gradebook, tried again while another program has it locked."""

    @wraps(method)
    def tried(self: Any, *args: Any, **names: Any) -> Any:
        return patiently(partial(method, self, *args, **names), self.gradebook.db.rollback)

    return tried


class Books:
    """An open gradebook."""

    def __init__(self, course: Course, config: Config, gradebook: Gradebook) -> None:
        self.course, self.config, self.gradebook = course, config, gradebook

    @patient
    def check(self, assignments: Iterable[str]) -> None:
        """Nothing.

        Raises:
            UsageError: one of them was never generated.
        """
        for name in assignments:
            try:
                self.gradebook.find_assignment(name)
            except MissingEntry:
                text = f"the gradebook has no {name}; run `nbgrader generate_assignment {name}`."
                raise UsageError(text) from None

    def write_masters(self, assignment: str, folder: Path) -> None:
        """Write the notebooks that submissions are rebuilt from, and the files beside them.

        They are those of source/, with the cells that nbgrader knows as the gradebook has them:
        stubs in solution cells, hidden tests in test cells. Files that the course's configuration
        leaves to students are left out.
        """
        folder.mkdir(parents=True)
        source = self.course.root / "source" / assignment
        theirs = self.config.Autograde.get("exclude_overwriting", {}).get(assignment, [])
        for path in files_below(source):
            place = path.relative_to(source)
            if path.suffix != ".ipynb" and str(place) not in theirs:
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, folder / place)
        for path in sorted(source.glob("*.ipynb")):
            with suppress(MissingEntry):
                known = self.gradebook.find_notebook(path.stem, assignment).source_cells
                nbformat.write(master_of(path, known), folder / path.name)

    @patient
    def filed(self) -> set[tuple[str, str]]:
        """(login, assignment) of what stands in the gradebook."""
        assignment: Any = Assignment
        query = self.gradebook.db.query(SubmittedAssignment.student_id, assignment.name)
        return {(login, name) for login, name in query.join(assignment)}

    @patient
    def record(self, result: Result, *, again: bool) -> None:
        """Write the automatic scores, comments and flags of a submission; hands' marks stay.

        They are to be looked at once more, unless it is the same submission `again`.
        """
        student, assignment = result.student, result.assignment
        names: Any = {"first_name": student.name} if student.name else {}
        self.gradebook.update_or_create_student(student.login, **names)
        late: Any = {}
        with suppress(ValueError):
            stamp = read_timestamp(self._folder(result))
            late = {"timestamp": stamp} if stamp else {}
        self.gradebook.update_or_create_submission(assignment, student.login, **late)
        (entry,) = self._entries([result])
        marks = {(mark.notebook, mark.cell): mark for mark in result.marks}
        for notebook in entry.notebooks:
            for grade in notebook.grades:
                mark = marks.get((notebook.name, grade.name))
                if mark is not None:
                    grade.auto_score = mark.auto
                    if not again:
                        grade.needs_manual_grade = mark.by_hand or grade.manual_score is not None
            for comment in notebook.comments:
                left = (notebook.name, comment.name) in result.unanswered
                comment.auto_comment = "No response." if left else None
        self.gradebook.db.flush()
        self._penalize(entry)
        self.gradebook.db.commit()

    def complaints(self, result: Result) -> list[str]:
        """Codes of what is wrong with the time of a submission."""
        try:
            read_timestamp(self._folder(result))
        except ValueError:
            return ["bad-timestamp"]
        return []

    def _folder(self, result: Result) -> Path:
        return self.course.root / "submitted" / result.student.login / result.assignment

    @patient
    def penalize(self, result: Result) -> bool:
        """Write the late penalties of a submission by today's due date; whether they changed."""
        entry = self.gradebook.find_submission(result.assignment, result.student.login)
        changed = self._penalize(entry)
        self.gradebook.db.commit()
        return changed

    def _penalize(self, entry: Any) -> bool:
        """Late penalties, as nbgrader's step of that name sets them."""
        late: float = entry.total_seconds_late
        step: Any = AssignLatePenalties(config=self.config)
        step.init_plugin()
        before = [notebook.late_submission_penalty for notebook in entry.notebooks]
        for notebook in entry.notebooks:
            notebook.late_submission_penalty = None
            if late > 0:
                rule = step.plugin_inst.late_submission_penalty
                penalty = rule(entry.student.id, notebook.score, late)
                if penalty is not None:
                    checked = step._check_late_penalty(notebook, penalty)
                    notebook.late_submission_penalty = checked
        return before != [notebook.late_submission_penalty for notebook in entry.notebooks]

    @patient
    def standing(self, results: Sequence[Result]) -> tuple[list[Result], Totals]:
        """Results and their points as the gradebook has them, hands' marks included."""
        entries = {(one.student_id, one.name): one for one in self._entries(results)}
        found = [(one, entries.get((one.student.login, one.assignment))) for one in results]
        totals = {place: _total(entry) for place, entry in entries.items()}
        return [_as_it_stands(one, entry) if entry else one for one, entry in found], totals

    def _entries(self, results: Sequence[Result]) -> Iterable[Any]:
        """What the gradebook has of these students and assignments, in a few queries for all."""
        notebooks = selectinload(SubmittedAssignment.notebooks)
        grades = notebooks.selectinload(SubmittedNotebook.grades).selectinload(Grade.cell)
        comments = notebooks.selectinload(SubmittedNotebook.comments).selectinload(Comment.cell)
        assignment: Any = Assignment
        query = self.gradebook.db.query(SubmittedAssignment).join(assignment)
        return query.options(grades, comments).filter(
            SubmittedAssignment.student_id.in_({one.student.login for one in results}),
            assignment.name.in_({one.assignment for one in results}),
        )


def _as_it_stands(result: Result, entry: Any) -> Result:
    grades = {(book.name, grade.name): grade for book in entry.notebooks for grade in book.grades}
    marks = ((mark, grades.get((mark.notebook, mark.cell))) for mark in result.marks)
    comments = (
        (book.name, one.name, one.manual_comment)
        for book in entry.notebooks
        for one in book.comments
        if one.manual_comment
    )
    return replace(
        result,
        marks=tuple(_by_hand(mark, grade) if grade else mark for mark, grade in marks),
        comments=tuple(comments),
        late=result.late or entry.total_seconds_late > 0,
    )


def _by_hand(mark: Mark, grade: Any) -> Mark:
    given = grade.manual_score is not None or grade.extra_credit
    hand = grade.score if given else None
    return replace(mark, by_hand=grade.needs_manual_grade, hand=hand)


def _total(entry: Any) -> Total:
    grades = [grade for notebook in entry.notebooks for grade in notebook.grades]
    return Total(
        sum(grade.score for grade in grades),
        sum(grade.cell.max_score for grade in grades),
        any(grade.needs_manual_grade for grade in grades),
        sum(notebook.late_submission_penalty or 0.0 for notebook in entry.notebooks),
    )


@contextmanager
def open_books(course: Course) -> Iterator[Books]:
    """The gradebook of a course, its plug-ins within reach, as if we were in its folder."""
    config = load_config(course)
    logging.getLogger("tornado.application").setLevel(logging.CRITICAL)  # it raises it all, too
    where = CourseDirectory(config=config)
    url = re.sub(r"^sqlite:///(?=[^/:])", f"sqlite:///{course.root}/", where.db_url)
    sys.path.append(str(course.root))
    try:
        with no_sql_warnings(), scripts_on_path():
            with patiently(partial(Gradebook, url, where.course_id)) as gradebook:
                yield Books(course, config, gradebook)
    finally:
        sys.path.remove(str(course.root))
