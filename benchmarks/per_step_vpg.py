"""Vanilla policy gradient in Spinning Up's style: torch is asked at every single step.

The other side of benchmarks/speed.py's LunarLander row: the same networks, steps and optimisers as
rlcore's VPG; modules that answer one observation at a time, a preallocated buffer filled step by
step, GAE by lfilter where an episode stops, torch.optim.Adam.
"""

import gymnasium as gym
import numpy as np
import scipy.signal
import torch
from torch import nn
from torch.distributions import Categorical

from rlcore import Config


def network(inputs: int, outputs: int, hidden: int) -> nn.Sequential:
    """One hidden layer, the last layer zero."""
    net = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
    nn.init.zeros_(net[2].weight)
    nn.init.zeros_(net[2].bias)
    return net


def discounted(terms: np.ndarray, factor: float) -> np.ndarray:
    """Discounted sums to the end of the array."""
    return scipy.signal.lfilter([1.0], [1.0, -factor], terms[::-1])[::-1]


class PerStepActorCritic(nn.Module):
    """A categorical policy and its value function."""

    def __init__(self, inputs: int, actions: int, hidden: int) -> None:
        super().__init__()
        self.logits_net, self.value_net = (
            network(inputs, actions, hidden),
            network(inputs, 1, hidden),
        )

    def policy(self, observations: torch.Tensor) -> Categorical:
        """The distribution of actions."""
        return Categorical(logits=self.logits_net(observations))

    def value(self, observations: torch.Tensor) -> torch.Tensor:
        """V, without the last axis."""
        return self.value_net(observations).squeeze(-1)

    @torch.no_grad()
    def step(self, observation: torch.Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Action, value and log-probability at one observation."""
        distribution = self.policy(observation)
        action = distribution.sample()
        log_prob = distribution.log_prob(action)
        return action.numpy(), self.value(observation).numpy(), log_prob.numpy()


class PerStepBuffer:
    """One epoch, a row a step."""

    def __init__(self, inputs: int, config: Config) -> None:
        self.config, size = config, config.steps_per_epoch
        self.observations = np.zeros((size, inputs), np.float32)
        self.rows = {name: np.zeros(size, np.float32) for name in NAMES}
        self.at = self.start = 0

    def store(self, observation, action, reward, value, log_prob) -> None:
        """Append a step."""
        self.observations[self.at] = observation
        self.rows["actions"][self.at] = action
        self.rows["rewards"][self.at] = reward
        self.rows["values"][self.at] = value
        self.rows["log_probs"][self.at] = log_prob
        self.at += 1

    def finish(self, last_value: float) -> None:
        """Work out advantages and returns of the episode, or piece of one, that stops here."""
        piece, config = slice(self.start, self.at), self.config
        rewards = np.append(self.rows["rewards"][piece], last_value)
        values = np.append(self.rows["values"][piece], last_value)
        residuals = rewards[:-1] + config.gamma * values[1:] - values[:-1]
        factor = config.gamma * config.gae_lambda
        self.rows["advantages"][piece] = discounted(residuals, factor)
        self.rows["returns"][piece] = discounted(rewards, config.gamma)[:-1]
        self.start = self.at

    def take(self) -> dict[str, torch.Tensor]:
        """The epoch as tensors, advantages normalised; the buffer is empty then."""
        advantages = self.rows["advantages"]
        advantages[:] = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        self.at = self.start = 0
        rows = self.rows | {"observations": self.observations}
        return {name: torch.as_tensor(row, dtype=torch.float32) for name, row in rows.items()}


NAMES = ("actions", "rewards", "values", "log_probs", "advantages", "returns")


def train_per_step(config: Config) -> None:
    """The config's VPG run, on one plain environment."""
    torch.manual_seed(config.seed)
    env = gym.make(config.env)
    inputs, hidden = env.observation_space.shape[0], config.hidden_sizes[0]
    model = PerStepActorCritic(inputs, int(env.action_space.n), hidden)
    buffer = PerStepBuffer(inputs, config)
    adams = (
        torch.optim.Adam(model.logits_net.parameters(), config.pi_lr),
        torch.optim.Adam(model.value_net.parameters(), config.v_lr),
    )
    observation, length = env.reset(seed=config.seed)[0], 0
    for _ in range(config.epochs):
        for step in range(config.steps_per_epoch):
            seen = torch.as_tensor(observation, dtype=torch.float32)
            action, value, log_prob = model.step(seen)
            following, reward, terminated, truncated, _ = env.step(action)
            buffer.store(observation, action, reward, value, log_prob)
            observation, length = following, length + 1
            over = terminated or truncated or length == config.max_ep_len
            if over or step == config.steps_per_epoch - 1:
                seen = torch.as_tensor(observation, dtype=torch.float32)
                buffer.finish(0.0 if terminated else float(model.step(seen)[1]))
                observation, length = env.reset()[0], 0
        update(model, adams, buffer.take(), config)


def update(model: PerStepActorCritic, adams, batch: dict[str, torch.Tensor], config) -> None:
    """The full-batch steps of both optimisers, with KL and entropy of each policy step."""
    for _ in range(config.train_pi_iters):
        adams[0].zero_grad()
        distribution = model.policy(batch["observations"])
        log_probs = distribution.log_prob(batch["actions"])
        loss = -(log_probs * batch["advantages"]).mean()
        (batch["log_probs"] - log_probs).mean().item(), distribution.entropy().mean().item()
        loss.backward()
        adams[0].step()
    for _ in range(config.train_v_iters):
        adams[1].zero_grad()
        loss = ((model.value(batch["observations"]) - batch["returns"]) ** 2).mean()
        loss.backward()
        adams[1].step()
