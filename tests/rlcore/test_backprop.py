"""The passes by hand against autograd's, for every shape of net that the library makes."""

import copy
import functools

import pytest
import torch
from torch import nn

from rlcore import mlp
from rlcore.backprop import Backprop

RELU = functools.partial(nn.ReLU, inplace=True)


@pytest.mark.parametrize("activation", [nn.Tanh, RELU])
@pytest.mark.parametrize("sizes", [(3, 2), (3, 8, 1), (3, 8, 5, 2), (3, 8, 8, 8, 1)])
def test_outputs_and_gradients_are_autograds(sizes, activation):
    torch.manual_seed(0)
    net = mlp(sizes, activation=activation)
    oracle, by_hand = copy.deepcopy(net), Backprop(net)
    for weight in net.parameters():
        weight.grad = torch.full_like(weight, 99.0)
    for rows in (16, 16, 7):  # the memory of the first is used again, then replaced
        inputs = torch.randn(rows, 3)
        oracle.zero_grad()
        outputs, expected = by_hand(inputs), oracle(inputs)
        torch.testing.assert_close(outputs.detach(), expected.detach())
        outputs.sin().mean().backward()
        by_hand.backward()
        expected.sin().mean().backward()
        for one, two in zip(net.parameters(), oracle.parameters(), strict=True):
            torch.testing.assert_close(one.grad, two.grad)


def test_inputs_stay_as_they_are():
    net, inputs = mlp((3, 8, 1), activation=RELU), torch.randn(4, 3)
    for weight in net.parameters():
        weight.grad = torch.zeros_like(weight)
    by_hand, before = Backprop(net), inputs.clone()
    by_hand(inputs).sum().backward()
    by_hand.backward()
    assert torch.equal(inputs, before)
