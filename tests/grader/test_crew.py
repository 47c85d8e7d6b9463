"""A crew: begun early where there will be work, and gone at the end, whatever happened."""

import os
import shutil
import time
from contextlib import suppress

import psutil
import pytest

from grader import grade
from grader.bubblewrap import Limits
from grader.course import Course
from grader.crew import Crew
from grader.grade import Options, UsageError, grade_class

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


def zygotes(before):
    """The workers that have begun a bubblewrap."""
    found = set()
    for pid in below() - before:
        with suppress(psutil.NoSuchProcess):
            if (one := psutil.Process(pid)).name() == "bwrap" and one.parent().name() != "bwrap":
                found.add(one.ppid())
    return found


def test_every_worker_that_has_begun_has_a_zygote_and_all_are_gone_at_the_end(tmp_path):
    before = below()
    with Crew(Course(tmp_path), 2, Limits(), b"", True, None) as crew:
        crew.begin()
        work = crew.setting.work
        until = time.monotonic() + 60
        while len(zygotes(before)) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        assert len(zygotes(before)) == len(list(work.glob("student-*"))) == 2
    assert not work.exists()
    assert below() <= before


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
