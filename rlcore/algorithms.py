"""VPG and PPO: what happens to the weights between two rollouts. The losses are arguments."""

import functools
import importlib.util
import math
import runpy
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rlcore.backprop import Backprop
from rlcore.buffer import Batch, RolloutBuffer
from rlcore.collector import evaluate_rows
from rlcore.config import Config
from rlcore.models import ActorCritic

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]  # of (new, old, target)
Losses = Mapping[str, Callable[..., Tensor]]  # by the names of COURSE.md
Scalars = dict[str, float]
Net = nn.Sequential | Backprop


def load_losses(config: Config, source: Losses | str | Path | None = None) -> tuple[Loss, Loss]:
    """The policy's and the critic's loss that a config asks for, functions of (new, old, target).

    They are `policy_gradient_loss` or `ppo_clip_loss`, by `loss_mode`, and `value_loss` for "vpg",
    `clipped_value_loss` for "ppo"; the clipped ones get the config's `clip_range`.

    Args:
        config: of the run.
        source: functions by name, or a Python file that defines them; None takes ./my_losses.py,
            which notebooks 03 and 05 write, else rlcore's own.

    Raises:
        FileNotFoundError: there is no such file. ImportError: one is missing; says which.
    """
    if source is None:
        own = importlib.util.find_spec("rlcore.losses")
        source = "my_losses.py" if Path("my_losses.py").exists() else own.origin if own else {}
    found = source if isinstance(source, Mapping) else runpy.run_path(str(source))
    policy = "ppo_clip_loss" if config.loss_mode == "ppo" else "policy_gradient_loss"
    critic = "clipped_value_loss" if config.algorithm == "ppo" else "value_loss"
    for name in (policy, critic):
        if name not in found:
            came, notebook = f"load_losses: there is no {name}", "05" if "clip" in name else "03"
            raise ImportError(f"{came}; run notebook {notebook}'s cell for it, or name a file.")
    return _of_three(found[policy], policy, config), _of_three(found[critic], critic, config)


def _of_three(loss: Callable[..., Tensor], name: str, config: Config) -> Loss:
    if "clip" in name:
        return functools.partial(loss, clip_range=config.clip_range)
    return lambda new, old, target: loss(new, target)


class FlatAdam(nn.Module):
    """Adam on one flat tensor θ, whose pieces the parameters become; g is its gradient.

        m ← β₁ m + (1 − β₁) g,        v ← β₂ v + (1 − β₂) g²,        β₁ = 0.9,  β₂ = 0.999
        θ ← θ − α (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)

    Kingma & Ba 2015, arXiv:1412.6980, algorithm 1. torch.optim.Adam makes the same steps; for
    networks as small as these its bookkeeping takes longer than its arithmetic. A module, so that
    its `state_dict` is saved as a network's: m, v and the number of steps t.

    Args:
        parameters: of a network; each may belong to one `FlatAdam` only. They and their gradients
            become views of the flat tensors.
        lr: learning rate α, multiplied by the attribute `share`, which may be assigned.
        eps: ε.
        max_grad_norm: a longer gradient is cut to that length.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, eps=1e-8, max_grad_norm=math.inf
    ) -> None:
        super().__init__()
        pieces = list(parameters)
        self.lr, self.eps, self.max_grad_norm, self.share = lr, eps, max_grad_norm, 1.0
        self.flat = torch.cat([piece.detach().reshape(-1) for piece in pieces])
        self.gradient = torch.zeros_like(self.flat)
        self.moments = nn.Buffer(torch.stack([self.gradient, self.gradient]))
        self._first, self._second = self.moments
        self.num_steps = nn.Buffer(torch.zeros((), dtype=torch.int64))
        sizes = [piece.numel() for piece in pieces]
        views = zip(pieces, self.flat.split(sizes), self.gradient.split(sizes), strict=True)
        for piece, weights, gradient in views:
            piece.data, piece.grad = weights.view_as(piece), gradient.view_as(piece)

    def step(self, loss: Tensor, *passes: Net) -> float:
        """Go one step down the loss; returns the norm of its gradient, before it is cut.

        Args:
            loss: a scalar.
            passes: each `Backprop` among them takes the gradient on, from the loss to the weights.
        """
        self.gradient.zero_()
        loss.backward()
        for one in passes:
            if isinstance(one, Backprop):
                one.backward()
        norm = self.gradient.norm().item()
        if norm > self.max_grad_norm:
            self.gradient.mul_(self.max_grad_norm / (norm + 1e-6))
        t = int(self.num_steps.add_(1))
        self._first.lerp_(self.gradient, 1.0 - 0.9)
        self._second.mul_(0.999).addcmul_(self.gradient, self.gradient, value=1.0 - 0.999)
        bias = math.sqrt(1.0 - 0.999**t)
        size = self.share * self.lr * bias / (1.0 - 0.9**t)
        self.flat.addcdiv_(self._first, self._second.sqrt().add_(self.eps * bias), value=-size)
        return norm


class _Algorithm:
    optimizers: list[FlatAdam]

    def __init__(
        self, model: ActorCritic, policy_loss: Loss, value_loss: Loss, config: Config
    ) -> None:
        self.model, self.config = model, config
        self.policy_loss, self.value_loss = policy_loss, value_loss
        nets = (model.actor.net, model.critic.net)
        shared = nets[0][0] is nets[1][0]
        self.nets: tuple[Net, ...] = nets if shared else tuple(Backprop(net) for net in nets)
        self._start()

    def _start(self) -> None: ...  # the optimizers

    def _too_far(self, log_probs: Tensor, batch: Batch) -> bool:
        kl = (batch["log_probs"] - log_probs).mean().item()
        return 0.0 < 1.5 * self.config.target_kl < kl


class VPG(_Algorithm):
    """Vanilla policy gradient: full batch, several steps for the policy, then for the critic.

    Args:
        model: whose weights are trained.
        policy_loss: (log_probs, old_log_probs, psi) → scalar.
        value_loss: (values, old_values, returns) → scalar.
        config: its `pi_lr, v_lr, train_pi_iters, train_v_iters, entropy_coef, target_kl` count.

    Attributes:
        optimizers: of the policy and of the critic.
    """

    def _start(self) -> None:
        pairs = ((self.model.actor, self.config.pi_lr), (self.model.critic, self.config.v_lr))
        self.optimizers = [FlatAdam(net.parameters(), lr) for net, lr in pairs]

    def update(self, buffer: RolloutBuffer, rng: np.random.Generator) -> Scalars:
        """Train on the rollout; returns `loss_pi` and `loss_v` of the first step of each."""
        config, batch, scalars = self.config, buffer.rows, {}
        for i in range(config.train_pi_iters):
            outputs = self.nets[0](batch["observations"])
            log_probs, entropy = self.model.actor.evaluate_outputs(outputs, batch["actions"])
            if i and self._too_far(log_probs, batch):
                break
            loss = self.policy_loss(log_probs, batch["log_probs"], batch["psi"])
            scalars.setdefault("loss_pi", _number(loss, f"the policy's loss in step {i}"))
            if config.entropy_coef:
                loss = loss - config.entropy_coef * entropy.mean()
            self.optimizers[0].step(loss, self.nets[0])
        for i in range(config.train_v_iters):
            values = self.nets[1](batch["observations"]).squeeze(-1)
            loss = self.value_loss(values, batch["values"], batch["returns"])
            scalars.setdefault("loss_v", _number(loss, f"the critic's loss in step {i}"))
            self.optimizers[1].step(loss, self.nets[1])
        return scalars


class PPO(_Algorithm):
    """Proximal policy optimisation: several epochs of minibatches, one Adam for both networks.

        L = L_policy + c_V L_value − c_H H

    Schulman et al. 2017, arXiv:1707.06347, eq. 9 (there an objective) and algorithm 1.

    Args:
        model: whose weights are trained.
        policy_loss: (log_probs, old_log_probs, advantages) → scalar.
        value_loss: (values, old_values, value_targets) → scalar.
        config: its `pi_lr` (of Adam, whose ε is 1e-5), `num_epochs, num_minibatches, value_coef`
            (c_V), `entropy_coef` (c_H), `max_grad_norm, target_kl` count.

    Attributes:
        optimizers: one.
    """

    def _start(self) -> None:
        how = {"eps": 1e-5, "max_grad_norm": self.config.max_grad_norm}
        self.optimizers = [FlatAdam(self.model.parameters(), self.config.pi_lr, **how)]

    def update(self, buffer: RolloutBuffer, rng: np.random.Generator) -> Scalars:
        """Train on the rollout; returns means over the minibatches."""
        config, batch, rows = self.config, buffer.rows, []
        for epoch in range(config.num_epochs):
            for i, part in enumerate(buffer.minibatches(config.num_minibatches, rng=rng)):
                rows.append(self._step(part, f"in pass {epoch}, minibatch {i}"))
            if config.target_kl:
                log_probs = evaluate_rows(self.model, batch["observations"], batch["actions"])[0]
                if self._too_far(log_probs, batch):
                    break
        means = np.mean(rows, axis=0).tolist()
        return dict(zip(("loss_pi", "loss_v", "gradient_norm"), means, strict=True))

    def _step(self, batch: Batch, where: str) -> tuple[float, ...]:
        outputs, values = (net(batch["observations"]) for net in self.nets)
        log_probs, entropy = self.model.actor.evaluate_outputs(outputs, batch["actions"])
        policy_loss = self.policy_loss(log_probs, batch["log_probs"], batch["psi"])
        value_loss = self.value_loss(values.squeeze(-1), batch["values"], batch["value_targets"])
        loss_pi = _number(policy_loss, f"the policy's loss {where}")
        loss_v = _number(value_loss, f"the critic's loss {where}")
        loss = policy_loss + self.config.value_coef * value_loss
        if self.config.entropy_coef:
            loss = loss - self.config.entropy_coef * entropy.mean()
        return loss_pi, loss_v, self.optimizers[0].step(loss, *self.nets)


def diagnostics(model: ActorCritic, batch: Batch, *, clip_range: float) -> Scalars:
    """What an update did, seen from its whole batch: how far the policy moved, how good V was.

    Returns:
        `kl` (mean log-ratio, nats), `ent` (mean entropy, nats), `clip_fraction` (share of ratios
        outside 1 ± clip_range), `max_ratio`, `value_predictions` (mean V before the update) and
        `explained_variance` (1 − Var(G − V) / Var(G), V before the update).
    """
    log_probs, entropy, _ = evaluate_rows(model, batch["observations"], batch["actions"])
    ratio, values = torch.exp(log_probs - batch["log_probs"]), batch["values"]
    unexplained = (batch["value_targets"] - values).var() / batch["value_targets"].var()
    found = {"kl": (batch["log_probs"] - log_probs).mean(), "ent": entropy.mean()}
    found |= {"clip_fraction": ((ratio - 1.0).abs() > clip_range).float().mean()}
    found |= {"max_ratio": ratio.max(), "value_predictions": values.mean()}
    found |= {"explained_variance": 1.0 - unexplained}
    return {name: number.item() for name, number in found.items()}


def _number(loss: Tensor, what: str) -> float:
    """The loss as a number, if it is one to descend; else a TypeError or FloatingPointError."""
    if not isinstance(loss, Tensor) or loss.ndim or not loss.requires_grad:
        raise TypeError(
            f"{what} is {loss}; return a mean: one tensor through which a gradient flows."
        )
    if not math.isfinite(number := loss.item()):
        raise FloatingPointError(f"{what} is {number}")
    return number
