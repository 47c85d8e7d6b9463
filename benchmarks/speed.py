"""Training speed side by side with Stable-Baselines3 and with a per-step loop; prints a table.

Both sides of a row take the same steps with the same networks and hyperparameters, on one thread,
in turns; the ratio is the median over the turns. Run it in an environment of its own, as
benchmarks/README.md says.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from per_step_vpg import train_per_step
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize
from threadpoolctl import threadpool_limits

from rlcore import Config, gae
from rlcore.train import train

CARTPOLE = Config(
    env="CartPole-v1", algorithm="ppo", num_envs=4, steps_per_epoch=512, num_epochs=4,
    num_minibatches=4, value_coef=0.5, checkpoint_every=50, epochs=80,
)  # fmt: skip
HALFCHEETAH = Config(
    env="HalfCheetah-v5", algorithm="ppo", normalize=True, value_coef=0.5, epochs=6
)
LUNARLANDER = Config(env="LunarLander-v3", epochs=40)


def rlcore_rate(config: Config) -> float:
    """Steps per second of `train`, logging and checkpoints included, without its first epoch."""
    ends: list[float] = []
    train(config, on_epoch=lambda row: ends.append(time.perf_counter()), progress=False)
    return (len(ends) - 1) * config.steps_per_epoch / (ends[-1] - ends[0])


def sb3_rate(config: Config) -> float:
    """Steps per second of Stable-Baselines3's PPO with the config's hyperparameters."""
    env = make_vec_env(config.env, n_envs=config.num_envs, seed=0)
    model = PPO(
        "MlpPolicy",
        VecNormalize(env) if config.normalize else env,
        n_steps=config.num_steps,
        batch_size=config.steps_per_epoch // config.num_minibatches,
        n_epochs=config.num_epochs,
        learning_rate=config.pi_lr,
        clip_range=config.clip_range,
        clip_range_vf=config.clip_range,
        vf_coef=config.value_coef,
        policy_kwargs={"net_arch": list(config.hidden_sizes)},
        device="cpu",
        seed=0,
    )
    return timed_rate(model.learn, config.epochs * config.steps_per_epoch)


def per_step_rate(config: Config) -> float:
    """Steps per second of the loop in per_step_vpg.py."""
    return timed_rate(lambda steps: train_per_step(config), config.epochs * config.steps_per_epoch)


def timed_rate(work, steps: int) -> float:
    """Steps per second of work(steps)."""
    start = time.perf_counter()
    work(steps)
    return steps / (time.perf_counter() - start)


def gae_rates(num_steps: int, num_envs: int) -> tuple[float, float]:
    """Steps per second of rlcore's GAE and of Stable-Baselines3's, the medians of 30 calls."""
    rng = np.random.default_rng(0)
    shape = (num_steps, num_envs)
    rewards, values, following = rng.standard_normal((3, *shape)).astype(np.float32)
    terminated, truncated = rng.random((2, *shape)) < 0.01
    buffer = RolloutBuffer.__new__(RolloutBuffer)
    buffer.buffer_size, buffer.gamma, buffer.gae_lambda = num_steps, 0.99, 0.95
    buffer.rewards, buffer.values = rewards, values
    buffer.episode_starts = terminated.astype(np.float32)
    buffer.advantages = np.zeros(shape, np.float32)
    last, dones = torch.from_numpy(following[-1]), terminated[-1]

    def ours() -> None:
        flags = terminated, truncated
        gae(rewards, values, following, *flags, gamma=0.99, gae_lambda=0.95)

    def theirs() -> None:
        buffer.compute_returns_and_advantage(last, dones)

    seconds: dict = {ours: [], theirs: []}
    for _ in range(30):
        for work, taken in seconds.items():
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return tuple(rewards.size / statistics.median(taken) for taken in seconds.values())


def pair(ours, theirs, config):
    """A workload: both rates of one turn."""
    return lambda: (ours(config), theirs(config))


WORKLOADS = {  # name: bar of the ratio, one turn
    "CartPole-v1, PPO": (3.3, pair(rlcore_rate, sb3_rate, CARTPOLE)),
    "HalfCheetah-v5, PPO": (3.3, pair(rlcore_rate, sb3_rate, HALFCHEETAH)),
    "LunarLander-v3, VPG": (3.3, pair(rlcore_rate, per_step_rate, LUNARLANDER)),
    "GAE 2048 x 1": (20.0, lambda: gae_rates(2048, 1)),
    "GAE 128 x 8": (3.0, lambda: gae_rates(128, 8)),
    "GAE 2048 x 64": (3.0, lambda: gae_rates(2048, 64)),
}


def main() -> None:
    """Print the table and write speed.json beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5, help="of each workload (5)")
    turns = parser.parse_args().turns
    torch.set_num_threads(1)
    results = {}
    print(f"{'workload':22} {'rlcore/s':>12} {'other/s':>12} {'ratio':>7} {'bar':>5}  all ratios")
    with threadpool_limits(1):
        for name, (bar, turn) in WORKLOADS.items():
            rates = [turn() for _ in range(turns)]
            ours, theirs = (statistics.median(side) for side in zip(*rates, strict=True))
            ratios = [one / other for one, other in rates]
            ratio = statistics.median(ratios)
            results[name] = {"rlcore": ours, "other": theirs, "ratio": ratio, "ratios": ratios}
            each = " ".join(f"{one:.2f}" for one in sorted(ratios))
            print(
                f"{name:22} {ours:12,.0f} {theirs:12,.0f} {ratio:7.2f} {bar:5.1f}  {each}",
                flush=True,
            )
    path = Path(__file__).with_name("speed.json")
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
