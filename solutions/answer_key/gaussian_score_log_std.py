"""Answer key of gaussian_score_log_std."""

import math

import numpy as np
import torch
from torch.distributions import Normal

from grader.exercise import AnswerKey, Misconception


def reference(mean, log_std, actions):
    """Williams 1992, section 6, gives ∂ log π / ∂σ; times ∂σ / ∂ log σ, which is σ."""
    scores = []
    for means, row in zip(mean.tolist(), actions.tolist(), strict=True):
        scores.append([])
        for mu, log_sigma, a in zip(means, log_std.tolist(), row, strict=True):
            sigma = math.exp(log_sigma)
            by_sigma = ((a - mu) ** 2 - sigma**2) / sigma**3
            scores[-1].append(by_sigma * sigma)
    return scores


def standardised(mean, log_std, actions):
    return (actions - mean) / log_std.exp()


def one_missing(mean, log_std, actions):
    return standardised(mean, log_std, actions) ** 2


def one_added(mean, log_std, actions):
    return standardised(mean, log_std, actions) ** 2 + 1


def sign_flipped(mean, log_std, actions):
    return 1 - standardised(mean, log_std, actions) ** 2


def by_sigma(mean, log_std, actions):
    return (standardised(mean, log_std, actions) ** 2 - 1) / log_std.exp()


def by_sigma_in_one_term(mean, log_std, actions):
    return standardised(mean, log_std, actions) ** 2 - 1 / log_std.exp()


def by_sigma_in_the_other_term(mean, log_std, actions):
    std = log_std.exp()
    return (actions - mean) ** 2 / std**3 - 1


def by_the_variance(mean, log_std, actions):
    variance = log_std.exp() ** 2
    return ((actions - mean) ** 2 - variance) / (2 * variance**2)


def by_the_log_variance(mean, log_std, actions):
    return 0.5 * (standardised(mean, log_std, actions) ** 2 - 1)


def log_std_as_log_variance(mean, log_std, actions):
    return 0.5 * ((actions - mean) ** 2 / log_std.exp() - 1)


def half_left(mean, log_std, actions):
    return 0.5 * standardised(mean, log_std, actions) ** 2 - 1


def twice_the_square(mean, log_std, actions):
    return 2 * standardised(mean, log_std, actions) ** 2 - 1


def minus_the_square(mean, log_std, actions):
    return -(standardised(mean, log_std, actions) ** 2) - 1


def not_squared(mean, log_std, actions):
    return standardised(mean, log_std, actions) - 1


def sigma_not_squared(mean, log_std, actions):
    return (actions - mean) ** 2 / log_std.exp() - 1


def variance_for_sigma(mean, log_std, actions):
    return ((actions - mean) / log_std.exp() ** 2) ** 2 - 1


def sigma_left_out(mean, log_std, actions):
    return (actions - mean) ** 2 - 1


def log_std_as_std(mean, log_std, actions):
    return ((actions - mean) / log_std) ** 2 - 1


def log_sigma_not_differentiated(mean, log_std, actions):
    return standardised(mean, log_std, actions) ** 2 - log_std


def times_sigma(mean, log_std, actions):
    std = log_std.exp()
    return ((actions - mean) ** 2 / std**2 - 1) * std


def score_of_the_mean(mean, log_std, actions):
    return (actions - mean) / log_std.exp() ** 2


def gradient_of_the_density(mean, log_std, actions):
    p = Normal(mean, log_std.exp()).log_prob(actions).sum(-1, keepdim=True).exp()
    return p * (standardised(mean, log_std, actions) ** 2 - 1)


def summed_over_dimensions(mean, log_std, actions):
    return (standardised(mean, log_std, actions) ** 2 - 1).sum(-1)


def summed_over_the_batch(mean, log_std, actions):
    return (standardised(mean, log_std, actions) ** 2 - 1).sum(0)


def averaged_over_the_batch(mean, log_std, actions):
    return (standardised(mean, log_std, actions) ** 2 - 1).mean(0)


def whole_distance(mean, log_std, actions):
    z = standardised(mean, log_std, actions)
    return (z**2).sum(-1, keepdim=True).expand(actions.shape) - 1


def factored(mean, log_std, actions):
    z = (actions - mean) * torch.exp(-log_std)
    return (z - 1) * (z + 1)


def over_the_variance(mean, log_std, actions):
    variance = torch.exp(log_std) ** 2
    return ((actions - mean) ** 2 - variance) / variance


def with_numpy(mean, log_std, actions):
    z = (actions.numpy() - mean.numpy()) / np.exp(log_std.numpy())
    return z**2 - 1


def in_float32(mean, log_std, actions):
    z = (actions.float() - mean.float()) / log_std.float().exp()
    return torch.addcmul(-torch.ones_like(z), z, z)


def as_lists(mean, log_std, actions):
    rows = []
    for b in range(len(mean)):
        row = []
        for i in range(len(log_std)):
            z = float(actions[b, i] - mean[b, i]) / math.exp(float(log_std[i]))
            row.append(z * z - 1.0)
        rows.append(row)
    return rows


CHAIN = (
    "The parameter is log σ and not σ: σ is its exponential. What does the chain rule multiply "
    "with, and in which terms?"
)
UNIT = (
    "How many σ lies the action away from the mean? That number has no unit. Which power of σ "
    "makes the unit of the squared distance go away?"
)
ROWS = (
    "log σ is the same for every row, but each row is another action and pulls at it in its own "
    "way. How many pulls are there in a batch?"
)

KEY = AnswerKey(
    reference=reference,
    hints=(
        "Two of the three parts of the log-density depend on log σ. Which two? One of them is so "
        "simple that its derivative is a constant.",
        "Write the squared standardised distance as the squared distance times the exponential "
        "of minus twice log σ. Differentiated by log σ, it is itself, times something.",
        "The −2 meets the −½, so the first part gives the squared standardised distance; the "
        "second gives −1. Check: an action exactly one σ away from the mean has no say about σ.",
    ),
    misconceptions=(
        Misconception(
            "the −1 is missing",
            "Without it every action would ask for a wider bell. What does a wider bell cost all "
            "the actions near the mean?",
            one_missing,
        ),
        Misconception(
            "1 is added and not subtracted",
            "Which sign has log σ in the log-density?",
            one_added,
        ),
        Misconception(
            "the sign is flipped",
            "To make an action far out likelier, should the bell become wider or narrower?",
            sign_flipped,
        ),
        Misconception("it is differentiated by σ and not by log σ", CHAIN, by_sigma),
        Misconception(
            "one term is differentiated by log σ, but log σ itself by σ",
            "What is the derivative of log σ by log σ?",
            by_sigma_in_one_term,
        ),
        Misconception(
            "log σ is differentiated by log σ, but the squared distance by σ",
            CHAIN,
            by_sigma_in_the_other_term,
        ),
        Misconception("it is differentiated by σ² and not by log σ", CHAIN, by_the_variance),
        Misconception(
            "it is differentiated by the logarithm of the variance",
            "By how much does log σ² change when log σ changes by a little?",
            by_the_log_variance,
        ),
        Misconception(
            "log_std is taken for the logarithm of the variance",
            "The argument holds log σ. What is σ², in terms of it?",
            log_std_as_log_variance,
        ),
        Misconception(
            "the squared distance keeps its ½",
            "log σ stands in the exponent with a factor of its own. What does that factor do to "
            "the ½?",
            half_left,
        ),
        Misconception(
            "the squared distance is counted twice",
            "What factor stands before the square in the exponent of the bell?",
            twice_the_square,
        ),
        Misconception(
            "the squared distance has the wrong sign",
            "To make an action far out likelier, should the bell become wider or narrower?",
            minus_the_square,
        ),
        Misconception(
            "the standardised distance is not squared",
            "Should it matter for the width on which side of the mean the action lies?",
            not_squared,
        ),
        Misconception("the squared distance is divided by σ, not σ²", UNIT, sigma_not_squared),
        Misconception("σ² stands where σ belongs", UNIT, variance_for_sigma),
        Misconception("σ is left out, as if it were 1", UNIT, sigma_left_out),
        Misconception(
            "log_std is used as the standard deviation",
            "What is σ, given its logarithm?",
            log_std_as_std,
        ),
        Misconception(
            "log σ is subtracted as it is, not differentiated",
            "What is the derivative of log σ by log σ?",
            log_sigma_not_differentiated,
        ),
        Misconception(
            "the chain rule's σ is multiplied in once too often",
            "Did you differentiate by σ or by log σ before you multiplied?",
            times_sigma,
        ),
        Misconception(
            "the score of the mean is given",
            "By which of the two parameters did you differentiate?",
            score_of_the_mean,
        ),
        Misconception(
            "the density is differentiated, not its logarithm",
            "The score is the gradient of log π. Should an unlikely action have a small score?",
            gradient_of_the_density,
        ),
        Misconception(
            "the dimensions of an action are summed",
            "Each dimension has a σ of its own. How many slopes are there for one action?",
            summed_over_dimensions,
        ),
        Misconception("the batch is summed into the shape of log_std", ROWS, summed_over_the_batch),
        Misconception("the batch is averaged", ROWS, averaged_over_the_batch),
        Misconception(
            "the distances of all dimensions are summed before 1 is subtracted",
            "Does the width in one dimension change how likely the others are?",
            whole_distance,
        ),
    ),
    also_correct=(factored, over_the_variance, with_numpy, in_float32, as_lists),
)
