"""A crew: begun early where there will be work, and gone at the end, whatever happened."""

import math
import os
import shutil
import subprocess
import threading
import time
from contextlib import suppress

import psutil
import pytest
from quick import Here

from grader import grade, workers
from grader.bubblewrap import Limits
from grader.course import Course
from grader.crew import Crew
from grader.grade import Options, UsageError, grade_class
from grader.nbgrader_books import open_books
from grader.result import Student, Submission

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]


def below():
    """The processes that this one has started, and those that they have.

    Python's own resource tracker, which outlives pools, is left out.
    """
    found = set()
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "resource_tracker" not in " ".join(one.cmdline()):
                found.add(one.pid)
    return found


def who_has_zygotes(before):
    """The processes that have begun a bubblewrap."""
    found = set()
    for pid in below() - before:
        with suppress(psutil.NoSuchProcess):
            if (one := psutil.Process(pid)).name() == "bwrap" and one.parent().name() != "bwrap":
                found.add(one.ppid())
    return found


MEET = """touch "$0/$$"; until [ "$(ls "$0" | wc -l)" -ge 2 ]; do sleep 0.05; done"""


def both_are_ready(crew, folder):
    """Wait for two workers, each of which waits for the other one."""
    folder.mkdir()
    wait = ["sh", "-c", MEET, str(folder)]
    ready = [crew._pool._submit(subprocess.run, wait) for _ in range(2)]
    assert [one.result(timeout=120).returncode for one in ready] == [0, 0]


def test_workers_share_a_zygote_and_all_are_gone_at_the_end(ungraded, classroom, tmp_path):
    own, _ = ungraded
    name, before, seen, over = classroom.name, below(), set(), threading.Event()

    def look():
        while not over.wait(0.05):
            seen.update(who_has_zygotes(before))

    watch = threading.Thread(target=look)
    places = [classroom.hand_in(f"crew/{who}", classroom.solved()) for who in ("ada", "bob")]
    pieces = [[Submission(Student(p.parent.name), name, p)] for p in places]
    with Crew(own, 2, Limits(), b"", True, None) as crew:
        crew.begin()
        work = crew.setting.work
        with open_books(own) as books:
            books.write_masters(name, crew.setting.masters / name)
        watch.start()
        try:
            both_are_ready(crew, tmp_path / "ready")  # else the first of them may do it all
            graded = [one for _, one in crew.grade(pieces)]
        finally:
            over.set()
            watch.join()
        assert len(list(crew.setting.students.iterdir())) == 2  # both worked
    assert [sum(m.points for m in one.results[0].marks) > 0 for one in graded] == [True, True]
    assert [one.results[0].reasons for one in graded] == [(), ()]
    assert seen == {os.getpid()}
    assert not work.exists()
    assert below() <= before


def test_workers_begin_with_students_while_others_are_taken_in(ungraded, classroom, monkeypatch):
    own, _ = ungraded
    begun, start, take_in = [], Crew.start, grade.take_in

    def starting(self, piece):
        begun.append(piece[0].student.login)
        return start(self, piece)

    def taking_in(*args, **kwargs):
        intake = take_in(*args, **kwargs)
        begun.append("all are taken in")
        return intake

    monkeypatch.setattr(Crew, "start", starting)
    monkeypatch.setattr(grade, "take_in", taking_in)
    logins = ["a", "b", "c", "d", "e"]
    places = [classroom.hand_in(f"early/{login}", classroom.solved()) for login in logins]
    graded = [done.result for done in grade_class(places[0].parents[1], own, Options(jobs=2))]
    assert begun[:3] == ["a", "b", "c"]  # one more than there are workers
    assert begun[-1] == "all are taken in"
    assert sorted(result.student.login for result in graded) == logins
    assert len({result.marks for result in graded}) == 1


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one processor")
def test_each_worker_has_a_processor_of_its_own_where_there_are_as_many():
    all_of_them = os.sched_getaffinity(0)
    two = set(sorted(all_of_them)[:2])
    os.sched_setaffinity(0, two)
    try:
        assert processors_of_workers(2) == sorted([one] for one in two)
        assert processors_of_workers(1) == [sorted(two)]
    finally:
        os.sched_setaffinity(0, all_of_them)


def processors_of_workers(jobs):
    before = below()
    with workers.Pool(jobs) as pool:
        pool.begin(jobs, os.getpid)
        assert [one for _, one in pool.map(abs, [-1] * 9)] == [1] * 9
        until = time.monotonic() + 60
        while True:
            found = sorted(psutil.Process(pid).cpu_affinity() for pid in below() - before)
            if all(len(one) == 1 for one in found) or jobs == 1 or time.monotonic() > until:
                return found
            time.sleep(0.1)


def test_a_crew_that_is_not_needed_makes_nothing(tmp_path):
    before = below()
    with Crew(Course(tmp_path), 2, Limits(), b"", True, None):
        pass
    assert os.listdir(tmp_path) == []
    assert below() <= before


@pytest.fixture
def begun(monkeypatch):
    """What happened, in order: "begin" and "take in"."""
    happened, take_in = [], grade.take_in

    def noting(*args, **kwargs):
        happened.append("take in")
        return take_in(*args, **kwargs)

    monkeypatch.setattr(Crew, "begin", lambda self: happened.append("begin"))
    monkeypatch.setattr(grade, "take_in", noting)
    return happened


@pytest.fixture
def ungraded(course, tmp_path):
    """A copy of the course in which nothing has been graded, and an empty class."""
    out = shutil.ignore_patterns(".grader", "submitted")
    (tmp_path / "class").mkdir()
    return Course(shutil.copytree(course.root, tmp_path / "course", ignore=out)), tmp_path / "class"


def test_workers_begin_before_a_first_class_is_taken_in(begun, ungraded):
    own, empty = ungraded
    with pytest.raises(UsageError):
        list(grade_class(empty, own, Options()))
    assert begun == ["begin", "take in"]


@pytest.mark.parametrize(
    ("known", "options", "begins"),
    [
        ("01_categorical_policy", {}, False),
        ("01_categorical_policy", {"force": True}, True),
        ("01_categorical_policy", {"assignment": "01_categorical_policy"}, False),
        ("01_categorical_policy", {"assignment": "04_reinforce_vs_gae"}, True),
    ],
)
def test_workers_wait_where_results_are_known(begun, ungraded, known, options, begins):
    own, empty = ungraded
    own.private.mkdir()
    line = f'{{"recorded": ["ada", "{known}"], "key": "k"}}\n'
    (own.private / "journal.jsonl").write_text(line)
    with pytest.raises(UsageError):
        list(grade_class(empty, own, Options(**options)))
    assert ("begin" in begun) == begins


def test_work_is_laid_out_in_memory_where_there_is_room(tmp_path, monkeypatch):
    memory, top = tmp_path / "memory", tmp_path / "course"
    memory.mkdir()
    monkeypatch.setattr(workers, "MEMORY", memory)
    assert workers.work_folder(top, 1).parent == (memory if os.geteuid() == 0 else top)
    assert workers.work_folder(top, 1 << 60).parent == top
    crew = Crew(Course(tmp_path), 2, Limits(), b"", True, Here())  # on other machines, perhaps
    with crew:
        assert crew.setting.work.parent == Course(tmp_path).private
    monkeypatch.setattr(workers, "MEMORY", tmp_path / "nowhere")
    assert workers.work_folder(top, 1).parent == top


def test_only_folders_of_processes_that_are_gone_are_removed(tmp_path, monkeypatch):
    memory, top = tmp_path / "memory", tmp_path / "course"
    memory.mkdir()
    monkeypatch.setattr(workers, "MEMORY", memory)
    mine = workers.work_folder(top, math.inf)
    pid, dead = f"-{os.getpid()}-", "-999999999-"
    gone = [place / mine.name.replace(pid, dead) for place in (memory, top)]
    elsewhere = memory / "grader-1-999999999-of-another-container"
    for folder in (*gone, elsewhere):
        (folder / "students").mkdir(parents=True)
    for odd in ("word", "9" * 30):
        (memory / gone[0].name.replace("999999999", odd)).symlink_to(mine)
    workers.remove_stale(top)
    assert [folder.exists() for folder in (*gone, elsewhere, mine)] == [False, False, True, True]
