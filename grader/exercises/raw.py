"""What came out of a driver, read where no student's code runs: it may be anything."""

import numpy as np
from numpy.typing import NDArray

from grader.exercise import Observables, Refused

Array = NDArray[np.float64]


def any_shape(raw: Observables, name: str) -> Array:
    """One array.

    Raises:
        Refused: it is missing.
    """
    found = raw.get(name)
    if found is None:
        raise Refused(f"{name} is missing")
    return found


def taken(raw: Observables, name: str, *shape: int | None) -> Array:
    """One array of as many axes as `shape` names; a None there lets any size pass.

    Raises:
        Refused: it is missing or of another shape.
    """
    found = any_shape(raw, name)
    sizes = found.shape if found.ndim == len(shape) else None
    if sizes is None or any(w not in (None, s) for w, s in zip(shape, sizes, strict=True)):
        raise Refused(f"{name} has a shape that cannot be read")
    return found
