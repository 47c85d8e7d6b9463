"""The hidden check: cases nobody has seen, judged with the answer key in this very process.

That is for the course's own tests and for submissions that are trusted: what runs here can read
the key.
"""

import hashlib
import hmac
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from grader.course import ROOT
from grader.exercise import AnswerKey, Exercise, Performance
from grader.exercises import find_exercise
from grader.judge import Check, judge, make_check, measure
from grader.secret import secret
from grader.visible import show

AGENTS = ROOT / "solutions" / "agents"  # <notebook>/: what its solution hands in beside it
ROUNDS = 2


def probe(name: str, answer: Any) -> float:
    """Judge an answer on hidden cases, show the verdict and return its points.

    nbgrader takes the number as the score of the cell that ends with this call.

    Raises:
        LookupError: no such exercise.
        RuntimeError: the answer key is not here.
    """
    exercise = find_exercise(name)
    if isinstance(exercise, Performance):
        rng = hidden_rng(name, secret=secret(), student=student())
        verdict = measure(exercise, answer, int(rng.integers(2**31)))
    else:
        check = hidden_check(exercise, secret=secret(), student=student())
        verdict = judge(exercise, answer, check)
    show(verdict, " (hidden check)")
    return verdict.points


def hidden_check(exercise: Exercise, *, secret: bytes, student: str) -> Check:
    """The check drawn for this student under this secret."""
    rng = hidden_rng(exercise.name, secret=secret, student=student)
    return replace(make_check(exercise, answer_key(exercise.name), rng, ROUNDS), hidden=True)


def hidden_rng(exercise: str, *, secret: bytes, student: str) -> np.random.Generator:
    """A generator seeded with HMAC-SHA256(secret, student, exercise)."""
    digest = hmac.new(secret, f"{student}\0{exercise}".encode(), hashlib.sha256).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def answer_key(name: str) -> AnswerKey:
    """The key of one exercise, from solutions/answer_key at the repository's root.

    The place is fixed: a `solutions` beside the notebook or on sys.path is not looked at.

    Raises:
        RuntimeError: there is none, as in a student's copy.
    """
    return answer_keys()[name]


def answer_keys() -> dict[str, AnswerKey]:
    """All keys by name; see `answer_key`."""
    name = "_rlcore_answer_key"
    if name not in sys.modules:
        _load_package(name, ROOT / "solutions" / "answer_key" / "__init__.py")
    return sys.modules[name].KEYS


def _load_package(name: str, path: Path) -> ModuleType:
    if not path.is_file():
        raise RuntimeError("probe is for graders: the answer key is not part of this copy.")
    where = [str(path.parent)]
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=where)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def student() -> str:
    """The student whose notebook runs here: …/<student>/<assignment>/ is the working directory."""
    return Path.cwd().parent.name
