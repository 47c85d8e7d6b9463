"""What an instructor has been given, laid out as nbgrader's submitted/<login>/<assignment>/.

It comes as nbgrader's own folders, a folder of notebooks, one notebook, or an export of Canvas or
Moodle, packed or unpacked. Nothing in it is trusted, and nothing is left out without being named.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from grader.archives import Archives
from grader.names import Names
from grader.result import Student, Submission
from grader.unpack import EMPTY, IntakeLimits, Item, Problem, Unfit, file_item, unzip, walk
from grader.words import printable

LIMITS = IntakeLimits()


@dataclass(frozen=True)
class Refusal:
    """Something that was not taken, and why.

    With `whole` it stands in the place of a submission, to be recorded as zero under `code`;
    without, what else the student handed in was taken.
    """

    where: str
    code: str
    text: str
    student: Student | None = None
    assignment: str = ""
    whole: bool = False


@dataclass(frozen=True)
class Intake:
    """Submissions by login, in the order of the assignments, and all that was not taken."""

    submissions: tuple[Submission, ...]
    refused: tuple[Refusal, ...]


def take_in(
    source: Path,
    course_root: Path,
    assignments: Sequence[str],
    taken: Callable[[Sequence[Submission]], None] = lambda submissions: None,
    *,
    assignment: str | None = None,
    limits: IntakeLimits = LIMITS,
) -> Intake:
    """Submissions found in `source`, each in its folder below course_root/submitted.

    A folder there is replaced in one step, and only if its content differs. If `source` is
    submitted/ itself, or in it, its folders stay as they are: what was refused still lies there
    and must be neither followed nor copied.

    Args:
        source: a folder, a zip, or a notebook.
        course_root: the course; its source/ tells notebooks apart that have lost their names.
        assignments: names of the course's assignments.
        taken: told of each student's submissions, once they lie in their folders.
        assignment: take only this one, and take a notebook that is none by name or cells for it.
        limits: what is too large.

    Raises:
        FileNotFoundError: there is no such source.
    """
    names = Names(assignments, course_root / "source")
    source = source.resolve(strict=True)
    desk = _Desk(source, course_root, names, assignment or "", limits, taken)
    with ExitStack() as stack:
        try:
            desk.take(desk.items(stack))
        except Unfit as problem:
            desk.refuse(printable(source.name), problem.args)
    return Intake(tuple(desk.submissions), tuple(desk.refused))


@dataclass
class _Desk:
    """Where hand-ins arrive, and what became of them."""

    source: Path
    root: Path
    names: Names
    asked: str
    limits: IntakeLimits
    taken: Callable[[Sequence[Submission]], None]
    submissions: list[Submission] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    @cached_property
    def in_place(self) -> bool:
        """Whether the source is the course's own submitted/."""
        return self.source.is_relative_to((self.root / "submitted").resolve())

    def refuse(self, where: str, problem: Any, *of: Any) -> None:
        """Note what was not taken; `of` is student, assignment, and whether it is all of it."""
        code, text = problem
        self.refused.append(Refusal(where, code, f"{where} {text}", *of))

    def items(self, stack: ExitStack) -> list[Item]:
        """Every file of the source."""
        if self.source.is_dir():
            return list(walk(self.source))
        item = file_item(self.source, self.source.name)
        if not item.ends(".zip"):
            return [item]
        if item.size > self.limits.export:
            raise Unfit("oversize", f"has {item.size:,} bytes; {self.limits.export:,} are allowed.")
        items = unzip(stack.enter_context(self.source.open("rb")), "", self.limits)
        paths = [item.path for item in items]
        inner = [PurePosixPath(*path.parts[1:]) for path in paths]
        one_folder = len({path.parts[0] for path in paths}) == 1 and PurePosixPath() not in inner
        if one_folder and self.names.begin_class(inner) and not self.names.begin_class(paths):
            return [item.at(path) for item, path in zip(items, inner, strict=True)]
        return items

    def take(self, items: list[Item]) -> None:
        """Sort the files by student, then take what each handed in."""
        if not self.in_place:
            paths = self.names.student_first([self.names.plain(item.path) for item in items])
            items = [item.at(path) for item, path in zip(items, paths, strict=True)]
        owner = self.names.owner([item.path for item in items], self.source)
        students: dict[str, tuple[Student, list[Item]]] = {}
        for item in items:
            student, renamed = (owner, item) if owner else self.names.whose(item)
            if self.names.can_be_filed(student.login):
                students.setdefault(student.login, (student, []))[1].append(renamed)
            else:
                text = "belongs to nobody, or to a name that nbgrader cannot file."
                self.refuse(item.where, item.problem or ("unknown-student", text))
        for _, (student, handed_in) in sorted(students.items()):
            before = len(self.submissions)
            self._take_student(student, handed_in)
            if mine := self.submissions[before:]:
                self.taken(mine)

    def _take_student(self, student: Student, handed_in: list[Item]) -> None:
        items = list(self._first_names(handed_in))
        if not self.in_place:
            items = list(Archives(self.names, self.limits).opened(items))
        notebooks = self._notebooks(items)
        tried = {self.names.folder(item.path) for item in items} | {name for name, _ in notebooks}
        wanted = [self.asked] if self.asked else self.names.assignments
        homes = {
            id(i): name for (name, _), some in notebooks.items() if name in wanted for i in some
        }
        for name in [name for name in wanted if name in tried] or [self.asked]:
            mine = [item for item in items if self.names.folder(item.path) in ("", name)]
            mine = [item for item in mine if homes.get(id(item), name) == name]
            theirs = {notebook: some for (one, notebook), some in notebooks.items() if one == name}
            if theirs:
                self._take_submission(student, name, theirs, mine)
            elif mine:
                self._refuse_all(student, name, mine)

    def _first_names(self, items: list[Item]) -> Iterator[Item]:
        """The files, latest upload first, under the names they had before they were uploaded."""
        taken = set()
        for item in sorted(items, key=lambda item: -item.upload):
            if item.upload and not item.problem and not item.ends(".ipynb"):
                plain = self.names.original(item.path)
                item = item if plain in taken else item.at(plain)
            taken.add(item.path)
            yield item

    def _notebooks(self, items: list[Item]) -> dict[tuple[str, str], list[Item]]:
        """The files handed in for each (assignment, notebook), the one that counts first."""
        found: dict[tuple[str, str], list[tuple]] = {}
        left = self.limits.submission
        for index, item in enumerate(items):
            if not item.ends(".ipynb") or _is_quiet(item.problem):
                continue
            path, folder = item.path, self.names.folder(item.path)
            word, _, number = self.names.read(path.stem)
            place = self.names.place(word, folder or self.asked)
            if not any(place) and 0 < item.size <= left:
                left -= item.size
                with suppress(Unfit):
                    place = self.names.by_cells(item.read(self.limits.notebook))
            unknown = not any(place)
            if unknown and not word:
                place = self.names.place(folder or self.asked, "")
            copy = -number if item.upload else number  # Canvas counts attempts, others copies
            order = (-item.upload, copy, path.stem != place[1], len(path.parts), index)
            if any(place) and folder in ("", place[0]):
                found.setdefault(place, []).append((unknown, order, item))
        best = {place: sorted(some, key=lambda one: one[:2]) for place, some in found.items()}
        # Where one is known by its name or its cells, the unknown ones are just files.
        return {
            place: [item for unknown, _, item in some if unknown == some[0][0]]
            for place, some in best.items()
        }

    def _take_submission(
        self, student: Student, name: str, notebooks: dict[str, list[Item]], items: list[Item]
    ) -> None:
        folder = self.root / "submitted" / student.login / name
        first = home = next(iter(notebooks.values()))[0]
        if self.in_place:  # nobody renames anything there
            notebooks = {n: i for n, i in notebooks.items() if (folder / f"{n}.ipynb").is_file()}
        content: dict[PurePosixPath, bytes] = {}
        try:
            for notebook, (first, *_) in notebooks.items():
                content[PurePosixPath(f"{notebook}.ipynb")] = first.read(self.limits.notebook)
            if not content:
                raise Unfit("missing-notebook", f"is no notebook of {name} by its name.")
        except Unfit as problem:
            return self.refuse(first.where, problem.args, student, name, True)
        known = {id(item) for some in notebooks.values() for item in some}
        taken = {id(first) for first, *_ in notebooks.values()}
        attempt = ("set-aside", "is another attempt than the one that counts.")
        items = [one for one in items if id(one) not in taken and one.problem != EMPTY]
        items = [one.barred(*attempt) if id(one) in known else one for one in items]
        heads = [first.where for first, *_ in notebooks.values()]
        saved = [where for where in heads if where.lower().endswith((".txt", ".json"))]
        notes = [f"{where} was taken for the notebook that it holds." for where in saved]
        for where, problem in self._collect(content, home.path.parent, items):
            notes.append(f"{where} {problem[1]}")
            if not _is_quiet(problem):
                self.refuse(where, problem, student, name)
        if not self.in_place:
            _file_away(folder, content)
        self.submissions.append(Submission(student, name, folder, first.late, tuple(notes)))

    def _collect(
        self, content: dict[PurePosixPath, bytes], home: PurePosixPath, items: list[Item]
    ) -> Iterator[tuple[str, Problem]]:
        """Add the files beside the notebook, and give those that are not taken."""
        left, folders = self.limits.submission, {PurePosixPath()}
        bases = (home, home.parent) if home.name in self.names.assignments else (home,)
        near = {item.path: bool(self.names.folder(item.path)) for item in items}
        items.sort(key=lambda i: (-i.upload, not near[i.path], len(i.path.parts), i.path))
        for count, item in enumerate(items):
            if count == self.limits.files:
                more = len(items) - count - 1
                yield item.where, ("too-many-files", f"and {more} more are too many.")
                return
            inside = (item.path.relative_to(b) for b in bases if item.path.is_relative_to(b))
            path, most = self.names.at_home(next(inside, item.path)), min(left, self.limits.file)
            try:
                left -= item.size if item.size <= most else 0
                data = item.read(most)
                if path in folders or not content.keys().isdisjoint((path, *path.parents)):
                    raise Unfit("set-aside", "has the name of another file.")
                content[path] = data
                folders.update(path.parents)
            except Unfit as problem:
                yield item.where, problem.args

    def _refuse_all(self, student: Student, name: str, items: list[Item]) -> None:
        """Refuse a submission without a notebook, for the first thing wrong with what is there."""
        bad = [one for one in items if one.problem and not _is_quiet(one.problem)]
        for item in bad[: self.limits.files]:
            self.refuse(item.where, item.problem, student, name, bool(name) and item is bad[0])
        if not bad:
            there = printable(", ".join(str(item.path) for item in items[:5]))
            text = f"handed in no notebook of {name or 'this course'}, but {there}."
            # A folder that nobody said is a student's may be anything.
            lms = bool(student.lms_id) or student.login.startswith("anon_")
            sure = lms or any(self.names.folder(item.path) for item in items)
            whole = bool(name) and sure
            of = student, name if whole else "", whole
            self.refuse(student.login, ("missing-notebook", text), *of)


def _is_quiet(problem: Problem | None) -> bool:
    """Whether it is only noted: nothing is wrong with the file."""
    return problem is not None and problem[0] in ("set-aside", "no-file", EMPTY[0])


def _file_away(folder: Path, content: dict[PurePosixPath, bytes]) -> None:
    """Make a folder hold just these files, in one step; one that does stays as it is."""
    there = {item.path: item for item in (walk(folder) if folder.is_dir() else ())}
    if there.keys() == content.keys() and all(
        not there[path].problem and (folder / path).read_bytes() == data
        for path, data in content.items()
    ):
        return
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    for parent in {path.parent for path in content}:
        (draft / parent).mkdir(parents=True, exist_ok=True)
    for path, data in content.items():
        (draft / path).write_bytes(data)
    if folder.exists():
        shutil.rmtree(folder)
    draft.rename(folder)
