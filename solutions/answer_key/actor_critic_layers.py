"""Known wrong answers to actor_critic: its layers, and where their graph ends."""

import itertools
import math

import torch
from torch import nn

from grader.exercise import Misconception


def layer(inputs, outputs, **kwargs):
    linear = nn.Linear(inputs, outputs, **kwargs)
    nn.init.orthogonal_(linear.weight, math.sqrt(2))
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)
    return linear


class Standard(nn.Module):
    """A right network; those below differ from it in one thing."""

    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.fc1, self.fc2 = layer(obs_dim, 64), layer(64, 64)
        self.fc_mean, self.fc_value = layer(64, action_dim), layer(64, 1)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
        mean = self.fc_mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.fc_value(x).squeeze(-1)


class WithRelu(Standard):
    def forward(self, states):
        x = torch.relu(self.fc2(torch.relu(self.fc1(states))))
        mean = self.fc_mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.fc_value(x).squeeze(-1)


class WithSigmoid(Standard):
    def forward(self, states):
        x = torch.sigmoid(self.fc2(torch.sigmoid(self.fc1(states))))
        mean = self.fc_mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.fc_value(x).squeeze(-1)


class WithoutActivation(Standard):
    def forward(self, states):
        x = self.fc2(self.fc1(states))
        mean = self.fc_mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.fc_value(x).squeeze(-1)


class SecondTanhMissing(Standard):
    def forward(self, states):
        x = self.fc2(torch.tanh(self.fc1(states)))
        mean = self.fc_mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.fc_value(x).squeeze(-1)


class FirstTanhMissing(Standard):
    def forward(self, states):
        x = torch.tanh(self.fc2(self.fc1(states)))
        mean = self.fc_mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.fc_value(x).squeeze(-1)


class TanhOnTheMean(Standard):
    def forward(self, states):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
        mean = torch.tanh(self.fc_mean(x))
        return mean, self.log_variance.exp().expand_as(mean), self.fc_value(x).squeeze(-1)


class TanhOnBoth(Standard):
    def forward(self, states):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
        mean = torch.tanh(self.fc_mean(x))
        values = torch.tanh(self.fc_value(x)).squeeze(-1)
        return mean, self.log_variance.exp().expand_as(mean), values


class OneHiddenLayer(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.trunk = nn.Sequential(layer(obs_dim, 64), nn.Tanh())
        self.mean, self.value = layer(64, action_dim), layer(64, 1)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        x = self.trunk(states)
        mean = self.mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.value(x).squeeze(-1)


class ThreeHiddenLayers(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        sizes = [obs_dim, 64, 64, 64]
        self.trunk = nn.ModuleList(layer(i, o) for i, o in itertools.pairwise(sizes))
        self.mean, self.value = layer(64, action_dim), layer(64, 1)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        x = states
        for linear in self.trunk:
            x = torch.tanh(linear(x))
        mean = self.mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.value(x).squeeze(-1)


class HalfTheUnits(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.trunk = nn.Sequential(layer(obs_dim, 32), nn.Tanh(), layer(32, 32), nn.Tanh())
        self.mean, self.value = layer(32, action_dim), layer(32, 1)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        x = self.trunk(states)
        mean = self.mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.value(x).squeeze(-1)


class LinearCritic(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.actor = nn.Sequential(
            layer(obs_dim, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, action_dim)
        )
        self.critic = layer(obs_dim, 1)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        mean = self.actor(states)
        return mean, self.log_variance.exp().expand_as(mean), self.critic(states).squeeze(-1)


class WithoutBiases(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.fc1, self.fc2 = layer(obs_dim, 64, bias=False), layer(64, 64, bias=False)
        self.mean, self.value = layer(64, action_dim, bias=False), layer(64, 1, bias=False)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
        mean = self.mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.value(x).squeeze(-1)


class PlainList(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.hidden = [layer(obs_dim, 64), layer(64, 64)]
        self.mean, self.value = layer(64, action_dim), layer(64, 1)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        x = states
        for linear in self.hidden:
            x = torch.tanh(linear(x))
        mean = self.mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.value(x).squeeze(-1)


class TrunkDetached(Standard):
    def forward(self, states):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
        mean = self.fc_mean(x)
        values = self.fc_value(x.detach()).squeeze(-1)
        return mean, self.log_variance.exp().expand_as(mean), values


class ValuesDetached(Standard):
    def forward(self, states):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
        mean = self.fc_mean(x)
        values = self.fc_value(x).squeeze(-1).detach()
        return mean, self.log_variance.exp().expand_as(mean), values


TANH = "The exercise asks for a tanh after each of the two hidden layers, and for nothing else. "

WRONG_LAYERS = (
    Misconception(
        "the hidden layers end in a ReLU",
        TANH + "What does a ReLU make of a negative number?",
        WithRelu,
    ),
    Misconception(
        "the hidden layers end in a sigmoid",
        TANH + "A sigmoid is never negative. What does that do to the layer after it?",
        WithSigmoid,
    ),
    Misconception(
        "no function stands between the linear layers",
        "Linear layers in a row are together a linear one. What makes a network more than that?",
        WithoutActivation,
    ),
    Misconception(
        "the second hidden layer has no tanh",
        TANH + "What stands between the second layer and the output layers?",
        SecondTanhMissing,
    ),
    Misconception(
        "the first hidden layer has no tanh",
        TANH + "What stands between the first layer and the second?",
        FirstTanhMissing,
    ),
    Misconception(
        "the mean goes through a tanh as well",
        "A mean may be any number; the environment's limits are dealt with where actions are "
        "taken. Which layers end in a tanh?",
        TanhOnTheMean,
    ),
    Misconception(
        "the mean and the values go through a tanh as well",
        "Values are in the rewards' unit, and may be far from zero. Which layers end in a tanh?",
        TanhOnBoth,
    ),
    Misconception(
        "there is one hidden layer and not two",
        "Count the hidden layers that 64-64 speaks of. How many are behind your mean?",
        OneHiddenLayer,
    ),
    Misconception(
        "there are three hidden layers and not two",
        "Count the hidden layers that 64-64 speaks of. How many are behind your mean?",
        ThreeHiddenLayers,
    ),
    Misconception(
        "the hidden layers have 32 units and not 64",
        "What does 64-64 say about each hidden layer?",
        HalfTheUnits,
    ),
    Misconception(
        "the values are a linear function of the observation",
        "How good a state is bends with the observation as much as what to do in it. Through how "
        "many hidden layers do your values go?",
        LinearCritic,
    ),
    Misconception(
        "the layers have no biases",
        "Biases that start at zero can still learn. Which argument of nn.Linear decides whether "
        "there are any?",
        WithoutBiases,
    ),
    Misconception(
        "the hidden layers are kept in a plain list, where the model does not find them",
        "An optimizer is given the model's parameters. Does a model find them in a Python list? "
        "What does torch offer in its place?",
        PlainList,
    ),
    Misconception(
        "the trunk is cut off from the gradient of the values",
        "The critic's loss is to teach every layer that the values came through. Where does the "
        "graph end?",
        TrunkDetached,
    ),
    Misconception(
        "the values are cut off from the graph",
        "Values are data while collecting; here a loss is to flow back through them. Where does "
        "the graph end?",
        ValuesDetached,
    ),
)
