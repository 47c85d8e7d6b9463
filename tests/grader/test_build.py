"""`grader build`: the same bytes every time, nothing secret in them, nobody's work overwritten."""

import json
import shutil
from copy import deepcopy

import nbformat
import pytest

from grader import build as build_module
from grader.build import BuildError, build, read_source, released, sources, stale
from grader.cli import main
from grader.nbgrader_books import open_books
from grader.nbgrader_course import CourseError
from grader.rebuild import grade_id, read_notebook
from grader.result import Result, Student
from grader.verify_notebooks import release_problems, run_problems

pytestmark = pytest.mark.slow
NAME = "04_reinforce_vs_gae"
ONE = [path for path in sources() if path.stem == NAME]
SOURCE = read_source(ONE[0])


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """A copy of one of notebooks/ that the build takes for all there are: one is soon built."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for path in build_module.NOTEBOOKS.glob(f"{NAME}.*"):
        shutil.copy(path, folder)
    monkeypatch.setattr(build_module, "sources", lambda: ONE)
    monkeypatch.setattr(build_module, "NOTEBOOKS", folder)
    monkeypatch.setattr("grader.verify_notebooks.NOTEBOOKS", folder)
    return folder


def test_the_committed_notebooks_are_a_fresh_build():
    assert main(["build", "--check"]) == 0


def test_two_builds_give_the_same_bytes(course, tmp_path):
    other = build_module.build_course(tmp_path, say=lambda text: None)
    for one, two in zip(released(course), released(other), strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_ids_of_graded_cells_are_their_grade_ids():
    for path in sources():
        for cell in read_source(path).cells:
            assert grade_id(cell) in ("", cell.id)


def test_source_holds_notebooks_and_published_checks_and_nothing_else(course):
    for folder in (course.root / "source").iterdir():
        assert {path.name for path in folder.iterdir()} == {
            f"{folder.name}.ipynb",
            f"{folder.name}.json",
        }


def change_a_cell(folder):
    path = folder / f"{NAME}.ipynb"
    notebook = read_notebook(path)
    notebook.cells[0].source += "!"
    nbformat.write(notebook, path)


def change_a_number(folder):
    path = folder / f"{NAME}.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["exercises"]["gae"]["cases"][0]["expected"]["advantages"]["data"][0] += 1e-3
    path.write_text(json.dumps(data), encoding="utf-8")


def add_a_notebook(folder):
    shutil.copy(folder / f"{NAME}.ipynb", folder / "99_stray.ipynb")


def remove_the_numbers(folder):
    (folder / f"{NAME}.json").unlink()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (change_a_cell, f"notebooks/{NAME}.ipynb is not a fresh build: its bytes differ"),
        (change_a_number, "/exercises/gae/cases/0/expected/advantages/data/0 should be"),
        (add_a_notebook, "notebooks/99_stray.ipynb comes from no source"),
        (remove_the_numbers, f"notebooks/{NAME}.json is missing"),
    ],
)
def test_what_is_not_a_fresh_build_is_named(notebooks, change, sentence, capsys):
    change(notebooks)
    assert main(["build", "--check"]) == 1
    assert sentence in capsys.readouterr().err


def test_numbers_that_differ_by_rounding_are_fresh(notebooks):
    path = notebooks / f"{NAME}.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["exercises"]["gae"]["cases"][0]["expected"]["advantages"]["data"][0] *= 1 + 1e-6
    path.write_text(json.dumps(data), encoding="utf-8")
    assert stale(say=lambda text: None) == []


def test_answers_in_notebooks_are_not_overwritten_unless_forced(notebooks, tmp_path):
    path = notebooks / f"{NAME}.ipynb"
    notebook = read_notebook(path)
    answered = next(cell for cell in notebook.cells if grade_id(cell) == "gae")
    answered.source = "hours of work"
    nbformat.write(notebook, path)
    with pytest.raises(BuildError, match=r"has answers in it \(gae\)"):
        build(tmp_path / "course", say=lambda text: None)
    assert "hours of work" in path.read_text(encoding="utf-8")
    build(tmp_path / "course", force=True, say=lambda text: None)
    assert "hours of work" not in path.read_text(encoding="utf-8")


def test_a_rebuild_keeps_the_grades(classroom, course):
    classroom.grade("keeps", classroom.solved())
    before = classroom.scores("keeps")
    build_module.build_course(course.root, say=lambda text: None)
    assert classroom.scores("keeps") == before


def test_verify_says_what_to_build_and_does_not_break_off(notebooks):
    remove_the_numbers(notebooks)
    assert list(run_problems(NAME, SOURCE)) == [
        f"notebooks/{NAME}.json is missing; run `grader build`"
    ]


def test_an_answer_that_slipped_into_a_release_is_found(notebooks):
    assert list(release_problems(NAME, SOURCE)) == []
    nbformat.write(SOURCE, notebooks / f"{NAME}.ipynb")
    problems = " ".join(release_problems(NAME, SOURCE))
    for what in ("'probe('", "'BEGIN '", "'Mark scheme'", "a line of the solution: goes_on ="):
        assert what in problems


def test_a_course_with_submissions_says_why_its_cells_cannot_change(tmp_path, monkeypatch):
    monkeypatch.setattr(build_module, "sources", lambda: ONE)
    course = build_module.build_course(tmp_path, say=lambda text: None)
    with open_books(course) as books:
        books.record(Result(Student("ada"), NAME), again=False)
    fewer = deepcopy(SOURCE)
    fewer.cells = [cell for cell in fewer.cells if grade_id(cell) != "test_gae"]
    monkeypatch.setattr(build_module, "read_source", lambda path: fewer)
    with pytest.raises(CourseError, match="which nbgrader does not bring together; move"):
        build_module.build_course(tmp_path, say=lambda text: None)
