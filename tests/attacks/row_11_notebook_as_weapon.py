"""Row 11: the file itself. What is locked comes from the master, whatever was handed in."""

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from attacks.attack import GAE, TD, ZEROS, Attack, cells, hand_in, honest_work
from grader.execute import cell_by_id, code_cell
from grader.rebuild import grade_id

MENDED = ("repaired",)


def _edited(
    name: str, example: str, edit: Callable[[NotebookNode], None], *codes: str, **rest: object
) -> Attack:
    """td_residuals is right, gae gives zeros, and then something is done to the notebook."""

    def make(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
        notebook = honest_work(solved, released, TD)
        _cell(notebook, "gae").source = ZEROS
        edit(notebook)
        hand_in(folder, notebook)

    return Attack(name, 11, example, make, **({"expected": TD, "codes": codes or MENDED} | rest))


def _bytes(name: str, example: str, content: Callable[[NotebookNode], bytes], *codes: str) -> Attack:
    """A file that was made by hand."""

    def make(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
        hand_in(folder, content(honest_work(solved, released, TD)))

    return Attack(name, 11, example, make, {}, codes)


def _cell(notebook: NotebookNode, name: str) -> NotebookNode:
    found = cell_by_id(notebook, name)
    assert found is not None
    return found


def _text(notebook: NotebookNode) -> str:
    return nbformat.writes(notebook)


def _edit_test(notebook: NotebookNode) -> None:
    _cell(notebook, "test_gae").source = "5.0"


def _probe_right_answer(notebook: NotebookNode) -> None:
    _cell(notebook, "test_gae").source = 'import rlcore\nprobe("gae", rlcore.gae)'
    _cell(notebook, "setup").source += "\nfrom rlcore import gae"


def _delete_tests(notebook: NotebookNode) -> None:
    notebook.cells = [c for c in notebook.cells if not grade_id(c).startswith("test_")]


def _delete_given(notebook: NotebookNode) -> None:
    notebook.cells = [c for c in notebook.cells if grade_id(c) not in ("setup", "dummy_env")]


def _change_points(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if grade_id(cell):
            cell.metadata.nbgrader.points = 500


def _negative_points(notebook: NotebookNode) -> None:
    _cell(notebook, "test_gae").metadata.nbgrader.points = -5
    _cell(notebook, "test_td_residuals").metadata.nbgrader.points = "NaN"


def _flip_flags(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if grade_id(cell):
            flags = cell.metadata.nbgrader
            flags.update(locked=not flags.locked, grade=not flags.grade, task=True)
    _cell(notebook, "test_gae").metadata.nbgrader.solution = True
    _cell(notebook, "test_gae").source = "5.0"


def _skip_tests(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if grade_id(cell).startswith("test_"):
            cell.metadata.tags = ["skip-execution"]
            cell.execution_count = 1
            data = {"text/plain": str(cell.metadata.nbgrader.points)}
            output = nbformat.v4.new_output("execute_result", data, execution_count=1)
            cell.outputs = [output]


def _other_tags(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata.tags = ["raises-exception", "skip-execution", "remove-cell"]
        cell.metadata.deletable = cell.metadata.editable = False
    notebook.metadata.celltoolbar = "Create Assignment"


def _double_tests(notebook: NotebookNode) -> None:
    test = nbformat.from_dict(_cell(notebook, "test_gae"))
    test.source = "5.0"
    notebook.cells += [nbformat.from_dict(test) for _ in range(3)]
    notebook.cells.insert(0, test)


def _double_answers(notebook: NotebookNode) -> None:
    answer = nbformat.from_dict(_cell(notebook, "gae"))
    answer.source = "from rlcore import gae"
    notebook.cells.append(answer)


def _same_cell_ids(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.id = "one"


def _markdown_tests(notebook: NotebookNode) -> None:
    for name in ("test_gae", "setup"):
        cell = _cell(notebook, name)
        cell.cell_type = "markdown"
        del cell.outputs, cell.execution_count


def _raw_answer(notebook: NotebookNode) -> None:
    for name in ("gae", "test_gae"):
        cell = _cell(notebook, name)
        cell.cell_type = "raw"
        del cell.outputs, cell.execution_count


def _written_becomes_code(notebook: NotebookNode) -> None:
    cell = _cell(notebook, "written_1")
    cell.cell_type, cell.outputs, cell.execution_count = "code", [], None
    cell.source = "check = lambda *args: 5.0"


def _move_tests_up(notebook: NotebookNode) -> None:
    tests = [cell for cell in notebook.cells if grade_id(cell).startswith("test_")]
    others = [cell for cell in notebook.cells if not grade_id(cell).startswith("test_")]
    notebook.cells = tests + others[::-1]


def _foreign(notebook: NotebookNode) -> None:
    notebook.cells = [code_cell("print('another course')"), code_cell("5.0")]


def _other_course(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.pop("id", None)
        if grade_id(cell):
            cell.metadata.nbgrader.grade_id = "other_" + grade_id(cell)


def _no_metadata(notebook: NotebookNode) -> None:
    notebook.metadata = NotebookNode()
    for cell in notebook.cells:
        cell.metadata = NotebookNode()


def _odd_metadata(notebook: NotebookNode) -> None:
    odd = [None, 5, [], "x", {"grade_id": 5}, {"grade_id": ["gae"]}, {"grade_id": "gae" * 10**5}]
    notebook.cells += [code_cell("5.0") for _ in odd]
    for cell, value in zip(notebook.cells[-len(odd) :], odd, strict=True):
        cell.metadata.nbgrader = value


def _other_kernel(notebook: NotebookNode) -> None:
    spec = {"name": "rlcore-attack", "display_name": "x", "language": "bash", "argv": ["false"]}
    notebook.metadata = NotebookNode(kernelspec=spec, language_info={"name": "bash"})


def _many_cells(notebook: NotebookNode) -> None:
    notebook.cells += [code_cell("pass") for _ in range(3000)]


def _attachments(notebook: NotebookNode) -> None:
    cell = _cell(notebook, "written_1")
    cell.attachments = {
        "../../x.png": {"image/png": "not base64 \x00"},
        "a.svg": {"image/svg+xml": "<svg onload='rlcorexss()'>"},
        "b.bin": {"application/octet-stream": "AAAA" * 100_000},
        "": {"text/html": "<script>rlcorexss()</script>"},
    }


def _lone_surrogates(notebook: NotebookNode) -> bytes:
    _cell(notebook, "gae").source = "# SURROGATE\n" + ZEROS
    _cell(notebook, "written_1").source = "SURROGATE"
    return _text(notebook).replace("SURROGATE", r"\ud800 \u0000").encode()


def _old_format(notebook: NotebookNode) -> bytes:
    old = nbformat.v3.nbbase.new_notebook()
    sheet = nbformat.v3.nbbase.new_worksheet(
        cells=[nbformat.v3.nbbase.new_code_cell(input=cell.source) for cell in notebook.cells]
    )
    old.worksheets.append(sheet)
    return json.dumps(old | {"nbformat": 3, "nbformat_minor": 0}).encode()


def _old_nbgrader(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if grade_id(cell):
            cell.metadata.nbgrader.schema_version = 1
            cell.metadata.nbgrader.pop("cell_type", None)


def _future_format(notebook: NotebookNode) -> bytes:
    return json.dumps({**notebook, "nbformat": 9, "nbformat_minor": 99}).encode()


def _nested(notebook: NotebookNode) -> bytes:
    head, tail = _text(notebook).rsplit('"metadata": {', 1)
    return (head + '"metadata": {"x": ' + "[" * 10**5 + "]" * 10**5 + "," + tail).encode()


def _large(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
    path = hand_in(folder, honest_work(solved, released, TD))
    with path.open("r+b") as file:  # a hole: 200 MB for whoever reads them
        file.truncate(200_000_000)


def _large_output(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
    notebook = honest_work(solved, released, TD)
    png = {"image/png": "A" * 200_000_000}
    _cell(notebook, "figure_residuals").outputs = [nbformat.v4.new_output("display_data", png)]
    hand_in(folder, notebook)


ATTACKS = (
    _edited("a11-edited-test", "edited test cells", _edit_test),
    _edited("a11-right-name-in-test", "edited test cells", _probe_right_answer),
    _edited("a11-deleted-tests", "deleted test cells", _delete_tests),
    _edited("a11-deleted-given-cells", "deleted cells that are given", _delete_given),
    _edited("a11-points", "changed points", _change_points, "wrong", "repaired"),
    _edited("a11-negative-points", "changed points", _negative_points, "wrong", "repaired"),
    _edited("a11-flags", "flipped flags", _flip_flags),
    _edited(
        "a11-skips-tests",
        "a skip-execution tag on a test cell",
        _skip_tests,
        "wrong",
        "repaired",
    ),
    _edited("a11-tags", "a skip-execution tag on every cell", _other_tags, "wrong", "repaired"),
    _edited("a11-tests-twice", "duplicate ids", _double_tests),
    _edited("a11-answers-twice", "duplicate ids", _double_answers),
    _edited("a11-cell-ids", "duplicate ids of cells", _same_cell_ids, "wrong", "repaired"),
    _edited("a11-markdown-test", "changed cell types", _markdown_tests, "wrong", "repaired"),
    _edited("a11-raw-answer", "changed cell types", _raw_answer, "wrong", "repaired"),
    _edited("a11-written-code", "changed cell types", _written_becomes_code, "wrong", "repaired"),
    _edited(
        "a11-tests-first", "cells moved before the imports", _move_tests_up, "wrong", "repaired"
    ),
    _edited("a11-foreign", "a foreign notebook", _foreign, "foreign-notebook", expected={}),
    _edited(
        "a11-other-course", "a foreign notebook", _other_course, "foreign-notebook", expected={}
    ),
    _edited("a11-no-metadata", "no metadata", _no_metadata, "wrong", "repaired"),
    _edited("a11-odd-metadata", "no metadata worth the name", _odd_metadata, "wrong", "repaired"),
    _edited("a11-kernel", "metadata that name another kernel", _other_kernel, "wrong", "repaired"),
    _edited(
        "a11-old-nbgrader", "schema from another version", _old_nbgrader, "wrong", "repaired"
    ),
    _edited("a11-many-cells", "3000 cells", _many_cells, "wrong", "timeout"),
    _edited("a11-attachments", "binary attachments", _attachments, "wrong", "repaired"),
    _bytes(
        "a11-old-format",
        "schema from another version",
        _old_format,
        "foreign-notebook",
        "not-a-notebook",
    ),
    _bytes(
        "a11-future-format",
        "schema from another version",
        _future_format,
        "not-a-notebook",
        "foreign-notebook",
    ),
    _bytes("a11-half-a-file", "invalid JSON", lambda n: _text(n)[:5000].encode(), "not-json"),
    _bytes("a11-empty", "invalid JSON", lambda n: b"", "empty"),
    _bytes("a11-binary", "invalid JSON", lambda n: bytes(range(256)) * 100, "not-json"),
    _bytes("a11-a-list", "no notebook", lambda n: b"[1, 2, 3]", "not-a-notebook"),
    _bytes("a11-no-cells", "no notebook", lambda n: b'{"nbformat": 4, "cells": []}', "empty", "not-a-notebook"),
    _bytes(
        "a11-utf-16",
        "invalid JSON",
        lambda n: _text(n).encode("utf-16"),
        "not-json",
    ),
    _bytes("a11-nested", "deep nesting", _nested, "not-a-notebook", "not-json"),
    Attack("a11-large", 11, "200 MB", _large, {}, ("oversize", "not-json")),
    Attack("a11-large-output", 11, "200 MB", _large_output, {}, ("oversize",)),
    _bytes("a11-surrogates", "text that is no Unicode", _lone_surrogates, "wrong", "repaired", "raises"),
    Attack(
        "a11-wrong-name",
        11,
        "a notebook under another name",
        lambda folder, solved, released: hand_in(
            folder, honest_work(solved, released, TD)
        ).rename(folder / "Untitled.ipynb"),  # type: ignore[arg-type, return-value]
        {},
        ("missing-notebook",),
    ),
    Attack(
        "a11-a-folder",
        11,
        "a folder where the notebook should be",
        lambda folder, solved, released: (folder / f"{GAE}.ipynb").mkdir(parents=True),
        {},
        ("not-a-notebook", "missing-notebook"),
    ),
    Attack(
        "a11-magics",
        11,
        "cells that are no Python",
        cells(
            {"gae": ZEROS},
            behind={"gae": "%%bash\necho 5.0"},
            before={"test_gae": "%%script false\n5.0"},
        ),
        TD,
        ("wrong",),
    ),
)
