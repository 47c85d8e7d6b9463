"""A rollout at full speed: actions in numpy while the environments run, all the rest in batches."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rlcore.buffer import next_values
from rlcore.models import ActorCritic, GaussianActor
from rlcore.runner import EnvRunner, Trajectory

_CHUNK = 256  # rows: small enough for the cache, large enough that calls do not count


class NumpyPolicy:
    """An actor's actions, computed in numpy on the torch weights' own memory: no copy, no calls.

    For one row, torch spends its time on calling, not on computing. Noise is drawn once for the
    whole rollout; with g from a Gumbel distribution and n from a normal one

        a = argmax_k(z_k + g_k)      is a sample of softmax(z),
        a = μ + σ n                  is a sample of N(μ, σ²).

    Until `begin` is called there is no noise: a is the likeliest action.
    """

    def __init__(self, model: ActorCritic) -> None:
        self.actor = model.actor
        self._layers = [_in_numpy(layer) for layer in self.actor.net]
        self._noise: Iterator[Any] = iter(lambda: 0.0, None)  # without end

    def begin(self, num_steps: int, num_envs: int, rng: np.random.Generator) -> None:
        """Look at the weights and draw the noise of `num_steps` calls of `act`."""
        self._layers = [_in_numpy(layer) for layer in self.actor.net]
        shape: Any = (num_steps, num_envs, self.actor.net[-1].out_features)
        if isinstance(self.actor, GaussianActor):
            noise = rng.standard_normal(shape) * np.exp(_array(self.actor.log_std))
        else:
            noise = rng.gumbel(size=shape)
        self._noise = iter(noise.astype(np.float32))

    def act(self, observations: np.ndarray) -> dict[str, np.ndarray]:
        """`actions`, (N,) int64 or (N, A), for observations (N, obs)."""
        outputs = observations.astype(np.float32, copy=False)
        for layer in self._layers:
            outputs = layer(outputs)
        outputs = outputs + next(self._noise)
        return {"actions": outputs if isinstance(self.actor, GaussianActor) else outputs.argmax(-1)}


def _in_numpy(layer: nn.Module) -> Callable[[Any], Any]:
    """A layer as a function of arrays; one that numpy has no function for is asked itself."""
    if type(layer) is nn.Linear and layer.bias is not None:
        weight, bias = _array(layer.weight).T, _array(layer.bias)
        return lambda rows: rows @ weight + bias
    return _FUNCTIONS.get(type(layer)) or (lambda rows: _array(layer(torch.from_numpy(rows))))


_FUNCTIONS = {nn.Tanh: np.tanh, nn.ReLU: lambda rows: np.maximum(rows, 0.0)}


@torch.no_grad()
def collect(runner: EnvRunner, model: ActorCritic, rng: np.random.Generator) -> Trajectory:
    """The runner's next rollout with `log_probs`, `values` and `next_values`, (T, N) each.

    Args:
        runner: over a list of N environments, with a `NumpyPolicy` of the same model.
        model: whose values and log-probabilities are added, computed once for all steps.
        rng: of the actions.
    """
    runner.policy.begin(runner.nsteps, len(runner.last_observation), rng)  # pyright: ignore
    trajectory = runner.get_next()
    lead = trajectory["rewards"].shape
    rows = (trajectory[key] for key in ("observations", "actions"))
    answers = evaluate_rows(model, *(array.reshape(-1, *array.shape[2:]) for array in rows))
    log_probs, _, values = (answer.cpu().numpy().reshape(lead) for answer in answers)
    trajectory |= {"log_probs": log_probs, "values": values}
    following = next_values(trajectory, lambda seen: model.critic(model.as_input(seen)))
    return trajectory | {"next_values": following}


@torch.no_grad()
def evaluate_rows(model: ActorCritic, observations: Any, actions: Any) -> tuple[Tensor, ...]:
    """Log π, entropy and V of many rows, (B,) each, without gradient, a chunk at a time.

    Args:
        model: whose actor and critic are asked.
        observations: (B, obs), array or tensor.
        actions: (B,) or (B, A), array or tensor.
    """
    inputs = model.as_input(observations)
    rows = inputs, torch.as_tensor(actions, device=inputs.device)
    chunks = zip(*(one.split(_CHUNK) for one in rows), strict=True)
    parts = zip(*(model.evaluate(*chunk) for chunk in chunks), strict=True)
    return tuple(torch.cat(part) for part in parts)


def _array(weight: Any) -> np.ndarray:
    """A view of the weight's memory; on another device, a copy."""
    return weight.detach().cpu().numpy()
