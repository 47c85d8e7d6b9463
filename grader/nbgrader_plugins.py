"""nbgrader's steps, replaced where the stock ones give wrong marks, and the course's config.

`nbgrader_config.py` of a course calls `configure(c)`, so that `nbgrader autograde`, formgrader's
button and `grader grade` go the same way.
"""

import math
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.preprocessors import ClearMetadataPreprocessor, CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearSolutions,
    Execute,
    GetGrades,
    IgnorePattern,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from traitlets import List, Unicode

from grader.execute import ENCRYPTION
from grader.rebuild import NOTES, is_graded, is_solution, read_notebook, rebuild

CELL_SECONDS = 30


class Rebuild(NbGraderPreprocessor):
    """Rebuild the submission from the master in source/; see `grader.rebuild`."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """The rebuilt notebook, its repairs in the metadata."""
        converter: Any = getattr(self.parent, "parent", None)  # the exporter's, with the course
        coursedir = converter.coursedir
        names = resources["nbgrader"]
        folder = coursedir.format_path(coursedir.source_directory, ".", names["assignment"])
        master = read_notebook(Path(folder) / f"{names['notebook']}.ipynb")
        master, _ = ClearSolutions(parent=self.parent).preprocess(master, ResourcesDict())
        rebuilt, repairs = rebuild(master, nb)
        rebuilt.metadata[NOTES] = {"repairs": repairs, "reasons": []}
        return rebuilt, resources


class GradedExecute(Execute):
    """Run the notebook; modules beside it come last, a kernel that is lost costs what follows."""

    extra_arguments = List(
        Unicode(),
        [
            "--HistoryManager.hist_file=:memory:",
            "--InteractiveShellApp.ignore_cwd=True",
            # Ours are imported before a file of the same name beside the notebook can be found.
            "--InteractiveShellApp.exec_lines=import sys, rlcore, grader; sys.path.append('')",
        ],
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: Any = None, km: Any = None
    ) -> tuple[Any, Any]:
        """The executed notebook; cells that a lost kernel did not run have no execution count."""
        try:
            return super().preprocess(nb, resources, km)
        except (DeadKernelError, CellTimeoutError) as error:
            reason = "kernel-died" if isinstance(error, DeadKernelError) else "timeout"
            nb.metadata.setdefault(NOTES, {}).setdefault("reasons", []).append(reason)
            return nb, resources


class SaveScores(SaveAutoGrades):
    """Record the points of test cells as `score` gives them; manual grading is nbgrader's own."""

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        if cell.cell_type == "code" and is_graded(cell) and not is_solution(cell):
            cell = deepcopy(cell)
            number = nbformat.v4.new_output(
                "execute_result", data={"text/plain": repr(score(cell))}, execution_count=1
            )
            cell.outputs = [number]
        super()._add_score(cell, resources)


def score(cell: NotebookNode) -> float:
    """Points of an executed test cell, in [0, its maximum].

    A cell that was not executed or that raised earns 0, and so does one with a probe that gave no
    finite number. stderr costs nothing. A cell without probe that ran through earns its number, or
    all its points where it gives none, as in stock nbgrader.
    """
    most = float(cell.metadata["nbgrader"]["points"])
    if cell.get("execution_count") is None:
        return 0.0
    if any(output.output_type == "error" for output in cell.outputs):
        return 0.0
    results = [output for output in cell.outputs if output.output_type == "execute_result"]
    try:
        points = float(results[-1]["data"]["text/plain"])
    except (IndexError, KeyError, TypeError, ValueError):
        return 0.0 if "probe(" in cell.source else most
    return min(max(points, 0.0), most) if math.isfinite(points) else 0.0


def configure(c: Any, root: Path) -> None:
    """The configuration of a course in the folder `root`."""
    c.CourseDirectory.root = str(root)
    c.CourseDirectory.course_id = "rlcore"
    c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
    c.ClearSolutions.text_stub = "*Write your answer here.*"
    c.ClearMarkScheme.enforce_metadata = False  # schemes stand in the locked question cells
    c.Execute.timeout = CELL_SECONDS
    c.KernelManager.transport_encryption = ENCRYPTION
    c.Autograde.sanitize_preprocessors = [
        Rebuild,
        OverwriteKernelspec,
        OverwriteCells,
        CheckCellMetadata,
    ]
    c.Autograde.autograde_preprocessors = [
        GradedExecute,
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
