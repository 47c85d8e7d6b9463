"""A submission is rebuilt from the master: the student's answers, everything else ours."""

import json
from copy import deepcopy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from grader.rebuild import SKIP, SubmissionError, read_notebook, rebuild


def cell(name, source, **flags):
    data = {"grade_id": name, "grade": False, "locked": False, "solution": False, **flags}
    return new_code_cell(source, id=name, metadata={"nbgrader": data})


def make_master():
    figure = new_code_cell("draw()", id="figure", metadata={"tags": [SKIP]})
    return new_notebook(
        cells=[
            new_markdown_cell("Welcome", id="text"),
            cell("setup", "import numpy as np", locked=True),
            cell("gae", "raise NotImplementedError", solution=True),
            cell(
                "test_gae",
                "check()\n### BEGIN HIDDEN TESTS\nprobe()\n### END HIDDEN TESTS",
                grade=True,
                locked=True,
                points=5,
            ),
            figure,
        ]
    )


@pytest.fixture
def master():
    return make_master()


@pytest.fixture
def submitted(master):
    notebook = deepcopy(master)
    notebook.cells[2].source = "answer"
    notebook.cells[3].source = "check()"
    return notebook


def sources(notebook):
    return [one.source for one in notebook.cells]


def test_an_honest_submission_needs_no_repair(master, submitted):
    rebuilt, repairs = rebuild(master, submitted)
    assert repairs == []
    assert [one.id for one in rebuilt.cells] == [one.id for one in master.cells]
    assert rebuilt.cells[2].source == "answer"
    assert "probe()" in rebuilt.cells[3].source


def test_neither_argument_is_changed(master, submitted):
    before = deepcopy((master, submitted))
    rebuild(master, submitted)
    assert (master, submitted) == before


def test_a_changed_test_cell_is_restored(master, submitted):
    submitted.cells[3].source = "100.0"
    submitted.cells[3].metadata.nbgrader.points = 1000
    rebuilt, repairs = rebuild(master, submitted)
    assert rebuilt.cells[3] == master.cells[3]
    assert repairs == ["locked cell test_gae was changed and was restored"]


def test_a_tag_on_a_test_cell_goes_and_the_master_s_tags_come_back(master, submitted):
    submitted.cells[3].metadata["tags"] = [SKIP]
    submitted.cells[4].metadata["tags"] = []
    rebuilt, _ = rebuild(master, submitted)
    assert "tags" not in rebuilt.cells[3].metadata
    assert rebuilt.cells[4].metadata["tags"] == [SKIP]


def test_outputs_are_kept_where_the_master_says_skip_and_nowhere_else(master, submitted):
    for one in submitted.cells[1:]:
        one.outputs = [new_output("stream", text="seen")]
        one.execution_count = 7
    rebuilt, _ = rebuild(master, submitted)
    assert [len(one.get("outputs", [])) for one in rebuilt.cells] == [0, 0, 0, 0, 1]
    assert all(one.get("execution_count") is None for one in rebuilt.cells)


def test_a_missing_test_cell_is_put_back_in_its_place(master, submitted):
    del submitted.cells[3]
    rebuilt, repairs = rebuild(master, submitted)
    assert rebuilt.cells[3] == master.cells[3]
    assert repairs == ["cell test_gae was missing and was put back"]


def test_own_cells_stay_behind_the_cell_they_stood_behind(master, submitted):
    submitted.cells.insert(2, new_code_cell("helper"))
    submitted.cells.insert(0, new_markdown_cell("my name"))
    rebuilt, _ = rebuild(master, submitted)
    assert sources(rebuilt)[:5] == ["my name", "Welcome", "import numpy as np", "helper", "answer"]


def test_moved_cells_go_back_to_the_master_s_order(master, submitted):
    submitted.cells = [submitted.cells[i] for i in (3, 0, 2, 1, 4)]
    rebuilt, _ = rebuild(master, submitted)
    assert [one.id for one in rebuilt.cells] == [one.id for one in master.cells]


def test_the_halves_of_a_split_answer_both_run_in_order(master, submitted):
    submitted.cells.insert(3, cell("gae", "second half", solution=True))
    rebuilt, repairs = rebuild(master, submitted)
    assert sources(rebuilt)[2:4] == ["answer", "second half"]
    assert "nbgrader" not in rebuilt.cells[3].metadata
    assert repairs == ["cell gae was there twice"]


def test_an_untouched_copy_of_the_stub_does_not_hide_the_answer(master, submitted):
    submitted.cells.insert(2, cell("gae", "raise NotImplementedError", solution=True))
    rebuilt, _ = rebuild(master, submitted)
    assert rebuilt.cells[2].source == "answer"


def test_own_cells_before_a_second_copy_of_the_answer_come_before_it(master, submitted):
    submitted.cells[2].source = "raise NotImplementedError"
    submitted.cells.insert(3, new_code_cell("helper"))
    submitted.cells.append(new_code_cell("late helper"))
    submitted.cells.append(cell("gae", "answer", solution=True))
    rebuilt, _ = rebuild(master, submitted)
    assert sources(rebuilt)[2:5] == ["helper", "late helper", "answer"]


def test_an_answer_in_a_cell_of_its_own_is_not_undone_by_the_stub(master, submitted):
    submitted.cells[2] = new_code_cell("answer", id="mine")
    rebuilt, repairs = rebuild(master, submitted)
    assert sources(rebuilt)[2:4] == ["answer", ""]
    assert repairs == ["cell gae was missing and was put back"]


def test_a_cell_that_lost_its_metadata_is_known_by_its_id(master, submitted):
    submitted.cells[2].metadata = {}
    rebuilt, repairs = rebuild(master, submitted)
    assert rebuilt.cells[2].source == "answer"
    assert rebuilt.cells[2].metadata == master.cells[2].metadata
    assert repairs == []


def without_ids(notebook):
    """As formats before 4.5 have it; nbgrader's own examples do."""
    notebook = deepcopy(notebook)
    notebook.nbformat_minor = 4
    for one in notebook.cells:
        del one["id"]
    return notebook


@pytest.mark.parametrize("old", ["master", "submitted", "both"])
def test_cells_without_ids_are_known_by_their_text(master, submitted, old):
    master.cells.append(deepcopy(master.cells[0]))
    submitted.cells.append(deepcopy(master.cells[0]))
    master = master if old == "submitted" else without_ids(master)
    submitted = submitted if old == "master" else without_ids(submitted)
    rebuilt, repairs = rebuild(master, submitted)
    assert repairs == []
    assert sources(rebuilt)[:3] == ["Welcome", "import numpy as np", "answer"]
    assert sources(rebuilt)[4:] == ["draw()", "Welcome"]
    nbformat.validate(rebuilt)


def test_a_plain_cell_that_was_changed_and_has_no_id_is_not_undone_by_the_master_s(
    master, submitted
):
    submitted.cells[4].source = "draw(colour='red')"
    rebuilt, _ = rebuild(without_ids(master), without_ids(submitted))
    assert sources(rebuilt)[4:] == ["draw(colour='red')"]


def test_a_changed_test_cell_counts_as_locked_even_if_the_master_does_not_say_so(master, submitted):
    master.cells[3].metadata.nbgrader.locked = False
    submitted.cells[3].source = "pass"
    assert rebuild(master, submitted)[1] == ["locked cell test_gae was changed and was restored"]


def test_a_missing_written_answer_is_left_blank_since_it_may_stand_elsewhere(master, submitted):
    question = new_markdown_cell("Write here.", id="why", metadata={"nbgrader": {"solution": True}})
    question.metadata.nbgrader["grade_id"] = "why"
    master.cells.append(question)
    assert sources(rebuild(master, submitted)[0])[-1] == ""


def test_a_master_that_grades_nothing_takes_any_notebook(submitted):
    rebuilt, repairs = rebuild(new_notebook(cells=[new_code_cell("while True: pass")]), submitted)
    assert repairs == []
    assert "answer" in sources(rebuilt)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends_and_a_byte_order_mark_change_nothing(master, submitted, tmp_path, end):
    path = tmp_path / "hw.ipynb"
    for one in submitted.cells:
        one.source = one.source.replace("\n", end)
    submitted.cells[3].source = f"check(){end}"
    master.cells[3].source += "\n"
    path.write_bytes(b"\xef\xbb\xbf" + nbformat.writes(submitted).encode())
    assert rebuild(master, read_notebook(path))[1] == []


def test_a_duplicated_test_cell_is_graded_once(master, submitted):
    submitted.cells.append(deepcopy(submitted.cells[3]))
    rebuilt, _ = rebuild(master, submitted)
    ids = [one.metadata.get("nbgrader", {}).get("grade_id") for one in rebuilt.cells]
    assert ids.count("test_gae") == 1
    assert len({one.id for one in rebuilt.cells}) == len(rebuilt.cells)


def test_cell_types_come_from_the_master(master, submitted):
    wrong = new_markdown_cell("answer", id="gae", metadata=submitted.cells[2].metadata)
    submitted.cells[2] = wrong
    rebuilt, _ = rebuild(master, submitted)
    assert rebuilt.cells[2].cell_type == "code"
    nbformat.validate(rebuilt)


def test_a_foreign_notebook_is_refused(master):
    with pytest.raises(SubmissionError, match="is it another one") as error:
        rebuild(master, new_notebook(cells=[new_code_cell("1 + 1")]))
    assert error.value.code == "foreign-notebook"


NO_CELLS = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"{", "not-json"),
        (b"\xff\xfe", "not-json"),
        (b"[]", "not-a-notebook"),
        (b"3", "not-a-notebook"),
        (b"{}", "not-a-notebook"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}', "not-a-notebook"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [3]}', "not-a-notebook"),
        (NO_CELLS.encode(), "empty"),
    ],
)
def test_a_file_that_is_no_notebook_gets_a_reason_code_and_a_sentence(content, code, tmp_path):
    path = tmp_path / "hw.ipynb"
    path.write_bytes(content)
    with pytest.raises(SubmissionError, match=r"hw\.ipynb") as error:
        read_notebook(path)
    assert error.value.code == code


def test_a_file_that_is_not_there_gets_a_reason_code(tmp_path):
    with pytest.raises(SubmissionError) as error:
        read_notebook(tmp_path / "hw.ipynb")
    assert error.value.code == "missing-notebook"
