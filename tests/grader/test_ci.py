"""Results for Gradescope, JUnit and GitHub: complete, well-formed, and no text gives orders."""

import json
import re
from xml.etree import ElementTree as ET

import pytest
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from results import TRICKS, WORD, Page, active, hostile, mark, result, steering, strings, verdict
from results import written as by_hand

from grader.ci import SUMMARY_BYTES, annotations, gradescope_json, junit_xml, step_summary
from grader.report import explain

WRONG = mark(auto=1.0, code="wrong", verdict=verdict(where="b", difference="1.0, not 2.0"))


def suites(*results):
    return list(ET.fromstring(junit_xml(results)))


def shape(element):
    return [(one.tag, sorted(one.attrib)) for one in element.iter()]


def test_gradescope_gets_the_score_and_a_test_for_each_exercise():
    found = gradescope_json([result("ada", mark("test_psi"), WRONG, by_hand(), seconds=1.5)], {})
    assert (found["score"], found["execution_time"], found["visibility"]) == (4.0, 1.5, "visible")
    right, wrong = found["tests"]
    assert (right["name"], right["score"], right["max_score"]) == ("04_gae: psi", 3.0, 3.0)
    assert (right["status"], right["output"]) == ("passed", "")
    assert (wrong["name"], wrong["score"], wrong["status"]) == ("04_gae: gae", 1.0, "failed")
    assert wrong["output"] == "Wrong b: 1.0, not 2.0."
    assert found["output"] == "04_gae: 2 points wait for a person."


def test_gradescope_gets_plain_text_only():
    found = gradescope_json([result("ada", WRONG)], {})
    assert {found["output_format"], found["tests"][0]["output_format"]} == {"text"}


def test_gradescope_gets_no_score_where_the_grader_failed():
    found = gradescope_json(
        [result("ada", mark()), result("ada", processed=False, problem="P.")], {}
    )
    assert "score" not in found
    assert "tests" not in found
    assert f"04_gae: P.\n04_gae: {explain('not-processed')}" == found["output"]


def test_gradescope_gets_all_assignments_of_a_student_in_one():
    found = gradescope_json([result("ada", mark()), result("ada", mark(), assignment="05_ppo")], {})
    assert found["score"] == 6.0
    assert [one["name"] for one in found["tests"]] == ["04_gae: gae", "05_ppo: gae"]


def test_junit_counts_failures_and_what_waits_for_a_person():
    (suite,) = suites(result("ada", mark("test_psi"), WRONG, by_hand(), seconds=2.0))
    counts = [suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")]
    assert (counts, suite.get("name")) == (["3", "1", "0", "1", "2.000"], "04_gae.ada")
    failure = suite.find("testcase[@name='gae']/failure")
    assert failure is not None
    assert (failure.get("message"), failure.get("type")) == ("1 of 3 points", "wrong")
    assert failure.text == "Wrong b: 1.0, not 2.0."


def test_junit_has_an_error_where_the_grader_failed_and_a_failure_where_there_is_nothing():
    failed, empty = suites(result("ada", mark(), processed=False), result("ben", problem="P."))
    assert (failed.get("errors"), failed.get("failures"), failed.get("tests")) == ("1", "0", "1")
    assert (empty.get("errors"), empty.get("failures"), empty.get("tests")) == ("0", "1", "1")
    assert empty.find("testcase/failure").get("message") == "P."


def test_github_hears_what_lost_points_and_that_there_was_no_sandbox():
    lines = annotations([result("ada", WRONG, mark("test_psi"), by_hand(), sandboxed=False)])
    title = "title=ada%2C 04_gae%3A gae"
    assert lines == [
        f"::error {title}::1 of 3 points. Wrong b: 1.0, not 2.0.",
        f"::warning title=no sandbox::{explain('no-sandbox')}",
    ]
    assert annotations([result("ada", mark())]) == []


def test_github_s_own_signs_are_escaped():
    bad = "50%, a:b\r\n::error::c"
    (line,) = annotations([result(bad, mark(auto=0.0, text=bad))])
    title, text = re.fullmatch(r"::error title=([^:,]*)::(.*)", line).groups()
    assert title.startswith("50%25%2C a%3Ab %3A%3Aerror%3A%3Ac%2C 04_gae")
    assert text == "0 of 3 points. 50%25, a:b%0A::error::c"


def test_the_summary_has_a_row_for_each_submission():
    class_ = [result("ben", processed=False), result("ada", WRONG, by_hand(), reasons=("timeout",))]
    page = Page(markdown2html_mistune(step_summary(class_, {})))
    assert [tag for tag, _ in page.tags].count("tr") == 3
    assert "ada 04_gae 1 of 5 2 timeout gae: Wrong b: 1.0, not 2.0." in page.words
    assert "ben 04_gae not graded 0 not-processed" in page.words


def test_the_summary_begins_with_the_missing_sandbox():
    page = Page(markdown2html_mistune(step_summary([result("ada", mark(), sandboxed=False)], {})))
    assert page.words.startswith(explain("no-sandbox"))


def test_the_summary_of_a_huge_class_stays_within_github_s_limit():
    text = step_summary([result(f"s{i}", mark(auto=0.0, text="(" * 300)) for i in range(1000)], {})
    assert len(text.encode()) < SUMMARY_BYTES + 10_000
    assert re.search(r"and \d+ more submissions\n$", text)


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_gradescope_s_texts_are_plain_whatever_they_say(trick):
    text = json.dumps(gradescope_json([hostile(trick)], {}), ensure_ascii=False)
    assert not steering("".join(strings(json.loads(text))))
    assert all("\n" not in test["name"] for test in json.loads(text)["tests"])


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_junit_is_the_same_tree_whatever_the_texts_say(trick):
    text = junit_xml([hostile(trick)])
    assert shape(ET.fromstring(text)) == shape(ET.fromstring(junit_xml([hostile(WORD)])))
    assert not steering(text.decode())


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_github_gets_the_same_commands_whatever_the_texts_say(trick):
    lines = annotations([hostile(trick)])
    kinds = [re.fullmatch(r"::(\w+) title=[^:,\n]*::[^\n]*", line)[1] for line in lines]
    assert kinds == ["error", "error", "error", "warning"]
    assert not steering("".join(lines))


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_the_summary_is_the_same_table_whatever_the_texts_say(trick):
    text, plain = (step_summary([hostile(one)], {}) for one in (trick, WORD))
    page = markdown2html_mistune(text)
    assert active(page) == []
    assert Page(page).shape == Page(markdown2html_mistune(plain)).shape
    assert len(text.splitlines()) == len(plain.splitlines())
    assert not steering(text)
