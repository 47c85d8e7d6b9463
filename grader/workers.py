"""Worker processes, and the folder they work in."""

import ctypes
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil

MEMORY, ROOM = Path("/dev/shm"), 1 << 30  # a file system, and bytes of it for each worker
GARBAGE = 50_000  # new objects before any are collected: environments make many, and few in cycles


class Pool:
    """Processes on this machine, or an executor that somebody else provides."""

    def __init__(self, jobs: int, executor: Executor | None = None) -> None:
        self.jobs, self._given = jobs, executor
        self._executor: Executor | None = executor
        self._first: tuple[Any, ...] = ()
        self._ahead: list[tuple[Any, Future]] = []

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self._given is None and self._executor is not None:
            self._stop(now=kind is not None)

    def begin(self, jobs: int, function: Callable, *arguments: Any) -> None:
        """Start so many processes on this machine; each does that first, whatever comes of it."""
        self._first = function, *arguments
        for _ in range(jobs if self._given is None else 0):
            self._submit(os.getpid)

    def start(self, function: Callable, piece: Any, *rest: Any) -> None:
        """Begin with a piece of the work that `map` will be given."""
        self._ahead.append((piece, self._submit(function, piece, *rest)))

    def waits(self) -> bool:
        """Whether processes on this machine could be given more than was begun."""
        return self._given is None and self._has_room(future for _, future in self._ahead)

    def _has_room(self, futures: Iterable[Future]) -> bool:
        """One more than can run, so that none waits; who is to run alone is given alone."""
        return sum(not future.done() for future in futures) < self.jobs + (self.jobs > 1)

    def map(self, function: Callable, work: Sequence[Any], *rest: Any) -> Iterator[tuple[Any, Any]]:
        """Each piece of work with what came of it, or with the exception, as they end."""
        running = {future: piece for piece, future in self._ahead if piece in work}
        waiting = [piece for piece in work if piece not in running.values()]
        while waiting or running:
            while waiting and self._has_room(running):
                piece = waiting.pop(0)
                running[self._submit(function, piece, *rest)] = piece
            future = wait(running, return_when="FIRST_COMPLETED").done.pop()
            yield running.pop(future), future.exception() or future.result()

    def _submit(self, function: Callable, *arguments: Any) -> Future:
        for _ in range(2):
            if self._executor is None:
                context = get_context("spawn")
                begin: Any = (_begin, (os.getpid(), self._processors(context), *self._first))
                self._executor = ProcessPoolExecutor(self.jobs, context, *begin)
            try:
                return self._executor.submit(function, *arguments)
            except BrokenProcessPool:
                self._executor = self._given
        raise RuntimeError("no worker process can be started")

    def _processors(self, context: Any) -> Any:
        """One for each worker where there are as many: its sandbox and it take turns.

        A message to a process on another processor, which may sleep by then, takes longer.
        """
        processors, own = context.SimpleQueue(), os.sched_getaffinity(0)
        for one in own if len(own) == self.jobs else ():
            processors.put(one)
        return processors

    def _stop(self, now: bool) -> None:
        executor = self._executor
        if now and isinstance(executor, ProcessPoolExecutor):
            for process in list((executor._processes or {}).values()):
                process.kill()
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)


def _begin(parent: int, processors: Any, first: Callable | None = None, *arguments: Any) -> None:
    """A worker begins: it dies with its parent, leaves Ctrl-C to it, and uses one thread."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not processors.empty():
        os.sched_setaffinity(0, {processors.get()})
    os.umask(0o022)
    gc.set_threshold(GARBAGE)
    import torch

    from grader.inside_shell import postpone_compiler

    torch.set_num_threads(1)
    postpone_compiler()
    gc.freeze()
    if first is not None:
        with suppress(Exception):  # which will be told where there is work
            first(*arguments)


def work_folder(top: Path, room: float) -> Path:
    """A fresh folder for this process: in memory if so many bytes are free there, else below `top`.

    On a disk, ext4 above all, files are slow to make where many have just been deleted. Only
    root's is in memory: where others have logged out, systemd removes what they have there.
    """
    prefix = f"{_family()}{os.getpid()}-"
    with suppress(OSError):
        if os.geteuid() == 0 and shutil.disk_usage(MEMORY).free >= room:
            return Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY))
    top.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=top))


def remove_stale(top: Path) -> None:
    """Remove the folders of processes that were killed."""
    for folder in [place for parent in (top, MEMORY) for place in parent.glob(f"{_family()}*-*")]:
        with suppress(OSError, ValueError, OverflowError):  # anybody may make such names in memory
            pid = int(folder.name.removeprefix(_family()).partition("-")[0])
            if folder.lstat().st_uid == os.geteuid() and not psutil.pid_exists(pid):
                shutil.rmtree(folder)  # which follows no link


def _family() -> str:
    """How the names begin that belong to processes whose numbers mean something here."""
    space = Path("/proc/self/ns/pid")
    return f"grader-{space.stat().st_ino if space.exists() else 0}-"
