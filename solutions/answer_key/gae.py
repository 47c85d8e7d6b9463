"""Answer key of gae: the right answers. The wrong ones are in gae_misconceptions."""

import numpy as np
import torch

from grader.exercise import AnswerKey

from .gae_misconceptions import MISCONCEPTIONS


def reference(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    """The definition before it is summed up: a weighted mean of k-step estimates (eqs. 14-16).

    Â_t^(k) = −V(s_t) + r_t + γ r_{t+1} + … + γ^{k-1} r_{t+k-1} + γ^k V(s'_{t+k-1})
    Â_t     = (1 − λ) Σ_{k<n} λ^{k-1} Â_t^(k) + λ^{n-1} Â_t^(n),  n steps left in the episode
    """
    advantages = np.zeros(np.shape(rewards))
    for at in np.ndindex(advantages.shape):
        t, *env = at
        reward_sum, estimates = 0.0, []
        for k in range(1, len(rewards) - t + 1):
            step = (t + k - 1, *env)
            reward_sum += gamma ** (k - 1) * float(rewards[step])
            worth_after = 0.0 if terminated[step] else gamma**k * float(next_values[step])
            estimates.append(-float(values[at]) + reward_sum + worth_after)
            if terminated[step] or truncated[step]:
                break
        n = len(estimates)
        weights = [(1 - gae_lambda) * gae_lambda ** (k - 1) for k in range(1, n)]
        weights.append(gae_lambda ** (n - 1))
        advantages[at] = np.dot(weights, estimates)
    return advantages


def sum_form(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = rewards + gamma * next_values * (1 - terminated) - values
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    for t in range(len(deltas)):
        alive = np.ones_like(deltas[t])
        for k in range(len(deltas) - t):
            advantages[t] += (gamma * gae_lambda) ** k * alive * deltas[t + k]
            alive = alive * (1 - over[t + k])
    return advantages


def in_float32(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    rewards, values = rewards.astype(np.float32), values.astype(np.float32)
    following = next_values.astype(np.float32) * ~terminated
    deltas = rewards + np.float32(gamma) * following - values
    decay = np.float32(gamma * gae_lambda) * ~(terminated | truncated)
    advantages = np.zeros_like(deltas)
    last = np.zeros_like(deltas[0])
    for t in reversed(range(len(deltas))):
        last = deltas[t] + decay[t].astype(np.float32) * last
        advantages[t] = last
    return advantages


def with_lfilter(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    from scipy.signal import lfilter

    deltas = np.asarray(rewards + gamma * next_values * (1 - terminated) - values, dtype=float)
    over = terminated | truncated
    columns, flags = deltas.reshape(len(deltas), -1), over.reshape(len(over), -1)
    advantages = np.zeros_like(columns)
    for n in range(columns.shape[1]):
        start = 0
        for stop in [*(np.flatnonzero(flags[:, n]) + 1), len(columns)]:
            backwards = columns[start:stop, n][::-1]
            if len(backwards):
                filtered = lfilter([1.0], [1.0, -gamma * gae_lambda], backwards)
                advantages[start:stop, n] = filtered[::-1]
            start = stop
    return advantages.reshape(deltas.shape)


def with_torch(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    rewards, values, next_values, terminated, truncated = (
        torch.as_tensor(x) for x in (rewards, values, next_values, terminated, truncated)
    )
    deltas = rewards + gamma * next_values * ~terminated - values
    goes_on = (~(terminated | truncated)).to(deltas.dtype)
    last, collected = torch.zeros_like(deltas[0]), []
    for t in range(len(deltas) - 1, -1, -1):
        last = deltas[t] + gamma * gae_lambda * goes_on[t] * last
        collected.append(last)
    return torch.stack(collected[::-1])


def calling_td_residuals(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    advantages = td_residuals(rewards, values, next_values, terminated, gamma=gamma).copy()  # noqa: F821
    for t in range(len(advantages) - 2, -1, -1):
        goes_on = np.logical_not(np.logical_or(terminated[t], truncated[t]))
        advantages[t] += gamma * gae_lambda * goes_on * advantages[t + 1]
    return advantages


KEY = AnswerKey(
    reference=reference,
    hints=(
        "Start at the end. The last step of the rollout has no later step to hear from, so its "
        "advantage is its residual alone. What does the step before it add?",
        "Each advantage is its own residual plus a share, γλ, of the advantage right after it. "
        "One backward pass over the rollout computes them all.",
        "An episode's end does two different things. A termination removes the value behind it "
        "from δ. Any end, a truncation too, stops the share that is passed back to the step "
        "before: the next row of the rollout belongs to another episode.",
    ),
    misconceptions=MISCONCEPTIONS,
    also_correct=(
        sum_form,
        in_float32,
        with_lfilter,
        with_torch,
        calling_td_residuals,
    ),
)
