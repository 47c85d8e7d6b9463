"""Returns, TD residuals and generalized advantage estimates of a rollout, in numpy.

Every array has time first, (T,) for one environment or (T, N) for N of them. Two flags say how a
step ended: `terminated` (the task itself ended: nothing is worth anything after it) and
`truncated` (a clock stopped the episode: what would have followed still has a value). A rollout
that stops in the middle of an episode is *cut* after its last step; no flag is set there.
`next_values[t]` is V of the observation that step t really led to, never that of a reset.
"""

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray


def discounted_returns(
    rewards: ArrayLike,
    next_values: ArrayLike,
    terminated: ArrayLike,
    truncated: ArrayLike,
    *,
    gamma: float,
) -> NDArray[np.float64]:
    """Discounted return to go of every step, by one backward pass.

        R_t = r_t + γ R_{t+1}          while the episode goes on
        R_t = r_t + γ V(s'_t)          where it is truncated, or cut by the end of the rollout
        R_t = r_t                      where it terminates

    Sutton & Barto 2018, eq. 3.9, bootstrapped where an episode stops without having ended.

    Args:
        rewards: (T,) or (T, N), r_t.
        next_values: same shape, V(s'_t) in the unit of the return; read at truncations and cuts.
        terminated: same shape, bool. Where both flags are set, `terminated` wins.
        truncated: same shape, bool.
        gamma: discount γ in [0, 1].

    Returns:
        Same shape, float64, unit of the return.

    Raises:
        ValueError: shapes differ, a flag is not boolean, a number is not finite, γ outside [0, 1].
    """
    rewards, next_values, terminated, truncated = _rollout(
        "discounted_returns",
        rewards=rewards,
        next_values=next_values,
        terminated=terminated,
        truncated=truncated,
    )
    _unit_interval("discounted_returns", gamma=gamma)
    episode_over = terminated | truncated
    bootstrap = np.where(terminated, 0.0, next_values)
    returns = np.empty_like(rewards)
    following = bootstrap[-1]
    for t in reversed(range(len(rewards))):
        following = np.where(episode_over[t], bootstrap[t], following)
        returns[t] = following = rewards[t] + gamma * following
    return returns


def td_residuals(
    rewards: ArrayLike,
    values: ArrayLike,
    next_values: ArrayLike,
    terminated: ArrayLike,
    *,
    gamma: float,
) -> NDArray[np.float64]:
    """TD residual of every step: how much better it went than V said.

        δ_t = r_t + γ (1 − terminated_t) V(s'_t) − V(s_t)

    Schulman et al. 2016, arXiv:1506.02438, section 3; there episodes do not end, here V after a
    termination is 0.

    Args:
        rewards: (T,) or (T, N), r_t.
        values: same shape, V(s_t) in the unit of the return.
        next_values: same shape, V(s'_t) of the true successor.
        terminated: same shape, bool. A truncation keeps its bootstrap, so it is not asked for.
        gamma: discount γ in [0, 1].

    Returns:
        Same shape, float64, unit of the return.

    Raises:
        ValueError: shapes differ, a flag is not boolean, a number is not finite, γ outside [0, 1].
    """
    rewards, values, next_values, terminated = _rollout(
        "td_residuals",
        rewards=rewards,
        values=values,
        next_values=next_values,
        terminated=terminated,
    )
    _unit_interval("td_residuals", gamma=gamma)
    return rewards + gamma * np.where(terminated, 0.0, next_values) - values


def gae(
    rewards: ArrayLike,
    values: ArrayLike,
    next_values: ArrayLike,
    terminated: ArrayLike,
    truncated: ArrayLike,
    *,
    gamma: float,
    gae_lambda: float,
) -> NDArray[np.float64]:
    """Generalized advantage estimates, by one backward pass.

        δ_t = r_t + γ (1 − terminated_t) V(s'_t) − V(s_t)
        Â_t = δ_t + γ λ (1 − over_t) Â_{t+1},        over = terminated or truncated,  Â_T = 0

    Schulman et al. 2016, arXiv:1506.02438, eq. 16, the sum stopped where an episode stops.

    Args:
        rewards: (T,) or (T, N), r_t.
        values: same shape, V(s_t) in the unit of the return.
        next_values: same shape, V(s'_t) of the true successor.
        terminated: same shape, bool: drops the bootstrap and cuts the trace.
        truncated: same shape, bool: keeps the bootstrap and cuts the trace.
        gamma: discount γ in [0, 1].
        gae_lambda: λ in [0, 1]; 0 trusts V after one step, 1 sums all rewards.

    Returns:
        Same shape, float64, unit of the return, not normalised.

    Raises:
        ValueError: shapes differ, a flag is not boolean, a number is not finite, γ or λ outside
            [0, 1].
    """
    rewards, values, next_values, terminated, truncated = _rollout(
        "gae",
        rewards=rewards,
        values=values,
        next_values=next_values,
        terminated=terminated,
        truncated=truncated,
    )
    _unit_interval("gae", gamma=gamma, gae_lambda=gae_lambda)
    residuals = td_residuals(rewards, values, next_values, terminated, gamma=gamma)
    decay = gamma * gae_lambda * (1.0 - (terminated | truncated))
    advantages = np.empty_like(residuals)
    following = 0.0
    for t in reversed(range(len(residuals))):
        advantages[t] = following = residuals[t] + decay[t] * following
    return advantages


def _rollout(function: str, **arrays: ArrayLike) -> list[NDArray]:
    """Numbers as float64 and flags as bool, all of one shape (T,) or (T, N), or a ValueError."""
    checked = []
    wanted: tuple[int, ...] | None = None
    for name, value in arrays.items():
        array = _flags(function, name, value) if name in _FLAGS else _numbers(function, name, value)
        if wanted is None:
            wanted = array.shape
            if array.ndim not in (1, 2) or array.size == 0:
                raise ValueError(
                    f"{function}: {name} has shape {array.shape}; pass time first, "
                    "(T,) for one environment or (T, N) for several, with T and N at least 1."
                )
        if array.shape != wanted:
            raise ValueError(
                f"{function}: {name} has shape {array.shape} but {next(iter(arrays))} has "
                f"{wanted}; {_shape_advice(array.shape, wanted)}"
            )
        checked.append(array)
    return checked


_FLAGS = ("terminated", "truncated")


def _shape_advice(got: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if got == (*wanted, 1):
        return "squeeze the critic's last axis."
    if got == wanted[::-1]:
        return "transpose it: time comes first."
    if got and got[0] == wanted[0] + 1:
        return "pass one number for each of the T steps, without the one after the last."
    return "all arguments describe the same T steps."


def _numbers(function: str, name: str, value: ArrayLike) -> NDArray[np.float64]:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{function}: {name} is of type {type(value).__name__} and no array of numbers "
            f"({error}); pass a numpy array, or a tensor after .detach()."
        ) from error
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{function}: {name}{list(where)} is {array[where]}; every number must be finite: "
            "look for a division by zero or a diverged critic."
        )
    return array


def _flags(function: str, name: str, value: ArrayLike) -> NDArray[np.bool_]:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{function}: {name} is no array of flags ({error}).") from error
    if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
        raise ValueError(
            f"{function}: {name} has dtype {array.dtype} and values other than 0 and 1; "
            "pass booleans, True where the step ended the episode."
        )
    return array.astype(np.bool_)


def _unit_interval(function: str, **knobs: float) -> None:
    for name, value in knobs.items():
        if not isinstance(value, Real) or not 0.0 <= value <= 1.0:
            raise ValueError(f"{function}: {name} is {value!r}; pass a number between 0 and 1.")
