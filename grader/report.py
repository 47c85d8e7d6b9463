"""The numbers of a class, found from its results: what the reports show, in plain data."""

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from grader.result import Mark, Result, Student
from grader.words import clean_text, many, sentence

REASONS = {
    "wrong": "The answer is wrong in part or in whole.",
    "raises": "The cell, or the answer when it was called, raised an error.",
    "not-written": "The exercise is not written yet.",
    "no-evidence": "The test cell left no outputs that could be judged.",
    "broken-evidence": "What the test cell left could not be read as plain numbers.",
    "not-judged": "The grader failed on the answer, not the answer; somebody has to look at it.",
    "timeout": "It ran too long and was stopped; what had run before counts.",
    "kernel-died": "The kernel died; what had run before counts.",
    "memory": "It needed more memory than there is and was stopped; what had run before counts.",
    "output-limit": "It printed more than is kept and was stopped; what had run before counts.",
    "not-json": "The file is cut short or damaged: it is not JSON.",
    "empty": "The file is empty.",
    "not-a-notebook": "The file is JSON, but no Jupyter notebook.",
    "foreign-notebook": "The notebook is another one: it has none of this assignment's cells.",
    "missing-notebook": "The notebook of this assignment was not handed in.",
    "oversize": "A file is too large and was left out.",
    "link": "A file was a link, which leads to nothing that was handed in; it was left out.",
    "unsafe-path": "A file's name led out of the submission; it was left out.",
    "zip-bomb": "The archive unpacks to far more than a submission may hold; it was not unpacked.",
    "sandbox-died": "The sandbox ended before the notebook did; what had run before counts.",
    "bad-timestamp": "Nothing was taken off for lateness: its timestamp.txt cannot be read.",
    "other-language": "Its notebook is not in Python and was not run; it has to be marked by hand.",
    "repaired": "The notebook was mended before it was run.",
    "unverified": "Points were read off the notebook's own outputs; nobody verified them.",
    "no-sandbox": "It ran without a sandbox: it could have changed its own marks.",
    "not-processed": "The grader failed, not the submission; it has no mark yet.",
}
TENTHS = 10
Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Total:
    """What the gradebook holds for one submission.

    Args:
        score: points by machine and by hand so far, the penalty not taken off.
        most: points of the whole assignment.
        waiting: part of it waits for a person.
        penalty: points to be taken off, for lateness.
    """

    score: float
    most: float
    waiting: bool
    penalty: float

    @property
    def final(self) -> float:
        """The score less the penalty, never below zero."""
        return max(self.score - self.penalty, 0.0)


Totals = Mapping[tuple[str, str], Total]  # of login and assignment


@dataclass(frozen=True)
class Case:
    """One student's part in something: who, in which assignment, in which exercise if in one."""

    who: str
    assignment: str
    exercise: str = ""


@dataclass(frozen=True)
class Success:
    """How a class did in one exercise; `full` and `mean` are shares, 0 to 1, of all `count`."""

    assignment: str
    name: str
    most: float
    count: int
    full: float
    mean: float


@dataclass(frozen=True)
class Held:
    """A misconception and the students who hold it."""

    assignment: str
    exercise: str
    name: str
    hint: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class Scores:
    """How the scores of one assignment are spread: students per tenth of the points.

    `by_machine` says that only points by machine are counted, since others are still to come.
    """

    assignment: str
    tenths: tuple[int, ...]
    median: float
    by_machine: bool


def clean(text: str, most: int = 20_000) -> str:
    """Text that steers no reader: no control characters, overrides or surrogates; not too long."""
    text = text if len(text) <= most else f"{text[:most]}…"
    return clean_text(re.sub(r"\r\n?", "\n", text).expandtabs(4))


def one_line(text: str, most: int = 300) -> str:
    """The same in one line."""
    return clean(" ".join(text[: 2 * most].split()), most)


def who(student: Student) -> str:
    """`Ada Lovelace (ada)`."""
    name, login = one_line(student.name, 80), one_line(student.login, 80)
    return f"{name} ({login})" if name and name != login else login


def explain(code: str) -> str:
    """A reason code as a sentence."""
    return REASONS.get(code, f"{one_line(code, 80).replace('-', ' ').capitalize()}.")


def exercise_of(mark: Mark) -> str:
    """The exercise that a cell grades."""
    return mark.verdict.exercise if mark.verdict else mark.cell.removeprefix("test_")


def lost(mark: Mark) -> bool:
    """Whether points were lost by machine."""
    by_machine = not mark.by_hand and mark.hand is None and mark.auto is not None
    return by_machine and mark.points < mark.most


def why(mark: Mark) -> str:
    """Why points were lost, in words; empty where none were."""
    if not lost(mark):
        return ""
    if mark.verdict is not None and not mark.verdict.correct:
        return sentence(mark.verdict)
    return mark.text or explain(mark.code or "wrong")


def codes(result: Result) -> list[str]:
    """Reason codes of the whole of a submission, those of how it was graded among them."""
    found = {
        "repaired": bool(result.repairs),
        "unverified": not all(mark.verified for mark in result.marks),
        "no-sandbox": not result.sandboxed,
        "not-processed": not result.processed,
    }
    return list(dict.fromkeys([*result.reasons, *(code for code, so in found.items() if so)]))


def notes(result: Result) -> list[str]:
    """What is to be said of a whole submission: problem, reasons, what was done, what waits."""
    left = f"{many(result.to_mark, 'point')} wait{'s' if result.to_mark == 1 else ''} for a person."
    said = [
        result.problem,
        *map(explain, codes(result)),
        *result.repairs,
        *result.notes,
        left if result.to_mark else "",
    ]
    return [one_line(text) for text in said if text]


def total_of(result: Result, totals: Totals) -> Total:
    """What the gradebook holds; points by machine where it holds nothing."""
    own = Total(result.points, result.most, result.to_mark > 0, 0.0)
    return totals.get((result.student.login, result.assignment), own)


def in_order(results: Sequence[Result]) -> list[Result]:
    """Results by assignment and login, so that a report does not depend on who was first."""
    return sorted(results, key=lambda one: (one.assignment, one.student.login))


def grouped(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, list[Value]]:
    """Values by key, in the order of both."""
    found: dict[Key, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def scores(results: Sequence[Result], totals: Totals) -> list[Scores]:
    """How the scores are spread, for each assignment."""
    graded = [one for one in in_order(results) if one.processed and one.most > 0]
    groups, persons = grouped((one.assignment, one) for one in graded), a_person_s(results)
    found = []
    for assignment, group in groups.items():
        whole = [total_of(result, totals) for result in group]
        shares = [total.final / total.most if total.most else 0.0 for total in whole]
        if by_machine := any(total.waiting for total in whole):
            machine = [_by_machine(one, persons) for one in group]
            shares = [points / most for points, most in machine if most > 0]
        if not shares:
            continue
        at = [min(int(share * TENTHS + 1e-9), TENTHS - 1) for share in shares]
        tenths = tuple(at.count(tenth) for tenth in range(TENTHS))
        found.append(Scores(assignment, tenths, statistics.median(shares), by_machine))
    return found


def a_person_s(results: Sequence[Result]) -> set[tuple[str, str]]:
    """Assignment and cell of what a person marks, also where a machine gave its zero."""
    return {(r.assignment, m.cell) for r in results for m in r.marks if m.auto is None}


def _by_machine(result: Result, persons: set[tuple[str, str]]) -> tuple[float, float]:
    """Points, and the most there are, of the cells that a machine marks."""
    own = [m for m in result.marks if not m.by_hand and (result.assignment, m.cell) not in persons]
    return sum(mark.auto or 0.0 for mark in own), sum(mark.most for mark in own)


def successes(results: Sequence[Result]) -> list[Success]:
    """How the class did in each exercise that a machine grades, in the notebook's order."""
    persons = a_person_s(results)
    shares = grouped(
        ((r.assignment, exercise_of(m), m.most), m.auto / m.most)
        for r in in_order(results)
        for m in (r.marks if r.processed else ())
        if m.most and m.auto is not None and not m.by_hand
        if (r.assignment, m.cell) not in persons
    )
    return [
        Success(*key, len(all_), sum(one >= 1 for one in all_) / len(all_), statistics.mean(all_))
        for key, all_ in shares.items()
    ]


def misconceptions(results: Sequence[Result]) -> list[Held]:
    """Misconceptions with who holds them, the most frequent first."""
    holders = grouped(
        ((r.assignment, v.exercise, v.misconception, v.hint), who(r.student))
        for r in in_order(results)
        for v in (mark.verdict for mark in r.marks)
        if v is not None and v.misconception
    )
    found = [Held(*key, tuple(students)) for key, students in holders.items()]
    return sorted(found, key=lambda one: -len(one.students))


def reasons(results: Sequence[Result]) -> list[tuple[str, list[Case]]]:
    """Reason codes with who has them, the most frequent first; plainly wrong answers left out."""
    pairs: list[tuple[str, Case]] = []
    for result in in_order(results):
        here, whole = (who(result.student), result.assignment), codes(result)
        pairs += [(code, Case(*here)) for code in whole]
        parts = [mark for mark in result.marks if mark.code not in ("", "wrong", *whole)]
        pairs += [(mark.code, Case(*here, exercise_of(mark))) for mark in parts]
    return sorted(grouped(pairs).items(), key=lambda one: -len(one[1]))


def unverified(results: Sequence[Result]) -> dict[str, list[str]]:
    """Cells whose outputs were believed, with whose."""
    return grouped(
        (f"{result.assignment}: {exercise_of(mark)}", who(result.student))
        for result in in_order(results)
        for mark in result.marks
        if not mark.verified and not mark.by_hand
    )
