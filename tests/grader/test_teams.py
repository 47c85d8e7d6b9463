"""Teams: how names are written down, and whom they mean."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.result import Result, Student
from grader.teams import classmates, mates, team


def said(source):
    return team(new_notebook(cells=[new_markdown_cell("TEAM = 1"), new_code_cell(source)]))


@pytest.mark.parametrize(
    "source",
    [
        'TEAM = ["ann", "ben.b"]  # one or two logins; both get the marks',
        "import x\nTEAM=('ann', 'ben.b')",
        'TEAM = [\n    "ann",  # (me)\n    "ben.b",\n]\nprint(1)',
        "TEAM = (\n    'ann',\n    'ben.b',\n)",
        'TEAM: list[str] = [" ann", "ben.b ", ""]',
        'TEAM = "ann", "ben.b"',
    ],
)
def test_a_team_is_read_as_python_reads_it(source):
    assert said(source) == (("ann", "ben.b"), [])


@pytest.mark.parametrize(
    "text",
    [
        '["a", "b", "c"]',
        '["Ann Smith"]',
        '["a"] + ["b"]',
        '["a", b]',
        '"ann"',
        '{"a"}',
        "[1]",
        "3",
        "",
        '["a",',
        '["../../t"]',
        '["a\\0"]',
        "(" * 300,
        "-" * 500 + "1",
        "[" + '"a", ' * 200 + "]",
    ],
)
def test_a_team_that_cannot_be_read_is_said(text):
    logins, (note,) = said(f"TEAM = {text}")
    assert logins == () and "no list of one or two logins" in note


@pytest.mark.parametrize("source", ["print('TEAM = 1')", "TEAM == 3", "  TEAM = 3", "TEAMS = 3"])
def test_what_is_no_team_is_not_spoken_of(source):
    assert said(source) == ((), [])


KNOWN = {one: Student(one, lms_id="7") for one in ("ann_1", "Ben", "cy_2", "cy_3", "dee", "dee_4")}


@pytest.mark.parametrize(
    ("name", "login"),
    [("ann", "ann_1"), ("ANN_1", "ann_1"), ("ben", "Ben"), ("cy_3", "cy_3"), ("dee", "dee")],
)
def test_a_mate_is_known_by_login_by_login_without_number_and_in_any_case(name, login):
    assert list(mates(Result(KNOWN["dee"], "a", team=(name,)), KNOWN)) == [(KNOWN[login], [])]


@pytest.mark.parametrize("name", ["eve", "cy", "DEE", "ann_2"])
def test_a_name_that_is_not_just_one_student_s_is_a_new_login_and_a_note(name):
    ((student, (note,)),) = mates(Result(KNOWN["dee"], "a", team=(name,)), KNOWN)
    assert student == Student(name)
    assert note == f"TEAM of dee names {name}, as nobody in the class is called"


def test_who_never_handed_in_is_no_classmate_however_often_a_team_names_them(tmp_path):
    (tmp_path / "ben_4").mkdir()
    before = [Result(Student(login), "a") for login in ("ben", "ben_4")]
    assert list(classmates(tmp_path, before, [Student("ann"), None])) == ["ben_4", "ann"]
