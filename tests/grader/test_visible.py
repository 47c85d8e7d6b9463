"""What students see of check and hint."""

import json
from bdb import BdbQuit

import pytest

from grader import check, hint
from grader.hidden import answer_keys

KEY = answer_keys()["gae"]


def test_check_prints_points_groups_and_the_misconception_and_returns_nothing(capsys):
    assert check("gae", KEY.misconceptions[0].wrong_answer) is None
    out = capsys.readouterr().out
    assert "✘ gae: 2 of 5 points" in out
    assert "✔ while the episode goes on (1.5)" in out
    assert "✘ where an episode terminates (1)" in out
    assert "one gets when the trace is not cut at the end of an episode." in out


def test_check_of_a_right_answer_is_all_ticks(capsys):
    check("gae", KEY.also_correct[0])
    out = capsys.readouterr().out
    assert "✔ gae: 5 of 5 points" in out
    assert "✘" not in out


@pytest.mark.parametrize(
    ("name", "answer", "sentence"),
    [
        ("gea", None, "there is no exercise 'gea'; did you mean 'gae'?"),
        ("xyz", None, "there is no exercise 'xyz'; there are: "),
        ("gae", 3.0, "pass the function itself"),
        ("gae_transform", KEY, "pass the class GAE itself"),
        ("gae", lambda *args, **kwargs: None, "the result is None; does the function end with"),
        ("gae", lambda: None, "it raises TypeError"),
    ],
)
def test_a_wrong_call_gets_a_sentence(name, answer, sentence, capsys):
    check(name, answer)
    assert sentence in capsys.readouterr().out


def test_leaving_the_debugger_leaves_the_check(capsys):
    def debugged(*args, **kwargs):
        raise BdbQuit

    check("gae", debugged)
    assert capsys.readouterr().out == "check: you left the debugger, so gae was not checked.\n"


def test_hints_come_in_three_levels(capsys):
    for level, text in enumerate(KEY.hints, 1):
        hint("gae", level)
        assert capsys.readouterr().out.strip() == f"Hint {level} of 3 for gae: {text}"


@pytest.mark.parametrize("level", [0, 4, "2", None])
def test_a_hint_that_is_not_there_gets_a_sentence(level, capsys):
    hint("gae", level)
    assert "gae has hints 1 to 3" in capsys.readouterr().out


def test_the_published_file_beside_the_notebook_comes_first(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "04_reinforce_vs_gae.json").write_text(json.dumps({"exercises": {}}))
    check("gae", KEY.reference)
    assert "04_reinforce_vs_gae.json cannot be read" in capsys.readouterr().out
