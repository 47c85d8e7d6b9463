"""Exercise of 04_reinforce_vs_gae: two more Ψ of the GAE paper's eq. 1, handed in together."""

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
    discounts,
    inside_of,
    one_of_each,
    rollout,
    side_by_side,
)

NAMES = ("psi_total_return", "psi_baselined_return")

TOTAL_GOES_ON = Group("in psi_total_return while the episode goes on", 0.25)
TOTAL_ENDS = Group("in psi_total_return where an episode ends", 0.5)
BASELINED_GOES_ON = Group("in psi_baselined_return while the episode goes on", 0.25)
BASELINED_ENDS = Group("in psi_baselined_return where an episode ends", 0.5)
PARALLEL = Group("for several environments, (T, N)", 0.25)
ARGUMENTS = Group("for float32 arguments, which must stay as they are", 0.25)


def psi_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Rollouts that go on, end in every way, run in parallel and come in float32, for each Ψ."""
    for _ in range(n):
        steps = int(rng.integers(9, 13))
        inside = inside_of(rng, steps)
        for name, goes_on, ends in (
            (NAMES[0], TOTAL_GOES_ON, TOTAL_ENDS),
            (NAMES[1], BASELINED_GOES_ON, BASELINED_ENDS),
        ):
            for knobs in ({}, {"gamma": 0.0}, {"gamma": 1.0}):
                yield _case(name, goes_on, rng, rollout(rng, steps, {}), **knobs)
            yield _case(name, goes_on, rng, rollout(rng, 1, {}))
            for end in (inside, steps - 1):
                yield _case(name, ends, rng, rollout(rng, steps, {end: "terminated"}))
                yield _case(name, ends, rng, rollout(rng, steps, {end: "truncated"}))
            mixed = rollout(rng, steps, one_of_each(steps))
            yield _case(name, ends, rng, mixed)
            yield _case(name, PARALLEL, rng, side_by_side(rng, steps))
            yield _case(name, ARGUMENTS, rng, rollout(rng, steps, {}), layout="float32, strided")
            kept = {"layout": "float32, strided", "only_keep": True}
            yield _case(name, ARGUMENTS, rng, mixed, **kept)
            for arrays in (mixed, side_by_side(rng, steps)):
                yield _case(name, ARGUMENTS, rng, arrays, **{**kept, "layout": "float64"})


def _case(
    name: str, group: Group, rng: np.random.Generator, arrays: dict[str, NDArray], **rest: Any
) -> Case:
    return Case(group.name, {"which": name, **arrays, "gamma": discounts(rng)["gamma"], **rest})


def drive_psi(answer: Any, inputs: Inputs) -> Observables:
    """What one of the two functions gives for one rollout."""
    if type(answer) is not tuple or len(answer) != 2:
        raise Refused(f"pass both functions, in this order: ({', '.join(NAMES)})")
    which = inputs["which"]
    names = ("rewards", "values", "next_values", "terminated", "truncated")
    return call(answer[NAMES.index(which)], inputs, names, ("gamma",), which)


PSI_VARIANTS = Exercise(
    "psi_variants",
    NOTEBOOK,
    2.0,
    f"{PAPER}, eq. 1, items 1 and 3",
    (TOTAL_GOES_ON, TOTAL_ENDS, BASELINED_GOES_ON, BASELINED_ENDS, PARALLEL, ARGUMENTS),
    psi_cases,
    drive_psi,
    replaces={"td_residuals": rlcore.td_residuals, "gae": rlcore.gae},
    answer=f"({', '.join(NAMES)})",
)
