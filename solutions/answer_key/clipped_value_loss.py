"""Answer key of clipped_value_loss."""

import torch

from grader.exercise import AnswerKey, Misconception


def reference(values, old_values, value_targets, *, clip_range):
    """The worse of two squared errors, sample by sample: as it is, and with a bounded move."""
    total = torch.zeros((), dtype=torch.float64)
    rows = zip(values, old_values.tolist(), value_targets.tolist(), strict=True)
    for value, old, target in rows:
        value = value.double()
        error = (value - target) ** 2
        move = float(value.detach()) - old
        if abs(move) > clip_range:
            stopped_at = old + clip_range if move > 0 else old - clip_range
            bounded = torch.tensor((stopped_at - target) ** 2, dtype=torch.float64)
        else:
            bounded = error
        total = total + (error if float(error.detach()) >= float(bounded.detach()) else bounded)
    return total / len(values)


def min_for_max(values, old_values, value_targets, *, clip_range):
    clipped = old_values + (values - old_values).clamp(-clip_range, clip_range)
    return torch.min((values - value_targets) ** 2, (clipped - value_targets) ** 2).mean()


def value_itself_clipped(values, old_values, value_targets, *, clip_range):
    clipped = values.clamp(-clip_range, clip_range)
    return torch.max((values - value_targets) ** 2, (clipped - value_targets) ** 2).mean()


def old_value_missing(values, old_values, value_targets, *, clip_range):
    clipped = (values - old_values).clamp(-clip_range, clip_range)
    return torch.max((values - value_targets) ** 2, (clipped - value_targets) ** 2).mean()


def ratio_style(values, old_values, value_targets, *, clip_range):
    low, high = (1 - clip_range) * old_values, (1 + clip_range) * old_values
    clipped = torch.min(torch.max(values, low), high)
    return torch.max((values - value_targets) ** 2, (clipped - value_targets) ** 2).mean()


def move_from_target(values, old_values, value_targets, *, clip_range):
    clipped = old_values + (values - value_targets).clamp(-clip_range, clip_range)
    return torch.max((values - value_targets) ** 2, (clipped - value_targets) ** 2).mean()


def wrong_direction(values, old_values, value_targets, *, clip_range):
    clipped = old_values + (old_values - values).clamp(-clip_range, clip_range)
    return torch.max((values - value_targets) ** 2, (clipped - value_targets) ** 2).mean()


def around_new_value(values, old_values, value_targets, *, clip_range):
    clipped = values + (old_values - values).clamp(-clip_range, clip_range)
    return torch.max((values - value_targets) ** 2, (clipped - value_targets) ** 2).mean()


def plain_square(values, old_values, value_targets, *, clip_range):
    return ((values - value_targets) ** 2).mean()


def clipped_only(values, old_values, value_targets, *, clip_range):
    clipped = old_values + (values - old_values).clamp(-clip_range, clip_range)
    return ((clipped - value_targets) ** 2).mean()


def error_clipped(values, old_values, value_targets, *, clip_range):
    return ((values - value_targets).clamp(-clip_range, clip_range) ** 2).mean()


def halved(values, old_values, value_targets, *, clip_range):
    clipped = old_values + (values - old_values).clamp(-clip_range, clip_range)
    return 0.5 * torch.max((values - value_targets) ** 2, (clipped - value_targets) ** 2).mean()


def summed(values, old_values, value_targets, *, clip_range):
    clipped = old_values + (values - old_values).clamp(-clip_range, clip_range)
    return torch.max((values - value_targets) ** 2, (clipped - value_targets) ** 2).sum()


def max_of_the_means(values, old_values, value_targets, *, clip_range):
    clipped = old_values + (values - old_values).clamp(-clip_range, clip_range)
    errors = (values - value_targets) ** 2
    return torch.max(errors.mean(), ((clipped - value_targets) ** 2).mean())


def mean_of_both(values, old_values, value_targets, *, clip_range):
    clipped = old_values + (values - old_values).clamp(-clip_range, clip_range)
    return ((values - value_targets) ** 2 + (clipped - value_targets) ** 2).mean()


def absolute(values, old_values, value_targets, *, clip_range):
    clipped = old_values + (values - old_values).clamp(-clip_range, clip_range)
    return torch.max((values - value_targets).abs(), (clipped - value_targets).abs()).mean()


def max_before_square(values, old_values, value_targets, *, clip_range):
    clipped = old_values + (values - old_values).clamp(-clip_range, clip_range)
    return (torch.max(values - value_targets, clipped - value_targets) ** 2).mean()


def no_gradient(values, old_values, value_targets, *, clip_range):
    values = values.detach()
    clipped = old_values + (values - old_values).clamp(-clip_range, clip_range)
    return torch.max((values - value_targets) ** 2, (clipped - value_targets) ** 2).mean()


def as_one_reads_it(values, old_values, value_targets, *, clip_range):
    clipped = old_values + torch.clamp(values - old_values, -clip_range, clip_range)
    errors = (values - value_targets).square()
    return torch.maximum(errors, (clipped - value_targets).square()).mean()


def with_tensor_bounds(values, old_values, value_targets, *, clip_range):
    old, targets = old_values.detach(), value_targets.detach()
    clipped = torch.clamp(values, old - clip_range, old + clip_range)
    both = torch.stack([values - targets, clipped - targets]).abs().amax(dim=0)
    return (both**2).mean()


def with_torch_losses(values, old_values, value_targets, *, clip_range):
    from torch.nn.functional import mse_loss

    clipped = old_values + (values - old_values).clip(-clip_range, clip_range)
    plain = mse_loss(values, value_targets, reduction="none")
    return torch.max(plain, mse_loss(clipped, value_targets, reduction="none")).mean()


def with_a_mask(values, old_values, value_targets, *, clip_range):
    with torch.no_grad():
        move = values - old_values
        stopped = old_values + clip_range * move.sign()
        bound = (stopped - value_targets) ** 2
    errors = (values - value_targets) ** 2
    pinned = (move.abs() > clip_range) & (bound > errors.detach())
    return torch.where(pinned, bound, errors).sum() / len(values)


def in_float32(values, old_values, value_targets, *, clip_range):
    values, old, targets = values.float(), old_values.float(), value_targets.float()
    total = 0.0
    for i in range(len(values)):
        clipped = old[i] + min(max(values[i] - old[i], -clip_range), clip_range)
        total = total + max((values[i] - targets[i]) ** 2, (clipped - targets[i]) ** 2)
    return total / len(values)


KEY = AnswerKey(
    reference=reference,
    hints=(
        "The idea is that of the policy's clip: one update should gain nothing by moving far. "
        "How far has each value moved since the data were collected?",
        "Bound that move to at most ε in either direction and add it to the old value again. Now "
        "there are two predictions for every sample, and so two squared errors.",
        "A loss is pessimistic when it believes the larger of two errors. Take it sample by "
        "sample, and only then the mean; no half and no root.",
    ),
    misconceptions=(
        Misconception(
            "the smaller of the two errors is taken, not the larger",
            "For a loss, which of two errors does a pessimist believe?",
            min_for_max,
        ),
        Misconception(
            "the value itself is clipped to ±ε, not its move",
            "A value of 200 is nothing unusual. What is it that should stay small?",
            value_itself_clipped,
        ),
        Misconception(
            "the old value is not added back to the clipped move",
            "A move is a difference. From where does one have to move to arrive at a value?",
            old_value_missing,
        ),
        Misconception(
            "the band reaches from (1 − ε) to (1 + ε) times the old value",
            "Ratios have their band around 1. How wide would yours be where the old value is 0?",
            ratio_style,
        ),
        Misconception(
            "the move is measured from the target, not from the old value",
            "Which number tells where the value stood when the data were collected?",
            move_from_target,
        ),
        Misconception(
            "the move is taken in the wrong direction",
            "The value has risen since the data were collected. Is the clipped one above the old "
            "one, or below?",
            wrong_direction,
        ),
        Misconception(
            "the band lies around the new value, not around the old one",
            "Which of the two values stays where it is while the critic is trained?",
            around_new_value,
        ),
        Misconception(
            "nothing is clipped, which is also what a band around the target comes to",
            "Two values are compared to see how far the critic moved. Which two?",
            plain_square,
        ),
        Misconception(
            "only the clipped prediction is used, without the maximum",
            "A value has moved far away from its target. Should the gradient bring it back?",
            clipped_only,
        ),
        Misconception(
            "the error is clipped to ±ε and then squared",
            "That bounds every error, also of values that did not move. What should be bounded?",
            error_clipped,
        ),
        Misconception(
            "half the loss is returned",
            "Some write a half in front, so that it cancels in the gradient. Does the docstring?",
            halved,
        ),
        Misconception(
            "the samples are summed, not averaged",
            "Should the loss grow when you collect twice as many steps?",
            summed,
        ),
        Misconception(
            "the maximum is taken of the two means, once for the whole batch",
            "Some values moved far and some did not. Can one decision serve them all?",
            max_of_the_means,
        ),
        Misconception(
            "the two errors are added",
            "A pessimist believes one of two numbers. Which?",
            mean_of_both,
        ),
        Misconception(
            "the errors are absolute values, not squares",
            "What does the docstring do with an error twice as large?",
            absolute,
        ),
        Misconception(
            "the maximum is taken of the differences, before they are squared",
            "Which is the worse error, −3 or 1?",
            max_before_square,
        ),
        Misconception(
            "no gradient flows to the values",
            "The number is right, but the critic would stay as it is. What cuts it off?",
            no_gradient,
        ),
    ),
    also_correct=(
        as_one_reads_it,
        with_tensor_bounds,
        with_torch_losses,
        with_a_mask,
        in_float32,
    ),
)
