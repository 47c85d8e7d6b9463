"""The class of all attackers and two honest students, graded once; the same two on their own."""

import hashlib
import os
import secrets
import shutil
import socket
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from attacks.attack import GAE, PLACES, POINTS, cells
from attacks.catalogue import ATTACKS, FIRST

from grader.bubblewrap import MIB, Limits
from grader.build import build_course, read_source, sources
from grader.course import Course
from grader.grade import Options, grade_class
from grader.hidden import ROOT
from grader.intake import Refusal
from grader.rebuild import read_notebook
from grader.reporting import write_reports_of
from grader.result import Result

# Endless ones are to end soon; what is honest needs a tenth of it.
LIMITS = Limits(
    cell_seconds=2.0,
    notebook_seconds=8.0,
    submission_seconds=8.0,
    wall_factor=2.5,
    memory=1536 * MIB,
    disk_bytes=96 * MIB,
    kept_bytes=2 * MIB,
    output_bytes=24 * MIB,
)
CLASS = ATTACKS if os.environ.get("ATTACKS") == "all" else FIRST
HONEST = {
    "honest-full": cells(honest=tuple(POINTS[GAE]), armed=False, study=True),
    "honest-zero": cells(honest=(), armed=False),
}


@dataclass
class World:
    """What there was around the class, and what became of it."""

    folder: Path
    canary: str = field(default_factory=lambda: f"rlcore-canary-{secrets.token_hex(16)}")
    calls: list[str] = field(default_factory=list)
    most_memory: int = 0
    results: dict[str, Result] = field(default_factory=dict)
    alone: dict[str, Result] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    before: dict[str, object] = field(default_factory=dict)
    after: dict[str, object] = field(default_factory=dict)

    @property
    def course(self) -> Course:
        """The course of the class with the attackers."""
        return Course(self.folder / "course")

    @property
    def course_alone(self) -> Course:
        """The course of the two on their own."""
        return Course(self.folder / "alone")

    def watched(self) -> dict[str, object]:
        """What no attacker may change: files, and what this process holds."""
        tops = (self.folder / "canaries", self.folder / "class", self.folder / "temporary")
        course = [self.course.root / name for name in ("source", "release", "nbgrader_config.py")]
        files = {str(p): _digest(p) for top in (*tops, *course) for p in [top, *top.rglob("*")]}
        return files | {"descriptors": len(os.listdir("/proc/self/fd"))}


def _digest(path: Path) -> str:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 10**9:
        return "no file"
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The class, graded."""
    world = World(tmp_path_factory.mktemp("attacks"))
    build_course(world.course.root, say=lambda text: None)
    shutil.copytree(world.course.root, world.course_alone.root)
    with pytest.MonkeyPatch.context() as patch, socket.socket() as listener:
        (world.folder / "temporary").mkdir()
        patch.setenv("TMPDIR", str(world.folder / "temporary"))
        patch.setattr("tempfile.tempdir", None)
        patch.setenv("GRADER_SECRET", world.canary)
        patch.setenv("RLCORE_SECRET_OF_THE_INSTRUCTOR", world.canary)
        _plant(world)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        _listen(listener, world)
        port = listener.getsockname()[1]
        _hand_in(world, port)
        world.alone = _graded(world.folder / "honest", world.course_alone, [])
        world.before = world.watched()
        with _measured(world):
            for source in (world.folder / "class", world.folder / "canvas.zip"):
                if source.exists():
                    world.results |= _graded(source, world.course, world.refusals)
        write_reports_of(world.course, world.results.values())
        world.after = world.watched()
        listener.shutdown(socket.SHUT_RDWR)
    yield world


def _graded(source: Path, course: Course, refusals: list[Refusal]) -> dict[str, Result]:
    """Results by login, through the door of `grader grade`."""
    options = Options(jobs=2, limits=LIMITS, refuse=refusals.append)
    return {done.result.student.login: done.result for done in grade_class(source, course, options)}


def _plant(world: World) -> None:
    """Secrets in files: a home, and a folder that nobody but the instructor should see."""
    for name in (".grader-secret", "home/.profile", "home/notes.txt", "solutions/gae.py"):
        path = world.folder / "canaries" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {world.canary}\n")


def _listen(listener: socket.socket, world: World) -> None:
    """Whoever calls is noted."""

    def accept() -> None:
        while True:
            try:
                line, address = listener.accept()
            except OSError:
                return
            world.calls.append(str(address))
            line.close()

    threading.Thread(target=accept, daemon=True).start()


def _hand_in(world: World, port: int) -> None:
    """Write everybody's submission."""
    notebooks = {}
    for name in POINTS:
        source = read_source(next(path for path in sources() if path.stem == name))
        released = read_notebook(world.course.root / "release" / name / f"{name}.ipynb")
        notebooks[name] = source, released
    for name, make in HONEST.items():
        for place in ("class", "honest"):
            make(world.folder / place / name / GAE, *notebooks[GAE])
    for attack in CLASS:
        top = world.folder / ("packages" if attack.package else "class")
        attack.make(top / attack.name / attack.assignment, *notebooks[attack.assignment])
        _fill_in(top / attack.name, world, port)
    _collect(world)


def _fill_in(folder: Path, world: World, port: int) -> None:
    """Put the session's places where a submission names them."""
    places = ("canaries", str(port), "course", "class")
    values = [p if p.isdigit() else str(world.folder / p) for p in places]
    known = dict(zip(PLACES, (values[0], values[1], values[2], values[3], str(ROOT)), strict=True))
    for path in folder.rglob("*"):
        if path.suffix in (".ipynb", ".py") and path.is_file() and not path.is_symlink():
            content = path.read_bytes() if path.stat().st_size < 10**7 else b""
            if any(name.encode() in content for name in known):
                for name, value in known.items():
                    content = content.replace(name.encode(), value.encode())
                path.write_bytes(content)


def _collect(world: World) -> None:
    """All packages in one export."""
    packages = sorted((world.folder / "packages").rglob("export.zip"))
    if not packages:
        return
    with zipfile.ZipFile(world.folder / "canvas.zip", "w", zipfile.ZIP_DEFLATED) as export:
        for path in packages:
            with zipfile.ZipFile(path) as package:
                for info in package.infolist():
                    export.writestr(info, package.read(info))


class _measured:
    """Note the most memory that this process or one of its workers used meanwhile."""

    def __init__(self, world: World) -> None:
        self.world, self.over = world, threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        me = psutil.Process()
        while not self.over.wait(0.1):
            for process in [me, *me.children()]:
                try:
                    used = process.memory_info().rss
                except psutil.Error:
                    continue
                self.world.most_memory = max(self.world.most_memory, used)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self.thread.join()
