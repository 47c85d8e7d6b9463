"""Every notebook keeps the rhythm of the course, and every equation it displays is tested."""

import ast
import re
from pathlib import Path

import pytest

import rlcore
from grader.build import read_source, sources
from grader.exercises import EXERCISES
from grader.rebuild import SKIP, grade_id, is_graded, is_locked, is_solution

HERE = Path(__file__).parent
PATHS = {path.stem: path for path in sources()}
NAMES = list(PATHS)
POINTS = {
    "01_categorical_policy": 14,
    "02_gaussian_policy": 13,
    "03_vanilla_policy_gradient": 22,
    "04_reinforce_vs_gae": 22,
    "05_ppo_clipping": 18,
    "06_ppo_continuous_control": 26,
    "07_your_own_experiment": 15,
    "08_bonus": 10,
}
BY_HAND = {  # and everywhere written_1, written_2, …
    "07_your_own_experiment": {"project"},
    "08_bonus": {"new_environment"},
}


def cells(name):
    return read_source(PATHS[name]).cells


def text_of(name, kind="markdown"):
    return "\n".join(cell.source for cell in cells(name) if cell.cell_type == kind)


def test_the_course_has_these_notebooks():
    assert set(NAMES) == set(POINTS)


@pytest.mark.parametrize("name", NAMES)
def test_points_add_up_to_what_the_opening_says(name):
    total = sum(cell.metadata.nbgrader.points for cell in cells(name) if is_graded(cell))
    assert total == POINTS[name]
    assert f"{total} points" in cells(name)[0].source


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_of_the_course_is_in_its_notebook(name):
    ids = {grade_id(cell) for cell in cells(name)}
    for exercise in EXERCISES:
        assert ({exercise.name, exercise.test_cell} <= ids) == (exercise.notebook == name)


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_with_what_and_ends_with_what_comes_next(name):
    opening, ending = cells(name)[0].source, cells(name)[-1].source
    for wanted in ("you can", "minutes", "Graded here"):
        assert wanted in opening, wanted
    start = "".join(cell.source for cell in cells(name)[:5])
    assert "hint(" in start
    if not any(exercise.notebook == name for exercise in EXERCISES):
        assert "marked by a person" in start and "no `hint(...)`" in start
    assert "What you saw, and what comes next" in ending
    assert any(cell.source.startswith('TEAM = ["login1"]') for cell in cells(name))


@pytest.mark.parametrize("name", [name for name in NAMES if name[:2] in ("03", "04", "05", "06")])
def test_there_is_a_box_for_when_it_does_not_learn(name):
    box = text_of(name).partition("When it does not learn")[2]
    for wanted in ("breakpoint()", "%debug", "first"):
        assert wanted in box, wanted


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_says_why_what_and_what_to_expect(name):
    text = text_of(name)
    for exercise in EXERCISES:
        if exercise.notebook == name:
            heading = re.search(rf"^### Exercises? .*`{exercise.name}`.*$", text, re.MULTILINE)
            assert heading, exercise.name
            asked = heading[0] + text[heading.end() :].partition("###")[0]
            points = f"{exercise.points:g} point{'s' * (exercise.points != 1)}"
            for wanted in ("**Why.**", "**Do.**", "**Expect.**", points, "minutes"):
                assert wanted in asked, (exercise.name, wanted)


@pytest.mark.parametrize("name", NAMES)
def test_written_questions_have_a_scheme_and_a_model_answer(name):
    by_id = {grade_id(cell): cell for cell in cells(name)}
    written = [one for one, cell in by_id.items() if is_graded(cell) and is_solution(cell)]
    assert written
    assert {one for one in written if not re.fullmatch(r"written_\d+", one)} == BY_HAND.get(
        name, set()
    )
    assert set(written) >= {one for one in by_id if re.fullmatch(r"written_\d+", one)}
    for one in written:
        question, answer = by_id[f"{one}_question"].source, by_id[one]
        scheme = question.partition("=== BEGIN MARK SCHEME ===")[2]
        assert "=== END MARK SCHEME ===" in scheme
        assert f"{answer.metadata.nbgrader.points:g} point" in question
        assert is_solution(answer) and is_graded(answer) and len(answer.source) > 80


@pytest.mark.parametrize("name", NAMES)
def test_cells_that_draw_or_train_are_locked_and_skipped(name):
    for cell in cells(name):
        if grade_id(cell).startswith("figure_"):
            assert SKIP in cell.metadata.tags, grade_id(cell)
            assert is_locked(cell), grade_id(cell)
        if re.search(r"plt\.show|run_experiment\(|^ *record\(", cell.source, re.MULTILINE):
            if cell.cell_type == "code":
                assert SKIP in cell.metadata.get("tags", []), cell.source[:60]


@pytest.mark.parametrize("name", NAMES)
def test_every_displayed_equation_has_a_tag_and_a_test(name):
    number = int(name[:2])
    shown = re.findall(r"\$\$(.+?)\$\$", text_of(name), re.DOTALL)
    tags = [re.search(r"\\tag\{(\d+)\.(\d+)\}\s*$", one) for one in shown]
    assert all(tags), [one for one, tag in zip(shown, tags, strict=True) if not tag]
    found = [(int(tag[1]), int(tag[2])) for tag in tags if tag]
    assert found == [(number, k) for k in range(1, len(shown) + 1)]
    tree = ast.parse((HERE / f"test_{name}.py").read_text(encoding="utf-8"))
    tests = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for _, k in found:
        assert any(re.search(rf"equation_{number}_{k}(_|$)", test) for test in tests), k


@pytest.mark.parametrize("name", NAMES)
def test_the_text_names_no_hosts_and_no_one(name):
    text = text_of(name) + text_of(name, "code")
    for unwanted in ("http", "www.", "homework", "university", "/work/", "/tmp/"):
        assert unwanted not in text, unwanted


@pytest.mark.parametrize("name", [name for name in NAMES if name[:2] in ("03", "04", "05")])
def test_without_box2d_the_notebook_says_what_to_install_and_goes_on(name, monkeypatch, capsys):
    def refuse(env_id):
        raise ImportError(f"{env_id} needs Box2D: pip install ...")

    monkeypatch.setattr(rlcore, "make_env", refuse)
    (cell,) = [one for one in cells(name) if "except ImportError" in one.source]
    source = cell.source.replace('ENV = "CartPole-v1"', 'ENV = "LunarLander-v3"', 1)
    names = {"rlcore": rlcore}
    exec(source, names)
    assert names["ENV"] == "CartPole-v1"
    assert "LunarLander-v3 needs Box2D: pip install" in capsys.readouterr().out
