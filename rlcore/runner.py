"""Collect rollouts: `EnvRunner` steps environments with a policy and returns arrays, time first."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

Trajectory = dict[str, Any]
Transform = Callable[[Trajectory, NDArray], None]


class Policy(Protocol):
    """What a runner asks of a policy."""

    def act(self, observations: NDArray) -> Mapping[str, Any]:
        """`actions` for the observations, and whatever else is to be kept (log_probs, values)."""
        ...


class EnvRunner:
    """Rollouts of `nsteps` steps, each going on where the one before stopped.

    A trajectory holds `observations, next_observations, actions, rewards` (float64), `terminated`,
    `truncated` (bool) and every other key that the policy returns: arrays (T, ...) for one plain
    environment, (T, N, ...) for a list of N plain ones or a vector environment. No row is a reset:
    `next_observations[t]` is what step t really led to, the last observation of an ended episode
    included. Actions are clipped to a Box before they reach the environment; the trajectory keeps
    the policy's own.

    Args:
        env: a Gymnasium environment (the policy sees (obs,)), a list of them, or a vector
            environment in SAME_STEP mode (the policy sees (N, obs)).
        policy: has `act(observations)` that returns a dict with `actions`.
        nsteps: T, the steps of one rollout, at least 1.
        transforms: callables `(trajectory, last_observation)`, applied in order; they modify the
            trajectory in place. `last_observation` is where the next rollout starts: behind an
            ended episode it is a reset's.
        seed: of the first reset; None draws one.
        writer: anything with `add_scalar(name, value, step)`, such as TensorBoard's SummaryWriter.

    Raises:
        TypeError: `env` is nothing of the above, or the policy has no `act`.
        ValueError: `nsteps` is no whole number of at least 1, an empty list, or a vector
            environment in another mode.
    """

    def __init__(
        self,
        env: gym.Env | Sequence[gym.Env] | VectorEnv,
        policy: Policy,
        nsteps: int,
        transforms: Sequence[Transform] = (),
        *,
        seed: int | None = None,
        writer: Any = None,
    ) -> None:
        if not isinstance(nsteps, int | np.integer) or nsteps < 1:
            raise ValueError(f"EnvRunner: nsteps is {nsteps}; pass a whole number, at least 1.")
        if not callable(getattr(policy, "act", None)):
            raise TypeError(
                f"EnvRunner: policy is of type {type(policy).__name__} and has no act; give it "
                'a method act(observations) that returns {"actions": ...}.'
            )
        self.env = env
        self.policy = policy
        self.nsteps = nsteps
        self.transforms = tuple(transforms)
        self.writer = writer
        self.scalars: dict[str, tuple[int, float]] = {}
        self._stepper = _stepper(env)
        self.last_observation: NDArray = self._stepper.reset(seed)

    def get_next(self) -> Trajectory:
        """The next rollout, transformed.

        Raises:
            TypeError: the policy's answer is not a dict, or has no `actions`.
            ValueError: a key's shape changes from step to step, or actions are not one a row.
        """
        rows: list[dict[str, NDArray]] = []
        for _ in range(self.nsteps):
            observations = self.last_observation
            answer = self._answer(observations.copy())  # a policy may normalise in place
            outcome, self.last_observation = self._stepper.step(answer["actions"])
            rows.append({"observations": observations, **answer, **outcome})
        trajectory: Trajectory = {key: _stack(key, rows) for key in rows[0]}
        for transform in self.transforms:
            transform(trajectory, self.last_observation.copy())
        return trajectory

    def write(self, name: str, value: Any, step: int) -> None:
        """Log one scalar; `scalars[name]` keeps the latest (step, value)."""
        number = float(value)
        self.scalars[name] = (step, number)
        if self.writer is not None:
            self.writer.add_scalar(name, number, step)

    def _answer(self, observations: NDArray) -> dict[str, NDArray]:
        answer = self.policy.act(observations)
        if not isinstance(answer, Mapping) or "actions" not in answer:
            raise TypeError(
                f"EnvRunner: policy.act returned {_describe(answer)}; "
                'return a dict with "actions", and "log_probs" and "values" if they are to be kept.'
            )
        reserved = _OWN_KEYS & answer.keys()
        if reserved:
            raise ValueError(
                f"EnvRunner: policy.act returned the key {sorted(reserved)[0]!r}, which the runner "
                "fills itself; rename it."
            )
        return {key: _plain_array(value) for key, value in answer.items()}


class AsArray:
    """A transform: every list or tensor of a trajectory becomes an array, time first.

    The runner's own keys are arrays already; this is for what earlier transforms have added.
    """

    def __call__(self, trajectory: Trajectory, last_observation: NDArray) -> None:
        """Convert in place; arrays stay the very same objects."""
        for key, value in trajectory.items():
            if not isinstance(value, np.ndarray):
                trajectory[key] = _plain_array(value)


_OWN_KEYS = {"observations", "next_observations", "rewards", "terminated", "truncated"}
Outcome = dict[str, NDArray]


class _Single:
    """One plain environment; a step gives its outcome and the observation to go on from."""

    def __init__(self, env: gym.Env) -> None:
        self.env = env
        self.clip = _clipper(getattr(env, "action_space", None))

    def reset(self, seed: int | None) -> NDArray:
        return np.array(self.env.reset(seed=seed)[0])

    def step(self, action: NDArray) -> tuple[Outcome, NDArray]:
        answer = self.env.step(_env_action(self.clip(action)))
        if not isinstance(answer, tuple) or len(answer) != 5:
            raise TypeError(
                f"EnvRunner: env.step returned {_describe(answer)}; rlcore needs Gymnasium's five: "
                "observation, reward, terminated, truncated, info."
            )
        observation, reward, terminated, truncated, _ = answer
        successor = np.array(observation)
        outcome = {
            "next_observations": successor,
            "rewards": np.array(float(reward)),
            "terminated": np.array(bool(terminated)),
            "truncated": np.array(bool(truncated)),
        }
        return outcome, self.reset(None) if terminated or truncated else successor


class _Several:
    """A list of plain environments, stepped one after the other."""

    def __init__(self, envs: Sequence[gym.Env]) -> None:
        self.steppers = [_Single(env) for env in envs]

    def reset(self, seed: int | None) -> NDArray:
        seeds = [None if seed is None else seed + i for i in range(len(self.steppers))]
        return np.stack([one.reset(s) for one, s in zip(self.steppers, seeds, strict=True)])

    def step(self, actions: NDArray) -> tuple[Outcome, NDArray]:
        _one_a_row(actions, len(self.steppers))
        steps = [one.step(action) for one, action in zip(self.steppers, actions, strict=True)]
        outcomes, observations = zip(*steps, strict=True)
        outcome = {key: np.stack([one[key] for one in outcomes]) for key in outcomes[0]}
        return outcome, np.stack(observations)


class _Vector:
    """A vector environment that resets an ended episode within the same step."""

    def __init__(self, envs: VectorEnv) -> None:
        mode = envs.metadata.get("autoreset_mode")
        if mode != AutoresetMode.SAME_STEP:
            raise ValueError(
                f"EnvRunner: this vector environment's autoreset_mode is {mode}, in which reset "
                "steps would enter the data; make it with gymnasium.make_vec(id, num_envs=N, "
                'vectorization_mode="sync", vector_kwargs={"autoreset_mode": '
                "gymnasium.vector.AutoresetMode.SAME_STEP})."
            )
        self.envs = envs
        self.clip = _clipper(envs.single_action_space)

    def reset(self, seed: int | None) -> NDArray:
        return np.array(self.envs.reset(seed=seed)[0])

    def step(self, actions: NDArray) -> tuple[Outcome, NDArray]:
        _one_a_row(actions, self.envs.num_envs)
        answer = self.envs.step(self.clip(actions))
        observations, rewards, terminated, truncated, info = answer
        following = np.array(observations)
        successor = following
        over = np.logical_or(terminated, truncated)
        if over.any():
            successor = following.copy()
            successor[over] = np.stack(info["final_obs"][over])
        outcome = {
            "next_observations": successor,
            "rewards": np.array(rewards, dtype=np.float64),
            "terminated": np.array(terminated, dtype=np.bool_),
            "truncated": np.array(truncated, dtype=np.bool_),
        }
        return outcome, following


def _stepper(env: Any) -> _Single | _Several | _Vector:
    if isinstance(env, VectorEnv):
        return _Vector(env)
    if _is_plain(env):
        return _Single(env)
    if isinstance(env, Sequence) and env and all(_is_plain(one) for one in env):
        return _Several(env)
    if isinstance(env, Sequence) and not env:
        raise ValueError("EnvRunner: env is an empty list; pass at least one environment.")
    raise TypeError(
        f"EnvRunner: env is of type {type(env).__name__}; pass a gymnasium.Env, a list of them, "
        "or a vector environment in SAME_STEP mode."
    )


def _is_plain(env: Any) -> bool:
    return callable(getattr(env, "step", None)) and not isinstance(env, VectorEnv)


def _clipper(space: gym.Space | None) -> Callable[[NDArray], NDArray]:
    if isinstance(space, gym.spaces.Box):
        return lambda actions: np.clip(actions, space.low, space.high).astype(space.dtype)
    return lambda actions: actions


def _env_action(action: NDArray) -> Any:
    """A discrete action as the number it is, since not every environment takes a 0-d array."""
    return action.item() if action.ndim == 0 else action


def _one_a_row(actions: NDArray, num_envs: int) -> None:
    if actions.shape[:1] != (num_envs,):
        raise ValueError(
            f"EnvRunner: policy.act returned actions of shape {actions.shape} for {num_envs} "
            f"environments; return one action a row, ({num_envs}, ...)."
        )


def _plain_array(value: Any) -> NDArray:
    """A copy as numpy array; a tensor leaves its graph and device."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.array(value)


def _stack(key: str, rows: list[dict[str, NDArray]]) -> NDArray:
    try:
        return np.stack([row[key] for row in rows])
    except (KeyError, ValueError) as error:
        shapes = sorted({str(row[key].shape) if key in row else "missing" for row in rows})
        raise ValueError(
            f"EnvRunner: policy.act's {key!r} changes from step to step ({', '.join(shapes)}); "
            "return the same keys and shapes at every step."
        ) from error


def _describe(answer: Any) -> str:
    if isinstance(answer, Mapping):
        return f"a dict with the keys {sorted(answer)}"
    if isinstance(answer, tuple):
        return f"{len(answer)} values"
    return f"an object of type {type(answer).__name__}"
