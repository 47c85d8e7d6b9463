"""Exercise of 08_bonus: a rollout of several environments, each in a process of its own."""

import functools
import multiprocessing
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from grader.exercise import Case, Exercise, Group, Inputs, Observables, Refused
from grader.plain import plain

GOES_ON = Group("while all episodes go on", 0.75)
TERMINATED = Group("where episodes terminate", 0.75)
TRUNCATED = Group("where episodes are truncated", 0.75)
ASKED = Group("in how the policy is asked", 0.25)
PROCESSES = Group("in the processes that the environments live in", 0.5)

KEYS = ("observations", "next_observations", "actions", "rewards", "terminated", "truncated")
NEVER = 99  # an episode's length that no rollout reaches
KINDS = ("terminated", "truncated", "both")
HALF = 2048  # a process's number is told in two halves, so that float32 holds each
NUM_ACTIONS = 7


class Counter(gym.Env):
    """An environment that says where it is: [number, episode, step, last action, two seals].

    An episode is counted when its first step is made, so that a second reset does no harm. A seal
    is half of the number of the process, times a number of the case, plus another one.

    Args:
        number: which of the environments it is.
        lengths: (E,), of the episodes, in turns.
        kinds: (E,), how they end: 0 terminated, 1 truncated, 2 both.
        weights: (3 + A,): the reward is their product with what the successor says.
        seal: [factor, remainder].
        box: whether actions are vectors of A numbers; else one of `NUM_ACTIONS`.
    """

    def __init__(
        self,
        number: int,
        lengths: NDArray,
        kinds: NDArray,
        seal: NDArray,
        *,
        weights: NDArray,
        box: bool,
    ) -> None:
        size = len(weights) - 3
        self.observation_space = gym.spaces.Box(-1e9, 1e9, (len(weights) + 2,), np.float64)
        self.action_space = (
            gym.spaces.Box(-1.0, 1.0, (size,)) if box else gym.spaces.Discrete(NUM_ACTIONS)
        )
        self.number, self.lengths, self.kinds, self.weights = number, lengths, kinds, weights
        self.seal = seal
        self.episode, self.t, self.action = 0, 0, np.zeros(size)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[NDArray, dict]:
        """A first observation; see Gymnasium."""
        super().reset(seed=seed)
        self.episode += self.t > 0
        self.t, self.action = 0, np.zeros_like(self.action)
        return self._observation(), {}

    def step(self, action: Any) -> tuple[NDArray, float, bool, bool, dict]:
        """A successor and what else a step gives; see Gymnasium."""
        self.t, self.action = self.t + 1, np.ravel(np.asarray(action, dtype=np.float64))
        if self.action.shape != (len(self.weights) - 3,):
            raise ValueError(f"the environment got an action of shape {np.shape(action)}")
        now = self._observation()
        index = self.episode % len(self.lengths)
        over, kind = self.t >= self.lengths[index], KINDS[self.kinds[index]]
        terminated, truncated = (over and kind in (one, "both") for one in KINDS[:2])
        return now, float(now[:-2] @ self.weights), bool(terminated), bool(truncated), {}

    def _observation(self) -> NDArray[np.float64]:
        seals = np.array(divmod(os.getpid(), HALF)) * self.seal[0] + self.seal[1]
        return np.array([self.number, self.episode, self.t, *self.action, *seals], dtype=float)


def processes_of(inputs: Inputs, observations: NDArray) -> NDArray[np.float64]:
    """The processes in which observations (..., obs) were made; NaN where the seals are broken."""
    number = observations[..., 0]
    known = np.isin(number, np.arange(len(inputs["seals"])))
    seal = inputs["seals"][np.where(known, number, 0).astype(int)]
    halves = (observations[..., -2:] - seal[..., 1:]) / seal[..., :1]
    right = (halves >= 0) & (halves < HALF) & (halves == np.rint(halves))
    return np.where(known & right.all(axis=-1), halves @ [HALF, 1], np.nan)


class Policy:
    """Actions that follow from the observations, each in another way; notes what it is asked.

    Args:
        weights: (obs − 2, A), multiples of 1/8; the seals have none.
        num_envs: rows of observations that are wanted at a time.
        box: whether actions are vectors in [−1, 1); else they are whole numbers.
    """

    def __init__(self, weights: NDArray, num_envs: int, box: bool) -> None:
        self.weights, self.box, self.asked = weights, box, []
        self.wanted = (num_envs, len(weights) + 2)

    def __call__(self, observations: Any) -> NDArray:
        """Actions (N,) or (N, A) for observations (N, obs); for (obs,) without their N."""
        seen = np.asarray(observations, dtype=np.float64)
        if seen.shape == self.wanted and len(self.asked) < NEVER:
            self.asked.append(seen.copy())
        if seen.shape[-1:] != self.wanted[-1:]:
            raise Refused(f"it gives the policy shape {seen.shape}, not {self.wanted}")
        mixed = seen[..., :-2] @ self.weights
        return mixed % 2 - 1 if self.box else (8 * mixed[..., 0] % NUM_ACTIONS).astype(np.int64)


def vector_collection_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Rollouts without ends, with ends of all kinds, inside and on the last step, and of one step.

    T, N and A are unequal wherever one could be taken for another. Processes take time to start:
    what one rollout shows is asked of one only, and more rounds than one are not asked for.
    """
    yield _case(GOES_ON, rng, [[NEVER]], [[0]], 1)
    yield _case(ASKED, rng, [[3, NEVER], [NEVER, NEVER]], [[1, 0], [0, 0]], 4, observe="calls")
    yield _case(PROCESSES, rng, [[NEVER]] * 2, [[0]] * 2, 1, observe="processes")
    yield _case(GOES_ON, rng, [[NEVER]] * 2, [[0]] * 2, 4, box=True)
    inside = int(rng.integers(2, 4))
    yield _case(TERMINATED, rng, [[inside, NEVER], [1, 3]], [[0, 0]] * 2, 5)
    yield _case(TRUNCATED, rng, [[NEVER, NEVER], [inside, 5 - inside]], [[1, 1]] * 2, 5)
    yield _case(TRUNCATED, rng, [[3, 2], [inside, NEVER]], [[2, 1], [1, 0]], 6, box=True)


def _case(
    group: Group,
    rng: np.random.Generator,
    lengths: list[list[int]],
    kinds: list[list[int]],
    num_steps: int,
    *,
    box: bool = False,
    observe: str = "rows",
) -> Case:
    size = 3 if box else 1
    inputs = {
        "lengths": np.array(lengths),
        "kinds": np.array(kinds),
        "num_steps": num_steps,
        "seals": _seals(rng, len(lengths)),
        "reward_weights": rng.uniform(0.5, 2.0, 3 + size).round(2),
        "policy_weights": rng.choice([1, 3, 5, 9, 11, 13], (3 + size, size)) / 8,
        "box": box,
        "observe": observe,
    }
    return Case(group.name, inputs)


def _seals(rng: np.random.Generator, num_envs: int) -> NDArray[np.int64]:
    """For each environment a factor, and a remainder that is smaller than it."""
    factors = rng.integers(1000, 8000, num_envs)
    return np.stack([factors, rng.integers(factors)], axis=1)


def drive_vector_collection(answer: Any, inputs: Inputs) -> Observables:
    """The rollout's arrays, what the policy was asked, and in which process the answer runs."""
    if not callable(answer):
        raise Refused("pass the function itself, not what it returns")
    lengths, box = inputs["lengths"], inputs["box"]
    make = functools.partial(Counter, weights=inputs["reward_weights"], box=box)
    rows = enumerate(zip(lengths, inputs["kinds"], inputs["seals"], strict=True))
    env_fns = [functools.partial(make, k, *row) for k, row in rows]
    policy = Policy(inputs["policy_weights"], len(env_fns), box)
    with _processes_ended():
        trajectory = answer(env_fns, policy, int(inputs["num_steps"]))
        arrays = _arrays(trajectory, policy.wanted[-1])
    asked = np.array(policy.asked).reshape(-1, *policy.wanted)
    return {**arrays, "asked": asked, "process": np.array(float(os.getpid()))}


def vector_collection_facts(inputs: Inputs, raw: Observables) -> Observables:
    """The rollout; or how often the policy was asked; or how many processes there were.

    The policy may be asked once more, about the observations after the last step.
    """
    observe, num_steps = inputs["observe"], inputs["num_steps"]
    if observe == "calls":
        processes = processes_of(inputs, raw["asked"])
        calls = int(np.isfinite(processes).all(axis=-1).sum())
        calls = num_steps if calls == num_steps + 1 else calls
        return {"calls of the policy with all observations, (N, obs)": np.array(float(calls))}
    if observe == "processes":
        found = np.unique(processes_of(inputs, raw["observations"]))
        others = found[np.isfinite(found) & (found != raw["process"])]
        return {"environments in a process of their own": np.array(float(len(others)))}
    rows = {key: raw[key] for key in KEYS}
    return rows | {key: rows[key][..., :-2] for key in ("observations", "next_observations")}


def _arrays(trajectory: Any, obs: int) -> Observables:
    if not isinstance(trajectory, dict):
        raise Refused(f"it returns {type(trajectory).__name__}; return a dict of arrays")
    arrays = {}
    for key in KEYS:
        if key not in trajectory:
            raise Refused(f"the dict it returns has no {key!r}")
        arrays[key] = plain(trajectory[key], key)
        if "observations" in key and arrays[key].shape[-1:] != (obs,):
            raise Refused(f"{key} has shape {arrays[key].shape}; its last axis should be {obs}")
    return arrays


@contextmanager
def _processes_ended() -> Iterator[None]:
    """Let processes be forked, which takes milliseconds; whatever is left of them ends."""
    before, method = multiprocessing.active_children(), multiprocessing.get_start_method(True)
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork", force=True)
    try:
        yield
    finally:
        multiprocessing.set_start_method(method, force=True)
        for child in multiprocessing.active_children():
            if child not in before:
                child.kill()
                child.join()


VECTOR_COLLECTION = Exercise(
    "vector_collection",
    "08_bonus",
    3.0,
    "Gymnasium, AsyncVectorEnv: autoreset in the same step, final_obs",
    (GOES_ON, TERMINATED, TRUNCATED, ASKED, PROCESSES),
    vector_collection_cases,
    drive_vector_collection,
    facts=vector_collection_facts,
    yours=("EnvRunner",),
    axes=("t", "n", "i"),
    answer="collect_vectorized",
)
