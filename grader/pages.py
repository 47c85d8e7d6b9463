"""Pages for people: one for a whole class, one for each student and assignment; and all files.

A page is one file without scripts or anything from elsewhere, and its policy forbids both.
"""

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grader import report
from grader.ci import gradescope_json, junit_xml, step_summary
from grader.rebuild import SubmissionError, grade_id, is_solution, read_notebook
from grader.report import Total, Totals, clean, grouped, in_order, total_of
from grader.result import Result
from grader.tables import canvas_csv, grades_csv
from grader.words import in_points, many, number

TEMPLATES = Path(__file__).with_name("templates")
PAGES = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=lambda value: clean(value) if type(value) is str else value,
)


def write_feedback(root: Path, result: Result, total: Total | None) -> Path:
    """The page of a student's assignment in a course's folder, with the answers that were run."""
    login, name = result.student.login, result.assignment
    answers: dict[str, str] = {}
    for path in sorted((root / "autograded" / login / name).glob("*.ipynb")):
        with suppress(SubmissionError):
            cells = filter(is_solution, read_notebook(path).cells)
            answers |= {grade_id(cell): cell.source for cell in cells}
    return write_file(feedback_page(root, result), feedback_html(result, name, answers, total))


def feedback_page(root: Path, result: Result) -> Path:
    """Where it is."""
    name = result.assignment
    return root / "feedback" / result.student.login / name / f"{name}.html"


def feedback_html(
    result: Result, title: str, answers: Mapping[str, str], total: Total | None = None
) -> str:
    """What one student hears of one assignment.

    Args:
        result: of the submission.
        title: of the assignment.
        answers: the student's own code, by exercise.
        total: what the gradebook holds; points by machine without it.
    """
    return _page("feedback.html", title, result=result, answers=answers, total=total)


def class_html(results: Sequence[Result], totals: Totals, title: str = "The class") -> str:
    """How a class did: scores, exercises, misconceptions, reasons, and a table of everybody."""
    results = in_order(results)
    table: dict[str, dict[str, Result]] = {}
    for result in sorted(results, key=lambda one: one.student.login):
        table.setdefault(result.student.login, {})[result.assignment] = result
    slowest = sorted(results, key=lambda one: -one.seconds)[:8]
    return _page(
        "class.html",
        title,
        results=results,
        assignments=list(dict.fromkeys(one.assignment for one in results)),
        table=table,
        slowest=slowest,
        scores=report.scores(results, totals),
        total_of=lambda result: total_of(result, totals),
    )


def write_reports(results: Sequence[Result], totals: Totals, folder: Path) -> list[Path]:
    """The files written: class.html, tables, JUnit XML, summary, one JSON for each student."""
    return [write_file(folder / name, content) for name, content in _files(results, totals)]


def _files(results: Sequence[Result], totals: Totals) -> Iterator[tuple[str, str | bytes]]:
    yield "class.html", class_html(results, totals)
    yield "grades.csv", grades_csv(results, totals)
    yield "canvas.csv", canvas_csv(results, totals)
    yield "junit.xml", junit_xml(results)
    yield "summary.md", step_summary(results, totals)
    for login, own in grouped((one.student.login, one) for one in in_order(results)).items():
        yield (
            f"gradescope/{file_name(login)}.json",
            json.dumps(gradescope_json(own, totals), indent=1),
        )


def file_name(login: str) -> str:
    """A login as the name of a file: itself, or with a hash if unsafe."""
    if re.fullmatch(r"[A-Za-z0-9_][\w.@-]{0,99}", login, re.ASCII):
        return login
    digest = hashlib.sha256(login.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', login)[:60]}~{digest}"


def write_file(path: Path, content: str | bytes) -> Path:
    """Write a file so that it is there in full or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    text = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    partial.write_bytes(text)
    partial.replace(path)
    return path


def _page(template: str, title: str, **values: object) -> str:
    css = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'"
    page = PAGES.get_template(template)
    style = {
        "css": Markup(css),
        "policy": Markup(policy),
        "number": number,
        "many": many,
        "in_points": in_points,
    }
    return page.render(title=title, report=report, **style, **values)
