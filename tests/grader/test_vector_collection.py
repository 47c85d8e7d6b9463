"""The rollout over processes: what is judged, what does no harm, and that none is left running."""

import multiprocessing
import os

import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode

import rlcore
from grader.compare import Outcome
from grader.evidence import answer_question, drive_question, read_outcomes
from grader.exercises.vector_collection import VECTOR_COLLECTION
from grader.hidden import answer_keys, hidden_check
from grader.judge import judge, judge_outcomes, observed, run
from grader.published import load_published

KEY = answer_keys()["vector_collection"]
PUBLISHED = load_published(VECTOR_COLLECTION).check


def verdict_on(answer):
    return judge(VECTOR_COLLECTION, answer, PUBLISHED)


def test_environments_that_nobody_closes_end_all_the_same():
    kept = []

    def answer(env_fns, policy, num_steps):
        kept.append(AsyncVectorEnv(env_fns, daemon=False))
        raise ValueError("forgotten")

    assert verdict_on(answer).points == 0.0
    processes = [process for envs in kept for process in envs.processes]
    assert processes and not any(process.is_alive() for process in processes)
    assert multiprocessing.active_children() == []


def test_the_way_processes_are_started_is_as_before():
    before = multiprocessing.get_start_method(allow_none=True)
    verdict_on(KEY.reference)
    assert multiprocessing.get_start_method(allow_none=True) == before


def test_a_second_reset_before_the_first_step_does_no_harm(monkeypatch):
    reset = AsyncVectorEnv.reset
    monkeypatch.setattr(AsyncVectorEnv, "reset", lambda self, **how: reset(self) and reset(self))
    answer = next(one for one in KEY.also_correct if one.__name__ == "left_open")
    assert verdict_on(answer).correct


def test_float32_observations_are_exact_enough():
    def answer(env_fns, policy, num_steps):
        trajectory = KEY.reference(env_fns, policy, num_steps)
        return {key: value.astype(np.float32) for key, value in trajectory.items()}

    assert verdict_on(answer).correct


def test_rlcore_s_runner_says_that_this_one_is_yours_to_write():
    def answer(env_fns, policy, num_steps):
        envs = AsyncVectorEnv(env_fns, autoreset_mode=AutoresetMode.SAME_STEP)
        return rlcore.EnvRunner(envs, policy, num_steps).get_next()

    assert "rlcore's EnvRunner; this one is yours to write" in verdict_on(answer).difference


def test_one_process_for_everything_loses_what_that_is_worth_and_no_more():
    name = "the environments are stepped one after the other, in the process of the notebook"
    wrong = next(one.wrong_answer for one in KEY.misconceptions if one.name == name)
    verdict = verdict_on(wrong)
    assert (verdict.points, verdict.misconception) == (2.5, name)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rows: None, "it returns NoneType; return a dict of arrays"),
        (lambda rows: rows.pop("truncated") is None or rows, "has no 'truncated'"),
        (lambda rows: rows | {"rewards": rows["rewards"][..., None]}, "rewards has shape"),
        (lambda rows: rows | {"observations": rows["rewards"]}, "its last axis should be"),
    ],
)
def test_another_kind_of_trajectory_gets_a_sentence(change, sentence):
    verdict = verdict_on(lambda *arguments: change(KEY.reference(*arguments)))
    assert verdict.points < 1.0
    assert sentence in verdict.difference


def test_the_answer_can_be_driven_without_the_key_and_judged_elsewhere():
    check = hidden_check(VECTOR_COLLECTION, secret=b"secret", student="ada")

    def ask(alone):
        question = drive_question(VECTOR_COLLECTION, "collect", check.cases, alone)
        message = answer_question(question, {"collect": KEY.also_correct[1]})
        return read_outcomes(message, len(check.cases))

    assert judge_outcomes(VECTOR_COLLECTION, check, ask).correct


def facts_of(answer, case):
    return observed(VECTOR_COLLECTION, case, run(VECTOR_COLLECTION, answer, case)).observables or {}


def test_no_fact_holds_a_process_number():
    here = float(os.getpid())
    for case, right in zip(PUBLISHED.cases, PUBLISHED.expected, strict=True):
        again = facts_of(KEY.also_correct[0], case)
        for name, array in right.items():
            assert not (array == here).any()
            np.testing.assert_allclose(again[name], array, rtol=1e-6)


def test_a_policy_that_is_asked_once_more_after_the_last_step_is_right():
    def answer(env_fns, policy, num_steps):
        trajectory = KEY.also_correct[1](env_fns, policy, num_steps)
        policy(trajectory["next_observations"][-1])  # for the next rollout, say
        return trajectory

    assert verdict_on(answer).correct


def sealed(case):
    """What was driven of a right answer, for a case about the processes or the calls."""
    return VECTOR_COLLECTION.drive(KEY.also_correct[1], case.inputs)


@pytest.mark.parametrize("observe", ["processes", "calls"])
def test_a_process_or_a_call_that_is_made_up_does_not_count(observe):
    case = next(one for one in PUBLISHED.cases if one.inputs["observe"] == observe)
    raw = sealed(case)
    for key in ("observations", "asked"):
        raw[key][..., -2:] = np.arange(raw[key][..., -2:].size).reshape(raw[key][..., -2:].shape)
    (number,) = VECTOR_COLLECTION.facts(case.inputs, raw).values()
    assert number == 0


def test_what_is_published_as_expected_earns_nothing_when_it_is_sent_as_what_was_seen():
    hidden = hidden_check(VECTOR_COLLECTION, secret=b"secret", student="ada")
    sent = [Outcome(right) for right in PUBLISHED.expected]
    assert judge_outcomes(VECTOR_COLLECTION, hidden, lambda alone: sent).points == 0.0


@pytest.mark.parametrize("number", [np.nan, 1e300, -1.0])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), None])
def test_facts_come_of_any_arrays_or_a_sentence(number, shape):
    for case in PUBLISHED.cases[1:3]:
        raw = sealed(case)
        for name, array in raw.items():
            odd = np.full(array.shape if shape is None else shape, number)
            outcome = observed(VECTOR_COLLECTION, case, Outcome({**raw, name: odd}))
            assert outcome.observables or "what it gave cannot be read" in outcome.error
