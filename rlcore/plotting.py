"""Learning curves of runs: the median over seeds as a line, all seeds as a band."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from rlcore.config import Config

Columns = dict[str, np.ndarray]


def read_history(folder: str | Path) -> Columns:
    """The history of a run, finished or not: one number an epoch and column, (epochs,).

    `epoch` (from 0), `steps` (so far), `ep_ret` and `ep_len` (means over the episodes that ended in
    it, raw rewards; NaN where none did), `ep_ret_100` (mean of the last 100 episodes), `loss_pi`,
    `loss_v`, what `rlcore.diagnostics` returns, and for PPO `gradient_norm`.

    Raises:
        FileNotFoundError: the folder holds no history.
    """
    lines = (Path(folder) / "history.csv").read_text(encoding="utf-8").split("\n")
    names, *rows = (line.split(",") for line in lines[:-1])  # the last is empty, or half a line
    return dict(zip(names, np.array(rows, dtype=np.float64).reshape(-1, len(names)).T, strict=True))


_COLOURS = {  # of a method: the policy's loss and what it is weighted with
    ("vpg", "future_return"): "tab:orange",
    ("vpg", "gae"): "tab:blue",
    ("ppo", "gae"): "tab:green",
    ("ppo", "future_return"): "tab:olive",
}
_STYLES = ("-", "--", ":", "-.")
_LABELS = {"ep_ret_100": "return, mean of the last 100 episodes", "ep_ret": "return"}


def _shade(colour: str, place: float) -> tuple[float, ...]:
    """Black for place 0, the colour for 0.5, white for 1."""
    from matplotlib.colors import to_rgb

    return tuple(float(np.interp(place, (0, 0.5, 1), (0, part, 1))) for part in to_rgb(colour))


def plot_runs(folders: Iterable[str | Path], *, column: str = "ep_ret_100", ax: Any = None) -> Any:
    """Draw runs against environment steps; those that differ in nothing but the seed are one curve.

    The line is the median over the seeds, the band reaches from the lowest to the highest. A
    method (loss and Ψ) has the same colour in every figure; runs of one method that differ in
    something else get shades of it, from dark to light, and other styles of the line. The legend
    names what differs.

    Args:
        folders: of runs, finished or still running; curves end where the shortest run does.
        column: of history.csv.
        ax: where to draw; None makes a figure.

    Returns:
        The axes.

    Raises:
        FileNotFoundError: a folder holds no run. ValueError: no folders, or no such column.
    """
    import matplotlib.pyplot as plt

    groups: dict[tuple, list] = {}
    for folder in folders:
        options = Config.load(folder).model_dump(exclude={"seed"})
        groups.setdefault(tuple(options.items()), []).append(read_history(folder))
    if not groups or not all(column in run for runs in groups.values() for run in runs):
        raise ValueError(f"plot_runs: no runs, or one without a column {column!r}; train it first.")
    ax = plt.subplots(figsize=(7, 4), layout="constrained")[1] if ax is None else ax
    colours = [_COLOURS[dict(one)["loss_mode"], dict(one)["psi_mode"]] for one in groups]
    for index, (options, runs) in enumerate(groups.items()):
        differing = [dict(other) for other in groups]
        own = {k: v for k, v in options if any(other[k] != v for other in differing)}
        own = own or {"algorithm": dict(options)["algorithm"]}
        style = colours[:index].count(colours[index])
        colour = _shade(colours[index], (style + 1) / (colours.count(colours[index]) + 1))
        length = min(len(run["steps"]) for run in runs)
        curves = np.stack([run[column][:length] for run in runs])
        steps = runs[0]["steps"][:length]
        seeds = f"{len(runs)} seed{'s' * (len(runs) > 1)}"
        label = ", ".join([*(f"{name} {value}" for name, value in own.items()), seeds])
        ax.plot(steps, np.median(curves, axis=0), _STYLES[style % 4], color=colour, label=label)
        ax.fill_between(steps, curves.min(0), curves.max(0), color=colour, alpha=0.2, lw=0)
    env = ", ".join(sorted({dict(options)["env"] for options in groups}))
    ax.set(xlabel="environment steps", ylabel=_LABELS.get(column, column), title=env)
    ax.legend()
    return ax
