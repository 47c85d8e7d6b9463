"""Published checks: fixed cases, what is right on them, and what each misconception gives.

One JSON file beside each notebook. It holds numbers and words, never code, so that `check` and
`hint` work where no answer key is.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from grader.compare import equal
from grader.exercise import AnswerKey, Case, Exercise, Graded, Performance
from grader.judge import Check, KnownWrong, make_check
from grader.plain import decode, encode

SEED = 20260412
ROUNDS = 1
NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


@dataclass(frozen=True)
class Published:
    """What is known in the open about one exercise."""

    hints: tuple[str, ...]
    check: Check


def publish(exercise: Exercise | Performance, key: AnswerKey) -> dict[str, Any]:
    """JSON-ready published check of one exercise; hints alone where there are no cases.

    A misconception's numbers are left out (null) where they are the right ones.
    """
    if isinstance(exercise, Performance):
        return {"hints": list(key.hints), "cases": [], "misconceptions": []}
    check = make_check(exercise, key, np.random.default_rng(SEED), ROUNDS)
    return {
        "hints": list(key.hints),
        "cases": [
            {"group": case.group, "inputs": encode(dict(case.inputs)), "expected": encode(right)}
            for case, right in zip(check.cases, check.expected, strict=True)
        ],
        "misconceptions": [
            {
                "name": one.name,
                "hint": one.hint,
                "outputs": [
                    None if equal(got, right) else encode(got)
                    for got, right in zip(one.observables, check.expected, strict=True)
                ],
            }
            for one in check.wrong
        ],
    }


def unpublish(data: dict[str, Any]) -> Published:
    """The inverse of `publish`."""
    cases = tuple(Case(case["group"], decode(case["inputs"])) for case in data["cases"])
    expected = tuple(decode(case["expected"]) for case in data["cases"])
    wrong = tuple(
        KnownWrong(
            one["name"],
            one["hint"],
            tuple(
                right if got is None else decode(got)
                for got, right in zip(one["outputs"], expected, strict=True)
            ),
        )
        for one in data["misconceptions"]
    )
    return Published(tuple(data["hints"]), Check(cases, expected, wrong))


def load_published(exercise: Graded, *folders: Path) -> Published:
    """The published check, from beside the notebook or from the checkout's notebooks/.

    `folders`: where to look instead, where what lies beside a notebook is not to be believed.

    Raises:
        FileNotFoundError: in neither place; the sentence says what to do.
        ValueError: the file is damaged.
    """
    name = f"{exercise.notebook}.json"
    for folder in folders or (Path.cwd(), NOTEBOOKS):
        if (folder / name).is_file():
            return _load(folder / name, exercise.name)
    what = "keep the file that came with it in the same folder"
    raise FileNotFoundError(f"{name} is not beside the notebook; {what}.")


@cache
def _load(path: Path, name: str) -> Published:
    try:
        return unpublish(json.loads(path.read_text(encoding="utf-8"))["exercises"][name])
    except (ValueError, KeyError, TypeError) as error:
        what = "restore the file that came with the notebook"
        raise ValueError(f"{path.name} cannot be read ({error}); {what}.") from error
