"""What the names of handed-in files say: whose they are, of which assignment, which attempt."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from grader.result import Student
from grader.unpack import Item
from grader.words import printable

# <name>[_LATE]_<user>_<upload>_<file>: the first numbers are Canvas's, since a name has none
# between underscores; a file's name may hold others. Without an upload it was typed into Canvas.
_CANVAS = re.compile(
    r"(?P<who>|.+?_)(?P<late>LATE_|)(?P<id>anon_[A-Za-z0-9]+|(?<=_)[1-9]\d*)"
    r"_(?:(?P<upload>[1-9]\d{0,17})_(?P<file>.+)|(?:text|link)\.html)"
)
_MOODLE = re.compile(r"(?P<who>.+?)_(?P<id>\d+)_assign(?P<kind>[a-z]+_[a-z]+)_?(?P<file>.*)")
_COPY = re.compile(r"(?:[ _]?\((\d{1,9})\)|-(?:Copy)?(\d{1,9}))$")
_VERSION = re.compile(r"([ _-]+(final|copy|v\d+))+$", re.IGNORECASE)
_SAVED = re.compile(r"\.ipynb(-\d+| ?\(\d+\)|)\.(txt|json)$", re.IGNORECASE)
_GRADE_ID = re.compile(rb'"grade_id"\s*:\s*"([^"\\]{1,200})"')
HAND_INS = ("logs/3a", "cartpole_agent", "halfcheetah_agent", "lunarlander_agent")
"""Folders that notebooks look for beside them."""
_NO_FILE = ("no-file", "is text or feedback, and no file that was handed in.")


@dataclass
class Names:
    """The names of a course's assignments, as files bear them."""

    assignments: Sequence[str]
    sources: Path

    @cached_property
    def notebooks(self) -> dict[str, list[str]]:
        """The names of each assignment's notebooks; of its own where source/ has none."""
        found = {name: (self.sources / name).glob("*.ipynb") for name in self.assignments}
        return {name: sorted(p.stem for p in paths) or [name] for name, paths in found.items()}

    @cached_property
    def hand_ins(self) -> dict[str, PurePosixPath]:
        """The folders that this course's notebooks speak of, each by its last part."""
        paths = [
            path for name in self.assignments for path in (self.sources / name).glob("*.ipynb")
        ]
        texts = [path.read_bytes() for path in paths]
        used = [one for one in HAND_INS if any(one.encode() in text for text in texts)]
        return {PurePosixPath(one).name: PurePosixPath(one) for one in used}

    def at_home(self, path: PurePosixPath) -> PurePosixPath:
        """Where notebooks look for a file: those of a folder that is handed in lie in it."""
        for depth in reversed(range(len(path.parts) - 1)):
            if home := self.hand_ins.get(path.parts[depth].lower()):
                return home.joinpath(*path.parts[depth + 1 :])
        return path

    @cached_property
    def _homes(self) -> dict[bytes, tuple[str, str]]:
        """The assignment and notebook of each grade_id, empty where several have it."""
        homes: dict[bytes, tuple[str, str]] = {}
        for name, notebook in self._places():
            path = self.sources / name / f"{notebook}.ipynb"
            for cell in set(_GRADE_ID.findall(path.read_bytes() if path.is_file() else b"")):
                homes[cell] = ("", "") if cell in homes else (name, notebook)
        return homes

    def _places(self) -> list[tuple[str, str]]:
        return [(name, notebook) for name, some in self.notebooks.items() for notebook in some]

    def by_cells(self, notebook: bytes) -> tuple[str, str]:
        """The one (assignment, notebook) whose cells are in it; not parsed: it may be anything."""
        cells = {self._homes.get(match[1], ("", "")) for match in _GRADE_ID.finditer(notebook)}
        cells.discard(("", ""))
        return cells.pop() if len(cells) == 1 else ("", "")

    def place(self, word: str, assignment: str) -> tuple[str, str]:
        """The (assignment, notebook) that a name read from a file stands for, if it is one.

        Args:
            word: what `read` found: an assignment's name, or a notebook's.
            assignment: where it lies, if that is known: assignments may share names of notebooks.
        """
        places = [place for place in self._places() if word in place]
        here = [place for place in places if place[0] == assignment] if assignment else places
        exact = [place for place in here if place[1] == word] or here
        return exact[0] if len(exact) == 1 else ("", "")

    def read(self, stem: str) -> tuple[str, str, int]:
        """The assignment or notebook a name holds, what else it says, and which copy it is."""
        copy = _COPY.search(stem)
        number = int(copy[1] or copy[2]) if copy else 0
        for name in sorted({n for place in self._places() for n in place}, key=len, reverse=True):
            if found := re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", stem):
                before = stem[: found.start()].removeprefix("Copy of ")
                behind = _VERSION.sub("", _COPY.sub("", stem[found.end() :]))
                left = f"{before}{behind}".strip(" _-.()")
                return name, left, number if found.end() < len(stem) else 0
        return "", stem, number

    def plain(self, path: PurePosixPath) -> PurePosixPath:
        """A path in one spelling, without what browsers put behind the name of a notebook."""
        return PurePosixPath(_SAVED.sub(r"\1.ipynb", unicodedata.normalize("NFC", str(path))))

    def folder(self, path: PurePosixPath) -> str:
        """The assignment in whose folder a file lies."""
        return next((part for part in path.parts if part in self.assignments), "")

    def can_be_filed(self, login: str) -> bool:
        """Whether nbgrader can keep a student's folder of this name."""
        plain = login.isprintable() and not set(login) & set("*?[]/\\:") and login[:1] != "."
        return plain and 0 < len(login.encode()) <= 200 and login not in self.assignments

    def student_first(self, paths: Sequence[PurePosixPath]) -> list[PurePosixPath]:
        """The paths, where folders of students lie in an assignment's the other way round.

        Folders are students' if at least two in one assignment's hold a notebook.
        """
        below = [path for path in paths if path.parts[0] in self.assignments and path.parts[2:]]
        folders = {path.parts[:2] for path in below if path.suffix == ".ipynb"}
        if len(folders) == len({assignment for assignment, _ in folders}):
            return list(paths)
        turned = {
            path: PurePosixPath(path.parts[1], path.parts[0], *path.parts[2:]) for path in below
        }
        return [turned.get(path, path) for path in paths]

    def begin_class(self, paths: Iterable[PurePosixPath]) -> bool:
        """Whether one of them begins with a student, as in an export or in nbgrader's layout."""
        return any(
            _MOODLE.fullmatch(path.parts[0])
            or _CANVAS.fullmatch(str(path))
            or (len(path.parts) > 2 and path.parts[1] in self.assignments)
            for path in paths
            if path.parts
        )

    def owner(self, paths: Sequence[PurePosixPath], source: Path) -> Student | None:
        """Whose all of it is, if nothing in the source bears the name of a student."""
        tops = {PurePosixPath(path.parts[0]) for path in paths}
        heads = [top for top in tops if top.suffix == ".ipynb" or top.name in self.assignments]
        named = any(self.read(head.stem)[1] for head in heads) or self.begin_class(paths)
        if named or not heads:
            return None
        is_folder = source.is_dir()
        first = source.name if is_folder else self.plain(PurePosixPath(source.name)).stem
        above = (first, *(folder.name for folder in source.parents))
        return Student(next(filter(None, (self.read(name)[1] for name in above)), ""))

    def whose(self, item: Item) -> tuple[Student, Item]:
        """The student a path begins with, and the file by the rest of its path."""
        first, rest = item.path.parts[0], PurePosixPath(*item.path.parts[1:])
        match, canvas = _MOODLE.fullmatch(first), _CANVAS.fullmatch(first)
        # What comes first is the export's own; the rest may be a name that a student chose.
        if match and not (canvas and canvas.start("id") < match.start("id")):
            slug = "-".join(re.findall(r"\w+", match["who"].lower()))[:60]
            student = Student(f"{slug}_{match['id']}", printable(match["who"]), match["id"])
            is_file = match["kind"] == "submission_file"
            return student, item.at(match["file"] / rest) if is_file else item.barred(*_NO_FILE)
        if rest.parts:
            return Student(first), item.at(rest)
        if canvas:
            lms_id = canvas["id"] if canvas["id"].isdecimal() else ""
            student = Student(canvas["who"] + canvas["id"], lms_id=lms_id)
            if not canvas["file"]:
                return student, item.barred(*_NO_FILE)
            upload, late = int(canvas["upload"]), bool(canvas["late"])
            return student, item.at(PurePosixPath(canvas["file"]), upload=upload, late=late)
        is_work = item.ends(".ipynb", ".zip")
        return Student(self.read(item.path.stem)[1] if is_work else ""), item

    def original(self, path: PurePosixPath) -> PurePosixPath:
        """The name before Canvas numbered it: of a second `a.zip` it makes `a-1.zip`."""
        stem = _COPY.sub("", path.stem)
        return path.with_name(stem + path.suffix) if stem.strip(".") else path
