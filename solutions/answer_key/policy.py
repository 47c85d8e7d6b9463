"""Answer key of policy: the right answers. The wrong ones are in four files beside it."""

import math

import numpy as np
import torch
from torch.distributions import Independent, MultivariateNormal, Normal

from grader.exercise import AnswerKey

from .policy_collecting import WRONG_COLLECTING
from .policy_densities import WRONG_DENSITIES
from .policy_draws import WRONG_DRAWS
from .policy_training import WRONG_TRAINING


class Reference:
    """Its own noise while collecting, dimension by dimension; the density in float64."""

    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if training:
            mean, variance, values = self.model(inputs)
            covariance = torch.stack([torch.diag(row) for row in variance])
            return {"distribution": MultivariateNormal(mean, covariance), "values": values}
        states = torch.tensor(np.atleast_2d(inputs).tolist(), dtype=torch.float32)
        mean, variance, values = (one.detach().numpy().astype(float) for one in self.model(states))
        actions, log_probs = np.zeros_like(mean), np.zeros(len(mean))
        for i in range(mean.shape[1]):
            noise = torch.randn(len(mean)).numpy().astype(float)
            actions[:, i] = mean[:, i] + noise * variance[:, i] ** 0.5
            log_probs -= (actions[:, i] - mean[:, i]) ** 2 / (2 * variance[:, i])
            log_probs -= np.log(np.sqrt(2 * math.pi * variance[:, i]))
        found = {"actions": actions, "log_probs": log_probs, "values": values}
        return found if inputs.ndim == 2 else {key: array[0] for key, array in found.items()}


class CovarianceMatrices:
    """MultivariateNormal with diagonal covariances; a batch of one for one observation."""

    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        if training:
            mean, variance, values = self.model(inputs)
            return {
                "distribution": MultivariateNormal(mean, torch.diag_embed(variance)),
                "values": values,
            }
        single = inputs.ndim == 1
        states = torch.as_tensor(inputs, dtype=torch.float32)
        if single:
            states = states.unsqueeze(0)
        with torch.no_grad():
            mean, variance, values = self.model(states)
            distribution = MultivariateNormal(mean, torch.diag_embed(variance))
            actions = distribution.sample()
            result = {
                "actions": actions.numpy(),
                "log_probs": distribution.log_prob(actions).numpy(),
                "values": values.numpy(),
            }
        return {key: value[0] for key, value in result.items()} if single else result


class IndependentNormals:
    """Independent(Normal), one way through the model for both modes, detached at the end."""

    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        states = inputs if training else torch.from_numpy(np.float32(np.atleast_2d(inputs)))
        mean, variance, values = self.model(states)
        distribution = Independent(Normal(mean, variance.sqrt()), 1)
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.rsample()
        found = dict(actions=actions, log_probs=distribution.log_prob(actions), values=values)
        if inputs.ndim == 1:
            found = {key: tensor.squeeze(0) for key, tensor in found.items()}
        return {key: tensor.detach().cpu().numpy() for key, tensor in found.items()}


class DensityByHand:
    """Its own noise and density in the same terms as 02; inference mode; more keys than asked."""

    def __init__(self, model):
        self.network = model

    def act(self, inputs, training=False):
        if training:
            mean, variance, values = self.network(inputs)
            triangle = torch.diag_embed(torch.sqrt(variance))
            distribution = MultivariateNormal(mean, scale_tril=triangle)
            return dict(distribution=distribution, values=values, mean=mean)
        with torch.inference_mode():
            states = torch.tensor(np.asarray(inputs, np.float32)).reshape(-1, inputs.shape[-1])
            mean, variance, values = self.network(states)
            std = variance.sqrt()
            noise = torch.randn_like(mean)
            log_probs = (-0.5 * noise**2 - std.log() - 0.5 * math.log(2 * math.pi)).sum(-1)
            actions = mean + std * noise
        leading = inputs.shape[:-1]
        return {
            "actions": actions.numpy().reshape(*leading, -1),
            "log_probs": log_probs.numpy().reshape(leading),
            "values": values.numpy().reshape(leading),
        }


class InDoublePrecision:
    """The numbers of collecting in float64, noise from numpy; plain numbers for one observation."""

    def __init__(self, model):
        self.model, self.rng = model, np.random.default_rng()

    def distribution(self, states):
        mean, variance, values = self.model.forward(states)
        return Independent(Normal(mean, variance.pow(0.5)), reinterpreted_batch_ndims=1), values

    @torch.no_grad()
    def collect(self, inputs):
        dtype = next(self.model.parameters()).dtype
        law, values = self.distribution(torch.as_tensor(inputs).to(dtype))
        noise = self.rng.standard_normal(law.mean.shape)
        actions = law.mean.double().numpy() + law.stddev.double().numpy() * noise
        return actions, law.log_prob(torch.as_tensor(actions)).numpy(), values.double().numpy()

    def act(self, inputs, training=False):
        if training:
            law, values = self.distribution(inputs)
            return {"values": values, "distribution": law}
        if inputs.ndim > 1:
            return dict(zip(("actions", "log_probs", "values"), self.collect(inputs), strict=True))
        actions, log_probs, values = self.collect(inputs.reshape(1, -1))
        return {"actions": actions[0], "log_probs": float(log_probs[0]), "values": values.item()}


KEY = AnswerKey(
    reference=Reference,
    hints=(
        "Collecting and training ask the model the same question. In which form do the "
        "observations come in each mode, and in which form is the answer to leave?",
        "A network of this course takes float32 tensors of shape (B, obs). What must be done to a "
        "numpy array before, and for one observation also afterwards? The model gives a variance: "
        "what does the distribution of your choice want, a variance or its square root? And how "
        "many log-probabilities should an action of A numbers have?",
        "For collecting: make a float32 tensor with a row axis, ask the model without gradients, "
        "draw one action a row from the distribution, ask the same distribution for the "
        "log-probability of that very action, turn all into numpy and take the row axis away if "
        "you added it. For training: ask the model with gradients, and hand back the "
        "distribution itself and the values.",
    ),
    misconceptions=(*WRONG_COLLECTING, *WRONG_DRAWS, *WRONG_DENSITIES, *WRONG_TRAINING),
    also_correct=(CovarianceMatrices, IndependentNormals, DensityByHand, InDoublePrecision),
)
