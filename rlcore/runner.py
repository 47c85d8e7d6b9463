"""Collect rollouts: `EnvRunner` steps environments with a policy and returns arrays, time first."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rlcore.envs import make_stepper
from rlcore.normalizer import Normalizer

Trajectory = dict[str, Any]


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
        policy: has `act(observations)` that returns a dict with `actions`, and with whatever else
            is to be kept, such as `log_probs` and `values`.
        nsteps: T, the steps of one rollout, at least 1.
        transforms: callables `(trajectory, last_observation)`, applied in order; they modify the
            trajectory in place. `last_observation` is where the next rollout starts: behind an
            ended episode it is a reset's.

    Attributes:
        normalizer: None, or a `Normalizer` to assign before the first rollout: then the policy
            sees, and the trajectory holds, observations and rewards in its units; its statistics
            are updated after each rollout.
        finished: (return, length) of every episode that ended in the last rollout, raw rewards.
        writer: None, or anything to assign that has `add_scalar(name, value, step)`, such as
            TensorBoard's SummaryWriter.
        scalars: the latest (step, value) of every name written.

    Raises:
        TypeError: `env` is nothing of the above.
        ValueError: `nsteps` is no whole number of at least 1, or a vector environment in another
            mode.
    """

    normalizer: Normalizer | None = None
    writer: Any = None

    def __init__(self, env: Any, policy: Any, nsteps: int, transforms: Any = ()) -> None:
        if not isinstance(nsteps, int | np.integer) or nsteps < 1:
            raise ValueError(f"EnvRunner: nsteps is {nsteps}; pass a whole number, at least 1.")
        self.env, self.policy, self.nsteps, self.transforms = env, policy, nsteps, transforms
        self.scalars: dict[str, tuple[int, float]] = {}
        self._stepper, self._one = make_stepper(env)
        self.reset()

    def reset(self, seed: int | None = None) -> None:
        """Start new episodes everywhere; those that were running are dropped, without a row.

        Args:
            seed: of the environments, the k-th gets seed + k; None draws one.
        """
        self._observations = self._stepper.reset(seed)
        self._so_far = np.zeros((2, len(self._observations)))
        self.finished: list[tuple[float, int]] = []
        if self.normalizer is not None:
            self.normalizer.restart()

    @property
    def last_observation(self) -> np.ndarray:
        """Where the next rollout starts, as the environment gave it."""
        return self._observations[0] if self._one else self._observations

    def get_next(self) -> Trajectory:
        """The next rollout, transformed.

        Raises:
            TypeError: the policy's answer is not a dict, or has no `actions`.
            ValueError: a key's shape changes from step to step, or actions are not one a row.
            FloatingPointError: an environment returned a NaN or an infinity; says where.
        """
        trajectory = self._collect()
        _check_finite(trajectory)
        self._count_episodes(trajectory)
        last_observation = self._as_seen()
        if self.normalizer is not None:
            self.normalizer.normalize(trajectory)
        if self._one:
            trajectory |= {key: trajectory[key][:, 0] for key in _OWN_KEYS}
        for transform in self.transforms:
            transform(trajectory, last_observation)
        return trajectory

    def write(self, name: str, value: Any, step: int) -> None:
        """Log one number or 0-d tensor; `scalars[name]` keeps the latest (step, value)."""
        number = float(value.item() if hasattr(value, "item") else value)
        self.scalars[name] = (step, number)
        if self.writer is not None:
            self.writer.add_scalar(name, number, step)

    def _collect(self) -> Trajectory:
        """The runner's own keys as (T, N, ...), the policy's as it gave them, time first."""
        lead = (self.nsteps, len(self._observations))
        observations = np.empty((self.nsteps, *self._observations.shape), self._observations.dtype)
        own = {"next_observations": np.empty_like(observations), "rewards": np.zeros(lead)}
        own |= {key: np.zeros(lead, dtype=np.bool_) for key in ("terminated", "truncated")}
        answers = []
        for t, row in enumerate(zip(*own.values(), strict=True)):
            observations[t] = self._observations
            answers.append(self._answer(self._as_seen()))
            actions = answers[t]["actions"]
            self._observations = self._stepper.step(actions[None] if self._one else actions, row)
        self._observations = self._observations.copy()
        kept = {key: _stack(key, answers) for key in answers[0]}
        return {**kept, "observations": observations, **own}

    def _as_seen(self) -> np.ndarray:
        """The observations as the policy sees them, its own copy: it may change them in place."""
        seen = self.last_observation
        return seen.copy() if self.normalizer is None else self.normalizer.observations(seen)

    def _answer(self, observations: np.ndarray) -> dict[str, np.ndarray]:
        answer = self.policy.act(observations)
        if not isinstance(answer, Mapping) or "actions" not in answer:
            came = f"EnvRunner: policy.act returned {type(answer).__name__} {answer}; return a dict"
            raise TypeError(f'{came} with "actions", and what else is to be kept.')
        arrays = {key: as_array(value) for key, value in answer.items()}
        if not self._one and arrays["actions"].shape[:1] != (len(observations),):
            came = f"EnvRunner: policy.act returned actions of shape {arrays['actions'].shape} for"
            raise ValueError(f"{came} {len(observations)} environments; return one action a row.")
        return arrays

    def _count_episodes(self, trajectory: Trajectory) -> None:
        """Fill `finished`: sums of raw rewards and of steps up to the ends of episodes."""
        self.finished, rewards = [], trajectory["rewards"]
        sums = self._so_far + np.cumsum(np.stack([rewards, np.ones_like(rewards)], axis=1), axis=0)
        for t, n in np.argwhere(trajectory["terminated"] | trajectory["truncated"]):
            self.finished.append((float(sums[t, 0, n]), int(sums[t, 1, n])))
            sums[t:, :, n] -= sums[t, :, n].copy()
        self._so_far = sums[-1]


_OWN_KEYS = {"observations", "next_observations", "rewards", "terminated", "truncated"}


def as_array(value: Any) -> np.ndarray:
    """A copy as numpy array; a tensor leaves its graph and device."""
    return np.array(value.detach().cpu().numpy() if hasattr(value, "detach") else value)


def _stack(key: str, rows: list[dict[str, np.ndarray]]) -> np.ndarray:
    try:
        return np.stack([row[key] for row in rows])
    except (KeyError, ValueError) as error:
        shapes = sorted({str(row[key].shape) if key in row else "missing" for row in rows})
        came = f"EnvRunner: policy.act's {key!r} changes from step to step: {', '.join(shapes)}"
        raise ValueError(f"{came}; return the same keys and shapes.") from error


def _check_finite(trajectory: Trajectory) -> None:
    for key in ("next_observations", "rewards"):
        for t, n, *_ in np.argwhere(~np.isfinite(trajectory[key])):
            came = f"EnvRunner: {key} of step {t} in environment {n} is not finite"
            action = trajectory["actions"][t].tolist()
            raise FloatingPointError(f"{came}, after the action {action}; look at its size.")
