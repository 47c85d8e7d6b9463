"""Judging: drive an answer through cases, compare arrays, name the misconception."""

import sys
import warnings
from bdb import BdbQuit
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from traceback import walk_tb
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from grader.exercise import AnswerKey, Case, Exercise, Observables, Performance, Refused, Unplayable
from grader.stand_ins import stand_ins
from grader.verdict import GroupResult, Verdict
from grader.wire import Lost

# float32 keeps seven digits; a sum over a rollout loses two or three of them.
RTOL, ATOL = 1e-4, 1e-5


@dataclass(frozen=True)
class Outcome:
    """What one case gave: observables, or the sentence that says why there are none."""

    observables: Observables | None = None
    error: str = ""
    unwritten: bool = False


@dataclass(frozen=True)
class KnownWrong:
    """A misconception with the observables it gives, case by case."""

    name: str
    hint: str
    observables: Sequence[Observables]


@dataclass(frozen=True)
class Check:
    """Cases, what is right on them, and what each misconception gives on them."""

    cases: tuple[Case, ...]
    expected: tuple[Observables, ...]
    wrong: tuple[KnownWrong, ...]


def run(exercise: Exercise, answer: Any, case: Case) -> Outcome:
    """Drive one case; whatever the answer raises becomes a sentence."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            with stand_ins(exercise, answer), _one_thread():
                return Outcome(exercise.drive(answer, case.inputs))
    except BdbQuit:  # somebody left the debugger
        raise
    except (Exception, SystemExit) as error:
        return _failed(error)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread: for tensors as small as these the fastest, whatever else runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _failed(error: BaseException) -> Outcome:
    if isinstance(error, NotImplementedError):
        return Outcome(error="it raises NotImplementedError; it is not written yet", unwritten=True)
    if isinstance(error, Refused):
        return Outcome(error=str(error))
    return Outcome(error=f"it raises {type(error).__name__}: {_first_line(error)}{_line(error)}")


def measure(exercise: Performance, answer: Any, seed: int) -> Verdict:
    """The verdict on what is measured and not compared: an agent, a study."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            with _one_thread():
                groups, shortfall = exercise.measure(answer, seed)
    except (BdbQuit, Lost, Unplayable):  # a debugger was left; or the answer is not to blame
        raise
    except (Exception, SystemExit) as error:
        failed = _failed(error)
        nothing = (GroupResult("when it is asked for", 0.0, exercise.points),)
        return Verdict(
            exercise.name,
            0.0,
            exercise.points,
            nothing,
            unwritten=failed.unwritten,
            difference=failed.error,
        )
    points = sum(group.earned for group in groups)
    return Verdict(exercise.name, points, exercise.points, groups, difference=shortfall)


def make_check(exercise: Exercise, key: AnswerKey, rng: np.random.Generator, rounds: int) -> Check:
    """Cases drawn from `rng`, with what the key's reference and its misconceptions give on them.

    Raises:
        RuntimeError: an answer of the key fails; the text says which and in which group.
    """
    cases = tuple(exercise.cases(rng, rounds))

    def given(answer: Any) -> _Given:
        return _Given(exercise, answer, cases)

    wrong = [KnownWrong(one.name, one.hint, given(one.wrong_answer)) for one in key.misconceptions]
    return Check(cases, tuple(given(key.reference)), tuple(wrong))


class _Given(Sequence[Observables]):
    """What an answer of the key gives on each case, found when it is asked for.

    Most misconceptions are told from an answer by a single case.
    """

    def __init__(self, exercise: Exercise, answer: Any, cases: Sequence[Case]) -> None:
        self.exercise, self.answer, self.cases = exercise, answer, cases
        self._known: dict[int, Observables] = {}

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, i: Any) -> Any:
        if i not in self._known:
            case = self.cases[i]
            outcome = run(self.exercise, self.answer, case)
            if outcome.observables is None:
                raise RuntimeError(
                    f"{self.exercise.name}: the key's {name_of(self.answer)} fails "
                    f"{case.group}: {outcome.error}"
                )
            self._known[i] = outcome.observables
        return self._known[i]


def judge(exercise: Exercise, answer: Any, check: Check) -> Verdict:
    """The verdict on an answer, from its outcomes on the cases alone.

    What it calls of earlier answers is replaced by right ones. An answer that only works with the
    student's own, which may take its arguments in another way, is judged with those.
    """
    return judge_outcomes(
        exercise, check, lambda alone: drive(exercise, answer, check.cases, alone)
    )


def drive(
    exercise: Exercise, answer: Any, cases: Sequence[Case], alone: bool = False
) -> list[Outcome]:
    """What an answer gives on each case; `alone`: with the student's own earlier answers."""
    exercise = replace(exercise, replaces={}) if alone else exercise
    return [run(exercise, answer, case) for case in cases]


def judge_outcomes(
    exercise: Exercise, check: Check, outcomes: Callable[[bool], list[Outcome]]
) -> Verdict:
    """The verdict on what `outcomes(alone)` gives for the cases, wherever the answer was driven."""
    verdict = _judge(exercise, check, outcomes(False))
    if verdict.correct or verdict.unwritten or not exercise.replaces:
        return verdict
    alone = _judge(exercise, check, outcomes(True))
    return alone if alone.points > verdict.points else verdict


def _judge(exercise: Exercise, check: Check, outcomes: Sequence[Outcome]) -> Verdict:
    failures = [
        difference(outcome, right, exercise.axes)
        for outcome, right in zip(outcomes, check.expected, strict=True)
    ]
    failed = {case.group for case, failure in zip(check.cases, failures, strict=True) if failure}
    groups = tuple(
        GroupResult(group.name, 0.0 if group.name in failed else group.points, group.points)
        for group in exercise.groups
    )
    points = sum(group.earned for group in groups)
    first = next((i for i, failure in enumerate(failures) if failure), None)
    if first is None:
        return Verdict(exercise.name, points, exercise.points, groups)
    named = _named(outcomes, check)
    return Verdict(
        exercise.name,
        points,
        exercise.points,
        groups,
        unwritten=all(outcome.unwritten for outcome in outcomes),
        where=check.cases[first].group,
        difference=failures[first],
        misconception=named.name if named else "",
        hint=named.hint if named else "",
    )


def _named(outcomes: Sequence[Outcome], check: Check) -> KnownWrong | None:
    """The one misconception that gives what the answer gave, wherever it gave anything."""
    given = [i for i, outcome in enumerate(outcomes) if outcome.observables is not None]
    # From a few trivial cases, with all others raising, nothing can be said.
    few = 2 * len(given) < len(outcomes)
    if few or not any(difference(outcomes[i], check.expected[i]) for i in given):
        return None
    fitting = [
        one
        for one in check.wrong
        if not any(difference(outcomes[i], one.observables[i]) for i in given)
    ]
    return fitting[0] if len(fitting) == 1 else None


def name_of(answer: Any) -> str:
    """What an answer of the key is called."""
    if isinstance(answer, tuple):
        return ", ".join(name_of(part) for part in answer)
    return getattr(answer, "__name__", type(answer).__name__)


def difference(outcome: Outcome, expected: Observables, axes: tuple[str, ...] = ("t", "n")) -> str:
    """What differs first, as a sentence without its full stop; empty where nothing does."""
    if outcome.observables is None:
        return outcome.error
    for key, right in expected.items():
        got = outcome.observables.get(key)
        if got is None:
            return f"{key} is missing"
        if got.shape != right.shape:
            return f"{key} has shape {got.shape}, expected {right.shape}"
        # Written so that a NaN is never close to anything.
        differs = ~(np.abs(got - right) <= ATOL + RTOL * np.abs(right))
        if differs.any():
            return _describe(key, got, right, differs, axes)
    return ""


def equal(one: Observables, other: Observables) -> bool:
    """Whether two sets of observables agree within tolerance."""
    return not difference(Outcome(one), other)


def _describe(
    key: str, got: NDArray, right: NDArray, differs: NDArray[np.bool_], axes: tuple[str, ...]
) -> str:
    if right.ndim == 0:
        return f"{key}: {_pair(right, got)}"
    first = tuple(int(i) for i in np.argwhere(differs)[0])
    error = np.where(differs, np.nan_to_num(np.abs(got - right), nan=np.inf), 0.0)
    worst = tuple(int(i) for i in np.unravel_index(error.argmax(), error.shape))
    things = "steps" if axes[0] == "t" else "numbers"
    where = _place(first, axes)
    text = f"{key}: {differs.sum()} of {differs.size} {things} differ, first at {where} "
    text += f"({_pair(right[first], got[first])})"
    if worst != first:
        text += f", most at {_place(worst, axes)} ({_pair(right[worst], got[worst])})"
    return text


def _place(index: tuple[int, ...], axes: tuple[str, ...]) -> str:
    names = axes if len(index) <= len(axes) else tuple(f"axis {i} " for i in range(len(index)))
    return ", ".join(f"{name}={i}" for name, i in zip(names, index, strict=False))


def _pair(right: Any, got: Any) -> str:
    """Both numbers, with as many digits as it takes to tell them apart."""
    for digits in (5, 8, 12):
        texts = [f"{float(value):.{digits}g}" for value in (right, got)]
        if texts[0] != texts[1]:
            break
    texts = [text if any(mark in text for mark in ".einf") else f"{text}.0" for text in texts]
    return f"expected {texts[0]}, got {texts[1]}"


def _line(error: BaseException) -> str:
    """` (line 7)` of the notebook's cell, where the error came out of one."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    lines = [number for _, number in walk_tb(error.__traceback__)]
    ours = [i for i, frame in enumerate(frames) if frame.f_globals.get("__name__") == "__main__"]
    return f" (line {lines[ours[-1]]})" if ours and "IPython" in sys.modules else ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0][:200]
