"""Transforms and the buffer, on rollouts whose every number can be worked by hand."""

import numpy as np
import pytest
import torch
from environments import ConstantPolicy, CountingEnv
from gymnasium.wrappers import TimeLimit

from rlcore import GAE, AsArray, EnvRunner, NormalizeAdvantages, PyTorchify, RolloutBuffer, gae
from rlcore.buffer import next_values

ENDINGS = {  # three steps with rewards 0, 1, 2; V is the number of steps so far, so V(s'_2) = 3
    "terminated on the last step": (CountingEnv(3), [3, 3, 2]),
    "truncated by the environment": (CountingEnv(9, limit=3), [6, 6, 5]),
    "truncated by max_ep_len": (TimeLimit(CountingEnv(9), 3), [6, 6, 5]),
    "cut by the end of the rollout": (CountingEnv(9), [6, 6, 5]),
}


def collected(env, steps, **options):
    """A rollout as the buffer takes it: (T, N), with V of the true successors."""
    policy = ConstantPolicy()
    trajectory = EnvRunner([env], policy, steps).get_next()
    value = trajectory["next_observations"][..., 1]
    return trajectory | {"next_values": value, "log_probs": -np.arange(float(steps))[:, None]}


def filled(trajectory, psi_mode="gae", gamma=0.9, gae_lambda=0.8):
    buffer = RolloutBuffer(gamma=gamma, gae_lambda=gae_lambda, psi_mode=psi_mode, device="cpu")
    buffer.fill(trajectory)
    return buffer


def as_numpy(rows):
    return {key: value.numpy() for key, value in rows.items()}


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_ending_of_an_epoch_gets_the_value_that_belongs_behind_it(ending):
    env, returns = ENDINGS[ending]
    rows = as_numpy(filled(collected(env, 3), gamma=1.0, gae_lambda=1.0).rows)
    np.testing.assert_array_equal(rows["returns"], returns)
    np.testing.assert_array_equal(rows["value_targets"], returns)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_gae_transform_agrees_with_the_buffer_at_every_ending(ending):
    env, returns = ENDINGS[ending]
    policy = ConstantPolicy()
    trajectory = EnvRunner(env, policy, 3, [GAE(policy, gamma=1.0, gae_lambda=1.0)]).get_next()
    np.testing.assert_array_equal(trajectory["value_targets"], returns)
    np.testing.assert_array_equal(trajectory["advantages"], np.subtract(returns, [0, 1, 2]))


def test_the_endings_set_the_flags_that_they_should():
    flags = {
        name: [bool(collected(env, 3)[key].any()) for key in ("terminated", "truncated")]
        for name, (env, _) in ENDINGS.items()
    }
    assert list(flags.values()) == [[True, False], [False, True], [False, True], [False, False]]


def test_next_values_are_those_of_the_true_successors():
    envs = [CountingEnv(3), CountingEnv(9, limit=2), CountingEnv(9)]
    trajectory = EnvRunner(envs, ConstantPolicy(), 7).get_next()
    found = next_values(trajectory, lambda observations: observations[:, 1])
    np.testing.assert_array_equal(found, trajectory["next_observations"][..., 1])


@pytest.mark.parametrize("psi_mode", ["gae", "future_return"])
def test_psi_has_mean_zero_and_deviation_one_and_keeps_the_order_of_what_it_is_made_of(psi_mode):
    trajectory = collected(CountingEnv(5), 12)
    buffer = filled(trajectory, psi_mode)
    keys = ("rewards", "values", "next_values", "terminated", "truncated")
    advantages = gae(*(trajectory[key] for key in keys), gamma=0.9, gae_lambda=0.8)[:, 0]
    rows = as_numpy(buffer.rows)
    source = advantages if psi_mode == "gae" else rows["returns"]
    np.testing.assert_allclose(rows["psi"], (source - source.mean()) / source.std(), rtol=1e-5)
    np.testing.assert_allclose(rows["value_targets"], advantages + trajectory["values"][:, 0])


def test_rows_of_all_keys_belong_together_whatever_the_number_of_environments():
    trajectory = EnvRunner([CountingEnv(3), CountingEnv(4)], ConstantPolicy(), 5).get_next()
    trajectory |= {"next_values": trajectory["values"], "log_probs": trajectory["rewards"]}
    rows = as_numpy(filled(trajectory).rows)
    np.testing.assert_array_equal(rows["observations"][:, 1], rows["values"])
    np.testing.assert_array_equal(rows["log_probs"], rows["values"])
    assert rows["observations"].shape == (10, 2)


@pytest.mark.parametrize("parts", [1, 3, 12])
def test_minibatches_hold_each_row_exactly_once_and_differ_in_size_by_at_most_one(parts):
    buffer = filled(collected(CountingEnv(50), 12))
    batches = list(buffer.minibatches(parts, rng=np.random.default_rng(0)))
    sizes = [len(batch["values"]) for batch in batches]
    assert len(sizes) == parts
    assert max(sizes) - min(sizes) <= 1
    for batch in batches:
        torch.testing.assert_close(batch["observations"][:, 1], batch["values"])
    assert sorted(torch.cat([batch["values"] for batch in batches]).tolist()) == list(range(12))


def test_minibatches_of_two_epochs_differ_and_repeat_with_the_seed():
    buffer = filled(collected(CountingEnv(50), 12))

    def orders(seed):
        rng = np.random.default_rng(seed)
        return [next(iter(buffer.minibatches(1, rng=rng)))["values"].tolist() for _ in range(2)]

    assert orders(0)[0] != orders(0)[1]
    assert orders(0) == orders(0)


def test_another_psi_gets_a_sentence():
    with pytest.raises(ValueError, match="psi_mode is 'td'; pass gae or future_return"):
        filled({}, "td")


def test_a_rollout_of_wrong_shape_is_refused_by_the_name_of_the_array():
    trajectory = collected(CountingEnv(5), 4)
    trajectory["next_values"] = trajectory["next_values"][:, 0]
    with pytest.raises(ValueError, match=r"next_values has shape \(4,\) but rewards has \(4, 1\)"):
        filled(trajectory)


def test_normalized_advantages_leave_the_array_itself_alone():
    advantages = np.array([1.0, 2.0, 6.0])
    batch = {"advantages": advantages[:]}
    NormalizeAdvantages()(batch)
    np.testing.assert_allclose(batch["advantages"], np.array([-2.0, -1.0, 3.0]) / np.sqrt(14 / 3))
    np.testing.assert_array_equal(advantages, [1.0, 2.0, 6.0])


def test_constant_advantages_become_zero():
    batch = {"advantages": np.full(4, 7.0)}
    NormalizeAdvantages()(batch)
    assert not batch["advantages"].any()


def test_pytorchify_makes_float32_int64_and_bool_and_leaves_the_rest():
    batch = {"f": np.ones(2), "i": np.ones(2, np.int32), "b": np.ones(2, bool), "n": 3}
    PyTorchify()(batch)
    assert [batch[key].dtype for key in "fib"] == [torch.float32, torch.int64, torch.bool]
    assert batch["n"] == 3


def test_as_array_turns_lists_and_tensors_into_arrays_and_leaves_arrays_alone():
    kept = np.zeros(2)
    trajectory = {"a": [1.0, 2.0], "b": torch.ones(2, requires_grad=True), "c": kept}
    AsArray()(trajectory, np.zeros(1))
    assert all(type(value) is np.ndarray for value in trajectory.values())
    assert trajectory["c"] is kept
