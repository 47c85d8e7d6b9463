"""The copy of the course that students get: everything but the secrets, and a proof of that."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.build import SOLUTIONS, read_source, sources, stale
from grader.course import ROOT
from grader.rebuild import read_notebook
from grader.verify_notebooks import answer_lines, release_problems

FILES = ("README.md", "LICENSE", "Makefile", "pyproject.toml", "constraints.txt", "environment.yml")
PATTERNS = (
    *("notebooks/[0-9][0-9]_*.ipynb", "notebooks/[0-9][0-9]_*.json"),
    *("rlcore/**/*.py", "grader/**/*.py", "grader/templates/*", *FILES),
)
SECRET = ("losses.py",)
CHAPTERS = ("Instructors", "Authors")  # of README.md, which are about what is not in the bundle
TOP = "rlcore"  # the folder in a zip file
RUN = 4  # so many lines of a secret one after the other are no chance
PROOF = """
import importlib.util, sys
sys.meta_path[:] = [one for one in sys.meta_path if "editable" not in one.__module__]  # not ours
import rlcore, grader
from grader.exercises import EXERCISES
from grader.hidden import answer_keys
from grader.published import load_published
assert all(module.__file__.startswith(sys.argv[1]) for module in (rlcore, grader)), rlcore.__file__
assert importlib.util.find_spec("rlcore.losses") is None, "rlcore.losses can be imported"
for exercise in EXERCISES:
    load_published(exercise)
try:
    answer_keys()
except RuntimeError:
    sys.exit(0)
sys.exit("the answer key can be loaded")
"""


class ReleaseError(Exception):
    """Nothing was written, since it must not be, or cannot be; the text says why."""


def release(place: Path, *, force: bool = False) -> int:
    """Write the bundle to a folder, or a file that ends in .zip; how many files it has.

    It is put together and looked through elsewhere first.

    Raises:
        FileExistsError: something is there, and not `force`; or it is no bundle.
        ReleaseError: a notebook is not fresh, or something secret is in it.
    """
    place = place.resolve()
    inside = {path.name for path in place.iterdir()} if place.is_dir() else set()
    if (place.is_file() or inside) and not force:
        raise FileExistsError(f"{place} is there already; name another, or say --force.")
    if inside - {pattern.split("/")[0] for pattern in PATTERNS} or place == ROOT:
        raise FileExistsError(f"{place} holds what is no bundle's; name another.")
    if problems := stale():
        raise ReleaseError("; ".join(problems) + "; run `grader build`")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as top:
        bundle = Path(top) / TOP
        files = _gather(bundle)
        if problems := [*secrets_in(bundle), *_not_working(bundle)]:
            raise ReleaseError("; ".join(problems))
        made = bundle
        if place.suffix == ".zip":
            made = Path(top) / place.name
            _pack(bundle, files, made)
        if place.is_dir():
            shutil.rmtree(place)
        os.replace(made, place)
    return len(files)


def _gather(bundle: Path) -> list[Path]:
    """The files of the bundle, copied, by their places in it."""
    found = {path for pattern in PATTERNS for path in ROOT.glob(pattern) if path.is_file()}
    files = sorted(path.relative_to(ROOT) for path in found if path.name not in SECRET)
    for file in files:
        (bundle / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, bundle / file)
    readme = bundle / "README.md"
    readme.write_text(_for_students(readme.read_text("utf-8"), bundle), "utf-8")
    return files


def _for_students(readme: str, bundle: Path) -> str:
    """README.md without the chapters, and the links, that lead out of the bundle."""

    def linked(match: re.Match[str]) -> str:
        there = "://" in match[2] or (bundle / match[2]).exists()
        return match[0] if there else match[1]

    chapters = re.split(r"(?m)^(?=## )", readme)
    kept = [one for one in chapters if not one.startswith(tuple(f"## {c}" for c in CHAPTERS))]
    return re.sub(r"\[([^\]]+)\]\(([^)#]+)\)", linked, "".join(kept))


def secrets_in(bundle: Path) -> Iterator[str]:
    """What must not be there: names, notebooks with answers, lines of a solution or of the key."""
    for path in sorted(bundle.rglob("*")):
        place = path.relative_to(bundle).as_posix()
        if path.is_file() and not any(Path(place).match(pattern) for pattern in _names()):
            yield f"{place} is nothing that students get"
    for source in sources():
        problems = release_problems(source.stem, read_source(source), bundle / "notebooks")
        yield from (f"{source.stem}: {problem}" for problem in problems)
    known = {run: name for name, lines in _secret_texts() for run in _runs(lines)}
    for path in sorted(bundle.rglob("*")):
        for run in _runs(_lines_of(path)):
            if run in known:
                place = path.relative_to(bundle).as_posix()
                yield f"{place} holds lines of {known[run]}: {run[0]}"
                break


def _names() -> list[str]:
    return [pattern.replace("**/", "") for pattern in PATTERNS] + ["grader/exercises/*.py"]


def _secret_texts() -> Iterator[tuple[str, Sequence[str]]]:
    """Names and lines of what is secret."""
    for source in sources():
        yield f"solutions/{source.name}", list(answer_lines(read_source(source)))
    for path in (ROOT / "rlcore" / "losses.py", *sorted((SOLUTIONS / "answer_key").rglob("*.py"))):
        yield path.relative_to(ROOT).as_posix(), _lines_of(path)


def _lines_of(path: Path) -> Sequence[str]:
    if path.suffix == ".py":
        text = path.read_text("utf-8")
    elif path.suffix == ".ipynb":
        text = "\n".join(cell.source for cell in read_notebook(path).cells)
    else:
        return []
    return text.split("\n")


def _runs(lines: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Lines that say something, some at a time, one after the other."""
    telling = [line.strip() for line in lines if len(line.strip()) > 12]
    telling = [line for line in telling if not line.startswith(("import ", "from ", "#"))]
    yield from zip(*(telling[k:] for k in range(RUN)), strict=False)


def _not_working(bundle: Path) -> Iterator[str]:
    """What a student's Python says to the bundle, where it should say nothing."""
    env = {**os.environ, "PYTHONPATH": str(bundle), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-P", "-c", PROOF, str(bundle)]
    ran = subprocess.run(command, cwd=bundle, env=env, capture_output=True, text=True)
    if ran.returncode:
        yield f"in the bundle: {(ran.stderr.strip().splitlines() or ['it ends'])[-1]}"


def _pack(bundle: Path, files: list[Path], place: Path) -> None:
    """A zip file, the same bytes for the same files."""
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(f"{TOP}/{file.as_posix()}")
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, (bundle / file).read_bytes())
