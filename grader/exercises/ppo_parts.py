"""What the driver of `ppo` brings along: a small policy, a runner that only listens, and losses."""

from bdb import BdbQuit
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from grader.exercise import Inputs, Refused
from grader.exercises.calling import laid_out
from grader.plain import plain

KNOBS = ("clip_range", "value_coef", "max_grad_norm")
WEIGHTS = ("mean_weights", "log_std_weights", "value_weights")


class Model(nn.Module):
    """A linear actor and critic, both of whose outputs depend on the observation."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        for name, tensor in weights.items():
            self.register_parameter(name, nn.Parameter(tensor))

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means (B, A), variances (B, A) and values (B,)."""
        means, log_stds, values = (states @ weights for weights in self.parameters())
        return means, (2.0 * log_stds).exp(), values


class Policy:
    """The policy of the course, around a model; its distributions are of either kind."""

    def __init__(self, model: Model, kind: str) -> None:
        self.model, self.kind = model, kind

    def act(self, inputs: Any, training: bool = False) -> dict[str, Any]:
        """Data without a graph, or with `training` a distribution and values with one."""
        observations = torch.as_tensor(inputs, dtype=next(self.model.parameters()).dtype)
        with torch.set_grad_enabled(training and torch.is_grad_enabled()):
            means, variances, values = self.model(observations)
            distribution = self._distribution(means, variances)
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.sample()
        data = {"actions": actions, "log_probs": distribution.log_prob(actions), "values": values}
        return {key: tensor.numpy() for key, tensor in data.items()}

    def _distribution(self, means: Tensor, variances: Tensor) -> Distribution:
        if self.kind == "multivariate":
            return MultivariateNormal(means, torch.diag_embed(variances))
        return Independent(Normal(means, variances.sqrt()), 1)


class Runner:
    """Keeps what it is told to write, the last under each name."""

    def __init__(self) -> None:
        self.written: dict[str, NDArray] = {}

    def write(self, name: str, value: Any, step: int) -> None:
        """Keep one scalar."""
        number = plain(value, f"what it writes as {name!r}")
        if not np.isfinite(number).all():
            raise Refused(f"what it writes as {name!r} is not finite: it holds {number.ravel()[0]}")
        self.written[name] = number

    def get_next(self) -> None:
        """No rollout."""
        raise Refused("it asks for a new rollout; step works on the minibatch that it is given")


class Sampler:
    """Has a runner, and no minibatches."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def get_next(self) -> None:
        """No minibatch."""
        raise Refused("it asks the sampler for minibatches; step is given one")


@dataclass
class Scene:
    """A policy, its optimizer, and a batch that it met when it was another by given ratios.

    Without observations of its own every row has a distribution and a value of its own.
    """

    inputs: Inputs
    model: Model = field(init=False)
    batch: dict[str, Tensor] = field(init=False)

    def __post_init__(self) -> None:
        data = {
            name: torch.from_numpy(laid_out(array, self.inputs.get("layout")))
            for name, array in self.inputs.items()
            if isinstance(array, np.ndarray)
        }
        self.model = Model({name: data[name].clone() for name in WEIGHTS})
        self.policy = Policy(self.model, self.inputs["kind"])
        self.runner = Runner()
        rate, kind = self.inputs.get("lr", 0.0), self.inputs.get("optimizer", "SGD")
        self.optimizer = getattr(torch.optim, kind)(self.model.parameters(), lr=rate)
        rows = torch.eye(len(data["ratios"]), dtype=data["ratios"].dtype)
        kept = ("actions", "advantages", "value_targets", "rewards")
        self.batch = {key: data[key] for key in kept}
        self.batch["observations"] = data.get("observations", rows)
        act = self.act()
        log_probs = act["distribution"].log_prob(data["actions"]).detach()
        self.batch["log_probs"] = log_probs - data["ratios"].log()
        self.batch["values"] = act["values"].detach() - data["moves"]

    def act(self) -> dict[str, Any]:
        """What the policy says to the batch, with a graph."""
        return self.policy.act(self.batch["observations"], training=True)

    def minibatch(self) -> dict[str, Tensor]:
        """A copy of the batch."""
        return {key: tensor.clone() for key, tensor in self.batch.items()}

    def make(self, answer: Any) -> Any:
        """The student's object, around this policy and optimizer."""
        knobs = {knob: self.inputs[knob] for knob in KNOBS if knob in self.inputs}
        return answer(self.policy, self.optimizer, Sampler(self.runner), **knobs)

    def forget(self) -> None:
        """Clear all gradients, or fill them with what somebody left there."""
        for weights in self.model.parameters():
            stale = self.inputs.get("stale")
            weights.grad = None if stale is None else torch.full_like(weights, stale)

    def gradients(self, loss: Tensor) -> dict[str, Tensor]:
        """The gradient of a loss by each of the weights; zero where there is no graph."""
        weights = dict(self.model.named_parameters())
        found: tuple[Tensor | None, ...] = (None,) * len(weights)
        if loss.requires_grad:
            found = torch.autograd.grad(loss.sum(), tuple(weights.values()), allow_unused=True)
        return {
            name: torch.zeros_like(one) if gradient is None else gradient
            for (name, one), gradient in zip(weights.items(), found, strict=True)
        }


def inside_the_band(ppo: Any, scene: Scene) -> dict[str, Any]:
    """The three losses as they are while nothing is clipped, to stand in for the student's own.

    So `loss` is judged whatever the two others are worth, and `step` whatever all three are. The
    student's own are called as well, for what they keep or write; what comes of it is dropped.
    """
    value_coef = scene.inputs.get("value_coef", 0.25)

    def policy_loss(batch: dict[str, Tensor], act: dict[str, Any]) -> Tensor:
        log_ratios = act["distribution"].log_prob(batch["actions"]) - batch["log_probs"]
        return -(log_ratios.exp() * batch["advantages"]).mean()

    def value_loss(batch: dict[str, Tensor], act: dict[str, Any]) -> Tensor:
        return (act["values"] - batch["value_targets"]).square().mean()

    def loss(batch: dict[str, Tensor]) -> Tensor:
        act = scene.policy.act(batch["observations"], training=True)
        return policy_loss(batch, act) + value_coef * value_loss(batch, act)

    right = {"policy_loss": policy_loss, "value_loss": value_loss, "loss": loss}
    return {name: _beside(one, getattr(ppo, name, None)) for name, one in right.items()}


def _beside(right: Any, own: Any) -> Any:
    def stand_in(batch: dict[str, Tensor], *act: Any, **named: Any) -> Tensor:
        loss = right(batch, *act, **named)
        try:
            own({key: tensor.clone() for key, tensor in batch.items()}, *act, **named)
        except BdbQuit:  # somebody left the debugger
            raise
        except Exception:
            pass  # that one is judged where it is asked itself
        return loss

    return stand_in
