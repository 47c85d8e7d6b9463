"""How drivers call an answer: with fresh arguments, in several layouts, that must not change.

Three inputs are for the driver and not for the answer: `layout` ("float32", for arrays "strided"
too, or "float64" asks for arguments of that kind, and for unchanged ones), `only_keep` (compare
nothing but that), and whatever a driver does not name.

Both kinds of float are asked for: who casts to float64 first works on a copy of float32 arguments,
and on the arguments themselves where they are float64.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grader.exercise import Inputs, Observables, Refused
from grader.plain import plain

Names = tuple[str, ...]


def call(answer: Any, inputs: Inputs, names: Names, knobs: Names, result_name: str) -> Observables:
    """The result of a function of numpy arrays."""
    arguments = [laid_out(inputs[name], inputs.get("layout")) for name in names]
    result = _checked(answer)(*arguments, **{knob: inputs[knob] for knob in knobs})
    return _observed(inputs, names, arguments, {result_name: plain(result, "the result")})


def call_with_tensors(
    answer: Any, inputs: Inputs, names: Names, knobs: Names, result_name: str
) -> Observables:
    """The result of a function of tensors, none of which carries a graph, without autograd."""
    arguments = [torch.from_numpy(laid_out(inputs[n], inputs.get("layout"))) for n in names]
    with torch.no_grad():
        result = _checked(answer)(*arguments, **{knob: inputs[knob] for knob in knobs})
    return _observed(inputs, names, arguments, {result_name: plain(result, "the result")})


def call_closed_form(
    answer: Any, inputs: Inputs, names: Names, knobs: Names, result_name: str
) -> Observables:
    """As `call_with_tensors`, where autograd must not be used.

    Raises:
        Refused: it is.
    """
    with torch.inference_mode(), _without_autograd():
        try:
            return call_with_tensors(answer, inputs, names, knobs, result_name)
        except RuntimeError as error:  # inference mode records no graph, even if asked to
            if "does not require grad" in str(error):
                _refuse_autograd()
            raise


def _refuse_autograd(*args: Any, **kwargs: Any) -> None:
    raise Refused("it asks autograd; write the gradient in closed form")


@contextlib.contextmanager
def _without_autograd() -> Iterator[None]:
    """torch.func, which inference mode does not stop, refuses to differentiate."""
    names = ("grad", "grad_and_value", "jacfwd", "jacrev", "jvp", "vjp")
    before = {name: getattr(torch.func, name) for name in names}
    try:
        for name in names:
            setattr(torch.func, name, _refuse_autograd)
        yield
    finally:
        for name, function in before.items():
            setattr(torch.func, name, function)


def call_loss(answer: Any, inputs: Inputs, names: Names, knobs: Names) -> Observables:
    """`loss` and its `gradient` with respect to the first argument, which alone carries a graph.

    Raises:
        Refused: the loss is no tensor, so that no gradient can flow.
    """
    leaf, *data = [torch.from_numpy(laid_out(inputs[n], inputs.get("layout"))) for n in names]
    leaf.requires_grad_()
    # No leaf, as a network's output is none: autograd itself would refuse to change a leaf.
    arguments = [leaf.clone(), *data]
    loss = _checked(answer)(*arguments, **{knob: inputs[knob] for knob in knobs})
    if type(loss) is not Tensor:
        raise Refused(
            f"the loss is of type {type(loss).__name__}; return a 0-d tensor, so that a gradient "
            "can flow through it"
        )
    value = plain(loss, "the loss")
    gradient = None
    if loss.requires_grad:
        (gradient,) = torch.autograd.grad(loss.sum(), leaf, allow_unused=True)
    found = {"loss": value, "gradient": plain(torch.zeros_like(leaf), "its gradient")}
    if gradient is not None:  # a sample whose gradient is zero may also have no graph
        found["gradient"] = plain(gradient, "its gradient")
    return _observed(inputs, names, arguments, found)


def laid_out(array: NDArray, layout: str | None) -> NDArray:
    """A fresh copy of an argument; floats in float32, rows with gaps in memory, where asked for."""
    if layout is None:
        return array.copy()
    dtype = np.float32 if "float32" in layout and array.dtype.kind == "f" else array.dtype
    array = array.astype(dtype)
    return np.repeat(array, 2, axis=0)[::2] if "strided" in layout else array


def _checked(answer: Any) -> Any:
    if not callable(answer):
        raise Refused("pass the function itself, not what it returns")
    return answer


def _observed(
    inputs: Inputs, names: Names, arguments: list[Any], found: Observables
) -> Observables:
    if "layout" in inputs:
        for name, argument in zip(names, arguments, strict=True):
            now = argument.detach().numpy() if isinstance(argument, Tensor) else argument
            if not np.array_equal(now, inputs[name].astype(now.dtype)):
                raise Refused(f"it changes its argument {name}; work on a new one")
    return {} if inputs.get("only_keep") else found
