"""Exercise of 06_ppo_continuous_control: the network, driven without knowing how it is written.

Initial weights are random: they are compared by what is not, their gains. Later the check sets them
itself, and compares numbers. What that says of the network is judged in `actor_critic_facts`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grader.exercise import Case, Exercise, Group, Inputs, Observables, Refused
from grader.exercises.actor_critic_facts import (
    LAYER,
    LEVELS,
    SKETCH,
    returned,
    sketch,
    started,
    taught,
    varied,
    vectors,
)
from grader.exercises.networks import (
    OUTPUTS,
    Built,
    Part,
    as_filled,
    built,
    by_layer,
    filled,
    forward,
    made,
    starts_again,
)
from grader.plain import plain

NOTEBOOK = "06_ppo_continuous_control"

RETURNS = Group("in what forward returns", 0.75)
LAYERS = Group("in the layers behind the mean and the values", 1.0)
START = Group("in the weights it starts with", 1.0)
VARIANCE = Group("in the variance", 0.75)
GRADIENTS = Group("in what the gradients reach", 0.5)


def actor_critic_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Sizes that differ from one another, one action dimension and one row among them."""
    for _ in range(n):
        actions = int(rng.integers(2, 5))
        observations = actions + int(rng.integers(3, 8))
        rows = observations + int(rng.integers(1, 4))
        usual = (observations, actions, rows)
        for sizes in (usual, (observations, actions, 1), (observations, 1, rows), (5, 1, 1)):
            yield _case(RETURNS, rng, *sizes)
        for group in (LAYERS, START, VARIANCE, GRADIENTS):
            yield _case(group, rng, *usual)
            yield _case(group, rng, observations, 1, rows)
        yield _case(START, rng, 70 + actions, actions, 3)


def _case(group: Group, rng: np.random.Generator, obs_dim: int, actions: int, rows: int) -> Case:
    inputs = {
        "observe": group.name,
        "obs_dim": obs_dim,
        "action_dim": actions,
        "states": rng.normal(0.0, 3.0, (rows, obs_dim)).round(2),
        "phase": round(float(rng.uniform(0.6, 2.4)), 3),
        "vector": rng.uniform(0.2, 0.9, actions).round(2) * rng.choice([-1.0, 1.0], actions),
        "levels": rng.permutation(np.array(LEVELS)),
    }
    if group is LAYERS:
        inputs["states"][[0, -1], [0, -1]] = (40.0, -40.0)  # as no state is to be clipped
    return Case(group.name, inputs)


def drive_actor_critic(answer: Any, inputs: Inputs) -> Observables:
    """What forward returns, some weights, variances or gradients, to be judged by `facts`."""
    if not callable(answer):
        raise Refused("pass the class itself, not a model made from it")
    observe = {
        RETURNS.name: _returns,
        LAYERS.name: _layers,
        START.name: _start,
        VARIANCE.name: _variance,
        GRADIENTS.name: _gradients,
    }[inputs["observe"]]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(len(inputs["states"]))  # of the CPU alone
        return observe(answer, inputs)


def _returns(answer: Any, inputs: Inputs) -> Observables:
    model, states = made(answer, inputs)
    given = states.clone()
    outputs = forward(model, given)
    if not torch.equal(given, states):
        raise Refused("forward changes its argument states; work on a new tensor")
    bits = [o.dtype.itemsize * 8 if o.is_floating_point() else 0 for o in outputs]
    arrays = {n: plain(o.double(), n) for n, o in zip(OUTPUTS, outputs, strict=True)}
    return {**arrays, "bits": np.array(bits, float)}


def _layers(answer: Any, inputs: Inputs) -> Observables:
    """How many layers of how many units, and the outputs once all weights are known."""
    net = built(answer, inputs)
    outputs = filled(net, inputs["phase"])
    again = as_filled(answer, inputs, net)
    same = again is not None and all(map(torch.equal, outputs, again))
    found: Observables = {}
    for what, axes in (("weight matrices", 2), ("bias vectors", 1)):
        counts = [float(len(net.behind(output, axes))) for output in ("mean", "values")]
        found[f"number of {what} behind mean and values"] = np.array(counts)
    for output in ("mean", "values"):
        first, _, last = by_layer(net, output)
        units = [_units(net, first, True), _units(net, last, False)]
        found[f"units of the first and the last hidden layer behind the {output}"] = np.array(units)
    found["whether two models of equal parameters give equal outputs"] = np.array(float(same))
    mean, _, values = outputs
    rows = len(net.states)  # shapes are another group's: an axis of one more or less is let pass
    known = {"mean": plain(mean, "mean"), "values": plain(values, "values").reshape(-1)}
    if known["mean"].size == rows * net.actions:
        known["mean"] = known["mean"].reshape(rows, net.actions)
    for name, array in known.items():
        found[f"{name}, when weights are set by the check"] = (
            array if same else np.zeros_like(array)
        )
    return found


def _units(net: Built, matrices: list[Part], first: bool) -> float:
    """The other size of a layer's matrix; 0 without the layer."""
    if not matrices:
        return 0.0
    sizes = list(matrices[0].numbers.shape)
    inputs = net.states.shape[1]
    return float(sizes[1 - sizes.index(inputs)] if first else max(sizes))


def _start(answer: Any, inputs: Inputs) -> Observables:
    """Sketches of the weights that two models start with, and the biases of one."""
    net = built(answer, inputs)
    again = starts_again(answer, inputs, net)
    found: Observables = {}
    for output in ("mean", "values"):
        for layer, parts in zip(LAYER, by_layer(net, output), strict=True):
            pairs = [[part.start for part in parts], [again[part.name] for part in parts]]
            sketches = [[sketch(one, inputs["phase"]) for one in starts] for starts in pairs]
            found[f"{output}, {layer}"] = np.array(sketches).reshape(2, -1, *SKETCH)
        biases = [plain(part.start, "a bias") for part in net.behind(output, 1)]
        found[f"{output}, biases"] = np.concatenate([np.zeros(0), *biases])
    return found


def _variance(answer: Any, inputs: Inputs) -> Observables:
    """The vector at its start, and the variances that it gives elsewhere."""
    net = built(answer, inputs)
    parts = net.alone("variance")
    only = len(parts) == 1 and sum(part.moves[1] for part in net.parts) == 1
    numbers = parts[0].numbers if only else torch.zeros(0)
    start = plain(parts[0].start, "the vector").reshape(-1) if only else np.zeros(0)
    variances = []
    for vector in vectors(inputs, len(start)):
        numbers.copy_(torch.tensor(vector, dtype=numbers.dtype).reshape(numbers.shape))
        with torch.no_grad():
            variances.append(plain(forward(net.model, net.states)[1].double(), "the variance"))
    return {"start": start, "variances": np.stack(variances)}


def _gradients(answer: Any, inputs: Inputs) -> Observables:
    """How much of two losses, one a multiple of the other, reaches what is behind an output."""
    net = built(answer, inputs)
    filled(net, inputs["phase"])
    found: Observables = {}
    for output, name in zip(forward(net.model, net.states), OUTPUTS, strict=True):
        parts = net.behind(name)
        pulls = [_reached(output, parts, pull) for pull in (1.0, inputs["phase"])]
        found[f"gradients of the {name}"] = np.array(pulls).reshape(2, -1)
        asks = [float(part.parameter.requires_grad) for part in parts]
        found[f"whether it asks, behind the {name}"] = np.array(asks)
    return found


def _reached(output: Tensor, parts: Sequence[Part], pull: float) -> list[float]:
    """The sum of a gradient's absolute numbers, part by part."""
    parameters = {id(p.parameter): p.parameter for p in parts if p.parameter.requires_grad}
    if not (parameters and output.requires_grad):
        return [0.0] * len(parts)
    weights = torch.arange(1.0, output.numel() + 1.0).cos().reshape(output.shape)
    loss = pull * (output * weights).sum()
    gradients = torch.autograd.grad(
        loss, list(parameters.values()), retain_graph=True, allow_unused=True
    )
    by_parameter = dict(zip(parameters, gradients, strict=True))

    def size(part: Part) -> float:
        gradient = by_parameter.get(id(part.parameter))
        if gradient is None:
            return 0.0
        return float((gradient if part.place is None else gradient[part.place]).abs().sum())

    return [size(part) for part in parts]


def actor_critic_facts(inputs: Inputs, raw: Observables) -> Observables:
    """Shapes, layers, gains, how the variance is learned, or whom gradients reach."""
    facts = {
        RETURNS.name: returned,
        LAYERS.name: lambda inputs, raw: raw,  # numbers that only such a network can give
        START.name: started,
        VARIANCE.name: varied,
        GRADIENTS.name: taught,
    }[inputs["observe"]]
    with np.errstate(all="ignore"):
        return facts(inputs, raw)


ACTOR_CRITIC = Exercise(
    "actor_critic",
    NOTEBOOK,
    4.0,
    "Schulman et al. 2017, arXiv:1707.06347, section 6.1 (64-64 tanh, a learned variance); "
    "Saxe et al. 2014, arXiv:1312.6120 (orthogonal weights)",
    (RETURNS, LAYERS, START, VARIANCE, GRADIENTS),
    actor_critic_cases,
    drive_actor_critic,
    facts=actor_critic_facts,
    answer="ActorCritic",
    axes=("i", "j"),
)
