"""A notebook that a person marks alone: built, handed in, graded, and read in every report."""

import shutil
from copy import deepcopy
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from results import Page, mark, result, written

from grader import build as build_module
from grader.build import build_course, read_source, sources
from grader.check_notebook import A_PERSON, check_notebook, describe, overview
from grader.cli import main
from grader.execute import cell_by_id
from grader.grade import grade_class
from grader.pages import class_html, feedback_html
from grader.rebuild import read_notebook
from grader.report import scores, successes
from grader.reporting import Progress, last_results, table_row, write_reports_of

NAME = "07_your_own_experiment"
SOURCE = read_source(next(path for path in sources() if path.stem == NAME))
NOTEBOOK = build_module.NOTEBOOKS / f"{NAME}.ipynb"
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)


def written_out(notebook):
    """Answered, with the figure of the student's own run."""
    notebook = deepcopy(notebook)
    for name in ("project", "my_experiment"):
        cell_by_id(notebook, name).source = cell_by_id(SOURCE, name).source
    figure = new_output("display_data", data={"image/png": PICTURE})
    cell_by_id(notebook, "my_experiment").outputs = [figure]
    return notebook


@pytest.fixture(scope="module")
def graded(tmp_path_factory, options):
    """A course of this notebook alone; ada has written her project, ben has handed in the stub."""
    folder = tmp_path_factory.mktemp("by_hand")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            build_module, "sources", lambda: [path for path in sources() if path.stem == NAME]
        )
        course = build_course(folder / "course", say=lambda text: None)
    released = read_notebook(course.root / "release" / NAME / f"{NAME}.ipynb")
    for login, notebook in (("ada", written_out(released)), ("ben", released)):
        place = folder / "submitted" / login / NAME
        place.mkdir(parents=True)
        nbformat.write(notebook, place / f"{NAME}.ipynb")
    done = {
        one.result.student.login: one.result
        for one in grade_class(place.parents[1], course, options)
    }
    return SimpleNamespace(course=course, folder=folder, **done)


@pytest.mark.slow
def test_a_written_project_waits_for_a_person_and_an_untouched_one_gets_nothing(graded):
    (own,), (stub,) = graded.ada.marks, graded.ben.marks
    assert (own.cell, own.most, own.auto, own.by_hand) == ("project", 15.0, None, True)
    assert (stub.auto, stub.by_hand, stub.text) == (0.0, False, "project: not answered")
    assert graded.ada.reasons == graded.ada.repairs == ()
    assert "15 to mark by hand" in " ".join(table_row(graded.ada))


@pytest.mark.slow
def test_the_gradebook_asks_for_a_person_and_takes_the_mark(graded):
    with Gradebook(f"sqlite:///{graded.course.gradebook}", "rlcore") as books:
        (grade,) = books.find_submission(NAME, "ada").notebooks[0].grades
        assert (grade.name, grade.max_score, grade.needs_manual_grade) == ("project", 15.0, True)
        (stub,) = books.find_submission(NAME, "ben").notebooks[0].grades
        assert (stub.auto_score, stub.needs_manual_grade) == (0.0, False)


@pytest.mark.slow
def test_who_marks_sees_the_figure_the_rubric_and_the_scheme_above_the_answer(graded):
    path = graded.course.root / "autograded" / "ada" / NAME / f"{NAME}.ipynb"
    notebook = read_notebook(path)
    ids = [cell.id for cell in notebook.cells]
    assert ids.index("project_question") < ids.index("my_experiment") < ids.index("project")
    (figure,) = cell_by_id(notebook, "my_experiment").outputs
    assert figure.data["image/png"] == PICTURE
    question = cell_by_id(notebook, "project_question").source
    assert "| **Method** |" in question and "**Mark scheme, 15 points**" in question


@pytest.mark.slow
def test_feedback_and_reports_say_that_it_waits(graded):
    (page,) = graded.course.root.glob(f"feedback/ada/{NAME}/*.html")
    words = Page(page.read_text(encoding="utf-8")).words
    assert "15 points wait for a person" in words and "0 of 0" not in words
    write_reports_of(graded.course, last_results(graded.course))
    whole = (graded.course.root / "reports" / "class.html").read_text(encoding="utf-8")
    assert "None yet: all that was graded waits for a person." in Page(whole).words


@pytest.mark.slow
def test_grading_again_keeps_the_mark_that_a_person_gave(graded, options):
    with Gradebook(f"sqlite:///{graded.course.gradebook}", "rlcore") as books:
        (grade,) = books.find_submission(NAME, "ada").notebooks[0].grades
        grade.manual_score, grade.needs_manual_grade = 12.5, False
        books.db.commit()
    list(grade_class(graded.folder / "submitted", graded.course, options))
    with Gradebook(f"sqlite:///{graded.course.gradebook}", "rlcore") as books:
        assert books.find_submission(NAME, "ada").score == 12.5


def test_grader_check_says_that_a_person_marks_it_and_is_clean(tmp_path, capsys):
    shutil.copy(NOTEBOOK, tmp_path)
    assert main(["check", str(tmp_path / NOTEBOOK.name)]) == 0
    assert f"nothing here for a machine to check: {A_PERSON}" in capsys.readouterr().out


def test_the_overview_of_a_course_has_a_row_for_it_too():
    assert describe(check_notebook(NOTEBOOK)).endswith(A_PERSON)
    first, whole, _ = overview({NAME: []}).splitlines()
    assert first == f"{NAME:<30} {'·' * 20} {A_PERSON}"
    assert whole.endswith(A_PERSON)


def project(login, **others):
    return result(login, written("project", most=15.0), assignment="07", **others)


def test_where_a_machine_marks_nothing_there_are_no_scores_by_machine():
    untouched = result("ben", mark("project", most=15.0, auto=0.0), assignment="07")
    assert scores([project("ada"), untouched], {}) == []
    assert successes([project("ada"), untouched]) == []


def test_what_waits_as_a_whole_is_not_shown_as_a_low_score():
    page = Page(class_html([project("ada")], {}))
    assert [a["class"] for tag, a in page.tags if tag == "td" and a.get("class", "")[:2] == "n "][
        -1
    ] == "n quiet"
    assert "None that a machine marks." in page.words


def test_feedback_without_a_gradebook_counts_no_points_of_a_machine():
    words = Page(feedback_html(project("ada"), "07", {"project": "I wonder"})).words
    assert "points by machine" not in words and "15 points wait for a person" in words
    assert "None yet: all that was graded" in Page(class_html([project("ada")], {})).words


@pytest.mark.parametrize(
    ("one", "good"),
    [
        (project("ada"), True),
        (result("ben", mark("project", most=15.0, auto=0.0)), False),
        (result("cem", written("project", 15.0, auto=0.0, code="not-json")), False),
        (result("dan"), False),
    ],
)
def test_a_person_s_points_do_not_count_for_fail_under(one, good):
    progress = Progress()
    progress.results.append(one)
    assert progress.good(50.0) is good
