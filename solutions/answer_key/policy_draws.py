"""Known wrong answers to policy: how actions are drawn."""

import torch
from torch.distributions import Independent, Normal

from grader.exercise import Misconception


class MeanTaken:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if training:
            mean, variance, values = self.model(inputs)
            return {"distribution": Independent(Normal(mean, variance.sqrt()), 1), "values": values}
        with torch.no_grad():
            mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        return {
            "actions": mean.numpy(),
            "log_probs": distribution.log_prob(mean).numpy(),
            "values": values.numpy(),
        }


def with_noise(draw):
    """The policy that draws its noise in another way; the log-probabilities are of its actions."""

    class OtherNoise:
        def __init__(self, model):
            self.model = model

        def act(self, inputs, training=False):
            states = torch.as_tensor(inputs, dtype=torch.float32)
            mean, variance, values = self.model(states)
            distribution = Independent(Normal(mean, variance.sqrt()), 1)
            if training:
                return {"distribution": distribution, "values": values}
            actions = mean + variance.sqrt() * draw(mean)
            found = (actions, distribution.log_prob(actions), values)
            arrays = [tensor.detach().numpy() for tensor in found]
            return dict(zip(("actions", "log_probs", "values"), arrays, strict=True))

    return OtherNoise


def same_for_all_rows(mean):
    return torch.randn(mean.shape[-1])


def same_for_all_dimensions(mean):
    return torch.randn((*mean.shape[:-1], 1))


def uniform(mean):
    return torch.rand_like(mean)


class SeedSet:
    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        torch.manual_seed(0)
        states = torch.as_tensor(inputs, dtype=torch.float32)
        mean, variance, values = self.model(states)
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.sample()
        found = (actions, distribution.log_prob(actions), values)
        arrays = [tensor.detach().numpy() for tensor in found]
        return dict(zip(("actions", "log_probs", "values"), arrays, strict=True))


WRONG_DRAWS = (
    Misconception(
        "the mean is taken and not a sample",
        "A policy that always does the same never finds out about anything else. What does the "
        "variance stand for?",
        MeanTaken,
    ),
    Misconception(
        "one draw of the noise serves for all rows",
        "Parallel environments should try different things. What shape has the noise?",
        with_noise(same_for_all_rows),
    ),
    Misconception(
        "one draw of the noise serves for all action dimensions",
        "The dimensions are independent. How many random numbers does one action need?",
        with_noise(same_for_all_dimensions),
    ),
    Misconception(
        "every call draws the same noise",
        "Seeds are set once, at the start of an experiment. What is explored if every step begins "
        "with the same one?",
        SeedSet,
    ),
    Misconception(
        "the noise is uniform between 0 and 1",
        "Gaussian noise has mean 0, and may be negative. Of two functions of torch whose names "
        "differ by one letter, which draws that?",
        with_noise(uniform),
    ),
)
