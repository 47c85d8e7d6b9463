"""The sandbox: what can be reached in it, what may be used, and that nothing of it is left."""

import ctypes
import os
import platform
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grader import bubblewrap, run_all
from grader.bubblewrap import Limits, SandboxError, check_sandbox
from grader.cli import main
from grader.course import ROOT
from grader.run import Job
from grader.run_all import run_submission
from grader.sandbox import Bundle, Sandbox, _present
from grader.usage import make_group
from grader.zygote import close_kept, kept_zygote

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]
KEYCTL = {"x86_64": 250, "aarch64": 219}
EXIT = {"x86_64": 60, "aarch64": 93}  # of one thread
QUICK = Limits(cell_seconds=2.0, wall_factor=2.0)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return Bundle(tmp_path_factory.mktemp("bundle") / "packages")


@pytest.fixture(scope="module")
def slot(tmp_path_factory):
    """The folder in which the submissions of a zygote lie, one after the other."""
    folder = tmp_path_factory.mktemp("slot")
    folder.chmod(0o755)
    yield folder
    close_kept()


@pytest.fixture(params=["bubblewrap", "zygote"])
def run(request, bundle, tmp_path, slot):
    """`run(source, …)` gives the cells of a notebook that has been run, and what happened."""
    forked = request.param == "zygote"
    folder = slot if forked else tmp_path
    folder.chmod(0o755)
    shutil.rmtree(folder / "n", ignore_errors=True)
    (folder / "n").mkdir()

    def run(*sources, limits=QUICK):
        notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
        zygote = kept_zygote(str(bundle.packages), folder, limits) if forked else None
        ran = run_submission([Job("n", notebook)], folder, bundle, limits, None, zygote=zygote)
        assert not forked or zygote.lives()
        return notebook.cells, ran["n"]

    return run


def text(cell):
    """What a cell printed, gave or raised."""
    parts = []
    for output in cell.outputs:
        data = output.get("data", {}).get("text/plain", "")
        parts += [output.get("text", ""), data, output.get("ename", "")]
    return "".join(parts)


def test_a_cell_shows_text_results_figures_and_errors(run):
    cells, ran = run(
        "print('a'); 1 + 1",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "1 / 0",
        "import asyncio; await asyncio.sleep(0); 'awaited'",
        "input()",
    )
    assert text(cells[0]) == "a\n2"
    assert "image/png" in cells[1].outputs[-1].data
    assert text(cells[2]) == "ZeroDivisionError"
    assert text(cells[3]) == "'awaited'"
    assert text(cells[4]) == "StdinNotImplementedError"
    assert ran.reasons == []


SECRETS = ("solutions", "tests", "benchmarks", "build", ".git", ".grader-secret", "grader/cli.py")


def test_nothing_of_the_project_can_be_seen_but_its_two_packages(run):
    looked = [str(ROOT / name) for name in SECRETS]
    code = f"import os; print([path for path in {looked} if os.path.exists(path)])"
    code += "\nimport rlcore, importlib.util; print(importlib.util.find_spec('rlcore.losses'))"
    code += "\nprint(sorted(os.listdir('/course')))"
    cells, _ = run(code)
    assert text(cells[0]) == "[]\nNone\n['grader', 'rlcore']\n"


def test_home_environment_and_other_users_are_out_of_sight(run, monkeypatch):
    monkeypatch.setenv("GRADER_SECRET", "canary")
    code = "import os, glob\nseen = str(dict(os.environ))\n"
    code += "for path in glob.glob('/proc/[0-9]*/environ'):\n"
    code += "    try: seen += open(path).read()\n    except OSError: pass\n"
    code += "print('canary' in seen, os.getuid() != 0, os.path.exists('/root/.ssh'))"
    cells, _ = run(code)
    assert text(cells[0]) == "False True False\n"


def test_there_is_no_network(run):
    code = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\n"
    code += "except OSError as error: print(error.strerror)\n"
    code += "print([name for _, name in socket.if_nameindex()])"
    cells, _ = run(code)
    assert text(cells[0]) == "Network is unreachable\n['lo']\n"


def test_neither_keyrings_nor_sockets_to_the_machine_around_can_be_had(run):
    code = "import ctypes, os, socket\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    code += f"call = {KEYCTL[platform.machine()]}\n"
    code += "print(libc.syscall(call, 0, -3, 1, 0, 0), os.strerror(ctypes.get_errno()))\n"
    code += "for family in (40, 38, 17, 31):\n    try: socket.socket(family, socket.SOCK_STREAM)\n"
    code += "    except OSError as error: print(error.strerror)\n"
    code += "[socket.socket(family) for family in (1, 2, 10)]; socket.socketpair()"
    cells, _ = run(code)
    assert (
        text(cells[0]).splitlines()[:5]
        == ["-1 Operation not permitted"] + ["Operation not permitted"] * 4
    )
    assert "Error" not in text(cells[0])


@pytest.mark.parametrize("path", ["/x", "/course/x", "/usr/x", "/submission/x", "/proc/sys/x"])
def test_only_home_and_temporary_folders_can_be_written(run, path):
    cells, _ = run(f"open({path!r}, 'w')")
    assert text(cells[0]) in ("OSError", "PermissionError", "FileNotFoundError")


def test_a_cell_that_takes_too_long_is_stopped_and_the_next_one_runs(run):
    patient = Limits(cell_seconds=2.0, wall_factor=20.0)  # CPU time decides, whatever else runs
    cells, ran = run("while True: pass", "'after'", limits=patient)
    assert (text(cells[0]).endswith("Stopped"), text(cells[1])) == (True, "'after'")
    assert (ran.reasons, ran.stalled) == (["timeout"], False)


def test_a_cell_that_will_not_be_interrupted_ends_the_notebook(run):
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    cells, ran = run("1", stubborn, "'after'")
    assert (text(cells[0]), cells[2].execution_count) == ("1", None)
    assert ran.reasons == ["timeout"]


@pytest.mark.parametrize(("seconds", "grouped"), [(0.05, True), (1.0, False)])
def test_children_that_nobody_waits_for_are_counted(run, monkeypatch, seconds, grouped):
    if not grouped:
        monkeypatch.setattr("grader.sandbox.make_group", lambda: None)
    elif (group := make_group()) is None:
        pytest.skip("this machine lets nobody make a control group")
    else:
        group.close()
    code = "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nwhile True:\n"
    code += f"    if os.fork() == 0:\n        while time.process_time() < {seconds}: pass\n"
    code += "        os._exit(0)\n    try: os.wait()\n    except ChildProcessError: pass"
    _, ran = run(code, limits=Limits(cell_seconds=3.0, wall_factor=20.0))
    assert (ran.reasons, ran.stalled) == (["timeout"], False)


def test_a_sleeper_is_stopped_by_the_wall_clock_and_that_is_said(run):
    cells, ran = run("import time; time.sleep(1000)", "'after'")
    assert text(cells[1]) == "'after'"
    assert (ran.reasons, ran.stalled) == (["timeout"], True)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os; os._exit(0)", "kernel-died"),
        ("import ctypes; ctypes.string_at(0)", "kernel-died"),
        ("import os, signal; os.kill(0, signal.SIGKILL)", "kernel-died"),
        (
            "import numpy\nget_ipython()._channel.send({'done': numpy.zeros(2)})\nprint(1)",
            "broken-output",
        ),
        ("print('x' * 10_000_000)\nwhile True: print('x' * 1_000_000)", "output-limit"),
    ],
)
def test_a_kernel_that_ends_early_says_why(run, source, reason):
    cells, ran = run("1", source, "2")
    assert text(cells[0]) == "1"
    assert ran.reasons == [reason]


KILL_ALL = "import os, time; os.kill(-1, 9); time.sleep(5)"  # until the sandbox is gone, and it too


def test_a_notebook_that_kills_everything_costs_the_others_nothing(bundle, tmp_path):
    tmp_path.chmod(0o755)
    sources = {"first": "1", "killer": KILL_ALL, "last": "3"}
    jobs = []
    for name, source in sources.items():
        (tmp_path / name).mkdir()
        jobs.append(Job(name, new_notebook(cells=[new_code_cell(source)])))
    ran = run_submission(jobs, tmp_path, bundle, QUICK, None)
    assert [text(job.notebook.cells[0]) for job in jobs][::2] == ["1", "3"]
    assert {name: one.reasons for name, one in ran.items()} == {
        "first": [],
        "killer": ["kernel-died"],
        "last": [],
    }


class Noting:
    """A judge that notes what it was called for."""

    def __init__(self):
        self.calls = []

    def rehearse(self, question, witness):
        self.calls.append(("rehearse", question.cell))

    def judge(self, question, witness, rehearsed):
        self.calls.append(("judge", question.cell))
        return witness.ask({"seed": 0})


def asks(exercise):
    """A cell that asks for an exercise."""
    data = {"grade_id": f"test_{exercise}", "grade": True, "solution": False, "points": 1.0}
    return new_code_cell(f"probe('{exercise}', {exercise})", metadata={"nbgrader": data})


def jobs_of(tmp_path, **sources):
    """A notebook for each, with one cell and a question behind it."""
    tmp_path.chmod(0o755)
    for name in sources:
        (tmp_path / name).mkdir()
    cells = {name: [new_code_cell(source), asks("gae")] for name, source in sources.items()}
    return [Job(name, new_notebook(cells=some)) for name, some in cells.items()]


def test_nobody_is_judged_before_all_have_rehearsed(bundle, tmp_path):
    judge, jobs = Noting(), jobs_of(tmp_path, first="1", second="2")
    ran = run_submission(jobs, tmp_path, bundle, QUICK, judge)
    assert [what for what, _ in judge.calls] == ["rehearse"] * 2 + ["judge"] * 2
    assert [one.found for one in ran.values()] == [{"test_gae": [{"seeded": True}]}] * 2


def test_who_calls_itself_a_wrapper_dies_with_its_notebook_all_the_same(bundle, tmp_path):
    hide = "import ctypes, os, time\nif os.fork() == 0:\n    os.setsid()\n"
    hide += "    ctypes.CDLL(None).prctl(15, b'bwrap', 0, 0, 0)\n    time.sleep(60)"
    judge, inside = Noting(), []
    close_kept()

    def count(question, witness):
        me = psutil.Process().children(recursive=True)
        alive = [p for p in me if p.status() != psutil.STATUS_ZOMBIE]
        inside.extend(p for p in alive if any("inside.py" in part for part in p.cmdline()[:6]))

    judge.rehearse = count
    run_submission(jobs_of(tmp_path, n=hide), tmp_path, bundle, QUICK, judge)
    assert len(inside) == 2  # the warm process and the witness


KILLERS = {
    "kills": "import os, time\nfor pid in range(3, os.getpid()):\n    try: os.kill(pid, 9)\n"
    "    except OSError: pass\ntime.sleep(0.1)",
    "stops": "import os, signal\nfor pid in range(3, os.getpid()):\n"
    "    try: pid != os.getppid() and os.kill(pid, signal.SIGSTOP)\n    except OSError: pass",
    "later": "import os, threading, time\ndef kill():\n    time.sleep(0.3)\n    os.kill(-1, 9)\n"
    "os.register_at_fork(after_in_child=lambda: threading.Thread(target=kill).start())",
}


@pytest.mark.parametrize("how", KILLERS)
def test_witnesses_that_another_notebook_has_killed_are_called_once_more(bundle, tmp_path, how):
    jobs = jobs_of(tmp_path, first="1", killer=KILLERS[how], last="3")
    ran = run_submission(jobs, tmp_path, bundle, QUICK, Noting())
    found = {"test_gae": [{"seeded": True}]}
    assert (ran["first"].found, ran["last"].found) == (found, found)
    assert (ran["first"].reasons, ran["last"].reasons) == ([], [])


def test_a_notebook_that_kills_its_own_witness_gets_nothing_and_ends(bundle, tmp_path):
    fatal = "import os, threading, time\n"
    fatal += (
        "os.register_at_fork(after_in_child=lambda: threading.Timer(0.2, os._exit, [1]).start())"
    )
    slow = "import time; time.sleep(1)"
    jobs = jobs_of(tmp_path, fatal=fatal, other=slow)
    jobs[0].notebook.cells.append(new_code_cell(slow))
    ran = run_submission(jobs, tmp_path, bundle, QUICK, Noting())
    assert (ran["fatal"].found, ran["fatal"].lost) == ({}, {"test_gae": "no-evidence"})
    assert ran["other"].found == {"test_gae": [{"seeded": True}]}


def test_what_fails_in_the_verifier_costs_that_cell_only(bundle, tmp_path):
    judge, jobs = Noting(), jobs_of(tmp_path, first="1", last="3")
    judge.rehearse = lambda question, witness: judge.calls.append(0) or 1 / (len(judge.calls) - 1)
    ran = run_submission(jobs, tmp_path, bundle, QUICK, judge)
    assert (ran["first"].found, ran["first"].lost) == ({}, {"test_gae": "not-judged"})
    assert ran["last"].found == {"test_gae": [{"seeded": True}]}


def test_notebooks_that_sleep_share_one_wall_limit(bundle, tmp_path):
    sources = {f"sleeper{k}": "import time; time.sleep(3)" for k in range(5)}
    limits = Limits(cell_seconds=2.0, submission_seconds=2.0, wall_factor=2.0)
    ran = run_submission(jobs_of(tmp_path, **sources), tmp_path, bundle, limits, Noting())
    assert ran["sleeper0"].reasons == []
    assert [(one.reasons, one.stalled) for one in ran.values()][2:] == [(["timeout"], True)] * 3


def test_files_beside_notebooks_leave_each_of_them_the_room_to_write(bundle, tmp_path):
    write = "with open('mine', 'wb') as file: print(file.write(bytes(8 << 20)))"
    jobs = jobs_of(tmp_path, first=write, second=write)
    for job in jobs:
        (tmp_path / job.name / "large").write_bytes(bytes(20 << 20))
    limits = Limits(cell_seconds=2.0, wall_factor=2.0, disk_bytes=20 << 20)
    ran = run_submission(jobs, tmp_path, bundle, limits, Noting())
    assert [text(job.notebook.cells[0]) for job in jobs] == [f"{8 << 20}\n"] * 2
    assert [one.reasons for one in ran.values()] == [[], []]


def test_ten_megabytes_of_output_are_cut_and_cost_nothing(run):
    cells, ran = run("for _ in range(100): print('x' * 100_000)", "'after'")
    assert "the output is cut here" in text(cells[0])
    assert (len(text(cells[0])) < 5_000_000, text(cells[1]), ran.reasons) == (True, "'after'", [])


def test_memory_of_all_processes_together_is_limited(run):
    code = "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n"
    code += "        block = bytearray(400 << 20); time.sleep(60)\ntime.sleep(60)"
    _, ran = run(code, limits=Limits(cell_seconds=20, memory=1024 << 20))
    assert ran.reasons == ["memory"]


@pytest.mark.parametrize("word", ["", "scipy"])
def test_what_takes_long_to_import_is_there_for_those_who_name_it(run, word):
    name = "'sci' + 'py.signal'"
    cells, ran = run(f"import sys  # {word}\n{name} in sys.modules")
    assert text(cells[0]) == str(bool(word)) and not ran.reasons


def test_what_is_named_and_not_installed_harms_nobody(run, monkeypatch):
    monkeypatch.setitem(run_all.OCCASIONAL, "print", "a_package_that_is_not_there")
    cells, ran = run("print(1)")
    assert text(cells[0]) == "1\n" and not ran.reasons


def test_a_fork_bomb_and_open_files_hit_their_limits(run):
    bomb = "import os, time\nfor _ in range(500):\n    if os.fork() == 0: time.sleep(60)"
    patient = Limits(cell_seconds=20.0)  # a hundred forks take seconds where others use the cores
    files = "files = [open('/dev/null') for _ in range(400)]"
    cells, _ = run(files, "files = []", bomb, limits=patient)
    assert (text(cells[0]), text(cells[2])) == ("OSError", "BlockingIOError")


def test_a_disk_fills_up_only_inside(run):
    code = "for k in range(20):\n    with open(f'f{k}', 'wb') as f: f.write(bytes(60 << 20))"
    cells, _ = run(code, "open('big', 'wb').write(bytes(65 << 20))")
    assert text(cells[0]) == "OSError"


def test_nothing_is_left_of_a_sandbox(run):
    mark = f"{os.getpid()}77"
    daemon = "import subprocess\nfor _ in range(3):\n"
    daemon += f"    subprocess.Popen(['sleep', '{mark}'], start_new_session=True)\nprint('started')"
    cells, _ = run(daemon)
    assert text(cells[0]) == "started\n"
    assert not [
        one for one in psutil.process_iter(["cmdline"]) if mark in (one.info["cmdline"] or [])
    ]


def test_no_dead_process_is_left_for_others_to_bury(bundle, tmp_path):
    """Where the machine's first process does not wait for orphans, they would stay for good."""
    (tmp_path / "n").mkdir()
    tmp_path.chmod(0o755)
    subreaper = 36  # PR_SET_CHILD_SUBREAPER: orphans become children of this process
    ctypes.CDLL(None).prctl(subreaper, 1)
    try:
        before = psutil.Process().children()
        for _ in range(5):
            Sandbox(bundle, tmp_path, {"n": 0}, QUICK).close()
        assert psutil.Process().children() == before
    finally:
        ctypes.CDLL(None).prctl(subreaper, 0)


@pytest.mark.skipif(platform.machine() not in EXIT, reason="its number is not known here")
def test_who_goes_on_without_its_first_thread_is_not_dead():
    code = (
        "import ctypes, threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
    )
    code += f"ctypes.CDLL(None).syscall({EXIT[platform.machine()]}, 0)"
    started = subprocess.Popen([sys.executable, "-c", code])
    process, until = psutil.Process(started.pid), time.monotonic() + 30
    while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < until:
        time.sleep(0.01)
    assert list(_present([process])) == [process]
    started.kill()
    while process.num_threads() > 1 and time.monotonic() < until:
        time.sleep(0.01)
    assert list(_present([process])) == []
    started.wait()


def test_a_sandbox_dies_with_the_process_that_opened_it(bundle, tmp_path):
    (tmp_path / "n").mkdir()
    parent = os.fork()
    if parent == 0:
        Sandbox(bundle, tmp_path, {"n": 0}, QUICK)
        (tmp_path / "up").touch()
        time.sleep(100)
        os._exit(0)
    while not (tmp_path / "up").exists():
        time.sleep(0.05)
    children = psutil.Process(parent).children(recursive=True)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert children and not alive


def test_no_bubblewrap_is_refused_with_what_to_install(monkeypatch, tmp_path, course, capsys):
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda name: None)
    with pytest.raises(SandboxError, match="apt-get install bubblewrap"):
        check_sandbox()
    assert main(["grade", str(tmp_path), "--course", str(course.root)]) == 2
    assert "bubblewrap is not installed" in capsys.readouterr().err


def test_a_sandbox_from_which_solutions_can_be_seen_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(bubblewrap, "ROOT", bubblewrap.Path("/usr"))
    monkeypatch.setattr(bubblewrap, "SECRET_NAMES", ("bin",))
    with pytest.raises(SandboxError, match="can be seen inside"):
        check_sandbox()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_gets_a_sandbox_too():
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if not os.access(system, os.X_OK):
        pytest.skip("there is no interpreter of this version that everybody can run")
    code = "from grader.bubblewrap import check_sandbox; check_sandbox(); print('well')"
    user = ["setpriv", "--reuid", "23456", "--regid", "23456", "--clear-groups"]
    paths = os.pathsep.join([str(ROOT), *bubblewrap.site_packages()])
    env = {"PYTHONPATH": paths, "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run([*user, system, "-c", code], env=env, capture_output=True, text=True)
    if "Permission denied" in ran.stderr:
        pytest.skip("the project lies where an ordinary user cannot read it")
    assert ran.stdout == "well\n", ran.stderr
