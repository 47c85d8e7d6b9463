"""`grader grade`: a folder of submissions through nbgrader, one after the other.

Each submission is graded on its own, so that a broken one costs nobody else anything. What runs
them is `Course.autograde`, in the kernel of the course's own configuration.
"""

import codecs
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from grader.execute import cell_by_id, error_of, verdicts
from grader.nbgrader_course import Course, CourseError, Score, remove_tree
from grader.rebuild import NOTES, SubmissionError, grade_id, read_notebook, rebuild
from grader.verdict import Verdict
from grader.words import in_short, number, printable


class UsageError(Exception):
    """The command cannot start; the text says what to do."""


@dataclass(frozen=True)
class Submission:
    """One student's folder for one assignment."""

    student: str
    assignment: str
    folder: Path


@dataclass(frozen=True)
class Result:
    """What became of one submission.

    `reasons` are codes; `wrong` has one line per thing that cost points. `processed` is False
    where the grader, not the submission, is at fault; such a submission has no scores.
    """

    submission: Submission
    scores: tuple[Score, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    reasons: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    processed: bool = True

    @property
    def points(self) -> float:
        """Points so far, of machine and of hand."""
        return sum(score.auto or 0.0 for score in self.scores)

    @property
    def most(self) -> float:
        """Points of the whole assignment."""
        return sum(score.most for score in self.scores)

    @property
    def to_mark(self) -> float:
        """Points that wait for a person."""
        return sum(score.most for score in self.scores if score.by_hand)


def find_submissions(folder: Path, course: Course, assignment: str | None) -> list[Submission]:
    """Submissions in nbgrader's layout, <folder>/<student>/<assignment>/, by name.

    Raises:
        UsageError: the course is not built, has no such assignment, or nothing is there to grade.
    """
    if not course.is_built():
        raise UsageError(f"there is no course in {course.root}; run `grader build` first.")
    known = course.assignments()
    if assignment is not None and assignment not in known:
        raise UsageError(f"the course has no assignment {assignment!r}; it has {', '.join(known)}.")
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; name one with a folder per student in it.")
    wanted = known if assignment is None else [assignment]
    found = [
        Submission(student.name, name, student / name)
        for student in sorted(folder.iterdir())
        for name in wanted
        if (student / name).is_dir() and not student.name.startswith(".")
    ]
    if not found:
        raise UsageError(
            f"{folder} holds no submissions; expected {folder}/<student>/{wanted[0]}/"
            f"{wanted[0]}.ipynb, as nbgrader lays them out."
        )
    return found


def grade(submissions: list[Submission], course: Course) -> Iterator[Result]:
    """Grade, write feedback, and give each result as soon as it is there."""
    for submission in submissions:
        try:
            yield grade_one(submission, course)
        except Exception as error:  # whatever it is, it must not cost the others anything
            text = f"{type(error).__name__}: {error}"
            yield Result(submission, reasons=("not-processed",), wrong=(text,), processed=False)


def grade_one(submission: Submission, course: Course) -> Result:
    """Grade one submission and write its feedback."""
    student, name = submission.student, submission.assignment
    if set(student) & set("*?[]"):
        text = f"nbgrader cannot file a name with * ? [ or ]; rename the folder {student}"
        return Result(submission, reasons=("not-processed",), wrong=(text,), processed=False)
    handed_in = _hand_in(submission, course)
    for step in ("autograded", "feedback"):
        remove_tree(course.root / step / student / name)
    try:
        master = read_notebook(course.root / "source" / name / f"{name}.ipynb")
        path = _notebook(handed_in, name)
        rebuild(master, read_notebook(path))
        _drop_byte_order_mark(path)
    except SubmissionError as error:
        course.record_zero(name, student)
        scores = tuple(course.scores(name, student))
        return Result(submission, scores, reasons=(error.code,), wrong=(str(error),))
    try:
        course.autograde(name, student)
        course.feedback(name, student)
    except CourseError as error:
        return Result(submission, reasons=("not-processed",), wrong=(str(error),), processed=False)
    notebook = read_notebook(course.root / "autograded" / student / name / f"{name}.ipynb")
    scores = tuple(course.scores(name, student))
    return _read_result(submission, notebook, scores)


def _hand_in(submission: Submission, course: Course) -> Path:
    """Copy a submission to the course's submitted/, unless it is there already."""
    place = course.root / "submitted" / submission.student / submission.assignment
    if place.resolve() == submission.folder.resolve():
        return place
    draft = place.with_name(f".{place.name}.part")
    remove_tree(draft)
    draft.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(submission.folder, draft, ignore=_links)
    remove_tree(place)
    draft.rename(place)
    return place


def _drop_byte_order_mark(path: Path) -> None:
    """Rewrite a file that begins with one, since nbgrader would not take it for JSON."""
    content = path.read_bytes()
    if content.startswith(codecs.BOM_UTF8):
        path.write_bytes(content.removeprefix(codecs.BOM_UTF8))


def _links(folder: str, names: list[str]) -> list[str]:
    """Links are left behind: what they lead to was not handed in."""
    return [name for name in names if (Path(folder) / name).is_symlink()]


def _notebook(folder: Path, name: str) -> Path:
    path = folder / f"{name}.ipynb"
    if not path.exists():
        others = ", ".join(sorted(other.name for other in folder.glob("*.ipynb"))) or "no notebook"
        raise SubmissionError(
            "missing-notebook", f"{name}.ipynb was not handed in; the folder holds {others}."
        )
    return path


def _read_result(
    submission: Submission, notebook: NotebookNode, scores: tuple[Score, ...]
) -> Result:
    """What the executed notebook says of each test cell that lost points."""
    found: list[Verdict] = []
    wrong: list[str] = []
    for score in scores:
        cell = cell_by_id(notebook, score.name)
        if cell is None or cell.cell_type != "code":
            continue
        shown = verdicts(cell)
        found += shown[-1:]
        if score.auto is not None and score.auto < score.most:
            wrong.append(_why(notebook, cell, shown))
    notes = notebook.metadata.get(NOTES, {})
    reasons = [*notes.get("reasons", []), *(["repaired"] if notes.get("repairs") else [])]
    wrong += notes.get("repairs", [])
    return Result(submission, scores, tuple(found), tuple(reasons), tuple(wrong))


def _why(notebook: NotebookNode, test: NotebookNode, shown: list[Verdict]) -> str:
    """Why a test cell lost points, in one line."""
    name = grade_id(test).removeprefix("test_")
    if shown and not shown[-1].correct and not error_of(test):
        return in_short(shown[-1])
    answer = cell_by_id(notebook, name)
    if answer is not None and error_of(answer):
        return f"{name}: its cell failed: {error_of(answer)}"
    if test.get("execution_count") is None:
        return f"{name}: its test was not run, since the kernel had died"
    return f"{name}: its test failed: {error_of(test) or 'it gave no points'}"


def table_row(result: Result) -> list[str]:
    """Lines of the printed table: score and the first thing wrong, then the other things."""
    if result.processed:
        points = f"{number(result.points):>5} of {number(result.most)}"
    else:
        points = "not graded"
    lines = [f"[{code}]" for code in result.reasons if code != "repaired"]
    lines = [" ".join([*lines, text]) if i == 0 else text for i, text in enumerate(result.wrong)]
    if result.processed and result.to_mark:
        lines.append(f"{number(result.to_mark)} to mark by hand")
    first, *others = lines or [""]
    head = f"{result.submission.student:<24} {points:<12}"
    rows = [f"{head} {first}".rstrip(), *(f"{'':<37} {line}" for line in others)]
    return [printable(row) for row in rows]
