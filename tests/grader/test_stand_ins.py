"""While an answer is driven, the earlier answers it calls are right ones."""

import numpy as np
import pytest

import rlcore
from grader.exercise import Refused
from grader.exercises import find_exercise
from grader.stand_ins import stand_ins

GAE, TRANSFORM = find_exercise("gae"), find_exercise("gae_transform")


def td_residuals(*args, **kwargs):
    raise AssertionError("the student's own, which is wrong")


def gae(*args, **kwargs):
    return td_residuals(*args, **kwargs)


class CallsGae:
    def __call__(self):
        return gae

    @staticmethod
    def other():
        return td_residuals


def test_globals_of_a_function_are_replaced_and_put_back():
    mine = td_residuals
    with stand_ins(GAE, gae):
        assert td_residuals is rlcore.td_residuals
    assert td_residuals is mine


def test_globals_of_a_class_are_replaced_and_put_back():
    mine = gae
    with stand_ins(TRANSFORM, CallsGae):
        assert CallsGae()() is rlcore.gae
        assert CallsGae.other() is rlcore.td_residuals
    assert gae is mine


def test_names_that_were_not_there_are_removed_again():
    namespace = {}
    exec("def answer(): return td_residuals", namespace)
    with stand_ins(GAE, namespace["answer"]):
        assert namespace["answer"]() is rlcore.td_residuals
    assert "td_residuals" not in namespace


def test_globals_are_put_back_when_the_answer_raises():
    mine = td_residuals
    with pytest.raises(KeyError), stand_ins(GAE, gae):
        raise KeyError
    assert td_residuals is mine


def test_the_library_s_own_answer_says_this_one_is_yours():
    with pytest.raises(Refused, match="yours to write"), stand_ins(GAE, rlcore.gae):
        pass


def test_an_answer_that_calls_the_library_s_namesake_is_told_so():
    def answer(*args, **kwargs):
        return rlcore.gae(*args, **kwargs)

    arguments = [np.ones(2), np.ones(2), np.ones(2), np.zeros(2, bool), np.zeros(2, bool)]
    with stand_ins(GAE, answer), pytest.raises(Refused, match="rlcore's gae"):
        answer(*arguments, gamma=0.9, gae_lambda=0.9)
    answer(*arguments, gamma=0.9, gae_lambda=0.9)
