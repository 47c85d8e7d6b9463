"""The exercises and their key; of 04 also what its drivers and the DummyEnv see."""

import json
import re

import gymnasium as gym
import numpy as np
import pytest

from grader.build import read_source, sources
from grader.course import ROOT
from grader.exercise import Exercise
from grader.exercises import EXERCISES, find_exercise
from grader.hidden import answer_keys, hidden_check
from grader.judge import judge, make_check
from grader.published import ROUNDS, SEED, load_published, publish, unpublish
from grader.rebuild import grade_id, is_graded
from grader.verify import CODE, exercise_problems
from rlcore import AsArray, EnvRunner, gae, td_residuals

NAMES = [exercise.name for exercise in EXERCISES]
DRIVEN = [exercise.name for exercise in EXERCISES if isinstance(exercise, Exercise)]
WITH_ROLLOUTS = ["td_residuals", "gae", "gae_transform", "psi_variants"]
NOTEBOOK = {path.stem: read_source(path) for path in sources()}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_stub_right_and_wrong_answers_get_the_verdicts_they_should(name):
    exercise = find_exercise(name)
    assert list(exercise_problems(exercise, NOTEBOOK[exercise.notebook])) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", DRIVEN)
def test_verdicts_hold_under_many_secrets(name):
    exercise, key = find_exercise(name), answer_keys()[name]
    for number in range(2):
        check = hidden_check(exercise, secret=f"secret {number}".encode(), student="bo")
        for answer in key.also_correct:
            assert judge(exercise, answer, check).correct
        for one in key.misconceptions:
            verdict = judge(exercise, one.wrong_answer, check)
            assert (verdict.correct, verdict.misconception) == (False, one.name)


@pytest.mark.parametrize("name", DRIVEN)
def test_published_checks_come_back_from_json_as_they_went_in(name):
    exercise, key = find_exercise(name), answer_keys()[name]
    made = make_check(exercise, key, np.random.default_rng(SEED), ROUNDS)
    fresh = unpublish(json.loads(json.dumps(publish(exercise, key)))).check
    stored = load_published(exercise).check
    for check, tolerance in ((fresh, 1e-9), (stored, 1e-5)):  # another processor may have stored it
        assert [case.group for case in check.cases] == [case.group for case in made.cases]
        for one, other in zip(made.expected, check.expected, strict=True):
            for key in one:
                np.testing.assert_allclose(one[key], other[key], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", WITH_ROLLOUTS)
def test_every_rollout_is_a_real_one(name):
    for case in find_exercise(name).cases(np.random.default_rng(1), 3):
        flags = [case.inputs.get(key, False) for key in ("terminated", "truncated")]
        goes_on = ~np.logical_or(*flags)[:-1]
        if "values" in case.inputs:
            now, after = case.inputs["values"], case.inputs["next_values"]
        else:
            now, after = case.inputs["observations"], case.inputs["next_observations"]
        np.testing.assert_array_equal(now[1:][goes_on], after[:-1][goes_on])


class DummyEnv(gym.Env):
    observation_space = gym.spaces.Box(-np.inf, np.inf, (1,))
    action_space = gym.spaces.Discrete(1)

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return np.zeros(1), {}

    def step(self, action):
        self.t += 1
        return np.full(1, self.t), [0.0, -100.0, 800.0][self.t - 1], self.t == 3, False, {}


class DummyPolicy:
    def act(self, observations):
        lead = observations.shape[:-1]
        return {"actions": np.zeros(lead, dtype=int), "values": np.full(lead, 100.0)}


def dummy_env_check(transform, monkeypatch):
    namespace = transform.__call__.__globals__
    monkeypatch.setitem(namespace, "gae", gae)
    monkeypatch.setitem(namespace, "td_residuals", td_residuals)
    policy = DummyPolicy()
    transforms = [AsArray(), transform(policy, gamma=0.8, gae_lambda=0.5)]
    trajectory = EnvRunner(DummyEnv(), policy, nsteps=8, transforms=transforms).get_next()
    expected = np.array([44, 160, 700, 44, 160, 700, -68, -120])
    np.testing.assert_allclose(trajectory["advantages"], expected)
    np.testing.assert_allclose(trajectory["value_targets"], expected + 100)


KEY = answer_keys()["gae_transform"]


@pytest.mark.parametrize("transform", [KEY.reference, *KEY.also_correct])
def test_right_transforms_give_the_dummy_env_numbers(transform, monkeypatch):
    dummy_env_check(transform, monkeypatch)


@pytest.mark.parametrize(
    "name",
    [
        "V(s_t) stands where V(s_{t+1}) belongs",
        "values[-1] stands in for the value after the last step",
    ],
)
def test_what_the_dummy_env_cannot_see_both_checks_name(name, monkeypatch):
    exercise = find_exercise("gae_transform")
    wrong = next(one.wrong_answer for one in KEY.misconceptions if one.name == name)
    dummy_env_check(wrong, monkeypatch)
    for check in (
        load_published(exercise).check,
        hidden_check(exercise, secret=b"secret", student="ada"),
    ):
        verdict = judge(exercise, wrong, check)
        assert (verdict.points < exercise.points, verdict.misconception) == (True, name)


@pytest.mark.parametrize("code", ["return x", "advantages[t] = 0", "np.zeros", "gae(x)", "x += 1"])
def test_code_in_a_hint_would_be_seen(code):
    assert CODE.search(f"First, {code} and then go on.")


def test_an_answer_that_calls_its_own_earlier_one_in_another_way_is_judged_with_that():
    namespace = {}
    exec(
        "def td_residuals(r, v, nv, term, gamma):\n"
        "    return r + gamma * nv * (1 - term) - v\n"
        "def gae(r, v, nv, term, trunc, *, gamma, gae_lambda):\n"
        "    a = td_residuals(r, v, nv, term, gamma)\n"
        "    for t in range(len(a) - 2, -1, -1):\n"
        "        a[t] += gamma * gae_lambda * (1 - (term[t] | trunc[t])) * a[t + 1]\n"
        "    return a\n",
        namespace,
    )
    exercise = find_exercise("gae")
    assert judge(exercise, namespace["gae"], load_published(exercise).check).correct
    namespace["td_residuals"] = None
    assert judge(exercise, namespace["gae"], load_published(exercise).check).points == 0.0


@pytest.mark.parametrize(
    ("line", "changed"),
    [("next_values[terminated] = 0", "next_values"), ("truncated |= terminated", "truncated")],
)
def test_an_answer_that_changes_an_argument_only_where_episodes_end_loses_points(line, changed):
    namespace = {"td_residuals": td_residuals}
    exec(
        "def answer(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):\n"
        f"    {line}\n"
        "    a = td_residuals(rewards, values, next_values, terminated, gamma=gamma)\n"
        "    for t in range(len(a) - 2, -1, -1):\n"
        "        a[t] += gamma * gae_lambda * ~(terminated[t] | truncated[t]) * a[t + 1]\n"
        "    return a\n",
        namespace,
    )
    exercise = find_exercise("gae")
    verdict = judge(exercise, namespace["answer"], load_published(exercise).check)
    assert verdict.points == 4.5
    assert f"changes its argument {changed}" in verdict.difference


def test_an_answer_that_changes_its_arguments_loses_points_for_that_alone():
    def in_place(rewards, values, next_values, terminated, *, gamma):
        rewards += gamma * next_values * (1 - terminated) - values
        return rewards

    exercise = find_exercise("td_residuals")
    verdict = judge(exercise, in_place, load_published(exercise).check)
    assert verdict.points == 1.75
    assert "changes its argument rewards" in verdict.difference


def test_the_table_of_solutions_counts_every_key_and_names_every_graded_cell():
    text = (ROOT / "solutions" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d) \| (\w+)[^|]* \| ([\d.]+) \| (\d*) ?\| (\d*) ?\|$", text, re.M)
    keys = answer_keys()
    counts = {
        name: (str(len(k.misconceptions)), str(len(k.also_correct))) for name, k in keys.items()
    }
    found = {}
    for number, name, points, *pair in rows:
        found[number, name] = float(points)
        assert tuple(pair) == counts.get(name, ("", "")), name
    graded = [(p[:2], c) for p, source in NOTEBOOK.items() for c in source.cells if is_graded(c)]
    ids = {(n, grade_id(c).removeprefix("test_")): c.metadata.nbgrader.points for n, c in graded}
    assert found == ids
