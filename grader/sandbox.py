"""A sandbox for one submission: bubblewrap around one warm process that forks its kernels.

No network, no file but interpreter, packages, the course's two packages and a copy of the
submission, a clean environment, an ordinary user's rights at most. All of it dies when the
sandbox is closed, or with the process that opened it.
"""

import compileall
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import psutil

from grader.bubblewrap import (
    COURSE,
    HANDED_IN,
    HOME,
    Limits,
    SandboxError,
    explained,
    site_packages,
    wrapped,
)
from grader.course import ROOT
from grader.usage import Group, Key, Memory, Tally, make_group
from grader.wire import Channel, Lost

START_SECONDS = 120
END_SECONDS = 5
STILL = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD, psutil.STATUS_STOPPED)


class Bundle:
    """The packages that a sandbox sees, compiled, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.packages = folder
        for name in ("rlcore", "grader"):
            shutil.copytree(ROOT / name, self.packages / name, ignore=_left_out)
        compileall.compile_dir(self.packages, quiet=1)
        for path in [self.packages, *self.packages.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def _left_out(folder: str, names: list[str]) -> list[str]:
    """Rlcore's losses, which students write themselves; compiled ones too."""
    return [name for name in names if name.startswith("losses.") and "rlcore" in folder]


class Sandbox:
    """A running sandbox.

    Args:
        bundle: the packages.
        folder: holds a folder for each notebook, which becomes its working folder.
        notebooks: for each notebook, how many witnesses it may need.
        limits: what it may use.
        more: modules that its warm process imports besides those that all notebooks need.
        contained: False runs the same processes without bubblewrap.

    Raises:
        SandboxError: it does not start.
    """

    def __init__(
        self,
        bundle: Bundle,
        folder: Path,
        notebooks: Mapping[str, int],
        limits: Limits,
        more: Sequence[str] = (),
        *,
        contained: bool = True,
    ) -> None:
        self._contained, packages = contained, str(bundle.packages)
        pairs = {name: [_pair() for _ in range(n + 1)] for name, n in notebooks.items()}
        self.channels = {name: _channels(ends) for name, ends in pairs.items()}
        ours, theirs = _pair()
        self.control = Channel(ours, one_sender=True)
        inside = [theirs, *(end for ends in pairs.values() for _, end in ends)]
        plan = {
            "control": theirs.fileno(),
            "notebooks": {name: [e.fileno() for _, e in ends] for name, ends in pairs.items()},
            "limits": limits.inside(),
            "more": more,
            **_places(packages, str(folder), contained),
        }
        around, descriptors = wrapped(packages, folder, limits) if contained else ([], [])
        self._errors = tempfile.TemporaryFile()
        self._group, self._tally, self._memory = make_group(), Tally(), Memory()
        try:
            self._process = subprocess.Popen(
                [*around, *_command(plan)],
                env=_environment(plan["work"]),
                cwd="/" if contained else folder,
                pass_fds=[*(end.fileno() for end in inside), *descriptors],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                preexec_fn=partial(_begin, self._group),
            )
        finally:
            _close(inside, descriptors)
        self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            ready = self.control.receive(START_SECONDS)
        except Lost:
            ready = None
        if ready != {"ready": True}:
            self._end()
            self._errors.seek(0)
            lines = self._errors.read()[-4000:].decode("utf-8", "replace").strip().splitlines()
            self.close()
            raise SandboxError(explained(lines[-1] if lines else "it did not answer"))
        if self._group is not None and not self._group.holds(self.control.sender):
            self._group.close()
            self._group = None
        # The warm process and what stands around it. By name, anybody could say to be of them.
        warm = psutil.Process(self.control.sender)
        self._wrappers = {warm.pid, *(parent.pid for parent in warm.parents())}

    def lives_on(self, seconds: float = 0.0) -> bool:
        """Whether its warm process can start another kernel; one that is dying is given time to."""
        try:
            self.control.receive(seconds)
        except Lost:
            return False
        return self._process.poll() is None

    def start_kernel(self, name: str) -> None:
        """Fork the kernel of one notebook; it speaks on `channels[name][0]`.

        Raises:
            Closed: the warm process is gone.
        """
        self.control.send({"start": name})

    def processes(self) -> list[psutil.Process]:
        """Every process inside, the kernels and witnesses included."""
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def runs(self, pid: int) -> bool:
        """Whether a process inside is there, and neither dead nor stopped."""
        try:
            return psutil.Process(pid).status() not in STILL
        except psutil.Error:
            return False

    def cpu_seconds(self) -> float:
        """CPU time of all processes inside, the dead ones included."""
        if self._group is not None:
            return self._group.cpu_seconds()
        return self._tally.look(dict(_times(self.processes())))

    def uses_more_than(self, most: int) -> bool:
        """Whether all processes together use more than so many bytes, shared ones counted once."""
        return self._memory.exceeds(most, list(_present(self.processes())))

    def kill_all_but(self, kept: set[int]) -> None:
        """Kill what notebooks have started, except for these; the warm process stays.

        What forks faster than it can be killed takes the whole sandbox with it.
        """
        kept, until = kept | self._wrappers, time.monotonic() + END_SECONDS
        while found := [p for p in _present(self.processes()) if p.pid not in kept]:
            for process in found:
                _kill(process.pid)
            if time.monotonic() > until:
                return self._end()
            time.sleep(0.002)

    def kill(self, pid: int) -> None:
        """Kill one process, if it is inside."""
        if pid in {process.pid for process in self.processes()}:
            _kill(pid)

    def close(self) -> None:
        """Kill everything inside and let go of every file."""
        self._end()
        if self._group is not None:
            self._group.close()
        self._errors.close()
        self.control.close()
        for channels in self.channels.values():
            for channel in channels:
                channel.close()

    def _end(self) -> None:
        """Kill what is inside first: bubblewrap takes its dead child away with it, then ends."""
        inside = self.processes()
        for process in inside:
            _kill(process.pid)
        if not (self._contained and inside):
            self._process.kill()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _command(plan: dict) -> list[str]:
    python = os.path.realpath(sys.executable)
    program = f"{plan['packages']}/grader/inside.py"
    plan["path"] = [plan["packages"], *site_packages()]
    return [python, "-s", "-S", "-P", "-B", program, json.dumps(plan)]


def _places(packages: str, folder: str, contained: bool) -> dict[str, str]:
    """Where packages and working folders are, and where these are to be copied from, if at all."""
    places = (COURSE, HOME, HANDED_IN) if contained else (packages, folder, "")
    return dict(zip(("packages", "work", "copy_from"), places, strict=True))


def _close(ends: list[socket.socket], descriptors: list[int]) -> None:
    for end in ends:
        end.close()
    for descriptor in descriptors:
        os.close(descriptor)


def _channels(ends: list[tuple[socket.socket, socket.socket]]) -> list[Channel]:
    """To a kernel, whose children may print too, and to witnesses, who answer for themselves."""
    return [Channel(ours, one_sender=number > 0) for number, (ours, _) in enumerate(ends)]


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)


def _times(processes: list[psutil.Process]) -> Iterator[tuple[Key, tuple[float, float]]]:
    """Own CPU time and that of children it waited for, of each; what vanishes is skipped."""
    for process in processes:
        try:
            user, system, *children = process.cpu_times()[:4]
            yield (process.pid, process.create_time()), (user + system, sum(children))
        except psutil.Error:
            continue


def _present(processes: list[psutil.Process]) -> Iterator[psutil.Process]:
    """Those that are still there and not dead; what vanishes meanwhile is skipped."""
    for process in processes:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.Error:
            continue


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _begin(group: Group | None) -> None:
    """What the first process does before it is bubblewrap."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it dies with its parent
    if group is not None:
        group.enter()


def _environment(home: str) -> dict[str, str]:
    return {
        "HOME": home,
        "USER": "student",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NBGRADER_EXECUTION": "autograde",
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "MUJOCO_GL": "egl",
    }
