"""What is judged outside of the sandbox: nobody can report a fact, and any arrays will do."""

from contextlib import suppress
from itertools import count

import numpy as np
import pytest

from grader.compare import difference
from grader.exercise import Refused
from grader.exercises.actor_critic import ACTOR_CRITIC
from grader.exercises.policy import POLICY
from grader.hidden import answer_keys
from grader.judge import observed, run

ALL = [(exercise, g.name) for exercise in (ACTOR_CRITIC, POLICY) for g in exercise.groups]
SHAPES = (ACTOR_CRITIC, "in what forward returns")


def raw_of(exercise, case):
    return run(exercise, answer_keys()[exercise.name].reference, case)


def first_case(exercise, group, seed):
    cases = exercise.cases(np.random.default_rng(seed), 1)
    return next(case for case in cases if case.group == group)


def shapes(case):
    return {key: np.shape(value) for key, value in case.inputs.items()}


def twins(exercise, group):
    """Two cases of the same sizes."""
    one = first_case(exercise, group, 0)
    others = (first_case(exercise, group, seed) for seed in count(1))
    return one, next(other for other in others if shapes(other) == shapes(one))


@pytest.mark.parametrize(("exercise", "group"), ALL)
def test_facts_take_any_arrays(exercise, group):
    cases = exercise.cases(np.random.default_rng(0), 1)
    for case in (case for case in cases if case.group == group):
        raw = raw_of(exercise, case).observables
        for name in raw:
            rest = {key: array for key, array in raw.items() if key != name}
            other = (raw[name] * np.nan, raw[name] + np.inf, np.zeros(0), np.ones((2, 0)))
            for changed in (rest, *(rest | {name: array} for array in (*other, np.ones(())))):
                with suppress(Refused):
                    exercise.facts(case.inputs, changed)


# For one size there is one right shape: that group is told by its many sizes.
@pytest.mark.parametrize(("exercise", "group"), [one for one in ALL if one != SHAPES])
def test_what_proves_one_case_proves_no_other_of_its_size(exercise, group):
    one, other = twins(exercise, group)
    raw, right = raw_of(exercise, one), observed(exercise, other, raw_of(exercise, other))
    assert observed(exercise, one, raw).observables
    assert right.observables and difference(observed(exercise, other, raw), right.observables)


@pytest.mark.parametrize("exercise", [ACTOR_CRITIC, POLICY], ids=lambda one: one.name)
def test_raw_arrays_of_a_hidden_check_are_less_than_two_megabytes(exercise):
    cases = exercise.cases(np.random.default_rng(0), 2)
    sizes = [
        array.nbytes for case in cases for array in raw_of(exercise, case).observables.values()
    ]
    assert sum(sizes) < 2_000_000
