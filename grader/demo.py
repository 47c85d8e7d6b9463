"""`grader demo`: a class made out of the answer key, graded, and compared with what it should get.

The course, the gradebook and the class are made afresh in build/demo at every run.
"""

import inspect
import re
import shutil
import textwrap
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.bubblewrap import INSTALL, Limits
from grader.build import build_course, read_source, sources
from grader.course import ROOT
from grader.execute import cell_by_id
from grader.exercises import find_exercise
from grader.grade import Options, grade_class
from grader.hidden import AGENTS, answer_keys
from grader.nbgrader_course import NbgraderCourse, remove_tree
from grader.rebuild import read_notebook
from grader.reporting import table_row, write_reports_of
from grader.result import Result

DEMO = ROOT / "build" / "demo"
NOTEBOOK = "04_reinforce_vs_gae"


@dataclass(frozen=True)
class Member:
    """One synthetic student: answers by exercise, and the outcome they should have.

    `answers` maps an exercise to the name of a function or class of the key (of the first, where
    several are handed in together), or to source text. `loses` maps an exercise to a part of what
    the table must say about it, `reasons` are codes of the whole of it. Everybody but the untouched
    hands in the solution's study; what is `hostile` is graded in a sandbox only.
    """

    login: str
    answers: dict[str, str] = field(default_factory=dict)
    loses: dict[str, str] = field(default_factory=dict)
    untouched: bool = False
    broken: str = ""
    hostile: bool = False
    reasons: tuple[str, ...] = ()


LIMITS = Limits(cell_seconds=5.0, wall_factor=3.0)
# Looks for the answer key, replaces the judge and asks the network; then it answers what it found.
HOSTILE = """
import os, sys, socket, pathlib
import grader.judge, grader.evidence, numpy.testing

always = lambda *args, **kwargs: True
grader.judge.difference = grader.compare.equal = numpy.testing.assert_allclose = always
def td_residuals(*args, gamma):
    for folder in ("/", *sys.path):
        for path in pathlib.Path(folder or ".").glob("*/answer_key/*"):
            return eval(path.read_text())
    assert not os.environ.get("GRADER_SECRET")
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    except OSError:
        raise FileNotFoundError("no key, no secret, no network") from None
"""

CLASS = (
    Member("ada-all-right"),
    Member(
        "ben-sum-form",
        {
            "td_residuals": "as_a_list",
            "gae": "sum_form",
            "gae_transform": "OnlyWhereNeeded",
            "psi_variants": "carried_total",
        },
    ),
    Member(
        "cem-torch",
        {"td_residuals": "with_torch", "gae": "with_torch", "gae_transform": "WithoutHelpers"},
    ),
    Member("dia-lfilter", {"gae": "with_lfilter"}),
    Member(
        "eli-trace-not-cut",
        {"gae": "trace_not_cut"},
        {"gae": "the trace is not cut at the end of an episode"},
    ),
    Member(
        "fay-v-of-s-t",
        {"gae_transform": "CurrentValueAsNext", "psi_variants": "total_to_go"},
        {
            "gae_transform": "V(s_t) stands where V(s_{t+1}) belongs",
            "psi_variants": "the return that followed it, which is item 2",
        },
    ),
    Member(
        "gus-last-value",
        {"gae_transform": "LastValueRepeated"},
        {"gae_transform": "values[-1] stands in for the value after the last step"},
    ),
    Member(
        "hal-two-mistakes",
        {"td_residuals": "terminal_value_kept", "gae": "truncation_as_terminal"},
        {
            "td_residuals": "the value of the next state is still added after a terminal step",
            "gae": "a truncation is treated as a termination",
        },
    ),
    Member(
        "ida-raises",
        {"gae": "def gae(rewards, values, *rest, gamma, gae_lambda):\n    return rewards / Values"},
        {"gae": "NameError: name 'Values' is not defined"},
    ),
    Member(
        "jon-untouched",
        loses=dict.fromkeys(("td_residuals", "gae", "gae_transform", "psi_variants"), "not written")
        | {"returns_vs_gae_study": "there is no folder logs/3a beside the notebook"},
        untouched=True,
    ),
    Member("kim-half-a-file", broken="not-json"),
    Member(
        "leo-endless",
        {"gae": "def gae(*args, **kwargs):\n    while True:\n        pass"},
        {"gae": "it ran too long and was stopped"},
        hostile=True,
        reasons=("timeout",),
    ),
    Member(
        "mal-hostile",
        {"td_residuals": HOSTILE},
        {"td_residuals": "it raises FileNotFoundError"},
        hostile=True,
    ),
)


def demo(say: Callable = print) -> bool:
    """Build, grade and compare; whether every outcome is the expected one."""
    remove_tree(DEMO)
    course = build_course(DEMO / "course", say=say)
    members, contained = CLASS, shutil.which("bwrap") is not None
    if not contained:
        members = [member for member in CLASS if not member.hostile]
        say(f"\n{INSTALL}.\nUntil then, the harmless part of the class, without a sandbox:")
    folder = make_class(course, DEMO / "class", members)
    say(f"grading {len(members)} submissions\n")
    options = Options(NOTEBOOK, limits=LIMITS, contained=contained, jobs=2)
    surprises: list[str] = []
    results = [done.result for done in grade_class(folder, course, options)]
    for result in sorted(results, key=lambda one: one.student.login):
        say("\n".join(table_row(result)))
        surprises += unexpected(result)
    write_reports_of(course, results)
    say(f"\nclass page {(course.root / 'reports' / 'class.html').relative_to(ROOT)}")
    say(f"feedback   {(course.root / 'feedback').relative_to(ROOT)}/<student>/{NOTEBOOK}/*.html")
    say(f"tables     {(course.root / 'reports').relative_to(ROOT)}")
    say(f"gradebook  {course.gradebook.relative_to(ROOT)}\n")
    for surprise in surprises:
        say(f"unexpected: {surprise}")
    say("every mark is as it should be" if not surprises else "")
    return not surprises


def make_class(course: NbgraderCourse, folder: Path, members: Iterable[Member]) -> Path:
    """Write a submission for each member of the class, in nbgrader's layout."""
    released = read_notebook(course.root / "release" / NOTEBOOK / f"{NOTEBOOK}.ipynb")
    solved = read_source(next(path for path in sources() if path.stem == NOTEBOOK))
    for member in members:
        place = folder / member.login / NOTEBOOK
        place.mkdir(parents=True)
        notebook = hand_in(member, released, solved)
        if not member.untouched:
            shutil.copytree(AGENTS / NOTEBOOK, place, dirs_exist_ok=True)
        text = nbformat.writes(notebook)
        text = text[: len(text) // 2] if member.broken else text
        (place / f"{NOTEBOOK}.ipynb").write_text(text, encoding="utf-8")
    return folder


def hand_in(member: Member, released: NotebookNode, solved: NotebookNode) -> NotebookNode:
    """The released notebook with this member's answers in it."""
    notebook = deepcopy(released)
    if member.untouched:
        return notebook
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if cell.metadata.get("nbgrader", {}).get("solution"):
            answer = cell_by_id(solved, name)
            assert answer is not None
            cell.source = re.sub(r"\n *### (BEGIN|END) SOLUTION", "", answer.source)
    for name, answer in member.answers.items():
        cell = cell_by_id(notebook, name)
        assert cell is not None
        cell.source = source_of(name, answer) if answer.isidentifier() else answer
    return notebook


def source_of(exercise: str, answer: str) -> str:
    """An answer of the key as a student's cell: renamed, with its module's imports before it."""
    key = answer_keys()[exercise]
    known = [*key.also_correct, *(one.wrong_answer for one in key.misconceptions)]
    together = [one if isinstance(one, tuple) else (one,) for one in known]
    found = next(parts for parts in together if parts[0].__name__ == answer)
    names = re.findall(r"\w+", find_exercise(exercise).answer or exercise)
    code = "import numpy as np\nimport torch\n"
    for part, name in zip(found, names, strict=True):
        source = textwrap.dedent(inspect.getsource(part))
        code += "\n" + re.sub(rf"\b{part.__name__}\b", name, source)
    return code


def unexpected(result: Result) -> list[str]:
    """Differences between a result and what this member should have got."""
    member = next(one for one in CLASS if one.login == result.student.login)
    if member.broken:
        good = result.reasons == (member.broken,) and result.points == 0
        return [] if good else [f"{member.login}: {result.reasons} {result.points}"]
    found = {code for code in result.reasons if code != "repaired"}
    problems = [f"{member.login}: {reason}" for reason in found ^ set(member.reasons)]
    for mark in result.marks:
        exercise = mark.cell.removeprefix("test_")
        if exercise == mark.cell:
            continue
        lost = mark.auto is None or mark.auto < mark.most
        if lost != (exercise in member.loses):
            problems.append(f"{member.login}: {exercise} has {mark.auto} of {mark.most}")
        elif lost and member.loses[exercise] not in mark.text:
            problems.append(f"{member.login}: {exercise} is said to be: {mark.text}")
    return problems
