"""Bubblewrap around one Python process that imports what notebooks need."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from grader.bubblewrap import COURSE, HANDED_IN, HOME, Limits, site_packages, wrapped

END_SECONDS = 5


class Wrapped:
    """A process that runs `grader.inside`, and bubblewrap around it.

    Args:
        plan: what it is told; where things are is added.
        packages, folder: what it may import, and what was handed in.
        limits: what it may use.
        descriptors: those that it takes over.
        contained: False runs the same process without bubblewrap.
        with_rights: it may make sandboxes inside of this one.
    """

    def __init__(
        self,
        plan: dict,
        packages: str,
        folder: Path,
        limits: Limits,
        descriptors: Sequence[int],
        *,
        contained: bool = True,
        with_rights: bool = False,
    ) -> None:
        self._contained, self.first = contained, None
        plan |= {"limits": limits.inside()}
        places = (COURSE, HOME, HANDED_IN) if contained else (packages, str(folder), "")
        plan |= dict(zip(("packages", "work", "copy_from"), places, strict=True))
        around, read = [], []
        if contained:
            around, read = wrapped(packages, folder, limits, with_rights=with_rights)
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                [*around, *_command(plan)],
                env=_environment(plan["work"]),
                cwd="/" if contained else folder,
                pass_fds=[*descriptors, *read],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                preexec_fn=_begin,
            )
        finally:
            for descriptor in read:
                os.close(descriptor)

    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def meet(self, warm: psutil.Process) -> None:
        """Nothing: what is inside is known without it."""

    def processes(self) -> list[psutil.Process]:
        """Every process inside; once it has ended, its number is somebody else's."""
        if not self.lives():
            return []
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def last_words(self) -> str:
        """Why it did not start."""
        self._errors.seek(0)
        lines = self._errors.read()[-4000:].decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it did not answer"

    def end(self) -> None:
        """Kill what is inside first: bubblewrap takes its dead child away with it, then ends."""
        inside = self.processes()
        for process in inside:
            kill(process.pid)
        if not (self._contained and inside):
            self._process.kill()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """Let go of what it said."""
        self._errors.close()


def kill(pid: int) -> None:
    """Kill a process that may be gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _command(plan: dict) -> list[str]:
    python = os.path.realpath(sys.executable)
    program = f"{plan['packages']}/grader/inside.py"
    plan["path"] = [plan["packages"], *site_packages()]
    return [python, "-s", "-S", "-P", "-B", program, json.dumps(plan)]


def _begin() -> None:
    """What the first process does before it is bubblewrap: Ctrl-C is its parent's to answer."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it dies with its parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
