"""Exercises of 05_ppo_clipping: PPO's clipped losses, and two gauges of how far a policy moved."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.exercise import Case, Exercise, Group, Inputs, Observables, Refused
from grader.exercises.calling import call_loss, call_with_tensors
from grader.exercises.zones import (
    a_band,
    advantages_of,
    moved_values,
    ratios_by_share,
    ratios_in,
)

NOTEBOOK = "05_ppo_clipping"
PAPER = "Schulman et al. 2017, arXiv:1707.06347"
FLOAT32 = {"layout": "float32"}
FLOAT64 = {"layout": "float64", "only_keep": True}

INSIDE = Group("while every ratio is inside the band", 1.5)
POSITIVE = Group("for positive advantages outside the band", 1.0)
NEGATIVE = Group("for negative advantages outside the band", 1.0)
FAR = Group("for one sample, equal advantages, or ratios as far out as e²⁰ and e⁻²⁰", 1.0)
ARGUMENTS = Group("for float32 arguments, which must stay as they are", 0.5)

KL_BATCH = Group("for a batch of samples", 0.5)
KL_REST = Group(
    "for one sample, far ratios, or float32 arguments, which must stay as they are", 0.5
)

SHARE_BAND = Group("for ratios on both sides of the band", 0.5)
SHARE_REST = Group(
    "for one sample, the band's very edge, or float32 arguments, which must stay as they are", 0.5
)

NEAR = Group("while no value has moved further than ε", 1.0)
TOWARDS = Group("where a value moved more than ε towards its target", 0.75)
AWAY = Group("where a value moved more than ε away from its target, or past it", 0.75)
VALUE_REST = Group(
    "for one sample, values that moved far, or float32 arguments, which must stay as they are", 0.5
)


def _log_probs(rng: np.random.Generator, ratios: NDArray) -> dict[str, NDArray]:
    """Log-probabilities of a discrete policy, new and old, with these ratios."""
    old = rng.uniform(-3.0, -1.2, len(ratios)).round(3)
    return {"log_probs": (old + np.log(ratios)).round(4), "old_log_probs": old}


def _clip_case(rng: np.random.Generator, group: Group, zones: str, signs: str, **rest: Any) -> Case:
    band = a_band(rng)
    shuffled = "".join(rng.permutation(list(zones)))
    arrays = _log_probs(rng, ratios_in(rng, band, shuffled))
    arrays["advantages"] = advantages_of(rng, len(zones), signs)
    return Case(group.name, {**arrays, "clip_range": band, **rest})


def ppo_clip_loss_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Both signs of the advantage with ratios below, in and above the band, and far outside."""
    for _ in range(n):
        unmoved = _clip_case(rng, INSIDE, "iiiii", "±")
        yield Case(INSIDE.name, {**unmoved.inputs, "log_probs": unmoved.inputs["old_log_probs"]})
        yield _clip_case(rng, INSIDE, "i" * 64, "±")
        yield _clip_case(rng, POSITIVE, "bbbiiaaaa", "+")
        yield _clip_case(rng, POSITIVE, "aaa", "+")
        yield _clip_case(rng, NEGATIVE, "bbbiiaaaa", "-")
        yield _clip_case(rng, NEGATIVE, "bbb", "-")
        for zone, sign in ("i+", "a+", "b-", "b+", "a-"):
            yield _clip_case(rng, FAR, zone, sign)
        equal = _clip_case(rng, FAR, "bbbbiiiaaa", "+")
        yield Case(FAR.name, {**equal.inputs, "advantages": np.full(10, 1.25)})
        yield _far_out(rng, FAR)
        yield _clip_case(rng, ARGUMENTS, "bbbiiiaaa", "±", **FLOAT32)
        yield _far_out(rng, ARGUMENTS, **FLOAT32)
        yield _clip_case(rng, ARGUMENTS, "bbbiiiaaa", "±", **FLOAT64)


def _far_out(rng: np.random.Generator, group: Group, **rest: Any) -> Case:
    """Log-ratios of +20 and −20 under both signs of the advantage, and some ordinary ones."""
    far = _clip_case(rng, group, "iiibbaa", "±", **rest)
    log_probs, old = far.inputs["log_probs"].copy(), far.inputs["old_log_probs"].copy()
    low, high = rng.uniform(-22.0, -21.0, 4).round(2), rng.uniform(-2.0, -1.0, 4).round(2)
    log_probs[:4], old[:4] = [high[0], high[1], low[2], low[3]], [low[0], low[1], high[2], high[3]]
    advantages = far.inputs["advantages"].copy()
    advantages[:4] = np.abs(advantages[:4]) * [1, -1, 1, -1]
    changed = {"log_probs": log_probs, "old_log_probs": old, "advantages": advantages}
    return Case(group.name, {**far.inputs, **changed})


def _diagnostic(rng: np.random.Generator, group: Group, zones: str, **rest: Any) -> Case:
    return Case(group.name, {**_log_probs(rng, ratios_in(rng, 0.2, zones)), **rest})


def approx_kl_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Batches whose estimate is positive, negative and zero."""
    for _ in range(n):
        yield _diagnostic(rng, KL_BATCH, "bbbbbiiia" * 8)
        yield _diagnostic(rng, KL_BATCH, "aaaiiib")
        unmoved = _diagnostic(rng, KL_BATCH, "iiii").inputs["log_probs"]
        yield Case(KL_BATCH.name, {"log_probs": unmoved, "old_log_probs": unmoved})
        yield _diagnostic(rng, KL_REST, "b")
        yield _diagnostic(rng, KL_REST, "a")
        for rest in ({}, FLOAT32):
            far = dict(_far_out(rng, KL_REST, **rest).inputs)
            yield Case(KL_REST.name, {k: far[k] for k in far if k not in _OF_THE_LOSS})
        for rest in (FLOAT32, FLOAT64):
            yield _diagnostic(rng, KL_REST, "bbbiiaa", **rest)


_OF_THE_LOSS = ("advantages", "clip_range")


def _shares(rng: np.random.Generator, group: Group, sizes: tuple[int, ...], **rest: Any) -> Case:
    band, ratios = ratios_by_share(rng, sizes)
    return Case(group.name, {**_log_probs(rng, ratios), "clip_range": band, **rest})


def clip_fraction_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Ratios close to the band and far outside it, and on its very edge."""
    for _ in range(n):
        yield _shares(rng, SHARE_BAND, (1, 2, 4, 8, 3, 5, 6))
        yield _shares(rng, SHARE_BAND, (20, 3, 2, 21, 6, 5, 10))
        yield _shares(rng, SHARE_BAND, (0, 1, 1, 5, 0, 0, 0))
        for zone in "bia":
            yield _diagnostic(rng, SHARE_REST, zone, clip_range=0.2)
        edge = _diagnostic(rng, SHARE_REST, "bbiiiiiaaa", clip_range=1.0)
        log_probs = edge.inputs["log_probs"].copy()
        log_probs[2:7] = -1000.0  # ratio 0 to the last bit: the lower edge, so inside
        yield Case(SHARE_REST.name, {**edge.inputs, "log_probs": log_probs})
        far = {k: v for k, v in _far_out(rng, SHARE_REST).inputs.items() if k != "advantages"}
        yield Case(SHARE_REST.name, far)
        for rest in (FLOAT32, FLOAT64):
            yield _shares(rng, SHARE_REST, (2, 1, 4, 7, 3, 5, 1), **rest)


def _values(rng: np.random.Generator, group: Group, moves: str, **rest: Any) -> Case:
    return Case(group.name, {**moved_values(rng, moves), **rest})


def clipped_value_loss_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Values that stayed, moved towards their targets, away and past them, by more than ε."""
    for _ in range(n):
        unmoved = _values(rng, NEAR, "nnnnn").inputs
        yield Case(NEAR.name, {**unmoved, "values": unmoved["old_values"]})
        yield _values(rng, NEAR, "n" * 7)
        yield _values(rng, NEAR, "n" * 64)
        yield _values(rng, TOWARDS, "tttttn")
        yield _values(rng, AWAY, "aaaannnn")
        yield _values(rng, AWAY, "ttppaann")
        for move in "ntap":
            yield _values(rng, VALUE_REST, move)
        far = _values(rng, VALUE_REST, "ttaapnnnn").inputs
        values = np.where(np.arange(9) < 4, 40.0 * far["values"], far["values"]).round(2)
        yield Case(VALUE_REST.name, {**far, "values": values})
        for rest in (FLOAT32, FLOAT64):
            yield _values(rng, VALUE_REST, "nttaap", **rest)


def drive_ppo_clip_loss(answer: Any, inputs: Inputs) -> Observables:
    """The loss, and its gradient with respect to the new log-probabilities."""
    names = ("log_probs", "old_log_probs", "advantages")
    return _finite(call_loss(answer, inputs, names, ("clip_range",)))


def drive_clipped_value_loss(answer: Any, inputs: Inputs) -> Observables:
    """The loss, and its gradient with respect to the values."""
    names = ("values", "old_values", "value_targets")
    return _finite(call_loss(answer, inputs, names, ("clip_range",)))


def drive_approx_kl(answer: Any, inputs: Inputs) -> Observables:
    """The estimate."""
    return call_with_tensors(answer, inputs, ("log_probs", "old_log_probs"), (), "approx_kl")


def drive_clip_fraction(answer: Any, inputs: Inputs) -> Observables:
    """The share."""
    names = ("log_probs", "old_log_probs")
    return call_with_tensors(answer, inputs, names, ("clip_range",), "clip_fraction")


def _finite(found: Observables) -> Observables:
    for name, numbers in found.items():
        if not np.isfinite(numbers).all():
            raise Refused(f"the {name} is not finite: it holds {numbers[~np.isfinite(numbers)][0]}")
    return found


PPO_CLIP_LOSS = Exercise(
    "ppo_clip_loss",
    NOTEBOOK,
    5.0,
    f"{PAPER}, eqs. 6 and 7; there it is an objective, to be maximised",
    (INSIDE, POSITIVE, NEGATIVE, FAR, ARGUMENTS),
    ppo_clip_loss_cases,
    drive_ppo_clip_loss,
    axes=("b",),
)
APPROX_KL = Exercise(
    "approx_kl",
    NOTEBOOK,
    1.0,
    "mean of old minus new log-probabilities, as implementations of PPO report it",
    (KL_BATCH, KL_REST),
    approx_kl_cases,
    drive_approx_kl,
    axes=("b",),
)
CLIP_FRACTION = Exercise(
    "clip_fraction",
    NOTEBOOK,
    1.0,
    "share of ratios outside the band, as implementations of PPO report it",
    (SHARE_BAND, SHARE_REST),
    clip_fraction_cases,
    drive_clip_fraction,
    axes=("b",),
)
CLIPPED_VALUE_LOSS = Exercise(
    "clipped_value_loss",
    NOTEBOOK,
    3.0,
    f"PPO's published code; not in the paper ({PAPER})",
    (NEAR, TOWARDS, AWAY, VALUE_REST),
    clipped_value_loss_cases,
    drive_clipped_value_loss,
    axes=("b",),
)
