"""formgrader on the course: its pages open, and its autograde button gives our marks."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def formgrader(course, tmp_path):
    """A Jupyter server in the course's folder; gives a function that fetches a page."""
    address = f"http://127.0.0.1:{free_port()}"
    options = {
        "IdentityProvider.token": "",
        "ServerApp.disable_check_xsrf": "True",
        "ServerApp.port": address.rpartition(":")[2],
    }
    folder = str(Path(sys.executable).parent)
    env = {**os.environ, "PATH": os.pathsep.join([folder, os.environ["PATH"]])}
    env |= {"JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"]
        + [f"--{name}={value}" for name, value in options.items()],
        cwd=course.root,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def fetch(page, method="GET"):
        request = urllib.request.Request(f"{address}/formgrader/{page}", method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read().decode()

    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                fetch("api/status")
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.3)
        yield fetch
    finally:
        server.terminate()
        server.wait(timeout=30)


def test_the_autograde_button_gives_our_marks_and_the_scheme_stands_by_the_answer(
    classroom, course, formgrader
):
    name = classroom.name
    place = course.root / "submitted" / "button" / name
    shutil.copytree(classroom.hand_in("button/button", classroom.solved()), place)
    answer = json.loads(formgrader(f"api/submission/{name}/button/autograde", "POST"))
    assert answer["success"], answer
    marks = {cell: auto for cell, (auto, _) in classroom.scores("button").items()}
    assert sum(mark for mark in marks.values() if mark is not None) == 16.0
    assert [name for name in marks if marks[name] is None] == [f"written_{k}" for k in (1, 2, 3, 4)]
    notebooks = json.loads(formgrader(f"api/submitted_notebooks/{name}/{name}"))
    (row,) = [one for one in notebooks if one["student"] == "button"]
    assert (row["score"], row["needs_manual_grade"]) == (16.0, True)
    page = formgrader(f"submissions/{row['id']}/")
    assert "Mark scheme, 1 point" in page
    assert "16.0" in formgrader(f"api/submission/{name}/button")
