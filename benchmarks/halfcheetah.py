"""HalfCheetah-v5 by notebook 06's own solved cells, beside Stable-Baselines3.

The same settings and seeds, a million steps each: a table, the numbers, the curve of every seed.
"""

import argparse
import json
import math
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch.nn as nn
from threadpoolctl import threadpool_limits

HERE = Path(__file__).parent
NOTEBOOK = "06_ppo_continuous_control"
CELLS = ("setup", "actor_critic", "policy", "sampler", "given_sampler", "ppo")
CELLS += ("bookkeeping", "training", "halfcheetah_agent")
ENV, ROLLOUTS, NUM_STEPS = "HalfCheetah-v5", 488, 2048
LEARNED, PLAYED, AVERAGED = 1000.0, 20, 100


def by_sb3(
    seed: int, folder: Path, log_std_init: float = 0.0, gain: float | None = None
) -> tuple[list[int], list[float], np.ndarray]:
    """Steps and returns of all episodes in training, and returns of the trained agent.

    σ starts at exp(log_std_init): Stable-Baselines3's own 1, or the notebook's ½. Both output
    layers start orthogonal with `gain`: its own 0.01 for the mean and 1 for the value, or √2.
    """
    from stable_baselines3 import PPO
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    from rlcore import make_env

    monitor = Monitor(make_env(ENV))
    env = VecNormalize(DummyVecEnv([lambda: monitor]))
    model = PPO(
        "MlpPolicy",
        env,
        n_steps=NUM_STEPS,
        batch_size=NUM_STEPS // 32,
        n_epochs=10,
        learning_rate=lambda remaining: 3e-4 * remaining,
        clip_range=0.2,
        clip_range_vf=0.2,
        vf_coef=0.25,
        max_grad_norm=0.5,
        policy_kwargs={"net_arch": [64, 64], "log_std_init": log_std_init},
        device="cpu",
        seed=seed,
    )
    if gain is not None:
        for layer in (model.policy.action_net, model.policy.value_net):
            nn.init.orthogonal_(layer.weight, gain)
    model.learn(ROLLOUTS * NUM_STEPS)
    steps = np.cumsum(monitor.get_episode_lengths()).tolist()
    returns = [float(one) for one in monitor.get_episode_rewards()]
    env.training, env.norm_reward = False, False
    env.seed(1000)
    played, _ = evaluate_policy(model, env, PLAYED, return_episode_rewards=True)
    return steps, returns, np.array(played)


def by_notebook(seed: int, folder: Path) -> tuple[list[int], list[float], np.ndarray]:
    """The same of the notebook's solved cells: its classes, its training loop, its agent."""
    import os

    from grader.build import read_source, sources
    from grader.execute import cell_by_id
    from rlcore import Config, evaluate

    (path,) = (one for one in sources() if one.stem == NOTEBOOK)
    notebook, names = read_source(path), {}
    for cell in CELLS:
        exec(cell_by_id(notebook, cell).source, names)
    episodes, row_of = [], names["returns_of"]

    def returns_of(finished: list, recent: object) -> dict:
        episodes.append([episode for episode, _ in finished])
        return row_of(finished, recent)

    names["returns_of"] = returns_of  # looks over the loop's shoulder
    folder.mkdir(parents=True)
    os.chdir(folder)
    options = {"env": ENV, "algorithm": "ppo", "normalize": True, "lr_decay": True}
    names["train"](Config(**options, epochs=ROLLOUTS, seed=seed), "halfcheetah_agent")
    played = evaluate(ENV, names["act"], num_episodes=PLAYED, seed=1000)
    counts = [len(returns) for returns in episodes]
    steps = np.repeat(NUM_STEPS * np.arange(1, len(counts) + 1), counts).tolist()
    return steps, [episode for returns in episodes for episode in returns], played


SIDES = {
    "notebook 06": by_notebook,
    "Stable-Baselines3, σ from ½, gain √2": partial(
        by_sb3, log_std_init=math.log(0.5), gain=math.sqrt(2)
    ),
    "Stable-Baselines3, σ from ½": partial(by_sb3, log_std_init=math.log(0.5)),
    "Stable-Baselines3, σ from 1": by_sb3,
}


def learn(side: str, seed: int, folder: Path) -> dict:
    """Train one seed on one thread; every episode, when it had learned, and what it earns."""
    import torch

    torch.set_num_threads(1)
    began = time.perf_counter()
    with threadpool_limits(1):
        steps, returns, played = SIDES[side](seed, folder.absolute() / f"{side}_seed{seed}")
    means = np.convolve(returns, np.ones(AVERAGED), "valid") / AVERAGED
    there = np.flatnonzero(means >= LEARNED)
    return {
        "seed": seed,
        "reached_at": steps[there[0] + AVERAGED - 1] if len(there) else None,
        "median_of_last": float(np.median(returns[-AVERAGED:])),
        "played": float(played.mean()),
        "seconds": time.perf_counter() - began,
        "steps": steps,
        "returns": [round(one, 1) for one in returns],
    }


def main() -> None:
    """Print the table; write the numbers and the figure beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="for the runs, a new one")
    parser.add_argument("--sides", nargs="+", default=[*SIDES], choices=[*SIDES])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (2)")
    given = parser.parse_args()
    path = HERE / "halfcheetah_ppo.json"
    with ProcessPoolExecutor(given.jobs, get_context("spawn")) as pool:
        jobs = {
            side: [pool.submit(learn, side, seed, given.folder) for seed in given.seeds]
            for side in given.sides
        }
        for side in given.sides:
            results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            results[side] = [job.result() for job in jobs[side]]
            path.write_text(json.dumps(results) + "\n", encoding="utf-8")
            print(f"{side}: seed, steps to a mean of {LEARNED:g}, median of the last {AVERAGED}")
            print(f"episodes, mean return of the trained agent over {PLAYED} new ones, seconds")
            for row in results[side]:
                at = f"{row['reached_at']:,}" if row["reached_at"] else "never"
                numbers = f"{row['median_of_last']:9.0f} {row['played']:9.0f} {row['seconds']:9.0f}"
                print(f"{row['seed']:5} {at:>10} {numbers}", flush=True)
    draw(json.loads(path.read_text(encoding="utf-8")))


def draw(results: dict) -> None:
    """Every seed of all sides, on one scale."""
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(
        1, len(results), figsize=(1 + 4.2 * len(results), 4), sharey=True, layout="constrained"
    )
    for ax, (side, rows) in zip(np.atleast_1d(axes), results.items(), strict=True):
        for row in rows:
            means = np.convolve(row["returns"], np.ones(20), "valid") / 20
            ax.plot(row["steps"][19:], means, label=f"seed {row['seed']}", lw=1.2)
        ax.axhline(LEARNED, color="grey", lw=1, ls=":")
        ax.set(title=side, xlabel="environment steps", xlim=(0, ROLLOUTS * NUM_STEPS))
    axes = np.atleast_1d(axes)
    axes[0].set_ylabel("return, mean of 20 episodes")
    axes[0].legend(frameon=False)
    fig.savefig(HERE / "halfcheetah_ppo.png", dpi=100)


if __name__ == "__main__":
    main()
