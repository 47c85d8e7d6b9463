"""How drivers call an answer: fresh arguments, in several layouts, that must not change."""

import numpy as np
import pytest
import torch

from grader.exercise import Refused
from grader.exercises.calling import call, call_loss, call_with_tensors, laid_out

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def test_arguments_are_fresh_copies():
    def spoils(x):
        x *= 0
        return x

    inputs = {"x": X.copy()}
    call(spoils, inputs, ("x",), (), "result")
    np.testing.assert_array_equal(inputs["x"], X)


def test_layouts_change_dtype_and_strides_and_nothing_else():
    strided = laid_out(X, "float32, strided")
    assert (strided.dtype, strided.flags.c_contiguous) == (np.float32, False)
    assert laid_out(np.array([1, 2]), "float32").dtype == np.int64
    np.testing.assert_array_equal(strided, X)


@pytest.mark.parametrize("how", [call, call_with_tensors])
def test_a_changed_argument_is_refused_where_a_layout_asks_for_it(how):
    def spoils(x):
        x *= 2
        return x

    with pytest.raises(Refused, match="changes its argument x"):
        how(spoils, {"x": X, "layout": "strided"}, ("x",), (), "result")
    assert how(spoils, {"x": X}, ("x",), (), "result")["result"][0, 0] == 2.0


def test_tensors_are_given_without_autograd():
    def answer(x, *, power):
        assert not torch.is_grad_enabled()
        return (x**power).sum(-1)

    inputs = {"x": X, "power": 2}
    found = call_with_tensors(answer, inputs, ("x",), ("power",), "squares")["squares"]
    np.testing.assert_array_equal(found, [5.0, 25.0, 61.0])


def test_a_loss_is_observed_with_its_gradient():
    found = call_loss(lambda x, y: (x * y).mean(), {"x": X, "y": X}, ("x", "y"), ())
    np.testing.assert_allclose(found["loss"], (X * X).mean())
    np.testing.assert_allclose(found["gradient"], X / 6)


def test_a_loss_without_a_graph_has_gradient_zero():
    found = call_loss(lambda x: x.detach().sum(), {"x": X}, ("x",), ())
    np.testing.assert_array_equal(found["gradient"], np.zeros_like(X))


def test_the_data_of_a_loss_carry_no_graph():
    def answer(x, y):
        assert (x.requires_grad, y.requires_grad) == (True, False)
        return (x - y).sum()

    call_loss(answer, {"x": X, "y": X}, ("x", "y"), ())


def test_a_loss_that_is_no_tensor_is_refused():
    with pytest.raises(Refused, match="of type float; return a 0-d tensor"):
        call_loss(lambda x: x.mean().item(), {"x": X}, ("x",), ())


def test_a_loss_that_changes_its_argument_is_refused():
    def spoils(x):
        x.mul_(2)
        return x.sum()

    with pytest.raises(Refused, match="changes its argument x"):
        call_loss(spoils, {"x": X, "layout": "float32"}, ("x",), ())
