"""Grading again: what counts as changed, what is written again, and what a person has marked."""

import csv
import json
import shutil
import sqlite3
from contextlib import closing, contextmanager
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook
from quick import CONTAINED, QUICK, Here
from results import Page
from sqlalchemy.exc import OperationalError

from grader import nbgrader_books
from grader.cli import main
from grader.grade import Grading, Options, grade_class
from grader.journal import digest, files_below
from grader.nbgrader_course import NbgraderCourse, no_sql_warnings
from grader.report import codes
from grader.reporting import Progress, write_all

CONFIG = """
c = get_config()
c.AssignLatePenalties.plugin_class = "penny_plugin.APoint"
"""
PLUGIN = """
from nbgrader.plugins import BasePlugin


class APoint(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 1.0
"""
TEST = {"points": 2, "grade": True, "solution": False, "locked": True, "schema_version": 3}
ANSWER = {"grade": False, "solution": True, "locked": False, "schema_version": 3}
WRITTEN = {"points": 3, "grade": True, "solution": True, "locked": False, "schema_version": 3}


def cell(make, name, source, metadata):
    return make(source, id=name, metadata={"nbgrader": {"grade_id": name, **metadata}})


def notebook(value, text):
    return new_notebook(
        cells=[
            cell(new_code_cell, "answer", f"answer = {value}", ANSWER),
            cell(new_code_cell, "test_answer", "assert answer == 1", TEST),
            cell(new_markdown_cell, "essay", text, WRITTEN),
        ]
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course of one notebook, whose late penalties cost a point."""
    course = NbgraderCourse(tmp_path_factory.mktemp("tiny") / "course")
    (course.root / "source" / "ps1").mkdir(parents=True)
    nbformat.write(notebook(0, "Write."), course.root / "source" / "ps1" / "p1.ipynb")
    course.config.write_text(CONFIG)
    (course.root / "penny_plugin.py").write_text(PLUGIN)
    course.generate("ps1")
    return course


@pytest.fixture
def tiny(built, tmp_path):
    """A copy of it; `hand_in(value, …)` is ada's, `grade()` takes what all have handed in."""
    course = NbgraderCourse(tmp_path / "course")
    shutil.copytree(built.root, course.root)
    top = tmp_path / "class"

    def hand_in(value, text="I think.", late=False, **files):
        place = top / "ada" / "ps1"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        nbformat.write(notebook(value, text), place / "p1.ipynb")
        (place / "timestamp.txt").write_text(f"20{31 if late else 29}-01-01 00:00:00 UTC")
        for name, content in files.items():
            (place / name).write_text(content)

    def grade(source=top, **options):
        options = Options(limits=QUICK, contained=CONTAINED, executor=Here(), **options)
        progress = Progress()
        for done in grade_class(source, course, options):
            progress.show(done)
        write_all(course, progress)
        return progress.results

    return SimpleNamespace(course=course, top=top, hand_in=hand_in, grade=grade)


@contextmanager
def gradebook(course):
    with no_sql_warnings(), Gradebook(f"sqlite:///{course.gradebook}") as books:
        yield books
        books.db.commit()


def set_due_date(course, year):
    with gradebook(course) as books:
        books.update_or_create_assignment("ps1", duedate=f"{year}-01-01 00:00:00 UTC")


def row(course):
    """Ada's in grades.csv."""
    with (course.root / "reports" / "grades.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    return row


def page(course):
    """What ada reads."""
    path = course.root / "feedback" / "ada" / "ps1" / "ps1.html"
    return Page(path.read_text(encoding="utf-8")).words


def test_an_older_attempt_is_a_note_and_no_reason_code(tiny):
    tiny.hand_in(1)
    shutil.copy(tiny.top / "ada" / "ps1" / "p1.ipynb", tiny.top / "ada" / "ps1" / "p1 (1).ipynb")
    (result,) = tiny.grade()
    assert (result.repairs, codes(result)) == ((), ["unverified"])
    assert "another attempt" in result.notes[0] and "another attempt" in page(tiny.course)


def test_late_penalties_reach_the_reports(tiny):
    set_due_date(tiny.course, 2030)
    tiny.hand_in(1, late=True)
    tiny.grade()
    found = row(tiny.course)
    assert [found[name] for name in ("score", "penalty", "late")] == ["1", "1", "True"]
    canvas = (tiny.course.root / "reports" / "canvas.csv").read_text(encoding="utf-8")
    assert canvas.splitlines()[-1].endswith('"1"')


def test_a_folder_that_was_renamed_is_a_change(tmp_path):
    folder, digests = tmp_path / "logs" / "3A", set()
    folder.mkdir(parents=True)
    (folder / "history.csv").write_text("1")
    digests.add(digest(files_below(tmp_path), below=tmp_path))
    folder.rename(folder.with_name("3a"))
    digests.add(digest(files_below(tmp_path), below=tmp_path))
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["class.tar.gz"], "class.tar.gz is packed in a way that is not read here; unpack it"),
        (["all.RAR", "README.md"], "all.RAR is packed"),
        (["a.png", "b.png"], "holds no submissions, but a.png, b.png; expected <student>/ps1"),
        ([], "holds no submissions; expected"),
    ],
)
def test_where_nothing_can_be_graded_it_is_wrong_usage(tiny, capsys, names, words):
    tiny.top.mkdir()
    for name in names:
        (tiny.top / name).write_bytes(b"x")
    source = tiny.top / names[0] if len(names) == 1 else tiny.top
    assert main(["grade", str(source), "--course", str(tiny.course.root)]) == 2
    assert words in capsys.readouterr().err


@pytest.fixture
def marked(tiny):
    """Ada's essay is marked by a person, and the reports are written again."""
    tiny.hand_in(1)
    tiny.grade()
    with gradebook(tiny.course) as books:
        (book,) = books.find_submission("ps1", "ada").notebooks
        (essay,) = [one for one in book.grades if one.name == "essay"]
        essay.manual_score, essay.needs_manual_grade = 2.5, False
        (comment,) = [one for one in book.comments if one.name == "essay"]
        comment.manual_comment = "Well put."
    assert main(["report", "--course", str(tiny.course.root)]) == 0
    return tiny.course


def test_marks_by_hand_reach_every_report(marked):
    found = row(marked)
    assert [found[name] for name in ("score", "to_mark", "by_machine")] == ["4.5", "0", "2"]
    reports = marked.root / "reports"
    scope = json.loads((reports / "gradescope" / "ada.json").read_text(encoding="utf-8"))
    assert (scope["score"], [one["score"] for one in scope["tests"]]) == (4.5, [2.0, 2.5])
    whole = Page((reports / "class.html").read_text(encoding="utf-8")).words
    assert "0 points for a person to mark" in whole and "4.5 / 5" in whole
    assert "wait" not in whole + (reports / "junit.xml").read_text() + str(scope)


def test_marks_and_comments_by_hand_reach_the_feedback_page(marked):
    words = page(marked)
    assert "4.5 of 5 points" in words and "wait" not in words
    assert "essay : 2.5 of 3 points, marked by a person Your answer I think." in words
    assert "essay : Well put." in words


def test_an_earlier_submission_that_comes_again_is_written_again(tiny):
    for value in (1, 2, 1):
        tiny.hand_in(value)
        tiny.grade()
    assert row(tiny.course)["score"] == "2"
    assert "2 of 5 points so far" in page(tiny.course)
    graded = tiny.course.root / "autograded" / "ada" / "ps1" / "p1.ipynb"
    assert "answer = 1" in graded.read_text(encoding="utf-8")


def test_a_refusal_after_a_good_attempt_leaves_nothing_of_it(tiny):
    tiny.hand_in(1)
    tiny.grade()
    (tiny.top / "ada" / "ps1" / "p1.ipynb").rename(tiny.top / "ada" / "ps1" / "p1.txt")
    tiny.grade()
    assert row(tiny.course)["score"] == "0"
    assert "The notebook of this assignment was not handed in." in page(tiny.course)
    assert "Your answer" not in page(tiny.course)
    for step in ("submitted", "autograded"):
        assert not (tiny.course.root / step / "ada" / "ps1").exists()


def test_a_damaged_file_after_a_good_attempt_leaves_nothing_of_it(tiny):
    for _ in range(2):
        tiny.hand_in(1)
        tiny.grade()
        (tiny.top / "ada" / "ps1" / "p1.ipynb").write_text("{")
        tiny.grade()
        assert row(tiny.course)["score"] == "0" and "not JSON" in page(tiny.course)
        assert not list((tiny.course.root / "autograded").rglob("*.ipynb"))


def test_grading_in_place_takes_nothing_away(tiny):
    path = tiny.course.root / "submitted" / "ada" / "ps1" / "homework.txt"
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    tiny.grade(tiny.course.root / "submitted")
    assert path.read_text() == "mine" and "was not handed in" in page(tiny.course)


def test_deleted_pages_and_reports_come_back_without_grading(tiny):
    tiny.hand_in(1)
    tiny.grade()
    shutil.rmtree(tiny.course.root / "feedback")
    (tiny.course.root / "reports" / "canvas.csv").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Grading, "_graded", lambda self, work: iter(work))
        tiny.grade()
    assert "2 of 5 points" in page(tiny.course)
    assert (tiny.course.root / "reports" / "canvas.csv").is_file()


def test_a_due_date_that_moved_counts_for_what_has_not_changed(tiny):
    tiny.hand_in(1, late=True)
    for year, score in ((2030, "1"), (2040, "2"), (2030, "1")):
        set_due_date(tiny.course, year)
        tiny.grade()
        assert row(tiny.course)["score"] == score
        assert ("1 point taken off" in page(tiny.course)) == (year == 2030)


def test_force_grades_again_and_keeps_what_a_person_marked(marked, tiny):
    before = (marked.root / "autograded" / "ada" / "ps1" / "p1.ipynb").stat().st_mtime_ns
    tiny.grade(force=True)
    path = marked.root / "autograded" / "ada" / "ps1" / "p1.ipynb"
    assert path.stat().st_mtime_ns > before
    assert [row(marked)[name] for name in ("score", "to_mark")] == ["4.5", "0"]


def test_a_gradebook_that_another_program_holds_costs_nothing(tiny, monkeypatch, capsys, caplog):
    monkeypatch.setattr(nbgrader_books, "TRIES", 1)
    tiny.hand_in(1)
    sand = [] if CONTAINED else ["--no-sandbox"]
    command = ["grade", str(tiny.top), "--course", str(tiny.course.root), "--jobs", "1", *sand]
    with closing(sqlite3.connect(tiny.course.gradebook, isolation_level=None)) as other:
        other.execute("begin immediate")
        assert main(command) == 1
        error = capsys.readouterr().err
        assert (
            not caplog.records
            and "waiting for it" in error
            and "still holds the gradebook" in error
        )
        other.execute("rollback")
    assert main(command) == 0
    assert "1 of them unchanged" in capsys.readouterr().out and row(tiny.course)["score"] == "2"


def test_a_gradebook_that_is_let_go_is_used_without_more_ado():
    found = iter([OperationalError("", None, Exception("database is locked")), None])

    def locked_once():
        if error := next(found):
            raise error
        return "used"

    assert nbgrader_books.patiently(locked_once) == "used"
