"""Right halves of psi_variants, for wrong answers in which only the other half is wrong."""

import numpy as np


def right_total(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    psi = np.zeros(rewards.shape)
    total = np.zeros(rewards.shape[1:])
    for t in reversed(range(len(rewards))):
        total = rewards[t] + gamma * (1 - over[t]) * total
        psi[t] = total
    for t in range(1, len(psi)):
        psi[t] = np.where(over[t - 1], psi[t], psi[t - 1])
    return psi


def right_baselined(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    psi = np.zeros(rewards.shape)
    following = next_values[-1]
    for t in reversed(range(len(rewards))):
        following = np.where(over[t], next_values[t] * (1 - terminated[t]), following)
        following = rewards[t] + gamma * following
        psi[t] = following - values[t]
    return psi
