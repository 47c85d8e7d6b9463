"""Exercise of 06_ppo_continuous_control: minibatches, seen through the rows they hold."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from grader.exercise import Case, Exercise, Group, Inputs, Observables, Refused
from grader.exercises.sampler_facts import sampler_facts
from grader.exercises.sampler_parts import (
    KEYS,
    MOST_ROWS,
    NOT_IN_TIME,
    Minibatch,
    Runner,
    Transform,
    digests,
    seeded,
)

COUNT = Group("in how many minibatches come, and of what size", 0.5)
UNEVEN = Group("where num_minibatches does not divide the number of rows", 0.5)
ROWS = Group("in the rows that the minibatches hold", 0.75)
TIMELESS = Group("where keys of the trajectory have no time axis", 0.25)
SHUFFLED = Group("in the order of the rows", 0.5)
ROLLOUTS = Group("in which rollouts it takes from the runner", 0.5)
TRANSFORMED = Group("in what the transforms are given, and what becomes of it", 0.5)
UNHARMED = Group("in the trajectory, which must stay as it is", 0.5)


def sampler_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Rollouts that can and cannot be dealt out evenly, large enough that no order comes twice."""
    for _ in range(n):
        parts = int(rng.integers(3, 6))
        epochs = parts + int(rng.integers(1, 3))
        even = {"rows": 12 * parts, "num_epochs": epochs, "num_minibatches": parts}
        uneven = {**even, "rows": 9 * parts - 2}
        yield _case(COUNT, rng, even, "count")
        yield _case(COUNT, rng, {**even, "num_epochs": 1, "transforms": None}, "count")
        yield _case(COUNT, rng, {**even, "num_minibatches": 1}, "count")
        yield _case(COUNT, rng, {"rows": 17, "num_epochs": 2, "num_minibatches": 17}, "count")
        yield _case(UNEVEN, rng, uneven, "count, rows")
        yield _case(UNEVEN, rng, {**uneven, "rows": 2 * parts - 1, "num_epochs": 2}, "count")
        yield _case(ROWS, rng, {**even, "rows": 24 * parts}, "rows, together, keys")
        yield _case(ROWS, rng, {"rows": 17, "num_epochs": 2, "num_minibatches": 17}, "rows, keys")
        yield _case(TIMELESS, rng, {**even, "timeless": True}, "timeless, gone")
        large = {"rows": 16 * parts, "num_minibatches": 16, "calls": 2}
        yield _case(SHUFFLED, rng, {**even, **large}, "order")
        yield _case(ROLLOUTS, rng, {**even, "num_epochs": 2, "calls": 3}, "rollouts")
        yield _case(TRANSFORMED, rng, {**uneven, "transforms": "scale, shift"}, "transforms")
        yield _case(UNHARMED, rng, {**even, "transforms": "in place"}, "harm")
        yield _case(UNHARMED, rng, {**even, "transforms": "in place", "num_epochs": 1}, "harm")


def _case(group: Group, rng: np.random.Generator, inputs: Inputs, observe: str) -> Case:
    return Case(group.name, {"seed": int(rng.integers(2**31)), **inputs, "observe": observe})


def drive_sampler(answer: Any, inputs: Inputs) -> Observables:
    """What came out of a few calls of get_next, number by number; what it says is for the facts."""
    if not isinstance(answer, type):
        raise Refused("pass the class Sampler itself, not an instance of it")
    runner, record = Runner(inputs), []
    kinds = inputs.get("transforms", "")
    knobs = {knob: inputs[knob] for knob in ("num_epochs", "num_minibatches")}
    if kinds != "":  # without any, the argument is left out
        names = kinds.split(", ") if kinds else []
        knobs["transforms"] = [Transform(name, record) for name in names] or None
    with seeded(inputs["seed"]):
        sampler: Any = answer(runner, **knobs)
        calls = [_collect(sampler, inputs) for _ in range(inputs.get("calls", 1))]
    if not runner.given:
        raise Refused("it never calls runner.get_next()")
    found = {"rollouts": np.array(float(len(runner.given)))}
    found |= {"record": np.array(record, dtype=np.float64).reshape(-1, 3)}
    if "harm" in inputs["observe"] or "gone" in inputs["observe"]:
        found |= _afterwards(runner.given[0], inputs)
    for number, call in enumerate(calls):
        found |= {f"{name} {number}": array for name, array in _raw(call, inputs).items()}
    return found


def _collect(sampler: Any, inputs: Inputs) -> list[Minibatch]:
    """Everything that one call of get_next gives."""
    given = sampler.get_next()
    if isinstance(given, dict) or not isinstance(given, Iterable):
        came = "None" if given is None else f"a {type(given).__name__}"
        raise Refused(f"get_next() gives {came}; yield dicts one by one, or return a list of them")
    most = inputs["num_epochs"] * (inputs["rows"] + inputs["num_minibatches"])
    found = [Minibatch(batch) for batch in islice(given, most + 1)]
    if not found:
        raise Refused("get_next() gives no minibatch at all")
    if len(found) > most:
        raise Refused(f"get_next() does not end: more than {most} minibatches came")
    if sum(len(batch.rows) for batch in found) > MOST_ROWS:
        raise Refused(f"get_next() gives more than {MOST_ROWS} rows")
    return found


def _raw(call: list[Minibatch], inputs: Inputs) -> Observables:
    """The minibatches of one call: their sizes, keys, and all of their rows, one below another."""
    found = {
        "sizes": np.array([len(batch.rows) for batch in call], dtype=np.float64),
        "rows": np.concatenate([np.zeros(0), *(batch.rows for batch in call)]),
    }
    if any(look in inputs["observe"] for look in ("together", "keys", "timeless")):
        found["keys"] = np.array([batch.flags for batch in call], dtype=np.float64)
    if "together" in inputs["observe"]:
        held = [digests(inputs, batch.held, len(batch.rows)) for batch in call]
        found["digests"] = np.concatenate([np.zeros((0, len(KEYS))), *held])
    if "transforms" in inputs["observe"]:
        found["advantages"] = np.concatenate([np.zeros(0), *(b.advantages for b in call)])
    return found


def _afterwards(trajectory: dict[str, Any], inputs: Inputs) -> Observables:
    """What the first rollout holds when all is over."""
    rest = [repr(trajectory.get(key)) == repr(value) for key, value in NOT_IN_TIME.items()]
    there = [key in trajectory for key in (*KEYS, *NOT_IN_TIME)]
    new = trajectory.keys() - {*KEYS, *NOT_IN_TIME}
    return {
        "rollout": digests(inputs, trajectory, inputs["rows"]),
        "rollout's keys": np.array([*there, len(new)], dtype=np.float64),
        "rollout's rest": np.array(rest, dtype=np.float64),
    }


SAMPLER = Exercise(
    "sampler",
    "06_ppo_continuous_control",
    4.0,
    "Schulman et al. 2017, arXiv:1707.06347, algorithm 1: K epochs of minibatches of size M ≤ NT",
    (COUNT, UNEVEN, ROWS, TIMELESS, SHUFFLED, ROLLOUTS, TRANSFORMED, UNHARMED),
    sampler_cases,
    drive_sampler,
    facts=sampler_facts,
    answer="Sampler",
)
