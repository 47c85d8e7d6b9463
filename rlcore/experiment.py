"""Several runs at once, a process each: what `--seeds` does, and experiments in a notebook."""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from rlcore.config import Config
from rlcore.plotting import plot_runs, read_history
from rlcore.train import run_name, train

Run = dict[str, Any]  # the arguments of `train`
REDRAW_SECONDS = 3.0


def run_experiment(
    configs: Mapping[str, Config],
    *,
    prefix: str | Path,
    seeds: Iterable[int] = (0, 1, 2),
    losses: str | Path | None = None,
    column: str = "ep_ret_100",
) -> list[Path]:
    """Train every config with every seed and return the runs' folders, config by config.

    As many run at once as there are processors. Runs that are finished already are not run again,
    those that were stopped go on. In a notebook a figure of all curves grows meanwhile.

    Args:
        configs: by the suffix of the folder's name: `{"_pi4": Config(...), "_pi20": Config(...)}`.
        prefix: the folder of the runs' folders, named as `python -m rlcore.train` names them.
        seeds: each replaces the config's own.
        losses: a file; see `load_losses`.
        column: of the history, for the figure.

    Raises:
        RuntimeError: a run failed; what it said stands above.
        KeyboardInterrupt: it was stopped; every run is saved, and the same call goes on.
    """
    runs: list[Run] = []
    for suffix, config in configs.items():
        for seed in seeds:
            seeded = config.model_copy(update={"seed": seed})
            folder = Path(prefix) / run_name(seeded, suffix)
            runs.append({"config": seeded, "folder": folder, "losses": losses, "resume": True})
    folders, draw = [run["folder"] for run in runs], _figure(column)
    status = run_all([run for run in runs if not _finished(run)], lambda: draw(folders))
    if status:
        raise KeyboardInterrupt if status == 130 else RuntimeError("a run failed; see above")
    draw(folders)
    return folders


def sweep(
    config: Config,
    *,
    parameter: str,
    values: Iterable[Any],
    prefix: str | Path,
    seeds: Iterable[int] = (0, 1, 2),
    losses: str | Path | None = None,
) -> list[Path]:
    """Train with every value of one option and every seed; the folders, value by value.

    All else stays as `config` has it. Folders are named after the value: `…_gamma0.9_seed0`.

    Args:
        config: the run that is varied.
        parameter: name of the option.
        values: at least two different ones.
        prefix: the folder of the runs' folders.
        seeds: at least three different ones, the same for every value.
        losses: a file; see `load_losses`.

    Raises:
        ValueError: an unknown option, too few values or seeds, or a value it cannot have.
        RuntimeError, KeyboardInterrupt: see `run_experiment`.
    """
    values, seeds, options = list(values), list(seeds), set(Config.model_fields) - {"seed"}
    if parameter not in options:
        near = get_close_matches(parameter, options, n=1, cutoff=0.0)[0]
        raise ValueError(f"sweep: there is no option {parameter!r} to vary; did you mean {near!r}?")
    if len(set(seeds)) < max(3, len(seeds)):
        raise ValueError(f"sweep: seeds are {seeds}; give at least 3 different ones: (0, 1, 2).")
    varied = [Config(**config.model_dump() | {parameter: value}) for value in values]
    names = [str(getattr(one, parameter)).strip("(),").replace(", ", "x") for one in varied]
    configs = {f"_{parameter}{name}": one for name, one in zip(names, varied, strict=True)}
    if len(configs) < max(2, len(values)):
        raise ValueError(f"sweep: values are {values}; give at least 2, each of them once.")
    return run_experiment(configs, prefix=prefix, seeds=seeds, losses=losses)


def _finished(run: Run) -> bool:
    there = (run["folder"] / "model.npz").exists() and Config.load(run["folder"]) == run["config"]
    return there and len(read_history(run["folder"])["epoch"]) == run["config"].epochs


def _has_begun(folder: Path) -> bool:
    """Whether its history has a row: it is made first, and filled a moment later."""
    return (file := folder / "history.csv").exists() and file.stat().st_size > 0


def _figure(column: str) -> Callable[[list[Path]], None]:
    """What draws the curves of folders again, in one place of a notebook; elsewhere nothing."""
    shell = sys.modules.get("IPython")
    if shell is None or not hasattr(shell.get_ipython(), "kernel"):
        return lambda folders: None
    import matplotlib.pyplot as plt
    from IPython.display import DisplayHandle

    handle, shown = DisplayHandle(), []

    def draw(folders: list[Path]) -> None:
        if begun := [*filter(_has_begun, folders)]:
            figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
            plot_runs(begun, column=column, ax=ax)
            (handle.update if shown else handle.display)(figure)
            shown.append(True)
            plt.close(figure)

    return draw


def run_one(**arguments: Any) -> int:
    """Train, and say how it ended, in words and as exit code."""
    try:
        train(**arguments)
    except KeyboardInterrupt:
        print(f"{arguments['folder']}: stopped and saved; the same command with --resume goes on.")
        return 130
    except (ArithmeticError, AssertionError, ImportError, OSError, TypeError, ValueError) as error:
        print(f"rlcore.train: {error}", file=sys.stderr)
        return 1
    last = read_history(arguments["folder"])["ep_ret_100"][-1]
    print(f"{arguments['folder']}: mean return of the last 100 episodes {last:.1f}")
    return 0


def _run_child(run: Run, quiet: bool) -> None:
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere if quiet else sys.stdout):
        sys.exit(run_one(**run, progress=False))


def run_all(runs: list[Run], watch: Callable[[], None] | None = None) -> int:
    """Several runs, a process each, with one bar; the highest exit code, 130 for Ctrl-C.

    Args:
        runs: arguments of `train`.
        watch: called every few seconds; the runs then print nothing but errors.
    """
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_run_child, args=(run, watch is not None)) for run in runs]
    total, drawn = sum(run["config"].epochs for run in runs), time.monotonic()
    with tqdm(total=total, desc="train", file=sys.stdout, leave=False, disable=not runs) as bar:
        try:
            while any(child.exitcode is None for child in children):
                free = max(2, os.cpu_count() or 1) - sum(child.is_alive() for child in children)
                for child in [child for child in children if child.pid is None][:free]:
                    child.start()
                time.sleep(0.5)
                begun = [run["folder"] for run in runs if _has_begun(run["folder"])]
                done = [read_history(folder)["ep_ret_100"] for folder in begun]
                bar.set_postfix_str(f"return {np.mean([one[-1] for one in done] or [0]):.1f}")
                bar.update(sum(map(len, done)) - bar.n)
                if watch and time.monotonic() - drawn > REDRAW_SECONDS:
                    watch()
                    drawn = time.monotonic()
            bar.total = bar.n  # the last epochs may have been written behind the last look
        except KeyboardInterrupt:
            return 130
        finally:  # nobody trains on where nobody waits
            for child in (left := [child for child in children if child.is_alive()]):
                child.terminate()  # `train` takes it for Ctrl-C
            for child in left:
                child.join()
    return max((abs(child.exitcode or 0) for child in children), default=0)
