"""Answer key of ppo_clip_loss: the right answers. The wrong ones are in ppo_clip_misconceptions."""

import math

import torch

from grader.exercise import AnswerKey

from .ppo_clip_misconceptions import MISCONCEPTIONS


def reference(log_probs, old_log_probs, advantages, *, clip_range):
    """Eq. 7 sample by sample, as section 3 of the paper reads it.

    An action that was better than expected (Â > 0) counts with its ratio, but not with more than
    1 + ε; one that was worse (Â < 0) counts with its ratio, but not with less than 1 − ε.
    """
    total = torch.zeros((), dtype=torch.float64)
    for new, old, advantage in zip(log_probs, old_log_probs, advantages.tolist(), strict=True):
        ratio = torch.exp(new.double() - float(old))
        if advantage > 0 and float(ratio.detach()) > 1 + clip_range:
            ratio = 1 + clip_range
        if advantage < 0 and float(ratio.detach()) < 1 - clip_range:
            ratio = 1 - clip_range
        total = total + ratio * advantage
    return -total / len(advantages)


def as_the_paper_writes_it(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = (log_probs - old_log_probs).exp()
    surrogate = ratio * advantages
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range) * advantages
    return -torch.min(surrogate, clipped).mean()


def as_a_maximum_of_losses(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs.detach())
    losses = -advantages.detach() * ratio
    clipped = -advantages.detach() * ratio.clip(min=1.0 - clip_range, max=1.0 + clip_range)
    return torch.maximum(losses, clipped).mean()


def with_a_bound_by_sign(log_probs, old_log_probs, advantages, *, clip_range):
    bound = torch.where(
        advantages > 0, (1 + clip_range) * advantages, (1 - clip_range) * advantages
    )
    return -torch.minimum(torch.exp(log_probs - old_log_probs) * advantages, bound).mean()


def with_a_mask(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    with torch.no_grad():
        above = (advantages > 0) & (ratio > 1 + clip_range)
        below = (advantages < 0) & (ratio < 1 - clip_range)
    ratio = ratio.masked_fill(above, 1 + clip_range).masked_fill(below, 1 - clip_range)
    return -(ratio * advantages).sum() / len(advantages)


def in_float32(log_probs, old_log_probs, advantages, *, clip_range):
    ratio = (log_probs.float() - old_log_probs.float()).exp()
    pairs = torch.stack([ratio, ratio.clamp(1 - clip_range, 1 + clip_range)]) * advantages.float()
    return -pairs.amin(dim=0).mean()


def clipped_in_logs(log_probs, old_log_probs, advantages, *, clip_range):
    log_ratio = log_probs - old_log_probs
    bounded = log_ratio.clamp(math.log(1 - clip_range), math.log(1 + clip_range))
    return -torch.minimum(log_ratio.exp() * advantages, bounded.exp() * advantages).mean()


def one_by_one(log_probs, old_log_probs, advantages, *, clip_range):
    objectives = []
    for i in range(log_probs.shape[0]):
        ratio = torch.exp(log_probs[i] - old_log_probs[i])
        clipped = min(max(ratio, 1 - clip_range), 1 + clip_range)
        objectives.append(min(ratio * advantages[i], clipped * advantages[i]))
    return -sum(objectives) / len(objectives)


KEY = AnswerKey(
    reference=reference,
    hints=(
        "You hold logarithms of probabilities, and the formula wants the quotient of two "
        "probabilities. Which operation turns a difference of logarithms into a quotient?",
        "For every sample there are two candidates: the ratio times the advantage, and the ratio "
        "pushed back into the band from 1 − ε to 1 + ε, times the same advantage. Take the "
        "smaller candidate sample by sample, and only then the mean.",
        "The paper's formula is an objective, to be made large, and a loss is made small. The "
        "gradient reaches the weights through the new log-probabilities alone, so nothing may cut "
        "them off; where the clipped candidate wins, its gradient is zero by itself.",
    ),
    misconceptions=MISCONCEPTIONS,
    also_correct=(
        as_the_paper_writes_it,
        as_a_maximum_of_losses,
        with_a_bound_by_sign,
        with_a_mask,
        in_float32,
        clipped_in_logs,
        one_by_one,
    ),
)
