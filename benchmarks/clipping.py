"""How far several steps on the same data carry: VPG with 4, 10 and 20, PPO with 20, five seeds.

`.venv/bin/python benchmarks/clipping.py NEW_FOLDER` runs the experiments of notebook 05 with
more seeds, in CartPole as there and in LunarLander with a larger learning rate; prints the mean
return of the last 100 episodes at the end, and draws the curves.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from rlcore import plot_runs
from rlcore.config import Config
from rlcore.experiment import run_experiment
from rlcore.plotting import read_history

HERE = Path(__file__).parent
SEEDS = range(5)
ENVS = {"CartPole-v1": {}, "LunarLander-v3": {"pi_lr": 3e-3}}
METHODS = {
    "_pi4": {"train_pi_iters": 4},
    "_pi10": {"train_pi_iters": 10},
    "_pi20": {"train_pi_iters": 20},
    "_clip20": {"train_pi_iters": 20, "loss_mode": "ppo"},
}


def measure(env: str, folder: Path) -> dict[str, dict[str, object]]:
    """Train, print a table, draw; returns the ends and the median KL by method."""
    configs = {
        name: Config(env=env, epochs=100, **ENVS[env], **options)
        for name, options in METHODS.items()
    }
    folders = run_experiment(configs, prefix=folder, seeds=SEEDS)
    results, runs = {}, [read_history(path) for path in folders]
    print(f"{env:<16} {'median':>8} {'lowest':>8} {'highest':>8}   largest KL of an update, nats")
    for i, method in enumerate(METHODS):
        own = runs[i * len(SEEDS) : (i + 1) * len(SEEDS)]
        ends = [float(run["ep_ret_100"][-1]) for run in own]
        kl = float(np.median([run["kl"].max() for run in own]))
        results[method.strip("_")] = {"ends": ends, "largest_kl": kl}
        print(f"{method:<16} {np.median(ends):8.1f} {min(ends):8.1f} {max(ends):8.1f}   {kl:.3f}")
    figure = plot_runs(folders).figure
    figure.savefig(HERE / f"clipping_{env.split('-')[0].lower()}.png", dpi=100)
    return results


def main() -> None:
    """Print the tables; write clipping.json and the figures beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="for the runs, a new one")
    folder = parser.parse_args().folder
    results = {env: measure(env, folder) for env in ENVS}
    (HERE / "clipping.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
