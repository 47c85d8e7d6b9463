"""Known wrong answers to actor_critic: what forward returns, in which order and shape."""

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


class ValuesAsColumn(Standard):
    def forward(self, states):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
        mean = self.fc_mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.fc_value(x)


class SqueezedWhole(Standard):
    def forward(self, states):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
        mean = self.fc_mean(x)
        return mean, self.log_variance.exp().expand_as(mean), self.fc_value(x).squeeze()


class VarianceOfOneRow(Standard):
    def forward(self, states):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
        return self.fc_mean(x), F.softplus(self.log_variance), self.fc_value(x).squeeze(-1)


class CovarianceMatrices(Standard):
    def forward(self, states):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
        mean = self.fc_mean(x)
        covariance = torch.diag_embed(self.log_variance.exp().expand_as(mean))
        return mean, covariance, self.fc_value(x).squeeze(-1)


class ValuesSecond(Standard):
    def forward(self, states):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
        mean = self.fc_mean(x)
        return mean, self.fc_value(x).squeeze(-1), self.log_variance.exp().expand_as(mean)


class ValuesFirst(Standard):
    def forward(self, states):
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(states))))
        mean = self.fc_mean(x)
        return self.fc_value(x).squeeze(-1), mean, self.log_variance.exp().expand_as(mean)


class DoublePrecision(Standard):
    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        self.double()

    def forward(self, states):
        return super().forward(states.double())


WRONG_RETURNS = (
    Misconception(
        "the values keep the last axis of the output layer, of size one",
        "With targets of shape (B,), a column (B, 1) makes a table (B, B). Which axis has to go?",
        ValuesAsColumn,
    ),
    Misconception(
        "every axis of size one is squeezed away from the values, also that of the batch",
        "What becomes of a batch of one row? Say which axis is meant.",
        SqueezedWhole,
    ),
    Misconception(
        "the variance is returned once and not for every row",
        "It is the same in every row, but every row has one. What shape has the mean?",
        VarianceOfOneRow,
    ),
    Misconception(
        "covariance matrices are returned for the variance",
        "The dimensions are independent, so that A numbers a row say it all. What shape has the "
        "mean?",
        CovarianceMatrices,
    ),
    Misconception(
        "mean, values and variance are returned in this order",
        "In which order does the docstring name the three?",
        ValuesSecond,
    ),
    Misconception(
        "values, mean and variance are returned in this order",
        "In which order does the docstring name the three?",
        ValuesFirst,
    ),
    Misconception(
        "the network computes in float64",
        "Networks compute in float32, and a batch that PyTorchify makes is float32 too. What "
        "changes the type on its way?",
        DoublePrecision,
    ),
)
