"""Environments that are played side by side, for one episode each."""

import importlib
import math
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.wrappers import OrderEnforcing, TimeLimit
from numpy.typing import NDArray

import rlcore
from grader.exercises.lander import Lander

# Observations (n, obs), rewards (n,), and who goes on, (n,), of n that were stepped.
Stepped = tuple[NDArray[Any], NDArray[np.float64], NDArray[np.bool_]]


class OneByOne:
    """Any environments, one after the other.

    Args:
        env_id, num: which, and how many of them.
        seed: of the first; the k-th after it starts from seed + k.

    Raises:
        ImportError: a package is missing that they need.
    """

    def __init__(self, env_id: str, num: int, seed: int) -> None:
        first = rlcore.make_env(env_id)
        self.action_space = first.action_space
        self._left: float = getattr(first.spec, "max_episode_steps", None) or math.inf
        self.envs = [first, *(_another(first, env_id) for _ in range(num - 1))]
        self._bare = [_bare(env) for env in self.envs]
        resets = [env.reset(seed=seed + k) for k, env in enumerate(self._bare)]
        self.observations = np.array([observation for observation, _ in resets])  # (num, obs)

    def step(self, which: NDArray[np.int64], actions: Sequence[Any]) -> Stepped:
        """Take one step in those of these numbers.

        Args:
            which: (n,), ascending: who went on after the step before.
            actions: n of them, which the action space contains.
        """
        self._left -= 1
        steps = [self._bare[k].step(a) for k, a in zip(which.tolist(), actions, strict=True)]
        observations, rewards, terminated, truncated, _ = zip(*steps, strict=True)
        goes_on = ~(np.array(terminated) | np.array(truncated)) & (self._left > 0)
        return np.array(observations), np.array(rewards, dtype=np.float64), goes_on

    def close(self) -> None:
        """Let go of them."""
        for env in self.envs:
            env.close()


class Cheetahs(OneByOne):
    """`HalfCheetah-v5`: one simulator, given the state of each in turns, stays in the cache.

    MuJoCo steps; what gymnasium does beside it is done for all at once:

        observation = (q without x, q̇),        r = w (x′ − x) / Δt − c Σ_i a_i²
    """

    def __init__(self, env_id: str, num: int, seed: int) -> None:
        super().__init__(env_id, 1, seed)
        self._mujoco = mujoco = importlib.import_module("mujoco")
        self._body: Any = self.envs[0].unwrapped
        self._all = int(mujoco.mjtState.mjSTATE_INTEGRATION)  # that the next step hangs on
        model, data = self._body.model, self._body.data
        size = mujoco.mj_stateSize(model, self._all)
        before = mujoco.mj_stateSize(model, self._all & int(mujoco.mjtState.mjSTATE_CTRL) - 1)
        self._controls = slice(before, before + model.nu)
        self._states = np.empty((num, size))
        self._each = list(self._states)
        for k, state in enumerate(self._each):
            self.envs[0].reset(seed=seed + k)
            mujoco.mj_getState(model, data, state, self._all)
        self._seen = slice(2, 1 + model.nq + model.nv)  # time, x, the rest of q, q̇, and more
        self.observations = self._states[:, self._seen].copy()

    def step(self, which: NDArray[np.int64], actions: Sequence[Any]) -> Stepped:
        """What gymnasium gives, bit by bit; `which` is everybody, for all end when time is up."""
        body, before = self._body, self._states[:, 1].copy()
        model, data, mujoco, whole = body.model, body.data, self._mujoco, self._all
        self._states[:, self._controls] = actions
        for state in self._each:
            mujoco.mj_setState(model, data, state, whole)
            mujoco.mj_step(model, data, nstep=body.frame_skip)
            mujoco.mj_getState(model, data, state, whole)
        self._left -= 1
        forward = body._forward_reward_weight * ((self._states[:, 1] - before) / body.dt)
        cost = body._ctrl_cost_weight * np.square(np.array(actions)).sum(axis=1)
        observations = self._states[:, self._seen].copy()
        return observations, forward - cost, np.full(len(which), self._left > 0)


class Landers(OneByOne):
    """`LunarLander-v3`: Box2D steps; what gymnasium does beside it is done for all at once.

    Of position (x, y), angle θ and legs c on the ground, as they are observed:

        Φ = −100 (√(x² + y²) + √(ẋ² + ẏ²) + |θ|) + 10 (c₁ + c₂),        r = Φ′ − Φ − fuel

    but r = −100 for a crash or a flight out of sight, and 100 for a rest.
    """

    def __init__(self, env_id: str, num: int, seed: int) -> None:
        super().__init__(env_id, num, seed)
        bodies: list[Any] = [env.unwrapped for env in self._bare]
        numbers = 2 * int(self._left)
        self._landers = [Lander(b, b.np_random.uniform(-1.0, 1.0, numbers)) for b in bodies]
        self._potential = np.array([body.prev_shaping for body in bodies])
        moon: Any = importlib.import_module("gymnasium.envs.box2d.lunar_lander")
        wide, high, self._rate = moon.VIEWPORT_W / 2, moon.VIEWPORT_H / 2, moon.FPS
        self._wide, self._high = wide / moon.SCALE, high / moon.SCALE
        self._pads = np.array([body.helipad_y + moon.LEG_DOWN / moon.SCALE for body in bodies])

    def step(self, which: NDArray[np.int64], actions: Sequence[Any]) -> Stepped:
        """What gymnasium gives, bit by bit."""
        landers, self._left = self._landers, self._left - 1
        seen = [landers[k].step(a) for k, a in zip(which.tolist(), actions, strict=True)]
        x, y, speed_x, speed_y, angle, turning, *legs, crashed, awake = np.array(seen).T
        x, y = (x - self._wide) / self._wide, (y - self._pads[which]) / self._high
        speed_x, speed_y = speed_x * self._wide / self._rate, speed_y * self._high / self._rate
        far, fast = np.sqrt(x * x + y * y), np.sqrt(speed_x * speed_x + speed_y * speed_y)
        potential = -100 * far - 100 * fast - 100 * abs(angle) + 10 * legs[0] + 10 * legs[1]
        main, none = (np.array(actions) == 2), (np.array(actions) == 0)
        rewards = potential - self._potential[which] - 0.3 * main - 0.03 * (~main & ~none)
        self._potential[which] = potential
        lost, rests = (crashed > 0) | (abs(x) >= 1.0), awake == 0
        rewards = np.where(rests, 100.0, np.where(lost, -100.0, rewards))
        turning = 20.0 * turning / self._rate
        state = np.stack([x, y, speed_x, speed_y, angle, turning, *legs], axis=1)
        return state.astype(np.float32), rewards, ~(lost | rests) & (self._left > 0)


class _Trusted(gym.spaces.Discrete):
    """Actions that have been looked at already; `step` would look again."""

    def contains(self, x: Any) -> bool:
        """True."""
        return True


def _another(env: gym.Env, env_id: str) -> gym.Env:
    """One more like it, without what `_bare` takes off: `gym.make` would take longer."""
    body = env.unwrapped
    if _bare(env) is body and body.spec is not None:
        return type(body)(**body.spec.kwargs)
    return rlcore.make_env(env_id)


def _bare(env: gym.Env) -> gym.Env:
    """The environment without what only counts steps or watches their order."""
    while isinstance(env, OrderEnforcing | TimeLimit):
        env = env.env
    if isinstance(space := env.action_space, gym.spaces.Discrete):
        env.action_space = _Trusted(space.n, start=space.start)
    return env


def side_by_side(env_id: str, num: int, seed: int) -> OneByOne:
    """`num` environments of this id, reset; see `OneByOne`."""
    kinds = {"HalfCheetah-v5": Cheetahs, "LunarLander-v3": Landers}
    return kinds.get(env_id, OneByOne)(env_id, num, seed)
