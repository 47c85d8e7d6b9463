"""Outputs and texts that a stranger wrote, made fit to be shown to those who mark them."""

import re
from collections.abc import Container
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from grader.words import clean_text

IMAGES = ("image/png", "image/jpeg")
TEXTS = ("text/plain", "text/latex")
MARKUP = ("text/html", "text/markdown")
TAGS = (
    *"a abbr b blockquote br caption code dd del details dl dt em h1 h2 h3 h4 h5 h6 hr i".split(),
    *"img li ol p pre s small span strong sub summary sup table tbody td th thead tr u ul".split(),
)
EMPTY = ("br", "hr", "img")
DEPTH = 50
LINKS = "https?://|mailto:|#"
IMAGE_DATA = "data:image/(?:png|jpeg);base64,"
_NAME = r"[\w:.-]++"
_VALUE = r"""(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=`]++)"""
_TAG = re.compile(
    rf"<(?:(/?)([a-z]\w*+)((?:\s++{_NAME}(?:={_VALUE})?)*+)\s*+/?>|(?=[a-z/!?]))", re.I
)
_ATTRIBUTE = re.compile(rf"({_NAME})=({_VALUE})", re.I)
_HARMLESS = re.compile(
    rf"""(?:href=(?:{LINKS})|src=(?:attachment:|{IMAGE_DATA})|(?:title|alt|align)=)[^"]*"""
    r"""|(?:width|height|colspan|rowspan)=[\w%]+|style=text-align:\s*\w+;?"""
)
_IMAGE = re.compile(rf"!(?=\[(?:[^][\\`<$]*\]\((?:({IMAGE_DATA})|attachment:([^)\s]+)\)))?)")
_LINK = re.compile(rf"\](?=[(:])(?!\(\s*(?:{LINKS}|attachment:|{IMAGE_DATA})|:\s*https?://)")


def clean_markup(text: str, attachments: Container[str] = ()) -> str:
    """HTML or Markdown in which only harmless tags and links are left; others stand as text.

    A space takes the meaning from what Markdown would take for a tag, an image or a link, so that
    `x<y` in a formula stays what it was. An image that is not attached would stop nbconvert.
    """
    *sheets, rest = re.split(r"(?i)</style\s*>", clean_text(text))
    text = "".join(re.split(r"(?i)<style\b", part, maxsplit=1)[0] for part in sheets) + rest
    text = _IMAGE.sub(lambda at: "!" if at[1] or at[2] in attachments else "! ", text)
    opened: list[str] = []
    text = _TAG.sub(lambda found: _tag(found, opened), _LINK.sub("] ", text))
    return text + "".join(f"</{name}>" for name in reversed(opened))


def _tag(found: re.Match[str], opened: list[str]) -> str:
    """A harmless tag; a space for a div, which could end the page's own; text for any other."""
    name, ends = (found[2] or "").lower(), bool(found[1])
    if name == "div":
        return " "
    if name not in TAGS or (name not in opened if ends else len(opened) >= DEPTH):
        return f"< {found[0][1:]}"
    if ends:
        opened.remove(name)
        return f"</{name}>"
    if name not in EMPTY:
        opened.append(name)
    pairs = [(key.lower(), value.strip("\"'")) for key, value in _ATTRIBUTE.findall(found[3])]
    kept = [f' {key}="{value}"' for key, value in pairs if _HARMLESS.fullmatch(f"{key}={value}")]
    return f"<{name}{''.join(kept)}>"


def clean_output(output: Any) -> NotebookNode | None:
    """A harmless copy of one output of a cell; None where nothing of it can be kept."""
    kind = output.get("output_type") if isinstance(output, dict) else None
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return new_output("stream", name=name, text=clean_text(_joined(output.get("text"))))
    if kind == "error":
        texts = {key: clean_text(_joined(output.get(key))) for key in ("ename", "evalue")}
        found = output.get("traceback")
        lines = [line for line in found if isinstance(line, str)] if isinstance(found, list) else []
        return new_output("error", **texts, traceback=[clean_text(line) for line in lines])
    data = output.get("data") if kind else None
    if kind not in ("display_data", "execute_result") or not isinstance(data, dict):
        return None
    kept = {key: clean_text(_joined(data[key])) for key in TEXTS if key in data}
    kept |= {key: clean_markup(_joined(data[key])) for key in MARKUP if key in data}
    kept |= _images(data)
    count = {"execution_count": None} if kind == "execute_result" else {}
    return new_output(kind, data=kept, **count) if kept else None


def clean_outputs(outputs: Any) -> list[NotebookNode]:
    """Harmless copies of a cell's outputs."""
    found = [clean_output(output) for output in outputs] if isinstance(outputs, list) else []
    return [output for output in found if output is not None]


def clean_attachments(found: Any) -> dict[str, dict[str, str]]:
    """The images among what is attached to a cell, where nbconvert would find them by name."""
    items = found.items() if isinstance(found, dict) else ()
    kept = {name: _images(data) for name, data in items if re.fullmatch(r"[A-Za-z0-9_.%-]+", name)}
    return {name: data for name, data in kept.items() if data}


def _images(data: Any) -> dict[str, str]:
    found = {key: _joined(data.get(key)) for key in IMAGES} if isinstance(data, dict) else {}
    return {key: text for key, text in found.items() if re.fullmatch(r"[A-Za-z0-9+/=\s]+", text)}


def _joined(value: Any) -> str:
    """Text, which notebooks may keep as a list of lines."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
