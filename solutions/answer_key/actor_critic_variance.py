"""Known wrong answers to actor_critic: how the variance is learned."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from grader.exercise import Misconception


def layer(inputs, outputs):
    linear = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(linear.weight, math.sqrt(2))
    nn.init.zeros_(linear.bias)
    return linear


class Standard(nn.Module):
    """What is right in all of them: everything but the variance."""

    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.trunk = nn.Sequential(layer(obs_dim, 64), nn.Tanh(), layer(64, 64), nn.Tanh())
        self.mean, self.value = layer(64, action_dim), layer(64, 1)

    def _outputs(self, states, variance):
        x = self.trunk(states)
        mean = self.mean(x)
        return mean, variance.expand_as(mean), self.value(x).squeeze(-1)


class DependsOnTheState(Standard):
    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        self.variance = layer(64, action_dim)

    def forward(self, states):
        return self._outputs(states, F.softplus(self.variance(self.trunk(states))))


class VectorItself(Standard):
    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        self.variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        return self._outputs(states, self.variance)


class OneMore(Standard):
    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        self.variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        return self._outputs(states, 1.0 + self.variance)


class Squared(Standard):
    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        self.std = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        return self._outputs(states, self.std**2 + 1e-6)


class Decreasing(Standard):
    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        self.log_precision = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        return self._outputs(states, torch.exp(-self.log_precision))


class CutBelow(Standard):
    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        self.variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        return self._outputs(states, torch.relu(self.variance) + 1e-6)


class NoParameter(Standard):
    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        self.log_variance = torch.zeros(action_dim, requires_grad=True)

    def forward(self, states):
        return self._outputs(states, self.log_variance.exp())


class Frozen(Standard):
    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        self.log_variance = nn.Parameter(torch.zeros(action_dim), requires_grad=False)

    def forward(self, states):
        return self._outputs(states, self.log_variance.exp())


class Detached(Standard):
    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        self.log_variance = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        return self._outputs(states, self.log_variance.exp().detach())


class OneForAll(Standard):
    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        self.log_variance = nn.Parameter(torch.zeros(1))

    def forward(self, states):
        return self._outputs(states, self.log_variance.exp())


class SharesSum(Standard):
    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        self.weights = nn.Parameter(torch.zeros(action_dim))

    def forward(self, states):
        return self._outputs(states, torch.softmax(self.weights, dim=-1))


POSITIVE = "Which function turns any number into a positive one, and never goes down?"

WRONG_VARIANCE = (
    Misconception(
        "the variance depends on the state",
        "Here one vector is learned, which is the same in every state. Does an output of a layer "
        "do that?",
        DependsOnTheState,
    ),
    Misconception(
        "the learned vector itself is the variance",
        "It starts at zero and may become negative, a variance may be neither. " + POSITIVE,
        VectorItself,
    ),
    Misconception(
        "the variance is one plus the learned vector",
        "What becomes of the variance when a number of the vector falls below minus one? "
        + POSITIVE,
        OneMore,
    ),
    Misconception(
        "the learned vector is squared",
        "A square has its least value where the vector starts: there is no slope to learn from, "
        "and two vectors for each variance. " + POSITIVE,
        Squared,
    ),
    Misconception(
        "the variance falls where the vector rises",
        "Look at the sign. What is to happen to the variance when a number of the vector is "
        "raised?",
        Decreasing,
    ),
    Misconception(
        "a ReLU makes the variance from the vector",
        "Where the vector is negative a ReLU has no slope, and the number can never come back. "
        + POSITIVE,
        CutBelow,
    ),
    Misconception(
        "no parameter of the model gives the variance",
        "An optimizer is given the model's parameters. How must a tensor be wrapped for the model "
        "to be found?",
        NoParameter,
    ),
    Misconception(
        "the vector behind the variance asks for no gradient",
        "A parameter without a gradient stays where it starts. Should exploration never change?",
        Frozen,
    ),
    Misconception(
        "the variance is cut off from the graph",
        "The policy's loss is to teach the variance too. Where does the graph end?",
        Detached,
    ),
    Misconception(
        "one number is learned for the variance of all dimensions",
        "A robot's joints may need more exploration here and less there. How many numbers does "
        "the vector need?",
        OneForAll,
    ),
    Misconception(
        "a softmax makes the variance from the vector",
        "A softmax lets one variance grow only at the cost of the others. " + POSITIVE,
        SharesSum,
    ),
)
