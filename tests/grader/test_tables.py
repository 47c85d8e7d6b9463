"""Marks as tables: right numbers, one line a row, nothing that a spreadsheet would run."""

import csv
import io

import pytest
from results import TRICKS, hostile, mark, result, steering, total, written

from grader.tables import canvas_csv, grades_csv

FORMULAS = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
]


def rows(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def grades(*results, totals=None):
    return list(csv.DictReader(io.StringIO(grades_csv(results, totals or {}), newline="")))


def test_a_row_holds_what_became_of_a_submission():
    one = result("ada", mark(auto=2.0), written(), name="Ada", lms_id="17", reasons=("timeout",))
    (row,) = grades(one)
    texts = ("login", "name", "lms_id", "assignment", "reasons", "sandboxed", "processed")
    assert [row[key] for key in texts] == ["ada", "Ada", "17", "04_gae", "timeout", "True", "True"]
    points = ("score", "max_score", "by_machine", "to_mark", "late")
    assert [row[key] for key in points] == ["2", "5", "2", "2", "False"]


def test_the_score_is_the_gradebook_s_with_the_penalty_taken_off():
    late = result("ada", mark(auto=2.0), late=True)
    (row,) = grades(late, totals={("ada", "04_gae"): total(3.0, penalty=0.25)})
    assert (row["score"], row["penalty"], row["by_machine"]) == ("2.75", "0.25", "2")
    assert row["late"] == "True"


def test_who_is_not_graded_has_no_score_rather_than_zero():
    failed = result("ada", mark(auto=0.0), processed=False)
    (row,) = grades(failed)
    assert (row["score"], row["by_machine"], row["max_score"]) == ("", "", "3")
    assert rows(canvas_csv([failed], {}))[2][-1] == ""


def test_marks_without_verifier_or_sandbox_say_so():
    (row,) = grades(result("ada", mark(verified=False), sandboxed=False))
    assert (row["verified"], row["sandboxed"]) == ("False", "False")
    assert row["reasons"] == "unverified no-sandbox"


def test_canvas_gets_its_header_the_points_possible_and_a_column_for_each_assignment():
    class_ = [result("ben", mark(auto=1.5)), result("ada", mark(), name="Ada", lms_id="17")]
    class_ += [
        result("ada", mark(most=4.0, auto=4.0), assignment="05_ppo", name="Ada", lms_id="17")
    ]
    header, possible, *students = rows(canvas_csv(class_, {}))
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "04_gae", "05_ppo"]
    assert possible == ["    Points Possible", "", "", "", "", "3", "4"]
    assert students == [
        ["Ada", "17", "", "ada", "", "3", "4"],
        ["ben", "", "", "ben", "", "1.5", ""],
    ]


def test_canvas_gets_the_points_of_the_gradebook():
    by_hand = {("ada", "04_gae"): total(4.0, most=5.0, penalty=1.0)}
    _, possible, ada = rows(canvas_csv([result("ada", mark(), written())], by_hand))
    assert (possible[-1], ada[-1]) == ("5", "3")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_like_a_formula(text):
    class_ = [result(text, mark(), name=text, lms_id=text, problem=text, assignment=text)]
    for table in (grades_csv(class_, {}), canvas_csv(class_, {})):
        cells = [cell for row in rows(table) for cell in row]
        assert sum(cell.startswith("'") for cell in cells) >= 4
        assert not [cell for cell in cells if cell.lstrip().startswith(tuple("=+-@＝＋－＠"))]


@pytest.mark.parametrize("trick", [*TRICKS.values(), "    Points\x1b[2J\n=1"])
@pytest.mark.parametrize("table", [grades_csv, canvas_csv])
def test_every_submission_is_one_quoted_line_whatever_it_says(table, trick):
    text = table([hostile(trick), result("ada", mark())], {})
    lines = text.splitlines()
    assert len({len(row) for row in rows(text)}) == 1
    assert len(lines) == len(rows(text)) == (3 if table is grades_csv else 4)
    assert all(line.startswith('"') and line.endswith('"') for line in lines)
    assert not steering(text.replace("\r\n", "\n"))
    assert not [cell for row in rows(text) for cell in row if cell.startswith("=")]
