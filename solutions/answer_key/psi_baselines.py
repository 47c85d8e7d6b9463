"""Known wrong answers to psi_variants: psi_baselined_return is wrong, the other half right."""

import numpy as np

from grader.exercise import Misconception

from .psi_right import right_baselined, right_total


def future_return(rewards, values, next_values, terminated, truncated, *, gamma):
    baselined = right_baselined(rewards, values, next_values, terminated, truncated, gamma=gamma)
    return baselined + values


def next_value_subtracted(rewards, values, next_values, terminated, truncated, *, gamma):
    future = future_return(rewards, values, next_values, terminated, truncated, gamma=gamma)
    return future - next_values


def subtracted_twice(rewards, values, next_values, terminated, truncated, *, gamma):
    psi = gae(  # noqa: F821
        rewards, values, next_values, terminated, truncated, gamma=gamma, gae_lambda=1.0
    )
    return psi - values


def subtracted_at_every_step(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    psi = np.zeros(rewards.shape)
    following = next_values[-1]
    for t in reversed(range(len(rewards))):
        following = np.where(over[t], next_values[t] * (1 - terminated[t]), following)
        psi[t] = following = rewards[t] - values[t] + gamma * following
    return psi


def mean_subtracted(rewards, values, next_values, terminated, truncated, *, gamma):
    future = future_return(rewards, values, next_values, terminated, truncated, gamma=gamma)
    return future - future.mean()


def total_minus_baseline(rewards, values, next_values, terminated, truncated, *, gamma):
    return right_total(rewards, values, next_values, terminated, truncated, gamma=gamma) - values


def never_bootstrapped(rewards, values, next_values, terminated, truncated, *, gamma):
    nothing = np.zeros_like(next_values)
    return right_baselined(rewards, values, nothing, terminated, truncated, gamma=gamma)


def not_at_the_cut(rewards, values, next_values, terminated, truncated, *, gamma):
    following = np.array(next_values, dtype=float)
    following[-1] *= truncated[-1]
    return right_baselined(rewards, values, following, terminated, truncated, gamma=gamma)


def truncation_as_terminal(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    return right_baselined(rewards, values, next_values, over, truncated, gamma=gamma)


def bootstrap_through_a_terminal(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    never = np.zeros_like(terminated)
    return right_baselined(rewards, values, next_values, never, over, gamma=gamma)


def bootstrap_from_the_reset(rewards, values, next_values, terminated, truncated, *, gamma):
    following = np.concatenate([values[1:], next_values[-1:]])
    return right_baselined(rewards, values, following, terminated, truncated, gamma=gamma)


def last_value_repeated(rewards, values, next_values, terminated, truncated, *, gamma):
    following = np.array(next_values, dtype=float)
    following[-1] = values[-1]
    return right_baselined(rewards, values, following, terminated, truncated, gamma=gamma)


def bootstrap_undiscounted(rewards, values, next_values, terminated, truncated, *, gamma):
    over = terminated | truncated
    over[-1] = True
    rewards = rewards + over * (1 - terminated) * next_values
    nothing = np.zeros_like(next_values)
    return right_baselined(rewards, values, nothing, terminated, truncated, gamma=gamma)


def trace_leaks(rewards, values, next_values, terminated, truncated, *, gamma):
    psi = td_residuals(rewards, values, next_values, terminated, gamma=gamma)  # noqa: F821
    for t in reversed(range(len(psi) - 1)):
        psi[t] += gamma * psi[t + 1]
    return psi


def trace_leaks_at_truncations(rewards, values, next_values, terminated, truncated, *, gamma):
    psi = td_residuals(rewards, values, next_values, terminated, gamma=gamma)  # noqa: F821
    for t in reversed(range(len(psi) - 1)):
        psi[t] += gamma * (1 - terminated[t]) * psi[t + 1]
    return psi


def baselined_undiscounted(rewards, values, next_values, terminated, truncated, *, gamma):
    return right_baselined(rewards, values, next_values, terminated, truncated, gamma=1.0)


def residual_alone(rewards, values, next_values, terminated, truncated, *, gamma):
    return td_residuals(rewards, values, next_values, terminated, gamma=gamma)  # noqa: F821


def sign_flipped(rewards, values, next_values, terminated, truncated, *, gamma):
    return -right_baselined(rewards, values, next_values, terminated, truncated, gamma=gamma)


def normalised(rewards, values, next_values, terminated, truncated, *, gamma):
    psi = right_baselined(rewards, values, next_values, terminated, truncated, gamma=gamma)
    return (psi - psi.mean()) / (psi.std() + 1e-8)


WRONG = (
    (
        "psi_baselined_return does not subtract V(s_t)",
        "With what is the return compared, so that a step can turn out better or worse?",
        future_return,
    ),
    (
        "V of the next state is the baseline",
        "A baseline must not depend on the action. Which of the two states had the action already "
        "chosen?",
        next_value_subtracted,
    ),
    (
        "V(s_t) is subtracted twice",
        "What does GAE subtract from the return already, when λ is 1?",
        subtracted_twice,
    ),
    (
        "V is subtracted at every later step too",
        "Item 3 compares one promise, that of step t, with what came after it. How many baselines "
        "does one step have?",
        subtracted_at_every_step,
    ),
    (
        "the mean return is the baseline, in place of V",
        "Item 3 subtracts what was to be expected in this very state. Who knows that?",
        mean_subtracted,
    ),
    (
        "V is subtracted from the total return of the episode, not from the future return",
        "V(s_t) promises what comes from step t on. With what should it be compared?",
        total_minus_baseline,
    ),
    (
        "psi_baselined_return never bootstraps",
        "V(s_t) promises rewards without end. Where the rollout or the clock stopped the episode, "
        "what stands for the rewards that nobody has seen?",
        never_bootstrapped,
    ),
    (
        "psi_baselined_return does not bootstrap where the rollout is cut",
        "The rollout stops there because we stopped collecting. Did the episode end?",
        not_at_the_cut,
    ),
    (
        "a truncation is treated as a termination in psi_baselined_return",
        "The clock stopped the episode. Was the state it had reached worth nothing?",
        truncation_as_terminal,
    ),
    (
        "psi_baselined_return bootstraps where the episode terminated",
        "What is there to come after the last step of an episode?",
        bootstrap_through_a_terminal,
    ),
    (
        "the bootstrap is read from values[t + 1], which behind an ended episode belongs to a "
        "reset",
        "When step t ends an episode by truncation, which state does values[t + 1] belong to?",
        bootstrap_from_the_reset,
    ),
    (
        "values[-1] stands in for the value after the last step",
        "values[-1] is V of the state in which the last action was taken. Where did it lead?",
        last_value_repeated,
    ),
    (
        "the bootstrap is discounted once too little",
        "V of the place where the episode stopped counts one step later than the last reward. How "
        "much is that?",
        bootstrap_undiscounted,
    ),
    (
        "psi_baselined_return runs on over the ends of episodes",
        "The row after an end was collected after a reset. Did this action lead there?",
        trace_leaks,
    ),
    (
        "psi_baselined_return runs on where an episode was truncated",
        "A truncated episode would have gone on, but not in the next row. Where does that row "
        "come from?",
        trace_leaks_at_truncations,
    ),
    (
        "psi_baselined_return is not discounted",
        "What is a reward worth that comes one step later?",
        baselined_undiscounted,
    ),
    (
        "psi_baselined_return is the TD residual, which is item 6",
        "Item 6 trusts V after one step. Which item keeps every reward that followed?",
        residual_alone,
    ),
    (
        "psi_baselined_return has its sign flipped",
        "If more came than V had promised, should Ψ be positive or negative?",
        sign_flipped,
    ),
    (
        "psi_baselined_return is normalised",
        "Normalising is a later step with a name of its own. What does item 3 give?",
        normalised,
    ),
)
MISCONCEPTIONS = tuple(
    Misconception(name, idea, (right_total, wrong)) for name, idea, wrong in WRONG
)
