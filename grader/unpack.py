"""Files in folders and archives that strangers made: listed, and read within limits.

Nothing is written here, no link is followed, no size and no name is believed.
"""

import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any

from grader.words import printable

_JUNK = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_DEEPEST = 30
_CHUNK = 1 << 16

Problem = tuple[str, str]
"""Why a file is not taken: a code for tables, and the rest of a sentence that its name begins."""
EMPTY: Problem = ("empty-folder", "is an empty folder.")


@dataclass(frozen=True)
class IntakeLimits:
    """What may be handed in.

    Args:
        notebook: bytes of a notebook.
        file: bytes of any other file.
        submission: bytes of all files beside a notebook, and of all archives of a student.
        files: files beside a notebook.
        export: bytes of an archive of a whole class.
        entries: names in the archive of a class, and in all archives of a student.
    """

    notebook: int = 20 << 20
    file: int = 16 << 20
    submission: int = 64 << 20
    files: int = 500
    export: int = 4 << 30
    entries: int = 20_000


class Unfit(Exception):
    """Something that is not taken; its `args` are a Problem."""


@dataclass(frozen=True)
class Item:
    """A file that was not opened yet, and never will be if it has a problem.

    Args:
        path: below the folder, archive or student it belongs to.
        where: what people call it: its first name, behind that of its archive.
        size: bytes, as it says; more are never read.
        packed: bytes it takes in its archive.
        upload: Canvas's number of it; the later the larger.
        late: Canvas says so.
    """

    path: PurePosixPath
    where: str
    opened: Callable[[], IO[bytes]]
    size: int = 0
    packed: int = 0
    problem: Problem | None = None
    upload: int = 0
    late: bool = False

    def at(self, path: PurePosixPath, **changes: Any) -> "Item":
        """The same file at another path, with a problem if that is unsafe."""
        return replace(self, path=path, problem=self.problem or _problem(str(path)), **changes)

    def barred(self, code: str, text: str) -> "Item":
        """The same file, not to be opened."""
        return replace(self, problem=(code, text))

    def ends(self, *suffixes: str) -> bool:
        """Whether its name ends so."""
        return self.path.suffix.lower() in suffixes

    def read(self, most: int) -> bytes:
        """All of its bytes.

        Raises:
            Unfit: they are more than `most`, or cannot or may not be read.
        """
        if self.problem:
            raise Unfit(*self.problem)
        data = bytearray()
        try:
            if self.size <= most:
                with self.opened() as file:
                    while len(data) <= most and (chunk := file.read(_CHUNK)):
                        data += chunk
        except Exception as error:  # zipfile fails in more ways than it documents
            raise Unfit("unreadable", f"cannot be read ({printable(str(error))}).") from None
        if max(self.size, len(data)) > most:
            code = "zip-bomb" if self.size > 100 * self.packed > 0 else "oversize"
            raise Unfit(code, f"has {self.size:,} bytes; {most:,} are allowed.")
        return bytes(data)


def walk(folder: Path, inside: str = "") -> Iterator[Item]:
    """Every visible file below a folder, in order of name; links are named, never followed.

    An empty folder is there as a file that has the problem EMPTY.
    """
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path, name = Path(entry.path), f"{inside}{entry.name}"
        if _hidden(name):
            continue
        item = file_item(path, name)
        if entry.is_dir(follow_symlinks=False) and not item.problem:
            try:
                inside_it = walk(path, f"{name}/")
                yield next(inside_it, _empty(name))
                yield from inside_it
                continue
            except PermissionError:
                item = item.barred("unreadable", "is a folder that cannot be read.")
        yield item


def file_item(path: Path, name: str) -> Item:
    """A file on disk, under a name."""
    status, opened = path.lstat(), partial(open, path, "rb", opener=_open)
    problem = _problem(name, status.st_mode)
    return Item(_path(name), _shown(name), opened, status.st_size, 0, problem)


def unzip(file: IO[bytes], where: str, limits: IntakeLimits) -> list[Item]:
    """Every visible file of an archive, in its order, to be read while `file` is open.

    An empty folder is there as a file that has the problem EMPTY.

    Raises:
        Unfit: it is no zip, or a broken one, or has too many names.
    """
    bounded: Any = _Bounded(file, max(_CHUNK, 512 * limits.entries))
    try:
        archive = zipfile.ZipFile(bounded)
    except Unfit:
        raise
    except Exception as error:
        text = f"is no zip that can be read ({printable(str(error))})."
        raise Unfit("not-a-zip", text) from None
    entries = archive.infolist()
    if len(entries) > limits.entries:
        raise Unfit("zip-bomb", f"holds {len(entries):,} names; {limits.entries:,} are allowed.")
    items = [item for info in entries if (item := _zipped(archive, info, where))]
    there = [
        item.path.parent if item.problem else item.path
        for item in items
        if item.problem in (None, EMPTY)
    ]
    full = {folder for path in there for folder in path.parents}
    return [item for item in items if item.problem != EMPTY or item.path.parent not in full]


class _Bounded:
    """A file that gives a little at a time: nobody reads a list of a million names from it."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._most = file, most

    def read(self, size: int = -1) -> bytes:
        if size > self._most:
            raise Unfit("zip-bomb", "has a list of names that is far too long.")
        return self._file.read(size if size >= 0 else self._most)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> Item | None:
    name = info.orig_filename
    if not info.flag_bits & 0x800:  # bytes of no stated encoding, which zipfile takes for cp437
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    problem = _problem(name, info.external_attr >> 16)
    if _hidden(name):
        return None
    if problem is None and name.endswith(("/", "\\")):
        return _empty(name, where)
    if info.flag_bits & 1:
        problem = problem or ("unreadable", "is encrypted.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile unpacks the other kinds without a bound.
        problem = problem or ("unreadable", "is packed in another way than deflate.")
    opened, shown = partial(archive.open, info), _shown(f"{where}{name}")
    return Item(_path(name), shown, opened, info.file_size, info.compress_size, problem)


def _empty(name: str, where: str = "") -> Item:
    return Item(_path(name) / "(empty)", _shown(f"{where}{name}"), BytesIO, problem=EMPTY)


def _problem(name: str, mode: int = 0) -> Problem | None:
    """Why a file of this name and kind is not opened."""
    path = _path(name)
    if path.is_absolute() or re.match(r"[A-Za-z]:", name):
        return "unsafe-path", "has an absolute path."
    if ".." in path.parts or not path.parts:
        return "unsafe-path", "has a path that leads out of its folder."
    odd = "" if name.isprintable() else name
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in odd):
        return "unsafe-path", "has a name with control characters, or in an unknown encoding."
    too_long = len(name.encode()) > 1000 or any(len(part.encode()) > 255 for part in path.parts)
    if too_long or len(path.parts) > _DEEPEST:
        return "unsafe-path", "has a path that is too long."
    if stat.S_ISLNK(mode):
        return "link", "is a link; links are not followed."
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "special-file", "is a device, a pipe or a socket."
    return None


@lru_cache(1024)
def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))


def _hidden(name: str) -> bool:
    parts = _path(name).parts
    return not parts or any(p in _JUNK or (p[0] == "." and p != "..") for p in parts)


def _shown(name: str) -> str:
    return printable(name if len(name) <= 200 else f"{name[:200]}…")


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
