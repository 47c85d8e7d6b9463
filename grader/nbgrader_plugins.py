"""nbgrader's steps, replaced where the stock ones give wrong marks, and the course's config.

`nbgrader_config.py` of a course calls `configure(c)`, so that `nbgrader autograde`, formgrader's
button and `grader grade` go the same way.
"""

import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

from nbconvert.preprocessors import ClearMetadataPreprocessor, CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    GetGrades,
    IgnorePattern,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from traitlets import Bool, Instance

from grader.bubblewrap import Limits
from grader.marks import marks
from grader.nbgrader_books import master_of
from grader.rebuild import NOTES, grade_id, rebuild
from grader.run import Job, Ran
from grader.sandbox import Bundle
from grader.secret import secret


class Rebuild(NbGraderPreprocessor):
    """Rebuild the submission from the master; see `grader.rebuild`."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """The rebuilt notebook, its repairs in the metadata."""
        converter: Any = getattr(self.parent, "parent", None)  # the exporter's, with the course
        coursedir, names = converter.coursedir, resources["nbgrader"]
        folder = coursedir.format_path(coursedir.source_directory, ".", names["assignment"])
        with Gradebook(names["db_url"], coursedir.course_id) as gradebook:
            known = gradebook.find_notebook(names["notebook"], names["assignment"]).source_cells
            master = master_of(Path(folder) / f"{names['notebook']}.ipynb", known)
        rebuilt, repairs = rebuild(master, nb)
        rebuilt.metadata[NOTES] = {"repairs": repairs, "reasons": []}
        return rebuilt, resources


class SandboxedExecute(NbGraderPreprocessor):
    """Run the notebook in a sandbox, and have what it answers judged outside of it."""

    sandbox = Bool(True, help="False runs it with your own rights").tag(config=True)
    limits = Instance(Limits, (), help="what a submission may use")

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """The notebook with its outputs; the marks of its test cells are in the resources."""
        from grader.grading import lay_out, shown  # with torch, which only this step needs
        from grader.run_all import run_submission
        from grader.verifier import Verifier

        names, beside = resources["nbgrader"], Path(resources["metadata"]["path"])
        assignment = names["assignment"]
        with tempfile.TemporaryDirectory() as top:
            Path(top).chmod(0o755)
            bundle, folder = Bundle(Path(top) / "bundle"), Path(top) / "submission"
            lay_out(beside, folder / assignment)
            judge = Verifier(names["student"], folder, secret())

            def run() -> tuple[Job, Ran]:
                job = Job(f"{assignment}/{names['notebook']}", deepcopy(nb))
                limits, contained = self.limits, self.sandbox
                ran = run_submission([job], folder, bundle, limits, judge, contained=contained)
                return job, ran[job.name]

            job, found = run()
            if found.stalled:  # a wall limit counts only when it has been hit twice
                job, found = run()
        resources["marks"] = {mark.cell: mark for mark in marks(job, found, {})}
        notebook = shown(job.notebook, found)
        notebook.metadata[NOTES]["reasons"] = found.reasons
        return notebook, resources


class SaveScores(SaveAutoGrades):
    """Record the points of test cells as they were judged; manual grading is nbgrader's own."""

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        mark = resources["marks"].get(grade_id(cell))
        if cell.cell_type == "code" and mark is not None and mark.auto is not None:
            cell = deepcopy(cell)
            points = {"text/plain": repr(mark.auto)}
            cell.outputs = [new_output("execute_result", data=points, execution_count=1)]
        super()._add_score(cell, resources)


def configure(c: Any, root: Path) -> None:
    """The configuration of a course in the folder `root`."""
    c.CourseDirectory.root = str(root)
    c.CourseDirectory.course_id = "rlcore"
    c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
    c.ClearSolutions.text_stub = "*Write your answer here.*"
    c.ClearMarkScheme.enforce_metadata = False  # schemes stand in the locked question cells
    c.Autograde.sanitize_preprocessors = [
        Rebuild,
        OverwriteKernelspec,
        OverwriteCells,
        CheckCellMetadata,
    ]
    c.Autograde.autograde_preprocessors = [
        SandboxedExecute,
        IgnorePattern,
        ClearMetadataPreprocessor,
        LimitOutput,
        SaveScores,
        AssignLatePenalties,
        CheckCellMetadata,
    ]
    c.GenerateFeedback.preprocessors = [
        GetGrades,
        ClearHiddenTests,
        ClearMarkScheme,
        CSSHTMLHeaderPreprocessor,
    ]
