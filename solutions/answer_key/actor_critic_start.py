"""Known wrong answers to actor_critic: the weights and biases it starts with."""

import math

import torch
from torch import nn

from grader.exercise import Misconception

SQRT2 = math.sqrt(2)


def layer(inputs, outputs, gain=SQRT2):
    linear = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(linear.weight, gain)
    nn.init.zeros_(linear.bias)
    return linear


class DefaultStart(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs_dim, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.mean = nn.Linear(64, action_dim)
        self.value = nn.Linear(64, 1)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        x = self.trunk(states)
        mean = self.mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.value(x).squeeze(-1)


class DefaultBiases(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs_dim, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.mean = nn.Linear(64, action_dim)
        self.value = nn.Linear(64, 1)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.orthogonal_(module.weight, gain=SQRT2)

    def forward(self, states):
        x = self.trunk(states)
        mean = self.mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.value(x).squeeze(-1)


class OtherDraws(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs_dim, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.mean = nn.Linear(64, action_dim)
        self.value = nn.Linear(64, 1)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight, gain=SQRT2)
                nn.init.zeros_(module.bias)

    def forward(self, states):
        x = self.trunk(states)
        mean = self.mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.value(x).squeeze(-1)


def with_gains(hidden, mean, values):
    """The network with other gains in its hidden layers and its two output layers."""

    class OtherGains(nn.Module):
        def __init__(self, obs_dim, action_dim):
            super().__init__()
            self.fc1, self.fc2 = layer(obs_dim, 64, hidden), layer(64, 64, hidden)
            self.mean, self.value = layer(64, action_dim, mean), layer(64, 1, values)
            self.log_variance = nn.Parameter(torch.zeros(action_dim))

        def forward(self, states):
            x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
            mean = self.mean(x)
            return mean, self.log_variance.exp().expand_as(mean), self.value(x).squeeze(-1)

    return OtherGains


class OutputLayersDefault(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.trunk = nn.Sequential(layer(obs_dim, 64), nn.Tanh(), layer(64, 64), nn.Tanh())
        self.mean = nn.Linear(64, action_dim)
        self.value = nn.Linear(64, 1)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        x = self.trunk(states)
        mean = self.mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.value(x).squeeze(-1)


class CriticForgotten(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.actor = nn.Sequential(
            layer(obs_dim, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, action_dim)
        )
        self.critic = nn.Sequential(
            nn.Linear(obs_dim, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)
        )
        self.log_variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        mean = self.actor(states)
        return mean, self.log_variance.exp().expand_as(mean), self.critic(states).squeeze(-1)


class Seeded(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        torch.manual_seed(0)
        self.trunk = nn.Sequential(layer(obs_dim, 64), nn.Tanh(), layer(64, 64), nn.Tanh())
        self.mean, self.value = layer(64, action_dim), layer(64, 1)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        x = self.trunk(states)
        mean = self.mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.value(x).squeeze(-1)


def with_vector_at(level):
    """The network whose log-variances start somewhere else."""

    class OtherVector(nn.Module):
        def __init__(self, obs_dim, action_dim):
            super().__init__()
            self.trunk = nn.Sequential(layer(obs_dim, 64), nn.Tanh(), layer(64, 64), nn.Tanh())
            self.mean, self.value = layer(64, action_dim), layer(64, 1)
            self.log_std = nn.Parameter(level * torch.ones(action_dim))

        def forward(self, states):
            x = self.trunk(states)
            mean = self.mean(x)
            variance = torch.exp(2 * self.log_std)
            return mean, variance.expand_as(mean), self.value(x).squeeze(-1)

    return OtherVector


WHICH_GAIN = (
    "The exercise asks for one gain in every layer, so that a signal keeps its size through a "
    "layer whose tanh takes some of it away. Which number is it?"
)
OUTPUTS_TOO = "The layers that give the mean and the value are layers too. Which gain do they get?"

WRONG_START = (
    Misconception(
        "weights and biases stay as torch draws them",
        "A new nn.Linear has small random weights and biases. What should they be before the "
        "first step of training?",
        DefaultStart,
    ),
    Misconception(
        "the weights are orthogonal, but the biases stay as torch draws them",
        "A new nn.Linear draws its bias at random too. Where should it start?",
        DefaultBiases,
    ),
    Misconception(
        "the weights are drawn in another way than orthogonally",
        "Rows of an orthogonal matrix, or its columns where these are fewer, stand at right "
        "angles, so that no direction is stretched more than another. Which of torch's ways to "
        "initialise a matrix does that?",
        OtherDraws,
    ),
    Misconception(
        "every weight matrix is orthogonal with gain 1",
        "Gain 1 is what torch's orthogonal matrices have when nothing is said. " + WHICH_GAIN,
        with_gains(1.0, 1.0, 1.0),
    ),
    Misconception(
        "every weight matrix has gain 5/3, which torch recommends for tanh",
        WHICH_GAIN,
        with_gains(5 / 3, 5 / 3, 5 / 3),
    ),
    Misconception(
        "every weight matrix has gain 2",
        "The gain is the length of each row, or column where these are fewer; its square is 2. "
        + WHICH_GAIN,
        with_gains(2.0, 2.0, 2.0),
    ),
    Misconception(
        "the output layer of the mean has gain 0.01",
        "Many programs start with means close to zero; this exercise does not. " + OUTPUTS_TOO,
        with_gains(SQRT2, 0.01, SQRT2),
    ),
    Misconception(
        "the output layers have gains of their own, 0.01 for the mean and 1 for the values",
        "Many programs do that; this exercise does not. " + OUTPUTS_TOO,
        with_gains(SQRT2, 0.01, 1.0),
    ),
    Misconception(
        "both output layers are orthogonal with gain 1",
        OUTPUTS_TOO,
        with_gains(SQRT2, 1.0, 1.0),
    ),
    Misconception(
        "the hidden layers start as they should, but the output layers as torch draws them",
        OUTPUTS_TOO,
        OutputLayersDefault,
    ),
    Misconception(
        "the layers of the actor start as they should, but those of the critic as torch draws them",
        "There are two networks here. Which of them did the starting weights reach?",
        CriticForgotten,
    ),
    Misconception(
        "every model starts with the very same weights",
        "A seed belongs into the experiment, where several are compared. What happens to an "
        "experiment over three seeds if the model sets its own?",
        Seeded,
    ),
    Misconception(
        "the vector behind the variance starts at -0.5",
        "Elsewhere in this course log σ starts there. Where should the vector start here?",
        with_vector_at(-0.5),
    ),
    Misconception(
        "the vector behind the variance starts at one",
        "It is not the variance itself: a function makes the variance from it. Where should the "
        "vector start?",
        with_vector_at(1.0),
    ),
)
