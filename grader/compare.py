"""Comparing what an answer gave with what is right: shapes first, then numbers; NaN never equal."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.exercise import Observables

# float32 keeps seven digits; a sum over a rollout loses two or three of them.
RTOL, ATOL = 1e-4, 1e-5


@dataclass(frozen=True)
class Outcome:
    """What one case gave: observables, or the sentence that says why there are none."""

    observables: Observables | None = None
    error: str = ""
    unwritten: bool = False


UNWRITTEN = Outcome(error="it raises NotImplementedError; it is not written yet", unwritten=True)


def difference(
    outcome: Outcome,
    expected: Observables,
    axes: tuple[str, ...] = ("t", "n"),
    *,
    hidden: bool = False,
) -> str:
    """What differs first, as a sentence without its full stop; empty where nothing does.

    `hidden`: the inputs are not to be known. An answer may give what it was given, as numbers or
    as a shape: so numbers have three digits, and only shapes that a slip gives are told.
    """
    if outcome.observables is None:
        return outcome.error
    for key, right in expected.items():
        got = outcome.observables.get(key)
        if got is None:
            return f"{key} is missing"
        if got.shape != right.shape:
            told = not hidden or _is_a_slip(got.shape, right.shape)
            shape = f"shape {got.shape}" if told else f"another shape, of {got.ndim} axes"
            return f"{key} has {shape}, expected {right.shape}"
        # Written so that a NaN is never close to anything.
        differs = ~(np.abs(got - right) <= ATOL + RTOL * np.abs(right))
        if differs.any():
            return _describe(key, got, right, differs, axes, hidden)
    return ""


def _is_a_slip(got: tuple[int, ...], right: tuple[int, ...]) -> bool:
    """Whether a shape is made of the lengths of the right one, or of such that are one off."""
    lengths = {0, 1, math.prod(right)} | {n + k for n in right for k in (-1, 0, 1)}
    return len(got) <= len(right) + 1 and lengths.issuperset(got)


def equal(one: Observables, other: Observables) -> bool:
    """Whether two sets of observables agree within tolerance."""
    return not difference(Outcome(one), other)


def _describe(
    key: str,
    got: NDArray,
    right: NDArray,
    differs: NDArray[np.bool_],
    axes: tuple[str, ...],
    hidden: bool,
) -> str:
    if right.ndim == 0:
        return f"{key}: {_pair(right, got, hidden)}"
    first = tuple(int(i) for i in np.argwhere(differs)[0])
    error = np.where(differs, np.nan_to_num(np.abs(got - right), nan=np.inf), 0.0)
    worst = tuple(int(i) for i in np.unravel_index(error.argmax(), error.shape))
    things = "steps" if axes[0] == "t" else "numbers"
    where = _place(first, axes)
    text = f"{key}: {differs.sum()} of {differs.size} {things} differ, first at {where} "
    text += f"({_pair(right[first], got[first], hidden)})"
    if worst != first:
        text += f", most at {_place(worst, axes)} ({_pair(right[worst], got[worst], hidden)})"
    return text


def _place(index: tuple[int, ...], axes: tuple[str, ...]) -> str:
    names = axes if len(index) <= len(axes) else tuple(f"axis {i} " for i in range(len(index)))
    return ", ".join(f"{name}={i}" for name, i in zip(names, index, strict=False))


def _pair(right: Any, got: Any, hidden: bool) -> str:
    """Both numbers, with as many digits as it takes to tell them apart; three if `hidden`."""
    texts = _rounded(right, got, 3)
    for digits in () if hidden else (5, 8, 12):
        texts = _rounded(right, got, digits)
        if texts[0] != texts[1]:
            break
    texts = [text if any(mark in text for mark in ".einf") else f"{text}.0" for text in texts]
    if hidden and texts[0] == texts[1]:
        return f"expected {texts[0]}, got nearly that"
    return f"expected {texts[0]}, got {texts[1]}"


def _rounded(right: Any, got: Any, digits: int) -> list[str]:
    return [f"{float(value):.{digits}g}" for value in (right, got)]
