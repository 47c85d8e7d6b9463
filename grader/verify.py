"""`grader verify`: the course checks itself, and says what is wrong with it."""

import re
import time
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

from grader.build import read_source, sources
from grader.execute import cell_by_id
from grader.exercise import AnswerKey, Exercise, Graded, Performance
from grader.exercises import EXERCISES
from grader.hidden import answer_keys, hidden_check
from grader.judge import Check, judge, measure, name_of
from grader.published import load_published
from grader.verify_notebooks import SECRETS, STUDENT, release_problems, run_problems
from grader.words import as_text

CODE = re.compile(r"\bdef\b|\breturn\b|\bimport\b|np\.|torch\.|\w\(|\+=|(?<!λ) = |\[[^\]]*\]\s*=")


def verify() -> Iterator[tuple[str, list[str]]]:
    """What is looked at, and the problems found there, part by part."""
    notebooks = {path.stem: read_source(path) for path in sources()}
    for exercise in EXERCISES:
        problems = list(exercise_problems(exercise, notebooks.get(exercise.notebook)))
        yield f"{exercise.name}: {_count(exercise)}", problems
    for name, source in notebooks.items():
        yield f"{name}: released without answers", list(release_problems(name, source))
        started = time.monotonic()
        problems = list(run_problems(name, source))
        yield f"{name}: solved and unanswered, {time.monotonic() - started:.0f} s", problems


def _count(exercise: Graded) -> str:
    key = answer_keys().get(exercise.name)
    if key is None:
        return "no key"
    return f"{len(key.misconceptions)} misconceptions, {len(key.also_correct)} also correct"


def exercise_problems(
    exercise: Exercise | Performance, notebook: NotebookNode | None
) -> Iterator[str]:
    """What an exercise lacks, and where its key and its checks disagree."""
    key = answer_keys().get(exercise.name)
    if notebook is None:
        yield f"{exercise.notebook} has no source in solutions/"
        return
    if key is None:
        yield "it has no answer key"
        return
    yield from _parts_missing(exercise, key, notebook)
    if isinstance(exercise, Performance):
        yield from performance_problems(exercise, key)
        return
    if sum(group.points for group in exercise.groups) != exercise.points:
        yield "the points of its groups do not add up to its own"
    for what, least in (("misconceptions", 5), ("also_correct", 3)):
        if len(getattr(key, what)) < least:
            yield f"{what}: it has {len(getattr(key, what))}, at least {least} are wanted"
    try:
        published = load_published(exercise).check
    except (OSError, ValueError) as error:
        yield f"{error} Run `grader build`."
        return
    yield from check_problems(exercise, key, published, "published check")
    for number, secret in enumerate(SECRETS, 1):
        hidden = hidden_check(exercise, secret=secret, student=STUDENT)
        yield from check_problems(exercise, key, hidden, f"hidden check, secret {number}")


def _parts_missing(exercise: Graded, key: AnswerKey, notebook: NotebookNode) -> Iterator[str]:
    if cell_by_id(notebook, exercise.name) is None:
        yield f"{exercise.notebook} has no cell {exercise.name}"
    test = cell_by_id(notebook, exercise.test_cell)
    if test is None:
        yield f"{exercise.notebook} has no cell {exercise.test_cell}"
    elif test.metadata.nbgrader.get("points") != exercise.points:
        yield f"{exercise.test_cell} has {test.metadata.nbgrader.get('points')} points"
    elif exercise.check_call not in test.source:
        yield f"{exercise.test_cell} does not call {exercise.check_call}"
    if not exercise.source.strip():
        yield "it names no source"
    if len(key.hints) != 3:
        yield f"it has {len(key.hints)} hints, not 3"
    for level, hint in enumerate(key.hints, 1):
        if found := CODE.search(hint):
            yield f"hint {level} contains code: {found.group()!r}"


def performance_problems(exercise: Performance, key: AnswerKey) -> Iterator[str]:
    """Wrong verdicts on the shipped agent or study, on others that are right, and on wrong ones."""
    if measure(exercise, _unwritten, 0).points:
        yield "the stub gets points"
    for seed in range(len(SECRETS)):
        for answer in (key.reference, *key.also_correct):
            verdict = measure(exercise, answer, seed)
            if not verdict.correct:
                yield f"{name_of(answer)} is right but gets: {as_text(verdict)}"
    for one in key.misconceptions:
        if measure(exercise, one.wrong_answer, 0).correct:
            yield f"the misconception that {one.name} loses no points"


def check_problems(exercise: Exercise, key: AnswerKey, check: Check, what: str) -> Iterator[str]:
    """Wrong verdicts of one check on the stub and on every answer of the key."""
    verdict = judge(exercise, _stub_like(key.reference), check)
    if verdict.points or not verdict.unwritten:
        yield f"{what}: the stub gets {verdict.points} points"
    for answer in (key.reference, *key.also_correct):
        verdict = judge(exercise, answer, check)
        if not verdict.correct:
            yield f"{what}: {name_of(answer)} is right but gets: {as_text(verdict)}"
    for one in key.misconceptions:
        verdict = judge(exercise, one.wrong_answer, check)
        if verdict.correct:
            yield f"{what}: the misconception that {one.name} loses no points"
        elif verdict.misconception != one.name:
            named = verdict.misconception or "nothing"
            yield f"{what}: the misconception that {one.name} is named as {named}"


def _stub_like(answer: Any) -> Any:
    if isinstance(answer, tuple):
        return tuple(_stub_like(part) for part in answer)
    return type("Stub", (), {"__init__": _unwritten}) if isinstance(answer, type) else _unwritten


def _unwritten(*args: object, **kwargs: object) -> None:
    raise NotImplementedError
