"""What runs inside the sandbox: one warm process, a kernel per notebook, a witness per question.

The warm process imports what notebooks import, once. For each notebook it forks a kernel: an
IPython shell that runs the cells it is sent and sends back what they give. At a test cell the
kernel forks a *witness*, which keeps the notebook as it stood there and waits. It is asked only
when the kernel is gone: so nothing that students' code prints can hold a hidden input.

    python -s -S -P -B inside.py PLAN
"""

import gc
import json
import os
import random
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

MOST_REQUEST, MOST_DESCRIPTORS = 1 << 20, 253


def main() -> None:
    """Set up, say so, and fork a kernel for every name that comes; a zygote forks all of that."""
    plan = json.loads(sys.argv[1])
    sys.path[:0] = plan["path"]
    from grader.apart import limit

    requests = plan.get("requests")
    if requests is None:
        limit(plan["limits"])
    import site

    import grader.inside_shell as shell_module

    site.setquit()
    site.sethelper()
    shell = shell_module.warm_shell(plan["more"])
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(quiet, descriptor)
    if requests is None:
        _serve(shell, plan, plan["control"], plan["notebooks"])
    else:
        _fork_sandboxes(shell, plan, socket.socket(fileno=requests))


def _fork_sandboxes(
    shell: Any, plan: dict, requests: socket.socket, more: Sequence[str] = ()
) -> None:
    """A sandbox for every request, which is JSON and the descriptors of its channels.

    Those that need other modules are passed on to a process that is forked to import them once.
    """
    from grader.apart import collapse_memory
    from grader.inside_shell import preload

    preload(more)
    collapse_memory()
    others: dict[str, socket.socket] = {}

    def forked() -> int:
        if (child := os.fork()) == 0:
            for end in (requests, *others.values()):
                end.close()
        return child

    while True:
        text, given, _, _ = socket.recv_fds(requests, MOST_REQUEST, MOST_DESCRIPTORS)
        if not text:
            return
        request = json.loads(text)
        missing = [m for m in request["more"] if m not in sys.modules and m not in more]
        name = " ".join(missing)
        if missing and name not in others:
            others[name], theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            if forked() == 0:
                _close(given)
                return _fork_sandboxes(shell, plan, theirs, missing)
            theirs.close()
        if missing and not _passed_on(others[name], text, given):
            others.pop(name).close()  # it has died; the next one who needs it gets another
        if name not in others:
            if (child := forked()) == 0:
                _begin(shell, plan, request, given)
            os.waitpid(child, 0)
        _close(given)


def _passed_on(end: socket.socket, text: bytes, given: list[int]) -> bool:
    with suppress(OSError):
        socket.send_fds(end, [text], given)
        return True
    return False


def _begin(shell: Any, plan: dict, request: dict, given: list[int]) -> None:
    """Become the warm process of a new sandbox; say what failed otherwise."""
    from grader.apart import set_apart
    from grader.inside_shell import preload
    from grader.wire import Channel

    try:
        rules = bytes.fromhex(plan["filter"])
        shown = os.path.join(plan["copy_from"], request["part"]), plan["copy_from"]
        control, *rest = given
        os.sched_setaffinity(0, request["processors"])
        set_apart(plan["limits"], request["sizes"], shown, request["user"], rules, control)
        preload(request["more"])
        ends = iter(rest)
        fds = {name: [next(ends) for _ in range(n)] for name, n in request["notebooks"].items()}
        _serve(shell, plan, control, fds)
    except OSError as error:
        Channel(socket.socket(fileno=given[0])).send({"failed": str(error)})
    finally:
        os._exit(0)


def _serve(shell: Any, plan: dict, number: int, fds: dict[str, list[int]]) -> None:
    """Fork a kernel for every name that comes."""
    from grader.wire import Channel

    with suppress(OSError):  # where memory runs out, this is to go and not the grader
        Path("/proc/self/oom_score_adj").write_text("500")
    control = Channel(socket.socket(fileno=number))
    control.send({"ready": True})
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
    gc.freeze()  # the notebook's objects, too, are shared with its kernel
    channel = Channel(socket.socket(fileno=descriptor))
    shell.connect(None)
    channel.send({"hello": True})
    while True:
        channel.send(answer_question(channel.receive(1e6), shell.user_ns))


if __name__ == "__main__":
    main()
