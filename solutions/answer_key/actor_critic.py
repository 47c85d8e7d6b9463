"""Answer key of actor_critic: the right answers. The wrong ones are in four files beside it."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

from grader.exercise import AnswerKey

from .actor_critic_layers import WRONG_LAYERS
from .actor_critic_returns import WRONG_RETURNS
from .actor_critic_start import WRONG_START
from .actor_critic_variance import WRONG_VARIANCE


class Reference(nn.Module):
    """Two trunks of bare parameters; orthogonal matrices from a QR decomposition; exp(2 log σ)."""

    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.matrices, self.biases = nn.ParameterList(), nn.ParameterList()
        for outputs in (action_dim, 1):
            for rows, columns in ((64, obs_dim), (64, 64), (outputs, 64)):
                noise = torch.randn(max(rows, columns), min(rows, columns), dtype=torch.float64)
                q, r = torch.linalg.qr(noise)
                q = q * torch.sign(torch.diagonal(r))
                weights = q if rows >= columns else q.T
                self.matrices.append(nn.Parameter((math.sqrt(2.0) * weights).float()))
                self.biases.append(nn.Parameter(torch.zeros(rows)))
        self.log_sigma = nn.Parameter(torch.zeros(action_dim))

    def _head(self, states, first):
        hidden = states
        for layer in range(first, first + 3):
            sums = torch.addmm(self.biases[layer], hidden, self.matrices[layer].T)
            hidden = 2.0 * torch.sigmoid(2.0 * sums) - 1.0  # tanh, written out
        return sums

    def forward(self, states):
        mean, values = self._head(states, 0), self._head(states, 3)
        variance = torch.stack([torch.exp(2.0 * self.log_sigma)] * len(states))
        return mean, variance, values[:, 0]


class SharedTrunk(nn.Module):
    """One trunk, as nn.Sequential; `apply` for the weights; softplus."""

    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs_dim, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.mean = nn.Linear(64, action_dim)
        self.value = nn.Linear(64, 1)
        self.raw_variance = nn.Parameter(torch.zeros(action_dim))
        self.apply(self.initialize)

    @staticmethod
    def initialize(module):
        if isinstance(module, nn.Linear):
            nn.init.orthogonal_(module.weight, math.sqrt(2))
            nn.init.zeros_(module.bias)

    def forward(self, states):
        hidden = self.trunk(states)
        mean = self.mean(hidden)
        variance = F.softplus(self.raw_variance).expand_as(mean)
        return mean, variance, self.value(hidden).squeeze(-1)


class SeparateTrunks(nn.Module):
    """Two networks, initialised layer by layer; exp of a log-variance of shape (1, A)."""

    def __init__(self, obs_dim, action_dim):
        super().__init__()

        def layer(inputs, outputs):
            linear = nn.Linear(inputs, outputs)
            torch.nn.init.orthogonal_(linear.weight, gain=2**0.5)
            torch.nn.init.constant_(linear.bias, 0.0)
            return linear

        def network(outputs):
            return nn.Sequential(
                layer(obs_dim, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, outputs)
            )

        self.actor = network(action_dim)
        self.critic = network(1)
        self.log_variance = nn.Parameter(torch.zeros(1, action_dim))

    def forward(self, states):
        mean = self.actor(states)
        return mean, self.log_variance.exp().repeat(len(states), 1), self.critic(states).flatten()


class ByHand(nn.Module):
    """Layers called one by one; the loop over named parameters; σ squared."""

    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.log_std = nn.Parameter(torch.zeros(action_dim))
        self.fc1 = nn.Linear(obs_dim, 64)
        self.fc2 = nn.Linear(64, 64)
        self.fc_mean = nn.Linear(64, action_dim)
        self.fc_value = nn.Linear(64, 1)
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                nn.init.orthogonal_(parameter, gain=nn.init.calculate_gain("relu"))
            elif name.endswith("bias"):
                with torch.no_grad():
                    parameter.fill_(0)

    def forward(self, states):
        x = torch.tanh(self.fc1(states))
        x = F.tanh(self.fc2(x))
        std = torch.exp(torch.clamp(self.log_std, -20, 2))
        mean = self.fc_mean(x)
        return mean, torch.ones_like(mean) * std**2, self.fc_value(x)[:, 0]


class OneHead(nn.Module):
    """One output layer for value and mean together; a variance that is bounded; a list returned."""

    def __init__(self, obs_dim, action_dim):
        super().__init__()
        sizes = [obs_dim, 64, 64, 1 + action_dim]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in itertools.pairwise(sizes))
        for layer in self.layers:
            nn.init.orthogonal_(layer.weight, math.sqrt(2))
            layer.bias.data.zero_()
        self.spread = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        *hidden, last = self.layers
        for layer in hidden:
            states = layer(states).tanh()
        values, mean = last(states).split([1, len(self.spread)], dim=1)
        variance = 2.0 * torch.sigmoid(self.spread) + 1e-6
        return [mean, torch.broadcast_to(variance, mean.shape), values.reshape(-1)]


KEY = AnswerKey(
    reference=Reference,
    hints=(
        "Three things come out of one call. Two of them are computed from the states, and one is "
        "learned but the same in every state. Which is which, and what does each need in __init__?",
        "A learned number that belongs to no layer is an nn.Parameter. It may become negative "
        "while it learns, a variance may not: what function turns any number into a positive one, "
        "and grows with it? Every layer, the output layers among them, then gets its starting "
        "weights.",
        "From the states go through two layers of 64 units with a tanh after each, and from there "
        "through one linear layer with nothing after it to the A means, and through another to the "
        "value, whose last axis of size one must go. Copy the variance of the A dimensions to "
        "every row of the batch without losing its gradient.",
    ),
    misconceptions=(*WRONG_RETURNS, *WRONG_LAYERS, *WRONG_START, *WRONG_VARIANCE),
    also_correct=(SharedTrunk, SeparateTrunks, ByHand, OneHead),
)
