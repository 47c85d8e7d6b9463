"""What a hostile submission is, and what most of them are made of."""

import json
import re
import shutil
import textwrap
import zlib
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from grader.execute import cell_by_id, code_cell
from grader.hidden import AGENTS
from grader.rebuild import grade_id

GAE = "04_reinforce_vs_gae"
VPG = "03_vanilla_policy_gradient"
POINTS = {
    GAE: {
        "td_residuals": 2.0,
        "gae": 5.0,
        "gae_transform": 3.0,
        "psi_variants": 2.0,
        "returns_vs_gae_study": 4.0,
    },
    VPG: {
        "discounted_returns": 2.0,
        "policy_gradient_loss": 4.0,
        "value_loss": 3.0,
        "vpg_update": 5.0,
        "cartpole_agent": 3.0,
    },
}
TD = {"td_residuals": 2.0}
"""What most attackers did honestly."""

Maker = Callable[[Path, NotebookNode, NotebookNode], None]


@dataclass(frozen=True, eq=False)
class Attack:
    """One submission.

    Args:
        name: its login.
        row: of ATTACKS.md.
        example: the words of that row it realises.
        make: `(folder, solved, released)` writes it.
        expected: points of its honest work, exercises that are left out have none; None where the
            export has no such student any more, because it was refused.
        codes: one of them is the attacked exercise's, or befell the whole submission.
        aims_at: the attacked exercise.
        package: what is written is an export of an LMS, and not a folder in nbgrader's layout.
    """

    name: str
    row: int
    example: str
    make: Maker
    expected: Mapping[str, float] | None = field(default_factory=dict)
    codes: tuple[str, ...] = ("wrong",)
    aims_at: str = "gae"
    assignment: str = GAE
    package: bool = False

    @property
    def login(self) -> str:
        """What the grader calls the attacker; in an export of Canvas it ends in a number."""
        if not self.package:
            return self.name
        return f"{self.name.replace('-', '')}_{canvas_id(self.name)}"

    def points(self) -> dict[str, float]:
        """Expected points of every exercise of its notebook."""
        return {name: (self.expected or {}).get(name, 0.0) for name in POINTS[self.assignment]}


def canvas_id(name: str) -> int:
    """A number that Canvas might have for somebody."""
    return 1 + zlib.crc32(name.encode()) % 99_999


# Written into what is handed in; conftest puts the session's own in their place.
PLACES = ("CANARY_FOLDER", "CANARY_PORT", "COURSE_FOLDER", "CLASS_FOLDER", "REPO_FOLDER")

ARMS = '''
import ctypes, gc, glob, json, os, re, signal, socket, stat, struct, sys, threading, time

if os.getuid() == 0 or sum(name.isdigit() for name in os.listdir("/proc")) > 60:
    os._exit(13)  # what follows does harm: it runs in a sandbox or not at all


def leak(found):
    """Print what should not be known or possible; the mark never stands in a source."""
    print("LE" + "AK: " + repr(found)[:300], flush=True)


def search(text, where):
    for found in set(re.findall(rb"rlcore-canary-[0-9a-f]{32}", text)):
        leak((where, found))


def walk(top):
    """Everything below a folder, without the system and the interpreter."""
    system = {"/proc", "/sys", "/dev", "/usr", "/lib", "/lib64", "/bin", "/sbin", sys.base_prefix}
    for at, folders, files in os.walk(os.path.abspath(top)):
        folders[:] = [n for n in folders if os.path.join(at, n) not in {*system, *sys.path}]
        yield from (os.path.join(at, name) for name in (*folders, *files))


def look(*paths):
    """Search files, and folders to the bottom, for canaries."""
    for top in paths:
        for path in [top, *(path for path in walk(top) if os.path.isfile(path))]:
            try:
                with open(path, "rb") as file:
                    search(file.read(2_000_000), path)
            except OSError:
                pass


def everywhere(*names):
    """Paths of these names in all places but the system's own."""
    return [path for path in walk("/") if os.path.basename(path) in names]


def write(path, text="rlcore-attack was here"):
    """Try to write; say so where it worked."""
    try:
        with open(path, "a") as file:
            file.write(text)
    except OSError as error:
        print(type(error).__name__, path)
    else:
        leak(("written", path))


def channels():
    """Descriptors of this process that are sockets."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                found.append(int(name))
        except OSError:
            pass
    return found


def say(data):
    """Write bytes into every socket this process holds."""
    for number in channels():
        try:
            socket.socket(fileno=os.dup(number)).send(data, socket.MSG_DONTWAIT)
        except OSError:
            pass


def frame(value):
    arrays = []

    def mark(given):
        arrays.append(given.tobytes())
        return {"__array__": [str(given.dtype), list(given.shape)]}

    if not isinstance(value, bytes):
        value = json.dumps(value, default=mark).encode() + b"\\n" + b"".join(arrays)
    return struct.pack(">I", len(value)) + value
'''

# Right answers to questions that were not asked, as the witness would send them.
PRETEND = """
import hashlib, hmac
import rlcore


def right(exercise, answer, names, knobs, secret, student, rounds=2):
    import grader.exercises as known
    key = hmac.new(secret, f"{student}\\0{exercise}".encode(), hashlib.sha256).digest()
    rng = np.random.default_rng(int.from_bytes(key, "big"))
    outcomes = []
    for case in known.find_exercise(exercise).cases(rng, rounds):
        given = answer(*(case.inputs[n] for n in names), **{k: case.inputs[k] for k in knobs})
        found = {} if case.inputs.get("only_keep") else {"advantages": array(given)}
        outcomes.append({"observables": found})
    return outcomes


def array(given):
    return np.ascontiguousarray(given, dtype=float)


NAMES = ("rewards", "values", "next_values", "terminated", "truncated")
OUR_GAE = rlcore.gae


def for_gae(secret=b"", student="honest-full", rounds=2):
    return right("gae", OUR_GAE, NAMES, ("gamma", "gae_lambda"), secret, student, rounds)
"""


def gae(body: str) -> str:
    """A cell that defines `gae` with this body."""
    head = "def gae(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):\n"
    return head + textwrap.indent(textwrap.dedent(body).strip(), "    ")


ZEROS = gae("return np.zeros(rewards.shape)")


def cells(
    answers: Mapping[str, str] | None = None,
    *,
    before: Mapping[str, str] | None = None,
    behind: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    honest: Iterable[str] = ("td_residuals",),
    armed: bool = True,
    study: bool = False,
) -> Maker:
    """A notebook with some answers right, others as given, and cells of the attacker's own.

    Args:
        answers: source by exercise.
        before, behind: own cells, by the grade_id they stand before or behind.
        files: what lies beside the notebook.
        honest: exercises that are solved.
        armed: a cell with `ARMS` stands first.
        study: the solution's agents and logs are handed in, too.
    """

    def make(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
        notebook = honest_work(solved, released, honest)
        for name, source in (answers or {}).items():
            found = cell_by_id(notebook, name)
            assert found is not None
            found.source = textwrap.dedent(source).strip()
        for places, step in ((before, 0), (behind, 1)):
            for name, source in (places or {}).items():
                at = [grade_id(cell) for cell in notebook.cells].index(name) + step
                notebook.cells.insert(at, code_cell(textwrap.dedent(source).strip()))
        if armed:
            notebook.cells.insert(0, code_cell(ARMS.strip()))
        hand_in(folder, notebook, study=study)
        for name, content in (files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")

    return make


def honest_work(
    solved: NotebookNode, released: NotebookNode, exercises: Iterable[str]
) -> NotebookNode:
    """The released notebook with these exercises solved."""
    notebook = deepcopy(released)
    for name in exercises:
        stub, answer = cell_by_id(notebook, name), cell_by_id(solved, name)
        assert stub is not None and answer is not None
        stub.source = re.sub(r"\n *### (BEGIN|END) SOLUTION", "", answer.source)
    return notebook


def hand_in(folder: Path, notebook: dict | bytes, *, study: bool = False) -> Path:
    """Write a notebook as a submission; its name is the folder's."""
    folder.mkdir(parents=True, exist_ok=True)
    if study:
        shutil.copytree(AGENTS / folder.name, folder, dirs_exist_ok=True)
    path = folder / f"{folder.name}.ipynb"
    if isinstance(notebook, bytes):
        path.write_bytes(notebook)
    else:
        path.write_text(json.dumps(notebook), encoding="utf-8")
    return path
