"""The course checks itself, the demo grades its class, and commands end with the right status."""

import subprocess
import sys

import pytest

from grader import demo as demo_module
from grader.cli import main
from grader.demo import CLASS, Member
from grader.result import Mark, Result, Student

GRADER = [sys.executable, "-c", "import sys; from grader.cli import main; sys.exit(main())"]


@pytest.mark.parametrize(
    ("problems", "status", "last"),
    [([], 0, "the course is clean\n"), (["it has no key"], 1, "the course is not clean\n")],
)
def test_verify_says_what_is_wrong(monkeypatch, capsys, problems, status, last):
    # What it looks at is tested exercise by exercise and notebook by notebook.
    monkeypatch.setattr("grader.verify.verify", lambda: iter([("gae", problems), ("04", [])]))
    assert main(["verify"]) == status
    out = capsys.readouterr().out
    assert out.startswith("✘ gae\n    it has no key\n✔ 04" if problems else "✔ gae\n✔ 04")
    assert out.endswith(last)


@pytest.mark.parametrize("first", ["grader", "grader.cli"])
def test_no_grammar_of_addresses_is_compiled_on_the_way(first):
    script = f"import sys, {first}, nbformat; print('lark' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_whoever_coordinates_workers_does_without_torch():
    parts = ("cli", "grade", "reporting", "nbgrader_books", "nbgrader_plugins")
    script = f"import sys, {', '.join(f'grader.{part}' for part in parts)}; "
    script += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


@pytest.mark.slow
def test_the_demo_class_gets_the_marks_it_should(capsys):
    assert len(CLASS) >= 8
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert "every mark is as it should be" in out
    for place in ("gradebook  build/demo", "feedback   build/demo", "class page build/demo"):
        assert place in out


def result(points, texts=()):
    names = {"td_residuals": 2.0, "gae": 5.0, "gae_transform": 3.0}
    said = dict(texts)
    marks = tuple(
        Mark(f"test_{name}", most, points.get(name, most), text=said.get(name, ""))
        for name, most in names.items()
    )
    return Result(Student("x"), "a", marks)


def test_the_demo_notices_a_mark_that_is_too_high_too_low_or_explained_wrongly(monkeypatch):
    member = Member("x", loses={"gae": "not cut"})
    monkeypatch.setattr(demo_module, "CLASS", (member,))
    cut = {"gae": "gae: the trace is not cut"}
    assert demo_module.unexpected(result({"gae": 2.0}, cut)) == []
    assert "gae has 5.0 of 5.0" in demo_module.unexpected(result({}))[0]
    lost = result({"gae": 2.0, "td_residuals": 1.0}, cut)
    assert "td_residuals has 1.0 of 2.0" in demo_module.unexpected(lost)[0]
    other = result({"gae": 2.0}, {"gae": "gae: the sign is flipped"})
    assert "is said to be: gae: the sign is flipped" in demo_module.unexpected(other)[0]


def test_the_demo_notices_a_reason_that_is_missing_or_not_expected(monkeypatch):
    monkeypatch.setattr(demo_module, "CLASS", (Member("x", reasons=("timeout",)),))
    assert demo_module.unexpected(result({})) == ["x: timeout"]


@pytest.mark.parametrize("arguments", [[], ["mark"], ["check"], ["grade"], ["build", "--chekc"]])
def test_wrong_usage_exits_with_2(arguments):
    run = subprocess.run([*GRADER, *arguments], capture_output=True, text=True)
    assert run.returncode == 2
    assert "usage: grader" in run.stderr


def test_help_names_every_command():
    run = subprocess.run([*GRADER, "--help"], capture_output=True, text=True)
    assert run.returncode == 0
    for command in ("check", "grade", "report", "build", "verify", "demo"):
        assert f"\n    {command} " in run.stdout


def test_ctrl_c_stops_without_a_traceback(monkeypatch, capsys):
    def interrupted(**kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("grader.build.build", interrupted)
    assert main(["build"]) == 130
    assert capsys.readouterr().err == "\nstopped\n"


WITHOUT = "import sys; sys.modules.update(nbgrader=None, jupytext=None); "


def test_an_author_without_nbgrader_is_told_what_to_install():
    code = f"{WITHOUT}from grader.cli import main; sys.exit(main(['verify']))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 2
    assert "pip install -c constraints.txt -e '.[grade]'" in run.stderr


def test_what_a_student_uses_needs_no_nbgrader():
    code = f"{WITHOUT}import grader, grader.check_notebook, rlcore"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


ENDLESS = """
import sys
from grader import cli
def run(args):
    for _ in range(9): print("row" * 9000, flush=True)
    sys.stderr.write("to the end")
    return 7
cli.run_verify = run
sys.exit(cli.main(["verify"]))"""


def test_a_closed_pipe_stops_no_command_and_leaves_no_traceback(tmp_path):
    (tmp_path / "script.py").write_text(ENDLESS)
    command = f"{sys.executable} {tmp_path}/script.py | true; exit ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (7, "to the end")
