"""What no list of misconceptions foresees: every small change of a right answer loses points."""

import pytest
from cells import answers, notebook
from mutants import mutants

from grader.execute import cell_by_id
from grader.exercise import Exercise
from grader.exercises import EXERCISES
from grader.hidden import hidden_check
from grader.judge import judge

DRIVEN = [exercise for exercise in EXERCISES if isinstance(exercise, Exercise)]
# Changes after which a program still computes the same; each with its reason.
AXIS = {"no -1": "the last axis of two is axis 1"}
SAME = {"categorical_log_prob": AXIS, "categorical_entropy": AXIS, "gaussian_log_prob": AXIS}
INCREASING = "any increasing map gives a variance"
SAME["actor_critic"] = AXIS | {"0.5 + 1": INCREASING, ".square: abs": INCREASING}
SAME["vector_collection"] = {"without envs.close()": "same rows; the driver closes what is open"}


@pytest.mark.slow
@pytest.mark.parametrize("exercise", DRIVEN, ids=lambda exercise: exercise.name)
def test_every_slip_of_the_pen_loses_points(exercise):
    source = cell_by_id(notebook(exercise.notebook), exercise.name).source
    check = hidden_check(exercise, secret=b"slips", student="ada")
    names, survivors = answers(exercise.notebook), set()
    changes = list(mutants(source))
    assert changes
    for what, text in changes:
        changed = dict(names)
        exec(text, changed)
        if judge(exercise, eval(exercise.answer or exercise.name, changed), check).correct:
            survivors.add(what.partition(": ")[2])
    assert survivors == set(SAME.get(exercise.name, ()))


def test_a_mutant_is_one_change():
    source = "def f(x):\n    '''Doc.'''\n    y = x + 1\n    return -y.mean()"
    assert {what for what, _ in mutants(source)} == {
        "line 1: without y = x + 1",
        "line 3: x + 1: Sub",
        "line 3: 1 + 1",
        "line 4: no -y.mean()",
        "line 4: .mean: sum",
    }
