"""Exercises of 03_vanilla_policy_gradient: returns to go, and the two losses of VPG."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.exercise import Case, Exercise, Group, Inputs, Observables, Refused
from grader.exercises.calling import call, call_loss

NOTEBOOK = "03_vanilla_policy_gradient"

ORDINARY = Group("in an ordinary episode", 1.0)
EDGES = Group("for γ = 0, γ = 1, one step, or rewards that are nearly all 0 or all the same", 0.5)
RETURNS_KEPT = Group("for float32 rewards, which must stay as they are", 0.5)

PG_GRADIENT = Group("in the gradient of the loss", 2.0)
PG_VALUE = Group("in the value of the loss", 1.0)
PG_ONE = Group("for a batch of one, or Ψ that do not vary", 0.5)
PG_KEPT = Group("for float32 arguments, which must stay as they are", 0.5)

MSE = Group("in the mean squared error and its gradient", 1.25)
MSE_RANKS = Group("for shapes that are equal, but not (B,)", 0.25)
DIFFER = Group("for shapes that differ, where it should raise", 1.0)
MSE_KEPT = Group("for float32 arguments, which must stay as they are", 0.5)


def discounted_returns_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Finished episodes: short and long, rewards of both signs, sparse ones, all the same."""
    for _ in range(n):
        steps = int(rng.integers(7, 12))
        for length in (steps, 40):
            yield _episode(ORDINARY, _rewards(rng, length), _gamma(rng))
        for gamma in (0.0, 1.0):
            yield _episode(EDGES, _rewards(rng, steps), gamma)
        yield _episode(EDGES, _rewards(rng, 1), _gamma(rng))
        yield _episode(EDGES, _sparse(rng, steps), _gamma(rng))
        yield _episode(EDGES, np.ones(30), _gamma(rng))
        rewards = _rewards(rng, steps)
        yield _episode(RETURNS_KEPT, rewards, _gamma(rng), layout="float32, strided")
        yield _episode(RETURNS_KEPT, rewards, _gamma(rng), layout="float64", only_keep=True)


def _gamma(rng: np.random.Generator) -> float:
    return round(float(rng.uniform(0.6, 0.95)), 2)


def _rewards(rng: np.random.Generator, steps: int) -> NDArray:
    return rng.normal(0.5, 2.0, steps).round(2)


def _sparse(rng: np.random.Generator, steps: int) -> NDArray:
    """Zeros, but for a reward early, one late, and the last."""
    rewards = np.zeros(steps)
    rewards[[1, steps - 3, steps - 1]] = rng.uniform(1.0, 4.0, 3).round(2) * (-1, 1, 1)
    return rewards


def _episode(group: Group, rewards: NDArray, gamma: float, **rest: Any) -> Case:
    return Case(group.name, {"rewards": rewards, "gamma": gamma, **rest})


def drive_discounted_returns(answer: Any, inputs: Inputs) -> Observables:
    """Returns to go of one episode; γ may be taken by place or by name."""
    gamma = inputs["gamma"]

    def by_place(rewards: NDArray) -> Any:
        return answer(rewards, gamma)

    if not callable(answer):
        raise Refused("pass the function itself, not what it returns")
    return call(by_place, inputs, ("rewards",), (), "returns")


def policy_gradient_loss_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Batches small and large; densities too, whose logarithm may be positive."""
    for _ in range(n):
        few = int(rng.integers(5, 9))
        for size in (few, 64):
            log_probs, psi = _log_probs(rng, size), _psi(rng, size)
            for group, observe in ((PG_GRADIENT, "gradient"), (PG_VALUE, "loss")):
                yield _losses(group, log_probs, psi, observe=observe)
        yield _losses(PG_ONE, _log_probs(rng, 1), _psi(rng, 1))
        same = np.full(few, round(float(rng.uniform(0.5, 2.0)), 2))
        yield _losses(PG_ONE, _log_probs(rng, few), same)
        log_probs, psi = _log_probs(rng, few), _psi(rng, few)
        yield _losses(PG_KEPT, log_probs, psi, layout="float32")
        yield _losses(PG_KEPT, log_probs, psi, layout="float64", only_keep=True)


def _log_probs(rng: np.random.Generator, size: int) -> NDArray:
    """Mostly below 0, some far below, some above."""
    log_probs = rng.uniform(-3.0, 0.7, size).round(3)
    log_probs[0] = -30.0 if size > 1 else log_probs[0]
    return log_probs


def _psi(rng: np.random.Generator, size: int) -> NDArray:
    """Of both signs, neither centred nor of unit size; one is 0; in large batches one is large."""
    psi = rng.normal(1.5, 3.0, size).round(2)
    psi[1:3] = (-2.5, 0.0)[: max(size - 1, 0)]
    if size > 20:
        psi[3] = round(rng.uniform(150.0, 300.0), 1)
    return psi


def _losses(group: Group, log_probs: NDArray, psi: NDArray, **rest: Any) -> Case:
    return Case(group.name, {"log_probs": log_probs, "psi": psi, **rest})


def drive_policy_gradient_loss(answer: Any, inputs: Inputs) -> Observables:
    """The loss, its gradient, or both."""
    found = call_loss(answer, inputs, ("log_probs", "psi"), ())
    wanted = inputs.get("observe", "loss, gradient")
    return {name: array for name, array in found.items() if name in wanted}


def value_loss_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Equal shapes of one, two and three axes, and shapes that differ in every way."""
    for _ in range(n):
        few = int(rng.integers(5, 9))
        for shape in ((few,), (1,)):
            yield _critic(MSE, rng, shape, shape)
        large = _critic(MSE, rng, (64,), (64,)).inputs
        yield Case(MSE.name, {**large, "returns": 30.0 * large["returns"]})
        for shape in ((few, 1), (3, few), (2, 3, 4)):
            yield _critic(MSE_RANKS, rng, shape, shape)
        wrong = [((few, 1), (few,)), ((few,), (few, 1)), ((few,), (few + 2,)), ((1,), (few,))]
        wrong += [((few, 3), (3 * few,)), ((1, few), (few,)), ((few, few), (few,))]
        for values, returns in wrong:
            yield _critic(DIFFER, rng, values, returns)
        yield _critic(MSE_KEPT, rng, (few,), (few,), layout="float32")
        yield _critic(MSE_KEPT, rng, (few,), (few,), layout="float64", only_keep=True)


def _critic(group: Group, rng: np.random.Generator, values: Any, returns: Any, **rest: Any) -> Case:
    arrays = {
        "values": rng.normal(1.0, 2.0, values).round(2),
        "returns": rng.normal(2.0, 4.0, returns).round(2),
    }
    return Case(group.name, {**arrays, **rest})


def drive_value_loss(answer: Any, inputs: Inputs) -> Observables:
    """The loss and its gradient; where the shapes differ, how it is refused."""
    names = ("values", "returns")
    shapes = [inputs[name].shape for name in names]
    if shapes[0] == shapes[1]:
        return call_loss(answer, inputs, names, ())
    raised = f"raises an error for values {shapes[0]} and returns {shapes[1]}"
    error, instead = None, np.zeros(())
    try:
        instead = call_loss(answer, inputs, names, ())["loss"]
    except (NotImplementedError, Refused):
        raise
    except Exception as caught:
        error = caught
    numbers = re.findall(r"\d+", str(error))
    wanted = [str(size) for shape in shapes for size in shape]
    said = all(numbers.count(size) >= wanted.count(size) for size in wanted)
    value_error = isinstance(error, ValueError)
    return {
        f"{raised} (1 = yes, 0 = no)": np.array(float(error is not None)),
        f"{raised}, a ValueError (1 = yes, 0 = no)": np.array(float(value_error)),
        f"{raised}, and the text holds all of these numbers (1 = yes, 0 = no)": np.array(
            float(value_error and said)
        ),
        "the loss that is returned instead": instead,
    }


DISCOUNTED_RETURNS = Exercise(
    "discounted_returns",
    NOTEBOOK,
    2.0,
    "Sutton & Barto 2018, eq. 3.8, the sum stopped where the episode ends",
    (ORDINARY, EDGES, RETURNS_KEPT),
    discounted_returns_cases,
    drive_discounted_returns,
    yours=("discounted_returns",),
)
POLICY_GRADIENT_LOSS = Exercise(
    "policy_gradient_loss",
    NOTEBOOK,
    4.0,
    "Schulman et al. 2016, arXiv:1506.02438, eq. 1, the sum over a rollout written as a mean",
    (PG_GRADIENT, PG_VALUE, PG_ONE, PG_KEPT),
    policy_gradient_loss_cases,
    drive_policy_gradient_loss,
    yours=("policy_gradient_loss",),
    axes=("b",),
)
VALUE_LOSS = Exercise(
    "value_loss",
    NOTEBOOK,
    3.0,
    "the mean squared error, to which Spinning Up's VPG fits its critic",
    (MSE, MSE_RANKS, DIFFER, MSE_KEPT),
    value_loss_cases,
    drive_value_loss,
    yours=("value_loss",),
    axes=("b",),
)
