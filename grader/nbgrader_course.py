"""A course folder as nbgrader knows it, driven through nbgrader's own API."""

import logging
import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import compute_checksum, is_solution
from sqlalchemy.exc import SAWarning
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from grader.course import Course
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


class NbgraderCourse(Course):
    """A course that nbgrader builds."""

    @property
    def log(self) -> Path:
        """What nbgrader said, newest last."""
        return self.root / "nbgrader.log"

    def write_config(self) -> None:
        """Make the folder and its nbgrader_config.py."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.config.write_text(CONFIG, encoding="utf-8")

    def generate(self, assignment: str) -> None:
        """Write release/ from source/ and register the assignment in the gradebook."""
        with self._api() as api:
            problem = f"release of {assignment} could not be made"
            self._succeed(api.generate_assignment(assignment), problem)

    @contextmanager
    def _api(self) -> Iterator[NbGraderAPI]:
        """The API of nbgrader with this course's own configuration, quiet, its log in a file."""
        logger = logging.getLogger("traitlets")
        handler = logging.FileHandler(self.log, encoding="utf-8")
        before = logger.handlers[:], logger.level, logger.propagate
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
        os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        try:
            with no_sql_warnings(), scripts_on_path():
                config = load_config(self)
                yield NbGraderAPI(CourseDirectory(config=config), config=config)
        finally:
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


def load_config(course: Course) -> Config:
    """What nbgrader_config.py says; the folder is the course's root whatever it says."""
    config = Config()
    if course.config.is_file():
        config = PyFileConfigLoader(course.config.name, path=str(course.root)).load_config()
    config.CourseDirectory.root = str(course.root)
    return config


@contextmanager
def scripts_on_path() -> Iterator[None]:
    """With alembic, which nbgrader starts by name, found beside this interpreter."""
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    try:
        yield
    finally:
        os.environ["PATH"] = path


@contextmanager
def no_sql_warnings() -> Iterator[None]:
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
