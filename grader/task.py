"""A piece of work as a worker is given it; the grader itself is imported only there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from grader.bubblewrap import Limits
from grader.result import Result, Submission
from grader.sandbox import Bundle


@dataclass(frozen=True)
class Setting:
    """What is the same for a whole class.

    Args:
        masters: a folder with `<assignment>/<notebook>.ipynb`, what to rebuild from, and files that
            belong beside them.
        bundle: the packages that notebooks may import.
        out: the course's folder: `autograded/<student>/<assignment>/` gets notebooks as run and
            marked, `feedback/<student>/<assignment>/` a page for the student.
        work: for files that nobody needs afterwards.
        limits: what a submission may use.
        secret: from which hidden inputs are drawn.
        contained: False runs submissions without a sandbox.
    """

    masters: Path
    bundle: Bundle
    out: Path
    work: Path
    limits: Limits
    secret: bytes
    contained: bool = True

    @property
    def students(self) -> Path:
        """Below it each worker lays out what it grades."""
        return self.work / "students"

    @property
    def of_zygote(self) -> tuple[str, Path, Limits]:
        """What a zygote has to be for."""
        return str(self.bundle.packages), self.students, self.limits


@dataclass(frozen=True)
class Graded:
    """The results of one student; `stalled` where a wall limit decided that CPU time did not."""

    results: tuple[Result, ...]
    stalled: bool = False


def begin_in_worker(setting: Setting, requests: socket | None) -> None:
    """What a worker can do before there is work; `requests` go to a zygote of all workers."""
    from grader.grading import make_ready

    make_ready(setting, requests)


def grade_in_worker(submissions: Sequence[Submission], setting: Setting) -> Graded:
    """What `grade_student` gives."""
    from grader.grading import grade_student

    return grade_student(submissions, setting)
