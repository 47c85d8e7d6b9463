"""What an answer was found to be worth, and why: plain data."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class GroupResult:
    """Points of one group of cases."""

    name: str
    earned: float
    points: float


@dataclass(frozen=True)
class Verdict:
    """The outcome for one answer: plain data, without code and without the inputs.

    `where` names the first group that is wrong, `difference` what differed in it; `misconception`
    is set when exactly one known wrong answer gives the very numbers of this one.
    """

    exercise: str
    points: float
    max_points: float
    groups: tuple[GroupResult, ...]
    unwritten: bool = False
    where: str = ""
    difference: str = ""
    misconception: str = ""
    hint: str = ""

    @property
    def correct(self) -> bool:
        """Whether it earned every point."""
        return all(group.earned == group.points for group in self.groups)

    def to_json(self) -> dict[str, Any]:
        """Plain data for a notebook output or a report."""
        return asdict(self)
