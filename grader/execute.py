"""Run a notebook in a kernel of its own, without nbgrader, and read verdicts from its outputs."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

from grader.rebuild import SKIP, grade_id
from grader.verdict import GroupResult, Verdict
from grader.words import MIME

# Without it a kernel warns on stderr that anybody on this machine may listen in.
ENCRYPTION = "auto"


def execute(
    notebook: NotebookNode,
    folder: Path,
    *,
    cell_seconds: int,
    run_all: bool = False,
    env: Mapping[str, str] | None = None,
) -> NotebookNode:
    """A copy of the notebook, run in `folder` top to bottom; a cell that raises stops nothing.

    Cells tagged `skip-execution` are left alone unless `run_all`. Where the kernel dies, or refuses
    to be interrupted, the cells after that have no execution count.
    """
    notebook = deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
            if run_all or SKIP not in cell.metadata.get("tags", []):
                cell.outputs = []  # or a cell that is not reached would show what it once gave
    client = NotebookClient(
        notebook,
        config=Config(KernelManager={"transport_encryption": ENCRYPTION}),
        timeout=cell_seconds,
        interrupt_on_timeout=True,
        error_on_timeout={"ename": "CellTimeoutError", "evalue": "", "traceback": []},
        kernel_name="python3",
        allow_errors=True,
        skip_cells_with_tag="" if run_all else SKIP,
        resources={"metadata": {"path": str(folder)}},
    )
    client.widget_registry.clear()  # what the Output widget sends can lose the reply to a cell
    quiet = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    with suppress(DeadKernelError, CellTimeoutError):
        client.execute(env={**os.environ, **quiet, **(env or {})})
    return notebook


def code_cell(source: str) -> NotebookNode:
    """A new code cell."""
    return nbformat.v4.new_code_cell(source)


def verdicts(cell: NotebookNode) -> list[Verdict]:
    """The verdicts that a cell displayed, in order; damaged ones are left out."""
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {}).get(MIME)
        try:
            groups = tuple(GroupResult(**group) for group in data["groups"])
            found.append(Verdict(**{**data, "groups": groups}))
        except (TypeError, KeyError):
            continue
    return found


def error_of(cell: NotebookNode) -> str:
    """`NameError: …` where a cell raised, else nothing."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            if output.ename in ("CellTimeoutError", "KeyboardInterrupt"):
                return "it ran too long and was stopped"
            if output.ename == "Stopped":
                return output.evalue
            first = (output.evalue.strip().splitlines() or [""])[0]
            return re.sub(r"\x1b\[[0-9;]*m", "", f"{output.ename}: {first}".rstrip(": "))
    return ""


def cell_by_id(notebook: NotebookNode, name: str) -> NotebookNode | None:
    """The cell with that grade_id."""
    return next((cell for cell in notebook.cells if grade_id(cell) == name), None)
