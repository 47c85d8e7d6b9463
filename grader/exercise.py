"""What an exercise is, and what the answer key knows of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.verdict import GroupResult

Inputs = Mapping[str, Any]
Observables = dict[str, NDArray[np.float64]]
Drive = Callable[[Any, Inputs], Observables]
Facts = Callable[[Inputs, Observables], Observables]
Measure = Callable[[Any, int], tuple[tuple[GroupResult, ...], str]]


@dataclass(frozen=True)
class Group:
    """Cases that are judged together: all of them right earn its points, one of them wrong none.

    `name` completes "your answer is wrong …" for a student: "where an episode terminates".
    """

    name: str
    points: float


@dataclass(frozen=True)
class Case:
    """One input: plain data (numbers, strings, None, arrays), and the group it counts for."""

    group: str
    inputs: Inputs


@dataclass(frozen=True)
class Graded:
    """One graded thing.

    Args:
        name: snake_case; also the grade_id of its solution cell.
        notebook: the notebook and nbgrader assignment it stands in.
        points: at stake.
        source: paper and equation.
        answer: what a notebook hands to `check`, as an expression; the exercise's name if empty.
    """

    name: str
    notebook: str
    points: float
    source: str
    answer: str = field(default="", kw_only=True)

    @property
    def test_cell(self) -> str:
        """The grade_id of the cell that tests it."""
        return f"test_{self.name}"

    @property
    def check_call(self) -> str:
        """The visible call of its check."""
        return f'check("{self.name}", {self.answer or self.name})'


@dataclass(frozen=True)
class Exercise(Graded):
    """What is driven through cases, and compared.

    Args:
        groups: what the cases test, in the order in which they are reported; their points add up
            to the exercise's.
        cases: `(rng, n) -> cases`, n rounds of them.
        drive: `(answer, inputs) -> observables`, plain arrays. Raises `Refused` with a sentence
            when the answer gives nothing that could be compared.
        facts: `(inputs, observables) -> observables`: what is compared of what `drive` gave, where
            that is a matter of chance or of style. It runs where no student's code does, so that
            nobody can report a fact; it must take any arrays, and may raise `Refused`.
        replaces: what names of earlier exercises are bound to while this one is driven.
        yours: names in rlcore that say "yours to write" while this one is driven.
        axes: what the axes of an observable are called: "first at t=3, n=0".
    """

    groups: tuple[Group, ...]
    cases: Callable[[np.random.Generator, int], Iterable[Case]]
    drive: Drive
    facts: Facts = field(default=lambda inputs, found: found, kw_only=True)
    replaces: Mapping[str, Any] = field(default_factory=dict)
    yours: tuple[str, ...] = ()
    axes: tuple[str, ...] = ("t", "n")


@dataclass(frozen=True)
class Performance(Graded):
    """What is measured: an agent that is played, a study that is read.

    Args:
        measure: `(answer, seed) -> (groups, shortfall)`: points by group, and a sentence that says
            what is missing, empty where nothing is. Raises `Refused` where nothing can be measured.
        preview: what the published check measures instead, if measuring takes too long for it.
    """

    measure: Measure
    preview: Measure | None = field(default=None, kw_only=True)

    @property
    def published(self) -> "Performance":
        """The exercise as the published check measures it."""
        return replace(self, measure=self.preview or self.measure)


@dataclass(frozen=True)
class Misconception:
    """A named wrong answer.

    Args:
        name: completes "these are the numbers one gets when …".
        hint: a question or an idea that leads on; never code.
        wrong_answer: executable, written as a student would write it.
    """

    name: str
    hint: str
    wrong_answer: Any


@dataclass(frozen=True)
class AnswerKey:
    """What is right, what is wrong in a known way, and what is right in another style.

    `drive`: a cheaper way from reference and misconceptions to the exercise's observables, where
    there is one. It is the key's, so that no student has it.
    """

    reference: Any
    hints: tuple[str, str, str]
    misconceptions: tuple[Misconception, ...]
    also_correct: tuple[Any, ...]
    drive: Drive | None = None


class Refused(Exception):
    """An answer gave something that cannot be judged; the text says what, for the student."""


class Unplayable(Exception):
    """A package is missing here, so that nobody's agent can be played; the text says which."""
