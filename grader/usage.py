"""CPU time of all that runs in a sandbox, what has died in it included; and its memory.

Linux adds a process's time to its parent's when that waits for it, and forgets it where the parent
ignores SIGCHLD. A control group forgets nothing: there is one for each sandbox where this machine
lets us make it, and else a tally of what can be seen.
"""

import itertools
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

MOUNTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
_NUMBERS = itertools.count()
Key = tuple[int, float]
LOOK_SECONDS, MUCH = 1.0, 256 << 20


class Group:
    """A control group, of version 2; its processes are those that `enter` it and theirs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def enter(self, pid: int) -> bool:
        """Whether a process belongs to it from now on, with what it will start."""
        with suppress(OSError):
            (self.path / "cgroup.procs").write_text(str(pid))
            return True
        return False

    def cpu_seconds(self) -> float:
        """CPU time of all that ever belonged to it."""
        lines = (self.path / "cpu.stat").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("usage_usec")).split()[1]) / 1e6

    def pids(self) -> set[int]:
        """The processes of it that have not ended."""
        lines = (self.path / "cgroup.procs").read_text().split()
        return set(map(int, lines)) - {0}  # which Linux may say of one that is just ending

    def close(self) -> None:
        """Remove it; those who have just died are in it for a moment longer."""
        for _ in range(50):
            with suppress(FileNotFoundError, OSError):
                return self.path.rmdir()
            time.sleep(0.002)


def make_group() -> Group | None:
    """A group below that of this process; None where none can be made."""
    with suppress(OSError):
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        own = [line.removeprefix("0::") for line in lines if line.startswith("0::")]
        for top in [Path(mount + name) for mount in MOUNTS for name in own]:
            if (top / "cgroup.procs").is_file():
                _remove_stale(top)
                path = top / f"grader-{os.getpid()}-{next(_NUMBERS)}"
                path.mkdir()
                if (path / "cpu.stat").is_file():
                    return Group(path)
                path.rmdir()
    return None


def _remove_stale(top: Path) -> None:
    """Remove the groups of graders that were killed."""
    for path in top.glob("grader-*-*"):
        if not psutil.pid_exists(int(path.name.split("-")[1])):
            with suppress(OSError):
                path.rmdir()


class Tally:
    """CPU time of processes that come and go, as far as it shows in looks at them.

        Σ_alive (own + children's) + max(0, last seen of the gone − growth of children's)

    The second term is what nobody waited for. The whole never falls. What lives from after one look
    to before the next, and is not waited for, is missed; the wall clock ends that.
    """

    def __init__(self) -> None:
        self._seen: dict[Key, tuple[float, float]] = {}
        self._gone = self._waited_for = self._most = 0.0

    def look(self, found: Mapping[Key, tuple[float, float]]) -> float:
        """The seconds so far; `found` has own and children's time by process and its birth."""
        before, self._seen = self._seen, dict(found)
        self._gone += sum(sum(times) for key, times in before.items() if key not in found)
        grown = (times[1] - before.get(key, (0.0, 0.0))[1] for key, times in found.items())
        self._waited_for += sum(grown)
        lost = max(self._gone - self._waited_for, 0.0)
        self._most = max(self._most, sum(sum(times) for times in found.values()) + lost)
        return self._most


class Memory:
    """Bytes that processes have together, those that several share counted once (PSS).

    To count so takes 15 ms a process: it is done once a second, and as soon as much has come.
    """

    def __init__(self) -> None:
        self._looked, self._resident = 0.0, 0

    def exceeds(
        self, most: int, processes: list[psutil.Process], first: psutil.Process | None = None
    ) -> bool:
        """Whether they have more than so many.

        What they share with processes outside counts in full where `first`, one of them, has no
        page but such: else the more sandboxes of a zygote there are, the more each could take.
        """
        resident = _bytes(processes, "rss")  # shared ones counted many times
        soon = time.monotonic() < self._looked + LOOK_SECONDS
        if resident <= most or (soon and resident < self._resident + MUCH):
            return False
        self._looked, self._resident = time.monotonic(), resident
        total = _bytes(processes, "pss")
        if first is not None:
            with suppress(psutil.Error):  # who may not look at it has a zygote for each worker
                zygote = first.memory_full_info()
                total += max(zygote.rss - len(processes) * zygote.pss, 0)
        return total > most


def _bytes(processes: list[psutil.Process], kind: str) -> int:
    total = 0
    for process in processes:
        with suppress(psutil.Error):  # it has vanished
            info = process.memory_info() if kind == "rss" else process.memory_full_info()
            total += getattr(info, kind)
    return total
