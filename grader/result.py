"""Who handed in what, and what became of it: plain data that goes to a journal and to reports."""

from dataclasses import dataclass
from pathlib import Path

from grader.verdict import Verdict


@dataclass(frozen=True)
class Student:
    """A person: the name in the gradebook, and what the LMS calls them where it said so."""

    login: str
    name: str = ""
    lms_id: str = ""


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one assignment: a folder with the notebook and its files.

    `notes` say what was done to it on the way in: files left out, an earlier attempt set aside.
    """

    student: Student
    assignment: str
    folder: Path
    late: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """One graded cell.

    Args:
        notebook, cell: where it stands: a name and a grade_id.
        most: its points.
        auto: points by machine; None where a person decides.
        by_hand: it waits for a person.
        hand: points that a person gave, in place of the machine's.
        code: empty where nothing is lost; else why: `wrong`, `raises`, `not-written`,
            `no-evidence`, `broken-evidence`, `timeout`, `kernel-died`, …
        text: the same in words, one line.
        verified: judged by the verifier, from evidence; False where outputs were believed.
        verdict: what the verifier found.
    """

    cell: str
    most: float
    auto: float | None
    by_hand: bool = False
    code: str = ""
    text: str = ""
    verified: bool = True
    verdict: Verdict | None = None
    notebook: str = ""
    hand: float | None = None

    @property
    def points(self) -> float:
        """Points so far."""
        return (self.auto or 0.0) if self.hand is None else self.hand


@dataclass(frozen=True)
class Result:
    """What became of one submission.

    Args:
        reasons: codes of what befell the whole of it: `not-json`, `timeout`, `kernel-died`, ….
        repairs: what was mended before it was run, in words.
        notes: what was done to it on the way in, in words.
        problem: a sentence, where the whole of it could not be graded.
        team: the logins that the notebook names.
        comments: (notebook, grade_id, text) of what a person wrote.
        unanswered: (notebook, grade_id) of solution cells that are still as they were given out.
        seconds: CPU time of the submission's own code.
        sandboxed: it ran in the sandbox.
        processed: False where the grader and not the submission is at fault: nobody's zero.
    """

    student: Student
    assignment: str
    marks: tuple[Mark, ...] = ()
    reasons: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    team: tuple[str, ...] = ()
    comments: tuple[tuple[str, str, str], ...] = ()
    unanswered: tuple[tuple[str, str], ...] = ()
    late: bool = False
    seconds: float = 0.0
    sandboxed: bool = True
    processed: bool = True

    @property
    def points(self) -> float:
        """Points by machine."""
        return sum(mark.auto or 0.0 for mark in self.marks)

    @property
    def most(self) -> float:
        """Points of the whole assignment."""
        return sum(mark.most for mark in self.marks)

    @property
    def to_mark(self) -> float:
        """Points that wait for a person."""
        return sum(mark.most for mark in self.marks if mark.by_hand)
