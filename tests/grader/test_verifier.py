"""The verifier: no evidence, no points; and nothing that is hidden gets out."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from nbformat.v4 import new_code_cell

from grader.compare import UNWRITTEN, Outcome
from grader.evidence import answer_question, read_actions, read_outcomes
from grader.execute import cell_by_id
from grader.exercises import find_exercise
from grader.hidden import answer_key, hidden_check
from grader.judge import run
from grader.questions import Question
from grader.verifier import Rehearsed, Verifier
from grader.wire import BrokenFrame, pack, unpack


class InThisProcess:
    """A witness that is no other process."""

    def __init__(self, source):
        self.namespace = {}
        exec(source, self.namespace)

    def ask(self, question):
        return unpack(pack(answer_question(question, self.namespace))[4:])


def verdict_on(source, tmp_path, exercise="gae"):
    """What the verifier says of an answer, in the order in which witnesses are asked."""
    verifier, witness = Verifier("ada", tmp_path, b"s"), InThisProcess(source)
    question = Question(exercise, exercise, f"test_{exercise}")
    return verifier.judge(question, witness, verifier.rehearse(question, witness))


def test_misconceptions_that_published_inputs_rule_out_are_not_computed(tmp_path, monkeypatch):
    known, driven = answer_key("gae").misconceptions, set()

    def counting(exercise, answer, case):
        driven.add(answer)
        return run(exercise, answer, case)

    monkeypatch.setattr("grader.judge.run", counting)
    verifier, witness = Verifier("ada", tmp_path, b"s"), InThisProcess("")
    question = Question("gae", "gae", "test_gae")
    for one in known[:3]:
        witness.namespace["gae"] = one.wrong_answer
        driven.clear()
        verdict = verifier.judge(question, witness, verifier.rehearse(question, witness))
        assert verdict.misconception == one.name
        assert len(driven) < len(known) / 2  # reference and answer among them


RIGHT = {"observables": {"advantages": np.zeros(3)}}


def test_outcomes_are_read_in_their_order():
    error = {"error": "it raises", "unwritten": False}
    first, second = read_outcomes({"outcomes": [RIGHT, error]}, 2)
    assert (first.observables or {})["advantages"].shape == (3,)
    assert second == Outcome(error="it raises")


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {},
        {"outcomes": 3},
        {"outcomes": [RIGHT]},
        {"outcomes": [RIGHT, RIGHT, RIGHT]},
        {"outcomes": [RIGHT, None]},
        {"outcomes": [RIGHT, {"observables": {"a": 1.0}}]},
        {"outcomes": [RIGHT, {"observables": {"a": np.zeros(2, np.float32)}}]},
        {"outcomes": [RIGHT, {"observables": {}, "points": 5}]},
        {"outcomes": [RIGHT, {"error": 3, "unwritten": False}]},
        {"outcomes": [RIGHT, {"error": "", "unwritten": 1}]},
        {"points": 5},
    ],
)
def test_evidence_of_another_form_is_refused(message):
    with pytest.raises(BrokenFrame):
        read_outcomes(message, 2)


@pytest.mark.parametrize("message", [None, {"actions": [1, 2]}, {"actions": "1"}, {"reward": 9}])
def test_actions_of_another_form_are_refused(message):
    with pytest.raises(BrokenFrame):
        read_actions(message)


def written_for(course, student):
    """Everything that is written for a student and those who mark the work."""
    folders = (course.root / step / student for step in ("autograded", "feedback"))
    return "".join(p.read_text("utf-8") for f in folders for p in f.rglob("*") if p.is_file())


LEAKS = """
SEEN = []
def gae(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    SEEN.append(rewards)
    print("printed", rewards)
    {how}
"""


@pytest.mark.slow
def test_what_an_answer_prints_of_a_hidden_input_is_seen_by_nobody(classroom, course):
    notebook = classroom.solved()
    cell_by_id(notebook, "gae").source = LEAKS.format(how="return rewards")
    notebook.cells.append(new_code_cell("print('stored', len(SEEN))"))
    classroom.grade("prints", notebook)
    text = written_for(course, "prints")
    seen = int(re.search(r"stored (\d+)", text)[1])
    assert seen == text.count("printed [") < 10


@pytest.mark.slow
def test_an_error_says_of_a_hidden_input_only_what_a_published_one_makes_it_say(classroom, course):
    notebook = classroom.solved()
    how = "raise ValueError(f'LEAK {rewards.tolist()}')"
    cell_by_id(notebook, "gae").source = LEAKS.format(how=how)
    result = classroom.grade("raises-leak", notebook)
    mark = next(mark for mark in result.marks if mark.cell == "test_gae")
    assert mark.auto == 0.0
    assert "it raises ValueError for an input" in mark.text
    feedback = next((course.root / "feedback" / "raises-leak").rglob("*.html")).read_text("utf-8")
    assert "LEAK [" not in feedback


def test_the_seed_an_agent_gets_is_not_that_of_its_environments(tmp_path, monkeypatch):
    told, used = [], []
    monkeypatch.setattr("grader.verifier.measure", lambda exercise, act, seed: used.append(seed))
    witness = SimpleNamespace(ask=lambda question: told.append(question["seed"]))
    question = Question("cartpole_agent", "act", "test_cartpole_agent")
    Verifier("ada", tmp_path, b"s").judge(question, witness, Rehearsed(frozenset(), Outcome()))
    assert len(told) == len(used) == 1
    assert abs(told[0] - used[0]) > 1000


KEEPS = """
KEPT = []
def gae(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    KEPT.append(f"LEAK {len(rewards)} {rewards.tolist()}")
    raise ValueError(max(KEPT, key=len))
"""


def test_an_error_that_repeats_a_hidden_input_ever_after_is_not_told(tmp_path):
    verdict = verdict_on(KEEPS, tmp_path)
    hidden = hidden_check(find_exercise("gae"), secret=b"s", student="ada").cases
    texts = [str(case.inputs["rewards"].tolist()) for case in hidden]
    assert (verdict.points, [text for text in texts if text in verdict.difference]) == (0.0, [])


def test_what_is_not_written_yet_has_no_words_of_its_own(tmp_path):
    sent = {"error": "LEAK 0.123", "unwritten": True}
    assert [one.error for one in read_outcomes(sent, 1)] == [UNWRITTEN.error]
    source = "def gae(rewards, *rest, **knobs):\n    raise NotImplementedError(rewards.tolist())"
    assert verdict_on(source, tmp_path).difference == UNWRITTEN.error


def test_published_cases_are_never_read_from_the_instructors_working_folder(tmp_path, monkeypatch):
    (tmp_path / "04_reinforce_vs_gae.json").write_text("not what was published")
    monkeypatch.chdir(tmp_path)
    source = "def gae(*args, **knobs):\n    return undefined_name"
    assert "undefined_name" in verdict_on(source, tmp_path).difference


@pytest.mark.slow
def test_an_error_that_is_the_same_for_published_inputs_is_told_in_full(classroom):
    notebook = classroom.solved()
    cell_by_id(notebook, "gae").source = "def gae(*args, **kwargs):\n    return undefined_name"
    result = classroom.grade("plain-error", notebook)
    mark = next(mark for mark in result.marks if mark.cell == "test_gae")
    assert "NameError: name 'undefined_name' is not defined (line 2)" in mark.text
    assert mark.code == "raises"


@pytest.mark.slow
def test_no_hidden_source_stands_in_what_is_written_for_people(classroom, course):
    classroom.grade("sources", classroom.solved())
    text = written_for(course, "sources")
    for mark in ("probe(", "BEGIN HIDDEN", "Mark scheme"):
        feedback = next((course.root / "feedback" / "sources").rglob("*.html")).read_text("utf-8")
        assert mark not in feedback
    assert "BEGIN HIDDEN" not in text
