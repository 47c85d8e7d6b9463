"""Grade a class: work spread over processes, kept in a journal, recorded by one writer."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.grading import Graded, Setting, grade_student, nothing, read_masters
from grader.hidden import secret
from grader.intake import Refusal, take_in
from grader.journal import Journal, digest, digest_of_grader, files_below
from grader.nbgrader_books import Books, open_books
from grader.nbgrader_course import Course
from grader.rebuild import SubmissionError
from grader.result import Result, Student, Submission
from grader.sandbox import Bundle, Limits, check_sandbox
from grader.workers import Pool, remove_stale, work_folder


class UsageError(Exception):
    """The command cannot start; the text says what to do."""


@dataclass(frozen=True)
class Options:
    """How a class is graded.

    Args:
        assignment: only this one.
        jobs: how many workers there are.
        limits: what a submission may use.
        contained: False runs submissions without a sandbox.
        teams: the names in a notebook's TEAM all get its marks.
        executor: what runs the work, in place of workers on this machine.
    """

    assignment: str | None = None
    jobs: int = 2
    limits: Limits = field(default_factory=Limits)
    contained: bool = True
    teams: bool = False
    executor: Executor | None = None


@dataclass(frozen=True)
class Done:
    """A result, whether it was there before, and how many of how many there are now."""

    result: Result
    number: int
    of: int
    known: bool = False


def grade_class(source: Path, course: Course, options: Options = Options()) -> Iterator[Done]:
    """Grade what is in `source`; each result as soon as it is recorded.

    Raises:
        UsageError: the course is not built, or nothing is there to grade.
        SandboxError: submissions cannot be contained here.
    """
    known = course.assignments()
    if not course.is_built() or not known:
        raise UsageError(f"there is no course in {course.root}; run `grader build` first.")
    if options.assignment is not None and options.assignment not in known:
        names = ", ".join(known)
        raise UsageError(f"the course has no assignment {options.assignment!r}; it has {names}.")
    if options.contained:
        check_sandbox()
    if not source.exists():
        raise UsageError(f"{source} is not there.")
    intake = take_in(source, course.root, known, assignment=options.assignment)
    if not intake.submissions and not intake.refused:
        raise UsageError(
            f"{source} holds no submissions; expected <student>/{known[0]}/{known[0]}.ipynb as "
            "nbgrader lays them out, notebooks, or an export of Canvas or Moodle."
        )
    yield from Grading(course, options).run(intake.submissions, intake.refused)


class Grading:
    """One run over a class."""

    def __init__(self, course: Course, options: Options) -> None:
        self.course, self.options = course, options
        self.journal = Journal(course.private / "journal.jsonl")
        self.secret = secret()
        self.books: Books | None = None

    def run(
        self, submissions: Sequence[Submission], refused: Sequence[Refusal] = ()
    ) -> Iterator[Done]:
        """Results, those first that are known."""
        self._of = len(submissions) + sum(one.whole for one in refused)
        self._number = 0
        keys = self._keys(submissions)
        waiting: dict[str, list[Submission]] = {}
        for submission in submissions:
            result = self.journal.results.get(keys[submission])
            if result is None or not self._written(result):
                waiting.setdefault(submission.student.login, []).append(submission)
            else:
                yield self._recorded(keys[submission], replace(result, late=submission.late), True)
        with self._setting(bool(waiting)) as setting:
            for result in self._graded(list(waiting.values()), setting):
                found = next(s for s in waiting[result.student.login] if _fits(s, result))
                if result.processed:
                    self.journal.add(keys[found], result)
                yield self._recorded(keys[found], result, False)
            for refusal in refused:
                if refusal.whole and refusal.student:
                    result = self._refused(refusal)
                    yield self._recorded(digest([], repr(result)), result, False)

    def _keys(self, submissions: Sequence[Submission]) -> dict[Submission, str]:
        """What decides a result, as a fingerprint."""
        options = self.options
        same = (
            digest_of_grader(),
            repr(options.limits),
            repr(options.contained),
            self.secret.hex(),
        )
        masters = {name: self.course.digest(name) for name in {s.assignment for s in submissions}}
        return {
            s: digest(
                files_below(s.folder), s.student.login, s.assignment, masters[s.assignment], *same
            )
            for s in submissions
        }

    def _written(self, result: Result) -> bool:
        """Whether what people read of a result is there."""
        folder = self.course.root / "autograded" / result.student.login / result.assignment
        names = {mark.notebook for mark in result.marks if mark.code not in UNREADABLE}
        return all((folder / f"{name}.ipynb").is_file() for name in names)

    @contextmanager
    def _setting(self, needed: bool) -> Iterator[Setting | None]:
        """What workers need, if there is any work; gone afterwards."""
        remove_stale(self.course.private)
        if not needed:
            yield None
            return
        work = work_folder(self.course.private)
        try:
            masters = work / "masters"
            with self._open_books() as books:
                for name in self.course.assignments():
                    books.write_masters(name, masters / name)
            out, limits = self.course.root, self.options.limits
            contained = self.options.contained
            bundle = Bundle(work / "bundle")
            yield Setting(masters, bundle, out, work, limits, self.secret, contained)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _graded(self, work: list[list[Submission]], setting: Setting | None) -> Iterator[Result]:
        """Results as they come; what a wall limit ended is run once more, alone."""
        if setting is None:
            return
        again: list[list[Submission]] = []
        with Pool(self.options.jobs, self.options.executor) as pool:
            for submissions, graded in pool.map(grade_student, work, setting):
                if isinstance(graded, Graded) and not graded.stalled:
                    yield from graded.results
                else:
                    again.append(submissions)
        for submissions in again:
            with Pool(1, self.options.executor) as pool:
                for _, graded in pool.map(grade_student, [submissions], setting):
                    if isinstance(graded, Graded):
                        yield from graded.results
                    else:
                        yield from (_unprocessed(s, graded) for s in submissions)

    def _refused(self, refusal: Refusal) -> Result:
        """Zero, to be looked at by hand."""
        masters = read_masters(self.course.root / "source" / refusal.assignment)
        error = SubmissionError(refusal.code, refusal.text)
        marks = [m for name, master in masters.items() for m in nothing(master, name, error)]
        return Result(
            refusal.student or Student(""),
            refusal.assignment,
            marks=tuple(marks),
            reasons=(refusal.code,),
            problem=refusal.text,
        )

    def _recorded(self, key: str, result: Result, known: bool) -> Done:
        """A result that stands in the gradebook."""
        self._number += 1
        place = result.student.login, result.assignment
        gradebook = self.course.gradebook_identity()
        if result.processed and self.journal.recorded.get(place) != (key, gradebook):
            with self._open_books() as books:
                books.record(result)
            self.journal.note_recorded(key, result, gradebook)
        return Done(result, self._number, self._of, known)

    @contextmanager
    def _open_books(self) -> Iterator[Books]:
        with open_books(self.course) as books:
            yield books


UNREADABLE = (
    "missing-notebook not-json not-a-notebook empty foreign-notebook oversize link unsafe-path "
    "zip-bomb not-a-zip"
).split()


def _fits(submission: Submission, result: Result) -> bool:
    return submission.assignment == result.assignment


def _unprocessed(submission: Submission, error: BaseException) -> Result:
    text = f"{type(error).__name__}: {error}"
    return Result(
        submission.student,
        submission.assignment,
        reasons=("not-processed",),
        problem=text,
        late=submission.late,
        processed=False,
    )
