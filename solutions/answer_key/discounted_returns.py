"""Answer key of discounted_returns."""

import numpy as np
import torch

from grader.exercise import AnswerKey, Misconception


def reference(rewards, gamma):
    """R_t as in Sutton & Barto's eq. 3.8: later rewards, γ once for every step between."""
    steps = len(rewards)
    return np.array(
        [sum(gamma ** (k - t) * float(rewards[k]) for k in range(t, steps)) for t in range(steps)]
    )


def whole_episode(rewards, gamma):
    total = sum(gamma**t * reward for t, reward in enumerate(rewards))
    return np.full(len(rewards), total)


def one_discount_too_many(rewards, gamma):
    returns = np.zeros(len(rewards))
    following = 0.0
    for t in reversed(range(len(rewards))):
        following = gamma * (rewards[t] + following)
        returns[t] = following
    return returns


def forward_sum(rewards, gamma):
    returns = np.zeros(len(rewards))
    so_far = 0.0
    for t in range(len(rewards)):
        so_far = rewards[t] + gamma * so_far
        returns[t] = so_far
    return returns


def not_discounted(rewards, gamma):
    return np.cumsum(rewards[::-1])[::-1]


def discounted_from_the_start(rewards, gamma):
    discounted = rewards * gamma ** np.arange(len(rewards))
    return np.cumsum(discounted[::-1])[::-1]


def own_reward_missing(rewards, gamma):
    returns = np.zeros(len(rewards))
    for t in range(len(rewards)):
        for k in range(t + 1, len(rewards)):
            returns[t] += gamma ** (k - t) * rewards[k]
    return returns


def shifted(rewards, gamma):
    returns = np.zeros(len(rewards))
    for t in range(len(rewards) - 2, -1, -1):
        returns[t] = rewards[t + 1] + gamma * returns[t + 1]
    return returns


def not_reversed(rewards, gamma):
    returns, following = [], 0.0
    for reward in reversed(rewards):
        following = reward + gamma * following
        returns.append(following)
    return np.array(returns)


def normalised(rewards, gamma):
    returns = np.zeros(len(rewards))
    following = 0.0
    for t in reversed(range(len(rewards))):
        following = rewards[t] + gamma * following
        returns[t] = following
    return (returns - returns.mean()) / (returns.std() + 1e-8)


def next_reward_only(rewards, gamma):
    return rewards + gamma * np.append(rewards[1:], 0.0)


def last_reward_missing(rewards, gamma):
    returns = np.zeros(len(rewards))
    for t in range(len(rewards) - 2, -1, -1):
        returns[t] = rewards[t] + gamma * returns[t + 1]
    return returns


def discounted_from_the_end(rewards, gamma):
    steps = len(rewards)
    discounted = rewards * gamma ** np.arange(steps - 1, -1, -1)
    return np.cumsum(discounted[::-1])[::-1]


def discounted_twice(rewards, gamma):
    returns = np.zeros(len(rewards))
    following = 0.0
    for t in reversed(range(len(rewards))):
        following = gamma**t * rewards[t] + gamma * following
        returns[t] = following
    return returns


def anew_at_every_reward(rewards, gamma):
    returns = np.zeros(len(rewards))
    following = 0.0
    for t in reversed(range(len(rewards))):
        if rewards[t] != 0:
            following = 0.0
        following = rewards[t] + gamma * following
        returns[t] = following
    return returns


def average_of_what_follows(rewards, gamma):
    returns = np.zeros(len(rewards))
    following = 0.0
    for t in reversed(range(len(rewards))):
        following = rewards[t] + gamma * following
        returns[t] = following / (len(rewards) - t)
    return returns


def gamma_as_a_mix(rewards, gamma):
    returns = np.zeros(len(rewards))
    following = 0.0
    for t in reversed(range(len(rewards))):
        following = (1 - gamma) * rewards[t] + gamma * following
        returns[t] = following
    return returns


def backward_loop(rewards, gamma):
    returns = np.zeros(len(rewards))
    following = 0.0
    for t in range(len(rewards) - 1, -1, -1):
        following = rewards[t] + gamma * following
        returns[t] = following
    return returns


def list_of_floats(rewards, gamma):
    returns = []
    for reward in rewards.tolist()[::-1]:
        returns.insert(0, reward + gamma * (returns[0] if returns else 0.0))
    return returns


def as_a_matrix(rewards, gamma):
    ahead = np.arange(len(rewards)) - np.arange(len(rewards))[:, None]
    return np.where(ahead >= 0, gamma ** np.maximum(ahead, 0.0), 0.0) @ rewards


def in_float32(rewards, gamma):
    returns = np.array(rewards, dtype=np.float32)
    for t in range(len(returns) - 2, -1, -1):
        returns[t] += np.float32(gamma) * returns[t + 1]
    return returns


def with_lfilter(rewards, gamma):
    from scipy.signal import lfilter

    return lfilter([1.0], [1.0, -gamma], np.asarray(rewards, dtype=float)[::-1])[::-1]


def with_torch(rewards, gamma):
    returns = torch.tensor(np.array(rewards))
    for t in range(len(returns) - 1, 0, -1):
        returns[t - 1] += gamma * returns[t]
    return returns


KEY = AnswerKey(
    reference=reference,
    hints=(
        "An action can only be credited with what came after it. What came after the last action "
        "of the episode, and what is its R therefore?",
        "The R of a step is its own reward plus γ times the R of the step after it. So "
        "start with the last step and go backwards.",
        "Keep one running number. At every step, from the last to the first, shrink it by γ, add "
        "the reward of the step, and store it at that step's own place in a new array.",
    ),
    misconceptions=(
        Misconception(
            "every step gets the return of the whole episode",
            "Can an action have caused the rewards that came before it?",
            whole_episode,
        ),
        Misconception(
            "γ is applied once too often, to the step's own reward too",
            "How many steps lie between action t and reward t?",
            one_discount_too_many,
        ),
        Misconception(
            "the sum runs forward, over the rewards up to the step",
            "Which rewards can action t still change, the earlier or the later ones?",
            forward_sum,
        ),
        Misconception(
            "later rewards are added without a discount",
            "What is a reward worth that comes one step later?",
            not_discounted,
        ),
        Misconception(
            "rewards are discounted from the start of the episode, not from the step",
            "A reward right after action t: does its worth to action t depend on how late in the "
            "episode they both are?",
            discounted_from_the_start,
        ),
        Misconception(
            "the step's own reward is missing",
            "Action t is paid at once, too. Where does the sum begin?",
            own_reward_missing,
        ),
        Misconception(
            "the returns stand one step early: step t has that of step t + 1",
            "The reward of step t is the first that action t brought. Is it in your sum?",
            shifted,
        ),
        Misconception(
            "the returns stand in reversed order",
            "You went from the last step to the first. Where does each number belong in the end?",
            not_reversed,
        ),
        Misconception(
            "the returns are normalised",
            "Scaling is done later, over a whole rollout. In which unit is a return?",
            normalised,
        ),
        Misconception(
            "only the reward right after the step's own is added",
            "What about the reward two steps later, and the one after that?",
            next_reward_only,
        ),
        Misconception(
            "the last reward of the episode is left out",
            "Nothing follows the last step, but is the step itself not paid?",
            last_reward_missing,
        ),
        Misconception(
            "the exponent of γ counts from the end of the episode",
            "Of two rewards that follow action t, which should be discounted more?",
            discounted_from_the_end,
        ),
        Misconception(
            "rewards are discounted twice, from the start of the episode and backwards",
            "The backward pass multiplies by γ once for every step between. What else does?",
            discounted_twice,
        ),
        Misconception(
            "the sum starts anew at every reward that is not zero",
            "That is a trick for games of several points. Which rewards of one episode belong to "
            "an action?",
            anew_at_every_reward,
        ),
        Misconception(
            "the sum is divided by the number of steps left",
            "A return is a sum. Would an average still prefer long episodes to short ones?",
            average_of_what_follows,
        ),
        Misconception(
            "the reward is weighted with 1 − γ",
            "A moving average needs that weight. How much of its own reward does a step get?",
            gamma_as_a_mix,
        ),
    ),
    also_correct=(
        backward_loop,
        list_of_floats,
        as_a_matrix,
        in_float32,
        with_lfilter,
        with_torch,
    ),
)
