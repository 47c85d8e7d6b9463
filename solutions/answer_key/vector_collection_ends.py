"""Known wrong answers to vector_collection: what happens where episodes end."""

import numpy as np
from gymnasium import vector
from gymnasium.vector import AutoresetMode

from grader.exercise import Misconception

from .vector_collection_parts import KEYS, same_step, stacked, true_successors


def reset_rows(env_fns, policy, num_steps):
    envs = vector.AsyncVectorEnv(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, _ = envs.step(actions)
        rows.append((observations, following, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def successors_of_resets(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, _ = envs.step(actions)
        rows.append((observations, following, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def final_for_truncated_only(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def final_for_terminated_only(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, terminated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def one_final_for_all(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = following.copy()
        if "final_obs" in info:
            successors[:] = info["final_obs"][info["_final_obs"]][0]
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def goes_on_from_the_end(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        for i in np.flatnonzero(terminated | truncated):
            following[i] = info["final_obs"][i]
        rows.append((observations, following, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def never_reset(env_fns, policy, num_steps):
    envs = vector.AsyncVectorEnv(env_fns, autoreset_mode=AutoresetMode.DISABLED)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, _ = envs.step(actions)
        rows.append((observations, following, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def all_reset_together(env_fns, policy, num_steps):
    envs = vector.AsyncVectorEnv(env_fns, autoreset_mode=AutoresetMode.DISABLED)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, _ = envs.step(actions)
        rows.append((observations, following, actions, rewards, terminated, truncated))
        observations = following
        if np.any(terminated | truncated):
            observations, _ = envs.reset()
    envs.close()
    return stacked(rows)


def flags_swapped(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, truncated, terminated, info = envs.step(actions)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def one_flag_for_both(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        done = np.logical_or(terminated, truncated)
        successors = true_successors(following, done, info)
        rows.append((observations, successors, actions, rewards, done, done))
        observations = following
    envs.close()
    return stacked(rows)


def truncated_is_terminated(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        terminated = terminated | truncated
        successors = true_successors(following, terminated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def flags_one_step_late(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    was_terminated = was_truncated = np.zeros(len(env_fns), dtype=bool)
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, was_terminated, was_truncated))
        observations = following
        was_terminated, was_truncated = terminated, truncated
    envs.close()
    return stacked(rows)


def shifted(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, _ = envs.step(actions)
        rows.append((observations, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    columns = [np.stack(column) for column in zip(*rows, strict=True)]
    columns.insert(1, np.concatenate([columns[0][1:], columns[0][-1:]]))
    return dict(zip(KEYS, columns, strict=True))


WRONG_ENDS = (
    Misconception(
        "the environments are reset in the step after an end (NEXT_STEP, Gymnasium's default), and "
        "these reset steps stand in the data",
        "What does an environment do with the action it gets in a step that only resets it? In "
        "which mode are there no such steps?",
        reset_rows,
    ),
    Misconception(
        "next_observations are what the step gives back, where an episode ended the reset's",
        "Which state did the last action of the episode lead to? Where does the vector environment "
        "keep its observation?",
        successors_of_resets,
    ),
    Misconception(
        "the final observation is put in for truncated steps only",
        "Was a terminated episode reset, too, before you saw the new observations?",
        final_for_truncated_only,
    ),
    Misconception(
        "the final observation is put in for terminated steps only",
        "After a truncation V of the true successor is wanted. Is it the reset's?",
        final_for_terminated_only,
    ),
    Misconception(
        "the final observation of one environment is taken for all of them",
        "The other episodes go on. What are their successors?",
        one_final_for_all,
    ),
    Misconception(
        "the policy goes on from the final observation of an episode that is over",
        "Two things are needed after an end: where the step led, and where the next one starts. "
        "Are they one array in your loop?",
        goes_on_from_the_end,
    ),
    Misconception(
        "environments that have ended are never reset",
        "Who resets an environment in this mode?",
        never_reset,
    ),
    Misconception(
        "all environments are reset as soon as one of them has ended",
        "What becomes of the episodes that were still going on?",
        all_reset_together,
    ),
    Misconception(
        "terminated and truncated are taken in each other's place",
        "In which order does a step give its two flags?",
        flags_swapped,
    ),
    Misconception(
        "terminated and truncated both hold whether the episode is over",
        "One of the two ends takes the bootstrap away, the other does not. Can they still be told "
        "apart?",
        one_flag_for_both,
    ),
    Misconception(
        "a truncation is marked as a termination, too",
        "The clock stopped the episode. Was there nothing left to come?",
        truncated_is_terminated,
    ),
    Misconception(
        "the flags stand one step late",
        "Which action ended the episode: the one in this row, or the one before?",
        flags_one_step_late,
    ),
    Misconception(
        "next_observations are the observations moved up by one row, the last one repeated",
        "Where an episode ended, the next row starts another one. And what did the last step lead "
        "to?",
        shifted,
    ),
)
