"""The driver of `sampler`: what it sees, what it leaves alone, and what it says."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from grader.compare import Outcome
from grader.exercises import find_exercise
from grader.hidden import answer_keys
from grader.judge import judge, judge_outcomes, make_check, observed
from grader.wire import MAX_FRAME

SAMPLER, KEY = find_exercise("sampler"), answer_keys()["sampler"]
CHECK = make_check(SAMPLER, replace(KEY, misconceptions=()), np.random.default_rng(0), 1)


class Sampler:
    def __init__(self, runner, num_epochs, num_minibatches, transforms=None):
        self.runner, self.num_epochs, self.num_minibatches = runner, num_epochs, num_minibatches
        self.transforms = transforms or []

    def get_next(self):
        trajectory = self.runner.get_next()
        for _ in range(self.num_epochs):
            order = np.random.default_rng().permutation(len(trajectory["rewards"]))
            for rows in np.array_split(order, self.num_minibatches):
                minibatch = self.minibatch(trajectory, rows)
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch

    def minibatch(self, trajectory, rows):
        return {key: value[rows] for key, value in trajectory.items() if np.ndim(value)}


def verdict_on(**changed):
    return judge(SAMPLER, type("Sampler", (Sampler,), changed), CHECK)


def lost(verdict):
    return {group.name for group in verdict.groups if group.earned < group.points}


@pytest.mark.parametrize("answer", [Sampler, KEY.reference, *KEY.also_correct])
def test_right_answers_get_all_points_whatever_is_drawn(answer):
    for seed in range(3):
        check = make_check(SAMPLER, KEY, np.random.default_rng(seed), 1)
        assert judge(SAMPLER, answer, check).correct


def test_the_random_generators_of_the_notebook_go_on_as_if_nothing_had_been():
    def drawn():
        return random.random(), np.random.rand(), torch.rand(()).item()  # noqa: NPY002

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    before = drawn()
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])
    judge(SAMPLER, KEY.also_correct[2], CHECK)
    assert drawn() == before


def test_who_stumbles_over_keys_without_a_time_axis_loses_that_alone():
    verdict = verdict_on(minibatch=lambda self, given, rows: {k: v[rows] for k, v in given.items()})
    assert lost(verdict) == {"where keys of the trajectory have no time axis"}
    assert verdict.points == 3.75
    assert "it raises" in verdict.difference


def test_minibatches_that_share_memory_with_the_trajectory_are_seen_by_what_they_harm():
    def views(self, trajectory, rows):
        half = trajectory["rewards"].size // 2
        return {key: value[:half] for key, value in trajectory.items() if np.ndim(value)}

    assert "in the trajectory, which must stay as it is" in lost(verdict_on(minibatch=views))


def test_a_minibatch_whose_one_key_belongs_to_other_rows_is_seen():
    def turned(self, trajectory, rows):
        right = Sampler.minibatch(self, trajectory, rows)
        return right | {"frames": right["frames"][::-1]}

    verdict = verdict_on(minibatch=turned)
    assert lost(verdict) == {"in the rows that the minibatches hold"}
    assert "the rows of all keys belong together" in verdict.difference


def lists_of_nothing(self):
    self.runner.get_next()
    return []


def empty_minibatches(self):
    self.runner.get_next()
    return [{"observations": np.zeros((0, 3))}] * self.num_epochs * self.num_minibatches


def a_row_of_each(self):
    return [{k: v[:1] for k, v in self.runner.get_next().items() if np.ndim(v)}]


@pytest.mark.parametrize("get_next", [lists_of_nothing, empty_minibatches, a_row_of_each])
def test_where_next_to_nothing_is_given_nothing_is_earned(get_next):
    assert verdict_on(get_next=get_next).points == 0.0


def test_a_trajectory_that_loses_its_keys_without_a_time_axis_is_seen():
    def deletes(self, trajectory, rows):
        for key in [key for key, value in trajectory.items() if not np.ndim(value)]:
            del trajectory[key]
        return {key: value[rows] for key, value in trajectory.items()}

    verdict = verdict_on(minibatch=deletes)
    assert lost(verdict) == {"where keys of the trajectory have no time axis"}
    assert "keys that the trajectory has gained or lost" in verdict.difference


def halves_apart(rng, num_steps):
    return np.concatenate([rng.permutation(rows) for rows in np.split(np.arange(num_steps), 2)])


def halves_in_any_order(rng, num_steps):
    halves = np.split(halves_apart(rng, num_steps), 2)
    return np.concatenate([halves[i] for i in rng.permutation(2)])


def pairs_together(rng, num_steps):
    pairs = 2 * rng.permutation(num_steps // 2)
    return np.stack([pairs, pairs + 1], axis=1).ravel()


@pytest.mark.parametrize("order", [halves_apart, halves_in_any_order, pairs_together])
def test_rows_that_are_not_mixed_with_all_others_cost_the_points_of_the_order(order):
    def get_next(self):
        trajectory = self.runner.get_next()
        for _ in range(self.num_epochs):
            num_steps = len(trajectory["rewards"])
            rows = np.arange(num_steps)
            if num_steps % self.num_minibatches == 0 and num_steps % 2 == 0:
                rows = order(np.random.default_rng(), num_steps)
            for part in np.array_split(rows, self.num_minibatches):
                yield self.minibatch(trajectory, part)

    assert "in the order of the rows" in lost(verdict_on(get_next=get_next))


def test_what_is_published_as_expected_earns_nothing_when_it_is_sent_as_what_was_seen():
    found = [Outcome(right) for right in CHECK.expected]
    assert judge_outcomes(SAMPLER, CHECK, lambda alone: found).points == 0.0


@pytest.mark.parametrize("number", [np.nan, 1e300, -1.0, 0.5])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), None])
def test_facts_come_of_any_arrays_or_a_sentence(number, shape):
    for case in CHECK.cases:
        raw = SAMPLER.drive(Sampler, case.inputs)
        for name, array in raw.items():
            odd = np.full(array.shape if shape is None else shape, number)
            outcome = observed(SAMPLER, case, Outcome({**raw, name: odd}))
            assert outcome.observables or outcome.error.startswith("what it gave cannot be read")


def whole_rollouts(self, trajectory, rows):
    return {key: value.copy() for key, value in trajectory.items() if np.ndim(value)}


def test_minibatches_that_are_all_the_whole_rollout_fit_into_what_is_sent():
    cases = list(SAMPLER.cases(np.random.default_rng(3), 2))
    answer = type("Sampler", (Sampler,), {"minibatch": whole_rollouts})
    found = [SAMPLER.drive(answer, case.inputs) for case in cases]
    assert sum(array.nbytes for raw in found for array in raw.values()) < MAX_FRAME / 2


def without_end(self):
    while True:
        yield {"observations": self.runner.get_next()["observations"]}


@pytest.mark.parametrize(
    ("get_next", "sentence"),
    [
        (lambda self: None, "get_next() gives None; yield dicts one by one"),
        (lambda self: self.runner.get_next(), "get_next() gives a dict; yield dicts one by one"),
        (lambda self: [[self.runner.get_next()]], "it gives a list where a minibatch, a dict"),
        (lambda self: [{"rewards": np.zeros(3)}], "its minibatches have no 'observations'"),
        (lambda self: [{"observations": np.zeros(3)}], "observations has shape (3,); rows come"),
        (lambda self: [{"observations": np.zeros((2, 3))}], "it never calls runner.get_next()"),
        (without_end, "get_next() does not end: more than"),
    ],
)
def test_what_is_no_stream_of_minibatches_gets_a_sentence(get_next, sentence):
    verdict = verdict_on(get_next=get_next)
    assert verdict.points == 0.0
    assert sentence in verdict.difference


def test_an_instance_gets_a_sentence():
    assert "pass the class Sampler itself" in judge(SAMPLER, Sampler(None, 1, 1), CHECK).difference
