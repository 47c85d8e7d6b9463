"""Exercise of 06_ppo_continuous_control: a policy's two verbs, on a stand-in model.

Drawn actions are random; they are compared by what is not: shapes, which law the log-probabilities
follow in the very actions returned, which power of the variance the spread is.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution

from grader.exercise import Case, Exercise, Group, Inputs, Observables, Refused
from grader.exercises.actor_critic import NOTEBOOK
from grader.exercises.densities import close, law, log_density, spread
from grader.exercises.networks import Model
from grader.plain import plain

MANY = Group("for many observations, while collecting", 0.5)
ONE = Group("for one observation, while collecting", 0.5)
DOUBLE = Group("for observations in float64", 0.25)
DRAWN = Group("in the actions it draws", 0.75)
DENSITY = Group("in the log-probabilities of the actions", 0.75)
TRAINING = Group("in what it returns for training", 0.75)
GRADIENTS = Group("in the gradients for training", 0.5)

COLLECTED = ("actions", "log_probs", "values")


def policy_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """One and many observations of both precisions, equal ones and different ones, both modes."""
    for _ in range(n):
        actions = int(rng.integers(2, 4))
        rows = actions + int(rng.integers(5, 9))
        for sizes in ((actions, rows), (actions, 1), (1, rows), (1, 1)):
            yield _case(MANY, rng, *sizes, dtype="float32")
        for width in (actions, 1):
            yield _case(ONE, rng, width, None, dtype="float32")
        for count in (rows, None):
            yield _case(DOUBLE, rng, actions, count, dtype="float64")
        yield _case(DRAWN, rng, actions, None, dtype="float32", copies=4096)
        yield _case(DRAWN, rng, actions, None, dtype="float32", copies=64, far=True)
        for width in (actions, 1):
            yield _case(DENSITY, rng, width, 128, dtype="float32")
        yield _case(DENSITY, rng, actions, None, dtype="float32", copies=64, far=True)
        for sizes in ((actions, rows), (actions, 1), (1, rows)):
            yield _case(TRAINING, rng, *sizes, wide=True)
            yield _case(GRADIENTS, rng, *sizes, wide=True)


def _case(
    group: Group, rng: np.random.Generator, actions: int, rows: int | None, **rest: Any
) -> Case:
    """Means of 0.2 to 0.4 and a small σ, so that a tanh shows and a clip to ±1 does not.

    Means of ±4 show both; close to zero, equal rows show neither.
    """
    wide = "wide" in rest
    size = actions + 2
    states = rng.normal(size=[rows, size] if rows else [size]).round(2)
    weights = rng.normal(0.0, 0.5 if wide else 0.02, (actions, size)).round(3)
    center = rng.uniform(0.2, 0.4, actions).round(2) * rng.choice([-1.0, 1.0], actions)
    if "copies" in rest:
        center = 4.0 * np.sign(center) if "far" in rest else 0.1 * center
    offset = center if rows else center - weights @ states
    deviation = rng.uniform(0.3, 0.7, actions) if wide else rng.uniform(0.05, 0.07, actions)
    inputs = {
        "observe": group.name,
        "observations": states,
        "weights": weights,
        "offset": offset.round(6),
        "spread": (deviation**2).round(6),
        "critic": rng.normal(0.0, 2.0, size).round(2),
        "seed": int(rng.integers(2**31)),
        **rest,
    }
    if wide:
        inputs["actions"] = rng.normal(size=(*states.shape[:-1], actions)).round(2)
    return Case(group.name, inputs)


def drive_policy(answer: Any, inputs: Inputs) -> Observables:
    """What collecting gives, by its shapes and its laws, or what training gives, in numbers."""
    if not callable(answer):
        raise Refused("pass the class itself, not a policy made from it")
    model = Model(inputs)
    policy = answer(model)
    observe = {
        MANY.name: _collected,
        ONE.name: _collected,
        DOUBLE.name: _given,
        DRAWN.name: _drawn,
        DENSITY.name: _density,
        TRAINING.name: _training,
        GRADIENTS.name: _gradients,
    }[inputs["observe"]]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(inputs["seed"])
        return observe(policy, model, inputs)


def _observations(inputs: Inputs) -> NDArray:
    observations = inputs["observations"].astype(inputs["dtype"])
    return np.tile(observations, (inputs["copies"], 1)) if "copies" in inputs else observations


def _act(policy: Any, model: Model, given: Any, **training: bool) -> dict[str, Any]:
    """What `act` returns.

    Raises:
        Refused: no dict, or it changed what it was given.
    """
    inputs = given.copy() if isinstance(given, np.ndarray) else given.clone()
    parameters = [parameter.detach().clone() for parameter in model.parameters()]
    found = policy.act(inputs, **training)
    if type(found) is not dict:
        raise Refused(f"act returns {type(found).__name__}; return a dict")
    if not bool((inputs == given).all()):
        raise Refused("act changes its argument inputs; work on a copy")
    for before, now in zip(parameters, model.parameters(), strict=True):
        if not torch.equal(before, now):
            raise Refused("act changes the model's parameters; only an optimizer should")
    return found


def _array(found: dict[str, Any], key: str) -> NDArray:
    """One entry in float64; an empty array where it is missing."""
    return plain(found[key], key) if key in found else np.zeros(0)


def _normal(inputs: Inputs) -> tuple[NDArray, NDArray]:
    """The mean (B, A) and the variance (A,) that the stand-in model gives."""
    mean = _observations(inputs) @ inputs["weights"].T + inputs["offset"]
    return mean, inputs["spread"]


def _is_numpy(value: Any) -> bool:
    """Whether it is a numpy array of floats; for one observation a number is as good as one."""
    number = type(value) is float or isinstance(value, np.floating)
    return number or (type(value) is np.ndarray and value.dtype.kind == "f")


def _collected(policy: Any, model: Model, inputs: Inputs) -> Observables:
    """Types and shapes of what is collected, and the values in numbers."""
    found = _act(policy, model, _observations(inputs))
    there = [float(key in found) for key in COLLECTED]
    arrays = [float(_is_numpy(found.get(key))) for key in COLLECTED]
    graphs = [float(getattr(found.get(key), "requires_grad", False)) for key in COLLECTED]
    return {
        "whether actions, log_probs and values are there": np.array(there),
        "whether actions, log_probs and values are numpy arrays of floats": np.array(arrays),
        "whether actions, log_probs and values carry a graph": np.array(graphs),
        "actions": np.zeros_like(_array(found, "actions")),
        "log_probs": np.zeros_like(_array(found, "log_probs")),
        "values": _array(found, "values"),
    }


def _given(policy: Any, model: Model, inputs: Inputs) -> Observables:
    """The precision in which the model gets the observations."""
    _act(policy, model, _observations(inputs))
    return {
        "bits per number of what the model is given": np.array(float(max(model.bits, default=0)))
    }


def _drawn(policy: Any, model: Model, inputs: Inputs) -> Observables:
    """The law of the actions of thousands of equal rows; far from zero, their average alone."""
    observations = _observations(inputs)
    mean, variance = _normal(inputs)
    actions, again = (_actions(_act(policy, model, observations), mean) for _ in range(2))
    if "far" in inputs:
        return {"average action, rounded": np.round(actions.mean(0))}
    noise, power, alike = spread(actions, mean, variance)
    rows, calls = np.ptp(actions, axis=0).max() > 0, not np.array_equal(actions, again)
    return {
        "whether rows of equal observations get different actions": np.array(float(rows)),
        "whether a second call gives other actions": np.array(float(calls)),
        "standard deviation of the actions, as a power of the variance": power,
        "average action less the mean, in units of σ": noise,
        "correlation of the first two action dimensions": np.array(alike),
    }


def _density(policy: Any, model: Model, inputs: Inputs) -> Observables:
    """The law that log_probs follow in the actions returned; far from zero, whether it holds."""
    found = _act(policy, model, _observations(inputs))
    mean, variance = _normal(inputs)
    actions, log_probs = _actions(found, mean), _array(found, "log_probs")
    if log_probs.size == len(mean):  # a shape is another group's
        log_probs = log_probs.reshape(-1)
    if "far" in inputs:
        right = log_density(actions, mean, variance)
        holds = log_probs.shape == right.shape and close(log_probs, right)
        return {"whether log_probs are those of the actions returned": np.array(float(holds))}
    follows, weights, height = law(log_probs, actions, mean, variance)
    return {
        "whether log_probs follow from the actions returned": np.array(follows),
        "1 / variance by which log_probs fall with an action's squared distance": weights,
        "log_probs of an action at the mean": np.array(height),
    }


def _actions(found: dict[str, Any], mean: NDArray) -> NDArray:
    """The actions in the shape of the mean, since a shape is another group's; else the mean."""
    actions = _array(found, "actions")
    return actions.reshape(mean.shape) if actions.size == mean.size else mean


def _for_training(policy: Any, model: Model, inputs: Inputs) -> tuple[dict[str, Any], Tensor]:
    states = torch.tensor(inputs["observations"], dtype=torch.float32)
    found = _act(policy, model, states, training=True)
    return found, torch.tensor(inputs["actions"], dtype=torch.float32)


def _training(policy: Any, model: Model, inputs: Inputs) -> Observables:
    """The distribution, by what it says of some actions, and the values."""
    found, actions = _for_training(policy, model, inputs)
    distribution = found.get("distribution")
    there = [float(isinstance(distribution, Distribution)), float("values" in found)]
    parts = dict.fromkeys(("log_prob", "entropy", "batch", "event"), np.zeros(0))
    if isinstance(distribution, Distribution):
        parts = {
            "log_prob": plain(distribution.log_prob(actions), "log_prob of the distribution"),
            "entropy": _entropy(distribution),
            "batch": np.zeros(distribution.batch_shape),
            "event": np.zeros(distribution.event_shape),
        }
    return {
        "whether a distribution and values are there": np.array(there),
        "log_prob of the distribution": parts["log_prob"],
        "entropy of the distribution": parts["entropy"],
        "batch of the distribution": parts["batch"],
        "event of the distribution": parts["event"],
        "values": _array(found, "values"),
    }


def _entropy(distribution: Distribution) -> NDArray:
    try:
        return plain(distribution.entropy(), "entropy of the distribution")
    except NotImplementedError:
        name = type(distribution).__name__
        raise Refused(f"a {name} knows no entropy, which PPO logs; use a normal law") from None


def _gradients(policy: Any, model: Model, inputs: Inputs) -> Observables:
    """What log_prob and the values send back to the model; zeros where nothing flows."""
    found, actions = _for_training(policy, model, inputs)
    distribution, values = found.get("distribution"), found.get("values")
    log_prob = None
    if isinstance(distribution, Distribution):
        log_prob = distribution.log_prob(actions)
    return {
        "gradient of log_prob with respect to the mean": _gradient(log_prob, model.offset),
        "gradient of log_prob with respect to the variance": _gradient(log_prob, model.spread),
        "gradient of values with respect to the critic's weights": _gradient(values, model.critic),
    }


def _gradient(output: Any, parameter: Tensor) -> NDArray:
    found = None
    if isinstance(output, Tensor) and output.requires_grad:
        weights = torch.arange(1.0, output.numel() + 1.0).cos()
        total = (output.flatten() * weights).sum()
        (found,) = torch.autograd.grad(total, parameter, retain_graph=True, allow_unused=True)
    return plain(torch.zeros_like(parameter) if found is None else found, "the gradient")


POLICY = Exercise(
    "policy",
    NOTEBOOK,
    4.0,
    "Schulman et al. 2017, arXiv:1707.06347, section 6.1 (a Gaussian with a learned variance)",
    (MANY, ONE, DOUBLE, DRAWN, DENSITY, TRAINING, GRADIENTS),
    policy_cases,
    drive_policy,
    answer="Policy",
    axes=("i", "j"),
)
