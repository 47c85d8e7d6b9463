"""The border between answers and judging: only plain numbers pass, copied."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.exercise import Refused


def plain(value: Any, name: str) -> NDArray[np.float64]:
    """A float64 copy of a number, array, tensor or list of numbers of exactly those types.

    Subclasses are refused, since their methods could answer whatever is asked.

    Raises:
        Refused: the value is something else; the sentence calls it `name`.
    """
    if value is None:
        raise Refused(f"{name} is None; does the function end with return?")
    if type(value) in (list, tuple):
        return _stacked(value, name)
    torch = sys.modules.get("torch")
    if torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter):
        value = value.detach().cpu().numpy()
    number = type(value) in (bool, int, float) or (
        isinstance(value, np.generic) and type(value).__module__ == "numpy"
    )
    if not number and type(value) is not np.ndarray:
        kind = type(value).__name__
        raise Refused(f"{name} is of type {kind}; return a number, a numpy array or a tensor.")
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise Refused(f"{name} has dtype {array.dtype}; return real numbers.")
    return np.array(array, dtype=np.float64)


def _stacked(values: list | tuple, name: str) -> NDArray[np.float64]:
    parts = [plain(value, f"{name}[{i}]") for i, value in enumerate(values)]
    shapes = {part.shape for part in parts}
    if len(shapes) > 1:
        raise Refused(f"{name} is a list of unequal parts; return one number a step.")
    return np.stack(parts) if parts else np.zeros(0)


def encode(value: Any) -> Any:
    """JSON-ready form of plain data: arrays with shape and dtype, floats to 12 digits."""
    if isinstance(value, np.ndarray):
        flat = [encode(item) for item in value.ravel().tolist()]
        return {"dtype": str(value.dtype), "shape": list(value.shape), "data": flat}
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    return value


def decode(value: Any) -> Any:
    """What `encode` was given, but for digits beyond the twelfth."""
    if isinstance(value, dict) and value.keys() == {"dtype", "shape", "data"}:
        return np.array(value["data"], dtype=value["dtype"]).reshape(value["shape"])
    if isinstance(value, dict):
        return {key: decode(item) for key, item in value.items()}
    return value
