"""Steps per second of `train` on the CPU and on a GPU, in turns; prints a table."""

import json
import statistics
import time
from pathlib import Path

import torch

from rlcore import Config
from rlcore.train import train

PPO = {"env": "CartPole-v1", "algorithm": "ppo", "num_envs": 16}
WORKLOADS = {
    "VPG, 200 ReLU units": Config(env="CartPole-v1", epochs=12),
    "PPO, 64-64, minibatches of 64": Config(**PPO, epochs=4),
    "PPO, 1024-1024, minibatches of 2048": Config(
        **PPO,
        hidden_sizes=(1024, 1024),
        steps_per_epoch=8192,
        num_minibatches=4,
        num_epochs=2,
        epochs=2,
    ),
}
TURNS = 3


def rate(config: Config) -> float:
    """Steps per second, without the first epoch."""
    ends: list[float] = []
    train(config, on_epoch=lambda row: ends.append(time.perf_counter()), progress=False)
    return (len(ends) - 1) * config.steps_per_epoch / (ends[-1] - ends[0])


def main() -> None:
    """Print the table; write device.json beside this file."""
    name, results = torch.cuda.get_device_name(), {}
    print(f"{'':36} {'CPU':>9} {name:>16}   GPU/CPU")
    for what, config in WORKLOADS.items():
        on = [config.model_copy(update={"device": device}) for device in ("cpu", "cuda")]
        pairs = [[rate(one) for one in on] for _ in range(TURNS)]
        cpu, gpu = (statistics.median(rates) for rates in zip(*pairs, strict=True))
        ratios = sorted(there / here for here, there in pairs)
        results[what] = {"cpu": cpu, "gpu": gpu, "ratios": ratios}
        print(f"{what:36} {cpu:9,.0f} {gpu:16,.0f} {ratios[1]:9.2f}", ratios, flush=True)
    path = Path(__file__).with_name("device.json")
    path.write_text(
        json.dumps({"gpu": name, "steps per second": results}, indent=1) + "\n", "utf-8"
    )


if __name__ == "__main__":
    main()
