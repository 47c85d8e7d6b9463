"""All attacks, and the table of them: `python tests/attacks/catalogue.py` writes README.md."""

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    import rlcore  # noqa: F401 - before tests/rlcore can stand in for it

    sys.path.insert(0, str(HERE.parent))

from attacks.attack import POINTS, Attack  # noqa: E402
from attacks.examples import EXAMPLES  # noqa: E402

ROWS = tuple(import_module(f"attacks.{path.stem}") for path in sorted(HERE.glob("row_*.py")))
ATTACKS: tuple[Attack, ...] = tuple(attack for row in ROWS for attack in row.ATTACKS)


def first_of(row: int, example: str) -> Attack:
    """The first attack that realises an example."""
    known = [a for a in ATTACKS if a.row == row]
    exact = [a for a in known if a.example == example]
    return next(a for a in exact + known if a.example.startswith(example))


FIRST = tuple(dict.fromkeys(first_of(r, e) for r, some in EXAMPLES.items() for e in some))
"""One for each example: what is graded unless ATTACKS=all asks for every variant."""

HEAD = """# What the grader has withstood

Hostile and broken submissions, graded in one class with an honest one that has every point and an
honest one that has none; `test_attacks.py` says what must hold. Each attacker gets what its honest
work earns: *points* are the whole notebook's, by machine, out of {most} (04) or {most_03} (03). One
of the *codes* is on the attacked exercise or on the whole submission; no code: nothing is held
against it. An example is in the words of the list of attacks, then what this submission tries.

In bold, one for each example: what every run of the tests grades. ATTACKS=all grades all of them.
Written by `python tests/attacks/catalogue.py`; {count} submissions.
"""


def table() -> str:
    """README.md."""
    most, most_03 = (sum(points.values()) for points in POINTS.values())
    lines = [HEAD.format(most=f"{most:g}", most_03=f"{most_03:g}", count=len(ATTACKS))]
    for module in ROWS:
        row = module.ATTACKS[0].row
        heading = (module.__doc__ or "").splitlines()[0].partition(": ")[2]
        lines += [f"## {row} · {heading}\n"]
        lines += ["| example | submission | aims at | points | codes |", "|---|---|---|---|---|"]
        lines += [_line(attack) for attack in module.ATTACKS]
        lines += [""]
    return "\n".join(lines)


def _line(attack: Attack) -> str:
    points = "refused" if attack.expected is None else f"{sum(attack.points().values()):g}"
    codes = ", ".join(code for code in attack.codes if code)
    parts = (
        attack.example,
        f"**`{attack.name}`**" if attack in FIRST else f"`{attack.name}`",
        f"`{attack.aims_at}`",
        points,
        codes,
    )
    return "| " + " | ".join(_plain(part) for part in parts) + " |"


def _plain(text: str) -> str:
    """Text that a table of Markdown shows as it is."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return (
        shown.replace("|", "\\|").replace("<", "&lt;")
        if "`" not in text
        else shown.replace("|", "\\|")
    )


if __name__ == "__main__":
    (HERE / "README.md").write_text(table(), encoding="utf-8")
