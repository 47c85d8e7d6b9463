"""Grade a class: work spread over processes, kept in a journal, recorded by one writer."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.bubblewrap import Limits, check_sandbox
from grader.course import Course
from grader.crew import Crew
from grader.intake import Intake, Refusal, take_in
from grader.journal import Journal, digest, digest_of_grader, files_below
from grader.pages import feedback_page, write_feedback
from grader.result import Result, Submission
from grader.secret import secret
from grader.task import Graded
from grader.teams import classmates, mates
from grader.ungraded import nothing_in, refused_result, unprocessed

if TYPE_CHECKING:
    from grader.nbgrader_books import Books

_OURS = ("source", "release", "autograded", "feedback", "reports")
"""Folders of a course that hold no submissions."""


class UsageError(Exception):
    """The command cannot start; the text says what to do."""


class Busy(Exception):
    """Another program holds the gradebook; the text says what to do."""


@dataclass(frozen=True)
class Options:
    """How a class is graded.

    Args:
        assignment: only this one.
        jobs: how many workers there are.
        limits: what a submission may use.
        contained: False runs submissions without a sandbox.
        teams: the names in a notebook's TEAM all get its marks.
        force: what has not changed is graded again, too.
        executor: what runs the work, in place of workers on this machine.
        refuse: told of what belongs to no submission, and is not graded.
        say: told where submissions are looked for, if it is not where one said.
    """

    assignment: str | None = None
    jobs: int = 2
    limits: Limits = field(default_factory=Limits)
    contained: bool = True
    teams: bool = False
    force: bool = False
    executor: Executor | None = None
    refuse: Callable[[Refusal], None] = lambda refusal: None
    say: Callable[[str], None] = print


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
        Busy: somebody else holds the gradebook; what was graded is kept.
    """
    known = course.assignments()
    if not course.is_built() or not known:
        raise UsageError(f"there is no course in {course.root}; run `grader build` first.")
    if options.assignment is not None and options.assignment not in known:
        names = ", ".join(known)
        raise UsageError(f"the course has no assignment {options.assignment!r}; it has {names}.")
    if options.contained:
        check_sandbox()
    source = _submissions(source, course, options.say)
    if not source.exists():
        raise UsageError(f"{source} is not there.")
    jobs = 1 if source.suffix == ".ipynb" else options.jobs
    own = options.limits, secret(), options.contained, options.executor
    journal = Journal(course.private / "journal.jsonl")
    with Crew(course, jobs, *own) as crew, Grading(course, options, journal, crew) as grading:
        if options.force or not journal.knows(options.assignment):
            crew.begin()
        intake = take_in(source, course.root, known, grading.begin, assignment=options.assignment)
        for refusal in intake.refused:
            if refusal.student is None or not refusal.assignment:
                options.refuse(refusal)
        steps = ("autograded", "submitted")
        if source.resolve().is_relative_to(course.root / "submitted"):
            steps = ("autograded",)  # what was refused lies there, and is not ours
        if not intake.submissions and not any(map(_counts, intake.refused)):
            raise UsageError(nothing_in(source, [one.where for one in intake.refused], known[0]))
        yield from grading.run(intake, steps)


def _counts(refusal: Refusal) -> bool:
    """Whether it stands in the place of a submission."""
    return refusal.whole and refusal.student is not None


def _submissions(source: Path, course: Course, say: Callable[[str], None]) -> Path:
    """The source, for the whole course its folder of submissions.

    Raises:
        UsageError: it is another folder of the course, or in one.
    """
    place, submitted = source.resolve(), course.root / "submitted"
    if place == course.root:
        say(f"{source} is the course; its submissions are in {submitted}")
        return submitted
    if any(place.is_relative_to(course.root / name) for name in _OURS):
        raise UsageError(f"{source} belongs to the course; its submissions are in {submitted}.")
    return source


class Grading:
    """One run over a class."""

    def __init__(self, course: Course, options: Options, journal: Journal, crew: Crew) -> None:
        self.course, self.options, self.journal, self.crew = course, options, journal, crew
        self.of = 0
        self.seen: list[Result] = []
        self._books = None
        self._filed: set[tuple[str, str]] = set()
        self._keys: dict[Submission, str] = {}
        self._same: dict[str, tuple[str, ...]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "Grading":
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.close()

    def begin(self, submissions: Sequence[Submission]) -> None:
        """Have a worker that waits begin with a student; where it has begun, nothing is known."""
        if self.crew.waits():
            self.books.check([submission.assignment for submission in submissions])
            self._write_masters()
            self._fingerprint(submissions)  # before it is read: who changes it is graded again
            self.crew.start(submissions)

    def run(self, intake: Intake, steps: Sequence[str]) -> Iterator[Done]:
        """Results, those first that are known.

        `steps` are the folders in which a refusal replaces an earlier attempt.
        """
        submissions, keys = intake.submissions, self._keys
        self._fingerprint(submissions)
        whole = [refusal for refusal in intake.refused if _counts(refusal)]
        self.of = len(submissions) + len(whole)
        self._codes = {(r.student, r.assignment): [] for r in intake.refused}
        for refusal in intake.refused:
            self._codes[refusal.student, refusal.assignment].append(refusal.code)
        waiting: dict[str, list[Submission]] = {}
        self._filed = self.books.filed()
        for submission in submissions:
            result = self._known(keys[submission], submission)
            if result is None:
                waiting.setdefault(submission.student.login, []).append(submission)
            else:
                result = replace(result, student=submission.student, late=submission.late)
                yield self._recorded(keys[submission], result, known=True)
        if waiting or whole:
            names = {s.assignment for some in waiting.values() for s in some}
            self.books.check(sorted(names | {refusal.assignment for refusal in whole}))
        for result in self._graded(list(waiting.values())):
            mine = waiting[result.student.login]
            key = next(keys[s] for s in mine if s.assignment == result.assignment)
            yield self._kept(key, result, known=False)
        for refusal in whole:
            result = refused_result(self.course, refusal)
            for step in steps:
                place = Path(step, result.student.login, result.assignment)
                shutil.rmtree(self.course.root / place, ignore_errors=True)
            key = digest([], repr(refusal), self.course.digest(refusal.assignment))
            yield self._kept(key, result, known=key in self.journal.results)
        if self.options.teams:
            yield from self._mates(submissions)

    def _fingerprint(self, submissions: Sequence[Submission]) -> None:
        """The key of each that has none: what decides its result."""
        for s in submissions:
            if s not in self._keys:
                if s.assignment not in self._same:
                    self._same[s.assignment] = self._same_for(s.assignment)
                own = s.student.login, s.assignment, repr(s.notes)
                files, same = files_below(s.folder), self._same[s.assignment]
                self._keys[s] = digest(files, *own, *same, below=s.folder)

    def _same_for(self, assignment: str) -> tuple[str, ...]:
        """What decides all results of an assignment."""
        limits, contained = repr(self.options.limits), repr(self.options.contained)
        master = self.course.digest(assignment)
        return master, digest_of_grader(), limits, contained, self.crew.secret.hex()

    def _known(self, key: str, submission: Submission) -> Result | None:
        """The result, if it is there, and what was written last is its own."""
        last = self.journal.last.get((submission.student.login, submission.assignment))
        result = self.journal.results.get(key) if last == key and not self.options.force else None
        return result if result and self._written(result) else None

    def _written(self, result: Result) -> bool:
        """Whether the notebooks of a result are there, for people to mark."""
        folder = self.course.root / "autograded" / result.student.login / result.assignment
        there = [m for m in result.marks if not m.text or m.text not in result.problem]
        names = {mark.notebook for mark in there}
        return all((folder / f"{name}.ipynb").is_file() for name in names)

    @property
    def books(self) -> "Books":
        """The gradebook, opened when it is needed."""
        if self._books is None:
            from grader.nbgrader_books import open_books

            self._books = self._stack.enter_context(open_books(self.course))
        return self._books

    def _graded(self, work: list[list[Submission]]) -> Iterator[Result]:
        """Results as they come."""
        if not work:
            return
        self._write_masters()
        for submissions, graded in self.crew.grade(work):
            if isinstance(graded, Graded):
                yield from graded.results
            else:
                yield from (unprocessed(s, graded) for s in submissions)

    def _write_masters(self) -> None:
        for name in self.course.assignments() if not self.crew.setting.masters.exists() else ():
            self.books.write_masters(name, self.crew.setting.masters / name)

    def _kept(self, key: str, result: Result, *, known: bool) -> Done:
        """A result that stands in the journal and in the gradebook."""
        codes = [*self._codes.get((result.student, result.assignment), [])]
        codes += [] if known else self.books.complaints(result)
        result = replace(result, reasons=tuple(dict.fromkeys([*result.reasons, *codes])))
        if result.processed and not known:
            self.journal.add(key, result)
        return self._recorded(key, result, known=known)

    def _recorded(self, key: str, result: Result, *, known: bool) -> Done:
        """A result that stands in the gradebook, with a page that says so."""
        place = result.student.login, result.assignment
        again = place in self._filed and self.journal.recorded.get(place) == key
        new = result.processed and not again
        if result.processed and not (known and again):
            self.books.record(result, again=again)
        moved = known and again and self.books.penalize(result)
        if new or moved or not known or not feedback_page(self.course.root, result).is_file():
            (standing,), totals = self.books.standing([result])
            write_feedback(self.course.root, standing, totals.get(place))
            result = replace(result, late=standing.late)
        if new:
            self.journal.note_recorded(key, result)
        self.seen.append(result)
        return Done(result, len(self.seen), self.of, known)

    def _mates(self, submissions: Sequence[Submission]) -> Iterator[Done]:
        """The same result for whoever a team's notebook names and who handed in nothing."""
        own = {(s.student.login, s.assignment) for s in submissions}
        now = [*(student for student, _ in self._codes), *(one.student for one in self.seen)]
        known = classmates(self.course.root / "submitted", self.journal.results.values(), now)
        for result in [one for one in self.seen if one.processed]:
            for mate, notes in mates(result, known):
                if (mate.login, result.assignment) in own:
                    continue
                for step in ("autograded", "feedback"):
                    theirs = self.course.root / step / result.student.login / result.assignment
                    mine = self.course.root / step / mate.login / result.assignment
                    shutil.copytree(theirs, mine, dirs_exist_ok=True)
                self.of += 1
                same = replace(result, student=mate, team=(), notes=(*result.notes, *notes))
                key = digest([], repr(same))
                yield self._kept(key, same, known=key in self.journal.results)
