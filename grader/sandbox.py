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
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from grader.course import ROOT
from grader.wire import BrokenFrame, Channel, Closed

HOME, COURSE, HANDED_IN = "/student", "/course", "/submission"
START_SECONDS = 120
MIB = 1 << 20
INSTALL = "bubblewrap is not installed (Debian and Ubuntu: apt-get install bubblewrap)"


class SandboxError(Exception):
    """No sandbox could be started: nobody's zero. The text says why and what to do."""


@dataclass(frozen=True)
class Limits:
    """What a submission may use. CPU time decides; wall time, five times as long, ends sleepers.

    Args:
        cell_seconds, notebook_seconds, submission_seconds: of CPU time.
        memory: bytes, of all processes together, shared pages counted once.
        processes, open_files: numbers.
        file_bytes, disk_bytes: one file, and all of them.
        kept_bytes, output_bytes: of one notebook's output: more is cut, and more ends it.
    """

    cell_seconds: float = 30.0
    notebook_seconds: float = 120.0
    submission_seconds: float = 400.0
    wall_factor: float = 5.0
    memory: int = 3072 * MIB
    processes: int = 128
    open_files: int = 256
    file_bytes: int = 64 * MIB
    disk_bytes: int = 256 * MIB
    kept_bytes: int = 4 * MIB
    output_bytes: int = 64 * MIB

    def inside(self) -> dict[str, int]:
        """What every process inside is held to by the operating system."""
        return {
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_FSIZE": self.file_bytes,
            "RLIMIT_DATA": 2048 * MIB,
            "RLIMIT_AS": 4096 * MIB,
            "RLIMIT_CPU": round(2 * self.submission_seconds),
            "RLIMIT_CORE": 0,
        }


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
        *,
        contained: bool = True,
    ) -> None:
        pairs = {name: [_pair() for _ in range(n + 1)] for name, n in notebooks.items()}
        self.channels = {name: [Channel(ours) for ours, _ in ends] for name, ends in pairs.items()}
        ours, theirs = _pair()
        self.control = Channel(ours)
        inside = [theirs, *(end for ends in pairs.values() for _, end in ends)]
        packages, home = (COURSE, HOME) if contained else (str(bundle.packages), str(folder))
        plan = {
            "path": [packages, *_site_packages()],
            "limits": limits.inside(),
            "notebooks": {name: [e.fileno() for _, e in ends] for name, ends in pairs.items()},
            "work": home,
            "copy_from": HANDED_IN if contained else "",
        }
        program = f"{packages}/grader/inside.py"
        python = [os.path.realpath(sys.executable), "-s", "-S", "-P", "-B", program]
        command = [*python, str(theirs.fileno()), json.dumps(plan)]
        self._errors = tempfile.TemporaryFile()
        wrapped, descriptors = (
            _wrapped(str(bundle.packages), folder, limits) if contained else ([], [])
        )
        keep = [*(end.fileno() for end in inside), *descriptors]
        try:
            self._process = subprocess.Popen(
                [*wrapped, *command],
                env=_environment(home),
                cwd="/" if contained else folder,
                pass_fds=keep,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                preexec_fn=_die_with_parent,
            )
        finally:
            for end in inside:
                end.close()
            for descriptor in descriptors:
                os.close(descriptor)
        self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            ready = self.control.receive(START_SECONDS)
        except (Closed, BrokenFrame):
            ready = None
        if ready != {"ready": True}:
            self._process.kill()
            self._process.wait()
            self._errors.seek(0)
            lines = self._errors.read()[-4000:].decode("utf-8", "replace").strip().splitlines()
            self.close()
            raise SandboxError(_explained(lines[-1] if lines else "it did not answer"))

    @property
    def alive(self) -> bool:
        """Whether its warm process can start another kernel."""
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

    def cpu_seconds(self) -> float:
        """CPU time of all processes inside, of the children that they have waited for too."""
        return sum(sum(p.cpu_times()[:4]) for p in _present(self.processes()))

    def uses_more_than(self, most: int) -> bool:
        """Whether all processes together use more than so many bytes, shared ones counted once."""
        processes = self.processes()
        if sum(p.memory_info().rss for p in _present(processes)) <= most:
            return False  # shared ones counted many times, and still not more
        return sum(p.memory_full_info().pss for p in _present(processes)) > most

    def kill_all_but(self, kept: set[int]) -> None:
        """Kill what notebooks have started, except for these; the warm process stays."""
        chain = {self.control.sender}
        for process in self.processes():
            wrapper = process.pid == self.control.sender or process.name() in ("bwrap", "setpriv")
            if wrapper or process.pid in kept or process.pid in chain:
                continue
            _kill(process.pid)

    def close(self) -> None:
        """Kill everything inside and let go of every file."""
        for process in self.processes():
            _kill(process.pid)
        self._process.kill()
        self._process.wait()
        self._errors.close()
        self.control.close()
        for channels in self.channels.values():
            for channel in channels:
                channel.close()


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)


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


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


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


def _site_packages() -> list[str]:
    return list(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))


def _wrapped(packages: str, folder: Path, limits: Limits) -> tuple[list[str], list[int]]:
    """Bubblewrap's command, and the descriptors from which it reads what nobody inside may see."""
    bwrap, setpriv = shutil.which("bwrap"), shutil.which("setpriv")
    if bwrap is None:
        raise SandboxError(INSTALL)
    root = os.geteuid() == 0
    if root and setpriv is None:
        raise SandboxError(
            "setpriv is not installed (Debian and Ubuntu: apt-get install util-linux)"
        )
    spaces = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    spaces += [] if root else ["--unshare-user", "--disable-userns"]
    options = [*spaces, "--unshare-cgroup-try", "--die-with-parent", "--new-session"]
    options += ["--hostname", "sandbox", *_mounts(packages, folder, limits), "--chdir", "/"]
    descriptor = os.memfd_create("options")
    os.write(descriptor, b"".join(option.encode() + b"\0" for option in options))
    os.lseek(descriptor, 0, os.SEEK_SET)
    command = [bwrap, "--args", str(descriptor), "--"]
    if root:
        # No user namespace: a uid of its own, which nobody else on this machine has.
        uid = str(1_000_000_000 + os.getpid())
        drop = ["--reuid", uid, "--regid", uid, "--clear-groups", "--no-new-privs", "--"]
        command += [str(setpriv), *drop]
    return command, [descriptor]


def _mounts(packages: str, folder: Path, limits: Limits) -> list[str]:
    """A root of nothing but what is named here; temporary file systems first, binds below them."""
    options = []
    for path, size in (("/tmp", 64 * MIB), (HOME, limits.disk_bytes)):
        options += ["--size", str(size), "--perms", "1777", "--tmpfs", path]
    for path in ("/bin", "/lib", "/lib64", "/sbin"):
        if os.path.islink(path):
            options += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            options += ["--ro-bind", path, path]
    made = {"/", "/tmp"}
    for path in ("/usr", sys.base_prefix, *_site_packages()):
        if not path.startswith("/usr/"):
            for parent in (str(p) for p in reversed(Path(path).parents)):
                options += [] if parent in made else ["--perms", "0755", "--dir", parent]
                made.add(parent)
            options += ["--ro-bind", path, path]
    options += ["--ro-bind", packages, COURSE]
    options += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    options += ["--ro-bind", str(folder), HANDED_IN, *_font_list()]
    options += ["--proc", "/proc", "--dev", "/dev"]
    options += ["--size", str(64 * MIB), "--perms", "1777", "--tmpfs", "/dev/shm"]
    return [*options, "--remount-ro", "/dev", "--remount-ro", "/"]


def _font_list() -> list[str]:
    """Matplotlib's list of fonts, which takes seconds to make: made here once, shown read-only."""
    import matplotlib.font_manager

    found = sorted(Path(matplotlib.get_cachedir()).glob("fontlist-v*.json"))
    place = f"{HOME}/.matplotlib"
    return ["--perms", "1777", "--dir", place] + [
        option for path in found for option in ("--ro-bind", str(path), f"{place}/{path.name}")
    ]


def check_sandbox() -> None:
    """Try a sandbox, without Python, before a class depends on it.

    Raises:
        SandboxError: it cannot be had here; the text says what to do.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        command, descriptors = _wrapped(folder, Path(folder), Limits())
        hidden = [str(ROOT / name) for name in ("solutions", "tests", ".grader-secret")]
        look = 'for path do test ! -e "$path" || { echo $path can be seen inside; exit 3; }; done'
        run = subprocess.run(
            [*command, "/bin/sh", "-c", f"{look}; echo well", "sh", *hidden],
            env={},
            pass_fds=descriptors,
            capture_output=True,
            text=True,
        )
        for descriptor in descriptors:
            os.close(descriptor)
    if run.stdout.strip() != "well":
        lines = (run.stderr or run.stdout).strip().splitlines()
        raise SandboxError(_explained(lines[-1] if lines else "it says nothing"))


def _explained(line: str) -> str:
    hints = {
        "setting up uid map": "user namespaces are restricted (Ubuntu: sysctl "
        "kernel.apparmor_restrict_unprivileged_userns=0, or a profile for bwrap)",
        "No permissions to create": "user namespaces are switched off on this machine",
        "Can't mount proc": "this container masks /proc; run outside of it or as root",
        "No space left on device": "the limit on namespaces is reached (user.max_*_namespaces)",
    }
    hint = next((hint for sign, hint in hints.items() if sign in line), "")
    return f"the sandbox did not start: {line}" + (f"; {hint}" if hint else "")
