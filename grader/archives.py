"""What students pack beside a notebook, opened within limits."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import BytesIO

from grader.names import Names
from grader.unpack import EMPTY, IntakeLimits, Item, Unfit, unzip

_DEEPEST = 2  # an archive, and one in it


class Archives:
    """The archives of one student: the limits are for all of them together."""

    def __init__(self, names: Names, limits: IntakeLimits) -> None:
        self._names, self._limits = names, limits
        self._bytes, self._entries = limits.submission, limits.entries

    def opened(self, items: Iterable[Item], depth: int = 0) -> Iterator[Item]:
        """The files, with what they hold in the place of archives."""
        for item in items:
            if item.problem or not item.ends(".zip"):
                yield item
            elif depth == _DEEPEST:
                yield item.barred("nested-zip", "is an archive in an archive in an archive.")
            else:
                try:
                    inner = self._inner(item)
                except Unfit as problem:
                    inner = [item.barred(*problem.args)]
                yield from self.opened(inner, depth + 1)

    def _inner(self, item: Item) -> list[Item]:
        most = self._bytes
        self._bytes -= item.size if item.size <= most else 0
        limits = replace(self._limits, entries=self._entries)
        found = unzip(BytesIO(item.read(most)), f"{item.where}/", limits)
        inner = [one.at(self._names.plain(one.path)) for one in found if one.problem != EMPTY]
        if not inner:
            raise Unfit("empty", "is an archive without a file.")
        self._entries -= len(inner)
        plain = self._names.original(item.path).stem
        loose = all(len(one.path.parts) == 1 and not one.ends(".ipynb") for one in inner)
        top = item.path.stem if loose else ""
        folder = item.path.parent / (plain if plain.lower() in self._names.hand_ins else top)
        return [one.at(folder / one.path, upload=item.upload, late=item.late) for one in inner]
