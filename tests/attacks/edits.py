"""What is done to a notebook file before it is handed in: row 11."""

import json

import nbformat
from attacks.attack import ZEROS
from nbformat import NotebookNode

from grader.execute import cell_by_id, code_cell
from grader.rebuild import grade_id


def cell_of(notebook: NotebookNode, name: str) -> NotebookNode:
    found = cell_by_id(notebook, name)
    assert found is not None
    return found


def text(notebook: NotebookNode) -> str:
    return json.dumps(notebook)


def edit_test(notebook: NotebookNode) -> None:
    cell_of(notebook, "test_gae").source = "5.0"


def probe_right_answer(notebook: NotebookNode) -> None:
    cell_of(notebook, "test_gae").source = 'import rlcore\nprobe("gae", rlcore.gae)'
    cell_of(notebook, "setup").source += "\nfrom rlcore import gae"


def delete_tests(notebook: NotebookNode) -> None:
    notebook.cells = [c for c in notebook.cells if not grade_id(c).startswith("test_")]


def delete_given(notebook: NotebookNode) -> None:
    notebook.cells = [c for c in notebook.cells if grade_id(c) not in ("setup", "dummy_env")]


def change_points(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if grade_id(cell):
            cell.metadata.nbgrader.points = 500


def negative_points(notebook: NotebookNode) -> None:
    cell_of(notebook, "test_gae").metadata.nbgrader.points = -5
    cell_of(notebook, "test_td_residuals").metadata.nbgrader.points = "NaN"


def flip_flags(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if grade_id(cell):
            flags = cell.metadata.nbgrader
            flags.update(locked=not flags.locked, grade=not flags.grade, task=True)
    cell_of(notebook, "test_gae").metadata.nbgrader.solution = True
    cell_of(notebook, "test_gae").source = "5.0"


def skip_tests(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if grade_id(cell).startswith("test_"):
            cell.metadata.tags = ["skip-execution"]
            cell.execution_count = 1
            data = {"text/plain": str(cell.metadata.nbgrader.points)}
            output = nbformat.v4.new_output("execute_result", data, execution_count=1)
            cell.outputs = [output]


def other_tags(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata.tags = ["raises-exception", "skip-execution", "remove-cell"]
        cell.metadata.deletable = cell.metadata.editable = False
    notebook.metadata.celltoolbar = "Create Assignment"


def double_tests(notebook: NotebookNode) -> None:
    test = nbformat.from_dict(cell_of(notebook, "test_gae"))
    test.source = "5.0"
    notebook.cells += [nbformat.from_dict(test) for _ in range(3)]
    notebook.cells.insert(0, test)


def double_answers(notebook: NotebookNode) -> None:
    answer = nbformat.from_dict(cell_of(notebook, "gae"))
    answer.source = "from rlcore import gae"
    notebook.cells.append(answer)


def same_cell_ids(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.id = "one"


def markdown_tests(notebook: NotebookNode) -> None:
    for name in ("test_gae", "setup"):
        cell = cell_of(notebook, name)
        cell.cell_type = "markdown"
        del cell["outputs"], cell["execution_count"]


def raw_answer(notebook: NotebookNode) -> None:
    for name in ("gae", "test_gae"):
        cell = cell_of(notebook, name)
        cell.cell_type = "raw"
        del cell["outputs"], cell["execution_count"]


def written_becomes_code(notebook: NotebookNode) -> None:
    cell = cell_of(notebook, "written_1")
    cell.cell_type, cell.outputs, cell.execution_count = "code", [], None
    cell.source = "check = lambda *args: 5.0"


def move_tests_up(notebook: NotebookNode) -> None:
    tests = [cell for cell in notebook.cells if grade_id(cell).startswith("test_")]
    others = [cell for cell in notebook.cells if not grade_id(cell).startswith("test_")]
    notebook.cells = tests + others[::-1]


def foreign(notebook: NotebookNode) -> None:
    notebook.cells = [code_cell("print('another course')"), code_cell("5.0")]


def other_course(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.pop("id", None)
        if grade_id(cell):
            cell.metadata.nbgrader.grade_id = "other_" + grade_id(cell)


def no_metadata(notebook: NotebookNode) -> None:
    notebook.metadata = NotebookNode()
    for cell in notebook.cells:
        cell.metadata = NotebookNode()


def odd_metadata(notebook: NotebookNode) -> None:
    odd = [None, 5, [], "x", {"grade_id": 5}, {"grade_id": ["gae"]}, {"grade_id": "gae" * 10**5}]
    notebook.cells += [code_cell("5.0") for _ in odd]
    for cell, value in zip(notebook.cells[-len(odd) :], odd, strict=True):
        cell.metadata.nbgrader = value


def other_kernel(notebook: NotebookNode) -> None:
    spec = {"name": "rlcore-attack", "display_name": "x", "language": "bash", "argv": ["false"]}
    notebook.metadata = NotebookNode(kernelspec=spec, language_info={"name": "bash"})


def many_cells(notebook: NotebookNode) -> None:
    notebook.cells += [code_cell("pass") for _ in range(3000)]


def attachments(notebook: NotebookNode) -> None:
    cell = cell_of(notebook, "written_1")
    cell.attachments = {
        "../../x.png": {"image/png": "not base64 \x00"},
        "a.svg": {"image/svg+xml": "<svg onload='rlcorexss()'>"},
        "b.bin": {"application/octet-stream": "AAAA" * 100_000},
        "": {"text/html": "<script>rlcorexss()</script>"},
    }


def lone_surrogates(notebook: NotebookNode) -> bytes:
    cell_of(notebook, "gae").source = "# SURROGATE\n" + ZEROS
    cell_of(notebook, "written_1").source = "SURROGATE"
    return text(notebook).replace("SURROGATE", r"\ud800 \u0000").encode()


def old_format(notebook: NotebookNode) -> bytes:
    old = nbformat.v3.nbbase.new_notebook()
    sheet = nbformat.v3.nbbase.new_worksheet(
        cells=[nbformat.v3.nbbase.new_code_cell(input=cell.source) for cell in notebook.cells]
    )
    old.worksheets.append(sheet)
    return json.dumps(old | {"nbformat": 3, "nbformat_minor": 0}).encode()


def old_nbgrader(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if grade_id(cell):
            cell.metadata.nbgrader.schema_version = 1
            cell.metadata.nbgrader.pop("cell_type", None)


def future_format(notebook: NotebookNode) -> bytes:
    return json.dumps({**notebook, "nbformat": 9, "nbformat_minor": 99}).encode()


def nested(notebook: NotebookNode) -> bytes:
    head, tail = text(notebook).rsplit('"metadata": {', 1)
    return (head + '"metadata": {"x": ' + "[" * 10**5 + "]" * 10**5 + "," + tail).encode()
