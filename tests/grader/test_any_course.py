"""A course of somebody else's, with a configuration of its own, graded from the command line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook
from nbgrader_class import books, graded_cell, notebook

from grader.cli import main
from grader.course import Course
from grader.grade import UsageError, grade_class
from grader.grading import in_python
from grader.nbgrader_books import read_timestamp
from grader.nbgrader_course import no_sql_warnings
from grader.rebuild import SubmissionError

pytestmark = pytest.mark.slow

CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "elsewhere"
c.CourseDirectory.db_url = "sqlite:///books/marks.db"
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE"}
c.AssignLatePenalties.plugin_class = "late_plugin_of_theirs.PerHour"
c.Autograde.exclude_overwriting = {"ps1": ["theirs/helper.py"]}
"""
PLUGIN = """
from nbgrader.plugins import BasePlugin


class PerHour(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.25 * total_seconds_late // 900
"""
CELLS = {
    "may_change_the_helper": "from theirs.helper import whose\nassert whose == 'student'",
    "may_not_change_the_data": "assert open('data.txt').read() == 'course'",
}
STUDENTS = {
    "early": "2030-01-31 12:00:00",
    "hour": "2030-02-01 13:00:00",
    "days": "2030-02-04 12:00:00",
    "timeless": "",
}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def nbgrader(root, *command):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    run = subprocess.run(
        ["nbgrader", *command],
        cwd=root,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr


def make_course(root):
    """Two notebooks, one of them with stubs that leave half an answer, files, and a due date."""
    cells = [graded_cell(*item) for item in CELLS.items()]
    write(root / "source" / "ps1" / "p1.ipynb", notebook("apps/test-hidden-tests"))
    write(root / "source" / "ps1" / "p2.ipynb", nbformat.writes(new_notebook(cells=cells)))
    write(root / "source" / "ps1" / "theirs" / "helper.py", "whose = 'course'")
    write(root / "source" / "ps1" / "data.txt", "course")
    write(root / "nbgrader_config.py", CONFIG)
    write(root / "late_plugin_of_theirs.py", PLUGIN)
    (root / "books").mkdir()
    nbgrader(root, "generate_assignment", "ps1")
    with no_sql_warnings(), Gradebook(f"sqlite:///{root}/books/marks.db", "elsewhere") as gradebook:
        gradebook.update_or_create_assignment("ps1", duedate="2030-02-01 12:00:00 UTC")


def hand_in(root, student, timestamp):
    place = root / "submitted" / student / "ps1"
    shutil.copytree(root / "release" / "ps1", place)
    write(place / "theirs" / "helper.py", "whose = 'student'")
    write(place / "data.txt", "student")
    if timestamp:
        write(place / "timestamp.txt", timestamp)


def grade(root, options):
    sandbox = [] if options.contained else ["--no-sandbox"]
    source = str(root / "submitted")
    return main(["grade", source, "--course", str(root), "--jobs", "1", *sandbox])


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory, options):
    """Such a course graded by nbgrader's command, and a copy of it graded by ours."""
    top = tmp_path_factory.mktemp("elsewhere")
    theirs, ours = top / "theirs", top / "ours"
    make_course(theirs)
    for student, day in STUDENTS.items():
        hand_in(theirs, student, f"{day} UTC" if day else "")
    shutil.copytree(theirs, ours)
    nbgrader(theirs, "autograde", "ps1")
    assert grade(ours, options) == 0
    return SimpleNamespace(
        root=ours,
        stock=lambda student: books(theirs / "books" / "marks.db", "ps1", student),
        ours=lambda student: books(ours / "books" / "marks.db", "ps1", student),
    )


@pytest.mark.parametrize("student", STUDENTS)
def test_a_course_with_its_own_configuration_gets_the_same_marks(elsewhere, student):
    assert elsewhere.ours(student) == elsewhere.stock(student)


def test_late_penalties_come_from_the_plug_in_beside_the_configuration(elsewhere):
    sums = [elsewhere.ours(student)["sum"] for student in STUDENTS]
    assert sums == ["5.5 of 7.0", "5.5 - 1.0 - 1.0 of 7.0", "5.5 - 1.5 - 4.0 of 7.0", "5.5 of 7.0"]


def test_files_that_students_may_change_stay_theirs_and_no_others(elsewhere):
    marks = elsewhere.ours("early")
    assert [marks[name] for name in CELLS] == ["2.0", "2.0"]


def test_marks_stand_in_the_database_that_the_configuration_names(elsewhere):
    assert not (elsewhere.root / "gradebook.db").exists()
    assert str(elsewhere.root) not in sys.path


def test_a_time_that_cannot_be_read_stops_nobody_and_is_said(elsewhere, options, capsys):
    hand_in(elsewhere.root, "when", "the day before yesterday")
    assert grade(elsewhere.root, options) == 0
    assert "bad-timestamp" in capsys.readouterr().out
    assert elsewhere.ours("when")["sum"] == "5.5 of 7.0"


@pytest.mark.parametrize(
    "text", ["soon", "9" * 300, "99999999999999999999", "0001-01-01 00:00:00 Asia/Tokyo", "\x00"]
)
def test_a_timestamp_is_a_time_or_a_value_error(tmp_path, text):
    write(tmp_path / "timestamp.txt", text)
    with pytest.raises(ValueError):
        read_timestamp(tmp_path)


def test_a_timestamp_is_not_looked_for_behind_a_link_or_in_a_pipe(tmp_path):
    for name, make in (("a", lambda path: path.symlink_to("x")), ("b", os.mkfifo)):
        (tmp_path / name).mkdir()
        make(tmp_path / name / "timestamp.txt")
        with pytest.raises(ValueError, match="no file"):
            read_timestamp(tmp_path / name)


def test_an_assignment_that_was_never_generated_is_wrong_usage(tmp_path, options):
    write(tmp_path / "nbgrader_config.py", "c = get_config()")
    for place in ("source/ps1", "submitted/ann/ps1"):
        write(tmp_path / place / "p1.ipynb", notebook("apps/submitted-changed"))
    with pytest.raises(UsageError, match="run `nbgrader generate_assignment ps1`"):
        list(grade_class(tmp_path / "submitted", Course(tmp_path), options))


def test_a_changed_configuration_has_everything_graded_again(tmp_path):
    write(tmp_path / "source" / "ps1" / "p1.ipynb", notebook("apps/submitted-changed"))
    digests = {Course(tmp_path).digest("ps1")}
    for text in ("c = get_config()", CONFIG):
        write(tmp_path / "nbgrader_config.py", text)
        digests.add(Course(tmp_path).digest("ps1"))
    assert len(digests) == 3


def test_a_course_in_another_language_is_left_to_people():
    kernel = {"name": "ir", "display_name": "R", "language": "R"}
    master = new_notebook(metadata={"kernelspec": kernel})
    with pytest.raises(SubmissionError, match="is in R, not in Python") as error:
        in_python(master, "p1")
    assert error.value.code == "other-language"
