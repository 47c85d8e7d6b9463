"""Exercises in which a folder of runs is read: what was run counts, not how it came out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.exercise import Performance, Refused
from grader.verdict import GroupResult
from rlcore.config import Config
from rlcore.plotting import read_history

Measured = tuple[tuple[GroupResult, ...], str]
Options = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run: how it was made, and its history, a row of numbers an epoch."""

    config: Config
    history: NDArray[np.float64]


def read_runs(folder: Any) -> list[Run]:
    """Every run below a folder; what cannot be read, or has made no steps, is no run.

    Raises:
        Refused: there is no such folder, or no run in it.
    """
    if not isinstance(folder, str | Path):
        raise Refused(f"pass the folder's name, a string, not a {type(folder).__name__}")
    if not Path(folder).is_dir():
        raise Refused(f"there is no folder {folder} beside the notebook; run the study first")
    runs = []
    for path in sorted(Path(folder).rglob("config.json")):
        try:
            config, columns = Config.load(path.parent), read_history(path.parent)
            epochs, steps = columns["epoch"], columns["steps"]
        except (OSError, ValueError, KeyError):
            continue
        counted = np.arange(len(epochs))
        made = np.array_equal(steps, (counted + 1) * config.steps_per_epoch)
        if made and np.array_equal(epochs, counted):
            runs.append(Run(config, np.stack(list(columns.values()), axis=1)))
    if not runs:
        raise Refused(f"{folder} holds no run of rlcore; run the study first")
    return runs


def without_copies(runs: Iterable[Run], epochs: int) -> list[Run]:
    """The runs of at least so many epochs; of those with the same history the first alone.

    Two seeds never give the same numbers: where they do, one was copied.
    """
    found = {}
    for run in runs:
        if len(run.history) >= epochs:
            found.setdefault(run.history[:epochs].tobytes(), run)
    return list(found.values())


def options(config: Config) -> Options:
    """The options of a run, but for those that cannot have made a difference to it."""
    if config.algorithm == "ppo":
        idle = {"train_pi_iters", "train_v_iters", "v_lr"}
    else:
        idle = {"num_epochs", "num_minibatches", "value_coef", "max_grad_norm"}
        idle |= {"gae_lambda"} if config.psi_mode == "future_return" else set()
        idle |= {"clip_range"} if config.loss_mode == "vpg" else set()
    return config.model_dump(exclude={"seed", "epochs", "device", *idle})


def _agree(one: Options, other: Options) -> bool:
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def seeds_of(runs: Iterable[Run], option: str, values: tuple[str, ...], most: int) -> list[int]:
    """With how many seeds, `most` at most, each value was run in the best comparison there is.

    In a comparison the runs agree in all other options.
    """
    families: dict[str, list[tuple[Options, set[int]]]] = {value: [({}, set())] for value in values}
    for run in runs:
        given = options(run.config)
        value = given.pop(option)
        known = families.setdefault(value, [])
        seeds = next((seeds for other, seeds in known if other == given), None)
        if seeds is None:
            known.append((given, seeds := set()))
        seeds.add(run.config.seed)
    found = [
        [min(len(seeds), most) for _, seeds in chosen]
        for chosen in product(*(families[value] for value in values))
        if all(_agree(one, other) for (one, _), (other, _) in combinations(chosen, 2))
    ]
    return max(found, key=sum)


def compares(
    option: str, values: tuple[str, ...], *, points: float, num_seeds: int, epochs: int
) -> Callable[[Any, int], Measured]:
    """A measure: each value of an option was run long enough with enough seeds, all else equal."""

    def measure(folder: Any, seed: int) -> Measured:
        runs = without_copies(read_runs(folder), epochs)
        best = seeds_of(runs, option, values, num_seeds)
        share = points / len(values) / num_seeds
        groups = tuple(
            GroupResult(
                f"{option} {value}: {num} of {num_seeds} seeds with {epochs} epochs or more",
                points / len(values) if num == num_seeds else round(share * num, 2),
                points / len(values),
            )
            for value, num in zip(values, best, strict=True)
        )
        counts = zip(values, best, strict=True)
        missing = [f"{value} has {num}" for value, num in counts if num < num_seeds]
        shortfall = f"wanted are {num_seeds} seeds of {epochs} epochs with the same other options"
        return groups, f"{shortfall}; {', '.join(missing)}" if missing else ""

    return measure


RETURNS_VS_GAE_STUDY = Performance(
    "returns_vs_gae_study",
    "04_reinforce_vs_gae",
    4.0,
    "homework 3.a: what reinforces an action, the future return or GAE",
    compares("psi_mode", ("future_return", "gae"), points=4.0, num_seeds=3, epochs=100),
    answer='"logs/3a"',
)
