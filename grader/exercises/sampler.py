"""Exercise of 06_ppo_continuous_control: minibatches, seen through the rows they hold."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from grader.exercise import Case, Exercise, Group, Inputs, Observables, Refused
from grader.exercises.sampler_parts import (
    KEYS,
    NOT_IN_TIME,
    ROLLOUT,
    Minibatch,
    Runner,
    Transform,
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
        yield _case(TIMELESS, rng, {**even, "timeless": True}, "timeless")
        large = {"rows": 16 * parts, "num_minibatches": 16, "calls": 2}
        yield _case(SHUFFLED, rng, {**even, **large}, "order")
        yield _case(ROLLOUTS, rng, {**even, "num_epochs": 2, "calls": 3}, "rollouts")
        yield _case(TRANSFORMED, rng, {**uneven, "transforms": "scale, shift"}, "transforms")
        yield _case(UNHARMED, rng, {**even, "transforms": "in place"}, "harm")
        yield _case(UNHARMED, rng, {**even, "transforms": "in place", "num_epochs": 1}, "harm")


def _case(group: Group, rng: np.random.Generator, inputs: Inputs, observe: str) -> Case:
    return Case(group.name, {"seed": int(rng.integers(2**31)), **inputs, "observe": observe})


Call = list[Minibatch]
Found = Mapping[str, float]


@dataclass(frozen=True)
class Seen:
    """What was seen while an answer was driven: its calls of get_next, and who was asked for what.

    `record` has an entry for each call of a transform: which, rows, arguments, numpy or not.
    """

    inputs: Inputs
    calls: list[Call]
    runner: Runner
    record: list[tuple[str, int, int, bool]]

    @property
    def first(self) -> Call:
        """The minibatches of the first call."""
        return self.calls[0]

    def epochs(self, call: Call) -> list[Call]:
        """The minibatches of a call, num_minibatches at a time."""
        size = self.inputs["num_minibatches"]
        return [call[i : i + size] for i in range(0, len(call), size)]


def drive_sampler(answer: Any, inputs: Inputs) -> Observables:
    """What comes out of a few calls of get_next, none of it a matter of chance."""
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
    seen = Seen(inputs, calls, runner, record)
    found = {}
    for part in inputs["observe"].split(", "):
        found |= _LOOKS[part](seen)
    return {name: np.array(float(number)) for name, number in found.items()}


def _collect(sampler: Any, inputs: Inputs) -> Call:
    """Everything that one call of get_next gives."""
    given = sampler.get_next()
    if isinstance(given, dict) or not isinstance(given, Iterable):
        came = "None" if given is None else f"a {type(given).__name__}"
        raise Refused(f"get_next() gives {came}; yield dicts one by one, or return a list of them")
    most = inputs["num_epochs"] * (inputs["rows"] + inputs["num_minibatches"])
    found = [Minibatch(batch) for batch in islice(given, most + 1)]
    if len(found) > most:
        raise Refused(f"get_next() does not end: more than {most} minibatches came")
    return found


def _count(seen: Seen) -> Found:
    sizes = [len(batch.rows) for batch in seen.first]
    return {
        "number of minibatches": len(sizes),
        "rows in the smallest minibatch": min(sizes, default=0),
        "rows in the largest minibatch": max(sizes, default=0),
    }


def _rows(seen: Seen) -> Found:
    wanted = Counter(range(seen.inputs["rows"]))
    held = [
        Counter(row for batch in epoch for row in batch.in_rollout)
        for epoch in seen.epochs(seen.first)
    ]
    return {
        "epochs in which not every row comes exactly once": sum(rows != wanted for rows in held),
    }


def _together(seen: Seen) -> Found:
    """In minibatches so large that, drawn with replacement, some rows would come twice."""
    twice = [len(set(batch.in_rollout)) < len(batch.rows) for batch in seen.first]
    return {
        "some minibatch holds a row twice (1: yes, 0: no)": any(twice),
        "the rows of all keys belong together (1: yes, 0: no)": all(b.aligned for b in seen.first),
    }


def _keys(seen: Seen) -> Found:
    return {
        f"minibatches without {key!r}": sum(key not in batch.held for batch in seen.first)
        for key in KEYS
    }


def _timeless(seen: Seen) -> Found:
    return {
        f"minibatches with {key!r}, which has no time axis": sum(
            key in batch.held for batch in seen.first
        )
        for key in NOT_IN_TIME
    }


def _order(seen: Seen) -> Found:
    dealt = [
        [frozenset(frozenset(b.in_rollout) for b in epoch) for epoch in seen.epochs(call)]
        for call in seen.calls
    ]
    together = [one for call in dealt for one in call]
    again = "epochs whose minibatches hold the same rows as those of an earlier epoch"
    wanted = list(range(seen.inputs["rows"]))
    return {
        "epochs whose rows come in the order of the trajectory": sum(
            [row for batch in epoch for row in batch.in_rollout] == wanted
            for epoch in seen.epochs(seen.first)
        ),
        "epochs whose minibatches are runs of neighbouring rows": sum(
            all(batch.is_run for batch in epoch) for epoch in seen.epochs(seen.first)
        ),
        f"{again}, in one call": len(dealt[0]) - len(set(dealt[0])),
        f"{again}, in two calls": len(together) - len(set(together)),
    }


def _rollouts(seen: Seen) -> Found:
    found = {"calls of runner.get_next() in three calls of get_next()": len(seen.runner.given)}
    for k, word in enumerate(("first", "second", "third")):
        others = [(batch.rows // ROLLOUT != k + 1).any() for batch in seen.calls[k]]
        found[f"minibatches of the {word} call with rows of another rollout"] = sum(others)
    return found


def _transforms(seen: Seen) -> Found:
    sizes = [rows for _, rows, _, _ in seen.record]
    given = [arguments for _, _, arguments, _ in seen.record]
    others = [not numpy for name, _, _, numpy in seen.record if name == "scale"]
    return {
        "calls of the two transforms": len(seen.record),
        "arguments that a transform is called with": max(given, default=0),
        "most rows that a transform is given": max(sizes, default=0),
        "minibatches that are not all numpy when the first transform gets them": sum(others),
        "minibatches whose advantages come out as they went in": sum(
            batch.has_advantages(1.0, 0.0) for batch in seen.first
        ),
        "minibatches that come as the first and then the second transform leave them": sum(
            batch.has_advantages(2.0, 1.0) for batch in seen.first
        ),
    }


def _harm(seen: Seen) -> Found:
    now, before = seen.runner.given[0], seen.runner.kept[0]
    changed = [not np.array_equal(now[key], before[key]) for key in before if key in now]
    return {
        "arrays of the trajectory that hold other numbers afterwards": sum(changed),
        "keys that the trajectory has gained or lost": len(now.keys() ^ before.keys()),
    }


_LOOKS = {
    "count": _count,
    "rows": _rows,
    "together": _together,
    "keys": _keys,
    "timeless": _timeless,
    "order": _order,
    "rollouts": _rollouts,
    "transforms": _transforms,
    "harm": _harm,
}

SAMPLER = Exercise(
    "sampler",
    "06_ppo_continuous_control",
    4.0,
    "Schulman et al. 2017, arXiv:1707.06347, algorithm 1: K epochs of minibatches of size M ≤ NT",
    (COUNT, UNEVEN, ROWS, TIMELESS, SHUFFLED, ROLLOUTS, TRANSFORMED, UNHARMED),
    sampler_cases,
    drive_sampler,
    answer="Sampler",
)
