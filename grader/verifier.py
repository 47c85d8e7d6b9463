"""The verifier: hidden inputs go to a witness, plain data comes back, and is judged here.

It holds the secret and the answer key and never runs a student's code.
"""

import ast
import builtins
import re
from collections.abc import Container, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.compare import Outcome
from grader.evidence import drive_question, read_actions, read_outcomes
from grader.exercise import Case, Exercise, Performance, Refused
from grader.exercises import find_exercise
from grader.hidden import hidden_check, hidden_rng
from grader.judge import judge_outcomes, measure, observed
from grader.published import NOTEBOOKS, load_published
from grader.questions import Question
from grader.run import Witness
from grader.verdict import Verdict


@dataclass(frozen=True)
class Rehearsed:
    """What published inputs gave: errors, all that words may say later, and the first outcome."""

    told: frozenset[str]
    first: Outcome


@dataclass(frozen=True)
class Verifier:
    """Judges the answers of one student.

    Args:
        student: the login; with the secret it decides the hidden inputs.
        folder: holds a folder per notebook with what was handed in beside it.
        secret: from which hidden inputs are drawn.
    """

    student: str
    folder: Path
    secret: bytes

    def rehearse(self, question: Question, witness: Witness) -> Rehearsed:
        """What an answer gives on published inputs.

        Every witness is asked this before a hidden input comes into the sandbox: an answer could
        keep it, in a file too, and another say it in an error. One case is tried, and one of each
        group where that fails.
        """
        exercise = find_exercise(question.exercise)
        if isinstance(exercise, Performance):
            return Rehearsed(frozenset(), Outcome())
        cases = load_published(exercise, NOTEBOOKS).check.cases
        others = list({case.group: case for case in reversed(cases[1:])}.values())
        seen: list[Outcome] = []
        for some in (cases[:1], others):
            outcomes = _drive(exercise, question.answer, some, False, witness)
            seen += [observed(exercise, *pair) for pair in zip(some, outcomes, strict=True)]
            if seen[0].observables is not None:
                break
        errors = {outcome.error for outcome in seen if outcome.observables is None}
        return Rehearsed(frozenset(errors), seen[0])

    def judge(self, question: Question, witness: Witness, rehearsed: Rehearsed) -> Verdict:
        """The verdict on one answer.

        Raises:
            Ended, Closed, BrokenFrame: no evidence came, or none that can be read.
            LookupError: there is no such exercise.
        """
        exercise = find_exercise(question.exercise)
        if isinstance(exercise, Performance):
            return self._measured(exercise, question, witness)
        published = load_published(exercise, NOTEBOOKS).check
        check = hidden_check(exercise, secret=self.secret, student=self.student)
        check = check.likely(published, rehearsed.first)

        def ask(alone: bool) -> list[Outcome]:
            return _drive(exercise, question.answer, check.cases, alone, witness)

        return judge_outcomes(
            exercise, check, ask, lambda outcome: _in_words(outcome, rehearsed.told)
        )

    def _measured(self, exercise: Performance, question: Question, witness: Witness) -> Verdict:
        """The verdict on a study, which is read here, or on an agent, which is played here.

        The agent's random numbers start from a seed that tells nothing of its environments'.
        """
        seed, known = (self._seed(exercise.name + whose) for whose in ("", ", the agent's"))
        try:
            answer = ast.literal_eval(question.answer)
        except ValueError:
            witness.ask({"seed": known})
            return measure(exercise, _Agent(question.answer, witness), seed)
        with chdir(self.folder / exercise.notebook):
            return measure(exercise, answer, seed)

    def _seed(self, purpose: str) -> int:
        rng = hidden_rng(purpose, secret=self.secret, student=self.student)
        return int(rng.integers(2**31))


class _Agent:
    """An agent that lives in the sandbox: observations go in, actions come out."""

    def __init__(self, answer: str, witness: Witness) -> None:
        self.answer, self.witness = answer, witness

    def __call__(self, observations: Any) -> Any:
        message = self.witness.ask({"answer": self.answer, "observations": observations})
        actions = read_actions(message)
        if isinstance(actions, Outcome):
            if actions.unwritten:
                raise NotImplementedError
            raise Refused(f"{_kind(actions)} while it is played; check says more")
        return actions


def _drive(
    exercise: Exercise, answer: str, cases: Sequence[Case], alone: bool, witness: Witness
) -> list[Outcome]:
    return read_outcomes(witness.ask(drive_question(exercise, answer, cases, alone)), len(cases))


def _in_words(outcome: Outcome, told: Container[str]) -> str:
    """What is told of an error: its words if they are known already; they may hold an input."""
    if outcome.unwritten or outcome.error in told:
        return outcome.error
    return f"{_kind(outcome)} for an input that the published check does not try"


def _kind(outcome: Outcome) -> str:
    name = (re.match(r"it raises (\w+)", outcome.error) or ["", ""])[1]
    kind = getattr(builtins, name, None)
    known = isinstance(kind, type) and issubclass(kind, BaseException)
    return f"it raises {name}" if known else "it gives nothing that can be judged"
