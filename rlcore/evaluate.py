"""Agents: act, measure the return of raw rewards, save a video."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import imageio.v2 as imageio
import numpy as np
from tqdm.auto import tqdm

from rlcore.checkpoint import load_checkpoint
from rlcore.collector import NumpyPolicy
from rlcore.config import Config
from rlcore.envs import action_clipper, make_env
from rlcore.models import ActorCritic, make_model

Act = Callable[[np.ndarray], np.ndarray]


class Agent:
    """A policy as a function: `agent(observations)` (N, obs) → actions (N,) int or (N, A).

    Args:
        model: whose actor acts.
        normalizer: None, or the `Normalizer` that scales its observations; it stands still.
        deterministic: take the likeliest action or the mean; else sample (torch's generator).
    """

    def __init__(self, model: ActorCritic, normalizer: Any, deterministic: bool = True) -> None:
        self.model, self.normalizer, self.deterministic = model, normalizer, deterministic

    def __call__(self, observations: np.ndarray) -> np.ndarray:
        """Actions for raw observations."""
        seen = self.normalizer.observations if self.normalizer else np.asarray
        policy = NumpyPolicy(self.model) if self.deterministic else self.model
        return policy.act(seen(observations))["actions"]


def load_agent(folder: str | Path, deterministic: bool = True) -> Agent:
    """The agent of a run's folder.

    Raises:
        FileNotFoundError, ValueError: the folder holds no config or no model.
    """
    config = Config.load(folder)
    env = make_env(config.env)
    model = make_model(config, env.observation_space, env.action_space)
    env.close()
    normalizer, _ = load_checkpoint(Path(folder) / "model.npz", model)
    return Agent(model, normalizer, deterministic=deterministic)


def evaluate(
    env: str | gym.Env, act: Act, *, num_episodes: int = 20, seed: int | None = None
) -> np.ndarray:
    """Returns of whole episodes, (num_episodes,): sums of the environment's own rewards.

    Actions are clipped to the environment's Box. An environment without a time limit whose
    episodes do not end is played forever.

    Args:
        env: an id, or an environment.
        act: an agent: (1, obs) → one action in an array.
        num_episodes: at least 1.
        seed: of the first episode; the k-th after it starts from seed + k. None draws one.

    Raises:
        ValueError: `num_episodes` below 1, or the agent's answer is not one action a row.
    """
    if num_episodes < 1:
        raise ValueError(f"evaluate: num_episodes is {num_episodes}; pass at least 1.")
    episodes = tqdm(range(num_episodes), "evaluate", file=sys.stdout, delay=2, leave=False)
    seeds = (None if seed is None else seed + k for k in episodes)
    with _opened(env) as made:
        return np.array([sum(_rewards(made, act, one)) for one in seeds])


def record(
    env: Any, act: Act, path: str | Path, *, max_steps: int = 1000, seed: int | None = None
) -> Path:
    """Save a video of one episode and return its path; works without a display.

    Args:
        env: an id, or an environment made with render_mode="rgb_array".
        act: an agent: (1, obs) → one action in an array.
        path: ends in .mp4 or .gif; its folder is made if need be.
        max_steps: the video ends there if the episode does not.
        seed: of the episode; None draws one.

    Raises:
        ValueError: another ending, or an environment that gives no frames.
    """
    path = Path(path)
    if path.suffix not in (".mp4", ".gif"):
        raise ValueError(f"record: {path} ends in neither .mp4 nor .gif; choose one.")
    path.parent.mkdir(parents=True, exist_ok=True)
    bar = tqdm(total=max_steps, desc="record", file=sys.stdout, delay=2, leave=False)
    with bar, _opened(env, render_mode="rgb_array") as made:
        if made.render_mode != "rgb_array":
            came = f"record: the environment's render_mode is {made.render_mode!r}"
            raise ValueError(f"{came}; make it with render_mode='rgb_array', or pass its id.")
        fps = made.metadata.get("render_fps", 30)
        video = {"fps": fps, "codec": "libx264", "macro_block_size": 2}
        how: Any = video if path.suffix == ".mp4" else {"duration": 1000 / fps, "loop": 0}
        with imageio.get_writer(path, **how) as file:
            for _, _ in zip(range(max_steps), _rewards(made, act, seed), strict=False):
                bar.update()
                frame = made.render()
                file.append_data(  # pyright: ignore
                    frame[: len(frame) // 2 * 2, : frame.shape[1] // 2 * 2]
                )
        bar.total = bar.n  # an episode that ended earlier is no failure
    return path


def _opened(env: str | gym.Env, **how: Any) -> Any:
    """The environment for a `with`; one that was made here is closed at its end."""
    return make_env(env, **how) if isinstance(env, str) else contextlib.nullcontext(env)


def _rewards(env: gym.Env, act: Act, seed: int | None) -> Iterator[float]:
    """The rewards of one episode, while it is played."""
    clip = action_clipper(env.action_space)
    observation, episode_over = env.reset(seed=seed)[0], False
    while not episode_over:
        actions = np.asarray(act(np.asarray(observation)[None]))
        if actions.shape[:1] != (1,):
            came = f"the agent returned actions of shape {actions.shape} for one observation"
            raise ValueError(f"{came}; return one action a row: (1,) or (1, A).")
        action = clip(actions)[0]
        action = action if action.ndim else action.item()
        observation, reward, terminated, truncated, _ = env.step(action)
        episode_over = terminated or truncated
        yield float(reward)
