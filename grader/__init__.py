"""grader: tells students what is wrong and why, and gives instructors marks they can trust."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.hidden import probe
    from grader.visible import check, hint

__all__ = ["check", "hint", "probe"]


def __getattr__(name: str) -> Any:
    """`check`, `hint` and `probe`, imported when they are asked for: torch takes a second."""
    if name == "probe":
        from grader.hidden import probe

        return probe
    if name in __all__:
        from grader import visible

        return getattr(visible, name)
    raise AttributeError(f"module 'grader' has no attribute {name!r}")
