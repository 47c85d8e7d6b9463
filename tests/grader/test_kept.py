"""What an answer must leave as it is, and that it loses for that what that is worth and no more."""

import numpy as np
import pytest
import torch

import rlcore
from grader.exercises import find_exercise
from grader.hidden import answer_keys
from grader.judge import judge
from grader.published import load_published


def verdict_on(name, answer):
    exercise = find_exercise(name)
    return judge(exercise, answer, load_published(exercise).check)


def lost(name, answer):
    """The points lost, and what the verdict says."""
    verdict = verdict_on(name, answer)
    return verdict.max_points - verdict.points, verdict.difference


FLAGS = ("terminated", "truncated")


@pytest.mark.parametrize(("name", "worth"), [("td_residuals", 0.25), ("gae", 0.5)])
@pytest.mark.parametrize("where", ["everywhere", "for several environments"])
def test_rewards_that_are_used_up_in_float64_are_seen(name, worth, where):
    right = answer_keys()[name].reference

    def answer(rewards, *arrays, **knobs):
        result = right(rewards, *arrays, **knobs)
        if where == "everywhere" or rewards.ndim == 2:
            used = np.asarray(rewards, dtype=np.float64)  # of float64 this is no copy
            used -= 1.0
        return result

    assert lost(name, answer)[0] == worth
    assert "changes its argument rewards" in lost(name, answer)[1]


def test_each_psi_loses_for_values_that_it_spoils_in_float64():
    total, baselined = answer_keys()["psi_variants"].reference

    def answer(rewards, values, *rest, gamma):
        result = baselined(rewards, values, *rest, gamma=gamma)
        spoilt = np.asarray(values, dtype=np.float64)
        spoilt *= 0.0
        return result

    points, said = lost("psi_variants", (total, answer))
    assert (points, "changes its argument values" in said) == (0.25, True)


def test_returns_that_are_summed_up_in_float64_rewards_lose_points():
    def answer(rewards, gamma):
        returns = np.asarray(rewards, dtype=np.float64)
        for t in range(len(returns) - 2, -1, -1):
            returns[t] += gamma * returns[t + 1]
        return returns

    points, said = lost("discounted_returns", answer)
    assert (points, "changes its argument rewards" in said) == (0.5, True)


@pytest.mark.parametrize(
    ("name", "spoilt"),
    [
        ("ppo_clip_loss", "old_log_probs"),
        ("approx_kl", "old_log_probs"),
        ("clip_fraction", "old_log_probs"),
        ("clipped_value_loss", "old_values"),
        ("policy_gradient_loss", "psi"),
        ("value_loss", "returns"),
    ],
)
def test_tensors_that_are_spoilt_in_float64_are_seen(name, spoilt):
    right = answer_keys()[name].reference

    def answer(first, second, *rest, **knobs):
        result = right(first, second.clone(), *rest, **knobs)
        second.to(torch.float64).add_(1.0)
        return result

    points, said = lost(name, answer)
    assert (points, f"changes its argument {spoilt}" in said) == (0.5, True)


class InPlace:
    """GAE that spoils what `spoils` says, and gives right numbers."""

    spoils = staticmethod(lambda trajectory, last_observation: None)

    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.knobs = policy, {"gamma": gamma, "gae_lambda": gae_lambda}

    def __call__(self, trajectory, last_observation):
        next_values = self.policy.act(trajectory["next_observations"])["values"]
        flags = [trajectory[key].copy() for key in FLAGS]
        given = trajectory["rewards"], trajectory["values"], next_values, *flags
        trajectory["advantages"] = rlcore.gae(*given, **self.knobs)
        trajectory["value_targets"] = trajectory["advantages"] + trajectory["values"]
        self.spoils(trajectory, last_observation)


def bootstrapped(trajectory, last_observation):
    trajectory["rewards"][trajectory["truncated"]] += 1.0


def joined(trajectory, last_observation):
    done = trajectory["terminated"]
    done |= trajectory["truncated"]


def emptied(trajectory, last_observation):
    last_observation *= 0.0


@pytest.mark.parametrize(
    ("spoils", "what"),
    [
        (bootstrapped, "trajectory['rewards']"),
        (joined, "trajectory['terminated']"),
        (emptied, "last_observation"),
    ],
)
def test_a_transform_that_spoils_what_it_is_given_loses_that_alone(spoils, what):
    answer = type("GAE", (InPlace,), {"spoils": staticmethod(spoils)})
    points, said = lost("gae_transform", answer)
    assert (points, f"changes {what}" in said) == (0.5, True)
