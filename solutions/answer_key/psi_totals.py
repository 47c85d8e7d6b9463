"""Known wrong answers to psi_variants: psi_total_return is wrong, the other half right."""

import numpy as np

from grader.exercise import Misconception

from .psi_right import right_baselined, right_total


def total_undiscounted(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    psi = np.zeros(rewards.shape)
    total = 0.0
    for t in reversed(range(len(rewards))):
        psi[t] = total = rewards[t] + (1 - over[t]) * total
    for t in range(1, len(psi)):
        psi[t] = np.where(over[t - 1], psi[t], psi[t - 1])
    return psi


def total_to_go(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    psi = np.zeros(rewards.shape)
    total = 0.0
    for t in reversed(range(len(rewards))):
        psi[t] = total = rewards[t] + gamma * (1 - over[t]) * total
    return psi


def total_so_far(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    psi = np.zeros(rewards.shape)
    total, weight = np.zeros(rewards.shape[1:]), np.ones(rewards.shape[1:])
    for t in range(len(rewards)):
        psi[t] = total = total + weight * rewards[t]
        total, weight = total * (1 - over[t]), np.where(over[t], 1.0, gamma * weight)
    return psi


def total_of_the_rollout(rewards, values, next_values, terminated, truncated, *, gamma):
    discounts = np.array([gamma**t for t in range(len(rewards))])
    return np.zeros(rewards.shape) + np.tensordot(discounts, rewards, 1)


def total_leaks_at_truncations(rewards, values, next_values, terminated, truncated, *, gamma):
    return right_total(rewards, values, next_values, terminated, terminated, gamma=gamma)


def total_leaks_at_terminations(rewards, values, next_values, terminated, truncated, *, gamma):
    return right_total(rewards, values, next_values, truncated, truncated, gamma=gamma)


def total_discounted_from_the_rollout(
    rewards, values, next_values, terminated, truncated, *, gamma
):
    shape = (-1,) + (1,) * (rewards.ndim - 1)
    weights = np.array([gamma**t for t in range(len(rewards))]).reshape(shape)
    return right_total(weights * rewards, values, next_values, terminated, truncated, gamma=1.0)


def total_discounted_backwards(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    psi = np.zeros(rewards.shape)
    total = np.zeros(rewards.shape[1:])
    for t in range(len(rewards)):
        psi[t] = total = gamma * total + rewards[t]
        total = total * (1 - over[t])
    for t in reversed(range(len(rewards) - 1)):
        psi[t] = np.where(over[t], psi[t], psi[t + 1])
    return psi


def total_once_too_often(rewards, values, next_values, terminated, truncated, *, gamma):
    return gamma * right_total(rewards, values, next_values, terminated, truncated, gamma=gamma)


def total_bootstrapped(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    psi = np.zeros(rewards.shape)
    following = next_values[-1]
    for t in reversed(range(len(rewards))):
        following = np.where(over[t], next_values[t] * (1 - terminated[t]), following)
        psi[t] = following = rewards[t] + gamma * following
    for t in range(1, len(psi)):
        psi[t] = np.where(over[t - 1], psi[t], psi[t - 1])
    return psi


def total_bootstrapped_at_the_cut(rewards, values, next_values, terminated, truncated, *, gamma):
    rewards = np.array(rewards, dtype=float)
    rewards[-1] += gamma * next_values[-1] * (1 - (terminated | truncated)[-1])
    return right_total(rewards, values, next_values, terminated, truncated, gamma=gamma)


def total_of_finished_episodes(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    finishes = np.logical_or.accumulate(over[::-1])[::-1]
    psi = right_total(rewards, values, next_values, terminated, truncated, gamma=gamma)
    return psi * finishes


def total_without_the_last_reward(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    kept = rewards * (1 - over)
    return right_total(kept, values, next_values, terminated, truncated, gamma=gamma)


def total_cut_one_step_early(rewards, values, next_values, terminated, truncated, *, gamma):
    none = np.zeros_like(terminated[:1])
    early = np.concatenate([(terminated | truncated)[1:], none])
    return right_total(rewards, values, next_values, early, early, gamma=gamma)


def total_minus_values(rewards, values, next_values, terminated, truncated, *, gamma):
    total = right_total(rewards, values, next_values, terminated, truncated, gamma=gamma)
    return total - values


WRONG = (
    (
        "the total return is not discounted",
        "The second reward of an episode comes one step after its first. What is it worth there?",
        total_undiscounted,
    ),
    (
        "psi_total_return gives each step the return that followed it, which is item 2",
        "Item 1 is one number for the whole episode. From which of its steps is it discounted?",
        total_to_go,
    ),
    (
        "psi_total_return gives each step the rewards collected up to it",
        "In item 1 the first step of an episode and its last one share a number. Which rewards "
        "are in it?",
        total_so_far,
    ),
    (
        "the total return runs over the ends of episodes, through the whole rollout",
        "Did an action of the first episode earn the rewards of the second one?",
        total_of_the_rollout,
    ),
    (
        "the total return runs on where an episode was truncated",
        "The row after a truncation was collected after a reset. Whose rewards are in it?",
        total_leaks_at_truncations,
    ),
    (
        "the total return runs on where an episode terminated",
        "The row after a termination was collected after a reset. Whose rewards are in it?",
        total_leaks_at_terminations,
    ),
    (
        "the total return is discounted from the first step of the rollout",
        "A second episode starts in the middle of the rollout. How much does its very first "
        "reward count?",
        total_discounted_from_the_rollout,
    ),
    (
        "the discount of the total return runs backwards, and the last reward counts in full",
        "Which of its rewards does an episode collect at once, and which one must it wait for?",
        total_discounted_backwards,
    ),
    (
        "the total return is discounted once too often",
        "How much does the reward of an episode's first step count, seen from that step?",
        total_once_too_often,
    ),
    (
        "V is added to the total return where the episode was cut or truncated",
        "Item 1 holds rewards that were collected. Was V?",
        total_bootstrapped,
    ),
    (
        "V is added to the total return of the last episode, which the rollout cuts",
        "Item 1 holds rewards that were collected. Was V?",
        total_bootstrapped_at_the_cut,
    ),
    (
        "an episode that the rollout cuts has no total return",
        "The last episode has not ended yet, but it has collected something. Where does that go?",
        total_of_finished_episodes,
    ),
    (
        "the total return leaves out the reward of the step that ends an episode",
        "A flag at t says that action t ended the episode. Was action t still paid?",
        total_without_the_last_reward,
    ),
    (
        "episodes are split one step too early in psi_total_return",
        "A flag at t says that action t ended the episode. To which episode does step t belong?",
        total_cut_one_step_early,
    ),
    (
        "V is subtracted from the total return",
        "Which item of the list has a baseline? Item 1 is the return alone.",
        total_minus_values,
    ),
)
MISCONCEPTIONS = tuple(
    Misconception(name, idea, (wrong, right_baselined)) for name, idea, wrong in WRONG
)
