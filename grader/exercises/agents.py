"""Exercises in which an agent is played: its actions are checked, its raw rewards are summed."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from grader.exercise import Performance, Refused, Unplayable
from grader.exercises.side_by_side import side_by_side
from grader.plain import plain
from grader.verdict import GroupResult

Measured = tuple[tuple[GroupResult, ...], str]


def play(act: Any, env_id: str, num_episodes: int, seed: int) -> NDArray[np.float64]:
    """Returns (num_episodes,) of fresh episodes, played side by side.

    torch, numpy and random are seeded first, for agents that draw random numbers.

    Raises:
        Refused: `act` is no function, or its actions do not fit the environment.
        Unplayable: the environment is not installed here, which is not the agent's fault.
    """
    if not callable(act):
        raise Refused("pass the function act itself, not what it returns")
    random.seed(seed)
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - agents may use the old interface
    try:
        played = side_by_side(env_id, num_episodes, seed)
    except ImportError as error:
        raise Unplayable(str(error)) from error
    returns, playing = np.zeros(num_episodes), np.arange(num_episodes)
    observations = played.observations
    with torch.no_grad():
        while len(playing):
            actions = _fitting(act(observations), len(playing), played.action_space)
            observations, rewards, goes_on = played.step(playing, actions)
            returns[playing] += rewards
            playing, observations = playing[goes_on], observations[goes_on]
    played.close()
    return returns


def _fitting(given: Any, num: int, space: gym.Space) -> list[Any]:
    """Actions as the environment takes them: whole numbers in range, or vectors, clipped."""
    actions = plain(given, "what act returns")
    wanted = (num, *(space.shape or ()))
    if actions.shape != wanted:
        raise Refused(f"act returns shape {actions.shape} for {num} observations, not {wanted}")
    if not np.isfinite(actions).all():
        raise Refused("act returns actions that are not finite")
    if isinstance(space, gym.spaces.Discrete):
        whole = actions.astype(np.int64)
        fits = (whole == actions) & (whole >= space.start) & (whole < space.start + space.n)
        if not fits.all():
            wrong = actions[~fits][0]
            raise Refused(f"act returns action {wrong:g}; there are 0 to {int(space.n) - 1} here")
        return whole.tolist()
    assert isinstance(space, gym.spaces.Box)
    return list(np.clip(actions, space.low, space.high).astype(space.dtype))


def returns_at_least(
    env_id: str,
    *,
    num_episodes: int,
    points: float,
    none_at: float,
    full_at: float,
    remark: str = "",
) -> Callable[[Any, int], Measured]:
    """A measure: mean return over fresh episodes, points on a line from `none_at` to `full_at`.

    The remark is said after the mean.
    """

    def measure(act: Any, seed: int) -> Measured:
        mean = float(play(act, env_id, num_episodes, seed).mean())
        share = min(max((mean - none_at) / (full_at - none_at), 0.0), 1.0)
        name = f"mean return {mean:.1f} over {num_episodes} fresh episodes of {env_id}{remark}"
        enough = f"full points from {full_at:g}, none up to {none_at:g}"
        shortfall = "" if share == 1.0 else f"the mean return is {mean:.1f}; {enough}"
        return (GroupResult(name, round(share * points, 2), points),), shortfall

    return measure


def returns_in_steps(
    env_id: str, *, num_episodes: int, steps: Mapping[float, float], remark: str = ""
) -> Callable[[Any, int], Measured]:
    """A measure: mean return over fresh episodes; `steps` says which return earns how many points.

    Between two of them nothing is added. The remark is said after the mean.
    """
    most = max(steps.values())

    def measure(act: Any, seed: int) -> Measured:
        mean = float(play(act, env_id, num_episodes, seed).mean())
        earned = max((points for at, points in steps.items() if mean >= at), default=0.0)
        name = f"mean return {mean:.1f} over {num_episodes} fresh episodes of {env_id}{remark}"
        wanted = ", ".join(f"{points:g} points from {at:g}" for at, points in steps.items())
        shortfall = "" if earned == most else f"the mean return is {mean:.1f}; {wanted}"
        return (GroupResult(name, earned, most),), shortfall

    return measure


CARTPOLE_AGENT = Performance(
    "cartpole_agent",
    "03_vanilla_policy_gradient",
    3.0,
    "played by the grader: CartPole-v1, 20 fresh episodes, raw reward",
    returns_at_least("CartPole-v1", num_episodes=20, points=3.0, none_at=100, full_at=400),
    answer="act",
)

RUNNING: dict[str, Any] = {"points": 4.0, "none_at": 0.0, "full_at": 1000.0}

HALFCHEETAH_AGENT = Performance(
    "halfcheetah_agent",
    "06_ppo_continuous_control",
    4.0,
    "played by the grader: HalfCheetah-v5, 20 fresh episodes, raw reward",
    returns_at_least("HalfCheetah-v5", num_episodes=20, **RUNNING),
    answer="act",
    preview=returns_at_least(
        "HalfCheetah-v5", num_episodes=5, **RUNNING, remark=" (marks are given for 20)"
    ),
)

LANDING = {200.0: 2.0, 250.0: 4.0}

LUNARLANDER_AGENT = Performance(
    "lunarlander_agent",
    "08_bonus",
    4.0,
    "played by the grader: LunarLander-v3, 100 fresh episodes, raw reward",
    returns_in_steps("LunarLander-v3", num_episodes=100, steps=LANDING),
    answer="act",
    preview=returns_in_steps(
        "LunarLander-v3", num_episodes=20, steps=LANDING, remark=" (marks are given for 100)"
    ),
)
