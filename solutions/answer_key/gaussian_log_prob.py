"""Answer key of gaussian_log_prob."""

import math

import numpy as np
import torch
from torch.distributions import Independent, MultivariateNormal, Normal

from grader.exercise import AnswerKey, Misconception

LOG_2PI = math.log(2 * math.pi)


def reference(mean, log_std, actions):
    """Row by row and dimension by dimension, with σ and σ² as the density has them."""
    log_probs = []
    for means, row in zip(mean.tolist(), actions.tolist(), strict=True):
        total = 0.0
        for mu, log_sigma, a in zip(means, log_std.tolist(), row, strict=True):
            sigma = math.exp(log_sigma)
            total -= (a - mu) ** 2 / (2 * sigma**2) + math.log(sigma * math.sqrt(2 * math.pi))
        log_probs.append(total)
    return log_probs


def not_summed(mean, log_std, actions):
    z = (actions - mean) / log_std.exp()
    return -0.5 * z**2 - log_std - 0.5 * LOG_2PI


def averaged_over_dimensions(mean, log_std, actions):
    return Normal(mean, log_std.exp()).log_prob(actions).mean(-1)


def summed_over_everything(mean, log_std, actions):
    return Normal(mean, log_std.exp()).log_prob(actions).sum()


def averaged_over_the_batch(mean, log_std, actions):
    return Normal(mean, log_std.exp()).log_prob(actions).sum(-1).mean()


def summed_over_the_batch(mean, log_std, actions):
    return Normal(mean, log_std.exp()).log_prob(actions).sum(0)


def log_std_as_std(mean, log_std, actions):
    z = (actions - mean) / log_std
    return (-0.5 * z**2 - log_std.abs().log() - 0.5 * LOG_2PI).sum(-1)


def log_std_as_std_in_the_distance(mean, log_std, actions):
    z = (actions - mean) / log_std
    return (-0.5 * z**2 - log_std - 0.5 * LOG_2PI).sum(-1)


def log_std_as_log_variance(mean, log_std, actions):
    variance = log_std.exp()
    return -0.5 * ((actions - mean) ** 2 / variance + log_std + LOG_2PI).sum(-1)


def variance_for_sigma(mean, log_std, actions):
    return Normal(mean, (2 * log_std).exp()).log_prob(actions).sum(-1)


def sigma_not_squared(mean, log_std, actions):
    std = log_std.exp()
    return (-((actions - mean) ** 2) / (2 * std) - log_std - 0.5 * LOG_2PI).sum(-1)


def two_sigma_squared_wrong(mean, log_std, actions):
    z = (actions - mean) / log_std.exp()
    return (-((z / 2) ** 2) - log_std - 0.5 * LOG_2PI).sum(-1)


def half_missing(mean, log_std, actions):
    z = (actions - mean) / log_std.exp()
    return (-(z**2) - log_std - 0.5 * LOG_2PI).sum(-1)


def exponent_positive(mean, log_std, actions):
    z = (actions - mean) / log_std.exp()
    return (0.5 * z**2 - log_std - 0.5 * LOG_2PI).sum(-1)


def log_sigma_added(mean, log_std, actions):
    z = (actions - mean) / log_std.exp()
    return (-0.5 * z**2 + log_std - 0.5 * LOG_2PI).sum(-1)


def log_sigma_missing(mean, log_std, actions):
    z = (actions - mean) / log_std.exp()
    return (-0.5 * z**2 - 0.5 * LOG_2PI).sum(-1)


def log_sigma_halved(mean, log_std, actions):
    z = (actions - mean) / log_std.exp()
    return -0.5 * (z**2 + log_std + LOG_2PI).sum(-1)


def log_of_the_variance(mean, log_std, actions):
    z = (actions - mean) / log_std.exp()
    return (-0.5 * z**2 - 2 * log_std - 0.5 * LOG_2PI).sum(-1)


def sigma_for_log_sigma(mean, log_std, actions):
    std = log_std.exp()
    return (-0.5 * ((actions - mean) / std) ** 2 - std - 0.5 * LOG_2PI).sum(-1)


def constant_missing(mean, log_std, actions):
    z = (actions - mean) / log_std.exp()
    return (-0.5 * z**2 - log_std).sum(-1)


def constant_counted_once(mean, log_std, actions):
    z = (actions - mean) / log_std.exp()
    return (-0.5 * z**2 - log_std).sum(-1) - 0.5 * LOG_2PI


def constant_not_halved(mean, log_std, actions):
    z = (actions - mean) / log_std.exp()
    return (-0.5 * z**2 - log_std - LOG_2PI).sum(-1)


def density(mean, log_std, actions):
    return Normal(mean, log_std.exp()).log_prob(actions).sum(-1).exp()


def sign_flipped(mean, log_std, actions):
    return -Normal(mean, log_std.exp()).log_prob(actions).sum(-1)


def tiny_number_added(mean, log_std, actions):
    std = log_std.exp()
    p = torch.exp(-0.5 * ((actions - mean) / std) ** 2) / (std * math.sqrt(2 * math.pi))
    return torch.log(p + 1e-8).sum(-1)


def with_independent(mean, log_std, actions):
    return Independent(Normal(mean, log_std.exp()), 1).log_prob(actions)


def with_covariance(mean, log_std, actions):
    return MultivariateNormal(mean, torch.diag(torch.exp(2 * log_std))).log_prob(actions)


def with_numpy(mean, log_std, actions):
    mean, log_std, actions = mean.numpy(), log_std.numpy(), actions.numpy()
    z = (actions - mean) / np.exp(log_std)
    return -0.5 * np.sum(z**2 + np.log(2 * np.pi), axis=1) - log_std.sum()


def in_float32(mean, log_std, actions):
    mean, log_std, actions = mean.float(), log_std.float(), actions.float()
    z = (actions - mean) * torch.exp(-log_std)
    constant = log_std.sum() + 0.5 * log_std.numel() * LOG_2PI
    return -0.5 * torch.einsum("ba,ba->b", z, z) - constant


def as_a_list(mean, log_std, actions):
    log_probs = []
    for b in range(len(actions)):
        total = 0.0
        for i in range(len(log_std)):
            z = float(actions[b, i] - mean[b, i]) / math.exp(float(log_std[i]))
            total += -0.5 * z * z - float(log_std[i]) - 0.5 * LOG_2PI
        log_probs.append(total)
    return log_probs


WIDTH = "How high is the top of the bell, and what happens to it when the bell gets wider?"
ONE_NUMBER = (
    "The dimensions are drawn independently, so their densities multiply. What does that make of "
    "the logarithms, and along which axis?"
)

KEY = AnswerKey(
    reference=reference,
    hints=(
        "The logarithm of a bell has three parts: how far the action is from the mean, how wide "
        "the bell is, and a constant. Write them for a single dimension first.",
        "Measure the distance to the mean in units of σ before you square it. The argument holds "
        "log σ: one of the three parts wants it as it is, another wants its exponential.",
        "For each dimension take minus half of the squared standardised distance, less log σ, "
        "less half the logarithm of 2π. The dimensions are independent: add these up over the "
        "last axis, the constant too, and one number a row is left.",
    ),
    misconceptions=(
        Misconception("the dimensions of an action are not summed", ONE_NUMBER, not_summed),
        Misconception(
            "the dimensions of an action are averaged and not summed",
            ONE_NUMBER,
            averaged_over_dimensions,
        ),
        Misconception(
            "everything is summed, the batch too",
            "Each row is another action, with a log-probability of its own. How many numbers "
            "should come out?",
            summed_over_everything,
        ),
        Misconception(
            "the batch is averaged",
            "Each row is another action, with a log-probability of its own. How many numbers "
            "should come out?",
            averaged_over_the_batch,
        ),
        Misconception(
            "the rows of the batch are summed and not the dimensions",
            "Which axis of (B, A) counts the action dimensions?",
            summed_over_the_batch,
        ),
        Misconception(
            "log_std is used as the standard deviation",
            "log_std can be negative. Can a standard deviation? What has to happen to it first?",
            log_std_as_std,
        ),
        Misconception(
            "log_std is used as the standard deviation in the squared distance, though not in "
            "the width",
            "In what unit do you measure how far the action is from the mean: σ, or its logarithm?",
            log_std_as_std_in_the_distance,
        ),
        Misconception(
            "log_std is taken for the logarithm of the variance",
            "The variance is σ². What is its logarithm, in terms of log σ?",
            log_std_as_log_variance,
        ),
        Misconception(
            "σ² stands where σ belongs",
            "Some libraries ask for a standard deviation and some for a variance. Which of the two "
            "did you hand over?",
            variance_for_sigma,
        ),
        Misconception(
            "the squared distance is divided by σ and not by σ²",
            "A standardised distance has no unit. What must a square be divided by for that?",
            sigma_not_squared,
        ),
        Misconception(
            "the distance is divided by 2σ before it is squared",
            "The exponent has 2σ² below the line. Is the 2 squared as well?",
            two_sigma_squared_wrong,
        ),
        Misconception(
            "the ½ before the squared distance is missing",
            "What stands before the square in the exponent of the bell?",
            half_missing,
        ),
        Misconception(
            "the squared distance is added and not subtracted",
            "Should an action become likelier as it moves away from the mean?",
            exponent_positive,
        ),
        Misconception("log σ is added and not subtracted", WIDTH, log_sigma_added),
        Misconception("the width of the bell, log σ, is left out", WIDTH, log_sigma_missing),
        Misconception(
            "log σ is halved along with the rest",
            "Half the logarithm of σ² is how much of log σ?",
            log_sigma_halved,
        ),
        Misconception(
            "the logarithm of σ² is subtracted, without its ½",
            "The bell is divided by σ√(2π). What is the logarithm of that?",
            log_of_the_variance,
        ),
        Misconception(
            "σ is subtracted where log σ belongs",
            "The bell is divided by its width. What does a logarithm make of a division?",
            sigma_for_log_sigma,
        ),
        Misconception(
            "the constant with 2π is left out",
            "A density has area 1. What makes the bell's area 1?",
            constant_missing,
        ),
        Misconception(
            "the constant with 2π is counted once for all dimensions",
            "Each dimension brings a bell of its own. How many of them are divided by √(2π)?",
            constant_counted_once,
        ),
        Misconception(
            "the logarithm of 2π is not halved",
            "The bell is divided by the square root of 2π. What is its logarithm?",
            constant_not_halved,
        ),
        Misconception(
            "the density is returned, not its logarithm",
            "What does the name of the function ask for?",
            density,
        ),
        Misconception(
            "the sign is flipped",
            "Should the number be largest where the density is highest, or lowest?",
            sign_flipped,
        ),
        Misconception(
            "a tiny number is added to the density before its logarithm is taken",
            "Far from the mean the density is smaller than any float. Can you write its logarithm "
            "down without computing it first?",
            tiny_number_added,
        ),
    ),
    also_correct=(with_independent, with_covariance, with_numpy, in_float32, as_a_list),
)
