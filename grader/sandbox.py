"""A sandbox for one submission: bubblewrap around one warm process that forks its kernels.

No network, no file but interpreter, packages, the course's two packages and a copy of the
submission, a clean environment, an ordinary user's rights at most. All of it dies when the
sandbox is closed, or with the process that opened it.
"""

import compileall
import shutil
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from grader.bubblewrap import Limits, SandboxError, explained
from grader.course import ROOT
from grader.usage import Key, Memory, Tally, make_group
from grader.wire import Channel, Lost
from grader.wrapped import END_SECONDS, Wrapped, kill
from grader.zygote import Forked, Zygote

START_SECONDS = 120
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
        zygote: forks it, instead of a bubblewrap of its own; it has the same packages and limits,
            and the folder or the one above it.

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
        zygote: Zygote | None = None,
    ) -> None:
        pairs = {name: [_pair() for _ in range(n + 1)] for name, n in notebooks.items()}
        self.channels = {name: _channels(ends) for name, ends in pairs.items()}
        ours, theirs = _pair()
        self.control = Channel(ours, one_sender=True, arrays=False)
        inside = {name: [end.fileno() for _, end in ends] for name, ends in pairs.items()}
        numbers = [theirs.fileno(), *(number for ends in inside.values() for number in ends)]
        self._group, self._tally, self._memory = make_group(), Tally(), Memory()
        try:
            if zygote is None:
                plan = {"control": numbers[0], "notebooks": inside, "more": more}
                self._around: Wrapped | Forked = Wrapped(
                    plan, str(bundle.packages), folder, limits, numbers, contained=contained
                )
            else:
                counts = {name: len(ends) for name, ends in inside.items()}
                self._around = zygote.fork(folder, counts, more, numbers)
        except BaseException:
            self._let_go()
            raise
        finally:
            _close([theirs, *(end for ends in pairs.values() for _, end in ends)])
        self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            ready = self.control.receive(START_SECONDS)
        except Lost:
            ready = None
        try:
            if ready != {"ready": True}:
                raise SandboxError(ready["failed"] if ready else self._around.last_words())
            warm = psutil.Process(self.control.sender)
            self._around.meet(warm)
            # The warm process and what stands around it. By name, anybody could say to be of them.
            self._wrappers = {warm.pid, *(parent.pid for parent in warm.parents())}
            entered = self._group and [self._group.enter(p.pid) for p in self.processes()]
        except (SandboxError, psutil.Error, OSError) as error:
            self.close()
            raise SandboxError(explained(str(error))) from None
        if self._group is not None and not all(entered or [False]):
            self._group.close()
            self._group = None

    def lives_on(self, seconds: float = 0.0) -> bool:
        """Whether its warm process can start another kernel; one that is dying is given time to."""
        try:
            self.control.receive(seconds)
        except Lost:
            return False
        return self._around.lives()

    def start_kernel(self, name: str) -> None:
        """Fork the kernel of one notebook; it speaks on `channels[name][0]`.

        Raises:
            Closed: the warm process is gone.
        """
        self.control.send({"start": name})

    def processes(self) -> list[psutil.Process]:
        """Every process inside, the kernels and witnesses included."""
        return self._around.processes()

    def _running(self) -> set[int]:
        """The numbers of those that have not ended."""
        if self._group is not None:
            return self._group.pids()
        return {process.pid for process in _present(self.processes())}

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
        processes = list(_present(self.processes()))
        return self._memory.exceeds(most, processes, self._around.first)

    def kill_all_but(self, kept: set[int]) -> None:
        """Kill what notebooks have started, except for these; the warm process stays.

        What forks faster than it can be killed takes the whole sandbox with it.
        """
        kept, until = kept | self._wrappers, time.monotonic() + END_SECONDS
        while found := self._running() - kept:
            for pid in found:
                kill(pid)
            if time.monotonic() > until:
                return self._around.end()
            time.sleep(0.002)

    def kill(self, pid: int) -> None:
        """Kill one process, if it is inside."""
        if pid in {process.pid for process in self.processes()}:
            kill(pid)

    def close(self) -> None:
        """Kill everything inside and let go of every file."""
        self._around.end()
        self._around.close()
        self._let_go()

    def _let_go(self) -> None:
        if self._group is not None:
            self._group.close()
        self.control.close()
        for channels in self.channels.values():
            for channel in channels:
                channel.close()


def _close(ends: list[socket.socket]) -> None:
    for end in ends:
        end.close()


def _channels(ends: list[tuple[socket.socket, socket.socket]]) -> list[Channel]:
    """To a kernel, whose children may print too, and to witnesses, who answer for themselves."""
    (kernel, _), *witnesses = ends
    answers = [Channel(ours, one_sender=True) for ours, _ in witnesses]
    return [Channel(kernel, arrays=False), *answers]


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
    """Those that are still there and not dead; what vanishes meanwhile is skipped.

    One whose first thread has ended looks dead while others of it go on.
    """
    for process in processes:
        try:
            dead = process.status() == psutil.STATUS_ZOMBIE and process.num_threads() < 2
            if process.is_running() and not dead:
                yield process
        except psutil.Error:
            continue
