"""Laws and cases of rlcore.advantages."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlcore import discounted_returns, gae, td_residuals

CLOSE = {"rtol": 1e-9, "atol": 1e-9}


@st.composite
def rollouts(draw):
    """A real rollout: next_values[t] == values[t + 1] wherever the episode goes on."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.sampled_from([(1,), (2,), (9,), (1, 1), (6, 3), (9, 1)]))
    terminated, truncated = rng.random((2, *shape)) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    rewards, values, next_values = rng.normal(size=(3, *shape))
    goes_on = ~(terminated | truncated)[:-1]
    next_values[:-1][goes_on] = values[1:][goes_on]
    return rewards, values, next_values, terminated, truncated


unit = st.sampled_from([0.0, 0.3, 0.9, 1.0])


def test_the_dummy_env_numbers_come_out():
    rewards = [0.0, -100.0, 800.0, 0.0, -100.0, 800.0, 0.0, -100.0]
    values, terminated = np.full(8, 100.0), [False, False, True] * 2 + [False, False]
    got = gae(rewards, values, values, terminated, np.zeros(8, bool), gamma=0.8, gae_lambda=0.5)
    np.testing.assert_allclose(got, [44, 160, 700, 44, 160, 700, -68, -120])


@given(rollouts(), unit, unit)
def test_gae_is_the_sum_of_equation_16_stopped_where_an_episode_stops(rollout, gamma, lam):
    rewards, values, next_values, terminated, truncated = rollout
    over = terminated | truncated
    expected = np.zeros_like(rewards)
    for index in np.ndindex(rewards.shape):
        t, *env = index
        for later in range(t, len(rewards)):
            at = (later, *env)
            delta = rewards[at] + gamma * (not terminated[at]) * next_values[at] - values[at]
            expected[index] += (gamma * lam) ** (later - t) * delta
            if over[at]:
                break
    np.testing.assert_allclose(gae(*rollout, gamma=gamma, gae_lambda=lam), expected, **CLOSE)


@given(rollouts(), unit)
def test_gae_with_lambda_zero_is_the_td_residual(rollout, gamma):
    np.testing.assert_allclose(
        gae(*rollout, gamma=gamma, gae_lambda=0.0), td_residuals(*rollout[:4], gamma=gamma), **CLOSE
    )


@given(rollouts(), unit)
def test_gae_with_lambda_one_is_discounted_return_minus_value(rollout, gamma):
    rewards, values, *rest = rollout
    returns = discounted_returns(rewards, *rest, gamma=gamma)
    np.testing.assert_allclose(
        gae(*rollout, gamma=gamma, gae_lambda=1.0), returns - values, **CLOSE
    )


@given(rollouts(), unit)
def test_discounted_returns_follow_the_definition(rollout, gamma):
    rewards, _, next_values, terminated, truncated = rollout
    over = terminated | truncated
    expected = np.zeros_like(rewards)
    for index in np.ndindex(rewards.shape):
        t, *env = index
        for later in range(t, len(rewards)):
            at = (later, *env)
            expected[index] += gamma ** (later - t) * rewards[at]
            if over[at] or later == len(rewards) - 1:
                worth = 0.0 if terminated[at] else next_values[at]
                expected[index] += gamma ** (later - t + 1) * worth
                break
    np.testing.assert_allclose(
        discounted_returns(rewards, next_values, terminated, truncated, gamma=gamma),
        expected,
        **CLOSE,
    )


@given(rollouts(), unit, unit, st.floats(-5, 5))
def test_a_constant_added_to_rewards_shifts_only_what_the_discount_lets_through(
    rollout, gamma, lam, c
):
    """V + c and r + (1 − γ) c leave δ alone except at terminations, where r needs the whole c."""
    rewards, values, next_values, terminated, truncated = rollout
    shifted = rewards + np.where(terminated, c, (1 - gamma) * c)
    knobs = {"gamma": gamma, "gae_lambda": lam}
    np.testing.assert_allclose(
        gae(shifted, values + c, next_values + c, terminated, truncated, **knobs),
        gae(*rollout, **knobs),
        **CLOSE,
    )


@given(rollouts(), unit, unit)
def test_environments_do_not_hear_of_one_another(rollout, gamma, lam):
    knobs = {"gamma": gamma, "gae_lambda": lam}
    together = [np.stack([part, part[::-1]], axis=1) for part in rollout if part.ndim == 1]
    if together:
        both = gae(*together, **knobs)
        np.testing.assert_array_equal(both[:, 0], gae(*rollout, **knobs))


def test_truncation_keeps_the_bootstrap_but_cuts_the_trace():
    got = gae(
        [1.0, 1.0], [0.0, 0.0], [10.0, 20.0], [False, False], [True, False],
        gamma=0.5, gae_lambda=1.0,
    )  # fmt: skip
    np.testing.assert_allclose(got, [1 + 0.5 * 10, 1 + 0.5 * 20])


def test_termination_wins_where_both_flags_are_set():
    both = td_residuals([1.0], [0.5], [99.0], [True], gamma=0.9)
    np.testing.assert_allclose(both, [0.5])
    assert discounted_returns([1.0], [99.0], [True], [True], gamma=0.9) == pytest.approx([1.0])


def test_arguments_are_not_changed():
    arguments = [np.ones((4, 2)) for _ in range(3)] + [np.zeros((4, 2), bool) for _ in range(2)]
    copies = [argument.copy() for argument in arguments]
    gae(*arguments, gamma=0.9, gae_lambda=0.9)
    for argument, copy in zip(arguments, copies, strict=True):
        np.testing.assert_array_equal(argument, copy)


FLAG = np.zeros(3, bool)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((np.ones(3), np.ones((3, 1)), np.ones(3), FLAG), "values has shape (3, 1) but rewards"),
        ((np.ones(3), np.ones((3, 1)), np.ones(3), FLAG), "squeeze the critic's last axis"),
        ((np.ones(3), np.ones(4), np.ones(3), FLAG), "without the one after the last"),
        ((np.ones((3, 2)), np.ones((2, 3)), np.ones(3), FLAG), "time comes first"),
        ((1.0, 1.0, 1.0, False), "rewards has shape ()"),
        ((np.ones(0), np.ones(0), np.ones(0), np.zeros(0, bool)), "rewards has shape (0,)"),
        ((np.ones(3), [0, np.nan, 0], np.ones(3), FLAG), "values[1] is nan"),
        ((np.ones(3), np.ones(3), np.ones(3), [0.0, 0.5, 1.0]), "terminated has dtype float64"),
    ],
)
def test_errors_name_the_function_the_argument_and_the_fix(arguments, sentence):
    with pytest.raises(ValueError, match="td_residuals: ") as error:
        td_residuals(*arguments, gamma=0.9)
    assert sentence in str(error.value)


def test_discount_and_lambda_must_lie_in_the_unit_interval():
    with pytest.raises(ValueError, match=r"gae: gae_lambda is 1\.5"):
        gae([1.0], [1.0], [1.0], [False], [False], gamma=0.9, gae_lambda=1.5)
    with pytest.raises(ValueError, match="td_residuals: gamma is None; pass a number"):
        td_residuals([1.0], [1.0], [1.0], [False], gamma=None)
    with pytest.raises(ValueError, match=r"td_residuals: gamma is -0\.1"):
        td_residuals([1.0], [1.0], [1.0], [False], gamma=-0.1)


settings.register_profile("course", deadline=None)
settings.load_profile("course")
