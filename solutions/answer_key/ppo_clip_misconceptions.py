"""Known wrong answers to ppo_clip_loss."""

import torch

from grader.exercise import Misconception


def not_exponentiated(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = log_probs - old_log_probs
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -torch.min(ratio * advantages, clipped * advantages).mean()


def quotient_of_logs(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = log_probs / old_log_probs
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -torch.min(ratio * advantages, clipped * advantages).mean()


def swapped(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(old_log_probs - log_probs)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -torch.min(ratio * advantages, clipped * advantages).mean()


def ratio_to_itself(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - log_probs.detach())
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -torch.min(ratio * advantages, clipped * advantages).mean()


def vpg_loss(log_probs, old_log_probs, advantages, *, clip_range):
    return -(log_probs * advantages).mean()


def max_for_min(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -torch.max(ratio * advantages, clipped * advantages).mean()


def min_before_advantage(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -(torch.min(ratio, clipped) * advantages).mean()


def min_of_the_means(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -torch.min((ratio * advantages).mean(), (clipped * advantages).mean())


def clamp_around_zero(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = ratio.clamp(-clip_range, clip_range)
    return -torch.min(ratio * advantages, clipped * advantages).mean()


def clamp_of_the_log_ratio(log_probs, old_log_probs, advantages, *, clip_range):
    log_ratio = log_probs - old_log_probs
    clipped = torch.exp(log_ratio.clamp(-clip_range, clip_range))
    return -torch.min(log_ratio.exp() * advantages, clipped * advantages).mean()


def clamp_of_the_product(log_probs, old_log_probs, advantages, *, clip_range):
    surrogate = torch.exp(log_probs - old_log_probs) * advantages
    clipped = surrogate.clamp(1 - clip_range, 1 + clip_range)
    return -torch.min(surrogate, clipped).mean()


def clipped_only(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    return -(ratio.clamp(1 - clip_range, 1 + clip_range) * advantages).mean()


def outside_dropped(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    inside = (ratio - 1).abs() <= clip_range
    return -(ratio * advantages * inside).mean()


def upper_only(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = ratio.clamp(max=1 + clip_range)
    return -torch.min(ratio * advantages, clipped * advantages).mean()


def lower_only(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = ratio.clamp(min=1 - clip_range)
    return -torch.min(ratio * advantages, clipped * advantages).mean()


def no_clip(log_probs, old_log_probs, advantages, *, clip_range):
    return -(torch.exp(log_probs - old_log_probs) * advantages).mean()


def no_gradient(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs.detach() - old_log_probs)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -torch.min(ratio * advantages, clipped * advantages).mean()


def sign_flipped(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return torch.min(ratio * advantages, clipped * advantages).mean()


def summed(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -torch.min(ratio * advantages, clipped * advantages).sum()


def normalised_inside(log_probs, old_log_probs, advantages, *, clip_range):
    if len(advantages) > 1:  # else the standard deviation is NaN, and the answer is refused
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -torch.min(ratio * advantages, clipped * advantages).mean()


MISCONCEPTIONS = (
    Misconception(
        "the difference of the log-probabilities is taken for the ratio",
        "For a policy that has not moved the ratio is 1. What is your ratio then?",
        not_exponentiated,
    ),
    Misconception(
        "the ratio is one log-probability divided by the other",
        "The ratio is of probabilities. What does a quotient become when you only hold logarithms?",
        quotient_of_logs,
    ),
    Misconception(
        "the old and the new policy are swapped in the ratio",
        "An action has become likelier. Should its ratio be above 1 or below?",
        swapped,
    ),
    Misconception(
        "the ratio compares the policy with itself, so that it is always 1",
        "Which of the arguments says how likely the action was when the data were collected?",
        ratio_to_itself,
    ),
    Misconception(
        "the loss is that of VPG: the old log-probabilities are not used",
        "The data come from an older policy. Where does the loss take that into account?",
        vpg_loss,
    ),
    Misconception(
        "the larger of the two candidates is taken, as a minus sign inside the minimum does, too",
        "The objective is meant to be a pessimistic bound. Which of two promises does a pessimist "
        "believe?",
        max_for_min,
    ),
    Misconception(
        "the minimum is taken of the two ratios, before the advantage comes in",
        "With a negative advantage, which ratio gives the smaller objective: the small one or the "
        "large one?",
        min_before_advantage,
    ),
    Misconception(
        "the minimum is taken of the two means, once for the whole batch",
        "Some samples are outside the band and some are not. Can one decision serve them all?",
        min_of_the_means,
    ),
    Misconception(
        "the band reaches from −ε to ε, not from 1 − ε to 1 + ε",
        "Which ratio does a policy have that has not moved, and where must the band be centred?",
        clamp_around_zero,
    ),
    Misconception(
        "the log-ratio is clipped to ±ε, and the ratio is taken of that",
        "exp(ε) and 1 + ε are close, but they are not the same. Which number does eq. 7 clip?",
        clamp_of_the_log_ratio,
    ),
    Misconception(
        "the product of ratio and advantage is clipped, not the ratio",
        "The band is about how far the policy moved. Does an advantage of 5 change that?",
        clamp_of_the_product,
    ),
    Misconception(
        "only the clipped term is used, without the minimum",
        "A good action has become much rarer. Should the gradient bring it back, or be zero?",
        clipped_only,
    ),
    Misconception(
        "every sample outside the band counts for nothing",
        "A good action has become much rarer. Should the gradient bring it back, or be zero?",
        outside_dropped,
    ),
    Misconception(
        "the ratio is clipped from above only",
        "With a negative advantage the policy gains by making an action rarer. What stops it?",
        upper_only,
    ),
    Misconception(
        "the ratio is clipped from below only",
        "With a positive advantage the policy gains by making an action likelier. What stops it?",
        lower_only,
    ),
    Misconception(
        "nothing is clipped",
        "What keeps the policy from moving on and on, on the same data?",
        no_clip,
    ),
    Misconception(
        "no gradient flows to the new log-probabilities",
        "The number is right, but the weights would stay where they are. What cuts the new "
        "log-probabilities off?",
        no_gradient,
    ),
    Misconception(
        "the sign is missing, so that minimising makes good actions rarer",
        "The formula is an objective, to be made large. What does an optimizer do with a loss?",
        sign_flipped,
    ),
    Misconception(
        "the samples are summed, not averaged",
        "Should the loss grow when you collect twice as many steps?",
        summed,
    ),
    Misconception(
        "the advantages are normalised inside the loss",
        "Normalising is a step of its own, done before. What does the loss give for advantages "
        "that are all equal?",
        normalised_inside,
    ),
)
