"""What the README's two commands and the notebooks learn, over five seeds: a table, and the curves.

CartPole-v1 is learned when the mean of 20 episodes in a row reaches 475, HalfCheetah-v5 when the
mean of 100 does 1000; LunarLander-v3 with the defaults is on its way when it reaches 0, and with
PPO it is to reach 250.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from rlcore import Config, evaluate, plot_runs
from rlcore.train import _Training, train

HERE = Path(__file__).parent
VPG = {"env": "CartPole-v1", "epochs": 60, "steps_per_epoch": 2500, "lr_decay": True}
VPG |= {"pi_lr": 5e-3, "v_lr": 3e-3}
PPO = {"algorithm": "ppo", "normalize": True}
LANDER = PPO | {"env": "LunarLander-v3", "epochs": 50, "num_envs": 16, "steps_per_epoch": 16384}
LANDER |= {"gamma": 0.999, "gae_lambda": 0.98, "num_epochs": 6, "num_minibatches": 128}
LANDER |= {"pi_lr": 1e-3, "lr_decay": True, "value_coef": 0.5}
TASKS = {  # name: options, episodes to average, return to reach
    "cartpole": (PPO | {"env": "CartPole-v1", "epochs": 60, "lr_decay": True}, 20, 475.0),
    "halfcheetah": (PPO | {"env": "HalfCheetah-v5", "epochs": 488}, 100, 1000.0),
    "cartpole_vpg": (VPG, 20, 475.0),  # notebook 03
    "lunarlander_vpg": ({"env": "LunarLander-v3", "epochs": 300}, 100, 0.0),
    "lunarlander_ppo": (LANDER, 100, 250.0),  # notebook 08
}
PLAYED = {"lunarlander_ppo": 100}  # new episodes of the trained agent; 20 of all others


class Episodes:
    """Keeps the return of every episode, with the step at the end of its epoch."""

    def __init__(self) -> None:
        self.returns: list[float] = []
        self.steps: list[int] = []
        self.original = _Training.epoch

    def __enter__(self) -> "Episodes":
        """Look over the shoulder of `train`."""

        def epoch(training: _Training, number: int) -> dict[str, float]:
            row = self.original(training, number)
            ended = [episode for episode, _ in training.runner.finished]
            self.returns += ended
            self.steps += [int(row["steps"])] * len(ended)
            return row

        _Training.epoch = epoch
        return self

    def __exit__(self, *error: object) -> None:
        """Look away."""
        _Training.epoch = self.original

    def reached(self, wanted: float, episodes: int) -> int | None:
        """The step at which the mean of so many episodes first is what is wanted."""
        sums = np.convolve(self.returns, np.ones(episodes), "valid") / episodes
        found = np.flatnonzero(sums >= wanted)
        return self.steps[found[0] + episodes - 1] if len(found) else None


def learn(task: str, seed: int, folder: Path) -> dict[str, float | int | None]:
    """Train one seed; when it got there, where it ended, and what its agent earns."""
    options, episodes, wanted = TASKS[task]
    config = Config(**options, seed=seed)
    with Episodes() as seen:
        history = train(config, folder=folder / f"{task}_seed{seed}", progress=False)
    returns = evaluate(config.env, history.act, num_episodes=PLAYED.get(task, 20), seed=1000)
    return {
        "seed": seed,
        "reached_at": seen.reached(wanted, episodes),
        "last": float(np.mean(seen.returns[-episodes:])),
        "evaluated": float(returns.mean()),
    }


def main() -> None:
    """Print the table; write learning.json and the figures beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="for the runs, a new one")
    parser.add_argument("--tasks", nargs="+", default=[*TASKS], choices=[*TASKS])
    parser.add_argument("--jobs", type=int, default=2, help="seeds at a time (2)")
    given = parser.parse_args()
    path = HERE / "learning.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    with ProcessPoolExecutor(given.jobs, get_context("spawn")) as pool:
        for task in given.tasks:
            _, episodes, wanted = TASKS[task]
            jobs = [pool.submit(learn, task, seed, given.folder) for seed in range(5)]
            results[task] = rows = [job.result() for job in jobs]
            print(f"{task}: seed, steps to a mean of {wanted:g} over {episodes} episodes,")
            played = PLAYED.get(task, 20)
            print(f"mean at the end, mean return of the trained agent over {played} new episodes")
            for row in rows:
                at = f"{row['reached_at']:,}" if row["reached_at"] else "never"
                print(f"{row['seed']:5} {at:>10} {row['last']:9.1f} {row['evaluated']:9.1f}")
            axes = plot_runs([given.folder / f"{task}_seed{seed}" for seed in range(5)])
            axes.axhline(wanted, color="grey", lw=1, ls=":")
            axes.figure.savefig(HERE / f"{task}.png", dpi=100)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
