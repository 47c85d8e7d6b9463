"""A network looked at without knowing how it is written: what stands behind which output.

That is found by setting one parameter after the other to zero; so a shared trunk and separate ones,
modules and bare parameters are the same to the driver. And a stand-in for a network.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from grader.exercise import Inputs, Refused

OUTPUTS = ("mean", "variance", "values")
DICE, OTHER_DICE = 987654321, 123456789  # seeds of a forward that draws, as no case has them


@dataclass(frozen=True)
class Part:
    """A matrix or a vector of a model; a parameter of three axes is a stack of them.

    Args:
        name: of the parameter, with the place in the stack.
        parameter: which it is, or is a part of.
        place: in the stack; None where there is none.
        numbers: a view of the matrix, with two axes, or of the vector, with one.
        start: a copy of the numbers as they were when the model was made.
        moves: which of mean, variance and values change when it does.
    """

    name: str
    parameter: nn.Parameter
    place: int | None
    numbers: Tensor
    start: Tensor
    moves: tuple[bool, ...]


@dataclass(frozen=True)
class Built:
    """A model as a student's class makes it, and what there is to know of its parameters."""

    model: nn.Module
    states: Tensor
    actions: int
    parts: tuple[Part, ...]

    def behind(self, output: str, axes: int | None = None) -> list[Part]:
        """The matrices (2 axes), vectors (1) or both (None) that change an output."""
        i = OUTPUTS.index(output)
        return [p for p in self.parts if p.moves[i] and axes in (None, p.numbers.ndim)]

    def alone(self, output: str) -> list[Part]:
        """What changes this output and no other."""
        only = tuple(name == output for name in OUTPUTS)
        return [part for part in self.parts if part.moves == only]


def made(answer: Any, inputs: Inputs) -> tuple[nn.Module, Tensor]:
    """A model of the sizes asked for, and states for it.

    Raises:
        Refused: it is no module.
    """
    model = answer(inputs["obs_dim"], inputs["action_dim"])
    if not isinstance(model, nn.Module):
        raise Refused(f"it makes a {type(model).__name__}; inherit from nn.Module")
    return model, torch.tensor(inputs["states"], dtype=torch.float32)


def forward(model: nn.Module, states: Tensor, seed: int = DICE) -> list[Tensor]:
    """Mean, variance and values, whatever their shapes; what is drawn in there depends on `seed`.

    Raises:
        Refused: it returns anything but three tensors.
    """
    torch.default_generator.manual_seed(seed)
    outputs = model(states)
    several = isinstance(outputs, tuple | list)
    if not several or len(outputs) != len(OUTPUTS):
        what = f"{len(outputs)} things" if several else type(outputs).__name__
        raise Refused(f"forward returns {what}; return three tensors: mean, variance, values")
    for name, output in zip(OUTPUTS, outputs, strict=True):
        if type(output) not in (Tensor, nn.Parameter):
            raise Refused(f"the returned {name} is of type {type(output).__name__}, not a tensor")
    return [output.clone() for output in outputs]  # a view of a parameter would move with it


def built(answer: Any, inputs: Inputs) -> Built:
    """A model, with every part set to zero once and put back among other generic numbers."""
    model, states = made(answer, inputs)
    views = [view for one in model.named_parameters() for view in _views(*one)]
    starts = [numbers.clone() for *_, numbers in views]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.3)
        before = forward(model, states)
        parts = []
        for (name, parameter, place, numbers), start in zip(views, starts, strict=True):
            after = _without(model, states, numbers, before)
            form = _matrix if _is_weight(numbers, before, after) else _vector
            moves = _changed(before, after)
            parts.append(Part(name, parameter, place, form(numbers), form(start), moves))
    return Built(model, states, inputs["action_dim"], tuple(parts))


def starts_again(answer: Any, inputs: Inputs, net: Built) -> dict[str, Tensor]:
    """What another model starts with, by the names of the parts of this one.

    Raises:
        Refused: it has other parameters.
    """
    model, _ = made(answer, inputs)
    views = [view for one in model.named_parameters() for view in _views(*one)]
    found = {name: numbers for name, *_, numbers in views}
    if any(p.name not in found or found[p.name].numel() != p.start.numel() for p in net.parts):
        raise Refused("another model of the same sizes has other parameters")
    return {part.name: found[part.name].reshape(part.start.shape) for part in net.parts}


def _views(name: str, parameter: nn.Parameter) -> list[tuple[str, nn.Parameter, Any, Tensor]]:
    numbers = parameter.detach()
    if numbers.ndim != 3:
        return [(name, parameter, None, numbers)]
    return [(f"{name}[{i}]", parameter, i, one) for i, one in enumerate(numbers)]


def _without(
    model: nn.Module, states: Tensor, numbers: Tensor, before: list[Tensor]
) -> list[Tensor]:
    """The outputs when some numbers are zero, or one where zero changes nothing: after a ReLU."""
    kept = numbers.clone()
    numbers.zero_()
    after = forward(model, states)
    if not any(_changed(before, after)):
        numbers.fill_(1.0)
        after = forward(model, states)
    numbers.copy_(kept)
    return after


def _is_weight(numbers: Tensor, before: list[Tensor], after: list[Tensor]) -> bool:
    """Whether it is a matrix: by its shape, or since without it states no longer count."""
    if sum(size > 1 for size in numbers.shape) > 1:
        return True
    pairs = zip(before[::2], after[::2], strict=True)
    return any(_rows_differ(one) and not _rows_differ(other) for one, other in pairs)


def _rows_differ(output: Tensor) -> bool:
    return output.ndim > 0 and bool((output != output[:1]).any())


def _matrix(numbers: Tensor) -> Tensor:
    return numbers if numbers.ndim > 1 else numbers.reshape(1, -1)


def _vector(numbers: Tensor) -> Tensor:
    return numbers.squeeze() if numbers.numel() > 1 else numbers.view(-1)


def _changed(before: list[Tensor], after: list[Tensor]) -> tuple[bool, ...]:
    return tuple(not _equal(one, other) for one, other in zip(before, after, strict=True))


def _equal(one: Tensor, other: Tensor) -> bool:
    return torch.equal(one, other) or torch.equal(one.nan_to_num(), other.nan_to_num())


def by_layer(net: Built, output: str) -> tuple[list[Part], list[Part], list[Part]]:
    """The matrices behind an output, by the layer that their shape says."""
    outs = {net.actions, 1, net.actions + 1}  # one matrix may give mean and value together
    layers: tuple[list[Part], list[Part], list[Part]] = ([], [], [])
    for part in net.behind(output, 2):
        sizes = set(part.numbers.shape)
        at = 0 if net.states.shape[1] in sizes else 2 if sizes & outs else 1
        layers[at].append(part)
    return layers


def filled(net: Built, phase: float) -> list[Tensor]:
    """The outputs after every weight is set to a wave of its indices.

    A wave of the product of both indices is the same for a matrix stored the other way round, and
    for the trunk of the actor and that of the critic. A row that gives the value has index A.
    """
    critic = net.alone("values")
    with torch.no_grad():
        for part in net.parts:
            wave = torch.tensor(phase, dtype=torch.float64)
            for axis, size in enumerate(part.numbers.shape):
                index = torch.arange(1, size + 1)
                if size == 1 and any(part is one for one in critic):
                    index = index + net.actions
                if size == net.actions + 1 and _value_first(net, part.numbers, axis):
                    index = index.roll(1)
                wave = wave.unsqueeze(-1) * index
            part.numbers.copy_(0.25 * wave.cos())
        return forward(net.model, net.states)


def _value_first(net: Built, numbers: Tensor, axis: int) -> bool:
    """Whether of A + 1 outputs the first is the value."""
    before = forward(net.model, net.states)
    numbers.select(axis, 0).add_(1.0)
    moved = _changed(before, forward(net.model, net.states))
    numbers.select(axis, 0).sub_(1.0)
    return moved == (False, False, True)


def as_filled(answer: Any, inputs: Inputs, net: Built) -> list[Tensor] | None:
    """What another model gives with the same parameters, and other draws; None without them."""
    model, states = made(answer, inputs)
    parameters, known = dict(model.named_parameters()), dict(net.model.named_parameters())
    if {n: p.shape for n, p in parameters.items()} != {n: p.shape for n, p in known.items()}:
        return None
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(known[name])
        return forward(model, states, OTHER_DICE)


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
        self.given: list[Tensor] = []

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean and variance (B, A) and values (B,), whatever the type of the states."""
        if not isinstance(states, Tensor):
            raise Refused(f"it gives the model a {type(states).__name__}, not a tensor")
        if states.ndim not in (1, 2):  # a single (obs,) does no harm
            raise Refused(f"it gives the model {tuple(states.shape)}; states are (B, obs)")
        self.given.append(states.detach().clone())
        states = states.to(torch.float32)
        mean = states @ self.weights.T + self.offset
        variance = self.spread + torch.zeros_like(
            mean
        )  # no view: a view has a graph in no_grad too
        return mean, variance, states @ self.critic
