"""Verdicts in words: for a terminal, for a notebook, and in one line for a table."""

import re
from html import escape

from grader.verdict import GroupResult, Verdict

MIME = "application/vnd.rlcore.verdict+json"
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)?", re.DOTALL)
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\uffff]"
)


def sentence(verdict: Verdict) -> str:
    """What is wrong and what to think about; empty for a full score."""
    if verdict.correct:
        return ""
    if verdict.unwritten:
        return "It is not written yet."
    what = _ended(verdict.difference)
    parts = [f"Wrong {verdict.where}: {what}" if verdict.where else what[:1].upper() + what[1:]]
    if verdict.misconception:
        parts.append(f"These are the numbers one gets when {_ended(verdict.misconception)}")
    if verdict.hint:
        parts.append(verdict.hint)
    return " ".join(parts)


def headline(verdict: Verdict, label: str = "") -> str:
    """Mark, name and points: `✘ gae: 2 of 5 points`."""
    mark = "✔" if verdict.correct else "✘"
    points = score(verdict.points, verdict.max_points)
    return f"{mark} {verdict.exercise}{label}: {points} points"


def in_short(verdict: Verdict) -> str:
    """One line for a table of many."""
    if verdict.correct:
        return ""
    if verdict.unwritten:
        return f"{verdict.exercise}: not written"
    where = f"{verdict.where}: " if verdict.where else ""
    return f"{verdict.exercise}: {verdict.misconception or where + verdict.difference}"


def as_text(verdict: Verdict, label: str = "") -> str:
    """Headline, one line per group, and the sentence."""
    lines = [headline(verdict, label)]
    if not verdict.unwritten:
        lines += [f"    {_mark(g)} {g.name} ({number(g.points)})" for g in verdict.groups]
    words = sentence(verdict)
    return "\n".join([*lines, *([words] if words else [])])


def as_html(verdict: Verdict, label: str = "") -> str:
    """The same as a small table, in the notebook's own colours."""
    rows = "".join(
        f"<tr><td>{_mark(group)}</td>"
        f'<td style="text-align:left; padding:0 1em">{escape(group.name)}</td>'
        f"<td>{number(group.earned)} / {number(group.points)}</td></tr>"
        for group in ([] if verdict.unwritten else verdict.groups)
    )
    words = sentence(verdict)
    return (
        f"<div><b>{escape(headline(verdict, label))}</b>"
        + (f"<table>{rows}</table>" if rows else "")
        + (f'<p style="max-width:46em">{escape(words)}</p>' if words else "")
        + "</div>"
    )


def score(points: float, out_of: float) -> str:
    """`1.5 of 5`."""
    return f"{number(points)} of {number(out_of)}"


def in_points(points: float, out_of: float) -> str:
    """`1.5 of 5 points`."""
    return f"{number(points)} of {many(out_of, 'point')}"


def many(value: float, noun: str) -> str:
    """`1 point`, `1.5 points`."""
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"


def number(value: float) -> str:
    """`5`, `1.5`."""
    return f"{value:.4g}"


def clean_text(text: str) -> str:
    """Text without terminal escapes, control characters, overrides and half characters."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", _ESCAPES.sub("", text))


def printable(text: str) -> str:
    """Text whose control characters cannot steer a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _mark(group: GroupResult) -> str:
    return "✔" if group.earned == group.points else "✘"


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
