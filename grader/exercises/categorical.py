"""Exercises of 01_categorical_policy: a softmax policy, its score, and a one-step gradient."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Categorical

from grader.exercise import Case, Exercise, Group, Inputs, Observables
from grader.exercises.calling import call_closed_form, call_with_tensors

NOTEBOOK = "01_categorical_policy"
WILLIAMS = "Williams 1992"
BARTO = "Sutton & Barto 2018"

ORDINARY = Group("for logits of ordinary size", 0.5)
LARGE = Group("for logits of up to ±10 000", 0.25)
ARGUMENTS = Group("for float32 arguments, which must stay as they are", 0.25)

SCORE_ORDINARY = Group("for a batch of states and actions", 1.75)
SCORE_CORNERS = Group("for one state, or for a policy that is nearly certain", 0.5)
SCORE_LARGE = Group(LARGE.name, 0.5)

EXACT_ORDINARY = Group("for rewards that differ", 1.25)
EXACT_CORNERS = Group("where all rewards are equal, or there is one action", 0.25)

ESTIMATE_ORDINARY = Group("for a batch of samples", 1.0)
ESTIMATE_CORNERS = Group("for one sample, or where all rewards are equal", 0.5)

LAYOUT = "float32"


def _logits(rng: np.random.Generator, *shape: int) -> NDArray:
    """Logits of ordinary size; no row adds up to nearly zero, so that dividing by it is finite."""
    while True:
        logits = rng.normal(0.3, 1.5, shape).round(2)
        if (np.abs(logits.sum(-1)) > 0.1).all():
            return logits


def _large(rng: np.random.Generator, k: int) -> NDArray:
    """Rows (5, K) far above, far below, far apart and tied, all of them exact in float32."""
    quarters = rng.permuted(np.tile(np.arange(k) * 0.75 - 1.0, (2, 1)), axis=1)
    far = rng.integers(-4000, 4000, (3, k)).astype(float)
    far[0, :2] = 10_000.0, -10_000.0
    far[1, :3] = 10_000.0, 10_000.0, -10_000.0
    far[2] = rng.permutation(k) * -40.0 - 3.0
    rows = np.vstack([9_990.0 + quarters[0], -9_990.0 + quarters[1], far])
    return rng.permuted(rows, axis=1)


def _sizes(rng: np.random.Generator) -> tuple[int, int]:
    """A batch and a number of actions that nobody can mistake for one another."""
    return int(rng.integers(7, 10)), int(rng.integers(4, 7))


def _case(group: Group, **inputs: Any) -> Case:
    return Case(group.name, inputs)


def probs_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """One vector, a batch, a batch of batches, one action; large logits; float32."""
    for _ in range(n):
        b, k = _sizes(rng)
        for shape in ((k,), (b, k), (3, 2, k), (3, 1)):
            yield _case(ORDINARY, logits=_logits(rng, *shape))
        yield _case(LARGE, logits=_large(rng, k), large=True)
        yield _case(ARGUMENTS, logits=_logits(rng, b, k), layout=LAYOUT)


def log_prob_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Batches, a batch of one, the likeliest and the unlikeliest action of large logits."""
    for _ in range(n):
        b, k = _sizes(rng)
        for rows, columns in ((b, k), (2 * b, k), (1, k), (3, 1)):
            yield _case(ORDINARY, **_states(rng, rows, columns))
        yield _case(LARGE, **_large_states(rng, k))
        yield _case(ARGUMENTS, **_states(rng, b, k), layout=LAYOUT)


def score_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Batches, a batch of one, one action, policies that are nearly certain; large logits."""
    for _ in range(n):
        b, k = _sizes(rng)
        yield _case(SCORE_ORDINARY, **_states(rng, b, k))
        yield _case(SCORE_ORDINARY, **_states(rng, 2 * b, k))
        yield _case(SCORE_CORNERS, **_states(rng, 1, k))
        yield _case(SCORE_CORNERS, **_states(rng, 3, 1))
        certain = _states(rng, b, k)
        certain["logits"] = (5.0 * certain["logits"]).round(2)
        yield _case(SCORE_CORNERS, **certain)
        yield _case(SCORE_LARGE, **_large_states(rng, k))
        yield _case(ARGUMENTS, **_states(rng, b, k), layout=LAYOUT)


def entropy_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Batches, a batch of one, a uniform policy, one action; probabilities that are 0."""
    for _ in range(n):
        b, k = _sizes(rng)
        for shape in ((b, k), (1, k), (3, 1)):
            yield _case(ORDINARY, logits=_logits(rng, *shape))
        yield _case(ORDINARY, logits=np.full((2, k), round(rng.uniform(0.5, 2.0), 2)))
        yield _case(LARGE, logits=_large(rng, k), large=True)
        yield _case(ARGUMENTS, logits=_logits(rng, b, k), layout=LAYOUT)


def exact_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Rewards of both signs and of one; equal ones; one action; large logits."""
    for _ in range(n):
        _, k = _sizes(rng)
        equal = np.full(k, round(rng.uniform(1.0, 3.0), 2))
        for shift in (0.0, 6.0, -6.0):
            rewards = (shift + rng.normal(0.0, 2.0, k)).round(2)
            yield _case(EXACT_ORDINARY, logits=_logits(rng, k), rewards=rewards)
        yield _case(EXACT_CORNERS, logits=_logits(rng, k), rewards=equal)
        yield _case(EXACT_CORNERS, logits=_logits(rng, 1), rewards=equal[:1])
        for logits in _large(rng, k):
            rewards = rng.normal(0.5, 2.0, k).round(2)
            yield _case(LARGE, logits=logits, rewards=rewards, large=True)
        rewards = rng.normal(0.5, 2.0, k).round(2)
        yield _case(ARGUMENTS, logits=_logits(rng, k), rewards=rewards, layout=LAYOUT)


def estimate_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Batches small and large, an action that was never taken; one sample; equal rewards."""
    for _ in range(n):
        b, k = _sizes(rng)
        for rows, shift in ((b, 0.0), (64 + b, 2.0), (b, -4.0)):
            yield _case(ESTIMATE_ORDINARY, **_samples(rng, rows, k, shift))
        never = _samples(rng, b, k, 1.0)
        never["actions"] %= k - 1
        yield _case(ESTIMATE_ORDINARY, **never)
        yield _case(ESTIMATE_CORNERS, **_samples(rng, 1, k, 3.0))
        equal = _samples(rng, b, k, 0.0)
        equal["rewards"] = np.full(b, round(rng.uniform(1.0, 3.0), 2))
        yield _case(ESTIMATE_CORNERS, **equal)
        for logits in _large(rng, k):
            yield _case(LARGE, **(_samples(rng, b, k, 1.0) | {"logits": logits}), large=True)
        yield _case(ARGUMENTS, **_samples(rng, b, k, 1.0), layout=LAYOUT)


def _states(rng: np.random.Generator, b: int, k: int) -> dict[str, NDArray]:
    """Logits (B, K) and one action for each row, not all of them the same."""
    actions = rng.permutation(np.arange(b) % k)
    return {"logits": _logits(rng, b, k), "actions": actions}


def _large_states(rng: np.random.Generator, k: int) -> dict[str, Any]:
    """Every row of large logits twice: with its likeliest and with its unlikeliest action."""
    rows = _large(rng, k)
    actions = np.concatenate([rows.argmax(1), rows.argmin(1)])
    return {"logits": np.vstack([rows, rows]), "actions": actions, "large": True}


def _samples(rng: np.random.Generator, b: int, k: int, shift: float) -> dict[str, NDArray]:
    """One state's logits (K,), with B actions taken in it and what each of them paid."""
    rewards = (shift + rng.normal(0.0, 2.0, b)).round(2)
    return {"logits": _logits(rng, k), "actions": rng.integers(0, k, b), "rewards": rewards}


def _driver(
    names: tuple[str, ...], result: str, call: Callable[..., Observables] = call_with_tensors
) -> Callable[[Any, Inputs], Observables]:
    """A driver that gives tensors and looks, for large logits, first whether numbers are finite."""

    def drive(answer: Any, inputs: Inputs) -> Observables:
        found = call(answer, inputs, names, (), result)
        if "large" not in inputs:
            return found
        # What overflows is data too: a published check holds no NaN and no infinity.
        numbers = np.nan_to_num(found[result], posinf=1e30, neginf=-1e30)
        finite = np.asarray(np.isfinite(found[result]), dtype=np.float64)
        return {f"{result} finite (1 yes, 0 no)": finite, result: np.asarray(numbers)}

    return drive


def _right_probs(logits: Any) -> Tensor:
    return Categorical(logits=torch.as_tensor(logits)).probs


def _right_log_prob(logits: Any, actions: Any) -> Tensor:
    return Categorical(logits=torch.as_tensor(logits)).log_prob(torch.as_tensor(actions))


def _right_score(logits: Any, actions: Any) -> Tensor:
    """By autograd; `logits` may be one row for all actions."""
    with torch.inference_mode(False), torch.enable_grad():
        logits, actions = (torch.as_tensor(one).clone() for one in (logits, actions))
        leaf = logits.detach().expand(*actions.shape, logits.shape[-1]).clone().requires_grad_()
        return torch.autograd.grad(_right_log_prob(leaf, actions).sum(), leaf)[0]


PROBS_DONE = {"categorical_probs": _right_probs}
LOG_PROB_DONE = PROBS_DONE | {"categorical_log_prob": _right_log_prob}
SCORE_DONE = LOG_PROB_DONE | {"categorical_score": _right_score}

CATEGORICAL_PROBS = Exercise(
    "categorical_probs",
    NOTEBOOK,
    1.0,
    f"{BARTO}, section 13.1",
    (ORDINARY, LARGE, ARGUMENTS),
    probs_cases,
    _driver(("logits",), "probs"),
    axes=("i", "j", "k"),
)
CATEGORICAL_LOG_PROB = Exercise(
    "categorical_log_prob",
    NOTEBOOK,
    1.0,
    f"{BARTO}, section 13.1",
    (ORDINARY, LARGE, ARGUMENTS),
    log_prob_cases,
    _driver(("logits", "actions"), "log-probs"),
    replaces=PROBS_DONE,
    axes=("b", "k"),
)
CATEGORICAL_SCORE = Exercise(
    "categorical_score",
    NOTEBOOK,
    3.0,
    f"{WILLIAMS}; {BARTO}, section 2.8",
    (SCORE_ORDINARY, SCORE_CORNERS, SCORE_LARGE, ARGUMENTS),
    score_cases,
    _driver(("logits", "actions"), "score", call_closed_form),
    replaces=LOG_PROB_DONE,
    axes=("b", "k"),
)
CATEGORICAL_ENTROPY = Exercise(
    "categorical_entropy",
    NOTEBOOK,
    1.0,
    "Shannon 1948",
    (ORDINARY, LARGE, ARGUMENTS),
    entropy_cases,
    _driver(("logits",), "entropy"),
    replaces=LOG_PROB_DONE,
    axes=("b", "k"),
)
EXACT_POLICY_GRADIENT = Exercise(
    "exact_policy_gradient",
    NOTEBOOK,
    2.0,
    f"{BARTO}, sections 13.2 and 13.3",
    (EXACT_ORDINARY, EXACT_CORNERS, LARGE, ARGUMENTS),
    exact_cases,
    _driver(("logits", "rewards"), "gradient"),
    replaces=SCORE_DONE,
    axes=("k",),
)
SCORE_FUNCTION_ESTIMATE = Exercise(
    "score_function_estimate",
    NOTEBOOK,
    2.0,
    f"{WILLIAMS}; {BARTO}, section 13.3",
    (ESTIMATE_ORDINARY, ESTIMATE_CORNERS, LARGE, ARGUMENTS),
    estimate_cases,
    _driver(("logits", "actions", "rewards"), "estimate"),
    replaces=SCORE_DONE,
    axes=("k",),
)
