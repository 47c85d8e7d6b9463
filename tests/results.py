"""Made-up results, and readers of pages that say what stands in them, for tests of the reports."""

import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

from grader.report import Total
from grader.result import Mark, Result, Student
from grader.verdict import GroupResult, Verdict

WORD = "word"
TRICKS = {
    "script": "<script>alert(1)</script>",
    "handler": "\"><img src=x onerror=alert(1)> '><b onmouseover='alert(1)'>",
    "frame": '</td></table></style></title><iframe src="https://evil.example"></iframe>',
    "link": '<a href="javascript:alert(1)">x</a> [x](javascript:alert(1)) <javascript:alert(1)>',
    "svg": "<svg onload=alert(1)><use href='https://evil.example/#x'/></svg><math><mi href=x>",
    "comment": "--> <!-- ]]> <![CDATA[ <?php &lt;script&gt; &#60;b&#62; {{ 7 * 7 }} {% raw %}",
    "markdown": "a | b\n|---|\n![x](https://evil.example/p.png) `c` **d** <details> # e ~~~",
    "terminal": "\x1b[2J\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\x\x9b31mred\x08\x7f",
    "formula": '=HYPERLINK("https://evil.example";"x")',
    "command": "::error::x\r::set-env name=A::b\n%0A::stop-commands::x",
    "lines": "a\r\nb\nc\rd\x85e\u2028f\u2029g\x0bh\x0ci",
    "controls": "a\x00b\x01c\x1fd\ufffee\uffff",
    "halves": "a\ud800b\udfffc",
    "overrides": "a\u202egnp.exe\u2066b\u2069\u202dc",
}


def verdict(exercise="gae", points=1.0, out_of=3.0, **others):
    groups = (GroupResult("a", points, points), GroupResult("b", 0.0, out_of - points))
    return Verdict(exercise, points, out_of, groups, **others)


def mark(cell="test_gae", most=3.0, auto=3.0, **others):
    return Mark(cell, most, auto, **others)


def written(cell="written_1", most=2.0, auto=None, **others):
    return Mark(cell, most, auto, by_hand=True, **others)


def result(login="ada", *marks, assignment="04_gae", name="", lms_id="", **others):
    return Result(Student(login, name, lms_id), assignment, marks, **others)


def total(score, most=3.0, waiting=False, penalty=0.0):
    return Total(score, most, waiting, penalty)


def hostile(trick):
    """A result with the trick wherever somebody else than the grader may have chosen the text."""
    texts = {"where": trick, "difference": trick, "misconception": trick, "hint": trick}
    marks = (
        mark(trick, auto=0.0, code=trick, text=trick, verified=False),
        mark(auto=1.0, code="wrong", text=trick, verdict=verdict(trick, **texts)),
        written(trick),
    )
    whole = {
        "reasons": (trick,),
        "repairs": (trick,),
        "notes": (trick,),
        "problem": trick,
        "sandboxed": False,
    }
    return result(trick, *marks, assignment=trick, name=trick, lms_id=trick, late=True, **whole)


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text without style."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.parts = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if not self.tags or self.tags[-1][0] != "style":
            self.parts.append(data)

    @property
    def shape(self):
        """Names of tags and attributes, in order."""
        return [(tag, *attributes) for tag, attributes in self.tags]

    @property
    def words(self):
        """Its text, with a space wherever a tag stands."""
        return " ".join(" ".join(self.parts).split())


def active(text):
    """What in a page could run, load, or lead somewhere else than to a web page."""
    found = []
    for tag, attributes in Page(text).tags:
        found += (
            [tag] if tag in "script iframe object embed svg math form base link".split() else []
        )
        for name, value in attributes.items():
            value = value or ""
            links = name == "href" and not re.match(r"https?://|mailto:|#|data:image/png;", value)
            loads = name == "src" and not re.match(r"data:image/(png|jpeg);base64,", value)
            style = name == "style" and not re.fullmatch(r"text-align: ?\w+;?", value)
            if links or loads or style or name.startswith("on") or name in ("srcdoc", "srcset"):
                found.append(f"{tag} {name}={value}")
    return found


def steering(text):
    """Characters that steer a reader or cannot be written."""
    marks = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\ufffe", "\uffff"}
    kinds = ("Cc", "Cs", "Zl", "Zp")
    return {
        one
        for one in text
        if one not in "\n\t" and (unicodedata.category(one) in kinds or one in marks)
    }


def strings(value):
    """Every string in plain data."""
    if isinstance(value, dict | list):
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        return [text for part in parts for text in strings(part)]
    return [value] if isinstance(value, str) else []


def names_below(folder: Path):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
