"""Row 8: code that dies, or takes others with it."""

from attacks.attack import TD, ZEROS, Attack, cells, gae

DEAD = ("kernel-died",)


def _cell(name: str, example: str, code: str, *codes: str, expected: dict | None = None) -> Attack:
    make = cells({"gae": ZEROS}, behind={"gae": code})
    return Attack(name, 8, example, make, TD if expected is None else expected, codes or DEAD)


def _answer(name: str, example: str, body: str, *codes: str) -> Attack:
    make = cells({"gae": gae(body)})
    return Attack(name, 8, example, make, TD, codes or ("no-evidence", "kernel-died"))


ATTACKS = (
    _cell("a08-exits", "os._exit", "os._exit(0)"),
    _answer("a08-answer-exits", "os._exit", "os._exit(0)"),
    _cell("a08-sys-exit", "sys.exit", "sys.exit(0)", "wrong"),
    _answer("a08-answer-sys-exit", "sys.exit", "sys.exit(0)", "raises", "wrong"),
    _cell("a08-segfault", "segmentation fault", "ctypes.string_at(0)"),
    _answer("a08-answer-segfault", "segmentation fault", "ctypes.string_at(0)"),
    _cell("a08-kill", "os.kill(0, 9)", "os.kill(0, 9)"),
    _answer("a08-answer-kill", "os.kill(0, 9)", "os.kill(0, 9)"),
    _cell(
        "a08-kill-all",
        "os.kill(0, 9), and everybody else",
        """
        if os.getuid() > 0:
            os.kill(-1, 9)
        """,
        "kernel-died",
        "no-evidence",
        "sandbox-died",
        expected={},
    ),
    _cell(
        "a08-kill-siblings",
        "os.kill(0, 9): the judge's witnesses one by one",
        """
        for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
            try:
                if pid not in (1, os.getpid()):
                    os.kill(pid, 9)
            except OSError:
                pass
        """,
        "kernel-died",
        "no-evidence",
        "sandbox-died",
        expected={},
    ),
    _cell(
        "a08-stop-all",
        "os.kill(0, SIGSTOP): everybody else sleeps",
        """
        for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
            try:
                if pid != os.getpid():
                    os.kill(pid, signal.SIGSTOP)
            except OSError:
                pass
        """,
        "timeout",
        "no-evidence",
        "sandbox-died",
        "wrong",
        expected={},
    ),
    _cell(
        "a08-called-bwrap",
        "os.kill(0, 9): a process with a wrapper's name outlives it, and answers",
        """
        held = [os.dup(number) for number in channels()]
        if os.fork() == 0:
            os.setsid()
            ctypes.CDLL(None).prctl(15, b"bwrap", 0, 0, 0)
            answer = b'{"actions": {"__array__": ["float64", [3]]}}\\n' + bytes(24)
            for _ in range(100):
                time.sleep(0.1)
                for number in held:
                    try:
                        os.write(number, frame(answer))
                    except OSError:
                        pass
            os._exit(0)
        """,
        "wrong",
        "broken-evidence",
        "broken-output",
        "no-evidence",
        "kernel-died",
    ),
    _cell("a08-abort", "segmentation fault: abort", "os.abort()"),
    _cell(
        "a08-closes-sockets",
        "closing the kernel's sockets",
        """
        for number in channels():
            os.close(number)
        """,
        "kernel-died",
        "no-evidence",
    ),
    _cell(
        "a08-shuts-down",
        "closing the kernel's sockets: one direction",
        """
        for number in channels():
            socket.socket(fileno=os.dup(number)).shutdown(socket.SHUT_RD)
        """,
        "kernel-died",
        "no-evidence",
    ),
    _cell(
        "a08-replaces-itself",
        "os._exit: another program takes the process over",
        'os.execv(sys.executable, ["python", "-c", "import time; time.sleep(3)"])',
        "kernel-died",
        "timeout",
    ),
    _answer(
        "a08-recursion",
        "recursion without end",
        "return gae(rewards, values, next_values, "
        "terminated, truncated, gamma=gamma, gae_lambda=gae_lambda)",
        "raises",
        "wrong",
    ),
    _answer(
        "a08-deep-recursion",
        "recursion without end, the limit lifted",
        """
        import sys
        sys.setrecursionlimit(10**9)
        def down(value):
            return sorted([value], key=down)
        return down(0)
        """,
        "no-evidence",
        "kernel-died",
        "raises",
        "memory",
    ),
    _cell(
        "a08-parent",
        "os.kill of the warm process",
        "os.kill(os.getppid(), 9)\ntime.sleep(0.2)",
        "kernel-died",
        "no-evidence",
        "sandbox-died",
        "wrong",
        expected={},
    ),
)
