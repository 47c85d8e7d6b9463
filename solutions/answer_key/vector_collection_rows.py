"""Known wrong answers to vector_collection: what a row holds, and how rows are put together."""

import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from grader.exercise import Misconception

from .vector_collection_parts import KEYS, same_step, stacked, true_successors


def stored_after_the_step(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        observations, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(observations, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
    envs.close()
    return stacked(rows)


def one_buffer_for_all_rows(env_fns, policy, num_steps):
    envs = same_step(env_fns, copy=False)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def environments_first(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    columns = zip(*rows, strict=True)
    return {key: np.stack(column, axis=1) for key, column in zip(KEYS, columns, strict=True)}


def flattened(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    columns = zip(*rows, strict=True)
    return {key: np.concatenate(column) for key, column in zip(KEYS, columns, strict=True)}


def one_step_too_few(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    actions = policy(observations)
    following, rewards, terminated, truncated, info = envs.step(actions)
    rows = []
    while len(rows) < max(num_steps - 1, 1):
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
    envs.close()
    return stacked(rows)


def one_step_too_many(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps + 1):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def steps_of_all_together(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    while not rows or len(rows) * len(env_fns) < num_steps:
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def rewards_one_step_late(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    before, rows = np.zeros(len(env_fns)), []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, before, terminated, truncated))
        observations, before = following, rewards
    envs.close()
    return stacked(rows)


def next_actions(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    actions, rows = policy(observations), []
    for _ in range(num_steps):
        following, rewards, terminated, truncated, info = envs.step(actions)
        actions = policy(following)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def asked_twice(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        following, rewards, terminated, truncated, info = envs.step(policy(observations))
        actions = policy(observations)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def asked_one_by_one(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = np.array([policy(observation) for observation in observations])
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def one_action_for_all(env_fns, policy, num_steps):
    envs = same_step(env_fns)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        action = policy(observations)[0]
        actions = np.stack([action] * len(env_fns))
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def first_environment_only(env_fns, policy, num_steps):
    envs = same_step([env_fns[0]] * len(env_fns))
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


def one_after_the_other(env_fns, policy, num_steps):
    envs = SyncVectorEnv(env_fns, autoreset_mode=AutoresetMode.SAME_STEP)
    observations, _ = envs.reset()
    rows = []
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = true_successors(following, terminated | truncated, info)
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    return stacked(rows)


WRONG_ROWS = (
    Misconception(
        "observations are stored after the step, so that a row holds what its action led to",
        "What did the policy see when it chose the action of this row?",
        stored_after_the_step,
    ),
    Misconception(
        "all rows of observations are one and the same array, which every step overwrites",
        "With copy=False the vector environment gives you its own memory. What stands there when "
        "the rows are put together?",
        one_buffer_for_all_rows,
    ),
    Misconception(
        "the environments come first, (N, T)",
        "Time first: along which axis are the rows stacked?",
        environments_first,
    ),
    Misconception(
        "the rows of all environments are joined into one axis, (T · N)",
        "Can one still tell which environment a row belongs to, and which row follows it?",
        flattened,
    ),
    Misconception(
        "the last step is missing",
        "How many rows does the loop write for num_steps = 2?",
        one_step_too_few,
    ),
    Misconception(
        "there is one step too many",
        "How many rows does the loop write for num_steps = 1?",
        one_step_too_many,
    ),
    Misconception(
        "num_steps counts the steps of all environments together",
        "T is counted in each environment. How many rows are there in all?",
        steps_of_all_together,
    ),
    Misconception(
        "each row holds the reward of the step before",
        "Which action is paid by the reward that a step gives back?",
        rewards_one_step_late,
    ),
    Misconception(
        "each row holds the action that is taken next",
        "Which action led from the observation of this row to its successor?",
        next_actions,
    ),
    Misconception(
        "the policy is asked twice in each step",
        "A policy that samples answers differently each time. Which of its answers was played?",
        asked_twice,
    ),
    Misconception(
        "the policy is asked for one environment at a time",
        "It takes all N observations at once. What does one call for each of them cost?",
        asked_one_by_one,
    ),
    Misconception(
        "the first environment's action is played in all of them",
        "How many actions come out of the policy for N observations?",
        one_action_for_all,
    ),
    Misconception(
        "all environments are made by the first function",
        "Each function of env_fns makes another environment. How many of them are called?",
        first_environment_only,
    ),
    Misconception(
        "the environments are stepped one after the other, in the process of the notebook",
        "A synchronous vector environment gives the same numbers. What is asynchronous about the "
        "one that is wanted here?",
        one_after_the_other,
    ),
)
