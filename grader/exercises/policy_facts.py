"""What is judged of a policy: what is not random in what its driver collected.

Shapes; which law the log-probabilities follow in the very actions returned; which power of the
variance their spread is.
"""

import numpy as np

from grader.exercise import Inputs, Observables, Refused
from grader.exercises.densities import bell, close, law, log_density, roughly, spread
from grader.exercises.raw import Array, any_shape, taken

COLLECTED = ("actions", "log_probs", "values")
AGAIN = 64  # rows of a second call


def observations(inputs: Inputs) -> Array:
    """What a policy is given: many rows, one, or many equal ones."""
    one = inputs["observations"].astype(inputs["dtype"])
    return np.tile(one, (inputs["copies"], 1)) if "copies" in inputs else one


def _normal(inputs: Inputs) -> tuple[Array, Array]:
    """The mean (B, A) and the variance (A,) that the stand-in model gives."""
    mean = observations(inputs) @ inputs["weights"].T + inputs["offset"]
    return mean, inputs["spread"]


def _actions(raw: Observables, name: str, mean: Array) -> Array:
    """The actions in the shape of the mean, since a shape is another group's; else the mean."""
    actions = any_shape(raw, name)
    return actions.reshape(mean.shape) if actions.size == mean.size else mean


def collected(inputs: Inputs, raw: Observables) -> Observables:
    """Types and shapes of what is collected, and the values in numbers."""
    there, arrays, graphs = taken(raw, "kinds", len(COLLECTED), 3).T
    return {
        "whether actions, log_probs and values are there": there,
        "whether actions, log_probs and values are numpy arrays of floats": arrays,
        "whether actions, log_probs and values carry a graph": graphs,
        "actions": np.zeros_like(any_shape(raw, "actions")),
        "log_probs": np.zeros_like(any_shape(raw, "log_probs")),
        "values": any_shape(raw, "values"),
    }


def given(inputs: Inputs, raw: Observables) -> Observables:
    """The precision in which the model gets the observations."""
    wanted = np.atleast_2d(observations(inputs))
    rows = taken(raw, "rows", None, wanted.shape[1])
    near = np.abs(rows[:, None] - wanted) <= 0.02 + 0.02 * np.abs(wanted)
    if not near.all(-1).any(0).all():
        raise Refused("the model is given other numbers than the observations")
    return {"bits per number of what the model is given": taken(raw, "bits")}


def drawn(inputs: Inputs, raw: Observables) -> Observables:
    """The law of the actions of thousands of equal rows; far from zero, of few."""
    mean, variance = _normal(inputs)
    actions = _actions(raw, "actions", mean)
    if "single" in inputs:
        around, wide = roughly(actions, mean, variance)
        return {
            "whether actions for one observation, call by call, are about as wide as σ": wide,
            "whether actions for one observation, call by call, lie about their mean": around,
        }
    if "far" in inputs:
        return {"average action, rounded": np.round(actions.mean(0))}
    again = _actions(raw, "again", mean[:AGAIN])
    noise, power, alike = spread(actions, mean, variance)
    wide, shaped = bell(actions, mean, variance)
    rows, calls = np.ptp(actions, axis=0).max() > 0, not np.array_equal(actions[:AGAIN], again)
    return {
        "whether rows of equal observations get different actions": np.array(float(rows)),
        "whether a second call gives other actions": np.array(float(calls)),
        "standard deviation of the actions, as a power of the variance": power,
        "average action less the mean, in units of σ": noise,
        "correlation of every pair of action dimensions": alike,
        "whether the standard deviation of the actions is σ, up to chance": wide,
        "whether the actions lie around their mean as a bell's do, up to chance": shaped,
    }


def dense(inputs: Inputs, raw: Observables) -> Observables:
    """The law that log_probs follow in the actions returned; far from zero, whether it holds."""
    mean, variance = _normal(inputs)
    actions, log_probs = _actions(raw, "actions", mean), any_shape(raw, "log_probs")
    if log_probs.size == len(mean):  # a shape is another group's
        log_probs = log_probs.reshape(-1)
    if "far" in inputs:
        right = log_density(actions, mean, variance)
        holds = log_probs.shape == right.shape and close(log_probs, right)
        return {"whether log_probs are those of the actions returned": np.array(float(holds))}
    follows, weights, height = law(log_probs, actions, mean, variance)
    how = "log_probs, call by call for one observation," if "single" in inputs else "log_probs"
    return {
        f"whether {how} follow from the actions returned": np.array(follows),
        f"1 / variance by which {how} fall with an action's squared distance": weights,
        f"{how} of an action at the mean": np.array(height),
    }
