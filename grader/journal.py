"""The journal of a course: every result once it is there, in a file that only grows.

Whoever is killed loses at most the line that was being written, which is not read again.
"""

import json
import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from grader.result import Result

_RESULT = TypeAdapter(Result)


class Journal:
    """Results by key, and by place the keys of the last one and of that in the gradebook."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results: dict[str, Result] = {}
        self.recorded: dict[tuple[str, str], str] = {}
        self.last: dict[tuple[str, str], str] = {}
        for line in path.read_bytes().splitlines() if path.is_file() else []:
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError, ValidationError):
                continue  # torn when somebody pulled the plug

    def _take(self, entry: Any) -> None:
        if "result" in entry:
            self._keep(entry["key"], _RESULT.validate_python(entry["result"]))
        else:
            student, assignment = entry["recorded"]
            self.recorded[student, assignment] = self.last[student, assignment] = entry["key"]

    def _keep(self, key: str, result: Result) -> None:
        self.results[key] = result
        self.last[result.student.login, result.assignment] = key

    def knows(self, assignment: str | None) -> bool:
        """Whether it has a result of this assignment, or, if it is None, of any."""
        return any(assignment in (None, name) for _, name in self.last)

    def add(self, key: str, result: Result) -> None:
        """Keep a result."""
        self._keep(key, result)
        self._write({"key": key, "result": _RESULT.dump_python(result, mode="json")})

    def note_recorded(self, key: str, result: Result) -> None:
        """Keep that a result stands in the gradebook."""
        place = result.student.login, result.assignment
        self.recorded[place] = self.last[place] = key
        self._write({"recorded": place, "key": key})

    def _write(self, entry: Any) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(entry).encode() + b"\n"
        with open(self.path, "ab+") as file:
            if file.tell() and _last_byte(file) != b"\n":
                line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _last_byte(file: Any) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def digest(paths: Iterable[Path], *parts: str, below: Path = Path()) -> str:
    """A fingerprint of texts, and of files with their places in the folder `below`."""
    total = sha256(repr(parts).encode())
    for path in paths:
        content = sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(below)} {content}\n".encode())
    return total.hexdigest()


def files_below(folder: Path) -> list[Path]:
    """Every file in a folder and below it, links left out."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def digest_of_grader() -> str:
    """A fingerprint of all that decides a verdict beside the submission and its master."""
    root = Path(__file__).resolve().parent.parent
    folders = (root / "grader", root / "rlcore", root / "solutions" / "answer_key")
    return digest((path for top in folders for path in sorted(top.rglob("*.py"))), below=root)
