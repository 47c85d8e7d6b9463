"""A class made of the notebooks that ship inside nbgrader, and of some that do not."""

from pathlib import Path

import nbformat
import nbgrader
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook

from grader.nbgrader_course import no_sql_warnings

SHIPPED = Path(nbgrader.__file__).parent / "tests"
RELEASED = "released"
"""Stands for what stock makes of the source for students."""

# assignment: (its notebooks, what is handed in for the first of them, by one student each)
CLASS = {
    "simple": (["apps/autotest-simple"], ["apps/autotest-simple-{}changed"]),
    "hashed": (["apps/autotest-hashed"], ["apps/autotest-hashed-{}changed"]),
    "multi": (["apps/autotest-multi"], ["apps/autotest-multi-{}changed"]),
    "hidden": (
        ["apps/autotest-hidden"],
        [
            "apps/autotest-hidden-unchanged",
            "apps/autotest-hidden-changed-wrong",
            "apps/autotest-hidden-changed-right",
        ],
    ),
    "submitted": (
        ["apps/submitted-unchanged"],
        [
            "apps/submitted-{}changed",
            "apps/submitted-grade-cell-changed",
            "apps/submitted-locked-cell-changed",
            "apps/submitted-cheat-attempt",
            "apps/submitted-cheat-attempt-alternative",
        ],
    ),
    "again": (
        ["preprocessors/submitted-unchanged"],
        [
            "preprocessors/submitted-{}changed",
            "preprocessors/submitted-grade-cell-changed",
            "preprocessors/submitted-locked-cell-changed",
            "preprocessors/submitted-answer-cell-type-changed",
            "preprocessors/submitted-grade-cell-type-changed",
        ],
    ),
    "damaged": (
        ["preprocessors/submitted-unchanged"],
        [
            "preprocessors/cell-type-changed",
            "preprocessors/no-cell-type",
            "preprocessors/bad-markdown-cell-1",
            "preprocessors/bad-markdown-cell-2",
            "made/dies",
        ],
    ),
    "test": (
        ["apps/test"],
        [
            RELEASED,
            "apps/test",
            "apps/test-with-output",
            "apps/test-no-metadata",
            "apps/test-no-metadata-autotest",
        ],
    ),
    "versions": (
        ["apps/test"],
        ["apps/test-v0", "apps/test-v0-invalid", "apps/test-v1", "apps/test-v2", "apps/too-new"],
    ),
    "nose": (["preprocessors/test"], [RELEASED, "preprocessors/test"]),
    "tasks": (["preprocessors/test_taskcell"], [RELEASED, "preprocessors/test_taskcell"]),
    "hidden_tests": (["apps/test-hidden-tests"], [RELEASED, "apps/test-hidden-tests"]),
    "by_hand": (["preprocessors/manually-graded-code-cell"],) * 2,
    "file": (["apps/open_relative_file"],) * 2,
    "variable": (["apps/validating-environment-variable"],) * 2,
    "no_points": (["apps/validation-zero-points"],) * 2,
    "effects": (["apps/side-effects"],) * 2,
    "header": (["preprocessors/header"],) * 2,
    "recursion": (["preprocessors/infinite-recursion"],) * 2,
    "output": (["preprocessors/long-output"],) * 2,
    "warning": (["preprocessors/warning-pattern"],) * 2,
    "sleeps": (["apps/timeout"],) * 2,
    "loop": (["apps/infinite-loop"],) * 2,
    "eats": (["apps/infinite-loop-with-output"],) * 2,
    "id1": (
        ["made/id1"],
        [
            "preprocessors/duplicate-grade-ids",
            "preprocessors/blank-grade-id",
            "preprocessors/blank-points",
        ],
    ),
    "two": (["apps/submitted-unchanged", "apps/test"], ["apps/submitted-changed"]),
    "numbers": (["made/numbers"],) * 2,
    "too_large": (["made/too-large"],) * 2,
}
SLOW = ("sleeps", "loop", "eats")

MADE = {  # test cells, of 2 points each
    "stderr": "import sys\nprint('bar', file=sys.stderr)",
    "nan": "float('nan')",
    "negative": "-1.0",
    "half": "print('so far')\n1.0",
    "text": "'one'",
    "truth": "True",
    "array": "import numpy\nnumpy.float64(1.5)",
    "none": "None",
    "displayed": "display(1.5)",
    "group": "raise ExceptionGroup('both', [ValueError(), KeyError()])",
    "magic": "%no_such_magic",
    "exits": "import sys\nsys.exit()",
    "syntax": "1 +",
    "unprintable": "class Odd(Exception):\n    def __str__(self):\n        1 / 0\nraise Odd",
}


def graded_cell(name, source):
    flags = {"grade": True, "solution": False, "locked": True, "schema_version": 3}
    data = {"grade_id": name, "points": 2, **flags}
    return new_code_cell(source, id=name, metadata={"nbgrader": data})


def notebook(file):
    """One that ships inside nbgrader, or that stands here since it has none of the kind."""
    folder, _, name = file.partition("/")
    if folder != "made":
        return (SHIPPED / folder / "files" / f"{name}.ipynb").read_text(encoding="utf-8")
    if name == "id1":
        made = nbformat.reads(notebook("preprocessors/duplicate-grade-ids"), 4)
        made.cells = made.cells[:1]
    elif name == "dies":
        made = nbformat.reads(notebook("apps/submitted-changed"), 4)
        made.cells[4].source = "import os\nos._exit(1)"
    else:
        cells = {"too_large": "3.0"} if name == "too-large" else MADE
        made = new_notebook(cells=[graded_cell(*item) for item in cells.items()])
    return nbformat.writes(made)


def handed_in():
    """(assignment, login, file) of every submission; students hand in as much as they can."""
    for assignment, (_, files) in CLASS.items():
        pairs = [[file.format(change) for change in ("un", "")] for file in files]
        files = dict.fromkeys(name for pair in pairs for name in pair)
        for number, file in enumerate(files):
            yield assignment, "slow" if assignment in SLOW else f"s{number}", file


SUBMISSIONS = list(handed_in())


def books(path, assignment, login):
    """What a gradebook holds of a submission: `1.0`, `?` for what waits, comments, and the sum."""
    with no_sql_warnings(), Gradebook(f"sqlite:///{path}") as gradebook:
        entry, found = gradebook.find_submission(assignment, login), {}
        for one in entry.notebooks:
            found |= {grade.name: points(grade) for grade in one.grades}
            found |= {f"#{comment.name}": str(comment.auto_comment) for comment in one.comments}
        waits = "?" if entry.needs_manual_grade else ""
        late = "".join(f" - {p}" for one in entry.notebooks if (p := one.late_submission_penalty))
        return found | {"sum": f"{entry.score}{late}{waits} of {entry.max_score}"}


def points(grade):
    score = "" if grade.auto_score is None else str(grade.auto_score)
    return score + ("?" if grade.needs_manual_grade else "")
