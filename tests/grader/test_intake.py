"""What comes in: every layout, honest accidents, and what is refused by name."""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grader
from grader.exercise import Performance
from grader.exercises import EXERCISES
from grader.intake import LIMITS, take_in
from grader.names import HAND_INS
from grader.unpack import IntakeLimits

A, B = "03_vanilla_policy_gradient", "04_reinforce_vs_gae"
SMALL = IntakeLimits(notebook=3_000, file=2_000, submission=5_000, files=5, entries=40)


def notebook(*grade_ids, text=""):
    cells = [{"metadata": {"nbgrader": {"grade_id": one}}, "source": text} for one in grade_ids]
    return json.dumps({"cells": cells, "nbformat": 4}).encode()


WORK = notebook("setup", "gae")
RUN = {"gae_seed1/config.json": b"1"}


@pytest.fixture
def course(tmp_path):
    """A course whose two assignments share the cell `setup`, and look for a folder each."""
    for name, cell, look in ((A, "vpg_update", "cartpole_agent"), (B, "gae", "logs/3a")):
        folder = tmp_path / "course" / "source" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.ipynb").write_bytes(notebook("setup", cell, text=look))
    return tmp_path / "course"


def as_zip(files, **options):
    """Bytes of an archive of {name or ZipInfo: content}."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files.items():
            if isinstance(name, str):
                archive.writestr(name, content)
            else:
                archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def kind(name, mode):
    """An archive's entry that says it is a link, a device, …."""
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def lay(folder, files):
    """A folder of these files."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(params=["zip", "folder"])
def export(request, tmp_path):
    """`export(files)`: an LMS's archive of them, once packed and once unpacked."""

    def make(files):
        if request.param == "folder":
            return lay(tmp_path / "export", files)
        path = tmp_path / "export.zip"
        path.write_bytes(as_zip(files))
        return path

    return make


def take(source, course, assignment=None, limits=LIMITS):
    return take_in(source, course, [A, B], assignment=assignment, limits=limits)


def names(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def codes(intake):
    return [refusal.code for refusal in intake.refused]


def whole(intake):
    """What is to be recorded as zero."""
    return {(r.student.login, r.assignment, r.code) for r in intake.refused if r.whole}


# Layouts


def test_nbgraders_layout_is_copied_with_what_lies_beside_a_notebook(course, export):
    files = {f"anna/{B}/{B}.ipynb": WORK, f"anna/{B}/logs/04/history.csv": b"1"}
    source = export(files | {f"anna/{B}/timestamp.txt": b"2024-01-01", f"bob/{A}/{A}.ipynb": b"x"})
    intake = take(source, course)
    assert [(s.student.login, s.assignment) for s in intake.submissions] == [
        ("anna", B),
        ("bob", A),
    ]
    folder = intake.submissions[0].folder
    assert folder == course / "submitted" / "anna" / B
    assert names(folder) == {f"{B}.ipynb", "logs/04/history.csv", "timestamp.txt"}
    assert (folder / f"{B}.ipynb").read_bytes() == WORK
    assert intake.refused == ()


def test_the_courses_own_folder_is_checked_and_left_as_it_is(course):
    submitted = lay(course / "submitted", {f"anna/{B}/{B}.ipynb": WORK, f"anna/{B}/a.zip": b"PK"})
    (submitted / "anna" / B / "neighbour").symlink_to("/etc/passwd")
    (submitted / "bob" / B).mkdir(parents=True)
    (submitted / "bob" / B / f"{B}.ipynb").symlink_to(submitted / "anna" / B / f"{B}.ipynb")
    before = sorted(submitted.rglob("*"))
    intake = take(submitted, course)
    assert sorted(submitted.rglob("*")) == before
    assert [s.student.login for s in intake.submissions] == ["anna"]
    assert [(r.where, r.code) for r in intake.refused if not r.whole] == [
        (f"anna/{B}/neighbour", "link")
    ]
    assert whole(intake) == {("bob", B, "link")}


def test_a_linked_folder_in_the_courses_own_folder_is_not_entered(course):
    submitted = lay(course / "submitted", {f"anna/{B}/{B}.ipynb": WORK})
    (submitted / "bob").mkdir()
    (submitted / "bob" / B).symlink_to(submitted / "anna" / B)
    (submitted / "eve").symlink_to(submitted / "anna")
    intake = take(submitted, course)
    assert [s.student.login for s in intake.submissions] == ["anna"]
    assert whole(intake) == {("bob", B, "link")}
    assert {r.where for r in intake.refused} == {f"bob/{B}", "eve"}


def test_a_folder_of_notebooks_named_after_students_needs_the_assignment(course, tmp_path):
    source = lay(tmp_path / "in", {"anna.ipynb": b"{}", "bob smith.ipynb": b"{}"})
    assert take(source, course).submissions == ()
    intake = take(source, course, assignment=A)
    assert [s.student.login for s in intake.submissions] == ["anna", "bob smith"]
    assert names(intake.submissions[0].folder) == {f"{A}.ipynb"}


def test_a_notebook_is_known_by_the_cells_that_only_one_assignment_has(course, tmp_path):
    files = {
        "anna.ipynb": WORK,
        "bob.ipynb": notebook("setup", "vpg_update", text='"grade_id": "gae"'),
    }
    files |= {"cid.ipynb": notebook("gae", "vpg_update"), "dan.ipynb": notebook("setup")}
    intake = take(lay(tmp_path / "in", files), course)
    assert [(s.student.login, s.assignment) for s in intake.submissions] == [
        ("anna", B),
        ("bob", A),
    ]
    assert codes(intake) == ["missing-notebook", "missing-notebook"]
    assert [r.student.login for r in intake.refused] == ["cid", "dan"]


def test_folders_of_students_hold_notebooks_directly(course, tmp_path):
    files = {f"{A}.ipynb": WORK, f"{B}.ipynb": WORK, "cartpole_agent/a.npz": b"1"}
    source = lay(tmp_path / "in" / "anna", files).parent
    intake = take(source, course)
    found = {(s.student.login, s.assignment): names(s.folder) for s in intake.submissions}
    assert found == {
        ("anna", A): {f"{A}.ipynb", "cartpole_agent/a.npz"},
        ("anna", B): {f"{B}.ipynb", "cartpole_agent/a.npz"},
    }


@pytest.mark.parametrize("name", [f"{B} (1)", f"Copy of {B}", f"{B}-Copy1", f"{B}_anna", f"{B}-2"])
def test_a_name_that_was_changed_on_the_way_is_still_known(course, tmp_path, name):
    (one,) = take(lay(tmp_path / "in", {f"anna/{name}.ipynb": b"{}"}), course).submissions
    assert (one.student.login, one.assignment) == ("anna", B)
    assert names(one.folder) == {f"{B}.ipynb"}


@pytest.mark.parametrize(
    "name", [f"ann/{B}.ipynb.txt", "ann.ipynb.json", "ann/hw.ipynb (1).txt", f"{B}_ann.ipynb.TXT"]
)
def test_a_notebook_that_a_browser_saved_as_text_is_taken_and_it_is_said(course, export, name):
    (one,) = take(export({name: WORK, f"bob/{A}/x": b"1"}), course, assignment=B).submissions
    assert one.student.login == "ann" and names(one.folder) == {f"{B}.ipynb"}
    assert one.notes == (f"{name} was taken for the notebook that it holds.",)


def test_what_was_saved_as_text_is_taken_from_archives_and_from_later_attempts(course, export):
    files = {"doe_1_5_hw.zip": as_zip({f"{B}.ipynb.txt": b"1"})}
    two = take(
        export(files | {f"roe_2_6_{B}.ipynb-1.txt": b"1", f"roe_2_5_{B}.ipynb": b"0"}), course
    )
    assert [(one.folder / f"{B}.ipynb").read_bytes() for one in two.submissions] == [b"1", b"1"]


@pytest.mark.parametrize(
    ("name", "login"),
    [
        (f"{B} (carl)", "carl"),
        (f"bob-{B}-final-2", "bob"),
        (f"{B}_ann_v2 (1)", "ann"),
        (f"{B} copy", "in"),
        (f"finale-{B}", "finale"),
    ],
)
def test_whose_it_is_stands_in_the_name_beside_the_assignment(course, tmp_path, name, login):
    (one,) = take(lay(tmp_path / "in", {f"{name}.ipynb": WORK}), course).submissions
    assert one.student.login == login


@pytest.mark.parametrize("name", [f"{B}-{'1' * 5_000}", f"doe_1_{'2' * 5_000}_x"])
def test_a_number_without_end_in_a_name_stops_nobody(course, tmp_path, name):
    content = as_zip({f"ann/{B}.ipynb": WORK, f"ann/{name}.ipynb": WORK, f"{name}.ipynb": WORK})
    (tmp_path / "e.zip").write_bytes(content)
    assert "ann" in [s.student.login for s in take(tmp_path / "e.zip", course).submissions]


def test_the_name_asked_for_counts_before_copies_of_it(course, tmp_path):
    files = {f"{name}.ipynb": name.encode() for name in (B, f"{B} (2)", f"Copy of {B}")}
    intake = take(lay(tmp_path / "in", {f"a/{name}": text for name, text in files.items()}), course)
    (one,) = intake.submissions
    assert (one.folder / f"{B}.ipynb").read_bytes() == B.encode()
    assert len(one.notes) == 2 and all("another attempt" in note for note in one.notes)


@pytest.mark.parametrize(
    "where", [f"{B}.ipynb", f"{B}/{B}.ipynb", f"{B}_anna.ipynb", f"{B}.ipynb.txt"]
)
def test_one_notebook_belongs_to_the_folder_or_the_name_it_bears(course, tmp_path, where):
    source = lay(tmp_path / "anna", {where: WORK}) / where
    (one,) = take(source, course).submissions
    assert (one.student.login, one.assignment) == ("anna", B)


def test_the_folder_of_one_student_is_that_students(course, tmp_path):
    source = lay(tmp_path / "anna.b", {f"{B}.ipynb": WORK, "logs/04/history.csv": b"1"})
    (one,) = take(source, course).submissions
    assert one.student.login == "anna.b"
    assert names(one.folder) == {f"{B}.ipynb", "logs/04/history.csv"}


def test_a_packed_class_may_have_a_folder_around_it(course, tmp_path):
    (tmp_path / "class.zip").write_bytes(as_zip({f"submitted/anna/{B}/{B}.ipynb": WORK}))
    (one,) = take(tmp_path / "class.zip", course).submissions
    assert one.student.login == "anna"


def test_folders_of_students_may_lie_in_the_folder_of_the_assignment(course, export):
    files = {f"{B}/ann/{B}.ipynb": WORK, f"{B}/bob/hw.ipynb": WORK, f"{B}/bob/3a/r/x": b"1"}
    files |= {f"{A}/cid/{A}.ipynb": b"1", f"{B}/Jo_7_assignsubmission_file_/x.ipynb": WORK}
    intake = take(export(files | {f"{B}/readme.txt": b"1"}), course)
    found = {(s.student.login, s.assignment): names(s.folder) for s in intake.submissions}
    assert found.pop(("bob", B)) == {f"{B}.ipynb", "logs/3a/r/x"}
    assert list(found) == [("ann", B), ("cid", A), ("jo_7", B)]
    assert [(r.where, r.code) for r in intake.refused] == [(f"{B}/readme.txt", "unknown-student")]


def test_one_folder_in_the_folder_of_the_assignment_is_no_student(course, tmp_path):
    files = {f"{B}/{B}.ipynb": WORK, f"{B}/old/{B}.ipynb": b"{}", f"{A}/src/{A}.ipynb": b"{}"}
    intake = take(lay(tmp_path / "anna", files), course)
    assert [s.student.login for s in intake.submissions] == ["anna", "anna"]


def test_only_the_assignment_asked_for_is_taken(course, tmp_path):
    files = {f"anna/{A}/{A}.ipynb": WORK, f"anna/{B}/{B}.ipynb": WORK, f"bob/{A}/{A}.ipynb": WORK}
    intake = take(lay(tmp_path / "in", files), course, assignment=B)
    assert [(s.student.login, s.assignment) for s in intake.submissions] == [("anna", B)]
    assert intake.refused == ()


def test_a_folder_without_its_notebook_is_a_zero_that_says_what_is_there(course, tmp_path):
    intake = take(lay(tmp_path / "in", {f"anna/{B}/answers.pdf": b"1"}), course)
    assert whole(intake) == {("anna", B, "missing-notebook")}
    assert "answers.pdf" in intake.refused[0].text


def test_a_folder_that_may_be_no_students_is_named_but_gets_no_zero(course, tmp_path):
    source = lay(tmp_path / "in", {"anna.ipynb": b"{}", "figures/x.png": b"1"})
    intake = take(source, course, assignment=A)
    assert [s.student.login for s in intake.submissions] == ["anna"]
    assert codes(intake) == ["missing-notebook"] and not whole(intake)


@pytest.fixture(params=["zip", "folder"])
def with_empty_folders(request, tmp_path):
    """A class of one who handed in, one whose folder is empty, and two with an empty one in it."""
    source = lay(tmp_path / "in", {f"ann/{B}/{B}.ipynb": WORK})
    for folder in ("ann/logs", f"ann/{A}", "hal", f"ida/{B}", f"bo/{A}"):
        (source / folder).mkdir(parents=True)
    is_zip = request.param == "zip"
    return Path(shutil.make_archive(str(tmp_path / "e"), "zip", source)) if is_zip else source


def test_empty_folders_are_named_and_zero_where_they_are_an_assignments(course, with_empty_folders):
    intake = take(with_empty_folders, course)
    assert [(s.student.login, s.assignment, s.notes) for s in intake.submissions] == [
        ("ann", B, ())
    ]
    assert {(r.where, r.assignment, r.code) for r in intake.refused} == {
        ("ann", A, "missing-notebook"),
        ("bo", A, "missing-notebook"),
        ("hal", "", "missing-notebook"),
        ("ida", B, "missing-notebook"),
    }
    asked = take(with_empty_folders, course, assignment=B)
    assert {(r.where, r.assignment) for r in asked.refused} == {("hal", ""), ("ida", B)}


def test_an_archive_of_empty_folders_is_empty(course, tmp_path):
    lay(tmp_path / "in" / "ann", {f"{B}.ipynb": WORK, "logs.zip": as_zip({"logs/": b""})})
    intake = take(tmp_path / "in", course)
    assert codes(intake) == ["empty"] and len(intake.submissions) == 1


# Canvas


def test_canvas_counts_the_last_attempt_and_keeps_late(course, export):
    files = {
        f"doejane_12345_678901_{B}.ipynb": b"1",
        f"doejane_12345_678950_{B}-1.ipynb": b"2",
        f"doejane_12345_679900_{B}-2.ipynb": b"3",
        f"roelee_LATE_777_678999_{B}-1.ipynb": b"4",
    }
    jane, lee = take(export(files), course).submissions
    assert (jane.student.login, jane.student.lms_id) == ("doejane_12345", "12345")
    assert (jane.folder / f"{B}.ipynb").read_bytes() == b"3"
    assert (jane.late, lee.late) == (False, True)
    assert len(jane.notes) == 2 and lee.notes == ()


def test_canvas_names_with_numbers_and_underscores_are_read_from_the_left(course, export):
    files = {
        f"van_der_berg_12_34_roe_56_78_{B}.ipynb": WORK,
        f"anon_Ab1cD_90_{B}.ipynb": WORK,
        f"LATE_anon_Xy9zW_91_{B}.ipynb": WORK,
    }
    intake = take(export(files), course)
    assert [(s.student.login, s.student.lms_id, s.late) for s in intake.submissions] == [
        ("anon_Ab1cD", "", False),
        ("anon_Xy9zW", "", True),
        ("van_der_berg_12", "12", False),
    ]


def test_who_is_anonymous_and_hands_in_no_notebook_gets_a_zero_too(course, export):
    intake = take(export({"anon_Ab1cD_90_answers.pdf": b"1"}), course, assignment=B)
    assert whole(intake) == {("anon_Ab1cD", B, "missing-notebook")}


def test_canvas_files_beside_the_notebook_get_their_names_back(course, export):
    agent = {"cartpole_agent/model.npz": b"1", "__MACOSX/x": b"", ".DS_Store": b""}
    files = {
        f"doejane_1_5_{B}.ipynb": WORK,
        "doejane_1_6_cartpole_agent-1.zip": as_zip(agent),
        "doejane_1_7_run-1.csv": b"a",
        "doejane_1_8_run-2.csv": b"b",
        "doejane_1_9_logs.zip": as_zip({"a.csv": b"1", "b.csv": b"2"}),
    }
    (one,) = take(export(files), course).submissions
    beside = {"cartpole_agent/model.npz", "run.csv", "run-1.csv", "logs/a.csv", "logs/b.csv"}
    assert names(one.folder) == {f"{B}.ipynb", *beside}
    assert one.notes == ()


def test_an_archive_may_hold_the_notebooks_themselves(course, export):
    files = {f"hw/{A}/{A}.ipynb": b"a", f"hw/{A}/logs/x": b"x", f"hw/{B}/{B}.ipynb": b"b"}
    flat = {f"hw/{B}.ipynb": b"b", "hw/logs/y": b"y"}
    source = export({"doe_1_2_hw.zip": as_zip(files), "roe_3_4_hw.zip": as_zip(flat)})
    found = {
        (s.student.login, s.assignment): names(s.folder) for s in take(source, course).submissions
    }
    assert found == {
        ("doe_1", A): {f"{A}.ipynb", "logs/x"},
        ("doe_1", B): {f"{B}.ipynb"},
        ("roe_3", B): {f"{B}.ipynb", "logs/y"},
    }


AGENT = {"model.npz": b"1"}
STUDY = {f"3a/{name}": content for name, content in RUN.items()}
WAYS = {
    "3a.zip with 3a/": {"3a.zip": as_zip(STUDY)},
    "3a.zip with runs": {"3a.zip": as_zip(RUN)},
    "logs.zip with 3a/": {"logs.zip": as_zip(STUDY)},
    "logs.zip in a zip": {"hand.zip": as_zip({f"{B}.ipynb": WORK, "logs.zip": as_zip(STUDY)})},
    "a zip of zips": {"hand.zip": as_zip({"3a.zip": as_zip(RUN), "cartpole_agent.zip": b"no"})},
    "a folder elsewhere": {f"my homework/logs/{name}": RUN[name[3:]] for name in STUDY},
    "twice the folder": {f"3a/{name}": content for name, content in STUDY.items()},
}


@pytest.mark.parametrize("files", WAYS.values(), ids=WAYS)
def test_a_study_arrives_where_the_notebook_looks_for_it(course, tmp_path, files):
    source = lay(tmp_path / "in", {f"ann/my homework/deep/{B}.ipynb": WORK})
    lay(source / "ann", files)
    (one,) = take(source, course).submissions
    assert names(one.folder) == {f"{B}.ipynb", "logs/3a/gae_seed1/config.json"}


@pytest.mark.parametrize("inner", [AGENT, {"cartpole_agent/model.npz": b"1"}])
@pytest.mark.parametrize("name", ["cartpole_agent", "cartpole_agent (1)", "hand/cartpole_agent"])
def test_an_agent_arrives_where_the_notebook_looks_for_it(course, tmp_path, name, inner):
    source = lay(tmp_path / "in" / "ann", {f"{A}.ipynb": WORK, f"{name}.zip": as_zip(inner)})
    (one,) = take(source.parent, course).submissions
    assert names(one.folder) == {f"{A}.ipynb", "cartpole_agent/model.npz"}


def test_folders_that_no_notebook_of_the_course_speaks_of_stay_where_they_are(course, tmp_path):
    source = lay(tmp_path / "in" / "ann", {f"{A}.ipynb": WORK, "x/lunarlander_agent/a": b"1"})
    (one,) = take(source.parent, course).submissions
    assert names(one.folder) == {f"{A}.ipynb", "x/lunarlander_agent/a"}


def test_the_folders_that_are_handed_in_are_those_that_are_graded():
    graded = [one for one in EXERCISES if isinstance(one, Performance)]
    asked = {one.name if one.answer == "act" else one.answer.strip('"') for one in graded}
    assert asked == set(HAND_INS)


def test_text_typed_into_canvas_is_noted_and_alone_is_no_submission(course, export):
    files = {f"doe_1_5_{B}.ipynb": WORK, "doe_1_text.html": b"hi", "roe_2_link.html": b"hi"}
    intake = take(export(files), course, assignment=B)
    assert "text or feedback" in intake.submissions[0].notes[0]
    assert whole(intake) == {("roe_2", B, "missing-notebook")}


def test_names_in_a_zip_may_be_utf8_without_saying_so(course, tmp_path):
    content = as_zip({f"doej\xf6rg_1_2_{B}.ipynb": WORK})
    flagged = bytearray(content)
    flagged[7] &= ~0x08
    flagged[content.index(b"PK\x01\x02") + 9] &= ~0x08
    (tmp_path / "e.zip").write_bytes(flagged)
    (one,) = take(tmp_path / "e.zip", course).submissions
    assert one.student.login == "doej\xf6rg_1"


# Moodle


@pytest.mark.parametrize("mark", ["_file_/", "_file/", "_file_"])
def test_moodle_says_who_it_is_in_folders_and_in_flat_names(course, export, mark):
    files = {
        f"Jane O'Doe_123456_assignsubmission{mark}{B}.ipynb": WORK,
        f"Jane O'Doe_123456_assignsubmission{mark}a.zip": as_zip({"agent/x": b"1"}),
        "Jane O'Doe_123456_assignsubmission_onlinetext_/onlinetext.html": b"hi",
        f"\u674e\u96f7_9_assignsubmission{mark}{B}.ipynb": WORK,
    }
    jane, lei = take(export(files), course).submissions
    assert jane.student.login == "jane-o-doe_123456"
    assert (jane.student.name, jane.student.lms_id) == ("Jane O'Doe", "123456")
    assert names(jane.folder) == {f"{B}.ipynb", "agent/x"}
    assert len(jane.notes) == 1 and "text or feedback" in jane.notes[0]
    assert lei.student.login == "\u674e\u96f7_9"


def test_moodle_names_may_hold_underscores(course, export):
    start = "An_na Under_129_assignsubmission_file_"
    intake = take(export({f"{start}/{B}.ipynb": WORK, f"{start}/3a.zip": as_zip(RUN)}), course)
    (one,) = intake.submissions
    assert (one.student.login, one.student.lms_id) == ("an_na-under_129", "129")
    assert len(names(one.folder)) == 2


def test_a_name_is_the_same_whichever_system_spells_it(course, tmp_path):
    start, file = "Jo\u0308rg_7_assignsubmission_file_", "Jo\u0308_1_2_3a.zip"
    files = {f"{start}/{B}.ipynb": WORK, f"J\xf6rg_7_assignsubmission_file_/{file}": as_zip(RUN)}
    (one,) = take(lay(tmp_path / "in", files), course).submissions
    assert (one.student.login, one.student.name) == ("j\xf6rg_7", "J\xf6rg")
    assert len(names(one.folder)) == 2


def test_a_teachers_feedback_is_no_submission(course, export):
    files = {f"Jo_1_assignfeedback_file_/{B}.ipynb": WORK, "Jo_1_assignsubmission_file_/x": b"1"}
    assert whole(take(export(files), course, assignment=B)) == {("jo_1", B, "missing-notebook")}


def test_a_file_cannot_pass_for_another_students(course, export):
    files = {
        f"Jane Doe_1_assignsubmission_file_/Bob_2_assignsubmission_file_{B}.ipynb": WORK,
        f"doejane_1_5_bob_2_6_{B}.ipynb": WORK,
        f"doejane_1_7_bob_2_assignsubmission_file_{B}.ipynb": WORK,
        f"anon_Ab1cD_8_bob_2_assignsubmission_file_{B}.ipynb": WORK,
        f"mallory/bob_2_6_{B}.ipynb": WORK,
    }
    intake = take(export(files), course)
    logins = [s.student.login for s in intake.submissions]
    assert logins == ["anon_Ab1cD", "doejane_1", "jane-doe_1", "mallory"]


# What is refused


UNSAFE = {
    "parent": "../../evil.txt",
    "inner parent": "logs/../../../evil.txt",
    "absolute": "/tmp/evil.txt",
    "windows": "..\\..\\evil.txt",
    "drive": "C:\\Users\\evil.txt",
    "share": "\\\\host\\evil.txt",
    "newline": "evil\n.txt",
    "escape": "evil\x1b[31m.txt",
    "long": "x/" * 40 + "evil.txt",
    "long part": "evil" * 100,
}


@pytest.mark.parametrize("name", UNSAFE.values(), ids=UNSAFE)
def test_an_unsafe_name_in_an_archive_is_refused_alone(course, export, tmp_path, name):
    packed = as_zip({"agent/model.npz": b"1", name: b"evil"})
    source = export({f"doe_1_5_{B}.ipynb": WORK, "doe_1_6_agent.zip": packed})
    intake = take(source, course)
    (one,) = intake.submissions
    assert names(one.folder) == {f"{B}.ipynb", "agent/model.npz"}
    assert codes(intake) == ["unsafe-path"] and not whole(intake)
    assert "evil" in intake.refused[0].text or "x/x" in intake.refused[0].text
    assert intake.refused[0].text.isprintable() and len(one.notes) == 1
    assert not list(tmp_path.rglob("evil*"))


def test_a_name_that_ends_early_is_refused(course, export):
    packed = as_zip({"a.npz@.txt": b"1"}).replace(b"npz@", b"npz\0")
    intake = take(export({f"doe_1_5_{B}.ipynb": WORK, "doe_1_6_a.zip": packed}), course)
    assert codes(intake) == ["unsafe-path"] and len(intake.submissions) == 1


@pytest.mark.parametrize(
    "name", ["..", "x/../../y", "/etc/x", "C:x", ".", "\\..\\..\\x", ".-1", "..zip", "...zip"]
)
def test_what_is_left_of_a_name_is_as_safe(course, tmp_path, name):
    starts = ("doe_1_5_", "Jo_7_assignsubmission_file_", "ed/")
    files = {f"{start}{name}": b"x" for start in starts}
    files |= {f"{start}{B}.ipynb": WORK for start in starts}
    (tmp_path / "e.zip").write_bytes(as_zip(files))
    intake = take(tmp_path / "e.zip", course)
    assert [s.student.login for s in intake.submissions] == ["doe_1", "ed", "jo_7"]
    assert all(f"{B}.ipynb" in names(one.folder) for one in intake.submissions)
    assert {p.name for p in tmp_path.iterdir()} == {"course", "e.zip"}
    assert {p.name for p in (course / "submitted").iterdir()} == {"doe_1", "ed", "jo_7"}


def test_windows_separators_in_an_archive_make_folders(course, export):
    packed = as_zip({"agent\\model.npz": b"1", "agent\\empty\\": b""})
    source = export({f"doe_1_5_{B}.ipynb": WORK, "doe_1_6_agent.zip": packed})
    assert names(take(source, course).submissions[0].folder) == {f"{B}.ipynb", "agent/model.npz"}


@pytest.mark.parametrize(
    ("mode", "code"),
    [(0o120777, "link"), (0o020666, "special-file"), (0o010644, "special-file")],
)
def test_links_and_devices_in_an_archive_are_refused(course, export, mode, code):
    packed = as_zip({kind("agent/x", mode): b"/etc/passwd", "agent/y": b"1"})
    intake = take(export({f"doe_1_5_{B}.ipynb": WORK, "doe_1_6_agent.zip": packed}), course)
    assert names(intake.submissions[0].folder) == {f"{B}.ipynb", "agent/y"}
    assert [(r.where, r.code) for r in intake.refused] == [("doe_1_6_agent.zip/agent/x", code)]


def test_a_link_for_a_notebook_is_a_zero(course, tmp_path):
    link = kind(f"doe_1_5_{B}.ipynb", 0o120777)
    (tmp_path / "e.zip").write_bytes(as_zip({link: b"/etc/passwd", f"roe_2_6_{B}.ipynb": WORK}))
    intake = take(tmp_path / "e.zip", course)
    assert [s.student.login for s in intake.submissions] == ["roe_2"]
    assert whole(intake) == {("doe_1", B, "link")}


def test_pipes_and_links_in_folders_are_refused_and_hard_links_taken(course, tmp_path):
    source = lay(tmp_path / "in", {f"anna/{B}.ipynb": WORK})
    (tmp_path / "other").write_bytes(b"1")
    os.mkfifo(source / "anna" / "pipe")
    (source / "anna" / "up").symlink_to("..")
    (source / "anna" / "hard").hardlink_to(tmp_path / "other")
    intake = take(source, course)
    assert names(intake.submissions[0].folder) == {f"{B}.ipynb", "hard"}
    assert {(r.where, r.code) for r in intake.refused} == {
        ("anna/pipe", "special-file"),
        ("anna/up", "link"),
    }


def test_names_on_disk_that_are_no_text_are_refused_alone(course, tmp_path):
    source = lay(tmp_path / "in", {f"anna/{B}.ipynb": WORK, "anna/a\nb": b"", "e*[/x.ipynb": b""})
    (source / os.fsdecode(b"anna/\xff.txt")).write_bytes(b"1")
    (source / os.fsdecode(b"\xff.ipynb")).write_bytes(b"1")
    intake = take(source, course)
    assert names(intake.submissions[0].folder) == {f"{B}.ipynb"}
    assert sorted(codes(intake)) == ["unknown-student", *["unsafe-path"] * 3]
    assert all(refusal.text.isprintable() for refusal in intake.refused)


@pytest.mark.parametrize(
    "login", ["..", "a*", "b[1]", "c?", "d:e", B, "\N{NO-BREAK SPACE}", "f" * 250]
)
def test_a_student_whose_name_cannot_be_filed_is_refused(course, tmp_path, login):
    content = as_zip({f"{login}/{B}/{B}.ipynb": WORK, f"anna/{B}/{B}.ipynb": WORK})
    (tmp_path / "e.zip").write_bytes(content)
    intake = take(tmp_path / "e.zip", course)
    assert [s.student.login for s in intake.submissions] == ["anna"]
    assert len(intake.refused) == 1 and intake.refused[0].student is None
    assert [p.name for p in (course / "submitted").iterdir()] == ["anna"]


# Sizes


def test_a_notebook_that_is_too_large_is_a_zero_and_costs_nobody_else(course, export):
    files = {f"doe_1_5_{B}.ipynb": os.urandom(3_001), f"roe_2_6_{B}.ipynb": os.urandom(3_000)}
    intake = take(export(files), course, limits=SMALL)
    assert whole(intake) == {("doe_1", B, "oversize")}
    assert [s.student.login for s in intake.submissions] == ["roe_2"]


def test_a_large_file_is_left_out_and_the_rest_taken(course, export):
    files = {f"doe_1_5_{B}.ipynb": WORK, "doe_1_6_a.mp4": b"x" * 2_001, "doe_1_7_b.csv": b"1"}
    intake = take(export(files), course, limits=SMALL)
    assert names(intake.submissions[0].folder) == {f"{B}.ipynb", "b.csv"}
    assert [(r.where, r.student.login, r.assignment, r.whole) for r in intake.refused] == [
        ("doe_1_6_a.mp4", "doe_1", B, False)
    ]


def test_files_that_are_too_large_together_are_taken_as_far_as_they_go(course, export):
    files = {f"doe_1_{i}_{i}.bin": os.urandom(1_900) for i in range(10, 14)}
    intake = take(export({f"doe_1_99_{B}.ipynb": WORK} | files), course, limits=SMALL)
    assert names(intake.submissions[0].folder) == {f"{B}.ipynb", "13.bin", "12.bin"}
    assert codes(intake) == ["oversize", "oversize"]


@pytest.mark.parametrize("files", [{"a.bin": b"0" * 10**6}, {f"{i}": b"" for i in range(41)}])
def test_bombs_are_refused_by_ratio_and_by_count(course, export, files):
    source = export({f"doe_1_5_{B}.ipynb": WORK, "doe_1_6_a.zip": as_zip(files)})
    intake = take(source, course, limits=IntakeLimits(file=2_000, entries=40))
    assert names(intake.submissions[0].folder) == {f"{B}.ipynb"}
    assert codes(intake) == ["zip-bomb"]


@pytest.mark.parametrize(
    ("count", "content", "code"), [(15, b"", "zip-bomb"), (3, os.urandom(1_900), "oversize")]
)
def test_archives_in_an_archive_share_its_limits(course, tmp_path, count, content, code):
    inner = {f"{k}.zip": as_zip({f"{k}{i}": content for i in range(count)}) for k in "abc"}
    lay(tmp_path / "in" / "ann", {f"{B}.ipynb": WORK, "hand.zip": as_zip(inner)})
    intake = take(tmp_path / "in", course, limits=IntakeLimits(submission=20_000, entries=40))
    assert [(r.where, r.code) for r in intake.refused] == [("ann/hand.zip/c.zip", code)]
    assert len(names(intake.submissions[0].folder)) == 1 + 2 * count


def test_a_bomb_for_a_notebook_is_a_zero(course, tmp_path):
    (tmp_path / "e.zip").write_bytes(as_zip({f"doe_1_5_{B}.ipynb": b"0" * 30_000_000}))
    assert whole(take(tmp_path / "e.zip", course)) == {("doe_1", B, "zip-bomb")}


def test_a_size_that_lies_is_not_believed(course, export):
    packed = as_zip({"a.bin": b"0" * 1_900})
    at = packed.index(b"PK\x01\x02") + 24
    lying = packed[:at] + (10).to_bytes(4, "little") + packed[at + 4 :]
    intake = take(export({f"doe_1_5_{B}.ipynb": WORK, "doe_1_6_a.zip": lying}), course)
    assert names(intake.submissions[0].folder) == {f"{B}.ipynb"}
    assert codes(intake) == ["unreadable"]


def test_a_list_of_a_million_names_is_not_read(course, tmp_path):
    names_ = as_zip({f"{i:0200}": b"" for i in range(400)})
    files = {f"doe_1_5_{B}.ipynb": WORK, "doe_1_6_a.zip": names_}
    (tmp_path / "e.zip").write_bytes(as_zip(files))
    intake = take(tmp_path / "e.zip", course, limits=IntakeLimits(entries=100))
    assert codes(intake) == ["zip-bomb"] and "far too long" in intake.refused[0].text
    assert len(intake.submissions) == 1


def test_too_many_files_are_named_once_and_the_first_are_taken(course, tmp_path):
    source = lay(tmp_path / "in", {f"a/{B}.ipynb": WORK} | {f"a/{i}.txt": b"" for i in range(10)})
    intake = take(source, course, limits=SMALL)
    assert names(intake.submissions[0].folder) == {f"{B}.ipynb", *(f"{i}.txt" for i in range(5))}
    assert codes(intake) == ["too-many-files"] and "4 more" in intake.refused[0].text


BROKEN = {
    "no zip": (b"Rar!", "not-a-zip"),
    "cut off": (as_zip({"x": os.urandom(900)})[:-300], "not-a-zip"),
    "empty": (as_zip({}), "empty"),
    "nested": (as_zip({"b.zip": as_zip({"c.zip": as_zip({"x": b"1"})})}), "nested-zip"),
}


@pytest.mark.parametrize(("content", "code"), BROKEN.values(), ids=BROKEN)
def test_a_broken_archive_costs_the_notebook_beside_it_nothing(course, export, content, code):
    files = {f"doe_1_5_{B}.ipynb": WORK, "doe_1_6_a.zip": content, "roe_2_7_hw.zip": content}
    intake = take(export(files), course, assignment=B)
    assert [s.student.login for s in intake.submissions] == ["doe_1"]
    assert codes(intake) == [code, code] and whole(intake) == {("roe_2", B, code)}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packing_without_a_bound_is_not_unpacked(course, export, method):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a.bin", b"0" * 1_000)
    source = export({f"doe_1_5_{B}.ipynb": WORK, "doe_1_6_a.zip": file.getvalue()})
    assert codes(take(source, course)) == ["unreadable"]


def test_an_export_that_is_no_zip_is_refused_as_a_whole(course, tmp_path):
    (tmp_path / "e.zip").write_bytes(b"PK\x03\x04 broken off")
    intake = take(tmp_path / "e.zip", course)
    assert intake.submissions == () and [(r.where, r.code) for r in intake.refused] == [
        ("e.zip", "not-a-zip")
    ]
    (tmp_path / "e.zip").write_bytes(as_zip({"x": os.urandom(2_000)}))
    assert codes(take(tmp_path / "e.zip", course, limits=IntakeLimits(export=1_000))) == [
        "oversize"
    ]


def test_a_source_that_is_not_there_is_said(course, tmp_path):
    with pytest.raises(FileNotFoundError):
        take(tmp_path / "nothing", course)


# Filing


def test_two_files_of_one_name_are_one_and_a_note(course, export):
    packed = as_zip({"agent/x": b"new", "agent": b"a file like the folder"})
    files = {f"doe_1_5_{B}.ipynb": WORK, "doe_1_9_a.zip": packed, "doe_1_6_agent": b"old"}
    (one,) = take(export(files), course).submissions
    assert len(names(one.folder)) == 2 and len(one.notes) == 2
    assert all("the name of another file" in note for note in one.notes)


def test_a_file_named_like_the_folder_of_the_notebook_is_set_aside(course, tmp_path):
    packed = as_zip({f"hw/{B}.ipynb": WORK, "hw": b"1", "hw/x": b"2"})
    (tmp_path / "e.zip").write_bytes(as_zip({"doe_1_5_hw.zip": packed}))
    (one,) = take(tmp_path / "e.zip", course).submissions
    assert names(one.folder) == {f"{B}.ipynb", "x"} and len(one.notes) == 1


PARTS = ["..", ".", "", "a", "b.zip", "x.ipynb", B, f"{B}.ipynb", "C:", "doe_1_2_", "\\", "\n", "*"]
PARTS += ["Jo_3_assignsubmission_file_", "LATE_", "-1", "(1)", "anna", ".hidden", "_"]


@given(files=st.lists(st.lists(st.sampled_from(PARTS), min_size=1).map("/".join), max_size=6))
@settings(max_examples=200, deadline=None)
def test_no_name_leads_out_of_the_folder_of_submissions(files, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    inner = as_zip({name or "x": b"1" for name in files})
    packed = {"doe_1_5_a.zip": inner, f"doe_1_6_{B}.ipynb": WORK}
    (root / "e.zip").write_bytes(as_zip(packed | {name or "x": inner for name in files}))
    intake = take(root / "e.zip", root / "course", assignment=B)
    assert ("doe_1", B) in {(one.student.login, one.assignment) for one in intake.submissions}
    assert {p.name for p in root.iterdir()} == {"e.zip", "course"}
    assert [p.name for p in (root / "course").iterdir()] == ["submitted"]


def test_what_has_not_changed_is_not_touched_and_what_has_is_replaced(course, tmp_path):
    source = lay(tmp_path / "in", {f"{who}/{B}/{B}.ipynb": WORK for who in ("anna", "bob")})
    anna, bob = (one.folder for one in take(source, course).submissions)
    before = [folder.stat().st_ino for folder in (anna, bob)]
    (source / "bob" / B / f"{B}.ipynb").write_bytes(WORK + b" ")
    (anna.parent / f".{B}.part").mkdir()  # as a run that was killed leaves it
    take(source, course)
    assert anna.stat().st_ino == before[0] and bob.stat().st_ino != before[1]
    assert (bob / f"{B}.ipynb").read_bytes() == WORK + b" "


def test_a_file_taken_back_is_gone_after_the_next_intake(course, tmp_path):
    source = lay(tmp_path / "in", {f"anna/{B}.ipynb": WORK, "anna/old.csv": b"1"})
    (one,) = take(source, course).submissions
    (source / "anna" / "old.csv").unlink()
    take(source, course)
    assert names(one.folder) == {f"{B}.ipynb"}


def test_an_intake_that_was_killed_is_finished_by_the_next(course, tmp_path, monkeypatch):
    source = lay(tmp_path / "in", {f"{who}.ipynb": WORK for who in ("anna", "bob")})
    place = course / "submitted" / "anna" / B
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.rename", lambda *paths: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            take(source, course)
    assert not place.exists()
    take(source, course)
    assert [p.name for p in place.parent.iterdir()] == [B] and names(place) == {f"{B}.ipynb"}


def test_the_modules_load_without_nbgrader_torch_and_numpy():
    code = f"""
import sys, types
sys.modules["grader"] = package = types.ModuleType("grader")
package.__path__ = {grader.__path__!r}
import grader.intake
sys.exit(" ".join({{"numpy", "torch", "nbgrader", "nbformat"}} & sys.modules.keys()) or 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def other_course(tmp_path):
    """Two assignments with notebooks of names of their own, one name in both."""
    for name, notebooks in (("ps1", ("p1", "p2")), ("ps2", ("p1",))):
        for one in notebooks:
            files = {f"{one}.ipynb": notebook(f"{name}_{one}")}
            lay(tmp_path / "other" / "source" / name, files)
    return tmp_path / "other"


def take_other(source, course, assignment=None):
    return take_in(source, course, ["ps1", "ps2"], assignment=assignment)


def test_an_assignment_may_have_several_notebooks_with_names_of_their_own(other_course):
    files = {"ps1/p1.ipynb": WORK, "ps1/p2.ipynb": WORK, "ps1/p1 copy.ipynb": b"", "ps2/x.txt": b""}
    lay(other_course / "submitted" / "ann", files)
    intake = take_other(other_course / "submitted", other_course)
    assert [s.assignment for s in intake.submissions] == ["ps1"]
    assert codes(intake) == ["missing-notebook"]
    assert names(other_course / "submitted" / "ann") == set(files)


def test_a_missing_notebook_is_not_looked_for_under_other_names_in_the_courses_own_folder(
    other_course,
):
    lay(other_course / "submitted" / "ann", {"ps1/p1 (1).ipynb": WORK, "ps1/p2.ipynb": WORK})
    lay(other_course / "submitted" / "bob", {"ps1/p1 (1).ipynb": WORK})
    intake = take_other(other_course / "submitted", other_course)
    assert [s.student.login for s in intake.submissions] == ["ann"]
    assert [(r.student.login, r.code, r.whole) for r in intake.refused] == [
        ("bob", "missing-notebook", True)
    ]


def test_notebooks_of_one_assignment_come_together_from_an_export(other_course, export):
    files = {"ann_1_11_p2.ipynb": WORK, "ann_1_12_p1-2.ipynb": WORK, "ann_1_13_p1.ipynb": b"old"}
    intake = take_other(export(files), other_course, "ps1")
    assert [s.assignment for s in intake.submissions] == ["ps1"]
    assert names(other_course / "submitted" / "ann_1") == {"ps1/p1.ipynb", "ps1/p2.ipynb"}


@pytest.mark.parametrize(
    ("path", "content", "asked"),
    [
        ("ann/ps2/p1.ipynb", WORK, None),
        ("ann/p1.ipynb", WORK, "ps2"),
        ("ann/p1.ipynb", notebook("ps2_p1"), None),
        ("ann/mine.ipynb", notebook("ps2_p1"), None),
        ("ann/ps2/mine.ipynb", WORK, None),
    ],
)
def test_a_name_that_two_assignments_have_is_told_apart_by_folder_by_asking_or_by_cells(
    other_course, tmp_path, path, content, asked
):
    take_other(lay(tmp_path / "in", {path: content}), other_course, asked)
    assert names(other_course / "submitted") == {"ann/ps2/p1.ipynb"}
