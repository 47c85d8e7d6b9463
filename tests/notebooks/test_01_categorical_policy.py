"""01: its equations, and the numbers in its text."""

import math

import numpy as np
import pytest
import torch
from cells import answers, notebook, text
from torch.distributions import Categorical

from grader.execute import cell_by_id

NAME = "01_categorical_policy"
TEXT, ANSWERS = text(NAME), answers(NAME)
LOGITS = torch.tensor([-2.5, 0.9, 2.4, 3.7], dtype=torch.float64)
PROBS = np.array([0.001520, 0.045538, 0.204087, 0.748855])
REWARDS = torch.tensor([10.0, 4.0, 3.0, 1.0], dtype=torch.float64)


def gradient(function, point):
    """By autograd."""
    point = point.clone().requires_grad_()
    return torch.autograd.grad(function(point), point)[0]


def expected_reward(logits):
    return (Categorical(logits=logits).probs * REWARDS).sum()


def test_equation_1_1_softmax_is_torch_s_categorical():
    np.testing.assert_allclose(ANSWERS["categorical_probs"](LOGITS), PROBS, atol=5e-7)
    by_hand = [math.exp(z) for z in LOGITS.tolist()]
    np.testing.assert_allclose(Categorical(logits=LOGITS).probs, np.array(by_hand) / sum(by_hand))


def test_equation_1_1_only_differences_of_logits_count():
    moved = Categorical(logits=LOGITS + 7.0).probs
    torch.testing.assert_close(moved, Categorical(logits=LOGITS).probs)
    assert moved[3] / moved[2] == pytest.approx(math.exp(3.7 - 2.4))


def test_equation_1_2_log_prob_is_a_difference():
    for action, z in enumerate(LOGITS.tolist()):
        by_formula = z - math.log(sum(math.exp(other) for other in LOGITS.tolist()))
        expected = Categorical(logits=LOGITS).log_prob(torch.tensor(action))
        assert by_formula == pytest.approx(expected.item())


def test_equation_1_3_score_is_one_hot_minus_probs():
    actions = torch.arange(4)
    found = ANSWERS["categorical_score"](LOGITS.expand(4, -1), actions)
    for action in actions:
        score = gradient(lambda z, a=action: Categorical(logits=z).log_prob(a), LOGITS)
        np.testing.assert_allclose(np.eye(4)[action] - PROBS, score, atol=1e-6)
        torch.testing.assert_close(found[action], score)


def test_equation_1_4_scores_are_zero_on_average():
    scores = np.eye(4) - PROBS
    np.testing.assert_allclose(PROBS @ scores, np.zeros(4), atol=1e-6)


def test_equation_1_5_entropy_is_that_of_torch():
    by_formula = -sum(p * math.log(p) for p in Categorical(logits=LOGITS).probs.tolist())
    assert by_formula == pytest.approx(Categorical(logits=LOGITS).entropy().item())
    found = ANSWERS["categorical_entropy"](LOGITS[None])
    assert found.item() == pytest.approx(by_formula)


def test_equation_1_6_policy_gradient_is_that_of_the_expected_reward():
    exact = gradient(expected_reward, LOGITS)
    by_formula = (PROBS * REWARDS.numpy()) @ (np.eye(4) - PROBS)
    np.testing.assert_allclose(by_formula, exact, atol=1e-5)
    torch.testing.assert_close(ANSWERS["exact_policy_gradient"](LOGITS, REWARDS), exact)


def test_equation_1_7_is_the_same_gradient_in_short():
    probs, reward = Categorical(logits=LOGITS).probs, expected_reward(LOGITS)
    torch.testing.assert_close(probs * (REWARDS - reward), gradient(expected_reward, LOGITS))


def test_equation_1_8_estimate_is_right_on_average():
    probs, mean = Categorical(logits=LOGITS).probs, torch.zeros(4, dtype=torch.float64)
    for first in range(4):  # every batch of two actions, weighted with its probability
        for second in range(4):
            actions = torch.tensor([first, second])
            found = ANSWERS["score_function_estimate"](LOGITS, actions, REWARDS[actions])
            mean += probs[first] * probs[second] * found
    torch.testing.assert_close(mean, gradient(expected_reward, LOGITS))


@pytest.mark.parametrize("baseline", [-3.0, 1.9, 100.0])
def test_equation_1_9_a_baseline_leaves_the_gradient(baseline):
    probs = Categorical(logits=LOGITS).probs
    scores = torch.eye(4, dtype=torch.float64) - probs
    found = (probs * (REWARDS - baseline)) @ scores
    torch.testing.assert_close(found, gradient(expected_reward, LOGITS))


def test_the_worked_numbers_are_right():
    exponentials = [math.exp(z) for z in LOGITS.tolist()]
    assert [f"{e:.2f}" for e in exponentials] == ["0.08", "2.46", "11.02", "40.45"]
    assert f"{sum(exponentials):.2f}" == "54.01"
    assert "11.02 / 54.01 = **0.204**" in TEXT and round(11.02 / 54.01, 3) == 0.204
    assert "2.4 − 3.989 = **−1.589**" in TEXT and round(2.4 - math.log(54.01), 3) == -1.589
    assert "1 − 0.204087 = **0.795913**" in TEXT and round(1 - 0.204087, 6) == 0.795913
    assert round(1.5 * math.log(2), 3) == 1.040
    example = Categorical(logits=LOGITS).entropy().item()
    assert "For the example: 0.691." in TEXT and round(example, 3) == 0.691


def test_the_worked_gradient_is_right():
    logits = torch.log(torch.tensor([0.25, 0.25, 0.5], dtype=torch.float64))
    rewards = torch.tensor([0.0, 4.0, 2.0], dtype=torch.float64)
    found = ANSWERS["exact_policy_gradient"](logits, rewards)
    np.testing.assert_allclose(found, [-0.5, 0.5, 0.0], atol=1e-12)
    assert "together **0.5**. The other two entries are −0.5" in TEXT


def test_the_worked_estimate_is_right():
    arguments = torch.zeros(2), torch.tensor([0, 1]), torch.tensor([4.0, 2.0])
    np.testing.assert_allclose(ANSWERS["score_function_estimate"](*arguments), [0.5, -0.5])
    assert "(4 · ½ − 2 · ½) / 2 = **0.5** and the second −0.5" in TEXT


def test_the_mean_reward_takes_three_quarters_of_the_variance():
    probs = Categorical(logits=LOGITS).probs
    lengths = (torch.eye(4, dtype=torch.float64) - probs).square().sum(1)
    exact = gradient(expected_reward, LOGITS).square().sum()

    def variance(baseline):
        return ((probs * (REWARDS - baseline) ** 2 * lengths).sum() - exact).item()

    assert "makes the variance four times" in TEXT
    assert 3.5 < variance(0.0) / variance(expected_reward(LOGITS).item()) < 4.5


def test_a_batch_s_own_mean_shortens_the_gradient_as_the_text_says():
    probs = Categorical(logits=LOGITS).probs
    scores = torch.eye(4, dtype=torch.float64) - probs
    mean = torch.zeros(4, dtype=torch.float64)
    for pair in torch.cartesian_prod(torch.arange(4), torch.arange(4)):
        weights = REWARDS[pair] - REWARDS[pair].mean()
        mean += probs[pair].prod() * (weights[:, None] * scores[pair]).mean(0)
    assert "the mean (1 − 1/B) ∇J" in TEXT
    torch.testing.assert_close(mean, 0.5 * gradient(expected_reward, LOGITS))


def test_the_setup_cell_needs_nothing_that_is_secret():
    source = cell_by_id(notebook(NAME), "setup").source
    assert "losses" not in source and "solutions" not in source
