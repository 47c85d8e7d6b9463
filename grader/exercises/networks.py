"""A network looked at without knowing how it is written: what stands behind which output.

That is found by moving one parameter after the other; so a shared trunk and separate ones, modules
and bare parameters are the same to the driver. And a stand-in for a network.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from grader.exercise import Inputs, Refused

OUTPUTS = ("mean", "variance", "values")


@dataclass(frozen=True)
class Built:
    """A model as a student's class makes it, and what there is to know of its parameters.

    Args:
        start: copies of the parameters, as they were when it was made.
        moves: which of mean, variance and values change when a parameter does.
    """

    model: nn.Module
    states: Tensor
    actions: int
    start: dict[str, Tensor]
    moves: dict[str, tuple[bool, ...]]

    def behind(self, output: str, axes: int) -> list[str]:
        """The names of the matrices (2 axes) or vectors (1) that change an output."""
        i = OUTPUTS.index(output)
        return [n for n, moved in self.moves.items() if moved[i] and self.start[n].ndim == axes]

    def alone(self, output: str) -> list[str]:
        """The names of the parameters that change this output and no other."""
        only = tuple(name == output for name in OUTPUTS)
        return [name for name, moved in self.moves.items() if moved == only]


def made(answer: Any, inputs: Inputs) -> tuple[nn.Module, Tensor]:
    """A model of the sizes asked for, and states for it.

    Raises:
        Refused: it is no module.
    """
    model = answer(inputs["obs_dim"], inputs["action_dim"])
    if not isinstance(model, nn.Module):
        raise Refused(f"it makes a {type(model).__name__}; inherit from nn.Module")
    return model, torch.tensor(inputs["states"], dtype=torch.float32)


def forward(model: nn.Module, states: Tensor) -> list[Tensor]:
    """Mean, variance and values, whatever their shapes.

    Raises:
        Refused: it returns anything but three tensors.
    """
    outputs = model(states)
    if type(outputs) not in (tuple, list) or len(outputs) != len(OUTPUTS):
        what = (
            f"{len(outputs)} things" if type(outputs) in (tuple, list) else type(outputs).__name__
        )
        raise Refused(f"forward returns {what}; return three tensors: mean, variance, values")
    for name, output in zip(OUTPUTS, outputs, strict=True):
        if type(output) not in (Tensor, nn.Parameter):
            raise Refused(f"the returned {name} is of type {type(output).__name__}, not a tensor")
    return [output.clone() for output in outputs]  # a view of a parameter would move with it


def built(answer: Any, inputs: Inputs) -> Built:
    """A model, with every parameter moved once and put back among other generic numbers."""
    model, states = made(answer, inputs)
    parameters = dict(model.named_parameters())
    start = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    moves = {}
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.normal_(0.0, 0.3)
        before = forward(model, states)
        for name, parameter in parameters.items():
            kept = parameter.clone()
            parameter.add_(torch.rand_like(kept) + 0.1)
            moves[name] = _changed(before, forward(model, states))
            parameter.copy_(kept)
    return Built(model, states, inputs["action_dim"], start, moves)


def _changed(before: list[Tensor], after: list[Tensor]) -> tuple[bool, ...]:
    pairs = zip(before, after, strict=True)
    return tuple(not torch.equal(one.nan_to_num(), other.nan_to_num()) for one, other in pairs)


def by_layer(net: Built, output: str) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """The initial matrices behind an output, by the layer that their shape says."""
    outs = {net.actions, 1, net.actions + 1}  # one matrix may give mean and value together
    layers: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])
    for name in net.behind(output, 2):
        sizes = set(net.start[name].shape)
        at = 0 if net.states.shape[1] in sizes else 2 if sizes & outs else 1
        layers[at].append(net.start[name])
    return layers


def filled(net: Built, phase: float) -> list[Tensor]:
    """The outputs after every weight is set to a wave of its indices.

    A wave of the product of both indices is the same for a matrix stored the other way round, and
    for the trunk of the actor and that of the critic. A row that gives the value has index A.
    """
    parameters = dict(net.model.named_parameters())
    critic = net.alone("values")
    with torch.no_grad():
        for name, parameter in parameters.items():
            wave = torch.tensor(phase, dtype=torch.float64)
            for axis, size in enumerate(parameter.shape):
                index = torch.arange(1, size + 1)
                if size == 1 and name in critic:
                    index = index + net.actions
                if size == net.actions + 1 and _value_first(net, parameter, axis):
                    index = index.roll(1)
                wave = wave.unsqueeze(-1) * index
            parameter.copy_(0.25 * wave.cos())
        return forward(net.model, net.states)


def _value_first(net: Built, parameter: Tensor, axis: int) -> bool:
    """Whether of A + 1 outputs the first is the value."""
    before = forward(net.model, net.states)
    parameter.select(axis, 0).add_(1.0)
    moved = _changed(before, forward(net.model, net.states))
    parameter.select(axis, 0).sub_(1.0)
    return moved == (False, False, True)


class Model(nn.Module):
    """A stand-in for the student's network: linear, of float32, one variance for all states."""

    weights: nn.Parameter
    offset: nn.Parameter
    spread: nn.Parameter
    critic: nn.Parameter

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        for name in ("weights", "offset", "spread", "critic"):
            number = torch.tensor(inputs[name], dtype=torch.float32)
            self.register_parameter(name, nn.Parameter(number))
        self.bits: set[int] = set()

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean and variance (B, A) and values (B,), whatever the type of the states."""
        if not isinstance(states, Tensor):
            raise Refused(f"it gives the model a {type(states).__name__}, not a tensor")
        if states.ndim not in (1, 2):  # a single (obs,) does no harm
            raise Refused(f"it gives the model {tuple(states.shape)}; states are (B, obs)")
        self.bits.add(states.dtype.itemsize * 8)
        states = states.to(torch.float32)
        mean = states @ self.weights.T + self.offset
        variance = self.spread + torch.zeros_like(
            mean
        )  # no view: a view has a graph in no_grad too
        return mean, variance, states @ self.critic
