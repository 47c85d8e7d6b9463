"""Exercises of 02_gaussian_policy: log-probability, the two scores, entropy."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Normal

from grader.exercise import Case, Exercise, Group, Inputs, Observables
from grader.exercises.calling import call_closed_form, call_with_tensors

NOTEBOOK = "02_gaussian_policy"
NAMES = ("mean", "log_std", "actions")
BOOK = "Sutton & Barto 2018, section 13.7"
PAPER = "Williams 1992, section 6"

ONE = Group("for a single action dimension", 0.5)
SEVERAL = Group("for several action dimensions", 0.75)
FAR = Group("for actions many σ away from the mean", 0.25)
ARGUMENTS = Group("for float32 arguments, which must stay as they are", 0.5)

ENTROPY_ONE = Group("for a single action dimension", 0.25)
ENTROPY_SEVERAL = Group("for several action dimensions", 0.5)
ENTROPY_ARGUMENTS = Group("for float32 arguments, which must stay as they are", 0.25)


def _log_std(rng: np.random.Generator, dims: int) -> NDArray:
    """Log σ of every action dimension: both signs, never near zero, where σ hides."""
    signs = rng.permutation(np.resize([-1.0, 1.0], dims))
    return (signs * rng.uniform(0.2, 1.3, dims)).round(2)


def _batch(
    rng: np.random.Generator, rows: int, dims: int, log_std: NDArray, z: NDArray | None = None
) -> dict[str, NDArray]:
    """Means and actions (rows, dims); where there are several rows, one action is the mean."""
    mean = rng.uniform(-2.0, 2.0, (rows, dims)).round(2)
    z = rng.normal(0.0, 1.3, (rows, dims)) if z is None else z
    actions = (mean + np.exp(log_std) * z).round(3)
    if rows > 1:
        at = rng.integers(rows), rng.integers(dims)
        actions[at] = mean[at]
    return {"mean": mean, "log_std": log_std, "actions": actions}


def gaussian_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Batches of one and of several rows and dimensions, unlikely actions, float32 arguments."""
    for _ in range(n):
        rows = int(rng.integers(5, 9))
        for sign in (-1.0, 1.0):
            log_std = sign * np.abs(_log_std(rng, 1))
            yield _case(ONE, _batch(rng, rows, 1, log_std))
        yield _case(ONE, _batch(rng, 1, 1, _log_std(rng, 1)))
        for size, dims in ((rows, 3), (rows + 7, 2), (1, 4)):
            yield _case(SEVERAL, _batch(rng, size, dims, _log_std(rng, dims)))
        for spread in (-3.0, 3.0):  # far outside of where programs clip log σ
            log_std = (spread + rng.uniform(-0.2, 0.2, 2)).round(2)
            z = rng.choice([-1.0, 1.0], (4, 2)) * rng.uniform(15.0, 40.0, (4, 2))
            yield _case(FAR, _batch(rng, 4, 2, log_std, z))
        for size, dims in ((rows, 4), (rows, 1)):
            batch = _batch(rng, size, dims, _log_std(rng, dims))
            yield _case(ARGUMENTS, batch, layout="float32")


def entropy_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Vectors log σ of one and of several dimensions, very narrow and very wide ones among them."""
    for _ in range(n):
        for sign in (-1.0, 1.0):
            yield _case(ENTROPY_ONE, {"log_std": sign * np.abs(_log_std(rng, 1))})
        for dims in (2, 3, 6):
            yield _case(ENTROPY_SEVERAL, {"log_std": _log_std(rng, dims)})
        for spread in (-4.0, 2.5):
            log_std = (spread + rng.uniform(-0.5, 0.5, 4)).round(2)
            yield _case(ENTROPY_SEVERAL, {"log_std": log_std})
        log_std = _log_std(rng, 5)
        yield _case(ENTROPY_ARGUMENTS, {"log_std": log_std}, layout="float32")


def _case(group: Group, arrays: dict[str, NDArray], **rest: Any) -> Case:
    return Case(group.name, {**arrays, **rest})


def drive_log_prob(answer: Any, inputs: Inputs) -> Observables:
    """Log-densities of one batch."""
    return call_with_tensors(answer, inputs, NAMES, (), "log_probs")


def drive_score(answer: Any, inputs: Inputs) -> Observables:
    """Scores of one batch."""
    return call_closed_form(answer, inputs, NAMES, (), "score")


def drive_entropy(answer: Any, inputs: Inputs) -> Observables:
    """The entropy of one policy."""
    return call_with_tensors(answer, inputs, ("log_std",), (), "entropy")


def _right_log_prob(mean: Any, log_std: Any, actions: Any) -> Tensor:
    mean, log_std, actions = (torch.as_tensor(one) for one in (mean, log_std, actions))
    return Normal(mean, log_std.exp(), validate_args=False).log_prob(actions).sum(-1)


def _right_score_mean(mean: Any, log_std: Any, actions: Any) -> Tensor:
    """By autograd."""
    with torch.inference_mode(False), torch.enable_grad():
        mean, log_std, actions = (torch.as_tensor(one).clone() for one in (mean, log_std, actions))
        leaf = mean.detach().clone().requires_grad_()
        return torch.autograd.grad(_right_log_prob(leaf, log_std, actions).sum(), leaf)[0]


LOG_PROB_DONE = {"gaussian_log_prob": _right_log_prob}
SCORE_DONE = LOG_PROB_DONE | {"gaussian_score_mean": _right_score_mean}

GAUSSIAN_LOG_PROB = Exercise(
    "gaussian_log_prob",
    NOTEBOOK,
    2.0,
    f"{BOOK}, the density of its Gaussian policy",
    (ONE, SEVERAL, FAR, ARGUMENTS),
    gaussian_cases,
    drive_log_prob,
    axes=("b",),
)
GAUSSIAN_SCORE_MEAN = Exercise(
    "gaussian_score_mean",
    NOTEBOOK,
    2.0,
    f"{PAPER}; {BOOK}, exercise 13.4",
    (ONE, SEVERAL, FAR, ARGUMENTS),
    gaussian_cases,
    drive_score,
    replaces=LOG_PROB_DONE,
    axes=("b", "i"),
)
GAUSSIAN_SCORE_LOG_STD = Exercise(
    "gaussian_score_log_std",
    NOTEBOOK,
    2.0,
    f"{PAPER}, for σ; {BOOK}, exercise 13.4, for log σ",
    (ONE, SEVERAL, FAR, ARGUMENTS),
    gaussian_cases,
    drive_score,
    replaces=SCORE_DONE,
    axes=("b", "i"),
)
GAUSSIAN_ENTROPY = Exercise(
    "gaussian_entropy",
    NOTEBOOK,
    1.0,
    "Shannon 1948, section 20",
    (ENTROPY_ONE, ENTROPY_SEVERAL, ENTROPY_ARGUMENTS),
    entropy_cases,
    drive_entropy,
)
