"""Known wrong answers to policy: the mode for training."""

import numpy as np
import torch
from torch.distributions import Independent, Normal

from grader.exercise import Misconception


def collected(model, inputs):
    """What is right in all of them: collecting."""
    with torch.no_grad():
        mean, variance, values = model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        actions = distribution.sample()
        return {
            "actions": actions.numpy(),
            "log_probs": distribution.log_prob(actions).numpy(),
            "values": values.numpy(),
        }


class ModesSwapped:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if training:
            return collected(self.model, inputs)
        mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        return {"distribution": Independent(Normal(mean, variance.sqrt()), 1), "values": values}


class OneModeOnly:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        return collected(self.model, inputs)


class SampledAsTensors:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if not training:
            return collected(self.model, inputs)
        mean, variance, values = self.model(inputs)
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        actions = distribution.sample()
        log_probs = distribution.log_prob(actions)
        return {"actions": actions, "log_probs": log_probs, "values": values}


class ValuesForgotten:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if not training:
            return collected(self.model, inputs)
        mean, variance, _ = self.model(inputs)
        return {"distribution": Independent(Normal(mean, variance.sqrt()), 1)}


class NotIndependent:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if not training:
            return collected(self.model, inputs)
        mean, variance, values = self.model(inputs)
        return {"distribution": Normal(mean, variance.sqrt()), "values": values}


class BatchAsEvent:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if not training:
            return collected(self.model, inputs)
        mean, variance, values = self.model(inputs)
        return {"distribution": Independent(Normal(mean, variance.sqrt()), 2), "values": values}


class VarianceAsStd:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if not training:
            return collected(self.model, inputs)
        mean, variance, values = self.model(inputs)
        return {"distribution": Independent(Normal(mean, variance), 1), "values": values}


class WithoutGradients:
    def __init__(self, model):
        self.model = model

    @torch.no_grad()
    def act(self, inputs, training=False):
        if not training:
            return collected(self.model, inputs)
        mean, variance, values = self.model(inputs)
        return {"distribution": Independent(Normal(mean, variance.sqrt()), 1), "values": values}


class DistributionDetached:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if not training:
            return collected(self.model, inputs)
        mean, variance, values = self.model(inputs)
        distribution = Independent(Normal(mean.detach(), variance.detach().sqrt()), 1)
        return {"distribution": distribution, "values": values}


class VarianceDetached:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if not training:
            return collected(self.model, inputs)
        mean, variance, values = self.model(inputs)
        std = torch.as_tensor(np.sqrt(variance.detach().numpy()))
        return {"distribution": Independent(Normal(mean, std), 1), "values": values}


class ValuesDetached:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if not training:
            return collected(self.model, inputs)
        mean, variance, values = self.model(inputs)
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        return {"distribution": distribution, "values": values.detach()}


class ValuesAsColumn:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if not training:
            return collected(self.model, inputs)
        mean, variance, values = self.model(inputs)
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        return {"distribution": distribution, "values": values.reshape(-1, 1)}


GRAPH = "Both losses are to flow back to the weights. Where does the graph end? "

WRONG_TRAINING = (
    Misconception(
        "the two modes are in each other's place",
        "Which of them does training=True ask for?",
        ModesSwapped,
    ),
    Misconception(
        "training=True changes nothing",
        "The losses need more than a sample: what does the docstring say is returned for training?",
        OneModeOnly,
    ),
    Misconception(
        "new actions are drawn for training",
        "The actions that count were taken long ago and are in the batch. What must be returned, "
        "so that the loss can ask how likely those are now?",
        SampledAsTensors,
    ),
    Misconception(
        "the values are not returned for training",
        "There are two losses. What does the critic's need from here?",
        ValuesForgotten,
    ),
    Misconception(
        "the dimensions are a part of the batch, for training",
        "Ask your distribution for the log_prob of B actions. How many numbers should there be?",
        NotIndependent,
    ),
    Misconception(
        "the whole batch is one event of the distribution",
        "Ask your distribution for the log_prob of B actions. How many numbers should there be?",
        BatchAsEvent,
    ),
    Misconception(
        "the variance is taken for the standard deviation, for training",
        "The model gives σ². What does the distribution want: σ² or σ?",
        VarianceAsStd,
    ),
    Misconception(
        "nothing that training=True returns has a graph",
        GRAPH + "What is switched off for collecting must be on for training.",
        WithoutGradients,
    ),
    Misconception(
        "the distribution is cut off from the graph",
        GRAPH + "It is the distribution that the policy's loss goes through.",
        DistributionDetached,
    ),
    Misconception(
        "the variance is cut off from the graph",
        GRAPH + "The width of the distribution is learned as well as its mean.",
        VarianceDetached,
    ),
    Misconception(
        "the values are cut off from the graph",
        GRAPH + "Values are data while collecting; here the critic's loss goes through them.",
        ValuesDetached,
    ),
    Misconception(
        "the values for training are a column",
        "A column (B, 1) against targets (B,) makes a table (B, B) in the critic's loss. What "
        "shape do the values have?",
        ValuesAsColumn,
    ),
)
