"""Any nbgrader course: the notebooks that ship inside nbgrader, graded by it and by us."""

import multiprocessing
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader_class import CLASS, RELEASED, SHIPPED, SUBMISSIONS, books, notebook
from traitlets.config import Config

from grader.bubblewrap import Limits
from grader.course import Course
from grader.grade import grade_class

pytestmark = pytest.mark.slow

SQUARES = (
    "correct_squares",
    "squares_invalid_input",
    "correct_sum_of_squares",
    "sum_of_squares_uses_squares",
)
BY_HAND = ("sum_of_squares_equation", "sum_of_squares_application")
TYPES = (
    "nbgrader refuses a notebook with a cell of another type; here it gets its type back",
    "repaired",
    {"foo": "? → 1.0", "bar": "? → 0.0", "sum": "0.0? of 7.0 → 1.0 of 7.0"}
    | dict.fromkeys(("baz", "quux"), "? → 0.0")
    | dict.fromkeys(("#set_a", "#baz", "#quux"), "None → No response."),
)
PUT_BACK = (
    "nbgrader leaves missing test cells to people; here they are put back and run",
    "repaired",
    {"foo": "? → 1.0", "bar": "? → 0.0", "sum": "0.0? of 7.0 → 1.0? of 7.0"},
)
FOREIGN = "nbgrader leaves all of another notebook to people; here it is zero, with a code, for now"
VERSION = (
    "nbgrader refuses metadata of other versions; here the master's are taken",
    "unverified",
    dict(zip(SQUARES, ("? → 1.0", "? → 1.0", "? → 0.5", "? → 0.5"), strict=True))
    | {"sum": "0.0? of 6.0 → 3.0? of 6.0"},
)
NOT_SQUARES = (FOREIGN, "foreign-notebook", dict.fromkeys(SQUARES + BY_HAND, "? → 0.0?"))
ID1 = {"id1": "? → 1.0", "sum": "0.0? of 1.0 → 1.0 of 1.0"}

# What is different on purpose: why, the code that the report has, and what nbgrader's gradebook
# holds → what ours holds; `?` waits for a person.
DIFFERENT = {
    "preprocessors/submitted-answer-cell-type-changed": TYPES,
    "preprocessors/submitted-grade-cell-type-changed": TYPES,
    "preprocessors/cell-type-changed": PUT_BACK,
    "preprocessors/no-cell-type": PUT_BACK,
    "preprocessors/bad-markdown-cell-1": PUT_BACK,
    "preprocessors/bad-markdown-cell-2": (
        FOREIGN,
        "foreign-notebook",
        dict.fromkeys(("foo", "bar", "baz", "quux"), "? → 0.0?"),
    ),
    "apps/test-no-metadata": NOT_SQUARES,
    "apps/test-no-metadata-autotest": NOT_SQUARES,
    "apps/too-new": NOT_SQUARES,
    "apps/test-v0": VERSION,
    "apps/test-v0-invalid": VERSION,
    "apps/test-v1": VERSION,
    "apps/test-v2": VERSION,
    "preprocessors/duplicate-grade-ids": (
        "nbgrader takes the last of two cells and refuses it; here test cells are the master's",
        "repaired",
        ID1,
    ),
    "preprocessors/blank-points": ("the same, for a test cell without points", "repaired", ID1),
    "preprocessors/blank-grade-id": (FOREIGN, "foreign-notebook", {"id1": "? → 0.0?"}),
    "made/dies": (
        "nbgrader gives up when a kernel dies; here what ran before it counts",
        "kernel-died",
        dict.fromkeys(("foo", "bar"), "? → 1.0") | {"sum": "0.0? of 7.0 → 2.0? of 7.0"},
    ),
    "made/numbers": (
        "stderr costs nothing here, and what is no number of points or below zero is worth nothing",
        "unverified",
        {"stderr": "0.0 → 2.0"}
        | dict.fromkeys(("nan", "negative"), "2.0 → 0.0")
        | {"sum": "15.0 of 28.0 → 13.0 of 28.0"},
    ),
    "made/too-large": (
        "nbgrader gives up when a cell gives more than its points; here it gets its points",
        "unverified",
        {"too_large": "? → 2.0", "sum": "0.0? of 2.0 → 2.0 of 2.0"},
    ),
}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def stock(root):
    """nbgrader's API, as it comes but for a shorter time limit; in a process of its own."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    os.chdir(root)
    config = Config()
    config.CourseDirectory.root, config.Execute.timeout = str(root), 3
    return NbGraderAPI(CourseDirectory(config=config), config=config)


def generate(root):
    """Write the course, have nbgrader make its release, and lay out what is handed in."""
    for name in ("autotests.yml", "data.txt"):
        shutil.copy(SHIPPED / "apps" / "files" / name, root / name)
    for assignment, (files, _) in CLASS.items():
        for number, file in enumerate(files, 1):
            write(root / "source" / assignment / f"p{number}.ipynb", notebook(file))
    shutil.copy(root / "data.txt", root / "source" / "file")
    api = stock(root)
    failed = [name for name in CLASS if not api.generate_assignment(name)["success"]]
    for assignment, login, file in SUBMISSIONS:
        released = root / "release" / assignment / "p1.ipynb"
        text = released.read_text(encoding="utf-8") if file == RELEASED else notebook(file)
        write(root / "submitted" / login / assignment / "p1.ipynb", text)
    return failed


def autograde(root, pairs):
    """The submissions that stock nbgrader refuses to grade."""
    api = stock(root)
    return {pair for pair in pairs if not api.autograde(*pair)["success"]}


QUICK = Limits(cell_seconds=1.0, wall_factor=4.0)


@pytest.fixture(scope="module")
def both(tmp_path_factory, options):
    """The class graded by nbgrader, which has two copies of the course, and by us."""
    top = tmp_path_factory.mktemp("as_nbgrader")
    (top / "ours").mkdir()
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(generate, top / "ours").result() == []
        pairs = [(assignment, login) for assignment, login, _ in SUBMISSIONS]
        where, jobs = {}, []
        for half in (0, 1):
            shutil.copytree(top / "ours", top / f"stock{half}")
            where |= dict.fromkeys(pairs[half::2], Course(top / f"stock{half}"))
            jobs.append(pool.submit(autograde, top / f"stock{half}", pairs[half::2]))
        course = Course(top / "ours")
        quick = replace(options, limits=QUICK)
        done = list(grade_class(course.root / "submitted", course, quick))
        failed = set.union(*(job.result() for job in jobs))
    results = {(one.result.assignment, one.result.student.login): one.result for one in done}
    return SimpleNamespace(course=course, stock=where, failed=failed, results=results)


@pytest.mark.parametrize(("assignment", "login", "file"), SUBMISSIONS)
def test_marks_are_nbgraders_but_for_what_is_written_down(both, assignment, login, file):
    theirs = books(both.stock[assignment, login].gradebook, assignment, login)
    ours = books(both.course.gradebook, assignment, login)
    assert theirs.keys() == ours.keys()
    found = {key: f"{theirs[key]} → {ours[key]}" for key in theirs if theirs[key] != ours[key]}
    reason, code, changes = DIFFERENT.get(file, ("", "", {}))
    assert found == changes, reason
    assert code in ("", *both.results[assignment, login].reasons)


def test_every_notebook_that_ships_inside_nbgrader_is_graded():
    shipped = {f"{path.parts[-3]}/{path.stem}" for path in SHIPPED.glob("*p*/files/*.ipynb")}
    used = {file for files, _ in CLASS.values() for file in files}
    used |= {file for _, _, file in SUBMISSIONS}
    assert {file for file in used if not file.startswith("made/")} - {RELEASED} == shipped
    assert DIFFERENT.keys() <= used


def test_an_untouched_notebook_needs_no_repair(both):
    untouched = [place for *place, file in SUBMISSIONS if file == RELEASED]
    assert len(untouched) > 3
    assert [both.results[tuple(place)].repairs for place in untouched] == [()] * len(untouched)


def test_points_read_off_outputs_are_reported_as_unverified(both):
    result = both.results["submitted", "s1"]
    verified = {mark.cell: mark.verified for mark in result.marks}
    assert verified == {"foo": False, "bar": False, "baz": True, "quux": True}
    assert "unverified" in result.reasons


def test_one_of_two_notebooks_may_be_missing(both):
    result = both.results["two", "s0"]
    codes = {mark.notebook: mark.code for mark in result.marks}
    assert codes == {"p1": "", "p2": "missing-notebook"}
    assert result.points == 2.0
    assert not any(mark.by_hand for mark in result.marks if mark.notebook == "p2")


def test_a_task_waits_for_a_person_and_counts_in_what_is_to_be_marked(both):
    result = both.results["tasks", "s0"]
    (mark,) = [mark for mark in result.marks if mark.cell == "task1"]
    assert (mark.most, mark.auto, mark.by_hand) == (2.0, None, True)
    assert (result.most, result.to_mark) == (8.0, 2.0)
