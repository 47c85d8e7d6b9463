"""What `grader grade` tells while it works, and what it leaves to be read."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from grader.ci import annotations, step_summary
from grader.course import Course
from grader.grade import Done
from grader.intake import Refusal
from grader.journal import Journal
from grader.pages import write_feedback, write_reports
from grader.report import Totals
from grader.result import Result
from grader.words import many, number, printable


class Progress:
    """Rows of a table, with how fast it goes and how long it takes; then the sum."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.number = self.fresh = 0
        self.refusals: list[Refusal] = []
        self._started = time.monotonic()

    def refuse(self, refusal: Refusal) -> None:
        """Print what was not taken, since nobody's submission it is."""
        self.refusals.append(refusal)
        print(printable(f"not taken [{refusal.code}]: {refusal.text}"), flush=True)

    def show(self, done: Done) -> None:
        """Print one result; what is unchanged only counts."""
        self.results.append(done.result)
        self.number = done.number
        if done.known:
            return
        self.fresh += 1
        seconds = time.monotonic() - self._started
        left = (done.of - done.number) * seconds / self.fresh
        rate = f"{60 * self.fresh / seconds:.0f}/min"
        width = len(str(done.of))
        head = f"[{done.number:>{width}}/{done.of} {rate:>7} {_clock(left)} left]"
        first, *others = table_row(done.result)
        print(f"{head} {first}", *others, sep="\n", flush=True)

    def end(self) -> None:
        """Print how many there were, and how long it took."""
        seconds = time.monotonic() - self._started
        known = len(self.results) - self.fresh
        unchanged = f", {known} of them unchanged" if known else ""
        print(f"\n{many(len(self.results), 'submission')} in {seconds:.1f} s{unchanged}")

    def good(self, percent: float | None) -> bool:
        """Whether all were processed, and nobody has less than this part of a machine's points."""
        lost = any(refusal.where.endswith((".ipynb", ".zip")) for refusal in self.refusals)
        fine = not lost and all(result.processed for result in self.results)
        return fine and (percent is None or all(_percent(r) >= percent for r in self.results))


def _percent(result: Result) -> float:
    by_machine = sum(mark.most for mark in result.marks if not mark.by_hand)
    if result.marks and all(mark.auto is None for mark in result.marks):
        return 100.0  # a person marks all of it, so a machine finds nothing wrong
    return 100.0 * result.points / by_machine if by_machine else 0.0


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def table_row(result: Result) -> list[str]:
    """Lines of the printed table: score and the first thing wrong, then the other things."""
    most = number(result.most)
    points = f"{number(result.points):>5} of {most}" if result.processed else "not graded"
    codes = " ".join(code for code in result.reasons if code != "repaired")
    said = [f"[{codes}]" if codes else "", result.problem]
    said += [mark.text for mark in result.marks if mark.text != result.problem]
    said += [*result.repairs, *result.notes, "late" if result.late else ""]
    said += [f"{number(result.to_mark)} to mark by hand" if result.to_mark else ""]
    first, *others = [line for line in said if line] or [""]
    name = f"{result.student.login} {result.assignment}"
    rows = [f"{name:<44} {points:<12} {first}".rstrip()]
    return [printable(row) for row in [*rows, *(f"{'':<18} {line}" for line in others)]]


def last_results(course: Course) -> list[Result]:
    """The last result of every submission that stands in the gradebook, by name."""
    journal = Journal(course.private / "journal.jsonl")
    found = {
        place: journal.results[key]
        for place, key in journal.recorded.items()
        if key in journal.results
    }
    return [found[place] for place in sorted(found)]


def as_they_stand(course: Course, results: Iterable[Result]) -> tuple[list[Result], Totals]:
    """Results and their points as the gradebook has them."""
    from grader.nbgrader_books import open_books

    with open_books(course) as books:
        return books.standing(list(results))


def write_reports_of(course: Course, results: Iterable[Result]) -> list[Path]:
    """Write class page, tables, and files for LMS and CI, with the gradebook's points."""
    return write_reports(*as_they_stand(course, results), course.root / "reports")


def write_again(course: Course, results: Iterable[Result]) -> list[Path]:
    """Write the reports and everybody's feedback, with the marks that people have given."""
    found, totals = as_they_stand(course, results)
    for one in found:
        write_feedback(course.root, one, totals.get((one.student.login, one.assignment)))
    return write_reports(found, totals, course.root / "reports")


def write_all(course: Course, progress: Progress) -> None:
    """Write the reports, and say where everything is."""
    place = {(r.student.login, r.assignment): r for r in last_results(course)}
    place |= {(r.student.login, r.assignment): r for r in progress.results}
    results, totals = as_they_stand(course, place.values())
    folder = course.root / "reports"
    write_reports(results, totals, folder)
    print(f"gradebook  {course.gradebook}")
    print(f"feedback   {course.root / 'feedback'}")
    print(f"reports    {folder}")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        print(*annotations(progress.results), sep="\n")
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with open(summary, "a", encoding="utf-8") as file:
                file.write(step_summary(progress.results, totals))
