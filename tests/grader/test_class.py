"""A class: the same verdicts in any order, after any interruption, and nothing done twice."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook
from quick import CONTAINED, QUICK, Here

from grader import grading
from grader.cli import main
from grader.course import Course
from grader.execute import cell_by_id
from grader.grade import Options, grade_class

pytestmark = pytest.mark.slow
GRADER = [sys.executable, "-c", "import sys; from grader.cli import main; sys.exit(main())"]
SAND = [] if CONTAINED else ["--no-sandbox"]


@pytest.fixture(scope="module")
def pupils(classroom):
    """A folder with four submissions: right, wrong, noisy, broken."""
    wrong = cell_by_id(classroom.solved(), "gae").source.replace("gae_lambda *", "1.0 *")
    broken = classroom.solved()
    cell_by_id(broken, "td_residuals").source = "def td_residuals(*args, gamma): return None"
    other = classroom.solved()
    cell_by_id(other, "gae").source = wrong
    noisy = classroom.solved()
    noisy.cells.insert(3, new_code_cell("for k in range(100): print(k)"))
    notebooks = {"a": classroom.solved(), "b": other, "c": noisy, "d": broken}
    for login, notebook in notebooks.items():
        classroom.hand_in(f"pupils/{login}", notebook)
    return classroom.folder / "pupils"


@pytest.fixture
def empty(course, tmp_path):
    """A course of its own in which nobody has been graded."""
    shutil.copytree(
        course.root, tmp_path / "course", ignore=shutil.ignore_patterns(".grader", "submitted")
    )
    return Course(tmp_path / "course")


def timeless(results):
    return {one.student.login: replace(one, seconds=0.0) for one in results}


def graded(source, course, **options):
    options = Options(limits=QUICK, contained=CONTAINED, **options)
    return timeless(done.result for done in grade_class(source, course, options))


def notebooks(course):
    """What was written for people, by path."""
    files = (course.root / "autograded").rglob("*.ipynb")
    return {str(p.relative_to(course.root)): p.read_bytes() for p in files if len(p.parts[-3]) == 1}


def test_two_workers_or_one_after_the_other_give_the_same_bit_by_bit(pupils, empty, tmp_path):
    twin = Course(tmp_path / "twin")
    shutil.copytree(empty.root, twin.root)
    first = graded(pupils, empty, jobs=2)
    assert first == graded(pupils, twin, executor=Here())
    assert notebooks(empty) == notebooks(twin)
    assert [round(one.points, 2) for one in first.values()] != [16.0] * 4


def test_what_has_not_changed_is_not_graded_again(pupils, empty, classroom):
    first = graded(pupils, empty, executor=Here())
    page = empty.root / "autograded" / "a" / classroom.name / f"{classroom.name}.ipynb"
    before = page.stat().st_mtime_ns
    again = list(grade_class(pupils, empty, Options(limits=QUICK, contained=CONTAINED)))
    assert all(done.known for done in again)
    assert timeless(done.result for done in again) == first
    assert page.stat().st_mtime_ns == before


def test_what_is_written_for_people_is_made_again_where_it_is_lost(pupils, empty, classroom):
    graded(pupils, empty, executor=Here())
    shutil.rmtree(empty.root / "autograded" / "b")
    options = Options(limits=QUICK, contained=CONTAINED, executor=Here())
    done = {one.result.student.login: one.known for one in grade_class(pupils, empty, options)}
    assert done == {"a": True, "b": False, "c": True, "d": True}


def test_a_new_gradebook_is_filled_from_the_journal(pupils, empty, course):
    graded(pupils, empty, executor=Here())
    recorded = scores_by_student(empty)
    empty.gradebook.unlink()
    shutil.copy(course.gradebook, empty.gradebook)
    assert all(done.known for done in grade_class(pupils, empty, Options(limits=QUICK)))
    assert {k: v for k, v in scores_by_student(empty).items() if k in recorded} == recorded


def scores_by_student(course):
    with Gradebook(f"sqlite:///{course.gradebook}", "rlcore") as gradebook:
        rows = gradebook.submission_dicts("04_reinforce_vs_gae")
        return {row["student"]: row["score"] for row in rows if len(row["student"]) == 1}


def start(pupils, course):
    """The command, when its first row is there."""
    command = [*GRADER, "grade", str(pupils), "--course", str(course.root), "--jobs", "2", *SAND]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    assert b"1/4" in run.stdout.readline()
    return run, psutil.Process(run.pid).children(recursive=True)


def work_folders(course, run):
    places = (course.private, Path("/dev/shm"))
    return [one for place in places for one in place.glob(f"grader-*-{run.pid}-*")]


def gone(processes):
    return not psutil.wait_procs(processes, timeout=10)[1]


def test_killed_at_any_moment_the_same_command_ends_with_the_same_result(pupils, empty, capsys):
    run, below = start(pupils, empty)
    run.kill()
    run.communicate()
    assert gone(below)
    lines = (empty.private / "journal.jsonl").read_text().splitlines()
    kept = sum("result" in json.loads(line) for line in lines)
    with (empty.private / "journal.jsonl").open("a") as journal:
        journal.write('{"key": "torn')
    assert main(["grade", str(pupils), "--course", str(empty.root), *SAND]) == 0
    assert f"{kept} of them unchanged" in capsys.readouterr().out
    assert sorted(scores_by_student(empty)) == ["a", "b", "c", "d"]
    assert not work_folders(empty, run)


def test_ctrl_c_stops_at_once_without_a_traceback_and_leaves_nothing(pupils, empty):
    run, below = start(pupils, empty)
    started = time.monotonic()
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=30)
    assert (run.returncode, err) == (130, b"")
    assert b"the same command goes on from there" in out
    assert gone(below)
    assert time.monotonic() - started < 10
    assert not work_folders(empty, run)


def test_a_worker_that_is_killed_costs_nobody_anything(pupils, empty):
    options = Options(limits=QUICK, contained=CONTAINED, jobs=2)
    results = []
    for done in grade_class(pupils, empty, options):
        results.append(done.result)
        if len(results) == 1:
            workers = [p for p in psutil.Process().children() if "spawn_main" in str(p.cmdline())]
            workers[0].kill()
    assert sorted(one.student.login for one in results) == ["a", "b", "c", "d"]
    assert all(one.processed for one in results)


def test_a_grader_that_fails_is_nobody_s_zero(classroom, empty, monkeypatch):
    def fails(*args, **kwargs):
        raise OSError("disk on fire")

    monkeypatch.setattr("grader.grading.run_submission", fails)
    place = classroom.hand_in("unlucky/u", classroom.solved())
    (result,) = graded(place.parents[1], empty, executor=Here()).values()
    assert (result.processed, result.marks) == (False, ())
    assert "disk on fire" in result.problem


def test_a_sleeper_is_run_once_more_before_it_is_believed(classroom, empty, monkeypatch):
    runs = []
    real = grading.run_submission
    monkeypatch.setattr(grading, "run_submission", lambda *a, **k: runs.append(1) or real(*a, **k))
    sleepy = classroom.solved()
    sleepy.cells.insert(3, new_code_cell("import time; time.sleep(1000)"))
    place = classroom.hand_in("sleepers/s", sleepy)
    (result,) = graded(place.parents[1], empty, executor=Here()).values()
    assert (len(runs), result.reasons, result.points) == (2, ("timeout",), 16.0)


def test_the_folder_of_the_course_stands_for_its_submissions(classroom, empty, capsys):
    place = classroom.hand_in("whole/ann", classroom.released)
    shutil.copytree(place.parents[1], empty.root / "submitted")
    assert list(graded(empty.root, empty, executor=Here())) == ["ann"]
    assert f"submissions are in {empty.root / 'submitted'}" in capsys.readouterr().out


def test_both_of_a_team_get_the_marks(classroom, empty):
    notebook = classroom.solved()
    next(c for c in notebook.cells if "TEAM =" in c.source).source = 'TEAM = ["t1", "t2"]'
    place = classroom.hand_in("teams/t1", notebook)
    results = graded(place.parents[1], empty, executor=Here(), teams=True)
    assert {login: one.points for login, one in results.items()} == {"t1": 16.0, "t2": 16.0}
    assert (empty.root / "feedback" / "t2" / classroom.name).is_dir()
    assert "names t2, as nobody in the class is called" in results["t2"].notes[-1]


def test_a_mate_is_known_by_the_name_without_the_number_that_canvas_adds(classroom, empty):
    notebook = classroom.solved()
    next(c for c in notebook.cells if "TEAM =" in c.source).source = 'TEAM = ["ann", "Benb"]'
    place = classroom.hand_in("canvas-teams/ann_123", notebook)
    text = place.parents[1] / f"benb_124_77_{classroom.name}.txt"
    text.write_text("see ann's")
    for _ in range(2):
        results = graded(place.parents[1], empty, executor=Here(), teams=True)
        points = {login: (one.points, one.student.lms_id) for login, one in results.items()}
        assert points == {"ann_123": (16.0, ""), "benb_124": (16.0, "124")}


@pytest.mark.parametrize("cell", ['TEAM = ["login1"]', 'TEAM = ["../../t", "..", ""]'])
def test_a_team_that_was_not_filled_in_or_is_no_team_adds_nobody(classroom, empty, cell):
    notebook = classroom.solved()
    next(c for c in notebook.cells if "TEAM =" in c.source).source = cell
    place = classroom.hand_in("no-teams/t3", notebook)
    assert list(graded(place.parents[1], empty, executor=Here(), teams=True)) == ["t3"]


@pytest.mark.parametrize(("percent", "status"), [("50", 0), ("99", 1)])
def test_fail_under_decides_by_the_machine_s_points(pupils, empty, percent, status):
    arguments = ["grade", str(pupils), "--course", str(empty.root), *SAND]
    assert main([*arguments, "--fail-under", percent]) == status
