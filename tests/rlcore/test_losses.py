"""Each equation of the losses and diagnostics, against its definition in plain Python."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Categorical

from rlcore import losses


def batch(seed=0, size=64):
    """Old and new log-probabilities with ratios on both sides of the band, and both signs of Â."""
    rng = np.random.default_rng(seed)
    old = -rng.random(size) * 3.0
    new = old + rng.normal(scale=0.4, size=size)
    return old, new, rng.normal(size=size)


def tensor(numbers, **options):
    return torch.tensor(numbers, dtype=torch.float64, **options)


def test_policy_gradient_loss_is_minus_the_mean_of_psi_times_log_prob():
    _, log_probs, psi = batch()
    expected = -sum(p * w for p, w in zip(log_probs, psi, strict=True)) / len(psi)
    assert losses.policy_gradient_loss(tensor(log_probs), tensor(psi)).item() == pytest.approx(
        expected
    )


def test_the_gradient_of_the_policy_loss_is_minus_the_mean_of_psi_times_the_score():
    rng = np.random.default_rng(1)
    logits = tensor(rng.normal(size=4), requires_grad=True)
    actions, psi = rng.integers(4, size=50), rng.normal(size=50)
    log_probs = Categorical(logits=logits).log_prob(torch.from_numpy(actions))
    losses.policy_gradient_loss(log_probs, tensor(psi)).backward()
    probs = np.exp(logits.detach().numpy()) / np.exp(logits.detach().numpy()).sum()
    score = np.mean([w * (np.eye(4)[a] - probs) for a, w in zip(actions, psi, strict=True)], axis=0)
    np.testing.assert_allclose(logits.grad.numpy(), -score)


def test_value_loss_is_the_mean_squared_error():
    _, values, returns = batch()
    expected = sum((v - r) ** 2 for v, r in zip(values, returns, strict=True)) / len(values)
    assert losses.value_loss(tensor(values), tensor(returns)).item() == pytest.approx(expected)


def test_ppo_clip_loss_is_minus_the_mean_of_the_pessimistic_objective():
    old, new, advantages = batch()
    total = 0.0
    for o, n, a in zip(old, new, advantages, strict=True):
        ratio = math.exp(n - o)
        total += min(ratio * a, min(max(ratio, 0.8), 1.2) * a)
    found = losses.ppo_clip_loss(tensor(new), tensor(old), tensor(advantages), clip_range=0.2)
    assert found.item() == pytest.approx(-total / len(old))


@pytest.mark.parametrize(
    ("ratio", "advantage", "flows"),
    [(1.5, 1.0, False), (0.5, 1.0, True), (1.5, -1.0, True), (0.5, -1.0, False)],
)
def test_the_four_quadrants_of_the_clipped_gradient(ratio, advantage, flows):
    new = tensor([math.log(ratio)], requires_grad=True)
    losses.ppo_clip_loss(new, tensor([0.0]), tensor([advantage]), clip_range=0.2).backward()
    assert new.grad.item() == pytest.approx(-ratio * advantage if flows else 0.0)


def test_clipped_value_loss_is_the_mean_of_the_larger_error():
    old, values, targets = batch()
    total = 0.0
    for o, v, g in zip(old, values, targets, strict=True):
        total += max((v - g) ** 2, (o + min(max(v - o, -0.2), 0.2) - g) ** 2)
    found = losses.clipped_value_loss(tensor(values), tensor(old), tensor(targets), clip_range=0.2)
    assert found.item() == pytest.approx(total / len(old))


def test_approx_kl_comes_near_the_exact_kl_of_two_policies():
    rng = np.random.default_rng(0)
    old, new = rng.dirichlet(np.ones(3), size=2)
    actions = rng.choice(3, size=200_000, p=old)
    exact = sum(p * math.log(p / q) for p, q in zip(old, new, strict=True))
    found = losses.approx_kl(tensor(np.log(new[actions])), tensor(np.log(old[actions])))
    assert found.item() == pytest.approx(exact, rel=0.02)


def test_clip_fraction_counts_both_sides_and_not_the_edges():
    ratios = np.array([0.5, 0.76, 1.0, 1.24, 1.5, 3.0])
    found = losses.clip_fraction(tensor(np.log(ratios)), tensor(np.zeros(6)), clip_range=0.25)
    assert found.item() == pytest.approx(3 / 6)


def test_max_ratio_is_the_largest_ratio():
    old, new, _ = batch()
    found = losses.max_ratio(tensor(new), tensor(old)).item()
    assert found == pytest.approx(max(math.exp(n - o) for o, n in zip(old, new, strict=True)))


def test_explained_variance_of_a_perfect_a_constant_and_a_poor_critic():
    targets = tensor([1.0, 2.0, 6.0])
    assert losses.explained_variance(targets, targets).item() == 1.0
    assert losses.explained_variance(tensor([5.0, 5.0, 5.0]), targets).item() == pytest.approx(0.0)
    assert losses.explained_variance(-targets, targets).item() == pytest.approx(-3.0)


def test_entropy_is_the_mean_of_torch_distributions_entropy():
    log_pi = torch.log_softmax(tensor(np.random.default_rng(0).normal(size=(6, 3))), dim=-1)
    expected = Categorical(logits=log_pi).entropy().mean()
    torch.testing.assert_close(losses.entropy(log_pi), expected)


@pytest.mark.parametrize(
    "loss",
    [
        lambda one, other: losses.policy_gradient_loss(one, other),
        lambda one, other: losses.value_loss(one, other),
        lambda one, other: losses.ppo_clip_loss(one, one, other, clip_range=0.2),
        lambda one, other: losses.clipped_value_loss(one, one, other, clip_range=0.2),
    ],
)
def test_different_shapes_are_refused_with_the_numbers_of_both(loss):
    with pytest.raises(ValueError, match=r"\(5,\).*\(5, 1\)"):
        loss(torch.zeros(5), torch.zeros(5, 1))
