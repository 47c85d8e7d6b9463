"""grader: tells students what is wrong and why, and gives instructors marks they can trust."""

from grader.check import check, hint
from grader.probe import probe

__all__ = ["check", "hint", "probe"]
