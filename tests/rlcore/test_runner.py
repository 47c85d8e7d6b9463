"""EnvRunner on plain, listed and vector environments whose every step is known."""

from functools import partial

import gymnasium as gym
import numpy as np
import pytest
import torch
from environments import ConstantPolicy, CountingEnv
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from rlcore import EnvRunner

MIXED = [partial(CountingEnv, 3), partial(CountingEnv, 5, limit=2), partial(CountingEnv, 4)]


def make_sync(makers, mode=AutoresetMode.SAME_STEP):
    return SyncVectorEnv(makers, autoreset_mode=mode)


def test_a_plain_environment_gives_rows_of_one_step_each():
    policy = ConstantPolicy()
    trajectory = EnvRunner(CountingEnv(3, first=10.0), policy, nsteps=5).get_next()
    np.testing.assert_array_equal(trajectory["rewards"], [10, 11, 12, 10, 11])
    np.testing.assert_array_equal(trajectory["terminated"], [0, 0, 1, 0, 0])
    assert not trajectory["truncated"].any()
    assert trajectory["observations"].shape == (5, 2)
    assert set(policy.shapes_seen) == {(2,)}


def test_the_successor_of_an_ended_episode_is_its_last_observation_and_not_a_reset():
    trajectory = EnvRunner(CountingEnv(3), ConstantPolicy(), nsteps=4).get_next()
    np.testing.assert_array_equal(trajectory["next_observations"][2], [0, 3])
    np.testing.assert_array_equal(trajectory["observations"][3], [1, 0])


def test_truncation_and_termination_stay_apart():
    trajectory = EnvRunner(CountingEnv(5, limit=2), ConstantPolicy(), nsteps=4).get_next()
    np.testing.assert_array_equal(trajectory["truncated"], [0, 1, 0, 1])
    assert not trajectory["terminated"].any()


def test_the_next_rollout_goes_on_where_the_last_one_stopped():
    runner = EnvRunner(CountingEnv(3), ConstantPolicy(), nsteps=2)
    first, second = runner.get_next(), runner.get_next()
    np.testing.assert_array_equal(second["observations"][0], first["next_observations"][-1])
    np.testing.assert_array_equal(second["observations"], [[0, 2], [1, 0]])


@pytest.mark.parametrize("steps", [1, 7])
def test_a_list_and_a_vector_environment_give_the_very_same_data(steps):
    policy = ConstantPolicy()
    listed = EnvRunner([make() for make in MIXED], policy, nsteps=steps)
    vector = EnvRunner(make_sync(MIXED), policy, nsteps=steps)
    for _ in range(3):
        one, other = listed.get_next(), vector.get_next()
        assert one.keys() == other.keys()
        for key in one:
            np.testing.assert_array_equal(one[key], other[key], err_msg=key)
            assert one[key].shape[:2] == (steps, 3)


def test_processes_of_an_async_vector_environment_give_the_very_same_data():
    processes = AsyncVectorEnv(MIXED, autoreset_mode=AutoresetMode.SAME_STEP)
    try:
        one = EnvRunner(processes, ConstantPolicy(), nsteps=7).get_next()
    finally:
        processes.close()
    other = EnvRunner(make_sync(MIXED), ConstantPolicy(), nsteps=7).get_next()
    for key in one:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)


def test_finished_holds_raw_return_and_length_of_every_episode_across_rollouts():
    runner = EnvRunner([CountingEnv(3, first=1.0), CountingEnv(9, limit=4)], ConstantPolicy(), 5)
    runner.get_next()
    assert runner.finished == [(6.0, 3), (6.0, 4)]
    runner.get_next()
    assert runner.finished == [(6.0, 3), (6.0, 4), (6.0, 3)]


def test_a_reset_drops_what_was_running():
    runner = EnvRunner(CountingEnv(4), ConstantPolicy(), 3)
    runner.get_next()
    runner.reset()
    runner.get_next()
    assert runner.finished == []


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_observation_or_reward_that_is_not_finite_stops_and_says_where(bad):
    class Broken(CountingEnv):
        def step(self, action):
            observation, reward, *rest = super().step(action)
            return observation, bad if self.steps == 2 else reward, *rest

    runner = EnvRunner([CountingEnv(3), Broken(3)], ConstantPolicy(), 4)
    with pytest.raises(
        FloatingPointError, match="rewards of step 1 in environment 1 is not finite"
    ):
        runner.get_next()


def test_each_column_of_a_list_is_what_the_environment_gives_alone():
    together = EnvRunner([make() for make in MIXED], ConstantPolicy(), nsteps=9).get_next()
    for n, make in enumerate(MIXED):
        alone = EnvRunner(make(), ConstantPolicy(), nsteps=9).get_next()
        for key in alone:
            np.testing.assert_array_equal(together[key][:, n], alone[key], err_msg=key)


def test_a_vector_environment_that_reuses_its_buffers_gives_the_same_data():
    reusing = SyncVectorEnv(MIXED, copy=False, autoreset_mode=AutoresetMode.SAME_STEP)
    one = EnvRunner(reusing, ConstantPolicy(), nsteps=7).get_next()
    other = EnvRunner(make_sync(MIXED), ConstantPolicy(), nsteps=7).get_next()
    for key in one:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
def test_a_vector_environment_in_another_mode_is_refused_with_how_to_make_it(mode):
    with pytest.raises(ValueError, match="SAME_STEP") as error:
        EnvRunner(make_sync(MIXED, mode), ConstantPolicy(), nsteps=2)
    recipe = eval(str(error.value).split("vector_kwargs=")[1].rstrip("."), {"gymnasium": gym})
    made = gym.make_vec("CartPole-v1", 2, vectorization_mode="sync", vector_kwargs=recipe)
    EnvRunner(made, CartPolePolicy(), nsteps=2).get_next()


class CartPolePolicy:
    def act(self, observations):
        return {"actions": np.zeros(observations.shape[:-1], dtype=np.int64)}


def test_the_same_seed_gives_the_same_rollout():
    def collect(seed):
        runner = EnvRunner(gym.make("CartPole-v1"), CartPolePolicy(), 12)
        runner.reset(seed)
        return runner.get_next()

    np.testing.assert_array_equal(collect(3)["observations"], collect(3)["observations"])
    assert (collect(3)["observations"] != collect(4)["observations"]).any()


def test_actions_are_clipped_for_the_environment_and_kept_as_they_were_in_the_data():
    box = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    env = CountingEnv(3, box=box)
    trajectory = EnvRunner(env, ConstantPolicy([3.0, -0.5]), nsteps=2).get_next()
    np.testing.assert_array_equal(trajectory["actions"], [[3.0, -0.5]] * 2)
    np.testing.assert_array_equal(env.actions, [[1.0, -0.5]] * 2)


def test_actions_reach_a_box_in_its_own_dtype():
    env = CountingEnv(3, box=gym.spaces.Box(-1.0, 1.0, (2,), np.float32))
    EnvRunner(env, ConstantPolicy([3.0, -0.5]), nsteps=1).get_next()
    assert env.action_space.contains(env.actions[0])


def test_a_policy_or_transform_that_works_in_place_does_not_reach_the_data():
    class InPlace(ConstantPolicy):
        def act(self, observations):
            answer = super().act(observations.copy())
            observations -= 5.0
            return answer

    def in_place(trajectory, last_observation):
        last_observation -= 5.0

    runner = EnvRunner(CountingEnv(3), InPlace(), 4, [in_place])
    other = EnvRunner(CountingEnv(3), ConstantPolicy(), 4)
    for _ in range(2):
        one, two = runner.get_next(), other.get_next()
        for key in one:
            np.testing.assert_array_equal(one[key], two[key], err_msg=key)


def test_transforms_see_the_observation_the_next_rollout_starts_from():
    seen = []
    runner = EnvRunner(
        CountingEnv(3), ConstantPolicy(), 3, [lambda trajectory, last: seen.append(last)]
    )
    trajectory = runner.get_next()
    np.testing.assert_array_equal(seen[0], [1, 0])
    np.testing.assert_array_equal(trajectory["next_observations"][-1], [0, 3])


def test_write_takes_a_loss_that_carries_a_graph_without_a_warning():
    runner = EnvRunner(CountingEnv(), ConstantPolicy(), 2)
    runner.write("losses/policy_loss", torch.tensor(0.5, requires_grad=True), 1)
    assert runner.scalars == {"losses/policy_loss": (1, 0.5)}


def test_write_logs_to_the_writer_and_keeps_the_latest():
    class Writer:
        def __init__(self):
            self.rows = []

        def add_scalar(self, *row):
            self.rows.append(row)

    writer = Writer()
    runner = EnvRunner(CountingEnv(), ConstantPolicy(), 2)
    runner.writer = writer
    runner.write("losses/policy_loss", torch.tensor(0.5), 1)
    runner.write("losses/policy_loss", 0.25, 2)
    assert writer.rows == [("losses/policy_loss", 0.5, 1), ("losses/policy_loss", 0.25, 2)]
    assert runner.scalars == {"losses/policy_loss": (2, 0.25)}


class ReturnsPolicy:
    def __init__(self, *answers):
        self.answers = list(answers)

    def act(self, observations):
        return self.answers.pop(0)


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([0], "policy.act returned int 0; return a dict"),
        ([{"values": 0.0}], "policy.act returned dict {'values': 0.0}"),
        ([{"actions": 0, "v": [1.0]}, {"actions": 0, "v": 1.0}], "'v' changes from step to step"),
        ([{"actions": 0, "v": 1.0}, {"actions": 0}], "'v' changes from step to step"),
    ],
)
def test_a_wrong_answer_of_the_policy_gets_a_sentence(answers, sentence):
    runner = EnvRunner(CountingEnv(), ReturnsPolicy(*answers), nsteps=len(answers))
    with pytest.raises((TypeError, ValueError)) as error:
        runner.get_next()
    assert sentence in str(error.value)


def test_actions_that_are_not_one_a_row_get_a_sentence():
    runner = EnvRunner([CountingEnv(), CountingEnv()], ReturnsPolicy({"actions": 0}), nsteps=1)
    with pytest.raises(ValueError, match="one action a row"):
        runner.get_next()


@pytest.mark.parametrize(
    ("env", "policy", "nsteps", "sentence"),
    [
        ([], ConstantPolicy(), 1, r"env is \[\]; pass a gymnasium.Env"),
        ("CartPole-v1", ConstantPolicy(), 1, "env is 'CartPole-v1'; pass a gymnasium.Env"),
        (CountingEnv(), ConstantPolicy(), 0, "nsteps is 0"),
        (CountingEnv(), ConstantPolicy(), 8.0, "pass a whole number"),
    ],
)
def test_a_wrong_argument_gets_a_sentence(env, policy, nsteps, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        EnvRunner(env, policy, nsteps)
