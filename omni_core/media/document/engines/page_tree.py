"""Page trees of PDF that name other pages than there are, put right for MuPDF.

Poppler finds such pages by walking the tree whatever its counts and types say; so does this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_REFERENCE = re.compile(r"(\d+) \d+ R")
_INHERITED = ("Resources", "MediaBox", "CropBox", "Rotate")
_MAX_NODES = 100_000


def mend(doc: Any) -> None:
    """Make all pages that the tree leads to, or else all pages of the file, children of its root.

    Nothing is changed when there are none.
    """
    top = _referred(doc, -1, "Root") or next(iter(_of_type(doc, "/Catalog")), 0)
    if not top:
        return
    start = _referred(doc, top, "Pages")
    pages = dict(_leaves(doc, start))
    if not pages:
        pages = {n: {} for n in _of_type(doc, "/Page")}
    if not pages:
        return
    if start in pages or not start:
        start = doc.get_new_xref()
        doc.update_object(start, "<< >>")
        doc.xref_set_key(top, "Pages", f"{start} 0 R")
    doc.xref_set_key(-1, "Root", f"{top} 0 R")
    for page, inherited in pages.items():
        doc.xref_set_key(page, "Type", "/Page")
        doc.xref_set_key(page, "Parent", f"{start} 0 R")
        for key, value in inherited.items():
            if doc.xref_get_key(page, key)[0] == "null":
                doc.xref_set_key(page, key, value)
    kids = " ".join(f"{page} 0 R" for page in pages)
    doc.update_object(start, f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>")


def _leaves(doc: Any, root: int) -> Iterator[tuple[int, dict[str, str]]]:
    """The pages in order, each with what it inherits."""
    seen: set[int] = set()
    waiting: list[tuple[int, dict[str, str]]] = [(root, {})]
    while waiting and len(seen) < _MAX_NODES:
        node, inherited = waiting.pop()
        if node in seen or not 0 < node < doc.xref_length():
            continue
        seen.add(node)
        own = {key: doc.xref_get_key(node, key) for key in (*_INHERITED, "Kids", "Contents")}
        kind, kids = own["Kids"]
        if kind == "xref" and doc.xref_get_key(int(kids.split()[0]), "Kids")[0] == "null":
            kids = _array(doc, kids)
        if kind in ("array", "xref"):
            passed = {k: own[k][1] for k in _INHERITED if own[k][0] != "null"}
            children = [int(n) for n in _REFERENCE.findall(kids)]
            waiting += [(child, inherited | passed) for child in reversed(children)]
        elif own["Contents"][0] != "null" or own["MediaBox"][0] != "null":
            yield node, inherited


def _referred(doc: Any, node: int, key: str) -> int:
    """The number of the object that an entry refers to; 0 without one."""
    kind, value = doc.xref_get_key(node, key)
    number = int(value.split()[0]) if kind == "xref" else 0
    return number if 0 < number < doc.xref_length() else 0


def _of_type(doc: Any, name: str) -> list[int]:
    return [n for n in range(1, doc.xref_length()) if doc.xref_get_key(n, "Type") == ("name", name)]


def _array(doc: Any, reference: str) -> str:
    """An array that is an object of its own; the reference itself, if it is a page."""
    text: str = doc.xref_object(int(reference.split()[0]))
    return text if text.lstrip().startswith("[") else reference
