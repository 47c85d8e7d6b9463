"""Random rollouts for the exercises of 04: every one could have come out of an environment."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

NOTEBOOK = "04_reinforce_vs_gae"
PAPER = "Schulman et al. 2016, arXiv:1506.02438"

Ends = Mapping[int, str]
"""Time step → "terminated", "truncated" or "both"."""


def discounts(rng: np.random.Generator) -> dict[str, float]:
    """A γ and a λ that nobody can mistake for one another."""
    gamma, gae_lambda = rng.uniform(0.85, 0.98), rng.uniform(0.4, 0.75)
    return {"gamma": round(gamma, 2), "gae_lambda": round(gae_lambda, 2)}


def rollout(rng: np.random.Generator, steps: int, ends: Ends) -> dict[str, NDArray]:
    """A real rollout (T,): next_values[t] == values[t + 1] wherever the episode goes on."""
    rewards = rng.normal(0.0, 2.0, steps).round(2)
    values = rng.normal(1.0, 3.0, steps).round(2)
    next_values = np.append(values[1:], round(rng.normal(1.0, 3.0), 2))
    for t in ends:
        next_values[t] = round(rng.normal(1.0, 3.0), 2)
    return {
        "rewards": rewards,
        "values": values,
        "next_values": next_values,
        **end_flags(steps, ends),
    }


def end_flags(steps: int, ends: Ends) -> dict[str, NDArray]:
    """`terminated` and `truncated`, (T,) each."""
    kinds = [ends.get(t, "") for t in range(steps)]
    return {
        "terminated": np.array([kind in ("terminated", "both") for kind in kinds]),
        "truncated": np.array([kind in ("truncated", "both") for kind in kinds]),
    }


def inside_of(rng: np.random.Generator, steps: int) -> int:
    """A step with at least two steps before and two after it."""
    return int(rng.integers(2, steps - 2))


def one_of_each(steps: int) -> Ends:
    """All kinds of end in one rollout of at least 9 steps, which is then cut."""
    return {1: "terminated", 3: "truncated", 5: "both", steps - 2: "terminated"}


def side_by_side(rng: np.random.Generator, steps: int) -> dict[str, NDArray]:
    """A rollout (T, 3) of three environments whose episodes end in different ways."""
    columns = [
        rollout(rng, steps, {inside_of(rng, steps): "terminated"}),
        rollout(rng, steps, {inside_of(rng, steps): "truncated", steps - 1: "truncated"}),
        rollout(rng, steps, {1: "both", steps - 1: "terminated"}),
    ]
    return {key: np.stack([column[key] for column in columns], axis=1) for key in columns[0]}
