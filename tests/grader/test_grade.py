"""Submissions as they come, through nbgrader, to the gradebook and the feedback."""

import csv
import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_output
from nbgrader.api import Gradebook

from grader.cli import main
from grader.execute import cell_by_id
from grader.rebuild import SKIP, read_notebook
from grader.reporting import table_row
from grader.result import Result, Student

pytestmark = pytest.mark.slow


def autos(result):
    return {mark.cell: mark.auto for mark in result.marks}


def said(result):
    return [mark.text for mark in result.marks if mark.text]


EXERCISES = {
    "test_td_residuals": 2.0,
    "test_gae": 5.0,
    "test_gae_transform": 3.0,
    "test_psi_variants": 2.0,
    "test_returns_vs_gae_study": 4.0,
}
FULL = EXERCISES | {f"written_{k}": None for k in (1, 2, 3, 4)}
NOTHING = {name: 0.0 for name in FULL}
AFTER_GAE = {name: 0.0 for name in EXERCISES if name != "test_td_residuals"}


def with_answer(notebook, name, source):
    cell_by_id(notebook, name).source = source
    return notebook


def test_a_solved_notebook_gets_full_points_and_waits_for_the_written_answer(classroom):
    result = classroom.grade("full", classroom.solved())
    assert autos(result) == FULL
    assert result.reasons == result.repairs == ()
    assert not said(result)
    assert (result.points, result.most, result.to_mark) == (16.0, 22.0, 6.0)


def test_an_untouched_notebook_gets_nothing_and_needs_no_marking(classroom):
    result = classroom.grade("untouched", classroom.released, study=False)
    assert autos(result) == NOTHING
    assert result.to_mark == 0.0
    assert "gae: not written" in said(result)


def test_a_study_that_was_not_handed_in_costs_its_points_and_is_said(classroom):
    result = classroom.grade("no-study", classroom.solved(), study=False)
    assert autos(result) == FULL | {"test_returns_vs_gae_study": 0.0}
    assert "there is no folder logs/3a beside the notebook" in said(result)[0]


def test_partial_credit_and_the_misconception_reach_table_gradebook_and_feedback(classroom, course):
    wrong = cell_by_id(classroom.solved(), "gae").source.replace(
        "~(terminated | truncated)", "True + 0 * terminated"
    )
    result = classroom.grade("partial", with_answer(classroom.solved(), "gae", wrong))
    assert autos(result) == FULL | {"test_gae": 2.0}
    assert said(result) == ["gae: the trace is not cut at the end of an episode"]
    assert "the trace is not cut" in table_row(result)[0]
    with Gradebook(f"sqlite:///{course.gradebook}", "rlcore") as gradebook:
        assert gradebook.find_submission(classroom.name, "partial").score == 13.0
    page = next((course.root / "feedback" / "partial").rglob("*.html")).read_text(encoding="utf-8")
    assert "the trace is not cut at the end of an episode" in page
    assert "probe(" not in page
    assert "Mark scheme" not in page


def test_an_earlier_mistake_costs_its_own_points_only(classroom):
    notebook = with_answer(
        classroom.solved(), "td_residuals", "def td_residuals(*args, gamma):\n    return 0.0"
    )
    assert autos(classroom.grade("first-wrong", notebook)) == FULL | {"test_td_residuals": 0.0}


@pytest.mark.parametrize(
    ("student", "source", "words"),
    [
        ("raises", "def gae(*args, **kwargs):\n    raise KeyError('x')", "it raises KeyError: 'x'"),
        ("syntax", "def gae(:", "its cell failed: SyntaxError"),
        ("deleted", "", "it raises NameError: name 'gae' is not defined"),
    ],
)
def test_a_broken_answer_costs_its_own_points_and_says_why(classroom, student, source, words):
    result = classroom.grade(student, with_answer(classroom.solved(), "gae", source))
    scores = autos(result)
    assert (scores["test_td_residuals"], scores["test_gae"]) == (2.0, 0.0)
    assert words in said(result)[0]


def test_a_dead_kernel_keeps_what_ran_before_it(classroom):
    notebook = with_answer(classroom.solved(), "gae", "import os\nos._exit(1)")
    result = classroom.grade("dies", notebook)
    assert autos(result) == FULL | AFTER_GAE
    assert result.reasons == ("kernel-died",)


def test_an_endless_loop_costs_its_own_points_and_says_that_it_was_stopped(classroom):
    loop = "def gae(*args, **kwargs):\n    while True:\n        pass"
    result = classroom.grade("endless", with_answer(classroom.solved(), "gae", loop))
    assert autos(result) == FULL | {"test_gae": 0.0}
    assert said(result) == ["gae: it ran too long and was stopped"]


def test_a_loop_that_refuses_to_be_interrupted_keeps_what_ran_before_it(classroom):
    loop = "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except: pass"
    result = classroom.grade("stubborn", with_answer(classroom.solved(), "gae", loop))
    assert autos(result) == FULL | AFTER_GAE
    assert result.processed
    assert result.reasons == ("timeout",)


def test_names_of_folders_and_byte_order_marks_do_no_harm(classroom):
    place = classroom.hand_in("names/o'neil {y}", classroom.solved())
    path = place / f"{classroom.name}.ipynb"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert autos(classroom.regrade(place)) == FULL


def test_a_name_that_nbgrader_cannot_file_is_told_to_the_instructor_and_is_nobody_s_zero(
    classroom, course, capsys
):
    classroom.hand_in("lms/ada [late]", classroom.solved())
    folder = classroom.folder / "lms"
    assert main(["grade", str(folder), "--course", str(course.root)]) == 2
    assert "to a name that nbgrader cannot file" in capsys.readouterr().out


def test_a_pipe_beside_a_notebook_is_left_out_and_said(classroom, course, capsys):
    place = classroom.hand_in("odd/a-pipe", classroom.solved())
    os.mkfifo(place / "pipe")
    classroom.hand_in("odd/b-good", classroom.solved())
    assert main(["grade", str(classroom.folder / "odd"), "--course", str(course.root)]) == 0
    out = capsys.readouterr().out
    assert "a-pipe/04_reinforce_vs_gae/pipe is a device, a pipe or a socket" in out
    assert out.count("16 of 22") == 2


def test_names_with_terminal_escapes_are_printed_harmlessly():
    result = Result(Student("a\x1b[2J"), "x", problem="\x1b]0;title")
    assert "\x1b" not in "".join(table_row(result))


def test_an_answer_in_a_cell_of_its_own_counts(classroom):
    notebook = classroom.solved()
    index = next(i for i, cell in enumerate(notebook.cells) if cell.id == "gae")
    notebook.cells[index] = new_code_cell(notebook.cells[index].source)
    assert autos(classroom.grade("own-cell", notebook)) == FULL


def test_a_name_of_ours_that_is_bound_to_something_else_does_no_harm(classroom):
    notebook = classroom.solved()
    notebook.cells.insert(3, new_code_cell("check = probe = 3"))
    assert autos(classroom.grade("rebinds", notebook)) == FULL


def test_stderr_costs_nothing(classroom):
    noisy = "import sys, warnings\nwarnings.warn('old')\nprint('bar', file=sys.stderr)\n"
    source = cell_by_id(classroom.solved(), "gae").source
    body = source.replace("    deltas", "    import sys; print('x', file=sys.stderr)\n    deltas")
    result = classroom.grade("noisy", with_answer(classroom.solved(), "gae", noisy + body))
    assert autos(result) == FULL


def test_a_test_cell_tagged_to_be_skipped_is_run_all_the_same(classroom):
    notebook = deepcopy(classroom.released)
    for name in EXERCISES:
        cell_by_id(notebook, name).metadata["tags"] = [SKIP]
    assert autos(classroom.grade("tagged", notebook, study=False)) == NOTHING


def test_the_student_s_own_figures_are_kept_and_nothing_else(classroom, course):
    notebook = classroom.solved()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [new_output("stream", text="as handed in")]
    classroom.grade("figures", notebook)
    graded = read_notebook(
        course.root / "autograded" / "figures" / classroom.name / f"{classroom.name}.ipynb"
    )
    kept = [cell.id for cell in graded.cells if "as handed in" in str(cell.get("outputs"))]
    assert kept == [
        "figure_residuals",
        "figure_weights",
        "figure_psi",
        "figure_bias_variance",
        "figure_cloud",
        "given_losses",
        "returns_vs_gae_study",
        "figure_returns_vs_gae",
    ]


def test_missing_and_doubled_test_cells_are_repaired_and_said(classroom):
    notebook = classroom.solved()
    twice = deepcopy(cell_by_id(notebook, "test_gae"))
    notebook.cells = [cell for cell in notebook.cells if cell.id != "test_td_residuals"]
    twice["id"] = "twice"
    notebook.cells.append(twice)
    result = classroom.grade("messy", notebook)
    assert autos(result) == FULL
    assert result.reasons == ("repaired",)
    assert "cell test_td_residuals was missing and was put back" in result.repairs
    assert "cell test_gae was there twice" in result.repairs


def test_files_beside_the_notebook_do_not_replace_ours(classroom):
    fake = "def check(*args): pass\ndef probe(*args): return 5.0\ndef hint(*args): pass\n"
    files = {"grader_dot_py": fake, "rlcore_dot_py": "boom(", "numpy_dot_py": "boom("}
    result = classroom.grade("fakes", classroom.released, study=False, **files)
    assert autos(result) == NOTHING


def test_a_helper_module_beside_the_notebook_can_be_imported(classroom):
    notebook = classroom.solved()
    notebook.cells.insert(3, new_code_cell("from my_helper import seven\nassert seven == 7"))
    result = classroom.grade("helper", notebook, my_helper_dot_py="seven = 7\n")
    assert autos(result) == FULL
    assert not result.reasons


def test_a_probe_of_one_s_own_changes_nothing(classroom):
    source = cell_by_id(classroom.released, "gae").source
    source += "\n\nimport grader\ngrader.probe = grader.check = lambda *args: 5.0"
    result = classroom.grade("own-probe", with_answer(classroom.solved(), "gae", source))
    assert autos(result) == FULL | {"test_gae": 0.0}


def test_one_broken_submission_does_not_stop_the_rest(classroom, course, tmp_path, capsys):
    for student, text in (("a-half", '{"cells": ['), ("b-empty", ""), ("c-other", FOREIGN)):
        classroom.hand_in(f"batch/{student}", text)
    classroom.hand_in("batch/d-good", classroom.solved())
    folder = classroom.folder / "batch"
    other = folder / "e-nothing" / classroom.name / "homework.txt"
    other.parent.mkdir(parents=True)
    other.write_text("it is in my other folder")
    assert main(["grade", str(folder), "--course", str(course.root)]) == 0
    out = capsys.readouterr().out
    for code in ("[not-json]", "[empty]", "[foreign-notebook]", "[missing-notebook]"):
        assert code in out
    assert "d-good" in out
    with (course.root / "reports" / "grades.csv").open(encoding="utf-8") as file:
        rows = {
            row["login"]: float(row["score"])
            for row in csv.DictReader(file)
            if row["assignment"] == classroom.name
        }
    assert (rows["a-half"], rows["d-good"], rows["e-nothing"]) == (0.0, 16.0, 0.0)


FOREIGN = (
    '{"cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": "1", "outputs": [],'
    ' "execution_count": null}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
)


def test_a_better_second_submission_replaces_the_first(classroom):
    assert autos(classroom.grade("again", "{"))["test_gae"] == 0.0
    assert autos(classroom.grade("again", classroom.solved())) == FULL


def test_stock_nbgrader_commands_give_the_same_marks_and_feedback(classroom, course):
    place = course.root / "submitted" / "stock" / classroom.name
    shutil.copytree(classroom.hand_in("stock/stock", classroom.solved()), place)
    bin_folder = str(Path(sys.executable).parent)
    env = {**os.environ, "PATH": os.pathsep.join([bin_folder, os.environ["PATH"]])}
    for command in (
        ["autograde", classroom.name, "--student", "stock"],
        ["generate_feedback", classroom.name, "--student", "stock"],
        ["export", "--to", "stock.csv"],
    ):
        run = subprocess.run(
            ["nbgrader", *command], cwd=course.root, env=env, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
    assert {name: auto for name, (auto, _) in classroom.scores("stock").items()} == FULL
    assert next((course.root / "feedback" / "stock").rglob("*.html")).is_file()
    assert "stock" in (course.root / "stock.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{class}/none"], "is not there"),
        (["{empty}"], "holds no submissions; expected"),
        (["{class}", "--assignment", "05"], "the course has no assignment '05'; it has 0"),
        (["{class}", "--course", "{empty}"], "run `grader build` first"),
        (["{course}/release"], "belongs to the course; its submissions are in "),
        (["{course}/source/04_reinforce_vs_gae"], "belongs to the course; its submissions are in "),
    ],
)
def test_grading_that_cannot_start_exits_with_2_and_a_sentence(
    arguments, sentence, classroom, course, tmp_path, capsys
):
    names = {"class": classroom.folder, "empty": tmp_path, "course": course.root}
    arguments = [text.format(**names) for text in arguments]
    if "--course" not in arguments:
        arguments += ["--course", str(course.root)]
    assert main(["grade", *arguments]) == 2
    assert sentence in capsys.readouterr().err
