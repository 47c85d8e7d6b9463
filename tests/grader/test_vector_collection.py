"""The rollout over processes: what is judged, what does no harm, and that none is left running."""

import multiprocessing
import os

import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode

import rlcore
from grader.evidence import answer_question, drive_question, read_outcomes
from grader.exercises.vector_collection import VECTOR_COLLECTION
from grader.hidden import answer_keys, hidden_check
from grader.judge import judge, judge_outcomes
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


def test_no_observable_holds_a_process_number():
    here = float(os.getpid())
    for case, right in zip(PUBLISHED.cases, PUBLISHED.expected, strict=True):
        again = VECTOR_COLLECTION.drive(KEY.also_correct[0], case.inputs)
        for name, array in right.items():
            assert not (array == here).any()
            np.testing.assert_allclose(again[name], array, rtol=1e-6)
