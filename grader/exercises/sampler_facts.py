"""The facts of `sampler`: what the minibatches of an answer show that is no matter of chance.

They are worked out where no answer runs, from row numbers, digests and counts alone.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from grader.exercise import Inputs, Observables, Refused
from grader.exercises.sampler_mixing import mixed
from grader.exercises.sampler_parts import KEYS, MOST_ROWS, NOT_IN_TIME, ROLLOUT, digests, rows_of
from grader.exercises.sampler_parts import make_trajectory as right_of

Found = Mapping[str, float]
YES = "(1: yes, 0: no)"


def sampler_facts(inputs: Inputs, raw: Observables) -> Observables:
    """The facts that a case asks for.

    Raises:
        Refused: the arrays are none that a run of an answer could give.
    """
    seen = Seen(inputs, raw, tuple(read(inputs, raw, c) for c in range(inputs.get("calls", 1))))
    found = dict(_whole(seen))
    for part in inputs["observe"].split(", "):
        found |= _LOOKS[part](seen)
    return {name: np.array(float(number)) for name, number in found.items()}


@dataclass(frozen=True)
class Call:
    """The minibatches of one call of get_next.

    Args:
        rows: of every minibatch the numbers of its rows, (B,) each.
        per_epoch: minibatches that are wanted in an epoch.
    """

    rows: tuple[NDArray[np.int64], ...]
    per_epoch: int

    @property
    def in_rollout(self) -> list[list[int]]:
        """The numbers that the rows of each minibatch have in their rollout."""
        return [(rows % ROLLOUT).tolist() for rows in self.rows]

    @cached_property
    def epochs(self) -> list[list[list[int]]]:
        """The minibatches, an epoch at a time."""
        held, size = self.in_rollout, self.per_epoch
        return [held[i : i + size] for i in range(0, len(held), size)]


@dataclass(frozen=True)
class Seen:
    """All that was seen of an answer."""

    inputs: Inputs
    raw: Observables
    calls: tuple[Call, ...]

    def array(self, name: str, *shape: int) -> NDArray[np.float64]:
        """One of the arrays, of this shape."""
        array = self.raw.get(name)
        if array is None or array.shape != shape:
            raise Refused(f"what it gave cannot be read: {name}")
        return array

    @property
    def keys(self) -> NDArray[np.bool_]:
        """(minibatches, K), which keys the minibatches of the first call hold."""
        return self.array("keys 0", len(self.first.rows), len(KEYS) + len(NOT_IN_TIME)) > 0

    @property
    def first(self) -> Call:
        """The minibatches of the first call."""
        return self.calls[0]

    @property
    def all_rows(self) -> NDArray[np.int64]:
        """The rows of the first call, one below another."""
        return np.concatenate(self.first.rows)

    def by_minibatch(self, right: NDArray[np.bool_]) -> int:
        """In how many minibatches of the first call all rows are right."""
        sizes = [len(rows) for rows in self.first.rows]
        return sum(bool(one.all()) for one in np.split(right, np.cumsum(sizes)[:-1]))


def read(inputs: Inputs, raw: Observables, number: int) -> Call:
    """One call's minibatches, out of the arrays.

    Raises:
        Refused: they do not fit together.
    """
    sizes, rows = raw.get(f"sizes {number}"), raw.get(f"rows {number}")
    if sizes is None or rows is None or sizes.ndim != 1 or rows.ndim != 1 or not sizes.size:
        raise Refused("what it gave cannot be read: there are no minibatches")
    whole = len(rows) <= MOST_ROWS and all(
        (np.isfinite(a) & (a == np.rint(a)) & (np.abs(a) < 1e12)).all() for a in (sizes, rows)
    )
    if not whole or (sizes < 0).any() or sizes.sum() != len(rows):
        raise Refused("what it gave cannot be read: sizes and rows do not fit together")
    parts = np.split(rows.astype(np.int64), np.cumsum(sizes.astype(np.int64))[:-1])
    return Call(tuple(parts), inputs["num_minibatches"])


def _whole(seen: Seen) -> Found:
    """Whether there is something to judge: of next to nothing nothing would be wrong."""
    parts, rows = seen.inputs["num_minibatches"], seen.inputs["rows"]
    enough = [
        len(call.rows) >= parts
        and all(len(one) for one in call.rows)
        and sum(map(len, call.rows)) > rows - parts
        for call in seen.calls
    ]
    return {f"every call gives at least the minibatches of one epoch {YES}": all(enough)}


def _count(seen: Seen) -> Found:
    sizes = [len(rows) for rows in seen.first.rows]
    return {
        "number of minibatches": len(sizes),
        "rows in the smallest minibatch": min(sizes),
        "rows in the largest minibatch": max(sizes),
    }


def _rows(seen: Seen) -> Found:
    wanted = Counter(range(seen.inputs["rows"]))
    held = [Counter(chain(*epoch)) for epoch in seen.first.epochs]
    return {
        "epochs in which not every row comes exactly once": sum(rows != wanted for rows in held),
    }


def _together(seen: Seen) -> Found:
    """In minibatches so large that, drawn with replacement, some rows would come twice."""
    twice = [len(set(batch)) < len(batch) for batch in seen.first.in_rollout]
    rows = seen.all_rows
    right = digests(seen.inputs, right_of(rows), len(rows))
    wanted = np.repeat(seen.keys[:, : len(KEYS)], [len(one) for one in seen.first.rows], axis=0)
    aligned = (seen.array("digests 0", *right.shape) == right) | ~wanted
    return {
        f"some minibatch holds a row twice {YES}": any(twice),
        f"the rows of all keys belong together {YES}": aligned.all(),
    }


def _keys(seen: Seen) -> Found:
    missing = (~seen.keys).sum(axis=0)
    return {f"minibatches without {key!r}": missing[k] for k, key in enumerate(KEYS)}


def _timeless(seen: Seen) -> Found:
    held = seen.keys.sum(axis=0)[len(KEYS) :]
    name = "minibatches with {!r}, which has no time axis"
    return {name.format(key): held[k] for k, key in enumerate(NOT_IN_TIME)}


def _order(seen: Seen) -> Found:
    dealt = [
        [frozenset(frozenset(batch) for batch in epoch) for epoch in call.epochs]
        for call in seen.calls
    ]
    together = [one for call in dealt for one in call]
    again = "epochs whose minibatches hold the same rows as those of an earlier epoch"
    wanted, epochs = list(range(seen.inputs["rows"])), seen.first.epochs
    return {
        "epochs that come, not counting more than are wanted": min(
            len(epochs), seen.inputs["num_epochs"]
        ),
        "epochs whose rows come in the order of the trajectory": sum(
            list(chain(*epoch)) == wanted for epoch in epochs
        ),
        "epochs whose minibatches are runs of neighbouring rows": sum(
            all(len(batch) == np.ptp(batch) + 1 for batch in epoch if batch) for epoch in epochs
        ),
        f"{again}, in one call": len(dealt[0]) - len(set(dealt[0])),
        f"{again}, in two calls": len(together) - len(set(together)),
        **mixed(seen.inputs["rows"], [epoch for call in seen.calls for epoch in call.epochs]),
    }


def _rollouts(seen: Seen) -> Found:
    asked = seen.array("rollouts").item()
    found = {"calls of runner.get_next() in three calls of get_next()": asked}
    for k, word in enumerate(("first", "second", "third")):
        others = [(rows // ROLLOUT != k + 1).any() for rows in seen.calls[k].rows]
        found[f"minibatches of the {word} call with rows of another rollout"] = sum(others)
    return found


def _transforms(seen: Seen) -> Found:
    record = seen.raw.get("record", np.zeros(0))
    if record.ndim != 2 or record.shape[1] != 3:
        raise Refused("what it gave cannot be read: the record of the transforms")
    sizes, given, numpy = record.T
    rows = seen.all_rows
    right = right_of(rows)["advantages"]
    advantages = seen.array("advantages 0", len(rows))
    return {
        "calls of the two transforms": len(record),
        "arguments that a transform is called with": given.max(initial=0),
        "most rows that a transform is given": sizes.max(initial=0),
        "minibatches that are not all numpy when the first transform gets them": (numpy == 0).sum(),
        "minibatches whose advantages come out as they went in": seen.by_minibatch(
            advantages == right
        ),
        "minibatches that come as the first and then the second transform leave them": (
            seen.by_minibatch(advantages == 2.0 * right + 1.0)
        ),
    }


def _harm(seen: Seen) -> Found:
    before = digests(seen.inputs, right_of(rows_of(seen.inputs, 0)), seen.inputs["rows"])
    there = seen.array("rollout's keys", len(KEYS) + len(NOT_IN_TIME) + 1)[: len(KEYS)] > 0
    changed = (seen.array("rollout", *before.shape) != before).any(axis=0) & there
    return {
        "arrays of the trajectory that hold other numbers afterwards": changed.sum(),
        **_gone(seen),
    }


def _gone(seen: Seen) -> Found:
    keys = seen.array("rollout's keys", len(KEYS) + len(NOT_IN_TIME) + 1)
    timeless = "timeless" in seen.inputs
    wanted = np.array([1.0] * len(KEYS) + [float(timeless)] * len(NOT_IN_TIME) + [0.0])
    lost = np.abs(keys - wanted).sum()
    if timeless:  # one that was put back with another value is lost as well
        rest = seen.array("rollout's rest", len(NOT_IN_TIME))
        lost += ((rest == 0) & (keys[len(KEYS) : -1] > 0)).sum()
    return {"keys that the trajectory has gained or lost": lost}


_LOOKS = {
    "count": _count,
    "rows": _rows,
    "together": _together,
    "keys": _keys,
    "timeless": _timeless,
    "gone": _gone,
    "order": _order,
    "rollouts": _rollouts,
    "transforms": _transforms,
    "harm": _harm,
}
