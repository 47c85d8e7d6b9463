"""Answer key of td_residuals."""

import numpy as np
import torch

from grader.exercise import AnswerKey, Misconception


def reference(rewards, values, next_values, terminated, *, gamma):
    """δ_t element by element, as section 3 of the GAE paper defines it."""
    residuals = np.zeros(np.shape(rewards))
    for at in np.ndindex(residuals.shape):
        worth_after = 0.0 if terminated[at] else float(next_values[at])
        residuals[at] = float(rewards[at]) + gamma * worth_after - float(values[at])
    return residuals


def terminal_value_kept(rewards, values, next_values, terminated, *, gamma):
    return rewards + gamma * next_values - values


def current_value_as_next(rewards, values, next_values, terminated, *, gamma):
    return rewards + gamma * values * (1 - terminated) - values


def value_not_subtracted(rewards, values, next_values, terminated, *, gamma):
    return rewards + gamma * next_values * (1 - terminated)


def gamma_missing(rewards, values, next_values, terminated, *, gamma):
    return rewards + next_values * (1 - terminated) - values


def sign_flipped(rewards, values, next_values, terminated, *, gamma):
    return values - rewards - gamma * next_values * (1 - terminated)


def zero_after_the_cut(rewards, values, next_values, terminated, *, gamma):
    following = next_values * (1 - terminated)
    following[-1] = 0.0
    return rewards + gamma * following - values


def shifted_values(rewards, values, next_values, terminated, *, gamma):
    following = np.concatenate([values[1:], next_values[-1:]])
    return rewards + gamma * following * (1 - terminated) - values


def last_value_repeated(rewards, values, next_values, terminated, *, gamma):
    following = np.concatenate([values[1:], values[-1:]])
    return rewards + gamma * following * (1 - terminated) - values


def rolled_values(rewards, values, next_values, terminated, *, gamma):
    following = np.roll(values, -1, axis=0)
    return rewards + gamma * following * (1 - terminated) - values


def reward_discounted(rewards, values, next_values, terminated, *, gamma):
    return gamma * (rewards + next_values * (1 - terminated)) - values


def terminal_reward_dropped(rewards, values, next_values, terminated, *, gamma):
    return (rewards + gamma * next_values) * (1 - terminated) - values


def terminal_step_blank(rewards, values, next_values, terminated, *, gamma):
    return (rewards + gamma * next_values - values) * (1 - terminated)


def flag_inverted(rewards, values, next_values, terminated, *, gamma):
    return rewards + gamma * next_values * terminated - values


def flag_late(rewards, values, next_values, terminated, *, gamma):
    late = np.concatenate([np.zeros_like(terminated[:1]), terminated[:-1]])
    return rewards + gamma * next_values * (1 - late) - values


def with_where(rewards, values, next_values, terminated, *, gamma):
    return np.where(terminated, rewards - values, rewards + gamma * next_values - values)


def in_float32(rewards, values, next_values, terminated, *, gamma):
    goes_on = 1 - terminated.astype(np.float32)
    rewards, values = rewards.astype(np.float32), values.astype(np.float32)
    return rewards + np.float32(gamma) * goes_on * next_values.astype(np.float32) - values


def with_torch(rewards, values, next_values, terminated, *, gamma):
    rewards, values = torch.as_tensor(rewards), torch.as_tensor(values)
    following = torch.as_tensor(next_values) * ~torch.as_tensor(terminated)
    return rewards + gamma * following - values


def as_a_list(rewards, values, next_values, terminated, *, gamma):
    residuals = []
    for t in range(len(rewards)):
        after = next_values[t] * (1 - terminated[t])
        residuals.append(rewards[t] + gamma * after - values[t])
    return np.array(residuals)


KEY = AnswerKey(
    reference=reference,
    hints=(
        "A residual compares two estimates of the same state: what V promised before the step, "
        "and what is known one step later. What is known one step later?",
        "One step later you hold the reward of that step, and the discounted promise of V for "
        "where you landed. From that, subtract the old promise.",
        "Nothing is worth anything behind a terminal step, whatever the critic says of it: "
        "multiply the promise of V by something that is 0 there and 1 elsewhere. A truncated "
        "episode would have gone on, so its successor keeps its value.",
    ),
    misconceptions=(
        Misconception(
            "the value of the next state is still added after a terminal step",
            "What is there to come after the last step of an episode?",
            terminal_value_kept,
        ),
        Misconception(
            "V(s_t) stands where V(s_{t+1}) belongs",
            "Which of the arguments is the promise for the place you landed in?",
            current_value_as_next,
        ),
        Misconception(
            "V(s_t) is not subtracted",
            "A residual is a surprise. What does one compare with to be surprised?",
            value_not_subtracted,
        ),
        Misconception(
            "the next value is not discounted",
            "What is a reward worth that comes one step later?",
            gamma_missing,
        ),
        Misconception(
            "the sign is flipped",
            "If a step went better than V promised, should δ be positive or negative?",
            sign_flipped,
        ),
        Misconception(
            "the value after the last step of the rollout is taken to be zero",
            "The rollout stops there because we stopped collecting. Did the episode end?",
            zero_after_the_cut,
        ),
        Misconception(
            "the next value is read from values[t + 1], which behind an ended episode belongs to "
            "a reset",
            "When step t ends an episode by truncation, which state does values[t + 1] belong to?",
            shifted_values,
        ),
        Misconception(
            "values[-1] stands in for the value after the last step",
            "values[-1] is V of the state in which the last action was taken. Where did it lead?",
            last_value_repeated,
        ),
        Misconception(
            "the values are rolled round, so the last step looks at the first state",
            "What follows the last step of the rollout?",
            rolled_values,
        ),
        Misconception(
            "the reward is discounted too",
            "The reward of step t is paid now. What is paid later?",
            reward_discounted,
        ),
        Misconception(
            "a terminal step loses its reward",
            "Reaching the end may well be what is paid for. Which part falls away at the end?",
            terminal_reward_dropped,
        ),
        Misconception(
            "a terminal step has no residual at all",
            "The last step can go better or worse than promised, too. Which single term of δ "
            "falls away there?",
            terminal_step_blank,
        ),
        Misconception(
            "the flag works the wrong way round",
            "terminated is True where the episode ended. Which steps should keep V?",
            flag_inverted,
        ),
        Misconception(
            "the flag acts one step late",
            "terminated[t] says that action t ended the episode. Which residual is it about?",
            flag_late,
        ),
    ),
    also_correct=(with_where, in_float32, with_torch, as_a_list),
)
