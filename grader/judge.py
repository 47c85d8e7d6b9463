"""Judging: drive an answer through cases, compare arrays, name the misconception."""

import sys
import warnings
from bdb import BdbQuit
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import compress
from traceback import walk_tb
from typing import Any

import numpy as np
import torch

from grader.compare import UNWRITTEN, Outcome, difference
from grader.exercise import AnswerKey, Case, Exercise, Observables, Performance, Refused, Unplayable
from grader.stand_ins import stand_ins
from grader.verdict import GroupResult, Verdict
from grader.wire import Lost


@dataclass(frozen=True)
class KnownWrong:
    """A misconception with the observables it gives, case by case."""

    name: str
    hint: str
    observables: Sequence[Observables]


@dataclass(frozen=True)
class Check:
    """Cases, what is right on them, and what each misconception gives on them.

    `hidden`: nobody is to learn from a verdict what the inputs are.
    """

    cases: tuple[Case, ...]
    expected: Sequence[Observables]
    wrong: tuple[KnownWrong, ...]
    hidden: bool = False

    def likely(self, published: "Check", first: Outcome) -> "Check":
        """Itself without misconceptions that give something else on the first published case.

        `first`: what the answer gave there. To find out what is left here takes longer.
        """
        names = [[one.name for one in check.wrong] for check in (self, published)]
        if names[0] != names[1] or not _numbers(first):
            return self
        alike = [not difference(first, one.observables[0]) for one in published.wrong]
        return replace(self, wrong=tuple(compress(self.wrong, alike)))


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


def observed(exercise: Exercise, case: Case, outcome: Outcome) -> Outcome:
    """What is compared of what driving a case gave."""
    if outcome.observables is None:
        return outcome
    try:
        return Outcome(exercise.facts(case.inputs, outcome.observables))
    except Refused as error:
        return Outcome(error=str(error))
    except Exception:  # arrays as no driver gives them
        return Outcome(error="what it gave cannot be read")


def _failed(error: BaseException) -> Outcome:
    if isinstance(error, NotImplementedError):
        return UNWRITTEN
    if isinstance(error, Refused):
        return Outcome(error=str(error) or "it gives nothing")
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

    That is found when it is asked for, and is a RuntimeError then if the key's answer fails.
    """
    exercise = replace(exercise, drive=key.drive or exercise.drive)
    cases = tuple(exercise.cases(rng, rounds))

    def given(answer: Any) -> _Given:
        return _Given(exercise, answer, cases)

    wrong = [KnownWrong(one.name, one.hint, given(one.wrong_answer)) for one in key.misconceptions]
    return Check(cases, given(key.reference), tuple(wrong))


class _Given(Sequence[Observables]):
    """What an answer of the key gives on each case, found when it is asked for.

    Most misconceptions are told from an answer by a single case.

    Raises:
        RuntimeError: the answer fails, when it is asked for; says which, and in which group.
    """

    def __init__(self, exercise: Exercise, answer: Any, cases: Sequence[Case]) -> None:
        self.exercise, self.answer, self.cases = exercise, answer, cases
        self._known: dict[int, Observables] = {}

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, i: Any) -> Any:
        if i not in self._known:
            case = self.cases[i]
            outcome = observed(self.exercise, case, run(self.exercise, self.answer, case))
            if outcome.observables is None:
                raise RuntimeError(
                    f"{self.exercise.name}: the key's {name_of(self.answer)} fails "
                    f"{case.group}: {outcome.error}"
                )
            self._known[i] = outcome.observables
        return self._known[i]


def judge(exercise: Exercise, answer: Any, check: Check) -> Verdict:
    """The verdict on an answer, from its outcomes on the cases alone.

    What it calls of earlier answers is replaced by right ones. An answer that raises with those,
    perhaps because the student's own take their arguments in another way, is judged with the own.
    """
    check = replace(check, expected=tuple(check.expected))  # before it runs: it may change torch
    return judge_outcomes(exercise, check, partial(drive, exercise, answer, check.cases))


def drive(
    exercise: Exercise, answer: Any, cases: Sequence[Case], alone: bool = False
) -> list[Outcome]:
    """What an answer gives on each case; `alone`: with the student's own earlier answers."""
    exercise = replace(exercise, replaces={}) if alone else exercise
    return [run(exercise, answer, case) for case in cases]


def judge_outcomes(
    exercise: Exercise,
    check: Check,
    outcomes: Callable[[bool], list[Outcome]],
    words: Callable[[Outcome], str] = lambda outcome: outcome.error,
) -> Verdict:
    """The verdict on what `outcomes(alone)` gives for the cases, wherever the answer was driven.

    `words` says what is told of an outcome without observables.
    """

    def seen(alone: bool) -> list[Outcome]:
        pairs = zip(check.cases, outcomes(alone), strict=True)
        return [observed(exercise, case, outcome) for case, outcome in pairs]

    found = seen(False)
    verdict = _judge(exercise, check, found, words)
    raised = any(outcome.observables is None for outcome in found)
    if not raised or verdict.unwritten or not exercise.replaces:
        return verdict
    alone = _judge(exercise, check, seen(True), words)
    return alone if alone.points > verdict.points else verdict


def _judge(
    exercise: Exercise,
    check: Check,
    outcomes: Sequence[Outcome],
    words: Callable[[Outcome], str],
) -> Verdict:
    failures = [
        difference(outcome, check.expected[i], exercise.axes, hidden=check.hidden)
        if outcome.observables is not None
        else outcome.error
        for i, outcome in enumerate(outcomes)
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
    named, numbers = _named(outcomes, check), outcomes[first].observables is not None
    return Verdict(
        exercise.name,
        points,
        exercise.points,
        groups,
        unwritten=all(outcome.unwritten for outcome in outcomes),
        where=check.cases[first].group,
        difference=failures[first] if numbers else words(outcomes[first]),
        misconception=named.name if named else "",
        hint=named.hint if named else "",
    )


def _named(outcomes: Sequence[Outcome], check: Check) -> KnownWrong | None:
    """The one misconception that gives what the answer gave, wherever it gave numbers.

    A misconception may stand in the key several times under its name, in several styles.
    """
    given = [i for i, outcome in enumerate(outcomes) if _numbers(outcome)]
    # From a few trivial cases, with all others raising, nothing can be said.
    few = 2 * len(given) < len(outcomes)
    telling = [i for i in given if difference(outcomes[i], check.expected[i])]
    if few or not telling:
        return None
    given.sort(key=lambda i: i not in telling)  # where it is wrong, few others are wrong alike
    fitting = [
        one
        for one in check.wrong
        if not any(difference(outcomes[i], one.observables[i]) for i in given)
    ]
    return fitting[0] if len({one.name for one in fitting}) == 1 else None


def _numbers(outcome: Outcome) -> bool:
    """Whether a case gave numbers: a mean of one sample may be, its standard deviation is none."""
    found = outcome.observables
    return found is not None and all(np.isfinite(array).all() for array in found.values())


def name_of(answer: Any) -> str:
    """What an answer of the key is called."""
    if isinstance(answer, tuple):
        return ", ".join(name_of(part) for part in answer)
    return getattr(answer, "__name__", type(answer).__name__)


def _line(error: BaseException) -> str:
    """` (line 7)` of the notebook's cell, where the error came out of one."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    lines = [number for _, number in walk_tb(error.__traceback__)]
    ours = [i for i, frame in enumerate(frames) if frame.f_globals.get("__name__") == "__main__"]
    return f" (line {lines[ours[-1]]})" if ours and "IPython" in sys.modules else ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0][:200]
