"""Known wrong answers to policy: the width of its distribution, and log-probabilities stored."""

import math

import torch
from torch.distributions import Independent, MultivariateNormal, Normal

from grader.exercise import Misconception


class VarianceAsStd:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = Independent(Normal(mean, variance), 1)
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.sample()
        found = (actions, distribution.log_prob(actions), values)
        arrays = [tensor.detach().numpy() for tensor in found]
        return dict(zip(("actions", "log_probs", "values"), arrays, strict=True))


class StdAsVariance:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = MultivariateNormal(mean, torch.diag_embed(variance.sqrt()))
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.sample()
        found = (actions, distribution.log_prob(actions), values)
        arrays = [tensor.detach().numpy() for tensor in found]
        return dict(zip(("actions", "log_probs", "values"), arrays, strict=True))


class UnitVariance:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        mean, _, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = Independent(Normal(mean, torch.ones_like(mean)), 1)
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.sample()
        found = (actions, distribution.log_prob(actions), values)
        arrays = [tensor.detach().numpy() for tensor in found]
        return dict(zip(("actions", "log_probs", "values"), arrays, strict=True))


class VarianceAsLog:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = Independent(Normal(mean, variance.exp()), 1)
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.sample()
        found = (actions, distribution.log_prob(actions), values)
        arrays = [tensor.detach().numpy() for tensor in found]
        return dict(zip(("actions", "log_probs", "values"), arrays, strict=True))


class OnePerDimension:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = Normal(mean, variance.sqrt())
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.sample()
        found = (actions, distribution.log_prob(actions), values)
        arrays = [tensor.detach().numpy() for tensor in found]
        return dict(zip(("actions", "log_probs", "values"), arrays, strict=True))


def storing(log_probs_of):
    """The policy that stores other log-probabilities; everything else in it is right."""

    class OtherLogProbs:
        def __init__(self, model):
            self.model = model

        def act(self, inputs, training=False):
            mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
            distribution = Independent(Normal(mean, variance.sqrt()), 1)
            if training:
                return {"distribution": distribution, "values": values}
            actions = distribution.sample()
            found = (actions, log_probs_of(distribution, actions), values)
            arrays = [tensor.detach().numpy() for tensor in found]
            return dict(zip(("actions", "log_probs", "values"), arrays, strict=True))

    return OtherLogProbs


def per_dimension(distribution, actions):
    return Normal(distribution.mean, distribution.stddev).log_prob(actions)


def averaged_over_dimensions(distribution, actions):
    return Normal(distribution.mean, distribution.stddev).log_prob(actions).mean(-1)


def summed_over_the_batch(distribution, actions):
    return distribution.log_prob(actions).sum()


def of_the_mean(distribution, actions):
    return distribution.log_prob(distribution.mean)


def of_a_second_sample(distribution, actions):
    return distribution.log_prob(distribution.sample())


def with_the_other_sign(distribution, actions):
    return -distribution.log_prob(actions)


def without_the_width(distribution, actions):
    noise = (actions - distribution.mean) / distribution.stddev
    return (-0.5 * noise**2 - 0.5 * math.log(2 * math.pi)).sum(-1)


def constant_once(distribution, actions):
    noise = (actions - distribution.mean) / distribution.stddev
    logs = (-0.5 * noise**2 - distribution.stddev.log()).sum(-1)
    return logs - 0.5 * math.log(2 * math.pi)


def log_variance_for_log_std(distribution, actions):
    noise = (actions - distribution.mean) / distribution.stddev
    logs = -0.5 * noise**2 - distribution.variance.log() - 0.5 * math.log(2 * math.pi)
    return logs.sum(-1)


class ClippedAfterwards:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.sample()
        found = (actions.clamp(-1, 1), distribution.log_prob(actions), values)
        arrays = [tensor.detach().numpy() for tensor in found]
        return dict(zip(("actions", "log_probs", "values"), arrays, strict=True))


class ClippedBefore:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.sample().clamp(-1, 1)
        found = (actions, distribution.log_prob(actions), values)
        arrays = [tensor.detach().numpy() for tensor in found]
        return dict(zip(("actions", "log_probs", "values"), arrays, strict=True))


class SquashedAfterwards:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.sample()
        found = (torch.tanh(actions), distribution.log_prob(actions), values)
        arrays = [tensor.detach().numpy() for tensor in found]
        return dict(zip(("actions", "log_probs", "values"), arrays, strict=True))


WIDTH = "The model gives σ². What does the distribution want: σ² or σ? "
SUM = "Independent densities multiply, so their logarithms add up. "
LIMITS = (
    "The runner clips actions to the environment's limits; what is stored is the action that "
    "was drawn. "
)

WRONG_DENSITIES = (
    Misconception(
        "the variance is taken for the standard deviation",
        WIDTH + "Normal and MultivariateNormal do not want the same.",
        VarianceAsStd,
    ),
    Misconception(
        "the standard deviation is taken for the variance",
        WIDTH + "Normal and MultivariateNormal do not want the same.",
        StdAsVariance,
    ),
    Misconception(
        "every dimension has variance 1",
        "The model's second output says how widely to explore. Where is it used?",
        UnitVariance,
    ),
    Misconception(
        "the variance is taken for a log σ",
        "The model has made its vector positive already. What is its second output?",
        VarianceAsLog,
    ),
    Misconception(
        "the dimensions are a part of the batch, in both modes",
        SUM + "How does a distribution know that A numbers are one action?",
        OnePerDimension,
    ),
    Misconception(
        "log_probs are stored for every dimension",
        SUM + "How many log-probabilities has one action?",
        storing(per_dimension),
    ),
    Misconception(
        "log_probs are averaged over the dimensions",
        SUM + "Is their average the logarithm of anything here?",
        storing(averaged_over_dimensions),
    ),
    Misconception(
        "log_probs are summed over the batch as well",
        SUM + "Over which axis, if every row is an action of its own?",
        storing(summed_over_the_batch),
    ),
    Misconception(
        "log_probs are those of the mean",
        "PPO asks how likely the action was that was really taken. Which one was it?",
        storing(of_the_mean),
    ),
    Misconception(
        "log_probs are those of another sample than the one returned",
        "Every sample is drawn anew. How often is one drawn in your code?",
        storing(of_a_second_sample),
    ),
    Misconception(
        "log_probs have the other sign",
        "A loss has a minus somewhere; what is stored is log π itself. When is it large?",
        storing(with_the_other_sign),
    ),
    Misconception(
        "log_probs lack the term of log σ",
        "A narrow bell is a high one. Which term of equation (6.3) says so?",
        storing(without_the_width),
    ),
    Misconception(
        "½ log 2π is taken off once and not once a dimension",
        "Equation (6.3) sums three terms over the dimensions. Is the last one inside the sum?",
        storing(constant_once),
    ),
    Misconception(
        "log σ² stands in log_probs where log σ belongs",
        "Log σ² is twice log σ. Which part of log v does equation (6.3) leave, with its ½?",
        storing(log_variance_for_log_std),
    ),
    Misconception(
        "actions are clipped to [-1, 1] after their log_probs were taken",
        LIMITS + "Do your log_probs belong to the actions that come out?",
        ClippedAfterwards,
    ),
    Misconception(
        "actions are clipped to [-1, 1]",
        LIMITS + "What is the density of the many actions that a clip makes equal?",
        ClippedBefore,
    ),
    Misconception(
        "actions go through a tanh after their log_probs were taken",
        LIMITS + "Do your log_probs belong to the actions that come out?",
        SquashedAfterwards,
    ),
)
