"""`python -m rlcore.play FOLDER`: what a trained agent earns, and a video of it."""

import argparse
import sys

import torch

from rlcore.config import Config
from rlcore.evaluate import evaluate, load_agent, record


def main(arguments: list[str] | None = None) -> int:
    """Print the mean return of raw rewards; 0, 1 if there is no such agent, 2 for wrong usage."""
    parser = argparse.ArgumentParser("python -m rlcore.play", description=__doc__)
    parser.add_argument("folder", help="of a run, as python -m rlcore.train made it")
    parser.add_argument("--num_episodes", type=int, default=20, help="to average over (20)")
    parser.add_argument("--seed", type=int, default=0, help="of environments and samples (0)")
    parser.add_argument("--sample", action="store_true", help="sample actions, not the likeliest")
    parser.add_argument("--video", help="a file to record one episode into, .mp4 or .gif")
    given = parser.parse_args(arguments)
    torch.manual_seed(given.seed)
    try:
        env, act = Config.load(given.folder).env, load_agent(given.folder, not given.sample)
        returns = evaluate(env, act, num_episodes=given.num_episodes, seed=given.seed)
        print(f"{env}: return {returns.mean():.1f} ± {returns.std():.1f}, {len(returns)} episodes")
        if given.video:
            print(record(env, act, given.video, seed=given.seed))
    except (ImportError, OSError, ValueError) as error:
        print(f"rlcore.play: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
