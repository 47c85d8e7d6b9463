"""A warm process that outlives submissions: a new sandbox is a fork of it.

Imports take longer than anything else that is done for a submission. A zygote has done them once,
inside bubblewrap, and never runs a line of a student's: what it forks makes itself name spaces and
empty file systems, and gives up every right before it is sent a first cell; see `grader.apart`.
"""

import atexit
import json
import logging
import os
import select
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from grader import seccomp
from grader.bubblewrap import Limits, own_uid, sizes
from grader.wrapped import END_SECONDS, Wrapped

LOGGER = logging.getLogger(__name__)
# What torch imports at the first `MultivariateNormal`, sympy above all: notebook 06 names it.
ONCE = ["torch.fx.experimental.symbolic_shapes"]


class Zygote:
    """Forks sandboxes for submissions that lie in a folder, or each in one below it.

    Args:
        packages, folder, limits: as of a sandbox.
        requests: of the one that another process has begun; without it one is begun here.
    """

    def __init__(
        self, packages: str, folder: Path, limits: Limits, requests: socket.socket | None = None
    ) -> None:
        self.serves = _served(packages, folder, limits)
        self.folder, self.limits, self._closed = folder, limits, False
        self._process: Wrapped | None = None
        if requests is not None:
            self.requests = requests
            return
        self.requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        plan = {"requests": theirs.fileno(), "more": ONCE, "filter": seccomp.program().hex()}
        with theirs:
            ends = [theirs.fileno()]
            self._process = Wrapped(plan, packages, folder, limits, ends, with_rights=True)

    def lives(self, seconds: float = 0.0) -> bool:
        """Whether it is there; one that is dying is given time to."""
        return not self._closed and not select.select([self.requests], [], [], seconds)[0]

    def fork(
        self, folder: Path, notebooks: Mapping[str, int], more: Sequence[str], ends: list[int]
    ) -> "Forked":
        """The processes of a new sandbox, which sees a folder and speaks on these descriptors.

        Raises:
            OSError: nobody hears it, or there are too many.
        """
        request = {
            "notebooks": notebooks,
            "more": more,
            "sizes": sizes(folder, self.limits),
            "part": str(folder.relative_to(self.folder)),
            "user": own_uid(),
            "processors": sorted(os.sched_getaffinity(0)),
        }
        socket.send_fds(self.requests, [json.dumps(request).encode()], ends)
        return Forked(self)

    def last_words(self) -> str:
        """Why it did not start."""
        return self._process.last_words() if self._process else "it did not answer"

    def close(self) -> None:
        """End it and everything that it has forked; of another process's, let go."""
        if self._closed:
            return
        self._closed = True
        self.requests.close()
        if self._process is not None:
            self._process.end()
            self._process.close()


class Forked:
    """The processes of a sandbox that a zygote has forked, once its warm process is known."""

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote
        self.first: psutil.Process | None = None

    def meet(self, warm: psutil.Process) -> None:
        """Its warm process, whose parent is its first process, with which all others end."""
        first = warm.parent()
        if first is None:
            raise psutil.NoSuchProcess(warm.pid)
        self._exit = os.pidfd_open(first.pid)
        self.first = first

    def lives(self) -> bool:
        """Whether it has not ended."""
        return self.first is not None and not select.select([self._exit], [], [], 0)[0]

    def processes(self) -> list[psutil.Process]:
        """Every process inside."""
        try:
            first = self.first
            return [] if first is None else [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def last_words(self) -> str:
        """Why it did not start."""
        return self._zygote.last_words()

    def end(self) -> None:
        """Kill everything inside.

        Where nobody has said which processes these are, the zygote is ended with them; another
        process's is let go, and they end since nobody speaks to them.
        """
        if self.first is None:
            self._zygote.close()
        elif self.lives():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._exit, signal.SIGKILL)
            select.select([self._exit], [], [], END_SECONDS)

    def close(self) -> None:
        """Let go of it."""
        if self.first is not None:
            os.close(self._exit)


def kept_zygote(packages: str, folder: Path, limits: Limits) -> Zygote | None:
    """The one of this process, begun anew where it served others; None once it has failed."""
    for zygote in _KEPT:
        if zygote.serves == _served(packages, folder, limits):
            return zygote if zygote.lives() else None
    close_kept()
    try:
        _KEPT.append(Zygote(packages, folder, limits))
    except OSError as error:
        LOGGER.info("no zygote could be started: %s", error)
    return next(iter(_KEPT), None)


def use(zygote: Zygote) -> None:
    """Keep this one, which another process has begun, as the one of this process."""
    _KEPT.append(zygote)


def _served(packages: str, folder: Path, limits: Limits) -> tuple[object, ...]:
    """What a zygote is for; a folder that was made anew is another one."""
    return packages, os.stat(packages).st_ino, folder, os.stat(folder).st_ino, limits


def close_kept() -> None:
    """End the one of this process."""
    while _KEPT:
        _KEPT.pop().close()


_KEPT: list[Zygote] = []
atexit.register(close_kept)
os.register_at_fork(after_in_child=_KEPT.clear)  # it is the parent's
