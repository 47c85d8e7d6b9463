"""Exercises of 04_reinforce_vs_gae: TD residuals, GAE, and the transform that uses them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import rlcore
from grader.exercise import Case, Exercise, Group, Inputs, Observables, Refused
from grader.exercises.calling import call
from grader.exercises.rollouts import (
    NOTEBOOK,
    PAPER,
    Ends,
    discounts,
    end_flags,
    inside_of,
    one_of_each,
    rollout,
    side_by_side,
)
from grader.plain import plain

GOES_ON = Group("while the episode goes on", 1.5)
TERMINATES = Group("where an episode terminates", 1.0)
TRUNCATED = Group("where an episode is truncated", 1.0)
PARALLEL = Group("for several environments, (T, N)", 1.0)
ARGUMENTS = Group("for float32 arguments, which must stay as they are", 0.5)

TD_GOES_ON = Group("while the episode goes on", 0.75)
TD_ENDS = Group("where an episode ends", 0.75)
TD_PARALLEL = Group("for several environments, (T, N)", 0.25)
TD_ARGUMENTS = Group("for float32 arguments, which must stay as they are", 0.25)

ADVANTAGES_GO_ON = Group("in the advantages while the episode goes on", 1.0)
ADVANTAGES_END = Group("in the advantages where an episode ends", 1.0)
TARGETS = Group("in the value targets", 0.5)
REST = Group("with the defaults γ = 0.99, λ = 0.95, or in the rest of the trajectory", 0.5)


def gae_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Rollouts that go on, end in every way, run in parallel and come in float32."""
    for _ in range(n):
        steps = int(rng.integers(9, 13))
        inside = inside_of(rng, steps)
        both = {inside: "both"}
        for knobs in ({}, {"gae_lambda": 0.0}, {"gae_lambda": 1.0}, {"gamma": 0.0}):
            yield _case(GOES_ON, rollout(rng, steps, {}), **(discounts(rng) | knobs))
        yield _case(GOES_ON, rollout(rng, 1, {}), **discounts(rng))
        yield _case(TERMINATES, rollout(rng, steps, {inside: "terminated"}), **discounts(rng))
        yield _case(TERMINATES, rollout(rng, steps, {steps - 1: "terminated"}), **discounts(rng))
        yield _case(TERMINATES, rollout(rng, steps, both), **discounts(rng))
        yield _case(TRUNCATED, rollout(rng, steps, {inside: "truncated"}), **discounts(rng))
        yield _case(TRUNCATED, rollout(rng, steps, {steps - 1: "truncated"}), **discounts(rng))
        yield _case(PARALLEL, side_by_side(rng, steps), **discounts(rng))
        mixed = rollout(rng, steps, one_of_each(steps))
        one = {key: column[:, None] for key, column in mixed.items()}
        yield _case(PARALLEL, one, **discounts(rng))
        plain_column = rollout(rng, steps, {})
        yield _case(ARGUMENTS, plain_column, layout="float32, strided", **discounts(rng))
        yield _case(ARGUMENTS, mixed, layout="float32, strided", only_keep=True, **discounts(rng))
        for arrays in (mixed, side_by_side(rng, steps)):
            yield _case(ARGUMENTS, arrays, layout="float64", only_keep=True, **discounts(rng))


def td_residuals_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """The rollouts of `gae_cases`, without λ."""
    for _ in range(n):
        steps = int(rng.integers(9, 13))
        for knobs in ({}, {"gamma": 0.0}):
            gamma = (discounts(rng) | knobs)["gamma"]
            yield _case(TD_GOES_ON, rollout(rng, steps, {}), gamma=gamma)
        yield _case(TD_GOES_ON, rollout(rng, 1, {}), gamma=discounts(rng)["gamma"])
        for ends in (one_of_each(steps), {steps - 1: "terminated"}, {steps - 1: "truncated"}):
            yield _case(TD_ENDS, rollout(rng, steps, ends), gamma=discounts(rng)["gamma"])
        gamma = discounts(rng)["gamma"]
        yield _case(TD_PARALLEL, side_by_side(rng, steps), gamma=gamma)
        plain_column = rollout(rng, steps, {})
        mixed = rollout(rng, steps, one_of_each(steps))
        for column, rest in ((plain_column, {}), (mixed, {"only_keep": True})):
            yield _case(TD_ARGUMENTS, column, layout="float32, strided", gamma=gamma, **rest)
        for arrays in (mixed, side_by_side(rng, steps)):
            yield _case(TD_ARGUMENTS, arrays, layout="float64", gamma=gamma, only_keep=True)


def _case(group: Group, arrays: dict[str, NDArray], **rest: Any) -> Case:
    return Case(group.name, {**arrays, **rest})


def drive_gae(answer: Any, inputs: Inputs) -> Observables:
    """Advantages of one rollout."""
    names = ("rewards", "values", "next_values", "terminated", "truncated")
    return call(answer, inputs, names, ("gamma", "gae_lambda"), "advantages")


def drive_td_residuals(answer: Any, inputs: Inputs) -> Observables:
    """TD residuals of one rollout."""
    names = ("rewards", "values", "next_values", "terminated")
    return call(answer, inputs, names, ("gamma",), "residuals")


def gae_transform_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Trajectories of one environment as a runner hands them to its transforms."""
    for _ in range(n):
        steps = int(rng.integers(9, 13))
        inside = inside_of(rng, steps)
        knobs = discounts(rng)
        yield _trajectory(rng, ADVANTAGES_GO_ON, steps, {}, **knobs)
        yield _trajectory(rng, ADVANTAGES_GO_ON, 1, {}, **knobs)
        yield _trajectory(rng, ADVANTAGES_GO_ON, steps, {}, dtype="float32", **knobs)
        for end in (inside, steps - 1):
            yield _trajectory(rng, ADVANTAGES_END, steps, {end: "terminated"}, **knobs)
            yield _trajectory(rng, ADVANTAGES_END, steps, {end: "truncated"}, **knobs)
        yield _trajectory(rng, ADVANTAGES_END, steps, one_of_each(steps), **knobs)
        for ends in ({}, one_of_each(steps)):
            yield _trajectory(rng, TARGETS, steps, ends, observe="value_targets", **knobs)
        yield _trajectory(rng, REST, steps, {inside: "terminated"})
        for ends in (one_of_each(steps), {inside: "truncated", steps - 1: "truncated"}):
            yield _trajectory(rng, REST, steps, ends, observe="the rest", **knobs)


def _trajectory(
    rng: np.random.Generator, group: Group, steps: int, ends: Ends, **knobs: Any
) -> Case:
    observations = rng.normal(size=(steps, 3)).round(2)
    next_observations = np.vstack([observations[1:], rng.normal(size=(1, 3)).round(2)])
    for t in ends:
        next_observations[t] = rng.normal(size=3).round(2)
    reset = rng.normal(size=3).round(2)
    inputs = {
        "observations": observations,
        "next_observations": next_observations,
        "last_observation": reset if steps - 1 in ends else next_observations[-1],
        "rewards": rng.normal(0.0, 2.0, steps).round(2),
        "weights": rng.normal(0.0, 3.0, 3).round(2),
        **end_flags(steps, ends),
    }
    return Case(group.name, {"observe": "advantages", **inputs, **knobs})


class LinearPolicy:
    """A policy whose value is a weighted sum of the observation; it always takes action 0."""

    def __init__(self, weights: NDArray, dtype: str) -> None:
        self.weights, self.dtype = weights, dtype

    def act(self, observations: NDArray, training: bool = False) -> dict[str, NDArray]:
        """`actions`, `log_probs` and `values`, each () for (obs,) and (B,) for (B, obs)."""
        observations = np.asarray(observations, dtype=np.float64)
        if observations.ndim not in (1, 2) or observations.shape[-1] != len(self.weights):
            raise Refused(
                f"it calls policy.act on observations of shape {observations.shape}; "
                f"policy.act takes ({len(self.weights)},) or (B, {len(self.weights)}) here"
            )
        values = np.asarray(observations @ self.weights + 1.0, dtype=self.dtype)
        nothing = np.zeros(values.shape, dtype=self.dtype)
        return {"actions": nothing.astype(np.int64), "log_probs": nothing, "values": values}


def drive_gae_transform(answer: Any, inputs: Inputs) -> Observables:
    """What the transform adds to one trajectory."""
    if not isinstance(answer, type):
        raise Refused("pass the class GAE itself, not an instance of it")
    policy = LinearPolicy(inputs["weights"], inputs.get("dtype", "float64"))
    knobs = {knob: inputs[knob] for knob in ("gamma", "gae_lambda") if knob in inputs}
    trajectory = {
        "observations": inputs["observations"].copy(),
        **policy.act(inputs["observations"]),
        **{
            key: inputs[key].copy()
            for key in ("rewards", "terminated", "truncated", "next_observations")
        },
    }
    before = {key: value.copy() for key, value in trajectory.items()}
    last_observation = inputs["last_observation"].copy()
    transform: Any = answer(policy, **knobs)
    transform(trajectory, last_observation)
    for key in ("advantages", "value_targets"):
        if key not in trajectory:
            raise Refused(f"the trajectory has no {key!r} after the call; add it in place")
    observe = inputs["observe"]
    if observe == "the rest":
        _check_kept(trajectory, before)
        if not np.array_equal(last_observation, inputs["last_observation"]):
            raise Refused("it changes last_observation; work on a copy")
        return {}
    return {observe: plain(trajectory[observe], f"trajectory[{observe!r}]")}


def _check_kept(trajectory: dict[str, Any], before: dict[str, NDArray]) -> None:
    for key, value in before.items():
        if key not in trajectory or not np.array_equal(trajectory[key], value):
            raise Refused(f"it changes trajectory[{key!r}]; only add the two new keys")


TD_RESIDUALS = Exercise(
    "td_residuals",
    NOTEBOOK,
    2.0,
    f"{PAPER}, section 3",
    (TD_GOES_ON, TD_ENDS, TD_PARALLEL, TD_ARGUMENTS),
    td_residuals_cases,
    drive_td_residuals,
    yours=("td_residuals",),
)
GAE = Exercise(
    "gae",
    NOTEBOOK,
    5.0,
    f"{PAPER}, eq. 16",
    (GOES_ON, TERMINATES, TRUNCATED, PARALLEL, ARGUMENTS),
    gae_cases,
    drive_gae,
    replaces={"td_residuals": rlcore.td_residuals},
    yours=("gae",),
)
GAE_TRANSFORM = Exercise(
    "gae_transform",
    NOTEBOOK,
    3.0,
    f"{PAPER}, section 6.1; value targets Â + V in place of section 5's discounted returns",
    (ADVANTAGES_GO_ON, ADVANTAGES_END, TARGETS, REST),
    gae_transform_cases,
    drive_gae_transform,
    replaces={"td_residuals": rlcore.td_residuals, "gae": rlcore.gae},
    yours=("GAE",),
    answer="GAE",
)
