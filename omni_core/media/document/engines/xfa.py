"""What is filled in on an XFA form, which Adobe's programs alone lay out; the page that a PDF holds
in its place says no more than "Please wait"."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from omni_core.media.document.engines.base import Field

MAX_BYTES = 16 << 20
"""Bytes of a form that are read."""
MAX_FIELDS = 10_000
MAX_DEPTH = 100
_HTML = "{http://www.w3.org/1999/xhtml}"
"""The words of a field with formatting."""


def fields(form: bytes) -> list[Field]:
    """The filled fields of a form (its `datasets` or the whole of it), by their names in it; none
    for damaged XML or one with a DOCTYPE."""
    if len(form) > MAX_BYTES or b"<!" in form.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        return []
    try:
        root = ET.fromstring(form)  # noqa: S314
    except (ET.ParseError, ValueError, LookupError):
        return []
    found: list[Field] = []
    for data in (e for e in root.iter() if _name(e) == "datasets"):
        for child in (e for e in data if _name(e) == "data"):
            for field in _filled(child, 0):
                if len(found) == MAX_FIELDS:
                    return found
                found.append(field)
    return found


def _filled(element: ET.Element, depth: int) -> Iterator[Field]:
    inside = [e for e in element if isinstance(e.tag, str) and not e.tag.startswith(_HTML)]
    own = (element.text, *(e.tail for e in element))
    if not inside or any(text and text.strip() for text in own):
        if words := " ".join("".join(element.itertext()).split()):
            yield Field(_name(element), words)
    elif depth < MAX_DEPTH:
        for child in inside:
            yield from _filled(child, depth + 1)


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
