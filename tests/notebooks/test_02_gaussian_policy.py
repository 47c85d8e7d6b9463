"""02: its equations, and the numbers in its text."""

import math

import numpy as np
import pytest
import torch
from cells import answers, text
from torch.distributions import Independent, Normal

import rlcore

NAME = "02_gaussian_policy"
TEXT, ANSWERS = text(NAME), answers(NAME)
MEAN = torch.tensor([[0.0, 1.2]], dtype=torch.float64)
ACTION = torch.tensor([[0.1, 1.0]], dtype=torch.float64)
LOG_STD = torch.full((2,), -0.5, dtype=torch.float64)


def log_prob(mean, log_std, actions):
    return Independent(Normal(mean, log_std.exp()), 1).log_prob(actions)


def test_equation_2_1_is_the_density_of_independent_bells():
    terms = [
        -0.5 * ((a - m) / math.exp(-0.5)) ** 2 + 0.5 - 0.5 * math.log(2 * math.pi)
        for a, m in zip(ACTION[0].tolist(), MEAN[0].tolist(), strict=True)
    ]
    assert sum(terms) == pytest.approx(log_prob(MEAN, LOG_STD, ACTION).item())
    found = ANSWERS["gaussian_log_prob"](MEAN, LOG_STD, ACTION)
    assert found.item() == pytest.approx(sum(terms))


def test_equation_2_2_a_step_along_the_score_climbs_the_expected_reward_on_average():
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()

    def value(mean):  # E[r(a)] for r(a) = −(a − 1)², a ~ N(mean, 0.7²)
        return float(weights @ (-((mean + 0.7 * nodes - 1.0) ** 2)))

    rewards = -((0.3 + 0.7 * nodes - 1.0) ** 2)
    mean_step = float(weights @ (rewards * nodes / 0.7))  # the score is (a − μ)/σ² = z/σ
    assert mean_step == pytest.approx((value(0.3 + 1e-4) - value(0.3 - 1e-4)) / 2e-4, rel=1e-6)


def test_equation_2_3_is_the_chain_rule():
    sigma = torch.tensor([0.4, 1.3], dtype=torch.float64, requires_grad=True)
    log_prob(MEAN, sigma.log(), ACTION).sum().backward()
    found = ANSWERS["gaussian_score_log_std"](MEAN, sigma.detach().log(), ACTION)
    torch.testing.assert_close(found[0], sigma.detach() * sigma.grad)


def test_equation_2_4_entropy_is_the_mean_of_minus_log_density():
    grid = torch.linspace(-12, 12, 200_001, dtype=torch.float64)
    logs = Normal(0.0, 0.8).log_prob(grid)
    by_integral = torch.trapezoid(-logs.exp() * logs, grid).item()
    found = float(ANSWERS["gaussian_entropy"](torch.tensor([math.log(0.8)], dtype=torch.float64)))
    assert found == pytest.approx(by_integral)
    assert found == pytest.approx(Normal(0.0, 0.8).entropy().item(), rel=1e-6)


@pytest.mark.parametrize("sigma", [0.1, 0.7, 3.0])
def test_equation_2_5_sizes_of_the_scores(sigma):
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    of_mean, of_log_std = nodes / sigma, nodes**2 - 1
    assert math.sqrt(weights @ of_mean**2) == pytest.approx(1 / sigma)
    assert math.sqrt(weights @ of_log_std**2) == pytest.approx(math.sqrt(2))
    assert weights @ of_log_std == pytest.approx(0.0, abs=1e-12)


def test_the_worked_scores_are_right():
    for name, score, expected in (
        ("mean", "gaussian_score_mean", [0.2718, -0.5437]),
        ("log σ", "gaussian_score_log_std", [-0.972817, -0.891269]),
    ):
        found = ANSWERS[score](MEAN, LOG_STD, ACTION)[0].tolist()
        for number, wanted in zip(found, expected, strict=True):
            digits = len(str(abs(wanted))) - 2
            assert round(number, digits) == wanted, name
            assert str(wanted).replace("-", "−") in TEXT
    one = ANSWERS["gaussian_score_mean"](MEAN, torch.zeros(2, dtype=torch.float64), ACTION)
    np.testing.assert_allclose(one[0], [0.1, -0.2])
    assert "[0.1, −0.2]" in TEXT and "[0.2718, −0.5437]" in TEXT


def test_the_score_at_a_small_sigma_is_as_the_text_says():
    log_std = torch.full((2,), math.log(0.1), dtype=torch.float64)
    found = ANSWERS["gaussian_score_mean"](MEAN, log_std, ACTION)
    np.testing.assert_allclose(found[0], [10, -20])
    assert "with σ = 0.1 it is [10, −20]" in TEXT


def test_the_worked_log_density_is_right():
    assert round(math.exp(-1), 6) == 0.367879
    assert round(0.5 * 0.05 / 0.367879, 6) == 0.067957
    assert round(math.log(2 * math.pi), 6) == 1.837877
    assert round(log_prob(MEAN, LOG_STD, ACTION).item(), 6) == -0.905834
    assert "**−0.905834**" in TEXT


def test_the_worked_entropy_is_right():
    one = float(ANSWERS["gaussian_entropy"](torch.tensor([-0.5], dtype=torch.float64)))
    assert (round(one, 6), round(2 * one, 6)) == (0.918939, 1.837877)
    assert "**0.918939**" in TEXT and "**1.837877**" in TEXT


def test_small_claims_of_the_text():
    height = Normal(0.0, 0.1).log_prob(torch.tensor(0.0))
    assert (round(height.exp().item(), 3), round(height.item(), 3)) == (3.989, 1.384)
    assert round(math.sqrt(0.05), 3) == 0.224
    assert round(math.erf(1 / math.sqrt(2)), 2) == 0.68
    assert "σ = √0.05 = 0.224" in TEXT and "log 3.989 = 1.384" in TEXT


def test_the_model_answer_on_models_is_true_of_the_code():
    actor = rlcore.GaussianActor(rlcore.mlp((3, 8, 2)), action_dim=2, log_std=-0.5)
    observations, actions = torch.zeros(5, 3), torch.zeros(5, 2)
    log_probs, entropy = actor.evaluate(observations, actions)
    assert (log_probs.shape, entropy.shape, actor.log_std.shape) == ((5,), (5,), (2,))
    model = rlcore.ActorCritic(actor, rlcore.Critic(rlcore.mlp((3, 8, 1))))
    act = model.act(np.zeros((5, 3)))
    assert all(isinstance(value, np.ndarray) for value in act.values())
    assert log_probs.requires_grad
