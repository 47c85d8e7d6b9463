"""Marks as CSV: quoted, one line a row, and no cell that a spreadsheet would take for a formula."""

import csv
import io
from collections.abc import Sequence

from grader.report import Totals, codes, in_order, one_line, total_of
from grader.result import Result

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
COLUMNS = (
    *("assignment", "login", "name", "lms_id", "score", "max_score", "penalty", "by_machine"),
    *("to_mark", "late", "reasons", "problem", "verified", "sandboxed", "processed", "seconds"),
)
POSSIBLE = "    Points Possible"  # as Canvas writes it
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def grades_csv(results: Sequence[Result], totals: Totals) -> str:
    """One row for each submission; `score` has the penalty taken off, and is empty if ungraded."""
    rows: list[Sequence[object]] = [COLUMNS]
    for one in in_order(results):
        total, student = total_of(one, totals), one.student
        graded = (total.final, total.most, total.penalty, one.points, one.to_mark)
        verified = all(mark.verified for mark in one.marks)
        rows.append(
            (
                *(one.assignment, student.login, student.name, student.lms_id),
                *(graded if one.processed else ("", total.most, "", "", "")),
                *(one.late, " ".join(codes(one)), one.problem),
                *(verified, one.sandboxed, one.processed, round(one.seconds, 2)),
            )
        )
    return _csv(rows)


def canvas_csv(results: Sequence[Result], totals: Totals) -> str:
    """A gradebook as Canvas imports it: a column for each assignment, empty where nothing is."""
    by_student: dict[str, dict[str, Result]] = {}
    most: dict[str, float] = {}
    for one in in_order(results):
        by_student.setdefault(one.student.login, {})[one.assignment] = one
        points = total_of(one, totals).most
        most[one.assignment] = max(points, most.get(one.assignment, 0.0))
    rows: list[Sequence[object]] = [(*CANVAS, *most)]
    rows.append((POSSIBLE, "", "", "", "", *most.values()))
    for login, own in sorted(by_student.items()):
        student = next(iter(own.values())).student
        graded = {name: total_of(one, totals).final for name, one in own.items() if one.processed}
        who = (student.name or login, student.lms_id, "", login, "")
        rows.append((*who, *(graded.get(name, "") for name in most)))
    return _csv(rows)


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([_cell(one) for one in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    """A number in full, or text in one line, after an apostrophe if it begins like a formula."""
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value)
    safe = text if text == POSSIBLE else one_line(text, 1000)
    return f"'{safe}" if text.startswith(FORMULA) or safe.startswith(FORMULA) else safe
