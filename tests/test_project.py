"""The project's own promises: packages, layout, who imports whom, size."""

import ast
import importlib
import io
import re
import subprocess
import tokenize
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from grader.exercises import EXERCISES

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONSTRAINTS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
CONDA_NAMES = {"torch": "pytorch"}


def requirements(*groups):
    return [Requirement(text) for group in groups for text in group]


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_environment_yml_lists_the_packages_of_pyproject():
    entries = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    listed = {entry.replace(" ", "") for entry in entries if isinstance(entry, str)}
    wanted = {
        CONDA_NAMES.get(one.name, one.name) + str(one.specifier)
        for one in requirements(PROJECT["dependencies"], EXTRAS["grade"], EXTRAS["dev"])
    }
    assert listed == wanted | {f"python{PROJECT['requires-python']}", "pip"}
    assert {"pip": ["-e ."]} in entries


def test_every_direct_dependency_is_pinned_within_its_range():
    pins = {canonical(one.name): one for one in CONSTRAINTS}
    for one in requirements(PROJECT["dependencies"], *EXTRAS.values()):
        (pin,) = pins[canonical(one.name)].specifier
        assert pin.operator == "=="
        assert one.specifier.contains(pin.version), one
    assert str(pins["torch"].specifier) == "==2.13.0"


def test_constraints_pin_exact_versions_without_local_builds_or_links():
    for one in CONSTRAINTS:
        (pin,) = one.specifier
        assert (pin.operator, "+" in pin.version, one.url) == ("==", False, None), one


def modules(package):
    return sorted((ROOT / package).rglob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_rlcore_never_imports_grader_and_only_grader_nbgrader_imports_nbgrader():
    for path in modules("rlcore"):
        assert not any(name.split(".")[0] == "grader" for name in imported(path)), path
    for path in [*modules("rlcore"), *modules("grader")]:
        if not path.name.startswith("nbgrader"):
            assert not any(name.split(".")[0] == "nbgrader" for name in imported(path)), path


def test_no_package_imports_solutions():
    for path in [*modules("rlcore"), *modules("grader")]:
        assert not any(name.split(".")[0] == "solutions" for name in imported(path)), path


def code_lines(path):
    """Lines that hold code: neither blank, nor comment, nor docstring."""
    text = path.read_text(encoding="utf-8")
    quiet = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                quiet.update(range(value.lineno, (value.end_lineno or 0) + 1))
    skip = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in (*skip, tokenize.ENDMARKER):
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - quiet)


def test_the_packages_stay_small_enough_to_read():
    assert sum(code_lines(path) for path in modules("rlcore")) <= 1359
    grader = [path for path in modules("grader") if path.parent.name != "exercises"]
    assert sum(code_lines(path) for path in grader) <= 6170


@pytest.mark.parametrize("path", [*modules("rlcore"), *modules("grader")], ids=str)
def test_modules_and_functions_stay_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            inside = ast.get_docstring(node, clean=False) or ""
            length = (node.end_lineno or 0) - node.lineno + 1 - len(inside.splitlines())
            assert length <= 40, f"{path}: {node.name} has {length} lines"


def test_the_readme_is_short_and_its_links_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 155
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target


MAP = re.compile(r"^\| [^|]+ \| (\d\d): (`[^|]+`) \| ([^|]*)\| ([^|]+) \|$", re.MULTILINE)


def rows_of_the_map():
    """(number of the notebook, exercises, where in rlcore, equations) of each row."""
    for number, names, places, source in MAP.findall((ROOT / "README.md").read_text("utf-8")):
        equations = re.findall(rf"\b{int(number)}\.(\d)\b", source.partition(";")[0])
        quoted = re.compile(r"`([\w.]+)`")
        yield number, quoted.findall(names), quoted.findall(places), equations


def test_the_map_of_the_readme_has_every_exercise_with_its_notebook():
    found = [(name, number) for number, names, _, _ in rows_of_the_map() for name in names]
    assert len(found) == len(set(found))
    for exercise in EXERCISES:
        assert (exercise.name, exercise.notebook[:2]) in found, exercise.name
    assert ("project", "07") in found


def test_what_the_map_names_in_rlcore_is_there():
    places = [place for _, _, places, _ in rows_of_the_map() for place in places]
    assert len(places) > 15
    for place in places:
        module, _, name = place.partition(".")
        assert not name or hasattr(importlib.import_module(f"rlcore.{module}"), name), place
        assert (ROOT / "rlcore" / f"{module}.py").exists(), place


def test_equations_that_the_map_names_are_in_the_notebooks():
    for number, _, _, equations in rows_of_the_map():
        for path in (ROOT / "solutions").glob(f"{number}_*.py"):
            tags = re.findall(r"\\tag\{\d\.(\d+)\}", path.read_text(encoding="utf-8"))
            assert set(equations) <= set(tags), path


def test_make_targets_of_the_readme_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"^make ([a-z]+)", text, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_set_up_is_not_done_again_when_warm():
    if not (ROOT / ".venv" / ".complete").exists():
        pytest.skip("not set up by make")
    run = subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True)
    assert "pip install" not in run.stdout
