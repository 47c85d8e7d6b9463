"""Answer key of vector_collection: the right answers. The wrong ones are in two files beside it."""

import multiprocessing

import numpy as np
from gymnasium import vector
from gymnasium.vector import AsyncVectorEnv, AutoresetMode

from grader.exercise import AnswerKey

from .vector_collection_drive import drive_of_key
from .vector_collection_ends import WRONG_ENDS
from .vector_collection_rows import WRONG_ROWS


def _serve(pipe, make):
    env = make()
    observation, _ = env.reset()
    pipe.send(observation)
    while (action := pipe.recv()) is not None:
        successor, reward, terminated, truncated, _ = env.step(action)
        observation = env.reset()[0] if terminated or truncated else successor
        pipe.send((observation, successor, reward, terminated, truncated))


def own_processes(env_fns, policy, num_steps):
    """Processes and pipes of its own, without Gymnasium's vector environments."""
    pipes = []
    for make in env_fns:
        ours, theirs = multiprocessing.Pipe()
        multiprocessing.Process(target=_serve, args=(theirs, make), daemon=True).start()
        pipes.append(ours)
    now = np.stack([pipe.recv() for pipe in pipes])
    rows = []
    for _ in range(num_steps):
        actions = policy(now)
        for pipe, action in zip(pipes, actions, strict=True):
            pipe.send(action)
        answers = [pipe.recv() for pipe in pipes]
        following, *rest = (np.stack(parts) for parts in zip(*answers, strict=True))
        rows.append((now, rest[0], actions, *rest[1:]))
        now = following
    for pipe in pipes:
        pipe.send(None)
    names = ("observations", "next_observations", "actions", "rewards", "terminated", "truncated")
    return {
        name: np.stack(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def filled_in_place(env_fns, policy, num_steps):
    envs = AsyncVectorEnv(env_fns, copy=False, autoreset_mode="SameStep")
    lead = (num_steps, envs.num_envs)
    space = envs.single_observation_space
    observations = np.zeros((*lead, *space.shape), space.dtype)
    next_observations = np.zeros_like(observations)
    actions = np.zeros((*lead, *envs.single_action_space.shape), envs.single_action_space.dtype)
    rewards = np.zeros(lead, np.float32)
    terminated = np.zeros(lead, dtype=bool)
    truncated = np.zeros(lead, dtype=bool)
    obs, _ = envs.reset(seed=0)
    for t in range(num_steps):
        observations[t] = obs
        actions[t] = policy(obs)
        obs, rewards[t], terminated[t], truncated[t], info = envs.step(actions[t])
        next_observations[t] = obs
        for i in range(envs.num_envs):
            if terminated[t, i] or truncated[t, i]:
                next_observations[t, i] = info["final_obs"][i]
    envs.close()
    return {
        "observations": observations,
        "next_observations": next_observations,
        "actions": actions,
        "rewards": rewards,
        "terminated": terminated,
        "truncated": truncated,
    }


def reference(env_fns, policy, num_steps):
    envs = vector.AsyncVectorEnv(env_fns, autoreset_mode=AutoresetMode.SAME_STEP)
    trajectory = {
        "observations": [],
        "next_observations": [],
        "actions": [],
        "rewards": [],
        "terminated": [],
        "truncated": [],
    }
    observations = envs.reset()[0]
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        true = following.copy()
        if "final_obs" in info:
            ended = info["_final_obs"]
            true[ended] = np.stack(info["final_obs"][ended])
        values = (observations.copy(), true, actions, rewards, terminated, truncated)
        for key, value in zip(trajectory, values, strict=True):
            trajectory[key].append(value)
        observations = following
    envs.close()
    return {key: np.array(value) for key, value in trajectory.items()}


def resets_asked_for(env_fns, policy, num_steps):
    """The vector environment resets nothing; a mask says which ones are to be reset."""
    envs = AsyncVectorEnv(env_fns, shared_memory=False, autoreset_mode="Disabled")
    rows = []
    observations, _ = envs.reset()
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, _ = envs.step(actions)
        rows.append((observations, following, actions, rewards, terminated, truncated))
        observations, over = following, terminated | truncated
        if over.any():
            observations, _ = envs.reset(options={"reset_mask": over})
    envs.close()
    keys = ["observations", "next_observations", "actions", "rewards", "terminated", "truncated"]
    return dict(zip(keys, map(np.stack, zip(*rows, strict=True)), strict=True))


def left_open(env_fns, policy, num_steps):
    """Sent and waited for; never closed; what is more than asked for does no harm."""
    global _kept
    envs = _kept = AsyncVectorEnv(env_fns, autoreset_mode=AutoresetMode.SAME_STEP)
    rows = {}
    obs = envs.reset()[0]
    for _ in range(num_steps):
        actions = policy(obs)
        envs.step_async(actions)
        after, reward, terminated, truncated, info = envs.step_wait()
        final = info.get("final_obs", [None] * envs.num_envs)
        successors = [after[i] if final[i] is None else final[i] for i in range(envs.num_envs)]
        row = {
            "observations": obs.tolist(),
            "actions": actions.tolist(),
            "next_observations": np.stack(successors).tolist(),
            "rewards": reward.tolist(),
            "terminated": terminated.tolist(),
            "truncated": truncated.tolist(),
            "episode_over": (terminated | truncated).tolist(),
        }
        for key, value in row.items():
            rows.setdefault(key, []).append(value)
        obs = after
    return {key: np.asarray(value) for key, value in rows.items()}


KEY = AnswerKey(
    reference=reference,
    hints=(
        "There is one loop over num_steps, and none over the environments: the vector environment "
        "takes all actions at once and gives all answers at once. What has to be noted before the "
        "step, and what after it?",
        "Ask for the mode in which an environment that has ended is reset within the same step: "
        "then what a step gives back as observations is what the policy sees next, and no step is "
        "lost to a reset. Where is then the observation that an ended episode really led to?",
        "The info of a step holds final_obs as soon as one episode ended in it: one entry for each "
        "environment, None for those that go on. Start from a copy of the new observations and put "
        "the final ones in where terminated or truncated is set; the copy is next_observations, "
        "the new observations themselves go to the policy. Stack each key over time, and close the "
        "environments.",
    ),
    misconceptions=(*WRONG_ENDS, *WRONG_ROWS),
    also_correct=(filled_in_place, resets_asked_for, left_open, own_processes),
    drive=drive_of_key,
)
