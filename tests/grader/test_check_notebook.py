"""`grader check NOTEBOOK`, as a student runs it."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from grader.cli import main
from grader.execute import cell_by_id, execute, verdicts

pytestmark = pytest.mark.slow

PRINTS_IN_A_WIDGET = """
from ipywidgets import Output
with Output():
    print("in the cell, not in the widget", end="")
"""


def check(classroom, notebook, capsys, study=True):
    folder = classroom.hand_in("checked", notebook, study)
    status = main(["check", str(folder / f"{classroom.name}.ipynb")])
    return status, capsys.readouterr()


def test_a_solved_notebook_is_clean(classroom, capsys):
    status, said = check(classroom, classroom.solved(), capsys)
    assert status == 0
    assert "✔ gae: 5 of 5 points" in said.out
    assert "16 of 16 points" in said.out


def test_every_exercise_has_its_line_and_what_is_wrong_is_said(classroom, capsys):
    notebook = classroom.solved()
    cell_by_id(notebook, "gae").source = "def gae(:"
    cell_by_id(notebook, "gae_transform").source = "class GAE:\n    pass"
    status, said = check(classroom, notebook, capsys)
    assert status == 1
    assert "✔ td_residuals: 2 of 2 points" in said.out
    assert "gae: its cell failed: SyntaxError" in said.out
    assert "gae_transform: Wrong in the advantages while the episode goes on: it raises" in said.out


def test_a_name_bound_to_something_else_at_the_end_does_no_harm(classroom, capsys):
    notebook = classroom.solved()
    notebook.cells.append(new_code_cell("gae = 3"))
    status, said = check(classroom, notebook, capsys)
    assert status == 0
    assert "16 of 16 points" in said.out


def test_an_exception_is_told_with_its_line(classroom, capsys):
    notebook = classroom.solved()
    cell_by_id(notebook, "gae").source = "def gae(*args, **kwargs):\n    x = 1\n    return x / 0"
    _, said = check(classroom, notebook, capsys)
    assert "it raises ZeroDivisionError: division by zero (line 3)" in said.out


def test_an_unanswered_notebook_says_not_written(classroom, capsys):
    status, said = check(classroom, classroom.released, capsys, study=False)
    assert status == 1
    assert said.out.count("It is not written yet.") == 4
    assert "There is no folder logs/3a beside the notebook; run the study first." in said.out


def test_what_the_file_once_showed_is_not_taken_for_a_verdict(classroom, capsys):
    notebook = execute(classroom.solved(), Path("notebooks"), cell_seconds=60)
    assert verdicts(cell_by_id(notebook, "test_gae"))[0].correct
    cell_by_id(notebook, "td_residuals").source = "import os\nos._exit(1)"
    status, said = check(classroom, notebook, capsys)
    assert status == 1
    assert "0 of 16 points" in said.out
    assert "✔" not in said.out


def test_nothing_is_sent_to_the_kernel_while_a_reply_is_awaited():
    """nbclient's Output widget does, and then the reply may never be read: a slider's cell hung."""
    notebook = nbformat.v4.new_notebook(cells=[new_code_cell(PRINTS_IN_A_WIDGET)])
    ran = execute(notebook, Path("notebooks"), cell_seconds=60)
    assert [output.text for output in ran.cells[0].outputs] == ["in the cell, not in the widget"]


def test_checking_does_not_change_the_file(classroom, capsys):
    folder = classroom.hand_in("checked", classroom.released)
    before = (folder / f"{classroom.name}.ipynb").read_bytes()
    main(["check", str(folder / f"{classroom.name}.ipynb")])
    assert (folder / f"{classroom.name}.ipynb").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not JSON, so no notebook"),
        ("", "is an empty file; was it saved?"),
        (
            nbformat.writes(nbformat.v4.new_notebook(cells=[new_code_cell("1")])),
            "has no exercise of this course",
        ),
    ],
)
def test_a_file_that_is_not_ours_exits_with_2_and_a_sentence(classroom, text, sentence, capsys):
    status, said = check(classroom, text, capsys)
    assert status == 2
    assert sentence in said.err


def test_a_file_that_is_not_there_exits_with_2(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.ipynb")]) == 2
    assert "there is no such file" in capsys.readouterr().err
