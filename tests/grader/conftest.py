"""A course and submissions for the tests that go through nbgrader."""

import shutil
from copy import deepcopy
from types import SimpleNamespace

import nbformat
import pytest
from nbgrader.api import Gradebook
from quick import CONTAINED, QUICK, Here

from grader.build import build_course, read_source, sources
from grader.execute import cell_by_id
from grader.grade import Options, grade_class
from grader.hidden import AGENTS
from grader.rebuild import read_notebook

NAME = "04_reinforce_vs_gae"


OPTIONS = Options(limits=QUICK, contained=CONTAINED, executor=Here())


@pytest.fixture(scope="session")
def options():
    return OPTIONS


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    return build_course(tmp_path_factory.mktemp("course"), say=lambda text: None)


@pytest.fixture(scope="session")
def classroom(course, tmp_path_factory):
    """`hand_in(student, notebook)` writes a submission, `grade(student, notebook)` grades it.

    The solution's study is handed in beside it, unless `study=False`.
    """
    folder = tmp_path_factory.mktemp("class")
    released = read_notebook(course.root / "release" / NAME / f"{NAME}.ipynb")
    source = read_source(next(path for path in sources() if path.stem == NAME))

    def solved():
        notebook = deepcopy(released)
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = cell_by_id(source, cell.metadata.nbgrader.grade_id).source
        return notebook

    def hand_in(student, notebook, study=True, **files):
        place = folder / student / NAME
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        if study:
            shutil.copytree(AGENTS / NAME, place, dirs_exist_ok=True)
        text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
        (place / f"{NAME}.ipynb").write_text(text, encoding="utf-8")
        for name, content in files.items():
            (place / name.replace("_dot_", ".")).write_text(content, encoding="utf-8")
        return place

    def grade(student, notebook, study=True, **files):
        return regrade(hand_in(f"{student}/{student}", notebook, study, **files))

    def regrade(place):
        (done,) = grade_class(place.parents[1], course, OPTIONS)
        return done.result

    return SimpleNamespace(
        folder=folder,
        released=released,
        solved=solved,
        hand_in=hand_in,
        grade=grade,
        regrade=regrade,
        scores=lambda student: scores(course, student),
        name=NAME,
    )


def scores(course, student):
    """What the gradebook holds: (automatic score, waits for a person) by cell."""
    with Gradebook(f"sqlite:///{course.gradebook}", "rlcore") as gradebook:
        (notebook,) = gradebook.find_submission(NAME, student).notebooks
        return {one.name: (one.auto_score, one.needs_manual_grade) for one in notebook.grades}
