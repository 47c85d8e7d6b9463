"""Row 16: honest accidents. All of them keep every point."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat
from attacks.attack import GAE, POINTS, Attack, canvas_id, cells, hand_in, honest_work
from nbformat import NotebookNode

from grader.execute import cell_by_id, code_cell
from grader.hidden import AGENTS
from grader.rebuild import grade_id

ALL = tuple(POINTS[GAE])
FINE = ("", "repaired")


def _own(name: str, example: str, code: str, **files: str) -> Attack:
    """Everything is right; one more cell stands behind gae."""
    own = {name.replace("_dot_", "."): text for name, text in files.items()}
    make = cells(behind={"gae": code}, honest=ALL, armed=False, study=True, files=own)
    return Attack(name, 16, example, make, POINTS[GAE], FINE)


def _saved(
    name: str, example: str, edit: Callable[[NotebookNode], NotebookNode | dict | bytes | None]
) -> Attack:
    """Everything is right; the notebook was saved in another way."""

    def make(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
        notebook = honest_work(solved, released, ALL)
        hand_in(folder, edit(notebook) or notebook, study=True)

    return Attack(name, 16, example, make, POINTS[GAE], FINE)


def _cell(notebook: NotebookNode, name: str) -> NotebookNode:
    found = cell_by_id(notebook, name)
    assert found is not None
    return found


def _screenshot(notebook: NotebookNode) -> None:
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    png += "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    for name in ("written_1", "written_4"):
        _cell(notebook, name).attachments = {"image.png": {"image/png": png}}
        _cell(notebook, name).source += "\n\n![image.png](attachment:image.png)"


def _jupyterlab(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata |= {"editable": True, "slideshow": {"slide_type": ""}, "tags": []}
        cell.metadata["execution"] = {"iopub.execute_input": "2026-01-01T10:00:00.000000Z"}
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    notebook.metadata["language_info"] |= {"version": "3.13.1", "file_extension": ".py"}


def _vs_code(notebook: NotebookNode) -> dict:
    plain = json.loads(json.dumps(notebook))
    plain |= {"nbformat_minor": 2}
    plain["metadata"]["kernelspec"] = {"display_name": ".venv", "name": "x", "language": "python"}
    for cell in plain["cells"]:
        cell.pop("id")
        cell["metadata"]["vscode"] = {"languageId": "python"}
    return plain


def _colab(notebook: NotebookNode) -> dict:
    plain = json.loads(json.dumps(notebook))
    plain |= {"nbformat_minor": 0}
    plain["metadata"]["colab"] = {"provenance": [], "gpuType": "T4"}
    plain["metadata"]["accelerator"] = "GPU"
    for k, cell in enumerate(plain["cells"]):
        cell["metadata"] |= {"id": cell.pop("id"), "outputId": f"{k:08x}"}
        cell["source"] = "".join(cell["source"])
    return plain


def _crlf(notebook: NotebookNode) -> bytes:
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", "\r\n")
    return json.dumps(notebook).replace("\n", "\r\n").encode()


def _byte_order_mark(notebook: NotebookNode) -> bytes:
    return b"\xef\xbb\xbf" + json.dumps(notebook).encode()


def _split(notebook: NotebookNode) -> None:
    """The second half of an answer stands in a cell of its own, without metadata."""
    answer = _cell(notebook, "psi_variants")
    first, second = answer.source.split("\n\n\ndef psi_baselined_return", 1)
    answer.source = first
    own = code_cell(f"def psi_baselined_return{second}")
    notebook.cells.insert(notebook.cells.index(answer) + 1, own)


def _split_twice(notebook: NotebookNode) -> None:
    """Both halves kept the metadata, as some editors do."""
    _split(notebook)
    at = [grade_id(cell) for cell in notebook.cells].index("psi_variants")
    notebook.cells[at + 1].metadata = nbformat.from_dict(notebook.cells[at].metadata)


def _timed(notebook: NotebookNode) -> None:
    _cell(notebook, "gae").source = "%%time\n" + _cell(notebook, "gae").source


def _helper_above(notebook: NotebookNode) -> None:
    """A helper in a cell of one's own, and one beside the notebook."""
    answer = _cell(notebook, "td_residuals")
    answer.source = answer.source.replace("1.0 - terminated", "complement(terminated)")
    own = code_cell("def complement(flags):\n    return 1.0 - flags")
    notebook.cells.insert(notebook.cells.index(answer), own)


def _windows_zip(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
    """A Canvas export; the logs were zipped on Windows by a program that writes backslashes."""
    folder.mkdir(parents=True)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in (AGENTS / GAE / "logs").rglob("*.*"):
            name = str(path.relative_to(AGENTS / GAE)).replace("/", "\\")
            archive.writestr(name, path.read_bytes())
    with zipfile.ZipFile(folder / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        who = f"a16windowszip_{canvas_id('a16-windows-zip')}_777"
        notebook = json.dumps(honest_work(solved, released, ALL))
        archive.writestr(f"{who}_{GAE}.ipynb", notebook)
        archive.writestr(f"{who}_logs.zip", content.getvalue())


ATTACKS = (
    _own(
        "a16-deprecation",
        "a DeprecationWarning on stderr",
        """
        import sys, warnings
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning)
        print("a warning of its own", file=sys.stderr)
        """,
    ),
    _saved("a16-screenshots", "screenshots pasted into answers", _screenshot),
    _own(
        "a16-plots",
        "plots",
        """
        %matplotlib inline
        for _ in range(3):
            plt.plot(np.random.randn(1000))
            plt.show()
        """,
    ),
    _own(
        "a16-tqdm",
        "tqdm bars",
        """
        import time
        from tqdm import tqdm
        from tqdm.auto import trange
        for _ in tqdm(range(200)):
            time.sleep(0.001)
        for _ in trange(50):
            pass
        """,
    ),
    _own(
        "a16-widget",
        "a widget",
        """
        from ipywidgets import FloatSlider, Output, interact
        interact(lambda x: print(x), x=FloatSlider())
        out = Output()
        with out:
            print("inside")
        out
        """,
    ),
    _own(
        "a16-prints-10-mb",
        "a cell that prints 10 MB",
        """
        for _ in range(100_000):
            print("x" * 99)
        """,
    ),
    _own("a16-unfinished", "an unfinished cell that raises", "loss = model(batch)  # later"),
    _own("a16-syntax-error", "an unfinished cell that raises", "for epoch in range(10"),
    _saved("a16-jupyterlab", "a notebook saved by JupyterLab", _jupyterlab),
    _saved("a16-vs-code", "a notebook saved by VS Code", _vs_code),
    _saved("a16-colab", "a notebook saved by Colab", _colab),
    _saved("a16-crlf", "CRLF", _crlf),
    _saved("a16-byte-order-mark", "CRLF and a byte order mark", _byte_order_mark),
    _saved("a16-split", "a cell split in two", _split),
    _saved("a16-split-with-metadata", "a cell split in two", _split_twice),
    _own(
        "a16-windows-paths",
        "Windows paths",
        r"""
        history = open(r"C:\Users\me\course\logs\3a\history.csv").read()
        """,
        **{"C:\\Users\\me\\notes_dot_txt": "x"},
    ),
    Attack(
        "a16-windows-zip",
        16,
        "Windows paths",
        _windows_zip,
        POINTS[GAE],
        FINE,
        package=True,
    ),
    _saved("a16-magic", "a magic on top of an answer", _timed),
    _saved("a16-helper", "a helper in a cell of one's own", _helper_above),
    _own(
        "a16-left-overs",
        "input, breakpoints and shell commands left in",
        """
        name = input("your name? ")
        """,
    ),
    _own("a16-shell", "shell commands left in", "!ls\n%timeit -n1 -r1 sum(range(10))\n%who"),
    _own(
        "a16-nan-in-json",
        "numbers that JSON does not have",
        """
        from IPython.display import JSON, display
        display(JSON({"loss": [1.0, float("nan"), float("inf")]}))
        """,
    ),
    _own("a16-broken-text", "half a character printed", 'print("smile \\ud83d")'),
    _own("a16-await", "await on the top level", "import asyncio\nawait asyncio.sleep(0.01)"),
    _own(
        "a16-workers",
        "a DataLoader with workers",
        """
        import torch
        data = torch.utils.data.DataLoader(torch.arange(8.0), batch_size=2, num_workers=2)
        print([batch.sum().item() for batch in data])
        """,
    ),
)
