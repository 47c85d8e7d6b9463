"""Points of an executed test cell."""

import pytest
from nbformat.v4 import new_code_cell, new_output

from grader.marks import score

PLAIN = "assert gae"
STDERR = new_output("stream", name="stderr", text="a warning")
ERROR = new_output("error", ename="E", evalue="", traceback=[])


def value(text):
    return new_output("execute_result", data={"text/plain": text}, execution_count=1)


@pytest.mark.parametrize(
    ("source", "outputs", "points"),
    [
        (PLAIN, [value("99")], 5.0),
        (PLAIN, [value("-1")], 0.0),
        (PLAIN, [value("nan")], 0.0),
        (PLAIN, [value("inf")], 0.0),
        (PLAIN, [value("5"), ERROR], 0.0),
        (PLAIN, [], 5.0),
        (PLAIN, [STDERR], 5.0),
        (PLAIN, [ERROR], 0.0),
        (PLAIN, [value("2")], 2.0),
        (PLAIN, [value("'text'")], 5.0),
    ],
)
def test_points_of_a_cell_that_ran(source, outputs, points):
    cell = new_code_cell(source, outputs=outputs, execution_count=3)
    cell.metadata["nbgrader"] = {"points": 5, "grade": True}
    assert score(cell) == points


def test_a_cell_that_was_not_executed_earns_nothing():
    cell = new_code_cell(PLAIN, outputs=[value("5")])
    cell.metadata["nbgrader"] = {"points": 5, "grade": True}
    assert score(cell) == 0.0
