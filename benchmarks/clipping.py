"""How far several steps on the same data carry: VPG with 4, 10 and 20, PPO with 20, five seeds.

`.venv/bin/python benchmarks/clipping.py NEW_FOLDER` runs the experiment of notebook 05 with more
seeds, prints the mean return of the last 100 episodes at the end, and draws the curves.
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
COMMON = {"env": "LunarLander-v3", "pi_lr": 3e-3, "epochs": 100}
METHODS = {
    "_pi4": Config(**COMMON, train_pi_iters=4),
    "_pi10": Config(**COMMON, train_pi_iters=10),
    "_pi20": Config(**COMMON, train_pi_iters=20),
    "_clip20": Config(**COMMON, train_pi_iters=20, loss_mode="ppo"),
}


def main() -> None:
    """Print the table; write clipping.json and clipping.png beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="for the runs, a new one")
    folder = parser.parse_args().folder
    folders = run_experiment(METHODS, prefix=folder, seeds=SEEDS)
    results, runs = {}, [read_history(path) for path in folders]
    print(f"{'method':<8} {'median':>8} {'lowest':>8} {'highest':>8}   median KL of an epoch, nats")
    for i, method in enumerate(METHODS):
        own = runs[i * len(SEEDS) : (i + 1) * len(SEEDS)]
        ends = [float(run["ep_ret_100"][-1]) for run in own]
        kl = float(np.median([run["kl"] for run in own]))
        results[method.strip("_")] = {"ends": ends, "kl": kl}
        print(f"{method:<8} {np.median(ends):8.1f} {min(ends):8.1f} {max(ends):8.1f}   {kl:.3f}")
    (HERE / "clipping.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    plot_runs(folders).figure.savefig(HERE / "clipping.png", dpi=100)


if __name__ == "__main__":
    main()
