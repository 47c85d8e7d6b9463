"""Row 13: what the notebook comes in."""

import io
import json
import os
import socket
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

from attacks.attack import GAE, TD, ZEROS, Attack, canvas_id, hand_in, honest_work
from nbformat import NotebookNode

from grader.execute import cell_by_id


def _beside(name: str, example: str, put: Callable[[Path], None], *codes: str) -> Attack:
    """A notebook with something odd beside it; what is right in it counts."""

    def make(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
        hand_in(folder, _notebook(solved, released))
        put(folder)

    return Attack(name, 13, example, make, TD, codes or ("wrong",))


def _export(
    name: str,
    example: str,
    fill: Callable[[zipfile.ZipFile, str, bytes], None],
    *codes: str,
    expected: dict | None = None,
) -> Attack:
    """A Canvas export with one student in it, whose login begins with the attack's name."""

    def make(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
        folder.mkdir(parents=True)
        text = json.dumps(_notebook(solved, released)).encode()
        with zipfile.ZipFile(folder / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            fill(archive, f"{name.replace('-', '')}_{canvas_id(name)}_777", text)

    return Attack(name, 13, example, make, expected, codes, package=True)


def _notebook(solved: NotebookNode, released: NotebookNode) -> NotebookNode:
    notebook = honest_work(solved, released, TD)
    answer = cell_by_id(notebook, "gae")
    assert answer is not None
    answer.source = ZEROS
    return notebook


def _inner(files: dict[str | zipfile.ZipInfo, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def _link(name: str, target: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def _linked_notebook(target: str) -> Callable[[Path, NotebookNode, NotebookNode], None]:
    def make(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
        folder.mkdir(parents=True)
        place = target if target.startswith("/") else str((folder / target).resolve())
        (folder / f"{GAE}.ipynb").symlink_to(place)

    return make


def _linked_study(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
    hand_in(folder, _notebook(solved, released))
    (folder / "logs").symlink_to(folder.parent.parent / "honest-full" / GAE / "logs")


def _links(targets: dict[str, str]) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        for name, target in targets.items():
            (folder / name).symlink_to(target)

    return put


def _odd_names(folder: Path) -> None:
    for name in ("a\nb", "\x1b[2J", "-rf", "a\\b", "x" * 255):
        (folder / name).touch()


def _holes(folder: Path) -> None:
    (folder / "holes.bin").touch()
    os.truncate(folder / "holes.bin", 2**40)


def _socket(folder: Path) -> None:
    here = os.getcwd()
    try:
        os.chdir(folder)  # a socket's path may have 107 bytes
        with socket.socket(socket.AF_UNIX) as line:
            line.bind("socket")
    finally:
        os.chdir(here)


def _pipe_for_a_notebook(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
    folder.mkdir(parents=True)
    os.mkfifo(folder / f"{GAE}.ipynb")


def _device(folder: Path) -> None:
    try:
        os.mknod(folder / "zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:  # only root makes devices
        os.mkfifo(folder / "zero")


def _bomb(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    archive.writestr(f"{who}_{GAE}.ipynb", text)
    archive.writestr(f"{who}_logs.zip", _inner({f"{k}.csv": bytes(10**8) for k in range(3)}))


def _bombed_notebook(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    archive.writestr(f"{who}_{GAE}.ipynb", b'{"cells": [' + b" " * 3 * 10**8)


def _many_files(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    archive.writestr(f"{who}_{GAE}.ipynb", text)
    archive.writestr(f"{who}_logs.zip", _inner({f"{k}": b"" for k in range(30_000)}))


def _nested(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    content = b"x"
    for _ in range(20):
        content = _inner({"inner.zip": content})
    archive.writestr(f"{who}_{GAE}.ipynb", text)
    archive.writestr(f"{who}_logs.zip", content)


def _climbing(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    archive.writestr(f"{who}_{GAE}.ipynb", text)
    names = ("../../../rlcore-attack", "logs/../../../rlcore-attack", "..\\..\\rlcore-attack")
    archive.writestr(f"{who}_logs.zip", _inner({name: b"rlcore-attack" for name in names}))


def _absolute(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    archive.writestr(f"{who}_{GAE}.ipynb", text)
    names = (
        "/tmp/rlcore-attack",
        "C:\\rlcore-attack",
        "\\\\server\\rlcore-attack",
        "//rlcore-attack",
    )
    archive.writestr(f"{who}_logs.zip", _inner({name: b"rlcore-attack" for name in names}))


def _zipped_links(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    archive.writestr(f"{who}_{GAE}.ipynb", text)
    links = {_link("logs/3a", "/"): b"/etc/passwd", _link("x", "/"): b"../../honest-full"}
    archive.writestr(f"{who}_logs.zip", _inner(links))


def _zipped_link_for_a_notebook(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    archive.writestr(_link(f"{who}_{GAE}.ipynb", ""), b"/etc/passwd")


def _newlines(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    archive.writestr(f"{who}_{GAE}.ipynb", text)
    archive.writestr(f"{who}_a\nb\x1b[2J\r.txt", b"x")


def _climbing_student(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    archive.writestr(f"../../{who}_{GAE}.ipynb", text)


def _not_utf_8(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    archive.writestr(f"{who}_{GAE}.ipynb", text)
    info = zipfile.ZipInfo(f"{who}_n\xe9\xff.txt")
    archive.writestr(info, b"x")


def _no_zip(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    archive.writestr(f"{who}_{GAE}.ipynb", text)
    archive.writestr(f"{who}_logs.zip", b"PK\x03\x04" + bytes(1000))


def _false_sizes(archive: zipfile.ZipFile, who: str, text: bytes) -> None:
    archive.writestr(f"{who}_{GAE}.ipynb", text)
    content = _inner({"a.csv": bytes(10**8)})
    size = (10**8).to_bytes(4, "little")
    archive.writestr(f"{who}_logs.zip", content.replace(size, (10).to_bytes(4, "little")))


ATTACKS = (
    Attack(
        "a13-link-to-passwd",
        13,
        "links to /etc/passwd",
        _linked_notebook("/etc/passwd"),
        {},
        ("link", "missing-notebook"),
    ),
    Attack(
        "a13-link-to-neighbour",
        13,
        "links to a neighbour",
        _linked_notebook(f"../../honest-full/{GAE}/{GAE}.ipynb"),
        {},
        ("link", "missing-notebook"),
    ),
    Attack(
        "a13-links-logs",
        13,
        "links to a neighbour's study",
        _linked_study,
        TD,
        ("wrong", "raises", "no-evidence"),
        "returns_vs_gae_study",
    ),
    _beside("a13-links-to-root", "links to /etc/passwd", _links({"etc": "/etc", "x": "/"})),
    _beside("a13-link-to-itself", "links that lead nowhere", _links({"x": "x", "logs": "logs"})),
    _beside("a13-pipe", "device files: a named pipe", lambda folder: os.mkfifo(folder / "pipe")),
    Attack(
        "a13-pipe-for-a-notebook",
        13,
        "device files: a named pipe in place of the notebook",
        _pipe_for_a_notebook,
        {},
        ("special-file",),
    ),
    _beside("a13-device", "device files", _device),
    _beside("a13-socket", "device files: a socket", _socket),
    _beside("a13-newlines", "names with newlines", _odd_names),
    _beside(
        "a13-not-utf-8",
        "names that are not UTF-8",
        lambda folder: Path(os.fsdecode(bytes(folder) + b"/n\xff\xe9.txt")).touch(),
    ),
    _beside(
        "a13-deep-folders",
        "paths that are too long",
        lambda folder: (folder / "/".join(["d" * 50] * 30)).mkdir(parents=True),
    ),
    _beside("a13-large-file", "zip bombs: a file that is all holes", _holes),
    _export("a13-bomb", "zip bombs", _bomb, "zip-bomb", "oversize", expected=TD),
    _export("a13-bombed-notebook", "zip bombs", _bombed_notebook, "zip-bomb", "oversize"),
    _export("a13-many-files", "zip bombs", _many_files, "zip-bomb", "oversize", expected=TD),
    _export("a13-nested-zips", "zip bombs", _nested, "nested-zip", expected=TD),
    _export(
        "a13-false-sizes",
        "zip bombs",
        _false_sizes,
        "zip-bomb",
        "unreadable",
        expected=TD,
    ),
    _export("a13-climbing", "../ paths", _climbing, "unsafe-path", expected=TD),
    _export("a13-absolute", "absolute paths", _absolute, "unsafe-path", expected=TD),
    _export("a13-zipped-links", "links to /etc/passwd", _zipped_links, "link", expected=TD),
    _export(
        "a13-zipped-link-notebook", "links to /etc/passwd", _zipped_link_for_a_notebook, "link"
    ),
    _export(
        "a13-zipped-newlines", "names with newlines", _newlines, "unsafe-path", "wrong", expected=TD
    ),
    _export(
        "a13-zipped-bytes",
        "names that are not UTF-8",
        _not_utf_8,
        "unsafe-path",
        "wrong",
        expected=TD,
    ),
    _export(
        "a13-path-for-a-student", "a student id that is a path", _climbing_student, "unsafe-path"
    ),
    _export("a13-no-zip", "zip bombs: no zip", _no_zip, "not-a-zip", "repaired", expected=TD),
)
