"""Answer key of clip_fraction."""

import math

import numpy as np
import torch

from grader.exercise import AnswerKey, Misconception


def reference(log_probs, old_log_probs, *, clip_range):
    """Count the ratios that eq. 7's clip would change, one at a time."""
    changed = 0
    for new, old in zip(log_probs.tolist(), old_log_probs.tolist(), strict=True):
        ratio = math.exp(new - old)
        changed += ratio < 1 - clip_range or ratio > 1 + clip_range
    return changed / len(log_probs)


def above_only(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return (ratio - 1 > clip_range).float().mean()


def below_only(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return (ratio < 1 - clip_range).float().mean()


def counts_inside(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return ((ratio - 1).abs() <= clip_range).float().mean()


def edges_count(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return ((ratio - 1).abs() >= clip_range).float().mean()


def of_log_ratios(log_probs, old_log_probs, *, clip_range):
    return ((log_probs - old_log_probs).abs() > clip_range).float().mean()


def one_not_subtracted(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return (ratio.abs() > clip_range).float().mean()


def swapped(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(old_log_probs - log_probs)
    return ((ratio - 1).abs() > clip_range).float().mean()


def both_ways(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return ((ratio > 1 + clip_range) | (ratio < 1 / (1 + clip_range))).float().mean()


def counted(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return ((ratio - 1).abs() > clip_range).sum()


def in_percent(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return 100 * ((ratio - 1).abs() > clip_range).float().mean()


def how_far(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return (ratio - 1).abs().mean()


def of_the_mean(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return ((ratio.mean() - 1).abs() > clip_range).float()


def as_a_mean(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return ((ratio - 1).abs() > clip_range).float().mean()


def where_clamp_changes(log_probs, old_log_probs, *, clip_range):
    ratio = (log_probs - old_log_probs).exp()
    changed = ratio != ratio.clamp(1 - clip_range, 1 + clip_range)
    return changed.double().mean().item()


def with_numpy(log_probs, old_log_probs, *, clip_range):
    ratio = np.exp(log_probs.numpy() - old_log_probs.numpy())
    return np.mean((ratio > 1 + clip_range) | (ratio < 1 - clip_range))


def in_float32(log_probs, old_log_probs, *, clip_range):
    ratio = torch.exp(log_probs.float() - old_log_probs.float())
    above, below = ratio > 1 + clip_range, ratio < 1 - clip_range
    return (above.sum() + below.sum()) / log_probs.numel()


KEY = AnswerKey(
    reference=reference,
    hints=(
        "Picture the ratios on a line with the band around 1. Some lie outside of it, to the left "
        "or to the right. Which share of all the samples are they?",
        "First the ratios, as in the loss. A ratio is outside when its distance from 1 is larger "
        "than ε, whichever side it is on; at exactly ε it is still inside.",
        "Asking that of every sample gives true or false. The mean of zeros and ones is the share "
        "of ones, once truth values have been turned into numbers.",
    ),
    misconceptions=(
        Misconception(
            "only ratios above the band are counted",
            "An action can also have become much rarer. Is its ratio in the band?",
            above_only,
        ),
        Misconception(
            "only ratios below the band are counted",
            "An action can also have become much likelier. Is its ratio in the band?",
            below_only,
        ),
        Misconception(
            "the ratios inside the band are counted",
            "A policy that has not moved clips nothing. What do you get for it?",
            counts_inside,
        ),
        Misconception(
            "a ratio on the very edge of the band counts as outside",
            "Where the ratio is exactly 1 + ε, does clipping change it?",
            edges_count,
        ),
        Misconception(
            "log-ratios are compared with ε, not ratios",
            "The band is one of ratios, around 1. Which numbers lie around 0?",
            of_log_ratios,
        ),
        Misconception(
            "the ratio itself is compared with ε, not its distance from 1",
            "For a policy that has not moved every ratio is 1. Is that far away?",
            one_not_subtracted,
        ),
        Misconception(
            "the old and the new policy are swapped in the ratio",
            "An action has become likelier. Should its ratio be above 1 or below?",
            swapped,
        ),
        Misconception(
            "the lower edge of the band is taken to be 1 / (1 + ε)",
            "That would be as far down as 1 + ε is up, in logarithms. Where does eq. 7 put it?",
            both_ways,
        ),
        Misconception(
            "the ratios outside the band are counted, and not divided by their number",
            "A share lies between 0 and 1. A share of what?",
            counted,
        ),
        Misconception(
            "the share is given in percent",
            "A share lies between 0 and 1. Which number says that all ratios are outside?",
            in_percent,
        ),
        Misconception(
            "the mean distance from 1 is taken, which says how far and not how many",
            "One ratio of 20 among a hundred ratios of 1: which share is outside?",
            how_far,
        ),
        Misconception(
            "the mean ratio is compared with the band, not each single one",
            "Ratios on both sides of the band can have a mean of 1. Are they inside?",
            of_the_mean,
        ),
    ),
    also_correct=(as_a_mean, where_clamp_changes, with_numpy, in_float32),
)
