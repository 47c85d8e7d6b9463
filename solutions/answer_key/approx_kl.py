"""Answer key of approx_kl."""

import numpy as np
import torch

from grader.exercise import AnswerKey, Misconception


def reference(log_probs, old_log_probs):
    """KL(π_old ‖ π) = E_old[ log π_old(a) − log π(a) ], the expectation as a mean of samples."""
    total = 0.0
    for new, old in zip(log_probs.tolist(), old_log_probs.tolist(), strict=True):
        total += old - new
    return total / len(log_probs)


def sign_flipped(log_probs, old_log_probs):
    return (log_probs - old_log_probs).mean()


def summed(log_probs, old_log_probs):
    return (old_log_probs - log_probs).sum()


def half_squares(log_probs, old_log_probs):
    return 0.5 * ((log_probs - old_log_probs) ** 2).mean()


def squares(log_probs, old_log_probs):
    return ((log_probs - old_log_probs) ** 2).mean()


def always_positive_estimator(log_probs, old_log_probs):
    log_ratio = log_probs - old_log_probs
    return (log_ratio.exp() - 1 - log_ratio).mean()


def ratio_less_one(log_probs, old_log_probs):
    return (torch.exp(log_probs - old_log_probs) - 1).mean()


def absolute_samples(log_probs, old_log_probs):
    return (old_log_probs - log_probs).abs().mean()


def absolute_mean(log_probs, old_log_probs):
    return (old_log_probs - log_probs).mean().abs()


def weighted_again(log_probs, old_log_probs):
    return (old_log_probs.exp() * (old_log_probs - log_probs)).mean()


def weighted_and_summed(log_probs, old_log_probs):
    return (old_log_probs.exp() * (old_log_probs - log_probs)).sum()


def of_probabilities(log_probs, old_log_probs):
    return (old_log_probs.exp() - log_probs.exp()).mean()


def the_other_way_round(log_probs, old_log_probs):
    log_ratio = log_probs - old_log_probs
    return (log_ratio.exp() * log_ratio).mean()


def largest(log_probs, old_log_probs):
    return (old_log_probs - log_probs).max()


def as_a_mean(log_probs, old_log_probs):
    return (old_log_probs - log_probs).mean()


def as_a_difference_of_means(log_probs, old_log_probs):
    return float(old_log_probs.double().mean() - log_probs.double().mean())


def with_numpy(log_probs, old_log_probs):
    return np.mean(old_log_probs.numpy() - log_probs.numpy())


def in_float32(log_probs, old_log_probs):
    return -(log_probs.float() - old_log_probs.float()).sum() / log_probs.numel()


KEY = AnswerKey(
    reference=reference,
    hints=(
        "The divergence asks how much likelier the old policy found the actions than the new one "
        "does, on average, on a logarithmic scale. Who chose the actions in the batch?",
        "The old policy chose them, so the average over its actions is a plain mean over the "
        "batch, without any further weight. What is averaged is a difference of logarithms.",
        "A policy that has turned away from the actions it took makes them rarer. The estimate "
        "should then be positive, which tells you which of the two comes first.",
    ),
    misconceptions=(
        Misconception(
            "the sign is flipped",
            "The new policy finds the old actions rarer. Should the distance be positive then?",
            sign_flipped,
        ),
        Misconception(
            "the samples are summed, not averaged",
            "Are two policies further apart when you look at twice as many actions?",
            summed,
        ),
        Misconception(
            "half the mean of the squared log-ratios is taken, another estimator",
            "That one is never negative and has its uses. Which estimate does the docstring ask "
            "for?",
            half_squares,
        ),
        Misconception(
            "the log-ratios are squared",
            "A divergence is in nats, as a log-ratio is. In which unit is your number?",
            squares,
        ),
        Misconception(
            "the ratio less 1 is added to every sample, another estimator",
            "That one is never negative and has its uses. Which estimate does the docstring ask "
            "for?",
            always_positive_estimator,
        ),
        Misconception(
            "the mean ratio less 1 is taken",
            "For samples of the old policy the ratio is 1 on average, wherever the new one went. "
            "What is averaged in a divergence?",
            ratio_less_one,
        ),
        Misconception(
            "every sample is made positive before the mean",
            "Ratios above 1 and below 1 cancel in part, and should. What is left when they may "
            "not?",
            absolute_samples,
        ),
        Misconception(
            "the mean is made positive",
            "An estimate from samples may come out negative. What would you learn from that?",
            absolute_mean,
        ),
        Misconception(
            "the samples are weighted with their old probabilities once more",
            "Likely actions are in the batch more often already. How often should they count?",
            weighted_again,
        ),
        Misconception(
            "the samples are weighted with their old probabilities and summed, as if they were "
            "all the actions there are",
            "Likely actions are in the batch more often already. How often should they count?",
            weighted_and_summed,
        ),
        Misconception(
            "probabilities are subtracted, not their logarithms",
            "What does a divergence compare: the probabilities themselves, or their quotient?",
            of_probabilities,
        ),
        Misconception(
            "the divergence is estimated the other way round, from the new policy to the old",
            "Whose actions are in the batch? The divergence asked for is the one that needs no "
            "weights.",
            the_other_way_round,
        ),
        Misconception(
            "the largest difference is taken, not the mean",
            "One action alone says little. What does the divergence do over all of them?",
            largest,
        ),
    ),
    also_correct=(as_a_mean, as_a_difference_of_means, with_numpy, in_float32),
)
