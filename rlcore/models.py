"""Policies and value functions: small networks, the distributions they parameterise, two verbs.

*Collecting data* asks `act`: numpy in, a sampled action out, no gradient. *Optimising* asks
`evaluate`: log-probabilities of actions taken earlier, with the graph that leads to the weights.
"""

import functools
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal

from rlcore.config import Config
from rlcore.envs import check_spaces

Initializer = Callable[[nn.Sequential], None]


def orthogonal(net: nn.Sequential) -> None:
    """Make every weight matrix of `net` orthogonal with gain √2, and every bias zero, in place.

    Saxe et al. 2014, arXiv:1312.6120. Outputs start of the size of the inputs, at any depth.
    """
    for layer in net:
        if isinstance(layer, nn.Linear):
            nn.init.orthogonal_(layer.weight, gain=math.sqrt(2.0))
            nn.init.zeros_(layer.bias)


def zero_last_layer(net: nn.Sequential) -> None:
    """Make the last layer of `net` zero, in place: a uniform policy, a mean of 0, a value of 0."""
    last = [layer for layer in net if isinstance(layer, nn.Linear)][-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)


def mlp(
    sizes: Sequence[int], *, activation: Any = nn.Tanh, initialize: Initializer = orthogonal
) -> nn.Sequential:
    """A multilayer perceptron: linear layers with `activation` between them, none at the end.

    Args:
        sizes: units of input, hidden layers and output, at least two numbers.
        activation: between two layers, nn.Tanh or nn.ReLU.
        initialize: `orthogonal` or `zero_last_layer`.

    Raises:
        ValueError: fewer than two sizes, or one that is no positive whole number.
    """
    if len(sizes) < 2 or any(not isinstance(n, int | np.integer) or n < 1 for n in sizes):
        raise ValueError(f"mlp: sizes is {tuple(sizes)}; pass (inputs, hidden ..., outputs).")
    layers = [layer for i, o in pairwise(sizes) for layer in (nn.Linear(i, o), activation())]
    net = nn.Sequential(*layers[:-1])
    initialize(net)
    return net


class CategoricalActor(nn.Module):
    """A policy over K discrete actions: `net` gives logits z, π(a) = exp(z_a) / Σ_k exp(z_k).

    Args:
        net: (B, obs) → (B, K) logits.
    """

    def __init__(self, net: nn.Sequential) -> None:
        super().__init__()
        self.net = net

    def forward(self, observations: Tensor) -> Distribution:
        """The distribution at (B, obs), a batch of B actions."""
        return Categorical(logits=self.net(observations))

    def evaluate(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Log π(a | s) and entropy of every row, each (B,), entropy in nats.

            log π(a) = z_a − log Σ_k exp(z_k),        H = −Σ_k π(k) log π(k)

        The numbers of `forward`'s distribution, in a third of its time.
        """
        return self.evaluate_outputs(self.net(observations), actions)

    def evaluate_outputs(self, outputs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """The same, from the logits (B, K)."""
        log_pi = torch.log_softmax(outputs, dim=-1)
        log_probs = log_pi.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
        return log_probs, -(log_pi.exp() * log_pi).sum(-1)


class GaussianActor(nn.Module):
    """A policy over A real numbers: `net` gives the mean μ, one learned vector gives log σ.

    Args:
        net: (B, obs) → (B, A) means.
        action_dim: A.
        log_std: where every log σ starts.
    """

    def __init__(self, net: nn.Sequential, action_dim: int, *, log_std: float = 0.0) -> None:
        super().__init__()
        self.net = net
        self.log_std = nn.Parameter(torch.full((action_dim,), log_std))

    def forward(self, observations: Tensor) -> Distribution:
        """The distribution at (B, obs), a batch of B vectors; σ is the same in every state."""
        return Independent(Normal(self.net(observations), self.log_std.exp()), 1)

    def evaluate(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Log π(a | s), a density, and entropy of every row, each (B,), entropy in nats.

            log π(a) = −½ Σ_i ((a_i − μ_i) / σ_i)² − Σ_i log σ_i − A/2 log 2π
            H        = Σ_i log σ_i + A/2 (1 + log 2π)

        The numbers of `forward`'s distribution, in a third of its time.
        """
        return self.evaluate_outputs(self.net(observations), actions)

    def evaluate_outputs(self, outputs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """The same, from the means (B, A)."""
        noise = (actions - outputs) * torch.exp(-self.log_std)
        log_sigma = self.log_std.sum()
        half = 0.5 * self.log_std.numel()
        log_probs = -0.5 * noise.square().sum(-1) - (log_sigma + half * math.log(2 * math.pi))
        entropy = log_sigma + half * (1.0 + math.log(2 * math.pi))
        return log_probs, entropy.expand_as(log_probs)


class Critic(nn.Module):
    """A value function: `net` gives V(s) in the unit of the return.

    Args:
        net: (B, obs) → (B, 1).
    """

    def __init__(self, net: nn.Sequential) -> None:
        super().__init__()
        self.net = net

    def forward(self, observations: Tensor) -> Tensor:
        """V(s) of every row, (B,): the last axis is gone."""
        return self.net(observations).squeeze(-1)


class ActorCritic(nn.Module):
    """A policy and its value function.

    Args:
        actor: `CategoricalActor` or `GaussianActor`.
        critic: `Critic`; with a shared trunk its net begins with the actor's own layers.
    """

    def __init__(self, actor: CategoricalActor | GaussianActor, critic: Critic) -> None:
        super().__init__()
        self.actor, self.critic = actor, critic

    def evaluate(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log π(a | s), entropy and V(s) of every row, each (B,), with gradient: for optimising.

        Args:
            observations: (B, obs).
            actions: (B,) int64, or (B, A).
        """
        return *self.actor.evaluate(observations, actions), self.critic(observations)

    @torch.no_grad()
    def act(
        self, observations: np.ndarray, *, deterministic: bool = False
    ) -> dict[str, np.ndarray]:
        """`actions`, `log_probs` and `values` for observations, without gradient: for collecting.

        Args:
            observations: (obs,) or (B, obs), numbers of any type.
            deterministic: the likeliest action or the mean, not a sample.

        Returns:
            numpy arrays: `actions` () or (B,) int64, or (A,) or (B, A); the others () or (B,).
            Samples come from torch's generator: torch.manual_seed repeats them.
        """
        inputs = self.as_input(np.asarray(observations))
        if deterministic:
            outputs = self.actor.net(inputs)
            actions = outputs if isinstance(self.actor, GaussianActor) else outputs.argmax(-1)
        else:
            actions = self.actor(inputs).sample()
        log_probs, _, values = self.evaluate(inputs, actions)
        answers = {"actions": actions, "log_probs": log_probs, "values": values}
        return {name: answer.cpu().numpy() for name, answer in answers.items()}

    def as_input(self, observations: Any) -> Tensor:
        """Observations, array or tensor of any shape, in the weights' type and on their device."""
        return torch.as_tensor(observations).to(next(self.parameters()))


def make_model(
    config: Config, observation_space: gym.Space, action_space: gym.Space
) -> ActorCritic:
    """The networks that fit a config and an environment's spaces, drawn from torch's generator.

    "vpg": ReLU, `zero_last_layer`, log σ = −0.5. "ppo": tanh, `orthogonal`, log σ = 0.

    Args:
        config: its `algorithm, hidden_sizes, shared_trunk, device` count; with a shared trunk the
            hidden layers are one and the same for actor and critic.
        observation_space: a Box of one axis.
        action_space: Discrete (a softmax policy) or a Box of one axis (a Gaussian one).

    Raises:
        ValueError: spaces of another kind.
    """
    check_spaces("make_model", observation_space, action_space)
    vpg, inputs = config.algorithm == "vpg", gym.spaces.flatdim(observation_space)
    relu = functools.partial(nn.ReLU, inplace=True)
    activation, initialize = (relu, zero_last_layer) if vpg else (nn.Tanh, orthogonal)
    outputs = gym.spaces.flatdim(action_space)  # n of a Discrete, A of a Box
    nets = [
        mlp((inputs, *config.hidden_sizes, last), activation=activation, initialize=initialize)
        for last in (outputs, 1)
    ]
    if config.shared_trunk:
        nets[1] = nn.Sequential(*list(nets[0])[:-1], nets[1][-1])
    if isinstance(action_space, gym.spaces.Discrete):
        actor = CategoricalActor(nets[0])
    else:
        actor = GaussianActor(nets[0], outputs, log_std=-0.5 if vpg else 0.0)
    return ActorCritic(actor, Critic(nets[1])).to(config.device)
