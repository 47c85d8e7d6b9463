"""What the driver of `ppo` brings along: a small policy, a runner that only listens, and losses."""

from bdb import BdbQuit
from dataclasses import dataclass, field
from types import new_class
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
GAUGES = ("entropy", "policy_loss_clipped_fraction", "max_ratio", "value_predictions")
NAMES = (
    *(f"additional/{gauge}" for gauge in (*GAUGES, "value_loss_clipped_fraction")),
    *("losses/policy_loss", "losses/critic_loss", "gradient_norm"),
)


class Model(nn.Module):
    """A linear actor and critic, both of whose outputs depend on the observation."""

    mean_weights: nn.Parameter
    log_std_weights: nn.Parameter
    value_weights: nn.Parameter

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        for name, tensor in weights.items():
            self.register_parameter(name, nn.Parameter(tensor))

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means (B, A), variances (B, A) and values (B,)."""
        means, log_stds = states @ self.mean_weights, states @ self.log_std_weights
        return means, (2.0 * log_stds).exp(), states @ self.value_weights


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
            scale = torch.diag_embed(variances.sqrt())
            return MultivariateNormal(means, scale_tril=scale, validate_args=False)
        return Independent(Normal(means, variances.sqrt(), validate_args=False), 1)


class Runner:
    """Keeps what it is told to write under the names of the exercise, the last under each."""

    def __init__(self) -> None:
        self.written: dict[str, NDArray | Refused] = {}

    def write(self, name: str, value: Any, step: int) -> None:
        """Keep one scalar, or why it is none; whoever asks for that name will hear it."""
        if name in NAMES:
            try:
                self.written[name] = plain(value, f"what it writes as {name!r}")
            except Refused as error:
                self.written[name] = error

    def read(self, name: str) -> NDArray:
        """What was written under a name.

        Raises:
            Refused: nothing, or nothing that is a finite number.
        """
        number = self.written.get(name)
        if number is None:
            raise Refused(f"step writes no {name!r}; hand it to self.write, here or in a loss")
        if isinstance(number, Refused):
            raise number
        if not np.isfinite(number).all():
            raise Refused(f"what it writes as {name!r} is not finite: it holds {number.ravel()[0]}")
        return number

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

    Args:
        inputs: of a case.
        rows: of the batch that are in the minibatch.
    """

    inputs: Inputs
    rows: slice = field(default_factory=lambda: slice(None))
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
        with torch.no_grad():
            act = self.act()
            self.log_probs = act["distribution"].log_prob(data["actions"])
        self.values, self.data = act["values"], data
        self.batch["log_probs"] = self.log_probs - data["ratios"].log()
        self.batch["values"] = self.values - data["moves"]

    def act(self) -> dict[str, Any]:
        """What the policy says to the batch, with a graph."""
        return self.policy.act(self.batch["observations"], training=True)

    def minibatch(self) -> dict[str, Tensor]:
        """A copy of the rows that it has now."""
        return {key: tensor[self.rows].clone() for key, tensor in self.batch.items()}

    def make(self, answer: Any) -> Any:
        """The student's object, around this policy and optimizer.

        It is of a class derived from the student's: that takes stand-ins in spite of __slots__.
        """
        knobs = {knob: self.inputs[knob] for knob in KNOBS if knob in self.inputs}
        open_to_stand_ins: Any = new_class(answer.__name__, (answer,))
        return open_to_stand_ins(self.policy, self.optimizer, Sampler(self.runner), **knobs)

    def weights(self) -> dict[str, Tensor]:
        """A copy of all weights."""
        named = self.model.named_parameters()
        return {name: weights.detach().clone() for name, weights in named}

    def put_back(self) -> None:
        """Give the weights the numbers that they had at first."""
        with torch.no_grad():
            for name, weights in self.model.named_parameters():
                weights.copy_(self.data[name])

    def moves(self, before: dict[str, Tensor]) -> dict[str, NDArray]:
        """By how much each of the weights has moved since."""
        now = self.model.named_parameters()
        return {name: plain(weights - before[name], name) for name, weights in now}

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


def stand_in_losses(ppo: Any, scene: Scene) -> dict[str, Any]:
    """Three losses that are straight lines, to stand in for the student's own.

    Value and slope at the scene's first weights come with the case; nothing can be learned from
    them of a loss elsewhere. So `loss` is judged whatever the two others are worth, and `step`
    whatever all three are, and likewise where they call none of the others.

    The student's own are called as well, for what they keep or write; what comes of it is dropped.
    """
    value_coef, data = scene.inputs.get("value_coef", 0.25), scene.data

    def policy_loss(batch: dict[str, Tensor], act: dict[str, Any]) -> Tensor:
        moved = act["distribution"].log_prob(batch["actions"]) - scene.log_probs[scene.rows]
        return -(data["policy_slopes"][scene.rows] * (1.0 + moved)).mean()

    def value_loss(batch: dict[str, Tensor], act: dict[str, Any]) -> Tensor:
        moved, slopes = act["values"] - scene.values[scene.rows], data["value_slopes"][scene.rows]
        return (slopes.square() / 4.0 + slopes * moved).mean()

    def loss(batch: dict[str, Tensor]) -> Tensor:
        act = scene.policy.act(batch["observations"], training=True)
        return policy_loss(batch, act) + value_coef * value_loss(batch, act)

    lines = {"policy_loss": policy_loss, "value_loss": value_loss, "loss": loss}
    return {name: _beside(one, getattr(ppo, name, None)) for name, one in lines.items()}


def _beside(line: Any, own: Any) -> Any:
    def stand_in(batch: dict[str, Tensor], *act: Any, **named: Any) -> Tensor:
        loss = line(batch, *act, **named)
        try:
            own({key: tensor.clone() for key, tensor in batch.items()}, *act, **named)
        except BdbQuit:  # somebody left the debugger
            raise
        except Exception:
            pass  # that one is judged where it is asked itself
        return loss

    return stand_in
