"""Environments and policies whose every number is known beforehand."""

import gymnasium as gym
import numpy as np


class CountingEnv(gym.Env):
    """Observation k is the step within the episode; action t pays `first + k`.

    The episode terminates after `length` steps or is truncated after `limit`, whichever is first.
    """

    def __init__(self, length=3, limit=10**9, first=0.0, box=None):
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.action_space = gym.spaces.Discrete(2) if box is None else box
        self.length, self.limit, self.first = length, limit, first
        self.episodes = -1
        self.actions = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.episodes = 0, self.episodes + 1
        return self._observation(), {}

    def step(self, action):
        self.actions.append(action)
        reward = self.first + self.steps
        self.steps += 1
        terminated, truncated = self.steps >= self.length, self.steps >= self.limit
        return self._observation(), reward, terminated, truncated and not terminated, {}

    def _observation(self):
        return np.array([self.episodes, self.steps], dtype=np.float64)


class ConstantPolicy:
    """Always the same action; the value is the step counter of the observation."""

    def __init__(self, action=0):
        self.action = np.asarray(action)
        self.shapes_seen = []

    def act(self, observations):
        self.shapes_seen.append(observations.shape)
        lead = observations.shape[:-1]
        actions = np.broadcast_to(self.action, lead + self.action.shape)
        return {"actions": actions, "values": observations[..., 1]}
