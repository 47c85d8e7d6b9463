"""What the driver of `sampler` brings along: a runner, transforms, and an eye for minibatches."""

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from grader.exercise import Inputs, Refused

Trajectory = dict[str, Any]
ROLLOUT = 1000  # the first row of the k-th rollout has number 1000 k
MOST_ROWS = 9000  # in one call; as many come if every minibatch holds the whole rollout
# No time axis: none of these can be indexed by a row.
NOT_IN_TIME = {
    "mean_return": 12.5,
    "num_episodes": 3,
    "explained_variance": np.array(0.25),
    "environment": "HalfCheetah-v5",
    "limits": {"low": -1.0, "high": 1.0},
    "video": None,
}


class Runner:
    """Gives a new rollout at each call; every row can be told from every other, in every key."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.given: list[Trajectory] = []

    def get_next(self) -> Trajectory:
        """The next rollout."""
        trajectory = make_trajectory(rows_of(self.inputs, len(self.given)))
        if "timeless" in self.inputs:
            trajectory |= copy.deepcopy(NOT_IN_TIME)
        self.given.append(trajectory)
        return trajectory

    def write(self, name: str, value: Any, step: int) -> None:
        """Log nothing."""


def rows_of(inputs: Inputs, number: int) -> NDArray[np.int64]:
    """The numbers of the rows of a rollout."""
    return ROLLOUT * (number + 1) + np.arange(inputs["rows"])


def make_trajectory(numbers: NDArray) -> Trajectory:
    """A rollout of rows with these numbers, its keys of several dtypes and ranks."""
    return {
        "observations": np.stack([numbers, -numbers, numbers % 7], axis=1) / 8.0,
        "next_observations": np.stack([numbers + 1, -numbers - 1, numbers % 5], axis=1) / 8.0,
        "actions": np.stack([numbers / 4.0, numbers % 3], axis=1).astype(np.float32),
        "log_probs": (-numbers / 16.0).astype(np.float32),
        "rewards": numbers * 2.0,
        "terminated": numbers % 2 == 0,
        "truncated": numbers % 3 == 0,
        "values": (numbers + 0.5).astype(np.float32),
        "advantages": numbers - 0.5,
        "value_targets": numbers * 3.0,
        "frames": np.multiply.outer(numbers, np.array([[1, 2], [3, 4]])),
    }


KEYS = tuple(make_trajectory(np.arange(1)))


def digests(inputs: Inputs, arrays: Trajectory, count: int) -> NDArray[np.float64]:
    """(count, K), a number for each row of each key, by weights that belong to the case.

    NaN where a key is missing, or has another shape than so many rows of it should have.
    """
    weights = np.random.default_rng(inputs["seed"]).integers(1, 1000, 8)
    found = np.full((count, len(KEYS)), np.nan)
    for k, (key, right) in enumerate(make_trajectory(np.arange(count)).items()):
        array = arrays.get(key)
        if type(array) is np.ndarray and array.shape == right.shape and array.dtype.kind in "biuf":
            flat = array.reshape(count, right.size // max(count, 1)).astype(np.float64)
            found[:, k] = flat @ weights[: flat.shape[1]]
    return found


class Transform:
    """Changes what it is given in place, and keeps a record of it: [rows, arguments, numpy]."""

    def __init__(self, kind: str, record: list[list[float]]) -> None:
        self.kind, self.record = kind, record

    def __call__(self, batch: Any, *more: Any) -> None:
        """Change `advantages`: by a new array, or inside of the old one."""
        if not isinstance(batch, dict) or "advantages" not in batch:
            raise Refused("it calls a transform with something that is no minibatch")
        rows = len(batch["advantages"])
        arrays = all(type(value) is np.ndarray for value in batch.values())
        self.record.append([rows, 1 + len(more), arrays or self.kind != "scale"])
        if self.kind == "scale":
            batch["advantages"] = 2.0 * batch["advantages"]
        elif self.kind == "shift":
            batch["advantages"] = batch["advantages"] + 1.0
        else:
            for key in batch.keys() & {"advantages", "observations", "frames"}:
                batch[key] -= 3
            batch["weights"] = np.ones(rows)
            batch.pop("next_observations", None)


class Minibatch:
    """What a minibatch held at the moment it came: a transform or a reused array may change it."""

    def __init__(self, batch: Any) -> None:
        if not isinstance(batch, dict):
            raise Refused(f"it gives a {type(batch).__name__} where a minibatch, a dict, should be")
        if "observations" not in batch:
            raise Refused("its minibatches have no 'observations'")
        self.held = {key: _copied(value) for key, value in batch.items()}
        observations = self.held["observations"]
        if np.ndim(observations) != 2 or observations.shape[1] != 3:
            raise Refused(
                f"a minibatch of observations has shape {np.shape(observations)}; rows come first, "
                "and each keeps its own shape, here (3,)"
            )
        self.rows = np.rint(8.0 * observations[:, 0]).astype(np.int64)

    @property
    def flags(self) -> list[bool]:
        """Which keys it holds: those with rows, then those without a time axis."""
        return [key in self.held for key in (*KEYS, *NOT_IN_TIME)]

    @property
    def advantages(self) -> NDArray[np.float64]:
        """One for each row; NaN where it has none."""
        found = self.held.get("advantages")
        if type(found) is np.ndarray and found.shape == self.rows.shape:
            return found.astype(np.float64)
        return np.full(self.rows.shape, np.nan)


def _copied(value: Any) -> Any:
    if isinstance(value, np.ndarray | list):
        return np.array(value)
    return value.detach().cpu().numpy().copy() if isinstance(value, torch.Tensor) else value


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The three generators an answer may draw from, seeded; afterwards as they were before."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.default_generator.manual_seed(seed)  # torch.manual_seed also notes the stack, for CUDA
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_rng_state(before[2])
