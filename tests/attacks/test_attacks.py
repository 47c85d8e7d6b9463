"""What must hold when a class with attackers in it has been graded."""

import csv
import json
import re
import sqlite3
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import psutil
import pytest
from attacks.attack import GAE, POINTS
from attacks.conftest import CLASS, HONEST
from nbconvert import HTMLExporter

from grader.execute import cell_by_id
from grader.reporting import table_row

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]  # the first waits for all of them
HANDED_IN = [attack for attack in CLASS if attack.expected is not None]
REFUSED = [attack for attack in CLASS if attack.expected is None]
PROCESSES = ("bwrap", "setpriv")


def by_machine(result):
    """Points of the cells that a machine marks, by exercise."""
    marks = [mark for mark in result.marks if mark.cell.startswith("test_")]
    return {mark.cell.removeprefix("test_"): mark.auto for mark in marks}


@pytest.mark.parametrize("attack", HANDED_IN, ids=lambda attack: ascii(attack.name))
def test_an_attacker_gets_what_honest_work_earns(world, attack):
    result = world.results[attack.login]
    assert result.processed, result.problem
    assert by_machine(result) == attack.points()


@pytest.mark.parametrize("attack", HANDED_IN, ids=lambda attack: ascii(attack.name))
def test_an_attacker_is_told_why(world, attack):
    result = world.results[attack.login]
    own = {mark.code for mark in result.marks if mark.cell == f"test_{attack.aims_at}"}
    assert {*own, *result.reasons} & set(attack.codes)


@pytest.mark.parametrize("attack", REFUSED, ids=lambda attack: ascii(attack.name))
def test_what_cannot_be_filed_is_refused_by_name(world, attack):
    result = world.results.get(attack.login)  # whoever is known is told: no points, and why
    told = result.reasons if result else [refusal.code for refusal in world.refusals]
    assert {*told} & set(attack.codes)
    assert not result or not any(mark.auto for mark in result.marks)


def test_the_honest_get_what_they_earned(world):
    assert by_machine(world.results["honest-full"]) == POINTS[GAE]
    assert by_machine(world.results["honest-zero"]) == dict.fromkeys(POINTS[GAE], 0.0)


@pytest.mark.parametrize("name", HONEST)
def test_the_honest_do_not_notice_who_else_is_there(world, name):
    results = [replace(some[name], seconds=0.0) for some in (world.results, world.alone)]
    assert results[0] == results[1]
    for step in ("autograded", "feedback"):
        among, alone = (_files(c.root / step / name) for c in (world.course, world.course_alone))
        assert among == alone and among


def _files(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_no_secret_is_in_anything_that_is_read_by_people(world):
    for path in _shown(world):
        content = path.read_bytes()
        assert world.canary.encode() not in content, path
        assert b"LEAK: " not in content, re.findall(rb"LEAK: .{0,100}", content)


def _shown(world):
    """Files that students or instructors look at, without what was handed in."""
    tops = [world.course.root / step for step in ("autograded", "feedback", "reports")]
    private = [path for path in world.course.private.rglob("*") if path.suffix == ".jsonl"]
    found = [p for top in tops for p in top.rglob("*") if p.is_file()] + private
    assert any(path.name == "class.html" for path in found)
    assert len(found) > len(world.results)
    return found


def test_no_file_of_the_instructor_or_a_neighbour_has_changed(world):
    before, after = ({k: v for k, v in w.items() if not _of_torch(k)} for w in _watched(world))
    assert after == before


def _watched(world):
    return world.before, world.after


def _of_torch(path):
    """torch makes a folder for its compiler wherever temporary files lie."""
    return "torchinductor" in path


def test_nothing_of_the_attackers_lies_in_shared_places(world):
    places = (Path("/tmp"), Path("/dev/shm"), Path("/var/tmp"), Path.home())
    left = [path for place in places for path in place.glob("*rlcore-attack*")]
    assert left == []


def test_no_process_of_a_sandbox_is_left(world):
    begun = psutil.Process().create_time()
    children = psutil.Process().children(recursive=True)
    assert [p for p in children if p.name() in PROCESSES] == []
    orphans = [p for p in psutil.process_iter(["ppid", "create_time", "name"]) if p.ppid() == 1]
    late = [p for p in orphans if p.info["create_time"] > begun and p.info["name"] in PROCESSES]
    assert [p for p in psutil.wait_procs(late, timeout=10)[1] if not _has_ended(p)] == []


def _has_ended(process):
    """An orphan that ended keeps its number until process 1 asks for it; some never do."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_nobody_was_called_and_nobody_listens(world):
    mine = psutil.Process()
    listening = [c for c in mine.net_connections("all") if c.status == psutil.CONN_LISTEN]
    assert world.calls == []
    assert listening == []
    assert "rlcore-attack" not in Path("/proc/net/unix").read_text()


def test_grading_takes_less_memory_than_a_gigabyte(world):
    assert 0 < world.most_memory < 1e9


def test_the_gradebook_holds_what_was_found_and_nothing_else(world):
    with sqlite3.connect(world.course.gradebook) as base:
        triggers = base.execute("select name from sqlite_master where type = 'trigger'").fetchall()
        most = base.execute("select max(auto_score) from grade").fetchone()[0]
    assert triggers == []
    assert most == max(POINTS[GAE].values())


class Active(HTMLParser):
    """Notes where a page would do something that an attacker has written."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag, attrs):
        self._inside = tag if tag in ("script", "style") else ""
        inert = [(k, v) for k, v in attrs if k == "id" or (k == "href" and f"{v}".startswith("#"))]
        acting = [pair for pair in attrs if pair not in inert]
        self.found += [f"<{tag} {k}={v!r}>" for k, v in acting if "rlcorexss" in f"{k}{v}".lower()]

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside and "rlcorexss" in data:
            self.found.append(f"<{self._inside}> {data[:80]}")


def active(page: str) -> list[str]:
    """What an attacker has put into a page that is more than text."""
    parser = Active()
    parser.feed(page)
    return parser.found


def test_what_attackers_write_in_pages_is_found():
    assert active('<img src="x" onerror="rlcorexss()"><script>rlcorexss()</script>') != []
    assert active('<a href="javascript:rlcorexss()">') != []
    assert active('<h1 id="rlcorexss()"><a href="#rlcorexss()">') == []  # nbconvert's own anchors
    assert active("<p>&lt;script&gt;rlcorexss()&lt;/script&gt;</p>") == []


def test_no_page_runs_what_a_student_wrote(world):
    pages = [path for path in _shown(world) if path.suffix == ".html"]
    assert {str(p): found for p in pages if (found := active(p.read_text("utf-8")))} == {}


def test_no_notebook_runs_what_a_student_wrote_when_it_is_shown(world):
    exporter, found = HTMLExporter(), {}
    for path in _shown(world):
        if path.suffix == ".ipynb" and "rlcorexss" in path.read_text("utf-8"):
            page, _ = exporter.from_notebook_node(nbformat.read(path, as_version=4))
            found |= {path.name: active(page)} if active(page) else {}
    assert found == {}


def test_autograded_notebooks_are_valid_and_show_the_masters_tests(world):
    for path in _shown(world):
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
            if path.stem == GAE:
                assert "check(" in cell_by_id(notebook, "test_gae").source


def test_tables_hold_no_formula(world):
    reports = world.course.root / "reports"
    for path in reports.glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")] == []


def test_machines_can_read_the_reports(world):
    reports = world.course.root / "reports"
    ElementTree.parse(reports / "junit.xml")
    for path in reports.rglob("*.json"):
        json.loads(path.read_text("utf-8"))


def test_a_terminal_shows_the_table_as_text(world):
    rows = [row for result in world.results.values() for row in table_row(result)]
    assert all(row.isprintable() for row in rows)


def test_the_step_summary_holds_no_markup_of_a_student(world):
    summary = (world.course.root / "reports" / "summary.md").read_text("utf-8")
    assert not re.search(r"(?<!\\)<(script|img|iframe|details)", summary)
