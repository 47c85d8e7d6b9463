"""What is judged of a network: facts about what its driver gave, whatever the network's style.

Every fact rests on numbers of the case, so that nobody can know beforehand what would prove it.
"""

from functools import lru_cache

import numpy as np
from torch import Tensor

from grader.exercise import Inputs, Observables, Refused
from grader.exercises.networks import OUTPUTS
from grader.exercises.raw import Array, any_shape, taken
from grader.plain import plain

FORM = "(first layer, second layer, output layer)"
LAYER = ("first layer", "second layer", "output layer")
PROBES, ROWS = 4, 4
SKETCH = (PROBES + ROWS, PROBES)
LEVELS = (-2.0, -1.0, 0.0, 1.0, 2.0)  # between these a variance must rise with the vector
FAR = (-5.0, 5.0)


def returned(inputs: Inputs, raw: Observables) -> Observables:
    """The shapes alone, as arrays of zeros, and the precision."""
    shapes = {name: np.zeros_like(any_shape(raw, name)) for name in OUTPUTS}
    return {**shapes, "bits per number of mean, variance and values": taken(raw, "bits", 3)}


@lru_cache
def _probes(phase: float, size: int) -> tuple[Array, Array]:
    """Directions at right angles, at most four, and the lengths to give them."""
    rng = np.random.default_rng(round(1000 * phase))
    lengths = rng.uniform(0.5, 2.0, PROBES)
    directions, _ = np.linalg.qr(rng.normal(size=(size, min(size, PROBES))))
    return directions, lengths


def sketch(weights: Tensor, phase: float) -> Array:
    """What a matrix W makes of vectors X of the case: (WX)ᵀWX, and below it WX's first rows.

    XᵀX is diagonal; so W is orthogonal with gain g if (WX)ᵀWX is g² XᵀX, whatever its size.
    """
    matrix = plain(weights, "a weight")
    matrix = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    directions, lengths = _probes(phase, matrix.shape[1])
    images = matrix @ (directions * lengths[: directions.shape[1]])
    found = np.zeros(SKETCH)
    found[: images.shape[1], : images.shape[1]] = images.T @ images
    rows = images[:ROWS]
    found[PROBES : PROBES + len(rows), : rows.shape[1]] = rows
    return found


def started(inputs: Inputs, raw: Observables) -> Observables:
    """The gains of the weights, whether biases are zero, and whether two models differ."""
    found: Observables = {}
    zeros, fresh = [], True
    for output in ("mean", "values"):
        sketches = [taken(raw, f"{output}, {name}", 2, None, *SKETCH) for name in LAYER]
        gains = [_gain(one, inputs["phase"]) for one in sketches]
        found[f"gains of the weights behind the {output} {FORM}, 0 if not orthogonal"] = np.array(
            gains
        )
        zeros.append(float(not taken(raw, f"{output}, biases", None).any()))
        pairs = [pair for one in sketches for pair in zip(*one[:, :, PROBES:], strict=True)]
        fresh = fresh and not any(np.array_equal(*pair) for pair in pairs)
    found["whether biases start at zero, behind mean and values"] = np.array(zeros)
    found["whether another model starts with other weights"] = np.array(float(fresh))
    return found


def _gain(sketches: Array, phase: float) -> float:
    """The one singular value of all these matrices, in both models; 0 if there are several."""
    _, lengths = _probes(phase, 1)
    squares = sketches[:, :, :PROBES].reshape(-1, PROBES, PROBES) / np.outer(lengths, lengths)
    if not (squares.size and np.isfinite(squares).all()):
        return 0.0
    sizes = (np.diagonal(squares, axis1=1, axis2=2) > 0).sum(1)
    parts = [np.linalg.eigvalsh(one[:n, :n]) for one, n in zip(squares, sizes, strict=True)]
    values = np.sqrt(np.concatenate(parts).clip(0.0))
    flat = values.size and np.ptp(values) <= 1e-4 * values.max()
    return float(values.mean()) if flat else 0.0


def vectors(inputs: Inputs, size: int) -> list[Array]:
    """The vectors behind the variance to try: the case's own, far ones, levels, one number moved.

    The levels come in the case's order.
    """
    levels = [np.full(size, level) for level in (*FAR, *inputs["levels"])]
    moved = [2.0 * (np.arange(size) == min(i, size - 1)) for i in range(inputs["action_dim"])]
    return [np.resize(inputs["vector"], size), *levels, *moved]


def varied(inputs: Inputs, raw: Observables) -> Observables:
    """Whether one vector gives the variance, where that starts, and how the variance follows it."""
    start, variances = taken(raw, "start", None), any_shape(raw, "variances")
    actions, count = inputs["action_dim"], len(vectors(inputs, 0))
    if variances.shape[:1] != (count,) or not variances.size:
        raise Refused("variances has a shape that cannot be read")
    order = 1 + len(FAR) + np.argsort(inputs["levels"])
    low, middle, high = (variances[i] for i in (1, order[len(order) // 2], 2))
    positive = [float(np.all((v > 0) & np.isfinite(v))) for v in (low, middle, high)]
    flat = variances.reshape(count, -1)[:, -actions:]
    numbers = np.stack([np.resize(one, actions) for one in flat])  # a shape is another group's
    rises = np.sign(np.diff(numbers[order], axis=0))
    found = {
        "numbers in the vector that gives the variance, 0 without one": np.array(float(len(start))),
        "whether the variance is the same in every row": np.array(_equal_rows(inputs, variances)),
        "the vector at the start": np.resize(start, actions) if len(start) else np.zeros(actions),
        "whether the variance is positive with the vector at -5, 0 and 5": np.array(positive),
    }
    for one, other, signs in zip(LEVELS[:-1], LEVELS[1:], rises, strict=True):
        between = f"the vector rises from {one:.0f} to {other:.0f}"
        found[f"sign of each variance's change, when {between}"] = signs
    alone = np.sign(numbers[-actions:] - numbers[order[len(order) // 2]])
    found["sign of each variance's change, when one number of the vector rises from 0 to 2"] = alone
    return found


def _equal_rows(inputs: Inputs, variances: Array) -> float:
    variance = variances[0]
    per_row = variance.shape[:1] == inputs["states"].shape[:1] and variance.ndim > 1
    return float((variance == variance[0]).all()) if per_row else 1.0  # a shape is another group's


def taught(inputs: Inputs, raw: Observables) -> Observables:
    """For each output, whether it teaches all, some or none of the parameters behind it."""
    found: Observables = {}
    asking = []
    for name in OUTPUTS:
        one, multiple = taken(raw, f"gradients of the {name}", 2, None)
        asks = taken(raw, f"whether it asks, behind the {name}", len(one))
        asking.append(float(len(asks) > 0 and bool((asks == 1).all())))
        expected = inputs["phase"] * one
        reached = (one > 0) & (np.abs(multiple - expected) <= 1e-3 * expected)
        share = 0.0 if not reached.any() else 1.0 if reached.all() else 0.5
        key = f"parameters that learn from the {name} (1: all it depends on, 0.5: some)"
        found[key] = np.array(share)
    names = ", ".join(OUTPUTS)
    found[f"whether all parameters behind {names} ask for a gradient"] = np.array(asking)
    return found
