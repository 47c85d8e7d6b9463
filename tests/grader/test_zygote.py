"""A zygote's sandboxes: each starts as the one before did, and a machine may not allow them."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grader import bubblewrap, zygote
from grader.apart import collapse_memory
from grader.bubblewrap import Limits
from grader.course import ROOT
from grader.run import Job
from grader.run_all import run_submission
from grader.sandbox import Bundle, Sandbox
from grader.wrapped import kill
from grader.zygote import Zygote

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]
QUICK = Limits(cell_seconds=2.0, wall_factor=2.0)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return Bundle(tmp_path_factory.mktemp("bundle") / "packages")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "n").mkdir()
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.fixture
def made(bundle, folder):
    """A zygote; `run` has it fork a sandbox for a notebook, whose cells it gives."""
    zygote = Zygote(str(bundle.packages), folder, QUICK)
    yield zygote
    zygote.close()


@pytest.fixture
def run(made, bundle, folder):
    def run(*sources):
        notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
        run_submission([Job("n", notebook)], folder, bundle, QUICK, None, zygote=made)
        return ["".join(out.get("text", "") for out in cell.outputs) for cell in notebook.cells]

    return run


def test_a_first_traceback_imports_nothing(run):
    note = "import sys; before = set(sys.modules)"
    assert run(note, "1 / 0", "print(set(sys.modules) - before)")[2] == "set()\n"


@pytest.mark.skipif(
    tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) < (6, 1)
    or not Path("/sys/kernel/mm/transparent_hugepage").is_dir(),
    reason="this Linux cannot collapse memory, which came with 6.1",
)
def test_memory_comes_into_huge_pages_and_stays_what_it_was():
    data = bytearray(os.urandom(1 << 20)) * 64
    before, held = _in_huge_pages(), hash(bytes(data))
    collapse_memory()
    assert _in_huge_pages() >= before + (32 << 10)
    assert hash(bytes(data)) == held


def _in_huge_pages():
    """KiB."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages"))


STATUS = "print(*[line for line in open('/proc/self/status') if line[:3] in ('Cap', 'NoN', 'Sec')])"


def test_no_right_is_left(run, made):
    (status,) = run(STATUS)
    found = dict(line.split(":\t") for line in status.replace(" ", "").splitlines() if line)
    assert {found[f"Cap{which}"] for which in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")
    assert made.lives()


LEAVE = """
import os, socket, time
for change in (lambda: os.chmod('/dev/pts', 0), lambda: os.chmod('/dev/pts/ptmx', 0)):
    try: change()
    except OSError: pass
for place in ('/tmp', '/student', '/dev/shm', '.'):
    open(f'{place}/left', 'w').write('x')
import torch, builtins
torch.left = builtins.left = 1
kept = socket.socket(socket.AF_UNIX); kept.bind('\\0left'); kept.listen()
from multiprocessing.shared_memory import SharedMemory
SharedMemory('left', create=True, size=100)
if os.fork() == 0:
    os.setsid()
    time.sleep(100)
"""
LOOK = """
import glob, os, torch, builtins
places = ('/tmp/left', '/student/left', '/dev/shm/*', 'left')
print(*(glob.glob(place) for place in places))
sockets = open('/proc/net/unix').read()
print(hasattr(torch, 'left'), hasattr(builtins, 'left'), sockets.count('left'))
print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()))
print(len(os.listdir('/proc/self/fd')), sorted(os.listdir('/submission')), len(os.openpty()))
import sys, warnings
print(len(sys.modules), len(warnings.filters))
"""


def test_nothing_of_one_submission_reaches_the_next(run, made):
    (before,) = run(LOOK)
    run(LEAVE, "import scipy.signal  # and MultivariateNormal")
    assert run(LOOK) == [before]
    lines = before.splitlines()
    assert lines[:3] == ["[] [] [] []", "False False 0", "[1, 2, 3]"]
    assert made.lives()


def test_what_few_need_is_imported_once_by_a_process_that_stays(run, made):
    look = (
        "import os, sys; print('sci' 'py.signal' in sys.modules, len(os.listdir('/proc/self/fd')))"
    )
    (plain,) = run(look)
    assert plain.startswith("False")
    found = [plain.replace("False", "True")]
    for _ in range(2):  # the first of them has it forked
        assert run(f"{look}  # scipy") == found
        (second,) = helpers(made)
        assert run(look) == [plain]
    kill(second.pid)
    while helpers(made):
        time.sleep(0.01)
    for _ in range(2):  # the first of them finds out, and imports it itself
        assert run(f"{look}  # scipy") == found
        assert made.lives()
    assert [one.pid for one in helpers(made)] != [second.pid]


def helpers(made):
    """The processes that a zygote has forked and that stay."""
    (inner,) = psutil.Process(made._process._process.pid).children()
    python = min(inner.children(), key=lambda one: one.create_time())
    return [one for one in python.children() if one.status() != psutil.STATUS_ZOMBIE]


def test_what_is_handed_in_is_seen_anew_each_time(run, folder):
    look = "import os; print(os.listdir())"
    (folder / "n" / "first.txt").touch()
    assert run(look) == ["['first.txt']\n"]
    shutil.rmtree(folder / "n")
    (folder / "n").mkdir()
    (folder / "n" / "second.txt").touch()
    assert run(look) == ["['second.txt']\n"]


def test_of_several_folders_below_its_own_each_sandbox_sees_one(made, bundle, folder):
    for part in ("ada", "bob"):
        (folder / part / "n").mkdir(parents=True)
        (folder / part / "n" / f"{part}.txt").touch()
    look = "import os; print(os.listdir('/submission'), os.listdir(), os.listdir('/submission/..'))"
    look += "\nfound = [name for top in ('/', '/proc/1/root') for _, folders, names in os.walk(top)"
    look += "\n         for name in names if name in ('ada.txt', 'bob.txt')]\nprint(set(found))"
    look += "\ntry: open('/submission/left', 'w')\nexcept OSError: print('read-only')"
    for part in ("ada", "bob"):
        notebook = new_notebook(cells=[new_code_cell(look)])
        place = folder / part
        run_submission([Job("n", notebook)], place, bundle, Limits(), None, zygote=made)
        first, found, last = notebook.cells[0].outputs[0].text.splitlines()
        assert first.startswith(f"['n'] ['{part}.txt'] ['")
        assert (found, last) == (f"{{'{part}.txt'}}", "read-only")
    assert made.lives()


def test_another_process_can_send_it_requests_and_is_nobody_whom_others_are(made, bundle, folder):
    def who():
        notebook = new_notebook(cells=[new_code_cell("import os; print(os.getuid())")])
        run_submission([Job("n", notebook)], folder, bundle, QUICK, None, zygote=own)
        return notebook.cells[0].outputs[0].text

    own = made
    mine, told = who(), folder / "told"
    if (child := os.fork()) == 0:
        try:
            own = Zygote(str(bundle.packages), folder, QUICK, made.requests)
            told.write_text(who())
            own.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert made.lives()
    assert who() == mine
    assert told.read_text().strip().isdigit()
    assert (told.read_text() != mine) == (os.geteuid() == 0)  # whose processes are counted together


def test_the_first_processes_cannot_be_reached(run, made):
    code = "import os\nfor pid in (1, os.getppid()):\n"
    code += "    try: open(f'/proc/{pid}/mem', 'rb'); print(pid, 'open')\n"
    code += "    except OSError: print(pid)"
    assert run(code)[0].splitlines()[0] == "1"
    assert made.lives()


def test_more_checks_than_descriptors_can_be_sent_for_do_not_end_it(made, bundle, folder):
    job = Job("n", new_notebook(cells=[new_code_cell("1")]))
    job.questions *= 0
    job.questions += [None] * 260
    ran = run_submission([job], folder, bundle, QUICK, None, zygote=made)
    assert (ran["n"].reasons, made.lives()) == ([], True)


def test_who_is_there_when_a_zygote_dies_is_run_again(made, bundle, folder):
    notebook = new_notebook(cells=[new_code_cell("import time; time.sleep(1); print('well')")])
    # Who is killed first takes others along: they may be gone when it is their turn.
    killer = threading.Timer(0.5, lambda: [kill(p.pid) for p in made._process.processes()])
    with closing(Sandbox(bundle, folder, {"n": 0}, QUICK, zygote=made)):
        killer.start()
    ran = run_submission([Job("n", notebook)], folder, bundle, QUICK, None, zygote=made)
    assert (ran["n"].reasons, made.lives()) == ([], False)
    assert notebook.cells[0].outputs[0].text == "well\n"


def test_closing_twice_harms_nobody_who_has_its_number_by_then(bundle, folder):
    made = Zygote(str(bundle.packages), folder, QUICK)
    made.close()
    parent = subprocess.Popen(["sh", "-c", "sleep 100 & wait"])
    while not (children := psutil.Process(parent.pid).children()):
        time.sleep(0.01)
    made._process._process.pid = parent.pid
    made.close()
    made._process.end()
    assert children[0].is_running()
    for process in (*children, parent):
        process.kill()
    parent.wait()


def refused(monkeypatch):
    """A machine that lets nobody inside bubblewrap make name spaces."""
    real = bubblewrap.wrapped
    monkeypatch.setattr("grader.wrapped.wrapped", lambda *a, with_rights=False: real(*a))


def test_where_no_sandbox_can_be_forked_each_has_a_bubblewrap_of_its_own(
    monkeypatch, bundle, folder
):
    refused(monkeypatch)
    made = Zygote(str(bundle.packages), folder, QUICK)
    for _ in range(2):
        notebook = new_notebook(cells=[new_code_cell("import os; print(os.getpid())")])
        ran = run_submission([Job("n", notebook)], folder, bundle, QUICK, None, zygote=made)
        assert (ran["n"].reasons, made.lives()) == ([], False)
        assert notebook.cells[0].outputs[0].text.strip().isdigit()


def test_a_zygote_that_died_is_done_without(run, made):
    assert run("print(0)") == ["0\n"]
    for process in made._process.processes():
        kill(process.pid)  # the first takes the others along
    assert run("print(1)") == ["1\n"]
    assert not made.lives()


def test_the_kept_one_is_begun_anew_for_another_folder(bundle, folder, tmp_path):
    packages = str(bundle.packages)
    first = zygote.kept_zygote(packages, folder, QUICK)
    assert zygote.kept_zygote(packages, folder, QUICK) is first
    (tmp_path / "other").mkdir()
    second = zygote.kept_zygote(packages, tmp_path / "other", QUICK)
    assert (first.lives(), second.lives()) == (False, True)
    second.close()
    assert zygote.kept_zygote(packages, tmp_path / "other", QUICK) is None
    zygote.close_kept()


def test_it_dies_with_the_process_that_keeps_it_and_its_sandboxes_with_it(bundle, folder):
    parent = os.fork()
    if parent == 0:
        made = Zygote(str(bundle.packages), folder, QUICK)
        kept = Sandbox(bundle, folder, {"n": 0}, QUICK, zygote=made)
        (folder / "up").touch()
        time.sleep(100)
        kept.close()
        os._exit(0)
    while not (folder / "up").exists():
        time.sleep(0.05)
    children = psutil.Process(parent).children(recursive=True)
    assert len(children) >= 5  # bubblewrap twice, the zygote, a sandbox's first process, a warm one
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert not psutil.wait_procs(children, timeout=5)[1]


def test_a_sandbox_ends_with_who_speaks_to_it_even_if_its_processes_are_stopped(
    made, bundle, folder
):
    sandbox = Sandbox(bundle, folder, {"n": 0}, QUICK, zygote=made)
    inside = sandbox.processes()
    inside[1].suspend()
    sandbox.control.close()
    assert not psutil.wait_procs(inside, timeout=10)[1]
    sandbox.close()


def test_a_closed_sandbox_leaves_no_process(made, bundle, folder):
    for _ in range(3):
        sandbox = Sandbox(bundle, folder, {"n": 0}, QUICK, zygote=made)
        inside = sandbox.processes()
        assert len(inside) == 2
        sandbox.close()
        assert not psutil.wait_procs(inside, timeout=5)[1]
    assert [p.name() for p in made._process.processes()].count("bwrap") == 1
    assert len(made._process.processes()) == 2


AS_A_USER = """
code = "import glob, os; print(os.getuid(), glob.glob('/tmp/left'), len(os.openpty()))\\n"
code += "try: open('/proc/1/mem', 'rb'); print('open')\\nexcept OSError: pass\\n"
code += "open('/tmp/left', 'w'); os.chmod('/dev/pts/ptmx', 0); os.chmod('/dev/pts', 0)"
import sys
from pathlib import Path
import grader.bubblewrap, grader.wrapped
from nbformat.v4 import new_code_cell, new_notebook
paths, folder = sys.argv[2:], Path(sys.argv[1])
grader.bubblewrap.site_packages = grader.wrapped.site_packages = lambda: paths
from grader.run import Job
from grader.run_all import run_submission
from grader.sandbox import Bundle
from grader.zygote import Zygote
bundle, limits = Bundle(folder / "bundle"), grader.bubblewrap.Limits()
place = folder / "submission"
(place / "n").mkdir(parents=True)
zygote = Zygote(str(bundle.packages), place, limits)
for _ in range(2):
    notebook = new_notebook(cells=[new_code_cell(code)])
    run_submission([Job("n", notebook)], place, bundle, limits, None, zygote=zygote)
    print(notebook.cells[0].outputs[0].text.strip(), zygote.lives())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_has_one_too():
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if not os.access(system, os.X_OK):
        pytest.skip("there is no interpreter of this version that everybody can run")
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, 23456, 23456)
        ran = as_a_user(system, home)
    if "Permission denied" in ran.stderr:
        pytest.skip("the project lies where an ordinary user cannot read it")
    assert ran.stdout == "23456 [] 2 True\n" * 2, ran.stderr


def as_a_user(python, home):
    packages = bubblewrap.site_packages()
    user = ["setpriv", "--reuid", "23456", "--regid", "23456", "--clear-groups"]
    env = {"PYTHONPATH": os.pathsep.join([str(ROOT), *packages]), "PATH": os.environ["PATH"]}
    env |= {"HOME": home, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*user, python, "-c", AS_A_USER, home, *packages]
    return subprocess.run(command, env=env, capture_output=True, text=True)
