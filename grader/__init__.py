"""grader: tells students what is wrong and why, and gives instructors marks they can trust."""

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.hidden import probe
    from grader.visible import check, hint

__all__ = ["check", "hint", "probe"]

# With nbformat comes jsonschema, which would compile a grammar of international addresses that no
# notebook's schema asks for: a second in each process. It goes without where that is missing.
sys.modules.setdefault("rfc3987_syntax", None)  # pyright: ignore[reportArgumentType]


def __getattr__(name: str) -> Any:
    """`check`, `hint` and `probe`, imported when they are asked for: torch takes a second."""
    if name in __all__:
        module = importlib.import_module("grader.hidden" if name == "probe" else "grader.visible")
        return getattr(module, name)
    raise AttributeError(f"module 'grader' has no attribute {name!r}")
