"""A right answer to ppo, of which each wrong one changes one method."""

import torch
from torch.nn.utils import clip_grad_norm_


class Right:
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
        distribution = act["distribution"]
        ratio = torch.exp(distribution.log_prob(batch["actions"]) - batch["log_probs"])
        clipped = ratio.clamp(1 - self.clip_range, 1 + self.clip_range)
        outside = (ratio - 1).abs() > self.clip_range
        self.write("additional/entropy", distribution.entropy().mean())
        self.write("additional/policy_loss_clipped_fraction", outside.float().mean())
        self.write("additional/max_ratio", ratio.max())
        advantages = batch["advantages"]
        return -torch.min(ratio * advantages, clipped * advantages).mean()

    def value_loss(self, batch, act):
        values, old_values, targets = act["values"], batch["values"], batch["value_targets"]
        move = values - old_values
        clipped = old_values + move.clamp(-self.clip_range, self.clip_range)
        outside = move.abs() > self.clip_range
        self.write("additional/value_predictions", values.mean())
        self.write("additional/value_loss_clipped_fraction", outside.float().mean())
        return torch.max((values - targets) ** 2, (clipped - targets) ** 2).mean()

    def loss(self, batch):
        act = self.policy.act(batch["observations"], training=True)
        policy_loss = self.policy_loss(batch, act)
        value_loss = self.value_loss(batch, act)
        self.write("losses/policy_loss", policy_loss)
        self.write("losses/critic_loss", value_loss)
        return policy_loss + self.value_coef * value_loss

    def step(self, batch):
        self.optimizer.zero_grad()
        self.loss(batch).backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.write("gradient_norm", norm)
        self.iteration += 1
