"""Who worked together: the names in a notebook, and whose of the class they are."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from nbformat import NotebookNode

from grader.result import Result, Student

_TEAM = re.compile(
    r"^TEAM[ \t]*(?::[^=\n]*)?=(?!=)[ \t]*((?:\[[^\]]{0,500}\]|\([^)]{0,500}\)|).{0,500})",
    re.MULTILINE,
)
_LOGIN = re.compile(r"\w[\w.@+-]{0,63}")


def team(notebook: NotebookNode) -> tuple[tuple[str, ...], list[str]]:
    """The logins in `TEAM = [...]`, and what to say where they cannot be read."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and (found := _TEAM.search(cell.source)):
            try:
                return _logins(found[1]), []
            except Exception:  # a student's text can fail in more ways than Python documents
                return (), ["TEAM is no list of one or two logins, so nobody else gets the marks"]
    return (), []


def _logins(text: str) -> tuple[str, ...]:
    """The names in a list or tuple; the text is short, so that parsing it is safe."""
    names = ast.literal_eval(text)
    logins = tuple(name.strip() for name in names if name.strip())
    fit = isinstance(names, list | tuple) and len(logins) <= 2
    if not fit or not all(map(_LOGIN.fullmatch, logins)):
        raise ValueError
    return logins


def classmates(
    submitted: Path, before: Iterable[Result], now: Iterable[Student | None]
) -> dict[str, Student]:
    """Whoever has handed in something, now or before, by login."""
    there = [one.student for one in before if (submitted / one.student.login).is_dir()]
    return {one.login: one for one in [*there, *now] if one}


def mates(result: Result, known: Mapping[str, Student]) -> Iterator[tuple[Student, list[str]]]:
    """Whoever a result's notebook names, and what to say if nobody in the class is called so."""
    for name in result.team:
        if found := _member(name, known):
            yield found, []
        else:
            login = result.student.login
            yield Student(name), [f"TEAM of {login} names {name}, as nobody in the class is called"]


def _member(name: str, known: Mapping[str, Student]) -> Student | None:
    """The one with this login, else the only one whose login is it but for case and number."""
    same = [one for login, one in known.items() if name.casefold() in _short(login)]
    return known.get(name) or (same[0] if len(same) == 1 else None)


def _short(login: str) -> tuple[str, str]:
    return login.casefold(), re.sub(r"_\d+$", "", login.casefold())
