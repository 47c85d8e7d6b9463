"""Row 5: writing what is not theirs. Every success is a canary's end, and says so."""

from attacks.attack import TD, ZEROS, Attack, cells


def _writes(name: str, example: str, code: str, files: dict[str, str] | None = None) -> Attack:
    return Attack(name, 5, example, cells({"gae": ZEROS}, behind={"gae": code}, files=files), TD)


ATTACKS = (
    _writes(
        "a05-gradebook",
        "the gradebook (a planted trigger)",
        """
        import sqlite3
        for path in ["COURSE_FOLDER/gradebook.db", *everywhere("gradebook.db")]:
            if os.path.exists(path):
                base = sqlite3.connect(path)
                base.execute(
                    "create trigger rlcore_attack after update on grade begin "
                    "update grade set auto_score = 500 where id = new.id; end"
                )
                base.commit()
                leak(path)
        """,
    ),
    _writes(
        "a05-own-gradebook",
        "the gradebook, brought along",
        "write('gradebook.db.attack') if os.path.exists('/gradebook.db') else None",
        {"gradebook.db": "rlcore-attack", "../gradebook.db": "rlcore-attack"},
    ),
    _writes(
        "a05-master",
        "the master notebooks",
        """
        name = "04_reinforce_vs_gae"
        for step in ("source", "release"):
            write(f"COURSE_FOLDER/{step}/{name}/{name}.ipynb")
        """,
    ),
    _writes(
        "a05-config",
        "nbgrader_config.py",
        "write('COURSE_FOLDER/nbgrader_config.py')",
        {
            name: "open('CANARY_FOLDER/config-was-run', 'w').write('rlcore-attack')\n"
            for name in ("nbgrader_config.py", "jupyter_config.py", "conftest.py", "setup.cfg")
        },
    ),
    _writes(
        "a05-site-packages",
        "site-packages",
        """
        for place in [path for path in sys.path if path]:
            write(os.path.join(place, "rlcore-attack.pth"), "# rlcore-attack\\n")
            try:
                os.rename(place, place + ".rlcore-attack")
                os.rename(place + ".rlcore-attack", place)
                leak(place)
            except OSError:
                pass
        import rlcore, grader
        for module in (rlcore, grader, np):
            write(module.__file__, "# rlcore-attack\\n")
        """,
    ),
    _writes(
        "a05-home",
        "the home directory",
        """
        write("CANARY_FOLDER/home/.profile")
        for name in (".profile", ".ipython/profile_default/startup/x.py", ".config/x", ".local/x"):
            path = os.path.expanduser(f"~/rlcore-attack/{name}")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "w").write("print('rlcore-attack')")
        """,
    ),
    _writes(
        "a05-neighbour",
        "another submission",
        """
        name = "04_reinforce_vs_gae/04_reinforce_vs_gae.ipynb"
        for place in ("CLASS_FOLDER", "COURSE_FOLDER/submitted", "/submission/..", "../.."):
            write(f"{place}/honest-full/{name}")
            write(f"{place}/honest-zero/{name}")
        """,
    ),
    _writes(
        "a05-own-submission",
        "the submission itself, for the next time it is graded",
        """
        for path in glob.glob("/submission/**", recursive=True):
            if os.path.isfile(path):
                write(path)
        """,
    ),
    _writes(
        "a05-leaves-things",
        "another submission: what lies in shared places when it is graded",
        """
        for place in ("/tmp", "/dev/shm", "/var/tmp", "/run", "/home", os.path.expanduser("~")):
            for name in ("rlcore-attack", "numpy.py", "grader.py"):
                try:
                    open(f"{place}/{name}", "w").write("raise SystemExit")
                except OSError:
                    pass
        """,
    ),
    _writes(
        "a05-finds-what-was-left",
        "another submission: what it left behind",
        """
        for place in ("/tmp", "/dev/shm", "/var/tmp", "/run", "/home", os.path.expanduser("~")):
            if os.path.exists(f"{place}/rlcore-attack"):
                leak(place)
        """,
    ),
    _writes(
        "a05-keyrings",
        "another submission: a note in a keyring, which outlives the sandbox",
        """
        libc = ctypes.CDLL(None, use_errno=True)
        add, find, control = {"x86_64": (248, 249, 250)}.get(os.uname().machine, (217, 218, 219))
        for ring in (-3, -4, -5):
            if libc.syscall(add, b"user", b"rlcore-attack", b"note", 4, ring) > 0:
                leak(("written", ring))
            if libc.syscall(control, 10, ring, b"user", b"rlcore-attack", 0) > 0:
                leak(("read", ring))
        if libc.syscall(find, b"user", b"rlcore-attack", None, -3) > 0:
            leak("found")
        """,
    ),
    _writes(
        "a05-mounts",
        "mounts and the kernel's settings",
        """
        libc = ctypes.CDLL(None, use_errno=True)
        calls = {
            "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
            "remount": lambda: libc.mount(b"none", b"/", None, 32 | 4096, None),
            "umount": lambda: libc.umount2(b"/proc", 2),
            "unshare": lambda: libc.unshare(0x10000000),
            "chroot": lambda: libc.chroot(b"/tmp"),
            "setuid": lambda: libc.setuid(0),
        }
        for name, call in calls.items():
            if call() == 0:
                leak(name)
        for name in ("sys/kernel/core_pattern", "sysrq-trigger", "1/oom_score_adj"):
            path = "/proc/" + name
            try:
                os.close(os.open(path, os.O_WRONLY))
                leak(path)
            except OSError:
                pass
        """,
    ),
)
