"""ODT and formulas: the whole text, with headers, footers and fields."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from omni_core.media.document.document_lines import (
    DocumentText,
    Line,
    NumberedPictures,
    joined,
)
from omni_core.media.document.odf_package import CONTENT, STYLES, Odf
from omni_core.media.document.odf_text import After, OdfText, formula_lines
from omni_core.media.document.pictures import Pictures
from omni_core.media.document.zipped_xml import attribute, local


def margins(root: ET.Element | None, text: OdfText) -> list[After]:
    """The distinct lines and pictures of the headers and footers of all page styles."""
    found: dict[After, None] = {}
    for e in root.iter() if root is not None else ():
        if local(e) == "master-page":
            for part in e:
                if local(part).startswith(("header", "footer")):
                    found |= dict.fromkeys(text.everything(part))
    return list(found)


def form_lines(root: ET.Element) -> list[str]:
    """The labels and values of the form's fields."""
    found = []
    for forms in (e for e in root.iter() if local(e) == "forms"):
        for field in forms.iter():
            value = attribute(field, "current-value")
            label = attribute(field, "label") or (attribute(field, "title") if value else "")
            if line := ": ".join(" ".join(part.split()) for part in (label, value) if part):
                found.append(line)
    return found


def document_text(odf: Odf, shown: Pictures) -> DocumentText:
    """The text of an ODT in reading order, one block a line, its headings and its pictures.

    Footnotes, comments, text boxes, charts and pictures follow the block that they stand in;
    endnotes, headers, footers, form fields and the description come last.
    """
    root, styles = odf.package.xml(CONTENT), odf.package.xml(STYLES)
    text, numbered = OdfText(odf, styles, root), NumberedPictures(shown)
    lines: list[Line] = []
    body = next((e for e in root.iter() if local(e) == "body"), None) if root is not None else None
    if root is not None and local(root) == "math":
        lines += [Line(line) for line in formula_lines(root, source=True)]
    for block in text.blocks(body) if body is not None else ():
        if block.text:
            lines.append(Line(block.text, block.heading))
        for one in block.after:
            lines += numbered.line_of(one)
    for one in (*text.endnotes, *margins(styles, text)):
        lines += numbered.line_of(one)
    lines += [Line(line) for line in (form_lines(body) if body is not None else ())]
    if any(line.picture is None for line in lines):  # a stack of scans stays one
        lines += [Line(line) for line in odf.about().lines]
    return joined(lines)
