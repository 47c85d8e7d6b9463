"""Row 9: code that eats memory, processes, descriptors, disk and whoever reads its output."""

from attacks.attack import TD, ZEROS, Attack, cells, gae

FULL = ("output-limit",)


def _cell(name: str, example: str, code: str, *codes: str, **rest: object) -> Attack:
    make = cells({"gae": ZEROS}, behind={"gae": code})
    return Attack(name, 9, example, make, **({"expected": TD, "codes": codes or ("wrong",)} | rest))


ATTACKS = (
    _cell(
        "a09-memory",
        "memory",
        """
        eaten = []
        while True:
            eaten.append(b"x" * 50_000_000)
        """,
        "wrong",
        "memory",
        "kernel-died",
    ),
    _cell(
        "a09-memory-of-many",
        "memory, of several processes together",
        """
        for _ in range(6):
            if os.fork() == 0:
                eaten = bytearray(300_000_000)
                eaten[::4096] = b"x" * len(eaten[::4096])
                time.sleep(20)
                os._exit(0)
        time.sleep(3)
        """,
        "memory",
        "timeout",
    ),
    _cell(
        "a09-memory-mapped",
        "memory, in files that are none",
        """
        kept = []
        try:
            for k in range(50):
                kept.append(os.memfd_create(str(k)))
                os.posix_fallocate(kept[-1], 0, 60_000_000)
            time.sleep(1.5)
            leak("3 GB of memory")
        except OSError as error:
            print(error)
        """,
        "wrong",
        "memory",
    ),
    _cell(
        "a09-shared-memory",
        "memory, in segments that nobody has mapped",
        """
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        taken = 0
        for k in range(35):
            number = libc.shmget(0, 60_000_000, 0o1600)
            place = libc.shmat(number, None, 0) if number >= 0 else None
            if place in (None, 2**64 - 1):
                break
            ctypes.memset(place, 1, 60_000_000)
            libc.shmdt(ctypes.c_void_p(place))
            taken += 60
        time.sleep(1.5)
        if taken > 1600:
            leak(f"{taken} MB of memory")
        """,
        "wrong",
        "memory",
    ),
    _cell(
        "a09-own-file-system",
        "disk, in a file system of one's own",
        """
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(0x10000000 | 0x00020000) == 0:
            open("/proc/self/setgroups", "w").write("deny")
            if libc.mount(b"none", b"/tmp", b"tmpfs", 0, b"size=4g") == 0:
                leak("a file system of 4 GB")
        """,
    ),
    Attack(
        "a09-answer-memory",
        9,
        "memory",
        cells({"gae": gae("eaten = []\nwhile True:\n    eaten.append(b'x' * 50_000_000)")}),
        TD,
        ("raises", "wrong", "memory", "timeout", "no-evidence", "kernel-died"),
    ),
    _cell(
        "a09-fork-bomb",
        "processes (fork bomb)",
        """
        for _ in range(500):
            try:
                if os.fork() == 0:
                    while True:
                        try:
                            os.fork()
                        except OSError:
                            time.sleep(30)
            except OSError:
                break
        """,
        "wrong",
        "timeout",
        "memory",
        "no-evidence",
    ),
    _cell(
        "a09-threads",
        "processes: threads",
        """
        for _ in range(5000):
            try:
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            except RuntimeError as error:
                print(error)
                break
        """,
        "wrong",
        "kernel-died",
    ),
    _cell(
        "a09-descriptors",
        "file descriptors",
        """
        kept = []
        try:
            while True:
                kept.append(os.open("/dev/null", os.O_RDONLY))
        except OSError as error:
            print(error)
        """,
        "wrong",
        "no-evidence",
    ),
    _cell(
        "a09-disk",
        "disk",
        """
        for place in (".", "/tmp", "/dev/shm", os.path.expanduser("~")):
            for k in range(100):
                try:
                    with open(f"{place}/rlcore-attack-{k}", "wb") as file:
                        for _ in range(60):
                            file.write(b"x" * 1_000_000)
                except OSError as error:
                    print(place, k, error.strerror)
                    break
        """,
        "wrong",
        "memory",
    ),
    _cell(
        "a09-many-files",
        "disk: no more inodes",
        """
        try:
            for k in range(30_000):
                open(f"rlcore-attack-{k}", "w").close()
        except OSError as error:
            print(error.strerror)
        """,
        "wrong",
        "timeout",
    ),
    _cell(
        "a09-sparse-file",
        "disk: a file of a terabyte, all holes",
        """
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            os.truncate("04_reinforce_vs_gae.ipynb", 2**40)
        except OSError as error:
            print(error.strerror)
        """,
        "wrong",
    ),
    _cell(
        "a09-many-lines",
        "output (many lines)",
        """
        while True:
            print("line")
        """,
        *FULL,
        "timeout",
    ),
    _cell(
        "a09-one-line",
        "output (one huge line)",
        """
        for _ in range(400):
            print("x" * 1_000_000, end="")
        """,
        *FULL,
    ),
    _cell(
        "a09-stderr",
        "output (many lines) on stderr",
        """
        for _ in range(400):
            sys.stderr.write("x" * 1_000_000)
        """,
        *FULL,
    ),
    _cell(
        "a09-large-html",
        "output (large HTML)",
        """
        from IPython.display import HTML, display
        for _ in range(5):
            display(HTML("<div>" * 4_000_000))
        """,
        *FULL,
        "wrong",  # each of them is left out
    ),
    _cell(
        "a09-much-html",
        "output (large HTML) in pieces that are slow to clean",
        """
        from IPython.display import HTML, display
        for _ in range(300):
            display(HTML("<div>" * 25_000))
        """,
        *FULL,
        "timeout",
    ),
    _cell(
        "a09-displays",
        "output (10⁵ display calls)",
        """
        from IPython.display import display
        for k in range(100_000):
            display({"text/plain": str(k)}, raw=True)
        """,
        *FULL,
        "timeout",
        "wrong",
    ),
    _cell(
        "a09-updates",
        "output (10⁵ display calls) that take one another's place",
        """
        from IPython.display import clear_output, display
        handle = display("0", display_id="one")
        for k in range(20_000):
            handle.update("x" * 100)
            clear_output()
        """,
        *FULL,
        "timeout",
        "wrong",
    ),
    _cell(
        "a09-huge-exception",
        "output (one huge line): an exception's text",
        'raise RuntimeError("x" * 30_000_000 + "\\n" * 1_000_000)',
        *FULL,
        "broken-output",
        "wrong",
    ),
)
