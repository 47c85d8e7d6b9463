"""Running statistics against numpy's own over all the data at once."""

import numpy as np
import pytest
from environments import ConstantPolicy, CountingEnv

from rlcore import EnvRunner, Normalizer


def rollout(seed, steps=400, envs=2):
    rng = np.random.default_rng(seed)
    flags = rng.random((2, steps, envs)) < 0.05
    return {
        "observations": 5.0 + 3.0 * rng.standard_normal((steps, envs, 3)),
        "next_observations": rng.standard_normal((steps, envs, 3)),
        "rewards": 1.0 + rng.random((steps, envs)),
        "terminated": flags[0],
        "truncated": flags[1],
    }


def discounted_sums(rollouts, gamma):
    """G of every step, over all rollouts, by the definition."""
    rewards, over = (
        np.concatenate(parts)
        for parts in (
            [one["rewards"] for one in rollouts],
            [one["terminated"] | one["truncated"] for one in rollouts],
        )
    )
    sums = np.zeros_like(rewards)
    for n in range(rewards.shape[1]):
        for t in range(len(rewards)):
            goes_on = t > 0 and not over[t - 1, n]
            sums[t, n] = rewards[t, n] + (gamma * sums[t - 1, n] if goes_on else 0.0)
    return sums


def copies(rollouts):
    return [{key: value.copy() for key, value in one.items()} for one in rollouts]


def test_observation_statistics_are_mean_and_variance_of_everything_seen():
    rollouts = [rollout(0), rollout(1)]
    everything = np.concatenate([one["observations"].reshape(-1, 3) for one in rollouts])
    normalizer = Normalizer((3,))
    for one in copies(rollouts):
        normalizer.normalize(one)
    scaled = normalizer.observations(everything)
    expected = (everything - everything.mean(0)) / everything.std(0)
    np.testing.assert_allclose(scaled, expected, atol=1e-3)
    assert scaled.dtype == np.float32


def test_rewards_are_divided_by_the_deviation_of_the_discounted_return_and_not_centred():
    rollouts = [rollout(0), rollout(1)]
    deviation = discounted_sums(rollouts, gamma=0.9).std()
    normalizer = Normalizer((3,), gamma=0.9)
    for one in (scaled := copies(rollouts)):
        normalizer.normalize(one)
    np.testing.assert_allclose(scaled[1]["rewards"], rollouts[1]["rewards"] / deviation, rtol=1e-4)
    assert (scaled[1]["rewards"] > 0.0).all()


def test_observations_are_scaled_with_the_statistics_from_before_the_rollout():
    first, second = rollout(0), rollout(1)
    normalizer = Normalizer((3,))
    normalizer.normalize(first)
    before = normalizer.observations(second["observations"])
    successors = normalizer.observations(second["next_observations"])
    normalizer.normalize(second)
    np.testing.assert_array_equal(second["observations"], before)
    np.testing.assert_array_equal(second["next_observations"], successors)


def test_asking_changes_nothing():
    normalizer = Normalizer((3,))
    normalizer.normalize(rollout(0))
    before = normalizer.state()
    normalizer.observations(np.full((50, 3), 99.0))
    normalizer.rewards(np.full(50, 99.0))
    for name, array in normalizer.state().items():
        np.testing.assert_array_equal(array, before[name])


def test_far_outliers_are_cut_at_ten():
    normalizer = Normalizer((3,))
    normalizer.normalize(rollout(0))
    np.testing.assert_array_equal(normalizer.observations([[1e9, -1e9, 5.0]])[0, :2], [10, -10])
    np.testing.assert_array_equal(normalizer.rewards([1e9, -1e9]), [10.0, -10.0])


def test_a_saved_state_goes_on_exactly_as_the_original():
    original = Normalizer((3,), gamma=0.9)
    original.normalize(rollout(0))
    restored = Normalizer.from_state(original.state())
    original.restart()
    one, other = rollout(1), rollout(1)
    original.normalize(one)
    restored.normalize(other)
    for key in one:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)


@pytest.mark.parametrize("many", [False, True])
def test_the_runner_shows_scaled_observations_to_the_policy_and_counts_raw_rewards(many):
    policy = ConstantPolicy()
    runner = EnvRunner([CountingEnv(3)] if many else CountingEnv(3), policy, 6)
    runner.normalizer = Normalizer((2,))
    runner.get_next()
    scaled = runner.get_next()
    assert runner.finished == [(3.0, 3), (3.0, 3)]
    np.testing.assert_array_equal(scaled["values"], scaled["observations"][..., 1])
    assert scaled["rewards"].max() != 2.0
