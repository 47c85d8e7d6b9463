"""Exercises in which a folder of runs is read: what was run counts, not how it came out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grader.exercise import Performance, Refused
from grader.verdict import GroupResult
from rlcore.config import Config
from rlcore.plotting import read_history

Measured = tuple[tuple[GroupResult, ...], str]
Run = tuple[Config, int]  # and how many epochs of it have been run


def read_runs(folder: Any) -> list[Run]:
    """Every run below a folder, with the number of its epochs; what cannot be read is no run.

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
            epochs = columns["epoch"]
        except (OSError, ValueError, KeyError):
            continue
        if np.array_equal(epochs, np.arange(len(epochs))) and np.isfinite(columns["steps"]).all():
            runs.append((config, len(epochs)))
    if not runs:
        raise Refused(f"{folder} holds no run of rlcore; run the study first")
    return runs


def compares(
    option: str, values: tuple[str, ...], *, points: float, num_seeds: int, epochs: int
) -> Callable[[Any, int], Measured]:
    """A measure: each value of an option was run long enough with enough seeds, all else equal."""

    def measure(folder: Any, seed: int) -> Measured:
        families: dict[str, dict[str, set[int]]] = {}
        for config, run_epochs in read_runs(folder):
            if run_epochs >= epochs:
                rest = config.model_dump_json(exclude={option, "seed", "epochs"})
                by_value = families.setdefault(rest, {})
                by_value.setdefault(getattr(config, option), set()).add(config.seed)
        share = points / len(values) / num_seeds
        earned: list[list[int]] = [
            [min(len(family.get(value, ())), num_seeds) for value in values]
            for family in families.values()
        ]
        best = max(earned, key=sum, default=[0] * len(values))
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
