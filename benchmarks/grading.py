"""How fast a class is graded: beside stock nbgrader, again, for larger classes, and where it goes.

    python benchmarks/grading.py [--students 24] [--no-agents] [--beside 1 2] [--growth 24 240]

Everybody hands in every notebook, with agents unless `--no-agents`: right answers in several
styles, and known mistakes. Stock is nbgrader with its own configuration, `probe` judging in the
kernel's process, with so many processes at once as `--beside` says; its scores must equal ours.
All find the class in submitted/. Prints tables, writes grading.json, without agents
grading_no_agents.json.
"""

import argparse
import ast
import inspect
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import nbformat
import psutil
import torch
from nbgrader.api import Gradebook

from grader.build import build_course, read_source, sources
from grader.course import Course
from grader.execute import cell_by_id
from grader.exercise import Exercise
from grader.exercises import EXERCISES
from grader.hidden import AGENTS, answer_keys
from grader.rebuild import grade_id, is_solution, read_notebook

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
# The steps of the one take seconds where they go wrong; the agent that is handed in fits the other.
KEPT = ("vpg_update", "actor_critic")
OURS = "grader grade --jobs 2"
STOCKS = {1: "nbgrader autograde", 2: "xargs -P2 nbgrader autograde"}  # by how many at once
STOCK = """c = get_config()
c.CourseDirectory.course_id = "rlcore"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
c.ClearSolutions.text_stub = "*Write your answer here.*"
c.ClearMarkScheme.enforce_metadata = False
"""


def make_class(course, folder, students, names, left_out=()):
    """Submissions of a class in nbgrader's layout; student k answers exercise e in style k + e.

    `left_out`: patterns of names of what is not handed in.
    """
    ignore = shutil.ignore_patterns(*left_out)
    for name in names:
        released = read_notebook(course.root / "release" / name / f"{name}.ipynb")
        solved = read_source(next(path for path in sources() if path.stem == name))
        for k in range(students):
            place = folder / f"student{k:03d}" / name
            place.mkdir(parents=True)
            if (AGENTS / name).is_dir():
                shutil.copytree(AGENTS / name, place, ignore=ignore, dirs_exist_ok=True)
            notebook = nbformat.from_dict(json.loads(nbformat.writes(released)))
            for e, cell in enumerate(c for c in notebook.cells if is_solution(c)):
                cell.source = answer(grade_id(cell), k + e, cell_by_id(solved, grade_id(cell)))
            nbformat.write(notebook, place / f"{name}.ipynb")
    return folder


def answer(name, style, solution):
    """The solution's answer, another right one or a mistake, by turns."""
    graded = next((one for one in EXERCISES if one.name == name), None)
    own = solution.source.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
    if style % 3 == 0 or name in KEPT or not isinstance(graded, Exercise):
        return own
    key = answer_keys()[name]
    known = [*key.also_correct, *(one.wrong_answer for one in key.misconceptions)]
    others = [one if isinstance(one, tuple) else (one,) for one in known]
    names = re.findall(r"\w+", graded.answer or name)
    return own + "\n\n" + with_helpers(others[style % len(others)], names)


def with_helpers(parts, names):
    """The source of an answer's parts under these names, behind all of their modules that they use.

    Closures, which have no place at the top of their module, stand for nothing: "" is given.
    """
    if any(part.__qualname__ != part.__name__ for part in parts):
        return ""
    code = gathered(Path(inspect.getfile(parts[0])), [part.__name__ for part in parts])
    for part, name in zip(parts, names, strict=True):
        code = re.sub(rf"\b{part.__name__}\b", name, code)
    return code


def gathered(path, wanted):
    """The source of some names of a module, and of what they need from it and its neighbours."""
    tree = ast.parse(path.read_text())
    binds = {bound: node for node in tree.body for bound in bound_by(node)}
    found, neighbours = set(), defaultdict(list)
    while wanted:
        name = wanted.pop()
        node = binds.get(name)
        if isinstance(node, ast.ImportFrom) and node.level:
            neighbours[path.with_name(f"{node.module}.py")].append(name)
        elif node is not None and node not in found:
            found.add(node)
            wanted += [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]
    code = [gathered(*neighbour) for neighbour in neighbours.items()]
    return "\n\n".join([*code, *(ast.unparse(node) for node in tree.body if node in found)])


def bound_by(node):
    """The names that a statement at the top of a module gives a meaning."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(one.asname or one.name).partition(".")[0] for one in node.names]
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    return [one.id for one in targets if isinstance(one, ast.Name)]


def scores(course_root):
    """Automatic scores by student, assignment and cell."""
    with Gradebook(f"sqlite:///{course_root / 'gradebook.db'}", "rlcore") as gradebook:
        return {
            (one.student.id, assignment.name, grade.name): round(grade.auto_score, 6)
            for assignment in gradebook.assignments
            for one in assignment.submissions
            for notebook in one.notebooks
            for grade in notebook.grades
            if grade.auto_score is not None
        }


def timed(command, cwd, env):
    """Seconds of a command, and the most memory that its first process had."""
    started, most = time.perf_counter(), 0
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=log, stderr=subprocess.STDOUT)
        own = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                most = max(most, own.memory_info().rss)
            except psutil.Error:
                pass
            time.sleep(0.02)
        seconds = time.perf_counter() - started
        log.seek(0)
        assert process.returncode == 0, log.read()[-3000:].decode()
    return seconds, most / 2**20


def fresh(course, folder, top, name):
    """A copy of the course, ungraded, with the class's submissions in it where all want them."""
    root = top / name
    shutil.copytree(course.root, root, ignore=shutil.ignore_patterns(".grader", "submitted"))
    if name.startswith("stock"):
        (root / "nbgrader_config.py").write_text(STOCK)
    shutil.copytree(folder, root / "submitted")
    return root


def environment():
    """Where nbgrader and its helpers are found; one secret and one thread for everybody."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "GRADER_SECRET": "benchmark", "OMP_NUM_THREADS": "1"}


def stock(root, students, names, workers):
    """Seconds of `nbgrader autograde`: everything in one process, or one for each submission."""
    if workers == 1:
        return sum(timed(["nbgrader", "autograde", n], root, environment())[0] for n in names)
    lines = [f"{n} --student student{k:03d}" for k in range(students) for n in names]
    script = f"xargs -P{workers} -L1 nbgrader autograde"
    return timed(
        ["bash", "-c", f"printf '%s\\n' {json.dumps(lines)[1:-1].replace(', ', ' ')} | {script}"],
        root,
        environment(),
    )[0]


def ours(root):
    """Seconds and MiB of `grader grade`."""
    where = [str(root / "submitted"), "--course", str(root)]
    return timed([str(BIN / "grader"), "grade", *where, "--jobs", "2"], root, environment())


def side_by_side(course, top, students, names, beside, left_out):
    """The whole class, everything cold, and again with nothing changed.

    Ours is timed before, between and after the other sides, since machines change their speed; the
    median counts.
    """
    folder = make_class(course, top / "class", students, names, left_out)
    cold, rows, found, memory = [], {}, [], 0.0

    def next_of_ours():
        nonlocal memory
        root = fresh(course, folder, top, f"ours{len(cold)}")
        seconds, memory = ours(root)
        cold.append(seconds)
        return root

    root = next_of_ours()
    for workers in beside:
        theirs = fresh(course, folder, top, f"stock{workers}")
        rows[STOCKS[workers]] = stock(theirs, students, names, workers)
        found.append(scores(theirs))
        root = next_of_ours()
    mine = scores(root)
    for theirs in found:
        differ = {k: (v, mine.get(k)) for k, v in theirs.items() if mine.get(k) != v}
        assert not differ, differ
    rows = {OURS: statistics.median(cold), **rows}
    rows["the same again, unchanged"] = min(ours(root)[0] for _ in range(3))
    return {
        "students": students,
        "seconds": rows,
        "ours": cold,
        "coordinator_mib": memory,
        "cells": len(mine),
    }


def growth(course, top, sizes, name):
    """Seconds and the coordinator's memory for classes of several sizes, one notebook each."""
    rows = []
    for size in sizes:
        folder = make_class(course, top / f"class{size}", size, [name])
        seconds, memory = ours(fresh(course, folder, top, f"ours{size}"))
        rows.append({"students": size, "seconds": seconds, "coordinator_mib": memory})
    return rows


def where_it_goes(course, top, names):
    """Seconds of the parts of one submission with all notebooks, in one worker that is warm."""
    from grader import grading, run, sandbox
    from grader.bubblewrap import Limits
    from grader.nbgrader_books import Books, open_books
    from grader.result import Student, Submission
    from grader.task import Setting

    course = Course(shutil.copytree(course.root, top / "course_of_one"))  # it gets marks
    folder = make_class(course, top / "one", 1, names) / "student000"
    work = top / "work"
    with open_books(course) as books:
        for name in names:
            books.write_masters(name, work / "masters" / name)
        bundle = sandbox.Bundle(work / "bundle")
        setting = Setting(work / "masters", bundle, course.root, work, Limits(), b"benchmark")
        given = [Submission(Student("student000"), name, folder / name) for name in names]
        torch.set_num_threads(1)
        grading.grade_student(given, setting)
        seconds = defaultdict(float)
        for owner, attribute, label in (
            (sandbox.Sandbox, "__init__", "sandbox and imports"),
            (run.NotebookRun, "start", "kernels"),
            (run.NotebookRun, "_cell", "cells"),
            (run.NotebookRun, "rehearse", "verification, published inputs"),
            (run.NotebookRun, "question", "verification, hidden inputs"),
            (Books, "record", "gradebook"),
        ):
            _watch(owner, attribute, label, seconds)
        started = time.perf_counter()
        for result in grading.grade_student(given, setting).results:
            books.record(result, again=False)
        whole = time.perf_counter() - started
    seconds["rebuilding, writing, ending"] = whole - sum(seconds.values())
    return dict(seconds) | {"whole": whole}


def _watch(owner, attribute, label, seconds):
    function = getattr(owner, attribute)

    def watched(*args, **kwargs):
        started = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds[label] += time.perf_counter() - started

    setattr(owner, attribute, watched)


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=24)
    parser.add_argument("--no-agents", action="store_true")
    parser.add_argument("--beside", type=int, nargs="*", choices=[*STOCKS], default=[*STOCKS])
    parser.add_argument("--growth", type=int, nargs="*", default=[24, 240])
    args = parser.parse_args()
    names = [path.stem for path in sources()]
    left_out = ["*_agent"] if args.no_agents else []
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        course = build_course(top / "course", say=lambda text: None)
        found = {"notebooks": len(names), "parts": where_it_goes(course, top, names)}
        found["class"] = side_by_side(course, top, args.students, names, args.beside, left_out)
        found["growth"] = growth(course, top, args.growth, "04_reinforce_vs_gae")
    file = "grading_no_agents.json" if args.no_agents else "grading.json"
    (HERE / file).write_text(json.dumps(found, indent=1) + "\n")
    report(found)


def report(found):
    """Print the tables."""
    seconds, students = found["class"]["seconds"], found["class"]["students"]
    print(
        f"{students} students, {found['notebooks']} notebooks each; "
        f"{found['class']['cells']} scores are equal"
    )
    reference = seconds[OURS]
    print(
        f"{OURS}: {', '.join(f'{one:.1f}' for one in found['class']['ours'])} s; the median counts"
    )
    for label, value in seconds.items():
        rate = 60 * students / value
        print(f"{label:32} {value:8.1f} s {rate:8.1f} students/min {value / reference:6.2f} x")
    print("\none notebook each")
    for row in found["growth"]:
        each = row["seconds"] / row["students"]
        print(
            f"{row['students']:4} students {row['seconds']:7.1f} s, {each:.2f} s each, "
            f"coordinator {row['coordinator_mib']:.0f} MiB"
        )
    print("\none submission of all notebooks")
    for label, value in found["parts"].items():
        print(f"{label:32} {value:6.2f} s")


if __name__ == "__main__":
    main()
