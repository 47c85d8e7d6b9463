"""Answer key of gaussian_entropy."""

import math

import numpy as np
import torch
from torch.distributions import Independent, MultivariateNormal, Normal

from grader.exercise import AnswerKey, Misconception

LOG_2PI = math.log(2 * math.pi)


def reference(log_std):
    """Shannon 1948, section 20: log(√(2πe) σ) in one dimension; independent ones add up."""
    return math.fsum(
        math.log(math.sqrt(2 * math.pi * math.e) * math.exp(value)) for value in log_std.tolist()
    )


def not_summed(log_std):
    return log_std + 0.5 * (1 + LOG_2PI)


def averaged(log_std):
    return (log_std + 0.5 * (1 + LOG_2PI)).mean()


def constant_counted_once(log_std):
    return log_std.sum() + 0.5 * (1 + LOG_2PI)


def half_counted_once(log_std):
    return (log_std + 0.5 * LOG_2PI).sum() + 0.5


def half_missing(log_std):
    return (log_std + 0.5 * LOG_2PI).sum()


def one_for_a_half(log_std):
    return (log_std + 1 + 0.5 * LOG_2PI).sum()


def half_subtracted(log_std):
    return (log_std + 0.5 * (LOG_2PI - 1)).sum()


def constant_missing(log_std):
    return log_std.sum()


def constant_without_pi(log_std):
    return (log_std + 0.5).sum()


def constant_not_halved(log_std):
    return (log_std + 1 + LOG_2PI).sum()


def log_std_as_std(log_std):
    return 0.5 * torch.log(2 * math.pi * math.e * log_std**2).sum()


def log_std_as_log_variance(log_std):
    return 0.5 * (log_std + 1 + LOG_2PI).sum()


def log_of_the_variance(log_std):
    return (2 * log_std + 0.5 * (1 + LOG_2PI)).sum()


def sigma_for_log_sigma(log_std):
    return (log_std.exp() + 0.5 * (1 + LOG_2PI)).sum()


def log_of_the_sum(log_std):
    return torch.log(log_std.exp().sum()) + 0.5 * len(log_std) * (1 + LOG_2PI)


def sign_flipped(log_std):
    return -(log_std + 0.5 * (1 + LOG_2PI)).sum()


def log_sigma_subtracted(log_std):
    return (0.5 * (1 + LOG_2PI) - log_std).sum()


def in_bits(log_std):
    return (log_std + 0.5 * (1 + LOG_2PI)).sum() / math.log(2)


def with_independent(log_std):
    return Independent(Normal(torch.zeros_like(log_std), log_std.exp()), 1).entropy()


def with_covariance(log_std):
    covariance = torch.diag(torch.exp(2 * log_std))
    return MultivariateNormal(torch.zeros_like(log_std), covariance).entropy()


def with_numpy(log_std):
    variance = np.exp(log_std.numpy()) ** 2
    return np.sum(0.5 * np.log(2 * np.pi * np.e * variance))


def in_float32(log_std):
    return log_std.float().sum() + 0.5 * log_std.numel() * math.log(2 * math.pi * math.e)


def as_a_number(log_std):
    total = 0.0
    for value in log_std:
        total += float(value) + 0.5 + 0.5 * math.log(2 * math.pi)
    return total


COUNT = (
    "Take two independent dimensions with the same σ. How much more uncertain is the pair than "
    "one of them alone?"
)
AVERAGE = (
    "Entropy is the average of −log π over the policy's own actions. What is the average of the "
    "squared standardised distance, and what stands before it?"
)
MEANING = "What is σ, given its logarithm, and which of the two does the log-density contain?"

KEY = AnswerKey(
    reference=reference,
    hints=(
        "Entropy is minus the log-probability of an action, averaged over the policy's own "
        "actions. Take the log-density of one dimension and average its three parts.",
        "Two of the parts do not depend on the action. In the third stands the squared "
        "standardised distance: what is its average, if the action is drawn from this very bell?",
        "It is 1, the variance of a standard Gaussian. So each dimension brings log σ, plus a "
        "half, plus half the logarithm of 2π. Independent dimensions add up, constants included.",
    ),
    misconceptions=(
        Misconception(
            "the dimensions are not summed",
            "How many numbers say how uncertain one action is?",
            not_summed,
        ),
        Misconception("the dimensions are averaged and not summed", COUNT, averaged),
        Misconception(
            "the constant is counted once for all dimensions", COUNT, constant_counted_once
        ),
        Misconception("the ½ is counted once for all dimensions", COUNT, half_counted_once),
        Misconception("the ½ of the squared distance is missing", AVERAGE, half_missing),
        Misconception("1 stands where ½ belongs", AVERAGE, one_for_a_half),
        Misconception("the ½ is subtracted and not added", AVERAGE, half_subtracted),
        Misconception(
            "the constant is left out",
            "What are the other two parts of the log-density, and do they vanish on average?",
            constant_missing,
        ),
        Misconception(
            "the logarithm of 2π is left out",
            "What makes the area under the bell 1, and where is it in the log-density?",
            constant_without_pi,
        ),
        Misconception(
            "the constant is not halved",
            "The bell is divided by the square root of 2π. What is its logarithm?",
            constant_not_halved,
        ),
        Misconception("log_std is used as the standard deviation", MEANING, log_std_as_std),
        Misconception(
            "log_std is taken for the logarithm of the variance",
            "The variance is σ². What is its logarithm, in terms of log σ?",
            log_std_as_log_variance,
        ),
        Misconception(
            "the logarithm of σ² is added, without its ½",
            "If σ is twice as large, the actions spread over twice as much room. By how much "
            "should the entropy grow?",
            log_of_the_variance,
        ),
        Misconception("σ is added where log σ belongs", MEANING, sigma_for_log_sigma),
        Misconception(
            "the logarithm of the sum of all σ is taken",
            "The spreads of independent dimensions multiply, as the sides of a box do. What does "
            "the logarithm make of a product?",
            log_of_the_sum,
        ),
        Misconception(
            "the sign is flipped",
            "Which policy is less certain of its action, a wide one or a narrow one?",
            sign_flipped,
        ),
        Misconception(
            "log σ is subtracted and not added",
            "Which policy is less certain of its action, a wide one or a narrow one?",
            log_sigma_subtracted,
        ),
        Misconception(
            "it is measured in bits",
            "Which base of the logarithm belongs to nats?",
            in_bits,
        ),
    ),
    also_correct=(with_independent, with_covariance, with_numpy, in_float32, as_a_number),
)
