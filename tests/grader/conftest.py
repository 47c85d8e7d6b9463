"""A course and submissions for the tests that go through nbgrader."""

import shutil
from copy import deepcopy
from types import SimpleNamespace

import nbformat
import pytest

from grader.build import build_course, read_source, sources
from grader.execute import cell_by_id
from grader.grade import Submission, grade_one
from grader.hidden import AGENTS
from grader.rebuild import read_notebook

NAME = "04_reinforce_vs_gae"


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
        return Submission(student, NAME, place)

    def grade(student, notebook, study=True, **files):
        return grade_one(hand_in(student, notebook, study, **files), course)

    return SimpleNamespace(
        folder=folder,
        released=released,
        solved=solved,
        hand_in=hand_in,
        grade=grade,
        regrade=lambda submission: grade_one(submission, course),
        name=NAME,
    )
