"""bubblewrap: what a sandbox may use, what it sees, and the command that starts it."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from grader import seccomp
from grader.course import ROOT
from grader.seccomp import descriptor

HOME, COURSE, HANDED_IN = "/student", "/course", "/submission"
MIB = 1 << 20
PAGE = os.sysconf("SC_PAGE_SIZE")
SECRET_NAMES = ("solutions", "tests", ".git", ".grader-secret")
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
        file_bytes, disk_bytes: one file, and all that are written; what was handed in comes on top.
        kept_bytes: of a cell's output; the rest is cut.
        output_bytes: of a notebook's output; more ends it.
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


def site_packages() -> list[str]:
    """Where the interpreter's packages are."""
    return list(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))


def wrapped(
    packages: str, folder: Path, limits: Limits, *, with_rights: bool = False
) -> tuple[list[str], list[int]]:
    """Bubblewrap's command, and the descriptors from which it reads what nobody inside may see.

    `with_rights` leaves to what runs inside all that makes another sandbox in this one.
    """
    bwrap, setpriv = shutil.which("bwrap"), shutil.which("setpriv")
    if bwrap is None:
        raise SandboxError(INSTALL)
    root = os.geteuid() == 0
    if root and setpriv is None:
        raise SandboxError("setpriv is not installed (Debian, Ubuntu: apt-get install util-linux)")
    spaces = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    spaces += [] if root else ["--unshare-user", "--disable-userns"]
    options = [*spaces, "--unshare-cgroup-try", "--die-with-parent", "--new-session"]
    options += ["--hostname", "sandbox", *_mounts(packages, folder, limits), "--chdir", "/"]
    options += ["--cap-add", "ALL"] if with_rights else []
    content = b"" if with_rights else seccomp.program()
    descriptors = [descriptor(content)] if content else []
    options += [part for number in descriptors for part in ("--seccomp", str(number))]
    descriptors.append(descriptor(b"".join(option.encode() + b"\0" for option in options)))
    command = [bwrap, "--args", str(descriptors[-1]), "--"]
    if root and not with_rights:
        uid = str(own_uid())
        drop = ["--reuid", uid, "--regid", uid, "--clear-groups", "--no-new-privs", "--"]
        command += [str(setpriv), *drop]
    return command, descriptors


def own_uid() -> int:
    """Whom root becomes, since it has no user namespace: nobody else on this machine has it."""
    return 1_000_000_000 + os.getpid()


def sizes(folder: Path, limits: Limits) -> dict[str, int]:
    """Bytes of the file systems in which something can be written, by path."""
    home = limits.disk_bytes + _room_for(folder)
    return {"/tmp": 64 * MIB, HOME: home, "/dev/shm": 64 * MIB}


def _mounts(packages: str, folder: Path, limits: Limits) -> list[str]:
    """A root of nothing but what is named here; temporary file systems first, binds below them."""
    empty = {
        path: ["--size", str(size), "--perms", "1777", "--tmpfs", path]
        for path, size in sizes(folder, limits).items()
    }
    shared_memory = empty.pop("/dev/shm")
    options = [option for one in empty.values() for option in one]
    for path in ("/bin", "/lib", "/lib64", "/sbin"):
        if os.path.islink(path):
            options += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            options += ["--ro-bind", path, path]
    made = {"/", "/tmp"}
    for path in ("/usr", sys.base_prefix, *site_packages()):
        if not path.startswith("/usr/"):
            for parent in (str(p) for p in reversed(Path(path).parents)):
                options += [] if parent in made else ["--perms", "0755", "--dir", parent]
                made.add(parent)
            options += ["--ro-bind", path, path]
    options += ["--ro-bind", packages, COURSE]
    options += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    options += ["--ro-bind", str(folder), HANDED_IN, *_font_list()]
    options += ["--proc", "/proc", "--dev", "/dev"]
    return [*options, *shared_memory, "--remount-ro", "/dev", "--remount-ro", "/"]


def _room_for(folder: Path) -> int:
    """Bytes that a copy of a folder takes, in whole pages, one more for the name of each file."""
    sizes = [path.lstat().st_size for path in folder.rglob("*")]
    return sum((size // PAGE + 2) * PAGE for size in sizes)


def _font_list() -> list[str]:
    """Matplotlib's list of fonts, which takes seconds to make: made here once, shown read-only."""
    import matplotlib.font_manager

    found = sorted(Path(matplotlib.get_cachedir()).glob("fontlist-v*.json"))
    place = f"{HOME}/.matplotlib"
    bound = [("--ro-bind", str(path), f"{place}/{path.name}") for path in found]
    return ["--perms", "1777", "--dir", place, *(option for one in bound for option in one)]


def check_sandbox() -> None:
    """Try a sandbox, without Python, before a class depends on it.

    Raises:
        SandboxError: it cannot be had here; the text says what to do.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        command, descriptors = wrapped(folder, Path(folder), Limits())
        hidden = [str(ROOT / name) for name in SECRET_NAMES]
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
        raise SandboxError(explained(lines[-1] if lines else "it says nothing"))


def explained(line: str) -> str:
    """A last word of bubblewrap's, with what may help."""
    hints = {
        "setting up uid map": "user namespaces are restricted (Ubuntu: sysctl "
        "kernel.apparmor_restrict_unprivileged_userns=0, or a profile for bwrap)",
        "No permissions to create": "user namespaces are switched off on this machine",
        "Can't mount proc": "this container masks /proc; run outside of it or as root",
        "No space left on device": "the limit on namespaces is reached (user.max_*_namespaces)",
    }
    hint = next((hint for sign, hint in hints.items() if sign in line), "")
    return f"the sandbox did not start: {line}" + (f"; {hint}" if hint else "")
