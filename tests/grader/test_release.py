"""What students are given: all they need, and nothing secret."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from grader import release as module
from grader.cli import main
from grader.course import ROOT
from grader.release import ReleaseError, release, secrets_in

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    place = tmp_path_factory.mktemp("release") / "course"
    assert main(["release", str(place)]) == 0
    return place


@pytest.fixture
def copy(bundle, tmp_path, monkeypatch):
    """A copy that may be spoilt; notebooks are known to be fresh."""
    monkeypatch.setattr(module, "stale", lambda: [])
    return Path(shutil.copytree(bundle, tmp_path / "copy"))


def test_what_is_secret_is_not_in_it(bundle):
    names = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*")}
    assert {"notebooks/04_reinforce_vs_gae.ipynb", "notebooks/04_reinforce_vs_gae.json"} <= names
    assert {"rlcore/runner.py", "grader/visible.py", "grader/templates"} <= names
    assert {path.split("/")[0] for path in names} == {
        "notebooks",
        "rlcore",
        "grader",
        *module.FILES,
    }
    assert "rlcore/losses.py" not in names
    assert list(secrets_in(bundle)) == []


def test_its_readme_leads_nowhere_outside(bundle):
    readme = (bundle / "README.md").read_text("utf-8")
    assert "## Students: quick start" in readme
    assert "## Instructors" not in readme and "](solutions/" not in readme
    assert "](notebooks/01_categorical_policy.ipynb)" in readme


def test_a_student_can_check_a_notebook_with_nothing_else(bundle, tmp_path):
    work = Path(shutil.copytree(bundle, tmp_path / "work"))
    env = {**os.environ, "PYTHONPATH": str(work)}
    command = [
        sys.executable,
        "-P",
        "-m",
        "grader",
        "check",
        "notebooks/01_categorical_policy.ipynb",
    ]
    code = "import sys; from grader.cli import main; sys.exit(main(sys.argv[1:]))"
    notebook = "notebooks/01_categorical_policy.ipynb"
    command = [sys.executable, "-P", "-c", code, "check", notebook]
    ran = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "categorical_probs" in ran.stdout


def test_a_zip_holds_the_same_and_is_the_same_each_time(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "stale", lambda: [])
    packed = []
    for name in ("a.zip", "b.zip"):
        release(tmp_path / name)
        packed.append((tmp_path / name).read_bytes())
    assert packed[0] == packed[1]
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "out")
    here, there = (
        {p.relative_to(top): p.read_bytes() for p in top.rglob("*") if p.is_file()}
        for top in (bundle, tmp_path / "out" / "rlcore")
    )
    assert here == there
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b.zip", "out"]


def spoil_answer(copy):
    path = copy / "notebooks" / "04_reinforce_vs_gae.ipynb"
    notebook = nbformat.read(path, 4)
    source = (ROOT / "solutions" / "04_reinforce_vs_gae.py").read_text("utf-8")
    answer = source.split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0]
    notebook.cells[-1].source += answer
    nbformat.write(notebook, path)


def spoil_losses(copy):
    text = (ROOT / "rlcore" / "losses.py").read_text("utf-8")
    (copy / "rlcore" / "runner.py").write_text(text, "utf-8")


def spoil_key(copy):
    key = ROOT / "solutions" / "answer_key" / "sampler.py"
    with (copy / "grader" / "visible.py").open("a", encoding="utf-8") as file:
        file.write(key.read_text("utf-8"))


def spoil_name(copy):
    (copy / "rlcore" / "notes.txt").write_text("what the second exercise is about")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_answer, "04_reinforce_vs_gae: it contains a line of the solution"),
        (spoil_losses, "rlcore/runner.py holds lines of rlcore/losses.py"),
        (spoil_key, "grader/visible.py holds lines of solutions/answer_key/sampler.py"),
        (spoil_name, "rlcore/notes.txt is nothing that students get"),
    ],
)
def test_something_secret_is_found(copy, spoil, said):
    spoil(copy)
    assert any(problem.startswith(said) for problem in secrets_in(copy))


def test_nothing_is_written_where_something_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "stale", lambda: [])
    monkeypatch.setattr(module, "SECRET", ())
    assert main(["release", str(tmp_path / "out")]) == 1
    assert "nothing is written" in (said := capsys.readouterr().err)
    assert "rlcore/losses.py" in said
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(module, "stale", lambda: ["notebooks/x is missing"])
    with pytest.raises(ReleaseError, match="grader build"):
        release(tmp_path / "out")


def test_what_is_there_stays_unless_forced(bundle, copy, capsys):
    (copy / "README.md").write_text("an older one")
    assert main(["release", str(copy)]) == 2
    assert "say --force" in capsys.readouterr().err
    assert main(["release", str(copy), "--force"]) == 0
    assert (copy / "README.md").read_bytes() == (bundle / "README.md").read_bytes()


def test_what_is_no_bundle_stays_even_if_forced(copy, capsys):
    (copy / "mine").touch()
    for place in (copy, ROOT):
        assert main(["release", str(place), "--force"]) == 2
        assert "no bundle's" in capsys.readouterr().err
    assert (copy / "mine").exists() and (ROOT / "solutions").is_dir()


def test_a_place_is_seen_from_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "stale", lambda: [])
    monkeypatch.chdir(tmp_path)
    assert main(["release", "course.zip"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["course.zip"]
