"""The pages: complete, folded, and dead whatever is written into them."""

import base64
import hashlib
import json
import re
from xml.etree import ElementTree as ET

import pytest
from results import (
    TRICKS,
    WORD,
    Page,
    active,
    hostile,
    mark,
    names_below,
    result,
    steering,
    total,
    verdict,
    written,
)

from grader.pages import class_html, feedback_html, file_name, write_file, write_reports
from grader.report import explain, notes
from grader.reporting import table_row

SOURCE = "def gae(x):\n    return x < 1 and '<script>alert(1)</script>'"
WRONG = mark(
    auto=1.0,
    code="wrong",
    verdict=verdict(
        where="a cut",
        difference="6 of 8 steps differ, first at t=0",
        misconception="the trace is not cut",
        hint="What is there to come?",
    ),
)


def feedback(*marks, answers=None, total=None, **others):
    one = result("ada", *marks, name="Ada L.", **others)
    return feedback_html(one, "04_gae", answers or {}, total)


def pages(trick):
    one = hostile(trick)
    answers = {trick: trick, "gae": trick}
    return class_html([one], {}, trick), feedback_html(
        one, trick, answers, total(1.0, waiting=True)
    )


@pytest.mark.parametrize("page", pages(WORD), ids=["class", "feedback"])
def test_the_policy_allows_nothing_but_the_page_s_own_style(page):
    (policy,) = (a["content"] for _, a in Page(page).tags if "security" in str(a).lower())
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("page", pages(WORD), ids=["class", "feedback"])
def test_a_page_is_one_file_for_a_phone_too(page):
    metas = {a.get("name"): a.get("content") for tag, a in Page(page).tags if tag == "meta"}
    assert metas["viewport"].startswith("width=device-width")
    assert metas["referrer"] == "no-referrer"
    assert not re.search(r"https?:|//\w|@import|url\(", page)
    assert not [a for _, a in Page(page).tags if {"href", "src", "action", "style"} & set(a)]


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_a_page_has_the_same_tags_whatever_the_texts_say(trick):
    for page, plain in zip(pages(trick), pages(WORD), strict=True):
        assert Page(page).shape == Page(plain).shape
        assert set(active(page)) <= {"svg"}
        assert not steering(page)
        page.encode("utf-8")


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_the_printed_table_has_the_same_lines_whatever_the_texts_say(trick):
    rows = table_row(hostile(trick))
    assert len(rows) == len(table_row(hostile(WORD)))
    assert not steering("".join(rows))
    assert all(row.isprintable() for row in rows)


def test_feedback_says_what_differs_first_the_misconception_and_the_hint():
    page = Page(feedback(WRONG))
    assert "What differs first , a cut: 6 of 8 steps differ, first at t=0." in page.words
    assert "These are the numbers one gets when the trace is not cut." in page.words
    assert "What is there to come?" in page.words
    assert "✔ a 1 of 1" in page.words
    assert "✘ b 0 of 2" in page.words
    assert "✘ gae: 1 of 3 points" in page.words


def test_feedback_opens_what_lost_points_and_folds_what_is_right():
    tags = Page(feedback(WRONG, mark("test_psi"))).tags
    cards = [attributes for tag, attributes in tags if tag == "details"]
    assert ["open" in attributes for attributes in cards] == [True, False]


def test_feedback_shows_the_student_s_own_source_folded_and_as_text():
    text = feedback(WRONG, answers={"gae": SOURCE})
    (own,) = re.findall(r'<details class="inner">.*?</details>', text, re.DOTALL)
    assert Page(own).parts == ["Your answer", SOURCE]
    assert "<script" not in text


def test_feedback_shows_answers_only_and_never_the_source_of_a_test_cell():
    hidden = {"test_gae": "### BEGIN HIDDEN TESTS", "mark_scheme": "Mark scheme"}
    text = feedback(WRONG, written(), answers={"gae": "mine", **hidden})
    assert "mine" in text
    assert "HIDDEN" not in text
    assert "Mark scheme" not in text


def test_feedback_says_what_waits_for_a_person_until_it_is_marked():
    waiting = Page(feedback(mark(), written())).words
    assert "3 of 3 points by machine 2 points wait for a person" in waiting
    assert "… written 1 : 2 points, waits for a person" in waiting
    essay = mark("written_1", most=2.0, auto=None, hand=1.5)
    marked = Page(feedback(mark(), essay, total=total(4.5, most=5.0))).words
    assert "4.5 of 5 points" in marked
    assert "marked by a person" in marked
    assert "wait" not in marked


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (mark(auto=0.0, verdict=verdict(points=0.0, unwritten=True)), "It is not written yet."),
        (mark(auto=0.0, code="timeout"), explain("timeout")),
        (mark(auto=0.0, code="raises", text="it raises NameError"), "it raises NameError."),
        (mark(verified=False), explain("unverified")),
        (mark(), "Full points."),
    ],
)
def test_feedback_says_why_where_there_is_nothing_to_compare(one, words):
    assert words in Page(feedback(one)).words


def test_feedback_says_that_it_was_late_and_what_that_costs():
    assert "late handed in after the deadline" in Page(feedback(mark(), late=True)).words
    page = Page(feedback(mark(), late=True, total=total(3.0, penalty=0.5)))
    assert "2.5 of 3 points late 0.5 points taken off" in page.words


def test_feedback_says_what_befell_the_whole_and_what_was_mended():
    others = {"problem": "P.", "reasons": ("not-json",), "repairs": ("R.",), "sandboxed": False}
    words = Page(feedback(**others)).words
    for text in ("P.", explain("not-json"), explain("no-sandbox"), "before your notebook ran R."):
        assert text in words


def test_nobody_s_feedback_has_points_where_the_grader_failed():
    words = Page(feedback(mark(auto=0.0), processed=False)).words
    assert "You lose nothing by it." in words
    assert " of 3" not in words


def test_the_class_page_tells_who_is_not_graded_and_gives_them_no_zero():
    failed = result("eva", mark(auto=0.0), processed=False, problem="The disk is full.")
    words = Page(class_html([result("ada", mark()), failed], {})).words
    assert "grade them again: eva , 04_gae: The disk is full." in words
    assert "1 graded, median 100 % of the points" in words
    assert "eva not graded 0 / 0" in words


def test_the_class_page_begins_with_the_missing_sandbox():
    class_ = [result("ada", mark()), result("ben", mark(), sandboxed=False)]
    assert "Graded without a sandbox. 1 of 2 submissions" in Page(class_html(class_, {})).words
    assert "without a sandbox" not in Page(class_html(class_[:1], {})).words


def test_the_class_page_shows_who_was_late_and_the_penalty():
    class_ = [result("ada", mark(), late=True)]
    words = Page(class_html(class_, {("ada", "04_gae"): total(3.0, penalty=0.5)})).words
    assert "2.5 / 3 late −0.5 2.5 / 3" in words


def test_the_class_page_names_misconceptions_reasons_and_unverified_marks():
    class_ = [result("ada", WRONG, mark("test_psi", code="raises", auto=0.0, verified=False))]
    words = Page(class_html(class_, {})).words
    assert "1 gae : the trace is not cut What is there to come? ada" in words
    assert f"1 raises : {explain('raises')} ada , 04_gae: psi" in words
    assert "1 04_gae: psi ada" in words


def test_the_slowest_come_first():
    words = Page(class_html([result(f"s{i:02}", mark(), seconds=i) for i in range(12)], {})).words
    slowest = words[words.index("Slowest") : words.index("Students Points")]
    assert re.findall(r"s\d\d", slowest) == [f"s{i:02}" for i in range(11, 3, -1)]


def test_the_class_page_does_not_depend_on_who_was_first():
    class_ = [result(login, WRONG, reasons=("timeout",)) for login in ("ada", "ben", "cem")]
    assert class_html(class_, {}) == class_html(class_[::-1], {})


def test_an_empty_class_has_a_page():
    assert "0 students 0 submissions" in Page(class_html([], {})).words


def test_every_report_is_written_in_full_and_nothing_is_left_beside_it(tmp_path):
    paths = write_reports([result("ada", WRONG), result("ben", mark())], {}, tmp_path)
    files = ["canvas.csv", "class.html", "grades.csv", "gradescope/ada.json", "gradescope/ben.json"]
    assert names_below(tmp_path) == [*files, "junit.xml", "summary.md"]
    assert sorted(str(path.relative_to(tmp_path)) for path in paths) == names_below(tmp_path)
    assert json.loads((tmp_path / "gradescope" / "ben.json").read_text())["score"] == 3.0
    assert len(ET.parse(tmp_path / "junit.xml").getroot()) == 2


def test_logins_that_are_no_file_names_stay_inside_and_apart(tmp_path):
    unsafe = [
        "../../x",
        "a/b",
        "a_b",
        "a\\b",
        "a\nb",
        "a\0b",
        ".hidden",
        "a\ud800",
        "é" * 300,
        "-rf",
    ]
    logins = [*unsafe, file_name("a/b")]
    write_reports([result(login, mark()) for login in logins], {}, tmp_path / "out")
    files = names_below(tmp_path)
    assert len([name for name in files if name.startswith("out/gradescope/")]) == len(logins)
    assert len(files) == len(logins) + 5


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = write_file(tmp_path / "class.html", "old")
    monkeypatch.setattr("pathlib.Path.replace", lambda *names: (_ for _ in ()).throw(OSError()))
    with pytest.raises(OSError):
        write_file(path, "new")
    assert path.read_text() == "old"


def test_one_is_said_in_the_singular():
    one = result("ada", mark(most=1.0, auto=0.0), written(most=1.0))
    page = Page(class_html([one], {})).words + Page(feedback_html(one, "04_gae", {})).words
    assert "1 student 1 submission" in page and "(1 student)" in page
    assert "gae: 0 of 1 point" in page and "1 point waits for a person" in page
    assert not re.search(r"\b1 (points|students|submissions)\b", page)
    assert notes(one)[-1] == "1 point waits for a person."
