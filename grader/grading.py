"""Grade one student's submissions: rebuild, run, verify, write what is to be read.

This is what a worker process does. It depends on nothing but its task, so that a verdict is the
same whatever runs beside it.
"""

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from socket import socket

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from grader.clean import clean_attachments, clean_markup, clean_outputs
from grader.marks import marks, nothing, read_masters
from grader.pages import write_file
from grader.rebuild import (
    NOTES,
    SKIP,
    SubmissionError,
    grade_id,
    is_solution,
    read_notebook,
    rebuild,
    released_source,
)
from grader.result import Mark, Result, Submission
from grader.run import Job, Ran
from grader.run_all import run_submission
from grader.task import Graded, Setting
from grader.teams import team
from grader.verdict import Verdict
from grader.verifier import Verifier
from grader.words import MIME, as_html, as_text
from grader.zygote import Zygote, kept_zygote, use


def grade_student(submissions: Sequence[Submission], setting: Setting) -> Graded:
    """Results of everything that one student handed in, in one sandbox.

    Raises:
        SandboxError: there is none.
    """
    student, folder = submissions[0].student, _folder(setting)
    _empty(folder)
    try:
        parts = [Part(submission, setting, folder) for submission in submissions]
        verifier = Verifier(student.login, folder, setting.secret)
        jobs = [job for part in parts for job in part.jobs]
        ran = run_submission(
            jobs,
            folder,
            setting.bundle,
            setting.limits,
            verifier,
            contained=setting.contained,
            zygote=_zygote(setting),
        )
        results = tuple(part.result(ran) for part in parts)
        return Graded(results, any(one.stalled for one in ran.values()))
    finally:
        with suppress(OSError):  # the next one does without it, or not at all
            _empty(folder)


def make_ready(setting: Setting, requests: socket | None) -> None:
    """Begin this worker's zygote, or send requests to one that another process has begun."""
    if requests is not None:
        use(Zygote(*setting.of_zygote, requests))
    _zygote(setting)


def _folder(setting: Setting) -> Path:
    """Where this worker lays out what it grades."""
    folder = setting.students / str(os.getpid())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _zygote(setting: Setting) -> Zygote | None:
    return kept_zygote(*setting.of_zygote) if setting.contained else None


def _empty(folder: Path) -> None:
    """Remove what is in it, but not itself.

    Raises:
        OSError: something stays.
    """
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


class Part:
    """One assignment of a student: its notebooks rebuilt and its files laid out."""

    def __init__(self, submission: Submission, setting: Setting, folder: Path) -> None:
        self.submission, self.setting = submission, setting
        self.master = read_masters(setting.masters / submission.assignment)
        self.jobs: list[Job] = []
        self.stubs: dict[str, dict[str, str]] = {}
        self.lost: list[tuple[str, SubmissionError]] = []
        self.repairs: list[str] = []
        self.notes = list(submission.notes)
        lay_out(submission.folder, folder / submission.assignment)
        lay_out(setting.masters / submission.assignment, folder / submission.assignment)
        for name, master in self.master.items():
            self.stubs[name] = {grade_id(c): c.source for c in master.cells if is_solution(c)}
            try:
                submitted = read_submitted(submission.folder, name)
                notebook, repairs = rebuild(in_python(master, name), submitted)
            except SubmissionError as error:
                self.lost.append((name, error))
                continue
            self.repairs += repairs
            self.notes += team(notebook)[1]
            self.jobs.append(Job(f"{submission.assignment}/{name}", notebook))

    def result(self, ran: dict[str, Ran]) -> Result:
        """The result, when the notebooks have been run; what is to be read is written."""
        found: list[Mark] = []
        for job in self.jobs:
            name = job.name.rpartition("/")[2]
            found += marks(job, ran[job.name], self.stubs[name])
            self._write(job, ran[job.name], name)
        for name, error in self.lost:
            found += nothing(self.master[name], name, error)
            self._path(name).unlink(missing_ok=True)  # an earlier attempt's
        reasons = [code for job in self.jobs for code in ran[job.name].reasons]
        reasons += [error.code for _, error in self.lost]
        reasons += ["repaired"] if self.repairs else []
        reasons += ["unverified"] if any(not mark.verified for mark in found) else []
        return Result(
            self.submission.student,
            self.submission.assignment,
            marks=tuple(found),
            reasons=tuple(dict.fromkeys(reasons)),
            repairs=tuple(self.repairs),
            notes=tuple(self.notes),
            problem=" ".join(str(error) for _, error in self.lost),
            unanswered=tuple(self._unanswered()),
            team=self._team(),
            late=self.submission.late,
            seconds=round(sum(ran[job.name].seconds for job in self.jobs), 2),
            sandboxed=self.setting.contained,
        )

    def _team(self) -> tuple[str, ...]:
        given_out = {login for master in self.master.values() for login in team(master)[0]}
        named = [login for job in self.jobs for login in team(job.notebook)[0]]
        return tuple(dict.fromkeys(login for login in named if login not in given_out))

    def _unanswered(self) -> Iterable[tuple[str, str]]:
        for job in self.jobs:
            name = job.name.rpartition("/")[2]
            stubs = self.stubs[name]
            for cell in job.notebook.cells:
                if is_solution(cell) and cell.source == stubs.get(grade_id(cell)):
                    yield name, grade_id(cell)

    def _write(self, job: Job, ran: Ran, name: str) -> None:
        notebook = shown(job.notebook, ran)
        notebook.metadata[NOTES] = {"repairs": self.repairs, "reasons": ran.reasons}
        write_file(self._path(name), nbformat.writes(notebook))

    def _path(self, name: str) -> Path:
        student, assignment = self.submission.student.login, self.submission.assignment
        return self.setting.out / "autograded" / student / assignment / f"{name}.ipynb"


def read_submitted(folder: Path, name: str) -> NotebookNode:
    """A notebook as it was handed in.

    Raises:
        SubmissionError: it is not there, or cannot be read.
    """
    path = folder / f"{name}.ipynb"
    if not path.exists():
        others = ", ".join(sorted(other.name for other in folder.glob("*.ipynb"))) or "no notebook"
        text = f"{name}.ipynb was not handed in; the folder holds {others}."
        raise SubmissionError("missing-notebook", text)
    return read_notebook(path)


def in_python(notebook: NotebookNode, name: str) -> NotebookNode:
    """The same notebook.

    Raises:
        SubmissionError: it is written in something else.
    """
    info = notebook.metadata.get("language_info", {}).get("name", "python")
    language = notebook.metadata.get("kernelspec", {}).get("language", info)
    if language.lower() != "python":
        raise SubmissionError("other-language", f"{name}.ipynb is in {language}, not in Python.")
    return notebook


def shown(notebook: NotebookNode, ran: Ran) -> NotebookNode:
    """The notebook as those see it who mark it: verdicts in it, nothing hidden, nothing active."""
    notebook = deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            pictures = clean_attachments(cell.pop("attachments", None))
            cell |= {"attachments": pictures} if pictures else {}
            cell.source = clean_markup(cell.source, pictures)
            continue
        cell.source = released_source(cell.source)
        if SKIP in cell.metadata.get("tags", []):
            cell.outputs = clean_outputs(cell.outputs)
        cell.outputs += [verdict_output(verdict) for verdict in ran.found.get(grade_id(cell), [])]
    return notebook


def verdict_output(verdict: Verdict) -> NotebookNode:
    """A verdict as a cell shows it."""
    label = " (hidden check)"
    texts = {"text/plain": as_text(verdict, label), "text/html": as_html(verdict, label)}
    return new_output("display_data", data={**texts, MIME: verdict.to_json()})


def lay_out(source: Path, place: Path) -> None:
    """Copy the files of a folder that are no notebooks, readable for everybody.

    They replace whatever stands in their place: a folder where a file goes, a file where a folder.
    """
    place.mkdir(parents=True, exist_ok=True)
    entries: list[os.DirEntry[str]] = []
    with suppress(FileNotFoundError, PermissionError), os.scandir(source) as found:
        entries = list(found)
    for entry in entries:
        target = place / entry.name
        if entry.is_symlink() or (entry.is_file() and target.suffix == ".ipynb"):
            continue
        if entry.is_dir():
            if target.is_file():
                target.unlink()
            lay_out(Path(entry.path), target)
        elif entry.is_file():
            if target.is_dir():
                shutil.rmtree(target)
            shutil.copyfile(entry.path, target)
