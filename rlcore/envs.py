"""Environments: made by their id, and stepped one or many at a time for `EnvRunner`."""

import contextlib
import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.wrappers import FlattenObservation


def make_env(env_id: str, *, max_ep_len: int = 0, render_mode: str | None = None) -> gym.Env:
    """The environment of that id, its observations flattened to one axis.

    It prints nothing, nor does MuJoCo's C library, which otherwise writes to stderr and a file;
    pybullet's prints a line to stdout all the same, where its first environment starts.

    Args:
        env_id: a Gymnasium id, such as "CartPole-v1"; "HalfCheetahBulletEnv-v0" needs `pybullet`.
        max_ep_len: truncates episodes after so many steps, besides its own limit; 0: never.
        render_mode: "rgb_array" for frames; works without a display.

    Raises:
        ValueError: no such environment, or spaces that rlcore has no policy for.
        ImportError: a package is missing; says which extra to install.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    if sys.platform == "linux" and "DISPLAY" not in os.environ:
        os.environ.setdefault("MUJOCO_GL", "egl")
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "builtin type .* has no __module__", DeprecationWarning)
        env = _make(env_id, max_ep_len, render_mode)
    if isinstance(env.observation_space, gym.spaces.Box) and len(env.observation_space.shape) != 1:
        env = FlattenObservation(env)
    check_spaces(f"make_env: in {env_id}", env.observation_space, env.action_space)
    return env


def default_env_id() -> str:
    """LunarLander-v3 where Box2D is installed, else CartPole-v1."""
    return "LunarLander-v3" if importlib.util.find_spec("Box2D") else "CartPole-v1"


def check_spaces(where: str, observation_space: gym.Space, action_space: gym.Space) -> None:
    """Nothing if rlcore has networks for these spaces, else a ValueError saying which it has."""
    vectors = [
        isinstance(space, gym.spaces.Box) and len(space.shape) == 1
        for space in (observation_space, action_space)
    ]
    discrete = isinstance(action_space, gym.spaces.Discrete) and action_space.start == 0
    if not (vectors[0] and (vectors[1] or discrete)):
        came = f"{where} observations are {observation_space} and actions are {action_space}"
        need = "a Box of one axis, and Discrete(n) or a Box of one axis"
        raise ValueError(f"{came}; rlcore needs {need}: see FlattenObservation, TransformAction.")


def action_clipper(action_space: gym.Space | None) -> Callable[[np.ndarray], np.ndarray]:
    """A function that clips actions to a Box, in its dtype; other spaces' pass through."""
    if not isinstance(action_space, gym.spaces.Box):
        return lambda actions: actions
    low, high, dtype = action_space.low, action_space.high, action_space.dtype
    return lambda actions: np.minimum(np.maximum(actions, low), high).astype(dtype, copy=False)


def _make(env_id: str, max_ep_len: int, render_mode: str | None) -> gym.Env:
    try:
        if "Bullet" in env_id:
            with _without_stderr():
                importlib.import_module("pybullet")
            importlib.import_module("pybullet_envs_gymnasium")
        spec = gym.spec(env_id)
        limits = [limit for limit in (max_ep_len, spec.max_episode_steps) if limit]
        options: Any = {"render_mode": render_mode, "max_episode_steps": min(limits, default=None)}
        mujoco = "gymnasium.envs.mujoco" in str(spec.entry_point)
        if mujoco:
            importlib.import_module("mujoco").set_mju_user_warning(lambda message: None)
            options["camera_name"] = "track"  # else who runs leaves the picture
        env = gym.make(spec, disable_env_checker=True, **options)
        if mujoco and render_mode:  # where software draws, shadows of 4096² take most of the time
            quality: Any = getattr(env.unwrapped, "model").vis.quality  # noqa: B009 - no base has it
            quality.shadowsize, quality.offsamples = 1024, 0
        return env
    except (gym.error.DependencyNotInstalled, ModuleNotFoundError) as error:
        known = [extra for extra in ("box2d", "mujoco", "pybullet") if extra in str(error).lower()]
        how = f"pip install -c constraints.txt -e '.[{known[0]}]'" if known else error
        raise ImportError(f"make_env: {env_id} needs a package that is missing: {how}") from error
    except (gym.error.Error, ImportError) as error:
        raise ValueError(f"make_env: there is no environment {env_id!r}: {error}") from error


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    """Nothing reaches stderr, from C either."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class Listed:
    """Plain environments, stepped one after the other: nothing is faster for cheap ones."""

    def __init__(self, envs: Sequence[gym.Env]) -> None:
        self.envs, self.clip = envs, action_clipper(getattr(envs[0], "action_space", None))

    def reset(self, seed: int | None) -> np.ndarray:
        """First observations, (N, obs); the k-th environment's seed is seed + k."""
        seeds = [None if seed is None else seed + k for k in range(len(self.envs))]
        first = np.stack([env.reset(seed=s)[0] for env, s in zip(self.envs, seeds, strict=True)])
        return first.astype(np.result_type(first, np.float32), copy=False)

    def step(self, actions: np.ndarray, row: Sequence[np.ndarray]) -> np.ndarray:
        """The observations to go on from, (N, obs); fills the row with what the step led to.

        Args:
            actions: one a row.
            row: successors (N, obs), rewards, terminated, truncated (N,).
        """
        successors, rewards, terminated, truncated = row
        observations = successors
        # not every environment takes a 0-d array for a discrete action: hence Python's own numbers
        for i, action in enumerate(actions.tolist() if actions.ndim == 1 else self.clip(actions)):
            successors[i], rewards[i], terminated[i], truncated[i], _ = self.envs[i].step(action)
            if terminated[i] or truncated[i]:
                observations = successors.copy() if observations is successors else observations
                observations[i] = self.envs[i].reset()[0]
            elif observations is not successors:
                observations[i] = successors[i]
        return observations


class Vector:
    """A vector environment that resets an ended episode within the same step; as `Listed`."""

    def __init__(self, envs: VectorEnv) -> None:
        mode = envs.metadata.get("autoreset_mode")
        if mode != AutoresetMode.SAME_STEP:
            came = f"EnvRunner: in autoreset_mode {mode} reset steps would enter the data; make the"
            how = '{"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP}'
            raise ValueError(f"{came} environment by gymnasium.make_vec with vector_kwargs={how}.")
        self.envs, self.clip = envs, action_clipper(envs.single_action_space)

    def reset(self, seed: int | None) -> np.ndarray:
        """First observations, (N, obs)."""
        return np.array(self.envs.reset(seed=seed)[0])

    def step(self, actions: np.ndarray, row: Sequence[np.ndarray]) -> np.ndarray:
        """The observations to go on from, (N, obs); fills the row with what the step led to."""
        successors, rewards, terminated, truncated = row
        answer = self.envs.step(self.clip(actions))
        successors[:], rewards[:], terminated[:], truncated[:], info = answer
        observations = successors.copy()
        for i in np.flatnonzero(terminated | truncated):
            successors[i] = info["final_obs"][i]
        return observations


def make_stepper(env: Any) -> tuple[Listed | Vector, bool]:
    """What steps `env`, and whether it is one plain environment.

    Raises:
        TypeError: `env` is no environment. ValueError: an empty list, another autoreset mode.
    """
    if isinstance(env, VectorEnv):
        return Vector(env), False
    if callable(getattr(env, "step", None)):
        return Listed([env]), True
    if not isinstance(env, list | tuple) or not env:
        came = f"EnvRunner: env is {env!r}"
        raise TypeError(f"{came}; pass a gymnasium.Env, a list of them, or a SAME_STEP VectorEnv.")
    return Listed(env), False
