"""From a trajectory to minibatches: small transforms that change a dict in place, and a buffer."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rlcore.advantages import discounted_returns, gae
from rlcore.runner import Trajectory, as_array

Batch = dict[str, Tensor]


class AsArray:
    """Every list or tensor of a trajectory becomes an array, time first.

    The runner's own keys are arrays already; this is for what earlier transforms have added.
    """

    def __call__(self, trajectory: Trajectory, last_observation: np.ndarray) -> None:
        """Convert in place; arrays stay the very same objects."""
        for key, value in trajectory.items():
            trajectory[key] = value if isinstance(value, np.ndarray) else as_array(value)


class GAE:
    """Adds `advantages` and `value_targets` (raw advantages + values) to a trajectory.

    Args:
        policy: `act(observations)` takes (B, obs) and returns a dict with `values` (B,).
        gamma: discount γ.
        gae_lambda: λ.
    """

    def __init__(self, policy: Any, gamma: float = 0.99, gae_lambda: float = 0.95) -> None:
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory: Trajectory, last_observation: np.ndarray) -> None:
        """Add both keys in place, float64, of the shape of the rewards."""
        following = next_values(trajectory, lambda seen: self.policy.act(seen)["values"])
        known = trajectory | {"next_values": following}
        trajectory["advantages"] = _advantages(known, self.gamma, self.gae_lambda)
        trajectory["value_targets"] = trajectory["advantages"] + trajectory["values"]


class NormalizeAdvantages:
    """Replaces `advantages` by (Â − mean) / (std + 10⁻⁸), in a minibatch or a whole trajectory.

    The array itself is left alone: in a minibatch it may be a view of the trajectory's.
    """

    def __call__(self, batch: dict[str, Any], last_observation: np.ndarray | None = None) -> None:
        """Replace the key in place."""
        batch["advantages"] = _normalized(batch["advantages"])


class PyTorchify:
    """Replaces every array by a tensor: floats as float32, whole numbers as int64.

    Args:
        device: where the tensors go, such as "cpu" or "cuda".
    """

    def __init__(self, device: str | torch.device = "cpu") -> None:
        self.device = device

    def __call__(self, batch: dict[str, Any], last_observation: np.ndarray | None = None) -> None:
        """Replace the values in place; tensors are moved, anything else stays."""
        for key, value in batch.items():
            if isinstance(value, np.ndarray | Tensor):
                tensor = torch.as_tensor(value, device=self.device)
                whole = torch.bool if tensor.dtype == torch.bool else torch.int64
                batch[key] = tensor.to(torch.float32 if tensor.is_floating_point() else whole)


class RolloutBuffer:
    """Holds one rollout of T steps in N environments as T·N rows; `fill` replaces the last one.

    Its `rows` are tensors by name: `observations, actions, log_probs, values, psi, returns,
    value_targets`.

        Ψ_t = Â_t                      psi_mode "gae"
        Ψ_t = R_t                      psi_mode "future_return", the discounted return to go
        psi = (Ψ − mean Ψ) / (std Ψ + 10⁻⁸)     over the rollout
        value_targets_t = Â_t + V(s_t)

    Schulman et al. 2016, arXiv:1506.02438, eq. 1, items 6 and 2, and eq. 16.

    Args:
        gamma: discount γ.
        gae_lambda: λ.
        psi_mode: "gae" or "future_return".
        device: where the tensors live.

    Raises:
        ValueError: another `psi_mode`.
    """

    def __init__(self, *, gamma: float, gae_lambda: float, psi_mode: str, device: str) -> None:
        if psi_mode not in ("gae", "future_return"):
            raise ValueError(f"RolloutBuffer: psi_mode is {psi_mode!r}; pass gae or future_return.")
        self.gamma, self.gae_lambda, self.psi_mode = gamma, gae_lambda, psi_mode
        self.rows: Batch = {}
        self._to_torch = PyTorchify(device)

    def fill(self, trajectory: Trajectory) -> None:
        """Take over a rollout and work out its advantages, returns and Ψ.

        Args:
            trajectory: arrays (T, N, ...): what the runner gives, with `log_probs`, `values` and
                `next_values` (V of the true successors).

        Raises:
            ValueError: shapes differ; names the one.
        """
        advantages = _advantages(trajectory, self.gamma, self.gae_lambda)
        returns = discounted_returns(*(trajectory[k] for k in _BEHIND_RETURNS), gamma=self.gamma)
        kept = {key: trajectory[key] for key in ("observations", "actions", "log_probs", "values")}
        kept["psi"] = _normalized(advantages if self.psi_mode == "gae" else returns)
        kept |= {"returns": returns, "value_targets": advantages + trajectory["values"]}
        self.rows = {key: rows.reshape(-1, *rows.shape[2:]) for key, rows in kept.items()}
        self._to_torch(self.rows)

    def minibatches(self, num_minibatches: int, *, rng: np.random.Generator) -> Iterator[Batch]:
        """One epoch: every row exactly once, in a new order, the parts' sizes at most one apart."""
        order = torch.from_numpy(rng.permutation(len(self.rows["psi"]))).to(self.rows["psi"].device)
        parts = [rows[order].tensor_split(num_minibatches) for rows in self.rows.values()]
        return (dict(zip(self.rows, part, strict=True)) for part in zip(*parts, strict=True))


def next_values(trajectory: Trajectory, value: Callable[[np.ndarray], Any]) -> np.ndarray:
    """V(s'_t) of the true successor of every step, of the shape of `values`.

    V(s_{t+1}) stands in `values` already wherever the episode goes on; only where one ended, and
    behind the last step, the value function is asked.

    Args:
        trajectory: has `values`, `next_observations`, `terminated`, `truncated`.
        value: (B, obs) → (B,).
    """
    stops = trajectory["terminated"] | trajectory["truncated"]
    stops[-1] = True
    following = np.empty(stops.shape)
    following[:-1] = trajectory["values"][1:]
    following[stops] = as_array(value(trajectory["next_observations"][stops]))
    return following


_BEHIND_RETURNS = ("rewards", "next_values", "terminated", "truncated")


def _advantages(trajectory: Trajectory, gamma: float, gae_lambda: float) -> np.ndarray:
    rewards, *rest = (trajectory[key] for key in _BEHIND_RETURNS)
    return gae(rewards, trajectory["values"], *rest, gamma=gamma, gae_lambda=gae_lambda)


def _normalized(numbers: Any) -> Any:
    """(x − mean) / (std + 10⁻⁸) over all of them; zeros where they do not vary."""
    return (numbers - numbers.mean()) / (numbers.std() + 1e-8)
