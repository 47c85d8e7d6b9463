"""Verdicts come from outcomes alone, and say what differed first."""

from bdb import BdbQuit
from dataclasses import replace

import numpy as np
import pytest

from grader.compare import UNWRITTEN, Outcome, difference
from grader.exercise import AnswerKey, Case, Exercise, Group, Misconception
from grader.judge import judge, judge_outcomes, make_check, run
from grader.plain import plain
from grader.words import as_html, as_text, in_short, sentence


def doubled(x):
    return 2.0 * x


def squared(x):
    return x**2


def halved(x):
    return x / 2.0


def cases(rng, n):
    for _ in range(n):
        yield Case("for one number", {"x": np.array([2.0])})
        yield Case("for many", {"x": rng.normal(size=5)})


TOY = Exercise(
    "double",
    "none",
    3.0,
    "nowhere",
    (Group("for one number", 1.0), Group("for many", 2.0)),
    cases,
    lambda answer, inputs: {"result": plain(answer(inputs["x"].copy()), "the result")},
)
KEY = AnswerKey(
    doubled,
    ("one", "two", "three"),
    (
        Misconception("the number is squared", "What is twice 3?", squared),
        Misconception("the number is halved", "More or less?", halved),
    ),
    (),
)


@pytest.fixture
def check():
    return make_check(TOY, KEY, np.random.default_rng(0), 2)


def test_a_right_answer_gets_all_points_and_no_words(check):
    verdict = judge(TOY, lambda x: (x + x).astype(np.float32), check)
    assert verdict.correct
    assert verdict.points == 3.0
    assert sentence(verdict) == in_short(verdict) == ""


def test_points_are_given_group_by_group_and_the_misconception_is_named(check):
    verdict = judge(TOY, squared, check)
    assert verdict.points == 1.0
    assert verdict.where == "for many"
    assert verdict.misconception == "the number is squared"
    assert "These are the numbers one gets when the number is squared. What is twice" in sentence(
        verdict
    )


def test_a_wrong_answer_that_nobody_foresaw_gets_no_name(check):
    verdict = judge(TOY, lambda x: x + 17, check)
    assert verdict.points == 0.0
    assert verdict.misconception == ""
    assert "expected 4.0, got 19.0" in verdict.difference


def test_a_misconception_is_named_although_some_cases_raise(check):
    def breaks_on_one(x):
        return squared(x) if len(x) > 1 else [][0]

    verdict = judge(TOY, breaks_on_one, check)
    assert verdict.misconception == "the number is squared"
    assert verdict.difference == "it raises IndexError: list index out of range"


def test_nothing_is_named_when_most_cases_raise(check):
    def mostly_raises(x):
        return squared(x) if x[0] == check.cases[1].inputs["x"][0] else [][0]

    assert judge(TOY, mostly_raises, check).misconception == ""


def test_misconceptions_are_tried_first_where_the_answer_is_wrong():
    tried = []

    def squared_too(x):
        tried.append(len(x))
        return x**2

    wrong = replace(KEY.misconceptions[0], wrong_answer=squared_too)
    check = make_check(TOY, replace(KEY, misconceptions=(wrong,)), np.random.default_rng(0), 1)
    assert not judge(TOY, lambda x: x + 2.0, check).misconception  # right for one number, 2
    assert tried == [5]


def test_misconceptions_that_give_something_else_on_a_published_case_are_left_out(check):
    published = make_check(TOY, KEY, np.random.default_rng(1), 1)
    first = run(TOY, squared, published.cases[0])  # 4, which is twice 2, too
    likely = check.likely(published, first)
    assert [one.name for one in likely.wrong] == ["the number is squared"]
    assert judge(TOY, squared, likely) == judge(TOY, squared, check)
    assert check.likely(published, Outcome(error="it raises ValueError: no")) is check
    assert check.likely(replace(published, wrong=published.wrong[1:]), first) is check


def test_what_is_right_is_not_worked_out_for_an_answer_without_numbers():
    asked = []

    def reference(x):
        return asked.append(x) or 2.0 * x

    check = make_check(TOY, replace(KEY, reference=reference), np.random.default_rng(0), 1)
    outcomes = [UNWRITTEN, Outcome({"result": np.zeros(5)})]
    assert judge_outcomes(TOY, check, lambda alone: outcomes).points == 0.0
    assert [len(x) for x in asked] == [5]


def test_what_is_right_is_known_before_an_answer_runs_beside_it():
    def tampering(x):
        right[0] = 3.0
        return 3.0 * x

    right = [2.0]
    key = replace(KEY, reference=lambda x: right[0] * x)
    check = make_check(TOY, key, np.random.default_rng(0), 1)
    assert judge(TOY, tampering, check).points == 0.0


def test_leaving_the_debugger_stops_the_check(check):
    def debugged(x):
        raise BdbQuit

    with pytest.raises(BdbQuit):
        judge(TOY, debugged, check)


def test_two_misconceptions_with_the_same_numbers_name_neither(check):
    twins = AnswerKey(
        doubled, KEY.hints, (*KEY.misconceptions, Misconception("twin", "hint", squared)), ()
    )
    check = make_check(TOY, twins, np.random.default_rng(0), 1)
    assert judge(TOY, squared, check).misconception == ""


def test_an_unwritten_answer_is_called_unwritten(check):
    def stub(x):
        raise NotImplementedError

    verdict = judge(TOY, stub, check)
    assert verdict.unwritten
    assert verdict.points == 0.0
    assert "not written yet" in as_text(verdict)


@pytest.mark.parametrize("trouble", [SystemExit, RecursionError, ValueError("first\nsecond")])
def test_whatever_an_answer_raises_becomes_a_sentence(check, trouble):
    def raises(x):
        raise trouble

    verdict = judge(TOY, raises, check)
    assert verdict.points == 0.0
    assert verdict.difference.startswith("it raises ")
    assert "second" not in verdict.difference


def test_warnings_of_an_answer_stay_silent(check):
    judge(TOY, lambda x: np.log(-np.abs(x)), check)


@pytest.mark.parametrize(
    ("got", "expected", "text"),
    [
        ([1.0, 2.0], [1.0], "a has shape (2,), expected (1,)"),
        ([np.nan], [1.0], "a: 1 of 1 steps differ, first at t=0 (expected 1.0, got nan)"),
        ([np.inf, 1.0], [1.0, 1.0], "a: 1 of 2 steps differ, first at t=0 (expected 1.0, got inf)"),
        ([[1.0, 5.0]], [[1.0, 2.0]], "first at t=0, n=1 (expected 2.0, got 5.0)"),
        ([0.5, 9.0], [0.0, 0.0], "first at t=0 (expected 0.0, got 0.5), most at t=1"),
        ([1.0001], [1.0], ""),
        ([1.001], [1.0], "expected 1.0, got 1.001"),
        ([123456.0], [123400.0], "expected 1.234e+05, got 1.2346e+05"),
    ],
)
def test_differences_are_found_shape_first_and_nan_is_never_right(got, expected, text):
    found = difference(Outcome({"a": np.array(got)}), {"a": np.array(expected)})
    assert text in found if text else found == ""


def test_numbers_that_look_alike_are_shown_with_more_digits():
    found = difference(Outcome({"a": np.array([1000.5])}), {"a": np.array([1000.3])})
    assert "expected 1000.3, got 1000.5" in found
    found = difference(Outcome({"a": np.array([100001.0])}), {"a": np.array([100023.0])})
    assert "expected 1.0002e+05, got 1e+05" in found


@pytest.mark.parametrize(
    ("got", "expected", "text"),
    [
        ([1.23456], [7.65432], "a: 1 of 1 steps differ, first at t=0 (expected 7.65, got 1.23)"),
        ([1000.5], [1000.1], "(expected 1e+03, got nearly that)"),
        ([1.0, 2.0], [1.0], "a has shape (2,), expected (1,)"),
        (np.zeros((3, 3)), np.zeros(3), "a has shape (3, 3), expected (3,)"),
        (np.zeros((71, 72)), np.zeros((2, 3)), "a has another shape, of 2 axes, expected (2, 3)"),
        (np.zeros((1, 1, 1)), [1.0], "a has another shape, of 3 axes, expected (1,)"),
    ],
)
def test_little_is_told_of_what_an_answer_to_a_hidden_question_gives(got, expected, text):
    outcome = Outcome({"a": np.array(got)})
    assert text in difference(outcome, {"a": np.array(expected)}, hidden=True)


def test_html_shows_what_a_student_wrote_as_text(check):
    def answer(x):
        raise ValueError("<script>alert(1)</script>")

    assert "<script>" not in as_html(judge(TOY, answer, check))
