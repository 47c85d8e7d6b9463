"""Whatever a stranger's cell says or shows, it is text; what is harmless stays as it was."""

import time
from types import SimpleNamespace

import nbformat
import pytest
from nbconvert.filters.markdown_mistune import (
    IPythonRenderer,
    MarkdownWithMath,
    markdown2html_mistune,
)
from nbformat.v4 import new_markdown_cell, new_notebook
from results import TRICKS, Page, active, steering, strings

from grader.clean import clean_attachments, clean_markup, clean_output, clean_outputs
from grader.grading import shown

PNG = {"image/png": "iVBORw0KGgo="}
LIVE = [
    "[x](javascript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](JAVASCRIPT&colon;alert(1))",
    "[x](javascript\\:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](\n  vbscript:x)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x]\n\n[x]: javascript:alert(1)",
    "[a][x]\n\n> [x]: data:text/html,x",
    "[x]<div>(javascript:alert(1))",
    "[x]<style></style>(javascript:alert(1))",
    "<javascript:alert(1)>",
    "![x](https://evil.example/p.png)",
    "![x][1]\n\n[1]: https://evil.example/p.png",
    "![[a](data:image/png;base64,A)](https://evil.example/p.png)",
    "![a\\](data:image/png;base64,A)](https://evil.example/p.png)",
    "![`](data:image/png;base64,`](https://evil.example/p.png)",
    "!<div>[x](https://evil.example/p.png)",
    "<img src=https://evil.example/p.png>",
    "<img src='data:image/svg+xml;base64,AAAA'>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href=java\tscript:alert(1)>x</a>",
    "<a href='https://x' onclick='alert(1)'>x</a>",
    "<b/onmouseover=alert(1)>x</b>",
    '<b title="`" onmouseover=alert(1)>` x',
    '<b title="<script>alert(1)</script>">x',
    '<p style="background:url(https://evil.example)">x',
    '<p style="text-align:left;position:fixed">x',
    "<<div>script>alert(1)</script>",
    "<<style></style>script>alert(1)</script>",
    "<scr<b>ipt>alert(1)</script>",
    "<ſcript>alert(1)</ſcript>",
    "<template><script>alert(1)</script></template>",
    "<form action=https://evil.example><input name=x autofocus onfocus=alert(1)>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'><base href=//evil.example>",
]


def rendered(text, attachments=None):
    """Markdown as nbconvert shows it."""
    cleaned = clean_markup(text, attachments or {})
    renderer = IPythonRenderer(escape=False, attachments=attachments or {})
    return str(MarkdownWithMath(renderer=renderer).render(cleaned))


@pytest.mark.parametrize("trick", [*TRICKS.values(), *LIVE])
def test_markdown_is_dead_when_it_is_shown(trick):
    assert active(rendered(trick)) == []
    assert not steering(clean_markup(trick).replace("\r", ""))


@pytest.mark.parametrize("trick", [*TRICKS.values(), *LIVE])
def test_html_is_dead_as_it_stands(trick):
    output = clean_output({"output_type": "display_data", "data": {"text/html": [trick]}})
    assert active(output.data["text/html"]) == []


@pytest.mark.parametrize(
    "trick", ["<b>", "<a href='https://x'>", "<details><ul><li>", "<b><i></b>"]
)
def test_no_tag_reaches_beyond_its_cell(trick):
    text = clean_markup(trick)
    assert all(text.count(f"<{tag}") == text.count(f"</{tag}>") for tag, _ in Page(text).tags)


def test_no_tag_ends_what_stands_around_its_cell():
    assert "</" not in clean_markup("</div></p></body><li><div><li></div>").replace("</li>", "")


@pytest.mark.parametrize(
    "text",
    [
        "$x<y$ and $a<b$ and $y>x$ & more",
        "a [link](https://arxiv.org/abs/1506.02438), <br> H<sub>2</sub>O",
        "> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |",
        "![plot](data:image/png;base64,AAAA)",
        '<img src="data:image/png;base64,AAAA" width="5">',
        '<table border="1" class="x"><tr style="text-align: right;"><th>1</th></tr></table>',
        "[text]: a colon, x[0] (y), `d[k]: v`",
    ],
)
def test_honest_markdown_looks_as_before(text):
    before = Page(markdown2html_mistune(text))
    after = Page(rendered(text))
    assert [tag for tag, _ in after.tags] == [tag for tag, _ in before.tags]
    assert after.words.replace(" ", "") == before.words.replace(" ", "")


def test_a_pandas_table_keeps_its_numbers_and_loses_its_style_sheet():
    text = clean_markup("<div><style scoped>.dataframe { x: y }</style><table><td>1.5</td></table>")
    assert Page(text).words == "1.5"


def test_a_pasted_image_is_kept():
    text = rendered("![image.png](attachment:image.png)", {"image.png": PNG})
    assert Page(text).tags[1] == (
        "img",
        {"src": f"data:image/png;base64,{PNG['image/png']}", "alt": "image.png"},
    )


@pytest.mark.parametrize("name", ["gone.png", "", "a&#46;png", "a.png 't'"])
def test_an_image_that_is_not_attached_stops_nobody(name):
    assert "img" not in dict(Page(rendered(f"![x](attachment:{name})", {"a.png": PNG})).tags)


@pytest.mark.parametrize("found", [None, [], {"a.png": None}, {"a.png": {}}, {"é.png": PNG}])
def test_attachments_that_are_none_are_left_out(found):
    assert clean_attachments(found) == {}


def test_attachments_are_images_and_nothing_else():
    svg, broken = {"image/svg+xml": "PHN2Zz4="}, {"image/jpeg": '" onerror="alert(1)'}
    assert clean_attachments({"a.png": PNG | svg | broken, "b.svg": svg}) == {"a.png": PNG}


def test_the_notebook_for_the_marker_holds_only_attachments_that_can_be_shown():
    cells = [new_markdown_cell("![a](attachment:a.png) ![b](attachment:b.svg)") for _ in range(2)]
    cells[0].attachments = {"a.png": PNG, "b.svg": {"image/svg+xml": "PHN2Zz4="}}
    notebook = shown(new_notebook(cells=cells), SimpleNamespace(found={}))
    assert notebook.cells[0].attachments == {"a.png": PNG}
    assert notebook.cells[0].source == "![a](attachment:a.png) ! [b](attachment:b.svg)"
    assert "attachments" not in notebook.cells[1]
    nbformat.validate(notebook)


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
@pytest.mark.parametrize("kind", ["stream", "error", "text/plain", "text/latex"])
def test_texts_of_outputs_steer_no_terminal(kind, trick):
    data = {"text": [trick], "ename": trick, "evalue": trick, "traceback": [trick, trick]}
    mime = {"output_type": "display_data", "data": {kind: trick}}
    output = clean_output(mime if "/" in kind else {"output_type": kind, **data})
    assert not steering("".join(strings(output)).replace("\r", ""))


@pytest.mark.parametrize(
    "mime", ["image/svg+xml", "application/javascript", "application/vnd.rlcore.verdict+json"]
)
def test_outputs_that_run_or_pass_for_verdicts_are_left_out(mime):
    data = {mime: "<svg onload=alert(1)>"}
    assert clean_output({"output_type": "display_data", "data": data}) is None
    kept = clean_output({"output_type": "execute_result", "data": {**data, "text/plain": "x"}})
    assert dict(kept.data) == {"text/plain": "x"}


def test_images_are_kept_where_they_are_data():
    good, bad = PNG, {"image/jpeg": 'A" onerror="alert(1)'}
    output = clean_output({"output_type": "display_data", "data": {**good, **bad}})
    assert dict(output.data) == good


@pytest.mark.parametrize(
    "junk",
    [
        *(None, 7, "text", {}, {"output_type": "stream"}, {"output_type": "update"}),
        {"output_type": "error", "traceback": 5, "ename": [1], "evalue": {}},
        {"output_type": "display_data", "data": [1]},
        {"output_type": "display_data", "data": {"text/html": {"a": 1}, "image/png": 3}},
    ],
)
def test_outputs_of_no_known_form_stop_nobody(junk):
    for output in clean_outputs([junk]):
        nbformat.validate(new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])]))
    assert clean_outputs(junk) == []


@pytest.mark.parametrize(
    "text",
    [
        "<div>",
        "<b>",
        "<p",
        "![",
        "](",
        "<style",
        "</style ",
        "\x1b[",
        "\x1b]",
        '<p title="',
        "<p a=1",
    ],
)
def test_cleaning_takes_no_longer_than_reading(text):
    started = time.process_time()
    clean_markup(f"<p {'a=1 ' * 50_000}>" + text * 200_000)
    assert time.process_time() - started < 5.0


MUCH = {
    "nested": "<div>" * 30_000,
    "nested in a table": "<table>" * 10_000,
    "formatting left open": "".join(f"<p><b title={k}></p>" for k in range(8000)),
    "ends in attributes": '<b title="</b>">' * 10_000,
    "ends in comments": "<b><!--</b>-->" * 10_000,
    "long": "<b>x</b>" * 100_000,
    "tags that do not end": "<a " * 60_000,
    "self-closing": "<b/>" * 20_000,
}


@pytest.mark.parametrize("text", MUCH.values(), ids=MUCH)
def test_much_markup_is_cleaned_in_little_time(text):
    begun = time.process_time()
    clean_markup(text)
    assert time.process_time() - begun < 2.0


def test_a_comparison_in_a_sentence_is_no_markup():
    assert clean_markup("if a < b and b > c, *then*") == "if a < b and b > c, *then*"


def test_a_traceback_that_is_none_is_left_out():
    output = clean_output({"output_type": "error", "ename": 1, "evalue": None, "traceback": 5})
    assert output is not None and output.traceback == []
