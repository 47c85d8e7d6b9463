"""Exercise of 06_ppo_continuous_control: a policy's two verbs, on a stand-in model.

Drawn actions are random; `policy_facts` finds what in them is not.
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
from grader.exercises.networks import Model
from grader.exercises.policy_facts import (
    AGAIN,
    COLLECTED,
    collected,
    dense,
    drawn,
    given,
    observations,
)
from grader.plain import plain

MANY = Group("for many observations, while collecting", 0.5)
ONE = Group("for one observation, while collecting", 0.5)
DOUBLE = Group("for observations in float64", 0.25)
DRAWN = Group("in the actions it draws", 0.75)
DENSITY = Group("in the log-probabilities of the actions", 0.75)
TRAINING = Group("in what it returns for training", 0.75)
GRADIENTS = Group("in the gradients for training", 0.5)


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
        yield _case(DRAWN, rng, actions + 1, None, dtype="float32", copies=4096)
        yield _case(DRAWN, rng, actions, None, dtype="float32", copies=64, far=True)
        for width in (actions, 1):
            yield _case(DENSITY, rng, width, 128, dtype="float32")
        yield _case(DENSITY, rng, actions, None, dtype="float32", copies=64, far=True)
        for sizes in ((actions, rows), (actions, 1), (1, rows)):
            yield _case(TRAINING, rng, *sizes, wide=True)
            yield _case(GRADIENTS, rng, *sizes, wide=True)
    # One observation a call: few draws, and slow, so that once is enough.
    yield _case(DRAWN, rng, 2, None, dtype="float32", copies=24, far=True, single=True)
    yield _case(DENSITY, rng, 2, 32, dtype="float32", single=True)


def _case(
    group: Group, rng: np.random.Generator, actions: int, rows: int | None, **rest: Any
) -> Case:
    """Means of 0.2 to 0.4 and a small σ, so that a tanh shows and a clip to ±1 does not.

    Means of ±4 show both; close to zero, equal rows show neither. A `single` case is driven row by
    row.
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
    if rest.get("copies") == 4096:  # enough of them to see that every dimension has its own
        deviation = rng.permutation(np.linspace(0.04, 0.08, actions)) * rng.uniform(0.95, 1.05)
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
    """What collecting gives, to be judged by `policy_facts`, or what training gives."""
    if not callable(answer):
        raise Refused("pass the class itself, not a policy made from it")
    model = Model(inputs)
    policy = answer(model)
    observe = {
        MANY.name: _collected,
        ONE.name: _collected,
        DOUBLE.name: _given,
        DRAWN.name: _draws,
        DENSITY.name: _draws,
        TRAINING.name: _training,
        GRADIENTS.name: _gradients,
    }[inputs["observe"]]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(inputs["seed"])  # of the CPU alone
        before = [parameter.detach().clone() for parameter in model.parameters()]
        found = observe(policy, model, inputs)
    if not all(map(torch.equal, before, model.parameters())):
        raise Refused("act changes the model's parameters; only an optimizer should")
    return found


def policy_facts(inputs: Inputs, raw: Observables) -> Observables:
    """Shapes and laws of what is collected; what training gives, in numbers."""
    facts = {
        MANY.name: collected,
        ONE.name: collected,
        DOUBLE.name: given,
        DRAWN.name: drawn,
        DENSITY.name: dense,
        TRAINING.name: lambda inputs, raw: raw,  # numbers of the case
        GRADIENTS.name: lambda inputs, raw: raw,
    }[inputs["observe"]]
    with np.errstate(all="ignore"):
        return facts(inputs, raw)


def _act(policy: Any, given: Any, **training: bool) -> dict[str, Any]:
    """What `act` returns.

    Raises:
        Refused: no dict, or it changed what it was given.
    """
    inputs = given.copy() if isinstance(given, np.ndarray) else given.clone()
    found = policy.act(inputs, **training)
    if not isinstance(found, dict):
        raise Refused(f"act returns {type(found).__name__}; return a dict")
    if not bool((inputs == given).all()):
        raise Refused("act changes its argument inputs; work on a copy")
    return dict(found)


def _array(found: dict[str, Any], key: str) -> NDArray:
    """One entry in float64; an empty array where it is missing."""
    return plain(found[key], key) if key in found else np.zeros(0)


def _is_numpy(value: Any) -> bool:
    """Whether it is a numpy array of floats; for one observation a number is as good as one."""
    number = type(value) is float or isinstance(value, np.floating)
    return number or (type(value) is np.ndarray and value.dtype.kind == "f")


def _collected(policy: Any, model: Model, inputs: Inputs) -> Observables:
    """Types of what is collected, and what it is."""
    found = _act(policy, observations(inputs))
    kinds = [
        [key in found, _is_numpy(found.get(key)), getattr(found.get(key), "requires_grad", False)]
        for key in COLLECTED
    ]
    return {"kinds": np.array(kinds, float), **{key: _array(found, key) for key in COLLECTED}}


def _given(policy: Any, model: Model, inputs: Inputs) -> Observables:
    """What the model gets, row by row, and in which precision."""
    _act(policy, observations(inputs))
    rows = [states.double().reshape(-1, states.shape[-1]).numpy() for states in model.given]
    bits = [states.dtype.itemsize * 8.0 for states in model.given]
    none = np.zeros((0, inputs["observations"].shape[-1]))
    return {"rows": np.concatenate([none, *rows]), "bits": np.array(max(bits, default=0.0))}


def _draws(policy: Any, model: Model, inputs: Inputs) -> Observables:
    """Actions and their log-probabilities, and the actions of another call."""
    given = observations(inputs)
    if "single" in inputs:
        calls = [_act(policy, row) for row in given]
        return {key: np.stack([_array(one, key) for one in calls]) for key in COLLECTED[:2]}
    found, again = (_act(policy, given[:rows]) for rows in (len(given), AGAIN))
    actions = {"actions": _array(found, "actions"), "again": _array(again, "actions")}
    return {**actions, "log_probs": _array(found, "log_probs")}


def _for_training(policy: Any, model: Model, inputs: Inputs) -> tuple[dict[str, Any], Tensor]:
    states = torch.tensor(inputs["observations"], dtype=torch.float32)
    found = _act(policy, states, training=True)
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
    facts=policy_facts,
    answer="Policy",
    axes=("i", "j"),
)
