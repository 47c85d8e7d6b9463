"""Known wrong answers to gae."""

import numpy as np

from grader.exercise import Misconception


def trace_not_cut(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = rewards + gamma * next_values * (1 - terminated) - values
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * last
        advantages[t] = last
    return advantages


def bootstrap_kept(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = rewards + gamma * next_values - values
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - over[t]) * last
        advantages[t] = last
    return advantages


def flags_ignored(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = rewards + gamma * next_values - values
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * last
        advantages[t] = last
    return advantages


def truncation_leaks(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = rewards + gamma * next_values * (1 - terminated) - values
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - terminated[t]) * last
        advantages[t] = last
    return advantages


def truncation_as_terminal(
    rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda
):
    done = terminated | truncated
    deltas = rewards + gamma * next_values * (1 - done) - values
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - done[t]) * last
        advantages[t] = last
    return advantages


def shifted_values(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    following = np.concatenate([values[1:], next_values[-1:]])
    deltas = rewards + gamma * following * (1 - terminated) - values
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - over[t]) * last
        advantages[t] = last
    return advantages


def last_value_repeated(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    following = np.concatenate([values[1:], values[-1:]])
    deltas = rewards + gamma * following * (1 - terminated) - values
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - over[t]) * last
        advantages[t] = last
    return advantages


def zero_after_the_cut(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    following = next_values * (1 - terminated)
    following[-1] = 0.0
    deltas = rewards + gamma * following - values
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - over[t]) * last
        advantages[t] = last
    return advantages


def current_value_as_next(
    rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda
):
    deltas = rewards + gamma * values * (1 - terminated) - values
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - over[t]) * last
        advantages[t] = last
    return advantages


def gamma_lambda_swapped(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = td_residuals(rewards, values, next_values, terminated, gamma=gae_lambda)  # noqa: F821
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - over[t]) * last
        advantages[t] = last
    return advantages


def lambda_in_delta(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = rewards + gamma * gae_lambda * next_values * (1 - terminated) - values
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - over[t]) * last
        advantages[t] = last
    return advantages


def lambda_missing(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = td_residuals(rewards, values, next_values, terminated, gamma=gamma)  # noqa: F821
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * (1 - over[t]) * last
        advantages[t] = last
    return advantages


def gamma_missing(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = td_residuals(rewards, values, next_values, terminated, gamma=gamma)  # noqa: F821
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gae_lambda * (1 - over[t]) * last
        advantages[t] = last
    return advantages


def flags_late(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    first = np.zeros_like(terminated[:1])
    terminated = np.concatenate([first, terminated[:-1]])
    over = terminated | np.concatenate([first, truncated[:-1]])
    deltas = rewards + gamma * next_values * (1 - terminated) - values
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - over[t]) * last
        advantages[t] = last
    return advantages


def flags_early(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    over = terminated | truncated
    advantages = np.zeros_like(rewards)
    last = 0.0
    for t in reversed(range(len(rewards))):
        last_step = t == len(rewards) - 1
        ends = terminated[t] if last_step else terminated[t + 1]
        cut = over[t] if last_step else over[t + 1]
        delta = rewards[t] + gamma * next_values[t] * (1 - ends) - values[t]
        advantages[t] = last = delta + gamma * gae_lambda * (1 - cut) * last
    return advantages


def forward_sum(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = td_residuals(rewards, values, next_values, terminated, gamma=gamma)  # noqa: F821
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in range(len(deltas)):
        advantages[t] = last = deltas[t] + gamma * gae_lambda * last
        last = last * (1 - over[t])
    return advantages


def one_discount_too_many(
    rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda
):
    deltas = td_residuals(rewards, values, next_values, terminated, gamma=gamma)  # noqa: F821
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = gamma * gae_lambda * (deltas[t] + (1 - over[t]) * last)
        advantages[t] = last
    return advantages


def one_sum_for_all(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = td_residuals(rewards, values, next_values, terminated, gamma=gamma)  # noqa: F821
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - over[t]) * last
        advantages[t] = last
    for t in range(1, len(deltas)):
        advantages[t] = np.where(over[t - 1], advantages[t], advantages[t - 1])
    return advantages


def normalised(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = td_residuals(rewards, values, next_values, terminated, gamma=gamma)  # noqa: F821
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - over[t]) * last
        advantages[t] = last
    return (advantages - advantages.mean()) / (advantages.std() + 1e-8)


def values_added(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    deltas = td_residuals(rewards, values, next_values, terminated, gamma=gamma)  # noqa: F821
    over = terminated | truncated
    advantages = np.zeros_like(deltas)
    last = 0.0
    for t in reversed(range(len(deltas))):
        last = deltas[t] + gamma * gae_lambda * (1 - over[t]) * last
        advantages[t] = last
    return advantages + values


def residuals_only(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    return td_residuals(rewards, values, next_values, terminated, gamma=gamma)  # noqa: F821


MISCONCEPTIONS = (
    Misconception(
        "the trace is not cut at the end of an episode",
        "The row after an ended episode belongs to another episode. May its advantage flow back?",
        trace_not_cut,
    ),
    Misconception(
        "the value of the next state is still added after a terminal step",
        "What is there to come after the last step of an episode?",
        bootstrap_kept,
    ),
    Misconception(
        "the two flags are not used at all",
        "Follow the end of an episode by hand: which term of δ falls away, and who still hears "
        "of the steps that come after it?",
        flags_ignored,
    ),
    Misconception(
        "the trace is cut at terminations only, so a truncated episode hears of the next one",
        "A truncated episode would have gone on, but not in the next row. Where does that row "
        "come from?",
        truncation_leaks,
    ),
    Misconception(
        "a truncation is treated as a termination",
        "The clock stopped the episode. Was the state it had reached worth nothing?",
        truncation_as_terminal,
    ),
    Misconception(
        "the next value is read from values[t + 1], which behind an ended episode belongs to a "
        "reset",
        "When step t ends an episode by truncation, which state does values[t + 1] belong to?",
        shifted_values,
    ),
    Misconception(
        "values[-1] stands in for the value after the last step",
        "values[-1] is V of the state in which the last action was taken. Where did it lead?",
        last_value_repeated,
    ),
    Misconception(
        "the value after the last step of the rollout is taken to be zero",
        "The rollout stops there because we stopped collecting. Did the episode end?",
        zero_after_the_cut,
    ),
    Misconception(
        "V(s_t) stands where V(s_{t+1}) belongs",
        "Which of the arguments is the promise for the place you landed in?",
        current_value_as_next,
    ),
    Misconception(
        "γ and λ are swapped",
        "One of the two says what a later reward is worth, the other how far to trust V. Which "
        "one stands alone in δ?",
        gamma_lambda_swapped,
    ),
    Misconception(
        "λ is applied inside δ",
        "A residual is about one step only. Where do later residuals come in, and with what "
        "weight?",
        lambda_in_delta,
    ),
    Misconception(
        "λ is missing from the trace",
        "With which weight does the residual one step later count? Two numbers make it up.",
        lambda_missing,
    ),
    Misconception(
        "γ is missing from the trace",
        "With which weight does the residual one step later count? Two numbers make it up.",
        gamma_missing,
    ),
    Misconception(
        "the flags act one step late",
        "terminated[t] says that action t ended the episode. Which residual is it about, and "
        "which step must not hear of step t + 1?",
        flags_late,
    ),
    Misconception(
        "the flags act one step early",
        "terminated[t] says that action t ended the episode. Which residual is it about, and "
        "which step must not hear of step t + 1?",
        flags_early,
    ),
    Misconception(
        "the sum runs forward, over the steps that came before",
        "An action can only be credited with what follows it. In which direction must the sum be "
        "built up?",
        forward_sum,
    ),
    Misconception(
        "every residual is discounted once too often",
        "How much is the step's own residual discounted, the one with l = 0?",
        one_discount_too_many,
    ),
    Misconception(
        "every step of an episode gets the advantage of its first step",
        "Should an action be credited with what happened before it?",
        one_sum_for_all,
    ),
    Misconception(
        "the advantages are normalised",
        "Normalising is a later step with a name of its own. What does eq. 16 give?",
        normalised,
    ),
    Misconception(
        "V is added back, which gives the λ-return",
        "That is what the critic will be fitted to. What is left when V is not added?",
        values_added,
    ),
    Misconception(
        "only the residual of the step itself is counted",
        "That is λ = 0. Which residuals come in when λ is larger?",
        residuals_only,
    ),
)
