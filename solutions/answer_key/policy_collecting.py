"""Known wrong answers to policy: types and shapes while collecting."""

import numpy as np
import torch
from torch.distributions import Independent, Normal

from grader.exercise import Misconception


class TensorsReturned:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if training:
            mean, variance, values = self.model(inputs)
            return {"distribution": Independent(Normal(mean, variance.sqrt()), 1), "values": values}
        with torch.no_grad():
            mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        actions = distribution.sample()
        log_probs = distribution.log_prob(actions)
        return {"actions": actions, "log_probs": log_probs, "values": values}


class GraphKept:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        states = torch.as_tensor(inputs, dtype=torch.float32)
        mean, variance, values = self.model(states)
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.sample()
        log_probs = distribution.log_prob(actions)
        return {"actions": actions, "log_probs": log_probs, "values": values}


class RowAxisKept:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if training:
            mean, variance, values = self.model(inputs)
            return {"distribution": Independent(Normal(mean, variance.sqrt()), 1), "values": values}
        states = torch.as_tensor(np.atleast_2d(inputs), dtype=torch.float32)
        with torch.no_grad():
            mean, variance, values = self.model(states)
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        actions = distribution.sample()
        log_probs = distribution.log_prob(actions)
        return {
            "actions": actions.numpy(),
            "log_probs": log_probs.numpy(),
            "values": values.numpy(),
        }


class OnlyActionsUnpacked:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if training:
            mean, variance, values = self.model(inputs)
            return {"distribution": Independent(Normal(mean, variance.sqrt()), 1), "values": values}
        states = torch.as_tensor(np.atleast_2d(inputs), dtype=torch.float32)
        with torch.no_grad():
            mean, variance, values = self.model(states)
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        actions = distribution.sample()
        log_probs = distribution.log_prob(actions)
        if inputs.ndim == 1:
            actions = actions[0]
        return {
            "actions": actions.numpy(),
            "log_probs": log_probs.numpy(),
            "values": values.numpy(),
        }


class SqueezedWhole:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if training:
            mean, variance, values = self.model(inputs)
            return {"distribution": Independent(Normal(mean, variance.sqrt()), 1), "values": values}
        states = torch.as_tensor(np.atleast_2d(inputs), dtype=torch.float32)
        with torch.no_grad():
            mean, variance, values = self.model(states)
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        actions = distribution.sample()
        log_probs = distribution.log_prob(actions)
        return {
            "actions": actions.squeeze().numpy(),
            "log_probs": log_probs.squeeze().numpy(),
            "values": values.squeeze().numpy(),
        }


class ColumnsReturned:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if training:
            mean, variance, values = self.model(inputs)
            return {"distribution": Independent(Normal(mean, variance.sqrt()), 1), "values": values}
        with torch.no_grad():
            mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = Normal(mean, variance.sqrt())
        actions = distribution.sample()
        log_probs = distribution.log_prob(actions).sum(-1, keepdim=True)
        return {
            "actions": actions.numpy(),
            "log_probs": log_probs.numpy(),
            "values": values.unsqueeze(-1).numpy(),
        }


class DoublePrecision:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if training:
            mean, variance, values = self.model(inputs)
            return {"distribution": Independent(Normal(mean, variance.sqrt()), 1), "values": values}
        with torch.no_grad():
            mean, variance, values = self.model(torch.from_numpy(inputs))
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        actions = distribution.sample()
        log_probs = distribution.log_prob(actions)
        return {
            "actions": actions.numpy(),
            "log_probs": log_probs.numpy(),
            "values": values.numpy(),
        }


class ValuesForgotten:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if training:
            mean, variance, values = self.model(inputs)
            return {"distribution": Independent(Normal(mean, variance.sqrt()), 1), "values": values}
        with torch.no_grad():
            mean, variance, _ = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        actions = distribution.sample()
        return {"actions": actions.numpy(), "log_probs": distribution.log_prob(actions).numpy()}


DATA = "What is collected is data: the runner puts it into numpy arrays. "

WRONG_COLLECTING = (
    Misconception(
        "tensors are returned while collecting",
        DATA + "How does a tensor become one?",
        TensorsReturned,
    ),
    Misconception(
        "tensors with their graph are returned while collecting",
        DATA + "What does a rollout of 2048 steps cost if every number keeps the network's graph?",
        GraphKept,
    ),
    Misconception(
        "the row axis that the model needs is still there for one observation",
        "One observation (obs,) goes in, so one action (A,) and two plain numbers come out. Who "
        "takes away the axis that was added?",
        RowAxisKept,
    ),
    Misconception(
        "for one observation the row axis is taken from the actions alone",
        "Three things come out of a batch of one. Which of them still have its axis?",
        OnlyActionsUnpacked,
    ),
    Misconception(
        "every axis of size one is squeezed away",
        "What becomes of a batch of one row, or of actions of one dimension? Say which axis is "
        "meant, and when.",
        SqueezedWhole,
    ),
    Misconception(
        "log_probs and values have a last axis of size one",
        "A column (B, 1) against a row (B,) makes a table (B, B) in a loss. One number a row: "
        "what shape is that?",
        ColumnsReturned,
    ),
    Misconception(
        "observations reach the model in the precision they come in",
        "Environments often give float64; the weights of a network are float32, and torch refuses "
        "to multiply the two. Where can the type be changed?",
        DoublePrecision,
    ),
    Misconception(
        "the values are not returned while collecting",
        "GAE reads three keys of what the runner collected. Which does your dict have?",
        ValuesForgotten,
    ),
)
