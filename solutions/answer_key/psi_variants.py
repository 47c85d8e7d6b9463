"""Answer key of psi_variants: the right answers. The wrong ones: psi_totals, psi_baselines."""

import numpy as np
import torch

from grader.exercise import AnswerKey, Misconception

from . import psi_baselines, psi_totals
from .psi_right import right_baselined, right_total


def _episodes(terminated, truncated):
    """(first step, step behind the last, environment) of every episode in the rollout."""
    for env in np.ndindex(np.shape(terminated)[1:]):
        first = 0
        for t in range(len(terminated)):
            if terminated[(t, *env)] or truncated[(t, *env)] or t == len(terminated) - 1:
                yield first, t + 1, env
                first = t + 1


def reference_total(rewards, values, next_values, terminated, truncated, *, gamma):
    """Item 1, discounted: one number for all steps of an episode, Σ_k γ^{k − start} r_k."""
    psi = np.zeros(np.shape(rewards))
    for first, behind, env in _episodes(terminated, truncated):
        total = sum(gamma ** (k - first) * float(rewards[(k, *env)]) for k in range(first, behind))
        for t in range(first, behind):
            psi[(t, *env)] = total
    return psi


def reference_baselined(rewards, values, next_values, terminated, truncated, *, gamma):
    """Item 3, discounted: Σ_{k ≥ t} γ^{k − t} r_k + γ^n V(where it stopped) − V(s_t)."""
    psi = np.zeros(np.shape(rewards))
    for first, behind, env in _episodes(terminated, truncated):
        last = (behind - 1, *env)
        worth_after = 0.0 if terminated[last] else float(next_values[last])
        for t in range(first, behind):
            future = sum(gamma ** (k - t) * float(rewards[(k, *env)]) for k in range(t, behind))
            future += gamma ** (behind - t) * worth_after
            psi[(t, *env)] = future - float(values[(t, *env)])
    return psi


def carried_total(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    psi = rewards.copy()
    for t in range(len(psi) - 2, -1, -1):
        psi[t] += gamma * ~over[t] * psi[t + 1]
    for t in range(1, len(psi)):
        psi[t] = np.where(over[t - 1], psi[t], psi[t - 1])
    return psi


def gae_with_lambda_one(rewards, values, next_values, terminated, truncated, *, gamma):
    return gae(  # noqa: F821
        rewards, values, next_values, terminated, truncated, gamma=gamma, gae_lambda=1.0
    )


def listed_total(rewards, values, next_values, terminated, truncated, *, gamma):
    if np.ndim(rewards) == 2:
        columns = [
            listed_total(rewards[:, n], None, None, terminated[:, n], truncated[:, n], gamma=gamma)
            for n in range(rewards.shape[1])
        ]
        return [list(row) for row in zip(*columns, strict=True)]
    psi, episode = [], []
    for t in range(len(rewards)):
        episode.append(float(rewards[t]))
        if terminated[t] or truncated[t] or t == len(rewards) - 1:
            total = 0.0
            for reward in reversed(episode):
                total = reward + gamma * total
            psi += [total] * len(episode)
            episode = []
    return psi


def listed_baselined(rewards, values, next_values, terminated, truncated, *, gamma):
    rows, following = [], None
    for t in reversed(range(len(rewards))):
        bootstrap = np.where(terminated[t], 0.0, next_values[t])
        if following is None:
            following = rewards[t] + gamma * bootstrap
        else:
            over = np.logical_or(terminated[t], truncated[t])
            following = rewards[t] + gamma * np.where(over, bootstrap, following)
        rows.insert(0, following - values[t])
    return [row.tolist() for row in rows]


def torch_total(rewards, values, next_values, terminated, truncated, *, gamma):
    rewards = torch.as_tensor(rewards, dtype=torch.float32)
    over = torch.as_tensor(terminated | truncated)
    # An episode is known by how many have ended before it.
    number = torch.cumsum(over.long(), 0) - over.long()
    same = (number[:, None] == number[None, :]).float()
    start = torch.stack([(number < row).sum(0) for row in number])
    steps = torch.arange(len(rewards)).reshape(-1, *[1] * (rewards.ndim - 1))
    weights = torch.as_tensor(gamma, dtype=torch.float32) ** (steps - start)
    return (same * (weights * rewards)[None]).sum(1)


def summed_residuals(rewards, values, next_values, terminated, truncated, *, gamma):
    deltas = td_residuals(rewards, values, next_values, terminated, gamma=gamma)  # noqa: F821
    goes_on = 1.0 - (terminated | truncated)
    psi = np.zeros(deltas.shape, dtype=np.float32)
    for t in range(len(deltas)):
        alive = np.ones(deltas.shape[1:])
        for k in range(t, len(deltas)):
            psi[t] += gamma ** (k - t) * alive * deltas[k]
            alive = alive * goes_on[k]
    return psi


KEY = AnswerKey(
    reference=(reference_total, reference_baselined),
    hints=(
        "First find the episodes: a step belongs to the same one as the step before it, unless "
        "that one was terminated or truncated. What do the steps of one episode share in item 1, "
        "and what does each of them have to itself in item 3?",
        "For item 1, add up the discounted rewards as seen from the episode's first step, and give "
        "that sum to each of its steps; V plays no part. For item 3, compare what followed a step "
        "with what V had promised for it. You have a function that does so already: which λ keeps "
        "every reward?",
        "Item 1 takes two passes: one backward, which sums what is still to come, starts anew "
        "behind an end and never asks V; then one forward, which hands the first step's sum on "
        "until an end. Item 3 is GAE with λ = 1: all of V cancels but the promise at the start "
        "and, where the episode did not terminate, the value of the place it had reached.",
    ),
    misconceptions=(
        *psi_totals.MISCONCEPTIONS,
        *psi_baselines.MISCONCEPTIONS,
        Misconception(
            "the two functions stand in each other's place",
            "check takes the two in one order. Which of them is item 1?",
            (right_baselined, right_total),
        ),
    ),
    also_correct=(
        (carried_total, gae_with_lambda_one),
        (listed_total, listed_baselined),
        (torch_total, summed_residuals),
    ),
)
