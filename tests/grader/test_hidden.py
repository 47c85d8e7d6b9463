"""The hidden check: its secret, its seeds, and where its key comes from."""

import stat

import numpy as np
import pytest

from grader import hidden, probe
from grader.hidden import answer_keys, hidden_rng, secret, student


def draw(**change):
    names = {"exercise": "gae", "secret": b"s", "student": "ada"} | change
    return hidden_rng(names.pop("exercise"), **names).integers(2**62)


def test_cases_depend_on_secret_student_and_exercise_and_on_nothing_else():
    assert draw() == draw()
    assert draw() != draw(student="bo")
    assert draw() != draw(secret=b"t")
    assert draw() != draw(exercise="td_residuals")


def test_the_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path, monkeypatch):
    monkeypatch.delenv("GRADER_SECRET", raising=False)
    monkeypatch.setattr("grader.secret.ROOT", tmp_path)
    first = secret()
    assert len(first) == 64
    assert secret() == first
    file = tmp_path / ".grader-secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_the_environment_s_secret_goes_first(monkeypatch):
    monkeypatch.setenv("GRADER_SECRET", "from outside")
    assert secret() == b"from outside"


def test_the_student_is_read_from_the_submission_s_path(tmp_path, monkeypatch):
    folder = tmp_path / "autograded" / "ada" / "04_reinforce_vs_gae"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert student() == "ada"


def test_probe_returns_the_points_as_a_plain_float(monkeypatch, capsys):
    monkeypatch.setenv("GRADER_SECRET", "s")
    key = answer_keys()["gae"]
    points = probe("gae", key.misconceptions[0].wrong_answer)
    assert type(points) is float
    assert points == 2.0
    assert "(hidden check)" in capsys.readouterr().out


def test_probe_never_shows_its_inputs(monkeypatch, capsys):
    monkeypatch.setenv("GRADER_SECRET", "s")
    probe("gae", lambda *args, **kwargs: np.zeros(3))
    out = capsys.readouterr().out
    assert "rewards" not in out
    assert "array" not in out


def test_without_an_answer_key_probe_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(hidden, "ROOT", tmp_path)
    monkeypatch.delitem(hidden.sys.modules, "_rlcore_answer_key", raising=False)
    with pytest.raises(RuntimeError, match="the answer key is not part of this copy"):
        probe("gae", None)


def test_a_solutions_folder_beside_the_notebook_is_not_looked_at(tmp_path, monkeypatch):
    planted = tmp_path / "solutions" / "answer_key"
    planted.mkdir(parents=True)
    (planted / "__init__.py").write_text("raise SystemExit('planted')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(hidden.sys.modules, "_rlcore_answer_key", raising=False)
    assert "gae" in answer_keys()
