"""Rebuild a submission from the master notebook: the student's answers, everything else ours.

Cells are matched by grade_id, the others by cell id, or by their text where ids were lost. What
comes out has the master's cells in the master's order and with the master's metadata (tags, points,
flags); solution cells hold the student's source, plain cells too where they were handed in; the
student's own cells stay behind the cell they stood behind.
"""

import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

SKIP = "skip-execution"
NOTES = "grader"
"""Key of the notebook metadata under which repairs and reasons are kept."""


class SubmissionError(Exception):
    """A file that cannot be graded: `code` for tables, the text for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def read_notebook(path: Path) -> NotebookNode:
    """A notebook from a file, upgraded to the current format.

    Raises:
        SubmissionError: no such file, not JSON, not a notebook, or one without cells.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SubmissionError("missing-notebook", f"{path.name}: there is no such file.") from None
    except IsADirectoryError:
        raise SubmissionError("not-a-notebook", f"{path.name} is a folder.") from None
    except UnicodeDecodeError as error:
        raise SubmissionError("not-json", f"{path.name} is not UTF-8 text ({error}).") from error
    if not text.strip():
        raise SubmissionError("empty", f"{path.name} is an empty file; was it saved?")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ids that are missing or doubled are mended here
            notebook = nbformat.reads(text, as_version=4)
    except nbformat.reader.NotJSONError:
        raise SubmissionError("not-json", f"{path.name} is not JSON, so no notebook.") from None
    except Exception as error:
        raise SubmissionError("not-a-notebook", f"{path.name} is JSON but no notebook.") from error
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(_is_cell(cell) for cell in cells):
        raise SubmissionError("not-a-notebook", f"{path.name} is JSON but no notebook.")
    if not cells:
        raise SubmissionError("empty", f"{path.name} has no cells.")
    for cell in cells:
        cell.source = cell.source.replace("\r\n", "\n").replace("\r", "\n")
    return notebook


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, dict) and all(
        isinstance(cell.get(key), kind)
        for key, kind in (("source", str), ("cell_type", str), ("metadata", dict))
    )


def rebuild(master: NotebookNode, submitted: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """The notebook to grade, and what had to be repaired, in words.

    Args:
        master: as given to students, with hidden tests and without solutions.
        submitted: what came back; it is not changed.

    Raises:
        SubmissionError: none of the master's nbgrader cells is in it, so it is another one.
    """
    master = deepcopy(master)
    _unique_ids(master)
    cells, around, repairs = _sorted_out(master, submitted)
    named = [_key(cell) for cell in master.cells if grade_id(cell)]
    if named and cells.keys().isdisjoint(named):
        text = "none of its cells belongs to this assignment; is it another one?"
        raise SubmissionError("foreign-notebook", text)
    notebook = deepcopy(master)
    notebook.cells = [*around.get(_BEGINNING, [])]
    have_ids = not _ids(master).isdisjoint(_ids(submitted))
    for ours in master.cells:
        theirs = cells.get(_key(ours))
        if theirs is None and not have_ids and not grade_id(ours):
            continue  # it was changed, and stands among the student's own cells
        repairs += _repairs(ours, theirs) if grade_id(ours) else []
        key = _key(ours)
        notebook.cells += [*around.get((key, "before"), []), _merged(ours, theirs)]
        notebook.cells += around.get((key, "behind"), [])
    _unique_ids(notebook)
    notebook.nbformat_minor = max(notebook.get("nbformat_minor", 0), 5)  # the first with ids
    return notebook, repairs


def _repairs(ours: NotebookNode, theirs: NotebookNode | None) -> list[str]:
    """What had to be mended in one of nbgrader's cells."""
    if theirs is None:
        return [f"cell {grade_id(ours)} was missing and was put back"]
    if is_locked(ours) and theirs.source != released_source(ours.source):
        return [f"locked cell {grade_id(ours)} was changed and was restored"]
    if theirs.cell_type != ours.cell_type:
        return [f"cell {grade_id(ours)} was {theirs.cell_type} and is {ours.cell_type} again"]
    return []


_BEGINNING = ("", "behind")
Around = dict[tuple[str, str], list[NotebookNode]]


def _sorted_out(
    master: NotebookNode, submitted: NotebookNode
) -> tuple[dict[str, NotebookNode], Around, list[str]]:
    """Submitted cells by master key, own cells by the key they stand before or behind, repairs."""
    stubs = {_key(cell): cell.source for cell in master.cells if is_solution(cell)}
    cells: dict[str, NotebookNode] = {}
    around: Around = {}
    repairs: list[str] = []
    anchors = [""]
    for cell, key in zip(submitted.cells, _matched(master, submitted), strict=True):
        if key is None:
            around.setdefault((anchors[-1], "behind"), []).append(_own(cell))
        elif key not in cells:
            cells[key] = cell
            anchors.append(key)
        else:
            repairs.append(f"cell {grade_id(cell) or key} was there twice")
            if key in stubs and cells[key].source == stubs[key]:
                # The first was the untouched stub; what stands between may belong to the answer.
                cells[key] = cell
                between = [(anchor, "behind") for anchor in anchors[anchors.index(key) :]]
                around[key, "before"] = [c for place in between for c in around.pop(place, [])]
            else:
                around.setdefault((anchors[-1], "behind"), []).append(_own(cell))
    return cells, around, repairs


def _matched(master: NotebookNode, submitted: NotebookNode) -> list[str | None]:
    """For each submitted cell the key of the master's cell that it is; None for the student's own.

    Formats before 4.5 have no cell ids, and some editors give new ones.
    """
    keys = {_key(cell): _key(cell) for cell in master.cells}
    # A cell that has lost its metadata is still known by its id.
    keys |= {f"id {cell.get('id')}": _key(cell) for cell in master.cells}
    found = [keys.get(_key(cell)) for cell in submitted.cells]
    left = [cell for cell in master.cells if not grade_id(cell) and _key(cell) not in found]
    for index, cell in enumerate(submitted.cells):
        if found[index] is None and not grade_id(cell):
            same = [c for c in left if (c.cell_type, c.source) == (cell.cell_type, cell.source)]
            if same:
                left.remove(same[0])
                found[index] = _key(same[0])
    return found


def _merged(ours: NotebookNode, theirs: NotebookNode | None) -> NotebookNode:
    """The master's cell, with the student's source where it may be theirs."""
    cell = deepcopy(ours)
    if theirs is None and is_solution(ours):
        cell.source = ""  # the stub would undo an answer that stands in a cell of their own
    if theirs is not None:
        if is_solution(ours) or not grade_id(ours):
            cell.source = theirs.source
        if theirs.get("attachments") and cell.cell_type == "markdown":
            cell.attachments = deepcopy(theirs.attachments)
    if cell.cell_type == "code":
        keep = theirs is not None and SKIP in ours.metadata.get("tags", [])
        same_type = theirs is not None and theirs.cell_type == "code"
        cell.outputs = deepcopy(theirs.outputs) if keep and same_type and theirs else []
        cell.execution_count = None
    return cell


def _own(cell: NotebookNode) -> NotebookNode:
    """A student's own cell, without outputs and without anything that nbgrader would read."""
    cell = deepcopy(cell)
    cell.metadata = NotebookNode()
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


def _ids(notebook: NotebookNode) -> set[str]:
    return {str(cell.get("id")) for cell in notebook.cells}


def _unique_ids(notebook: NotebookNode) -> None:
    seen: set[str] = set()
    for number, cell in enumerate(notebook.cells):
        if cell.get("id") in seen or not cell.get("id"):
            cell["id"] = f"cell-{number}"
        seen.add(cell["id"])


def released_source(source: str) -> str:
    """A locked source as students got it, without what nbgrader cuts out of it."""
    kept, hidden = [], False
    for line in source.split("\n"):
        if "BEGIN HIDDEN TESTS" in line or "BEGIN MARK SCHEME" in line:
            hidden = True
        elif "END HIDDEN TESTS" in line or "END MARK SCHEME" in line:
            hidden = False
        elif not hidden:
            kept.append(line)
    return "\n".join(kept)


def _key(cell: NotebookNode) -> str:
    return f"grade_id {grade_id(cell)}" if grade_id(cell) else f"id {cell.get('id')}"


def _flag(cell: NotebookNode, name: str) -> Any:
    data = cell.metadata.get("nbgrader")
    return data.get(name) if isinstance(data, dict) else None


def grade_id(cell: NotebookNode) -> str:
    """The name nbgrader has for a cell, empty for one it does not know."""
    value = _flag(cell, "grade_id")
    return value if isinstance(value, str) else ""


def is_solution(cell: NotebookNode) -> bool:
    """Whether students write into it."""
    return bool(_flag(cell, "solution"))


def is_locked(cell: NotebookNode) -> bool:
    """Whether it is the master's alone, as every test cell is."""
    return not is_solution(cell) and (is_graded(cell) or bool(_flag(cell, "locked")))


def is_graded(cell: NotebookNode) -> bool:
    """Whether it has points, those that a person gives for a task aside."""
    return bool(_flag(cell, "grade"))


def is_task(cell: NotebookNode) -> bool:
    """Whether it asks for something that students do in cells of their own, for points."""
    return bool(_flag(cell, "task"))
