"""What could not be graded: the results that say so, and the sentence where nothing could."""

from pathlib import Path

from grader.course import Course
from grader.intake import Refusal
from grader.marks import nothing, read_masters
from grader.rebuild import SubmissionError
from grader.result import Result, Student, Submission

PACKED = (".tar", ".gz", ".tgz", ".bz2", ".xz", ".rar", ".7z")


def nothing_in(source: Path, files: list[str], name: str) -> str:
    """What came, and what is taken; `name` is an assignment."""
    packed = [one for one in (source.name, *files) if one.lower().endswith(PACKED)]
    if packed:
        return f"{packed[0]} is packed in a way that is not read here; unpack it first."
    held = ", ".join(files[:5]) + (", …" if files[5:] else "")
    return (
        f"{source} holds no submissions{f', but {held}' if held else ''}; expected "
        f"<student>/{name}/{name}.ipynb as nbgrader lays them out, notebooks, or an export of "
        "Canvas or Moodle (folder or zip)."
    )


def refused_result(course: Course, refusal: Refusal) -> Result:
    """Zero, to be looked at by hand."""
    error = SubmissionError(refusal.code, refusal.text)
    masters = read_masters(course.root / "source" / refusal.assignment)
    return Result(
        refusal.student or Student(""),
        refusal.assignment,
        marks=tuple(m for name, master in masters.items() for m in nothing(master, name, error)),
        reasons=(refusal.code,),
        problem=refusal.text,
    )


def unprocessed(submission: Submission, error: BaseException) -> Result:
    """Nobody's zero."""
    return Result(
        submission.student,
        submission.assignment,
        reasons=("not-processed",),
        problem=f"{type(error).__name__}: {error}",
        late=submission.late,
        processed=False,
    )
