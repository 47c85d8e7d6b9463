"""What runs inside the sandbox: one warm process, a kernel per notebook, a witness per question.

The warm process imports what notebooks import, once. For each notebook it forks a kernel: an
IPython shell that runs the cells it is sent and sends back what they give. At a test cell the
kernel forks a *witness*, which keeps the notebook as it stood there and waits. It is asked only
when the kernel is gone: so nothing that students' code prints can hold a hidden input.

    python -s -S -P -B inside.py PLAN
"""

import json
import os
import random
import resource
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Set up, say so, and fork a kernel for every name that comes."""
    plan = json.loads(sys.argv[1])
    sys.path[:0] = plan["path"]
    for name, most in plan["limits"].items():
        resource.setrlimit(getattr(resource, name), (most, most))
    import site

    import grader.inside_shell as shell_module

    site.setquit()
    site.sethelper()
    from grader.wire import Channel

    shell = shell_module.warm_shell(plan["more"])
    control = Channel(socket.socket(fileno=plan["control"]))
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(quiet, descriptor)
    control.send({"ready": True})
    fds: dict[str, list[int]] = plan["notebooks"]
    while (name := _next(control)) is not None:
        mine = fds.pop(name)
        _reap()
        if os.fork() == 0:
            os.closerange(control.socket.fileno(), control.socket.fileno() + 1)
            for others in fds.values():
                _close(others)
            _until_closed(_kernel, shell, Path(plan["work"]), plan, name, mine)
        _close(mine)


def _reap() -> None:
    """Take in what has ended, so that its CPU time is counted on."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _next(control: Any) -> str | None:
    from grader.wire import Closed

    try:
        return control.receive(1e6)["start"]
    except Closed:
        return None


def _until_closed(function: Any, *arguments: Any) -> None:
    """Do something for as long as the other end listens; the process ends with it."""
    from grader.wire import Lost

    try:
        function(*arguments)
    except Lost:
        pass
    finally:
        os._exit(0)


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _kernel(shell: Any, work: Path, plan: dict, name: str, fds: list[int]) -> None:
    """Run cells until the other end closes; fork a witness where it says so."""
    from grader.wire import Channel

    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = work / name.partition("/")[0]
    if plan["copy_from"] and not folder.exists():
        shutil.copytree(Path(plan["copy_from"]) / folder.name, folder)
    os.chdir(folder)
    sys.path.append("")
    random.seed(0)
    sys.modules["torch"].manual_seed(0)
    sys.modules["numpy"].random.seed(0)
    channel = Channel(socket.socket(fileno=fds[0]))
    shell.connect(channel)
    channel.send({"hello": True})
    witnesses = fds[1:]
    while True:
        message = channel.receive(1e6)
        if "cell" in message:
            shell.execute(message["cell"])
        elif os.fork() == 0:
            mine = witnesses[message["witness"]]
            channel.close()
            _close([fd for fd in witnesses if fd not in (mine, -1)])
            _until_closed(_witness, shell, mine)
        else:
            os.close(witnesses[message["witness"]])
            witnesses[message["witness"]] = -1
            channel.send({"done": True})


def _witness(shell: Any, descriptor: int) -> None:
    """Answer questions about one answer, as the notebook stood at its test cell."""
    from grader.evidence import answer_question
    from grader.wire import Channel

    os.setsid()
    channel = Channel(socket.socket(fileno=descriptor))
    shell.connect(None)
    channel.send({"hello": True})
    while True:
        channel.send(answer_question(channel.receive(1e6), shell.user_ns))


if __name__ == "__main__":
    main()
