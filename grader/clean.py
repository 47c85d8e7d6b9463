"""Outputs and texts that a stranger wrote, made fit to be shown to those who mark them."""

import re
from html import escape
from typing import Any

import bleach
from bleach.css_sanitizer import CSSSanitizer
from nbformat import NotebookNode
from nbformat.v4 import new_output

IMAGES = ("image/png", "image/jpeg")
TEXTS = ("text/plain", "text/latex")
MARKUP = ("text/html", "text/markdown")
TAGS = {
    *bleach.ALLOWED_TAGS,
    *"p div span br hr pre table thead tbody tr th td caption sub sup dl dt dd".split(),
    *"h1 h2 h3 h4 h5 h6 details summary del s u small img".split(),
}
ATTRIBUTES = {"*": ["style", "align", "title"], "a": ["href"], "td": ["colspan", "rowspan"]}
_STYLES = CSSSanitizer(allowed_css_properties=["text-align", "color", "font-weight", "padding"])
VOID = ("br", "hr", "img", "col", "input", "meta", "link", "wbr", "area", "source")
MOST_MARKUP = 200_000
_TAG = re.compile(r"<(?:(/?)([a-zA-Z][^\s/<>]*)|[/!?])[^<>]*(.?)", re.DOTALL)
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)?", re.DOTALL)
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)


def clean_text(text: str) -> str:
    """Text without terminal escapes, control characters and half characters."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", _ESCAPES.sub("", text))


def clean_markup(text: str) -> str:
    """HTML or Markdown in which only harmless tags are left; others stand there as text."""
    text = clean_text(text)
    if not re.search(r"<[a-zA-Z/!?]", text):
        return text
    if len(text) > MOST_MARKUP or not _well_nested(text):
        return escape(text)
    attributes = {**ATTRIBUTES, "img": _image_attribute}
    return bleach.clean(text, tags=TAGS, attributes=attributes, css_sanitizer=_STYLES)


def _well_nested(text: str) -> bool:
    """Whether it is quickly parsed: what is wrongly nested, or deeply, takes a browser's rules,
    and time or memory that grow with the square of its length.
    """
    open_tags: list[str] = []
    wrong = 0
    for closing, name, end in _TAG.findall(text):
        name = name.lower()
        if not name or end != ">":  # a comment, or a tag in a tag: ends in it may not be ends
            wrong += 1
        elif not closing:
            open_tags += [] if name in VOID else [name]
        elif open_tags and open_tags[-1] == name:
            open_tags.pop()
        else:
            wrong += 1
        if wrong > 20 or len(open_tags) > 100:
            return False
    return True


def _image_attribute(tag: str, name: str, value: str) -> bool:
    """Images that came with the notebook, none from elsewhere."""
    return name in ("alt", "width", "height") or (
        name == "src" and value.startswith(("attachment:", "data:image/png", "data:image/jpeg"))
    )


def clean_output(output: Any) -> NotebookNode | None:
    """A harmless copy of one output of a cell; None where nothing of it can be kept."""
    kind = output.get("output_type") if isinstance(output, dict) else None
    if kind == "stream":
        return new_output(
            "stream", name=_name(output), text=clean_text(_joined(output.get("text")))
        )
    if kind == "error":
        texts = {key: clean_text(_joined(output.get(key))) for key in ("ename", "evalue")}
        lines = output.get("traceback")
        lines = lines if isinstance(lines, list) else []
        return new_output("error", **texts, traceback=[clean_text(str(line)) for line in lines])
    data = output.get("data") if isinstance(output, dict) else None
    if kind not in ("display_data", "execute_result") or not isinstance(data, dict):
        return None
    kept = {key: _joined(data[key]) for key in (*TEXTS, *MARKUP, *IMAGES) if key in data}
    kept |= {key: clean_text(kept[key]) for key in TEXTS if key in kept}
    kept |= {key: clean_markup(kept[key]) for key in MARKUP if key in kept}
    kept = {k: v for k, v in kept.items() if k not in IMAGES or re.fullmatch(r"[\w+/=\s]*", v)}
    count = {"execution_count": None} if kind == "execute_result" else {}
    return new_output(kind, data=kept, **count) if kept else None


def clean_outputs(outputs: Any) -> list[NotebookNode]:
    """Harmless copies of a cell's outputs."""
    found = [clean_output(output) for output in outputs] if isinstance(outputs, list) else []
    return [output for output in found if output is not None]


def _name(output: Any) -> str:
    return "stderr" if output.get("name") == "stderr" else "stdout"


def _joined(value: Any) -> str:
    """Text, which notebooks may keep as a list of lines."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
