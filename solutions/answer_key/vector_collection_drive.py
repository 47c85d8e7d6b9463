"""How answers of the key to vector_collection are driven: no process for each environment."""

import os
from unittest.mock import patch

import gymnasium as gym
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from grader.exercises.vector_collection import HALF, drive_vector_collection


class Elsewhere(gym.Wrapper):
    """An environment that takes itself to be in a process of its own, with that number."""

    def __init__(self, env, process):
        super().__init__(env)
        self.process = process

    def reset(self, **options):
        with patch.object(os, "getpid", lambda: self.process):
            return super().reset(**options)

    def step(self, action):
        with patch.object(os, "getpid", lambda: self.process):
            return super().step(action)


class SideBySide(SyncVectorEnv):
    """What `AsyncVectorEnv` gives; each of its processes takes 20 ms where much is in memory."""

    def __init__(self, env_fns, **options):
        numbered = enumerate(env_fns, start=1)
        fns = [lambda make=make, k=k: Elsewhere(make(), HALF**2 - k) for k, make in numbered]
        super().__init__(fns, **options)

    def step(self, actions):
        """A step; where nothing is reset by itself, one after the end is let pass, as there."""
        given = super().step(actions)
        if self.autoreset_mode == AutoresetMode.DISABLED:
            self._autoreset_envs[:] = False
        return given


def drive_of_key(answer, inputs):
    """The observables of an answer that opens `vector.AsyncVectorEnv`."""
    with patch.object(gym.vector, "AsyncVectorEnv", SideBySide):
        return drive_vector_collection(answer, inputs)
