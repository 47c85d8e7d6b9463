"""grader: tells students what is wrong and why, and gives instructors marks they can trust."""

from grader.hidden import probe
from grader.visible import check, hint

__all__ = ["check", "hint", "probe"]
