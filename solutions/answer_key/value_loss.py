"""Answer key of value_loss."""

import torch
from torch import nn

from grader.exercise import AnswerKey, Misconception


def reference(values, returns):
    """The mean of (V_t − R_t)², term by term in float64."""
    shapes = [list(values.shape), list(returns.shape)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"one shape is {shapes[0]}, the other {shapes[1]}")
    total = torch.zeros((), dtype=torch.float64)
    for value, wanted in zip(values.flatten(), returns.flatten().tolist(), strict=True):
        total = total + (value.double() - wanted) ** 2
    return total / returns.numel()


def _check(values, returns):
    if values.shape != returns.shape:
        raise ValueError(f"values {tuple(values.shape)}, returns {tuple(returns.shape)}")


def shapes_not_compared(values, returns):
    return ((values - returns) ** 2).mean()


def absolute_error(values, returns):
    _check(values, returns)
    return (values - returns).abs().mean()


def half_the_square(values, returns):
    _check(values, returns)
    return 0.5 * ((values - returns) ** 2).mean()


def graph_lost(values, returns):
    _check(values, returns)
    return ((values.detach() - returns) ** 2).mean()


def largest_square(values, returns):
    _check(values, returns)
    return ((values - returns) ** 2).max()


def sum_for_mean(values, returns):
    _check(values, returns)
    return ((values - returns) ** 2).sum()


def root(values, returns):
    _check(values, returns)
    return torch.sqrt(((values - returns) ** 2).mean())


def square_of_the_mean(values, returns):
    _check(values, returns)
    return (values - returns).mean() ** 2


def minus(values, returns):
    _check(values, returns)
    return -((values - returns) ** 2).mean()


def huber(values, returns):
    _check(values, returns)
    return nn.functional.smooth_l1_loss(values, returns)


def returns_normalised(values, returns):
    _check(values, returns)
    returns = (returns - returns.mean()) / (returns.std(unbiased=False) + 1e-8)
    return ((values - returns) ** 2).mean()


def returns_normalised_unbiased(values, returns):
    _check(values, returns)
    if returns.numel() > 1:  # of one number there is no standard deviation
        returns = (returns - returns.mean()) / (returns.std() + 1e-8)
    return ((values - returns) ** 2).mean()


def not_squared(values, returns):
    _check(values, returns)
    return (values - returns).mean()


def mean_of_first_axis(values, returns):
    _check(values, returns)
    return ((values - returns) ** 2).sum() / len(values)


def lengths_compared(values, returns):
    if len(values) != len(returns):
        raise ValueError(f"values {tuple(values.shape)}, returns {tuple(returns.shape)}")
    return ((values - returns) ** 2).mean()


def sizes_compared(values, returns):
    if values.numel() != returns.numel():
        raise ValueError(f"values {tuple(values.shape)}, returns {tuple(returns.shape)}")
    return ((values - returns) ** 2).mean()


def flattened(values, returns):
    values, returns = values.reshape(-1), returns.reshape(-1)
    if values.shape != returns.shape:
        raise ValueError(f"values {tuple(values.shape)}, returns {tuple(returns.shape)}")
    return ((values - returns) ** 2).mean()


def assertion(values, returns):
    assert values.shape == returns.shape, f"{values.shape} and {returns.shape}"
    return ((values - returns) ** 2).mean()


def silent_error(values, returns):
    if values.shape != returns.shape:
        raise ValueError("values and returns must have the same shape")
    return ((values - returns) ** 2).mean()


def with_mse_loss(values, returns):
    if values.shape != returns.shape:
        raise ValueError(f"value_loss: values {values.shape} but returns {returns.shape}")
    return nn.functional.mse_loss(values, returns)


def loop(values, returns):
    a, b = tuple(values.shape), tuple(returns.shape)
    if a != b:
        raise ValueError(f"expected equal shapes, got {a} and {b}")
    errors = [(v - r) ** 2 for v, r in zip(values.reshape(-1), returns.reshape(-1), strict=True)]
    return torch.stack(errors).mean()


def dot_product(values, returns):
    if list(values.size()) != list(returns.size()):
        raise ValueError("shapes " + str(list(values.size())) + " " + str(list(returns.size())))
    error = (values - returns.detach()).ravel()
    return error @ error / error.numel()


def in_float32(values, returns):
    if values.dim() != returns.dim() or any(
        a != b for a, b in zip(values.shape, returns.shape, strict=True)
    ):
        raise ValueError(f"shapes differ: {values.shape} {returns.shape}")
    return torch.mean(torch.square(returns.float() - values.float()))


def stacked(values, returns):
    try:
        pair = torch.stack([values, returns])  # takes equal shapes only
    except RuntimeError as error:
        raise ValueError(f"cannot compare {values.shape} with {returns.shape}") from error
    return (pair[0] - pair[1]).square().mean()


_NOT_ASKED = "The docstring asks for the mean squared error. "

KEY = AnswerKey(
    reference=reference,
    hints=(
        "The error of one prediction is its value minus what came back. The loss is one number for "
        "the whole batch. What is done to the errors, and in which order?",
        "Square each error, then take the mean. Before that, compare the two shapes: torch would "
        "stretch shapes that differ until they fit, and say nothing.",
        "Where the shapes are not equal, all axes compared, raise a ValueError whose text holds "
        "both. Elsewhere the mean of the squared differences is the loss, with the graph of the "
        "values kept.",
    ),
    misconceptions=(
        Misconception(
            "the shapes are not compared, and torch stretches them",
            "What does torch make of (B, 1) minus (B,)?",
            shapes_not_compared,
        ),
        Misconception(
            "the absolute error stands in for the square",
            _NOT_ASKED + "Which constant makes it least: the median or the mean?",
            absolute_error,
        ),
        Misconception(
            "the loss is half of the mean squared error",
            _NOT_ASKED + "What is left over in yours?",
            half_the_square,
        ),
        Misconception(
            "the values have lost their graph",
            "The loss is right, but no gradient arrives. What cuts a tensor off from the weights?",
            graph_lost,
        ),
        Misconception(
            "only the largest of the squares counts",
            "Should one surprising state decide the whole step?",
            largest_square,
        ),
        Misconception(
            "the sum stands in for the mean",
            "Should twice as many samples make the step twice as long?",
            sum_for_mean,
        ),
        Misconception(
            "the root of the mean is taken",
            _NOT_ASKED + "What does a root do to the gradient near a perfect critic?",
            root,
        ),
        Misconception(
            "the mean error is squared, so that errors of opposite sign cancel",
            "Half the values 10 too high, half 10 too low: is that critic perfect?",
            square_of_the_mean,
        ),
        Misconception(
            "the loss carries a minus sign",
            "The optimizer goes downhill. Should the error grow?",
            minus,
        ),
        Misconception(
            "large errors count only linearly, as in the Huber loss",
            _NOT_ASKED + "Which average do the values reach when large errors count less?",
            huber,
        ),
        Misconception(
            "the returns are normalised inside the loss",
            "In which unit should V predict?",
            returns_normalised,
        ),
        Misconception(
            "the returns are normalised inside the loss",
            "In which unit should V predict?",
            returns_normalised_unbiased,
        ),
        Misconception(
            "the errors are not squared",
            "How low can the mean of the errors get, and what does V look like there?",
            not_squared,
        ),
        Misconception(
            "the sum is divided by the length of the first axis alone",
            "How many numbers does a tensor of shape (3, 4) hold?",
            mean_of_first_axis,
        ),
        Misconception(
            "only the lengths of the first axes are compared",
            "Which two different shapes have the same first axis? The critic's is often one.",
            lengths_compared,
        ),
        Misconception(
            "only the numbers of elements are compared",
            "(B, 1) and (B,) hold equally many numbers. How many does their difference hold?",
            sizes_compared,
        ),
        Misconception(
            "both are flattened, so that different shapes pass unnoticed",
            "A shape that differs is a mistake somewhere else. Who is to hear of it?",
            flattened,
        ),
        Misconception(
            "the error is of another type than ValueError",
            "Which type of error does the docstring name?",
            assertion,
        ),
        Misconception(
            "the text of the error does not give both shapes",
            "What would you want to read first if this error were yours to repair?",
            silent_error,
        ),
    ),
    also_correct=(with_mse_loss, loop, dot_product, in_float32, stacked),
)
