"""A warm process that outlives submissions: a new sandbox is a fork of it.

Imports take longer than anything else that is done for a submission. A zygote has done them once,
inside bubblewrap, and never runs a line of a student's: what it forks makes itself name spaces and
empty file systems, and gives up every right before it is sent a first cell; see `grader.apart`.
"""

import atexit
import json
import os
import select
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from grader import seccomp
from grader.bubblewrap import Limits, own_uid, sizes
from grader.wrapped import END_SECONDS, Wrapped


class Zygote:
    """Forks sandboxes for submissions that lie, one after the other, in the same folder.

    Args:
        packages, folder, limits: as of a sandbox.
    """

    def __init__(self, packages: str, folder: Path, limits: Limits) -> None:
        self.packages, self.folder, self.limits = packages, folder, limits
        self.lives = True
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        plan = {
            "requests": theirs.fileno(),
            "more": [],
            "user": own_uid(),
            "filter": seccomp.program().hex(),
        }
        with theirs:
            ends = [theirs.fileno()]
            self._process = Wrapped(plan, packages, folder, limits, ends, with_rights=True)

    def fork(self, notebooks: Mapping[str, int], more: Sequence[str], ends: list[int]) -> "Forked":
        """The processes of a new sandbox, which speak on these descriptors.

        Raises:
            OSError: nobody hears it, or there are too many.
        """
        room = sizes(self.folder, self.limits)
        request = {"notebooks": notebooks, "more": more, "sizes": room}
        socket.send_fds(self._requests, [json.dumps(request).encode()], ends)
        return Forked(self)

    def last_words(self) -> str:
        """Why it did not start."""
        return self._process.last_words()

    def close(self) -> None:
        """End it and everything that it has forked."""
        self.lives = False
        self._requests.close()
        self._process.end()
        self._process.close()


class Forked:
    """The processes of a sandbox that a zygote has forked, once its warm process is known."""

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote
        self._first: psutil.Process | None = None

    def meet(self, warm: psutil.Process) -> None:
        """Its warm process, whose parent is its first process, with which all others end."""
        self._first = warm.parent()
        if self._first is not None:
            self._exit = os.pidfd_open(self._first.pid)

    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._first is not None and not select.select([self._exit], [], [], 0)[0]

    def processes(self) -> list[psutil.Process]:
        """Every process inside."""
        try:
            first = self._first
            return [] if first is None else [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def last_words(self) -> str:
        """Why it did not start."""
        return self._zygote.last_words()

    def end(self) -> None:
        """Kill everything inside; the zygote, too, if nobody has said which processes these are."""
        if self._first is None:
            self._zygote.close()
        elif self.lives():
            signal.pidfd_send_signal(self._exit, signal.SIGKILL)
            select.select([self._exit], [], [], END_SECONDS)

    def close(self) -> None:
        """Let go of it."""
        if self._first is not None:
            os.close(self._exit)


def kept_zygote(packages: str, folder: Path, limits: Limits) -> Zygote | None:
    """This process's zygote, begun anew where it served others; None where it has come to grief."""
    wanted = (packages, folder, limits)
    for zygote in _KEPT:
        if (zygote.packages, zygote.folder, zygote.limits) == wanted:
            return zygote if zygote.lives else None
    close_kept()
    _KEPT.append(Zygote(*wanted))
    return _KEPT[0]


def close_kept() -> None:
    """End this process's zygote."""
    while _KEPT:
        _KEPT.pop().close()


_KEPT: list[Zygote] = []
atexit.register(close_kept)
