"""The numbers of a class are those of its results, and its texts steer nobody."""

import pytest
from results import TRICKS, hostile, mark, result, steering, total, verdict, written

from grader.report import (
    clean,
    codes,
    explain,
    misconceptions,
    notes,
    one_line,
    reasons,
    scores,
    successes,
    total_of,
    unverified,
    who,
    why,
)
from grader.result import Student


def graded(*points, most=10.0):
    """One student for each number of points."""
    return [result(f"s{i}", mark(most=most, auto=one)) for i, one in enumerate(points)]


def test_scores_are_counted_by_tenths_and_full_points_stand_in_the_last():
    (found,) = scores(graded(0.0, 0.9, 1.0, 3.0, 9.9, 10.0), {})
    assert found.tenths == (2, 1, 0, 1, 0, 0, 0, 0, 0, 2)
    assert found.median == pytest.approx(0.2)
    assert not found.by_machine


def test_where_a_person_still_marks_only_points_by_machine_are_counted():
    class_ = [result("ada", mark(), written()), result("ben", mark(auto=0.0), written())]
    (found,) = scores(class_, {})
    assert found.by_machine
    assert (found.tenths[0], found.tenths[9], found.median) == (1, 1, 0.5)


def test_scores_of_the_gradebook_count_with_the_penalty_taken_off():
    (found,) = scores(graded(10.0), {("s0", "04_gae"): total(10.0, most=10.0, penalty=4.5)})
    assert found.tenths[5] == 1


def test_a_penalty_never_makes_a_score_negative():
    assert total(1.0, penalty=2.0).final == 0.0
    assert total(3.0, penalty=0.5).final == 2.5


def test_without_a_gradebook_the_total_is_what_the_machine_gave():
    found = total_of(result("ada", mark(auto=2.0), written()), {})
    assert (found.final, found.most, found.waiting) == (2.0, 5.0, True)


def test_success_is_the_share_of_full_marks_and_the_mean_share_of_points():
    (found,) = successes(graded(10.0, 5.0, 0.0, 10.0))
    assert (found.name, found.most, found.count) == ("gae", 10.0, 4)
    assert (found.full, found.mean) == (0.5, 0.625)


def test_written_answers_are_no_exercise_of_the_machine_s():
    left_empty = mark("written_1", most=2.0, auto=0.0)  # nbgrader gives an untouched one its zero
    class_ = [result("ada", mark(), written()), result("ben", mark(), left_empty)]
    assert [one.name for one in successes(class_)] == ["gae"]


def test_what_the_grader_could_not_process_is_nowhere_counted_as_zero():
    failed = result("eva", mark(auto=0.0), processed=False, problem="the disk is full")
    class_ = [*graded(10.0), failed]
    assert [one.count for one in successes(class_)] == [1]
    assert sum(scores(class_, {})[0].tenths) == 1
    assert codes(failed) == ["not-processed"]
    assert scores([failed], {}) == successes([failed]) == []


def test_misconceptions_come_by_frequency_with_those_who_hold_them():
    rare, common = (verdict(misconception=text, hint="Think.") for text in ("rare", "common"))
    class_ = [result(login, mark(auto=1.0, verdict=common)) for login in ("ben", "ada")]
    class_ += [result("abe", mark(auto=1.0, verdict=rare), name="Abe A.")]
    first, second = misconceptions([*class_, *graded(10.0)])
    assert (first.name, first.students, first.hint) == ("common", ("ada", "ben"), "Think.")
    assert (second.name, second.students) == ("rare", ("Abe A. (abe)",))


def test_reason_codes_name_who_and_where_and_leave_wrong_answers_out():
    class_ = [
        result("ada", mark(code="wrong", auto=0.0), mark("test_psi", code="raises", auto=0.0)),
        result("ben", mark(code="timeout", auto=0.0), reasons=("timeout",)),
        result("cem", reasons=("timeout",), repairs=("a cell was put back",)),
    ]
    found = {code: [(case.who, case.exercise) for case in cases] for code, cases in reasons(class_)}
    assert found["timeout"] == [("ben", ""), ("cem", "")]
    assert found["raises"] == [("ada", "psi")]
    assert list(found) == ["timeout", "raises", "repaired"]


def test_marks_that_nobody_verified_are_listed_but_not_those_a_person_gives():
    by_hand = written(verified=False)
    class_ = [result("ada", mark(verified=False), by_hand), result("ben", mark(), written())]
    assert unverified(class_) == {"04_gae: gae": ["ada"]}
    assert codes(class_[0]) == ["unverified"]


def test_notes_say_the_problem_the_reasons_the_repairs_and_what_waits():
    one = result("ada", written(), problem="P.", reasons=("timeout",), repairs=("R.",))
    timeout, repaired = explain("timeout"), explain("repaired")
    assert notes(one) == ["P.", timeout, repaired, "R.", "2 points wait for a person."]
    assert notes(result("ada", mark())) == []


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (mark(), ""),
        (mark(auto=0.0, code="timeout"), explain("timeout")),
        (mark(auto=0.0, text="it raises NameError"), "it raises NameError"),
        (mark(auto=1.0, verdict=verdict(where="b", difference="d")), "Wrong b: d."),
        (written(), ""),
    ],
)
def test_why_points_were_lost_is_said_in_words(one, words):
    assert why(one) == words


def test_a_code_that_nobody_explained_is_still_a_sentence():
    assert explain("out-of-luck") == "Out of luck."


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_no_text_steers_who_reads_it(trick):
    assert not steering(clean(trick))
    assert not steering(said := " ".join(notes(hostile(trick))))
    assert "\n" not in said
    assert one_line(trick).splitlines() == [one_line(trick)]


@pytest.mark.parametrize("name", ["Zoë Ångström", "علی\u200cرضا", "李小龍", "d'Arc, Jeanne-Marie"])
def test_honest_names_stay_what_they_are(name):
    assert who(Student("s1", name)) == f"{name} (s1)"
    assert who(Student("s1")) == who(Student("s1", "s1")) == "s1"


def test_long_texts_are_cut():
    assert len(clean("x" * 10**6)) == 20_001
    assert len(one_line("x" * 10**6)) == 301
