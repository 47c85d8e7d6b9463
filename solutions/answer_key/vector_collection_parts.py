"""What wrong answers to vector_collection are made of, so that each shows its one fault alone."""

import numpy as np
from gymnasium import vector
from gymnasium.vector import AutoresetMode

KEYS = ("observations", "next_observations", "actions", "rewards", "terminated", "truncated")


def same_step(env_fns, **options):
    return vector.AsyncVectorEnv(env_fns, autoreset_mode=AutoresetMode.SAME_STEP, **options)


def true_successors(following, ended, info):
    """The observations that the steps led to: final ones where an episode ended."""
    successors = following.copy()
    for i in np.flatnonzero(ended):
        successors[i] = info["final_obs"][i]
    return successors


def stacked(rows):
    """A trajectory of rows that hold the values of KEYS."""
    return {key: np.stack(column) for key, column in zip(KEYS, zip(*rows), strict=True)}  # noqa: B905
