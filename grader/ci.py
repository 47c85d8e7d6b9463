"""Results for machines that show them: Gradescope, JUnit XML, GitHub's annotations and summary."""

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from grader.report import (
    Totals,
    clean,
    codes,
    exercise_of,
    explain,
    in_order,
    lost,
    notes,
    one_line,
    total_of,
    why,
)
from grader.result import Mark, Result
from grader.words import in_points, number, score

SUMMARY_BYTES = 900_000  # GitHub refuses a summary of more than 1 MiB


def gradescope_json(results: Sequence[Result], totals: Totals) -> dict[str, Any]:
    """One student's results as Gradescope's results.json; without a score where one is missing.

    What waits for a person is not among the tests.
    """
    said = [f"{one_line(r.assignment)}: {note}" for r in results for note in notes(r)]
    report: dict[str, Any] = {
        "output": "\n".join(said),
        "output_format": "text",
        "visibility": "visible",
        "execution_time": round(sum(result.seconds for result in results), 2),
    }
    if all(result.processed for result in results):
        report["score"] = sum(total_of(result, totals).final for result in results)
        tested = [(one, mark) for one in results for mark in one.marks if not mark.by_hand]
        report["tests"] = [_test(*pair) for pair in tested]
    return report


def _test(result: Result, mark: Mark) -> dict[str, Any]:
    return {
        "name": one_line(f"{result.assignment}: {exercise_of(mark)}"),
        "score": mark.points,
        "max_score": mark.most,
        "status": "failed" if lost(mark) else "passed",
        "output": clean(why(mark)),
        "output_format": "text",
        "visibility": "visible",
    }


def junit_xml(results: Sequence[Result]) -> bytes:
    """JUnit XML: a suite for each submission, a case for each exercise."""
    root = ET.Element("testsuites")
    for result in in_order(results):
        suite = ET.SubElement(root, "testsuite")
        place = {"classname": one_line(f"{result.assignment}.{result.student.login}")}
        for mark in result.marks if result.processed else ():
            case = ET.SubElement(suite, "testcase", place, name=one_line(exercise_of(mark)))
            if mark.by_hand:
                ET.SubElement(case, "skipped", message="waits for a person")
            elif lost(mark):
                points = in_points(mark.auto or 0.0, mark.most)
                ET.SubElement(
                    case, "failure", message=points, type=one_line(mark.code)
                ).text = clean(why(mark))
        if not result.processed or not result.marks:
            case = ET.SubElement(suite, "testcase", place, name="notebook")
            kind = "failure" if result.processed else "error"
            ET.SubElement(case, kind, message=" ".join(notes(result)))
        ET.SubElement(suite, "system-out").text = "\n".join(notes(result))
        suite.attrib |= {"name": place["classname"], "time": f"{result.seconds:.3f}"}
        suite.set("tests", str(len(suite.findall("testcase"))))
        for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def annotations(results: Sequence[Result]) -> list[str]:
    """GitHub workflow commands: an error for all that lost points, a warning without a sandbox."""
    lines = []
    for result in in_order(results):
        login = result.student.login
        if not result.processed or result.problem:
            text = " ".join(notes(result))
            lines.append(_command("error", f"{login}, {result.assignment}", text))
        for mark in filter(lost, result.marks):
            title = f"{login}, {result.assignment}: {exercise_of(mark)}"
            points = in_points(mark.auto or 0.0, mark.most)
            lines.append(_command("error", title, f"{points}. {why(mark)}"))
    if any(not result.sandboxed for result in results):
        lines.append(_command("warning", "no sandbox", explain("no-sandbox")))
    return lines


def _command(kind: str, title: str, text: str) -> str:
    data = clean(text, 2000).replace("%", "%25").replace("\n", "%0A")
    name = one_line(title).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={name}::{data}"


def step_summary(results: Sequence[Result], totals: Totals) -> str:
    """A Markdown table for GitHub: a row for each submission, with what lost points."""
    lines = [
        "| student | assignment | points | to mark | what to look at |",
        "|---|---|--:|--:|---|",
    ]
    if any(not result.sandboxed for result in results):
        lines = [f"**{_plain(explain('no-sandbox'))}**", "", *lines]
    size = 0
    for count, result in enumerate(in_order(results)):
        wrong = [f"{exercise_of(m)}: {one_line(why(m))}" for m in result.marks if lost(m)]
        said = [code for code in codes(result) if code != "no-sandbox"] + wrong
        total = total_of(result, totals)
        points = score(total.final, total.most) if result.processed else "not graded"
        cells = (result.student.login, result.assignment, points, number(result.to_mark))
        row = " | ".join([*map(_plain, cells), "<br>".join(map(_plain, said))])
        size += len(row.encode())
        if size > SUMMARY_BYTES:
            lines += ["", f"and {len(results) - count} more submissions"]
            break
        lines.append(f"| {row} |")
    return "\n".join([*lines, ""])


def _plain(text: str) -> str:
    """Text in which Markdown and HTML find nothing to do: all but words is written as entities."""
    return re.sub(r"[^\w ]|_", lambda found: f"&#{ord(found[0])};", one_line(text))
