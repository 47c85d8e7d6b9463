"""How a process that a zygote has forked gets a sandbox of its own; runs inside bubblewrap.

Name spaces, empty file systems, limits, another user, no rights, a filter for system calls: in this
order, before anything of a student's is read. Whatever of it fails is an OSError, and nothing runs.
"""

import ctypes
import fcntl
import os
import resource
import select
import signal
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

import psutil

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW = {"mount": 0x20000, "uts": 0x4000000, "ipc": 0x8000000, "pid": 0x20000000, "net": 0x40000000}
_NO_SUID, _NO_DEVICES, _NO_EXEC = 2, 4, 8
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_DUMPABLE, _SECCOMP, _DROP, _NO_NEW_PRIVILEGES = 4, 22, 24, 38  # of prctl
_FILTER = 2
_VERSION_3 = 0x20080522  # of capset
_SET_FLAGS, _UP = 0x8914, 0x41  # of a network device: up and running
LOOK_SECONDS = 0.5
_HUGE, _COLLAPSE = 2 << 20, 25  # a huge page; of madvise


def set_apart(
    limits: Mapping[str, int],
    sizes: Mapping[str, int],
    shown: tuple[str, str],
    user: int,
    filter_: bytes,
    control: int,
) -> None:
    """Go on in a new sandbox: of the processes that this makes, only the last one returns.

    The caller ends; the first process of the new sandbox buries those whose parents are gone. It
    ends with the one that returns, or when nobody is at the other end of a socket any more, and all
    others end with it.

    Args:
        limits: of every process, by resource.
        sizes: of the file systems that are new and empty, in bytes, by path.
        shown: a folder, and the one above in whose place, and instead of which, it is seen.
        user: whom to become, where this is root.
        filter_: seccomp's program.
        control: the socket.

    Raises:
        OSError: this machine does not allow it.
    """
    _checked(_LIBC.unshare(sum(_NEW.values())))
    if os.fork():
        os._exit(0)
    os.setsid()
    _mount(sizes, *map(os.fsencode, shown))
    _switch_on_loopback()
    limit(limits)
    _give_up_rights(user, filter_)
    _set(_DUMPABLE, 0)  # so that nobody inside can trace the first process
    if child := os.fork():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # which no process inside can send it then
        _bury(child, control)
        os._exit(0)
    _set(_DUMPABLE, 1)  # so that it can read what /proc says of itself


def collapse_memory() -> None:
    """Put what memory this process has into huge pages, where Linux can.

    A fork copies a table of all pages and its end takes that apart, which is most of what a fork
    costs; of huge pages there are 512 times fewer.
    """
    try:
        parts = psutil.Process().memory_maps(grouped=False)
    except (OSError, psutil.Error):
        return
    for part in parts:
        start, end = (int(address, 16) for address in part.addr.split("-"))
        start, end = -(-start // _HUGE) * _HUGE, end // _HUGE * _HUGE
        if part.path in ("[heap]", "[anon]") and start < end:
            _LIBC.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _COLLAPSE)


def limit(limits: Mapping[str, int]) -> None:
    """Hold this process, and what it starts, to limits, by resource."""
    for name, most in limits.items():
        resource.setrlimit(getattr(resource, name), (most, most))


def _mount(sizes: Mapping[str, int], part: bytes, whole: bytes) -> None:
    """Empty file systems, and a table of the new processes; what was mounted below is so again."""
    nobody = _NO_SUID | _NO_DEVICES
    _checked(_LIBC.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None))
    _checked(_LIBC.mount(part, whole, None, _BIND, None))
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = [Path(line.split()[1].replace("\\040", " ")) for line in lines]
    for path, size in sizes.items():
        below = {p: os.open(p, os.O_PATH) for p in points if Path(path) in p.parents}
        folders = {up for p in below for up in p.parents if Path(path) in up.parents}
        modes = {folder: folder.stat().st_mode & 0o7777 for folder in sorted(folders)}
        files = {point for point in below if point.is_file()}
        options = f"size={size},mode=1777".encode()
        _checked(_LIBC.mount(b"tmpfs", path.encode(), b"tmpfs", nobody, options))
        for folder, mode in modes.items():
            folder.mkdir()
            folder.chmod(mode)
        for point, number in below.items():
            point.touch() if point in files else point.mkdir()
            source = f"/proc/self/fd/{number}".encode()
            _checked(_LIBC.mount(source, os.fsencode(point), None, _BIND, None))
            os.close(number)
    _checked(_LIBC.mount(b"proc", b"/proc", b"proc", nobody | _NO_EXEC, None))
    terminals = b"newinstance,ptmxmode=0666,mode=620"  # students may own those that are there
    _checked(_LIBC.mount(b"devpts", b"/dev/pts", b"devpts", _NO_SUID | _NO_EXEC, terminals))
    os.chdir("/")


def _bury(child: int, control: int) -> None:
    """Wait for processes that have ended until this child has, or nobody is at the other end."""
    os.closerange(0, control)
    os.closerange(control + 1, 1 << 16)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    other_end = select.poll()
    other_end.register(control, 0)  # tells of an end in any case
    while not other_end.poll(0):
        while ended := os.waitpid(-1, os.WNOHANG)[0]:
            if ended == child:
                return
        signal.sigtimedwait({signal.SIGCHLD}, LOOK_SECONDS)


def _switch_on_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14x", b"lo", _UP))


def _give_up_rights(user: int, filter_: bytes) -> None:
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for right in range(last + 1):
        _set(_DROP, right)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    none = (ctypes.c_uint32 * 6)()
    _checked(_LIBC.capset((ctypes.c_uint32 * 2)(_VERSION_3, 0), none))
    _set(_NO_NEW_PRIVILEGES, 1)
    rules = ctypes.create_string_buffer(filter_, len(filter_))
    program = struct.pack("HxxxxxxP", len(filter_) // 8, ctypes.addressof(rules))
    _set(_SECCOMP, _FILTER, program)


def _set(option: int, value: int, more: bytes | None = None) -> None:
    given = (ctypes.c_ulong(value), more, ctypes.c_ulong(0), ctypes.c_ulong(0))
    _checked(_LIBC.prctl(ctypes.c_int(option), *given))


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
