"""Row 12: whoever reads the results, in a browser, a spreadsheet, a parser or a terminal.

`rlcorexss` stands wherever something could run: nowhere but in plain text may it be found.
"""

from dataclasses import replace

import nbformat
from attacks.attack import TD, ZEROS, Attack, cells, gae, hand_in, honest_work

from grader.execute import cell_by_id

SCRIPT = "</pre></textarea></style><script>rlcorexss()</script>"
HANDLER = '"\'><img src=x onerror="rlcorexss()" onload=rlcorexss()>'


def _shows(name: str, example: str, code: str, *codes: str) -> Attack:
    make = cells({"gae": ZEROS}, behind={"gae": "from IPython.display import *\n" + code})
    return Attack(name, 12, example, make, TD, codes or ("wrong",))


def _raises(name: str, example: str, text: str) -> Attack:
    """The text stands in what an answer raises, and so in comment, report and CSV."""
    answer = gae(f"raise ValueError({text!r})")
    return Attack(name, 12, example, cells({"gae": answer}), TD, ("wrong", "raises"))


def _named(name: str, example: str) -> Attack:
    """The name of the student is the attack."""
    return Attack(name, 12, example, cells({"gae": ZEROS}, armed=False), TD)


def _kept(folder, solved, released) -> None:  # type: ignore[no-untyped-def]

    notebook = honest_work(solved, released, TD)
    figure, answer = cell_by_id(notebook, "figure_residuals"), cell_by_id(notebook, "gae")
    assert figure is not None and answer is not None
    answer.source = ZEROS
    kinds = ("text/html", "image/svg+xml", "text/markdown", "application/javascript", "text/latex")
    figure.outputs = [
        nbformat.v4.new_output("display_data", {kind: SCRIPT + HANDLER}) for kind in kinds
    ]
    figure.outputs.append(nbformat.v4.new_output("stream", text=SCRIPT + HANDLER + "\x1b[2J"))
    hand_in(folder, notebook)


ATTACKS = (
    _shows("a12-script", "<script>", f"print({SCRIPT!r})\ndisplay(HTML({SCRIPT!r}))"),
    _shows("a12-handlers", "event handlers", f"print({HANDLER!r})\ndisplay(HTML({HANDLER!r}))"),
    _shows(
        "a12-iframes",
        "iframes",
        """
        for tag in ("iframe", "object", "embed", "frame", "portal"):
            display(HTML(f'<{tag} src="javascript:rlcorexss()" data="javascript:rlcorexss()">'))
        display(HTML('<iframe srcdoc="<script>rlcorexss()</script>"></iframe>'))
        display(HTML('<meta http-equiv="refresh" content="0;url=javascript:rlcorexss()">'))
        display(HTML('<form action="javascript:rlcorexss()"><button>5 points</button></form>'))
        display(HTML('<base href="javascript:rlcorexss()//"><link rel=stylesheet href=rlcorexss>'))
        """,
    ),
    _shows(
        "a12-svg",
        "SVG",
        """
        svg = '<svg onload="rlcorexss()"><script>rlcorexss()</script>'
        svg += '<a href="javascript:rlcorexss()">'
        svg += '<animate onbegin="rlcorexss()"/><foreignObject><iframe srcdoc="rlcorexss"/>'
        display({"image/svg+xml": svg + "</foreignObject></a></svg>"}, raw=True)
        """,
    ),
    _shows(
        "a12-markdown",
        "Markdown tricks",
        """
        display(Markdown("[five points](javascript:rlcorexss()) ![x](x\\" onerror=\\"rlcorexss())"))
        display(Markdown("<script>rlcorexss()</script>\\n\\n<details open ontoggle=rlcorexss()>"))
        display(Latex("$$\\\\href{javascript:rlcorexss()}{x}$$"))
        """,
    ),
    _shows(
        "a12-javascript",
        "<script>, as a kind of output of its own",
        """
        display(Javascript("rlcorexss()"))
        display({"application/javascript": "rlcorexss()", "text/plain": ""}, raw=True)
        widget = {"model_id": "</script><script>rlcorexss()</script>", "version_major": 2}
        display({"application/vnd.jupyter.widget-view+json": widget}, raw=True)
        """,
    ),
    _shows(
        "a12-images",
        "event handlers in images",
        """
        png = 'AAAA" onerror="rlcorexss()'
        display({"image/png": png, "image/jpeg": png}, raw=True)
        size = {"width": '1" onload="rlcorexss()'}
        display({"image/png": "AAAA"}, raw=True, metadata={"image/png": size})
        """,
    ),
    Attack(
        "a12-written",
        12,
        "<script> and Markdown tricks in a written answer",
        cells(
            {
                "gae": ZEROS,
                "written_1": f"# {SCRIPT}\n{HANDLER}\n[x](javascript:rlcorexss())",
                "written_2": "<style>.points{display:none}</style><marquee onstart=rlcorexss()>5",
            }
        ),
        TD,
    ),
    Attack(
        "a12-source",
        12,
        "<script> in the source of an answer",
        cells({"gae": f"# {SCRIPT} {HANDLER}\n{ZEROS}"}),
        TD,
    ),
    Attack(
        "a12-kept-outputs",
        12,
        "<script> in outputs that are kept as they were handed in",
        _kept,
        TD,
    ),
    _raises("a12-script-in-error", "<script> in class report and feedback", SCRIPT),
    _raises("a12-handler-in-error", "event handlers in class report and feedback", HANDLER),
    _raises(
        "a12-terminal", "terminal escapes in outputs", "\x1b[2J\x1b]0;owned\x07\x1b[8m\x9b31m\r\b"
    ),
    _raises("a12-formula", "CSV (formulas)", "=HYPERLINK(1,2)\t+1-1@SUM(1)"),
    _raises("a12-xml", "XML", "]]></failure><testcase name='x'/>\x00\x08\ufffe &rlcore;"),
    _raises("a12-annotation", "a terminal: GitHub's commands", "x\n::error::rlcore%0A::set-output"),
    _raises("a12-table", "Markdown tricks in a step summary", "| x |\n|---|\n<img src=x>`rlcore`"),
    _raises("a12-overrides", "text that runs backwards", "\u202e\u2066 5 fo 5 \u2069\u200b"),
    replace(
        _named("a12-\x1bcred\x9b31m", "terminal escapes in names"),
        expected=None,
        codes=("unsafe-path", "unknown-student"),
    ),
    _named("=1+1|cmd", "CSV (formulas) in names"),
    _named("a12-<img src=x onerror=rlcorexss()>", "event handlers in names"),
    _named("a12-'\";drop table student", "quotes in names"),
)
