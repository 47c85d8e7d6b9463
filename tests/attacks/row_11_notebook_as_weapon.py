"""Row 11: the file itself. What is locked comes from the master, whatever was handed in."""

from collections.abc import Callable
from pathlib import Path

import nbformat
from attacks import edits
from attacks.attack import GAE, TD, ZEROS, Attack, cells, hand_in, honest_work
from nbformat import NotebookNode

MENDED = ("repaired",)


def _edited(
    name: str, example: str, edit: Callable[[NotebookNode], None], *codes: str, **rest: object
) -> Attack:
    """td_residuals is right, gae gives zeros, and then something is done to the notebook."""

    def make(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
        notebook = honest_work(solved, released, TD)
        edits.cell_of(notebook, "gae").source = ZEROS
        edit(notebook)
        hand_in(folder, notebook)

    return Attack(name, 11, example, make, **({"expected": TD, "codes": codes or MENDED} | rest))


def _bytes(
    name: str, example: str, content: Callable[[NotebookNode], bytes], *codes: str, **rest: object
) -> Attack:
    """A file that was made by hand."""

    def make(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
        hand_in(folder, content(honest_work(solved, released, TD)))

    return Attack(name, 11, example, make, **({"codes": codes} | rest))


def _other_name(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
    path = hand_in(folder, honest_work(solved, released, TD))
    path.rename(folder / "Untitled.ipynb")


def _a_folder(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
    place = folder / f"{GAE}.ipynb"
    place.mkdir(parents=True)
    (place / "cells.txt").write_text("print('here')")


def _folder_beside(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
    notebook = honest_work(solved, released, TD)
    edits.cell_of(notebook, "gae").source = ZEROS
    hand_in(folder, notebook)
    place = folder / f"{GAE}.json"
    place.mkdir()
    (place / "cases.txt").write_text("rlcore-attack was here")


def _large(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
    path = hand_in(folder, honest_work(solved, released, TD))
    with path.open("r+b") as file:  # a hole: 200 MB for whoever reads them
        file.truncate(200_000_000)


def _large_output(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
    notebook = honest_work(solved, released, TD)
    png = {"image/png": "A" * 200_000_000}
    edits.cell_of(notebook, "figure_residuals").outputs = [
        nbformat.v4.new_output("display_data", png)
    ]
    hand_in(folder, notebook)


ATTACKS = (
    _edited("a11-edited-test", "edited test cells", edits.edit_test),
    _edited("a11-right-name-in-test", "edited test cells", edits.probe_right_answer),
    _edited("a11-deleted-tests", "deleted test cells", edits.delete_tests),
    _edited("a11-deleted-given-cells", "deleted cells that are given", edits.delete_given),
    _edited("a11-points", "changed points", edits.change_points, "wrong", "repaired"),
    _edited("a11-negative-points", "changed points", edits.negative_points, "wrong", "repaired"),
    _edited("a11-flags", "flipped flags", edits.flip_flags),
    _edited(
        "a11-skips-tests",
        "a skip-execution tag on a test cell",
        edits.skip_tests,
        "wrong",
        "repaired",
    ),
    _edited(
        "a11-tags", "a skip-execution tag on every cell", edits.other_tags, "wrong", "repaired"
    ),
    _edited("a11-tests-twice", "duplicate ids", edits.double_tests),
    _edited("a11-answers-twice", "duplicate ids", edits.double_answers),
    _edited("a11-cell-ids", "duplicate ids of cells", edits.same_cell_ids, "wrong", "repaired"),
    _edited("a11-markdown-test", "changed cell types", edits.markdown_tests, "wrong", "repaired"),
    _edited("a11-raw-answer", "changed cell types", edits.raw_answer, "wrong", "repaired"),
    _edited(
        "a11-written-code", "changed cell types", edits.written_becomes_code, "wrong", "repaired"
    ),
    _edited(
        "a11-tests-first",
        "cells moved before the imports",
        edits.move_tests_up,
        "wrong",
        "repaired",
    ),
    _edited("a11-foreign", "a foreign notebook", edits.foreign, "foreign-notebook", expected={}),
    _edited(
        "a11-other-course",
        "a foreign notebook",
        edits.other_course,
        "foreign-notebook",
        expected={},
    ),
    _edited("a11-no-metadata", "no metadata", edits.no_metadata, "wrong", "repaired"),
    _edited(
        "a11-odd-metadata", "no metadata worth the name", edits.odd_metadata, "wrong", "repaired"
    ),
    _edited(
        "a11-kernel", "metadata that name another kernel", edits.other_kernel, "wrong", "repaired"
    ),
    _edited(
        "a11-old-nbgrader", "schema from another version", edits.old_nbgrader, "wrong", "repaired"
    ),
    _edited("a11-many-cells", "3000 cells", edits.many_cells, "wrong", "timeout"),
    _edited("a11-attachments", "binary attachments", edits.attachments, "wrong", "repaired"),
    _bytes(
        "a11-old-format",
        "schema from another version",
        edits.old_format,
        "foreign-notebook",
        "not-a-notebook",
    ),
    _bytes(
        "a11-future-format",
        "schema from another version",
        edits.future_format,
        "not-a-notebook",
        "foreign-notebook",
    ),
    _bytes("a11-half-a-file", "invalid JSON", lambda n: edits.text(n)[:5000].encode(), "not-json"),
    _bytes("a11-empty", "invalid JSON", lambda n: b"", "empty"),
    _bytes("a11-binary", "invalid JSON", lambda n: bytes(range(256)) * 100, "not-json"),
    _bytes("a11-a-list", "no notebook", lambda n: b"[1, 2, 3]", "not-a-notebook"),
    _bytes(
        "a11-no-cells",
        "no notebook",
        lambda n: b'{"nbformat": 4, "cells": []}',
        "empty",
        "not-a-notebook",
    ),
    _bytes(
        "a11-utf-16",
        "invalid JSON",
        lambda n: edits.text(n).encode("utf-16"),
        "not-json",
    ),
    _bytes("a11-nested", "deep nesting", edits.nested, "not-a-notebook", "not-json"),
    Attack("a11-large", 11, "200 MB", _large, {}, ("oversize", "not-json")),
    Attack("a11-large-output", 11, "200 MB", _large_output, {}, ("oversize",)),
    _bytes(
        "a11-surrogates",
        "text that is no Unicode",
        edits.lone_surrogates,
        "wrong",
        "repaired",
        "raises",
        expected=TD,
    ),
    Attack(
        "a11-wrong-name",
        11,
        "a notebook under another name",
        _other_name,
        TD,
        ("not-written",),
    ),
    Attack(
        "a11-a-folder",
        11,
        "a folder where the notebook should be",
        _a_folder,
        codes=("missing-notebook",),
    ),
    Attack(
        "a11-folder-for-a-file",
        11,
        "a folder where a file of the master's goes",
        _folder_beside,
        TD,
        ("wrong",),
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
