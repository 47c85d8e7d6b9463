"""Answer key of gaussian_score_mean."""

import math

import torch
from torch.distributions import Normal

from grader.exercise import AnswerKey, Misconception


def reference(mean, log_std, actions):
    """Williams 1992, section 6, number by number: ∂ log π / ∂μ is (a − μ) / σ²."""
    scores = []
    for means, row in zip(mean.tolist(), actions.tolist(), strict=True):
        sigmas = [math.exp(value) for value in log_std.tolist()]
        scores.append([(a - mu) / s**2 for a, mu, s in zip(row, means, sigmas, strict=True)])
    return scores


def divided_by_sigma(mean, log_std, actions):
    return (actions - mean) / log_std.exp()


def sign_flipped(mean, log_std, actions):
    return (mean - actions) / log_std.exp() ** 2


def sign_flipped_by_sigma(mean, log_std, actions):
    return (mean - actions) / log_std.exp()


def log_std_as_std(mean, log_std, actions):
    return (actions - mean) / log_std**2


def log_std_as_std_not_squared(mean, log_std, actions):
    return (actions - mean) / log_std


def sigma_left_out(mean, log_std, actions):
    return actions - mean


def times_the_variance(mean, log_std, actions):
    return (actions - mean) * log_std.exp() ** 2


def variance_for_sigma(mean, log_std, actions):
    variance = torch.exp(2 * log_std)
    return (actions - mean) / variance**2


def exponential_of_the_square(mean, log_std, actions):
    return (actions - mean) / torch.exp(log_std**2)


def halved(mean, log_std, actions):
    return (actions - mean) / (2 * log_std.exp() ** 2)


def doubled(mean, log_std, actions):
    return 2 * (actions - mean) / log_std.exp() ** 2


def still_squared(mean, log_std, actions):
    return ((actions - mean) / log_std.exp()) ** 2


def score_of_log_std(mean, log_std, actions):
    return ((actions - mean) / log_std.exp()) ** 2 - 1


def gradient_of_the_density(mean, log_std, actions):
    p = Normal(mean, log_std.exp()).log_prob(actions).sum(-1, keepdim=True).exp()
    return p * (actions - mean) / log_std.exp() ** 2


def log_prob_multiplied(mean, log_std, actions):
    log_prob = Normal(mean, log_std.exp()).log_prob(actions).sum(-1, keepdim=True)
    return log_prob * (actions - mean) / log_std.exp() ** 2


def summed_over_dimensions(mean, log_std, actions):
    return ((actions - mean) / log_std.exp() ** 2).sum(-1)


def averaged_over_the_batch(mean, log_std, actions):
    return ((actions - mean) / log_std.exp() ** 2).mean(0)


def one_sigma_for_all(mean, log_std, actions):
    return (actions - mean) / log_std.exp().mean() ** 2


def norm_of_sigma(mean, log_std, actions):
    return (actions - mean) / log_std.exp().square().sum()


def batch_statistics(mean, log_std, actions):
    return (actions - mean) / ((actions - mean) ** 2).mean()


def with_reciprocal(mean, log_std, actions):
    return (actions - mean) * torch.exp(-2 * log_std)


def with_numpy(mean, log_std, actions):
    std = log_std.exp().numpy()
    z = (actions.numpy() - mean.numpy()) / std
    return z / std


def with_precision_matrix(mean, log_std, actions):
    precision = torch.linalg.inv(torch.diag(log_std.exp() ** 2))
    return (actions - mean) @ precision


def in_float32(mean, log_std, actions):
    variance = Normal(mean.float(), log_std.float().exp()).variance
    return (actions.float() - mean.float()) / variance


def as_lists(mean, log_std, actions):
    rows = []
    for b in range(len(mean)):
        row = []
        for i in range(len(log_std)):
            row.append(float(actions[b, i] - mean[b, i]) / math.exp(2 * float(log_std[i])))
        rows.append(row)
    return rows


SIGMA = "What is σ, given its logarithm? And σ²?"

KEY = AnswerKey(
    reference=reference,
    hints=(
        "Take the log-density of one dimension and look for the mean in it. Only one of its three "
        "parts depends on the mean. Which?",
        "That part is a square. Differentiate it with the chain rule: the 2 comes down, and the "
        "distance has a minus sign before the mean. What do both do to the factor −½?",
        "What is left is the distance from the mean to the action, divided by the variance. The "
        "variance is the exponential of twice log σ; each dimension has its own.",
    ),
    misconceptions=(
        Misconception(
            "the distance is divided by σ, where σ² belongs",
            "The exponent of the bell has σ² below the line. Does it go away when you "
            "differentiate by the mean? (And what is the exponential of log σ: σ or σ²?)",
            divided_by_sigma,
        ),
        Misconception(
            "the sign is flipped",
            "To make an action likelier, should the mean move towards it or away from it? "
            "(A derivative by the action points the other way.)",
            sign_flipped,
        ),
        Misconception(
            "the sign is flipped, and the distance is divided by σ, where σ² belongs",
            "To make an action likelier, where should the mean move? And what stands below the "
            "line in the exponent of the bell?",
            sign_flipped_by_sigma,
        ),
        Misconception("log_std is used as the standard deviation", SIGMA, log_std_as_std),
        Misconception(
            "the distance is divided by log_std itself",
            SIGMA,
            log_std_as_std_not_squared,
        ),
        Misconception(
            "σ is left out, as if it were 1",
            "Is an action half a unit away as surprising for a narrow bell as for a wide one?",
            sigma_left_out,
        ),
        Misconception(
            "the distance is multiplied with σ², not divided by it",
            "Which bell is steeper, a narrow one or a wide one?",
            times_the_variance,
        ),
        Misconception(
            "σ⁴ stands where σ² belongs",
            "The exponential of twice log σ is the variance already. Is it squared once more?",
            variance_for_sigma,
        ),
        Misconception(
            "log_std is squared before the exponential is taken",
            "Which comes first: σ from its logarithm, or the square?",
            exponential_of_the_square,
        ),
        Misconception(
            "the distance is divided by 2σ²",
            "The exponent is a square. What does its derivative do to the ½?",
            halved,
        ),
        Misconception(
            "it is twice too large",
            "What factor stands before the square in the exponent of the bell?",
            doubled,
        ),
        Misconception(
            "the squared distance is not differentiated",
            "A score has a direction: it should change its sign when the action lies on the other "
            "side of the mean. Does yours?",
            still_squared,
        ),
        Misconception(
            "the score of log σ is given",
            "By which of the two parameters did you differentiate?",
            score_of_log_std,
        ),
        Misconception(
            "the density is differentiated, not its logarithm",
            "The score is the gradient of log π. Should an unlikely action have a small score?",
            gradient_of_the_density,
        ),
        Misconception(
            "the score is multiplied with the log-probability",
            "The logarithm itself is differentiated. Is it still there afterwards?",
            log_prob_multiplied,
        ),
        Misconception(
            "the dimensions of an action are summed",
            "Each dimension has a mean of its own. How many slopes are there for one action?",
            summed_over_dimensions,
        ),
        Misconception(
            "the batch is averaged",
            "Each row is another action, with a score of its own. Who takes the mean, and of what?",
            averaged_over_the_batch,
        ),
        Misconception(
            "one σ, the mean of all, is used for every dimension",
            "log_std has one number for each action dimension. Which of them belongs to column i?",
            one_sigma_for_all,
        ),
        Misconception(
            "the variances of all dimensions are summed",
            "log_std has one number for each action dimension. Which of them belongs to column i?",
            norm_of_sigma,
        ),
        Misconception(
            "the spread of the actions in the batch stands where the policy's σ² belongs",
            "Which σ did the policy draw these actions with: one measured on the batch, or one of "
            "the arguments?",
            batch_statistics,
        ),
    ),
    also_correct=(with_reciprocal, with_numpy, with_precision_matrix, in_float32, as_lists),
)
