"""Running statistics that bring observations and rewards to the size networks like."""

from typing import Any

import numpy as np
from gymnasium.wrappers.utils import RunningMeanStd


class Normalizer:
    """Mean and variance of observations, and the variance of the discounted return.

        s̃ = clip((s − mean) / √(var + 10⁻⁸), −10, 10)
        r̃ = clip(r / √(var_G + 10⁻⁸), −10, 10),        G_t = r_t + γ (1 − over_{t−1}) G_{t−1}

    Rewards are scaled, not centred: a shift would change which policy is best. The statistics move
    once per rollout, in `normalize`; between two rollouts, and in evaluation, they stand still, so
    that a stored observation and its log-probability belong together.

    Args:
        shape: of one observation.
        gamma: discount γ of the return G.
    """

    def __init__(self, shape: tuple[int, ...], *, gamma: float = 0.99) -> None:
        self.gamma = gamma
        self.seen, self.returns = RunningMeanStd(shape=shape), RunningMeanStd(shape=())
        self.restart()

    def restart(self) -> None:
        """Forget the returns of running episodes: the environments start anew."""
        self._running: Any = 0.0

    def observations(self, observations: Any) -> np.ndarray:
        """s̃ for observations (..., obs), float32; changes nothing."""
        scaled = (np.asarray(observations) - self.seen.mean) / np.sqrt(self.seen.var + 1e-8)
        return np.minimum(np.maximum(scaled, -10.0), 10.0).astype(np.float32)

    def rewards(self, rewards: Any) -> np.ndarray:
        """r̃ for rewards of any shape; changes nothing."""
        return np.clip(np.asarray(rewards) / np.sqrt(self.returns.var + 1e-8), -10.0, 10.0)

    def normalize(self, trajectory: dict[str, Any]) -> None:
        """Replace the observations and rewards of a rollout (T, N, ...), then learn from them.

        Observations are replaced with the statistics they were collected under, rewards with those
        that include them.
        """
        seen = trajectory["observations"]
        for key in ("observations", "next_observations"):
            trajectory[key] = self.observations(trajectory[key])
        self.seen.update(seen.reshape(-1, seen.shape[-1]))
        returns = np.empty_like(trajectory["rewards"])
        for t, reward in enumerate(trajectory["rewards"]):
            returns[t] = self._running = reward + self.gamma * self._running
            over = trajectory["terminated"][t] | trajectory["truncated"][t]
            self._running = np.where(over, 0.0, self._running)
        self.returns.update(returns.reshape(-1))
        trajectory["rewards"] = self.rewards(trajectory["rewards"])

    def state(self) -> dict[str, np.ndarray]:
        """Everything to save, as arrays by name: mean, variance and count of each."""
        arrays = {"normalizer/gamma": np.array(self.gamma)}
        for name, one in (("seen", self.seen), ("returns", self.returns)):
            parts = np.broadcast_arrays(one.mean, one.var, one.count)
            arrays[f"normalizer/{name}"] = np.stack(parts)
        return arrays

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> "Normalizer":
        """The normalizer whose `state` that was."""
        own = cls(state["normalizer/seen"].shape[1:], gamma=float(state["normalizer/gamma"]))
        own.seen.mean, own.seen.var, own.seen.count = state["normalizer/seen"]
        own.returns.mean, own.returns.var, own.returns.count = state["normalizer/returns"]
        return own
