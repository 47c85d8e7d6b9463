"""Exercise of 06_ppo_continuous_control: the network, driven without knowing how it is written.

Initial weights are random: they are compared by what is not, their gains. Later the check sets them
itself, and compares numbers.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grader.exercise import Case, Exercise, Group, Inputs, Observables, Refused
from grader.exercises.networks import OUTPUTS, Built, built, by_layer, filled, forward, made
from grader.plain import plain

NOTEBOOK = "06_ppo_continuous_control"

RETURNS = Group("in what forward returns", 0.75)
LAYERS = Group("in the layers behind the mean and the values", 1.0)
START = Group("in the weights it starts with", 1.0)
VARIANCE = Group("in the variance", 0.75)
GRADIENTS = Group("in what the gradients reach", 0.5)

FORM = "(first layer, second layer, output layer)"


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
    }
    inputs["vector"][0] = -abs(inputs["vector"][0])  # negative ones tell more maps apart
    return Case(group.name, inputs)


def drive_actor_critic(answer: Any, inputs: Inputs) -> Observables:
    """Shapes, layers, gains, how the variance is learned, or whom gradients reach."""
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
        torch.manual_seed(len(inputs["states"]))
        return observe(answer, inputs)


def _returns(answer: Any, inputs: Inputs) -> Observables:
    """The shapes alone, as arrays of zeros, and the precision."""
    model, states = made(answer, inputs)
    given = states.clone()
    outputs = forward(model, given)
    if not torch.equal(given, states):
        raise Refused("forward changes its argument states; work on a new tensor")
    bits = [o.dtype.itemsize * 8 if o.is_floating_point() else 0 for o in outputs]
    shapes = {n: np.zeros(o.shape) for n, o in zip(OUTPUTS, outputs, strict=True)}
    return {**shapes, "bits per number of mean, variance and values": np.array(bits, float)}


def _layers(answer: Any, inputs: Inputs) -> Observables:
    """How many layers of how many units, and the outputs once all weights are known."""
    net, twin = built(answer, inputs), built(answer, inputs)
    outputs, again = filled(net, inputs["phase"]), filled(twin, inputs["phase"])
    same = all(torch.equal(one, other) for one, other in zip(outputs, again, strict=True))
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


def _units(net: Built, matrices: list[Tensor], first: bool) -> float:
    """The other size of a layer's matrix; 0 without the layer."""
    if not matrices:
        return 0.0
    sizes = list(matrices[0].shape)
    inputs = net.states.shape[1]
    return float(sizes[1 - sizes.index(inputs)] if first else max(sizes))


def _start(answer: Any, inputs: Inputs) -> Observables:
    """The gains of the weights, whether biases are zero, and whether two models differ."""
    net, other = built(answer, inputs), built(answer, inputs)
    found: Observables = {}
    zeros, fresh = [], []
    for output in ("mean", "values"):
        pairs = zip(by_layer(net, output), by_layer(other, output), strict=True)
        gains = np.array([_gain(one, again) for one, again in pairs])
        found[f"gains of the weights behind the {output} {FORM}, 0 if not orthogonal"] = gains
        biases = [net.start[name] for name in net.behind(output, 1)]
        zeros.append(float(all(not bias.any() for bias in biases)))
        fresh += [not net.start[n].equal(other.start[n]) for n in net.behind(output, 2)]
    found["whether biases start at zero, behind mean and values"] = np.array(zeros)
    found["whether another model starts with other weights"] = np.array(float(all(fresh)))
    return found


def _gain(matrices: list[Tensor], again: list[Tensor]) -> float:
    """The one singular value of all these matrices, in both models; 0 if there are several."""
    found = [np.linalg.svd(plain(w, "w"), compute_uv=False) for w in (*matrices, *again)]
    values = np.concatenate(found) if found else np.zeros(1)
    return float(values.mean()) if np.ptp(values) <= 1e-4 * values.max() else 0.0


def _variance(answer: Any, inputs: Inputs) -> Observables:
    """Whether one vector gives it, where that starts, and how the variance follows it."""
    net = built(answer, inputs)
    names = net.alone("variance")
    only = len(names) == 1 and sum(moved[1] for moved in net.moves.values()) == 1
    vector = dict(net.model.named_parameters())[names[0]] if only else torch.zeros(0)
    start = plain(net.start[names[0]], "the vector").reshape(-1) if only else np.zeros(0)
    size, actions = len(start), inputs["action_dim"]
    middle = np.resize(inputs["vector"], size)
    rows = _variance_at(net, vector, middle)
    found = {
        "numbers in the vector that gives the variance, 0 without one": np.array(float(size)),
        "whether the variance is the same in every row": np.array(float(_equal_rows(net, rows))),
        "the vector at the start": np.resize(start, actions) if size else np.zeros(actions),
    }
    levels = [np.full(size, level) for level in (-5.0, 0.0, 5.0)]
    allowed = [_variance_at(net, vector, level) for level in levels]
    positive = [float(np.all((v > 0) & np.isfinite(v))) for v in allowed]
    found["whether the variance is positive with the vector at -5, 0 and 5"] = np.array(positive)
    for word, step in (("raised", 0.5), ("lowered", -0.5)):
        signs = np.zeros((actions, actions))
        for i in range(actions if size else 0):
            moved = middle + step * (np.arange(size) == min(i, size - 1))
            after = _variance_at(net, vector, moved)
            signs[i] = np.sign(after - rows).reshape(-1)[-actions:]
        found[f"sign of each variance's change, one number of the vector {word}"] = signs
    return found


def _variance_at(net: Built, vector: Tensor, numbers: NDArray) -> NDArray:
    with torch.no_grad():
        vector.copy_(torch.tensor(numbers, dtype=vector.dtype).reshape(vector.shape))
        return plain(forward(net.model, net.states)[1], "the variance")


def _equal_rows(net: Built, variance: NDArray) -> bool:
    per_row = variance.shape[:1] == net.states.shape[:1] and variance.ndim > 1
    return bool((variance == variance[0]).all()) if per_row else True  # a shape is another group's


def _gradients(answer: Any, inputs: Inputs) -> Observables:
    """For each output, whether it teaches all, some or none of the parameters behind it."""
    net = built(answer, inputs)
    filled(net, inputs["phase"])
    parameters = dict(net.model.named_parameters())
    found: Observables = {}
    asking = []
    for i, output in enumerate(forward(net.model, net.states)):
        behind = [parameters[name] for name, moved in net.moves.items() if moved[i]]
        asking.append(float(bool(behind) and all(one.requires_grad for one in behind)))
        reached = _reached(output, behind)
        share = 0.0 if not any(reached) else 1.0 if all(reached) else 0.5
        key = f"parameters that learn from the {OUTPUTS[i]} (1: all it depends on, 0.5: some)"
        found[key] = np.array(share)
    names = ", ".join(OUTPUTS)
    found[f"whether all parameters behind {names} ask for a gradient"] = np.array(asking)
    return found


def _reached(output: Tensor, behind: Sequence[Tensor]) -> list[bool]:
    learning = [parameter for parameter in behind if parameter.requires_grad]
    if not (learning and output.requires_grad):
        return [False]
    weights = torch.arange(1.0, output.numel() + 1.0).cos().reshape(output.shape)
    loss = (output * weights).sum()
    gradients = torch.autograd.grad(loss, learning, retain_graph=True, allow_unused=True)
    reached = [gradient is not None and bool(gradient.any()) for gradient in gradients]
    return [*reached, *[False] * (len(behind) - len(learning))]


ACTOR_CRITIC = Exercise(
    "actor_critic",
    NOTEBOOK,
    4.0,
    "Schulman et al. 2017, arXiv:1707.06347, section 6.1 (64-64 tanh, a learned variance); "
    "Saxe et al. 2014, arXiv:1312.6120 (orthogonal weights)",
    (RETURNS, LAYERS, START, VARIANCE, GRADIENTS),
    actor_critic_cases,
    drive_actor_critic,
    answer="ActorCritic",
    axes=("i", "j"),
)
