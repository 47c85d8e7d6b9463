"""The verifier: hidden inputs go to a witness, plain data comes back, and is judged here.

It holds the secret and the answer key and never runs a student's code.
"""

import ast
import builtins
import re
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.compare import Outcome
from grader.evidence import drive_question, read_actions, read_outcomes
from grader.exercise import Case, Exercise, Performance, Refused
from grader.exercises import find_exercise
from grader.hidden import hidden_check, hidden_rng
from grader.judge import judge_outcomes, measure
from grader.published import load_published
from grader.questions import Question
from grader.run import Witness
from grader.verdict import Verdict


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

    def judge(self, question: Question, witness: Witness) -> Verdict:
        """The verdict on one answer.

        Raises:
            Ended, Closed, BrokenFrame: no evidence came, or none that can be read.
            LookupError: there is no such exercise.
        """
        exercise = find_exercise(question.exercise)
        if isinstance(exercise, Performance):
            return self._measured(exercise, question, witness)
        check = hidden_check(exercise, secret=self.secret, student=self.student)
        given: list[Outcome] = []

        def ask(alone: bool) -> list[Outcome]:
            outcomes = _drive(exercise, question.answer, check.cases, alone, witness)
            given.extend(outcomes)
            return outcomes

        verdict = judge_outcomes(exercise, check, ask)
        if verdict.difference in {outcome.error for outcome in given if not outcome.unwritten}:
            return _without_secrets(verdict, exercise, question.answer, witness)
        return verdict

    def _measured(self, exercise: Performance, question: Question, witness: Witness) -> Verdict:
        """The verdict on a study, which is read here, or on an agent, which is played here."""
        rng = hidden_rng(exercise.name, secret=self.secret, student=self.student)
        seed = int(rng.integers(2**31))
        try:
            answer = ast.literal_eval(question.answer)
        except ValueError:
            witness.ask({"seed": seed})
            return measure(exercise, _Agent(question.answer, witness), seed)
        with chdir(self.folder / exercise.notebook):
            return measure(exercise, answer, seed)


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
            raise Refused(actions.error)
        return actions


def _drive(
    exercise: Exercise, answer: str, cases: Sequence[Case], alone: bool, witness: Witness
) -> list[Outcome]:
    message = witness.ask(drive_question(exercise, answer, cases, alone))
    return read_outcomes(message, len(cases))


def _without_secrets(
    verdict: Verdict, exercise: Exercise, answer: str, witness: Witness
) -> Verdict:
    """The verdict; an error's words stand in it only if published inputs give the same ones.

    Else they may hold a hidden input.
    """
    published = load_published(exercise).check.cases
    known = {one.error for one in _drive(exercise, answer, published, False, witness)}
    if verdict.difference in known:
        return verdict
    name = (re.match(r"it raises (\w+)", verdict.difference) or ["", ""])[1]
    kind = getattr(builtins, name, None)
    known_kind = isinstance(kind, type) and issubclass(kind, BaseException)
    what = f"it raises {name}" if known_kind else "it gives nothing that can be judged"
    return replace(verdict, difference=f"{what} for an input that the published check does not try")
