"""Answer key of ppo: the right answers. The wrong ones are in three files beside it."""

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils import clip_grad_norm_

from grader.exercise import AnswerKey

from .clipped_value_loss import KEY as CLIPPED_VALUE_LOSS
from .ppo_clip_loss import KEY as PPO_CLIP_LOSS
from .ppo_logs import WRONG_LOGS
from .ppo_parts import Right
from .ppo_steps import WRONG_STEPS
from .ppo_terms import WRONG_TERMS


class Reference:
    """Losses sample by sample, as their definitions in 05's key; a step written out by hand."""

    def __init__(
        self, policy, optimizer, sampler, clip_range=0.2, value_coef=0.25, max_grad_norm=0.5
    ):
        self.policy, self.optimizer, self.sampler = policy, optimizer, sampler
        self.clip_range, self.value_coef = clip_range, value_coef
        self.max_grad_norm = max_grad_norm
        self.iteration = 0

    def write(self, name, value):
        self.sampler.runner.write(name, value, self.iteration)

    def policy_loss(self, batch, act):
        log_probs = act["distribution"].log_prob(batch["actions"])
        return PPO_CLIP_LOSS.reference(
            log_probs, batch["log_probs"], batch["advantages"], clip_range=self.clip_range
        )

    def value_loss(self, batch, act):
        return CLIPPED_VALUE_LOSS.reference(
            act["values"], batch["values"], batch["value_targets"], clip_range=self.clip_range
        )

    def loss(self, batch):
        act = self.policy.act(batch["observations"], training=True)
        return self.policy_loss(batch, act) + self.value_coef * self.value_loss(batch, act)

    def step(self, batch):
        act = self.policy.act(batch["observations"], training=True)
        weights = list(self.policy.model.parameters())
        gradients = torch.autograd.grad(self.loss(batch), weights)
        norm = sum(float(number) ** 2 for one in gradients for number in one.flatten()) ** 0.5
        self.write_all(batch, act, norm)
        for one, gradient in zip(weights, gradients, strict=True):
            one.grad = gradient * min(1.0, self.max_grad_norm / norm)
        self.optimizer.step()
        self.iteration += 1

    def write_all(self, batch, act, norm):
        rows = range(len(batch["actions"]))
        entropies = act["distribution"].entropy().tolist()
        log_ratios = act["distribution"].log_prob(batch["actions"]) - batch["log_probs"]
        ratios = [float(np.exp(number)) for number in log_ratios.tolist()]
        values, old_values = act["values"].tolist(), batch["values"].tolist()
        far = [abs(ratio - 1) > self.clip_range for ratio in ratios]
        moved = [abs(values[b] - old_values[b]) > self.clip_range for b in rows]
        self.write("additional/entropy", sum(entropies) / len(rows))
        self.write("additional/policy_loss_clipped_fraction", sum(far) / len(rows))
        self.write("additional/max_ratio", max(ratios))
        self.write("additional/value_predictions", sum(values) / len(rows))
        self.write("additional/value_loss_clipped_fraction", sum(moved) / len(rows))
        self.write("losses/policy_loss", self.policy_loss(batch, act).item())
        self.write("losses/critic_loss", self.value_loss(batch, act).item())
        self.write("gradient_norm", norm)


class WithWhere:
    """Quadrants by torch.where; everything is written by step, as numbers."""

    def __init__(
        self, policy, optimizer, sampler, clip_range=0.2, value_coef=0.25, max_grad_norm=0.5
    ):
        self.policy, self.optimizer, self.sampler = policy, optimizer, sampler
        self.eps, self.coef, self.limit = clip_range, value_coef, max_grad_norm
        self.iteration = 0

    def write(self, name, value):
        self.sampler.runner.write(name, value, self.iteration)

    def ratio(self, batch, act):
        return (act["distribution"].log_prob(batch["actions"]) - batch["log_probs"]).exp()

    def policy_loss(self, batch, act):
        ratio, advantages = self.ratio(batch, act), batch["advantages"]
        good = torch.where(ratio > 1 + self.eps, 1 + self.eps, ratio)
        bad = torch.where(ratio < 1 - self.eps, 1 - self.eps, ratio)
        return torch.where(advantages > 0, -good * advantages, -bad * advantages).mean()

    def value_loss(self, batch, act):
        values, old, targets = act["values"], batch["values"], batch["value_targets"]
        bounded = torch.clip(values, old - self.eps, old + self.eps)
        error, bounded_error = (values - targets).square(), (bounded - targets).square()
        return torch.where(bounded_error > error, bounded_error, error).mean()

    def loss(self, batch):
        act = self.policy.act(batch["observations"], training=True)
        self.last = {"policy": self.policy_loss(batch, act), "critic": self.value_loss(batch, act)}
        return self.last["policy"] + self.coef * self.last["critic"]

    def step(self, batch):
        self.policy.model.zero_grad()
        loss = self.loss(batch)
        loss.backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), max_norm=self.limit)
        self.write("gradient_norm", norm.item())
        with torch.no_grad():
            act = self.policy.act(batch["observations"], training=True)
            outside = (self.ratio(batch, act) - 1).abs() > self.eps
            moved = (act["values"] - batch["values"]).abs() > self.eps
            self.write("additional/entropy", act["distribution"].entropy().mean().item())
            self.write("additional/policy_loss_clipped_fraction", outside.float().mean().item())
            self.write("additional/max_ratio", self.ratio(batch, act).max().item())
            self.write("additional/value_predictions", act["values"].mean().item())
            self.write("additional/value_loss_clipped_fraction", moved.float().mean().item())
        for name, one in self.last.items():
            self.write(f"losses/{name}_loss", one.item())
        self.optimizer.step()
        self.iteration += 1


class WithHinges(Right):
    """What is beyond the band is taken off by a hinge; the step is a closure."""

    def policy_loss(self, batch, act):
        super().policy_loss(batch, act)  # for what it writes
        log_ratios = act["distribution"].log_prob(batch["actions"]) - batch["log_probs"]
        ratio, advantages = log_ratios.exp(), batch["advantages"]
        edge = 1 + self.clip_range * advantages.sign()
        return (F.relu(advantages * (ratio - edge)) - advantages * ratio).mean()

    def value_loss(self, batch, act):
        super().value_loss(batch, act)  # for what it writes
        error = act["values"] - batch["value_targets"]
        move = act["values"] - batch["values"]
        beyond = F.relu(move - self.clip_range) - F.relu(-move - self.clip_range)
        return (error**2 + F.relu((error - beyond) ** 2 - error**2)).mean()

    def step(self, batch):
        def closure():
            self.optimizer.zero_grad(set_to_none=False)
            loss = self.loss(batch)
            loss.backward()
            parameters = [one for group in self.optimizer.param_groups for one in group["params"]]
            self.write("gradient_norm", clip_grad_norm_(parameters, self.max_grad_norm))
            return loss

        self.optimizer.step(closure)
        self.iteration = self.iteration + 1


class Inline:
    """One function does it all; the three others are asked for nothing."""

    def __init__(
        self, policy, optimizer, sampler, clip_range=0.2, value_coef=0.25, max_grad_norm=0.5
    ):
        self.policy, self.optimizer, self.sampler = policy, optimizer, sampler
        self.knobs = clip_range, value_coef, max_grad_norm
        self.iteration = 0

    def write(self, name, value):
        self.sampler.runner.write(name, value, self.iteration)

    def everything(self, batch, act):
        eps, coef, _ = self.knobs
        old_log_probs, advantages, old, targets = (
            batch[key] for key in ("log_probs", "advantages", "values", "value_targets")
        )
        ratio = torch.exp(act["distribution"].log_prob(batch["actions"]) - old_log_probs)
        pairs = torch.stack([ratio, torch.clamp(ratio, 1 - eps, 1 + eps)])
        policy_loss = torch.maximum(*(-pairs * advantages)).mean()
        values = act["values"]
        both = torch.stack([values, old + torch.clamp(values - old, -eps, eps)])
        value_loss = F.mse_loss(both, targets.expand(2, -1), reduction="none").amax(0).mean()
        logs = {
            "additional/entropy": act["distribution"].entropy().detach().mean(),
            "additional/policy_loss_clipped_fraction": (abs(ratio - 1) > eps).double().mean(),
            "additional/max_ratio": ratio.detach().max(),
            "additional/value_predictions": values.detach().mean(),
            "additional/value_loss_clipped_fraction": (abs(values - old) > eps).double().mean(),
            "losses/policy_loss": policy_loss.detach(),
            "losses/critic_loss": value_loss.detach(),
        }
        return policy_loss, value_loss, policy_loss + coef * value_loss, logs

    def policy_loss(self, batch, act):
        return self.everything(batch, act)[0]

    def value_loss(self, batch, act):
        return self.everything(batch, act)[1]

    def loss(self, batch):
        act = self.policy.act(batch["observations"], training=True)
        return self.everything(batch, act)[2]

    def step(self, batch):
        act = self.policy.act(batch["observations"], training=True)
        _, _, loss, logs = self.everything(batch, act)
        self.optimizer.zero_grad()
        loss.backward()
        weights = [one for one in self.policy.model.parameters() if one.grad is not None]
        norm = torch.cat([one.grad.flatten() for one in weights]).norm()
        if norm > self.knobs[2]:
            for one in weights:
                one.grad.mul_(self.knobs[2] / norm)
        for name, value in {**logs, "gradient_norm": norm}.items():
            self.write(name, value)
        self.optimizer.step()
        self.iteration += 1


class InNumpy(Right):
    """Gauges worked out by numpy, and written after the step."""

    def policy_loss(self, batch, act):
        log_probs = act["distribution"].log_prob(batch["actions"])
        ratio = (log_probs - batch["log_probs"]).exp()
        bound = 1 + self.clip_range * batch["advantages"].sign()
        return -torch.min(ratio * batch["advantages"], bound * batch["advantages"]).mean()

    def value_loss(self, batch, act):
        old, targets, eps = batch["values"], batch["value_targets"], self.clip_range
        near = torch.max(torch.min(act["values"], old + eps), old - eps)
        return torch.max((act["values"] - targets).abs(), (near - targets).abs()).pow(2).mean()

    def loss(self, batch):
        act = self.policy.act(batch["observations"], training=True)
        return torch.add(
            self.policy_loss(batch, act), self.value_loss(batch, act), alpha=self.value_coef
        )

    def step(self, batch):
        act = self.policy.act(batch["observations"], training=True)
        distribution, values = act["distribution"], act["values"].detach().numpy()
        new = distribution.log_prob(batch["actions"]).detach().numpy()
        ratio = np.exp(new - batch["log_probs"].numpy())
        weights = list(self.policy.model.parameters())
        gradients = torch.autograd.grad(self.loss(batch), weights, allow_unused=True)
        for one, gradient in zip(weights, gradients, strict=True):
            one.grad = gradient
        norm = clip_grad_norm_(weights, self.max_grad_norm)
        policy_loss, value_loss = self.policy_loss(batch, act), self.value_loss(batch, act)
        self.optimizer.step()
        self.write("losses/policy_loss", policy_loss.item())
        self.write("losses/critic_loss", value_loss.item())
        self.write("gradient_norm", norm)
        self.write("additional/entropy", np.mean(distribution.entropy().detach().numpy()))
        outside, moved = np.abs(ratio - 1), np.abs(values - batch["values"].numpy())
        self.write("additional/max_ratio", ratio.max())
        self.write("additional/policy_loss_clipped_fraction", np.mean(outside > self.clip_range))
        self.write("additional/value_predictions", values.mean())
        self.write("additional/value_loss_clipped_fraction", np.mean(moved > self.clip_range))
        self.iteration += 1


KEY = AnswerKey(
    reference=Reference,
    hints=(
        "You have written both losses before, in 05, as functions. What do the minibatch and the "
        "policy's answer hold, and which of their keys is which argument of those functions?",
        "The total asks the policy in its training mode once, hands the same answer to both "
        "losses, and adds them with one weight. A step is always the same: forget the old "
        "gradient, go backward, bound the gradient's norm, let the optimizer step, count.",
        "The ratio needs the distribution's log-probabilities of the stored actions and the "
        "stored log-probabilities; a value's move is from the stored value to the new one. torch "
        "has a function that bounds the norm of a whole gradient in place and tells you what it "
        "was before. That is the number to write.",
    ),
    misconceptions=(*WRONG_TERMS, *WRONG_STEPS, *WRONG_LOGS),
    also_correct=(Right, WithWhere, WithHinges, Inline, InNumpy),
)
