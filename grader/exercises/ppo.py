"""Exercise of 06_ppo_continuous_control: PPO's losses, their sum, its step and what it writes."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from grader.exercise import Case, Exercise, Group
from grader.exercises.ppo_drive import drive_ppo, ppo_facts
from grader.exercises.zones import (
    a_band,
    advantages_of,
    moved_values,
    ratios_by_share,
    ratios_in,
)

INSIDE = Group("in policy_loss, while every ratio is inside the band", 0.5)
POSITIVE = Group("in policy_loss, for positive advantages outside the band", 0.75)
NEGATIVE = Group("in policy_loss, for negative advantages outside the band", 0.75)
NEAR = Group("in value_loss, while no value has moved further than ε", 0.5)
MOVED = Group("in value_loss, where values have moved further than ε", 1.0)
SUM = Group("in loss, the sum of the two", 1.0)
SHORT = Group("in the weights after step, where the gradient is shorter than max_grad_norm", 0.5)
LONG = Group("in the weights after step, where the gradient is longer than max_grad_norm", 0.75)
STALE = Group("in the weights after step, where gradients were left over from before", 0.5)
COUNTED = Group("in iteration, which step counts", 0.25)
ABOUT_POLICY = Group("in what step writes about the policy", 0.5)
ABOUT_VALUES = Group("in what step writes about the values", 0.5)
NORM = Group("in the gradient norm that step writes", 0.25)
KEPT = Group("in a minibatch of float32 tensors, which must stay as it is", 0.25)

FLOAT32 = {"layout": "float32"}
MULTIVARIATE = {"kind": "multivariate"}


def ppo_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """The four quadrants, values that moved, long and short gradients, all with own numbers.

    They are many, and each makes a policy and steps: more rounds than one are not asked for.
    """
    yield from _policy_cases(rng)
    yield from _value_cases(rng)
    for rest in (MULTIVARIATE, {"defaults": True}, FLOAT32):
        yield _near(SUM, rng, ask="loss", **rest)
    yield from _step_cases(rng)
    # The step is a long one: who writes what is true after it writes other numbers.
    for sizes, rest in (((3, 2, 1, 9, 3, 4, 6), {}), ((0, 1, 1, 5, 0, 0, 0), MULTIVARIATE)):
        band, ratios = ratios_by_share(rng, sizes)
        moved = {"ratios": ratios, "moves": rng.uniform(-0.2, 0.2, len(ratios)).round(3)}
        yield _case(ABOUT_POLICY, rng, band, ask="policy", lr=0.3, **moved, **rest)
    for moves, height in (("nnnttapp", 0.0), ("naaattttp", 15.0), ("nnnnn", 0.0)):
        yield _moved(ABOUT_VALUES, rng, moves, height=height, ask="values", lr=0.3)
    for size, zones in ((6, "bbiiaa"), (1, "i")):
        moved = {"ratios": ratios_in(rng, 0.2, zones), "moves": np.linspace(0.1, 0.5, size)}
        yield _case(KEPT, rng, 0.2, ask="kept", lr=0.01, **FLOAT32, **moved)


def _policy_cases(rng: np.random.Generator) -> Iterator[Case]:
    ask = {"ask": "policy_loss"}
    yield _ratios(INSIDE, rng, "i" * 48, "±", **FLOAT32, **ask)
    yield _ratios(INSIDE, rng, "iiiii", "±", ratios=np.ones(5), **ask)
    yield _ratios(INSIDE, rng, "iiii", "+", advantages=np.full(4, 1.25), **MULTIVARIATE, **ask)
    for group, sign, zone in ((POSITIVE, "+", "a"), (NEGATIVE, "-", "b")):
        yield _ratios(group, rng, "bbbiiaaaaf", sign, **ask)
        yield _ratios(group, rng, "bbbiiaaaa", sign, defaults=True, **MULTIVARIATE, **ask)
        yield _ratios(group, rng, zone, sign, **ask)


def _value_cases(rng: np.random.Generator) -> Iterator[Case]:
    ask = {"ask": "value_loss"}
    yield _moved(NEAR, rng, "nnnnn", moves=np.zeros(5), **ask)
    yield _moved(NEAR, rng, "n" * 48, **FLOAT32, **ask)
    for moves in ("tttttn", "aaaannnn", "ttppaann", "a"):
        yield _moved(MOVED, rng, moves, **ask)


def _step_cases(rng: np.random.Generator) -> Iterator[Case]:
    ask = {"ask": "step", "steps": 2, "lr": 0.02}
    short, long = {"max_grad_norm": 20.0}, {"max_grad_norm": round(rng.uniform(0.2, 0.4), 2)}
    yield _near(SHORT, rng, **{**ask, "lr": 0.01}, **short)
    yield _near(SHORT, rng, **{**ask, "lr": 0.01}, optimizer="Adam", **MULTIVARIATE, **short)
    yield _near(LONG, rng, **ask, **long)
    yield _near(LONG, rng, defaults=True, **ask)
    yield _near(LONG, rng, **ask, **long, **FLOAT32)
    for limit in (short, long):
        yield _near(STALE, rng, stale=3.0, **{**ask, "steps": 1}, **limit)
    yield _near(COUNTED, rng, **{**ask, "ask": "iteration", "steps": int(rng.integers(3, 7))})
    for limit in (short, long):
        yield _near(NORM, rng, **{**ask, "ask": "norm", "steps": 1}, **limit)


def _ratios(group: Group, rng: np.random.Generator, zones: str, signs: str, **rest: Any) -> Case:
    """A batch with one ratio for each letter, and values that have hardly moved."""
    band = 0.2 if "defaults" in rest else a_band(rng)
    chosen = {
        "ratios": ratios_in(rng, band, "".join(rng.permutation(list(zones)))),
        "advantages": advantages_of(rng, len(zones), signs),
        "moves": rng.uniform(-0.1, 0.1, len(zones)).round(3),
    }
    return _case(group, rng, band, **{**chosen, **rest})


def _moved(group: Group, rng: np.random.Generator, letters: str, **rest: Any) -> Case:
    """A batch with one value for each letter, all lifted by a height; ratios inside the band."""
    found, height = moved_values(rng, letters), rest.pop("height", 0.0)
    band, values = float(found["clip_range"]), np.asarray(found["values"]) + height
    chosen = {
        "value_weights": values,
        "moves": np.subtract(found["values"], found["old_values"]).round(2),
        "value_targets": np.asarray(found["value_targets"]) + height,
        "ratios": ratios_in(rng, band, "i" * len(letters)),
    }
    return _case(group, rng, band, **{**chosen, **rest})


def _near(group: Group, rng: np.random.Generator, **rest: Any) -> Case:
    """A batch in which nothing is clipped, so near is the policy to the one that collected it.

    Its rows share their weights; all targets are higher than the values. With it comes how fast
    the losses of the rows fall, each with its log-probability or with its value.
    """
    rows = 9
    observations = rng.normal(size=(rows, 3)).round(2)
    observations[:, 0] = 1.0
    values = rng.normal(size=3).round(2)
    chosen = {
        "observations": observations,
        "mean_weights": rng.normal(0.0, 0.5, (3, 2)).round(2),
        "log_std_weights": rng.uniform(-0.3, 0.3, (3, 2)).round(2),
        "value_weights": values,
        "value_targets": (observations @ values + rng.uniform(1.0, 2.5, rows)).round(2),
        "ratios": rng.uniform(0.95, 1.05, rows),
        "moves": rng.uniform(-0.05, 0.05, rows).round(3),
        "value_coef": round(rng.uniform(0.4, 0.9), 2),
    }
    chosen["advantages"] = advantages_of(rng, rows, "±")
    chosen["policy_slopes"] = chosen["ratios"] * chosen["advantages"]
    chosen["value_slopes"] = 2.0 * (observations @ values - chosen["value_targets"])
    return _case(group, rng, 0.3, **{**chosen, **rest})


def _case(group: Group, rng: np.random.Generator, band: float, **chosen: Any) -> Case:
    """All that a scene needs: what is not chosen is drawn."""
    rows = len(chosen["ratios"])
    drawn = {
        "kind": "independent",
        "clip_range": band,
        "advantages": advantages_of(rng, rows, "±"),
        "rewards": rng.normal(size=rows).round(2),
        "mean_weights": rng.normal(size=(rows, 2)).round(2),
        "log_std_weights": rng.uniform(-0.6, 0.3, (rows, 2)).round(2),
        "value_weights": rng.normal(size=rows).round(2),
        "value_targets": rng.normal(4.0, 1.0, rows).round(2),
    }
    inputs = {**drawn, **chosen}
    seen = inputs.get("observations", np.eye(rows))
    away = rng.choice([-1.0, 1.0], (rows, 2)) * rng.uniform(0.4, 1.6, (rows, 2))
    spread = np.exp(seen @ inputs["log_std_weights"])
    inputs["actions"] = (seen @ inputs["mean_weights"] + spread * away).round(2)
    if inputs.pop("defaults", False):
        inputs = {name: inputs[name] for name in inputs if name not in ("clip_range", "value_coef")}
    return Case(group.name, inputs)


PPO = Exercise(
    "ppo",
    "06_ppo_continuous_control",
    8.0,
    "Schulman et al. 2017, arXiv:1707.06347, eqs. 7 and 9 without the entropy bonus; the value "
    "clip and the bound on the gradient's norm are from PPO's published code",
    (
        *(INSIDE, POSITIVE, NEGATIVE, NEAR, MOVED, SUM, SHORT, LONG, STALE, COUNTED),
        *(ABOUT_POLICY, ABOUT_VALUES, NORM, KEPT),
    ),
    ppo_cases,
    drive_ppo,
    facts=ppo_facts,
    answer="PPO",
    axes=("i", "j"),
)
