"""Evidence: what an answer gave in the sandbox, as plain data, and how it is asked for and read.

`answer_question` runs inside; everything else runs outside, and believes no word of what comes.
"""

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np
import torch

from grader.compare import UNWRITTEN, Outcome
from grader.exercise import Case, Exercise, Refused
from grader.exercises import find_exercise
from grader.judge import drive
from grader.plain import plain
from grader.wire import BrokenFrame

MOST_TEXT = 400


def answer_question(question: Mapping[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
    """The answer to one question, as plain data; runs inside the sandbox."""
    try:
        if "seed" in question:
            return {"seeded": _seed(question["seed"])}
        answer = eval(_compiled(question["answer"]), namespace)
        if "observations" in question:
            with torch.no_grad():
                actions = plain(answer(question["observations"]), "what act returns")
            return {"actions": actions}
        exercise = find_exercise(question["exercise"])
        assert isinstance(exercise, Exercise)
        cases = [Case(group, inputs) for group, inputs in question["cases"]]
        outcomes = drive(exercise, answer, cases, question["alone"])
        return {"outcomes": [_sent(outcome) for outcome in outcomes]}
    except BaseException as error:
        text = str(error) if isinstance(error, Refused) else _named(error)
        return {"error": text, "unwritten": isinstance(error, NotImplementedError)}


@lru_cache
def _compiled(answer: str) -> CodeType:
    return compile(answer, "<answer>", "eval")


def _seed(seed: int) -> bool:
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - agents may use the old interface
    torch.manual_seed(seed)
    return True


def _named(error: BaseException) -> str:
    return f"it raises {type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}"


def _sent(outcome: Outcome) -> dict[str, Any]:
    if outcome.observables is None:
        return {"error": outcome.error[:MOST_TEXT], "unwritten": outcome.unwritten}
    return {"observables": outcome.observables}


def drive_question(
    exercise: Exercise, answer: str, cases: Sequence[Case], alone: bool
) -> dict[str, Any]:
    """The question what an answer, a Python expression, gives on some cases."""
    return {
        "exercise": exercise.name,
        "answer": answer,
        "alone": alone,
        "cases": [[case.group, dict(case.inputs)] for case in cases],
    }


def read_outcomes(message: Any, cases: int) -> list[Outcome]:
    """The outcomes in an answer to `drive_question`.

    Raises:
        BrokenFrame: it is of another form, or for another number of cases.
    """
    if type(message) is dict and "error" in message:
        return [_read(message)] * cases
    if type(message) is not dict or type(message.get("outcomes")) is not list:
        raise BrokenFrame("no outcomes")
    if len(message["outcomes"]) != cases:
        raise BrokenFrame(f"{len(message['outcomes'])} outcomes for {cases} cases")
    return [_read(outcome) for outcome in message["outcomes"]]


def _read(sent: Any) -> Outcome:
    if type(sent) is not dict:
        raise BrokenFrame("an outcome that is none")
    if sent.keys() == {"error", "unwritten"}:
        text, unwritten = sent["error"], sent["unwritten"]
        if type(text) is not str or type(unwritten) is not bool:
            raise BrokenFrame("an error that is no text")
        return UNWRITTEN if unwritten else Outcome(error=text[:MOST_TEXT] or "it gives nothing")
    observables = sent.get("observables")
    if sent.keys() != {"observables"} or type(observables) is not dict:
        raise BrokenFrame("an outcome that is none")
    for array in observables.values():
        if type(array) is not np.ndarray or array.dtype != np.float64:
            raise BrokenFrame("an observable that is no array of float64")
    return Outcome(observables)


def read_actions(message: Any) -> Any:
    """The actions in an answer; an `Outcome` with the error where the agent failed.

    Raises:
        BrokenFrame: it is of another form.
    """
    if type(message) is dict and type(message.get("actions")) is np.ndarray:
        return message["actions"]
    return _read(message)
