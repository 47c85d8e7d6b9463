"""What a notebook calls: `check` and `hint` work from published data, `show` prints a verdict."""

import sys
from bdb import BdbQuit
from typing import Any

from grader.exercise import Performance, Unplayable
from grader.exercises import find_exercise
from grader.judge import judge, measure
from grader.published import SEED, load_published
from grader.verdict import Verdict
from grader.words import MIME, as_html, as_text


def check(name: str, answer: Any) -> None:
    """Print how an answer does on the published cases, and what is wrong with it.

    Args:
        name: the exercise, such as "gae".
        answer: what was written for it: the function or class itself.
    """
    try:
        exercise = find_exercise(name)
        published = load_published(exercise)
    except (LookupError, OSError, ValueError) as error:
        print(f"check: {_text(error)}")
        return
    try:
        if isinstance(exercise, Performance):
            show(measure(exercise.published, answer, SEED))
        else:
            show(judge(exercise, answer, published.check))
    except BdbQuit:
        print(f"check: you left the debugger, so {name} was not checked.")
    except Unplayable as error:
        print(f"check: {name} was not checked. {error}")


def hint(name: str, level: int = 1) -> None:
    """Print a hint: 1 nudges, 2 says more, 3 nearly all of it. None of them is code.

    Args:
        name: the exercise, such as "gae".
        level: 1, 2 or 3.
    """
    try:
        hints = load_published(find_exercise(name)).hints
    except (LookupError, OSError, ValueError) as error:
        print(f"hint: {_text(error)}")
        return
    if level not in range(1, len(hints) + 1):
        print(f"hint: {name} has hints 1 to {len(hints)}; there is no hint {level!r}.")
        return
    print(f"Hint {level} of {len(hints)} for {name}: {hints[level - 1]}")


def show(verdict: Verdict, label: str = "") -> None:
    """Display a verdict: a table in a notebook, text elsewhere, data for whoever reads outputs."""
    shell = sys.modules.get("IPython")
    if shell is None or shell.get_ipython() is None:
        print(as_text(verdict, label))
        return
    from IPython.display import display

    bundle = {
        "text/plain": as_text(verdict, label),
        "text/html": as_html(verdict, label),
        MIME: verdict.to_json(),
    }
    display(bundle, raw=True)


def _text(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
