"""A course folder as nbgrader knows it, driven through nbgrader's own API."""

import logging
import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import CsvExportPlugin
from nbgrader.utils import compute_checksum, is_solution
from sqlalchemy.exc import SAWarning
from traitlets.config.loader import PyFileConfigLoader

from grader.rebuild import grade_id, read_notebook

CONFIG = '''\
"""Configuration of the course, for every nbgrader command and formgrader in this folder."""

from pathlib import Path

from grader.nbgrader_plugins import configure

c = get_config()  # noqa: F821
configure(c, Path(__file__).resolve().parent)
'''


class CourseError(Exception):
    """nbgrader could not do what was asked; the text says what and where the log is."""


@dataclass(frozen=True)
class Score:
    """One graded cell of one submission; `auto` is None until something has been decided."""

    name: str
    auto: float | None
    most: float
    by_hand: bool


class Course:
    """A folder with source/, release/, submitted/, autograded/, feedback/ and gradebook.db."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    @property
    def log(self) -> Path:
        """What nbgrader said, newest last."""
        return self.root / "nbgrader.log"

    @property
    def gradebook(self) -> Path:
        """The SQLite file."""
        return self.root / "gradebook.db"

    def write_config(self) -> None:
        """Make the folder and its nbgrader_config.py."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")

    def is_built(self) -> bool:
        """Whether `grader build` has been here."""
        return (self.root / "nbgrader_config.py").is_file() and self.gradebook.is_file()

    def assignments(self) -> list[str]:
        """Names of the assignments in source/."""
        return sorted(path.name for path in (self.root / "source").glob("*") if path.is_dir())

    def generate(self, assignment: str) -> None:
        """Write release/ from source/ and register the assignment in the gradebook."""
        with self._api() as api:
            self._succeed(
                api.generate_assignment(assignment), f"release of {assignment} could not be made"
            )

    def autograde(self, assignment: str, student: str) -> None:
        """Grade one submission.

        Raises:
            CourseError: nbgrader gave up on it.
        """
        with self._api() as api:
            self._succeed(
                api.autograde(assignment, student),
                f"{student}'s {assignment} could not be graded",
            )

    def feedback(self, assignment: str, student: str) -> None:
        """Write feedback/<student>/<assignment>/*.html."""
        with self._api() as api:
            self._succeed(
                api.generate_feedback(assignment, student),
                f"no feedback for {student} was written",
            )

    def export(self, path: Path) -> None:
        """Write every score of the gradebook as CSV."""
        with self._gradebook() as gradebook:
            exporter = CsvExportPlugin()
            exporter.log.setLevel(logging.WARNING)
            exporter.to = str(path)
            exporter.export(gradebook)

    def scores(self, assignment: str, student: str) -> list[Score]:
        """Every graded cell of one submission, as the gradebook has it."""
        with self._gradebook() as gradebook:
            notebooks = gradebook.find_submission(assignment, student).notebooks
            return [
                Score(grade.name, grade.auto_score, grade.max_score, grade.needs_manual_grade)
                for notebook in notebooks
                for grade in notebook.grades
            ]

    def record_zero(self, assignment: str, student: str) -> None:
        """Give 0 to every cell of a submission that cannot be graded, to be looked at by hand."""
        with self._gradebook() as gradebook:
            gradebook.update_or_create_student(student)
            submission = gradebook.update_or_create_submission(assignment, student)
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    grade.auto_score, grade.needs_manual_grade = 0.0, True
            gradebook.db.commit()

    @contextmanager
    def _gradebook(self) -> Iterator[Gradebook]:
        with _no_sql_warnings(), Gradebook(f"sqlite:///{self.gradebook}", "rlcore") as gradebook:
            yield gradebook

    @contextmanager
    def _api(self) -> Iterator[NbGraderAPI]:
        """The API of nbgrader with this course's own configuration, quiet, its log in a file."""
        config = PyFileConfigLoader("nbgrader_config.py", path=str(self.root)).load_config()
        logger = logging.getLogger("traitlets")
        handler = logging.FileHandler(self.log, encoding="utf-8")
        before = logger.handlers[:], logger.level, logger.propagate
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
        path = os.environ.get("PATH", "")
        # alembic, which nbgrader starts by name, is installed beside this interpreter.
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
        os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        try:
            with _no_sql_warnings():
                yield NbGraderAPI(CourseDirectory(config=config), config=config)
        finally:
            os.environ["PATH"] = path
            logger.handlers, logger.propagate = before[0], before[2]
            logger.setLevel(before[1])
            handler.close()

    def _succeed(self, result: dict[str, Any], what: str) -> None:
        if result["success"]:
            return
        if "KeyboardInterrupt" in result.get("error", ""):
            raise KeyboardInterrupt  # nbgrader's API swallows it
        log = result.get("log", "") + result.get("error", "")
        if "Cannot add or remove cells" in log:
            raise CourseError(
                f"{what}: its graded cells have changed, and the gradebook has submissions of it, "
                f"which nbgrader does not bring together; move {self.root} away and build again."
            )
        lines = [line for line in log.splitlines() if re.search(r"Error\b.*: |Exception: ", line)]
        raise CourseError(f"{what}: {lines[-1].strip() if lines else 'see'} (log: {self.log})")


@contextmanager
def _no_sql_warnings() -> Iterator[None]:
    """Without the warnings that nbgrader's own use of SQLAlchemy gives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        yield


def answered_cells(path: Path) -> list[str]:
    """Solution cells of a released notebook that somebody has written into."""
    return [
        grade_id(cell)
        for cell in read_notebook(path).cells
        if is_solution(cell) and cell.metadata.nbgrader.get("checksum") != compute_checksum(cell)
    ]


def remove_tree(path: Path) -> None:
    """Remove a folder, read-only files included, if it is there."""
    if path.exists():
        for folder in [path, *(p for p in path.rglob("*") if p.is_dir())]:
            folder.chmod(0o755)
        shutil.rmtree(path)
