"""Returns, TD residuals and generalized advantage estimates of a rollout, in numpy.

Every array has time first, (T,) for one environment or (T, N) for N of them. Two flags say how a
step ended: `terminated` (the task itself ended: nothing is worth anything after it) and
`truncated` (a clock stopped the episode: what would have followed still has a value). A rollout
that stops in the middle of an episode is *cut* after its last step; no flag is set there.
`next_values[t]` is V of the observation that step t really led to, never that of a reset.
"""

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

Array = np.ndarray
_Formula = TypeVar("_Formula", bound=Callable[..., Array])


def _checked(formula: _Formula) -> _Formula:
    """The formula, given arrays of floats and flags of one shape (T,) or (T, N), or a ValueError.

    Positional arguments are arrays, the keyword-only ones numbers between 0 and 1.
    """
    signature = inspect.signature(formula)

    @functools.wraps(formula)
    def checked(*args: Any, **kwargs: Any) -> Array:
        given = signature.bind(*args, **kwargs).arguments
        for name, value in given.items():
            what = f"{formula.__name__}: {name}"
            if signature.parameters[name].kind is not inspect.Parameter.KEYWORD_ONLY:
                given[name] = _array(what, value, flags=name.endswith("ated"))
                _check_shape(what, given[name].shape, given["rewards"].shape)
            elif not (isinstance(value, float | int | np.number) and 0.0 <= value <= 1.0):
                raise ValueError(f"{what} is {value!r}; pass a number between 0 and 1.")
        return formula(**given)

    return checked  # pyright: ignore[reportReturnType]


@_checked
def discounted_returns(
    rewards: Array, next_values: Array, terminated: Array, truncated: Array, *, gamma: float
) -> Array:
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
    stops = terminated | truncated
    stops[-1] = True
    terms = gamma * (stops & ~terminated)
    terms *= next_values
    terms += rewards
    return _backward(terms, gamma * ~stops)


@_checked
def td_residuals(
    rewards: Array, values: Array, next_values: Array, terminated: Array, *, gamma: float
) -> Array:
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
    return _residuals(rewards, values, next_values, terminated, gamma)


@_checked
def gae(
    rewards: Array,
    values: Array,
    next_values: Array,
    terminated: Array,
    truncated: Array,
    *,
    gamma: float,
    gae_lambda: float,
) -> Array:
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
    residuals = _residuals(rewards, values, next_values, terminated, gamma)
    return _backward(residuals, gamma * gae_lambda * ~(terminated | truncated))


def _residuals(
    rewards: Array, values: Array, next_values: Array, terminated: Array, gamma: float
) -> Array:
    """R + γ (1 − terminated) V(s') − V(s), summed in one array: memory is what takes the time."""
    residuals = gamma * ~terminated
    residuals *= next_values
    residuals += rewards
    residuals -= values
    return residuals


def _backward(terms: Array, decay: Array) -> Array:
    """x_t = terms_t + decay_t x_{t+1}, from the last step to the first; nothing follows the last.

    One environment is summed in Python's own floats, the same numbers as numpy's and much faster
    one at a time; several go row by row, in `terms` itself.
    """
    following, backward, product = np.zeros(terms.shape[1:]), terms[::-1], np.empty(terms.shape[1:])
    if terms.size == len(terms):
        pairs = zip(backward.ravel().tolist(), decay[::-1].ravel().tolist(), strict=True)
        sums = itertools.accumulate(pairs, lambda after, now: now[0] + now[1] * after, initial=0.0)
        return np.array(list(sums)[:0:-1]).reshape(terms.shape)
    for row, factor in zip(backward, decay[::-1], strict=True):
        following = np.add(row, np.multiply(factor, following, product), out=row)
    return terms


def _check_shape(what: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if len(wanted) not in (1, 2) or 0 in wanted:
        raise ValueError(f"{what} has shape {shape}; pass time first, (T,) or (T, N), both ≥ 1.")
    if shape != wanted:
        usual = {
            (*wanted, 1): "squeeze the critic's last axis",
            wanted[::-1]: "transpose it: time comes first",
            (wanted[0] + 1, *wanted[1:]): "pass T numbers, without the one after the last",
        }
        advice = usual.get(shape, "all arguments describe the same T steps")
        raise ValueError(f"{what} has shape {shape} but rewards has {wanted}; {advice}.")


def _array(what: str, value: Any, *, flags: bool) -> Array:
    array = np.asarray(value)
    if flags and array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
        came = f"{what} has dtype {array.dtype} and values other than 0 and 1"
        raise ValueError(f"{came}; pass booleans, True where the step ended the episode.")
    if not flags and not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0]
        came = f"{what}{where.tolist()} is {array[tuple(where)]}; every number must be finite"
        raise ValueError(f"{came}: look for a division by zero or a diverged critic.")
    kind = np.bool_ if flags else np.result_type(array, np.float32)
    return array.astype(kind, copy=False)
