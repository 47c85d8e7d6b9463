"""While an answer is driven, the earlier answers it calls are right ones."""

import numpy as np
import pytest
import torch

import rlcore
from grader.exercise import Refused
from grader.exercises import categorical, find_exercise, gaussian
from grader.judge import judge
from grader.published import load_published
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


OURS, OUR_TRANSFORM = rlcore.gae, rlcore.GAE


def test_the_library_s_namesake_gives_nothing_under_another_name_either():
    def answer(*args, **kwargs):
        return OURS(*args, **kwargs)

    verdict = judge(GAE, answer, load_published(GAE).check)
    assert (verdict.points, "yours to write" in verdict.difference) == (0.0, True)
    ones, none = np.ones(2), np.zeros(2, bool)
    assert OURS(ones, ones, ones, none, none, gamma=0.9, gae_lambda=0.9).shape == (2,)


def test_the_library_s_class_gives_nothing_under_another_name_either():
    class Mine:
        def __init__(self, *args, **kwargs):
            self.ours = OUR_TRANSFORM(*args, **kwargs)

        def __call__(self, *args, **kwargs):
            return self.ours(*args, **kwargs)

    assert judge(TRANSFORM, Mine, load_published(TRANSFORM).check).points == 0.0


KEEPS = """
kept = []

def exact_policy_gradient(logits, rewards):
    kept.append(categorical_score)
    return logits * 0

def categorical_score(logits, actions):
    return kept[0](logits, actions)
"""


def test_a_stand_in_that_was_kept_gives_nothing_later():
    names = {}
    exec(KEEPS, names)
    first, then = find_exercise("exact_policy_gradient"), find_exercise("categorical_score")
    judge(first, names["exact_policy_gradient"], load_published(first).check)
    assert judge(then, names["categorical_score"], load_published(then).check).points == 0.0
    with pytest.raises(Refused, match="yours to write"):
        names["kept"][0](torch.zeros(1, 2), torch.tensor([0]))


@pytest.mark.parametrize(
    "name", ["categorical_probs", "categorical_log_prob", "categorical_score", "gaussian_log_prob"]
)
def test_what_later_exercises_are_given_gives_nothing_before(name):
    module = gaussian if name.startswith("gaussian") else categorical
    right, exercise = module.SCORE_DONE[name], find_exercise(name)
    check = load_published(exercise).check
    assert judge(exercise, lambda *args: right(*args), check).points == 0.0
    assert "grader's own" in judge(exercise, right, check).difference


NUMPY_STYLE = """
import numpy as np

def categorical_probs(logits):  # along the wrong axis, which is graded elsewhere
    e = np.exp(np.asarray(logits))
    return e / e.sum(0)

def categorical_score(logits, actions):
    score = -categorical_probs(logits).astype(float)
    score[np.arange(len(score)), actions.numpy()] += 1
    return score
"""


def test_who_writes_numpy_throughout_gets_arrays_from_the_right_answers_too():
    names = {}
    exec(NUMPY_STYLE, names)
    exercise = find_exercise("categorical_score")
    assert judge(exercise, names["categorical_score"], load_published(exercise).check).correct


def test_a_score_of_log_sigma_that_calls_a_wrong_score_of_the_mean_is_right():
    def gaussian_score_mean(mean, log_std, actions):
        return (mean - actions) / log_std.exp() ** 2

    names = {"gaussian_score_mean": gaussian_score_mean}
    exec(
        "def gaussian_score_log_std(mean, log_std, actions):\n"
        "    return gaussian_score_mean(mean, log_std, actions) * (actions - mean) - 1\n",
        names,
    )
    exercise = find_exercise("gaussian_score_log_std")
    answer = names["gaussian_score_log_std"]
    assert judge(exercise, answer, load_published(exercise).check).correct


def test_two_wrong_signs_do_not_make_a_right_answer():
    names = {"torch": torch}
    exec(
        "def categorical_score(logits, actions):\n"
        "    hot = torch.nn.functional.one_hot(actions, logits.shape[-1])\n"
        "    return torch.softmax(logits, -1) - hot\n"
        "def estimate(logits, actions, rewards):\n"
        "    score = categorical_score(logits.expand(len(actions), -1), actions)\n"
        "    return -(rewards[:, None] * score).mean(0)\n",
        names,
    )
    exercise = find_exercise("score_function_estimate")
    assert judge(exercise, names["estimate"], load_published(exercise).check).points == 0.0


@pytest.mark.parametrize("how", ["torch.func.grad", "enable_grad"])
def test_autograd_is_no_closed_form(how):
    def log_pi(logits, actions):
        return torch.log_softmax(logits, 1).gather(1, actions[:, None]).sum()

    def score(logits, actions):
        if how == "torch.func.grad":
            return torch.func.grad(log_pi)(logits, actions)
        with torch.enable_grad():
            leaf = logits.clone().requires_grad_()
            return torch.autograd.grad(log_pi(leaf, actions), leaf)[0]

    exercise = find_exercise("categorical_score")
    verdict = judge(exercise, score, load_published(exercise).check)
    assert (verdict.points, "closed form" in verdict.difference) == (0.0, True)
