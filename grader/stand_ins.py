"""No double penalty: while an answer is driven, earlier answers it may call are right ones.

And no free lunch: right answers that it was not given do not work meanwhile.
"""

import contextlib
import functools
import inspect
import sys
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import numpy as np
from torch import Tensor

from grader.exercise import Exercise, Refused


@contextlib.contextmanager
def stand_ins(exercise: Exercise, answer: Any) -> Iterator[None]:
    """Bind `exercise.replaces` in the answer's globals, and hide rlcore's `exercise.yours`.

    Meanwhile no other right answer that lies about here works, under whatever name it was kept:
    neither rlcore's namesakes nor what later exercises would be given. This is for those who call
    what they find. Who patches what runs here can undo it; that cannot be excluded.
    """
    for part in _parts(answer):
        owner = str(getattr(part, "__module__", ""))
        if f"{owner}.".startswith(("rlcore.", "grader.exercises.")):
            name, package = getattr(part, "__name__", type(part).__name__), owner.partition(".")[0]
            raise Refused(f"this is {package}'s own {name}; this one is yours to write.")
    lent = [True]
    patches = [(namespace, exercise.replaces) for namespace in _namespaces(answer)]
    if exercise.yours:
        top = sys.modules["rlcore"]
        for module in [top, *filter(inspect.ismodule, vars(top).values())]:
            hidden = {n: _yours_to_write(n) for n in exercise.yours if n in vars(module)}
            patches.append((vars(module), hidden))
    before = [{n: namespace.get(n, _MISSING) for n in names} for namespace, names in patches]
    codes = [(function, function.__code__) for function in _right_elsewhere(exercise)]
    try:
        for (namespace, names), own in zip(patches, before, strict=True):
            namespace.update({n: _like(own[n], right, lent) for n, right in names.items()})
        for function, _ in codes:
            function.__code__ = _not_yours.__code__
        yield
    finally:
        lent.clear()
        for function, code in codes:
            function.__code__ = code
        for (namespace, _), names in zip(patches, before, strict=True):
            namespace.update({n: value for n, value in names.items() if value is not _MISSING})
            for n in [n for n, value in names.items() if value is _MISSING]:
                namespace.pop(n, None)


_MISSING = object()


def _right_elsewhere(exercise: Exercise) -> list[FunctionType]:
    """Functions that know an answer which is not given to this exercise."""
    from grader.exercises import EXERCISES

    given = [id(right) for right in exercise.replaces.values()]
    others = [one for one in EXERCISES if isinstance(one, Exercise)]
    found = [right for one in others for right in one.replaces.values() if id(right) not in given]
    found = [right for right in found if right.__module__.startswith("grader")]
    for thing in [getattr(sys.modules.get("rlcore"), name, None) for name in exercise.yours]:
        found += vars(thing).values() if inspect.isclass(thing) else [thing]
    bare = {id(one): one for one in map(inspect.unwrap, found) if isinstance(one, FunctionType)}
    return [one for one in bare.values() if not one.__code__.co_freevars]


def _not_yours(*args: Any, **kwargs: Any) -> None:
    from grader.exercise import Refused  # it runs with the globals of another function

    raise Refused("it calls a right answer that it was not given; this one is yours to write")


def _like(own: Any, right: Any, lent: list[bool]) -> Any:
    """The right answer, which gives arrays where the student's own gives arrays.

    Who writes numpy throughout goes on with the methods of arrays; tensors do not have them. Once
    `lent` is empty it gives nothing.
    """
    if right.__module__.startswith("rlcore"):  # its functions give arrays, and are everybody's
        return right

    @functools.wraps(right)
    def earlier(*args: Any, **kwargs: Any) -> Any:
        if not lent:
            _not_yours()
        result = right(*args, **kwargs)
        if not callable(own) or type(result) is not Tensor or result.requires_grad:
            return result
        with contextlib.suppress(Exception):
            if isinstance(own(*args, **kwargs), np.ndarray | np.generic):
                return result.numpy()
        return result

    del earlier.__wrapped__
    return earlier


def _parts(answer: Any) -> tuple[Any, ...]:
    """The functions or classes that were handed in together."""
    return answer if isinstance(answer, tuple) else (answer,)


def _yours_to_write(name: str) -> Any:
    def reminder(*args: Any, **kwargs: Any) -> None:
        raise Refused(f"it calls rlcore's {name}; this one is yours to write.")

    return reminder


def _namespaces(answer: Any) -> list[dict[str, Any]]:
    """The globals an answer looks names up in: its functions', and the notebook's."""
    found = [sys.modules["__main__"].__dict__]
    functions = list(_parts(answer))
    for part in _parts(answer):
        functions += vars(part).values() if inspect.isclass(part) else []
    for function in functions:
        namespace = getattr(inspect.unwrap(function), "__globals__", None)
        if isinstance(namespace, dict) and not any(namespace is other for other in found):
            found.append(namespace)
    return found
