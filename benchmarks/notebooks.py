"""How long the notebooks take: solved, top to bottom, without and with saved runs, and each check.

`.venv/bin/python benchmarks/notebooks.py` prints two tables and writes notebooks.json.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import torch

from grader.build import NOTEBOOKS, read_source, sources
from grader.execute import error_of, execute
from grader.exercise import Performance
from grader.exercises import EXERCISES
from grader.hidden import AGENTS, answer_keys
from grader.judge import judge, measure
from grader.published import load_published

HERE = Path(__file__).parent


def notebook_seconds(path: Path, *, saved: bool) -> float:
    """Wall time of the solved notebook, its kernel's start included.

    Raises:
        RuntimeError: a cell of it raises.
    """
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "ada" / path.stem
        folder.mkdir(parents=True)
        shutil.copy(NOTEBOOKS / f"{path.stem}.json", folder)
        if saved and (AGENTS / path.stem).is_dir():
            shutil.copytree(AGENTS / path.stem, folder, dirs_exist_ok=True)
        started = time.perf_counter()
        ran = execute(read_source(path), folder, cell_seconds=600, run_all=True)
        seconds = time.perf_counter() - started
        if errors := [error for cell in ran.cells if (error := error_of(cell))]:
            raise RuntimeError(f"{path.stem}: {errors[0]}")
        return seconds


def check_seconds() -> dict[str, float]:
    """Wall time of each check of a right answer, the published numbers loaded anew."""
    found = {}
    # torch loads its compiler with the first step of an optimizer; in 03 a cell before does that.
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1).step()
    for exercise in EXERCISES:
        answer = answer_keys()[exercise.name].reference
        started = time.perf_counter()
        if isinstance(exercise, Performance):
            verdict = measure(exercise.published, answer, 0)
        else:
            verdict = judge(exercise, answer, load_published(exercise).check)
        found[exercise.name] = time.perf_counter() - started
        if not verdict.correct:
            raise RuntimeError(f"{exercise.name}: {verdict}")
    return found


def main() -> None:
    """Print the tables; write the numbers beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="part of a notebook's name")
    given = parser.parse_args()
    times = {}
    print(f"{'notebook':<32} {'without':>8} {'with saved runs, s':>19}")
    for path in sources():
        if given.only in path.stem:
            pair = [notebook_seconds(path, saved=saved) for saved in (False, True)]
            times[path.stem] = [round(seconds, 1) for seconds in pair]
            print(f"{path.stem:<32} {pair[0]:8.1f} {pair[1]:19.1f}", flush=True)
    checks = {name: round(seconds, 3) for name, seconds in check_seconds().items()}
    print(f"\n{'check':<32} {'s':>8}")
    for name, seconds in checks.items():
        print(f"{name:<32} {seconds:8.3f}")
    if not given.only:
        text = json.dumps({"notebooks": times, "checks": checks}, indent=1)
        (HERE / "notebooks.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
