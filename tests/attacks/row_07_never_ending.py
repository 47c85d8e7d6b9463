"""Row 7: code that does not end. What was right before it keeps its points."""

from attacks.attack import ARMS, TD, ZEROS, Attack, cells, gae, hand_in, honest_work

from grader.execute import code_cell

LATE = ("timeout",)


def _cell(name: str, example: str, code: str, *codes: str) -> Attack:
    """A cell behind the wrong answer never ends."""
    return Attack(name, 7, example, cells({"gae": ZEROS}, behind={"gae": code}), TD, codes or LATE)


def _answer(name: str, example: str, body: str, *codes: str) -> Attack:
    """The answer itself never ends when it is judged."""
    return Attack(name, 7, example, cells({"gae": gae(body)}), TD, codes or LATE)


def _many_cells(folder, solved, released) -> None:  # type: ignore[no-untyped-def]

    notebook = honest_work(solved, released, TD)
    work = "until = time.process_time() + 1.4\nwhile time.process_time() < until:\n    pass"
    at = next(i for i, cell in enumerate(notebook.cells) if cell.source.startswith("def gae("))
    notebook.cells[at + 1 : at + 1] = [code_cell(work) for _ in range(30)]
    notebook.cells.insert(0, code_cell(ARMS.strip()))
    hand_in(folder, notebook)


ATTACKS = (
    _cell("a07-while-true", "while True", "while True:\n    pass"),
    _answer("a07-answer-while-true", "while True", "while True:\n    pass"),
    _cell("a07-sleeps", "sleeping", "time.sleep(10_000)"),
    _answer("a07-answer-sleeps", "sleeping", "time.sleep(10_000)"),
    _cell(
        "a07-refuses-interrupts",
        "a loop that refuses interrupts",
        """
        for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
            finally:
                continue
        """,
    ),
    _cell(
        "a07-in-c",
        "a loop that refuses interrupts, in C",
        "10 ** 10 ** 10",
    ),
    _cell(
        "a07-input",
        "waiting on input",
        """
        try:
            answer = input("points? ")
        except Exception as error:
            print(type(error).__name__)
        os.read(0, 1)
        sys.__stdin__.readline()
        """,
        "wrong",
    ),
    _cell(
        "a07-deadlock",
        "a deadlocked thread",
        """
        lock = threading.Lock()
        lock.acquire()
        threading.Thread(target=lock.acquire).start()
        lock.acquire()
        """,
    ),
    _cell(
        "a07-busy-threads",
        "a deadlocked thread, and busy ones that stay behind",
        """
        def busy():
            while True:
                pass
        for _ in range(4):
            threading.Thread(target=busy, daemon=True).start()
        """,
        "wrong",
        "timeout",
    ),
    _cell(
        "a07-busy-children",
        "while True, in a process that stays behind",
        """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True:
                    pass
            os._exit(0)
        """,
        "wrong",
        "timeout",
    ),
    Attack(
        "a07-many-cells",
        7,
        "30 cells each just under the limit",
        _many_cells,
        TD,
        LATE,
    ),
    _cell("a07-stops-itself", "sleeping: stopped", "os.kill(os.getpid(), signal.SIGSTOP)"),
    _cell(
        "a07-children-nobody-waits-for",
        "while True, in short-lived children whose time nobody is told",
        """
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            if os.fork() == 0:
                while time.process_time() < 0.1:
                    pass
                os._exit(0)
            try:
                os.wait()
            except ChildProcessError:
                pass
        """,
    ),
    _cell(
        "a07-at-exit",
        "a loop that refuses interrupts, when it is ended",
        """
        import atexit
        class Last:
            def __del__(self):
                while True:
                    pass
        last = Last()
        atexit.register(time.sleep, 10_000)
        threading.Thread(target=time.sleep, args=(10_000,)).start()
        """,
        "wrong",
    ),
    _cell(
        "a07-at-fork",
        "sleeping, in the moment the judge forks",
        "os.register_at_fork(after_in_child=lambda: time.sleep(10_000))",
        "timeout",
        "no-evidence",
    ),
)
